"""What the words before a drug make of it: refused, planned, compared, a relative's, or given."""

from __future__ import annotations

from messages.understanding.drugs import readings_of
from messages.understanding.named import Cue
from messages.understanding.outline import Outline
from messages.understanding.pieces import ITEM
from messages.understanding.sentences import OPINIONS

TOLD: frozenset[Cue] = frozenset(
    ("after", "previously", "progression", "completed", "stopped", "toxicity", "before_it")
)
"""Cues after which a drug was certainly given."""
_RUNNING: frozenset[Cue] = frozenset(("ongoing", "started", "maintenance", "early"))
_REFUSING = frozenset(("denied", "declined", "unavailable", "available", "other_than"))
_REACHING = _REFUSING | {"mentioned"}
"""Meanings that reach over a list."""
_WITHIN = _REACHING | {"unsure"}
"""Meanings of which every piece says how far they reach."""
_TURNS = frozenset(("new_word", "correction"))
_GOES_ON = frozenset(("the_patient", "progression"))
_PREMISES = frozenset(("given", "seeing", "considering", "assuming", "granted", "with"))
"""What may lead from a question to what it takes for granted: 'what after T-DM1, given that T-DXd is not funded?'"""
_OPENING = ("think", "thought", "between", "p")
"""Words that may lead to what is only thought of."""
_BY_THEMSELVES = frozenset(
    (":", "-", "minus", "no", "not", "naive", "from", "to", "for", "remaining", "whose", *_OPENING, *_PREMISES)
)
"""Words and signs that may change the meaning though they have no cue and play no part."""
_REFUSING_CUES = (("than", "other_than"), ("declined", "declined"), ("unavailable", "unavailable"))
"""Cues to the refusal they begin, the strongest first."""
_ALL_REFUSING = frozenset(
    (
        "all_but_these", "for_want_of", "hazard_of", "a_toxicity", "not_only", "had_neither", "untreated", "unproven",
        "failed_to", "unknown", "uncertain", "declined", "negation", "negated_after", "all_but", "than", "unavailable",
        "available", "we_have", "access",
    )
)  # fmt: skip
"""Every cue that may begin a refusal."""
_NAMING = frozenset(("all_but_these", "for_want_of", "hazard_of", "a_toxicity"))
"""Cues that may only name the drugs behind them: 'all agents but A', 'for want of A', 'allergies: A'."""
_TREATED = ("with", "by", "of")
"""What leads from 'no treatment' to the drug that was not given."""
_UNDER = ("under", "from")
"""What leads to a drug that something happened under, whatever it was."""
_BESIDE = ("with", "on", "by", "of")
"""What leads to a drug that did something."""
_EFFECTS = ("remission", "response", "benefited", "benefitted", "responded", "responding")
"""How phrases begin that lead from an effect to its drug."""
_DID = frozenset(("responding", "took_effect", "stable", "good"))
"""Cues of what a drug does."""
_ONE_OF_THEM = ("last", "first", "latest", "one")
"""What points behind 'all but' at one of the drugs that are told, and names none."""
_REFUSES = ("declin", "refus", "reject")
"""How a refusal of chemotherapy begins."""
_PASSIVE = ("was", "were", "been", "got")
"""What stands before 'refused' where others refused."""
_NO_DRUG = ("nothing", "none", "no", "nil", "never")
"""What begins a sentence that nothing was given."""
_IN_ITS_PLACE = ("instead", "rather")
"""What sets another drug in the place of one, and excepts nothing."""
_OVER = ("given", "received", "delivered", "administered", "done", "finished")
"""What says of planned cycles that they were given."""
_CHOSE = ("chose", "picked", "took", "selected")
"""What tells that one of several drugs was given."""
_QUOTES = ('"', "\u201c", "\u201d", "\u00ab", "\u201e", "'")
"""What begins words that are quoted."""
_TRIALS = (
    "emilia",
    "destiny",
    "db03",
    "db02",
    "db",
    "cleopatra",
    "her2climb",
    "nala",
    "sophia",
    "compass",
    "katherine",
    "phoebe",
    "trials",
    "studies",
)
"""What a trial may be called."""
_TO_WHAT_IS_GRANTED = 5
"""Pieces from 'given that' to its drug, and from there to what is said of the access to it, at most."""
_NEAR_A_TRIAL = 8
"""Pieces between the patients and their trial, at most."""
_HERSELF = ("she", "he", "mine", "ours", "my", "our", "this")
"""What turns from the patients of a trial to the one who is told of."""
_WITHIN_ONE = ("head", "gut", "heart", "instinct", "feeling", "brain")
"""What in somebody may say what to give: 'my gut says T-DXd'."""
_WANTING = ("want", "wants", "wanted", "insists", "prefers", "suggests", "recommends", "proposes")
"""What is said of a drug that somebody would have given."""
_HOUSES = ("hospital", "clinic", "unit", "site", "centre", "center", "trust", "company", "institution", "practice")
"""What is called a sister or a partner, too."""
_HANDED = ("she", "he", "given", "took", "taken", "used", "swallowed", "infused", "administered")
"""What tells that a drug was not only kept."""
_AT_AN_EVENT = ("for", "before", "after", "until", "till", "at", "during", "since", "around", "by")
"""What leads to an event that says when a drug was given."""
_CALLED = ("what", "drug", "drugs", "medicine", "treatment", "one", "therapy", "regimen")
"""What a drug may be called that somebody else had."""
_EXAMINATIONS = ("imaging", "brain_imaging", "body_imaging", "staging", "lvef")
"""Nouns of what is made before a drug begins."""
_USED_UP = ("used", "exhausted", "tried", "given", "failed", "gone", "had", "received")
"""What says of all drugs but one that they were given."""
_ALL = ("all", "everything", "every")
"""What begins a list that one drug is left out of."""
_HEADING = (":", "-", "=", "the", "to", "include", "are")
"""What may stand between such a word and its drugs."""
_TO_ANOTHER = ("to", "in", "with")
"""What leads to another patient that drugs were given to."""
_SUPPOSING = ("in", "should", "whenever", "once", "when", "as")
"""How a clause begins that only supposes something: 'in case of ILD'."""
_DONE = ("exhausted", "used", "tried", "given", "failed", "gone", "done")
"""What says of options that they are no more."""
_UNDECIDED = (
    "is", "are", "am", "re", "m", "undecided", "choose", "choosing", "choice", "decide", "deciding", "decision",
    "randomised", "randomized", "randomisation", "randomization", "allocated",
    "hesitate", "hesitating", "torn", "doubt", "discussion", "debate", "wavering", "split", "stuck",
)  # fmt: skip
"""What leads to 'between' where it names what is to be chosen from."""
_BEFORE_THE_VERB = ("just", "already", "been", "then", "also")
"""What may stand between 'had' and what was planned."""
_CONSENTS = ("agreed", "consented")
"""How it is told that what was planned was agreed to, which may have been given: 'agreed to T-DXd, ongoing'."""
_NEAR = 4
"""Pieces from 'now accepts' to the drug, at most."""
_FAR = 14
"""Pieces behind a colon where the outcome of its drugs may be told."""


def heads(outline: Outline, at: int) -> bool:
    """Whether a word is the heading of what follows its colon: 'Plan: MRI', 'planned: echo'."""
    following = outline.pieces[at + 1].key if at + 1 < len(outline.pieces) else ""
    return "plan_heading" in outline.cues[at] or following == ":"


