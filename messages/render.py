"""A reply of the dialogue to the messages that say it. Templates loop and test for presence; they never decide."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, FileSystemBytecodeCache, FileSystemLoader, StrictUndefined, Template

from flows import VERSION
from flows.explanation.changes import Change, change_place, changes
from flows.explanation.missing import missing
from flows.knowledge.load import Knowledge
from flows.profile import FIELDS
from flows.questionnaire import (
    FOLLOW_UPS,
    PARTLY,
    QUESTION_OF,
    QUESTIONS,
    SCREENS,
    STATED,
    TAKE_BACK,
    UNDERSTOOD,
    Lines,
    options_now,
    reading_place,
)
from flows.sequencing.advice import Advice, Option
from flows.statement import EARLY, Choice, Statement, answers_with
from flows.turns import FORMATS, SECTIONS, Advise, Answer, Ask, Command, Compare, Ended, Inform, Notice, Reply, State
from flows.when import NOT_KNOWN
from messages import open_answers
from messages.asking import bearing_in_words, not_asked_in_words
from messages.comparison import change_in_words, comparison, label_of
from messages.message import Block, Button, Message, blocks_of
from messages.words import ENGLISH, Words, fact_mark

if TYPE_CHECKING:
    from messages.understanding import Typed

PATIENT_ROWS = ("R24", "R25", "R26", "R27", "R28", "R29")
"""Decision rows on the patient's organs, tests and medicines."""
_LONGEST_READING = 32
"""Characters of a reading that a chat's button has room for, beside what it carries otherwise."""
FIRST_MESSAGE = 1200
"""Characters the first message of an answer may have: one phone screen."""


def _one_line(value: Any) -> Any:
    return value.replace("\n", " ") if isinstance(value, str) else value


def _capfirst(text: str) -> str:
    return text[:1].upper() + text[1:]


def _bytecode_cache() -> FileSystemBytecodeCache | None:
    """Compiled templates beside the bytecode, where that can be written."""
    folder = ENGLISH / "__pycache__"
    try:
        folder.mkdir(exist_ok=True)
        return FileSystemBytecodeCache(str(folder), "%s.jinja") if os.access(folder, os.W_OK) else None
    except OSError:
        return None


@lru_cache(maxsize=1)
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(ENGLISH),
        undefined=StrictUndefined,
        autoescape=False,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        finalize=_one_line,
        bytecode_cache=None if sys.dont_write_bytecode else _bytecode_cache(),
    )
    environment.filters["mark"] = fact_mark
    environment.filters["capfirst"] = _capfirst
    return environment


@lru_cache(maxsize=64)
def _template(name: str) -> Template:
    return _environment().get_template(f"{name}.j2")


def _blocks(template: str, values: Mapping[str, Any]) -> tuple[Block, ...]:
    return blocks_of(_template(template).render(values))


def render(reply: Reply, words: Words, typed: Typed | None = None) -> Message:
    """The message that says a reply. `typed`: words typed in this case, to be shown beside their fields."""
    if isinstance(reply, Ask):
        if reply.question == UNDERSTOOD:
            return understood_message(reply.state, words, typed)
        return _question(reply, words, typed)
    if isinstance(reply, Advise):
        return answer_message(reply.advice, words, reply.final, reply.state.role)
    if isinstance(reply, Inform):
        return _inform(reply, words)
    if isinstance(reply, Compare):
        return _compared(reply, words)
    if isinstance(reply, Ended):
        blocks = _blocks("ended", {"final": reply.final})
        return Message(reply.final, blocks, (*(_change() if reply.final == "not_professional" else ()), *_new_case()))
    if reply.code == "understood":
        return _taken_down(reply, words, typed)
    return _notice(reply, words, typed)


def _inform(reply: Inform, words: Words) -> Message:
    if reply.advice is None:
        return _topic(reply, words)
    if reply.topic == "export":
        return _export(reply.advice, reply.form, words)
    return section_message(reply.topic, reply.advice, words, reply.state.role)


