"""Lines of therapy from the pieces of a text: which drugs were given together, in which order, how each line ended.

What is planned, asked about, refused, denied or a relative's is told apart first; what is left was given. A drug
that nothing marks as early-stage treatment belongs to a line for metastatic disease.
"""

from __future__ import annotations

from collections.abc import Mapping

from messages.understanding.courses import Course, Reading, Told
from messages.understanding.drugs import (
    ANTI_HER2,
    BEFORE_A_TAXANE,
    CONJUGATES,
    GO_ON,
    agents_of,
    generic,
    names_drugs,
    readings_of,
)
from messages.understanding.grouping import Grouping
from messages.understanding.marks import Marks
from messages.understanding.order import Order
from messages.understanding.outline import BRAIN, Outline, is_new
from messages.understanding.scan import Piece
from messages.understanding.telling import Telling

__all__ = ["ANTI_HER2", "Course", "Reading", "Told", "agents_of", "names_drugs", "readings_of", "told_of"]


_SAY_TREATMENT = ("prior_lines", "early_stage_agents", "treatment")
"""Phrases that say something of treatment without a drug: 'no prior therapy', 'chemotherapy never started'."""
_LATER = ("later", "on", "after")
"""What says behind a span of time that something came so much later: 'two years on'."""
_NAMELY = ("namely", "meaning", "viz")
"""What gives the name of what was told before it."""
_FAR_BRACKET = 24
"""Pieces of a bracket, at most, that are looked over for where it was opened."""
_NOW_A_SITE = frozenset(("now", "this", "last"))
"""What may lead to an organ alone, as where the disease came back: 'now lung', 'this time liver'."""
_THEN_A_SITE = frozenset(("first", "then"))
"""What may lead to one, and to the drug it came back under: 'then liver on T-DM1'."""
_BESIDE_A_SITE = ("in", "the", "both", "to", "and", "too", "also", "/", ",", ".", ";", ")")
"""What may stand beside it."""
_SHORT_QUESTION = 5
"""Pieces of a question that only heads its answer, at most."""
_FAR = 40
"""Pieces before 'no treatment since' where the relapse may be told."""


def told_of(outline: Outline, classes: Mapping[str, tuple[str, ...]]) -> Told:
    """What the pieces tell of treatment. `classes`: an agent that stands for a class, to all its names."""
    return _Reader(outline, classes).read() if may_tell_of_treatment(outline) else Told()


def may_tell_of_treatment(outline: Outline) -> bool:
    """Whether a text may tell anything of treatment: without a drug, a numbered line and words for none it does not,
    and most short answers have none of these."""
    if outline.names_drugs or "untreated" in outline.said:
        return True
    return any(
        piece.kind == "line" or ("say" in piece.kinds and piece.is_("say", *_SAY_TREATMENT)) for piece in outline.pieces
    )


