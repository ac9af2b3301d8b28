"""Texts that were once read harmfully: each must stay unread, be asked back, or be read as it was meant."""

from __future__ import annotations

import random
import re
from typing import Any

import pytest
from test_dialogue_properties import one_of_each

from flows.dialogue import begin
from flows.knowledge.load import shipped
from flows.turns import Answer, State, Understood
from messages.understanding import turn_of
from messages.understanding.identifiers import _RUN, NUMBERS, _identifies, holds_identifier
from messages.understanding.understand import understand
from messages.words import english

WORDS = english(shipped())
STATES = one_of_each()

# --- answers that are limited, doubted or denied beside their name -------------------------------------------


def answered_at(text: str, here: str) -> tuple[Any, ...]:
    """What a text typed at a question gives it: the chosen options, or the value stated; () where nothing is taken."""
    turn = turn_of(text, begin() if here == "role" else STATES.get(here) or State(here=here), WORDS)
    if isinstance(turn, Answer):
        return turn.chosen
    name = "prior_lines" if here == "line_outcome" else here
    taken = isinstance(turn, Understood) and name in turn.statement.values
    return (turn.statement.values[name],) if taken and isinstance(turn, Understood) else ()


NOT_TAKEN = {
    "safety": ["nothing checked", "none checked", "no list", "none of these done", "nothing known yet?"],
    "review": ["yes, but change ER", "ok wait", "not right", "all good now?"],
    "gate": ["yes to all but the last", "true of most"],
    "red_flags": [
        "none/unknown",
        "none of these except the last",
        "none of these, except possibly the third",
        "none of these apart from the first",
        "none of the above except #3",
        "not none of these",
        "no red flags until today",
        "none of these when last seen",
        "none of these last week",
        "none of these in 2023",
        "none of these yet",
        "no red flags known",
        "no red flags?",
        "no?",
        "no thanks",
        "none, short of breath, EF 60",
        "none, febrile, platelets 60",
        "none, drowsy, brain mets new",
        "none, brain mets with vomiting and headache",
        "none, fits, brain mets",
        "none, ER+, chest pain",
        "none, LMD with vomiting",
        "none, LVEF 25",
        "no emergencies except ILD",
        "not declined",
        "none or fever",
        "none if stable",
        "none but one",
        "none but breathless",
        "no, but she is weak",
        "none other than dyspnoea",
        "none besides fever",
        "none save the second",
        "no red flags at the last visit",
        "none I think",
        "none of these yesterday",
        "all but one absent",
        "all absent except fever",
        "none that I know of",
        "none as far as known",
        "none, stable ILD",
    ],
    "role": [
        "my oncologist",
        "our oncologist",
        "my doctor",
        "my nurse",
        "my pharmacist",
        "my surgeon",
        "my clinician",
        "the doctor",
        "oncologist?",
        "nurse?",
        "pharmacist's assistant",
        "her oncologist",
        "your oncologist",
        "no doctor",
        "see my oncologist",
        "not oncologist",
        "former oncologist",
        "retired oncologist",
        "oncologist to be",
        "ex oncologist",
        "the oncologist",
        "our site's nurse",
        "the GP",
        "doctor or nurse",
    ],
    "brain_metastases": [
        "mostly stable",
        "stable in the liver",
        "none by CT",
        "none eloquent",
        "no large brain mets",
        "no brain mets > 2 cm",
        "brain MRI not normal",
        "MRI not normal",
        "not none",
        "none until now",
        "not active",
        "none or unknown",
        "negative for progression",
        "stable until last week",
        "brain mets stable until today's MRI",
        "stable? MRI pending",
        "none on CT, MRI pending",
        "none, but last MRI 2021",
        "none on last scan, new headaches",
        "none clinically",
        "no brain mets except one",
        "none symptomatic",
        "none untreated",
        "none that need treatment",
        "none active",
        "no untreated brain mets",
        "brain mets: none symptomatic",
        "none?",
        "none yet",
        "active?",
        "not stable",
        "none, MRI 2025",
        "stable or active",
        "none in the past",
        "none last year",
        "previously none",
        "none before",
        "stable except one",
        "no new brain mets",
        "none progressing",
    ],
    "leptomeningeal": [
        "CSF negative once",
        "none in the spine",
        "CSF negative, MRI positive",
        "negative CSF, enhancement on MRI",
        "none except thin enhancement",
        "none until today",
        "none now, had it last year",
        "no thanks",
        "none?",
        "not absent",
        "absent so far",
        "not negative",
        "not positive",
        "no longer absent",
        "absent in 2022",
        "absent or unknown",
        "negative?",
        "was present",
        "present until 2023",
        "no no",
        "yes?",
    ],
    "dpd_deficiency": [
        "possible partial",
        "partial likely",
        "not partial",
        "partial or complete",
        "none left?",
        "complete?",
        "not complete",
        "not unknown",
    ],
    "hepatic_impairment": [
        "was moderate",
        "none severe",
        "normal apart from bilirubin",
        "not severe",
        "no longer severe",
        "severe?",
        "moderate or severe",
        "not moderate",
        "not Child-Pugh C",
    ],
    "tdxd_access": [
        "available soon",
        "available abroad",
        "might be available",
        "available once approved",
        "will be available",
        "declined at first, now wants it",
        "didn't decline",
        "declined before",
        "not declined",
        "she has not refused",
        "she would not decline",
        "not unavailable",
        "available from next year",
        "available?",
        "available if funded",
        "available until June",
        "declined?",
        "available or not",
        "no longer declined",
        "not refused",
        "not too expensive",
        "available except privately",
    ],
    "hr_status": [
        "was negative",
        "not strongly positive",
        "not negative",
        "ER not negative",
        "positive?",
        "negative until 2022",
        "positive or negative",
        "no longer positive",
        "not both negative",
    ],
    "line_outcome": [
        "possible PD",
        "query PD",
        "almost completed",
        "to be completed",
        "not ongoing",
        "no longer ongoing",
        "not completed",
        "not complete",
        "not complete, partial",
        "not toxicity",
        "no toxicity",
        "no progression",
        "progression?",
        "ongoing?",
        "progression or toxicity",
        "progression suspected",
        "ongoing until June",
        "not PD",
        "completed except one cycle",
        "not for toxicity",
        "toxicity excluded",
    ],
    "extracranial_disease": [
        "was controlled",
        "controlled before",
        "controlled, new lesion",
        "stable, new lesions",
        "mixed response",
        "progressing only in brain",
        "controlled until now",
        "stable in the brain",
        "controlled?",
        "no longer progressing",
        "controlled except liver",
        "controlled or progressing",
        "controlled apart from the liver",
    ],
    "prior_lines": [
        "none?",
        "not none",
        "none until now",
        "not done",
        "done?",
        "no further lines yet",
        "none that I know of",
    ],
    "months_since_adjuvant_her2": [
        "1 year after start",
        "18 months since diagnosis",
        "between 5 and 8 months",
        "12?",
    ],
    "early_stage_agents": [
        "TCHP without pertuzumab",
        "TCHP minus carboplatin",
        "none except tamoxifen",
        "none?",
        "not none",
        "none until",
    ],
}


