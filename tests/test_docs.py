"""The documents say what the program does: printed outputs, commands, settings and generated pages are checked."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from bot import generated
from bot.cli import main
from bot.settings import Settings
from flows.knowledge import shipped
from flows.plain_yaml import read_yaml
from flows.verification.invariants import INVARIANTS
from tests import worked_change

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text("utf-8")
PAGES = [
    ROOT / name
    for name in subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    if name.endswith((".md", ".py", ".yaml", ".yml", ".toml", ".j2", ".txt")) or name in ("Makefile", "Dockerfile")
]


def blocks(kind: str) -> list[str]:
    """The fenced blocks of a kind in the README."""
    return re.findall(rf"```{kind}\n(.*?)```", README, re.S)


def said(text: str) -> list[str]:
    """The lines a reader compares: no blank ones, no gaps, no knowledge hash."""
    lines = [re.sub(r"Knowledge \S+ of", "Knowledge ... of", line.rstrip()) for line in text.splitlines()]
    return [line for line in lines if line and line != "[...]" and not line.startswith(("$ ", "> "))]


def test_the_readme_shows_what_recommend_prints(tmp_path: Path) -> None:
    """Were it to fail: the first answer a new user compares is not the one the README promises."""
    case = tmp_path / "case.yaml"
    case.write_text(next(block for block in blocks("yaml") if "her2_status" in block), "utf-8")
    printed = said(CliRunner().invoke(main, ["recommend", str(case)]).output)
    promised = said(next(block for block in blocks("text") if "recommend case.yaml" in block))
    assert promised == printed[: len(promised)]


def test_the_readme_conversation_is_a_real_one(tmp_path: Path) -> None:
    """Were it to fail: the transcript in the README was not printed by this program."""
    shown = next(block for block in blocks("text") if "do you accept" in block)
    typed = [line[2:] for line in shown.splitlines() if line.startswith("> ")]
    done = subprocess.run(
        [sys.executable, "-m", "bot", "chat"],
        input="\n".join(typed) + "\n",
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
        env={"TRIAGE_DATA_DIR": str(tmp_path / "data"), "PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT)},
    )
    printed = iter(said(done.stdout))
    for line in said(shown):
        assert line in printed, f"not printed, or not in this order: {line}"


def test_the_readme_counts_the_knowledge() -> None:
    """Were it to fail: the README speaks of another knowledge than the one shipped."""
    counted = CliRunner().invoke(main, ["knowledge", "check"]).output.splitlines()[0]
    assert counted in README
    assert f"dated {shipped().manifest.date}" in README


@pytest.mark.parametrize("command", sorted(main.commands))
def test_every_command_is_documented(command: str) -> None:
    """Were it to fail: a command exists that the README does not name."""
    assert f"triage {command}" in README


@pytest.mark.parametrize("setting", sorted(Settings.model_fields))
def test_every_setting_is_documented(setting: str) -> None:
    """Were it to fail: a setting exists that neither the README nor .env.example names."""
    name = f"TRIAGE_{setting.upper()}"
    assert name in README
    assert name in (ROOT / ".env.example").read_text("utf-8")


def test_the_legal_position_is_printed() -> None:
    """S2: were it to fail, the README no longer says what this is and what it is not."""
    flat = " ".join(README.split())
    for point in (
        "not a medical device", "not CE-marked", "not FDA-reviewed", "Not for patients, not for emergencies",
        "health-care professional", "HER2-positive", "draft: not clinically reviewed", "four FDA criteria",
    ):  # fmt: skip
        assert point in flat, point


def test_generated_pages_are_fresh() -> None:
    """Were it to fail: docs/dialogue.md or docs/source-article.md shows another dialogue or knowledge."""
    assert generated.write(ROOT, check=True) == []


def test_the_pages_link_to_files_that_exist() -> None:
    """Were it to fail: a reader follows a link to nothing."""
    for page in PAGES:
        if page.suffix == ".md":
            for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text("utf-8")):
                assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_nothing_says_verified_without_against_what() -> None:
    """S29: were it to fail, a page claims more than consistency."""
    for page in PAGES:
        if page.suffix == ".md" and "source-article" not in page.name:
            for line in page.read_text("utf-8").splitlines():
                assert not re.search(r"\bclinically (?:verified|proven|validated)\b", line, re.I), (
                    f"{page.name}: {line}"
                )


def test_the_recipes_apply() -> None:
    """Were it to fail: a contributor follows a recipe whose diff no longer fits the files."""
    recipes = re.findall(r"```diff\n(.*?)```", (ROOT / "CONTRIBUTING.md").read_text("utf-8"), re.S)
    assert len(recipes) >= 4
    for recipe in recipes:
        done = subprocess.run(
            ["git", "apply", "--check", "-"], cwd=ROOT, input=recipe, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr


def test_yaml_in_the_documents_reads() -> None:
    """Were it to fail: an example in the documents cannot be used as it stands."""
    for page in PAGES:
        if page.suffix == ".md":
            for block in re.findall(r"```yaml\n(.*?)```", page.read_text("utf-8"), re.S):
                read_yaml(block)


def test_the_worked_change_prints_what_its_page_shows() -> None:
    """Were it to fail: a reviewer learns to read a report that this program does not write.

    Where it is the knowledge that changed: refresh with python -m tests.worked_change, and read the difference.
    """
    text = worked_change.page()
    compared = 0
    with worked_change.draft(text):
        for _, command, body, _ in worked_change.PRINTED.findall(text):
            if f"\n{worked_change.LEFT_OUT}\n" not in f"\n{body}":
                found, wanted = (re.sub(r"sha256:\w+", "", part) for part in (worked_change.printed(command), body))
                assert found.splitlines() == wanted.splitlines(), command
                compared += 1
    assert compared == 2
    assert f"{len(INVARIANTS)} invariants hold for every class" in text


def test_the_worked_change_changes_one_thing() -> None:
    """Were it to fail: the edit that a page shows is another than the one its report is of."""
    file, old, new = worked_change.edit(worked_change.page())
    assert (ROOT / "flows" / "knowledge" / file).read_text("utf-8").count(old) == 1
    assert old != new
