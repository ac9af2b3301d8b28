"""A profile as a short text to hand on in a link, and the answers that a profile amounts to.

A Telegram deep link carries 64 characters; with the `p_` that marks a profile, 62 are left. The text is a version,
the profile as one number in base 64, and a checksum. The number has one digit per field, each in a base of its own:
the place of the value in the field's alphabet. Only options, agents and months have a digit, so nothing that could
identify a patient can be in it. Digits that are zero cost nothing at the end: what is usual comes first in each
alphabet, and fields that are seldom anything else come last.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from hashlib import sha256
from typing import Any

from flows.findings import findings
from flows.knowledge.load import Knowledge, shipped
from flows.profile import AGENTS, MOST_LINES, OPTIONS, OUTCOMES, Asked, Item, Profile, asked_as
from flows.questionnaire import (
    GATE_SETS,
    ITEMS,
    QUESTIONS,
    LineAnswer,
    Lines,
    beyond_profile,
    checklist_of,
    chosen_of,
    profile_of,
    still_holding,
)
from flows.when import NOT_KNOWN

VERSION = "1"
"""Says how the rest is read. An alphabet or `LAYOUT` that changes needs the next character here."""

LONGEST = 62
LAYOUT = (
    "prior_lines", "brain_metastases", "hr_status", "tdxd_access", "early_stage_agents", "leptomeningeal",
    "extracranial_disease", "months_since_adjuvant_her2", "hepatic_impairment", "lvef", "interacting_medicines",
    "chemotherapy", "ild_history", "region", "renal_impairment", "platelets", "dpd_deficiency", "performance_status",
    "setting", "her2_status", "red_flags", "pregnancy",
)  # fmt: skip
"""The fields in the order of their digits: those that are answered differently most often first."""

_CHARACTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
_CHECK = 4
_TEXT = re.compile(rf"[A-Za-z0-9_-]{{{1 + _CHECK},{LONGEST}}}")
_END = None


class TooLong(ValueError):
    """The profile does not fit in a link."""


class NotShared(ValueError):
    """The text is not one that `encode` of this version wrote."""


def _alphabet(field: str) -> tuple[Any, ...]:
    """The values of a field, the usual one first; where it is a list, what stands for the whole or begins it."""
    if field == "prior_lines":
        return (*range(MOST_LINES + 1), None)
    if field == "early_stage_agents":
        return ((), None, NOT_KNOWN, *AGENTS)
    if field == "months_since_adjuvant_her2":
        return (None, NOT_KNOWN, *range(721))
    asked = asked_as(field)
    usual: tuple[Any, ...] = ()
    if field in ("red_flags", "interacting_medicines"):
        usual = ((),)
    elif isinstance(asked, Item):
        usual = (asked.clear,)
    elif isinstance(asked, Asked) and (asked.when is not None or not asked.offered):
        usual = (None,)
    return tuple(dict.fromkeys((*usual, *OPTIONS[field], None)))


ALPHABETS: dict[str, tuple[Any, ...]] = {
    **{field: _alphabet(field) for field in LAYOUT},
    "agent": (_END, *AGENTS),
    "outcome": (*OUTCOMES, None),
}
"""Each field's values in the order of their digits, and what lines of therapy are made of."""

_MEMBERS: dict[str, tuple[Any, ...]] = {
    field: (_END, *(value for value in ALPHABETS[field] if value not in ((), None, NOT_KNOWN)))
    for field in ("early_stage_agents", "red_flags", "interacting_medicines")
}
"""What may follow the first of a list: another, or its end."""


class _Writer:
    """Digits, each in the base of its alphabet, to one number: the first written is the least significant."""

    def __init__(self) -> None:
        self._digits: list[tuple[int, int]] = []

    def put(self, alphabet: Sequence[Any], value: Any) -> None:
        self._digits.append((alphabet.index(value), len(alphabet)))

    @property
    def number(self) -> int:
        number = 0
        for digit, base in reversed(self._digits):
            number = number * base + digit
        return number


class _Reader:
    """The digits of a number; where there are no more, they are zero."""

    def __init__(self, number: int) -> None:
        self.rest = number

    def take(self, alphabet: Sequence[Any]) -> Any:
        self.rest, digit = divmod(self.rest, len(alphabet))
        return alphabet[digit]


