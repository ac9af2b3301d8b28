"""The order of lines where the text tells them in another: 'T-DXd after THP', 'before that T-DM1', 'THP at first'."""

from __future__ import annotations

from messages.understanding.courses import Course
from messages.understanding.drugs import CONJUGATES, GO_ON, agents_of, generic, go_together
from messages.understanding.named import Cue
from messages.understanding.telling import Telling

_ENDED: frozenset[Cue] = frozenset(("progression", "toxicity", "stopped", "a_toxicity"))
"""Cues that say how a line ended."""
_LONG_AGO = ("long", "way", "ages", "many", "decades")
"""How phrases begin by which a line came before all others: 'long ago', 'way back'."""
_SAYS_WHEN = 4
"""Pieces from a drug to the word that says when it was given, at most."""
_HAVING = ("have", "has", "get", "gets", "receive", "receives")
"""How what was had before is told by those who leave out its tense."""
_LONGEST_HISTORY = 18
"""Pieces of a sentence that 'before' heads, at most."""
_PAIR = 2


class Order:
    """Puts lines before others."""

    def __init__(self, now: Telling) -> None:
        self.now = now
        self.pieces, self.outline = now.pieces, now.outline
        self.courses, self.outcomes = now.courses, now.outcomes
        self.follower: int | None = None
        """The drug behind a 'before' that begins what is told: what is named next came before it."""
        self.follower_end = -1
        """The last of the drugs that are joined to the follower."""
        self.narrates_in_pluperfect = False
        """Whether the first line was told in the pluperfect: then it puts nothing before what was told."""
        self.behind_again = -1
        """The drug behind 'between A and', which came after what was told before 'between'."""
        self.parted_until = -1
        """The last drug of a list of as many lines as were counted: each 'and' in it parts two."""
        self.said_again = range(0)
        """Drugs behind 'after' that only repeat the line just told: 'after THP came T-DM1, and after T-DM1 TCT'."""
        self.earlier: Course | None = None
        """The last line that 'earlier', 'previously' was said of."""

    def after(self, place: int) -> None:
        """'T-DXd after THP' puts THP first; 'after THP came T-DXd' tells THP first by itself."""
        outline, courses = self.outline, self.courses
        if self.pieces[place].key == "followed" and [each.key for each in self.pieces[place + 1 : place + 2]] in (
            [","],
            ["("],
        ):
            self.now.then(place)  # THP was followed, after two years, by T-DXd
            return
        following = outline.next_meaning(place)
        if following is None:
            return
        harm = self._what_harmed_under_another(following)
        if harm is not None:
            if self.now.is_told_here(courses.current) and courses.current is not self.now.leading:
                self._insert_before()
            else:
                self.now.leads = True
            self.outcomes.await_toxicity(harm)
            return
        if outline.cues[following] & {"a_toxicity", "toxicity"} and not outline.is_drug[following]:
            return  # stopped after anaphylaxis
        if "progression" in outline.cues[following] and self._leads_over_a_comma(following):
            courses.separate("then")  # THP and, after PD, T-DM1
            return
        named = outline.is_drug[following] or outline.drug_in_stretch_after(place) is not None
        counted = self.pieces[following].kind in ("duration", "number", "cycles")
        counted = counted or "cycles" in outline.cues[following]
        if (counted and not self._counts_a_drug(following)) or "surgery" in outline.cues[following]:
            return
        if self.pieces[following].kind == "number":
            if courses.current is not None and courses.current.number is not None and courses.near():
                return  # first line, HP after six Taxotere
            following = outline.next_drug[following] or following  # PD on HP after 6 docetaxel
        current = courses.current
        if self._repeats_the_last(following):
            self.said_again = range(following, self._last_joined(following) + 1)
            courses.separate("then")
            return
        told_here = self.now.is_told_here(current) or self._is_named_again(current, place)
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
            known = self._known_behind(following)
            if known is None:
                self._insert_before()
            else:
                self._put_behind(known)
        elif named and (not told_here or courses.between == "comma"):
            self.now.leads = True
        courses.separate("then")

    def _what_harmed_under_another(self, place: int) -> int | None:
        """Where a toxicity is named that a drug, and not the one being told, was given up for: 'lapatinib after rash on
        T-DM1', 'on TCT after grade 2 ILD with T-DXd'; not 'stopped after rash', 'after rash on cycle 2'."""
        outline, pieces, current = self.outline, self.pieces, self.courses.current
        at = place
        while at < min(place + 3, len(pieces) - 2) and "a_toxicity" not in outline.cues[at]:
            if not (pieces[at].roles & {"severity"} or pieces[at].kind in ("number", "silent")):
                return None
            at += 1
        drug = at + 2
        if drug >= outline.sentence_end[place] or "a_toxicity" not in outline.cues[at]:
            return None
        if pieces[at + 1].key not in ("on", "under", "with", "from", "during") or not outline.is_drug[drug]:
            return None
        told = outline.last_drug[place]
        told = outline.sentence_start[place] - 1 if told is None else max(told, outline.sentence_start[place] - 1)
        ended = outline.has(range(told + 1, place), "stopped", "toxicity", "progression", "completed")
        named = set(agents_of(pieces[drug]) or ())
        have = set(current.agents) if current is not None and self.now.is_told_here(current) else set()
        another = bool(named) and not named <= have and not (have and have <= GO_ON)  # HP continues after rash on A
        follows = bool(have) or outline.drug_in_sentence_after(drug) is not None
        received = self.now.mentions[drug].standing == "received"
        return at if received and another and follows and not ended else None

    def _leads_over_a_comma(self, place: int) -> bool:
        """Whether a comma and a drug stand right behind a word."""
        behind = place + 2
        return behind < len(self.pieces) and self.pieces[place + 1].key == "," and self.outline.is_drug[behind]

    def _repeats_the_last(self, drug: int) -> bool:
        """Whether 'after' leads to the line just told, and another follows: ', and after T-DM1 came TCT'."""
        outline, current = self.outline, self.courses.current
        if not outline.is_drug[drug] or current is None or not self.now.is_told_here(current):
            return False
        last = self._last_joined(drug)
        named = {agent for at in range(drug, last + 1) for agent in agents_of(self.pieces[at]) or ()}
        alone = outline.drug_in_sentence_after(last) is None  # after Enhertu nothing more
        return named == set(current.agents) and (alone or self.now.drug_ahead(last))

    def _is_named_again(self, course: Course | None, place: int) -> bool:
        """Whether a line told before is what 'followed' is said of: 'PD on T-DM1. T-DM1 followed T-DXd.'"""
        named = course is not None and place > 0 and self.outline.is_drug[place - 1]
        return named and course is not None and self.pieces[place - 1] in course.pieces

    def _known_behind(self, drug: int) -> Course | None:
        """The latest of the lines told before that 'after' names, where it names no other: 'T-DXd after THP, TCT after
        T-DXd'."""
        outline, courses = self.outline, self.courses
        if not outline.is_drug[drug]:
            return None
        drugs = [at for at in range(drug, outline.last_of_list(drug) + 1) if outline.is_drug[at]]
        lines = [courses.same(agents_of(self.pieces[at]) or ()) for at in drugs]
        lines = (
            lines if all(lines) else [courses.same(each for at in drugs for each in agents_of(self.pieces[at]) or ())]
        )
        told = [each for each in lines if each is not None and not each.early and each is not courses.current]
        return max(told, key=courses.all.index) if len(told) == len(lines) else None

    def _put_behind(self, known: Course) -> None:
        """Put the line being told right behind another."""
        courses = self.courses
        current = courses.current
        if current in courses.all and courses.all.index(current) < courses.all.index(known):
            courses.all.remove(current)
            courses.all.insert(courses.all.index(known) + 1, current)
        courses.insert = None

    def before(self, place: int) -> bool:
        """'Before T-DXd there was THP' tells THP first; whether a sentence or its second half begins so."""
        outline, pieces = self.outline, self.pieces
        start = outline.sentence_start[place]
        second = start < place and pieces[place - 1].key == "and" and outline.is_drug[place - 2]
        second = second or (
            start < place and "previously" in outline.cues[place - 1]
        )  # forgot: before the T-DXd there was THP
        drug = self._drug_behind_before(place)
        second = second or (drug < len(pieces) and self._counts_on_from(drug, place))
        if not (place == start or second) or drug >= len(pieces) or not outline.is_drug[drug]:
            return False
        last = self._last_joined(drug, over_and=True)
        if not self.now.drug_ahead(last):
            return False
        self.follower, self.follower_end = drug, last
        return True

    def _counts_on_from(self, drug: int, place: int) -> bool:
        """Whether 'before' behind a comma names a line told right before it: 'before T-DXd T-DM1, before T-DM1 THP'."""
        course, opened = self.courses.current, self.pieces[place - 1]
        opens = (opened.kind == "sign" and opened.key in (",", "-")) or opened.key == "and"
        return opens and course is not None and generic(agents_of(self.pieces[drug]) or ("",)) <= generic(course.agents)

    def _drug_behind_before(self, place: int) -> int:
        """The drug right behind 'before', over an article or a change: 'before the Enhertu', 'before starting A'."""
        at, end = place + 1, self.outline.sentence_end[place]
        passed = {"planned", "the_patient", "previously", "has_had", "started"}  # before she got A, she had B
        while at < min(end, place + 3) and (self.pieces[at].kind == "silent" or self.outline.cues[at] & passed):
            at += 1
        return at

    def _last_joined(self, drug: int, *, over_and: bool = False) -> int:
        """The last of the drugs that signs or 'with' join to one: 'before lap/cape'; `over_and`: or 'and', where
        another drug follows: 'before A and B she had C'."""
        outline = self.outline
        following = outline.drug_in_stretch_after(drug)
        while following == drug + 2 and (
            self.pieces[drug + 1].key in ("/", "+", "&", "with", "plus")
            or (
                over_and and self.pieces[drug + 1].key == "and" and outline.drug_in_stretch_after(following) is not None
            )
        ):
            drug = following
            following = outline.drug_in_stretch_after(drug)
        return drug

    def is_only_named_as_later(self, place: int, agents: tuple[str, ...] | None) -> bool:
        """Whether a drug behind 'before' was told already: what follows is put before its line."""
        if place in self.said_again:
            self.courses.separate("then")
            return True
        named = self.follower is not None and self.follower <= place <= self.follower_end
        known = None
        if named:
            known = self.courses.same(agents or ()) or self.courses.known(agents or ())
        if known is not None:
            self.courses.put_before(known)
        return known is not None

    def came_before(self, place: int) -> None:
        """Put what is told next before the drug behind 'before'."""
        if place == self.behind_again:
            self.courses.insert, self.courses.insert_stays = None, False
        current = self.courses.current
        follower, self.follower = self.follower, None if place > self.follower_end else self.follower
        if follower is None or current is None or place <= self.follower_end or self._is_combined(follower, place):
            return
        told = next((course for course in self.courses.all if self.pieces[follower] in course.pieces), None)
        if told is not None and self.now.is_told_here(current):
            self.courses.put_before(told)

    def comes_by_now(self, place: int) -> None:
        """Put a drug that is given now behind all that was told: 'T-DXd after THP, now TCT', 'A after B, C now'."""
        outline, courses = self.outline, self.courses
        last = outline.last_drug[place]
        if courses.insert is None or last is None or outline.first_of_list(place) != place:
            return
        if outline.has(range(last, place), "after"):
            return
        behind = outline.last_of_list(place) + 1
        before = [at for at in outline.before_in_stretch(place, 3) if self.pieces[at].key not in ("on", "is", "she")]
        beside = (*before[:1], *([behind] if behind < outline.stretch_end[place] else []))
        present = (self.pieces[at].roles & {"until_now", "present"} for at in beside)
        if any(present) or outline.has(before[:1], "current", "ongoing"):
            courses.insert, courses.insert_stays = None, False
            courses.separate("then")

    def _is_combined(self, first: int, last: int) -> bool:
        """Whether two drugs were given together: A + B, A with B."""
        between = range(first + 1, last)
        joined = any(self.pieces[at].key in ("+", "/") or "joined" in self.outline.cues[at] for at in between)
        return joined and self.outline.joins(first, last)

    def _counts_a_drug(self, place: int) -> bool:
        """Whether a number is of the cycles of the drug behind it: 'after 6 TH', 'after 4 cycles of EC'."""
        for at in self.outline.rest_of_stretch(place, 4):
            if self.outline.is_drug[at]:
                before = self.pieces[at - 1]
                behind = self.pieces[at + 1].key if at + 1 < len(self.pieces) else ""
                counted = self.pieces[at].is_("regimen") or behind not in ("-", "based", "containing", "lines")
                return before.key in ("x", "of") or (before.kind == "number" and counted)
            if self.pieces[at].kind != "silent" and "cycles" not in self.outline.cues[at]:
                return False
        return False

    def _only_ended(self, place: int) -> bool:
        """Whether only how it ended stands between a drug and 'after': 'T-DXd stopped for ILD (May) after THP PD'."""
        outline, pieces = self.outline, self.pieces
        drug = outline.last_drug[place]
        if drug is None or drug < outline.sentence_start[place]:
            return False
        between = range(drug + 1, place)
        return outline.has(between, *_ENDED, "ongoing") and all(
            pieces[at].kind in ("silent", "sign", "date", "number")
            or "severity" in pieces[at].roles
            or outline.cues[at] & (_ENDED | {"ongoing", "cycles"})
            for at in between
        )

    def _goes_on(self, place: int) -> bool:
        """Whether another line is told behind the one that 'after' names: ', after T-DM1 TCT'."""
        outline = self.outline
        first = outline.next_drug[place]
        last = outline.drug_in_sentence_after(first) if first is not None else None
        if first is None or last is None or self.pieces[last].asked:
            return False
        if outline.has(range(first, last), "before_it") or self._are_of_one_line(first, last):
            return False
        if "after" in outline.cues[last - 1]:  # eribulin, after T-DXd, after THP
            return False
        if self._lists_several(first):
            return False
        return not outline.joins(first, last) or any(self.pieces[at].key == "," for at in range(first, last))

    def _lists_several(self, first: int) -> bool:
        """Whether a list of three or more ends in 'and': ', after THP, T-DM1 and T-DXd'."""
        outline, at, told = self.outline, first, 1
        while (following := outline.drug_in_sentence_after(at)) is not None and outline.joins(at, following):
            joints = {self.pieces[on].key for on in range(at + 1, following)}
            told += not joints & {"+", "/", "-"}
            if "and" in joints:
                return told > _PAIR and not joints & {","}
            at = following
        return False

    def _are_of_one_line(self, first: int, last: int) -> bool:
        """Whether single drugs around a comma were given together: ', after docetaxel, trastuzumab and pertuzumab'."""
        pieces = self.pieces
        if last != first + 2 or pieces[first + 1].key != "," or any(pieces[at].is_("regimen") for at in (first, last)):
            return False
        both = [set(agents_of(pieces[at]) or ()) for at in (first, last)]
        return all(both) and go_together(*both) and not (both[0] | both[1]) & CONJUGATES

    def _insert_before(self) -> None:
        courses = self.courses
        if courses.current in courses.all:
            courses.insert = courses.all.index(courses.current)

    def preceded(self, place: int) -> None:
        """'previously THP', 'preceded by THP': what follows came before; 'THP before that': what was just named did."""
        courses, current = self.courses, self.courses.current
        if current is None or current not in courses.all or self._moves_nothing(place):
            return
        if self._ends_its_drug(place):
            return
        if self.pieces[place].key in _LONG_AGO and self.outline.last_drug[place] == place - 1:
            self.at_first(place)  # T-DM1 failed, now T-DXd, THP long ago
            return
        chain = self._first_of_chain(place)
        if chain is not None:
            self._put_before_what_was_told(chain)
            return
        if self._is_said_again(place):  # previously THP, previously T-DM1
            courses.insert = courses.all.index(current) + 1
            courses.separate("then")
            return
        whole = self._first_of_several(place)
        if whole is not None:
            self._put_before_what_was_told(whole)
            return
        before = self._told_before(current) if self._is_earlier_still(place) else None
        if before is not None:
            courses.all.remove(current)
            if "before_all" in self.outline.cues[place] and (told := courses.metastatic()):
                before = told[0]  # THP before both
                for course in told:
                    course.number = None if course.counted else course.number
            courses.all.insert(courses.all.index(before), current)
            return
        if self.now.drug_ahead(place) and not self._closes_its_stretch(place):
            told = courses.metastatic()
            whole = bool(told) and ("before_all" in self.outline.cues[place] or self._opens_with_the_past(place))
            courses.insert = courses.all.index(told[0] if whole else current.follows or current)
            courses.insert_stays = True
            courses.insert_heads = self._heads_with_a_colon(place)
            courses.separate("then")
            return
        first = self._first_of_list(place)
        if first is not None:
            self._put_before_what_was_told(first)
            return
        at = courses.all.index(current)
        near = courses.between == "none" or (courses.between == "other" and self._is_behind_its_cycles(place))
        near = near or self._is_behind_how_it_went(place)
        if at and (near or not self.pieces[place].is_("cue", "before_it")):
            last = self._told_before(current)
            if last is not None and last in courses.all[:at] and current.number is None:
                at = courses.all.index(last) + 1  # TCT after T-DM1. THP before.
            courses.all.remove(current)
            courses.all.insert(at - 1, current)
            drug = self.outline.last_drug[place]
            after = courses.all[at]
            runs = after.present and after.outcome is None and after.sentence == self.now.sentence
            if drug and (self.pieces[drug - 1].key == "(" or runs):  # T-DM1 (T-DXd before), PD
                courses.current = courses.all[at]

    def _moves_nothing(self, place: int) -> bool:
        """Whether what is said to have come before was not given, or is told in its order: 'THP, T-DXd; no T-DM1 in
        between'."""
        drug, behind = place - 1, self.pieces[place + 1 : place + 3]
        ends = not behind or behind[0].kind == "sign"
        piece = self.pieces[place]
        if piece.key == "in" and len(behind) > 1 and behind[0].key == "," and "present" in behind[1].roles:
            return piece.end - piece.start == len("in between")  # THP, T-DXd in between, now TCT
        return ends and drug >= 0 and self.outline.is_drug[drug] and self.now.mentions[drug].standing == "denied"

    def _heads_with_a_colon(self, place: int) -> bool:
        """Whether a colon parts a heading from its list: 'before: A; B', 'earlier lines in order: A; B'."""
        following = self.outline.next_meaning(place)
        return any(self.pieces[at].key == ":" for at in range(place + 1, following or place + 1))

    def counts_lines(self, place: int) -> None:
        """Read a number of lines that are listed behind it: 'two lines: A and B', 'the first two were A and B'."""
        following = self.outline.drug_in_sentence_after(place)
        if following is None or following - place > _SAYS_WHEN:
            return
        if self.now.early and self._counts_lines_for_metastases(place):  # adjuvant TCH, 2 prior lines, last T-DM1
            self.now.early = self.now.stays_early = False
            self.courses.separate("then")
        lines = self.pieces[place + 1].key in ("lines", "therapies", "regimens")
        if self._counts_what_came_before(place, following) or lines:
            self.pieces[place].used = True
            self._part(following, int(self.pieces[place].value))

    def _counts_lines_for_metastases(self, place: int) -> bool:
        """Whether lines are counted behind early-stage treatment, in a stretch of their own."""
        outline = self.outline
        opens = outline.stretch_start[place] == place and self.courses.current is not None
        return opens and outline.has(outline.rest_of_stretch(place, 3), "several_lines")

    def _part(self, drug: int, number: int) -> None:
        """Part a list at each 'and' and comma, where these make of it as many lines as were counted."""
        outline, first, parts = self.outline, drug, 1
        while (following := outline.drug_in_sentence_after(drug)) is not None and outline.joins(drug, following):
            parts += any(self.pieces[at].key in (",", "and") for at in range(drug, following))
            drug = following
        if parts == number and drug > first:
            self.parted_until = drug

    def _counts_what_came_before(self, place: int, following: int) -> bool:
        """Whether 'the first two were' stands behind a third line: they came before it."""
        current = self.courses.current
        if not place or current is None or current.number is None or self.pieces[place].value != current.number - 1:
            return False
        between = [self.pieces[at] for at in range(place + 1, following)]
        ordered = self.pieces[place - 1].key in ("first", "previous", "prior", "other", "earlier")
        ordered = ordered or any(piece.key in ("before", "earlier", "previous") for piece in between)
        named = any("is" in piece.roles or piece.key in (":", "being") for piece in between)
        if ordered and named:
            self.courses.put_before(current)
        return ordered and named

    def between(self, place: int) -> None:
        """'T-DXd between THP and TCT', 'between THP and TCT she had T-DXd': what 'and' parts stands on either side."""
        outline, current = self.outline, self.courses.current
        first = outline.drug_in_stretch_after(place)
        if first is None or first - place > 1 + (self.pieces[place + 1].key == "the"):
            return
        last = self._last_joined(first)
        second = outline.drug_in_stretch_after(last)
        if second is None or self.pieces[last + 1].key != "and":
            return
        if second - last > 2 + (self.pieces[last + 2].key == "the"):
            return
        self.parted_until = second
        if current is not None and self.now.is_told_here(current) and self.courses.near():
            self.courses.put_before(current)
            self.behind_again = second
        elif self.now.drug_ahead(second):
            self.follower, self.follower_end = second, self._last_joined(second)

    def came_from(self, place: int) -> None:
        """'Switched to T-DXd from THP' puts THP first."""
        outline, current, drug = self.outline, self.courses.current, self.outline.drug_in_stretch_before(place)
        following = outline.next_meaning(place, 2)
        if drug is None or following is None or not outline.is_drug[following]:
            return
        to = outline.first_of_list(drug) - 1
        led = to >= 0 and (self.pieces[to].key in ("to", "onto") or "then" in outline.cues[to])
        if led and current is not None and self.pieces[drug] in current.pieces and current in self.courses.all:
            self._insert_before()
            self.courses.separate("then")

    def having(self, place: int) -> None:
        """'Now on TCT, having had THP and T-DXd': what 'having' heads behind a line came before it."""
        outline, current = self.outline, self.courses.current
        heads = outline.stretch_start[place] == place and place > 0 and self.pieces[place - 1].key == ","
        if not heads or current is None or current.early or not self.now.is_told_here(current):
            return
        if self.now.drug_ahead(place) and current in self.courses.all:
            self.outcomes.next_list()
            self.outcomes.pending_ongoing = False
            self.courses.put_before(current)

    def had_been(self, place: int) -> None:
        """'T-DXd stopped for ILD. THP had been given in 2021': what a later sentence tells in the pluperfect came
        before a line whose course was told."""
        outline, courses = self.outline, self.courses
        start = outline.sentence_start[place]
        told = [each for each in courses.metastatic() if each.sentence < self.now.sentence]
        self.narrates_in_pluperfect = self.narrates_in_pluperfect or not told
        went = any(each.outcome or each.ongoing for each in told)
        told_in_order = outline.has(range(start, outline.sentence_end[place]), "then", "after")
        if self.narrates_in_pluperfect or not went or told_in_order or self._is_dated_later(place):
            return
        if self.now.drug_ahead(place):
            self.courses.put_before(told[0])
            return
        first = outline.drug_in_sentence_after(start) if not outline.is_drug[start] else start
        if first is None or first > place:
            return
        listed = [
            each for each in courses.metastatic() if each.pieces and each.pieces[0].start >= self.pieces[first].start
        ]
        rest = [each for each in courses.all if each not in listed]
        at = rest.index(told[0])
        courses.all[:] = [*rest[:at], *listed, *rest[at:]]

    def _is_dated_later(self, place: int) -> bool:
        """Whether a sentence has a later year than those before it."""
        start = self.outline.sentence_start[place]
        here, before = (
            [int(self.pieces[at].value or 0) for at in places if self.pieces[at].kind == "date"]
            for places in (
                range(start, self.outline.sentence_end[place]),
                range(max(0, start - _LONGEST_HISTORY), start),
            )
        )
        return bool(here and before) and max(here) > max(before) > 0

    def _is_said_again(self, place: int) -> bool:
        """Whether the drug before it was headed by the same word, in the same sentence."""
        outline, last = self.outline, self.outline.last_drug[place]
        if last is None or last < outline.sentence_start[place] or self.courses.insert is None:
            return False
        piece = self.pieces[place]
        single = piece.end - piece.start == len(piece.key)
        if not single or piece.key not in ("previously", "prior", "formerly", "earlier"):  # 'prior to that' counts on
            return False
        return any(self.pieces[at].key == self.pieces[place].key for at in outline.before_in_stretch(last, 2))

    def _closes_its_stretch(self, place: int) -> bool:
        """Whether a bare 'before' stands between its own drug and a comma: 'T-DXd, T-DM1 before, THP before that'."""
        comma = place + 1 < len(self.pieces) and self.pieces[place + 1].key == ","
        return comma and self.pieces[place].key == "before" and self.outline.is_drug[place - 1]

    def _is_behind_its_cycles(self, place: int) -> bool:
        """Whether only a number of cycles, or how long, stands between a drug and 'before': 'docetaxel x6 before'."""
        last = self.outline.last_drug[place]
        return last is not None and all(
            self.pieces[at].kind in ("cycles", "duration", "silent") for at in range(last + 1, place)
        )

    def _opens_with_the_past(self, place: int) -> bool:
        """Whether a sentence of its own tells what came before all: 'T-DM1, then TCT. Previously THP.'"""
        opens = self.outline.sentence_start[place] == place
        headed = self.pieces[place].key in ("before", "prior") and self.pieces[place + 1].key == ":"
        return opens and (headed or self.pieces[place].key in ("previously", "formerly", "earlier"))

    def _is_earlier_still(self, place: int) -> bool:
        """Whether a phrase behind a drug counts from the line told before it: 'THP before that', 'earlier still'."""
        outline, piece = self.outline, self.pieces[place]
        ends = place + 1 == outline.stretch_end[place] or self.pieces[place + 1].kind == "sign"
        own = outline.drug_in_stretch_before(place) is not None and self.courses.between in ("none", "other")
        own = own or self._is_behind_how_it_went(place)
        return piece.end - piece.start > len(piece.key) and ends and own

    def _first_of_several(self, place: int) -> int | None:
        """The first drug of a sentence that only lists several lines and that they came before: 'THP and T-DM1 before
        that.'"""
        last, current = self.outline.last_drug[place], self.courses.current
        if last is None or last != place - 1 or current is None:
            return None
        first = self.outline.first_of_list(last)
        several = any(self.pieces[at].key == "and" for at in range(first, last))
        return first if several and self.pieces[first] not in current.pieces and self._only_names(first) else None

    def _told_before(self, course: Course) -> Course | None:
        """The line that was told right before another in the text."""
        if not course.pieces:
            return None
        start = course.pieces[0].start
        told = [each for each in self.courses.metastatic() if each.pieces and each.pieces[0].start < start]
        return max(told, key=lambda each: each.pieces[0].start, default=None)

    def _ends_its_drug(self, place: int) -> bool:
        """Whether 'earlier' is said of the first drug, and another follows behind a comma: 'THP earlier, T-DXd now'."""
        outline, piece = self.outline, self.pieces[place]
        single = piece.key != "before" and piece.end - piece.start == len(piece.key)
        ends = place + 1 == outline.stretch_end[place] or self.pieces[place + 1].key == ","
        lines = self.courses.metastatic()
        beside = outline.last_drug[place] == place - 1 or self._is_behind_how_it_went(place)
        if not (single and ends and beside and lines):
            return False
        if len(lines) > 1 and self.earlier is not lines[-2]:
            return False
        self.earlier = lines[-1]
        return True

    def as_another_failed(self, place: int) -> None:
        """'Started T-DM1 when THP stopped working', 'T-DXd because of liver PD on T-DM1' put the drug behind first."""
        outline, courses = self.outline, self.courses
        following = outline.next_meaning(place)
        drug = outline.drug_in_stretch_before(place)
        if following is None or drug is None:
            return
        if not outline.is_drug[following]:
            begun = not any(outline.cues[at] - {"started", "has_had"} for at in range(drug + 1, place))
            if begun and self._leads_to_growth_on_a_drug(following) and self.now.is_told_here(courses.current):
                self._insert_before()
                courses.separate("then")
            return
        between = range(drug + 1, place)
        if any(self.pieces[at].kind != "silent" and "started" not in outline.cues[at] for at in between):
            return
        begun = outline.has(outline.before_in_stretch(place), "then", "started", "changed", "planned")
        ended = outline.has(outline.rest_of_stretch(following, 5), "progression", "stopped", "toxicity")
        if begun and ended and self.now.is_told_here(courses.current):
            self._insert_before()
            courses.separate("then")

    def _leads_to_growth_on_a_drug(self, place: int) -> bool:
        """Whether an organ, and that it grew on another drug, follow: 'liver PD on T-DM1', 'growth in the lungs under
        THP'."""
        drug = self.outline.next_drug[place - 1]
        if drug is None or drug not in self.outline.rest_of_stretch(place - 1, 8):
            return False
        told = range(place, drug - 1)
        plain = all(
            self.pieces[at].kind == "silent"
            or self.pieces[at].is_("noun")
            or self.outline.cues[at] & {"progression", "new", "new_word"}
            for at in told
        )
        grew = self.outline.has(told, "progression") or any(self.pieces[at].key == "new" for at in told)
        return plain and grew and self.pieces[drug - 1].key in ("on", "under", "during", "with")

    def _first_of_list(self, place: int) -> int | None:
        """The first drug of a list that 'earlier' is said of as a whole: 'THP and T-DXd earlier'; not of one line."""
        outline, pieces = self.outline, self.pieces
        whole = self._first_of_whole_list(place)
        if whole is not None:
            return whole
        told = outline.last_drug[place] if self._is_all_that_is_told(place) else None  # THP and T-DXd were before
        last = outline.drug_in_stretch_before(place) if told is None else told
        first = outline.drug_in_stretch_before(last) if last is not None else None
        if first is None or last is None or not outline.joins(first, last):
            return None
        if self.courses.current is not None and pieces[first] in self.courses.current.pieces:
            return None
        single = pieces[place].end - pieces[place].start == len(pieces[place].key)
        whole = pieces[place].key != "before" or any(pieces[at].key == "and" for at in range(first, last))
        return first if single and whole else None

    def _first_of_chain(self, place: int) -> int | None:
        """The first drug of a list told in its order that a word ends: 'THP then T-DXd before', 'she had A, then B
        previously, now C'."""
        outline = self.outline
        begins, piece = outline.sentence_start[place], self.pieces[place]
        ends = place + 1 == outline.sentence_end[place] or self.pieces[place + 1].kind == "sign"
        if not ends or not outline.is_drug[place - 1]:
            return None
        single = piece.end - piece.start == len(piece.key)
        last = first = outline.first_of_list(place - 1)
        while first > begins and "then" in outline.cues[first - 1] and self.pieces[first - 1].key.isalpha():
            before = outline.last_drug[first - 1]
            if before is None or before < begins or not self._leads_on(range(before + 1, first - 1), comma=single):
                break
            first = outline.first_of_list(before)
        return first if first < last else None

    def _leads_on(self, between: range, *, comma: bool) -> bool:
        """Whether nothing between a drug and the 'then' behind it says that it goes on; 'then A before that' behind a
        comma may tell backwards."""
        return all(
            self.pieces[at].kind in ("cycles", "duration", "date")
            or (self.pieces[at].kind == "silent" and "until_now" not in self.pieces[at].roles)
            or self.outline.cues[at] & _ENDED
            or (comma and self.pieces[at].key == ",")
            for at in between
        )

    def _first_of_whole_list(self, place: int) -> int | None:
        """The first drug of a sentence that is nothing but a list and 'before': 'TCT now. THP, T-DXd before.', 'She had
        THP, T-DXd before.'"""
        outline = self.outline
        begins, end = outline.sentence_start[place], outline.sentence_end[place]
        goes_on = place + 2 < end and self.pieces[place + 1].key == ","  # THP, T-DM1 before, now T-DXd
        goes_on = goes_on and "present" in self.pieces[place + 2].roles
        if (place + 2 < end and not goes_on) or place - begins > _LONGEST_HISTORY:
            return None
        first = next((at for at in range(begins, place) if outline.is_drug[at]), place)
        headed = all(
            self.pieces[at].kind == "silent" or outline.cues[at] & {"has_had", "previously", "the_patient"}
            for at in range(begins, first)
        )
        led = range(begins, first)
        was = outline.plays(led, "past") or outline.has(led, "used_to")
        if led and "on" in self.pieces[first - 1].roles and not was:
            return None  # on T-DXd, THP before
        listed = all(outline.is_drug[at] or outline.is_joining(at) for at in range(first, place))
        commas = any(self.pieces[at].key == "," for at in range(first, place))
        return first if headed and listed and commas else None

    def _put_before_what_was_told(self, first: int) -> None:
        """'T-DM1 now, THP and T-DXd before': the lines from a drug on came before the one told before them."""
        courses, start = self.courses, self.pieces[first].start
        listed = [each for each in courses.metastatic() if each.pieces and each.pieces[0].start >= start]
        told = self._told_before(listed[0]) if listed else None
        rest = [each for each in courses.all if each not in listed]
        alone = [each for each in rest if not each.early] == [told]  # PD on TCT. Had THP and T-DXd before.
        if told is None:
            return
        at = rest.index(told)
        if told.sentence != self.now.sentence and not alone:
            if not self._only_names(first):
                return
            numbered = any(each.number is not None for each in rest if not each.early)
            at = at if numbered else min(rest.index(each) for each in rest if not each.early)
        courses.all[:] = [*rest[:at], *listed, *rest[at:]]

    def _only_names(self, first: int) -> bool:
        """Whether a sentence is nothing but a list of lines and that they came before: 'THP & T-DM1 earlier.'"""
        outline, pieces = self.outline, self.pieces
        if outline.sentence_start[first] != first:
            return False
        rest = range(first, outline.sentence_end[first])
        return all(
            outline.is_drug[at]
            or outline.is_joining(at)
            or outline.cues[at] & {"before_it", "then", "previously"}
            or pieces[at].kind in ("sign", "silent")
            or pieces[at].roles & {"earlier"}
            for at in rest
        )

    def stands_for_before_that(self, place: int) -> bool:
        """Whether a bare 'before' is 'before that': 'TCT now. Before THP.', 'PD on T-DM1; THP before.'"""
        outline = self.outline
        if self.pieces[place].key == "past":
            return self._is_of_the_past(place) or self._opens_on_the_past(place, outline.sentence_start[place])
        if self.pieces[place].key not in ("before", "prior"):
            return False
        end = outline.sentence_end[place]
        headed = place + 2 < end and self.pieces[place + 1].key == "," and self._opens_on_the_past(place, place + 2)
        opens = outline.sentence_start[place] == place and place + 2 < end and self.pieces[place + 1].key == ","
        headed = headed or (opens and outline.is_drug[place + 2] and self.now.drug_ahead(place))  # before, THP
        if headed or self._heads_a_list(place) or self._leads_back_from_what_runs(place):
            return True
        if outline.sentence_start[place] != place:
            ends = place + 1 == end or self.pieces[place + 1].kind == "sign"
            ends = ends or (self.pieces[place + 1].key == "and" and outline.drug_in_sentence_after(place) is None)
            return ends and (self._is_all_that_is_told(place) or self._is_behind_how_it_went(place))
        last = outline.last_drug[place]
        if last is not None and self.pieces[outline.sentence_start[last]].key == self.pieces[place].key:
            heads = place + 1 < end and self.pieces[place + 1].key in (":", "=")
            return heads and self.pieces[place].key == "before"  # not 'Prior: A'
        rest = range(place + 1, min(end, place + _LONGEST_HISTORY))
        first = place + 2 if place + 1 < end and self.pieces[place + 1].key in (":", "=", "-") else place + 1
        led = range(first, min(end, first + 2))  # before she got THP
        said = {"the_patient", "previously", "has_had"}
        first = next((at for at in led if not (outline.cues[at] & said or self.pieces[at].key in _HAVING)), first)
        if first >= end or not outline.is_drug[first]:
            return False
        if self.pieces[place + 1].key != ":" and end - place > _LONGEST_HISTORY:
            return False
        told = self.courses.same(agents_of(self.pieces[first]) or ())
        if told is not None and outline.drug_in_sentence_after(first) is not None:
            return False  # T-DM1 stopped for ILD. Before T-DM1 THP.
        return self.pieces[place + 1].key == ":" or all(
            outline.is_drug[at]
            or outline.is_joining(at)
            or self.pieces[at].kind in ("sign", "date", "duration")
            or outline.cues[at] & (_ENDED | {"before_it", "then"})
            for at in rest
            if at not in led
        )

    def _opens_on_the_past(self, place: int, first: int) -> bool:
        """Whether a sentence that opens with the past tells how lines ended before the one that did: 'PD on TCT. In the
        past liver PD on THP', 'Before, PD on THP'."""
        outline = self.outline
        begins = outline.sentence_start[place]
        drug = outline.drug_in_sentence_after(place)
        if place - begins > 2 or drug is None or not self.now.drug_ahead(place):
            return False
        told = any(
            course.sentence != self.now.sentence and (course.outcome or course.ongoing)
            for course in self.courses.metastatic()
        )
        return told and outline.has(range(first, drug), *_ENDED)

    def _heads_a_list(self, place: int) -> bool:
        """Whether 'before' heads what came before the line told before it: 'TCT 4th line (before: A, B, C)', 'drug now
        = TCT, drug before = THP', 'line before was THP'."""
        pieces, first = self.pieces, place
        while first and self._leads_a_heading(first - 1):
            first -= 1
        begins = self.outline.sentence_start[first] == first
        opens = first < place if begins else pieces[first - 1].kind == "sign"
        following = self.outline.next_meaning(place)
        if not opens or following is None or not self.outline.is_drug[following]:
            return False
        led = pieces[place + 1]
        return led.key in (":", "=", "-", "(") or (first < place and bool({"is"} & led.roles))

    def _leads_a_heading(self, place: int) -> bool:
        """Whether a piece only says what 'before' is said of: 'the line before', 'the two before'."""
        piece = self.pieces[place]
        return "heading" in piece.roles or piece.kind == "number" or piece.key == "the"

    def _is_behind_how_it_went(self, place: int) -> bool:
        """Whether only how a drug went stands between it and a word: 'T-DM1 PD, THP PD before', 'TH (9 mo) before'."""
        drug = self.outline.last_drug[place]
        if drug is None or drug < self.outline.sentence_start[place]:
            return False
        return all(
            self.pieces[at].kind in ("silent", "cycles", "duration", "number", "date")
            or self.pieces[at].key in ("(", ")")
            or self.outline.cues[at] & _ENDED
            for at in range(drug + 1, place)
        )

    def _is_of_the_past(self, place: int) -> bool:
        """Whether 'in the past' ends a sentence behind one that told how a line goes: 'PD on TCT. THP in the past.'"""
        outline, pieces = self.outline, self.pieces
        ends = place + 1 == outline.sentence_end[place] or pieces[place + 1].kind == "sign"
        if not ends or pieces[place].asked or pieces[place - 1].key != "the":
            return False
        told = any(
            course.sentence != self.now.sentence and (course.outcome or course.ongoing)
            for course in self.courses.metastatic()
        )
        return told and self._is_all_that_is_told(place)

    def _leads_back_from_what_runs(self, place: int) -> bool:
        """Whether 'before', behind the comma of what is given now, leads to the drugs that end the sentence: 'on T-DM1,
        before THP.'"""
        outline, current, drug = self.outline, self.courses.current, place + 1
        if current is None or not current.present or not outline.is_drug[min(drug, len(self.pieces) - 1)]:
            return False
        opens = self.pieces[place - 1].key in (",", ";", "-") and current.sentence == self.now.sentence
        behind = outline.last_of_list(drug) + 1
        return opens and (behind >= outline.sentence_end[place] or self.pieces[behind].kind == "sign")

    def _is_all_that_is_told(self, place: int) -> bool:
        """Whether only 'came', 'was given' stands between a drug and a word: 'THP before', 'THP was given before'."""
        for at in range(place - 1, max(-1, place - _SAYS_WHEN - 2), -1):
            if self.outline.is_drug[at]:
                return True
            light = self.pieces[at].kind == "silent" or "heading" in self.pieces[at].roles  # THP was the line before
            if not light and "previously" not in self.outline.cues[at]:
                return False
        return False

    def _points_backwards(self) -> bool:
        """Whether arrows lead from each line to the one before it: 'T-DXd <- T-DM1 <- THP'."""
        pieces, outline = self.pieces, self.outline
        if "<" not in outline.typed:
            return False
        lines = self.courses.metastatic()
        if len(lines) <= 1:
            return False
        heads = [
            at
            for at in range(1, len(pieces) - 2)
            if pieces[at].key == "<" and pieces[at + 1].key == "-" and pieces[at + 1].glued
        ]
        return len(heads) == len(lines) - 1 and all(outline.is_drug[at + 2] for at in heads)

    def put_in_order_of_dates(self) -> None:
        """Put lines that all have a year of their own, right behind them or right before, into its order: 'T-DXd 2024,
        THP (2019), T-DM1 2021'."""
        courses = self.courses
        lines = courses.metastatic()
        if len(lines) <= 1 or any(course.number is not None or not course.pieces for course in lines):
            return
        if sum(piece.kind == "date" for piece in self.pieces) < len(lines):
            return
        years = self._years_of(lines)
        if all(years.values()) and len(set(years.values())) == len(lines):
            places = [at for at, course in enumerate(courses.all) if not course.early]
            for at, course in zip(places, sorted(lines, key=lambda course: years[id(course)]), strict=True):
                courses.all[at] = course
            courses.dated = True

    def _years_of(self, lines: list[Course]) -> dict[int, int]:
        """The year of each line, 0 where it has none: before its drugs where the first one has it there."""
        place_of = {piece.start: at for at, piece in enumerate(self.pieces)}
        spans = {
            id(course): (place_of.get(course.pieces[0].start, 0), place_of.get(course.pieces[-1].start, 0))
            for course in lines
        }
        told = sorted(spans.values())
        ahead = self._year_at(self._places_before(told[0][0]))
        return {
            each: self._year_at(self._places_before(first) if ahead else self._places_behind(last))
            for each, (first, last) in spans.items()
        }

    def number_by_brackets(self) -> None:
        """Number lines by the brackets behind them, where these count them: 'T-DXd (2), THP (1)'."""
        lines, pieces = self.courses.metastatic(), self.pieces
        if len(lines) <= 1 or "(" not in self.outline.typed or any(course.number is not None for course in lines):
            return
        place_of = {piece.start: at for at, piece in enumerate(pieces)}
        ends = [place_of.get(course.pieces[-1].start, 0) if course.pieces else 0 for course in lines]
        if any(
            end + 3 >= len(pieces) or pieces[end + 1].key != "(" or pieces[end + 3].key != ")" for end in ends
        ) or not all(pieces[end + 2].kind == "number" for end in ends):
            return
        numbers = [int(pieces[end + 2].value) for end in ends]
        if sorted(numbers) == list(range(1, len(lines) + 1)):
            for course, number, end in zip(lines, numbers, ends, strict=True):
                course.number, pieces[end + 2].used = number, True

    def _places_before(self, drug: int) -> range:
        """The places between a drug and the one before it, the nearest first, that may say when it was given."""
        last = self.outline.last_drug[drug]
        start = max(self.outline.sentence_start[drug], drug - _SAYS_WHEN, -1 if last is None else last + 1)
        return range(drug - 1, start - 1, -1)

    def _places_behind(self, drug: int) -> range:
        """The places between a drug and the next one that may say when it was given."""
        following, end = self.outline.next_drug[drug], self.outline.sentence_end[drug]
        return range(drug + 1, min(end, drug + 1 + _SAYS_WHEN, end if following is None else following))

    def _year_at(self, places: range) -> int:
        """The first year at some places; 0 where there is none, or another stretch begins before it."""
        for at in places:
            piece = self.pieces[at]
            if piece.kind == "sign" and piece.key in (",", ")", "->"):
                return 0
            if piece.kind == "date":
                begins = places.step < 0 and at > 1 and self.pieces[at - 1].key in ("to", "-", "until", "till")
                first = self.pieces[at - 2] if begins and self.pieces[at - 2].kind == "date" else piece
                return int(first.value or 0)
        return 0

    def latest_came_first(self) -> bool:
        """Whether the text tells its lines backwards: 'most recent first', or by its arrows."""
        if self._points_backwards():
            return True
        if "reversed" not in self.outline.said:
            return False
        said = [piece for piece in self.pieces if "reversed" in piece.cues and not piece.asked]
        for piece in said:
            piece.used = True
        lines = self.courses.metastatic()
        if not said or not all(course.number is None or course.counted for course in lines):
            return False
        places = [course.pieces[0].start for course in lines if course.pieces]
        if len(places) > 1 and places == sorted(places, reverse=True):
            return False  # working backwards: TCT. Before that T-DXd, before that THP.
        for course in lines:
            course.number = None
        return True

    def at_first(self, place: int) -> None:
        """'Started with THP', 'TH at the beginning': before every line told so far."""
        courses, current = self.courses, self.courses.current
        lines = courses.metastatic()
        if current is None or not lines or self._sets_off_the_end(place):
            return
        beside = courses.between == "none" or (place > 0 and self.pieces[place - 1].key == "(")
        which = place > 1 and self.pieces[place - 1].key == "which" and self.outline.last_drug[place] == place - 3
        if which or (beside and self.outline.drug_in_stretch_after(place) is None):
            courses.move_to_front(current)  # longer on THP, which came first, than on T-DXd
        elif self.now.drug_ahead(place):
            courses.insert = courses.all.index(lines[0])
            courses.separate("then")

    def _sets_off_the_end(self, place: int) -> bool:
        """Whether how a line began is told beside how it ended: 'initially responded to T-DM1, now progressing'."""
        outline, following = self.outline, place + 1
        if following >= len(self.pieces) or self.pieces[following].key not in ("responded", "responding", "response"):
            return False
        drug = outline.drug_in_stretch_after(following)
        if drug is None:
            return False
        rest = range(drug + 1, outline.sentence_end[drug])
        return outline.has(rest, "progression", "toxicity", "stopped")

    def names_what_came_before(self, place: int) -> bool:
        """Whether 'previous' leads to a line before the one just told: 'PD on T-DXd, previous THP'."""
        cues = self.outline.cues[place]
        if "has_had" in cues and self._is_behind_what_goes_on(place):
            return True
        if "previous" not in cues or self._is_said_of_each(place):
            return False
        if self._heads_what_came_before(place):
            return True
        current, following = self.courses.current, self.outline.next_meaning(place)
        opened = place > 0 and self.pieces[place - 1].key == "("
        told_here = (
            current is not None
            and current.sentence == self.now.sentence
            and (self.courses.between == "comma" or opened or self.pieces[place - 1].key == ",")
        )
        return told_here and following is not None and self.outline.is_drug[following]

    def _is_behind_what_goes_on(self, place: int) -> bool:
        """Whether what was had is told behind the line that goes on: 'TCT since May. She has had THP and T-DXd.'"""
        outline, current = self.outline, self.courses.current
        following = outline.next_drug[place]
        if current is None or current.early:
            return False
        goes_on = current.ongoing and current.outcome in (None, "ongoing")
        if not goes_on and not (current.outcome == "progression" and self._is_a_history(place)):
            return False
        if following is None or not self.now.drug_ahead(place) or current is not self.courses.metastatic()[-1]:
            return False
        begins = all(
            self.pieces[at].kind in ("silent", "sign") or "the_patient" in outline.cues[at]
            for at in range(outline.stretch_start[place], place)
        )
        named = generic(agents_of(self.pieces[following]) or ())
        return begins and bool(named) and not named <= generic(current.agents)

    def _is_a_history(self, place: int) -> bool:
        """Whether 'had' heads nothing but the lines before the one that grew: 'PD on T-DXd, had THP and T-DM1'."""
        outline, pieces = self.outline, self.pieces
        first, end = outline.next_drug[place], outline.sentence_end[place]
        last = outline.last_drug[end - 1] if not outline.is_drug[end - 1] else end - 1
        drug = outline.last_drug[place]
        if first is None or last is None or drug is None or drug < outline.sentence_start[place]:
            return False
        headed = outline.has(range(outline.sentence_start[place], drug), "progression") or outline.has(
            outline.before_in_stretch(drug), "new"
        )
        listed = any(pieces[at].key in ("and", ",") for at in range(first, last)) or "has" in pieces[place].key
        inside = all(outline.is_drug[at] or outline.is_joining(at) for at in range(first, last))
        return headed and listed and inside and last + 2 >= end

    def _heads_what_came_before(self, place: int) -> bool:
        """Whether a sentence begins with 'previous', right before its drugs: 'T-DXd since May. Previous: THP.'"""
        outline, current = self.outline, self.courses.current
        following = outline.next_meaning(place)
        if current is None or current.early:
            return False
        last = outline.last_drug[place]
        none_yet = last is None or last < outline.sentence_start[place]
        apart = current.ongoing or current.sentence != self.now.sentence
        opens = apart and none_yet and outline.stretch_start[place] == place  # HER2 3+, previous THP
        heads = range(outline.sentence_start[place], place)  # her previous treatment was THP
        if not opens and any(self.pieces[at].kind != "silent" for at in heads):
            return False
        if following is not None and "line_word" in outline.cues[following]:  # past lines: THP
            following = outline.next_meaning(following)
        return following is not None and outline.is_drug[following] and self.now.drug_ahead(place)

    def _is_said_of_each(self, place: int) -> bool:
        """Whether the drugs before it are headed by the same word: 'ex THP, ex T-DXd', 'Prior: THP. Prior: T-DXd.'"""
        outline, pieces = self.outline, self.pieces
        last = outline.last_drug[place]
        if last is None:
            return False
        heads = (outline.sentence_start[last], *outline.before_in_stretch(last, 2))
        return any(pieces[at].key == pieces[place].key for at in heads)
