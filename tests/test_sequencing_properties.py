"""What must hold for every patient, whatever the answers: invariants of SAFETY.md over generated profiles.

Profiles are drawn from the options the model declares; lines of therapy from real regimens and from random agents.
The examples are the same in every run.
"""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, note, settings
from hypothesis import strategies as st

from flows.findings import SOURCE_OF, findings
from flows.knowledge import shipped
from flows.knowledge.model import TIERS, SafetyRule
from flows.profile import AGENTS, FIELDS, OPTIONS, OUTCOMES, Asked, Profile, asked_as
from flows.sequencing.advice import Advice
from flows.sequencing.recommend import recommend

KNOWLEDGE = shipped()
CLASSES = KNOWLEDGE.classes
ROOT = Path(__file__).parent.parent

settings.register_profile(
    "sequencing", max_examples=150, deadline=None, derandomize=True, database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
)  # fmt: skip
SETTINGS = settings.get_profile("sequencing")

# ---------------------------------------------------------------------------------------------- profiles

REGIMENS: tuple[tuple[str, ...], ...] = (
    ("docetaxel", "carboplatin", "trastuzumab"),
    ("docetaxel", "trastuzumab", "pertuzumab"),
    ("taxane", "trastuzumab", "pertuzumab"),
    ("paclitaxel", "trastuzumab"),
    ("vinorelbine", "trastuzumab"),
    ("eribulin", "trastuzumab"),
    ("t_dm1",),
    ("t_dxd",),
    ("t_dxd", "pertuzumab"),
    ("tucatinib", "capecitabine", "trastuzumab"),
    ("lapatinib", "capecitabine"),
    ("lapatinib", "trastuzumab"),
    ("neratinib", "capecitabine"),
    ("pyrotinib", "capecitabine"),
    ("capecitabine", "trastuzumab"),
    ("margetuximab", "gemcitabine"),
    ("letrozole", "trastuzumab"),
    ("letrozole", "lapatinib"),
    ("abemaciclib", "fulvestrant", "trastuzumab"),
)
EARLY: tuple[tuple[str, ...], ...] = (
    (),
    ("tamoxifen",),
    ("docetaxel", "carboplatin", "trastuzumab"),
    ("docetaxel", "trastuzumab", "pertuzumab", "t_dm1"),
    ("docetaxel", "trastuzumab", "pertuzumab", "t_dxd"),
    ("doxorubicin", "cyclophosphamide", "paclitaxel", "trastuzumab", "neratinib"),
)
MONTHS = (0, 5, 6, 7, 12, 13, 60)
SETS = ("red_flags", "interacting_medicines")
CONTRAINDICATIONS: dict[str, tuple[Any, ...]] = {
    "ild_history": ("absent", "present"),
    "lvef": ("normal", "reduced"),
    "hepatic_impairment": ("none", "moderate", "severe"),
    "renal_impairment": ("none", "severe"),
    "dpd_deficiency": ("none", "partial", "complete"),
    "platelets": ("normal", "low"),
    "pregnancy": ("absent", "present"),
    "chemotherapy": ("suitable", "unsuitable"),
    "performance_status": ("ecog_0_2", "ecog_3_4"),
    "leptomeningeal": ("absent", "present"),
    "tdxd_access": ("available", "unavailable"),
    "interacting_medicines": ((), *((name,) for name in OPTIONS["interacting_medicines"] if name != "unknown")),
    "red_flags": ((), *((name,) for name in OPTIONS["red_flags"] if name != "unknown")),
}
"""Field to its clear value and, after it, the values that speak against a drug, each worse than the one before
(for a list: each a contraindication of its own)."""
WORSENINGS = tuple(
    (field, clear, worse)
    for field, values in CONTRAINDICATIONS.items()
    for clear, worse in itertools.combinations(values, 2)
    if field not in SETS or clear == ()
)
"""A field, a value of it, and a worse one."""

agent_lists = st.one_of(
    st.sampled_from(REGIMENS),
    st.sampled_from(REGIMENS),
    st.lists(st.sampled_from(AGENTS), min_size=1, max_size=4, unique=True).map(tuple),
)


open_answers = st.sampled_from([None, "unknown"])
some_outcomes = st.sampled_from(["progression", *(outcome for outcome in OUTCOMES if outcome != "unknown")])
some_gaps = st.sampled_from(["none", "none", "none", "agents", "outcome", "both"])
some_early = st.sampled_from(EARLY)
some_months = st.sampled_from(MONTHS)
two_in_five = st.sampled_from([False, False, False, True, True])
either = st.booleans()


@st.composite
def _lines(draw: st.DrawFn, *, known: bool, several: st.SearchStrategy[Any]) -> list[dict[str, Any]]:
    lines = []
    for agents in draw(several):
        line: dict[str, Any] = {"agents": list(agents), "outcome": draw(some_outcomes)}
        if not known:
            gap = draw(some_gaps)
            if gap in ("agents", "both"):
                line["agents"] = []
            if gap in ("outcome", "both"):
                line["outcome"] = draw(open_answers)
        lines.append(line)
    return lines


