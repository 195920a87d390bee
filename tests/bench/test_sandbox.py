"""What the command for sandboxes prints."""

import json

import pytest

from bench.sandbox import command
from bench.sandbox.figures import Figures, Sizes


def test_the_last_line_is_json_also_after_an_escape(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def measured(kind: str, image: str, sizes: Sizes) -> Figures | str:
        found = Figures(9, 2, ("a: 'x'", "b"), 1.0, 1.0, 1.0, 1.0, 1, 1.0, 1.0)
        return found if kind == "docker" else "no bubblewrap"

    monkeypatch.setattr(command, "_measured", measured)
    command.main([])
    *_, first, second, last = capsys.readouterr().out.splitlines()
    assert (first, second) == ("docker: ESCAPED: a: 'x'", "docker: ESCAPED: b")
    assert json.loads(last)["docker"]["escaped"] == ["a: 'x'", "b"]
