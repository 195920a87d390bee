"""Bounded output, over all ways in which it can arrive."""

from hypothesis import given
from hypothesis import strategies as st

from services.sandbox.output import BoundedOutput


@given(st.lists(st.binary(max_size=40), max_size=30), st.integers(2, 100))
def test_never_keeps_more_than_its_limit_and_says_what_is_missing(chunks: list[bytes], limit: int) -> None:
    output, whole = BoundedOutput(limit), b"".join(chunks)
    for chunk in chunks:
        output.add(chunk)
    assert output.total == len(whole)
    assert output.truncated == (len(whole) > limit)
    assert whole.startswith(output.raw())
    if len(whole) <= limit:
        assert output.raw() == whole
        assert output.text() == whole.decode(errors="replace")
        return
    assert f"[... {len(whole) - limit} bytes left out ...]" in output.text()
    head, _, tail = output.text().partition("\n[... ")
    assert head == whole[: limit - limit // 2].decode(errors="replace")
    assert tail.endswith(whole[len(whole) - limit // 2 :].decode(errors="replace"))
