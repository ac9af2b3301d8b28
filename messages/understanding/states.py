"""What the pieces of a text say of the profile, but for the lines of therapy.

Phrases that say a value, findings that the words around them affirm or deny, and nouns with what stands beside them;
the readers of receptors, of organ function, of the brain and of disease elsewhere have modules of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from operator import attrgetter

from messages.understanding.brain import Brain
from messages.understanding.caution import Caution
from messages.understanding.context import Context
from messages.understanding.disease import Disease
from messages.understanding.drugs import names_drugs
from messages.understanding.emergencies import Emergencies
from messages.understanding.lexicon import Finding, Lexicon
from messages.understanding.lines import Told
from messages.understanding.organ_function import QUALIFIED, OrganFunction
from messages.understanding.receptors import Receptors
from messages.understanding.scan import Piece
from messages.understanding.statements import Stated, Statement

_CORD_SIGNS = ("back_pain", "leg_weakness", "sphincter")
_HEADING = 4
"""Pieces before 'no metastases' in which a scan is looked for, at most."""
_BEST_OF_WORST = 2
"""The last ECOG grade of those who are up and about."""
_FROM_ECOG = 10
"""Pieces between a performance status and 'fit', at most."""
_MAY_BE_ANSWERED = frozenset(
    (
        "her2_status", "hr_status", "lvef", "platelets", "pregnancy", "renal_impairment", "chemotherapy",
        "interacting_medicines", "performance_status", "ild_history", "hepatic_impairment",
    )
)  # fmt: skip
"""Fields whose phrases may be what a form asks for, and a no behind them the answer."""
_CONTRARY = {
    ("her2_status", "positive"): "negative",
    ("hr_status", "positive"): "negative",
    ("lvef", "reduced"): "normal",
    ("lvef", "normal"): "reduced",
    ("platelets", "normal"): "low",
    ("pregnancy", "present"): "absent",
    ("chemotherapy", "suitable"): "unsuitable",
}
"""What a no makes of a value; of others it leaves nothing."""
_THEN = ("was", "were", "initially", "formerly", "before", "then", "diagnosis", "until", "till", "used")
"""Words of what was so in the past."""
_DOES = ("do", "does", "did", "would", "will", "could", "can", "may", "might", "should", "to")
"""Words before a verb: 'does she fit', 'would fit best'."""
_MAY_FIT = ("it", "that", "not", "t", "best", "regimen", "drug", "option", "also", "still", "really")
"""Words between such a word and the verb, besides persons and drugs."""
_UP_TO_WHETHER = 5
"""Pieces from 'whether' to what is not known of chemotherapy, at most."""
_QUESTION = 2
"""Pieces of a question of one word: 'chemo?'"""
_OVERCOME_WITHIN = 5
"""Pieces behind a dislike up to where it is given up, at most."""
_WORN_WITHIN = 12
"""Pieces from 'fit' of the past to 'too frail', at most."""
_REASON_WITHIN = 8
"""Pieces between a word and the reason it leads to, at most."""
_STOP_WITHIN = 14
"""Pieces between a reason and the word that says a drug was stopped, at most."""
_POINTING = (" these", " those", " above")
_MAY_BE_UNKNOWN = ("pregnancy", "interacting_medicines", "dpd_deficiency", "platelets", "lvef", "leptomeningeal")
"""Fields that a question without an answer leaves unknown: 'pregnant? don't know'."""
_SITES = ("organ", "organ_mets", "brain", "brain_mets", "brain_imaging")

__all__ = ["Reader", "Stated", "Statement"]


