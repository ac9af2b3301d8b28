"""The web chat for everybody: every kind of page is held against WCAG 2.2 AA by axe, in light and in dark.

axe is put into the page by the browser's debugging protocol, past the page's policy; the policy itself stays as it is.
The trees are what a screen reader is given. Refresh them with
`.venv/bin/python -m pytest tests/test_web_accessibility.py -k tree --snapshot-update`.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page, expect
from syrupy.assertion import SnapshotAssertion

from tests.browser import (  # noqa: F401  (fixtures)
    Service,
    Visit,
    a_browser,
    a_service,
    answers,
    ends,
    intake,
    typed,
    visit,
)
from tests.test_transcripts import Transcript

pytestmark = pytest.mark.asyncio(loop_scope="session")

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
COLOURS = ["color-contrast"]
"""The rule that may find something in the dark that it does not find in the light."""
_AXE = """([tags, rules]) => axe.run(document, {
  runOnly: tags.length ? { type: "tag", values: tags } : { type: "rule", values: rules },
  resultTypes: ["violations"],
}).then(({ violations }) => violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`))"""
_SMALL = """() => [...document.querySelectorAll("a[href], button, input:not([type=hidden]), select, textarea, summary")]
  .filter((part) => part.checkVisibility({ visibilityProperty: true }))
  .filter((part) => !part.matches(".skip, cite a, small a, .sources a")) // in the line of a text: as high as it is
  .filter((part) => {
    const { width, height } = (part.closest("label") ?? part).getBoundingClientRect();
    return Math.min(width, height) < 24;
  })
  .map((part) => part.outerHTML.slice(0, 120))"""
_SPACED = """() => {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync("* { line-height: 1.5 !important; letter-spacing: 0.12em !important; " +
    "word-spacing: 0.16em !important } p { margin-block-end: 2em !important }");
  document.adoptedStyleSheets = [sheet];
}"""
_PLAIN = "document.adoptedStyleSheets = []"


async def axe(page: Page, *, tags: list[str] | None = None, rules: list[str] | None = None) -> list[str]:
    """What axe finds."""
    if await page.evaluate("typeof axe === 'undefined'"):
        await page.evaluate(Axe().axe_script)
    found: list[str] = await page.evaluate(_AXE, [tags or [], rules or []])
    return found


async def examine(at: Visit, name: str) -> None:
    """A page is for everybody: axe in both schemes, targets large enough, from right to left, with wider text."""
    page = at.page
    assert await axe(page, tags=TAGS) == [], name
    if name != "answer":  # once more when all of it is open
        await page.emulate_media(color_scheme="dark")
        assert await axe(page, rules=COLOURS) == [], f"{name}, dark"
        await page.emulate_media(color_scheme="light")
    assert await page.evaluate(_SMALL) == [], name
    await page.evaluate("document.documentElement.dir = 'rtl'")
    await at.fits()
    await page.evaluate("document.documentElement.dir = 'ltr'")
    await page.evaluate(_SPACED)
    await at.fits()
    await page.evaluate(_PLAIN)


@pytest.mark.parametrize("walk", [intake, typed, answers, ends], ids=lambda walk: walk.__name__)
async def test_every_page(browser: Browser, service: Service, walk: Callable[[Visit], AsyncIterator[str]]) -> None:
    """A page keeps somebody out: contrast, names, order of headings, targets too small, text cut off."""
    async with visit(browser, service, width=320) as at:
        async for name in walk(at):
            await examine(at, name)


async def test_signing_in(browser: Browser, tmp_path: Path) -> None:
    """Who has the access token cannot get in, or one of the pages on the way keeps somebody out."""
    service = Service(tmp_path, web_access_token="a-token-of-the-tests-long-enough")
    await service.start()
    try:
        async with visit(browser, service, width=320) as at:
            await at.open("/case/1")
            await examine(at, "sign-in")
            await at.page.get_by_label("Access token").fill("not the token")
            await at.page.keyboard.press("Enter")
            await expect(at.page.get_by_role("alert")).to_contain_text("not the access token")
            at.expect("401")
            await examine(at, "sign-in, refused")
            await at.page.get_by_label("Access token").fill("a-token-of-the-tests-long-enough")
            await at.page.keyboard.press("Enter")
            await at.answer("oncologist")
            await at.context.clear_cookies(name="triage_access")
            await at.button("gate:in_scope").click()  # signed out meanwhile
            await expect(at.page.get_by_label("Access token")).to_be_visible()
            at.expect("401")
            assert service.turns() == ["role:oncologist"]
    finally:
        await service.stop()


async def test_forced_colours(browser: Browser, service: Service) -> None:
    """In a contrast theme of the system buttons, boxes or how far the case is could not be told from the page."""
    async with visit(browser, service, forced_colors="active") as at:
        await at.open()
        await at.answer("oncologist", "in_scope")
        assert await axe(at.page, tags=TAGS) == []
        for part in ("button.main", ".replies button", ".box", ".bars i", "#text"):
            style = await at.page.locator(part).first.evaluate("part => getComputedStyle(part).borderTopStyle")
            assert style == "solid", part
        bars = at.page.locator(".bars i")
        colours = await bars.evaluate_all("bars => bars.map((bar) => getComputedStyle(bar).backgroundColor)")
        assert colours[1] not in (colours[0], colours[2])  # the second of eight is the one asked


@pytest.mark.parametrize(("motion", "moves"), [("reduce", False), ("no-preference", True)])
async def test_motion(browser: Browser, service: Service, motion: str, moves: bool) -> None:
    """Who asked for less motion is scrolled about all the same."""
    async with visit(browser, service, reduced_motion=motion) as at:
        await at.open()
        await at.answer("oncologist", "her2_low")
        style = "getComputedStyle(document.documentElement).scrollBehavior"
        assert (await at.page.evaluate(style) == "smooth") is moves
        lasting = "parts => parts.filter((part) => parseFloat(getComputedStyle(part).transitionDuration) > 0).length"
        assert bool(await at.page.locator("main *").evaluate_all(lasting)) is moves


async def test_only_what_is_new_is_announced(browser: Browser, service: Service) -> None:
    """After each answer a screen reader reads the whole conversation again, because its elements were made anew."""
    async with visit(browser, service) as at:
        await at.open()
        await at.answer("oncologist", "in_scope")
        log = at.page.get_by_role("log", name="Conversation")
        items = log.locator(".lines > li")
        await items.evaluate_all("items => items.forEach((item) => { item.known = true; })")
        await log.evaluate("log => { log.known = true; }")
        await at.answer("none")
        assert await log.evaluate("log => log.known")
        kept = await items.evaluate_all("items => items.map((item) => [item.dataset.key.split(':')[0], !!item.known])")
        assert kept == [["role", True], ["gate", True], ["red_flags", False], ["asked", False]]
        await items.evaluate_all("items => items.forEach((item) => { item.known = true; })")
        await at.type("no such words")
        kept = await items.evaluate_all("items => items.map((item) => [item.dataset.key.split(':')[0], !!item.known])")
        assert kept == [["role", True], ["gate", True], ["red_flags", True], ["said", False], ["asked", True]]


async def test_tree_of_a_question(browser: Browser, service: Service, snapshot: SnapshotAssertion) -> None:
    """What a screen reader is given of a question changes, and nobody sees it."""
    async with visit(browser, service) as at:
        await at.open()
        await at.answer("oncologist", "in_scope", "none", "tch", "progression")
        assert await tree(at) == snapshot(extension_class=Transcript)


async def test_tree_of_an_answer(browser: Browser, service: Service, snapshot: SnapshotAssertion) -> None:
    """What a screen reader is given of an answer changes, and nobody sees it."""
    async with visit(browser, service) as at:
        await at.open()
        await at.answer(
            "oncologist", "in_scope", "none", "done", "none", "none", "negative", "available", "none", "confirm"
        )
        assert await tree(at) == snapshot(extension_class=Transcript)


async def tree(at: Visit) -> str:
    """The page's accessibility tree, without what another version of the knowledge would change everywhere."""
    found = await at.page.locator("body").aria_snapshot()
    return re.sub(r"sha256:[0-9a-f]+|(?<=Record )[0-9a-f-]+", "(hash)", found) + "\n"
