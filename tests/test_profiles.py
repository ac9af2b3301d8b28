"""The rows of tests/profiles, each one patient a clinician can read, against the advice for it.

What a row expects comes from the evidence dossier (decision table, safety cards), not from the code. A file
holds a `base` that completes every row of it; in a row's profile null leaves a field out. `expect` reads:

status           the status of the advice
first            the option ranked first, or a list of which it is one
order            the first options in this order; [] where nothing may be ranked
tier             regimen to its tier
no_tier          tiers that no option may have
steps            exactly these steps, in this order
options_include / options_exclude   regimens that are, or are not, among the options
excluded         regimen to the rule (or rules) that rule it out; it is then no option
not_excluded     regimen to the rule (or rules) that do not rule it out
cautions         regimen to the caution (or cautions) its option carries
cautions_certain regimen to the caution (or cautions) it carries whatever is not known
cautions_exclude regimen to the caution (or cautions) its option does not carry
partners_exclude regimen to agents that are not among the partners it names
ungraded         options that claim no guideline's grade
assumes          fields the answer says it assumes something of
asks             fields it asks for
reasons          stops among those that hold; the first of them is the first reason
reasons_exclude  stops that do not hold
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from flows.findings import SOURCE_OF
from flows.knowledge import shipped
from flows.plain_yaml import read_yaml
from flows.profile import Profile
from flows.sequencing.advice import Advice
from flows.sequencing.recommend import recommend

FOLDER = Path(__file__).parent / "profiles"
DECISION_ROWS = tuple(f"R{number:02}" for number in range(1, 34))
ROW_KEYS = {"id", "row", "says", "profile", "gate", "expect"}
EXPECT_KEYS = {
    "status", "first", "order", "tier", "no_tier", "steps", "options_include", "options_exclude", "excluded",
    "not_excluded", "cautions", "cautions_certain", "cautions_exclude", "partners_exclude", "ungraded", "assumes",
    "asks", "reasons",
    "reasons_exclude",
}  # fmt: skip
BUILT_IN = {"no_partner_left"}
TWICE = {
    "anti_her2_pregnancy", "t_dxd_ild_history", "t_dm1_hepatic_severe", "t_dxd_hepatic_severe",
    "lapatinib_hepatic_severe", "neratinib_hepatic_severe", "tucatinib_hepatic_severe", "capecitabine_renal_severe",
    "capecitabine_dpd_complete", "t_dm1_platelets_low", "margetuximab_lvef_reduced", "her2_tki_after_her2_tki",
}  # fmt: skip
"""Exclusions of the hard contraindications: one row would not be enough."""


@dataclass(frozen=True)
class Row:
    """One row of a file: a patient, what the dossier says, and where it says it."""

    name: str
    rows: tuple[str, ...]
    says: str
    profile: Profile
    gate: str | None
    expect: dict[str, Any]


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


@cache
def all_rows() -> tuple[Row, ...]:
    found = []
    for path in sorted(FOLDER.glob("*.yaml")):
        document = read_yaml(path.read_text(encoding="utf-8"))
        assert set(document) == {"base", "rows"}, path.name
        for entry in document["rows"]:
            name = f"{path.stem}/{entry.get('id')}"
            assert entry.keys() <= ROW_KEYS, f"{name}: {entry.keys() - ROW_KEYS}"
            assert entry["expect"].keys() <= EXPECT_KEYS, f"{name}: {entry['expect'].keys() - EXPECT_KEYS}"
            assert entry["says"].strip(), name
            answers = {**document["base"], **entry["profile"]}
            stated = {field: value for field, value in answers.items() if value is not None}
            found.append(
                Row(
                    name,
                    tuple(listed(entry["row"])),
                    entry["says"],
                    Profile.model_validate(stated),
                    entry.get("gate"),
                    entry["expect"],
                )
            )
    return tuple(found)


@cache
def advice_for(name: str) -> Advice:
    row = next(row for row in all_rows() if row.name == name)
    return recommend(row.profile, shipped(), row.gate)


def assumed_fields(advice: Advice) -> set[str]:
    """The profile fields the assumptions speak of."""
    return {field for atom in advice.assumptions for field in SOURCE_OF.get(atom.field, (atom.field,))}


def wrong_in(row: Row, advice: Advice) -> list[str]:  # noqa: PLR0912  (one key of a row after another)
    """What of an advice is not as a row expects it."""
    expect = row.expect
    options = {option.regimen.id: option for option in advice.options}
    excluded = {(exclusion.regimen.id, exclusion.rule) for exclusion in advice.excluded}
    wrong = []

    def check(key: str, holds: bool, found: Any) -> None:
        if not holds:
            wrong.append(f"{key}: expected {expect[key]}, found {found}")

    check("status", advice.status == expect["status"], advice.status)
    if "first" in expect:
        check("first", advice.regimens[:1] and advice.regimens[0] in listed(expect["first"]), advice.regimens)
    if "order" in expect:
        wanted = tuple(expect["order"])
        check("order", advice.regimens[: len(wanted)] == wanted if wanted else not options, advice.regimens)
    for regimen, tier in expect.get("tier", {}).items():
        found = options[regimen].tier if regimen in options else "no option"
        check("tier", found == tier, {regimen: found})
    for tier in expect.get("no_tier", ()):
        found = [f"{name} ({option.row.id})" for name, option in options.items() if option.tier == tier]
        check("no_tier", not found, {tier: found})
    if "steps" in expect:
        steps = [step.regimen.id for step in advice.steps]
        check("steps", steps == expect["steps"], steps)
    for regimen in expect.get("options_include", ()):
        check("options_include", regimen in options, advice.regimens)
    for regimen in expect.get("options_exclude", ()):
        check("options_exclude", regimen not in options, advice.regimens)
    for regimen, rules in expect.get("excluded", {}).items():
        for rule in listed(rules):
            check("excluded", (regimen, rule) in excluded and regimen not in options, sorted(excluded))
    for regimen, rules in expect.get("not_excluded", {}).items():
        for rule in listed(rules):
            check("not_excluded", (regimen, rule) not in excluded, sorted(excluded))
    for regimen, rules in expect.get("cautions_exclude", {}).items():
        held = {caution.rule.id for caution in options[regimen].cautions} if regimen in options else None
        for rule in listed(rules):
            check("cautions_exclude", held is not None and rule not in held, {regimen: held})
    for regimen, rules in expect.get("cautions_certain", {}).items():
        held = {one.rule.id for one in options[regimen].cautions if one.certain} if regimen in options else None
        for rule in listed(rules):
            check("cautions_certain", held is not None and rule in held, {regimen: held})
    for regimen, rules in expect.get("cautions", {}).items():
        held = {caution.rule.id for caution in options[regimen].cautions} if regimen in options else None
        for rule in listed(rules):
            check("cautions", held is not None and rule in held, {regimen: held})
    for regimen, agents in expect.get("partners_exclude", {}).items():
        partners = options[regimen].partners if regimen in options else None
        check("partners_exclude", partners is not None and not set(agents) & set(partners), {regimen: partners})
    for regimen in expect.get("ungraded", ()):
        grades = options[regimen].grades if regimen in options else None
        check("ungraded", grades == (), {regimen: grades})
    for field in expect.get("assumes", ()):
        check("assumes", field in assumed_fields(advice), sorted(assumed_fields(advice)))
    for field in expect.get("asks", ()):
        check("asks", field in advice.ask_next, advice.ask_next)
    reasons = [reason.stop.id for reason in advice.reasons]
    for stop in expect.get("reasons_exclude", ()):
        check("reasons_exclude", stop not in reasons, reasons)
    if "reasons" in expect:
        wanted = expect["reasons"]
        check("reasons", reasons[:1] == wanted[:1] and set(wanted) <= set(reasons), reasons)
    return wrong


@pytest.mark.parametrize("row", all_rows(), ids=lambda row: row.name)
def test_row(row: Row) -> None:
    """S15, S16, S20: the advice for one patient is what the dossier says. If it fails, a clinician reads another
    recommendation, or misses a warning, than the evidence reviewed for this tool supports."""
    wrong = wrong_in(row, advice_for(row.name))
    assert not wrong, "\n".join([row.says, *wrong])


def test_ids_are_unique() -> None:
    """S15: two rows of one name would hide one another."""
    names = Counter(row.name for row in all_rows())
    assert [name for name, count in names.items() if count > 1] == []


def test_labels_exist() -> None:
    """S15: a row that names a rule which does not exist would count for nothing and look as if it did."""
    knowledge = shipped()
    known = {*DECISION_ROWS, *BUILT_IN, *(rule.id for rule in knowledge.rules), *(stop.id for stop in knowledge.stops)}
    assert {label for row in all_rows() for label in row.rows} - known == set()


@pytest.mark.parametrize("decision_row", DECISION_ROWS)
def test_every_decision_row_has_two_patients(decision_row: str) -> None:
    """S15: a row of the dossier's decision table without two patients could be dropped or inverted unnoticed."""
    assert sum(decision_row in row.rows for row in all_rows()) >= 2


