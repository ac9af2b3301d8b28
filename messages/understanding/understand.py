"""What a typed text says: the profile fields, the words each came from, what has to be asked back, what was not used.

Deterministic: a lexicon and rules, no model. Nothing is guessed: what may mean two things is asked back, and what
cannot be used is given back. A text that could identify a person is not read.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from flows.knowledge.load import Knowledge
from flows.profile import AGENTS, KINDS, MOST_LINES, Line, Profile
from messages.understanding.context import Context
from messages.understanding.counted import with_those_counted
from messages.understanding.identifiers import holds_identifier
from messages.understanding.interval import months_since_adjuvant
from messages.understanding.leftover import leftover
from messages.understanding.lexicon import Lexicon, lexicon
from messages.understanding.lines import Course, Reading, Told, told_of
from messages.understanding.measures import compose
from messages.understanding.outline import Outline
from messages.understanding.scan import scan
from messages.understanding.scope import Scope, implied, is_early_only, scope_of
from messages.understanding.settle import settle
from messages.understanding.statements import Stated
from messages.understanding.states import Reader

_LONGEST_SPAN = 60
"""Characters between a drug and what is said of the access to it."""
LONGEST = 2000
"""Characters of typed text that are looked at."""
_CLASSES: Mapping[str, tuple[str, ...]] = {
    kind: (kind, *(agent for agent in AGENTS if agent in members)) for kind, members in KINDS.items()
}
_BLANKS = re.compile(r"[^\S\n]{2,}")


@dataclass(frozen=True, slots=True)
class Span:
    """Words of the text, and what they were read as."""

    field: str
    value: str
    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Ambiguity:
    """Words that may mean more than one thing, or are only near a name: they are asked back.

    `field`: the profile field; for a drug, `place` says which line it stands in (None: early-stage treatment).
    A reading is a value of the field, or agents joined with +.
    """

    text: str
    field: str
    readings: tuple[str, ...]
    start: int
    end: int
    place: int | None = None


@dataclass(frozen=True, slots=True)
class Understanding:
    """What was understood of one text."""

    profile: Profile
    denied_agents: tuple[str, ...] = ()
    focus: tuple[str, ...] = ()
    """Agents that are planned or asked about: neither given nor ruled out."""
    implied: Mapping[str, str] = field(default_factory=dict)
    """Fields the text does not state but that follow from what it does, with the reason's words."""
    spans: tuple[Span, ...] = ()
    leftover: tuple[str, ...] = ()
    ambiguous: tuple[Ambiguity, ...] = ()
    scope: Scope = "unclear"
    reason: str | None = None
    identifier: bool = False
    corrects: bool = False
    """Whether it begins by taking back what was said before."""

    @property
    def fields(self) -> dict[str, Any]:
        """The profile fields that are stated."""
        return {name: getattr(self.profile, name) for name in sorted(self.profile.model_fields_set)}


def understand(text: str, knowledge: Knowledge) -> Understanding:
    """What a text says. Never raises; of a text longer than LONGEST only the beginning is read."""
    text = text[:LONGEST]
    if holds_identifier(_BLANKS.sub(" ", text)):
        return Understanding(Profile(), identifier=True)
    words = lexicon(knowledge)
    pieces = compose(scan(text, words), text)
    outline = Outline(pieces)
    told = told_of(outline, _CLASSES)
    reader = Reader(pieces, words, told, text)
    return _Summary(text, words, outline, told, reader.read(), reader.context).understanding()


