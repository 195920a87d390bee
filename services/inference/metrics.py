"""What the engine tells Prometheus: SGLang's names where it has them, ours for the rest."""

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from services.inference.cpu.load import Load


class EngineMetrics:
    """A registry of its own; `load` is set before each scrape."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self.load: Load | None = None
        self._updates = Counter(
            "podium_weight_updates_total", "Weight updates.", ["result"], registry=self.registry
        )
        self.registry.register(_LoadCollector(self))

    def weight_update(self, *, success: bool) -> None:
        self._updates.labels("completed" if success else "failed").inc()


class _LoadCollector(Collector):
    def __init__(self, metrics: EngineMetrics) -> None:
        self._metrics = metrics

    def collect(self) -> Iterable[Metric]:
        load = self._metrics.load
        if load is None:
            return
        totals = load.totals
        hits = totals.cached_tokens / totals.prompt_tokens if totals.prompt_tokens else 0.0
        gauges = {
            "sglang_num_running_reqs": (load.running, "Requests that run."),
            "sglang_num_queue_reqs": (load.waiting, "Requests that wait."),
            "sglang_num_used_tokens": (load.used_tokens, "Tokens held by running requests."),
            "sglang_token_usage": (
                load.used_tokens / load.max_total_tokens,
                "Share of the token budget in use.",
            ),
            "sglang_cache_hit_rate": (hits, "Share of prompt tokens found in the prefix cache."),
            "sglang_gen_throughput": (load.tokens_per_second, "Sampled tokens a second."),
            "podium_prefix_cache_tokens": (load.cached_tokens, "Tokens in the prefix cache."),
        }
        counters = {
            "sglang_prompt_tokens": (totals.prompt_tokens, "Prompt tokens taken."),
            "sglang_generation_tokens": (totals.generation_tokens, "Tokens sampled."),
            "sglang_cached_tokens": (totals.cached_tokens, "Prompt tokens found in the prefix cache."),
            "sglang_num_retracted_requests": (totals.retractions, "Requests that gave up their cache."),
            "podium_engine_steps": (totals.steps, "Forward passes."),
        }
        yield from (GaugeMetricFamily(name, text, value) for name, (value, text) in gauges.items())
        yield from (CounterMetricFamily(name, text, value) for name, (value, text) in counters.items())
