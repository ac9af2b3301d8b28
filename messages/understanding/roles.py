"""Who somebody says they are, at the question that asks for it: "attending, heme/onc", "the ward pharmacist"."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from flows.questionnaire import NOT_PROFESSIONAL

_LONGEST = 16
"""Words of an answer that names a profession, at most: a longer text is a case."""
_LONGEST_OF_NONE = 6
"""The same of an answer that names none: 'her mother had it too' within a case ends nothing."""
_PARTS = re.compile(r"[,;:.()\n]|\s[-\u2013\u2014]+\s|\bbut\b")
_OF_A_PATIENT = re.compile(r"\b(?:(?:one|two|some) of )?(?:my|our|this|have an?|new) patients?\b")
_OF_ANOTHER = re.compile(
    r"^(?:my|our|the|her|his|their) (?!name\b)|\b(?:see|saw|with) (?:my|our|the)\b|(?<!site) s\b"
    r"|(?<!training )\bto be\b"
)
"""How a text names somebody else by their role: 'my oncologist', 'pharmacist's assistant'."""
_FIRST_PERSON = re.compile("i am |i m |im |it s for my |it is for my |asking for my ")


class Roles(NamedTuple):
    """The words of roles (lexicon/answers.yaml)."""

    names: Mapping[str, str]
    """A name to its role, the longest first."""
    order: tuple[str, ...]
    """The roles, the one that says most first: a nurse in oncology is a nurse."""
    beside: frozenset[str]
    behind: frozenset[str]
    generic: frozenset[str]
    ranks: frozenset[str]
    fields: frozenset[str]
    denials: frozenset[str]
    of_oneself: tuple[str, ...]
    staff: frozenset[str]


def roles_in(data: Mapping[str, Any]) -> Roles:
    """The words of roles, as they stand in the lexicon's answers."""
    names = {_plain(name): role for role, said in data["role"].items() for name in said}
    professional = [name for name, role in names.items() if role != NOT_PROFESSIONAL]
    words = data["role_words"]
    beside = (*map(_plain, words["beside"]), *professional, *words["ranks"], *words["fields"])
    return Roles(
        dict(sorted(names.items(), key=lambda entry: -len(entry[0].split()))),
        tuple(data["role"]),
        frozenset(word for said in beside for word in said.split()),
        frozenset(words["behind"]),
        frozenset(words["generic"]),
        frozenset(words["ranks"]),
        frozenset(words["fields"]),
        frozenset(words["denials"]),
        tuple(words["of_oneself"]),
        frozenset(words["staff"]),
    )


class Said(NamedTuple):
    """The role an answer names, and the answer where words of one's own stand in it."""

    role: str
    beside: str = ""


def role_of(text: str, roles: Roles) -> Said | None:
    """The role somebody says they have; None where it is not plainly their own.

    Some part of the answer must name it and nothing else, with what is done there at most: 'hospitalist covering
    nights'. A denial is no role, "my patient" is nobody's, and who tells of their own illness is taken for no nurse.
    """
    words = _plain(text).split()
    if len(words) > _LONGEST:
        return None
    parts = [part for said in _PARTS.split(_without_accents(text)) if (part := _plain(said))]
    found = {part: _part(part, roles) for part in parts}
    named = {role for role in found.values() if role not in (None, NOT_PROFESSIONAL)}
    if not named and all(_is_beside(part.split(), roles) for part in parts) and _is_consultant(words, roles):
        named = {"oncologist"}
    none = [part for part, role in found.items() if role == NOT_PROFESSIONAL]
    if none and not named:
        of_oneself = len(words) <= _LONGEST_OF_NONE or any(map(_FIRST_PERSON.match, none))
        return Said(NOT_PROFESSIONAL) if of_oneself else None
    if not named or _is_of_oneself(words, roles):
        return None
    if not all(_is_denial(part, roles) for part in none):  # 'nurse, and a patient'
        return None
    role = next(role for role in roles.order if role in named)
    beside = ", ".join(part for part in parts if part not in none)
    return Said(role, "" if _is_beside(words, roles) else beside)


