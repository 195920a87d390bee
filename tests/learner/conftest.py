"""A random policy, settings and a world around the learner for its tests."""

from pathlib import Path
from typing import Any

import pytest
import torch

from learner.settings import LearnerSettings
from tests.learner.synthetic import write_policy
from tests.learner.world import Settings, World


@pytest.fixture(scope="session")
def policy_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.set_num_threads(1)
    return write_policy(tmp_path_factory.mktemp("policy"))


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def settings_of(tmp_path: Path, policy_folder: Path) -> Settings:
    def make(**changes: Any) -> LearnerSettings:
        defaults: dict[str, Any] = {
            "redis_url": "redis://unused",
            "orchestrator_url": "http://unused",
            "token_file": tmp_path / "token",
            "policy": policy_folder,
            "checkpoint_dir": tmp_path / "checkpoints",
            "weights_dir": tmp_path / "weights",
            "groups_per_step": 2,
            "token_budget": 128,
            "learning_rate": 1e-3,
        }
        return LearnerSettings(**defaults | changes)

    return make
