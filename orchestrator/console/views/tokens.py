"""Tokens of one model call as marked-up text: each carries its log-prob, weight version and loss mask."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from orchestrator.console.words import visible
from orchestrator.reading import CallTokens
from orchestrator.sealing import CallSummary

# Least probability of each class, from sure to surprising; CSS has a colour for each.
PROBABILITIES = (0.99, 0.9, 0.6, 0.3, 0.1, 0.01, 0.0)
VERSION_COLOURS = 8
_PROMPT_SHOWN = 4_000


@dataclass(frozen=True)
class Shown:
    """The tokens of a call. `hidden` ids at the start of its prompt are left out."""

    html: Markup
    hidden: int


def shown(call: CallSummary, tokens: CallTokens, *, trained: bool) -> Shown:
    """What a call added to its parent's sequence. Loss falls on sampled tokens, if they were trained."""
    hidden = max(0, len(tokens.prompt_ids) - _PROMPT_SHOWN)
    texts = _texts(tokens.prompt_pieces, len(tokens.prompt_ids))
    prompt = [_mark("m0", *token) for token in zip(tokens.prompt_ids[hidden:], texts[hidden:], strict=True)]
    sampled = _sampled(call, tokens, "m1" if trained else "m0")
    return Shown(Markup("").join([*prompt, *sampled]), hidden)


def _sampled(call: CallSummary, tokens: CallTokens, mask: str) -> list[Markup]:
    return [
        _mark(
            f"s p{probability_class(logprob)} v{(version or 0) % VERSION_COLOURS} {mask}",
            token_id,
            text,
            f' data-l="{logprob:.4f}" data-v="{"?" if version is None else version}"',
        )
        for token_id, text, logprob, version in zip(
            tokens.sampled_ids,
            _texts(tokens.sampled_pieces, len(tokens.sampled_ids)),
            tokens.rollout_logprobs,
            versions_of(call),
            strict=True,
        )
    ]


def versions_of(call: CallSummary) -> list[int | None]:
    """Weight version of each sampled token."""
    versions: list[int | None] = [None] * call.sampled_tokens
    for version, start, end in call.versions:
        versions[start:end] = [version] * (end - start)
    return versions


def probability_class(logprob: float) -> int:
    """Which of `PROBABILITIES` a log-prob falls into."""
    probability = math.exp(min(logprob, 0.0))
    return next(place for place, least in enumerate(PROBABILITIES) if probability >= least)


def _texts(pieces: Sequence[str] | None, number: int) -> Sequence[str | None]:
    """Nothing for every id, if nobody told."""
    return [None] * number if pieces is None else pieces


def _mark(classes: str, token_id: int, text: str | None, more: str = "") -> Markup:
    """One token. `classes` and `more` are made here and hold nothing that an agent wrote."""
    seen = escape(visible(text).replace("\n", "⏎\n")) if text else Markup(f"⟨{token_id}⟩")
    return Markup(f'<i class="{classes}" data-i="{token_id}"{more}>{seen}</i>')
