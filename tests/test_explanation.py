"""What an answer would be under other answers: what holds whatever is not known, where the ways part, what would
change it. Each statement is held against the sequencing itself, profile by profile."""

from __future__ import annotations

import random
from itertools import combinations, product
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from flows.explanation.changes import (
    INHERITED,
    MODIFIABLE,
    MOST,
    STAYS,
    TO_LOOK_AT,
    Change,
    Changed,
    answers_of,
    change_place,
    changed,
    changes,
)
from flows.explanation.missing import MOST_BRANCHES, USUAL, Missing, ask_next, missing
from flows.knowledge import shipped
from flows.profile import FIELDS, OPTIONS, OUTCOMES, Profile
from flows.sequencing.advice import Advice
from flows.sequencing.recommend import Ruling, recommend, rule_on
from flows.when import NOT_KNOWN
from messages.comparison import comparison
from messages.document import advice_document
from messages.open_answers import in_words
from messages.words import english
from tests.test_sequencing_properties import EARLY, MONTHS, SETTINGS, documents

KNOWLEDGE = shipped()
WORDS = english(KNOWLEDGE)
FEW = settings(SETTINGS, max_examples=40)
RANKED = {"her2_status": "positive", "setting": "metastatic", "red_flags": (), "pregnancy": "absent",
          "performance_status": "ecog_0_2", "leptomeningeal": "absent"}  # fmt: skip
SECOND_LINE: dict[str, Any] = {
    **RANKED, "prior_lines": [{"agents": ["docetaxel", "carboplatin", "trastuzumab"], "outcome": "progression"}],
    "early_stage_agents": (), "hr_status": "negative", "brain_metastases": "none", "tdxd_access": "unavailable",
    **{field: value for field, value in USUAL.items() if field not in RANKED and field != "tdxd_access"},
    "interacting_medicines": (),
}  # fmt: skip
"""The classic case, everything known."""


GIVEN = (("t_dm1",), ("capecitabine",), ("trastuzumab", "taxane"), ("tucatinib", "capecitabine", "trastuzumab"))
"""What a line may have been of which nobody knows what it was."""


def advice_on(**answers: Any) -> Advice:
    return recommend(Profile.model_validate({**SECOND_LINE, **answers}), KNOWLEDGE)


@st.composite
def ranked(draw: st.DrawFn) -> Profile:
    """A profile that drugs are ranked for, some of it open."""
    profile = Profile.model_validate({**draw(documents(known=False)), **RANKED})
    assume(rule_on(profile, KNOWLEDGE).order)
    return profile


# ---- what holds whatever is not known --------------------------------------------------------------------------------


def one_way(profile: Profile, open_fields: tuple[str, ...], chance: random.Random) -> Profile:
    """The profile with every open answer given, at random."""
    told: dict[str, Any] = {}
    for field in open_fields:
        if field == "prior_lines":
            told[field] = tuple(
                line.model_copy(
                    update={
                        "agents": line.agents
                        or chance.choice([("t_dm1",), ("capecitabine",), ("trastuzumab", "taxane")]),
                        "outcome": line.outcome
                        if line.outcome not in (None, NOT_KNOWN)
                        else chance.choice([outcome for outcome in OUTCOMES if outcome not in (NOT_KNOWN, "ongoing")]),
                    }
                )
                for line in profile.prior_lines or ()
            )
        elif field == "early_stage_agents":
            told[field] = chance.choice(EARLY)
        elif field == "months_since_adjuvant_her2":
            told[field] = chance.choice(MONTHS)
        elif field == "interacting_medicines":
            options = [option for option in OPTIONS[field] if option != NOT_KNOWN]
            told[field] = tuple(chance.sample(options, chance.choice([0, 0, 1, 2])))
        else:
            told[field] = chance.choice([option for option in OPTIONS[field] if option != NOT_KNOWN])
    return profile.model_copy(update=told)


@FEW
@given(profile=ranked(), seed=st.integers(0, 2**16))
def test_what_holds_in_every_case_holds(profile: Profile, seed: int) -> None:
    """S11: were it to fail, an answer under missing data promises an option that an open answer rules out."""
    advice = recommend(profile, KNOWLEDGE)
    found = missing(advice)
    if found is None:
        return
    chance = random.Random(seed)
    for _ in range(12):
        ruling = rule_on(one_way(advice.profile, found.open, chance), KNOWLEDGE)
        if ruling.stops:
            continue
        assert set(found.always) <= set(ruling.order), (found.always, ruling.order)
        if found.first is not None:
            assert ruling.order[0] == found.first
        given_steps = {step.step for row, truth in ruling.rows if truth for step in row.steps}
        assert set(found.steps) <= given_steps


