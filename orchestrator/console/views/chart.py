"""Curves as inline SVG: where the lines go, worked out so that a template need only draw them."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from orchestrator.console.words import number

WIDTH, HEIGHT = 320, 120
_LEFT, _RIGHT, _TOP, _BOTTOM = 40, 6, 8, 18
_MOST_POINTS = 400

Points = Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Line:
    """One curve: its name, its colour (0 to 7), its SVG points, and where and what its last one is."""

    name: str
    colour: int
    points: str
    last: tuple[float, float]
    value: str


@dataclass(frozen=True)
class Tick:
    """A value on an axis, and where it stands."""

    at: float
    text: str


@dataclass(frozen=True)
class Chart:
    """A titled picture. Without lines there is nothing to show yet."""

    title: str
    lines: tuple[Line, ...]
    rows: tuple[Tick, ...] = ()
    columns: tuple[Tick, ...] = ()

    @property
    def told(self) -> str:
        """In words, for those who do not see it."""
        newest = ", ".join(f"{line.name} {line.value}" for line in self.lines)
        return f"{self.title}: {newest or 'nothing yet'}"


def chart(title: str, series: Mapping[str, Points]) -> Chart:
    """A chart of named curves; those without a finite point are left out but keep their colour."""
    drawn = {name: _thinned(points) for name, points in series.items()}
    every = [point for points in drawn.values() for point in points]
    if not every:
        return Chart(title, ())
    first, final = min(x for x, _ in every), max(x for x, _ in every)
    low, high = _bounds([y for _, y in every])

    def place(x: float, y: float) -> tuple[float, float]:
        across = (x - first) / (final - first) if final > first else 0.5
        up = (y - low) / (high - low)
        return (
            round(_LEFT + across * (WIDTH - _LEFT - _RIGHT), 1),
            round(HEIGHT - _BOTTOM - up * (HEIGHT - _TOP - _BOTTOM), 1),
        )

    lines = [
        _line(name, colour % 8, points, [place(*point) for point in points])
        for colour, (name, points) in enumerate(drawn.items())
        if points
    ]
    rows = [Tick(place(first, y)[1], number(y)) for y in (low, (low + high) / 2, high)]
    columns = [Tick(place(x, low)[0], number(x)) for x in sorted({first, final})]
    return Chart(title, tuple(lines), tuple(rows), tuple(columns))


def _line(name: str, colour: int, points: Points, places: Points) -> Line:
    drawn = " ".join(f"{x},{y}" for x, y in places)
    return Line(name, colour, drawn, places[-1], number(points[-1][1]))


def _thinned(points: Points) -> list[tuple[float, float]]:
    """Finite points only, evenly thinned to what the width can show, the last one kept."""
    finite = [point for point in points if math.isfinite(point[1])]
    step = math.ceil(len(finite) / _MOST_POINTS) or 1
    return finite[::-1][::step][::-1]


def _bounds(values: Sequence[float]) -> tuple[float, float]:
    """From the least to the greatest value, with room to tell equal ones apart."""
    low, high = min(values), max(values)
    room = max(0.5, abs(low) / 10)
    return (low, high) if high > low else (low - room, high + room)
