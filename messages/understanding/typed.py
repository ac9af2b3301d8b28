"""Typed words to the turn they mean: a command, an answer to the open question, or everything that is stated.

Nothing is guessed: words that name no option are `Unclear`, with what they may have meant where a word is one or two
letters away from one. The text itself goes no further than this module; the words a field was understood from are
handed on to be shown, and are kept nowhere but in memory.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import dropwhile
from typing import Any, NamedTuple

from rapidfuzz.distance import OSA

from flows.dialogue import FINALS, argument_of
from flows.explanation.changes import MODIFIABLE, TO_LOOK_AT
from flows.knowledge.load import KnowledgeError
from flows.plain_yaml import read_yaml
from flows.profile import FIELDS, MOST_LINES, Item, Line, Profile, asked_as
from flows.questionnaire import (
    ACCEPT,
    ITEMS,
    LINE_SHORTCUTS,
    NONE,
    PARTLY,
    QUESTIONS,
    UNDERSTOOD,
    Lines,
    options_now,
    value_of_several,
)
from flows.statement import (
    EARLY,
    MOST_CHOICES,
    Choice,
    NotAStatement,
    Statement,
    check,
    encode,
    gate_of,
    lines_with,
    question_of,
)
from flows.turns import COMMANDS, Answer, Command, State, Turn, Unclear, Understood
from flows.when import NOT_KNOWN
from messages.understanding.at_question import understand, without_denied
from messages.understanding.hedges import (
    implies_some,
    is_contradicted,
    is_hedged,
    is_no_emergency,
    is_of_something_else,
)
from messages.understanding.identifiers import holds_identifier
from messages.understanding.interval import EDGES
from messages.understanding.lexicon import FOLDER, lexicon
from messages.understanding.near import SHORTEST, nearest
from messages.understanding.roles import Roles, role_of, roles_in
from messages.understanding.understand import LONGEST, Ambiguity, Understanding
from messages.words import Words

_MONTHS = re.compile(
    r"(?:~\s*|ca\.? |circa |about |around |approx\.? |approximately |some )?"
    r"(?:(?P<over>>\s*|(?:(?:just |well )?over|(?:more|longer) than) (?:a )?)"
    r"|<\s*|(?:just under|under|less than) (?:a )?)?"
    r"(?P<number>\d{1,3}|[a-z]+(?=[ .]|$))\s*(?P<unit>m|mo|mos|mths?|months?|y|yrs?|years?)?\.?(?: ago)?",
    re.IGNORECASE,
)
_YEARS_AND_MONTHS = re.compile(
    r"(\d{1,2}) ?(?:y|yrs?|years?),? ?(?:and )?(\d{1,2}) ?(?:m|mo|mths?|months?)", re.IGNORECASE
)
_PER_YEAR = 12
_SEPARATORS = re.compile(r"\s*(?:[,;+&/\n]|\band\b)\s*", re.IGNORECASE)
_BEHIND_AN_ANSWER = re.compile(r",|[.;] ")
_PARTS = re.compile(r"[,;:.\n]|\bbut\b", re.IGNORECASE)
_LINES = ("prior_lines", "line_agents", "line_outcome")
_MOST_READINGS = 6
_DOUBT = re.compile(
    r"\?|\b(?:not|no|unsure|maybe|perhaps|possibly|was|previously|formerly|now|covered|if)\b", re.IGNORECASE
)
_NOT_LOOKED_FOR = re.compile(
    r"\b(?:not|never|no|without) (?:yet )?(?:been )?"
    r"(?:imaged|imaging|scanned|scan|mri|ct|looked|excluded|ruled out|checked|known)\b",
    re.IGNORECASE,
)
_CLAUSES = re.compile(r"[,;.\n]")
_MAY_BE_AN_EMERGENCY = ("present", "reduced", "low", "symptomatic")
"""Values beside which nobody has said that there is no emergency: 'none, LVEF 25'."""
_SOME_BRAIN = ("stable", "active")
"""What 'none symptomatic' may mean of brain metastases."""
_NO_FINDING = frozenset(("lvef", "platelets"))
"""Lines of the checklist whose name by itself says nothing: not the answer to all of it."""
_NOT_EXCLUDED = {
    "brain_metastases": {NONE: (NONE, "not_imaged")},
    "leptomeningeal": {"absent": ("absent", NOT_KNOWN)},
}
"""Answers that say a thing is not there, and what they may mean where the same text says that nobody looked."""
_NEVER_IN_PASSING = ("gate", "red_flags", "safety")
"""Questions whose answer is not taken from a part of a text while the rest of it is not understood (S4)."""
_DOUBT_ITSELF = "her2_unknown"
"""The answer to the gate that doubt itself gives: 'HER2 not known yet'."""
_UNKNOWN_WHAT = re.compile(r"([a-z ]{2,20}?) (?:when|what|which|whether|if|how|why)\b")
"""How a text begins that says what is not known."""
_LONGEST_COMMAND = 80
"""Signs of a text that asks for a command in words, at most."""
_OF_A_PLACE_OF_WORK = {"setting", "region"}
"""What may be said with a role: 'nurse for metastatic breast patients', 'oncologist (NHS)'."""
_QUESTIONS = ("dosing", "symptom", "other_question")
_OUTSIDE = (*_QUESTIONS, "not_professional")
_GATES = ("other_tumour", "under_18")
_IN_SCOPE = "in_scope"


@dataclass(frozen=True)
class Typed:
    """The words of one text, to be shown beside what they were understood as. Never stored, never logged."""

    sources: Mapping[str, tuple[Any, str]] = field(default_factory=dict, repr=False)
    """Field to the value understood, and the words."""
    choices: Mapping[tuple[str, ...], str] = field(default_factory=dict, repr=False)
    """The readings of an ambiguity to its words."""
    leftover: tuple[str, ...] = field(default=(), repr=False)
    denied: tuple[str, ...] = ()
    focus: tuple[str, ...] = ()
    follows: frozenset[str] = frozenset()
    """Fields that were not stated but follow from the treatment: their words are the drugs'."""
    outside: str = ""
    """Why part of the text is nothing this tool answers, beside what was understood: `dosing`."""
    earlier: Typed | None = field(default=None, repr=False)
    """The words before the last text, as long as that can be discarded or taken back."""

    def after(self, later: Typed, *, unconfirmed: bool = False) -> Typed:
        """These words, and those of a later text. `unconfirmed`: whether the last text still waits; both then do."""
        follows = {name: words for name, words in later.sources.items() if name in later.follows}
        return Typed(
            follows
            | dict(self.sources)
            | {name: later.sources[name] for name in later.sources.keys() - follows.keys()},
            {**self.choices, **later.choices},
            (*self.leftover, *later.leftover) if unconfirmed else later.leftover,
            (*self.denied, *later.denied) if unconfirmed else later.denied,
            (*self.focus, *later.focus) if unconfirmed else later.focus,
            self.follows | later.follows,
            later.outside or (self.outside if unconfirmed else ""),
            self.earlier if unconfirmed else replace(self, earlier=None),
        )

    def words(self, name: str, value: Any) -> str:
        """The words a field's value was understood from; empty where it was not typed, or was changed since."""
        known = self.sources.get(name)
        return known[1] if known is not None and _same(known[0], value) else ""