@pytest.mark.parametrize(("here", "text"), [(here, text) for here, texts in NOT_TAKEN.items() for text in texts])
def test_an_answer_that_is_limited_or_denied_is_not_taken(here: str, text: str) -> None:
    """S4, S11: "none except the last" passes the emergencies, "not declined" is declined, "oncologist?" attests.

    Were it to fail: the opposite of what a clinician typed is entered, and nothing asks again.
    """
    assert answered_at(text, here) == ()


TAKEN = {
    ("tdxd_access", "not yet available"): "unavailable",
    ("dpd_deficiency", "not complete, partial"): "partial",
    ("role", "doctor's secretary"): "not_professional",
    ("red_flags", "none of these today"): "none",
    ("red_flags", "none"): "none",
    ("red_flags", "no"): "none",
    ("red_flags", "none of these."): "none",
    ("red_flags", "no, none of these"): "none",
    ("red_flags", "nope"): "none",
    ("red_flags", "nothing acute"): "none",
    ("red_flags", "no red flags"): "none",
    ("red_flags", "none!"): "none",
    ("red_flags", "all negative"): "none",
    ("red_flags", "not any"): "none",
    ("role", "oncologist"): "oncologist",
    ("role", "I am an oncologist"): "oncologist",
    ("role", "I'm the treating oncologist"): "oncologist",
    ("role", "GP"): "other_clinician",
    ("role", "physician assistant"): "other_clinician",
    ("brain_metastases", "none now"): "none",
    ("brain_metastases", "none on MRI"): "none",
    ("brain_metastases", "stable"): "stable",
    ("brain_metastases", "stable on MRI"): "stable",
    ("brain_metastases", "treated, stable"): "stable",
    ("brain_metastases", "resected, now progressing"): "active",
    ("brain_metastases", "resected, recurrence at the margin"): "active",
    ("leptomeningeal", "no"): "absent",
    ("leptomeningeal", "none on MRI"): "absent",
    ("leptomeningeal", "not excluded"): "unknown",
    ("leptomeningeal", "no LMD"): "absent",
    ("leptomeningeal", "CSF negative"): "absent",
    ("leptomeningeal", "not present"): "absent",
    ("dpd_deficiency", "partial"): "partial",
    ("hepatic_impairment", "b"): "moderate",
    ("tdxd_access", "not available"): "unavailable",
    ("tdxd_access", "no longer available"): "unavailable",
    ("tdxd_access", "available"): "available",
    ("hr_status", "not positive"): "negative",
    ("hr_status", "ER-/PR-"): "negative",
    ("line_outcome", "ongoing"): "ongoing",
    ("line_outcome", "PD"): "progression",
    ("extracranial_disease", "not controlled"): "progressing",
    ("extracranial_disease", "not progressing"): "controlled",
    ("extracranial_disease", "stable"): "controlled",
    ("prior_lines", "none so far"): "done",
    ("prior_lines", "none"): "done",
    ("early_stage_agents", "none"): "none",
}


