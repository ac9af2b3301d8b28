"""The lines of therapy while they are read: what is told of each, which drugs join one, and their order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise

from flows.profile import CLASS_OF, KINDS
from messages.understanding.drugs import (
    ANTI_HER2,
    ANTIBODIES,
    CONJUGATES,
    ENDOCRINE,
    GO_ON,
    KINASE_INHIBITORS,
    WITH_A_CONJUGATE,
    Readings,
    generic,
    go_together,
)
from messages.understanding.scan import Piece

_MOST = 15
"""The highest number of a line that is counted with."""
_SECOND = 2
"""The number of the line that one that ended is often told before: 'On 2nd line T-DXd, PD. Then TCT.'"""
_OPEN = (None, "ongoing")
"""Outcomes of a line that did not end."""
_ENDED = ("progression", "toxicity")
"""Outcomes of a line that another followed."""
_STRENGTH = {"none": 0, "joined": 1, "other": 2, "comma": 3, "then": 4, "sentence": 5, "start": 6}


@dataclass(slots=True)
class Reading:
    """A drug that has to be asked back: what was typed, what it may mean, and the line it belongs to."""

    piece: Piece
    readings: Readings


@dataclass(slots=True, eq=False)
class Course:
    """One line, or one early-stage treatment, as it is read."""

    agents: list[str] = field(default_factory=list)
    outcome: str | None = None
    early: bool = False
    number: int | None = None
    counted: bool = False
    """Whether its number only counts an enumeration."""
    ongoing: bool = False
    present: bool = False
    """Whether a word of the present stood before its drugs: 'on third-line TCT'."""
    now: bool = False
    """Whether that word says so outright, as 'currently' does, and not 'on' alone."""
    opens: bool = False
    """Whether 'on' before its drugs opened the sentence: 'Pt on T-DXd, progressed on THP.'"""
    later: bool = False
    """Whether 'then' led to it from the drug before it."""
    aside: bool = False
    """Whether its drugs open a bracket behind those of another line: 'T-DXd (THP failed)'."""
    stopped: bool = False
    """Whether it is told to have been stopped."""
    regimen: bool = False
    """Whether a regimen's shorthand named it."""
    closed: bool = False
    """Whether a date or a number behind its drugs ended their list."""
    maintenance: bool = False
    goes_on: bool = False
    """Whether its drugs are told to go on, to be kept, or to be given now."""
    merged: bool = False
    """Whether what went on without its chemotherapy was told before it."""
    combined: bool = False
    """Whether its drugs were joined by a sign or 'and', not by commas."""
    pieces: list[Piece] = field(default_factory=list)
    unclear: list[Reading] = field(default_factory=list)
    sentence: int = 0
    clause: int = 0
    follows: Course | None = None
    """The line it came directly after, where the text says so."""

    def likely(self, new: set[str]) -> set[str]:
        """The first reading of each unclear drug, but of those that the new drugs make clear."""
        return {
            agent
            for each in self.unclear
            if not any(new >= set(reading) for reading in each.readings) or each.piece.kind == "fuzzy"
            for agent in next(
                (reading for reading in each.readings if not go_together(set(reading), new)), each.readings[0]
            )
        }


@dataclass(slots=True)
class Told:
    """What a text tells of treatment."""

    lines: list[Course] = field(default_factory=list)
    early: list[Course] = field(default_factory=list)
    denied: list[tuple[str, Piece]] = field(default_factory=list)
    focus: list[tuple[str, Piece]] = field(default_factory=list)
    access: tuple[str, Piece, int | None] | None = None
    unclear_focus: list[Reading] = field(default_factory=list)
    seeking: int | None = None
    """The number of the line that is asked for."""
    numbered: bool = False
    """Whether a line of therapy was named by its number."""
    ended_at: Mapping[int, list[Course]] = field(default_factory=dict)
    """The lines that are told to have ended, by the start of the word that says so."""
    grew_under: frozenset[int] = frozenset()
    """Where a relapse, or an organ alone, tells of growth under a line."""
    untreated: bool = False
    """Whether nothing was given for metastatic disease yet."""


def _is_told_before(first: Course, course: Course) -> bool:
    """Whether one line stands before another in the text: not in 'progression on T-DM1, before that THP'."""
    return not (first.pieces and course.pieces) or first.pieces[0].start < course.pieces[0].start


