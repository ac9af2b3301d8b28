"""The brain: no metastases, not imaged, stable, active, symptomatic, or not known; what leaves that open is asked back.

Each mention is judged by its own words: those of its clause from where the brain becomes the subject, and the clauses
after it that go on without a subject of their own. Then the mentions are brought together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from messages.understanding.context import Context
from messages.understanding.drugs import names_drugs
from messages.understanding.named import Cue
from messages.understanding.scan import Piece
from messages.understanding.statements import Stated

UNORDERED = ("stable", "active")
"""What metastases may be of which growth and treatment are told, and not which came first."""
BARE = ("stable", "active", "symptomatic")
"""What metastases of which nothing more is said may be."""
SCAN_DENIED = ("none", "not_imaged")
"""What 'brain MRI: no' may mean: that there is nothing, or that there was none."""
_ANSWER = 5
"""Pieces of an answer up to the word that gives it, at most."""
_DATED = 6
"""Pieces from a local treatment to its date, at most."""
_CLAUSES = 4
"""Clauses behind the lesions that may tell of symptoms or treatment, at most."""
_BACK, _ON = 15, 30
"""Pieces looked at before and after a mention, at most."""
_STATES = (
    "treated", "stable", "symptomatic", "asymptomatic", "new", "progression", "no_progression", "responding", "pending",
    "planned", "declined", "not_imaged", "unknown", "uncertain", "negation",
)  # fmt: skip
_STATES_SET = frozenset(_STATES)
_BEFORE_NOW = ("was", "before", "previously", "from", "prior", "earlier")
"""What leads to a size of another time."""
_SETTLED = frozenset(("stable", "no_progression", "responding", "asymptomatic", "clear"))
"""What says that treated metastases give no trouble any more."""
_OF_STATE = (_STATES_SET - {"negation", "uncertain", "planned", "declined"}) | {"to_treat", "untreated"}
_CUES_OF_FACTS = _STATES_SET | {"weak_progression", "came_back", "excluded"}
_GROUPS_OF_FACTS = frozenset(("<lesion>", "<held>", "<clear>", "<empty>", "<count>"))
"""Cues and groups of the lexicon by which a word may say something of the brain."""
_LIGHT: tuple[Cue, ...] = ("new", "previously", "uncertain", "joined", "asked_weak")
"""Cues that may stand between a negation and what it denies."""
_FOUND = ("disease", "on", "by", "per")
"""What may stand between a denial and the scan that shows it."""
_NOTHING: frozenset[str] = frozenset()
_ONE_MORE = ("another", "further", "additional", "more", "second", "third")
_JUST = ("just", "only", "the", "local")
"""What may stand between 'or' and a local treatment."""
_TO_A_DRUG = 6
"""Pieces from 'or' to the drug it sets against a local treatment, at most."""
_INSIDE = ("in", "the", "her")
_NOT = ("not", "isn", "isnt", "aren", "arent", "wasn", "hasn", "doesn", "didn")
"""What denies of the brain what was said of the rest."""
_MOST_ACTIVE = 8
"""Mentions of active lesions beside which symptoms are looked for: the sentences behind the first are behind all."""
_OF_ITSELF: tuple[Cue, ...] = ("stable", "not_imaged", "unknown", "no_progression", "responding", "pending")
"""What is said of the brain alone, behind it, where organs before it grew."""
_NO_SUBJECT = ("brain", "brain_mets", "brain_imaging", "imaging", "staging")


_T = TypeVar("_T")


@dataclass(slots=True)
class _Mention:
    """One mention of the brain, and what its words say."""

    place: int
    window: range
    said: frozenset[str]
    """Cues of state, and `lesion`, `imaging`, `clear`, `count`, `to_treat` (local treatment is planned)."""
    denied: str | None
    """What is denied: the `imaging`, the `need` for it, the `lesions`, or nothing."""


@dataclass(slots=True)
class _Verdict:
    value: str
    """A value of the field, or `bare`: metastases, and nothing more is said."""
    pieces: list[Piece]
    grows: bool = False
    """Whether growth is told."""
    counted: bool = False
    """Whether nothing but a number says that the lesions are active."""
    metastatic: bool = True
    """Whether lesions or their growth are named; treatment of the brain alone names none."""
    treated: bool = False
    """Whether local treatment is told."""
    scanned_clear: bool = False
    """Whether only a clear scan says that there are none."""
    doubted: bool = False
    """Whether it is doubted if treated lesions grow: 'radionecrosis or progression'."""


class _ByPlace(dict[int, _T]):
    """Something of each piece, by its place: worked out only where it is asked for."""

    def __init__(self, work_out: Callable[[int], _T]) -> None:
        super().__init__()
        self._work_out = work_out

    def __missing__(self, place: int) -> _T:
        found = self[place] = self._work_out(place)
        return found


_HAS_SYMPTOMS = (
    "any", "have", "had", "got", "get", "give", "gives", "giving", "cause", "caused", "causing", "produce", "producing",
    "show", "showing", "her", "him", "the", "of", "real",
)  # fmt: skip
"""What may stand between a denial and the symptoms it denies."""
_NOT_HAD = (
    "doesn", "doesnt", "does", "didn", "didnt", "did", "don", "dont", "do", "hasn", "hasnt", "has", "haven", "not",
    "never", "without", "no", "denies", "denied", "isn", "aren", "wasn", "weren",
)  # fmt: skip
"""What denies them."""
_ONLY_OF_THE_BRAIN = ("srs", "radiosurgery", "wbrt", "gamma", "cyberknife", "gammaknife", "whole")
"""How local treatment begins that no other organ has."""
_BRAIN_NOUNS = ("brain_mets", "brain_imaging", "brain")


class Brain:
    """Reads every mention of the brain."""

    def __init__(self, context: Context, stated: Stated) -> None:
        self.context = context
        self.pieces = context.pieces
        self.stated = stated
        self._mentioned = [
            place
            for place, piece in enumerate(self.pieces)
            if "noun" in piece.kinds
            and piece.is_("noun", "brain_mets", "brain_imaging", "brain")
            and not context.is_family(place)
        ]
        self._subjects = _ByPlace(self._is_subject)
        self._facts = _ByPlace(self._facts_of)
        self._goes_on: dict[int, bool] = {}
        self._is_a_site = any(self._list_begins(place) < place for place in self._mentioned)
        """Whether the brain stands in a list of organs: 'liver + brain'."""
        self._windows = {place: self._window(place) for place in self._mentioned}
        self.covered: frozenset[int] = frozenset().union(*self._windows.values())
        """Places whose words belong to the brain: 'untreated' there is no word of the patient."""
        self._largest_before = self._sizes_before() if any(piece.key in ("mm", "cm") for piece in self.pieces) else {}
        """The largest size told of the brain before each place that tells one."""

    def read(self, *, seizing: bool) -> None:
        """State what the text says of the brain. `seizing`: it tells of a seizure now."""
        verdicts = []
        for place in self._mentioned:
            verdict = self._verdict(self._mention(place))
            if verdict is not None:
                verdicts.append(verdict)
        if verdicts:
            self._state(verdicts, seizing=seizing)

    # ---- the words of one mention ------------------------------------------------------------------------------------

    def _window(self, place: int) -> range:
        """The places of the words that speak of the brain at a place."""
        first = self._list_begins(place)
        clause = self.context.clause(first)
        while first > max(clause.start, place - _BACK) and not self._subjects[first - 1]:
            first -= 1
        stop = min(self._stop_after_question(place), place + _ON)
        shared = self._shared_lesion(place)
        if shared is None:
            shared = self._shared_course(place)
        last = (place if shared is None else shared) + 1
        while last < stop and not self._subjects[last]:
            before = self.pieces[last - 1]
            enters = self.pieces[last].clause != before.clause
            bracket = before.kind == "sign" and before.key in "()"
            header = before.sentence != self.pieces[last].sentence  # 'Brain? Never imaged.'
            if enters and not bracket and not header and not self._is_continued(last):
                break
            if self.pieces[last].key == "and" and self._is_of_another_site(last + 1):
                break
            last += 1
        return range(first, last)

    def _is_of_another_site(self, place: int) -> bool:
        """Whether a word of state is of the site right behind it: 'stable brain and | growing liver mets'."""
        said = place + 1 < len(self.pieces) and bool(self._facts[place])
        return said and self.pieces[place + 1].is_("noun", "organ", "organ_mets", "extracranial")

    def _stop_after_question(self, place: int) -> int:
        """Where the words end that may be of the brain: behind a header, its answer with what goes on from 'yes' or a
        number: 'brain mets? yes, 2, new'."""
        stop, end = self.context.stop_after_header(place), self.context.sentence(place).stop
        if stop == end or not self.pieces[place].asked:
            return stop
        counts = self.pieces[end].kind == "number" or self.context.of(self.pieces[end], "answer", "count")
        return self.context.sentence(end).stop if counts else stop

    def _list_begins(self, place: int) -> int:
        """Where the list of organs begins that the brain is one of: 'PD in liver and brain', 'stage IV (bone, CNS)'."""
        first = place
        while first > 1 and first > place - _BACK and self.pieces[place].is_("noun", "brain"):
            last = first - 1
            while last > 1 and self.pieces[last].key in _INSIDE:  # 'in liver and in the brain'
                last -= 1
            joiner, organ = self.pieces[last], self.pieces[last - 1]
            joins = joiner.key == "and" or (joiner.kind == "sign" and joiner.key in ",/+&")
            listed = organ.is_("noun", "organ") or (
                organ.is_("noun", "organ_mets") and self.context.of(organ, "lesion")  # mets in liver and brain
            )
            if not joins or not listed or organ.sentence != self.pieces[place].sentence:
                break
            if joiner.key == "," and self._has_a_state_of_its_own(place):
                break
            first = last - 1
        opened = first < place and first > 0 and self.pieces[first - 1].key == "("
        return first - 1 if opened else first

    def _has_a_state_of_its_own(self, place: int) -> bool:
        """Whether what is said of the brain stands right behind it: 'PD in the liver, brain not imaged'."""
        following = place + 1
        if following >= len(self.pieces) or self.pieces[following].clause != self.pieces[place].clause:
            return False
        return self.pieces[following].cue(*_OF_ITSELF)

    def _shared_lesion(self, place: int) -> int | None:
        """Where the metastases are named that the brain shares with organs behind it: 'brain and liver mets', 'brain,
        lung and bone metastases'."""
        if not self.pieces[place].is_("noun", "brain"):
            return None
        for at in range(place + 1, min(self.context.sentence(place).stop, place + _BACK)):
            piece = self.pieces[at]
            if piece.is_("noun", "organ_mets"):
                joined = self.pieces[at - 1].key in ("and", "/", "+", "&") and self.context.of(piece, "organ")
                return at if joined else None
            if not (piece.is_("noun", "organ") or piece.key in ("and", "/", "+", "&", ",")):
                return None
        return None

    def _shared_course(self, place: int) -> int | None:
        """Where the last of the places is named that the brain shares its growth with: 'brain and liver both
        progressing', 'brain, lung and bone are growing'."""
        named = self.pieces[place]
        if not named.is_("noun", "brain", "brain_mets") or (place and self._facts[place - 1] - {"count"}):
            return None  # stable brain and growing liver
        if place and (self.context.is_denied_at_once(place) or self.pieces[place - 1].key in ("no", "neither", "nor")):
            return None
        if named.is_("noun", "brain_mets") and self.pieces[place + 1 : place + 2] and self.pieces[place + 1].key == ",":
            return None  # brain mets, liver and bone progressing
        last, joined = place, False
        for at in range(place + 1, min(self.context.sentence(place).stop, place + _BACK)):
            piece = self.pieces[at]
            if piece.is_("noun", "organ", "organ_mets", "extracranial"):
                last = at
            elif piece.key in ("and", "/", "+", "&"):
                joined = True
            elif joined and piece.is_("say", "extracranial_disease"):
                return at if self._tells_growth_of_the_body(at) else None
            elif "progression" in piece.cues and joined and last > place:
                return last
            elif piece.key != "," and not piece.roles & {"every", "is"} and piece.key not in ("the", "have", "has"):
                return None
        return None

    def _tells_growth_of_the_body(self, place: int) -> bool:
        """Whether a phrase says that disease outside the brain grows: 'brain and body are progressing'."""
        return any(
            each.kind == "say" and each.name == "extracranial_disease" and each.value == "progressing"
            for each in self.pieces[place].concepts
        )

    def _is_subject(self, place: int) -> bool:
        """Whether a piece turns to something else than the brain."""
        piece = self.pieces[place]
        if not piece.concepts:
            return piece.kind in ("line", "fuzzy")
        noun = "noun" in piece.kinds
        if noun and piece.is_("noun", "pr"):  # a receptor, or a partial response of what stands right before it
            at = place - 1 if place > 1 and self.pieces[place - 1].key == ":" else place  # 'brain: PR'
            led = at > 0 and names_drugs(self.pieces[at - 1]) and self._only_says_when_scanned(at - 1)
            return not (led or (at and self.pieces[at - 1].is_("noun", *_NO_SUBJECT)))
        if names_drugs(piece):
            return not self._only_says_when_scanned(place)
        if (noun and piece.is_("noun", *_NO_SUBJECT)) or not piece.cues.isdisjoint(_STATES_SET):
            return False
        if "say" in piece.kinds:
            return not piece.is_("say", "setting", "treatment", "platelets")
        return noun or "find" in piece.kinds

    def _only_says_when_scanned(self, place: int) -> bool:
        """Whether drugs only say when, or what for, the brain was imaged: 'brain MRI for the T-DXd trial: clear', 'MRI
        brain on TCT: stable'; not 'brain MRI clear on T-DXd'."""
        leads = place - 1
        while leads > 0 and place - leads < _ANSWER and self.pieces[leads].kind in ("cycles", "number", "line"):
            leads -= 1
        leads -= leads > 0 and self.pieces[leads].key == "the"
        if leads < 1 or self.pieces[leads].key not in ("for", "on", "under", "before", "after", "during"):
            return False
        scan = leads - 1 - (self.pieces[leads - 1].key in ("done", "performed", "made", "taken"))
        return scan >= 0 and self.pieces[scan].is_("noun", "brain_imaging")

    def _is_continued(self, first: int) -> bool:
        """Whether the clause that begins here goes on about the brain: words of state, and no subject of its own."""
        if first not in self._goes_on:
            self._goes_on[first] = self._continues(first)
        return self._goes_on[first]

    def _continues(self, first: int) -> bool:
        stop = self.context.sentence(first).stop
        if self._is_what_it_showed(first):
            return True
        for at in range(first, min(stop, first + _ON)):
            piece = self.pieces[at]
            if self._subjects[at] or piece.is_("noun", "brain_mets", "brain_imaging"):
                return False
            if self._excludes(at):  # suspected on CT, not confirmed on MRI
                return True
            if "ongoing" in piece.cues and not self._has_symptoms_at(at + 1):  # 'still has left weakness'
                return False
            counted = "count" in self._facts[at] and at + 1 < stop and "lesion" in self._facts[at + 1]
            if not _OF_STATE.isdisjoint(self._facts[at]) or self.context.of(piece, "size") or counted:
                return not self._turns(at)
            if "none" in self._facts[at]:  # 'head MRI: meningioma, no mets'
                return self.context.next_word(at) is None or self.context.clause(at).stop == at + 1
        return False

    def _is_what_it_showed(self, first: int) -> bool:
        """Whether a clause without a subject tells that a scan was made at last, or only that it was clear: 'MRI brain
        cancelled, done in May: clear', 'CT head, normal'."""
        clause = self.context.clause(first)
        told = [at for at in clause if self.pieces[at].kind != "sign"]
        if not told or any(self._subjects[at] for at in told):
            return False
        if len(told) == 1 and "clear" in self._facts[told[0]] and self.context.of(self.pieces[told[0]], "clear"):
            return True
        done = told[1] if len(told) > 1 and self.pieces[told[0]].key in ("now", "finally", "then", "since") else told[0]
        return self.context.of(self.pieces[done], "performed")

    def _has_symptoms_at(self, place: int) -> bool:
        """Whether a symptom stands at a place, or right behind the word there."""
        return any("symptomatic" in piece.cues for piece in self.pieces[place : place + 2])

    def _turns(self, place: int) -> bool:
        """Whether the rest of a clause turns to something else: 'stable on T-DXd'."""
        stop = min(self.context.clause(place).stop, place + _ON)
        return any(self._subjects[at] for at in range(place + 1, stop))

    def _facts_of(self, place: int) -> frozenset[str]:
        """What one piece says of the brain, where it stands in its words."""
        piece = self.pieces[place]
        if not self._may_say_something(piece):
            return _NOTHING
        found = self._states_of(place)
        if _says_none(piece) or self._rules_out_lesions(place):
            found.add("none")
        elif piece.is_("noun", "brain_mets") or piece.is_("say", "setting") or self.context.of(piece, "lesion"):
            found.add("lesion")
        elif piece.key == "new" and "progression" in found:  # 'new lesions'
            found |= {"lesion", "new"}
        elif "new" in found and self._is_new_one(place):
            found.add("lesion")
        if piece.is_("noun", "brain_imaging", "imaging"):
            found.add("imaging")
        if self._is_one_more(place):
            found |= {"new", "lesion"}
        of_a_symptom = place > 0 and "symptomatic" in self.pieces[place - 1].cues  # 'headaches disappeared'
        held = self.context.of(piece, "held") or piece.key.startswith("respond")
        if held and not of_a_symptom and not self.context.is_denied_at_once(place):
            found.add("responding")
        if self.context.of(piece, "clear", "empty") and "not_imaged" not in found and self._is_of_the_brain(place):
            found.add("clear")
        dated = place > 0 and self.pieces[place - 1].kind == "date"
        if piece.is_("say", "extracranial_disease") and self._tells_growth_of_the_body(place):
            found.add("progression")
        if self.context.of(piece, "count") or (piece.kind == "number" and not dated):
            found.add("count")
        return frozenset(found)

    def _said_at(self, places: Iterable[int]) -> frozenset[str]:
        """What the pieces at these places say of the brain."""
        return frozenset().union(*[self._facts[at] for at in places])

    def _may_say_something(self, piece: Piece) -> bool:
        """Whether a piece may say something of the brain, by itself or beside others."""
        if "noun" in piece.kinds or "say" in piece.kinds or piece.kind == "number":
            return True
        if not piece.cues.isdisjoint(_CUES_OF_FACTS) or "returns" in piece.roles or piece.key == "n":
            return True
        known = self.context.lexicon.groups.get(piece.key)
        if known is not None and not _GROUPS_OF_FACTS.isdisjoint(known):
            return True
        return piece.key in _ONE_MORE or piece.key == "back" or piece.key.startswith("respond")

    def _rules_out_lesions(self, place: int) -> bool:
        """Whether a scan is said to have excluded lesions: 'brain MRI last month ruled out lesions'."""
        if "excluded" not in self.pieces[place].cues or self.context.is_denied_at_once(place):
            return False
        following = self.context.next_word(place)
        return following is not None and self.context.of(following, "lesion")

    def _is_not_applicable(self, place: int) -> bool:
        """Whether the brain is answered 'N/A': 'brain mets: N/A'."""
        at = place - 1 - (place > 1 and self.pieces[place - 1].kind == "sign")
        return self.pieces[place].key == "n" and at >= 0 and self.pieces[at].is_("noun", *_BRAIN_NOUNS)

    def _states_of(self, place: int) -> set[str]:
        """The words of state in a piece, without those that are denied at once or only planned."""
        cues = self.pieces[place].cues
        found = set(cues & _STATES_SET)
        if "growth_doubted" in cues or ("necrosis" in cues and self._is_doubted(place)):
            return {"unknown", "growth_doubted"}
        if "weak_progression" in cues:
            found.add("progression")
        if "no_progression" in found and self.pieces[place].key in ("beyond", "past"):
            found = (found - {"no_progression"}) | {"progression"}  # T-DM1 continued past progression in the brain
        if "unavailable" in cues and self._is_not_applicable(place):
            found.add("unknown")
        returned = self._has_returned(place) or self.pieces[place].key in ("recurred", "relapsed")
        if not found and "came_back" not in cues and not returned:
            return found
        if "treated" in found and (self._is_yet_untreated(place) or self._is_of_a_part(place)):
            return {"untreated"}
        new = place > 0 and "new" in self.pieces[place - 1].cues  # 'no new symptoms'
        if self.context.is_denied_at_once(place - 1 if new else place):
            found -= {"symptomatic", "new", "progression", "stable"}
        if "symptomatic" in found and self._is_over(place):
            found.discard("symptomatic")
        if "symptomatic" in found and self._is_not_had(place):
            found = (found - {"symptomatic"}) | {"asymptomatic"}
        if (returned or "came_back" in cues) and (
            self._is_of_brain_mets(place) or (returned and self._opens(place)) or self._is_of_treated(place)
        ):
            found.add("progression")
        if "pending" in found and place:
            before = self.pieces[place - 1]
            if before.key == "was" or self.context.of(before, "other_test"):
                found.discard("pending")  # the MRI that was pending shows no mets; LMD, cytology pending
        if "progression" in found and self.pieces[place].is_("noun", "organ", "organ_mets"):
            found.discard("progression")  # brain mets treated, liver mets up
        if "progression" in found and self._is_no_growth_of_the_brain(place):
            found.discard("progression")
        if "treated" in found and self._is_to_come(place):
            found.discard("treated")
            found.add("to_treat")
        return found

    def _is_doubted(self, place: int) -> bool:
        """Whether a word is only suspected: 'DD radionecrosis', '?radionecrosis', 'radionecrosis suspected'."""
        before, behind = self.pieces[max(0, place - 2) : place], self.pieces[place + 1 : place + 3]
        return any("uncertain" in piece.cues for piece in (*before, *behind)) or any(
            piece.key == "?" for piece in behind[:1]
        )

    def _is_yet_untreated(self, place: int) -> bool:
        """Whether local treatment is denied: 'no SRS', 'none of them irradiated', 'never saw radiation', 'WBRT: no'."""
        behind = place + 1 + (place + 1 < len(self.pieces) and self.pieces[place + 1].key == ":")
        if behind < len(self.pieces) and self.pieces[behind].key in ("no", "none", "nil"):
            return behind + 1 == self.context.clause(place).stop or self.pieces[behind + 1].kind == "sign"
        first = self.context.clause(place).start
        at = place - 1
        while at >= first and (self.pieces[at].kind == "silent" or self.context.of(self.pieces[at], "undergoes")):
            if "since" in self.pieces[at].roles:  # 'no, not since SRS'
                return False
            at -= 1
        return at >= first and "negation" in self.pieces[at].cues

    def _is_of_a_part(self, place: int) -> bool:
        """Whether only some of several lesions were treated: '10 brain mets, only 3 treated', '1 of 3 mets treated'."""
        clause = self.context.clause(place)
        before = [self.pieces[at] for at in range(max(clause.start, place - _ANSWER), place)]
        keys = [piece.key for piece in before if piece.key not in ("of", "them", "these", "those", "was", "were")]
        counted = bool(before) and any(
            piece.kind == "number" or self.context.of(piece, "count") for piece in before if piece.key in keys[-1:]
        )
        if keys[-2:-1] == ["only"] and counted:
            return True
        for first, second, third in zip(before, before[1:], before[2:], strict=False):
            if second.key == "of" and first.kind == third.kind == "number" and first.value < third.value:
                return True
        return False

    def _has_returned(self, place: int) -> bool:
        """Whether a word says that something is there again: 'returned', 'have come back'."""
        piece = self.pieces[place]
        back = piece.key == "back" and place > 0 and self.pieces[place - 1].key in ("come", "came")
        return back or "returns" in piece.roles

    def _opens(self, place: int) -> bool:
        """Whether a word begins what its clause says, and nobody came back: 'irradiated in 2022, came back in May'."""
        before = range(self.context.clause(place).start, place)
        following = self.pieces[place + 1].key if place + 1 < len(self.pieces) else ""
        return following not in ("to", "for", "with") and all(
            (self.pieces[at].kind in ("silent", "sign") or self.pieces[at].cue("then", "new_word"))
            and self.pieces[at].key not in ("she", "patient", "pt")
            for at in before
        )

    def _is_not_had(self, place: int) -> bool:
        """Whether symptoms are denied over a verb or 'any': 'doesn't have symptoms', 'not causing any headache'."""
        at = place - 1
        while at > 0 and self.pieces[at].key in _HAS_SYMPTOMS:
            at -= 1
        return at >= 0 and "negation" in self.pieces[at].cues and self.pieces[at].key in _NOT_HAD

    def _is_over(self, place: int) -> bool:
        """Whether a symptom is told of the past only: 'headaches gone', 'formerly symptomatic'."""
        following = self.context.next_word(place)
        before = self.pieces[place - 1] if place else None
        ended = following is not None and self.context.of(following, "vanished")
        return ended or (before is not None and before.key in ("formerly", "previously", "initially", "once"))

    def _is_of_brain_mets(self, place: int) -> bool:
        """Whether brain metastases stand right before a word: 'brain lesions recurred'."""
        before = [piece for piece in self.pieces[max(0, place - 3) : place] if piece.kind != "silent"]
        return bool(before) and before[-1].is_("noun", "brain_mets")

    def _is_of_treated(self, place: int) -> bool:
        """Whether a relapse is told of what was treated: 'recurrence of the resected met', 'relapse at the cavity'."""
        behind = self.pieces[place + 1 : place + 4]
        return (
            bool(behind)
            and behind[0].key in ("of", "in", "at")
            and any("treated" in piece.cues or piece.key in ("cavity", "rim", "margin") for piece in behind)
        )

    def _is_no_growth_of_the_brain(self, place: int) -> bool:
        """'No CNS progression': it tells nothing of what is there."""
        if place < 2 or not self.pieces[place - 1].is_("noun", "brain"):
            return False
        return "negation" in self.pieces[place - 2].cues

    def _is_to_come(self, place: int) -> bool:
        """Whether a local treatment is only planned, or was declined: 'SRS planned', 'referred for WBRT'."""
        before, behind = self.pieces[max(0, place - 2) : place], self.pieces[place + 1 : place + 3]
        if self._is_not_wanted(place) or self._is_a_choice(place) or self._opens_a_question(place):
            return True
        refused = [piece for piece in (*before, *behind[:1]) if piece.clause == self.pieces[place].clause]
        return (
            self.pieces[place].asked
            or any(piece.cue("planned", "pending") for piece in (*before, *behind))
            or any(piece.cue("declined", "unavailable") for piece in refused)
        )

    def _opens_a_question(self, place: int) -> bool:
        """Whether a local treatment is the first step of what is asked about: 'SRS, then Enhertu?', 'surgery first?';
        not 'SRS in May, now Enhertu?', 'irradiated, then Enhertu?'"""
        pieces, sentence = self.pieces, self.context.sentence(place)
        if pieces[sentence.stop - 1].key != "?" or pieces[place].key.endswith("ed"):
            return False
        led, behind = pieces[sentence.start : place], pieces[place + 1 : min(place + _ANSWER, sentence.stop)]
        if any(piece.kind not in ("silent", "sign", "word") and "treated" not in piece.cues for piece in led):
            return False
        step = next((piece for piece in behind if piece.kind != "sign"), None)
        if any(piece.kind == "date" or piece.cue("completed", "previously", "has_had", "after") for piece in behind):
            return False
        return step is None or step.key in ("first", "and", "to") or step.cue("then", "treated") or names_drugs(step)

    def _is_a_case(self, place: int) -> bool:
        """Whether a bracket says in which case a drug would be given: 'depending on MRI A (clear), B (brain mets)'."""
        pieces, sentence = self.pieces, self.context.sentence(place)
        opened = next((at for at in range(place - 1, sentence.start, -1) if pieces[at].kind == "sign"), 0)
        bracket = pieces[opened].key == "(" and names_drugs(pieces[opened - 1])
        return bracket and any(piece.key in ("depending", "depends") for piece in pieces[sentence.start : opened])

    def _is_a_choice(self, place: int) -> bool:
        """Whether a local treatment is set against a drug, or against another: 'tucatinib vs WBRT', 'A or B or SRS'."""
        pieces, sentence = self.pieces, self.context.sentence(place)
        for step in (-1, 1):
            at = place + step
            at += step * (sentence.start <= at < sentence.stop and pieces[at].key in _JUST)
            if not sentence.start <= at < sentence.stop:
                continue
            if "versus" in pieces[at].cues:
                return True
            beyond = range(at + step, at + step * _TO_A_DRUG, step)
            if pieces[at].key == "or" and any(
                on in sentence and names_drugs(pieces[on]) for on in beyond if 0 <= on < len(pieces)
            ):
                return True
            if pieces[at].key == "or" and self._is_all_that_is_said(place if step > 0 else at - 1):
                return True
        return False

    def _is_all_that_is_said(self, first: int) -> bool:
        """Whether a choice of local treatment begins there that is not told to have been made: 'SRS or WBRT for 3 brain
        mets'; not 'had SRS or gamma knife in 2021'."""
        pieces, clause = self.pieces, self.context.clause(first)
        led = [piece for piece in pieces[clause.start : first] if piece.kind != "silent"]
        if led and led[-1].key != ":":
            return False
        told = pieces[first : clause.stop]
        return not any(
            piece.kind == "date" or piece.cue("completed", "previously", "stable", "has_had") for piece in told
        )

    def _is_not_wanted(self, place: int) -> bool:
        """Whether a local treatment is called something that it is not: 'neurosurgery not keen', 'SRS not possible'."""
        clause = self.context.clause(place)
        behind = [piece for piece in self.pieces[place + 1 : min(clause.stop, place + 4)] if "modal" not in piece.roles]
        return len(behind) > 1 and behind[0].key == "not" and behind[1].kind == "word"

    def _is_of_the_brain(self, place: int) -> bool:
        """Whether 'clear' or 'normal' belongs to what came before, and to no noun behind it."""
        following = self.pieces[place + 1] if place + 1 < len(self.pieces) else None
        if following is None or following.sentence != self.pieces[place].sentence:
            return True
        if (
            self.context.of(self.pieces[place], "negative")
            and place
            and self.pieces[place - 1].is_("noun", *_NO_SUBJECT)
        ):
            return True  # 'brain neg EF 60'
        return not following.is_("noun") or following.is_("noun", *_NO_SUBJECT)

    def _mention(self, place: int) -> _Mention:
        window = self._windows[place]
        said = self._said_at(window)
        if self.pieces[place].asked and (answer := self._denied_and_put_right(place)):
            window = range(place, answer.stop)
            return _Mention(place, window, self._said_at(answer) | {"lesion"}, None)
        if self._is_where_it_grew(place):
            said |= {"progression"}
        if self._is_treated_relapse(place, window):
            said -= {"new"}
        if self._is_larger_now(window):
            said |= {"progression", "lesion"}
        if self._is_only_known(place):
            said -= {"count"}
        if {"symptomatic", "treated"} <= said and self._is_settled_since(window):
            said -= {"symptomatic"}
        if window.start < place and self._list_begins(place) < place and self._is_metastatic(place):
            said |= {"lesion"}  # 'MBC: bone, liver, brain'
        said |= {"lesion"} if self._shared_lesion(place) is not None else self._lesions_right_behind(place)
        if "untreated" in said and said.isdisjoint(("treated", "responding")):  # not 'resected, not irradiated'
            said |= {"new"}
        unlike = self._set_against_the_rest(place, said)
        if unlike is not None:
            denied = "imaging" if unlike == "imaging" else None
            said -= {"negation"} if unlike == "progression" else {"negation", "progression", "new", "clear"}
            return _Mention(place, window, said | ({unlike} - {"", "imaging"}), denied)
        return _Mention(place, window, said, self._denied(place, window, said))

    def _is_larger_now(self, window: range) -> bool:
        """Whether a size is told that is larger than every one before: 'cerebellar 5 mm, SRS. MRI: cerebellar now 11
        mm', 'now 11 mm (was 5)'."""
        for at in window:
            size = self._size_at(at)
            if size is None or self.pieces[at - 1].key not in ("now", "currently", "today"):
                continue
            earlier = [self._largest_before[at]] if at in self._largest_before else []
            earlier += [
                told
                for on in range(at + 1, min(window.stop, at + _ANSWER + 2))
                if self.pieces[on - 1].key in _BEFORE_NOW and (told := self._size_at(on, bare=size)) is not None
            ]
            if earlier and size > max(earlier):
                return True
        return False

    def _sizes_before(self) -> dict[int, float]:
        found: dict[int, float] = {}
        largest: float | None = None
        for at in sorted(self.covered):
            size = self._size_at(at)
            if size is None:
                continue
            if largest is not None:
                found[at] = largest
            largest = size if largest is None else max(largest, size)
        return found

    def _size_at(self, place: int, *, bare: float | None = None) -> float | None:
        """The millimetres a number stands for; one without a unit only where `bare`, the size it is told beside."""
        piece, behind = self.pieces[place], self.pieces[place + 1].key if place + 1 < len(self.pieces) else ""
        if piece.kind != "number":
            return None
        if behind in ("mm", "cm"):
            return float(piece.value) * (10 if behind == "cm" else 1)
        return float(piece.value) if bare is not None else None

    def _is_settled_since(self, window: range) -> bool:
        """Whether symptoms are told before local treatment, and behind it that all is stable: 'with headaches in
        March, resected, stable since', '..., well since'."""
        symptoms = [at for at in window if "symptomatic" in self._facts[at]]
        treated = next((at for at in window if at > symptoms[-1] and "treated" in self._facts[at]), None)
        if treated is None:
            return False
        behind = range(treated + 1, self.context.sentence(treated).stop)
        settled = any(
            (at in window and not self._facts[at].isdisjoint(_SETTLED))
            or (self.pieces[at].key == "well" and self.pieces[at - 1].key == ",")
            for at in behind
        )
        return settled or any(
            "symptomatic" in self.pieces[at].cues and self._is_over(at)  # 'resected; paresis gone'
            for at in (*behind, *self._sentence_at(behind.stop))
        )

    def _set_against_the_rest(self, place: int, said: frozenset[str]) -> str | None:
        """What is denied of the brain by saying it of the rest: 'body stable, brain not', 'responding everywhere but
        in the brain' (`progression`), 'CT body done, brain not' (`imaging`), 'PD in the liver, brain not' (nothing of
        whether it holds any, or `no_progression`), 'CT chest clear, brain MRI not' (`lesion`). None where it is not set
        against the rest, or where the rest only holds metastases."""
        if said & {"pending", "planned", "not_imaged", "unknown"}:
            return None
        if not (self._is_not_so(place) or self._is_left_out(place)):
            return None
        scan = self.pieces[place].is_("noun", "brain_imaging")
        start = max(self.context.sentence(place).start, place - _BACK)
        for at in range(self.context.clause(place).start - 1, start - 1, -1):
            piece = self.pieces[at]
            if scan and (piece.cue("good") or self.context.of(piece, "clear")):
                return "lesion"
            if piece.is_("noun", "imaging", "body_imaging"):
                return "imaging"
            if piece.cue("stable", "responding", "no_progression", "good") or self.context.of(piece, "held"):
                return "progression"
            if piece.is_("say", "extracranial_disease"):
                grows = any(concept.value == "progressing" for concept in piece.concepts)
                return self._still_stands(place, said) if grows else "progression"
            if piece.cue("progression", "weak_progression"):
                return "progression" if self.context.is_denied_at_once(at) else self._still_stands(place, said)
            if piece.is_("noun", "organ_mets") or self.context.of(piece, "lesion", "sites"):
                return None
        return None

    def _still_stands(self, place: int, said: frozenset[str]) -> str | None:
        """What it says of the brain that what grows elsewhere does not there; nothing beside a scan that tells it."""
        if self.pieces[place].is_("noun", "brain_mets"):
            return "no_progression"
        return None if "imaging" in said else ""

    def _is_not_so(self, place: int) -> bool:
        """Whether nothing but 'not' is said of the brain: 'brain not', 'the head is not: ...', "the CNS isn't"."""
        at, stop = place + 1, self.context.clause(place).stop
        while at < stop and "is" in self.pieces[at].roles:
            at += 1
        if at >= stop or "negation" not in self.pieces[at].cues or self.pieces[at].key not in _NOT:
            return False
        at += 1 + (at + 1 < stop and self.pieces[at + 1].key == "so")
        return at >= stop or self.pieces[at].kind == "sign"

    def _is_left_out(self, place: int) -> bool:
        """Whether the brain is all that its clause leaves out: 'but not in the brain', 'all except the brain'."""
        clause = self.context.clause(place)
        if place + 1 < clause.stop and self.pieces[place + 1].kind != "sign":
            return False
        led = [self.pieces[at] for at in range(clause.start, place)]
        led = [piece for piece in led if piece.key not in (*_INSIDE, "and", "for", ",")]
        words = [piece.key for piece in led]
        return words in (["but"], ["not"], ["but", "not"]) or (len(led) == 1 and "than" in led[0].cues)

    def _denied_and_put_right(self, place: int) -> range:
        """The rest of an answer that denies the state asked about, and tells another: 'are the mets active? No, stable
        since SRS'."""
        first, question = self.context.sentence(place).stop, self.context.sentence(place)
        asked = self._said_at(question)
        if not asked & {"new", "progression", "stable", "symptomatic", "treated"} or first + 1 >= len(self.pieces):
            return range(0)
        if self.pieces[first].key != "no" or self.pieces[first + 1].key not in (",", "-", ":"):
            return range(0)
        rest = range(first + 2, self.context.sentence(first).stop)
        told = self._said_at(rest)
        subject = any(self._subjects[at] for at in rest)
        return rest if told & _OF_STATE and not subject else range(0)

    def _is_only_known(self, place: int) -> bool:
        """Whether lesions are only called known: 'five brain mets known'."""
        return any(
            piece.key == "known"
            for piece in (*self.pieces[max(0, place - 1) : place], *self.pieces[place + 1 : place + 2])
        )

    def _lesions_right_behind(self, place: int) -> frozenset[str]:
        """Lesions told by a word right behind the brain: 'brain (untreated)', 'brain: 3 mm x2', 'liver stable, brain
        new'."""
        if not self.pieces[place].is_("noun", "brain"):
            return frozenset()
        ahead = [piece for piece in self.pieces[place + 1 : place + 4] if piece.kind != "sign"]
        new = bool(ahead) and ahead[0].key == "new" and self.context.next_word(place + 1) is None
        if new or (ahead and ahead[0].key == "untreated"):
            return frozenset(("lesion", "new"))
        if ahead and "affirmed" in ahead[0].roles:
            return frozenset(("lesion",))
        measured = len(ahead) > 1 and ahead[0].kind == "number" and ahead[1].key in ("mm", "cm")
        return frozenset(("lesion", "count")) if measured else frozenset()

    def _is_treated_relapse(self, place: int, window: range) -> bool:
        """Whether what is new is a relapse that was treated then: 'brain-only relapse, resected and irradiated'."""
        if [at for at in window if "new" in self._facts[at]] != [place]:
            return False
        for at in range(place + 1, window.stop):
            if "after" in self.pieces[at].cues:  # 'brain relapse after SRS'
                return False
            if "treated" in self._facts[at]:
                return True
        return False

    def _is_where_it_grew(self, place: int) -> bool:
        """Whether the brain alone is where the progression told before it was: 'PD on T-DXd, but only in the brain'."""
        clause = self.context.clause(place)
        before = self.pieces[clause.start : place]
        if self._is_behind_the_drug(place, clause.start) or self._is_where_it_came_back(place, clause):
            return True
        if self._is_all_that_grew(place, clause):
            return True
        if self._goes_on_from_growth_elsewhere(place, clause.start):
            return True
        alone = len(before) < _ANSWER and any(piece.key == "only" or "only" in piece.roles for piece in before)
        if not alone or not any(piece.key == "in" for piece in before[-2:]):
            return False
        told = range(max(self.context.sentence(place).start, clause.start - _BACK), clause.start)
        return any("progression" in self.pieces[at].cues for at in told)

    def _goes_on_from_growth_elsewhere(self, place: int, first: int) -> bool:
        """Whether growth in an organ is told right before, and a clause goes on from it with 'in the brain': 'PD in the
        liver on THP, in the brain on T-DXd'."""
        begins = [self.pieces[at].key for at in range(first, place) if self.pieces[at].kind != "sign"]
        if not first or begins[-1:] not in (["in"], ["the"]) or set(begins) - {"then", "and", "later", "in", "the"}:
            return False
        earlier = self.context.clause(first - 1)
        if self.pieces[first - 1].sentence != self.pieces[place].sentence:
            return False
        for at in earlier:
            if "progression" in self.pieces[at].cues and not self.context.is_denied_at_once(at):
                return at + 1 < earlier.stop and self.pieces[at + 1].key == "in"
        return False

    def _is_all_that_grew(self, place: int, clause: range) -> bool:
        """Whether a clause behind growth only says that it was in the brain: 'PD on T-DXd (CNS only)', 'PD, brain
        only'."""
        start = self.context.sentence(place).start
        begins = place
        while begins > clause.start and self.pieces[begins - 1].key not in ("(", "-"):
            begins -= 1
        rest = [self.pieces[at] for at in range(begins, clause.stop) if at != place and self.pieces[at].kind != "sign"]
        said = all("only" in piece.roles or piece.key == "and" or piece.is_("noun", "organ") for piece in rest)
        if not said or begins == start or self.pieces[place].asked:
            return False
        if not any("only" in piece.roles for piece in rest) and self.pieces[begins - 1].key != "(":
            return False
        for at in range(begins - 1, max(start, begins - _ANSWER - 3) - 1, -1):
            if at < begins - 1 and self.pieces[at].key in (",", ")", ";", "->"):
                return False
            if self.pieces[at].is_("noun", "organ", "organ_mets", "extracranial"):
                return False
            if "progression" in self.pieces[at].cues:
                return not self.context.is_denied_at_once(at)
        return False

    def _is_where_it_came_back(self, place: int, clause: range) -> bool:
        """Whether a clause behind another holds nothing but 'now' and the brain: 'TCT for a year, now brain'."""
        if clause.start == self.context.sentence(place).start or self.pieces[place].asked:
            return False
        rest = {self.pieces[at].key for at in clause if at != place} - {"in", "the", "also", "too", "->", ",", ".", ";"}
        return rest in ({"now"}, {"this", "time"}, {"last", "time"})

    def _is_behind_the_drug(self, place: int, first: int) -> bool:
        """Whether only the drugs under which it grew part growth from the brain: 'progressed on T-DM1 in the brain'."""
        at = self._list_begins(place) - 1
        while at > first and self.pieces[at].key in ("the", "her", "both", "now"):
            at -= 1
        if at <= first or self.pieces[at].key != "in" or not names_drugs(self.pieces[at - 1]):
            return False
        at -= 1
        while at >= first and (names_drugs(self.pieces[at]) or self._leads_to_a_drug(self.pieces[at])):
            at -= 1
        return at >= first and "progression" in self.pieces[at].cues and not self.context.is_denied_at_once(at)

    def _leads_to_a_drug(self, piece: Piece) -> bool:
        """Whether a piece only leads from growth to the drugs under which it was, or joins these."""
        light = piece.kind in ("silent", "line", "cycles") or (piece.kind == "sign" and piece.key in "+/")
        light = light or piece.is_("noun", "organ")  # failed A in the bone and B in the brain
        return light or "linking" in piece.roles or piece.cue("joined", "maintenance", "ongoing")

    def _is_metastatic(self, place: int) -> bool:
        """Whether the sentence speaks of metastatic disease."""
        near = range(max(self.context.sentence(place).start, place - _ON), place)
        return any(
            (self.pieces[at].is_("say", "setting") and not _says_none(self.pieces[at]))
            or self.context.of(self.pieces[at], "sites")
            for at in near
        )

    def _denied(self, place: int, window: range, said: frozenset[str]) -> str | None:
        """What a negation in the window denies."""
        if "none" in said or self.context.is_minus(place):
            return "lesions"
        if "treated" in self.pieces[place].cues:  # 'WBRT: no'
            return None
        if self.context.is_refuted(place):  # 'Brain mets? No.'
            return "imaging" if self.pieces[place].is_("noun", "brain_imaging") else "lesions"
        held = bool(said & {"treated", "stable"})
        negations = [at for at in window if "negation" in self._facts[at]] if "negation" in said else []
        for at in negations:
            if "untreated" in self._said_at(range(max(0, at - 2), at)):  # 'SRS yes, WBRT no'
                continue
            if self._only_answers(at):
                continue
            if self.pieces[at].key in _NOT and at + 1 < window.stop and self.pieces[at + 1].key == ":":
                continue  # head not: new brain lesions
            following = [on for on in range(at + 1, window.stop) if self.pieces[on].kind not in ("silent", "sign")]
            if following and self.pieces[following[0]].key == "any" and self._closes(following[0]):
                following = following[1:]  # doesn't have any
            if not following and self._denies_another(at, window.stop):
                continue
            if not following and self._answers_for_a_scan(place, at):
                return "scan"
            if not following:
                return None if self.pieces[place].is_("noun", "brain_imaging") and at < place else "lesions"
            if self._is_answer(place, at) or self.context.of(self.pieces[at + 1], "within"):  # nil on MRI
                return "lesions"
            denied = self._denies(following, held=held)
            if denied is not None:
                return denied
        listed = self.pieces[place].is_("noun", "brain_imaging") and "clear" in said  # no ILD / head MRI neg
        if not negations and not listed and self.context.stance(place) == "denied":
            return "imaging" if self.pieces[place].is_("noun", "brain_imaging") else "lesions"
        return None

    def _closes(self, place: int) -> bool:
        """Whether a piece ends what is said: the text, or the words before a sign."""
        return place + 1 == len(self.pieces) or self.pieces[place + 1].kind == "sign"

    def _answers_for_a_scan(self, place: int, at: int) -> bool:
        """Whether a plain no stands right behind the name of a scan: 'brain MRI: no', 'CT head none'."""
        if not self.pieces[place].is_("noun", "brain_imaging") or self.pieces[at].key not in ("no", "none", "nil"):
            return False
        single = self.pieces[at].end - self.pieces[at].start == len(self.pieces[at].key)
        return single and 0 < at - place <= 2 and all(piece.kind == "sign" for piece in self.pieces[place + 1 : at])

    def _only_answers(self, at: int) -> bool:
        """Whether a negation answers the question before it, and denies nothing behind: '... mets? No - MRI normal'."""
        opens = at > 0 and at == self.context.sentence(at).start and self.pieces[at - 1].key == "?"
        return opens and at + 1 < len(self.pieces) and self.pieces[at + 1].kind == "sign"

    def _denies_another(self, at: int, stop: int) -> bool:
        """Whether a negation is of what the words of the brain end before: 'MRI brain: no LMD'."""
        return stop < len(self.pieces) and self.pieces[stop].clause == self.pieces[at].clause

    def _is_answer(self, place: int, at: int) -> bool:
        """Whether a negation behind the brain ends there: 'brain mets: no - MRI in May', 'brain no (MRI)'; or denies
        disease on the scan behind it: 'CNS: no disease on MRI'."""
        behind = self.pieces[at + 1]
        named = self.pieces[place].is_("noun", "brain_mets", "brain")
        dashed = behind.kind == "sign" and (behind.key == "(" or (behind.key == "-" and not behind.glued))
        return place < at and named and (dashed or behind.key in _FOUND)

    def _denies(self, following: list[int], *, held: bool) -> str | None:
        """What the first pieces after a negation make it deny. `held`: the metastases are treated or stable."""
        first = self.pieces[following[0]]
        if first.is_("noun", "brain_imaging") or self.context.of(first, "imaging", "recent"):
            second = self.pieces[following[1]] if len(following) > 1 else None
            if second is not None and self.context.of(second, "needed"):
                return "need"
            return "lesions" if second is not None and self.context.of(second, "lesion") else "imaging"
        if held and first.cue("new", "came_back", "relapse"):  # no recurrence since SRS
            return None
        for at, after in zip(following, (*following[1:], None), strict=True):
            piece = self.pieces[at]
            if piece.is_("noun", "brain_imaging"):
                return "imaging"
            if piece.is_("noun", "brain") and after is not None and self.pieces[after].cue("progression", "treated"):
                return None  # no brain progression, no cranial RT
            if not self._facts[at].isdisjoint(("treated", "untreated")):  # never given WBRT
                return None
            if piece.is_("noun", "brain") or "lesion" in self._facts[at] or self.context.of(piece, "finding"):
                return "lesions"
            if piece.kind != "word" and not piece.cue(*_LIGHT):
                return None
        return None

    # ---- what one mention says ---------------------------------------------------------------------------------------

    def _verdict(self, mention: _Mention) -> _Verdict | None:
        piece, said = self.pieces[mention.place], mention.said
        states = said & (_STATES_SET - {"uncertain", "planned", "declined"})
        spoken = bool(said & {"lesion", "clear"} or states or mention.denied) or (
            "imaging" in said and bool(said & {"planned", "declined"})
        )
        if piece.is_("noun", "brain_mets") and self._is_by_mistake(mention.place):
            return None
        supposed = self.context.stance(mention.place) == "hypothetical" and not piece.is_("noun", "brain_imaging")
        supposed = supposed or self._is_a_case(mention.place)
        if not spoken or supposed or mention.denied == "need":
            return None
        refuted = self.context.is_refuted(mention.place)
        if piece.asked and not refuted and "clear" in said and self._is_answered(mention.place):
            return None
        if piece.is_("noun", "brain_imaging") and self._only_dates(mention.place):
            return None
        asked = piece.asked and not refuted and not self.context.is_confirmed(mention.place)
        if asked and not said & (_STATES_SET - {"negation"}) and "clear" not in said:
            given = "bare" if self._is_taken_for_given(mention.place) else ""
            alone = piece.is_("noun", "brain_mets") and self._is_whole_sentence(mention)
            return _Verdict(given or "unknown", [piece]) if given or alone else None
        if mention.denied == "lesions" and self._is_called_unstable(mention.window):
            return _Verdict("unordered", self._words(mention))
        if mention.denied == "scan":
            told = said & {"lesion", "treated", "progression", "stable", "planned", "pending"}
            return None if told else _Verdict("scan_denied", [piece, *self._words(mention)])
        value = self._value(mention, is_mets=piece.is_("noun", "brain_mets"))
        named = bool(said & {"lesion", "progression"}) or {"stable", "treated"} <= said
        named = named or {"no_progression", "treated"} <= said
        if value is None:
            return None
        if value == "unknown" and self._is_cleared_behind(mention.window):
            value = "none"
        if value == "none" and self._is_overtaken(mention):
            value, named = "active", True
        grows = value == "active" and "progression" in said
        counted = value == "active" and said.isdisjoint(("progression", "new", "to_treat"))
        verdict = _Verdict(value, self._words(mention), grows, counted, named)
        verdict.treated = "treated" in said
        verdict.scanned_clear = value == "none" and mention.denied is None and piece.is_("noun", "brain_imaging")
        verdict.doubted = value == "unknown" and "growth_doubted" in said
        if value == "active" and "treated" in said and (behind := self._treated_behind(mention.window)):
            since = self._is_stable_since(behind.start, mention.window)
            verdict.value = "stable" if since else self._after_growth(behind, grows=grows)
        return verdict

    def _is_stable_since(self, growth: int, window: range) -> bool:
        """Whether it is told last that all is stable since local treatment: 'PD in the brain, SRS, stable since'."""
        stable = [at for at in window if at > growth and "stable" in self._facts[at]]
        if not stable or stable[-1] + 1 >= len(self.pieces):
            return False
        treated = any("treated" in self._facts[at] for at in range(growth, stable[-1]))
        behind = self.pieces[stable[-1] + 1]
        since = "ever_since" in behind.roles or behind.key in ("afterwards", "thereafter", "now")
        grew = any("progression" in self._facts[at] for at in range(stable[-1], window.stop))
        return treated and since and not grew

    def _is_called_unstable(self, window: range) -> bool:
        """Whether a form asks if metastases are stable, and is answered by no: 'brain mets stable: no'."""
        return any(
            self.pieces[at].key == "no" and self.pieces[at - 1].key in (":", "?") and "stable" in self._facts[at - 2]
            for at in range(window.start + 2, window.stop)
        )

    def _is_taken_for_given(self, place: int) -> bool:
        """Whether a question only says that the patient has metastases: 'what next after THP with brain mets?'"""
        if not self.pieces[place].is_("noun", "brain_mets") or self.pieces[place - 1].key != "with" or not place:
            return False
        sentence = self.context.sentence(place)
        return any(
            "after" in self.pieces[at].cues or "what_next" in self.pieces[at].cues
            for at in range(sentence.start, place)
        )

    def _is_by_mistake(self, place: int) -> bool:
        """Whether metastases are only named by mistake: 'the letter wrongly mentions brain mets'."""
        return any("mistaken" in self.pieces[at].roles for at in self.context.clause(place))

    def _is_cleared_behind(self, window: range) -> bool:
        """Whether the next clause tells of an MRI that is clear: 'suspected brain mets not confirmed, MRI clear'."""
        if window.stop >= len(self.pieces):
            return False
        following = [self.pieces[at] for at in self.context.clause(window.stop) if self.pieces[at].kind != "sign"]
        scanned = len(following) > 1 and self.context.of(following[0], "magnetic")
        return scanned and self.context.of(following[-1], "clear")

    def _treated_behind(self, window: range) -> range | None:
        """The words from growth, or new lesions, to the local treatment told behind: 'growing, irradiated'; not 'after
        SRS'."""
        growth = [at for at in window if self._facts[at] & {"progression", "new"}]
        treated = [
            at
            for at in window
            if "treated" in self._facts[at] and not self._is_of_another(at) and "necrosis" not in self.pieces[at].cues
        ]
        treated = [at for at in treated if growth and at >= growth[-1]]  # SRS 2022, one regrew, resected
        if not growth or not treated:
            return None
        between = range(growth[-1], treated[0])
        behind = range(treated[0], min(treated[-1] + _DATED, len(self.pieces)))
        if self._is_of_before(range(window.start, treated[0]), behind):
            return None
        told_before = any(
            self.pieces[at].cue("after", "before_it")
            or (self.pieces[at].cue("previously") and not self.pieces[at].cue("has_had"))
            or self.pieces[at].key in ("since", "despite", "that", "which")
            for at in between
        )
        return None if told_before else range(growth[-1], min(treated[-1] + _DATED, len(self.pieces)))

    def _is_of_before(self, growth: range, treated: range) -> bool:
        """Whether local treatment, told behind growth, was before it: 'new lesions 10/2025. WBRT 2023', 'growing on the
        last MRI, WBRT 2019', 'growing; past: SRS'."""
        first = next((at for at in treated if "treated" in self._facts[at]), treated.start)
        heading = range(max(self.context.sentence(first).start, first - 3), min(first + 3, treated.stop))
        if any(self._is_called_past(at) for at in heading if at not in growth or at > growth.stop - 3):
            return True
        years = [self.pieces[at].value for at in treated if self.pieces[at].kind == "date" and self.pieces[at].value]
        grew_in = [self.pieces[at].value for at in growth if self.pieces[at].kind == "date" and self.pieces[at].value]
        if not years:
            return False
        if grew_in:
            return bool(max(years) < max(grew_in))
        only_years = all(self._is_only_a_year(at) for at in treated if self.pieces[at].kind == "date")
        return only_years and any(self._is_by_now(at) for at in growth)

    def _is_called_past(self, place: int) -> bool:
        """Whether a word heads what was before: 'past: SRS', 'earlier WBRT'."""
        piece = self.pieces[place]
        return piece.key in ("past", "earlier", "prior", "previous", "previously", "history") and not piece.cue(
            "has_had"
        )

    def _is_by_now(self, place: int) -> bool:
        """Whether a piece says that something is so now: 'now', 'on the last MRI'."""
        following = self.pieces[place + 1] if place + 1 < len(self.pieces) else None
        scanned = following is not None and following.is_("noun", "imaging", "brain_imaging")
        if self.pieces[place].key in ("last", "latest", "recent"):
            return scanned
        return self.context.of(self.pieces[place], "for_now") or self.pieces[place].key in ("today", "yesterday")

    def _is_one_more(self, place: int) -> bool:
        """Whether one more lesion is told: 'resected, now another one', 'a further lesion'."""
        if self.pieces[place].key not in _ONE_MORE or self.context.is_denied_at_once(place):
            return False
        following = self.context.next_word(place)
        return following is None or following.key == "one" or self.context.of(following, "lesion")

    def _is_new_one(self, place: int) -> bool:
        """Whether 'new' is said of a lesion that is only counted or measured: 'one new', 'new, 8 mm'."""
        if self.context.is_denied_at_once(place):
            return False
        behind = self.pieces[place + 1] if place + 1 < len(self.pieces) else None
        following = self.context.next_word(place)
        if not (
            behind is None
            or behind.kind == "sign"
            or following is None
            or following.kind in ("date", "number")
            or following.is_("noun", *_NO_SUBJECT)
            or self.context.of(following, "month")
        ):
            return False
        before = self.pieces[place - 1] if place else None
        if before is not None and (before.kind == "number" or self.context.of(before, "count", "size")):
            return True
        first = place + 1 + (place + 1 < len(self.pieces) and self.pieces[place + 1].kind == "sign")
        return [piece.key in ("mm", "cm") for piece in self.pieces[first : first + 2]][1:] == [True]

    def _is_of_another(self, place: int) -> bool:
        """Whether a word of treatment only says which lesion: 'two new lesions, one irradiated lesion unchanged',
        'recurrence of the resected brain met'."""
        following = self.context.next_word(place)
        if following is None:
            return False
        return following.is_("noun", "brain_mets") or (
            following.kind == "word" and self.context.of(following, "lesion")
        )

    def _is_overtaken(self, mention: _Mention) -> bool:
        """Whether new lesions are told of a later date than that there were none: 'MRI 11/2024 clear, 03/2025 three new
        mets', 'formerly no brain mets, now new ones'."""
        window = mention.window
        clear = next((at for at in window if "clear" in self._facts[at]), mention.place)
        later = [at for at in range(clear, window.stop) if self.pieces[at].clause != self.pieces[clear].clause]
        if not any(self._is_dated(at) for at in later):
            return False
        said = self._said_at(later)
        return "progression" in said or {"new", "lesion"} <= said

    def _is_dated(self, place: int) -> bool:
        """Whether a piece says when: 'in March', 'now'."""
        piece = self.pieces[place]
        return piece.kind == "date" or self.context.of(piece, "for_now", "changed", "timed")

    def _after_growth(self, places: range, *, grows: bool) -> str:
        """What metastases that grew, or are new, are, by the treatment told behind: where it is later, `stable`."""
        later = any(
            (self.pieces[at].kind == "date" and (grows or not self._is_only_a_year(at)))
            or self.pieces[at].cue("then")
            or self.pieces[at].key in ("->", "yesterday", "today")
            or (grows and "month" in self.pieces[at].roles)
            for at in places
        )
        dated = any(self.pieces[at].kind == "date" for at in places)
        return "stable" if later or not (grows or dated) else "unordered"

    def _is_only_a_year(self, place: int) -> bool:
        """Whether a date may lie long before: 'new brain mets, WBRT 2019'."""
        return self.pieces[place].key.isdigit() and self.pieces[place].value == float(self.pieces[place].key)

    def _only_dates(self, place: int) -> bool:
        """Whether imaging of the brain only says since when: 'no CT since the brain MRI'."""
        before = [piece.key for piece in self.pieces[max(0, place - 2) : place]]
        return before[-1:] == ["since"] or before[:1] == ["since"]

    def _is_answered(self, place: int) -> bool:
        """Whether the next sentence answers a question: 'Brain CT clear? No - never imaged', 'brain ok? not imaged'."""
        first = self.context.sentence(place).stop
        following = range(first, min(len(self.pieces), first + _ANSWER))
        if any("not_imaged" in self.pieces[at].cues for at in following):
            return True
        return self._is_answered_no(first)

    def _is_answered_no(self, first: int) -> bool:
        """Whether a sentence begins with a plain no."""
        following = self.pieces[first + 1] if first + 1 < len(self.pieces) else None
        return following is not None and following.kind == "sign" and "negation" in self.pieces[first].cues

    def _is_whole_sentence(self, mention: _Mention) -> bool:
        """'Brain mets?'"""
        sentence = self.context.sentence(mention.place)
        return all(at == mention.place or self.pieces[at].kind in ("sign", "silent") for at in sentence)

    def _value(self, mention: _Mention, *, is_mets: bool) -> str | None:
        said = mention.said
        if {"symptomatic", "asymptomatic"} <= said and self._has_another_symptom(mention.window):
            said = said - {"asymptomatic"}
        lesions, clear = "lesion" in said, "clear" in said
        if (mention.denied == "lesions" or "uncertain" in said) and self._is_ruled_out(mention):
            return "none"
        grew = "progression" in said
        doubted = (is_mets or grew) and "uncertain" in said and not clear and "treated" not in said
        if doubted or ("growth_doubted" in said and said.isdisjoint(("progression", "new", "stable", "symptomatic"))):
            return "unknown"
        found = {"count", "lesion"} <= said or (lesions and "new" in said) or grew or clear
        of_treatment = "to_treat" in said and (lesions or grew or "imaging" not in said)
        to_come = bool(said & {"pending", "planned", "declined"}) and not of_treatment and "treated" not in said
        found = found or (mention.denied == "lesions" and self._was_done(mention.window))
        not_imaged = mention.denied == "imaging" or (not found and (to_come or "not_imaged" in said))
        if not_imaged and not self._names_lesions(mention.place):
            return "not_imaged"
        if "treated" not in said and not clear:
            if "uncertain" in said and lesions:
                return "unknown"
            if "unknown" in said and "new" not in said:
                return "unknown"
        symptomatic = "symptomatic" in said and "asymptomatic" not in said
        untouched = "treated" not in said and not {"count", "lesion"} <= said
        if mention.denied == "lesions" or (clear and untouched and not (symptomatic and (lesions or grew))):
            return "stable" if self._is_since_treatment(mention) else "none"
        if symptomatic and (lesions or not said.isdisjoint(("treated", "progression"))):
            return "symptomatic"
        return _course(said)

    def _has_another_symptom(self, window: range) -> bool:
        """Whether one symptom is denied, and another told behind a 'but': 'no headache but left weakness'."""
        denied = [at for at in window if "asymptomatic" in self._facts[at]]
        had = [at for at in window if "symptomatic" in self._facts[at] and at > denied[0]]
        return any(
            self.pieces[on].key in ("but", "except", "only", "just") for at in had for on in range(denied[0], at)
        )

    def _is_since_treatment(self, mention: _Mention) -> bool:
        """Whether there is nothing left behind local treatment: 'no intracranial disease after resection and SRS'."""
        window = mention.window
        return mention.denied == "lesions" and any(
            "treated" in self._facts[at]
            and any(self.pieces[on].key in ("after", "since", "post") for on in range(max(window.start, at - 3), at))
            for at in window
        )

    def _was_done(self, window: range) -> bool:
        """Whether imaging was made at last: 'postponed twice, finally done: no mets'."""
        late = [at for at in window if "not_imaged" in self._facts[at]]
        return bool(late) and any(
            self.context.of(self.pieces[at], "performed") and not self._facts[at]
            for at in range(late[-1] + 1, window.stop)
        )

    def _is_ruled_out(self, mention: _Mention) -> bool:
        """Whether what was suspected is ruled out: 'suspected brain mets were not confirmed'."""
        return any(self._excludes(at) for at in range(mention.place + 1, mention.window.stop))

    def _excludes(self, place: int) -> bool:
        piece = self.pieces[place]
        return "excluded" in piece.cues and not piece.cue("negation", "unproven")

    def _names_lesions(self, place: int) -> bool:
        """Whether lesions are said to be there: 'brain mets, MRI pending', 'CT head: lesions'.

        Not where they are only the heading of what follows: 'Brain mets: MRI pending', 'brain mets not imaged'.
        """
        following = self.pieces[place + 1] if place + 1 < len(self.pieces) else None
        if not self.pieces[place].is_("noun", "brain_mets"):
            after = self.context.next_word(place)
            return after is not None and self.context.of(after, "lesion")
        if following is None or following.kind == "sign":
            return following is None or following.key not in ":?-="
        second = self.pieces[place + 2] if place + 2 < len(self.pieces) else None
        awaits = second is not None and second.is_("noun", "imaging")  # 'brain mets awaiting MRI'
        return not following.cue("not_imaged", "pending") or awaits

    def _words(self, mention: _Mention) -> list[Piece]:
        """The pieces of a mention that mean something."""
        return [
            self.pieces[at]
            for at in mention.window
            if at == mention.place
            or (self._facts[at] and not (self.pieces[at].kind == "number" and self.pieces[at].used))
            or self.pieces[at].is_("noun", *_NO_SUBJECT)
            or self.context.of(self.pieces[at], "answer")
        ]

    # ---- all mentions together ---------------------------------------------------------------------------------------

    def _look_behind_each(self, verdicts: list[_Verdict]) -> None:
        """Take into account what is told beside a mention: growth by now, treatment, symptoms."""
        for verdict in verdicts:
            if verdict.value == "stable" and self._grow_by_now(verdict):
                verdict.value = "active"
            elif verdict.value == "bare" and self._treated_beside(verdict):
                verdict.value = "stable"  # brain mets? yes. Treated with SRS.
            elif verdict.value == "bare" and self._regrew_behind(verdict):
                verdict.value = "active"  # brain mets, ER neg. After SRS growing again.
            elif verdict.value == "bare" and self._was_imaged_for_symptoms(verdict):
                verdict.value = "symptomatic"

    def _state(self, verdicts: list[_Verdict], *, seizing: bool) -> None:
        self._look_behind_each(verdicts)
        denied = [verdict for verdict in verdicts if verdict.value == "scan_denied"]
        verdicts = [verdict for verdict in verdicts if verdict.value != "scan_denied"]
        if denied and not verdicts:
            self.stated.ask("brain_metastases", SCAN_DENIED, denied[0].pieces)
            self._use(denied)
            return
        known = [verdict for verdict in verdicts if verdict.value != "bare"]
        bare = [verdict for verdict in verdicts if verdict.value == "bare"]
        self._leave_open_what_came_first(known)
        for verdict in known:
            if verdict.value == "active" and (treated := self._treated_beside(verdict)):
                verdict.value = "stable" if verdict.counted else self._after_growth(treated, grows=verdict.grows)
        unordered = any(verdict.value == "unordered" for verdict in known)
        if unordered and known[-1].value == "stable" and self._is_called_stable(known[-1]):
            unordered = False  # PD in brain (5 mets, WBRT); T-DXd since, brain stable
        if unordered and all(verdict.value == "unordered" or not verdict.metastatic for verdict in known):
            self.stated.ask("brain_metastases", UNORDERED, known[0].pieces)
            self._metastatic(known)
            self._use(verdicts)
            return
        known = self._that_still_hold([verdict for verdict in known if verdict.value != "unordered"])
        values = [verdict.value for verdict in known]
        if "active" in values and (seizing or self._has_symptoms_beside(known)):
            values = ["symptomatic"]
            for verdict in known:
                verdict.value = "symptomatic" if verdict.value == "active" else verdict.value
        if seizing and values == ["stable"] and not any(self._is_called_stable(verdict) for verdict in known):
            values = ["symptomatic"]
            known[0].value = "symptomatic"
        if bare and not set(values) & set(BARE) and "unknown" not in values:
            if seizing:
                self._note("symptomatic", bare)
            else:
                self.stated.ask("brain_metastases", BARE, bare[0].pieces)
                self._metastatic(bare)
            return
        self._use(bare)
        chosen = self._chosen(values)
        if chosen in BARE:
            self._metastatic([verdict for verdict in verdicts if verdict.value in ("bare", *BARE)])
        if chosen is not None:
            self._note(chosen, [verdict for verdict in known if verdict.value == chosen])
            self._use(known)
            return
        for verdict in known:
            self.stated.note("brain_metastases", verdict.value, verdict.pieces)

    def _that_still_hold(self, known: list[_Verdict]) -> list[_Verdict]:
        """The mentions without those that a later one overtakes."""
        known = self._without_earlier_treatment(self._without_the_overtaken(known))
        self._end_symptoms_of_then(known)
        if known and known[-1].doubted and all(verdict.value in ("stable", "unknown") for verdict in known):
            self._metastatic([verdict for verdict in known if verdict.treated])
            self._use(known)
            return known[-1:]  # brain mets, SRS in May. MRI: radionecrosis or progression
        return known

    def _without_the_overtaken(self, known: list[_Verdict]) -> list[_Verdict]:
        """The mentions without those that there was nothing, where new lesions are told later: 'head CT normal at
        diagnosis; MRI last week: 4 new metastases'."""
        known = self._without_clear_scans(known)
        clear = [verdict for verdict in known if verdict.value == "none"]
        there = [verdict for verdict in known if verdict.value in ("active", "symptomatic")]
        if not clear or not there or clear[-1].pieces[0].start > there[0].pieces[0].start:
            return known
        new = any(piece.cue("new", "progression") for verdict in there for piece in verdict.pieces)
        then, now = ([at for verdict in told for at in self._told_with(verdict)] for told in (clear, there))
        if not any(self._is_dated(at) for at in (*then, *now)):
            return known
        if not new and not all(any(self._names_a_time(at) for at in places) for places in (then, now)):
            return known
        self._use(clear)
        return [verdict for verdict in known if verdict.value != "none"]

    def _leave_open_what_came_first(self, known: list[_Verdict]) -> None:
        """Growth is of no known order with local treatment that another sentence behind it tells without a date:
        'growing brain lesions. Body fine. SRS done.'"""
        for at, verdict in enumerate(known[1:], 1):
            alone = verdict.value == "stable" and verdict.treated and not verdict.metastatic
            before = known[at - 1]
            if not alone or self._is_called_stable(verdict) or not (before.value == "active" and before.grows):
                continue
            places = self._places_of(verdict)
            if verdict.pieces[0].sentence != before.pieces[-1].sentence:
                before.value = {"stable": "active"}.get(self._after_growth(places, grows=True), "unordered")

    def _end_symptoms_of_then(self, known: list[_Verdict]) -> None:
        """Symptomatic metastases that were treated are stable where new ones are told of a later date: 'headaches: met
        resected. July 2025: two new mets'."""
        for at, verdict in enumerate(known[:-1]):
            later = known[at + 1]
            if verdict.value != "symptomatic" or not verdict.treated or later.value != "active":
                continue
            places = range(self.context.sentence_start(later.pieces[0].sentence), self._places_of(later).stop)
            if later.pieces[0].sentence != verdict.pieces[-1].sentence and any(self._names_a_time(on) for on in places):
                verdict.value = "stable"

    def _without_earlier_treatment(self, known: list[_Verdict]) -> list[_Verdict]:
        """The mentions without local treatment that was before the growth it is told behind: 'CNS: two lesions bigger
        on the last MRI. WBRT in 2023'."""
        grew = next((verdict for verdict in known if verdict.value in ("active", "symptomatic")), None)
        if grew is None:
            return known
        places = self._places_of(grew)
        earlier = [
            verdict
            for verdict in known
            if verdict.value == "stable"
            and not verdict.metastatic
            and verdict.pieces[0].start > grew.pieces[0].start
            and self._is_of_before(self._up_to(places, verdict), self._places_of(verdict))
        ]
        self._use(earlier)
        return [verdict for verdict in known if verdict not in earlier]

    def _up_to(self, places: range, verdict: _Verdict) -> range:
        """What of some places stands before the first piece of a mention."""
        begins = next(at for at in self._places_of(verdict) if self.pieces[at] is verdict.pieces[0])
        return range(places.start, min(places.stop, begins))

    def _places_of(self, verdict: _Verdict) -> range:
        """The places of the clauses in which a mention stands."""
        first = self.context.clause_of(verdict.pieces[0].clause).start
        return range(first, self.context.clause_of(verdict.pieces[-1].clause).stop)

    def _told_with(self, verdict: _Verdict) -> range:
        """The clause in which a mention begins, with one before it in its sentence."""
        clause = self.context.clause_of(verdict.pieces[0].clause)
        return range(max(self.context.sentence_start(verdict.pieces[0].sentence), clause.start - _DATED), clause.stop)

    def _names_a_time(self, place: int) -> bool:
        """Whether a piece names a month or a day: 'in Jan', 'May 2024', 'last week'."""
        piece = self.pieces[place]
        return piece.kind == "date" or "month" in piece.roles or self.context.of(piece, "for_now")

    def _without_clear_scans(self, known: list[_Verdict]) -> list[_Verdict]:
        """The mentions without scans that were clear behind local treatment: 'met resected, SRS. MRI fine'."""
        treated = next(
            (at for at, verdict in enumerate(known) if verdict.value in BARE and verdict.treated), len(known)
        )
        left = [verdict for at, verdict in enumerate(known) if not (at > treated and verdict.scanned_clear)]
        if len(left) < len(known):
            self._use([verdict for verdict in known if verdict not in left])
        return left

    def _grow_by_now(self, verdict: _Verdict) -> bool:
        """Whether the next sentence says of treated lesions that 'they' grow: 'MRI in May: 4 mets, WBRT. Today they are
        growing.'"""
        following = self.context.sentence_end(verdict.pieces[-1].sentence)
        sentence = [self.pieces[at] for at in self._sentence_at(following)]
        grows = any("progression" in piece.cues for piece in sentence)
        named = any(
            names_drugs(piece) or (piece.is_("noun") and not piece.is_("noun", *_NO_SUBJECT)) for piece in sentence
        )
        return grows and not named and any(piece.key == "they" for piece in sentence)

    def _regrew_behind(self, verdict: _Verdict) -> bool:
        """Whether a later clause, which names no other place, tells of growth and of treatment that only the brain has:
        'brain mets, ER neg; after SRS now growing again'."""
        following = self.context.sentence_end(verdict.pieces[-1].sentence)
        for places in (*self._clauses_behind(verdict), self._sentence_at(following)):
            told = self._said_at(places)
            treated = any(
                self.pieces[at].key in _ONLY_OF_THE_BRAIN and "treated" in self.pieces[at].cues for at in places
            )
            other = any(
                names_drugs(self.pieces[at]) or self.pieces[at].is_("noun", "organ", "organ_mets", "extracranial")
                for at in places
            )
            if treated and "progression" in told and not other and "negation" not in told:
                for at in places:
                    self.pieces[at].used = self.pieces[at].used or bool(self._facts[at])
                return True
        return False

    def _is_called_stable(self, verdict: _Verdict) -> bool:
        return any(piece.cue("stable", "no_progression", "responding") for piece in verdict.pieces)

    def _has_symptoms_beside(self, verdicts: list[_Verdict]) -> bool:
        """Whether symptoms are told beside active lesions: before them, 'headache for a week, MRI: new brain lesions';
        or alone in the next sentence, 'Two growing cerebellar mets. Headaches, gait problems.'"""
        for verdict in [verdict for verdict in verdicts if verdict.value == "active"][:_MOST_ACTIVE]:
            opening = self.context.sentence_start(verdict.pieces[0].sentence)
            if self.pieces[opening].kind == "word" and opening + 1 < len(self.pieces):  # 'persisting headache'
                opening += 1
            beside = (self._symptoms(clause) for clause in self._clauses_behind(verdict))
            later = (self._symptoms(clause) for clause in self._sentences_behind(verdict))
            led_to = self._symptoms(self._last_said_before(verdict))
            for symptoms in (led_to, self._symptoms((opening,)), *beside, *later):
                if symptoms:
                    for piece in symptoms:
                        piece.used = True
                    return True
        return False

    def _was_imaged_for_symptoms(self, verdict: _Verdict) -> bool:
        """Whether symptoms lead to the scan that shows metastases: 'left arm weak since Sunday, brain mets on MRI'."""
        if not any(piece.is_("noun", "brain_imaging", "imaging") or piece.key == "mri" for piece in verdict.pieces):
            return False
        before = self._last_said_before(verdict)
        here = verdict.pieces[0].sentence
        told = [piece for piece in self._symptoms(before) if piece.sentence == here]
        for piece in told:
            piece.used = True
        return bool(told)

    def _last_said_before(self, verdict: _Verdict) -> range:
        """The last words before the clause of a mention, of all that are joined: 'headache + vomiting; MRI brain shows
        3 new mets'."""
        stop = self.context.clause_of(verdict.pieces[0].clause).start
        while stop and self.pieces[stop - 1].kind in ("silent", "sign"):
            stop -= 1
        first = stop - 1
        while first > 0 and (self.pieces[first].kind == "silent" or self._is_beside_a_symptom(self.pieces[first])):
            first -= 1  # headaches since Tuesday: MRI shows
        while first > 1 and self._joins(first - 1):
            first -= 2
        return range(max(0, first), stop)

    def _joins(self, place: int) -> bool:
        """Whether a piece joins a complaint to what follows."""
        joins = "joined" in self.pieces[place].cues or self.pieces[place].key in ("+", "/", ",")
        return joins and self.pieces[place - 1].cue("symptomatic", "a_toxicity")

    def _treated_beside(self, verdict: _Verdict) -> range | None:
        """Where local treatment that was done is all a clause behind the lesions, or the next sentence, tells: 'PD in
        the brain, SRS done', 'two brain mets. SRS to both.'"""
        following = self.context.sentence_end(verdict.pieces[-1].sentence)
        own = self.context.clause_of(verdict.pieces[-1].clause)
        inside = (own,) if verdict.pieces[0].clause != verdict.pieces[-1].clause else ()
        beside: tuple[range, ...] = (*inside, *self._clauses_behind(verdict), self._up_to_a_subject(following))
        for places in beside:
            told = [
                at
                for at in places
                if self.pieces[at].kind not in ("silent", "sign", "date")
                and not self._is_beside_treatment(self.pieces[at])
            ]
            if any("stable" in self._facts[at] for at in told):  # 'now controlled after SRS'
                told = [at for at in told if not self._is_how_it_does_since(at)]
            if told and all(self._is_treated_there(at) for at in told):
                if verdict.grows or not verdict.counted:
                    growth = self._places_of(verdict)
                    if self._is_of_before(range(growth.start, min(growth.stop, told[0])), range(told[0], places.stop)):
                        return None
                for at in told:
                    self.pieces[at].used = True
                return places
        return None

    def _is_treated_there(self, place: int) -> bool:
        """Whether a piece tells of a local treatment, not only of which lesion, or of what came of it."""
        necrosis = "necrosis" in self.pieces[place].cues
        return "treated" in self._facts[place] and not necrosis and not self._is_of_another(place)

    def _is_how_it_does_since(self, place: int) -> bool:
        """Whether a piece only says that what was treated is stable since."""
        piece = self.pieces[place]
        return "stable" in self._facts[place] or piece.cue("after") or self.context.of(piece, "for_now")

    def _is_beside_treatment(self, piece: Piece) -> bool:
        """Whether a piece only says of local treatment to what, and that it was done: 'then craniotomy with complete
        resection', 'single met resected, SRS to cavity'."""
        return piece.cue("then", "joined", "completed", "has_had") or self.context.of(
            piece, "treated_site", "count", "month"
        )

    def _clauses_behind(self, verdict: _Verdict) -> Iterator[range]:
        """The next clauses of its sentence behind the words of a mention."""
        last = verdict.pieces[-1]
        stop = self.context.sentence_end(last.sentence)
        first = self.context.clause_of(last.clause).stop
        for _ in range(_CLAUSES):
            if first >= stop:
                return
            yield self.context.clause(first)
            first = self.context.clause(first).stop

    def _sentences_behind(self, verdict: _Verdict) -> Iterator[range]:
        """The clauses of the sentence behind a mention, and of those that follow the whole, or a clause that tells of
        the patient: 'she has headaches from them'."""
        first = at = self.context.sentence_end(verdict.pieces[-1].sentence)
        while at < len(self.pieces):
            if at == first or self.pieces[at].sentence == self.pieces[first].sentence or self._tells_of_her(at):
                yield self.context.clause(at)
            elif at == self.context.sentence(at).start:
                yield self.context.sentence(at)
            at = self.context.clause(at).stop

    def _tells_of_her(self, place: int) -> bool:
        return "the_patient" in self.pieces[place].cues

    def _up_to_a_subject(self, first: int) -> range:
        """What a sentence that begins there says before a clause turns to something else: 'SRS in May, ER positive'."""
        for at in self._sentence_at(first):
            if self._subjects[at]:
                return range(first, max(first, self.context.clause(at).start))
        return self._sentence_at(first)

    def _sentence_at(self, place: int) -> range:
        return self.context.sentence(place) if place < len(self.pieces) else range(0)

    def _symptoms(self, places: Iterable[int]) -> list[Piece]:
        """The symptoms at these places; none where they hold anything else that means something."""
        pieces = [self.pieces[at] for at in places]
        content = [piece for piece in pieces if piece.kind not in ("silent", "sign") and "joined" not in piece.cues]
        told = [piece for piece in content if piece.cue("symptomatic", "a_toxicity")]
        only = all(piece in told or self._is_beside_a_symptom(piece) for piece in content)
        only = only and not any("asymptomatic" in piece.cues for piece in content)
        return told if only and any("symptomatic" in piece.cues for piece in content) else []

    def _is_beside_a_symptom(self, piece: Piece) -> bool:
        """Whether a piece only says whose a symptom is, since when, how bad and of which lesion: 'she has mild
        dysphasia since Sunday from the left temporal one'."""
        whose = "the_patient" in piece.cues or piece.is_("noun", "brain", "brain_mets")
        light = (
            piece.kind in ("date", "duration")
            or "duration" in piece.cues
            or piece.roles & {"severity", "since", "ever_since"}
        )
        return bool(whose or light or piece.key in ("one", "last") or self.context.of(piece, "side", "weekday"))

    def _chosen(self, values: list[str]) -> str | None:
        """The one value that mentions of different value come to; None where they contradict one another."""
        there = [value for value in values if value in BARE]
        if there and "none" in values:
            return None
        if there:
            if "symptomatic" in there:
                return "symptomatic"
            if "active" in there:
                return "stable" if there[-1] == "stable" and there.index("active") < len(there) - 1 else "active"
            return "stable"
        return values[0] if values and len(set(values)) == 1 else None

    def _note(self, value: str, verdicts: list[_Verdict]) -> None:
        if value in BARE:
            self._metastatic(verdicts)
        for verdict in verdicts:
            self.stated.note("brain_metastases", value, verdict.pieces)

    def _metastatic(self, verdicts: list[_Verdict]) -> None:
        for verdict in [verdict for verdict in verdicts if verdict.metastatic or self._is_a_site][-1:]:
            self.stated.note("setting", "metastatic", verdict.pieces)

    def _use(self, verdicts: list[_Verdict]) -> None:
        for verdict in verdicts:
            for piece in verdict.pieces:
                piece.used = True


def _says_none(piece: Piece) -> bool:
    """Whether a piece is 'no metastases' in one phrase."""
    return any(concept.name == "setting" and concept.value == "early" for concept in piece.concepts)


def _course(said: frozenset[str]) -> str | None:
    """How metastases do that are there."""
    lesions = "lesion" in said
    grows = "progression" in said and "no_progression" not in said
    if grows or ("new" in said and lesions):
        return "active"
    if said & {"treated", "stable", "no_progression", "responding"}:
        return "stable"
    if lesions:
        return "active" if said & {"count", "to_treat"} else "bare"
    return "bare" if "to_treat" in said and "imaging" not in said else None