def _same(one: Any, other: Any) -> bool:
    """Whether two values are the same answer: in a list in any order; of lines the agents, whose words these are."""
    if not isinstance(one, tuple) or not isinstance(other, tuple):
        return bool(one == other)
    if any(isinstance(entry, Line) for entry in (*one, *other)):
        last = other[-len(one) :]  # lines may have been added to those entered, and agents chosen for them
        return len(last) == len(one) and all(set(a.agents) <= set(b.agents) for a, b in zip(one, last, strict=True))
    return set(one) == set(other)


def words_after(known: Typed | None, new: Typed | None, before: State, after: State) -> Typed | None:
    """The words to keep in memory after a turn: with those just typed, without those discarded or taken back."""
    if new is not None:
        return (known or Typed()).after(new, unconfirmed=before.statement is not None)
    discarded = before.statement is not None and after.statement is None and after.before is before.before
    taken_back = before.before is not None and after.before is None and after.answers == before.before
    if known is not None and (discarded or taken_back):
        return known.earlier
    return known


class Reading(NamedTuple):
    """What a typed text was read as: the turn, and its words where there are any to show."""

    turn: Turn
    typed: Typed | None = None


def turn_of(text: str, state: State, words: Words) -> Turn:
    """The turn a typed text means at the question the conversation stands at."""
    return read(text, state, words).turn


def read(text: str, state: State, words: Words) -> Reading:
    """What a typed text means at the question the conversation stands at, with its words."""
    said = re.sub(r"[^\S\n]{2,}", " ", text.strip())  # long runs of blanks would be gone over again and again
    if (beforehand := _beforehand(said, state, words)) is not None:
        return beforehand
    said = without_denied(said, words.knowledge, state.here, lambda part: _named(part, state, words)[0])
    question = QUESTIONS.get(state.here)
    readings: tuple[str, ...] = ()
    if question is not None:
        answer, readings = _named(said, state, words)
        if answer is not None:
            return Reading(_without_hedge(answer, said, words))
    if (command := _asked_in_words(said)) is not None:
        return Reading(command)
    found = understand(said, words.knowledge, question=_asked_for(state))
    hedge = _hedged(found, said, state, words)
    if hedge is not None:
        found = _without(found, state.here)
    stated = (state.here in found.fields and not found.ambiguous) or _about_another(found, state.here)
    if readings and len(said.split()) <= 2 and not stated:
        return Reading(Unclear(readings))
    if question is not None and hedge is None and (both := _answer_and_more(said, state, words)) is not None:
        return both
    turn = _stated(found, state, doubtful=_DOUBT.search(said) is not None)
    if turn is None:
        return Reading(hedge or _not_known(said, found, state) or Unclear(readings))
    still_open = _NOT_EXCLUDED.get(turn.question, {}).get(turn.chosen[0]) if isinstance(turn, Answer) else None
    if still_open is not None and _NOT_LOOKED_FOR.search(said):
        return Reading(Unclear(still_open))
    return Reading(turn, _typed(found, turn))


