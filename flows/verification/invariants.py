"""The invariants of the answer (S3, S4, S11, S15 to S21), each as the set of classes that break it.

They are said here in the terms of the profile and of the medicine, not of the rules that bring them about: a rule that
is dropped or widened breaks them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import reduce
from typing import Any, NamedTuple

from flows.findings import FINDINGS
from flows.knowledge.load import Knowledge
from flows.profile import OPTIONS
from flows.space.bit_rules import BitRules, Decided
from flows.space.blocks import Block
from flows.when import NOT_KNOWN, Atom

CLEAR: Mapping[str, Any] = {
    "ild_history": "absent", "lvef": "normal", "hepatic_impairment": "none", "renal_impairment": "none",
    "dpd_deficiency": "none", "platelets": "normal", "pregnancy": "absent", "interacting_medicines": (),
    "chemotherapy": "suitable", "performance_status": "ecog_0_2", "leptomeningeal": "absent",
    "tdxd_access": "available", "red_flags": (),
}  # fmt: skip
"""Field to the answer that speaks against no drug."""
RULED_OUT: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("ild_history", "present", ("t_dxd",)),
    ("hepatic_impairment", "severe", ("t_dm1", "t_dxd", "lapatinib", "neratinib", "tucatinib")),
    ("lvef", "reduced", ("margetuximab",)),
    ("renal_impairment", "severe", ("capecitabine",)),
    ("dpd_deficiency", "complete", ("capecitabine",)),
    ("platelets", "low", ("t_dm1",)),
)
"""S20: an answer, and the agents that no option may hold then."""
NO_DRUGS: Mapping[str, tuple[Any, ...]] = {
    "her2_status": ("negative", "low", NOT_KNOWN, None), "setting": ("early", NOT_KNOWN, None),
    "pregnancy": ("present",), "leptomeningeal": ("present",), "performance_status": ("ecog_3_4",),
}  # fmt: skip
"""S3: answers with which no drug is ranked. With any red flag none is either (S4)."""
COMPARED: tuple[Atom, ...] = (
    *(Atom(field, "is", (value,)) for field, value, _ in RULED_OUT),
    *(Atom(field, "is", (value,)) for field, values in NO_DRUGS.items() for value in values if value is not None),
    Atom("red_flags", "includes_any", tuple(value for value in OPTIONS["red_flags"] if value != NOT_KNOWN)),
)
"""What the invariants tell apart, whether or not the knowledge does."""
BACKBONE = "trastuzumab"
"""The one agent that may be given again after progression on it, by a cited rule (S16)."""


class Broken(NamedTuple):
    """Classes for which an invariant does not hold, and what is wrong with their answers."""

    invariant: str
    what: str
    classes: int


class Checked(NamedTuple):
    """What an invariant is held against: one block, decided."""

    rules: BitRules
    block: Block
    decided: Decided
    answers: Sequence[Mapping[str, Any]]
    """The answers along the first axis."""
    steps: tuple[tuple[str, Any], ...]
    """What the second and each further of them changes of the first: the field, and how it is answered."""

    @property
    def knowledge(self) -> Knowledge:
        return self.rules.knowledge

    @property
    def full(self) -> int:
        return self.block.full

    def where(self, name: str, operator: str, *values: str) -> int:
        """The classes whose history a comparison holds for."""
        return self.rules.comparison(self.block, Atom(name, operator, values)).true

    def at(self, field: str, value: Any) -> int:
        """The classes that gave this answer."""
        places = [place for place, one in enumerate(self.answers) if one.get(field) == value]
        return self.block.lift("answers", places) if places else 0

    def offered(self) -> Iterator[tuple[str, frozenset[str], int]]:
        """Each drug regimen with its agents, and where it is an option."""
        for regimen in self.rules.book.drugs:
            yield regimen.id, frozenset(regimen.agents), self.decided.offered(regimen.id)


def every_profile_has_an_answer(checked: Checked) -> Iterator[Broken]:
    """S15: an option, or a reason why there is none."""
    some = reduce(int.__or__, (where for _, _, where in checked.offered()), checked.decided.stopped)
    yield Broken("S15", "neither an option nor a reason", checked.full & ~some)


def out_of_scope_ranks_no_drug(checked: Checked) -> Iterator[Broken]:
    """S3, S4: what is outside is refused or referred, with no drug ranked."""
    stopped = checked.decided.stopped
    for field, values in NO_DRUGS.items():
        for value in values:
            yield Broken("S3", f"drugs are ranked with {field}: {value}", checked.at(field, value) & ~stopped)
    for field, value in checked.steps:
        if field == "red_flags" and value not in ((), NOT_KNOWN, None):
            yield Broken("S4", "drugs are ranked with an emergency", checked.at(field, value) & ~stopped)


def nothing_failed_is_offered(checked: Checked) -> Iterator[Broken]:
    """S16: no option holds an agent of a line that ended in progression, but for the backbone."""
    classes = checked.knowledge.classes
    for regimen, agents, where in checked.offered():
        for agent in agents - {BACKBONE}:
            names = {agent} | (classes[agent] & {"taxane"})
            for name in sorted(names):
                failed = checked.where("progressed_on", "includes_any", name)
                yield Broken("S16", f"{regimen} after progression on {name}", where & failed)


def nothing_excluded_is_offered(checked: Checked) -> Iterator[Broken]:
    """S16: no option is concerned by an exclusion that holds."""
    for _, rule, reach in checked.rules.book.exclusions:
        holds = checked.decided.excluded[rule.id].true
        for regimen in reach:
            yield Broken("S16", f"{regimen} although {rule.id}", checked.decided.offered(regimen) & holds)


def contraindications_rule_out(checked: Checked) -> Iterator[Broken]:
    """S20: the answers of the dossier rule out what they do, for every history."""
    for field, value, agents in RULED_OUT:
        given = checked.at(field, value)
        for regimen, held, where in checked.offered():
            if not held.isdisjoint(agents):
                yield Broken("S20", f"{regimen} with {field}: {value}", where & given)


def no_inhibitor_after_another(checked: Checked) -> Iterator[Broken]:
    """S18: after a line with a HER2 tyrosine kinase inhibitor no option holds one."""
    after = checked.where("last_line", "includes_any", "her2_tki")
    classes = checked.knowledge.classes
    for regimen, agents, where in checked.offered():
        if any("her2_tki" in classes[agent] for agent in agents):
            yield Broken("S18", f"{regimen} directly after another tyrosine kinase inhibitor", where & after)


def her2_therapy_is_kept(checked: Checked) -> Iterator[Broken]:
    """S18: every drug option holds a HER2-targeted agent."""
    classes = checked.knowledge.classes
    for regimen, agents, where in checked.offered():
        drug = checked.knowledge.regimens[regimen].kind == "drug"
        if drug and not any("anti_her2" in classes[agent] for agent in agents):
            yield Broken("S18", f"{regimen} drops HER2-targeted therapy", where)


def a_contraindication_adds_nothing(checked: Checked) -> Iterator[Broken]:
    """S17: an answer that speaks against drugs adds no option to what the clear answer leaves."""
    block, stopped = checked.block, checked.decided.stopped
    options = [(regimen, where, block.part(where, 0)) for regimen, _, where in checked.offered()]
    ranked = block.part(checked.full & ~stopped, 0)
    for number, (field, value) in enumerate(checked.steps, 1):
        if value in (NOT_KNOWN, None) or field not in CLEAR or checked.answers[0].get(field) != CLEAR[field]:
            continue
        for regimen, where, before in options:
            added = block.part(where, number) & ~before & ranked
            yield Broken("S17", f"{field}: {value} adds {regimen}", block.whole(added, number))


def not_known_is_never_no(checked: Checked) -> Iterator[Broken]:
    """S11, S19: with one answer not known, the answer is conditional wherever an answer would change the ranking."""
    block, decided = checked.block, checked.decided
    certain = checked.full & ~decided.assumes & ~decided.stopped
    places = [place.classes & ~decided.stopped for places in decided.places.values() for place in places]
    for number, (field, value) in enumerate(checked.steps, 1):
        if value not in (NOT_KNOWN, None) or field == "region":
            continue
        passed = block.part(certain & ~decided.skipped.get(field, 0), number)
        named = [0] if checked.answers[0].get(field) not in (NOT_KNOWN, None) else []
        named += [at for at, (other, said) in enumerate(checked.steps, 1)
                  if other == field and said not in (NOT_KNOWN, None)]  # fmt: skip
        differs = 0
        for where in places if passed else ():
            first = block.part(where, named[0])
            for other in named[1:]:
                differs |= first ^ block.part(where, other)
        yield Broken("S11", f"{field} not known is passed over", block.whole(passed & differs, number))


def unknown_brain_is_not_none(checked: Checked) -> Iterator[Broken]:
    """S19: where the brain is not known or was not imaged, imaging is named."""
    imaging = reduce(int.__or__, (
        checked.decided.rows[row.id].true
        for _, row in checked.rules.book.rows
        if any(step.step == "brain_imaging" for step in row.steps)
    ), 0)  # fmt: skip
    for value in ("not_imaged", NOT_KNOWN, None):
        where = checked.at("brain_metastases", value) & ~checked.decided.stopped
        yield Broken("S19", f"brain_metastases: {value} without imaging", where & ~imaging)


def only_the_profile_decides(checked: Checked) -> Iterator[Broken]:
    """S21: no condition reads anything but answers of the profile: no channel, role, language, order of answers."""
    read = set(checked.rules.distinctions.atoms) - {*FINDINGS, "out"}
    for name in sorted(read):
        yield Broken("S21", f"a condition reads {name}, which is no answer of the profile", checked.full)


INVARIANTS: tuple[Callable[[Checked], Iterator[Broken]], ...] = (
    every_profile_has_an_answer,
    out_of_scope_ranks_no_drug,
    nothing_failed_is_offered,
    nothing_excluded_is_offered,
    contraindications_rule_out,
    no_inhibitor_after_another,
    her2_therapy_is_kept,
    a_contraindication_adds_nothing,
    not_known_is_never_no,
    unknown_brain_is_not_none,
    only_the_profile_decides,
)
"""Everything a block is held against."""
