"""Where sentences, stretches and drugs stand among the pieces of a text: worked out once, so that no rule searches."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import accumulate, pairwise

from messages.understanding.drugs import AGAINST_PLACEBO, agents_of, generic, names_drugs
from messages.understanding.named import Cue, Role
from messages.understanding.pieces import NAMING, Piece

_FAR = 24
"""Pieces before and behind a word that may belong to what it says, at most."""
_LONGEST_LIST = 8
"""Drugs joined to one that are followed, at most."""
_BRACKET = 2
"""Pieces from what a bracket is of to the first in it."""
_COURSE = 8
"""Pieces behind a drug where its course is told, at most."""
_STORY = 40
"""Pieces before a drug where it may have been told already, at most."""
_TO_ITS_ARM = 5
"""Pieces between a trial's name and its arm, at most."""
_TO_ITS_REGIMEN = 4
"""Pieces from 'omitted from' to the regimen, at most."""
_SAMPLES = ("biopsy", "biopsies", "bx", "sample", "samples", "specimen")
"""What is new behind an organ, and no lesion."""
_BEGUN = ("started", "begun", "began", "commenced", "initiated")
"""How it is told that what was planned was begun."""
_TO_STOP = ("stop", "stopping", "hold")
"""How a stop is told that is to come."""
_GOES_ON = ("still", "ongoing")
"""How it is told that a drug is given by now."""
_HOW_IT_WAS_GIVEN = (
    "in",
    "for",
    "from",
    "till",
    "until",
    "before",
    "after",
    "first",
    "already",
    "as",
    "back",
    "once",
    "twice",
)
"""What may follow 'she had it' where it tells of a drug that was given."""
BRAIN = ("brain", "brain_mets", "brain_imaging")
"""Nouns of the brain."""
_JOINING_CUES = frozenset(("joined", "cycles", "in_sequence"))
_JOINING_SIGNS = frozenset(("+", "/", "&", ",", "-", "(", ")", "'", '"'))


