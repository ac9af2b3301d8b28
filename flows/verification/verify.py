"""Every invariant over the profile space: which classes there are, what was found of them, how long it took."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field
from itertools import product
from math import prod
from multiprocessing import get_context
from typing import Any, Literal, NamedTuple

from flows.knowledge.load import Knowledge
from flows.profile import OPTIONS
from flows.questionnaire import GATE_SETS
from flows.sequencing.recommend import rulebook
from flows.space.bit_rules import BitRules, Decided
from flows.space.blocks import Answers, Axis, Block, numbers
from flows.space.distinctions import DECIDING, Distinctions
from flows.space.histories import OF_HISTORY, History, histories
from flows.verification.invariants import CLEAR, COMPARED, INVARIANTS, Checked
from flows.when import NOT_KNOWN

CHUNK = 4_096
"""Histories in one block: what is true of all its classes then fits into a processor's own memory."""
BRAIN = ("brain_metastases", "extracranial_disease")
STOPPING = ("her2_status", "setting", "red_flags", "pregnancy", "performance_status", "leptomeningeal")
"""Fields whose other answers mostly end the ranking: they are varied one at a time."""
SEEN_APART = ("brain_metastases", "extracranial_disease", "hr_status", "tdxd_access")
"""Fields whose answers are all combined with one another."""
BEYOND = tuple(gate for gate, sets in GATE_SETS.items() if not sets)
WITH_EXTRACRANIAL = ("active", "symptomatic")


@dataclass
class Found:
    """What a run found."""

    classes: int = 0
    profiles: int = 0
    """How many profiles they stand for, at least."""
    histories: int = 0
    broken: dict[tuple[str, str], tuple[int, dict[str, Any]]] = field(default_factory=dict)
    """Invariant and what is wrong to the number of classes and the answers of the simplest."""
    held: Counter[str] = field(default_factory=Counter)
    """Entry of the knowledge to the number of classes it decides something for."""
    statuses: Counter[str] = field(default_factory=Counter)
    answers: set[int] = field(default_factory=set)
    """The different rankings with their tiers, each as a hash; of the classes whose other answers are clear."""
    seconds: float = 0.0

    def add(self, other: Found) -> None:
        """Take in what another part of the space gave."""
        self.classes += other.classes
        self.profiles += other.profiles
        self.held.update(other.held)
        self.statuses.update(other.statuses)
        self.answers |= other.answers
        for key, (count, answers) in other.broken.items():
            known = self.broken.get(key)
            simplest = answers if known is None else min(known[1], answers, key=simplicity)
            self.broken[key] = (count + (known[0] if known else 0), simplest)


def simplicity(answers: Mapping[str, Any]) -> tuple[int, int, str]:
    """What sorts the counterexamples: fewer lines, fewer answers that are not the plain ones."""
    lines = answers.get("prior_lines") or ()
    unusual = sum(answers.get(name) not in (value, None) for name, value in CLEAR.items())
    return len(lines), unusual + len(answers.get("early_stage_agents") or ()), repr(sorted(answers.items(), key=str))


def told_apart(knowledge: Knowledge) -> Distinctions:
    """What decides an answer, and what the invariants speak of."""
    return Distinctions(knowledge, DECIDING, COMPARED)


def bases(distinctions: Distinctions) -> Iterator[dict[str, Any]]:
    """The answers that are all combined with one another, the rest clear."""
    told = {name: distinctions.answers(name) for name in SEEN_APART}
    for brain, hormone, access in product(told["brain_metastases"], told["hr_status"], told["tdxd_access"]):
        beyond = told["extracranial_disease"] if brain in WITH_EXTRACRANIAL else (None,)
        for extracranial in beyond:
            yield {
                "her2_status": "positive", "setting": "metastatic", "region": "us", **CLEAR, "hr_status": hormone,
                "brain_metastases": brain, "extracranial_disease": extracranial, "tdxd_access": access,
            }  # fmt: skip


def is_clear(base: Answers) -> bool:
    """Whether everything that is combined is known: such a base is taken with its steps."""
    if any(base[name] in (NOT_KNOWN, None) for name in SEEN_APART if name != "extracranial_disease"):
        return False
    return not (base["brain_metastases"] in WITH_EXTRACRANIAL and base["extracranial_disease"] == NOT_KNOWN)


