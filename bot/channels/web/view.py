"""What a page shows of a case: its answered lines, what was said, the question with its controls, or the answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Literal, NamedTuple

from bot.app import App, Standing
from bot.wire import to_wire
from flows.dialogue import FINALS, State, advice_of, path, present, step
from flows.profile import FIELDS, OUTCOMES
from flows.questionnaire import (
    ACCEPT,
    EARLIER,
    QUESTION_OF,
    QUESTIONS,
    REMOVE,
    SCREENS,
    STATED,
    UNDERSTOOD,
    UNDO,
    Lines,
    on_a_line,
    stands_alone,
)
from flows.statement import Statement
from flows.turns import SECTIONS, TOPICS, Answer, Ask, Command
from messages.card import Card, card
from messages.comparison import Comparison
from messages.message import Block, Button, Message
from messages.render import answered_message, render
from messages.understanding import Typed
from messages.words import Words

Mark = Literal["", "now", "tried"]
ENDED = ("cancelled", "not_professional")
UNDER_OTHERS = ("line_agents", "line_outcome", "review")
"""Questions that have no answered line of their own."""
RETYPED = tuple(
    f"notice.{code}" for code in ("too_long", "not_understood", "nothing_understood", "late", "unavailable", "error")
)
"""Notices that say a text was not taken: it stays in the box, to be changed and sent again; never what may identify."""
NOTHING_TYPED = Typed()


class Control(NamedTuple):
    """A button: what it says and what is posted (`turn`), or the page it leads to (`href`)."""

    label: str
    turn: str = ""
    href: str = ""
    main: bool = False
    """Whether it is what most often comes next."""
    mark: Mark = ""
    """`now`: the answer as it stands; `tried`: the one somebody came to try."""


class Choice(NamedTuple):
    """A box to tick."""

    label: str
    option: str
    ticked: bool


class Answered(NamedTuple):
    """A question that was answered. `source_words`: the words it was understood from, where it was typed.

    `href`: where it is changed; empty where that cannot be yet.
    """

    question: str
    label: str
    said: str
    href: str
    source_words: str = ""


class Fact(NamedTuple):
    """A field as a typed text states it. `said`: its value, each line of therapy a part of its own."""

    label: str
    said: tuple[str, ...]
    was: str = ""
    """What is entered now, where the text says otherwise."""
    implied: bool = False
    """Whether it is not stated but follows from the treatment."""
    source_words: str = ""


class Beside(NamedTuple):
    """What was read in a text and is no answer: not received, asked about, not used. `quoted`: in the text's words."""

    label: str
    said: tuple[str, ...]
    quoted: bool = False


class EnteredLine(NamedTuple):
    """A line of therapy on the list: what it held, and the turns that change it."""

    number: int
    agents: str
    outcomes: tuple[Control, ...]
    """Why it stopped, the reason entered marked."""
    remove: str
    earlier: str
    """Empty for the first: nothing stands before it."""

    @property
    def reason(self) -> str:
        """Why it stopped, as entered."""
        return next((outcome.label for outcome in self.outcomes if outcome.mark), "")


class Asked(NamedTuple):
    """The question that is open, with its controls."""

    name: str
    number: int
    of: int
    blocks: tuple[Block, ...]
    """What it says, without its progress and heading."""
    heading: str
    buttons: tuple[Control, ...]
    choices: tuple[Choice, ...] = ()
    lines: tuple[EnteredLine, ...] = ()
    review: tuple[Answered, ...] = ()
    facts: tuple[Fact, ...] = ()
    """What a typed text states, to be confirmed; at the checklist: lines of it that were stated before."""
    beside: tuple[Beside, ...] = ()
    over: str = ""
    """What stands over the heading instead of the progress, where it is no question of the intake."""
    hint: str = ""
    """What stands under the facts."""
    edit: str = ""
    """The question, where an earlier answer is to be given again: it is opened only when it is."""
    leave: bool = False
    """Whether it can be left as it is."""
    typed: bool = True
    """Whether it can be answered here at all."""


