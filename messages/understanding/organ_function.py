"""Heart, liver, kidneys, platelets, DPD and performance status: by the number or the word beside their name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from messages.understanding.context import Context
from messages.understanding.drugs import names_drugs
from messages.understanding.scan import Piece
from messages.understanding.statements import Stated

MONTHS = 12
_CYCLE = ("cycle", "c", "day", "dose")
_ROMAN = ("i", "ii", "iii", "iv")
_BESIDE_A_DATE = (",", ";", ".", "%", "(", ")", "at", "in", "by", "on")
"""What may stand between a value and when it was measured."""
_OF_NOW = ("current", "present", "actual", "this", "new", "repeat", "repeated", "recent", "today", "todays")
"""What says of an echo that it is the latest."""
_SINCE = ("since", "after", "off", "again")
"""What says of a later value that something changed before it."""
_POINTING = ("it", "they")
"""What points back at a value."""
_TO_A_BRACKET = 5
"""Pieces from a noun to the bracket that says how it is, and of such a bracket, at most."""
_OF_HER = ("her", "his", "the", "about")
"""What may stand between 'don't know' and a name."""
_NEAR = 12
"""Pieces between a name and its number, at most."""
LVEF_FROM, PLATELETS_FROM, CRCL_FROM, BILIRUBIN_ABOVE = 50, 100, 30, 1.5
"""Where the questionnaire draws its lines: per cent, 10^9/L, ml/min, times the upper limit of normal."""
_UNDER = ("on", "under", "with", "during", "since", "after", "off")
"""What leads to the drug under which something was measured."""


class Figure(NamedTuple):
    """A number that follows a name, the bound before it (< or >), and its place."""

    value: float
    bound: str
    place: int


QUALIFIED: dict[str, tuple[str, str | None, str | None]] = {
    "lvef": ("lvef", "normal", "reduced"),
    "liver_function": ("hepatic_impairment", "none", None),
    "bilirubin": ("hepatic_impairment", "none", None),
    "crcl": ("renal_impairment", "none", None),
    "platelets": ("platelets", "normal", "low"),
    "dpd": ("dpd_deficiency", "none", None),
    "ecog": ("performance_status", None, None),
    "pregnancy_test": ("pregnancy", None, None),
    "leptomeningeal": ("leptomeningeal", "absent", None),
    "extracranial": ("extracranial_disease", None, None),
    "staging": ("setting", None, None),
    "chemo_fitness": ("chemotherapy", "suitable", "unsuitable"),
}
"""A noun to its field, and what a word such as 'normal' or 'reduced' says of it; pending or not known is unknown."""


