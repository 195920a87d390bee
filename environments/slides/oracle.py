"""Pages that do all that is asked for: the proof that full reward can be had."""

from html import escape

from environments.slides.deck import Deck, PageBrief

_STYLE = """
body { margin: 0; width: 1280px; height: 720px; background: #f7f5f0; color: #1d2733; font-family: sans-serif }
h1 { margin: 0; padding: 48px 64px 16px; font-size: %(title)dpx; text-align: center; color: #12456b; }
ul { margin: 0; padding: 0 64px; list-style: none; text-align: center; }
li { padding: %(padding)dpx 0; font-size: %(size)dpx; line-height: 1.3; }
.beside { display: flex; align-items: center; padding: 0 64px; gap: 48px; }
.beside ul { padding: 0; width: 560px; }
"""


def oracle_page(brief: PageBrief) -> str:
    """A title over centred points, whose size and distance follow their number; images stand beside them."""
    style = _STYLE % _fitted(len(brief.points), max(map(len, brief.points)))
    points = "".join(f"<li>{escape(point)}</li>" for point in brief.points)
    pictures = "".join(f'<img src="{image}" alt="" width="400" height="300">' for image in brief.images)
    body = f'<div class="beside"><ul>{points}</ul>{pictures}</div>' if pictures else f"<ul>{points}</ul>"
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f"<title>{escape(brief.title)}</title><style>{style}</style></head>"
        f"<body><h1>{escape(brief.title)}</h1>{body}</body></html>"
    )


def oracle(deck: Deck) -> tuple[str, ...]:
    return tuple(oracle_page(page) for page in deck.pages)


def _fitted(points: int, longest: int) -> dict[str, int]:
    """Type sizes and padding, in pixels, so that the points fill what a title leaves of a slide."""
    size = 32 if longest > 30 else 56
    return {
        "size": size,
        "title": max(56, round(size * 1.3)),
        "padding": round((520 / points - size * 1.3) / 2),
    }
