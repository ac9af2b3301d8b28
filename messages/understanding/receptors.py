"""Hormone receptors and HER2: by a sign, a word, a percentage or a score beside their name."""

from __future__ import annotations

from typing import NamedTuple

from messages.understanding.context import Context
from messages.understanding.scan import Piece
from messages.understanding.statements import Stated

_NEAR = 8
"""Pieces between a receptor and what is said of it, at most."""
_AMPLIFIED_FROM = 2.0
"""Copies of HER2 for one of chromosome 17 from which the gene is amplified."""
_LARGEST_RATIO = 20
"""Copies of HER2 for one of chromosome 17, more than any test finds."""
_POSITIVE_FROM = 1
"""Per cent of stained cells from which a hormone receptor is positive."""
_DATED_WITHIN = 5
"""Pieces behind a second result up to what says when it was read, at most."""
_ON_TISSUE = ("on", "of", "from", "in", "at")
"""What leads from a receptor to the tissue that it was read on."""
_SPOKEN_SIGNS = {"plus": "positive", "minus": "negative"}


class Reading(NamedTuple):
    """What is said of a receptor, and the last piece that says it."""

    verdict: str
    """`positive`, `negative`, `unknown`, or `open`: a bound that leaves both."""
    last: int


class Receptors:
    """Reads ER, PR, HR and HER2."""

    def __init__(self, context: Context, stated: Stated) -> None:
        self.context = context
        self.pieces = context.pieces
        self.stated = stated
        self._taken: set[int] = set()
        """Places of names that were read together with the name before them."""
        self._her2_is_named = any(
            piece.is_("noun", "her2") or piece.is_("say", "her2_status") for piece in self.pieces if piece.concepts
        )

    # ---- hormone receptors -------------------------------------------------------------------------------------------

    def er(self, place: int) -> None:
        """The oestrogen receptor, or both where they share what is said."""
        pair = self._pair(place)
        if pair is not None and self._three(place, pair):
            return
        if pair is None:
            self._hormone("er", place, self._reading(place, counts=True) or self._likewise(place))
            return
        shared = self._reading(pair, counts=True)
        if shared is None:
            return
        second = self._second(shared.last)
        self._hormone("er", place, shared)
        if second is not None:
            self._hormone("pr", pair, second)

    def _three(self, place: int, pair: int) -> bool:
        """'ER/PR/HER2: neg/neg/0': three names, then three values or one for all."""
        third = pair + 2
        if (
            third >= len(self.pieces)
            or self.pieces[pair + 1].key not in "/,"
            or not self.pieces[third].is_("noun", "her2")
        ):
            return False
        er = self._reading(third, counts=True)
        if er is None or er.verdict == "open":
            return False
        pr = self._second(er.last)
        if pr is None:
            self._note_her2(er.verdict, third, er.last)
        else:
            self._hormone("pr", pair, pr)
            if pr.last + 1 < len(self.pieces):
                self._her2(pr.last + 1)
        self._hormone("er", place, er)
        self._taken.update((pair, third))
        return True

    def pr(self, place: int) -> None:
        """The progesterone receptor."""
        if place not in self._taken and not any(piece.used for piece in self.pieces[place : place + 2]):
            self._hormone("pr", place, self._reading(place, counts=True))

    def both(self, place: int) -> None:
        """ER and PR named as one."""
        reading = self._reading(place, counts=True)
        self._hormone("er", place, reading)
        if reading is not None and (second := self._second(reading.last)) is not None:
            self._hormone("pr", place, second)

    def hr(self, place: int) -> None:
        """Hormone receptors together; a number beside HR is a heart rate."""
        self._hormone("hr", place, self._reading(place, counts=False))

    def _not_known_before(self, place: int) -> int | None:
        """Where a clause begins that says before its receptor that it is not known: 'no info on receptors', 'I do not
        know the ER'."""
        for at in range(place - 1, max(self.context.clause(place).start, place - _DATED_WITHIN) - 1, -1):
            if self.pieces[at].cue("unknown", "pending"):
                led = self.pieces[self.context.clause(place).start : at]
                return at if all(piece.kind in ("silent", "sign") for piece in led) else None
            if self.pieces[at].kind not in ("silent", "sign"):
                return None
        return None

    def _hormone(self, name: str, place: int, reading: Reading | None) -> None:
        if reading is None and (at := self._not_known_before(place)) is not None and not self.context.is_family(place):
            self.stated.note(f"receptor_{name}", "unknown", self.pieces[at : place + 1])
            return
        if reading is None or self.context.is_family(place):
            return
        answered = place > 0 and self._answers_for(place - 1)  # ER no PR yes
        if not answered and (self.context.stance(place) == "denied" or self.context.is_denied_at_once(place)):
            # neither ER nor PR expressed, no longer ER positive
            said = reading
            reading = reading._replace(verdict={"positive": "negative"}.get(reading.verdict, reading.verdict))
            if said.verdict == "negative" and self.pieces[place - 1].key == "not":
                instead = self._instead(reading.last)  # not ER-negative (but positive)
                if instead is None:
                    return
                reading = instead
        pieces = self.pieces[place : reading.last + 1]
        if reading.verdict == "open" or self._was_other(reading):
            self.stated.ask("hr_status", ("positive", "negative"), pieces)
            return
        corrected = self._is_corrected(place)
        self.stated.note(f"receptor_{name}", reading.verdict, pieces, corrected=corrected)
        self._use_repeated(reading)

    def _was_other(self, reading: Reading) -> bool:
        """Whether the opposite is said of another time: 'ER positive, now negative', 'neg at relapse, was pos'."""
        opposite = {"positive": "negative", "negative": "positive"}.get(reading.verdict)
        if opposite is None:
            return False
        other_time = False
        stop = self.context.sentence(reading.last).stop
        for at in range(reading.last + 1, min(stop, reading.last + _NEAR)):
            piece = self.pieces[at]
            if self.context.of(piece, opposite):
                behind = self.pieces[at + 1 : min(stop, at + _DATED_WITHIN)]
                return other_time or any(self._tells_when(each) for each in behind)
            if piece.kind == "number" and self._is_percentage(at) and self._number(at, "").verdict == opposite:
                behind = self.pieces[at + 1 : min(stop, at + _DATED_WITHIN)]
                return other_time or any(self._tells_when(each) for each in behind)
            if self._tells_when(piece):
                other_time = True
            elif piece.is_("noun", "organ") and at + 1 < stop and self._is_tissue(at + 1):
                continue  # positive on the primary, negative on the liver biopsy
            elif piece.kind == "number" or piece.is_("noun"):
                return False
        return False

    def _tells_when(self, piece: Piece) -> bool:
        """Whether a piece says at which time, or on which biopsy, a receptor was read."""
        dated = piece.kind == "date" or "previously" in piece.cues or self.context.of(piece, "biopsied")
        return dated or self.context.of(piece, "sample") or piece.is_("noun", "organ_mets")

    def _use_repeated(self, reading: Reading) -> None:
        """Mark what says the same once more: '90% positive', 'positive (90%)', 'positive 8/8'."""
        at = reading.last + 1
        if at < len(self.pieces) and self.pieces[at].key == "(":
            at += 1
        if at >= len(self.pieces):
            return
        if self.pieces[at].kind == "number" and reading.verdict in ("positive", "negative"):
            score = self.pieces[at + 1 : at + 3]
            of_eight = len(score) > 1 and score[0].key == "/" and score[0].glued and score[1].kind == "number"
            if (of_eight or self._is_percentage(at)) and self._number(at, "").verdict == reading.verdict:
                for piece in (self.pieces[at], *(score if of_eight else ())):
                    piece.used = True
        elif self.context.of(self.pieces[at], reading.verdict):
            self.pieces[at].used = True

    def _pair(self, place: int) -> int | None:
        """Where PR stands that shares what is said with the ER at a place: 'ER/PR negative'."""
        for at in range(place + 1, min(len(self.pieces), place + 4)):
            piece = self.pieces[at]
            if piece.is_("noun", "pr"):
                return at
            if piece.key == "+" and (piece.glued or self._is_signed(at + 1)):
                return None
            if piece.key == "-" and not self._is_hyphen(at):
                return None
            if piece.key not in ("/", ",", "&", "+", "-", "and", "or", "nor", "both"):
                return None
        return None

    def _is_signed(self, place: int) -> bool:
        return place + 1 < len(self.pieces) and self.pieces[place + 1].key in ("+", "-", "+ve", "-ve")

    def _is_hyphen(self, place: int) -> bool:
        """Whether a '-' joins two words, and is no minus: 'ER-positive', 'ER-PR negative', but 'ER-PR-'."""
        following = self.pieces[place + 1] if place + 1 < len(self.pieces) else None
        if following is None or not following.glued or following.kind == "sign":
            return False
        return not (following.is_("noun") and self._is_signed(place + 1))

    def _second(self, last: int) -> Reading | None:
        """The second of two values: 'ER/PR 90%/0', '+/-'."""
        if last + 2 < len(self.pieces) and self.pieces[last + 1].key == "/":
            return self._reading(last + 1, counts=True)
        return None

    def _behind_sample(self, place: int) -> int:
        """The last piece of the tissue that a receptor was read on, where it is named at once: 'ER on the new biopsy',
        'receptors of the liver lesion'; else the receptor's own place."""
        stop = min(self.context.stop_after_header(place), place + _NEAR)
        if place + 1 >= stop or self.pieces[place + 1].key not in _ON_TISSUE:
            return place
        found = place
        for at in range(place + 1, stop):
            piece = self.pieces[at]
            if piece.kind == "date" or self._is_tissue(at):
                found = at
            elif not (
                piece.kind == "silent"
                or piece.is_("noun", "organ")
                or "new" in piece.cues
                or self.context.of(piece, "biopsied")
                or piece.key in _ON_TISSUE
                or self.context.of(piece, "which_sample")
            ):
                break
        return found

    def _is_tissue(self, at: int) -> bool:
        """Whether a piece names tissue that is looked at: a biopsy, metastases."""
        piece = self.pieces[at]
        return self.context.of(piece, "sample") or piece.is_("noun", "organ_mets")

    def _reading(self, place: int, *, counts: bool) -> Reading | None:
        """What follows the name of a receptor. `counts`: a number is a percentage or a score."""
        if not self.pieces[place].is_("noun", "pr") or (place and self.pieces[place - 1].key in ("/", "and", "+")):
            place = self._behind_sample(place)  # 'PR in the liver' is a partial response
        bound = ""
        denied = False
        stained: Reading | None = None
        for at in range(place + 1, min(self.context.stop_after_header(place), place + _NEAR)):
            piece = self.pieces[at]
            if piece.kind == "sign":
                if piece.key == "+":
                    return Reading("positive", self._last_plus(at))
                if piece.key == "-" and not self._is_hyphen(at):
                    return Reading("negative", at)
                if piece.key in "<>":
                    bound = piece.key
                elif piece.key not in "-:=(~|?":
                    return stained
            elif self.context.of(piece, "below", "above"):  # 'less than 1%'
                bound = "<" if self.context.of(piece, "below") else ">"
            elif piece.kind == "number":
                when = self.pieces[at - 1].key == "at"  # 'PR at 3 months' is a partial response
                return self._number(at, bound) if (counts and not when) or self._is_percentage(at) else None
            elif (verdict := self._word_at(at)) is not None:
                if denied and verdict == "negative":  # 'ER not negative' says neither
                    return self._instead(at)
                verdict = "negative" if verdict == "positive" and denied else verdict
                return self._answer(at, verdict) or self._changed(at) or Reading(verdict, at)
            elif "negation" in piece.cues:
                denied = True
            elif self.context.of(piece, "stained"):  # 'ER strong'
                stained = Reading("positive", at)
            elif piece.kind != "silent" and not self.context.of(piece, "copula") and "on_it" not in piece.cues:
                return stained
        return stained

    def _instead(self, denied: int) -> Reading | None:
        """What is said in place of a denied value: 'ER isn't negative, 40%', 'not negative but positive'."""
        at = denied + 2
        if at >= len(self.pieces) or self.pieces[at - 1].key not in (",", ":", "-", "(", "but"):
            return None
        light = ("it", "is", "s", "'", "rather", "but")
        while at + 1 < min(len(self.pieces), denied + _NEAR) and self.pieces[at].key in light:  # it is positive
            at += 1
        if self.pieces[at].kind == "number":
            return self._number(at, "") if self._is_percentage(at) else None
        verdict = self._word_at(at)
        return None if verdict is None else Reading(verdict, at)

    def answered_at(self, place: int) -> int | None:
        """Where a question that ends behind a piece is answered by a value or a denial: 'ER positive? 0%', 'no'."""
        at = place + 2
        if at >= len(self.pieces) or self.pieces[at - 1].key not in ("?", ":"):
            return None
        piece, behind = self.pieces[at], self.pieces[at + 1 : at + 2]
        if self.pieces[at - 1].key == ":":  # ER positive: no
            ends = not behind or behind[0].kind == "sign" or behind[0].sentence != piece.sentence
            return at if piece.key == "no" and ends and piece.end - piece.start == len("no") else None
        valued = piece.kind == "number" and (not behind or behind[0].kind == "sign")
        return at if valued or "negation" in piece.cues or piece.is_("noun", "her2") else None

    def _answer(self, place: int, asked: str) -> Reading | None:
        """What the answer to 'ER positive?' says."""
        at = self.answered_at(place)
        if at is None or self.pieces[at].is_("noun"):
            return None
        if self.pieces[at].kind == "number":
            return self._number(at, "")
        return Reading("negative" if asked == "positive" else "positive", at)

    def _word_at(self, at: int) -> str | None:
        """What a word says of a receptor: `positive`, `negative`, `unknown` or nothing."""
        piece = self.pieces[at]
        if piece.key in _SPOKEN_SIGNS and self._ends_at(at):  # 'ER minus, PR plus'
            return _SPOKEN_SIGNS[piece.key]
        if self._answers_for(at):  # 'ER yes, PR no'
            return "positive" if "affirmed" in piece.roles else "negative"
        if self.context.of(piece, "positive"):
            return "positive"
        if self.context.of(piece, "negative", "lacking"):
            return "negative"
        return "unknown" if piece.cue("pending", "unknown", "unavailable") else None

    def _answers_for(self, at: int) -> bool:
        """Whether a plain yes or no stands for the value of the receptor before it: 'ER yes, PR no', 'ER: no'; behind
        PR alone it may be of a partial response."""
        piece = self.pieces[at]
        plain = piece.key in ("yes", "no") and piece.end - piece.start == len(piece.key)
        if not plain or not at or not (at + 1 == len(self.pieces) or self._ends_in_an_answer(at)):
            return False
        named = at - 1 - (self.pieces[at - 1].key in (":", "=", "-"))
        if named < 0 or not self.pieces[named].is_("noun", "er", "pr"):
            return False
        sentence = self.context.sentence(at)
        beside = self.pieces[max(sentence.start, named - _NEAR) : min(sentence.stop, at + _NEAR)]
        return any(each.is_("noun", "er") for each in beside)

    def _ends_in_an_answer(self, at: int) -> bool:
        """Whether a sign ends what is said there, or the other receptor follows."""
        ahead = self.pieces[at + 1]
        return (ahead.kind == "sign" and ahead.key in ",;.)/") or ahead.is_("noun", "er", "pr", "her2")

    def _ends_at(self, at: int) -> bool:
        """Whether nothing but a sign follows a piece, or a receptor with a spoken sign of its own."""
        ahead = self.pieces[at + 1 : at + 3]
        if not ahead or ahead[0].kind == "sign":
            return True
        return ahead[0].is_("noun", "er", "pr", "hr", "her2") and ahead[-1].key in _SPOKEN_SIGNS

    def _likewise(self, place: int) -> Reading | None:
        """'HER2 is positive, ER also': what was said of the receptor before."""
        following = place + 1
        if following >= len(self.pieces) or not self.context.of(self.pieces[following], "likewise"):
            return None
        for statement in reversed(self.stated.statements):
            if statement.field in ("her2_status", "receptor_er", "receptor_pr", "receptor_hr"):
                same = statement.value in ("positive", "negative") and self._ends_in_sentence(statement.end, place)
                return Reading(str(statement.value), following) if same else None
        return None

    def _is_corrected(self, place: int) -> bool:
        """Whether what is said at a place takes the place of what was: a correction, or the answer to the question
        before it: 'HER2 positive? IHC 1+ only'."""
        begins = self.context.sentence(place).start
        if begins and self.pieces[begins - 1].key == "?":
            asked = self.context.sentence(begins - 1)
            of_receptors = (("noun", "her2", "er", "pr", "hr"), ("say", "her2_status", "hr_status"))
            if any(self.pieces[at].is_(*names) for at in asked for names in of_receptors):
                return True
        return self.context.is_corrected(place)

    def _ends_in_sentence(self, end: int, place: int) -> bool:
        """Whether a statement that ends there stands in the sentence of a piece."""
        return end >= self.pieces[self.context.sentence(place).start].start

    def _changed(self, at: int) -> Reading | None:
        """What a receptor became: 'ER went from positive to negative'."""
        if (
            at + 2 >= len(self.pieces)
            or not (self.pieces[at - 1].key == "from" or self.pieces[at - 1].cue("changed"))
            or self.pieces[at + 1].key not in ("to", "->")
        ):
            return None
        became = self.pieces[at + 2]
        for group in ("positive", "negative"):
            if self.context.of(became, group):
                return Reading(group, at + 2)
        return None

    def _last_plus(self, at: int) -> int:
        while at + 1 < len(self.pieces) and self.pieces[at + 1].key == "+" and self.pieces[at + 1].glued:
            at += 1
        return at

    def _is_percentage(self, at: int) -> bool:
        return self.pieces[at].value == 0 or (at + 1 < len(self.pieces) and self.pieces[at + 1].key == "%")

    def _number(self, at: int, bound: str) -> Reading:
        value = float(self.pieces[at].value)
        last = at
        if last + 1 < len(self.pieces) and self.pieces[last + 1].key in ("%", "+"):
            last += 1
        if bound == "<" and value > _POSITIVE_FROM:
            return Reading("open", last)
        positive = value >= _POSITIVE_FROM and bound != "<"
        return Reading("positive" if positive else "negative", last)

    # ---- HER2 --------------------------------------------------------------------------------------------------------

    def her2(self, place: int) -> None:
        """HER2 by a score, a sign or a word; and a second score in the sentence: 'positive in 2019, now 1+'."""
        if self.context.is_family(place) or place in self._taken:
            return
        before = len(self.stated)
        self._her2(place)
        if len(self.stated) > before or self._stands_before(place):
            self.later_score(place)
        elif place and self.pieces[place - 1].cue("uncertain", "pending", "unknown"):  # 'equivocal HER2'
            self._note_her2("unknown", place - 1, place)
        elif place > 2 and self._is_plus(place - 2) and self._is_score(place - 3):  # '2+ by IHC'
            self._score(place, place - 3)
        elif place > 1 and self._is_score(place - 2) and self._is_marked(place):  # '3+ HER2', 'score 0 for HER2'
            self._score(place, place - 2)
        else:
            self.later_score(place)

    def _is_marked(self, place: int) -> bool:
        """Whether what stands before HER2 is marked as a score, by its plus or its name."""
        return self._is_plus(place - 1) or (place > 2 and self.pieces[place - 3].key == "score")

    def _stands_before(self, place: int) -> bool:
        """Whether what is said of HER2 stands before it: 'positive for HER2', 'overexpresses HER2'."""
        said = place - 1
        while said >= 0 and self.pieces[said].kind == "silent" and said > place - 3:
            said -= 1
        if said < 0 or self.pieces[said].clause != self.pieces[place].clause:
            return False
        overexpressed = self.context.of(self.pieces[said], "amplified")
        opens = said == 0 or self.pieces[said - 1].kind == "sign"  # 'pos ER, neg HER2'
        verdict = self._her2_word(said) if overexpressed or said < place - 1 or opens else None
        if verdict in ("positive", "negative"):
            self._note_her2(verdict, said, place)
            return True
        return False

    def refuted(self, place: int, value: str) -> None:
        """A phrase for HER2 that is denied: 'no HER2 overexpression'; another value may follow: 'not HER2-low: 3+'."""
        before = len(self.stated)
        self.her2(place)
        if len(self.stated) == before and value == "positive":
            near = self.context.sentence(place)
            around = range(max(near.start, place - 20), min(near.stop, place + 20))
            equivocal = any(self._is_two_plus(at) for at in around)
            self._note_her2("low" if equivocal else "negative", place - 1, place)

    def is_answered(self, place: int) -> bool:
        """Read the score that answers 'HER2 positive?'; False where none does."""
        at = self.answered_at(place)
        if at is None or "negation" in self.pieces[at].cues:
            return False
        if self.pieces[at].kind == "number" and self._is_score(at):
            self._score(at, at)
        self.pieces[place].used = True
        return True

    def later_score(self, place: int) -> None:
        """A score with its plus, further on in the sentence or behind its semicolon, before any other noun."""
        stop = self.context.sentence(place).stop
        if stop < len(self.pieces) and self.pieces[stop - 1].key == ";":
            stop = self.context.sentence(stop).stop
        for at in range(place + 1, min(stop - 1, place + 2 * _NEAR)):
            piece = self.pieces[at]
            if piece.is_("noun") and not piece.is_("noun", "her2", "imaging", "organ", "organ_mets"):
                return
            scored = self._is_score(at) and not self._is_refused(at)
            if scored and self.pieces[at + 1].key == "+" and self.pieces[at + 1].glued:
                self._score(at, at)
                return

    def _her2(self, place: int) -> None:
        denied = self.context.is_denied_at_once(place)
        begins = self._behind_sample(place)
        for at in range(begins + 1, min(self.context.stop_after_header(place), begins + _NEAR)):
            piece = self.pieces[at]
            if piece.kind == "number" and piece.value in (0, 1, 2, 3) and (len(piece.key) == 1 or piece.key.isalpha()):
                if not self._is_refused(at):
                    self._score(place, at)
                return
            if piece.key in _SPOKEN_SIGNS and self._ends_at(at):
                self._note_her2(_SPOKEN_SIGNS[piece.key], place, at)
                return
            if piece.key == "+":
                last = self._last_plus(at)
                if last - at == 1:
                    self._equivocal(place, last)
                else:
                    self._note_her2("negative" if denied else "positive", place, last)
                return
            if piece.key == "-" and not self._is_hyphen(at):
                if denied:  # not HER2-
                    return
                if (at == begins + 1 and piece.glued) or self.context.is_minus(place) or self._ends_in_minus(at):
                    self._note_her2("negative", place, at)
                return
            if "uncertain" in piece.cues and piece.kind != "sign" and self._ends_at(at):  # 'HER2 score equivocal'
                self._equivocal(place, at)
                return
            verdict = self._her2_word(at)
            if verdict is not None and self.is_answered(at):
                return
            if verdict is not None:
                became = self._changed(at)
                if became is None and begins > place and self._was_other(Reading(verdict, at)):
                    self.stated.ask("her2_status", ("positive", "negative"), self.pieces[place : at + 1])
                else:
                    self._note_her2(became.verdict if became else verdict, place, became.last if became else at)
                return
            allowed = (
                piece.kind == "silent"
                or piece.is_("noun", "her2")
                or self.context.of(piece, "copula", "non", "stained")
            )
            allowed = allowed or piece.cue("negation", "uncertain", "changed")
            shared = piece.key == "and" or (piece.is_("noun", "er", "pr", "hr") and self.pieces[at - 1].key == "and")
            if (
                not allowed and not shared and not (piece.kind == "sign" and piece.key in ":=(-|?")
            ):  # 'HER2 and ER positive'
                return

    def _ends_in_minus(self, at: int) -> bool:
        """'HER2: -', with nothing but a sign behind it."""
        following = self.pieces[at + 1] if at + 1 < len(self.pieces) else None
        return self.pieces[at - 1].key in (":", "=") and (following is None or following.kind == "sign")

    def _her2_word(self, at: int) -> str | None:
        piece = self.pieces[at]
        for group, verdict in (("positive", "positive"), ("amplified", "positive"), ("negative", "negative")):
            if self.context.of(piece, group):
                if self._is_negated(at):  # 'not negative' says neither
                    return "negative" if verdict == "positive" else None
                return verdict
        return "unknown" if piece.cue("pending", "unknown") else None

    def _is_score(self, at: int) -> bool:
        piece = self.pieces[at]
        return piece.kind == "number" and piece.value in (0, 1, 2, 3) and not piece.used

    def _is_refused(self, at: int) -> bool:
        """Whether a score is denied: 'not 3+ but 1+', 'not HER2 3+'."""
        named = at > 0 and self.pieces[at - 1].is_("noun", "her2")
        return self.context.is_denied_at_once(at) or (named and self.context.is_denied_at_once(at - 1))

    def _is_plus(self, at: int) -> bool:
        return at < len(self.pieces) and self.pieces[at].key in ("+", "plus")

    def _is_negated(self, at: int) -> bool:
        return at > 0 and ("negation" in self.pieces[at - 1].cues or self.context.of(self.pieces[at - 1], "non"))

    def _note_her2(self, verdict: str, place: int, last: int) -> None:
        if verdict == "positive" and self.context.stance(place) == "uncertain":  # 'not sure her mets are HER2+'
            verdict = "unknown"
        pieces = self.pieces[min(place, last) : max(place, last) + 1]
        self.stated.note("her2_status", verdict, pieces, corrected=self._is_corrected(place))

    def _score(self, place: int, at: int) -> None:
        plus = self._is_plus(at + 1)
        last = at + 1 if plus else at
        value = int(self.pieces[at].value)
        if value == 2:
            self._equivocal(place, last)
        elif value or not plus:
            self._note_her2({0: "negative", 1: "low", 3: "positive"}[value], place, last)

    def _equivocal(self, place: int, last: int) -> None:
        """2+: by the in situ hybridisation beside it."""
        sentence = self.context.sentence(place)
        after = range(last + 1, min(sentence.stop, last + _NEAR))
        before = range(max(sentence.start, place - _NEAR), place)
        for at in (*after, *before):
            if not self.pieces[at].is_("noun", "ish"):
                continue
            for piece in self.pieces[last : sentence.stop][:_NEAR]:
                piece.used = piece.used or self.context.of(piece, "amplified")
            verdict = self._hybridised(at) or self._amplified_before(at)
            score = {"positive": "positive", "negative": "low"}.get(verdict or "", "unknown")
            self._note_her2(score, min(place, at), max(last, at))
            self._use_result(at)
            return
        amplified = [at for at in after if self.context.of(self.pieces[at], "amplified")]
        if amplified:
            at = amplified[0]
            self._note_her2("low" if self._is_negated(at) else "positive", place, at)
            return
        self._note_her2("unknown", place, last)

    def _use_result(self, place: int) -> None:
        """Mark the words of a result as read: 'neg' after FISH."""
        for at in range(place + 1, min(self.context.sentence(place).stop, place + 6)):
            piece = self.pieces[at]
            if piece.is_("noun"):
                return
            if self.context.of(piece, "positive", "negative", "amplified", "non") or piece.cue("pending", "unknown"):
                piece.used = True
            elif piece.kind == "number":
                for named in self.pieces[at - 2 : at + 1] if "ratio" in self._keys(at - 2, at) else ():
                    named.used = named.used or named.kind in ("number", "word")

    def _keys(self, first: int, stop: int) -> list[str]:
        return [piece.key for piece in self.pieces[max(0, first) : stop]]

    def _hybridised(self, place: int) -> str | None:
        """What in situ hybridisation found."""
        for at in range(place + 1, min(self.context.sentence(place).stop, place + 6)):
            piece = self.pieces[at]
            if self.context.of(piece, "amplified"):
                return "negative" if self._is_negated(at) or self._is_negated(at - 1) else "positive"
            of_both = at - place <= 2 and self.pieces[place].key in ("her2", "erbb2")  # HER2/CEP17 2.5
            if piece.kind == "number" and (of_both or "ratio" in (self.pieces[at - 1].key, self.pieces[at - 2].key)):
                return "positive" if piece.value >= _AMPLIFIED_FROM else "negative"
        ratio = self._bare_ratio(place)
        if ratio is not None:
            return "positive" if ratio >= _AMPLIFIED_FROM else "negative"
        reading = self._reading(place, counts=False)
        return reading.verdict if reading is not None else None

    def _bare_ratio(self, place: int) -> float | None:
        """The ratio that a fraction right behind the name of the test is: 'FISH 2.1', 'ISH: 1,3', 'FISH (2.4)'."""
        at = place + 1
        while at < len(self.pieces) and self.pieces[at].key in (":", "=", "("):
            at += 1
        if at >= len(self.pieces) or self.pieces[at].kind != "number":
            return None
        key, unit = self.pieces[at].key, self.pieces[at + 1].key if at + 1 < len(self.pieces) else ""
        fraction = ("." in key or "," in key) and unit not in ("%", "copies", "copy", "signals", "gcn")
        if not fraction or self.pieces[at].value >= _LARGEST_RATIO:
            return None
        self.pieces[at].used = True
        return float(self.pieces[at].value)

    def _amplified_before(self, place: int) -> str | None:
        """'Not amplified by ISH'."""
        for at in range(place - 1, max(self.context.clause(place).start, place - 4) - 1, -1):
            if self.context.of(self.pieces[at], "amplified"):
                return "negative" if self._is_negated(at) else "positive"
        return None

    def ish(self, place: int) -> None:
        """In situ hybridisation without a score beside it."""
        sentence = self.context.sentence(place)
        near = range(max(sentence.start, place - 20), min(sentence.stop, place + 20))
        scored = next((at for at in near if self._is_two_plus(at)), None)
        if scored is not None:
            if not any(self.pieces[at].is_("noun", "her2") for at in near):  # '2+/FISH+'
                self._equivocal(scored, scored + 1)
            return
        verdict = self._hybridised(place) or self._amplified_before(place)
        if verdict == "positive":
            self._note_her2("positive", place, place)
            self._use_result(place)
        elif verdict not in ("positive", "negative") and self._is_all_of_her2(place):
            self._note_her2("unknown", place, place + 1)
        elif verdict == "negative" and any(
            statement.field == "her2_status" and statement.value == "unknown" for statement in self.stated.statements
        ):
            self._note_her2("low", place, place)
            self._use_result(place)

    def first_word(self) -> None:
        """'Amplified; liver mets', '3+ with bone mets': no other gene is named, so HER2 is."""
        if not self.pieces or self._her2_is_named:
            return
        if len(self.pieces) > 2 and self._is_score(0) and self.pieces[0].value in (1, 3) and self._is_plus(1):
            if self.pieces[1].glued and (self.pieces[2].kind == "sign" or "joined" in self.pieces[2].cues):
                self._score(0, 0)
            return
        if not self.context.of(self.pieces[0], "amplified"):
            return
        told = self.pieces[0].key.endswith("ed")  # not 'amplification: not done'
        if told and (len(self.pieces) < 2 or self.pieces[1].key in (",", ";", ".")):
            self._note_her2("positive", 0, 0)

    def _is_all_of_her2(self, place: int) -> bool:
        """Whether a pending test is all that is said of HER2: 'metastatic; FISH pending'."""
        behind = self.pieces[place + 1 : place + _NEAR]
        scored = any(piece.kind == "number" for piece in behind)  # FISH pending, 3+
        return bool(behind) and behind[0].cue("pending", "unknown") and not (scored or self._her2_is_named)

    def _is_two_plus(self, at: int) -> bool:
        piece: Piece = self.pieces[at]
        return piece.kind == "number" and piece.value == 2 and self._is_plus(at + 1)
