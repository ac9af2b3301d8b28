"""The questions, derived from the profile's annotations: order, options, branches, and what each answer means.

A case is its answers: a mapping from question to what was chosen. `profile_of` turns it into the profile
document; nothing else about a case is kept.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from flows.findings import GATE
from flows.profile import (
    AGENTS,
    FIELDS,
    MOST_LINES,
    OPTIONS,
    OUTCOMES,
    Item,
    Profile,
    Through,
    asked_as,
)
from flows.when import NOT_KNOWN, View, When

SCREENS = ("attestation", "gate", "lines", "brain", "hr", "tdxd", "safety", "review")
"""The screens of the intake in order: at most these, whatever is answered."""

ROLES = ("oncologist", "other_clinician", "pharmacist_or_nurse", "trainee")
NOT_PROFESSIONAL = "not_professional"
NONE = "none"
ALL = "all"
CONFIRM = "confirm"
DONE, UNDO, OTHER = "done", "undo", "other"
REMOVE, EARLIER = "remove", "earlier"
UNDERSTOOD = "understood"
"""What a typed text was understood as, waiting to be confirmed."""
ACCEPT, DISCARD, NEITHER, TAKE_BACK = "accept", "discard", "neither", "undo"
STATED = "stated"
"""Lines of the safety checklist that a typed text stated: they are not asked again, and lie over its answer."""
PARTLY = "partly"
"""HER2 status or setting alone, as a typed text stated it: the gate is still asked, for all of it."""
APART = ("region", UNDERSTOOD)
"""Questions that are never asked in turn: reached through Edit, or by typing."""
TYPED = "typed"
"""How a line was entered whose agents were named at once."""
_ON_A_LINE = re.compile(rf"line_([1-9][0-9]?)_({REMOVE}|{EARLIER}|{'|'.join(OUTCOMES)})")

Kind = Literal["choice", "several", "number", "lines", "review", "understood"]


@dataclass(frozen=True)
class Question:
    """One question: where it stands, what may be answered, when it is asked."""

    name: str
    screen: str
    kind: Kind
    options: tuple[str, ...]
    fields: tuple[str, ...] = ()
    when: When | None = None
    offered: bool = True

    @property
    def number(self) -> int:
        """Its screen's place, from one."""
        return SCREENS.index(self.screen) + 1


@dataclass(frozen=True)
class Shortcut:
    """A common regimen as one tap. `then`: a class of agents to choose from before the line is complete."""

    agents: tuple[str, ...]
    then: str | None = None


LINE_SHORTCUTS: dict[str, Shortcut] = {
    "thp": Shortcut(("taxane", "trastuzumab", "pertuzumab")),
    "tchp": Shortcut(("taxane", "carboplatin", "trastuzumab", "pertuzumab")),
    "tch": Shortcut(("taxane", "carboplatin", "trastuzumab")),
    "hp_maintenance": Shortcut(("trastuzumab", "pertuzumab")),
    "t_dxd": Shortcut(("t_dxd",)),
    "t_dxd_pertuzumab": Shortcut(("t_dxd", "pertuzumab")),
    "t_dm1": Shortcut(("t_dm1",)),
    "tucatinib_triplet": Shortcut(("tucatinib", "capecitabine", "trastuzumab")),
    "lapatinib_capecitabine": Shortcut(("lapatinib", "capecitabine")),
    "trastuzumab_chemotherapy": Shortcut(("trastuzumab",), then="chemotherapy"),
    "endocrine_her2": Shortcut(("trastuzumab",), then="endocrine"),
    OTHER: Shortcut((), then="any"),
    NOT_KNOWN: Shortcut(()),
}
EARLY_SHORTCUTS: dict[str, tuple[str, ...]] = {
    "tch": ("taxane", "carboplatin", "trastuzumab"),
    "tchp": ("taxane", "carboplatin", "trastuzumab", "pertuzumab"),
    "anthracycline": ("anthracycline",),
    "taxane": ("taxane",),
    "trastuzumab": ("trastuzumab",),
    "pertuzumab": ("pertuzumab",),
    "t_dm1": ("t_dm1",),
    "t_dxd": ("t_dxd",),
    "neratinib": ("neratinib",),
    "tamoxifen": ("tamoxifen",),
    "letrozole": ("letrozole",),
}
GATE_SETS: dict[str, dict[str, str]] = {
    "in_scope": {"her2_status": "positive", "setting": "metastatic"},
    "her2_negative": {"her2_status": "negative"},
    "her2_low": {"her2_status": "low"},
    "her2_unknown": {"her2_status": "unknown"},
    "early_stage": {"her2_status": "positive", "setting": "early"},
    "stage_unknown": {"her2_status": "positive", "setting": "unknown"},
    "other_tumour": {},
    "under_18": {},
}
MONTHS = ("6", "12", "13", NOT_KNOWN)
"""Buttons for the interval: at most 6, at most 12, more than 12 months; a typed number is as good."""

