"""The order of lines where the text tells them in another: 'T-DXd after THP', 'before that T-DM1', 'THP at first'."""

from __future__ import annotations

from messages.understanding.courses import Course
from messages.understanding.telling import Telling


class Order:
    """Puts lines before others."""

    def __init__(self, now: Telling) -> None:
        self.now = now
        self.earlier: Course | None = None
        """The last line that 'earlier', 'previously' was said of."""

    def after(self, place: int) -> None:
        """'T-DXd after THP' puts THP first; 'after THP came T-DXd' tells THP first by itself."""
        outline, courses = self.now.outline, self.now.courses
        following = outline.next_meaning(place)
        if following is None:
            return
        if outline.cues[following] & {"a_toxicity", "toxicity"} and not outline.is_drug[following]:
            return  # stopped after anaphylaxis
        named = outline.is_drug[following] or outline.drug_in_stretch_after(place) is not None
        if self.now.pieces[following].kind in ("duration", "number", "cycles") or "surgery" in outline.cues[following]:
            return
        current = courses.current
        told_here = self.now.is_told_here(current)
        if (
            told_here
            and current is not self.now.leading
            and (
                self.now.refers
                or courses.near()
                or (courses.between == "comma" and not self._goes_on(place))
                or (outline.is_drug[following] and self._only_ended(place))
            )
        ):
            self._insert_before()
        elif named and (not told_here or courses.between == "comma"):
            self.now.leads = True
        courses.separate("then")

    def _only_ended(self, place: int) -> bool:
        """Whether only how it ended stands between a drug and 'after': 'T-DXd PD after THP PD'."""
        outline = self.now.outline
        drug = outline.drug_in_stretch_before(place)
        if drug is None:
            return False
        between = range(drug + 1, place)
        ended = {"progression", "toxicity", "stopped", "a_toxicity"}
        return outline.has(between, *ended) and all(
            self.now.pieces[at].kind in ("silent", "sign") or outline.cues[at] & ended for at in between
        )

    def _goes_on(self, place: int) -> bool:
        """Whether another line is told behind the one that 'after' names: ', after T-DM1 TCT'."""
        outline = self.now.outline
        first = outline.next_drug[place]
        last = outline.drug_in_sentence_after(first) if first is not None else None
        if first is None or last is None or self.now.pieces[last].asked:
            return False
        if outline.has(range(first, last), "before_it"):
            return False
        return not outline.joins(first, last) or any(self.now.pieces[at].key == "," for at in range(first, last))

    def _insert_before(self) -> None:
        courses = self.now.courses
        if courses.current in courses.all:
            courses.insert = courses.all.index(courses.current)

    def preceded(self, place: int) -> None:
        """'previously THP', 'preceded by THP': what follows came before; 'THP before that': what was just named did."""
        courses, current = self.now.courses, self.now.courses.current
        if current is None or current not in courses.all:
            return
        if self._ends_its_drug(place):
            return
        if self.now.drug_ahead(place):
            courses.insert = courses.all.index(current.follows or current)
            courses.insert_stays = True
            courses.separate("then")
            return
        if self._is_of_a_list(place):
            return
        at = courses.all.index(current)
        if at and (courses.between == "none" or not self.now.pieces[place].is_("cue", "before_it")):
            courses.all.remove(current)
            courses.all.insert(at - 1, current)
            drug = self.now.outline.last_drug[place]
            if drug and self.now.pieces[drug - 1].key == "(":  # T-DM1 (T-DXd before), PD
                courses.current = courses.all[at]

    def _ends_its_drug(self, place: int) -> bool:
        """Whether 'earlier' is said of the first drug, and another follows behind a comma: 'THP earlier, T-DXd now'."""
        outline, piece = self.now.outline, self.now.pieces[place]
        single = piece.key != "before" and piece.end - piece.start == len(piece.key)
        ends = place + 1 == outline.stretch_end[place] or self.now.pieces[place + 1].key == ","
        lines = self.now.courses.metastatic()
        if not (single and ends and outline.last_drug[place] == place - 1 and lines):
            return False
        if len(lines) > 1 and self.earlier is not lines[-2]:
            return False
        self.earlier = lines[-1]
        return True

    def as_another_failed(self, place: int) -> None:
        """'Started T-DM1 when THP stopped working' puts THP first."""
        outline, courses = self.now.outline, self.now.courses
        following = outline.next_meaning(place)
        drug = outline.drug_in_stretch_before(place)
        if following is None or drug is None or not outline.is_drug[following]:
            return
        between = range(drug + 1, place)
        if any(self.now.pieces[at].kind != "silent" and "started" not in outline.cues[at] for at in between):
            return
        begun = outline.has(outline.before_in_stretch(place), "then", "started", "changed", "planned")
        ended = outline.has(outline.rest_of_stretch(following, 5), "progression", "stopped", "toxicity")
        if begun and ended and self.now.is_told_here(courses.current):
            self._insert_before()
            courses.separate("then")

    def _is_of_a_list(self, place: int) -> bool:
        """Whether 'earlier' is said of all drugs of a list: 'THP and T-DXd earlier'; 'before that' is of the last."""
        outline = self.now.outline
        last = outline.drug_in_stretch_before(place)
        first = outline.drug_in_stretch_before(last) if last is not None else None
        if first is None or last is None or not outline.joins(first, last):
            return False
        piece = self.now.pieces[place]
        return piece.key != "before" and piece.end - piece.start == len(piece.key)

    def stands_for_before_that(self, place: int) -> bool:
        """Whether a bare 'before' is 'before that': 'TCT now. Before THP.', 'PD on T-DM1; THP before.'"""
        outline = self.now.outline
        end = outline.sentence_end[place]
        if outline.sentence_start[place] != place:
            ends = place + 1 == end or self.now.pieces[place + 1].kind == "sign"
            return ends and place > 0 and outline.is_drug[place - 1]
        rest = range(place + 1, min(end, place + 12))
        first = place + 2 if place + 1 < end and self.now.pieces[place + 1].key == ":" else place + 1
        if first >= end or not outline.is_drug[first] or end - place > 12:
            return False
        return all(
            outline.is_drug[at] or outline.is_joining(at) or self.now.pieces[at].kind in ("sign", "date") for at in rest
        )

    def latest_came_first(self) -> bool:
        """Whether the text says that it tells its lines backwards: 'most recent first'."""
        said = [piece for piece in self.now.pieces if "reversed" in piece.cues and not piece.asked]
        for piece in said:
            piece.used = True
        lines = self.now.courses.metastatic()
        if not said or not all(course.number is None or course.counted for course in lines):
            return False
        for course in lines:
            course.number = None
        return True

    def at_first(self, place: int) -> None:
        """'Started with THP', 'TH at the beginning': before every line told so far."""
        courses, current = self.now.courses, self.now.courses.current
        lines = courses.metastatic()
        if current is None or not lines:
            return
        if courses.between == "none" and self.now.outline.drug_in_stretch_after(place) is None:
            courses.move_to_front(current)
        elif self.now.drug_ahead(place):
            courses.insert = courses.all.index(lines[0])
            courses.separate("then")

    def names_what_came_before(self, place: int) -> bool:
        """Whether 'previous' leads to a line before the one just told: 'PD on T-DXd, previous THP'."""
        current, following = self.now.courses.current, self.now.outline.next_meaning(place)
        opened = place > 0 and self.now.pieces[place - 1].key == "("
        told_here = (
            current is not None
            and current.sentence == self.now.sentence
            and (self.now.courses.between == "comma" or opened)
        )
        return told_here and following is not None and self.now.outline.is_drug[following]