class Said(NamedTuple):
    """A message beside the question: a notice, a topic, a section."""

    id: str
    blocks: tuple[Block, ...]
    buttons: tuple[Control, ...]
    compared: Comparison | None = None

    @property
    def notice(self) -> bool:
        """Whether it is about the turn itself."""
        return self.id.startswith("notice.")

    @property
    def taken(self) -> bool:
        """Whether it says what was taken down from typed words."""
        return self.id == "notice.understood"

    @property
    def retyped(self) -> bool:
        """Whether it says that a text was not taken."""
        return self.id in RETYPED


class View(NamedTuple):
    """One page of a case."""

    answered: tuple[Answered, ...]
    said: tuple[Said, ...]
    asked: Asked | None
    ended: Said | None
    answer: Card | None
    here: str
    """Its place: the last part of its address."""


def view_of(
    app: App,
    standing: Standing,
    case_url: str,
    *,
    messages: Sequence[Message] = (),
    edit: str = "",
    ticked: Sequence[str] = (),
    tried: str = "",
) -> View | None:
    """What a page shows. `messages`: what the turn brought, beside where the case stands.

    `edit`: an earlier question, shown as it would be opened; nothing changes by looking. None where it cannot be.
    `ticked`: boxes a form was sent with that was not taken. `tried`: the option somebody came to try.
    """
    state, opened, typed = standing.state, standing.state, standing.typed or NOTHING_TYPED
    if edit == "review" and state.here in FINALS and "review" in state.answers:
        opened = replace(state, here="review")  # what was confirmed, to be read again: it is not undone by looking
        asked = _asked(
            render(present(opened, app.knowledge), app.words, typed), opened, app.words, case_url, (), "", typed
        )
        back = Control(asked.buttons[0].label, href=case_url, main=True)
        return View((), (), asked._replace(buttons=(back,), typed=False), None, None, "review")
    if edit and edit != state.here:
        opened, replies = step(state, Command("edit", edit), app.knowledge)
        if not isinstance(replies[-1], Ask) or opened.here != edit or opened == state:
            return None
    else:
        edit = ""
    words = app.words
    said = tuple(_said(message, case_url, words) for message in messages if message.id != state.here)
    answered: tuple[Answered, ...] = ()
    if opened.here in ENDED or (opened.here in QUESTIONS and opened.here != "review"):  # elsewhere all answers stand
        answered = tuple(line for line in _answered(state, app, case_url, typed) if line.question != opened.here)
    if opened.here in QUESTIONS:
        message = render(present(opened, app.knowledge), words, typed)
        asked = _asked(message, opened, words, case_url, ticked, tried, typed)
        asked = asked._replace(edit=edit, leave=bool(edit) or opened.editing)
        return View(answered, said, asked, None, None, opened.here)
    if opened.here in ENDED:
        message = render(present(opened, app.knowledge), words)
        return View(answered, said, None, _said(message, case_url, words), None, opened.here)
    answer = card(advice_of(opened, app.knowledge), words, opened.role, banner=app.banner)
    inputs = tuple(
        line._replace(source_words=typed.words(line.field, getattr(opened.profile, line.field, None)) or None)
        for line in answer.inputs
    )
    answer = answer._replace(inputs=inputs)
    return View(answered, said, None, None, answer, opened.here)


def _said(message: Message, case_url: str, words: Words) -> Said:
    controls = [_control(button, case_url) for button in message.buttons]
    if message.export:
        controls.append(Control(message.export.upper(), href=f"{case_url}/answer.{message.export}"))
    return Said(message.id, message.blocks, tuple(controls), message.compared)


def _control(button: Button, case_url: str) -> Control:
    """What only shows something is a link: it has an address, and looking changes nothing."""
    turn = button.turn
    if isinstance(turn, Command) and turn.name == "whatif" and turn.argument:
        return Control(button.label, href=change_address(case_url, turn.argument))
    if isinstance(turn, Command) and turn.name == "here":
        return Control(button.label, href=case_url)
    if isinstance(turn, Command) and turn.name in (*SECTIONS, *TOPICS):
        return Control(button.label, href=f"{case_url}/show/{turn.name}")
    if isinstance(turn, Command) and turn.name == "export":
        return Control(button.label, href=f"{case_url}/answer.{turn.argument}")
    if isinstance(turn, Command) and turn.name == "edit":
        return Control(button.label, href=f"{case_url}/at/{QUESTION_OF.get(turn.argument, turn.argument)}")
    return Control(button.label, to_wire(turn))