@lru_cache(maxsize=512)
def _fixed_question(name: str, options: tuple[str, ...], words: Words) -> tuple[tuple[Block, ...], tuple[Button, ...]]:
    """What a question says where nothing of the case is shown in it: the same each time."""
    question = QUESTIONS[name]
    said = words.questions[name]
    values = {
        "number": question.number, "of": len(SCREENS), "ask": said.ask, "hint": said.hint, "lines": (),
        "first": name == "role", "knowledge": words.knowledge, "review": words.vocabulary.review["draft"],
    }  # fmt: skip
    buttons = tuple(
        Button(words.option(name, option), Answer(name, (option,)), words.short_option(name, option))
        for option in options
    )
    return _blocks("question", values), buttons


def _question(reply: Ask, words: Words, typed: Typed | None) -> Message:
    name, state = reply.question, reply.state
    question = QUESTIONS[name]
    if name == "review":
        return _review(reply, words, typed)
    blocks, buttons = _fixed_question(name, options_now(name, state.answers), words)
    if name in ("prior_lines", "line_agents", "line_outcome"):
        entered = state.answers.get("prior_lines")
        lines = entered.lines if entered else ()
        shown = [Block("item", f"Line {number}: " + _entered(line, words)) for number, line in enumerate(lines, 1)]
        blocks = (*blocks[:2], *shown, *blocks[2:])
    before = {"gate": PARTLY, "safety": STATED}.get(name, "")
    if before in state.answers and name not in state.answers:
        stated = [f"{words.label(item)}: {words.value(item, value)}" for item, value in state.answers[before]]
        blocks = (*blocks, Block("paragraph", f"Stated before: {'; '.join(stated)}"))
    if state.ticked:
        chosen = "; ".join(words.option(name, option) for option in state.ticked)
        blocks = (*blocks, Block("paragraph", f"Chosen so far: {chosen}"))
    return Message(name, blocks, buttons, several=question.kind == "several", ticked=state.ticked)


def answered_message(question: str, state: State, words: Words) -> Message:
    """A question that was answered, on one line, and the way to change it."""
    answer = state.answers.get(question)
    label = words.vocabulary.answered.get(question) or words.label(question)
    if isinstance(answer, Lines):
        said = "; ".join(f"{number}. {_entered(line, words)}" for number, line in enumerate(answer.lines, 1)) or "none"
    elif isinstance(answer, tuple):
        said = "; ".join(words.option(question, option) for option in answer)
    elif str(answer) in words.questions[question].options:
        said = words.option(question, str(answer))
    else:
        said = str(answer)
    edit = Button(f"Edit: {words.short_label(question)}", Command("edit", question), "Edit")
    return Message("answered", (Block("paragraph", f"{label}: {said}"),), (edit,))


def _entered(line: Any, words: Words) -> str:
    agents = " + ".join(words.agent(agent) for agent in line.agents)
    if line.asks is not None:
        return f"{agents} + ..." if agents else "..."
    outcome = f" ({words.vocabulary.outcomes[line.outcome]})" if line.outcome else ""
    return (agents or "agents not known") + outcome


def _review(reply: Ask, words: Words, typed: Typed | None) -> Message:
    state = reply.state
    said = words.questions["review"]
    profile = state.profile
    lines = [
        (name, label, value + _source(name, getattr(profile, name), words, typed))
        for name, label, value in words.profile_lines(profile, all_fields=True)
        if _shown_on_review(name, profile)
    ]
    blocks = _blocks(
        "review",
        {"number": len(SCREENS), "of": len(SCREENS), "ask": said.ask, "hint": said.hint, "lines": lines,
         "not_asked": not_asked_in_words(state, profile, words)},
    )  # fmt: skip
    editable = dict.fromkeys(QUESTION_OF[name] for name, _, _ in lines)
    at = list(editable).index("safety") + 1 if "safety" in editable else len(editable)
    followed = [name for name in ("safety_unknown", *FOLLOW_UPS) if name in state.answers]
    editable = dict.fromkeys((*list(editable)[:at], *followed, *list(editable)[at:]))
    labels = {"gate": "Patient group", "safety": "Safety checklist", "safety_unknown": "What is not known"}
    buttons = [Button(said.options["confirm"], Answer("review", ("confirm",)), words.short_option("review", "confirm"))]
    for name in editable:
        label = labels.get(name) or words.label(name)
        buttons.append(Button(f"Edit: {label}", Command("edit", name), f"Edit: {words.short_label(name)}"))
    return Message("review", blocks, tuple(buttons))


