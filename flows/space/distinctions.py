"""What the conditions of a knowledge can tell apart: every comparison any of them makes, and the answers it sorts.

Two profiles for which every comparison comes out the same get the same advice, but for their own answers in its
words. So one profile stands for all of them: its class. Nothing here is listed by hand; what the sequencing itself
looks at beside conditions (`SEEN_BY_THE_SEQUENCING`) is, and random profiles are held against their classes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from itertools import chain, combinations
from typing import Any, NamedTuple

from flows.findings import FINDINGS
from flows.knowledge.load import Knowledge
from flows.profile import FIELDS, OPTIONS, Asked, asked_as
from flows.sequencing.recommend import rulebook
from flows.when import NOT_KNOWN, Atom, Members, Node, Several, When

SETS = tuple(name for name, options in FINDINGS.items() if name in OPTIONS and isinstance(options, Several))
"""Profile fields whose value is a set."""
SEEN_BY_THE_SEQUENCING = ("her2_status", "setting", "prior_lines", "hr_status", "brain_metastases")
"""Fields of which the sequencing asks whether they were answered at all, where too little is known."""


class Condition(NamedTuple):
    """A condition of the knowledge, with the kind and the id of the entry it belongs to."""

    kind: str
    """`stop`, `exclusion`, `caution`, `row`, `assumes`, `avoid`, `option`, `principle`, `pitfall`, `fit`."""
    entry: str
    when: When


DECIDING = frozenset(("stop", "exclusion", "row", "assumes", "avoid", "option"))
"""The kinds of conditions that decide which options there are, in which order, and on which assumptions."""


def conditions(knowledge: Knowledge) -> tuple[Condition, ...]:
    """Every condition of a knowledge, in the order of its files."""
    found = ((kind, entry, when) for kind, entry, when in _conditions(knowledge))
    return tuple(Condition(kind, entry, when) for kind, entry, when in found if when is not None)


def _conditions(knowledge: Knowledge) -> Iterator[tuple[str, str, When | None]]:
    for stop in knowledge.stops:
        yield "stop", stop.id, stop.when
    for rule in knowledge.rules:
        yield rule.kind, rule.id, rule.when
    for row in knowledge.recommendations:
        yield "row", row.id, row.when
        yield "assumes", row.id, row.assumes
        for avoid in row.avoid:
            yield "avoid", f"{row.id}: {avoid.regimen}", avoid.when
        for option in row.options:
            yield "option", f"{row.id}: {option.regimen}", option.when
    for kind, entries in (("principle", knowledge.principles), ("pitfall", knowledge.pitfalls)):
        for entry in entries:
            yield kind, entry.id, entry.when
    for regimen in knowledge.regimens.values():
        for criterion in regimen.fit.criteria if regimen.fit else ():
            yield "fit", f"{regimen.id}: {criterion.id}", criterion.when


class Distinctions:
    """The comparisons that the conditions of a knowledge make, by the name they look at; of some `kinds` only.

    `also`: comparisons that have to be told apart even where no condition makes them.
    """

    def __init__(self, knowledge: Knowledge, kinds: frozenset[str] | None = None, also: Iterable[Atom] = ()) -> None:
        self.knowledge = knowledge
        self.conditions = tuple(one for one in conditions(knowledge) if kinds is None or one.kind in kinds)
        asked = [note.when for field in FIELDS if isinstance(note := asked_as(field), Asked) and note.when is not None]
        made = chain((condition.when for condition in self.conditions), asked)
        self._seen: dict[tuple[str, Any], tuple[Any, ...]] = {}
        self.atoms: dict[str, tuple[Atom, ...]] = {}
        """Name to the comparisons made of it; for `received` also what makes a partner of a regimen used."""
        for atom in (*(atom for when in made for atom in when.atoms), *_partners(knowledge), *also):
            known = self.atoms.get(atom.field, ())
            if atom not in known:
                self.atoms[atom.field] = (*known, atom)

    @cached_property
    def tests(self) -> dict[str, tuple[Any, ...]]:
        """Name to the tests of its comparisons."""
        return {name: tuple(Node.leaf(atom).test for atom in atoms) for name, atoms in self.atoms.items()}

    def seen(self, name: str, value: Any) -> tuple[Any, ...]:
        """How every comparison of a name comes out for a value of it, as a condition sees the value."""
        known = self._seen.get((name, value))
        if known is None:
            known = self._seen[name, value] = tuple(test({name: value}) for test in self.tests.get(name, ()))
        return known

    def answers(self, field: str) -> tuple[Any, ...]:
        """The answers to a field that some condition tells apart, one for each such class: the first that is offered.

        None stands for no answer where the sequencing looks at that; a set field has its subsets.
        """
        kept: dict[tuple[Any, ...], Any] = {}
        for value in _possible(field):
            kept.setdefault(self._told(field, value), value)
        return tuple(kept.values())

    def _told(self, field: str, value: Any) -> tuple[Any, ...]:
        """What conditions, and the sequencing, see of an answer."""
        shown = None if value in (None, NOT_KNOWN) else value
        if field in SETS:
            shown = Members(frozenset(), None) if shown is None else Members(frozenset(shown))
        return (*self.seen(field, shown), value is None and field in SEEN_BY_THE_SEQUENCING)

    def alike(self, field: str, value: Any) -> int:
        """How many answers to a field no condition tells from this one, itself included."""
        return self._alike[field][self._told(field, value)]

    @cached_property
    def _alike(self) -> dict[str, Counter[tuple[Any, ...]]]:
        return {field: Counter(self._told(field, value) for value in _possible(field)) for field in OPTIONS}

    @cached_property
    def kinds_of_agents(self) -> tuple[tuple[str, ...], ...]:
        """The agents no condition tells apart, together: one of each stands for the others in a line of therapy."""
        seen = {value for name in _OF_AGENTS for atom in self.atoms.get(name, ()) for value in atom.values}
        kinds: dict[frozenset[Any], tuple[str, ...]] = {}
        for agent, classes in self.knowledge.classes.items():
            kinds[classes & seen] = (*kinds.get(classes & seen, ()), agent)
        return tuple(kinds.values())


_OF_AGENTS = ("received", "received_early", "received_ever", "progressed_on", "not_tolerated", "last_line")


def _partners(knowledge: Knowledge) -> Iterator[Atom]:
    for partners in rulebook(knowledge).partners.values():
        for partner in partners:
            yield Atom("received", "includes_any", tuple(sorted(partner.used_if)))


def _possible(field: str) -> tuple[Any, ...]:
    options: Mapping[str, tuple[str, ...]] = OPTIONS
    named = tuple(option for option in options[field] if option != NOT_KNOWN)
    if field in SETS:
        subsets = (combinations(named, size) for size in range(len(named) + 1))
        return (*chain.from_iterable(subsets), NOT_KNOWN, None)
    return (*named, *((NOT_KNOWN,) if NOT_KNOWN in options[field] else ()), None)
