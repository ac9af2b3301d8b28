"""A text as pieces: what each stretch of it stands for, before anything is decided about it."""

from __future__ import annotations

from functools import partial

from messages.understanding.headings import names_a_drug, read_headings
from messages.understanding.lexicon import Concept, Lexicon, Node
from messages.understanding.named import Cue
from messages.understanding.near import SHORTEST, edits, is_one_edit_from, nearest, sounds_like
from messages.understanding.pieces import ITEM, NO_ROLES, Piece, cues_and_kinds
from messages.understanding.sentences import divide, enumerated
from messages.understanding.shorthand import settle_short_names
from messages.understanding.tokens import Token, tokens_of

__all__ = ["ITEM", "NO_ROLES", "Piece", "near", "number_of", "scan"]
_HEADING = 4
"""Tokens up to the colon of a heading, at most."""
_DENIED_AS_A_WHOLE = ("early_stage_agents", "prior_lines", "treatment")
"""What phrases say that begin with a denial and name no drug."""
_TENS = range(20, 100, 10)
"""Numbers in words that those below ten are joined to."""
_PLACES = ("organ", "organ_mets", "brain", "brain_mets", "brain_imaging")
"""Nouns that say where disease is."""
_BESIDE_RP = 6
"""Pieces between the two hormone receptors, at most."""
_IN_THE_BRAIN = ("brain", "brain_mets", "brain_imaging")
_ONLY_OF_THE_BRAIN = ("srs", "radiosurgery")
"""Local treatment that no other organ has."""
_BEFORE_TREATMENT: tuple[Cue, ...] = (
    "progression", "weak_progression", "new", "negation", "not_imaged", "pending", "planned",
)  # fmt: skip
"""Cues before a local treatment that leave open what it was for, or whether it was given."""
_OF_THE_BRAIN = ("radiosurgery", "of_the_head")
"""The parts of words that show of what an MRI is."""
_LEADING = ("with", "of")
"""Words that lead from such a phrase to the drug it denies."""
_AUXILIARIES = ("did", "didn", "didnt", "does", "doesn", "doesnt")
"""What stands for a verb that was told before."""
_NUMERO = ("number", "nr", "num", "nummer")
_POSSIBLY = ("could", "might", "may")
_LONGEST_DOUBT = 5
"""Pieces from 'could be' to the finding it doubts, at most."""
_PROMPTS = ("q", "a")
"""What marks questions and answers."""
_WITH_DOWN = ("turn", "turns", "turned", "turning", "keep")
"""Verbs that 'down' belongs to, behind their drugs."""
_UNABLE = ("couldn", "couldnt", "cannot", "cant", "can", "could", "not", "never", "unable", "t")
"""What says before 'keep' that a patient was not able to."""
_LONGEST_OBJECT = 8
"""Pieces from such a verb to its 'down', at most."""
_TO_A_DRUG = 5
"""Pieces from 'failed to' to the drug it may lead to, at most: 'failed to the first line THP'."""
_SHORT_ANSWER = 2
"""Pieces before the 'no' that answers a heading, at least."""
_COMPARATOR = frozenset(("comparator",))
"""The part that words for the control arm of a trial play."""
_LONG = 8
"""Letters a word must have before it is taken for a mistyped word of weight."""
_SHORT_DENIALS = ("n", "0", "none", "nil")
"""How a finding is denied in a table or a list."""
_VALUES = frozenset(("<positive>", "<negative>"))
"""Groups of the words for what a receptor is."""
_ORDINAL_ENDINGS = frozenset(("st", "nd", "rd", "th"))
_RECEPTORS = {"re": "er", "ro": "er"}
"""Receptors by their letters in other languages: 'RE+ RP-', 'RO 80%'; else 're' is 'regarding'."""
_BY_ONE_LETTER = {"e": "er", "p": "pr", "h": "her2"}
"""Receptors by one letter, where each has its sign and they stand in this order: 'E+P-', 'E-/P+'."""
_TURNS = ("however", "though", "meanwhile", "nevertheless", "nonetheless")
"""Words that turn from what was told before, and may stand inside what they begin."""
_SUBJECTS = frozenset(("noun", "agents", "regimen"))
"""Kinds of what may be spoken of."""
_DOES: tuple[Cue, ...] = (
    "progression", "no_progression", "stable", "responding", "took_effect", "stopped", "completed",
)  # fmt: skip
"""Cues of what it may do."""
_ASKED_FIELDS = ("stage", "brain", "cns", "head", "setting")
"""Fields that are no finding by themselves, and are answered behind a question mark."""
_NUMBERED = ("q", "q1", "q2", "q3", "q4", "q5", "q6", "q7", "q8", "q9", "and", "the", "her")
"""What may stand before such a field."""
_CELLS = frozenset(("no", "none", "nil", "yes", "absent", "n", "y", "negative", "unknown"))
"""Cells of a table that answer the cell before them."""
_LONGEST_HEAD = 4
"""Tokens of the cell that heads a row, at most."""
_LED_BY = 6
"""Pieces before 'worse than' among which its subject stands, at most."""
_KINDS_PASSED = 3
"""Words of its kind before chemotherapy that a phrase passes over, at most: 'any further combination'."""
_ROMANCE_ENDINGS = frozenset(("a", "o", "e", "ª", "º"))
"""How ordinals end in Romance languages, which their speakers type in English, too: '1a line'."""
_LINE_WORDS = frozenset(("line", "linea", "linha", "ligne", "linie"))
_FAR = 30
"""Pieces before such an ordinal where another one may stand, at most."""


