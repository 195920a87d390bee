"""Scripted episodes: really executed, told as a live agent would tell them, the same for the same seed."""

import json
from collections import Counter
from pathlib import Path

import pytest

from environments.bash import BASH_TOOL, PROMPT
from environments.demonstrations.episode import Episode
from environments.terminal.demonstrations.episodes import episodes
from environments.terminal.demonstrations.shell import LocalShell
from environments.terminal.families.splits import split_of


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> list[Episode]:
    return list(episodes(160, seed=2, scratch=tmp_path_factory.mktemp("scratch")))


def test_shell_keeps_its_folder_and_tells_output_and_exit_code(tmp_path: Path) -> None:
    with LocalShell(tmp_path) as shell:
        assert shell.run("printf one; mkdir sub; cd sub") == ("one", 0)
        assert shell.run("pwd") == (f"{tmp_path}/sub\n", 0)
        assert shell.run("ls missing") == ("ls: cannot access 'missing': No such file or directory\n", 2)


def test_shell_that_ends_is_an_error(tmp_path: Path) -> None:
    with LocalShell(tmp_path) as shell, pytest.raises(EOFError):
        shell.run("exit 3")


def test_episodes_have_the_form_of_live_ones(told: list[Episode]) -> None:
    for episode in told:
        system, user, *turns, last = episode.messages
        assert system == {"role": "system", "content": PROMPT.system}
        assert split_of(user["content"]) == "train"
        assert last == {"role": "assistant", "content": "done"}
        assert episode.tools == [BASH_TOOL]
        for call, reply in zip(turns[::2], turns[1::2], strict=True):
            assert call["tool_calls"][0]["id"] == reply["tool_call_id"]
            assert reply["content"].splitlines()[-1].startswith("[exit ")


def test_second_command_uses_what_the_first_one_said(told: list[Episode]) -> None:
    for episode in told:
        if episode.correct and "/count-" in episode.task:
            seen = episode.messages[3]["content"].split()[0]
            written = json.loads(episode.messages[4]["tool_calls"][0]["function"]["arguments"])["command"]
            assert written.startswith(f"echo {seen} > ")


def test_every_family_is_shown_right_and_wrong(told: list[Episode]) -> None:
    outcomes = Counter((episode.task.split("/")[1].split("-")[0], episode.correct) for episode in told)
    assert len(outcomes) == 16
    assert 0.35 < sum(episode.correct for episode in told) / len(told) < 0.6


def test_the_seed_decides_every_episode(told: list[Episode], tmp_path: Path) -> None:
    again = list(episodes(24, seed=2, scratch=tmp_path))
    assert [episode.to_json() for episode in again] == [episode.to_json() for episode in told[:24]]
