"""Emergencies: seizure, cord compression, acute breathlessness, neutropenic sepsis, acute heart failure.

What is denied, a relative's, only feared or a thing of the past is none.
"""

from __future__ import annotations

from messages.understanding.context import Context
from messages.understanding.drugs import ANTI_HER2, CONJUGATES, ENDOCRINE, agents_of, names_drugs
from messages.understanding.organ_function import OrganFunction
from messages.understanding.statements import Stated

_NEAR = 60
"""Characters between an emergency and a word that makes it a thing of the past, at most."""
_LONG_AGO = 1.0
"""Months from which 'ago' makes an emergency a thing of the past."""
_NONE_SINCE = 12
"""Pieces behind an emergency in which it is told to have come again, or never again."""
_AROUND = 15
"""Pieces before and after a count of neutrophils in which a fever is looked for."""
NEUTROPENIA = 1.0
"""10^9/L of neutrophils below which a fever is an emergency."""
_NEUTROPHILS = ("neutrophils", "neutrophil", "neuts", "anc", "absolute")
"""How a count of neutrophils begins: white cells as a whole may be enough, and these few."""
HYPOXIA = 93
"""Per cent of oxygen saturation below which breathing is an emergency."""
_LEAST_SATURATION = 40
FEVERS = ((38.0, 43.0), (100.4, 110.0))
"""A fever in degrees Celsius and Fahrenheit."""
_TEMPERATURES = ((34.0, 43.0), (93.0, 110.0))
_AWAKE = 15
"""The Glasgow Coma Scale of somebody awake; less than the lowest there is no score."""
_LOWEST_COMA = 3
_SPARES_MARROW = (ANTI_HER2 - CONJUGATES) | ENDOCRINE
"""Drugs under which a fever is not taken for neutropenic until a count is known."""
_AFTER_FEVER = 6
"""Pieces from a fever to the drug it came under, at most."""
_CORD = ("back_pain", "leg_weakness", "sphincter")
"""Signs of a compressed cord: two of them are an emergency."""
_SINCE = frozenset(
    (
        "yesterday", "today", "morning", "night", "monday", "tuesday", "wednesday", "thursday", "friday",
        "saturday", "sunday", "weekend",
    )
)  # fmt: skip
"""What a sign began at that is new."""


