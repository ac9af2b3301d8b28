"""Wrong knowledge made by rule, to see that the checks find it: `python -m tests.knowledge_mutants`.

Every mutant is a folder of knowledge with one entry changed, as an edit of a YAML file would change it. It is caught by
the loader (it is refused), by the rows of tests/profiles (another advice than the dossier's), or by `triage verify`.
"""

from __future__ import annotations

import itertools
import random
import shutil
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import yaml

from flows.knowledge.load import SHIPPED, Knowledge, KnowledgeError, load
from flows.plain_yaml import read_yaml
from flows.sequencing.recommend import recommend
from flows.verification.verify import verify
from messages.words import ENGLISH, read_words
from tests.test_profiles import all_rows, wrong_in

Entries = list[dict[str, Any]]
EQUIVALENT: Mapping[str, str] = {
    "R01_without_chemotherapy: hr_status": "endocrine options are excluded with negative receptors by another rule, "
    "and R23 places the others at least as well",
    "R13: brain_metastases": "with other brain states R12 gives the same tier or a better one",
    "R15: out": "R12, R13, R16, R16_before_both or R16_brain prefer the tucatinib triplet already",
    "R16_before_both: not": "R16 and R16_brain place the same; only which unknown is asked first may differ",
    "R16_brain: any": "R16_before_both places at least as well",
    "R17: out": "R18 prefers T-DM1 unless it is out, and then nothing places it",
    "R04: not": "its T-DM1 option has the same condition of its own, and R05 prefers the tucatinib triplet then",
    "capecitabine_received: progressed_on": "capecitabine_progressed rules out the same regimens",
    "her2_tki_earlier: last_line": "her2_tki_after_her2_tki rules out the same regimens",
}
"""Mutants of conditions that change no advice, and why: found by nothing, because there is nothing to find.

2,500 random profiles for which the changed condition comes out otherwise gave no other advice, each.
"""


class Mutant(NamedTuple):
    """One change: of which kind, of which entry, in which file, to what the file then holds."""

    kind: str
    entry: str
    file: str
    content: Any


def mutants() -> Iterator[Mutant]:
    """Every mutant there is, by kind."""
    for make in (
        _exclusions_dropped, _stops_removed, _cautions_deleted, _tiers_swapped, _rows_widened, _unknown_forgotten,
        _facts_moved, _intervals_broken, _conditions_turned,
    ):  # fmt: skip
        yield from make()


def _files(folder: str) -> Iterator[tuple[str, Any]]:
    for path in sorted((SHIPPED / folder).glob("*.yaml")):
        yield path.relative_to(SHIPPED).as_posix(), read_yaml(path.read_text("utf-8"))


def _each(folder: str) -> Iterator[tuple[str, Entries, int]]:
    for file, content in _files(folder):
        if isinstance(content, list):
            for number in range(len(content)):
                yield file, content, number


def _without(entries: Entries, number: int) -> Entries:
    return [*entries[:number], *entries[number + 1 :]]


def _changed(entries: Entries, number: int, change: Callable[[dict[str, Any]], Any]) -> Entries:
    copy = deepcopy(entries)
    change(copy[number])
    return copy


def _exclusions_dropped() -> Iterator[Mutant]:
    for file, entries, number in _each("safety"):
        if entries[number].get("kind") == "exclusion":
            yield Mutant("an exclusion is dropped", entries[number]["id"], file, _without(entries, number))


def _cautions_deleted() -> Iterator[Mutant]:
    for file, entries, number in _each("safety"):
        if entries[number].get("kind") == "caution":
            yield Mutant("a caution is deleted", entries[number]["id"], file, _without(entries, number))


def _stops_removed() -> Iterator[Mutant]:
    for file, entries, number in _each("safety"):
        if "outcome" in entries[number]:
            yield Mutant("a hard stop is removed", entries[number]["id"], file, _without(entries, number))


def _tiers_swapped() -> Iterator[Mutant]:
    """The first two options of a row that have different tiers change tier and place."""
    for file, entries, number in _each("recommendations"):
        options = entries[number].get("options", [])
        two = next(((a, b) for a, b in itertools.pairwise(options) if a["tier"] != b["tier"]), None)
        if two is None:
            continue
        first = options.index(two[0])

        def swap(entry: dict[str, Any], first: int = first) -> None:
            one, other = entry["options"][first], entry["options"][first + 1]
            one["tier"], other["tier"] = other["tier"], one["tier"]
            entry["options"][first], entry["options"][first + 1] = other, one

        yield Mutant("two tiers are swapped", entries[number]["id"], file, _changed(entries, number, swap))


def _rows_widened() -> Iterator[Mutant]:
    """A row, or an exclusion of two conditions, holds without its last condition."""
    for folder in ("recommendations", "safety"):
        for file, entries, number in _each(folder):
            when = entries[number].get("when")
            if isinstance(when, dict) and len(when) > 1:
                last = list(when)[-1]
                content = _changed(entries, number, lambda entry, last=last: entry["when"].pop(last))
                yield Mutant("a condition is widened", f"{entries[number]['id']}: {last}", file, content)