def _source(name: str, value: Any, words: Words, typed: Typed | None) -> str:
    """The words a field was understood from, where it was typed."""
    said = typed.words(name, value) if typed is not None else ""
    return (
        f" ({words.vocabulary.understood['from']} \N{LEFT DOUBLE QUOTATION MARK}{said}\N{RIGHT DOUBLE QUOTATION MARK})"
        if said
        else ""
    )


def understood_message(state: State, words: Words, typed: Typed | None = None) -> Message:
    """What a typed text was understood as, to be confirmed; what may mean several things is asked first."""
    statement = state.statement
    assert statement is not None
    said, texts = words.questions[UNDERSTOOD], words.vocabulary.understood
    options = options_now(UNDERSTOOD, state.answers)
    buttons = tuple(
        Button(words.understood_option(option, state), Answer(UNDERSTOOD, _chosen_by(option, place)))
        for place, option in enumerate(options, 1)
    )
    values = {
        "title": words.vocabulary.answered[UNDERSTOOD], "ask": said.ask, "hint": said.hint,
        "rest": _beside(words, typed), "emergency": _emergency(statement.values.get("red_flags"), words),
        "lines": [*_understood_lines(statement, state, words, typed)],
    }  # fmt: skip
    if statement.choices:
        choice = statement.choices[0]
        quoted = typed.choices.get(choice.readings, "") if typed is not None else ""
        place = _place_of(choice, statement, state, words)
        asked = (
            f"{place}: {texts['which']}"
            if not quoted
            else f"{place}, \N{LEFT DOUBLE QUOTATION MARK}{quoted}\N{RIGHT DOUBLE QUOTATION MARK}: {texts['which']}"
        )
        values |= {"ask": _capfirst(asked), "hint": ""}
    return Message(UNDERSTOOD, _blocks("understood", values), buttons)


def _chosen_by(option: str, place: int) -> tuple[str, ...]:
    """How a button says an option: by its place where the agents of a reading make it too long for a chat's button."""
    return (reading_place(place),) if len(option) > _LONGEST_READING else tuple(option.split("+"))


def _emergency(red_flags: Any, words: Words) -> str:
    """The time-critical sentence, where an emergency is stated."""
    return words.vocabulary.understood["emergency"] if red_flags not in (None, (), NOT_KNOWN) else ""


def _place_of(choice: Choice, statement: Statement, state: State, words: Words) -> str:
    texts = words.vocabulary.understood
    if choice.line >= 0:
        return f"{texts['line']} {_lines_before(statement, state) + choice.line + 1}"
    return texts["early"] if choice.target == EARLY else words.label(choice.target)


def _lines_before(statement: Statement, state: State) -> int:
    """How many lines stand before the first one stated."""
    if not statement.adds_lines or "prior_lines" not in statement.values:
        return 0
    rest = {name: value for name, value in state.answers.items() if name != UNDERSTOOD}
    return max(0, len(answers_with(statement, rest)["prior_lines"].lines) - len(statement.values["prior_lines"]))


def _understood_lines(statement: Statement, state: State, words: Words, typed: Typed | None) -> Iterator[str]:
    """Each field understood: its value, what it was before, its words."""
    before, texts = state.profile, words.vocabulary.understood
    for name in ("gate", *FIELDS):
        if name not in statement.values:
            continue
        value = statement.values[name]
        if name == "gate":
            yield f"{texts['gate']}: {words.questions['gate'].options[value]}"
            continue
        first = _lines_before(statement, state) + 1
        said = _entered_lines(value, first, words) if name == "prior_lines" else words.value(name, value)
        known = getattr(before, name)
        was = ""
        if known not in (None, value) and not (name == "prior_lines" and statement.adds_lines):
            was = f" ({texts['was']} {words.value(name, known)})"
        follows = f" ({texts['implied']})" if name in statement.implied else ""
        yield f"{words.label(name)}: {said}{was}{follows}{_source(name, value, words, typed)}"


