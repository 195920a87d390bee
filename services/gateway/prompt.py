"""Which ids an engine is sent for a request: the recorded ones as they are, then only what is new."""

from dataclasses import dataclass

from services.gateway.chat_request import Chat
from services.gateway.failures import ContextTooLong, InvalidRequest, TitoBreak
from services.gateway.history import BranchReason, Call, History
from services.rendering.chat import ChatRenderer
from services.rendering.message import Message


@dataclass(frozen=True)
class Prompt:
    """`input_ids` begin with the sequence of `parent`; `messages` are those that it has not seen.

    `apart` says why the prompt follows on no recorded call although there are some.
    """

    input_ids: list[int]
    parent: Call | None
    kept: int
    messages: tuple[Message, ...]
    apart: BranchReason | None = None


def compose(chat: Chat, history: History, renderer: ChatRenderer) -> Prompt:
    """Follow on the deepest recorded call that fits, or render the whole conversation as a branch.

    Raises TitoBreak rather than lose a recorded id.
    """
    match = history.deepest(chat.prints, chat.messages)
    if match is None:
        apart = history.why_apart(chat.prints[0], chat.messages[0])
        return _whole(chat, renderer, apart)
    sequence = match.call.sequence.tolist()
    sampled = len(match.call.sampled)
    fresh = chat.messages[match.depth :]
    ids = renderer.bridge(sequence[:-sampled], sequence[-sampled:], fresh, chat.tools)
    if ids is None:
        return _whole(chat, renderer, BranchReason.UNBRIDGED)
    _check_unbroken(sequence, ids)
    return Prompt(ids, match.call, len(sequence), fresh)


def reply_room(prompt: Prompt, context_length: int, limit: int, wanted: int | None) -> int:
    """How many tokens may be sampled. Raises ContextTooLong if there is room for none."""
    room = context_length - len(prompt.input_ids)
    if room < 1:
        raise ContextTooLong(len(prompt.input_ids), context_length)
    return min(room, limit, wanted or limit)


def _whole(chat: Chat, renderer: ChatRenderer, apart: BranchReason | None) -> Prompt:
    try:
        ids = renderer.render(chat.messages, chat.tools)
    except (ValueError, TypeError, KeyError) as error:
        raise InvalidRequest(f"this conversation does not fit the chat template: {error}") from None
    return Prompt(ids, None, 0, chat.messages, apart)


def _check_unbroken(sequence: list[int], input_ids: list[int]) -> None:
    """Token in, token out: what was recorded is sent again id by id, or nothing is sent at all."""
    if input_ids[: len(sequence)] != sequence or len(input_ids) <= len(sequence):
        raise TitoBreak("the next prompt does not begin with the recorded ids; the call was not made")