class Reader:
    """Reads the pieces once for every field."""

    def __init__(self, pieces: list[Piece], lexicon: Lexicon, told: Told, text: str) -> None:
        self.pieces = pieces
        self.lexicon = lexicon
        self.text = text
        self.stated = Stated()
        self._treated = any(course.agents for course in told.lines)
        self.context = Context(pieces, lexicon)
        self.brain = Brain(self.context, self.stated)
        self.disease = Disease(self.context, self.stated, told, text)
        receptors = Receptors(self.context, self.stated)
        organs = OrganFunction(self.context, self.stated)
        self.receptors, self.organs = receptors, organs
        self.emergencies = Emergencies(self.context, self.stated, organs)
        self._sites = {
            piece.sentence
            for piece in pieces
            if "noun" in piece.kinds and piece.is_("noun", *_SITES) and not self.disease.is_local(piece)
        }
        self._graded: set[str] = set()
        for place, piece in enumerate(pieces):
            if "say" in piece.kinds:
                self._graded.update(concept.name for concept in piece.concepts if concept.kind == "say")
            elif "noun" in piece.kinds and piece.is_("noun", "child_pugh") and organs.child_pugh_at(place) is not None:
                self._graded.add("hepatic_impairment")

    def read(self) -> Stated:
        """Everything the text states."""
        for place, piece in enumerate(self.pieces):
            for concept in piece.concepts:
                if concept.kind == "say":
                    self._say(place, concept.name, concept.value)
                elif concept.kind == "find":
                    self._find(place, self.lexicon.findings[concept.name])
                elif concept.kind == "noun":
                    self._noun(place, concept.name)
            if "declined" in piece.cues:
                self._declined(place)
            elif "unavailable" in piece.cues and self.context.of(piece, "unfit"):
                self._too_frail_for(place)
            if piece.kind == "word" and self.context.of(piece, "chemo"):
                self._ruled_out(place)
        self.receptors.first_word()
        self.brain.read(seizing=self.emergencies.is_seizing())
        self.disease.read()
        Caution(self.context, self.stated).look()
        self._united_states()
        return self.stated

    def _note(self, name: str, value: object, place: int, *others: int) -> None:
        pieces = [self.pieces[at] for at in (place, *others)]
        self.stated.note(name, value, pieces, corrected=self.context.is_corrected(place))

    # ---- phrases that say a value ------------------------------------------------------------------------------------

    def _say(self, place: int, name: str, value: str) -> None:
        if self.context.is_family(place):
            return
        if self.context.is_left_open(place):
            if name in _MAY_BE_UNKNOWN:
                self._note(name, "unknown", place, self.context.governor(place))
            return
        if value not in ("none", "unknown") and name in _MAY_BE_ANSWERED:
            no = self._answered_no(place)
            if name == "chemotherapy" and (answer := self._answer(place)) is not None and answer[0] == "unknown":
                self._note(name, "unknown", place, answer[1])
                return
            if no is not None and (name, value) in _CONTRARY:
                self._note(name, _CONTRARY[name, value], place, no)
            if no is not None:
                return
        if name in _SAYS_OF:
            _SAYS_OF[name](self, place, name, value)
        elif self._says(place, name, value):
            self._note(name, value, place)
            if name == "her2_status":
                self.receptors.later_score(place)

    def _answered_no(self, place: int) -> int | None:
        """Where a plain no answers what a form asks for: 'dialysis: no', 'on warfarin - no', 'unfit for chemo: no'."""
        at = place + 2
        if at >= len(self.pieces) or self.pieces[at - 1].key not in (":", "-", "="):
            return None
        if self.pieces[at - 1].key == "-" and self.pieces[at].glued:
            return None
        return self._no_behind(at) if not self._is_not_applicable(place) else None

    def _no_behind(self, at: int) -> int | None:
        """The place where a plain no stands, and nothing is said to go on with it: not 'no treatment yet'."""
        if at >= len(self.pieces):
            return None
        answer = self.pieces[at]
        plain = answer.key in ("no", "none", "nil", "n") and answer.end - answer.start == len(answer.key)
        ends = at + 1 == self.context.sentence(at).stop or self.pieces[at + 1].key in (",", ";", ".", "|", ")")
        return at if plain and ends else None

    def _says(self, place: int, name: str, value: str) -> bool:
        """Whether a phrase means here what it says."""
        if value != "unknown" and self._is_refuted(place):
            if name == "her2_status":  # 'not HER2-low: 3+'
                self.receptors.refuted(place, value)
            return False
        if name == "her2_status" and (self.receptors.is_answered(place) or self._is_all_that_is_asked(place)):
            return False
        if name == "pregnancy" and value == "present" and self._is_over(place):
            return False
        if name == "platelets" and value == "low" and self._is_why_stopped(place):
            self.pieces[place].used = True
            self.organs.platelets_by_now(place)
            return False
        if name == "platelets" and value == "low":
            before = len(self.stated)
            self.organs.platelets_by_now(place)
            if len(self.stated) > before:  # low platelets on T-DM1, now 140
                self.pieces[place].used = True
                return False
            return self.context.stance(place) in ("affirmed", "listed") and not self.emergencies.is_past(place)
        return True

    def _is_all_that_is_asked(self, place: int) -> bool:
        """'Is HER2 positive?'"""
        sentence = self.context.sentence(place)
        first, last = self.pieces[sentence.start], self.pieces[sentence.stop - 1]
        behind = self.pieces[sentence.stop : sentence.stop + 1]
        if "is" not in first.roles or last.key != "?" or (behind and "affirmed" in behind[0].roles):
            return False
        return all(at == place or self.pieces[at].kind in ("silent", "sign") for at in sentence[1:])

    def _is_why_stopped(self, place: int) -> bool:
        """Whether something was why a drug was stopped: 'stopped for low platelets', 'low platelets so we stopped'."""
        pieces, clause = self.pieces, self.context.clause(place)
        before = range(max(clause.start, place - _REASON_WITHIN), place)
        behind = range(place + 1, min(self.context.sentence(place).stop, place + 1 + _STOP_WITHIN))
        because = any(pieces[at].roles & {"because", "ever_since"} for at in before)
        if because and (self._ends_a_drug(before) or self._ends_a_drug(behind)):
            return True
        led_to = next((at for at in behind if self._concludes(at)), behind.stop)
        if self._ends_a_drug(range(led_to + 1, behind.stop)) or self._is_referred_to(behind):
            return True
        if place and place + 1 < len(pieces) and pieces[place - 1].key == pieces[place + 1].key in ("->", ">"):
            return True  # T-DM1 > low plts > T-DXd
        fell = place + 1 < len(pieces) and "fell" in pieces[place + 1].roles  # given up, platelets fell to 38
        heads = place > 1 and (pieces[place - 1].key in (":", "-", "(") or (fell and pieces[place - 1].key == ","))
        return heads and pieces[place - 2].cue("stopped")

    def _concludes(self, place: int) -> bool:
        """Whether a piece leads from a reason to the stop: 'so', '->', 'and we gave it up'."""
        piece = self.pieces[place]
        joins = piece.key == "and" and not any(map(names_drugs, self.pieces[place + 1 : place + 4]))
        joins = joins or self._parts_a_stop(place)
        # the reason it was stopped; which is why
        return joins or "so" in piece.roles or piece.key in ("->", "reason", "why")

    def _parts_a_stop(self, place: int) -> bool:
        """Whether a comma leads to a stop of what was told, and to nothing else: ', stopped', ', then off in May'."""
        at = place + 1 + (place + 1 < len(self.pieces) and self.pieces[place + 1].key == "then")
        if self.pieces[place].key != "," or at >= len(self.pieces) or not self.pieces[at].cue("stopped"):
            return False
        behind = self.pieces[at + 1] if at + 1 < len(self.pieces) else None
        return behind is None or behind.kind == "sign" or behind.key == "in"

    def _ends_a_drug(self, places: range) -> bool:
        return any(self.pieces[at].cue("stopped", "toxicity") for at in places)

    def _is_referred_to(self, places: range) -> bool:
        """'Platelets dropped, stopped for that': whether a stop is said to be for what stands before."""
        for at in places[:-2]:
            ends = "stopped" in self.pieces[at].cues and bool(self.pieces[at + 1].roles & {"because"})
            if ends and "pronoun" in self.pieces[at + 2].roles:
                return True
        return False

    def _is_refuted(self, place: int) -> bool:
        return self.context.is_denied_at_once(place) or self.context.is_refuted(place)

    def _chemotherapy(self, place: int, name: str, value: str) -> None:
        """Fit or unfit for chemotherapy; 'fit' may be a seizure, or the fit of something else."""
        fit = value == "suitable"
        if value != "unknown" and self._is_not_known_to_be(place, _UP_TO_WHETHER):
            self._note(name, "unknown", place)
        elif value != "unknown" and self._is_only_if(place):
            return
        elif fit and (answer := self._answer(place)) is not None:
            self._note(name, answer[0], place, answer[1])
        elif fit and self._is_no_statement(place):
            return
        elif fit and self._is_refuted(place):
            if self._is_of_chemotherapy(place):
                self._note(name, "unsuitable", place - 1, place)
        elif value == "unknown" or not self._is_taken_back(place, value):
            self._fitness(place, name, value)

    def _is_no_statement(self, place: int) -> bool:
        """Whether 'fit' is only asked about, or is no word of fitness: 'is she fit?', 'does she fit DB-03?'"""
        return (
            (self.pieces[place].key == "fit" and self._is_a_verb(place))
            or self._is_only_a_question(place)
            or self._is_asked_outright(place)
            or self._is_allowed_to_end(place)
        )

    def _is_taken_back(self, place: int, value: str) -> bool:
        """Whether what is said of chemotherapy is denied, was given up, or was so in the past only."""
        if self._is_refuted(place):
            return True
        if value == "unsuitable" and self._is_overcome(place):
            return True
        if value == "unsuitable" and self._is_only_a_question(place) and not self.context.is_confirmed(place):
            return True
        return self._was_so_then(place) and self._is_told_by_now(place)

    def _fitness(self, place: int, name: str, value: str) -> None:
        """Fit or unfit, as it stands, or 'fit' withdrawn."""
        fit = value == "suitable"
        if fit and self._is_withdrawn(place):
            self._note(name, "unsuitable", place)
            return
        if fit and self._was_so_then(place) and (worn := self._is_worn_by_now(place)) is not None:
            self._note(name, "unsuitable", place, worn)
            return
        if fit and self.context.of(self.pieces[place], "fit"):
            if place and self.context.of(self.pieces[place - 1], "one_of"):  # 'last fit in 2016'
                return
            following = self.context.next_word(place)
            if (following is not None and following.is_("noun", "organ")) or self._is_bedridden(place):
                return
        self._note(name, value, place)

    def _answer(self, place: int) -> tuple[str, int] | None:
        """What answers for fitness behind its name, and where: 'fit for chemo: no', 'chemo candidate? Not really',
        'suitable for chemo: unknown'."""
        at = place + 2
        if at >= len(self.pieces) or self.pieces[place + 1].key not in (":", "?", "=", "-"):
            return None
        if self.pieces[place + 1].key == "-" and self.pieces[place + 1].glued:
            return None
        piece, behind = self.pieces[at], at + 1
        while behind < len(self.pieces) and self.pieces[behind].key in ("really", "she", "he", "is", "isn", "not"):
            behind += 1
        if behind < len(self.pieces) and self.pieces[behind].kind != "sign":
            return None
        if "affirmed" in piece.roles:
            return "suitable", at
        if piece.cue("unknown", "pending") or self._is_not_applicable(place):
            return "unknown", at
        return ("unsuitable", at) if "negation" in piece.cues else None

    def _is_only_a_question(self, place: int) -> bool:
        """'Chemo ok?', 'is she fit?'"""
        clause = self.context.clause(place)
        asks = clause.start < place and self.pieces[clause.start].cue("asked", "asked_weak")
        rest = [self.pieces[at] for at in clause[int(asks) :] if at != place]
        return all(piece.kind in ("silent", "sign") for piece in rest) and any(piece.key == "?" for piece in rest)

    def _is_overcome(self, place: int) -> bool:
        """Whether a dislike was given up: 'hates chemo but agreed to it'."""
        ahead = self.pieces[place + 1 : min(self.context.sentence(place).stop, place + _OVERCOME_WITHIN)]
        turns = next((at for at, piece in enumerate(ahead) if "new_word" in piece.cues), len(ahead))
        for at, piece in enumerate(ahead):
            if "came_round" in piece.cues or (at >= turns and self.context.of(piece, "consents")):
                return not self._is_of_another(place + 1 + at)
        return False

    def _is_of_another(self, place: int) -> bool:
        """Whether what is consented to is another treatment: 'refuses chemo but accepts T-DXd'."""
        for at in range(place + 1, min(self.context.sentence(place).stop, place + _OVERCOME_WITHIN)):
            piece = self.pieces[at]
            if piece.key in (",", ";", ":", "(") or "pronoun" in piece.roles or self.context.of(piece, "chemo"):
                return False
            if names_drugs(piece) or self.context.of(piece, "other_than_chemo"):
                return True
        return False

    def _is_allowed_to_end(self, place: int) -> bool:
        """'T-DXd would allow a chemo-free interval'."""
        following = self.context.next_word(place)
        allows = self.pieces[place].key in ("allows", "allow", "permits", "permit")
        return allows and following is not None and self.context.of(following, "without")

    def _is_asked_outright(self, place: int) -> bool:
        """Whether it is what a question asks: 'is she fit for combination chemo?', 'does her PS allow chemo?'"""
        piece, sentence = self.pieces[place], self.context.sentence(place)
        first = self.pieces[sentence.start]
        if not piece.asked or self.pieces[sentence.stop - 1].key != "?" or piece is first:
            return False
        if not ("is" in first.roles or "auxiliary" in first.roles or first.cue("asked", "asked_weak")):
            return False
        of_chemo = "chemo" in self.text[piece.start : piece.end].lower()
        led = self.pieces[sentence.start + 1 : place]
        return of_chemo and not any(names_drugs(each) or each.key == "," for each in led)

    def _was_so_then(self, place: int) -> bool:
        """Whether fitness for chemotherapy is told of the past: 'was unfit in May', 'fit before'."""
        clause = self.context.clause(place)
        behind = [piece for piece in self.pieces[clause.stop : clause.stop + 1] if piece.key == "before"]
        around = [self.pieces[at] for at in clause if at != place] + behind
        if any(self.context.of(piece, "for_now") for piece in around):
            return False
        return any(piece.key in _THEN or piece.kind == "date" or piece.cue("at_first", "before_it") for piece in around)

    def _is_told_by_now(self, place: int) -> bool:
        """Whether fitness for chemotherapy is told once more, and not of the past."""
        return any(
            (piece.is_("say", "chemotherapy") or ("unavailable" in piece.cues and self.context.of(piece, "unfit")))
            and at != place
            and not self._was_so_then(at)
            for at, piece in enumerate(self.pieces)
        )

    def _is_worn_by_now(self, place: int) -> int | None:
        """Where fitness of the past ends in 'too frail': 'was fit for chemo, now too frail'."""
        for at in range(place + 1, min(self.context.sentence(place).stop, place + _WORN_WITHIN)):
            words = self.text[self.pieces[at - 1].start : self.pieces[at].end].lower().split()
            worn = any("<worn>" in self.lexicon.groups.get(word, ()) for word in words)
            if worn and "too" in words:
                return at
        return None

    def _is_bedridden(self, place: int) -> bool:
        """Whether an ECOG of 3 or 4 stands before a word: 'ECOG 3, otherwise fit'."""
        for at in range(max(self.context.sentence(place).start, place - _FROM_ECOG), place):
            if self.pieces[at].is_("noun", "ecog"):
                behind = [self.pieces[on] for on in self.context.following(at, 4)]
                grades = [piece.value for piece in behind if piece.kind == "number"]
                return bool(grades) and grades[0] > _BEST_OF_WORST
        return False

    def _is_withdrawn(self, place: int) -> bool:
        """'No longer a chemo candidate', 'wants chemo-free treatment'."""
        following = self.context.next_word(place)
        if following is not None and self.context.of(following, "without"):
            following.used = True
            return True
        at = place - 1
        first = max(self.context.clause(place).start, place - 3)
        while at > first and self.pieces[at].kind in ("silent", "word"):  # not really fit
            at -= 1
        return at in self.context.clause(place) and at < place and self.pieces[at].cue("negation", "stopped")

    def _is_of_chemotherapy(self, place: int) -> bool:
        """Whether 'not fit' is said of chemotherapy, or of nothing else."""
        ahead = [self.pieces[at] for at in self.context.following(place)]
        rest = [piece for piece in ahead if piece.kind not in ("silent", "sign")]
        return not rest or any(self.context.of(piece, "chemo") for piece in rest)

    def _setting(self, place: int, name: str, value: str) -> None:
        piece = self.pieces[place]
        if value == "metastatic" and self._is_locally_advanced(place):
            return
        if value == "metastatic" and (no := self._answered_no_mets(place)) is not None:
            if not self._is_of_one_site(place):
                self._note(name, "early", place, no)
            return
        if value == "metastatic":
            what_for = self._is_what_for(place)
            if what_for and self.context.governor(place) > place and self.context.stance(place) == "denied":
                self._note("prior_lines", (), place, self.context.governor(place))
            stance = "affirmed" if what_for else self.context.stance(place)
            if self._is_not_known_to_be(place):
                value = "unknown"
            elif stance in ("denied", "hypothetical") or (stance == "uncertain" and not piece.is_("noun")):
                return
            following = self.context.next_word(place)
            if following is not None and self.context.of(following, "without"):
                return  # metastasis-free
        elif value == "early" and self._is_of_one_site(place):
            return
        if self.context.of(piece, "stage_heading") and value in ("early", "metastatic") and self._is_of_a_word(place):
            return
        self._note(name, value, place)

    def _is_locally_advanced(self, place: int) -> bool:
        """'Locally advanced HER2-positive disease'."""
        piece = self.pieces[place]
        before = self.text[: piece.start].lower().rstrip(" -")
        return piece.key == "advanced" and before.endswith(("locally", "local"))

    def _answered_no_mets(self, place: int) -> int | None:
        """Where a no answers for metastases as such: 'metastatic: no', 'distant mets: none'."""
        piece = self.pieces[place]
        words = self.text[piece.start : piece.end].lower().replace(":", " ").split()
        named = [word for word in words if word not in ("distant", "disease")]
        if not named or any("<of_mets>" not in self.lexicon.groups.get(word, ()) for word in named):
            return None
        if self.text[piece.end - 1] != ":":
            return self._answered_no(place)
        return self._no_behind(place + 1)

    def _is_of_a_word(self, place: int) -> bool:
        """Whether 'early' or 'advanced' behind a heading is said of the word behind it: 'setting: early relapse'."""
        piece, behind = self.pieces[place], self.pieces[place + 1 : place + 2]
        ends = self.text[piece.start : piece.end].lower().endswith(("early", "advanced"))
        return ends and any(each.kind != "sign" and each.sentence == piece.sentence for each in behind)

    def _is_not_known_to_be(self, place: int, reach: int = 3) -> bool:
        """Whether it is said not to be known: 'unclear if early or metastatic', 'metastatic or not is unknown',
        'whether she is fit for chemo is unclear'. `reach`: pieces from 'whether' to it, at most."""
        behind = self.pieces[place + 1 : place + 5]
        if [piece.key for piece in behind[:2]] == ["or", "not"]:
            return any(piece.cue("unknown", "uncertain") for piece in behind[2:])
        clause = self.context.clause(place)
        for at in range(place - 1, max(clause.start, place - 1 - reach) - 1, -1):
            if self.pieces[at].roles.isdisjoint(("if", "whether")):
                continue
            if at > clause.start and self.pieces[at - 1].cue("unknown", "uncertain"):
                return True
            ahead = [self.pieces[on] for on in self.context.following(place, 2)]
            linked = len(ahead) > 1 and ahead[0].roles.isdisjoint(("if", "whether")) and "is" in ahead[0].roles
            return "whether" in self.pieces[at].roles and linked and ahead[1].cue("unknown", "uncertain")
        return False

    def _is_only_if(self, place: int) -> bool:
        """'If fit for chemo, THP; else HP', 'HP alone unless fit for chemo'."""
        first = max(self.context.clause(place).start, place - _UP_TO_WHETHER)
        for at in range(place - 1, first - 1, -1):
            if not self.pieces[at].roles.isdisjoint(("if", "whether")):
                return at == 0 or self.pieces[at - 1].key not in ("even", "as")
        return False

    def _is_a_verb(self, place: int) -> bool:
        """Whether 'fit' is what someone or something does: 'does she fit DB-03?', 'which regimen would fit best?'"""
        for at in range(place - 1, max(self.context.sentence(place).start, place - 4) - 1, -1):
            piece = self.pieces[at]
            if piece.key in _DOES:
                return not self.text[piece.start : piece.end].lower().endswith("be")  # would be fit
            if "grammatical_subject" not in piece.roles and not names_drugs(piece) and piece.key not in _MAY_FIT:
                return False
        return False

    def _is_what_for(self, place: int) -> bool:
        """Whether it is what something is given for: 'not yet received anything for the metastases'."""
        before = [piece.key for piece in self.pieces[max(0, place - 2) : place + 1]]
        return "for" in before

    def _is_of_one_site(self, place: int) -> bool:
        """Whether 'no metastases' is said of one organ only: 'cranial MRI: no metastases', 'no mets in the liver'.

        Of which an MRI was is not said in 'MRI: no mets'.
        """
        before = self.pieces[max(self.context.sentence(place).start, place - _HEADING) : place]
        of_an_mri = any(self.context.of(piece, "magnetic") for piece in before)
        return self.pieces[place].sentence in self._sites or of_an_mri

    def _untreated(self, place: int, name: str, value: str) -> None:
        if name == "treatment":
            of_the_patient = place not in self.brain.covered  # not of brain metastases
            if not self._treated and of_the_patient and not self._is_before_something(place):
                self._note("prior_lines", (), place)
                if not self._is_for_metastases(place):
                    self._note("early_stage_agents", (), place)
            return
        if name == "early_stage_agents" and value == "none" and self._is_not_de_novo(place):
            return
        if name == "prior_lines" and value != "none":
            return  # no line can be made of lines that are not known: the words are given back
        self._note(name, () if value == "none" else value, place)
        words = (
            self.text[self.pieces[place].start : self.pieces[place].end]
            .lower()
            .replace("-", " ")
            .replace(":", " ")
            .split()
        )
        if name == "prior_lines" and any("<of_metastases>" in self.lexicon.groups.get(word, ()) for word in words):
            self._note("setting", "metastatic", place)

    def _is_not_de_novo(self, place: int) -> bool:
        """'Not de novo but recurrent', 'recurrent rather than de novo'."""
        if "de_novo" not in self.pieces[place].cues:
            return False
        before = self.text[: self.pieces[place].start].lower().split()[-2:]
        instead = before in (["rather", "than"], ["instead", "of"])
        return instead or self._answered_no(place) is not None or self._is_refuted(place)

    def _is_before_something(self, place: int) -> bool:
        """Whether 'no treatment before' says before what: 'no treatment before surgery'."""
        words = self.text[self.pieces[place].start : self.pieces[place].end].lower().split()
        following = self.pieces[place + 1 : place + 2]
        return words[-1] == "before" and any(piece.kind != "sign" for piece in following)

    def _is_for_metastases(self, place: int) -> bool:
        """Whether 'no treatment' is only of what came back: 'none started yet for metastatic disease', '... for it',
        'for MBC nothing yet'."""
        leads = False
        heading = self.pieces[max(self.context.sentence(place).start, place - _HEADING) : place]
        named = heading and any(piece.is_("say", "setting") for piece in heading)
        if named and self.text[heading[0].start :].lower().startswith("for "):
            return True
        for at in range(place + 1, min(self.context.sentence(place).stop, place + 7)):
            piece = self.pieces[at]
            if piece.key == ",":
                return False
            leads = leads or piece.key in ("for", "since")
            told = piece.is_("noun", "organ_mets") or piece.is_("say", "setting") or piece.cue("came_back", "relapse")
            if leads and (told or "pronoun" in piece.roles):
                return True
        return False

    def _red_flags(self, place: int, name: str, value: str) -> None:
        if value == "none" and self._is_of_drugs(place):
            return
        if value in ("none", "unknown"):
            self._note(name, () if value == "none" else value, place)
        elif not self._is_ruled_out(place) and not self.emergencies.is_past(place):
            self.emergencies.note(value, place)

    def _is_of_drugs(self, place: int) -> bool:
        """Whether 'none of these' is of drugs told before it, or goes on: 'THP, T-DM1: none of these tolerated'."""
        piece = self.pieces[place]
        if not self.text[piece.start : piece.end].casefold().endswith(_POINTING):
            return False
        sentence = self.context.sentence(place)
        behind = (self.pieces[at] for at in range(place + 1, sentence.stop))
        following = next((piece for piece in behind if piece.kind != "silent"), None)
        goes_on = following is not None and following.kind != "sign"
        return goes_on or any(names_drugs(self.pieces[at]) for at in range(sentence.start, place))

    def _medicines(self, place: int, name: str, value: str) -> None:
        if value in ("none", "unknown"):
            self._note(name, () if value == "none" else value, place)
        elif not self._is_ruled_out(place) and not self._is_stopped(place) and not self._is_called_weak(place):
            self._note(name, (value,), place)

    def _is_ruled_out(self, place: int) -> bool:
        """Whether an emergency or a medicine is denied or only possible: 'no seizures', 'seizure-free'."""
        until = self.pieces[place + 1] if place + 1 < len(self.pieces) else None
        if until is not None and "up_to_now" in until.cues and self.text[until.start : until.end].endswith("today"):
            return False  # no seizure until today
        if self.context.stance(place) in ("denied", "hypothetical") or self.context.is_denied_at_once(place):
            self.pieces[place].used = True
            return True
        following = self.context.next_word(place)
        return following is not None and self.context.of(following, "without")

    def _is_called_weak(self, place: int) -> bool:
        """'A moderate CYP3A4 inhibitor' is no strong one."""
        return place > 0 and self.pieces[place - 1].key in ("moderate", "weak", "mild", "moderately", "weakly")

    def _is_stopped(self, place: int) -> bool:
        """Whether a medicine is taken no more: 'off warfarin', 'phenytoin stopped in 2020'."""
        near = (place - 1, place - 2, place + 1, place + 2)
        clause = self.context.clause(place)
        ended = any(
            at in clause and self.pieces[at].cue("stopped", "before_it") and not self._asks_to_stop(at) for at in near
        )
        replaced = [piece.key for piece in self.pieces[max(0, place - 2) : place]]
        behind = next((self.pieces[at] for at in self.context.following(place, 3) if self._is_no_link(at)), None)
        ended = ended or (behind is not None and "completed" in behind.cues and not behind.asked)
        if self._is_change(place + 1) or self._ends_next(place + 1):  # 'warfarin switched to a DOAC'
            return True
        return ended or (replaced[-1:] == ["from"] and self._is_change(place - 2))

    def _is_no_link(self, at: int) -> bool:
        """Whether a piece is more than a verb between a medicine and what became of it: 'rifampicin was finished'."""
        return "is" not in self.pieces[at].roles and self.pieces[at].key not in ("has", "been")

    def _ends_next(self, comma: int) -> bool:
        """'Was on warfarin, stopped', where it is not a drug that was stopped."""
        if comma + 1 >= len(self.pieces) or self.pieces[comma].key != ",":
            return False
        behind = self.pieces[comma + 2] if comma + 2 < len(self.pieces) else None
        ended = "stopped" in self.pieces[comma + 1].cues and not self._asks_to_stop(comma + 1)
        return ended and (behind is None or not names_drugs(behind))

    def _asks_to_stop(self, place: int) -> bool:
        """Whether stopping is asked about, or asked for: 'warfarin, stop before capecitabine?'"""
        if self.pieces[place].key != "stop":
            return self.pieces[place].asked
        return not any(self.pieces[at].kind == "date" for at in self.context.following(place, 2))

    def _is_change(self, at: int) -> bool:
        """'Switched from', 'changed from'."""
        return 0 <= at < len(self.pieces) and self.context.of(self.pieces[at], "exchanged")

    def _ruled_out(self, place: int) -> None:
        """'Chemotherapy is out', 'chemo contraindicated', 'chemo would be too risky'."""
        ahead = (self.pieces[at] for at in self.context.following(place, _REASON_WITHIN))
        passed = ("silent", "sign")
        following = next((each for each in ahead if each.kind not in passed and not self._links(each)), None)
        if following is not None and "unavailable" in following.cues:
            value = "unknown" if following.key == "n" else "unsuitable"  # N/A
            self.stated.note("chemotherapy", value, [self.pieces[place], following])
            return
        again = self._never_again(place)
        if again is not None and not self.context.is_family(place):
            self._note("chemotherapy", "unsuitable", place, again)

    def _links(self, piece: Piece) -> bool:
        """Whether a piece only links a word with what is said of it: 'is', 'would be'."""
        return "is" in piece.roles or piece.key in ("would", "will")

    def _never_again(self, place: int) -> int | None:
        """Where 'never again' ends what is told of chemotherapy, and of no drug: 'chemo nearly killed her, never
        again'."""
        for at in range(place + 1, min(self.context.sentence(place).stop, place + _REASON_WITHIN)):
            if names_drugs(self.pieces[at]):
                return None
            if self.pieces[at].key == "again" and self.pieces[at - 1].key == "never":
                return at
        return None

    def _declined(self, place: int) -> None:
        """'Refuses any more iv chemo', 'no chemo because she refuses it'."""
        behind = self.pieces[place + 1] if place + 1 < len(self.pieces) else None
        if behind is not None and "pronoun" in behind.roles:
            self._declined_before(place)
            return
        if behind is None or behind.sentence != self.pieces[place].sentence or behind.key in (",", ";", "."):
            wished = range(self.context.sentence(place).start, place)
            if any(self._is_wished(at) and self.context.is_family(at) for at in wished):
                self._declined_before(place)  # her husband wants chemo, she refuses
                return
        asked = self.context.sentence(place - 1) if place and place == self.context.sentence(place).start else ()
        if asked and len(asked) == _QUESTION and self.context.of(self.pieces[asked[0]], "chemo"):
            self._note("chemotherapy", "unsuitable", asked[0], place)  # chemo? Refused.
            return
        listed = False
        for at in range(place + 1, min(len(self.pieces), place + 10)):
            piece = self.pieces[at]
            listed = listed or names_drugs(piece)
            if listed and not names_drugs(piece) and not self._goes_on_listing(at):
                return
            if not listed and piece.kind == "sign" and piece.key in ",;(":
                return
            if self.context.of(piece, "chemo"):
                if not self.context.is_family(place) and not self.context.is_denied_at_once(place):
                    self._note("chemotherapy", "unsuitable", place, at)
                return

    def _goes_on_listing(self, place: int) -> bool:
        """Whether a list of what is declined goes on, behind a drug, to chemotherapy: 'declines T-DXd and any chemo';
        not so in 'declined T-DXd, chemo given'."""
        piece = self.pieces[place]
        if self.context.of(piece, "chemo") and not piece.is_("say"):
            joined = any(self.pieces[at].key in ("and", "or", "nor", "/", "+") for at in range(place - 3, place))
            return joined or place + 1 == len(self.pieces) or self.pieces[place + 1].key in (",", ";", ".", "and", "or")
        return piece.key in ("and", "or", "nor", ",", "/", "+", "any") or "more" in piece.roles

    def _too_frail_for(self, place: int) -> None:
        """'Too frail for any more chemo', 'fit for chemo then, now unfit for it'."""
        told = any(
            piece.is_("say", "chemotherapy") for piece in self.pieces[self.context.sentence(place).start : place]
        )
        for at in self.context.following(place, 4):
            if self.context.of(self.pieces[at], "chemo") or (told and "pronoun" in self.pieces[at].roles):
                self._note("chemotherapy", "unsuitable", place, at)
                return
            if self.pieces[at].kind == "sign" or names_drugs(self.pieces[at]):
                return

    def _declined_before(self, place: int) -> None:
        """'No chemo because she refuses it': of the chemotherapy named before, with no drug between."""
        for at in range(place - 1, max(self.context.sentence(place).start, place - _REASON_WITHIN) - 1, -1):
            if names_drugs(self.pieces[at]):
                return
            if self.context.of(self.pieces[at], "chemo"):
                self._note("chemotherapy", "unsuitable", at, place)
                return
            if self._is_wished(at) and not self.context.is_family(place):
                self.stated.take_back("chemotherapy", "suitable")
                self._note("chemotherapy", "unsuitable", at, place)
                return

    def _is_wished(self, place: int) -> bool:
        """Whether a piece says that chemotherapy is wished for or possible: 'wants chemo', 'fit for chemo'."""
        return any(
            concept.kind == "say" and (concept.name, concept.value) == ("chemotherapy", "suitable")
            for concept in self.pieces[place].concepts
        ) and any(
            "<chemo>" in self.lexicon.groups.get(word, ())
            for word in self.text[self.pieces[place].start : self.pieces[place].end].lower().replace("-", " ").split()
        )

    # ---- findings ----------------------------------------------------------------------------------------------------

    def _find(self, place: int, finding: Finding) -> None:
        piece = self.pieces[place]
        stance = self.context.stance(place)
        if stance in ("affirmed", "listed") and self._is_called_negative(place):
            stance = "denied"
        if stance in ("affirmed", "listed") and self._is_not_applicable(place):
            stance = "unknown"
        over = finding.field == "pregnancy" and (self.emergencies.is_past(place) or self._is_over(place))
        if over and stance == "affirmed":
            return
        if stance in ("family", "hypothetical") or self._is_only_asked(place, finding, stance):
            return
        if finding.field == "pregnancy" and stance == "affirmed":
            asked = self._pregnancy_asked(place)
            if asked == "absent":  # with the answer: what is only asked is taken back
                self._note("pregnancy", asked, place, min(place + 3, len(self.pieces) - 1))
            elif asked:
                self._note("pregnancy", asked, place)
            if asked is not None:
                return
        if stance == "listed" and finding.denied is not None and finding.affirmed is not None:
            self.stated.ask(finding.field, (finding.affirmed, finding.denied), [piece])
            return
        if stance == "uncertain" and finding.field == "ild_history" and not self.emergencies.is_past(place):
            self.emergencies.note("acute_dyspnoea", place)
            return
        if stance in ("affirmed", "listed") and finding.readings:
            if finding.field == "dpd_deficiency" and (graded := self._degree_of_dpd(place)) is not None:
                self._note(finding.field, graded[0], place, graded[1])
            elif finding.field in self._graded:
                piece.used = True
            else:
                self.stated.ask(finding.field, finding.readings, [piece])
            return
        value = {"denied": finding.denied, "uncertain": finding.uncertain, "unknown": finding.uncertain}.get(
            stance, finding.affirmed
        )
        if value is not None:  # shown with the word that denies or doubts it: "no ILD", not "ILD"
            self._note(finding.field, value, place, self.context.governor(place))

    def _is_no(self, at: int) -> bool:
        """Whether an N stands for no: 'LMD: N'; not so 'N/A', 'n=1'."""
        behind = self.pieces[at + 1 : at + 2]
        counts = bool(behind) and behind[0].key in ("=", "/")
        return self.pieces[at].key == "n" and not self.pieces[at].cues and not counts

    def _degree_of_dpd(self, place: int) -> tuple[str, int] | None:
        """The degree of a deficiency of DPD that is told behind it, and where: 'DPD deficiency, partial'."""
        at = place + 1
        while at < self.context.sentence(place).stop and at < place + 3 and self._leads_to_a_degree(at):
            at += 1
        if at == self.context.sentence(place).stop or self.context.is_denied_at_once(at):
            return None
        behind = self.pieces[at + 1 : at + 2]
        if behind and "or" in behind[0].roles:  # partial or complete
            return None
        degrees = ("complete", "partial")
        found = next((degree for degree in degrees if self.context.of(self.pieces[at], f"dpd_{degree}")), None)
        return None if found is None else (found, at)

    def _leads_to_a_degree(self, at: int) -> bool:
        """Whether a piece stands between a deficiency and its degree: a comma, a colon, a bracket, 'is'."""
        return self.pieces[at].key in (",", ":", "(", "-", "=") or "is" in self.pieces[at].roles

    def _is_over(self, place: int) -> bool:
        """Whether a pregnancy is told to have ended: 'pregnant at diagnosis, delivered since', 'pregnancy
        terminated'."""
        for at in range(place + 1, min(self.context.sentence(place).stop, place + _REASON_WITHIN)):
            piece = self.pieces[at]
            birth = piece.key == "birth" and self.pieces[at - 1].key == "gave"
            if (birth or "ends_pregnancy" in piece.roles) and not piece.asked:
                led = self.pieces[at - 1].key in ("be", "to", "not", "never")
                return not led and not self.context.is_denied_at_once(at)
        return False

    def _pregnancy_asked(self, place: int) -> str | None:
        """What the answer to 'pregnant?' says, unknown without one, and nothing where a test says it by itself
        ('pregnant? hCG pending'); None where more is asked than that: 'T-DXd while pregnant?'"""
        if place + 1 >= len(self.pieces) or self.pieces[place + 1].key != "?" or self.context.is_confirmed(place):
            return None
        for at in self.context.clause(place):
            piece = self.pieces[at]
            light = piece.kind in ("silent", "sign") or piece.cue("the_patient", "asked_weak", "asked", "uncertain")
            if at != place and not light:
                return None
        behind = self.pieces[place + 2 : place + 5]
        if any(piece.is_("say", "pregnancy") or piece.is_("noun", "pregnancy_test") for piece in behind):
            return ""
        if any(self.context.of(piece, "negative") for piece in behind[:2]):
            return "absent"
        return "present" if any(self.context.of(piece, "positive") for piece in behind[:2]) else "unknown"

    def _is_not_applicable(self, place: int) -> bool:
        """'Pregnancy: N/A', 'LMD n/a', 'fit for chemo: n.a.'."""
        at = place + 1 + (place + 1 < len(self.pieces) and self.pieces[place + 1].key in (":", "-"))
        if at >= len(self.pieces) or self.pieces[at].key != "n":
            return False
        with_stops = [piece.key for piece in self.pieces[at + 1 : at + 3]] == [".", "a"]
        return with_stops or "unavailable" in self.pieces[at].cues

    def _is_called_negative(self, place: int) -> bool:
        """'LMD negative', 'ILD: nil', 'ILD (-)'."""
        if self.context.is_minus(place):
            return True
        for at in self.context.following(place, 3):
            ends = at + 1 == self.context.sentence(at).stop or self.pieces[at + 1].kind == "sign"
            nothing = self.pieces[at].value == 0 or self._is_no(at) or self.context.of(self.pieces[at], "lacking")
            if self.context.of(self.pieces[at], "negative", "empty") or (ends and nothing):
                self.pieces[at].used = True
                return True
            if self.pieces[at].kind not in ("sign", "silent") and not self.context.of(self.pieces[at], "copula"):
                return False
        return False

    def _is_only_asked(self, place: int, finding: Finding, stance: str) -> bool:
        """Whether a finding is asked about; 'can she have T-DXd with ILD?' takes it for given."""
        if not self.pieces[place].asked or stance != "affirmed" or finding.field in ("pregnancy", "chemotherapy"):
            return False
        if self.context.is_confirmed(place):
            return False
        return not any(self.context.of(piece, "given") for piece in self.pieces[max(0, place - 3) : place])

    # ---- nouns with a number, a sign or a word -----------------------------------------------------------------------

    def _noun(self, place: int, name: str) -> None:
        if self.context.is_family(place):
            return
        before = len(self.stated)
        read = _NOUNS.get(name)
        if read is not None and not (name == "dpd" and self.context.stance(place) == "denied"):
            read(self)(place)
        if name in QUALIFIED and len(self.stated) == before:
            self.organs.qualified(place, name)
        if name == "platelets" and self._is_why_stopped(place):
            self.stated.take_back_last(name, "low")

    # ---- region ------------------------------------------------------------------------------------------------------

    def _united_states(self) -> None:
        """'US' in capitals, where it is a place: after 'in' or 'the', or alone; else it is an ultrasound."""
        for place, piece in enumerate(self.pieces):
            if piece.key != "us" or piece.used or self.text[piece.start : piece.end] != "US":
                continue
            before = self.pieces[place - 1] if place else None
            alone = place + 1 == len(self.pieces) or self.pieces[place + 1].kind == "sign"
            following = self.pieces[place + 1] if not alone else None
            located = before is not None and self.context.of(before, "located")
            located = located or (following is not None and self.context.of(following, "practice"))
            if self.context.is_denied_at_once(place):
                continue
            if located or (alone and (before is None or before.kind == "sign")):
                self._note("region", "us", place)


