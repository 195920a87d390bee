"""`python -m bench.engine_stub`: an engine that thinks for a fixed time and always says the same."""

import argparse
import asyncio
from pathlib import Path
from typing import Any

from services.kit.serve import serve


def stub(reply: bytes, think_s: float) -> Any:
    """A bare ASGI app, so that the stub takes as little of the machine as it can."""
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(reply)).encode())]
    start = {"type": "http.response.start", "status": 200, "headers": headers}

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
            return
        while (await receive()).get("more_body"):
            pass
        if think_s:
            await asyncio.sleep(think_s)
        await send(start)
        await send({"type": "http.response.body", "body": reply})

    return app


async def _lifespan(receive: Any, send: Any) -> None:
    for moment in ("startup", "shutdown"):
        await receive()
        await send({"type": f"lifespan.{moment}.complete"})


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--reply", type=Path, required=True, help="file with the body of every reply")
    parser.add_argument("--think-s", type=float, default=0.0)
    parser.add_argument("--ready-file", type=Path, required=True)
    arguments = parser.parse_args()
    app = stub(arguments.reply.read_bytes(), arguments.think_s)
    serve(app, "127.0.0.1", 0, arguments.ready_file)


if __name__ == "__main__":
    main()