def test_nothing_is_left_out_where_little_is_open() -> None:
    """Were it to fail, an option that every answer leaves is not said to hold: the exact look is not exact."""
    told = {"lvef": NOT_KNOWN, "dpd_deficiency": NOT_KNOWN, "brain_metastases": NOT_KNOWN}
    advice = advice_on(**told)
    found = missing(advice)
    assert found is not None
    orders: list[Ruling] = []
    for brain in ("none", "not_imaged", "stable", "active", "symptomatic"):
        for lvef in ("normal", "reduced"):
            for dpd in ("none", "partial", "complete"):
                for extracranial in ("controlled", "progressing"):
                    answers = {"brain_metastases": brain, "lvef": lvef, "dpd_deficiency": dpd}
                    profile = advice.profile.model_copy(update={**answers, "extracranial_disease": extracranial})
                    orders.append(rule_on(profile, KNOWLEDGE))
    everywhere = set.intersection(*(set(ruling.order) for ruling in orders))
    assert set(found.always) == everywhere
    assert found.first is None
    assert len({ruling.order[0] for ruling in orders}) > 1


@FEW
@given(profile=ranked())
def test_branches_are_what_the_answers_bring(profile: Profile) -> None:
    """Were it to fail, "if the brain is clear, T-DXd" is not what the tool says once the brain is clear."""
    advice = recommend(profile, KNOWLEDGE)
    found = missing(advice)
    if found is None or found.field is None:
        return
    assert 2 <= len(found.branches) <= MOST_BRANCHES
    values = [value for branch in found.branches for value in branch.values]
    assert len(values) == len(set(map(repr, values)))
    if found.field in OPTIONS and found.field != "interacting_medicines":
        assert set(values) == set(OPTIONS[found.field]) - {NOT_KNOWN}
    for branch in found.branches:
        for value in branch.values:
            ruling = rule_on(advice.profile.model_copy(update={found.field: value}), KNOWLEDGE)
            if ruling.stops:
                assert branch.order == ()
                assert branch.status == ruling.stops[0].outcome
                continue
            assert {name for name, _ in branch.order} <= set(ruling.order) <= branch.options
            assert ruling.order[0] in branch.first or found.field in USUAL


def test_a_branch_names_everything_that_can_be_first_in_it() -> None:
    """Were it to fail, an option that another open answer puts first is not said."""
    profile = advice_on(brain_metastases=NOT_KNOWN, early_stage_agents=NOT_KNOWN, tdxd_access="available").profile
    found = missing(recommend(profile, KNOWLEDGE))
    assert found is not None
    told: dict[str, list[Any]] = {
        "brain_metastases": [option for option in OPTIONS["brain_metastases"] if option != NOT_KNOWN],
        "early_stage_agents": [*EARLY, ("t_dxd",), ("t_dm1", "t_dxd")],
        "extracranial_disease": ["controlled", "progressing"],
    }
    assert found.field in told
    several = 0
    for branch in found.branches:
        answers = {**told, found.field: branch.values}
        leaders = {
            rule_on(profile.model_copy(update=dict(zip(answers, way, strict=True))), KNOWLEDGE).order[0]
            for way in product(*answers.values())
        }
        assert set(branch.first) == leaders
        several += len(leaders) > 1
    assert several


def test_what_settles_most_is_asked_first() -> None:
    """Were it to fail, the tool asks for what changes little while what decides stays open."""
    for told, first in (
        ({"brain_metastases": NOT_KNOWN, "lvef": NOT_KNOWN}, "brain_metastases"),
        ({"tdxd_access": NOT_KNOWN, "lvef": NOT_KNOWN, "platelets": NOT_KNOWN}, "tdxd_access"),
        ({"lvef": NOT_KNOWN, "hepatic_impairment": NOT_KNOWN}, "hepatic_impairment"),
    ):
        advice = advice_on(**told)
        found = missing(advice)
        assert found is not None
        assert ask_next(advice, found)[0] == first, found.settles
        left = {field: _firsts_left(advice, field, found) for field in told}
        assert left[first] == min(left.values()), left


