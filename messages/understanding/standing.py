"""What a drug's mention means: received, denied, declined, planned, asked about, a relative's, or only mentioned.

Read sentence by sentence, once forwards for what stands before a drug and once backwards for what stands behind it.
Where that leaves doubt, the drug was not received: it is shown back, and stands in no line.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from messages.understanding.drugs import (
    AGAINST_PLACEBO,
    ANTI_HER2,
    CONJUGATES,
    agents_of,
    generic,
    go_together,
    readings_of,
)
from messages.understanding.named import Cue
from messages.understanding.outline import Outline, tells_alike
from messages.understanding.pieces import ITEM
from messages.understanding.scan import Piece
from messages.understanding.sentences import OPINIONS, asks_outright
from messages.understanding.standing_among import Among
from messages.understanding.standing_before import TOLD, Before, heads
from messages.understanding.standing_begun import stopped_after_some
from messages.understanding.standing_behind import REQUESTS, Behind, is_a_request
from messages.understanding.standing_unsaid import Unsaid

Standing = Literal["received", "denied", "declined", "planned", "asked", "family", "mentioned"]
_SAYS_NOTHING_OF_GIVING = frozenset(
    (
        "at_giving",
        "ends_pregnancy",
        "granting",
        "revoking",
        "mistaken",
        "routine",
        "saying",
        "application",
        "obstacle",
        "nobody",
        "returns",
        "change",
        "adviser",
        "stock",
        "used_up",
        "ahead",
        "heads_plans",
        "heads_denials",
        "handed_over",
    )
)
"""Parts of words that leave open whether a drug beside them was given."""
_LONGEST_LIST = 6
"""Drugs joined to one that are looked over for what stands beside their list."""
_TWO = 2
_TAKEN = ("taken", "given", "received", "took", "had", "got", "begun", "started", "tried")
"""What says that a drug was given after all."""
_GIVEN_OF_IT = (*_TAKEN, "done", "delivered", "administered", "completed", "tolerated", "managed")
"""What says beside a number how much of what was planned was given."""
_GOES_ON_WITH = frozenset(("then", "progression", "stopped", "toxicity", "joined", "before_it", "a_toxicity"))
"""Cues of what may follow such a number."""
_CLASSES = frozenset(("anthracycline", "taxane"))
"""Agents that stand for a class."""
_ASKED = 3
"""Pieces of a question that only asks for a list, its mark among them."""
_IN_GENERAL = ("is", "are", "has", "have", "seems", "looks", "causes", "gives", "works", "makes", "shows")
"""Verbs of what a drug is or does as such."""
_USED = ("used", "exhausted", "tried")
_ALONE = ("only", "alone", "mono", "monotherapy", "solely", "instead")
"""What says of drugs behind a denial that they were given without it."""
_HOW_IT_WAS = ("how", "which", "when", "why")
"""How a question begins that takes it for given that a drug was."""
_OF_ALL = ("neither", "none", "both")
"""What answers for each of several drugs: 'lapatinib, neratinib? Neither.'"""
_VIEWS = (*OPINIONS, "thought", "ideas", "idea", "comment", "comments", "take", "experience", "data", "evidence")
"""What is asked for on a drug."""
_TO_BE_HAD = ("here", "licensed", "registered", "authorised", "authorized", "marketed", "stocked", "listed")
"""What says behind several drugs, of which it is denied, that they are to be had."""
_OF_NO_WEIGHT = frozenset(("the_patient", "so_far", "planned", "joined", "new_word"))
"""Cues that may stand beside a refusal: 'offered, declined', 'not so far'."""
_LIGHT = ("is", "only", "w", "with")
"""Words that say nothing of a drug by themselves."""
_LIGHT_ROLES = frozenset(("so", "harmless", "container"))
"""The same, by the part they play."""
_AGAINST = ("for", "in", "against", "during", "when")
"""What leads to an illness that a drug was given for."""
_OF_A_COURSE = frozenset(("previously", "previous", "early", "has_had", "the_patient", "cycles"))
"""Cues that may stand between an illness and the drugs that were given for it."""
_LONGEST_REMARK = 12
"""Pieces of a bracket that are looked over."""
_EFFECTS: tuple[Cue, ...] = ("progression", "toxicity", "a_toxicity", "responding", "took_effect", "stopped")
"""Cues of what a drug did."""
_BAD_EFFECTS: tuple[Cue, ...] = ("progression", "toxicity")
"""Cues of what went wrong under a drug."""
_OF_SEVERAL = ("one", "of", "do", "would", "should", "option", "to", "first")
"""What follows 'which' where it asks for one of several."""
_OF_WHAT_IT_DID = ("was", "did", "were")
"""How a question of the past begins that may ask what a drug did."""
_OF_GIVING = ("get", "got", "given", "have", "had", "receive", "received", "used", "tried", "ever", "start", "started")
"""What asks in such a question whether a drug was given."""
_SUPPOSED: tuple[Cue, ...] = ("stopped", "ongoing", "carried_on", "completed")
"""Cues of what is asked only of a drug that was given."""
_TOO = ("too", "also", "likewise", "ditto", "aswell")
"""What says of a drug what was said of the one before it."""
_THEN = ("time", "days", "point", "stage", "moment", "era", "date")
"""What says, behind 'that', that a drug was not to be had at a time that is past: 'at that point', 'in those days'."""
_NO_MORE = (["any", "more"], ["any", "longer"])
"""What says behind a denied drug that it was given before: 'not on T-DM1 any more'."""
_THERE_WAS_NO = (["there", "was", "no"], ["there", "is", "no"])
_COMES = ("arrives", "arrived", "comes", "came", "lands", "delivered", "approved", "funded", "had", "obtained", "ready")
"""How it is told that a drug that was waited for is there."""
_HAD_WITHIN = 4
"""Pieces from such a drug to what tells that, at most."""
_UNTIL = ("until", "till", "then")
_OF_ACCESS = frozenset(("unavailable", "available", "access"))
"""Cues of access."""
_SHORTHAND = 5
"""Letters of a regimen's shorthand, at most: a longer name is a trial's."""
_TO_ITS_ARM = 8
"""Pieces between a trial's name and its arm, at most."""
_FAR = 30
"""Pieces from T-DXd to a sentence about access to it, at most."""
_ACCESS = frozenset(("declined", "unavailable", "available", "unknown"))


_SETTLED = ("settled", "decided", "opted", "agreed", "board", "mdt", "team")
"""How a decision for drugs begins."""
_SEVERAL = ("either", "neither", "both", "none", "nor")
"""What stands for several drugs that were named."""
_MEASURED = ("liver_function", "platelets", "lvef", "neutrophils", "bilirubin", "crcl")
"""Nouns of what may change under a drug."""
_ANSWERS = ("answer", "reply", "response", "decision", "outcome", "result", "verdict")
"""What a payer's decision may be called."""
_BY_LOT = ("randomised", "randomized", "randomisation", "randomization", "allocated", "rct")
"""What tells that a trial put patients on one of its arms."""
_DREW = ("drew", "drawn", "landed", "fell", "allocated", "assigned", "randomised", "randomized", "received", "got")
"""How it is told which arm of a trial was hers."""
_ENTERED = (
    "order", "orders", "entry", "entries", "entered", "charted", "recorded", "documented", "listed", "noted", "typed",
    "copied", "prescription", "put", "documentation", "ordered", "prescribed", "booked",
)  # fmt: skip
"""What speaks of what stands in the records."""
_LEADING_TO_AN_ENTRY = (
    "negation", "correction", "new_word", "on_record", "joined", "the_patient", "planned", "asked_weak",
)  # fmt: skip
"""Cues that may stand before what is said of an entry."""
_OF_A_KIND = ("both", "only", "first", "last")
"""What leads to a class that only says what the drug before it is."""
_WHAT_IT_IS = frozenset(("what_next", "choices"))
_PLACES = (
    "hospital", "clinic", "unit", "ward", "centre", "center", "department", "institution", "practice", "icu", "itu",
    "shop", "suite", "surgery", "hospice", "infirmary", "office",
)  # fmt: skip
"""Where drugs are given."""
_OR_SO = ("so", "more", "less", "similar", "equivalent", "thereabouts", "both", "either")
"""What sets no other course beside a drug, behind 'or'."""
_CAME_TO_NOTHING = ("failed", "fails", "failure", "got", "went", "led", "fruitless")
"""How it is told that a request was in vain: 'peer-to-peer for T-DXd got me nowhere'."""
_STEP = ("->", ">", ",")
"""Signs that lead from one line of a sequence to the next."""
_STEPS = 24
"""Pieces from the 'after' of a question to a drug of the sequence it leads to, at most."""


class Mention(NamedTuple):
    """How one mention is meant; for T-DXd, what is said of the access to it, too."""

    standing: Standing
    access: str | None = None
    bare: bool = False
    """Whether nothing beside it says that it was given."""
    access_at: int | None = None
    """Where a later sentence tells the access to it."""


def mentions_of(outline: Outline) -> dict[int, Mention]:  # noqa: PLR0915  (one sentence after another)
    """The meaning of every mention of a drug, by its place."""
    found: dict[int, Mention] = {}
    words = _Words(outline)
    plan: Standing | None = None
    listed = False
    item: _Item | None = None
    at = 0
    while at < len(outline.pieces):
        end = outline.sentence_end[at]
        listed = listed and (end == at + 1 or _is_an_item(outline, at))
        if outline.is_drug[at] or outline.drug_in_sentence_after(at) is not None:
            _Sentence(outline, at, end, words, planned=listed).read(found)
            if item is not None and item.goes_on(at, end):
                item.say(at, end, found)
            elif ":" in outline.typed:
                item = _item_under_a_heading(outline, at, end, found)
            _answer(outline, at, end, found)
            if words.unavailable:
                _was_not_to_be_had(outline, at, end, found)
            if "which" in outline.typed or "what" in outline.typed:
                _ask_which_of_them(outline, at, end, found)
            if words.begins:
                _begin_what_was_planned(outline, at, end, found)
            if words.stops:
                _begin_what_was_stopped(outline, at, end, found)
            if words.refuses:
                _refuse_what_was_offered(outline, at, end, found)
            if words.denies_all:
                _deny_all(outline, at, end, found)
            if words.denies_behind:
                _deny_behind(outline, at, end, found)
            if words.routed and at and _is_given_likewise(outline, at, end, found):
                found.update({each: Mention("planned") for each in range(at, end) if outline.is_drug[each]})
            if _is_queried(outline, at) and _only_names(outline, at, end):
                found.update({each: Mention("asked") for each in range(at, end) if outline.is_drug[each]})
            if plan is not None and _only_names(outline, at, end):
                found.update({each: Mention(plan) for each in range(at, end) if outline.is_drug[each]})
                plan = plan if outline.pieces[end - 1].key == ";" else None
            else:
                plan = _headed_plan(outline, at, end, found)
                listed = listed or (_announces_plans(outline, at, end) and _is_marked(outline, end))
        else:
            goes_on = plan is not None and outline.pieces[end - 1].key == ";"
            plan = "asked" if _asks_for_choices(outline, at, end) else plan if goes_on else None
            listed = listed or _announces_plans(outline, at, end)
            _access_told_behind(outline, at, end, found)
            if words.unavailable:
                _was_not_to_be_had(outline, at, end, found)
        at = end
    _read_over_sentences(outline, found)
    _read_among_others(outline, found)
    return found


def _read_over_sentences(outline: Outline, found: dict[int, Mention]) -> None:
    """Read again the drugs of which another sentence says something."""
    if "arm" in outline.typed:
        _choose_her_arm(outline, found)
    compares = "versus" in outline.said or "between" in outline.typed
    if compares and ("trial" in outline.played or not outline.typed.isdisjoint(_BY_LOT)):
        _tell_the_arm_she_drew(outline, found)
    if "came_round" in outline.said:
        _take_back_the_refusal(outline, found)
    if "b" in outline.typed or "lettered" in outline.played:
        _ask_for_the_lettered(outline, found)
    if "next" in outline.typed:
        _tell_what_came_next(outline, found)
    if any(mention.standing == "planned" for mention in found.values()):
        _tell_what_was_carried_out(outline, found)
    if "it" in outline.typed and ("paper" in outline.played or "on_record" in outline.said):
        _correct_the_record(outline, found)
    if "mistaken" in outline.played or outline.said & {"negated_after", "negation"}:
        _take_back_an_entry(outline, found)


class _Item:
    """What a heading says of the items of the list below it: 'Not available:', '- T-DXd', '- tucatinib'."""

    def __init__(self, outline: Outline, standing: Standing, access: str | None) -> None:
        self.outline, self.standing, self.access = outline, standing, access

    def goes_on(self, first: int, end: int) -> bool:
        """Whether a sentence is an item of nothing but drugs."""
        outline = self.outline
        return _is_marked(outline, first) and all(
            outline.is_drug[at] or outline.pieces[at].kind in ("sign", "silent") or outline.pieces[at].key == ITEM
            for at in range(first, end)
        )

    def say(self, first: int, end: int, found: dict[int, Mention]) -> None:
        """Say it of the drugs of an item."""
        for at in range(first, end):
            if self.outline.is_drug[at]:
                conjugate = agents_of(self.outline.pieces[at]) == ("t_dxd",)
                found[at] = Mention(self.standing, self.access if conjugate else None)


def _item_under_a_heading(outline: Outline, first: int, end: int, found: dict[int, Mention]) -> _Item | None:
    """What the heading of a sentence, which is the first item of a list, says of the others."""
    drug = outline.next_drug[first]
    marked = end < len(outline.pieces) and _is_marked(outline, end)
    if drug is None or not marked or not first + 1 < drug < end or outline.pieces[drug - 1].key != ":":
        return None
    heading = range(first, drug - 1)
    if found[drug].standing not in ("denied", "declined", "mentioned", "planned") or len(heading) > _ASKED + _TWO:
        return None
    refused = "declined" if outline.has(heading, "declined") else None
    unavailable = "unavailable" if outline.has(heading, "unavailable") else refused
    return _Item(outline, found[drug].standing, unavailable if found[drug].standing != "denied" else None)


def _read_among_others(outline: Outline, found: dict[int, Mention]) -> None:
    """Read again the drugs of which another says something: 'A now, B later', 'refused A and was started on B'."""
    standings: dict[int, str] = {at: mention.standing for at, mention in found.items()}

    def change(places: range, standing: Standing) -> None:
        for at in places:
            if outline.is_drug[at]:
                found[at], standings[at] = Mention(standing, found[at].access), standing

    Among(outline, standings, change).read()


def _correct_the_record(outline: Outline, found: dict[int, Mention]) -> None:
    """Read 'it was B' behind what a paper says: A was not it: 'the letter says A; in fact it was B', 'her list has A,
    but it was B that she took'."""
    pieces = outline.pieces
    for drug, mention in found.items():
        verb = outline.first_of_list(drug) - 1
        last = outline.last_drug[verb + 1]
        told = ("received", "mentioned")
        if last is None or mention.standing not in told or found[last].standing != "received":
            continue
        if verb - 1 <= last or pieces[verb].key not in ("was", "is") or pieces[verb - 1].key != "it":
            continue
        between, first = range(last + 1, verb), outline.first_of_list(last)
        headed = range(outline.stretch_start[first], first)
        written = outline.plays(headed, "paper") or outline.has(headed, "on_record")
        went_on = outline.has(between, "then", "after", "progression", "toxicity", "stopped") or any(
            pieces[at].kind in ("date", "cycles", "duration", "line") for at in between
        )
        later = outline.has(range(drug + 1, min(drug + 3, len(pieces))), "then")
        if written and not went_on and not later and verb - last <= _LONGEST_REMARK:
            found.update({at: Mention("mentioned") for at in range(first, last + 1) if outline.is_drug[at]})


def _take_back_an_entry(outline: Outline, found: dict[int, Mention]) -> None:
    """Read what is said behind drugs of their entry: 'chart lists A 2023. That order was entered in error, it was never
    given', 'her list says A. It was never given.'"""
    pieces = outline.pieces
    for told, piece in enumerate(pieces):
        last = outline.last_drug[told]
        if last is None or told - last > 2 * _LONGEST_REMARK or piece.asked:
            continue
        untrue = piece.key in ("true", "correct") and told > 0 and pieces[told - 1].key == "not"
        mistaken = untrue or "mistaken" in piece.roles
        denied = not outline.cues[told].isdisjoint(("negated_after", "negation"))
        denied = denied and piece.end - piece.start > len("never") and "not_begun" not in outline.cues[told]
        first = outline.sentence_start[told]
        apart = outline.sentence_end[last] == first
        if not (mistaken or denied) or not (apart or (last > first and mistaken)):
            continue
        behind = told + 1 + (told + 1 < len(pieces) and denied and "pronoun" in pieces[told + 1].roles)
        ends = behind == len(pieces) or pieces[behind].kind == "sign" or "joined" in outline.cues[behind]
        begins = first if apart else outline.last_of_list(last) + 1
        if not ends or not all(_speaks_of_an_entry(outline, at) for at in range(begins, told)):
            continue
        told_of = range(outline.sentence_start[last], outline.sentence_end[told])
        listed = _list_of(outline, last)
        alone = not outline.has(range(outline.stretch_start[listed[0]], told), *_EFFECTS, "started", "cycles")
        recorded = outline.plays(told_of, "paper") or outline.has(told_of, "on_record")
        recorded = recorded or any(pieces[at].key in _ENTERED for at in told_of)
        if not alone or not recorded:
            continue
        never = denied or any(
            outline.cues[at] & {"negated_after", "negation"} and pieces[at].end - pieces[at].start > len("never")
            for at in range(told, outline.sentence_end[told])
        )
        for at in listed:
            if found[at].standing in ("received", "mentioned", "planned"):
                found[at] = Mention("denied" if never else "mentioned", found[at].access)


