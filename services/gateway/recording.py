"""From what was asked and sampled to the record that is kept of it."""

from array import array
from dataclasses import dataclass

import numpy as np

from services.contracts.token_record import CallHeader, TokenArrays, TokenRecord
from services.gateway.chat_request import Chat
from services.gateway.generation import Generation
from services.gateway.history import Spoken
from services.gateway.prompt import Prompt
from services.rendering.message import Message


@dataclass(frozen=True)
class Exchange:
    """A request, its prompt, what `engine` sampled on it, and how that reads as a message."""

    chat: Chat
    prompt: Prompt
    generation: Generation
    engine: str
    reply: Message
    temperature: float
    started_at: float
    seconds: float


@dataclass(frozen=True)
class Place:
    """Where a call stands among those of its attempt."""

    rollout_id: str
    attempt: int
    call_id: str
    index: int
    branch: int


def record_of(exchange: Exchange, place: Place) -> TokenRecord:
    """The record of one call: its messages are those that its parent had not seen, then the reply.

    The tools stand in calls without a parent; calls that follow on them have the same.
    """
    prompt, generation = exchange.prompt, exchange.generation
    input_ids = np.frombuffer(array("i", prompt.input_ids), np.int32)  # a third of the time of numpy's own
    arrays = TokenArrays.of(input_ids[prompt.kept :], generation.ids, generation.logprobs, input_ids)
    header = CallHeader(
        rollout_id=place.rollout_id,
        attempt=place.attempt,
        call_id=place.call_id,
        index=place.index,
        branch=place.branch,
        parent=prompt.parent.header.call_id if prompt.parent else None,
        prompt_tokens=len(input_ids) - prompt.kept,
        sampled_tokens=len(generation.ids),
        versions=generation.versions,
        engine=exchange.engine,
        temperature=exchange.temperature,
        finish_reason=generation.finish,
        messages=tuple(message.to_json() for message in (*prompt.messages, exchange.reply)),
        tools=() if prompt.parent else exchange.chat.tools,
        started_at=exchange.started_at,
        seconds=exchange.seconds,
        cached_tokens=generation.cached_tokens,
        digest=arrays.digest(),
    )
    return TokenRecord(header, arrays)


def said_in(exchange: Exchange) -> Spoken:
    """What the record of an exchange would be read as."""
    prompt, chat = exchange.prompt, exchange.chat
    start = prompt.parent.answered if prompt.parent else chat.prints[0]
    return Spoken(start, prompt.messages[0], chat.prints[-1], exchange.reply)
