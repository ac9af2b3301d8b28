"""What drugs of a sentence say of one another: one chosen in the place of another, one to follow when another fails."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from messages.understanding.outline import Outline

Other = Literal["received", "planned", "asked", "mentioned"]
"""What another reading may make of a drug."""
Found = dict[int, str]
"""What each drug was read as so far, by its place."""
_NOT_GIVEN = ("planned", "declined", "mentioned", "denied")
_JOINTS = ("+", "/", "-", "plus")
"""Signs that join the drugs of one combination."""
_LONGEST = 6
"""Drugs of one combination, at most."""
_FAR = 12
"""Pieces between two drugs that are set against one another, at most."""
_NEAR = 4
"""Pieces of a clause that only says when, at most."""
_BEGUN = (
    "started", "commenced", "began", "begun", "put", "placed", "given", "got", "took", "received", "chose", "chosen",
    "picked", "opted", "selected", "had",
)  # fmt: skip
"""How it is told that a drug was begun in the place of another."""
_LEADING = (
    "she", "he", "we", "they", "was", "were", "has", "been", "then", "instead", "on", "with", "for", "and", "but", "so",
    ",", "(", ")", "therefore", "hence", "meanwhile", "just", "only", "pt", "patient", "the", "rather", ":",
)  # fmt: skip
"""What may stand around such a verb."""
_AGREED = ("accepted", "agreed", "consented", "accepts", "agrees", "affirmed")
"""How it is told that what was offered was agreed to."""
_MEANWHILE = ("meanwhile", "meantime", "interim")
_WAITING = ("waiting", "awaiting", "pending", "bridging", "bridge", "bridged")
_WHENEVER = ("until", "till", "when", "once", "if", "whenever", "after", "unless", "should")
"""How a clause begins that may tell of what is still to come."""
_SUBJECTS = (
    "it",
    "this",
    "that",
    "she",
    "he",
    "they",
    "these",
    "disease",
    "tumour",
    "tumor",
    "there",
    "we",
    "pt",
    "patient",
)
_FALLS = (
    "fails", "progresses", "stops", "relapses", "grows", "ends", "worsens", "needed", "necessary", "required",
    "progress", "fail", "is", "has", "see", "stop",
)  # fmt: skip
"""How what is still to come is told, in the present."""
_HERE = ("here", "locally")
_ONLY_FROM = ("only", "just", "solely")
_NEEDING = ("needs", "requires", "require", "requiring", "required", "need", "mandates", "demands")
"""What makes of a drug the condition for another: 'T-DXd needs prior T-DM1'."""
_LATER = ("later", "afterwards")
_GIVE = ("get", "have", "receive", "try", "use", "give", "offer", "take", "start", "add", "switch")
_MAY = ("could", "might", "may")
"""What says of giving a drug that it is only possible."""
_HOLIDAYS = ("holiday", "holidays", "christmas", "easter", "weekend", "vacation", "summer", "break")
"""What a drug is begun after."""
_RANKED = ("resort", "rescue", "backup", "fallback", "reserve", "future", "another", "plan")
"""What ranks a drug among those that are left."""
_OPENING = ("in", "after", "following", "shortly", "imminently", "as", "for", "per")
"""How what is said behind a drug of the time to come begins."""
_SOME_DAY = ("later", "afterwards", "thereafter", "eventually", "subsequently")
"""When a drug is to follow."""
_OVER = ("over", "rather")
_ALSO = ("also", "likewise", "similarly")
"""What leads to another drug of which the same is said."""
_NOMINALLY = ("officially", "nominally")
_IN_TRUTH = ("reality", "truth", "practice", "facto", "really", "actually", "in")
"""How what was given is set against what a paper says: 'in reality', 'actually', 'in fact' in one piece."""


class Among:
    """Reads again what was read of single drugs, where one is told beside another."""

    def __init__(self, outline: Outline, found: Found, change: Callable[[range, Other], None]) -> None:
        self.outline, self.pieces, self.found, self.change = outline, outline.pieces, found, change
        typed, said, played = outline.typed, outline.said, outline.played
        # what each rule goes by: most texts hold little of it, and are not asked
        self._waits = "until" in typed or "till" in typed
        self._only_from = not typed.isdisjoint(_ONLY_FROM)
        self._conditions = self._only_from or not typed.isdisjoint(_NEEDING)
        self._ahead = "pending" in said or not typed.isdisjoint(_OPENING)
        self._possible = "asked_back" in said
        runs = not (
            said.isdisjoint(("ongoing", "current"))
            and played.isdisjoint(("present", "until_now"))
            and typed.isdisjoint(("now", "current"))
        )
        self._runs_and_follows = runs and ("then" in said or not typed.isdisjoint((*_SOME_DAY, "after", "future")))
        self._once = not typed.isdisjoint(_WHENEVER)
        self._later = not typed.isdisjoint((*_LATER, "otherwise", "else"))
        self._on_paper = "paper" in played or not typed.isdisjoint(_NOMINALLY)
        self._may = not typed.isdisjoint(_MAY)
        self._alternative = any(key.startswith("alternative") for key in typed)
        self._brackets, self._instead = "(" in typed, "instead" in typed
        self._also = not typed.isdisjoint(_ALSO)
        self._untold = any(
            (
                self._only_from, self._runs_and_follows, self._once, self._later, self._may, self._alternative,
                self._brackets, self._instead,
            )
        )  # fmt: skip

    def read(self) -> None:
        """Change what was read of the drugs of which another says something."""
        if self._on_paper:
            self._set_against_the_paper()
        drugs = sorted(self.found)
        first_seen = -1
        for at in drugs:
            if at <= first_seen:
                continue
            these = self._combination(at)
            first_seen = these.stop - 1
            if self.found[at] == "received":
                self._received(these)
            elif self.found[at] == "asked" and self._stands_before_a_choice(these):
                self.change(these, "received")
            elif self.found[at] in ("planned", "mentioned", "asked"):
                self.change_partners(these)
                if self.found[at] != "asked":
                    self._not_given(these)

    def _set_against_the_paper(self) -> None:
        """Read what only a paper says as not given where the sentence tells what was: 'A + B on paper, in reality B
        only', 'THP in the chart, but actually she got TH'."""
        outline, pieces = self.outline, self.pieces
        first = min(self.found, default=0)
        for at in range(first + 1, len(pieces)):
            if not self._turns_to_the_truth(at):
                continue
            last, other = outline.last_drug[at], outline.drug_in_sentence_after(at)
            start = outline.sentence_start[at]
            if last is None or other is None or last < start:
                continue
            listed = range(outline.first_of_list(last), last + 1)
            only = outline.last_drug[listed.start]
            if only is not None and only >= start:
                continue
            before, between = range(start, listed.start), range(last + 1, at)
            written = any(outline.plays(places, "paper") for places in (before, between))
            written = written or any(pieces[on].key in _NOMINALLY for on in before)
            these = range(other, outline.last_of_list(other) + 1)
            given = {self.found[on] for on in these if outline.is_drug[on]} <= {"received", "mentioned"}
            if written and given and not outline.has(between, "progression", "toxicity", "stopped", "then"):
                self.change(listed, "mentioned")
                self.change(these, "received")

    def _turns_to_the_truth(self, at: int) -> bool:
        """Whether what follows is told as what was: 'in reality', 'actually', 'in fact'."""
        piece = self.pieces[at]
        if piece.key not in _IN_TRUTH:
            return False
        return piece.key not in ("in", "actually") or "correction" in self.outline.cues[at]

    # ---- read as given, and was not ----------------------------------------------------------------------------------

    def _received(self, these: range) -> None:
        if self._waits and self._is_waited_for(these):
            self.change(these, "planned")
        elif self._conditions and self._is_a_condition(these):
            self.change(these, "mentioned")
        elif (
            (self._ahead and self._is_still_ahead(these))
            or (self._possible and self._is_called_possible(these))
            or (self._also and self._is_named_likewise(these))
        ):
            self.change(these, "planned")
        elif self._untold and not self._tells_how_it_went(these):
            self._received_untold(these)

    def _is_still_ahead(self, these: range) -> bool:
        """Whether what stands behind a drug, and nothing else of it, tells of a time to come, or of its place among the
        options: 'A on Monday', 'B in 2 weeks', 'C as a last resort', 'A per MDT'."""
        outline, pieces, at = self.outline, self.pieces, these.stop
        led = these.start - 1
        first = led >= 0 and pieces[led].key == "first"
        end = outline.stretch_end[these.start]
        if first and at < end and "pending" in outline.cues[at] and pieces[at].key in ("tomorrow", "today", "on"):
            return True  # first T-DXd tomorrow
        last = end - (end > at and pieces[end - 1].kind == "sign")
        if outline.stretch_start[these.start] != these.start - first or not 0 < last - at <= _NEAR or pieces[at].asked:
            return False
        if end < outline.sentence_end[these.start] and outline.has(
            range(end, min(end + _NEAR, outline.sentence_end[these.start])),
            "progression",
            "toxicity",
            "stopped",
            "ongoing",
        ):
            return False
        keys = [pieces[each].key for each in range(at, last)]
        opening, closing = keys[0], pieces[last - 1]
        if "pending" in outline.cues[at] and opening == "on" and last == at + 1:
            return True  # on Monday
        if opening == "in" and len(keys) == 2 and closing.kind == "duration":
            return self._before(these) is not None
        if opening in ("after", "following") and (keys[-1] in _HOLIDAYS):
            return True
        if opening in ("shortly", "imminently") or (first and opening in ("tomorrow", "today")):
            return len(keys) == 1
        if opening in ("as", "for") and any(key in _RANKED for key in keys[1:]):
            return True
        return opening in ("per", "as") and "adviser" in closing.roles

    def _is_named_likewise(self, these: range) -> bool:
        """Whether 'also' alone leads from a drug that was planned or asked about to this one: 'A was proposed, also
        B'; not 'A was proposed, also B x6', 'also she had B'."""
        outline, pieces, last = self.outline, self.pieces, self._before(these)
        ends = these.stop == len(pieces) or (pieces[these.stop].kind == "sign" and pieces[these.stop].key in ".,;)?")
        if last is None or not ends or self.found[last] not in ("planned", "asked"):
            return False
        led = these.start - 1
        if led <= last or pieces[led].key not in _ALSO:
            return False
        led -= pieces[led - 1].key in ("and", "but")
        told = range(these.stop, min(outline.sentence_end[these.start], these.stop + _NEAR))
        ended = outline.has(told, "progression", "toxicity", "stopped", "ongoing", "completed")
        return pieces[led - 1].key in (",", "-", "(", ";") and not ended

    def _received_untold(self, these: range) -> None:
        """The same, of a drug of which not told how it went."""
        planned = (
            (self._once and self._comes_once_another_fails(these))
            or (self._later and self._is_left_for_later(these))
            or (self._runs_and_follows and self._follows_what_runs(these))
            or (self._may and self._is_only_possible(these))
            or (self._brackets and self._follows_in_a_bracket(these))
            or (self._alternative and self._has_an_alternative(these))
        )
        if planned:
            self.change(these, "planned")
        elif self._only_from and (
            self._is_all_that_is_had_here(these)
            or self._is_only_paid_from_a_line(these)
            or self._is_only_paid_behind_another(these)
        ):
            self.change(these, "mentioned")
        elif self._instead and self._is_asked_in_the_place_of_another(these):
            self.change(these, "asked")

    def _follows_what_runs(self, these: range) -> bool:
        """Whether a drug is to follow one that is given now: 'A ongoing, then B', 'A at present, B thereafter', 'now A,
        later B'; not 'A ongoing, then B, PD'."""
        outline, pieces, last = self.outline, self.pieces, self._before(these)
        end = outline.sentence_end[these.start]
        if last is None or outline.next_drug[these.stop - 1] is not None or self.found[last] != "received":
            return False
        between, behind = range(last + 1, these.start), range(these.stop, end)
        first = self._combination_before(last).start
        led = range(max(outline.sentence_start[these.start], first - 1), first)
        runs = any(
            outline.cues[at] & {"ongoing", "current"}
            or pieces[at].roles & {"present", "until_now"}
            or pieces[at].key in ("now", "current")
            for at in (*led, *between)
        )
        leads = len(between) and (outline.cues[between[-1]] & {"then"} or pieces[between[-1]].key in _SOME_DAY)
        rest = [pieces[at].key for at in behind if pieces[at].kind != "sign"]
        follows = len(rest) == 1 and (rest[0] in _SOME_DAY or rest[0] in ("after", "future"))
        told = outline.has(range(these.stop, len(pieces)), "progression", "toxicity", "stopped", "ongoing")
        again = outline.has(between, "progression", "toxicity", "stopped")
        return runs and bool((leads and not rest) or follows) and not told and not again

    def _is_only_possible(self, these: range) -> bool:
        """Whether a drug could only be given: 'she could get A', 'we might try B'."""
        pieces, led = self.pieces, these.start - 1
        start = self.outline.sentence_start[these.start]
        return led - 1 >= start and pieces[led].key in _GIVE and pieces[led - 1].key in _MAY

    def _is_called_possible(self, these: range) -> bool:
        """Whether a drug is only called possible: 'A still possible'."""
        at, pieces = these.stop, self.pieces
        opens = self.outline.stretch_start[these.start] == these.start
        at += at < len(pieces) and pieces[at].key == ":"
        if not opens or at >= len(pieces) or "asked_back" not in self.outline.cues[at]:
            return False
        if pieces[at].key not in ("still", "possible", "conceivable", "feasible"):
            return False
        return at + 1 == len(pieces) or pieces[at + 1].kind == "sign"

    def _follows_in_a_bracket(self, these: range) -> bool:
        """Whether a bracket behind what is given now names what follows: 'on A (then B)'."""
        outline, pieces, led = self.outline, self.pieces, these.start - 1
        closed = these.stop < len(pieces) and pieces[these.stop].key == ")"
        last = self._before(these)
        if (
            not closed
            or last is None
            or last != led - 2
            or pieces[led - 1].key != "("
            or "then" not in outline.cues[led]
        ):
            return False
        return self._is_led_as_given_now(self._combination_before(last))

    def _is_led_as_given_now(self, these: range) -> bool:
        """Whether 'on', 'now' right before a drug tells that it is given at present."""
        pieces, led = self.pieces, these.start - 1
        start = self.outline.sentence_start[these.start]
        if led < start or pieces[led].asked:
            return False
        if pieces[led].key != "on":
            return "present" in pieces[led].roles or "ongoing" in self.outline.cues[led]
        opens = led == start or pieces[led - 1].kind == "sign" or pieces[led - 1].key in ("still", "is")
        return opens or bool(pieces[led - 1].roles & {"present", "until_now"})

    def _comes_once_another_fails(self, these: range) -> bool:
        """Whether a drug is to follow when another one fails: 'A until it fails, then B', 'on A, then B when it
        fails', 'B after that if she progresses'."""
        outline, pieces = self.outline, self.pieces
        start, end = outline.sentence_start[these.start], outline.sentence_end[these.start]
        behind = these.stop
        while behind < end and (
            outline.cues[behind] & {"then"}
            or pieces[behind].kind == "line"
            or pieces[behind].key in ("but", "only", "as", "soon", "and", ",")
        ):
            behind += 1
        if behind < end and self._tells_what_may_come(behind, end) and pieces[behind].key not in ("until", "till"):
            return pieces[behind].key != "after"
        led = these.start - 1
        while led > start and (outline.cues[led] & {"then"} or pieces[led].key in (",", ":", "to", "switch", "change")):
            led -= 1
        if led == these.start - 1:
            return False
        before = range(max(start, led - _NEAR), led + 1)
        return any(self._tells_what_may_come(at, led + 1) for at in before)

    def _tells_what_may_come(self, at: int, end: int) -> bool:
        """Whether a clause tells in the present of what is still to come: 'until it fails', 'once she progresses', 'if
        needed'."""
        pieces = self.pieces
        if pieces[at].key not in _WHENEVER:
            return False
        rest = [piece.key for piece in pieces[at + 1 : min(end, at + 1 + _NEAR)]]
        if pieces[at].key in ("if", "once") and self.outline.has(range(at + 1, min(end, at + 2)), "available"):
            return True
        if not rest:
            return False
        if rest[0] in ("needed", "necessary", "required", "progression", "pd"):
            return pieces[at].key in ("if", "once", "when", "unless")
        if rest[0] not in _SUBJECTS:
            return False
        return any(key in _FALLS or key.startswith(("stops", "progresses", "fails")) for key in rest[1:])

    def _is_left_for_later(self, these: range) -> bool:
        """Whether a drug is to come behind one that is given now or next: 'A now, B later', 'A next, B later'."""
        pieces, behind = self.pieces, these.stop
        if behind < len(pieces) and pieces[behind].key in ("otherwise", "else"):  # A if possible, B otherwise
            last = self._before(these)
            return last is not None and self.found[last] in _NOT_GIVEN
        behind += behind < len(pieces) and pieces[behind].key == "("
        if behind >= len(pieces) or pieces[behind].key not in _LATER:
            return False
        if behind + 1 < len(pieces) and pieces[behind + 1].kind != "sign" and pieces[behind + 1].key != "if":
            return False
        last = self._before(these)
        if last is None:
            return False
        if self.found[last] in ("planned", "asked"):
            return True
        now = range(self.outline.sentence_start[these.start], these.start)
        return any(pieces[at].key in ("now", "currently") for at in now)

    def _is_all_that_is_had_here(self, these: range) -> bool:
        """Whether a drug is all that can be had where another cannot: 'no A here, only B'."""
        outline, pieces, led = self.outline, self.pieces, these.start - 1
        last = self._before(these)
        if last is None or pieces[led].key not in _ONLY_FROM or self.found[last] not in ("denied", "mentioned"):
            return False
        between = range(last + 1, led)
        here = any(pieces[at].key in _HERE for at in between) or outline.has(between, "unavailable", "available")
        return here and led - last <= _FAR

    def _is_a_condition(self, these: range) -> bool:
        """Whether a drug is only what another can be had after: 'A needs prior B', 'A is funded after B only'."""
        outline, pieces, led = self.outline, self.pieces, these.start - 1
        last = self._before(these)
        if last is None or pieces[these.start].asked or led <= last:
            return False
        between = [pieces[at].key for at in range(last + 1, these.start)]
        if len(between) <= _NEAR and any(key in _NEEDING for key in between) and "previously" in outline.cues[led]:
            self.change(self._combination_before(last), "mentioned")
            return True
        after = pieces[led].key in ("after", "following", "post") and self.found[last] == "mentioned"
        had = outline.has(range(last + 1, led), "available", "unavailable")
        only = any(key in _ONLY_FROM for key in between) or (
            these.stop < len(pieces) and pieces[these.stop].key in _ONLY_FROM
        )
        return after and had and only and len(between) <= _NEAR + 1

    def _is_only_paid_from_a_line(self, these: range) -> bool:
        """Whether it is told only from which line on a drug is to be had: 'A only 3rd line on the NHS', 'B only second
        line here'."""
        outline, pieces, at = self.outline, self.pieces, these.stop
        if at + 2 >= outline.sentence_end[these.start] or pieces[at].key not in _ONLY_FROM:
            return False
        at += 1
        at += pieces[at].key in ("in", "from", "as")
        if pieces[at].kind != "line":
            return False
        rest = range(at + 1, min(outline.stretch_end[at], at + 1 + _NEAR))
        return any(
            pieces[each].key in _HERE or "payer" in pieces[each].roles or pieces[each].is_("say", "region")
            for each in rest
        )

    def _is_only_paid_behind_another(self, these: range) -> bool:
        """Whether it is told, behind what is said of the access to another drug, when a drug is to be had: 'A funded in
        2L, B only after it, C only if no A'."""
        outline, pieces, at = self.outline, self.pieces, these.stop
        start, end = outline.sentence_start[these.start], outline.sentence_end[these.start]
        if at + 1 >= end or pieces[at].key not in _ONLY_FROM or pieces[these.start].asked:
            return False
        if not outline.has(range(max(start, these.start - _FAR), these.start), "available", "unavailable"):
            return False
        if pieces[at + 1].key in ("if", "when", "once"):
            return True
        behind = pieces[min(at + 2, end - 1)]
        pointed = "then" in outline.cues[at + 1] or "pronoun" in behind.roles  # after it
        return pieces[at + 1].key in ("after", "behind", "following") and pointed

    def _has_an_alternative(self, these: range) -> bool:
        """Whether a drug of which nothing is told stands before its alternative, or behind that of which it is one:
        'A, alternative: B', 'alternative to A: B'."""
        pieces, end = self.pieces, self.outline.sentence_end[these.start]
        start, behind = self.outline.sentence_start[these.start], these.stop
        if start == these.start and behind + 1 < end and pieces[behind].kind == "sign":
            other = self.outline.next_drug[behind]
            named = pieces[behind + 1].key.startswith("alternative") and "planned" in self.outline.cues[behind + 1]
            return named and other is not None and other <= behind + 3
        last = self._before(these)
        if last is None or last != these.start - 2 or pieces[these.start - 1].key not in (":", "=", "is"):
            return False
        first = self._combination_before(last).start
        return (
            first > start and "than" in self.outline.cues[first - 1] and pieces[first - 1].key.startswith("alternative")
        )

    def _is_waited_for(self, these: range) -> bool:
        """Whether another drug is only given until this one is there: 'bridging with A until B'."""
        pieces, start = self.pieces, self.outline.sentence_start[these.start]
        until = these.start - 1 - (pieces[these.start - 1].key == "the")
        if pieces[until].key not in ("until", "till") or until <= start - (pieces[start].key in _WAITING):
            return False
        ends = these.stop >= len(pieces) or pieces[these.stop].kind == "sign"
        return ends and any(pieces[at].key in _WAITING for at in range(start, these.start))

    def _is_asked_in_the_place_of_another(self, these: range) -> bool:
        """Whether a sentence asks for a drug in the place of another, and for what: 'A instead of B, with brain
        mets?'"""
        pieces, outline, end = self.pieces, self.outline, self.outline.sentence_end[these.start]
        if outline.sentence_start[these.start] != these.start or pieces[end - 1].key != "?":
            return False
        if (
            these.stop >= end
            or not pieces[these.stop].key.startswith("instead")
            or "than" not in outline.cues[these.stop]
        ):
            return False
        other = outline.next_drug[these.stop]
        if other is None or other > these.stop + 2:
            return False
        rest = range(self._combination(other).stop, end - 1)
        asks = outline.has(rest, "what_next", "asked") or outline.plays(rest, "interrogative")
        return not asks and not any(outline.is_drug[at] for at in rest)

    def change_partners(self, these: range) -> None:
        """Read the partners of a drug that was not given as not given either: 'chose A over B + C'."""
        joined = all(self.outline.is_drug[at] or self.pieces[at].key in ("+", "/", "-") for at in these)
        mixed = any(self.found.get(at) == "received" for at in these)
        standing = self.found[these.start]
        if joined and mixed and not self._tells_how_it_went(these):
            self.change(these, "asked" if standing == "asked" else "mentioned")

    def _stands_before_a_choice(self, these: range) -> bool:
        """Whether a question asks which of two drugs follows one: 'A, then B or C?', 'A -> B or C?'"""
        outline, pieces = self.outline, self.pieces
        start, end = outline.sentence_start[these.start], outline.sentence_end[these.start]
        if these.start != start or these.stop + 1 >= end:
            return False
        behind = these.stop + (pieces[these.stop].key == ",")
        if not (pieces[behind].key in ("->", ">") or "then" in outline.cues[behind]):
            return False
        first = outline.next_drug[behind]
        if first is None or first > behind + 1 or first >= end:
            return False
        between = self._combination(first).stop
        between += between + 1 < len(pieces) and pieces[between].key == "?"
        return between + 1 < len(pieces) and bool(pieces[between].roles & {"or"} or outline.cues[between] & {"versus"})

    # ---- read as not given, and was ----------------------------------------------------------------------------------

    def _not_given(self, these: range) -> None:
        if (
            self._was_begun_in_the_place_of_another(these)
            or self._is_given_before_the_next(these)
            or self._was_chosen_behind(these)
            or self._was_accepted(these)
            or self._was_given_as_planned(these)
            or self._is_what_runs_by_now(these)
        ):
            self.change(these, "received")

    def _was_accepted(self, these: range) -> bool:
        """Whether what was offered was accepted and is told with its cycles: 'offered A, accepted, had 6 cycles'; or
        what was preferred, or came next, is told to run: 'preferred B, still on it', 'B next, and is still on it'."""
        outline, pieces = self.outline, self.pieces
        end = min(outline.sentence_end[these.start], these.stop + _FAR)
        if (
            these.stop >= end
            or pieces[these.stop].asked
            or outline.plays(range(max(0, these.start - _FAR), these.start), "if")
        ):
            return False
        agreed, came_next = False, pieces[these.stop].key == "next" and outline.last_drug[these.start] is not None
        for at in range(these.stop + came_next, end):
            piece, cues = pieces[at], outline.cues[at]
            if outline.is_drug[at] or piece.asked or cues & {"negation", "negated_after", "declined"}:
                return False
            if cues & {"on_it", "had_it"} and (agreed or came_next or at <= these.stop + 2):
                return True
            if "accepting" in piece.roles or piece.key in _AGREED:
                agreed = True
            elif agreed and piece.kind in ("cycles", "duration") and piece.value:
                return not outline.has(range(at, end), "planned", "pending", "upcoming")
            elif not (
                piece.kind in ("sign", "number")
                or piece.key in _LEADING
                or piece.key in _BEGUN
                or (came_next and piece.kind == "silent")
            ):
                return False
        return False

    def _was_begun_in_the_place_of_another(self, these: range) -> bool:
        """Whether a drug was begun where another was not: 'refused A and was started on B', 'waiting for A, meanwhile
        B', 'approved for A, on B'."""
        outline, pieces, last = self.outline, self.pieces, self._before(these)
        if last is None or self.found[last] not in _NOT_GIVEN or not self._is_told_plainly(these):
            return False
        between = range(last + 1, these.start)
        if [pieces[at].key for at in between] == [","] and self._opens_with_what_was_replaced(last):
            return True
        if not 1 < len(between) <= _FAR:
            return False
        keys = [pieces[at].key for at in between]
        if not all(
            key in _LEADING
            or key in _BEGUN
            or key in _MEANWHILE
            or "present" in pieces[at].roles
            or "ongoing" in outline.cues[at]
            for at, key in zip(between, keys, strict=True)
        ):
            return False
        if keys[0] not in (",", "and", "but", "so", ")") or any(outline.has([at], "negation") for at in between):
            return False
        begun = any(key in _BEGUN or key in _MEANWHILE for key in keys)
        on = keys[-1] == "on" and (keys[-2] in (",", "so") or "present" in pieces[between[-2]].roles)
        return begun or on or outline.has(between, "ongoing")

    def _opens_with_what_was_replaced(self, last: int) -> bool:
        """Whether a sentence begins with the drug in whose place another was given: 'instead of A, B'."""
        first = self._combination_before(last).start
        opens = first and self.outline.sentence_start[first] == first - 1
        return (
            bool(opens) and "than" in self.outline.cues[first - 1] and self.pieces[first - 1].key.startswith("instead")
        )

    def _is_given_before_the_next(self, these: range) -> bool:
        """Whether a drug that is given now stands before what is to follow it: 'on A, about to change to B', 'on A with
        B to follow', 'currently A pending B'."""
        outline, pieces, end = self.outline, self.pieces, self.outline.sentence_end[these.start]
        if self.found[these.start] == "asked" or not self._is_led_as_given_now(these):
            return False
        following = outline.next_drug[these.stop - 1]
        if (
            following is None
            or following >= end
            or self.found.get(following) not in ("planned", "mentioned", "received")
        ):
            return False
        if pieces[these.stop].key in _WAITING and following <= these.stop + 2:
            return self.found[these.start] == "planned" or self.found[following] != "received"
        parted = pieces[these.stop].key in (",", "with", "and", "(", ";", "but")
        return parted and self.found[these.start] == self.found[following] == "planned"

    def _was_chosen_behind(self, these: range) -> bool:
        """Whether a drug is told to have been chosen where another was not: 'A was considered but B was chosen', 'B was
        chosen over A'."""
        outline, pieces, behind = self.outline, self.pieces, these.stop
        end = outline.sentence_end[these.start]
        if behind + 1 >= end or pieces[behind].key not in ("was", "were") or pieces[behind].asked:
            return False
        if pieces[behind + 1].key not in ("chosen", "given", "picked", "selected", "started", "begun", "used"):
            return False
        if behind + 2 < end and pieces[behind + 2].key in _OVER:
            return True
        last = self._before(these)
        return last is not None and self.found[last] in _NOT_GIVEN and behind + 2 <= end

    def _was_given_as_planned(self, these: range) -> bool:
        """Whether what was planned is told to have been given, with its time: 'A was ordered and given from May',
        'voted for A, which was given for 6 cycles'."""
        outline, pieces, at = self.outline, self.pieces, these.stop
        end, joined = min(outline.sentence_end[these.start], these.stop + _FAR), False
        while at < end and (
            outline.cues[at] & {"upcoming", "planned"} or pieces[at].key in ("had", "been", "was", "and", ",", "which")
        ):
            if joined and "previously" in outline.cues[at]:
                break  # was given
            joined = joined or pieces[at].key in ("and", "which")
            at += 1
        if not joined or at + 1 >= end or pieces[at].asked:
            return False
        if pieces[at].key not in _BEGUN and "previously" not in outline.cues[at]:
            return False
        behind = at + 1 + (pieces[at + 1].key in ("from", "in", "for", "since"))
        return behind < end and pieces[behind].kind in ("date", "cycles", "duration")

    def _is_what_runs_by_now(self, these: range) -> bool:
        """Whether 'which' goes on from a plan to what runs since some time: 'waiting for A, which is running since
        May', 'proposed B, which she is on since June'."""
        outline, pieces, which = self.outline, self.pieces, these.stop + 1
        end = outline.sentence_end[these.start]
        if (
            which + 1 >= end
            or pieces[which - 1].key != ","
            or pieces[which].key != "which"
            or pieces[end - 1].key == "?"
        ):
            return False
        rest = range(which + 1, min(end, outline.stretch_end[which], which + 2 + _NEAR))
        if any(outline.is_drug[at] for at in rest) or outline.has(rest, "negation", "planned", "pending", "declined"):
            return False
        since = next((at for at in rest if "ever_since" in pieces[at].roles or pieces[at].kind == "date"), None)
        if since is None or outline.plays(rest, "modal") or outline.plays(rest, "if"):
            return False
        led = range(which + 1, since)
        on = bool(led) and "on" in pieces[led[-1]].roles and outline.has(led, "the_patient", "ongoing")
        return on or outline.has(led, "ongoing", "on_it", "started")

    def _is_told_plainly(self, these: range) -> bool:
        """Whether nothing behind a drug asks, supposes or puts it off."""
        outline, pieces = self.outline, self.pieces
        start, end = outline.sentence_start[these.start], outline.sentence_end[these.start]
        if pieces[these.start].asked or pieces[end - 1].key == "?":
            return False
        rest = range(these.stop, min(end, these.stop + _NEAR))
        if outline.has(
            rest, "planned", "negation", "declined", "unavailable", "available", "pending", "upcoming", "versus"
        ):
            return False
        told = range(max(start, these.start - 2 * _FAR), these.start)
        return not outline.plays(told, "if") and not outline.plays(told, "future") and not outline.has(told, "family")

    # ---- what stands where -------------------------------------------------------------------------------------------

    def _combination(self, at: int) -> range:
        """The places of the drugs that signs join to one."""
        pieces, outline, last = self.pieces, self.outline, at
        for _ in range(_LONGEST):
            if last + 1 < len(pieces) and outline.is_drug[last + 1]:
                last += 1
            elif last + 2 < len(pieces) and pieces[last + 1].key in _JOINTS and outline.is_drug[last + 2]:
                last += 2
            else:
                break
        return range(at, last + 1)

    def _combination_before(self, last: int) -> range:
        pieces, outline, first = self.pieces, self.outline, last
        for _ in range(_LONGEST):
            if first >= 1 and outline.is_drug[first - 1]:
                first -= 1
            elif first - 2 >= 0 and pieces[first - 1].key in _JOINTS and outline.is_drug[first - 2]:
                first -= 2
            else:
                break
        return range(first, last + 1)

    def _before(self, these: range) -> int | None:
        """The last drug before these in their sentence."""
        last = self.outline.last_drug[these.start]
        return last if last is not None and last >= self.outline.sentence_start[these.start] else None

    def _tells_how_it_went(self, these: range) -> bool:
        """Whether how a drug went is told right behind it."""
        rest = self.outline.rest_of_stretch(these.stop - 1, _NEAR)
        if self.outline.tells_a_course(these.stop - 1, timed=True):
            return True
        return any(self.pieces[at].kind in ("cycles", "duration", "date") for at in rest)