@pytest.mark.parametrize(("here", "text", "chosen"), [(*key, chosen) for key, chosen in TAKEN.items()])
def test_a_plain_answer_is_taken(here: str, text: str, chosen: str) -> None:
    """S11: the words that limit an answer are looked for too widely. Were it to fail: nobody can answer by typing."""
    assert answered_at(text, here) == (chosen,)


@pytest.mark.parametrize("text", ["none symptomatic", "none untreated", "no untreated brain mets", "none active"])
def test_none_of_a_kind_says_that_there_are_some(text: str) -> None:
    """S19: "none symptomatic" is recorded as no brain metastases."""
    turn = turn_of(text, STATES["brain_metastases"], WORDS)
    readings = (
        [choice.readings for choice in turn.statement.choices] if isinstance(turn, Understood) else [turn.readings]
    )
    assert readings == [("stable", "active")]
    assert not isinstance(turn, Understood) or not turn.statement.values


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("HER2 not negative, MBC", "her2_status"),
        ("ER not negative", "hr_status"),
        ("ER and PR not negative", "hr_status"),
        ("not early stage", "setting"),
        ("no longer early stage", "setting"),
    ],
)
def test_what_is_not_the_case_is_not_read(text: str, name: str) -> None:
    """S11: "HER2 not negative" refuses the case as HER2-negative, "no longer early stage" as early disease."""
    assert name not in understand(text, shipped()).fields


@pytest.mark.parametrize(
    ("text", "given"),
    [
        ("nothing so far except letrozole", ("letrozole",)),
        ("none except THP", ("taxane", "trastuzumab", "pertuzumab")),
        ("no lines except trastuzumab", ("trastuzumab",)),
    ],
)
def test_an_exception_from_nothing_is_what_was_given(text: str, given: tuple[str, ...]) -> None:
    """S11: "nothing so far except letrozole" at the lines says that there was no line, or no early-stage treatment."""
    turn = turn_of(text, STATES["prior_lines"], WORDS)
    if isinstance(turn, Answer):
        assert turn.chosen == given
        return
    assert isinstance(turn, Understood)
    assert [line.agents for line in turn.statement.values["prior_lines"]] == [given]
    assert "early_stage_agents" not in turn.statement.values


# --- treatment that was only named or is to come; the order and the outcome of lines; who is identified ---------

THP = ("taxane", "trastuzumab", "pertuzumab")
LAP_CAPE = ("lapatinib", "capecitabine")


