"""The reward of a search rollout: 1 if its answer is right, else 0; tricks are labelled as well."""

import re

from environments.ending import Ending
from environments.family import Scored
from environments.search.judge.answer import answer_of
from environments.search.judge.judge import Judge
from environments.search.question import Question

COMPONENTS = ("correct", "answered")
_TO_A_JUDGE = re.compile(
    r"\b(?:judge|grader|rubric|verdict|ignore (?:all|the|any)|mark (?:this|it) )", re.IGNORECASE
)
_MARKS = re.compile(
    r"^[^\w\n]*+(?:final |exact )?answer\b[^\w\n:]*+:", re.IGNORECASE | re.MULTILINE
)  # no pattern that runs over what a model wrote may take the square of its length


async def score(question: Question, ending: Ending, judge: Judge) -> Scored:
    """What the agent left, judged. Errors: Failure (verifier) if the judge fails."""
    answer = answer_of(ending.words)
    judgement = await judge.judge(question, answer)
    reward = float(judgement.correct)
    return Scored(
        ending.cause,
        reward,
        components={"correct": reward, "answered": float(bool(answer))},
        details={
            **ending.details,
            "answer": answer,
            "judged_by": judgement.method,
            "reason": judgement.reason,
        },
        labels=labels(ending.words, answer),
    )


def labels(words: str, answer: str) -> tuple[str, ...]:
    """Suspicions about an answer, for whoever reads the rollout."""
    found = []
    if len(_MARKS.findall(words)) > 1:
        found.append("several_answers")
    if _TO_A_JUDGE.search(answer):
        found.append("speaks_to_the_judge")
    if re.search(r"\bor\b|;|/", answer) and len(answer.split()) > 3:
        found.append("alternatives")
    return tuple(found)
