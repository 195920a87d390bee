"""A chat template as a token program: messages to ids, the next turn's ids, and a reply from ids."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import structlog
from pydantic import TypeAdapter
from renderers import RendererConfig, create_renderer
from renderers.base import ParsedResponse, ParsedToolCall, ToolCallParseStatus

from services.rendering.message import FunctionCall, Message, Tool, ToolCall
from services.rendering.tokenizer import ModelTokenizer

log = structlog.get_logger()

KEEP_THINKING: Final = {"thinking_retention": "all"}


class ChatRenderer:
    """The chat format of one model family (any name that `renderers` knows) over a model folder.

    With `thinking_retention="all"` a turn can follow on any reply without rendering it again, also
    across user messages; families whose template forbids that make `bridge` return None.
    """

    def __init__(
        self, model_folder: Path, family: str = "qwen3", options: Mapping[str, Any] = KEEP_THINKING
    ) -> None:
        self.tokenizer = ModelTokenizer(model_folder)
        config: Any = TypeAdapter(RendererConfig).validate_python({"name": family, **options})
        self._renderer: Any = create_renderer(self.tokenizer, config)
        self.stop_token_ids: tuple[int, ...] = tuple(self._renderer.get_stop_token_ids())
        model = json.loads((model_folder / "config.json").read_text())
        self.vocabulary_size = int(model.get("vocab_size", self.tokenizer.vocabulary_size))
        self.context_length: int | None = model.get("max_position_embeddings")

    def render(self, messages: Sequence[Message], tools: Sequence[Tool] = ()) -> list[int]:
        """Ids of a whole conversation, up to where the model's next reply begins."""
        plain = [message.to_json() for message in messages]
        ids: list[int] = self._renderer.render_ids(
            plain, tools=list(tools) or None, add_generation_prompt=True
        )
        return ids

    def bridge(
        self,
        prompt_ids: list[int],
        sampled_ids: list[int],
        messages: Sequence[Message],
        tools: Sequence[Tool] = (),
    ) -> list[int] | None:
        """`prompt_ids + sampled_ids`, then the ids of new messages up to where the next reply begins.

        A reply that was cut off is closed by ids that count as prompt. None if the family cannot go on
        from here without rendering what was sampled again.
        """
        plain = [message.to_json() for message in messages]
        bridged = self._renderer.bridge_to_next_turn(
            prompt_ids, sampled_ids, plain, tools=list(tools) or None
        )
        return None if bridged is None else bridged.token_ids

    def parse(
        self,
        prompt_ids: list[int],
        sampled_ids: list[int],
        tools: Sequence[Tool] = (),
        *,
        tool_calls: bool = True,
    ) -> Message:
        """The sampled ids as an assistant message.

        Tool calls that are malformed, or all of them without `tool_calls`, stay in the content as the
        model wrote them.
        """
        parsed = self._parsed(prompt_ids, sampled_ids, tools)
        if parsed is None:
            return Message(role="assistant", content=self.tokenizer.decode(sampled_ids))
        kept = [call for call in parsed.tool_calls if tool_calls and _well_formed(call)]
        texts = [self._text(call, sampled_ids) for call in parsed.tool_calls if call not in kept]
        return Message(
            role="assistant",
            content="\n".join(part for part in (parsed.content, *texts) if part),
            reasoning_content=parsed.reasoning_content or None,
            tool_calls=tuple(_tool_call(call) for call in kept),
        )

    def _parsed(
        self, prompt_ids: list[int], sampled_ids: list[int], tools: Sequence[Tool]
    ) -> ParsedResponse | None:
        """None where the family's parser fails: it is not ours, and a model may write anything."""
        try:
            parsed: ParsedResponse = self._renderer.parse_response(
                sampled_ids, tools=list(tools) or None, prompt_ids=prompt_ids
            )
        except Exception as error:  # boundary: a parser that is not ours
            log.warning("reply not parsed", error=repr(error))
            return None
        return parsed

    def _text(self, call: ParsedToolCall, sampled_ids: list[int]) -> str:
        if call.token_span is None:
            return str(call.raw)
        start, end = call.token_span
        return self.tokenizer.decode(sampled_ids[start:end])


def _well_formed(call: ParsedToolCall) -> bool:
    return call.status is ToolCallParseStatus.OK and isinstance(call.name, str) and _is_text(call.name)


def _tool_call(call: ParsedToolCall) -> ToolCall:
    return ToolCall(
        call.id or f"call_{uuid4().hex[:24]}", FunctionCall(call.name or "", _json(call.arguments))
    )


def _json(arguments: Any) -> str:
    text = arguments if isinstance(arguments, str) else json.dumps(arguments or {}, ensure_ascii=False)
    return text if _is_text(text) else json.dumps(arguments)


def _is_text(text: str) -> bool:
    """JSON can spell half a surrogate pair, which no UTF-8 can carry."""
    return not any("\ud800" <= character <= "\udfff" for character in text)
