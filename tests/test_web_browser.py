"""The web chat in a real browser: with a mouse, by keyboard alone, without a script, through restarts and in two tabs.

Throughout: nothing is asked of another site, the policy refuses nothing, no page is wider than its window.
"""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path

import pytest
from playwright.async_api import Browser, Locator, Route, expect

from messages.render import disclaimer
from tests.browser import Service, Visit, a_browser, a_service, visit  # noqa: F401  (fixtures)

pytestmark = pytest.mark.asyncio(loop_scope="session")

CASE = (
    "oncologist", "in_scope", "none", "tch", "progression", "done", "none", "active", "absent", "progressing",
    "negative", "unavailable", "lvef+hepatic_impairment", "moderate", "confirm",
)  # fmt: skip
"""A case with a line, boxes and a follow-up, to its answer."""
SHORT = (
    "oncologist",
    "in_scope",
    "none",
    "tch",
    "progression",
    "done",
    "none",
    "none",
    "negative",
    "available",
    "none",
)
"""A case up to its review."""
TURNS = [
    "role:oncologist", "gate:in_scope", "red_flags:none", "prior_lines:tch", "line_outcome:progression",
    "prior_lines:done", "early_stage_agents:none", "brain_metastases:active", "leptomeningeal:absent",
    "extracranial_disease:progressing", "hr_status:negative", "tdxd_access:unavailable",
    "safety:lvef+hepatic_impairment", "hepatic_impairment:moderate", "review:confirm",
]  # fmt: skip
"""What stands in the log of CASE."""


@pytest.mark.parametrize("width", [320, 390, 1280])
async def test_a_consult_with_the_mouse(browser: Browser, service: Service, width: int) -> None:
    """On a narrow phone, a phone and a desk something could not be pressed, or had to be scrolled sideways."""
    async with visit(browser, service, width=width) as at:
        await at.open()
        await at.answer(*CASE)
        assert service.turns() == TURNS
        assert await at.here() == "answer"
        await expect(at.page).to_have_title(re.compile("^Options for the next line.* - Case 1 - "))
        await at.open_all()
        await at.fits()


async def test_without_javascript(browser: Browser, service: Service) -> None:
    """A browser that runs no script could not consult: a list, boxes, an earlier answer, something typed."""
    async with visit(browser, service, width=390, scripted=False) as at:
        await at.open()
        await at.answer(*CASE[:5], "t_dm1", "toxicity")
        await at.on_line(1, "toxicity")
        await at.on_line(2, "remove")
        await at.type("no such words")
        await expect(at.page.locator(".notice")).to_contain_text("I could not match that")
        await at.answer(*CASE[5:])
        assert await at.here() == "answer"
        assert service.turns() == [
            *TURNS[:5], "prior_lines:t_dm1", "line_outcome:toxicity", "prior_lines:line_1_toxicity",
            "prior_lines:line_2_remove", *TURNS[5:],
        ]  # fmt: skip
        await at.click(at.link("/at/brain_metastases"))
        await at.click("brain_metastases:none")
        assert await at.here() == "review"
        assert service.turns()[-2:] == ["/edit brain_metastases", "brain_metastases:none"]
        await at.answer("confirm")
        await at.page.locator("summary", has_text="Summary as text").click()
        await expect(at.page.get_by_label("Summary to copy")).to_have_value(re.compile("Not for patients"))


# By keyboard alone

_FOCUS = """(target) => {
  const at = document.activeElement;
  const [style, box] = [getComputedStyle(at), at.getClientRects()[0] ?? new DOMRect()];
  const over = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
  return {
    there: at === target,
    name: at.outerHTML.slice(0, 200),
    marked: at.matches(":focus-visible") && style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2,
    seen: box.width > 1 && box.height > 1 && over !== null && at.contains(over),
  };
}"""


async def tab_to(at: Visit, target: Locator, key: str = "Tab") -> None:
    """Go there with Tab; wherever the focus is on the way, it is marked, and nothing hides it."""
    element = await target.element_handle()
    for _ in range(60):
        await at.page.keyboard.press(key)
        focus = await at.page.evaluate(_FOCUS, element)
        assert focus["marked"], focus
        assert focus["seen"], focus
        if focus["there"]:
            return
    raise AssertionError(f"{key} does not lead to {target}")


async def by_key(at: Visit, target: Locator, key: str = "Enter") -> None:
    """Go to something with Tab, press it, and wait for the page it leads to."""
    before = await at.token()
    await tab_to(at, target)
    await at.page.keyboard.press(key)
    await at.turned(before)


