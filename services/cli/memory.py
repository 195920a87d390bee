"""Memory of a process tree, counted fairly: shared pages belong to nobody twice."""

import psutil


def tree_bytes(pid: int) -> int:
    """Proportional set size of a process and all its descendants, in bytes."""
    try:
        root = psutil.Process(pid)
        processes = [root, *root.children(recursive=True)]
    except psutil.NoSuchProcess:
        return 0
    return sum(_bytes_of(process) for process in processes)


def _bytes_of(process: psutil.Process) -> int:
    try:
        return int(process.memory_full_info().pss)
    except psutil.Error:
        return 0
