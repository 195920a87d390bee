"""Draws questions until both splits are full, and says of each whether it is kept or dropped."""

import hashlib
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from random import Random
from typing import Literal

from environments.search.build.draft import Draft
from environments.search.build.filters import Dropped, Panel, Reason
from environments.search.build.phrasing import RelationOf, phrase
from environments.search.build.walk import Walk, draw
from environments.search.graph.graph import Both, Expression, Graph, Hop, hops
from environments.search.judge.match import normalised
from environments.search.question import Question

Split = Literal["train", "evaluation"]


@dataclass(frozen=True)
class Plan:
    """How many questions of which sort; `not_frequent` is the share of entities that may be seeds."""

    train: int = 512
    evaluation: int = 128
    hops: tuple[int, int] = (2, 4)
    not_frequent: float = 0.8
    per_answer: int = 4
    draws_per_question: int = 40
    seed: int = 0


@dataclass(frozen=True)
class Kept:
    """A question that passed, and where it belongs."""

    split: Split
    question: Question


def split_of(answer: str) -> Split:
    """By the answer, so that no answer learned in training is right in evaluation."""
    digest = hashlib.sha256(normalised(answer).encode()).digest()
    return "evaluation" if digest[0] % 5 == 0 else "train"


async def build_questions(
    graph: Graph, relation_of: RelationOf, panel: Panel, plan: Plan
) -> AsyncIterator[Kept | Dropped]:
    """Questions as they are found, fewer than planned if the corpus has no more within so many draws."""
    wanted: dict[Split, int] = {"train": plan.train, "evaluation": plan.evaluation}
    asked, answers = set[str](), Counter[str]()
    for walk in _walks(graph, plan):
        split = split_of(walk.answer)
        if wanted[split] <= 0:
            if max(wanted.values()) <= 0:
                break
            continue
        draft = Draft(phrase(walk.expression, relation_of), walk.expression, walk.last)
        question = _question(graph, walk, draft)
        reason = _unfit(question, asked, answers, plan) or await panel.objection(draft, question)
        asked.add(draft.question)
        if reason is None:
            answers[question.answer] += 1
            wanted[split] -= 1
            yield Kept(split, question)
        else:
            yield Dropped(question=question, reason=reason)


def _walks(graph: Graph, plan: Plan) -> Iterator[Walk]:
    random = Random(f"questions/{plan.seed}")
    seeds = graph.not_frequent(plan.not_frequent)
    for _ in range(plan.draws_per_question * (plan.train + plan.evaluation)):
        walk = draw(graph, random.choice(seeds), random.randint(*plan.hops), random)
        if walk is not None:
            yield walk


def _question(graph: Graph, walk: Walk, draft: Draft) -> Question:
    return Question(
        question=draft.question,
        answer=walk.answer,
        hops=hops(walk.expression),
        form=_form(walk.expression),
        asked=walk.last.relation,
        evidence=graph.evidence(walk.expression, walk.answer),
    )


def _form(expression: Expression) -> str:
    while isinstance(expression, Hop):
        expression = expression.source
    return "hidden" if isinstance(expression, Both) else "chain"


def _unfit(question: Question, asked: set[str], answers: Counter[str], plan: Plan) -> Reason | None:
    if question.question in asked:
        return Reason(filter="duplicate", detail="the same question was drawn before")
    if answers[question.answer] >= plan.per_answer:
        return Reason(filter="answer_overused", detail=f"{plan.per_answer} questions have this answer")
    if f" {normalised(question.answer)} " in f" {normalised(question.question)} ":
        return Reason(filter="answer_named", detail="the question contains its answer")
    return None
