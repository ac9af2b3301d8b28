"""What a piece names of drugs, and the pharmacology that grouping drugs into lines needs."""

from __future__ import annotations

from collections.abc import Iterable

from flows.profile import CLASS_OF, KINDS
from messages.understanding.pieces import NAMING, Piece

CONJUGATES = frozenset(("t_dm1", "t_dxd", "trastuzumab_duocarmazine", "trastuzumab_rezetecan", "disitamab_vedotin"))
WITH_A_CONJUGATE = frozenset(("pertuzumab", "tucatinib"))
KINASE_INHIBITORS = frozenset(("tucatinib", "lapatinib", "neratinib", "pyrotinib"))
ENDOCRINE = frozenset(
    (
        "tamoxifen", "letrozole", "anastrozole", "exemestane", "fulvestrant", "ovarian_suppression", "palbociclib",
        "ribociclib", "abemaciclib",
    )
)  # fmt: skip
ANTIBODIES = frozenset(("trastuzumab", "pertuzumab"))
GO_ON = ANTIBODIES | ENDOCRINE
"""What goes on where chemotherapy ends."""
BEFORE_A_TAXANE = frozenset(("doxorubicin", "epirubicin", "anthracycline", "cyclophosphamide", "fluorouracil"))
"""The first half of chemotherapy around surgery; a taxane and antibodies follow it."""
EXTENDED_ADJUVANT = frozenset(("neratinib",))
"""Behind adjuvant treatment, only ever more of it."""
IN_ITS_PLACE = frozenset(("margetuximab", "zanidatamab"))
"""Antibodies that are given in the place of trastuzumab."""
ANTI_HER2 = CONJUGATES | KINASE_INHIBITORS | ANTIBODIES | IN_ITS_PLACE
AROUND_SURGERY = (
    ENDOCRINE
    | ANTIBODIES
    | BEFORE_A_TAXANE
    | EXTENDED_ADJUVANT
    | KINDS["taxane"]
    | {"taxane", "carboplatin", "cisplatin", "capecitabine", "t_dm1"}
)
"""What is given before or after surgery; a line with any other drug is no early-stage treatment."""
AGAINST_PLACEBO = {"cleopatra": "pertuzumab", "her2climb": "tucatinib"}
"""Regimens named after a trial, by their first word, to the drug that was tested against placebo there."""
Readings = tuple[tuple[str, ...], ...]


def agents_of(piece: Piece) -> tuple[str, ...] | None:
    """The agents a piece names, by name or by a regimen's shorthand."""
    for concept in piece.concepts:
        if concept.kind in ("agents", "regimen"):
            return tuple(concept.value)
    return None


def readings_of(piece: Piece) -> Readings | None:
    """What a piece may mean where it does not say which drug: a class, or a misspelt name."""
    if piece.kind == "fuzzy":
        return tuple(piece.value)
    for concept in piece.concepts:
        if concept.kind == "misspelt":
            return tuple(concept.value)
        if concept.kind == "class":
            return tuple((agent,) for agent in concept.value)
    return None


def names_drugs(piece: Piece) -> bool:
    """Whether a piece names drugs, clearly or not."""
    return piece.kind == "fuzzy" or not piece.kinds.isdisjoint(NAMING)


def generic(agents: Iterable[str]) -> set[str]:
    """Agents with every member of a class as the class: docetaxel is a taxane."""
    return {CLASS_OF.get(agent, agent) for agent in agents}


def go_together(have: set[str], more: set[str]) -> bool:
    """Whether drugs may be given in one line: no drug twice, one conjugate with few others, one kinase inhibitor."""
    both = have | more
    conjugates = CONJUGATES & both
    if have & more or len(conjugates) > 1 or len(KINASE_INHIBITORS & both) > 1:
        return False
    if "trastuzumab" in both and IN_ITS_PLACE & both:
        return False
    return not conjugates or both - conjugates <= WITH_A_CONJUGATE