async def test_by_keyboard_alone(browser: Browser, service: Service) -> None:
    """Somebody without a mouse could not reach something, or could not see where they are."""
    async with visit(browser, service, width=390) as at:
        keyboard = at.page.keyboard
        await at.open()
        await keyboard.press("Tab")
        await expect(at.page.get_by_role("link", name="Skip to the question")).to_be_in_viewport()
        await keyboard.press("Enter")
        await by_key(at, at.button("role:oncologist"))
        await by_key(at, at.button("gate:in_scope"), "Space")
        await tab_to(at, at.box("acute_dyspnoea"))
        await keyboard.press("Space")
        await tab_to(at, at.box("cord_compression"), "Shift+Tab")
        await keyboard.press("Space")
        await keyboard.press("Space")  # ticked, and no longer
        await tab_to(at, at.box("acute_dyspnoea"))
        await keyboard.press("Space")
        await by_key(at, at.button("red_flags:none"))
        await tab_to(at, at.page.locator("#text"))
        await at.type_here("TCH")
        await by_key(at, at.button("line_outcome:progression"))
        await tab_to(at, at.page.locator(".entered summary"))
        await keyboard.press("Enter")
        await by_key(at, at.button("prior_lines:line_1_toxicity"))
        await by_key(at, at.button("prior_lines:done"))
        await tab_to(at, at.link("/at/gate"), "Shift+Tab")
        before = await at.token()
        await keyboard.press("Enter")
        await at.turned(before)
        await by_key(at, at.page.get_by_role("link", name="Leave it as it is"))
        for said in ("early_stage_agents:none", "brain_metastases:none", "hr_status:negative", "tdxd_access:available"):
            await by_key(at, at.button(said))
        await by_key(at, at.button("safety:none"))
        await by_key(at, at.button("review:confirm"))
        assert await at.here() == "answer"
        assert service.turns() == [
            "role:oncologist", "gate:in_scope", "red_flags:none", "prior_lines:tch", "line_outcome:progression",
            "prior_lines:line_1_toxicity", "prior_lines:done", "early_stage_agents:none", "brain_metastases:none",
            "hr_status:negative", "tdxd_access:available", "safety:none", "review:confirm",
        ]  # fmt: skip
        await tab_to(at, at.page.locator("summary").first)
        await keyboard.press("Enter")
        await expect(at.page.locator("details").first).to_have_attribute("open", "")
        await by_key(at, at.page.locator("#a-change a.go").first)
        await expect(at.page.locator("table.compared tbody tr").first).to_be_visible()
        assert "/show/whatif/brain_metastases=" in at.page.url  # it can be reloaded, and gone back to
        await tab_to(at, at.page.get_by_role("link", name="Return to the answer"), "Shift+Tab")
        await keyboard.press("Enter")
        await expect(at.page.locator("table.compared")).to_have_count(0)
        await by_key(at, at.page.locator("#a-change a.edit").first)
        assert await at.here() != "answer"


async def test_enter_sends_the_text(browser: Browser, service: Service) -> None:
    """Enter in the text box pressed the first quick reply instead, or an empty box sent something."""
    async with visit(browser, service) as at:
        await at.open()
        await at.page.locator("#text").press("Enter")  # empty: the browser says that something is needed
        await at.type("trainee")
        await at.type("her2 low")
        assert service.turns() == ["role:trainee", "gate:her2_low"]


# What is typed


async def test_typed_answers(browser: Browser, service: Service) -> None:
    """Words were guessed at instead of asked back, or what looks like a name stayed on the page."""
    async with visit(browser, service, width=390) as at:
        await at.open()
        await at.answer("oncologist", "in_scope", "none")
        await at.type("Kadcila")
        notice = at.page.locator(".notice")
        await expect(notice).to_contain_text("Did you mean one of these?")
        assert await notice.get_by_role("button").all_inner_texts() == ["T-DM1"]
        await at.click(notice.get_by_role("button"))
        assert await at.here() == "line_outcome"
        await at.type("progression")
        await at.type("tch, Mrs Smith")
        await expect(at.page.locator(".notice")).to_contain_text("looks like")
        assert "Smith" not in await at.page.content()
        assert "Smith" not in at.page.url
        await at.type("/help")
        await expect(at.page.get_by_role("heading", name="Help")).to_be_visible()
        assert service.turns()[3:] == ["prior_lines:t_dm1", "line_outcome:progression"]