class OrganFunction:
    """Reads what is measured."""

    def __init__(self, context: Context, stated: Stated) -> None:
        self.context = context
        self.pieces = context.pieces
        self.stated = stated

    def _note(self, name: str, value: object, place: int, last: int, *, became: bool = False) -> None:
        """`became`: it takes the place of a value before it."""
        pieces = self.pieces[place : last + 1]
        corrected = became or self.context.is_corrected(place) or self._is_latest(place)
        self.stated.note(name, value, pieces, corrected=corrected)

    def _is_latest(self, place: int) -> bool:
        """Whether a value takes the place of one before it: 'EF drop to 42, now EF 55', 'stopped; EF recovered 58',
        'EF 43. EF 52 in October'."""
        before = self.pieces[max(0, place - 2) : place]
        if before and before[-1].key == ":":  # 'recovered: EF 60'
            before = before[:-1]
        changed = bool(before) and (self.context.of(before[-1], "changed") or before[-1].key in _OF_NOW)
        changed = changed or [piece.key for piece in self.pieces[max(0, place - 3) : place]] == ["today", "'", "s"]
        dated = any(self._tells_when(self.pieces[at]) for at in self.context.following(place, 5))
        return (
            changed
            or dated
            or any(self.context.of(self.pieces[at], "recovers") for at in self.context.following(place, 2))
        )

    def qualified(self, place: int, name: str) -> None:
        """A noun with a word in place of a number: normal, reduced, pending, not known."""
        if name == "ecog" and self._is_only_who(place):  # 'who wants to know'
            return
        field, good, bad = QUALIFIED[name]
        values = {"good": good, "bad": bad, "pending": "unknown", "unknown": "unknown", "planned": "unknown"}
        if name == "extracranial":
            values |= {"stable": "controlled", "responding": "controlled", "progression": "progressing"}
        for at in (*self.context.following(place), *self._in_brackets(place), *self._just_before(place)):
            piece = self.pieces[at]
            said = next((word for word in values if piece.cue(word)), None)
            if said is None and name == "leptomeningeal" and self.context.of(piece, "clear"):
                said = "good"
            found = piece.key == "+" or self.context.of(piece, "positive")
            if said is None and name == "leptomeningeal" and at > place and found:
                self._note(field, "absent" if self.context.is_denied_at_once(at) else "present", place, at)
                return
            said = said or self._said_together(place, at)
            valued = name == "bilirubin" and at > place and piece.kind == "number"  # 'bili 12 (normal)'
            if said is None and (valued or self._passes(piece) or self._shares(at)):
                continue
            if said is None:
                if at > place and piece.kind in ("word", "number", "known") and not piece.is_("noun"):
                    return
                continue
            denied = self._is_denied(at)
            value = (good if said == "bad" else None) if denied else values[said]  # 'LVEF not reduced'
            if value is not None and not (said == "good" and self._is_only_a_limit(at)):
                self._note(field, value, min(place, at), max(place, at))
            return

    def _is_denied(self, at: int) -> bool:
        """Whether a word is denied, right before it or over one that limits it: 'not normal', 'not quite normal'."""
        over = at > 1 and self.pieces[at - 1].kind == "silent" and self.context.is_denied_at_once(at - 1)
        return over or self.context.is_denied_at_once(at)

    def _is_only_a_limit(self, at: int) -> bool:
        """Whether 'normal' is what a value is measured in: 'bilirubin 3 x normal', 'twice normal', 'above normal'."""
        if self.pieces[at].key not in ("normal", "norm"):
            return False
        filler = at > 1 and self.pieces[at - 1].kind == "silent" and self.pieces[at - 1].key in ("the", "x")
        before = at - 1 - filler
        piece = self.pieces[before]
        counts = piece.kind == "cycles" or (piece.kind == "number" and filler)
        return counts or bool(self.context.of(piece, "twice", "above", "below"))

    def _in_brackets(self, place: int) -> range:
        """The place of the word that is all a bracket right behind a noun holds, but for when: 'DPD result (pending)',
        'echo (not measured this year)'; or what is awaited: 'once DPD is back (pending)'."""
        opened, stop = place + 1, min(len(self.pieces), place + 1 + _TO_A_BRACKET)
        while opened < stop and (
            self.pieces[opened].kind == "silent" or self.context.of(self.pieces[opened], "copula")
        ):
            opened += 1
        said = opened + 1
        if said + 1 >= len(self.pieces) or self.pieces[opened].key != "(":
            return range(0)
        ends, stop = said + 1, min(len(self.pieces), said + _TO_A_BRACKET)
        while ends < stop and self.pieces[ends].key != ")" and self._passes(self.pieces[ends]):
            ends += 1
        if ends >= len(self.pieces) or self.pieces[ends].key != ")":
            return range(0)
        awaited = self.pieces[said].cue("pending", "unknown", "planned")
        return range(said, said + 1) if awaited or (opened, ends) == (place + 1, place + 3) else range(0)

    def _just_before(self, place: int) -> range:
        """The place before a noun, where it holds a word that says how it is."""
        before = place - 1
        while before > 0 and self.pieces[before].key in _OF_HER and self.pieces[before].kind == "silent":
            before -= 1
        if before < 0 or self.pieces[before].clause != self.pieces[place].clause:
            return range(0)
        if before < place - 1 and not self.pieces[before].cue("unknown"):  # don't know her platelets
            return range(0)
        named = sum(concept.kind == "noun" for concept in self.pieces[place].concepts)
        free = not self.pieces[before].used or named > 1  # 'normal liver and renal function'
        fits = self.pieces[before].cue("good", "bad", "pending", "unknown") and free
        return range(before, before + 1) if fits else range(0)

    def _passes(self, piece: Piece) -> bool:
        """Whether a piece may stand between a name and the word for it."""
        return (
            piece.kind in ("silent", "sign", "date", "duration")
            or piece.cue("uncertain", "negation", "duration", "ended")
            or self.context.of(piece, "copula")
        )

    def _said_together(self, place: int, at: int) -> str | None:
        """What a phrase says of the name joined to this one, and so of both: 'platelets and EF normal'."""
        if at <= place + 1 or "joined" not in self.pieces[at - 1].cues:
            return None
        values = [concept.value for concept in self.pieces[at].concepts if concept.kind == "say"]
        return "good" if {"normal", "none"} & set(values) else "unknown" if "unknown" in values else None

    def _shares(self, at: int) -> bool:
        """Whether a name shares what is said with the one before it: 'LFTs and creatinine normal'."""
        piece = self.pieces[at]
        if "joined" in piece.cues:
            return True
        measured = piece.is_("noun", *QUALIFIED) or self.context.of(piece, "measured")
        before = self.pieces[at - 1]
        return measured and ("joined" in before.cues or before.key in ("/", "+"))

    # ---- numbers -----------------------------------------------------------------------------------------------------

    def _figures(self, place: int) -> Iterator[Figure]:
        """The numbers that follow a name in its clause, up to what has nothing to do with it."""
        bound, skipped, told = "", place, False
        for at in range(place + 1, min(self.context.stop_after_header(place), place + 1 + _NEAR)):
            piece = self.pieces[at]
            if not told and names_drugs(piece) and self._is_under(at):  # EF fell on HP to 45
                skipped = self._ends_its_drugs(at)
                continue
            if piece.kind == "number":
                told = True
                if self._is_month_and_year(at):
                    skipped = at + 3
                elif at + 1 < len(self.pieces) and self.pieces[at + 1].key in ("days", "day"):  # echo ten days ago
                    continue
                elif (
                    at + 1 < len(self.pieces) and names_drugs(self.pieces[at + 1]) and self._is_under(at + 1)
                ):  # after 6 THP
                    told = False
                    continue
                elif self.pieces[at - 1].key in _CYCLE:  # 'now on cycle 20'
                    return
                elif at >= skipped and not self._is_power(at) and not piece.used:
                    yield Figure(float(piece.value), bound, at)
                bound = ""
            elif at < skipped:
                continue
            elif piece.kind == "sign":
                if piece.key in "<>":
                    bound = piece.key
                elif piece.key == "(":
                    skipped = self._bracket_ends(at)
                elif not self._goes_on(at):
                    return
            elif piece.key in _UNDER and at + 1 < len(self.pieces) and names_drugs(self.pieces[at + 1]):
                continue  # EF under HP now 55
            elif self.context.of(piece, "below", "above"):  # 'platelets below 100'
                before = self.pieces[at - 2] if self.pieces[at - 1].kind == "silent" else self.pieces[at - 1]
                below = self.context.of(piece, "below") != ("negation" in before.cues)
                bound = "<" if below else ">"
            elif "negation" in piece.cues and self._denies_a_bound(at):  # never below 100
                continue
            elif "negation" in piece.cues and (denied := self._denied_until(at)):
                skipped = denied
            elif not (self._goes_with_number(piece) or self._leads_to_change(at) or self._dates_a_number(at)):
                return

    def _is_under(self, drug: int) -> bool:
        """Whether a drug is only under or after what something was measured."""
        before = self.pieces[drug - 1]
        counted = before.kind == "number" and drug > 1
        before = self.pieces[drug - 2] if counted else before
        return before.key in _UNDER or "during" in before.roles or before.cue("after")

    def _ends_its_drugs(self, drug: int) -> int:
        """Where the drugs that signs join to one end, and what is said of the doses of them."""
        at, count = drug + 1, len(self.pieces)
        while at + 1 < count and self.pieces[at].key in ("+", "/") and names_drugs(self.pieces[at + 1]):
            at += 2
        dosed = at + 1 < count and self.pieces[at].kind == "number" and self.pieces[at + 1].cue("dose_word")
        return at + 2 * dosed

    def _denied_until(self, at: int) -> int:
        """Where a value ends that is denied before the one that holds: 'LVEF isn't reduced, 58'; 0 where none is."""
        ahead = self.pieces[at + 1 : at + 3]
        contrasted = len(ahead) > 1 and ahead[0].cue("good", "bad") and ahead[1].key in (",", ":", ";", "-", "but")
        return at + 3 if contrasted else 0

    def _denies_a_bound(self, at: int) -> bool:
        """Whether a denial is of what follows as a bound: 'never below', 'not above'."""
        behind = self.pieces[at + 1 : at + 3]
        behind = behind if behind and behind[0].key in ("been", "fallen") else behind[:1]
        return any(self.context.of(piece, "below", "above") for piece in behind)

    def _dates_a_number(self, at: int) -> bool:
        """Whether 'this week' says when a number was measured: 'platelets this week 88'."""
        ahead = self.pieces[at + 1] if at + 1 < len(self.pieces) else None
        measured = self.pieces[at - 1].kind == "number" or (ahead is not None and ahead.kind == "number")
        return self.pieces[at].key == "this" and measured

    def _leads_to_change(self, at: int) -> bool:
        """Whether 'and' leads to what a value became: 'was 48 in January and is 55 now'; or to the end of a range."""
        ahead = self.pieces[at + 1 : at + 3]
        if self.pieces[at].key == "and" and self.pieces[at - 2].key == "between":
            return True
        return self.pieces[at].key == "and" and any(
            piece.key == "is" or self.context.of(piece, "changed") for piece in ahead
        )

    def _became(self, figures: list[Figure], place: int) -> list[Figure]:
        """The figures, and what the last became further on: 'fell to 44 on trastuzumab, recovered to 58'."""
        if not figures and not any(
            self.context.of(self.pieces[at], "changed") for at in self.context.following(place, 2)
        ):
            return figures
        first = (figures[-1].place if figures else place) + 1
        stop = self.context.sentence(place).stop
        if stop < len(self.pieces) and (
            self.context.of(self.pieces[stop], "recovers") or self.pieces[stop].key in _POINTING
        ):  # 'EF fell to 41; back at 57', 'it is 57 now'
            stop = self.context.clause(stop).stop
        for at in range(first, min(stop, first + _NEAR)):
            piece = self.pieces[at]
            if piece.is_("noun") or piece.is_("find") or piece.is_("say"):
                break
            if piece.key == "," and (dated := self._dated_alone(at + 1)) is not None:
                figures = [*figures, Figure(float(self.pieces[dated].value), "", dated)]
                continue
            if piece.kind == "number" and self.pieces[at - 1].key == "," and self._is_since(at):
                return [*figures, Figure(float(piece.value), "", at)]  # 42 on Herceptin, 60 since it was stopped
            points = "is" in piece.roles and self.pieces[at - 1].key in _POINTING  # 'they are 140 now'
            if points or self.context.of(piece, "recovers") or "new_word" in piece.cues:  # 'but is 58 now'
                later = next(self._figures(at), None)
                return figures if later is None else [*figures, later]
        return figures

    def _dated_alone(self, first: int) -> int | None:
        """Where a number is all that the clause which begins there holds, besides when it was: '56 now', 'today 58'."""
        if first >= len(self.pieces):
            return None
        whole = self.context.clause(first)
        if self.pieces[whole.stop - 1].key == "(" and whole.stop < self.context.sentence(first).stop:  # 46 (2024)
            whole = range(whole.start, self.context.clause(whole.stop).stop)
        clause = [at for at in whole if self.pieces[at].key not in _BESIDE_A_DATE]
        numbers = [at for at in clause if self.pieces[at].kind == "number"]
        rest = [self.pieces[at] for at in clause if at not in numbers]
        echo = [each for each in rest if each.is_("noun", "lvef")] if len(rest) > 1 else []  # 46 (new echo)
        if any(each.key in ("before", "baseline", "earlier") for each in rest):  # 60 now, 46 before
            return None
        dated = len(rest) > len(echo) and all(
            self._tells_when(each) or each.key == "month" or each in echo or (echo and each.key in _OF_NOW)
            for each in rest
        )
        return numbers[0] if len(numbers) == 1 and dated else None

    def first_figure(self, place: int) -> float | None:
        """The first number that follows a name."""
        return next((figure.value for figure in self._figures(place)), None)

    def _is_month_and_year(self, at: int) -> bool:
        """Whether a number begins a month with its year: 'echo 03/24'."""
        if at + 2 >= len(self.pieces) or self.pieces[at + 1].key != "/" or self.pieces[at].value > MONTHS:
            return False
        year = self.pieces[at + 2]
        return year.kind == "number" and len(year.key) == 2 and self.pieces[at + 1].glued and year.glued

    def _bracket_ends(self, at: int) -> int:
        """Where a bracket ends that only names how or when it was measured: 'LVEF (echo, May 2024) 58'; not '(58)'."""
        inside = [piece.key for piece in self.pieces[at + 2 : at + 4]]
        if at + 1 < len(self.pieces) and self.pieces[at + 1].kind == "number" and inside[:1] in ([")"], ["%"]):
            return at
        for end in range(at + 1, min(len(self.pieces), at + 6)):
            if self.pieces[end].key == ")":
                return end
        return at

    def _goes_on(self, at: int) -> bool:
        """Whether a sign may stand between a name and its number; a comma before what it became: '45, now 55'."""
        if self.pieces[at].key == ",":
            ahead = self.pieces[at + 1 : at + 3]
            timed = any(self._tells_when(piece) or piece.key in _SINCE for piece in self.pieces[at + 2 : at + 3])
            timed = timed or [piece.kind for piece in self.pieces[at + 1 : at + 4]] == ["number", "silent", "date"]
            became = [piece.key in ("is", "are") or piece.kind == "number" for piece in ahead] == [True, True]
            timed = timed or (became and ahead[0].kind != "number")  # was 1, is 3 now
            return timed or any(self.context.of(piece, "changed") or piece.key == "%" for piece in ahead)
        return self.pieces[at].key in ("->", *":=~-/%).'^*?|")

    def _tells_when(self, piece: Piece) -> bool:
        """Whether a piece says when a value was measured: 'now', 'last week', '2023'."""
        return self.context.of(piece, "changed", "timed", "recent") or piece.kind == "date" or piece.key == "last"

    def _goes_with_number(self, piece: Piece) -> bool:
        if (
            piece.kind in ("silent", "date", "duration")
            or piece.key in ("->", "had")
            or "month" in piece.roles
            or self.context.of(piece, "copula", "measure", "timed")
        ):
            return True
        if names_drugs(piece) or piece.is_("find") or piece.is_("say"):
            return False
        return piece.cue("stable", "uncertain", "progression", "bad", "then", "cycles", "duration") or piece.is_(
            "noun", "imaging"
        )

    def _is_power(self, at: int) -> bool:
        """Whether a number belongs to a unit: 10^9, x10, /1.73."""
        before = self.pieces[at - 1].key if at else ""
        after = self.pieces[at + 1].key if at + 1 < len(self.pieces) else ""
        return before in ("^", "*") or after == "^" or (self.pieces[at].value == 10 and before == "x")

    def lvef(self, place: int) -> None:
        """The ejection fraction: the last number; a range across the line is asked back."""
        figures = [
            figure._replace(value=figure.value * 100 if 0 < figure.value < 1 else figure.value)
            for figure in self._became(list(self._figures(place)), place)
        ]
        figures = [figure for figure in figures if 5 <= figure.value <= 90]
        if not figures:
            return
        last = figures[-1]
        lowest = highest = last.value
        if len(figures) > 1 and self._is_range(figures[-2].place, last.place):
            lowest = figures[-2].value
        if last.bound == "<":
            lowest, highest = 0, last.value - 1
        elif last.bound == ">":
            highest = 100
        if lowest < LVEF_FROM <= highest:
            self.stated.ask("lvef", ("normal", "reduced"), self.pieces[place : last.place + 1])
        else:
            became = len(figures) > 1 and lowest == highest
            value = "normal" if lowest >= LVEF_FROM else "reduced"
            self._note("lvef", value, place, last.place, became=became)

    def _is_range(self, first: int, last: int) -> bool:
        """Whether two numbers are the ends of a range, and no change: 48-52, 1 to 2, but 'from 60 to 45'."""
        between = self.pieces[first + 1 : last]
        before = self.pieces[first - 1] if first else None
        if before is not None and before.key == "between" and [piece.key for piece in between] == ["and"]:
            return True
        if first > 1 and self.context.of(self.pieces[first - 2], "spread"):  # anywhere from 48 to 53
            return True
        changed = before is not None and (self.context.of(before, "changed") or before.key in ("to", "->"))
        return len(between) == 1 and between[0].key in ("-", "/", "to", "or") and not changed

    def platelets(self, place: int) -> None:
        """Platelets, in 10^9/L or single cells."""
        told = list(self._figures(place))
        became = self._became(told, place)
        figures = [figure._replace(value=self._per_nanolitre(figure)) for figure in became]
        figures = [figure for figure in figures if 5 <= figure.value <= 1500]
        if not figures:
            return
        figure = figures[-1] if len(became) > len(told) or self._changes(figures) else figures[0]
        low = figure.value < PLATELETS_FROM or (figure.bound == "<" and figure.value <= PLATELETS_FROM)
        self._note("platelets", "low" if low else "normal", place, figure.place)

    def platelets_by_now(self, place: int) -> None:
        """What low platelets have become since: 'stopped because of low platelets; they are 160 now'."""
        figure = self._became([Figure(0, "", place)], place)[-1]
        count = self._per_nanolitre(figure)
        if 5 <= count <= 1500:
            self._note("platelets", "low" if count < PLATELETS_FROM else "normal", figure.place, figure.place)

    def _per_nanolitre(self, figure: Figure) -> float:
        """A count of platelets in 10^9/L, from cells per microlitre or lakh."""
        following = self.pieces[figure.place + 1] if figure.place + 1 < len(self.pieces) else None
        if following is not None and self.context.of(following, "lakh"):
            return figure.value * 100
        return figure.value / 1000 if figure.value >= 2000 else figure.value

    def crcl(self, place: int) -> None:
        """The clearance of creatinine, in ml/min."""
        told = list(self._figures(place))
        became = self._became(told, place)
        figures = [figure for figure in became if 1 <= figure.value <= 250]
        if not figures:
            return
        figure = figures[-1] if len(became) > len(told) or self._changes(figures) else figures[0]
        low = figure.value < CRCL_FROM or (figure.bound == "<" and figure.value <= CRCL_FROM)
        if figure.bound == "<" and figure.value > CRCL_FROM:
            return  # 'below 60' leaves both
        if len(figures) > 1 and self._is_range(figures[0].place, figures[1].place):
            ends = {end.value < CRCL_FROM for end in figures[:2]}
            if len(ends) > 1:
                self.stated.ask("renal_impairment", ("none", "severe"), self.pieces[place : figures[1].place + 1])
                return
        self._note("renal_impairment", "severe" if low else "none", place, figure.place)

    def _changes(self, figures: list[Figure]) -> bool:
        """Whether the last number is what the first one became."""
        return any(
            self.pieces[at].key in ("->", "to")
            or self.context.of(self.pieces[at], "changed")
            or (self.pieces[at].key in ("is", "are") and self.pieces[at - 1].key == ",")
            for at in range(figures[0].place + 1, figures[-1].place)
        ) or (len(figures) > 1 and self._is_since(figures[-1].place))

    def _is_since(self, at: int) -> bool:
        """Whether it is said behind a number that it came later: '190 since', '60 today'."""
        behind = self.pieces[at + 1 : at + 2]
        return bool(behind) and (behind[0].key in (*_SINCE, "today", "now"))

    def bilirubin(self, place: int) -> None:
        """Bilirubin in times the upper limit of normal; in units it says nothing."""
        for at in range(place + 1, min(self.context.sentence(place).stop, place + _NEAR)):
            word = self.pieces[at].kind == "word" and not self.context.of(self.pieces[at], "twice", "above", "copula")
            if "a_toxicity" in self.pieces[at].cues or word:  # ALT 3x ULN
                return
            limit = self.pieces[at].cue("good") and self._is_only_a_limit(at)
            if not (limit or self.pieces[at].is_("noun", "uln")):
                continue
            figures = [piece for piece in self.pieces[place + 1 : at] if isinstance(piece.value, float)]
            above = any(piece.key == ">" or self.context.of(piece, "above") for piece in self.pieces[place + 1 : at])
            doubled = any(self.context.of(piece, "twice") for piece in self.pieces[place + 1 : at])
            if any("negation" in piece.cues for piece in self.pieces[place + 1 : at]):  # not above 1.5x ULN
                return
            value = figures[-1].value if figures else 2.0 if doubled else 0.0
            if value > BILIRUBIN_ABOVE or (above and value >= BILIRUBIN_ABOVE):
                back = self._back_to_normal(at)
                self._note("hepatic_impairment", "severe" if back is None else "none", place, back or at)
            return

    def _back_to_normal(self, at: int) -> int | None:
        """Where a value that was too high is told to be normal by now: 'was 3x ULN, now normal', 'normal since'."""
        for behind in range(at + 1, min(self.context.sentence(at).stop, at + _NEAR)):
            if self.pieces[behind].is_("noun") and not self.pieces[behind].is_("noun", "organ"):
                return None
            if self.pieces[behind].cue("good") and not self.context.is_denied_at_once(behind):
                beside = self.pieces[behind - 1 : behind + 2]
                timed = any(self._tells_when(piece) or piece.key in _SINCE for piece in beside)
                return behind if timed else None
        return None

    def _is_excluded_next(self, at: int) -> bool:
        """'Child-Pugh C excluded'."""
        return any("excluded" in self.pieces[behind].cues for behind in self.context.following(at, 2))

    def child_pugh(self, place: int) -> None:
        """The class of Child and Pugh: a letter, or its points."""
        at = self.child_pugh_at(place)
        if at is None:
            return
        grade, other = self._child_grade(self.pieces[at]), self._other_grade(at)
        if grade is not None and other not in (None, grade):
            self.stated.ask("hepatic_impairment", (grade, other), self.pieces[place : at + 3])
        else:
            self._note("hepatic_impairment", grade, place, at)

    def _other_grade(self, at: int) -> str | None:
        """The second class of what lies between two: 'Child-Pugh A/B', 'B or C', 'between A and B'."""
        pieces, link = self.pieces, at + 1
        if link + 1 >= len(pieces) or pieces[link].clause != pieces[link + 1].clause:
            return None
        between = pieces[link].key == "and" and pieces[at - 1].key == "between"
        ranged = pieces[link].key in ("/", "or", "-") or (pieces[link].key == "to" and pieces[at - 1].key != "from")
        return self._child_grade(pieces[link + 1]) if between or ranged else None

    def child_pugh_at(self, place: int) -> int | None:
        """Where the class of Child and Pugh stands that is said behind its name; of a denied one, nowhere."""
        if self.context.stance(place) == "denied":  # not Child-Pugh C
            return None
        for at in range(place + 1, min(self.context.sentence(place).stop, place + 6)):
            piece = self.pieces[at]
            if self._child_grade(piece) is not None:
                return None if self._is_excluded_next(at) else at
            if piece.kind not in ("silent", "sign") and not self.context.of(piece, "copula"):
                return None
        return None

    def _child_grade(self, piece: Piece) -> str | None:
        letter, points = piece.key[:1], piece.key[1:]
        if letter in ("a", "b", "c") and (not points or points.isdigit()):
            return {"a": "none", "b": "moderate", "c": "severe"}[letter]
        if piece.kind == "number" and 5 <= piece.value <= 15:
            return "none" if piece.value <= 6 else "moderate" if piece.value <= 9 else "severe"
        return None

    def ecog(self, place: int) -> None:
        """Performance status; a range across the line is asked back, of a change the last counts."""
        if self._is_only_who(place):
            following = self.pieces[place + 1] if place + 1 < len(self.pieces) else None
            if following is None or not (
                following.kind in ("number", "sign") or self.context.of(following, "performance")
            ):
                return
        figures = [figure for figure in self._figures(place) if figure.value in (0, 1, 2, 3, 4)]
        if not figures:
            self._roman(place)
            return
        if figures[0].place > place + 5:
            return
        chosen = figures[:1]
        if len(figures) > 1:
            if self._is_range(figures[0].place, figures[1].place):
                chosen = figures[:2]
            elif self._changes(figures):
                chosen = figures[-1:]
        values = {"ecog_0_2" if figure.value <= 2 else "ecog_3_4" for figure in chosen}
        if (chosen[0].bound, chosen[0].value) in ((">", 2), ("<", 3)):  # more than 2, or 2 and more
            values = {"ecog_0_2", "ecog_3_4"}
        last = chosen[-1].place
        if len(values) > 1:
            self.stated.ask("performance_status", ("ecog_0_2", "ecog_3_4"), self.pieces[place : last + 1])
        else:
            self._note("performance_status", values.pop(), place, last)

    def _is_only_who(self, place: int) -> bool:
        piece = self.pieces[place]
        return piece.key == "who" and piece.end - piece.start == len("who")

    def _variant_named(self, place: int) -> Iterator[int]:
        """The places behind DPD up to what has nothing to do with it; a variant's name holds full stops."""
        for at in range(place + 1, min(self.context.sentence(place).stop, place + _NEAR)):
            piece = self.pieces[at]
            other = piece.is_("noun") and not piece.is_("noun", "dpd")
            if other or names_drugs(piece) or piece.is_("say") or piece.key in (",", ";"):
                return
            yield at

    def _roman(self, place: int) -> None:
        """Performance status in Roman numerals: 'ECOG II'; of a range, 'I-II', its ends."""
        found: list[int] = []
        for at in range(place + 1, min(self.context.sentence(place).stop, place + 6)):
            piece = self.pieces[at]
            if piece.key in _ROMAN and (piece.key != "i" or self._ends_numeral(at)):
                found.append(at)
            elif not (piece.kind == "sign" and piece.key in ":=-/") and not self.context.of(piece, "copula"):
                break
        values = {
            "ecog_0_2" if len(self.pieces[at].key) <= 2 and self.pieces[at].key != "iv" else "ecog_3_4" for at in found
        }
        if len(values) == 1:
            self._note("performance_status", values.pop(), place, found[-1])
        elif values:
            self.stated.ask("performance_status", ("ecog_0_2", "ecog_3_4"), self.pieces[place : found[-1] + 1])

    def _ends_numeral(self, at: int) -> bool:
        """Whether nothing but a sign follows an I, which else is the one who writes."""
        return at + 1 == len(self.pieces) or self.pieces[at + 1].kind == "sign"

    def dpd(self, place: int) -> None:
        """DPD: a word for its degree in the clause, before or after."""
        clause = self.context.clause(place)
        near = (*self._variant_named(place), *range(max(clause.start, place - 2), place))
        for at in near:
            if "negation" in self.pieces[at].cues and at + 1 < clause.stop:
                lost = self.context.of(self.pieces[at + 1], "activity")
                if lost or self.context.of(self.pieces[at + 1], "variant"):
                    self._note("dpd_deficiency", "complete" if lost else "none", min(place, at), max(place, at + 1))
                    return
            for degree in ("complete", "partial", "none"):
                if self.context.of(self.pieces[at], f"dpd_{degree}"):
                    behind = self.pieces[at + 1] if at + 1 < len(self.pieces) else None
                    open_ = behind is not None and "or" in behind.roles  # partial or complete
                    if degree == "partial" and (open_ or self.context.is_denied_at_once(at)):
                        self.stated.ask("dpd_deficiency", ("none", "partial", "complete"), self.pieces[place : at + 1])
                        return
                    self._note("dpd_deficiency", degree, min(place, at), max(place, at))
                    return