def scan(text: str, lexicon: Lexicon) -> list[Piece]:
    """The pieces of a text, in order, with their sentences and clauses."""
    tokens = tokens_of(text, lexicon.number_glued, lexicon.ordinary)
    _name_receptors(tokens)
    _read_cells(tokens, text)
    read_headings(tokens, text, lexicon, partial(_named, lexicon, tokens))
    if "?" in text:
        _read_asked_fields(tokens, text)
    pieces: list[Piece] = []
    at = 0
    count = len(tokens)
    headed = _headed_lines(tokens, text)
    while at < count:
        token = tokens[at]
        end, concepts = _longest(lexicon, tokens, at, headed)
        if end > at + 1 and _has_its_own_value(tokens, at, end, concepts, lexicon):
            end, concepts = _alone(tokens, at, lexicon)
        if end > at:
            pieces.append(_known(tokens, at, end, concepts, text, lexicon))
            at = end
        elif token.kind == "number":
            at = _number(tokens, at, pieces)
        else:
            word = token.kind == "word"
            pieces.append(_word(token, lexicon) if word else _sign(token))
            at += 1
            if pieces[-1].kind == "number":
                at = _add_units(pieces[-1], tokens, at, lexicon)
    typed = {piece.key for piece in pieces}
    pieces = _without_small_words(pieces, typed)
    pieces = _without_prompts(pieces, text)
    settle_short_names(pieces, text, lexicon)
    _name_the_oestrogen_receptor(pieces)
    _read_split_verbs(pieces)
    _read_denied_effects(pieces)
    if "be" in typed and not typed.isdisjoint(_POSSIBLY):
        _doubt_findings(pieces)
    _deny_drugs_behind(pieces, lexicon)
    if "on" in typed and ":" in typed:
        _date_results(pieces)
    _fail_under_drugs_behind(pieces, lexicon)
    if "further" in typed:
        _give_no_further(pieces)
    pieces = enumerated(pieces, text)
    _read_short_denials(pieces, lexicon)
    if "should" in typed:
        _read_conditions(pieces, text)
    _compare_drugs(pieces, typed)
    divide(pieces, text, lexicon)
    _place_scans_in_the_brain(pieces, lexicon)
    return pieces


def _name_the_oestrogen_receptor(pieces: list[Piece]) -> None:
    """'RE' is the oestrogen receptor where 'RP', the progesterone receptor, stands beside it: 'RE- RP-', 'RE/RP
    négatifs'; else it is 'regarding'."""
    for place, piece in enumerate(pieces):
        if piece.key == "rp" and piece.is_("noun", "pr"):
            for before in pieces[max(0, place - _BESIDE_RP) : place]:
                if before.key == "re" and not before.concepts:
                    before.kind = "known"
                    before.stand_for(Concept("noun", "er"))


def _compare_drugs(pieces: list[Piece], typed: set[str]) -> None:
    """Read 'worse' between two drugs, in the present, as what is said of drugs: 'is A worse than B in liver mets?'"""
    for place in range(1, len(pieces) - 2) if typed >= {"worse", "than"} else ():
        if pieces[place].key != "worse" or pieces[place + 1].key != "than" or not pieces[place].concepts:
            continue
        led = pieces[max(0, place - _LED_BY) : place]
        if pieces[place + 2].names_drugs_by_name() and any(
            piece.names_drugs_by_name() and any(each.key in ("is", "be", "are") for each in led) for piece in led
        ):
            pieces[place].kind = "silent"
            pieces[place].stand_for()


def _without_small_words(pieces: list[Piece], typed: set[str]) -> list[Piece]:
    """The pieces without words that stand between others and say nothing by themselves."""
    if "no" in typed and "." in typed:
        pieces = _without_numero(pieces)
    if not typed.isdisjoint(_NUMERO):
        pieces = _without_the_word_for_number(pieces)
    return pieces if typed.isdisjoint(_TURNS) else _without_turns(pieces)


def _without_numero(pieces: list[Piece]) -> list[Piece]:
    """Read 'no.' between a drug, or who gave it, and a number that ends what is said as the number's sign: 'T-DM1 no.
    12', 'from Dr no. 1'."""
    dropped: set[int] = set()
    for place in range(1, len(pieces) - 2):
        piece, dot, number = pieces[place : place + 3]
        if piece.key != "no" or piece.end - piece.start != len("no") or dot.key != "." or not dot.glued:
            continue
        before = pieces[place - 1]
        counted = before.names_drugs_by_name() or "cycles" in before.cues
        counted = counted or (place > 1 and pieces[place - 2].names_drugs_by_name())  # Kadcyla instalment no. 1
        ends = place + 3 == len(pieces) or pieces[place + 3].kind in ("sign", "silent", "word", "date")
        if number.kind == "number" and ends and (counted or "giver" in before.roles):
            number.kind, number.start = "cycles" if counted else "silent", piece.start
            dropped |= {place, place + 1}
    return [piece for place, piece in enumerate(pieces) if place not in dropped]