@pytest.mark.parametrize("scripted", [True, False], ids=["script", "no script"])
async def test_a_whole_case_is_typed(browser: Browser, service: Service, scripted: bool) -> None:
    """A case could not be typed in the first box, on several lines, or was not shown as it was understood."""
    async with visit(browser, service, width=390, scripted=scripted) as at:
        await at.open()
        box = at.page.locator("#text")
        low = (await box.bounding_box() or {})["height"]
        await box.fill("HER2 3+ MBC" + "\nT-DM1 PD" * 5)
        if scripted:
            await box.press("Shift+Enter")
        assert (await box.bounding_box() or {})["height"] > low
        assert service.turns() == []
        await box.fill("x" * 2_001)
        await box.focus()
        await at.type_here("")
        await expect(at.page.locator(".notice")).to_contain_text("too long")
        assert await box.input_value() == ("x" * 2_001 if scripted else "")  # nothing of it was cut off, nor is it lost
        await box.fill("HER2 3+ MBC\nT-DM1 PD\nER negative")
        await box.focus()
        await at.type_here("")
        assert await at.page.locator("dl q").all_inner_texts() == ["HER2 3+", "MBC", "T-DM1", "ER negative"]
        assert "T-DM1" not in at.page.url
        await at.click("understood:accept")
        await at.answer("oncologist")
        assert await at.here() == "red_flags"
        await at.type("ER positive")
        assert await at.here() == "red_flags"
        await expect(at.page.locator(".taken")).to_contain_text("positive (was negative)")
        await at.click("understood:undo")
        assert service.turns()[-1] == "understood:undo"
        assert await box.input_value() == ""


async def test_lines_are_a_list(browser: Browser, service: Service) -> None:
    """A line of therapy could not be corrected where it stands: the one in the middle, or why it stopped."""
    async with visit(browser, service) as at:
        await at.open()
        await at.answer(*SHORT[:3], "thp", "progression", "t_dxd", "progression", "t_dm1", "toxicity")
        await at.on_line(3, "ongoing")
        await expect(at.page.locator(".entered > li").nth(2).locator("summary")).to_contain_text("Still ongoing")
        await at.on_line(2, "remove")
        await at.on_line(2, "earlier")
        agents = await at.page.locator(".entered .agents").all_inner_texts()
        assert agents == ["T-DM1", "A taxane + trastuzumab + pertuzumab"]
        changes = ["prior_lines:line_3_ongoing", "prior_lines:line_2_remove", "prior_lines:line_2_earlier"]
        assert service.turns()[-3:] == changes


# Earlier answers


async def test_an_earlier_answer(browser: Browser, service: Service) -> None:
    """Looking at an earlier answer changed something, it could not be changed, or what follows from it was lost."""
    async with visit(browser, service) as at:
        await at.open()
        await at.answer(*SHORT)
        await at.click(at.link("/at/hr_status"))
        await expect(at.page.locator(".asked .note")).to_contain_text("You are changing an earlier answer.")
        await at.click(at.page.get_by_role("link", name="Leave it as it is"))
        assert await at.here() == "review"
        assert len(service.turns()) == len(SHORT)
        await at.click(at.link("/at/brain_metastases"))
        await at.answer("stable")
        assert service.turns()[-2:] == ["/edit brain_metastases", "brain_metastases:stable"]
        await at.answer("absent", "confirm")
        await at.click(at.page.locator('#a-change a[href*="/at/tdxd_access"]'))
        assert await at.here() == "tdxd_access"
        await at.answer("unavailable")
        assert await at.here() == "review"


async def test_boxes_of_an_earlier_answer(browser: Browser, service: Service) -> None:
    """Boxes ticked before stood empty when the question was opened again."""
    async with visit(browser, service) as at:
        await at.open()
        await at.answer(*SHORT[:-1], "lvef+hepatic_impairment")
        await at.click(at.link("/at/safety"))
        assert await at.here() == "safety"
        ticked = at.page.locator('input[name="option"]:checked')
        assert await ticked.evaluate_all("boxes => boxes.map((box) => box.value)") == ["lvef", "hepatic_impairment"]


