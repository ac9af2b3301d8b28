"""Emergencies: seizure, cord compression, acute breathlessness, neutropenic sepsis, acute heart failure.

What is denied, a relative's, only feared or a thing of the past is none.
"""

from __future__ import annotations

from messages.understanding.context import Context
from messages.understanding.drugs import names_drugs
from messages.understanding.organ_function import OrganFunction
from messages.understanding.statements import Stated

_NEAR = 60
"""Characters between an emergency and a word that makes it a thing of the past, at most."""
_LONG_AGO = 1.0
"""Months from which 'ago' makes an emergency a thing of the past."""
_AROUND = 15
"""Pieces before and after a count of neutrophils in which a fever is looked for."""
NEUTROPENIA = 1.0
"""10^9/L of neutrophils below which a fever is an emergency."""


class Emergencies:
    """Reads what needs help now."""

    def __init__(self, context: Context, stated: Stated, organs: OrganFunction) -> None:
        self.context = context
        self.pieces = context.pieces
        self.stated = stated
        self.organs = organs

    def note(self, emergency: str, *places: int) -> None:
        """An emergency is there."""
        pieces = [self.pieces[place] for place in places]
        self.stated.note("red_flags", (emergency,), pieces, corrected=self.context.is_corrected(places[0]))

    def is_seizing(self) -> bool:
        """Whether a seizure now was read."""
        return any(
            statement.field == "red_flags" and "seizure_or_raised_icp" in statement.value
            for statement in self.stated.statements
            if isinstance(statement.value, tuple)
        )

    def is_past(self, place: int) -> bool:
        """Whether an emergency is a thing of the past: 'old seizure', 'pulmonary oedema 2019, resolved'."""
        piece = self.pieces[place]
        clause = self.context.clause(place)
        if (
            place > 1
            and self.pieces[place - 1].key == "for"
            and self.pieces[place - 2].is_("say", "interacting_medicines")
        ):
            return True  # phenytoin for seizures
        if any(self.pieces[at].cue("stable") for at in self.context.following(place, 3)):
            return True  # seizures controlled
        for at in range(
            max(clause.start, place - 8), min(clause.stop + 3, place + 8, self.context.sentence(place).stop)
        ):
            other = self.pieces[at]
            if abs(other.start - piece.start) >= _NEAR:
                continue
            if (self.context.of(other, "past") or other.cue("before_it")) and self._is_about(at, place):
                return at in clause or self.context.of(other, "over")
            if at in clause and other.kind == "date" and not self._is_since(at):
                return True
            long_ago = other.kind == "duration" and isinstance(other.value, float) and other.value >= _LONG_AGO
            if at in clause and long_ago and at + 1 < len(self.pieces) and self.context.of(self.pieces[at + 1], "ago"):
                return True
        return False

    def _is_about(self, at: int, place: int) -> bool:
        """Whether nothing else stands between a word and an emergency: not in 'previously on THP, now a seizure'."""
        first, last = min(at, place) + 1, max(at, place)
        between = self.pieces[first:last]
        return not any(piece.is_("noun") or piece.is_("say") or names_drugs(piece) for piece in between)

    def _is_since(self, place: int) -> bool:
        return place > 0 and self.pieces[place - 1].key == "since"

    def breathless(self, place: int) -> None:
        """Breathlessness that came suddenly, or is getting worse, in the words of its sentence; not for years."""
        sentence = self.context.sentence(place)
        near = range(max(sentence.start, place - 6), min(sentence.stop, place + 8))
        acute = [at for at in near if self.context.of(self.pieces[at], "acute")]
        long_known = any(self.context.of(self.pieces[at], "chronic") for at in near)
        if acute and not long_known and self.context.stance(place) == "affirmed" and not self.is_past(place):
            self.note("acute_dyspnoea", place, acute[0])

    def neutrophils(self, place: int) -> None:
        """Few neutrophils and a fever in one sentence."""
        sentence = self.context.sentence(place)
        near = range(max(sentence.start, place - _AROUND), min(sentence.stop, place + _AROUND))
        fever = [at for at in near if self.context.of(self.pieces[at], "febrile")]
        number = self.organs.first_figure(place)
        if fever and number is not None and (number < NEUTROPENIA or 10 < number < NEUTROPENIA * 1000):
            self.note("neutropenic_sepsis", place, fever[0])
