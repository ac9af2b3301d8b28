"""The `triage` command as a script or a colleague uses it: what comes out, what stays quiet, how it refuses."""

from __future__ import annotations

import gc
import json
import logging
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest
import structlog
import yaml
from click.testing import CliRunner, Result

from bot.cli import main
from flows import VERSION
from flows.knowledge.load import shipped
from messages.document import AdviceDocument

CONVERSATIONS = Path(__file__).parent / "conversations"
PROFILE = {
    "her2_status": "positive",
    "setting": "metastatic",
    "red_flags": [],
    "prior_lines": [{"agents": ["docetaxel", "carboplatin", "trastuzumab"], "outcome": "progression"}],
    "early_stage_agents": [],
    "brain_metastases": "none",
    "hr_status": "negative",
    "tdxd_access": "unavailable",
    "ild_history": "absent",
    "lvef": "normal",
    "hepatic_impairment": "none",
    "renal_impairment": "none",
    "dpd_deficiency": "none",
    "platelets": "normal",
    "pregnancy": "absent",
    "interacting_medicines": [],
    "chemotherapy": "suitable",
    "performance_status": "ecog_0_2",
}
"""A complete second-line case without access to T-DXd: it is answered with a ranked list."""

CONTRACT_KEYS = {
    "status", "reasons", "steps", "options", "excluded", "principles", "pitfalls", "assumptions", "unknowns",
    "would_change", "ask_next", "not_assessed", "record",
}  # fmt: skip
CONTRACT_OPTION_KEYS = {
    "rank", "regimen", "tier", "because", "grades", "fit", "authorisation", "evidence", "harms", "monitoring",
    "cautions",
}  # fmt: skip
CONTRACT_RECORD_KEYS = {"id", "software", "knowledge", "knowledge_date", "review"}
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


@pytest.fixture(autouse=True)
def _process_as_before() -> Iterator[None]:
    """A command may set up a whole process (collector, logging); the next test starts as this one did."""
    yield
    gc.enable()
    logging.disable(logging.NOTSET)
    structlog.reset_defaults()


def triage(*arguments: str, given: str | bytes = "", env: dict[str, str] | None = None) -> Result:
    """Run the command within this process, as in a pipe."""
    return CliRunner().invoke(main, arguments, input=given, env={"TRIAGE_REGION": None, **(env or {})})


