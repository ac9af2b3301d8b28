"""Which line a received drug belongs to: one it joins, one it only names again or goes on from, or a new one."""

from __future__ import annotations

from flows.profile import KINDS
from messages.understanding.courses import Course
from messages.understanding.drugs import (
    ANTI_HER2,
    ANTIBODIES,
    AROUND_SURGERY,
    BEFORE_A_TAXANE,
    CONJUGATES,
    ENDOCRINE,
    EXTENDED_ADJUVANT,
    GO_ON,
    Readings,
    agents_of,
    generic,
    go_together,
)
from messages.understanding.named import Cue
from messages.understanding.scan import Piece
from messages.understanding.telling import Telling

_FEW = 4
"""Pieces from a word of the present to the drug it leads to, at most."""
_TAXANES = frozenset(("taxane", *KINDS["taxane"]))
_BY_ITSELF = frozenset(("capecitabine", "eribulin", "gemcitabine", "vinorelbine"))
"""Chemotherapy that is given by itself, or with a drug against HER2."""
_TWO = 2
_LONGEST_ACCOUNT = 24
"""Pieces from a relapse to what is given for it, at most."""
_PATIENT_ON = 5
"""Pieces of 'she is still on', at most."""
_CARRIED_ON: tuple[Cue, ...] = ("carried_on", "completed")
_HAPPENED = ("lost", "rose", "fell", "dropped", "climbed", "gained", "ttp", "ttf", "pfs", "dor")
"""What tells of a drug in the past: 'lost her hair on THP', 'TTP on THP 7 mo'."""
_NOT_NOW: tuple[Cue, ...] = ("started", "progression", "previously", "then", "stopped", "negation", "used_to")
"""Cues before 'on' that show that it tells of the past."""
_HOW_IT_WENT: tuple[Cue, ...] = ("progression", "toxicity", "stopped", "ongoing")
"""Cues behind a combination that is named again for them."""
_WHICH_OF_THEM = ("earlier", "older", "former", "later", "last", "latest", "newer", "latter")
"""What says which of several lines one was."""
_TO_THE_NEXT_PARTNER = 10
"""Pieces from a partner of a drug to its next one, at most."""
_TO_ITS_WHOLE = 5
"""Pieces from a drug to the regimen that it is a part of, at most."""
_JUST_NOW = ("yesterday", "today", "week", "last", "this")
"""What says that a drug was begun just now."""
_BRACKET = 2
"""Pieces from a bracket's sign to the drug behind its heading."""
_LONGEST_LIST = 8
"""Drugs that are looked at for the 'and' that ends their list."""
_HAD_BY = ("via", "from", "by", "through", "shipped", "paid", "bought", "donated", "courtesy", "thanks")
"""What leads from a part of a line to how it was had."""