@pytest.mark.parametrize("scripted", [True, False], ids=["script", "no script"])
async def test_back_and_forward_of_the_browser(browser: Browser, service: Service, scripted: bool) -> None:
    """The browser's own buttons left the chat, or they, or a reload, took an answer once more."""
    async with visit(browser, service, scripted=scripted) as at:
        await at.open()
        await at.answer("oncologist", "in_scope", "none", "done")
        taken = service.turns()
        for name in ("prior_lines", "red_flags", "gate"):
            await at.page.go_back()
            await at.shows(name)
            await at.page.reload()
            await at.shows(name)
        if scripted:  # without, the first address is wherever the case stands
            await at.page.go_back()
            await at.shows("role")
            await at.page.go_forward()
            await at.shows("gate")
        for name in ("red_flags", "prior_lines", "early_stage_agents"):
            await at.page.go_forward()
            await at.shows(name)
        for name in ("prior_lines", "red_flags"):
            await at.page.go_back()
            await at.shows(name)
        assert service.turns() == taken
        await at.answer("none")  # the same answer once more: what follows from it still holds
        assert await at.here() == "early_stage_agents"
        await at.type("no such words")
        await at.page.reload()
        await at.shows("early_stage_agents")
        assert service.turns() == [*taken, "/edit red_flags", "red_flags:none"]


# Trouble


async def test_a_double_click_is_one_press(browser: Browser, service: Service) -> None:
    """The second click of a double one was taken as the answer to the next question."""
    async with visit(browser, service) as at:
        await at.open()
        before = await at.token()
        await at.button("role:oncologist").dblclick()
        await at.turned(before)
        assert service.turns() == ["role:oncologist"]
        await at.button("gate:in_scope").hover()
        await at.page.mouse.down(click_count=2)  # the first click was on the question before
        await at.page.mouse.up(click_count=2)
        await at.answer("her2_low")
        assert service.turns() == ["role:oncologist", "gate:her2_low"]


async def test_a_restart_in_the_middle(browser: Browser, service: Service) -> None:
    """After a restart the page was lost, or the next press on it was."""
    async with visit(browser, service) as at:
        await at.open()
        await at.answer(*SHORT[:4])
        await service.restart()
        await at.answer("progression", "done")
        await service.restart()
        await at.page.reload()
        assert await at.here() == "early_stage_agents"
        assert service.turns() == TURNS[:6]


async def test_while_the_service_is_down(browser: Browser, service: Service) -> None:
    """A press that did not arrive was lost without a word, took the page with it, or counted twice once repeated."""
    async with visit(browser, service) as at:
        await at.open()
        await at.answer(*SHORT[:2])
        await at.box("neutropenic_sepsis").check()
        await service.stop()
        status = at.page.get_by_role("status")
        done = at.page.get_by_role("button", name="Done")
        await done.click()
        await expect(status).to_contain_text("nothing is counted twice")
        at.expect("ERR_CONNECTION_REFUSED")
        assert await at.here() == "red_flags"
        await expect(at.box("neutropenic_sepsis")).to_be_checked()
        assert not await at.page.evaluate("document.activeElement === document.body")
        await service.start()
        await at.click(done)
        await expect(status).to_be_empty()
        assert service.turns() == [*TURNS[:2], "red_flags:neutropenic_sepsis"]


async def test_a_reply_that_is_lost(browser: Browser, service: Service) -> None:
    """A turn was taken and its page lost on the way: pressed again, it was counted twice."""
    async with visit(browser, service) as at:

        async def lose(route: Route) -> None:
            await route.fetch()
            await route.abort("connectionreset")

        await at.open()
        await at.page.route("**/case/1", lose, times=1)
        await at.button("role:oncologist").click()
        await expect(at.page.get_by_role("status")).to_contain_text("nothing is counted twice")
        at.expect("ERR_CONNECTION_RESET")
        assert service.turns() == TURNS[:1]
        await at.click("role:oncologist")
        assert await at.here() == "gate"
        assert service.turns() == TURNS[:1]


async def test_a_slow_service(browser: Browser, service: Service) -> None:
    """While a turn took long nothing said so, or a second press sent it again."""
    async with visit(browser, service) as at:
        held = asyncio.Event()

        async def hold(route: Route) -> None:
            await held.wait()
            await route.continue_()

        await at.open()
        await at.page.route("**/case/1", hold)
        before = await at.token()
        await at.button("role:oncologist").click()
        await expect(at.page.get_by_role("status")).to_contain_text("Sending")
        await at.button("role:trainee").click()
        held.set()
        await at.turned(before)
        await expect(at.page.get_by_role("status")).to_be_empty()
        assert service.turns() == TURNS[:1]
        assert [asked.method for asked in at.requests].count("POST") == 1


