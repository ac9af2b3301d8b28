"""Which names a misspelt word is near: optimal string alignment on whole words.

One edit is allowed, two for eight letters and more.
"""

from __future__ import annotations

from collections.abc import Iterable

from rapidfuzz import process
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
    # the stubs of the scorer know no whole numbers
    near = process.extract(
        word,
        names,
        scorer=OSA.distance,  # type: ignore[arg-type]
        score_cutoff=edits(word),
        limit=None,
    )
    if not near:
        return (), 0
    best = int(near[0][1])
    return tuple(name for name, distance, _ in near if distance == best), best