assert tuple(GATE_SETS) == GATE


@dataclass(frozen=True, slots=True)
class LineAnswer:
    """One line as it is being entered: `asks` is the class of agents still to choose from, outcome None: open."""

    agents: tuple[str, ...]
    asks: str | None = None
    outcome: str | None = None
    shortcut: str = TYPED

    def reopened(self) -> LineAnswer:
        """The line as it was before agents were chosen for it."""
        if self.shortcut == TYPED:
            return self
        shortcut = LINE_SHORTCUTS[self.shortcut]
        return replace(self, agents=shortcut.agents, asks=shortcut.then)


@dataclass(frozen=True, slots=True)
class Lines:
    """The lines of therapy, oldest first; `done` once the clinician said that is all."""

    lines: tuple[LineAnswer, ...] = ()
    done: bool = False

    @property
    def pending(self) -> LineAnswer | None:
        """The first line that still misses its agents or outcome."""
        at = self.pending_at
        return None if at is None else self.lines[at]

    @property
    def pending_at(self) -> int | None:
        """The place of that line, from zero."""
        for at, line in enumerate(self.lines):
            if line.asks is not None or line.outcome is None:
                return at
        return None


Answers = Mapping[str, Any]


def _derive() -> dict[str, Question]:
    found: dict[str, Question] = {
        "role": Question("role", "attestation", "choice", (*ROLES, NOT_PROFESSIONAL)),
    }
    items: list[str] = []
    for name in FIELDS:
        asked = asked_as(name)
        if isinstance(asked, Through):
            known = found.get(asked.question)
            fields = (*known.fields, name) if known else (name,)
            found[asked.question] = Question(asked.question, asked.screen, "choice", GATE, fields)
        elif isinstance(asked, Item):
            items.append(name)
        elif name == "prior_lines":
            chosen = (*LINE_SHORTCUTS, UNDO, DONE)
            found["prior_lines"] = Question("prior_lines", asked.screen, "lines", chosen, (name,))
            found["line_agents"] = Question("line_agents", asked.screen, "several", (*AGENTS, NOT_KNOWN))
            found["line_outcome"] = Question("line_outcome", asked.screen, "choice", OUTCOMES)
        elif name == "early_stage_agents":
            chosen = (*dict.fromkeys((*EARLY_SHORTCUTS, *AGENTS)), NONE, NOT_KNOWN)
            found[name] = Question(name, asked.screen, "several", chosen, (name,))
        elif name == "months_since_adjuvant_her2":
            found[name] = Question(name, asked.screen, "number", MONTHS, (name,), asked.when)
        elif name == "red_flags":
            chosen = tuple(option for option in OPTIONS[name] if option != NOT_KNOWN)
            found[name] = Question(name, asked.screen, "several", (*chosen, NONE, NOT_KNOWN), (name,))
        else:
            found[name] = Question(
                name, asked.screen, "choice", OPTIONS[name], (name,), asked.when, offered=asked.offered
            )
    found["safety"] = Question("safety", "safety", "several", (*items, NONE, NOT_KNOWN), tuple(items))
    found["safety_unknown"] = Question("safety_unknown", "safety", "several", (*items, NONE, ALL))
    for name in items:
        asked = asked_as(name)
        if isinstance(asked, Item) and asked.ticked is None:
            if name == "interacting_medicines":
                found[name] = Question(name, "safety", "several", OPTIONS[name], (name,))
            else:
                chosen = tuple(option for option in OPTIONS[name] if option != asked.clear)
                found[name] = Question(name, "safety", "choice", chosen, (name,))
    region = found.pop("region")
    found["review"] = Question("review", "review", "review", (CONFIRM,))
    found["region"] = region
    found[UNDERSTOOD] = Question(UNDERSTOOD, "review", "understood", (ACCEPT, NEITHER, DISCARD), offered=False)
    return found


