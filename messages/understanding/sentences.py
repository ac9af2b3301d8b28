"""Sentences, clauses and enumerations of a text, and the part of a sentence that asks."""

from __future__ import annotations

from messages.understanding.lexicon import Concept, Lexicon
from messages.understanding.named import Cue
from messages.understanding.pieces import ITEM, NO_ROLES, Piece

_ASKING = ("dosing", "symptom", "other_question")
"""What may be asked of a drug besides whether to give it."""
_MANY = 4
"""Strokes with blanks around them that part sentences, and not two drugs, at least."""
_SHORT = 3
"""Pieces before the last clause of a question that belong to it: 'T-DXd then?'."""
_SITE = 3
"""Pieces from an organ to the comma behind it, at most."""
_LESIONS = ("lesion", "lesions", "nodule", "nodules", "met", "mets", "metastasis", "metastases", "deposits", "masses")
"""What is counted of an organ behind a comma."""
_OUT_OF_REACH = 8
"""Pieces from a word of access to the consequence that is drawn from it, at most."""
_INTRODUCTION = 10
"""Pieces between a request and the patient it is about, at most."""
_VERBS = frozenset(("auxiliary", "is", "modal"))
"""What the first word of a question may be that asks for yes or no."""
_WEAKLY_ASKING = frozenset(("asked_weak", "asked_back"))
OPINIONS = ("view", "views", "opinion", "advice", "thoughts", "input", "help")
"""What is asked for on a patient."""
_OFFERING = frozenset(("early", "joined", "carried_on", "completed", "planned"))
"""Cues that may stand beside the drugs of a choice: 'adjuvant T-DM1 or complete HP?'"""
_JUDGING = frozenset(("asked_back", "good"))
"""Cues of what is asked of a treatment: 'reasonable?', 'ok?'"""
_DESCRIBING = frozenset(("negation", "went_on", "good", "asked_back", "joined", "cycles"))
"""Cues that may say how drugs would be given."""
_CHOOSING = ("which", "what", "any")
"""How a question for a choice begins."""
_GIVEN = ("had", "received", "have", "got", "get", "receive", "ever", "already", "been")
"""What follows the subject of such a question."""
_OF_THE_PAST = ("has", "have", "had", "did")
"""Verbs that ask what was given, before their subject."""
_BEFORE_A_VERB = ("so", "and", "but", "hi", "hello", "then", "now", "please")
"""What may stand before the verb that begins a question."""
_JOINED_DRUGS = ("+", "/", "and", "-")
"""What joins the drugs a question begins with."""
_STOPS = ("stop", "hold", "pause", "withhold", "interrupt", "discontinue")
"""What may be asked of a drug that is given."""
_BETWEEN_DRUGS = ("+", "/", "and", ",", "then", "->", ">", ";")
_HAPPENED = frozenset(("progression", "toxicity", "previously", "previous", "has_had"))
"""Cues of what is told of a treatment that was given."""
_IN_THE_PAST = ("was", "were", "been", "had", "we")
"""What stands before a change of dose that is told."""
_ROMANS = {"i": 1, "ii": 2, "iii": 3, "iv": 4, "v": 5}
_LETTERED = frozenset(("lettered",))
"""The part of an item that a letter counts: 'a) THP'."""
_LETTERS = {letter: number for number, letter in enumerate("abcdefgh", 1)}
"""The letters of an enumeration."""
_LISTING: tuple[Cue, ...] = ("planned", "has_had", "previously")
"""Cues that may lead to an enumeration without a colon."""
_TURNING = ("then", "new_word")
"""Cues that begin a clause."""
_OF_A_HEADING: tuple[Cue, ...] = ("progression", "toxicity", "stopped", "responding", "took_effect", "a_toxicity")
"""Cues of what a heading with 'what' tells of."""
_BREAKS = frozenset((",", ";", "(", ")", "[", "]", ".", "|"))