def _unknown_forgotten() -> Iterator[Mutant]:
    """A condition that also holds where an answer is not known holds only where it is known."""
    for folder in ("recommendations", "safety"):
        for file, entries, number in _each(folder):
            copy = deepcopy(entries)
            if _forget(copy[number].get("when")):
                yield Mutant("not known is forgotten", entries[number]["id"], file, copy)


def _forget(when: Any) -> bool:
    forgot = False
    if isinstance(when, dict):
        for name, wanted in when.items():
            if isinstance(wanted, list) and "unknown" in wanted and len(wanted) > 1:
                when[name] = [value for value in wanted if value != "unknown"]
                forgot = True
            else:
                forgot = _forget(wanted) or forgot
    elif isinstance(when, list):
        forgot = any(_forget(part) for part in when)
    return forgot


def _facts_moved() -> Iterator[Mutant]:
    """A regimen cites the harms and the efficacy of another."""
    regimens = [(file, content) for file, content in _files("regimens") if content.get("efficacy")]
    for (file, content), (_, other) in zip(regimens, regimens[1:] + regimens[:1], strict=True):
        yield Mutant("a fact of another regimen", content["id"], file, {**content, "efficacy": other["efficacy"]})


def _intervals_broken() -> Iterator[Mutant]:
    """A row about the time since adjuvant therapy is about another time."""
    turned = {"within_6": "over_12", "within_12": "over_12", "over_12": "within_6", "none": "within_6"}
    for file, entries, number in _each("recommendations"):
        relapse = (entries[number].get("when") or {}).get("relapse")
        if relapse is None:
            continue
        listed = relapse if isinstance(relapse, list) else [relapse]
        other = list(dict.fromkeys(turned[value] for value in listed))
        content = _changed(entries, number, lambda entry, other=other: entry["when"].update(relapse=other))
        yield Mutant("an interval is broken", entries[number]["id"], file, content)


def _conditions_turned() -> Iterator[Mutant]:
    """An exclusion holds exactly where it does not."""
    for file, entries, number in _each("safety"):
        if entries[number].get("kind") == "exclusion" and entries[number].get("when"):
            content = _changed(entries, number, lambda entry: entry.update(when={"not": entry["when"]}))
            yield Mutant("an exclusion is turned round", entries[number]["id"], file, content)


def caught_by(mutant: Mutant, *, exhaustively: bool = True) -> str | None:
    """What finds a mutant: `the loader`, `the profile tables`, `verify`; None where nothing does."""
    with TemporaryDirectory() as folder:
        copy = Path(folder) / "knowledge"
        shutil.copytree(SHIPPED, copy, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
        (copy / mutant.file).write_text(yaml.safe_dump(mutant.content, sort_keys=False, allow_unicode=True), "utf-8")
        try:
            knowledge = load(copy)
            read_words(ENGLISH, knowledge)
        except KnowledgeError:
            return "the loader"
    if _another_advice(knowledge):
        return "the profile tables"
    return "verify" if exhaustively and verify(knowledge).broken else None


def _another_advice(knowledge: Knowledge) -> bool:
    return any(wrong_in(row, recommend(row.profile, knowledge, row.gate)) for row in all_rows())


def chosen(of_each: int, seed: int = 7) -> list[Mutant]:
    """So many mutants of each kind, the same ones every time."""
    by_kind: dict[str, list[Mutant]] = {}
    for mutant in mutants():
        by_kind.setdefault(mutant.kind, []).append(mutant)
    chance = random.Random(seed)
    return [mutant for found in by_kind.values() for mutant in chance.sample(found, min(of_each, len(found)))]


def main(of_each: int) -> int:
    """Print what finds each kind of mutant, and which nothing does."""
    caught: Counter[tuple[str, str]] = Counter()
    survivors = []
    for mutant in chosen(of_each):
        by = caught_by(mutant) or "nothing"
        caught[mutant.kind, by] += 1
        if by == "nothing":
            survivors.append(mutant)
    kinds = dict.fromkeys(kind for kind, _ in caught)
    columns = ("the loader", "the profile tables", "verify", "nothing")
    print(f"{'':<32}" + "".join(f"{name:>20}" for name in columns))
    for kind in kinds:
        print(f"{kind:<32}" + "".join(f"{caught[kind, name]:>20}" for name in columns))
    for mutant in survivors:
        print(f"not found: {mutant.kind}: {mutant.entry}: {EQUIVALENT.get(mutant.entry, 'no reason is known')}")
    print(f"{len(survivors)} of {sum(caught.values())} are found by nothing")
    return int(any(mutant.entry not in EQUIVALENT for mutant in survivors))


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000))