def _entered_lines(lines: Any, first: int, words: Words) -> str:
    said = []
    for number, line in enumerate(lines, first):
        agents = " + ".join(words.agent(agent) for agent in line.agents) or "agents not known"
        said.append(f"{number}. {agents}" + (f" ({words.vocabulary.outcomes[line.outcome]})" if line.outcome else ""))
    return "; ".join(said) or "none yet"


def _beside(words: Words, typed: Typed | None) -> list[str]:
    """What was read and is no answer, and what was not used: nothing is dropped in silence."""
    if typed is None:
        return []
    texts = words.vocabulary.understood
    rest = []
    if typed.denied:
        rest.append(f"{texts['not_received']}: {', '.join(words.agent(agent) for agent in typed.denied)}")
    if typed.focus:
        rest.append(f"{texts['asked_about']}: {', '.join(words.agent(agent) for agent in typed.focus)}")
    if typed.leftover:
        rest.append(f"{texts['not_used']}: {'; '.join(typed.leftover)}")
    if typed.outside:
        rest.append(words.vocabulary.outside[typed.outside])
    return rest


def _taken_down(reply: Notice, words: Words, typed: Typed | None) -> Message:
    """What was taken down from a typed text, and the button that takes it back."""
    state = reply.state
    before, after = replace(state, answers=state.before or {}).profile, state.profile
    said, idle = [], []
    for name in reply.details:
        value, known = getattr(after, name), getattr(before, name)
        if name == "prior_lines" and value is not None:  # the whole list as it is now: lines may have been added
            said.append(f"{words.label(name)}: {_entered_lines(value, 1, words)}{_source(name, value, words, typed)}")
            continue
        if value is None:
            idle.append(words.label(name))
            continue
        was = (
            f" ({words.vocabulary.understood['was']} {words.value(name, known)})" if known not in (None, value) else ""
        )
        said.append(f"{words.label(name)}: {words.value(name, value)}{was}{_source(name, value, words, typed)}")
    if said:  # what was confirmed was shown with it before
        said += _beside(words, typed)
    if idle:
        said.append(f"{words.vocabulary.understood['idle']}: {', '.join(idle)}")
    blocks = _blocks("notice", {"text": words.vocabulary.notices["understood"], "readings": said})
    if said and (emergency := _emergency(after.red_flags if "red_flags" in reply.details else None, words)):
        blocks = (Block("note", emergency), *blocks)
    return Message("notice.understood", blocks, (Button("Undo", Answer(UNDERSTOOD, (TAKE_BACK,))),))


def _shown_on_review(name: str, profile: Any) -> bool:
    return getattr(profile, name) is not None or name == "region"


def _topic(reply: Inform, words: Words) -> Message:
    knowledge = words.knowledge
    review = words.vocabulary.review[knowledge.weakest(knowledge.governed())]
    values = {"knowledge": knowledge, "review": review, "software": VERSION}
    if reply.topic == "why_question":
        values |= {"why": words.questions[reply.state.here].why, "bearing": bearing_in_words(reply.state, words)}
    return Message(reply.topic, _blocks(reply.topic, values))