def steps(distinctions: Distinctions, base: Answers) -> tuple[tuple[str, Any], ...]:
    """Every other answer to one field."""
    return tuple(
        (name, value)
        for name in OPTIONS
        for value in distinctions.answers(name)
        if value != base.get(name)
        and not (name == "extracranial_disease" and base["brain_metastases"] not in WITH_EXTRACRANIAL)
    )


def block_of(answers: Sequence[Answers], told: tuple[History, ...]) -> Block:
    """Each of these sets of answers with every history."""
    moving = [name for name in answers[0] if any(one[name] != answers[0][name] for one in answers)]
    values = [{name: one[name] for name in moving} for one in answers]
    empty = dict.fromkeys(OF_HISTORY)
    fixed = {name: value for name, value in answers[0].items() if name not in moving}
    return Block(fixed, [Axis("answers", values), Axis("history", [{**empty, **one.answers} for one in told])])


def close(distinctions: Distinctions) -> tuple[History, ...]:
    """The histories that are held against every step: up to one line with all that may be before it, up to two."""
    return _united(histories(distinctions, 1), histories(distinctions, 2, early=False))


def _united(*several: Iterable[History]) -> tuple[History, ...]:
    found: dict[tuple[Any, ...], History] = {}
    for some in several:
        found.update((one.told, one) for one in some)
    return tuple(found.values())


def check(
    rules: BitRules,
    answers: Sequence[Answers],
    told: tuple[History, ...],
    changed: tuple[tuple[str, Any], ...],
    met: set[Any],
) -> Found:
    """These answers with these histories, held against every invariant.

    `changed`: what the second and each further set of answers changes of the first. `met`: see `_different`.
    """
    block = block_of(answers, told)
    decided = rules.decide(block)
    new = sum(name not in SEEN_APART for name, _ in changed) if changed else len(answers)
    found = Found(classes=len(told) * new, profiles=_profiles(rules, answers, changed))
    for key, classes in broken_in(Checked(rules, block, decided, answers, changed)).items():
        found.broken[key] = (classes.bit_count(), simplest(block, classes))
    _count(found, block, decided, met, stepped=bool(changed))
    return found


def broken_in(checked: Checked) -> dict[tuple[str, str], int]:
    """Invariant and what is wrong to the classes of a block for which it does not hold."""
    found: dict[tuple[str, str], int] = {}
    for invariant in INVARIANTS:
        for broken in invariant(checked):
            if broken.classes:
                key = (broken.invariant, broken.what)
                found[key] = found.get(key, 0) | broken.classes
    return found


def _profiles(rules: BitRules, answers: Sequence[Answers], changed: tuple[tuple[str, Any], ...]) -> int:
    """How many profiles these classes stand for, at least; what is counted with another base is left out."""
    distinctions = rules.distinctions
    counted = (
        [one for one, (name, _) in zip(answers[1:], changed, strict=True) if name not in SEEN_APART]
        if changed
        else answers
    )
    each = sum(prod(distinctions.alike(field, one.get(field)) for field in OPTIONS) for one in counted)
    return each * rules.stand_for


def simplest(block: Block, classes: int, looked_at: int = 200) -> dict[str, Any]:
    """The answers of the simplest class of a set that is not empty, of the first so many."""
    return min((block.answers(number) for number in numbers(classes, looked_at)), key=simplicity)


def _count(found: Found, block: Block, decided: Decided, met: set[Any], *, stepped: bool) -> None:
    """What each entry decides, which answers there are."""
    ranked = block.full & ~decided.stopped
    for name, where in decided.stops.items():
        found.held[f"stop {name}"] += where.bit_count()
    for name, kleene in decided.excluded.items():
        found.held[f"exclusion {name}"] += kleene.true.bit_count()
    for name, kleene in decided.rows.items():
        found.held[f"row {name}"] += (kleene.true & ranked).bit_count()
    for name, where in decided.used.items():
        found.held[f"option {name}"] += (where & ranked).bit_count()
    for name, skipped in decided.skipped.items():
        found.held[f"question {name}"] += (block.full & ~skipped).bit_count()
    for name, where in ties_in(decided, ranked):
        found.held[f"tie {name}"] += where.bit_count()
    found.statuses["stopped"] += decided.stopped.bit_count()
    found.statuses["conditional"] += (ranked & decided.assumes).bit_count()
    found.statuses["recommend"] += (ranked & ~decided.assumes).bit_count()
    if not stepped:
        found.answers |= _different(block, decided, ranked, met)


