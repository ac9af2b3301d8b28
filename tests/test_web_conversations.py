"""Every scripted conversation in a browser without JavaScript, over HTTP: the same meaning as on the core.

And what a consult looks like on the page: golden files, refreshed with `make generated`, read as a person sees them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion

import bot.channels.web.view
from bot.browsing import Element, Page, WebStage
from bot.channels.replay import START_OF_TIME, Stage, describe, read_script, read_scripts, replay
from bot.channels.web.view import Asked
from bot.plain import wrapped
from flows.dialogue import FINALS
from flows.knowledge.load import Knowledge, shipped
from messages.card import Card, card
from messages.message import Message
from messages.render import disclaimer
from tests.test_transcripts import Transcript, undated

HERE = Path(__file__).parent
SCRIPTS = sorted((HERE / "conversations").rglob("*.yaml"))
CONSULTS = (
    "source_article_question",
    "hepatic_interactions_and_more",
    "edit_on_review_drops_what_no_longer_applies",
    "trouble_double_tap_and_stale_tap",
    "refusal_her2_low",
)
WIDTH = 110


class Watched(WebStage):
    """A stage whose pages are looked at."""

    last: Watched

    def __init__(self, knowledge: Knowledge, folder: Path, clock: datetime) -> None:
        super().__init__(knowledge, folder, clock)
        Watched.last = self
        self.wrong: list[str] = []

    def do(self, verb: str, what: Any) -> list[Message]:
        messages = super().do(verb, what)
        page, state = self.browser.page, self.state
        self.wrong += [f"{verb} {what}: {said}" for said in wrongs(page)]
        answered = any(element["class"].startswith("answer") for element in page.root.all("article"))
        if answered != (state.here in FINALS and state.attested):
            self.wrong.append(f"{verb} {what}: S1: shows {'an' if answered else 'no'} answer at {state.here}")
        if (answered or state.here in FINALS) and disclaimer() not in page.text:
            self.wrong.append(f"{verb} {what}: S13: an answer without the disclaimer")
        return messages


def wrongs(page: Page) -> Iterator[str]:
    """What no page may have: S34, and what a browser or a screen reader would stumble over."""
    elements = list(page.root.all())
    if len(list(page.root.all("h1"))) != 1 or len(list(page.root.all("main"))) != 1 or not page.title:
        yield "has not one title, one first heading and one main part"
    names = Counter(element["id"] for element in elements if element["id"])
    yield from (f"has the id {name} twice" for name, count in names.items() if count > 1)
    for element in elements:
        for attribute, value in element.attributes.items():
            if attribute.startswith("on") or attribute == "style" or value.lower().startswith("javascript:"):
                yield f"has {attribute} on {element.tag}: the policy forbids it"
            if attribute in ("src", "action") and not value.startswith("/"):
                yield f"asks another site: {value}"
            if attribute in ("for", "aria-labelledby", "aria-describedby"):
                yield from (
                    f"{attribute} names {name}, which is not there" for name in value.split() if name not in names
                )
        if element.tag == "script" and element.held:
            yield "has a script written into it: the policy forbids it"
        yield from _link(element, names)
    for form in page.forms:
        sent = [field.name for field in form.of_kind("hidden")]
        if form.method != "post" or "token" not in sent:
            yield f"has a form that others could send: {form.address}"
        yield from (f"has a field without a label: {field.name}" for field in form.fields if not _labelled(field))


def _link(element: Element, names: Counter[str]) -> Iterator[str]:
    at = element["href"]
    if element.tag != "a" or at.startswith("/"):
        return
    if at.startswith("#"):
        if at[1:] not in names:
            yield f"leads nowhere: {at} (S10)"
    elif not at.startswith("https://") or "noreferrer" not in element["rel"]:
        yield f"tells another site where it is read: {at}"


def _labelled(field: Any) -> bool:
    return bool(field.kind == "hidden" or field.label)


@pytest.mark.parametrize("name", [script.stem for script in SCRIPTS])
def test_script(name: str) -> None:
    """S21: were it to fail, a clinician at the page is asked, told or offered something else than elsewhere."""
    path = HERE / "conversations" / f"{name}.yaml"
    for script in read_scripts(str(path)):
        report = replay(str(path), script, shipped(), Watched)
        assert not report.failed, "\n" + describe(report) + "\n" + Watched.last.browser.page.text
        assert Watched.last.wrong == []


@pytest.mark.parametrize(
    ("turn", "reason"),
    [
        ("{user: oncologist, bot: red_flags}", "expected red_flags"),
        ("{user: oncologist, bot: gate, text: [nothing of the kind]}", "is not said"),
        ("{user: /help, bot: role}", "got      help"),
    ],
)
def test_a_script_that_expects_something_else_fails(turn: str, reason: str, tmp_path: Path) -> None:
    """Were it to fail: the page is not looked at, and every script would pass."""
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text(f"title: A script that expects something else\nturns:\n  - {turn}\n")
    assert reason in describe(replay(str(wrong), read_script(str(wrong)), shipped(), WebStage))


def _without_a_button(asked: Asked) -> Asked:
    return asked._replace(buttons=asked.buttons[:-1], choices=asked.choices[:-1])


def _without_words(asked: Asked) -> Asked:
    return asked._replace(blocks=asked.blocks[:-1])


LEFT_OUT: dict[str, Callable[[Card], Card]] = {
    "an option": lambda card: card._replace(options=card.options[:-1]),
    "the order": lambda card: card._replace(options=card.options[::-1]),
    "an exclusion": lambda card: card._replace(excluded=card.excluded[1:]),
    "the disclaimer": lambda card: card._replace(disclaimer="", summary=""),
    "the record": lambda card: card._replace(
        record=card.record._replace(text=""), summary=card.summary.replace(card.record.id, "")
    ),
}


@pytest.mark.parametrize("leave_out", [_without_a_button, _without_words])
def test_what_does_not_stand_on_the_page_was_not_asked(
    leave_out: Callable[[Asked], Asked], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Were it to fail: a page that leaves out an option, or half of a question, passes every script."""
    whole = bot.channels.web.view._asked
    monkeypatch.setattr("bot.channels.web.view._asked", lambda *given: leave_out(whole(*given)))
    path = HERE / "conversations" / "refusal_her2_low.yaml"
    report = replay(str(path), read_script(str(path)), shipped(), WebStage)
    assert [outcome.said for outcome in report.outcomes] == [(), ("declined",)]