def _notice(reply: Notice, words: Words, typed: Typed | None) -> Message:
    here = reply.state.here
    if reply.code == "nothing_understood":  # but perhaps something was not used
        blocks = _blocks("notice", {"text": words.vocabulary.notices[reply.code], "readings": _beside(words, typed)})
        return Message("notice.nothing_understood", blocks)
    nearest = _meant(reply.details[0]) if reply.code == "unknown_command" else None
    if nearest is not None:
        blocks = _blocks("notice", {"text": f"There is no such command; did you mean /{nearest}?", "readings": []})
        return Message("notice.unknown_command", blocks, (Button(f"/{nearest}", Command(nearest)),))
    if reply.code == "out_of_scope":
        text = words.vocabulary.outside[reply.details[0]]
        return Message("notice.out_of_scope", _blocks("notice", {"text": text, "readings": []}))
    if reply.code == "under_way":
        blocks = _blocks("notice", {"text": words.vocabulary.notices[reply.code], "readings": []})
        return Message("notice.under_way", blocks, _new_case())
    readings = [words.option(here, option) for option in reply.details] if reply.code == "ask_back" else []
    blocks = _blocks("notice", {"text": words.vocabulary.notices[reply.code], "readings": readings})
    buttons = tuple(
        Button(words.option(here, option), Answer(here, (option,)), words.short_option(here, option))
        for option in (reply.details if reply.code == "ask_back" else ())
    )
    return Message(f"notice.{reply.code}", blocks, buttons)


def _meant(name: str) -> str | None:
    from messages.understanding import nearest_command  # noqa: PLC0415  (only where a command was mistyped)

    return nearest_command(name)


def disclaimer() -> str:
    """The disclaimer every result and export carries (S13)."""
    return _blocks("_disclaimer", {})[0].text


def notice_message(code: str, words: Words) -> Message:
    """A notice that comes from outside the dialogue: an edited message, a file, an error."""
    blocks = _blocks("notice", {"text": words.vocabulary.notices[code], "readings": []})
    return Message(f"notice.{code}", blocks)


def forgotten_message(words: Words) -> Message:
    """Everything of a conversation was erased."""
    return Message("forgotten", _blocks("forgotten", {}), (Button("New case", Command("start")),))


def answer_message(advice: Advice, words: Words, final: str = "advice", role: str | None = None) -> Message:
    """The first message of an answer: what matters most, on one phone screen."""
    values = _header(advice, words, role)
    if not advice.options:
        values |= {
            "reasons": advice.reasons,
            "steps": advice.steps,
            "principles": advice.principles if not advice.reasons else (),
            "ask_next": [words.label(name) for name in advice.ask_next] if advice.status == "ask" else [],
        }
        buttons = (*_section_buttons(("excluded",) if advice.excluded else (), words), *_change(), *_new_case())
        return Message(final, _blocks("stopped", values), buttons)
    options = [_headline(option, words, role) for option in advice.options]
    strongest = sorted(advice.excluded, key=lambda exclusion: exclusion.regimen.strength.level != "strong_randomised")
    excluded = list(dict.fromkeys(words.regimen(exclusion.regimen.id) for exclusion in strongest))
    values |= {
        "steps": advice.steps,
        "only": len(options) == 1,
        "monitoring": role == "pharmacist_or_nurse",
        "assumed": "",
        "excluded": "",
    }
    order = ("safety", *SECTIONS) if role == "pharmacist_or_nurse" else SECTIONS
    buttons = (*_section_buttons(tuple(dict.fromkeys(order)), words), *_new_case())
    assumed = words.atoms(advice.assumptions)
    values["open"] = open_answers.in_words(missing(advice), words, role)
    for shown, assumptions, exclusions, branches in _ROOM_WITH_BRANCHES if values["open"] else _ROOM:
        values["shown"], values["more"] = options[:shown], max(len(options) - shown, 0)
        values["assumed"] = _some(assumed, assumptions)
        values["excluded"] = _some(excluded, exclusions, "regimen")
        values["branches"] = branches
        message = Message(final, _blocks("advice", values), buttons)
        if len(message.text) <= FIRST_MESSAGE:
            return message
    values["shown"] = [{**option, "text": option["short_text"]} for option in options[:1]]
    values["steps"] = [{"regimen": step.regimen, "text": "see /why"} for step in advice.steps]
    return Message(final, _blocks("advice", values), buttons)


_ROOM = tuple((*room, 0) for room in (
    (4, 3, 6), (4, 2, 3), (4, 1, 1), (3, 2, 3), (3, 1, 1), (3, 1, 0), (2, 1, 0), (1, 1, 0), (1, 0, 0),
))  # fmt: skip
"""Options, assumptions and exclusions the first message names, from most to least: the answer hangs on assumptions."""
_ROOM_WITH_BRANCHES = (
    (4, 2, 3, 2), (3, 2, 1, 2), (3, 1, 1, 2), (3, 1, 0, 2), (2, 1, 0, 2), (2, 1, 0, 1), (1, 1, 0, 2), (1, 1, 0, 1),
    (1, 1, 0, 0), (1, 0, 0, 0),
)  # fmt: skip
"""The same where open answers part the ways; last: how much is said of that."""


