"""`python -m bench.passthrough`: the gateway's stack with nothing in it: body in, body out."""

import argparse
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from aiohttp import ClientSession, DummyCookieJar, TCPConnector
from fastapi import FastAPI, Request, Response

from services.kit.serve import serve


def create_app(engine_url: str) -> FastAPI:
    """Forwards every chat completion to the engine as it is."""
    sessions: list[ClientSession] = []

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        connector = TCPConnector(limit=8192, keepalive_timeout=4)
        async with ClientSession(connector=connector, cookie_jar=DummyCookieJar()) as session:
            sessions.append(session)
            yield

    app = FastAPI(lifespan=lifespan)

    @app.post("/v1/chat/completions")
    async def forward(request: Request) -> Response:
        body = await request.body()
        headers = {"content-type": "application/json"}
        async with sessions[0].post(f"{engine_url}/generate", data=body, headers=headers) as reply:
            return Response(await reply.read(), reply.status, media_type="application/json")

    return app


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--engine", required=True)
    parser.add_argument("--ready-file", type=Path, required=True)
    arguments = parser.parse_args()
    serve(create_app(arguments.engine), "127.0.0.1", 0, arguments.ready_file)


if __name__ == "__main__":
    main()