# A strategy is made once: most of its work is done when it is first drawn from.
@cache
def line_lists(*, known: bool, least: int = 0) -> st.SearchStrategy[list[dict[str, Any]]]:
    return _lines(known=known, several=st.lists(agent_lists, min_size=least, max_size=4))


@cache
def _values(field: str, *, known: bool) -> st.SearchStrategy[Any]:
    options = [option for option in OPTIONS[field] if option != "unknown"]
    if field in SETS:
        clear: st.SearchStrategy[Any] = st.just(())
        some = st.lists(st.sampled_from(options), max_size=2, unique=True).map(tuple)
        answer = some if field == "interacting_medicines" else st.one_of(clear, clear, clear, some)
    elif field in ("pregnancy", "leptomeningeal"):
        answer = st.sampled_from(["absent"] * 9 + ["present"])
    elif field == "performance_status":
        answer = st.sampled_from(["ecog_0_2"] * 9 + ["ecog_3_4"])
    else:
        answer = st.sampled_from(options)
    return answer if known else st.one_of(answer, answer, open_answers)


@cache
def documents(*, known: bool, least_lines: int = 0) -> st.SearchStrategy[dict[str, Any]]:
    """Profile documents of patients in scope. `known`: every question is answered; else any may be left open."""
    return _documents(known=known, least_lines=least_lines)


@st.composite
def _documents(draw: st.DrawFn, *, known: bool, least_lines: int) -> dict[str, Any]:
    document: dict[str, Any] = {"her2_status": "positive", "setting": "metastatic"}
    document["prior_lines"] = draw(line_lists(known=known, least=least_lines))
    document["early_stage_agents"] = draw(some_early)
    if any("anti_her2" in CLASSES[agent] for agent in document["early_stage_agents"]):
        document["months_since_adjuvant_her2"] = draw(some_months)
    for field in OPTIONS:
        if field not in document:
            document[field] = draw(_values(field, known=known))
    if known:
        document = _asked_only(document)
    else:
        if draw(two_in_five):
            document["early_stage_agents"] = draw(open_answers)
        if draw(either):
            document["months_since_adjuvant_her2"] = draw(open_answers)
    return {field: value for field, value in document.items() if value is not None}


@cache
def anything() -> st.SearchStrategy[dict[str, Any]]:
    """Any valid profile document, in scope or not."""
    return st.one_of(documents(known=False), documents(known=False), _out_of_scope())


some_of_scope = st.lists(st.sampled_from(["her2_status", "setting", "prior_lines"]), min_size=1, unique=True)


@cache
def _options_or_none(field: str) -> st.SearchStrategy[str | None]:
    return st.sampled_from([None, *OPTIONS.get(field, ())])


@st.composite
def _out_of_scope(draw: st.DrawFn) -> dict[str, Any]:
    document = draw(documents(known=False))
    for field in draw(some_of_scope):
        value = draw(_options_or_none(field))
        if value is None:
            document.pop(field, None)
        else:
            document[field] = value
    return document


def _asked_only(document: dict[str, Any]) -> dict[str, Any]:
    """The document without the answers to questions that do not arise."""
    kept = {field: value for field, value in document.items() if value is not None}
    for field in FIELDS:
        if field in kept and not _arises(field, {name: value for name, value in kept.items() if name != field}):
            del kept[field]
    return kept


def profile_of(document: dict[str, Any], **changed: Any) -> Profile:
    """The document as a profile; None leaves a field out."""
    answers = {**document, **changed}
    return Profile.model_validate({field: value for field, value in answers.items() if value is not None})


def advise(document: dict[str, Any], **changed: Any) -> Advice:
    return recommend(profile_of(document, **changed), KNOWLEDGE)


def view_of(profile: Profile) -> dict[str, Any]:
    return findings(profile, CLASSES)


def _arises(field: str, document: dict[str, Any]) -> bool:
    """Whether the dialogue would put the question to this patient."""
    asked = asked_as(field)
    if not isinstance(asked, Asked) or asked.when is None:
        return True
    return asked.when.holds(view_of(profile_of(document))) is not False


def answers_to(field: str) -> list[Any]:
    """Every answer to a question, apart from not known."""
    if field == "early_stage_agents":
        return [list(agents) for agents in EARLY]
    if field == "months_since_adjuvant_her2":
        return list(MONTHS)
    options = [option for option in OPTIONS[field] if option != "unknown"]
    return [[], *([option] for option in options)] if field in SETS else options


BRAIN = ("none", "not_imaged", "stable", "active", "symptomatic", "unknown")
STANDARD: dict[str, Any] = {
    "her2_status": "positive", "setting": "metastatic", "red_flags": [], "early_stage_agents": [],
    "prior_lines": [{"agents": ["docetaxel", "trastuzumab", "pertuzumab"], "outcome": "progression"}],
    "leptomeningeal": "absent", "extracranial_disease": "progressing", "hr_status": "negative",
    "tdxd_access": "available", "ild_history": "absent", "lvef": "normal", "hepatic_impairment": "none",
    "renal_impairment": "none", "dpd_deficiency": "none", "platelets": "normal", "pregnancy": "absent",
    "interacting_medicines": [], "chemotherapy": "suitable", "performance_status": "ecog_0_2", "region": "us",
}  # fmt: skip
AFTER_T_DXD: dict[str, Any] = {
    **STANDARD,
    "prior_lines": [*STANDARD["prior_lines"], {"agents": ["t_dxd"], "outcome": "progression"}],
}
UNTREATED = {**STANDARD, "prior_lines": []}
AFTER_TCT = {
    **STANDARD,
    "prior_lines": [
        *STANDARD["prior_lines"], {"agents": ["tucatinib", "capecitabine", "trastuzumab"], "outcome": "progression"},
    ],
}  # fmt: skip
TWO_OTHER_LINES = [*STANDARD["prior_lines"], {"agents": ["vinorelbine", "trastuzumab"], "outcome": "progression"}]
ILD = ("ild_history", "absent", "present")