@pytest.mark.parametrize(
    ("text", "received", "outcomes"),
    [
        ("HER2+ MBC, THP PD. T-DXd on hold until funding.", [THP], ["progression"]),
        ("HER2+ MBC, THP PD. T-DXd held pending insurance approval.", [THP], ["progression"]),
        ("THP -> PD. T-DXd on hold awaiting approval; bridging with lap/cape", [THP, LAP_CAPE], ["progression", None]),
        ("THP PD. Formulary: T-DM1, lapatinib", [THP], ["progression"]),
        ("THP PD. Options T-DXd, tucatinib, T-DM1", [THP], ["progression"]),
        ("THP PD, T-DXd as next line", [THP], ["progression"]),
        ("second-line T-DXd to be decided", None, []),
        ("All standard agents but tucatinib and margetuximab", None, []),
        ("all available drugs except tucatinib", None, []),
        ("THP PD. Contraindications: capecitabine", [THP], ["progression"]),
        ("THP PD. Allergies: docetaxel, penicillin", [THP], ["progression"]),
        ("THP PD. Anaphylaxis to paclitaxel.", [THP], ["progression"]),
        ("THP PD. Allergic reaction to the paclitaxel.", [THP], ["progression"]),
        ("hypersensitivity to trastuzumab; THP stopped", [THP], [None]),
        ("CLEOPATRA placebo arm, PD", [("docetaxel", "trastuzumab")], ["progression"]),
        ("HER2CLIMB control arm, PD", [("capecitabine", "trastuzumab")], ["progression"]),
        ("HER2CLIMB-02 control arm, PD", None, []),
        ("recent: T-DXd. before: T-DM1. before", [("t_dm1",), ("t_dxd",)], [None, None]),
        ("Tucatinib or HER2CLIMB-02 placebo arm", None, []),
        ("HER2CLIMB-02 (T-DM1 + tucatinib or placebo) PD", [("t_dm1",)], ["progression"]),
        ("T-DM1 for want of T-DXd, PD", [("t_dm1",)], ["progression"]),
        ("THP PD, T-DM1 for lack of T-DXd, PD", [THP, ("t_dm1",)], ["progression", "progression"]),
        ("Not only THP but also T-DM1, PD on both.", [THP, ("t_dm1",)], ["progression", "progression"]),
        ("THP not followed by T-DM1, PD", [THP], ["progression"]),
        ("THP followed not by T-DM1 but T-DXd", [THP, ("t_dxd",)], [None, None]),
        ("T-DM1 (2024), T-DXd (2022), THP (2020), all PD", [THP, ("t_dxd",), ("t_dm1",)], ["progression"] * 3),
        ("T-DXd <- T-DM1 <- THP", [THP, ("t_dm1",), ("t_dxd",)], [None] * 3),
        ("THP and T-DXd, PD on the first, toxicity on the second", [THP, ("t_dxd",)], ["progression", "toxicity"]),
        (
            "THP then T-DXd; the former caused neuropathy and was stopped, the latter failed",
            [THP, ("t_dxd",)],
            ["toxicity", "progression"],
        ),
        ("T-DM1 no longer progressing", [("t_dm1",)], [None]),
        ("T-DM1, suspected progression", [("t_dm1",)], [None]),
        ("No progression on THP, stopped for patient choice", [THP], [None]),
        ("T-DXd x4 CR, stopped for grade 2 ILD; rechallenged; PD", [("t_dxd",)], ["toxicity"]),
        ("THP, T-DM1 or, possibly, TCH", [THP], [None]),
        ("THP and, perhaps, T-DM1", [THP], [None]),
        ("T-DM1 2019, plan to switch to T-DXd on progression", [("t_dm1",)], [None]),
        ("What comes after T-DM1? THP PD, T-DM1 PD", [THP, ("t_dm1",)], ["progression", "progression"]),
        (
            "THP, T-DM1, lap/cape ongoing. The first two each ended in progression.",
            [THP, ("t_dm1",), LAP_CAPE],
            ["progression", "progression", "ongoing"],
        ),
        ("HER2+ MBC, rectal cancer 2015 (capecitabine for that)", None, []),
        ("Bladder cancer 2018: gemcitabine and cisplatin. THP 2023, PD.", [THP], ["progression"]),
        ("THP PD. T-DM1 0 cycles.", [THP], ["progression"]),
        ("HER2+ MBC. Her dad had T-DM1.", None, []),
        ("T-DXd, tucatinib? Declined.", None, []),
        ("lapatinib, neratinib? neither", None, []),
        ("THP but no P", [("taxane", "trastuzumab")], [None]),
        ("back then Enhertu was unavailable, she got Kadcyla", [("t_dm1",)], [None]),
        ("neither T-DM1 nor tucatinib was tried", None, []),
        ("neither THP nor T-DM1 worked", [THP, ("t_dm1",)], ["progression", "progression"]),
        ("What after T-DM1? She had T-DM1 after THP", [THP, ("t_dm1",)], [None, None]),
        ("T-DM1 stopped because of toxicity or PD", [("t_dm1",)], [None]),
        ("HER2+ MBC. Hodgkin's at 19 treated with an anthracycline. THP, PD.", [THP], ["progression"]),
        ("HER2+ MBC. Carboplatin (ovarian ca, 2016), THP (breast, 2023)", [THP], [None]),
        ("tucatinib: 0 tablets taken", None, []),
        ("any prior T-DM1? no. any prior T-DXd? yes, PD.", [("t_dxd",)], ["progression"]),
        ("HER2+ MBC. Doxorubicin? Yes, but for a sarcoma in 1999.", None, []),
        ("eribulin vial broke, dose not given, never rescheduled", None, []),
        ("Tucatinib was proposed. The patient declined.", None, []),
        ("HER2+ MBC, THP PD. T-DXd next in June", [THP], ["progression"]),
        ("T-DXd next in June, she had THP", [THP], [None]),
        ("T-DXd next in June, she had THP, PD", [THP], ["progression"]),
        ("THP PD. T-DXd next in June. She progressed in September.", [THP, ("t_dxd",)], ["progression"] * 2),
        ("THP PD. T-DXd after PET. PD in liver.", [THP, ("t_dxd",)], ["progression"] * 2),
        ("THP 2019, T-DXd next in June 2022, PD", [THP, ("t_dxd",)], [None, "progression"]),
        ("HER2+ MBC, THP PD. T-DXd after echo.", [THP], ["progression"]),
        ("THP PD. T-DXd after echo, PD", [THP, ("t_dxd",)], ["progression", "progression"]),
        ("Had THP after CT.", [THP], [None]),
        ("THP PD, T-DXd after", [THP, ("t_dxd",)], ["progression", None]),
    ],
)
def test_a_drug_only_named_or_to_come_was_not_given_and_lines_keep_order_and_outcome(
    text: str, received: list[tuple[str, ...]] | None, outcomes: list[str | None]
) -> None:
    """A failure means a drug counted as used up that was only planned, blamed or listed, or lines turned round."""
    lines = understand(text, shipped()).fields.get("prior_lines")
    if received is None:
        assert not lines
    else:
        assert [set(line.agents) for line in lines] == [set(agents) for agents in received]
        assert [line.outcome for line in lines] == outcomes