def divide(pieces: list[Piece], text: str, lexicon: Lexicon) -> None:
    """Number the sentences and clauses, and mark what is asked."""
    sentence = clause = 0
    first = 0
    slashes = _parting_slashes(pieces) if "/" in text else frozenset()
    broken = "\n" in text
    for place, piece in enumerate(pieces):
        piece.sentence, piece.clause = sentence, clause
        if broken and place > first and "\n" in text[pieces[place - 1].end : piece.start]:
            _mark_asked(pieces[first:place], ends=False)
            sentence, clause, first = sentence + 1, clause + 1, place
            piece.sentence, piece.clause = sentence, clause
        if piece.kind != "sign":
            turns = not piece.cues.isdisjoint(_TURNING) or (piece.kind == "known" and piece.key == "->")
            if turns and piece.key == "later":  # PD 4 months later
                turns = not (place and "duration" in pieces[place - 1].cues)
            counts = piece.key == ITEM and place > first  # 1. THP x 8 -> HP 2. T-DXd
            if turns or counts or ("so" in piece.roles and _draws_a_consequence(pieces, place)):
                clause += 1
                piece.clause = clause
            continue
        following = pieces[place + 1] if place + 1 < len(pieces) else None
        if piece.key == "?" and _doubts(pieces, place, opens=place == first):
            piece.stand_for(Concept("cue", "uncertain"))
            continue
        if piece.key == "?" and _heads_what_was(pieces, first, place):
            piece.key = ":"
            continue
        stops = piece.key == "." and (following is None or not following.glued)
        if stops and _is_abbreviated(pieces, place, lexicon, text):
            if "progression" in pieces[place - 1].cues:  # it does not part the word from its drugs
                piece.kind, piece.key = "silent", ""
            continue
        if piece.key == "?" and place > first and following is not None and following.key == "?" and following.glued:
            continue  # start T-DXd??
        if piece.key == "," and _parts_a_site_from_its_lesions(pieces, place):
            piece.kind, piece.key = "silent", ""
            continue
        ends = stops or piece.key == "?" or (piece.key == "!" and not _is_inside(following))
        if ends or piece.key == ";" or place in slashes:
            _mark_asked(pieces[first : place + 1], ends=piece.key == "?")
            sentence, clause, first = sentence + 1, clause + 1, place + 1
        elif piece.key in _BREAKS or piece.key == "->":
            clause += 1
    _mark_asked(pieces[first:], ends=False)


def _parts_a_site_from_its_lesions(pieces: list[Piece], place: int) -> bool:
    """Whether a comma stands between an organ and the lesions of it that grew, or their sizes: 'lung, two nodules
    doubled', 'liver segment VI, 31 -> 48 mm'."""
    at, count = place + 1, len(pieces)
    sites = pieces[max(0, place - _SITE) : place]
    if at + 1 >= count or not any(piece.is_("noun", "organ", "organ_mets") for piece in sites):
        return False
    if pieces[at].kind == "number" and pieces[at + 1].key in ("->", "mm", "cm"):
        return any(piece.key in ("mm", "cm") for piece in pieces[at + 1 : at + 2 * _SITE])
    at += pieces[at].kind == "number"
    named = at + 1 < count and pieces[at].key in _LESIONS
    return named and any("progression" in piece.cues for piece in pieces[at : at + 2])


def _parting_slashes(pieces: list[Piece]) -> frozenset[int]:
    """The places of strokes with blanks around them, where so many part the facts of a case: 'MBC / ER+ / THP 1L / PS
    1'; or before a heading: 'brain: stable / body: growing'."""
    found = [
        place
        for place, piece in enumerate(pieces[:-1])
        if piece.key == "/" and piece.kind == "sign" and not piece.glued and not pieces[place + 1].glued
        if place and not (pieces[place - 1].names_drugs_by_name() and pieces[place + 1].names_drugs_by_name())
    ]
    if len(found) < _MANY:
        found = [place for place in found if place + 2 < len(pieces) and pieces[place + 2].key == ":"]
    return frozenset(found)


def _is_inside(following: Piece | None) -> bool:
    """Whether a sentence goes on behind an exclamation mark: '(no ILD!, an infusion reaction)'."""
    return following is not None and following.glued and following.key in (",", ")")


def _draws_a_consequence(pieces: list[Piece], place: int) -> bool:
    """Whether 'so' leads from a drug that was not to be had to another: 'no access to T-DXd at the time so T-DM1'."""
    if place + 1 >= len(pieces) or not pieces[place + 1].names_drugs_by_name():
        return False
    before = pieces[max(0, place - _OUT_OF_REACH) : place]
    return any(piece.cue("available", "unavailable", "access") for piece in before)


def _doubts(pieces: list[Piece], place: int, *, opens: bool) -> bool:
    """Whether a question mark doubts what follows it: '?ILD'. `opens`: it is the first of a sentence."""
    following = pieces[place + 1] if place + 1 < len(pieces) else None
    opens = opens and not (place and pieces[place - 1].key == "?")
    before = following is not None and (opens or (following.glued and not (place and pieces[place].glued)))
    return before or _queries(pieces, place)


