"""What is printed of an answer: one page for a tumour board, whatever the case; and the card on narrow screens."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from functools import cache
from io import BytesIO
from typing import Any

import pytest
import pytest_asyncio
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page
from pypdf import PdfReader

from bot.channels.web.pages import STATIC
from flows.profile import AGENTS, MOST_LINES, OPTIONS
from messages.render import disclaimer
from tests.browser import a_browser  # noqa: F401  (fixture)
from tests.test_card import FILES, Case, case_of, flat, profiles

pytestmark = pytest.mark.asyncio(loop_scope="session")
LEAST = 8.0
"""Points that the smallest print has."""
LONGEST = (
    "brain-only-progression-on-second-line-t-dxd", "active-extracranial-not-known", "brain-not-known",
    "abemaciclib-and-fulvestrant-used", "stable-after-t-dxd", "t-dxd-declined-eu", "relapse-at-13-months",
)  # fmt: skip
"""Rows of tests/profiles with the most options, steps, cautions and exclusions, and one of middling length."""
EVERYTHING: dict[str, Any] = {
    "her2_status": "positive", "setting": "metastatic", "red_flags": [], "performance_status": "ecog_0_2",
    "prior_lines": [{"agents": list(AGENTS[:12]), "outcome": "unknown"}] * MOST_LINES,
    "early_stage_agents": list(AGENTS),
    **dict.fromkeys(("brain_metastases", "hr_status", "tdxd_access", "ild_history", "lvef", "hepatic_impairment",
                     "renal_impairment", "dpd_deficiency", "platelets", "chemotherapy", "region"), "unknown"),
    "pregnancy": "absent", "interacting_medicines": list(OPTIONS["interacting_medicines"][:4]),
}  # fmt: skip
"""More than any patient: as many lines and agents as a profile holds, and nothing else known."""


@cache
def to_print() -> tuple[Case, ...]:
    """Every example, the longest of the profiles, and one that holds all a profile can."""
    chosen = [entry for file in FILES for entry in profiles(file) if file == FILES[0] or entry[0] in LONGEST]
    assert len(chosen) == 15 + len(LONGEST)
    return tuple(case_of(*entry, None) for entry in (*chosen, ("everything", EVERYTHING, None)))


def document(case: Case, scheme: str = "light") -> str:
    """The answer in a page, with the styles of the chat and its own."""
    styles = "".join((STATIC / name).read_text("utf-8") for name in ("chat.css", "answer.css"))
    return (
        f'<!doctype html><html lang="en" data-scheme="{scheme}"><head><meta name="viewport" '
        f'content="width=device-width, initial-scale=1"><title>{case.name}</title><style>{styles}</style></head>'
        f'<body><header class="top screen-only"><h1>Chat</h1></header><main>{case.html}</main></body></html>'
    )


@pytest_asyncio.fixture(loop_scope="session")
async def page(browser: Browser) -> AsyncIterator[Page]:
    """A page with nothing on it."""
    found = await browser.new_page()
    yield found
    await found.close()


async def test_every_case_prints_on_one_page(page: Page) -> None:
    """S13, S23: were it to fail, a tumour board sees half an answer, or one without its limits or its record."""
    for case in to_print():
        await page.set_content(document(case))
        for paper in ("A4", "Letter")[: 2 if case.card.board.density == "tight" else 1]:
            printed = PdfReader(BytesIO(await page.pdf(format=paper)))
            assert len(printed.pages) == 1, f"{case.name}: {paper}: {len(printed.pages)} pages"
        text = flat(printed.pages[0].extract_text())
        for wanted in (disclaimer(), case.advice.record_id, "Draft: not clinically reviewed", case.card.printed_title):
            assert flat(wanted) in text, f"{case.name}: {wanted}"
        assert "Copy, print, save" not in text, f"{case.name}: the screen's part is printed too"
        for option in case.card.options:
            assert f"{option.rank}. {option.name}, {option.tier_label}" in text, f"{case.name}: {option.name}"
        for step in case.card.steps:
            assert step.name in text, f"{case.name}: {step.name}"
        for reason in case.card.reasons:
            assert flat(reason.text) in text, f"{case.name}: {reason.text}"


async def test_what_the_page_has_no_room_for_is_counted() -> None:
    """S11, S14: were it to fail, a printed list ends without saying that it goes on."""
    cut = 0
    for case in to_print():
        board, shown = case.card.board, case.card
        own = {condition for option in shown.options for condition in option.assumes}
        cautions = {one.text for option in shown.options for one in option.foremost}
        for part, said, wanted in (
            ("also assumed", board.assumptions, [one.text for one in shown.assumptions if one.text not in own]),
            ("not known", board.unknowns, [entry.label for entry in shown.unknowns]),
            ("excluded", board.excluded, [name for entry in shown.excluded for name in entry.names]),
            ("cautions", " ".join(board.cautions), list(cautions)),
            ("what would change", " ".join(board.changes), [entry.effect for entry in shown.would_change]),
        ):
            missing = [text for text in wanted if text not in said]
            assert not missing or "more in the whole answer" in said or part in board.left_out, f"{case.name}: {part}"
            cut += bool(missing)
        assert len(board.options) == len(shown.options), case.name
        assert [option.cautioned for option in board.options] == [bool(option.foremost) for option in shown.options]
    assert cut, "no case is long enough to show it"


async def test_conditions_are_printed_with_their_options() -> None:
    """S11: were it to fail, two options that exclude each other stand on paper as neighbours without a condition."""
    alone = lettered = 0
    for case in to_print():
        board, shown = case.card.board, case.card
        letters = dict(re.findall(r"\((\w)\) (.+?)(?=; \(\w\) |$)", board.lettered))
        for printed, option in zip(board.options, shown.options, strict=True):
            for condition in option.assumes:
                if condition in printed.holds_if:
                    alone += 1
                elif condition not in board.holds_if:
                    (letter,) = [letter for letter, said in letters.items() if said == condition]
                    assert f"({letter})" in printed.holds_if, f"{case.name}: {option.name}: {condition}"
                    question = {one.text: one.question for one in shown.assumptions}[condition]
                    assert question == "safety", f"{condition} decides between options and is only a letter"
                    lettered += 1
        count = len(shown.assumptions)
        assert ("under" in shown.printed_title and str(count) in shown.printed_title) == bool(count and shown.options)
        named = {*(label for label, _ in board.inputs), *board.not_known.split("; "),
                 *(one.partition(":")[0] for one in board.noted)}  # fmt: skip
        assert {line.label for line in shown.inputs if line.kind != "usual"} <= named, case.name
    assert alone > 20
    assert lettered > 20


async def test_what_there_is_room_for_is_printed() -> None:
    """Were it to fail: half of a page is empty while why an option is extrapolated stands only on the screen."""
    case = case_of(*next(entry for entry in profiles(FILES[0]) if entry[0] == "ex-02"), None)
    for printed, option in zip(case.card.board.options, case.card.options, strict=True):
        notes = dict(printed.notes)
        assert notes.get("Not met", "") == ("; ".join(option.fit.unmet) if option.fit else "")
        assert ("US boxed warning" in notes) == bool(option.warned)
        assert {f"Authorised, {one.region}" for one in option.authorised} <= notes.keys()
    assert len(case.card.board.lines) > 1


async def test_no_caution_on_an_organ_gives_way() -> None:
    """S20: were it to fail, the page with the least room leaves out what matters most for this patient."""
    worst = {**EVERYTHING, "prior_lines": [{"agents": ["taxane", "trastuzumab", "pertuzumab"], "outcome": "unknown"}],
             "early_stage_agents": "unknown", "red_flags": "unknown", "lvef": "reduced", "ild_history": "present",
             "hepatic_impairment": "moderate", "interacting_medicines": ["warfarin"]}  # fmt: skip
    case = case_of("worst", worst, None, None)
    printed = " ".join(case.card.board.cautions)
    organs = {one.text for option in case.card.options for one in option.foremost if one.organs and not one.open}
    assert len(organs) > 5
    assert [text for text in organs if text not in printed] == []


async def test_the_print_can_be_read(page: Page) -> None:
    """Were it to fail: the print is too small to read across a table, or grey on white."""
    await page.emulate_media(media="print")
    densities = set()
    for case in to_print():
        if case.card.board.density in densities:
            continue
        densities.add(case.card.board.density)
        await page.set_content(document(case, "dark"))
        sizes, colours = await page.evaluate(
            """() => { const all = [...document.querySelectorAll('.board *')].map(one => getComputedStyle(one));
            return [all.map(one => parseFloat(one.fontSize)), [...new Set(all.map(one => one.color))]]; }"""
        )
        assert min(sizes) * 0.75 >= LEAST, f"{case.name}: {min(sizes) * 0.75} pt"
        assert colours == ["rgb(0, 0, 0)"], case.name
    assert densities == {"wide", "medium", "tight"}


@pytest.mark.parametrize(("width", "scheme"), [(320, "dark"), (1280, "light")])
async def test_the_card_fits_and_is_accessible(page: Page, width: int, scheme: str) -> None:
    """S34: were it to fail, a phone scrolls sideways, or somebody cannot see, name or reach a part of the answer."""
    wanted = "first-line-hr-negative-without-chemotherapy"
    case = next(case_of(*entry, "trainee") for file in FILES for entry in profiles(file) if entry[0] == wanted)
    await page.set_viewport_size({"width": width, "height": 800})
    await page.set_content(document(case, scheme))
    await page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true; })")
    await page.evaluate("document.querySelectorAll('[hidden]').forEach(one => { one.hidden = false; })")
    assert await page.evaluate("document.documentElement.scrollWidth") == width
    found = await Axe().run(page, options={"resultTypes": ["violations"]})
    assert found.violations_count == 0, found.generate_report()
    small = await page.evaluate(
        """() => [...document.querySelectorAll('.answer summary, .answer .go')].filter(one =>
        one.getBoundingClientRect().height < 44).map(one => one.textContent)"""
    )
    assert small == []


async def test_a_link_to_a_fact_opens_what_holds_it(page: Page) -> None:
    """S10: were it to fail, the second tap on the way to a basis leads nowhere."""
    case = next(case_of(*entry, None) for entry in profiles(FILES[0]) if entry[0] == "ex-01")
    await page.set_content(document(case))
    await page.locator(".opens details > summary").first.click()
    link = page.locator(".opens details[open] cite a").first
    place = (await link.get_attribute("href") or "").removeprefix("#")
    await link.click()
    assert await page.locator(f"[id='{place}']").is_visible()
