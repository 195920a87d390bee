"""Scores what an agent left behind, in a sandbox that no process of the agent has ever been in."""

from shlex import quote

from environments.terminal.harbor.grading import Grading
from environments.terminal.harbor.places import AGENT, ARTIFACTS, TESTS, VERIFIER
from environments.terminal.preparation import opened_to_all
from environments.terminal.reward import Verdict, read_reward
from services.contracts.cause import Cause
from services.kit.failure import Failure
from services.sandbox.archive import archive_of
from services.sandbox.port import Sandbox

_GONE = '{ chmod -R u+rwX "$path"; rm -rf "$path"; } || exit'
_CLEAR = f"""
path=/logs
if [[ -L $path || (-e $path && ! -d $path) ]]; then rm -f $path || exit; fi
[[ ! -e $path ]] || chmod u+rwx $path || exit
for path in PLACES; do
    [[ ! -e $path && ! -L $path ]] || {_GONE}
done"""
_REWARD_BYTES = 65_536
_SHOWN_BYTES = 2_000
_QUICK_S = 20.0


async def verify(sandbox: Sandbox, grading: Grading, root: str | None) -> tuple[Verdict, str]:
    """Run a step's tests on the sandbox's tree: the verdict, and the end of what the tests printed.

    The order is the promise: what the agent may have planted in our folders goes first, then tests
    come in, then everything that they started is killed, and only then the reward is read. `root` may
    do everything in this sandbox, where it has more than one user.
    Errors: Failure (verifier) without a proper reward in time; SandboxFailure.
    """
    brought = grading.own is not None and grading.own.brings_tests
    await _clear(sandbox, VERIFIER if brought else f"{VERIFIER} {TESTS}", root)
    tests = {} if brought else {f"{TESTS}/{name}": path for name, path in grading.tests.items()}
    await sandbox.put(archive_of(tests, (VERIFIER, AGENT, ARTIFACTS), mode=0o755), "/")
    await opened_to_all(sandbox, root)
    ran = await sandbox.run(_test_command(grading, sandbox.workdir), grading.timeout_s)
    await sandbox.reset()
    if ran.timed_out:
        raise Failure(f"the tests ran out of {grading.timeout_s:g} s", cause=Cause.VERIFIER)
    printed = await _content(sandbox, f"{VERIFIER}/test-stdout.txt", f"tail -c {_SHOWN_BYTES}")
    try:
        return await _verdict(sandbox), printed or ""
    except Failure as failure:
        detail = f"{failure.detail}; the tests printed: {printed or 'nothing'}"
        raise Failure(detail, cause=failure.cause) from None


async def _clear(sandbox: Sandbox, places: str, root: str | None) -> None:
    cleared = await sandbox.run(_CLEAR.replace("PLACES", places), _QUICK_S, root)
    if cleared.exit_code != 0:
        raise Failure(f"the verifier's folders cannot be cleared: {cleared.output}", cause=Cause.VERIFIER)


def _test_command(grading: Grading, workdir: str) -> str:
    """Packages that the agent put into its home are not for the Python of the tests."""
    env = {"PYTHONNOUSERSITE": "1", **grading.env}
    variables = " ".join(quote(f"{name}={value}") for name, value in env.items())
    run = f"chmod +x {TESTS}/test.sh; ({TESTS}/test.sh) > {VERIFIER}/test-stdout.txt 2>&1"
    return f"export {variables}; cd {quote(workdir)}; {run}"


async def _verdict(sandbox: Sandbox) -> Verdict:
    reader = f"head -c {_REWARD_BYTES}"
    table = await _content(sandbox, f"{VERIFIER}/reward.json", reader)
    number = await _content(sandbox, f"{VERIFIER}/reward.txt", reader) if table is None else None
    return read_reward(table, number)


async def _content(sandbox: Sandbox, path: str, reader: str) -> str | None:
    """A regular file's content, or None; a link is not followed out of the verifier's folder."""
    read = await sandbox.run(f"[ -f {path} ] && [ ! -L {path} ] && {reader} {path}", _QUICK_S)
    return read.output if read.exit_code == 0 else None
