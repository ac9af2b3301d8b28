"""Which names a misspelt word is near: optimal string alignment on whole words.

One edit is allowed, two for eight letters and more.
"""

from __future__ import annotations

from collections.abc import Iterable

from rapidfuzz.distance import OSA

SHORTEST = 5
"""Letters a word must have before it is taken for a misspelt name."""


_SHORT_BY_EAR = 6
"""Letters up to which a name may be another word with other vowels."""
_ANY_VOWEL = str.maketrans("eiouy", "aaaaa")


def edits(word: str) -> int:
    """How many edits a word may be away from the name it means."""
    return 1 if len(word) < 8 else 2


def is_one_edit_from(word: str, meant: str) -> bool:
    """Whether one wrong, missing or doubled letter tells two words apart."""
    return OSA.distance(word, meant, score_cutoff=1) == 1


def sounds_like(word: str, name: str) -> bool:
    """Whether only vowels, or the order of letters, behind the first tell a long word from a name: 'Enhurta',
    'Kadlcya'."""
    if not len(word) == len(name) > _SHORT_BY_EAR or word[0] != name[0]:
        return False
    return word.translate(_ANY_VOWEL) == name.translate(_ANY_VOWEL) or sorted(word) == sorted(name)


def nearest(word: str, names: Iterable[str]) -> tuple[tuple[str, ...], int]:
    """The names nearest to a word, all that are equally near, and how many edits away they are; none: empty and 0."""
    best = edits(word)
    found: list[str] = []
    for name in names:
        if abs(len(name) - len(word)) > best:
            continue
        distance = OSA.distance(word, name, score_cutoff=best)
        if distance < best:
            best, found = distance, [name]
        elif distance == best:
            found.append(name)
    return tuple(found), best if found else 0