def encode(profile: Profile) -> str:
    """The profile as at most 62 characters of A-Z, a-z, 0-9, _ and -. Raises TooLong.

    Every order and every repetition in a list is kept: what `decode` gives back is equal to the profile.
    """
    writer = _Writer()
    for field in LAYOUT:
        value = getattr(profile, field)
        if field == "prior_lines":
            writer.put(ALPHABETS[field], None if value is None else len(value))
            for line in value or ():
                _put_members(writer, ALPHABETS["agent"], line.agents)
                writer.put(ALPHABETS["outcome"], line.outcome)
        elif field in _MEMBERS and isinstance(value, tuple) and value:
            writer.put(ALPHABETS[field], value[0])
            _put_members(writer, _MEMBERS[field], value[1:])
        else:
            writer.put(ALPHABETS[field], value)
    text = VERSION + _base64(writer.number)
    if len(text) + _CHECK > LONGEST:
        raise TooLong(f"the profile takes more than {LONGEST} characters")
    return text + _checksum(text)


def decode(text: str) -> Profile:
    """The profile that `encode` wrote as this text. Raises NotShared for any other."""
    if not _TEXT.fullmatch(text):
        raise NotShared(f"expected {1 + _CHECK} to {LONGEST} characters of A-Z, a-z, 0-9, _ and -")
    if text[0] != VERSION:
        raise NotShared("another version wrote this")
    content, checksum = text[:-_CHECK], text[-_CHECK:]
    if _checksum(content) != checksum:
        raise NotShared("a character is missing or changed")
    number = 0
    for character in content[1:]:
        number = number * 64 + _CHARACTERS.index(character)
    try:
        profile = Profile.model_validate(_values(_Reader(number)))
        again = encode(profile)
    except ValueError:
        raise NotShared("what it says is not a profile") from None
    if again != text:
        raise NotShared("a profile is written in one way only")
    return profile


def _put_members(writer: _Writer, alphabet: Sequence[Any], members: Sequence[str]) -> None:
    for member in members:
        writer.put(alphabet, member)
    writer.put(alphabet, _END)


def _take_members(reader: _Reader, alphabet: Sequence[Any]) -> tuple[str, ...]:
    members = []
    while (member := reader.take(alphabet)) is not _END:
        members.append(member)
    return tuple(members)


def _values(reader: _Reader) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for field in LAYOUT:
        value = reader.take(ALPHABETS[field])
        if field == "prior_lines" and value is not None:
            value = [
                {
                    "agents": _take_members(reader, ALPHABETS["agent"]),
                    "outcome": reader.take(ALPHABETS["outcome"]),
                }
                for _ in range(value)
            ]
        elif field in _MEMBERS and value not in ((), None, NOT_KNOWN):
            value = (value, *_take_members(reader, _MEMBERS[field]))
        values[field] = value
    return values


def _base64(number: int) -> str:
    characters = []
    while number:
        number, digit = divmod(number, 64)
        characters.append(_CHARACTERS[digit])
    return "".join(reversed(characters))


def _checksum(text: str) -> str:
    number = int.from_bytes(sha256(text.encode("ascii")).digest()[:3], "big")
    return _base64(number).rjust(_CHECK, _CHARACTERS[0])


def answers_of(profile: Profile, knowledge: Knowledge | None = None) -> dict[str, Any]:
    """The answers that amount to a profile: the other way round from `profile_of`.

    Attestation and review are never among them: who opens a case gives both. A field left out leaves its question
    open, to be asked; so does what no answer of the dialogue says:

    - the gate, where HER2 status and setting are not what one of its options means;
    - the safety checklist, one answer for all its lines: where any line was left out (left out is not "no"), or where
      some lines are not known in a way that ticking cannot say;
    - the outcome of a line that has none.

    Other answers whose question does not arise are dropped. `knowledge` says which agents are of which class (None:
    the one shipped).
    """
    answers: dict[str, Any] = {}
    stated = {field: value for field in QUESTIONS["gate"].fields if (value := getattr(profile, field)) is not None}
    for option, sets in GATE_SETS.items():
        if sets and sets == stated:
            answers["gate"] = option
    for name in ("red_flags", "early_stage_agents"):
        if (chosen := getattr(profile, name)) is not None:
            answers[name] = chosen_of(chosen)
    if (lines := profile.prior_lines) is not None:
        entered = tuple(LineAnswer(tuple(dict.fromkeys(line.agents)), outcome=line.outcome) for line in lines)
        answers["prior_lines"] = Lines(entered, done=True)
    for name, question in QUESTIONS.items():
        plain = question.fields == (name,) and question.kind in ("choice", "number") and name not in ITEMS
        if plain and (value := getattr(profile, name)) is not None:
            answers[name] = value
    answers.update(checklist_of(profile))
    answers = {name: answers[name] for name in QUESTIONS if name in answers}
    classes = (knowledge or shipped()).classes
    view = findings(profile_of(answers), classes, beyond_profile(answers))
    return still_holding(answers, view)
