"""The engine contract: pauses, weight updates and aborts, on ours and on SGLang alike."""

import asyncio

import pytest

from tests.services.inference.conftest import Client, Models
from tests.services.inference.flight import GREEDY, LONG, PROMPT, TOLERANCE, InFlight, logprobs_of, spans_of


@pytest.mark.parametrize("mode", ["in_place", "retract"])
async def test_a_request_in_flight_lives_through_a_weight_update(
    engine: Client, models: Models, mode: str
) -> None:
    async with InFlight(engine) as flight:
        await engine.post("/pause_generation", {"mode": mode})
        await engine.update(models.b, "1", flush=mode == "retract")
        assert (await engine.get("/model_info"))["weight_version"] == "1"
        assert not flight.done
        await engine.post("/continue_generation", {})
        reply = await flight.reply()
    ids, logprobs = reply["output_ids"], logprobs_of(reply)
    (old, _, change), (new, start, end) = spans_of(reply)
    assert (old, new, start, end, len(ids)) == ("0", "1", change, 1500, 1500)
    assert 0 < change < 1500
    assert reply["meta_info"]["weight_version"] == "1"
    assert reply["meta_info"]["num_retractions"] == (1 if mode == "retract" else 0)
    before = models.scored(models.a, PROMPT, ids)[:change]
    assert logprobs[:change] == pytest.approx(before, abs=TOLERANCE)
    after = models.scored(models.b, PROMPT, ids)[change:]
    fresh = logprobs[change:] == pytest.approx(after, abs=TOLERANCE)
    # Recomputed keys and values are the new weights' own; frozen ones are still the old weights'.
    assert fresh is (mode == "retract")


@pytest.mark.parametrize("mode", ["abort", "in_place", "retract"])
async def test_what_comes_during_a_pause_waits_and_meets_the_new_weights(
    engine: Client, models: Models, mode: str
) -> None:
    await engine.post("/pause_generation", {"mode": mode})
    late = asyncio.create_task(engine.generate(PROMPT, sampling=GREEDY))
    await asyncio.sleep(0.2)
    assert not late.done()
    await engine.update(models.b, "1", flush=True)
    await engine.post("/continue_generation", {})
    reply = await late
    assert spans_of(reply) == [("1", 0, 8)]
    assert logprobs_of(reply) == pytest.approx(
        models.scored(models.b, PROMPT, reply["output_ids"]), abs=TOLERANCE
    )


async def test_a_pause_without_a_mode_aborts_what_is_in_flight(engine: Client) -> None:
    async with InFlight(engine) as flight:
        await engine.post("/pause_generation", {})
        reply = await flight.reply()
    assert reply["meta_info"]["finish_reason"]["type"] == "abort"
    assert reply["output_ids"]


async def test_a_pause_in_place_changes_nothing_that_is_sampled(engine: Client, models: Models) -> None:
    async with InFlight(engine, sampling=LONG | GREEDY) as flight:
        await engine.post("/pause_generation", {"mode": "in_place"})
        await asyncio.sleep(0.1)
        await engine.post("/continue_generation", {})
        reply = await flight.reply()
    expected = models.scored(models.a, PROMPT, reply["output_ids"])
    assert logprobs_of(reply) == pytest.approx(expected, abs=TOLERANCE)
    assert spans_of(reply) == [("0", 0, 1500)]


async def test_an_update_without_a_pause_waits_for_what_is_in_flight(engine: Client, models: Models) -> None:
    async with InFlight(engine) as flight:
        update = asyncio.create_task(engine.update(models.b, "1", flush=True))
        await asyncio.sleep(0.1)
        behind = asyncio.create_task(engine.generate(PROMPT, sampling=GREEDY))
        assert not update.done()
        reply = await flight.reply()
        assert (await update)["success"] is True
    assert spans_of(reply) == [("0", 0, 1500)]
    assert spans_of(await behind) == [("1", 0, 8)]


