"""The checks over the whole profile space: that they are of the sequencing that runs, that they hold, and can fail."""

from __future__ import annotations

import itertools
import random
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.verification import invariants
from flows.findings import findings
from flows.knowledge import shipped
from flows.knowledge.load import Knowledge
from flows.profile import FIELDS, OPTIONS, Profile
from flows.sequencing.advice import Advice
from flows.sequencing.recommend import recommend, rule_on
from flows.space.bit_rules import BitRules
from flows.space.blocks import Axis, Block, Kleene, numbers
from flows.space.distinctions import DECIDING, SEEN_BY_THE_SEQUENCING, SETS, Distinctions
from flows.space.histories import MONTHS, histories, stands_for
from flows.verification.invariants import Checked, only_the_profile_decides
from flows.verification.verify import bases, block_of, check, steps, ties_in, told_apart
from flows.when import Atom
from tests.knowledge_mutants import EQUIVALENT, Mutant, caught_by, chosen, mutants
from tests.test_sequencing_properties import SETTINGS, anything, profile_of

KNOWLEDGE = shipped()
EVERYTHING = Distinctions(KNOWLEDGE)
OPEN = {"her2_status": "positive", "setting": "metastatic", "red_flags": (), "performance_status": "ecog_0_2",
        "pregnancy": "absent"}  # fmt: skip
"""Answers with which drugs are ranked."""
OF_EACH_KIND = 5
"""Mutants of the knowledge that are made of each kind; `python -m tests.knowledge_mutants` makes all of them."""


# ---- the fast form is the plain one --------------------------------------------------------------------------------


def test_a_block_decides_what_the_sequencing_decides() -> None:
    """The checks are of something else than the answers: what holds for a block does not hold for a patient."""
    chance = random.Random(12)
    distinctions = Distinctions(KNOWLEDGE, DECIDING)
    told = tuple(chance.sample(histories(distinctions, 2), 600))
    rules = BitRules(distinctions, told)
    compared = 0
    for _ in range(40):
        block = _block(chance, distinctions, [dict(_NOTHING, **one.answers) for one in told])
        decided = rules.decide(block)
        for number in chance.sample(range(block.length), 30):
            if block.full >> number & 1:
                _compare(block.answers(number), decided, number)
                compared += 1
    assert compared > 1_000


_NOTHING = dict.fromkeys(("prior_lines", "early_stage_agents", "months_since_adjuvant_her2"))


def _block(chance: random.Random, distinctions: Distinctions, told: list[dict[str, Any]]) -> Block:
    """Random answers, two fields of them along axes."""
    fixed = {field: chance.choice(distinctions.answers(field)) for field in OPTIONS}
    if chance.random() < 0.9:
        fixed.update(OPEN)
    if chance.random() < 0.6:
        fixed["leptomeningeal"] = "absent"
    moving = chance.sample([field for field in fixed if field not in OPEN], 2)
    axes = [Axis(field, [{field: value} for value in distinctions.answers(field)]) for field in moving]
    kept = {field: value for field, value in fixed.items() if field not in moving}
    return Block(kept, [*axes, Axis("history", told)])


def _compare(answers: dict[str, Any], decided: Any, number: int) -> None:
    def here(classes: int) -> bool:
        return bool(classes >> number & 1)

    profile = Profile.model_validate(answers)
    ruling = rule_on(profile, KNOWLEDGE)
    assert [name for name, where in decided.stops.items() if here(where)] == [stop.id for stop in ruling.stops], answers
    ranked = sorted(
        (place[:3], name) for name, places in decided.places.items() for place in places if here(place.classes)
    )
    excluded = {rule.id for rules in ruling.excluded.values() for rule in rules}
    assert {name for name, where in decided.excluded.items() if here(where.true)} == excluded, answers
    if not ruling.stops:
        assert [name for _, name in ranked] == list(ruling.order), answers
        assert [place[0] for place, _ in ranked] == [place.tier for place in ruling.places], answers
        advice = recommend(profile, KNOWLEDGE)
        assert advice.status == ("conditional" if here(decided.assumes) else "recommend"), answers


def test_classes_are_numbered_and_found() -> None:
    """A class is counted twice or never, or the counterexample shown is another profile than the one found."""
    block = Block({"hr_status": "positive"}, [
        Axis("one", [{"lvef": "normal"}, {"lvef": "reduced"}, {"lvef": "unknown"}]),
        Axis("history", [{"region": value} for value in ("us", "eu", "china", None)]),
    ])  # fmt: skip
    assert block.count == 12
    found = [tuple(sorted(block.answers(number).items())) for number in numbers(block.full, 100)]
    assert len(set(found)) == 12
    (number,) = numbers(block.lift("one", [1]) & block.lift("history", [2]), 5)
    assert block.answers(number) == {"hr_status": "positive", "lvef": "reduced", "region": "china"}
    assert block.whole(block.part(block.lift("history", [2]), 1), 1) == 1 << number


