"""Marks that belong to the drugs before or behind them: numbers of lines, and words for early-stage treatment."""

from __future__ import annotations

from typing import Literal

from messages.understanding.courses import Course, Told
from messages.understanding.drugs import AROUND_SURGERY, BEFORE_A_TAXANE, agents_of
from messages.understanding.measures import last_of_range
from messages.understanding.named import Cue
from messages.understanding.scan import ITEM
from messages.understanding.telling import Telling

_SEVERAL = 3
"""The least number of a line that has several before it."""
_NEAR_MARK = 4
"""Pieces between the number of a line and what tells how that went, at most."""
_HOW_IT_WENT = frozenset((
    "progression", "at_progression", "toxicity", "a_toxicity", "stopped", "completed", "ongoing", "current",
    "responding", "outcome_unknown", "unknown", "has_had", "previously", "no_progression",
))  # fmt: skip
"""Cues of what is told of a line that was given."""
_IN_THE_PAST = (
    "given", "received", "had", "was", "were", "started", "began", "begun", "commenced", "since", "abroad",
    "elsewhere", "overseas",
)  # fmt: skip
"""Words behind the number of a line that tell that it was given."""
_REFUSING: tuple[Cue, ...] = ("negation", "planned")
"""Cues before the number of a line that was not given yet."""
_WAS = ("was", "were", "had", "has", "been", "is")
"""What may stand between the number of a line and its drugs."""
_MOST_TOGETHER = 5
"""Numbers of lines that are told together, at most."""