def _beforehand(said: str, state: State, words: Words) -> Reading | None:
    """A command, what may identify a person, a supposition: none of it is read as an answer."""
    if said.startswith("/"):
        command = _command(said)
        asked = said.partition(" ")[2]
        if command == Command("whatif") and asked and not holds_identifier(asked):
            return Reading(_supposed(asked, words) or command)
        return Reading(command)
    if holds_identifier(said):
        return Reading(Unclear(identifier=True))
    finished = state.here in FINALS
    if supposed := (_SUPPOSED if finished else _SUPPOSED_ANYWHERE).match(said):
        return Reading((_supposed(said[supposed.end() :], words) if finished else None) or Unclear())
    return None


def _asked_in_words(said: str) -> Command | None:
    """The command a text asks for and nothing besides: 'go back', 'why?', 'start over please'."""
    if len(said) > _LONGEST_COMMAND:
        return None
    normal = _normal(said)
    return next((Command(name) for name, meant in _short_answers().commands.items() if meant.is_said_by(normal)), None)


_SUPPOSED_ANYWHERE = re.compile(
    r"(?:and |but |so |ok )?(?:what (?:happens |would happen )?if|and if|suppose|supposing|imagine|hypothetically)\b",
    re.IGNORECASE,
)
_SUPPOSED = re.compile(_SUPPOSED_ANYWHERE.pattern + r"|(?:but )?(?:if|what about|assume|assuming)\b", re.IGNORECASE)
"""How a text begins that asks what would be: nothing of it is a fact of the patient."""


def _supposed(said: str, words: Words) -> Command | None:
    """The change that a text asks about; None where it names none that can be looked at."""
    found = understand(said, words.knowledge)
    named = [
        f"{field}={value}"
        for field, value in found.fields.items()
        if field in (*MODIFIABLE, *TO_LOOK_AT) and isinstance(value, str)
    ]
    if not named or found.ambiguous:
        return None
    return Command("whatif", argument_of("whatif", "+".join(named)))


def _without_hedge(answer: Turn, said: str, words: Words) -> Turn:
    """An answer by its name, or Unclear where more is typed than a name and doubts it: 'none?', 'no thanks'."""
    if not isinstance(answer, Answer):
        return answer
    if answer.question == "role":
        return Unclear() if "?" in said else answer
    if NONE in answer.chosen and len(answer.chosen) > 1:  # 'none/unknown'
        return Unclear()
    if set(answer.chosen) & {NOT_KNOWN, _DOUBT_ITSELF}:
        return answer
    names = _all_names(answer.question, words) if answer.question != UNDERSTOOD else {}
    plainly = _normal(said) in names or not names
    if "?" in said or (
        not plainly and any(is_hedged(said, answer.question, option, names) for option in answer.chosen)
    ):
        return Unclear()
    return answer


def _hedged(found: Understanding, said: str, state: State, words: Words) -> Unclear | None:
    """What to ask where the answer to the open question was read from words that limit, doubt or deny it."""
    here = state.here
    if here in found.fields and here in QUESTIONS and QUESTIONS[here].kind == "number":
        return Unclear() if is_of_something_else(said, here) else None
    if here not in found.fields or here not in QUESTIONS or QUESTIONS[here].kind not in ("choice", "several"):
        return _hedged_outcome(found, said, state, words)
    value = found.fields[here]
    chosen = (value or (NONE,)) if isinstance(value, tuple) else (str(value),)
    if set(chosen) == {NOT_KNOWN}:
        return None
    part = _part_about(found, here, said)
    names = _all_names(here, words)
    if here == "red_flags" and NONE in chosen and not _no_emergency_only(found, said):
        return Unclear()
    if not any(is_hedged(part, here, option, names) for option in chosen):
        return None
    if _NOT_LOOKED_FOR.search(part) is None and is_contradicted(part, here, chosen[0], names):
        return Unclear()
    some = here == "brain_metastases" and NONE in chosen and implies_some(part)
    return Unclear(_SOME_BRAIN if some else _NOT_EXCLUDED.get(here, {}).get(chosen[0], ()))


def _hedged_outcome(found: Understanding, said: str, state: State, words: Words) -> Unclear | None:
    """The same of how the line asked about ended, or of 'none' at the lines' question."""
    lines = found.profile.prior_lines
    if state.here == "line_outcome" and lines and len(lines) == 1 and not lines[0].agents and lines[0].outcome:
        return Unclear() if is_hedged(said, state.here, lines[0].outcome, _all_names(state.here, words)) else None
    if state.here == "prior_lines" and lines == () and is_hedged(said, state.here, "done", {}):
        return Unclear()
    return None


def _part_about(found: Understanding, here: str, said: str) -> str:
    """The part of a text that answers the open question: all of it where nothing else is stated."""
    if found.fields.keys() <= {here, "setting"}:
        first, _, rest = said.partition(". ")
        of_drugs = bool(found.denied_agents) and _NOT_LOOKED_FOR.search(rest) is None  # 'absent. T-DM1 never given'
        return first if of_drugs else said
    spans = [span for span in found.spans if span.field == here]
    parts, start = [], 0
    for match in (*_CLAUSES.finditer(said), None):
        end = len(said) if match is None else match.end()
        if any(span.start < end and start < span.end for span in spans):
            parts.append(said[start:end])
        start = end
    return " ".join(parts) or said


