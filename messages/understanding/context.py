"""What the words around a piece make of it: denied, doubted, only possible one day, or a relative's.

Worked out once for a whole text, in one pass over its pieces: how far each negation, each doubt and each mention of
another person reaches.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from messages.understanding.drugs import names_drugs
from messages.understanding.lexicon import Lexicon
from messages.understanding.named import Cue
from messages.understanding.pieces import NAMING
from messages.understanding.scan import Piece

Stance = Literal["affirmed", "denied", "uncertain", "unknown", "listed", "hypothetical", "family"]
"""How a piece is meant. `listed`: bare, after a comma behind what is denied: 'no brain mets, ILD'."""
_FAR = 30
"""Pieces a negation or a doubt reaches over at most."""
_BY_HER = ("she", "he", "pt", "patient", "and", "but")
"""What may stand before 'denied it' where the patient did."""
_NEAR = 10
"""Pieces between a suspicion and the word that rules it out, at most."""
_HEADER = 2
"""Pieces of a sentence that only names what the next one speaks of, its sign among them."""
_PASSED: tuple[Cue, ...] = ("uncertain", "unknown", "pending", "joined", "asked", "planned")
"""Cues that may stand between a word and what it is said of: 'the ILD question: none'."""
_WITH_A_VALUE = ("er", "pr", "hr", "er_pr", "her2", "lvef", "platelets", "crcl", "ecog", "bilirubin", "child_pugh")
"""What is not denied behind a comma: a value of its own follows it."""
_TARGETS = NAMING | {"find", "noun", "say"}
"""The kinds of what can be denied or doubted."""
_NEW_CLAIM = frozenset(("new_word", "then", "negation"))
"""Cues that begin something else than what is denied."""
_ARTICLES = 3
"""Pieces from 'not' to what it denies at once, over 'in the', at most."""
_THERE = ("detected", "detectable", "identified", "visible", "evident")
"""What may end a denial: 'ILD: not detected'."""
_WORDS_BETWEEN = 3
"""Words of content that may stand between a negation and what it denies."""


class Context:
    """The sentences and clauses of a text, and the stance of each piece."""

    def __init__(self, pieces: list[Piece], lexicon: Lexicon) -> None:
        self.pieces = pieces
        self.lexicon = lexicon
        self._groups = lexicon.groups
        self._sentences = _runs([piece.sentence for piece in pieces])
        self._clauses = _runs([piece.clause for piece in pieces])
        self._corrections = {piece.sentence for piece in pieces if "correction" in piece.cues}
        self._family = [False] * len(pieces)
        self._marked: dict[int, tuple[Stance, int]] = {}
        self._refuted: set[int] = set()
        self._confirmed: set[int | None] = set()
        self._left_open: set[int] = set()
        for place, piece in enumerate(pieces):
            if "if" in piece.roles:  # 'if brain mets appear'
                self._mark(place, "hypothetical")
            cues = piece.cues
            if "affirmed" in piece.roles and place and pieces[place - 1].key == "?":
                self._confirmed.add(self._asked_before(place))
            if not cues:
                if piece.key == "absent" and self._is_said_of_a_finding(place):
                    self._mark_closed(place, "denied")
                continue
            if "family" in cues:
                self._mark_family(place)
            if "negation" in cues and not is_counterfactual(self.pieces, place):
                self._mark_denied(place)
            elif ("excludes" in cues and self._mark_what_it_excludes(place)) or (
                "excluded" in cues and self._rules_out_a_drug(place)
            ):
                continue
            elif "excluded" in cues:
                self._mark_closed(place, "denied")
                self._mark_excluded(place)
            elif "hypothetical" in cues:
                self._mark(place, "hypothetical")
                if place and self._is_target(self.pieces[place - 1]):  # ILD risk, seizure prophylaxis
                    self._marked.setdefault(place - 1, ("hypothetical", place))
            elif "unknown" in cues and self._leaves_open(place):
                continue
            elif "uncertain" in cues:
                self._mark(place, "uncertain")
                self._mark_closed(place, "unknown" if "unknown" in cues else "uncertain")
            elif "unknown" in cues or "pending" in cues:
                self._mark_closed(place, "unknown")

    # ---- where a piece stands ----------------------------------------------------------------------------------------

    def of(self, piece: Piece, *groups: str) -> bool:
        """Whether the first word of a piece is in one of these groups of the lexicon."""
        known = self._groups.get(piece.key)
        if known is not None:
            for group in groups:  # asked some thousand times for one text
                if f"<{group}>" in known:
                    return True
        return False

    def sentence(self, place: int) -> range:
        """The places of a piece's sentence."""
        return self._sentences[self.pieces[place].sentence]

    def sentence_start(self, sentence: int) -> int:
        """Where the sentence of this number begins."""
        return self._sentences[sentence].start

    def sentence_end(self, sentence: int) -> int:
        """Where the sentence of this number ends."""
        return self._sentences[sentence].stop

    def clause_of(self, clause: int) -> range:
        """The places of the clause of this number."""
        return self._clauses[clause]

    def clause(self, place: int) -> range:
        """The places of a piece's clause."""
        return self._clauses[self.pieces[place].clause]

    def stop_after_header(self, place: int) -> int:
        """Where the sentence of a piece ends; of one that is only a header ('Brain?'), where the next clause ends."""
        sentence = self.sentence(place)
        clause = self.clause(place)
        asked = clause.stop == sentence.stop < len(self.pieces) and self.pieces[clause.stop - 1].key == "?"
        if asked and all(at == place or self._only_asks(at) for at in clause):
            return self.clause(sentence.stop).stop
        if sentence.stop < len(self.pieces) and all(
            at == place or self.pieces[at].kind == "sign" for at in sentence[-_HEADER - 1 :]
        ):
            return self.clause(sentence.stop).stop if len(sentence) <= _HEADER else sentence.stop
        return sentence.stop

    def following(self, place: int, most: int = 6) -> Iterator[int]:
        """The places after a piece in its clause, nearest first."""
        return iter(range(place + 1, min(self.clause(place).stop, place + 1 + most)))

    def next_word(self, place: int) -> Piece | None:
        """The next piece of the sentence that is neither silent nor a sign."""
        for at in range(place + 1, min(self.sentence(place).stop, place + 5)):
            if self.pieces[at].kind not in ("silent", "sign"):
                return self.pieces[at]
        return None

    def is_denied_at_once(self, place: int) -> bool:
        """Whether the piece before is a plain negation: 'not', 'no', 'non', 'no longer', 'not in the'."""
        at = place - 1
        while at > 0 and at > place - _ARTICLES and self.pieces[at].key in ("the", "a", "an", "in"):
            at -= 1
        before = self.pieces[at] if place else None
        if before is None or before.clause != self.pieces[place].clause:
            return False
        no_longer = before.key == "no" and "stopped" in before.cues
        return no_longer or ("negation" in before.cues and before.end - before.start <= len("without"))

    def is_refuted(self, place: int) -> bool:
        """Whether a piece is asked and answered with no: 'hormone insensitive? no'."""
        return place in self._refuted

    def is_left_open(self, place: int) -> bool:
        """Whether a piece is asked and answered by what nobody knows: 'pregnant? don't know'."""
        return place in self._left_open

    def is_confirmed(self, place: int) -> bool:
        """Whether a piece is asked and answered with yes: 'any ILD? yes'."""
        return place in self._confirmed

    def is_minus(self, place: int) -> bool:
        """Whether a minus stands behind a piece, in brackets or before nothing but a sign: 'ILD (-)', 'LMD -,',
        'ILD: -'."""
        if place + 2 < len(self.pieces) and self.pieces[place + 1].key == ":" and self.pieces[place + 2].key == "-":
            place += 1
        minus, behind = (self.pieces[at] if at < len(self.pieces) else None for at in (place + 1, place + 2))
        if minus is None or minus.kind != "sign":
            return False
        if minus.key == "-":
            ends = behind is None or behind.sentence != minus.sentence
            return ends or (behind is not None and behind.kind == "sign" and behind.key in ",;./|")
        return [piece.key for piece in self.pieces[place + 1 : place + 4]] == ["(", "-", ")"]

    def is_corrected(self, place: int) -> bool:
        """Whether the sentence says itself to be a correction."""
        return self.pieces[place].sentence in self._corrections

    def is_family(self, place: int) -> bool:
        """Whether a piece is about another person."""
        return self._family[place]

    def stance(self, place: int) -> Stance:
        """How the piece at a place is meant; marks the word that makes it so as used."""
        if self._family[place]:
            return "family"
        stance, by = self._marked.get(place, ("affirmed", place))
        if by != place:
            self.pieces[by].used = True
        return stance

    def governor(self, place: int) -> int:
        """The place of the word that makes a piece what it is meant as; its own where none does."""
        return self._marked.get(place, ("affirmed", place))[1]

    # ---- how far a word reaches --------------------------------------------------------------------------------------

    def _is_target(self, piece: Piece) -> bool:
        """Whether a piece is something that can be denied or doubted."""
        return piece.kind == "fuzzy" or not piece.kinds.isdisjoint(_TARGETS)

    def _mark_family(self, place: int) -> None:
        """A relative's: from the word on, over the clauses that go on about it; before it only by 'in', 'of'."""
        pieces = self.pieces
        clause = self.clause(place)
        before = next((pieces[at] for at in range(place - 1, clause.start - 1, -1) if pieces[at].key != "her"), None)
        first = clause.start if before is not None and self.of(before, "belongs") else place
        last = clause.stop
        if place and pieces[place - 1].is_("find"):  # her pregnant sister
            self._family[place - 1] = True
        if pieces[last - 1].key == "(" and last < self.sentence(place).stop:  # her husband is ill (ECOG 3)
            last = self.clause(last).stop
        elif (
            any(pieces[at].concepts for at in range(place + 1, clause.stop))
            or self._tells_an_age(last, place)
            or (last < len(pieces) and pieces[last].key == "who")  # unlike her sister, who had brain mets
        ):
            while last < self.sentence(place).stop and self._goes_on(last):
                last = self.clause(last).stop
        for at in range(first, last):
            if at > place and (self.of(pieces[at], "patient") or "the_patient" in pieces[at].cues):
                break
            self._family[at] = True

    def _goes_on(self, first: int) -> bool:
        """Whether the clause that begins here has no subject of its own: it begins with a verb or 'and', or tells of
        an age: 'her mother died of breast cancer, brain mets at 50'."""
        pieces = self.pieces
        if self._tells_an_age(first, first):
            return True
        while first < len(pieces) and pieces[first].kind == "sign":
            first += 1
        return first < len(pieces) and self.of(pieces[first], "goes_on")

    def _tells_an_age(self, first: int, of: int) -> bool:
        """Whether the clause that begins there, in the sentence of another piece, ends in 'at' and a number."""
        if first >= len(self.pieces) or self.pieces[first].sentence != self.pieces[of].sentence:
            return False
        clause = self.clause(first)
        last = [piece for piece in self.pieces[clause.start : clause.stop][-3:] if piece.kind != "sign"][-2:]
        return len(last) == 2 and last[0].key == "at" and last[1].kind in ("number", "age")

    def _mark_denied(self, place: int) -> None:
        """What a negation denies: what follows it, with its list; behind a noun, what stands before it."""
        if (self._closes(place) and self._mark_closed(place, "denied")) or (
            self._answers(place) or self._denies_what_was_told(place)
        ):
            return
        heads = 0
        between = 0
        comma = joined = listed = False
        waiting: list[int] = []
        pieces = self.pieces
        for at in range(place + 1, min(self.sentence(place).stop, place + _FAR)):
            piece = pieces[at]
            if piece.kind != "sign" and self._ends_a_denial(at, place):
                break
            if piece.key in ("or", "and") or (piece.kind == "sign" and piece.key in "/+&"):
                joined = joined or piece.key == "or"
                if joined and waiting:
                    self._deny(waiting, place)
                    waiting = []
                between = 0 if heads else between
            elif piece.kind == "sign" and piece.key == ",":
                if joined:
                    break
                comma = True
            elif piece.kind == "sign" and (piece.key not in "-'" or self._is_dash(at)):
                break
            elif self._is_target(piece):
                valued = piece.is_("noun", *_WITH_A_VALUE)
                said = valued and pieces[at - 1].key in ("and", "&") and self._has_its_value(at)  # no ILD and ER 90%
                if said or (comma and valued and not listed):  # 'no T-DXd or T-DM1 so far, HR pos'
                    break
                listed = listed or valued
                if heads and piece.is_("say") and not piece.is_("say", "red_flags", "setting"):
                    break
                if comma and not joined:
                    waiting.append(at)
                elif heads and not self._is_joined(at):
                    break
                else:
                    self._deny([at], place)
                heads += 0 if names_drugs(piece) and not heads else 1
            elif piece.kind == "silent" or self.of(piece, "copula") or piece.cue("previously", "new", "uncertain"):
                if "uncertain" in piece.cues:
                    piece.used = True
            else:
                between += 1
                if comma or between > _WORDS_BETWEEN:
                    break
        for at in waiting:
            if self._is_bare(at):
                self._marked.setdefault(at, ("listed", place))

    def _denies_what_was_told(self, place: int) -> bool:
        """Whether the patient denied what was named before: 'asked about ILD, denied it', 'ILD was denied'."""
        pieces = self.pieces
        if pieces[place].key not in ("denied", "denies") or not place:
            return False
        pointed = place + 1 < len(pieces) and pieces[place + 1].key in ("it", "this", "that", "both", "either", "them")
        by_her = pieces[place - 1].kind == "sign" or pieces[place - 1].key in _BY_HER
        pointed = pointed and by_her  # not 'the insurer denied it'
        passive = pieces[place - 1].key in ("was", "were") and place > 1 and pieces[place - 2].is_("find")
        if not (pointed or passive):
            return False
        told = []
        for at in range(place - 1, max(self.sentence(place).start, place - _NEAR) - 1, -1):
            if names_drugs(pieces[at]):
                break  # ILD on T-DXd, the insurer denied it
            if pieces[at].is_("find"):
                told.append(at)
        self._deny(told, place)
        return bool(told)

    def _has_its_value(self, place: int) -> bool:
        """Whether a value stands right behind what is measured: 'ER 90%', 'HR+', 'HER2 positive'."""
        following = self.pieces[place + 1] if place + 1 < len(self.pieces) else None
        if following is None:
            return False
        return following.kind == "number" or following.key in ("+", "-") or self.of(following, "positive", "negative")

    def _ends_a_denial(self, at: int, negation: int) -> bool:
        """Whether a piece begins what a negation before it does not reach: 'no T-DM1 and she progressed'."""
        piece = self.pieces[at]
        if not piece.cues.isdisjoint(_NEW_CLAIM) or piece.key == "which" or "plan_heading" in piece.cues:
            return True
        if piece.key in ("after", "since", "that") and names_drugs(self.pieces[at - 1]):
            return True  # no T-DXd after the ILD; it wasn't T-DXd that gave her ILD
        if at == negation + 1 and "stopped" in piece.cues:  # never interrupted for the ILD
            return True
        return (piece.key == "and" and "the_patient" in piece.cues) or self._gives_a_reason(at, negation)

    def _is_dash(self, place: int) -> bool:
        """Whether a sign is a dash with blanks around it, which ends what was said before."""
        following = self.pieces[place + 1] if place + 1 < len(self.pieces) else None
        return not self.pieces[place].glued and (following is None or not following.glued)

    def _answers(self, place: int) -> bool:
        """Whether a negation answers the sentence before it: 'ILD? No.'"""
        if place != self.sentence(place).start or not place:
            return False
        if place + 1 < len(self.pieces) and self.pieces[place + 1].kind != "sign":
            return False
        asked = self._asked_before(place)
        if asked is None:
            return False
        self._marked.setdefault(asked, ("denied", place))
        self._refuted.add(asked)
        return True

    def _leaves_open(self, place: int) -> bool:
        """Whether words answer the question before them by what nobody knows: 'ILD? Don't know.'"""
        first = self.sentence(place).start
        if not place or place != first or self.pieces[place - 1].key != "?" or not self._closes(place):
            return False
        asked = self._asked_before(place)
        if asked is None:
            return False
        self._marked.setdefault(asked, ("unknown", place))
        self._left_open.add(asked)
        return True

    def _asked_before(self, place: int) -> int | None:
        """What the clause before asks about, where it says no more: 'ILD?', 'any ILD?', 'does she have brain mets?'"""
        before = self.clause(place - 1)
        targets = [at for at in before if self._is_target(self.pieces[at])]
        if len(targets) != 1 or (len(before) > _HEADER and self.pieces[place - 1].key != "?"):
            return None
        return targets[0] if all(at in targets or self._only_asks(at) for at in before) else None

    def _only_asks(self, place: int) -> bool:
        """Whether a piece only makes a question of what stands beside it: 'any', 'does she have'."""
        piece = self.pieces[place]
        return piece.kind in ("silent", "sign") or bool(piece.cues & {"new_word", "asked_weak", "asked"})

    def _deny(self, places: list[int], by: int) -> None:
        for at in places:
            self._marked[at] = ("denied", by)

    def _is_joined(self, place: int) -> bool:
        """Whether 'or', 'and' or a stroke stands before a piece, or the head it belongs to ('brain or liver mets')."""
        for at in range(place - 1, max(-1, place - 4), -1):
            piece = self.pieces[at]
            if piece.key in ("or", "and") or piece.key in ("/", "+", "&", "-"):
                return True
            if piece.kind != "silent" and not piece.cue("new", "previously"):
                return False
        return False

    def _is_bare(self, place: int) -> bool:
        """Whether nothing else stands in a piece's clause."""
        return all(at == place or self.pieces[at].kind == "sign" for at in self.clause(place))

    def _mark(self, place: int, stance: Stance) -> None:
        """A doubt or a hypothesis: what follows it in its clause, with what is joined to that."""
        heads = 0
        for at in self.following(place, _FAR):
            piece = self.pieces[at]
            if not self._is_target(piece):
                continue
            doubted = "unknown" in self.pieces[place].cues and "is" in self.pieces[at - 1].roles
            if heads and not self._is_joined(at) and not doubted:  # 'not sure her mets are HER2+'
                return
            heads += 1
            self._marked.setdefault(at, (stance, place))

    def _mark_closed(self, place: int, stance: Stance) -> bool:
        """A word that follows what it is said of: 'ILD: no', 'LMD ruled out', 'pneumonitis suspected'."""
        marked = False
        for at in range(place - 1, max(self._told_from(place) - 1, place - 6), -1):
            piece = self.pieces[at]
            if "so" in piece.roles:  # stage IV, so none
                return marked
            if piece.is_("find") or piece.is_("noun") or piece.is_("say", "red_flags", "setting"):
                if marked and not self._is_joined(at + 2 if at + 2 < place else at + 1):
                    return marked
                self._marked.setdefault(at, (stance, place))
                marked = True
            elif stance == "uncertain" and self._is_a_grade(at):  # ILD grade 1 possible
                continue
            elif piece.kind not in ("silent", "sign") and not (piece.cue(*_PASSED, "new_word") or "is" in piece.roles):
                return marked
        return marked

    def _is_a_grade(self, at: int) -> bool:
        """Whether a piece only says how severe what stands before it is: 'grade', the number behind it, 'G2'."""
        if "severity" in self.pieces[at].roles:
            return True
        return self.pieces[at].kind == "number" and at > 0 and "severity" in self.pieces[at - 1].roles

    def _told_from(self, place: int) -> int:
        """Where the clause begins that a word of exclusion is in, or the one before it that it takes back: 'LMD
        suspected, then excluded', 'LMD discussed but ruled out'."""
        first = self.clause(place).start
        turns = first and "excluded" in self.pieces[place].cues and self.pieces[first].cue("then", "new_word")
        if not turns or any(piece.kind != "silent" for piece in self.pieces[first + 1 : place]):
            return first
        return max(self.sentence(place).start, self.clause(first - 1).start)

    def _mark_what_it_excludes(self, place: int) -> bool:
        """Whether a test is said to exclude what follows: 'MRI excludes brain mets', 'CT ruled out ILD'."""
        before = place - 1
        while before > max(0, place - _ARTICLES) and (
            self.pieces[before].kind == "silent" or self.pieces[before].is_("noun", "organ")
        ):
            before -= 1
        tested = before >= 0 and (
            self.pieces[before].is_("noun", "imaging", "brain_imaging", "lvef")
            or self.of(self.pieces[before], "liquor", "other_test")
        )
        if not tested or self.pieces[before].clause != self.pieces[place].clause:
            return False
        for at in self.following(place, _ARTICLES):
            piece = self.pieces[at]
            if piece.is_("find") or piece.is_("noun") or piece.is_("say", "setting", "red_flags"):
                self._deny([at], place)
                return True
            if piece.kind != "silent" and not piece.cue("new", "previously", "progression"):
                return False
        return False

    def _rules_out_a_drug(self, place: int) -> bool:
        """Whether it is a drug that a finding excludes: 'ILD ruled out T-DXd', 'the ILD excluded further T-DXd'."""
        pieces, drug = self.pieces, place + 1
        drug += drug < len(pieces) and (pieces[drug].kind == "silent" or "more" in pieces[drug].roles)
        return place > 0 and pieces[place - 1].is_("find") and drug < len(pieces) and names_drugs(pieces[drug])

    def _mark_excluded(self, place: int) -> None:
        """What was suspected and is ruled out: 'suspected ILD on T-DXd ruled out by CT'."""
        for at in range(max(self._told_from(place), place - _NEAR), place):
            suspected = self._marked.get(at, ("affirmed", at))[0] == "uncertain"
            if suspected or self.pieces[at].is_("say", "red_flags"):
                self._marked[at] = ("denied", place)

    def _gives_a_reason(self, at: int, negation: int) -> bool:
        """Whether 'due', 'because' begins why something was not done: 'not given due to ILD'; not so 'not due to'."""
        if "reason" not in self.pieces[at].roles:
            return False
        plain = self.pieces[negation].end - self.pieces[negation].start <= len("without")
        return not (plain and at == negation + 1)

    def _closes(self, place: int) -> bool:
        """Whether nothing but signs and silent words follows in the clause."""
        for at in range(place + 1, self.clause(place).stop):
            piece = self.pieces[at]
            if piece.kind not in ("silent", "sign") and piece.key not in _THERE:
                return False
        return True

    def _is_said_of_a_finding(self, place: int) -> bool:
        """Whether a finding or the brain stands right before a word: 'ILD: absent', 'brain mets are absent'."""
        at = place - 1
        while at > 0 and (self.pieces[at].key in (":", "-", "=", "(") or "is" in self.pieces[at].roles):
            at -= 1
        piece = self.pieces[at]
        found = piece.is_("find") or piece.is_("noun", "brain", "brain_mets", "organ_mets")
        behind = self.pieces[place + 1] if place + 1 < len(self.pieces) else None
        ends = self._closes(place) or (behind is not None and self._is_target(behind))  # not 'absent activity'
        return at >= 0 and piece.clause == self.pieces[place].clause and found and ends


def is_counterfactual(pieces: list[Piece], place: int) -> bool:
    """Whether a 'not' is of what did happen: 'had she not had ILD', 'were it not for the ILD'."""
    return (
        place > 1
        and pieces[place].key == "not"
        and pieces[place - 2].key in ("had", "were")
        and (pieces[place - 1].key in ("she", "he", "it", "her", "patient", "pt"))
    )


def _runs(numbers: list[int]) -> dict[int, range]:
    """Each number, which stand in order, to the places where it stands."""
    found: dict[int, range] = {}
    if not numbers:
        return found
    first, running = 0, numbers[0]
    for place, number in enumerate(numbers):
        if number != running:
            found[running] = range(first, place)
            first, running = place, number
    found[running] = range(first, len(numbers))
    return found