def change_address(case_url: str, code: str) -> str:
    """Where the answer stands beside what it would be under a change."""
    return f"{case_url}/show/whatif/{code}"


def _answered(state: State, app: App, case_url: str, typed: Typed) -> tuple[Answered, ...]:
    """The answers in the order they were asked, each with the way to change it."""
    if state.here == "cancelled":
        return ()
    lines = []
    profile = state.profile
    for name in path(state.answers, app.knowledge, None):
        if name in UNDER_OTHERS or name in FINALS or name not in state.answers or name == state.here:
            continue
        if name == "prior_lines" and state.answers[name].pending is not None:
            continue  # it is being entered: the question itself shows it
        text = answered_message(name, state, app.words).blocks[0].text
        label, _, said = text.partition(": ")
        sources = (typed.words(field, getattr(profile, field)) for field in QUESTIONS[name].fields if name != "safety")
        source = ", ".join(dict.fromkeys(filter(None, sources)))
        lines.append(Answered(name, label, said, f"{case_url}/at/{name}", source))
    change = f"{case_url}/at/safety" if "safety" in state.answers else ""
    if state.attested and state.here != "safety":  # there they stand at the checklist itself
        lines += [
            Answered(name, app.words.label(name), app.words.value(name, value), change, typed.words(name, value))
            for name, value in state.answers.get(STATED, ())
        ]
    return tuple(dict.fromkeys(lines))


def _asked(
    message: Message, state: State, words: Words, case_url: str, ticked: Sequence[str], tried: str, typed: Typed
) -> Asked:
    name = message.id
    question = QUESTIONS[name]
    heading = next(block.text for block in message.blocks if block.kind == "heading")
    progress = next(block for block in message.blocks if block.kind == "note")
    said = tuple(block for block in message.blocks if block.kind != "heading" and block != progress)
    buttons = tuple(_control(button, case_url) for button in message.buttons)
    asked = Asked(name, question.number, len(SCREENS), said, heading, buttons)
    if name == UNDERSTOOD:
        return _understood(asked, message, state, words, typed)
    if name == "review":
        items = tuple(block for block in said if block.kind != "item")
        return asked._replace(
            blocks=items, buttons=(buttons[0]._replace(main=True),), review=_review(state, words, case_url, typed)
        )
    if name in ("prior_lines", "line_agents", "line_outcome"):
        shown = tuple(block for block in said if block.kind != "item" or name != "prior_lines")
        asked = asked._replace(blocks=shown)
    if question.kind == "lines":
        lines = _lines(state, words)
        keep = tuple(button for button in buttons if button.turn != f"{name}:{UNDO}")  # each line can be removed
        if lines:
            keep = (keep[-1]._replace(main=True), *keep[:-1])  # nobody should have to look for the end of the list
        return asked._replace(buttons=keep, lines=lines)
    if name == "safety":
        asked = asked._replace(facts=tuple(_stated(state, words, typed)))
    if question.kind == "several":
        return _several(asked, message, state, ticked)
    marks: dict[str, Mark] = {f"{name}:{tried}": "tried", f"{name}:{state.answers.get(name)}": "now"}
    return asked._replace(buttons=tuple(button._replace(mark=marks.get(button.turn, "")) for button in buttons))


def _understood(asked: Asked, message: Message, state: State, words: Words, typed: Typed) -> Asked:
    """What a typed text was understood as: what may mean several things first, then everything, to be confirmed."""
    statement = state.statement
    assert statement is not None
    texts, hint = words.vocabulary.understood, words.questions[UNDERSTOOD].hint
    over, *notes = (block for block in message.blocks if block.kind == "note")
    beside = []
    for block in message.blocks:
        label, _, said = block.text.partition(": ")
        if block.kind != "paragraph" or block.text == hint:
            continue
        if label == texts["not_used"]:
            beside.append(Beside(label, typed.leftover, quoted=True))
        elif label in (texts["not_received"], texts["asked_about"]):
            beside.append(Beside(label, (said,)))
        else:
            notes.append(block)
    return asked._replace(
        blocks=tuple(notes),
        buttons=tuple(button._replace(main=button.turn == f"{UNDERSTOOD}:{ACCEPT}") for button in asked.buttons),
        facts=tuple(_facts(statement, state, words, typed)),
        beside=tuple(beside),
        over=over.text,
        hint="" if statement.choices else hint,
    )