# --------------------------------------------------------------------------------------- what an answer holds


def reach(rule: SafetyRule) -> set[str]:
    """The regimens a rule is about, read from the knowledge here and not from the code under test."""
    concerns = rule.concerns
    names = set(concerns.regimens)
    for regimen in KNOWLEDGE.regimens.values():
        held = set(regimen.agents)
        if held & set(concerns.agents) or any(CLASSES[agent] & set(concerns.classes) for agent in held):
            names.add(regimen.id)
    return names


def agents_of(advice: Advice) -> dict[str, set[str]]:
    """Option to every agent it would bring: its own, and the partners it names."""
    return {option.regimen.id: {*option.regimen.agents, *option.partners} for option in advice.options}


def digest(advice: Advice) -> dict[str, Any]:
    """Everything an answer says, in plain values."""
    return {
        "status": advice.status,
        "reasons": [[reason.stop.id, *map(str, reason.because)] for reason in advice.reasons],
        "steps": [[step.regimen.id, step.text, step.row, *step.facts] for step in advice.steps],
        "options": [
            {
                "option": [option.rank, option.regimen.id, option.tier, option.text, option.row.id],
                "because": [str(atom) for atom in option.because],
                "assumes": [str(atom) for atom in option.assumes],
                "grades": [[grade.system, grade.grade] for grade in option.grades],
                "fit": None if option.fit is None else [
                    option.fit.verdict, [[criterion.id, truth] for criterion, truth in option.fit.criteria]
                ],
                "cautions": [[caution.rule.id, caution.certain] for caution in option.cautions],
                "partners": list(option.partners),
                "facts": list(option.facts),
            }
            for option in advice.options
        ],
        "excluded": [[entry.regimen.id, entry.rule, *map(str, entry.because)] for entry in advice.excluded],
        "principles": [entry.id for entry in advice.principles],
        "pitfalls": [entry.id for entry in advice.pitfalls],
        "assumptions": [str(atom) for atom in advice.assumptions],
        "unknowns": [
            [entry.field, *map(list, (entry.rules_out, entry.places, entry.cautions, entry.steps))]
            for entry in advice.unknowns
        ],
        "ask_next": list(advice.ask_next),
    }  # fmt: skip


def substance(advice: Advice) -> tuple[Any, ...]:
    """What a clinician would act on: the ranking with its tiers, the steps, the cautions that are certain."""
    ranking = tuple((option.regimen.id, option.tier) for option in advice.options)
    return ranking, tuple(step.regimen.id for step in advice.steps)


# ------------------------------------------------------------------------------------------------- S15


@SETTINGS
@given(anything(), st.sampled_from([None, None, None, "other_tumour", "under_18", "in_scope"]))
def test_every_profile_gets_an_answer(document: dict[str, Any], gate: str | None) -> None:
    """S15: every profile yields an option or a reason. If it fails, a clinician gets an error or an empty page."""
    advice = recommend(profile_of(document), KNOWLEDGE, gate)
    assert advice.options or advice.reasons
    assert (advice.status in ("recommend", "conditional")) == bool(advice.options)
    assert not (advice.options and advice.reasons)


@SETTINGS
@given(anything())
def test_ranks_are_consistent(document: dict[str, Any]) -> None:
    """S5, S15: ranks count from one, each regimen stands once, tiers never rise down the list. If it fails, the
    list says two things of one regimen."""
    advice = advise(document)
    assert [option.rank for option in advice.options] == list(range(1, len(advice.options) + 1))
    assert len(set(advice.regimens)) == len(advice.regimens)
    tiers = [TIERS.index(option.tier) for option in advice.options]
    assert tiers == sorted(tiers)


# ------------------------------------------------------------------------------------------------- S16, S18


@SETTINGS
@given(documents(known=False))
def test_no_option_holds_what_the_disease_progressed_on(document: dict[str, Any]) -> None:
    """S16: no option holds, or names as a partner, an agent of a line that ended in progression; trastuzumab is the
    cited exception. If it fails, a drug that has failed is offered again."""
    progressed = {
        agent for line in document["prior_lines"] if line["outcome"] == "progression" for agent in line["agents"]
    }
    if any("taxane" in CLASSES[agent] for agent in progressed):
        progressed.add("taxane")  # the regimen names the class where any of its drugs is meant
    for regimen, agents in agents_of(advise(document)).items():
        assert not (agents & progressed) - {"trastuzumab"}, regimen


