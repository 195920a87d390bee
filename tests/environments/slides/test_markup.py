"""A page's source is read in one pass, however it is broken."""

import time

import pytest

from environments.slides.markup import parse


@pytest.mark.parametrize(
    ("html", "faults"),
    [
        ("<!doctype html><h1>a &lt; b</h1><ul><li>one<li>two</ul><br><img src=x>", []),
        ("<svg viewBox='0 0 9 9'><rect width='9'/></svg><p title='a > b'>c</p>", []),
        ("<style>p > b { color: red } /* </b> */</style><title>a <b> c</title><!-- <b> -->", []),
        ("<![x]><!x [<!y><?z?><p>text</p>", []),
        ("<div><b>text</div>", ["</div> closes another element"]),
        ("</div><b>", ["</div> closes nothing", "never closed: b"]),
        ("<b", []),
        ("<IFRAME src=x></IFRAME>", ["<iframe> is not allowed"]),
        ("<img src=x ONERROR='a'>", ["scripts do not run: onerror"]),
        ("<meta http-equiv=refresh content=0>", ["<meta http-equiv> is not allowed"]),
        ("<style>@import 'x.css'</style>", ["a style loads something"]),
        ("<style>/* @import */</style>", []),
        ("<p style='background:url(data:image/gif,x)'>", ["a style loads something"]),
        ("<template shadowrootmode=open></template>",
         ["<template> is not allowed", "shadow trees are not allowed"]),
    ],
)  # fmt: skip
def test_faults_of_a_page(html: str, faults: list[str]) -> None:
    assert parse(html).faults == faults


@pytest.mark.parametrize(
    "piece",
    [
        "<a ",
        "<",
        "<b>",
        "</b>",
        "<b></a>",
        "<!--",
        "<![",
        "<a b='",
        '<a b="c',
        "<a =",
        "&#9",
        "<style>/*",
        "<p title=&#9",
    ],
)
def test_64_kilobytes_of_anything_are_read_at_once(piece: str) -> None:
    html = piece * (64_000 // len(piece))
    started = time.process_time()
    parse(html)
    assert time.process_time() - started < 1.0