QUESTIONS: dict[str, Question] = _derive()
ORDER: tuple[str, ...] = tuple(name for name in QUESTIONS if name not in APART)
"""The questions in the order they are asked."""
ITEMS: tuple[str, ...] = QUESTIONS["safety"].fields
FOLLOW_UPS: tuple[str, ...] = tuple(name for name in ITEMS if name in QUESTIONS)

QUESTION_OF: dict[str, str] = {
    **{field: question.name for question in QUESTIONS.values() for field in question.fields},
    **dict.fromkeys(ITEMS, "safety"),
}
"""Profile field to the question that answers it: what Edit on a review line opens."""


def is_asked(name: str, answers: Answers, view: View) -> bool:
    """Whether a question arises, given the answers before it."""
    question = QUESTIONS[name]
    if name in FOLLOW_UPS:
        return name in answers.get("safety", ()) and name in still_asked(answers)
    if name == "safety_unknown":
        chosen = answers.get("safety", ())
        part = len(chosen) > 1 or STATED in answers  # alone it says so of every line
        return NOT_KNOWN in chosen and part and any(item not in chosen for item in still_asked(answers))
    if name == "line_agents":
        pending = answers.get("prior_lines", Lines()).pending
        return pending is not None and pending.asks is not None
    if name == "line_outcome":
        pending = answers.get("prior_lines", Lines()).pending
        return pending is not None and pending.asks is None
    if name == "leptomeningeal" and answers.get(name) == "present":
        return True  # what stops the ranking is never dropped
    return question.offered and (question.when is None or question.when.holds(view) is not False)


def is_open(name: str, answers: Answers) -> bool:
    """Whether a question still waits for its answer."""
    if name == "prior_lines":
        return not answers.get("prior_lines", Lines()).done
    if name in ("line_agents", "line_outcome"):
        return True  # asked only while a line is incomplete
    return name not in answers


def options_now(name: str, answers: Answers) -> tuple[str, ...]:
    """The options of a question as the case stands."""
    question = QUESTIONS[name]
    if name == "prior_lines":
        entered = answers.get("prior_lines", Lines()).lines
        shortcuts = tuple(LINE_SHORTCUTS) if len(entered) < MOST_LINES else ()
        return (*shortcuts, *((UNDO,) if entered else ()), DONE)
    if name == "line_agents":
        pending = answers.get("prior_lines", Lines()).pending
        if pending is not None and pending.asks in CLASS_CHOICES:
            return (*CLASS_CHOICES[pending.asks], NOT_KNOWN)
    if name == "early_stage_agents":
        return (*EARLY_SHORTCUTS, NONE, NOT_KNOWN)
    if name == UNDERSTOOD:
        choices = answers[UNDERSTOOD].choices if UNDERSTOOD in answers else ()
        return (*choices[0].readings, NEITHER, DISCARD) if choices else (ACCEPT, DISCARD)
    if name == "safety":  # answered already, it is being edited: as a whole
        return (*(ITEMS if name in answers else still_asked(answers)), NONE, NOT_KNOWN)
    if name == "safety_unknown":
        rest = [item for item in still_asked(answers) if item not in answers.get("safety", ())]
        return (*rest, *((NONE,) if STATED in answers else ()), ALL)  # what is not known may have been stated
    return question.options


def still_asked(answers: Answers) -> tuple[str, ...]:
    """The lines of the safety checklist that no typed text stated."""
    if STATED not in answers:
        return ITEMS
    stated = dict(answers[STATED])
    return tuple(item for item in ITEMS if item not in stated)


def reading_place(number: int) -> str:
    """A reading that is asked back by its place, counted from one: where its agents make too long a button."""
    return f"reading_{number}"


def on_a_line(number: int, what: str) -> str:
    """The option that changes one line already entered, counted from one: an outcome, `remove`, or `earlier` (before
    the line that now stands before it)."""
    return f"line_{number}_{what}"


CLASS_CHOICES: dict[str, tuple[str, ...]] = {
    "chemotherapy": (
        "capecitabine", "vinorelbine", "eribulin", "gemcitabine", "paclitaxel", "docetaxel", "nab_paclitaxel",
        "taxane", "carboplatin", "cisplatin", "doxorubicin", "epirubicin", "anthracycline",
        "cyclophosphamide", "fluorouracil",
    ),
    "endocrine": (
        "letrozole", "anastrozole", "exemestane", "fulvestrant", "tamoxifen", "ovarian_suppression",
        "palbociclib", "ribociclib", "abemaciclib",
    ),
}  # fmt: skip


class NotAnOption(ValueError):
    """What was chosen is not an answer to the question. `args`: a reason code and the choice."""


