"""Reward files, over everything they may hold."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from environments.terminal.reward import read_reward
from services.contracts.cause import Cause
from services.kit.failure import Failure

finite = st.floats(allow_nan=False, allow_infinity=False, width=32)


@given(st.dictionaries(st.text(min_size=1), finite, min_size=1), st.none() | st.text())
def test_a_table_of_finite_numbers_wins_over_the_text(table: dict[str, float], text: str | None) -> None:
    verdict = read_reward(json.dumps(table), text)
    assert verdict.components == table
    assert verdict.reward == table.get("reward", math.fsum(table.values()) / len(table))


@given(finite)
def test_the_text_is_one_finite_number(number: float) -> None:
    assert read_reward(None, f" {number!r}\n").reward == number


@given(st.none() | st.text(), st.none() | st.text())
def test_anything_is_a_finite_reward_or_a_failure_of_the_verifier(
    table: str | None, text: str | None
) -> None:
    assert outcome(table, text) == Cause.VERIFIER or math.isfinite(read_reward(table, text).reward)


def outcome(table: str | None, text: str | None) -> Cause | None:
    try:
        read_reward(table, text)
    except Failure as failure:
        return failure.cause
    return None


@pytest.mark.parametrize(
    "table",
    ["", "[]", "{}", "1", "null", '{"a": null}', '{"a": true}', '{"a": "1"}', '{"a": NaN}', '{"a": Infinity}',
     '{"a": 1' + "0" * 400 + "}", '{"a": [1]}', "[" * 100_000],
)  # fmt: skip
def test_a_bad_table_does_not_fall_back_to_the_text(table: str) -> None:
    with pytest.raises(Failure) as failed:
        read_reward(table, "1")
    assert failed.value.cause == Cause.VERIFIER


@pytest.mark.parametrize("text", ["", " \n", "nan", "inf", "-inf", "1e999", "one", "1 2", "0x1"])
def test_a_bad_text_is_a_failure(text: str) -> None:
    with pytest.raises(Failure) as failed:
        read_reward(None, text)
    assert failed.value.cause == Cause.VERIFIER