def test_three_values() -> None:
    """Not known counts as no, or as yes, in some combination."""
    yes, no, open_ = Kleene(1, 0), Kleene(0, 1), Kleene(0, 0)
    assert [one.both(other) for one in (yes, no, open_) for other in (yes, no, open_)] == [
        yes, no, open_, no, no, no, open_, no, open_,
    ]  # fmt: skip
    assert [one.either(other) for one in (yes, no, open_) for other in (yes, no, open_)] == [
        yes, yes, yes, yes, no, open_, yes, open_, open_,
    ]  # fmt: skip
    assert (~yes, ~no, ~open_) == (no, yes, open_)


# ---- a class stands for its profiles -------------------------------------------------------------------------------


def _class_of(profile: Profile) -> tuple[Any, ...]:
    """How every comparison of every condition comes out for a profile, and what was not answered at all."""
    view = findings(profile, KNOWLEDGE.classes)
    seen = tuple(
        (name, EVERYTHING.seen(name, view[name])) for name in sorted(EVERYTHING.atoms) if name not in ("out", "gate")
    )
    return seen, tuple(getattr(profile, field) is None for field in SEEN_BY_THE_SEQUENCING)


def _said(advice: Advice) -> Any:
    """Everything an advice says but for the answers it repeats."""
    return (
        advice.status, [reason.stop.id for reason in advice.reasons], advice.steps, advice.principles, advice.pitfalls,
        [(option.regimen.id, option.tier, option.text, option.row.id, option.assumes, option.grades, option.strength,
          option.fit, option.cautions, option.partners, option.facts) for option in advice.options],
        [(entry.regimen.id, entry.rule, entry.text, entry.facts) for entry in advice.excluded],
        advice.assumptions, advice.unknowns, advice.ask_next,
    )  # fmt: skip


def _another(profile: Profile, chance: random.Random) -> Profile:
    """A profile of other answers that no condition tells apart: other drugs of the same kind, other months."""
    kin = {agent: kind for kind in EVERYTHING.kinds_of_agents for agent in kind}
    answers: dict[str, Any] = {
        field: getattr(profile, field) for field in FIELDS if getattr(profile, field) is not None
    }
    for field in tuple(answers):
        if field == "prior_lines":
            answers[field] = [
                {"agents": [chance.choice(kin[agent]) for agent in line.agents], "outcome": line.outcome}
                for line in answers[field]
            ]
        elif field == "early_stage_agents" and not isinstance(answers[field], str):
            answers[field] = [chance.choice(kin[agent]) for agent in answers[field]]
        elif field == "months_since_adjuvant_her2" and isinstance(answers[field], int):
            bounds = (-1, *MONTHS[:2], 720)
            below, above = next(pair for pair in itertools.pairwise(bounds) if answers[field] <= pair[1])
            answers[field] = chance.randint(below + 1, above)
        elif field in OPTIONS and field not in SETS:
            answers[field] = chance.choice([value for value in OPTIONS[field] if _alike(field, value, answers[field])])
    return Profile.model_validate(answers)


def _alike(field: str, one: str, other: str) -> bool:
    shown = [None if value == "unknown" else value for value in (one, other)]
    return EVERYTHING.seen(field, shown[0]) == EVERYTHING.seen(field, shown[1])


@SETTINGS
@given(anything(), st.randoms(use_true_random=False))
def test_profiles_no_condition_tells_apart_get_the_same_advice(document: dict[str, Any], chance: random.Random) -> None:
    """A class does not stand for its profiles: what was checked of one patient does not hold for another."""
    profile = profile_of(document)
    other = _another(profile, chance)
    assert _class_of(other) == _class_of(profile)
    assert _said(recommend(other, KNOWLEDGE)) == _said(recommend(profile, KNOWLEDGE))


@SETTINGS
@given(anything())
def test_every_answer_is_of_a_class(document: dict[str, Any]) -> None:
    """An answer is in no class: what is asked of patients and what is checked are different things."""
    profile = profile_of(document)
    for field in OPTIONS:
        value = getattr(profile, field)
        shown = None if value == "unknown" else value
        if field not in SETS:
            answers = [None if answer == "unknown" else answer for answer in EVERYTHING.answers(field)]
            assert any(EVERYTHING.seen(field, answer) == EVERYTHING.seen(field, shown) for answer in answers), field


# ---- what holds, and that it can fail --------------------------------------------------------------------------------


