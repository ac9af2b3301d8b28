"""What explaining an answer costs: what holds under missing data, what would change it, and both answers side by side.

    python -m benchmarks.explanation

The peer of each row does the same with the sequencing alone, one profile at a time. A plain `recommend` is the floor.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

from benchmarks.verification import median
from flows.explanation.changes import MODIFIABLE, Changed, changed, changes, changes_of
from flows.explanation.missing import missing, missing_of
from flows.knowledge.load import Knowledge, shipped
from flows.profile import OPTIONS, Profile
from flows.sequencing.advice import Advice
from flows.sequencing.recommend import recommend, rule_on
from flows.when import NOT_KNOWN
from messages.card import card
from messages.comparison import comparison
from messages.words import english

ROUNDS = 25
CLEAR: dict[str, Any] = {
    "ild_history": "absent", "lvef": "normal", "hepatic_impairment": "none", "renal_impairment": "none",
    "dpd_deficiency": "none", "platelets": "normal", "pregnancy": "absent", "interacting_medicines": (),
    "chemotherapy": "suitable", "performance_status": "ecog_0_2", "leptomeningeal": "absent", "red_flags": (),
}  # fmt: skip
SECOND_LINE: dict[str, Any] = {
    "her2_status": "positive", "setting": "metastatic", "early_stage_agents": (),
    "prior_lines": ({"agents": ("docetaxel", "carboplatin", "trastuzumab"), "outcome": "progression"},),
}  # fmt: skip
KNOWN: dict[str, Any] = {"brain_metastases": "none", "hr_status": "negative", "tdxd_access": "unavailable"}
CASES: dict[str, dict[str, Any]] = {
    "access to T-DXd not known": {**SECOND_LINE, **CLEAR, **KNOWN, "tdxd_access": NOT_KNOWN},
    "brain and receptors not known": {
        **SECOND_LINE, **CLEAR, "brain_metastases": NOT_KNOWN, "hr_status": NOT_KNOWN, "tdxd_access": "unavailable"
    },
    "the checklist not asked": {**SECOND_LINE, **KNOWN},
    "nothing but the lines known": {name: SECOND_LINE[name] for name in ("her2_status", "setting", "prior_lines")},
}  # fmt: skip


def each_way(profile: Profile, fields: tuple[str, ...], knowledge: Knowledge, most: int = 2_000) -> int:
    """Every way open answers can turn out, decided one by one: the first `most` of them. How many there are in all."""
    values = [[option for option in OPTIONS[field] if option != NOT_KNOWN] for field in fields if field in OPTIONS]
    ways = 1
    for options in values:
        ways *= len(options)
    for _, way in zip(range(most), product(*values), strict=False):
        told = {
            field: (value,) if field == "interacting_medicines" else value
            for field, value in zip(fields, way, strict=True)
        }
        rule_on(profile.model_copy(update=told), knowledge)
    return ways


def each_change(advice: Advice) -> None:
    """Every change, and every two, decided one by one."""
    singles = [
        Changed(field, None, value)
        for field in MODIFIABLE
        for value in OPTIONS[field]
        if value not in (NOT_KNOWN, getattr(advice.profile, field))
    ]
    for at, one in enumerate(singles):
        rule_on(changed(advice.profile, (one,)), advice.knowledge)
        for two in singles[at + 1 :]:
            if two.field != one.field:
                rule_on(changed(advice.profile, (one, two)), advice.knowledge)


def anew(work: Callable[[], object]) -> None:
    """Worked out, and not taken from what is kept of the last answers."""
    missing_of.cache_clear()
    changes_of.cache_clear()
    work()


def main() -> None:
    """Print one row per thing measured."""
    knowledge = shipped()
    words = english(knowledge)
    print("| what | ms | one by one, ms | the answer alone, ms |")
    print("|---|---|---|---|")
    for name, answers in CASES.items():
        profile = Profile.model_validate(answers)
        advice = recommend(profile, knowledge)
        found = missing(advice)
        assert found is not None
        fields = tuple(field for field in found.open if field in OPTIONS)
        most = 2_000
        ways = each_way(profile, fields, knowledge, 1)
        plain = median(lambda: each_way(profile, fields, knowledge, most), 3) * max(1, ways / most)  # noqa: B023
        took = median(lambda: anew(lambda: missing(advice)), ROUNDS)  # noqa: B023
        alone = median(lambda: recommend(profile, knowledge), ROUNDS)  # noqa: B023
        print(f"| {name} ({ways:,} ways) | {took * 1e3:.1f} | {plain * 1e3:,.0f} | {alone * 1e3:.2f} |")
    profile = Profile.model_validate({**SECOND_LINE, **CLEAR, **KNOWN})
    advice = recommend(profile, knowledge)
    alone = median(lambda: recommend(profile, knowledge), ROUNDS)
    took, plain = median(lambda: anew(lambda: changes(advice)), ROUNDS), median(lambda: each_change(advice), 5)
    print(f"| what would change it | {took * 1e3:.1f} | {plain * 1e3:.1f} | {alone * 1e3:.2f} |")
    change = changes(advice)[0]
    then = recommend(changed(profile, change.answers), knowledge)
    took = median(lambda: changes(advice), ROUNDS)
    print(f"| what would change it, asked again: it is kept | {took * 1e3:.3f} | | {alone * 1e3:.2f} |")
    took = median(lambda: comparison(advice, then, change.answers, words), ROUNDS)
    print(f"| two answers side by side, in words | {took * 1e3:.2f} | | {alone * 1e3:.2f} |")
    took = median(lambda: anew(lambda: card(advice, words)), ROUNDS)
    print(f"| the whole answer as a card, for comparison | {took * 1e3:.1f} | | {alone * 1e3:.2f} |")


if __name__ == "__main__":
    main()
