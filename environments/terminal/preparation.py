"""What happens in the agent's sandbox before a step and after it."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from shlex import quote

from environments.ending import Ending
from environments.terminal.evidence import Found, found
from environments.terminal.harbor.files import files_below
from environments.terminal.harbor.places import AGENT, ARTIFACTS, VERIFIER
from environments.terminal.harbor.step import Step
from environments.terminal.harbor.tables import HealthcheckTable
from environments.terminal.suspicions import suspicions
from environments.terminal.tasks import TerminalTask
from services.contracts.cause import Cause
from services.kit.failure import Failure, Missing
from services.sandbox.archive import archive_of
from services.sandbox.port import Sandbox, SandboxFailure

_MOUNTED = (AGENT, ARTIFACTS, VERIFIER)
_ALWAYS_THERE = "/etc/hostname"  # the engine mounts it, so no root in a container can take it away
_QUICK_S = 20.0


async def begin(sandbox: Sandbox, task: TerminalTask) -> None:
    """The folders that Harbor mounts are there, and the task's own check of health passes."""
    await sandbox.put(archive_of({}, _MOUNTED), "/")
    await opened_to_all(sandbox, task.root)
    await healthy(sandbox, task.config.environment.healthcheck)


async def opened_to_all(sandbox: Sandbox, root: str | None) -> None:
    """Every user may write into the folders that Harbor mounts."""
    if root is not None:
        await sandbox.run(f"chmod 777 {' '.join(_MOUNTED)}", _QUICK_S, root)


async def prepare(sandbox: Sandbox, task: TerminalTask, step: Step) -> None:
    """Its files, setup.sh and check of health. Errors: Failure (environment), SandboxFailure."""
    if step.name:
        await sandbox.run(f"cd {quote(sandbox.workdir)}", _QUICK_S)
    if step.workdir is not None:
        files = files_below(step.workdir, task.folder)
        await sandbox.put(archive_of({str(name): path for name, path in files.items()}), sandbox.workdir)
        if "setup.sh" in files:
            await _set_up(sandbox, task, step)
    await healthy(sandbox, step.healthcheck)


@dataclass(frozen=True)
class Left:
    """What an agent left in its sandbox. The tree is None for a verifier that has a sandbox of its own."""

    tree: bytes | None
    artifacts: Sequence[Found]
    labels: tuple[str, ...]


async def leave(sandbox: Sandbox, step: Step, ending: Ending, since: float, *, last: bool) -> Left:
    """What an agent left, after the commands that put down what is to be collected.

    Between steps its processes live on, as in Harbor; at the end they are killed first.
    """
    if ending.reason == "time":
        await sandbox.reset()  # the shell may still be busy with the agent's last command
    labels = await suspicions(sandbox, since)
    for hook in step.grading.collect:
        user = None if hook.user is None else str(hook.user)
        await sandbox.run(f"({hook.command})", hook.timeout_sec, user)
    if last:
        await _end(sandbox, step)
    tree = None if step.grading.own is not None else await sandbox.tree()
    return Left(tree, await found(sandbox, step.grading.artifacts), labels)


async def _end(sandbox: Sandbox, step: Step) -> None:
    """Kill all that runs. Root may have wrecked its own container so that no shell starts any more: files
    still come out of it for a verifier elsewhere, as long as it lives.
    """
    try:
        await sandbox.reset()
    except SandboxFailure:
        if step.grading.own is None:
            raise
        try:
            await sandbox.get(_ALWAYS_THERE)
        except Missing:
            raise SandboxFailure("the sandbox ended") from None


async def healthy(sandbox: Sandbox, check: HealthcheckTable | None) -> None:
    """Errors: SandboxFailure once the check has failed as often in a row as it may."""
    if check is None:
        return
    started, failures = time.monotonic(), 0
    while (ran := await sandbox.run(f"({check.command})", check.timeout_sec)).exit_code != 0:
        starting = time.monotonic() - started < check.start_period_sec
        failures += not starting
        if failures >= check.retries:
            raise SandboxFailure(
                f"the healthcheck failed {failures} times: {check.command}: {ran.output.strip()}"
            )
        await asyncio.sleep(check.start_interval_sec if starting else check.interval_sec)


async def _set_up(sandbox: Sandbox, task: TerminalTask, step: Step) -> None:
    command = f"(cd {quote(sandbox.workdir)} && exec bash setup.sh)"
    ran = await sandbox.run(command, task.config.environment.build_timeout_sec)
    if ran.exit_code != 0:
        detail = f"setup.sh of step {step.name} ended with {ran.exit_code}: {ran.output.strip()}"
        raise Failure(detail, cause=Cause.ENVIRONMENT)
