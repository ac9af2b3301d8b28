"""Wordings put together in every way: each is read wherever it stands, and whatever stands beside it."""

from __future__ import annotations

import re
from itertools import product

import pytest

from flows.knowledge.load import shipped
from flows.profile import Profile
from messages.understanding import understand

KNOWLEDGE = shipped()
DRUGS = {
    "Kadcyla": {"t_dm1"},
    "T-DXd": {"t_dxd"},
    "tucatinib/capecitabine/Herceptin": {"tucatinib", "capecitabine", "trastuzumab"},
    "lapatinib + capecitabine": {"lapatinib", "capecitabine"},
    "vinorelbine-trastuzumab": {"vinorelbine", "trastuzumab"},
    "eribulin": {"eribulin"},
}
FIRST = {"taxane", "trastuzumab", "pertuzumab"}
NOT_GIVEN = """
X was discussed but not given
X was considered
X is planned
X planned as next line
We plan X
We are planning X
X proposed by the tumour board
The board recommends X
The MDT suggested X
X was suggested
X would be my choice
I would give X
I'd go for X
I am thinking of X
Thinking about X
Leaning towards X
Is X an option?
Would X work?
Can we use X?
Can she have X next?
What about X?
X or something else?
X next?
How about X now?
Next step X?
Next: X?
Start X?
Should we start X?
Should she switch to X?
She refused X
She declined X
Patient did not want X
X was refused by the insurer
X not reimbursed
X is not available here
X not yet approved here
X was denied by insurance
X could not be obtained
No access to X
X not given
X never given
X never started
X was never begun
X has not been used
No X so far
No prior X
Not yet had X
She has not received X
She has never had X
Without X so far
X-naive
X is contraindicated
X is not an option
Not a candidate for X
X ruled out because of her lungs
X held in reserve
Keep X for later
Saving X for later
X for later lines
If she progresses, X
If PD, X
On progression we will use X
X was stopped before it began
X ordered, not started
X to start next week
X starts on Monday
Due to start X
Will start X tomorrow
X scheduled for next week
Awaiting approval for X
X applied for
Application for X pending
X requested
Waiting for X
Her sister had X
Her mother took X for breast cancer
Another patient of mine did well on X
My last patient got X
My colleague prefers X
Colleague advises X
A second opinion advised X
She asks about X
Family asks for X
Patient would like X
Patient wants X
She read about X
Any data for X?
Any experience with X?
Data for X are limited
X has shown benefit in trials
Trial of X is open
Trial with X available
She could join a trial of X
Screening for a trial of X
Screen failure for a trial of X
Randomised trial, X arm full
Allergic to X
Option A: X
Options: X
Alternatives: X
Plan: X
Proposed: X
Recommendation: X
Question: X?
Guideline says X
According to guidelines X is next
X is preferred in guidelines
X is cheaper
X is too toxic for her
Too frail for X
X only if the heart allows
X not tested
X instead?
Why not X?
I would avoid X
Avoid X?
Prefer not to use X
Rather not X
Unlikely to tolerate X
Not keen on X
X excluded
X out of stock
X unaffordable
She cannot afford X
""".strip().splitlines()
"""X is no line: planned, asked about, refused, not to be had, another's."""
GIVEN = """
She received X|-
She had X|-
X was given|-
X given for 6 months|-
X for 8 cycles|-
treated with X|-
went on to X|-
moved to X|-
switched to X|-
changed to X|-
was put on X|-
commenced X|-
started X in May|-
X started in 2022|-
X since May|ongoing
currently on X|ongoing
now on X|ongoing
still on X|ongoing
X ongoing|ongoing
X, ongoing, well tolerated|ongoing
on X with stable disease|ongoing
on X, good response so far|ongoing
X: PD|progression
X -> PD|progression
PD on X|progression
PD under X|progression
PD with X|progression
progressed on X|progression
progressed through X|progression
progressing on X|progression
failed X|progression
X failed|progression
X failure|progression
refractory to X|progression
resistant to X|progression
no response to X|progression
X without effect|progression
X until PD|progression
X until progression|progression
X for 5 months until progression|progression
disease progression after X|progression
disease progressed after 4 cycles of X|progression
new lesions on X|progression
new liver lesions under X|progression
liver progression on X|progression
X, then new bone mets|progression
X stopped because of PD|progression
X discontinued for progression|progression
X stopped working|progression
X no longer works|progression
X stopped for toxicity|toxicity
X stopped because of side effects|toxicity
X discontinued due to toxicity|toxicity
X not tolerated|toxicity
did not tolerate X|toxicity
couldn't tolerate X|toxicity
intolerant of X|toxicity
X stopped for neuropathy|toxicity
X had to be stopped because of diarrhoea|toxicity
toxicity on X, stopped|toxicity
X abandoned for hepatotoxicity|toxicity
X completed|completed
completed X|completed
finished X|completed
X x6 completed|completed
best response to X was PR, PD after 9 months|progression
good response to X for a year, then PD|progression
initially responded to X, now progressing|progression
enrolled in a trial of X, PD|progression
X in a trial|-
X within a clinical trial, PD|progression
X via compassionate use, PD|progression
X, which she tolerated well, until PD|progression
X (PD)|progression
X (6 cycles, PD)|progression
X [toxicity]|toxicity
X 2021-2022|-
X from 1/22 to 9/22|-
X, 3 cycles only|-
rapid progression on X|progression
brief response to X|-
the last treatment was X|-
most recently X|-
latest line X|-
last line: X|-
last given X|-
PD again on X|progression
X too, failed|progression
disease worsened on X|progression
grew on X|progression
""".strip().splitlines()
"""X was given, and how it ended."""
BRAIN = """
no brain mets|none
brain MRI clear|none
MRI brain normal last month|none
no CNS disease|none
brain negative on MRI|none
never had brain mets|none
brain not imaged|not_imaged
no brain imaging yet|not_imaged
brain MRI pending|not_imaged
MRI brain planned next week|not_imaged
brain mets treated with SRS, stable|stable
stable brain mets|stable
brain mets after WBRT, stable for a year|stable
brain metastasis resected 2021|stable
treated brain mets, no progression on MRI|stable
2 brain mets s/p SRS|stable
brain mets irradiated in March, controlled since|stable
3 new brain mets|active
brain mets progressing|active
growing brain mets|active
untreated brain mets|active
new 8 mm lesion in the cerebellum|active
brain mets progressing after SRS|active
two brain lesions just found|active
brain progression on MRI|active
MRI shows new brain lesions|active
brain mets with headaches|symptomatic
symptomatic brain mets|symptomatic
brain mets causing hemiparesis|symptomatic
brain mets with vomiting and headache|symptomatic
?brain mets|unknown
suspected brain mets|unknown
""".strip().splitlines()
"""Words of the brain and the status they say."""
BODY = """
no fever|
liver stable|controlled
body disease stable|controlled
extracranial disease controlled|controlled
systemic disease under control|controlled
no extracranial progression|controlled
rest of the disease stable|controlled
progression in the liver|progressing
liver mets growing|progressing
new lung mets|progressing
systemic progression|progressing
nodal progression|progressing
bone progression|progressing
""".strip().splitlines()
"""Words of the rest of the disease and what they say of it."""
AROUND_SURGERY = {
    "neoadjuvant TCHP": {"taxane", "carboplatin", "trastuzumab", "pertuzumab"},
    "TCH adjuvant": {"taxane", "carboplatin", "trastuzumab"},
    "adjuvant AC-TH": {"doxorubicin", "cyclophosphamide", "taxane", "trastuzumab"},
    "neoadj TCHP -> adj T-DM1": {"taxane", "carboplatin", "trastuzumab", "pertuzumab", "t_dm1"},
    "adjuvant trastuzumab": {"trastuzumab"},
}
RELAPSE = (
    ". Relapse in liver 2022: ", ", relapse 3 years later in lung. First line ", "; mets 2021: ",
    " -> recurrence (bone) -> ", ". Metastatic relapse. ", ", then metastatic: ",
    ". Liver mets 2 years later treated with ",
)  # fmt: skip
FOR_THE_RELAPSE = {
    "THP": FIRST,
    "TH": {"taxane", "trastuzumab"},
    "T-DM1": {"t_dm1"},
    "trastuzumab + vinorelbine": {"trastuzumab", "vinorelbine"},
    "HP + letrozole": {"trastuzumab", "pertuzumab", "letrozole"},
}
HOW_IT_WENT = {
    "": None, " x6": None, " x 6 cycles, PD liver": "progression", " until progression": "progression",
    ", ongoing": "ongoing", " (8 cycles), stopped for toxicity": "toxicity",
}  # fmt: skip
NEXT = {
    ", then ": None, " -> ": None, "; ": None, ". Then ": None, " followed by ": None, ", PD, ": "progression",
    " until PD, then ": "progression", "; PD liver; switched to ": "progression", " (PD) -> ": "progression",
    ". At progression ": "progression", ", changed at PD to ": "progression", " x6 -> PD -> ": "progression",
    ", stopped for toxicity, then ": "toxicity", " x 6 cycles. Second line: ": None, " 2020-2021, ": None,
    " 1L, 2L ": None, ". Progression in the lung. ": "progression", " which failed, then ": "progression",
    " for 8 months until liver progression. After that ": "progression",
}  # fmt: skip