@SETTINGS
@given(anything())
def test_no_option_is_ruled_out(document: dict[str, Any]) -> None:
    """S16: no exclusion that holds concerns an option, and each is listed with its rule. If it fails, a
    contraindicated regimen is offered, or disappears without a reason."""
    advice = advise(document)
    view = view_of(profile_of(document))
    told = {(entry.regimen.id, entry.rule) for entry in advice.excluded}
    for rule in KNOWLEDGE.rules:
        if rule.kind == "exclusion" and rule.when.holds(view) is True:
            assert not reach(rule) & set(advice.regimens), rule.id
            if advice.options:
                assert {(name, rule.id) for name in reach(rule)} <= told


@SETTINGS
@given(anything())
def test_no_regimen_is_both_offered_and_excluded(document: dict[str, Any]) -> None:
    """S5, S16: what is listed as excluded is not an option, and a regimen with no partner left is not one either.
    If it fails, the answer contradicts itself."""
    advice = advise(document)
    assert not {entry.regimen.id for entry in advice.excluded} & set(advice.regimens)
    for option in advice.options:
        assert option.partners or not option.regimen.partners, option.regimen.id


@SETTINGS
@given(documents(known=False, least_lines=1))
def test_no_tyrosine_kinase_inhibitor_directly_after_another(document: dict[str, Any]) -> None:
    """S18: after a line with a HER2 tyrosine kinase inhibitor no option holds one. If it fails, the sequence the
    source article and the guidelines warn of is offered."""
    last = document["prior_lines"][-1]["agents"]
    if any("her2_tki" in CLASSES[agent] for agent in last):
        for regimen, agents in agents_of(advise(document)).items():
            assert not any("her2_tki" in CLASSES[agent] for agent in agents), regimen


@SETTINGS
@given(anything())
def test_her2_therapy_is_never_dropped(document: dict[str, Any]) -> None:
    """S18: every drug option holds a HER2-targeted agent. If it fails, HER2 therapy is dropped without a cited
    exception."""
    for option in advise(document).options:
        if option.regimen.kind == "drug":
            assert any("anti_her2" in CLASSES[agent] for agent in option.regimen.agents), option.regimen.id


# ------------------------------------------------------------------------------------------------- S17

RAISED_BY_THE_DOSSIER = {
    ("ild_history", "tucatinib_capecitabine_trastuzumab"): {"R05", "R07", "R16", "R24"},
    ("ild_history", "trastuzumab_chemotherapy"): {"R05", "R14", "R16", "R18", "R24"},
    ("ild_history", "endocrine_trastuzumab"): {"R22"},
    ("ild_history", "endocrine_lapatinib"): {"R22"},
    ("ild_history", "endocrine_lapatinib_trastuzumab"): {"R22"},
    ("ild_history", "abemaciclib_fulvestrant_trastuzumab"): {"R22"},
    ("hepatic_impairment", "trastuzumab_chemotherapy"): {"R05", "R14", "R26"},
    ("renal_impairment", "trastuzumab_chemotherapy"): {"R05", "R14", "R27"},
    ("dpd_deficiency", "trastuzumab_chemotherapy"): {"R05", "R14", "R27"},
    ("chemotherapy", "t_dxd"): {"R23"},
    ("chemotherapy", "t_dm1"): {"R23"},
}
"""Where the decision table itself puts an option forward because of the contraindication, though a caution about it
speaks to that option too (the backbone's lung warning, a partner that is no longer usable, a cytotoxic payload)."""


@SETTINGS
@given(documents(known=True), st.sampled_from(WORSENINGS))
def test_a_contraindication_adds_no_option(document: dict[str, Any], worsening: tuple[str, Any, Any]) -> None:
    """S17: a contraindication never adds an option. If it fails, a sicker patient is offered a drug that a healthier
    one is not."""
    field, clear, worse = worsening
    before, after = advise(document, **{field: clear}), advise(document, **{field: worse})
    note(f"{field}: {clear} -> {worse}; {before.regimens} -> {after.regimens}")
    assert set(after.regimens) <= set(before.regimens)
    assert {entry.regimen.id for entry in before.excluded} <= {entry.regimen.id for entry in after.excluded} or (
        after.status in ("refer", "decline", "ask")
    )


