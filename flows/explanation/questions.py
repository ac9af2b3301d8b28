"""Which questions matter: what hangs on an answer, and the proof that nothing does.

A question is passed over only where no answer to it can change the advice, whatever is answered to all later questions.
The proof is three-valued: what is not answered yet is left open, and so is what `changes` would try otherwise; where no
condition that reads the question is still turned by it then, none ever is. Nothing is listed by hand but what the
sequencing itself looks at.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import NamedTuple

from flows.explanation.changes import MODIFIABLE
from flows.findings import SOURCE_OF, View, findings
from flows.knowledge.load import Knowledge
from flows.knowledge.model import Recommendation, Stop
from flows.profile import FIELDS, Asked, Profile, asked_as
from flows.questionnaire import ORDER, QUESTIONS, Answers, Lines, beyond_profile, is_asked, profile_of
from flows.sequencing.recommend import rulebook
from flows.space.distinctions import SEEN_BY_THE_SEQUENCING, Condition, conditions
from flows.when import NOT_KNOWN, Atom, Members, Node, Truth, When

_ALWAYS_ASKED = ("red_flags", "prior_lines")
CANDIDATES: tuple[str, ...] = tuple(
    name
    for name in ORDER
    if name in FIELDS and isinstance(asked := asked_as(name), Asked) and asked.offered and name not in _ALWAYS_ASKED
)
"""The questions that may be passed over: those of one field. Never who asks, the gate, emergencies, the lines, the
safety checklist and its kinds, the review."""
_BRANCHES = {
    field: asked.when for field in FIELDS if isinstance(asked := asked_as(field), Asked) and asked.when is not None
}
_COUNTS = "present"
"""Leptomeningeal disease that was stated stops the ranking, whether or not its question arises."""
_ASKS_FOR_THE_BRAIN = "leptomeningeal_disease"
"""The stop beside which it is said whether brain metastases were asked for; every stop that asks says so of more."""


class Reader(NamedTuple):
    """A condition that reads what a question answers. `row`: the decision row its entry is shown under."""

    condition: Condition
    row: str | None


@dataclass(frozen=True)
class Reading:
    """What reads a profile field: `names` are those a condition sees it under; `always` and `always_ranked` say that
    something which nothing else decides reads it, whatever was answered, or wherever drugs are ranked."""

    field: str
    names: frozenset[str]
    readers: tuple[Reader, ...]
    always: bool
    always_ranked: bool


class NotAsked(NamedTuple):
    """A question that was passed over, and the answers because of which. `proved`: it would arise, but nothing hangs
    on it."""

    question: str
    because: tuple[Atom, ...]
    proved: bool


class Bearing(NamedTuple):
    """What may still hang on a profile field: ids, in the order of the knowledge."""

    field: str
    stops: tuple[str, ...]
    rules_out: tuple[str, ...]
    places: tuple[str, ...]
    rows: tuple[str, ...]
    steps: tuple[str, ...]
    cautions: tuple[str, ...]
    fits: tuple[str, ...]

    @property
    def nothing(self) -> bool:
        """Whether nothing of it can be named."""
        return not any(self[1:])


class _Known(NamedTuple):
    """What is known for certain: a view, and the names in it whose answer is still to come."""

    view: View
    open: frozenset[str]


@lru_cache(maxsize=8)
def readings(knowledge: Knowledge) -> dict[str, Reading]:
    """Every profile field with what reads it."""
    rows: dict[str, str | None] = {rule.id: rule.row for rule in knowledge.rules}
    rows.update({row.id: row.row for row in knowledge.recommendations})
    whens = {row.id: row.when for row in knowledge.recommendations}
    readers = []
    for one in conditions(knowledge):
        entry = one.entry.partition(": ")[0]
        if one.kind in ("assumes", "avoid", "option"):  # it counts only where its row may hold
            one = one._replace(when=When({"all": [whens[entry].source, one.when.source]}))  # noqa: PLW2901
        readers.append(Reader(one, rows.get(entry)))
    return {field: _reading(field, readers) for field in FIELDS}


def _reading(field: str, readers: list[Reader]) -> Reading:
    names = names_of(field)
    mine = tuple(reader for reader in readers if _reads(reader.condition.when, field, names))
    alone = [reader.condition.kind for reader in mine if _nothing_else_decides(reader.condition.when, field)]
    shown = any(kind in ("stop", "principle") for kind in alone)
    return Reading(field, names, mine, always=shown, always_ranked=bool(alone))


def names_of(field: str) -> frozenset[str]:
    """The names under which conditions see a field; with it the questions that arise or do not by its answer."""
    names = _seen_as(field)
    for branch, when in _BRANCHES.items():
        if when.fields & names and branch != field:
            names |= _seen_as(branch)
    return names


def _seen_as(field: str) -> frozenset[str]:
    return frozenset((field, *(name for name, sources in SOURCE_OF.items() if field in sources)))


def _reads(when: When, field: str, names: frozenset[str]) -> bool:
    return any(atom.field in names or (atom.field == "absent" and field in atom.values) for atom in when.atoms)


def _nothing_else_decides(when: When, field: str) -> bool:
    """Whether the condition is on this field alone, once its question arises."""
    if when.tree.atom is None and (when.tree.kind != "all" or any(part.atom is None for part in when.tree.parts)):
        return False
    own = [atom for atom in when.atoms if atom.field == field or SOURCE_OF.get(atom.field) == (field,)]
    asked = asked_as(field)
    arises = asked.when if isinstance(asked, Asked) else None
    return bool(own) and all(atom in own or (arises is not None and _follows(atom, arises)) for atom in when.atoms)


def _follows(atom: Atom, when: When) -> bool:
    """Whether a comparison holds wherever a conjunction does."""
    return any(
        told.field == atom.field and told.operator == atom.operator == "is" and set(told.values) <= set(atom.values)
        for told in when.atoms
    )


def may_be_passed_over(name: str, knowledge: Knowledge) -> bool:
    """Whether some case is conceivable in which a question, although it arises, changes nothing."""
    return name in CANDIDATES and not readings(knowledge)[name].always


def matters(name: str, answers: Answers, view: View, knowledge: Knowledge) -> bool:
    """Whether some answer to a question could change the advice. False only with a proof that none can.

    `view`: what conditions see of the answers; it saves the proof where it shows already that something is turned.
    """
    if not may_be_passed_over(name, knowledge):
        return True
    reading = readings(knowledge)[name]
    if not any(test(view) for test, _ in rulebook(knowledge).stops) and (
        reading.always_ranked or any(_is_open_on(reading, reader.condition.when, view) for reader in reading.readers)
    ):
        return True
    known = _certain(name, answers, knowledge)
    return any(_turns(reader, reading, known) for reader in _shown(reading, known, knowledge))


def _is_open_on(reading: Reading, when: When, view: View) -> bool:
    return (
        "out" not in when.fields and when.holds(view) is None and not reading.names.isdisjoint(when.open_fields(view))
    )


def _turns(reader: Reader, reading: Reading, known: _Known) -> bool:
    return _turned(reader.condition.when.tree, reading, known)


def _shown(reading: Reading, known: _Known, knowledge: Knowledge) -> Iterator[Reader]:
    """The readers that can show in the advice: all of them, or where a stop holds those that are shown beside it."""
    possible = [stop for stop in knowledge.stops if _truth(stop.when.tree, known) is not False]
    if reading.field in SEEN_BY_THE_SEQUENCING:
        for stop in possible:
            if stop.outcome == "ask" or (stop.id == _ASKS_FOR_THE_BRAIN and reading.field == "brain_metastases"):
                yield _ON_PRESENCE
    if _certain_stop(possible, known) is None:
        yield from reading.readers
        return
    rows = {stop.row for stop in possible if stop.row}
    for reader in reading.readers:
        kind = reader.condition.kind
        if kind in ("stop", "principle") or (kind in ("exclusion", "row", "assumes", "avoid") and reader.row in rows):
            yield reader


_ON_PRESENCE = Reader(Condition("stop", "", When({"absent": {"includes_any": list(SEEN_BY_THE_SEQUENCING)}})), None)
"""Stands for what is asked next where a stop holds: whatever was not given."""


def _certain_stop(stops: list[Stop], known: _Known) -> Stop | None:
    return next((stop for stop in stops if _truth(stop.when.tree, known) is True), None)


def _certain(field: str, answers: Answers, knowledge: Knowledge, *, varied: bool = True) -> _Known:
    """What stays as it is whatever `field` and the questions to come are answered with.

    `varied`: what `changes` tries otherwise is open too, and the region, which a setting may give.
    """
    gate, given = beyond_profile(answers), dict(answers)
    if NOT_KNOWN in given.get("safety", ()) and "safety_unknown" not in given:
        del given["safety"]  # of which lines nothing is known may still be asked
    profile = profile_of(given)
    loose = {field, *((*MODIFIABLE, "region") if varied else ())}
    if not given.get("prior_lines", Lines()).done:
        loose.add("prior_lines")  # more lines may be entered
    return _known(profile.model_copy(update=dict.fromkeys(loose)), gate, knowledge)


def _known(profile: Profile, gate: str | None, knowledge: Knowledge) -> _Known:
    """What a profile says for certain. An answer whose question may yet not arise is not certain."""
    known = _seen(profile, gate, knowledge)
    undecided = {
        field: None
        for field, when in _BRANCHES.items()
        if getattr(profile, field) not in (None, _COUNTS) and _truth(when.tree, known) is None
    }  # fmt: skip
    return _seen(profile.model_copy(update=undecided), gate, knowledge) if undecided else known


def _seen(profile: Profile, gate: str | None, knowledge: Knowledge) -> _Known:
    view = findings(profile, knowledge.classes, gate)
    missing = frozenset(name for name in FIELDS if getattr(profile, name) is None)
    view["absent"] = Members(frozenset(), missing)
    view["out"] = Members(frozenset(), None)  # which regimens are ruled out hangs on exclusions, read for themselves
    waiting = {
        name for name, value in view.items() if value is None and not missing.isdisjoint(SOURCE_OF.get(name, (name,)))
    }
    if "prior_lines" in missing:
        waiting.add("relapse")  # it does not apply once there was a line
    return _Known(view, frozenset(waiting))


def _truth(node: Node, known: _Known) -> Truth:
    """Whether a condition holds whatever is still open. A test for "not known" is open too until it is answered."""
    if node.atom is not None:
        return None if node.atom.field in known.open else node.test(known.view)
    truths = [_truth(part, known) for part in node.parts]
    if node.kind == "not":
        return None if truths[0] is None else not truths[0]
    decisive = node.kind == "any"
    if decisive in truths:
        return decisive
    return None if None in truths else not decisive


def _turned(node: Node, reading: Reading, known: _Known, *, negated: bool = False) -> bool:
    """Whether a field can turn a condition, or the reason that is printed for it.

    Where a part decides the whole, those after it are never printed; those before it are, once they hold too.
    """
    if node.atom is not None:
        return _atom_turned(node, reading, known)
    if node.kind == "not":
        return _turned(node.parts[0], reading, known, negated=not negated)
    decisive = node.kind == "any"
    parts = node.parts
    for place, part in enumerate(parts):
        if _truth(part, known) is decisive:
            if decisive is negated:  # only what holds is printed, in a denied part what does not
                return False
            parts = parts[: place + 1]
            break
    return any(_turned(part, reading, known, negated=negated) for part in parts)


def _atom_turned(node: Node, reading: Reading, known: _Known) -> bool:
    atom = node.atom
    assert atom is not None
    if atom.field == "absent":
        return reading.field in atom.values and _truth(node, known) is None
    if atom.field not in reading.names:
        return False
    truth = _truth(node, known)
    named = truth is True and atom.operator == "includes_any" and len(atom.values) > 1  # more of them may be printed
    return truth is None or named


def not_asked(answers: Answers, view: View, knowledge: Knowledge) -> tuple[NotAsked, ...]:
    """The questions passed over with these answers, in their order, and why."""
    found = []
    for name in CANDIDATES:
        if name in answers:
            continue
        when = QUESTIONS[name].when
        if not is_asked(name, answers, view):
            assert when is not None
            found.append(NotAsked(name, _refutation(when, view), proved=False))
        elif not matters(name, answers, view, knowledge):
            found.append(NotAsked(name, _decided_by(name, answers, knowledge), proved=True))
    return tuple(found)


def _refutation(when: When, view: View) -> tuple[Atom, ...]:
    return _denied(when).support(view)


@lru_cache(maxsize=256)
def _denied(when: When) -> When:
    return When({"not": when.source})


def _decided_by(name: str, answers: Answers, knowledge: Knowledge) -> tuple[Atom, ...]:
    """The answers because of which nothing hangs on a question: the stop that holds, or what decides its readers."""
    known = _certain(name, answers, knowledge)
    stop = _certain_stop(list(knowledge.stops), known)
    if stop is not None:
        return stop.when.support(known.view)
    reading = readings(knowledge)[name]
    atoms: dict[Atom, None] = {}
    for reader in reading.readers:
        when, truth = reader.condition.when, _truth(reader.condition.when.tree, known)
        found = when.support(known.view) if truth else _refutation(when, known.view) if truth is False else ()
        atoms.update(dict.fromkeys(atom for atom in found if atom.field not in reading.names))
    return tuple(atoms)


def bearing(field: str, answers: Answers, knowledge: Knowledge) -> Bearing:
    """What may still hang on a field, given the answers to the other questions: what is settled is left out."""
    known = _certain(field, answers, knowledge, varied=False)
    known = known._replace(view={**known.view, "absent": Members(frozenset())})  # every question gets an answer
    reading = replace(readings(knowledge)[field], names=_seen_as(field))
    found = _Found(knowledge, known)
    for reader in reading.readers:
        if _turns(reader, reading, known):
            found.take(reader.condition)
    return found.bearing(field)


def _regimens(row: Recommendation) -> tuple[str, ...]:
    return tuple(option.regimen for option in row.options)


class _Found:
    """Gathers what the conditions that a field can turn belong to."""

    def __init__(self, knowledge: Knowledge, known: _Known) -> None:
        self.regimens = knowledge.regimens
        book = rulebook(knowledge)
        self.reach = {rule.id: reach for _, rule, reach in book.exclusions}
        for place, rule in enumerate(book.cautions):
            self.reach[rule.id] = tuple(name for name, places in book.cautions_on.items() if place in places)
        self.gone = {
            name
            for _, rule, reach in book.exclusions
            if _truth(rule.when.tree, known) is True
            for name in reach
        }  # fmt: skip
        self.rows = {row.id: row for _, row in book.rows if _truth(row.when.tree, known) is not False}
        self.ids: dict[str, dict[str, None]] = {name: {} for name in Bearing._fields[1:]}

    def take(self, condition: Condition) -> None:
        """One condition that the field can turn."""
        kind, (entry, _, regimen) = condition.kind, condition.entry.partition(": ")
        if kind == "stop":
            self.ids["stops"][entry] = None
        elif kind == "exclusion":
            self.ids["rules_out"].update(dict.fromkeys(self.reach[entry]))
            for row in self.rows.values():
                if any(atom.field == "out" and set(atom.values) & set(self.reach[entry]) for atom in row.when.atoms):
                    self._placed(row, _regimens(row))
        elif kind == "caution":
            self.ids["cautions"].update(dict.fromkeys(self.reach[entry]))
        elif kind == "fit":
            self.ids["fits"][entry] = None
        elif kind in ("row", "assumes", "avoid", "option") and entry in self.rows:
            row = self.rows[entry]
            self._placed(row, (regimen,) if regimen else _regimens(row))
            if kind == "row":
                self.ids["steps"].update(dict.fromkeys(step.step for step in row.steps))

    def _placed(self, row: Recommendation, regimens: tuple[str, ...]) -> None:
        self.ids["places"].update(dict.fromkeys(regimens))
        if not self.gone.issuperset(regimens):
            self.ids["rows"][row.row] = None

    def bearing(self, field: str) -> Bearing:
        """What was gathered, without what is ruled out already."""
        order = list(self.regimens)
        for name in ("rules_out", "places", "cautions", "fits"):
            left = sorted((one for one in self.ids[name] if one not in self.gone), key=order.index)
            self.ids[name] = dict.fromkeys(left)
        self.ids["rows"] = dict.fromkeys(sorted(self.ids["rows"]))
        return Bearing(field, *(tuple(self.ids[name]) for name in Bearing._fields[1:]))


__all__ = [
    "CANDIDATES", "Bearing", "NotAsked", "Reader", "Reading", "bearing", "matters", "may_be_passed_over", "names_of",
    "not_asked", "readings",
]  # fmt: skip
