"""From a prompt on the wire to a generation inside the engine."""

from services.inference.cpu.generation import Decode, Generation, StopRule
from services.inference.cpu.sampling import SamplingRule
from services.inference.wire.prompt import Prompt
from services.inference.wire.sampling import SamplingParams


def generation_of(prompt: Prompt, eos: frozenset[int], decode: Decode | None) -> Generation:
    """What a prompt asks of the scheduler; `eos` are the ids with which the model ends."""
    sampling = prompt.sampling
    # As in SGLang, ignoring the end of the model ignores the request's own stop tokens too.
    stops = eos | frozenset(sampling.stop_token_ids or ())
    strings = [sampling.stop] if isinstance(sampling.stop, str) else sampling.stop or []
    stop = StopRule(
        max_new_tokens=prompt.max_new_tokens,
        token_ids=frozenset() if sampling.ignore_eos else stops,
        strings=tuple(text for text in strings if text),
        min_new_tokens=sampling.min_new_tokens or 0,
        decode=decode,
    )
    return Generation(
        rid=prompt.rid,
        prompt=list(prompt.ids),
        rule=_rule(sampling),
        stop=stop,
        extra_key=prompt.extra_key,
        score_from=prompt.score_from,
        stream=prompt.stream,
    )


def _rule(sampling: SamplingParams) -> SamplingRule:
    def default(value: float | None, otherwise: float) -> float:
        return otherwise if value is None else value

    top_k = sampling.top_k or -1
    return SamplingRule(
        temperature=default(sampling.temperature, 1.0),
        top_p=default(sampling.top_p, 1.0),
        top_k=0 if top_k == -1 else top_k,
        min_p=sampling.min_p or 0.0,
        frequency_penalty=sampling.frequency_penalty or 0.0,
        presence_penalty=sampling.presence_penalty or 0.0,
        repetition_penalty=default(sampling.repetition_penalty, 1.0),
        logit_bias={int(token): bias for token, bias in (sampling.logit_bias or {}).items()},
        seed=sampling.sampling_seed,
    )
