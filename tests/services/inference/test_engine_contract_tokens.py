"""The engine contract: ids, log-probs, ends and the prefix cache, on ours and on SGLang alike."""

import asyncio

import pytest

from tests.services.inference.conftest import Client, Models
from tests.services.inference.flight import GREEDY, PROMPT, TOLERANCE, InFlight, logprobs_of


async def test_greedy_ids_and_logprobs_are_those_of_transformers(engine: Client, models: Models) -> None:
    reply = await engine.generate(PROMPT, sampling=GREEDY | {"max_new_tokens": 40})
    ids = reply["output_ids"]
    rows = models.logprobs(models.a, PROMPT + ids)[len(PROMPT) - 1 : -1]
    assert ids == rows.argmax(-1).tolist()
    assert logprobs_of(reply) == pytest.approx(models.scored(models.a, PROMPT, ids), abs=TOLERANCE)


@pytest.mark.parametrize(
    "sampling", [{}, {"temperature": 0.7}, {"top_p": 0.8, "top_k": 20}, {"temperature": 1.5, "min_p": 0.05}]
)
async def test_sampled_logprobs_are_of_the_full_vocabulary_after_temperature(
    engine: Client, models: Models, sampling: dict[str, float]
) -> None:
    reply = await engine.generate(PROMPT, sampling=sampling | {"max_new_tokens": 60})
    expected = models.scored(models.a, PROMPT, reply["output_ids"], sampling.get("temperature", 1.0))
    assert logprobs_of(reply) == pytest.approx(expected, abs=TOLERANCE)


async def test_top_k_of_one_is_greedy(engine: Client) -> None:
    greedy = await engine.generate(PROMPT, sampling=GREEDY)
    narrow = await engine.generate(PROMPT, sampling={"top_k": 1, "temperature": 2.0})
    assert narrow["output_ids"] == greedy["output_ids"]


async def test_penalties_keep_greedy_from_repeating_itself(engine: Client) -> None:
    sampling = GREEDY | {"frequency_penalty": 1.5, "presence_penalty": 0.5}
    reply = await engine.generate(PROMPT, sampling=sampling | {"max_new_tokens": 60})
    ids, plain = reply["output_ids"], await engine.generate(PROMPT, sampling=GREEDY | {"max_new_tokens": 60})
    assert ids != plain["output_ids"]
    assert len(set(ids)) > len(set(plain["output_ids"]))


@pytest.mark.parametrize("start", [0, 3, 6])
async def test_prompt_logprobs_begin_where_asked(engine: Client, models: Models, start: int) -> None:
    reply = await engine.generate(PROMPT, sampling={"temperature": 0.5}, logprob_start_len=start)
    entries = reply["meta_info"]["input_token_logprobs"]
    assert [entry[1] for entry in entries] == PROMPT[start:]
    assert entries[0][0] is None
    rows = models.logprobs(models.a, PROMPT)
    expected = [float(rows[at - 1, PROMPT[at]]) for at in range(start + 1, len(PROMPT))]
    assert [entry[0] for entry in entries[1:]] == pytest.approx(expected, abs=TOLERANCE)


async def test_many_at_once_do_not_disturb_each_other(engine: Client, models: Models) -> None:
    prompts = [[token + 3, 20, 30 + token][: 1 + token % 3] * (1 + token) for token in range(12)]
    replies = await asyncio.gather(
        *(engine.generate(ids, sampling=GREEDY | {"max_new_tokens": 5 + len(ids)}) for ids in prompts)
    )
    for ids, reply in zip(prompts, replies, strict=True):
        rows = models.logprobs(models.a, ids + reply["output_ids"])[len(ids) - 1 : -1]
        assert reply["output_ids"] == rows.argmax(-1).tolist()
        assert logprobs_of(reply) == pytest.approx(
            models.scored(models.a, ids, reply["output_ids"]), abs=TOLERANCE
        )


async def test_without_a_limit_128_tokens_are_sampled(engine: Client) -> None:
    body = {"input_ids": PROMPT, "sampling_params": {"ignore_eos": True}}
    reply = await engine.post("/generate", body)
    assert len(reply["output_ids"]) == 128
    assert reply["meta_info"]["finish_reason"] == {"type": "length", "length": 128}
    assert "output_token_logprobs" not in reply["meta_info"]


