"""What the words behind a drug say of it: not given, refused, not available, planned, asked about, or given."""

from __future__ import annotations

from messages.understanding.context import is_counterfactual
from messages.understanding.drugs import agents_of
from messages.understanding.named import Cue
from messages.understanding.outline import Outline
from messages.understanding.pieces import ITEM
from messages.understanding.scan import Piece
from messages.understanding.standing_before import (
    denies_what_follows,
    denies_what_was_named,
    is_of_a_later_dose,
    ticks_off,
)

_GIVEN: frozenset[Cue] = frozenset(
    (
        "progression", "toxicity", "stopped", "completed", "ongoing", "outcome_unknown",
        "took_effect",
    )
)  # fmt: skip
"""Cues behind a drug that show that it was given."""
_LIST = 3
"""Drugs of a list, at least, that what is said behind it is said of all of."""
_PAIR = 2
_MARKED_WITHIN = 12
"""Pieces between two marks of a row, at most."""
"""The same, where the verb is of several: 'A, B were considered'."""
_FINE = ("ok", "okay", "fine", "possible")
"""What says of a drug alone that it may be given."""
_ORDERED = ("ordered", "scheduled", "booked", "on")
"""What is done with a drug that can be had: it leaves no access open."""
_AFTER = ("after", "post", "following")
"""What leads from a drug to the one it would have come after."""
_ENOUGH = ("fine", "ok", "okay", "good", "enough", "sufficient", "secure", "secured", "plentiful")
"""What says that there is enough of a drug."""
_OWNED = ("my", "misspoke", "mistyped")
"""How a writer's own mistake begins, which takes back what stands right before it."""
_PRINTED = ("leaflet", "leaflets", "brochure", "brochures", "flyer", "flyers", "poster", "webinar", "sample", "samples")
"""What is handed out on a drug."""
_TOOK = ("took", "had", "got", "received", "taken")
"""How it is told that some of a drug was taken."""
_ADMITS = (
    "admits", "admitted", "confesses", "confessed", "concedes", "conceded", "reveals", "revealed", "tells", "told",
    "us", "me", "claims", "states", "turns", "transpires", "now", "openly",
)  # fmt: skip
"""How a patient tells that she did not take a drug: 'she admits she never took any'."""
_OF_CYCLES = ("given", "received", "done", "got", "had", "took", "managed", "reached")
"""How it is told how many of the cycles that were planned were given."""
_ALSO = ("also", "too", "likewise", "ditto")
"""What says of a drug what was said of the one before it: 'lapatinib proposed, T-DM1 also'."""
_TIMES = ("cycles", "date", "line")
_BY_THEMSELVES = frozenset(
    (
        "it",
        "is",
        "via",
        *_PRINTED,
        "alternative",
        "do",
        "-",
        "n",
        "no",
        "free",
        "full",
        "included",
        "out",
        *_ALSO,
        *_FINE,
    )
)
"""Words that may say something of a drug though they have no cue and play no part."""
_IS_NOT = ("isn", "isnt", "aren", "arent")
REQUESTS = frozenset(
    (
        "request", "approval", "prior", "auth", "authorization", "authorisation", "preauthorization",
        "preauthorisation", "preauth", "precert", "pa", "peer", "p2p",
    )
)  # fmt: skip
"""How what is asked of a payer begins: 'prior auth for', 'approval for'."""
_LINES_IN = ("port", "portacath", "picc", "hickman", "pump", "line", "infusion", "cannula", "iv", "sc", "tube", "peg")
"""What a drug is given through."""
_PROGRAMMES = ("compassionate", "expanded", "early", "named", "managed")
"""How the names of programmes begin through which a drug is had before it is approved."""
_RUNNING_TRIAL = (
    "open",
    "recruiting",
    "running",
    "ongoing",
    "soon",
    "nearby",
    "starting",
    "opening",
    "here",
    "enrolling",
)
"""What is said of a trial that patients may enter."""
_BY_THEN = ("could", "recovered", "allowed", "permitted", "improved", "healed", "settled", "resolved")
"""What tells behind 'as soon as' that it had come to pass: 'as soon as she could sit up'."""
_SUPPOSING = frozenset(("in", "when", "once", "whenever", "as"))
"""How what is only supposed begins: 'in case of PD', 'once she progresses'."""
_REFUSALS = frozenset(("denied", "declined", "unavailable"))
_ACCESS = frozenset(("unavailable", "available", "unknown"))


def is_a_request(outline: Outline, at: int) -> bool:
    """Whether a piece is what is asked of a payer: 'prior auth for', 'approval for'; not 'prior T-DXd'."""
    key = outline.pieces[at].key
    return key in REQUESTS and (key != "prior" or "planned" in outline.cues[at])


