"""The knowledge as a folder: what ships is whole, what is broken is refused by name, and conditions mean one thing."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

import flows.knowledge.load
from bot.cli import main
from flows.findings import FINDINGS
from flows.knowledge.cache import kept
from flows.knowledge.load import SHIPPED, Knowledge, KnowledgeError, digest, load, shipped
from flows.knowledge.model import WEAKEST_FIRST
from flows.plain_yaml import DEEPEST, PlainYamlError, read_yaml
from flows.profile import Profile
from flows.sequencing.recommend import recommend
from flows.when import ALWAYS, Atom, Members, Truth, View, When

# The shipped knowledge


def test_the_shipped_knowledge_is_all_there() -> None:
    """S25: were it to fail, facts or sources of the dossier went missing, or were added without their evidence."""
    knowledge = load(SHIPPED)
    assert len(knowledge.facts) == 203
    assert len(knowledge.sources) == 125
    assert all(
        (
            knowledge.regimens,
            knowledge.rules,
            knowledge.stops,
            knowledge.recommendations,
            knowledge.thresholds,
            knowledge.principles,
            knowledge.pitfalls,
            knowledge.not_assessed,
            knowledge.gaps,
            knowledge.article,
        )
    )
    assert knowledge.digest == digest(SHIPPED) == shipped().digest


def test_every_entry_is_governed() -> None:
    """S26: were it to fail, nobody can say who stands behind an entry, what it rests on, or until when."""
    knowledge = shipped()
    for entry in knowledge.governed():
        governance = entry.governance
        assert entry.id
        assert governance.status in WEAKEST_FIRST
        assert governance.reviewer or governance.status in ("draft", "under_review"), f"{entry.id}: approved by nobody"
        assert governance.valid_from <= knowledge.manifest.date < governance.review_by
        assert governance.valid_until is None or governance.valid_until > knowledge.manifest.date
        text = next((said for key in ("text", "value", "name") if (said := getattr(entry, key, None))), None)
        assert text, f"{entry.id}: no text"
        assert not re.search(r"\b(?:TODO|TBD|FIXME|XXX)\b", text)
    for fact in knowledge.facts.values():
        assert fact.sources, fact.id
    for rule in (*knowledge.rules, *knowledge.recommendations, *knowledge.principles, *knowledge.pitfalls):
        assert rule.facts, f"{rule.id}: rests on nothing"


def test_nothing_is_called_reviewed_yet() -> None:
    """S26, S29: were it to fail, an answer claims a review that did not take place."""
    knowledge = shipped()
    assert {entry.governance.status for entry in knowledge.governed()} == {"draft"}
    assert {entry.governance.reviewer for entry in knowledge.governed()} == {None}
    assert knowledge.weakest(knowledge.governed()) == "draft"
    assert knowledge.overdue(knowledge.manifest.date) == ()
    assert len(knowledge.overdue(date(2099, 1, 1))) == len(tuple(knowledge.governed()))


def test_ids_name_one_entry_each() -> None:
    """S10: were it to fail, a reference leads to one of two entries, and nobody knows which."""
    knowledge = shipped()
    for group in (knowledge.rules, knowledge.stops, knowledge.recommendations, knowledge.principles,
                  knowledge.pitfalls, knowledge.not_assessed, knowledge.gaps, knowledge.article):  # fmt: skip
        names = [entry.id for entry in group]
        assert len(names) == len(set(names))
    named = {entry.id for entry in (*knowledge.rules, *knowledge.stops, *knowledge.recommendations)}
    assert len(named) == sum(map(len, (knowledge.rules, knowledge.stops, knowledge.recommendations)))


# A copy to break


DUMPER: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


class Bench(NamedTuple):
    """A copy of the shipped knowledge."""

    folder: Path

    def read(self, file: str) -> Any:
        return read_yaml((self.folder / file).read_text("utf-8"))

    def write(self, file: str, content: Any) -> None:
        text = content if isinstance(content, str) else yaml.dump(content, Dumper=DUMPER, sort_keys=False)
        (self.folder / file).parent.mkdir(exist_ok=True)
        (self.folder / file).write_text(text, "utf-8")

    @contextmanager
    def entry(self, file: str, name: str) -> Iterator[dict[str, Any]]:
        """An entry to change in place."""
        content = self.read(file)
        listed = [content] if isinstance(content, dict) else content
        (found,) = [one for one in listed if one.get("id", "manifest") == name]
        yield found
        self.write(file, content)

    def add(self, file: str, *entries: Any) -> None:
        self.write(file, [*self.read(file), *entries])


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    folder = tmp_path / "knowledge"
    shutil.copytree(SHIPPED, folder, ignore=lambda _, names: [name for name in names if _is_code(name)])
    return Bench(folder)


def _is_code(name: str) -> bool:
    return name.endswith(".py") or name == "__pycache__"


GONE = object()


def put(entry: Any, path: str, value: Any) -> None:
    """Set what a dotted path leads to; GONE removes it."""
    *way, last = path.split(".")
    for part in way:
        entry = entry[int(part) if part.isdigit() else part]
    if value is GONE:
        del entry[last]
    else:
        entry[int(last) if last.isdigit() else last] = value


Breaking = Callable[[Bench], None]


class Defect(NamedTuple):
    """Something that must be refused: how to bring it about, and what the refusal must name."""

    what: str
    breaking: Breaking
    names: tuple[str, ...]


def changed(what: str, file: str, name: str, path: str, value: Any, *said: str) -> Defect:
    """A defect in one field of one entry: file, entry and field are named."""

    def breaking(bench: Bench) -> None:
        with bench.entry(file, name) as entry:
            put(entry, path, value)

    return Defect(what, breaking, (file, name, *said))


def wrote(what: str, file: str, content: str, *said: str) -> Defect:
    """A defect of a whole file."""
    return Defect(what, lambda bench: bench.write(file, content), (file, *said))


def _twice(bench: Bench) -> None:
    (found,) = [entry for entry in bench.read(RULES) if entry["id"] == RULE]
    bench.add("safety/brain.yaml", found)


def _id_with_a_space(bench: Bench) -> None:
    with bench.entry(RULES, RULE) as entry:
        entry["id"] = "t dxd"


def _two_governances(bench: Bench) -> None:
    with bench.entry(RULES, RULE) as entry:
        entry.update(governance="draft", status="draft")


def _two_agents(bench: Bench) -> None:
    bench.add("agents.yaml", bench.read("agents.yaml")[0])


def _key_twice(bench: Bench) -> None:
    path = bench.folder / RULES
    path.write_text(path.read_text("utf-8").replace("  kind: exclusion\n", "  kind: exclusion\n  kind: caution\n", 1))


def _uncited(bench: Bench) -> None:
    (found,) = [entry for entry in bench.read(FACTS) if entry["id"] == "tuc-01"]
    bench.add(FACTS, {**found, "id": "tuc-99"})


def _agent_missing(bench: Bench) -> None:
    bench.write("agents.yaml", [entry for entry in bench.read("agents.yaml") if entry["id"] != "epirubicin"])


def _agent_added(bench: Bench) -> None:
    (found,) = [entry for entry in bench.read("agents.yaml") if entry["id"] == "epirubicin"]
    bench.add("agents.yaml", {**found, "id": "novel_drug"})


def _threshold_missing(bench: Bench) -> None:
    """A question shows it; its fact stays cited elsewhere."""
    rest = [entry for entry in bench.read("safety/thresholds.yaml") if entry["id"] != "platelets_low"]
    bench.write("safety/thresholds.yaml", rest)


def _not_utf8(bench: Bench) -> None:
    (bench.folder / RULES).write_bytes("- id: caf\u00e9".encode("latin-1"))


def _no_manifest(bench: Bench) -> None:
    (bench.folder / "manifest.yaml").unlink()


def _other_suffix(bench: Bench) -> None:
    (bench.folder / RULES).rename((bench.folder / RULES).with_suffix(".yml"))


RULES, RULE = "safety/t_dxd.yaml", "t_dxd_ild_history"
UNSTUDIED = "t_dxd_hepatic_severe"  # rests on one recalled fact, and says so
FACTS = "evidence/facts/tucatinib.yaml"
ROWS, ROW = "recommendations/second_line.yaml", "R03"
DRUG = "regimens/t_dm1.yaml"

DEFECTS = [
    # The form of an entry
    changed("an unknown field in a rule", RULES, RULE, "txt", "x", "txt"),
    changed("an unknown field in a fact", FACTS, "tuc-01", "hazard_ratio", "0.5", "hazard_ratio"),
    changed("an unknown field in a source", "evidence/sources.yaml", "emilia-2012", "url", "x", "url"),
    changed("an unknown field in a regimen", DRUG, "t_dm1", "price", "x", "price"),
    changed("an unknown field deep in a regimen", DRUG, "t_dm1", "fit.criteria.0.weight", "x", "weight"),
    changed("an unknown field in an option", ROWS, ROW, "options.0.rank", 1, "rank"),
    changed("an unknown field in a grade", ROWS, ROW, "options.0.grades.0.level", "A", "level"),
    changed("an unknown field in the manifest", "manifest.yaml", "manifest", "author", "x", "author"),
    changed("a rule without text", RULES, RULE, "text", GONE, "text"),
    changed("a rule with an empty text", RULES, RULE, "text", "", "text"),
    changed("a fact without population", FACTS, "tuc-01", "population", GONE, "population"),
    changed("a fact without arms", FACTS, "tuc-01", "arms", GONE, "arms"),
    changed("a fact without source", FACTS, "tuc-01", "sources", [], "sources"),
    changed("a grade without its system", ROWS, ROW, "options.0.grades.0.system", GONE, "system"),
    changed("a year as text", "evidence/sources.yaml", "emilia-2012", "year", "2012", "year"),
    changed("a tier that does not exist", ROWS, ROW, "options.0.tier", "best", "tier"),
    Defect("an id with a space", _id_with_a_space, (RULES, "t dxd", "id")),
    Defect("a governance that is a word, beside a status", _two_governances, (RULES, RULE, "governance")),
    changed("an approval word that does not exist", RULES, RULE, "status", "verified", "status"),
    changed("a review-by date that is none", RULES, RULE, "review_by", "soon", "review_by"),
    changed("a manifest without review-by date", "manifest.yaml", "manifest", "governance.review_by", GONE,
            "review_by"),
    changed("a governance that is no mapping", RULES, RULE, "governance", "draft", "governance"),
    changed("a concern for agents and classes", RULES, RULE, "concerns", {"agents": ["t_dxd"], "classes": ["taxane"]},
            "concerns"),
    changed("a concern for nothing", RULES, RULE, "concerns", {}, "concerns"),
    # Conditions
    changed("an unknown field in a condition", RULES, RULE, "when", {"ild": "present"}, "when", "'ild'"),
    changed("an unknown option in a condition", RULES, RULE, "when", {"ild_history": "yes"}, "when", "'yes'"),
    changed("an unknown option deep in a condition", RULES, RULE, "when",
            {"any": [{"not": {"lvef": "reduced"}}, {"all": [{"lvef": "low"}]}]}, "when", "'low'"),
    changed("an unknown agent in a condition", RULES, RULE, "when", {"received": {"includes_any": ["tdxd"]}}, "when",
            "'tdxd'"),
    changed("an unknown operator", RULES, RULE, "when", {"received": {"contains": ["t_dxd"]}}, "when", "contains"),
    changed("an option as true or false", RULES, RULE, "when", {"ild_history": True}, "when"),
    changed("an empty list in a condition", RULES, RULE, "when", {"ild_history": []}, "when"),
    changed("an empty any", RULES, RULE, "when", {"any": []}, "when"),
    changed("a bound on what is no number", RULES, RULE, "when", {"lvef": {"at_least": 50}}, "when", "lvef"),
    changed("an option of a number", RULES, RULE, "when", {"her2_lines": "two"}, "when", "her2_lines"),
    changed("a set compared as one option", RULES, RULE, "when", {"received": "t_dxd"}, "when", "received"),
    changed("one option taken for a set", RULES, RULE, "when", {"ild_history": {"includes_any": ["present"]}}, "when",
            "ild_history"),
    changed("a condition that is no mapping", RULES, RULE, "when", "ild_history", "when"),
    changed("an unknown field in a row", ROWS, ROW, "when", {"brain": "none"}, "when", "'brain'"),
    changed("an unknown option in an option's condition", ROWS, ROW, "options.0.when", {"hr_status": "er"}, "when"),
    changed("an unknown regimen in out", ROWS, ROW, "when", {"out": {"includes_any": ["tdxd"]}}, "when", "'tdxd'"),
    changed("an unknown option in a criterion", DRUG, "t_dm1", "fit.criteria.0.when", {"line": "third"}, "when"),
    changed("an unknown option in a stop", "safety/stops.yaml", "red_flag", "when", {"gate": "red"}, "when", "'red'"),
    changed("an unknown option in a pitfall", "pitfalls.yaml", "endocrine_alone", "when", {"hr_status": "er"}, "when"),
    # References
    changed("a dangling source", FACTS, "tuc-01", "sources", ["no-such-source"], "sources", "no-such-source"),
    changed("a dangling fact in a rule", RULES, RULE, "facts", ["tdxd-99"], "facts", "tdxd-99"),
    changed("a dangling fact in a regimen", DRUG, "t_dm1", "harms.0", "tdm1-99", "tdm1-99"),
    changed("a dangling fact in monitoring", DRUG, "t_dm1", "monitoring.0.facts", ["tdm1-99"], "tdm1-99"),
    changed("a dangling fact in an option", ROWS, ROW, "options.0.facts", ["tdxd-99"], "facts", "tdxd-99"),
    changed("a dangling fact in a grade", ROWS, ROW, "options.0.grades.0.facts", ["gl-99"], "facts", "gl-99"),
    changed("a dangling fact in a threshold", "safety/thresholds.yaml", "lvef_reduced", "facts", ["x-1"], "x-1"),
    changed("a dangling fact in a stop", "safety/stops.yaml", "red_flag", "facts", ["x-1"], "facts", "x-1"),
    changed("a dangling fact in a principle", "principles.yaml", "continue_her2_therapy", "facts", ["x-1"], "x-1"),
    changed("a dangling fact in a gap", "evidence/gaps.yaml", "gap-guideline-abc", "facts", ["x-1"], "x-1"),
    changed("a dangling fact in the article", "evidence/source_article.yaml", "article-01", "facts", ["x-1"], "x-1"),
    changed("a dangling article statement", "pitfalls.yaml", "tki_after_tki", "article", ["article-99"], "article-99"),
    changed("a dangling regimen in a fact", FACTS, "tuc-01", "regimens", ["tucatinib"], "regimens", "tucatinib"),
    changed("a dangling regimen in an option", ROWS, ROW, "options.0.regimen", "tdxd", "options", "tdxd"),
    changed("a dangling step", ROWS, ROW, "steps", [{"step": "surgery", "text": "x"}], "steps", "surgery"),
    changed("a dangling regimen to avoid", ROWS, ROW, "avoid", [{"regimen": "tdxd", "text": "x"}], "avoid", "tdxd"),
    changed("a dangling step of a stop", "safety/stops.yaml", "red_flag", "steps", ["surgery"], "steps", "surgery"),
    changed("a dangling field of a stop", "safety/stops.yaml", "red_flag", "fields", ["flags"], "fields", "flags"),
    changed("a rule on an unknown agent", RULES, RULE, "concerns", {"agents": ["tdxd"]}, "concerns.agents", "tdxd"),
    changed("a rule on an unknown class", RULES, RULE, "concerns", {"classes": ["adc"]}, "concerns.classes", "adc"),
    changed("a rule on an unknown regimen", RULES, RULE, "concerns", {"regimens": ["x"]}, "concerns.regimens", "'x'"),
    changed("an unknown agent in a regimen", DRUG, "t_dm1", "agents", ["tdm1"], "agents", "tdm1"),
    changed("an unknown class of an agent", "agents.yaml", "t_dm1", "classes", ["adc"], "classes", "adc"),
    Defect("an agent of the profile without entry", _agent_missing, ("agents.yaml", "epirubicin")),
    Defect("an agent the profile does not know", _agent_added, ("agents.yaml", "novel_drug")),
    Defect("a fact no one cites", _uncited, (FACTS, "tuc-99", "cites")),
    Defect("a threshold that a question shows is missing", _threshold_missing, ("platelets_low",)),
    # Figures and marks
    changed("an untraced number in a rule", RULES, RULE, "text", "ILD in 77.7% of patients", "text", "77.7"),
    changed("an untraced number in a row", ROWS, ROW, "text", "HR 0.123", "text", "0.123"),
    changed("an untraced number in an option", ROWS, ROW, "options.0.text", "survival of 99 months", "text", "99"),
    changed("an untraced number in a step", ROWS, ROW, "steps", [{"step": "brain_imaging", "text": "within 987 days"}],
            "text", "987"),
    changed("an untraced number in monitoring", DRUG, "t_dm1", "monitoring.0.text", "ALT every 987 days", "987"),
    changed("an untraced number in authorisation", DRUG, "t_dm1", "authorisation.eu.text", "since 1987", "1987"),
    changed("an untraced number in strength", DRUG, "t_dm1", "strength.text", "HR 0.987", "0.987"),
    changed("an untraced number in a criterion", DRUG, "t_dm1", "fit.criteria.0.text", "at least 987 mg", "987"),
    changed("an untraced number in what is not assessed", DRUG, "t_dm1", "not_assessed.0", "above 987", "987"),
    changed("an untraced number in a stop", "safety/stops.yaml", "red_flag", "nearest", "after 987 days", "987"),
    changed("an untraced number in a threshold", "safety/thresholds.yaml", "lvef_reduced", "text", "below 98%", "98"),
    changed("an untraced number in a pitfall", "pitfalls.yaml", "repeating_t_dxd", "text", "in 987 patients", "987"),
    changed("an untraced number on an agent", "agents.yaml", "trastuzumab_duocarmazine", "text", "in 1987", "1987"),
    changed("a decimal point turned into a comma", "pitfalls.yaml", "skipping_t_dxd", "text", "HR 0,30", "0,30"),
    changed("a recalled fact without its mark", "evidence/facts/t_dm1.yaml", "tdm1-17", "pending_review", False,
            "pending_review"),
    changed("a mark on a fact that is not recalled", FACTS, "tuc-01", "pending_review", True, "pending_review"),
    changed("a rule from memory without its mark", RULES, UNSTUDIED, "pending_review", False, "pending_review"),
    changed("monitoring from memory without its mark", DRUG, "t_dm1", "monitoring.0",
            {"text": "Liver", "facts": ["tdm1-17"]}, "pending_review"),
    changed("an authorisation from memory without its mark", DRUG, "t_dm1", "authorisation.us.pending_review", False,
            "pending_review"),
    changed("a pitfall from memory without its mark", "pitfalls.yaml", "repeating_t_dxd", "facts", ["tdxd-28"],
            "pending_review"),
    changed("a note from memory without its mark", "not_assessed.yaml", "her2_test", "facts", ["tdxd-28"],
            "pending_review"),
    changed("a fact that was not found", RULES, RULE, "facts", ["gl-18", "tdxd-22", "tdxd-18", "tdxd-17"], "gl-18"),
    changed("a fact under a regimen it is not about", DRUG, "t_dm1", "efficacy", ["tuc-01"], "efficacy", "tuc-01"),
    changed("harms of another regimen", DRUG, "t_dm1", "harms", ["tuc-01"], "harms", "tuc-01"),
    # What every drug shows
    changed("a drug without monitoring", DRUG, "t_dm1", "monitoring", [], "monitoring"),
    changed("a drug without fit", DRUG, "t_dm1", "fit", None, "fit"),
    changed("a drug with a fit without criteria", DRUG, "t_dm1", "fit.criteria", [], "fit"),
    changed("a drug without authorisation", DRUG, "t_dm1", "authorisation", None, "authorisation"),
    changed("a drug with three empty authorisations", DRUG, "t_dm1", "authorisation",
            {"us": None, "eu": None, "china": None}, "authorisation"),
    changed("a drug without an EU authorisation", DRUG, "t_dm1", "authorisation.eu", GONE, "eu"),
    changed("a drug without harms", DRUG, "t_dm1", "harms", [], "harms"),
    changed("a drug without agents", DRUG, "t_dm1", "agents", [], "agents"),
    changed("a drug without what is not assessed", DRUG, "t_dm1", "not_assessed", [], "not_assessed"),
    changed("a withdrawn agent without text", "agents.yaml", "trastuzumab_duocarmazine", "text", None, "status"),
    changed("a withdrawn agent without facts", "agents.yaml", "trastuzumab_duocarmazine", "facts", [], "status"),
    # Files
    Defect("two entries in force with one id", _twice, (RULE, "id", "two entries")),
    Defect("two agents with one id", _two_agents, ("agents.yaml", "trastuzumab", "two entries")),
    Defect("a key that stands twice", _key_twice, (RULES, "line", "'kind' stands twice")),
    Defect("no manifest", _no_manifest, ("manifest.yaml",)),
    Defect("a file that is not UTF-8", _not_utf8, (RULES, "not readable")),
    Defect("a file with another suffix", _other_suffix, ("safety/t_dxd.yml",)),
    wrote("a stray file", "notes.yaml", "- id: x\n", "no part of the knowledge"),
    wrote("a stray folder", "draft/rules.yaml", "- id: x\n", "no part of the knowledge"),
    wrote("a YAML error", RULES, "- id: [x\n", "line"),
    wrote("an alias", RULES, "- &a {id: x}\n- *a\n", "aliases"),
    wrote("a tag", RULES, "- !!python/name:os.system {id: x}\n", "line 1"),
    wrote("a text for a list", RULES, "nothing here\n", "expected a list"),
    wrote("an empty file", RULES, "", "expected a list"),
    wrote("a list of texts", RULES, "- t_dxd_ild_history\n", "entry 1"),
    wrote("a list as manifest", "manifest.yaml", "- a\n", "manifest"),
]  # fmt: skip


@pytest.fixture(scope="module")
def read_once() -> Iterator[None]:
    """The real reader, which remembers what a text held: a hundred copies differ in one file each."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(flows.knowledge.load, "read_yaml", cache(read_yaml))
        yield