class _Reader:
    """Goes over the pieces once, and hands each to what reads its kind."""

    def __init__(self, outline: Outline, classes: Mapping[str, tuple[str, ...]]) -> None:
        self.classes = classes
        self.told = Told()
        self.now = Telling(outline)
        self.pieces, self.outline = outline.pieces, outline
        self.courses, self.outcomes = self.now.courses, self.now.outcomes
        self.order = Order(self.now)
        self.marks = Marks(self.now, self.told)
        self.grouping = Grouping(self.now)
        self.ranks = sum(self._is_a_rank(place) for place, piece in enumerate(self.pieces) if piece.value is not None)
        """How many drugs have a bare ordinal behind a sign: 'T-DXd: 2nd; THP: 1st'."""
        self.failed: list[set[str]] = []
        """The drugs that a question names as failed, which are told behind it."""

    def read(self) -> Told:
        """Everything the text tells of treatment."""
        told, courses = self.told, self.courses
        for place in range(len(self.pieces)):
            self._take(place)
        for agents in self.failed:
            failed = courses.known(agents)
            if failed is not None and failed.outcome is None and not failed.ongoing:
                failed.outcome = "progression"
        if self.order.latest_came_first():
            courses.all.reverse()
        self.order.put_in_order_of_dates()
        self.order.number_by_brackets()
        courses.merge_what_went_on()
        self.outcomes.finish()
        self._leave_out_what_was_omitted()
        if any("say" in piece.kinds and piece.is_("say", "prior_lines") for piece in self.pieces):
            self._keep_for_early_stage()
        self._leave_out_what_was_named_by_mistake()
        told.early = [course for course in courses.all if course.early]
        told.lines = courses.order()
        told.ended_at, told.grew_under = courses.ended_at, frozenset(courses.grew_under)
        told.denied = [(agent, piece) for agent, piece in told.denied if not self._is_corrected(agent, piece)]
        return told

    def _is_told_after_the_question(self, place: int) -> bool:
        """Whether a drug that a question or a plan only names, behind 'after', is told behind it, by itself or with its
        partners: 'What after tucatinib? She had THP, then TCT', 'We plan T-DM1 after T-DXd. She had THP and T-DXd'."""
        outline = self.outline
        first = outline.first_of_list(place)
        lead = first - 1
        failed = lead > 1 and self.pieces[lead].roles & {"on", "of"} and "progression" in outline.cues[lead - 1]
        if failed:
            lead -= 2  # after PD on
        if not first or "after" not in outline.cues[lead]:
            return False
        last, end = outline.last_of_list(place), outline.sentence_end[place]
        agents = {agent for at in range(first, last + 1) for agent in agents_of(self.pieces[at]) or ()}
        asked = outline.pieces[end - 1].key == "?"
        before = outline.last_drug[first]
        if before is not None and before >= outline.sentence_start[first]:
            asked = asked or self.now.mentions[before].standing in ("planned", "asked")
        if agents <= GO_ON or not (asked or outline.last_drug[first] is None):
            return False
        at = outline.next_drug[end - 1]
        while at is not None:
            ends = outline.last_of_list(at)
            told = {agent for on in range(at, ends + 1) for agent in agents_of(self.pieces[on]) or ()}
            if self.now.mentions[at].standing == "received" and agents <= told:
                if failed and asked:
                    self.failed.append(agents)
                return asked or agents < told
            at = outline.next_drug[ends]
        return False

    def _keep_for_early_stage(self) -> None:
        """What was told without a mark was given for early disease, where nothing was for metastases yet: 'AC-TH back
        then; no treatment for metastatic disease yet'."""
        lines = self.courses.metastatic()
        none = any(
            each.kind == "say" and each.name == "prior_lines" and each.value == "none"
            for piece in self.pieces
            for each in piece.concepts
        )
        unmarked = all(
            each.number is None and not each.ongoing and each.outcome in (None, "completed") for each in lines
        )
        if none and unmarked and any(course.early for course in self.courses.all):
            for course in lines:
                course.early = True

    def _leave_out_what_was_omitted(self) -> None:
        """Takes a drug out of a regimen that was given without it: 'carboplatin omitted from her TCHP', 'THP, no P'."""
        denied: dict[int, set[str]] = {}
        for agent, piece in self.told.denied:
            if piece.is_("agents"):
                denied.setdefault(piece.start, set()).add(agent)
        for place in range(len(self.pieces)) if denied else ():
            piece = self.pieces[place]
            if piece.start not in denied:
                continue
            anywhere = place + 1 < len(self.pieces) and {"negated_after", "went_on"} <= self.outline.cues[place + 1]
            regimen = self._left_out_of(place)
            if regimen is None:
                regimen = self._left_out_behind(place)
            for course in self.courses.all:
                for of in course.pieces:
                    if of is regimen or (anywhere and of.sentence == piece.sentence and of.is_("regimen")):
                        course.agents = [agent for agent in course.agents if agent not in denied[piece.start]]

    def _left_out_behind(self, place: int) -> Piece | None:
        """The regimen behind the drug that was left out of it: 'carboplatin was not part of her TCH'."""
        for at in self.outline.rest_of_stretch(place, 2):
            if self.outline.has(range(at, at + 1), "went_on", "negated_after"):
                regimen = self.outline.left_out_of(at)
                return None if regimen is None else self.pieces[regimen]
        return None

    def _left_out_of(self, place: int) -> Piece | None:
        """The regimen that stands right before the drug that was left out of it: 'THP but no pertuzumab'."""
        drug = self.outline.last_drug[place]
        if (
            drug is None
            or not self.pieces[drug].is_("regimen")
            or self.pieces[place].sentence != self.pieces[drug].sentence
        ):
            return None
        passed = {"joined", "new_word", "negation", "negated_after"}
        between = range(drug + 1, place)
        light = all(
            self.pieces[at].kind in ("silent", "sign")
            or self.pieces[at].key == "minus"
            or self.outline.cues[at] & passed
            for at in between
        )
        return self.pieces[drug] if light else None

    def _leave_out_what_was_named_by_mistake(self) -> None:
        """Takes out a drug that was only named, and that a later sentence says was not given: 'referral lists T-DM1. It
        is T-DXd; T-DM1 was not given.'"""
        denied = {agent: piece for agent, piece in self.told.denied if piece.is_("agents")}
        if not denied or not self.outline.said & {"negated_after", "negation"}:
            return
        emptied = False
        bare = {
            self.pieces[at].start
            for at, mention in self.now.mentions.items()
            if mention.bare or self._is_quoted_from_a_paper(at)
        }
        for course in self.courses.all:
            for piece in course.pieces:
                named = agents_of(piece) or ()
                later = len(named) == 1 and named[0] in denied and self._takes_back(denied[named[0]], piece)
                if later and piece.start in bare and course.outcome is None and not course.early:
                    course.agents = [agent for agent in course.agents if agent != named[0]]
                    emptied = emptied or not (course.agents or course.unclear)
        if emptied:
            self.courses.all[:] = [course for course in self.courses.all if course.agents or course.unclear]

    def _is_quoted_from_a_paper(self, place: int) -> bool:
        """Whether a drug stands in words that are quoted: 'the header says "post tucatinib"'."""
        if '"' not in self.outline.typed:
            return False
        before = self.outline.before_in_stretch(place, _SHORT_QUESTION)
        behind = self.outline.rest_of_stretch(place, _SHORT_QUESTION)
        return all(any(self.pieces[at].key == '"' for at in beside) for beside in (before, behind))

    def _takes_back(self, denied: Piece, named: Piece) -> bool:
        """Whether a denial stands in a later sentence than a name, or behind a correction of it: 'Kadcyla, my mistake,
        she is on Enhertu, not Kadcyla'."""
        if denied.sentence != named.sentence:
            return denied.sentence > named.sentence
        return "correction" in self.outline.said and any(
            "correction" in piece.cues and named.start < piece.start < denied.start
            for piece in self.pieces
            if piece.sentence == named.sentence
        )

    def _is_corrected(self, agent: str, piece: Piece) -> bool:
        """Whether a regimen was denied that shares a drug with what was received: 'not TCHP, it was THP'."""
        if not piece.is_("regimen"):
            return False
        received = {each for course in self.courses.all for each in course.agents}
        return bool(generic((agent,)) & generic(received))

    def _take(self, place: int) -> None:
        piece = self.pieces[place]
        if piece.sentence != self.now.sentence:
            self._new_sentence(place)
        if "at_which" in piece.roles:
            self.order.as_another_failed(place)
        if "had_been" in piece.cues:
            self.order.had_been(place)
        elif piece.key == "having":
            self.order.having(place)
        elif piece.key == "between":
            self.order.between(place)
        elif piece.key == "from":
            self.order.came_from(place)
        if self.outline.is_drug[place]:
            self._drug(place)
        elif piece.kind == "line":
            self.marks.numbered(place)
        elif piece.kind == "date":
            self._dated(place)
        elif piece.kind == "sign":
            self._sign(place)
        elif piece.key == "which" and place and self.pieces[place - 1].key == "for":
            self._for_which()
        elif piece.key == "early" and self._was_early(place):
            self.marks.early_stage(place)
        elif piece.concepts:
            self._cue(place)
        elif piece.kind == "number":
            self.order.counts_lines(place)
        elif piece.kind in ("word", "ordinal") or piece.roles or self._may_be_an_ordinal(piece):
            begins = bool(piece.roles & {"subject", "of_the_line_before", "is", "affirmed"})
            if begins and self.outline.last_drug[place] is not None:
                self.now.refers = self.now.refers or self._begins_a_statement(place)
            if piece.value is not None and self._ends_behind_a_drug(place):
                self._ordinal(place)
            if piece.key == "fails" and piece.asked:
                self._what_comes_after_it_fails(place)
            if "so" in piece.roles and self.outline.has(
                self.outline.rest_of_stretch(place, 2), "previously", "started"
            ):
                self.courses.separate("then")  # so she got vinorelbine
            self.outcomes.take(place)

    def _what_comes_after_it_fails(self, place: int) -> None:
        """Note the end of a line that is only told as what the one asked for comes after: 'what after THP fails?'"""
        outline, course = self.outline, self.courses.current
        if not place or course is None or not outline.is_drug[place - 1] or self.pieces[place - 1] not in course.pieces:
            return
        first = outline.first_of_list(place - 1)
        if first and "after" in outline.cues[first - 1] and course.outcome is None:
            course.outcome, self.pieces[place].used = "progression", True

    @staticmethod
    def _may_be_an_ordinal(piece: Piece) -> bool:
        return piece.value == 1 or (piece.kind == "silent" and piece.value is not None)

    def _was_early(self, place: int) -> bool:
        """Whether a bare 'early' behind drugs sets them against those for metastases: 'TCH early, THP later for lung
        mets'."""
        pieces, following = self.pieces, place + 1
        if not place or not self.outline.is_drug[place - 1] or following == len(pieces):
            return False
        rest = range(following, self.outline.sentence_end[place])
        later = any(self.now.is_relapse(at) or pieces[at].is_("noun", "organ_mets") for at in rest)
        return later and pieces[following].key in (",", ";", "and")

    def _for_which(self) -> None:
        """What follows was given for what is told before: 'relapsed after adjuvant TCH, for which THP was given'."""
        self.outcomes.forget()
        self.outcomes.unclaimed = None
        if self.now.early or self.now.stays_early:
            self.now.early = self.now.stays_early = False
            self.courses.separate("then")

    def _begins_a_statement(self, place: int) -> bool:
        """Whether 'it', 'this' begins a sentence, or what is said behind a comma: ', this was after THP'."""
        outline = self.outline
        if "is" in self.pieces[place].roles:  # ; was 2nd line after THP
            numbers = place + 1 < outline.stretch_end[place] and self.pieces[place + 1].kind == "line"
            return numbers and outline.stretch_start[place] == place and not self.pieces[place].asked
        if outline.sentence_start[place] == place or (place and "ongoing" in outline.cues[place - 1]):  # still on it
            return True
        if outline.sentence_start[place] == place - 1 and outline.has(outline.rest_of_stretch(place, 1), "after"):
            return "previously" in outline.cues[place - 1]  # she had it after THP
        if self.pieces[place].key == "which" and outline.stretch_start[place] == place:  # T-DXd, which came after THP
            return place > 1 and self.pieces[place - 1].key == "," and outline.is_drug[place - 2]
        verb = place + 1 < outline.stretch_end[place] and "is" in self.pieces[place + 1].roles
        return verb and outline.stretch_start[place] == place and self.pieces[place - 1].key == ","

    def _ordinal(self, place: int) -> None:
        """A bare ordinal behind a drug, where lines are numbered or it is the first: 'TCT 3rd line; T-DXd 2nd'."""
        piece, course = self.pieces[place], self.courses.current
        if self.marks.is_of_a_drug_only_named(place):
            return
        ranked = self.told.numbered or self.ranks > 1
        if (piece.kind == "ordinal" or self.ranks > 1) and ranked and course is not None and course.number is None:
            course.number = int(piece.value)
            piece.used = True
        elif piece.value == 1:
            self.order.at_first(place)
        if course is not None:
            course.closed = True

    def _is_a_rank(self, place: int) -> bool:
        """Whether an ordinal is all that is said of the drug before it: 'T-DXd: 2nd', 'T-DXd was her second'."""
        pieces, following = self.pieces, place + 1
        if place < 2 or pieces[place].kind == "number":
            return False
        ordinal = pieces[place].kind == "ordinal" or pieces[place].key in ("first", "second", "third", "fourth")
        ends = following == len(pieces) or pieces[following].kind == "sign"
        if not (ordinal and ends):
            return False
        before = place - 1
        while before > place - 4 and pieces[before].kind == "silent":
            before -= 1
        signed = pieces[place - 1].key in (":", "-", "(", "=")
        return before >= signed and self.outline.is_drug[before - signed]

    def _ends_behind_a_drug(self, place: int) -> bool:
        following, before = place + 1, place - 1
        ends = following == len(self.pieces) or self.pieces[following].kind == "sign"
        before -= (self.ranks > 1 or self.told.numbered) and self.pieces[before].kind == "sign"
        while before >= 0 and before > place - 4 and self._links_to_a_rank(before):  # THP was the first
            before -= 1
        return ends and before >= 0 and self.outline.is_drug[before]

    def _links_to_a_rank(self, place: int) -> bool:
        """Whether a piece only links a drug to which it was: 'was the', 'had been her'."""
        return self.pieces[place].kind == "silent" or "has_had" in self.outline.cues[place]

    def _new_sentence(self, place: int) -> None:
        self.now.sentence = self.pieces[place].sentence
        self.courses.separate("sentence")
        self.courses.referred = None
        if not (self.courses.insert_heads and self.pieces[place - 1].key == ";"):
            self.courses.insert = None
            self.courses.insert_stays = self.courses.insert_heads = False
        self.now.refers = False
        if self.now.early and self.pieces[place - 1].key != ";":
            self.now.stays_early = False
        self.now.early = self._is_headed_by_a_question(place)
        self.now.maintenance = self.now.leads = False
        self.now.leading = None
        self.now.numbers = []
        if not self.outcomes.lists_more(place):
            self.outcomes.forget()
            self.outcomes.points_back(place)

    def _is_headed_by_a_question(self, place: int) -> bool:
        """Whether the sentence before only asks for early-stage treatment, which this one answers: 'Adjuvant? TCH.'"""
        first = self.outline.sentence_start[place - 1]
        if self.pieces[place - 1].key != "?" or place - first > _SHORT_QUESTION:
            return False
        heading = range(first, place - 1)
        return self.outline.has(heading, "early") and all(
            self.pieces[at].kind == "silent" or "early" in self.outline.cues[at] for at in heading
        )

    def _dated(self, place: int) -> None:
        pieces, course = self.pieces, self.courses.current
        leads = place + 1 + (place + 2 < len(pieces) and pieces[place + 1].key == ":")
        if place and pieces[place - 1].key == "," and leads < len(pieces) and self.outline.is_drug[leads]:
            self.courses.separate("then")  # 2020 A, 2021 B + C, 2023 D
        if course is not None and self.courses.near():
            course.closed = True
        self.courses.separate("other")

    def _sign(self, place: int) -> None:
        key = self.pieces[place].key
        if key in ("+", "/", "&"):
            self.courses.separate("joined")
        elif (
            key == ","
            and "and" in self.outline.typed
            and (self.pieces[place - 1].key == "and" or self.outline.is_in_an_aside(place))
        ):
            self.courses.separate("comma")
        elif key == "," and place + 1 < len(self.pieces) and self.pieces[place + 1].key in _NAMELY:
            self.courses.separate("joined")  # HP + endocrine, namely letrozole
        elif key == ",":
            one_by_one = "one_by_one" in self.outline.said and self._is_told_one_by_one(place)
            self.courses.separate("then" if place < self.order.parted_until or one_by_one else "comma")
            if self.outcomes.given:
                following = self.outline.drug_in_sentence_after(place)
                if following is None or not self._is_listed(following):
                    self.outcomes.next_member()
        elif key == "->" or (key == ">" and self._orders(place)):
            self.now.then(place)
        elif key == "(":
            self.now.outside = self.courses.current if self.now.is_told_here(self.courses.current) else None
            if self._opens_on_other_drugs(place + 1):
                self.outcomes.next_list()
        elif key == ")":
            self.courses.separate("then" if self._counts_an_item(place) else "other")
            self._close_bracket(place)
        elif key == "-":
            if self._joins_names(place):
                self.courses.separate("joined")
            self.outcomes.dash(place)
        elif key == ":" and place and "request" in self.pieces[place - 1].roles:
            self.courses.separate("then")  # options after lapatinib please: TH, then

    def _opens_on_other_drugs(self, first: int) -> bool:
        """Whether a bracket names drugs that what was said before it is not said of: 'PD on T-DM1 (THP first)'."""
        outline = self.outline
        if first >= len(self.pieces) or self.outcomes.heads or "joined" in outline.cues[first]:
            return False
        return outline.is_drug[first] or outline.drug_in_stretch_after(first) is not None

    def _joins_names(self, place: int) -> bool:
        """Whether a hyphen joins the names of two drugs: 'vinorelbine-trastuzumab, lap/cape'."""
        following = place + 1
        glued = self.pieces[place].glued and following < len(self.pieces) and self.pieces[following].glued
        return glued and self.outline.is_drug[following] and self.outline.is_drug[place - 1]

    def _counts_an_item(self, place: int) -> bool:
        """Whether a bracket that was not opened closes behind a number or a letter: '1) THP 2) T-DXd', 'a) TH'."""
        pieces = self.pieces
        if not place or not pieces[place].glued or len(pieces[place - 1].key) > 2:
            return False
        if pieces[place - 1].kind != "number" and not (
            len(pieces[place - 1].key) == 1 and pieces[place - 1].key.isalpha()
        ):
            return False
        near = range(place - 2, max(-1, place - _FAR_BRACKET), -1)
        return next((pieces[at].key == ")" for at in near if pieces[at].key in ("(", ")")), True)

    def _is_listed(self, following: int) -> bool:
        """Whether an outcome said before a drug goes on, over a comma, to the drug behind it."""
        joined = self.grouping.is_in_a_list(following) or self.grouping.completes_a_line(following)
        return joined or self.outcomes.leads_again(following)

    def _close_bracket(self, place: int) -> None:
        """Go back to the line outside a bracket that told others: 'line 3 was TCT (line 1 THP, line 2 T-DXd), PD'."""
        outside, following = self.now.outside, place + 1
        self.now.outside = None
        if outside is None or outside is self.courses.current or following >= len(self.pieces):
            return
        if self.pieces[following].key == "," and outside.number is not None:
            self.courses.insert = None
            self.courses.current = outside

    def _orders(self, place: int) -> bool:
        """Whether a > stands between lines, not before a number."""
        following = self.outline.next_meaning(place)
        return following is not None and self.pieces[following].kind != "number"

    def _cue(self, place: int) -> None:  # noqa: PLR0912  (cue after cue)
        piece, cues, courses = self.pieces[place], self.outline.cues[place], self.courses
        says = "say" in piece.kinds
        relapse = (says or "relapse" in cues) and self.now.is_relapse(place)
        if says or "untreated" in cues:
            self._untreated(place)
        if "noun" in piece.kinds:
            self._noun(place, relapse=relapse)
        elif relapse and self._came_later(place):
            self.marks.before_a_relapse(place)
        self.now.refers = self.now.refers or "on_it" in cues
        back = "came_back" in cues and "progression" not in cues
        if back and self.outcomes.came_back(place):
            return
        if back:
            self.marks.before_a_relapse(place)
        if "early" in cues or "early_stage" in cues:
            self.marks.early_stage(place)
        elif relapse:
            self.now.early = self.now.stays_early = False
            self.now.relapsed = True
            self.now.metastatic = self.now.metastatic or bool(courses.all)
            courses.separate("then")
        elif "surgery" in cues:
            self.now.operated = self.marks.operated = True
            self.now.stays_early = courses.current is not None and courses.current.early
        if "maintenance" in cues and not self.outcomes.continues(place):
            self.now.maintenance = piece.used = True
        elif self.outcomes.take(place):
            return
        elif "at_first" in cues:
            self.order.at_first(place)
        elif "before_it" in cues or (
            not cues.isdisjoint(("has_had", "previous")) and self.order.names_what_came_before(place)
        ):
            self.order.preceded(place)
            piece.used = True
        elif courses.current is not None and self.order.stands_for_before_that(place):
            self.order.preceded(place)
        elif "after" in cues:
            self.order.after(place)
        elif "then" in cues:
            if self._leads_to_no_line(place):
                return
            self.now.then(place)
            if piece.key in ("before", "prior"):
                self.order.before(place)
        elif "joined" in cues:
            courses.separate("then" if piece.key == "and" and self._is_in_an_account(place) else "joined")
        elif "new_word" in cues:
            courses.separate("then")
        elif "aside" in piece.kinds:
            courses.separate("comma")
        elif piece.key == "next" and place + 1 in self.now.mentions:
            self.now.then(place)

    def _noun(self, place: int, *, relapse: bool) -> None:
        """Read an organ, metastases or the brain: what the disease did there may be of the line being told."""
        piece = self.pieces[place]
        organ, metastases = piece.is_("noun", "organ"), piece.is_("noun", "organ_mets")
        if organ:
            self.outcomes.site(place)
        if organ or metastases or piece.is_("noun", "brain_mets", "brain_imaging"):
            self.courses.separate("other")
        if (metastases or relapse) and self._came_later(place):
            self.marks.before_a_relapse(place)
        if metastases or (organ and is_new(self.pieces, place)):
            self.now.early = self.now.stays_early = False
            self.now.relapsed = True
            self.outcomes.lesion(place)
        elif organ and self._is_the_first_site(place):
            self.marks.before_a_relapse(place)
            self.now.early = self.now.stays_early = False
            self.now.relapsed = True
            self.courses.separate("then")
        elif organ and self._is_where_it_came_back(place):
            self.outcomes.came_back_in(place)

    def _is_the_first_site(self, place: int) -> bool:
        """Whether an organ alone, behind early-stage treatment only, leads to drugs: 'adj TH 2017, liver 2021: THP'."""
        outline, pieces, told = self.outline, self.pieces, self.courses.all
        drug = outline.next_drug[place]
        organ = pieces[place]
        if drug is None or "local" in organ.roles or organ.end - organ.start != len(organ.key):  # lymph nodes
            return False
        dated = any(pieces[at].kind == "date" for at in range(outline.stretch_start[place], place))
        anthracyclines = bool(told) and bool(BEFORE_A_TAXANE & set(told[0].agents))  # 2019 FEC-D. 2021 lung: T-DM1
        if not told or not (all(course.early for course in told) or (dated and anthracyclines)):
            return False
        behind = range(place + 1, min(drug, outline.stretch_end[place] + 1))
        if not any(pieces[at].key in (":", ",", "-", "->", ";", ".") for at in behind):
            return False
        return all(
            pieces[at].kind in ("sign", "date", "duration") or "then" in outline.cues[at]
            for at in (*range(outline.stretch_start[place], place), *behind)
            if not outline.is_drug[at]
        )

    def _came_later(self, place: int) -> bool:
        """Whether metastases are told with when they came, before the drugs for them: 'AC-T + H. 2020 lung mets: THP',
        'TCHP, HP. Two years later: lung mets'."""
        outline, stretch = self.outline, self.outline.in_stretch(place)
        if outline.has(stretch, "new", "progression") or outline.drug_in_stretch_before(place) is not None:
            return False
        if outline.has(range(outline.sentence_start[place], place), "interval"):  # DFI 26 months, now mets to liver
            return True
        if any(self.pieces[at - 1].kind == "duration" and self.pieces[at].key in _LATER for at in stretch if at):
            return True
        return any(self.pieces[at].kind == "date" for at in stretch) and outline.next_drug[place] is not None

    def _leads_to_no_line(self, place: int) -> bool:
        """Whether 'then' leads to no other line: 'Perjeta not reimbursed then, TCH only', 'docetaxel 75, then 60'."""
        outline, pieces, following = self.outline, self.pieces, place + 1
        if following < len(pieces) and "route" in pieces[following].roles:  # Herceptin i.v. changed to s.c.
            return following + 1 == len(pieces) or not outline.is_drug[following + 1]
        if pieces[place].key != "then" or outline.sentence_start[place] == place:
            return False
        if following == len(pieces) or pieces[following].key in (".", ")"):
            return pieces[place - 1].kind != "sign"
        if pieces[following].key == ",":
            return pieces[place - 1].kind != "sign" and not outline.is_drug[place - 1]
        dosed = pieces[following].kind == "number" and following + 1 < outline.sentence_end[place]  # 75, then 60, HP
        return dosed and pieces[following + 1].kind == "sign"

    def _is_in_an_account(self, place: int) -> bool:
        """Whether 'and' parts an account of what was had: 'two lines: A and B', 'incl. T-DXd and tucatinib', 'A and B,
        one after the other'."""
        outline = self.outline
        if place < self.order.parted_until:
            return True
        first, last = outline.drug_in_stretch_before(place), outline.drug_in_stretch_after(place)
        if first is None or last is None or not outline.joins(first, last):
            return False
        if "one_by_one" in outline.said and self._is_told_one_by_one(place):
            return True
        listed = outline.has(outline.before_in_stretch(first, 6), "listing")
        named = [set(agents_of(self.pieces[at]) or ()) for at in (first, last)]
        return listed and any(each & CONJUGATES for each in named)

    def _is_told_one_by_one(self, place: int) -> bool:
        """Whether the list that goes on behind a place was given one by one: 'eribulin and gemcitabine, each alone'."""
        outline = self.outline
        following = outline.drug_in_sentence_after(place)
        if following is None or following > place + 2:
            return False
        behind = outline.last_of_list(following) + 1
        return outline.has(range(behind, min(behind + 4, outline.sentence_end[place])), "one_by_one")

    def _without_the_excepted(self, place: int, agents: tuple[str, ...] | None) -> tuple[str, ...] | None:
        """The drugs of a regimen but those it was given without: 'CLEOPATRA minus docetaxel', 'THP without taxane'."""
        if agents is None or place + 1 == len(self.pieces):
            return agents
        far = place + (4 if "without" in self.outline.typed else 2)
        less = next((at for at in range(place + 1, min(far, len(self.pieces))) if self._takes_away(at)), None)
        if less is None or any(self.outline.is_drug[at] for at in range(place + 1, less)):
            return agents
        if "maintenance" in self.outline.cues[less]:  # CLEOPATRA but without the taxane; not 'THP x6, without'
            bare = all(self.pieces[at].key in ("but", ",", "(") for at in range(place + 1, less))
            named = {"taxane", *self.classes.get("taxane", ())}
            return (
                tuple(agent for agent in agents if agent not in named) or agents
                if bare and less > place + 1
                else agents
            )
        following = self.outline.drug_in_stretch_after(less)
        if following is None or following > less + 2 or self.now.mentions[following].standing != "denied":
            return agents
        named = set(agents_of(self.pieces[following]) or ())
        members = {member for agent in named for member in self.classes.get(agent, (agent,))}
        return tuple(agent for agent in agents if agent not in named | members) or agents

    def _takes_away(self, place: int) -> bool:
        return self.pieces[place].key == "without" or self.outline.takes_away(place)

    def _is_where_it_came_back(self, place: int) -> bool:
        """Whether an organ is all that a stretch says, as where the disease came back: 'T-DXd 18 mo, then liver again',
        'TCT for a year, now lung', 'first bone on THP, then liver on T-DM1'."""
        outline, start, end = self.outline, self.outline.stretch_start[place], self.outline.stretch_end[place]
        if outline.typed.isdisjoint(_NOW_A_SITE | _THEN_A_SITE) and "again" not in outline.said:
            return False
        if self.pieces[place].asked or self.pieces[place].is_("noun", "extracranial"):
            return False
        leads = frozenset(
            self.pieces[at].key for at in range(start, place) if not self._may_stand_beside_a_site(at)
        ) - {"->", "time"}
        drug = outline.drug_in_stretch_after(place)
        rest = [at for at in range(place + 1, end if drug is None else drug) if not self._may_stand_beside_a_site(at)]
        again = any("again" in outline.cues[at] for at in rest)
        if drug is not None:
            under = self.pieces[drug - 1].roles & {"on", "during"} and rest == [drug - 1]
            only = all(outline.is_drug[at] or outline.is_joining(at) for at in range(drug, end))
            return bool(under) and only and len(leads) == 1 and leads <= _THEN_A_SITE | _NOW_A_SITE
        if not self.courses.metastatic() or not all("again" in outline.cues[at] for at in rest):
            return False
        return leads <= {"then"} if again and not leads & _NOW_A_SITE else len(leads) == 1 and leads <= _NOW_A_SITE

    def _may_stand_beside_a_site(self, place: int) -> bool:
        """Whether a piece adds nothing to the organ it stands beside: 'in the', 'both lungs and', a comma."""
        piece = self.pieces[place]
        return piece.is_("noun", "organ") or piece.key in _BESIDE_A_SITE

    def _untreated(self, place: int) -> None:
        piece = self.pieces[place]
        untreated = "untreated" in piece.cues and (self._is_untreated(place) or self._is_untreated_since(place))
        if untreated or (piece.is_("say", "treatment") and self._is_untreated_by_now(place)):
            self.told.untreated = piece.used = True

    def _is_untreated(self, place: int) -> bool:
        """Whether 'nothing', 'not treated' is said of metastatic disease, and not of lesions in the brain."""
        near = self._beside(place)
        whole = range(max(self.outline.sentence_start[place], place - _FAR), near.stop)  # brain: 3 mets, one untreated
        if self._names_drug_or_brain(range(self.outline.stretch_start[place], near.stop)) or self._names_brain(whole):
            return False
        anything = self.pieces[place].key in ("nothing", "anything")
        return any(
            (self.now.is_relapse(at) or self.pieces[at].is_("noun", "organ_mets"))
            and (not anything or self._is_for(at))
            for at in near
        )

    def _is_untreated_by_now(self, place: int) -> bool:
        """Whether 'no drug given so far' is said of a relapse told before it, behind early-stage treatment."""
        untold = self.now.relapsed and not self.courses.metastatic()
        brain = self._names_brain(range(max(self.outline.sentence_start[place], place - _FAR), place))
        return untold and not brain and not self._names_drug_or_brain(self._beside(place))

    def _beside(self, place: int) -> range:
        """The places of the same sentence that are near a place."""
        outline = self.outline
        return range(max(outline.sentence_start[place], place - 7), min(outline.sentence_end[place], place + 7))

    def _names_drug_or_brain(self, places: range) -> bool:
        return any(self.outline.is_drug[at] for at in places) or self._names_brain(places)

    def _names_brain(self, places: range) -> bool:
        return any(self.pieces[at].is_("noun", *BRAIN) for at in places)

    def _is_untreated_since(self, place: int) -> bool:
        """Whether 'no treatment since' is said behind a relapse."""
        behind = min(place + 2, len(self.pieces))
        if not self.outline.has(range(max(0, place - _FAR), behind), "came_back"):
            return False
        return "untreated_since" in self.outline.cues[place] and not self.courses.metastatic()

    def _is_for(self, place: int) -> bool:
        """Whether 'for' or 'in' leads to a piece."""
        if self.pieces[place].key in ("for", "in"):
            return True
        return self.outline.plays(range(max(0, place - 2), place), "for")

    def _became_available(self, place: int) -> bool:
        """Whether the sentence of a drug says that it can be had by now: 'today T-DXd has become reimbursed'."""
        outline = self.outline
        end = min(outline.sentence_end[place], place + _FAR)
        return outline.has(range(place + 1, end), "became_available")

    def _drug(self, place: int) -> None:
        piece = self.pieces[place]
        standing, access, _, access_at = self.now.mentions[place]
        agents = agents_of(piece)
        readings = None if agents else readings_of(piece)
        if agents is not None and "comparator" in self.outline.played:
            lacks = self.outline.gave_placebo(place)
            agents = tuple(agent for agent in agents if agent != lacks)
        if self.outline.may_take_away:
            agents = self._without_the_excepted(place, agents)
        piece.used = standing not in ("mentioned", "family") or access is not None
        if access is not None and (self.told.access is None or access != "available" or self._became_available(place)):
            self.told.access = (access, piece, access_at)
        if standing == "received":
            if "after" in self.outline.said and self._is_told_after_the_question(place):
                return
            order = self.order
            if (order.follower is not None or order.said_again) and order.is_only_named_as_later(place, agents):
                return
            if order.follower is not None or place == order.behind_again:
                order.came_before(place)
            if self.courses.insert is not None:
                order.comes_by_now(place)
            self.grouping.receive(place, agents, readings)
            return
        if standing == "denied" or (standing == "declined" and access is None):
            named = agents or tuple(agent for reading in readings or () for agent in reading)
            for agent in named:
                self.told.denied += [(member, piece) for member in self.classes.get(agent, (agent,))]
        elif standing in ("planned", "asked"):
            if agents is None and readings is not None:
                self.told.unclear_focus.append(Reading(piece, readings))
            self.told.focus += [(agent, piece) for agent in agents or ()]
        self.courses.separate("other")