def _without_the_word_for_number(pieces: list[Piece]) -> list[Piece]:
    """Read 'number' between a drug, or 'cycle', and a number as the number's sign: 'Kadcyla number 20'."""
    dropped: set[int] = set()
    for place in range(1, len(pieces) - 1):
        piece, number, before = pieces[place], pieces[place + 1], pieces[place - 1]
        if piece.key in _NUMERO and number.kind == "number" and before.names_drugs_by_name():
            number.kind, number.start = "cycles", piece.start
            dropped.add(place)
    return [piece for place, piece in enumerate(pieces) if place not in dropped]


def _without_turns(pieces: list[Piece]) -> list[Piece]:
    """Leave out a 'however' between what is spoken of and what it does: it begins no clause of its own: 'The liver,
    however, progressed', 'T-DM1 though failed'."""
    kept: list[Piece] = []
    at = 0
    while at < len(pieces):
        commas = pieces[at].key == ","
        word, behind = at + commas, at + 1 + 2 * commas
        turns = (
            behind < len(pieces) and pieces[word].key in _TURNS and kept and not kept[-1].kinds.isdisjoint(_SUBJECTS)
        )
        if turns and pieces[behind - 1].key in (",", *_TURNS) and _begins_to_tell(kept, pieces[behind], commas=commas):
            at = behind
        else:
            kept.append(pieces[at])
            at += 1
    return kept


def _begins_to_tell(kept: list[Piece], verb: Piece, *, commas: bool) -> bool:
    """Whether a word may be what the subject before it does; without commas, that of a sentence that begins there."""
    if commas:
        return verb.cue(*_DOES) or "is" in verb.roles or "has_had" in verb.cues
    before = kept[-2] if len(kept) > 1 else None
    if before is not None and before.key == "the":
        before = kept[-3] if len(kept) > _SHORT_ANSWER else None
    opens = before is None or (before.kind == "sign" and before.key in ".;:!?")
    return opens and ((verb.cue(*_DOES) and not verb.key.endswith("ing")) or "is" in verb.roles)


def _name_receptors(tokens: list[Token]) -> None:
    """Call receptors by their names where letters stand for them that only beside a sign or a percentage do: 'RE- RP+',
    'RO 80%', 'E+P-', 'RE/RP positive'."""
    for place, token in enumerate(tokens):
        if token.key == "e":
            _name_by_one_letter(tokens, place)
        elif token.key in _RECEPTORS and (_is_valued(tokens, place) or _is_paired(tokens, place)):
            tokens[place] = token._replace(key=_RECEPTORS[token.key])


def _read_cells(tokens: list[Token], text: str) -> None:
    """Read the bar before a cell that is only a yes or no as a colon: '| ILD | no |'."""
    for place in range(1, len(tokens) - 1):
        if tokens[place].key != "|" or tokens[place + 1].key not in _CELLS or tokens[place - 1].kind == "sign":
            continue
        behind = tokens[place + 2] if place + 2 < len(tokens) else None
        ends = behind is None or behind.key == "|" or "\n" in text[tokens[place + 1].end : behind.start]
        if ends:
            tokens[place] = tokens[place]._replace(key=":")
    if "\n" in text and ("|" in text or " - " in text):
        _read_rows_of_two(tokens, text)


def _read_rows_of_two(tokens: list[Token], text: str) -> None:
    """Read the only bar of a row as a colon where other rows have one, too: 'Plan | T-DXd'; and the dash behind the
    head of each row: 'Plan - T-DXd'."""
    rows: list[list[int]] = [[]]
    for place, token in enumerate(tokens):
        if place and "\n" in text[tokens[place - 1].end : token.start]:
            rows.append([])
        rows[-1].append(place)
    bars: list[int] = []
    for row in rows:
        inner = row[1:] if tokens[row[0]].key == "|" else row
        inner = inner[:-1] if inner and tokens[inner[-1]].key == "|" else inner
        between = [at for at in inner if tokens[at].key == "|"]
        if len(between) == 1 and 0 < between[0] - inner[0] <= _LONGEST_HEAD and between[0] < inner[-1]:
            bars.append(between[0])
    dashes = [_dash_behind_a_head(tokens, row) for row in rows]
    if len(rows) > _SHORT_ANSWER and None not in dashes:
        bars += [at for at in dashes if at is not None]
    if len(bars) > 1:
        for at in bars:
            tokens[at] = tokens[at]._replace(key=":")


def _dash_behind_a_head(tokens: list[Token], row: list[int]) -> int | None:
    """Where a dash with blanks around it stands behind the first words of a row."""
    for at in row[1 : min(len(row) - 1, _LONGEST_HEAD + 1)]:
        if tokens[at].key == "-" and not tokens[at].glued and not tokens[at + 1].glued:
            return at
    return None


def _read_asked_fields(tokens: list[Token], text: str) -> None:
    """Read the question mark behind a field that is named and answered as a colon: 'Stage? IV', 'Brain? no mets'."""
    for place in range(1, len(tokens) - 1):
        if tokens[place].key != "?" or tokens[place - 1].key not in _ASKED_FIELDS:
            continue
        first = place - 1
        while first > 0 and tokens[first - 1].kind != "sign" and place - first <= _SHORT_ANSWER:
            first -= 1
        if any(token.kind != "number" and token.key not in _NUMBERED for token in tokens[first : place - 1]):
            continue
        following = tokens[place + 1]
        if following.kind != "sign" and "\n" not in text[tokens[place].end : following.start]:
            tokens[place] = tokens[place]._replace(key=":")