@pytest.mark.usefixtures("read_once")
@pytest.mark.parametrize("defect", DEFECTS, ids=[defect.what for defect in DEFECTS])
def test_a_defect_is_refused_by_name(defect: Defect, bench: Bench) -> None:
    """S7-S9, S25: were it to fail, broken knowledge starts, or its author is not told where it is broken.

    Through the command, so that one line, exit code 2 and the absence of a traceback are checked of each.
    """
    defect.breaking(bench)
    result = CliRunner().invoke(main, ["knowledge", "check", str(bench.folder)])
    assert isinstance(result.exception, SystemExit), repr(result.exception) if result.exception else result.stdout
    assert result.exit_code == 2
    assert result.stdout == ""
    assert len(result.stderr.splitlines()) == 1, result.stderr
    for name in defect.names:
        assert name in result.stderr


def test_the_copy_is_accepted_before_it_is_broken(bench: Bench) -> None:
    """Were it to fail: every refusal above may have another reason than the defect."""
    result = CliRunner().invoke(main, ["knowledge", "check", str(bench.folder)])
    assert result.exit_code == 0, result.stderr
    assert shipped().digest in result.stdout
    for file in sorted(path.relative_to(bench.folder).as_posix() for path in bench.folder.rglob("*.yaml")):
        bench.write(file, bench.read(file))
    rewritten = load(bench.folder)
    assert rewritten.facts == shipped().facts
    assert rewritten.rules == shipped().rules


