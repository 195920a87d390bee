"""Grades what an agent left of a repository: its diff alone, on a clean one, with the task's own tests."""

import json
import secrets
from dataclasses import dataclass
from pathlib import Path
from shlex import quote

from environments.swe.grading import runner
from environments.swe.grading.protected import protected_pathspecs
from environments.swe.grading.submission import CLEAR, HOME, apply, bring_in, diff_digest, diff_text, prepare
from environments.swe.grading.suspicion import suspicions
from environments.swe.grading.verdict import Report, Verdict, judge, read_log, read_report
from environments.swe.instance import Instance
from services.contracts.cause import Cause
from services.kit.failure import Failure
from services.sandbox.archive import archive_of
from services.sandbox.port import MIB, Blueprint, Limits, Sandbox, Sandboxes

GRADER = "/grader"
_SCRIPTS = ("parent.py", "child.py", "seal.py")
_START_S = 30.0
_SHOWN_DIFF = 65_536
MOST_DIFF = 2 * MIB
GRADING = Limits(work_bytes=256 * MIB, memory_bytes=1024 * MIB, output_bytes=16 * MIB)


async def grade(sandboxes: Sandboxes, blueprint: Blueprint, instance: Instance, remains: bytes) -> Verdict:
    """Open a clean sandbox and judge `remains` in it.

    Errors: Failure (verifier) without a complete report, (environment) if the task is broken; SandboxFailure.
    """
    async with sandboxes.open(blueprint, GRADING) as sandbox:
        return await grade_in(sandbox, instance, remains)


async def grade_in(sandbox: Sandbox, instance: Instance, remains: bytes) -> Verdict:
    """The same in a sandbox that is clean. The order is the promise: diff, tests, run, kill, read."""
    return await judge_submission(sandbox, instance, await submission_of(sandbox, instance, remains))


@dataclass(frozen=True)
class Submission:
    """What is graded of an agent's work, now in HOME of the sandbox: equal `digest`, equal diff."""

    digest: str
    size: int
    text: str
    touched: tuple[str, ...]


async def submission_of(sandbox: Sandbox, instance: Instance, remains: bytes) -> Submission:
    """Prepare the repository and compare `remains` with it, as data only."""
    await prepare(sandbox, instance.workdir, instance.bug_patch)
    touched = await bring_in(sandbox, remains, instance.workdir, protected_pathspecs(instance))
    digest, size = await diff_digest(sandbox)
    text = await diff_text(sandbox, _SHOWN_DIFF) if size <= MOST_DIFF else ""
    return Submission(digest, size, text, tuple(touched))


async def judge_submission(sandbox: Sandbox, instance: Instance, submission: Submission) -> Verdict:
    """Apply what is graded, bring the task's own tests, and run them."""
    if submission.size > MOST_DIFF:
        return judge(instance, Report({}, notes=("diff_too_large",)))
    await apply(sandbox, instance.workdir, f"{HOME}/agent.diff")
    await sandbox.put(archive_of({"tests.diff": instance.test_patch.encode()}), HOME)
    await apply(sandbox, instance.workdir, f"{HOME}/tests.diff")
    report = await run_tests(sandbox, instance)
    return judge(instance, report, suspicions(submission.text, submission.touched), submission.text)


async def run_tests(sandbox: Sandbox, instance: Instance) -> Report:
    """Run the tests of the repository as it lies there. Errors: Failure (verifier)."""
    await sandbox.run(f"{CLEAR}; rm -rf {quote(instance.workdir)}/.git", _START_S)
    if instance.runner == "pytest":
        return await _run_pytest(sandbox, instance)
    return await _run_command(sandbox, instance)


async def _run_pytest(sandbox: Sandbox, instance: Instance) -> Report:
    key = secrets.token_hex(32).encode()
    plan = {
        "workdir": instance.workdir,
        "test_files": instance.test_files,
        "python_path": instance.python_path,
        "timeout_s": instance.timeout_s,
    }
    files = {name: _script(name) for name in _SCRIPTS}
    await sandbox.put(archive_of({**files, "key": key, "plan.json": json.dumps(plan).encode()}), GRADER)
    ran = await sandbox.run(f"exec python3 -I -S {GRADER}/parent.py", instance.timeout_s + _START_S)
    await sandbox.reset()
    if ran.timed_out:
        raise Failure("the runner of the tests did not end in time", cause=Cause.VERIFIER)
    return read_report(ran.output, key)


async def _run_command(sandbox: Sandbox, instance: Instance) -> Report:
    workdir, report = quote(instance.workdir), quote(instance.report_file or "")
    command = f"cd {workdir} && {instance.test_command}"
    if instance.report_file is not None:
        await sandbox.run(f"cd {workdir}; rm -rf {report}", _START_S)
    ran = await sandbox.run(f"({command})", instance.timeout_s)
    await sandbox.reset()
    if instance.report_file is None:
        return read_log(instance, ran, ran.output)
    read = await sandbox.run(f"cd {workdir}; [[ -f {report} && ! -L {report} ]] && cat {report}", _START_S)
    return read_log(instance, ran, read.output if read.exit_code == 0 else "")


def _script(name: str) -> bytes:
    return (Path(runner.__file__).parent / name).read_bytes()
