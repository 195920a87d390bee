"""A page after it was rendered: its measurement and its screenshot."""

from dataclasses import dataclass

from environments.slides.measurement import PageMeasurement


@dataclass(frozen=True)
class Rendered:
    """`screenshot` is a PNG, 1280 wide and 720 high, or up to 1440 with what hangs over."""

    measurement: PageMeasurement
    screenshot: bytes
