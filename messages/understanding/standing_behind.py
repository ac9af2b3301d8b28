"""What the words behind a drug say of it: not given, refused, not available, planned, asked about, or given."""

from __future__ import annotations

from messages.understanding.outline import Outline
from messages.understanding.standing_before import denies_what_follows

_GIVEN = frozenset(
    (
        "progression", "toxicity", "stopped", "completed", "ongoing", "outcome_unknown",
        "took_effect",
    )
)  # fmt: skip
"""Cues behind a drug that show that it was given."""
_LIST = 3
"""Drugs of a list, at least, that what is said behind it is said of all of."""
_REFUSALS = frozenset(("denied", "declined", "unavailable"))


class Behind:
    """Reads a sentence backwards, with what was said since the last drug."""

    def __init__(self, outline: Outline, first: int, end: int) -> None:
        self.outline, self.first, self.end = outline, first, end
        self.behind: dict[int, str | None] = {}
        """What stands behind each drug, by its place."""
        self.denied_later = False
        """Whether a denial behind a drug was said in a stretch of its own."""

    def read(self) -> None:
        """Note what stands behind each drug."""
        outline = self.outline
        verdict: str | None = None
        told_at = -1
        following: int | None = None
        listed = carried = False
        for at in range(self.end - 1, self.first - 1, -1):
            if outline.is_drug[at]:
                if verdict is None and following is not None:
                    listed = self._is_listed(at, following, listed)
                    verdict = self.behind[following] if listed or self._is_joined(at, following) else None
                    verdict = verdict if verdict != "given" else None
                else:
                    listed = False
                self.behind[at] = verdict
                verdict, following, carried = None, at, False
                continue
            said = self._verdict(at)
            outweighed = said == "denied" and verdict == "unavailable" and told_at - at < 4  # not yet funded
            outweighed = outweighed or (
                said == "available" and verdict == "unavailable"
            )  # available but not reimbursed
            if said is not None and not outweighed and not (said == "planned" and verdict in _REFUSALS):
                verdict, told_at, carried = said, at, False
            if outline.stretch_start[at] != at or verdict is None or carried:
                continue
            carried = self._refers_back(at, told_at, verdict)
            if not carried:
                verdict = None
            elif verdict == "denied":
                self.denied_later = True
        if self.denied_later:
            self._deny_the_plan()

    def _deny_the_plan(self) -> None:
        """'Pertuzumab was to be added to docetaxel but was not given': what was planned was not given."""
        planned = [at for at, said in self.behind.items() if said == "planned"]
        if planned:
            for at, said in self.behind.items():
                self.behind[at] = None if said == "denied" else said
            for at in planned:
                self.behind[at] = "denied"

    def _is_joined(self, at: int, following: int) -> bool:
        outline = self.outline
        return outline.stretch[at] == outline.stretch[following] and outline.joins(at, following)

    def _is_listed(self, at: int, following: int, listed: bool) -> bool:
        """Whether two drugs belong to one list that ends in 'and' or 'or': 'A, B and C not given'."""
        outline = self.outline
        if not outline.joins(at, following):
            return False
        between = outline.pieces[at + 1 : following]
        if any(piece.key == "and" or "or" in piece.roles for piece in between):
            return True
        if self.behind.get(following) == "denied" and self._is_a_bare_list():
            return True
        return listed and any(piece.key == "," for piece in between)

    def _is_a_bare_list(self) -> bool:
        """Whether a sentence is nothing but drugs, commas and what is said of all of them: 'A, B, C not used.'"""
        outline = self.outline
        drugs = [at for at in range(self.first, self.end) if outline.is_drug[at]]
        if len(drugs) < _LIST or drugs[0] != self.first:
            return False
        return all(outline.is_drug[at] or outline.pieces[at].key == "," for at in range(drugs[0], drugs[-1]))

    def _only_ends(self, at: int) -> bool:
        """Whether nothing of weight follows in the stretch: 'T-DM1 she never made.'"""
        pieces, end = self.outline.pieces, self.outline.stretch_end[at]
        return end - at < 5 and all(pieces[each].kind in ("silent", "sign") for each in range(at + 1, end))

    def _verdict(self, at: int) -> str | None:  # noqa: PLR0911  (one kind of cue after another)
        """What a piece says of the drug before it."""
        outline = self.outline
        cues, piece = outline.cues[at], outline.pieces[at]
        last = at + 1 == outline.stretch_end[at] or outline.pieces[at + 1].kind == "sign"
        if "is" in piece.roles and last and outline.drug_in_stretch_before(at) == at - 1:
            return "ellipsis"
        if self._is_minus(at):
            return "denied"
        if "if" in piece.roles and self._opens_a_bracket(at):  # T-DXd (if you agree)
            return "planned"
        if piece.key == "free" and at > self.first and outline.pieces[at - 1].key == "-":  # a taxane-free regimen
            return "mentioned"
        if not cues:
            return "given" if piece.kind in ("cycles", "date", "line") and not piece.asked else None
        if cues & {"negated_after", "negation", "declined"} and self._is_why(at):
            return None
        if "unproven" in cues:
            return None if outline.has(outline.before_in_stretch(at, 12), "progression") else "mentioned"
        if "negated_after" in cues and self._is_after_some(at):
            return "given"
        if "negated_after" in cues and not denies_what_follows(outline, at):
            return "denied"
        if "negation" in cues and piece.asked and at > self.first and "or" in outline.pieces[at - 1].roles:
            return "asked"
        if "negation" in cues and (last or self._only_ends(at)):
            return "same" if "too" in piece.roles else "denied"
        if "declined" in cues:
            return "declined"
        if cues & {"unavailable", "available", "access"}:
            return None if self._is_of_what_follows(at) else self._access_said(at)
        if "versus" in cues:
            return "asked"
        if "in_general" in cues and (outline.drug_in_stretch_before(at) is not None or self._opens_a_bracket(at)):
            return "mentioned"
        if "asked_back" in cues and piece.asked:
            return "asked"
        if "planned" in cues:
            goes_on = piece.key == "next" and outline.drug_in_sentence_after(at) is not None
            return None if goes_on else "planned"
        if "correction" in cues and self._is_corrected(at):
            return "corrected"
        if "negation" in cues and self._is_left_open(at):
            return "mentioned"
        return "given" if cues & _GIVEN else None

    def _is_after_some(self, at: int) -> bool:
        """Whether a drug was left out only after some cycles: 'paclitaxel omitted after 4'."""
        pieces = self.outline.pieces[at + 1 : at + 3]
        return (
            len(pieces) == 2
            and pieces[0].key in ("after", "from")
            and pieces[1].kind in ("number", "cycles", "duration")
        )

    def _opens_a_bracket(self, at: int) -> bool:
        """Whether a piece is the first of a bracket behind a drug: 'tucatinib (preferred)'."""
        return at - 1 > self.first and self.outline.pieces[at - 1].key == "(" and self.outline.is_drug[at - 2]

    def _is_minus(self, at: int) -> bool:
        """Whether a piece is a minus in brackets behind a drug: 'pertuzumab (-)'."""
        pieces = self.outline.pieces
        closed = at + 1 < len(pieces) and pieces[at + 1].key == ")"
        return pieces[at].kind == "sign" and pieces[at].key == "-" and closed and self._opens_a_bracket(at)

    def _is_why(self, at: int) -> bool:
        """Whether a refusal is only why a drug was chosen: 'vinorelbine because she did not want to lose her hair'."""
        outline = self.outline
        for back in outline.before_in_stretch(at, 5):
            if outline.pieces[back].key in ("because", "since") and outline.drug_in_stretch_before(back) is not None:
                drug = outline.drug_in_stretch_before(back)
                assert drug is not None
                return not outline.has(range(drug + 1, back), "negation", "negated_after", "unavailable", "declined")
        return False

    def _is_of_what_follows(self, at: int) -> bool:
        """Whether 'no access to' leads to a drug, right behind it."""
        following = self.outline.next_meaning(at)
        return following is not None and self.outline.is_drug[following] and following < self.outline.stretch_end[at]

    def _is_left_open(self, at: int) -> bool:
        """Whether a drug 'was not' something that says nothing of how it went: 'T-DXd was not on our list'."""
        outline = self.outline
        drug = outline.drug_in_stretch_before(at)
        if drug is None or not any("is" in outline.pieces[each].roles for each in range(drug + 1, at)):
            return False
        if any(outline.pieces[each].kind not in ("silent", "sign") for each in range(drug + 1, at)):
            return False
        return not any(outline.cues[each] & (_GIVEN | {"no_progression"}) for each in outline.rest_of_stretch(at, 5))

    def _is_corrected(self, at: int) -> bool:
        """Whether 'sorry, I mean' puts the drug behind it in the place of the one before it."""
        following = self.outline.drug_in_sentence_after(at)
        return following is not None and all(
            self.outline.pieces[each].kind in ("silent", "sign") for each in range(at + 1, following)
        )

    def _access_said(self, at: int) -> str | None:
        outline = self.outline
        stretch = outline.in_stretch(at)
        if outline.has(stretch, "unknown", "pending", "uncertain") and "unavailable" not in outline.cues[at]:
            return "unknown"
        if "unavailable" in outline.cues[at]:
            return "unavailable"
        if "available" not in outline.cues[at]:
            return "mentioned" if outline.is_drug[at - 1] else None  # a tucatinib access programme
        denied = any("negation" in outline.cues[back] for back in outline.before_in_stretch(at, 5))
        return "unavailable" if denied else "available"

    def _refers_back(self, start: int, told_at: int, verdict: str) -> bool:
        """Whether what is said in a stretch without a drug is said of the drug before it: 'but she refuses it'."""
        outline = self.outline
        if start == self.first:
            return False
        if outline.pieces[start - 1].key == "(":  # of its own drug, where one follows: 'THP (refused T-DXd)'
            return verdict not in _REFUSALS or outline.drug_in_stretch_after(told_at) is None
        if verdict == "given":
            return outline.pieces[start - 1].key == "," and outline.next_meaning(start - 1) == told_at
        if verdict == "asked" and "asked_back" in outline.cues[told_at]:
            return True
        stretch = range(start, outline.stretch_end[start])
        if any("pronoun" in outline.pieces[at].roles for at in stretch):
            return True
        return all(
            outline.pieces[at].kind in ("silent", "sign")
            or outline.cues[at] & {"new_word", "the_patient", "correction"}
            for at in range(start, told_at)
        )
