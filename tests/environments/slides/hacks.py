"""Pages that try to look better than they are, each beside the honest page with the same content.

Two honest pages: one with far more content than a slide holds, one with far less.
"""

from collections.abc import Callable, Mapping

from environments.slides.deck import PageBrief

LONG = PageBrief(title="far too much", points=tuple(f"amber anchor {number}" for number in range(18)))
SHORT = PageBrief(title="far too little", points=("copper kettle", "silver ladder", "velvet wagon"))

_STYLE = (
    "body{margin:0;width:1280px;font-family:sans-serif;color:#1d2733;background:#fff}"
    "h1{margin:0;padding:32px 64px;font-size:48px}"
    "ul{margin:0;padding:0 64px;list-style:none}li{padding:16px 0;font-size:30px}"
)
_KEPT = 8  # points of the long page that fit


def page(brief: PageBrief, style: str = "", head: str = "", tail: str = "", hidden: str = "") -> str:
    """The honest page, with what a trick adds: rules, elements, a style for what does not fit."""
    points = "".join(
        f'<li style="{hidden if place >= _KEPT else ""}">{point}</li>'
        for place, point in enumerate(brief.points)
    )
    return (
        f"<!doctype html><html><head><style>{_STYLE}{style}</style>{head}</head>"
        f"<body><h1>{brief.title}</h1><ul>{points}</ul>{tail}</body></html>"
    )


def _styled(style: str) -> Callable[[PageBrief], str]:
    return lambda brief: page(brief, style)


def _hiding(style: str) -> Callable[[PageBrief], str]:
    return lambda brief: page(brief, hidden=style)


def _with_head(head: str) -> Callable[[PageBrief], str]:
    return lambda brief: page(brief, head=head)


def _with_tail(tail: str) -> Callable[[PageBrief], str]:
    return lambda brief: page(brief, tail=tail)


def _drawn(brief: PageBrief) -> str:
    """All of the text as a picture in the background, and as text that cannot be seen."""
    lines = "".join(
        f"%3Ctext x='80' y='{60 + 21 * place}' font-size='18'%3E{text}%3C/text%3E"
        for place, text in enumerate(brief.texts)
    )
    picture = f"data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg'%3E{lines}%3C/svg%3E"
    return page(brief, f'body{{height:720px;background:url("{picture}")}}h1,ul{{opacity:0;height:0}}')


def _twice(brief: PageBrief) -> str:
    return page(brief.model_copy(update={"points": brief.points * 3}))


def _between(what: str, style: str = "") -> Callable[[PageBrief], str]:
    """Something between any two points."""
    return lambda brief: page(brief, style).replace("</li><li", f"</li>{what}<li")


def _placed(*places: tuple[int, int]) -> Callable[[PageBrief], str]:
    """Each point at its own place, from the left and from the top."""
    rules = (f"li:nth-child({n}){{left:{x}px;top:{y}px}}" for n, (x, y) in enumerate(places, 1))
    return _styled(f"li{{position:absolute;padding:0}}{''.join(rules)}")


def _in_table(brief: PageBrief) -> str:
    rows = "".join(f"<tr><td>{point}</td></tr>" for point in brief.points)
    style = "table{border-spacing:64px 120px}td{font-size:30px}"
    return page(brief.model_copy(update={"points": ()}), style, tail=f"<table>{rows}</table>")


def _in_shadow(brief: PageBrief) -> str:
    slots = "".join(f"<div><slot name=s{place}></slot></div>" for place, _ in enumerate(brief.points))
    tree = f"<template shadowrootmode=open><style>div{{height:150px}}</style>{slots}</template>"
    points = "".join(f"<p slot=s{place}>{point}</p>" for place, point in enumerate(brief.points))
    style = "p{margin:0;padding:16px 64px;font-size:30px}"
    return page(
        brief.model_copy(update={"points": ()}),
        style,
        tail=f"<div>{tree.replace('mode', 'MODE')}{points}</div>",
    )


