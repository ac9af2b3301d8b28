"""What a drug's mention means: received, denied, declined, planned, asked about, a relative's, or only mentioned.

Read sentence by sentence, once forwards for what stands before a drug and once backwards for what stands behind it.
Where that leaves doubt, the drug was not received: it is shown back, and stands in no line.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from messages.understanding.drugs import agents_of, generic
from messages.understanding.outline import Outline
from messages.understanding.standing_before import TOLD, Before
from messages.understanding.standing_behind import Behind

Standing = Literal["received", "denied", "declined", "planned", "asked", "family", "mentioned"]
_LONGEST_LIST = 6
"""Drugs joined to one that are looked over for what stands beside their list."""
_LONGEST_REMARK = 12
"""Pieces of a bracket that are looked over."""
_ACCESS = frozenset(("declined", "unavailable", "available", "unknown"))


class Mention(NamedTuple):
    """How one mention is meant; for T-DXd, what is said of the access to it, too."""

    standing: Standing
    access: str | None = None


def mentions_of(outline: Outline) -> dict[int, Mention]:
    """The meaning of every mention of a drug, by its place."""
    found: dict[int, Mention] = {}
    at = 0
    while at < len(outline.pieces):
        end = outline.sentence_end[at]
        if outline.is_drug[at] or outline.drug_in_sentence_after(at) is not None:
            _Sentence(outline, at, end).read(found)
            _answer(outline, at, end, found)
        at = end
    return found


def _answer(outline: Outline, first: int, end: int, found: dict[int, Mention]) -> None:
    """Read the answer to a question about drugs: 'T-DM1 in the past? Never.'"""
    if end >= len(outline.pieces) or outline.pieces[end - 1].key != "?":
        return
    affirmed = "affirmed" in outline.pieces[end].roles
    if not affirmed and "negation" not in outline.cues[end]:
        return
    behind = end + 1
    if behind < outline.sentence_end[end] and outline.pieces[behind].kind != "sign":
        return
    for at in range(first, end):
        if outline.is_drug[at] and found[at].standing == "asked":
            found[at] = Mention("received" if affirmed else "denied")


class _Sentence:
    """Brings together what stands before and behind each drug of a sentence."""

    def __init__(self, outline: Outline, first: int, end: int) -> None:
        self.outline, self.first, self.end = outline, first, end
        before, behind = Before(outline, first, end), Behind(outline, first, end)
        before.read()
        behind.read()
        self.before, self.behind, self.relatives = before.before, behind.behind, before.relatives

    def read(self, found: dict[int, Mention]) -> None:
        """Note the meaning of each drug of the sentence."""
        for at in self.before:
            found[at] = self._meaning(at)

    def _meaning(self, at: int) -> Mention:  # noqa: PLR0911  (one meaning after another)
        outline = self.outline
        before, behind = self.before[at], self.behind.get(at)
        if at in self.relatives:
            return Mention("family")
        if behind == "same":
            behind = self._same(at)
        elif behind == "ellipsis":
            behind = "available" if self._same(at) == "mentioned" else None
        conjugate = agents_of(outline.pieces[at]) == ("t_dxd",)
        if conjugate and (access := self._access(at, before, behind)) is not None:
            never = before == "denied" and (access == "available" or self._is_never(at))
            return Mention("denied" if never else _standing_of(access), access)
        if before == "denied" and self._is_nor(at) and self._same(at) == "mentioned":
            return Mention("mentioned")
        if "denied" in (before, behind):
            return Mention("denied")
        if "declined" in (before, behind):
            return Mention("declined")
        if behind == "corrected" or (at > self.first and "like" in outline.cues[at - 1]):
            return Mention("mentioned")
        if before == "unsure":
            return Mention("received" if behind == "given" else "mentioned")
        if before in ("other_than", "unavailable", "available", "mentioned"):
            return Mention("mentioned")
        if behind in ("unavailable", "available", "unknown", "mentioned") and before != "received":
            return Mention("mentioned")
        return Mention(self._when(at, before, behind))

    def _is_never(self, at: int) -> bool:
        """Whether a drug was expressly not given: 'never had', and not only 'no'."""
        outline = self.outline
        before = outline.before_in_stretch(at)
        return any(
            "negation" in outline.cues[back] and outline.pieces[back].end - outline.pieces[back].start > len("without")
            for back in before
        )

    def _is_nor(self, at: int) -> bool:
        return any("nor" in self.outline.pieces[back].roles for back in self.outline.before_in_stretch(at, 3))

    def _when(self, at: int, before: str | None, behind: str | None) -> Standing:
        """Received, planned or asked about."""
        if at > self.first and ("uncertain" in self.outline.cues[at - 1] or self._is_passed_by(at)):
            return "mentioned"
        if self._is_a_choice(at):
            return "asked" if before is None and behind is None else "mentioned"
        compared = at + 1 < self.end and "versus" in self.outline.cues[at + 1]
        if before == "received" and not (compared and behind == "asked"):
            return "received"
        if behind == "planned" or (before == "planned" and not (behind == "given" and self._inherited(at))):
            return "planned"
        asked = self.outline.pieces[at].asked and not (before == "given" and behind == "given")
        if behind == "asked" or (asked and not self._is_on_it(at)):
            return "asked"
        if self._is_a_remark(at):
            return "mentioned"
        if before == "compared" or (before is None and behind is None and self._is_asked_back(at)):
            return "asked"
        if before is None and behind is None and self._is_told_unknown(at):
            return "mentioned"
        return "received"

    def _is_passed_by(self, at: int) -> bool:
        """Whether another drug was chosen over it: 'she chose T-DXd over T-DM1'."""
        last = self.outline.last_drug[at]
        return self.outline.pieces[at - 1].key == "over" and last is not None and last >= self.first

    def _is_a_remark(self, at: int) -> bool:
        """Whether a bracket behind a drug says that another was not to be had: 'T-DM1 (T-DXd then unlicensed)'."""
        outline = self.outline
        last = outline.last_drug[at]
        if at - 2 < self.first or outline.pieces[at - 1].key != "(" or last is None or last < self.first:
            return False
        if generic(agents_of(outline.pieces[at]) or ()) & generic(agents_of(outline.pieces[last]) or ()):
            return False
        for place in range(at + 1, min(self.end, at + _LONGEST_REMARK)):
            piece, cues = outline.pieces[place], outline.cues[place]
            if outline.is_drug[place] or piece.key == ")" or cues & TOLD:
                return False
            if self._is_unknown(place) or cues & {"negation", "unknown", "access"}:
                return True
        return False

    def _is_told_unknown(self, at: int) -> bool:
        """Whether a word nobody knows stands beside a drug, which may say anything of it: 'they forgot pertuzumab',
        'T-DXd is unattainable', 'T-DXd would be brave'."""
        outline = self.outline
        first = last = at
        for _ in range(_LONGEST_LIST):
            before, following = outline.drug_in_stretch_before(first), outline.drug_in_stretch_after(last)
            if before is not None and outline.joins(before, first):
                first = before
            if following is not None and outline.joins(last, following):
                last = following
        rest = outline.rest_of_stretch(last, 5)
        behind = next((each for each in rest if outline.pieces[each].kind != "silent"), None)
        if any("modal" in outline.pieces[each].roles for each in rest if behind is None or each <= behind):
            return True
        back = outline.before_in_stretch(first, 4)
        ahead = next((each for each in back if outline.pieces[each].kind != "silent"), None)
        return any(each is not None and self._is_unknown(each) for each in (ahead, behind))

    def _is_unknown(self, at: int) -> bool:
        piece = self.outline.pieces[at]
        return (
            piece.kind == "word"
            and piece.key.isalpha()
            and len(piece.key) > 1
            and not piece.roles
            and piece.value is None
        )

    def _is_on_it(self, at: int) -> bool:
        """Whether a question about another drug says that the patient is on this one."""
        outline = self.outline
        other = outline.last_drug[at]
        on = outline.pieces[at - 1] if at > self.first else None
        return on is not None and "on" in on.roles and other is not None and other >= self.first

    def _is_a_choice(self, at: int) -> bool:
        """Whether a drug is joined to another by 'or': which of them was given is not said."""
        outline = self.outline
        previous = outline.last_drug[at]
        if previous is not None and previous >= self.first and "or" in outline.pieces[at - 1].roles:
            return True
        for first, last in ((outline.last_drug[at], at), (at, outline.next_drug[at])):
            if first is None or last is None or first < self.first or last >= self.end:
                continue
            if outline.joins(first, last) and any("or" in outline.pieces[each].roles for each in range(first, last)):
                return True
        return False

    def _is_asked_back(self, at: int) -> bool:
        """Whether the question behind the only drug of a sentence may be about it: 'Enhertu - any reason not to?'"""
        outline = self.outline
        if len(self.before) > 1 or not outline.pieces[self.end - 1].asked:
            return False
        behind = range(at + 1, self.end)
        told = any("on" in outline.pieces[back].roles for back in outline.before_in_stretch(at, 4))
        return not told and not any(
            "what_next" in outline.cues[each] or outline.pieces[each].kind == "line" for each in behind
        )

    def _inherited(self, at: int) -> bool:
        """Whether the plan was of the drugs before it, and not of this one."""
        outline = self.outline
        previous = outline.drug_in_stretch_before(at)
        apart = previous is not None and not outline.joins(previous, at)
        before = range(outline.stretch_start[at], at)
        if any("if" in outline.pieces[back].roles for back in before):
            return False
        return apart or not outline.has(before, "planned")

    def _same(self, at: int) -> str:
        """What is said of the drug before it in the sentence: 'T-DXd is not approved, tucatinib neither'."""
        previous = self.outline.last_drug[at]
        if previous is None or previous < self.first:
            return "denied"
        said = (self.before.get(previous), self.behind.get(previous))
        return "mentioned" if any(each in _ACCESS or each == "other_than" for each in said) else "denied"

    def _access(self, at: int, before: str | None, behind: str | None) -> str | None:
        """What is said of the access to T-DXd."""
        said = behind if behind in _ACCESS else before
        if said == "other_than":
            return "unavailable"
        if said not in _ACCESS:
            return None
        if before == "received" or (behind == "given" and before != said):
            return None
        outline = self.outline
        if outline.pieces[at].asked and (said == "available" or self._is_questioned(at)):
            return None
        doubted = outline.has(outline.in_stretch(at), "unknown") and said == "available"
        return "unknown" if doubted else said

    def _is_questioned(self, at: int) -> bool:
        """Whether the sentence asks it of the drug: 'is Enhertu contraindicated?'"""
        outline = self.outline
        before = outline.pieces[at - 1] if at > self.first else None
        return before is not None and "is" in before.roles


def _standing_of(access: str) -> Standing:
    return "declined" if access == "declined" else "mentioned"
