"""What a rollout said, token by token if asked: from the record once sealed, before that as it grows."""

import httpx

from orchestrator.reading import CallTokens, RolloutDetail
from orchestrator.sealing import score
from services.contracts.pieces import Pieces, PiecesRequest
from services.contracts.token_record import TokenRecord
from services.kit.access import Claims, Scope, Signer
from services.kit.failure import Missing
from services.transport.token_store import DamagedRecord, TokenStore

_TOKEN_S = 60.0
_PIECES_S = 10.0


class Transcripts:
    """Messages and tokens of rollouts; texts of tokens come from the gateway, which has the tokenizer."""

    def __init__(self, tokens: TokenStore, gateway: httpx.AsyncClient, signer: Signer) -> None:
        self._tokens = tokens
        self._gateway = gateway
        self._signer = signer

    async def so_far(self, detail: RolloutDetail) -> RolloutDetail:
        """With the messages and calls recorded until now, if the record has none yet."""
        if detail.calls or detail.state in ("sealed", "failed"):
            return detail
        scored = score(await self._tokens.headers(detail.rollout_id, detail.attempt))
        if scored is None:
            return detail
        said = {"messages": scored.messages, "tools": scored.tools, "calls": scored.calls}
        return detail.model_copy(update=said)

    async def tokens(self, detail: RolloutDetail, *, pieces: bool) -> tuple[CallTokens, ...]:
        """Ids and log-probs by call, as text too if `pieces` and the gateway answers. Raises Missing if the
        token store's records are damaged."""
        try:
            records = await self._tokens.records(detail.rollout_id, detail.attempt)
        except DamagedRecord as error:
            raise Missing(
                f"its token records are damaged: {error}", field="rollout_id", value=detail.rollout_id
            ) from error
        calls = tuple(_tokens(record) for record in records)
        return await self._with_pieces(calls) if pieces else calls

    async def _with_pieces(self, calls: tuple[CallTokens, ...]) -> tuple[CallTokens, ...]:
        """The calls as they are if the gateway does not answer: people can still read ids."""
        asked = PiecesRequest(sequences=tuple((*call.prompt_ids, *call.sampled_ids) for call in calls))
        token = self._signer.mint(Claims(Scope.VIEWER), _TOKEN_S)
        try:
            reply = await self._gateway.post(
                "/v1/pieces",
                content=asked.model_dump_json(),
                headers={"authorization": f"Bearer {token}", "content-type": "application/json"},
                timeout=_PIECES_S,
            )
            reply.raise_for_status()
            found = Pieces.model_validate_json(reply.content).sequences
        except (httpx.HTTPError, ValueError):
            return calls
        return tuple(_spelled(call, text) for call, text in zip(calls, found, strict=True))


def _tokens(record: TokenRecord) -> CallTokens:
    return CallTokens(
        call_id=record.header.call_id,
        prompt_ids=tuple(record.arrays.prompt.tolist()),
        sampled_ids=tuple(record.arrays.sampled.tolist()),
        rollout_logprobs=tuple(record.arrays.logprobs.tolist()),
    )


def _spelled(call: CallTokens, text: tuple[str, ...]) -> CallTokens:
    prompt = len(call.prompt_ids)
    return call.model_copy(update={"prompt_pieces": text[:prompt], "sampled_pieces": text[prompt:]})