def _speaks_of_an_entry(outline: Outline, at: int) -> bool:
    """Whether a piece may lead from drugs to what is said of their entry: 'that order was', 'this is an'."""
    piece = outline.pieces[at]
    return (
        piece.kind in ("silent", "sign", "date")
        or piece.key in _ENTERED
        or "paper" in piece.roles
        or not piece.cues.isdisjoint(_LEADING_TO_AN_ENTRY)
        or (piece.kind == "word" and piece.key.endswith("ation"))
    )


def _choose_her_arm(outline: Outline, found: dict[int, Mention]) -> None:
    """Read of a trial's arms that are told with their drugs only the one that was hers: 'arm A T-DXd, arm B T-DM1; she
    got arm B'."""
    pieces = outline.pieces
    arms: dict[str, range] = {}
    hers: str | None = None
    for at in range(len(pieces) - 2):
        if pieces[at].key != "arm" or pieces[at + 1].key not in ("a", "b", "c", "1", "2", "3"):
            continue
        drug = at + 2 + (pieces[at + 2].key in (":", "=", "(", "-"))
        if drug < len(pieces) and outline.is_drug[drug]:
            arms[pieces[at + 1].key] = range(drug, outline.last_of_list(drug) + 1)
    if len(arms) < _TWO:
        return
    for at in range(len(pieces) - 1):
        named = pieces[at].key == "arm" and pieces[at + 1].key in arms
        if named and arms[pieces[at + 1].key].start not in (at + 2, at + 3):
            hers = pieces[at + 1].key
    for name, drugs in arms.items():
        standing: Standing = "received" if name == hers else "mentioned"
        found.update(
            {at: Mention(standing) for at in drugs if outline.is_drug[at] and found[at].standing == "received"}
        )


def _tell_the_arm_she_drew(outline: Outline, found: dict[int, Mention]) -> None:
    """Read of drugs that a trial compared the one as given that is named again as what she drew, or was put on with the
    other in brackets: 'randomised A vs B, drew the B arm', 'randomised to B (vs A)'."""
    pieces = outline.pieces
    for at in range(1, len(pieces) - 1):
        versus = "versus" in outline.cues[at]
        if not (versus or pieces[at].key == "between") or pieces[at].asked:
            continue
        first = outline.last_drug[at] if versus else outline.next_drug[at]
        if first is None or abs(first - at) > _TWO:
            continue
        last = outline.next_drug[at] if versus else outline.next_drug[first]
        if last is None or last - max(first, at) > _ASKED or outline.sentence_start[last] > first:
            continue
        bracket = versus and pieces[at - 1].key == "(" and first == at - _TWO
        if bracket and _is_put_on(outline, outline.first_of_list(first)):
            found.update({each: Mention("received") for each in _list_of(outline, first)})
            found.update({each: Mention("mentioned") for each in _list_of(outline, last)})
            continue
        arms = [frozenset(agents_of(pieces[each]) or ()) for each in (first, last)]
        drug = outline.next_drug[outline.last_of_list(last)]
        if drug is None or drug - last > _TO_ITS_ARM + _ASKED or pieces[drug].asked:
            continue
        if frozenset(agents_of(pieces[drug]) or ()) in arms and _is_put_on(outline, drug):
            compared = (*_list_of(outline, first), *_list_of(outline, last))
            found.update({each: Mention("asked") for each in compared if found[each].standing == "received"})
            found.update({each: Mention("received") for each in _list_of(outline, drug)})


def _list_of(outline: Outline, drug: int) -> list[int]:
    """The drugs that are joined to one."""
    places = range(outline.first_of_list(drug), outline.last_of_list(drug) + 1)
    return [at for at in places if outline.is_drug[at]]


def _is_put_on(outline: Outline, drug: int) -> bool:
    """Whether it is told that an arm was hers: 'drew the A arm', 'allocated to A', 'ended up in the A arm'."""
    pieces, led = outline.pieces, drug - 1
    start = outline.sentence_start[drug]
    led -= led > start and pieces[led].key in ("the", "to", "in", "on", "into")
    led -= led > start and pieces[led].key in ("to", "in", "on", "into")
    if led < start:
        return False
    before = range(outline.stretch_start[drug], drug)
    if outline.has(before, "planned", "negation") or outline.plays(before, "modal") or outline.plays(before, "if"):
        return False
    arm = outline.last_of_list(drug) + 1 < len(pieces) and pieces[outline.last_of_list(drug) + 1].key == "arm"
    return arm or pieces[led].key in _DREW or outline.has([led], "previously", "started", "ongoing")


def _take_back_the_refusal(outline: Outline, found: dict[int, Mention]) -> None:
    """Forget that T-DXd was refused where a later clause says that it is accepted: 'declined T-DXd; now accepts
    T-DXd'."""
    accepted = -1
    for at, mention in found.items():
        told = mention.standing in ("planned", "received") and agents_of(outline.pieces[at]) == ("t_dxd",)
        if told and outline.has(outline.before_in_stretch(at, 4), "came_round"):
            accepted = max(accepted, at)
    for at in [drug for drug, mention in found.items() if mention.access == "declined"]:
        if at < accepted:
            found[at] = Mention("mentioned")


def _ask_for_the_lettered(outline: Outline, found: dict[int, Mention]) -> None:
    """Read drugs behind letters as what is to be chosen from, where the text asks for that: 'A: TCT; B: T-DM1. Which
    one?', 'options: A) TCT B) T-DM1'."""
    letters = [at for at in range(len(outline.pieces)) if _is_lettered(outline, at)]
    if len(letters) < _TWO or not _asks_which(outline, letters[0]):
        return
    drugs: list[int] = []
    for at in letters:
        drug = outline.next_drug[at]
        if drug is None or drug > at + _ASKED:
            return
        drugs += [each for each in range(drug, outline.last_of_list(drug) + 1) if outline.is_drug[each]]
    told: tuple[Cue, ...] = ("progression", "toxicity", "stopped", "completed", "ongoing")
    if any(outline.has(outline.rest_of_stretch(each, 4), *told) for each in drugs):
        return
    found.update({each: Mention("asked") for each in drugs if found[each].standing == "received"})


def _is_lettered(outline: Outline, at: int) -> bool:
    """Whether 'A', 'B' heads what follows it: 'A: TCT', 'B) T-DM1'."""
    piece = outline.pieces[at]
    if piece.key == ITEM:
        return "lettered" in piece.roles
    lettered = (
        piece.key in ("a", "b", "c") and at + 1 < len(outline.pieces) and outline.pieces[at + 1].key in (":", ")", "=")
    )
    return lettered and (
        at == 0 or outline.pieces[at - 1].kind == "sign" or outline.pieces[at - 1].key in ("option", "or")
    )


def _asks_which(outline: Outline, first: int) -> bool:
    """Whether a text asks for a choice: 'which one', 'A or B', or heads its list as options."""
    pieces = outline.pieces
    headed = outline.sentence_start[first]
    if "choices" in outline.cues[headed] or (headed and pieces[headed - 1].key == ":"):
        return outline.has(range(outline.sentence_start[headed - 1] if headed else 0, first), "choices")
    for at in range(len(pieces) - 1):
        named = pieces[at].end - pieces[at].start > len("which") or pieces[at + 1].key in _OF_SEVERAL
        if pieces[at].key == "which" and pieces[at].asked and named and pieces[at + 1].key != "next":
            return True
        if pieces[at].key == "a" and pieces[at + 1].key == "or" and at + 2 < len(pieces) and pieces[at + 2].key == "b":
            return True
    return False


def _tell_what_came_next(outline: Outline, found: dict[int, Mention]) -> None:
    """Read 'next' as told where a dated line follows: 'T-DXd in 2022; TCT next; eribulin since 2024'."""
    for at, piece in enumerate(outline.pieces):
        if piece.key != "next" or piece.asked:
            continue
        opens = outline.sentence_start[at] == at
        drug = outline.drug_in_stretch_after(at) if opens else outline.drug_in_stretch_before(at)
        if drug is None or found[drug].standing != "planned":
            continue
        last = outline.last_of_list(drug)
        first, before = drug, outline.last_drug[drug]
        while before is not None and found[before].standing == "planned" and outline.joins(before, first):
            first, before = before, outline.last_drug[before]
        behind = outline.next_drug[max(at, last)]
        told = [each for each in (before, behind) if each is not None and found[each].standing == "received"]
        ranked = behind is not None and outline.pieces[outline.first_of_list(behind) - 1].key in ("lastly", "finally")
        if len(told) == _TWO and (ranked or all(_is_dated(outline, each) for each in told)):
            found.update({each: Mention("received") for each in range(first, last + 1) if outline.is_drug[each]})


def _tell_what_was_settled(outline: Outline, found: dict[int, Mention]) -> None:
    """Read a decision as carried out where the next sentence tells what was before it, or how long it lasted: 'we
    settled on T-DM1. Before that THP.', 'we decided on TH. PD after 9 months.'"""
    pieces = outline.pieces
    for at, piece in enumerate(pieces[:-1]):
        if piece.key not in _SETTLED or "planned" not in piece.cues or piece.asked or not outline.is_drug[at + 1]:
            continue
        last, end = outline.last_of_list(at + 1), outline.sentence_end[at]
        listed = [each for each in range(at + 1, last + 1) if outline.is_drug[each]]
        if end >= len(pieces) or outline.drug_in_sentence_after(last) is not None:
            continue
        behind = range(end, outline.sentence_end[end])
        before = "before_it" in outline.cues[end] and outline.drug_in_sentence_after(end) is not None
        lasted = "progression" in outline.cues[end] and any(pieces[each].kind == "duration" for each in behind)
        alone = not any(outline.is_drug[each] or pieces[each].asked for each in behind)
        if (before or (lasted and alone)) and all(found[each].standing == "planned" for each in listed):
            found.update({each: Mention("received") for each in listed})


def _tell_what_was_carried_out(outline: Outline, found: dict[int, Mention]) -> None:
    """Read plans as carried out where a later sentence tells of what came of them."""
    _tell_what_was_begun(outline, found)
    _tell_how_many_were_given(outline, found)
    if not outline.typed.isdisjoint(_SETTLED):
        _tell_what_was_settled(outline, found)


def _tell_what_was_begun(outline: Outline, found: dict[int, Mention]) -> None:
    """Read a plan as carried out where the next sentence counts its cycles and names no drug: 'the plan was changed to
    T-DM1. She got 6 cycles; liver PD.'"""
    pieces = outline.pieces
    for at, piece in enumerate(pieces):
        first = outline.sentence_start[at]
        if piece.kind != "cycles" or not piece.value or piece.asked or not 0 < at - first < _ASKED or not first:
            continue
        opens = outline.cues[first] & {"the_patient", "previously"} or "grammatical_subject" in pieces[first].roles
        told = outline.has(range(first, at), "previously", "has_had") or any(
            pieces[each].key in _TAKEN for each in range(first, at)
        )
        drug = outline.last_drug[first]
        if not (opens and told) or drug is None or drug < outline.sentence_start[first - 1]:
            continue
        if outline.drug_in_sentence_after(first) is not None or outline.plays(range(first, at), "modal"):
            continue
        listed = [each for each in range(outline.first_of_list(drug), drug + 1) if outline.is_drug[each]]
        if all(found[each].standing == "planned" for each in listed):
            found.update({each: Mention("received") for each in listed})


def _tell_how_many_were_given(outline: Outline, found: dict[int, Mention]) -> None:
    """Read a plan as carried out where what follows counts what was given of it: 'six THP planned, four given', '8
    cycles of T-DM1 intended. Given: 5, then PD'."""
    pieces = outline.pieces
    for at, piece in enumerate(pieces):
        drug = outline.last_drug[at]
        if piece.kind not in ("number", "cycles") or not piece.value or piece.asked or drug is None:
            continue
        if at - drug > _LONGEST_REMARK or found[drug].standing != "planned" or pieces[drug].asked:
            continue
        if outline.sentence[at] - outline.sentence[drug] > 1 or not _counts_what_was_given(outline, drug, at):
            continue
        listed = range(outline.first_of_list(drug), drug + 1)
        found.update({each: Mention("received") for each in listed if outline.is_drug[each]})


def _counts_what_was_given(outline: Outline, drug: int, at: int) -> bool:
    """Whether 'given' stands right behind or before a number that ends what is said: 'four given', 'got 3, then'."""
    pieces, before, behind = outline.pieces, at - 1, at + 1
    if pieces[at].key == "one" and pieces[before].kind != "sign" and pieces[before].key != "only":
        return False  # the first one given
    before -= before > drug and pieces[before].key in ("only", "just", ":", "but")
    led = before > drug and (pieces[before].key in _GIVEN_OF_IT or "has_had" in outline.cues[before])
    follows = behind < len(pieces) and pieces[behind].key in _GIVEN_OF_IT
    if not (led or follows) or outline.has(range(drug + 1, at), "negation", "negated_after", "asked"):
        return False
    if led and before - 1 > drug and pieces[before - 1].key in ("be", "to", "being"):
        return False  # to be given 6 cycles
    behind += follows
    ends = behind >= len(pieces) or pieces[behind].kind == "sign" or bool(outline.cues[behind] & _GOES_ON_WITH)
    return ends and not any(pieces[each].roles & {"if", "modal"} for each in range(drug + 1, at))


def _is_dated(outline: Outline, drug: int) -> bool:
    """Whether a year stands in the stretch of a drug."""
    return any(outline.pieces[at].kind == "date" and outline.pieces[at].value for at in outline.near(drug))


def _access_told_behind(outline: Outline, first: int, end: int, found: dict[int, Mention]) -> None:
    """Read what a sentence without a drug says of the access to T-DXd, told right before it: 'T-DXd: not funded.
    Correction, it is funded.'"""
    drug = outline.last_drug[first]
    several = drug is not None and _speaks_of_several(outline, first, end)
    if drug is not None and several:
        drug = _conjugate_among(outline, drug, first, found)
    if drug is None or drug < first - _FAR or agents_of(outline.pieces[drug]) != ("t_dxd",):
        return
    if found[drug].access == "available" and outline.sentence_end[drug] == first:
        refused = _is_refused_outright(outline, first, end)
        if refused is not None:
            found[drug] = Mention(found[drug].standing, "declined", access_at=refused)
            return
    told = next((at for at in range(end - 1, first - 1, -1) if outline.cues[at] & _OF_ACCESS), None)
    if told is None or outline.pieces[told].asked or not _points_back(outline, first, told):
        return
    standing, before = found[drug][:2]
    if standing == "family" or (before is None and outline.sentence_end[drug] != first):
        return
    value = _access_in(outline, told)
    alone = _only_names(outline, outline.sentence_start[drug], outline.sentence_end[drug])
    if several and value is not None:
        listed = (at for at in range(outline.sentence_start[drug], first) if outline.is_drug[at] and found[at].bare)
        found.update({at: Mention("mentioned", bare=True) for at in listed})
        standing = found[drug].standing
    if value is not None:
        standing = "mentioned" if alone and standing == "received" else standing
        found[drug] = Mention(standing, value, access_at=told)


def _speaks_of_several(outline: Outline, first: int, end: int) -> bool:
    """Whether a sentence begins with more than one thing, told before: 'neither is funded', 'we cannot get either'."""
    told = range(first, min(end, first + _LONGEST_REMARK))
    return not outline.typed.isdisjoint(_SEVERAL) and any(
        outline.pieces[at].key in _SEVERAL
        or (outline.pieces[at].end - outline.pieces[at].start > len("neither") and outline.pieces[at].key == "none")
        for at in told
    )


def _conjugate_among(outline: Outline, last: int, first: int, found: dict[int, Mention]) -> int | None:
    """T-DXd, where it is one of several drugs that the sentence before names."""
    if outline.sentence_end[last] != first:
        return None
    named = [at for at in range(outline.sentence_start[last], first) if outline.is_drug[at]]
    these = [at for at in named if agents_of(outline.pieces[at]) == ("t_dxd",)]
    return these[-1] if these and len(named) > 1 and found[these[-1]].standing != "family" else None


def _is_refused_outright(outline: Outline, first: int, end: int) -> int | None:
    """Where a sentence says that the patient refuses, and of nothing else than what was told before it: 'she doesn't
    want it.'"""
    told = next((at for at in range(first, end) if "declined" in outline.cues[at]), None)
    if told is None or outline.pieces[told].asked:
        return None
    light: tuple[Cue, ...] = ("new_word", "correction", "the_patient")
    others = (at for at in range(first, end) if at != told)
    plain = all(
        outline.pieces[at].kind in ("silent", "sign") or outline.has(range(at, at + 1), *light) for at in others
    )
    return told if plain else None


