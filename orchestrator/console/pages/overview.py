"""The first page: shares against targets, curves, failures by cause, queues, and who waits for what."""

from starlette.responses import Response
from starlette.routing import Route

from orchestrator.api.steps import StepList, StepView
from orchestrator.console.session import HOME
from orchestrator.console.views.chart import Chart, chart
from orchestrator.console.visit import Visit, signed_in
from orchestrator.curves import RewardCurves
from orchestrator.progress import Progress
from services.contracts.cause import Cause

_STEPS_SHOWN = 500
_CURVES = {  # title: metrics of a step
    "loss": ("loss",),
    "entropy": ("entropy",),
    "ratio": ("ratio_p05", "ratio_p50", "ratio_p95"),
    "masked fraction": ("masked_fraction",),
    "staleness": ("staleness_mean", "staleness_max"),
    "tokens/s": ("tokens_per_s",),
    "seconds": ("wait_s", "train_s"),
}


async def overview(visit: Visit) -> Response:
    progress = await visit.api.get(Progress, "/v1/progress")
    after = max(0, progress.step - _STEPS_SHOWN)
    steps = await visit.api.get(StepList, "/v1/steps", after=after)
    rewards = await visit.api.get(RewardCurves, "/v1/steps/rewards", after=after)
    return await visit.page(
        "overview.jinja",
        progress=progress,
        charts=[_rewards(progress, rewards), *_charts(steps.steps)],
        causes=[cause for cause in Cause if not cause.reward_valid],
    )


async def admit(visit: Visit) -> Response:
    fields = await visit.form()
    await visit.api.send("PUT", "/v1/admission", {"state": fields.get("state")})
    return visit.go(HOME)


def _rewards(progress: Progress, rewards: RewardCurves) -> Chart:
    named = {environment.name: () for environment in progress.environments}
    points = {
        name: [(float(point.step), point.reward) for point in curve]
        for name, curve in rewards.environments.items()
    }
    return chart("mean reward", {**named, **points})


def _charts(steps: tuple[StepView, ...]) -> list[Chart]:
    return [chart(title, {name: _curve(steps, name) for name in names}) for title, names in _CURVES.items()]


def _curve(steps: tuple[StepView, ...], name: str) -> list[tuple[float, float]]:
    return [(float(step.step), value) for step in steps if (value := step.metrics.get(name)) is not None]


routes = [
    Route("/", signed_in(overview)),
    Route("/admission", signed_in(admit), methods=["POST"]),
]
