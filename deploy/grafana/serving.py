"""Gateway and engines: what a turn takes, and who samples with which weights."""

from deploy.grafana.panel import Dashboard, Panel, Row
from deploy.grafana.queries import RATE, quantile

SERVING = Dashboard(
    "podium-serving",
    "Podium: gateway and engines",
    (
        Row(
            "Gateway",
            (
                Panel("Turns a second", {"turns": f"sum(rate(podium_gateway_turns_total{RATE}))"}),
                Panel(
                    "Time of a turn, by phase, 99 %",
                    {"{{phase}}": quantile(0.99, "podium_gateway_phase_seconds", "phase")},
                    "s",
                    "All but `engine` is what the gateway adds.",
                ),
                Panel(
                    "Tokens a second",
                    {"{{kind}}": f"sum by (kind) (rate(podium_gateway_tokens_total{RATE}))"},
                ),
                Panel(
                    "Attempts in memory, turns in flight",
                    {
                        "attempts": "sum(podium_gateway_sessions)",
                        "turns": "sum(podium_gateway_turns_in_flight)",
                    },
                ),
                Panel("Rollouts by engine", {"{{engine}}": "podium_gateway_placements"}, kind="areas"),
                Panel(
                    "Errors and engine faults a minute",
                    {
                        "error {{code}}": f"60 * sum by (code) (rate(podium_gateway_errors_total{RATE}))",
                        "fault of {{engine}}": "60 * sum by (engine) "
                        f"(rate(podium_gateway_engine_faults_total{RATE}))",
                    },
                ),
            ),
        ),
        Row(
            "Engines",
            (
                Panel("Sampled tokens a second", {"{{engine}}": "podium_engine_sampled_tokens_per_second"}),
                Panel(
                    "Calls running and waiting",
                    {
                        "{{engine}} running": "podium_engine_running_calls",
                        "{{engine}} waiting": "podium_engine_waiting_calls",
                    },
                ),
                Panel(
                    "Weights that each holds",
                    {
                        "{{engine}}": "podium_engine_weight_version_number",
                        "newest": "max(podium_weight_version_number)",
                    },
                    "none",
                ),
                Panel(
                    "Prefix cache hits and tokens held",
                    {
                        "hits {{instance}}": '{__name__=~"sglang[_:]cache_hit_rate"}',
                        "held {{instance}}": '{__name__=~"sglang[_:]token_usage"}',
                    },
                    "percentunit",
                ),
                Panel(
                    "Time of a weight update, 95 %",
                    {"update": quantile(0.95, "podium_weight_update_seconds")},
                    "s",
                ),
                Panel("Engines by state", {"{{state}}": "podium_engines"}, kind="areas"),
            ),
        ),
    ),
)
