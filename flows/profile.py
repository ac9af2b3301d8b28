"""The profile of one patient, and with it the questionnaire: one annotated field is one answer to ask for.

Every field may be left out: absent (None) means not asked, `unknown` means asked and not known. Which screen
a field is asked on, under which condition, and whether it is a line of the safety checklist stands in its
annotation; buttons, edges of the dialogue, the diagram, the review screen and the export are derived from it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, field_validator

from flows.when import NOT_KNOWN, When

AgentId = Literal[
    "trastuzumab", "pertuzumab", "margetuximab", "t_dm1", "t_dxd", "tucatinib", "lapatinib", "neratinib",
    "pyrotinib", "trastuzumab_duocarmazine", "trastuzumab_rezetecan", "disitamab_vedotin", "zanidatamab",
    "taxane", "docetaxel", "paclitaxel", "nab_paclitaxel", "carboplatin", "cisplatin", "capecitabine",
    "vinorelbine", "eribulin", "gemcitabine", "anthracycline", "doxorubicin", "epirubicin",
    "cyclophosphamide", "fluorouracil", "tamoxifen", "letrozole", "anastrozole", "exemestane", "fulvestrant",
    "ovarian_suppression", "palbociclib", "ribociclib", "abemaciclib",
]  # fmt: skip
AGENTS: tuple[str, ...] = get_args(AgentId)

KINDS: dict[str, frozenset[str]] = {
    "taxane": frozenset(("docetaxel", "paclitaxel", "nab_paclitaxel")),
    "anthracycline": frozenset(("doxorubicin", "epirubicin")),
}
"""An agent whose kind is not stated, to the agents it may be."""
CLASS_OF: dict[str, str] = {agent: kind for kind, members in KINDS.items() for agent in members}
"""An agent to the one that may stand for it."""

Outcome = Literal["progression", "toxicity", "completed", "ongoing", "unknown"]
Presence = Literal["present", "absent", "unknown"]
Medicine = Literal["warfarin", "strong_cyp2c8_inhibitor", "strong_cyp3a_inducer", "strong_cyp3a_inhibitor"]
RedFlag = Literal[
    "seizure_or_raised_icp", "cord_compression", "acute_dyspnoea", "neutropenic_sepsis", "acute_heart_failure"
]
NotKnown = Literal["unknown"]

Agents = Annotated[tuple[AgentId, ...], Field(strict=False, max_length=len(AGENTS))]
RedFlags = Annotated[tuple[RedFlag, ...], Field(strict=False, max_length=5)]
Medicines = Annotated[tuple[Medicine, ...], Field(strict=False, max_length=4)]

MOST_LINES = 15
"""Lines of therapy one profile may hold: a bound on input, far above any real history."""


@dataclass(frozen=True)
class Asked:
    """The field is one question of its own."""

    screen: str
    when: When | None = None
    offered: bool = True  # False: reached only through Edit on the review screen


@dataclass(frozen=True)
class Through:
    """The field is answered through a question that answers several fields at once."""

    screen: str
    question: str


@dataclass(frozen=True)
class Item:
    """The field is one line of the safety checklist.

    `ticked` is the value where the line is ticked (None: a question of its own follows, for the kind);
    `clear` the value where it is not.
    """

    clear: str | tuple[str, ...]
    ticked: str | None = None
    screen: str = "safety"


class Document(BaseModel):
    """A document from outside: unknown keys, coercions and changes after reading are refused."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Line(Document):
    """One line of therapy for metastatic disease. `agents` empty: not known which."""

    agents: Agents = ()
    outcome: Outcome | None = None

    @field_validator("agents", mode="before")
    @classmethod
    def _unknown_agents(cls, value: Any) -> Any:
        return () if value == NOT_KNOWN else value


Lines = Annotated[tuple[Line, ...], Field(strict=False, max_length=MOST_LINES)]