def _was_not_to_be_had(outline: Outline, first: int, end: int, found: dict[int, Mention]) -> None:
    """Read that the last list, of which nothing is told, was not to be had: 'the choice was TCT; she could not get
    it'."""
    drug = outline.last_drug[first]
    end = min(end, first + _LONGEST_REMARK, outline.next_drug[first - 1] or end) if first else first
    told = next((at for at in range(first, end) if "unavailable" in outline.cues[at]), None)
    if drug is None or told is None or outline.sentence_end[drug] != first or outline.pieces[first - 1].key == "?":
        return
    near = range(outline.stretch_start[told], min(outline.stretch_end[told], told + _ASKED))
    if outline.pieces[told].asked or not any("pronoun" in outline.pieces[at].roles for at in near):
        return
    if outline.has(range(outline.stretch_start[drug], first), *_EFFECTS, *_SUPPOSED, "previously", "has_had", "cycles"):
        return
    for at in range(outline.first_of_list(drug), drug + 1):
        if outline.is_drug[at] and found[at].standing == "received" and found[at].access is None:
            found[at] = Mention("mentioned")


def _access_in(outline: Outline, told: int) -> str | None:
    """What a word of access says, with the words beside it."""
    cues, stretch = outline.cues[told], outline.in_stretch(told)
    if "unavailable" in cues:
        return "unavailable"
    if outline.has(stretch, "unknown", "uncertain", "pending"):
        return "unknown"
    before = outline.before_in_stretch(told, 5)
    if outline.has(before, "negation") or any(outline.pieces[at].key in ("none", "neither") for at in before):
        return "unavailable"
    return "available" if "available" in cues else None


def _points_back(outline: Outline, first: int, told: int) -> bool:
    """Whether a sentence speaks of what was told before it, and names nothing else: 'it is not funded'."""
    led = [outline.pieces[at] for at in range(outline.stretch_start[told], told)]
    following = outline.next_meaning(told, 3)
    if following is not None and following < outline.stretch_end[told] and outline.pieces[following].is_("noun"):
        return False  # no access to MRI
    if any("pronoun" in piece.roles for piece in (*led, *outline.pieces[told + 1 : outline.stretch_end[told]])):
        return True
    if "unavailable" in outline.cues[told] and any(_gives_again(piece) for piece in led):
        return True  # rechallenge is contraindicated
    passed = {"new_word", "correction", "asked_weak", "then", "so_far", "negation"}
    return all(
        (piece.kind in ("silent", "sign", "date") and "examination" not in piece.roles)
        or piece.cues & passed
        or piece.roles & {"is", "present", "payer"}
        or piece.key in _SEVERAL
        or piece.key in _ANSWERS
        or piece.is_("say", "region")
        for piece in led
    )


def _gives_again(piece: Piece) -> bool:
    """Whether a word is for giving a drug once more: 'rechallenge', 're-exposure'."""
    return piece.key.startswith(("rechallenge", "reexpos")) or piece.key == "re"


def _answer(outline: Outline, first: int, end: int, found: dict[int, Mention]) -> None:
    """Read the answer to a question about drugs: 'T-DM1 in the past? Never.', 'T-DXd on hold? No, still on it.'"""
    if end >= len(outline.pieces) or outline.pieces[end - 1].key != "?":
        return
    at = _answers_at(outline, end)
    if _asks_only_of_a_drug(outline, first, end) and found[first].standing in ("asked", "received"):
        _answer_in_short(outline, first, at, found)
    at = _denies_it_at(outline, at) or at
    ended = _asks_only_of_a_drug(outline, first, end) and _tells_how_it_ended(outline, at)
    if ended or _tells_when_it_was(outline, at) or _says_she_had_it(outline, at):
        for place in range(first, end):
            if outline.is_drug[place] and found[place].standing in ("asked", "received"):
                found[place] = Mention("received")
        return
    if _leaves_open(outline, first, end, at):
        asked = (each for each in range(first, end) if outline.is_drug[each])
        found.update({each: Mention("mentioned") for each in asked if found[each].standing in ("asked", "received")})
        return
    affirmed = "affirmed" in outline.pieces[at].roles
    if affirmed and outline.names_another_illness and _is_for_an_illness(outline, at):
        found.update({each: Mention("mentioned") for each in range(first, end) if outline.is_drug[each]})
        return
    if not affirmed and "negation" not in outline.cues[at]:
        return
    alone = at + 1 >= outline.sentence_end[at] or outline.pieces[at + 1].kind == "sign"
    if not (alone or _denies_it_at(outline, at)):
        return
    never = outline.has(range(at, outline.sentence_end[at]), "negated_after")  # on hold? no - never started
    affirmed = affirmed or (not never and outline.has(range(first, end), *_SUPPOSED))
    affirmed = affirmed or _tells_how_it_went(outline, first, end, at)
    if not affirmed and not never and not _asks_whether_given(outline, first, end):
        return
    had = "previously" in outline.cues[first] or (
        outline.pieces[first].asked and outline.has(range(first, end), "previously")
    )
    answered = ("asked", "received") if had else ("asked",)  # got T-DM1? no; any prior T-DM1? no
    told = {agents_of(outline.pieces[place]) for place in range(at, outline.sentence_end[at]) if outline.is_drug[place]}
    for place in range(first, end):
        if outline.is_drug[place] and found[place].standing in answered and outline.pieces[place + 1].key != ":":
            denial: Standing = "mentioned" if agents_of(outline.pieces[place]) in told else "denied"
            found[place] = Mention("received" if affirmed else denial)


def _leaves_open(outline: Outline, first: int, end: int, at: int) -> bool:
    """Whether nobody knows if the drug that is asked about was given: 'prior pertuzumab? Don't know.'"""
    if "unknown" not in outline.cues[at] or (at + 1 < len(outline.pieces) and outline.pieces[at + 1].kind != "sign"):
        return False
    if outline.pieces[first].key in _HOW_IT_WAS or outline.has(range(first, end), "after", "on_it", "what_next"):
        return False  # what after THP? unsure
    had = outline.pieces[first].asked and outline.has(range(first, end), "previously")
    return had or _asks_only_of_a_drug(outline, first, end) or _asks_whether_given(outline, first, end)


def _tells_how_it_went(outline: Outline, first: int, end: int, at: int) -> bool:
    """Whether a question is what a drug did, and the answer how it went: 'Did T-DM1 fail? No, stopped for rash.'"""
    answer = range(at, outline.sentence_end[at])
    of_effect = outline.pieces[first].key in _OF_WHAT_IT_DID and outline.drug_in_sentence_after(at) is None
    of_effect = of_effect and not any(outline.pieces[each].key in _OF_GIVING for each in range(first, end))
    if of_effect and outline.has(answer, "progression", "toxicity"):
        return True  # was Kadcyla any good? no, PD at first scan
    return outline.has(range(first, end), *_EFFECTS) and outline.has(answer, "toxicity", *_SUPPOSED)


def _is_for_an_illness(outline: Outline, at: int) -> bool:
    """Whether an answer says that it was for something else: 'yes, but for a sarcoma in 1999'."""
    rest = range(at, outline.sentence_end[at])
    named = any(_names_an_illness(outline.pieces[each]) for each in rest)
    return named and outline.plays(rest, "for") and outline.drug_in_sentence_after(at) is None


def _asks_only_of_a_drug(outline: Outline, first: int, end: int) -> bool:
    """Whether a question is nothing but drugs: 'T-DM1?', 'fulvestrant injections?', 'lapatinib + capecitabine?'"""
    return outline.is_drug[first] and all(
        outline.is_drug[each]
        or outline.pieces[each].kind == "sign"
        or outline.pieces[each].roles & {"treatment", "container", "harmless"}
        for each in range(first + 1, end)
    )


def _answer_in_short(outline: Outline, first: int, at: int, found: dict[int, Mention]) -> None:
    """Read what is said of a drug that is a question by itself: 'Enhertu? Not available.', 'T-DM1? (not given yet).'"""
    end = outline.sentence_end[at]
    if outline.drug_in_stretch_after(at) is not None or outline.is_drug[at]:
        return
    closed = at + 1 >= end or outline.pieces[at + 1].kind == "sign"
    if closed and outline.pieces[at].key in _OF_ALL:
        all_of_them = Mention("received" if outline.pieces[at].key == "both" else "denied")
        found.update({each: all_of_them for each in range(first, at) if outline.is_drug[each]})
        return
    refused = next((each for each in range(at, min(end, at + 2 * _ASKED)) if "declined" in outline.cues[each]), None)
    if refused is not None and _only_says(outline, at, outline.stretch_end[refused], refused):
        if outline.has(range(refused, end), "then", "came_round", "started", "new_word"):  # refused, then took it
            return
        _say_of_asked(outline, first, at, found, "declined")
    elif closed and at + 1 < end and "negated_after" in outline.cues[at] and "pending" not in outline.cues[at]:
        _say_of_asked(outline, first, at, found, "denied")


def _say_of_asked(outline: Outline, first: int, end: int, found: dict[int, Mention], said: Standing) -> None:
    """Say it of the drugs that are asked about; of those before them, 'A, B? Declined', it may be meant, too."""
    for each in range(first, end):
        if outline.is_drug[each] and found[each].standing == "asked":
            conjugate = said == "declined" and agents_of(outline.pieces[each]) == ("t_dxd",)
            found[each] = Mention(said, "declined" if conjugate else None)
        elif outline.is_drug[each] and found[each].bare:
            found[each] = Mention("mentioned")


def _answers_at(outline: Outline, at: int) -> int:
    """Where a sentence begins to answer, behind its source: 'Per pharmacy: no.'"""
    while at + 1 < len(outline.pieces) and outline.pieces[at].key in ("?", "!"):  # got T-DM1?? no
        at += 1
    last = outline.sentence_end[at] - 1
    while at < last and ("on_record" in outline.cues[at] or outline.pieces[at].key in (":", ",", "(")):
        at += 1
    return at


def _tells_when_it_was(outline: Outline, at: int) -> bool:
    """Whether an answer says that a drug was given, though not now: 'On T-DM1? No, that was 2020', 'that was 2L'."""
    pieces, end = outline.pieces, outline.sentence_end[at]
    if at + 4 >= end or pieces[at].key != "no" or "pronoun" not in pieces[at + 2].roles or pieces[at + 3].key != "was":
        return False
    rest = range(at + 3, end)
    if outline.has(rest, "negation", "planned", "declined", "unavailable", "family", "early"):
        return False
    return outline.has(rest, "progression", "toxicity", "before_it") or any(
        pieces[each].kind in ("date", "line") for each in rest
    )


def _denies_it_at(outline: Outline, at: int) -> int | None:
    """Where a sentence that says no more denies that it was given: 'She has never had it', 'not received so far'."""
    end = outline.sentence_end[at]
    denials = frozenset(("negation", "negated_after"))
    denied = next((each for each in range(at, min(end, at + _ASKED)) if outline.cues[each] & denials), None)
    if denied is None or outline.pieces[denied].end - outline.pieces[denied].start <= len("never"):
        return None
    return denied if _only_says(outline, at, end, denied) else None


def _only_says(outline: Outline, at: int, end: int, told: int) -> bool:
    """Whether a sentence says nothing of weight besides one word, but why: 'She refused.', 'offered, refused because
    of her hands'."""
    end = next((each for each in range(told + 1, end) if "reason" in outline.pieces[each].roles), end)
    return all(
        outline.pieces[each].kind in ("silent", "sign", "date") or outline.cues[each] & _OF_NO_WEIGHT
        for each in (*range(at, told), *range(told + 1, end))
    )


def _tells_how_it_ended(outline: Outline, at: int) -> bool:
    """Whether an answer begins with the end of what was given, and names no drug: 'Stopped after 3 weeks, rash.'"""
    told = outline.cues[at] & {"stopped", "completed"} and not outline.cues[at] & {"planned", "negated_after"}
    return bool(told) and not outline.pieces[at].asked and outline.drug_in_sentence_after(at) is None


def _says_she_had_it(outline: Outline, at: int) -> bool:
    """Whether an answer tells that the drug was given: 'T-DM1? Had it.', 'I'd rather not, she had it in 2022'."""
    stop = min(outline.sentence_end[at], outline.drug_in_sentence_after(at) or len(outline.pieces))
    asked = range(outline.sentence_start[at - 1], at)
    if outline.is_drug[at] or outline.plays(asked, "or"):
        return False
    return any(outline.tells_it_was_given(each) for each in range(at, stop))


def _asks_whether_given(outline: Outline, first: int, end: int) -> bool:
    """Whether a question is about giving drugs, and not about what they did: 'did T-DM1 work?'"""
    return not outline.has(range(first, end), *_EFFECTS) and not any(
        _is_unknown(outline.pieces[at]) for at in range(first, end)
    )


def _is_unknown(piece: Piece) -> bool:
    """Whether a piece is a word nobody knows."""
    unknown = piece.kind == "word" and piece.key.isalpha() and len(piece.key) > 1
    return unknown and piece.roles <= _SAYS_NOTHING_OF_GIVING and piece.value is None


def _names_an_illness(piece: Piece) -> bool:
    """Whether a piece names an illness other than the breast cancer."""
    return "other_illness" in piece.roles or piece.is_("scope", "other_tumour")


def _first_that_speaks(outline: Outline, places: range) -> int | None:
    """The first of some places whose piece says something by itself: not 'is', 'only', 'hence', 'arm', 'tablets'."""
    for at in places:
        piece = outline.pieces[at]
        light = piece.kind == "silent" or piece.key in _LIGHT or "is" in piece.roles
        light = light or (piece.key == "now" and at + 1 < places.stop and "modal" in outline.pieces[at + 1].roles)
        if not light and (piece.cues or piece.roles.isdisjoint(_LIGHT_ROLES)):
            return at
    return None


def _deny_all(outline: Outline, first: int, end: int, found: dict[int, Mention]) -> None:
    """Read the next sentence's denial of the drugs of this one: 'T-DXd, tucatinib? She has had neither.'"""
    stop = min(outline.next_drug[end - 1] or len(outline.pieces), _end_of(outline, end))
    everything = outline.has(range(end, stop), "had_neither")
    if not everything and not _is_set_apart(outline, range(end, stop)):
        return
    for at in range(first, end):
        if outline.is_drug[at] and (everything or found[at].standing == "family"):
            found[at] = Mention("denied", found[at].access)


def _deny_behind(outline: Outline, first: int, end: int, found: dict[int, Mention]) -> None:
    """Read the next sentence's denial of the one list of this one: 'Tucatinib is not on our list; not received.'"""
    if end == len(outline.pieces):
        return
    denied = _denies_it_at(outline, end)
    if denied is None or "negated_after" not in outline.cues[denied]:
        denied = _ends_in_a_denial(outline, end)
    if denied is None or "not_begun" in outline.cues[denied]:
        return
    drug = outline.last_drug[end - 1] if not outline.is_drug[end - 1] else end - 1
    if drug is None or any(outline.is_drug[at] for at in range(first, outline.first_of_list(drug))):
        return
    for at in range(outline.first_of_list(drug), drug + 1):
        if outline.is_drug[at] and (found[at].standing in ("mentioned", "planned", "asked") or found[at].bare):
            found[at] = Mention("denied", found[at].access)


def _ends_in_a_denial(outline: Outline, at: int) -> int | None:
    """Where a sentence without a drug ends in 'she never had it', 'never got it'."""
    pieces, last = outline.pieces, outline.sentence_end[at] - 1
    last -= pieces[last].kind == "sign"
    if last - 1 < at or "pronoun" not in pieces[last].roles or pieces[last].asked:
        return None
    told = pieces[last - 1]
    denies = told.key == "never" and "negation" in told.cues and told.end - told.start > len("never")
    return last - 1 if denies and outline.drug_in_sentence_after(at) is None and not outline.is_drug[at] else None


def _ask_which_of_them(outline: Outline, first: int, end: int, found: dict[int, Mention]) -> None:
    """Read the next sentence's question which of a list it should be: 'The list is long: A, B, C. Which first?'"""
    pieces = outline.pieces
    if (
        end + 1 >= len(pieces)
        or pieces[end].key not in ("which", "what")
        or pieces[outline.sentence_end[end] - 1].key != "?"
    ):
        return
    asked = pieces[end + 1 : outline.sentence_end[end]]
    colon = next((at for at in range(first, end) if pieces[at].key == ":"), None)
    if colon is None or any(piece.key in ("next", "else", "now", "line", "after") for piece in asked):
        return
    heading = range(first, colon)
    chooses = asked[0].key in ("first", "best", "one", "of", "would", "should", "to", "do", "is") and outline.plays(
        heading, "plan_noun"
    )
    if not (chooses or (pieces[end].key == "which" and asked[0].key in ("first", "best"))):
        return
    told = outline.has(heading, "previous", "has_had", "previously", "several_lines")
    listed = [at for at in range(colon, end) if outline.is_drug[at]]
    if listed and not told and all(found[at].bare or found[at].standing != "received" for at in listed):
        found.update({at: Mention("asked") for at in listed if found[at].standing == "received"})