class Before:
    """Reads a sentence forwards, with the meaning that holds for the next drug."""

    def __init__(self, outline: Outline, first: int, end: int, *, planned: bool = False) -> None:
        self.outline, self.first, self.end = outline, first, end
        self.headed = planned
        """Whether the sentence, or the list it is an item of, is headed by a plan: 'Plan: MRI, T-DXd'."""
        self.before: dict[int, str | None] = {}
        """What stands before each drug, by its place."""
        self.relatives: set[int] = set()
        """The drugs that a relative had."""
        self.list_end = -1
        self.unsure_after = -1
        self.general = False
        """Whether the sentence speaks of no patient: 'guidelines say THP, then T-DXd'."""
        self.supposed = -1
        """The stretch of a condition: what follows it is what may come of it."""
        self.switches = False
        """Whether 'switch from' was read, and not yet its 'to'."""
        self.switched_to: str | None = None
        """The meaning that then holds for what stands behind it."""
        self.outer: str | None = None
        """The plan that holds around a bracket."""
        self.others_until = -1
        """Where what the patients of a trial had ends."""
        self.listed = False
        """Whether a colon opened a list of what is planned: a remark in brackets does not end it."""
        self.outside: str | None = None
        """The meaning that such a list had where a bracket opened."""
        self.taken = False
        """Whether a drug took the meaning that the words before give."""

    def read(self) -> None:
        """Note what stands before each drug."""
        outline, pieces, stretch_start = self.outline, self.outline.pieces, self.outline.stretch_start
        mode: str | None = "planned" if self.headed else None
        relative = False
        quoted = "hearsay" in outline.said
        for at in range(self.first, self.end):
            if stretch_start[at] == at != self.first:
                around = self._around_a_bracket(mode, at)
                conditional = self.supposed >= 0 and self._follows_a_condition(at)
                mode = "planned" if conditional else self._over_a_break(mode, at)
                mode = around or mode
                self.taken = around is not None or (mode is not None and self.taken)
            if outline.is_drug[at]:
                self.before[at] = "mentioned" if at < self.others_until else mode
                self.taken = True
                if relative:
                    self.relatives.add(at)
                continue
            cues, piece = outline.cues[at], pieces[at]
            if piece.key == "patients" and "patients" in outline.typed:
                self.others_until = max(self.others_until, self._end_of_others(at))
            if at < self.others_until:
                mode = "mentioned"
                continue
            if at == self.others_until:
                mode = None
            if piece.key == "(" and mode == "planned" and (self.listed or self.headed):
                self.outside = mode
            elif piece.key == ")" and self.outside is not None:
                mode, self.outside, self.taken = self.outside, None, True
            if piece.key in (")", "]"):
                relative = relative and not self._closes_what_was_said_of_another(at)
                if self.outline.pieces[self.first].key in ("(", "[") and at == self._end_of_bracket(self.first):
                    mode = None  # (T-DXd planned) THP, T-DM1
            says_nothing = not (cues or piece.roles or piece.kinds or relative or piece.kind == "line")
            if says_nothing and mode not in _WITHIN and piece.key not in _BY_THEMSELVES:
                continue
            if ("family" in cues and mode != "denied") or (quoted and self._is_a_quoted_relative(at)):
                relative = self._begins_a_relative(at)
            elif relative and (("the_patient" in cues and not self._is_whose_relative(at)) or self._turns_to_her(at)):
                relative = False
            shifted = self._shift(mode, at)
            self.listed = self.listed or (piece.key == ":" and shifted == "planned")
            if shifted != mode or (shifted == "denied" and "negation" in cues):
                self.taken = self.taken and shifted in ("mentioned", "unsure")
            mode = shifted

    def _around_a_bracket(self, mode: str | None, at: int) -> str | None:
        """The plan that goes on behind a bracket, where its list does: 'we discussed A (she said no), B (DPD)'."""
        pieces, opened = self.outline.pieces, self.outline.pieces[at - 1].key
        if opened == "(":
            self.outer = mode if mode in ("planned", "compared") and self.taken else None
        if opened != ")" or self.outer is None or at + 1 >= self.end:
            return None
        drug = at + 1
        if pieces[at].key not in (",", "and", "or") or not self.outline.is_drug[drug]:
            return None
        behind = self.outline.last_of_list(drug) + 1
        ends = behind >= self.end or pieces[behind].key in ("(", ".")
        return self.outer if ends else None

    def _end_of_others(self, at: int) -> int:
        """Where what the patients of a trial had ends: 'if HER2CLIMB patients all had A, what of mine?'; -1 where they
        are of no trial."""
        outline, pieces = self.outline, self.outline.pieces
        near = range(max(self.first, at - _NEAR_A_TRIAL), min(self.end, at + _NEAR_A_TRIAL))
        of_a_trial = any("trial" in pieces[each].roles or pieces[each].key in _TRIALS for each in near)
        of_a_trial = of_a_trial or any(
            "in_general" in outline.cues[each] and pieces[each].key == "in" for each in near
        )  # in EMILIA
        before = range(self.first, at)
        if not of_a_trial or outline.has(before, "the_patient") or any(pieces[each].key in _HERSELF for each in before):
            return -1
        behind = range(at + 1, self.end)
        return next(
            (each for each in behind if "the_patient" in outline.cues[each] or pieces[each].key in _HERSELF), self.end
        )

    def _closes_what_was_said_of_another(self, at: int) -> bool:
        """Whether a relative is named in the bracket that ends here: '(sister: T-DXd) THP, then T-DM1'."""
        outline, pieces = self.outline, self.outline.pieces
        for back in range(at - 1, max(self.first, at - _FAR) - 1, -1):
            if pieces[back].key in ("(", "["):
                return outline.has(range(back, at), "family")
        return False

    def _turns_to_her(self, at: int) -> bool:
        """Whether what the patient had is set beside what a relative had: 'her mother had T-DM1, she only THP'; or what
        she had beside what another one had: 'another patient got T-DXd, mine had THP'."""
        outline = self.outline
        if outline.pieces[at].key in ("mine", "ours") and outline.stretch_start[at] == at:
            return True
        if outline.pieces[at].key not in ("she", "he", "patient", "pt") or outline.stretch_start[at] != at:
            return False
        behind = at + 1
        behind += behind < self.end and outline.pieces[behind].key in ("only", "just")
        return behind < self.end and outline.is_drug[behind]

    def _is_whose_relative(self, at: int) -> bool:
        """Whether the patient only says whose relative it is: 'the sister of the patient is on T-DXd'."""
        return at > self.first and self.outline.pieces[at - 1].key == "of"

    def _is_a_quoted_relative(self, at: int) -> bool:
        """Whether the patient is quoted with a relative of hers: 'my aunt had Kadcyla, says the pt'."""
        if "hearsay" not in self.outline.said or not self.outline.pieces[at].is_("scope", "not_professional"):
            return False
        return self.outline.has(range(at, self.end), "hearsay")

    def _is_of_an_event(self, at: int) -> bool:
        """Whether a relative only says what happened when: 'THP in time for her daughter's wedding'; not 'her mother's
        cancer', 'her sister's T-DM1'."""
        outline, pieces, what = self.outline, self.outline.pieces, at + 3
        if what >= self.end or pieces[at + 1].key != "'" or pieces[at + 2].key != "s" or outline.is_drug[what]:
            return False
        if not any(pieces[back].key in _AT_AN_EVENT for back in outline.before_in_stretch(at, 3)):
            return False
        return pieces[what].kind == "word" and pieces[what].roles.isdisjoint(("treatment", "heading", "kind_of_drug"))

    def _begins_a_relative(self, at: int) -> bool:
        """Whether a relative's story begins; 'tamoxifen for her sister' takes only the drugs before it."""
        outline = self.outline
        if outline.pieces[min(at + 1, self.end - 1)].key in _HOUSES:
            return False  # our sister hospital
        if outline.pieces[at].key == "colleague" and any(
            outline.pieces[back].key in OPINIONS for back in range(self.first, at)
        ):
            return False  # a view on a colleague's patient
        if self._is_of_an_event(at):
            return False
        to_another = outline.pieces[at].key in _TO_ANOTHER or (at and outline.pieces[at - 1].key in _TO_ANOTHER)
        if to_another or outline.plays(outline.before_in_stretch(at, 3), "for"):
            drugs = [place for place in range(outline.stretch_start[at], at) if outline.is_drug[place]]
            self.relatives.update(drugs or (self._drugs_pointed_at(at) if to_another else ()))
            return not drugs
        if self._is_a_relatives_paper(at) or self._is_a_relatives_report(at):
            return False
        by = at - 1 - (at - 1 > self.first and outline.pieces[at - 1].key in ("the", "her", "his"))
        wishes = by > self.first and "planned" in outline.cues[by]
        led = wishes or (by > self.first and outline.pieces[by].key == "by")
        if led and outline.drug_in_stretch_before(by) is not None:
            named = outline.drug_in_stretch_before(by) or at
            wished = outline.has(range(named + 1, by + 1), "planned", "asked", "declined", "available")
            taken = range(outline.first_of_list(named), named + 1)  # taken by her mother
            self.relatives.update(each for each in taken if outline.is_drug[each] and not wished)
            return False
        if self._is_what_they_had(at):
            last = self.outline.last_drug[at]
            assert last is not None
            list_before = range(self.outline.first_of_list(last), last + 1)
            self.relatives.update(each for each in list_before if outline.is_drug[each])
            return False
        if self._tells_of_the_drug_before(at):
            self.relatives.add(at - 2)
        told = self._drugs_pointed_at(at)
        self.relatives.update(told)
        return not told

    def _is_a_relatives_paper(self, at: int) -> bool:
        """Whether a relative only wrote down what the patient had: 'per daughter's list: THP'."""
        pieces = self.outline.pieces[at + 1 : at + 4]
        return [piece.key for piece in pieces[:2]] == ["'", "s"] and "paper" in pieces[-1].roles

    def _is_a_relatives_report(self, at: int) -> bool:
        """Whether a relative only tells what the patient had: 'daughter reports: THP'."""
        pieces = self.outline.pieces[at + 1 : at + 3]
        reports = len(pieces) > 1 and pieces[1].key == ":"
        return reports and ("saying" in pieces[0].roles or pieces[0].key in ("reports", "reported", "tells", "recalls"))

    def _drugs_pointed_at(self, at: int) -> list[int]:
        """The drugs right before a clause that says whose they were: 'T-DM1, that was her aunt's'."""
        outline, start = self.outline, self.outline.stretch_start[at]
        led = range(start, at)
        last = outline.last_drug[start]
        if start == self.first or last is None or last < self.first or any(outline.is_drug[each] for each in led):
            return []
        if not any(
            outline.pieces[each].roles & {"subject", "pronoun"}
            or outline.pieces[each].key == "those"
            or outline.pieces[each].key.startswith("belong")
            for each in led
        ):
            return []
        return [each for each in range(outline.first_of_list(last), last + 1) if outline.is_drug[each]]

    def _tells_of_the_drug_before(self, at: int) -> bool:
        """Whether a relative's story is of the drug that heads the sentence: 'T-DXd: her mother gets it'."""
        pieces, rest = self.outline.pieces, self.outline.rest_of_stretch(at, 4)
        headed = at - 2 == self.first and self.outline.is_drug[at - 2] and pieces[at - 1].key in (":", "-", ",")
        return headed and (self.outline.plays(rest, "pronoun") or self.outline.has(rest, "on_it"))

    def _is_what_they_had(self, at: int) -> bool:
        """Whether drugs are only called a relative's: 'A is what her husband is on', 'A was her mother's drug'."""
        outline, pieces = self.outline, self.outline.pieces
        last = outline.last_drug[at]
        if last is None or last < self.first or last + 1 >= at or "is" not in pieces[last + 1].roles:
            return False
        if pieces[last + 1].asked and outline.pieces[self.end - 1].key == "?":
            return False
        named = range(last + 2, at)
        called = any(pieces[each].key in _CALLED for each in named)
        owned = [piece.key for piece in pieces[at + 1 : at + 3]] == ["'", "s"]
        return (called or (owned and not named)) and all(
            pieces[each].kind == "silent" or pieces[each].key in _CALLED for each in named
        )

    def _follows_a_condition(self, at: int) -> bool:
        """Whether a stretch tells what may come of the condition before it: 'if PD then T-DXd'."""
        outline = self.outline
        leads = outline.pieces[at - 1].key in (",", "->", ":") or "then" in outline.cues[at]
        return leads and outline.stretch[at - 1] == self.supposed

    def _over_a_break(self, mode: str | None, at: int) -> str | None:  # noqa: PLR0911  (one case after another)
        """What of the meaning goes on in the next stretch."""
        outline = self.outline
        asked = outline.pieces[at].asked
        if mode is None and outline.names_a_plan(at):
            return "planned"
        if not self.general and (mode is None or (mode == "received" and not asked)):
            return None
        cues = outline.cues[at]
        comma = outline.pieces[at - 1].key == ","
        if mode == "denied" and not self.taken and "the_patient" in cues:
            return None  # none, she is about to start THP
        if mode == "denied" and not self.taken and self._is_denied_as_the_next(at):
            return mode
        if mode == "denied" and comma and asked and not outline.pieces[at - 2].asked:
            return None  # not been offered anything else, lapatinib?
        if not cues.isdisjoint(_TURNS) or (comma and mode in ("denied", "declined") and self._tells_what_was(at, mode)):
            return None
        if self.general and cues.isdisjoint(_GOES_ON):
            return "mentioned"
        if mode == "planned" and not self.taken:
            opens = outline.pieces[at].key == ITEM or outline.pieces[at - 1].key in ("-", "(", ")", "->")
            if opens or (self.headed and "ongoing" not in cues) or self._goes_on_then(at):
                return mode
        if mode == "denied" and self._names_its_members(at):
            self.list_end = self._end_of_bracket(at)
            return mode
        if at <= self.list_end and mode in _REACHING:
            return mode if at > self.unsure_after else "mentioned"
        if mode == "denied" and self.taken and comma and self._begins_with_a_denial():
            return "unsure"
        if mode == "unsure" and comma:
            return mode
        if mode == "planned" and outline.pieces[at].key == "given" and at + 1 < self.end and outline.is_drug[at + 1]:
            return None  # planned THP, given TH
        if mode in ("planned", "compared") and self.taken:
            return mode
        if mode == "received" and self.taken and asked and (comma or self._goes_on_asking(at)):
            asked_before = any(outline.pieces[back].asked for back in range(self.first, min(self.first + 3, at)))
            goes_on = asked_before and outline.pieces[at - 1].asked  # not where a patient's story lies between
            first = outline.pieces[at]  # sensible, after THP, to give T-DM1? I wonder, after THP, whether T-DM1 is wise
            goes_on = goes_on and first.key != "to" and first.roles.isdisjoint(("whether", "modal", "is"))
            return mode if goes_on and not self._ends_in_a_choice(at) else None
        return None

    def _tells_whose_line_it_was(self, at: int) -> bool:
        """Whether a question tells of the one it is about what line was had: 'T-DXd for someone whose only line was
        THP?'"""
        outline, pieces = self.outline, self.outline.pieces
        drug = outline.drug_in_stretch_after(at)
        if drug is None or drug - at > _NEAR:
            return False
        between = range(at + 1, drug)
        line = any(pieces[each].kind == "line" or "heading" in pieces[each].roles for each in between)
        line = line or outline.has(between, "previous", "previously", "line_word", "several_lines")
        was = any(pieces[each].key in ("was", "were", "been") for each in between)
        return line and was and not outline.has(between, "planned", "choices", "family")

    def _takes_access_for_granted(self, at: int) -> bool:
        """Whether a question goes on with the access to another drug: 'given that T-DXd is not funded', 'with tucatinib
        not available'."""
        outline = self.outline
        drug = outline.drug_in_sentence_after(at) if outline.pieces[at].key in _PREMISES else None
        if drug is None or drug - at > _TO_WHAT_IS_GRANTED:
            return False
        behind = range(drug + 1, min(drug + 1 + _TO_WHAT_IS_GRANTED, outline.stretch_end[drug]))
        return outline.has(behind, "unavailable", "available", "declined")

    def _goes_on_asking(self, at: int) -> bool:
        """Whether 'then' goes on with what a question has told so far."""
        then = "then" in self.outline.cues[at] and self.outline.cues[self.first] & {"what_next", "choices"}
        return bool(then) or ("who" in self.outline.typed and self._goes_on_of_who_had(at))

    def _goes_on_of_who_had(self, at: int) -> bool:
        """Whether 'and then' goes on with what a patient had who is asked about: 'a woman who had THP and then TCT?'"""
        pieces = self.outline.pieces
        return (
            pieces[at].key == "and"
            and "then" in pieces[at].cues
            and any(pieces[each].key == "who" for each in range(self.first, at))
        )

    def _is_denied_as_the_next(self, at: int) -> bool:
        """Whether a denial stands right before a change: 'never been changed to T-DXd'."""
        back = next(
            (each for each in range(at - 1, self.first - 1, -1) if self.outline.pieces[each].kind != "silent"), at
        )
        return self.outline.denies_the_next(back)

    def _goes_on_then(self, at: int) -> bool:
        """Whether what is planned first leads to a drug of which nothing is told: 'MDT recommends MRI, then T-DXd'."""
        outline, drug = self.outline, self.outline.drug_in_stretch_after(at)
        if "then" not in outline.cues[at] or drug is None:
            return False
        return not outline.tells_a_course(outline.last_of_list(drug), timed=True)

    def _names_its_members(self, at: int) -> bool:
        """Whether a bracket names the drugs of the class that is denied: 'none of the ADCs (T-DM1, T-DXd)'."""
        pieces = self.outline.pieces
        if at - 2 < self.first or pieces[at - 1].key != "(" or not self.outline.is_drug[at]:
            return False
        return "kind_of_drug" in pieces[at - 2].roles or readings_of(pieces[at - 2]) is not None

    def _end_of_bracket(self, at: int) -> int:
        closing = (each for each in range(at, min(self.end, at + 30)) if self.outline.pieces[each].key in (")", "]"))
        return next(closing, at)

    def _tells_what_was(self, at: int, mode: str) -> bool:
        """Whether what was given is set against what was not: 'no T-DM1, only THP', 'isn't on A, she's on B'."""
        outline = self.outline
        only = mode == "denied" and "only" in outline.pieces[at].roles
        told = only or "the_patient" in outline.cues[at]
        behind = outline.next_meaning(at)
        return told and self.taken and not (behind is not None and outline.cues[behind] & {"negation", "declined"})

    def _begins_with_a_denial(self) -> bool:
        """Whether no drug stands before the sentence's denial."""
        return next(iter(self.before.values()), None) == "denied"

    def _ends_in_a_choice(self, at: int) -> bool:
        return self.outline.plays(range(at, min(self.end, at + 12)), "or")

    def _shift(self, mode: str | None, at: int) -> str | None:  # noqa: PLR0911, PLR0912, PLR0915  (cue after cue)
        """The meaning after one more piece that names no drug."""
        outline = self.outline
        cues, piece = outline.cues[at], outline.pieces[at]
        if "the_patient" in cues and piece.key == "but":
            return None
        if "failing_that" in cues and self._leads_to_the_next_best(at):
            return "planned"
        if "bridging" in cues:  # T-DM1 while waiting for T-DXd
            return "planned"
        if "naive" in outline.typed and self._denies_naivety(at):
            return "received"
        opened = self._refusal(mode, at)
        if opened is not None:
            self.list_end, self.unsure_after = self._list_end(at, opened)
            return opened
        if mode in _WITHIN:
            return self._within_refusal(mode, at)
        if mode == "received" and self.taken and ("why" in piece.roles or self._takes_access_for_granted(at)):
            return None  # she got lapatinib because T-DM1 was not funded
        if piece.key == "whose" and self._tells_whose_line_it_was(at):
            return "received"
        if mode is None and "saying" in piece.roles and self._is_somebodys_word(at):
            return "planned"
        if mode in (None, "given") and "container" in piece.roles and self._is_in_stock(at):
            return "mentioned"
        if "so" in piece.roles and mode == "received" and not self.taken and "a_toxicity" in outline.cues[at - 1]:
            return None  # had ILD, so T-DXd is ruled out
        if "versus" in cues or self._sets_against(at):
            return "compared"
        if (mode is None or mode == "planned") and self._leaves_a_drug(at):
            if piece.key == "changed" and outline.pieces[at - 1].key == "plan":  # plan changed from T-DXd to T-DM1
                return "planned"
            opens = outline.stretch_start[at] == at and "leaving" in cues  # switching from TH to T-DXd
            self.switched_to, self.switches = "planned" if opens else mode, True
            return "received"
        if self.switches and piece.key == "to":
            self.switches = False
            return self.switched_to
        if piece.key == ":" and mode is None and self._is_advised(at):
            return "planned"
        if piece.key == ":" and mode == "planned":
            if self.taken and self._tells_what_came(at):
                return None  # docetaxel planned, she preferred vinorelbine: vino + H, PD
            if self._counts_what_was(at):
                return "given"  # consultant says three lines: A, B, C
        if piece.key in _OPENING and (left_open := self._leaves_open(at)) is not None:
            return left_open
        if "came_round" in cues and (drug := outline.drug_in_stretch_after(at)) is not None and drug <= at + _NEAR:
            return mode if outline.tells_a_course(outline.last_of_list(drug), timed=True) else "planned"
        if "choices" in cues and (self._heads_the_sentence(at) or self._heads_a_list(at)):
            return "planned"  # options A, B
        if piece.key == ":" and mode == "received" and (self.taken or "progression" in outline.cues[at - 1]):
            return None  # PD: T-DXd next?
        if "hypothetical" in cues and piece.key in _SUPPOSING and outline.stretch_start[at] == at:
            self.supposed = outline.stretch[at]  # in case of ILD, T-DM1
            return "planned"
        if ("in_general" in cues or "hypothetical" in cues) and self._is_of_drugs_behind(at):
            self.general = "in_general" in cues
            return "mentioned"
        if self._opens_a_plan(at):
            self.supposed = outline.stretch[at] if "if" in piece.roles else self.supposed
            return "planned"
        if piece.key == "for" and mode is None and self._is_examined_for(at):
            return "planned"
        if "future" in piece.roles or ("upcoming" in cues and self._heads_a_drug(at)):
            if outline.stretch_start[at] == at:  # should THP fail
                self.supposed = outline.stretch[at]
            return "planned"
        if "planned" in cues:
            return mode if outline.tells_why(at) else self._after_a_plan(mode, at)
        if not cues.isdisjoint(TOLD):
            supposed = piece.asked and outline.pieces[at - 1].key == "have"  # should she have had pertuzumab?
            supposed = supposed or (piece.asked and "or" in outline.pieces[at - 1].roles)  # A before or after B?
            fails = "progression" in cues and self.supposed == outline.stretch[at]  # if these fail she gets T-DXd
            supposed = supposed or (fails and mode == "planned")
            return mode if supposed else "received"
        if "asked" in cues:
            return None
        if "bridged" in cues and self.taken:
            return "given"  # T-DXd planned, so bridging with TH
        if mode == "planned" and not self.taken and self._is_examined_on(at):
            return None
        if mode in ("planned", "compared"):
            running = "ongoing" in cues and self.taken and at + 1 < self.end and outline.is_drug[at + 1]
            if piece.key in ("given", "received") and mode == "compared" and self._is_what_she_was_given(at):
                return "received"  # a trial of A against B, she was given A
            chosen = piece.key in _CHOSE and self.taken and self._tells_what_was_chosen(at)
            return "given" if running or chosen else mode  # T-DXd planned, still on THP
        if not cues.isdisjoint(_RUNNING):
            return mode if mode == "received" and not self.taken else "given"
        return "given" if piece.kind == "line" and not piece.asked else mode

    def _after_a_plan(self, mode: str | None, at: int) -> str | None:
        """The meaning behind a word of a plan."""
        outline, piece = self.outline, self.outline.pieces[at]
        if outline.heads_earlier_lines(at) or (piece.key == "next" and self._goes_on_in_a_history(at)):
            return mode
        told = mode != "planned" and self._is_told_as_next(at)
        if (
            told
            or self._dates_what_she_had(at)
            or self._is_told_as_begun(at)
            or self._counts_cycles_that_were_given(at)
        ):
            return "given"
        told = mode == "received" and not self.taken and not self._ended_before(at)
        told = told and outline.pieces[at - 1].key not in _QUOTES  # he had written "consider A"
        self.headed = self.headed or (not self.before and (heads(outline, at) or "randomised_soon" in outline.cues[at]))
        if piece.key == "choice":
            return "planned"  # she had the choice between A and B
        led = outline.pieces[at - 1]  # they had pencilled in T-DM1
        if led.key in _BEFORE_THE_VERB and at - 2 >= self.first:
            led = outline.pieces[at - 2]  # had just prescribed T-DM1
        had_in_mind = "has_had" in led.cues and led.key != "received" and piece.key.endswith("ed")
        been = at - 2 >= self.first and outline.pieces[at - 1].key == "been" and "has_had" in outline.cues[at - 2]
        had_in_mind = had_in_mind or been  # she had been meant to receive A
        goes_on = piece.key == "next" and outline.drug_in_stretch_before(at) is not None
        goes_on = goes_on and led.key in ("given", "received", "done", "used")  # T-DM1 already given next tucatinib
        had_in_mind = had_in_mind or goes_on
        asks_on = piece.asked and "what_next" in piece.cues and outline.last_drug[at] == at - 2  # had A, next B?
        return mode if told and not (had_in_mind or asks_on) else "planned"

    def _counts_cycles_that_were_given(self, at: int) -> bool:
        """Whether what was planned is a number of cycles that are told to be over: 'all six planned cycles of THP
        completed'; not 'six planned cycles of THP to be completed in May'."""
        outline, pieces = self.outline, self.outline.pieces
        counted = range(at + 1, min(at + 3, self.end))
        drug = outline.drug_in_stretch_after(at)
        if drug is None or not (
            outline.has(counted, "cycles") or any(pieces[each].kind == "cycles" for each in counted)
        ):
            return False
        behind = range(outline.last_of_list(drug) + 1, min(self.end, outline.last_of_list(drug) + _NEAR))
        over = outline.has(behind, "completed") or any(pieces[each].key in _OVER for each in behind)
        over = over or self._ended_after_some(behind)
        open_ = outline.has(behind, "negation", "negated_after", "planned") or outline.plays(behind, "future")
        return over and not open_ and all(pieces[each].key not in ("to", "be") for each in behind)

    def _ended_after_some(self, behind: range) -> bool:
        """Whether it is told why or after how many of them cycles ended: 'but stopped after 4', 'stopped for ILD'."""
        outline, pieces = self.outline, self.outline.pieces
        ended = next((at for at in behind if "stopped" in outline.cues[at]), None)
        if ended is None or pieces[ended].key in ("stop", "stopping", "hold"):
            return False
        rest = range(ended + 1, min(outline.sentence_end[ended], ended + _NEAR))
        return outline.has(rest, "a_toxicity", "progression") or any(
            pieces[at].kind in ("cycles", "number") and pieces[at].value for at in rest
        )

    def _is_what_somebody_thinks_of(self, at: int) -> bool:
        """Whether 'we think' leads to drugs of which nothing is told: 'they recommended T-DM1; we think HP'."""
        outline, drug = self.outline, at + 1
        who = outline.pieces[at - 1].key if at > self.first else ""
        if who not in ("i", "we", "d", "would", "he", "they") or drug >= self.end or not outline.is_drug[drug]:
            return False
        behind = outline.last_of_list(drug) + 1
        return behind >= self.end or outline.pieces[behind].kind == "sign"

    def _goes_on_in_a_history(self, at: int) -> bool:
        """Whether 'next' goes on with what a heading says was given: 'Prior: TH, next lapatinib with Herceptin'."""
        outline, pieces = self.outline, self.outline.pieces
        headed = self.first + 1 < at and pieces[self.first + 1].key == ":" and not pieces[at].asked
        return headed and "previously" in outline.cues[self.first] and outline.last_drug[at] is not None

    def _leaves_open(self, at: int) -> str | None:
        """The meaning behind a word that leads to what is only thought of: 'we think', 'between', 'P:'."""
        key = self.outline.pieces[at].key
        if key == "between":
            return "compared" if self._chooses_between(at) else None
        if key == "p":
            self.headed = self.headed or self._heads_the_plan(at)
            return "planned" if self._heads_the_plan(at) else None
        return "planned" if self._is_what_somebody_thinks_of(at) else None

    def _chooses_between(self, at: int) -> bool:
        """Whether 'between' names what is to be chosen from: 'we are between T-DXd and TCT'; not 'between A and B she
        had C'."""
        outline = self.outline
        if at == self.first or outline.drug_in_stretch_before(at) is not None:
            return False
        return any(outline.pieces[each].key in _UNDECIDED for each in outline.before_in_stretch(at, 3))

    def _heads_the_plan(self, at: int) -> bool:
        """Whether 'P:' heads the plan of a note whose assessment stands behind 'A:'."""
        outline = self.outline
        headed = at == self.first and at + 1 < self.end and outline.pieces[at + 1].key == ":"
        return headed and outline.is_a_note

    def _leaves_a_drug(self, at: int) -> bool:
        """Whether a change is told from the drug behind it: 'planned switch from THP', 'switch planned from THP'."""
        if self.outline.pieces[at].key == "from":
            return self.outline.plays(range(max(self.first, at - 3), at), "change")
        return "changed" in self.outline.cues[at]

    def _denies_naivety(self, at: int) -> bool:
        """Whether what follows was given as it is not told to be lacking: 'not T-DM1-naive: THP, T-DM1', 'naive to A,
        not to B'."""
        outline, pieces = self.outline, self.outline.pieces
        if pieces[at].key == "not":
            to = at + 1 < self.end and pieces[at + 1].key == "to"
            return to and self.taken and any(pieces[each].key == "naive" for each in range(self.first, at))
        drug = outline.drug_in_stretch_before(at) if pieces[at].key == "naive" else None
        return drug is not None and at - drug <= 2 and self._is_denied_at(drug)

    def _is_denied_at(self, drug: int) -> bool:
        """Whether a plain 'not' stands right before the drugs that are joined to one."""
        first = self.outline.first_of_list(drug) - 1
        return first >= self.first and self.outline.pieces[first].key in ("not", "isn", "isnt", "hardly")

    def _is_of_drugs_behind(self, at: int) -> bool:
        """Whether drugs follow what is said in general; right behind 'allergic to', which may be said of others."""
        outline = self.outline
        drug = outline.drug_in_stretch_after(at)
        return drug is not None and ("hazard_of" not in outline.cues[at] or outline.next_meaning(at) == drug)

    def _tells_what_was_chosen(self, at: int) -> bool:
        """Whether a choice leads to a drug whose course is told: 'a choice between A and B, she chose B; PD'."""
        outline, drug = self.outline, at + 1
        if drug >= self.end or not outline.is_drug[drug] or outline.pieces[at].asked:
            return False
        return outline.has(range(drug, min(drug + _FAR, len(outline.pieces))), "progression", "toxicity", "stopped")

    def _leads_to_the_next_best(self, at: int) -> bool:
        """Whether 'otherwise' leads to what is given where a plan comes to nothing: 'T-DXd if funded, otherwise T-DM1',
        'plan TCT; failing that T-DM1'; not 'otherwise THP went well'."""
        outline, drug = self.outline, at + 1
        drug += drug < self.end and outline.pieces[drug].key in (",", ":", "then")
        if drug >= self.end or not outline.is_drug[drug]:
            return False
        behind = range(drug + 1, min(self.end, drug + _FAR))
        if outline.has(behind, *TOLD, *_RUNNING, "responding", "a_toxicity", "good") or any(
            outline.pieces[each].kind in ("date", "cycles", "duration") for each in behind
        ):
            return False
        if "or" in outline.pieces[max(at - 1, 0)].roles or outline.pieces[at].key == "or":
            return True
        first = self.first if self.first < outline.stretch_start[at] or not self.first else self.first - 1
        led = range(max(outline.sentence_start[first], at - 2 * _FAR), at)
        return (
            outline.has(led, "planned", "versus", "choices", "upcoming", "pending", "available", "unavailable")
            or outline.plays(led, "if")
            or outline.plays(led, "once")
            or any(outline.pieces[each].asked for each in led)
        )

    def _sets_against(self, at: int) -> bool:
        """Whether 'against' compares the drug before it with another: 'we weigh A against B'."""
        outline, behind = self.outline, at + 1
        beside = self.first < at and behind < self.end and outline.is_drug[at - 1] and outline.is_drug[behind]
        return beside and outline.pieces[at].key == "against"

    def _heads_a_list(self, at: int) -> bool:
        """Whether a word begins the heading of a list: 'options we listed: A, B'; not 'options used so far: A, B'."""
        outline = self.outline
        drug = outline.drug_in_sentence_after(at)
        if at - (at > self.first and outline.pieces[at - 1].kind == "silent") != self.first or drug is None:
            return False
        heading = range(at + 1, drug)
        colon = any(outline.pieces[each].key == ":" for each in heading) and len(heading) < _NEAR_A_TRIAL
        told = outline.has(heading, *TOLD, "has_had", "so_far", "before_it") or any(
            outline.pieces[each].key in ("used", "given", "tried", "exhausted") for each in heading
        )
        return colon and not told

    def _is_advised(self, colon: int) -> bool:
        """Whether a colon leads from who advises to a drug, and no course of it is told: 'Board: T-DXd', 'MDT today:
        T-DM1'; not 'MDT 2021: THP, PD', 'consultant: THP x6'."""
        outline, pieces = self.outline, self.outline.pieces
        said, drug = colon - 1, colon + 1
        said -= said > self.first and bool(pieces[said].roles & {"until_now"} or pieces[said].kind == "number")
        arms = pieces[said].key == "arms" or (said > self.first and pieces[said - 1].key == "arm")
        said -= arms and pieces[said].key != "arms"
        if said < self.first or drug >= self.end:
            return False
        ahead = "ahead" in pieces[said].roles or self._begins_with_what_is_ahead(said) or self._is_to_be_done(said)
        if not (arms or ahead or "adviser" in pieces[said].roles):
            return False
        while drug + 1 < self.end and (pieces[drug].kind == "silent" or pieces[drug].key in _QUOTES):
            drug += 1
        if "ahead" in pieces[said].roles and any(
            outline.is_drug[at] for at in range(outline.stretch_start[said], said)
        ):
            return False  # control arm of a T-DXd study: lapatinib
        counted = said > self.first and pieces[said - 1].key in ("first", "second", "third", "other")
        opens = outline.stretch_start[said] == self.first or said - outline.stretch_start[said] <= 1  # PD, MDT: T-DXd
        if drug >= self.end or not outline.is_drug[drug] or not opens:
            return False
        if pieces[said].key in ("opinion", "opinions") and not (
            counted or pieces[colon - 1].kind == "number" or pieces[said - 1].kind == "ordinal"
        ):
            return False
        rest = range(drug + 1, min(self.end, drug + _FAR))
        return not outline.has(rest, *TOLD, *_RUNNING, "responding", "a_toxicity") and not any(
            pieces[at].kind in ("date", "cycles", "duration", "line") for at in rest
        )

    def _is_what_she_was_given(self, at: int) -> bool:
        """Whether 'she was given' leads to the drug of the two that were compared."""
        told = at > self.first and "the_patient" in self.outline.cues[at - 1]
        return told and self._is_right_before_a_drug(at) and not self.outline.pieces[at].asked

    def _begins_with_what_is_ahead(self, last: int) -> bool:
        """Whether a short heading begins with a word for what is only thought of: 'best for her', 'standard here'."""
        pieces, start = self.outline.pieces, self.outline.stretch_start[last]
        opens = "ahead" in pieces[start].roles and pieces[start].key != "for" and last - start < _NEAR
        return opens and all(pieces[at].kind == "silent" for at in range(start + 1, last + 1))

    def _is_to_be_done(self, last: int) -> bool:
        """Whether a heading is what is still to be done: 'to have', 'to order'; not 'to date'."""
        outline, start = self.outline, self.outline.stretch_start[last]
        piece = outline.pieces[start]
        opens = piece.key == "to" and not outline.cues[start] and 0 < last - start < _NEAR_A_TRIAL // 2
        return opens and not any(
            outline.pieces[at].roles & {"until_now", "month"}
            or outline.pieces[at].kind in ("date", "number", "duration")
            for at in range(start, last + 1)
        )

    def _is_examined_on(self, at: int) -> bool:
        """Whether an examination is planned, and 'on' leads to a drug that runs: 'due for scan on T-DXd'."""
        outline = self.outline
        if outline.pieces[at].key != "on" or not self._is_right_before_a_drug(at):
            return False
        before = outline.pieces[at - 1]
        return before.is_("noun", *_EXAMINATIONS) or "examination" in before.roles

    def _is_examined_for(self, at: int) -> bool:
        """Whether an examination is only made for a drug that is to begin, or its trial: 'MRI for the T-DXd study',
        'baseline echo for T-DXd'; not 'CT for T-DXd: PD'."""
        outline, drug = self.outline, at + 1
        drug += drug < self.end and outline.pieces[drug].kind == "silent"
        if drug >= self.end or not outline.is_drug[drug] or outline.drug_in_stretch_before(at) is not None:
            return False
        if not any(self._is_an_examination(each) for each in outline.before_in_stretch(at, 4)):
            return False
        rest = range(drug + 1, self.end)
        return not outline.has(rest, *TOLD, "ongoing", "responding", "stable", "a_toxicity") and not any(
            outline.pieces[each].kind == "cycles" for each in rest
        )

    def _is_an_examination(self, at: int) -> bool:
        piece = self.outline.pieces[at]
        return piece.is_("noun", *_EXAMINATIONS) or piece.key in ("baseline", "screening", "workup", "screen")

    def _is_somebodys_word(self, at: int) -> bool:
        """Whether what somebody who advises says is a drug: 'the board said A', 'I said B'; not 'I said A failed'."""
        outline, pieces = self.outline, self.outline.pieces
        drug = at + 1
        if at == self.first or drug >= self.end or not outline.is_drug[drug]:
            return False
        led = at - 1
        led -= 2 * (
            led - 2 >= self.first and pieces[led].key in ("d", "ll") and pieces[led - 1].key == "'"
        )  # we'd say A
        who = pieces[led]
        if who.key not in ("i", "we", *_WITHIN_ONE) and who.roles.isdisjoint(("adviser", "payer")):
            return False
        return not outline.has(range(drug + 1, self.end), *TOLD, *_RUNNING, "negated_after", "negation", "declined")

    def _is_in_stock(self, at: int) -> bool:
        """Whether boxes of a drug only stand somewhere: 'the pharmacy has two boxes of A'; not 'she took a pack of A',
        'one vial of A was given'."""
        outline, pieces = self.outline, self.outline.pieces
        drug = at + 2
        if drug >= self.end or pieces[at + 1].key != "of" or not outline.is_drug[drug]:
            return False
        return not outline.has(range(self.first, at), "previously", "the_patient", "has_had", "started") and not (
            outline.has(range(drug, self.end), *TOLD, "started", "previously", "a_toxicity")
            or any(pieces[each].key in _HANDED for each in range(self.first, self.end))
        )

    def _counts_what_was(self, at: int) -> bool:
        """Whether a number of lines stands before a colon: 'three lines: A, B, C'."""
        pieces = self.outline.pieces
        counted = [each for each in range(max(self.first + 1, at - 3), at) if "heading" in pieces[each].roles]
        return any(pieces[each - 1].kind == "number" for each in counted)

    def _heads_the_sentence(self, at: int) -> bool:
        """Whether a word stands before the first drugs of a sentence: 'options A, B', 'options I see - A, B',
        'my ranking so far: A, B'."""
        if at + 1 == self.end or self.before:
            return False
        if self.outline.pieces[at + 1].key == ":":
            return True
        drug = self.outline.drug_in_sentence_after(at)
        if drug is not None and self._heads_a_list_of_options(at, drug):
            return True
        if at != self.first or drug is None or self.outline.pieces[at].asked:
            return False
        between = self.outline.pieces[at + 1 : drug]
        return all(piece.kind in ("silent", "sign") or piece.key == ITEM for piece in between)

    def _heads_a_list_of_options(self, at: int, drug: int) -> bool:
        """Whether a heading with 'options' in it, which tells of nothing done, ends in a colon: 'trial options at our
        site: A, B'."""
        outline = self.outline
        if drug - at > _FAR or at - self.first > _NEAR:
            return False
        heading = range(self.first, drug)
        colon = any(outline.pieces[each].key == ":" for each in range(at, drug))
        done = any(outline.pieces[each].key in _DONE for each in heading)
        return colon and not done and not outline.has(heading, *TOLD, "so_far")

    def _dates_what_she_had(self, at: int) -> bool:
        """Whether a change only says when another drug was given: 'before switching to T-DXd she had T-DM1'."""
        outline, drug = self.outline, self.outline.drug_in_stretch_after(at)
        if at != self.first + 1 or outline.pieces[self.first].key != "before" or drug is None:
            return False
        had = next((each for each in outline.rest_of_stretch(drug) if "has_had" in outline.cues[each]), None)
        return had is not None and outline.drug_in_sentence_after(had) is not None

    def _is_told_as_begun(self, at: int) -> bool:
        """Whether a year says when a drug was begun: 'start 2019-03 Navelbine | start 11/2020 Kadcyla', '12/2023 start
        THP, 9 mo, PD'."""
        outline, pieces, behind = self.outline, self.outline.pieces, at + 1
        if pieces[at].key not in ("start", "begin") or behind + 1 >= self.end or pieces[at].asked:
            return False
        dated = [bool(pieces[each].kind == "date" and pieces[each].value) for each in (behind, max(0, at - 1))]
        if dated[0]:
            return outline.is_drug[behind + 1]
        return dated[1] and outline.is_drug[behind] and outline.tells_a_course(outline.last_of_list(behind), timed=True)

    def _is_told_as_next(self, at: int) -> bool:
        """Whether a change leads from what was told to a drug whose course is told, too: 'THP, PD, next T-DM1, PD',
        'THP. Switch to T-DM1, 8 cycles, PD'."""
        outline, drug = self.outline, at + 1
        consents = outline.pieces[at].key in _CONSENTS
        drug += consents and drug < self.end and outline.pieces[drug].key == "to"
        drug += drug < self.end and outline.pieces[drug].key == ":" and outline.pieces[at].key == "next"
        if drug >= self.end or not outline.is_drug[drug] or (outline.last_drug[at] is None and not consents):
            return False
        if outline.pieces[at].asked or outline.pieces[self.end - 1].key == "?" or outline.pieces[at].key in _WANTING:
            return False  # the insurer wants lapatinib tried before it pays
        return outline.tells_a_course(outline.last_of_list(drug), timed=outline.pieces[at].key == "next")

    def _tells_what_runs(self, colon: int) -> bool:
        """Whether drugs stand right behind a colon, and that they failed or are given now: 'wrote B: B, ongoing'."""
        behind = colon + 1
        if behind >= self.end or not self.outline.is_drug[behind]:
            return False
        rest = range(behind, min(self.end, behind + _FAR))
        return self.outline.has(rest, "progression", "toxicity", "stopped", "ongoing", "started")

    def _tells_what_came(self, at: int) -> bool:
        """Whether drugs behind a colon were given, as the outcome behind them shows."""
        following = self.outline.drug_in_sentence_after(at)
        rest = range(following or at, min(self.end, at + _FAR))
        return following is not None and self.outline.has(rest, "progression", "toxicity", "stopped")

    def _heads_a_drug(self, at: int) -> bool:
        """Whether a word is said of the drug right behind it, and of nothing before it: 'pending: T-DXd'."""
        outline = self.outline
        following = outline.next_meaning(at)
        if following is not None and "joined" in outline.cues[following]:  # first dose tomorrow with T-DXd
            following = outline.next_meaning(following, 2)
        for _ in range(2):
            if following is None or not self._counts_the_first(following):
                break
            following = outline.next_meaning(following, 2)  # tomorrow first T-DXd; next week cycle 1 of T-DXd
        before = outline.before_in_stretch(at)
        return (
            following is not None
            and following < outline.stretch_end[at]
            and outline.is_drug[following]
            and not any(
                outline.pieces[back].is_("noun") or "examination" in outline.pieces[back].roles for back in before
            )
        )

    def _counts_the_first(self, at: int) -> bool:
        """Whether a piece counts the first dose: 'first', 'C1', 'cycle' before its number, '1'."""
        piece = self.outline.pieces[at]
        if piece.kind in ("line", "cycles", "number", "ordinal"):
            return bool(piece.value == 1)
        return "first_dose" in piece.roles or "cycles" in self.outline.cues[at]

    def _ended_before(self, at: int) -> bool:
        """Whether what was told is how the drug before it ended: 'if THP failed we would give T-DXd'."""
        drug = self.outline.drug_in_stretch_before(at)
        between = range((drug if drug is not None else at) + 1, at)
        return self.outline.has(between, "progression", "toxicity", "stopped") and not self.outline.has(
            between, "after"
        )

    def _opens_a_plan(self, at: int) -> bool:
        """Whether a piece tells of what may come: 'if X', 'once X fails'; 'HER2+ MBC, for X', 'now for third-line X'.

        Only where X follows at once.
        """
        outline = self.outline
        roles, piece = outline.pieces[at].roles, outline.pieces[at]
        if not roles and piece.key not in ("for", "remaining"):
            return False
        now = at > self.first and bool(outline.pieces[at - 1].roles & {"present", "until_now"})
        led = at + 1 + (now and at + 1 < self.end and outline.pieces[at + 1].kind == "line")
        next_to = led < self.end and outline.is_drug[led]
        begins = outline.stretch_start[at] == at - now
        if "if" in roles:
            return next_to or begins or self._goes_on_with_a_condition(at)
        if not (begins and next_to):
            return False
        single = piece.end - piece.start == len(piece.key)
        return "once" in roles or (single and piece.key in ("for", "remaining"))  # T-DXd; remaining TCT

    def _goes_on_with_a_condition(self, at: int) -> bool:
        """Whether a plan goes on with what may come of it: 'T-DXd next, and if she refuses, T-DM1'."""
        opens = at - 1 == self.outline.stretch_start[at] > self.first
        return opens and self.outline.pieces[at - 1].key in ("and", "or", "but", "so", "then")

    def _refusal(self, mode: str | None, at: int) -> str | None:  # noqa: PLR0911, PLR0912  (one cue after another)
        """The refusal a piece begins, of what follows it."""
        cues = self.outline.cues[at]
        key = self.outline.pieces[at].key
        if self._sets_against(at):
            return None
        if key in ("minus", "-") and at > self.first and self.outline.takes_away(at):
            return "denied"
        if key == "no" and ticks_off(self.outline, at):
            return None
        roles = self.outline.pieces[at].roles
        if roles and ("nobody" in roles or ("application" in roles and self._applies_for_a_drug(at))):
            return "mentioned"
        if not cues:
            return self._with_chemotherapy(at) if "say" in self.outline.pieces[at].kinds else None
        if (key == "but" or "than" in cues or "all_but" in cues) and self._is_all_that_is_left(at):
            return "denied"
        if cues & {"all_but", "all_but_these"} and self._is_all_but_what_was_used(at):
            return "denied"
        if cues.isdisjoint(_ALL_REFUSING):
            return None
        if cues & _NAMING and self._names_what_follows(at):
            return "mentioned"
        if "not_only" in cues or ("had_neither" in cues and self._is_of_what_was_told(at)):
            return None
        if mode == "planned" and self.headed and key in ("none", "nobody", "zero") and self._is_for_a_drug(at):
            return None  # votes: three for A, none for B
        anything = key == "anything" and not self.outline.has(range(max(self.first, at - 3), at), "negation")
        if anything and self.outline.next_drug[at] == at + 2 and self.outline.pieces[at + 1].key in _TREATED:
            return "mentioned"  # anything with A is out
        if "untreated" in cues and self.outline.next_drug[at] == at + 2 and self.outline.pieces[at + 1].key in _TREATED:
            return "denied"
        if cues & {"unproven", "failed_to"} and self.outline.drug_in_stretch_before(at) is None:
            return "mentioned"  # they failed to order pertuzumab
        if cues & {"unknown", "uncertain"} and self._asks_itself_whether(at):
            return "mentioned"
        if "all_failed" in self.outline.said and self._is_what_failed(at):
            return None
        if "declined" in cues and is_of_a_later_dose(self.outline, at):
            return None
        if "than" not in cues and cues & {"negation", "negated_after"} and not self._denies_a_finding(at):
            if "negated_after" in cues and not denies_what_follows(self.outline, at):
                return None
            if denies_what_was_named(self.outline, at):
                return None
            if at + 1 < self.end and "whether" in self.outline.pieces[at + 1].roles:
                return "mentioned"  # not whether A, but when
            if key == "no" and at > self.first and "if" in self.outline.pieces[at - 1].roles:
                return "mentioned"  # B only if no A
            if at + 1 < self.end and "judgement" in self.outline.pieces[at + 1].roles:
                return "mentioned"  # no need for A
            if key == "without" and self._asks_for_options_without(at):
                return "mentioned"
            if self.outline.denies_a_change(at) or self.outline.denies_an_examination(at):
                return None  # we have not changed T-DXd; not yet restaged on T-DXd
            if key == "no" and at > self.first and "we_have" in self.outline.cues[at - 1]:
                return "unavailable" if self._is_right_before_a_drug(at) else "denied"  # our hospital has no T-DXd
            return "unsure" if "negation" in cues and self._is_no_outcome(at) else "denied"
        if "all_but" in cues and at + 1 < self.end and self.outline.pieces[at + 1].key in _ONE_OF_THEM:
            return None
        if "than" in cues and mode == "received" and not self.taken and "all_but" in cues:
            return "denied"
        if "than" in cues and self._is_all_there_was(at):
            return "received"
        for cue, refusal in _REFUSING_CUES:
            if cue in cues:
                if self._is_supposed(at):
                    return "mentioned"
                by_others = cue == "declined" and at > self.first and self._is_passive(at)
                return "unavailable" if by_others else refusal  # she was refused T-DXd by the insurer
        if key == "covered" and self.outline.has(self.outline.before_in_stretch(at, 3), "early"):
            return "received"  # the adjuvant setting already covered A
        if "available" in cues and at + 1 < self.end and "paper" in self.outline.pieces[at + 1].roles:
            return None  # available records: THP
        if "available" in cues and not cues & TOLD:  # paid for
            return "unavailable" if mode in ("denied", "unavailable") and not self.taken else "available"
        headed = "access" in cues and at == self.first and at + 1 < self.end and self.outline.pieces[at + 1].key == ":"
        if headed or (cues & {"we_have", "access"} and self._is_right_before_a_drug(at)):
            return "available"  # we have T-DXd; access T-DXd: yes
        return None

    def _is_for_a_drug(self, at: int) -> bool:
        return at + 2 < self.end and self.outline.pieces[at + 1].key == "for" and self.outline.is_drug[at + 2]

    def _asks_for_options_without(self, at: int) -> bool:
        """Whether a question asks for treatment that lacks a drug: 'options without a taxane?'"""
        outline = self.outline
        led = range(self.first, at)
        if at == self.first and outline.pieces[self.end - 1].key == "?":
            return not outline.has(range(at, self.end), *TOLD, "has_had")  # without T-DXd what is left?
        if not outline.pieces[at].asked:
            return False
        if any(outline.is_drug[each] for each in led):
            return self._asks_for_a_drug_without(at)
        asks = outline.has(led, "choices", "what_next", "planned") or outline.plays(led, "interrogative")
        return asks or (outline.plays(led, "treatment") and not outline.has(led, "previously", "has_had"))

    def _asks_for_a_drug_without(self, at: int) -> bool:
        """Whether a question is of giving one drug without another: 'can A be given without B?', 'data for A without
        B?'; not 'what after A without B?'."""
        outline = self.outline
        first = next(each for each in range(self.first, at) if outline.is_drug[each])
        led = range(self.first, first)
        if not outline.pieces[first].asked or outline.has(range(self.first, at), *TOLD, "has_had", "ongoing", "cycles"):
            return False
        opens = outline.pieces[self.first]
        if opens.roles & {"modal", "is"} or opens.key in ("can", "is", "are", "any", "has", "does"):
            return True
        return outline.plays(led, "topic") or outline.has(led, "choices", "asked_weak", "asked", "in_general")

    def _is_right_before_a_drug(self, at: int) -> bool:
        return at + 1 < self.end and self.outline.is_drug[at + 1]

    def _is_all_but_what_was_used(self, at: int) -> bool:
        """Whether everything but the drug behind it was used: 'all approved options but T-DXd exhausted'."""
        outline, drug = self.outline, self.outline.drug_in_stretch_after(at)
        if drug is None or outline.pieces[drug].asked or not outline.joins(at, drug):
            return False
        behind = outline.last_of_list(drug) + 1
        behind += behind < self.end and outline.pieces[behind].key in ("was", "is", "has", "have", "were", "are")
        return behind < self.end and outline.pieces[behind].key in _USED_UP

    def _is_all_that_is_left(self, at: int) -> bool:
        """Whether all was used but the drug right behind a word: 'all options used up apart from T-DXd', 'everything
        exhausted but A'; not 'all drugs were given but A failed'."""
        pieces, drug = self.outline.pieces, at + 1
        if self.before or drug >= self.end or not self.outline.is_drug[drug] or pieces[at].asked:
            return False
        led = range(max(self.first, at - _FAR), at)
        used = any(pieces[each].key in _USED_UP for each in led[-_NEAR:])
        behind = self.outline.last_of_list(drug) + 1
        ends = behind >= self.end or pieces[behind].kind == "sign"
        return used and ends and any(pieces[each].key in _ALL for each in led)

    def _is_all_there_was(self, at: int) -> bool:
        """Whether an exception is all that was given: 'nothing except THP', 'no treatment for the mets besides HP'."""
        outline, pieces = self.outline, self.outline.pieces
        if self.before or at == self.first or pieces[at].asked or pieces[at].key in _IN_ITS_PLACE:
            return False
        if outline.has(range(at + 1, self.end), "available", "unavailable", "access", "planned", "what_next", "asked"):
            return False  # no drug but T-DXd is funded
        opens = pieces[self.first]
        if not (opens.key in _NO_DRUG or "untreated" in outline.cues[self.first]):
            return False
        return all(
            piece.kind in ("silent", "line")
            or piece.roles & {"heading", "treatment", "for", "harmless"}
            or piece.cues & {"so_far", "untreated", "relapse", "previously", "joined"}
            or piece.is_("noun", "organ_mets")
            or piece.is_("say", "prior_lines", "setting", "treatment")
            for piece in pieces[self.first + 1 : at]
        )

    def _is_what_failed(self, at: int) -> bool:
        """Whether 'not' only goes on a denial of effect: 'nothing worked: not THP, not T-DM1'."""
        pieces, opens = self.outline.pieces, self.outline.pieces[self.first]
        told = "all_failed" in opens.cues
        return told and pieces[at].key in ("not", "neither", "nor") and self.outline.is_drug[min(at + 1, self.end - 1)]

    def _applies_for_a_drug(self, at: int) -> bool:
        """Whether an application is only for a drug: 'the demand for tucatinib is running'."""
        pieces, leads = self.outline.pieces, at + 1
        while leads + 1 < min(self.end, at + 4) and (
            "is" in pieces[leads].roles or self.outline.cues[leads] & {"ongoing", "pending"}
        ):
            leads += 1  # an appeal is running for T-DXd
        leads_on = leads + 1 < self.end and pieces[leads].key in ("for", "of")
        return leads_on and self.outline.is_drug[leads + 1]

    def _is_of_what_was_told(self, at: int) -> bool:
        """Whether 'neither' is of the drugs before it, and another clause follows: 'she got neither and has TCT'."""
        following = self.outline.pieces[at + 1 : at + 2]
        return bool(following) and following[0].key in ("and", "but")

    def _is_passive(self, at: int) -> bool:
        """Whether others refused it: 'she was refused T-DXd', 'we were denied it', 'her insurer refuses it'."""
        outline = self.outline
        passive = outline.pieces[at - 1].key in _PASSIVE or "used_to" in outline.cues[at - 1]
        return passive or ("payer" in outline.pieces[at - 1].roles and outline.pieces[at - 1].key != "hospital")

    def _with_chemotherapy(self, at: int) -> str | None:
        """What is said of a drug with chemotherapy: 'declined chemo and T-DXd', 'fit for chemo or T-DXd'."""
        piece, drug = self.outline.pieces[at], at + 2
        if not piece.is_("say", "chemotherapy") or drug >= self.end:
            return None
        link = self.outline.pieces[at + 1]
        if not self.outline.is_drug[drug] or not (link.key in ("and", "/", "+", "&") or "or" in link.roles):
            return None
        return "declined" if piece.key.startswith(_REFUSES) else "unsure"

    def _names_what_follows(self, at: int) -> bool:
        """Whether drugs are only named behind a word: 'all agents but A', 'allergies: A', 'anaphylaxis to A'."""
        cues = self.outline.cues[at]
        if self.outline.drug_in_sentence_after(at) is None:
            return False
        if "a_toxicity" in cues and (at + 1 == self.end or self.outline.pieces[at + 1].key != "to"):
            return False
        if not cues.isdisjoint(("toxicity", "a_toxicity", "hazard_of")) and self._tells_how_long(at):
            return False
        return bool(cues & {"all_but_these", "for_want_of"}) or self._heads_its_drugs(at)

    def _tells_how_long(self, at: int) -> bool:
        """Whether a drug that was not tolerated was taken for a time: 'intolerance to lapatinib, so only 10 days',
        'intolerance to T-DM1 after two cycles'."""
        outline = self.outline
        last = outline.last_of_list(outline.next_drug[at] or at)
        behind = range(last + 1, min(outline.sentence_end[at], last + _FAR))
        kinds = ("cycles", "duration", "number") if "toxicity" in outline.cues[at] else ("cycles", "duration")
        return outline.has(behind, "stopped", "exchanged_for", "cycles") or any(
            outline.pieces[each].kind in kinds for each in behind
        )

    def _heads_its_drugs(self, at: int) -> bool:
        """Whether drugs stand right behind a word that opens their list: 'allergies: A', 'anaphylaxis to A'."""
        outline, following = self.outline, at + 1
        if outline.stretch_start[at] != at or (at and outline.pieces[at - 1].key == "("):
            return False
        for _ in range(2):  # to the
            headed = following < self.end and outline.pieces[following].key in _HEADING
            following += headed
        return following < self.end and outline.is_drug[following]

    def _asks_itself_whether(self, at: int) -> bool:
        """Whether it is not known if what follows was given: 'unclear whether she had A', 'not sure about A'."""
        following, pieces = at + 1, self.outline.pieces
        if following >= self.end:
            return False
        about = pieces[following].key in ("about", "of") and following + 1 < self.end
        doubted = about and self.outline.is_drug[following + 1]
        return doubted or bool(pieces[following].roles & {"whether", "if"})

    def _is_supposed(self, at: int) -> bool:
        """Whether a refusal is only supposed: 'if she says no to capecitabine'."""
        return self.outline.plays(self.outline.before_in_stretch(at), "if")

    def _denies_a_finding(self, at: int) -> bool:
        """Whether 'none' answers for what stands before it, not for the drug behind it: 'toxicity: none on THP', 'PD
        (liver no) on THP'."""
        if at + 1 < self.end and self.outline.pieces[at + 1].key == ")":
            return True
        if self.outline.pieces[at].key not in ("none", "nil"):
            return False
        before = self.outline.before_in_stretch(at, 2)
        effects: tuple[Cue, ...] = ("toxicity", "a_toxicity", "progression")
        return self.outline.has(before, *effects) or (at == self.first > 0 and self._goes_on_of_effects(at, effects))

    def _goes_on_of_effects(self, at: int, effects: tuple[Cue, ...]) -> bool:
        """Whether a list of what went wrong under each drug goes on: 'PD: lung on A; none on B'; not 'none of B'."""
        outline = self.outline
        listed = outline.pieces[at - 1].key == ";" and at + 2 < self.end and outline.is_drug[at + 2]
        listed = listed and bool(outline.pieces[at + 1].roles & {"on", "during"})
        return listed and outline.has(range(outline.sentence_start[at - 1], at), *effects)

    def _is_no_outcome(self, at: int) -> bool:
        """Whether an outcome, and no drug, is denied: 'PD on THP but not on T-DM1'; it may have been given."""
        outline = self.outline
        piece = outline.pieces[at]
        if piece.key == "neither" and at > self.first and "on" in outline.pieces[at - 1].roles:  # PD on neither A nor B
            return outline.has(range(outline.stretch_start[at], at), "progression", "toxicity", "a_toxicity")
        if piece.end - piece.start != len("not") or at + 2 >= self.end:
            return False
        if not outline.pieces[at + 1].roles & {"on", "linking"} or not outline.is_drug[at + 2]:
            return False
        told = range(max(self.first, at - 16 if self.before else at - 1), at)
        responded = any(outline.pieces[each].key == "responded" for each in told)  # responded to A, not to B
        return responded or outline.has(told, "progression", "toxicity", "a_toxicity")

    def _within_refusal(self, mode: str | None, at: int) -> str | None:  # noqa: PLR0911, PLR0912  (piece after piece)
        """How far a refusal reaches: over its list of drugs, and not over what only stands beside it."""
        outline = self.outline
        cues, piece = outline.cues[at], outline.pieces[at]
        if piece.key == "and" and mode == "denied" and not self.taken and self._goes_on_to_what_she_had(at):
            return None
        if mode == "denied" and not self.taken and self._is_of_what_a_drug_did(at):
            return "received"
        if mode == "mentioned" and "previously" in cues and outline.pieces[at - 1].key == "without":
            return mode  # can she have A without having had B?
        if mode == "declined" and not self.taken and self._is_all_that_was_refused(at):
            self.list_end = -1
            return None  # declined surgery, THP
        if cues & TOLD and (self.taken or "previously" not in cues or self._goes_on_to_what_was(mode, at)):
            return mode if self.general and piece.asked else "received"
        if piece.kind == "line" or (piece.kind == "cycles" and piece.value):
            return "given" if self.taken or mode == "unsure" else mode
        if piece.key == ":" and self.taken and mode == "denied":  # all but tucatinib: THP, T-DM1
            return None
        if piece.key == ":" and self.before and "than" in outline.cues[self.first]:  # apart from A, never given: B
            return None
        if piece.key == ":" and mode == "denied" and not self.taken and outline.pieces[at - 1].key == "it":
            return None  # she never had it: she got A
        if piece.key == ":" and mode == "denied" and self._denies_what_holds_it(at):
            return None  # not the triplet: paclitaxel and trastuzumab; no chemo so far: letrozole
        if piece.key == ":" and mode == "mentioned" and not self.taken and "pronoun" in outline.pieces[at - 1].roles:
            return None  # nobody prescribed it: docetaxel
        if piece.key == ":" and mode == "mentioned" and self.taken and self._tells_what_runs(at):
            return None  # crossed out A and wrote B: B since May, ongoing
        if "so" in piece.roles and mode == "unavailable" and not self.taken and self.before:
            return None  # A is not funded, so we gave B
        if mode == "unsure" and self._names_all(at):
            return "given"
        if mode == "denied" and not self.taken and self._is_of_what_nobody_knows(at):
            return "mentioned"
        if not self.taken:
            if "more" in piece.roles:
                return "given"
            beside = piece.is_("noun") or piece.is_("find") or piece.is_("say") or "a_toxicity" in cues
            return None if beside and mode == "denied" else mode
        if self._goes_on_instead(at):
            return None
        if mode == "unsure" or at <= self.list_end or "or" in piece.roles or piece.kind == "sign":
            return mode
        if piece.key == "and" or "early" in cues or "previously" in cues:
            return mode
        if piece.key == "to" and outline.pieces[at - 1].key == "and":
            return mode  # naive to A and to B
        if "planned" in cues:
            return "planned"
        if "so" in piece.roles:
            return None
        return "mentioned"

    def _is_all_that_was_refused(self, at: int) -> bool:
        """Whether surgery, or an examination, was refused, and no drug: 'declined surgery, THP'; not 'declined surgery,
        T-DM1 and RT'."""
        piece, behind, outline = self.outline.pieces[at], at + 1, self.outline
        named = outline.cues[at] & {"surgery", "treated"} or "examination" in piece.roles or piece.is_("noun")
        alone = behind < self.end and outline.pieces[behind].key in (",", "-", ":", ";", "->")
        if not (named and alone) or at == self.first or outline.pieces[at - 1].key in (":", ","):
            return False
        drug = outline.next_drug[at]
        ends = self.end if drug is None else outline.last_of_list(drug) + 1
        return ends >= self.end or outline.pieces[ends].key not in ("and", "or")

    def _goes_on_instead(self, at: int) -> bool:
        """Whether what was not taken is set against what went on: 'declined T-DXd and went on with TCT'."""
        outline, pieces = self.outline, self.outline.pieces
        if "carried_on" not in outline.cues[at] or pieces[at].asked or pieces[at - 1].key not in ("and", "but", "so"):
            return False
        drug = at + 1
        drug += drug < self.end and pieces[drug].key in ("with", "on", "to", "the")
        return drug < self.end and outline.is_drug[drug]

    def _denies_what_holds_it(self, colon: int) -> bool:
        """Whether what is denied before a colon is a combination, or chemotherapy as such, and no drug."""
        outline, at = self.outline, colon - 1
        while at > self.first and outline.cues[at] & {"so_far", "up_to_now"}:
            at -= 1
        while at > self.first and (
            outline.cues[at] & {"negation", "negated_after"} or outline.pieces[at].kind == "silent"
        ):
            at -= 1  # chemo was never given: letrozole
        return not self.taken and bool(outline.pieces[at].roles & {"combination", "chemo"})

    def _goes_on_to_what_she_had(self, at: int) -> bool:
        """Whether 'and' leads from what was denied before it to what was given: 'never took it and had letrozole'."""
        outline, behind = self.outline, at + 1
        denied = at > self.first and "negated_after" in outline.cues[at - 1]
        return denied and behind < self.end and "has_had" in outline.cues[behind]

    def _is_of_what_a_drug_did(self, at: int) -> bool:
        """Whether an effect of the drug that follows is denied, and not the drug: 'no profit under T-DM1', 'no
        remission with THP'."""
        outline, key = self.outline, self.outline.pieces[at].key
        if key in _EFFECTS and at + 1 < self.end and outline.is_drug[at + 1]:
            return True  # no remission with T-DM1
        if not (key in _UNDER or key in _BESIDE) or at + 1 >= self.end or not outline.is_drug[at + 1]:
            return False
        for back in outline.before_in_stretch(at, 6):
            if outline.cues[back] & {"negation", "negated_after"}:
                return False
            if outline.cues[back] & _DID or (key in _UNDER and outline.pieces[back].kind == "word"):
                return True
        return False

    def _is_of_what_nobody_knows(self, at: int) -> bool:
        """Whether a word nobody knows is denied with a drug: 'not compliant with lapatinib'."""
        outline, pieces = self.outline, self.outline.pieces
        if pieces[at].key != "with" or at - 2 < self.first or at + 1 == self.end or not outline.is_drug[at + 1]:
            return False
        unknown = pieces[at - 1].kind == "word" and pieces[at - 1].roles.isdisjoint(("treatment", "combination"))
        return unknown and pieces[at - 2].key == "not"

    def _goes_on_to_what_was(self, mode: str | None, at: int) -> bool:
        """Whether a refusal without an object is followed by what was given: 'she said no and had lap/cape'."""
        return mode == "declined" and "and" in (self.outline.pieces[at].key, self.outline.pieces[at - 1].key)

    def _names_all(self, at: int) -> bool:
        """Whether 'only' leads to what was given in the place of a denied drug: 'never T-DM1, only THP'."""
        following = at + 1
        return "only" in self.outline.pieces[at].roles and following < self.end and self.outline.is_drug[following]

    def _list_end(self, at: int, mode: str) -> tuple[int, int]:
        """Where the list of drugs behind a refusal ends, over its commas; and up to where that is certain.

        Certain where it ends in 'or', 'nor'; a list that ends in 'and' may be two statements.
        """
        outline = self.outline
        behind = next((each for each in range(at + 1, self.end) if outline.pieces[each].kind != "silent"), self.end)
        if behind < self.end and outline.pieces[behind].key == ":" and not self.before:
            return self.end - 1, -1  # declined: chemo, pertuzumab
        last, joined, certain = -1, False, self._leads_to_all(at, behind)
        for place in range(at + 1, min(self.end, at + 30)):
            piece = outline.pieces[place]
            if outline.is_drug[place]:
                last = place
                if joined:
                    break
            elif "so" in piece.roles:
                break
            elif "or" in piece.roles:
                joined = certain = True
            elif piece.key == "and":
                joined = last >= 0 and outline.pieces[outline.stretch_start[place] - 1].key == ","
            elif outline.is_joining(place) or outline.cues[place] & {"previously", "early", "negation", "planned"}:
                continue
            elif last >= 0 or piece.kind == "number":
                break
        if last >= 0 and not joined and self._only_lists(at, last):
            told = outline.last_drug[last] != outline.last_drug[at] and outline.pieces[last].is_("regimen")
            return last, (last if told else -1)  # no anthracycline, TCH
        if not joined or last < 0:
            return -1, -1
        first = outline.next_drug[at]
        return last, (-1 if certain or mode != "denied" else outline.stretch_end[first or at])

    def _leads_to_all(self, at: int, behind: int) -> bool:
        """Whether 'to' leads from a denial to all of a list: 'naive to A, B and C', 'not exposed to A and B'."""
        outline = self.outline
        return "unexposed" in outline.cues[at] or any(
            outline.pieces[each].key == "to" for each in range(at + 1, behind)
        )

    def _only_lists(self, at: int, last: int) -> bool:
        """Whether a sentence is nothing but the denial and its list: 'Never had: A, B, C.'"""
        outline = self.outline
        before = outline.last_drug[at]
        if before is not None and before >= self.first:
            return False
        first = outline.next_drug[at] or at
        if any(
            outline.pieces[each].kind == "word" or "only" in outline.pieces[each].roles for each in range(at, first)
        ):
            return False
        if any(outline.pieces[each].key == "," for each in range(at, first)) and outline.plays(range(at, first), "on"):
            return False  # refused second-line therapy, on HP
        inside = range(first, last)
        listed = all(outline.is_drug[each] or outline.pieces[each].key in (",", "/", "+") for each in inside)
        return listed and all(outline.pieces[each].kind in ("sign", "silent") for each in range(last + 1, self.end))


