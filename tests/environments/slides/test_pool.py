"""The render pool against a real browser: what a page cannot reach, and what a crash means."""

import asyncio
import contextlib
import os
import signal
from pathlib import Path

import psutil
import pytest

from environments.slides.measurement import TALLEST, WIDTH
from environments.slides.rendering.ink import pixels
from environments.slides.rendering.pool import Extent, RenderPool
from services.contracts.cause import Cause
from services.kit.failure import Failure, Refused
from tests.environments.slides.conftest import CHROMIUM

pytestmark = pytest.mark.chromium


async def test_words_and_images_are_measured_as_painted(pool: RenderPool) -> None:
    html = (
        "<body style='margin:0;background:#fff;font:40px sans-serif'><h1 style='font-size:60px'>plain</h1>"
        "<p style='color:#777'>grey</p><p style='color:#fff'>white</p><p style='font-size:9px'>small</p>"
        "<p><span style='display:inline-block;transform:scale(0.2)'>scaled</span></p>"
        "<img src='images/river.svg' width=200 height=150><img src='images/none.svg'></body>"
    )
    page = (await pool.render(html)).measurement
    words = {word.text: word for word in page.words}
    assert {text for text, word in words.items() if word.legible} == {"plain", "grey"}
    assert words["plain"].contrast == pytest.approx(21, abs=0.5)
    assert words["grey"].contrast == pytest.approx(4.48, abs=0.2)
    assert words["plain"].size == pytest.approx(60, rel=0.1)
    assert words["scaled"].size == pytest.approx(8, rel=0.2)
    assert [image.visible for image in page.images] == [True, False]
    assert page.images[0].natural.height == 150
    assert page.refused == ("http://slides.invalid/images/none.svg",)


async def test_a_page_that_hangs_over_is_photographed_with_what_hangs(pool: RenderPool) -> None:
    rendered = await pool.render("<body style='margin:0'><div style='height:3000px'>tall</div></body>")
    assert rendered.measurement.full_height == pytest.approx(3000, abs=1)
    assert pixels(rendered.screenshot).shape == (TALLEST, WIDTH, 3)


async def test_no_script_of_a_page_runs(pool: RenderPool) -> None:
    html = (
        "<body><p>before</p><script>document.body.textContent='after'</script>"
        "<img src=x onerror=\"document.body.textContent='after'\"><a href='javascript:1'>link</a></body>"
    )
    page = (await pool.render(html)).measurement
    assert [word.text for word in page.words] == ["before", "link"]


async def test_nothing_reaches_the_network(pool: RenderPool) -> None:
    reached: list[bytes] = []

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        reached.append(await reader.read(100))
        writer.close()

    server = await asyncio.start_server(listen, "127.0.0.1", 0)
    async with server:
        door = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        html = (
            f"<head><link rel=preconnect href='{door}'><link rel=dns-prefetch href='//fonts.invalid'>"
            f"<link rel=stylesheet href='{door}/a.css'><meta http-equiv=refresh content='0;url={door}/b'>"
            f"<style>@import '{door}/c.css';@font-face{{font-family:f;src:url({door}/d)}}"
            f"body{{font-family:f;background:url({door}/e.png)}}</style></head>"
            f"<body><img src='{door}/f.png'><iframe src='{door}/g'></iframe><p>text</p>"
            "<img src='file:///etc/passwd'></body>"
        )
        refused = (await pool.render(html)).measurement.refused
        await asyncio.sleep(0.3)
    assert reached == []
    assert {f"{door}/{name}" for name in ("a.css", "e.png", "f.png")} <= set(refused)


async def test_a_page_leaves_nothing_for_the_next(pool: RenderPool) -> None:
    plain = "<body><p style='font-size:40px'>second</p></body>"
    alone = await pool.render(plain)
    async with RenderPool(CHROMIUM, Extent(pages=1)) as other:
        await other.render("<body style='height:5000px;zoom:3'><p>first</p></body>")
        assert (await other.render(plain)).measurement == alone.measurement


async def test_no_page_stays_in_a_tab_where_it_could_ask_in_the_name_of_the_next(pool: RenderPool) -> None:
    await pool.render("<head><meta http-equiv=refresh content='9;url=page.html'></head><body>later</body>")
    assert {seat.page.url for seat in pool._free} == {"about:blank"}


