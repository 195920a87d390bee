"""A program run in a container beside its shell: its input whole, its output bounded, its exit code."""

from collections.abc import Sequence

from services.sandbox.docker.engine import Engine
from services.sandbox.docker.frames import Frames
from services.sandbox.output import BoundedOutput, Flooded


async def execute(
    engine: Engine,
    container: str,
    arguments: Sequence[str],
    user: str,
    sink: BoundedOutput,
    data: bytes | None = None,
    workdir: str | None = None,
    errors: bool = True,
) -> int:
    """Without `errors`, standard error does not reach the sink. Errors: SandboxFailure, Flooded.

    Whoever stops waiting for it has to kill it.
    """
    options = {"user": user, "workdir": workdir, "stdin": data is not None}
    made = await engine.call("exec_create", container, list(arguments), **options)
    frames = await Frames.over(await engine.executed(made["Id"]))
    try:
        if data is not None:
            await frames.write(data)
            frames.write_end()
        while chunk := await frames.read():
            if errors or not frames.of_errors:
                sink.add(chunk)
            if sink.flooded:
                raise Flooded
    finally:
        frames.close()
    return int((await engine.call("exec_inspect", made["Id"]))["ExitCode"] or 0)
