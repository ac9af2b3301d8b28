"""What a change of the knowledge does to advice: that every class that changes is found, and no other."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from bot.cli import main
from flows.explanation.edits import edits
from flows.explanation.impact import Impact, Moves, Share, Space, combinations_in, compare
from flows.explanation.moves import Compared, Move, Side, between
from flows.knowledge.load import SHIPPED, Knowledge, load, shipped
from flows.profile import OPTIONS, Profile
from flows.sequencing.recommend import recommend
from flows.space.blocks import Block, numbers
from flows.space.distinctions import SETS, Distinctions
from flows.verification.verify import SEEN_APART, bases, block_of, is_clear, steps
from tests.knowledge_mutants import Mutant, mutants

OLD = shipped()
QUICK = (Share("close", 3, 150, stepped=6),)
"""A small share of the space, for what does not depend on which classes are looked at."""
MUTANTS = (
    "an exclusion is dropped: t_dxd_ild_history", "a hard stop is removed: pregnancy", "two tiers are swapped: R05",
    "a condition is widened: R12: brain_metastases", "an interval is broken: R02",
    "an exclusion is turned round: t_dm1_platelets_low",
    "a caution is deleted: tucatinib_hepatic_moderate",
)  # fmt: skip


def edited(folder: Path, file: str, change: Callable[[Any], Any]) -> Path:
    """A copy of the shipped knowledge with one file changed."""
    copy = folder / "knowledge"
    if not copy.exists():
        shutil.copytree(SHIPPED, copy, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    path = copy / file
    content = yaml.safe_load(path.read_text("utf-8"))
    content = change(content) or content
    path.write_text(yaml.safe_dump(content, sort_keys=False, allow_unicode=True), "utf-8")
    return copy


def entry(content: list[dict[str, Any]], name: str) -> dict[str, Any]:
    return next(one for one in content if one["id"] == name)


def mutant(folder: Path, name: str) -> Path:
    """The folder of one mutant of tests/knowledge_mutants.py."""
    made = _mutants()[name]
    return edited(folder, made.file, lambda _: made.content)


@cache
def _mutants() -> dict[str, Mutant]:
    return {f"{one.kind}: {one.entry}": one for one in mutants()}


def _agent_of_another_class(content: Any) -> None:
    entry(content, "neratinib")["classes"].remove("her2_tki")


def _fit_changed(content: Any) -> None:
    content["fit"]["criteria"][0]["when"] = {"hr_status": "positive"}


def _row_first(content: Any) -> None:
    entry(content, "R24")["row"] = "R00"


def _agents_of_a_regimen(content: Any) -> None:
    content["agents"].remove("capecitabine")


def _pitfall_of_others(content: Any) -> None:
    entry(content, "tki_after_tki")["when"] = {"brain_metastases": ["active", "stable"]}


EDITS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "an agent is of another class": ("agents.yaml", _agent_of_another_class),
    "the trial population is another": ("regimens/t_dxd.yaml", _fit_changed),
    "a regimen has other agents": ("regimens/tucatinib_capecitabine_trastuzumab.yaml", _agents_of_a_regimen),
    "a pitfall is about others": ("pitfalls.yaml", _pitfall_of_others),
    "two rows change their order": ("recommendations/later_lines.yaml", _row_first),
}


def changed(folder: Path, name: str) -> Knowledge:
    """One of the changed knowledges by its name here."""
    return load(edited(folder, *EDITS[name]) if name in EDITS else mutant(folder, name))


# ---- exactly the classes that change -----------------------------------------------------------------------------


@pytest.mark.parametrize("name", [*MUTANTS, *EDITS])
def test_a_class_changes_exactly_where_its_advice_does(name: str, tmp_path: Path) -> None:
    """S28: a change of advice is not in the report, or one is reported that no patient would see."""
    assert len(_compared(OLD, changed(tmp_path, name), random.Random(name))) >= 10


def test_rows_in_another_order_reorder_options() -> None:
    """S28: two options change places because their rows did, neither is placed otherwise, and nothing is reported."""
    rows = {row.id: row for row in OLD.recommendations}
    later = rows["later_lines"]
    rows["later_lines"] = later.model_copy(
        update={"options": tuple(one for one in later.options if one.regimen != "trial")}
    )
    old = replace(OLD, recommendations=tuple(rows.values()))
    rows["R11"] = rows["R11"].model_copy(update={"row": "zz"})
    new = replace(OLD, recommendations=tuple(rows.values()))
    moves = _compared(old, new, random.Random(2), {"brain_metastases": "active"})
    assert any({"trial", "t_dm1"} == {move.subject, move.was} for found in moves for move in found)


def _compared(
    old: Knowledge, new: Knowledge, chance: random.Random, stands: dict[str, str] | None = None
) -> list[Moves]:
    """The changes of some classes, those of a base and its steps among them, each held against the advice itself."""
    space = Space(old, new)
    told = tuple(chance.sample(space.close, 48))
    rules = space.rules(told)
    every = tuple(bases(space.distinctions[0]))
    clear = [
        one for one in every if is_clear(one) and all(one[name] == value for name, value in (stands or {}).items())
    ]
    base = chance.choice(clear)
    stepped = [base, *({**base, field: value} for field, value in steps(space.distinctions[0], base))]
    found = []
    for answers in (every, stepped):
        block = block_of(answers, told)
        side = Side(rules[0], block)
        moves = Compared(side, Side(rules[1], block, like=side if space.same_findings else None)).moves()
        for number in _sample(chance, block, moves):
            profile = Profile.model_validate(block.answers(number))
            said = frozenset(move for move, classes in moves.items() if classes >> number & 1)
            assert said == between(recommend(profile, old), recommend(profile, new)), block.answers(number)
            other = _alike(profile, space.distinctions[0], chance)
            assert said == between(recommend(other, old), recommend(other, new)), (profile, other)
            found += [said] if said else []
    return found


def _sample(chance: random.Random, block: Block, moves: dict[Move, int]) -> list[int]:
    """Some classes of all, and of those that are said to change."""
    every = [number for number in chance.sample(range(block.length), 60) if block.full >> number & 1]
    anywhere = 0
    for classes in moves.values():
        anywhere |= classes
    moving = list(numbers(anywhere, 4_000))
    return every + chance.sample(moving, min(20, len(moving)))


def _alike(profile: Profile, told: Distinctions, chance: random.Random) -> Profile:
    """A profile of the same class with other answers: drugs of the same kind, options nothing tells apart."""
    kin = {agent: kind for kind in told.kinds_of_agents for agent in kind}
    answers = {name: value for name, value in profile if value is not None}
    for name, value in tuple(answers.items()):
        if name == "prior_lines":
            answers[name] = [
                {"agents": [chance.choice(kin[agent]) for agent in line.agents], "outcome": line.outcome}
                for line in value
            ]
        elif name == "early_stage_agents" and not isinstance(value, str):
            answers[name] = [chance.choice(kin[agent]) for agent in value]
        elif name in OPTIONS and name not in SETS:
            answers[name] = chance.choice([one for one in OPTIONS[name] if _seen(told, name, one, value)])
    return Profile.model_validate(answers)


def _seen(told: Distinctions, name: str, one: str, other: str) -> bool:
    shown = [None if value == "unknown" else value for value in (one, other)]
    return told.seen(name, shown[0]) == told.seen(name, shown[1])


def _turned(moves: Moves) -> Moves:
    """The same differences, seen from the other side."""
    return frozenset(
        Move("order", was, subject, subject) if kind == "order" else Move(kind, subject, now, was)
        for kind, subject, was, now in moves
    )


@pytest.mark.parametrize("name", ["two tiers are swapped: R05"])
def test_old_and_new_swapped_is_the_same_change(name: str, tmp_path: Path) -> None:
    """Which classes change depends on which version is called the old one: some are missed one way round."""
    new = changed(tmp_path, name)
    there, back = compare(OLD, new, shares=QUICK), compare(new, OLD, shares=QUICK)
    assert (there.classes, there.histories) == (back.classes, back.histories)
    assert there.changed > 0
    assert {_turned(moves): group.classes for moves, group in there.groups.items()} == {
        moves: group.classes for moves, group in back.groups.items()
    }


def test_the_examples_are_of_their_groups(tmp_path: Path) -> None:
    """The example shown under a change is of a patient whose advice changes in another way."""
    new = load(mutant(tmp_path, "an exclusion is dropped: t_dxd_ild_history"))
    found = compare(OLD, new, shares=QUICK)
    assert len(found.groups) > 10
    for moves, group in found.groups.items():
        profile = Profile.model_validate(group.example)
        assert between(recommend(profile, OLD), recommend(profile, new)) == moves
        assert any(why.entry == "t_dxd_ild_history" and count == group.classes for why, count in group.why.items())


def test_shares_are_the_whole(tmp_path: Path) -> None:
    """A class is counted twice or not at all where the space is divided among processes."""
    new = load(mutant(tmp_path, "two tiers are swapped: R05"))
    one = compare(OLD, new, shares=[Share("close", 0, 100, 12)])
    two = compare(OLD, new, shares=[Share("close", 0, 200, 12), Share("close", 100, 200, 12)])
    assert _counted(one) == _counted(two)
    assert one.changed
    distinctions = Space(OLD, new).distinctions[0]
    every = tuple(bases(distinctions))
    further = [
        sum(field not in SEEN_APART for field, _ in steps(distinctions, base))
        for base in [base for base in every if is_clear(base)][::12]
    ]
    assert one.classes == one.histories * (len(every) + sum(further))


def _counted(found: Impact) -> Any:
    return (
        found.classes, found.histories, found.used, {moves: one.classes for moves, one in found.groups.items()},
        {moves: one.why for moves, one in found.groups.items()},
    )  # fmt: skip


@given(st.lists(st.integers(0, 2**40 - 1), min_size=1, max_size=5), st.integers(1, 2**40 - 1))
def test_combinations_are_counted(sets: list[int], among: int) -> None:
    """The number of classes under a change is not the number there is, or its example is of another change."""
    found = combinations_in(sets, among)

    def held(number: int) -> tuple[int, ...]:
        return tuple(place for place, one in enumerate(sets) if one >> number & 1)

    wanted = Counter(held(number) for number in numbers(among, 100))
    assert {places: alike.count for places, alike in found.items()} == wanted
    for places, alike in found.items():
        assert alike.some
        assert all(among >> number & 1 and held(number) == places for number in alike.some)


def test_a_shift_is_no_move(tmp_path: Path) -> None:
    """An option that others were put above counts as changed, and every change looks like a hundred."""
    new = load(mutant(tmp_path, "an exclusion is dropped: t_dxd_ild_history"))
    profile = Profile.model_validate({
        "her2_status": "positive", "setting": "metastatic", "ild_history": "present", "brain_metastases": "none",
        "prior_lines": [{"agents": ["docetaxel", "trastuzumab", "pertuzumab"], "outcome": "progression"}],
    })  # fmt: skip
    old, now = recommend(profile, OLD), recommend(profile, new)
    assert now.regimens[0] == "t_dxd"
    assert now.regimens[1:] != old.regimens[:-1]
    moves = between(old, now)
    assert Move("option", "t_dxd", "", "holds") in moves
    assert not any(move.kind == "order" for move in moves if "trial" in (move.subject, move.was))


# ---- what was edited ---------------------------------------------------------------------------------------------


def test_edits_are_named_by_their_field(tmp_path: Path) -> None:
    """A reviewer reads that something of an entry changed and not what."""

    def change(content: Any) -> None:
        row = entry(content, "R05")
        row["options"][0]["tier"] = "alternative"
        row["text"] += " Or so."
        content.remove(entry(content, "R06"))
        entry(content, "R07")["status"] = "retired"

    found = edits(OLD, load(edited(tmp_path, "recommendations/second_line.yaml", change)))
    assert found.removed == (("decision row", "R06"),)
    assert found.retired == (("decision row", "R07"),)
    assert found.added == ()
    paths = {edit.path: (edit.was, edit.now) for edit in found.changed["decision row", "R05"]}
    assert paths == {
        "options.tucatinib_capecitabine_trastuzumab.tier": ("preferred", "alternative"),
        "text": ("", ""),
    }


def test_nothing_was_edited() -> None:
    """The same knowledge read twice differs."""
    assert not edits(OLD, load(SHIPPED)).touched


# ---- the command -------------------------------------------------------------------------------------------------


def diff(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["knowledge", "diff", *map(str, arguments)])


def test_the_report(tmp_path: Path) -> None:
    """S28: the report leaves out what changes, for how many, why, an example, or what it does not prove."""
    folder = mutant(tmp_path, "two tiers are swapped: R05")
    written = tmp_path / "impact.md"
    done = diff(SHIPPED, folder, "--one-in", "60", "--report", written)
    assert done.exit_code == 0, done.output
    said = done.stdout
    assert written.read_text("utf-8") == said
    for part in (
        OLD.digest, "classes, not patients", "does not prove that the knowledge is clinically true", "one in 60",
        "Trastuzumab + chemotherapy is first; it was Tucatinib triplet", "Because of: decision row `R05` edited",
        "None of the 15 example cases" if "None of" in said else "other advice.",
        "| 1 | Tucatinib triplet (preferred, R05) | Trastuzumab + chemotherapy (preferred, R05) |",
        "`options.trastuzumab_chemotherapy.tier`: alternative → preferred",
    ):  # fmt: skip
        assert part in said, part
    assert done.stderr == ""


def test_what_breaks_comes_first(tmp_path: Path) -> None:
    """S20, S28: a dropped contraindication passes a review as nothing fails; a case that a clinician knows changes,
    and the report does not say so."""
    folder = mutant(tmp_path, "an exclusion is dropped: t_dxd_ild_history")
    line = {"agents": ["docetaxel", "trastuzumab", "pertuzumab"], "outcome": "progression"}
    case = {"her2_status": "positive", "setting": "metastatic", "ild_history": "present", "prior_lines": [line]}
    listed = [{"id": "with-ild", "profile": case}, {"id": "without", "profile": {**case, "ild_history": "absent"}}]
    cases = tmp_path / "cases.yaml"
    cases.write_text(json.dumps({"cases": listed}), "utf-8")
    done = diff(SHIPPED, folder, "--one-in", "200", "--cases", cases)
    assert done.exit_code == 1
    said = done.stdout
    assert "**S20**: t_dxd with ild_history: present" in said
    assert "the simplest: " in said
    assert "1 of 2 example cases gets other advice." in said
    assert "### with-ild" in said
    assert "### without" not in said
    assert said.index("**S20**") < said.index("### with-ild") < said.index("## In all")
    assert "- T-DXd is an option now" in said
    broken = load(folder)
    assert compare(broken, OLD, shares=QUICK).broken == {}, "what was broken and is mended fails"
    other = replace(broken, principles=broken.principles[1:])
    assert compare(broken, other, shares=QUICK).broken == {}, "what was broken before fails a change of something else"


def test_cases_that_cannot_be_read(tmp_path: Path) -> None:
    """S25: a case with a mistake is left out, and the report is of the others."""
    folder, cases = mutant(tmp_path, "two tiers are swapped: R05"), tmp_path / "cases.yaml"
    for content, said in (
        ("cases: [{id: x, profile: {her2_status: wrong}}]", "x: her2_status"), ("cases: [{id: x}]", "expected `cases`"),
        ("[]", "expected `cases`"), ("cases: [{id: x, gate: y, profile: {}}]", "gate: 'y'"), ("a: [", "cases.yaml"),
    ):  # fmt: skip
        cases.write_text(content, "utf-8")
        refused(diff(SHIPPED, folder, "--cases", cases), said)
    refused(diff(SHIPPED, folder, "--cases", tmp_path / "none.yaml"), "none.yaml")


def test_wording_changes_no_class(tmp_path: Path) -> None:
    """A corrected sentence looks like a change of advice, or is not listed at all."""

    def change(content: Any) -> None:
        row = entry(content, "R05")
        row["options"][0]["text"] = "neither antibody-drug conjugate is suitable"
        row["options"][0]["grades"] = []

    done = diff(SHIPPED, edited(tmp_path, "recommendations/second_line.yaml", change), "--one-in", "150")
    assert done.exit_code == 0
    assert "**0 of " in done.stdout
    line = next(line for line in done.stdout.splitlines() if line.startswith("- decision row `R05`"))
    assert "`options.tucatinib_capecitabine_trastuzumab.text`" in line
    assert "`options.tucatinib_capecitabine_trastuzumab.grades`" in line
    assert "used for " in line
    assert "Edited, without any such effect:" in done.stdout


def refused(done: Result, *said: str) -> None:
    assert done.exit_code == 2, done.output
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1, done.stderr
    for part in said:
        assert part in done.stderr, done.stderr


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A git repository: the shipped knowledge, then a change of it; before both, a revision without knowledge."""
    root = tmp_path / "repository"
    root.mkdir()

    def git(*arguments: str) -> None:
        who = ("-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
        subprocess.run(["git", *who, *arguments], cwd=root, check=True, capture_output=True)

    git("init", "--quiet")
    git("commit", "--quiet", "--allow-empty", "-m", "nothing")
    git("tag", "empty")
    copy = root / "flows" / "knowledge"
    shutil.copytree(SHIPPED, copy, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    git("add", ".")
    git("commit", "--quiet", "-m", "the knowledge")
    git("tag", "before")
    path = copy / "recommendations" / "second_line.yaml"
    content = yaml.safe_load(path.read_text("utf-8"))
    entry(content, "R05")["options"][0]["tier"] = "alternative"
    path.write_text(yaml.safe_dump(content, sort_keys=False, allow_unicode=True), "utf-8")
    git("commit", "--quiet", "-am", "a change")
    monkeypatch.chdir(copy)
    return root


def test_revisions_are_compared(repository: Path) -> None:
    """S28: the report of a pull request is of the files that lie there, not of what was committed."""
    done = diff("before", "HEAD", "--one-in", "200")
    assert done.exit_code == 0, done.output
    assert OLD.digest in done.stdout
    assert "`options.tucatinib_capecitabine_trastuzumab.tier`: preferred → alternative" in done.stdout
    assert "the same knowledge" in diff("before", SHIPPED).stdout


def test_a_folder_wins_over_a_revision(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody compares a revision and believes to compare a folder."""
    monkeypatch.chdir(repository)
    shutil.copytree(repository / "flows" / "knowledge", repository / "before")
    assert "the same knowledge" in diff("before", "HEAD").stdout


def test_what_cannot_be_compared(repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """S25: a traceback, or a report of nothing, in place of what is wrong."""
    refused(diff("before", "no-such-revision"), "no-such-revision", "neither a folder nor a revision")
    refused(diff("--", "-x", "before"), "-x", "neither a folder nor a revision")
    refused(diff("empty", "before"), "empty", "holds no knowledge")
    refused(diff(SHIPPED, tmp_path), "manifest.yaml: there is no such file")
    wrong = edited(tmp_path, "recommendations/second_line.yaml", lambda content: content[0].update(facts=["no-fact"]))
    refused(diff(SHIPPED, wrong), "recommendations/second_line.yaml", "no-fact")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    refused(diff("before", "HEAD"), "before", "no git repository")
    monkeypatch.setenv("PATH", "")
    refused(diff("before", "HEAD"), "git is not installed")