def _heads_what_was(pieces: list[Piece], first: int, place: int) -> bool:
    """Whether a question mark only parts a word for the past from the drugs it heads: 'Before? THP', 'Prior? THP'."""
    heads = place == first + 1 and (pieces[first].key == "before" or pieces[first].cue("previous", "before_it"))
    return heads and place + 1 < len(pieces) and pieces[place + 1].names_drugs_by_name()


def _queries(pieces: list[Piece], place: int) -> bool:
    """Whether a question mark behind a comma or a bracket doubts what follows it: 'THP, ? brain mets'."""
    if not place or place + 1 >= len(pieces) or pieces[place - 1].key not in (",", "(", ":", ";", "-"):
        return False
    following = pieces[place + 1]
    named = following.is_("noun") or following.is_("find")
    if pieces[place - 1].key == "(":
        return named or following.names_drugs_by_name()
    return named and not pieces[place].glued


def enumerated(pieces: list[Piece], text: str) -> list[Piece]:
    """The pieces with the numbers, or letters, of an enumeration of drugs put together: 1) THP 2) T-DXd, 1. THP 2.
    T-DXd, (a) THP (b) T-DXd."""
    if ")" not in text and all(piece.kind != "number" for piece in pieces):
        return pieces
    found: list[Piece] = []
    bare = _bare_items(pieces)
    counted, at = 0, 0
    while at < len(pieces):
        piece = pieces[at]
        found.append(piece)
        at += 1
        if at - 1 in bare:
            found[-1] = Piece("line", piece.start, piece.end, ITEM, value=int(piece.value), glued=piece.glued)
            continue
        roman = piece.key in _ROMANS and "(" in text
        if piece.kind != "number" and piece.key not in _LETTERS and not roman:
            continue
        number = piece.value if piece.kind == "number" else _ROMANS[piece.key] if roman else _LETTERS[piece.key]
        if roman and number != counted + 1:
            continue
        if at + 1 >= len(pieces) or number not in (1, 2, 3, 4, 5, 6, 7, 8):
            continue
        mark, following = pieces[at], pieces[at + 1]
        if piece.kind != "number" and mark.key != ")":
            continue
        if mark.key == "." and mark.glued and following.cue("line_word") and following.key not in ("l", "lines"):
            found[-1] = Piece("ordinal", piece.start, mark.end, piece.key, value=piece.value, glued=piece.glued)
            at += 1  # 1. line
            continue
        if mark.key not in (")", ".") or not mark.glued or following.glued:
            continue
        before = found[-2] if len(found) > 1 else None
        if piece.glued and len(found) > 2 and found[-2].key == "-" and found[-2].glued and found[-3].kind == "number":
            continue  # PS 2-3. Letrozole
        opens_a_row = before is None or "\n" in text[before.end : piece.start]
        first = number == 1 or mark.key == ")"  # not 'T-DXd, had 7. THP before'
        begins = opens_a_row or (
            before is not None and (text[before.end - 1] in ":;.-(,?" or (first and before.cue(*_LISTING)))
        )
        goes_on = number == counted + 1 > 1
        told = goes_on and (opens_a_row or mark.key == ")") and _tells_of_the_course(following)
        if told or ((begins or goes_on) and _opens_an_item(following)):
            counted = int(number)
            kind, key = ("line", ITEM) if _opens_an_item(following) else ("sign", ";")
            roles = _LETTERED if piece.kind != "number" else NO_ROLES
            found[-1] = Piece(kind, piece.start, mark.end, key, value=counted, glued=piece.glued, roles=roles)
            if before is not None and before.key == "(" and mark.key == ")":  # (1) THP
                del found[-2]
            at += 1
    return found


def _bare_items(pieces: list[Piece]) -> frozenset[int]:
    """The places of the numbers of an enumeration without marks: '1 Taxol/H, 2 Kadcyla, 3 lap/cape'."""
    found: set[int] = set()
    run: list[int] = []
    for place, piece in enumerate(pieces[:-1]):
        if piece.kind != "number" or not pieces[place + 1].names_drugs_by_name() or pieces[place + 1].glued:
            continue
        begins = place == 0 or pieces[place - 1].kind == "sign"
        if begins and piece.value == len(run) + 1:
            run.append(place)
        else:
            run = [place] if begins and piece.value == 1 else []
        if len(run) > 1:
            found.update(run)
    return frozenset(found)


