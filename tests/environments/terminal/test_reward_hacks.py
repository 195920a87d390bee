"""Nothing that an agent does in its sandbox decides its reward; only the files it leaves are judged."""

from pathlib import Path

import pytest

from environments.terminal.controls import CONTROLS
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


@pytest.fixture
def tasks_dir(tmp_path: Path) -> Path:
    write_task(tmp_path / "tasks/train/0", tests=TESTS)
    return tmp_path / "tasks"


@pytest.mark.parametrize("hack", [name for name in CONTROLS if name != "stays_behind"])
async def test_a_hack_is_worth_nothing(world: World, hack: str) -> None:
    world.model.script = moves(CONTROLS[hack])
    outcome = await world.play()
    assert (outcome["cause"], outcome["reward"]) == ("completed", 0.0), outcome


@pytest.mark.parametrize("hack", CONTROLS)
async def test_a_hack_does_not_spoil_an_honest_answer(world: World, hack: str) -> None:
    world.model.script = moves("echo right > answer.txt", CONTROLS[hack], "echo right > /app/answer.txt")
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
        verdict, _ = await verify(sandbox, task.steps[0].grading, None)
        assert not marked("54321")
    assert verdict.reward == 1.0
    assert sandbox.calls[:4] == ["clear", "put", "tests", "kill"]
    assert set(sandbox.calls[4:]) == {"read"}
