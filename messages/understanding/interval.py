"""The months since adjuvant anti-HER2 therapy ended, where a text says them."""

from __future__ import annotations

from messages.understanding.courses import Course, Told
from messages.understanding.drugs import ANTI_HER2, ENDOCRINE, agents_of
from messages.understanding.outline import Outline
from messages.understanding.scan import Piece

_BEFORE_DURING = 4
"""Pieces between the return of the disease and what it came back under, at most."""
_MONTH = 2
"""Pieces of 'month 7', '7th month'."""
_FAR = 12
"""Pieces from a drug to the duration that dates it, at most."""
_LONGER = ("more", "longer", "later", "greater")
"""What leads to a duration that was exceeded: 'more than 12 months'."""
_LONGEST = 720
"""Months a relapse may come after adjuvant therapy."""
EDGES = (6, 12)
"""Months up to which a relapse counts as early, for the labels and for the guidelines: one more is later."""


def months_since_adjuvant(outline: Outline, told: Told, text: str) -> tuple[int, Piece] | None:
    """The months between the end of adjuvant anti-HER2 therapy and the relapse, and the words they stand in."""
    early = [course for course in told.early if ANTI_HER2 & set(course.agents)]
    if not early:
        return None
    reader = _Interval(outline, early, told.early)
    during = reader.relapse_during()
    if during is not None:
        return 0, during
    for place, piece in enumerate(outline.pieces):
        if piece.kind != "duration":
            continue
        months = round(piece.value)
        if 0 <= months <= _LONGEST and reader.is_since_the_end(place):
            return months + (months in EDGES and reader.is_exceeded(place, text)), piece
    return None