def _some(names: list[str], most: int, thing: str = "answer") -> str:
    """The first few names and how many more there are; only their number where there is no room."""
    if not names:
        return ""
    if most == 0:
        return f"{len(names)} {thing}{'' if len(names) == 1 else 's'}"
    rest = len(names) - most
    return "; ".join(names[:most]) + (f"; and {rest} more" if rest > 0 else "")


def _header(advice: Advice, words: Words, role: str | None) -> dict[str, Any]:
    return {
        "title": words.vocabulary.status[advice.status],
        "review": words.vocabulary.review[advice.review],
        "knowledge": advice.knowledge,
        "advice": advice,
        "software": VERSION,
        "role": role,
        "ask_next": [],
        "cite": partial(_cite, advice.knowledge),
    }


def _cite(knowledge: Knowledge, names: tuple[str, ...]) -> str:
    """Facts by id, those from memory marked (S9)."""
    return ", ".join(f"{name}{fact_mark(knowledge.facts[name])}" for name in names)


def _section_buttons(sections: tuple[str, ...], words: Words) -> tuple[Button, ...]:
    return tuple(Button(words.vocabulary.sections[name], Command(name)) for name in sections)


def _change() -> tuple[Button, ...]:
    return (Button("Change the last answer", Command("back")),)


def _new_case() -> tuple[Button, ...]:
    return (Button("New case", Command("restart")),)


def _headline(option: Option, words: Words, role: str | None) -> dict[str, Any]:
    return {
        "rank": option.rank,
        "name": words.regimen(option.regimen.id, role),
        "tier": words.vocabulary.tiers[option.tier],
        "text": option.text,
        "short_text": option.text[:80],
        "grade": _grade(option, words),
        "caution": " Caution: /safety." if _cautioned(option) else "",
    }


def _cautioned(option: Option) -> bool:
    """Whether an answer of this patient (not the regimen as such) brings a caution."""
    return any(caution.certain and caution.rule.row in PATIENT_ROWS for caution in option.cautions)


def _grade(option: Option, words: Words) -> str:
    """The first grade with its system, or the project's own summary where no guideline grades it."""
    if option.regimen.kind == "trial":
        return ""
    if not option.grades:
        return f"No guideline grade; evidence {words.vocabulary.strength[option.strength]}."
    grade = option.grades[0]
    status = words.grade_status(grade)
    return f"{grade.system}: {grade.grade}{f' ({status})' if status else ''}."


def section_message(name: str, advice: Advice, words: Words, role: str | None = None) -> Message:
    """One section of an answer: why, evidence, safety, excluded, pitfalls, whatif, not_assessed, sources, summary."""
    values = _header(advice, words, role) | _SECTION_VALUES[name](advice, words, role)
    documents = _document_buttons() if name == "summary" else ()
    if name == "whatif":
        documents = whatif_buttons(changes(advice), words)
    buttons = _section_buttons(tuple(section for section in SECTIONS if section != name), words)
    return Message(name, _blocks(name, values), (*documents, *buttons))


def _why(advice: Advice, words: Words, role: str | None) -> dict[str, Any]:
    glossary = list(words.vocabulary.glossary.items()) if role in ("trainee", "other_clinician") else []
    return {
        "options": [_reasoned(option, words, role) for option in advice.options],
        "lines": words.profile_lines(advice.profile),
        "unknowns": unknowns_in_words(advice, words),
        "open": open_answers.in_words(missing(advice), words, role),
        "glossary": glossary,
    }


