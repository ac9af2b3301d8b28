"""What a condition can see of a profile: its answers, and what follows from the lines of therapy.

A finding is never guessed: a line whose agents or outcome are not known leaves the sets built from it open,
so that a condition on them is "not known" and not "no".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flows.profile import AGENTS, FIELDS, OPTIONS, OUTCOMES, Asked, Line, Profile, asked_as
from flows.when import NOT_KNOWN, Members, Several, View

CLASSES = (
    "anti_her2", "her2_antibody", "her2_adc", "her2_tki", "taxane", "anthracycline", "platinum",
    "fluoropyrimidine", "chemotherapy", "endocrine", "aromatase_inhibitor", "cdk46",
)  # fmt: skip
GATE = ("in_scope", "her2_negative", "her2_low", "her2_unknown", "early_stage", "stage_unknown",
        "other_tumour", "under_18")  # fmt: skip
NOT_APPLICABLE = "not_applicable"

_AGENTS_AND_CLASSES = Several(frozenset(AGENTS) | frozenset(CLASSES))
_SETS = ("red_flags", "interacting_medicines")
_ANY = Members(frozenset(), None)
_SCALARS = tuple(field for field in OPTIONS if field not in _SETS)
_BRANCHED = tuple(
    (field, asked.when)
    for field in FIELDS
    if isinstance(asked := asked_as(field), Asked) and asked.when is not None and field in OPTIONS
)

FINDINGS: dict[str, frozenset[str] | None] = {
    **{field: (Several if field in _SETS else frozenset)(options) for field, options in OPTIONS.items()},
    "gate": frozenset(GATE),
    "absent": Several(FIELDS),
    "line": frozenset(("first", "second", "later")),
    "relapse": frozenset(("none", "within_6", "within_12", "over_12")),
    "received": _AGENTS_AND_CLASSES,
    "received_early": _AGENTS_AND_CLASSES,
    "received_ever": _AGENTS_AND_CLASSES,
    "progressed_on": _AGENTS_AND_CLASSES,
    "not_tolerated": _AGENTS_AND_CLASSES,
    "last_line": _AGENTS_AND_CLASSES,
    "last_outcome": frozenset(option for option in OUTCOMES if option != NOT_KNOWN),
    "her2_lines": None,
}
"""Every name a condition may use, with its options; None for a number. `out` is added by the sequencing."""

SOURCE_OF: dict[str, tuple[str, ...]] = {
    "gate": ("her2_status", "setting"),
    "line": ("prior_lines",),
    "relapse": ("months_since_adjuvant_her2", "early_stage_agents"),
    "received": ("prior_lines",),
    "received_early": ("early_stage_agents",),
    "received_ever": ("prior_lines", "early_stage_agents"),
    "progressed_on": ("prior_lines",),
    "not_tolerated": ("prior_lines",),
    "last_line": ("prior_lines",),
    "last_outcome": ("prior_lines",),
    "her2_lines": ("prior_lines",),
}
"""A derived finding to the profile fields it is read from: what to ask where it is not known."""


def _members(agents: tuple[str, ...], classes: Mapping[str, frozenset[str]]) -> frozenset[str]:
    return frozenset().union(*(classes[agent] for agent in agents)) if agents else frozenset()


def findings(profile: Profile, classes: Mapping[str, frozenset[str]], gate: str | None = None) -> dict[str, Any]:
    """The view of `profile` that conditions are evaluated on.

    `classes`: agent id to the set of its own id and its class ids, from the knowledge.
    `gate`: the answer to the dialogue's first clinical question where it was one the profile cannot hold.
    """
    view: dict[str, Any] = {}
    absent = []
    for field in _SCALARS:
        value = getattr(profile, field)
        if value is None:
            absent.append(field)
        view[field] = None if value == NOT_KNOWN else value
    for field in _SETS:
        value = getattr(profile, field)
        if value is None:
            absent.append(field)
        view[field] = _ANY if value is None or value == NOT_KNOWN else Members(frozenset(value))
    view["gate"] = gate or NOT_APPLICABLE
    if profile.prior_lines is None:
        absent.append("prior_lines")
    view.update(lines_seen(profile.prior_lines, classes))
    view.update(early_seen(view, profile.early_stage_agents, profile.months_since_adjuvant_her2, classes))
    view["absent"] = Members(frozenset(absent))
    for field, when in _BRANCHED:  # a question that does not arise is answered: it does not apply
        stated = view[field] is not None and field == "leptomeningeal"  # what stops the ranking always counts
        if not stated and when.holds(view) is False:
            view[field] = NOT_APPLICABLE
    return view


def lines_seen(lines: tuple[Line, ...] | None, classes: Mapping[str, frozenset[str]]) -> dict[str, Any]:
    """What a condition sees of the lines of therapy: None where they were not told."""
    if lines is None:
        open_names = ("line", "her2_lines", "last_outcome")
        open_sets = ("received", "progressed_on", "not_tolerated", "last_line")
        return {**dict.fromkeys(open_names), **dict.fromkeys(open_sets, _ANY)}
    received: set[str] = set()
    by_outcome: dict[str, set[str]] = {"progression": set(), "toxicity": set()}
    perhaps: set[str] = set()  # agents of a line whose outcome is not known
    all_named = True
    not_named_for: set[str | None] = set()  # outcomes of lines whose agents are not known
    her2_lines = 0
    last: frozenset[str] = frozenset()
    outcome: str | None = None
    for line in lines:
        outcome = None if line.outcome == NOT_KNOWN else line.outcome
        last = _members(line.agents, classes)
        received |= last
        her2_lines += "anti_her2" in last
        if not line.agents:
            all_named = False
            not_named_for.add(outcome)
        elif outcome is None:
            perhaps |= last
        elif outcome in by_outcome:
            by_outcome[outcome] |= last
    view: dict[str, Any] = {
        "line": ("first", "second", "later")[min(len(lines), 2)],
        "received": Members(frozenset(received), frozenset() if all_named else None),
    }
    for finding, stopped_for in (("progressed_on", "progression"), ("not_tolerated", "toxicity")):
        anything = None in not_named_for or stopped_for in not_named_for
        view[finding] = Members(frozenset(by_outcome[stopped_for]), None if anything else frozenset(perhaps))
    view["last_line"] = Members(last, frozenset() if not lines or lines[-1].agents else None)
    view["her2_lines"] = her2_lines if all_named else None
    view["last_outcome"] = outcome if lines else NOT_APPLICABLE
    return view


def early_seen(
    told: View,
    agents: tuple[str, ...] | str | None,
    months: int | str | None,
    classes: Mapping[str, frozenset[str]],
) -> dict[str, Any]:
    """What a condition sees of early-stage treatment. `told`: what it sees of the lines (`line`, `received`)."""
    early = _ANY if agents is None or isinstance(agents, str) else Members(_members(agents, classes))
    received: Members = told["received"]
    open_ended = received.possible is None or early.possible is None
    view: dict[str, Any] = {
        "received_early": early,
        "received_ever": Members(received.known | early.known, None if open_ended else frozenset()),
    }
    if told["line"] in ("second", "later"):
        view["relapse"] = NOT_APPLICABLE
    elif early.possible is not None and "anti_her2" not in early.known:
        view["relapse"] = "none"
    elif isinstance(months, int):
        view["relapse"] = "within_6" if months <= 6 else "within_12" if months <= 12 else "over_12"
    else:
        view["relapse"] = None
    return view


__all__ = ["CLASSES", "FINDINGS", "GATE", "NOT_APPLICABLE", "SOURCE_OF", "View", "early_seen", "findings", "lines_seen"]
