"""Which line a received drug belongs to: one it joins, one it only names again or goes on from, or a new one."""

from __future__ import annotations

from messages.understanding.courses import Course
from messages.understanding.drugs import (
    ANTI_HER2,
    ANTIBODIES,
    BEFORE_A_TAXANE,
    ENDOCRINE,
    EXTENDED_ADJUVANT,
    Readings,
    agents_of,
)
from messages.understanding.telling import Telling

_NOT_NOW = ("started", "progression", "previously", "then", "stopped", "negation", "a_toxicity", "toxicity")
"""Cues before 'on' that show that it tells of the past: 'rash on T-DM1'."""
_LONGEST_LIST = 8
"""Drugs that are looked at for the 'and' that ends their list."""


class Grouping:
    """Puts received drugs into lines."""

    def __init__(self, now: Telling) -> None:
        self.now = now
        self.renamed: Course | None = None
        """The line that the last drug only named again."""

    def receive(self, place: int, agents: tuple[str, ...] | None, readings: Readings | None) -> None:
        piece, courses = self.now.pieces[place], self.now.courses
        courses.referred = None
        new = agents or ()
        self.now.outcomes.partial = False
        last = self.now.outline.last_drug[place]
        if last is not None and not self.now.outline.joins(last, place):
            self.now.outcomes.next_list()
        if self.now.early and self.now.is_for_metastases(place):
            self.now.early = self.now.stays_early = False
            courses.separate("then")
        ended = courses.current is not None and courses.current.early and courses.between in ("comma", "then")
        if self.now.until_relapse and ended and self.now.is_told_here(courses.current):
            self.now.early = self.now.stays_early = self.now.until_relapse = False
            courses.separate("then")
        if (courses.near() and self._is_added(place)) or self._is_given_with_it(place):
            courses.between = "joined"
        if self._only_describes(place, new):
            if not piece.is_("regimen"):
                courses.add(piece, agents, readings)
            self.now.outcomes.partial = self._is_part(courses.current, new)
            courses.between = "none"
            return
        again: Course | None = None
        if self._goes_on_as_maintenance(place, new):
            assert courses.current is not None
            if courses.current.outcome in ("completed", "toxicity"):  # what goes on did not end
                courses.current.outcome = None
            courses.add(piece, agents, readings)
        elif self._was_dropped(place, new):
            courses.add(piece, agents, readings)
            self.now.outcomes.partial = True
        elif (again := self._named_again(place, new)) is not None:
            if self._comes_later(again, place):
                courses.all.remove(again)
                courses.all.append(again)
            courses.current = again
            courses.add(piece, agents, readings)
            self.now.outcomes.partial = self._is_part(again, new)
        else:
            if not self._joins(place, new or (readings or ((),))[0]):
                self._begin(place, new)
            courses.add(piece, agents, readings)
        self.renamed = again
        courses.merge_step_down()
        assert courses.current is not None
        self.now.outcomes.receive(courses.current, present=self._is_on(place))
        courses.between = "none"
        self.now.relapsed = False

    @staticmethod
    def _is_part(course: Course | None, new: tuple[str, ...]) -> bool:
        """Whether drugs are the chemotherapy of a line that goes on without it."""
        return course is not None and bool(set(course.agents) - set(new)) and not set(new) & ANTI_HER2

    def _is_added(self, place: int) -> bool:
        """Whether a drug is expressly given with the one before: 'first line T-DXd, with pertuzumab'."""
        before = place - 1
        if before < 0 or self.now.outline.stretch[before] != self.now.outline.stretch[place]:
            return False
        return self.now.pieces[before].key == "+" or (
            "joined" in self.now.outline.cues[before] and self.now.pieces[before].key != "and"
        )

    def _is_given_with_it(self, place: int) -> bool:
        """Whether a drug belongs to the line told before: 'she had docetaxel with it'."""
        outline = self.now.outline
        if self.now.courses.current is None or place + 2 >= len(self.now.pieces):
            return False
        pointed = self.now.pieces[place + 2]
        return "joined" in outline.cues[place + 1] and "pronoun" in pointed.roles

    def _joins(self, place: int, new: tuple[str, ...]) -> bool:
        course = self.now.courses.current
        if self._is_given_with_it(place):
            return self.now.courses.joins(new, self._group(place), regimen=False)
        if course is None or (self.now.numbers and not self._numbers_are_told(course)):
            return False
        shared = self.now.outcomes.pending is not None and self.now.outcomes.given
        if (course.outcome is not None and not shared) or (self.now.early and not course.early):
            return False
        if (
            self.now.leading is course
            and self.now.courses.between not in ("none", "joined")
            and not self.is_in_a_list(place)
        ):
            return False
        return self.now.courses.joins(new, self._group(place), regimen=self.now.pieces[place].is_("regimen"))

    def _numbers_are_told(self, course: Course) -> bool:
        """Whether the numbers that wait are of lines still to come: '2nd and 3rd line: A + B and C'."""
        return (
            course.number is not None and course.sentence == self.now.sentence and self.now.courses.between == "joined"
        )

    def is_in_a_list(self, place: int) -> bool:
        """Whether a drug belongs to a list with the one before it that ends in 'and': 'after A, B and C'."""
        outline = self.now.outline
        at = outline.last_drug[place]
        if at is None or not outline.joins(at, place):
            return False
        for _ in range(_LONGEST_LIST):
            following = outline.drug_in_sentence_after(at)
            if following is None or not outline.joins(at, following):
                return False
            if any(self.now.pieces[each].key == "and" for each in range(at, following)):
                return True
            at = following
        return False

    def _group(self, place: int) -> set[str]:
        """The drugs that are joined to a drug in its stretch, with its own."""
        found: set[str] = set()
        at: int | None = place
        for _ in range(_LONGEST_LIST):
            if at is None:
                break
            found.update(agents_of(self.now.pieces[at]) or ())
            following = self.now.outline.drug_in_stretch_after(at)
            at = following if following is not None and self.now.outline.joins(at, following) else None
        return found

    def _begin(self, place: int, new: tuple[str, ...]) -> None:
        piece = self.now.pieces[place]
        course = Course(sentence=piece.sentence, clause=piece.clause, regimen=piece.is_("regimen"))
        if self.now.numbers:
            course.number = self.now.numbers.pop(0)
            course.counted = self.now.counting
            self.now.early = False
        course.maintenance = self.now.maintenance or self._maintenance_ahead(place)
        course.early = self.now.early or (self.now.stays_early and self._continues_early(new))
        course.early = course.early or self._only_ended_before(place, new)
        if self.now.courses.insert is not None and self.now.courses.insert < len(self.now.courses.all):
            course.early = course.early or self.now.courses.all[self.now.courses.insert].early
        course.follows, self.now.leading = self.now.leading, None
        if self.now.leads:
            self.now.leading, self.now.leads = course, False
        self.now.courses.begin(course)
        if not course.early:
            self.now.stays_early = False
        self.now.operated = self.now.maintenance = False

    def _continues_early(self, new: tuple[str, ...]) -> bool:
        """After early-stage drugs and surgery, or in the middle of such a course, what follows is early-stage too."""
        course = self.now.courses.current
        if course is None or not course.early or self.now.metastatic:
            return False
        endocrine = bool(new) and set(new) <= ENDOCRINE | EXTENDED_ADJUVANT
        return self.now.operated or endocrine or (bool(course.agents) and set(course.agents) <= BEFORE_A_TAXANE)

    def _only_ended_before(self, place: int, new: tuple[str, ...]) -> bool:
        """Whether only the last dose of adjuvant treatment is dated: 'last trastuzumab 4 months ago'."""
        courses, pieces = self.now.courses.all, self.now.pieces
        if not courses or not all(course.early for course in courses) or not set(new) & ANTI_HER2:
            return False
        if not 0 < place < len(pieces) - 2 or pieces[place - 1].key not in ("last", "final"):
            return False
        return pieces[place + 1].kind == "duration" and "earlier" in pieces[place + 2].roles

    def _is_on(self, place: int) -> bool:
        """Whether 'on' stands before a drug, in the present: 'on T-DM1', 'on second-line maintenance HP'."""
        outline = self.now.outline
        if (
            place > 1
            and self.now.pieces[place - 1].key in ("(", ",", ":")
            and self.now.pieces[place - 2].kind == "line"
        ):
            place -= 1  # on her second line (T-DXd)
        for at in outline.before_in_stretch(place, 5):
            piece, cues = self.now.pieces[at], outline.cues[at]
            if "on" in piece.roles:
                before = range(max(outline.stretch_start[at], at - 2), at)
                past = outline.has(before, *_NOT_NOW)
                return not past and not any("past" in self.now.pieces[each].roles for each in before)
            passed = piece.kind in ("silent", "cycles", "line", "ordinal") or (
                piece.kind == "sign" and piece.key == "-"
            )
            if not passed and not cues & {"maintenance", "cycles"}:
                return False
        return False

    def _only_describes(self, place: int, new: tuple[str, ...]) -> bool:
        """Whether a drug only says again what was just named: 'Kadcyla (T-DM1)', 'AI = letrozole'."""
        before = self.now.pieces[place - 1] if place else None
        inside = place < self.now.described_until
        if before is None or not (self.now.courses.near() or inside) or self.now.numbers:
            return False
        bracket = before.kind == "sign" and before.key in ("(", "=", ":")
        slash = before.kind == "sign" and before.key == "/" and set(new) == set(self._last_named(place))
        if not ((bracket or slash or place < self.now.described_until) and self.now.courses.describes(new)):
            return False
        if before.key == "(":
            self.now.described_until = self._end_of_bracket(place)
        return True

    def _end_of_bracket(self, place: int) -> int:
        """Where the bracket that a drug opens is closed."""
        end = self.now.outline.sentence_end[place]
        closing = (at for at in range(place + 1, min(end, place + 16)) if self.now.pieces[at].key == ")")
        return next(closing, place)

    def _last_named(self, place: int) -> tuple[str, ...]:
        last = self.now.outline.last_drug[place]
        return (agents_of(self.now.pieces[last]) or ()) if last is not None else ()

    def _goes_on_as_maintenance(self, place: int, new: tuple[str, ...]) -> bool:
        """Whether the line being told goes on with these drugs: THP, then HP; 'HP with letrozole as maintenance'."""
        course = self.now.courses.current
        if (
            course is None
            or self.now.numbers
            or (self.now.early and not course.early)
            or (course.early and self.now.relapsed)
        ):
            return False
        if (self.now.maintenance or self._maintenance_ahead(place)) and self.now.courses.maintains(new):
            return True
        resumed = self.now.courses.between == "sentence" and (self.now.outcomes.pending_ongoing or self._is_on(place))
        listed = self.now.courses.between == "comma" and "pertuzumab" in new and not course.early
        if (
            not (self.now.courses.between == "then" or listed or resumed)
            or self.now.courses.insert is not None
            or self.now.outcomes.pending is not None
        ):
            return False
        following = self.now.outline.drug_in_stretch_after(place)
        joined = following is not None and self.now.outline.joins(place, following)
        more = set(agents_of(self.now.pieces[following]) or ()) if joined and following is not None else set()
        return self.now.courses.steps_down(new) and more <= ANTIBODIES | ENDOCRINE

    def _maintenance_ahead(self, place: int) -> bool:
        """Whether the drugs named here are called maintenance: 'HP maintenance', 'HP with letrozole as maintenance'."""
        outline = self.now.outline
        if not outline.tells_maintenance:
            return False
        for at in range(place + 1, min(outline.sentence_end[place], place + 10)):
            cues = outline.cues[at]
            if self.now.pieces[at].key in ("->", ",", ")") or cues & {"then", "progression"}:
                return False
            if "maintenance" in cues:
                return True
        return False

    def _named_again(self, place: int, new: tuple[str, ...]) -> Course | None:
        """The line that a drug only names again: how it ended, since when it is given, which part was stopped."""
        courses, current = self.now.courses, self.now.courses.current
        if current is None or not new or self.now.numbers or self._rest_tells(place, "again"):
            return None
        if self._counts_from(place) and (known := courses.known(new)) is not None:
            return known
        if courses.between in ("none", "joined"):
            again = current.merged or self.renamed is current or self._rest_tells_of_it(place)
            return current if courses.describes(new) and again else None
        known = courses.same(new)
        present = self.now.outcomes.pending_ongoing or self.now.maintenance or self._is_on(place)
        apart = present or (known is not None and (known is not current or known.sentence != self.now.sentence))
        if (
            known is not None
            and known.early == (self.now.early or known.early)
            and (apart or self._rest_tells_of_it(place))
        ):
            waiting = self.now.outcomes.pending
            if waiting is None or known.outcome in (None, "ongoing", waiting):
                joined = self.now.outline.drug_in_stretch_after(place)
                return None if joined is not None and self._adds_to(place, joined, known) else known
        part = courses.known(new) or (current if courses.describes(new) else None)
        if part is not None and part.early != (self.now.early or part.early):
            return None
        if part is current and (self._rest_tells_of_it(place) or self._is_left_out(place)):
            return part
        return None

    def _is_left_out(self, place: int) -> bool:
        """Whether a drug is named only as what was stopped of its line: 'THP, stopped docetaxel after six'."""
        outline = self.now.outline
        before = place - 1
        leads = before > 0 and bool(self.now.pieces[before].roles & {"linking", "because"})
        if leads and "a_toxicity" in outline.cues[before - 1]:
            return True  # anaphylaxis to docetaxel
        return before >= 0 and bool(outline.cues[before] & {"stopped", "went_on"})

    def _was_dropped(self, place: int, new: tuple[str, ...]) -> bool:
        """Whether chemotherapy is only said to have ended before its antibodies: 'PD on HP. Taxane dropped after 6.'"""
        course, outline = self.now.courses.current, self.now.outline
        if course is None or not course.agents or not set(course.agents) <= ANTIBODIES or set(new) & ANTI_HER2:
            return False
        rest = range(place + 1, outline.drug_in_stretch_after(place) or outline.stretch_end[place])
        alone = outline.drug_in_stretch_before(place) is None and len(rest) == outline.stretch_end[place] - place - 1
        return bool(new) and alone and outline.has(rest, "went_on", "stopped") and not outline.has(rest, "toxicity")

    def _comes_later(self, known: Course, place: int) -> bool:
        """Whether a line named before has its place behind others: 'rash on T-DM1. She had THP, then T-DM1'."""
        courses, outline = self.now.courses, self.now.outline
        last, current = outline.last_drug[place], courses.current
        if last is None or current is None or current is known or known.sentence == current.sentence:
            return False
        if current.sentence != self.now.sentence or courses.insert is not None:
            return False
        between = range(last + 1, place)
        listed = outline.joins(last, place) and any(self.now.pieces[at].key == "," for at in between)
        return listed or any("then" in outline.cues[at] or self.now.pieces[at].key == "->" for at in between)

    def _counts_from(self, place: int) -> bool:
        """Whether a drug is only named as what an interval counts from: 'six years since last trastuzumab'."""
        before = self.now.outline.before_in_stretch(place, 3)
        since = any("since" in self.now.pieces[at].roles for at in before)
        return since and self.now.outline.has(range(before[-1], place), "completed_adjuvant", "ended", "interval")

    def _adds_to(self, place: int, joined: int, known: Course) -> bool:
        """Whether a new drug is joined to one named before: trastuzumab again, with another partner."""
        more = set(agents_of(self.now.pieces[joined]) or ())
        return self.now.outline.joins(place, joined) and not more <= set(known.agents)

    def _rest_tells(self, place: int, *names: str) -> bool:
        outline = self.now.outline
        end = outline.drug_in_stretch_after(place) or outline.stretch_end[place]
        return outline.has(range(place + 1, end), *names)

    def _rest_tells_of_it(self, place: int) -> bool:
        return self._rest_tells(
            place, "stopped", "ongoing", "maintenance", "completed", "toxicity", "progression", "went_on"
        )
