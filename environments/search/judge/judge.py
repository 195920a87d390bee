"""Verdicts on answers. A judge that fails is a failure of the verifier, never a wrong answer."""

from dataclasses import dataclass
from typing import Protocol

from environments.search.judge.match import matches
from environments.search.question import Question


@dataclass(frozen=True)
class Judgement:
    """Whether an answer is right, how that was found, and why."""

    correct: bool
    method: str
    reason: str = ""


class Judge(Protocol):
    """Compares an answer with what is accepted."""

    async def judge(self, question: Question, answer: str) -> Judgement:
        """Errors: Failure (verifier) if there can be no verdict."""


@dataclass(frozen=True)
class MatchJudge:
    """By the letters: equal to an accepted answer as `normalised` writes both."""

    async def judge(self, question: Question, answer: str) -> Judgement:
        exact = answer.strip() in question.accepted
        return Judgement(matches(answer, question.accepted), "exact" if exact else "normalised")


@dataclass(frozen=True)
class FirstMatchThen:
    """By the letters where they agree; what they do not settle goes to another judge."""

    other: Judge

    async def judge(self, question: Question, answer: str) -> Judgement:
        plain = await MatchJudge().judge(question, answer)
        return plain if plain.correct or not answer else await self.other.judge(question, answer)
