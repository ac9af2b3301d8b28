"""Lines of therapy from the pieces of a text: which drugs were given together, in which order, how each line ended.

What is planned, asked about, refused, denied or a relative's is told apart first; what is left was given. A drug
that nothing marks as early-stage treatment belongs to a line for metastatic disease.
"""

from __future__ import annotations

from collections.abc import Mapping

from messages.understanding.courses import Course, Reading, Told
from messages.understanding.drugs import ANTI_HER2, CONJUGATES, agents_of, generic, names_drugs, readings_of
from messages.understanding.grouping import Grouping
from messages.understanding.marks import Marks
from messages.understanding.order import Order
from messages.understanding.scan import Piece
from messages.understanding.telling import Telling

__all__ = ["ANTI_HER2", "Course", "Reading", "Told", "agents_of", "names_drugs", "readings_of", "told_of"]


_FAR = 40
"""Pieces before 'no treatment since' where the relapse may be told."""


def told_of(pieces: list[Piece], classes: Mapping[str, tuple[str, ...]]) -> Told:
    """What the pieces tell of treatment. `classes`: an agent that stands for a class, to all its names."""
    return _Reader(pieces, classes).read()


class _Reader:
    """Goes over the pieces once, and hands each to what reads its kind."""

    def __init__(self, pieces: list[Piece], classes: Mapping[str, tuple[str, ...]]) -> None:
        self.classes = classes
        self.told = Told()
        self.now = Telling(pieces)
        self.order = Order(self.now)
        self.marks = Marks(self.now, self.told)
        self.grouping = Grouping(self.now)

    def read(self) -> Told:
        """Everything the text tells of treatment."""
        told, courses = self.told, self.now.courses
        for place in range(len(self.now.pieces)):
            self._take(place)
        self.now.outcomes.finish()
        if self.order.latest_came_first():
            courses.all.reverse()
        told.early = [course for course in courses.all if course.early]
        told.lines = courses.order()
        told.grew_before = frozenset(courses.grew_before)
        told.denied = [(agent, piece) for agent, piece in told.denied if not self._is_corrected(agent, piece)]
        return told

    def _is_corrected(self, agent: str, piece: Piece) -> bool:
        """Whether a regimen was denied that shares a drug with what was received: 'not TCHP, it was THP'."""
        if not piece.is_("regimen"):
            return False
        received = {each for course in self.now.courses.all for each in course.agents}
        return bool(generic((agent,)) & generic(received))

    def _take(self, place: int) -> None:
        piece = self.now.pieces[place]
        if piece.sentence != self.now.sentence:
            self._new_sentence(piece.sentence)
        if "at_which" in piece.roles:
            self.order.as_another_failed(place)
        if self.now.outline.is_drug[place]:
            self._drug(place)
        elif piece.kind == "line":
            self.marks.numbered(place)
        elif piece.kind == "date":
            self._dated()
        elif piece.kind == "sign":
            self._sign(place)
        elif piece.concepts:
            self._cue(place)
        elif piece.kind == "word" or piece.roles or piece.value == 1:
            if "subject" in piece.roles and self.now.outline.last_drug[place] is not None:
                self.now.refers = self.now.refers or self.now.outline.sentence_start[place] == place
            if piece.value == 1 and self._ends_behind_a_drug(place):
                self.order.at_first(place)
            self.now.outcomes.take(place)

    def _ends_behind_a_drug(self, place: int) -> bool:
        following = place + 1
        ends = following == len(self.now.pieces) or self.now.pieces[following].kind == "sign"
        return ends and place > 0 and self.now.outline.is_drug[place - 1]

    def _new_sentence(self, sentence: int) -> None:
        self.now.sentence = sentence
        self.now.courses.separate("sentence")
        self.now.courses.insert = self.now.courses.referred = None
        self.now.courses.insert_stays = self.now.refers = False
        if self.now.early:
            self.now.stays_early = False
        self.now.early = self.now.maintenance = self.now.leads = False
        self.now.leading = None
        self.now.numbers = []
        self.now.outcomes.forget()

    def _dated(self) -> None:
        course = self.now.courses.current
        if course is not None and self.now.courses.near():
            course.closed = True
        self.now.courses.separate("other")

    def _sign(self, place: int) -> None:
        key = self.now.pieces[place].key
        if key in ("+", "/", "&"):
            self.now.courses.separate("joined")
        elif key == ",":
            self.now.courses.separate("comma")
            following = self.now.outline.drug_in_sentence_after(place)
            listed = following is not None and self.now.outcomes.given and self.grouping.is_in_a_list(following)
            if not listed:
                self.now.outcomes.next_member()
        elif key == "->" or (key == ">" and self._orders(place)):
            self.now.then()
        elif key == ")":
            self.now.courses.separate("other")

    def _orders(self, place: int) -> bool:
        """Whether a > stands between lines, not before a number."""
        following = self.now.outline.next_meaning(place)
        return following is not None and self.now.pieces[following].kind != "number"

    def _cue(self, place: int) -> None:
        piece, cues, courses = self.now.pieces[place], self.now.outline.cues[place], self.now.courses
        if piece.is_("noun", "organ", "organ_mets", "brain_mets", "brain_imaging"):
            courses.separate("other")
        if "untreated" in cues and (self._is_untreated(place) or self._is_untreated_since(place)):
            self.told.untreated = piece.used = True
        if piece.is_("noun", "organ_mets") or (piece.is_("noun", "organ") and self._is_new(place)):
            self.now.early = self.now.stays_early = False
            self.now.relapsed = True
            self.now.outcomes.lesion(place)
        if "came_back" in cues and "progression" not in cues:
            self.marks.before_a_relapse(place)
        if cues & {"early", "early_stage"}:
            self.marks.early_stage(place)
        elif self.now.is_relapse(place):
            self.now.early = self.now.stays_early = False
            self.now.relapsed = True
            self.now.metastatic = self.now.metastatic or bool(courses.all)
            courses.separate("then")
        elif "surgery" in cues:
            self.now.operated = self.marks.operated = True
            self.now.stays_early = courses.current is not None and courses.current.early
        if "maintenance" in cues:
            self.now.maintenance = piece.used = True
        elif self.now.outcomes.take(place):
            return
        elif "at_first" in cues:
            self.order.at_first(place)
        elif "before_it" in cues or ("previous" in cues and self.order.names_what_came_before(place)):
            self.order.preceded(place)
            piece.used = True
        elif piece.key in ("before", "prior") and self.order.stands_for_before_that(place):
            self.order.preceded(place)
        elif "after" in cues:
            self.order.after(place)
        elif "then" in cues:
            self.now.then()
        elif "joined" in cues:
            courses.separate("then" if piece.key == "and" and self._is_in_an_account(place) else "joined")
        elif "new_word" in cues:
            courses.separate("then")

    def _is_in_an_account(self, place: int) -> bool:
        """Whether 'and' ends an account of what was had, whose conjugates are lines: 'incl. T-DXd and tucatinib'."""
        outline = self.now.outline
        first, last = outline.drug_in_stretch_before(place), outline.drug_in_stretch_after(place)
        if first is None or last is None or not outline.joins(first, last):
            return False
        listed = any("listing" in outline.cues[at] for at in outline.before_in_stretch(first, 6))
        named = [set(agents_of(self.now.pieces[at]) or ()) for at in (first, last)]
        return listed and any(each & CONJUGATES for each in named)

    def _is_left_out(self, place: int, agents: tuple[str, ...] | None) -> bool:
        """Whether a drug of the line being told was only given no longer: 'THP, docetaxel omitted from cycle 4'."""
        course, outline = self.now.courses.current, self.now.outline
        if course is None or not agents or not generic(agents) <= generic(course.agents):
            return False
        return course.sentence == self.now.sentence and outline.has(outline.rest_of_stretch(place, 5), "went_on")

    def _is_new(self, place: int) -> bool:
        """Whether 'new' stands right before an organ: 'new nodes'."""
        before = place - 1
        return before >= 0 and "new" in self.now.outline.cues[before] and not self.now.outline.is_drug[before]

    def _is_untreated(self, place: int) -> bool:
        """Whether 'nothing', 'not treated' is said of metastatic disease, and not of lesions in the brain."""
        outline = self.now.outline
        near = range(max(outline.sentence_start[place], place - 7), min(outline.sentence_end[place], place + 7))
        if any(
            outline.is_drug[at] or self.now.pieces[at].is_("noun", "brain", "brain_mets", "brain_imaging")
            for at in near
        ):
            return False
        anything = self.now.pieces[place].key in ("nothing", "anything")
        return any(
            (self.now.is_relapse(at) or self.now.pieces[at].is_("noun", "organ_mets"))
            and (not anything or self._is_for(at))
            for at in near
        )

    def _is_untreated_since(self, place: int) -> bool:
        """Whether 'no treatment since' is said behind a relapse."""
        if not self.now.outline.has(range(max(0, place - _FAR), place), "came_back"):
            return False
        return "untreated_since" in self.now.outline.cues[place] and not self.now.courses.metastatic()

    def _is_for(self, place: int) -> bool:
        """Whether 'for' or 'in' leads to a piece."""
        if self.now.pieces[place].key in ("for", "in"):
            return True
        return any("for" in self.now.pieces[at].roles for at in range(max(0, place - 2), place))

    def _drug(self, place: int) -> None:
        piece = self.now.pieces[place]
        standing, access = self.now.mentions[place]
        agents, readings = agents_of(piece), readings_of(piece)
        piece.used = standing not in ("mentioned", "family") or access is not None
        if access is not None and (self.told.access is None or access != "available"):
            self.told.access = (access, piece)
        if standing == "received":
            self.grouping.receive(place, agents, readings)
            return
        if standing == "denied" and self._is_left_out(place, agents):
            return
        if standing == "denied" or (standing == "declined" and access is None):
            named = agents or tuple(agent for reading in readings or () for agent in reading)
            for agent in named:
                self.told.denied += [(member, piece) for member in self.classes.get(agent, (agent,))]
        elif standing in ("planned", "asked"):
            if agents is None and readings is not None:
                self.told.unclear_focus.append(Reading(piece, readings))
            self.told.focus += [(agent, piece) for agent in agents or ()]
        self.now.courses.separate("other")
