"""What a check can find besides that all is well."""


class Broken(Exception):
    """The contract is not kept; the message says what was found instead."""


class Skipped(Exception):
    """This cannot be checked here; the message says why."""


def expect(kept: bool, found: str) -> None:
    """Raises Broken with what was found unless `kept`."""
    if not kept:
        raise Broken(found)