class Profile(Document):
    """The profile document of one patient. Raises pydantic.ValidationError naming field and options."""

    her2_status: Annotated[Literal["positive", "low", "negative", "unknown"] | None, Through("gate", "gate")] = None
    setting: Annotated[Literal["metastatic", "early", "unknown"] | None, Through("gate", "gate")] = None
    red_flags: Annotated[RedFlags | NotKnown | None, Asked("gate")] = None
    prior_lines: Annotated[Lines | None, Asked("lines")] = None
    early_stage_agents: Annotated[Agents | NotKnown | None, Asked("lines")] = None
    months_since_adjuvant_her2: Annotated[
        Annotated[int, Field(ge=0, le=720)] | NotKnown | None,
        Asked("lines", When({"line": "first", "received_early": {"includes_any": ["anti_her2"]}})),
    ] = None
    brain_metastases: Annotated[
        Literal["none", "not_imaged", "stable", "active", "symptomatic", "unknown"] | None, Asked("brain")
    ] = None
    leptomeningeal: Annotated[
        Presence | None,
        Asked("brain", When({"brain_metastases": ["stable", "active", "symptomatic", "unknown"]})),
    ] = None
    extracranial_disease: Annotated[
        Literal["controlled", "progressing", "unknown"] | None,
        Asked("brain", When({"brain_metastases": ["active", "symptomatic"]})),
    ] = None
    hr_status: Annotated[Literal["positive", "negative", "unknown"] | None, Asked("hr")] = None
    tdxd_access: Annotated[
        Literal["available", "unavailable", "declined", "unknown"] | None,
        Asked("tdxd", When({"received": {"includes_none": ["t_dxd"]}})),
    ] = None
    ild_history: Annotated[Presence | None, Item(clear="absent", ticked="present")] = None
    lvef: Annotated[Literal["normal", "reduced", "unknown"] | None, Item(clear="normal", ticked="reduced")] = None
    hepatic_impairment: Annotated[Literal["none", "moderate", "severe", "unknown"] | None, Item(clear="none")] = None
    renal_impairment: Annotated[Literal["none", "severe", "unknown"] | None, Item(clear="none", ticked="severe")] = None
    dpd_deficiency: Annotated[Literal["none", "partial", "complete", "unknown"] | None, Item(clear="none")] = None
    platelets: Annotated[Literal["normal", "low", "unknown"] | None, Item(clear="normal", ticked="low")] = None
    pregnancy: Annotated[Presence | None, Item(clear="absent", ticked="present")] = None
    interacting_medicines: Annotated[Medicines | NotKnown | None, Item(clear=())] = None
    chemotherapy: Annotated[
        Literal["suitable", "unsuitable", "unknown"] | None, Item(clear="suitable", ticked="unsuitable")
    ] = None
    performance_status: Annotated[
        Literal["ecog_0_2", "ecog_3_4", "unknown"] | None, Item(clear="ecog_0_2", ticked="ecog_3_4")
    ] = None
    region: Annotated[Literal["us", "eu", "china", "other", "unknown"] | None, Asked("review", offered=False)] = None


FIELDS: tuple[str, ...] = tuple(Profile.model_fields)


def _literals(annotation: Any) -> Iterator[str]:
    if isinstance(annotation, str):
        yield annotation
    for part in get_args(annotation):
        yield from _literals(part)


@cache
def asked_as(field: str) -> Asked | Through | Item:
    """How a profile field is asked."""
    for note in Profile.model_fields[field].metadata:
        if isinstance(note, Asked | Through | Item):
            return note
    raise ValueError(f"{field}: no annotation says how it is asked")


OPTIONS: dict[str, tuple[str, ...]] = {
    field: tuple(dict.fromkeys(_literals(info.annotation)))
    for field, info in Profile.model_fields.items()
    if field not in ("prior_lines", "early_stage_agents", "months_since_adjuvant_her2")
}
"""Field to its options, as declared; agents and numbers apart."""
OUTCOMES: tuple[str, ...] = get_args(Outcome)
