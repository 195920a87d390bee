"""Grades what an agent left of a repository: its diff alone, on a clean one, with the task's own tests."""

import asyncio
import json
import secrets
from dataclasses import dataclass
from pathlib import Path
from shlex import quote

from environments.swe.grading import runner
from environments.swe.grading.protected import protected_pathspecs
from environments.swe.grading.remains import Unusable
from environments.swe.grading.submission import CLEAR, HOME, apply, bring_in, diff_digest, diff_text, prepare
from environments.swe.grading.suspicion import suspicions
from environments.swe.grading.verdict import BrokenRun, Report, Verdict, judge, read_log, read_report
from environments.swe.instance import Instance
from services.sandbox.archive import archive_of
from services.sandbox.port import MIB, Blueprint, Limits, Sandbox, Sandboxes

GRADER = "/grader"
_SCRIPTS = ("parent.py", "child.py", "guard.py", "trust.py", "seal.py", "whole.py")
_START_S = 30.0
_SHOWN_DIFF = 65_536
MOST_DIFF = 2 * MIB
GRADING = Limits(work_bytes=1024 * MIB, memory_bytes=1024 * MIB, output_bytes=16 * MIB)


@dataclass(frozen=True)
class Submission:
    """What is graded of an agent's work, now in HOME of the sandbox: equal `digest`, equal diff.

    `changed` are its paths, `touched` the protected ones besides. `unusable` is why nothing can be graded.
    """

    digest: str
    size: int
    text: str = ""
    changed: tuple[str, ...] = ()
    touched: tuple[str, ...] = ()
    unusable: str = ""


@dataclass(frozen=True)
class Grader:
    """Judges what agents left of one task, each in a sandbox that is clean."""

    sandboxes: Sandboxes
    blueprint: Blueprint
    instance: Instance

    async def submission_of(self, sandbox: Sandbox, remains: bytes) -> Submission:
        """Prepare the repository and compare `remains` with it, as data only."""
        await prepare(sandbox, self.instance)
        try:
            specs = protected_pathspecs(self.instance)
            differing = await bring_in(sandbox, remains, self.instance.workdir, specs)
        except Unusable as why:
            return Submission(f"unusable: {why}", 0, unusable=str(why))
        digest, size = await diff_digest(sandbox)
        if size > MOST_DIFF:
            return Submission(digest, size, unusable="diff_too_large")
        text = await diff_text(sandbox, _SHOWN_DIFF)
        return Submission(digest, size, text, differing.changed, differing.protected)

    async def judge(self, sandbox: Sandbox, submission: Submission) -> Verdict:
        """Apply what is graded, bring the task's own tests, and run them.

        The order is the promise: diff, tests, run, kill, read. A run that broke is the submission's doing if
        it does not break without it. Errors: BrokenRun otherwise; Failure, SandboxFailure.
        """
        if submission.unusable:
            return judge(self.instance, Report({}, notes=(submission.unusable,)))
        labels = suspicions(submission.text, submission.touched)
        try:
            await apply(sandbox, self.instance.workdir, f"{HOME}/agent.diff")
            report = await self._tested(sandbox, submission.changed)
        except BrokenRun as broken:
            if not submission.size or await self._breaks_by_itself():
                raise
            report = Report({}, notes=("broken_run",), printed=broken.detail)
        return judge(self.instance, report, labels, submission.text)

    async def _tested(self, sandbox: Sandbox, changed: tuple[str, ...]) -> Report:
        await sandbox.put(archive_of({"tests.diff": self.instance.test_patch.encode()}), HOME)
        await apply(sandbox, self.instance.workdir, f"{HOME}/tests.diff")
        return await run_tests(sandbox, self.instance, changed)

    async def _breaks_by_itself(self) -> bool:
        """Whether the tests break on the repository as the agent found it."""
        async with self.sandboxes.open(self.blueprint, GRADING) as sandbox:
            await prepare(sandbox, self.instance)
            try:
                await self._tested(sandbox, ())
            except BrokenRun:
                return True
            return False


async def grade(sandboxes: Sandboxes, blueprint: Blueprint, instance: Instance, remains: bytes) -> Verdict:
    """Open a clean sandbox and judge `remains` in it.

    Errors: Failure (verifier) without a complete report, (environment) if the task is broken; SandboxFailure.
    """
    grader = Grader(sandboxes, blueprint, instance)
    async with sandboxes.open(blueprint, GRADING) as sandbox:
        return await grader.judge(sandbox, await grader.submission_of(sandbox, remains))


async def run_tests(sandbox: Sandbox, instance: Instance, changed: tuple[str, ...] = ()) -> Report:
    """Run the tests of the repository as it lies there, `changed` by an agent. Errors: BrokenRun."""
    await sandbox.run(f"{CLEAR}; rm -rf {quote(instance.workdir)}/.git", _START_S)
    if instance.runner == "pytest":
        return await _run_pytest(sandbox, instance, changed)
    return await _run_command(sandbox, instance)


async def _run_pytest(sandbox: Sandbox, instance: Instance, changed: tuple[str, ...]) -> Report:
    key = secrets.token_hex(32).encode()
    plan = {
        "workdir": instance.workdir,
        "test_files": instance.test_files,
        "python_path": instance.python_path,
        "timeout_s": instance.timeout_s,
        "changed": changed,
    }
    files = {name: _script(name) for name in _SCRIPTS}
    await sandbox.put(archive_of({**files, "key": key, "plan.json": json.dumps(plan).encode()}), GRADER)
    ran = await sandbox.run(f"exec python3 -I -S {GRADER}/parent.py", instance.timeout_s + _START_S)
    await sandbox.reset()
    if ran.timed_out:
        raise BrokenRun("the runner of the tests did not end in time")
    return read_report(ran.output, key)


async def _run_command(sandbox: Sandbox, instance: Instance) -> Report:
    workdir, report = quote(instance.workdir), quote(instance.report_file or "")
    command = f"cd {workdir} && {instance.test_command}"
    if instance.report_file is not None:
        await sandbox.run(f"cd {workdir}; rm -rf {report}", _START_S)
    ran = await sandbox.run(f"({command})", instance.timeout_s)
    await sandbox.reset()
    if instance.report_file is None:
        return await asyncio.to_thread(read_log, instance, ran, ran.output)
    read = await sandbox.run(f"cd {workdir}; [[ -f {report} && ! -L {report} ]] && cat {report}", _START_S)
    log = read.output if read.exit_code == 0 else ""
    return await asyncio.to_thread(read_log, instance, ran, log)


def _script(name: str) -> bytes:
    return (Path(runner.__file__).parent / name).read_bytes()
