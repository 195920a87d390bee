"""The kinds of sandbox that there are, and which one an environment's settings ask for."""

from collections.abc import Callable, Mapping

from environments.settings import EnvironmentSettings
from services.kit.failure import Refused
from services.sandbox.bubblewrap import BubblewrapSandboxes
from services.sandbox.docker.sandboxes import DockerRules, DockerSandboxes
from services.sandbox.docker.warm import WarmRules
from services.sandbox.port import Sandboxes
from services.sandbox.remote import HostSandboxes

KINDS: Mapping[str, Callable[[], Sandboxes]] = {
    "bubblewrap": BubblewrapSandboxes,
    "docker": DockerSandboxes,
}  # those of this machine


def sandboxes_of(settings: EnvironmentSettings) -> Sandboxes:
    """Errors: Unavailable (no Docker Engine), Refused (the token cannot be read)."""
    match settings.sandbox:
        case "bubblewrap":
            return BubblewrapSandboxes(settings.sandbox_require_cgroups)
        case "docker":
            rules = DockerRules(
                hostile_runtime=settings.sandbox_runtime, warm=WarmRules(each=settings.sandbox_warm)
            )
            return DockerSandboxes(rules)
        case "host":
            assert settings.sandbox_url is not None
            assert settings.sandbox_token_file is not None
            try:
                token = settings.sandbox_token_file.read_text().strip()
            except OSError as error:
                raise Refused(f"PODIUM_ENVIRONMENT_SANDBOX_TOKEN_FILE cannot be read: {error}") from None
            return HostSandboxes(settings.sandbox_url.rstrip("/"), token)