async def test_the_stop_token_is_the_last_id_and_has_no_text(engine: Client) -> None:
    free = await engine.generate(PROMPT, sampling=GREEDY | {"max_new_tokens": 20})
    stop = free["output_ids"][5]
    first = free["output_ids"].index(stop)
    sampling = GREEDY | {"max_new_tokens": 20, "stop_token_ids": [stop], "ignore_eos": False}
    reply = await engine.generate(PROMPT, sampling=sampling)
    assert reply["output_ids"] == free["output_ids"][: first + 1]
    assert reply["meta_info"]["finish_reason"] == {"type": "stop", "matched": stop}
    assert reply["meta_info"]["completion_tokens"] == first + 1
    assert len(logprobs_of(reply)) == first + 1


async def test_the_end_of_the_model_stops_unless_ignored(engine: Client) -> None:
    sampling = {"max_new_tokens": 50, "logit_bias": {"2": 100.0}}
    reply = await engine.generate(PROMPT, sampling=sampling | {"ignore_eos": False})
    assert reply["output_ids"] == [2]
    assert reply["meta_info"]["finish_reason"] == {"type": "stop", "matched": 2}
    assert reply["text"] == ""
    ignoring = await engine.generate(PROMPT, sampling=sampling | {"stop_token_ids": [2]})
    assert ignoring["output_ids"] == [2] * 50


async def test_min_new_tokens_holds_the_end_back(engine: Client) -> None:
    sampling = {"max_new_tokens": 50, "min_new_tokens": 4, "logit_bias": {"2": 100.0}, "ignore_eos": False}
    reply = await engine.generate(PROMPT, sampling=sampling)
    assert len(reply["output_ids"]) == 5
    assert reply["output_ids"][4] == 2
    assert 2 not in reply["output_ids"][:4]


async def test_a_stop_string_ends_the_reply_and_is_cut_from_its_text(engine: Client) -> None:
    letters = {str(token): 100.0 for token in (3 + ord("a") - ord("!"), 3 + ord("b") - ord("!"))}
    sampling = {"max_new_tokens": 200, "logit_bias": letters, "stop": "ab"}
    reply = await engine.generate(PROMPT, sampling=sampling)
    assert reply["meta_info"]["finish_reason"] == {"type": "stop", "matched": "ab"}
    assert "ab" not in reply["text"]
    kept = await engine.generate(PROMPT, sampling=sampling | {"no_stop_trim": True})
    assert kept["text"].endswith("ab")
    assert len(kept["output_ids"]) == len(kept["text"])


async def test_no_new_tokens_is_a_way_to_score_a_prompt(engine: Client) -> None:
    reply = await engine.generate(PROMPT, sampling={"max_new_tokens": 0}, logprob_start_len=0)
    assert reply["output_ids"] == []
    assert reply["meta_info"]["finish_reason"] == {"type": "length", "length": 0}
    assert len(reply["meta_info"]["input_token_logprobs"]) == len(PROMPT)


async def test_the_next_turn_reuses_what_was_computed(engine: Client, models: Models) -> None:
    first = await engine.generate(PROMPT, sampling={"max_new_tokens": 30})
    turn = PROMPT + first["output_ids"] + [7, 8, 9]
    second = await engine.generate(turn, sampling=GREEDY)
    assert second["meta_info"]["cached_tokens"] == len(PROMPT) + 29
    assert second["meta_info"]["cached_tokens_details"] == {"device": len(PROMPT) + 29, "host": 0}
    expected = models.scored(models.a, turn, second["output_ids"])
    assert logprobs_of(second) == pytest.approx(expected, abs=TOLERANCE)


async def test_an_extra_key_keeps_prefixes_apart(engine: Client) -> None:
    await engine.generate(PROMPT, extra_key="v1")
    assert (await engine.generate(PROMPT, extra_key="v2"))["meta_info"]["cached_tokens"] == 0
    assert (await engine.generate(PROMPT, extra_key="v1"))["meta_info"]["cached_tokens"] == len(PROMPT) - 1


async def test_a_flush_forgets_prefixes_and_is_refused_while_busy(engine: Client) -> None:
    await engine.generate(PROMPT)
    assert (await engine.http.post("/flush_cache")).status_code == 200
    assert (await engine.generate(PROMPT))["meta_info"]["cached_tokens"] == 0
    async with InFlight(engine):
        assert (await engine.http.get("/flush_cache")).status_code == 400