def _no_emergency_only(found: Understanding, said: str) -> bool:
    """Whether a text that denies emergencies leaves no word over and tells nothing that may be one (S4)."""
    bad = any(found.fields.get(name) in _MAY_BE_AN_EMERGENCY for name in found.fields if name != "red_flags")
    if bad or found.leftover or found.ambiguous or found.denied_agents:
        return False
    return is_no_emergency(said, (span.text for span in found.spans))


def _without(found: Understanding, name: str) -> Understanding:
    """What was understood, without the answer to the open question, whose words are given back."""
    name = "prior_lines" if name == "line_outcome" else name
    values = {field: value for field, value in found.fields.items() if field != name}
    if name == "prior_lines" and values.get("early_stage_agents") == ():  # 'nothing so far except letrozole'
        del values["early_stage_agents"]
    left = tuple(span.text for span in found.spans if span.field == name)
    spans = tuple(span for span in found.spans if span.field != name)
    return replace(found, profile=Profile.model_validate(values), spans=spans, leftover=(*found.leftover, *left))


def _all_names(question: str, words: Words) -> Mapping[str, tuple[str, ...]]:
    """The names of a question's options, and their short answers."""
    said = {name: (option,) for name, option in _short_answers().whole.get(question, {}).items()}
    return {**said, **_names(question, words)}


def _not_known(said: str, found: Understanding, state: State) -> Answer | None:
    """That it is not known, where a part of the text says so and nothing was understood of the rest:
    'have to ask the pharmacy, not sure'."""
    question = QUESTIONS.get(state.here)
    if question is None or state.here in _NEVER_IN_PASSING or NOT_KNOWN not in question.options:
        return None
    if question.kind not in ("choice", "several", "number"):
        return None
    if found.fields or found.ambiguous or found.denied_agents or found.focus:
        return None
    parts = [_without_courtesy(_normal(part)) for part in _PARTS.split(said)]
    return Answer(state.here, (NOT_KNOWN,)) if any(map(_says_unknown, parts)) else None


def _says_unknown(part: str) -> bool:
    """Whether a part of a text says that it is not known, with or without what: 'unclear when it ended'."""
    unknown = _short_answers().unknown
    opening = _UNKNOWN_WHAT.match(part)
    if not part or part in unknown or (opening is not None and opening[1] in unknown):
        return bool(part)
    of_what = _short_answers().of_what
    rest = [*dropwhile(of_what.__contains__, part.split())]
    while rest and " ".join(rest) not in unknown and rest[-1] in of_what:  # 'don't know her drug list'
        rest.pop()
    return bool(rest) and " ".join(rest) in unknown


def _asked_for(state: State) -> str:
    """The question a text would answer: of words that are asked back, the field they are for."""
    statement = state.statement
    return state.here if statement is None or not statement.choices else statement.choices[0].field


def _about_another(found: Understanding, here: str) -> bool:
    """Whether a text is wholly understood as the answer to another question: "ER negative" is no near HER2-negative."""
    told = {question_of(name) for name in found.fields}
    open_now = {here, *_LINES} if here in _LINES else {here}
    return bool(told) and told.isdisjoint(open_now) and not found.ambiguous and not found.leftover


def _command(said: str) -> Command:
    name, _, argument = said[1:].partition(" ")
    name = _normal(name).replace(" ", "_")
    if name == "whatif":  # a change is written with signs
        argument = argument.lower()
    elif name != "start":  # a shared profile is taken letter by letter
        argument = _normal(argument).replace(" ", "_")
    return Command(name, argument_of(name, argument.strip()))


def _named(said: str, state: State, words: Words) -> tuple[Turn | None, tuple[str, ...]]:
    """The answer whose option was named, by any of its names; otherwise what a misspelt word may have meant."""
    question = QUESTIONS[state.here]
    if question.kind == "number" and (months := _months(said, words)) is not None:
        return Answer(question.name, (str(months),)), ()
    if question.name == UNDERSTOOD:
        return _decision(said, state, words), ()
    names = _names(question.name, words)
    normal = _normal(said)
    plain = _without_courtesy(normal)
    whole = names.get(normal) or answered_as(question.name, normal)
    whole = whole or names.get(plain) or answered_as(question.name, plain)
    if whole is None and (bare := _without_what_is_beside(question.name, plain)):
        whole = names.get(bare) or answered_as(question.name, bare)
    if whole is None and question.name == "gate" and plain.startswith("no "):
        behind = plain.removeprefix("no ").removeprefix("it s ").removeprefix("she s ")
        whole = names.get(behind) or answered_as(question.name, behind)  # 'no, early'
        whole = None if whole == (_IN_SCOPE,) else whole
    if whole is None:
        whole = _role(said, words) if question.name == "role" else _made_of(question.name, plain)
    if whole is None and question.name == "line_outcome" and _says_unknown(plain):
        whole = (NOT_KNOWN,)  # 'don't remember how it ended'
    if whole is None and _is_affirmed_by_findings(plain):
        whole = names.get("yes") or answered_as(question.name, "yes")
    if whole is not None and question.name == "safety":
        return _on_the_checklist([normal], whole, state, words), ()
    if whole is not None:
        return Answer(question.name, whole), ()
    if (unclear := words.questions[question.name].unclear.get(plain)) is not None:
        return Unclear(tuple(unclear)), ()
    if (twice := _said_twice(said, question.name, names)) is not None:
        return Answer(question.name, twice), ()
    parts = [_normal(part) for part in _SEPARATORS.split(said) if part.strip()]
    found = [names.get(part) for part in parts]
    if parts and all(found) and question.kind == "several":
        chosen = tuple(dict.fromkeys(option for options in found for option in options or ()))
        if question.name == "safety":
            return _on_the_checklist(parts, chosen, state, words), ()
        return Answer(question.name, chosen), ()
    unmatched = [part for part, option in zip(parts, found, strict=True) if option is None]
    return None, _near(unmatched, names)