def _tells_of_the_course(piece: Piece) -> bool:
    """Whether an item that begins so is none of drugs: '2) surgery', '3) relapse in lung: THP'."""
    return piece.cue("surgery", "treated", "came_back", "relapse", "progression", "early") or piece.is_(
        "noun", "organ", "organ_mets"
    )


def _opens_an_item(piece: Piece) -> bool:
    return piece.names_drugs_by_name() or piece.kind == "fuzzy" or piece.key in ("neoadjuvant", "adjuvant")


def _is_abbreviated(pieces: list[Piece], place: int, lexicon: Lexicon, text: str) -> bool:
    """Whether a full stop belongs to an abbreviation: 'end of adj. trastuzumab'; 'TCHP adj.' ends a sentence."""
    if not place or place + 1 == len(pieces) or not pieces[place].glued:
        return False
    if pieces[place - 1].key not in lexicon.abbreviations:
        return False
    if "versus" in pieces[place - 1].cues:  # T-DM1 vs. T-DXd
        return True
    if "progression" in pieces[place - 1].cues:  # Prog. under T-DXd; not 'Liver prog. On T-DXd since May'
        return text[pieces[place + 1].start].islower()
    before = pieces[place - 2] if place > 1 else None
    return before is None or not (before.names_drugs_by_name() or before.kind == "number")


def _inverts(sentence: list[Piece], place: int) -> bool:
    """Whether a verb stands before its subject, as in 'is T-DXd an option': a question without its mark."""
    opens = place == 0 or sentence[place - 1].clause != sentence[place].clause or sentence[place - 1].kind == "sign"
    return (
        opens
        and place + 1 < len(sentence)
        and "is" in sentence[place].roles
        and sentence[place + 1].names_drugs_by_name()
    )


def _mark_asked(sentence: list[Piece], *, ends: bool) -> None:
    """Mark the part of a sentence that asks: from its asking word on; without one, its last clause."""
    begins = None
    for place, piece in enumerate(sentence):
        if not piece.concepts:
            continue
        scope = "scope" in piece.kinds
        if scope and piece.is_("scope", "symptom") and not ends and _is_why(sentence, place):
            continue
        if (
            scope
            and piece.is_("scope", "dosing")
            and not ends
            and (_was_adjusted(sentence) or _is_at_a_dose(sentence, place))
        ):
            continue
        if scope and ends and piece.is_("scope", "other_question") and _goes_on_to_drugs(sentence, place):
            continue  # MBC with a DVT, THP finished, T-DXd?
        weak = not (piece.cues.isdisjoint(_WEAKLY_ASKING) or _is_relative(sentence, place)) and (
            ends or _opens_a_question(sentence, place) or _inverts(sentence, place)
        )
        if scope and piece.is_("scope", "dosing") and not ends and place and _is_counted(sentence, place):
            continue
        if weak or "asked" in piece.cues or (scope and piece.is_("scope", *_ASKING)):
            begins = place
            break
    if begins and sentence[begins].key == "when" and all(_only_names(piece) for piece in sentence[:begins]):
        begins = 0  # T-DXd when T-DM1 fails?
    if begins and _is_dosed(sentence, begins, ends=ends):
        begins = 0  # tucatinib dose reduction for Child C?
    if begins is None and not ends:
        begins = _opens_with_a_verb(sentence)
    if ends and (outright := asks_outright(sentence)) is not None:
        begins = outright
    if begins is None and ends and sentence:
        begins = _last_clause(sentence)
    if begins is None:
        return
    if ends and _is_judged_behind_a_bracket(sentence):
        begins = 0
    introduces = ends and _introduces_a_patient(sentence, begins)
    stop = _question_ends(sentence, begins) if introduces or not ends else len(sentence)
    story = _story_behind_a_choice(sentence, begins)
    stop = stop if story is None else min(stop, story)
    asked = sentence[begins:stop] if story is None or not ends else [*sentence[begins:stop], sentence[-1]]
    if introduces and stop < len(sentence):
        asked += sentence[max(stop, _last_clause(sentence)) :]
    if ends and _opens_with_a_choice(sentence):
        asked += [piece for piece in sentence if piece.clause == sentence[0].clause]
    stops = any("stopped" in piece.cues or piece.key in _STOPS for piece in asked)
    for piece in asked:
        piece.asked = True
        if stops and piece.key in ("before", "prior") and "early" in piece.cues:  # should I stop T-DXd before surgery?
            piece.stand_for(Concept("cue", "surgery"))