def _name_by_one_letter(tokens: list[Token], place: int) -> None:
    """E and P, and H behind them, each with its sign."""
    named: dict[int, str] = {}
    for letter, name in _BY_ONE_LETTER.items():
        at = place + (bool(named) and place < len(tokens) and tokens[place].key in "/,")
        if at >= len(tokens) or tokens[at].key != letter or not _is_signed(tokens, at):
            break
        named[at] = name
        place = at + 2
    if len(named) > 1:
        for at, name in named.items():
            tokens[at] = tokens[at]._replace(key=name)


def _is_signed(tokens: list[Token], place: int) -> bool:
    """Whether a plus or minus is glued to a word, and belongs to it: not in 'P+H', 'e-mail'."""
    if place + 1 >= len(tokens) or tokens[place + 1].key not in ("+", "-") or not tokens[place + 1].glued:
        return False
    following = tokens[place + 2] if place + 2 < len(tokens) else None
    if following is None or not following.glued or following.kind == "sign":
        return True
    return place + 3 < len(tokens) and tokens[place + 3].key in ("+", "-") and tokens[place + 3].glued


def _is_valued(tokens: list[Token], place: int) -> bool:
    """Whether a sign or a percentage stands behind a word: 'RE+', 'RO -', 'RE: 90%', 'RP 0'."""
    if _is_signed(tokens, place):
        return True
    ahead = tokens[place + 1 : place + 4]
    ahead = ahead[1:] if ahead and ahead[0].key == ":" else ahead
    if ahead and ahead[0].kind == "number":
        return ahead[0].key == "0" or (len(ahead) > 1 and ahead[1].key == "%")
    ends = len(ahead) == 1 or (len(ahead) > 1 and ahead[1].kind == "sign")
    return bool(ahead) and ahead[0].key in ("+", "-") and ends


def _is_paired(tokens: list[Token], place: int) -> bool:
    """Whether the other receptor stands beside one, behind a stroke: 'RE/RP'."""
    for stroke, other in ((place + 1, place + 2), (place - 1, place - 2)):
        if 0 <= other < len(tokens) and tokens[stroke].key == "/" and tokens[other].key in ("re", "ro", "rp", "er"):
            return True
    return False


def _read_short_denials(pieces: list[Piece], lexicon: Lexicon) -> None:
    """Read 'n' and '0' behind a finding as 'no', and the comma before a 'none' as a colon: 'ILD: N', 'LMD = 0', 'brain
    mets, none'."""
    for place in range(1, len(pieces)):
        piece = pieces[place]
        if piece.key not in _SHORT_DENIALS or piece.end - piece.start != len(piece.key):
            continue  # not 'N/A'
        if not _ends_what_is_told(pieces, place):
            continue
        sign = pieces[place - 1]
        named = place - 2 if sign.kind == "sign" and sign.key in ":=,?" else place - 1
        answers = piece.key == "n" and sign.key in ":=?" and named >= 0 and _may_be_denied(pieces[named])
        if named < 0 or not (answers or _is_a_finding(pieces[named])):
            continue
        if piece.key in ("n", "0"):
            if sign.key == "," or (piece.key == "0" and named == place - 1):
                continue
            denial: tuple[Concept, ...] = lexicon.root.get("no", {}).get("", ())
            piece.kind, piece.key, piece.value = "known", "no", None
            piece.stand_for(*denial)
        elif sign.key == "," and (named == 0 or pieces[named - 1].kind == "sign"):
            sign.key = ":"


def _is_a_finding(piece: Piece) -> bool:
    """Whether a piece names what may be there or not: ILD, brain metastases; not the heart, which has a value."""
    return "find" in piece.kinds or piece.is_("noun", "brain_mets", "breathlessness") or piece.is_("say", "red_flags")


def _may_be_denied(piece: Piece) -> bool:
    """Whether 'n' behind a colon can only be a 'no' of what a piece names: 'prior T-DXd: n', 'T-DXd access: N'."""
    return piece.names_drugs_by_name() or piece.is_("noun", "brain") or "access" in piece.cues


def _ends_what_is_told(pieces: list[Piece], place: int) -> bool:
    following = pieces[place + 1] if place + 1 < len(pieces) else None
    return following is None or (following.kind == "sign" and following.key in ",;.|)")


def _read_conditions(pieces: list[Piece], text: str) -> None:
    """'Should it fail', 'should she progress' begins a condition, as 'if' does; 'should she switch?' is a question."""
    for place, piece in enumerate(pieces[:-1]):
        if piece.key != "should" or "?" in text[piece.start :].split(".", 1)[0]:
            continue
        if any(behind.cue("progression", "toxicity") for behind in pieces[place + 1 : place + 4]):
            piece.stand_for()
            piece.kind = "silent"
            piece.roles |= {"if", "clausal"}


