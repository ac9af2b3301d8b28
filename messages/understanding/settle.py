"""One value for each field from everything that is stated of it; what contradicts itself is asked back."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from messages.understanding.statements import Stated, Statement

_GRADED = ("hepatic_impairment", "dpd_deficiency")
"""Fields of which what is said last is nearest: a finding first, then its grade."""
_SEVERAL = ("red_flags", "interacting_medicines")


@dataclass(slots=True)
class Settled:
    """The values of the fields, the statements they rest on, and what contradicts itself."""

    values: dict[str, Any] = field(default_factory=dict)
    by: list[tuple[str, object, Statement]] = field(default_factory=list)
    contradictory: list[tuple[str, tuple[str, ...], list[Statement]]] = field(default_factory=list)


def settle(stated: Stated, known: Iterable[str]) -> Settled:
    """The values of a text's fields. `known`: fields that have their value already, from the lines of therapy."""
    settled = Settled()
    fields: dict[str, list[Statement]] = {}
    receptors: list[Statement] = []
    for statement in stated.statements:
        if statement.field.startswith("receptor_"):
            receptors.append(statement)
        else:
            fields.setdefault(statement.field, []).append(statement)
    for statement in _hormone_receptors(receptors) if receptors else ():
        fields.setdefault(statement.field, []).append(statement)
    taken = set(known)
    for name, statements in fields.items():
        if name in ("prior_lines", "early_stage_agents"):
            if name not in taken:
                _take(settled, name, statements[0].value, statements[:1])
        elif name in _SEVERAL:
            _collect(settled, name, statements)
        else:
            _decide(settled, name, statements)
    return settled


def _take(settled: Settled, name: str, value: object, statements: Iterable[Statement]) -> None:
    settled.values[name] = value
    settled.by += [(name, value if value != () else "none", statement) for statement in statements]


def _decide(settled: Settled, name: str, statements: list[Statement]) -> None:
    if len(statements) == 1:
        _take(settled, name, statements[0].value, statements)
        return
    values = list(dict.fromkeys([statement.value for statement in statements]))
    chosen = _chosen(name, statements, values)
    if chosen is None:
        settled.contradictory.append((name, tuple(str(value) for value in values), statements))
    else:
        _take(settled, name, chosen, (statement for statement in statements if statement.value == chosen))


def _chosen(name: str, statements: list[Statement], values: list[object]) -> object | None:
    """The one value of a field; None where statements contradict one another."""
    if len(values) == 1:
        return values[0]
    if statements[-1].corrected:
        return statements[-1].value
    if name == "setting":
        return "metastatic" if "metastatic" in values else "early"
    if name == "extracranial_disease":
        rest = [statement.value for statement in statements if statement.value != "unknown"]
        return "progressing" if "progressing" in rest else rest[-1]
    rest = [value for value in values if value != "unknown"]
    if len(rest) == 1:
        return rest[0]
    if name == "her2_status" and set(rest) == {"negative", "low"}:
        return "low"
    if name in _GRADED and "none" not in rest:
        return statements[-1].value
    return None


def _collect(settled: Settled, name: str, statements: list[Statement]) -> None:
    """Fields that hold several values: all that are said; none or unknown only where nothing else is."""
    found: list[str] = []
    for statement in statements:
        if isinstance(statement.value, tuple):
            found += [value for value in statement.value if value not in found]
            settled.by.append((name, "+".join(statement.value) or "none", statement))
        else:
            settled.by.append((name, statement.value, statement))
    told = any(isinstance(statement.value, tuple) for statement in statements)
    settled.values[name] = tuple(found) if told else "unknown"


def _hormone_receptors(said: list[Statement]) -> list[Statement]:
    """ER, PR and HR to one status: positive where either is, negative where ER or HR is and PR is not positive."""
    corrected = [statement for statement in said if statement.corrected and statement.field != "receptor_pr"]
    er = corrected[-1:] or [statement for statement in said if statement.field != "receptor_pr"]
    pr = [statement for statement in said if statement.field == "receptor_pr"]
    main = {str(statement.value) for statement in er}
    if {"positive", "negative"} <= main:
        verdicts = ["positive", "negative"]
    elif "positive" in main or any(statement.value == "positive" for statement in pr):
        verdicts = ["positive"]
    elif "negative" in main:
        verdicts = ["negative"]
    elif "unknown" in main:
        verdicts = ["unknown"]
    else:
        return []
    return [
        Statement("hr_status", verdict, statement.start, statement.end, statement.corrected)
        for verdict in verdicts
        for statement in (*er, *pr)
        if statement.value == verdict
    ]