@SETTINGS
@given(documents(known=True), st.sampled_from(WORSENINGS))
@example({**STANDARD, "brain_metastases": "stable"}, ILD)
@example({**AFTER_TCT, "brain_metastases": "none"}, ILD)
@example({**STANDARD, "prior_lines": TWO_OTHER_LINES, "brain_metastases": "stable"}, ILD)
@example({**AFTER_T_DXD, "brain_metastases": "none", "dpd_deficiency": "complete"}, ILD)
@example(
    {**STANDARD, "brain_metastases": "none", "region": "china", "tdxd_access": "unavailable",
     "prior_lines": [{"agents": ["margetuximab", "gemcitabine"], "outcome": "progression"}]},
    ILD,
)  # fmt: skip
def test_a_contraindication_raises_nothing_it_concerns(
    document: dict[str, Any], worsening: tuple[str, Any, Any]
) -> None:
    """S17: an option that the contraindication speaks against overtakes no option it does not speak against, and
    gets no better tier, unless a row of the decision table says so. If it fails, a warning promotes a drug."""
    field, clear, worse = worsening
    before, after = advise(document, **{field: clear}), advise(document, **{field: worse})
    if "same_systemic_therapy" in _steps(before) - _steps(after):
        return  # the therapy that was to go on no longer can: what waited for the next progression is due now
    then = view_of(profile_of(document, **{field: clear}))
    now = view_of(profile_of(document, **{field: worse}))
    concerned: set[str] = set()
    for rule in KNOWLEDGE.rules:
        if rule.when.holds(now) is True and rule.when.holds(then) is not True and field in rule.when.fields:
            concerned |= reach(rule)
    tiers = {option.regimen.id: TIERS.index(option.tier) for option in before.options}
    rank = {name: place for place, name in enumerate(before.regimens)}
    for place, option in enumerate(after.options):
        name = option.regimen.id
        if name not in concerned or name not in rank:
            continue
        if option.row.row in RAISED_BY_THE_DOSSIER.get((field, name), ()):
            continue
        note(f"{field}: {clear} -> {worse}; {name} by {option.row.id}; {before.regimens} -> {after.regimens}")
        assert TIERS.index(option.tier) >= tiers[name]
        unconcerned = set(rank) - concerned - {"trial"}  # a trial is no drug: its own criteria decide
        overtaken = {behind for behind in after.regimens[place + 1 :] if behind in unconcerned}
        assert not {behind for behind in overtaken if rank[behind] < rank[name]}


def _steps(advice: Advice) -> set[str]:
    return {step.regimen.id for step in advice.steps}


# ------------------------------------------------------------------------------------------------- S11, S19

ASKABLE = tuple(field for field in FIELDS if field not in ("her2_status", "setting", "prior_lines", "region"))
"""Fields that may be left open while drugs are ranked. Region is exempt: where it is not known, regional approvals
are not used and both regions' status is stated."""


@SETTINGS
@given(documents(known=True), st.sampled_from(ASKABLE), st.sampled_from([None, "unknown"]))
@example(
    {**STANDARD, "brain_metastases": "active", "extracranial_disease": "controlled", "tdxd_access": "unavailable",
     "prior_lines": [{"agents": ["capecitabine", "trastuzumab"], "outcome": "progression"}]},
    "ild_history", "unknown",
)  # fmt: skip
@example(
    {**STANDARD, "brain_metastases": "stable", "extracranial_disease": None, "hr_status": "positive",
     "tdxd_access": "unavailable", "platelets": "low", "region": "china",
     "prior_lines": [{"agents": ["docetaxel", "carboplatin", "trastuzumab"], "outcome": "progression"}]},
    "ild_history", "unknown",
)  # fmt: skip
@example(
    {**UNTREATED, "brain_metastases": "none", "tdxd_access": None, "months_since_adjuvant_her2": 13,
     "early_stage_agents": ["docetaxel", "trastuzumab", "pertuzumab", "t_dxd"]},
    "hepatic_impairment", "unknown",
)  # fmt: skip
@example(
    {**STANDARD, "ild_history": "present", "hr_status": "positive",
     "prior_lines": [{"agents": ["docetaxel", "carboplatin", "trastuzumab"], "outcome": "progression"},
                     {"agents": ["t_dxd"], "outcome": "progression"},
                     {"agents": ["tucatinib", "capecitabine", "trastuzumab"], "outcome": "progression"}]},
    "brain_metastases", None,
)  # fmt: skip
def test_one_unknown_is_never_taken_as_no(document: dict[str, Any], field: str, gap: str | None) -> None:
    """S11: with one answer left open, the answer is unconditional only where every value gives the same ranking. If
    it fails, "unknown" was silently taken as "no"."""
    _check_unknown(document, field, gap)


@SETTINGS
@given(documents(known=False), st.sampled_from(ASKABLE), st.sampled_from([None, "unknown"]))
def test_no_unknown_among_many_is_passed_over(document: dict[str, Any], field: str, gap: str | None) -> None:
    """S11: among many answers left open, each that could change the ranking or the steps is listed. If it fails, the
    answer hides what it hangs on."""
    _check_unknown(document, field, gap)


def _check_unknown(document: dict[str, Any], field: str, gap: str | None) -> None:
    without = {name: value for name, value in document.items() if name != field}
    if not _arises(field, without):
        return
    advice = advise(without, **{field: gap})
    outcomes = {json.dumps(value): advise(without, **{field: value}) for value in answers_to(field)}
    rankings = {
        value: (outcome.status in ("refer", "decline"), outcome.regimens) for value, outcome in outcomes.items()
    }
    acted_on = {value: (rankings[value][0], substance(outcome)) for value, outcome in outcomes.items()}
    if len(set(rankings.values())) > 1:
        note(f"{field} {gap}: {advice.status} {advice.regimens}; by value {rankings}")
        assert advice.status != "recommend"
    if len(set(acted_on.values())) > 1 and advice.status in ("recommend", "conditional"):
        note(f"{field} {gap}: unknowns {[unknown.field for unknown in advice.unknowns]}; by value {acted_on}")
        told = {unknown.field for unknown in advice.unknowns} | {
            source for atom in advice.assumptions for source in SOURCE_OF.get(atom.field, (atom.field,))
        }
        settles_together = {"early_stage_agents", "months_since_adjuvant_her2"}
        assert field in told or (field in settles_together and told & settles_together)