class Outline:
    """The pieces of a text with, for each, its cues, its sentence and its stretch.

    A stretch is a clause, cut at a dash with blanks around it, too.
    """

    def __init__(self, pieces: list[Piece]) -> None:
        self.pieces = pieces
        count = len(pieces)
        self.cues = [piece.cues for piece in pieces]
        self.is_drug = [piece.kind == "fuzzy" or not piece.kinds.isdisjoint(NAMING) for piece in pieces]
        self.sentence = [piece.sentence for piece in pieces]
        self.stretch = _stretches(pieces)
        self.sentence_start, self.sentence_end = _bounds(self.sentence)
        self.stretch_start, self.stretch_end = _bounds(self.stretch)
        self.next_drug: list[int | None] = [None] * count
        """The next drug after a place, anywhere in the text."""
        self.last_drug: list[int | None] = [None] * count
        """The last drug before a place, anywhere in the text."""
        drugs = [place for place in range(count) if self.is_drug[place]]
        self.names_drugs = bool(drugs)
        for before, following in pairwise([None, *drugs, None] if drugs else ()):
            first, last = before or 0, count if following is None else following
            if following is not None:
                self.next_drug[first:last] = [following] * (last - first)
            if before is not None:
                self.last_drug[first + 1 : last + 1] = [before] * (min(last + 1, count) - first - 1)

        self.said: frozenset[str] = frozenset().union(*filter(None, self.cues))
        """The cues of all pieces: most that are looked for are nowhere in the text."""
        self.played: frozenset[str] = frozenset().union(*[piece.roles for piece in pieces if piece.roles])
        self.typed: frozenset[str] = frozenset([piece.key for piece in pieces])
        """The first words of all pieces."""
        self.may_take_away = not self.typed.isdisjoint(("without", "minus", "-"))
        """Whether anything may be said to be left out of a regimen."""
        self.is_a_note = "p" in self.typed and any(
            piece.key == "a" and self.sentence_start[at] == at and pieces[at + 1].key == ":"
            for at, piece in enumerate(pieces[:-1])
        )
        """Whether an assessment is headed 'A:', as in a note whose plan is headed 'P:'."""
        self.names_brain = any("noun" in piece.kinds and piece.is_("noun", *BRAIN) for piece in pieces)
        """Whether the brain is spoken of at all."""
        self.names_another_illness = "other_illness" in self.played or any(
            "scope" in piece.kinds and piece.is_("scope", "other_tumour") for piece in pieces
        )
        """Whether an illness is named that drugs may have been given for, too."""
        self._apart = list(accumulate([not _only_joins(piece) for piece in pieces], initial=0))
        """How many pieces before a place do not only join."""

    def drug_in_stretch_after(self, place: int) -> int | None:
        """The next drug of the same stretch."""
        found = self.next_drug[place]
        return found if found is not None and found < self.stretch_end[place] else None

    def drug_in_stretch_before(self, place: int) -> int | None:
        """The last drug of the same stretch."""
        found = self.last_drug[place]
        return found if found is not None and found >= self.stretch_start[place] else None

    def drug_in_sentence_after(self, place: int) -> int | None:
        """The next drug of the same sentence."""
        found = self.next_drug[place]
        return found if found is not None and found < self.sentence_end[place] else None

    def next_meaning(self, place: int, within: int = 6) -> int | None:
        """The place of the next piece that means something."""
        for at in range(place + 1, min(place + 1 + within, len(self.pieces))):
            piece = self.pieces[at]
            passed = piece.kind == "silent" or "in_sequence" in self.cues[at] or self._leads_to_sequence(at)
            if not passed and not (piece.kind == "sign" and piece.key in ("-", "'", '"', "(", ")", ":", "=")):
                return at
        return None

    def _leads_to_sequence(self, comma: int) -> bool:
        """Whether a comma only parts a heading from how its list is told: 'previous lines, in order: A, B'."""
        following = comma + 1
        return self.pieces[comma].key == "," and following < len(self.pieces) and "in_sequence" in self.cues[following]

    def in_stretch(self, place: int) -> range:
        """The places of a stretch."""
        return range(self.stretch_start[place], self.stretch_end[place])

    def near(self, place: int) -> range:
        """The places of a stretch that are not far from a place."""
        return range(max(self.stretch_start[place], place - _FAR), min(self.stretch_end[place], place + _FAR))

    def rest_of_stretch(self, place: int, within: int = 14) -> range:
        """The places after a piece in its stretch."""
        return range(place + 1, min(self.stretch_end[place], place + 1 + within))

    def before_in_stretch(self, place: int, within: int = 8) -> range:
        """The places before a piece in its stretch, the nearest first."""
        first, far = self.stretch_start[place], place - within
        return range(place - 1, (first if first > far else far) - 1, -1)

    def has(self, places: Iterable[int], *names: Cue) -> bool:
        """Whether a piece at one of these places is one of these cues."""
        if self.said.isdisjoint(names):
            return False
        cues = self.cues
        for at in places:  # noqa: SIM110  (asked some hundred times for one text)
            if not cues[at].isdisjoint(names):
                return True
        return False

    def plays(self, places: range, role: Role) -> bool:
        """Whether a piece at one of these places plays a part."""
        return role in self.played and any(role in self.pieces[at].roles for at in places)

    def joins(self, first: int, last: int) -> bool:
        """Whether nothing but joining words and signs stands between two places."""
        if last - first > 6:
            return False
        return self._apart[last] == self._apart[first + 1]

    def takes_away(self, at: int) -> bool:
        """Whether 'minus' leads from a regimen to what was left out of it: 'CLEOPATRA minus docetaxel', 'THP -P'."""
        pieces = self.pieces
        if not self.may_take_away or not at or at + 1 >= len(pieces) or not self.is_drug[at - 1]:
            return False
        if pieces[at].key != "-":
            return pieces[at].key == "minus"
        parted = pieces[at + 1].glued and not pieces[at].glued
        parted = parted and self.is_drug[at + 1] and pieces[at - 1].is_("regimen")
        return parted and set(agents_of(pieces[at + 1]) or ("",)) <= set(agents_of(pieces[at - 1]) or ())

    def tells_when_it_began(self, at: int) -> bool:
        """Whether 'started' is followed by a time that is past, and by nothing else: 'started in March', 'begun 5 weeks
        ago'."""
        if self.pieces[at].key not in _BEGUN:
            return False
        rest = [self.pieces[on] for on in self.rest_of_stretch(at, 5)]
        dated = any(
            piece.kind == "date" or piece.key in ("last", "yesterday", "today") or "earlier" in piece.roles
            for piece in rest
        )
        return dated and all(
            piece.kind in ("silent", "sign", "date", "duration", "number")
            or piece.key in ("last", "yesterday", "today")
            for piece in rest
        )

    def counts_a_later_cycle(self, drug: int) -> bool:
        """Whether what is to come is not the first of a drug, which runs: 'will get her 3rd dose of T-DXd', 'cycle 4 of
        T-DXd is due', 'next cycle of TCT on Monday'."""
        pieces, at = self.pieces, self.first_of_list(drug) - 1
        if self._counts_a_later_cycle_behind(drug):
            return True
        first = max(self.stretch_start[drug], at - 4)
        at -= at > first and pieces[at].key == "of"
        if at <= first - 1 or at < 0:
            return False
        value = pieces[at].value
        if at > first and isinstance(value, int | float) and value > 1 and "upcoming" in self.cues[at - 1]:
            return True  # next Tuesday third T-DM1
        if pieces[at].kind == "number" or (pieces[at].key[:1] == "c" and pieces[at].key[1:].isdigit()):
            value = value if pieces[at].kind == "number" else int(pieces[at].key[1:])
            named = at > first and "cycles" in self.cues[at - 1]
            named = named or pieces[at].key[:1] == "c"
            return named and isinstance(value, int | float) and value > 1
        if pieces[at].kind == "cycles" or not ("cycles" in self.cues[at] or pieces[at].key in ("dose", "doses")):
            return False
        before = pieces[at - 1] if at > first else None
        if before is None or before.kind in ("number", "cycles"):
            return False
        return before.key == "next" or (isinstance(before.value, int | float) and before.value > 1)

    def _counts_a_later_cycle_behind(self, drug: int) -> bool:
        """The same, where the cycle stands behind the drug: 'T-DXd C3 postponed', 'next TCT cycle on Monday'."""
        pieces, before, behind = self.pieces, self.first_of_list(drug) - 1, self.last_of_list(drug) + 1
        behind += behind + 1 < len(pieces) and pieces[behind].key == ","  # accepted T-DXd, C2
        if behind >= len(pieces):
            return False
        key = pieces[behind].key
        if key[:1] == "c" and key[1:].isdigit() and int(key[1:]) > 1:
            return True
        if key == "#" and pieces[behind].kind == "cycles":
            return bool(pieces[behind].value > 1)
        if "cycles" not in self.cues[behind] or pieces[behind].kind == "cycles":
            return False
        if before >= 0 and pieces[before].key == "next":
            return True
        number = pieces[behind + 1] if behind + 1 < len(pieces) else None
        return number is not None and number.kind == "number" and number.value > 1

    def gave_placebo(self, regimen: int) -> str | None:
        """The drug of a trial's regimen that its placebo arm, in which it was given, lacks: 'HER2CLIMB placebo arm'."""
        pieces = self.pieces
        tested = AGAINST_PLACEBO.get(pieces[regimen].key)
        if tested is None or "comparator" not in self.played or pieces[regimen].asked:
            return None
        first, end = self.sentence_start[regimen], self.sentence_end[regimen]
        near = range(max(first, regimen - _TO_ITS_ARM), min(end, regimen + _TO_ITS_ARM + 1))
        arm = next((at for at in near if "comparator" in pieces[at].roles), None)
        if (
            arm is None
            or pieces[arm - 1].key in ("-", "not")
            or self.plays(range(max(first, arm - 2), min(arm + 3, len(pieces))), "or")
        ):
            return None
        beside = [
            at for at in (self.last_drug[regimen], self.next_drug[regimen]) if at is not None and first <= at < end
        ]
        whole = generic(agents_of(pieces[regimen]) or ())
        lone = all(whole.isdisjoint(generic(agents_of(pieces[at]) or ())) for at in beside)  # not told with its drugs
        numbered = regimen + 1 < end and pieces[regimen + 1].key == "-"
        return (
            tested if lone and not numbered and not self.has(near, "negation", "versus", "planned", "unknown") else None
        )

    def is_part_of(self, drug: int, regimen: int) -> bool:
        """Whether what one place names is a part of what a regimen at another consists of."""
        if not self.pieces[regimen].is_("regimen"):
            return False
        part = generic(agents_of(self.pieces[drug]) or ())
        return bool(part) and part < generic(agents_of(self.pieces[regimen]) or ())

    def left_out_of(self, at: int) -> int | None:
        """The regimen that a drug was never given with, behind the words that say so: 'carboplatin omitted from her
        TCHP', 'cape left out of TCT'; not 'omitted from TCT after cycle 2'."""
        drug, regimen = self.drug_in_stretch_before(at), self.drug_in_stretch_after(at)
        never = self.pieces[at].key in ("omitted", "left") or "negated_after" in self.cues[at]
        if drug is None or regimen is None or not never:
            return None
        between = self.pieces[at + 1 : regimen]
        if regimen - at > _TO_ITS_REGIMEN or any(piece.kind != "silent" for piece in between):
            return None
        if not self.is_part_of(drug, regimen):
            return None
        timed = any(
            self.pieces[on].kind in ("cycles", "date", "duration", "number") or "after" in self.cues[on]
            for on in self.rest_of_stretch(regimen, 5)
        )
        return None if timed else regimen

    def tells_why(self, at: int) -> bool:
        """Whether 'is due', 'was down for' plans nothing: 'her ILD was due to T-DXd', 'platelets was down for two weeks
        on T-DM1'; not 'was due T-DXd'."""
        behind = at + 1
        if self.pieces[at].key not in ("is", "was", "are", "were", "been") or behind >= len(self.pieces):
            return False
        following = self.pieces[behind]
        return following.kind == "duration" or (following.key == "to" and "planned" not in self.cues[behind])

    def names_the_line(self, place: int) -> bool:
        """Whether a sign leads from a line's number to its drugs: 'on her second line, T-DM1', 'line 2: T-DM1'."""
        inside = 0 < place < len(self.pieces) - 1 and self.is_drug[place + 1]
        return inside and self.pieces[place].key in (",", ":", "(", "-", "=") and self.pieces[place - 1].kind == "line"

    def heads_earlier_lines(self, at: int) -> bool:
        """Whether a decision about one line heads those before it: 'third-line decision: T-DXd 2L, THP 1L'."""
        pieces = self.pieces
        if not at or pieces[at - 1].kind != "line" or at + 1 >= len(pieces) or pieces[at + 1].key != ":":
            return False
        told = next((pieces[on] for on in self.rest_of_stretch(at + 1, 4) if pieces[on].kind == "line"), None)
        return told is not None and told.value < pieces[at - 1].value

    def names_a_plan(self, first: int) -> bool:
        """Whether a bracket begins right behind a plan, or an idea, whose drugs it names, and no course of them is
        told: 'the old plan (A in second line) was torn up'; not 'her first option (A) failed'."""
        if "plan_noun" not in self.played or first < _BRACKET or self.pieces[first - 1].key != "(":
            return False
        told = range(first, min(self.sentence_end[first], first + _FAR))
        return "plan_noun" in self.pieces[first - _BRACKET].roles and not self.has(
            told, "progression", "toxicity", "a_toxicity", "completed", "ongoing", "responding", "took_effect"
        )

    def tells_a_course(self, last: int, *, timed: bool = False) -> bool:
        """Whether how a drug that was only planned went is told right behind it, or behind the last word of the plan:
        'switch to T-DM1, 8 cycles, PD', 'Kadcyla next, stopped for platelets'.

        Growth may be why it is planned, but where it is `timed`: said to come after some time, or next.
        """
        for at in range(last + 1, min(self.sentence_end[last], last + _COURSE)):
            piece, cues = self.pieces[at], self.cues[at]
            following = min(at + 1, len(self.pieces) - 1)
            behind, before_a_drug = self.pieces[following], self.is_drug[following]
            if piece.asked or self.is_drug[at] or "dose" in (piece.key, behind.key):
                return False
            if cues & {"toxicity", "took_effect"} or piece.key in _GOES_ON or piece.key == "lost":
                return not before_a_drug
            if "stopped" in cues and piece.key not in _TO_STOP:
                return not (before_a_drug or "up_to" in behind.roles)
            if "progression" in cues or "responding" in cues:
                return timed or behind.key == "after"
            if self._says_how_long(at) or "a_toxicity" in cues or piece.key == "->":
                timed = True
            elif "if" in piece.roles or not (
                piece.kind in ("silent", "sign", "number")
                or piece.key == "which"
                or cues & {"joined", "then"}
                or piece.is_("noun", "organ")
            ):
                return False
        return False

    def _says_how_long(self, place: int) -> bool:
        return self.pieces[place].kind in ("duration", "cycles", "date")

    def tells_it_was_given(self, at: int) -> bool:
        """Whether 'she had it' tells that the drug named before was given, with when or with what: 'had it in 2021',
        'got it with HP', 'had that already'; not 'had it cancelled', 'if she had it'."""
        if "had_it" in self.cues[at]:
            return True
        if "previously" not in self.cues[at] or at + 1 >= self.sentence_end[at] or self.pieces[at].asked:
            return False
        if self.pieces[at].key == "was" and self.stretch_start[at] == at:  # T-DM1 please not, was given 2020
            return self.pieces[at + 1].kind == "date"
        if self.pieces[at + 1].key not in ("it", "that", "this", "them", "these"):
            return False
        before = range(max(self.stretch_start[at], at - 3), at)
        if any(self.plays(before, role) for role in ("if", "modal", "whether")) or self.has(
            before, "negation", "family"
        ):
            return False
        if at + 2 >= self.sentence_end[at]:
            return True
        behind = self.pieces[at + 2]
        return behind.kind in ("sign", "date", "duration", "cycles", "line") or (
            behind.key in _HOW_IT_WAS_GIVEN or "joined" in behind.cues or "progression" in behind.cues
        )

    def is_excepted(self, drug: int) -> bool:
        """Whether a drug is the exception from an outcome that is said of all: 'PD on all except T-DM1'."""
        if "than" not in self.said or not drug or "than" not in self.cues[drug - 1]:
            return False
        told = range(max(self.sentence_start[drug], drug - 7), drug)
        every = "all_but" in self.cues[drug - 1] or self.plays(told, "every")
        if not every or not self.has(told, "progression", "stopped", "toxicity"):
            return False
        behind = range(drug + 1, min(self.sentence_end[drug], drug + _COURSE))
        ended = self.has(behind, "stopped", "toxicity", "a_toxicity", "completed", "ongoing")
        return ended or self.is_told_before(drug)

    def is_told_before(self, drug: int) -> bool:
        """Whether the same drug is named before it, a short way back."""
        agents = agents_of(self.pieces[drug])
        near = range(max(0, drug - _STORY), drug)
        return any(self.is_drug[at] and set(agents_of(self.pieces[at]) or ()) & set(agents or ()) for at in near)

    def denies_a_change(self, at: int) -> bool:
        """Whether it is denied that what is given was stopped or reduced: 'T-DXd never interrupted', 'not delayed'."""
        following = at + 1
        if "negation" not in self.cues[at] or following >= self.stretch_end[at] or self.is_drug[following]:
            return False
        return "stopped" in self.cues[following] or "lowered" in self.pieces[following].roles

    def is_in_a_later_cycle(self, drug: int | None) -> bool:
        """Whether a cycle behind the first is counted right before a drug: 'cycle 14 of Enhertu', 'C7 T-DXd'."""
        if drug is None:
            return False
        first = self.first_of_list(drug)
        for at in self.before_in_stretch(first, 4):
            piece = self.pieces[at]
            if isinstance(piece.value, int | float) and piece.value > 1 and piece.kind in ("number", "cycles"):
                return "cycles" in piece.kind or (at > 0 and "cycles" in self.cues[at - 1])
            if piece.key[:1] == "c" and piece.key[1:].isdigit():
                return int(piece.key[1:]) > 1
            if piece.kind != "silent" and piece.key != "of" and not piece.roles & {"harmless"}:
                return False
        return False

    def denies_an_examination(self, at: int) -> bool:
        """Whether it is denied that the patient was examined since, and no drug: 'THP done, not yet restaged'."""
        if "examined" not in self.played or self.cues[at].isdisjoint(("negation", "negated_after")):
            return False
        for place in self.rest_of_stretch(at, 3):
            if "examined" in self.pieces[place].roles:
                return True
            if self.pieces[place].kind not in ("silent", "sign") and self.pieces[place].key not in ("re", "yet"):
                return False
        return False

    def denies_the_next(self, at: int) -> bool:
        """Whether it is denied that a drug came next: 'HP, never changed to T-DXd'."""
        following = self.next_meaning(at, 3)
        if "negation" not in self.cues[at] or following is None or "then" not in self.cues[following]:
            return False
        return (
            following > at and self.next_drug[following] == following + 1 and self.pieces[following - 1].kind != "sign"
        )

    def is_in_an_aside(self, place: int) -> bool:
        """Whether a place stands in an aside between 'and' and its drug: 'failed A and, earlier, B'."""
        start, end = self.stretch_start[place], self.stretch_end[place]
        if start < 2 or self.pieces[start - 1].key != "," or self.pieces[start - 2].key != "and":
            return False
        closed = place + 1 < len(self.pieces) and self.pieces[end - 1].key == ","
        return closed and self.last_drug[end - 1] == self.last_drug[start]

    def last_of_list(self, place: int) -> int:
        """The last of the drugs that are joined to one in its stretch."""
        for _ in range(_LONGEST_LIST):
            following = self.drug_in_stretch_after(place)
            if following is None or not self.joins(place, following):
                break
            place = following
        return place

    def first_of_list(self, place: int) -> int:
        """The first of them."""
        for _ in range(_LONGEST_LIST):
            before = self.drug_in_stretch_before(place)
            if before is None or not self.joins(before, place):
                break
            place = before
        return place

    def is_joining(self, place: int) -> bool:
        """Whether a piece only joins what stands around it."""
        return _only_joins(self.pieces[place])


