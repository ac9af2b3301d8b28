"""Many profile classes at once: what is true of each of them is one bit of a whole number.

A block is every combination of the values of some axes, with all other answers fixed. Class number 0 is the lowest
bit. A condition is a pair of numbers: where it holds, and where it is known not to hold; in neither it is not known.
Whole numbers of any length are Python's own, and `&`, `|` take a machine word of classes at a time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

Answers = Mapping[str, Any]
"""Profile fields to answers."""


class Kleene(NamedTuple):
    """Where something holds, and where it is known not to."""

    true: int
    false: int

    def __invert__(self) -> Kleene:
        return Kleene(self.false, self.true)

    def both(self, other: Kleene) -> Kleene:
        """Where both hold."""
        return Kleene(self.true & other.true, self.false | other.false)

    def either(self, other: Kleene) -> Kleene:
        """Where one of them holds."""
        return Kleene(self.true | other.true, self.false & other.false)


class Axis(NamedTuple):
    """One way in which the classes of a block differ: a name, and the answers each step along it stands for."""

    name: str
    values: Sequence[Answers]


class Block:
    """Every combination of the values of its axes; the last axis changes fastest."""

    def __init__(self, fixed: Answers, axes: Sequence[Axis]) -> None:
        self.fixed, self.axes = fixed, tuple(axes)
        self.strides: dict[str, int] = {}
        stride = 1
        for axis in reversed(self.axes):
            self.strides[axis.name] = stride
            # the fastest axis is filled up to whole bytes, so that every other one lies on them
            stride *= len(axis.values) if stride > 1 else -(-len(axis.values) // 8) * 8
        self.length = stride
        self._lengths = {axis.name: len(axis.values) for axis in self.axes}
        last = self.axes[-1]
        self.full = self.repeat(pattern_of(range(len(last.values)), len(last.values)))
        """Every class there is."""

    @property
    def count(self) -> int:
        """How many classes it has."""
        return self.full.bit_count()

    def lift(self, name: str, places: Iterable[int]) -> int:
        """The classes that stand at one of these places of an axis."""
        stride, count = self.strides[name], self._lengths[name]
        if name == self.axes[-1].name:
            return self.repeat(pattern_of(places, count))
        chosen = frozenset(places)
        filled, empty = b"\xff" * (stride // 8), bytes(stride // 8)
        pattern = b"".join([filled if place in chosen else empty for place in range(count)])
        return self.repeat(pattern) & self.full

    def repeat(self, pattern: bytes) -> int:
        """The classes of a pattern that recurs along the axes before it, as `pattern_of` makes one of the last axis."""
        return int.from_bytes(pattern * (self.length // 8 // len(pattern)), "little")

    def answers(self, number: int) -> dict[str, Any]:
        """The answers of one class."""
        found = dict(self.fixed)
        for axis in self.axes:
            stride = self.strides[axis.name]
            place = number // stride
            number -= place * stride
            found.update(axis.values[place])
        return {field: value for field, value in found.items() if value is not None}

    def part(self, bits: int, place: int) -> int:
        """What is true at one place of the first axis, as a statement about the classes of the others."""
        stride = self.strides[self.axes[0].name]
        return (bits >> (place * stride)) & ((1 << stride) - 1)

    def whole(self, part: int, place: int) -> int:
        """A statement about the classes at one place of the first axis, as one about all of them."""
        return part << (place * self.strides[self.axes[0].name])


def pattern_of(places: Iterable[int], count: int) -> bytes:
    """Places along the last axis, of `count`, as bits."""
    pattern = bytearray(-(-count // 8))
    for place in places:
        pattern[place >> 3] |= 1 << (place & 7)
    return bytes(pattern)


def numbers(bits: int, most: int) -> Iterator[int]:
    """The lowest class numbers in a set, at most so many."""
    for _ in range(most):
        if not bits:
            return
        lowest = bits & -bits
        yield lowest.bit_length() - 1
        bits ^= lowest
