"""Disease outside the brain: the organs that hold metastases, and whether it grows or is under control."""

from __future__ import annotations

from bisect import bisect_left

from messages.understanding.context import Context
from messages.understanding.drugs import names_drugs
from messages.understanding.lines import Told
from messages.understanding.outline import BRAIN, is_new
from messages.understanding.scan import Piece
from messages.understanding.statements import Stated

_FAR = 20
"""Pieces of a clause before and after an organ that are looked at, at most."""
_GROWTH = frozenset(("progression", "governing", "at_progression"))
"""Cues of growth; 'stopped for PD' tells of it, too."""
_GREW = ("progression", "toxicity")
"""Outcomes of a line under or behind which the disease grew."""
_KEPT = ("keep", "keeping", "save", "saving", "reserve", "reserving", "hold", "holding", "wait", "waiting", "later")
"""What says that drugs are kept for growth that may come."""
_POINTING = ("there", "same")
"""Words that may stand for an organ told before."""
_NEAR = 3
"""Pieces between growth and such a word, at most."""
_OF_ALL = frozenset(("all", "everything", "everywhere", "otherwise", "elsewhere", "rest", "body"))
"""Words that say of all disease how it does."""
_SITES = ("organ", "organ_mets", "body_imaging", "extracranial")
_JOINING = ("and", "&", "while", "whereas", "whilst")
"""Words that part two statements of a clause."""
_LISTED = 6
"""Organs of one list in brackets, at most."""


_FOR_THE_FIRST_TIME = frozenset(("early", "relapse", "came_back", "untreated", "de_novo", "surgery", "early_stage"))
_AT_DIAGNOSIS = frozenset(("diagnosis", "diagnosed", "dx", "primary", "presentation", "presents", "presenting"))
"""What tells that metastases may be the first: cues, and words."""


_OTHER_THAN_DISEASE = frozenset(("fracture", "fractures", "diagnosis", "biopsy"))
"""What may be new where no lesion is."""


