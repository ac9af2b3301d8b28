"""Whether a text is about what this project covers, and why not."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any, Literal

from messages.understanding.context import Context
from messages.understanding.drugs import ANTI_HER2, CONJUGATES, names_drugs
from messages.understanding.lines import Told
from messages.understanding.organ_function import MONTHS
from messages.understanding.scan import Piece

Scope = Literal["in", "out", "unclear"]
ADULT = 18
_OF = 2
"""Pieces from an age back to the person it is of: 'girl of 16 years'."""
_FROM_DRUG = 4
"""Pieces between a drug and whether it should be held, at most."""
_FROM_COMPLAINT = 5
"""Pieces from a side effect to the word that asks for its treatment, at most: 'how is nausea on T-DXd best managed?'"""
_CAUSED = ("-", "related", "induced", "associated")
"""What may stand between a drug and the side effect it causes."""
_AGAINST = ("for", "against", "about", "with")
"""What leads from a verb to the complaint it is a remedy for."""
_ASKED_OF = ("dosing", "symptom", "other_question")
"""What lies outside only where it is asked about: a dose that was reduced is told, not asked."""
_PLAIN_CUES = (
    "asked",
    "asked_weak",
    "joined",
    "new_word",
    "negation",
    "correction",
    "treated",
    "available",
    "unavailable",
    "access",
    "asked_back",
    "planned",
    "upcoming",
    "good",
    "bad",
)

_EARLY = frozenset(("early", "early_stage"))
_AGES = ("age", "number", "duration")
"""The kinds of what may be an age."""
_PARENTS = ("mother", "mum", "mom", "mam", "dad", "father")
"""Patients who are told by how many children they have."""
_ALSO_LOW = CONJUGATES - {"t_dm1"}
"""Antibody-drug conjugates that are given, or tried, in HER2-low disease too: they imply nothing."""


def implied(values: Mapping[str, Any], told: Told, context: Context) -> dict[str, str]:
    """HER2-positive disease where anti-HER2 therapy other than T-DXd was given (T-DXd is for HER2-low, too);
    metastatic disease where a line was given, or where it came back after early-stage treatment."""
    found: dict[str, str] = {}
    received = {agent for course in (*told.lines, *told.early) for agent in course.agents}
    if "her2_status" not in values and (received & ANTI_HER2) - _ALSO_LOW:
        found["her2_status"] = "positive"
    relapsed = bool(told.early) and any(piece.cue("relapse", "came_back") for piece in context.pieces)
    if "setting" not in values and (told.lines or relapsed):
        found["setting"] = "metastatic"
    return found


def is_early_only(values: Mapping[str, Any], told: Told, pieces: list[Piece]) -> bool:
    """Whether early-stage treatment is what is asked about: nothing in the text is of a relapse."""
    if told.lines or "setting" in values or "months_since_adjuvant_her2" in values:
        return False
    named = [place for place, piece in enumerate(pieces) if not piece.cues.isdisjoint(_EARLY)]
    if not named or any(piece.cue("relapse", "came_back", "interval") for piece in pieces):
        return False
    if any(piece.asked and piece.is_("scope", "other_question") for piece in pieces):
        return False
    asks = _leaves_a_question_open(pieces) or not (told.early or "early_stage_agents" in values)
    return any(
        not (place and pieces[place - 1].cue("negation", "stopped"))  # 'no longer early'
        and (asks or "early_stage" in pieces[place].cues)
        for place in named
    )


def _leaves_a_question_open(pieces: list[Piece]) -> bool:
    """Whether a question is left open; not one that the text answers itself: 'got Herceptin?? no, AC first'."""
    answered = -1
    for before, piece in pairwise(pieces):
        if before.key == "?" and ("negation" in piece.cues or "affirmed" in piece.roles):
            answered = piece.sentence
    return any(piece.asked and piece.sentence > answered for piece in pieces)


def scope_of(
    values: Mapping[str, Any], told: Told, context: Context, follows: Mapping[str, str]
) -> tuple[Scope, str | None]:
    """In, out with its reason, or unclear. `follows`: what is implied."""
    named = _named(context, told=bool(told.lines or values))
    if "not_professional" in named:
        return "out", "not_professional"
    if "other_tumour" in named and not _is_breast(values, context):
        return "out", "other_tumour"
    if _is_minor(context):
        return "out", "under_18"
    her2 = values.get("her2_status")
    if her2 in ("negative", "low"):
        return "out", f"her2_{her2}"
    for name in ("symptom", "dosing", "other_question"):  # a dose of loperamide treats a symptom
        if name in named:
            return "out", name
    if values.get("setting") == "early":
        return "out", "early_stage"
    positive = (her2 or follows.get("her2_status")) == "positive"
    metastatic = (values.get("setting") or follows.get("setting")) == "metastatic"
    if not values and _is_of_something_else(told, context):
        return "out", "other_question"
    return ("in" if positive and metastatic else "unclear"), None


def _is_of_something_else(told: Told, context: Context) -> bool:
    """Whether a text asks, in words nobody knows here, and names nothing of a patient or of medicine."""
    if told.lines or told.early or told.focus or told.denied:
        return False
    pieces = context.pieces
    if any(piece.kind not in ("word", "silent", "sign", "number") and not _is_plain_cue(piece) for piece in pieces):
        return False
    asks = any(piece.asked or "asked" in piece.cues for piece in pieces)
    asks = asks or any("asked_weak" in piece.cues for piece in pieces[:1])
    return (
        asks
        and any((piece.kind == "word" and "request" not in piece.roles) or piece.is_("other") for piece in pieces)
        and not any(context.of(p, "patient") for p in pieces)
    )


def _is_plain_cue(piece: Piece) -> bool:
    """Whether a piece only asks or joins."""
    return piece.key == "who" or (
        bool(piece.concepts)
        and all(concept.name in _PLAIN_CUES or concept.kind == "other" for concept in piece.concepts)
    )


_OF_A_QUESTION = frozenset(("<manages>", "<management>", "<complaint>", "<withholds>", "<withheld>", "<amount>"))
"""Groups of the lexicon whose words may ask for something that lies outside, as a side effect may."""


_MAY_ASK = ("a_toxicity", "dose_word")
"""Cues whose words may do so."""


def _named(context: Context, *, told: bool) -> set[str]:
    """What lies outside and is named; another tumour of a relative, denied or long past is none."""
    found = set()
    groups = context.lexicon.groups
    for place, piece in enumerate(context.pieces):
        for concept in piece.concepts:
            if concept.kind != "scope" or (concept.name == "other_tumour" and _is_other(context, place)):
                continue
            if concept.name == "not_professional" and _is_quoted(context, place):
                continue
            whole = concept.name != "other_question"  # 'DVT on apixaban, next line?' does not ask about the DVT
            if told and concept.name in _ASKED_OF and not _asks(context, place, whole=whole):
                continue
            piece.used = True
            found.add(concept.name)
        known = groups.get(piece.key, ())
        may_ask = not piece.cues.isdisjoint(_MAY_ASK) or (known and not _OF_A_QUESTION.isdisjoint(known))
        if not may_ask or piece.kind == "sign":
            continue
        if _manages(context, place) or (piece.asked and (_remedies(context, place) or _treats(context, place))):
            found.add("symptom")  # 'how do I treat T-DXd nausea?', 'what do I give against grade 2 mucositis?'
        if (piece.asked or _opens_a_question(context, place)) and _is_how_much(context, place):
            found.add("dosing")
    return found


def _is_quoted(context: Context, place: int) -> bool:
    """Whether a sentence only tells what the patient says: 'my aunt had Kadcyla, says the pt'; not 'my mum was told
    she has ...'."""
    return any(
        "hearsay" in context.pieces[at].cues and "is" not in context.pieces[at - 1].roles
        for at in context.sentence(place)
    )