def _begin_what_was_planned(outline: Outline, first: int, end: int, found: dict[int, Mention]) -> None:
    """Read the next sentence's start of the last list that this one says was planned: 'we preferred T-DXd; started 5
    weeks ago'."""
    if end == len(outline.pieces):
        return
    begun = end
    while begun < outline.sentence_end[end] - 1 and outline.pieces[begun].key in ("it", "was", "which", "this", "has"):
        begun += 1
    drug = outline.last_drug[end - 1] if not outline.is_drug[end - 1] else end - 1
    if drug is None or drug < first or outline.pieces[begun].asked or not outline.tells_when_it_began(begun):
        return
    if outline.stretch_end[begun] < outline.sentence_end[end] and outline.drug_in_sentence_after(begun) is not None:
        return
    for at in range(outline.first_of_list(drug), drug + 1):
        if outline.is_drug[at] and found[at].standing in ("planned", "mentioned") and found[at].access is None:
            found[at] = Mention("received")


def _was_left_open(mention: Mention) -> bool:
    """Whether a drug was read as planned, or nothing was made of it."""
    return mention.standing in ("planned", "mentioned") and mention.access is None


def _begin_what_was_stopped(outline: Outline, first: int, end: int, found: dict[int, Mention]) -> None:
    """Read the drugs of a plan as given that were stopped after some of it, where no other was given beside them."""
    stopped = [at for at in stopped_after_some(outline, first, end) if at in found]
    others = (at for at in range(first, min(stopped, default=first)) if outline.is_drug[at])
    if any(found[at].standing == "received" for at in others):
        return
    found.update({at: Mention("received") for at in stopped if _was_left_open(found[at])})


def _refuse_what_was_offered(outline: Outline, first: int, end: int, found: dict[int, Mention]) -> None:
    """Read the next sentence's refusal of what this one says was planned: 'T-DXd was offered. She declined.'"""
    if end == len(outline.pieces):
        return
    stop = outline.stretch_end[end]
    refused = next((at for at in range(end, min(stop, end + _ASKED)) if "declined" in outline.cues[at]), None)
    if refused is None or not _only_says(outline, end, stop, refused):
        return
    for at in range(first, end):
        if outline.is_drug[at] and found[at].standing == "planned":
            conjugate = agents_of(outline.pieces[at]) == ("t_dxd",)
            found[at] = Mention("declined", "declined" if conjugate else None)


def _is_set_apart(outline: Outline, places: range) -> bool:
    """Whether a sentence only says that the patient did not: 'Her mother had T-DM1; the patient has not.'"""
    denied = bool(places) and "the_patient" in outline.cues[places.start] and outline.has(places, "negation")
    return denied and all(
        outline.pieces[at].kind in ("silent", "sign") or outline.cues[at] & {"the_patient", "negation"} for at in places
    )


def _end_of(outline: Outline, at: int) -> int:
    return outline.sentence_end[at] if at < len(outline.pieces) else at


def _headed_plan(outline: Outline, first: int, end: int, found: dict[int, Mention]) -> Standing | None:
    """What a sentence makes of the list behind its colon, where that is planned or asked: 'Options: A + B; C + D'."""
    if outline.pieces[end - 1].key != ";":
        return None
    drug = next((at for at in range(first, end) if outline.is_drug[at]), None)
    headed = drug is not None and any(
        outline.pieces[at].key == ":" or outline.cues[at] & {"choices", "plan_heading"} for at in range(first, drug)
    )
    if drug is None or not headed:
        return None
    standing = found[drug].standing
    return standing if standing in ("planned", "asked") else None


def _is_given_likewise(outline: Outline, first: int, end: int, found: dict[int, Mention]) -> bool:
    """Whether a drug with nothing but how it is given goes on what is only planned before a semicolon: 'tucatinib +
    cape would be oral; trastuzumab sc'."""
    if outline.pieces[first - 1].key != ";":
        return False
    before = [at for at in range(outline.sentence_start[first - 1], first) if outline.is_drug[at]]
    if not before or any(found[at].standing != "planned" for at in before):
        return False
    rest = [at for at in range(first, end) if not outline.is_drug[at] and outline.pieces[at].kind != "sign"]
    with_route = any(  # trastuzumab sc, in one name
        agents_of(piece) == ("trastuzumab",) and piece.end - piece.start > len(piece.key)
        for piece in outline.pieces[first:end]
    )
    return (with_route or bool(rest)) and all(
        "route" in outline.pieces[at].roles or outline.pieces[at].key in ("oral", "orally", "injection") for at in rest
    )


def _is_queried(outline: Outline, first: int) -> bool:
    """Whether a question mark stands before what is asked about: 'third line: ? T-DXd', '?TCT'."""
    pieces = outline.pieces
    if first < 1 or pieces[first - 1].key != "?":
        return False
    opens = first == 1 or pieces[first - 2].key in (":", "(", "-", ",", "->", ">")
    return opens or (pieces[first].glued and not pieces[first - 1].glued)


def _only_names(outline: Outline, first: int, end: int) -> bool:
    listed = {"then", "planned", "joined"}
    return all(
        outline.is_drug[at]
        or outline.pieces[at].kind == "sign"
        or outline.pieces[at].key == "the"
        or outline.cues[at] & listed
        for at in range(first, end)
    )


def _announces_plans(outline: Outline, first: int, end: int) -> bool:
    """Whether a sentence without drugs heads a list of what is planned: 'Plan: 1) MRI'."""
    plans = any("planned" in outline.cues[at] and heads(outline, at) for at in range(first, min(first + _ASKED, end)))
    headed = outline.pieces[end - 1].key == ":" and end - first <= _ASKED + 1
    plans = plans or (headed and outline.has(range(first, end), "choices", "available"))  # options here: - T-DXd - TCT
    return plans and not _is_an_item(outline, first)


def _is_an_item(outline: Outline, first: int) -> bool:
    """Whether a sentence is an item of a list: behind a dash, a number, a semicolon."""
    pieces = outline.pieces
    if _is_marked(outline, first) or (first and pieces[first - 1].key == ";"):
        return True
    return first > 1 and pieces[first - 1].key == "." and pieces[first - 2].kind == "number"


def _is_marked(outline: Outline, first: int) -> bool:
    """Whether a sentence begins with the mark of an item."""
    ahead = outline.pieces[first : first + 2]
    numbered = len(ahead) > 1 and ahead[0].kind == "number" and ahead[1].key in (")", ".")
    return numbered or (bool(ahead) and ahead[0].key in ("-", "*", ITEM))


def _asks_for_choices(outline: Outline, first: int, end: int) -> bool:
    """Whether a sentence only asks for a list, which the next one may be: 'Options?', 'Any ideas?'"""
    if outline.pieces[end - 1].key != "?" or end - first > _ASKED:
        return False
    of_a_line = end - first == _TWO and outline.pieces[first].kind == "line"
    of_a_line = of_a_line and end < len(outline.pieces) and outline.pieces[end].key in (":", "-")  # 3rd line?: T-DXd
    return of_a_line or outline.has(range(first, end), "choices")


class _Words:
    """What may be said of any drug, by the words that stand in the text: most rules wait for words that do not."""

    def __init__(self, outline: Outline) -> None:
        said, played, typed = outline.said, outline.played, outline.typed
        self.refuses = "declined" in said
        self.begins = "started" in said
        self.stops = "stopped" in said
        """Whether what was planned may be told to have been stopped."""
        self.unavailable = "unavailable" in said
        self.denies_all = "had_neither" in said or ("the_patient" in said and "negation" in said)
        self.denies_behind = "negated_after" in said or "never" in typed
        self.decides = not typed.isdisjoint(REQUESTS) or "access" in said or "application" in played
        """Whether a request may have been decided on."""
        self.routed = ";" in typed
        """Whether how a drug is given may be told behind a semicolon."""
        self.names_trials = "comparator" in played or not typed.isdisjoint(("-", "in", "on"))
        self.calls = "is" in typed or "was" in typed
        """Whether a drug may be called somebody's idea."""
        self.calls = self.calls and ("what" in typed or not said.isdisjoint(_WHAT_IT_IS))
        self.has_unknown = any(piece.kind == "word" and _is_unknown(piece) for piece in outline.pieces)
        """Whether a word stands in the text that nobody knows."""
        self.is_open = self.has_unknown or self.calls or "modal" in played or "accepting" in played
        """Whether a word may leave open what is meant of the drug beside it."""
        self.illnesses = (
            [
                at
                for at, piece in enumerate(outline.pieces)
                if (piece.roles or "scope" in piece.kinds) and _names_an_illness(piece)
            ]
            if outline.names_another_illness
            else []
        )
        """Where other illnesses are named."""


