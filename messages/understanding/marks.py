"""Marks that belong to the drugs before or behind them: numbers of lines, and words for early-stage treatment."""

from __future__ import annotations

from typing import Literal

from messages.understanding.courses import Course, Told
from messages.understanding.drugs import AROUND_SURGERY, BEFORE_A_TAXANE
from messages.understanding.scan import ITEM
from messages.understanding.telling import Telling

_MOST_TOGETHER = 5
"""Numbers of lines that are told together, at most."""


class Marks:
    """Gives marks to the drugs they belong to."""

    def __init__(self, now: Telling, told: Told) -> None:
        self.now, self.told = now, told
        self.operated = False
        """Whether surgery was told."""
        self.returned = False
        """Whether a relapse was told."""
        self.de_novo = any("de_novo" in piece.cues for piece in now.pieces)

    def numbered(self, place: int) -> None:
        piece = self.now.pieces[place]
        number = int(piece.value)
        self.told.numbered = self.told.numbered or piece.key != ITEM
        belongs = self._belongs(self._last_of_numbers(place))
        course = self.now.courses.current
        if belongs == "behind" and course is not None and not piece.asked and course.number is None:
            course.number = number
            course.early = False
            course.closed = True
            course.counted = piece.key == ITEM
            piece.used = True
            self.now.courses.separate("other")
            return
        piece.used = True
        following = self.now.outline.next_meaning(place)
        sought = following is not None and "after" in self.now.outline.cues[following]
        if belongs != "ahead" and not piece.asked and self._refers_to(number):
            return
        if belongs != "ahead" or piece.asked or sought:
            self.told.seeking = number
            self.now.courses.separate("then" if sought else "none")
            return
        self.now.numbers.append(number)
        self.now.counting = piece.key == ITEM
        self.now.early = False
        self.now.metastatic = True
        self.now.courses.separate("then")

    def _refers_to(self, number: int) -> bool:
        """Whether a line told before is named by its number: 'line 2 stopped for ILD'. What is said next is of it."""
        lines = self.now.courses.order()
        if number > len(lines) or not lines[number - 1].agents:
            return False
        self.now.courses.referred = lines[number - 1]
        return True

    def _last_of_numbers(self, place: int) -> int:
        """The last of joined numbers: 'as 2nd and 3rd line'."""
        outline = self.now.outline
        for _ in range(_MOST_TOGETHER):
            following = outline.next_meaning(place, 3)
            if following is not None and "joined" in outline.cues[following]:
                following = outline.next_meaning(following, 2)
            if following is None or self.now.pieces[following].kind != "line" or not outline.joins(place, following):
                break
            if any(self.now.pieces[at].key == "(" for at in range(place, following)):
                break
            place = following
        return place

    def _belongs(self, place: int) -> Literal["behind", "ahead"] | None:
        """Whether a mark is of the drugs before it ('behind' them) or 'ahead' of those that follow.

        What stands in the same stretch decides; where both do, or neither, the order in which the sentence began.
        """
        outline, course = self.now.outline, self.now.courses.current
        told_here = self.now.is_told_here(course)
        start = outline.stretch_start[place]
        opened = start > 0 and self.now.pieces[start - 1].key == "("
        following = outline.next_meaning(place)
        opens = following is not None and following < outline.sentence_end[place] and outline.is_drug[following]
        ahead = outline.drug_in_stretch_after(place) is not None or opens
        behind = self.now.refers or (
            told_here
            and (self.now.courses.near() or opened)
            and (outline.drug_in_stretch_before(place) is not None or opened)
        )
        if ahead and opened and outline.drug_in_stretch_after(place) is None:
            ahead = False
        if opens and self._opens_a_list(place) and self.now.drug_ahead(place):
            return "ahead"
        if ahead and not self.now.drug_ahead(place):
            ahead = False
        if ahead != behind:
            return "ahead" if ahead else "behind"
        if not ahead:
            if not told_here:
                return "ahead" if self.now.drug_ahead(place) else None
            if not self.now.drug_ahead(place):
                return "behind"
        return "ahead" if self._marks_come_first(place) else "behind"

    def _opens_a_list(self, place: int) -> bool:
        """Whether a mark stands right before its drug, behind a bracket or a comma: '(line 1 THP, line 2 T-DM1)'."""
        following, before = self.now.pieces[place + 1], self.now.pieces[place - 1] if place else None
        right_before = self.now.outline.is_drug[place + 1] or following.key in (":", ")")
        return right_before and (before is None or before.key in ("(", ",", ";", ":"))

    def _marks_come_first(self, place: int) -> bool:
        """Whether a mark stands before the first drug of the sentence."""
        outline = self.now.outline
        for at in range(outline.sentence_start[place], place + 1):
            if outline.is_drug[at]:
                return False
            if self.now.pieces[at].kind == "line" or "early" in outline.cues[at]:
                return True
        return True

    def before_a_relapse(self, place: int) -> None:
        """What was told before a relapse is early-stage treatment, where surgery or its first drugs show it."""
        told = self.now.courses.all
        first, self.returned = not self.returned, True
        if not told or not first or self.de_novo or self.now.metastatic:
            return
        if not (self.operated or told[0].early or BEFORE_A_TAXANE & set(told[0].agents)):
            return
        current = self.now.courses.current
        if place == 0 or "at_time" not in self.now.pieces[place - 1].roles or not self.now.is_told_here(current):
            current = None  # otherwise it was given for the relapse: 'THP at relapse'
        rest = [course for course in told if not course.early and course is not current]
        marked = any(course.number is not None or course.outcome or course.ongoing for course in rest)
        if not marked and all(set(course.agents) <= AROUND_SURGERY and not course.unclear for course in rest):
            for course in rest:
                course.early = True

    def early_stage(self, place: int) -> None:
        piece = self.now.pieces[place]
        piece.used = True
        belongs = self._belongs(place)
        course = self.now.courses.current
        self.now.stays_early = True
        if belongs == "behind" and course is not None and (course.number is None or course.counted):
            for each in self._told_with(course, place):
                each.early, each.number = True, None
            return
        self.now.early = True
        self.now.until_relapse = self._is_until_relapse(place)
        self.now.courses.separate("then")

    def _is_until_relapse(self, place: int) -> bool:
        """Whether the disease came back under adjuvant treatment: what follows its drugs is of the relapse."""
        outline = self.now.outline
        before = outline.before_in_stretch(place)
        during = any("during" in self.now.pieces[at].roles for at in before) or outline.has(before, "relapsed_on")
        return during and outline.has(before, "came_back")

    def _told_with(self, course: Course, place: int) -> list[Course]:
        """The courses of one list: 'FEC, then Herceptin, all adjuvant'."""
        courses = self.now.courses
        whole = courses.insert is None or self._is_of_all(place)
        told = courses.all if whole else courses.all[: courses.insert]
        return [each for each in told if each is course or self._is_unmarked(each, course.sentence)]

    def _is_of_all(self, place: int) -> bool:
        """Whether 'both', 'all' stands before a mark."""
        return any("every" in self.now.pieces[at].roles for at in self.now.outline.before_in_stretch(place, 3))

    def _is_unmarked(self, course: Course, sentence: int) -> bool:
        """Whether nothing says yet that a course of this sentence is for metastatic disease."""
        told = course.number is not None or course.outcome is not None or course.ongoing
        return course.sentence == sentence and not told and not self.now.metastatic