async def test_an_update_that_may_not_flush_has_changed_the_weights_nevertheless(
    engine: Client, models: Models
) -> None:
    async with InFlight(engine) as flight:
        await engine.post("/pause_generation", {"mode": "in_place"})
        refused = await engine.update(models.b, "1", flush=True, status=400)
        assert refused["success"] is False
        assert "Weights were updated" in refused["message"]
        assert (await engine.get("/model_info"))["weight_version"] == "0"
        await engine.post("/continue_generation", {})
        reply = await flight.reply()
    assert [version for version, _, _ in spans_of(reply)] == ["0", "1"]
    fresh = await engine.generate(PROMPT, sampling=GREEDY, extra_key="fresh")
    expected = models.scored(models.b, PROMPT, fresh["output_ids"])
    assert logprobs_of(fresh) == pytest.approx(expected, abs=TOLERANCE)


async def test_an_update_that_fails_changes_nothing(engine: Client, models: Models) -> None:
    before = await engine.generate(PROMPT, sampling=GREEDY)
    refused = await engine.update(models.a / "nowhere", "9", flush=True, status=400)
    assert refused.keys() == {"success", "message", "num_paused_requests"}
    assert refused["success"] is False
    assert (await engine.get("/model_info"))["weight_version"] == "0"
    after = await engine.generate(PROMPT, sampling=GREEDY)
    assert after["output_ids"] == before["output_ids"]
    assert spans_of(after) == [("0", 0, 8)]


async def test_an_update_without_a_version_keeps_the_label(engine: Client, models: Models) -> None:
    reply = await engine.update(models.b, None, flush=True)
    assert reply == {
        "success": True,
        "message": "Succeeded to update model weights.",
        "num_paused_requests": 0,
    }
    info = await engine.get("/model_info")
    assert (info["model_path"], info["weight_version"]) == (str(models.b), "0")


async def test_relabelling_aborts_unless_told_not_to(engine: Client) -> None:
    async with InFlight(engine) as kept:
        body = {"new_version": "7", "abort_all_requests": False}
        assert (await engine.post("/update_weight_version", body))["new_version"] == "7"
        await asyncio.sleep(0.1)
        assert not kept.done
        await engine.post("/update_weight_version", {"new_version": "8"})
        reply = await kept.reply()
    assert reply["meta_info"]["finish_reason"]["type"] == "abort"
    assert [version for version, _, _ in spans_of(reply)][:2] == ["0", "7"]


async def test_checksums_tell_which_weights_are_in_use(engine: Client, models: Models) -> None:
    async def checksum() -> str:
        reply = await engine.post("/weights_checker", {"action": "checksum"})
        assert reply["success"] is True
        assert reply["ranks"][0]["checksums"].keys() >= {"model.embed_tokens.weight", "model.norm.weight"}
        return str(reply["per_engine_checksum"])

    first = await checksum()
    await engine.update(models.b, "1", flush=True)
    assert await checksum() != first
    await engine.update(models.a, "2", flush=True)
    assert await checksum() == first


async def test_an_abort_keeps_what_was_sampled_and_takes_those_whose_id_begins_alike(engine: Client) -> None:
    async with (
        InFlight(engine, rid="t1") as one,
        InFlight(engine, rid="t10") as ten,
        InFlight(engine, rid="u") as other,
    ):
        await engine.post("/abort_request", {"rid": "t1"})
        replies = [await one.reply(), await ten.reply()]
        assert not other.done
    for reply in replies:
        reason = reply["meta_info"]["finish_reason"]
        assert reason == {"type": "abort", "message": "Aborted", "status_code": None, "err_type": None}
        assert 0 < len(reply["output_ids"]) < 1500
        assert len(logprobs_of(reply)) == len(reply["output_ids"])


async def test_an_unknown_id_aborts_nothing(engine: Client) -> None:
    async with InFlight(engine, rid="abc") as flight:
        await engine.post("/abort_request", {"rid": "ab"})
        await asyncio.sleep(0.1)
        assert not flight.done


async def test_an_abort_in_the_queue_has_a_reduced_reply(engine: Client) -> None:
    async with InFlight(engine, rid="queued") as flight:
        await engine.post("/pause_generation", {"mode": "retract"})
        await engine.post("/abort_request", {"rid": "queued"})
        reply = await flight.reply()
    meta = reply["meta_info"]
    assert meta["finish_reason"]["type"] == "abort"
    assert meta["finish_reason"]["message"] == "Abort in waiting queue"
    assert "prompt_tokens" not in meta
    assert "cached_tokens" not in meta
    assert meta["completion_tokens"] == len(reply["output_ids"])