def _role(said: str, words: Words) -> tuple[str, ...] | None:
    """The role somebody says they have, where the text states nothing of a patient besides."""
    found = role_of(said, _short_answers().roles)
    if found is None:
        return None
    if found.beside:
        told = understand(found.beside, words.knowledge)
        case = told.fields.keys() - _OF_A_PLACE_OF_WORK
        if case or told.denied_agents or told.reason in _QUESTIONS:
            return None
    return (found.role,)


def _said_twice(said: str, question: str, names: Mapping[str, tuple[str, ...]]) -> tuple[str, ...] | None:
    """The option that each of several parts of an answer names: 'neither, both negative', 'no; absent'."""
    if QUESTIONS[question].kind != "choice":
        return None
    parts = [_without_courtesy(_normal(part)) for part in re.split("[,;]", said)]
    meant = {names.get(part) or answered_as(question, part) for part in parts}
    return next(iter(meant)) if len(parts) > 1 and len(meant) == 1 else None


def _months(said: str, words: Words) -> int | None:
    """A number of months, or of years, in figures or in words: '18', '~18 mo', 'eighteen', '2y'; 'over 12' is 13."""
    if (both := _YEARS_AND_MONTHS.fullmatch(said)) is not None:
        return int(both[1]) * _PER_YEAR + int(both[2])
    found = _MONTHS.fullmatch(said)
    if found is None:
        return None
    number, unit = found["number"], (found["unit"] or "").casefold()
    value = int(number) if number.isdigit() else lexicon(words.knowledge).numbers.get(number.casefold())
    if value is None:
        return None
    months = int(value) * (_PER_YEAR if unit.startswith("y") else 1)
    return months + (found["over"] is not None and months in EDGES)  # as where it is read in a text


def _on_the_checklist(said: list[str], chosen: tuple[str, ...], state: State, words: Words) -> Turn | None:
    """Lines of the checklist named in words of one's own are stated, and the rest is asked; options as they stand
    there, with those that say what the rest is, are the whole answer."""
    ids = set(chosen) - _NO_FINDING
    whole = {_normal(name) for name in (*ids, *(words.option("safety", option) for option in chosen))}
    if {NONE, NOT_KNOWN} & set(chosen) or set(said) <= whole:
        return Answer("safety", chosen) if set(chosen) <= set(options_now("safety", state.answers)) else None
    ticked = {option: asked.ticked for option in chosen if isinstance(asked := asked_as(option), Item)}
    kinds = [option for option, value in ticked.items() if value is None]
    if not all(QUESTIONS[option].kind == "choice" for option in kinds):
        return None
    values = {option: value for option, value in ticked.items() if value is not None}
    return Understood(Statement(values, tuple(Choice(option, QUESTIONS[option].options) for option in kinds)))


def _answer_and_more(said: str, state: State, words: Words) -> Reading | None:
    """An answer to the open question by its name, and behind a sign what else is stated: 'none, and ER is positive',
    'absent. No tucatinib so far'."""
    here = state.here
    first, *more = _BEHIND_AN_ANSWER.split(said, maxsplit=1)
    rest = more[0] if more else ""
    if not more or here not in FIELDS or here == "prior_lines" or QUESTIONS[here].kind not in ("choice", "several"):
        return None
    answer, _ = _named(first, state, words)
    if not isinstance(answer, Answer) or here in understand(rest.strip(), words.knowledge, question=here).fields:
        return None
    found = understand(rest.strip(), words.knowledge)
    only_when = here == "early_stage_agents" and found.fields.keys() == {"setting"}  # 'X, post-op'
    if only_when or not (found.fields or found.denied_agents):
        return None
    several = QUESTIONS[here].kind == "several"
    if here == "red_flags" and NONE in answer.chosen and not _no_emergency_only(found, said):
        return None
    statement = statement_of(found, state)
    values = {**statement.values, here: value_of_several(here, answer.chosen) if several else answer.chosen[0]}
    turn = Understood(replace(statement, values=values))
    return Reading(turn, _typed(found, turn))


def answered_as(question: str, normal: str) -> tuple[str, ...] | None:
    """The option a short answer means at a question: its usual words, or that it is not known."""
    answers = _short_answers()
    if not normal:
        return None
    option = answers.whole.get(question, {}).get(normal)
    if option is None and normal.removesuffix(" yet") in answers.unknown and NOT_KNOWN in QUESTIONS[question].options:
        option = NOT_KNOWN
    return (option,) if option is not None else None


def _made_of(question: str, plain: str) -> tuple[str, ...] | None:
    """The option whose own words an answer is made of, with light ones beside them: 'yes, all correct, go on'."""
    options = _short_answers().made_of.get(question, {})
    return next(((option,) for option, meant in options.items() if meant.is_said_by(plain)), None)