class Emergencies:
    """Reads what needs help now."""

    def __init__(self, context: Context, stated: Stated, organs: OrganFunction) -> None:
        self.context = context
        self.pieces = context.pieces
        self.stated = stated
        self.organs = organs
        self._noted: set[str] = set()

    def note(self, emergency: str, *places: int) -> None:
        """An emergency is there."""
        self._noted.add(emergency)
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
            and (self.pieces[place - 2].is_("say", "interacting_medicines") or self.pieces[place - 2].is_("other"))
        ):
            return True  # phenytoin for seizures
        if self._comes_again(place):
            return False
        if self._is_controlled_next(place) or self._never_since(place):
            return True
        if any("stable" in self.pieces[at].cues for at in self.context.following(place, 3)):
            return True  # seizures controlled
        for at in range(
            max(clause.start, place - 8), min(clause.stop + 3, place + 8, self.context.sentence(place).stop)
        ):
            other = self.pieces[at]
            if abs(other.start - piece.start) >= _NEAR:
                continue
            if (self.context.of(other, "past") or "before_it" in other.cues) and self._is_about(at, place):
                return at in clause or self.context.of(other, "over")
            if at in clause and other.kind == "date" and not self._is_since(at):
                return True
            if at in clause and self._is_long_ago(at):
                return True
        return False

    def _is_long_ago(self, at: int) -> bool:
        """Whether a time begins that is long past: '3 years ago', 'years back', 'a long time ago'."""
        piece = self.pieces[at]
        long = piece.kind == "duration" and isinstance(piece.value, float) and piece.value >= _LONG_AGO
        long = long or (piece.kind != "duration" and self.context.of(piece, "long_while"))
        return long and at + 1 < len(self.pieces) and self.context.of(self.pieces[at + 1], "ago")

    def _never_since(self, place: int) -> bool:
        """Whether a denial says that it did not come again: 'a fit in childhood, none since', 'never again'."""
        rest = range(place + 1, min(self.context.sentence(place).stop, place + _NONE_SINCE))
        for at in rest[:-1]:
            behind = self.pieces[at + 1]
            if "negation" in self.pieces[at].cues and ("ever_since" in behind.roles or behind.key == "again"):
                return self._is_about(at, place)
        return False

    def _comes_again(self, place: int) -> bool:
        """Whether it is told to be there once more now: 'an old seizure, and another one this morning'."""
        rest = range(place + 1, min(self.context.sentence(place).stop, place + _NONE_SINCE))
        again = next((at for at in rest if self.context.of(self.pieces[at], "once_more")), None)
        if again is None or "negation" in self.pieces[again - 1].cues or not self._is_about(again, place):
            return False
        ends = again + 1 == rest.stop or self.pieces[again + 1].kind == "sign"
        return any(self.context.of(self.pieces[at], "acute") for at in (rest if ends else range(again + 1, rest.stop)))

    def _is_controlled_next(self, place: int) -> bool:
        """'Seizures, well controlled.'"""
        ahead = self.pieces[place + 1 : min(self.context.sentence(place).stop, place + 4)]
        rest = [piece for piece in ahead if piece.kind not in ("silent", "sign")]
        return len(rest) == 1 and len(ahead) > 1 and ahead[0].key == "," and "stable" in rest[0].cues

    def _is_about(self, at: int, place: int) -> bool:
        """Whether nothing else stands between a word and an emergency: not in 'previously on THP, now a seizure'."""
        first, last = min(at, place) + 1, max(at, place)
        between = self.pieces[first:last]
        return not any(piece.is_("noun") or piece.is_("say") or names_drugs(piece) for piece in between)

    def _is_since(self, place: int) -> bool:
        return place > 0 and self.pieces[place - 1].key == "since"

    def breathless(self, place: int) -> None:
        """Breathlessness that came suddenly, or is getting worse, in the words of its sentence; not for years."""
        if self._is_known("acute_dyspnoea", place):
            return
        sentence = self.context.sentence(place)
        near = range(max(sentence.start, place - 6), min(sentence.stop, place + 8))
        acute = [at for at in near if self.context.of(self.pieces[at], "acute") or self._is_on_conjugate(at)]
        long_known = any(self.context.of(self.pieces[at], "chronic") for at in near) and not self._turns_acute(near)
        if acute and not long_known and self.context.stance(place) == "affirmed" and not self.is_past(place):
            self.note("acute_dyspnoea", place, acute[0])

    def _turns_acute(self, near: range) -> bool:
        """Whether what was there for long is told to be worse now: 'dyspnoea for years, but much worse since
        yesterday'."""
        turn = next((at for at in near if "new_word" in self.pieces[at].cues), near.stop)
        return any(self.context.of(self.pieces[at], "acute") for at in range(turn, near.stop))

    def _is_on_conjugate(self, place: int) -> bool:
        """Whether T-DXd is named, which can inflame the lungs, as what is taken: 'breathless on T-DXd'."""
        before = self.pieces[place - 1] if place else None
        taken = before is not None and before.key in ("on", "under")
        return taken and "t_dxd" in (agents_of(self.pieces[place]) or ())

    def saturation(self, place: int) -> None:
        """Too little oxygen."""
        number = self.organs.first_figure(place)
        low = number is not None and _LEAST_SATURATION < number < HYPOXIA
        if not low or self._is_known("acute_dyspnoea", place) or not self._is_now(place):
            return
        near = self._near(place)
        breathless = [at for at in near if self.pieces[at].is_("noun", "breathlessness")]
        self.note("acute_dyspnoea", place, *breathless, *self._numbers_behind(place))

    def fever(self, place: int) -> None:
        """A fever under chemotherapy: measured beside it, or called one 'on docetaxel'."""
        number = self.organs.first_figure(place)
        number = number if number is not None and _is_within(number, _TEMPERATURES) else None
        measured = number is not None and _is_within(number, FEVERS)
        called = number is None and self.context.of(self.pieces[place], "called_fever")
        if not (measured or called) or self._is_known("neutropenic_sepsis", place) or not self._is_now(place):
            return
        near = self._near(place)
        few = [at for at in near if self.context.of(self.pieces[at], "neutropenic") and self._is_now(at)]
        if any(self.context.is_denied_at_once(at) for at in few) or self._has_enough_neutrophils(near):
            return  # fever but not neutropenic
        behind = range(place + 1, min(place + _AFTER_FEVER, self.context.sentence(place).stop))
        under = measured or any(self.context.of(self.pieces[at], "under") for at in behind)
        drugs = near if measured else behind
        if few or (under and any(self._is_chemotherapy(at) for at in drugs)):
            numbers = self._numbers_behind(place) if measured else ()
            self.note("neutropenic_sepsis", place, *few[:1], *numbers)

    def _has_enough_neutrophils(self, near: range) -> bool:
        """Whether the neutrophils are called normal: 'febrile, neutrophils normal'; which number is enough is not ours
        to say."""
        for at in near:
            if not self.pieces[at].is_("noun", "neutrophils") or self.pieces[at].key not in _NEUTROPHILS:
                continue
            if any("good" in self.pieces[behind].cues for behind in self.context.following(at, 2)):
                return True
        return False

    def coma(self, place: int) -> None:
        """Less than awake on the Glasgow Coma Scale."""
        score = self.organs.first_figure(place)
        if score is not None and _LOWEST_COMA <= score < _AWAKE and self._is_now(place):
            self.note("seizure_or_raised_icp", place, *self._numbers_behind(place))

    def _is_chemotherapy(self, place: int) -> bool:
        """Whether a piece names drugs that take the neutrophils away."""
        agents = agents_of(self.pieces[place])
        if agents is None:
            return self.context.of(self.pieces[place], "chemo")
        return not set(agents) <= _SPARES_MARROW

    def cord(self, place: int) -> None:
        """Two signs of a compressed cord in one sentence: back pain, weak legs, no hold of bladder or bowel."""
        if self._is_known("cord_compression", place):
            return
        signs: dict[str, int] = {}
        for at in self._near(place):
            for name in (name for name in _CORD if self.pieces[at].is_("noun", name)):
                if self._is_now(at):
                    signs.setdefault(name, at)
        leg = signs.get("leg_weakness")
        sudden = leg is not None and leg > 0 and "new" in self.pieces[leg - 1].cues
        if leg is not None:
            behind = [self.pieces[at].key for at in self.context.following(leg, 3)]
            sudden = sudden or (behind[:1] == ["since"] and not _SINCE.isdisjoint(behind[1:]))
            sudden = sudden or (leg > 0 and self.pieces[leg - 1].key in ("sudden", "acute"))
        if len(signs) > 1 or sudden:
            self.note("cord_compression", *sorted(signs.values()))

    def _is_known(self, emergency: str, place: int) -> bool:
        """Whether an emergency was read already, of which a piece is one more sign."""
        if emergency not in self._noted or self.context.stance(place) != "affirmed":
            return False
        for at in (place, *self._numbers_behind(place)):
            self.pieces[at].used = True
        return True

    def _is_now(self, place: int) -> bool:
        return self.context.stance(place) == "affirmed" and not self.is_past(place)

    def _near(self, place: int) -> range:
        """The places around one in its sentence."""
        sentence = self.context.sentence(place)
        return range(max(sentence.start, place - _AROUND), min(sentence.stop, place + _AROUND))

    def _numbers_behind(self, place: int) -> list[int]:
        """The number that follows a measurement at once."""
        return [at for at in self.context.following(place, 2) if self.pieces[at].kind == "number"][:1]

    def neutrophils(self, place: int) -> None:
        """Few neutrophils and a fever in one sentence."""
        number = self.organs.first_figure(place)
        few = number is not None and (number < NEUTROPENIA or 10 < number < NEUTROPENIA * 1000)
        if not few or self._is_known("neutropenic_sepsis", place):
            return
        fever = [at for at in self._near(place) if self.context.of(self.pieces[at], "febrile") and self._is_now(at)]
        if fever:
            numbers = (*self._numbers_behind(place), *self._numbers_behind(fever[0]))
            self.note("neutropenic_sepsis", place, fever[0], *numbers)


def _is_within(number: float, ranges: tuple[tuple[float, float], ...]) -> bool:
    return any(least <= number <= most for least, most in ranges)