class _Interval:
    def __init__(self, outline: Outline, early: list[Course], told: list[Course]) -> None:
        self.outline = outline
        self.drugs = {piece.start for course in early for piece in course.pieces}
        self.takes_endocrine = any(ENDOCRINE & set(course.agents) for course in told)
        self.counted = {outline.sentence[at] for at, cues in enumerate(outline.cues) if "interval" in cues}
        self.relapsed = any("relapse" in cues for cues in outline.cues) or any(
            piece.is_("noun", "organ_mets", "brain_mets") for piece in outline.pieces
        )

    def is_exceeded(self, place: int, text: str) -> bool:
        """Whether it is longer than the duration: 'more than 12 months', 'just over a year'; not '>= 12 months'."""
        pieces, at = self.outline.pieces, place - 1
        at -= at > 0 and pieces[at].key in ("a", "an")
        if at < 0 or self.outline.has(self.outline.before_in_stretch(at, 2), "negation"):
            return False
        longer = at > 0 and pieces[at].key == "than" and pieces[at - 1].key in _LONGER
        return longer or text[pieces[at].start] == ">" or pieces[at].key in ("over", "beyond", "exceeding")

    def relapse_during(self) -> Piece | None:
        """The drug under which the disease came back: 'recurred during adjuvant T-DM1'."""
        outline = self.outline
        for at, piece in enumerate(outline.pieces):
            named = piece.start in self.drugs and self._is_running(at)
            if not (named or ("early" in outline.cues[at] and self._is_adjuvant_therapy(at))):
                continue
            if any(self._is_return(on) for on in range(outline.sentence_start[at], outline.sentence_end[at])):
                return piece
        return None

    def _is_adjuvant_therapy(self, at: int) -> bool:
        """Whether adjuvant therapy without its name is what the disease came back under: 'recurred while on adjuvant
        therapy', 'relapse during adjuvant treatment'; not 'during adjuvant chemo'."""
        outline, pieces = self.outline, self.outline.pieces
        behind = at + 1
        if behind == len(pieces) or "treatment" not in pieces[behind].roles or "chemo" in pieces[behind].roles:
            return False
        ends = behind + 1 == len(pieces) or pieces[behind + 1].kind == "sign"
        if self.takes_endocrine or not ends:
            return False
        leads = at - 1 - (at > 1 and pieces[at - 1].key in ("her", "the"))
        if leads <= 0 or "during" not in pieces[leads].roles:
            return False
        return any(self._is_return(back) for back in outline.before_in_stretch(leads, _BEFORE_DURING))

    def _is_running(self, at_drug: int) -> bool:
        """Whether 'during', 'while on' leads to an adjuvant drug."""
        outline = self.outline
        adjuvant = False
        for back in outline.before_in_stretch(at_drug, 5):
            piece, cues = outline.pieces[back], outline.cues[back]
            if "during" in piece.roles or "relapsed_on" in cues or self._counts_a_month(back):
                before = range(max(outline.stretch_start[back], back - 2), back)
                past = outline.has(before, "completed", "stopped", "started", "negation", "no_progression")
                progressed = outline.has(before, "progression")  # progressed on adjuvant T-DM1
                if progressed and not any(outline.pieces[at].key in ("adjuvant", "adj") for at in range(back, at_drug)):
                    return False  # progressed on neoadjuvant TCHP
                return adjuvant and not past and (progressed or not outline.plays(before, "past"))
            adjuvant = adjuvant or "early" in cues
            last = piece.key in ("last", "final") or "cycles" in cues or piece.key == "dose"  # on the last cycle of it
            if not (last or cues & {"early", "ongoing"}) and piece.kind not in (
                "silent",
                "cycles",
                "number",
                "ordinal",
            ):
                return False
        return False

    def _counts_a_month(self, of: int) -> bool:
        """Whether 'of' leads from a month or cycle that is counted to what was given: 'at month 7 of adjuvant T-DM1',
        'in the 7th month of adjuvant Herceptin'."""
        pieces = self.outline.pieces
        if of < _MONTH or pieces[of].key != "of":
            return False
        counted = pieces[of - _MONTH : of]
        leads = pieces[max(0, of - _MONTH - 2) : of - _MONTH]
        month = any(piece.key == "month" for piece in counted)
        ordinal = any(piece.kind in ("number", "ordinal") or piece.value is not None for piece in counted)
        return month and ordinal and any(piece.key in ("at", "in", "during") for piece in leads)

    def _is_return(self, at: int) -> bool:
        """Whether a piece tells that the disease came back."""
        piece = self.outline.pieces[at]
        returned = self.outline.cues[at] & {"came_back", "relapse", "progression"}
        return bool(returned) or piece.is_("noun", "organ_mets", "brain_mets") or self._names_relapse(piece)

    @staticmethod
    def _names_relapse(piece: Piece) -> bool:
        """Whether a phrase for metastatic disease is of its return: 'metastatic relapse'."""
        return "say" in piece.kinds and any(
            each.name == "setting" and each.value == "metastatic" for each in piece.concepts if each.kind == "say"
        )

    def is_since_the_end(self, place: int) -> bool:
        """Whether a duration counts from the end of adjuvant therapy."""
        outline = self.outline
        before = range(max(outline.sentence_start[place], place - 7), place)
        behind = range(place + 1, min(outline.sentence_end[place], place + 10))
        if self._is_off_at_relapse(place, before, behind):
            return self._is_told_of_adjuvant(place)
        if self._is_from_end_to_return(place):
            return True
        if place and outline.pieces[place - 1].key == "for":  # for a year; but 'disease free for 3 years'
            free = place > 1 and ("interval" in outline.cues[place - 2] or "no_progression" in outline.cues[place - 2])
            return free and (self.relapsed or "interval" in outline.cues[place - 2])
        if outline.sentence[place] in self.counted:
            return True
        relation = next((at for at in behind if not self._is_passed_over(at)), None)
        if relation is not None and "early" in outline.cues[relation]:  # after surgery
            return False
        if relation is not None and (said := self._is_said_by(relation, place, before, behind)) is not None:
            return said
        ever_since = outline.plays(before[-2:], "ever_since")
        return ever_since and self._is_end(before) and self._is_told_of_adjuvant(place)

    def _is_said_by(self, relation: int, place: int, before: range, behind: range) -> bool | None:
        """Whether 'after', 'ago', 'later' counts a duration from the end; None where the word is none of these."""
        outline = self.outline
        roles = outline.pieces[relation].roles
        if self._is_bare_after(relation) and self.relapsed:  # recurred in the lung 3 years after
            return self._is_told_of_adjuvant(place)
        if outline.pieces[relation].key in ("before", "prior") and any(self._is_return(at) for at in behind[:4]):
            return self._is_end(before) and self._is_told_of_adjuvant(place)  # last infusion 11 mo before this relapse
        after = "after" in outline.cues[relation] or outline.pieces[relation].key in ("after", "out", "past", "beyond")
        if "since" in roles or after:
            return self._ends_treatment(relation, before)
        if "of" in roles:
            within = outline.plays(before, "within")
            return within and self._ends_treatment(relation, before)
        if "earlier" in roles:
            ended = self._is_end(before) or self._is_end(behind) or (self.relapsed and self._dates_the_drug(place))
            return ended and self._is_told_of_adjuvant(place) and not self._is_of_local_therapy(place)
        if "later" in roles:
            return self.relapsed and self._is_told_of_adjuvant(place)
        return None

    def _is_off_at_relapse(self, place: int, before: range, behind: range) -> bool:
        """Whether it is said how long she was off treatment when it came back: 'off both for 14 months at relapse'."""
        outline = self.outline
        stretch = outline.in_stretch(place)
        beside = [at for at in (*before, *behind[:2]) if at in stretch]
        until = any(self._is_return(at) for at in behind)
        between = next((at for at in behind if "passes" not in outline.pieces[at].roles), None)
        if between is not None and outline.pieces[between].key == "between":  # 7 months between last dose and relapse
            return until and self._is_end(behind)
        off = any(outline.pieces[at].key == "off" and "stopped" in outline.cues[at] for at in beside)
        if place and "after" in outline.cues[place - 1] and off:  # relapsed after 14 months off treatment
            return any(self._is_return(at) for at in outline.before_in_stretch(place))
        links = any(outline.pieces[at].key in ("at", "when", "before", "until") for at in behind)
        return off and until and links

    def _is_from_end_to_return(self, place: int) -> bool:
        """Whether a duration lies between the end and the relapse: 'end of adjuvant T-DM1 to relapse: 9 mo'."""
        outline, pieces = self.outline, self.outline.pieces
        first = max(outline.sentence_start[place], place - _FAR)
        back = place - 1
        while back > first and not self._is_return(back):
            if pieces[back].kind not in ("sign", "silent") and not pieces[back].is_("noun", "organ"):
                return False
            back -= 1
        to = back - 1
        while to > first and pieces[to].kind == "silent" and pieces[to].key in ("the", "first", "this"):
            to -= 1
        if to <= first or pieces[to].key not in ("to", "until", "till") or not self._is_return(back):
            return False
        told = range(first, to)
        return self._is_end(told) and any(pieces[at].start in self.drugs for at in told)

    def _dates_the_drug(self, place: int) -> bool:
        """Whether nothing else that may be dated stands between drug and duration: 'adjuvant TCH 3 years ago'."""
        outline, last = self.outline, self.outline.last_drug[place]
        if last is None or last < max(outline.sentence_start[place], place - _FAR):
            return False
        return all(
            outline.pieces[at].kind in ("silent", "sign", "cycles", "number", "duration") or "early" in outline.cues[at]
            for at in range(last + 1, place)
        )

    def _is_of_local_therapy(self, place: int) -> bool:
        """Whether a duration dates radiotherapy or an operation: 'whole brain RT 2 months ago'."""
        return self.outline.has(range(self.outline.stretch_start[place], place), "treated", "surgery")

    def _is_bare_after(self, at: int) -> bool:
        """Whether 'after' ends its sentence."""
        piece, end = self.outline.pieces[at], self.outline.sentence_end[at]
        single = piece.key == "after" and piece.end - piece.start == len(piece.key)
        return single and all(self.outline.pieces[each].kind == "sign" for each in range(at + 1, end))

    def _is_told_of_adjuvant(self, place: int) -> bool:
        """Whether the last drug before a duration was adjuvant."""
        last = self.outline.last_drug[place]
        return last is None or self.outline.pieces[last].start in self.drugs

    def _is_passed_over(self, at: int) -> bool:
        piece = self.outline.pieces[at]
        out_from = (
            piece.key == "out" and at + 1 < len(self.outline.pieces) and self.outline.pieces[at + 1].key == "from"
        )
        passes = bool(piece.roles & {"only", "auxiliary", "passes"})  # 3 months had passed since
        return (piece.kind == "sign" and piece.key in ("-", "(", ")")) or passes or out_from

    def _ends_treatment(self, relation: int, before: range) -> bool:
        """Whether 'after', 'since' leads to the end of the treatment, not to surgery or to the diagnosis."""
        outline = self.outline
        named = outline.drug_in_stretch_after(relation)
        if named is not None and not self._has_anti_her2(range(named, self._last_of_adjuvant(named) + 1)):
            return False  # after stopping tamoxifen
        if "then" in outline.cues[relation]:  # after that
            return self._is_end(range(max(0, relation - 30), min(relation + 2, outline.sentence_end[relation])))
        for at in range(relation + 1, min(outline.sentence_end[relation], relation + 8)):
            piece, cues = outline.pieces[at], outline.cues[at]
            if "surgery" in cues:
                return False
            if piece.start in self.drugs or cues & {"completed", "completed_adjuvant", "early", "stopped"}:
                return True
            if "pronoun" in piece.roles:
                return self._is_end(range(max(0, relation - 30), relation))
            if outline.is_drug[at] or piece.is_("noun"):
                return False
        return self._is_end(before) and self._is_told_of_adjuvant(relation)

    def _last_of_adjuvant(self, drug: int) -> int:
        """The last of the drugs that are joined to an adjuvant one, over commas, too: 'after adjuvant AC, docetaxel,
        trastuzumab'."""
        outline = self.outline
        last = outline.last_of_list(drug)
        while (following := outline.next_drug[last]) is not None and outline.pieces[following].start in self.drugs:
            between = [outline.pieces[at].key for at in range(last + 1, following)]
            if between[:1] != [","] or any(key not in (",", "and", "then") for key in between):
                break
            last = outline.last_of_list(following)
        return last

    def _has_anti_her2(self, places: range) -> bool:
        """Whether anti-HER2 therapy may be among the drugs there; a class or a misspelt name may be."""
        drugs = (self.outline.pieces[at] for at in places if self.outline.is_drug[at])
        return any(ANTI_HER2 & set(agents_of(piece) or ANTI_HER2) for piece in drugs)

    def _is_end(self, places: range) -> bool:
        """Whether the end of a treatment is told there."""
        return self.outline.has(places, "completed", "completed_adjuvant", "stopped", "ended")