def _asks(context: Context, place: int, *, whole: bool) -> bool:
    """Whether the sentence of a piece (`whole`), or its clause, asks, by its mark or by a word for asking."""
    sentence = [context.pieces[at] for at in (context.sentence(place) if whole else context.clause(place))]
    if whole and context.pieces[place].asked:  # 'how many mg/kg with eGFR 40'
        return True
    return sentence[-1].key == "?" or any(piece.cue("asked", "asked_weak") for piece in sentence)


def _manages(context: Context, place: int) -> bool:
    """Whether the management of a complaint is named, the drug that causes it between the two."""
    pieces = context.pieces
    if context.of(pieces[place], "management"):  # best management of capecitabine hand-foot syndrome?
        leads = place + 1 < len(pieces) and pieces[place + 1].key in ("of", "for")
        if not leads or not pieces[place].asked:
            return False
        place += 1
    elif not context.of(pieces[place], "manages"):
        return False
    if not _is_drug(context, place + 1):
        return False
    at = place + 2
    while at < len(pieces) and pieces[at].key in _CAUSED:  # 'management of Enhertu-related nausea'
        at += 1
    return at < len(pieces) and _is_a_complaint(context, at)


def _remedies(context: Context, place: int) -> bool:
    """Whether a verb asks for what helps against a complaint: 'what do I give against grade 2 mucositis?'"""
    pieces = context.pieces
    if not _is_a_complaint(context, place):
        return False
    at = place - 1
    first = context.clause(place).start
    while at > first and (pieces[at].roles & {"severity"} or pieces[at].kind in ("number", "silent")):
        if pieces[at].key in _AGAINST:
            break
        at -= 1
    if at < first or pieces[at].key not in _AGAINST:
        return False
    if pieces[at].key == "with":  # not 'what to offer a patient with neuropathy'
        return at > first and pieces[at - 1].key in ("help", "helps")
    return any(context.of(pieces[back], "remedies") for back in range(max(first, at - 2), at))