def process(*arguments: str, given: bytes = b"", **env: str) -> subprocess.CompletedProcess[bytes]:
    """Run the command as a process of its own."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TRIAGE_")}
    return subprocess.run(
        [sys.executable, "-m", "bot", *arguments],
        input=given, capture_output=True, timeout=60, check=False, env={**kept, **env},
    )  # fmt: skip


def succeeded(result: Result) -> str:
    """The output of a command that ended well."""
    assert result.exit_code == 0, (result.stderr, result.exception)
    return result.stdout


def refused(result: Result, *said: str) -> str:
    """The one line on standard error of a command that refused its input: exit code 2, no traceback."""
    ended = result.exception is None or isinstance(result.exception, SystemExit)
    assert ended, f"a traceback: {result.exception!r}"
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    lines = result.stderr.splitlines()
    assert len(lines) == 1, result.stderr
    for part in said:
        assert part in lines[0]
    return lines[0]


def as_yaml(**changes: object) -> str:
    return yaml.safe_dump({**PROFILE, **changes}, sort_keys=False)


# Unusable input


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ("foo: 1", ["foo", "no such field"]),
        ("her2_status: maybe", ["her2_status", "'maybe'", "positive, low, negative, unknown"]),
        ("metastatic_lines: []", ["metastatic_lines", "did you mean prior_lines?"]),
        ("brain_metastasis: none", ["brain_metastasis", "did you mean brain_metastases?"]),
        ("prior_lines: [{agents: [docetaxl], outcome: progression}]", ["prior_lines", "docetaxl", "mean docetaxel?"]),
        ("prior_lines: [{agents: [docetaxel], outcom: progression}]", ["prior_lines.1.outcom", "mean outcome?"]),
        ("prior_lines: [{agents: [docetaxel], outcome: progressed}]", ["prior_lines.1.outcome", "progression"]),
        ("early_stage_agents: [pertuzumb]", ["early_stage_agents", "did you mean pertuzumab?"]),
        ("interacting_medicines: [warfarn]", ["interacting_medicines", "did you mean warfarin?"]),
        ("red_flags: [seizure]", ["red_flags", "seizure_or_raised_icp"]),
        ("months_since_adjuvant_her2: four", ["months_since_adjuvant_her2", "'four'", "whole number of months"]),
        ("months_since_adjuvant_her2: -1", ["months_since_adjuvant_her2", "-1"]),
        ("months_since_adjuvant_her2: 721", ["months_since_adjuvant_her2", "721"]),
        ("months_since_adjuvant_her2: 4.5", ["months_since_adjuvant_her2", "4.5"]),
        ("months_since_adjuvant_her2: true", ["months_since_adjuvant_her2"]),
        ("her2_status: no", ["her2_status", "'no'"]),
        ("hr_status: [positive]", ["hr_status", "a list"]),
        ("lvef: 2026-01-01", ["lvef", "normal, reduced, unknown"]),
        ("prior_lines: unknown", ["prior_lines", "a list of lines"]),
        ("prior_lines: [[trastuzumab]]", ["prior_lines.1"]),
        ("prior_lines: [null]", ["prior_lines.1"]),
        ("1: 2", ["standard input"]),
        ("'': 2", ["no such field"]),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_profile_that_cannot_be_used_names_the_field(document: str, said: list[str]) -> None:
    """Were it to fail: a wrong field or option is accepted in silence, or its author is not told what is allowed."""
    refused(triage("recommend", "-", given=document), "standard input", *said)


@pytest.mark.parametrize("key", ["brain-metastases", "prior_lines[0]", "hr status", "\x1blvef", "\x1b[31mlvef"])
def test_a_field_name_with_other_characters_is_refused_too(key: str) -> None:
    """Were it to fail: a hyphen or a bracket in a field's name is a traceback instead of a sentence."""
    line = refused(triage("recommend", "-", given=json.dumps({key: "none"})), "no such field")
    assert not CONTROL.search(line), "a document from outside must not control the reader's terminal"


def test_a_wrong_agent_is_not_listed_among_all_agents() -> None:
    """Were it to fail: one misspelt agent is answered with forty names."""
    line = refused(triage("recommend", "-", given="prior_lines: [{agents: [zzzzzzz], outcome: progression}]"))
    assert "not an agent this tool knows" in line
    assert len(line) < 200