async def test_the_same_case_in_two_tabs(browser: Browser, service: Service) -> None:
    """A tab that is behind answered another question than the one it shows, or could not go on."""
    async with visit(browser, service) as at:
        await at.open()
        await at.answer("oncologist")
        behind = at.in_tab(await at.context.new_page())
        await behind.open()
        assert await behind.here() == "gate"
        await at.answer("in_scope", "none")
        await behind.click("gate:her2_low")
        await expect(behind.page.locator(".notice")).to_contain_text("nothing was changed")
        assert service.turns() == TURNS[:3]
        await behind.answer("tch")
        assert service.turns() == TURNS[:4]


async def test_a_tab_that_is_looked_at_again(browser: Browser, service: Service) -> None:
    """A tab that was out of sight shows an answer to a case that another tab has changed since."""
    async with visit(browser, service) as at:
        await at.open()
        await at.answer("oncologist")
        other = at.in_tab(await at.context.new_page())
        await other.open()
        await other.answer("in_scope", "none")
        looked_at = "document.dispatchEvent(new Event('visibilitychange'))"
        await at.page.evaluate(looked_at)
        await at.shows("prior_lines")
        await expect(at.page.get_by_role("status")).to_contain_text("went on in another tab")
        await expect(at.page).to_have_url(re.compile("/at/prior_lines$"))
        await at.answer("tch")
        await at.click(at.link("/at/gate"))
        await at.page.evaluate(looked_at)  # nothing went on elsewhere: what is looked at stays
        await at.page.wait_for_load_state("networkidle")
        await at.shows("gate")
        await expect(at.page.get_by_role("status")).to_be_empty()
        assert service.turns() == TURNS[:4]


async def test_cases_side_by_side(browser: Browser, service: Service) -> None:
    """Two cases of one browser ran into one another, or one could not be found again."""
    async with visit(browser, service) as at:
        await at.open()
        await at.answer("oncologist", "in_scope")
        other = at.in_tab(await at.context.new_page())
        await other.open()
        await other.page.get_by_role("button", name="Another case beside this one").click()
        await expect(other.page).to_have_url(re.compile("/case/2/at/role$"))
        await other.answer("trainee")
        await at.answer("none")
        await other.answer("her2_low")
        assert sorted(service.turns()) == sorted([*TURNS[:3], "role:trainee", "gate:her2_low"])
        await at.page.reload()
        await at.click(at.page.get_by_role("link", name="Case 2"))
        assert await at.here() == "answer"
        await expect(at.page).to_have_title(re.compile("^Out of scope.* - Case 2 - "))


async def test_a_new_case(browser: Browser, service: Service) -> None:
    """The next patient's case began with something of the one before."""
    async with visit(browser, service) as at:
        await at.open()
        await at.answer("oncologist", "her2_low")
        await at.page.get_by_role("button", name="New case beside this one").click()
        await at.shows("role")
        await expect(at.page.locator(".answered")).to_have_count(0)
        await expect(at.page).to_have_url(re.compile("/case/2/at/role$"))
        await at.answer("trainee")
        await at.type("/restart")  # in the place of this one
        assert await at.here() == "role"
        await expect(at.page.locator(".answered")).to_have_count(0)


async def test_a_session_that_is_gone(browser: Browser, service: Service) -> None:
    """Where the cookie was deleted, a press failed without a word, or there was no way on."""
    async with visit(browser, service) as at:
        await at.open()
        await at.answer("oncologist")
        await at.context.clear_cookies()
        await at.button("gate:in_scope").click()
        await expect(at.page.get_by_text("This page was opened too long ago")).to_be_visible()
        await expect(at.page.get_by_role("heading", name="That could not be done")).to_be_focused()
        at.expect("403")
        await at.page.get_by_role("link", name="Go on").click()
        await at.shows("role")
        await at.answer("trainee")
        assert sorted(service.turns()) == ["role:oncologist", "role:trainee"]


# Erasing


async def test_forget_one_case(browser: Browser, service: Service) -> None:
    """A case stayed although it was to be erased, another was erased with it, or Back brought it to light again."""
    async with visit(browser, service) as at:
        await at.open()
        await at.answer("oncologist", "in_scope")
        await at.page.get_by_role("button", name="Another case beside this one").click()
        await at.shows("role")
        await at.answer("trainee")
        await at.page.get_by_role("link", name="Forget").click()
        await at.page.get_by_role("button", name="Erase this case (2)").click()
        await expect(at.page.get_by_role("status")).to_have_text("Everything kept of it was erased.")
        assert service.turns() == TURNS[:2]
        for _ in range(2):
            await at.page.go_back()
        await at.shows("role")
        await at.answer("pharmacist_or_nurse")
        assert sorted(service.turns()) == sorted([*TURNS[:2], "role:pharmacist_or_nurse"])


