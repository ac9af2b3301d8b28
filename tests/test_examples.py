"""The fifteen invented cases of tests/examples.yaml: what a good answer to each clinician's text holds.

The texts leave much unsaid, so a recommendation may be `conditional`: it then holds under stated assumptions.
What the answer must mention is wording and is tested on the rendered messages, not here.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pytest

from flows.findings import SOURCE_OF
from flows.knowledge import shipped
from flows.plain_yaml import read_yaml
from flows.profile import Profile
from flows.sequencing.advice import Advice
from flows.sequencing.recommend import recommend

CASES: dict[str, dict[str, Any]] = {
    case["id"]: case
    for case in read_yaml((Path(__file__).parent / "examples.yaml").read_text(encoding="utf-8"))["cases"]
}
NO_TREATMENT = {"brain_imaging", "specialist_review"}
"""Steps that look before treating: not what the cases mean by the first treatment."""
LEPTOMENINGEAL = "ex-12"
"""Superseded: leptomeningeal disease is referred without a ranked drug (SAFETY S3, dossier R30)."""
ASKED_AS = {
    "brain symptoms / imaging": ("brain_metastases",),
    "brain metastases": ("brain_metastases",),
    "brain": ("brain_metastases",),
    "parenchymal brain lesions": ("brain_metastases",),
    "HR status": ("hr_status",),
    "HER2 status": ("her2_status",),
    "first-line agents": ("prior_lines",),
    "stage and prior lines": ("setting", "prior_lines"),
    "chemotherapy already given": ("early_stage_agents", "prior_lines"),
}
"""What a case asks for, in the fields that hold it."""


@cache
def advice_for(case: str) -> Advice:
    return recommend(Profile.model_validate(CASES[case]["profile"]), shipped(), CASES[case].get("gate"))


def treatments(advice: Advice) -> list[str]:
    """Steps and options in the order shown, without the steps that look before treating."""
    steps = [step.regimen.id for step in advice.steps if step.regimen.id not in NO_TREATMENT]
    return [*steps, *advice.regimens]


def still_open(case: str, field: str) -> bool:
    """Whether the profile of the case leaves the field open, or a part of it."""
    value = CASES[case]["profile"].get(field)
    if field == "prior_lines" and value:
        return any(not line["agents"] or line.get("outcome") in (None, "unknown") for line in value)
    return value is None or value == "unknown"


def test_all_fifteen_are_here() -> None:
    """S15: a case that is lost no longer protects the patient it stands for."""
    assert list(CASES) == [f"ex-{number:02}" for number in range(1, 16)]


@pytest.mark.parametrize("case", CASES)
def test_behaviour(case: str) -> None:
    """S3, S15: recommends, asks, refers or declines as a clinician would. If it fails, drugs are ranked for a patient
    outside the scope, or a patient inside it is sent away."""
    advice = advice_for(case)
    behaviour = "refer" if case == LEPTOMENINGEAL else CASES[case]["expected"]["behaviour"]
    status = "recommend" if advice.status == "conditional" else advice.status
    assert status == behaviour, [reason.stop.id for reason in advice.reasons]
    if behaviour == "recommend":
        assert advice.options
    else:
        assert advice.options == ()
        assert advice.reasons


@pytest.mark.parametrize("case", [case for case in CASES if CASES[case]["expected"]["acceptable_first"]])
def test_acceptable_first(case: str) -> None:
    """S4, S16: the first treatment is one the guidelines accept. If it fails, the tool leads with another one."""
    acceptable = set(CASES[case]["expected"]["acceptable_first"])
    if CASES[case]["profile"]["prior_lines"] == [] and "t_dxd" in acceptable:
        acceptable.add("t_dxd_pertuzumab")
    shown = treatments(advice_for(case))
    assert shown[:1], "no treatment at all"
    assert shown[0] in acceptable, shown


@pytest.mark.parametrize("case", CASES)
def test_must_not_be_first(case: str) -> None:
    """S16: neither the first step nor the first option is one that the case forbids there. If it fails, the tool
    leads with a treatment the disease progressed on, that harms, or that has weaker evidence."""
    advice = advice_for(case)
    forbidden = set(CASES[case]["expected"]["must_not_be_first"])
    leading = {*(step.regimen.id for step in advice.steps[:1]), *advice.regimens[:1]}
    leading |= {option.regimen.id for option in advice.options if option.rank == 1}
    assert not leading & forbidden


@pytest.mark.parametrize("case", [case for case in CASES if CASES[case]["expected"]["must_exclude"]])
def test_must_exclude(case: str) -> None:
    """S5, S16: what the case rules out is listed as excluded, with a reason, and is no option. If it fails, a
    clinician is offered it, or does not learn why it is missing."""
    advice = advice_for(case)
    told = {exclusion.regimen.id for exclusion in advice.excluded if exclusion.text}
    wanted = {entry["regimen"] for entry in CASES[case]["expected"]["must_exclude"]}
    assert wanted <= told
    assert not wanted & set(advice.regimens)


@pytest.mark.parametrize("case", [case for case in CASES if CASES[case]["expected"].get("must_ask")])
def test_must_ask(case: str) -> None:
    """S11: what the text leaves open and could change the answer is asked for. If it fails, the answer passes an
    unknown over in silence."""
    advice = advice_for(case)
    asked = {*advice.ask_next, *(unknown.field for unknown in advice.unknowns)}
    for phrase in CASES[case]["expected"]["must_ask"]:
        for field in ASKED_AS[phrase]:
            if still_open(case, field):
                assert field in asked, (phrase, field, advice.ask_next)


def test_leptomeningeal_disease_is_referred() -> None:
    """S3: no drug is ranked in leptomeningeal disease; the referral names local therapy first. If it fails, the
    tool ranks drugs where no evidence orders them."""
    advice = advice_for(LEPTOMENINGEAL)
    assert advice.status == "refer"
    assert advice.options == ()
    assert advice.steps[0].regimen.id == "local_cns_therapy"
    assert "local_cns_therapy" in CASES[LEPTOMENINGEAL]["expected"]["acceptable_first"]


@pytest.mark.parametrize("case", [case for case in CASES if CASES[case]["expected"]["behaviour"] == "recommend"])
def test_assumptions_are_stated(case: str) -> None:
    """S11: these texts leave safety questions open, so a plain `recommend` would have taken them as answered No."""
    advice = advice_for(case)
    if advice.status == "conditional":
        assert advice.assumptions
        fields = {field for atom in advice.assumptions for field in SOURCE_OF.get(atom.field, (atom.field,))}
        assert not {field for field in fields if not still_open(case, field)}
    else:
        assert case == LEPTOMENINGEAL