def ties_in(decided: Decided, ranked: int) -> Iterator[tuple[str, int]]:
    """Two options that nothing ranks: both in the same place of the same row, with the classes of both."""
    known: dict[tuple[int, int, int], tuple[str, int]] = {}
    for name, places in decided.places.items():
        for place in places:
            other, where = known.get(place[:3], ("", 0))
            if both := where & place.classes & ranked:
                yield f"{other}, {name}", both
            known[place[:3]] = (name, place.classes)


def _different(block: Block, decided: Decided, ranked: int, met: set[Any]) -> set[int]:
    """The different rankings of a block, as hashes: which place each regimen has.

    Eight classes that stand side by side are looked at together, and not again where such eight were `met` before.
    """
    size = block.length // 8
    columns = {
        f"{name} {place[:3]}": place.classes & ranked for name, places in decided.places.items() for place in places
    }
    names = sorted(name for name, where in columns.items() if where)
    told = [columns[name].to_bytes(size, "little") for name in names]
    marks = tuple(map(hash, names))
    found = set()
    for eight in set(zip(*told, strict=True)):
        key = tuple((mark, byte) for mark, byte in zip(marks, eight, strict=True) if byte)
        if key in met:
            continue
        met.add(key)
        for bit in range(8):
            found.add(hash(tuple(mark for mark, byte in key if byte >> bit & 1)))
    return found


# ---- over both cores ---------------------------------------------------------------------------------------------

_KNOWLEDGE: Knowledge | None = None


class Part(NamedTuple):
    """A part of the space: which histories, and whether each base is taken with its steps."""

    histories: Literal["close", "early", "long"]
    """`early`: two lines with all that may be before them; `long`: three lines."""
    half: int | None = None


PARTS = (Part("long"), Part("early"), Part("close", 0), Part("close", 1))
"""The longest first, so that no process waits for another at the end."""


def _check_part(part: Part) -> tuple[Found, float]:
    """One part, in a process of its own."""
    assert _KNOWLEDGE is not None
    distinctions = told_apart(_KNOWLEDGE)
    if part.histories == "close":
        told = close(distinctions)[part.half :: 2]
    else:
        told = histories(distinctions, 2) if part.histories == "early" else histories(distinctions, 3, early=False)
        known = {one.told for one in close(distinctions)}
        told = tuple(one for one in told if one.told not in known)
    every = tuple(bases(distinctions))
    found = Found(histories=len(told))
    met: set[Any] = set()
    began = time.perf_counter()
    for first in range(0, len(told), CHUNK):
        mine = told[first : first + CHUNK]
        rules = BitRules(distinctions, mine)
        found.add(check(rules, every, mine, (), met))
        if part.half == 0 and first == 0:  # what a profile cannot hold, and the dialogue asks before there is one
            for gate in BEYOND:
                found.add(check(rules, [{**every[0], "gate": gate}], mine, (), met))
        for base in every if part.histories == "close" else ():
            if not is_clear(base):
                continue
            changed = steps(distinctions, base)
            found.add(check(rules, [base, *({**base, name: value} for name, value in changed)], mine, changed, met))
    return found, time.perf_counter() - began


def verify(
    knowledge: Knowledge, progress: Callable[[int, int], None] | None = None, parts: Sequence[Part] = PARTS
) -> Found:
    """Check every invariant over every class. Uses as many processes as there are processors."""
    global _KNOWLEDGE  # noqa: PLW0603  (read by the processes that are forked from this one)
    began = time.perf_counter()
    _KNOWLEDGE = knowledge
    rulebook(knowledge)
    found = Found()
    with ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("fork")) as pool:
        waiting = [pool.submit(_check_part, part) for part in parts]
        for done, future in enumerate(as_completed(waiting), 1):
            part, _ = future.result()
            found.add(part)
            found.histories += part.histories
            if progress is not None:
                progress(done, len(parts))
    found.seconds = time.perf_counter() - began
    return found
