"""What the token records of a finished attempt amount to: a score that counts, or no records at all."""

from dataclasses import dataclass
from typing import Any

from orchestrator.messages import Message, Tool, normalise
from services.contracts.token_record import CallHeader, records_digest
from services.contracts.words import Word


class CallSummary(Word):
    """One model call without its arrays, as the API shows it."""

    call_id: str
    index: int
    branch: int
    parent: str | None
    prompt_tokens: int
    sampled_tokens: int
    versions: tuple[tuple[int, int, int], ...]
    engine: str
    temperature: float
    finish_reason: str
    started_at: float = 0.0
    seconds: float
    cached_tokens: int


@dataclass(frozen=True)
class Score:
    """Versions, counts, digest and messages of an attempt whose records are all there."""

    oldest_version: int
    newest_version: int
    sampled_tokens: int
    records: int
    digest: str
    messages: tuple[Message, ...]
    tools: tuple[Tool, ...]
    calls: tuple[CallSummary, ...]

    def columns(self) -> dict[str, Any]:
        """What the row of a rollout keeps."""
        names = ("oldest_version", "newest_version", "sampled_tokens", "records", "digest")
        return {name: getattr(self, name) for name in names}

    def transcript(self) -> dict[str, Any]:
        """What the row of a transcript keeps."""
        return {
            "messages": [message.model_dump(exclude_defaults=True) for message in self.messages],
            "tools": list(self.tools),
            "calls": [call.model_dump() for call in self.calls],
        }


def score(headers: list[CallHeader]) -> Score | None:
    """The score of an attempt, or None if nothing was sampled in it."""
    oldest = [version for header in headers if (version := header.oldest_version) is not None]
    newest = [version for header in headers if (version := header.newest_version) is not None]
    if not oldest or not newest:
        return None
    ordered = sorted(headers, key=lambda header: header.index)
    return Score(
        oldest_version=min(oldest),
        newest_version=max(newest),
        sampled_tokens=sum(header.sampled_tokens for header in ordered),
        records=len(ordered),
        digest=records_digest(ordered),
        messages=normalise(ordered),
        tools=next((header.tools for header in ordered if header.tools), ()),
        calls=tuple(_summary(header) for header in ordered),
    )


def _summary(header: CallHeader) -> CallSummary:
    return CallSummary(
        call_id=header.call_id,
        index=header.index,
        branch=header.branch,
        parent=header.parent,
        prompt_tokens=header.prompt_tokens,
        sampled_tokens=header.sampled_tokens,
        versions=tuple((span.version, span.start, span.end) for span in header.versions),
        engine=header.engine,
        temperature=header.temperature,
        finish_reason=header.finish_reason,
        started_at=header.started_at,
        seconds=header.seconds,
        cached_tokens=header.cached_tokens,
    )
