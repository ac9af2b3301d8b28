"""What would change an answer: every single change of an answer that can change, tried out on the rules."""

from __future__ import annotations

from flows.profile import OPTIONS
from flows.sequencing.advice import Advice, Change
from flows.sequencing.recommend import rule_on
from flows.when import NOT_KNOWN

MODIFIABLE = (
    "brain_metastases", "lvef", "tdxd_access", "ild_history", "dpd_deficiency", "hepatic_impairment",
    "renal_impairment", "platelets", "extracranial_disease", "chemotherapy", "region",
)  # fmt: skip
"""Fields that imaging, a test, access or treatment can change, most modifiable first. Biology never flips."""
MOST = 5


def changes(advice: Advice, most: int = MOST) -> tuple[Change, ...]:
    """The changes of one answer that alter the first option, add one or remove one: at most `most`.

    Ordered by how modifiable the field is; within a field a change of the first option comes first.
    """
    if not advice.options:
        return ()
    found: list[tuple[int, bool, int, Change]] = []
    now = advice.regimens
    for order, field in enumerate(MODIFIABLE):
        value = getattr(advice.profile, field)
        for to_value in OPTIONS[field]:
            if to_value in (value, NOT_KNOWN):
                continue
            changed = advice.profile.model_copy(update={field: to_value})
            ruling = rule_on(changed, advice.knowledge, advice.gate)
            then = ruling.order
            if then[:1] != now[:1] or set(then) != set(now):
                status = ruling.stops[0].outcome if ruling.stops else "recommend"
                first = then[0] if then and then[:1] != now[:1] else None
                added = tuple(name for name in then if name not in now)
                removed = tuple(name for name in now if name not in then)
                change = Change(field, value, to_value, status, first, added, removed)
                found.append((order, first is None, len(found), change))
    found.sort(key=lambda entry: entry[:3])
    per_field: dict[str, Change] = {}
    for *_, change in found:  # one change a field first, so that five lines say five different things
        per_field.setdefault(change.field, change)
    ordered = list(per_field.values())
    ordered += [change for *_, change in found if change not in ordered]
    return tuple(ordered[:most])