class _Sentence:
    """Brings together what stands before and behind each drug of a sentence."""

    def __init__(self, outline: Outline, first: int, end: int, words: _Words, *, planned: bool = False) -> None:
        self.outline, self.first, self.end, self.words = outline, first, end, words
        told_from = outline.sentence_start[first - 1] if first else 0
        self.names_an_illness = any(told_from <= at < end for at in words.illnesses)
        """Whether it, or the sentence before it, names another illness."""
        before, behind = Before(outline, first, end, planned=planned), Behind(outline, first, end)
        before.read()
        behind.read()
        self.before, self.behind, self.relatives = before.before, behind.behind, before.relatives
        self.unbegun, self.access, self.told_at = behind.unbegun, behind.access, behind.told_at
        question = asks_outright(outline.pieces[first:end])
        self.question = end if question is None else first + question
        """Where the sentence begins to ask whether its drugs were given."""
        self.unsaid = Unsaid(outline, first, end)
        self.hearsay = self._hearsay()
        self.is_a_topic = "topic" in outline.played and self._is_a_topic()
        """Whether all the text is is a question of what is known of drugs."""

    def read(self, found: dict[int, Mention]) -> None:
        """Note the meaning of each drug of the sentence."""
        for at in self.before:
            found[at] = self._meaning(at)
            if found[at].standing == "received" and self._is_named_too(at, found):
                found[at] = Mention("mentioned")
            given = found[at].standing == "received"
            if given or (found[at].bare and found[at].standing == "mentioned"):
                self.unsaid.note(at, given=given)

    def _is_named_too(self, at: int, found: dict[int, Mention]) -> bool:
        """Whether nothing but 'too' is said of a drug behind one that was not given: 'A one could ask for, B too'."""
        outline, pieces, first = self.outline, self.outline.pieces, self.outline.first_of_list(at)
        behind, last = outline.last_of_list(at) + 1, outline.last_drug[first]
        if last is None or last < self.first or behind >= self.end or outline.stretch_start[first] != first:
            return False
        if pieces[first - 1].key != "," or found[last].standing not in ("mentioned", "planned", "asked"):
            return False
        well = pieces[behind].key == "as" and [piece.key for piece in pieces[behind : behind + 2]] == ["as", "well"]
        ends = behind + 1 + (well and pieces[behind].end - pieces[behind].start == len("as"))
        too = well or pieces[behind].key in _TOO
        return too and (ends >= self.end or pieces[ends].kind == "sign")

    def _is_a_topic(self) -> bool:
        """Whether a text is nothing but drugs and what is known of them: 'approval of T-DXd in Canada', 'Enhertu side
        effects', 'T-DXd indication in 2nd line'."""
        outline = self.outline
        if self.first or self.end > _LONGEST_REMARK:
            return False
        if any(piece.kind not in ("silent", "sign") for piece in outline.pieces[self.end :]):
            return False
        greeting = next((at for at in range(self.end) if outline.pieces[at].kind != "silent"), self.end)  # Dear ...,
        return not any(outline.pieces[at].key in (",", ";", "->", ">") for at in range(greeting + 1, self.end)) and all(
            outline.is_drug[at]
            or outline.pieces[at].kind in ("silent", "sign", "line", "number")
            or outline.pieces[at].is_("say", "region")
            or "topic" in outline.pieces[at].roles
            or outline.pieces[at].key in ("side", "toxicity", "resistance")
            for at in range(self.end)
        )

    def _hearsay(self) -> range:
        """What is only told, where the sentence sets the records against it: 'thinks she had A, records show B'."""
        places = range(self.first, self.end)
        if self.outline.said.isdisjoint(("on_record", "hearsay")):
            return range(0)
        records = [at for at in places if "on_record" in self.outline.cues[at]]
        if len(records) == _TWO:  # the referral says A, but the chart shows B
            return range(*records) if any(self.outline.pieces[at].key == "but" for at in range(*records)) else range(0)
        record = records[0] if records else self.first
        told = next((at for at in range(self.first, record) if "hearsay" in self.outline.cues[at]), record)
        return range(told, record)

    def _meaning(self, at: int) -> Mention:  # noqa: PLR0911, PLR0912, PLR0915  (one meaning after another)
        outline, said, typed = self.outline, self.outline.said, self.outline.typed
        led, before, behind = outline.pieces[at - 1], self.before[at], self.behind.get(at)
        if at in self.relatives:
            return Mention("family")
        if behind == "same":
            behind = "mentioned" if self._is_of_its_effect(at) else self._same(at)
        elif behind == "likewise":
            previous = outline.last_drug[at]
            behind = None if previous is None else self.behind.get(previous)
        elif behind == "ellipsis":
            behind = "available" if self._same(at) != "denied" else None
            if outline.last_drug[at] is None and outline.pieces[at + 1].key in ("is", "are"):
                behind = "mentioned"  # not available, but tucatinib is
        if "denied" in (before, behind) and self._was_only_early(at):
            return Mention("received")
        if before == "denied" and self._is_of_neither(at):
            before = behind = "unavailable"
        if before == "received" and behind in _ACCESS and self._is_only_dated(at):
            before = None
        if before == "received" and "planned" in said and self._is_had_in_mind(at):
            before = None
        if before == "received" and behind == "planned" and self._is_only_dated(at, "on_record"):
            before = None  # the letter says "A planned"
        if self.is_a_topic or at in self.hearsay or (led.key in _OF_A_KIND and self._names_the_kind_of(at)):
            return Mention("mentioned")
        if "arm" in typed and self._is_her_arm(at):
            return Mention("received")
        in_present = "give" in typed and self._is_told_in_the_present(at)
        if in_present or behind == "received" or ("than" in said and outline.is_excepted(at)):
            return Mention("received")
        if led.key in ("until", "till") and self._is_awaited(at):
            return Mention("planned")
        if ("planned" in (before, behind) or behind == "upcoming") and outline.counts_a_later_cycle(at):
            return Mention("received")
        left = "unavailable" in said and self._left_the_list(at)
        if left or (before == "denied" and self._is_of_access(at)):
            before = "available" if self._is_without_obstacle(at) else "unavailable"
        of_access = before in _ACCESS or before == "other_than" or behind in _ACCESS
        conjugate = (of_access or at in self.access or self.words.decides) and (
            agents_of(outline.pieces[at]) == ("t_dxd",)
        )
        if conjugate and at in self.access:
            return Mention("planned" if behind == "planned" else "denied", self.access[at])
        if "declined" in (before, behind) and (came_round := self._came_round(at)) is not None:
            return Mention("received" if self._is_told_to_run(came_round) else "mentioned")
        if conjugate and {before, behind} & {"declined", "unavailable"} and self._is_a_form_denied(at, behind):
            return Mention("mentioned")
        if conjugate and self.words.decides and behind not in _ACCESS and (decided := self._decision(at)) is not None:
            return Mention("mentioned", decided)
        if conjugate and (access := self._access(at, before, behind)) is not None:
            if access == "unavailable" and before is None and self._harmed(at):
                return Mention("received", access)
            stated = led.key == "that"  # it is not true that Enhertu is unavailable
            never = before == "denied" and (self._is_never(at) or (access == "available" and not stated))
            return Mention("denied" if never else _standing_of(access), access)
        if before == "planned" and at in self.unbegun:
            return Mention("planned")
        if before == "denied":
            return Mention(self._denied(at, behind))
        not_sure = before in ("unsure", "mentioned")
        if not_sure and (self._did_not_work(at) or self._fared_alike(at)):
            return Mention("received")
        if behind == "denied":
            return Mention("denied")
        if "declined" in (before, behind):
            return Mention("declined")
        bare = before is None and behind is None
        if bare and "not" in typed and self._is_judged(at):
            return Mention("mentioned")
        leads = at - 1 - (led.key == "the" and at - 1 > self.first)
        like = "like" in outline.cues[leads] and at > self.first
        unreal = led.key == "had" and "been" in typed and self._is_unreal(at)
        if behind == "corrected" or unreal or (like and not self._is_how_treated(at)):
            return Mention("mentioned")
        if not_sure and self._is_set_against_a_class(at):
            return Mention("received")
        if before == "unsure":
            given = behind == "given" or self._is_given_together(at) or self._is_the_only_one(at)
            return Mention("received" if given else "mentioned")
        if before in ("mentioned", "planned") and outline.pieces[at].asked and self._has_ended(at):
            return Mention("received")
        if before in ("other_than", "unavailable", "available", "mentioned"):
            return Mention("mentioned")
        if behind in ("unavailable", "available", "unknown", "mentioned") and before != "received":
            return Mention("mentioned")
        if outline.pieces[at].asked and (
            self._is_of_who_is_on_it(at) or self._is_what_comes_before_the_next(at, behind)
        ):
            return Mention("received")
        return Mention("asked" if at > self.question else self._when(at, before, behind), bare=bare)

    def _is_what_comes_before_the_next(self, at: int, behind: str | None) -> bool:
        """Whether a drug is a step of what the line that is asked for comes after: 'next line after THP -> T-DM1?',
        'options after A, then B -> PD?', 'C after A -> B?'; not 'next after A -> B or C?'."""
        outline, pieces, back = self.outline, self.outline.pieces, at - 1
        if self.before[at] not in (None, "given") or behind not in (None, "given", "asked"):
            return False
        if "after" not in outline.said or "or" in outline.played:
            return False
        least = max(self.first, at - _STEPS)
        while back > least and "after" not in outline.cues[back]:
            step = pieces[back].key in _STEP or outline.cues[back] & {"then", "progression"}
            if not (step or outline.is_drug[back] or outline.is_joining(back)):
                return False
            back -= 1
        if "after" not in outline.cues[back] or not outline.is_drug[back + 1]:
            return False
        heads = range(self.first, back + 1)
        if any(outline.is_drug[on] for on in heads):  # tucatinib after THP -> T-DXd?
            return outline.is_drug[back - 1] and any(pieces[on].key == "->" for on in range(back, at))
        return outline.has(heads, "what_next", "choices") or any(
            pieces[on].key == "next" or pieces[on].kind == "line" for on in heads
        )

    def _is_awaited(self, at: int) -> bool:
        """Whether it is until a drug is to be had that another was given: 'cape until T-DXd arrives', 'until A is
        funded'."""
        outline = self.outline
        for on in outline.rest_of_stretch(outline.last_of_list(at), _HAD_WITHIN):
            piece = outline.pieces[on]
            if piece.key in _COMES or "available" in outline.cues[on]:
                return True
            if piece.kind not in ("silent", "word") and not piece.roles & {"is", "modal"}:
                return False
        return False

    def _denied(self, at: int, behind: str | None) -> Standing:
        """What a denial before a drug makes of it: it may be of something else."""
        outline = self.outline
        if self._is_nor(at) and self._same(at) not in ("denied", "given"):
            return "mentioned"
        if behind == "unavailable" and self._was_out_of_reach(at) and not self._is_never(at):
            return "mentioned"
        if self._is_no_naivety(at):
            return "mentioned" if self._is_told_again(at) else "received"
        if [piece.key for piece in outline.pieces[at + 1 : at + 3]] in _NO_MORE:
            return "received"
        if self._did_not_work(at) or self._fared_alike(at):
            return "received"
        if behind != "denied" and (self._answers_otherwise(at) or self._ended_then(at)):
            return "mentioned"
        return "mentioned" if self._is_cleared(at) else "denied"

    def _was_only_early(self, at: int) -> bool:
        """Whether a denial holds but for early-stage treatment: 'no pertuzumab for mets, only neoadjuvant', 'never had
        T-DM1 except adjuvantly'."""
        outline = self.outline
        if "early" not in outline.said or outline.drug_in_sentence_after(outline.last_of_list(at)) is not None:
            return False
        for only in range(outline.last_of_list(at) + 1, self.end - 1):
            leads = "only" in outline.pieces[only].roles or outline.cues[only] & {"than", "all_but"}
            if not leads:
                continue
            early = next((on for on in range(only + 1, min(self.end, only + 4)) if "early" in outline.cues[on]), None)
            if early is None or outline.pieces[early].asked:
                return False
            return all(
                outline.pieces[on].kind in ("silent", "sign", "date", "cycles")
                or outline.pieces[on].key == "setting"
                or "early" in outline.cues[on]
                for on in range(only + 1, outline.stretch_end[early])
            )
        return False

    def _is_of_neither(self, at: int) -> bool:
        """Whether it is to be had that is denied of a list: 'neither A nor B is funded', 'none of A is', 'neither A nor
        B here'."""
        outline = self.outline
        if not self._opens_with_none():
            return False
        last = self._last_of_the_list(at)
        if last - self.first > 2 * _LONGEST_REMARK:
            return False
        behind = outline.rest_of_stretch(last, 3)
        if any(outline.pieces[each].key in _TO_BE_HAD for each in behind):
            return True
        return outline.has(range(last + 1, outline.stretch_end[last]), "available", "unavailable")

    def _opens_with_none(self) -> bool:
        """Whether a sentence begins with a denial of several: 'neither A nor B', 'none of A and B'."""
        opens = self.outline.pieces[self.first]
        return "nor" in opens.roles or (opens.key == "none" and self.outline.pieces[self.first + 1].key == "of")

    def _last_of_the_list(self, at: int) -> int:
        """The last of the drugs that signs, 'and' or 'nor' join to one, over commas, too."""
        outline = self.outline
        while (following := outline.next_drug[at]) is not None and following < self.end:
            if not (outline.joins(at, following) or "nor" in outline.pieces[following - 1].roles):
                break
            at = following
        return at

    def _is_only_dated(self, at: int, *cues: Cue) -> bool:
        """Whether what is said of the access to a drug only has its time or its source before it: 'previously T-DXd not
        available', 'pharmacy says T-DXd is not on the formulary'."""
        outline = self.outline
        before = outline.before_in_stretch(at)
        told = [back for back in before if outline.cues[back] & TOLD]
        if len(told) != 1:
            return False
        if cues:
            return outline.has(told, *cues)
        return bool(outline.cues[told[0]] & {"on_record", "before_it"}) or "formerly" in outline.pieces[told[0]].roles

    def _names_the_kind_of(self, at: int) -> bool:
        """Whether a class only says what the drug before it is: 'lapatinib was the only TKI she had'."""
        outline = self.outline
        told = outline.last_drug[at] is not None
        if told and outline.pieces[at - 1].key == "both" and readings_of(outline.pieces[at]) is not None:
            return True  # lapatinib, then tucatinib; refractory to both TKIs
        if outline.pieces[at - 1].key == "both":
            return False
        last = outline.last_drug[at]
        same = last is not None and agents_of(outline.pieces[last]) == agents_of(outline.pieces[at])
        keys = [piece.key for piece in outline.pieces[at - 2 : at]]
        if same and last is not None and last >= self.first and keys == ["the", "only"]:
            return True  # 5-FU cream is the only fluorouracil
        named = outline.drug_in_stretch_before(at)
        if named is None:
            return False
        readings = readings_of(outline.pieces[at])
        return readings is not None and agents_of(outline.pieces[named]) in readings

    def _answers_otherwise(self, at: int) -> bool:
        """Whether only the 'no' that answers a question stands before a drug: 'Enhertu next? No, T-DM1.'"""
        outline, first = self.outline, self.first
        if first + 1 >= at or outline.pieces[first].key != "no" or outline.pieces[first + 1].key not in (",", "-", ":"):
            return False
        return first > 0 and outline.pieces[first - 1].key == "?" and not outline.has(range(first + 1, at), "negation")

    def _is_cleared(self, at: int) -> bool:
        """Whether it is what another drug did that is denied of one: 'not A but B gave her ILD', 'it was not A but B
        that failed', 'it was B, not A, that made her sick'; not 'not A but B is what she had'."""
        outline, pieces = self.outline, self.outline.pieces
        leads, turns = outline.first_of_list(at) - 1, outline.last_of_list(at) + 1
        turns += turns < self.end and pieces[turns].key == ","
        if turns >= self.end or outline.has(range(outline.stretch_start[at], max(leads, 0)), "has_had"):
            return False
        told = turns
        if pieces[turns].key == "but" and pieces[max(leads, 0)].key == "not":
            other = outline.drug_in_stretch_after(turns)
            if other is None:
                return False
            told = outline.last_of_list(other) + 1
            told += told + 1 < self.end and pieces[told].key == "," and "is" in pieces[told + 1].roles
        elif pieces[turns].key not in ("that", "which"):
            return False
        for each in range(told, outline.stretch_end[told] if told < self.end else told):
            if outline.cues[each] & {"has_had", "previously", "started", "planned"} or outline.is_drug[each]:
                return False
            if not outline.cues[each].isdisjoint(_EFFECTS) or "caused" in pieces[each].roles:
                return True
        return False

    def _harmed(self, at: int) -> bool:
        """Whether the bracket behind says what happened under a drug: 'T-DXd not an option (ILD under it)',
        'contraindicated now (ILD on cycle 6)'."""
        outline, pieces = self.outline, self.outline.pieces
        opened = outline.stretch_end[at] - 1
        last = outline.last_drug[at]
        if pieces[opened].key != "(" or opened + 1 >= self.end or (last is not None and last >= self.first):
            return False
        if not outline.cues[opened + 1] & {"a_toxicity", "toxicity"}:
            return False
        for under in outline.rest_of_stretch(opened + 1, 6):
            if "on_it" in outline.cues[under]:
                return True
            if pieces[under].roles & {"on", "during"} and under + 1 < outline.stretch_end[under]:
                return "pronoun" in pieces[under + 1].roles or "cycles" in outline.cues[under + 1]
        return False

    def _came_round(self, at: int) -> int | None:
        """Where a refusal is said to be given up: 'initially refused Enhertu, accepts now', 'refused at first, given in
        2022'."""
        outline = self.outline
        if outline.said.isdisjoint(("came_round", "at_first")) or outline.drug_in_sentence_after(at) is not None:
            return None
        rest = range(at + 1, self.end)
        first = next((each for each in rest if "at_first" in outline.cues[each]), self.end)
        return next(
            (
                each
                for each in rest
                if "came_round" in outline.cues[each]
                or (each > first and (outline.pieces[each].key in _TAKEN or "cycles" in outline.cues[each]))
            ),
            None,
        )

    def _is_told_to_run(self, at: int) -> bool:
        """Whether a drug is said to be taken, or what follows counts cycles, or says how it goes: 'then accepted, now
        4th cycle'."""
        outline, rest = self.outline, range(at + 1, self.end)
        told = "came_round" not in outline.cues[at] or any(outline.pieces[each].kind == "cycles" for each in rest)
        return told or outline.has(rest, "cycles", *_EFFECTS, *_SUPPOSED)

    def _is_judged(self, at: int) -> bool:
        """Whether a drug is called what nobody knows, and denied to be so: 'T-DXd not wise'."""
        outline = self.outline
        rest = [outline.pieces[each] for each in outline.rest_of_stretch(at, 5)]
        rest = [piece for piece in rest if piece.key not in ("is", "was", "would", "be", "had", "has")]
        return len(rest) > 1 and rest[0].key == "not" and rest[1].kind == "word"

    def _is_how_treated(self, at: int) -> bool:
        """Whether 'as per' says how treatment was given: 'treated as per CLEOPATRA'; not 'margetuximab, like
        trastuzumab'."""
        how = self.outline.pieces[at - 2] if at - 2 >= self.first else None
        return how is not None and (how.kind == "line" or how.key in ("treated", "treatment", "given"))

    def _is_unreal(self, at: int) -> bool:
        """Whether a drug is only thought of as given: 'had T-DM1 been available, ...'."""
        if at == self.first or self.outline.pieces[at - 1].key != "had":
            return False
        behind = self.outline.last_of_list(at) + 1
        return behind < self.end and self.outline.pieces[behind].key == "been"

    def _did_not_work(self, at: int) -> bool:
        """Whether it is an effect that is denied of a list: 'neither THP nor T-DM1 worked'."""
        outline = self.outline
        opened = range(max(self.first, at - _LONGEST_REMARK), at)
        if not (outline.plays(opened, "nor") or self._opens_with_none()):
            return False
        if any(
            outline.pieces[each].key == "neither"
            and ("responding" in outline.cues[each - 1] or outline.pieces[each - 1].key == "responded")
            for each in opened
            if each
        ):
            return True  # she responded neither to THP nor to T-DM1; she responded to neither
        last = self._last_of_the_list(at)
        behind = range(last + 1, min(outline.stretch_end[last], last + 3))
        if outline.has(behind, "took_effect", "responding", "had_effect"):
            return all(outline.pieces[each].key not in ("tried", "is", "are") for each in behind)
        last = outline.last_drug[self.end - 1] or at  # neither THP nor the second (T-DXd) was stopped for toxicity
        behind = range(last + 1, min(self.end, last + 5))
        return outline.pieces[self.first].key == "neither" and outline.has(behind, *_EFFECTS)

    def _fared_alike(self, at: int) -> bool:
        """Whether a drug did not do better than the one before it: 'THP did not work, nor did T-DM1'."""
        outline, first = self.outline, self.outline.first_of_list(at)
        previous = outline.last_drug[first]
        if previous is None or previous < self.first or first - 2 <= previous or not tells_alike(outline, first - 2):
            return False
        ends = self.outline.last_of_list(at) + 1
        alone = ends >= self.end or outline.pieces[ends].kind == "sign" or outline.pieces[ends].key in ("and", "either")
        return alone and self._has_fared(previous, first)

    def _has_fared(self, drug: int, end: int) -> bool:
        """Whether it is told how a drug that was given did, behind it or before it: 'no benefit from THP'."""
        outline = self.outline
        if self.before.get(drug) == "received" and outline.has(outline.before_in_stretch(drug, 3), *_BAD_EFFECTS):
            return True
        return self.behind.get(drug) == "given" and outline.has(range(drug + 1, end), *_BAD_EFFECTS)

    def _is_no_naivety(self, at: int) -> bool:
        """'Not T-DXd-naive', 'not A or B naive': it was given."""
        outline = self.outline
        if "naive" not in outline.typed:
            return False
        if at + 2 < self.end and "or" in outline.pieces[at + 1].roles and outline.is_drug[at + 2]:
            at += 2
        return "naive" in [piece.key for piece in outline.pieces[at + 1 : min(self.end, at + 3)]]

    def _is_told_again(self, at: int) -> bool:
        """Whether the drugs named next in the sentence hold a drug: 'not pertuzumab-naive: THP first line'."""
        agents = set(agents_of(self.outline.pieces[at]) or ())
        for _ in range(_LONGEST_LIST):
            following = self.outline.next_drug[at]
            if following is None or following >= self.end:
                return False
            if agents <= set(agents_of(self.outline.pieces[following]) or ()):
                return True
            at = following
        return False

    def _is_told_in_the_present(self, at: int) -> bool:
        """Whether 'we give' tells what was given, as how it went is told behind it: 'We give T-DM1, she progresses'."""
        outline, pieces = self.outline, self.outline.pieces
        if pieces[at].asked:
            return False
        verb = outline.first_of_list(at) - 1
        if verb <= self.first or pieces[verb].key != "give" or pieces[verb - 1].key != "we":
            return False
        before = range(outline.stretch_start[verb], verb - 1)
        supposed = any(pieces[each].roles & {"if", "modal", "clausal", "whether"} for each in before)
        last = outline.last_of_list(at)
        following = outline.drug_in_sentence_after(last) or self.end
        told = outline.has(range(last + 1, following), "progression", "responding", "stopped", "toxicity", "stable")
        return told and not supposed and not any("before" in pieces[each].key for each in before)

    def _is_her_arm(self, at: int) -> bool:
        """Whether a drug names the arm of a trial that the patient was in: 'she was in the T-DM1 arm'."""
        outline, pieces, behind = self.outline, self.outline.pieces, self.outline.last_of_list(at) + 1
        if behind >= self.end or pieces[behind].key != "arm" or pieces[at].asked:
            return False
        before = range(outline.stretch_start[at], outline.first_of_list(at))
        drew = any(pieces[each].key in _DREW for each in before)
        led = drew or any(pieces[each].key in ("in", "on", "to") for each in before)
        hers = drew or outline.has(before, "the_patient") or any(pieces[each].key in ("she", "he") for each in before)
        return led and hers and not outline.has(before, "negation", "planned") and not outline.plays(before, "modal")

    def _ended_then(self, at: int) -> bool:
        """Whether a drug was only given no more from a time on: 'HP, without docetaxel since 2021', 'THP, after cycle
        6 without the taxane'."""
        pieces, leads = self.outline.pieces, at - 1
        leads -= leads > self.first and pieces[leads].key == "the"
        if leads < self.first or pieces[leads].key not in ("without", "minus", "no"):
            return False
        if at + 1 < self.end and self._begins_a_time(at + 1):
            return True
        return any(self._begins_a_time(each) for each in range(self.outline.stretch_start[leads], leads))

    def _begins_a_time(self, at: int) -> bool:
        """Whether 'from', 'after', 'since' leads to a cycle or a date, and not to the start."""
        piece, behind = self.outline.pieces[at], self.outline.pieces[at + 1 : at + 3]
        if piece.key not in ("from", "after") and "ever_since" not in piece.roles:
            return False
        return any(each.kind in ("date", "cycles", "number", "duration") or "cycles" in each.cues for each in behind)

    def _is_of_access(self, at: int) -> bool:
        """Whether the access to a drug, and not the drug, is denied: 'no T-DXd access', 'not a T-DXd candidate'."""
        following = at + 1
        conjugate = agents_of(self.outline.pieces[at]) == ("t_dxd",)
        denied = conjugate and self.outline.pieces[at - 1].key == "no"
        no = self.outline.pieces[at - 1]
        plain = at - 3 >= self.first and no.end - no.start == len("no")
        if plain and [piece.key for piece in self.outline.pieces[at - 3 : at]] in _THERE_WAS_NO:
            return True  # in 2018 there was no Enhertu
        if denied and self._is_of_this_place(self.outline.stretch_start[at]):
            return True  # in our country no T-DXd
        if following >= self.outline.stretch_end[at]:
            return False
        if denied and self._is_of_this_place(following):
            return True  # no T-DXd in our country
        named = self.outline.pieces[following].key == "candidate"  # not a T-DXd candidate: severe COPD
        return named or "candidate" in self.outline.pieces[following].roles or "access" in self.outline.cues[following]

    def _is_without_obstacle(self, at: int) -> bool:
        """Whether an obstacle to the access is denied: 'no problem with T-DXd funding'."""
        return self.outline.plays(self.outline.before_in_stretch(at, 4), "obstacle")

    def _decision(self, at: int) -> str | None:  # noqa: PLR0911  (one word of a decision after another)
        """How a request for T-DXd that stands before it was decided: 'approval for T-DXd came through',
        'reimbursement of T-DXd: negative decision'."""
        outline = self.outline
        before = outline.before_in_stretch(at, 5)
        requested = any(is_a_request(outline, each) for each in before)
        if not (requested or outline.has(before, "access") or outline.plays(before, "application")):
            return None
        for place in range(at + 1, min(self.end, at + _ASKED + 3)):
            roles, cues = outline.pieces[place].roles, outline.cues[place]
            if requested and (cues & {"declined"} or outline.pieces[place].key == "denied"):
                return None if outline.plays(range(at + 1, place), "subject") else "unavailable"
            if requested and "pending" in cues:
                return "unknown"
            if "negation" in cues and "through" in [piece.key for piece in outline.pieces[place + 1 : place + 4]]:
                return "unknown"  # funding for T-DXd hasn't come through
            if outline.is_drug[place] or cues & {"negation", "pending"}:
                return None
            if "ongoing" in outline.cues[place]:
                return "unknown"  # the demand for T-DXd is running
            if outline.pieces[place].key in _CAME_TO_NOTHING and "progression" in cues:
                return "unavailable" if outline.stretch[place] == outline.stretch[at] else None
            if "granting" in roles:
                return "available"
            if "revoking" in roles:
                return "unavailable"
        return None

    def _left_the_list(self, at: int) -> bool:
        """Whether a drug was only taken off a list: 'the board dropped T-DXd from our formulary'."""
        following = at + 1
        if following >= self.end or self.outline.pieces[following].key not in ("from", "off"):
            return False
        return "unavailable" in self.outline.cues[following]

    def _is_of_this_place(self, at: int) -> bool:
        """Whether words tell of where one works: 'here', 'in our country', 'at this hospital'; not of what was there so
        far."""
        pieces = self.outline.pieces
        if self.outline.has(self.outline.rest_of_stretch(at), "so_far", "up_to_now", "before_it"):
            return False
        if pieces[at].key == "here":
            return True
        placed = pieces[at].key in ("in", "at") and at + 1 < self.outline.stretch_end[at]
        if placed and pieces[at + 1].is_("say", "region"):  # no T-DXd in Ukraine
            return not self.outline.has(range(self.first, at), "has_had", "previously", "the_patient")
        return placed and pieces[at + 1].key in ("our", "this", "my")

    def _was_out_of_reach(self, at: int) -> bool:
        """Whether a drug was not given only as it was not to be had: 'no pertuzumab because it was not available'."""
        outline = self.outline
        rest, ends = outline.rest_of_stretch(at), outline.stretch_end[at]
        if ends < self.end and outline.pieces[ends].key == "then" and self._is_a_past_time(ends):
            return True  # no pertuzumab available then
        pieces = [outline.pieces[each] for each in rest]
        return any("at_which" in piece.roles or piece.key in _THEN or piece.kind == "date" for piece in pieces)

    def _is_never(self, at: int) -> bool:
        """Whether a drug was expressly not given: 'never had', and not only 'no'."""
        outline = self.outline
        before = outline.before_in_stretch(at)
        return any(
            "negation" in outline.cues[back] and outline.pieces[back].end - outline.pieces[back].start > len("without")
            for back in before
        )

    def _is_nor(self, at: int) -> bool:
        return self.outline.plays(self.outline.before_in_stretch(at, 3), "nor")

    def _is_perhaps(self, at: int) -> bool:
        """Whether a doubt stands right before a drug: 'THP or maybe TCH', 'THP or, possibly, TCH'."""
        pieces, cues = self.outline.pieces, self.outline.cues
        at -= at > self.first and pieces[at - 1].key == "the"
        if at > self.first + 1 and pieces[at - 1].key == ",":
            aside = pieces[at - 3].key if at > self.first + 2 else ","
            return "uncertain" in cues[at - 2] and aside in (",", "or", "and")
        return at > self.first and "uncertain" in cues[at - 1]

    def _when(self, at: int, before: str | None, behind: str | None) -> Standing:  # noqa: PLR0911, PLR0912  (one after another)
        """Received, planned or asked about."""
        outline, said, typed, words = self.outline, self.outline.said, self.outline.typed, self.words
        led, is_asked = outline.pieces[at - 1].key, outline.pieces[at].asked
        if "than" in typed and self._is_compared(at):
            return "asked"
        if ("uncertain" in said and self._is_perhaps(at)) or (led == "over" and self._is_passed_by(at)):
            return "mentioned"
        if "which" in typed and self._is_told_of_behind(at):
            return "received"
        if led in ("a", "an", "is") and self._is_an_arm_or_a_trial(at):
            return "mentioned"  # the trial has a T-DM1 arm
        if led == "-" and [piece.key for piece in outline.pieces[max(self.first, at - 3) : at]] == ["+", "/", "-"]:
            return "mentioned"  # T-DM1 +/- tucatinib
        if led in ("before", "pre") and self._dates_a_value(at):
            return "mentioned"
        if (words.names_trials and self._names_a_trial(at)) or (
            self.names_an_illness and self._is_for_another_illness(at)
        ):
            return "mentioned"
        if "available" in said and outline.pieces[self.first].key == "only" and self._is_all_there_is(at):
            return "mentioned"
        if led == "(" and at - _TWO >= self.first and outline.pieces[at - _TWO].key == "->":
            return "mentioned"  # THP -> T-DXd -> (TCT)
        if "pre" in typed and self._is_still_to_come(at):
            return "planned"
        chooses = "or" in outline.played or "failing_that" in said
        if chooses and (self._is_a_choice(at) or self._is_partner_of_a_choice(at)):
            if "planned" in (before, behind):
                return "planned"
            return "asked" if before is None and behind is None else "mentioned"
        if "or" in outline.played and before is None and behind is None and self._is_set_against_a_course(at):
            return "asked"
        if behind == "upcoming":
            return "planned"
        if "whether" in outline.played and self._is_asked_whether(at):
            return "asked"
        if is_asked and "or" in outline.played and self._is_offered(at):
            return "asked"
        if before == "planned" and behind is None and self._came_before_the_plan(at):
            return "received"
        if before == "received" and self._is_asked_if_given(at):
            return "asked"
        comes_next = behind == "planned" and outline.pieces[at + 1].key == "next"  # PD on TCT, T-DXd next?
        if before == "received" and not comes_next and not (behind == "asked" and self._is_set_beside(at)):
            return "received"
        if is_asked and behind == "given" and self._is_why_it_is_asked(at):
            return "received"
        if is_asked and behind != "planned" and self._has_ended(at):
            return "received"
        if is_asked and behind == "given" and before is None and self._is_told_beside_the_question(at):
            return "received"
        told = behind == "given" or (before == "planned" and self._is_given_together(at))
        told = told or (before == "planned" and behind is None and self._is_told_done(at))
        done = told and before == "planned" and behind != "planned" and self._is_told_done(at)
        if behind == "planned" or (before == "planned" and not (done or (told and self._inherited(at)))):
            return "planned"
        asked = is_asked and not (before == "given" and behind == "given")
        if behind == "asked" or (asked and not self._is_on_it(at)):
            return "asked"
        if behind is None and "planned" in said and self._comes_after_a_plan(at):
            return "planned"
        if led == "(" and self._is_a_remark(at):
            return "mentioned"
        apart = behind == "given" and outline.stretch_start[at] == at  # A v B, THP till February
        bare = before is None and behind is None
        if (before == "compared" and not apart) or (bare and self._is_asked_back(at)):
            return "asked"
        untold = bare and words.is_open and self._is_told_unknown(at) and not self._is_given_together(at)
        untold = untold and not self._is_while_it_ran(at) and not self._ends_a_list_that_was_given(at)
        untold = untold and not outline.counts_a_later_cycle(at)  # ground glass bilateral on T-DXd cycle 5
        if bare and (untold or self.unsaid.holds(at)):
            return "received" if self.unsaid.is_told(at) or self.unsaid.is_told_behind(at) else "mentioned"
        return "mentioned" if bare and led == '"' and self._is_written_on(at) else "received"

    def _is_written_on(self, at: int) -> bool:
        """Whether a drug of which nothing is told only stands quoted on something: 'whiteboard, Friday: "T-DXd!"'."""
        outline, colon = self.outline, at - _TWO
        if colon <= self.first or outline.pieces[colon].key != ":":
            return False
        return outline.plays(range(self.first, colon), "paper") and not outline.tells_a_course(at, timed=True)

    def _ends_a_list_that_was_given(self, at: int) -> bool:
        """Whether a drug belongs to a list of one line, of which the first was given: 'was commenced on docetaxel,
        trastuzumab and pertuzumab by my predecessor'; not 'THP and T-DXd'."""
        outline, pieces = self.outline, self.outline.pieces
        first = last = at
        for _ in range(_LONGEST_LIST):
            before, following = outline.last_drug[first], outline.next_drug[last]
            if before is not None and before >= self.first and outline.joins(before, first):
                first = before
            if following is not None and following < self.end and outline.joins(last, following):
                last = following
        places = range(first, last + 1)
        drugs = [on for on in places if outline.is_drug[on]]
        joints = {pieces[on].key for on in places if not outline.is_drug[on]}
        if drugs[0] not in self.unsaid.given or not (joints & {"+", "/"} or joints >= {",", "and"}):
            return False
        agents: set[str] = set()
        for on in drugs:
            more = set(agents_of(pieces[on]) or ("",))
            if not go_together(agents, more) or CONJUGATES & more:
                return False
            agents |= more
        return len(drugs) > 1

    def _is_told_done(self, at: int) -> bool:
        """Whether nothing but that it was given stands behind what was planned: 'planned THP completed', 'recommended
        T-DM1 was given'; not 'once planned THP is completed'."""
        outline, pieces = self.outline, self.outline.pieces
        first, last = outline.first_of_list(at), outline.last_of_list(at)
        opens = outline.stretch_start[at]
        if pieces[at].asked or first - 1 < opens or "planned" not in outline.cues[first - 1]:
            return False
        if first - 1 != opens or "clausal" in pieces[opens].roles or pieces[first - 1].key == "next":
            return False
        done = last + 1
        while (
            done < self.end and not outline.cues[done] and pieces[done].key in ("all", "already", "was", "were", "been")
        ):
            done += 1
        if done >= self.end:
            return False
        was_given = pieces[done].key in ("was", "were") and "previously" in outline.cues[done]
        if not (was_given or pieces[done].key in _GIVEN_OF_IT or "completed" in outline.cues[done]):
            return False
        return done + 1 >= self.end or pieces[done + 1].kind == "sign"

    def _is_while_it_ran(self, at: int) -> bool:
        """Whether something happened while a drug was given, whatever it was: 'moved abroad during THP'."""
        pieces, first = self.outline.pieces, self.outline.first_of_list(at)
        if first - 1 < self.first:
            return False
        led = pieces[first - 1]
        opens = pieces[first - _TWO] if first - _TWO >= self.first else led
        if led.key in ("on", "under") and opens.key in ("while", "whilst"):
            return True
        return led.key == "during" or (led.key in ("on", "under") and self._is_of_disease(first - 1))

    def _is_of_disease(self, led: int) -> bool:
        """Whether what metastases did, or what became of the body, stands before 'on': 'liver mets behaving badly on
        T-DM1', 'lost her hair on THP'."""
        outline, start = self.outline, self.outline.stretch_start[led]
        if led - start > _LONGEST_LIST or outline.pieces[start].asked:
            return False
        told = range(start, led)
        organ = any(outline.pieces[at].is_("noun", "organ_mets", *_MEASURED) for at in told)
        organ = organ or outline.plays(told, "bodily")
        return organ and not outline.has(told, "planned", "negation", "asked")

    def _is_told_beside_the_question(self, at: int) -> bool:
        """Whether a clause of its own, behind what is asked, tells how a drug ended: 'is T-DXd next, THP failed'."""
        outline = self.outline
        first, last = outline.first_of_list(at), outline.last_of_list(at)
        begins, rest = outline.stretch_start[first] == first > self.first, outline.rest_of_stretch(last, 5)
        if not begins or outline.pieces[first - 1].key != "," or not rest:
            return False
        ended = outline.has(rest, "progression", "toxicity", "stopped", "completed")
        return (
            ended
            and all(
                outline.pieces[on].kind in ("silent", "sign", "date", "cycles", "duration")
                or outline.cues[on] & {"progression", "toxicity", "a_toxicity", "stopped", "completed", "governing"}
                or outline.pieces[on].kinds & {"noun"}
                for on in rest
            )
            and not outline.plays(range(self.first, first), "if")
        )

    def _is_asked_if_given(self, at: int) -> bool:
        """Whether nothing but a question mark makes a question of what was had: 'She received T-DXd?'"""
        outline, last = self.outline, self.outline.last_of_list(at)
        if last + 1 >= self.end or outline.pieces[last + 1].key != "?" or outline.first_of_list(at) != self.first + 1:
            return False
        return outline.cues[self.first] >= {"the_patient", "previously"}

    def _came_before_the_plan(self, at: int) -> bool:
        """Whether 'before' ends a clause of its own behind a plan: 'listed for T-DXd, THP before'."""
        outline = self.outline
        behind = outline.last_of_list(at) + 1
        if outline.stretch_start[outline.first_of_list(at)] == self.first or behind >= self.end:
            return False
        told = outline.pieces[behind].key in ("before", "previously", "earlier") and not outline.pieces[at].asked
        return told and (behind + 1 == len(outline.pieces) or outline.pieces[behind + 1].kind == "sign")

    def _is_set_beside(self, at: int) -> bool:
        """Whether a drug is compared with the one behind it, or begins a stretch: 'whether, after THP, T-DM1 makes
        sense'."""
        compared = at + 1 < self.end and "versus" in self.outline.cues[at + 1]
        return compared or self.outline.stretch_start[at] == at

    def _comes_after_a_plan(self, at: int) -> bool:
        """Whether 'then' leads to a drug from one that is planned itself: 'Enhertu next, then TCT.'"""
        outline = self.outline
        before = outline.last_drug[outline.first_of_list(at)]
        if before is None or before < self.first or self.behind.get(before) != "planned":
            return False
        between, plan = range(before + 1, at), frozenset(("planned", "then"))
        only = all(outline.pieces[each].kind in ("silent", "sign") or outline.cues[each] & plan for each in between)
        return only and outline.has(between, "then")

    def _is_told_of_behind(self, at: int) -> bool:
        """Whether a relative clause tells how a drug ended: 'might have been better than THP, which she progressed
        on'."""
        outline, which = self.outline, at + 2
        if which >= self.end or outline.pieces[at + 1].key != "," or outline.pieces[which].key != "which":
            return False
        return outline.has(outline.rest_of_stretch(which, 6), "progression", "toxicity", "stopped", "completed")

    def _is_asked_whether(self, at: int) -> bool:
        """Whether somebody asks if a drug can be given: 'I ask whether T-DXd is sensible'."""
        outline = self.outline
        first, verb = outline.first_of_list(at) - 1, outline.last_of_list(at) + 1
        first -= first > self.first and outline.pieces[first].key == "the"
        if first < self.first or verb >= self.end or "whether" not in outline.pieces[first].roles:
            return False
        given = "previously" in outline.cues[verb] and outline.pieces[verb].key in ("was", "were")
        return given or outline.pieces[verb].key in ("is", "are") or "modal" in outline.pieces[verb].roles

    def _is_offered(self, at: int) -> bool:
        """Whether a drug that begins a question is set against another course: 'adjuvant T-DM1 or go on with HP?'"""
        outline = self.outline
        begins, other = outline.stretch_start[at], outline.stretch_end[at]
        offered = next((each for each in range(begins, other) if "or" in outline.pieces[each].roles), other)
        drug = next(each for each in range(begins, at + 1) if outline.is_drug[each])
        opens = all("early" in outline.cues[each] for each in range(begins, drug))
        if offered == other or not opens or outline.last_of_list(drug) != offered - 1:
            return False
        led = range(offered + 1, max(outline.first_of_list(at), offered + 1))
        return at < offered or all(
            outline.pieces[each].kind == "silent" or outline.cues[each] & {"carried_on", "completed", "joined", "early"}
            for each in led
        )

    def _is_why_it_is_asked(self, at: int) -> bool:
        """Whether the failure of a drug is why another is asked for: 'Enhertu, given the THP failure?'; not 'in case of
        THP failure'."""
        outline, pieces = self.outline, self.outline.pieces
        behind, leads = outline.last_of_list(at) + 1, at - 1
        if behind >= self.end or pieces[behind].key != "failure":
            return False
        leads -= leads > self.first and pieces[leads].key in ("the", "her")
        return (
            leads >= self.first
            and pieces[leads].key in ("given", "of", "after", "by")
            and not outline.has(range(max(self.first, leads - 3), leads + 1), "hypothetical", "planned")
        )

    def _has_ended(self, at: int) -> bool:
        """Whether a question tells of a drug in the perfect: 'what is left once TCT has failed?'; not 'if it has'."""
        outline = self.outline
        last = self.outline.last_of_list(at)
        rest = outline.rest_of_stretch(last, 3)
        perfect = any(outline.pieces[each].key in ("has", "have") for each in rest)
        first = outline.first_of_list(at)
        perfect = perfect or (first - 2 >= self.first and outline.pieces[first - 1].key == "that")  # now that A fails
        supposed = outline.plays(outline.before_in_stretch(at), "if")
        used = any(outline.pieces[each].key in _USED for each in rest)
        return perfect and not supposed and (used or outline.has(rest, "progression", "toxicity", "stopped"))

    def _is_for_another_illness(self, at: int) -> bool:
        """Whether a drug was not for the breast cancer: 'Xeloda was for colon cancer', 'for lupus she had A'."""
        outline = self.outline
        first, last = outline.first_of_list(at), outline.last_of_list(at)
        for place in (*outline.before_in_stretch(at), *outline.rest_of_stretch(last, 8)):
            if outline.is_drug[place] and not outline.joins(*sorted((place, at))):
                break
            if _names_an_illness(outline.pieces[place]):
                led = outline.pieces[max(self.first, place - 4, last if place > last else 0) : place]
                if any(each.key in _AGAINST for each in led):
                    return True
                break
        if last + 2 < self.end and outline.pieces[last + 1].key == "(" and _names_an_illness(outline.pieces[last + 2]):
            return True  # carboplatin (ovarian ca, 2016)
        return self._treats_the_illness_before(first, last) or self._points_at_an_illness(last)

    def _points_at_an_illness(self, last: int) -> bool:
        """Whether 'for it' stands for the illness that the sentence before told: 'Bladder cancer. Got A for it.'"""
        outline, behind = self.outline, self.outline.pieces[last + 1 : min(self.end, last + 3)]
        if len(behind) < _TWO or behind[0].key != "for" or "pronoun" not in behind[1].roles or not self.first:
            return False
        told = outline.pieces[outline.sentence_start[self.first - 1] : self.first]
        return any(_names_an_illness(piece) for piece in told)

    def _treats_the_illness_before(self, first: int, last: int) -> bool:
        """Whether drugs are told right behind another illness: 'lymphoma 2005: A and B', 'colon cancer (A for that)',
        'lung cancer treated with A'."""
        pieces, signs, told = self.outline.pieces, "", False
        for place in range(first - 1, max(self.first - 1, first - _LONGEST_REMARK), -1):
            piece, cues = pieces[place], self.outline.cues[place]
            if _names_an_illness(piece):
                behind = pieces[last + 1 : min(self.end, last + 3)]
                pointed = len(behind) > 1 and "for" in behind[0].roles and "pronoun" in behind[1].roles
                pointed = pointed or any(each.key == "then" for each in behind[:1])
                treated = any(each.key == "treated" for each in pieces[place + 1 : first])
                led = told and (treated or not signs.strip("'"))
                dated = signs == "," and piece.is_("scope") and any(each.kind == "date" for each in pieces[place:first])
                agents = {agent for each in pieces[first : last + 1] for agent in agents_of(each) or ()}
                led = led or (dated and agents.isdisjoint(ANTI_HER2))  # endometrial cancer 2018, carboplatin x6
                return pointed or led or any(sign in signs for sign in ":(-")
            if piece.kind == "sign":
                signs += piece.key
            elif piece.kinds and not (cues & _OF_A_COURSE or (told and "joined" in cues)):
                return False
            told = told or bool(cues & TOLD)
        return False

    def _is_an_arm_or_a_trial(self, at: int) -> bool:
        """Whether a drug only names an arm of a trial, or a trial that is there: 'there is a T-DM1 trial here'; not
        'in a T-DM1 trial'."""
        outline, behind = self.outline, self.outline.last_of_list(at) + 1
        if behind >= self.end:
            return False
        if outline.pieces[behind].key == "arm":
            return outline.pieces[at - 1].key != "is"
        there = any(
            outline.pieces[led].key == "there" or "we_have" in outline.cues[led]
            for led in range(max(self.first, at - _ASKED), at)
        )
        told = range(behind, self.end)
        return "trial" in outline.pieces[behind].roles and there and not outline.has(told, *_EFFECTS, "ongoing")

    def _names_a_trial(self, at: int) -> bool:
        """Whether a regimen's name is a trial's, whose other arm may have been given, or another trial's: 'CLEOPATRA
        placebo arm', 'HER2CLIMB-02'."""
        pieces = self.outline.pieces
        if "comparator" in self.outline.played and self.outline.gave_placebo(at) is not None:
            return False  # without the drug that was tested there
        behind = pieces[at + 1 : min(self.end, at + 3)] if "comparator" in self.outline.played else ()
        if len(behind) > 1 and "or" in behind[0].roles and "comparator" in behind[1].roles:
            return True  # tucatinib or placebo
        if behind and self._is_tested_against(at):
            return True
        if self.outline.plays(range(self.first, self.end), "comparator") and self._is_of_a_trial(at):
            return True
        if not pieces[at].is_("regimen"):
            return False
        numbered = pieces[at + 1 : at + 3]
        if len(numbered) > 1 and numbered[0].key == "-" and numbered[1].kind == "number" and numbered[0].glued:
            return True
        given = at - 2 >= self.first and pieces[at - 1].key in ("in", "on") and agents_of(pieces[at - 2])
        if given and generic(given) & generic(agents_of(pieces[at]) or ()):
            part = len(pieces[at].key) <= _SHORTHAND and self.outline.is_part_of(at - 2, at)
            return not part  # THP in CLEOPATRA; but capecitabine in TCT
        first = max(self.first, at - _TO_ITS_ARM) if pieces[at].key in AGAINST_PLACEBO else at
        near = range(first, min(self.end, at + _TO_ITS_ARM))
        return "comparator" in self.outline.played and self.outline.plays(near, "comparator")

    def _is_tested_against(self, at: int) -> bool:
        """Whether a drug was one arm of a trial: 'tucatinib maintenance vs placebo'."""
        outline = self.outline
        for each in outline.rest_of_stretch(at, 10):
            if "versus" in outline.cues[each]:
                return each + 1 < self.end and "comparator" in outline.pieces[each + 1].roles
            if outline.is_drug[each] and not outline.pieces[each].is_("regimen"):
                return False
        return False

    def _is_of_a_trial(self, at: int) -> bool:
        """Whether a drug only says which trial: 'a T-DXd study', 'a trial of T-DXd'."""
        pieces = self.outline.pieces
        behind = at + 1 < self.end and "trial" in pieces[at + 1].roles
        before = at - 2 >= self.first and pieces[at - 1].key in ("of", "with") and "trial" in pieces[at - 2].roles
        return behind or before

    def _dates_a_value(self, at: int) -> bool:
        """Whether a drug only says when something was measured: 'EF 41, was 58 before Herceptin'."""
        outline = self.outline
        if at - 2 < self.first:
            return False
        valued = at + 2 < self.end and outline.pieces[at + 1].key == ":" and outline.pieces[at + 2].kind == "number"
        if valued and outline.pieces[at - 2].is_("noun"):
            return True  # echo before T-DXd: 58
        examined = outline.pieces[at - 2]
        made = "examination" in examined.roles or examined.is_("noun", "lvef", "brain_imaging", "body_imaging")
        if made and outline.drug_in_stretch_before(at) is None and self._ends_here(outline.last_of_list(at) + 1):
            return True  # echo before T-DXd
        return outline.pieces[at - 2].kind == "number" and outline.drug_in_stretch_before(at) is None

    def _ends_here(self, at: int) -> bool:
        return at >= self.end or (at + 1 >= self.end and self.outline.pieces[at].kind == "sign")

    def _is_still_to_come(self, at: int) -> bool:
        """Whether 'pre' says that what is told was before a drug: 'post THP, pre T-DXd', 'pre-T-DXd'."""
        before = at - 1 - (self.outline.pieces[at - 1].key == "-" and self.outline.pieces[at].glued)
        return before >= self.first and self.outline.pieces[before].key == "pre" and not self.outline.cues[before]

    def _is_had_in_mind(self, at: int) -> bool:
        """Whether a plan right behind drugs is all that was had: 'he had A in mind', 'I had A + B in mind'."""
        outline = self.outline
        first, plan = outline.first_of_list(at), outline.last_of_list(at) + 1
        if first == self.first or not outline.pieces[first - 1].cue("previously") or plan >= self.end:
            return False
        if "planned" not in outline.cues[plan]:
            return False
        if outline.pieces[plan].key == "in":  # in mind for after T-DXd
            return not outline.has(outline.rest_of_stretch(plan), *_EFFECTS)
        return plan + 1 >= outline.stretch_end[at] or outline.pieces[plan + 1].kind == "sign"

    def _is_compared(self, at: int) -> bool:
        """Whether two drugs are compared as such, in the present: 'T-DM1 is less toxic than T-DXd'."""
        outline = self.outline
        first = outline.first_of_list(at)
        second = (
            first
            if outline.pieces[first - 1].key == "than"
            else outline.drug_in_stretch_after(outline.last_of_list(at))
        )
        if second is None or outline.pieces[second - 1].key != "than" or outline.cues[second - 1]:
            return False
        other = outline.drug_in_stretch_before(second)
        if other is None:
            return False
        asks = outline.first_of_list(other) - 1  # is A really worse than B?
        asks_it = asks >= self.first and outline.pieces[other].asked and outline.pieces[asks].key in _IN_GENERAL
        return asks_it or outline.pieces[other + 1].key in _IN_GENERAL

    def _is_all_there_is(self, at: int) -> bool:
        """Whether a sentence that begins with 'only' says what is to be had: 'only trastuzumab (donated) and generics
        available'."""
        outline = self.outline
        rest = range(outline.last_of_list(at) + 1, self.end)
        return outline.has(rest, "available") and not outline.has(rest, *TOLD, "unavailable")

    def _is_passed_by(self, at: int) -> bool:
        """Whether another drug was chosen over it: 'she chose T-DXd over T-DM1'."""
        last = self.outline.last_drug[at]
        return last is not None and last >= self.first

    def _is_a_remark(self, at: int) -> bool:
        """Whether a bracket behind a drug says that another was not to be had: 'T-DM1 (T-DXd then unlicensed)'."""
        outline = self.outline
        last = outline.last_drug[at]
        if at - 2 < self.first or last is None or last < self.first:
            return False
        if generic(agents_of(outline.pieces[at]) or ()) & generic(agents_of(outline.pieces[last]) or ()):
            return False
        for place in range(at + 1, min(self.end, at + _LONGEST_REMARK)):
            piece, cues = outline.pieces[place], outline.cues[place]
            if outline.is_drug[place] or piece.key == ")" or cues & TOLD:
                return False
            if _is_unknown(piece) or cues & {"negation", "unknown", "access", "unavailable"}:
                return True
        return False

    def _is_given_together(self, at: int) -> bool:
        """Whether a drug is joined by a sign to one that was certainly given: 'Abraxane + Ogivri, PD after 11 mo'."""
        outline = self.outline
        for _ in range(_LONGEST_LIST):
            following = outline.drug_in_stretch_after(at)
            if following is None or not self._adds(at + 1):
                return False
            if not outline.joins(at, following):
                return False
            if self.behind.get(following) == "given":
                return True
            at = following
        return False

    def _adds(self, at: int) -> bool:
        """Whether a piece joins drugs that are given together: 'A + B', 'A mais B'."""
        return self.outline.pieces[at].key in ("+", "/") or "joined" in self.outline.cues[at]

    def _is_told_unknown(self, at: int) -> bool:
        """Whether a word nobody knows stands beside a drug, which may say anything of it: 'they forgot pertuzumab',
        'T-DXd is unattainable', 'T-DXd would be brave'."""
        outline = self.outline
        first, last = outline.first_of_list(at), outline.last_of_list(at)
        rest = outline.rest_of_stretch(last, 5)
        behind = _first_that_speaks(outline, rest)
        if behind is not None and self.words.calls and self._is_called(last, behind):
            return True
        if outline.plays(rest if behind is None else range(rest.start, behind + 1), "modal"):
            return True
        back = outline.before_in_stretch(first, 4)
        ahead = None if self._is_what_it_was(first) else _first_that_speaks(outline, back)
        if self.words.has_unknown and self._is_turned_over(back):
            return True
        if outline.plays(range(ahead or first, first), "at_the_time"):
            ahead = None  # breathless at rest while on T-DXd
        if ahead is not None and "treated" in outline.cues[ahead] and outline.pieces[first - 1].key in ("with", "by"):
            return False  # has been treated by Taxol in the small hospital
        accepts = ahead is not None and "accepting" in outline.pieces[ahead].roles and not outline.is_drug[ahead - 1]
        if accepts and ahead != outline.stretch_start[at]:
            return True  # the insurance accepted T-DXd
        if ahead is not None and _is_unknown(outline.pieces[ahead]):
            return True
        if behind is not None and _is_unknown(outline.pieces[behind]) and not self._names_a_place(last, behind):
            return True
        if not self.words.has_unknown or ("negation" not in outline.said and "cannot" not in outline.played):
            return False
        following = outline.drug_in_stretch_after(last) or outline.stretch_end[last]
        beside = (*back, *range(last + 1, min(following, last + 9)))
        return any(self._denies_what_nobody_knows(place, outline.stretch_end[at]) for place in beside)

    def _is_what_it_was(self, first: int) -> bool:
        """Whether 'it was' leads to drugs: 'in the end it was THP'."""
        pieces = self.outline.pieces
        led = first - _TWO >= self.first and pieces[first - 1].key in ("was", "became")
        return led and pieces[first - _TWO].key == "it" and not pieces[first].asked

    def _names_a_place(self, last: int, word: int) -> bool:
        """Whether a word behind drugs only says which hospital it was: 'at the county hospital', 'in a village
        clinic', 'in the ICU'."""
        pieces, leads = self.outline.pieces, last + 1
        if leads >= word or pieces[leads].key not in ("in", "at", "by", "from") or pieces[leads + 1].kind != "silent":
            return False
        named = pieces[leads + 1 : min(leads + _ASKED + 2, self.outline.stretch_end[last])]
        return any(piece.key in _PLACES for piece in named)

    def _denies_what_nobody_knows(self, at: int, end: int) -> bool:
        """Whether a denial stands before a word nobody knows: 'T-DXd is here not obtained', 'we don't dispose of'."""
        outline = self.outline
        if "negation" not in outline.cues[at] and "cannot" not in outline.pieces[at].roles:
            return False
        following = next((each for each in range(at + 1, end) if outline.pieces[each].kind != "silent"), at)
        piece = outline.pieces[following]
        return _is_unknown(piece) and "obstacle" not in piece.roles  # on T-DXd without problems

    def _is_the_only_one(self, at: int) -> bool:
        """Whether it is said of a list that it was given alone: 'no T-DM1, THP only', 'no taxane, vinorelbine mono'."""
        outline = self.outline
        behind = outline.last_of_list(at) + 1
        if behind >= self.end or outline.pieces[behind].asked or outline.pieces[behind].key not in _ALONE:
            return False
        return behind + 1 == self.end or outline.pieces[behind + 1].kind == "sign"

    def _is_set_against_a_class(self, at: int) -> bool:
        """Whether a sentence only denies a class and names the regimen given without it: 'no anthracycline, TCH x6'."""
        outline, pieces = self.outline, self.outline.pieces
        if at - 3 != self.first or pieces[at - 1].key != "," or not pieces[at].is_("regimen") or pieces[at].asked:
            return False
        denied = agents_of(pieces[at - 2]) or ()
        if not _CLASSES.issuperset(denied) or set(denied) & set(agents_of(pieces[at]) or ()):
            return False
        return all(
            pieces[each].kind in ("sign", "cycles", "duration", "date", "number") and pieces[each].key not in ("/", "+")
            for each in outline.rest_of_stretch(at)
        )

    def _is_called(self, drug: int, at: int) -> bool:
        """Whether a drug is only somebody's idea, or what somebody found: 'cape is only an idea', 'tucatinib was the
        board's advice', 'lapatinib is what her husband read of'."""
        outline = self.outline
        if not any(outline.pieces[each].key in ("is", "was") for each in range(drug + 1, at + 1)):
            return False
        rest = outline.rest_of_stretch(at - 1, 8)
        found = outline.pieces[at].key == "what" and outline.cues[at] <= {"asked", "asked_weak"}
        found = found and not outline.has(
            rest, "has_had", "the_patient", "previously", "progression", "toxicity", "took_effect"
        )
        return found or outline.has(rest, "what_next", "choices")

    def _is_turned_over(self, back: range) -> bool:
        """Whether 'we are' and a verb nobody knows lead to a drug: 'we are toying with tucatinib', 'mulling over A'."""
        pieces = self.outline.pieces
        for at in back:
            if pieces[at].key.endswith("ing") and _is_unknown(pieces[at]):
                return at == self.first or pieces[at - 1].key in ("am", "are", "re", "m")
        return False

    def _is_on_it(self, at: int) -> bool:
        """Whether a question about another drug says that the patient is on this one."""
        outline = self.outline
        first = self._first_of_combination(at)
        other = outline.last_drug[first]
        on = outline.pieces[first - 1] if first > self.first else None
        if on is None or not ("on" in on.roles or "ongoing" in on.cues):
            return False
        if first - 2 >= self.first and outline.pieces[first - 2].key in _VIEWS:
            return False  # thoughts on T-DXd?
        headed = at + 1 < self.end and outline.pieces[at + 1].key == ":"  # on T-DXd: bone flare?
        return headed or self._treats_a_symptom(first) or (other is not None and other >= self.first)

    def _is_of_who_is_on_it(self, at: int) -> bool:
        """Whether a question is about a patient who is on a drug: 'Does a patient on T-DXd need a vaccine?'"""
        first = self._first_of_combination(at)
        if first - 2 < self.first or "on" not in self.outline.pieces[first - 1].roles:
            return False
        return bool(self.outline.pieces[first - 2].roles & {"person", "woman"})

    def _first_of_combination(self, at: int) -> int:
        """The first of the drugs that signs join to one: 'on neratinib + capecitabine'."""
        outline = self.outline
        for _ in range(_LONGEST_LIST):
            joined = at - 2 >= self.first and outline.is_drug[at - 2] and outline.pieces[at - 1].key in ("+", "/")
            if not joined:
                break
            at -= 2
        return at

    def _last_of_combination(self, at: int) -> int:
        """The last of them."""
        outline = self.outline
        for _ in range(_LONGEST_LIST):
            if not (at + 2 < self.end and outline.is_drug[at + 2] and outline.pieces[at + 1].key in ("+", "/", "-")):
                break
            if outline.stretch[at + 2] != outline.stretch[at]:
                break  # PD on THP - T-DXd or TCT?
            at += 2
        return at

    def _treats_a_symptom(self, at: int) -> bool:
        """Whether a question is how to treat what a patient has under a drug: 'how to treat diarrhoea, still on it'."""
        outline = self.outline
        patient = any(
            "ongoing" in outline.cues[back] or outline.pieces[back].roles & {"person", "woman"}
            for back in outline.before_in_stretch(at, 4)
        )
        told = range(max(self.first, at - _LONGEST_REMARK), at)
        behind = outline.pieces[self.end : self.end + _LONGEST_REMARK]
        patient = patient or any(piece.concepts and not piece.asked for piece in behind)  # ...? HER2+ MBC
        return patient and any(outline.pieces[back].is_("scope", "symptom") for back in told)

    def _is_partner_of_a_choice(self, at: int) -> bool:
        """Whether a sentence is nothing but drugs, and leaves open which of them: 'eribulin or vinorelbine with
        trastuzumab'."""
        outline = self.outline
        if not outline.plays(range(self.first, self.end), "or") or self.end - self.first > _LONGEST_REMARK:
            return False
        if not all(
            outline.is_drug[each]
            or outline.pieces[each].kind == "sign"
            or outline.pieces[each].key in ("or", "and", "with", "plus", "either", "w")
            for each in range(self.first, self.end)
        ):
            return False
        return any(
            self._is_a_choice(each) for each in range(self.first, self.end) if outline.is_drug[each] and each != at
        )

    def _is_a_choice(self, at: int) -> bool:
        """Whether a drug is joined to another by 'or': which of them was given is not said."""
        outline = self.outline
        behind = outline.last_of_list(at) + 1
        if behind + 1 < self.end and "or" in outline.pieces[behind].roles and outline.pieces[behind + 1].key == ",":
            return True  # T-DXd or, failing that, T-DM1
        if outline.last_drug[self._first_of_combination(at)] is not None:
            at = self._first_of_combination(at)  # T-DXd or cape + lapatinib
        previous = outline.last_drug[at]
        if previous is not None and previous >= self.first and "or" in outline.pieces[at - 1].roles:
            return "nor" not in outline.pieces[at - 1].roles
        if at - 2 == self.first and outline.pieces[at - 1].key == "or" and "treated" in outline.cues[self.first]:
            return True  # radiotherapy or tucatinib for brain mets
        end = self._last_of_combination(at)
        for first, last in ((outline.last_drug[at], at), (at, outline.next_drug[at]), (end, outline.next_drug[end])):
            if first is None or last is None or first < self.first or last >= self.end:
                continue
            between = range(first + 1, last)
            or_else = any(outline.pieces[each].key in ("or", "else") for each in between)
            if (or_else or outline.plays(between, "or")) and all(
                outline.is_joining(each) or outline.cues[each] & {"early", "failing_that"} for each in between
            ):
                return True
        return False

    def _is_set_against_a_course(self, at: int) -> bool:
        """Whether a drug is joined by 'or' to a course that names none: 'quarrel over T-DM1 or straight to trial',
        'T-DXd or hospice'; not 'T-DM1 or so', 'THP, PD or toxicity'."""
        outline, joint = self.outline, self.outline.last_of_list(at) + 1
        if joint + 1 >= self.end or outline.pieces[joint].key != "or":
            return False
        rest = outline.rest_of_stretch(joint - 1)
        other = outline.pieces[joint + 1]
        return (
            "comparator" not in other.roles
            and other.kind in ("word", "silent", "known")
            and other.key not in _OR_SO
            and not outline.is_drug[joint + 1]
            and not outline.has(rest, *_EFFECTS, "completed", "ongoing", "a_toxicity", "previously", "early")
            and not any(outline.pieces[each].kind in ("cycles", "date", "duration") for each in rest)
        )

    def _is_asked_back(self, at: int) -> bool:
        """Whether the question behind the only drug of a sentence may be about it: 'Enhertu - any reason not to?'"""
        outline = self.outline
        if len(self.before) > 1 or not outline.pieces[self.end - 1].asked or outline.pieces[at + 1].key in ("->", ">"):
            return False
        behind = range(at + 1, self.end)
        told = outline.plays(outline.before_in_stretch(at, 4), "on")
        return not told and not any(
            "what_next" in outline.cues[each] or outline.pieces[each].kind == "line" for each in behind
        )

    def _inherited(self, at: int) -> bool:
        """Whether the plan was of the drugs before it, and not of this one."""
        outline = self.outline
        at = outline.first_of_list(at)
        apart = outline.drug_in_stretch_before(at) is not None
        if outline.names_a_plan(outline.stretch_start[at]):
            return False
        before = range(outline.stretch_start[at], at)
        if outline.plays(before, "if"):
            return False
        if not before and at - 2 >= self.first and "plan_heading" in outline.cues[at - 2]:
            return apart  # motion A, T-DM1: withdrawn
        if "future" in outline.pieces[before.start].roles:  # should THP fail
            return False
        return apart or not outline.has(before, "planned", "upcoming")

    def _is_of_its_effect(self, at: int) -> bool:
        """Whether it is an effect, or what nobody knows, that a drug is denied: 'T-DM1 worked, THP had not'."""
        outline, previous = self.outline, self.outline.last_drug[at]
        between = range(at if previous is None else previous + 1, at)
        return outline.has(between, "took_effect") or any(_is_unknown(outline.pieces[each]) for each in between)

    def _same(self, at: int) -> str:
        """What is said of the drug before it in the sentence: 'T-DXd is not approved, tucatinib neither'."""
        previous = self.outline.last_drug[at]
        if previous is None or previous < self.first:
            return "denied"
        said = (self.before.get(previous), self.behind.get(previous))
        if any(each in _ACCESS for each in said):
            return "unavailable"
        if self._has_fared(previous, at):
            return "given"  # T-DM1 had no effect, T-DXd neither
        return "mentioned" if "other_than" in said else "denied"

    def _access(self, at: int, before: str | None, behind: str | None) -> str | None:
        """What is said of the access to T-DXd."""
        said = behind if behind in _ACCESS else before
        if (before, behind) == ("declined", "available") and (
            "became_available" not in self.outline.cues[self.told_at[at]]
        ):
            said = before  # she does not want T-DXd although it is available
        if said == "other_than":
            return None if self._is_passed_over(at) else "unavailable"
        if said not in _ACCESS:
            return None
        if before == "received" or (behind == "given" and before != said):
            return None
        if self._used_to_be(at) or (said == "unavailable" and self._is_of_that_time(at)):
            return None
        outline = self.outline
        if self._is_wondered(at, said):
            return None
        if said == "available" and (self._is_answered_no(at) or self._is_answered_no(self.told_at.get(at, at))):
            return "unavailable"
        answered = said == behind and not outline.pieces[self.told_at[at]].asked  # can we get T-DXd: yes, reimbursed
        opens = outline.stretch_start[self.told_at[at]] if said == behind else self.first
        answered = answered or (opens > at and outline.pieces[opens].key == "which")  # asks of T-DXd, which we can get
        if outline.pieces[at].asked and not answered and (said == "available" or self._is_questioned(at)):
            return self._answered(said)
        of_access = any(outline.pieces[each].key == "access" for each in outline.in_stretch(at))
        doubting = {"unknown", "pending"} if of_access else {"unknown"}
        doubted = said == "available" and any(
            outline.cues[each] & doubting and "unavailable" not in outline.cues[each] for each in outline.in_stretch(at)
        )
        return "unknown" if doubted else said

    def _used_to_be(self, at: int) -> bool:
        """Whether what is said of the access to a drug was so only once: 'T-DXd used to be reimbursed'."""
        outline = self.outline
        used = at + 1 < self.end and outline.pieces[at + 1].key == "used"
        return used and outline.stretch[self.told_at[at]] == outline.stretch[at]

    def _is_wondered(self, at: int, said: str) -> bool:
        """Whether access is only asked about or supposed: 'who knows whether T-DXd is reimbursed?', 'if it is
        refused'."""
        outline = self.outline
        if self.behind.get(at) != said or outline.pieces[at].asked:
            return False
        before = outline.pieces[at - 1].roles if at > self.first else ()
        supposed = at > self.first and "hypothetical" in outline.cues[at - 1]  # if only T-DXd were reimbursed
        supposed = supposed and said != "declined"  # afraid of T-DXd, says no
        if "if" not in before and "whether" not in before:
            return supposed
        told = outline.in_stretch(self.told_at[at])
        if at not in told and not any(outline.plays(told, role) for role in ("if", "whether", "modal")):
            return False  # if A can be got - it can, it is reimbursed
        return at - 2 < self.first or not outline.pieces[at - 2].cue("unknown", "uncertain")

    def _is_a_form_denied(self, at: int, behind: str | None) -> bool:
        """Whether a form asks if a drug is refused or not to be had, and is answered by no: 'declines T-DXd: no'."""
        told = self.told_at.get(at, at) if behind in ("declined", "unavailable") else at
        return self.outline.pieces[told].key != "access" and self._is_answered_no(told)

    def _is_answered_no(self, at: int) -> bool:
        """Whether a heading about access is answered by a plain no: 'access to T-DXd: none'."""
        pieces, end = self.outline.pieces, self.end
        if at + 1 < end and pieces[at + 1].key in ("no", "not"):
            heading = at - 1 - (at > self.first and pieces[at - 1].key in (":", "="))
            if heading >= self.first and self.outline.has(range(heading, heading + 1), "access"):
                return True  # access T-DXd no; access: T-DXd no
        sign = at + 1 + (at + 1 < end and "earlier" in pieces[at + 1].roles)  # available before, not any more
        if sign + 1 < end and pieces[sign].key == "," and "stopped" in self.outline.cues[sign + 1]:
            ahead = pieces[sign + 1].key in ("no", "not")  # was available, not any more
            return ahead and (sign + 2 == len(pieces) or pieces[sign + 2].kind == "sign")
        if at + 2 >= end or pieces[at + 1].key not in (":", "=", "-"):
            return False
        ends = (
            at + 3 == len(pieces) or pieces[at + 3].kind == "sign" or pieces[at + 3].sentence != pieces[at + 2].sentence
        )
        plain = pieces[at + 2].end - pieces[at + 2].start == len(pieces[at + 2].key)  # not 'no longer funded'
        plain = plain or self.outline.cues[at + 2] <= {"negation", "stopped"}  # reimbursed: no longer
        return ends and plain and pieces[at + 2].key in ("no", "none", "nil", "not", "never")

    def _is_passed_over(self, at: int) -> bool:
        """Whether another drug was given in its place: 'Kadcyla instead of Enhertu'."""
        outline = self.outline
        instead = at - 1 > self.first and outline.pieces[at - 1].key in ("instead", "rather")
        return instead and outline.is_drug[at - 2]

    def _is_of_that_time(self, at: int) -> bool:
        """Whether a drug was only then not to be had: 'T-DXd was not available at that time, so T-DM1', 'not yet
        licensed at that stage', 'had not been approved yet'."""
        outline, before = self.outline, self.outline.before_in_stretch(at)
        if outline.plays(before, "formerly") or any(self._is_a_past_time(each) for each in before):
            return True
        if self._is_in_an_earlier_row(at):
            return True
        rest = range(at + 1, min(outline.sentence_end[at], at + _LONGEST_REMARK))
        said = next((each for each in rest if outline.cues[each] & {"unavailable", "available"}), None)
        if said is None:
            behind = outline.last_of_list(at) + 2  # could not get T-DXd in 2019
            return behind < self.end and outline.pieces[behind - 1].key == "in" and self._is_a_past_time(behind)
        verbs = [outline.pieces[each].key for each in rest[:2]]
        then = any(
            outline.pieces[each].key == "then" and outline.pieces[each - 1].kind != "sign"  # requested, then refused
            for each in range(at + 1, said)
        )
        if then or "had" in verbs or any(self._is_a_past_time(each) for each in self._up_to_why(said)):
            return True
        if not any(verb in ("was", "wasn", "wasnt") for verb in verbs):
            return False
        told = outline.pieces[said + 1 : min(said + 5, outline.sentence_end[at])]
        return any(piece.kind in ("date", "line") or piece.key in _UNTIL or piece.cue("before_it") for piece in told)

    def _is_in_an_earlier_row(self, at: int) -> bool:
        """Whether a date opens what is told of a drug, and again what is told of it later: '2022 T-DXd not funded; 2023
        T-DXd, ongoing'."""
        outline, pieces = self.outline, self.outline.pieces
        if at - 1 != self.first or pieces[self.first].kind != "date" or not pieces[self.first].value:
            return False
        again = outline.next_drug[at]
        for _ in range(_LONGEST_LIST):
            if again is None:
                return False
            opens = outline.sentence_start[again]
            if agents_of(pieces[again]) == agents_of(pieces[at]) and again == opens + 1 and again > self.end:
                return pieces[opens].kind == "date" and bool(pieces[opens].value)
            again = outline.next_drug[again]
        return False

    def _up_to_why(self, said: int) -> range:
        """The places behind a word of access, and a 'then' behind these, up to why it is so: 'not licensed then as it
        was new'."""
        outline = self.outline
        rest = outline.rest_of_stretch(said, 5)
        then = rest.stop < self.end and outline.pieces[rest.stop].key == "then"
        ends = (each for each in rest if "reason" in outline.pieces[each].roles or outline.pieces[each].is_("find"))
        return range(rest.start, next(ends, rest.stop + then))

    def _is_a_past_time(self, at: int) -> bool:
        """Whether a piece names a time that is past: 'at that point', 'back then', 'in 2019', 'then' where it ends."""
        outline, piece = self.outline, self.outline.pieces[at]
        before = outline.pieces[at - 1].key
        if piece.key == "then":
            return at + 1 == self.end or outline.pieces[at + 1].kind == "sign"
        if piece.key in _THEN:
            return before in ("that", "those") or (before == "the" and piece.key == "time")
        if piece.key == "when":  # not yet approved when she progressed
            return outline.has(outline.rest_of_stretch(at, 3), "the_patient", "progression", "has_had")
        dated = piece.kind == "date" and bool(piece.value) and before in ("in", "before")
        return dated or "before_it" in outline.cues[at]

    def _answered(self, said: str) -> str | None:
        """What the next sentence answers to a question about access: 'Enhertu funded? Yes.'"""
        answer = self.outline.pieces[self.end] if self.end < len(self.outline.pieces) else None
        if answer is None or said != "available":
            return None
        if "affirmed" in answer.roles:
            return "available"
        return "unavailable" if answer.key == "no" else None

    def _is_questioned(self, at: int) -> bool:
        """Whether the sentence asks it of the drug: 'is Enhertu contraindicated?'"""
        outline = self.outline
        before = outline.pieces[at - 1] if at > self.first else None
        if before is not None and before.key in (
            "contraindication",
            "contraindications",
        ):  # any contraindication to it?
            return True
        return before is not None and "is" in before.roles


def _standing_of(access: str) -> Standing:
    return "declined" if access == "declined" else "mentioned"