def _treats(context: Context, place: int) -> bool:
    """Whether a question is how to treat a side effect that is named at once: 'how do I treat hand-foot blisters?',
    'how is T-DXd nausea best managed?'"""
    if not _is_a_complaint(context, place):
        return False
    behind = range(place + 1, min(context.clause(place).stop, place + 1 + _FROM_COMPLAINT))
    if any(context.of(context.pieces[at], "managed") for at in behind):
        of_a_patient = place > 0 and context.of(context.pieces[place - 1], "given")  # 'how is one with ILD treated?'
        return context.pieces[context.sentence(place).start].key == "how" and not of_a_patient
    before = place - 1
    while before >= 0 and (
        context.pieces[before].kind in ("silent", "number") or "severity" in context.pieces[before].roles
    ):
        before -= 1
    return before >= 0 and context.of(context.pieces[before], "manages")


def _is_a_complaint(context: Context, place: int) -> bool:
    """Whether a side effect is named, or a complaint that may be one."""
    return "a_toxicity" in context.pieces[place].cues or context.of(context.pieces[place], "complaint")


def _is_how_much(context: Context, place: int) -> bool:
    """Whether a question is how much of a drug, or whether to hold it: 'hold Kadcyla for platelets of 60?',
    'capecitabine dose with eGFR 40?', 'when should T-DXd be held?'"""
    piece = context.pieces[place]
    if "dose_word" in piece.cues:  # capecitabine 1000 or 1250 mg/m2?
        before = context.pieces[max(0, place - 3) : place]
        return [each.kind for each in before[::2]] == ["number", "number"] and before[1].key in ("or", "vs", "versus")
    if context.of(piece, "withholds"):  # 'hold Kadcyla', 'delay her next Kadcyla'
        behind = (at for at in range(place + 1, place + _OF + 2) if not _is_whose(context, at))
        return _is_drug(context, next(behind, place + 1))
    if context.of(piece, "withheld"):
        named = range(max(context.sentence(place).start, place - _FROM_DRUG), place)
        return any("modal" in context.pieces[at].roles or context.pieces[at].key == "be" for at in named) and any(
            _is_drug(context, at) for at in named
        )
    return context.of(piece, "amount") and place > 0 and _is_drug(context, place - 1)


def _opens_a_question(context: Context, place: int) -> bool:
    sentence = context.sentence(place)
    return place == sentence.start and context.pieces[sentence.stop - 1].key == "?"


def _is_whose(context: Context, place: int) -> bool:
    """Whether a piece only says whose drug, or which dose of it."""
    return place < len(context.pieces) and (
        context.pieces[place].kind == "silent" or context.pieces[place].key in ("next", "her", "the")
    )


def _is_drug(context: Context, place: int) -> bool:
    return place < len(context.pieces) and names_drugs(context.pieces[place])


def _is_other(context: Context, place: int) -> bool:
    if context.stance(place) in ("family", "denied", "hypothetical"):
        return True
    clause = context.clause(place)
    near = range(max(clause.start, place - 4), min(clause.stop, place + 4))
    return any(context.of(context.pieces[at], "past") or context.pieces[at].kind == "date" for at in near)


