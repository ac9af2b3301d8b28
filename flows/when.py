"""The condition language: one class for a profile field's `asked_when` and for every condition in the knowledge.

A condition is a mapping whose keys must all hold. It evaluates in Kleene's three values: True, False and
None (not known), and it can name the atoms that made it so, which is how every statement says why.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

Truth = bool | None
NOT_KNOWN = "unknown"


class Members(NamedTuple):
    """A set of names that may not be known in full: those in it, and those that may be (None: any)."""

    known: frozenset[str]
    possible: frozenset[str] | None = frozenset()


class Several(frozenset[str]):
    """The options of a name whose value is a set: it is compared by what it includes, not as one option."""


View = Mapping[str, Any]
"""What a condition sees: a name to an option, an int, `Members`, or None where it is not known."""

SET_OPERATORS = ("includes_any", "includes_all", "includes_none")
NUMBER_OPERATORS = ("at_least", "at_most")


class Atom(NamedTuple):
    """One comparison of one name, for example `brain_metastases is active`."""

    field: str
    operator: str  # is | known | includes_any | includes_all | includes_none | at_least | at_most
    values: tuple[str | int, ...]
    negated: bool = False

    def __str__(self) -> str:
        sign = "not " if self.negated else ""
        return f"{sign}{self.field} {self.operator} {', '.join(map(str, self.values))}"


Test = Callable[[View], Truth]


def _scalar(field: str, allowed: frozenset[str | int]) -> Test:
    if NOT_KNOWN in allowed:  # "not known" is asked for by name: the test is then about knowledge, and certain
        return lambda view: (value := view[field]) is None or value in allowed

    if len(allowed) == 1:
        (only,) = allowed

        def is_it(view: View) -> Truth:
            value = view[field]
            return None if value is None else value == only

        return is_it

    def test(view: View) -> Truth:
        value = view[field]
        return None if value is None else value in allowed

    return test


def _includes_any(field: str, wanted: frozenset[str]) -> Test:
    def test(view: View) -> Truth:
        known, possible = view[field]
        if not wanted.isdisjoint(known):
            return True
        return None if possible is None or not wanted.isdisjoint(possible) else False

    return test


def _includes_all(field: str, wanted: frozenset[str]) -> Test:
    def test(view: View) -> Truth:
        known, possible = view[field]
        if wanted <= known:
            return True
        return None if possible is None or wanted <= known | possible else False

    return test


def _compare(field: str, operator: str, bound: int) -> Test:
    def test(view: View) -> Truth:
        value = view[field]
        if value is None:
            return None
        return bool(value >= bound) if operator == "at_least" else bool(value <= bound)

    return test


def _negate(test: Test) -> Test:
    def negated(view: View) -> Truth:
        truth = test(view)
        return None if truth is None else not truth

    return negated


def _test_of(atom: Atom) -> Test:
    values = frozenset(atom.values)
    if atom.operator == "is":
        return _scalar(atom.field, values)
    if atom.operator == "known":
        return lambda view: view[atom.field] in values
    if atom.operator == "includes_any":
        return _includes_any(atom.field, values)  # type: ignore[arg-type]
    if atom.operator == "includes_none":
        return _negate(_includes_any(atom.field, values))  # type: ignore[arg-type]
    if atom.operator == "includes_all":
        return _includes_all(atom.field, values)  # type: ignore[arg-type]
    return _compare(atom.field, atom.operator, int(atom.values[0]))


def _every(tests: tuple[Test, ...]) -> Test:
    if len(tests) == 1:
        return tests[0]

    def every(view: View) -> Truth:
        result: Truth = True
        for test in tests:
            truth = test(view)
            if truth is False:
                return False
            if truth is None:
                result = None
        return result

    return every


def _some(tests: tuple[Test, ...]) -> Test:
    def some(view: View) -> Truth:
        result: Truth = False
        for test in tests:
            truth = test(view)
            if truth is True:
                return True
            if truth is None:
                result = None
        return result

    return some


class Node(NamedTuple):
    """A part of a condition with its compiled test: `all`, `any` or `not` of its parts, or one atom."""

    kind: str
    parts: tuple[Node, ...]
    atom: Atom | None
    test: Test

    @classmethod
    def leaf(cls, atom: Atom) -> Node:
        return cls("atom", (), atom, _test_of(atom))

    @classmethod
    def group(cls, kind: str, parts: tuple[Node, ...]) -> Node:
        tests = tuple(part.test for part in parts)
        if kind == "not":
            return cls(kind, parts, None, _negate(tests[0]))
        if not tests:
            return cls(kind, parts, None, lambda view: True)
        return cls(kind, parts, None, _every(tests) if kind == "all" else _some(tests))


class When:
    """A condition. `holds(view)` is True, False or None; `because` and `open_fields` say why, `fields` on what.

    Raises ValueError from the constructor where the mapping is not of the language; names and options are
    checked against a vocabulary with `check`, because a condition does not know which fields exist.
    """

    __slots__ = ("_always", "_leaves", "fields", "holds", "source", "tree")

    def __init__(self, source: Mapping[str, Any]) -> None:
        self.source = source
        self.tree = _parse(source)
        self.holds: Test = self.tree.test
        self._leaves = tuple(_leaves(self.tree))
        self.fields = frozenset(atom.field for atom in self._leaves)
        plain = self.tree.atom is not None or (
            self.tree.kind == "all" and all(part.atom is not None for part in self.tree.parts)
        )
        narrow = all(len(atom.values) == 1 or atom.operator == "includes_all" for atom in self._leaves)
        self._always = self._leaves if plain and narrow else None  # the support of a plain conjunction is itself

    def because(self, view: View) -> tuple[Atom, ...]:
        """The atoms that made the condition true, in the order they are written; empty where it is not."""
        return self.support(view) if self.holds(view) is True else ()

    def support(self, view: View) -> tuple[Atom, ...]:
        """The atoms behind a condition that is known to hold."""
        if self._always is not None:
            return self._always
        return tuple(dict.fromkeys(_support(self.tree, view)))

    def holding(self, view: View) -> tuple[Atom, ...]:
        """The parts of a condition that hold where the whole is not known to."""
        return tuple(dict.fromkeys(_holding(self.tree, view)))

    def needed(self, view: View) -> tuple[Atom, ...]:
        """The atoms still open, each as it would have to be for the condition to become true."""
        return tuple(dict.fromkeys(_open(self.tree, view)))

    def open_fields(self, view: View) -> frozenset[str]:
        """The names whose value is not known and keeps the condition from being decided."""
        return frozenset(atom.field for atom in _open(self.tree, view))

    @property
    def atoms(self) -> tuple[Atom, ...]:
        """Every comparison in it, in the order written."""
        return self._leaves

    def check(self, vocabulary: Mapping[str, frozenset[str] | None]) -> None:
        """Refuse a name or option that does not exist. `vocabulary`: name to its options, None for a number."""
        for atom in self._leaves:
            if atom.field not in vocabulary:
                raise ValueError(f"there is no question or finding named {atom.field!r}")
            options = vocabulary[atom.field]
            numeric = atom.operator in NUMBER_OPERATORS
            if (options is None) != numeric:
                raise ValueError(f"{atom.field}: {atom.operator} does not fit this field")
            if options is not None:
                if isinstance(options, Several) != (atom.operator in SET_OPERATORS):
                    raise ValueError(f"{atom.field}: {atom.operator} does not fit this field")
                for value in atom.values:
                    if value not in options:
                        raise ValueError(f"{atom.field}: there is no option {value!r}")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, When) and self.source == other.source

    def __hash__(self) -> int:
        return hash(self._leaves)

    def __reduce__(self) -> tuple[type[When], tuple[Mapping[str, Any]]]:
        return When, (self.source,)

    def __repr__(self) -> str:
        return f"When({self.source!r})"

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            lambda value: value if isinstance(value, When) else cls(value),
            serialization=core_schema.plain_serializer_function_ser_schema(lambda when: dict(when.source)),
        )


def _parse(source: Mapping[str, Any]) -> Node:
    if not isinstance(source, Mapping):
        raise ValueError(f"a condition is a mapping, not {type(source).__name__}")
    parts: list[Node] = []
    for name, wanted in source.items():
        if name in ("any", "all"):
            if not isinstance(wanted, list) or not wanted:
                raise ValueError(f"{name}: needs a list of conditions")
            parts.append(Node.group(name, tuple(_parse(part) for part in wanted)))
        elif name == "not":
            if not isinstance(wanted, Mapping) or not wanted:
                raise ValueError("not: needs one condition")
            parts.append(Node.group("not", (_parse(wanted),)))
        else:
            parts.extend(Node.leaf(atom) for atom in _atoms(name, wanted))
    return parts[0] if len(parts) == 1 else Node.group("all", tuple(parts))


def _atoms(name: str, wanted: Any) -> Iterator[Atom]:
    if isinstance(wanted, Mapping):
        if not wanted:
            raise ValueError(f"{name}: an empty condition")
        for operator, values in wanted.items():
            if operator in SET_OPERATORS or operator == "known":
                yield Atom(name, operator, _strings(name, values))
            elif operator in NUMBER_OPERATORS:
                if type(values) is not int:
                    raise ValueError(f"{name}: {operator} needs a whole number")
                yield Atom(name, operator, (values,))
            else:
                raise ValueError(f"{name}: there is no operator {operator!r}")
    else:
        yield Atom(name, "is", _strings(name, wanted))


def _strings(name: str, values: Any) -> tuple[str, ...]:
    listed = values if isinstance(values, list) else [values]
    if not listed or any(not isinstance(value, str) for value in listed):
        raise ValueError(f"{name}: needs an option or a list of options, got {values!r}")
    return tuple(listed)


def _leaves(node: Node) -> Iterator[Atom]:
    if node.atom is not None:
        yield node.atom
    for part in node.parts:
        yield from _leaves(part)


def _flip(atoms: Iterable[Atom]) -> Iterator[Atom]:
    for atom in atoms:
        yield atom._replace(negated=not atom.negated)


def _support(node: Node, view: View) -> Iterator[Atom]:
    """Atoms of a node that is true, narrowed to what the profile says."""
    if node.atom is not None:
        yield _narrowed(node.atom, view)
    elif node.kind == "not":
        for atom in _refutation(node.parts[0], view):
            yield _otherwise(atom, view)
    elif node.kind == "all":
        for part in node.parts:  # each of them is true
            if part.atom is not None:
                yield _narrowed(part.atom, view)
            else:
                yield from _support(part, view)
    else:
        yield from _support(next(part for part in node.parts if part.test(view) is True), view)


def _otherwise(atom: Atom, view: View) -> Atom:
    """ "Not present" becomes "absent" where that is the answer."""
    if atom.operator in ("is", "known") and not atom.negated and view[atom.field] is not None:
        return Atom(atom.field, "is", (view[atom.field],))
    return atom._replace(negated=not atom.negated)


def _narrowed(atom: Atom, view: View) -> Atom:
    """ "None or not imaged" becomes "none" where that is the answer."""
    if len(atom.values) > 1:
        if atom.operator in ("is", "known"):
            value = view[atom.field]
            return atom._replace(values=(NOT_KNOWN if value is None else value,))
        if atom.operator == "includes_any":
            return atom._replace(values=tuple(value for value in atom.values if value in view[atom.field].known))
    return atom


def _refutation(node: Node, view: View) -> Iterator[Atom]:
    """Atoms of a node that is false: enough of them to show it."""
    if node.atom is not None:
        yield node.atom
    elif node.kind == "not":
        yield from _flip(_support(node.parts[0], view))
    else:
        for part in node.parts:
            if part.test(view) is False:
                yield from _refutation(part, view)
                if node.kind == "all":
                    return


def _open(node: Node, view: View) -> Iterator[Atom]:
    """Atoms of a node that is not known, as they would have to be for it to hold."""
    if node.atom is not None:
        if node.test(view) is None:
            yield node.atom
    elif node.kind == "not":
        yield from _flip(_open(node.parts[0], view))
    else:
        for part in node.parts:
            if part.test(view) is None:
                yield from _open(part, view)


def _holding(node: Node, view: View) -> Iterator[Atom]:
    if node.kind == "all":
        for part in node.parts:
            if part.test(view) is True:
                yield from _support(part, view)
            else:
                yield from _holding(part, view)


ALWAYS = When({})