def _without_courtesy(normal: str) -> str:
    """A short answer without the words around it that say nothing: 'yes, unfortunately', 'no, thanks'."""
    kept = " ".join(word for word in normal.split() if word not in _short_answers().courtesy)
    return "no" if kept == "not" else kept or normal


def _without_what_is_beside(question: str, plain: str) -> str:
    """A short answer without what says nothing of it there: 'stopped for bad diarrhoea', 'surgery, no drugs'."""
    words = plain.split()
    if question == "line_outcome":
        said = [*dropwhile(_short_answers().before_a_reason.__contains__, words)]
        said = [*dropwhile(_short_answers().behind_a_reason.__contains__, reversed(said))]
        return " ".join(reversed(said))
    if question == "early_stage_agents":
        rest = [word for word in words if word not in _short_answers().beside_early_stage]
        return " ".join(rest) if len(rest) > 1 else ""  # 'no radiotherapy' says nothing of drugs
    return ""


def _is_affirmed_by_findings(plain: str) -> bool:
    """Whether a yes only says what shows it: 'yes, MRI and cytology both', 'present on MRI spine'."""
    first, *rest = plain.split() or [""]
    return first in ("yes", "present") and set(rest) <= _short_answers().evidence


class _Wording(NamedTuple):
    """What is said for something, and what may stand beside it."""

    words: tuple[str, ...]
    beside: frozenset[str]

    def is_said_by(self, normal: str) -> bool:
        """Whether a text is one of the words and nothing else but what may stand beside it, or more of them."""
        padded = f" {normal} "
        said = next((words for words in self.words if f" {words} " in padded), None)
        return said is not None and self.beside.union(self.words).issuperset(
            padded.replace(f" {said} ", " ", 1).split()
        )


def _wordings(data: Mapping[str, Mapping[str, list[str]]]) -> dict[str, _Wording]:
    return {
        name: _Wording(tuple(map(_normal, said["words"])), frozenset(said["beside"])) for name, said in data.items()
    }


class _ShortAnswers(NamedTuple):
    unknown: frozenset[str]
    evidence: frozenset[str]
    courtesy: frozenset[str]
    of_what: frozenset[str]
    before_a_reason: frozenset[str]
    behind_a_reason: frozenset[str]
    beside_early_stage: frozenset[str]
    whole: Mapping[str, Mapping[str, str]]
    made_of: Mapping[str, Mapping[str, _Wording]]
    commands: Mapping[str, _Wording]
    roles: Roles


@lru_cache(maxsize=1)
def _short_answers() -> _ShortAnswers:
    """The short answers of the lexicon. Raises KnowledgeError where one names no option."""
    data = read_yaml((FOLDER / "answers.yaml").read_text("utf-8"))
    whole: dict[str, dict[str, str]] = {}
    for question, options in (*data["whole"].items(), ("role", dict.fromkeys(data["role"], ()))):
        for option, said in options.items():
            if question not in QUESTIONS or not _may_be_answered(question, option):
                raise KnowledgeError("lexicon/answers.yaml", question, f"there is no option {option}")
            whole.setdefault(question, {}).update({_normal(words): option for words in said})
    courtesy = frozenset(data["courtesy"])
    evidence = frozenset(data["evidence"])
    unknown = frozenset(map(_normal, data["unknown"]))
    return _ShortAnswers(
        unknown,
        evidence,
        courtesy,
        frozenset(data["of_what"]),
        frozenset(data["before_a_reason"]),
        frozenset(data["behind_a_reason"]),
        frozenset(data["beside_early_stage"]),
        whole,
        {question: _wordings(options) for question, options in data["made_of"].items()},
        _wordings(data["commands"]),
        roles_in(data),
    )


def _may_be_answered(question: str, option: str) -> bool:
    """Whether a question has an option, or is answered with a number that this is."""
    asked = QUESTIONS[question]
    return option in asked.options or (asked.kind == "number" and option.isdigit())


def _decision(said: str, state: State, words: Words) -> Turn | None:
    """Yes, no, or one of the readings that are asked back."""
    normal = _normal(said)
    also = words.questions[UNDERSTOOD].also
    choice = next(iter(state.statement.choices), None) if state.statement is not None else None
    for option in options_now(UNDERSTOOD, state.answers):
        known = {option, words.understood_option(option, state), *also.get(option, ())}
        if choice is not None and option in choice.readings:
            known |= _said_for(option, choice, words)
        if normal in set(map(_normal, known)):
            return Answer(UNDERSTOOD, tuple(option.split("+")))
    if choice is not None and len(choice.readings) == 1 and normal in map(_normal, also[ACCEPT]):
        return Answer(UNDERSTOOD, tuple(choice.readings[0].split("+")))
    return _reading_meant(said, choice, words) if choice is not None else None


def _said_for(reading: str, choice: Choice, words: Words) -> set[str]:
    """Other words for a reading: the names of its one agent."""
    agent = words.knowledge.agents.get(reading) if choice.field in ("prior_lines", "early_stage_agents") else None
    return set() if agent is None else {agent.name, agent.short, *agent.brands}


