"""Standing tokens: withdrawn, replaced and bound ones, over restarts; an environment has its own alone."""

from pathlib import Path

from services.kit.access import Claims, Scope, Signer
from services.kit.seal import Seal
from tests.orchestrator.conftest import Running, Start
from tests.orchestrator.scripted import ScriptedEnvironment, environment
from tests.orchestrator.test_steering import silent

GRACE = {"scope": "viewer", "holder": "grace"}


def bearing(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


async def opens(running: Running, token: str) -> int:
    return (await running.client.get("/v1/progress", headers=bearing(token))).status_code


async def test_a_withdrawn_token_opens_nothing_also_after_a_restart(start: Start) -> None:
    async with start() as running:
        minted = (await running.client.post("/v1/tokens", json=GRACE)).json()
        assert await opens(running, minted["token"]) == 200
        assert (await running.client.delete(f"/v1/tokens/{minted['token_id']}")).status_code == 204
        assert await opens(running, minted["token"]) == 401
    async with start() as running:
        assert await opens(running, minted["token"]) == 401
        listed = (await running.client.get("/v1/tokens")).json()["tokens"]
        states = {one["token_id"]: one["state"] for one in listed}
        assert states[minted["token_id"]] == "withdrawn"


async def test_a_token_signed_elsewhere_is_known_once_used_and_can_be_withdrawn(start: Start) -> None:
    async with start() as running:
        token = running.signer.mint(Claims(Scope.VIEWER, holder="elsewhere"), 600)
        assert await opens(running, token) == 200
        (met,) = [
            one
            for one in (await running.client.get("/v1/tokens")).json()["tokens"]
            if one["holder"] == "elsewhere"
        ]
        await running.client.delete(f"/v1/tokens/{met['token_id']}")
        assert await opens(running, token) == 401
        other = running.signer.mint(Claims(Scope.ADMIN, token_id=met["token_id"]), 600)
        assert await opens(running, other) == 401, "the id of another token is no way in"


async def test_a_replaced_token_opens_until_its_grace_is_over(start: Start) -> None:
    async with start() as running:
        old = (await running.client.post("/v1/tokens", json=GRACE)).json()
        address = f"/v1/tokens/{old['token_id']}/rotate"
        new = (await running.client.post(address, json={"grace_s": 60})).json()
        assert (new["replaces"], new["holder"]) == (old["token_id"], "grace")
        assert [await opens(running, one["token"]) for one in (old, new)] == [200, 200]
        newest = (await running.client.post(f"/v1/tokens/{new['token_id']}/rotate", json={})).json()
        assert [await opens(running, one["token"]) for one in (new, newest)] == [401, 200]
        again = await running.client.post(f"/v1/tokens/{new['token_id']}/rotate", json={})
        assert again.status_code == 409


async def test_the_same_key_mints_the_same_token(start: Start) -> None:
    async with start() as running:
        key = {"idempotency-key": "k"}
        first, second = [
            (await running.client.post("/v1/tokens", json=GRACE, headers=key)).json() for _ in range(2)
        ]
        assert first["token"] == second["token"]
        other = await running.client.post("/v1/tokens", json={**GRACE, "holder": "eve"}, headers=key)
        assert (other.status_code, other.json()["field"]) == (409, "idempotency-key")


async def test_the_store_keeps_digests_and_sealed_secrets_alone(start: Start, tmp_path: Path) -> None:
    scripted = ScriptedEnvironment(silent, "kept", dispatch_token="a-dispatch-token-to-look-for")
    async with start(admission="paused") as running, environment(scripted, running.client):
        token = (await running.client.post("/v1/tokens", json=GRACE)).json()["token"]
    stored = b"".join(path.read_bytes() for path in tmp_path.glob("store.sqlite*"))
    assert b"grace" in stored
    assert token.encode() not in stored
    assert b"a-dispatch-token-to-look-for" not in stored
    async with start(admission="paused") as running:
        assert running.parts.registry.named("kept").dispatch_token == "a-dispatch-token-to-look-for"


async def test_an_environment_whose_token_cannot_be_read_is_told_to_register(start: Start) -> None:
    scripted = ScriptedEnvironment(silent, "sealed")
    async with start(admission="paused") as running, environment(scripted, running.client):
        running.parts.registry.named("sealed").dispatch_token = None
        beat = await running.client.post("/v1/environments/sealed/heartbeat", json={})
        assert beat.json()["registered"] is False


def test_what_was_sealed_opens_with_an_older_secret_and_with_no_other() -> None:
    old, new, other = ("o" * 32, "n" * 32, "x" * 32)
    sealed = Seal([old]).close("text")
    assert "text" not in sealed
    assert Seal([new, old]).open(sealed) == "text"
    assert Seal([other]).open(sealed) is None


def test_an_older_secret_verifies_and_the_newest_signs(tmp_path: Path) -> None:
    old, new = "o" * 32, "n" * 32
    (tmp_path / "secret").write_text(f"{new}\n{old}\n")
    rotated, claims = Signer.from_file(tmp_path / "secret"), Claims(Scope.VIEWER)
    assert rotated.verify(Signer(old).mint(claims, 60)) == claims
    assert Signer(new).verify(rotated.mint(claims, 60)) == claims


async def test_a_token_of_one_environment_opens_that_one_alone(start: Start) -> None:
    scripted = ScriptedEnvironment(silent, "mine")
    async with start(admission="paused") as running, environment(scripted, running.client):
        author = bearing(running.signer.mint(Claims(Scope.ENVIRONMENT, environment="mine"), 600))
        body = {"name": "theirs", "url": scripted.url}
        stolen = await running.client.post("/v1/environments", json=body, headers=author)
        assert stolen.status_code == 403
        own = await running.client.post("/v1/environments", json={**body, "name": "mine"}, headers=author)
        assert own.status_code == 201
        address = "/v1/environments/mine"
        drained = await running.client.patch(address, json={"state": "draining"}, headers=author)
        assert drained.status_code == 200
        greedy = await running.client.patch(address, json={"share": 9.0}, headers=author)
        assert (greedy.status_code, greedy.json()["field"]) == (403, "share")


async def test_addresses_that_are_not_allowed_are_refused(start: Start) -> None:
    async with start(allowed_networks=(), engines=()) as running:
        for noun, field in (("environments", {"name": "a"}), ("engines", {})):
            for url in (
                "http://127.0.0.1:1",
                "http://169.254.169.254/",
                "http://localhost:8",
                "http://redis",
            ):
                reply = await running.client.post(f"/v1/{noun}", json={"url": url, **field})
                assert (reply.status_code, reply.json()["field"]) == (422, "url"), (noun, url)
