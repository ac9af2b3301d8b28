"""The generated pages of docs/: the dialogue's diagram, which questions matter, the source article.

`python -m bot.generated` writes them, `python -m bot.generated --check` says which are stale.
"""

from __future__ import annotations

from itertools import groupby
from pathlib import Path
from typing import get_args

import click

from bot import questions
from flows.diagram import as_text, mermaid
from flows.knowledge.load import Knowledge, shipped
from flows.knowledge.model import ArticleStatement

ROOT = Path(__file__).parent.parent
REFRESH = "make generated"

VERDICTS = {
    "confirmed": "the statement agrees with what was read",
    "imprecise": "true of another population, analysis or wording: what this knowledge says is shown instead",
    "contradicted": "wrong, outdated or against the article's own text: never shown as true",
    "recalled": 'known from memory, not readable: shown with "pending review"',
    "omitted": "not in the article, and it matters",
    "not_clinical": "not a clinical claim about the next line",
}
PLACES = {
    "option": "a ranked option",
    "later_lines": "an option ranked for later lines",
    "step": "a step before or beside drugs",
    "evidence": "Evidence (/evidence)",
    "safety": "Safety and monitoring (/safety)",
    "principle": "Principles and pitfalls (/pitfalls)",
    "pitfall": "Principles and pitfalls (/pitfalls)",
    "investigational": "Excluded and why (/excluded), investigational, regional or withdrawn agents",
    "disclaimer": "the disclaimer and /about",
    "personalisation": "the intake: the answer follows the profile",
    "related": "nowhere of its own: outside the question, or covered by changing an answer",
}
ARTICLE = "seed-droracle-752398"
"""The source article among the sources."""

assert set(VERDICTS) == set(get_args(ArticleStatement.model_fields["verdict"].annotation))


def source_article(knowledge: Knowledge) -> str:
    """docs/source-article.md: each statement of the source article, and what this knowledge says of it.

    Raises KeyError for a place that has no words here.
    """
    lines = [
        "# The source article, statement by statement",
        "",
        f"Generated from the knowledge of {knowledge.manifest.date}; refresh with `{REFRESH}`.",
        "",
        "The source article answers the question this project grew from: which alternatives remain for HER2-positive",
        "breast cancer that progressed after taxane, carboplatin and trastuzumab, aside from trastuzumab deruxtecan?",
        "It is written by an AI and marked by its own publisher as pending human review. It is a list of claims to",
        "check, not a source. Where the article and a checked fact differ, the fact is shown.",
        "",
        *_publisher(knowledge),
        "",
        "Like the rest of this knowledge the verdicts are a draft that no clinician has reviewed. They say what a",
        "statement was checked against (the facts named; `triage knowledge show ID` prints each with its sources),",
        "not that it is clinically true.",
        "",
        "| verdict | meaning | statements | which |",
        "|---|---|---|---|",
    ]
    for verdict, meaning in VERDICTS.items():
        found = [entry.id for entry in knowledge.article if entry.verdict == verdict]
        which = ", ".join(_link(name) for name in found) or "none"
        lines.append(f"| {_said(verdict)} | {meaning} | {len(found)} | {which} |")
    lines.append(f"| all | | {len(knowledge.article)} | |")
    for section, entries in groupby(knowledge.article, key=lambda entry: entry.section):
        lines += ["", f"## {section}"]
        for entry in entries:
            lines += _statement(entry, knowledge)
    return "\n".join(lines) + "\n"


def _publisher(knowledge: Knowledge) -> list[str]:
    """What here rests on the article, or on others of its publisher: said openly, for the next reviewer."""
    journal = knowledge.sources[ARTICLE].journal
    others = {source.id for source in knowledge.sources.values() if source.journal == journal} - {ARTICLE}
    facts = knowledge.facts.values()
    article = [_fact(fact.id, knowledge) for fact in facts if ARTICLE in fact.sources]
    among = [fact for fact in facts if not others.isdisjoint(fact.sources)]
    only = [_fact(fact.id, knowledge) for fact in among if others.issuperset(fact.sources)]
    return [
        f"The article itself is named as a source by {', '.join(article) or 'no fact'}, which records what it says.",
        f"{len(others)} other articles of the same publisher ({journal}) are among the sources of {len(among)} facts,",
        f"and the only source of {', '.join(only) or 'none'}: to be replaced by the originals.",
    ]


def _statement(entry: ArticleStatement, knowledge: Knowledge) -> list[str]:
    lines = ["", f"### {entry.id}", "", _capital(_one_line(entry.statement)), "", f"- Verdict: {_said(entry.verdict)}"]
    if entry.says:
        lines.append(f"- This knowledge: {_one_line(entry.says)}")
    if entry.why:
        lines.append(f"- Why it differs: {_one_line(entry.why)}")
    if entry.facts:
        lines.append("- Facts: " + ", ".join(_fact(name, knowledge) for name in entry.facts))
    lines.append(f"- In the answer: {PLACES[entry.offered_in]}")
    return lines


def _fact(name: str, knowledge: Knowledge) -> str:
    return f"`{name}`" + (" (pending review)" if knowledge.facts[name].pending_review else "")


def _link(name: str) -> str:
    return f"[{name.removeprefix('article-')}](#{name})"


def _said(verdict: str) -> str:
    return verdict.replace("_", " ")


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def dialogue(knowledge: Knowledge) -> str:
    """docs/dialogue.md: the dialogue as a diagram and as text, from the machine that runs."""
    return "\n".join(
        [
            "# The dialogue",
            "",
            f"Generated from the machine that runs (`triage flow`); refresh with `{REFRESH}`.",
            "",
            "Each question is a state, each answer a way on. The labels say which answers take a way; a way without a",
            "label is the one left. Ways are tried from top to bottom. What a question sets in the profile, and when",
            "it is asked, stands in `flows/profile.py`; the words are in `messages/en/questions.yaml`. /help, /back,",
            "/restart, /cancel, /about, /privacy and /forget can be typed in every state and are not drawn.",
            "",
            "```mermaid",
            mermaid(knowledge).rstrip("\n"),
            "```",
            "",
            "The same as text: screen, question (kind), options, ways on.",
            "",
            "```text",
            as_text(knowledge).rstrip("\n"),
            "```",
            "",
        ]
    )


def write(root: Path, check: bool) -> list[str]:
    """Write the pages below `root` and return the names of those that were stale. `check`: write nothing."""
    knowledge = shipped()
    stale = []
    for name, content in (
        ("docs/dialogue.md", dialogue(knowledge)),
        ("docs/source-article.md", source_article(knowledge)),
        ("docs/questions.md", questions.report(knowledge)),
    ):
        path = root / name
        if path.is_file() and path.read_bytes() == content.encode():
            continue
        stale.append(name)
        if not check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content, "utf-8", newline="\n")
    return stale


@click.command()
@click.option("--check", is_flag=True, help="Write nothing; exit 1 where a page is stale.")
def main(check: bool) -> None:
    """Refresh the generated pages of docs/."""
    stale = write(ROOT, check)
    if check and stale:
        raise click.ClickException(f"stale: {', '.join(stale)}; refresh with: {REFRESH}")
    for name in stale:
        click.echo(f"written: {name}")


if __name__ == "__main__":
    main()
