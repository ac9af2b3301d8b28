"""A record id and its profile bring the same answer back, byte for byte, with the knowledge of the day (S22, S23)."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bot.cli import main
from flows.findings import GATE
from flows.knowledge.load import SHIPPED, Knowledge, load, shipped
from flows.profile import Profile
from flows.sequencing.recommend import recommend
from messages.document import advice_document
from messages.words import english

ROOT = Path(__file__).parent.parent
CASES = {
    "second": {"her2_status": "positive", "setting": "metastatic", "brain_metastases": "none", "hr_status": "negative",
               "prior_lines": [{"agents": ["docetaxel", "trastuzumab", "pertuzumab"], "outcome": "progression"}]},
    "liver": {"her2_status": "positive", "setting": "metastatic", "hepatic_impairment": "severe", "region": "eu",
              "prior_lines": [{"agents": ["t_dxd"], "outcome": "toxicity"}]},
    "stopped": {"her2_status": "positive", "setting": "metastatic", "red_flags": ["cord_compression"]},
}  # fmt: skip


@pytest.fixture(scope="module")
def another(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the shipped knowledge in which T-DXd is an alternative in the second line, and says so otherwise."""
    folder = tmp_path_factory.mktemp("another") / "knowledge"
    shutil.copytree(SHIPPED, folder, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    for path in (folder / "recommendations").glob("*.yaml"):
        changed = re.sub(r"(regimen: t_dxd\n\s+tier: )preferred", r"\1alternative", path.read_text("utf-8"))
        path.write_text(changed.replace("Second line", "In the second line"), "utf-8")
    return folder


@pytest.fixture
def cases(tmp_path: Path) -> Path:
    for name, profile in CASES.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(profile), "utf-8")
    return tmp_path


def triage(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["recommend", *map(str, arguments)], env={"TRIAGE_REGION": None})


def given_by(knowledge: Knowledge, profile: dict[str, object]) -> tuple[str, str]:
    """An answer's record id and its bytes."""
    advice = recommend(Profile.model_validate(profile), knowledge)
    return advice.record_id, advice_document(advice, english(knowledge)).model_dump_json()


def test_two_knowledges_live_side_by_side(another: Path) -> None:
    """S23: something one knowledge left in the process is in an answer of the other: its words, rules or records."""
    alone = {name: given_by(shipped(), profile) for name, profile in CASES.items()}
    other = load(another)
    alone_of_it = {name: given_by(other, profile) for name, profile in CASES.items()}
    for _ in range(3):
        for name, profile in CASES.items():
            assert given_by(shipped(), profile) == alone[name]
            assert given_by(other, profile) == alone_of_it[name]
            assert given_by(load(another), profile) == alone_of_it[name]
    assert all(alone[name] != alone_of_it[name] for name in CASES)
    assert '"tier":"alternative"' in alone_of_it["second"][1]


@pytest.mark.parametrize("form", ["json", "text", "html"])
def test_a_record_replays_with_its_own_knowledge_only(form: str, cases: Path, another: Path) -> None:
    """S23: a record brings back another answer than it was written for, and nobody is told."""
    for name, profile in [*CASES.items()][: 2 if form == "json" else 1]:
        file, printed = cases / f"{name}.json", {}
        for folder, knowledge in ((SHIPPED, shipped()), (another, load(another))):
            record, _ = given_by(knowledge, profile)
            printed[record] = triage(file, "--format", form, "--knowledge", folder).stdout
            again = triage(file, "--format", form, "--knowledge", folder, "--record", record)
            assert again.exit_code == 0, again.output
            assert again.stdout == printed[record]
        mine, theirs = printed
        assert printed[mine] != printed[theirs]
        refused = triage(file, "--knowledge", SHIPPED, "--record", theirs)
        assert (refused.exit_code, refused.stdout, len(refused.stderr.splitlines())) == (1, "", 1)
        assert shipped().digest in refused.stderr
        assert "the profile, the knowledge or the software is another" in refused.stderr
        refused = triage(file, "--knowledge", another, "--record", mine)
        assert (refused.exit_code, refused.stdout) == (1, "")
        assert "it was given with the shipped knowledge" in refused.stderr