class Grouping:
    """Puts received drugs into lines."""

    def __init__(self, now: Telling) -> None:
        self.now = now
        self.pieces, self.outline = now.pieces, now.outline
        self.courses, self.outcomes = now.courses, now.outcomes
        self.renamed: Course | None = None
        """The line that the last drug only named again."""
        said, typed, played = now.outline.said, now.outline.typed, now.outline.played
        self._may_join = "joined" in said or not typed.isdisjoint(("alongside", "added", "with"))
        """Whether words that join a drug to the line being told, over a sign, stand anywhere in the text; so below."""
        self._may_exchange = "exchange" in said or not typed.isdisjoint(("to", "into"))
        self._may_drop = (
            not said.isdisjoint(("at_first", "went_on", "stopped", "maintenance"))
            or "a_part" in played
            or "induction" in typed
        )
        self._may_count_from = "since" in played or "more" in played
        self._may_rechallenge = "restarted" in said or any(key.startswith("rechallenge") for key in typed)
        self._may_be_on = "on" in played or "now" in typed or not said.isdisjoint(("ongoing", "current"))
        self._may_be_begun = "started" in said and not typed.isdisjoint(_JUST_NOW)
        self._carried_on = not said.isdisjoint(_CARRIED_ON)

    def receive(self, place: int, agents: tuple[str, ...] | None, readings: Readings | None) -> None:
        """Put a received drug into its line, or into each of the lines it was given with."""
        courses, outline = self.courses, self.outline
        led = place > 0 and "joined" in outline.cues[place - 1]
        if led and self._is_another_partner(place):
            self._begin_with_the_same(place)
        may_be_shared = agents and (led or "throughout" in outline.typed)
        lines = self._lines_it_is_given_with(place, agents or ()) if may_be_shared else []
        for line in lines:
            courses.current = line
            courses.add(self.pieces[place], agents, readings)
        if lines:
            courses.between = "none"
        else:
            courses.referred = None
            self._receive(place, agents, readings)

    def _receive(self, place: int, agents: tuple[str, ...] | None, readings: Readings | None) -> None:
        piece, courses, outline = self.pieces[place], self.courses, self.outline
        new = agents or ()
        self.outcomes.partial = False
        self._part_from_the_last(place)
        if self.now.early and (
            self.now.is_for_metastases(place)
            or self._is_given_after_adjuvant(place, new)
            or self._is_taken_since_a_relapse(place, new)
        ):
            self.now.early = self.now.stays_early = False
            courses.separate("then")
        if self.now.until_relapse is not None and self._is_of_the_relapse(place, self.now.until_relapse):
            self.now.early = self.now.stays_early = False
            self.now.until_relapse = None
            courses.separate("then")
        if (courses.near() and self._is_added(place)) or (self._may_join and self._joins_what_is_told(place)):
            courses.between = "joined"
        if (induction := self._is_its_induction(place, new)) or self._only_describes(place, new):
            if induction or not piece.is_("regimen"):
                courses.add(piece, agents, readings)
            self.outcomes.partial = self._is_part(courses.current, new)
            courses.between = "none"
            return
        again: Course | None = None
        if self._goes_on_as_maintenance(place, new) or self._carries_on(place, new):
            assert courses.current is not None
            again = courses.current if courses.describes(new) else None  # still on HP and tamoxifen
            if courses.current.outcome in ("completed", "toxicity"):  # what goes on did not end
                courses.current.outcome = None
            courses.add(piece, agents, readings)
        elif not self._is_first_of_a_line() and (
            (self._may_exchange and self._is_exchanged(place, new))
            or (self._may_drop and self._was_dropped(place, new))
        ):
            courses.add(piece, agents, readings)
            self.outcomes.partial = True
        elif (again := self._named_again(place, new)) is not None:
            if self._comes_later(again, place):
                courses.all.remove(again)
                courses.all.append(again)
            courses.current = courses.referred = again
            courses.add(piece, agents, readings)
            self.outcomes.partial = self._is_part(again, new)
        else:
            apart = not self._joins(place, new or self._likely(readings))
            if apart and not self._is_numbered_now(new):
                self._begin(place, new)
            courses.add(piece, agents, readings)
        self.renamed = again
        if courses.insert is not None and not self._is_followed_by_another_line(place):
            courses.merge_step_down()
        assert courses.current is not None
        if "than" in outline.said and outline.is_excepted(place):
            self.outcomes.except_from_all(courses.current)
        present = self.outcomes.pending is None and (
            (self._may_be_on and self._is_on(place)) or (self._may_be_begun and self._was_just_begun(place))
        )
        self.outcomes.receive(courses.current, present=present)
        courses.between = "none"
        self.now.relapsed = False

    def _is_first_of_a_line(self) -> bool:
        """Whether a number parts what follows from early-stage treatment: 'adjuvant A. First line was B alone'."""
        current = self.courses.current
        return bool(self.now.numbers) and current is not None and current.early

    def _is_its_induction(self, place: int, new: tuple[str, ...]) -> bool:
        """Whether a bracket says what the line being told began with: 'HP + letrozole maintenance (induction THP)'."""
        pieces, current = self.pieces, self.courses.current
        if "induction" not in self.outline.typed or place < _BRACKET or current is None or current.early:
            return False
        led = pieces[place - 1].key == "induction" and pieces[place - 2].key in ("(", ",")
        return (
            led and self.now.is_told_here(current) and GO_ON.issuperset(current.agents) and bool(set(new) & ANTIBODIES)
        )

    def _is_given_after_adjuvant(self, place: int, new: tuple[str, ...]) -> bool:
        """Whether a drug is given now, and adjuvant anti-HER2 therapy ended before it: 'adjuvant TCH 5 years ago, now
        THP', 'adjuvant trastuzumab until 2018, THP since 2022', or one that is never given around surgery: 'adjuvant
        TCH, T-DXd currently'; not 'neoadjuvant TCHP done, now on HP'."""
        outline, course, last = self.outline, self.courses.current, self.outline.last_drug[place]
        group = self._group(place) | set(new)
        if course is None or last is None or not course.early or not set(course.agents) & ANTI_HER2:
            return False
        if not group & ANTI_HER2 or group <= set(course.agents) | ENDOCRINE | EXTENDED_ADJUVANT:
            return False
        first = outline.sentence_start[place]
        adjuvant = any(self.pieces[at].key in ("adjuvant", "adj", "adjuvantly") for at in range(first, place))
        between = range(last + 1, place)
        parted = any(self.pieces[at].key == "," for at in between) and not outline.has(between, "early")
        if parted and not group <= AROUND_SURGERY:
            return True
        ended = outline.has(between, "completed", "stopped", "ended", "before_it") or any(
            self.pieces[at].kind == "date" or "earlier" in self.pieces[at].roles for at in between
        )
        if not (adjuvant and ended and any(self.pieces[at].key == "," for at in between)):
            return False
        ahead = range(max(last + 1, place - _FEW), place)
        behind = range(outline.last_of_list(place) + 1, outline.stretch_end[place])
        now = any(self.pieces[at].key == "now" or "current" in outline.cues[at] for at in (*ahead, *behind))
        now = now or outline.plays(ahead, "present")
        since = any(
            self.pieces[at].key == "since" and self.pieces[at + 1].kind == "date"
            for at in behind
            if at + 1 < len(self.pieces)
        )
        return now or since

    def _is_of_the_relapse(self, place: int, since: int) -> bool:
        """Whether a drug follows those that were given until a relapse, which is told before them: since there."""
        courses, last = self.courses, self.outline.last_drug[place]
        ended = courses.current is not None and courses.current.early and courses.between in ("comma", "then")
        if not ended or last is None or last <= since:
            return False
        return self.now.is_told_here(courses.current) or self.renamed is courses.current

    def _part_from_the_last(self, place: int) -> None:
        """Part a drug from the one before it where words that lead to it do."""
        given = self.outcomes.given  # or else there is no outcome to go on from
        if (given and self.outcomes.leads_again(place)) or (
            "instead" in self.outline.typed and self._was_given_instead(place)
        ):
            self.courses.separate("then")
        elif given and not self._is_of_the_same_list(place):
            self.outcomes.next_list()

    def _was_given_instead(self, place: int) -> bool:
        """Whether a list was given in the place of what was told: 'Taxol (shock, stopped, A + B instead)'."""
        if self.outline.first_of_list(place) != place:
            return False
        behind = self.outline.last_of_list(place) + 1
        return behind < len(self.pieces) and self.pieces[behind].key == "instead"

    def _is_of_the_same_list(self, place: int) -> bool:
        """Whether a drug goes on the list of the one before it, over what leads to both."""
        last = self.outline.last_drug[place]
        if last is None or self.outline.joins(last, place):
            return True
        return self._is_behind_an_aside(place) or self._is_behind_a_site(last, place - 1)

    def _is_behind_a_site(self, drug: int, joined: int) -> bool:
        """Whether only where it grew parts a drug from an 'and': 'she failed A in the lung and B in the liver'."""
        if self.outcomes.pending != "progression" or self.pieces[joined].key != "and":
            return False
        between = self.pieces[drug + 1 : joined]
        named = any(piece.is_("noun", "organ") for piece in between)
        return named and all(piece.kind == "silent" or piece.is_("noun", "organ", "organ_mets") for piece in between)

    def _is_behind_an_aside(self, place: int) -> bool:
        """Whether an aside parts a drug from the 'and' that joins it: 'failed A and, earlier, B'."""
        at = place - 1
        at -= at > 0 and "linking" in self.pieces[at].roles
        return at > 0 and self.pieces[at].key == "," and self.outline.is_in_an_aside(at)

    def _likely(self, readings: Readings | None) -> tuple[str, ...]:
        """The reading of an unclear drug that least belongs to the line being told: 'T-DM1 and a TKI' are two lines."""
        course = self.courses.current
        have = set(course.agents) if course is not None else set()
        apart = (reading for reading in readings or () if not go_together(have, set(reading)))
        return next(apart, (readings or ((),))[0])

    @staticmethod
    def _is_part(course: Course | None, new: tuple[str, ...]) -> bool:
        """Whether drugs are the chemotherapy of a line that goes on without it."""
        return course is not None and ANTI_HER2.isdisjoint(new) and not set(new).issuperset(course.agents)

    def _is_added(self, place: int) -> bool:
        """Whether a drug is expressly given with the one before: 'first line T-DXd, with pertuzumab'."""
        before = place - 1
        if before < 0 or self.outline.stretch[before] != self.outline.stretch[place]:
            return False
        return self.pieces[before].key == "+" or (
            "joined" in self.outline.cues[before] and self.pieces[before].key != "and"
        )

    def _joins_what_is_told(self, place: int) -> bool:
        """Whether words around a drug join it to the line being told, over a sign."""
        return self._is_given_with_it(place) or self._was_added(place) or self._opens_with(place)

    def _is_based_on_it(self, place: int) -> bool:
        """Whether the drug before only says what a regimen consists of: 'docetaxel-based CLEOPATRA', 'taxane-based
        THP'."""
        last, pieces = self.outline.last_drug[place], self.pieces
        if last is None or pieces[place - 1].kind == "sign" or not pieces[place].is_("regimen"):
            return False
        if self._is_the_whole_of(place, last):
            return True
        if place - last > 3:
            return False
        described = last == place - 1 or pieces[place - 1].key in ("based", "containing")
        return described and generic(agents_of(pieces[last]) or ("",)) <= generic(agents_of(pieces[place]) or ())

    def _is_the_whole_of(self, place: int, part: int) -> bool:
        """Whether a regimen is only named as what the drug before it is a part of: 'the dose of capecitabine in TCT',
        'tucatinib arm of HER2CLIMB', 'taxane dropped from THP'."""
        outline, pieces = self.outline, self.pieces
        if place - part > _TO_ITS_WHOLE or outline.stretch[part] != outline.stretch[place]:
            return False
        between = range(part + 1, place)
        leads = any(pieces[at].key in ("in", "of", "from") or "went_on" in outline.cues[at] for at in between)
        light = all(
            pieces[at].kind == "silent"
            or pieces[at].key in ("arm", "part", "component")
            or "went_on" in outline.cues[at]
            for at in between
        )
        return leads and light and outline.is_part_of(part, place)

    def _opens_with(self, place: int) -> bool:
        """Whether 'with' opens a stretch behind the line being told: 'T-DXd (in a trial, with pertuzumab)'."""
        current, before = self.courses.current, place - 2
        if current is None or before < 0 or self.pieces[place - 1].key != "with":
            return False
        open_ = current.outcome is None and self.now.is_told_here(current)
        return open_ and self.pieces[before].key in ("(", ",") and not self.pieces[place].is_("regimen")

    def _was_added(self, place: int) -> bool:
        """Whether a drug was added to the line being told: 'HP goes on; ER+, so anastrozole added'."""
        if "added" not in self.outline.typed or self.courses.current is None:
            return False
        agents = set(agents_of(self.pieces[place]) or ())
        for at in self.outline.rest_of_stretch(place):
            if self.pieces[at].key == "added":
                return bool(agents) and not agents & CONJUGATES
            if not (self.outline.is_drug[at] or self.outline.is_joining(at) or self.pieces[at].kind == "date"):
                return False
        return False

    def _is_given_with_it(self, place: int) -> bool:
        """Whether a drug belongs to the line told before: 'she had docetaxel with it'."""
        outline = self.outline
        if self.courses.current is None or place + 2 >= len(self.pieces):
            return False
        if self._ends_in_alongside(place):
            return True
        if "joined" in outline.cues[place - 1] and any(
            outline.tells_it_was_given(at) for at in range(max(0, place - 3), place)
        ):
            return True  # docetaxel? she had it with HP
        pointed = self.pieces[place + 2]
        return "joined" in outline.cues[place + 1] and "pronoun" in pointed.roles

    def _ends_in_alongside(self, place: int) -> bool:
        """Whether the list of a drug is all given 'alongside' the line told before."""
        outline = self.outline
        if "alongside" not in outline.typed:
            return False
        at = outline.stretch_end[place] - 1
        at -= self.pieces[at].kind == "sign"
        last = outline.last_drug[at]
        if self.pieces[at].key != "alongside" or last is None or not (last == place or outline.joins(place, last)):
            return False
        return all(outline.is_joining(each) or "previously" in outline.cues[each] for each in range(last + 1, at))

    def _lines_it_is_given_with(self, place: int, new: tuple[str, ...]) -> list[Course]:
        """The lines that an antibody belongs to as one of each: 'cape, then vino, each with Herceptin';
        'cape, then vino, Herceptin throughout'."""
        outline, pieces = self.outline, self.pieces
        if not new or not GO_ON.issuperset(new):
            return []
        if place + 1 < len(pieces) and pieces[place + 1].key == "throughout":
            return self._lines_without_antibody()
        if outline.stretch_start[place] == place or "joined" not in outline.cues[place - 1]:
            return []
        before = outline.before_in_stretch(place, 7)
        every = next((at for at in before if pieces[at].key in ("each", "all", "both")), None)
        if every is None or not all(
            pieces[at].kind in ("silent", "sign") or "previously" in outline.cues[at]
            for at in range(every + 1, place - 1)
        ):
            return []
        return self._lines_without_antibody()

    def _is_another_partner(self, place: int) -> bool:
        """Whether 'with' names the next partner of what stands before: 'Herceptin with Taxol, with Navelbine',
        'Herceptin: adjuvant with Taxol, first line with Navelbine'."""
        outline, pieces, course = self.outline, self.pieces, self.courses.current
        last = outline.last_drug[place]
        if course is None or last is None or not last + 2 < place <= last + _TO_THE_NEXT_PARTNER:
            return False
        parted = place - 2
        while parted > last and self._says_when(parted):
            parted -= 1
        if pieces[parted].key not in (",", "and", ";") or pieces[last] not in course.pieces:
            return False
        if any("joined" not in outline.cues[drug - 1] or pieces[drug - 1].key == "and" for drug in (place, last)):
            return False
        same = len(course.pieces) > 1 and GO_ON.issuperset(agents_of(course.pieces[0]) or ("",))
        return same and not set(agents_of(pieces[place]) or ()) & GO_ON

    def _says_when(self, place: int) -> bool:
        """Whether a piece only says when drugs were given, or as which line."""
        when = self.pieces[place].kind in ("line", "date", "silent")
        return when or not self.outline.cues[place].isdisjoint(("early", "then"))

    def _begin_with_the_same(self, place: int) -> None:
        """Begin a line with what the line being told began with."""
        course = self.courses.current
        assert course is not None
        head = course.pieces[0]
        self._begin(place, agents_of(head) or ())
        self.courses.between = "joined"
        self.courses.add(head, agents_of(head), None)

    def _lines_without_antibody(self) -> list[Course]:
        """The lines told in this sentence, or else before it, that have no antibody yet."""
        told = {course.sentence for course in self.courses.all if not course.early}
        here = {self.now.sentence} if self.now.sentence in told else told
        lines = [course for course in self.courses.metastatic() if course.sentence in here]
        return [course for course in lines if not set(course.agents) & (ANTIBODIES | CONJUGATES)]

    def _joins(self, place: int, new: tuple[str, ...]) -> bool:
        course = self.courses.current
        if course is not None and self._is_based_on_it(place):
            return True
        if self._may_join and self._is_given_with_it(place):
            return self.courses.joins(new, self._group(place), regimen=False)
        if course is None or (self.now.numbers and not self._numbers_are_told(course)):
            return False
        if self._repeats_a_partner(place, course) or self._is_another_chemotherapy(place, course, set(new)):
            return False
        if self._begins_a_triplet(place, course, set(new)):
            return False
        shared = self.outcomes.pending is not None and self.outcomes.given
        if (course.outcome is not None and not shared) or (self.now.early and not course.early):
            return False
        if (
            self.now.leading is course
            and self.courses.between not in ("none", "joined")
            and not (self.is_in_a_list(place) or self.completes_a_line(place))
        ):
            return False
        return self.courses.joins(new, self._group(place), regimen=self.pieces[place].is_("regimen"))

    def _repeats_a_partner(self, place: int, course: Course) -> bool:
        """Whether 'and' leads to another combination with a partner of the line being told, or with one of its own for
        chemotherapy: 'A/B & C/B', 'lap/cape and vino + H'."""
        outline, pieces = self.outline, self.pieces
        if not (course.combined and "joined" in outline.cues[place - 1]):
            return False
        following = outline.drug_in_stretch_after(place)
        if following != place + 2 or pieces[place + 1].key not in ("/", "+"):
            return False
        if set(agents_of(pieces[following]) or ()) & set(course.agents):
            return True
        told, more = (each & ANTI_HER2 for each in (set(course.agents), self._group(place)))
        return pieces[place - 1].key == "and" and bool(told and more) and not told | more <= ANTIBODIES

    def _is_another_chemotherapy(self, place: int, course: Course, new: set[str]) -> bool:
        """Whether a chemotherapy by itself, over a comma or 'and', follows a combination that a sign joined, and that
        has its own: 'lapatinib + capecitabine, vinorelbine', 'trastuzumab/vinorelbine and eribulin'."""
        pieces, last, have = self.pieces, self.outline.last_drug[place], set(course.agents)
        if have and have <= _BY_ITSELF and self.courses.between == "comma":  # eribulin, lapatinib + capecitabine
            signed = place + 1 < len(pieces) and pieces[place + 1].key in ("+", "/")
            group = self._group(place)
            return signed and bool(group & ANTI_HER2 and group & _BY_ITSELF)
        if last is None or last < _TWO or not new <= _BY_ITSELF or not have & ANTI_HER2:
            return False
        own = have & (_BY_ITSELF | _TAXANES)
        if not own or pieces[last] not in course.pieces or pieces[last - 1].key not in ("+", "/"):
            return False
        if self._group(place) != new or not self.outline.is_drug[last - _TWO]:
            return False
        return all(piece.key not in ("+", "/", "with", "plus") for piece in pieces[last + 1 : place])

    def _begins_a_triplet(self, place: int, course: Course, new: set[str]) -> bool:
        """Whether tucatinib behind a conjugate begins a list of its own partners: 'T-DM1 and tucatinib, capecitabine
        and trastuzumab'."""
        pieces = self.pieces
        if new != {"tucatinib"} or not CONJUGATES & set(course.agents) or place + _TWO >= len(pieces):
            return False
        partners = set(agents_of(pieces[place + _TWO]) or ())
        return pieces[place + 1].key == "," and bool(partners) and partners <= {"capecitabine", "trastuzumab"}

    def _numbers_are_told(self, course: Course) -> bool:
        """Whether the numbers that wait are of lines still to come: '2nd and 3rd line: A + B and C'."""
        return course.number is not None and course.sentence == self.now.sentence and self.courses.between == "joined"

    def is_in_a_list(self, place: int) -> bool:
        """Whether a drug belongs to a list with the one before it that ends in 'and': 'after A, B and C'."""
        outline = self.outline
        at = outline.last_drug[place]
        if at is None or not outline.joins(at, place):
            return False
        for _ in range(_LONGEST_LIST):
            following = outline.drug_in_sentence_after(at)
            if following is None or not outline.joins(at, following):
                return False
            if any(self.pieces[each].key == "and" for each in range(at, following)):
                return True
            at = following
        return False

    def completes_a_line(self, place: int) -> bool:
        """Whether single drugs behind a comma are of one line: 'progressed on docetaxel, Herceptin, Perjeta'."""
        course, new = self.courses.current, set(agents_of(self.pieces[place]) or ())
        if course is None or course.regimen or self.pieces[place].is_("regimen") or not new:
            return False
        if self.outline.last_drug[place] != place - 2 or self.pieces[place - 2] not in course.pieces:
            return False
        both = set(course.agents) | new
        if not go_together(set(course.agents), new) or both & CONJUGATES:
            return False
        following = self.outline.drug_in_sentence_after(place)
        if following == place + 2 and self.pieces[place + 1].key in ("+", "/"):
            return False  # after paclitaxel, trastuzumab + lapatinib
        listed = following == place + 2 and self.pieces[place + 1].key == ","
        last = set(agents_of(self.pieces[following]) or ()) if listed and following is not None else set()
        return bool((both | last) & ANTI_HER2) and go_together(both, last)

    def _group(self, place: int) -> set[str]:
        """The drugs that are joined to a drug in its stretch, with its own."""
        joined = range(place, self.outline.last_of_list(place) + 1)
        given = (at for at in joined if self.outline.is_drug[at] and self.now.mentions[at].standing == "received")
        return {agent for at in given for agent in agents_of(self.pieces[at]) or ()}

    def _is_numbered_now(self, new: tuple[str, ...]) -> bool:
        """Give its number to the line an earlier sentence told without one: 'T-DXd stopped for ILD. First THP, second
        T-DXd'."""
        courses, numbers = self.courses, self.now.numbers
        known = courses.same(new) if numbers else None
        if known is None or known.early or known.number is not None or known.sentence == self.now.sentence:
            return False
        if set(known.agents) != set(new) or known is courses.current:
            return False
        known.number, courses.current = numbers.pop(0), known
        return True

    def _begin(self, place: int, new: tuple[str, ...]) -> None:
        piece = self.pieces[place]
        course = Course(sentence=piece.sentence, clause=piece.clause, regimen=piece.is_("regimen"))
        if self.now.numbers:
            course.number = self.now.numbers.pop(0)
            course.counted = self.now.counting
            self.now.early = self.now.early and course.counted  # 1) neoadjuvant TCHP
        ahead = "maintenance" in self.outline.said and self._maintenance_ahead(place)
        course.maintenance = self.now.maintenance or ahead
        course.goes_on = course.maintenance or self._is_told_to_go_on(place)
        course.opens = self._is_what_the_patient_is_on(place)
        continues = self.now.stays_early and self._continues_early(place, new)
        course.early = self.now.early or (continues and not self.now.is_for_metastases(place))
        course.early = course.early or self._only_ended_before(place, new)
        if self.courses.insert is not None and self.courses.insert < len(self.courses.all):
            course.early = course.early or self.courses.all[self.courses.insert].early
        course.later = self._is_led_to_by_then(place)
        before = self.courses.current
        course.aside = before is not None and before.sentence == piece.sentence and place >= _BRACKET
        course.aside = (
            course.aside and self.pieces[place - 1].key == "(" and self.pieces[place - _BRACKET].kind != "sign"
        )
        course.follows, self.now.leading = self.now.leading, None
        if self.now.leads:
            self.now.leading, self.now.leads = course, False
        self.courses.begin(course)
        if not course.early:
            self.now.stays_early = False
        self.now.operated = self.now.maintenance = False

    def _is_told_to_go_on(self, place: int) -> bool:
        """Whether a drug is told to have been kept, or to be given now: 'we carried on with HP', 'HP was continued'."""
        outline = self.outline
        if self._is_present(place):
            return True
        last = outline.last_of_list(place)
        beside = (*outline.before_in_stretch(place, 3), *outline.rest_of_stretch(last, 3))
        if any(self.pieces[at].key == "now" for at in outline.rest_of_stretch(last, 2)):
            return True
        return self._carried_on and outline.has(beside, "carried_on", "maintenance")

    def _is_what_the_patient_is_on(self, place: int) -> bool:
        """Whether 'on', with the patient before it at most, opens a sentence and leads to a drug."""
        start = self.outline.sentence_start[place]
        led = self.pieces[start:place] if place - start <= _PATIENT_ON else []
        on = bool(led) and "on" in led[-1].roles
        return on and all(
            piece.roles & {"person", "woman", "is", "still", "present", "until_now"}
            or piece.cue("the_patient", "ongoing")
            or piece.key in ("she", "he", "s", "'", "pt", "patient")
            for piece in led[:-1]
        )

    def _is_followed_by_another_line(self, place: int) -> bool:
        """Whether 'and' joins to a drug one that came behind it, as another line: 'on HP, previously THP and T-DM1'."""
        outline, current = self.outline, self.courses.current
        following = outline.drug_in_sentence_after(place)
        if following is None or current is None or not outline.joins(place, following):
            return False
        if self.now.mentions[following].standing != "received":
            return False
        between = [self.pieces[at].key for at in range(place + 1, following)]
        joined = "and" in between or "&" in between or (self.courses.insert_stays and between == [","])
        more = set(agents_of(self.pieces[following]) or ())
        return joined and bool(CONJUGATES & more) and not CONJUGATES & set(current.agents)

    def _is_led_to_by_then(self, place: int) -> bool:
        """Whether 'then' stands between the drug before it and a drug."""
        outline, last = self.outline, self.outline.last_drug[place]
        return last is not None and outline.has(range(last + 1, place), "then")

    def _continues_early(self, place: int, new: tuple[str, ...]) -> bool:
        """After early-stage drugs and surgery, or in the middle of such a course, what follows is early-stage too."""
        course = self.courses.current
        if course is None or not course.early or self.now.metastatic:
            return False
        agents = set(course.agents)
        group = self._group(place) | set(new)
        endocrine = bool(new) and set(new) <= ENDOCRINE | EXTENDED_ADJUVANT
        endocrine = endocrine and (group <= ENDOCRINE | EXTENDED_ADJUVANT or bool(agents & ANTI_HER2))
        if self._takes_its_place(place, course):
            return True
        told = {agent for each in self.courses.all if each.early for agent in each.agents}
        if told & BEFORE_A_TAXANE and not told & ANTI_HER2 and self._group(place) <= ANTIBODIES:
            return True  # adjuvant AC x4, docetaxel x4, then trastuzumab
        beside = self.courses.between in ("comma", "joined") and not self.now.relapsed
        if beside and self._group(place) <= agents & ANTIBODIES:
            return True  # TCH (adjuvant), Herceptin till 2020
        return self.now.operated or endocrine or (bool(agents) and agents <= BEFORE_A_TAXANE)

    def _is_taken_since_a_relapse(self, place: int, new: tuple[str, ...]) -> bool:
        """Whether endocrine therapy is given now, and the same sentence told a relapse before adjuvant treatment:
        'relapse a year after adjuvant HP, on letrozole now'; not 'relapse under adjuvant letrozole'."""
        outline, course, last = self.outline, self.courses.current, self.outline.last_drug[place]
        if not new or not ENDOCRINE.issuperset(new) or course is None or not course.early or last is None:
            return False
        if outline.has(range(last + 1, place), "early") or not self._is_on(place):
            return False
        first = max(outline.sentence_start[place], place - _LONGEST_ACCOUNT)
        return any(
            outline.cues[at] & {"came_back", "relapse"} and not outline.has(range(max(first, at - 2), at), "negation")
            for at in range(first, last)
        )

    def _takes_its_place(self, place: int, course: Course) -> bool:
        """Whether a drug took the place of the early-stage one before it: 'adjuvant T-DM1 x4, changed to Herceptin'."""
        outline = self.outline
        last = outline.last_drug[place]
        if last is None or course.sentence != self.now.sentence or "exchanged_for" not in outline.cues[place - 1]:
            return False
        return not outline.has(range(max(last, place - 12), place), "progression", "came_back", "relapse")

    def _only_ended_before(self, place: int, new: tuple[str, ...]) -> bool:
        """Whether only the last dose of adjuvant treatment is dated: 'last trastuzumab 4 months ago'."""
        courses, pieces = self.courses.all, self.pieces
        if not courses or not all(course.early for course in courses) or not set(new) & ANTI_HER2:
            return False
        if not place:
            return False
        named = "completed_adjuvant" in self.outline.cues[place - 1] and set(new) <= ANTI_HER2
        if named and not (self.now.relapsed or self.now.is_for_metastases(place)):
            return set(new) <= {agent for course in courses for agent in course.agents}  # TCHP, finished trastuzumab
        if pieces[place - 1].key not in ("last", "final") or place + 2 >= len(pieces):
            return False
        return pieces[place + 1].kind == "duration" and "earlier" in pieces[place + 2].roles

    def _is_on(self, place: int) -> bool:
        """Whether 'on' stands before a drug, in the present: 'on T-DM1', 'on second-line maintenance HP'."""
        outline = self.outline
        if place > 1 and self.pieces[place - 1].key in ("(", ",", ":") and self.pieces[place - 2].kind == "line":
            place -= 1  # on her second line (T-DXd)
        for at in outline.before_in_stretch(place, 5):
            piece, cues = self.pieces[at], outline.cues[at]
            if piece.asked and "ongoing" in cues:  # how to treat diarrhoea, still on neratinib
                return True
            if (piece.key == "now" or "current" in cues) and not piece.asked:
                return True
            if "on" in piece.roles:
                graded = at > 1 and "severity" in self.pieces[at - 2].roles  # ILD grade 1 on T-DXd
                before = range(max(outline.stretch_start[at], at - 2 - graded), at)
                toxic = outline.has(before, "a_toxicity", "toxicity") and not piece.asked
                toxic = toxic and not (self._in_a_cycle(place) or self._has_it_now(at))
                grew = outline.has(range(max(outline.stretch_start[at], at - 5), at), "strong_progression")
                past = (
                    toxic
                    or grew
                    or outline.has(before, *_NOT_NOW)
                    or self.outcomes.is_dated_behind(at)
                    or self.outcomes.was_spent(at)
                )
                happened = range(max(outline.stretch_start[at], at - 4), at)
                past = past or any(self.pieces[each].key in _HAPPENED for each in happened)
                past = past and not (at > 0 and "then" in outline.cues[at - 1] and self._goes_well_by_now(place))
                past = past or (at > 0 and self.pieces[at - 1].key == "last")  # last on T-DM1, before that THP
                return not past and (self._has_been_on_it_for(at, place) or not self.outline.plays(before, "past"))
            passed = piece.kind in ("silent", "cycles", "line", "ordinal", "date") or (
                piece.kind == "sign" and piece.key in "-:@"
            )
            passed = passed or (piece.kind == "number" and "cycles" in outline.cues[at - 1])  # now cycle 4 of A
            passed = passed or self._counts_the_cycle(at)
            if not passed and not cues & {"maintenance", "cycles"}:
                return False
        return False

    def _goes_well_by_now(self, place: int) -> bool:
        """Whether it is told behind a drug that it works, and nothing ends it: 'then on T-DM1, stable so far'."""
        outline = self.outline
        last = outline.last_of_list(place)
        rest = range(last + 1, outline.sentence_end[place])
        if outline.has(rest, "progression", "stopped", "toxicity", "then", "completed"):
            return False
        return outline.has(rest, "stable", "responding", "so_far", "no_progression")

    def _has_been_on_it_for(self, on: int, place: int) -> bool:
        """Whether it is told for how long a drug is given by now: 'has been on HP for two years'."""
        outline, pieces = self.outline, self.pieces
        if on < 2 or pieces[on - 1].key != "been" or pieces[on - 2].key not in ("has", "s"):
            return False
        behind = outline.last_of_list(place) + 1
        return behind + 1 < outline.stretch_end[place] and (
            pieces[behind].key == "for" and pieces[behind + 1].kind == "duration"
        )

    def _has_it_now(self, place: int) -> bool:
        """Whether a toxicity before a place is of the present: 'has severe vomiting on T-DXd'."""
        back = self.outline.before_in_stretch(place, 5)
        return any(self.pieces[at].key == "has" for at in back) and not self.outline.has(back, "has_had")

    def _was_just_begun(self, place: int) -> bool:
        """Whether a drug was begun so lately that it is given now: 'started T-DXd yesterday', 'started TCT last
        week'."""
        outline = self.outline
        first, behind = outline.first_of_list(place), outline.last_of_list(place) + 1
        if not first or "started" not in outline.cues[first - 1] or self.pieces[first - 1].key != "started":
            return False
        keys = [piece.key for piece in self.pieces[behind : behind + 2]]
        lately = keys[:1] in (["yesterday"], ["today"]) or keys in (["last", "week"], ["this", "week"])
        return lately and not self.pieces[place].asked

    def _counts_the_cycle(self, place: int) -> bool:
        """Whether a piece is the short form of a cycle's number: 'now C9 T-DXd'."""
        return self.pieces[place].key[:1] == "c" and self.pieces[place].key[1:].isdigit()

    def _in_a_cycle(self, place: int) -> bool:
        """Whether the cycle that runs is counted behind a drug: 'febrile neutropenia on docetaxel + HP cycle 2'."""
        outline, pieces = self.outline, self.pieces
        return any(
            "cycles" in outline.cues[at] and at + 1 < outline.stretch_end[at] and pieces[at + 1].kind == "number"
            for at in outline.rest_of_stretch(place, 8)
        )

    def _only_describes(self, place: int, new: tuple[str, ...]) -> bool:
        """Whether a drug only says again what was just named: 'Kadcyla (T-DM1)', 'AI = letrozole'."""
        inside = place < self.now.described_until
        course, behind = self.courses.current, self.pieces[place + 1].key if place + 1 < len(self.pieces) else ""
        if behind == "arm" and self.courses.describes(new) and self.now.is_told_here(course):
            return course is not None and course.regimen  # HER2CLIMB, tucatinib arm
        if not (self.courses.near() or inside) or self.now.numbers:
            return False
        before = self._behind_its_cycles(place)
        if before is None:
            return False
        bracket = (before.kind == "sign" and before.key in ("(", "=", ":")) or self._spells_out(place, new)
        same = set(new) == set(self._last_named(place)) or self._steps_down(place, new)
        slash = before.kind == "sign" and before.key == "/" and same
        if not ((bracket or slash or inside) and self.courses.describes(new)):
            return False
        if before.key == "(":
            self.now.described_until = self._end_of_bracket(place)
        elif before.key in ("with", "of"):
            self.now.described_until = self._last_listed(place) + 1
        return True

    def _last_listed(self, place: int) -> int:
        """The last drug of the list a drug begins, over its commas."""
        for _ in range(_LONGEST_LIST):
            following = self.outline.drug_in_sentence_after(place)
            if following is None or not self.outline.joins(place, following):
                break
            place = following
        return place

    def _spells_out(self, place: int, new: tuple[str, ...]) -> bool:
        """Whether 'with', 'of' leads from a combination to its own drugs: 'tucatinib triplet with cape and tras'."""
        leads = self.pieces[place - 1].key in ("with", "of") and self.outline.is_drug[place - 2]
        told = leads and self.pieces[place - 2].is_("regimen")
        return told and bool(new) and set(new) <= set(self._last_named(place))

    def _steps_down(self, place: int, new: tuple[str, ...]) -> bool:
        """Whether the antibodies of a regimen are named behind it as what it goes on with: 'THP/HP'."""
        last = set(self._last_named(place))
        return len(new) > 1 and set(new) < last and set(new) <= ANTIBODIES

    def _behind_its_cycles(self, place: int) -> Piece | None:
        """The piece before a drug, or before the cycles that are counted of it: 'THP (18 cycles HP)'."""
        at = place - 1
        while at > 0 and self.pieces[at].kind in ("cycles", "number", "duration", "silent"):
            at -= 1
        counted = at >= 0 and self.pieces[at].key == "("
        first = at if counted else place - 1
        return self.pieces[first] if first >= 0 else None

    def _end_of_bracket(self, place: int) -> int:
        """Where the bracket that a drug opens is closed."""
        end = self.outline.sentence_end[place]
        closing = (at for at in range(place + 1, min(end, place + 16)) if self.pieces[at].key == ")")
        return next(closing, place)

    def _last_named(self, place: int) -> tuple[str, ...]:
        last = self.outline.last_drug[place]
        return (agents_of(self.pieces[last]) or ()) if last is not None else ()

    def _goes_on_as_maintenance(self, place: int, new: tuple[str, ...]) -> bool:
        """Whether the line being told goes on with these drugs: THP, then HP; 'HP with letrozole as maintenance'."""
        course = self.courses.current
        if (
            course is None
            or self.now.numbers
            or (self.now.early and not course.early)
            or (course.early and self.now.relapsed)
        ):
            return False
        ahead = "maintenance" in self.outline.said and self._maintenance_ahead(place)
        if (self.now.maintenance or ahead) and self.courses.maintains(new):
            return True
        resumed = self.courses.between == "sentence" and self._is_present(place)
        counted = place >= _TWO and self.pieces[place - _TWO].kind == "cycles"  # TH x6, H for a year
        counted = counted and self.pieces[place - 1].key == ","
        listed = self.courses.between == "comma" and ("pertuzumab" in new or counted) and not course.early
        if (
            not (self.courses.between == "then" or listed or resumed)
            or (self.courses.insert is not None and not self.courses.insert_stays)
            or self.outcomes.pending is not None
            or not self.courses.steps_down(new)
        ):
            return False
        following = self.outline.drug_in_stretch_after(place)
        joined = following is not None and self.outline.joins(place, following)
        more = set(agents_of(self.pieces[following]) or ()) if joined and following is not None else set()
        return more <= GO_ON

    def _carries_on(self, place: int, new: tuple[str, ...]) -> bool:
        """Whether the partners of a drug that was stopped went on: 'docetaxel stopped for LFTs, HP carried on';
        'TCT, tucatinib dropped for rash, cape and Herceptin go on'."""
        course, outline = self.courses.current, self.outline
        if course is None or self.now.numbers:
            return False
        taxanes = _TAXANES.issuperset(course.agents)
        still = (course.stopped or course.outcome == "toxicity") and self._is_still_on(place)
        if not (taxanes or still or self._carried_on):
            return False
        first = outline.sentence_start[place]
        behind = first > 0 and self.pieces[first - 1].key in (";", ".") and course.outcome == "toxicity"
        if course.sentence != self.now.sentence - behind:
            return False
        more = self._group(place) | set(new)
        kept = bool(new) and more < set(course.agents) and course.outcome in (None, "toxicity")
        added = course.outcome in (None, "toxicity", "completed") and go_together(set(course.agents), more)
        if still and added:
            return True
        ended = course.stopped or course.outcome == "toxicity"
        added = added and (taxanes or ended or more <= GO_ON)  # not 'THP, then eribulin ongoing'
        if not (kept or added) or (added and not (kept or taxanes) and self._is_present(place)):
            return False
        if taxanes and more <= ANTIBODIES and self._is_present(place):
            before = range(outline.last_drug[place] or 0, place)
            return not outline.has(before, "then")  # docetaxel x6 done, still on HP
        last = outline.last_of_list(place)
        return outline.has(range(last + 1, min(last + 4, outline.stretch_end[place])), *_CARRIED_ON)

    def _is_still_on(self, place: int) -> bool:
        """Whether 'still' is said of a list of drugs, before it or behind: 'still on A and B', 'A and B she still
        has', 'continues A and B'."""
        outline = self.outline
        leads = outline.first_of_list(place) - 1
        while leads > 0 and self.pieces[leads].key in ("on", "with"):
            leads -= 1
        if leads > 0 and (self._carried_on and "carried_on" in outline.cues[leads]):
            return True
        if leads > 0 and self.pieces[leads].key in ("remains", "stays", "continues"):
            return True
        if "still" not in outline.played and "still" not in outline.typed:
            return False
        first, last = outline.first_of_list(place), outline.last_of_list(place)
        beside = (*outline.before_in_stretch(first, 4), *range(last + 1, min(last + 4, outline.stretch_end[last])))
        return any("still" in self.pieces[at].roles or self.pieces[at].key == "still" for at in beside)

    def _is_present(self, place: int) -> bool:
        """Whether what stands before a drug says that it is given now: 'still on HP'."""
        return self.outcomes.pending_ongoing or (self._may_be_on and self._is_on(place))

    def _maintenance_ahead(self, place: int) -> bool:
        """Whether the drugs named here are called maintenance: 'HP maintenance', 'HP with letrozole as maintenance'."""
        outline = self.outline
        for at in range(place + 1, min(outline.sentence_end[place], place + 10)):
            cues = outline.cues[at]
            if self.pieces[at].key in ("->", ",", ")") or cues & {"then", "progression"}:
                return False
            if "maintenance" in cues:
                return True
        return False

    def _is_of_more(self, place: int) -> bool:
        """Whether it is said of more of a drug: 'lap/cape, declines more cape'."""
        return place > 0 and "more" in self.pieces[place - 1].roles

    def _named_again(self, place: int, new: tuple[str, ...]) -> Course | None:
        """The line that a drug only names again: how it ended, since when it is given, which part was stopped."""
        known = self._known_line(place, new)
        if known is None and self.pieces[place - 1].key == "from" and place and self.courses.current is not None:
            told = self.courses.current  # from THP to T-DM1, from T-DM1 to T-DXd
            known = told if set(new) == set(told.agents) and not told.early else None
        if known is None or (known.early and self._is_given_for_the_relapse(place)) or self._lists_it(place, known):
            return None
        return known

    def _lists_it(self, place: int, known: Course) -> bool:
        """Whether a drug that was a line by itself stands in a list of partners: 'Herceptin, PD; docetaxel, Herceptin,
        Perjeta'."""
        current, outline = self.courses.current, self.outline
        if current is None or known is current or known.early or self.pieces[place - 1].key != ",":
            return False
        if place < 2 or not outline.is_drug[place - 2] or self.pieces[place - 2] not in current.pieces:
            return False
        agents = set(agents_of(self.pieces[place]) or ())
        following = place + 1
        told = following < len(self.pieces) and (
            outline.cues[following] & {"stopped", "has_had", "completed"} or "is" in self.pieces[following].roles
        )
        return not told and agents == set(known.agents) and go_together(set(current.agents), agents)

    def _is_given_for_the_relapse(self, place: int) -> bool:
        """Whether a drug is told right behind the relapse as what was given then, though it was given before surgery:
        'neoadjuvant TCHP. Relapse in the liver: THP until PD', 'adjuvant T-DM1. Lung mets, treated with T-DM1'."""
        outline, lead = self.outline, self.outline.first_of_list(place) - 1
        if not self.now.relapsed or self.now.early or lead < 1:
            return False
        while lead > 0 and (self.pieces[lead].kind in ("line", "date", "silent") or self.pieces[lead].key == "with"):
            lead -= 1
        signed = self.pieces[lead].key in (":", "->", ".", ",", ";") and self.pieces[lead].kind == "sign"
        if not signed and self.pieces[lead].key not in ("treated", "received", "got", "given", "started"):
            return False
        following = outline.last_of_list(place) + 1
        if following >= len(self.pieces):
            return True
        ended = outline.cues[following] & {"completed", "stopped", "has_had", "early"}
        return not ended and "is" not in self.pieces[following].roles

    def _known_line(self, place: int, new: tuple[str, ...]) -> Course | None:  # noqa: PLR0911  (case after case)
        courses, current, said = self.courses, self.courses.current, self.outline.said
        if current is None or not new or self.now.numbers or ("again" in said and self._rest_tells(place, "again")):
            return None
        counts_from = self._may_count_from and (self._counts_from(place) or self._is_of_more(place))
        if counts_from and (known := courses.known(new)) is not None:
            return known
        if courses.between in ("none", "joined"):
            again = current.merged or self.renamed is current or self._rest_tells_of_it(place)
            again = again or self._is_left_out(place) or self._is_added_to(place)
            if courses.describes(new) and again:
                return current
            return self._told_before_its_predecessor(place, current, new)
        behind = self.pieces[place + 1].key if place + 1 < len(self.pieces) else ""
        known = courses.same(new) or (self._same_combination(place) if behind in ("/", "+") else None)
        if known is not None and (
            (behind in ("being", "was", "is") and self._only_orders(place))
            or (behind == "to" and self._is_changed_to_the_next(place))
        ):
            return known
        if known is not None and self._may_rechallenge and self._is_rechallenged(place, known):
            return None
        present = self.now.maintenance or self._is_present(place)
        after = not present and "after" in said and self._rest_tells(place, "after")
        present = present or after  # T-DXd after T-DM1, and T-DM1 after THP
        apart = present or (known is not None and (known is not current or known.sentence != self.now.sentence))
        if known is current and current.outcome is None and self.outcomes.pending is not None:
            apart = apart or not self.outcomes.given  # T-DM1, liver PD under T-DM1
        if (
            known is not None
            and known.early == (self.now.early or known.early)
            and (apart or self._rest_tells_of_it(place))
        ):
            waiting = self.outcomes.pending
            if waiting is None or known.outcome in (None, "ongoing", waiting):
                joined = self.outline.drug_in_stretch_after(place)
                return None if joined is not None and self._adds_to(place, joined, known) else known
        part = courses.known(new) or (current if courses.describes(new) else None)
        if part is not None and part.early != (self.now.early or part.early):
            return None
        if part is current and self._group(place) <= set(part.agents):
            place = self.outline.last_of_list(place)  # Herceptin and Perjeta were stopped
        if part is current and (
            self._rest_tells_of_it(place)
            or self._is_left_out(place)
            or self._leads_to_an_exchange(place)
            or self._is_adjusted(place)
            or self._tells_how_it_was_had(place)
        ):
            return part
        if (
            part is current
            and self._only_counts(place)
            and not (part.early and (self.now.relapsed or self._is_whole_regimen(place)))
            and (courses.between == "sentence" or (courses.between == "comma" and self._is_part(part, new)))
        ):
            return part
        if part is current and not current.early and self.outcomes.pending == "progression":
            kept = self._group(place) <= set(current.agents) and courses.steps_down(new)
            return part if kept else None  # docetaxel-HP, now PD under HP
        return None

    def _told_before_its_predecessor(self, place: int, current: Course, new: tuple[str, ...]) -> Course | None:
        """The line told last that is listed again behind the one before it: 'T-DM1 in 2023. After THP and this T-DM1,
        new liver mets'. That one is put before it."""
        outline, courses = self.outline, self.courses
        lines, first = courses.metastatic(), outline.first_of_list(place)
        if CONJUGATES.isdisjoint(new) or len(lines) < _TWO or lines[-1] is not current or current.early:
            return None
        known = lines[-2]
        untold = current.outcome is None and current.number is None and known.number is None
        if not set(new) <= set(known.agents) or not untold:
            return None
        earlier = known.sentence < current.sentence == self.now.sentence
        if not earlier or not first or "after" not in outline.cues[first - 1]:
            return None
        courses.all.remove(current)
        courses.all.insert(courses.all.index(known), current)
        return known

    def _is_rechallenged(self, place: int, known: Course) -> bool:
        """Whether a drug was given once more, with others between: 'T-DXd, TCT, then rechallenged with T-DXd'."""
        outline, lines = self.outline, self.courses.metastatic()
        if known not in lines[:-1] or self.courses.between in ("none", "joined"):
            return False
        behind = outline.last_of_list(place) + 1
        again = behind < len(self.pieces) and self.pieces[behind].key.startswith("rechallenge")
        return again or outline.has(outline.before_in_stretch(outline.first_of_list(place), 3), "restarted")

    def _is_changed_to_the_next(self, place: int) -> bool:
        """Whether a drug before 'to' is named again for what it was changed to: 'THP to T-DM1 at PD, T-DM1 to TCT'."""
        opens = self.outline.stretch_start[place] == place
        return opens and place + 2 < len(self.pieces) and self.outline.is_drug[place + 2]

    def _only_orders(self, place: int) -> bool:
        """Whether 'is' behind a drug only tells which of the lines it was: 'T-DXd and THP, THP being the earlier'."""
        outline, pieces, verb = self.outline, self.pieces, place + 1
        if outline.stretch_start[place] != place and pieces[place - 1].key != ":":
            return False
        behind = [
            pieces[at]
            for at in outline.rest_of_stretch(verb)
            if pieces[at].kind != "sign" and pieces[at].key not in ("the", "one")
        ]
        return len(behind) == 1 and (behind[0].value is not None or behind[0].key in _WHICH_OF_THEM)

    def _same_combination(self, place: int) -> Course | None:
        """The line whose combination is named again, with a sign, for how it went: 'A/B, then C/B; PD on C/B'."""
        outline = self.outline
        if outline.drug_in_stretch_after(place) != place + 2:
            return None
        named = self._group(place)
        rest = outline.rest_of_stretch(outline.last_of_list(place), 5)
        if self.outcomes.pending is None and not self._is_present(place) and not outline.has(rest, *_HOW_IT_WENT):
            return None
        return next((course for course in reversed(self.courses.all) if set(course.agents) == named), None)

    def _is_added_to(self, place: int) -> bool:
        """Whether something was added to a drug: 'THP, then tamoxifen added to HP'."""
        before = self.outline.before_in_stretch(place, 2)
        return any(self.pieces[at].key == "added" for at in before)

    def _is_adjusted(self, place: int) -> bool:
        """Whether only the dose of a drug was changed: 'lap/cape, capecitabine reduced for PPE'."""
        following = self.outline.next_meaning(place, 3)
        return following is not None and "adjusted" in self.pieces[following].roles

    def _tells_how_it_was_had(self, place: int) -> bool:
        """Whether a part of a line is named again behind a comma for how it was had: 'paclitaxel + trastuzumab,
        trastuzumab via a court order', 'TCT, the tucatinib from a charity'; not 'TCT, capecitabine from May'."""
        outline, pieces, first = self.outline, self.pieces, self.outline.first_of_list(place)
        leads, behind = first - 1, outline.last_of_list(place) + 1
        leads -= leads > 0 and pieces[leads].key in ("the", "her")
        current = self.courses.current
        if leads < 1 or pieces[leads].key != "," or not outline.is_drug[leads - 1] or current is None:
            return False
        if behind + 1 >= outline.stretch_end[place] or pieces[behind].key not in _HAD_BY or current.outcome is not None:
            return False
        rest = pieces[behind + 1 : min(behind + 4, outline.stretch_end[place])]
        return not any(piece.kind in ("date", "cycles", "duration", "line", "number") for piece in rest)

    def _only_counts(self, place: int) -> bool:
        """Whether a part of a line is named for its cycles: 'docetaxel + HP 2018; docetaxel x6, HP 4 years'."""
        following = place + 1
        counted = following < len(self.pieces) and self.pieces[following].kind == "cycles"
        return counted and following + 2 >= self.outline.stretch_end[place]

    def _is_whole_regimen(self, place: int) -> bool:
        """Whether a shorthand names chemotherapy with its antibodies, a treatment of its own: 'THP', not 'HP'."""
        return self.pieces[place].is_("regimen") and not set(agents_of(self.pieces[place]) or ()) <= GO_ON

    def _is_left_out(self, place: int) -> bool:
        """Whether a drug is named only as what was stopped of its line: 'THP, stopped docetaxel after six'."""
        outline = self.outline
        before = place - 1
        if before > 0 and self.pieces[before].key in ("the", "her"):  # anaphylaxis to the taxane
            before -= 1
        leads = before > 0 and bool(self.pieces[before].roles & {"linking", "because"})
        if leads and "a_toxicity" in outline.cues[before - 1]:
            return True  # anaphylaxis to docetaxel
        return before >= 0 and bool(outline.cues[before] & {"stopped", "went_on"})

    def _leads_to_an_exchange(self, place: int) -> bool:
        """Whether a drug is named for what took its place: 'docetaxel + HP; docetaxel was swapped for paclitaxel'."""
        if "exchange" not in self.outline.said:
            return False
        following = self.outline.next_meaning(place, 3)
        return following is not None and "exchange" in self.outline.cues[following]

    def _is_exchanged(self, place: int, new: tuple[str, ...]) -> bool:
        """Whether one taxane, or one brand, took the place of another within its line: 'docetaxel swapped for
        paclitaxel after C2', 'HP to Phesgo at C8'."""
        outline, course = self.outline, self.courses.current
        last = outline.last_drug[place]
        if course is None or last is None or course.outcome == "progression":
            return False
        if not (self.now.is_told_here(course) or self._is_named_here_again(course, last)):
            return False
        between = range(last + 1, place)
        swapped = "exchange" in outline.said and (
            outline.has(between, "exchange") or outline.has(outline.before_in_stretch(last, 2), "exchange")
        )
        leads = last == place - 2 and self.pieces[place - 1].key in ("to", "into")
        if not (swapped or leads):
            return False
        same = set(new) == set(course.agents)
        swapped = swapped or same
        taxanes = set(new) <= _TAXANES and bool(set(course.agents) & _TAXANES)
        return bool(new) and (taxanes or same) and swapped and not outline.has(between, "progression")

    def _is_named_here_again(self, course: Course, drug: int) -> bool:
        """Whether a drug of this sentence belongs to a line told before: 'THP; docetaxel swapped for paclitaxel'."""
        return self.pieces[drug] in course.pieces and self.pieces[drug].sentence == self.now.sentence

    def _was_dropped(self, place: int, new: tuple[str, ...]) -> bool:
        """Whether chemotherapy is only said to have ended before its antibodies: 'PD on HP. Taxane dropped after 6.'"""
        course, outline = self.courses.current, self.outline
        if course is None or not course.agents or not set(course.agents) <= ANTIBODIES or set(new) & ANTI_HER2:
            return False
        rest = range(place + 1, outline.drug_in_stretch_after(place) or outline.stretch_end[place])
        alone = outline.drug_in_stretch_before(place) is None and len(rest) == outline.stretch_end[place] - place - 1
        part = place + 1 < len(self.pieces) and "a_part" in self.pieces[place + 1].roles
        part = part or any(self.pieces[at].key == "induction" for at in outline.before_in_stretch(place))
        part = part or outline.has(rest, "at_first")  # HP ongoing. Docetaxel was x6 at the start.
        done = outline.has(rest, "completed") or outline.plays(rest, "done")  # HP maintenance running, docetaxel done
        done = done and course.maintenance and {*new} <= {"taxane", "docetaxel", "paclitaxel", "nab_paclitaxel"}
        ended = part or done or (outline.has(rest, "went_on", "stopped") and not outline.has(rest, "toxicity"))
        return bool(new) and alone and ended

    def _comes_later(self, known: Course, place: int) -> bool:
        """Whether a line named before has its place behind others: 'rash on T-DM1. She had THP, then T-DM1'."""
        courses, outline = self.courses, self.outline
        last, current = outline.last_drug[place], courses.current
        if last is None or current is None or current is known or known.sentence == current.sentence:
            return False
        if courses.insert is not None:
            return False
        if known.pieces and known.pieces[0].asked and not self.pieces[place].asked:
            return True  # what after T-DM1? THP PD, T-DM1 PD
        if known is courses.all[0] and self._is_dated_behind(last, place):
            return True  # sequence after TCT failure. THP 2020, T-DXd 2021, TCT 2023
        if current.sentence != self.now.sentence:
            return False
        joined = outline.joins(last, place)
        for at in range(last + 1, place):
            key = self.pieces[at].key
            if key in ("->", ">") or (joined and key == ",") or "then" in outline.cues[at]:
                return True
        return False

    def _is_dated_behind(self, last: int, place: int) -> bool:
        """Whether two drugs, of which one is told right behind the other, each have a year behind them, in order."""
        outline, pieces = self.outline, self.pieces
        ends = outline.last_of_list(place)
        years = [
            next(
                (
                    int(pieces[at].value)
                    for at in range(first + 1, stop)
                    if pieces[at].kind == "date" and pieces[at].value
                ),
                0,
            )
            for first, stop in (
                (last, place),
                (ends, min(ends + 4, outline.next_drug[ends] or len(pieces), len(pieces))),
            )
        ]
        return place - last < _TO_THE_NEXT_PARTNER and 0 < years[0] <= years[1]

    def _counts_from(self, place: int) -> bool:
        """Whether a drug is only named as what an interval counts from: 'six years since last trastuzumab'."""
        before = self.outline.before_in_stretch(place, 3)
        since = self.outline.plays(before, "since")
        return since and self.outline.has(
            range(before[-1], place), "completed_adjuvant", "completed", "ended", "interval"
        )

    def _adds_to(self, place: int, joined: int, known: Course) -> bool:
        """Whether a new drug is joined to one named before: trastuzumab again, with another partner."""
        more = set(agents_of(self.pieces[joined]) or ())
        return self.outline.joins(place, joined) and not more <= set(known.agents)

    def _rest_tells(self, place: int, *names: Cue) -> bool:
        outline = self.outline
        if outline.said.isdisjoint(names):
            return False
        end = outline.drug_in_stretch_after(place) or outline.stretch_end[place]
        return outline.has(range(place + 1, end), *names)

    def _rest_tells_of_it(self, place: int) -> bool:
        return self._rest_tells(
            place, "stopped", "ongoing", "maintenance", "completed", "toxicity", "progression", "went_on"
        )
