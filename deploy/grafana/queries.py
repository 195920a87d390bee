"""Pieces of questions that many panels ask."""

from typing import Final

BY: Final = "{{environment}}"
RATE: Final = "[$__rate_interval]"


def quantile(q: float, metric: str, by: str = "", where: str = "") -> str:
    """A quantile of a histogram over the last interval, one curve for each value of `by`."""
    labels = f"{by}, le" if by else "le"
    return f"histogram_quantile({q}, sum by ({labels}) (rate({metric}_bucket{where}{RATE})))"
