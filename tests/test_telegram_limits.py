"""Telegram's limits, over everything the knowledge and the words can bring: listed, not sampled, where it can be."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from html.parser import HTMLParser
from itertools import product
from typing import Any

import pytest

from bot.app import Said, Screen
from bot.channels.telegram.channel import TOAST
from bot.channels.telegram.codec import LONGEST, NotOurs, button_data, prefix_of, tap_of
from bot.channels.telegram.letters import Pressed, Writer, calls_of
from bot.channels.telegram.quotes import Quotes
from bot.channels.telegram.rendering import keyboard_of, legend, packed, pages_of, plain_of, texts_of, units
from bot.entries import data_of, entries, names_in
from bot.standin import parse_html
from bot.wire import from_wire
from flows.dialogue import STATES, State, step
from flows.knowledge.load import shipped
from flows.profile import AGENTS, FIELDS, MOST_LINES, OUTCOMES, Profile
from flows.questionnaire import QUESTIONS, UNDERSTOOD, LineAnswer, Lines, options_now
from flows.sequencing.recommend import recommend
from flows.share import answers_of
from flows.statement import Choice, Statement
from flows.turns import (
    COMMANDS,
    FORMATS,
    NOTICES,
    SECTIONS,
    TOPICS,
    Advise,
    Answer,
    Ask,
    Command,
    Finish,
    Inform,
    Notice,
    Tick,
    Turn,
)
from messages.message import Block, Message
from messages.render import answered_message, disclaimer, notice_message, render, section_message
from messages.understanding import Typed
from messages.words import chat_words, english
from tests.test_profiles import all_rows

WORDS = english(shipped())
CHAT = chat_words()
USER = 4711
WRITER = Writer(WORDS, CHAT, "a_bot_with_the_longest_name_bot1", Quotes())
FAR = Screen(36**8 - 1, 36**3 - 1, 1_999)
"""A conversation after a million million others, in its forty-thousandth case, at its last turn."""


def turns_of_buttons() -> Iterator[Turn]:
    """Every turn a button can carry."""
    for name, question in QUESTIONS.items():
        for option in question.options:
            yield Answer(name, (option,))
            yield Tick(name, option)
            yield Tick(name, option, on=False)
        yield Finish(name)
        yield Command("edit", name)
    for agent, name in product(AGENTS, ("line_agents", "early_stage_agents", "prior_lines")):
        yield Answer(name, (agent,))
    for name in COMMANDS:
        yield Command(name)
    for form in FORMATS:
        yield Command("export", form)
    for section, page in product(SECTIONS, range(1, 100)):
        yield Command(section, str(page))


def test_every_button_fits_and_reads_back() -> None:
    """T2: were it to fail, Telegram refuses a whole message for one button, or the button means something else."""
    turns = list(turns_of_buttons())
    assert len(turns) > 1_000
    for turn, screen in product(turns, (FAR, Screen(0, 1, 0), FAR._replace(sequence=None))):
        data = button_data(turn, prefix_of(screen))
        assert data.isascii()
        assert 1 <= len(data) <= LONGEST
        tap = tap_of(data)
        assert from_wire(tap.wire) == turn
        assert tap.screen in (screen, None)


@pytest.mark.parametrize(
    "data", ["", "1", "2.0.0.0.x:y", "1.!.0.0.x:y", "1.0.0", "active", "1." * 40, "x" * 64, "1.0.0.q.", "\x00"]
)
def test_what_no_button_of_ours_carries_is_refused(data: str) -> None:
    """T2: were it to fail, data made up by somebody is taken for a press, or raises where nobody expects it."""
    try:
        tap = tap_of(data)
    except NotOurs:
        return
    assert tap.screen is not None, "it names a screen, which is then found not to be the current one"


@cache
def check_text(html: str) -> None:
    """What Telegram asks of a text: its length after the tags are out, its tags, its entities."""
    problems: list[str] = []
    plain, entities = parse_html(html, problems)
    assert problems == []
    assert 1 <= units(plain) <= 4096
    assert len(entities) <= 100
    assert plain_of(html) == plain


def check_keys(rows: list[list[dict[str, Any]]]) -> None:
    """What Telegram asks of a keyboard, and what a narrow phone shows of it."""
    assert sum(map(len, rows)) <= 100
    for row in rows:
        assert 1 <= len(row) <= 2
        for key in row:
            assert 1 <= len(key["text"]) <= 34, key["text"]
            assert 1 <= len(key["callback_data"].encode()) <= 64


def whole_profile() -> Profile:
    """A profile with the most that can stand in it."""
    return Profile.model_validate({
        "her2_status": "positive", "setting": "metastatic", "red_flags": [],
        "prior_lines": [{"agents": list(AGENTS), "outcome": "toxicity"}] * MOST_LINES,
        "early_stage_agents": list(AGENTS), "brain_metastases": "symptomatic", "leptomeningeal": "unknown",
        "extracranial_disease": "unknown", "hr_status": "unknown", "tdxd_access": "unknown", "ild_history": "unknown",
        "lvef": "unknown", "hepatic_impairment": "unknown", "renal_impairment": "unknown", "dpd_deficiency": "unknown",
        "platelets": "unknown", "pregnancy": "unknown", "interacting_medicines": "unknown", "chemotherapy": "unknown",
        "performance_status": "unknown", "region": "unknown",
    })  # fmt: skip


def questions() -> Iterator[State]:
    """Every question, with nothing and with the most that can stand in it."""
    whole = whole_profile()
    stated = {name: getattr(whole, name) for name in FIELDS}
    readings = Choice("line_1", ("tucatinib", "lapatinib", "neratinib", "pyrotinib", "+".join(AGENTS[:6])))
    for choices in ((), (readings,)):
        answers = {"role": "trainee", "hr_status": "positive", UNDERSTOOD: Statement(stated, choices)}
        yield State(answers, UNDERSTOOD)
    longest = LineAnswer(AGENTS, None, max(OUTCOMES, key=lambda name: len(WORDS.vocabulary.outcomes[name])))
    for name, question in QUESTIONS.items():
        if name == UNDERSTOOD:
            continue
        for lines in (Lines(), Lines((longest,) * (MOST_LINES - 1))):
            for pending in (None, LineAnswer((), "any"), LineAnswer((), "chemotherapy"), LineAnswer((), "endocrine")):
                entered = replace(lines, lines=(*lines.lines, pending)) if pending else lines
                state = State({"role": "trainee", "prior_lines": entered}, name)
                yield state
                if question.kind == "several":
                    yield replace(state, ticked=options_now(name, state.answers))
    yield State({"role": "trainee", **answers_of(whole)}, "review")


def test_every_question_fits_in_every_form() -> None:
    """T1-T3: were it to fail, some history of treatment cannot be entered on Telegram."""
    seen = set()
    for state in questions():
        message = render(Ask(state.here, state), WORDS)
        seen.add(message.id)
        assert message.asks
        for html in texts_of(legend(message)):
            check_text(html)
        check_keys(keyboard_of(message, prefix_of(FAR)))
        for pressed in (None, Pressed(7, answered=False), Pressed(7, answered=True)):
            turn = Answer(state.here, ("unknown",))
            said = Said([message], turn, state, state, True, FAR)
            letters = WRITER.letters(said, pressed, None, USER)
            assert letters
            assert sum(call.method == "sendMessage" for letter in letters for call in calls_of(letter.payload)) <= 3
    assert seen == set(QUESTIONS)


def test_typed_words_fit_where_their_signs_stood() -> None:
    """T1, S30: were it to fail, a case typed at length is refused, or a typed word stands in the database."""
    said = 'zzcanaryzz <b>\\"\N{PILL}\n' * 130
    for state in (state for state in questions() if state.here in (UNDERSTOOD, "review")):
        sources = {name: (getattr(state.profile, name), said) for name in FIELDS}
        if state.statement is not None:
            sources = {name: (value, said) for name, value in state.statement.values.items()}
        choices = {choice.readings: said for choice in (state.statement.choices if state.statement else ())}
        typed = Typed(sources, choices, (said, said))
        message = render(Ask(state.here, state), WORDS, typed)
        gone = Quotes()
        letters = WRITER.letters(Said([message], Answer("gate", ("in_scope",)), state, state, True, FAR, False, typed),
                                 None, None, USER)  # fmt: skip
        payload = "\n".join(letter.payload for letter in letters)
        assert "zzcanaryzz" not in payload
        calls = [call for call in calls_of(payload) if call.method == "sendMessage"]
        shown = [json.loads(WRITER.quotes.filled(call.parameters))["text"] for call in calls]
        without = [json.loads(gone.filled(call.parameters))["text"] for call in calls]
        assert "zzcanaryzz &lt;b&gt;" in "".join(shown)
        for text in (*shown, *without):
            check_text(text)
            assert not re.search("[\ue000-\uf8ff]", text)
        assert "\N{LEFT DOUBLE QUOTATION MARK}" not in "".join(without)
        WRITER.quotes.forget(USER)
        assert "zzcanaryzz" not in WRITER.quotes.filled(payload)


def test_words_are_kept_until_the_last_letter_that_shows_them() -> None:
    """S30: were it to fail, the second letter of a turn comes without words, or they stay after all were sent."""
    quotes = Quotes()
    sign = quotes.signed(Typed(leftover=("zzcanaryzz",)), USER).leftover[0]
    for _ in range(2):
        quotes.expect(sign)
    quotes.drop(sign)
    assert quotes.filled(sign) == "zzcanaryzz"
    quotes.drop(sign)
    assert quotes.filled(sign) == CHAT.says["words_gone"]


def test_every_answered_question_fits_on_its_line() -> None:
    """T1: were it to fail, the line an answered question becomes is refused, and the old buttons stay."""
    for state in questions():
        for name in state.answers:
            said = Said([], Finish(name), replace(state, here=name), state, True, FAR)
            closing = WRITER._closing(said, None)
            if closing is not None and closing.method == "editMessageText":
                check_text(json.loads(closing.parameters)["text"])
        for name, answer in state.answers.items():
            assert answered_message(name, state, WORDS).blocks[0].text.strip(), (name, answer)


@pytest.fixture(scope="module")
def everything() -> list[Message]:
    """First answer of every row of tests/profiles for every role that changes wording; its sections for one in turn."""
    found = []
    roles = ("oncologist", "trainee", "pharmacist_or_nurse")
    for number, row in enumerate(all_rows()):
        advice = recommend(row.profile, shipped(), row.gate)
        for role in roles:
            state = State({"role": role, **answers_of(row.profile)}, "advice")
            found.append(render(Advise("advice", advice, state), WORDS))
            if advice.options and role == roles[number % len(roles)]:
                found += [section_message(name, advice, WORDS, role) for name in SECTIONS]
                found += [render(Inform("export", state, advice, form), WORDS) for form in ("", *FORMATS)]
    return [*dict.fromkeys(found)]


def test_everything_said_of_an_answer_fits(everything: list[Message]) -> None:
    """T1, T3, S13: were it to fail, part of an answer is refused by Telegram, or shown without the disclaimer."""
    disclaimer = "not a medical device"
    for message in everything:
        for html in texts_of(message):
            check_text(html)
        assert disclaimer in texts_of(message)[-1]
        for html in pages_of(message):
            check_text(html)
            assert disclaimer in html
        check_keys(keyboard_of(message, prefix_of(FAR)))


def test_the_first_message_fits_a_phone(everything: list[Message]) -> None:
    """Were it to fail: the answer does not stand on one screen, and its first line is scrolled away."""
    for message in everything:
        if message.id == "advice":
            (html,) = texts_of(message)
            assert units(plain_of(html)) <= 1200


def test_nothing_is_lost_between_pages(everything: list[Message]) -> None:
    """S13, T1: were it to fail, a line of an answer is on no page."""
    for message in everything:
        read = " ".join(" ".join(plain_of(html) for html in pages_of(message)).replace("\N{BULLET}", "").split())
        for block in message.blocks:
            for word in re.findall(r"\S+", block.text)[:3]:
                assert word in read
            assert " ".join(block.text.split())[:1500] in read


def test_every_piece_of_the_knowledge_is_short_enough_to_stay_whole() -> None:
    """T1: every text an answer is made of is a block of its own or less, so none is longer than a message takes.

    Were it to fail: a new fact or rule is so long that a message breaks in the middle of its sentence.
    """
    for kind, entry in entries(shipped()):
        for text in names_in(data_of(entry)):
            assert units(text) <= 2_000, f"{kind} {entry.id}"


def test_a_block_longer_than_a_message_is_broken_at_spaces() -> None:
    """T1: were it to fail, a very long block is refused by Telegram, or loses what stands at its end."""
    for word in ("word", "\N{GRINNING FACE}", "&<>"):
        text = " ".join([word] * 3_000)
        message = Message("about", (Block("paragraph", text), Block("note", "The end.")))
        texts = texts_of(message)
        for html in texts:
            check_text(html)
        assert " ".join(plain_of(html) for html in texts).split() == [*text.split(), "The", "end."]
    unbroken = texts_of(Message("about", (Block("paragraph", "\N{GRINNING FACE}" * 5_000),)))
    assert "".join(plain_of(html) for html in unbroken).replace("\n", "") == "\N{GRINNING FACE}" * 5_000
    for html in unbroken:
        check_text(html)


def test_many_entities_are_spread_over_messages() -> None:
    """T3: were it to fail, Telegram ignores the hundred-and-first bold line in silence."""
    message = Message("about", tuple(Block("subheading", f"Line {number}") for number in range(250)))
    texts = texts_of(message)
    assert len(texts) == 3
    for html in texts:
        check_text(html)


def test_what_looks_like_markup_is_text() -> None:
    """T3: were it to fail, a sign in the knowledge breaks a message, or makes one look like something else."""
    hostile = "<b>&amp; <script>alert(1)</script> </blockquote> 5 < 6 > 4 & more"
    for kind in ("heading", "subheading", "paragraph", "item", "ranked", "note"):
        (html,) = texts_of(Message("why", (Block("subheading", "x"), *[Block(kind, hostile)] * 4)))  # type: ignore[arg-type]
        check_text(html)
        assert plain_of(html).count(hostile) == 4


@pytest.mark.parametrize("code", NOTICES)
def test_every_notice_fits_over_the_chat(code: str) -> None:
    """T6: were it to fail, a press is answered with a sentence that breaks off."""
    state = State({}, "gate")
    known = {
        "out_of_scope": [(reason,) for reason in WORDS.vocabulary.outside],
        "unknown_command": [("evidnce",), ("whatever",)],
        "ask_back": [("in_scope", "her2_low")],
    }
    for details in known.get(code, [()]):
        message = render(Notice(code, state, details), WORDS)
        assert units(message.blocks[0].text) <= TOAST
    assert units(notice_message(code, WORDS).text) <= TOAST


def test_what_the_bot_says_of_itself_fits() -> None:
    """T5: were it to fail, Telegram refuses the menu, the name or the description, and the bot has none."""
    assert units(CHAT.name) <= 64
    assert units(CHAT.description) <= 512
    assert units(CHAT.short_description) <= 120
    assert set(COMMANDS) == set(CHAT.commands)
    assert {"start", "help", "privacy"} <= set(CHAT.commands)
    for name, text in CHAT.commands.items():
        assert re.fullmatch(r"[a-z0-9_]{1,32}", name)
        assert 1 <= units(text) <= 256
    for text in CHAT.says.values():
        assert units(text) <= TOAST


def test_every_state_can_be_left_and_asked_about() -> None:
    """S15: were it to fail, somebody stands where no button and no command leads on."""
    for name in STATES:
        state = State({"role": "oncologist"}, name)
        for topic in TOPICS:
            _, replies = step(state, Command(topic), shipped())
            for reply in replies[:1]:
                for html in texts_of(render(reply, WORDS)):
                    check_text(html)


def test_pieces_are_put_together_without_a_gap_at_the_ends() -> None:
    """T1: were it to fail, Telegram trims a message and counts it as changed at each edit."""
    message = Message("about", (Block("heading", "A"), Block("item", "b"), Block("item", "c"), Block("note", "d")))
    (html,) = texts_of(message)
    assert html == "<b>A</b>\n\N{BULLET} b\n\N{BULLET} c\n\n<i>d</i>"
    assert packed([]) == []


class _Tags(HTMLParser):
    """The tags of a text."""

    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.add(tag)


def test_only_tags_telegram_knows_are_used(everything: list[Message]) -> None:
    """T3: were it to fail, the server refuses every message with the new tag."""
    parser = _Tags()
    for message in everything:
        for html in pages_of(message):
            parser.feed(html)
    assert parser.found == {"b", "i", "blockquote"}


def test_an_answer_cannot_be_longer_than_its_last_resort() -> None:
    """Over the whole knowledge: the shortest form of an answer is within the limit whatever it holds.

    Were it to fail: some patient's answer does not fit on one screen, although no test meets that patient.
    """
    knowledge = shipped()
    names = max(len(regimen.name) for regimen in knowledge.regimens.values())
    tiers = max(map(len, WORDS.vocabulary.tiers.values()))
    grades = max(
        len(f"{grade.system}: {grade.grade} ({WORDS.grade_status(grade)}).")
        for row in knowledge.recommendations
        for grade in _grades(row)
    )
    steps = sum(len(f"Before or beside drugs: {regimen.short} (see /why).") + 2
                for regimen in knowledge.regimens.values() if regimen.kind == "step")  # fmt: skip
    fixed = max(map(len, WORDS.vocabulary.review.values())) + len(". Knowledge 12345678 of 2026-11-23.") + 2
    title = max(map(len, WORDS.vocabulary.status.values())) + 2
    option = names + tiers + 80 + grades + len("1.  (): .  Caution: /safety.") + 2
    notes = len("19 further options and the reasons: /why.") + 2 + len("Monitoring, doses and harms: /safety.") + 2
    only = len("This is the only option this knowledge supports; every excluded option is under /excluded.") + 2
    counts = len("Excluded (/excluded): 20 regimens.") + len("Assumed, not known (/why): 25 answers.") + 4
    assert fixed + title + steps + option + max(notes, only) + counts + len(disclaimer()) <= 1200


def _grades(row: Any) -> Iterator[Any]:
    for option in row.options:
        yield from getattr(option, "grades", ())


def test_a_summary_longer_than_three_messages_is_leafed_through() -> None:
    """T9: were it to fail, the summary of a very long history comes in more messages than a turn may send."""
    long = Message("summary", (*[Block("paragraph", "word " * 600)] * 6, Block("note", "The end.")))
    state = State({"role": "oncologist"}, "advice")
    said = Said([long], Command("summary"), state, state, False, FAR)
    for pressed in (None, Pressed(7, answered=False)):
        letters = WRITER.letters(said, pressed, None, USER)
        assert sum(call.method == "sendMessage" for letter in letters for call in calls_of(letter.payload)) == 1
        assert "More (2 of" in letters[0].payload
