"""Which task families a run trains on, what share each should have, and what this machine lacks for one."""

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

CHROMIUM = Path("/usr/bin/chromium")
_PYTHONS = (Path("/usr/bin/python3"), Path("/usr/local/bin/python3"))
_GITS = (Path("/usr/bin/git"), Path("/bin/git"))


def _nothing() -> str | None:
    return None


def _git_and_python() -> str | None:
    """Its sandboxes see the system's programs and no others."""
    for name, places in (("git", _GITS), ("Python 3", _PYTHONS)):
        if not any(place.exists() for place in places):
            return f"the system has no {name} at {places[0]}"
    return None


def _chromium() -> str | None:
    return None if CHROMIUM.exists() else f"there is no Chromium at {CHROMIUM}"


FAMILIES: Mapping[str, Callable[[], str | None]] = {
    "terminal": _nothing,
    "search": _nothing,
    "swe": _git_and_python,
    "slides": _chromium,
}
# A rollout of slides or swe costs five times the CPU time of one of terminal.
SHARES: Mapping[str, float] = {"terminal": 0.8, "search": 0.1, "swe": 0.05, "slides": 0.05}


class UnknownFamily(ValueError):
    """Options name a family that there is not, or shares that cannot be."""


def chosen(text: str) -> tuple[str, ...]:
    """The families of `terminal,search` or `all`, in their order. Errors: UnknownFamily."""
    names = tuple(FAMILIES) if text == "all" else tuple(filter(None, text.replace(" ", "").split(",")))
    if not names:
        raise UnknownFamily(f"no environment is named; choose among {', '.join(FAMILIES)}, or all")
    for name in names:
        _known(name)
    return tuple(name for name in FAMILIES if name in names)


def shares_of(names: Sequence[str], asked: Sequence[str]) -> dict[str, float]:
    """Each family's share of trained groups, summing to 1.

    `asked` has items like `terminal=0.4`; the rest divide what is left as they would without it.
    Errors: UnknownFamily.
    """
    given = dict(map(_share, asked))
    for name in given.keys() - set(names):
        raise UnknownFamily(f"--share {name}: it is not among the environments {', '.join(names)}")
    total, others = math.fsum(given.values()), [name for name in names if name not in given]
    if not others:
        return {name: given[name] / total for name in names}
    if total >= 1:
        raise UnknownFamily(f"--share: {total:g} leaves nothing for {', '.join(others)}")
    rest = math.fsum(SHARES[name] for name in others)
    return {name: given.get(name, (1 - total) * SHARES[name] / rest) for name in names}


def lacking(names: Sequence[str]) -> dict[str, str]:
    """The families that this machine cannot run, with what is missing."""
    missing = {name: FAMILIES[name]() for name in names}
    return {name: what for name, what in missing.items() if what is not None}


def _share(item: str) -> tuple[str, float]:
    name, _, text = item.strip().partition("=")
    _known(name)
    try:
        share = float(text)
    except ValueError:
        share = math.nan
    if not 0 < share < math.inf:
        raise UnknownFamily(f"--share {item}: give a number above 0, such as {name}=0.4")
    return name, share


def _known(name: str) -> None:
    if name not in FAMILIES:
        raise UnknownFamily(f"there is no environment {name!r}; choose among {', '.join(FAMILIES)}, or all")