@pytest.mark.parametrize("seed", ["0", "4711"])
def test_a_record_replays_in_another_process(seed: str, cases: Path, another: Path) -> None:
    """S22, S23: the hash seed of the process is in an answer, and the record of yesterday is of nothing today."""
    record, _ = given_by(load(another), CASES["second"])
    file = str(cases / "second.json")
    here = triage(file, "--format", "json", "--knowledge", another).stdout
    arguments = ["recommend", file, "--format", "json", "--knowledge", str(another), "--record", record]
    done = subprocess.run(
        [sys.executable, "-m", "bot", *arguments],
        env={**{name: value for name, value in os.environ.items() if not name.startswith("TRIAGE_")},
             "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)},
        cwd=cases, capture_output=True, timeout=60, check=True,
    )  # fmt: skip
    assert done.stdout.decode() == here


def test_a_record_replays_with_a_revision(cases: Path, another: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """S23: the knowledge of the day lies in the repository, and nothing can read it there."""
    root = cases / "repository"
    shutil.copytree(SHIPPED, root / "flows" / "knowledge", ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    for arguments in _commits(root, another):
        subprocess.run(arguments, cwd=root, check=True, capture_output=True)
        if "commit" in arguments:
            shutil.rmtree(root / "flows" / "knowledge")
            shutil.copytree(another, root / "flows" / "knowledge")
    monkeypatch.chdir(root)
    for revision, knowledge in (("HEAD~1", shipped()), ("HEAD", load(another))):
        record, said = given_by(knowledge, CASES["liver"])
        done = triage(cases / "liver.json", "--format", "json", "--knowledge", revision, "--record", record)
        assert done.exit_code == 0, done.output
        assert json.loads(done.stdout) == json.loads(said)


def _commits(root: Path, another: Path) -> Iterator[list[str]]:
    who = ["git", "-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
    yield ["git", "init", "--quiet"]
    for _ in range(2):
        yield ["git", "add", "."]
        yield [*who, "commit", "--quiet", "-m", "knowledge"]


def test_the_region_that_differs_is_named(cases: Path) -> None:
    """S23: a region set on this machine makes another answer, and the reason has to be guessed."""
    record, _ = given_by(shipped(), {**CASES["second"], "region": "eu"})
    refused = triage(cases / "second.json", "--record", record)
    assert refused.exit_code == 1
    assert "it was given with region: eu" in refused.stderr
    assert triage(cases / "second.json", "--region", "eu", "--record", record).exit_code == 0
    plain, _ = given_by(shipped(), CASES["second"])
    assert "region: none" in triage(cases / "second.json", "--region", "eu", "--record", plain).stderr


@pytest.mark.parametrize("gate", GATE)
def test_what_a_conversation_asked_first_is_found_again(gate: str, tmp_path: Path) -> None:
    """S23: the answer to another tumour cannot be replayed, because the profile does not hold it."""
    file = tmp_path / "case.json"
    file.write_text("{}", "utf-8")
    advice = recommend(Profile(), shipped(), gate)
    done = triage(file, "--format", "json", "--record", advice.record_id)
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout) == json.loads(advice_document(advice, english(shipped())).model_dump_json())


def test_what_is_no_record(cases: Path) -> None:
    """A mistyped id is taken for an answer that changed."""
    for record in ("", "cb6a", "CB6A822914D5CFA8", "x" * 300):
        done = triage(cases / "second.json", "--record", record)
        assert (done.exit_code, done.stdout, len(done.stderr.splitlines())) == (2, "", 1)
        assert "no record id" in done.stderr
    done = CliRunner().invoke(main, ["recommend", "--text", "HER2+ MBC", "--record", "0" * 16])
    assert (done.exit_code, len(done.stderr.splitlines())) == (2, 1)