async def test_forget_everything(browser: Browser, service: Service) -> None:
    """Something was left of the browser's cases, or another tab still showed one and could go on with it."""
    async with visit(browser, service) as at:
        await at.open()
        await at.answer("oncologist", "in_scope")
        other = at.in_tab(await at.context.new_page())
        await other.open("/case/1/forget")
        named = await at.context.cookies()
        await other.page.get_by_role("button", name="Erase all cases of this browser").click()
        await expect(other.page.get_by_role("status")).to_contain_text("Everything kept of all cases")
        assert service.turns() == []
        assert await at.context.cookies() != named
        await at.button("red_flags:none").click()
        await expect(at.page.get_by_text("This page was opened too long ago")).to_be_visible()
        at.expect("403")
        await other.page.get_by_role("link", name="New case").click()
        await other.shows("role")


# Taking the answer along


async def test_copy_print_and_save(browser: Browser, service: Service) -> None:
    """The answer could not be taken along, or what was taken lacked the disclaimer or the record's id."""
    async with visit(browser, service, accept_downloads=True) as at:
        await at.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=service.origin)
        await at.context.add_init_script("window.print = () => { document.documentElement.dataset.printed = 'yes'; }")
        await at.open()
        await at.answer(*SHORT, "confirm")
        await at.page.get_by_role("button", name="Copy the summary").click()
        await expect(at.page.get_by_role("status")).to_have_text("Copied.")
        copied = await at.page.evaluate("navigator.clipboard.readText()")
        assert disclaimer() in copied
        shown = await at.page.locator(".answer footer .small").text_content() or ""
        record = re.search(r"Record ([0-9a-f-]+)", shown)
        assert record is not None
        assert record[0] in copied
        await at.page.get_by_role("button", name="Print one page").click()
        await expect(at.page.locator("html")).to_have_attribute("data-printed", "yes")
        for label, begins in (("PDF", b"%PDF-"), ("HTML", b"<!doctype html>"), ("JSON", b"{"), ("FHIR", b"{")):
            async with at.page.expect_download() as download:
                await at.page.locator("#a-take").get_by_role("link", name=label, exact=True).click()
            saved = Path(await (await download.value).path()).read_bytes()  # noqa: ASYNC240
            assert saved.startswith(begins), label
            assert len(saved) > 1000, label
            if begins == b"{":
                json.loads(saved)
        assert await at.here() == "answer"


async def test_a_clipboard_that_is_refused(browser: Browser, service: Service) -> None:
    """Where a browser refuses the clipboard, the summary was out of reach."""
    async with visit(browser, service) as at:
        await at.context.add_init_script("navigator.clipboard.writeText = () => Promise.reject(new Error('refused'));")
        await at.open()
        await at.answer("oncologist", "her2_low")
        await at.page.get_by_role("button", name="Copy the summary").click()
        await expect(at.page.get_by_role("status")).to_contain_text("select the text instead")
        summary = at.page.get_by_label("Summary to copy")
        await expect(summary).to_be_focused()
        assert await summary.evaluate("text => text.selectionEnd - text.selectionStart") > 100


async def test_what_is_printed(browser: Browser, service: Service) -> None:
    """On paper stood buttons, or the answer was missing."""
    async with visit(browser, service) as at:
        await at.open()
        await at.answer(*SHORT, "confirm")
        await at.page.emulate_media(media="print")
        await expect(at.page.locator(".board")).to_be_visible()
        assert await at.page.locator("button:visible, a:visible, input:visible, header.top:visible").count() == 0


# Loading


async def test_the_first_load(browser: Browser, service: Service) -> None:
    """The first page took long on a slow line: too many bytes or requests, or it waited for another site."""
    async with visit(browser, service) as at:
        session = await at.context.new_cdp_session(at.page)
        sizes: list[float] = []
        session.on("Network.loadingFinished", lambda event: sizes.append(event["encodedDataLength"]))
        await session.send("Network.enable")
        await at.open()
        await at.page.wait_for_load_state("networkidle")
        print(f"first load: {len(at.requests)} requests, {sum(sizes) / 1000:.1f} kB")
        assert len(at.requests) <= 5
        assert sum(sizes) < 60_000
        sizes.clear()
        at.requests.clear()
        await at.answer("oncologist")
        assert [asked.method for asked in at.requests if "icon" not in asked.url] == ["POST"]
        assert sum(sizes) < 10_000