class _Summary:
    """Brings together what was read, in the order of the profile."""

    def __init__(
        self, text: str, words: Lexicon, outline: Outline, told: Told, stated: Stated, context: Context
    ) -> None:
        self.text, self.words, self.outline = text, words, outline
        self.told, self.stated, self.context = told, stated, context
        self.pieces = context.pieces
        self.values: dict[str, Any] = {}
        self.spans: list[Span] = []
        self.ambiguous: list[Ambiguity] = []

    def understanding(self) -> Understanding:
        self._treatment()
        self._single()
        self._access()
        self._interval()
        if is_early_only(self.values, self.told, self.pieces):
            self.values["setting"] = "early"
        follows = implied(self.values, self.told, self.context)
        scope, reason = scope_of(self.values, self.told, self.context, follows)
        denied = tuple(dict.fromkeys(agent for agent, _ in self.told.denied))
        for agent, piece in self.told.denied:
            self._span("denied_agents", agent, piece.start, piece.end)
        for agent, piece in self.told.focus:
            self._span("focus", agent, piece.start, piece.end)
        if reason == "other_question":  # 'the weather in Vienna' is no country of practice
            self.values.pop("region", None)
        profile = Profile.model_validate(self.values)
        if len(self.spans) > 1:
            self.spans.sort(key=lambda span: (span.start, span.end, span.field, span.value))
            self.spans = list(dict.fromkeys(self.spans))
        return Understanding(
            profile=profile,
            denied_agents=denied,
            focus=tuple(dict.fromkeys(agent for agent, _ in self.told.focus)),
            implied=follows,
            spans=tuple(self.spans),
            leftover=leftover(self.pieces, self.text, self.words),
            ambiguous=tuple(sorted(self.ambiguous, key=lambda entry: entry.start)),
            scope=scope,
            reason=reason,
            corrects=bool(self.pieces) and "correction" in self.pieces[0].cues,
        )

    def _span(self, name: str, value: object, start: int, end: int) -> None:
        self.spans.append(Span(name, str(value), self.text[start:end], start, end))

    # ---- treatment ---------------------------------------------------------------------------------------------------

    def _treatment(self) -> None:
        told = self.told
        if told.lines:
            counted = with_those_counted(self.outline, told)
            lines = counted.lines[:MOST_LINES]
            if counted.words is not None:
                self._span("prior_lines", len(lines), *counted.words)
            told_lines = ({"agents": tuple(course.agents), "outcome": course.outcome} for course in lines)
            self.values["prior_lines"] = tuple(Line.model_validate(line) for line in told_lines)
            for number, course in enumerate(lines):
                self._course(course, "prior_lines", number)
        elif told.seeking == 1 or told.untreated:
            self.values["prior_lines"] = ()
        if told.early:
            agents = tuple(dict.fromkeys(agent for course in told.early for agent in course.agents))
            unclear = any(course.unclear for course in told.early)
            if agents or not unclear:
                self.values["early_stage_agents"] = agents
            for course in told.early:
                self._course(course, "early_stage_agents", None)
        if told.numbered:
            self.values["setting"] = "metastatic"

    def _course(self, course: Course, name: str, place: int | None) -> None:
        for piece in course.pieces:
            for concept in piece.concepts:
                if concept.kind in ("agents", "regimen"):
                    self._span(name, "+".join(concept.value), piece.start, piece.end)
        for unclear in course.unclear:
            self._ask_drug(unclear, name, place)

    def _ask_drug(self, unclear: Reading, name: str, place: int | None) -> None:
        piece = unclear.piece
        readings = tuple("+".join(reading) for reading in unclear.readings)
        self.ambiguous.append(
            Ambiguity(self.text[piece.start : piece.end], name, readings, piece.start, piece.end, place)
        )

    # ---- single fields -----------------------------------------------------------------------------------------------

    def _single(self) -> None:
        """Every field but those of treatment: its value, or what has to be asked back."""
        settled = settle(self.stated, self.values)
        self.values.update(settled.values)
        for name, value, statement in settled.by:
            self._span(name, value, statement.start, statement.end)
        for name, readings, statements in settled.contradictory:
            start = min(statement.start for statement in statements)
            end = max(statement.end for statement in statements)
            said = dict.fromkeys(self.text[statement.start : statement.end] for statement in statements)
            self.ambiguous.append(Ambiguity(" / ".join(said), name, readings, start, end))
        for name, readings, start, end in self.stated.open:
            if name not in self.values and not any(entry.field == name for entry in self.ambiguous):
                self.ambiguous.append(Ambiguity(self.text[start:end], name, readings, start, end))

    def _access(self) -> None:
        if self.told.access is None:
            return
        value, piece, told = self.told.access
        self.values["tdxd_access"] = value
        if told is not None:  # T-DXd: not funded. Correction, it is funded
            first = self.outline.stretch_start[told]
            self._span("tdxd_access", value, piece.start, piece.end)
            self._span("tdxd_access", value, self.pieces[first].start, self.pieces[told].end)
            return
        said = [
            other
            for other in self.pieces
            if other.sentence == piece.sentence and other.cue("unavailable", "available", "declined", "than")
        ]
        said = [other for other in said if value in other.cues] or said  # not the words that are overtaken
        nearest = min(said, key=lambda other: abs(other.start - piece.start), default=piece)
        start, end = min(piece.start, nearest.start), max(piece.end, nearest.end)
        if end - start > _LONGEST_SPAN:  # words that belong to something else
            start, end = piece.start, piece.end
        self._span("tdxd_access", value, start, end)

    def _interval(self) -> None:
        """Months since adjuvant anti-HER2 therapy ended."""
        found = months_since_adjuvant(self.outline, self.told, self.text)
        if found is None:
            return
        months, piece = found
        self.values["months_since_adjuvant_her2"] = months
        piece.used = True
        self._span("months_since_adjuvant_her2", months, piece.start, piece.end)
