"""What would change an answer: the fewest answers that, given otherwise, alter the first option, add or remove one.

Every single change of an answer that can change is tried out on the rules, and every two together: all at once, one bit
each (`flows.space`). Two together are named only for what neither does alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import combinations
from typing import NamedTuple

from flows.explanation.missing import KEPT, deciding
from flows.knowledge.load import Knowledge
from flows.profile import OPTIONS, Profile
from flows.sequencing.advice import Advice, Status
from flows.space.bit_rules import BitRules
from flows.space.blocks import Axis, Block
from flows.space.histories import OF_HISTORY, as_told
from flows.when import NOT_KNOWN

MODIFIABLE = (
    "brain_metastases", "lvef", "tdxd_access", "ild_history", "dpd_deficiency", "hepatic_impairment",
    "renal_impairment", "platelets", "extracranial_disease", "chemotherapy",
)  # fmt: skip
"""Fields that imaging, a test, access or treatment can change, most modifiable first. Biology never flips."""
INHERITED = ("dpd_deficiency",)
"""Fields a test can only settle: once known they stay as they are."""
STAYS: dict[str, dict[str, tuple[str, ...]]] = {
    "ild_history": {"present": ("absent",)},
    "brain_metastases": dict.fromkeys(("stable", "active", "symptomatic"), ("none", "not_imaged")),
}
"""Field and answer to what it does not become any more: a past ILD stays one, metastases do not vanish."""
TO_LOOK_AT = ("pregnancy", "performance_status", "leptomeningeal", "hr_status")
"""Fields that are never listed and may be looked at: they end the ranking, or were only not known."""
MOST = 5


class Changed(NamedTuple):
    """One answer given otherwise. `before`: as the profile holds it, None where it was not asked."""

    field: str
    before: str | None
    after: str


class Change(NamedTuple):
    """What the answer would be were one or two fields answered otherwise."""

    answers: tuple[Changed, ...]
    status: Status
    first: str | None
    """What is first then, where that is another option than now."""
    added: tuple[str, ...]
    removed: tuple[str, ...]

    @property
    def code(self) -> str:
        """How it is chosen: `lvef=reduced`, two joined by `+`."""
        return "+".join(f"{answer.field}={answer.after}" for answer in self.answers)


class _Outcome(NamedTuple):
    """What one set of answers leads to: nothing is ranked, or the options best first."""

    status: Status
    order: tuple[str, ...]

    def beside(self, now: _Outcome) -> frozenset[tuple[str, str]]:
        """What is different from now, each difference by itself."""
        if not self.order:
            return frozenset({("status", self.status)})
        found = {("added", name) for name in self.order if name not in now.order}
        found |= {("removed", name) for name in now.order if name not in self.order}
        if self.order[0] != now.order[0]:
            found.add(("first", self.order[0]))
        return frozenset(found)


def changes(advice: Advice, most: int = MOST) -> tuple[Change, ...]:
    """The minimal changes that alter the first option, add one or remove one: at most `most`.

    Ordered by how modifiable their fields are: one change a field, so that five say five different things; then two
    fields together; then further answers to the same fields.
    """
    return changes_of(advice.profile, advice.gate, advice.knowledge, most) if advice.options else ()


@lru_cache(maxsize=KEPT)
def changes_of(profile: Profile, gate: str | None, knowledge: Knowledge, most: int) -> tuple[Change, ...]:
    """Kept, because each page, section and document of an answer asks for them again."""
    singles = tuple(_single(profile))
    now, *then = _outcomes(profile, gate, knowledge, [(), *((one,) for one in singles)])
    outcomes: dict[tuple[Changed, ...], _Outcome] = {
        (one,): outcome for one, outcome in zip(singles, then, strict=True)
    }
    alone = {one: outcomes[(one,)].beside(now) for one in singles}
    first: dict[str, tuple[Changed, ...]] = {}
    further: list[tuple[Changed, ...]] = []
    for one in sorted(singles, key=lambda one: _place(one, alone[one])):
        if alone[one] and one.field in first:
            further.append((one,))
        elif alone[one]:
            first[one.field] = (one,)
    together: dict[tuple[str, str], tuple[Changed, ...]] = {}
    if len(first) < most:  # else there is no room for two
        pairs = [(one, two) for one, two in combinations(singles, 2) if one.field != two.field]
        for (one, two), outcome in zip(pairs, _outcomes(profile, gate, knowledge, pairs), strict=True):
            if outcome.beside(now) - alone[one] - alone[two]:
                together.setdefault((one.field, two.field), (one, two))
                outcomes[(one, two)] = outcome
    chosen = [*first.values(), *together.values(), *further][:most]
    return tuple(_change(answers, outcomes[answers], now) for answers in chosen)


def change_place(number: int) -> str:
    """A change by its place among the changes of an answer, counted from one: where its code is too long."""
    return f"change_{number}"


def answers_of(advice: Advice, code: str) -> tuple[Changed, ...]:
    """The changes a code or a place stands for: of those listed, or of any answer that can change. Empty: none."""
    if by_place := {change_place(at): change.answers for at, change in enumerate(changes(advice), 1)}.get(code):
        return by_place
    possible = {f"{one.field}={one.after}": one for one in _single(advice.profile, (*MODIFIABLE, *TO_LOOK_AT))}
    chosen = [possible[part] for part in code.split("+") if part in possible]
    whole = len(chosen) == len(code.split("+")) == len({one.field for one in chosen})
    return tuple(chosen) if whole and advice.options else ()


def changed(profile: Profile, answers: Iterable[Changed]) -> Profile:
    """The profile with these answers given otherwise."""
    return profile.model_copy(update={answer.field: answer.after for answer in answers})


def _single(profile: Profile, fields: Iterable[str] = MODIFIABLE) -> Iterator[Changed]:
    for field in fields:
        now = getattr(profile, field)
        if now not in (None, NOT_KNOWN) and field in (*INHERITED, "hr_status"):
            continue
        gone = STAYS.get(field, {}).get(now, ())
        for value in OPTIONS[field]:
            if value not in (now, NOT_KNOWN, *gone):
                yield Changed(field, now, value)


def _place(answer: Changed, differs: frozenset[tuple[str, str]]) -> tuple[int, bool]:
    """Most modifiable first; of one field what changes the first option."""
    return MODIFIABLE.index(answer.field), not any(kind == "first" for kind, _ in differs)


def _outcomes(
    profile: Profile, gate: str | None, knowledge: Knowledge, several: Sequence[tuple[Changed, ...]]
) -> Iterator[_Outcome]:
    """What each of several sets of changes leads to."""
    if not several:
        return
    distinctions = deciding(knowledge)
    now = {field: getattr(profile, field) for field in MODIFIABLE}
    told = [{**now, **{answer.field: answer.after for answer in answers}} for answers in several]
    history = as_told(profile, distinctions)
    fixed = {field: getattr(profile, field) for field in OPTIONS if field not in now}
    lines = {**dict.fromkeys(OF_HISTORY), **history.answers}
    block = Block({**fixed, "gate": gate}, [Axis("answers", told), Axis("history", [lines])])
    decided = BitRules(distinctions, (history,)).decide(block)
    best = sorted((place[:3], name, place.classes) for name, places in decided.places.items() for place in places)
    stops = [(stop.outcome, decided.stops[stop.id]) for stop in knowledge.stops]
    for at in range(len(told)):
        here = 1 << at * block.strides["answers"]
        stopped = next((outcome for outcome, classes in stops if classes & here), None)
        if stopped is not None:
            yield _Outcome(stopped, ())
            continue
        order = tuple(name for _, name, classes in best if classes & here)
        yield _Outcome("conditional" if decided.assumes & here else "recommend", order)


def _change(answers: tuple[Changed, ...], then: _Outcome, now: _Outcome) -> Change:
    return Change(
        answers,
        then.status,
        then.order[0] if then.order and then.order[0] != now.order[0] else None,
        tuple(name for name in then.order if name not in now.order),
        tuple(name for name in now.order if name not in then.order),
    )


__all__ = [
    "INHERITED", "MODIFIABLE", "MOST", "STAYS", "TO_LOOK_AT", "Change", "Changed", "answers_of", "change_place",
    "changed", "changes", "changes_of",
]  # fmt: skip