def _facts(statement: Statement, state: State, words: Words, typed: Typed) -> Iterator[Fact]:
    """The items of the message, each in its parts."""
    texts, before = words.vocabulary.understood, state.profile
    items = [block.text for block in render(Ask(UNDERSTOOD, state), words).blocks if block.kind == "item"]
    names = [name for name in ("gate", *FIELDS) if name in statement.values]
    for item, name in zip(items, (*names, *[""] * len(items)), strict=False):
        value = statement.values.get(name)
        label, _, said = item.partition(": ")
        said, implied = _without(said, f" ({texts['implied']})")
        known = words.value(name, getattr(before, name)) if name in FIELDS else ""
        said, corrected = _without(said, f" ({texts['was']} {known})")
        parts = tuple(said.split("; ")) if name == "prior_lines" else (said,)
        yield Fact(label, parts, known if corrected else "", implied, typed.words(name, value))


def _without(text: str, end: str) -> tuple[str, bool]:
    """The text without what may stand at its end, and whether it stood there."""
    return text.removesuffix(end), text.endswith(end)


def _stated(state: State, words: Words, typed: Typed) -> Iterator[Fact]:
    """Lines of the checklist that were stated before it is asked."""
    for name, value in state.answers.get(STATED, ()):
        yield Fact(words.label(name), (words.value(name, value),), source_words=typed.words(name, value))


def _several(asked: Asked, message: Message, state: State, ticked: Sequence[str]) -> Asked:
    """Boxes for what can be chosen together, buttons for what stands alone."""
    alone = stands_alone(asked.name)
    before = state.answers.get(asked.name, ())
    on = set(ticked or message.ticked or (before if isinstance(before, tuple) else ()))
    options = {
        button.turn.chosen[0]: button.label for button in message.buttons if isinstance(button.turn, Answer)
    }  # fmt: skip
    choices = tuple(Choice(label, option, option in on) for option, label in options.items() if option not in alone)
    buttons = tuple(
        Control(label, f"{asked.name}:{option}") for option, label in options.items() if option in alone
    )  # fmt: skip
    beside = ("Chosen so far: ", "Stated before: ")  # the boxes say it, and the list of what was stated
    said = tuple(block for block in asked.blocks if not block.text.startswith(beside))
    return asked._replace(blocks=said, choices=choices, buttons=buttons)


def _lines(state: State, words: Words) -> tuple[EnteredLine, ...]:
    entered: Lines = state.answers.get("prior_lines", Lines())
    labels: Mapping[str, str] = words.questions["line_outcome"].options
    return tuple(
        EnteredLine(
            number,
            _capital(" + ".join(words.agent(agent) for agent in line.agents) or "agents not known"),
            tuple(
                Control(
                    labels[outcome],
                    f"prior_lines:{on_a_line(number, outcome)}",
                    mark="now" if outcome == line.outcome else "",
                )
                for outcome in OUTCOMES
            ),
            f"prior_lines:{on_a_line(number, REMOVE)}",
            f"prior_lines:{on_a_line(number, EARLIER)}" if number > 1 else "",
        )
        for number, line in enumerate(entered.lines, 1)
    )


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _review(state: State, words: Words, case_url: str, typed: Typed) -> tuple[Answered, ...]:
    """Every field as it will be used, with the way to the question behind it."""
    profile = state.profile
    lines = []
    for field, label, value in words.profile_lines(profile, all_fields=True):
        if getattr(profile, field) is None and field != "region":
            continue
        question = QUESTION_OF[field]
        place = field if field in state.answers else question
        source = typed.words(field, getattr(profile, field))
        lines.append(Answered(field, label, value, f"{case_url}/at/{place}", source))
    return tuple(lines)