@SETTINGS
@given(documents(known=True, least_lines=1), st.data())
def test_an_unknown_line_is_never_taken_as_empty(document: dict[str, Any], data: st.DataObject) -> None:
    """S11: a line whose agents or outcome are not known makes the answer conditional wherever they could change the
    ranking. If it fails, a drug used before may be offered as unused without a word."""
    lines = document["prior_lines"]
    position = data.draw(st.integers(0, len(lines) - 1))
    part = data.draw(st.sampled_from(["agents", "outcome"]))
    values: list[Any] = [list(agents) for agents in REGIMENS] if part == "agents" else list(OUTCOMES[:-1])

    def with_(value: Any) -> dict[str, Any]:
        changed = [dict(line) for line in lines]
        changed[position][part] = value
        return {**document, "prior_lines": changed, "tdxd_access": document.get("tdxd_access", "available")}

    advice = advise(with_([] if part == "agents" else "unknown"))
    rankings = {advise(with_(value)).regimens for value in values}
    if len(rankings) > 1 and advice.options:
        note(f"line {position} {part}: {advice.status} {advice.regimens}; {rankings}")
        assert advice.status == "conditional"
        assert "prior_lines" in {unknown.field for unknown in advice.unknowns}


@SETTINGS
@given(documents(known=False))
def test_conditional_states_its_assumptions(document: dict[str, Any]) -> None:
    """S11: a conditional answer lists what it assumes, of fields that are open, and asks for them. If it fails, the
    condition cannot be checked by the reader."""
    advice = advise(document)
    if advice.status == "conditional":
        assert advice.assumptions
        fields = {source for atom in advice.assumptions for source in SOURCE_OF.get(atom.field, (atom.field,))}
        assert fields & set(advice.ask_next)
    elif advice.status == "recommend":
        assert not advice.assumptions
        assert not any(option.assumes for option in advice.options)


STRAY = tuple(
    (field, value)
    for field in ("months_since_adjuvant_her2", "extracranial_disease", "tdxd_access")
    for value in answers_to(field)
)


@SETTINGS
@given(documents(known=True), st.sampled_from(STRAY))
@example({**UNTREATED, "brain_metastases": "none"}, ("months_since_adjuvant_her2", 5))
@example({**AFTER_T_DXD, "brain_metastases": "stable"}, ("extracranial_disease", "controlled"))
def test_an_answer_to_a_question_that_does_not_arise_changes_nothing(
    document: dict[str, Any], stray: tuple[str, Any]
) -> None:
    """S11, contract: months since adjuvant therapy matter only with no prior line, extracranial disease only with
    progressing brain metastases, access to T-DXd only where it is unused. If it fails, a stray answer in a document
    reorders the drugs. (Leptomeningeal disease stated as present always counts.)"""
    field, value = stray
    document = {name: answer for name, answer in document.items() if name != field}
    if not _arises(field, document):
        assert substance(advise(document, **{field: value})) == substance(advise(document))


@pytest.mark.parametrize("document", [STANDARD, AFTER_T_DXD, UNTREATED], ids=["second", "third", "first"])
@pytest.mark.parametrize(("one", "other"), list(itertools.combinations(BRAIN, 2)))
def test_brain_states_are_distinct(document: dict[str, Any], one: str, other: str) -> None:
    """S19: no two of none, not imaged, stable, active, symptomatic, unknown read alike. If it fails, a brain nobody
    looked at passes for a clean one, or symptoms for none."""

    def shown(state: str) -> str:
        said = digest(advise(document, brain_metastases=state))
        options = [{**option, "because": [], "facts": []} for option in said["options"]]
        return json.dumps([said["status"], said["steps"], said["assumptions"], options, said["principles"]])

    assert shown(one) != shown(other)


@SETTINGS
@given(documents(known=True))
def test_unknown_brain_is_never_none(document: dict[str, Any]) -> None:
    """S19: brain status not known names imaging; not imaged does too. If it fails, unknown equals none."""
    for state in ("unknown", None, "not_imaged"):
        advice = advise(document, brain_metastases=state, leptomeningeal=None, extracranial_disease=None)
        if advice.options:
            assert "brain_imaging" in [step.regimen.id for step in advice.steps]


@SETTINGS
@given(documents(known=False))
def test_symptomatic_brain_puts_local_therapy_first(document: dict[str, Any]) -> None:
    """S4: symptomatic brain metastases put local therapy before every drug. If it fails, a drug is the first step of
    a neurological emergency."""
    for state in ("symptomatic", "active"):
        advice = advise(document, brain_metastases=state)
        if advice.options:
            assert advice.steps[0].regimen.id == "local_cns_therapy"


# ------------------------------------------------------------------------------------------------- S20, S3, S4


