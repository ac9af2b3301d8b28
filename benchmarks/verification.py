"""What checking the whole profile space costs: profiles a second, beside plainer ways to decide the same.

    python -m benchmarks.verification

The peer is a naive interpreter of the same conditions: it walks the YAML mappings as they are written, one profile at a
time, and works out no more than where they hold. The floor of the fast form is one `&` of two sets of classes.
"""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from flows.explanation.impact import compare
from flows.findings import findings
from flows.knowledge.load import Knowledge, shipped
from flows.profile import Profile
from flows.sequencing.recommend import recommend, rule_on
from flows.space.bit_rules import BitRules
from flows.space.histories import histories
from flows.verification.verify import bases, block_of, steps, told_apart, verify
from flows.when import NOT_KNOWN, Members

ROUNDS = 5
PROFILES = 2_000


def median(call: Callable[[], object], rounds: int = ROUNDS) -> float:
    """The median time of a call, in seconds."""
    took = []
    for _ in range(rounds):
        began = time.perf_counter()
        call()
        took.append(time.perf_counter() - began)
    return statistics.median(took)


def naive(when: Any, view: dict[str, Any]) -> bool | None:
    """A condition as it is written, walked through: True, False or None."""
    truths = [_part(name, wanted, view) for name, wanted in when.items()]
    return False if False in truths else None if None in truths else True


def _part(name: str, wanted: Any, view: dict[str, Any]) -> bool | None:
    if name == "not":
        truth = naive(wanted, view)
        return None if truth is None else not truth
    if name in ("any", "all"):
        truths = [naive(part, view) for part in wanted]
        if name == "all":
            return False if False in truths else None if None in truths else True
        return True if True in truths else None if None in truths else False
    if isinstance(wanted, dict):
        truths = [_operator(name, operator, values, view) for operator, values in wanted.items()]
        return False if False in truths else None if None in truths else True
    allowed = wanted if isinstance(wanted, list) else [wanted]
    value = view[name]
    if NOT_KNOWN in allowed:
        return value is None or value in allowed
    return None if value is None else value in allowed


def _operator(name: str, operator: str, values: Any, view: dict[str, Any]) -> bool | None:
    value = view[name]
    if operator == "known":
        return value in values
    if operator in ("at_least", "at_most"):
        return None if value is None else value >= values if operator == "at_least" else value <= values
    members: Members = value
    wanted = frozenset(values if isinstance(values, list) else [values])
    if operator == "includes_all":
        if wanted <= members.known:
            return True
        return None if members.possible is None or wanted <= members.known | members.possible else False
    some: bool | None = None if members.possible is None or wanted & members.possible else False
    some = True if wanted & members.known else some
    return some if operator == "includes_any" or some is None else not some


def one_tier_changed(knowledge: Knowledge) -> Knowledge:
    """The knowledge with the first option of a row of the second line put one tier lower."""
    rows = list(knowledge.recommendations)
    place = next(number for number, row in enumerate(rows) if row.id == "R05")
    first, *others = rows[place].options
    options = (first.model_copy(update={"tier": "alternative"}), *others)
    rows[place] = rows[place].model_copy(update={"options": options})
    return replace(knowledge, recommendations=tuple(rows))


def main() -> None:
    """Print one row per thing measured."""
    knowledge = shipped()
    distinctions = told_apart(knowledge)
    told = histories(distinctions, 2, early=False)[:4096]
    rules = BitRules(distinctions, told)
    base = next(bases(distinctions))
    changed = steps(distinctions, base)
    block = block_of([base, *({**base, name: value} for name, value in changed)], told)
    chance = random.Random(1)
    profiles = [Profile.model_validate(block.answers(_some(chance, block))) for _ in range(PROFILES)]
    views = [{**findings(profile, knowledge.classes), "out": Members(frozenset())} for profile in profiles]
    conditions = [one.when.source for one in distinctions.conditions]
    rows = (
        ("naive interpreter: the conditions alone", PROFILES, lambda: [
            [naive(when, view) for when in conditions] for view in views]),
        ("compiled conditions alone", PROFILES, lambda: [
            [one.when.holds(view) for one in distinctions.conditions] for view in views]),
        ("rule_on: findings, conditions, ranking", PROFILES, lambda: [rule_on(one, knowledge) for one in profiles]),
        ("recommend: all an answer says", PROFILES, lambda: [recommend(one, knowledge) for one in profiles]),
        ("sets of classes: comparisons, conditions, ranking", block.count, lambda: rules.decide(block)),
        ("  floor: one & over all of them", block.count, lambda: block.full & block.full),
    )  # fmt: skip
    for name, count, call in rows:
        took = median(call)
        print(f"{name:<52} {count / took:>16,.0f} profiles/s")
    impact = compare(knowledge, one_tier_changed(knowledge))
    print(f"{'knowledge diff: one tier changed':<52} {impact.classes / impact.seconds:>16,.0f} profiles/s")
    print(
        f"{'  in all':<52} {impact.seconds:>16.1f} s for {impact.classes:,} classes, {impact.changed:,} of them change"
    )
    found = verify(knowledge)
    print(f"{'verify: every invariant over every class':<52} {found.classes / found.seconds:>16,.0f} profiles/s")
    print(f"{'  in all':<52} {found.seconds:>16.1f} s for {found.classes:,} classes")


def _some(chance: random.Random, block: Any) -> int:
    while True:
        number = chance.randrange(block.length)
        if block.full >> number & 1:
            return number


if __name__ == "__main__":
    main()
