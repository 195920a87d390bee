"""The learner: whether it learns, on policy, and fast."""

from deploy.grafana.panel import Dashboard, Panel, Row
from deploy.grafana.queries import RATE

LEARNER = Dashboard(
    "podium-learner",
    "Podium: learner",
    (
        Row(
            "Does it learn",
            (
                Panel("Reward of what was trained", {"mean": "podium_learner_reward_mean"}, "none"),
                Panel("Loss", {"loss": "podium_learner_loss"}, "none"),
                Panel("Entropy", {"nats": "podium_learner_entropy"}, "none"),
            ),
        ),
        Row(
            "Is it on policy",
            (
                Panel(
                    "Importance ratio",
                    {
                        "5 %": "podium_learner_ratio_p05",
                        "half": "podium_learner_ratio_p50",
                        "95 %": "podium_learner_ratio_p95",
                        "largest": "podium_learner_ratio_max",
                    },
                    "none",
                    "Trainer's over rollout's probability of each sampled token.",
                ),
                Panel("Masked fraction", {"of tokens": "podium_learner_masked_fraction"}, "percentunit"),
                Panel(
                    "Staleness",
                    {
                        "mean": "podium_learner_staleness_mean",
                        "largest": "podium_learner_staleness_max",
                        "limit": "max(podium_max_staleness_versions)",
                    },
                    "none",
                ),
            ),
        ),
        Row(
            "Is it fast",
            (
                Panel("Tokens a second", {"trained": "podium_learner_tokens_per_s"}),
                Panel(
                    "A step's seconds",
                    {"waiting": "podium_learner_wait_s", "training": "podium_learner_train_s"},
                    "s",
                    "Waiting: rollouts are the bottleneck. Training: the learner is.",
                    "areas",
                ),
                Panel(
                    "Packing efficiency",
                    {"of the budget": "podium_learner_packing_efficiency"},
                    "percentunit",
                ),
                Panel("Gradient norm", {"before clipping": "podium_learner_grad_norm"}, "none"),
                Panel(
                    "Groups consumed a minute",
                    {"{{verdict}}": f"60 * sum by (verdict) (rate(podium_learner_groups_total{RATE}))"},
                ),
                Panel("Memory", {"resident": 'process_resident_memory_bytes{job="learner"}'}, "bytes"),
            ),
        ),
    ),
)