def _firsts_left(advice: Advice, field: str, found: Missing) -> int:
    """How many different first options are left in the worst case, once a field is answered: by trying each."""
    open_fields = [name for name in found.open if name in OPTIONS and name != field]
    worst = 0
    for value in OPTIONS[field]:
        if value == NOT_KNOWN:
            continue
        firsts = set()
        for other in [None, *open_fields]:
            for answer in OPTIONS[other] if other else ("",):
                update = {field: value, **({other: answer} if other else {})}
                ruling = rule_on(advice.profile.model_copy(update=update), KNOWLEDGE)
                firsts.add(ruling.order[:1])
        worst = max(worst, len(firsts))
    return worst


def test_only_a_conditional_answer_has_open_ends() -> None:
    """Were it to fail, an answer that rests on nothing unknown reads as if it did."""
    assert missing(advice_on()) is None
    assert advice_on().status == "recommend"


@FEW
@given(profile=ranked())
def test_open_answers_are_said_in_words_and_as_data_alike(profile: Profile) -> None:
    """Were it to fail, a program and a reader are told different things."""
    advice = recommend(profile, KNOWLEDGE)
    document = advice_document(advice, WORDS)
    found = missing(advice)
    said = in_words(found, WORDS)
    assert (document.holds is None) == (found is None) == (said is None)
    if found is None or said is None or document.holds is None:
        return
    assert document.holds.text == said.holds
    assert [branch.text for branch in document.branches] == [way.text for way in said.branches]
    assert all(way.answers and way.first for way in said.branches)
    assert len({way.answers for way in said.branches}) == len(said.branches)
    settles = [field for field in found.settles if field in advice.ask_next]
    assert document.ask_next[: len(settles)] == settles
    assert set(document.ask_next) == set(advice.ask_next)


# ---- what would change an answer -------------------------------------------------------------------------------------


def effects(advice: Advice, answers: tuple[Changed, ...]) -> frozenset[tuple[str, str]]:
    """What a set of changes alters, one by one: by the sequencing, not by what is tested."""
    ruling = rule_on(changed(advice.profile, answers), KNOWLEDGE)
    if ruling.stops:
        return frozenset({("status", ruling.stops[0].outcome)})
    now, then = advice.regimens, ruling.order
    found = {("added", name) for name in then if name not in now} | {
        ("removed", name) for name in now if name not in then
    }
    return frozenset(found | ({("first", then[0])} if then[0] != now[0] else set()))


@FEW
@given(profile=ranked())
def test_changes_are_true_and_minimal(profile: Profile) -> None:
    """S12: were it to fail, a clinician orders a test that would change nothing, or two where one is enough."""
    advice = recommend(profile, KNOWLEDGE)
    found = changes(advice)
    assert len(found) <= MOST
    assert len({change.code for change in found}) == len(found)
    for change in found:
        then = recommend(changed(advice.profile, change.answers), KNOWLEDGE)
        assert change.status == then.status
        assert change.first == (then.regimens[0] if then.options and then.regimens[:1] != advice.regimens[:1] else None)
        assert set(change.added) == set(then.regimens) - set(advice.regimens)
        assert set(change.removed) == set(advice.regimens) - set(then.regimens)
        alone = [effects(advice, (one,)) for one in change.answers] if len(change.answers) > 1 else []
        assert effects(advice, change.answers) - frozenset().union(*alone), change.code
        assert answers_of(advice, change.code) == change.answers
        assert [one.field for one in change.answers] == sorted(
            {one.field for one in change.answers}, key=MODIFIABLE.index
        )


@FEW
@given(profile=ranked())
def test_no_single_change_is_passed_over_for_two(profile: Profile) -> None:
    """Were it to fail, the easiest change is missing from the list while a harder one stands in it."""
    advice = recommend(profile, KNOWLEDGE)
    found = changes(advice, most=1_000)
    singles = {change.answers[0] for change in found if len(change.answers) == 1}
    for field in MODIFIABLE:
        for value in OPTIONS[field]:
            one = Changed(field, getattr(advice.profile, field), value)
            if value not in (one.before, NOT_KNOWN) and not _stays(one) and effects(advice, (one,)):
                assert one in singles, one
    kinds = [len(change.answers) for change in changes(advice)]
    fields = {one.field for one in singles}
    assert kinds[: min(len(fields), MOST)] == [1] * min(len(fields), MOST)


def _stays(one: Changed) -> bool:
    known = one.before not in (None, NOT_KNOWN)
    gone = STAYS.get(one.field, {}).get(one.before or "", ())
    return known and (one.field in INHERITED or one.after in gone)


