"""The images that pages may use: drawn here, served to the browser under `images/`, and nothing else is."""

from collections.abc import Mapping

_COLOURS = ("#1f4e79", "#2e7d57", "#8a3b12", "#5b3f8c", "#7a1f3d", "#3b5d0e", "#115e67", "#6b4e16")
_NAMES = (
    "bridge", "canyon", "castle", "desert", "forest", "garden", "harbor", "island",
    "lagoon", "meadow", "ocean", "planet", "river", "temple", "tunnel", "valley",
)  # fmt: skip


def _drawn(place: int) -> str:
    """A landscape of its own for each name: sky, sun and two hills."""
    sky, hill = _COLOURS[place % 8], _COLOURS[(place * 3 + 2) % 8]
    sun, slope = 60 + place * 18, 120 + place * 6
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" width="400" height="300" viewBox="0 0 400 300">'
        f'<rect width="400" height="300" fill="{sky}"/><circle cx="{sun}" cy="80" r="42" fill="#f2c14e"/>'
        f'<path d="M0 300 L0 {slope} Q120 90 220 {slope + 40} T400 170 L400 300 Z" fill="{hill}"/>'
        '<path d="M0 300 L0 250 Q200 190 400 260 L400 300 Z" fill="#f4efe6" fill-opacity="0.55"/></svg>'
    )


PICTURES: Mapping[str, str] = {f"images/{name}.svg": _drawn(place) for place, name in enumerate(_NAMES)}