async def test_the_same_page_is_rendered_once_for_everybody(pool: RenderPool) -> None:
    first, *others = await asyncio.gather(*(pool.render("<p>the same</p>") for _ in range(4)))
    assert all(other is first for other in others)


async def test_a_page_is_forgotten_once_too_many_came_after_it() -> None:
    async with RenderPool(CHROMIUM, Extent(remembered=1)) as pool:
        first = await pool.render("<p>first</p>")
        await pool.render("<p>second</p>")
        again = await pool.render("<p>first</p>")
    assert again is not first
    assert again == first


async def test_names_that_shadow_the_document_change_nothing(pool: RenderPool) -> None:
    names = ("body", "documentElement", "querySelectorAll", "createTreeWalker", "style")
    shadows = "".join(f"<img name={name} id={name}>" for name in names)
    html = (
        f"<body><form name=body><input name=style><input name=childNodes></form>{shadows}<p>text</p></body>"
    )
    assert [word.text for word in (await pool.render(html)).measurement.words] == ["text"]


async def test_a_page_that_is_too_large_is_its_authors_fault() -> None:
    async with RenderPool(CHROMIUM, Extent(html_bytes=1000)) as pool:
        with pytest.raises(Refused, match="1500 bytes"):
            await pool.render("x" * 1500)


async def test_a_page_that_is_too_slow_is_its_authors_fault() -> None:
    deep = "<div style='display:grid'>" * 3000 + "word " * 1500
    async with RenderPool(CHROMIUM, Extent(page_timeout_s=3.0, plain_share=1.0, html_bytes=10**6)) as pool:
        await pool.render("<p>starts the browser</p>")
        with pytest.raises(Refused, match="did not render within"):
            await pool.render(deep * 4)
        assert (await pool.render("<p>again</p>")).measurement.words


async def test_a_page_that_takes_too_much_memory_is_its_authors_fault() -> None:
    heavy = "<table>" + "<tr><td rowspan=60000 colspan=1000>x" * 1500 + "</table>"
    async with RenderPool(CHROMIUM, Extent(tab_bytes=200 << 20)) as pool:
        with pytest.raises(Refused, match="broke the browser's tab twice"):
            await pool.render(heavy)
        assert (await pool.render("<p>again</p>")).measurement.words


async def test_a_page_that_crashes_its_tab_is_its_authors_fault(pool: RenderPool) -> None:
    with pytest.raises(Refused, match="broke the browser's tab twice"):
        await pool.render("<style>" + "p{" * 20_000 + "</style><p>nested without end</p>")


async def test_what_has_no_number_and_no_encoding_is_measured(pool: RenderPool) -> None:
    html = "<p style='transform:scale(1e38) translate(1e38px)'>far</p><b>near \ud800</b>"
    assert [word.text for word in (await pool.render(html)).measurement.words] == ["far", "near", "?"]


async def test_a_page_that_is_late_on_a_slow_machine_is_nobodys_fault() -> None:
    async with RenderPool(CHROMIUM, Extent(page_timeout_s=0.01, plain_share=0.1)) as pool:
        with pytest.raises(Failure, match="renders nothing in time") as failure:
            await pool.render("<p>text</p>")
    assert failure.value.cause is Cause.SANDBOX


async def test_a_browser_that_was_killed_is_started_again(pool: RenderPool) -> None:
    await pool.render("<p>one</p>")
    for number in _chromiums():
        with contextlib.suppress(ProcessLookupError):  # the first to die takes others along
            os.kill(number, signal.SIGKILL)
    assert [word.text for word in (await pool.render("<p>two</p>")).measurement.words] == ["two"]


async def test_a_browser_that_does_not_start_is_a_failure_of_the_sandbox(tmp_path: Path) -> None:
    broken = tmp_path / "chromium"
    broken.write_text("#!/bin/sh\nexit 1\n")
    broken.chmod(0o755)
    async with RenderPool(broken) as pool:
        with pytest.raises(Failure) as failure:
            await pool.render("<p>text</p>")
    assert failure.value.cause is Cause.SANDBOX


async def test_nothing_is_left_of_a_pool() -> None:
    async with RenderPool(CHROMIUM) as pool:
        await pool.render("<p>text</p>")
        assert _chromiums()
    assert _chromiums() == []


def _chromiums() -> list[int]:
    found = []
    for process in psutil.Process().children(recursive=True):
        try:
            if "chromium" in process.name() and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process.pid)
        except psutil.NoSuchProcess:
            continue
    return found