class Marks:
    """Gives marks to the drugs they belong to."""

    def __init__(self, now: Telling, told: Told) -> None:
        self.now, self.told = now, told
        self.pieces, self.outline = now.pieces, now.outline
        self.courses, self.outcomes = now.courses, now.outcomes
        self.operated = False
        """Whether surgery was told."""
        self.returned = False
        """Whether a relapse was told."""

    def _is_of_the_practice(self, place: int) -> bool:
        """Whether a line is told of what is done in general, and not of the patient: 'T-DXd is standard 2L here'."""
        before = place - 1 - (place > 1 and self.pieces[place - 1].key == "in")
        return (
            before >= 0
            and self.pieces[before].key in ("is", "our", "standard")
            and "in_general" in self.outline.cues[before]
        )

    def _is_what_it_comes_after(self, place: int) -> bool:
        """Whether a numbered line, its drugs behind it, is what the question comes after: 'what after second-line
        T-DM1?'"""
        drug = place + 1
        return (
            place > 0
            and "after" in self.outline.cues[place - 1]
            and drug < len(self.pieces)
            and self.outline.is_drug[drug]
            and self.now.mentions[drug].standing == "received"
        )

    def _ends_a_range(self, place: int) -> bool:
        """Whether a line's number ends a range that another one begins, whose numbers wait then: '1L-3L: A, B, C', '1L
        to 3L: A, B, C'."""
        pieces, begins = self.pieces, place - 2
        if begins < 0 or pieces[begins].kind != "line" or pieces[place - 1].key not in ("-", "to"):
            return False
        waits = bool(self.now.numbers) and self.now.numbers[-1] == int(pieces[begins].value)
        if not waits or pieces[begins].value >= pieces[place].value:
            return False
        self.now.numbers += range(int(pieces[begins].value) + 1, int(pieces[place].value) + 1)
        pieces[place].used = True
        return True

    def numbered(self, place: int) -> None:  # noqa: PLR0915  (one case after another)
        piece = self.pieces[place]
        if self._is_of_the_practice(place):
            return
        number = int(piece.value)
        self.told.numbered = self.told.numbered or not piece.key.startswith(ITEM)
        if self._ends_a_range(place):
            return
        if self._is_an_item_of_a_plan(place) or self._is_refused(place):
            piece.used = True
            self.courses.separate("then")
            return
        belongs = self._belongs(self._last_of_numbers(place))
        if belongs != "ahead" and self.is_of_a_drug_only_named(place):
            piece.used = True
            self.courses.separate("then")
            return
        course = self.courses.current
        if self._heads_what_came_before(place):
            belongs = "behind"
        came_back = course is not None and course.early and self.now.relapsed  # adjuvant T-DM1; lung mets; 1st line?
        came_back = came_back or self._is_of_what_follows_it(place)
        told = belongs == "behind" and not came_back
        of_the_question = not came_back and self._is_of_the_drug_asked_about(place)
        if (told or of_the_question) and course is not None and not piece.asked and course.number is None:
            if of_the_question:
                self.courses.put_before(course)
            course.number = number
            course.early = False
            course.closed = True
            course.counted = piece.key == ITEM
            piece.used = True
            self.courses.separate("other")
            return
        piece.used = True
        following = self.outline.next_meaning(place)
        if following is not None and "relapse" in self.outline.cues[following]:  # third line for MBC after T-DXd
            following = self.outline.next_meaning(following)
        sought = following is not None and bool(self.outline.cues[following] & {"after", "choices"})
        sought = sought or self._is_requested(place) or self._counts_what_follows(place) or self._is_of_a_plan(place)
        sought = sought or self.outline.heads_earlier_lines(place + 1)
        had = self._is_what_it_comes_after(place)
        if self._says_after_what(place):
            self.now.refers = sought = True
        if sought and self._is_of_what_was_told(place) and course is not None:
            course.number = number
            piece.used = True
            self.now.refers = True
            return
        if belongs != "ahead" and not piece.asked and self._refers_to(number):
            return
        if belongs != "ahead" or (piece.asked and not had) or sought:
            if not self._was_given(place):
                self.told.seeking = number
            self.courses.separate("then" if sought else "none")
            return
        self.now.numbers += range(number, last_of_range(piece) + 1)
        self.now.counting = piece.key == ITEM
        self.now.early = False
        self.now.metastatic = True
        self.courses.separate("then")

    def is_of_a_drug_only_named(self, place: int) -> bool:
        """Whether a number is of the drug right before it, which is only named: 'ESMO: T-DXd second line'."""
        drug = place - 1
        drug -= drug > 0 and self.pieces[drug].kind == "silent"
        mention = self.now.mentions.get(drug)
        return mention is not None and mention.standing == "mentioned" and mention.access is None

    def _was_given(self, place: int) -> bool:
        """Whether a line that is named by its number alone is told, and not sought: 'PD after first line', 'first line
        unknown', 'first line abroad'."""
        outline, pieces = self.outline, self.pieces
        for at in outline.before_in_stretch(place, _NEAR_MARK):
            if pieces[at].kind == "silent" or pieces[at].key in ("of", "beyond"):
                continue
            if "after" in outline.cues[at]:  # after first line, what after first line
                return True
            if outline.has(range(outline.stretch_start[at], at + 1), *_REFUSING):
                return False
            return not outline.cues[at].isdisjoint(_HOW_IT_WENT) and not self.outline.cues[at] & {"planned"}
        led = place > 0 and "on" in pieces[place - 1].roles
        if led and (
            outline.stretch_start[place] == place - 1 or pieces[place - 2].key in ("is", "she", "pt", "patient")
        ):
            return True
        for at in range(place + 1, min(outline.sentence_end[place], place + 1 + _NEAR_MARK)):
            piece = pieces[at]
            if piece.key in ("for", "after", "to", "in", "as") or piece.asked:
                return False
            if piece.key in _IN_THE_PAST or not outline.cues[at].isdisjoint(_HOW_IT_WENT):
                return True
            if piece.kind not in ("silent", "line") and piece.key not in (":", "-", "(") and "chemo" not in piece.roles:
                return False
        return False

    def _is_an_item_of_a_plan(self, place: int) -> bool:
        """Whether a number only counts what is planned: 'Plan: 1) T-DXd 2) echo', 'plan: first T-DXd, then TCT'."""
        drug = place + 1
        counts = self.pieces[place].key.startswith(ITEM) and not self.pieces[place].asked
        if not counts or drug >= len(self.pieces) or not self.outline.is_drug[drug]:
            return False
        return self.now.mentions[drug].standing == "planned" and not self.pieces[drug].asked

    def _is_refused(self, place: int) -> bool:
        """Whether a line as such was refused: 'declined second line, on HP', 'she refused third-line treatment'."""
        outline = self.outline
        before = next((at for at in outline.before_in_stretch(place, 3) if self.pieces[at].kind != "silent"), None)
        refused = before is not None and "declined" in outline.cues[before]
        return refused and outline.drug_in_stretch_after(place) is None

    def _heads_what_came_before(self, place: int) -> bool:
        """Whether a sentence says which line the one told before is, and what came before: 'TCT. Third line, THP and
        T-DXd before.'"""
        outline, pieces = self.outline, self.pieces
        end = outline.sentence_end[place]
        end -= pieces[end - 1].kind == "sign"
        opens = outline.sentence_start[place] == place and place + 1 < end and pieces[place + 1].key == ","
        return opens and outline.last_drug[end - 1] == end - 2 > place and bool(pieces[end - 1].roles & {"earlier"})

    def _is_of_the_drug_asked_about(self, place: int) -> bool:
        """Whether a mark that opens a sentence is of the drug of the question before it, and those that follow came
        before: 'How to treat nausea on T-DXd? Second line, PD on THP in 2022.'"""
        outline, course = self.outline, self.courses.current
        if course is None or not place or self.pieces[place - 1].key != "?" or course.sentence + 1 != self.now.sentence:
            return False
        comma = place + 1
        opens = comma < outline.sentence_end[place] and self.pieces[comma].key == ","
        return opens and not (comma + 1 < len(self.pieces) and outline.is_drug[comma + 1])

    def _is_of_a_plan(self, place: int) -> bool:
        """Whether the drug before it is planned: 'Tukysa proposed as 3L, THP and T-DXd were before'."""
        drug = self.outline.drug_in_stretch_before(place)
        mention = self.now.mentions.get(drug) if drug is not None else None
        return mention is not None and mention.standing == "planned"

    def _is_of_what_follows_it(self, place: int) -> bool:
        """Whether a number, behind the comma of what the line sought comes after, is of that: 'After THP, second
        line.'"""
        course, last = self.courses.current, self.outline.last_drug[place]
        parted = last is not None and self.outline.stretch[last] != self.outline.stretch[place]
        return parted and course is not None and self.now.leading is course

    def _counts_what_follows(self, place: int) -> bool:
        """Whether a number alone between commas is of the line sought, behind those told next: ', 3rd line, THP 2020
        and T-DXd 2022'."""
        outline, pieces = self.outline, self.pieces
        number, end = int(pieces[place].value), outline.sentence_end[place]
        opens = outline.stretch_start[place] == place or pieces[place - 1].key == ":"
        alone = opens and place + 1 < end and pieces[place + 1].key == ","
        if not alone or outline.last_drug[place] is not None:
            return False
        if self._comes_after_what_is_told(place):
            return True
        if number < _SEVERAL:
            return False
        told, at = 0, place
        while told < number and (following := outline.drug_in_sentence_after(at)) is not None:
            joined = following == at + 2 and pieces[at + 1].key in ("/", "+")
            told, at = told + (not joined), following
        return told == number - 1

    def _comes_after_what_is_told(self, place: int) -> bool:
        """Whether the drugs behind a number alone are those before it: '2nd line, HER2+, prior THP'."""
        outline, drug = self.outline, self.outline.drug_in_sentence_after(place)
        if drug is None or outline.has(range(place, drug), "then") or self.pieces[place].value == 1:
            return False
        led = outline.before_in_stretch(drug, 4)
        named = any(self.pieces[at].kind == "line" or "on" in self.pieces[at].roles for at in led)
        return outline.has(led, "previous", "previously") and not named

    def _is_requested(self, place: int) -> bool:
        """'Second line please: ...', 'question about third line: ...'."""
        outline = self.outline
        headed = place + 1 < len(self.pieces) and self.pieces[place + 1].key in (":", "-")
        return outline.plays(outline.rest_of_stretch(place, 2), "request") or (
            headed and outline.plays(outline.before_in_stretch(place, 3), "request")
        )

    def _says_after_what(self, place: int) -> bool:
        """Whether a sentence only says which line the one before it is of: 'How to treat rash on TCT? 3L, after A.'"""
        outline, course = self.outline, self.courses.current
        following = (
            outline.next_meaning(place + (self.pieces[place + 1].key == ",")) if place + 1 < len(self.pieces) else None
        )
        if following is None or course is None or course.sentence + 1 != self.now.sentence:
            return False
        if outline.sentence_start[place] != place or "after" not in outline.cues[following]:
            return False
        rest = range(following + 1, outline.sentence_end[place])
        return all(outline.is_drug[at] or outline.is_joining(at) or self.pieces[at].key == "." for at in rest)

    def _is_of_what_was_told(self, place: int) -> bool:
        """Whether 'second line after THP' says which line the one being told is: 'Enhertu, 2nd line after THP'."""
        course = self.courses.current
        if course is None or course.number is not None or not self.now.is_told_here(course):
            return False
        if self.pieces[place].asked and not (course.pieces and course.pieces[-1].asked):
            return False  # told in a question: 'does a patient on T-DXd, second line after THP, need a vaccine?'
        following = self.outline.next_drug[place]
        agents = agents_of(self.pieces[following]) if following is not None else None
        new = agents is not None and self.courses.known(agents) is None
        beside = self.pieces[place - 1].key == "," and self.outline.last_drug[place] == place - 2  # PD on TCT, 3rd line
        start = self.outline.stretch_start[place]
        relative = self.pieces[start].key in ("which", "that") and self.outline.last_drug[place] == start - 2
        beside = beside or (relative and self.pieces[start - 1].key == ",")  # PD on TCT, which was 3rd line after
        return new and (course.outcome in (None, "ongoing") or self.now.refers or beside)

    def _refers_to(self, number: int) -> bool:
        """Whether a line told before is named by its number: 'line 2 stopped for ILD'. What is said next is of it."""
        lines = self.courses.order()
        if number > len(lines) or not lines[number - 1].agents:
            return False
        self.courses.referred = lines[number - 1]
        return True

    def _last_of_numbers(self, place: int) -> int:
        """The last of joined numbers: 'as 2nd and 3rd line'."""
        outline = self.outline
        for _ in range(_MOST_TOGETHER):
            following = outline.next_meaning(place, 3)
            if following is not None and "joined" in outline.cues[following]:
                following = outline.next_meaning(following, 2)
            if following is None or self.pieces[following].kind != "line" or not outline.joins(place, following):
                break
            if any(self.pieces[at].key == "(" for at in range(place, following)):
                break
            place = following
        return place

    def _belongs(self, place: int) -> Literal["behind", "ahead"] | None:
        """Whether a mark is of the drugs before it ('behind' them) or 'ahead' of those that follow.

        What stands in the same stretch decides; where both do, or neither, the order in which the sentence began.
        """
        outline, course = self.outline, self.courses.current
        told_here = self.now.is_told_here(course)
        start = outline.stretch_start[place]
        opened = start > 0 and self.pieces[start - 1].key == "("
        following = outline.next_meaning(place)
        opens = following is not None and following < outline.sentence_end[place] and outline.is_drug[following]
        ahead = outline.drug_in_stretch_after(place) is not None or opens
        behind = self.now.refers or (
            told_here
            and (self.courses.near() or opened)
            and (outline.drug_in_stretch_before(place) is not None or opened)
        )
        if ahead and opened and outline.drug_in_stretch_after(place) is None:
            ahead = False
        opens = opens or self._names_its_drug(place)
        if opens and self._opens_a_list(place) and self.now.drug_ahead(place):
            return "ahead"
        if ahead and not self.now.drug_ahead(place):
            ahead = False
        if ahead != behind:
            return "ahead" if ahead else "behind"
        if not ahead:
            if not told_here and outline.drug_in_stretch_before(place) is not None:
                return None  # T-DM1 would have been 2nd line, but TCT was given
            if not told_here:
                return "ahead" if self.now.drug_ahead(place) else None
            if not self.now.drug_ahead(place):
                return "behind"
        return "ahead" if self._marks_come_first(place) else "behind"

    def _names_its_drug(self, place: int) -> bool:
        """Whether a drug stands right behind a mark, or behind its verb: '(1L had been THP)'."""
        verb = place + 1
        while verb + 1 < self.outline.sentence_end[place] and self.pieces[verb].key in _WAS:
            verb += 1
        return verb < len(self.pieces) and self.outline.is_drug[verb]

    def _opens_a_list(self, place: int) -> bool:
        """Whether a mark stands right before its drug, behind a bracket or a comma: '(line 1 THP, line 2 T-DM1)'."""
        following, before = self.pieces[place + 1], self.pieces[place - 1] if place else None
        right_before = self._names_its_drug(place) or following.key in (":", ")")
        return right_before and (before is None or before.key in ("(", ",", ";", ":"))

    def _marks_come_first(self, place: int) -> bool:
        """Whether a mark stands before the first drug of the sentence."""
        outline = self.outline
        for at in range(outline.sentence_start[place], place + 1):
            if outline.is_drug[at]:
                return False
            if self.pieces[at].kind == "line" or "early" in outline.cues[at]:
                return True
        return True

    def before_a_relapse(self, place: int) -> None:
        """What was told before a relapse is early-stage treatment, where surgery or its first drugs show it."""
        told = self.courses.all
        first, self.returned = not self.returned, True
        if not told or not first or "de_novo" in self.outline.said or self.now.metastatic:
            return
        if not (self.operated or told[0].early or BEFORE_A_TAXANE & set(told[0].agents)):
            return
        current = self.courses.current
        if not (place and self._is_at_it(place - 1) and self.now.is_told_here(current)):
            current = None  # otherwise it was given for the relapse: 'THP at relapse'
        rest = [course for course in told if not course.early and course is not current]
        marked = any(
            course.number is not None or course.outcome not in (None, "completed") or course.ongoing for course in rest
        )
        if not marked and all(set(course.agents) <= AROUND_SURGERY and not course.unclear for course in rest):
            for course in rest:
                course.early = True

    def _is_at_it(self, place: int) -> bool:
        """Whether a piece leads to when a drug was begun: 'THP at relapse', 'THP at first relapse'."""
        return "at_time" in self.pieces[place].roles or self.pieces[place].key == "at"

    def early_stage(self, place: int) -> None:
        piece = self.pieces[place]
        piece.used = True
        belongs = self._belongs(place)
        course = self.courses.current
        self.now.stays_early = True
        if belongs == "behind" and course is not None and (course.number is None or course.counted):
            for each in self._told_with(course, place):
                each.early, each.number = True, None
            return
        self.now.early = True
        self.now.until_relapse = place if self._is_until_relapse(place) else None
        self.courses.separate("then")

    def _is_until_relapse(self, place: int) -> bool:
        """Whether the disease came back under adjuvant treatment: what follows its drugs is of the relapse."""
        outline = self.outline
        before = outline.before_in_stretch(place)
        if outline.has(before, "after") and any(self.pieces[at].is_("noun", "organ_mets") for at in before):
            return True  # liver mets 8 months after the end of adjuvant HP
        during = self.outline.plays(before, "during") or outline.has(before, "relapsed_on")
        return during and outline.has(before, "came_back")

    def _told_with(self, course: Course, place: int) -> list[Course]:
        """The courses of one list: 'FEC, then Herceptin, all adjuvant'."""
        courses = self.courses
        before = self.outline.drug_in_stretch_before(place)
        if courses.insert is not None and before is not None and self._is_apart(course):
            return [course]  # TCT after T-DXd, tamoxifen adjuvant
        whole = courses.insert is None or self._is_of_all(place)
        told = courses.all if whole else courses.all[: courses.insert]
        return [each for each in told if each is course or self._is_unmarked(each, course.sentence)]

    def _is_apart(self, course: Course) -> bool:
        """Whether a comma stands right before the first drug of a course."""
        first = self.outline.first_of_list(self.outline.last_drug[len(self.pieces) - 1] or 0)
        return first > 0 and self.pieces[first] in course.pieces and self.pieces[first - 1].key == ","

    def _is_of_all(self, place: int) -> bool:
        """Whether 'both', 'all' stands before a mark."""
        return self.outline.plays(self.outline.before_in_stretch(place, 3), "every")

    def _is_unmarked(self, course: Course, sentence: int) -> bool:
        """Whether nothing says yet that a course of this sentence is for metastatic disease."""
        told = course.number is not None or course.outcome is not None or course.ongoing
        return course.sentence == sentence and not told and not self.now.metastatic
