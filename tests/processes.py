"""Looks at the processes of this machine: boxes of a given owner, and marked commands in them."""

from pathlib import Path


def box_processes(owner: int) -> list[int]:
    """Processes of boxes that `owner` started: it is their parent, or was."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            line = (entry / "cmdline").read_bytes()
            parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
        if b"--unshare-all" in line and parent == owner:
            found.append(int(entry.name))
    return found


def marked(mark: str) -> bool:
    """Whether any process of the machine has `mark` in its command line."""
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if mark.encode() in entry.read_bytes():
                return True
        except OSError:
            continue
    return False