def denies_what_was_named(outline: Outline, at: int) -> bool:
    """Whether it is 'it' that was not given, and another clause goes on behind: 'she never received it and completed
    the year on HP'."""
    pieces, behind = outline.pieces, at + 2
    pointed = at + 1 < outline.stretch_end[at] and pieces[at + 1].key in ("it", "them", "any", "one")
    denies = outline.cues[at] & {"negation", "negated_after"} and pieces[at].end - pieces[at].start > len(
        pieces[at].key
    )
    if not (pointed and denies):
        return False
    if behind < outline.stretch_end[at] and pieces[behind].key in ("and", "but", "so", "as", "because"):
        return True
    ends = behind >= outline.stretch_end[at] or pieces[behind].kind == "sign"
    return ends and outline.last_drug[at] is not None


def denies_what_follows(outline: Outline, at: int) -> bool:
    """Whether 'not given', 'never' is said of the drug behind it."""
    if denies_what_was_named(outline, at):
        return False
    following = outline.next_meaning(at)
    if outline.denies_the_next(at):
        return True
    drug = outline.drug_in_stretch_after(at)
    if drug is not None and outline.drug_in_stretch_before(at) is not None:
        between = outline.pieces[at + 1 : drug]
        if any(piece.roles & {"why", "clausal", "reason"} for piece in between):
            return False  # T-DM1 not given because T-DXd became available
    if following is not None and outline.is_drug[following] and following < outline.stretch_end[at]:
        return "negation" in outline.cues[at] or outline.drug_in_stretch_before(at) is None
    return outline.drug_in_stretch_before(at) is None and outline.drug_in_stretch_after(at) is not None