AMONG_OTHERS = """
no A here, only B|
A only 3rd line on NHS|
A through CDF|
A, alternative: B|
Alternative to A: B|
A instead of B, with brain mets?|
Now A, B after that if she progresses|A
A until it fails, then B|A
A until it failed, then B|AB
On A, then B when it fails|A
A now, B later|A
A 2021, B later, PD|AB
A ongoing, then B|A
A ongoing, then B, PD|AB
A now, B thereafter|A
A at present, B thereafter|A
Offered A, preferred B, still on it|B
Offered A, accepted, had 6 cycles until ILD G1|A
Offered A, agreed, 4 cycles planned|
She refused A and was started on B|B
She refused A and will be started on B|
C then A or B?|C
C failed. A is funded after B only|C
C failed. A needs prior B|C
C failed. She could get B|C
C -> A next -> B later|C
C, waiting for A, meanwhile B|CB
C, waiting for A, meanwhile B?|C
C, A was considered but B was chosen|CB
C, B was chosen over A|CB
C, meant to start A, started B|CB
C, approved for A, on B|CB
C, on B with A to follow|CB
C, on B, to be followed by A|CB
C, on B, followed by A|CBA
C, on B, about to change to A|CB
C, on B (then A)|CB
C; currently on B pending A approval|CB
C. MDT: A. Got B.|CB
C failed, B, PD, MDT: A|CB
C failed, B, PD, A per MDT|CB
C failed, B, PD, A on Monday|CB
C failed, B, PD, A given on Monday|CBA
C failed, B, PD, A in 2 weeks|CB
C failed, B, PD, A as a last resort|CB
C failed, B, PD, thoughts on A?|CB
C failed. Instead of A, B.|CB
(A planned) C then B|CB
(sister: A) C then B|CB
Another patient got A, mine had C then B|CB
Treated with C. Available:\\n- A\\n- B|C
""".strip().splitlines()
"""What drugs say of one another, and which of them were given."""
TRIPLES = (
    {"A": "T-DXd", "B": "T-DM1", "C": "THP"},
    {"A": "Kadcyla", "B": "lapatinib + capecitabine", "C": "THP"},
    {"A": "tucatinib/capecitabine/Herceptin", "B": "T-DXd", "C": "vinorelbine-trastuzumab"},
)


