"""What a scripted agent does in each family: the reference solution's moves, or nothing at all."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from environments.search.question import read_questions
from environments.slides.deck import read_decks
from environments.slides.oracle import oracle as slides_oracle
from environments.swe.controls import oracle as swe_oracle
from environments.swe.rows import read_instances

Move = Mapping[str, Any]  # an assistant message
Solutions = list[list[Move]]  # of each task of the split train, in its order

_DONE: Move = {"role": "assistant", "content": "done"}


def _call(turn: int, tool: str, **arguments: str) -> Move:
    function = {"name": tool, "arguments": json.dumps(arguments)}
    call = {"id": f"call_{turn}", "type": "function", "function": function}
    return {"role": "assistant", "content": "", "tool_calls": [call]}


def _terminal(folder: Path) -> Solutions:
    tasks = sorted(path for path in (folder / "train").iterdir() if path.is_dir())
    solved = [f"({(task / 'solution/solve.sh').read_text()}\n)" for task in tasks]
    return [[_call(0, "bash", command=command), _DONE] for command in solved]


def _swe(folder: Path) -> Solutions:
    instances = read_instances(folder / "train.jsonl")
    return [[_call(0, "bash", command=swe_oracle(instance)), _DONE] for instance in instances]


def _search(folder: Path) -> Solutions:
    solutions = []
    for question in read_questions(folder / "train.jsonl"):
        looks = [("search", {"query": one.subject}) for one in question.evidence]
        opens = [("open", {"page": one.page}) for one in question.evidence]
        calls = [call for pair in zip(looks, opens, strict=True) for call in pair]
        moves = [_call(turn, tool, **arguments) for turn, (tool, arguments) in enumerate(calls)]
        solutions.append([*moves, {"role": "assistant", "content": f"Answer: {question.answer}"}])
    return solutions


def _slides(folder: Path) -> Solutions:
    return [
        [
            *(
                _call(number, "write_page", html=html, page=str(number))
                for number, html in enumerate(slides_oracle(deck), 1)
            ),
            _DONE,
        ]
        for deck in read_decks(folder / "train.jsonl")
    ]


SOLVERS: Mapping[str, Callable[[Path], Solutions]] = {
    "terminal": _terminal,
    "swe": _swe,
    "search": _search,
    "slides": _slides,
}


def next_move(solution: Sequence[Move] | None, messages: Sequence[Mapping[str, Any]]) -> Move:
    """The move after these messages; without a solution the agent is done at once."""
    turn = sum(message["role"] == "assistant" for message in messages)
    return _DONE if solution is None else solution[turn]
