"""The learner's HTTP door: health and metrics, nothing else."""

from fastapi import FastAPI

from learner.metrics import LearnerMetrics
from services.kit.limits import LimitRules, Limits
from services.kit.metrics import mount_metrics
from services.kit.problems import install_problems


def create_app(metrics: LearnerMetrics, limits: LimitRules = LimitRules()) -> FastAPI:
    app = FastAPI(title="Podium learner", description="Health and metrics of the learner.")
    install_problems(app)
    app.add_middleware(Limits, rules=limits)
    mount_metrics(app, metrics.registry)

    @app.get("/healthz")
    def healthz() -> dict[str, str]:
        """Whether the process lives."""
        return {"status": "ok"}

    return app