def lines_of(profile: Profile) -> list[tuple[set[str], str | None]]:
    return [(set(line.agents), line.outcome) for line in profile.prior_lines or ()]


@pytest.mark.parametrize("wording", NOT_GIVEN)
@pytest.mark.parametrize(
    "place", ["THP first line, PD liver. {}.", "{}. So far THP, PD liver.", "HER2+ MBC after THP; {}"]
)
def test_what_was_not_given_is_in_no_line(wording: str, place: str) -> None:
    for drug in DRUGS:
        text = place.format(wording.replace("X", drug)).replace("?.", "?")
        profile = understand(text, KNOWLEDGE).profile
        assert [agents for agents, _ in lines_of(profile)] == [FIRST], text


@pytest.mark.parametrize("line", GIVEN)
@pytest.mark.parametrize(
    "place", ["THP 1L, PD liver, then {}", "1L THP, PD. {}", "{}. THP before that", "THP, then {}"]
)
def test_what_was_given_is_a_line_with_its_outcome(line: str, place: str) -> None:
    wording, outcome = line.split("|")
    for drug, agents in DRUGS.items():
        said = wording.replace("X", drug)
        text = place.format(said if place.endswith("then {}") else f"{said[0].upper()}{said[1:]}")
        lines = lines_of(understand(text, KNOWLEDGE).profile)
        assert [agents for agents, _ in lines] == [FIRST, agents], text
        assert lines[1][1] == (None if outcome == "-" else outcome), text


