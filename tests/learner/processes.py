"""Learners as processes of their own, forked from a server that has imported the libraries once."""

import multiprocessing
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from multiprocessing.context import ForkServerProcess
from pathlib import Path

_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(["learner.__main__", "transformers.models.qwen3.modeling_qwen3"])


def _main(environment: Mapping[str, str], log: Path) -> None:
    os.environ.update(environment)
    with log.open("ab") as file:
        os.dup2(file.fileno(), 2)
    from learner.__main__ import main

    main()


def start(
    settings: Mapping[str, object], log: Path, job: Mapping[str, str] | None = None
) -> ForkServerProcess:
    """A learner with these settings (without their prefix), and what torchrun would tell it of its job."""
    environment = {f"PODIUM_LEARNER_{name.upper()}": str(value) for name, value in settings.items()}
    environment |= job or {}
    process = _context.Process(target=_main, args=(environment, log))
    process.start()
    return process


def run(settings: Mapping[str, object], log: Path, timeout_s: float = 30.0) -> int:
    """Exit code of a learner that runs to its end; negative for a signal."""
    with started(settings, log) as process:
        process.join(timeout_s)
        if process.exitcode is None:
            raise TimeoutError(f"the learner still runs after {timeout_s} s:\n{log.read_text()}")
        return process.exitcode


@contextmanager
def started(settings: Mapping[str, object], log: Path) -> Iterator[ForkServerProcess]:
    process = start(settings, log)
    try:
        yield process
    finally:
        process.kill()
        process.join()
