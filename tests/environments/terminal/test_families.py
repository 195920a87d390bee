"""Generated tasks: solvable, not solved by doing nothing, the same for the same seed, splits apart."""

import subprocess
import tomllib
from itertools import islice
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from environments.terminal.demonstrations.episodes import choose, moved, play, verdict
from environments.terminal.families import FAMILIES
from environments.terminal.families.harbor import write_files, write_task
from environments.terminal.families.instance import Commands, Instance
from environments.terminal.families.splits import instances, split_of
from environments.terminal.families.words import WORDS

families = pytest.mark.parametrize("family", FAMILIES)


def reward(instance: Instance, commands: Commands, folder: Path) -> bool:
    return play(instance, 0, commands, folder).correct


@families
def test_solution_is_worth_one_and_every_slip_nothing(family: str, tmp_path: Path) -> None:
    instance = FAMILIES[family](Random(7))
    assert reward(instance, instance.solution, tmp_path / "solution")
    assert not reward(instance, (), tmp_path / "nothing")
    for number, slip in enumerate(instance.slips):
        assert not reward(instance, slip.commands, tmp_path / str(number))


@families
@given(seed=st.integers(0, 2**32))
@settings(max_examples=200, deadline=None)
def test_no_wrong_way_leads_to_the_goal_by_chance(family: str, seed: int) -> None:
    instance = FAMILIES[family](Random(seed))
    assert instance.start != instance.goal
    assert all(slip.commands != instance.solution for slip in instance.slips)
    assert 0 < sum(slip.share for slip in instance.slips) < 1


def test_written_task_is_solved_by_its_own_scripts(tmp_path: Path) -> None:
    for index, instance in enumerate(islice(instances("evaluation", 16, seed=3), 16)):
        task = tmp_path / f"task-{index}"
        write_task(task, instance, index)
        app, logs = tmp_path / f"app-{index}", tmp_path / f"logs-{index}"
        (task / "environment/files").rename(app)
        run = moved((task / "tests/test.sh").read_text(), app, logs)
        solve = moved((task / "solution/solve.sh").read_text(), app, logs)
        rewards = []
        for script in (run, solve, run):
            subprocess.run(["bash", "-c", script], check=True)
            rewards.append((logs / "verifier/reward.txt").read_text())
        assert (rewards[0], rewards[-1]) == ("0\n", "1\n"), instance


def test_task_directory_is_what_harbor_expects(tmp_path: Path) -> None:
    instance = next(instances("train", 1, seed=0))
    write_task(tmp_path / "task", instance, 12)
    settings = tomllib.loads((tmp_path / "task/task.toml").read_text())
    assert settings["schema_version"] == "1.4"
    assert settings["task"]["name"] == "podium/append-0012"
    assert settings["environment"]["network_mode"] == "no-network"
    assert (tmp_path / "task/instruction.md").read_text().strip() == instance.instruction
    assert (tmp_path / "task/environment/Dockerfile").read_text().startswith("FROM debian:bookworm-slim\n")


def test_extra_missing_and_changed_files_are_all_noticed(tmp_path: Path) -> None:
    instance = FAMILIES["copy"](Random(1))
    (first, text), *_ = instance.goal.items()
    variants = [
        {**instance.goal, ".hidden": "x\n"},
        {path: text for path, text in instance.goal.items() if path != first},
        {**instance.goal, first: f"{text}more\n"},
    ]
    for number, files in enumerate([instance.goal, *variants]):
        app = tmp_path / str(number) / "app"
        write_files(app, files)
        assert verdict(instance, app, app.parent / "logs") is (number == 0)


def test_a_file_named_like_the_work_folder_is_no_folder_of_the_sandbox() -> None:
    assert (
        moved("cd /app; cat box/apple.md /logs/x", Path("/a"), Path("/l")) == "cd /a; cat box/apple.md /l/x"
    )


def test_removing_the_work_folder_is_a_reward_of_nothing(tmp_path: Path) -> None:
    instance = FAMILIES["append"](Random(1))
    assert verdict(instance, tmp_path / "gone", tmp_path / "logs") is False


def test_splits_do_not_overlap_and_families_take_turns() -> None:
    train, evaluation = list(instances("train", 1024, 0)), list(instances("evaluation", 256, 0))
    asked = {instance.instruction for instance in train}
    assert len(asked) == 1024
    assert asked.isdisjoint(instance.instruction for instance in evaluation)
    assert {split_of(instance.instruction) for instance in evaluation} == {"evaluation"}
    assert [instance.family for instance in train] == list(FAMILIES) * 128


def test_the_seed_decides_everything() -> None:
    assert list(instances("train", 64, 5)) == list(instances("train", 64, 5))
    assert list(instances("train", 64, 5)) != list(instances("train", 64, 6))


def test_slips_come_as_often_as_they_declare() -> None:
    random = Random(0)
    instance = FAMILIES["rename"](random)
    chosen = [choose(instance, random) for _ in range(4000)]
    for slip in instance.slips:
        assert chosen.count(slip.commands) / 4000 == pytest.approx(slip.share, abs=0.03)


def test_no_word_contains_another() -> None:
    assert not [(one, other) for one in WORDS for other in WORDS if one != other and one in other]


def test_commands_need_no_escapes_in_json() -> None:
    for instance in instances("train", 64, 9):
        for commands in (instance.solution, *(slip.commands for slip in instance.slips)):
            assert not set("".join(commands)) & set('"\\\n')
