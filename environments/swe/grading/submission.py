"""From the files that an agent left to their diff, without running anything that it could have written."""

import io
import tarfile
from dataclasses import dataclass
from pathlib import PurePosixPath
from shlex import join, quote

from environments.swe.grading.protected import excluded
from environments.swe.grading.remains import Unusable, files_of
from environments.swe.instance import Instance
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
_BASE = """
cd {workdir} && [[ -e .git ]] || exit 0
head=$(git -c safe.directory='*' rev-parse HEAD) || exit 1
case $head in {commit}*) exit 0 ;; esac
git -c safe.directory='*' -c core.hooksPath=/dev/null -c advice.detachedHead=false checkout -q -f {commit}"""
_PREPARE = """
cd {workdir} && rm -rf .git && {{ [[ ! -s {home}/bug.diff ]] || git apply {home}/bug.diff; }} &&
{clear} && git init -q -b main &&
git config user.name agent && git config user.email agent@localhost && git config core.hooksPath /dev/null &&
printf '%s\\n' __pycache__/ '*.pyc' .pytest_cache/ > .git/info/exclude &&
git add -A && git commit -q -m 'The repository' --allow-empty &&
rm -f .git/COMMIT_EDITMSG && rm -rf .git/logs"""


async def prepare(sandbox: Sandbox, instance: Instance) -> None:
    """Make the task's repository: the bug applied, in one commit, with nothing before or after it.

    Errors: Failure (environment) if it has no such commit, the patch does not apply or there is no git.
    """
    workdir = instance.workdir
    if instance.base_commit:
        await _check_out(sandbox, workdir, instance.base_commit)
    await sandbox.put(archive_of({"bug.diff": instance.bug_patch.encode()}), HOME)
    script = _PREPARE.format(workdir=quote(workdir), home=HOME, clear=CLEAR)
    done = await sandbox.run(f"({GIT}; {script})", _QUICK_S)
    if done.exit_code != 0:
        detail = f"the repository could not be prepared: {done.output.strip()[-500:]}"
        raise Failure(detail, cause=Cause.ENVIRONMENT)


async def _check_out(sandbox: Sandbox, workdir: str, commit: str) -> None:
    """Where the image's repository has a history, it shall stand at the task's commit."""
    script = _BASE.format(workdir=quote(workdir), commit=quote(commit))
    done = await sandbox.run(f"({GIT}; {script})", _QUICK_S)
    if done.exit_code != 0:
        detail = f"the repository is not at {commit} and cannot be: {done.output.strip()[-500:]}"
        raise Failure(detail, cause=Cause.ENVIRONMENT)


@dataclass(frozen=True)
class Differing:
    """Paths that the agent changed: those that are graded, and those that are protected."""

    changed: tuple[str, ...]
    protected: tuple[str, ...]


async def bring_in(sandbox: Sandbox, remains: bytes, workdir: str, protected: list[str]) -> Differing:
    """Compare the agent's files with the prepared repository of `sandbox`, as data only.

    Leaves `agent.diff` in HOME, without what is protected. Errors: Unusable; Failure (verifier).
    """
    await sandbox.put(files_of(remains), f"{HOME}/submission")
    specs = [excluded(pathspec) for pathspec in protected]
    git = join(["git", f"--git-dir={workdir}/.git", f"--work-tree={HOME}/submission"])
    compare = f"{git} diff --cached --no-renames --no-ext-diff --no-textconv"
    script = (
        f"({GIT}; cd {HOME}/submission && {git} add -A . 2>/dev/null;"
        f" {compare} --binary HEAD -- . {join(specs)} > {HOME}/agent.diff &&"
        f" {compare} --name-only -z HEAD -- . {join(specs)} > {HOME}/changed &&"
        f" {compare} --name-only -z --diff-filter=D HEAD -- . {join(specs)} > {HOME}/deleted &&"
        f" {git} ls-tree -r -z --name-only HEAD > {HOME}/before &&"
        f" {compare} --name-only -z HEAD -- {join(protected)} > {HOME}/touched;"
        f" code=$?; {git} read-tree HEAD; rm -rf {HOME}/submission; exit $code)"
    )
    done = await sandbox.run(script, _QUICK_S)
    if done.exit_code != 0:
        raise Failure(f"the diff could not be made: {done.output[-500:]}", cause=Cause.VERIFIER)
    changed = await _paths(sandbox, "changed")
    after = {*await _paths(sandbox, "before"), *changed} - {*await _paths(sandbox, "deleted")}
    if any(str(above) in after for path in after for above in PurePosixPath(path).parents):
        raise Unusable("a_file_in_place_of_a_folder")
    return Differing(changed, await _paths(sandbox, "touched"))


async def _paths(sandbox: Sandbox, name: str) -> tuple[str, ...]:
    """Those that git wrote to a file of HOME. Read as an archive, for a shell's output has its limits."""
    archive = await sandbox.get(f"{HOME}/{name}")
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        source = next((tar.extractfile(entry) for entry in tar if entry.isreg()), None)
        data = source.read() if source is not None else b""
    return tuple(path for path in data.decode(errors="surrogateescape").split("\0") if path)


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