@pytest.mark.parametrize(
    ("text", "given"),
    [
        ("not naive: adjuvant TCH and pertuzumab", {"taxane", "carboplatin", "trastuzumab", "pertuzumab"}),
        ("Chemo-free so far: trastuzumab + letrozole", {"trastuzumab", "letrozole"}),
        ("Nothing worked: not THP, not T-DM1", {*THP, "t_dm1"}),
        ("THP did not work and neither did T-DXd", {*THP, "t_dxd"}),
        ("T-DM1 in 2021, none since", {"t_dm1"}),
        ("she responded neither to THP nor to T-DM1", {*THP, "t_dm1"}),
        ("none of THP and T-DM1 was tolerated", {*THP, "t_dm1"}),
        ("TCHP, after cycle 4 without carboplatin", {"carboplatin"}),
        ("T-DM1 once, never again", {"t_dm1"}),
        ("no pertuzumab since 2021", {"pertuzumab"}),
        ("not on T-DM1 any more", {"t_dm1"}),
        ("by no means naive: THP 2020, T-DXd 2022", {*THP, "t_dxd"}),
        ("THP (P skipped), then T-DM1", {"taxane", "trastuzumab", "t_dm1"}),
    ],
)
def test_what_was_given_is_not_denied(text: str, given: set[str]) -> None:
    """A drug that was given and failed would be recommended again as one that was never given."""
    assert given.isdisjoint(understand(text, shipped()).denied_agents)


@pytest.mark.parametrize(
    "text",
    [
        "I am Dr Lee, oncologist",
        "this is Dr. Anna Lee",
        "Dr Miller's patient has HER2+ MBC",
        "case of Mr X",
        "Ms K., HER2+ MBC",
        "patient J.S. HER2+ MBC",
        "MRN: A-12-3345",
        "jdoe at gmail dot com",
        "address: 12 Main St",
        "she lives near 14 Oak Rd",
        "Nurse Sarah says EF 45",
    ],
)
def test_what_identifies_a_person_is_never_processed(text: str) -> None:
    """A failure means that a name, a record's number or an address is processed, and may be stored."""
    assert holds_identifier(text)