def _only_joins(piece: Piece) -> bool:
    if piece.kind == "sign":
        return piece.key in _JOINING_SIGNS
    if "clausal" in piece.roles:
        return False
    return piece.kind in ("silent", "line", "cycles") or not piece.cues.isdisjoint(_JOINING_CUES)


def tells_alike(outline: Outline, at: int) -> bool:
    """Whether 'nor did', 'none from' leads to a drug, of which the outcome before it is said, too."""
    drug = at + 2
    if drug >= len(outline.pieces) or not outline.is_drug[drug]:
        return False
    if outline.pieces[at].key == "none":
        return outline.pieces[at + 1].key in ("from", "with", "to", "on", "under")
    if "nor" not in outline.pieces[at].roles:
        return False
    return "auxiliary" in outline.pieces[at + 1].roles or "is" in outline.pieces[at + 1].roles


def is_new(pieces: list[Piece], place: int) -> bool:
    """Whether 'new' is said right before an organ or right behind it: 'new nodes', 'pleura new on this CT'."""
    if place + 1 < len(pieces) and pieces[place + 1].key in _SAMPLES:  # new liver biopsy
        return False
    if place and "new" in pieces[place - 1].cues and not names_drugs(pieces[place - 1]):
        return True
    following, behind = place + 1, pieces[place + 2] if place + 2 < len(pieces) else None
    if following == len(pieces) or pieces[following].key != "new" or pieces[following].clause != pieces[place].clause:
        return False
    return behind is None or not (behind.is_("noun") or names_drugs(behind) or "heading" in behind.roles)


def _stretches(pieces: list[Piece]) -> list[int]:
    """A number for each piece that changes where a clause, a sentence or a spaced dash ends the stretch."""
    found: list[int] = []
    number = 0
    before: Piece | None = None
    for piece in pieces:
        if before is not None:
            dashed = before.key == "-" and before.kind == "sign" and not before.glued and not piece.glued
            if dashed or before.clause != piece.clause or before.sentence != piece.sentence:
                number += 1
        found.append(number)
        before = piece
    return found


def _bounds(numbers: list[int]) -> tuple[list[int], list[int]]:
    """For each place, where the run of equal numbers, which stand in order, begins that it stands in, and where it
    ends."""
    count = len(numbers)
    if count and numbers[0] == numbers[-1]:
        return [0] * count, [count] * count
    starts: list[int] = []
    ends: list[int] = []
    first = 0
    for place in range(1, count + 1):
        if place == count or numbers[place] != numbers[first]:
            starts += [first] * (place - first)
            ends += [place] * (place - first)
            first = place
    return starts, ends
