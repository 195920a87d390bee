"""GLM-5's group repair: with more than half of a group valid, repeat valid rollouts; else drop it."""


def repeats(valid: int, size: int) -> tuple[int, ...] | None:
    """How often each of `valid` rollouts counts so that they make `size`, or None to drop the group.

    As even as can be, the earlier ones first: 5 of 8 is (2, 2, 2, 1, 1). The baseline is over the
    unique ones, so repeats do not move it.
    """
    if 2 * valid <= size:
        return None
    every, more = divmod(size, valid)
    return tuple(every + (index < more) for index in range(valid))