def _reading_meant(said: str, choice: Choice, words: Words) -> Answer | None:
    """The reading that a text states and nothing else: "it was T-DM1"."""
    found = understand(said, words.knowledge)
    stated = found.fields
    if choice.field in ("prior_lines", "early_stage_agents"):
        alone = stated.keys() == {"prior_lines"} and not any(line.outcome for line in stated["prior_lines"])
        agents = [set(line.agents) for line in stated["prior_lines"]] if alone else []
        meant = [reading for reading in choice.readings if agents == [set(reading.split("+"))]]
    else:
        alone = stated.keys() == {choice.field}
        meant = [reading for reading in choice.readings if alone and str(stated[choice.field]) == reading]
    return Answer(UNDERSTOOD, tuple(meant[0].split("+"))) if meant else None


@lru_cache(maxsize=256)
def _names(question: str, words: Words) -> Mapping[str, tuple[str, ...]]:
    """Everything that may be typed for an option, normalised, to the option; a brand of two agents, to both."""
    names: dict[str, tuple[str, ...]] = {}
    said = words.questions[question]
    options = list(QUESTIONS[question].options)
    if question == "prior_lines":
        options += [agent for agent in words.knowledge.agents if agent not in LINE_SHORTCUTS]
    for option in options:
        also = words.questions["safety"].also if question == "safety_unknown" and option in ITEMS else said.also
        known: list[str] = [option, *also.get(option, ())]
        if option in words.knowledge.agents:
            agent = words.knowledge.agents[option]
            known += [agent.name, agent.short, *agent.brands, words.agent(option)]
        elif option not in said.options:
            known.append(words.option(question, option))
        if option in said.options:
            known.append(said.options[option])
            if option in words.vocabulary.fields.get(question, said).__dict__.get("values", {}):
                known.append(words.vocabulary.fields[question].values[option])
        brands = words.knowledge.agents[option].brands if option in words.knowledge.agents else ()
        for name in known:
            others = names.get(_normal(name), ())
            if not others or (name in brands and all(other in words.knowledge.agents for other in others)):
                names[_normal(name)] = tuple(dict.fromkeys((*others, option)))
    return names


def _normal(text: str) -> str:
    return re.sub(r"[^\w+<>]+", " ", text.casefold().replace("_", " ")).strip()


