"""From the files that an agent left to their diff, without running anything that it could have written."""

from shlex import join, quote

from environments.swe.grading.protected import excluded
from environments.swe.grading.remains import files_of
from services.contracts.cause import Cause
from services.kit.failure import Failure
from services.sandbox.archive import archive_of
from services.sandbox.port import Sandbox

HOME = "/swe"
CLEAR = f"find {HOME} -mindepth 1 -delete"  # the folder stays: nobody may remove it from a root of root's
_QUICK_S = 60.0
GIT = (
    "export GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=/dev/null GIT_ATTR_NOSYSTEM=1 GIT_TERMINAL_PROMPT=0"
    " GIT_AUTHOR_NAME=podium GIT_AUTHOR_EMAIL=podium@localhost GIT_AUTHOR_DATE='2020-01-01T00:00:00Z'"
    " GIT_COMMITTER_NAME=podium GIT_COMMITTER_EMAIL=podium@localhost"
    " GIT_COMMITTER_DATE='2020-01-01T00:00:00Z'"
)
_PREPARE = """
cd {workdir} && rm -rf .git && {{ [[ ! -s {home}/bug.diff ]] || git apply {home}/bug.diff; }} &&
{clear} && git init -q -b main &&
git config user.name agent && git config user.email agent@localhost && git config core.hooksPath /dev/null &&
printf '%s\\n' __pycache__/ '*.pyc' .pytest_cache/ > .git/info/exclude &&
git add -A && git commit -q -m 'The repository' --allow-empty &&
rm -f .git/COMMIT_EDITMSG && rm -rf .git/logs"""


async def prepare(sandbox: Sandbox, workdir: str, bug_patch: str) -> None:
    """Make the task's repository: the bug applied, in one commit, with nothing before or after it.

    Errors: Failure (environment) if the patch does not apply or there is no git.
    """

    await sandbox.put(archive_of({"bug.diff": bug_patch.encode()}), HOME)
    script = _PREPARE.format(workdir=quote(workdir), home=HOME, clear=CLEAR)
    done = await sandbox.run(f"({GIT}; {script})", _QUICK_S)
    if done.exit_code != 0:
        detail = f"the repository could not be prepared: {done.output.strip()[-500:]}"
        raise Failure(detail, cause=Cause.ENVIRONMENT)


async def bring_in(sandbox: Sandbox, remains: bytes, workdir: str, protected: list[str]) -> list[str]:
    """Compare the agent's files with the prepared repository of `sandbox`, as data only.

    Leaves `agent.diff` in HOME, without what is protected, and returns the protected paths that differ.
    """
    await sandbox.put(files_of(remains), f"{HOME}/submission")
    specs = [excluded(pathspec) for pathspec in protected]
    git = join(["git", f"--git-dir={workdir}/.git", f"--work-tree={HOME}/submission"])
    compare = f"{git} diff --cached --no-renames --no-ext-diff --no-textconv"
    script = (
        f"({GIT}; cd {HOME}/submission && {git} add -A . 2>/dev/null;"
        f" {compare} --binary HEAD -- . {join(specs)} > {HOME}/agent.diff &&"
        f" {compare} --name-only HEAD -- {join(protected)} > {HOME}/touched;"
        f" code=$?; {git} read-tree HEAD; rm -rf {HOME}/submission; cat {HOME}/touched; exit $code)"
    )
    done = await sandbox.run(script, _QUICK_S)
    if done.exit_code != 0:
        raise Failure(f"the diff could not be made: {done.output[-500:]}", cause=Cause.VERIFIER)
    return [line for line in done.output.splitlines() if line]


async def diff_digest(sandbox: Sandbox) -> tuple[str, int]:
    """SHA-256 and size of the agent's diff."""
    said = await sandbox.run(f"cd {HOME} && sha256sum agent.diff && stat -c %s agent.diff", _QUICK_S)
    digest, _, size = said.output.split()
    return digest, int(size)


async def diff_text(sandbox: Sandbox, most: int) -> str:
    return (await sandbox.run(f"head -c {most} {HOME}/agent.diff", _QUICK_S)).output


async def apply(sandbox: Sandbox, workdir: str, patch: str) -> None:
    """Apply a patch file to the repository. Errors: Failure (verifier)."""
    command = f"({GIT}; cd {quote(workdir)}; [[ ! -s {patch} ]] || git apply --whitespace=nowarn {patch})"
    done = await sandbox.run(command, _QUICK_S)
    if done.exit_code != 0:
        detail = f"{patch} does not apply: {done.output.strip()[-500:]}"
        raise Failure(detail, cause=Cause.VERIFIER)