@pytest.mark.parametrize(
    ("document", "said"),
    [
        (b"", "is empty"),
        (b"# nothing\n", "is empty"),
        (b"her2_status: positive\x00", "is not text"),
        (bytes(range(256)), "is not text"),
        ("her2_status: pos\u00ef".encode("latin-1"), "is not UTF-8 text"),
        (b"- her2_status: positive", "expected a mapping"),
        (b"her2-positive, metastatic", "expected a mapping"),
        (b"lvef: normal\nlvef: reduced", "line 2: the key 'lvef' stands twice"),
        (b"lvef: &a normal\nplatelets: *a", "aliases are not read"),
        (b"a: &a [x,x]\nb: &b [*a,*a]\nc: &c [*b,*b]\nd: [*c,*c]", "aliases are not read"),
        (b"lvef: !!python/object/apply:os.system [id]", "tag"),
        (b"!!python/object:bot.app.App {}", "tag"),
        (b"? {a: 1}\n: 2", "a key must be a plain word"),
        (b"lvef: normal\n---\nlvef: reduced", "another document"),
        (b"lvef: [normal", "line"),
        (b"lvef: 2026-02-30", "not readable as YAML"),
        (b"months_since_adjuvant_her2: " + b"9" * 5000, "not readable as YAML"),
        (b"[" * 10_000, "line"),
        (b"[" * 10_000 + b"]" * 10_000, "nested deeper than"),
        (b"{a: " * 2_000 + b"}" * 2_000, "nested deeper than"),
        (b"- " * 2_000 + b"x", "nested deeper than"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
@pytest.mark.parametrize("through", ["file", "standard input"])
def test_a_text_that_is_no_profile_is_one_line(document: bytes, said: str, through: str, tmp_path: Path) -> None:
    """Were it to fail: a hostile or damaged document is a traceback, is read as something else, or runs code."""
    path = tmp_path / "profile.yaml"
    path.write_bytes(document)
    if through == "file":
        refused(triage("recommend", str(path)), str(path), said)
    else:
        refused(triage("recommend", "-", given=document), "standard input", said)


@pytest.mark.parametrize("start", ["[", "- ", "{a: "])
def test_the_deepest_document_of_the_largest_size_does_not_end_the_process(start: str) -> None:
    """Were it to fail: a quarter megabyte of brackets ends the interpreter (SIGSEGV), and with it every conversation.

    In a process of its own, because this one would end too.
    """
    document = (start * 262_000)[: 255 * 1024].encode()
    done = process("recommend", "-", given=document)
    assert done.returncode == 2, f"exit code {done.returncode}"
    assert len(done.stderr.splitlines()) == 1


def test_a_large_document_is_refused_unread(tmp_path: Path) -> None:
    """Were it to fail: ten megabytes are parsed before anyone says no."""
    path = tmp_path / "large.yaml"
    path.write_bytes(b"a" * 10_000_000)
    refused(triage("recommend", str(path)), "larger than")
    refused(triage("recommend", "-", given=path.read_bytes()), "larger than")


def test_a_folder_a_missing_file_and_no_file_are_refused(tmp_path: Path) -> None:
    """Were it to fail: a wrong path is a traceback, or waits for input that never comes."""
    refused(triage("recommend", str(tmp_path)), str(tmp_path), "folder")
    refused(triage("recommend", str(tmp_path / "none.yaml")), "none.yaml")
    refused(triage("recommend"), "recommend")


@pytest.mark.parametrize(
    "arguments",
    [
        ("recommend", "-", "--region", "mars"),
        ("recommend", "-", "--format", "pdf"),
        ("recommend", "-", "--nonsense"),
        ("replay",),
        ("nonsense",),
    ],
    ids=" ".join,
)
def test_a_wrong_option_ends_with_two(arguments: tuple[str, ...]) -> None:
    """Were it to fail: a misspelt option is ignored, and the answer is to another question."""
    result = triage(*arguments, given=as_yaml())
    assert result.exit_code == 2
    assert result.stdout == ""
    assert "Traceback" not in result.stderr


def test_a_wrong_region_setting_is_one_line_that_names_the_setting() -> None:
    """The contract's settings. Were it to fail: `recommend` and `chat` answer the same wrong setting differently."""
    refused(triage("recommend", "-", given=as_yaml(), env={"TRIAGE_REGION": "mars"}), "TRIAGE_REGION")


@pytest.mark.parametrize(
    ("arguments", "given", "code", "said"),
    [
        (("recommend", "-"), b"foo: 1", 2, b"standard input: foo: there is no such field"),
        (("recommend", "/nowhere/profile.yaml"), b"", 2, b"/nowhere/profile.yaml"),
        (("knowledge", "check", "/nowhere"), b"", 2, b"/nowhere/manifest.yaml"),
        (("knowledge", "show", "nothing-of-this-id"), b"", 2, b"nothing-of-this-id"),
        (("replay", "/nowhere"), b"", 2, b"/nowhere"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_the_process_refuses_as_the_function_does(
    arguments: tuple[str, ...], given: bytes, code: int, said: bytes
) -> None:
    """Were it to fail: the exit code or the one line is lost between the command and the shell."""
    done = process(*arguments, given=given)
    assert (done.returncode, done.stdout) == (code, b"")
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1


# recommend


def test_a_json_answer_is_the_contracts_document() -> None:
    """S5, S7, S11-S14, S23: were it to fail, a program reading the advice document misses what it relies on."""
    said = succeeded(triage("recommend", "-", "--format", "json", given=as_yaml()))
    document = AdviceDocument.model_validate_json(said)
    data = json.loads(said)
    assert data.keys() >= CONTRACT_KEYS
    assert data["record"].keys() >= CONTRACT_RECORD_KEYS
    assert document.status == "recommend"
    assert document.options[0].regimen == "t_dm1"
    assert [option["rank"] for option in data["options"]] == list(range(1, len(data["options"]) + 1))
    for option in data["options"]:
        assert option.keys() >= CONTRACT_OPTION_KEYS
        assert option["because"]
        if shipped().regimens[option["regimen"]].kind == "drug":
            assert option["authorisation"].keys() >= {"us", "eu"}
            assert option["fit"]["verdict"] in ("match", "extrapolated", "unknown")
            assert option["monitoring"]
        assert set(option["evidence"]) | set(option["harms"]) <= data["facts"].keys()
    for fact in data["facts"].values():
        assert set(fact["sources"]) <= data["sources"].keys()
    assert document.record.knowledge == shipped().digest
    assert document.record.software == VERSION
    assert document.record.review == "draft"
    assert document.record.profile == PROFILE


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({}, "recommend"),
        ({"brain_metastases": "unknown", "leptomeningeal": "absent"}, "conditional"),
        ({"pregnancy": "present"}, "refer"),
        ({"her2_status": "low"}, "decline"),
        ({"prior_lines": None}, "ask"),
    ],
)
def test_every_status_is_a_document_with_exit_code_zero(changes: dict[str, object], status: str) -> None:
    """S3: were it to fail, a refusal or a referral ends like an error, or ranks drugs."""
    given = yaml.safe_dump({key: value for key, value in {**PROFILE, **changes}.items() if value is not None})
    document = AdviceDocument.model_validate_json(succeeded(triage("recommend", "-", "--format", "json", given=given)))
    assert document.status == status
    assert bool(document.options) == (status in ("recommend", "conditional"))
    assert bool(document.reasons) == (status in ("ask", "refer", "decline"))


@pytest.mark.parametrize("form", ["json", "text", "html"])
def test_file_and_standard_input_yaml_and_json_are_one_document(form: str, tmp_path: Path) -> None:
    """S22: were it to fail, the same profile gets different advice by the way it came in."""
    as_json = json.dumps(PROFILE)
    marked = "\ufeff" + as_yaml()
    (tmp_path / "p.yaml").write_text(as_yaml(), "utf-8")
    (tmp_path / "p.json").write_text(as_json, "utf-8")
    answers = {
        succeeded(triage("recommend", "--format", form, name, given=given))
        for name, given in (
            ("-", as_yaml()), ("-", as_json), ("-", marked),
            (str(tmp_path / "p.yaml"), ""), (str(tmp_path / "p.json"), ""),
        )
    }  # fmt: skip
    assert len(answers) == 1


def test_text_in_a_pipe_is_plain_and_narrow() -> None:
    """S5, S13, S26: were it to fail, a terminal or a mail shows escape codes, long lines, or no disclaimer."""
    done = process("recommend", "-", given=as_yaml().encode())
    assert done.returncode == 0
    assert done.stderr == b""
    said = done.stdout.decode("utf-8")
    assert not CONTROL.search(said)
    long = [line for line in said.splitlines() if len(line) > 80]
    assert [line for line in long if " " in line.strip()] == [], "only a source's address, unbroken, is longer"
    flowing = " ".join(said.split())
    assert "Draft: not clinically reviewed" in flowing
    assert "not a medical device" in flowing
    assert "T-DM1" in flowing


def test_the_answer_does_not_depend_on_the_process() -> None:
    """S22, S23: were it to fail, the hash seed, the time zone or the locale changes an answer."""
    given = as_yaml().encode()
    answers = {
        process("recommend", "-", "--format", "json", given=given, PYTHONHASHSEED=seed, TZ=zone, LC_ALL=locale).stdout
        for seed, zone, locale in (("0", "UTC", "C"), ("4242", "Asia/Kolkata", "C.UTF-8"))
    }
    assert len(answers) == 1
    assert answers != {b""}


class _Page(HTMLParser):
    """Everything in a page that could run or fetch something."""

    FETCHING = ("src", "href", "srcset", "action", "data", "poster", "background", "formaction", "ping")
    FOLLOWED = ("https://doi.org/10.", "https://pubmed.ncbi.nlm.nih.gov/")

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.fetched: list[str] = []
        self.handlers: list[str] = []
        self.policy = ""
        self.styles = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        named = {name: value or "" for name, value in attrs}
        if tag == "a" and named.get("href", "").startswith(self.FOLLOWED):
            named.pop("href")  # fetched by nobody but who follows it
        self.fetched += [value for name, value in named.items() if name in self.FETCHING and value[:1] != "#"]
        self.handlers += [name for name in named if name.startswith("on")]
        self.styles += named.get("style", "")
        if named.get("http-equiv", "").lower() == "content-security-policy":
            self.policy = named["content"]

    def handle_data(self, data: str) -> None:
        if self.tags[-1:] == ["style"]:
            self.styles += data


def test_a_page_is_self_contained() -> None:
    """S34: were it to fail, an exported answer runs a script or tells a third party that it was opened."""
    said = succeeded(triage("recommend", "-", "--format", "html", given=as_yaml()))
    page = _Page()
    page.feed(said)
    assert not set(page.tags) & {"script", "iframe", "object", "embed", "link", "img", "form", "base"}
    assert page.fetched == []
    assert page.handlers == []
    assert "default-src 'none'" in page.policy
    assert "url(" not in page.styles
    assert "@import" not in page.styles
    assert "not a medical device" in said
    assert "T-DM1" in said


def test_a_page_is_escaped() -> None:
    """S34: were it to fail, a text of the knowledge becomes markup; a "<" in a figure would swallow what follows."""
    from bot.page import page
    from messages.message import Block, Message

    hostile = "<script>alert(1)</script> PFS <6 & 'x' \"y\""
    kinds = ("heading", "subheading", "paragraph", "item", "ranked", "note")
    said = page([Message("advice", tuple(Block(kind, hostile) for kind in kinds))])
    assert "<script" not in said
    assert said.count("&lt;script&gt;alert(1)&lt;/script&gt; PFS &lt;6 &amp; ") == len(kinds)
    said = page([Message("x'><script>", (Block("paragraph", "text"),))])
    assert "<script" not in said


def test_region_completes_a_profile_and_never_overrules_it() -> None:
    """Were it to fail: the option is ignored, or a stated region is replaced by the machine's setting."""

    def region(given: str, *arguments: str, **env: str) -> object:
        said = succeeded(triage("recommend", "-", "--format", "json", *arguments, given=given, env=env))
        return json.loads(said)["record"]["profile"].get("region")

    assert region(as_yaml()) is None
    assert region(as_yaml(), "--region", "china") == "china"
    assert region(as_yaml(), TRIAGE_REGION="eu") == "eu"
    assert region(as_yaml(), "--region", "us", TRIAGE_REGION="eu") == "us"
    assert region(as_yaml(region="us"), "--region", "china") == "us"
    assert region(as_yaml(region="unknown"), "--region", "china") == "unknown"


def test_recommend_stores_nothing(tmp_path: Path) -> None:
    """The contract, S30: were it to fail, a profile leaves a trace in the home or the data folder."""
    folders = {name: tmp_path / name for name in ("HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "TRIAGE_DATA_DIR", "cwd")}
    for folder in folders.values():
        folder.mkdir()
    environment = {name: str(folder) for name, folder in folders.items() if name != "cwd"}
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TRIAGE_")}
    for form in ("json", "html"):
        done = subprocess.run(
            [sys.executable, "-m", "bot", "recommend", "-", "--format", form],
            input=as_yaml().encode(), capture_output=True, timeout=60, check=False,
            cwd=folders["cwd"], env={**kept, **environment},
        )  # fmt: skip
        assert done.returncode == 0
    assert [path for folder in folders.values() for path in folder.rglob("*")] == []


def test_recommend_does_not_import_the_channels() -> None:
    """Were it to fail: one answer on the command line waits for the web and Telegram to load."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "bot", "recommend", "-"],
        input=as_yaml().encode(), capture_output=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0
    imported = {line.rsplit("|", 1)[-1].strip().split(".")[0] for line in done.stderr.decode().splitlines()}
    assert "flows" in imported
    assert not imported & {"telegram", "starlette", "fastapi", "uvicorn", "httpx", "sqlite3", "sqlalchemy", "psycopg"}


def test_recommend_reads_another_folder_of_knowledge(tmp_path: Path) -> None:
    """S25: were it to fail, --knowledge is ignored and the shipped knowledge answers in its place."""
    refused(triage("recommend", "-", "--knowledge", str(tmp_path), given=as_yaml()), "manifest.yaml")


# flow, knowledge


def test_flow_as_text_and_as_a_diagram() -> None:
    """Were it to fail: the diagram is not of the machine that runs, or is drawn with escape codes."""
    from flows.dialogue import router

    text = succeeded(triage("flow", "--format", "text"))
    mermaid = succeeded(triage("flow", "--format", "mermaid"))
    assert succeeded(triage("flow")) in (text, mermaid)
    assert mermaid.startswith("stateDiagram-v2\n")
    for source, edges in router(shipped()).edges.items():
        assert source in text
        for edge in edges:
            assert edge.target in text
            assert re.search(rf"\b{source}\b.*-->.*\b{edge.target}\b", mermaid), (source, edge.target)
    assert not CONTROL.search(text + mermaid)


def test_knowledge_check_counts_and_hashes() -> None:
    """S23: were it to fail, the person who checked the knowledge cannot say which knowledge it was."""
    knowledge = shipped()
    said = succeeded(triage("knowledge", "check"))
    assert f"{len(knowledge.facts)} facts, {len(knowledge.sources)} sources" in said
    assert knowledge.digest in said
    assert knowledge.manifest.date.isoformat() in said


def test_knowledge_show_leads_to_facts_and_sources() -> None:
    """S10: were it to fail, the basis of a line cannot be followed from the command line."""
    output = succeeded(triage("knowledge", "show", "R04"))
    for part in ("decision row R04", "T-DM1", "t_dm1", "seed-01", "facts cited:", "sources:"):
        assert part in output


def test_every_entry_can_be_shown() -> None:
    """S10: were it to fail, one entry's page is a traceback."""
    from bot.entries import describe_entry, entries

    knowledge = shipped()
    for kind in ("fact", "source", "agent", "regimen", "threshold", "safety rule", "stop", "decision row",
                 "principle", "pitfall", "not assessed", "gap", "article statement"):  # fmt: skip
        name = next(entry.id for found, entry in entries(knowledge) if found == kind)
        assert f"{kind} {name}" in (describe_entry(name, knowledge) or "")


def test_knowledge_show_of_nothing() -> None:
    """Were it to fail: an id that does not exist looks like an empty entry."""
    refused(triage("knowledge", "show", "nothing-of-this-id"), "nothing-of-this-id", "no such entry")


def test_knowledge_sources_lists_each_with_its_facts() -> None:
    """S10: were it to fail, a source or what was read in it cannot be found."""
    said = succeeded(triage("knowledge", "sources"))
    knowledge = shipped()
    for source in knowledge.sources.values():
        assert f"{source.id} ({source.kind}, {source.year}): {source.title}" in said
    for fact in knowledge.facts:
        assert re.search(rf"\b{re.escape(fact)}\b", said), fact


# replay

PASSING = """\
title: The first two questions
turns:
  - {user: oncologist, bot: gate}
  - {user: in_scope, bot: red_flags}
"""
FAILING = """\
title: A refusal that is not one
turns:
  - {user: oncologist, bot: gate}
  - {user: early_stage, bot: red_flags, text: [never said], status: recommend, options: [t_dm1], excludes: [t_dxd]}
"""


def script(tmp_path: Path, content: str, name: str = "script.yaml") -> str:
    path = tmp_path / name
    path.write_text(content, "utf-8")
    return str(path)


def test_a_passing_script_ends_with_zero(tmp_path: Path) -> None:
    """Were it to fail: CI is red for a conversation that went as written."""
    said = succeeded(triage("replay", script(tmp_path, PASSING)))
    assert "The first two questions" in said
    assert "1 passed, 0 failed" in said


def test_a_failing_script_shows_the_difference_by_turn(tmp_path: Path) -> None:
    """Were it to fail: CI is green for it, or the tester cannot see which turn went otherwise."""
    result = triage("replay", script(tmp_path, FAILING), script(tmp_path, PASSING, "passing.yaml"))
    assert result.exit_code == 1
    said = result.stdout
    assert "turn 2 (user: early_stage)" in said
    assert "turn 1" not in said
    assert re.search(r"expected red_flags\n\s+got +declined", said)
    assert "never said" in said
    assert "expected recommend, got decline" in said
    assert "expected t_dm1" in said
    assert "t_dxd is not excluded" in said
    assert "1 passed, 1 failed" in said
    assert not CONTROL.search(said)


def test_the_process_of_a_failing_script_ends_with_one(tmp_path: Path) -> None:
    """Were it to fail: the shell takes a failed conversation for a passed one."""
    done = process("replay", script(tmp_path, FAILING))
    assert done.returncode == 1
    assert b"turn 2" in done.stdout
    assert done.stderr == b""


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("turns: [{user: oncologist}]", "title"),
        ("title: x", "turns"),
        ("title: x\nturns: []", "turns"),
        ("title: x\nturns: oncologist", "turns"),
        ("title: x\nturns: {user: oncologist}", "turns"),
        ("title: x\nturns: [{usr: oncologist}]", "turns.1.usr"),
        ("title: x\nturns: [{user: oncologist}, {bot: gate}]", "exactly one of"),
        ("title: x\nturns: [{user: a, restart: true}]", "exactly one of"),
        ("title: x\nturns: [{user: 5}]", "turns.1.user"),
        ("title: x\nturns: [{advance_clock: soon}]", "turns.1.advance_clock"),
        ("title: x\nchannel: fax\nturns: [{user: oncologist}]", "channel"),
        ("- a\n- b", "expected a script"),
        ("title: x\ntitle: y\nturns: [{user: a}]", "stands twice"),
        ("title: [", "line"),
        ("", "expected a script"),
    ],
)
def test_a_broken_script_is_one_line(content: str, said: str, tmp_path: Path) -> None:
    """Were it to fail: a misspelt verb passes as an empty turn, or is a traceback."""
    path = script(tmp_path, content)
    refused(triage("replay", path), path, said)


@pytest.mark.parametrize(
    "content",
    [
        "title: x\nclock: yesterday\nturns: [{user: oncologist}]",
        "title: x\nturns: [{user: oncologist, text: ['[']}]",
        "title: x\nturns: [{redeliver: true}]",
        "title: x\nturns: [{advance_clock: 99999999999d}]",
    ],
    ids=["clock", "pattern", "nothing to redeliver", "clock too far"],
)
def test_a_script_that_cannot_be_played_is_one_line(content: str, tmp_path: Path) -> None:
    """Were it to fail: a script that reads well but cannot be played is a traceback."""
    path = script(tmp_path, content)
    refused(triage("replay", path), path)


@pytest.mark.parametrize("option", ["--junit", "--record"])
def test_a_report_that_cannot_be_written_is_one_line(option: str, tmp_path: Path) -> None:
    """Were it to fail: a wrong path for a report is a traceback."""
    result = triage("replay", script(tmp_path, PASSING), option, str(tmp_path / "none" / "report"))
    assert isinstance(result.exception, SystemExit), repr(result.exception)
    assert result.exit_code == 2
    assert len(result.stderr.splitlines()) == 1


def test_junit_reports_each_turn(tmp_path: Path) -> None:
    """Were it to fail: a CI server shows a failed conversation as passed, or cannot read the report."""
    report = tmp_path / "report.xml"
    result = triage("replay", script(tmp_path, FAILING), script(tmp_path, PASSING, "p.yaml"), "--junit", str(report))
    assert result.exit_code == 1
    root = ElementTree.parse(report).getroot()
    suites = {suite.get("name"): suite for suite in root.iter("testsuite")}
    assert suites.keys() == {"A refusal that is not one", "The first two questions"}
    assert [case.find("failure") is None for case in suites["The first two questions"].iter("testcase")] == [True] * 2
    first, second = suites["A refusal that is not one"].iter("testcase")
    assert first.find("failure") is None
    failure = second.find("failure")
    assert failure is not None
    assert "declined" in ElementTree.tostring(failure, "unicode")


@pytest.mark.parametrize("name", ["adjuvant_relapse_5_months", "help_in_mid_question", "back_through_lines_of_therapy"])
def test_a_recording_replays(name: str, tmp_path: Path) -> None:
    """Were it to fail: a recorded bug report does not show the bug again."""
    recording = tmp_path / "recorded.yaml"
    succeeded(triage("replay", str(CONVERSATIONS / f"{name}.yaml"), "--record", str(recording)))
    assert "1 passed, 0 failed" in succeeded(triage("replay", str(recording)))
    turns = yaml.safe_load(recording.read_text("utf-8"))["turns"]
    assert all("bot" in turn for turn in turns)


def test_a_recording_keeps_what_the_script_started_from(tmp_path: Path) -> None:
    """Were it to fail: a conversation of another day, recorded, is played on a day of the tool's choosing."""
    recording = tmp_path / "recorded.yaml"
    succeeded(triage("replay", str(CONVERSATIONS / "trouble_years_later.yaml"), "--record", str(recording)))
    assert yaml.safe_load(recording.read_text("utf-8")).get("clock") == "2026-11-23T12:00:00+00:00"


def test_a_recording_of_several_scripts_replays(tmp_path: Path) -> None:
    """Were it to fail: several conversations recorded at once make a file that `replay` cannot read."""
    recording = tmp_path / "recorded.yaml"
    paths = (script(tmp_path, PASSING, "a.yaml"), script(tmp_path, PASSING.replace("two", "same two"), "b.yaml"))
    succeeded(triage("replay", *paths, "--record", str(recording)))
    assert "0 failed" in succeeded(triage("replay", str(recording)))


def test_a_folder_of_scripts_is_played_and_an_empty_one_refused(tmp_path: Path) -> None:
    """Were it to fail: an empty folder passes as "nothing failed"."""
    refused(triage("replay", str(tmp_path)), "holds no script")
    (tmp_path / "in").mkdir()
    script(tmp_path / "in", PASSING)
    assert "1 passed" in succeeded(triage("replay", str(tmp_path)))


# The command itself


def test_version_and_help() -> None:
    """S2: were it to fail, nobody can say which version said something."""
    done = process("--version")
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.decode().strip().endswith(VERSION)
    said = succeeded(triage("--help"))
    for command in ("chat", "recommend", "replay", "knowledge", "flow"):
        assert re.search(rf"^  {command}\b", said, re.M)


def test_a_reader_that_stops_reading_is_no_error() -> None:
    """Were it to fail: `triage recommend - | head` prints a traceback."""
    child = subprocess.Popen(
        [sys.executable, "-m", "bot", "knowledge", "sources"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert child.stdout is not None
    assert child.stderr is not None
    child.stdout.close()
    said = child.stderr.read()
    child.stderr.close()
    assert child.wait(60) == 0
    assert said == b""