@SETTINGS
@given(documents(known=False))
def test_ild_never_yields_t_dxd(document: dict[str, Any]) -> None:
    """S20: with past or present ILD, T-DXd alone or with pertuzumab is never an option; T-DM1 and lapatinib carry
    their caution. If it fails, a drug with fatal pneumonitis is offered after pneumonitis."""
    advice = advise(document, ild_history="present")
    assert not {"t_dxd", "t_dxd_pertuzumab"} & set(advice.regimens)
    for option in advice.options:
        held = {caution.rule.id for caution in option.cautions}
        for agent in ("t_dm1", "lapatinib"):
            if agent in option.regimen.agents:
                assert f"{agent}_ild_history" in held


@SETTINGS
@given(documents(known=False))
def test_ild_unknown_flags_t_dxd(document: dict[str, Any]) -> None:
    """S20: where ILD history is not known, T-DXd stands only under the assumption, with its caution. If it fails,
    T-DXd is offered unflagged."""
    for gap in ("unknown", None):
        for option in advise(document, ild_history=gap).options:
            if "t_dxd" in option.regimen.agents:
                assert "ild_history" in {atom.field for atom in option.assumes}
                assert "t_dxd_ild_unknown" in {caution.rule.id for caution in option.cautions}


@SETTINGS
@given(documents(known=False))
def test_severe_hepatic_impairment(document: dict[str, Any]) -> None:
    """S20: severe hepatic impairment rules out T-DM1, T-DXd, lapatinib, neratinib and standard-dose tucatinib, and
    hepatology input comes first in any line. If it fails, a hepatotoxic drug is offered."""
    advice = advise(document, hepatic_impairment="severe")
    for regimen, agents in agents_of(advice).items():
        assert not agents & {"t_dm1", "t_dxd", "lapatinib", "neratinib", "tucatinib"}, regimen
    if advice.options:
        assert "specialist_review" in [step.regimen.id for step in advice.steps]


@SETTINGS
@given(documents(known=False))
def test_reduced_lvef(document: dict[str, Any]) -> None:
    """S20: LVEF below 50% rules out margetuximab, puts cardio-oncology first, and flags every HER2 antibody,
    antibody-drug conjugate and lapatinib. If it fails, a cardiotoxic drug is offered without review."""
    advice = advise(document, lvef="reduced")
    assert "margetuximab_chemotherapy" not in advice.regimens
    if advice.options:
        assert "specialist_review" in [step.regimen.id for step in advice.steps]
    for option in advice.options:
        cardiotoxic = {"her2_antibody", "her2_adc", "lapatinib"}
        if any(CLASSES[agent] & cardiotoxic or agent in cardiotoxic for agent in option.regimen.agents):
            about = {caution.rule.id for caution in option.cautions if "lvef" in caution.rule.when.fields}
            assert about, option.regimen.id


@SETTINGS
@given(documents(known=False), st.sampled_from([("renal_impairment", "severe"), ("dpd_deficiency", "complete")]))
def test_no_capecitabine_where_it_is_contraindicated(document: dict[str, Any], why: tuple[str, str]) -> None:
    """S20: creatinine clearance below 30 or complete DPD deficiency rules out every regimen with capecitabine, and
    capecitabine as a partner. If it fails, a possibly fatal dose is offered."""
    for regimen, agents in agents_of(advise(document, **{why[0]: why[1]})).items():
        assert "capecitabine" not in agents, regimen


@SETTINGS
@given(documents(known=False))
def test_low_platelets_rule_out_t_dm1(document: dict[str, Any]) -> None:
    """S20: platelets below 100 or active bleeding rule out T-DM1. If it fails, a drug that lowers platelets is
    offered to a bleeding patient."""
    assert "t_dm1" not in advise(document, platelets="low").regimens


NOT_TO_CONTINUE = {
    "ild_history": ("present", {"t_dxd"}),
    "lvef": ("reduced", {"margetuximab"}),
    "hepatic_impairment": ("severe", {"t_dm1", "t_dxd", "lapatinib", "neratinib", "tucatinib"}),
    "renal_impairment": ("severe", {"capecitabine"}),
    "dpd_deficiency": ("complete", {"capecitabine"}),
    "platelets": ("low", {"t_dm1"}),
}


@SETTINGS
@given(documents(known=True, least_lines=1), st.sampled_from(sorted(NOT_TO_CONTINUE)))
def test_the_same_therapy_is_not_continued_against_a_contraindication(document: dict[str, Any], field: str) -> None:
    """S16, S20: the step that keeps the current therapy is not given where its drugs are now ruled out. If it fails,
    the answer says "continue" of the T-DXd that caused the pneumonitis."""
    value, agents = NOT_TO_CONTINUE[field]
    if agents & set(document["prior_lines"][-1]["agents"]):
        advice = advise(
            document, **{field: value, "brain_metastases": "active", "leptomeningeal": "absent",
                         "extracranial_disease": "controlled"},
        )  # fmt: skip
        assert "same_systemic_therapy" not in [step.regimen.id for step in advice.steps]


@SETTINGS
@given(documents(known=True, least_lines=1))
def test_a_therapy_stopped_for_toxicity_is_not_continued(document: dict[str, Any]) -> None:
    """S16, S20: nor where the last line ended for toxicity. If it fails, the answer says "continue" of a therapy that
    was stopped because it harmed."""
    lines = [*document["prior_lines"][:-1], {**document["prior_lines"][-1], "outcome": "toxicity"}]
    advice = advise(
        document, prior_lines=lines, brain_metastases="active", leptomeningeal="absent",
        extracranial_disease="controlled",
    )  # fmt: skip
    assert "same_systemic_therapy" not in [step.regimen.id for step in advice.steps]


