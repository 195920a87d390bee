"""Environments: what they run, how long it takes, and what it is worth."""

from deploy.grafana.panel import Dashboard, Panel, Row
from deploy.grafana.queries import BY, RATE, quantile

ENVIRONMENTS = Dashboard(
    "podium-environments",
    "Podium: environments",
    (
        Row(
            "Rollouts",
            (
                Panel(
                    "Ended a minute, by cause",
                    {
                        f"{BY} {{{{cause}}}}": "60 * sum by (environment, cause) "
                        f'(rate(podium_rollouts_total{{environment=~"$environment"}}{RATE}))'
                    },
                ),
                Panel(
                    "In flight, queued and the limit",
                    {
                        f"{BY} in flight": 'podium_rollouts_in_flight{environment=~"$environment"}',
                        f"{BY} queued": 'podium_rollouts_queued{environment=~"$environment"}',
                        f"{BY} limit": 'podium_rollouts_limit{environment=~"$environment"}',
                    },
                ),
                Panel(
                    "Time of a rollout",
                    {
                        f"{BY} half": quantile(
                            0.5,
                            "podium_environment_rollout_seconds",
                            "environment",
                            '{environment=~"$environment"}',
                        ),
                        f"{BY} 95 %": quantile(
                            0.95,
                            "podium_environment_rollout_seconds",
                            "environment",
                            '{environment=~"$environment"}',
                        ),
                    },
                    "s",
                ),
            ),
        ),
        Row(
            "Where the time goes",
            (
                Panel(
                    "Seconds a second, by phase",
                    {
                        f"{BY} {{{{phase}}}}": "sum by (environment, phase) (rate("
                        f'podium_environment_phase_seconds_sum{{environment=~"$environment"}}{RATE}))'
                    },
                    told="Model calls, commands and verification of all rollouts together.",
                    kind="areas",
                ),
                Panel(
                    "Turns a second",
                    {
                        BY: "sum by (environment) (rate("
                        f'podium_environment_turns_total{{environment=~"$environment"}}{RATE}))'
                    },
                ),
                Panel(
                    "Memory of the service",
                    {BY: 'process_resident_memory_bytes{job="environment", environment=~"$environment"}'},
                    "bytes",
                ),
            ),
        ),
        Row(
            "Reward and share",
            (
                Panel(
                    "Reward and its deviation within groups",
                    {
                        f"{BY} mean": 'podium_environment_reward_mean{environment=~"$environment"}',
                        f"{BY} deviation": 'podium_environment_reward_spread{environment=~"$environment"}',
                    },
                    "none",
                ),
                Panel(
                    "Groups whose rewards are all alike",
                    {BY: 'podium_groups_without_variance_groups{environment=~"$environment"}'},
                ),
                Panel(
                    "Owed groups, and time blocked by another",
                    {
                        f"{BY} owed": 'podium_environment_credit_groups{environment=~"$environment"}',
                        f"{BY} blocked": 'podium_environment_blocked_seconds{environment=~"$environment"}',
                    },
                ),
            ),
        ),
    ),
    by_environment=True,
)
