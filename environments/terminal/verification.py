"""Scores what an agent left behind, in a sandbox that no process of the agent has ever been in."""

from shlex import quote

from environments.terminal.reward import Verdict, read_reward
from environments.terminal.tasks import TerminalTask
from services.contracts.cause import Cause
from services.kit.failure import Failure
from services.sandbox.port import Sandbox

_LOGS = "/logs/verifier"
_HOME = "/verifier"
_TESTS = "/tests"
_CLEAR = f"""
for path in {_TESTS} /logs /solution {_HOME}; do
    [[ ! -e $path && ! -L $path ]] || {{ chmod -R u+rwX $path; rm -rf $path; }} || exit
done"""
_REWARD_BYTES = 65_536
_SHOWN_BYTES = 2_000
_QUICK_S = 20.0


async def verify(sandbox: Sandbox, task: TerminalTask, workdir: str) -> tuple[Verdict, str]:
    """Run the task's tests on the sandbox's tree: the verdict, and the end of what the tests printed.

    The order is the promise: what the agent may have planted in our folders goes first, then tests
    come in, then everything that they started is killed, and only then the reward is read.
    Errors: Failure (verifier) without a proper reward in time; SandboxFailure.
    """
    await _clear(sandbox)
    await sandbox.put(task.tests(_TESTS, (_LOGS, _HOME)), "/")
    ran = await sandbox.run(_test_command(task, workdir), task.config.verifier.timeout_sec)
    await sandbox.reset()
    if ran.timed_out:
        raise Failure(f"the tests ran out of {task.config.verifier.timeout_sec:g} s", cause=Cause.VERIFIER)
    printed = await _content(sandbox, f"{_LOGS}/test-stdout.txt", f"tail -c {_SHOWN_BYTES}")
    try:
        return await _verdict(sandbox), printed or ""
    except Failure as failure:
        detail = f"{failure.detail}; the tests printed: {printed or 'nothing'}"
        raise Failure(detail, cause=failure.cause) from None


async def _clear(sandbox: Sandbox) -> None:
    cleared = await sandbox.run(_CLEAR, _QUICK_S)
    if cleared.exit_code != 0:
        raise Failure(f"the verifier's folders cannot be cleared: {cleared.output}", cause=Cause.VERIFIER)


def _test_command(task: TerminalTask, workdir: str) -> str:
    """A home of its own: start-up files that the agent wrote into its home are not read."""
    env = {"HOME": _HOME, **task.config.verifier.env}
    variables = " ".join(quote(f"{name}={value}") for name, value in env.items())
    return f"export {variables}; cd {quote(workdir)}; {_TESTS}/test.sh > {_LOGS}/test-stdout.txt 2>&1"


async def _verdict(sandbox: Sandbox) -> Verdict:
    reader = f"head -c {_REWARD_BYTES}"
    table = await _content(sandbox, f"{_LOGS}/reward.json", reader)
    number = await _content(sandbox, f"{_LOGS}/reward.txt", reader) if table is None else None
    return read_reward(table, number)


async def _content(sandbox: Sandbox, path: str, reader: str) -> str | None:
    """A regular file's content, or None; a link is not followed out of the verifier's folder."""
    read = await sandbox.run(f"[ -f {path} ] && [ ! -L {path} ] && {reader} {path}", _QUICK_S)
    return read.output if read.exit_code == 0 else None