def is_of_a_later_dose(outline: Outline, at: int) -> bool:
    """Whether only later cycles were not given, or refused: 'never had dose 6', 'declined the third cycle', 'refused
    further cycles', 'did not want more of it'."""
    pieces, rest = outline.pieces, outline.rest_of_stretch(at, 4)
    values = [pieces[each].value if pieces[each].kind != "line" else None for each in rest]  # not of a line
    later = [isinstance(value, int | float) and value > 1 for value in values]
    if later and later[0]:
        return True
    counted = any(later)
    more = outline.plays(rest, "more")
    it = more and any(pieces[each].key == "of" and "pronoun" in pieces[each + 1].roles for each in rest[:-1])
    dosed = outline.has(rest, "cycles") or any(pieces[each].key in ("dose", "doses", "half") for each in rest)
    return it or ((counted or more) and dosed)


def ticks_off(outline: Outline, at: int) -> bool:
    """Whether 'no' is of the drug before it, in a row of such marks: 'A yes B no C no'."""
    pieces = outline.pieces
    if "yes" not in outline.typed or not at or not outline.is_drug[at - 1]:
        return False
    behind = range(outline.sentence_start[at] + 1, outline.sentence_end[at])
    return any(pieces[each].key == "yes" and outline.is_drug[each - 1] for each in behind)
