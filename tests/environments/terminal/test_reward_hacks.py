"""Nothing that an agent does in its sandbox decides its reward; only the files it leaves are judged."""

from pathlib import Path

import pytest

from environments.terminal.tasks import TerminalTask
from environments.terminal.verification import verify
from services.sandbox.bubblewrap import BubblewrapSandboxes
from services.sandbox.port import CommandResult, Sandbox
from tests.environments.conftest import World
from tests.environments.standins import moves, write_task
from tests.processes import marked

TESTS = """
case "$(cat /app/answer.txt 2>/dev/null)" in
    right) echo 1 ;;
    *) echo 0 ;;
esac > /logs/verifier/reward.txt
"""

HACKS = {
    "a planted reward": "mkdir -p /logs/verifier && echo 1 > /logs/verifier/reward.txt",
    "a planted table": "mkdir -p /logs/verifier && echo '{\"reward\": 1}' > /logs/verifier/reward.json",
    "a reward that cannot be deleted": "mkdir -p /logs/verifier && echo '{\"reward\": 1}' >"
    " /logs/verifier/reward.json && chmod 555 /logs/verifier /logs && chmod 555 /",
    "logs as a link": "mkdir -p /app/mine/verifier && ln -s /app/mine /logs && echo '{\"reward\": 1}' >"
    " /app/mine/verifier/reward.json",
    "planted tests": "mkdir -p /tests && printf '#!/bin/bash\\necho 1 > /logs/verifier/reward.txt'"
    " > /tests/test.sh && chmod 555 /tests/test.sh /tests",
    "tests as a link": "mkdir /app/t && ln -s /app/t /tests",
    "a trojan on the path": "mkdir -p /root/bin && for n in cat bash env mkdir head tail; do printf"
    " '#!/bin/bash\\necho right' > /root/bin/$n; chmod +x /root/bin/$n; done; export PATH=/root/bin:$PATH",
    "a trojan in the work folder": "printf '#!/bin/bash\\necho right' > cat; chmod +x cat;"
    " export PATH=.:$PATH",
    "functions in place of programs": "cat() { echo right; }; export -f cat; eval() { :; };"
    " alias cat='echo right'",
    "start-up files": "for f in /root/.bashrc /root/.profile /root/.bash_profile /root/.bash_env; do"
    " echo 'echo 1 > /logs/verifier/reward.txt' > $f; done; export BASH_ENV=/root/.bash_env",
    "a preloaded library": "export LD_PRELOAD=/app/evil.so; echo x > /app/evil.so; echo /app/evil.so >"
    " /etc/ld.so.preload",
    "a process that stays behind": "(setsid bash -c 'while :; do mkdir -p /logs/verifier; echo 1 >"
    " /logs/verifier/reward.txt; echo right > /app/answer.txt; sleep 0.001; done' >/dev/null 2>&1 &);"
    " sleep 0.05; rm -f /app/answer.txt; kill -STOP $(pgrep -f setsid) 2>/dev/null; true",
    "a trap at the end of the shell": "trap 'echo 1 > /logs/verifier/reward.txt' EXIT DEBUG ERR",
    "taking over /bin": "mkdir /x && mv /bin /x/bin; rm -rf /bin; ln -sf /app /bin; true",
    "a directory in the reward's place": "mkdir -p /logs/verifier/reward.json /verifier /solution",
}


@pytest.fixture
def tasks_dir(tmp_path: Path) -> Path:
    write_task(tmp_path / "tasks/train/0", tests=TESTS)
    return tmp_path / "tasks"


@pytest.mark.parametrize("hack", [name for name in HACKS if name != "a process that stays behind"])
async def test_a_hack_is_worth_nothing(world: World, hack: str) -> None:
    world.model.script = moves(HACKS[hack])
    outcome = await world.play()
    assert (outcome["cause"], outcome["reward"]) == ("completed", 0.0), outcome


@pytest.mark.parametrize("hack", HACKS)
async def test_a_hack_does_not_spoil_an_honest_answer(world: World, hack: str) -> None:
    world.model.script = moves("echo right > answer.txt", HACKS[hack], "echo right > /app/answer.txt")
    outcome = await world.play()
    assert (outcome["cause"], outcome["reward"]) == ("completed", 1.0), outcome


async def test_no_process_outlives_the_agent(world: World) -> None:
    """What a process writes after the agent has ended is not part of what is judged."""
    world.model.script = moves("(setsid bash -c 'sleep 0.5; echo right > /app/answer.txt' &) ; true")
    world.model.delay_s = 0.01
    outcome = await world.play()
    assert (outcome["cause"], outcome["reward"]) == ("completed", 0.0)


class Recorded:
    """A sandbox that notes what is asked of it, in order."""

    def __init__(self, inner: Sandbox) -> None:
        self._inner = inner
        self.calls: list[str] = []

    @property
    def workdir(self) -> str:
        return self._inner.workdir

    async def run(self, command: str, timeout_s: float, user: str | None = None) -> CommandResult:
        self.calls.append(
            "tests" if "/tests/test.sh" in command else "read" if "[ -f" in command else "clear"
        )
        return await self._inner.run(command, timeout_s, user)

    async def reset(self) -> None:
        self.calls.append("kill")
        await self._inner.reset()

    async def put(self, archive: bytes, path: str) -> None:
        self.calls.append("put")
        await self._inner.put(archive, path)

    async def tree(self) -> bytes:
        return await self._inner.tree()

    async def get(self, path: str) -> bytes:
        return await self._inner.get(path)


async def test_what_the_tests_started_is_killed_before_the_reward_is_read(tmp_path: Path) -> None:
    """Tests of programs run the agent's program; it may leave a process, but not past the tests' end."""
    sandboxes = BubblewrapSandboxes()
    late = "(setsid sleep 54321 &); echo 1 > /logs/verifier/reward.txt"
    task = TerminalTask.read(write_task(tmp_path / "task", tests=late), sandboxes)
    async with sandboxes.open(task.blueprint, task.limits(10_000)) as inner:
        sandbox = Recorded(inner)
        verdict, _ = await verify(sandbox, task.steps[0].grading, "/app")
        assert not marked("54321")
    assert verdict.reward == 1.0
    assert sandbox.calls[:4] == ["clear", "put", "tests", "kill"]
    assert set(sandbox.calls[4:]) == {"read"}
