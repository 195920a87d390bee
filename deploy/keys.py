"""`python -m deploy.keys DIR`: makes the secrets that a cluster lacks, and hands each service its own.

`DIR/all` keeps every secret, `DIR/<service>` what that service may read. Passwords and the signing secret
are made once and stay, since data lies behind them; tokens are minted anew at every start of the cluster.
"""

import argparse
import secrets
from collections.abc import Mapping
from pathlib import Path

from services.kit.access import Claims, Scope, Signer

_TOKEN_LIFETIME_S = 365 * 86_400
_MADE_ONCE = (
    "signing_secret",
    "redis_password",
    "postgres_password",
    "grafana_password",
    "engine_key",
    "engine_admin_key",
    "sandbox_secret",
)
_TOKENS = (Scope.ADMIN, Scope.ENVIRONMENT, Scope.LEARNER, Scope.GATEWAY, Scope.VIEWER)
_READABLE = 0o444  # other people's servers run as users of their own; a folder reaches one service only

SERVICES: Mapping[str, tuple[str, ...]] = {
    "orchestrator": (
        "signing_secret",
        "redis_password",
        "postgres_password",
        "engine_key",
        "engine_admin_key",
    ),
    "gateway": ("signing_secret", "redis_password", "gateway_token", "engine_key"),
    "engine": ("engine_key", "engine_admin_key", "sglang.yaml"),
    "learner": ("redis_password", "learner_token"),
    "environment": ("environment_token", "sandbox_token"),
    "sandbox": ("sandbox_secret",),
    "redis": ("redis.conf",),
    "postgres": ("postgres_password",),
    "prometheus": ("viewer_token",),
    "grafana": ("grafana_password",),
}


def main() -> None:
    parser = argparse.ArgumentParser(description="Make the secrets of a cluster, and hand them out.")
    parser.add_argument("folder", type=Path, help="holds a folder `all`, and one for each service")
    hand_out(parser.parse_args().folder)


def hand_out(folder: Path) -> None:
    """Make what is missing in `all`, then write each service's part. The same again does no harm."""
    found = _complete(folder / "all")
    for service, names in SERVICES.items():
        for name in names:
            _write(folder / service / name, found[name])


def _complete(everything: Path) -> dict[str, str]:
    for name in _MADE_ONCE:
        if not (everything / name).exists():
            _write(everything / name, secrets.token_hex(32))
    found = {name: (everything / name).read_text().strip() for name in _MADE_ONCE}
    signer = Signer(*found["signing_secret"].split())
    for scope in _TOKENS:
        found[f"{scope}_token"] = signer.mint(Claims(scope, holder="cluster"), _TOKEN_LIFETIME_S)
    found["sglang.yaml"] = f"api-key: {found['engine_key']}\nadmin-api-key: {found['engine_admin_key']}"
    # A secret of its own: the sandbox host checks its callers with it and can mint nothing else.
    found["sandbox_token"] = Signer(found["sandbox_secret"]).mint(Claims(Scope.SANDBOX), _TOKEN_LIFETIME_S)
    found["redis.conf"] = f"requirepass {found['redis_password']}"
    _write(everything / "admin_token", found["admin_token"])
    return found


def _write(path: Path, text: str) -> None:
    """A reader sees the old file or the new one, whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    part.unlink(missing_ok=True)
    part.touch(mode=0o600)
    part.write_text(text)
    part.chmod(_READABLE)
    part.rename(path)


if __name__ == "__main__":
    main()