def test_every_invariant_says_what_it_is_of() -> None:
    """A line of the report names no line of SAFETY.md."""
    for name, says in invariants():
        assert all(part.startswith("S") and part[1:].isdigit() for part in name.split(", ")), name
        assert says.endswith(".")


@cache
def _mutants() -> list[Mutant]:
    return chosen(OF_EACH_KIND)


def test_there_are_mutants_of_every_kind() -> None:
    """A kind of mistake is never tried."""
    assert len(_mutants()) >= 40
    assert len({mutant.kind for mutant in _mutants()}) == 9


@pytest.mark.parametrize("number", range(4))
def test_wrong_knowledge_is_found(number: int) -> None:
    """A dropped exclusion, a swapped tier, a forgotten unknown would be shipped and every check would pass."""
    mine = [mutant for mutant in _mutants()[number::4] if mutant.entry not in EQUIVALENT]
    assert [f"{one.kind}: {one.entry}" for one in mine if caught_by(one, exhaustively=False) is None] == []


def test_few_mutants_are_equivalent() -> None:
    """The list of mutants that nothing finds grows, and with it what nobody would notice."""
    every = {mutant.entry for mutant in mutants()}
    assert EQUIVALENT.keys() <= every
    assert len(EQUIVALENT) * 20 <= len(every)


def test_the_invariants_find_what_is_wrong_by_themselves() -> None:
    """The invariants pass whatever the knowledge holds: only the tables of patients would find anything."""
    for rule, invariant in (
        ("t_dxd_ild_history", "S20"),
        ("her2_tki_after_her2_tki", "S18"),
        ("capecitabine_progressed", "S16"),
    ):
        dropped = replace(KNOWLEDGE, rules=tuple(one for one in KNOWLEDGE.rules if one.id != rule))
        assert len(dropped.rules) == len(KNOWLEDGE.rules) - 1, rule
        assert invariant in _broken(dropped), rule
    for stop, invariant in (("pregnancy", "S3"), ("red_flag", "S4"), ("her2_low", "S3")):
        dropped = replace(KNOWLEDGE, stops=tuple(one for one in KNOWLEDGE.stops if one.id != stop))
        assert invariant in _broken(dropped), stop
    assert _broken(KNOWLEDGE) == set()


def _broken(knowledge: Knowledge) -> set[str]:
    """The invariants that do not hold for some class near one base."""
    distinctions = told_apart(knowledge)
    told = histories(distinctions, 2, early=False)[::9]
    base = next(iter(bases(distinctions)))
    changed = steps(distinctions, base)
    every = [base, *({**base, name: value} for name, value in changed)]
    return {name for name, _ in check(BitRules(distinctions, told), every, told, changed, set()).broken}


def test_every_answer_is_counted_with_its_class() -> None:
    """Were it to fail, the report says that the classes stand for more profiles, or fewer, than they do."""
    distinctions = told_apart(KNOWLEDGE)
    for field in OPTIONS:
        answers = distinctions.answers(field)
        possible = 2 ** (len(OPTIONS[field]) - ("unknown" in OPTIONS[field])) if field in SETS else len(OPTIONS[field])
        nothing = 1 + (field in SETS and "unknown" in OPTIONS[field])  # not asked; for a set also not known
        assert sum(distinctions.alike(field, answer) for answer in answers) == possible + nothing, field
    one = next(history for history in histories(distinctions, 1) if history.months == MONTHS[0])
    assert stands_for(one, distinctions) % (MONTHS[0] + 1) == 0


def test_two_options_in_one_place_are_a_tie() -> None:
    """S15: were it to fail, nothing ranks two options against one another and nobody is told."""
    distinctions = told_apart(KNOWLEDGE)
    told = histories(distinctions, 1, early=False)[:50]
    rules = BitRules(distinctions, told)
    decided = rules.decide(block_of([next(bases(distinctions))], told))
    assert not list(ties_in(decided, ~decided.stopped))
    name, places = next((name, places) for name, places in decided.places.items() if any(p.classes for p in places))
    doubled = decided._replace(places={**decided.places, "another": places})
    assert {tie for tie, _ in ties_in(doubled, ~decided.stopped)} == {f"{name}, another"}


def test_what_is_no_answer_of_the_profile_is_found() -> None:
    """S21: were it to fail, a rule may read the channel or the reader's role."""
    spoken = Atom("channel", "is", ("telegram",))
    distinctions = Distinctions(KNOWLEDGE, DECIDING, (spoken,))
    told = histories(distinctions, 0, early=False)
    base = next(bases(distinctions))
    rules = BitRules(distinctions, told)
    block = block_of([base], told)
    checked = Checked(rules, block, rules.decide(block), [base], ())
    assert [broken.invariant for broken in only_the_profile_decides(checked)] == ["S21"]
