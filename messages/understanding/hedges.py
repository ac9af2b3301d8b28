"""What limits or denies an answer beside its name: then it is not taken, for it may mean the opposite.

"none except the last", "not declined", "stable until today", "oncologist?": each holds an option's name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from flows.plain_yaml import read_yaml
from messages.understanding.lexicon import FOLDER

_CLEAR: Mapping[str, frozenset[str]] = {
    "red_flags": frozenset(("none",)),
    "brain_metastases": frozenset(("none", "stable")),
    "leptomeningeal": frozenset(("absent",)),
    "extracranial_disease": frozenset(("controlled",)),
    "dpd_deficiency": frozenset(("none",)),
    "hepatic_impairment": frozenset(("none",)),
}
"""Answers that say nothing is wrong now: what is only of the past, or known of a part, is none of them."""
_WAS = re.compile(r"was\b|[\w ]+ (?:until|till)\b", re.IGNORECASE)
"""How it begins that something was so before."""
_NOW = re.compile(r"\b(?:now|currently|no longer|not any ?more)\b", re.IGNORECASE)
"""What says how it is by now."""
_PARTS = re.compile(r"[,;.\n]")
_AND = re.compile(r"[,;.\n]|\band\b", re.IGNORECASE)
_NONE_OF_IT = re.compile(
    r" (?:no|without|free of) (?:(?:new|further|more|any|sign of|signs of|local) )*"
    r"(?:recurrence|relapse|headaches?|seizures?|new lesions?|enhancement)(?= )| no new(?= )"
)
"""What would say that something is wrong, denied: 'resected, no recurrence'."""
_COUNTS = frozenset(("one", "two"))
"""How many metastases there are, as all of a part: 'one, irradiated in May'."""
_DATE = re.compile(r"\b(?:19|20)\d\d\b")
_RANGE = re.compile(r"\bbetween \d+[a-z ]{0,8} (?:and|to) \d", re.IGNORECASE)
"""Two numbers between which the one lies that is asked for."""
_BETWEEN = 2
"""Words between a denial and what it denies, at most: 'not Child-Pugh C'."""
_STEM = 5
"""Letters by which a word is another's form: 'decline', 'declined'."""


class _Hedges(NamedTuple):
    any: tuple[str, ...]
    clear: tuple[str, ...]
    dated: tuple[str, ...]
    examinations: tuple[str, ...]
    local_treatment: tuple[str, ...]
    contrary: tuple[str, ...]
    implies: tuple[str, ...]
    denied_behind: tuple[str, ...]
    denials: tuple[str, ...]
    elsewhere: Mapping[str, tuple[str, ...]]
    beside_no_emergency: frozenset[str]


@lru_cache(maxsize=1)
def _hedges() -> _Hedges:
    data = read_yaml((FOLDER / "answers.yaml").read_text("utf-8"))
    said = data["hedges"]
    return _Hedges(
        tuple(said["any"]),
        tuple(said["clear"]),
        tuple(said["dated"]),
        tuple(said["examinations"]),
        tuple(said["local_treatment"]),
        tuple(said["contrary"]),
        tuple(said["implies"]),
        tuple(said["denied_behind"]),
        tuple(said["denials"]),
        {question: tuple(phrases) for question, phrases in said["elsewhere"].items()},
        frozenset(data["beside_no_emergency"]),
    )


def _plain(text: str) -> str:
    """The words of a text with a blank around each."""
    return f" {re.sub(r'[^a-z0-9#]+', ' ', text.casefold()).strip()} "


def _holds(plain: str, phrases: Iterable[str]) -> bool:
    return any(f" {phrase} " in plain for phrase in phrases)


def is_hedged(text: str, question: str, option: str, names: Mapping[str, tuple[str, ...]]) -> bool:
    """Whether words of a text limit, doubt or deny an option of a question. `names`: what its options are called."""
    if is_contradicted(text, question, option, names):
        return True
    if option not in _CLEAR.get(question, ()):
        return False
    if question == "extracranial_disease":  # 'controlled on the last CT'
        return False
    some, plain = option != "stable" and implies_some(text), _plain(text)
    examined = _holds(plain, _hedges().examinations)  # 'the MRI last month was clear'
    when = _without_treatment(text) if question == "brain_metastases" else text
    dated = _DATE.search(when) is not None or (_holds(_plain(when), _hedges().dated) and not examined)
    if option == "stable":
        plain = _plain(" ".join(part for part in _PARTS.split(text) if part.strip().casefold() not in _COUNTS))
    return some or dated or _holds(plain, _hedges().clear)


