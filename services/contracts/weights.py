"""What the learner announces when it publishes weights."""

import msgspec


class WeightAnnouncement(msgspec.Struct, frozen=True):
    """Weights `version` lie complete in `path` (a Hugging Face folder) and came after `step` steps.

    `digest` is the xxh3 of `model.safetensors`.
    """

    version: int
    path: str
    step: int
    digest: str
    created_at: float
