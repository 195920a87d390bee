"""The kinds of sandbox that there are, by name."""

from collections.abc import Callable, Mapping

from services.sandbox.bubblewrap import BubblewrapSandboxes
from services.sandbox.docker.sandboxes import DockerSandboxes
from services.sandbox.port import Sandboxes

KINDS: Mapping[str, Callable[[], Sandboxes]] = {
    "bubblewrap": BubblewrapSandboxes,
    "docker": DockerSandboxes,
}