def _part(part: str, roles: Roles) -> str | None:
    """The role that a part of an answer names, and nothing else beside it."""
    words = part.split()
    hits = list(_hits(words, roles))
    if any(roles.names[name] == NOT_PROFESSIONAL for _, _, name in hits) or _is_denial(part, roles):
        return NOT_PROFESSIONAL
    end = _end_of_the_name(words, hits, roles)
    if _OF_ANOTHER.search(part) or not _is_beside(words[:end], roles):
        return None
    told = [name for start, _, name in hits if start < end]
    special = [name for name in told if name not in roles.generic] or told
    if not special and _is_consultant(words, roles):
        return "oncologist"
    return next((role for role in roles.order if any(roles.names[name] == role for name in special)), None)


def _hits(words: list[str], roles: Roles) -> Iterator[tuple[int, int, str]]:
    """Where names of roles stand in a part, the longer ones first; a word belongs to one of them."""
    taken: set[int] = set()
    single = [word.removesuffix("s") if roles.names.get(word.removesuffix("s"), NOT_PROFESSIONAL) != NOT_PROFESSIONAL
              else word for word in words]  # fmt: skip
    for name in roles.names:
        length = name.count(" ") + 1
        for start in range(len(words) - length + 1):
            places = range(start, start + length)
            if " ".join(single[start : start + length]) == name and taken.isdisjoint(places):
                taken.update(places)
                yield start, start + length, name


def _end_of_the_name(words: list[str], hits: list[tuple[int, int, str]], roles: Roles) -> int:
    """Where a part goes on behind the role, with where or what for: 'surgeon | in a breast centre'."""
    first = min((end for _, end, _ in hits), default=len(words))
    inside = {at for start, end, _ in hits for at in range(start, end)}
    return next((at for at in range(first, len(words)) if at not in inside and _leads_on(words[at], roles)), len(words))


def _leads_on(word: str, roles: Roles) -> bool:
    return word in roles.behind or (word.endswith("ing") and word not in roles.beside)


def _is_beside(words: list[str], roles: Roles) -> bool:
    """Whether words only name a role, or stand beside one."""
    return all(word in roles.beside or word.removesuffix("s") in roles.beside or word.isdigit() for word in words)


def _is_consultant(words: list[str], roles: Roles) -> bool:
    """Whether a rank and the field are named: 'professor of oncology', 'attending on the breast service'."""
    return not roles.ranks.isdisjoint(words) and not roles.fields.isdisjoint(words)


def _is_of_oneself(words: list[str], roles: Roles) -> bool:
    """Whether somebody tells of their own treatment: 'my oncologist told me'; not 'my consultant is away'."""
    own = [
        word for word, behind in zip(words, (*words[1:], ""), strict=True) if word != "my" or behind not in roles.staff
    ]
    return any(f" {said} " in f" {' '.join(own)} " for said in roles.of_oneself)


def _is_denial(part: str, roles: Roles) -> bool:
    """Whether a part says that somebody has no profession of these: 'not a health professional', 'not a doctor'."""
    first, *rest = part.split()
    return first in roles.denials and ("professional" in rest or roles.names.get(part) == NOT_PROFESSIONAL)


def _plain(text: str) -> str:
    """The words of a text without accents: 'médical' as 'medical'."""
    said = re.sub(r"[^\w+]+", " ", _without_accents(text).replace("_", " ")).strip()
    said = _OF_A_PATIENT.sub("somebody", said)
    return re.sub(r"\b(?:the |this )?patient s\b", "her", said)  # "the patient's GP"


def _without_accents(text: str) -> str:
    marked = unicodedata.normalize("NFKD", text.casefold())
    return "".join(sign for sign in marked if not unicodedata.combining(sign))
