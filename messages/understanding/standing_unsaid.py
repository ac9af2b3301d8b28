"""Whether anything tells that a drug was given which stands beside words that are no part of telling so.

Most ways to say that a drug was not given are known by their words. There are always others; what is not understood of
a drug is no line, and is shown back as not used.
"""

from __future__ import annotations

from messages.understanding.drugs import CONJUGATES, ENDOCRINE, agents_of, generic
from messages.understanding.named import Cue
from messages.understanding.outline import Outline
from messages.understanding.standing_before import TOLD

_GIVING = TOLD | {
    "ongoing", "started", "maintenance", "early", "has_had", "then", "responding", "stable", "took_effect",
    "had_effect", "current", "restarted", "changed", "exchange", "treated", "relapse", "cycles", "up_to_now", "had_it",
    "no_progression", "kept_going", "carried_on", "went_on", "instead", "dose",
}  # fmt: skip
"""Cues beside a drug of what tells that it was given."""
_COURSE: tuple[Cue, ...] = ("progression", "then", "toxicity", "stopped", "ongoing", "after")
"""Cues of a sentence that tells how treatment went."""
_TIMED = ("date", "cycles", "duration", "line")
"""Kinds of what says when a drug was given, or for how long."""
_COUNTED = ("cycles", "duration")
"""Kinds of what says for how long."""
_WENT: frozenset[Cue] = frozenset(
    (
        "progression", "toxicity", "stopped", "completed", "ongoing", "on_it", "responding", "took_effect",
        "had_effect", "no_progression",
    )
)  # fmt: skip
"""Cues of how a drug went."""
_NOT_GIVING = frozenset(
    (
        "planned", "unavailable", "declined", "negated_after", "versus", "choices", "in_general", "upcoming", "family",
        "hypothetical",
    )
)  # fmt: skip
"""Cues of what leaves open whether a drug was given."""
_SUPPOSES = frozenset(("if", "modal", "whether", "future"))
_UNTIL = ("until", "till")
_FAR = 40
"""Pieces behind a drug where its course is told, at most."""
_AT_GIVING = frozenset(("at_giving", "harmless"))
"""The parts of words that may stand beside a drug that was given."""
_UNDER = frozenset(("on", "during", "up_to"))
"""The parts of words that lead to a drug that something happened under."""
_WAS = ("was", "were")
_LIGHT = ("also", "too", "and", "or", "one", "two", "three", "for")
"""What may stand beside a drug of a list that says of each what it says of the first."""
_READ = (
    "leaflets", "brochure", "brochures", "booklet", "article", "articles", "paper", "papers", "info", "talk", "lecture",
    "webinar", "guidance", "counselled", "counseled", "informed", "literature", "material", "materials", "video",
)  # fmt: skip
"""What is read or told on a drug."""
_SET = ("keen", "set", "bent", "sold", "reading", "read", "agreed", "focus")
"""What leads with 'on' to a drug that nobody gave."""
_LONGEST_LIST = 6
"""Drugs joined to one that are followed, at most."""
_MOST_CYCLES = 60
"""Cycles that are counted before a drug, at most."""
_FAR = 20
"""Pieces before drugs where it may be told that they were not given, at most."""
_LONGEST_PLACE = 7
"""Pieces from 'at' to the place where drugs were given, at most."""
_NOT_TOLD: frozenset[Cue] = frozenset(
    ("planned", "negation", "negated_after", "declined", "unavailable", "available", "access", "asked", "versus",
    "family", "in_general", "hazard_of", "hypothetical", "upcoming", "pending")
)  # fmt: skip
"""Cues of what is said of drugs that were not given."""
_HEADS = (":", "-", "=")
"""What may part a heading from its drugs."""