def test_numbers_that_identify_are_found_as_if_looked_for_everywhere() -> None:
    """A telephone number goes through because it stands behind other digits."""
    chance = random.Random(1)
    parts = (" ", ".", "/", "-", ") ", "(", "+", "00", "0", "day ", "days ", ",", "19", "20", "2019", "12", "1", "31")
    found = 0
    for _ in range(20_000):
        count = chance.randint(2, 9)
        text = "".join(
            chance.choice(parts) if chance.random() < 0.5 else str(chance.randint(0, 9999)) for _ in range(count)
        )
        everywhere = re.search("|".join(NUMBERS), text) is not None
        assert any(_identifies(text, run) for run in _RUN.finditer(text)) == everywhere, text
        found += everywhere
    assert 1_000 < found < 19_000


@pytest.mark.parametrize("text", ["ask the dr. PD on THP", "MR brain clear", "dr: HER2+ MBC", "EF 45 at nurse review"])
def test_what_identifies_nobody_is_processed(text: str) -> None:
    """A failure means that a clinician's text is refused for no reason."""
    assert not holds_identifier(text)


@pytest.mark.parametrize(
    ("text", "field", "value"),
    [
        ("EF 58 in January; 41 in June", "lvef", "reduced"),
        ("EF 60 before T-DXd, 44 now", "lvef", "reduced"),
        ("EF was 55, today it is 45", "lvef", "reduced"),
        ("EF normal then fell to 40", "lvef", "reduced"),
        ("EF normal before, reduced after trastuzumab", "lvef", "reduced"),
        ("LVEF 50-55 initially and 38 after trastuzumab", "lvef", "reduced"),
        ("platelets 140 before T-DM1, 70 now", "platelets", "low"),
        ("platelets normal last week, 60 today", "platelets", "low"),
        ("platelets normal before T-DM1, low since", "platelets", "low"),
        ("platelets ok apart from 90 today", "platelets", "low"),
        ("plt normal >150 normally, today 65", "platelets", "low"),
        ("Child-Pugh A last month, now B", "hepatic_impairment", "moderate"),
        ("bilirubin normal in May, now 4x ULN", "hepatic_impairment", "severe"),
        ("GFR 55 last month, 20 today", "renal_impairment", "severe"),
        ("eGFR 60 in spring, 24 now", "renal_impairment", "severe"),
    ],
)
def test_the_later_measurement_counts(text: str, field: str, value: str) -> None:
    """An organ that has failed since is not read as sound: a drug it forbids would be recommended."""
    assert understand(text, shipped()).fields.get(field) == value


@pytest.mark.parametrize(
    ("text", "field"),
    [
        *((text, "ild_history") for text in (
            "no active ILD", "no current ILD", "no residual ILD", "no recurrence of ILD", "no grade 3 ILD",
            "no ILD at present, had it on T-DXd", "no history of ILD until last month", "no ILD since rechallenge",
            "ILD history negative until T-DXd", "no evidence of ILD progression", "no new ILD", "no significant ILD",
        )),
        *((text, "brain_metastases") for text in (
            "brain MRI not normal", "brain mets stable until last week", "no brain mets except one",
            "no untreated brain mets", "brain mets: none symptomatic", "brain mets: none active",
            "brain mets: none clinically",
            "brain mets stable? MRI pending", "brain mets: none on CT, MRI pending", "no brain mets in 2021, MRI due",
        )),
        *((text, "leptomeningeal") for text in (
            "CSF negative, MRI positive", "LMD: none except thin enhancement", "no LMD until today",
            "LMD: none now, had it last year", "CSF negative, MRI suspicious for LMD",
        )),
        ("extracranial disease controlled until now", "extracranial_disease"),
        ("DPD: partial or complete, awaiting confirmation", "dpd_deficiency"),
        ("DPD: not partial", "dpd_deficiency"),
    ],
)  # fmt: skip
def test_what_only_partly_holds_is_not_clear(text: str, field: str) -> None:
    """A finding denied for now, in part or with an exception is not taken for never there: it is asked back."""
    found = understand(text, shipped())
    assert found.fields.get(field) in (None, "unknown", "not_imaged")
    assert field in found.fields or field in [entry.field for entry in found.ambiguous]


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("not pregnant? test awaited", "pregnancy"),
        ("DPD normal? awaiting", "dpd_deficiency"),
        ("ILD excluded? CT pending", "ild_history"),
        ("ILD yes/no?", "ild_history"),
        ("DPYD tested: result normal not yet confirmed", "dpd_deficiency"),
    ],
)
def test_a_result_that_is_awaited_is_not_known(text: str, field: str) -> None:
    """A question mark or a pending result does not clear a patient."""
    assert understand(text, shipped()).fields.get(field, "unknown") == "unknown"


