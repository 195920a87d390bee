"""What a sandbox host tells Prometheus."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_SECONDS = (0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100)


class HostMetrics:
    """A registry of its own, so that an app can be made more than once."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.boxes = Gauge("podium_sandboxes", "Boxes that are open.", registry=self.registry)
        self.opens = Counter(
            "podium_sandbox_opens_total", "Boxes asked for.", ["result"], registry=self.registry
        )
        self.ended = Counter(
            "podium_sandbox_ends_total", "Boxes that ended.", ["why"], registry=self.registry
        )
        self.open_seconds = Histogram(
            "podium_sandbox_open_seconds", "Until a box is open.", buckets=_SECONDS, registry=self.registry
        )
        self.commands = Counter("podium_sandbox_commands_total", "Commands run.", registry=self.registry)