class Courses:
    """The courses read so far, the one being told, and what separated it from the next drug."""

    def __init__(self) -> None:
        self.all: list[Course] = []
        self.current: Course | None = None
        self.between = "start"
        """The strongest separator since the last drug: none, joined, other, comma, then, sentence, start."""
        self.dated = False
        """Whether all lines stand in the order of their years."""
        self.insert_stays = False
        """Whether what follows 'then' still came before."""
        self.insert_heads = False
        """Whether a heading said so, over the semicolons of its list: 'Before: THP, PD; T-DM1, PD'."""
        self.referred: Course | None = None
        """The line that was named by its number, in the sentence being read."""
        self.ended_at: dict[int, list[Course]] = {}
        """The lines that are told to have ended, by the start of the word that says so."""
        self.grew_under: set[int] = set()
        """Where a relapse, or an organ alone, tells of growth under a line: the starts of its words."""
        self.insert: int | None = None
        """Where the next course belongs, where that is before one named already."""

    def separate(self, kind: str) -> None:
        """Note a separator; a weaker one than stands there already changes nothing."""
        if _STRENGTH[kind] > _STRENGTH[self.between]:
            self.between = kind

    def near(self) -> bool:
        """Whether nothing that ends a line stands since its last drug."""
        return self.current is not None and self.between in ("none", "joined", "other")

    def metastatic(self) -> list[Course]:
        """The courses that are no early-stage treatment."""
        return [course for course in self.all if not course.early]

    def latest(self, sentence: int, *, now: bool = False) -> Course | None:
        """The line that something is said of: the one being told, or the last; the last where it is said of `now`."""
        if self.referred is not None:
            return self.referred
        stays = self.insert_stays and not now
        current = self.current
        told_here = current is not None and not current.early and current.sentence == sentence
        inserted = self.insert is not None and not stays and self.between not in ("none", "joined")
        if told_here and not inserted:
            return current
        lines = self.metastatic()
        inserted = inserted and bool(lines) and lines[-1].sentence == sentence  # not 'PD on TCT. At first THP, PD'
        if told_here and not inserted:
            return current
        if lines and all(course.number is not None for course in lines):
            return max(lines, key=lambda course: course.number or 0)
        return lines[-1] if lines else None

    def leaves_room(self) -> bool:
        """Whether a line's number shows that more lines came before it: 'third line TCT after THP, then T-DM1'."""
        if self.insert is None or self.insert >= len(self.all):
            return False
        number = self.all[self.insert].number
        return number is not None and sum(not course.early for course in self.all[: self.insert]) < number - 1

    def begin(self, course: Course) -> None:
        """Put a new course in its place."""
        if self.insert is not None:
            self.all.insert(self.insert, course)
            self.insert += 1
        else:
            self.all.append(course)
        self.current = course

    def put_before(self, course: Course) -> None:
        """Put what is told next before a course."""
        self.insert = self.all.index(course)
        self.insert_stays = True
        self.separate("then")

    def add(self, piece: Piece, agents: tuple[str, ...] | None, readings: Readings | None) -> None:
        """Add the drugs of a piece to the course being told; a named drug takes the place of its class."""
        course = self.current
        assert course is not None
        course.pieces.append(piece)
        course.combined = course.combined or self.between == "joined"
        if agents is None:
            if readings is not None:
                course.unclear.append(Reading(piece, readings))
            return
        if course.unclear:
            answered = [each for each in course.unclear if agents in each.readings and each.piece.kind == "known"]
            for each in answered:
                course.unclear.remove(each)
        for agent in agents:
            kind = CLASS_OF.get(agent)
            if kind is not None and kind in course.agents:
                course.agents[course.agents.index(kind)] = agent
            elif agent not in course.agents and not (agent in KINDS and KINDS[agent] & set(course.agents)):
                course.agents.append(agent)

    # ---- whether drugs belong to a line --------------------------------------------------------------------------

    def joins(self, new: Iterable[str], group: set[str], *, regimen: bool) -> bool:
        """Whether drugs belong to the line being told. `group`: the drugs that are joined to them."""
        course = self.current
        if course is None or self.between in ("then", "sentence", "start"):
            return False
        more = set(new)
        have = set(course.agents) | course.likely(more)
        if course.closed and self.between != "joined":
            return False
        if CONJUGATES & have and not group <= have | WITH_A_CONJUGATE:
            return False  # T-DXd / tucatinib + capecitabine
        if not go_together(have, more) or (self.between == "comma" and CONJUGATES & (have | more)):
            return False
        if self.between == "comma" and course.combined and group - more and have & ANTI_HER2 and group & ANTI_HER2:
            return False  # A + B, C + D
        combined = self.between == "joined" and group - more and group & ANTI_HER2
        if combined and course.regimen and have & ANTI_HER2 and have - ANTIBODIES:
            return False  # THP and B/C
        named = any(kind in have and more & kinds for kind, kinds in KINDS.items())
        if named and self.between not in ("joined", "none"):
            return False
        if self.between == "comma" and (regimen or course.regimen):
            return regimen and more <= ANTIBODIES and not have & ANTI_HER2
        return not (regimen and course.regimen)

    def describes(self, new: Iterable[str]) -> bool:
        """Whether drugs in brackets only say again what the line being told consists of."""
        course = self.current
        return course is not None and bool(new) and generic(new) <= generic(course.agents)

    def maintains(self, new: Iterable[str]) -> bool:
        """Whether drugs called maintenance belong to the line being told."""
        course = self.current
        return course is not None and GO_ON.issuperset(new) and not CONJUGATES & set(course.agents)

    def steps_down(self, new: Iterable[str]) -> bool:
        """Whether the antibodies of the line being told go on without their chemotherapy: THP, then HP."""
        course = self.current
        if course is None or course.outcome not in (None, "completed", "toxicity") or not course.agents:
            return False
        more = set(new)
        if not more <= GO_ON or ANTIBODIES.isdisjoint(more):
            return False
        return more & ANTIBODIES <= set(course.agents) and bool(set(course.agents) - more - ENDOCRINE)

    def move_to_front(self, course: Course) -> None:
        """Put a course before the other lines."""
        lines = self.metastatic()
        if course in lines and lines[0] is not course:
            self.all.remove(course)
            self.all.insert(self.all.index(lines[0]), course)

    def merge_step_down(self) -> None:
        """Make one line of 'HP after THP': what goes on without the chemotherapy is no line of its own."""
        course = self.current
        if course is None or self.insert is None or course not in self.all:
            return
        at = self.all.index(course) + 1
        following = self.all[at] if at < len(self.all) else None
        if following is None or following.early != course.early or following.number not in (None, 1):
            return
        if any(each.piece.kind == "fuzzy" for each in following.unclear):
            return
        agents, more = set(course.agents), set(following.agents)
        kept = more & ANTIBODIES if following.maintenance else more
        stepped_down = bool(kept) and kept < agents and kept <= ANTIBODIES
        maintained = following.maintenance and not CONJUGATES & agents
        maintained = maintained or (agents <= KINDS["taxane"] | {"taxane"} and {"trastuzumab", "pertuzumab"} <= more)
        if (stepped_down or maintained) and more <= GO_ON:
            course.agents += [agent for agent in following.agents if agent not in agents]
            course.pieces += following.pieces
            course.unclear += following.unclear
            course.merged = True
            if course.number is None:
                course.number = following.number  # HP 1L (after docetaxel x6)
            course.outcome, course.ongoing = following.outcome, following.ongoing
            for ended in self.ended_at.values():
                ended[:] = [course if each is following else each for each in ended]
            self.all.remove(following)
            self.insert = min(self.insert, len(self.all))

    def merge_what_went_on(self) -> None:
        """Make one line of antibodies that are told to go on, and of the line, told later, that they are of: 'we
        carried on with HP. 1L THP, lung mets growing', 'on HP, THP before', 'on HP (1L THP)'."""
        lines = self.order()
        for before, course in pairwise(lines):
            if course.number is not None or not course.goes_on or not GO_ON.issuperset(course.agents):
                continue
            told_later = bool(before.pieces and course.pieces) and before.pieces[0].start > course.pieces[0].start
            kept = ANTIBODIES & set(course.agents)
            part = bool(kept) and kept < set(before.agents) - ENDOCRINE
            ended = before.outcome in _ENDED and (course.ongoing or course.outcome is not None)
            if not told_later or not part or ended or CONJUGATES & set(before.agents):
                continue
            before.pieces += course.pieces
            before.agents += [agent for agent in course.agents if agent not in before.agents]
            before.outcome = before.outcome if before.outcome in _ENDED else course.outcome or before.outcome
            before.ongoing = before.ongoing or course.ongoing
            for ended_here in self.ended_at.values():
                ended_here[:] = [before if each is course else each for each in ended_here]
            self.all.remove(course)
            return

    def known(self, new: Iterable[str]) -> Course | None:
        """The latest course that holds all these drugs."""
        more = set(new)
        if more:
            for course in reversed(self.all):
                if more.issubset(course.agents):
                    return course
        return None

    def same(self, new: Iterable[str]) -> Course | None:
        """The latest course of exactly these drugs, or whose conjugate or kinase inhibitor they are."""
        more = set(new)
        if not more:
            return None
        marks = not (CONJUGATES.isdisjoint(more) and KINASE_INHIBITORS.isdisjoint(more))
        for course in reversed(self.all):
            if more.issubset(course.agents) and (marks or more.issuperset(course.agents)):
                return course
        return None

    def _numbers_what_is_told_later(self, lines: list[Course]) -> bool:
        """Whether the number of the line told first is of as many lines as later sentences tell without one: 'On
        third-line TCT. THP 2021-23, T-DXd 2023-25.'"""
        first, *rest = lines
        if first.number is None or first.number != len(lines) or not rest or rest[0].later:
            return False
        goes_on = (first.ongoing and first.present) or first.number > _SECOND
        return goes_on and all(
            course.number is None and course.sentence > first.sentence and not course.ongoing for course in rest
        )

    def _goes_on_after_what_is_told_later(self, lines: list[Course]) -> bool:
        """Whether the line told first is the one that goes on now: 'Currently TCT; Enhertu failed', 'TCT since May.
        She progressed on T-DXd.'"""
        first, *rest = lines
        if len(rest) == 1 and rest[0].aside and rest[0].outcome in _ENDED and not self.dated:  # TCT (T-DXd failed)
            return first.outcome in _OPEN and first.number is None and rest[0].number is None
        if self.dated or not first.ongoing or first.outcome not in _OPEN or first.number is not None:
            return False
        ended = [course.outcome in _ENDED for course in rest]
        if not rest or rest[0].later or not (first.now or all(ended) or (first.opens and any(ended))):
            return False
        told = first.now or first.opens or not first.present  # not 'shrank on THP, PD on T-DM1'
        beside = told and all(ended) and all(_is_told_before(first, course) for course in rest)
        return all(
            course.number is None and (course.sentence > first.sentence or beside) and not course.ongoing
            for course in rest
        )

    @staticmethod
    def _count_anew(lines: list[Course]) -> None:
        """Forget the numbers of an enumeration that counts other things, too: '1. TCH adjuvant 2. THP', '1) THP 2) PD
        3) T-DXd'."""
        for course in lines:
            if course.counted:
                course.number = None

    def order(self) -> list[Course]:
        """The lines in their order: numbered ones at their number, the others where they were told.

        Where a number shows that a line is not told, it has no drugs.
        """
        lines = self.metastatic()
        if not lines:
            return []
        counted = [course.number for course in lines if course.counted and course.number is not None]
        if any(course.early and course.counted for course in self.all) or (
            counted[:1] == [1] and counted == sorted(counted) and counted[-1] > len(counted)
        ):
            self._count_anew(lines)
        if self._numbers_what_is_told_later(lines) or self._goes_on_after_what_is_told_later(lines):
            return [*lines[1:], lines[0]]
        at: dict[int, Course] = {}
        for course in lines:
            if course.number is not None:
                at.setdefault(min(course.number, _MOST), course)
        last = 0
        for course in lines:
            if course.number is None or at[min(course.number, _MOST)] is not course:
                last += 1
                while last in at:
                    last += 1
                at[last] = course
            else:
                last = min(course.number, _MOST)
        return [at.get(number) or Course() for number in range(1, max(at) + 1)]
