"""Turns of a rollout: the messages of each model call beside its tokens, as many as a page can carry."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from orchestrator.console.views.tokens import Shown, shown
from orchestrator.messages import Message
from orchestrator.reading import RolloutDetail
from orchestrator.sealing import CallSummary

_TOKENS_A_PAGE = 20_000
_TURNS_A_PAGE = 200


@dataclass(frozen=True)
class Turn:
    """One model call; no `tokens` where the token store has none."""

    call: CallSummary
    messages: tuple[Message, ...]
    tokens: Shown | None


@dataclass(frozen=True)
class Turns:
    """Those of one page; `before` and `after` are the first turns of its neighbours."""

    turns: tuple[Turn, ...]
    before: int | None
    after: int | None


def turns(detail: RolloutDetail, first: int, *, trained: bool) -> Turns:
    """From turn `first` on."""
    said: defaultdict[int, list[Message]] = defaultdict(list)
    for message in detail.messages:
        said[message.call].append(message)
    tokens = {call.call_id: call for call in detail.tokens or ()}
    pages = _pages(detail.calls)
    page = max((start for start in pages if start <= first), default=0)
    place = pages.index(page)
    until = pages[place + 1] if place + 1 < len(pages) else len(detail.calls)
    found = [
        Turn(
            call,
            tuple(said[call.index]),
            shown(call, tokens[call.call_id], trained=trained) if call.call_id in tokens else None,
        )
        for call in detail.calls[page:until]
    ]
    before = pages[place - 1] if place > 0 else None
    return Turns(tuple(found), before, until if until < len(detail.calls) else None)


def _pages(calls: Sequence[CallSummary]) -> list[int]:
    """Places at which pages begin."""
    starts, tokens, number = [0], 0, 0
    for place, call in enumerate(calls):
        size = call.prompt_tokens + call.sampled_tokens
        if number and (tokens + size > _TOKENS_A_PAGE or number >= _TURNS_A_PAGE):
            starts.append(place)
            tokens = number = 0
        tokens, number = tokens + size, number + 1
    return starts
