"""Manifests fit the schemas of the API, the settings of our processes, and what they promise."""

from typing import Any

import kubernetes_validate
import pytest

from environments.settings import EnvironmentSettings
from learner.settings import LearnerSettings
from orchestrator.settings import OrchestratorSettings
from services.gateway.settings import GatewaySettings
from services.inference.settings import InferenceSettings
from services.kit.settings import ProcessSettings, misspelt
from tests.deploy.manifests import OVERLAYS, Manifest, pods, rendered

VERSION = "1.33"
SETTINGS: dict[str, type[ProcessSettings]] = {
    "PODIUM_ORCHESTRATOR_": OrchestratorSettings,
    "PODIUM_GATEWAY_": GatewaySettings,
    "PODIUM_LEARNER_": LearnerSettings,
    "PODIUM_INFERENCE_": InferenceSettings,
    "PODIUM_ENVIRONMENT_": EnvironmentSettings,
}

every_overlay = pytest.mark.parametrize("overlay", OVERLAYS)


@every_overlay
def test_manifests_fit_the_api(overlay: str) -> None:
    for found in rendered(overlay):
        if found["apiVersion"] != "keda.sh/v1alpha1":
            kubernetes_validate.validate(found, VERSION, strict=True)


def test_a_misspelt_field_is_noticed() -> None:
    wrong = next(found for found in rendered("cpu") if found["kind"] == "Job")
    wrong = wrong | {"spec": wrong["spec"] | {"paralellism": 2}}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, VERSION, strict=True)


@every_overlay
def test_settings_are_known(overlay: str) -> None:
    given = [name for name in _variables(overlay) if name.startswith("PODIUM_")]
    assert len(given) > 30
    for prefix, kind in SETTINGS.items():
        mine = {name: "" for name in given if name.startswith(prefix)}
        assert misspelt(kind, mine) == []
    assert all(name.startswith(tuple(SETTINGS)) for name in given)


@every_overlay
def test_pods_have_no_privileges(overlay: str) -> None:
    for name, pod in pods(overlay).items():
        spec = pod["spec"]
        assert spec["automountServiceAccountToken"] is False, name
        assert spec["securityContext"]["runAsNonRoot"] is True, name
        assert spec["securityContext"]["seccompProfile"]["type"] in ("RuntimeDefault", "Localhost"), name
        for container in spec["containers"]:
            security = container["securityContext"]
            assert security["capabilities"] == {"drop": ["ALL"]}, name
            assert security["readOnlyRootFilesystem"] is True, name
            assert security["allowPrivilegeEscalation"] is False, name
            assert "memory" in container["resources"]["limits"], name
            unmasked = security.get("procMount") == "Unmasked"
            assert not unmasked or spec["hostUsers"] is False, name


@every_overlay
def test_an_environment_reaches_gateway_and_orchestrator_and_nothing_else(overlay: str) -> None:
    environment = pods(overlay)["terminal-environment"]["metadata"]["labels"]
    reached = {
        (peer["podSelector"]["matchLabels"].get("app"), port["port"])
        for policy in _policies(overlay, "podium-environments")
        if policy["spec"]["podSelector"].get("matchLabels", {}).items() <= environment.items()
        for rule in policy["spec"].get("egress", ())
        for peer in rule["to"]
        for port in rule["ports"]
    }
    assert reached == {("orchestrator", 8000), ("gateway", 8100), (None, 53)}
    assert any(policy["spec"] == _DENIES for policy in _policies(overlay, "podium-environments"))


@every_overlay
def test_what_is_selected_exists(overlay: str) -> None:
    """Services and disruption budgets find pods; autoscalers find what they scale."""
    labels = [pod["metadata"]["labels"] for pod in pods(overlay).values()]
    for found in rendered(overlay):
        selector = found["spec"].get("selector") if "spec" in found else None
        if found["kind"] in ("Service", "PodDisruptionBudget") and selector:
            wanted = selector.get("matchLabels", selector)
            assert any(wanted.items() <= each.items() for each in labels), found["metadata"]
        if found["kind"] == "ScaledObject":
            assert found["spec"]["scaleTargetRef"]["name"] in pods(overlay)
            assert found["spec"]["minReplicaCount"] <= found["spec"]["maxReplicaCount"]
            names = {trigger["name"] for trigger in found["spec"]["triggers"]}
            formula = found["spec"].get("advanced", {}).get("scalingModifiers", {}).get("formula", "")
            assert all(name in formula for name in names) or not formula
            assert all(
                {"serverAddress", "query", "threshold"} <= trigger["metadata"].keys()
                for trigger in found["spec"]["triggers"]
            )


def test_autoscaling_is_for_environments_and_gateways() -> None:
    scaled = {
        found["spec"]["scaleTargetRef"]["name"]
        for found in rendered("autoscaled")
        if found["kind"] == "ScaledObject"
    }
    assert scaled == {"gateway", *(f"{name}-environment" for name in ("terminal", "swe", "search", "slides"))}


def test_the_learner_is_a_torchrun_job() -> None:
    job = next(found for found in rendered("gpu") if found["kind"] == "Job")
    container = job["spec"]["template"]["spec"]["containers"][0]
    assert job["spec"]["completionMode"] == "Indexed"
    assert "torchrun" in container["args"][0]
    ranks = {variable["name"]: variable["value"] for variable in container["env"]}
    assert int(ranks["NODES"]) == job["spec"]["parallelism"] == job["spec"]["completions"]
    assert ranks["RANKS_PER_NODE"] == container["resources"]["limits"]["nvidia.com/gpu"]


_DENIES = {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}


def _policies(overlay: str, namespace: str) -> list[Manifest]:
    return [
        found
        for found in rendered(overlay)
        if found["kind"] == "NetworkPolicy" and found["metadata"]["namespace"] == namespace
    ]


def _variables(overlay: str) -> set[str]:
    maps = [found["data"] for found in rendered(overlay) if found["kind"] == "ConfigMap"]
    containers: list[Any] = [c for pod in pods(overlay).values() for c in pod["spec"]["containers"]]
    named = {variable["name"] for container in containers for variable in container.get("env", ())}
    return named | {name for data in maps for name in data}