@pytest.mark.parametrize("before", AROUND_SURGERY)
def test_what_is_given_for_the_relapse_is_a_line(before: str) -> None:
    """It was lost where the same drugs were given around surgery: 'neoadjuvant TCHP. Liver relapse: THP x6'."""
    for relapse, (drugs, agents), (end, outcome) in product(RELAPSE, FOR_THE_RELAPSE.items(), HOW_IT_WENT.items()):
        text = f"{before}{relapse}{drugs}{end}"
        profile = understand(text, KNOWLEDGE).profile
        assert lines_of(profile) == [(agents, outcome)], text
        assert set(profile.early_stage_agents or ()) == AROUND_SURGERY[before], text


@pytest.mark.parametrize("between", NEXT)
def test_one_line_follows_another(between: str) -> None:
    for (first, agents), (second, others) in product(DRUGS.items(), DRUGS.items()):
        if first != second:
            text = f"{first}{between}{second}, now PD in bone"
            assert lines_of(understand(text, KNOWLEDGE).profile) == [
                (agents, NEXT[between]),
                (others, "progression"),
            ], text


@pytest.mark.parametrize("line", BRAIN)
def test_the_brain_is_told_beside_the_body(line: str) -> None:
    wording, status = line.split("|")
    for body in BODY:
        elsewhere, extracranial = body.split("|")
        for place in ("HER2+ MBC, THP then T-DM1. {0}. {1}.", "{0}; {1}; prior THP", "on T-DM1: {1}, {0}"):
            text = place.format(wording, elsewhere)
            profile = understand(text, KNOWLEDGE).profile
            assert profile.brain_metastases == status, text
            assert not extracranial or profile.extracranial_disease == extracranial, text


def with_drugs(wording: str, drugs: dict[str, str]) -> str:
    return re.sub(r"\b[ABC]\b", lambda letter: drugs[letter.group()], wording)


@pytest.mark.parametrize("line", AMONG_OTHERS)
def test_what_was_given_is_told_from_what_another_drug_says_of_it(line: str) -> None:
    wording, given = line.replace("\\n", "\n").split("|")
    for drugs in TRIPLES:
        text = with_drugs(wording, drugs)
        names = {"THP": FIRST, "T-DM1": DRUGS["Kadcyla"], **DRUGS}
        lines = lines_of(understand(text, KNOWLEDGE).profile)
        assert [agents for agents, _ in lines] == [names[drugs[letter]] for letter in given], text


OF_THREE = r"""
A -> B -> C, all with PD|p p p
progressed on A, B and C|p p p
A and B failed, C not tolerated|p p t
A failed, failed B, now on C|p p o
1) A\n2) B\n3) C - PD|- - p
1. A (PD)\n2. B (toxicity)\n3. C (ongoing)|p t o
1L\tA\tPD\n2L\tB\tPD\n3L\tC\tongoing|p p o
1st-3rd: A, B, C|- - -
1L-3L: A, B, C|- - -
2020 A, 2021 B, 2023 C|- - -
2023 C, 2021 B, 2020 A|- - -
C after B after A|- - -
currently C, previously B, before that A|- - o
PD on C after A and B|- - p
A (12 mo), B (6 mo), C (3 mo)|- - -
A until liver PD, B until bone PD, C ongoing|p p o
3 prior lines: A, B and C, the last stopped for toxicity|- - t
next line after A -> B -> C?|- - -
What after A, B and C?|- - -
""".strip().splitlines()
"""Three lines, and how each ended; A came first, C last."""
THREE = (
    ("THP", "T-DM1", "T-DXd"), ("T-DM1", "lapatinib + capecitabine", "eribulin"), ("THP", "T-DXd", "TCT"),
    ("vinorelbine/trastuzumab", "lapatinib + capecitabine", "T-DM1"), ("T-DXd", "TCT", "margetuximab"),
)  # fmt: skip
OF_A_LINE = {
    "THP": FIRST,
    "T-DM1": {"t_dm1"},
    "T-DXd": {"t_dxd"},
    "TCT": {"tucatinib", "capecitabine", "trastuzumab"},
    "lapatinib + capecitabine": {"lapatinib", "capecitabine"},
    "vinorelbine/trastuzumab": {"vinorelbine", "trastuzumab"},
    "eribulin": {"eribulin"},
    "margetuximab": {"margetuximab"},
}
ENDS = {"-": None, "p": "progression", "t": "toxicity", "o": "ongoing"}