def _place_scans_in_the_brain(pieces: list[Piece], lexicon: Lexicon) -> None:
    """An MRI that is told with radiosurgery or headaches, and with no other organ, is of the brain: 'MRI: one lesion,
    SRS', 'headaches, MRI booked'; so is one in a later sentence, where the brain is the last organ told before it, and
    radiosurgery itself: 'gamma knife in June; MRI in October: one new'."""
    nouns = [piece for piece in pieces if "noun" in piece.kinds]
    if not any(piece.is_("noun", "imaging") for piece in nouns) and not any(
        "radiosurgery" in piece.roles for piece in pieces if piece.roles
    ):
        return
    placed = {piece.sentence: piece for piece in nouns if piece.is_("noun", *_PLACES)}
    of_the_head = {piece.sentence for piece in pieces if not piece.roles.isdisjoint(_OF_THE_BRAIN)} - placed.keys()
    if not placed and not of_the_head:
        return
    named = any(piece.is_("noun", *_IN_THE_BRAIN) for piece in placed.values())
    last_in_the_brain = False
    for place, piece in enumerate(pieces):
        if piece.sentence in placed:
            last_in_the_brain = placed[piece.sentence].is_("noun", *_IN_THE_BRAIN)
        elif "radiosurgery" in piece.roles:
            last_in_the_brain = True
            told = not named or _opens_with_what_was_done(pieces, place)
            if piece.key in _ONLY_OF_THE_BRAIN and told and not _is_after_growth(pieces, place):
                piece.stand_for(*piece.concepts, Concept("noun", "brain"))
        elif not (last_in_the_brain or piece.sentence in of_the_head):
            continue
        elif piece.is_("noun", "imaging") and _is_magnetic(piece, lexicon) and not _is_of_the_breast(pieces, place):
            piece.stand_for(Concept("noun", "brain_imaging"))


def _is_after_growth(pieces: list[Piece], place: int) -> bool:
    """Whether a sentence tells of growth before a local treatment, or that this was not given: 'growing, SRS done',
    'has not had SRS'."""
    at = place - 1
    while at >= 0 and pieces[at].sentence == pieces[place].sentence:
        if pieces[at].cue(*_BEFORE_TREATMENT):
            return not (pieces[at].cue("planned", "pending") and _names_metastases(pieces, place))
        at -= 1
    return False


def _opens_with_what_was_done(pieces: list[Piece], place: int) -> bool:
    """Whether a sentence only tells that, or when, a local treatment was done: 'SRS given 3 weeks ago'."""
    if place and pieces[place - 1].sentence == pieces[place].sentence:
        return False
    behind = pieces[place + 1 : place + 1 + _BESIDE_RP]
    own = [piece for piece in behind if piece.sentence == pieces[place].sentence]
    done = bool(own) and own[0].key in ("given", "done", "completed", "finished", "in", "on", "last", "received")
    return done and not any(piece.asked or piece.key in ("vs", "or", "was", "for") for piece in own)


def _names_metastases(pieces: list[Piece], place: int) -> bool:
    """Whether what a local treatment is for is told behind it: 'starts SRS tomorrow for 2 mets'."""
    behind = pieces[place + 1 : place + _BESIDE_RP]
    return any(piece.is_("say", "setting") and piece.sentence == pieces[place].sentence for piece in behind)


def _is_of_the_breast(pieces: list[Piece], place: int) -> bool:
    return any(piece.key in ("breast", "mammary") for piece in pieces[max(0, place - 1) : place + 3])


def _date_results(pieces: list[Piece]) -> None:
    """A day behind which the result stands is past, and nothing is pending: 'echo on Monday: normal'."""
    for place, piece in enumerate(pieces[1:-2], 1):
        if piece.key == "on" and "pending" in piece.cues and pieces[place + 1].key == ":":
            piece.stand_for()
            piece.kind = "silent"


def _is_magnetic(piece: Piece, lexicon: Lexicon) -> bool:
    return "<magnetic>" in lexicon.groups.get(piece.key, ())


def _deny_drugs_behind(pieces: list[Piece], lexicon: Lexicon) -> None:
    """'No adjuvant', 'no prior treatment with' deny only the drug right behind them, and not all treatment."""
    for place, piece in enumerate(pieces):
        if piece.kind == "sign":
            continue
        if piece.key == "no" and piece.end - piece.start == len("no") and _answers_for_early_treatment(pieces, place):
            piece.stand_for(Concept("say", "early_stage_agents", "none"))
        if "say" not in piece.kinds or not piece.is_("say", *_DENIED_AS_A_WHOLE) or place + 1 >= len(pieces):
            continue
        following = pieces[place + 1]
        if following.key in _LEADING and place + 2 < len(pieces):
            following = pieces[place + 2]
        denial: tuple[Concept, ...] = lexicon.root.get(piece.key, {}).get("", ())
        if following.names_drugs_by_name() and any(concept.name in ("negation", "declined") for concept in denial):
            stage = (Concept("cue", "early"),) if piece.is_("say", "early_stage_agents") else ()
            piece.stand_for(*denial, *stage)


def _fail_under_drugs_behind(pieces: list[Piece], lexicon: Lexicon) -> None:
    """'Failed to' right before a drug is no verb's beginning: 'she failed to THP and T-DM1' as 'failed THP'."""
    for place, piece in enumerate(pieces):
        if "failed_to" not in piece.cues:
            continue
        ahead = pieces[place + 1 : place + _TO_A_DRUG]
        leads = (each.key == "the" or each.value is not None or each.cue("line_word", "early") for each in ahead)
        led_to = next((each for each, leading in zip(ahead, leads, strict=True) if not leading), None)
        if led_to is not None and led_to.names_drugs_by_name():
            piece.stand_for(*lexicon.root.get(piece.key, {}).get("", ()))


