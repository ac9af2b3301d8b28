"""A second look at what was read as clear: the words around it may take it back.

A later number or status of the same measure, a denial of a part only ('no active ILD'), an end or an exception behind
it ('until last week', 'except one'), a question mark or a pending result: the worse value, not known, or asked back.
"""

from __future__ import annotations

from bisect import bisect_left
from functools import cached_property
from operator import attrgetter

from messages.understanding.context import Context
from messages.understanding.drugs import names_drugs
from messages.understanding.organ_function import BILIRUBIN_ABOVE, CRCL_FROM, LVEF_FROM, PLATELETS_FROM
from messages.understanding.scan import Piece
from messages.understanding.statements import Stated, Statement

_AHEAD = 14
"""Pieces behind a value in which a later one is looked for, at most."""
_BESIDE = 3
"""Pieces around a later number in which it is said when it was, at most."""
_BEFORE = 3
"""Pieces before a value in which it is made a condition or only a part is denied, at most."""

_MEASURES: dict[str, tuple[str, str, float, float, float]] = {
    "lvef": ("normal", "reduced", 10, 90, LVEF_FROM),
    "platelets": ("normal", "low", 5, 1500, PLATELETS_FROM),
    "renal_impairment": ("none", "severe", 3, 250, CRCL_FROM),
}
"""A measured field: its clear and its other value, the numbers it may have, and where its clear one begins."""
_CLEAR: dict[str, tuple[str, ...]] = {
    "ild_history": ("absent",),
    "leptomeningeal": ("absent",),
    "pregnancy": ("absent",),
    "dpd_deficiency": ("none",),
    "brain_metastases": ("none", "stable"),
    "extracranial_disease": ("controlled",),
}
"""Values that say that all is well, of fields without a number."""
_PARTLY: dict[tuple[str, object], tuple[str, ...]] = {
    ("ild_history", "absent"): ("present", "absent"),
    ("brain_metastases", "none"): ("stable", "active"),
    ("leptomeningeal", "absent"): ("present", "absent"),
}
"""What may be meant where only a part is denied: 'no active ILD', 'no untreated brain mets'."""
_TURNED: dict[tuple[str, object], tuple[str, ...]] = {
    ("ild_history", "absent"): ("present", "absent"),
    ("leptomeningeal", "absent"): ("present", "absent", "unknown"),
    ("brain_metastases", "none"): ("active", "none", "not_imaged"),
    ("brain_metastases", "stable"): ("active", "stable"),
    ("extracranial_disease", "controlled"): ("progressing", "controlled"),
    ("hepatic_impairment", "none"): ("none", "moderate", "severe"),
}
"""What may be meant where an end or an exception stands behind: 'stable until last week', 'none except one'."""
_NOT_YET: dict[tuple[str, object], tuple[str, ...]] = {
    ("brain_metastases", "none"): ("none", "not_imaged"),
    ("brain_metastases", "stable"): ("stable", "active"),
}
"""What may be meant where a result is still awaited; of other fields it is not known then."""
_EJECTION = ("ef", "lvef", "lv", "ejection", "reduced", "low", "impaired", "poor", "decreased", "depressed")
"""How words for a reduced ejection fraction begin."""
_BY_NOW = ("now", "again", "back", "since", "today", "currently", "meanwhile", "normalised", "normalized")
_START = attrgetter("start")
_TURNING_KEYS = frozenset(("since", "apart", "had", "normal", "clear", "clean", "due", "clinically", "?"))
_TURNING_CUES = frozenset(("uncertain", "stable", "came_back", "pending"))
_TURNING_GROUPS = ("takes_back", "only_a_part", "for_now", "positive")
"""What may take back a finding beside it: where none of it stands near, nothing is looked at."""
_OF_THE_BRAIN = ("brain", "brain_mets", "brain_imaging", "imaging")