def _reasoned(option: Option, words: Words, role: str | None) -> dict[str, Any]:
    regimen, fit = option.regimen, option.fit
    where = regimen.authorisation
    criteria = [
        {"text": criterion.text, "verdict": words.vocabulary.truth[str(truth).lower()]}
        for criterion, truth in (fit.criteria if fit else ())
    ]
    return {
        **_headline(option, words, role),
        "row": option.row,
        "because": words.atoms(option.because),
        "assumes": words.atoms(option.assumes),
        "grades": [
            {"system": grade.system, "grade": grade.grade, "status": words.grade_status(grade)}
            for grade in option.grades
        ],
        "strength": words.vocabulary.strength[option.strength],
        "strength_text": regimen.strength.text,
        "trial": regimen.fit.trial if regimen.fit else "not applicable",
        "fit": words.vocabulary.fit[fit.verdict] if fit else "not applicable",
        "criteria": criteria,
        "authorisation": authorisation_in_words(option, words) if where else "not applicable",
        "partners": ", ".join(words.agent(agent) for agent in option.partners),
        "facts": tuple(dict.fromkeys(option.facts)),
    }


def authorisation_in_words(option: Option, words: Words) -> str:
    """US and EU always; China where the knowledge states it."""
    where = option.regimen.authorisation
    if where is None:
        return "not applicable"
    regions = {"us": where.us, "eu": where.eu, "china": where.china}
    return "; ".join(
        f"{words.vocabulary.fields['region'].values[name]}: {statement.text}"
        + (" [pending review]" if statement.pending_review else "")
        for name, statement in regions.items()
        if statement is not None
    )


def unknowns_in_words(advice: Advice, words: Words) -> list[str]:
    """Each answer that is not known, and how it would matter."""
    said = []
    for unknown in advice.unknowns:
        effects = []
        for effect, names in (
            ("could rule out", unknown.rules_out),
            ("bears on the place of", unknown.places),
            ("could add a caution to", unknown.cautions),
            ("could add the step", unknown.steps),
        ):
            if names:
                effects.append(f"{effect} {', '.join(words.regimen(name) for name in names)}")
        if unknown.field == "region":
            effects = ["authorisations differ by region; the order does not rest on it otherwise"]
        ends = any(unknown.field in stop.when.fields for stop in advice.knowledge.stops)
        other = "could stop the ranking" if ends else "what follows from it is taken to be so"
        said.append(f"{words.label(unknown.field)}: {'; '.join(effects) or other}")
    return said


def _evidence(advice: Advice, words: Words, role: str | None) -> dict[str, Any]:
    facts = advice.knowledge.facts
    return {
        "options": [
            _headline(option, words, role)
            | {"evidence": [facts[name] for name in (*option.regimen.efficacy, *option.regimen.cns)]}
            for option in advice.options
            if option.regimen.kind == "drug"
        ]
    }


def _safety(advice: Advice, words: Words, role: str | None) -> dict[str, Any]:
    facts = advice.knowledge.facts

    def shown(option: Option) -> dict[str, Any]:
        regimen = option.regimen
        return _headline(option, words, role) | {
            "cautions": option.cautions,
            "harms": [facts[name] for name in regimen.harms],
            "harms_gap": regimen.harms_gap,
            "boxed": [facts[name] for name in regimen.boxed_warnings],
            "monitoring": regimen.monitoring,
            "dose": [facts[name] for name in regimen.dose],
            "contraception": [facts[name] for name in regimen.contraception],
            "not_assessed": regimen.not_assessed,
        }

    return {"options": [shown(option) for option in advice.options if option.regimen.kind == "drug"]}


def excluded_in_words(advice: Advice, words: Words, role: str | None = None) -> list[dict[str, Any]]:
    """Each exclusion with its rule and the answers behind it."""
    return [
        {
            "name": words.regimen(exclusion.regimen.id, role),
            "text": exclusion.text,
            "because": words.atoms(exclusion.because),
            "rule": exclusion.rule,
            "row": exclusion.row,
            "facts": exclusion.facts,
            "pending_review": exclusion.pending_review,
        }
        for exclusion in advice.excluded
    ]


