"""The first page: how far, how well, how balanced, and who waits."""

from deploy.grafana.panel import Dashboard, Panel, Row
from deploy.grafana.queries import BY, RATE

OVERVIEW = Dashboard(
    "podium-overview",
    "Podium: overview",
    (
        Row(
            "Now",
            (
                Panel("Step", {"": "max(podium_step_number)"}, kind="number"),
                Panel("Weight version", {"": "max(podium_weight_version_number)"}, kind="number"),
                Panel("Mean reward", {"": "avg(podium_environment_reward_mean)"}, "none", kind="number"),
                Panel("Tokens/s", {"": "sum(podium_engine_sampled_tokens_per_second)"}, kind="number"),
                Panel("Engines up", {"": "sum(podium_engine_up)"}, kind="number"),
                Panel(
                    "Books off by",
                    {"": "max(podium_conservation_error_rollouts)"},
                    told="Must be 0.",
                    kind="number",
                ),
            ),
            across=6,
        ),
        Row(
            "Balance",
            (
                Panel(
                    "Share of trained groups",
                    {
                        f"{BY} has": "podium_environment_share_ratio",
                        f"{BY} should": "podium_environment_target_share_ratio",
                    },
                    "percentunit",
                ),
                Panel("Mean reward by environment", {BY: "podium_environment_reward_mean"}, "none"),
                Panel("Rollouts in flight", {BY: "podium_rollouts_in_flight"}, kind="areas"),
            ),
        ),
        Row(
            "Flow",
            (
                Panel(
                    "Groups trained a minute",
                    {BY: f'60 * sum by (environment) (rate(podium_groups_total{{state="trained"}}{RATE}))'},
                ),
                Panel(
                    "Groups on their way",
                    {
                        "live": "podium_groups_live_groups",
                        "wait for the learner": "podium_group_backlog_groups",
                        "may open": "podium_admission_groups",
                    },
                ),
                Panel(
                    "Who waits, for what",
                    {"{{waiter}}: {{reason}}": "podium_wait_seconds"},
                    "s",
                    "How long each has waited without a break.",
                ),
            ),
        ),
    ),
)
