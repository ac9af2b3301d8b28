"""Names that rules look for: each is one the lexicon has, or the rule would never apply."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest

from flows.plain_yaml import read_yaml
from messages import understanding
from messages.understanding.lexicon import FOLDER
from messages.understanding.named import Cue, Kind, Role

PHRASES, WORDS = (read_yaml((FOLDER / f"{file}.yaml").read_text("utf-8")) for file in ("phrases", "words"))
MODULES = sorted(Path(understanding.__file__).parent.glob("*.py"))
HELD_BY = {"cues": set(get_args(Cue)), "roles": set(get_args(Role)), "played": set(get_args(Role)),
           "kinds": set(get_args(Kind))}  # fmt: skip
"""What holds names, as rules write it: `piece.roles`, `outline.cues[at]`."""


def test_the_names_are_those_of_the_lexicon() -> None:
    assert set(get_args(Cue)) == set(PHRASES["cues"])
    made = {"month", "local", "lettered"}  # groups of phrases that single words are of, too; what letters of items get
    assert set(get_args(Role)) == {*WORDS["roles"], *made}


def _looked_for(tree: ast.AST) -> Iterator[tuple[ast.expr, ast.expr]]:
    """What is looked for, and where: `x in y`, `x & y`, `y.isdisjoint(x)`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.In | ast.NotIn):
            yield node.left, node.comparators[0]
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitAnd):
            yield node.right, node.left
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "isdisjoint":
            yield node.args[0], node.func.value


def _unknown_names(text: str) -> list[str]:
    found = []
    for named, holder in _looked_for(ast.parse(text)):
        held = holder.value if isinstance(holder, ast.Subscript) else holder
        name = held.attr if isinstance(held, ast.Attribute) else held.id if isinstance(held, ast.Name) else ""
        if name in HELD_BY and isinstance(named, ast.Constant | ast.Tuple | ast.Set):
            names = {each.value for each in ast.walk(named) if isinstance(each, ast.Constant)}
            found += sorted(str(each) for each in names - HELD_BY[name])
    return found


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_no_rule_looks_for_a_name_the_lexicon_does_not_have(path: Path) -> None:
    assert _unknown_names(path.read_text("utf-8")) == []


@pytest.mark.parametrize(
    "rule",
    [
        '"stoped" in outline.cues[at]',
        '"modul" not in piece.roles',
        'cues & {"stopped", "ongoin"}',
        'piece.roles.isdisjoint(("because", "wy"))',
        '"agent" in piece.kinds',
    ],
)
def test_a_misspelt_name_is_found(rule: str) -> None:
    assert len(_unknown_names(rule)) == 1