def _give_no_further(pieces: list[Piece]) -> None:
    """'No further' right before a drug tells that it was given no more: 'no further docetaxel after #4'."""
    for place, piece in enumerate(pieces[:-2]):
        plain = piece.key == "no" and piece.end - piece.start == len("no")
        if plain and pieces[place + 1].key == "further" and pieces[place + 2].names_drugs_by_name():
            piece.stand_for(Concept("cue", "stopped"))


def _answers_for_early_treatment(pieces: list[Piece], place: int) -> bool:
    """Whether a plain 'no' answers if treatment was given around surgery: 'Adjuvant? No.', 'neoadjuvant: no'."""
    alone = place + 1 == len(pieces) or pieces[place + 1].kind == "sign"
    if not alone or place < _SHORT_ANSWER or pieces[place - 1].key not in (":", "?"):
        return False
    heading = place - 2 - (pieces[place - 2].kind == "silent")
    if heading < 0 or pieces[heading].key not in ("adjuvant", "neoadjuvant", "adj", "neoadj"):
        return False
    if heading and pieces[heading - 1].kind != "sign":
        return False
    pieces[heading].stand_for()
    return True


def _without_prompts(pieces: list[Piece], text: str) -> list[Piece]:
    """The pieces without the marks of questions and answers that lines begin with: 'Q: HR? neg', 'A: ER+'."""
    prompts = {
        place
        for place, piece in enumerate(pieces[:-1])
        if piece.key in _PROMPTS
        and pieces[place + 1].key == ":"
        and (place == 0 or "\n" in text[pieces[place - 1].end : piece.start])
    }
    numbered = _numbered_prompts(pieces)
    if not numbered and not any(pieces[place].key == "q" for place in prompts):
        return pieces
    marks = {place + 1 for place in prompts}
    marks |= {place + 1 for place in numbered if pieces[place + 1].key in (":", ".", ")")}
    return [piece for place, piece in enumerate(pieces) if place not in prompts | numbered | marks]


def _numbered_prompts(pieces: list[Piece]) -> set[int]:
    """Where sentences begin with the number of a question, counted from the first: 'Q1 HER2? 3+. Q2 ER? neg.'"""
    found: set[int] = set()
    for place, piece in enumerate(pieces[:-1]):
        opens = place == 0 or pieces[place - 1].key in (".", "?", ";", ",", ")") or pieces[place - 1].kind != "sign"
        if piece.key == f"q{len(found) + 1}" and opens and pieces[place + 1].kind != "number":
            found.add(place)
    return found if len(found) > 1 else set()


def _read_split_verbs(pieces: list[Piece]) -> None:
    """Verbs that a drug parts from their 'down': 'she turned tucatinib down', 'could not keep the Xeloda down'."""
    for place, piece in enumerate(pieces):
        if piece.key not in _WITH_DOWN or (down := _down_behind_drugs(pieces, place)) is None:
            continue
        refused = piece.key[0] == "t"
        before = [each for each in pieces[max(0, place - 4) : place] if each.key in _UNABLE]
        if not refused and not before:
            continue  # kept capecitabine down to 2 g
        piece.kind = "known"
        piece.stand_for(Concept("cue", "declined" if refused else "toxicity"))
        for silent in (pieces[down], *(() if refused else before)):
            silent.kind = "silent"
            silent.stand_for()


def _read_denied_effects(pieces: list[Piece]) -> None:
    """A denial that ends what is told of a drug says that it did not do what the one before it did: 'THP helped,
    Kadcyla did not'."""
    for place, piece in enumerate(pieces):
        if "negation" not in piece.cues or (place + 1 < len(pieces) and pieces[place + 1].kind != "sign"):
            continue
        verb = place - 1 if piece.key == "not" else place
        if verb < 1 or pieces[verb].key not in _AUXILIARIES or not pieces[verb - 1].names_drugs_by_name():
            continue
        before = pieces[max(0, verb - 1 - _LONGEST_OBJECT) : verb - 1]
        if any(each.cue("took_effect", "had_effect", "responding") for each in before):
            piece.stand_for(Concept("cue", "progression"))


def _doubt_findings(pieces: list[Piece]) -> None:
    """'Could be', 'might be' before a finding leaves it open: 'could be leptomeningeal', 'this might be ILD'."""
    for place, piece in enumerate(pieces[:-2]):
        if piece.key not in _POSSIBLY or pieces[place + 1].key != "be":
            continue
        at = place + 2
        while at < min(len(pieces) - 1, place + _LONGEST_DOUBT) and (
            pieces[at].kind == "silent" or pieces[at].key in ("new", "early")
        ):
            at += 1
        if pieces[at].is_("find") or pieces[at].is_("noun", "brain_mets"):
            piece.kind = "known"
            piece.stand_for(Concept("cue", "uncertain"))


