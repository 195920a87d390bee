"""A question with its answer and the statements that prove it, and the JSON lines it is kept in."""

from collections.abc import Iterable
from pathlib import Path

from pydantic import ValidationError, field_validator

from environments.search.graph.triple import Triple
from environments.search.judge.match import normalised
from services.contracts.environment import TaskCard, TaskRef
from services.contracts.words import Word
from services.kit.failure import Refused


class Question(Word):
    """One task. `asked` is the relation at its end; `evidence` never leaves the environment."""

    question: str
    answer: str
    aliases: tuple[str, ...] = ()
    hops: int = 1
    form: str = "chain"
    asked: str = ""
    evidence: tuple[Triple, ...] = ()

    @field_validator("question", "answer", "aliases")
    @classmethod
    def _says_something(cls, value: str | tuple[str, ...]) -> str | tuple[str, ...]:
        for text in [value] if isinstance(value, str) else value:
            if not any(one.isalnum() for one in normalised(text)):
                raise ValueError(f"{text!r} has neither letters nor digits")
        return value

    def card(self, ref: TaskRef) -> TaskCard:
        tags = (self.form, f"{self.hops} hops")
        title = f"search-{ref.split}-{ref.index:04}"
        return TaskCard(task=ref, title=title, tags=tags, instruction=self.question)

    @property
    def accepted(self) -> tuple[str, ...]:
        return (self.answer, *self.aliases)


def read_questions(path: Path) -> list[Question]:
    """Questions of a JSONL file. Errors: Refused with file and line if one is not a question."""
    return [
        _question(path, number, line) for number, line in enumerate(path.read_text().splitlines(), 1) if line
    ]


def write_questions(path: Path, questions: Iterable[Question]) -> None:
    path.write_text("".join(question.model_dump_json() + "\n" for question in questions))


def _question(path: Path, number: int, line: str) -> Question:
    try:
        return Question.model_validate_json(line)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        raise Refused(
            f"{path}:{number} is not a question: {field}: {first['msg']}",
            field=field,
            value=line,
            remedy='write one object a line: {"question": ..., "answer": ...}',
        ) from error