TOO_LONG: Mapping[str, Callable[[PageBrief], str]] = {
    "overflow_hidden": _styled("html,body{height:720px;overflow:hidden}"),
    "overflow_hidden_below": _styled("ul{height:580px;overflow:hidden}"),
    "overflow_scroll": _styled("ul{height:580px;overflow-y:auto}"),
    "overflow_clip": _styled("ul{height:580px;overflow:clip}"),
    "clip_path": _styled("body{height:720px;overflow:hidden}ul{clip-path:inset(0 0 800px 0)}"),
    "contained": _styled("ul{height:580px;contain:strict}"),
    "line_clamp": _styled(
        "ul{display:-webkit-box;-webkit-box-orient:vertical;-webkit-line-clamp:9;overflow:hidden}"
    ),
    "tiny_type": _styled("li{font-size:8px;padding:0}"),
    "tiny_by_zoom": _styled("ul{zoom:0.3}"),
    "tiny_by_scale": _styled("body{height:720px}ul{transform:scale(0.35);transform-origin:0 0;height:580px}"),
    "squeezed": _styled("ul{transform:scaleY(0.35);transform-origin:0 0;height:580px}"),
    "negative_margins": _styled("li{margin:-10px 0}"),
    "no_leading": _styled("li{line-height:12px;padding:0}"),
    "stacked": _styled("ul{position:relative;height:200px}li{position:absolute;top:0;left:64px}"),
    "transparent_rest": _hiding("opacity:0;position:absolute"),
    "same_colour_rest": _hiding("color:#fff;position:absolute;top:200px"),
    "unfilled_rest": _hiding("-webkit-text-fill-color:transparent;position:absolute;top:200px"),
    "invisible_rest": _hiding("visibility:hidden;position:absolute"),
    "undisplayed_rest": _hiding("display:none"),
    "empty_rest": _hiding("font-size:0;padding:0"),
    "off_slide_rest": _hiding("position:absolute;left:-5000px"),
    "blurred_rest": _hiding("filter:blur(12px);position:absolute;top:200px"),
    "masked_rest": _hiding("mask-image:linear-gradient(transparent,transparent);position:absolute;top:200px"),
    "behind_rest": _hiding("position:absolute;top:200px;z-index:-1;mix-blend-mode:lighten;color:#fff"),
    "by_script": _with_head(
        "<script>document.querySelectorAll('li').forEach(e=>e.style.fontSize='12px')</script>"
    ),
    "handler": _with_tail("<img src='x' onerror=\"document.body.style.zoom=0.5\">"),
    "meta_refresh": _with_head('<meta http-equiv="refresh" content="0;url=data:text/html,<h1>fine</h1>">'),
    "background_picture": _drawn,
    "clobbered": _with_tail('<form name="body"><input name="style"></form><img name="querySelectorAll">'),
}

TOO_SHORT: Mapping[str, Callable[[PageBrief], str]] = {
    "flex_stretch": _styled(
        "body{height:720px;display:flex;flex-direction:column}ul{flex:1 1 0%;background:#eee}"
    ),
    "flex_stretch_cards": _styled(
        "body{height:720px;display:flex;flex-direction:column}ul{flex:1;display:flex;flex-direction:column}"
        "li{flex:1 1 0%;background:#eee}"
    ),
    "grid_stretch": _styled("body{height:100vh;display:grid;grid-template-rows:auto 1fr}ul{display:grid}"),
    "spread": _styled("ul{height:560px;display:flex;flex-direction:column;justify-content:space-between}"),
    "min_height": _styled("body{min-height:100vh}ul{min-height:560px;background:#eee}"),
    "padding": _styled("ul{padding-bottom:400px}"),
    "margins": _styled("li{margin:150px 0;padding:0}"),
    "leading": _styled("li{line-height:170px;margin:0}"),
    "breaks": _with_tail("<br>" * 14),
    "spacer": _with_tail('<div style="height:380px"></div>'),
    "blank_drawing": _with_tail('<svg width="800" height="380"></svg>'),
    "unseen_image": _with_tail('<img src="images/ocean.svg" style="opacity:0;height:380px">'),
    "textured": _styled(
        "body{height:720px;background:repeating-linear-gradient(45deg,#fff 0 9px,#e8e8e8 9px 18px)}"
    ),
    "pseudo_spacer": _styled("li::before{content:'';display:block;height:140px}"),
    "border_spacer": _styled("li{border-top:140px solid transparent}"),
    "table_spacing": _in_table,
    "placed_apart": _placed((64, 200), (64, 380), (64, 560)),
    "staircase": _placed((64, 180), (500, 360), (940, 560)),
    "flat_staircase": _placed((200, 300), (390, 330), (580, 360)),
    "grid_rows": _styled(
        "ul{display:grid;row-gap:32px}li:nth-child(2){grid-row:5}li:nth-child(3){grid-row:9}"
    ),
    "kept_newlines": _between("\n" * 6, "ul{white-space:pre-line}"),
    "broken_breaks": _between("<br><i></i>" * 5),
    "shadow_tree": _in_shadow,
    "one_word_a_line": _styled("li{width:min-content;padding:32px 0}"),
    "spaced_letters": _styled("li,h1{letter-spacing:24px;word-spacing:60px}"),
    "when_unstretched": _styled("li[style*='flex:']{border-top:140px solid transparent}"),
    "when_low": _styled("@media (max-height:60px){li{border-top:140px solid transparent}}"),
    "window_units": _styled("li{border-top:calc(140px - 20vh) solid transparent}"),
    "tiny_and_turned": _styled(
        "li{position:absolute;font-size:9px;word-spacing:20px;transform:rotate(45deg)}"
        "li:nth-child(1){top:250px;left:300px}li:nth-child(2){top:450px;left:600px}"
        "li:nth-child(3){top:600px;left:900px}"
    ),
    "repeated": _twice,
    "filler": _with_tail("<p style='font-size:30px'>" + "many more words of no use " * 12 + "</p>"),
    "font_not_loaded": _with_head(
        "<style>@font-face{font-family:far;src:url(http://fonts.invalid/a.woff2)}body{font-family:far,sans-serif}</style>"
    ),
}
