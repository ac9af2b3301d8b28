"""Whether an answer is the one a record id stands for, and where it is not, what is known of the difference."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from bot.documents import UnusableInput
from flows import VERSION
from flows.findings import GATE
from flows.knowledge.load import Knowledge, shipped
from flows.profile import OPTIONS
from flows.sequencing.advice import Advice
from flows.sequencing.recommend import recommend


class AnotherAnswer(ValueError):
    """The answer is not the recorded one. The message says on one line what it is now."""


def recorded(advice: Advice, record: str) -> Advice:
    """The answer of a record id: this one, or the one to what a conversation asks beside the profile.

    Raises UnusableInput where `record` is no record id, AnotherAnswer where this is not its answer.
    """
    if not re.fullmatch(r"[0-9a-f]{16}", record):
        raise UnusableInput(f"--record: {record[:40]!r} is no record id (16 signs of 0-9 and a-f)")
    if advice.record_id == record:
        return advice
    for gate in GATE:  # another tumour, or under 18: in a conversation this is said before there is a profile
        if _alike(advice, gate=gate).record_id == record:
            return recommend(advice.profile, advice.knowledge, gate)
    knowledge = advice.knowledge
    raise AnotherAnswer(
        f"record {record}: not this answer, which is {advice.record_id}"
        + "".join(f"; {differs}" for differs in _differences(advice, record))
        + f"; now: software {VERSION}, knowledge {knowledge.digest} of {knowledge.manifest.date}"
    )


def _differences(advice: Advice, record: str) -> Iterator[str]:
    """What would make it the recorded answer, of what can be tried; else what it may be."""
    found = False
    for region in (None, *OPTIONS["region"]):
        profile = advice.profile.model_copy(update={"region": region})
        for knowledge, of_it in _knowledges(advice):
            if _alike(replace(advice, profile=profile, knowledge=knowledge)).record_id == record:
                found = True
                said = [] if region == advice.profile.region else [f"region: {region or 'none'}"]
                yield f"it was given with {' and '.join([*said, *of_it])}"
    if not found:
        yield "the profile, the knowledge or the software is another"


def _knowledges(advice: Advice) -> Iterator[tuple[Knowledge, list[str]]]:
    yield advice.knowledge, []
    if shipped().digest != advice.knowledge.digest:
        yield shipped(), ["the shipped knowledge"]


def _alike(advice: Advice, gate: str | None = None) -> Advice:
    """An advice with the record id that the same profile, knowledge and this gate have."""
    return Advice(advice.status, advice.profile, advice.knowledge, gate=gate or advice.gate)