def _down_behind_drugs(pieces: list[Piece], place: int) -> int | None:
    """Where 'down' stands right behind the drugs that follow a verb."""
    named = False
    for at in range(place + 1, min(len(pieces), place + _LONGEST_OBJECT)):
        piece = pieces[at]
        if piece.key == "down":
            return at if named and piece.end - piece.start == len("down") else None
        if piece.names_drugs_by_name() or piece.kind == "fuzzy":
            named = True
        elif piece.kind != "silent" and piece.key not in ("-", "/", "+", "and", "&"):
            return None
    return None


def _sign(token: Token) -> Piece:
    return Piece("sign", token.start, token.end, token.key, glued=token.glued)


def _known(tokens: list[Token], at: int, end: int, concepts: tuple[Concept, ...], text: str, lexicon: Lexicon) -> Piece:
    token = tokens[at]
    single = end == at + 1
    cues, kinds = cues_and_kinds(concepts)
    return Piece(
        "known",
        token.start,
        tokens[end - 1].end,
        token.key,
        concepts,
        value=lexicon.ordinals.get(token.key) if single else None,
        glued=token.glued,
        low=single and text[token.start].islower(),
        roles=lexicon.roles.get(token.key, NO_ROLES) if single else _COMPARATOR if "control_arm" in cues else NO_ROLES,
        cues=cues,
        kinds=kinds,
    )


# ---- phrases, words, numbers -----------------------------------------------------------------------------------------


def _headed_lines(tokens: list[Token], text: str) -> frozenset[int]:
    """Where lines begin that have a heading, as in a table: no phrase goes on into them ('ILD: no', 'LVEF: 64')."""
    if "\n" not in text:
        return frozenset()
    found = set()
    for at in range(1, len(tokens)):
        opens = not tokens[at].glued and "\n" in text[tokens[at - 1].end : tokens[at].start]
        if opens and any(token.key in ":=" for token in tokens[at + 1 : at + _HEADING]):
            found.add(at)
    return frozenset(found)


def _longest(lexicon: Lexicon, tokens: list[Token], at: int, headed: frozenset[int]) -> tuple[int, tuple[Concept, ...]]:
    """Where the longest phrase that begins here ends, and what it stands for; `at` where none does."""
    best, concepts = at, ()
    key, here = tokens[at].key, at + 1
    stack: list[tuple[Node, int, bool]] = []
    if (root := lexicon.root.get(key)) is not None:
        stack.append((root, here, False))
    for opened in lexicon.opened.get(key, ()):
        stack.append((opened, here, False))
    groups, fillers, count = lexicon.groups, lexicon.fillers, len(tokens)
    while stack:
        node, here, skipping = stack.pop()
        found = None if skipping or here < best else node.get("")
        if found is not None and not (here < count and tokens[here].glued and _parts_an_ordinal(tokens, here)):
            concepts = found if here > best else (*concepts, *(one for one in found if one not in concepts))
            best = here
            if len(node) == 1:  # no phrase is longer
                continue
        if here >= count or here in headed:
            continue
        key = tokens[here].key
        if (longer := node.get(key)) is not None:
            stack.append((longer, here + 1, False))
        of_groups = groups.get(key, ())
        for group in of_groups:
            if group in node:
                stack.append((node[group], here + 1, False))
        skipped = key in fillers or (key in ("-", "'") and (tokens[here].glued or _glues(tokens, here)))
        skipped = skipped or ("<which_chemo>" in of_groups and _says_which_chemo(lexicon, tokens, here))
        if skipped and here + 1 < count and here - at < 12:
            stack.append((node, here + 1, True))
    return best, concepts


def _named(lexicon: Lexicon, tokens: list[Token], at: int) -> tuple[int, bool]:
    """Where the longest phrase at a place ends, and whether it names a drug."""
    end, concepts = _longest(lexicon, tokens, at, frozenset())
    return end, names_a_drug(concepts)


def _says_which_chemo(lexicon: Lexicon, tokens: list[Token], here: int) -> bool:
    """Whether a word only says which chemotherapy is meant: 'unfit for combination chemo', 'no further IV chemo'."""
    groups = lexicon.groups
    for token in tokens[here : here + 2 * _KINDS_PASSED]:
        found = groups.get(token.key, ())
        if "<chemo>" in found and token is not tokens[here]:  # 'cytotoxic' is of both groups: 'cytotoxic chemotherapy'
            return True
        if "<which_chemo>" not in found and token.key != "-":
            return False
    return False


def _has_its_own_value(tokens: list[Token], at: int, end: int, concepts: tuple[Concept, ...], lexicon: Lexicon) -> bool:
    """Whether a value before a receptor is of what stands before it, as the receptor's own follows: 'PR neg ER pos'."""
    if end >= len(tokens) or not at or not any(concept.name == "hr_status" for concept in concepts):
        return False
    if tokens[at - 1].kind == "sign" and tokens[at - 1].key not in ")%":
        return False
    if not _VALUES.intersection(lexicon.groups.get(tokens[at].key, ())):
        return False
    following = tokens[end]
    if following.key == "-":
        return following.glued and not (end + 1 < len(tokens) and tokens[end + 1].glued)
    percentage = following.kind == "number" and (following.key == "0" or _is_per_cent(tokens, end))
    return percentage or following.key == "+" or bool(_VALUES.intersection(lexicon.groups.get(following.key, ())))


def _is_per_cent(tokens: list[Token], at: int) -> bool:
    return at + 1 < len(tokens) and tokens[at + 1].key == "%"