_WHICH_DOSE = ("first", "second", "third", "next", "further", "initial")
"""What may stand between a drug and its dose."""


def _is_dosed(sentence: list[Piece], begins: int, *, ends: bool) -> bool:
    """Whether the drugs a sentence begins with are those whose dose it asks for: 'capecitabine dose with eGFR 40'."""
    asks = sentence[begins].is_("scope", "dosing") and (ends or "asked" in sentence[begins].cues)
    named = begins - (sentence[begins - 1].key in _WHICH_DOSE)  # T-DXd first dose reduction level?
    return asks and all(piece.names_drugs_by_name() or piece.key in _JOINED_DRUGS for piece in sentence[:named])


def _opens_with_a_verb(sentence: list[Piece]) -> int | None:
    """Where a question without its mark begins with its verb: 'can T-DM1 be given weekly', 'THP done, could T-DXd be
    next', 'has she had T-DM1'."""
    for place, piece in enumerate(sentence[:-1]):
        if piece.roles.isdisjoint(_VERBS) and piece.key not in ("may", "do"):
            continue
        if place and sentence[place - 1].kind != "sign" and sentence[place - 1].key not in _BEFORE_A_VERB:
            continue
        following = sentence[place + 1]
        if piece.key in _OF_THE_PAST:
            behind = sentence[place + 2].key if place + 2 < len(sentence) else ""
            asks = "the_patient" in following.cues or following.key in ("she", "he")
            if asks and (behind in _GIVEN or "has_had" in following.cues):
                return place
        elif "modal" in piece.roles or piece.key in ("may", "does", "do"):
            last = place + 1
            while last + 1 < len(sentence) and (_only_names(sentence[last]) and sentence[last].key != "be"):
                last += 1
            be = piece.key != "may" or sentence[last].key == "be"  # May T-DM1, August T-DXd
            if be and (following.names_drugs_by_name() or following.kind == "fuzzy"):
                return place
    return None


def _story_behind_a_choice(sentence: list[Piece], begins: int) -> int | None:
    """The comma behind which a question for a choice goes on to what happened: 'which second line, THP failed?', 'what
    would you pick, PD on T-DM1'."""
    if not any(piece.key in _CHOOSING for piece in sentence[max(0, begins - 1) : begins + 1]):
        return None
    for place in range(begins + 1, min(begins + _INTRODUCTION, len(sentence) - 1)):
        piece = sentence[place]
        if piece.names_drugs_by_name() or "if" in piece.roles:
            return None
        if piece.key == ",":
            return place if _tells_how_it_went(sentence, place + 1) else None
    return None


def _tells_how_it_went(sentence: list[Piece], first: int) -> bool:
    """Whether what begins there tells the end of a treatment: 'PD on T-DM1', 'now failed A', 'A and B failed'."""
    named = False
    for place in range(first, min(first + _INTRODUCTION, len(sentence))):
        piece = sentence[place]
        if "or" in piece.roles or "if" in piece.roles:
            return False
        if not piece.cues.isdisjoint(_HAPPENED):
            return True
        if piece.names_drugs_by_name():
            named = True
        elif not (piece.kind == "silent" or piece.key in ("now", "has") or (named and piece.key in _BETWEEN_DRUGS)):
            return False
    return False


def _is_counted(sentence: list[Piece], place: int) -> bool:
    """Whether a dose is one of those that were given, with its drug between: 'the last trastuzumab dose in May'."""
    before = place - 1
    while (
        before
        and before > place - _SHORT
        and (sentence[before].names_drugs_by_name() or sentence[before].key == "adjuvant")
    ):
        before -= 1
    return _counts(sentence[before])


def _counts(piece: Piece) -> bool:
    """Whether a piece counts the doses that were given: 'one dose of T-DM1', 'the first dose of'."""
    return piece.kind in ("number", "ordinal") or piece.value == 1 or piece.key in ("single", "last", "every", "each")


def _introduces_a_patient(sentence: list[Piece], begins: int) -> bool:
    """Whether an opinion is asked for on a patient whose story follows: 'may I have a view on a woman who had ...?'"""
    for place in range(begins, min(begins + _INTRODUCTION, len(sentence) - 1)):
        if sentence[place].key in OPINIONS:
            leads = "the_patient" in sentence[place].cues or sentence[place + 1].key in ("on", "about", "regarding")
            return leads and any(piece.key in ("who", "whose") for piece in sentence[place:])
    return False