@pytest.mark.parametrize("stop", [stop.id for stop in shipped().stops])
def test_every_stop_is_expected_twice(stop: str) -> None:
    """S3: a stop that no row expects could vanish, and drugs would be ranked where none may be."""
    assert sum(stop in row.expect.get("reasons", ()) for row in all_rows()) >= 2


@pytest.mark.parametrize("rule", [rule.id for rule in shipped().rules if rule.kind == "exclusion"])
def test_every_exclusion_is_expected(rule: str) -> None:
    """S16: an exclusion that no row expects could vanish, and a contraindicated regimen would be offered."""
    count = sum(any(rule in listed(rules) for rules in row.expect.get("excluded", {}).values()) for row in all_rows())
    assert count >= (2 if rule in TWICE else 1)


@pytest.mark.parametrize("rule", [rule.id for rule in shipped().rules if rule.kind == "caution"])
def test_every_caution_is_shown_to_some_patient(rule: str) -> None:
    """S15: a caution that no patient ever sees is a dead rule."""
    shown = (option.cautions for row in all_rows() for option in advice_for(row.name).options)
    assert any(caution.rule.id == rule for cautions in shown for caution in cautions)


@pytest.mark.parametrize("entry", shipped().recommendations, ids=lambda entry: entry.id)
def test_every_recommendation_places_something(entry: Any) -> None:
    """S15: a recommendation that places no option and no step and states no assumption for any patient is dead: the
    guideline row it stands for is not in effect."""
    for row in all_rows():
        advice = advice_for(row.name)
        if any(option.row.id == entry.id for option in advice.options):
            return
        if any(
            step.step == given.regimen.id and step.text in given.text for step in entry.steps for given in advice.steps
        ):
            return
        if entry.assumes is not None and entry.assumes.fields & assumed_fields(advice):
            return
    pytest.fail(f"{entry.id} places nothing in any row")