class Unsaid:
    """Knows of the drugs of one sentence beside which nobody says that they were given."""

    def __init__(self, outline: Outline, first: int, end: int) -> None:
        self.outline, self.first, self.end = outline, first, end
        self._strange: dict[tuple[int, int], bool | None] = {}
        """Of each part of it whether such a word stands there; None where nothing is said at all."""
        self._last_of_a_course: int | None = None
        """Where it last tells how treatment went."""
        self._held: set[int] = set()
        """The drugs before that do not count as given for want of what tells so."""
        self.given: set[int] = set()
        """The drugs before that count as given."""

    def note(self, at: int, *, given: bool) -> None:
        """Know of a drug, for those behind it, whether it counts as given."""
        (self.given if given else self._held).add(at)

    def is_told_behind(self, at: int) -> bool:
        """Whether what is told behind a drug, up to the next one, says how long it was given and how it went: 'Taxol
        was the kinder option; after 10 months PD', 'Enhertu at our day unit: six cycles in, still on it'; not where
        that may be of a drug before it."""
        outline, pieces = self.outline, self.outline.pieces
        first, last = outline.first_of_list(at), outline.last_of_list(at)
        if pieces[at].asked or not self._stands_first(first):
            return False
        if outline.has(range(last + 1, min(last + 2, self.end)), "before_it"):
            return True  # in his letters I find A before that
        agents = {agent for on in range(first, last + 1) for agent in generic(agents_of(pieces[on]) or ())}
        timed = went = False
        for on in range(last + 1, self._end_of_its_course(last, agents)):
            piece, cues = pieces[on], outline.cues[on]
            if piece.key == "?" or not piece.roles.isdisjoint(_SUPPOSES) or not cues.isdisjoint(_NOT_GIVING):
                beside = piece.key == "next" and on + 1 < len(pieces) and pieces[on + 1].key == "to"  # next to her bed
                if not beside:
                    return False
            timed = timed or piece.kind in _COUNTED or piece.key in _UNTIL or not cues.isdisjoint(_COUNTED)
            if outline.is_drug[on] and outline.has(outline.before_in_stretch(on, 4), "negation"):
                return False
            timed = timed or outline.is_drug[on]  # paclitaxel-HP: she sailed through, HP still going
            went = went or not cues.isdisjoint(_WENT)
            if timed and went:
                return True
            if on >= self.end and "progression" in cues and self._opens_its_sentence(on) and len(agents) > 1:
                return CONJUGATES.isdisjoint(agents)
        return False

    def _end_of_its_course(self, last: int, agents: set[str]) -> int:
        """Where the next drug is told that is no part of these: 'TCHP ..., HP as maintenance; PD at 10 mo'."""
        outline, stop = self.outline, min(last + _FAR, len(self.outline.pieces))
        following = outline.next_drug[last]
        while following is not None and following < stop:
            more = generic(agents_of(outline.pieces[following]) or ())
            if not more or not more <= agents | ENDOCRINE:
                return outline.stretch_start[following]
            following = outline.next_drug[following]
        return stop

    def _opens_its_sentence(self, at: int) -> bool:
        """Whether nothing of weight stands before a word in its sentence: 'PD lung', 'Then PD'."""
        outline = self.outline
        return all(
            outline.pieces[on].kind in ("silent", "sign")
            or outline.cues[on] & {"then", "ended"}
            or outline.pieces[on].is_("noun", "organ", "organ_mets")
            for on in range(outline.sentence_start[at], at)
        )

    def _stands_first(self, first: int) -> bool:
        """Whether no drug stands before one of which no course was told yet."""
        outline, last = self.outline, self.outline.last_drug[first]
        if last is None:
            return True
        return outline.has(range(last + 1, first), *_WENT, "then", "after", "completed")

    def holds(self, at: int) -> bool:
        """Whether a word that is no part of telling what was given stands beside a drug, and nothing tells that it was:
        'Votes: T-DXd', 'someone crossed out T-DXd', 'T-DXd through a lawsuit'."""
        outline, pieces = self.outline, self.outline.pieces
        first = outline.first_of_list(at)
        last = outline.last_drug[first]
        joined = last is not None and last >= self.first and outline.joins(last, first)
        if joined and (last in self.given or last in self._held):
            return last in self._held  # of drugs that are named together all were given, or none
        begins, ends = outline.stretch_start[first], outline.stretch_end[outline.last_of_list(at)]
        led = pieces[first - 1] if first > self.first else None
        opens = pieces[first - 2] if first - 2 >= self.first else None
        if led is not None and led.key == "on" and opens is not None and (opens.key in _READ or "topic" in opens.roles):
            return True  # they gave her leaflets on T-DXd
        if led is not None and (led.key in _WAS or not led.roles.isdisjoint(_UNDER)):
            return False  # hair loss on Taxol, moved abroad during THP; I think it was T-DM1
        alone = last is None or last < self.first
        if begins > self.first and pieces[begins - 1].key in _HEADS and (alone or pieces[begins - 1].key == ":"):
            begins = outline.stretch_start[begins - 1]
        if ends < self.end and pieces[ends - 1].key == "," and pieces[ends].kind in _COUNTED:
            return False  # row 1: A, 14 months
        if (begins, ends) not in self._strange:
            strange = self._is_strange(range(begins, ends))
            if strange is None and begins == outline.stretch_start[first]:  # votes: T-DXd 4, T-DM1 3
                last = begins if last is None else last
                strange = last in self._held or self._strange.get(
                    (outline.stretch_start[last], outline.stretch_end[last])
                )
            self._strange[begins, ends] = strange
        if not self._strange[begins, ends]:
            return False
        if self._last_of_a_course is None:
            told = (each for each in range(self.end - 1, self.first - 1, -1) if outline.has((each,), *_COURSE))
            self._last_of_a_course = next(told, -1)
        from_here = self.first if alone else outline.stretch_start[first]  # what stands before is of other drugs
        return self._last_of_a_course < from_here

    def is_told(self, at: int) -> bool:
        """Whether it is told of a drug that it was given, whatever else stands beside it: by how many there were, how
        long they were given, or where: 'eighteen Taxols with Herceptin', 'lived on A, B and C for a year', 'TH at the
        satellite unit'."""
        first, last = self._whole_list(at)
        told = self._is_counted(first) or self._lasts(first, last) or self._is_where_it_was_given(last)
        return told or self._went_without(last) or self._was_given(last) or self._was_hard(last) or self._gave(first)

    def _gave(self, first: int) -> bool:
        """Whether 'they gave her' leads to drugs, and nothing denies or supposes it."""
        outline, led = self.outline, first - 1
        if led < self.first or outline.pieces[led].key not in ("gave", "given") or outline.pieces[led].asked:
            return False
        before = range(outline.stretch_start[first], led)
        gave = outline.pieces[led].key == "gave" and "took_effect" in outline.cues[led]
        return gave and not outline.has(before, *_NOT_TOLD) and not outline.plays(before, "modal")

    def _was_hard(self, last: int) -> bool:
        """Whether it is told what drugs were to the patient: 'T-DM1 was hard on her', 'THP was kind to her'."""
        told = self.outline.pieces[last + 1 : min(self.end, last + 5)]
        keys = [piece.key for piece in told]
        return len(keys) > 3 and keys[0] in ("was", "were") and keys[2] in ("on", "to") and keys[3] in ("her", "him")

    def _went_without(self, last: int) -> bool:
        """Whether it is told right behind drugs what did not happen under them: 'T-DM1 without complications'."""
        pieces, behind = self.outline.pieces, self.outline.pieces[last + 1 : min(self.end, last + 4)]
        if len(behind) < 2 or behind[0].key != "without" or pieces[last].asked:
            return False
        return "obstacle" in behind[-1].roles or "obstacle" in behind[1].roles

    def _was_given(self, last: int) -> bool:
        """Whether 'was given' stands right behind drugs: 'T-DM1 was administered in the day unit'."""
        told = self.outline.pieces[last + 1 : min(self.end, last + 3)]
        if not told or told[-1].asked or told[-1].key not in ("given", "administered", "infused"):
            return False
        denied = self.outline.has(range(self.first, last), "negation", "hypothetical")
        return told[0].key in ("was", "were") and not denied

    def _whole_list(self, at: int) -> tuple[int, int]:
        """The first and the last of the drugs that are joined to one, over commas, too: 'A, B and C'."""
        outline = self.outline
        first, last = outline.first_of_list(at), outline.last_of_list(at)
        for _ in range(_LONGEST_LIST):
            following = outline.next_drug[last]
            if following is None or following >= self.end or not outline.joins(last, following):
                break
            last = following
        for _ in range(_LONGEST_LIST):
            before = outline.last_drug[first]
            if before is None or before < self.first or not outline.joins(before, first):
                break
            first = before
        return first, last

    def _is_counted(self, first: int) -> bool:
        """Whether a number of cycles stands right before the drugs: '14 Kadcyla'; not '2 lapatinib tablets'."""
        pieces, counted, behind = self.outline.pieces, first - 1, first + 1
        if counted < self.first or pieces[counted].kind != "number" or not 1 < pieces[counted].value <= _MOST_CYCLES:
            return False
        if (
            counted > self.first
            and pieces[counted - 1].kind == "sign"
            and pieces[counted - 1].key not in (",", "(", ":")
        ):
            return False
        return behind >= self.end or pieces[behind].kind in ("sign", "silent") or "joined" in self.outline.cues[behind]

    def _lasts(self, first: int, last: int) -> bool:
        """Whether 'for', with how long, stands behind the drugs that 'on' leads to."""
        pieces, led = self.outline.pieces, first - 1
        if (
            led < self.first
            or pieces[led].key != "on"
            or pieces[max(led - 1, 0)].key in _SET
            or last + 2 >= len(pieces)
        ):
            return False
        return pieces[last + 1].key == "for" and any(
            pieces[at].kind == "duration" for at in range(last + 2, min(self.end, last + 5))
        )

    def _is_where_it_was_given(self, last: int) -> bool:
        """Whether nothing but the place, or the doctor, that gave them stands behind the drugs: 'from the village
        gynaecologist', 'at a private clinic'."""
        outline, pieces, leads = self.outline, self.outline.pieces, last + 1
        if leads + 1 >= self.end or pieces[leads].key not in ("from", "at", "in", "under"):
            return False
        if pieces[self.first].key in ("no", "not") or outline.has(
            range(max(self.first, last - _FAR), last), *_NOT_TOLD
        ):
            return False
        stop = min(outline.stretch_end[last], leads + _LONGEST_PLACE)
        named = next((at for at in range(leads + 1, stop) if "giver" in pieces[at].roles), None)
        while named is not None and named + 1 < stop and "giver" in pieces[named + 1].roles:
            named += 1
        if named is None or any(outline.cues[at] & _NOT_TOLD for at in range(leads, named)):
            return False
        return named + 1 >= self.end or pieces[named + 1].kind == "sign"

    def _is_strange(self, places: range) -> bool | None:
        """Whether such a word stands in a part of the sentence, and nothing that is said of drugs that are given; None
        where nothing but its drugs does."""
        outline, strange = self.outline, None
        for at in places:
            piece, cues = outline.pieces[at], outline.cues[at]
            if piece.kind in _TIMED or not cues.isdisjoint(_GIVING):
                return False
            if cues or outline.is_drug[at] or piece.kind not in ("silent", "word"):
                continue
            spoken = piece.key.isalpha() and len(piece.key) > 1
            if spoken and piece.key not in _LIGHT:
                strange = strange or piece.roles.isdisjoint(_AT_GIVING)
        return strange