def _is_relative(sentence: list[Piece], place: int) -> bool:
    """Whether 'who' tells of the patient before it, or a verb of drugs behind 'that': 'a woman who failed THP, brain
    clear?', 'T-DM1 now that THP is finished?'"""
    if "is" in sentence[place].roles and place > 1 and sentence[place - 1].names_drugs_by_name():
        before = place - 1
        while (
            before > place - _INTRODUCTION
            and before
            and (sentence[before].names_drugs_by_name() or sentence[before].key in ("and", "+", "/", ","))
        ):
            before -= 1
        if sentence[before].key == "that":
            return True
    return place > 0 and sentence[place].key == "who" and (sentence[place - 1].kind != "sign" or place > 1)


def _opens_a_question(sentence: list[Piece], place: int) -> bool:
    if place or "interrogative" not in sentence[place].roles or _tells_when(sentence):
        return False
    return not _heads_what_happened(sentence)


def _heads_what_happened(sentence: list[Piece]) -> bool:
    """Whether 'what' only heads what went wrong, behind a colon: 'What fell out: her hair, on docetaxel'."""
    colon = next((at for at, piece in enumerate(sentence[: _SHORT + 2]) if piece.key == ":"), 0)
    if sentence[0].key != "what" or colon < 2:
        return False
    told = sentence[1:colon]
    return any("fell" in piece.roles or "aside" in piece.kinds or piece.cue(*_OF_A_HEADING) for piece in told)


def asks_outright(sentence: list[Piece]) -> int | None:
    """Where a question begins of what was given or would matter: 'Has she had T-DM1?', 'Does prior T-DXd matter?'

    Nothing but a greeting stands before it.
    """
    if len(sentence) < _SHORT:
        return None
    if sentence[-1].key != "?":
        inverted = _opens_with_a_verb(sentence)
        return inverted if inverted is not None and sentence[inverted].key in _OF_THE_PAST else None
    first = next((at for at, piece in enumerate(sentence) if piece.concepts or piece.roles & _VERBS), None)
    if first is None or first + 1 >= len(sentence) or not sentence[first].roles & _VERBS:
        return None
    if first and sentence[first - 1].kind != "sign":
        return None
    opening, following = sentence[first : first + 2]
    if opening.key == "had" and any(piece.key == "," for piece in sentence):  # had THP, is T-DXd next?
        return None
    named = following.names_drugs_by_name() or "the_patient" in following.cues
    named = named or "grammatical_subject" in following.roles
    asks = "previous" in following.cues or ("auxiliary" in opening.roles and named)
    return first if asks else None


def _last_clause(sentence: list[Piece]) -> int:
    """Where the clause begins that a question mark ends; 'T-DXd then?' is one, of 'THP > T-DXd > ?' only the end."""
    mark = len(sentence) - 1
    while mark and sentence[mark - 1].key == "?":  # THP > ??
        mark -= 1
    if mark and sentence[mark - 1].key in ("->", ">"):
        return mark - 1
    if _is_a_sequence(sentence[:mark]) or _is_after_a_sequence(sentence[:mark]):
        return 0
    last = sentence[-1].clause
    begins = next(place for place, piece in enumerate(sentence) if piece.clause == last)
    dash = _parting_dash(sentence, begins)
    if dash is not None:
        return dash + 1
    if "line_word" in sentence[mark - 1].cues:
        drugs = [at for at in range(begins, mark) if sentence[at].names_drugs_by_name()]
        spans = [sentence[begins : drugs[0]], sentence[drugs[-2] : drugs[-1]]] if len(drugs) > 1 else []
        if spans and all(any("line_word" in piece.cues for piece in span) for span in spans):
            return drugs[-1] + 1  # 1L THP 2L T-DXd 3L?
    if _only_describes_drugs(sentence[:mark], begins):
        return 0  # lapatinib + Herceptin, chemo-free?
    names_none = all(piece.kind == "sign" or "then" in piece.cues for piece in sentence[begins:])
    if not (names_none and begins):
        return begins
    before = sentence[begins - 1].clause if begins > _SHORT else sentence[0].clause
    first = next(at for at, piece in enumerate(sentence) if piece.clause == before)
    turns = any("then" in piece.cues for piece in sentence[first:begins])
    return begins if turns else first  # T-DXd then?; T-DXd is out, T-DM1 then?


