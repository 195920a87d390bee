"""Token ids as text: for viewers, not for agents."""

import httpx

from services.kit.access import Claims, Scope
from tests.services.gateway.scene import Scene


async def test_viewers_get_texts_and_agents_do_not(scene: Scene) -> None:
    ids = scene.renderer.tokenizer.encode("run the command")
    viewer = scene.signer.mint(Claims(Scope.VIEWER), 60)
    agent = scene.signer.mint(Claims(Scope.ROLLOUT, rollout_id="0" * 32, attempt=1), 60)
    async with httpx.AsyncClient(base_url=scene.url) as client:

        async def asked(token: str, sequences: list[list[int]]) -> httpx.Response:
            headers = {"authorization": f"Bearer {token}"}
            return await client.post("/v1/pieces", json={"sequences": sequences}, headers=headers)

        first, second = (await asked(viewer, [ids, []])).json()["sequences"]
        assert ("".join(first), second) == ("run the command", [])
        assert (await asked(agent, [ids])).status_code == 403
        assert (await asked("forged", [ids])).status_code == 401
        assert (await asked(viewer, [[-1]])).status_code == 422
