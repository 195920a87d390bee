"""What one box of a host may ask for at most."""

from dataclasses import dataclass
from fnmatch import fnmatchcase

from services.kit.failure import Refused
from services.sandbox.port import Blueprint, Limits


@dataclass(frozen=True)
class Bounds:
    memory_bytes: int
    work_bytes: int
    processes: int
    cpus: float
    images: tuple[str, ...] = ("*",)

    def check(self, blueprint: Blueprint, limits: Limits) -> None:
        """Errors: Refused, naming the field and the bound."""
        for name in ("memory_bytes", "work_bytes", "processes", "cpus"):
            asked, most = getattr(limits, name), getattr(self, name)
            if asked > most:
                raise Refused(f"{name} = {asked:g}; this host gives {most:g}", field=name, value=asked)
        image = blueprint.image
        if image is not None and not any(fnmatchcase(image, pattern) for pattern in self.images):
            raise Refused(f"image = {image} is not among those of this host", field="image", value=image)