class Caution:
    """Looks again at every value that says all is well."""

    def __init__(self, context: Context, stated: Stated) -> None:
        self.context = context
        self.pieces = context.pieces
        self.stated = stated

    def look(self) -> None:
        """Take back, ask back or worsen what its surroundings do not let stand."""
        for statement in list(self.stated.statements):
            name, value = statement.field, statement.value
            if name in _MEASURES and value == _MEASURES[name][0]:
                self._measured(statement)
            elif (name, value) == ("lvef", "reduced"):
                self._recovered(statement)
            elif name == "hepatic_impairment" and value == "none":
                self._liver(statement)
            elif name == "her2_status" and value == "positive":
                self._of_denied_disease(statement)
            elif name == "red_flags" and value == ():
                self._excepted(statement)
            elif value in _CLEAR.get(name, ()):
                self._clear(statement)

    def _places(self, statement: Statement) -> tuple[int, int]:
        """The first piece of a statement and the last."""
        first = bisect_left(self.pieces, statement.start, key=_START)
        return first, bisect_left(self.pieces, statement.end, key=_START) - 1

    def _instead(self, statement: Statement, readings: tuple[str, ...], *places: int) -> None:
        """Ask back in place of a statement, or state the one reading there is."""
        if statement not in self.stated.statements:
            return
        self.stated.statements.remove(statement)
        first, last = self._places(statement)
        pieces = [self.pieces[at] for at in (*range(first, last + 1), *places)]
        if len(readings) > 1:
            self.stated.ask(statement.field, readings, pieces)
        else:
            self.stated.note(statement.field, readings[0], pieces, corrected=statement.corrected)

    # ---- numbers and status of a later time --------------------------------------------------------------------------

    def _measured(self, statement: Statement) -> None:
        """'EF 58 in January; 41 in June', 'platelets normal before T-DM1, low since'."""
        _, other, least, most, begins = _MEASURES[statement.field]
        first, last = self._places(statement)
        if self._is_condition(first, last):
            self.stated.statements.remove(statement)
            return
        for at in self._later(last, statement.field):
            piece = self.pieces[at]
            if piece.kind == "number" and not piece.used and least <= piece.value <= most and self._is_timed(at):
                if piece.value < begins:
                    self._instead(statement, (other,), at)
                    return
            elif piece.cue("bad") and self._is_timed(at) and not self._is_of_a_noun(at):
                self._instead(statement, (other,), at)
                return

    def _recovered(self, statement: Statement) -> None:
        """'EF reduced in May, normal now': what it is by now counts; not so of a cardiomyopathy, nor of a number."""
        first, last = self._places(statement)
        said = self.pieces[first]
        if said.key not in _EJECTION or any(piece.kind == "number" for piece in self.pieces[first : last + 1]):
            return
        for at in self._later(last, statement.field):
            piece = self.pieces[at]
            if piece.kind in ("word", "number"):
                return
            if piece.cue("good"):
                around = (piece, *self.pieces[at - 1 : at], *self.pieces[at + 1 : at + 2])
                if any(each.key in _BY_NOW for each in around) and not self._is_of_a_noun(at):
                    self._instead(statement, ("normal",), at)
                return

    def _later(self, last: int, field: str) -> range:
        """The places behind a value up to what turns to another measure; over a semicolon, too."""
        stop = min(len(self.pieces), last + 1 + _AHEAD)
        for at in range(last + 1, stop):
            piece = self.pieces[at]
            other = piece.is_("noun") and not piece.is_("noun", *_OF_THE_BRAIN, field)
            if piece.key == "." or piece.is_("find") or other or (piece.is_("say") and not piece.is_("say", field)):
                return range(last + 1, at)
        return range(last + 1, stop)

    def _is_timed(self, at: int) -> bool:
        """Whether it is said beside a number or a word when it was: 'now', 'today', 'in June', 'fell to'."""
        return any(
            piece.kind == "date"
            or self.context.of(piece, "changed", "timed")
            or piece.key == "since"
            or piece.cue("then", "bad")
            for piece in self._beside(at)
        )

    def _beside(self, at: int) -> list[Piece]:
        """The pieces around a place, in its clause."""
        clause = self.context.clause(at)
        first, stop = max(clause.start, at - _BESIDE), min(clause.stop, at + _BESIDE)
        return [self.pieces[near] for near in range(first, stop) if near != at]

    def _is_of_a_noun(self, at: int) -> bool:
        """Whether a word describes what follows it: 'reduced appetite'."""
        following = self.pieces[at + 1] if at + 1 < len(self.pieces) else None
        return following is not None and following.kind in ("word", "known") and not self._is_time(following)

    def _is_time(self, piece: Piece) -> bool:
        return self.context.of(piece, "changed", "timed") or piece.cue("after", "then", "ended")

    def _is_condition(self, first: int, last: int) -> bool:
        """'To start T-DXd if EF ok'; a number that is told stands: 'what dose if CrCl is 40?'"""
        if any(piece.kind == "number" for piece in self.pieces[first : last + 1]):
            return False
        before = self.pieces[max(0, first - _BEFORE) : first]
        return any("if" in piece.roles for piece in before if piece.clause == self.pieces[first].clause)

    def _liver(self, statement: Statement) -> None:
        """'Child-Pugh A last month, now B', 'bilirubin normal in May, now 4x ULN'."""
        _, last = self._places(statement)
        for at in range(last + 1, min(len(self.pieces), last + 1 + _AHEAD)):
            piece = self.pieces[at]
            if piece.key == "." or piece.is_("find") or piece.is_("say") or "a_toxicity" in piece.cues:  # ALT 3x ULN
                break
            if piece.key in ("b", "c") and (self._is_timed(at) or self.pieces[at - 1].key == "to"):
                self._instead(statement, ("moderate" if piece.key == "b" else "severe",), at)
                return
            times = [near for near in self._beside(at) if isinstance(near.value, float)]
            if piece.is_("noun", "uln") and times and max(near.value for near in times) > BILIRUBIN_ABOVE:
                self._instead(statement, ("severe",), at)
                return
        self._behind(statement)

    def _of_denied_disease(self, statement: Statement) -> None:
        """'No HER2+ MBC', 'HER2+ MBC excluded': nothing is said of HER2."""
        first, last = self._places(statement)
        behind = self.pieces[last + 1] if last + 1 < len(self.pieces) else None
        disease = behind is not None and behind.is_("say", "setting")
        doubted = disease and self.context.stance(last + 1) in ("denied", "unknown", "uncertain")
        if doubted or (disease and self.context.is_denied_at_once(first)):
            self.stated.statements.remove(statement)

    def _excepted(self, statement: Statement) -> None:
        """'No emergencies except ILD'."""
        _, last = self._places(statement)
        if any(self.context.of(piece, "takes_back") for piece in self.pieces[last + 1 : last + 1 + _BESIDE]):
            self.stated.statements.remove(statement)

    # ---- findings ----------------------------------------------------------------------------------------------------

    @cached_property
    def _turning(self) -> list[int]:
        """The places of all that may take back a finding."""
        return [
            place
            for place, piece in enumerate(self.pieces)
            if piece.key in _TURNING_KEYS
            or not piece.cues.isdisjoint(_TURNING_CUES)
            or self.context.of(piece, *_TURNING_GROUPS)
        ]

    def _clear(self, statement: Statement) -> None:
        first, last = self._places(statement)
        near = bisect_left(self._turning, first - 1)
        if near == len(self._turning) or self._turning[near] > last + _AHEAD // 2:
            return
        if self._is_partly(statement):
            self._instead(statement, _PARTLY[statement.field, statement.value])
        elif not self._behind(statement):
            self._not_yet(statement)

    def _is_partly(self, statement: Statement) -> bool:
        """Whether only a part is denied: 'no active ILD', 'no recurrence of ILD', 'none symptomatic'."""
        if (statement.field, statement.value) not in _PARTLY:
            return False
        first, last = self._places(statement)
        clause = self.context.clause(last)
        near = range(max(clause.start, first - 1), min(clause.stop, last + _BEFORE))
        groups = ("only_a_part", "for_now") if statement.field == "ild_history" else ("only_a_part",)
        return any(self.context.of(self.pieces[at], *groups) and not self._only_links(at, last) for at in near)

    def _only_links(self, at: int, last: int) -> bool:
        """Whether 'that' limits nothing: before what is denied, or in 'that we know of'."""
        piece = self.pieces[at]
        return piece.key == "that" and (at < last or piece.end - piece.start > len(piece.key))

    def _behind(self, statement: Statement) -> bool:
        """Whether an end or an exception stands behind a value: 'until last week', 'except one', 'since'."""
        readings = _TURNED.get((statement.field, statement.value))
        first, last = self._places(statement)
        if readings is None:
            return False
        for at in range(first, min(self.context.sentence(last).stop, last + _BESIDE + 3)):
            piece = self.pieces[at]
            if piece.kind == "sign":
                continue
            if at > last and statement.field in ("ild_history", "leptomeningeal") and self._is_there_after_all(at):
                self._instead(statement, readings, at)
                return True
            if statement.field == "brain_metastases" and self._is_not_so(at):
                self._instead(statement, readings, at)
                return True
            if at > last and (names_drugs(piece) or piece.is_("find") or piece.is_("say")):
                return False
            inside = at > last and piece.clause == self.pieces[last].clause  # not 'no ILD, on T-DXd since May'
            since = inside and statement.field == "ild_history" and piece.key == "since" and self.context.next_word(at)
            if (
                since
                or self.context.of(piece, "takes_back")
                or (at > last and piece.key == "apart" and at + 2 < len(self.pieces))
            ) and not self._excepts_the_brain(statement, at):
                self._instead(statement, readings, at)
                return True
        return False

    def _excepts_the_brain(self, statement: Statement, at: int) -> bool:
        """'Controlled everywhere except the brain': of the rest of the body it is said."""
        excepted = self.context.next_word(at)
        return (
            statement.field == "extracranial_disease" and excepted is not None and excepted.is_("noun", *_OF_THE_BRAIN)
        )

    def _is_there_after_all(self, at: int) -> bool:
        """'None now, had it last year', 'CSF negative, MRI positive', '..., MRI suspicious for LMD'."""
        following = self.pieces[at + 1] if at + 1 < len(self.pieces) else None
        if self.pieces[at].key == "had":
            return following is not None and "pronoun" in following.roles
        of_an_mri = at > 0 and self.pieces[at - 1].is_("noun", *_OF_THE_BRAIN)
        return of_an_mri and ("uncertain" in self.pieces[at].cues or self.context.of(self.pieces[at], "positive"))

    def _is_not_so(self, at: int) -> bool:
        """Whether what is said well of the brain is denied, or followed by a relapse: 'MRI not normal', 'no longer
        stable', 'resected, recurrence at the margin'."""
        piece, before = self.pieces[at], self.pieces[at - 1] if at else None
        if before is None:
            return False
        if piece.cue("stable"):
            return before.cue("stopped")
        if piece.key in ("normal", "clear", "clean"):
            return before.key == "not"
        earlier = self.pieces[max(0, at - _BESIDE) : at]
        relapsed = piece.cue("came_back") and not (self.context.is_denied_at_once(at) or before.cue("negation"))
        return relapsed and any(near.cue("treated") for near in earlier)

    def _not_yet(self, statement: Statement) -> None:
        """A question mark right behind a finding, or a result that is awaited: 'ILD excluded? CT pending'."""
        first, last = self._places(statement)
        own = self.context.sentence(last)
        readings = _NOT_YET.get((statement.field, statement.value), ("unknown",))
        asked = last + 1 < len(self.pieces) and self.pieces[last + 1].key == "?"
        if asked and own.stop - own.start <= _AHEAD // 2:
            self._instead(statement, readings, last + 1)
            return
        brain = statement.field == "brain_metastases"
        for at in range(first + 1 if brain else last + 1, min(own.stop, last + 1 + _AHEAD // 2)):
            piece = self.pieces[at]
            if brain and at <= last and not piece.cue("pending") and piece.key not in ("due", "clinically"):
                continue
            if names_drugs(piece) or piece.is_("find") or piece.is_("say"):
                return
            if piece.is_("noun") and not (brain and piece.is_("noun", *_OF_THE_BRAIN)):
                return
            if statement.value == "stable" and self._is_routine(at):
                return
            awaited = "pending" in piece.cues and self.pieces[at - 1].key != "was"
            if awaited or piece.key in ("due", "clinically"):
                self._instead(statement, readings, at)
                return

    def _is_routine(self, at: int) -> bool:
        """Whether what is awaited only follows up what was treated: 'treated brain mets, follow-up MRI pending'."""
        near = range(self.context.clause(at).start, at)
        return any("routine" in self.pieces[each].roles for each in near)