@pytest.mark.parametrize(
    "untreated",
    ["not treated", "has not been treated", "no brain radiotherapy", "no WBRT so far", "no local RT", "no cranial RT",
     "no cerebral RT so far", "no CNS irradiation", "no prior SRS", "never irradiated", "no brain surgery",
     "untreated"],
)  # fmt: skip
@pytest.mark.parametrize(
    "told", ["2 brain mets, {}", "THP. Brain metastases found, {}. ER neg", "CNS lesions 4 mm, {}"]
)
def test_untreated_brain_metastases_are_there(told: str, untreated: str) -> None:
    """Treatment that is denied makes of brain metastases none, or stable ones: an option that must not be one."""
    assert understand(told.format(untreated), shipped()).fields.get("brain_metastases") == "active"


@pytest.mark.parametrize(
    "text",
    [
        "HER2+ metastatic ovarian cancer",
        "HER2+ metastatic lung cancer",
        "HER2+ metastatic lung tumour",
        "HER2+ metastatic liver cancer",
        "HER2+ metastatic lung cancer, THP PD",
    ],
)
def test_the_metastatic_cancer_of_another_organ_is_out_of_scope(text: str) -> None:
    """Another tumour is not given the treatment of breast cancer."""
    assert understand(text, shipped()).reason == "other_tumour"


@pytest.mark.parametrize("text", ["not HER2+ MBC", "no HER2+ MBC", "HER2+ MBC excluded", "HER2+ MBC not confirmed"])
def test_disease_that_is_denied_is_not_positive(text: str) -> None:
    """Disease that is ruled out does not pass the gate."""
    assert understand(text, shipped()).fields.get("her2_status") != "positive"


@pytest.mark.parametrize(
    "text",
    [
        "headache and vomiting since this morning",
        "worsening headache with vomiting, brain mets",
        "new bilateral leg weakness",
        "can't walk since yesterday, spine mets",
        "seized yesterday",
        "no seizure until today",
        "on T-DXd, breathless",
        "no red flags, breathless on T-DXd",
        "no emergencies, new leg weakness with bone mets",
        "no seizure, ICP is raised though",
        "an old seizure in 2019, and another one this morning",
        "hemiplegia since this morning",
    ],
)
def test_an_emergency_told_in_passing_is_read(text: str) -> None:
    """Somebody who needs help now is sent for it, not asked the next question."""
    assert understand(f"HER2+ MBC, {text}", shipped()).fields.get("red_flags")


def test_an_exception_to_no_emergencies_leaves_them_open() -> None:
    """'No emergencies except ILD' does not pass the emergencies."""
    assert understand("HER2+ MBC, no emergencies except ILD", shipped()).fields.get("red_flags") != ()


@pytest.mark.parametrize(
    "text", ["THP, T-DM1: none of these tolerated", "THP, T-DM1. None of those were stopped for ILD"]
)
def test_none_of_the_drugs_is_no_answer_about_emergencies(text: str) -> None:
    """'None of these tolerated', said of drugs, passes the emergencies."""
    assert understand(text, shipped()).fields.get("red_flags") != ()


@pytest.mark.parametrize(
    ("here", "text", "values"),
    [
        ("brain_metastases", "no brain mets known, not imaged", {"not_imaged"}),
        ("brain_metastases", "no brain mets in 2021, MRI due", {"not_imaged"}),
        ("leptomeningeal", "CSF negative, MRI suspicious for LMD", {"unknown"}),
        ("dpd_deficiency", "none found so far, result pending", {"unknown"}),
        ("red_flags", "none, breathless on T-DXd", {("acute_dyspnoea",), "acute_dyspnoea"}),
    ],
)
def test_a_doubtful_answer_is_what_it_says(here: str, text: str, values: set[Any]) -> None:
    """What was not looked for, or is still awaited, is not clear; a symptom beside 'none' is an emergency."""
    assert set(answered_at(text, here)) <= values