class Disease:
    """Reads every organ that is named."""

    def __init__(self, context: Context, stated: Stated, told: Told, text: str) -> None:
        self.context = context
        self.text = text
        self.pieces = context.pieces
        self.stated = stated
        self.lines = len(told.lines)
        self.latest = told.lines[-1] if told.lines else None
        self._excepted = False
        """Whether an organ is the exception from what did not grow."""
        self._held_organs: set[int] = set()
        """Where single organs are told that hold disease under control."""
        self.ended_at, self.grew_under = told.ended_at, told.grew_under
        self._sites = [
            place for place, piece in enumerate(self.pieces) if "noun" in piece.kinds and piece.is_("noun", *_SITES)
        ]
        if self._sites:
            self._goes_on_elsewhere = (
                self.lines > 0
                or not (told.early or told.untreated or any(_is_the_first(piece) for piece in self.pieces))
                or any(self._is_held_somewhere(at) for at in range(len(self.pieces)))
            )
            """Whether metastases were there before those that are new: a line was given, or some are stable, or nothing
            says that they are the first."""
            self._sites += [
                place
                for place in range(self._sites[0], len(self.pieces))
                if self.pieces[place].key in _POINTING and self._points_at_a_site(place)
            ]
            self._course = [
                "" if piece.kind == "sign" else self._course_at(place) for place, piece in enumerate(self.pieces)
            ]
            # where each kind of word stands, in order: found by halving, however many organs ask for the nearest
            named = [(place, piece) for place, piece in enumerate(self.pieces) if piece.kind not in ("silent", "sign")]
            held = self.context.lexicon.groups
            self._courses = [
                place
                for place, piece in named
                if (piece.cues or piece.key in held or piece.key.startswith("respond") or self._course[place])
                and self._tells_a_course(place)
            ]
            self._brains = [place for place, piece in named if "noun" in piece.kinds and piece.is_("noun", *BRAIN)]
            self._named_lines = [place for place, piece in named if piece.kind == "line" or names_drugs(piece)]

    def read(self) -> None:
        """State what the text says of every organ."""
        for place in self._sites:
            piece = self.pieces[place]
            if not piece.is_("noun", *_SITES) or (
                piece.is_("noun", "organ", "organ_mets") and not piece.is_("noun", "brain_mets")
            ):
                self._organ(place)
            if piece.is_("noun", "body_imaging"):
                self._hold(place, self._clause(place))
            if piece.is_("noun", "extracranial", "body_imaging") and not self.context.is_family(place):
                self._as_a_whole(place)
        if self._sites:
            self._use_sites()
        self._agree()

    def _ended_earlier(self, said: list[Piece]) -> bool:
        """Whether pieces tell how lines ended, and none of them is the latest."""
        ended = [course for piece in said for course in self.ended_at.get(piece.start, ())]
        return bool(ended) and self.latest not in ended

    def _is_of_a_number_before(self, place: int) -> bool:
        """Whether a line is named by its number alone, which is before the latest: 'first line ended in lung PD'."""
        before = _within(self._named_lines, range(self.context.sentence(place).start, place))
        ahead = _within(self._named_lines, range(place + 1, self.context.clause(place).stop))
        if not before and not ahead:
            return False
        told = self.pieces[before[-1] if before else ahead[0]]
        return told.kind == "line" and told.value < self.lines

    def _points_at_a_site(self, place: int) -> bool:
        """Whether 'there' ends what is told, but for under what it was, and stands for an organ told before: 'liver
        mets, now PD there', 'bone mets, progressed there on THP'."""
        behind = self.pieces[place + 1] if place + 1 < self.context.clause(place).stop else None
        ends = behind is None or behind.kind in ("sign", "date") or bool(behind.roles & {"on", "during"})
        ends = ends or (behind is not None and behind.cue("after"))
        before = (self.pieces[at] for at in range(place - 1, max(-1, place - _FAR), -1))
        named = next((piece for piece in before if piece.is_("noun", *BRAIN, *_SITES)), None)
        outside = named is not None and not named.is_("noun", *BRAIN)
        return ends and outside and any(self._course_at(at) for at in range(max(0, place - _NEAR), place))

    def _agree(self) -> None:
        """Where growth is told of the latest line, and nothing how it ended, that is how; where the line goes on, or
        the body as a whole is under control now, the growth was of a line before it."""
        told = [said for said in self.stated.statements if said.field == "extracranial_disease"]
        latest = self.latest
        if latest is None or latest.outcome in _GREW or not any(said.value == "progressing" for said in told):
            return
        held = any(said.value == "controlled" and said.start not in self._held_organs for said in told)
        goes_on = latest.outcome == "ongoing" and any("no_progression" in piece.cues for piece in self.pieces)
        if not self._excepted and (held or goes_on):
            self.stated.take_back("extracranial_disease", "progressing")
        else:
            latest.outcome = "progression"

    def _use_sites(self) -> None:
        """Where metastatic disease is stated, the organs that hold it are no words left over."""
        if not any(said.field == "setting" and said.value == "metastatic" for said in self.stated.statements):
            return
        for place in self._sites:
            piece = self.pieces[place]
            if piece.is_("noun", "organ", "organ_mets") and self.context.stance(place) == "affirmed":
                piece.used = True

    def _organ(self, place: int) -> None:
        piece = self.pieces[place]
        if self._is_the_exception(place):
            self._excepted = True
            self.stated.note("extracranial_disease", "progressing", [piece])
            if not self.is_local(piece):
                self.stated.note("setting", "metastatic", [piece])
            return
        stance = self.context.stance(place)
        if stance in ("denied", "family", "uncertain", "hypothetical"):
            piece.used = piece.used or stance == "denied"
            return
        mets = piece.is_("noun", "organ_mets") and not piece.is_("other")  # 'liver disease' may be any
        clause = self._own_part(place, self._clause(place))
        if piece.asked and not (mets or self._is_where_a_line_failed(clause) or self._is_what_drugs_are_for(place)):
            return
        new = is_new(self.pieces, place) or self._has_new_lesions(place)
        again = place + 1 < clause.stop and "again" in self.pieces[place + 1].cues
        growing = self._growing(clause, mets=mets or new or again)
        if (mets and not self._is_recurrence(piece) and not self._is_nodal_only(piece)) or self._holds_metastases(
            place, clause, growing=bool(growing)
        ):
            self.stated.note("setting", "metastatic", [piece])
        later = self._told_later(place)
        if later is not None:
            growing = [self.pieces[later]] if self._course[later] else []
        if later is not None and not growing:
            self.stated.note("extracranial_disease", "controlled", [piece, self.pieces[later]])
        elif growing:
            if not (self._ended_earlier([piece, *growing]) or self._is_of_a_number_before(place)):
                self.stated.note("extracranial_disease", "progressing", [piece, *growing])
        elif self._is_where_the_latest_grew(place) or self._came_back_by_now(place):
            self.stated.note("extracranial_disease", "progressing", [piece])
        else:
            self._hold(place, clause)

    def _is_where_a_line_failed(self, clause: range) -> bool:
        """Whether growth that ended a line is told where an organ is named in a question: 'what after THP failed in
        liver?'"""
        return any(self._course[at] == "growth" and self.pieces[at].start in self.ended_at for at in clause)

    def _is_what_drugs_are_for(self, place: int) -> bool:
        """Whether a question is which drugs to give for growth that is there: 'T-DM1 or TCT for liver PD?'; not 'keep
        T-DM1 for liver PD?'"""
        sentence = self.context.sentence(place)
        first = place
        while first > sentence.start and first > place - _NEAR and self.pieces[first - 1].key != "for":
            before = self.pieces[first - 1]
            if not (before.kind == "silent" or before.cue("progression", "joined") or before.is_("noun", "organ")):
                return False
            first -= 1
        if first <= sentence.start or self.pieces[first - 1].key != "for":
            return False
        grows = any(self._course[at] == "growth" for at in range(first - 1, min(place + _NEAR, sentence.stop)))
        offered = self.pieces[sentence.start : first]
        kept = any(piece.key in _KEPT or "if" in piece.roles for piece in offered)
        return grows and not kept and any(names_drugs(piece) for piece in offered)

    def _told_later(self, place: int) -> int | None:
        """The last word that later clauses of a sentence, which begin with it, say of the organ whose course this one
        tells: 'liver mets stable on THP, grew on T-DXd'."""
        clause, end = self.context.clause(place), self.context.sentence(place).stop
        if self._is_about_brain(clause, place) or not _within(self._courses, range(place + 1, clause.stop)):
            return None  # lung mets, progressed on THP
        found, first = None, clause.stop
        while first < end and first < clause.stop + _FAR:
            places = self.context.clause(first)
            said = next((at for at in places if not self._leads_to_a_course(at)), first)
            if not self._tells_a_course(said) or any(self.pieces[at].is_("noun") for at in places):
                break
            found, first = said, places.stop
        return found if found is None or self._course[found] or self._is_held(self.pieces[found]) else None

    def _tells_a_course(self, place: int) -> bool:
        """Whether a piece says how an organ does or did."""
        piece = self.pieces[place]
        return self._course[place] == "growth" or self._is_held(piece) or piece.key.startswith("respond")

    def _leads_to_a_course(self, place: int) -> bool:
        """Whether a piece may stand before the word that begins a clause about an organ: 'but then', 'they'."""
        piece = self.pieces[place]
        return piece.kind in ("silent", "sign", "date") or piece.cue("then", "new_word", "joined")

    def _has_new_lesions(self, place: int) -> bool:
        """Whether new lesions are told behind an organ: 'lung: two new nodules'."""
        at = place + 1
        stop = self.context.clause(place).stop
        while at < stop and (self.pieces[at].kind in ("silent", "number") or self.pieces[at].key == ":"):
            at += 1
        following = self.context.next_word(at) if at < stop and "new" in self.pieces[at].cues else None
        return following is not None and self.context.of(following, "lesion")

    def _is_the_exception(self, place: int) -> bool:
        """Whether an organ is all that grew: 'no growth except the liver', 'everything stable but a rib lesion'."""
        at = place - 1
        while at > 0 and at >= place - _NEAR and self.pieces[at].kind in ("silent", "number"):
            at -= 1
        excepts = at > 0 and ("than" in self.pieces[at].cues or self.pieces[at].key in ("but", "bar", "save"))
        if not excepts or any(self._is_held(self.pieces[on]) for on in self._clause(place) if on > at):
            return False
        before = range(at - 1, max(self.context.sentence(place).start, at - _FAR) - 1, -1)
        told = next((on for on in before if self._course[on] or self._says_how_it_does(on)), None)
        return told is not None and self._says_how_it_does(told)

    def _says_how_it_does(self, place: int) -> bool:
        """Whether nothing grew, or all is under control, up to an exception."""
        piece = self.pieces[place]
        if "no_progression" in piece.cues:
            return True
        beside = [self.pieces[at].key for at in range(max(0, place - _NEAR), min(place + 2, len(self.pieces)))]
        if "progression" in piece.cues:
            return "nothing" in beside
        return self._is_held(piece) and not _OF_ALL.isdisjoint(beside)

    def _is_where_the_latest_grew(self, place: int) -> bool:
        """Whether an organ only leads to the latest line, which ended with growth: 'PD in bone on A, in liver on B'."""
        drug = place + 2 + (place + 1 < len(self.pieces) and self.pieces[place + 1].key == "(")
        if self.latest is None or self.latest.outcome != "progression" or drug >= len(self.pieces):
            return False
        return self.context.of(self.pieces[drug - 1], "under") and self.pieces[drug] in self.latest.pieces

    def _came_back_by_now(self, place: int) -> bool:
        """Whether a relapse in an organ is told of now, or at a date, behind all lines: 'TCT since 2024. Now lung
        relapse'."""
        sentence = self.context.sentence(place)
        if self.latest is None or self.latest.early or not self.latest.pieces or not sentence.start:
            return False
        if self.pieces[sentence.start].start < max(piece.start for piece in self.latest.pieces):
            return False
        near = range(max(sentence.start, place - _NEAR), min(sentence.stop, place + _NEAR + 1))
        if not any("came_back" in self.pieces[at].cues and self.pieces[at].key != "first" for at in near):
            return False
        opens = self.pieces[sentence.start]
        told = opens.kind == "date" or any(self.context.of(self.pieces[at], "for_now") for at in sentence)
        if not told and "month" not in opens.roles:
            return False
        if any(self.pieces[at].cue("early", "early_stage", "at_first") for at in sentence):
            return False
        return not any(names_drugs(self.pieces[at]) for at in range(sentence.start, len(self.pieces)))

    def _hold(self, place: int, clause: range) -> None:
        """Disease under control in an organ, or on a scan of the body."""
        held = [
            self.pieces[at]
            for at in clause
            if self._is_held(self.pieces[at]) and not self.context.is_denied_at_once(at)
        ]
        if (
            held
            and not self._is_about_brain(clause, place)
            and not any("progression" in self.pieces[at].cues for at in clause)
        ):
            words = [self.pieces[place], *held]
            self.stated.note("extracranial_disease", "controlled", words)
            if not self.pieces[place].is_("noun", "body_imaging"):
                self._held_organs.add(min(piece.start for piece in words))

    def _as_a_whole(self, place: int) -> None:
        """Disease outside the brain as such, by the word right behind or before it: 'extracranial: SD', 'CT: PD'."""
        clause = _near(self.context.clause(place), place)
        for places in (
            range(place + 1, self._stop_of_the_whole(place, clause)),
            range(place - 1, clause.start - 1, -1),
        ):
            for at in places:
                course = self._course_as_a_whole(at)
                if course == "progressing" and self._ended_earlier([self.pieces[place], self.pieces[at]]):
                    return
                if course is not None:
                    words = [self.pieces[place], self.pieces[at]]
                    self.stated.note("extracranial_disease", course, words)
                    return
                if not self._is_between(at):
                    break

    def _stop_of_the_whole(self, place: int, clause: range) -> int:
        """Where the words end that say how disease does as such: behind a mixed response, with the clause that sums it
        up: 'CT: mixed response, overall PD'."""
        mixed = any("mixed_response" in self.pieces[at].cues for at in range(place + 1, clause.stop))
        if not mixed or clause.stop >= self.context.sentence(place).stop:
            return clause.stop
        return _near(self.context.clause(clause.stop), place).stop

    def _course_as_a_whole(self, at: int) -> str | None:
        """What a word says of disease as such: `controlled`, `progressing` or nothing."""
        piece = self.pieces[at]
        denied = self.context.is_denied_at_once(at)
        if "no_progression" in piece.cues:
            return "controlled"
        if self._is_held(piece) or piece.key.startswith("respond"):
            return None if denied else "controlled"
        if "progression" in piece.cues and "governing" not in piece.cues:
            return "controlled" if denied else "progressing"
        return None

    def _is_between(self, at: int) -> bool:
        """Whether a piece may stand between disease as such and how it does."""
        piece = self.pieces[at]
        passed = piece.kind in ("silent", "sign", "date") or piece.cue("negation", "ongoing", "good", "mixed_response")
        passed = passed or (piece.key == "but" and at > 0 and "mixed_response" in self.pieces[at - 1].cues)
        return passed or self.context.of(piece, "copula", "lesion", "degree") or self._shares_with_brain(at)

    def _shares_with_brain(self, at: int) -> bool:
        """Whether the brain is named with it: 'stable intracranial and extracranial disease'."""
        joined = "joined" in self.pieces[at].cues
        follows = at + 1 < len(self.pieces) and "joined" in self.pieces[at + 1].cues
        return joined or (follows and self.pieces[at].is_("noun", "brain", "brain_mets"))

    def _clause(self, place: int) -> range:
        """The clause of an organ; for organs in brackets, with what stands before them: 'PD (liver, bone)'."""
        clause = _near(self.context.clause(place), place)
        if clause.stop < self.context.sentence(place).stop and self._goes_on(clause):
            return range(clause.start, min(self.context.clause(clause.stop).stop, clause.stop + _FAR))
        first = clause.start
        for _ in range(_LISTED):
            before = self.pieces[first - 1] if first else None
            if before is None or before.sentence != self.pieces[place].sentence:
                break
            earlier = self.context.clause(first - 1)
            if before.key == "(":
                return range(max(earlier.start, first - _FAR), clause.stop)
            if before.key == "," and self._ends_in_progression(earlier) and self._only_lists(range(first, clause.stop)):
                return range(max(earlier.start, first - _FAR), clause.stop)  # 'PD again, liver and bone'
            if before.key == "," and self.pieces[first].key == "in" and self._tells_growth(earlier):
                return range(max(earlier.start, first - _FAR), clause.stop)  # 'PD on T-DXd at 20 mo, in the lung'
            if (
                before.key == ")"
                and self.pieces[first].key == "in"
                and (told := self._before_bracket(first)) is not None
            ):
                return range(max(told.start, first - _FAR), clause.stop)  # 'PD on T-DXd (2L) in liver'
            if before.key != "," or not all(self._is_listed(at) for at in earlier):
                break
            first = earlier.start
        return clause

    def _before_bracket(self, behind: int) -> range | None:
        """The clause of growth before the bracket that ends before a piece."""
        opened = next((at for at in range(behind - 2, max(0, behind - _FAR), -1) if self.pieces[at].key == "("), None)
        if opened is None or self.pieces[opened].sentence != self.pieces[behind].sentence:
            return None
        earlier = self.context.clause(opened - 1)
        return earlier if self._tells_growth(earlier) else None

    def _own_part(self, place: int, clause: range) -> range:
        """What of a clause is said of the organ at a place, where it tells of several, each with its own course: 'the
        brain grew and the liver stayed stable'."""
        first = clause.start
        for at in clause:
            if self.pieces[at].key in _JOINING and self._tells_how_one_does(range(first, at)):
                if not self._tells_how_one_does(range(at + 1, clause.stop)):
                    break
                if place < at:
                    return range(first, at)
                first = at + 1
        return range(first, clause.stop)

    def _tells_how_one_does(self, places: range) -> bool:
        """Whether a part of a clause names a place of disease, and how it does there."""
        named = any(self.pieces[at].is_("noun", *BRAIN, *_SITES) for at in places)
        return named and any(self._course[at] or self._is_held(self.pieces[at]) for at in places)

    def _tells_growth(self, clause: range) -> bool:
        return any(self._course[at] == "growth" for at in clause)

    def _ends_in_progression(self, clause: range) -> bool:
        """Whether a clause tells of progression, with no drug behind it: 'T-DXd 9 months, PD at 20 mo'."""
        grew = [at for at in clause if self._course[at] == "growth"]
        return bool(grew) and not any(names_drugs(self.pieces[at]) for at in range(grew[-1], clause.stop))

    def _only_lists(self, places: range) -> bool:
        """Whether nothing but organs stands there."""
        return all(self._is_listed(at) or self.pieces[at].kind == "date" for at in places)

    def _goes_on(self, clause: range) -> bool:
        """Whether the next clause says how the organ of this one does: 'bone mets only, growing on TCT'."""
        if any(self.pieces[at].cue("progression", "stable", "responding") for at in clause):
            return False
        first = clause.stop + (self.pieces[clause.stop].key in ("both", "all", "each"))
        slow = first < len(self.pieces) and self.context.of(self.pieces[first], "degree")
        first += slow
        second = first + 1
        if second > len(self.pieces):
            return False
        said = self.context.of(self.pieces[first], "does") or (slow and "progression" in self.pieces[first].cues)
        return said and not (second < len(self.pieces) and self.pieces[second].is_("noun"))

    def _is_listed(self, place: int) -> bool:
        piece = self.pieces[place]
        named = piece.is_("noun", "organ", "organ_mets", "brain")
        return named or piece.kind in ("silent", "sign") or "joined" in piece.cues or piece.key == "no"

    def _growing(self, clause: range, *, mets: bool) -> list[Piece]:
        """The words of growth in a clause; of new metastases where a line was given before."""
        said = [at for at in clause if self._course[at]]
        if not said or any(self._course[at] == "no_progression" for at in said):
            return []
        return [self.pieces[at] for at in said if self._course[at] == "growth" or mets]

    def _course_at(self, place: int) -> str:
        """Whether a piece is a word of `growth`, of `more` (new lesions, where a line was given), `no_progression`."""
        piece = self.pieces[place]
        if piece.kind == "sign":
            return ""
        cues = piece.cues
        if "no_progression" in cues:
            return "no_progression"
        grows = not cues.isdisjoint(_GROWTH) or piece.start in self.grew_under
        if not (grows or self._goes_on_elsewhere):
            return ""
        more = (not grows or not self._goes_on_elsewhere) and self.context.of(piece, "more")
        if not (grows or more) or self.context.is_denied_at_once(place) or (more and not self._goes_on_elsewhere):
            return ""
        behind = [piece.key for piece in self.pieces[place + 1 : place + 3]]
        if more and not _OTHER_THAN_DISEASE.isdisjoint(behind):  # bone mets with a new vertebral fracture
            return ""
        return "growth" if grows else "more"

    def _is_recurrence(self, piece: Piece) -> bool:
        """Whether a piece is a recurrence near the breast: 'recurrence in axillary nodes'."""
        return self.context.of(piece, "recurs") and self.is_local(piece)

    def _is_nodal_only(self, piece: Piece) -> bool:
        """Whether a piece names local disease without calling it metastases: 'nodal disease'."""
        return self.is_local(piece) and "met" not in self.text[piece.start : piece.end].lower()

    def is_local(self, piece: Piece) -> bool:
        """Whether the organs a piece names are local or regional only: skin, chest wall, lymph nodes."""
        words = self.text[piece.start : piece.end].lower().split()
        known = [self.context.lexicon.groups.get(word, ()) for word in words]
        organs = [groups for groups in known if "<organ>" in groups]
        return bool(organs) and all("<local>" in groups for groups in organs)

    def _holds_metastases(self, place: int, clause: range, *, growing: bool) -> bool:
        """Whether an organ that is named by itself holds metastases."""
        piece = self.pieces[place]
        if self.is_local(piece) or self.context.of(piece, "whole_body") or self._is_of_nodes(place):
            return False
        near = [self.pieces[at] for at in clause]
        if growing or any(
            other.cue("relapse", "new", "de_novo") or self.context.of(other, "lesion", "more") for other in near
        ):
            return True
        return self._is_elided(place) or self._is_bare_list(place) or self._is_where_it_came_back(place)

    def _is_of_nodes(self, place: int) -> bool:
        """Whether an organ only says where nodes are: 'growth in mediastinal nodes'."""
        following = self.pieces[place + 1] if place + 1 < len(self.pieces) else None
        return following is not None and self.context.of(following, "nodes") and self.is_local(following)

    def _is_where_it_came_back(self, place: int) -> bool:
        """Whether a relapse is told of an organ: 'recurred during adjuvant T-DM1 in the lung'."""
        inside = any(piece.key == "in" for piece in self.pieces[max(0, place - 2) : place])
        return inside and self._came_back_before(place)

    def _came_back_before(self, place: int) -> bool:
        """Whether the sentence tells of a relapse before a place."""
        before = range(max(self.context.sentence(place).start, place - _FAR), place)
        return any("came_back" in self.pieces[at].cues for at in before)

    def _is_bare_list(self, place: int) -> bool:
        """Whether a clause only lists organs, behind a relapse or in a text with lines: ', lung and liver.'"""
        clause = self.context.clause(place)
        told = self.lines > 0 or self._came_back_before(place)
        if not told or len(clause) > _LISTED * 2 or self.context.sentence(place) == clause:
            return False
        before = self.pieces[clause.start - 1].key if clause.start else ""
        listed = all(self._is_listed(at) for at in clause) and self.pieces[clause.stop - 1].key != ":"
        return listed and before == ","

    def _is_elided(self, place: int) -> bool:
        """Whether metastases are carried on from the clause before: 'no mets in the brain, but in both lungs'."""
        clause, sentence = self.context.clause(place), self.context.sentence(place)
        begins = [piece for piece in self.pieces[clause.start : place] if piece.kind != "sign"]
        if not begins or not any(piece.key == "in" for piece in begins[:2]) or clause.start == sentence.start:
            return False
        before = _near(self.context.clause(clause.start - 1), clause.start)
        return any(self.context.of(self.pieces[at], "lesion") or self.pieces[at].is_("say", "setting") for at in before)

    def _is_held(self, piece: Piece) -> bool:
        """Whether a word says that disease is under control; 'PR' may have been read as a receptor."""
        held = not piece.cues.isdisjoint(("stable", "responding")) or self.context.of(piece, "held")
        return held and not (piece.used and piece.is_("noun", "pr"))

    def _is_held_somewhere(self, place: int) -> bool:
        """Whether a word says of an organ, or of the brain, that disease is under control there."""
        if not self._is_held(self.pieces[place]):
            return False
        near = _near(self.context.clause(place), place)
        return any(self.pieces[at].is_("noun", *_SITES, *BRAIN) for at in near)

    def _is_about_brain(self, clause: range, place: int) -> bool:
        """Whether a clause names the brain, and not as one of several with the organ at a place: 'brain and liver mets
        both smaller'."""
        named = _within(self._brains, clause)
        return any(not (at < place and all(self._is_listed(on) for on in range(at, place))) for at in named)


def _is_the_first(piece: Piece) -> bool:
    """Whether a piece tells of a disease that is found, or comes back, for the first time."""
    found = not piece.cues.isdisjoint(_FOR_THE_FIRST_TIME) or piece.key in _AT_DIAGNOSIS
    return found or ("say" in piece.kinds and piece.is_("say", "prior_lines", "early_stage_agents"))


def _within(places: list[int], span: range) -> list[int]:
    """Those of some places, which are in order, that lie in a span."""
    return places[bisect_left(places, span.start) : bisect_left(places, span.stop)]


def _near(places: range, place: int) -> range:
    """What of a clause stands near a place."""
    return range(max(places.start, place - _FAR), min(places.stop, place + _FAR))