@pytest.mark.parametrize("what", LEFT_OUT)
def test_what_does_not_stand_on_the_page_was_not_answered(what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """S5, S13, S23: were it to fail, an answer that leaves this out passes every script."""
    monkeypatch.setattr("bot.channels.web.view.card", lambda *given, **more: LEFT_OUT[what](card(*given, **more)))
    path = HERE / "conversations" / "shared_case.yaml"
    script = read_script(str(path))
    report = replay(str(path), script.model_copy(update={"turns": script.turns[:5]}), shipped(), WebStage)
    assert report.outcomes[-1].expected == ("advice",)
    assert report.outcomes[-1].said == ()


def test_stages_agree_on_what_a_script_ends_in() -> None:
    """S21: were it to fail, the same answers give other options on the page than on the core."""
    path = HERE / "conversations" / "source_article_brain_active.yaml"
    ends = [replay(str(path), read_script(str(path)), shipped(), on).outcomes[-1].advice for on in (Stage, WebStage)]
    assert ends[0] is not None
    assert ends[1] is not None
    assert ends[0].record_id == ends[1].record_id
    assert ends[0].regimens == ends[1].regimens


def looked_at(name: str, folder: Path) -> str:
    """A consult as it goes by on the page: what was done, then the address and all that can be seen there."""
    stage = WebStage(shipped(), folder, START_OF_TIME)
    try:
        parts = ["\n".join(stage.browser.page.lines(stage.browser.page.within("header")))]
        for turn in read_script(str(HERE / "conversations" / f"{name}.yaml")).turns:
            verb, what = turn.action
            stage.do(verb, what)
            page = stage.browser.page
            lines = (line for long in page.lines() for line in wrapped(long, WIDTH, "", "    "))
            parts.append(f"> {'' if verb == 'user' else verb + ' '}{what}\n({page.address})\n" + "\n".join(lines))
    finally:
        stage.close()
    text = "\n\n".join(parts).replace(shipped().digest.removeprefix("sha256:"), "(hash)")
    return undated(re.sub(r"(?i)(record[ =])[0-9a-f]{16}", r"\1(id)", text) + "\n")


@pytest.mark.parametrize("name", CONSULTS)
def test_consult(name: str, snapshot: SnapshotAssertion, tmp_path: Path) -> None:
    """Were it to fail: what a clinician sees on the page changed, and nobody looked."""
    assert looked_at(name, tmp_path) == snapshot(extension_class=Transcript)


def test_nothing_is_left_out_of_what_is_looked_at() -> None:
    """Were it to fail: a page is read wrongly, and what stands on it is compared with nothing."""
    page = Page(
        "/", 200,
        "<main><h2>A <b>title</b></h2><p class='unseen'>read aloud</p><ul><li>one<li2>, two</li2></li></ul>"
        "<details><summary>more</summary><p>folded</p></details>"
        "<details open><summary>now</summary><p>open</p></details>"
        "<form method=post action=/x><label><input type=checkbox name=o value=1 checked> Box</label>"
        "<label for=t>Text</label><input id=t name=text><button name=turn value=v>Press</button></form></main>",
    )  # fmt: skip
    assert page.lines() == [
        "## A title", "- one, two", "+ more", "+ now", "open", "(x) BoxText ______ [ Press ]",
    ]  # fmt: skip
    assert re.search("A title one, two more folded now open", page.text)
    (form,) = page.forms
    assert [field.label for field in form.fields] == ["Box", "Text", "Press"]
    assert form.sent(form.of_kind("button")[0], text="said") == [("o", "1"), ("text", "said"), ("turn", "v")]
    assert form.sent(ticked=()) == [("text", "")]
