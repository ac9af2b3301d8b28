"""What a typed text states about a case, as data: values of profile fields, and what has to be asked back.

Nothing of the text itself is in it, only fields, options and agents; it has one short text, as every turn has:
`hr_status=positive;prior_lines=t_dxd/progression;?line_1=t_dm1|t_dxd`. Values that follow from the treatment and were
not stated stand under `~`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from pydantic import ValidationError

from flows.findings import GATE
from flows.profile import CLASS_OF, FIELDS, MOST_LINES, Line, Profile
from flows.questionnaire import (
    ACCEPT,
    ALL,
    DISCARD,
    GATE_SETS,
    ITEMS,
    NEITHER,
    NONE,
    PARTLY,
    QUESTIONS,
    STATED,
    Answers,
    LineAnswer,
    Lines,
)
from flows.when import NOT_KNOWN

EARLY = "early"
_LINE = re.compile(r"line_([1-9][0-9]?)")
_LISTS = ("early_stage_agents", "red_flags", "interacting_medicines")
_GATE_FIELDS = ("her2_status", "setting")
_ONE_LINE = frozenset(("t_dm1", "t_dxd", "tucatinib", "lapatinib", "neratinib", "pyrotinib"))
"""Agents that name their line by themselves: none is given in one line after another."""
_MAINTENANCE = frozenset(("trastuzumab", "pertuzumab"))
LONGEST = 16_000
"""Characters the short text of a statement may have: more than the longest text that is read can amount to."""
MOST_CHOICES = 12
"""Choices one statement may hold."""


class NotAStatement(ValueError):
    """The text is not one that `encode` wrote."""


class TooManyLines(ValueError):
    """The lines stated and those entered are more than a profile holds."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Words with several readings, to be asked back. `target`: a field, `line_2`, or `early`; a reading for a line is
    agents joined with +."""

    target: str
    readings: tuple[str, ...]

    @property
    def line(self) -> int:
        """The place of the line it is for, from zero; -1 where it is for none."""
        number = _LINE.fullmatch(self.target)
        return int(number[1]) - 1 if number else -1

    @property
    def field(self) -> str:
        """The profile field it is for."""
        if self.target == EARLY:
            return "early_stage_agents"
        return "prior_lines" if self.line >= 0 else self.target


@dataclass(frozen=True, slots=True)
class Statement:
    """What is stated. `values`: profile field, or `gate`, to its value as in a profile document."""

    values: Mapping[str, Any]
    choices: tuple[Choice, ...] = ()
    implied: frozenset[str] = frozenset()
    adds_lines: bool = False
    """Whether its lines come after those already entered."""

    def __hash__(self) -> int:
        return hash(encode(self))

    @property
    def stated(self) -> frozenset[str]:
        """The names it gives a value that was said: what only follows from the treatment is left out."""
        return frozenset(self.values) - self.implied

    def with_reading(self, reading: str | None) -> Statement:
        """The statement with its first choice made; None: none of the readings."""
        choice, *rest = self.choices
        after = replace(self, choices=tuple(rest))
        if reading is None:
            return after
        values = dict(self.values)
        name = choice.field
        if name == "early_stage_agents":
            values[name] = _together(values.get(name, ()), reading)
        elif name == "prior_lines":
            at = choice.line
            lines = list(values[name])
            lines[at] = Line(agents=_together(lines[at].agents, reading), outcome=lines[at].outcome)
            values[name] = tuple(lines)
        else:
            values[name] = _value(name, reading)
        return replace(after, values=values, implied=self.implied - {name})

    def merged(self, later: Statement) -> Statement:
        """This statement with what was said after it: the later word counts."""
        told = set(later.stated)
        if "gate" in told:
            told.update(_GATE_FIELDS)
        elif told & set(_GATE_FIELDS):
            told.add("gate")
        values = {name: value for name, value in self.values.items() if name not in told}
        follows = {name: value for name, value in later.values.items() if name in later.implied and name not in values}
        values |= {name: value for name, value in later.values.items() if name in later.stated} | follows
        asked = told | {choice.field for choice in later.choices}
        return Statement(
            values,
            (*(choice for choice in self.choices if choice.field not in asked), *later.choices)[:MOST_CHOICES],
            (self.implied - told) | set(follows),
            later.adds_lines if "prior_lines" in later.values else self.adds_lines,
        )


def _together(agents: Any, reading: str) -> Any:
    return tuple(dict.fromkeys((*(() if agents == NOT_KNOWN else agents), *reading.split("+"))))


def question_of(name: str) -> str:
    """The question that asks for a field."""
    if name in ("gate", *_GATE_FIELDS):
        return "gate"
    return "safety" if name in ITEMS else name


def encode(statement: Statement) -> str:
    """The short text of a statement."""
    parts = ["+lines"] if statement.adds_lines and "prior_lines" in statement.values else []
    for name in ("gate", *FIELDS):
        if name in statement.values:
            parts.append(f"{'~' if name in statement.implied else ''}{name}={_text(name, statement.values[name])}")
    parts += [f"?{choice.target}={'|'.join(choice.readings)}" for choice in statement.choices]
    return ";".join(parts)


def _text(name: str, value: Any) -> str:
    if name == "prior_lines":
        return ",".join(f"{'+'.join(line.agents)}/{line.outcome or ''}" for line in value) or NONE
    if name in _LISTS and not isinstance(value, str):
        return "+".join(value) or NONE
    return str(value)


def decode(text: str) -> Statement:
    """The statement of a short text. Raises NotAStatement for any other."""
    if len(text) > LONGEST:
        raise NotAStatement("too long")
    values: dict[str, Any] = {}
    implied: set[str] = set()
    choices: list[Choice] = []
    adds = False
    for part in text.split(";"):
        name, equals, value = part.partition("=")
        if part == "+lines":
            adds = True
        elif not equals or not value:
            raise NotAStatement(f"{part}: expected field=value")
        elif name.startswith("?"):
            choices.append(Choice(name[1:], tuple(value.split("|"))))
        else:
            if name.startswith("~"):
                implied.add(name := name[1:])
            values[name] = _value(name, value)
    statement = Statement(values, tuple(choices), frozenset(implied), adds)
    check(statement)
    if encode(statement) != text:
        raise NotAStatement("a statement is written in one way only")
    return statement


def _value(name: str, text: str) -> Any:
    if name == "prior_lines":
        return tuple(_lines(text))
    if name in _LISTS and text != NOT_KNOWN:
        return () if text == NONE else tuple(text.split("+"))
    if name == "months_since_adjuvant_her2" and text != NOT_KNOWN:
        if not text.isascii() or not text.isdigit():
            raise NotAStatement(f"{name}: expected a number")
        return int(text)
    return text


def _lines(text: str) -> Iterator[Line]:
    if text == NONE:
        return
    for part in text.split(","):
        agents, slash, outcome = part.partition("/")
        if not slash:
            raise NotAStatement("a line is agents/outcome")
        try:
            yield Line(agents=tuple(agents.split("+")) if agents else (), outcome=outcome or None)  # type: ignore[arg-type]
        except ValidationError:
            raise NotAStatement("a line holds agents and an outcome of the profile") from None


def check(statement: Statement) -> None:
    """Raises NotAStatement where a value is none of its field, or a choice has no place."""
    values = dict(statement.values)
    gate = values.pop("gate", None)
    if gate is not None and gate not in GATE:
        raise NotAStatement("gate: no such option")
    try:
        profile = Profile.model_validate(values)
    except ValidationError:
        raise NotAStatement("a value is none of its field") from None
    if len(statement.choices) > MOST_CHOICES:
        raise NotAStatement("too many choices")
    for choice in statement.choices:
        _check_choice(choice, len(profile.prior_lines or ()))


def _check_choice(choice: Choice, lines: int) -> None:
    """Raises NotAStatement where a choice is for nothing there is, or a reading is none of its place."""
    if choice.line >= lines:
        raise NotAStatement(f"{choice.target}: there is no such line")
    readings = choice.readings
    if not readings or len(set(readings)) != len(readings) or {ACCEPT, NEITHER, DISCARD} & set(readings):
        raise NotAStatement(f"{choice.target}: these are no readings")
    for reading in readings:
        try:
            if choice.line >= 0 or choice.target == EARLY:
                Line(agents=tuple(reading.split("+")))  # type: ignore[arg-type]
            elif choice.target in FIELDS and choice.target not in (*_LISTS, "prior_lines"):
                Profile.model_validate({choice.target: _value(choice.target, reading)})
            else:
                raise NotAStatement(f"{choice.target}: nothing to choose for")
        except ValidationError:
            raise NotAStatement(f"{choice.target}: no such reading") from None


def answers_with(statement: Statement, answers: Answers) -> dict[str, Any]:
    """The answers with what a statement says in their place. Questions it says nothing about keep their answers.

    What a question asks together may be stated in part: HER2 status without the setting, single lines of the safety
    checklist. That is kept as stated, and the rest is asked. Raises TooManyLines.
    """
    after = dict(answers)
    values = statement.values
    _with_gate(values, after)
    if "prior_lines" in values:
        after["prior_lines"] = _with_lines(statement, answers)
    for name in ("red_flags", "early_stage_agents"):
        if name in values:
            after[name] = _several(name, values[name])
    for name, question in QUESTIONS.items():
        plain = question.fields == (name,) and question.kind in ("choice", "number") and name not in ITEMS
        if plain and name in values:
            after[name] = values[name]
    _with_items({name: values[name] for name in ITEMS if name in values}, after)
    if after != answers:
        after.pop("review", None)
    return {name: after[name] for name in (*QUESTIONS, STATED, PARTLY) if name in after}


def _several(name: str, value: Any) -> tuple[str, ...]:
    """What was chosen of a question that allows several, as it is kept: in the order of its options."""
    if isinstance(value, str):
        return (value,)
    return tuple(sorted(set(value), key=QUESTIONS[name].options.index)) or (NONE,)


def _with_gate(values: Mapping[str, Any], after: dict[str, Any]) -> None:
    """The gate as HER2 status and setting answer it; where they do not say it all, they are kept and it is asked."""
    told = {name: values[name] for name in _GATE_FIELDS if name in values}
    sets = GATE_SETS.get(values.get("gate", ""), {})
    if "gate" in values and all(sets.get(name, value) == value for name, value in told.items()):
        after["gate"] = str(values["gate"])
        after.pop(PARTLY, None)
        return
    if not told:
        return
    known = dict(GATE_SETS[after["gate"]] if "gate" in after else after.get(PARTLY, ())) | told
    if (gate := gate_of(known)) is not None:
        after["gate"] = gate
        after.pop(PARTLY, None)
    else:
        after.pop("gate", None)
        after[PARTLY] = tuple(sorted(known.items()))


def gate_of(known: Mapping[str, str]) -> str | None:
    """The answer to the gate that HER2 status and setting amount to; None where they do not say it all."""
    if known.get("her2_status") in ("negative", "low", NOT_KNOWN):
        known = {"her2_status": known["her2_status"]}  # whatever the setting
    return next((option for option, sets in GATE_SETS.items() if sets and sets == known), None)


def _with_lines(statement: Statement, answers: Answers) -> Lines:
    """The lines stated, alone or after those entered. Raises TooManyLines."""
    told = tuple(
        LineAnswer(tuple(dict.fromkeys(line.agents)), outcome=line.outcome) for line in statement.values["prior_lines"]
    )
    before: Lines = answers.get("prior_lines", Lines())
    if not statement.adds_lines or not told:  # none more than these
        lines = Lines(before.lines if statement.adds_lines else told, done=True)
    elif _says_again(told, before.lines):
        lines = Lines(tuple(map(_completed, before.lines, told)) + told[len(before.lines) :], done=before.done)
    else:
        entered, rest = _at_the_open_line(before, told)
        lines = Lines((*entered, *rest), done=before.done)
    if len(lines.lines) > MOST_LINES:
        raise TooManyLines
    return lines


def lines_with(known: tuple[Line, ...], told: tuple[Line, ...]) -> tuple[tuple[Line, ...], tuple[int, ...]]:
    """The lines known with what is said beside them, and the place of each line told among them.

    A line told that is known already gets how it ended; any other comes before the known line it was told before, or
    last. No line is dropped because it was not mentioned again.
    """
    lines = list(known)
    places: list[int] = []
    at = len(lines)
    for number in range(len(told) - 1, -1, -1):
        line = told[number]
        same = _known_as(line, number, lines, len(told))
        if same is not None:
            lines[same] = Line(
                agents=line.agents if _kinds(line) >= _kinds(lines[same]) else lines[same].agents,
                outcome=line.outcome or lines[same].outcome,
            )
            at = same
        else:
            lines.insert(at, line)
            places = [place + 1 if place >= at else place for place in places]
        places.append(at)
    return tuple(lines), tuple(reversed(places))


def _known_as(line: Line, number: int, lines: list[Line], count: int) -> int | None:
    """The place of the line that one told means: by its drugs; without drugs, by its number, or the last."""
    if not line.agents:
        if count == 1:
            return len(lines) - 1 if lines and line.outcome is not None else None
        return number if number < len(lines) else None
    agents = _kinds(line)
    told_in_part = agents & _ONE_LINE or agents == _MAINTENANCE
    for place in range(len(lines) - 1, -1, -1):
        there = _kinds(lines[place])
        if there and (agents >= there or (agents < there and told_in_part)):
            return place
    return None


def _kinds(line: Line) -> frozenset[str]:
    """The agents of a line, of a taxane or an anthracycline its class: the kind may be said only once."""
    return frozenset(CLASS_OF.get(agent, agent) for agent in line.agents)


def _says_again(told: tuple[LineAnswer, ...], entered: tuple[LineAnswer, ...]) -> bool:
    """Whether the lines stated begin with those entered: then these are meant, not others like them."""
    return 0 < len(entered) <= len(told) and all(
        line.asks is None and line.agents and set(line.agents) == set(again.agents)
        for line, again in zip(entered, told, strict=False)
    )


def _completed(line: LineAnswer, again: LineAnswer) -> LineAnswer:
    """A line with how it ended as it was said again."""
    return replace(line, outcome=again.outcome or line.outcome)


def _at_the_open_line(
    before: Lines, told: tuple[LineAnswer, ...]
) -> tuple[tuple[LineAnswer, ...], tuple[LineAnswer, ...]]:
    """The lines entered, the open one with what is said of it first; and the lines stated after that."""
    at = before.pending_at
    if at is None or not told:
        return before.lines, told
    line, first = before.lines[at], told[0]
    if line.asks is not None:
        agents = tuple(dict.fromkeys((*line.agents, *first.agents)))
        line = replace(line, agents=agents, asks=None if first.agents else line.asks, outcome=first.outcome)
    elif not first.agents or set(first.agents) == set(line.agents):
        line = replace(line, outcome=first.outcome)
    else:
        return before.lines, told
    return (*before.lines[:at], line, *before.lines[at + 1 :]), told[1:]


def _with_items(stated: Mapping[str, Any], after: dict[str, Any]) -> None:
    """Lines of the safety checklist that were stated lie over its answer; with all of them stated, it is answered."""
    if not stated:
        return
    if after.get("safety") == (NOT_KNOWN,) and STATED not in after:
        after["safety_unknown"] = (ALL,)  # that nothing is known was said of every line: it stands for the others
    told = dict(after.get(STATED, ())) | dict(stated)
    if not isinstance(medicines := told.get("interacting_medicines", NOT_KNOWN), str):
        order = QUESTIONS["interacting_medicines"].options.index
        told["interacting_medicines"] = tuple(sorted(set(medicines), key=order))
    after[STATED] = tuple(sorted(told.items()))
    if "safety" not in after and told.keys() >= set(ITEMS):
        after["safety"] = (NONE,)


__all__ = [
    "EARLY",
    "LONGEST",
    "MOST_CHOICES",
    "Choice",
    "NotAStatement",
    "Statement",
    "TooManyLines",
    "answers_with",
    "check",
    "decode",
    "encode",
    "gate_of",
    "lines_with",
    "question_of",
]