OUT_OF_SCOPE = [
    {"her2_status": "negative"}, {"her2_status": "low"}, {"her2_status": "unknown"}, {"her2_status": None},
    {"setting": "early"}, {"setting": "unknown"}, {"setting": None}, {"prior_lines": None},
    {"pregnancy": "present"}, {"leptomeningeal": "present"}, {"performance_status": "ecog_3_4"},
    *({"red_flags": [flag]} for flag in OPTIONS["red_flags"] if flag != "unknown"),
]  # fmt: skip


@SETTINGS
@given(documents(known=False), st.sampled_from(OUT_OF_SCOPE))
def test_out_of_scope_ranks_nothing(document: dict[str, Any], answer: dict[str, Any]) -> None:
    """S3, S4: out of scope, red flags and missing essentials give a reason and no drug, whatever else is answered.
    If it fails, drugs are ranked in an emergency or for a patient the knowledge does not cover."""
    advice = advise(document, **answer)
    assert advice.options == ()
    assert advice.status in ("ask", "refer", "decline")
    assert advice.reasons
    assert all(reason.stop.text and reason.stop.nearest for reason in advice.reasons)


# ------------------------------------------------------------------------------------------------- S21, S22


@SETTINGS
@given(anything(), st.randoms(use_true_random=False))
def test_order_of_answers_changes_nothing(document: dict[str, Any], random: Any) -> None:
    """S21: the order of answers, of the agents in a line and of the medicines changes no word of the answer. If it
    fails, two clinicians who tell the same history read different advice."""

    def shuffled(values: Any) -> list[Any]:
        return random.sample(list(values), len(values))

    mixed = dict(shuffled(document.items()))
    for field in ("early_stage_agents", *SETS):
        if field in mixed and mixed[field] != "unknown":
            mixed[field] = shuffled(mixed[field])
    if "prior_lines" in mixed:
        mixed["prior_lines"] = [{**line, "agents": shuffled(line["agents"])} for line in mixed["prior_lines"]]
    assert digest(advise(mixed)) == digest(advise(document))


@SETTINGS
@given(anything())
def test_equal_profiles_get_equal_advice(document: dict[str, Any]) -> None:
    """S22, S23: the same answers give equal advice under the same record id, twice and through JSON. If it fails, a
    record does not replay."""
    one = advise(document)
    other = recommend(Profile.model_validate_json(one.profile.model_dump_json()), KNOWLEDGE)
    assert one == other
    assert digest(one) == digest(other)
    assert one.record_id == other.record_id


@SETTINGS
@given(documents(known=False), documents(known=False))
def test_different_profiles_have_different_records(one: dict[str, Any], other: dict[str, Any]) -> None:
    """S23: a record id names one profile. If it fails, a record could replay to another patient's answer."""
    first, second = advise(one), advise(other)
    assert (first.profile == second.profile) == (first.record_id == second.record_id)


PROGRAM = """
import json, sys
sys.path.insert(0, {tests!r})
from test_sequencing_properties import advise, digest
documents = json.loads(sys.stdin.read())
answers = [[digest(advise(document)), advise(document).record_id] for document in documents]
print(json.dumps(answers))
"""
FEW: list[dict[str, Any]] = [
    {**STANDARD, "brain_metastases": "none"},
    {**STANDARD, "brain_metastases": "active", "tdxd_access": "unavailable"},
    {**AFTER_T_DXD, "brain_metastases": "unknown", "interacting_medicines": ["warfarin", "strong_cyp3a_inducer"]},
    {"her2_status": "positive", "setting": "metastatic", "prior_lines": [{"agents": [], "outcome": "unknown"}]},
    {**UNTREATED, "hr_status": "unknown", "early_stage_agents": ["trastuzumab", "docetaxel"]},
    {**STANDARD, "pregnancy": "present", "performance_status": "ecog_3_4", "red_flags": ["cord_compression"]},
    {},
]


@pytest.mark.parametrize(
    ("seed", "zone", "locale"),
    [("0", "UTC", "C"), ("1", "Pacific/Kiritimati", "tr_TR.UTF-8"), ("2", "America/St_Johns", "de_DE.UTF-8")],
)
def test_advice_is_the_same_in_every_process(seed: str, zone: str, locale: str) -> None:
    """S22: hash seed, time zone, locale and a new process change nothing. If it fails, the answer depends on the
    machine it was computed on, and no record can be trusted."""
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("LC_", "LANG"))},
        "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": seed, "TZ": zone, "LC_ALL": locale,
    }  # fmt: skip
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(tests=str(Path(__file__).parent))],
        input=json.dumps(FEW), capture_output=True, text=True, encoding="utf-8", env=environment, cwd=ROOT, timeout=120,
        check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    here = [[digest(advise(document)), advise(document).record_id] for document in FEW]
    assert json.loads(ran.stdout) == json.loads(json.dumps(here))
