"""A model call whose record cannot be kept now is the same call again; one that failed is a failure."""

from pathlib import Path

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse

from environments.chat import Chat, Reply
from services.contracts.cause import Cause
from services.contracts.environment import ModelAccess
from services.kit.failure import Failure
from services.kit.http import http_client
from tests.environments.standins import completion, served

HI = [{"role": "user", "content": "hello"}]


class Gateway:
    """Answers with an error of this code so many times, then with a completion."""

    def __init__(self, code: str, times: int) -> None:
        self.keys: list[str] = []
        self.app = FastAPI()

        @self.app.post("/v1/chat/completions")
        async def complete(request: Request) -> Response:
            self.keys.append(request.headers["idempotency-key"])
            if len(self.keys) <= times:
                return JSONResponse({"error": {"message": "not now", "code": code}}, 503)
            return JSONResponse(completion(""))


async def say(gateway: Gateway, folder: Path) -> Reply | Failure:
    async with served(gateway.app, folder) as url, http_client() as client:
        model = ModelAccess(base_url=f"{url}/v1", api_key="key", name="policy")
        try:
            return await Chat(client, model, []).complete(HI, 10)
        except Failure as failure:
            return failure


async def test_a_call_is_made_again_while_its_record_cannot_be_kept(tmp_path: Path) -> None:
    gateway = Gateway("record_not_kept", times=2)
    reply = await say(gateway, tmp_path)
    assert isinstance(reply, Reply)
    assert reply.words == "done"
    assert len(gateway.keys) == 3
    assert len(set(gateway.keys)) == 1, "the gateway must know it as the same call"


async def test_an_engine_that_nobody_has_is_not_waited_for_again(tmp_path: Path) -> None:
    """The gateway has waited already."""
    gateway = Gateway("engine_unavailable", times=9)
    failure = await say(gateway, tmp_path)
    assert isinstance(failure, Failure)
    assert failure.cause == Cause.ENGINE
    assert len(gateway.keys) == 1