def _without_treatment(text: str) -> str:
    """A text without the parts that only tell of local treatment: its date is none of the metastases' state."""
    parts = _AND.split(text)
    return " ".join(part for part in parts if not _holds(_plain(part), _hedges().local_treatment))


def is_contradicted(text: str, question: str, option: str, names: Mapping[str, tuple[str, ...]]) -> bool:
    """Whether a text doubts or denies an option, or says something else beside it: not only of when it was so."""
    if option not in _CLEAR.get(question, ()):
        text = _what_is_so_now(text, [name for name, options in names.items() if option in options])
    plain = _plain(text).replace(" not possible ", " impossible ")  # no doubt: 'not possible because of ILD'
    if _holds(plain, _hedges().any) or is_of_something_else(text, question):
        return True
    if plain.startswith(" was ") or plain.endswith(" before "):  # 'was controlled', 'declined before'
        return True
    if option in _CLEAR.get(question, ()) and _holds(_NONE_OF_IT.sub(" ", plain), _hedges().contrary):
        return True
    return _is_one_of_two(plain, names) or any(_is_denied(_plain(part), option, names) for part in _PARTS.split(text))


def _what_is_so_now(text: str, called: Sequence[str]) -> str:
    """The last part of a text that tells how it was before and how it is now: 'stable until May, growing now', 'was
    available, not any more'. `called`: the names of what was read, which is not what was before."""
    parts = [part for part in _PARTS.split(text) if part.strip()]
    if len(parts) < 2 or not _WAS.match(parts[0].strip()):
        return text
    before = _plain(parts[0])
    if _NOW.search(parts[-1]) is None or any(f" {name} " in before for name in called):
        return text
    return parts[-1]


def is_of_something_else(text: str, question: str) -> bool:
    """Whether a text asks, or tells of another place or time than the question: 'stable in the brain'."""
    return "?" in text or _RANGE.search(text) is not None or _holds(_plain(text), _hedges().elsewhere.get(question, ()))


def implies_some(text: str) -> bool:
    """Whether words beside 'none' say that there is some: 'none symptomatic'."""
    return _holds(_plain(text), _hedges().implies)


def _is_one_of_two(plain: str, names: Mapping[str, tuple[str, ...]]) -> bool:
    """Whether two options are named with an 'or' between them: 'stable or active'."""
    parts = [part.strip() for part in plain.split(" or ")]
    return len(parts) > 1 and len({names[part] for part in parts if part in names}) > 1


def _is_denied(plain: str, option: str, names: Mapping[str, tuple[str, ...]]) -> bool:
    """Whether an option's own name stands behind a denial: 'not declined', 'she would not decline'."""
    if plain.strip() in names:
        return False
    own = [name for name, options in names.items() if options == (option,) and name]
    ends = [end for end in _hedges().denied_behind if f" {end} " in plain]
    if any(f" {name} {end} " in plain for end in ends for name in own):
        return True
    behind = [plain.partition(f" {denial} ")[2] for denial in _hedges().denials if f" {denial} " in plain]
    stems = {name[:_STEM] for name in own if len(name) >= _STEM and " " not in name}
    for rest in behind:
        words = rest.split()
        for at in range(min(_BETWEEN + 1, len(words))):
            said = " ".join(words[at:])
            if words[at][:_STEM] in stems or any(f"{said} ".startswith(f"{name} ") for name in own):
                return True
    return False


def is_no_emergency(text: str, understood: Iterable[str]) -> bool:
    """Whether a text says that there is no emergency, and nothing besides but what was understood."""
    plain = text.casefold()
    for words in understood:
        plain = plain.replace(words.casefold(), " ")
    return set(_plain(plain).split()) <= _hedges().beside_no_emergency