_NOUNS: Mapping[str, Callable[[Reader], Callable[[int], None]]] = {
    "er": attrgetter("receptors.er"), "pr": attrgetter("receptors.pr"), "hr": attrgetter("receptors.hr"),
    "er_pr": attrgetter("receptors.both"), "her2": attrgetter("receptors.her2"), "ish": attrgetter("receptors.ish"),
    "lvef": attrgetter("organs.lvef"), "platelets": attrgetter("organs.platelets"), "crcl": attrgetter("organs.crcl"),
    "ecog": attrgetter("organs.ecog"), "bilirubin": attrgetter("organs.bilirubin"), "dpd": attrgetter("organs.dpd"),
    "child_pugh": attrgetter("organs.child_pugh"), "breathlessness": attrgetter("emergencies.breathless"),
    "neutrophils": attrgetter("emergencies.neutrophils"), "saturation": attrgetter("emergencies.saturation"),
    "fever": attrgetter("emergencies.fever"), "coma_scale": attrgetter("emergencies.coma"),
    **dict.fromkeys(_CORD_SIGNS, attrgetter("emergencies.cord")),
}  # fmt: skip
"""A noun to what reads the words beside it."""
_SAYS_OF: Mapping[str, Callable[[Reader, int, str, str], None]] = {
    "setting": Reader._setting,
    "early_stage_agents": Reader._untreated,
    "prior_lines": Reader._untreated,
    "treatment": Reader._untreated,
    "red_flags": Reader._red_flags,
    "interacting_medicines": Reader._medicines,
    "chemotherapy": Reader._chemotherapy,
}
"""A field to what reads the phrases that say its value, where these may mean something else."""
