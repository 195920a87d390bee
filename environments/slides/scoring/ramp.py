"""The one curve between a threshold where nothing is lost and one where nothing is left."""


def ramp(value: float, worst: float, best: float) -> float:
    """0 at `worst` and beyond, 1 at `best` and beyond, straight between; either may be the larger."""
    return min(max((value - worst) / (best - worst), 0.0), 1.0)