def stands_alone(name: str) -> frozenset[str]:
    """The options of a question that cannot be chosen together with others."""
    return frozenset((NONE, ALL) if name == "safety" else (NONE, ALL, NOT_KNOWN))


def read_answer(name: str, chosen: tuple[str, ...], answers: Answers) -> Any:
    """What is kept for an answer. Raises NotAnOption: `unknown_option`, `alone`, `one_only`, `number`."""
    question = QUESTIONS[name]
    if not chosen:
        raise NotAnOption("unknown_option", "")
    if question.kind == "number" and chosen[0] not in question.options:
        digits = chosen[0]
        if len(chosen) > 1 or not digits.isascii() or not digits.isdigit() or int(digits) > 720:
            raise NotAnOption("number", digits)
        return int(digits)
    named = question.kind == "lines" and all(option in AGENTS for option in chosen)
    if named and not (len(chosen) == 1 and chosen[0] in LINE_SHORTCUTS):
        return tuple(dict.fromkeys(chosen)) if len(answers.get(name, Lines()).lines) < MOST_LINES else _too_many()
    if question.kind == "lines" and len(chosen) == 1 and (change := _ON_A_LINE.fullmatch(chosen[0])):
        there = int(change[1]) <= len(answers.get(name, Lines()).lines)
        return chosen[0] if there and change[0] != on_a_line(1, EARLIER) else _no_such_line(chosen[0])
    allowed = question.options if name in ("early_stage_agents", "line_agents") else options_now(name, answers)
    for option in chosen:
        if option not in allowed:
            raise NotAnOption("unknown_option", option)
    if question.kind != "several":
        if len(chosen) > 1:
            raise NotAnOption("one_only", chosen[1])
        return int(chosen[0]) if chosen[0].isdigit() else chosen[0]
    for option in chosen:
        if option in stands_alone(name) and len(set(chosen)) > 1:
            raise NotAnOption("alone", option)
    order = question.options
    return tuple(sorted(set(chosen), key=order.index))


def _too_many() -> Any:
    raise NotAnOption("too_many_lines", "")


def _no_such_line(option: str) -> Any:
    raise NotAnOption("unknown_option", option)


def with_answer(name: str, chosen: tuple[str, ...], answers: Answers) -> dict[str, Any]:
    """The answers after one more. Raises NotAnOption."""
    value = read_answer(name, chosen, answers)
    after = dict(answers)
    if name not in ("prior_lines", "line_agents", "line_outcome"):
        after[name] = value
        if name == "safety" and name in answers:
            after.pop(STATED, None)
        if name == "gate":
            after.pop(PARTLY, None)
        return after
    lines: Lines = answers.get("prior_lines", Lines())
    if name == "prior_lines":
        after["prior_lines"] = _on_lines(value, lines)
        return after
    at = lines.pending_at
    if at is None:
        raise NotAnOption("unknown_option", "")
    last = lines.lines[at]
    if name == "line_agents":
        agents = () if value == (NOT_KNOWN,) else tuple(dict.fromkeys((*last.agents, *value)))
        last = replace(last, agents=agents, asks=None)
    else:
        last = replace(last, outcome=value)
    after["prior_lines"] = replace(lines, lines=(*lines.lines[:at], last, *lines.lines[at + 1 :]))
    return after


def _on_lines(value: str | tuple[str, ...], lines: Lines) -> Lines:
    if isinstance(value, tuple):
        return Lines((*lines.lines, LineAnswer(value)))
    if value == DONE:
        return replace(lines, done=True)
    if value == UNDO:
        return Lines(lines.lines[:-1])
    if change := _ON_A_LINE.fullmatch(value):
        at = int(change[1]) - 1
        if change[2] == EARLIER:
            return Lines((*lines.lines[: at - 1], lines.lines[at], lines.lines[at - 1], *lines.lines[at + 1 :]))
        changed = () if change[2] == REMOVE else (replace(lines.lines[at], outcome=change[2]),)
        return Lines((*lines.lines[:at], *changed, *lines.lines[at + 1 :]))
    shortcut = LINE_SHORTCUTS[value]
    return Lines((*lines.lines, LineAnswer(shortcut.agents, shortcut.then, shortcut=value)))