class Behind:
    """Reads a sentence backwards, with what was said since the last drug."""

    def __init__(self, outline: Outline, first: int, end: int) -> None:
        self.outline, self.first, self.end = outline, first, end
        self.behind: dict[int, str | None] = {}
        """What stands behind each drug, by its place."""
        self.access: dict[int, str] = {}
        """What is said behind that of the access to drugs that were not given: 'not given so far, we can get it',
        'planned, and it is funded'."""
        self.told_at: dict[int, int] = {}
        """The place of the word that says it."""
        self.unbegun: set[int] = set()
        """The drugs that were only not begun: where they were planned, they still are."""
        self.in_bracket = False
        """Whether a bracket is being read that ends in a drug."""
        self.denied_later = False
        """Whether a denial behind a drug was said in a stretch of its own."""

    def read(self) -> None:
        """Note what stands behind each drug."""
        outline, pieces, cues = self.outline, self.outline.pieces, self.outline.cues
        without = "without" in outline.typed
        verdict: str | None = None
        told_at = -1
        following: int | None = None
        listed = carried = False
        access: str | None = None
        for at in range(self.end - 1, self.first - 1, -1):
            if outline.is_drug[at]:
                self.in_bracket = self.in_bracket or pieces[min(at + 1, self.end - 1)].key == ")"
                if verdict is None and following is not None:
                    listed = self._is_listed(at, following, listed)
                    verdict = self.behind[following] if listed or self._is_joined(at, following) else None
                    verdict = verdict if verdict != "given" else None
                    if verdict is None and self._is_another_name(at, following):
                        verdict = self.behind[following]
                else:
                    listed = False
                self.behind[at], self.told_at[at] = verdict, told_at
                if verdict in ("denied", "planned") and access is not None:
                    self.access[at] = access
                if verdict == "denied" and "not_begun" in cues[told_at]:
                    self.unbegun.add(at)
                verdict, following, carried, access = None, at, False, None
                continue
            self.in_bracket = self.in_bracket and pieces[at].key != "("
            if without and self._is_without_it(at):
                self.denied_later = True
                continue
            piece = pieces[at]
            says_something = cues[at] or piece.roles or piece.kind in _TIMES or piece.key in _BY_THEMSELVES
            said = self._verdict(at) if says_something else None
            outweighed = said is not None and verdict is not None and self._is_outweighed(at, said, told_at, verdict)
            if said == "planned" and verdict == "denied" and "not_begun" in cues[told_at]:
                verdict, told_at, self.denied_later = said, at, False  # wanted by the team, not yet started
            elif (
                said is not None
                and not outweighed
                and not (said == "planned" and verdict in _REFUSALS and "if" not in pieces[at].roles)
            ):
                kept = said == "denied" or (said == "planned" and self._is_stated_apart(at, told_at))
                access = verdict if kept and verdict in _ACCESS else None
                verdict, told_at, carried = said, at, False
            if outline.stretch_start[at] != at or verdict is None or carried:
                continue
            carried = self._refers_back(at, told_at, verdict)
            if not carried:
                verdict = None
            elif verdict == "denied":
                self.denied_later = True
        self._spare_the_others()

    def _spare_the_others(self) -> None:
        """Take back a refusal that is of another drug of the sentence."""
        if "after" in self.outline.said and not _REFUSALS.isdisjoint(self.behind.values()):
            self._spare_what_came_before()
        if self.denied_later:
            self._deny_the_plan()
            if "the" in self.outline.typed:
                self._spare_the_partners()

    def _is_outweighed(self, at: int, said: str | None, told_at: int, verdict: str) -> bool:  # noqa: PLR0911
        """Whether what was told later of a drug counts more: 'refused then, available since January', 'not yet
        funded'."""
        if verdict == "received" and said in ("given", "planned", "upcoming", "denied", "asked", "mentioned"):
            return True  # T-DM1 please not, she had it in 2020
        if verdict == "mentioned" and said == "given" and "in_general" in self.outline.cues[told_at]:
            return True  # T-DM1 never worked for anyone
        if verdict == "mentioned" and said == "given" and self.outline.pieces[told_at].key in ("standard", "soc"):
            return True  # T-DXd is second-line standard
        if said == "given":
            beside = told_at - at <= 2 and self.outline.stretch[at] == self.outline.stretch[told_at]
            planned = self.outline.has(self.outline.before_in_stretch(at, 3), "planned")
            if (beside or planned) and self.outline.pieces[at].kind == "line" and verdict in _REFUSALS:
                return True  # T-DXd (was planned as) second line (but) declined
            if verdict == "denied" and "on_hold" in self.outline.cues[at]:
                return True  # on hold, none given
            return self._only_dates(at, verdict) or (verdict in _ACCESS and told_at == at + 1)  # currently unavailable
        if verdict == "denied":
            return self._is_only_why(at, said)
        if verdict == "declined":
            apart = self.outline.stretch[at] != self.outline.stretch[told_at]
            return said == "available" or (said == "mentioned" and apart)  # it is funded, but she does not want it
        if verdict not in _ACCESS:
            return False
        if said == "denied":
            return verdict == "unavailable" and (told_at - at < 4 or self.outline.pieces[at].key == "no")
        if (said, verdict) in (("available", "unavailable"), ("unknown", "unavailable"), ("upcoming", "unknown")):
            return True  # available but not reimbursed; requested, awaiting the insurer
        apart = self.outline.stretch[at] != self.outline.stretch[told_at]
        if apart and said == "upcoming" and verdict != "unknown":
            return True  # requested twice, insurer refused both times
        return apart and (said in _ACCESS or said == "mentioned" or "access" in self.outline.cues[at])

    def _is_stated_apart(self, at: int, told_at: int) -> bool:
        """Whether a stretch of its own, which supposes nothing, says so: 'T-DXd planned, it is funded'."""
        outline = self.outline
        parted = outline.stretch[at] != outline.stretch[told_at] or any(
            outline.pieces[each].key == "and" and "pronoun" in outline.pieces[each + 1].roles
            for each in range(at + 1, told_at)
        )
        stretch = outline.in_stretch(told_at)
        return parted and not any(
            outline.plays(stretch, role) for role in ("if", "once", "modal", "clausal", "whether")
        )

    def _only_dates(self, at: int, verdict: str | None) -> bool:
        """Whether a date, a line or a number of cycles is of what was not given: 'offered in 2016, refused', '2L to
        start on Monday'."""
        kind = self.outline.pieces[at].kind
        refused = verdict in _REFUSALS or verdict == "available"  # unavailable until 2023, now available
        if verdict == "planned":
            return kind == "line"
        return (verdict == "upcoming" and kind in ("date", "cycles", "line")) or (refused and kind == "date")

    def _is_only_why(self, at: int, said: str | None) -> bool:
        """Whether what stands before a denial is only why a drug was not given: 'refused by the insurer, so not one
        tablet taken'; of T-DXd, the access to it counts."""
        drug = self.outline.last_drug[at]
        if said not in ("unavailable", "mentioned", "upcoming") or drug is None:
            return False
        return agents_of(self.outline.pieces[drug]) != ("t_dxd",)

    def _deny_the_plan(self) -> None:
        """'Pertuzumab was to be added to docetaxel but was not given': what was planned was not given."""
        planned = [at for at, said in self.behind.items() if said == "planned"]
        if planned:
            for at, said in self.behind.items():
                self.behind[at] = "received" if said == "denied" else said
            for at in planned:
                self.behind[at] = "denied"

    def _spare_what_came_before(self) -> None:
        """A refusal behind 'A after B' is of A: 'T-DXd after T-DM1 was refused', 'A planned after B, never given'."""
        outline, pieces = self.outline, self.outline.pieces
        for last in [at for at, said in self.behind.items() if said in _REFUSALS]:
            first = outline.first_of_list(last)
            leads = first - 1 - (pieces[first - 1].key in ("the", "her"))
            if first == self.first or leads <= self.first or pieces[leads].key not in _AFTER:
                continue
            told = outline.drug_in_stretch_before(leads)
            if told is None or self.behind.get(told) not in (None, "planned") or leads - told > _LIST:
                continue
            between = range(told + 1, leads)
            if not all(pieces[at].kind in ("silent", "line") or "planned" in outline.cues[at] for at in between):
                continue
            object_ = range(outline.first_of_list(told), told + 1)
            if outline.has(outline.before_in_stretch(object_.start, 3), "previously", "ongoing", "started"):
                continue
            verdict, told_at = self.behind[last], self.told_at[last]
            for at in range(first, last + 1):
                if outline.is_drug[at]:
                    self.behind[at] = None
            for at in object_:
                if outline.is_drug[at]:
                    self.behind[at], self.told_at[at] = verdict, told_at

    def _spare_the_partners(self) -> None:
        """'She was meant to get A with the B, but it was never given': B was given."""
        outline, pieces = self.outline, self.outline.pieces
        for last in [at for at, said in self.behind.items() if said == "denied"]:
            first, told = outline.first_of_list(last), outline.in_stretch(self.told_at[last])
            if last in told or not any(pieces[at].key == "it" for at in told):
                continue
            if not outline.has(outline.before_in_stretch(first, 4), "planned", "correction"):
                continue
            inside = range(first + 1, last - 1)
            leads = next((at for at in inside if "joined" in outline.cues[at] and pieces[at + 1].key == "the"), last)
            for at in range(leads + 1, last + 1):
                if outline.is_drug[at]:
                    self.behind[at] = "received"

    def _is_joined(self, at: int, following: int) -> bool:
        outline = self.outline
        if self.behind[following] == "denied" and (
            self._is_left_out_of(at, following) or self._has_its_rank(at, following)
        ):
            return False
        return outline.stretch[at] == outline.stretch[following] and outline.joins(at, following)

    def _has_its_rank(self, at: int, following: int) -> bool:
        """Whether an ordinal says that a drug before one that was not given was: 'THP first, and T-DM1 not at all'."""
        return any(
            piece.value is not None and piece.kind != "number" for piece in self.outline.pieces[at + 1 : following]
        )

    def _is_left_out_of(self, regimen: int, drug: int) -> bool:
        """Whether it is one drug of a regimen that was not given: 'TCHP with pertuzumab omitted'."""
        part = agents_of(self.outline.pieces[drug]) or ()
        whole = agents_of(self.outline.pieces[regimen]) or ()
        return self.outline.pieces[regimen].is_("regimen") and len(part) == 1 and part[0] in whole

    def _is_another_name(self, at: int, following: int) -> bool:
        """Whether a bracket only names a drug again: 'zanidatamab (ZW25)'."""
        pieces = self.outline.pieces
        return pieces[following - 1].key == "(" and agents_of(pieces[at]) == agents_of(pieces[following])

    def _is_listed(self, at: int, following: int, listed: bool) -> bool:
        """Whether two drugs belong to one list that ends in 'and' or 'or': 'A, B and C not given'."""
        outline = self.outline
        between = outline.pieces[at + 1 : following]
        early = outline.has(range(max(self.first, at - 1), at), "early")  # adjuvant TH, T-DXd and TCT not available
        if not outline.joins(at, following) or (early and any(piece.key == "," for piece in between)):
            return False
        if self.behind.get(following) == "denied" and self._has_its_rank(at, following):
            return False
        if any(piece.key == "and" or "or" in piece.roles for piece in between):
            return True
        said = self.behind.get(following)
        if said is not None and self._are_in_one_bracket(at):
            return True
        if said == "denied" and self._is_a_bare_list(",", _LIST):
            return True
        if said == "unavailable" and self._is_a_bare_list(",", _PAIR) and self._names_single_drugs():
            return True
        if said in _REFUSALS | {"same", "mentioned"} and self._is_of_every(following):
            return True
        if said in ("planned", "mentioned") and self._is_plural() and self._is_a_bare_list(",/+", _PAIR):
            return True
        return listed and any(piece.key == "," for piece in between)

    def _are_in_one_bracket(self, at: int) -> bool:
        """Whether a bracket of drugs ends in one, of which, as of the others in it, the words behind it are said: 'the
        new ones (A, B) not used'."""
        return self.in_bracket and self.outline.pieces[at + 1].key == ","

    def _is_of_every(self, last: int) -> bool:
        """Whether what is said behind a list is said of all its drugs: 'A, B both unused', 'A, B: neither given'."""
        behind = self.outline.pieces[last + 1 : min(self.end, last + 5)]  # ': no to each'
        return any(
            piece.roles & {"every", "nor"} or piece.cue("had_neither") or piece.key == "none" for piece in behind
        )

    def _is_plural(self) -> bool:
        """Whether the verb behind the last drug is of several: 'A, B and C were mentioned'."""
        last = self.outline.last_drug[self.end - 1]
        return last is not None and "of_several" in self.outline.pieces[last + 1].roles

    def _is_a_bare_list(self, signs: str, least: int) -> bool:
        """Whether a sentence is, behind a greeting, nothing but drugs, such signs and what is said of all: 'A, B, C not
        used.'"""
        outline = self.outline
        drugs = [at for at in range(self.first, self.end) if outline.is_drug[at]]
        if len(drugs) < least or not all(self._says_nothing(at) for at in range(self.first, drugs[0])):
            return False
        inside = range(drugs[0], drugs[-1])
        return all(outline.is_drug[at] or outline.pieces[at].key in signs for at in inside)

    def _names_single_drugs(self) -> bool:
        """Whether a sentence names no regimen, which may have been given: 'THP, T-DM1, T-DXd not available'."""
        return not any(self.outline.pieces[at].is_("regimen") for at in range(self.first, self.end))

    def _says_nothing(self, at: int) -> bool:
        """Whether a piece is of no weight: 'Dear colleague,'."""
        return self.outline.pieces[at].kind in ("silent", "sign") and not self.outline.cues[at]

    def _answers_something_else(self, at: int) -> bool:
        """Whether a 'no' behind a finding in brackets answers for it: 'EC/TH (pCR no)', 'T-DXd (toxicity: none)'."""
        outline, named = self.outline, at - 1
        named -= named > 0 and outline.pieces[named].key in (":", "=")
        if named < at - 1 and outline.is_drug[named] and self._heads_an_effect(outline.first_of_list(named)):
            return True  # response to T-DM1: none
        if outline.drug_in_stretch_before(at) is not None or outline.stretch_start[at] > named:
            return False
        cues = {"early", "surgery", "toxicity", "a_toxicity", "progression", "responding"}
        return bool(outline.cues[named] & cues) or bool(outline.pieces[named].kinds & {"noun", "find"})

    def _heads_an_effect(self, first: int) -> bool:
        """Whether an effect of the drugs that follow heads a sentence: 'response to', 'effect of'."""
        pieces, led = self.outline.pieces, first - 1
        if led - 1 < self.first or pieces[led].key not in ("to", "of", "on", "under", "from", "with"):
            return led >= self.first and pieces[led].key in ("response", "responses", "benefit", "effect")
        return pieces[led - 1].key in ("response", "effect", "benefit", "remission")

    def _only_ends(self, at: int) -> bool:
        """Whether nothing of weight follows in the stretch: 'T-DM1 she never made.', 'T-DXd, which she has never had
        and which we can get'."""
        pieces, end = self.outline.pieces, self.outline.stretch_end[at]
        ahead = [piece.key for piece in pieces[at + 1 : at + 3]]
        if ahead in (["and", "which"], ["but", "which"]):
            return True
        return end - at < 5 and all(
            pieces[each].kind in ("silent", "sign") or "so_far" in self.outline.cues[each]
            for each in range(at + 1, end)
        )

    def _verdict(self, at: int) -> str | None:  # noqa: PLR0911, PLR0912, PLR0915  (one kind of cue after another)
        """What a piece says of the drug before it."""
        outline = self.outline
        cues, piece = outline.cues[at], outline.pieces[at]
        last = at + 1 == outline.stretch_end[at] or outline.pieces[at + 1].kind == "sign"
        single = piece.end - piece.start == len(piece.key)
        if piece.key == "it" and (self._is_what_it_was(at) or self._took_some_of_it(at)):
            return "received"
        if "at_own_cost" in cues:
            return "given" if self._tells_how_much(at) or outline.tells_a_course(at, timed=True) else "mentioned"
        leads = (
            piece.key == "which" and at + 1 < self.end and outline.is_drug[at + 1]
        )  # during which she had vinorelbine
        if ("previously" in cues or "had_it" in cues) and not leads and outline.tells_it_was_given(at):
            return "received"
        if "previously" in cues and piece.key in ("was", "were") and self._says_it_was_given(at):
            return "given"
        if "affirmed" in piece.roles and self._is_set_against_a_denial(at):
            return "received"
        if (
            piece.key in _ALSO
            and last
            and outline.stretch_start[at] == at - 1 != self.first
            and outline.is_drug[at - 1]
        ):
            return "likewise"
        if piece.key in _FINE and last and (self._is_all_of_a_sentence(at - 1) or self._is_set_against_access(at)):
            return "available"  # tucatinib not licensed here; T-DXd ok
        if piece.key == "full" and last and outline.plays(range(self.first, at), "trial"):
            return "unavailable"  # trial with T-DXd full
        if piece.key == "included" and last and outline.is_drug[at - 1] and (said := self._said_of_all(at)) is not None:
            return said
        if "is" in piece.roles and last and outline.drug_in_stretch_before(at) == at - 1:
            return "ellipsis"
        if last and ("we_have" in cues or (piece.key == "is" and self._is_by_now(at))):
            return "available"
        if piece.key in ("-", "n") and self._is_minus(at):
            return "denied"
        if piece.key == "no" and ticks_off(outline, at):
            return "denied"
        supposes = "if" in piece.roles or ("hypothetical" in cues and piece.key in _SUPPOSING)
        if supposes and self._is_its_condition(at):
            return "planned"
        if piece.key == "if" and last and "than" in cues and outline.drug_in_stretch_before(at) == at - 1:
            return "planned"  # tucatinib if funded, lapatinib if not
        if (
            piece.key == "free" and outline.pieces[at - 1].key == "-" and outline.is_drug[at - 2]
        ):  # tucatinib-free; a taxane-free regimen
            return "denied" if last else "mentioned"
        if "started" in cues and self._tells_when_it_began(at):
            return "received"
        if piece.key == "out" and last and single and outline.is_drug[at - 1] and at > self.first:
            return "unavailable"  # T-DXd out
        if piece.key in ("standard", "soc") and self._is_called_standard(at):
            return "mentioned"
        if "trial" in piece.roles and self._is_a_trial_that_runs(at):
            return "mentioned"
        if "handed_over" in piece.roles and self._only_came(at):
            return "mentioned"
        if piece.key == "delivered" and any(outline.pieces[on].kind == "cycles" for on in outline.near(at)):
            return "given"  # six cycles of THP delivered
        if piece.key == "only" and self._is_had_only_elsewhere(at):
            return "mentioned"
        if cues & {"went_on", "negated_after"} and outline.left_out_of(at) is not None:
            return "denied"
        if "application" in piece.roles:  # T-DXd request with the insurer
            parted = at - 2 >= self.first and outline.is_drug[at - 2] and outline.pieces[at - 1].key in (":", "-", ",")
            if outline.is_drug[at - 1] or parted:
                return self._decided(at)
        if (
            "topical" in piece.roles
            and outline.last_drug[at] is not None
            and at - (outline.last_drug[at] or 0) <= _PAIR
        ):
            return "mentioned"  # 5-FU cream
        if piece.key == "not" and is_counterfactual(outline.pieces, at):
            return None  # T-DXd would be next had she not had ILD
        if piece.key == "soon" and self._is_when_it_was_begun(at):
            return "given"
        if piece.key in _PRINTED and at > self.first and outline.is_drug[at - 1]:
            return "given" if outline.has(range(at, self.end), *_GIVEN) else "mentioned"
        if "paper" in piece.roles and self._stands_in_a_paper(at):
            return "mentioned"
        if "stock" in piece.roles and outline.is_drug[at - 1]:
            return self._in_stock(at)
        if piece.key == "alternative" and last and outline.is_drug[at - 1] and at > self.first:
            return "planned"  # HP planned; T-DXd alternative
        if piece.key == "is" and self._is_called_better(at):
            return "mentioned"
        if piece.key in ("via", "through") and self._is_offered_through(at):
            return "mentioned"
        if piece.key == "do" and last and outline.pieces[at - 1].key == "we" and not piece.asked:
            return "available"  # T-DM1 we do
        if "cannot" in piece.roles and last and self._is_ours(at):
            return "unavailable"  # tucatinib we can get, T-DXd we cannot
        if piece.key in ("not", "dont", "t") and last and self._is_what_we_do_not(at):
            return "unavailable"  # T-DM1 we have, T-DXd we do not
        if not cues:
            planned = piece.kind == "date" and outline.has(outline.before_in_stretch(at, 2), "planned")  # offered 2023
            told = piece.kind in _TIMES and piece.key != ITEM
            return "given" if told and not (piece.asked or planned) else None
        if "progression" in cues and self._must_come_first(at):
            return "planned"
        if cues <= _GIVEN:
            return "given"
        if cues & {"negated_after", "negation", "declined"} and self._is_why(at):
            return None
        if "failed_to" in cues:  # lapatinib failed to arrive
            return "mentioned"
        if "unproven" in cues:
            return None if outline.has(outline.before_in_stretch(at, 12), "progression") else "mentioned"
        if "negated_after" in cues and (self._is_after_some(at) or self._is_one_dose(at)):
            return "given"
        if "negation" in cues and self._is_not_by_another(at):
            return None
        if cues & {"negation", "negated_after"} and self._is_none_since(at):
            return "given"
        if cues & {"negated_after", "declined"} and is_of_a_later_dose(outline, at):
            return "given"
        if "negation" in cues and outline.denies_a_change(at):
            return "given"
        if outline.denies_an_examination(at):
            return None
        if piece.key == "never" and single and at + 1 < self.end and outline.pieces[at + 1].key == "again":
            return "mentioned"  # T-DM1 never again: she may have had it
        if denies_what_was_named(outline, at):
            return "denied"
        if "negated_after" in cues and not denies_what_follows(outline, at):
            if self._is_not_to_be_had(at):
                return "same"
            return self._what_never_was(at) if piece.key == "never" and single else "denied"
        if "negation" in cues and piece.asked and at > self.first and "or" in outline.pieces[at - 1].roles:
            return "asked"
        if "negation" in cues and self._answers_something_else(at):
            return None
        if "negation" in cues and outline.denies_the_next(at):
            return None
        if "negation" in cues and (last or self._only_ends(at)):
            if "saying" in outline.pieces[at - 1].roles and at > self.first:
                return "declined"
            if piece.key == "denied" and self._is_of_an_application(at):
                return "unavailable"
            left_out = self._is_not_what_was_said(at) or self._is_not_to_be_had(at)
            return "same" if "too" in piece.roles or left_out else "denied"
        if piece.key == "against" and self._sets_drugs_against(at):
            return "asked"
        if "declined" in cues:
            if self._is_only_supposed(at):
                return None  # T-DXd next, and if she refuses, T-DM1
            if self._is_of_what_follows(at) or self._is_of_chemotherapy(at):
                return None
            hers = outline.pieces[at - 1].key in ("she", "he") or "the_patient" in outline.cues[at - 1]
            by_others = (self._is_of_an_application(at) and not hers) or self._is_by_a_payer(at)
            return "unavailable" if by_others else "declined"
        if "excluded" in cues and self._is_said_at_once(at):  # T-DXd was ruled out because of fibrosis
            return "unavailable"
        if piece.key in _PROGRAMMES and self._was_had_through(at):
            return "given"
        if piece.key == "wish" and self._is_why_it_was_so(at):
            return "given"
        if piece.key == "covers" and outline.drug_in_stretch_before(at) == at - 1 and self._covers_disease(at):
            return "mentioned"
        if cues & {"unavailable", "available", "access"}:
            return None if self._is_of_what_follows(at) else self._access_said(at)
        if "versus" in cues:
            return "asked"
        if (
            "in_general" in cues
            and not self._is_the_reason(at)
            and not (
                piece.key in ("only", "era") and outline.has(range(at + 1, self.end), *_GIVEN)
            )  # only in a trial, PD
            and (outline.drug_in_stretch_before(at) is not None or self._is_beside_a_bracket(at))
        ):
            return "mentioned"
        if "asked_back" in cues and (piece.asked or (piece.key == "yes" and not single)):
            return "asked"  # T-DM1: yes or no
        if piece.key == "next" and self._is_what_she_had_next(at):
            return "given"
        if (piece.key == "next" and self._names_the_month_of_what_comes(at)) or (
            piece.key == "after" and self._waits_for_a_scan(at)
        ):
            return "planned"
        if piece.key == "next" and self._leads_on_from_what_she_had(at):
            return None
        if "planned" in cues and "stopped" in cues and self._did_harm(at):
            return "given"
        if "planned" in cues and (self._counts_cycles(at) or self._plans_to_go_on(at) or self._is_how_it_was(at)):
            return "given"
        if "planned" in cues and "stopped" in cues and self._is_given_up_after_some(at):
            return "given"
        arrow = outline.stretch_start[at] == at and self._leads_on_by_an_arrow(at)
        if "planned" in cues and (arrow or outline.tells_why(at)):
            return None
        if "planned" in cues and self._is_told_to_have_run(at):
            return "given"
        if "planned" in cues and not ("upcoming" in cues and self._is_all_that_is_said(at)):
            goes_on = piece.key == "next" and single
            asked_alone = piece.asked and outline.stretch_start[at] == at  # THP given, next?
            led = self._leads_to_what_was_told(at) and not self._is_what_comes_next(at)
            goes_on = goes_on and (asked_alone or led)
            return None if goes_on or self._plans_what_follows(at) else "planned"
        if cues & {"upcoming", "pending"} and "ongoing" not in cues and self._is_still_to_come(at):
            return "upcoming"
        if "unknown" in cues and (last or outline.pieces[at + 1].key in ("until", "till", "yet")):
            heading = at - 2 if outline.pieces[at - 1].key == ":" else at - 1
            if heading >= self.first and outline.is_drug[heading] and outline.last_drug[heading] is None:
                return "unknown"  # T-DXd unknown until the board
        if "suitability" in cues and outline.last_drug[at] == at - 1:
            return "unavailable" if self._is_denied_before(at - 1) else "planned"
        opens = outline.stretch_start[at] == at > self.first + 1 and outline.pieces[at - 1].key == ","
        opens = opens and outline.is_drug[at - 2]  # lapatinib, not for certain; not 'THP and, perhaps, T-DM1'
        if "uncertain" in cues and (opens or self._is_said_at_once(at, "so")) and self._is_all_that_is_said(at):
            return "mentioned"
        if "correction" in cues and self._is_corrected(at):
            return "corrected"
        if "negation" in cues and self._is_no_superlative(at):
            return "given"
        if "previously" in cues and last and self._is_what_she_had(at):
            return "given"
        if "negation" in cues and self._is_left_open(at):
            return "mentioned"
        return "given" if cues & _GIVEN else None

    def _says_it_was_given(self, at: int) -> bool:
        """Whether 'was given' stands right behind a drug, and nothing supposes or denies it: 'a note that A was given';
        not 'if A was given', 'A was given as an option'."""
        outline, pieces, behind = self.outline, self.outline.pieces, at + 1
        if at == self.first or not outline.is_drug[at - 1] or pieces[at].asked:
            return False
        led = range(outline.stretch_start[at], outline.first_of_list(at - 1))
        if any(outline.plays(led, role) for role in ("if", "whether", "modal", "nor")) or outline.has(led, "negation"):
            return False
        return behind >= self.end or pieces[behind].kind != "known" or pieces[behind].key in ("without", "with")

    def _stands_in_a_paper(self, at: int) -> bool:
        """Whether a drug only stands in a paper as something that is no treatment: 'A stands in a letter from 2023 as
        "to be discussed"'."""
        outline, pieces, drug = self.outline, self.outline.pieces, self.outline.drug_in_stretch_before(at)
        if drug is None or at - drug > 2 * _LIST or not any(pieces[on].key == "in" for on in range(drug + 1, at)):
            return False
        rest = outline.rest_of_stretch(at, 6)
        as_ = next((on for on in rest if pieces[on].key == "as"), None)
        return as_ is not None and outline.has(range(as_, outline.stretch_end[at]), "planned", "upcoming", "choices")

    def _tells_when_it_began(self, at: int) -> bool:
        """Whether what was planned was begun, as its time shows: 'recommended T-DXd, started in March', 'proposed and
        started last week'."""
        outline, piece = self.outline, self.outline.pieces[at]
        opens = outline.stretch_start[at] == at or "joined" in outline.cues[at - 1] or outline.pieces[at - 1].key == "-"
        if not opens or piece.asked or outline.drug_in_stretch_after(at) is not None:
            return False
        return outline.tells_when_it_began(at)

    def _is_had_only_elsewhere(self, at: int) -> bool:
        """Whether a drug is only to be had in some country: 'margetuximab is only in the US'."""
        outline, behind = self.outline, at + 1
        drug = outline.drug_in_stretch_before(at)
        if drug is None or behind >= self.end or not outline.pieces[behind].is_("say", "region"):
            return False
        return at - drug <= 2 and "is" in outline.pieces[at - 1].roles

    def _said_of_all(self, at: int) -> str | None:
        """What is said before of more than the drug that is included: 'refuses every IV drug, T-DXd included'."""
        outline, told = self.outline, range(self.first, at - 1)
        if outline.pieces[at - 2].key != "," or any(outline.is_drug[each] for each in told):
            return None
        denied = outline.has(told, "negation", "untreated")
        if outline.has(told, "declined"):
            return "declined"
        if outline.has(told, "unavailable") or (denied and outline.has(told, "available")):
            return "unavailable"
        return "denied" if denied else None

    def _is_when_it_was_begun(self, at: int) -> bool:
        """Whether 'as soon as' leads to what had happened: 'THP as soon as lung mets appeared'; not 'as soon as
        possible', 'as soon as it is funded'."""
        outline, behind = self.outline, at + 1
        if behind >= self.end or outline.pieces[behind].key != "as" or outline.pieces[at - 1].key != "as":
            return False
        rest = range(behind + 1, min(self.end, behind + 1 + _MARKED_WITHIN))
        past = any("past" in outline.pieces[each].roles and "progression" in outline.cues[each] for each in rest)
        past = past or any(outline.pieces[each].key in _BY_THEN for each in rest)
        happened = past or outline.plays(rest, "detected")
        return happened and not outline.has(rest, "planned", "available", "unavailable")

    def _is_the_reason(self, at: int) -> bool:
        """Whether 'because of' leads to an allergy: it is why something was done: 'swapped because of allergy'."""
        before = [self.outline.pieces[each] for each in self.outline.before_in_stretch(at, 3)]
        return any(piece.roles & {"why", "reason"} for piece in before) and "a_toxicity" in self.outline.cues[at]

    def _is_of_an_application(self, at: int) -> bool:
        """Whether what is refused is a request for a drug: 'request for T-DXd refused', 'coverage of T-DXd denied'."""
        before = self.outline.before_in_stretch(at)
        return self.outline.plays(before, "application") or any(is_a_request(self.outline, each) for each in before)

    def _decided(self, at: int) -> str:
        """What a request for a drug came to: 'T-DXd: appeal lost', 'T-DXd request granted'."""
        outline, rest = self.outline, self._up_to_a_condition(at)
        if outline.has(rest, "pending"):
            return "unknown"
        behind = range(at + 1, min(at + _LIST + 1, rest.stop))
        if outline.plays(behind, "granting"):
            return "available"
        return "unavailable" if outline.plays(behind, "revoking") else "mentioned"

    def _in_stock(self, at: int) -> str | None:
        """What is told of how much there is of a drug: 'T-DM1 quota finished for this year', 'T-DXd supply is fine'."""
        pieces, rest = self.outline.pieces, self.outline.rest_of_stretch(at, 6)
        if self.outline.has(rest, *_GIVEN - {"completed", "stopped"}):
            return None
        for place in rest:
            if "used_up" in pieces[place].roles:
                return "unavailable"
            if pieces[place].key in _ENOUGH:
                return "available"
            if not (pieces[place].kind in ("silent", "date") or "is" in pieces[place].roles):
                break
        return "mentioned"

    def _is_what_it_was(self, at: int) -> bool:
        """Whether 'it was' tells of the drug right before it that it was given: 'so T-DM1 it was', 'THP it became'."""
        pieces, behind = self.outline.pieces, at + 2
        if at <= self.first or not self.outline.is_drug[at - 1] or behind > self.end:
            return False
        if pieces[at + 1].key not in ("was", "became") or pieces[at].asked:
            return False
        return (
            behind == self.end or pieces[behind].kind == "sign" or pieces[behind].key in ("and", "then", "from", "for")
        )

    def _took_some_of_it(self, at: int) -> bool:
        """Whether some of a drug was taken: 'prescribed, but she only took two doses of it'."""
        outline, pieces = self.outline, self.outline.pieces
        before = outline.before_in_stretch(at, 7)
        if (
            at - 2 < self.first
            or pieces[at - 1].key not in ("of", "dose", "doses")
            or outline.has(before, "negation", "negated_after")
        ):
            return False
        counted = any(
            pieces[each].kind in ("cycles", "duration", "number") or "cycles" in outline.cues[each] for each in before
        )
        took = any(pieces[each].key in _TOOK for each in before) or outline.has(before, "has_had", "previously")
        return counted and took and not pieces[at].asked

    def _tells_how_much(self, at: int) -> bool:
        """Whether cycles, a time or a date stand right behind: 'self-funded, 2 cycles', 'self-paid since May'."""
        behind = at + 1 + (at + 1 < self.end and self.outline.pieces[at + 1].key == ",")
        if behind >= self.end:
            return False
        piece = self.outline.pieces[behind]
        return piece.kind in ("cycles", "duration", "date", "number") or "since" in piece.roles

    def _is_why_it_was_so(self, at: int) -> bool:
        """Whether 'her wish' only says why a drug was given as is told: 'HP alone for 11 months, her wish'."""
        outline, first = self.outline, self.outline.stretch_start[at]
        drug = outline.last_drug[at]
        alone = outline.stretch_end[at] - first <= _LIST and all(
            outline.pieces[each].kind in ("silent", "sign") or "the_patient" in outline.cues[each]
            for each in outline.in_stretch(at)
            if each != at
        )
        lasted = drug is not None and any(
            outline.pieces[each].kind in ("duration", "cycles") for each in range(drug, first)
        )
        return alone and lasted and first > self.first

    def _covers_disease(self, at: int) -> bool:
        """Whether a drug is said to reach a place of disease, and not to be paid: 'T-DXd covers the brain as well'."""
        following = self.outline.next_meaning(at)
        return following is not None and self.outline.pieces[following].is_("noun")

    def _is_by_now(self, at: int) -> bool:
        """Whether 'it is' takes back that a drug was not to be had: 'T-DXd was not reimbursed until May, now it is'."""
        outline = self.outline
        if "unavailable" not in outline.said or at <= self.first:
            return False
        return outline.pieces[at - 1].key == "it" and outline.has(range(self.first, at), "unavailable")

    def _is_not_what_was_said(self, at: int) -> bool:
        """Whether 'is not' leaves out what was said of the drug before: 'T-DM1 is reimbursed but T-DXd is not'."""
        pieces, is_drug = self.outline.pieces, self.outline.is_drug
        if pieces[at].key in _IS_NOT:
            drug = at - 1 - (at - 1 > self.first and pieces[at - 1].key == "still")
            return drug >= self.first and is_drug[drug]
        if at - 2 < self.first or not is_drug[at - 2]:
            return False
        return "is" in pieces[at - 1].roles or pieces[at - 1].key in ("had", "has", "did", "does")

    def _is_not_to_be_had(self, at: int) -> bool:
        """Whether 'not' behind a drug is of the access that was told of the one before: 'T-DXd funded, tucatinib still
        not'."""
        outline, pieces, drug = self.outline, self.outline.pieces, at - 1
        drug -= drug > self.first and pieces[drug].key in ("still", "as", "yet")
        if drug <= self.first or not outline.is_drug[drug] or pieces[at].key != "not":
            return False
        last = outline.last_drug[outline.first_of_list(drug)]
        if last is None or last < self.first:
            return False
        between = range(last + 1, drug)
        return outline.has(between, "available") and not outline.has(between, "previously", "has_had", *_GIVEN)

    def _is_all_of_a_sentence(self, at: int) -> bool:
        """Whether a drug begins the sentence, and no other is named in it."""
        at -= at > self.first and self.outline.pieces[at].key == ":"  # T-DM1: possible
        return at == self.first and self.outline.is_drug[at] and self.outline.drug_in_sentence_after(at) is None

    def _is_set_against_access(self, at: int) -> bool:
        """Whether a drug that is 'ok' is set against one that is not to be had: 'Enhertu shortage, tucatinib ok'."""
        outline, drug = self.outline, at - 1
        if drug <= self.first or not outline.is_drug[drug] or outline.stretch_start[at] != drug:
            return False
        return outline.has(range(self.first, drug), "unavailable", "available")

    def _is_without_it(self, at: int) -> bool:
        """Whether what was planned is pointed at as left out: 'palbociclib was proposed but she had HP without it'."""
        outline = self.outline
        if "negation" not in outline.cues[at] or outline.pieces[at].key != "without" or at + 1 == self.end:
            return False
        return "pronoun" in outline.pieces[at + 1].roles

    def _is_denied_before(self, drug: int) -> bool:
        """Whether a denial stands right before a drug: 'not a T-DXd candidate'."""
        return self.outline.has(self.outline.before_in_stretch(drug, 2), "negation")

    def _is_still_to_come(self, at: int) -> bool:
        """Whether a drug is only ordered, awaited or due; 'on Tuesday' may be past."""
        past = self.outline.pieces[at].key == "on" and "planned" not in self.outline.cues[at]  # not 'on order'
        past = past or self.outline.is_in_a_later_cycle(self.outline.last_drug[at])
        return not past and (self._is_all_that_is_said(at) or self._is_said_at_once(at))

    def _is_all_that_is_said(self, at: int) -> bool:
        """Whether a stretch says nothing else of its drug: 'T-DXd C1 tomorrow'; not 'cycle 5 tomorrow'."""
        outline = self.outline
        drug = outline.drug_in_stretch_before(at)
        between = range(outline.stretch_start[at] if drug is None else drug + 1, at)
        rest = range(at + 1, outline.stretch_end[at])
        return all(self._adds_nothing(each) for each in (*between, *rest))

    def _is_said_at_once(self, at: int, *roles: str) -> bool:
        """Whether nothing, or words of such roles, stand between a drug and 'ordered', 'due', 'requested'."""
        pieces, drug = self.outline.pieces, self.outline.drug_in_stretch_before(at)
        reason = pieces[at].key == "due" and at + 1 < self.end and pieces[at + 1].key == "to"
        if drug is None or reason:
            return False
        return all(
            (piece.kind == "silent" and "examination" not in piece.roles)
            or piece.key == "had"  # had been ordered
            or not piece.roles.isdisjoint(roles)
            for piece in pieces[drug + 1 : at]
        )

    def _adds_nothing(self, at: int) -> bool:
        """Whether a piece only links a drug to when it is to come, or says when."""
        piece = self.outline.pieces[at]
        if "examination" in piece.roles:
            return False
        if piece.kind in ("cycles", "number"):
            return bool(piece.value == 1)
        if piece.key == "cycle":  # cycle 1 tomorrow
            return True
        light = piece.kind in ("silent", "sign", "date") or piece.roles & {
            "is",
            "modal",
            "first_dose",
            "harmless",
            "so",
        }
        return bool(light) or bool(self.outline.cues[at] & {"upcoming", "planned", "uncertain"})

    def _plans_what_follows(self, at: int) -> bool:
        """Whether a plan opens a stretch of its own and leads to a drug: 'PD on T-DXd, switch to TCT', or to one that
        was told before: 'doce/HP x2, we would like to drop doce'."""
        outline = self.outline
        following = outline.drug_in_stretch_after(at)
        if following is None or outline.has(range(at, following), "after", "then"):
            return False
        return outline.stretch_start[at] == at or self._is_named_again(following)

    def _is_named_again(self, drug: int) -> bool:
        """Whether a drug is a part of the list in the stretch before: 'doce/HP x2, we would like to drop doce'."""
        outline = self.outline
        last = outline.last_drug[outline.stretch_start[drug]]
        if last is None or last < self.first:
            return False
        listed = range(outline.first_of_list(last), last + 1)
        agents = {agent for at in listed if outline.is_drug[at] for agent in agents_of(outline.pieces[at]) or ()}
        return agents > set(agents_of(outline.pieces[drug]) or ("",))

    def _is_by_a_payer(self, at: int) -> bool:
        """Whether it was the payer who refused a drug: 'T-DXd turned down twice by her insurer'."""
        outline, rest = self.outline, self.outline.rest_of_stretch(at, 6)
        by = next((each for each in rest if outline.pieces[each].key == "by"), None)
        return by is not None and outline.plays(range(by + 1, min(by + 4, outline.stretch_end[at])), "payer")

    def _is_of_chemotherapy(self, at: int) -> bool:
        """Whether a refusal is of the chemotherapy named beside it: 'letrozole, no chemo because she refuses it',
        'letrozole in a woman unwilling to have chemo'."""
        outline = self.outline
        if outline.plays(outline.rest_of_stretch(at, 3), "chemo"):
            return True
        pointed = at + 1 < self.end and "pronoun" in outline.pieces[at + 1].roles
        return pointed and outline.plays(outline.before_in_stretch(at, 6), "chemo")

    def _is_what_she_had(self, at: int) -> bool:
        """Whether a stretch ends in what the patient had: 'T-DM1 she had', 'it was lapatinib that she took'."""
        drug = self.outline.drug_in_stretch_before(at)
        if drug is None or "the_patient" not in self.outline.cues[at] or self.outline.pieces[at].asked:
            return False
        return all(self.outline.pieces[each].kind == "silent" for each in range(drug + 1, at))

    def _is_no_superlative(self, at: int) -> bool:
        """Whether a drug was 'not the last', 'not the only one': it was given."""
        ahead = [piece.key for piece in self.outline.pieces[at + 1 : at + 3]]
        return ahead[:1] == ["the"] and ahead[1:] in (["last"], ["only"], ["first"], ["latest"])

    def _counts_cycles(self, at: int) -> bool:
        """Whether a number of cycles was planned, and given: 'six planned, 6 given', 'planned 6, given 3'."""
        outline, pieces = self.outline, self.outline.pieces
        beside = [each for each in (at - 1, at + 1) if self.first <= each < self.end]
        if not any(pieces[each].kind in ("number", "cycles") for each in beside):
            return False
        behind = range(at + 1, min(self.end, at + 7))
        given = any(pieces[each].key in _OF_CYCLES for each in behind)
        given = given and not any(pieces[each].value == 0 for each in behind)
        return given and not outline.has(behind, "negation", "negated_after")

    def _is_what_comes_next(self, at: int) -> bool:
        """Whether 'next' ends what is said of a drug that is asked about, or before any was told: 'T-DM1 next, or
        T-DXd?', 'T-DM1 next, she had THP'."""
        outline = self.outline
        if at + 1 == self.end or outline.pieces[at + 1].key not in (",", ":") or not outline.is_drug[at - 1]:
            return False
        return outline.pieces[at].asked or outline.last_drug[outline.first_of_list(at - 1)] is None

    def _leads_to_what_was_told(self, at: int) -> bool:
        """Whether 'next' leads to another drug, and how they went or when they were given is told: 'THP, T-DM1 next,
        then T-DXd, PD on both'; not 'T-DM1 next, if PD then T-DXd'."""
        outline, rest = self.outline, range(at + 1, self.end)
        if outline.drug_in_sentence_after(at) is None or outline.has(rest, "planned") or outline.plays(rest, "if"):
            return False
        timed = any(outline.pieces[each].kind in ("date", "duration", "cycles") for each in rest)
        timed = timed or any(outline.pieces[each].key in ("first", "last") for each in range(self.first, self.end))
        return timed or outline.has(rest, *_GIVEN, "responding", "previously")

    def _is_how_it_was(self, at: int) -> bool:
        """Whether 'next', 'rechallenge' is followed by when it was, or at once by how it ended, behind what was told:
        'THP 2018, HP + vinorelbine as rechallenge 2023', 'THP, PD. Lap/cape next, PD.'"""
        outline, behind = self.outline, at + 1
        drug = outline.drug_in_stretch_before(at)
        piece = outline.pieces[at]
        again = piece.key.startswith("rechallenge")
        told = drug is not None and (again or outline.last_drug[outline.first_of_list(drug)] is not None)
        if not told or piece.asked or behind >= self.end or piece.key not in ("next", "rechallenge", "rechallenged"):
            return False
        if outline.pieces[behind].kind in ("date", "cycles") and piece.key != "next":
            return True
        if outline.tells_a_course(at):
            return True
        last = self.end - (outline.pieces[self.end - 1].key in (".", ";"))
        ended = outline.pieces[behind].key in (",", ":", "-") and (again or behind + 2 == last)
        return ended and behind + 1 < last and "strong_progression" in outline.cues[behind + 1]

    def _names_the_month_of_what_comes(self, at: int) -> bool:
        """Whether 'next in' leads to a month without its year, and nothing more is told: 'T-DXd next in June'."""
        outline, month = self.outline, at + 1
        if at == self.first or not outline.is_drug[at - 1] or "then" not in outline.cues[at] or month >= self.end:
            return False
        return (outline.pieces[month].kind, outline.pieces[month].value) == ("date", None) and self._is_the_last(month)

    def _waits_for_a_scan(self, at: int) -> bool:
        """Whether the last drug of all waits for an examination, and nothing more is told: 'THP, PD. T-DXd after
        echo'."""
        outline, scan = self.outline, at + 1
        if at == self.first or not outline.is_drug[at - 1] or scan >= self.end:
            return False
        if "examination" not in outline.pieces[scan].roles:
            return False
        first = outline.first_of_list(at - 1)
        alone = outline.stretch_start[first] == first and outline.last_drug[first] is not None  # not 'had THP after CT'
        return alone and not any(outline.is_drug[scan:]) and self._is_the_last(scan)

    def _is_the_last(self, at: int) -> bool:
        """Whether nothing of a clause stands behind a word but its sign, and nothing tells later how its drug went."""
        pieces, ends = self.outline.pieces, self.outline.sentence_end[at]
        following = self.outline.next_drug[at]
        rest = range(at + 1, len(pieces) if following is None else following)
        if self.outline.has(rest, *_GIVEN, "responding"):
            return False  # T-DXd after PET. PD in the liver.
        if at + 1 >= ends:
            return True
        alone = at + 2 == ends or "the_patient" in self.outline.cues[at + 2]  # T-DXd next in June, she had THP
        return pieces[at + 1].kind == "sign" and alone

    def _is_called_better(self, at: int) -> bool:
        """Whether a drug is only called the better one: 'because TCT is better'; not 'T-DXd is better tolerated'."""
        pieces, behind = self.outline.pieces, at + 2
        if at == self.first or not self.outline.is_drug[at - 1] or at + 1 >= self.end:
            return False
        better = pieces[at + 1].key in ("better", "best", "superior", "preferable")
        return better and (behind >= self.end or pieces[behind].kind == "sign")

    def _is_offered_through(self, at: int) -> bool:
        """Whether 'via' only says from where a drug may be had: 'T-DXd via the company', 'through the NHS'; not through
        a programme."""
        outline = self.outline
        rest = outline.rest_of_stretch(at)
        if outline.pieces[at].key == "through" and not outline.plays(rest[:2], "payer"):
            return False
        if at == self.first or not outline.is_drug[at - 1] or outline.drug_in_stretch_after(at) is not None:
            return False
        if outline.has(range(at + 1, min(self.end, at + _MARKED_WITHIN)), *_GIVEN):
            return False  # through the insurance, PD
        given_by = any(outline.pieces[each].key in (*_PROGRAMMES, *_LINES_IN) for each in rest)
        if given_by or outline.has(rest, "access", *_GIVEN):
            return False
        return not any(outline.pieces[each].kind in ("date", "cycles", "duration") for each in rest)

    def _was_had_through(self, at: int) -> bool:
        """Whether a drug was had through a programme, as its course shows: 'T-DXd via compassionate use, PD'."""
        outline = self.outline
        if outline.pieces[at].asked or outline.drug_in_sentence_after(at) is not None:
            return False
        rest = range(at + 1, self.end)
        since = bool(rest) and "ever_since" in outline.pieces[rest.start].roles
        return since or outline.tells_a_course(at, timed=True) or outline.has(rest, "on_it")

    def _is_what_she_had_next(self, at: int) -> bool:
        """Whether 'next' ends what was had: 'THP; the T-DM1 she had next failed', 'Kadcyla she received next'."""
        outline = self.outline
        told = "previously" in outline.cues[at - 1] and not outline.pieces[at].asked
        return told and outline.drug_in_stretch_after(at) is None

    def _leads_on_from_what_she_had(self, at: int) -> bool:
        """Whether 'next' stands between what was had and the drug it leads to: 'THP already received next T-DXd?'"""
        outline = self.outline
        told = outline.has(outline.before_in_stretch(at, 2), "previously")
        told = told and outline.drug_in_stretch_before(at) is not None
        return told and at + 1 < self.end and outline.is_drug[at + 1]

    def _did_harm(self, at: int) -> bool:
        """Whether a toxicity is told of a drug, and then what may be a plan given up: 'Abraxane: allergic, binned'."""
        outline, drug = self.outline, self.outline.last_drug[at]
        told = range(self.first if drug is None else drug + 1, at)
        return outline.has(told, "a_toxicity", "toxicity") or outline.plays(told, "toxicity_word")

    def _plans_to_go_on(self, at: int) -> bool:
        """Whether what is planned is to go on with, or to stop, what is given: 'well on THP, but wants to go on'."""
        outline, following = self.outline, self.outline.next_meaning(at, 3)
        if following is None or following >= outline.stretch_end[at] or outline.drug_in_stretch_after(at) is not None:
            return False
        return bool(outline.cues[following] & {"ongoing", "carried_on", "stopped"})

    def _is_none_since(self, at: int) -> bool:
        """Whether a denial is only of the time since: 'T-DM1 in 2021, none since', 'T-DM1 once, never again'."""
        behind = self.outline.pieces[at + 1 : at + 2]
        return (
            any("ever_since" in piece.roles or piece.key == "again" for piece in behind)
            and not self.outline.is_drug[at - 1]
        )

    def _is_after_some(self, at: int) -> bool:
        """Whether a drug was left out only after some cycles: 'paclitaxel omitted after 4', 'since June'."""
        pieces = self.outline.pieces[at + 1 : at + 3]
        return (
            len(pieces) == 2
            and pieces[0].key in ("after", "from", "since", "at")
            and (pieces[1].kind in ("number", "cycles", "duration", "date") or self._is_cycles(pieces[1]))
        )

    def _must_come_first(self, at: int) -> bool:
        """Whether a drug would have to fail before another is paid for: 'lapatinib must fail before they pay A', 'T-DM1
        has to fail first'."""
        outline, pieces, led = self.outline, self.outline.pieces, at - 1
        if led < self.first or pieces[at].asked:
            return False
        if pieces[led].key == "must":
            return True
        return (
            pieces[led].key == "to"
            and led > self.first
            and pieces[led - 1].key in ("has", "have", "needs", "need")
            and (outline.drug_in_stretch_before(at) is not None)
        )

    def _sets_drugs_against(self, at: int) -> bool:
        """Whether 'against' leads from one drug to another: 'a trial of T-DM1 against lapatinib'."""
        outline, following = self.outline, at + 1
        return at > self.first and outline.is_drug[at - 1] and following < self.end and outline.is_drug[following]

    def _is_a_trial_that_runs(self, at: int) -> bool:
        """Whether a drug only says which trial runs or recruits: 'T-DXd trial open', 'several T-DM1 trials'."""
        outline, pieces, behind = self.outline, self.outline.pieces, at + 1
        if at == self.first or not outline.is_drug[at - 1] or outline.plays(outline.before_in_stretch(at - 1, 3), "in"):
            return False
        behind += behind < self.end and "is" in pieces[behind].roles
        several = pieces[at].key in ("trials", "studies", "protocols")
        return several or (behind < self.end and pieces[behind].key in _RUNNING_TRIAL)

    def _is_told_to_have_run(self, at: int) -> bool:
        """Whether how long it was given, and how it ended, stands right behind a plan: 'T-DM1 recommended, 8 cycles,
        PD', 'HP on the advice of the surgeon, ran until PD'."""
        outline, pieces, last = self.outline, self.outline.pieces, self.outline.stretch_end[at] - 1
        last -= pieces[last].kind == "sign"
        drug = outline.drug_in_stretch_before(at)
        if drug is None or pieces[at].asked or last + 1 >= self.end or outline.drug_in_sentence_after(last) is not None:
            return False
        plan = pieces[at + 1 : last + 1]
        if not all(piece.kind == "silent" or piece.roles & {"adviser", "giver"} for piece in plan):
            return False
        behind = range(last + 1, min(self.end, last + _MARKED_WITHIN))
        timed = any(pieces[each].kind in ("duration", "cycles") for each in behind)
        ran = any(pieces[each].key in ("ran", "lasted") for each in behind)
        if outline.plays(outline.before_in_stretch(at, _MARKED_WITHIN), "if") or outline.has(
            behind, "negation", "negated_after", "planned"
        ):
            return False
        if any(pieces[each].key == "later" for each in behind):
            return False
        ended = outline.has(behind, "progression", "toxicity", "stopped", "a_toxicity")
        return (ran and (timed or ended)) or (timed and ended and outline.tells_a_course(last))

    def _leads_on_by_an_arrow(self, at: int) -> bool:
        """Whether a plan is a step of its own: 'THP -> T-DM1 -> plan -> T-DXd'."""
        arrow = at + 1
        return arrow + 1 < self.end and self.outline.pieces[arrow].key == "->" and self.outline.is_drug[arrow + 1]

    def _is_called_standard(self, at: int) -> bool:
        """Whether a drug is only called the standard of a line: 'T-DXd is second-line standard'."""
        outline, drug = self.outline, self.outline.drug_in_stretch_before(at)
        if drug is None or at - drug > _LIST + 1:
            return False
        between = outline.pieces[drug + 1 : at]
        is_ = bool(between) and between[0].key in ("is", "are")
        return is_ and all(piece.kind in ("silent", "line") or "is" in piece.roles for piece in between)

    def _is_one_dose(self, at: int) -> bool:
        """Whether only some doses of a drug were left out: 'one T-DM1 omitted for her holidays', 'last cycle of TCT
        skipped'; not 'first T-DM1 omitted', 'T-DM1 omitted'."""
        outline, pieces = self.outline, self.outline.pieces
        drug = outline.drug_in_stretch_before(at)
        if drug is None or pieces[at].key not in ("omitted", "skipped", "missed"):
            return False
        counted = outline.first_of_list(drug) - 1
        counted -= counted > self.first and pieces[counted].key == "of"
        dosed = counted > self.first and (pieces[counted].key in ("dose", "doses") or self._is_cycles(pieces[counted]))
        counted -= dosed and pieces[counted].kind != "cycles"
        if counted < self.first:
            return False
        piece = pieces[counted]
        later = piece.kind in ("line", "ordinal") and piece.value > 1
        counts = piece.kind in ("number", "cycles") and piece.key != "first"
        return later or counts or piece.key in ("last", "single", "another") or (dosed and piece.key == "a")

    def _is_not_by_another(self, at: int) -> bool:
        """Whether it is only denied that somebody else refused: 'refused by the payer, not by her'."""
        outline, by = self.outline, at + 1
        return (
            outline.pieces[at].key == "not"
            and by < self.end
            and outline.pieces[by].key == "by"
            and (outline.drug_in_stretch_after(at) is None)
        )

    def _is_given_up_after_some(self, at: int) -> bool:
        """Whether not a plan, but a treatment was given up: 'binned after cycle 2', 'scrapped after 6 weeks: rash'."""
        outline = self.outline
        rest = range(at + 1, self.end)
        at_once = (outline.has(rest[:1], "at_progression") and outline.pieces[at + 1].key != "for") or (
            outline.has(rest[1:2], "progression") and outline.pieces[at + 1].key in ("at", "on", "upon")
        )
        if at_once:  # shelved at PD
            return True
        ended = outline.has(rest, "a_toxicity", "toxicity", "progression")
        return self._is_after_some(at) and (ended or all(outline.pieces[each].kind != "duration" for each in rest[1:2]))

    def _is_set_against_a_denial(self, at: int) -> bool:
        """Whether 'yes' sets a drug against one that was not given: 'has not had T-DXd, T-DM1 yes'."""
        outline, told, behind = self.outline, range(self.first, self.end), at + 1
        alone = behind == self.end or outline.pieces[behind].kind == "sign" or outline.is_drug[behind]
        return (
            at > self.first
            and outline.is_drug[at - 1]
            and alone
            and not outline.pieces[at].asked
            and outline.has(told, "negation", "negated_after")
            and not outline.has(told, "planned", "available", "unavailable", "access")
        )

    def _what_never_was(self, at: int) -> str:
        """What a plain 'never' behind a drug says of it: 'T-DXd, never'; but 'never missed a dose', 'never in CR', or
        'THP worked, T-DXd never did'."""
        outline, rest = self.outline, self.outline.rest_of_stretch(at, 4)
        if rest and outline.pieces[rest[0]].key == "did" and outline.has(range(self.first, at), "took_effect"):
            return "given"
        if outline.has(rest, *_GIVEN - {"ongoing"}, "responding", "stable") or any(
            outline.pieces[each].is_("scope", "dosing") for each in rest
        ):
            return "given"
        verb = next((outline.pieces[each] for each in rest if outline.pieces[each].kind != "silent"), None)
        unknown = verb is not None and verb.kind == "word" and "harmless" not in verb.roles
        return "mentioned" if unknown else "denied"

    def _is_of_the_first(self, at: int, told_at: int) -> bool:
        """Whether it is the first cycle that never was: 'consented for T-DM1, C1 never happened'."""
        piece = self.outline.pieces[at]
        return self.outline.pieces[told_at].key == "never" and (piece.value == 1 or self._is_cycles(piece))

    def _is_cycles(self, piece: Piece) -> bool:
        """Whether a word stands for cycles: 'the first cycles', 'C4'."""
        return "cycles" in piece.cues or (piece.key[:1] == "c" and piece.key[1:].isdigit())

    def _opens_a_bracket(self, at: int) -> bool:
        """Whether a piece is the first of a bracket behind a drug: 'tucatinib (preferred)'."""
        return at - 1 > self.first and self.outline.pieces[at - 1].key == "(" and self.outline.is_drug[at - 2]

    def _is_beside_a_bracket(self, at: int) -> bool:
        """Whether a piece is the first of a bracket behind a drug, or stands right behind one: 'A (trial) tempting'."""
        return self._opens_a_bracket(at) or (self.outline.stretch_start[at] == at and self._follows_a_bracket(at))

    def _follows_a_bracket(self, at: int) -> bool:
        return at > self.first and self.outline.pieces[at - 1].key == ")"

    def _is_its_condition(self, at: int) -> bool:
        """Whether 'if' stands right behind a drug: 'T-DXd (if you agree)', 'tucatinib only if the insurer agrees'."""
        outline = self.outline
        drug = outline.drug_in_stretch_before(at)
        if drug is None:
            return self._opens_a_bracket(at) or self._is_if_it_can_be_had(at)
        between = outline.pieces[drug + 1 : at]
        return all(piece.kind == "silent" or "went_on" in piece.cues or "harmless" in piece.roles for piece in between)

    def _is_if_it_can_be_had(self, at: int) -> bool:
        """Whether a clause of its own asks for access to the drug before it: 'T-DXd, if it can be got, else TCT'."""
        outline = self.outline
        if at != outline.stretch_start[at] or outline.drug_in_stretch_after(at) is not None:
            return False
        rest = outline.rest_of_stretch(at)
        if outline.has(rest, "progression", "toxicity"):
            return False
        pointed = outline.plays(rest, "pronoun")
        can = outline.plays(rest, "modal")
        return (pointed and can) or outline.has(rest, "available", "unavailable", "access", "declined")

    def _is_only_supposed(self, at: int) -> bool:
        """Whether the clause of a refusal begins with 'if', behind 'and', too."""
        outline = self.outline
        first = outline.stretch_start[at]
        if first == self.first:
            return False
        first += outline.pieces[first].key in ("and", "but", "or", "so")
        return "if" in outline.pieces[first].roles and outline.drug_in_stretch_after(first) is None

    def _only_came(self, at: int) -> bool:
        """Whether packs of a drug are only told to have come, or to be on their way: 'tucatinib arrived', 'T-DXd was
        delivered to the wrong pharmacy'; not 'THP delivered, then PD', 'sent off T-DM1'."""
        outline, drug = self.outline, self.outline.drug_in_stretch_before(at)
        if drug is None or at - drug > _LIST or outline.drug_in_stretch_after(at) is not None:
            return False
        between = outline.pieces[drug + 1 : at]
        if not all(piece.kind == "silent" or piece.roles & {"is", "auxiliary"} for piece in between):
            return False
        if outline.pieces[at].key != "delivered":
            return True
        return at + 1 < self.end and outline.pieces[at + 1].key in ("to", "at", "today", "yesterday", "home", "late")

    def _is_minus(self, at: int) -> bool:
        """Whether a mark says no to a drug: 'pertuzumab (-)', 'THP y, T-DXd n', 'THP +, T-DM1 +, T-DXd -'."""
        pieces, following = self.outline.pieces, at + 1
        if at == self.first:
            return False
        behind = pieces[following].key if following < len(pieces) else ""
        if pieces[at].key == "n" or not self.outline.is_drug[at - 1]:
            return (
                self.outline.is_drug[at - 1]
                if behind in ("", ",", ";", ".")
                else behind == ")" and self._opens_a_bracket(at)
            )
        if pieces[at].glued:
            return False  # taxane- and trastuzumab-pretreated
        marked = (each for each in range(max(0, at - _MARKED_WITHIN), at - 1) if pieces[each].key in ("+", "-"))
        return behind in (",", ";") or (not behind and any(pieces[each + 1].key in (",", ";") for each in marked))

    def _is_why(self, at: int) -> bool:
        """Whether a refusal is only why a drug was chosen: 'vinorelbine because she did not want to lose her hair'."""
        outline = self.outline
        for back in outline.before_in_stretch(at, 5):
            if outline.pieces[back].key in ("because", "since") and outline.drug_in_stretch_before(back) is not None:
                drug = outline.drug_in_stretch_before(back)
                assert drug is not None
                return not outline.has(range(drug + 1, back), "negation", "negated_after", "unavailable", "declined")
        return False

    def _is_of_what_follows(self, at: int) -> bool:
        """Whether 'no access to' leads to a drug, right behind it."""
        outline = self.outline
        following = outline.next_meaning(at)
        if following is None or not outline.is_drug[following] or following >= outline.stretch_end[at]:
            return False
        told = outline.drug_in_stretch_before(at) is not None  # A is not reimbursed, so we think about B
        return not (told and outline.plays(range(at + 1, following), "so"))

    def _is_left_open(self, at: int) -> bool:
        """Whether a drug 'was not' something that says nothing of how it went: 'T-DXd was not on our list'."""
        outline = self.outline
        drug = outline.drug_in_stretch_before(at)
        bare = outline.pieces[at].key == "not" and outline.pieces[at].end - outline.pieces[at].start == len("not")
        adjacent = drug == at - 1 and bare  # tucatinib not to get in our country; not 'THP not followed by T-DM1'
        if drug is None or not (adjacent or outline.plays(range(drug + 1, at), "is")):
            return False
        between = [outline.pieces[each] for each in range(drug + 1, at)]
        if not all(piece.kind in ("silent", "sign") or "is" in piece.roles for piece in between):
            return False
        return not any(outline.cues[each] & (_GIVEN | {"no_progression"}) for each in outline.rest_of_stretch(at, 5))

    def _is_corrected(self, at: int) -> bool:
        """Whether 'sorry, I mean' puts the drug behind it in the place of the one before it."""
        outline, following = self.outline, self.outline.drug_in_sentence_after(at)
        if following is None:
            return False
        owned = outline.pieces[at].key in _OWNED  # Kadcyla, my mistake, she's on Enhertu
        return all(
            outline.pieces[each].kind in ("silent", "sign")
            or (owned and bool(outline.cues[each] & {"the_patient", "ongoing"}))
            for each in range(at + 1, following)
        )

    def _access_said(self, at: int) -> str | None:
        outline = self.outline
        stretch = self._up_to_a_condition(at)
        through = outline.pieces[at].key in _PROGRAMMES and outline.pieces[at - 1].key in ("via", "through", "by", "in")
        doubts = () if through else ("uncertain",)  # possible through a named patient programme
        left_open = [each for each in stretch if outline.pieces[each].key not in _ORDERED]  # available and ordered
        if outline.has(left_open, "unknown", "pending", *doubts) and "unavailable" not in outline.cues[at]:
            return "unknown"
        if "unavailable" in outline.cues[at]:
            return "unavailable"
        if "available" not in outline.cues[at]:
            if outline.has(outline.rest_of_stretch(at, 5), "available"):  # T-DXd access via compassionate use
                return None
            return "mentioned" if outline.is_drug[at - 1] else None  # a tucatinib access programme
        before = self._of_the_same_drug(at)
        denied = outline.has(before, "negation", "negated_after") or outline.plays(before, "cannot")
        return "unavailable" if denied else "available"

    def _of_the_same_drug(self, at: int) -> range:
        """The places before a word of access, not beyond why another drug was left out: 'no T-DM1, T-DXd is funded'."""
        outline, before = self.outline, self.outline.before_in_stretch(at, 5)
        drug = outline.drug_in_stretch_before(at)
        again = next((each for each in before if outline.pieces[each].key in ("which", "that")), None)
        if again is not None and outline.pieces[again - 1].key in ("and", "but"):
            return range(at - 1, again, -1)  # which she has never had and which we can get
        parted = drug is not None and drug - 1 in before and "why" in outline.pieces[drug - 1].roles
        return range(at - 1, drug - 1, -1) if parted and drug is not None else before

    def _up_to_a_condition(self, at: int) -> range:
        """The places of a stretch, without a condition that follows: 'available if needed'."""
        stretch = self.outline.in_stretch(at)
        conditional = (each for each in range(at + 1, stretch.stop) if "clausal" in self.outline.pieces[each].roles)
        return range(stretch.start, next(conditional, stretch.stop))

    def _is_ours(self, at: int) -> bool:
        """Whether 'we' stands between a drug and what is not possible, and nothing else: 'T-DXd we cannot'."""
        pieces = self.outline.pieces
        back = at - 1
        while back > self.first and (pieces[back].kind == "sign" or pieces[back].key == "can"):
            back -= 1
        return back > self.first and pieces[back].key == "we" and self.outline.is_drug[back - 1]

    def _is_what_we_do_not(self, at: int) -> bool:
        """Whether 'we do not' ends what is said of a drug: 'T-DM1 we have, T-DXd we do not', 'T-DXd we don't'."""
        pieces = self.outline.pieces
        back = at - 1
        while back > self.first and pieces[back].key in ("'", "do", "don", "have"):
            back -= 1
        return back > self.first and pieces[back].key == "we" and self.outline.is_drug[back - 1]

    def _is_the_latter(self, at: int) -> bool:
        """Whether a word stands for the last drugs of those named: 'the second only discussed', 'the latter never'."""
        piece = self.outline.pieces[at]
        return "latter" in piece.roles or (piece.kind == "silent" and piece.value == len("ab"))

    def _has_an_object(self, at: int) -> bool:
        """Whether a refusal names what it refuses: 'THP, declined T-DXd', 'THP, refuses more chemo', 'declines IV'."""
        for place in self.outline.rest_of_stretch(at, 5):
            if self.outline.is_drug[place] or "treatment" in self.outline.pieces[place].roles:
                return True
            if "pronoun" in self.outline.pieces[place].roles or self.outline.pieces[place].key == "and":
                return False  # she said no and had lap/cape
        return False

    def _ends_in_refusal(self, start: int, told_at: int) -> bool:
        """Whether a sentence ends in a refusal without an object: 'offered T-DXd, is afraid of ILD and said no'."""
        outline = self.outline
        ends = told_at + 1 == self.end or (told_at + 2 == self.end and outline.pieces[told_at + 1].kind == "sign")
        joined = outline.has(range(start, told_at), "joined", "new_word")
        led = [outline.pieces[at] for at in range(start, told_at)]
        named = any(piece.roles & {"treatment", "examination", "chemo"} or piece.is_("say") for piece in led)
        return ends and joined and not named and outline.drug_in_stretch_before(told_at) is None

    def _refers_back(self, start: int, told_at: int, verdict: str) -> bool:  # noqa: PLR0911  (one case after another)
        """Whether what is said in a stretch without a drug is said of the drug before it: 'but she refuses it'."""
        outline = self.outline
        if start == self.first or (verdict == "declined" and self._has_an_object(told_at)):
            return False
        if outline.pieces[start - 1].key == "(":  # of its own drug, where one follows: 'THP (refused T-DXd)'
            return verdict not in _REFUSALS or outline.drug_in_stretch_after(told_at) is None
        if verdict == "received" or (verdict == "declined" and self._ends_in_refusal(start, told_at)):
            return True
        if verdict == "given" and outline.pieces[start].key == "which":
            return outline.has(range(start, told_at + 1), "stopped", "progression", "toxicity", "completed")
        if verdict == "given":
            if "on_it" in outline.cues[told_at] and outline.pieces[start - 1].key == ",":
                led = range(start, told_at)  # T-DXd in mine, she is on it now
                return all(outline.pieces[at].kind == "silent" or "the_patient" in outline.cues[at] for at in led)
            return outline.pieces[start - 1].key == "," and outline.next_meaning(start - 1) == told_at
        if verdict == "asked" and "asked_back" in outline.cues[told_at]:
            return True
        stretch = range(start, outline.stretch_end[start])
        if any(outline.pieces[at].roles & {"pronoun", "subject"} or self._is_the_latter(at) for at in stretch):
            return True
        led = range(start, told_at)
        if verdict == "denied" and (outline.plays(led, "container") or outline.plays(led, "paper")):
            return True  # on the script but the box was never opened; pharmacy record: never collected
        return all(
            (outline.pieces[at].kind in ("silent", "sign") and "examination" not in outline.pieces[at].roles)
            or ((outline.pieces[at].kind == "date" or outline.pieces[at].key == "then") and verdict in _ACCESS)
            or (verdict in _ACCESS and ("payer" in outline.pieces[at].roles or outline.pieces[at].is_("say", "region")))
            or (verdict == "denied" and self._is_of_the_first(at, told_at))
            or (verdict == "denied" and "then" in outline.cues[at] and "negated_after" in outline.cues[told_at])
            or outline.cues[at] & {"new_word", "the_patient", "correction"}
            or outline.pieces[at].key == "none"
            or "present" in outline.pieces[at].roles
            or (verdict == "denied" and outline.pieces[at].key in _ADMITS)
            for at in range(start, told_at)
        )
