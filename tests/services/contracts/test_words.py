"""The words refuse what cannot be: unknown fields, non-finite numbers, a failure with a reward."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from services.contracts.cause import Cause
from services.contracts.environment import Manifest, Registration, Sampling
from services.contracts.outcome import Outcome
from services.contracts.step import StepReport
from services.contracts.words import is_id, new_id

REWARDED = {Cause.COMPLETED, Cause.BUDGET}
NON_FINITE = [math.nan, math.inf, -math.inf]


def outcome(cause: Cause, reward: float | None, **more: Any) -> Outcome:
    return Outcome(rollout_id=new_id(), attempt=1, cause=cause, reward=reward, **more)


@given(cause=st.sampled_from(Cause), reward=st.none() | st.floats(allow_nan=True, allow_infinity=True))
def test_a_reward_is_finite_and_only_of_what_was_scored(cause: Cause, reward: float | None) -> None:
    possible = (reward is not None and math.isfinite(reward)) if cause in REWARDED else reward is None
    if possible:
        assert outcome(cause, reward).reward == reward
        return
    with pytest.raises(ValidationError):
        outcome(cause, reward)


def test_only_two_causes_carry_a_reward_and_four_are_worth_a_retry() -> None:
    assert {cause for cause in Cause if cause.reward_valid} == REWARDED
    retried = {Cause.ENVIRONMENT, Cause.SANDBOX, Cause.ENGINE, Cause.LOST}
    assert {cause for cause in Cause if cause.retry} == retried


@pytest.mark.parametrize("number", NON_FINITE)
def test_no_word_takes_a_non_finite_number(number: float) -> None:
    with pytest.raises(ValidationError, match="finite"):
        outcome(Cause.COMPLETED, 1.0, components={"tests": number})
    with pytest.raises(ValidationError):
        Registration(name="terminal", url="u", share=number)
    with pytest.raises(ValidationError):
        Sampling(temperature=number)
    with pytest.raises(ValidationError, match="finite"):
        StepReport(step=1, weight_version=0, groups=(), metrics={"loss": number}, finished_at=0)


def test_words_are_frozen_and_know_their_fields() -> None:
    registration = Registration(name="terminal", url="u")
    with pytest.raises(ValidationError, match="frozen"):
        registration.share = 2.0
    with pytest.raises(ValidationError, match="colour"):
        Registration.model_validate({"name": "terminal", "url": "u", "colour": "red"})


def test_another_contract_version_is_refused() -> None:
    offered = {"contract": "podium.environment/2", "name": "t", "version": "1", "splits": {}, "capacity": 1}
    with pytest.raises(ValidationError, match=r"podium\.environment/1"):
        Manifest.model_validate(offered)


def test_secrets_are_not_in_representations() -> None:
    assert "HUSH" not in repr(Registration(name="terminal", url="u", dispatch_token="HUSH"))


def test_no_id_begins_another() -> None:
    ids = {new_id() for _ in range(100)}
    assert {len(each) for each in ids} == {32}
    assert all(is_id(each) for each in ids)
    assert not is_id(new_id()[:-1])
    assert not is_id(new_id() + "\n")
