"""Context management: what goes, and that everything before the first change stays as it was."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from environments.context import OMITTED, DiscardAll, Hierarchical, KeepAll, KeepRecent
from environments.message import Message


def history(rounds: list[int]) -> list[Message]:
    """A conversation whose rounds have so many tool results each."""
    messages: list[Message] = [{"role": "system", "content": "s"}, {"role": "user", "content": "q"}]
    for number, results in enumerate(rounds):
        calls = [{"id": f"{number}.{place}"} for place in range(results)]
        messages.append({"role": "assistant", "content": f"r{number}", "tool_calls": calls})
        messages += [{"role": "tool", "tool_call_id": one["id"], "content": f"o{one['id']}"} for one in calls]
    return messages


ROUNDS = st.lists(st.integers(1, 3), max_size=12)


def test_the_placeholder_is_the_reports() -> None:
    assert OMITTED == "Tool result is omitted to save tokens."


@given(ROUNDS, st.integers(0, 6))
def test_keep_recent_folds_observations_of_old_rounds_and_nothing_else(rounds: list[int], k: int) -> None:
    before = history(rounds)
    after = KeepRecent(k).fit(before, 0)
    assert len(after) == len(before)
    for one, other in zip(before, after, strict=True):
        old = one["role"] == "tool" and int(one["tool_call_id"].partition(".")[0]) < len(rounds) - k
        assert other == ({**one, "content": OMITTED} if old else one)


@given(ROUNDS, st.integers(0, 6))
def test_keep_recent_round_by_round_is_keep_recent_at_once(rounds: list[int], k: int) -> None:
    keep = KeepRecent(k)
    carried: list[Message] = []
    for count in range(len(rounds) + 1):
        whole = history(rounds[:count])
        carried = keep.fit([*carried, *whole[len(carried) :]], 0)
    assert carried == keep.fit(history(rounds), 0)


@given(
    ROUNDS,
    st.sampled_from(
        [KeepAll(), KeepRecent(5), DiscardAll(100), Hierarchical(KeepRecent(5), DiscardAll(100))]
    ),
)
def test_within_k_rounds_and_t_tokens_nothing_changes(rounds: list[int], rule: Any) -> None:
    before = history(rounds[:5])
    after = rule.fit(before, 100)
    assert after == before
    assert after is not before


@given(ROUNDS)
def test_before_the_first_change_messages_are_the_very_same(rounds: list[int]) -> None:
    before = history(rounds)
    folded_once = KeepRecent(5).fit(before, 0)
    following = [*folded_once, *history([1])[2:]]
    again = KeepRecent(5).fit(following, 0)
    changes = [place for place, (one, other) in enumerate(zip(following, again, strict=True)) if one != other]
    first = changes[0] if changes else len(following)
    assert all(one is other for one, other in zip(following[:first], again[:first], strict=True))
    if len(rounds) >= 5:  # exactly one more round has become old
        assert {following[place]["tool_call_id"].partition(".")[0] for place in changes} == {
            f"{len(rounds) - 5}"
        }


@given(ROUNDS, st.integers(0, 200))
def test_discard_all_leaves_the_question_beyond_the_limit(rounds: list[int], tokens: int) -> None:
    before = history(rounds)
    assert DiscardAll(100).fit(before, tokens) == (before[:2] if tokens > 100 else before)


@given(ROUNDS, st.integers(0, 200))
def test_hierarchical_is_both(rounds: list[int], tokens: int) -> None:
    before = history(rounds)
    after = Hierarchical(KeepRecent(2), DiscardAll(100)).fit(before, tokens)
    assert after == (before[:2] if tokens > 100 else KeepRecent(2).fit(before, tokens))


def test_what_is_given_is_never_changed() -> None:
    before = history([2] * 9)
    Hierarchical().fit(before, 99_999)
    KeepRecent(1).fit(before, 0)
    assert before == history([2] * 9)