@pytest.mark.parametrize("line", OF_THREE)
def test_three_lines_stand_in_their_order_with_their_outcomes(line: str) -> None:
    wording, ends = line.replace("\\n", "\n").replace("\\t", "\t").split("|")
    for drugs in THREE:
        text = with_drugs(wording, dict(zip("ABC", drugs, strict=True)))
        for place in ("{}", "HER2+ MBC. {}"):
            assert lines_of(understand(place.format(text), KNOWLEDGE).profile) == [
                (OF_A_LINE[drug], ENDS[end]) for drug, end in zip(drugs, ends.split(), strict=True)
            ], text


SINCE = {
    ", relapse 8 months after completing it": 8, ". Relapsed 18 months after the last trastuzumab": 18,
    "; DFI 30 months, then liver mets": 30, ", relapsed after 14 months off treatment": 14,
    " finished 20 months ago, now liver mets": 20, ". Recurred while on adjuvant therapy": 0,
    "; last dose 10 months before liver recurrence": 10, ". Metastatic relapse in 2022": None,
}  # fmt: skip
SINCE_THEN: dict[str, list[tuple[set[str], str | None]]] = {
    "": [], ". First line THP, PD": [(FIRST, "progression")], ". Now on T-DXd": [({"t_dxd"}, "ongoing")],
    ". What first line?": [], ". 1L THP, 2L T-DXd ongoing": [(FIRST, None), ({"t_dxd"}, "ongoing")],
}  # fmt: skip


def test_the_interval_is_told_between_early_treatment_and_the_first_line() -> None:
    for before, (relapse, months), (after, lines) in product(
        ("neoadjuvant TCHP", "TCH adjuvant", "adjuvant trastuzumab"), SINCE.items(), SINCE_THEN.items()
    ):
        text = f"{before}{relapse}{after}"
        profile = understand(text, KNOWLEDGE).profile
        assert profile.months_since_adjuvant_her2 == months, text
        assert set(profile.early_stage_agents or ()) == AROUND_SURGERY[before], text
        assert lines_of(profile) == lines, text


BESIDE_A_WORD_NOBODY_KNOWS = (
    "{w}: {d}.", "{d} {w}.", "they {w} {d}.", "{d} was {w} by the board.", "the {w} of {d} is with the boss.",
    "{d}: {w}", "her {w} mentions {d}", "{w} about {d}.", "someone {w} {d} in her chart.", "{d} + capecitabine {w}.",
    "{w}: {d}, lapatinib.", "{w}: {d} 5, lapatinib 2.", "{w} - {d}", "she {w} {d}.", "we {w} for {d}.",
)  # fmt: skip
NOBODY_KNOWS = ("quibbled", "zorp", "florbing")
BUT_GIVEN = (
    ("{w}: THP, PD after 9 months, then {d}.", None), ("THP for a year, {w} and PD, then {d}, ongoing", "ongoing"),
    ("THP. {w}. On {d} with PD in the liver", "progression"), ("THP, then the {w} gave her {d}, 6 cycles", None),
)  # fmt: skip


@pytest.mark.parametrize("wording", BESIDE_A_WORD_NOBODY_KNOWS)
def test_a_drug_beside_a_word_nobody_knows_is_no_line(wording: str) -> None:
    """What is not understood of a drug was once a line: 'Votes: T-DXd', 'T-DXd through a lawsuit'."""
    for word, drug in product(NOBODY_KNOWS, ("Enhertu", "Kadcyla", "tucatinib")):
        text = f"HER2+ MBC. THP 1L, PD in liver. {wording.format(w=word, d=drug)}"
        found = understand(text, KNOWLEDGE)
        assert [agents for agents, _ in lines_of(found.profile)] == [FIRST], text
        assert found.profile.extracranial_disease == "progressing", text


@pytest.mark.parametrize(("wording", "outcome"), BUT_GIVEN)
def test_a_drug_that_is_told_to_be_given_is_a_line_whatever_stands_beside_it(wording: str, outcome: str | None) -> None:
    for word, drug in product(NOBODY_KNOWS, ("Enhertu", "Kadcyla")):
        text = f"HER2+ MBC. {wording.format(w=word, d=drug)}"
        lines = lines_of(understand(text, KNOWLEDGE).profile)
        assert [agents for agents, _ in lines] == [FIRST, {"t_dxd" if drug == "Enhertu" else "t_dm1"}], text
        assert lines[1][1] == outcome, text