def test_biology_and_history_never_flip() -> None:
    """S12: were it to fail, the tool says "if she were HR-positive" of a tumour that is not."""
    advice = advice_on(dpd_deficiency="complete", ild_history="present")
    fields = {one.field for change in changes(advice, most=1_000) for one in change.answers}
    assert fields
    assert not fields & {
        "hr_status",
        "her2_status",
        "setting",
        "prior_lines",
        "dpd_deficiency",
        "ild_history",
    }
    assert "dpd_deficiency" in {
        one.field for change in changes(advice_on(dpd_deficiency=NOT_KNOWN), 99) for one in change.answers
    }


def test_two_changes_are_named_for_what_neither_does() -> None:
    """Were it to fail, the list ends where one answer is not enough."""
    advice = advice_on(tdxd_access="unavailable", ild_history="present", lvef="reduced", hepatic_impairment="severe")
    together = [change for change in changes(advice, most=1_000) if len(change.answers) == 2]
    assert together
    for change in together:
        for one in change.answers:
            assert effects(advice, change.answers) - effects(advice, (one,))
    pairs = [tuple(one.field for one in change.answers) for change in together]
    assert len(pairs) == len(set(pairs))


def test_a_change_is_chosen_by_its_code_or_its_place() -> None:
    """Were it to fail, a button shows another change than the one it names."""
    advice = advice_on()
    found = changes(advice)
    for number, change in enumerate(found, 1):
        assert answers_of(advice, change_place(number)) == change.answers
    assert answers_of(advice, "platelets=low")[0].after == "low"  # not only what is listed
    assert answers_of(advice, "pregnancy=present")[0].field == "pregnancy"  # never listed, but to be looked at
    for wrong in ("", "hr_status=positive", "lvef=normal", "lvef=low", "lvef=reduced+lvef=reduced", "change_9", "lvef"):
        assert answers_of(advice, wrong) == (), wrong


@FEW
@given(profile=ranked(), at=st.integers(0, MOST - 1))
def test_the_comparison_is_of_the_two_answers(profile: Profile, at: int) -> None:
    """Were it to fail, what stands side by side is not what either answer says."""
    advice = recommend(profile, KNOWLEDGE)
    found = changes(advice)
    if at >= len(found):
        return
    change: Change = found[at]
    then = recommend(changed(advice.profile, change.answers), KNOWLEDGE)
    compared = comparison(advice, then, change.answers, WORDS)
    now_ranks = {row.regimen: row.now.rank for row in compared.rows if row.now}
    then_ranks = {row.regimen: row.then.rank for row in compared.rows if row.then}
    assert now_ranks == {option.regimen.id: option.rank for option in advice.options}
    assert then_ranks == {option.regimen.id: option.rank for option in then.options}
    assert {row.regimen for row in compared.rows if row.moved == "removed"} == set(change.removed)
    assert {row.regimen for row in compared.rows if row.moved == "added"} == set(change.added)
    for before, after in combinations([row for row in compared.rows if row.then], 2):
        assert before.then is not None
        assert after.then is not None
        assert before.then.rank < after.then.rank
    assert bool(compared.stopped) == (not then.options)


@pytest.mark.parametrize("most", [0, 1, 3])
def test_no_more_changes_than_asked_for(most: int) -> None:
    """Were it to fail, a screen is filled with less and less likely changes."""
    assert len(changes(advice_on(), most)) == most
    assert changes(recommend(Profile(), KNOWLEDGE)) == ()


def test_fields_that_can_change_are_questions() -> None:
    """Were it to fail, a change is offered for something nobody can answer."""
    assert set(MODIFIABLE) <= set(FIELDS) & set(OPTIONS)
    assert set(INHERITED) | set(STAYS) <= set(MODIFIABLE)
    assert set(TO_LOOK_AT) <= set(OPTIONS) - set(MODIFIABLE)


def test_a_brain_nobody_imaged_is_not_said_to_fit() -> None:
    """S19: were it to fail, "no active brain metastases: fits" stands beside a brain that was never looked at."""
    verdicts = {}
    for brain in ("none", "not_imaged", "unknown"):
        option = next(one for one in advice_on(brain_metastases=brain).options if one.regimen.id == "t_dm1")
        assert option.fit is not None
        verdicts[brain] = {criterion.id: truth for criterion, truth in option.fit.criteria}
    assert verdicts["not_imaged"] == verdicts["unknown"] != verdicts["none"]