def _near(parts: Iterable[str], names: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """Options a misspelt word may have meant: whole words of five letters or more, one or two edits away."""
    found: list[tuple[int, str]] = []
    long_enough = [name for name in names if len(name) >= SHORTEST]
    for part in parts:
        if len(part) >= SHORTEST:
            near, distance = nearest(part, long_enough)
            found += [(distance, option) for name in near for option in names[name]]
    best = min(found, default=(0, ""))[0]
    return tuple(dict.fromkeys(option for distance, option in found if distance == best))[:4]


def _stated(found: Understanding, state: State, *, doubtful: bool) -> Turn | None:
    """The turn that what was understood amounts to; None where it says nothing. `doubtful`: words of doubt or denial
    are in it: then nothing passes the gate before it was shown."""
    statement = statement_of(found, state)
    told = len({question_of(name) for name in statement.values if name not in statement.implied})
    if found.reason in _OUTSIDE and (told < 2 or found.reason == "not_professional"):
        return Unclear(outside=found.reason)
    if not statement.choices and not told:
        return Unclear(outside="focus") if found.focus else None
    shown = (*found.leftover, *found.denied_agents, *found.focus)  # an answer alone would drop it in silence
    if state.here == "red_flags" and statement.values.get("red_flags") == () and found.leftover:
        return Unclear()  # "none, but short of breath": what was not understood may be one of them
    answer = _answers_here(statement, state) if not statement.choices and not shown else None
    if answer is not None and not (doubtful and state.here == "gate" and answer.chosen != (_DOUBT_ITSELF,)):
        return answer
    return Understood(statement)


def statement_of(found: Understanding, state: State) -> Statement:
    """What was understood, as a statement about the case."""
    values: dict[str, Any] = dict(found.fields)
    implied: set[str] = set()
    if found.reason in _GATES:
        values = {**{name: value for name, value in values.items() if name not in ("her2_status", "setting")},
            "gate": found.reason}  # fmt: skip
    elif "gate" not in state.answers:
        for name, value in found.implied.items():
            values[name] = value
            implied.add(name)
    if values.get("red_flags") == () and state.here != "red_flags":
        del values["red_flags"]  # that there is no emergency is always asked with its list (S4)
    if values.get("prior_lines") == () and state.here in _LINES and state.profile.prior_lines:
        del values["prior_lines"]  # 'none, T-DXd is planned' behind lines that are entered: no more of them
    adds, places = False, tuple(range(MOST_LINES))
    if values.get("prior_lines"):
        adds = _adds_lines(state, {question_of(name) for name in values if name not in implied})
        if (known := _lines_so_far(state, adds=adds)) is not None:
            values["prior_lines"], places = lines_with(known, values["prior_lines"])
        elif adds and (told := _without_places(values["prior_lines"], state)) != values["prior_lines"]:
            shift = len(values["prior_lines"]) - len(told)
            values["prior_lines"], places = told, tuple(place - shift for place in places)
    statement = Statement(values, (), frozenset(implied), adds)
    choices = [choice for entry in found.ambiguous if (choice := _choice(entry, statement, places)) is not None]
    return replace(statement, choices=tuple(choices[:MOST_CHOICES]))


def _without_places(told: tuple[Line, ...], state: State) -> tuple[Line, ...]:
    """Lines that come after those entered, without the empty places a number left for these: "2L T-DM1" after one."""
    entered: Lines = state.answers.get("prior_lines", Lines())
    empty = next((at for at, line in enumerate(told) if line.agents or line.outcome), len(told))
    return told[min(empty, len(entered.lines)) :]


def _lines_so_far(state: State, *, adds: bool) -> tuple[Line, ...] | None:
    """The lines that those typed now are said beside: what waits, or what is entered; None where they are added."""
    if state.statement is not None and "prior_lines" in state.statement.values:
        return tuple(state.statement.values["prior_lines"])
    return None if adds else state.profile.prior_lines


def _adds_lines(state: State, named: set[str]) -> bool:
    """Whether lines come after those entered: typed at the lines' questions, or while such lines wait."""
    if state.statement is not None:
        return state.statement.adds_lines
    entered: Lines = state.answers.get("prior_lines", Lines())
    more = bool(entered.lines) or named <= {"prior_lines", "gate", "extracranial_disease"}
    return state.here in _LINES and more


def _choice(entry: Ambiguity, statement: Statement, places: tuple[int, ...]) -> Choice | None:
    """What is to be asked back; None where too many readings are left, or there is nothing they would be for."""
    target = entry.field
    if target == "prior_lines":
        target = f"line_{places[entry.place or 0] + 1}"
    elif target == "early_stage_agents":
        target = EARLY
    choice = Choice(target, entry.readings)
    try:
        check(replace(statement, choices=(choice,)))
    except NotAStatement:
        return None
    return choice if len(entry.readings) <= _MOST_READINGS else None


def _answers_here(statement: Statement, state: State) -> Answer | None:
    """The answer, where what is stated answers the open question and nothing else."""
    here = state.here
    question = QUESTIONS.get(here)
    stated = {name: value for name, value in statement.values.items() if name not in statement.implied}
    if question is None:
        return None
    if here == "line_outcome":
        lines = stated.pop("prior_lines", ())
        if set(stated) <= {"setting"} and len(lines) == 1 and not lines[0].agents and lines[0].outcome is not None:
            return Answer(here, (lines[0].outcome,))
        return None
    if here == "gate" and set(stated) <= {"gate", "her2_status", "setting"}:
        gate = stated.get("gate")
        known = {**dict(state.answers.get(PARTLY, ())), **{name: stated[name] for name in stated if name != "gate"}}
        gate = gate or gate_of(known)
        gate = gate or {"early": "early_stage", NOT_KNOWN: "stage_unknown"}.get(known.get("setting", ""))
        return Answer(here, (gate,)) if gate is not None else None
    said_before = {"setting"} if "gate" in state.answers else set()
    if here == "prior_lines" and set(stated) <= {"prior_lines"} | said_before:
        lines = stated.get("prior_lines", ())
        if len(lines) == 1 and lines[0].agents and lines[0].outcome is None:
            return Answer(here, tuple(lines[0].agents))
        return None
    if here == "line_agents" and set(stated) <= {"prior_lines", "setting"}:
        lines = stated.get("prior_lines", ())
        alone = len(lines) == 1 and lines[0].agents and lines[0].outcome is None
        return Answer(here, tuple(lines[0].agents)) if alone else None
    if set(stated) != {here}:
        return None
    value = stated[here]
    chosen = (value or (NONE,)) if isinstance(value, tuple) else (str(value),)
    fits = question.kind == "number" or all(option in question.options for option in chosen)
    return Answer(here, chosen) if fits else None


def _typed(found: Understanding, turn: Turn) -> Typed:
    """The words of what was understood, and of what was not used: what is too unclear to be asked back, too."""
    asked = {choice.readings for choice in turn.statement.choices} if isinstance(turn, Understood) else set()
    unclear = [entry.text for entry in found.ambiguous if entry.readings not in asked]
    if isinstance(turn, Understood) and found.profile.red_flags == () and "red_flags" not in turn.statement.values:
        unclear += [span.text for span in found.spans if span.field == "red_flags"]
    sources: dict[str, tuple[Any, str]] = {}
    fields = found.fields
    for name in {span.field for span in found.spans} & set(fields):
        words = dict.fromkeys(span.text for span in found.spans if span.field == name)
        sources[name] = (fields[name], ", ".join(words))
    for name in found.implied:
        drugs = dict.fromkeys(span.text for span in found.spans if span.field in ("prior_lines", "early_stage_agents"))
        sources[name] = (found.implied[name], ", ".join(drugs))
    return Typed(
        sources,
        {entry.readings: entry.text for entry in found.ambiguous},
        (*found.leftover, *unclear),
        found.denied_agents,
        found.focus,
        frozenset(found.implied),
        found.reason if found.reason in _OUTSIDE else "",
    )


def nearest_command(name: str) -> str | None:
    """The command a mistyped one probably meant: one letter away, two in a long name."""
    ranked = sorted((OSA.distance(name, command), command) for command in COMMANDS)
    return ranked[0][1] if ranked[0][0] <= (1 if len(name) < 6 else 2) else None


__all__ = ["LONGEST", "Reading", "Typed", "encode", "nearest_command", "read", "statement_of", "turn_of", "words_after"]
