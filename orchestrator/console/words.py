"""Numbers, times and texts as people read them."""

import json
import re
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")
_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"))


def number(value: float | None, digits: int = 3) -> str:
    """Few digits, `–` for nothing."""
    if value is None:
        return "–"
    if isinstance(value, int) or float(value).is_integer():
        return f"{int(value):,}"
    return f"{value:.{digits}f}" if abs(value) < 1000 else f"{value:,.0f}"


def percent(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.1f} %"


def seconds(value: float | None) -> str:
    """A duration in the unit that fits it."""
    if value is None:
        return "–"
    for size, unit in _UNITS:
        if value >= 2 * size:
            return f"{value / size:.1f} {unit}"
    return f"{value:.0f} s" if value >= 10 else f"{value:.2f} s"


def moment(at: float | None) -> str:
    """Universal time, to the second."""
    return "–" if at is None else datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S")


def ago(at: float | None) -> str:
    return "–" if at is None else f"{seconds(max(0.0, time.time() - at))} ago"


def short(identifier: str) -> str:
    """Enough of an id to tell it from its neighbours."""
    return identifier[:8]


def visible(text: str | None) -> str:
    """With characters that would hide, turn around or move text shown by their code."""
    return _CONTROL.sub(lambda found: f"⟨{ord(found[0]):04X}⟩", text or "")


def query(wanted: Mapping[str, str | None]) -> str:
    """Filters as a query, without the place in the list."""
    return urlencode({name: value for name, value in wanted.items() if value and name != "after"})


def as_json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)


def argument(text: str) -> str:
    """A tool call's arguments: laid out if they are JSON, else as the model wrote them."""
    try:
        return as_json(json.loads(text))
    except ValueError:
        return text