def _excluded(advice: Advice, words: Words, role: str | None) -> dict[str, Any]:
    agents = [agent for agent in advice.knowledge.agents.values() if agent.status != "authorised"]
    return {"excluded": excluded_in_words(advice, words, role), "agents": agents if advice.options else []}


def _pitfalls(advice: Advice, words: Words, role: str | None) -> dict[str, Any]:
    return {"principles": advice.principles, "pitfalls": advice.pitfalls}


def _whatif(advice: Advice, words: Words, role: str | None) -> dict[str, Any]:
    return {"changes": [change_in_words(change, words) for change in changes(advice)]}


def whatif_buttons(found: Sequence[Change], words: Words) -> tuple[Button, ...]:
    """A button for each change: to see the answer beside what it would be."""
    return tuple(
        Button(
            label_of(change, words, number),
            Command("whatif", change.code if len(change.code) <= _LONGEST_READING else change_place(number)),
            label_of(change, words, number, short=True),
        )
        for number, change in enumerate(found, 1)
    )


def _compared(reply: Compare, words: Words) -> Message:
    """The answer beside what it would be under a change, and the way back."""
    found = comparison(reply.advice, reply.then, reply.answers, words, reply.state.role)
    buttons = (
        Button(words.vocabulary.sections["whatif"], Command("whatif")),
        Button("Return to the answer", Command("here")),
    )
    return Message("compared", _blocks("compared", {"compared": found}), buttons, compared=found)


def _not_assessed(advice: Advice, words: Words, role: str | None) -> dict[str, Any]:
    return {
        "notes": advice.knowledge.not_assessed,
        "gaps": advice.knowledge.gaps,
        "not_asked": [words.label(name) for name in FIELDS if getattr(advice.profile, name) is None],
    }


def _sources(advice: Advice, words: Words, role: str | None) -> dict[str, Any]:
    facts = [fact for fact in advice.facts() if fact.shown]
    names = dict.fromkeys(name for fact in facts for name in fact.sources)
    return {"facts": facts, "sources": [advice.knowledge.sources[name] for name in names]}


def _summary(advice: Advice, words: Words, role: str | None) -> dict[str, Any]:
    return {
        "options": [_headline(option, words, role) for option in advice.options],
        "steps": advice.steps,
        "lines": words.profile_lines(advice.profile),
        "excluded": excluded_in_words(advice, words, role),
        "assumed": "; ".join(words.atoms(advice.assumptions)),
        "profile": _document_line(advice),
    }


def _export(advice: Advice, form: str, words: Words) -> Message:
    """The whole answer, to be handed over as a document; without a form, which there are."""
    blocks = _blocks("export", {"form": form, "profile": _document_line(advice)})
    return Message("export", blocks, _document_buttons() if not form else (), export=form)


def _document_buttons() -> tuple[Button, ...]:
    return tuple(Button(f"Document: {name.upper()}", Command("export", name)) for name in FORMATS)


def _document_line(advice: Advice) -> str:
    """The profile document on one line: what `triage recommend -` reads to give the same answer again."""
    return json.dumps(advice.profile.model_dump(mode="json", exclude_none=True))


_SECTION_VALUES = {
    "why": _why, "evidence": _evidence, "safety": _safety, "excluded": _excluded, "pitfalls": _pitfalls,
    "whatif": _whatif, "not_assessed": _not_assessed, "sources": _sources, "summary": _summary,
}  # fmt: skip

DOCUMENT_SECTIONS = ("why", "safety", "evidence", "excluded", "whatif", "pitfalls", "not_assessed", "sources")


def full_answer(advice: Advice, words: Words, role: str | None = None) -> tuple[Message, ...]:
    """The whole answer as a document: the first message, every section, the record; the disclaimer first and last."""
    first = answer_message(advice, words, role=role)
    names = DOCUMENT_SECTIONS if advice.options else ("excluded",) if advice.excluded else ()
    sections = [section_message(name, advice, words, role) for name in names]
    inner = [section._replace(blocks=section.blocks[:-1]) for section in sections]  # without the disclaimer
    values = _header(advice, words, role) | {"profile": _document_line(advice)}
    return (first, *inner, Message("record", _blocks("record", values)))