def _alone(tokens: list[Token], at: int, lexicon: Lexicon) -> tuple[int, tuple[Concept, ...]]:
    """What a token stands for by itself, and where it ends; `at` where it is no phrase."""
    concepts: tuple[Concept, ...] = lexicon.root.get(tokens[at].key, {}).get("", ())
    return (at + 1 if concepts else at), concepts


def _parts_an_ordinal(tokens: list[Token], here: int) -> bool:
    """Whether the ending of an ordinal, glued to it, would be left over: 'her 2nd line', 'her 2L' hold no
    HER2."""
    return (tokens[here].key in _ORDINAL_ENDINGS or tokens[here].key == "l") and tokens[here - 1].kind == "number"


def _glues(tokens: list[Token], at: int) -> bool:
    return at + 1 < len(tokens) and tokens[at + 1].glued


def _word(token: Token, lexicon: Lexicon) -> Piece:
    key = token.key
    piece = Piece("word", token.start, token.end, key, glued=token.glued, roles=lexicon.roles.get(key, NO_ROLES))
    piece.value = lexicon.ordinals.get(key)
    if key in lexicon.numbers:
        piece.kind, piece.value = "number", float(lexicon.numbers[key])
    elif key.endswith("s") and len(lexicon.names.get(key[:-1], ())) == 1:  # eighteen Taxols
        piece.kind, piece.key = "known", key[:-1]
        piece.stand_for(*lexicon.root.get(key[:-1], {}).get("", ()))
    elif key in lexicon.silent:
        piece.kind = "silent"
    elif len(key) >= SHORTEST and key not in lexicon.ordinary and (readings := near(key, lexicon)):
        piece.kind, piece.value = "fuzzy", readings
    elif len(key) >= _LONG and key not in lexicon.ordinary and (meant := _mistyped(key, lexicon)):
        piece.roles = lexicon.roles.get(meant, NO_ROLES)
        if concepts := lexicon.root.get(meant, {}).get("", ()):  # else it only means something beside other words
            piece.kind = "known"
            piece.stand_for(*concepts)
    elif key.endswith(lexicon.toxicity_endings):
        piece.roles |= {"toxicity_word"}
    return piece


def _add_units(tens: Piece, tokens: list[Token], at: int, lexicon: Lexicon) -> int:
    """Add the units that are typed behind tens to these: 'fifty-two'. Returns where to go on."""
    if tens.value not in _TENS:
        return at
    last = at + (at < len(tokens) and tokens[at].key == "-")
    units = lexicon.numbers.get(tokens[last].key, 0) if last < len(tokens) else 0
    if not 0 < units < _TENS.step:
        return at
    tens.value, tens.end = tens.value + units, tokens[last].end
    return last + 1


def _mistyped(word: str, lexicon: Lexicon) -> str | None:
    """The word of weight that one wrong letter makes of another: 'progresed'."""
    return next((meant for meant in lexicon.often_mistyped if is_one_edit_from(word, meant)), None)


def near(word: str, lexicon: Lexicon) -> tuple[tuple[str, ...], ...]:
    """The drugs a misspelt word may mean, those of all names that are equally near."""
    lengths = range(len(word) - edits(word), len(word) + edits(word) + 1)
    names, _ = nearest(word, (name for length in lengths for name in lexicon.by_length.get(length, ())))
    if not names:
        names = tuple(name for name in lexicon.by_length.get(len(word), ()) if sounds_like(word, name))
    return tuple(dict.fromkeys(agents for name in names for agents in lexicon.names[name]))


def number_of(raw: str) -> float:
    """A number as typed: 0.58, 0,58, 80,000, 80.000."""
    parts = raw.replace(",", ".").split(".")
    if len(parts) > 1 and all(len(part) == 3 for part in parts[1:]) and parts[0] not in ("", "0"):
        return float("".join(parts))
    return float(parts[0] + "." + "".join(parts[1:])) if len(parts) > 1 else float(raw)


def _counts_a_line(tokens: list[Token], ending: int, pieces: list[Piece]) -> bool:
    """Whether a letter behind a number is an ordinal's: '1a line', and, behind such a one, '2a T-DXd'."""
    named = ending + 1 < len(tokens) and tokens[ending + 1].key in _LINE_WORDS
    return named or any(piece.kind == "ordinal" for piece in pieces[-_FAR:])


def _number(tokens: list[Token], at: int, pieces: list[Piece]) -> int:
    """A number with what belongs to it: an ordinal's ending, a thousand. Returns where to go on."""
    token = tokens[at]
    value = number_of(token.key) if len(token.key) < 16 else 0.0
    end = at + 1
    if end < len(tokens):
        following = tokens[end]
        if following.kind == "number" and len(following.key) == 3 and len(token.key) <= 3 and following.key == "000":
            value, end = value * 1000, end + 1
        elif following.glued and (
            following.key in _ORDINAL_ENDINGS
            or (following.key in _ROMANCE_ENDINGS and _counts_a_line(tokens, end, pieces))
        ):
            pieces.append(Piece("ordinal", token.start, following.end, token.key, value=value, glued=token.glued))
            return end + 1
    pieces.append(Piece("number", token.start, tokens[end - 1].end, token.key, value=value, glued=token.glued))
    return end
