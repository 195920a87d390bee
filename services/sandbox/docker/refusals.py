"""What containers cannot be, told before one is asked for."""

from collections.abc import Sequence

from services.kit.failure import Refused
from services.sandbox.docker.compose import with_its_main
from services.sandbox.port import Blueprint, Tier


def refuse_volumes(volumes: Sequence[str], writable: Sequence[str]) -> None:
    """What lies in a volume is on no engine's list of changes, and nothing limits its size.

    Memory that is mounted there takes its place. Errors: Refused.
    """
    if left := [path for path in volumes if path not in writable]:
        raise Refused(
            f"the image has VOLUME {', '.join(left)}, which a sandbox cannot carry to its verifier",
            field="image",
            value=left[0],
            remedy="build it without VOLUME, or with a read-only root name these folders in writable",
        )


def refuse_beyond_docker(blueprint: Blueprint, hostile_runtime: str, runtimes: Sequence[str]) -> None:
    """Errors: Refused, with field, value and remedy."""
    blueprint = with_its_main(blueprint)
    if blueprint.image is None and not (blueprint.folder / "Dockerfile").is_file():
        missing, remedy = blueprint.folder / "Dockerfile", "add one, or name an image"
        raise Refused(f"{missing} is missing", field="Dockerfile", value=missing, remedy=remedy)
    for path in blueprint.writable:
        if not path.startswith("/") or path == "/":
            raise Refused(f"writable: {path!r} is no folder's absolute path", field="writable", value=path)
    if blueprint.read_only_root and not (blueprint.user or "0").isdecimal():
        detail = f"user = {blueprint.user} with a read-only root"
        raise Refused(detail, field="user", value=blueprint.user, remedy="give the user's number")
    if blueprint.tier is Tier.HOSTILE and hostile_runtime not in runtimes:
        raise Refused(
            f"tier = hostile takes a kernel of its own, by the runtime {hostile_runtime};"
            f" this Docker Engine has {', '.join(sorted(runtimes))}",
            field="tier",
            value=blueprint.tier,
            remedy="install gVisor or Kata and name it to the engine",
        )