def _only_describes_drugs(sentence: list[Piece], begins: int) -> bool:
    """Whether the last clauses of a question only say how the drugs it begins with would be given: 'A, chemo-free?',
    'T-DXd, full dose, at 78?'."""
    first = sentence[0].clause if sentence else 0
    drugs = [piece for piece in sentence if piece.clause == first]
    rest = sentence[len(drugs) :]
    if not begins or not any(piece.names_drugs_by_name() for piece in drugs):
        return False
    if not all(_only_names(piece) or "joined" in piece.cues for piece in drugs) or drugs[-1].key == "(":
        return False
    return bool(rest) and all(
        not piece.names_drugs_by_name()
        and (
            piece.kind in ("word", "silent", "sign", "number")
            or piece.is_("say", "chemotherapy")
            or piece.kind == "known"
        )
        and piece.cues <= _DESCRIBING
        and not piece.is_("noun")
        and not piece.is_("find")
        for piece in rest
    )


def _parting_dash(sentence: list[Piece], begins: int) -> int | None:
    """The dash of a last clause that parts what is told from what is asked: 'A, then B - C?', 'MBC, PD on A - B?', 'PD
    liver - B or C?'"""
    dashes = [at for at in range(begins, len(sentence)) if sentence[at].key == "-" and not sentence[at].glued]
    dash = dashes[-1] if dashes else None
    if dash is None:
        return None
    told = sentence[begins:dash]
    if not begins:
        return dash if _tells_of_growth(told) and _goes_on_with_drugs(sentence[dash + 1 :]) else None
    if not sentence[begins].cue("then", "progression"):
        return None
    return dash if any(piece.names_drugs_by_name() for piece in told) else None


def _tells_of_growth(told: list[Piece]) -> bool:
    """Whether what stands before a dash tells of growth, and puts no drug behind it: not 'T-DXd after PD on THP'."""
    drug = next((at for at, piece in enumerate(told) if piece.names_drugs_by_name()), len(told))
    if any("after" in piece.cues or "if" in piece.roles for piece in told[drug:]):
        return False
    return any("progression" in piece.cues for piece in told) and not any("if" in piece.roles for piece in told)


def _goes_on_with_drugs(asked: list[Piece]) -> bool:
    """Whether drugs are asked about behind a dash: 'T-DXd or TCT?', 'start T-DM1?'; not 'or T-DM1?'"""
    opens = next((piece for piece in asked if piece.kind != "silent" or "or" in piece.roles), None)
    named = any(piece.names_drugs_by_name() for piece in asked[:_SHORT])
    return named and opens is not None and "or" not in opens.roles


def _opens_with_a_choice(sentence: list[Piece]) -> bool:
    """Whether a question begins with drugs to choose from: 'adjuvant T-DM1 or adjuvant HP for a stage IIA, no pCR?'"""
    for place, piece in enumerate(sentence):
        if "or" in piece.roles:
            ahead = sentence[place + 1 :]
            drug = next((each for each in ahead if each.kind != "silent" and not each.cues & _OFFERING), None)
            return place > 0 and drug is not None and drug.names_drugs_by_name()
        named = piece.names_drugs_by_name() or piece.kind == "silent" or piece.key in ("+", "/")
        if not (named or piece.cues & _OFFERING):
            return False
    return False


def _is_judged_behind_a_bracket(sentence: list[Piece]) -> bool:
    """Whether a question is if the drugs it begins with are right: 'adjuvant TH (12 weeks) OK for an 80 yo?'"""
    opened = next((place for place, piece in enumerate(sentence) if piece.key == "("), 0)
    closed = next((place for place in range(opened, len(sentence) - 1) if sentence[place].key == ")"), None)
    if not opened or closed is None or sentence[closed + 1].cues.isdisjoint(_JUDGING):
        return False
    return all(_only_names(piece) or piece.cues & _OFFERING for piece in sentence[:opened])


def _tells_when(sentence: list[Piece]) -> bool:
    """Whether 'when' begins what happened, and no question: 'when THP failed she got T-DM1'."""
    if sentence[0].key != "when" or len(sentence) == 1 or sentence[1].roles & {"is", "modal"}:
        return False
    first = sentence[1:_INTRODUCTION]
    if any("after" in piece.cues for piece in first):
        return False
    return any("progression" in piece.cues for piece in first) and any(piece.names_drugs_by_name() for piece in first)


def _is_why(sentence: list[Piece], place: int) -> bool:
    """Whether a complaint is why a drug was changed or stopped, and not asked about: 'switched for hot flushes'."""
    before = sentence[max(0, place - _INTRODUCTION) : place]
    because = any("because" in piece.roles for piece in before[-2:])
    return because and any(piece.cue("then", "stopped", "changed") for piece in before)