def test_the_error_itself_names_file_and_entry(bench: Bench) -> None:
    """S25: were it to fail, a program that shows the defect has to take a sentence apart."""
    with bench.entry(RULES, RULE) as entry:
        entry["facts"] = ["tdxd-99"]
    with pytest.raises(KnowledgeError) as refusal:
        load(bench.folder)
    assert (refusal.value.file, refusal.value.entry) == (RULES, RULE)


def test_a_folder_that_does_not_exist() -> None:
    """S25: were it to fail, a wrong path is a traceback, or falls back to the shipped knowledge."""
    with pytest.raises(KnowledgeError, match=r"manifest\.yaml"):
        load(Path("/nowhere"))


# Entries that end and begin


def ended(entry: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {**entry, "valid_from": date(2025, 1, 1), "valid_until": date(2026, 6, 1), **changes}


def test_only_the_successor_of_a_closed_entry_is_in_force(bench: Bench) -> None:
    """S26: were it to fail, a rule that ended still rules something out, or ending one breaks the knowledge."""
    (rule,) = [entry for entry in bench.read(RULES) if entry["id"] == RULE]
    bench.add(RULES, ended(rule, text="As it was worded before."))
    bench.add("pitfalls.yaml", ended({"id": "gone", "when": None, "text": "Ended.", "facts": []}))
    knowledge = load(bench.folder)
    (found,) = [entry for entry in knowledge.rules if entry.id == RULE]
    assert found.text == rule["text"]
    assert found.governance.valid_until is None
    assert "gone" not in {entry.id for entry in knowledge.pitfalls}
    assert sorted(knowledge.retired) == ["gone", RULE]
    assert knowledge.digest != shipped().digest


def test_an_entry_ends_on_the_day_its_successor_begins(bench: Bench) -> None:
    """S26: were it to fail, on the day of the change both entries are in force, or neither."""
    today = shipped().manifest.date
    with bench.entry(RULES, RULE) as entry:
        before = ended(entry, valid_until=today, text="Before.")
        entry["valid_from"] = today
    bench.add(RULES, before)
    knowledge = load(bench.folder)
    assert [entry.text != "Before." for entry in knowledge.rules if entry.id == RULE] == [True]


def test_an_entry_of_tomorrow_is_not_in_force(bench: Bench) -> None:
    """S26: were it to fail, an approval expected for next year already ranks."""
    (rule,) = [entry for entry in bench.read(RULES) if entry["id"] == RULE]
    bench.add(RULES, {**rule, "valid_from": date(2099, 1, 1), "text": "Tomorrow."})
    assert "Tomorrow." not in {entry.text for entry in load(bench.folder).rules}


def test_a_regimen_can_be_closed_with_a_successor(bench: Bench) -> None:
    """S26: were it to fail, a regimen's page cannot be closed, only overwritten."""
    bench.write("regimens/t_dm1_2025.yaml", ended(bench.read(DRUG), name="As it was"))
    assert load(bench.folder).regimens["t_dm1"].name == shipped().regimens["t_dm1"].name


def test_a_retired_entry_gives_no_advice(bench: Bench) -> None:
    """S26: were it to fail, an entry its reviewers retired still rules, and counts as better than approved."""
    with bench.entry("pitfalls.yaml", "repeating_t_dxd") as entry:
        entry["status"] = "retired"
        entry["reviewer"] = "A reviewer"
    try:
        knowledge = load(bench.folder)
    except KnowledgeError:
        return
    assert "repeating_t_dxd" not in {entry.id for entry in knowledge.pitfalls}


def test_an_approval_without_a_reviewer_is_refused(bench: Bench) -> None:
    """S26, S29: were it to fail, one word in a file makes an entry "approved", by nobody."""
    with bench.entry(RULES, RULE) as entry:
        entry["status"] = "approved"
    with pytest.raises(KnowledgeError, match="reviewer"):
        load(bench.folder)


def test_an_entry_that_ends_before_it_begins_is_refused(bench: Bench) -> None:
    """S26: were it to fail, two dates swapped by mistake silently take a contraindication out of force."""
    with bench.entry(RULES, RULE) as entry:
        entry["valid_from"], entry["valid_until"] = date(2026, 6, 1), date(2025, 6, 1)
    with pytest.raises(KnowledgeError, match="valid"):
        load(bench.folder)


def test_the_weakest_status_is_the_one_shown(bench: Bench) -> None:
    """S26: were it to fail, an answer of one draft and nine approved entries is shown as approved."""
    with bench.entry("manifest.yaml", "manifest") as manifest:
        manifest["governance"].update(status="approved", reviewer="A reviewer")
    with bench.entry(RULES, RULE) as entry:
        entry.update(status="under_review", reviewer=None)
    knowledge = load(bench.folder)
    assert knowledge.weakest(knowledge.governed()) == "under_review"
    assert knowledge.weakest(knowledge.facts.values()) == "approved"
    assert knowledge.weakest([]) == "draft"
    assert {entry.governance.reviewer for entry in knowledge.facts.values()} == {"A reviewer"}


def test_an_overdue_entry_is_named(bench: Bench) -> None:
    """S27: were it to fail, one rule past its date hides behind the others' dates."""
    with bench.entry(RULES, RULE) as entry:
        entry["review_by"] = date(2026, 12, 1)
    knowledge = load(bench.folder)
    assert knowledge.overdue(date(2026, 12, 1)) == ()
    assert knowledge.overdue(date(2026, 12, 2)) == (RULE,)


# The hash


def test_the_hash_changes_with_any_byte_of_any_file(bench: Bench) -> None:
    """S23: were it to fail, two answers name the same knowledge and were given by different ones."""
    seen = {digest(bench.folder)}
    expected = 1
    for path in sorted(bench.folder.rglob("*.yaml")):
        content = path.read_bytes()
        for place in {0, len(content) // 2, len(content) - 1}:
            path.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
            seen.add(digest(bench.folder))
            expected += 1
        path.write_bytes(content + b"\n")
        seen.add(digest(bench.folder))
        expected += 1
        path.write_bytes(content)
    assert len(seen) == expected
    assert digest(bench.folder) == shipped().digest


def test_the_hash_changes_with_the_names_and_the_borders_of_files(tmp_path: Path) -> None:
    """S23: were it to fail, a file moved, added, removed or cut in two elsewhere keeps the hash."""

    def of(**files: str) -> str:
        folder = tmp_path / f"{len(list(tmp_path.iterdir()))}"
        for name, content in files.items():
            path = folder / name.replace("__", "/")
            path = path.with_name(f"{path.name}.yaml")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
        return digest(folder)

    variants = [
        of(a="x", b="y"), of(a="x", c="y"), of(a="y", b="x"), of(a="x"), of(a="xy"), of(a="xy", b=""), of(a="", b="xy"),
        of(a="x", b="y", c=""), of(a="x", s__b="y"), of(s__a="x", b="y"), of(a="x", b="y "),
    ]  # fmt: skip
    assert len(set(variants)) == len(variants)
    assert of(a="x", b="y") == variants[0]


def test_the_hash_does_not_depend_on_time_or_place(bench: Bench) -> None:
    """S22, S23: were it to fail, the same knowledge elsewhere is another, and no record replays."""
    assert digest(bench.folder) == digest(SHIPPED)
    assert re.fullmatch(r"sha256:[0-9a-f]{64}", digest(SHIPPED))
    (bench.folder / "README.md").write_text("not knowledge")
    (bench.folder / "__pycache__").mkdir()
    assert digest(bench.folder) == digest(SHIPPED)


def test_what_is_kept_beside_the_bytecode_follows_the_hash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """S23: were it to fail, a changed knowledge answers from what was read before the change."""
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    assert kept(tmp_path, "x", "sha256:1", lambda: "first") == "first"
    assert kept(tmp_path, "x", "sha256:1", lambda: "never asked") == "first"
    assert kept(tmp_path, "x", "sha256:2", lambda: "second") == "second"
    assert len(list((tmp_path / "__pycache__").iterdir())) == 1
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    assert kept(tmp_path, "x", "sha256:3", lambda: "third") == "third"
    assert len(list((tmp_path / "__pycache__").iterdir())) == 1


@pytest.mark.parametrize("damage", [b"", b"\x80", b"garbage", b"\x80\x09.", b"\x80\x05\x8c\x01\xff.", b"I1x\n."])
def test_a_damaged_keepsake_is_made_anew(damage: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """S25: were it to fail, a disk full while writing __pycache__ makes every later start a traceback."""
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    kept(tmp_path, "x", "sha256:1", lambda: "first")
    (path,) = (tmp_path / "__pycache__").iterdir()
    path.write_bytes(damage)
    assert kept(tmp_path, "x", "sha256:1", lambda: "anew") == "anew"


# Conditions

SCALARS = {"hr_status": ("positive", "negative"), "lvef": ("normal", "reduced"), "line": ("first", "second", "later")}
SETS = {"received": ("t_dxd", "t_dm1", "taxane"), "out": ("t_dxd", "t_dm1", "trial")}
NUMBERS = {"her2_lines": 4}


def _leaf() -> st.SearchStrategy[dict[str, Any]]:
    scalars = [
        st.lists(st.sampled_from(options), min_size=1, max_size=2, unique=True).map(lambda of, name=name: {name: of})
        for name, options in SCALARS.items()
    ]
    sets = [
        st.tuples(
            st.sampled_from(("includes_any", "includes_all", "includes_none")),
            st.lists(st.sampled_from(options), min_size=1, max_size=2, unique=True),
        ).map(lambda of, name=name: {name: {of[0]: of[1]}})
        for name, options in SETS.items()
    ]
    numbers = [
        st.tuples(st.sampled_from(("at_least", "at_most")), st.integers(0, most)).map(
            lambda of, name=name: {name: {of[0]: of[1]}}
        )
        for name, most in NUMBERS.items()
    ]
    return st.one_of(*scalars, *sets, *numbers)


def _merged(parts: list[dict[str, Any]]) -> dict[str, Any]:
    return {name: wanted for part in parts for name, wanted in part.items()}


CONDITIONS = st.recursive(
    _leaf(),
    lambda part: st.one_of(
        st.lists(part, min_size=1, max_size=3).map(lambda parts: {"all": parts}),
        st.lists(part, min_size=1, max_size=3).map(lambda parts: {"any": parts}),
        st.lists(part, min_size=1, max_size=3).map(_merged),
        part.map(lambda one: {"not": one}),
        st.lists(part, min_size=2, max_size=3).map(lambda parts: {"not": _merged(parts)}),
    ),
    max_leaves=8,
)


@st.composite
def views(draw: st.DrawFn) -> dict[str, Any]:
    """What a condition may see, any part of it not known."""
    view: dict[str, Any] = {name: draw(st.sampled_from((None, *options))) for name, options in SCALARS.items()}
    for name, most in NUMBERS.items():
        view[name] = draw(st.one_of(st.none(), st.integers(0, most)))
    for name, options in SETS.items():
        known = frozenset(draw(st.sets(st.sampled_from(options))))
        rest = draw(st.one_of(st.none(), st.sets(st.sampled_from(options))))
        view[name] = Members(known, None if rest is None else frozenset(rest) - known)
    return view


@st.composite
def refined(draw: st.DrawFn, view: View, names: Iterable[str] | None = None) -> dict[str, Any]:
    """A view in which everything (or everything named) is known, and nothing known has changed."""
    after = dict(view)
    for name in view if names is None else names:
        value = view[name]
        if isinstance(value, Members):
            possible = frozenset(SETS[name]) if value.possible is None else value.possible
            chosen = draw(st.sets(st.sampled_from(sorted(possible)))) if possible else set()
            after[name] = Members(value.known | chosen)
        elif value is None and name in SCALARS:
            after[name] = draw(st.sampled_from(SCALARS[name]))
        elif value is None:
            after[name] = draw(st.integers(0, NUMBERS[name]))
    return after


@given(source=CONDITIONS, view=views(), data=st.data())
@settings(max_examples=120, deadline=None, derandomize=True)
def test_what_is_decided_stays_decided_when_more_is_known(
    source: dict[str, Any], view: View, data: st.DataObject
) -> None:
    """S11: were it to fail, Unknown was treated as No (or Yes): a later answer overturns what was said for certain."""
    when = When(source)
    before = when.holds(view)
    after = data.draw(refined(view))
    assert when.holds(after) is not None, "everything is known"
    if before is not None:
        assert when.holds(after) is before


@given(source=CONDITIONS, view=views(), data=st.data())
@settings(max_examples=120, deadline=None, derandomize=True)
def test_what_is_open_is_named_and_decides(source: dict[str, Any], view: View, data: st.DataObject) -> None:
    """S11, S12: were it to fail, the tool asks for something that does not decide, or not for what does."""
    when = When(source)
    if when.holds(view) is None:
        assert when.open_fields(view)
        assert when.open_fields(view) <= when.fields
        assert {atom.field for atom in when.needed(view)} == when.open_fields(view)
        assert when.holds(data.draw(refined(view, sorted(when.open_fields(view))))) is not None


def truth_of(atom: Atom, view: View) -> Truth:
    """What one atom says of a view, by the language itself."""
    wanted: Any = list(atom.values) if atom.operator in ("is", "known") else {atom.operator: list(atom.values)}
    if atom.operator in ("at_least", "at_most"):
        wanted = {atom.operator: atom.values[0]}
    said = When({atom.field: wanted}).holds(view)
    return said if said is None or not atom.negated else not said


@given(source=CONDITIONS, view=views())
@settings(max_examples=120, deadline=None, derandomize=True)
def test_every_reason_given_is_true(source: dict[str, Any], view: View) -> None:
    """S7, S11: were it to fail, an answer says "because LVEF: not reduced" where LVEF is not known."""
    when = When(source)
    because = when.because(view)
    assert bool(because) == (when.holds(view) is True)
    for atom in because:
        assert truth_of(atom, view) is True, (str(atom), view[atom.field])


@given(source=CONDITIONS, view=views(), other=views())
@settings(max_examples=120, deadline=None, derandomize=True)
def test_the_reasons_given_are_reason_enough(source: dict[str, Any], view: View, other: View) -> None:
    """S7: were it to fail, the reasons shown hold for another patient too, for whom the rule does not."""
    when = When(source)
    because = when.because(view)
    if because and all(truth_of(atom, other) is True for atom in because):
        assert when.holds(other) is True


def test_a_reason_never_claims_what_is_not_known() -> None:
    """S11: were it to fail, "not both" is explained by an answer nobody gave. The smallest case of the above."""
    when = When({"not": {"hr_status": "positive", "lvef": "reduced"}})
    view = {"hr_status": "negative", "lvef": None}
    assert when.holds(view) is True
    assert {atom.field for atom in when.because(view)} == {"hr_status"}


def test_no_answer_states_what_was_said_to_be_unknown() -> None:
    """S11: were it to fail, an option is shown "because LVEF: not reduced" to someone who answered "not known"."""
    knowledge = shipped()
    fields = ("ild_history", "lvef", "hepatic_impairment", "renal_impairment", "dpd_deficiency", "platelets",
              "hr_status", "tdxd_access", "chemotherapy", "interacting_medicines")  # fmt: skip
    for extracranial in ("controlled", "progressing", "unknown"):
        profile = Profile.model_validate({
            "her2_status": "positive", "setting": "metastatic", "red_flags": [], "early_stage_agents": [],
            "prior_lines": [{"agents": ["docetaxel", "trastuzumab", "pertuzumab"], "outcome": "progression"}],
            "brain_metastases": "active", "leptomeningeal": "absent", "extracranial_disease": extracranial,
            **dict.fromkeys(fields, "unknown"),
        })  # fmt: skip
        advice = recommend(profile, knowledge)
        assert advice.options
        for option in advice.options:
            said = [str(atom) for atom in option.because if atom.field in fields and "unknown" not in atom.values]
            assert said == [], f"{option.row.id}: {option.regimen.id}"


T, F, U = True, False, None
POSITIVE = {T: "positive", F: "negative", U: None}
REDUCED = {T: "reduced", F: "normal", U: None}


@pytest.mark.parametrize(
    ("one", "other", "both", "either"),
    [(T, T, T, T), (T, F, F, T), (T, U, U, T), (F, T, F, T), (F, F, F, F), (F, U, F, U), (U, T, U, T), (U, F, F, U),
     (U, U, U, U)],
)  # fmt: skip
def test_the_truth_tables(one: Truth, other: Truth, both: Truth, either: Truth) -> None:
    """S11: were it to fail, "not known" is taken for "no" in an "and", an "or" or a "not"."""
    view = {"hr_status": POSITIVE[one], "lvef": REDUCED[other]}
    first, second = {"hr_status": "positive"}, {"lvef": "reduced"}
    negated = {T: F, F: T, U: U}
    assert When({**first, **second}).holds(view) is both
    assert When({"all": [first, second]}).holds(view) is both
    assert When({"any": [first, second]}).holds(view) is either
    assert When({"not": first}).holds(view) is negated[one]
    assert When({"not": {**first, **second}}).holds(view) is negated[both]
    assert When({"not": {"any": [first, second]}}).holds(view) is negated[either]


@pytest.mark.parametrize(
    ("members", "any_", "all_"),
    [
        (Members(frozenset()), F, F),
        (Members(frozenset(("t_dxd",))), T, F),
        (Members(frozenset(("t_dxd", "t_dm1"))), T, T),
        (Members(frozenset(("taxane",))), F, F),
        (Members(frozenset(), frozenset(("t_dxd",))), U, F),
        (Members(frozenset(), frozenset(("taxane",))), F, F),
        (Members(frozenset(), None), U, U),
        (Members(frozenset(("t_dxd",)), frozenset(("t_dm1",))), T, U),
        (Members(frozenset(("t_dxd",)), None), T, U),
        (Members(frozenset(), frozenset(("t_dxd", "t_dm1"))), U, U),
    ],
)
def test_the_truth_of_sets(members: Members, any_: Truth, all_: Truth) -> None:
    """S11, S16: were it to fail, a line whose agents are not known counts as one without T-DXd."""
    view = {"received": members}
    agents = ["t_dxd", "t_dm1"]
    assert When({"received": {"includes_any": agents}}).holds(view) is any_
    assert When({"received": {"includes_all": agents}}).holds(view) is all_
    assert When({"received": {"includes_none": agents}}).holds(view) is {T: F, F: T, U: U}[any_]


def test_numbers_and_what_is_known() -> None:
    """S11: were it to fail, a number not known is below every bound, or "known" cannot be asked for."""
    assert [When({"her2_lines": {"at_least": 2}}).holds({"her2_lines": n}) for n in (1, 2, 3, None)] == [F, T, T, U]
    assert [When({"her2_lines": {"at_most": 2}}).holds({"her2_lines": n}) for n in (1, 2, 3, None)] == [T, T, F, U]
    both = When({"her2_lines": {"at_least": 1, "at_most": 2}})
    assert [both.holds({"her2_lines": n}) for n in (0, 1, 2, 3)] == [F, T, T, F]
    unknown = When({"hr_status": ["positive", "unknown"]})
    assert [unknown.holds({"hr_status": value}) for value in ("positive", "negative", None)] == [T, F, T]
    known = When({"hr_status": {"known": ["positive"]}})
    assert [known.holds({"hr_status": value}) for value in ("positive", "negative", None)] == [T, F, F]


def test_because_narrows_to_what_the_profile_says() -> None:
    """S7: were it to fail, "none or not imaged" is the reason given to a patient whose brain was imaged."""
    when = When({"brain_metastases": ["none", "not_imaged"], "received": {"includes_any": ["t_dxd", "t_dm1"]}})
    view = {"brain_metastases": "none", "received": Members(frozenset(("t_dm1", "taxane")))}
    assert when.because(view) == (
        Atom("brain_metastases", "is", ("none",)), Atom("received", "includes_any", ("t_dm1",)),
    )  # fmt: skip
    assert When({"hr_status": ["positive", "unknown"]}).because({"hr_status": None}) == (
        Atom("hr_status", "is", ("unknown",)),
    )
    either = When({"any": [{"hr_status": "positive"}, {"lvef": "reduced"}]})
    assert either.because({"hr_status": "negative", "lvef": "reduced"}) == (Atom("lvef", "is", ("reduced",)),)
    assert either.because({"hr_status": "negative", "lvef": "normal"}) == ()
    assert either.because({"hr_status": "negative", "lvef": None}) == ()
    assert either.open_fields({"hr_status": "negative", "lvef": None}) == {"lvef"}
    assert ALWAYS.holds({}) is True
    assert ALWAYS.because({}) == ()


@pytest.mark.parametrize(
    "source",
    [
        None, "lvef", ["lvef"], 5, {"any": []}, {"all": []}, {"any": {"lvef": "normal"}}, {"any": ["lvef"]},
        {"not": {}}, {"not": []}, {"not": "lvef"}, {"lvef": None}, {"lvef": []}, {"lvef": True}, {"lvef": 5},
        {"lvef": ["normal", 5]}, {"lvef": {}},
        {"received": {"contains": ["t_dxd"]}}, {"received": {"includes_any": []}},
        {"her2_lines": {"at_least": "2"}}, {"her2_lines": {"at_least": True}}, {"her2_lines": {"at_least": 1.5}},
        {"her2_lines": {"at_least": None}}, {"any": [{"not": {"lvef": 1}}]},
    ],
    ids=str,
)  # fmt: skip
def test_what_is_no_condition_is_refused(source: Any) -> None:
    """S25: were it to fail, a misspelt condition always holds, or never, and nobody notices."""
    with pytest.raises(ValueError, match=r"\w"):
        When(source)


def test_shipped_conditions_fit_the_vocabulary_of_their_operators() -> None:
    """S15: were it to fail, a set is compared as one option: a rule that can never hold."""
    several = {"received", "received_early", "received_ever", "progressed_on", "not_tolerated", "last_line", "absent",
               "red_flags", "interacting_medicines", "out"}  # fmt: skip
    assert several - {"out"} <= FINDINGS.keys()
    for name, when in conditions(shipped()):
        for atom in when.atoms:
            assert atom.operator.startswith("includes") == (atom.field in several), f"{name}: {atom}"


def conditions(knowledge: Knowledge) -> Iterator[tuple[str, When]]:
    """Every condition of the knowledge with its entry."""
    for entry in (*knowledge.rules, *knowledge.stops, *knowledge.recommendations, *knowledge.principles,
                  *knowledge.pitfalls):  # fmt: skip
        if entry.when is not None:
            yield entry.id, entry.when
        for option in getattr(entry, "options", ()):
            if option.when is not None:
                yield f"{entry.id}: {option.regimen}", option.when
    for regimen in knowledge.regimens.values():
        for criterion in regimen.fit.criteria if regimen.fit else ():
            yield f"{regimen.id}: {criterion.id}", criterion.when


# YAML as it is read here


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("no", "no"), ("No", "No"), ("yes", "yes"), ("on", "on"), ("off", "off"), ("y", "y"), ("n", "n"),
        ("true", True), ("false", False), ("True", "True"), ("TRUE", "TRUE"), ("null", None), ("~", None),
        ("Null", "Null"), ("1:30", "1:30"), ("12:30:45", "12:30:45"), ("0x10", "0x10"), ("0o17", "0o17"),
        ("017", "017"), ("1_000", "1_000"), ("+5", "+5"), ("5", 5), ("-5", -5), ("0", 0), ("1e3", "1e3"),
        (".5", ".5"), (".inf", ".inf"), (".nan", ".nan"), ("=", "="), ("<<", "<<"), ("2026-11-23", date(2026, 11, 23)),
        ("2026-11-23T12:00:00", "2026-11-23T12:00:00"), ("23.11.2026", "23.11.2026"), ('"5"', "5"), ("'no'", "no"),
        ("'2026-11-23'", "2026-11-23"), ("|\n  no\n", "no\n"), ("٣", "٣"),
    ],
)  # fmt: skip
def test_scalars_are_what_a_reader_takes_them_for(text: str, value: object) -> None:
    """Were it to fail: "no" becomes false, a ratio 1:30 becomes ninety, a leading zero an octal number."""
    read = read_yaml(f"a: {text}")["a"]
    assert read == value
    assert type(read) is type(value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: 1\na: 2", "line 2: the key 'a' stands twice"),
        ("a: {b: 1, c: 2, b: 3}", "'b' stands twice"),
        ("- {a: 1, 'a': 2}", "'a' stands twice"),
        ("a: &x 1\nb: *x", "line 2: aliases are not read"),
        ("a: &x {b: 1}\nc: {<<: *x}", "aliases are not read"),
        ("&x [*x]", "aliases are not read"),
        ("*x", "line 1"),
        ("? [a, b]\n: 1", "a key must be a plain word"),
        ("a: !!python/object/apply:os.getcwd []", "line 1"),
        ("a: !own 1", "line 1"),
        ("a: !!set {x}", ""),
        ("a: 1\n---\nb: 2", "line 2"),
        ("a: [1", "line"),
        ("a: 'x", "line"),
        ("a:\tb: c", "line"),
        ("%YAML 9.9\n---\na", ""),
        ("a: 2026-13-45", "not readable"),
        ("a: \x00", ""),
        ("a: \x07", ""),
        ("[" * (DEEPEST + 1) + "]" * (DEEPEST + 1), f"nested deeper than {DEEPEST}"),
        ("[" * 5_000 + "]" * 5_000, f"nested deeper than {DEEPEST}"),
        ("a: " + "9" * 5_000, "not readable"),
    ],
)
def test_what_is_not_this_yaml_is_one_line(text: str, said: str) -> None:
    """S25: were it to fail, a document is read as something its author did not write, or runs code."""
    with pytest.raises(PlainYamlError) as refusal:
        read_yaml(text)
    assert said in str(refusal.value)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None), ("# only a comment", None), ("{}", {}), ("[]", []), ('{"a": [1, "2", null, true, {"b": "no"}]}',
        {"a": [1, "2", None, True, {"b": "no"}]}), ("[" * DEEPEST + "]" * DEEPEST, ...), ("é: ü", {"é": "ü"}),
    ],
)  # fmt: skip
def test_documents_are_read(text: str, value: object) -> None:
    """Were it to fail: JSON, an empty file or an accent is refused."""
    read = read_yaml(text)
    if value is not ...:
        assert read == value
