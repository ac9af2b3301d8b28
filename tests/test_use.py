"""What an entry decides and which questions it hangs on, as `triage knowledge show` says them."""

from __future__ import annotations

import random
from functools import cache

import pytest
from click.testing import CliRunner

from bot.cli import main
from flows.explanation.edits import Key, entries
from flows.explanation.moves import Side
from flows.explanation.use import KINDS, depends_on, use, where_used
from flows.knowledge import shipped
from flows.profile import FIELDS, OPTIONS, Profile
from flows.sequencing.advice import Advice
from flows.sequencing.recommend import recommend, rule_on
from flows.space.bit_rules import BitRules
from flows.space.blocks import Block
from flows.space.distinctions import SETS, Distinctions
from flows.verification.verify import bases, block_of, close, is_clear, steps

KNOWLEDGE = shipped()
DECIDING = [(kind, entry.id) for kind, entry in entries(KNOWLEDGE) if kind in KINDS]


@cache
def _side() -> tuple[Block, Side]:
    chance = random.Random(5)
    distinctions = Distinctions(KNOWLEDGE)
    told = tuple(chance.sample(close(distinctions), 80))
    base = chance.choice([one for one in bases(distinctions) if is_clear(one)])
    block = block_of([base, *({**base, name: value} for name, value in steps(distinctions, base))], told)
    return block, Side(BitRules(distinctions, told), block)


def _used(advice: Advice, key: Key) -> dict[str, bool]:
    """What an entry decides in one answer, read off the answer."""
    kind, name = key
    ranked = bool(advice.status in ("recommend", "conditional"))
    ruling = rule_on(advice.profile, KNOWLEDGE)
    return {
        "holds": any(stop.id == name for stop in ruling.stops) if kind == "stop"
        else ranked and any(row.id == name and truth for row, truth in ruling.rows),
        "is given as the reason": any(reason.stop.id == name for reason in advice.reasons),
        "rules out": ranked and any(rule.id == name for rules in ruling.excluded.values() for rule in rules),
        "is shown on an option": any(one.rule.id == name for option in advice.options for one in option.cautions),
        "places an option": any(option.row.id == name for option in advice.options),
        "is a step": any(step.regimen.id == name for step in advice.steps),
        "is an option": name in advice.regimens,
        "is first": advice.regimens[:1] == (name,),
        "is shown": any(one.id == name for one in (advice.principles if kind == "principle" else advice.pitfalls)),
    }  # fmt: skip


def test_an_entry_is_used_where_the_answer_shows_it() -> None:
    """A count of classes is of something else than what patients are shown."""
    block, side = _side()
    chance = random.Random(6)
    seen = set()
    sample = [number for number in chance.sample(range(block.length), 60) if block.full >> number & 1]
    for number in sample:
        advice = recommend(Profile.model_validate(block.answers(number)), KNOWLEDGE)
        for key in DECIDING:
            wanted = _used(advice, key)
            for what, classes in where_used(side, key):
                if what == "is shown" and advice.reasons and key[0] == "pitfall":
                    continue  # an answer without a ranking lists none
                assert bool(classes >> number & 1) == wanted[what], (key, what, advice.profile)
                seen.add((what, wanted[what]))
    assert len(seen) == 18, "each of nine things is to be seen and not to be seen"


def test_questions_are_those_that_matter() -> None:
    """An answer changes whether an entry is used, and the question is not among those it hangs on."""
    block, _ = _side()
    chance = random.Random(7)
    keys = [key for key in DECIDING if key[0] in ("stop", "safety rule")]
    changed = 0
    for number in chance.sample([one for one in range(block.length) if block.full >> one & 1], 60):
        answers = block.answers(number)
        field = chance.choice([name for name in OPTIONS if name not in SETS])
        other = {**answers, field: chance.choice(OPTIONS[field])}
        was, now = (recommend(Profile.model_validate(one), KNOWLEDGE) for one in (answers, other))
        for key in keys:
            what = "is given as the reason" if key[0] == "stop" else "rules out"
            if _used(was, key)[what] != _used(now, key)[what]:
                changed += 1
                if not (was.reasons or now.reasons) or key[0] == "stop":
                    assert field in depends_on(key, KNOWLEDGE).own, (key, field)
    assert changed >= 10


def test_every_condition_names_its_questions() -> None:
    """An entry with conditions hangs on nothing, or on a question that does not exist."""
    for key in DECIDING:
        found = depends_on(key, KNOWLEDGE)
        assert {*found.own, *found.through_others} <= set(FIELDS) | {"gate"}, key
        if key[0] in ("stop", "safety rule", "decision row"):
            assert found.own or key in _ALWAYS, key


_ALWAYS = [
    (kind, entry.id)
    for kind, entry in entries(KNOWLEDGE)
    if kind in ("safety rule", "decision row") and not entry.when.atoms
]
"""Entries that hold for everybody."""


def test_the_counting_is_of_all_shares() -> None:
    """How many processes count changes what is counted."""
    key = ("stop", "pregnancy")
    one, two = use(KNOWLEDGE, [key], 1, every=20), use(KNOWLEDGE, [key], 2, every=20)
    assert one.classes == two.classes
    assert {name: counted.classes for name, counted in one.counted.items()} == {
        name: counted.classes for name, counted in two.counted.items()
    }
    example = one.counted[key, "holds"].example
    assert example["pregnancy"] == "present"
    assert not example.get("prior_lines")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("R05", ["decision row R05 asks:", "  Brain metastases (question brain_metastases)",
                 "  T-DXd (question tdxd_access)", "places an option for",
                 "the simplest: Lines for metastatic disease"]),
        ("tuc-06", ["fact tuc-06", "HR 0.52", "her2climb-bm-sabcs21", "cited by:", "active brain metastases",
                    "through the entries that cite it: regimen tucatinib_capecitabine_trastuzumab", "is used for"]),
    ],
)  # fmt: skip
def test_show_says_what_an_entry_decides(name: str, said: list[str]) -> None:
    """S10: a reviewer of an entry has to guess whom it concerns, or cannot follow a fact to what cites it."""
    done = CliRunner().invoke(main, ["knowledge", "show", name])
    assert done.exit_code == 0, done.output
    for part in (*said, "classes, not patients"):
        assert part in done.stdout, part