def _goes_on_to_drugs(sentence: list[Piece], place: int) -> bool:
    """Whether drugs are told between what a piece is of and the last clause, which asks."""
    apart = (sentence[place].clause, sentence[-1].clause)
    return any(piece.clause not in apart and piece.names_drugs_by_name() for piece in sentence[place + 1 :])


def _was_adjusted(sentence: list[Piece]) -> bool:
    """Whether a sentence tells that a dose was changed: 'the dose of T-DXd was reduced', 'we lowered the dose of A'."""
    for place, piece in enumerate(sentence):
        if "adjusted" in piece.roles or piece.key == "reduced":
            return any(before.key in _IN_THE_PAST for before in sentence[max(0, place - 4) : place])
    return False


def _is_at_a_dose(sentence: list[Piece], place: int) -> bool:
    """Whether it is told at which dose a drug is given: 'T-DXd at reduced dose', 'Enhertu dose level -1'."""
    leads = sentence[place - 1].key if place else ""
    behind = [piece.key for piece in sentence[place + 1 : place + 3]]
    lowered = len(behind) > 1 and behind[0] == "-" and behind[1].isdigit()
    return lowered or (leads in ("at", "on", "in", "with", "a") and sentence[place].key in ("reduced", "dose"))


def _only_names(piece: Piece) -> bool:
    return piece.names_drugs_by_name() or piece.kind in ("silent", "sign")


def _is_a_sequence(sentence: list[Piece]) -> bool:
    """Whether a question names nothing but drugs and 'then': 'T-DXd then T-DM1?' asks for their order.

    A greeting may stand before it.
    """
    begins = next((at for at, piece in enumerate(sentence) if piece.kind not in ("silent", "sign")), 0)
    sentence = sentence[begins:]
    drugs = [piece.names_drugs_by_name() for piece in sentence]
    linked = any("then" in piece.cues and piece.key.isalpha() for piece in sentence)
    if sum(drugs) > 1 and "then" in sentence[-1].cues:  # THP then T-DXd then?
        return False
    return linked and all(
        drug or "then" in piece.cues or piece.kind == "silent" for drug, piece in zip(drugs, sentence, strict=True)
    )


def _is_after_a_sequence(sentence: list[Piece]) -> bool:
    """Whether a question is of a drug after a sequence that arrows lead through: 'tucatinib after THP -> T-DXd?'"""
    after = next((at for at, piece in enumerate(sentence) if "after" in piece.cues), 0)
    heads, steps = sentence[:after], sentence[after + 1 :]
    asked = any(piece.names_drugs_by_name() for piece in heads)
    return (
        asked
        and any(piece.key == "->" for piece in steps)
        and all(
            piece.names_drugs_by_name() or piece.kind == "silent" or piece.key in ("+", "/", "and") for piece in heads
        )
        and all(
            piece.names_drugs_by_name() or piece.key in _BETWEEN_DRUGS or "progression" in piece.cues for piece in steps
        )
    )


def _is_person(sentence: list[Piece], place: int) -> bool:
    piece = sentence[place]
    aged = place > 0 and sentence[place - 1].kind == "number" and "sex" in piece.roles
    aged = aged or (piece.key == "colleague" and piece.cue("family"))  # a colleague's patient
    return aged or bool(piece.roles & {"woman", "person"}) or piece.is_("noun", "age")


def _question_ends(sentence: list[Piece], begins: int) -> int:
    """Where a question without its mark ends: at the colon of a heading, or where the patient's story begins."""
    bracket = False
    for place in range(begins + 1, len(sentence)):
        piece = sentence[place]
        if piece.key == ")" and not bracket:  # adjuvant chemo (which one is lost), TH for mets
            return place
        bracket = piece.key == "(" or (bracket and piece.key != ")")
        if place < begins + _INTRODUCTION and _is_person(sentence, place):  # advice on this 63F who had ...
            return place
        if piece.key == ":" and piece.kind == "sign":
            answered = place + 1 < len(sentence) and sentence[place + 1].key in ("yes", "no")
            if answered or not any(each.names_drugs_by_name() for each in sentence[:place]):
                return place
        if "the_patient" in piece.cues and place > begins + 2 and "asked_weak" not in sentence[place - 1].cues:
            return place if "if" not in sentence[place - 1].roles else len(sentence)
    return len(sentence)
