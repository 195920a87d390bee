"""The console in a real Chromium: by keys, dark and light, on small screens, and with nothing that leaks."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, async_playwright

from tests.orchestrator.console.conftest import Stage

pytestmark = [pytest.mark.chromium, pytest.mark.asyncio(loop_scope="module")]

SHOTS = os.environ.get("PODIUM_TEST_SCREENSHOTS")  # a folder for whoever wants to look


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path="/usr/bin/chromium", chromium_sandbox=os.geteuid() != 0, args=["--disable-gpu"]
        )
        yield browser
        await browser.close()


async def shoot(page: Page, name: str) -> None:
    if SHOTS:
        await page.screenshot(path=Path(SHOTS) / f"{name}.png", full_page=True)


async def signed_in(browser: Browser, stage: Stage, **options: object) -> tuple[Page, list[str]]:
    """A page at the overview, and whatever the browser complains about from then on."""
    page = await browser.new_page(base_url=stage.url, **options)  # type: ignore[arg-type]
    complaints: list[str] = []
    await page.goto("/")
    await page.fill("input[name=token]", stage.viewer)
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("dialog", lambda dialog: complaints.append(dialog.message))
    await page.click("form.sign-in button")
    await page.wait_for_selector("h1:has-text('Overview')")
    return page, complaints


async def sideways(page: Page) -> int:
    """Pixels by which a page is wider than the screen."""
    return int(await page.evaluate("document.documentElement.scrollWidth - innerWidth"))


async def test_a_visitor_reads_a_rollout_by_keys(stage: Stage, browser: Browser) -> None:
    page, complaints = await signed_in(browser, stage, viewport={"width": 1400, "height": 900})
    await shoot(page, "overview")
    assert await page.locator(".charts svg").count() >= 4
    assert await page.locator("svg.share").count() == 2

    await page.goto("/console/rollouts?environment=slides&state=sealed")
    await page.keyboard.press("j")
    await page.keyboard.press("j")
    await page.keyboard.press("Enter")
    await page.wait_for_selector("#reading")

    await page.goto(f"/console/rollouts/{stage.trained}")
    reading = page.locator("#reading")
    token = page.locator(".ids .s").first
    colours = []
    for name in ("logprob", "version", "mask"):
        assert await reading.get_attribute("data-colour") == name
        colours.append(await token.evaluate("one => getComputedStyle(one).backgroundColor"))
        await page.keyboard.press("c")
    assert len(set(colours)) == 3
    assert "rgba(0, 0, 0, 0)" not in colours
    await token.click()
    await page.keyboard.press("ArrowRight")
    assert "log-prob" in await page.locator("#token").inner_text()
    await page.wait_for_function("document.querySelector('.artifacts img').naturalWidth === 64")
    assert await page.title() != "owned"
    await page.keyboard.press("?")
    assert await page.locator("dialog").is_visible()
    await page.keyboard.press("Escape")
    await shoot(page, "rollout-light")
    await page.keyboard.press("]")
    await page.wait_for_url(lambda url: stage.trained not in url)
    assert complaints == []


async def test_dark_and_small_screens_work(stage: Stage, browser: Browser) -> None:
    page, complaints = await signed_in(
        browser, stage, viewport={"width": 390, "height": 844}, color_scheme="dark", has_touch=True
    )
    paths = ("", "environments", "environments/slides", "groups", f"groups/{stage.group}", "rollouts")
    for path in (*paths, f"rollouts/{stage.trained}", f"rollouts/{stage.failed}"):
        await page.goto(f"/console/{path}")
        assert await sideways(page) <= 0, path
        await shoot(page, f"small-{path.split('/')[0] or 'overview'}{'-one' if '/' in path else ''}")
    ground = "getComputedStyle(document.body).backgroundColor"
    assert await page.evaluate(ground) == "rgb(21, 23, 27)"
    await page.keyboard.press("t")
    assert await page.evaluate(ground) == "rgb(251, 251, 250)"
    await page.goto("/console/groups")
    assert await page.evaluate(ground) == "rgb(251, 251, 250)"
    assert complaints == []
    if SHOTS:
        await page.keyboard.press("t")
        await page.set_viewport_size({"width": 1400, "height": 900})
        for path, name in (
            (f"rollouts/{stage.trained}", "rollout-dark"),
            (f"groups/{stage.group}", "group-dark"),
            ("rollouts", "rollouts-dark"),
            ("environments/slides", "environment-dark"),
            (f"rollouts/{stage.failed}", "failed-dark"),
        ):
            await page.goto(f"/console/{path}")
            await shoot(page, name)


async def test_numbers_stay_fresh_and_a_link_from_elsewhere_arrives(stage: Stage, browser: Browser) -> None:
    page, complaints = await signed_in(browser, stage)
    await page.evaluate("document.querySelector('main').dataset.mark = 'same document'")
    for state in ("draining", "active"):  # the stage is everybody's
        await stage.running.client.patch("/v1/environments/slides", json={"state": state})
        await page.wait_for_selector(f"main[data-mark] tr:has-text('slides') .state.{state}", timeout=8_000)
    assert complaints == []
    link = f"<a href='{stage.url}/console/groups'>go</a>"
    await page.route(
        "http://elsewhere.invalid/", lambda route: route.fulfill(body=link, content_type="text/html")
    )
    await page.goto("http://elsewhere.invalid/")
    await page.click("a")
    await page.wait_for_selector("h1:has-text('Groups')")