def still_holding(answers: Answers, view: View) -> dict[str, Any]:
    """The answers without those to questions that no longer arise."""
    kept = dict(answers)
    for name in answers:
        if name in (STATED, PARTLY):
            continue
        question = QUESTIONS[name]
        if (
            (name not in APART and not is_asked(name, kept, view))
            or (name == "safety_unknown" and any(item in kept.get("safety", ()) for item in answers[name]))
            or (question.kind == "number" and not is_asked(name, kept, view))
        ):
            del kept[name]
    return kept


def beyond_profile(answers: Answers) -> str | None:
    """The answer to the gate where the profile document cannot hold it: another tumour, under 18."""
    gate = answers.get("gate")
    return gate if gate is not None and not GATE_SETS[gate] else None


def profile_of(answers: Answers, region: str | None = None) -> Profile:
    """The profile document the answers amount to. `region`: the setting's, where the case says nothing."""
    values: dict[str, Any] = dict(GATE_SETS[answers["gate"]] if "gate" in answers else answers.get(PARTLY, ()))
    lines: Lines | None = answers.get("prior_lines")
    if lines is not None and (lines.done or lines.lines):
        values["prior_lines"] = [
            {"agents": line.agents, "outcome": line.outcome} for line in lines.lines if line.asks is None
        ]
    for name in ("red_flags", "early_stage_agents"):
        if name in answers:
            values[name] = value_of_several(name, answers[name])
    for name, question in QUESTIONS.items():
        if (
            len(question.fields) == 1
            and question.kind in ("choice", "number")
            and name not in ITEMS
            and name in answers
        ):
            values[name] = answers[name]
    values.update(_checklist(answers))
    if region is not None:
        values.setdefault("region", region)
    return Profile.model_validate(values)


def value_of_several(name: str, chosen: tuple[str, ...]) -> Any:
    """The profile value of an answer of several options: a regimen's shorthand is its agents."""
    if chosen == (NOT_KNOWN,):
        return NOT_KNOWN
    if chosen == (NONE,):
        return ()
    if name == "early_stage_agents":
        return tuple(dict.fromkeys(agent for option in chosen for agent in EARLY_SHORTCUTS.get(option, (option,))))
    return chosen


def _checklist(answers: Answers) -> dict[str, Any]:
    stated = dict(answers.get(STATED, ()))
    if "safety" not in answers:
        return stated
    chosen: tuple[str, ...] = answers["safety"]
    not_known: tuple[str, ...] = ()
    if NOT_KNOWN in chosen:
        not_known = answers.get("safety_unknown", (ALL,))
    values: dict[str, Any] = {}
    for name in ITEMS:
        asked = asked_as(name)
        assert isinstance(asked, Item)
        if name in chosen:
            kind = answers.get(name)
            if asked.ticked is not None:
                values[name] = asked.ticked
            elif kind is not None:
                values[name] = value_of_several(name, kind) if isinstance(kind, tuple) else kind
        elif name in not_known or not_known == (ALL,):
            values[name] = NOT_KNOWN
        else:
            values[name] = asked.clear
    return {**values, **stated}


def checklist_of(profile: Profile) -> dict[str, Any]:
    """The answers on the safety checklist that amount to a profile's, empty where it has to be asked."""
    values = {name: getattr(profile, name) for name in ITEMS}
    if None in values.values():
        return {}
    not_known = tuple(name for name in ITEMS if values[name] == NOT_KNOWN)
    if not_known == ITEMS:
        return {"safety": (NOT_KNOWN,)}
    ticked = tuple(name for name in ITEMS if name not in not_known and not _is_clear(name, values[name]))
    if not_known and not ticked:  # "not known" alone means every line: it needs one that is ticked, its kind not known
        ticked = tuple(name for name in not_known if name in FOLLOW_UPS)
        not_known = tuple(name for name in not_known if name not in FOLLOW_UPS)
        if not ticked:
            return {}
    answers: dict[str, Any] = {"safety": (*ticked, *((NOT_KNOWN,) if not_known else ())) or (NONE,)}
    if not_known:
        answers["safety_unknown"] = not_known
    for name in ticked:
        if name in FOLLOW_UPS:
            several = QUESTIONS[name].kind == "several"
            answers[name] = chosen_of(values[name]) if several else values[name]
    return answers


def chosen_of(value: str | tuple[str, ...]) -> tuple[str, ...]:
    """How a question that allows several answers keeps what a profile says."""
    return (value,) if isinstance(value, str) else tuple(dict.fromkeys(value)) or (NONE,)


def _is_clear(name: str, value: Any) -> bool:
    asked = asked_as(name)
    return isinstance(asked, Item) and value == asked.clear
