"""Counts letters: tasks, tools, agent and reward of one environment. Begin with what is marked YOURS."""

import re
from dataclasses import dataclass
from random import Random

from environments.agent import Agent, Prompt
from environments.arguments import arguments_of
from environments.chat import Chat
from environments.family import Play, Scored
from environments.host import Host
from environments.message import Tool
from services.contracts.environment import Manifest, TaskCard, TaskRef
from services.kit.failure import Missing

VERSION = "1"
SPLITS = {"train": 512, "evaluation": 64}

# YOURS: what the agent is told, what it may spend, and the tools that it has.
PROMPT = Prompt(
    system="Answer the question. Spell the word with the tool first. Reply with the number alone.",
    advice="The tool call could not be read. Call spell with a JSON object that has one word.",
)
SPELL: Tool = {
    "type": "function",
    "function": {
        "name": "spell",
        "description": "The letters of a word, one a line.",
        "parameters": {
            "type": "object",
            "properties": {"word": {"type": "string"}},
            "required": ["word"],
        },
    },
}


@dataclass(frozen=True)
class Budget:
    """What one rollout may spend: model calls, and sampled tokens in all of them together."""

    max_turns: int = 4
    max_tokens: int = 1_024


@dataclass(frozen=True)
class Question:
    """YOURS: one task, with what it takes to grade it. The agent sees `text` and nothing else."""

    letter: str
    word: str

    @property
    def text(self) -> str:
        return f"How often is the letter {self.letter} in {self.word}?"

    @property
    def answer(self) -> int:
        return self.word.count(self.letter)


def question_of(task: TaskRef) -> Question:
    """YOURS: the same task for the same reference on every machine, and none in both splits."""
    random = Random(f"{task.split}/{task.index}")
    ending = "u" if task.split == "evaluation" else "o"
    return Question(random.choice("abc"), "".join(random.choices("abc", k=random.randint(5, 9))) + ending)


class Spelling:
    """YOURS: the tools at work. What an agent does wrong is told to it; it is never an exception."""

    @property
    def schemas(self) -> list[Tool]:
        return [SPELL]

    async def call(self, name: str, arguments: str) -> str:
        try:
            word = arguments_of(arguments).get("word")
        except ValueError as error:
            return f"error: {error}"
        if name != "spell" or not isinstance(word, str):
            return "there is one tool, spell, and it takes one argument, word"
        return "\n".join(word)


def graded(question: Question, words: str) -> float:
    """YOURS: the reward, from what the agent left and nothing that it could have written elsewhere."""
    return float(re.fullmatch(r"\d{1,9}", words.strip()) is not None and int(words) == question.answer)


@dataclass(frozen=True)
class Environment:
    """Implements `environments.family.Family`; the service around it does everything else."""

    manifest: Manifest
    host: Host

    def card(self, task: TaskRef) -> TaskCard:
        """Errors: Missing."""
        if task.index >= self.manifest.splits.get(task.split, 0):
            raise Missing(f"there is no task {task.index} in {task.split}", field="index", value=task.index)
        return TaskCard(task=task, title=question_of(task).word, instruction=question_of(task).text)

    async def run(self, play: Play) -> Scored:
        """Errors: Failure, with its cause, if the model cannot be asked."""
        question, tools = question_of(play.task), Spelling()
        chat = Chat(self.host.client, play.model, tools.schemas)
        agent = Agent(chat, tools, PROMPT, Budget(), play.progress, self.host.metrics)
        ending = await agent.solve(question.text, play.deadline - 1.0)
        reward = graded(question, ending.words)
        return Scored(ending.cause, reward, components={"correct": reward}, details=ending.details)


def family(host: Host) -> Environment:
    """What `PODIUM_ENVIRONMENT_FAMILY=letters.environment:family` names."""
    manifest = Manifest(
        name=host.name,
        version=VERSION,
        description="counts letters in words",
        splits=dict(SPLITS),
        capacity=host.capacity,
        reward_components=("correct",),
        isolation="none",
    )
    return Environment(manifest, host)
