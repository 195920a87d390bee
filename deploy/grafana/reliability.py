"""Reliability: whether the books balance, what fails, and how the parts do."""

from deploy.grafana.panel import Dashboard, Panel, Row
from deploy.grafana.queries import BY, RATE, quantile

RELIABILITY = Dashboard(
    "podium-reliability",
    "Podium: reliability",
    (
        Row(
            "The ledger",
            (
                Panel(
                    "Admitted less ended less live",
                    {"rollouts": "podium_conservation_error_rollouts"},
                    told="Must be 0.",
                ),
                Panel(
                    "Failed, of what ended",
                    {f"{BY} {{{{cause}}}}": "podium:rollouts_failed:ratio_rate10m"},
                    "percentunit",
                ),
                Panel(
                    "Tried again a minute",
                    {f"{BY} {{{{cause}}}}": "60 * podium:rollout_retries:rate10m"},
                ),
                Panel(
                    "Leases run out, late reports refused",
                    {
                        "leases run out": "podium_leases_expired_total",
                        "reports refused": "podium_outcomes_fenced_total",
                    },
                ),
                Panel(
                    "Token histories broken",
                    {
                        "refused by the gateway": "sum(podium_gateway_tito_breaks_total)",
                        "seen by the learner": "podium_tito_breaks_calls",
                    },
                    told="Must be 0.",
                ),
                Panel(
                    "Staleness of trained groups, 95 %",
                    {BY: "podium:group_staleness_versions:p95_10m"},
                    "none",
                ),
            ),
        ),
        Row(
            "Parts",
            (
                Panel("Processes up", {"{{job}} {{environment}}": "up"}, "bool"),
                Panel("Environments heard from", {BY: "podium_environment_up"}, "bool"),
                Panel(
                    "Stream of groups: full",
                    {"of its capacity": "podium:group_stream_fill:ratio"},
                    "percentunit",
                ),
                Panel(
                    "A commit of the store",
                    {
                        "half": quantile(0.5, "podium_store_commit_seconds"),
                        "99 %": quantile(0.99, "podium_store_commit_seconds"),
                    },
                    "s",
                ),
                Panel("Room on disks", {"{{job}} {{folder}}": "podium:disk_free:ratio"}, "percentunit"),
                Panel("Memory", {"{{job}} {{environment}}": "process_resident_memory_bytes"}, "bytes"),
                Panel(
                    "Processor",
                    {"{{job}} {{environment}}": f"rate(process_cpu_seconds_total{RATE})"},
                    "percentunit",
                ),
                Panel("Alerts that fire", {"{{alertname}}": 'ALERTS{alertstate="firing"}'}, "bool"),
            ),
        ),
    ),
)