def _is_breast(values: Mapping[str, Any], context: Context) -> bool:
    breast = (place for place, piece in enumerate(context.pieces) if context.of(piece, "breast"))
    return "hr_status" in values or any(not context.is_denied_at_once(place) for place in breast)


def _is_minor(context: Context) -> bool:
    pieces = context.pieces
    for place, piece in enumerate(pieces):
        if piece.kind not in _AGES or context.is_family(place) or _is_of_a_child(context, place):
            continue
        aged = piece.kind == "age" or _is_bare_age(context, place)
        if (
            (aged and piece.value < ADULT)
            or _is_young_in_years(context, place)
            or (piece.value in (ADULT, ADULT * MONTHS) and _is_not_yet(context, place))
        ):
            piece.used = True
            return True
    return False


def _is_not_yet(context: Context, place: int) -> bool:
    """Whether the age of an adult is said not to be reached: 'under 18', 'younger than 18', 'not yet 18'."""
    pieces, start = context.pieces, context.sentence(place).start
    if pieces[place].kind == "number":
        behind = pieces[place + 1] if place + 1 < len(pieces) else None
        if behind is not None and behind.kind != "sign" and behind.key not in ("and", "with"):
            return False
        if behind is not None and behind.key in ("%", "/", "-"):
            return False
    first = place - 1
    if first >= start and pieces[first].key == "than":
        first -= 1
        led = pieces[first].key == "younger"
    else:
        led = first >= start and pieces[first].key in ("under", "below", "not")  # not yet 18
        led = led and (pieces[first].key != "not" or pieces[first].end - pieces[first].start > len("not"))
    if not led or first < start:
        return False
    before = pieces[first - 1] if first > start else None
    return (
        before is None
        or before.key in (",", ";", "is", "age", "aged", ":")
        or bool(before.roles & {"woman", "person", "is"})
        or "the_patient" in before.cues
    )


def _is_of_a_child(context: Context, place: int) -> bool:
    """Whether an age is that of the patient's child: 'kids aged 5 and 8', 'her 12 year old son', 'has a 9-year-old'."""
    pieces, sentence = context.pieces, context.sentence(place)
    near = (*range(max(sentence.start, place - _FROM_DRUG), place), *range(place + 1, min(sentence.stop, place + 3)))
    if any(context.of(pieces[at], "kids") for at in near):
        return True
    led = [piece.key for piece in pieces[max(sentence.start, place - 2) : place]]
    return led == ["has", "a"] and (place + 1 == sentence.stop or pieces[place + 1].kind == "sign")


def _is_young_in_years(context: Context, place: int) -> bool:
    """Whether a duration is an age below that of an adult: 'girl of 16 years'."""
    pieces = context.pieces
    if pieces[place].kind != "duration" or place < _OF or pieces[place - 1].key != "of":
        return False
    person = pieces[place - _OF].roles & {"woman", "person"}
    return bool(person) and isinstance(pieces[place].value, float) and pieces[place].value < ADULT * MONTHS


def _is_bare_age(context: Context, place: int) -> bool:
    """Whether a number alone is an age: 'she is 16 with ...', 'only 15'."""
    pieces = context.pieces
    if pieces[place].kind != "number" or pieces[place].value != int(pieces[place].value):
        return False
    following = pieces[place + 1] if place + 1 < len(pieces) else None
    if place == 0:  # '16 y, HER2+'
        after = pieces[2] if len(pieces) > 2 else None
        in_years = following is not None and context.of(following, "years_old")
        return in_years and (after is None or after.kind == "sign")
    ends = following is None or following.key in (".", ",", "and", "with", ";")
    before = pieces[place - 1]
    if before.key == "of" and place > 1 and pieces[place - 2].roles & {"woman", "person"}:  # a girl of 15
        return following is None or following.key != "%"
    if before.key == "," and place > 1 and "woman" in pieces[place - 2].roles:  # 'girl, 14, HER2+'
        return ends
    if before.key == "s" and place > 2 and pieces[place - 2].key == "'":  # she's 15
        return ends and context.of(pieces[place - 3], "patient")
    told = before.key in _PARENTS or before.cues & {"previously", "has_had"}  # not 'mother of two', 'she got 4'
    if "the_patient" in before.cues and not told:  # she is
        return ends
    return ends and context.of(before, "age_before") and place > 1 and context.of(pieces[place - 2], "patient")
