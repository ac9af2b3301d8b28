"""The card: everything the advice document holds, in words and on the page; marked, traceable, nothing lost."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import cache
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from bot.channels.web.pages import HERE as WEB
from bot.channels.web.pages import render_page
from flows.findings import SOURCE_OF
from flows.knowledge.load import figures, shipped
from flows.plain_yaml import read_yaml
from flows.profile import FIELDS, Profile
from flows.questionnaire import QUESTION_OF, QUESTIONS, ROLES
from flows.sequencing.advice import Advice
from flows.sequencing.recommend import recommend, rule_on
from flows.when import NOT_KNOWN, Atom
from messages.card import FOR_WHOM, SUBSETS, USUAL, Card, Cited, Evidence, ForestRow, card, in_words
from messages.document import AdviceDocument, advice_document
from messages.render import disclaimer
from messages.words import check_template, english

KNOWLEDGE = shipped()
WORDS = english(KNOWLEDGE)
TESTS = Path(__file__).parent
CASE = "/case/1"
HIDDEN = {fact.id for fact in KNOWLEDGE.facts.values() if not fact.shown}
UNDER_A_HEADING = ("Boxed warning (US)", "Boxed warnings (US)", "Dose", "Contraception")
"""Endpoints whose facts stand under a heading that says so."""
LARGEST = 290_000
"""Bytes that the longest answer of the corpus may have as HTML: text that can be read at once, not a download."""


# --- a corpus of answers, and the page read back ---------------------------------------------------------------


FILES = ("examples.yaml", *(f"profiles/{path.name}" for path in sorted((TESTS / "profiles").glob("*.yaml"))))
COVERING = (
    "ex-04", "ex-06", "ex-07", "ex-10", "ex-14", "china-after-trastuzumab-and-taxane", "leptomeningeal",
    "endocrine-after-standard-lines", "de-novo-eu", "first-line-hepatic-severe-partner",
    "after-t-dxd-pertuzumab-toxicity", "pregnant-and-ecog-3-4", "under-18", "all-three-used-or-impossible-neratinib",
    "brain-only-progression-on-first-line-t-dxd", "hr-negative-without-chemotherapy", "red-flag-cord-compression",
)  # fmt: skip
"""Answers whose pages are read back whole: among them is every regimen, status, verdict of fit and kind of part."""


def profiles(file: str) -> Iterator[tuple[str, dict[str, Any], str | None]]:
    """Every profile of a file: its name, the profile, the answer to the first question."""
    document = read_yaml((TESTS / file).read_text("utf-8"))
    if "cases" in document:
        for case in document["cases"]:
            yield case["id"], case["profile"], case.get("gate")
        return
    for row in document["rows"]:
        merged = {**document["base"], **(row["profile"] or {})}
        yield row["id"], {key: value for key, value in merged.items() if value is not None}, row.get("gate")


def html_of(shown: Card) -> str:
    """The answer as the web chat's own templates write it."""
    return render_page("answer.html", card=shown, case_url=CASE)


class Page(HTMLParser):
    """A page as a reader meets it: its text, what stands in which part, its links, what is closed."""

    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=True)
        self.stack: list[tuple[str, dict[str, str | None]]] = []
        self.doors: dict[str, int] = {}
        """Id to the number of closed parts that have to be opened to see it."""
        self.twice: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None], tuple[str, ...]]] = []
        self._said: dict[str, list[str]] = {"": []}
        self.feed(source)
        self.close()
        assert not self.stack

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_startendtag(tag, attrs)
        if tag != "input":
            self.stack.append((tag, dict(attrs)))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if (name := values.get("id")) is not None:
            self.twice += [name] if name in self.doors else []
            self.doors[name] = sum(outer == "details" for outer, _ in self.stack)
        self.elements.append((tag, values, tuple(outer for outer, _ in self.stack)))

    def handle_endtag(self, tag: str) -> None:
        assert self.stack[-1][0] == tag, f"{tag} closes {self.stack[-1]}"
        self.stack.pop()

    def handle_data(self, data: str) -> None:
        self._said[""].append(data)
        for _, values in self.stack:
            for name in (values.get("id"), *(f".{one}" for one in (values.get("class") or "").split())):
                if name:
                    self._said.setdefault(name, []).append(data)

    def within(self, name: str = "") -> str:
        """The text of the element with an id, or of the elements of a `.class`; all of it without a name."""
        return flat("".join(self._said.get(name, ())))


def flat(text: str) -> str:
    return " ".join(text.split())


class Case(NamedTuple):
    """One answer in every form."""

    name: str
    advice: Advice
    document: AdviceDocument
    card: Card
    html: str


def case_of(name: str, profile: dict[str, Any], gate: str | None, role: str | None) -> Case:
    advice = recommend(Profile.model_validate(profile), KNOWLEDGE, gate)
    shown = card(advice, WORDS, role)
    return Case(name, advice, advice_document(advice, WORDS), shown, html_of(shown))


@cache
def pages() -> tuple[tuple[Case, Page], ...]:
    """The answers that are read back whole, the roles in turn."""
    every = {name: (profile, gate) for file in FILES for name, profile, gate in profiles(file)}
    cases = [case_of(name, *every[name], ROLES[at % len(ROLES)]) for at, name in enumerate(COVERING)]
    return tuple((case, Page(case.html)) for case in cases)


def nodes(value: Any, kind: type) -> Iterator[Any]:
    """Every part of a card that is of a kind."""
    if isinstance(value, kind):
        yield value
    for part in value:
        if isinstance(part, tuple):
            yield from nodes(part, kind)


# --- nothing of the document is lost -------------------------------------------------------------------------


@pytest.mark.parametrize("file", FILES)
def test_nothing_of_the_document_is_lost(file: str) -> None:
    """S5, S7, S9-S14: were it to fail, the card of some profile, or its page, leaves out a part or a mark.

    Each part is a function below that says what would be wrong.
    """
    for number, (name, profile, gate) in enumerate(profiles(file)):
        case = case_of(name, profile, gate, ROLES[number % len(ROLES)])
        options_are_whole(case)
        the_rest_is_whole(case)
        what_is_recalled_is_marked(case)
        the_page_names_it_all(case)
        assert len(case.html.encode()) < LARGEST, name


def options_are_whole(case: Case) -> None:
    """S7: an option without a reason, grade, fit, harm, check or gap that it has."""
    assert [option.regimen for option in case.card.options] == [option.regimen for option in case.document.options]
    for option, shown, wanted in zip(case.advice.options, case.card.options, case.document.options, strict=True):
        where = f"{case.name}: {wanted.regimen}"
        assert (shown.rank, shown.full_name) == (wanted.rank, wanted.name), where
        assert (shown.tier, shown.row_id) == (wanted.tier, wanted.row), where
        assert shown.headline.lower() == wanted.summary.lower(), where
        assert said_plainly(case, option.because, shown.because) == wanted.because, where
        assert said_plainly(case, option.assumes, shown.assumes) == wanted.assumes, where
        assert [(grade.system, grade.grade, grade.status) for grade in shown.grades] == [
            (grade.system, grade.grade, WORDS.vocabulary.grade_status[grade.status]) for grade in wanted.grades
        ], where
        assert shown.strength.text == wanted.strength["text"], where
        assert (shown.fit is None) == (wanted.fit is None), where
        if shown.fit and wanted.fit:
            assert (shown.fit.trial, shown.fit.verdict) == (wanted.fit.trial, wanted.fit.verdict), where
            assert [{"text": one.text, "verdict": one.verdict} for one in shown.fit.criteria] == wanted.fit.criteria
            apart = sum(one.truth != "true" for one in shown.fit.criteria)
            assert len(shown.fit.unmet) + len(shown.fit.open) == apart, where
            assert (shown.fit.verdict == "match") == (apart == 0), where
        marked = [one.text + (" [pending review]" if one.pending else "") for one in shown.authorised]
        assert marked == list((wanted.authorisation or {}).values()), where
        assert len(shown.partners) == len(wanted.partners), where
        held = {cited.fact for cited in nodes(shown, Cited)} | {fact.id for fact in nodes(shown, Evidence)}
        assert not {*wanted.evidence, *wanted.harms} - held, where
        assert {fact.id for fact in (*shown.harms, *shown.boxed)} == set(wanted.harms), where
        assert shown.harms_gap == (wanted.harms_gap or ""), where
        assert [(one.text, one.pending) for one in shown.monitoring] == [
            (one.text, one.pending_review) for one in wanted.monitoring
        ], where
        assert {(one.rule, one.text, one.certain, one.pending) for one in shown.cautions} == {
            (one["rule"], one["text"], one["certain"], one["pending_review"]) for one in wanted.cautions
        }, where
        order = [(not one.patient, not one.certain, one.open, not one.organs) for one in shown.cautions]
        assert order == sorted(order), f"{where}: a caution for this patient hides among those of the drug"
        assert list(shown.not_assessed) == wanted.not_assessed, where


def said_plainly(case: Case, atoms: Iterable[Atom], shown: Iterable[str]) -> list[str]:
    """What the document says where the card says exactly these comparisons, in its words for a denied list."""
    assert list(shown) == in_words(atoms, WORDS), case.name
    return WORDS.atoms(atoms)


def the_rest_is_whole(case: Case) -> None:
    """S5, S11, S12, S14: an exclusion, assumption, unknown, change, pitfall, gap or input that is silent."""
    name, shown, wanted = case.name, case.card, case.document
    assert shown.status == wanted.status, name
    assert {reason.code for reason in shown.reasons} == {reason["code"] for reason in wanted.reasons}, name
    assert [step.text for step in shown.steps] == list(wanted.step_notes.values()), name
    rules = {(regimen, rule.rule, rule.text, rule.because, rule.pending) for entry in shown.excluded
             for regimen in entry.regimens for rule in entry.rules}  # fmt: skip
    assert rules == {
        (
            entry["regimen"],
            entry["rule"],
            entry["text"],
            tuple(in_words(exclusion.because, WORDS)),
            entry["pending_review"],
        )
        for exclusion, entry in zip(case.advice.excluded, wanted.excluded, strict=True)
    }, name
    for said, known in ((shown.principles, wanted.principles), (shown.pitfalls, wanted.pitfalls)):
        assert [(one.text, one.pending, [cited.fact for cited in one.facts]) for one in said] == [
            (one.text, one.pending_review, list(dict.fromkeys(one.evidence))) for one in known
        ], name
    assumed = [entry.text for entry in shown.assumptions]
    assert said_plainly(case, case.advice.assumptions, assumed) == wanted.assumptions, name
    assert [f"{entry.label}: {entry.effect}" for entry in shown.unknowns] == wanted.unknowns, name
    assert [f"{entry.answers}: {entry.effect}" for entry in shown.would_change] == [
        entry.effect for entry in wanted.would_change
    ], name
    assert [entry.question for entry in shown.would_change] == [
        QUESTION_OF[entry.field] for entry in wanted.would_change
    ], f"{name}: a change that cannot be made"
    assert [entry.text for entry in shown.not_assessed] == wanted.not_assessed, name
    assert [source.id for source in shown.sources] == list(wanted.sources), name
    held = {fact.id: fact for fact in nodes(shown, Evidence)}
    assert held.keys() == wanted.facts.keys(), name
    for fact in held.values():
        known = wanted.facts[fact.id]
        assert (fact.value, fact.population, list(fact.arms)) == (known["value"], known["population"], known["arms"])
        assert [shown.sources[number - 1].id for number in fact.sources] == known["sources"], fact.id
        assert fact.sources, f"{fact.id}: rests on nothing (S10)"
    assert (shown.record.id, shown.record.knowledge) == (wanted.record.id, wanted.record.knowledge), name
    assert {line.field for line in shown.inputs} - {"gate"} == set(wanted.record.profile), name
    assert shown.review == "Draft: not clinically reviewed", name


def what_is_recalled_is_marked(case: Case) -> None:
    """S9: a figure from memory that looks like one that was read, or a fact that nobody read."""
    for part in (*nodes(case.card, Cited), *nodes(case.card, ForestRow)):
        assert part.pending == KNOWLEDGE.facts[part.fact].pending_review, f"{case.name}: {part}"
    for fact in nodes(case.card, Evidence):
        known = KNOWLEDGE.facts[fact.id]
        assert known.shown, f"{case.name}: {fact.id}"
        assert fact.pending == known.pending_review, f"{case.name}: {fact.id}"
        if known.verification in ("imprecise", "contradicted") and known.article_claim:
            wrong = figures(known.article_claim) - figures(known.value) - {str(digit) for digit in range(10)}
            assert not wrong & figures(" ".join((fact.endpoint, fact.value, fact.population))), fact.id
    named = set(re.findall(r">([a-z0-9]+-\w+)<", case.html))
    assert not named & HIDDEN, case.name


def the_page_names_it_all(case: Case) -> None:
    """S5, S8, S10, S13: a page on which a reader does not find what the document names."""
    said = unescape(case.html)
    places = re.split(r'(?=<li id="o-|<div class="more">)', said)
    ids = Counter(re.findall(r' id="([^"]+)"', said))
    for fact, known in case.document.facts.items():
        assert ids[f"f-{fact}"] == 1, f"{case.name}: {fact}"
        assert known["value"] in said, f"{case.name}: {fact}"
    for number, source in enumerate(case.document.sources.values(), 1):
        assert ids[f"s{number}"] == 1, f"{case.name}: source {number}"
        assert source["title"] in said, f"{case.name}: {source['title']}"
    for option in case.document.options:
        (place,) = [part for part in places if part.startswith(f'<li id="o-{option.regimen}"')]
        (shown,) = [one for one in case.card.options if one.regimen == option.regimen]
        for text in (*option.harms, *option.evidence, *shown.because, *shown.assumes, *option.not_assessed,
                     *(one.text for one in option.monitoring), *(one["text"] for one in option.cautions)):  # fmt: skip
            assert text in place, f"{case.name}: {option.regimen}: {text}"
    for entry in case.document.excluded:
        assert entry["rule"] in places[-1], f"{case.name}: {entry['rule']}"
        assert entry["text"] in places[-1], f"{case.name}: {entry['text']}"
    for text in (*(one.text for one in case.card.assumptions), *case.document.not_assessed, case.document.disclaimer,
                 *(one.text for one in (*case.document.principles, *case.document.pitfalls)),
                 *(one["text"] for one in case.document.reasons), *(one["nearest"] for one in case.document.reasons),
                 case.document.record.id, case.document.record.knowledge):  # fmt: skip
        assert text in said, f"{case.name}: {text}"


def test_every_sentence_of_the_card_is_on_the_page() -> None:
    """Were it to fail: the page leaves out something the card holds, in one kind of answer or for one reader."""
    codes = {"status", "tier", "truth", "verdict", "regimen", "regimens", "id", "field", "density", "full_name",
             "software", "question", "links", "forest", "board", "summary", "label", "verification",
             "kind", "printed_title", "option", "not_known", "code", "holds_short"}  # fmt: skip

    def sentences(value: Any, key: str = "") -> Iterator[str]:
        if isinstance(value, str):
            yield from () if key in codes else (value,)
        elif isinstance(value, tuple):
            names = getattr(value, "_fields", None)
            for number, part in enumerate(value):
                name = names[number] if names else key
                if name not in codes or not names:
                    yield from sentences(part, name)

    for case, page in pages():
        text = page.within()
        shown = case.card._replace(
            options=tuple(option for option in case.card.options if option.drug),
            steps=case.card.steps if case.card.options else (),
        )
        for sentence in sentences(shown):
            assert flat(sentence) in text or sentence in UNDER_A_HEADING, f"{case.name}: {sentence}"


# --- references, links, order --------------------------------------------------------------------------------


def test_the_pages_read_back_show_every_regimen_and_stop() -> None:
    """Were it to fail: the pages that are looked at leave out a regimen, or a kind of answer."""
    cases = [case for case, _ in pages()]
    ranked = {option.regimen for case in cases for option in case.card.options}
    assert ranked == {regimen.id for regimen in KNOWLEDGE.regimens.values() if regimen.kind != "step"}
    assert {case.card.status for case in cases} == set(WORDS.vocabulary.status)
    fits = {option.fit.verdict for case in cases for option in case.card.options if option.fit}
    assert fits == set(WORDS.vocabulary.fit)


def test_no_reference_dangles_and_the_basis_is_near() -> None:
    """S10: were it to fail, a link leads nowhere, two things share a place, or a basis is behind two doors."""
    for case, page in pages():
        assert not page.twice, f"{case.name}: {page.twice}"
        for _, values, _ in page.elements:
            href = values.get("href") or ""
            if href.startswith("#"):
                assert href[1:] in page.doors, f"{case.name}: {href}"
        assert max(page.doors.values()) <= 1, case.name
        for fact in case.document.facts:
            assert KNOWLEDGE.facts[fact].value in page.within(f"f-{fact}"), f"{case.name}: {fact}"


def test_a_link_to_a_recalled_fact_says_so_on_its_line() -> None:
    """S9: were it to fail, a line rests on memory and does not say it."""
    lines = re.compile(r"<(?:li|p|dd|span|td|figcaption)\b")
    seen = 0
    for case, page in pages():
        recalled = {fact for fact in case.document.facts if KNOWLEDGE.facts[fact].pending_review}
        for fact in recalled:
            assert "pending review" in page.within(f"f-{fact}"), f"{case.name}: {fact}"
        for link in re.finditer(r'<a href="#f-([^"]+)">[^<]+</a>(?: <mark>pending review</mark>)?', case.html):
            if link[1] in recalled:
                began = max(found.start() for found in lines.finditer(case.html, 0, link.start()))
                assert "pending review" in case.html[began : link.end()], f"{case.name}: {link[0]}"
                seen += 1
    assert seen > 50


def test_links_lead_to_questions_identifiers_and_exports_only() -> None:
    """Were it to fail: an edit link opens nothing, or a page of this answer asks somebody else for something."""
    allowed = re.compile(r"#.+|https://doi\.org/10\..+|https://pubmed\.ncbi\.nlm\.nih\.gov/\d+/")
    for case, page in pages():
        exports = {
            f"{CASE}/answer.{form}?record={case.advice.record_id}" for form in ("json", "html", "pdf", "fhir.json")
        }
        links = [values for tag, values, _ in page.elements if tag == "a"]
        for values in links:
            href = values["href"] or ""
            if href.startswith("https:"):
                assert values["rel"] == "noreferrer noopener", f"{case.name}: {href}"
            if not allowed.fullmatch(href) and href not in exports and not href.startswith(f"{CASE}/show/whatif/"):
                question, _, tried = href.removeprefix(f"{CASE}/at/").partition("?try=")
                assert question in QUESTIONS, f"{case.name}: {href}"
                assert not tried or tried in QUESTIONS[question].options, f"{case.name}: {href}"
        hrefs = {values["href"] for values in links}
        assert exports <= hrefs, case.name
        wanted = {entry.question for entry in (*case.card.inputs, *case.card.unknowns, *case.card.settle_first)}
        assert {f"{CASE}/at/{question}" for question in wanted} <= hrefs, case.name
        for change in case.document.would_change:
            question = QUESTION_OF[change.field]
            tried = f"?try={change.after}" if change.after in QUESTIONS[question].options and not change.also else ""
            assert f"{CASE}/at/{question}{tried}" in hrefs, f"{case.name}: {change}"
            assert f"{CASE}/show/whatif/{change.code}" in hrefs, f"{case.name}: {change}"
        sent = [tag for tag, _, _ in page.elements if tag in ("script", "img", "iframe", "link", "form", "style")]
        assert not sent, f"{case.name}: {sent}"


def test_identifiers_that_were_not_seen_say_so() -> None:
    """S9: were it to fail, a reader trusts an identifier that came from memory."""
    for case, page in pages():
        for source in case.card.sources:
            known = KNOWLEDGE.sources[source.id]
            assert len(source.links) == bool(known.doi) + bool(known.pmid)
            marked = "identifier recalled, pending review" in page.within(f"s{source.number}")
            assert marked == source.recalled == (known.id_basis == "recalled_certain"), source.id


# --- whom it is for, and what is not known ---------------------------------------------------------------------


TYPICAL: dict[str, Any] = {
    "her2_status": "positive", "setting": "metastatic", "red_flags": [], "performance_status": "ecog_0_2",
    "prior_lines": [{"agents": ["docetaxel", "trastuzumab", "pertuzumab"], "outcome": "progression"}],
    "early_stage_agents": [], "brain_metastases": "none", "hr_status": "negative", "tdxd_access": "available",
    "ild_history": "absent", "lvef": "normal", "hepatic_impairment": "none", "renal_impairment": "none",
    "dpd_deficiency": "none", "platelets": "normal", "pregnancy": "absent", "interacting_medicines": [],
    "chemotherapy": "suitable", "region": "eu",
}  # fmt: skip
"""A patient of whom all is known and nothing is abnormal."""


def typical(**changed: Any) -> tuple[Case, Page]:
    """That patient with other answers, as a case and as its page."""
    profile = {key: value for key, value in {**TYPICAL, **changed}.items() if value is not None}
    case = case_of("typical", profile, None, None)
    return case, Page(case.html)


OTHERWISE: dict[str, dict[str, Any]] = {
    "ILD or pneumonitis: present": {"ild_history": "present"},
    "LVEF: reduced": {"lvef": "reduced"},
    "Hepatic impairment: severe": {"hepatic_impairment": "severe"},
    "Renal impairment: severe": {"renal_impairment": "severe"},
    "DPD deficiency: complete": {"dpd_deficiency": "complete"},
    "Platelets: low": {"platelets": "low"},
    "Interacting medicines: warfarin": {"interacting_medicines": ["warfarin"]},
    "Chemotherapy: unsuitable or declined": {"chemotherapy": "unsuitable"},
    "T-DXd: declined": {"tdxd_access": "declined"},
    "Brain metastases: not imaged": {"brain_metastases": "not_imaged"},
    "Brain metastases: active": {"brain_metastases": "active", "leptomeningeal": "absent"},
    "Leptomeningeal disease: present": {"brain_metastases": "stable", "leptomeningeal": "present"},
    "Performance status: ECOG 3-4": {"performance_status": "ecog_3_4"},
    "Pregnancy: present": {"pregnancy": "present"},
    "Emergencies: neutropenic sepsis": {"red_flags": ["neutropenic_sepsis"]},
    "HER2 status: low": {"her2_status": "low"},
}
"""What is said of a patient, and the answers that make it so."""


@pytest.mark.parametrize("said", OTHERWISE)
def test_what_is_not_normal_stands_above_the_options_and_on_the_print(said: str) -> None:
    """Were it to fail: a patient with a failing organ looks like a healthy one above the list, or on paper."""
    case, page = typical(**OTHERWISE[said])
    assert said in page.within(".noted")
    board = page.within(".board")
    assert board.index("To note:") < board.index(said) < board.index("No drug" if not case.card.options else "1. ")
    assert f"- To note: {said}" in case.card.summary
    assert case.html.index('class="noted"') < case.html.index('aria-label="Parts of this answer"')


def test_a_patient_without_findings_has_nothing_to_note() -> None:
    """Were it to fail: the mark stands beside normal answers too and says nothing any more."""
    case, page = typical()
    assert not page.within(".noted")
    assert not page.within(".open")
    assert not case.card.settle_first
    for name in ("Lines for metastatic disease", "Brain metastases", "HR status", "T-DXd"):
        assert name in page.within(".whom")


def test_every_field_has_a_place_above_the_options() -> None:
    """Were it to fail: a new field of the profile is neither noted where it is abnormal nor shown as context."""
    assert {*USUAL, *FOR_WHOM} - {"gate"} == set(FIELDS)


def test_what_is_not_known_is_named_above_the_options() -> None:
    """S11, S19: were it to fail, an answer that is not known looks like a normal one."""
    for name in ("lvef", "hr_status", "brain_metastases", "pregnancy", "red_flags", "interacting_medicines"):
        case, page = typical(**{name: NOT_KNOWN})
        label = WORDS.label(name)
        assert label in page.within(".open"), name
        assert f"Not known: {label}" in page.within(".board"), name
        assert label in "".join(line for line in case.card.summary.splitlines() if "Not known:" in line), name
    _, page = typical(lvef=None)
    assert "Not asked: LVEF" in page.within(".open")


def test_what_could_end_the_ranking_is_settled_first() -> None:
    """S4, S11: were it to fail, an emergency that is not known hides in a closed list of assumptions."""
    case, page = typical(red_flags=NOT_KNOWN, pregnancy=NOT_KNOWN, brain_metastases=NOT_KNOWN)
    assert [one.label for one in case.card.settle_first] == ["Emergencies", "Pregnancy", "Leptomeningeal disease"]
    assert case.card.open_answers is not None
    assert case.card.open_answers.label == "Brain metastases"
    box = page.within(".settle")
    for stop in KNOWLEDGE.stops:
        assert (stop.text in box) == (stop.id in ("red_flag", "pregnancy", "leptomeningeal_disease")), stop.id
    assert "details" not in [outer for _, values, outers in page.elements if values.get("class") == "settle"
                             for outer in outers]  # fmt: skip
    assert case.html.index('class="settle"') < case.html.index('class="options"')
    for said in (page.within(".board"), case.card.summary):
        assert "Not known, and to be settled first:" in said
        assert said.index("Emergencies") < said.index("1. ")


def test_a_denied_list_cannot_be_read_as_a_choice() -> None:
    """Were it to fail: "not A or B" stands on the card, which some read as "not A, or else B"."""
    card_of = typical(red_flags=NOT_KNOWN)[0].card
    (said,) = [one.text for one in card_of.assumptions if one.question == "red_flags"]
    assert said.startswith("Emergencies, none of: seizure or raised intracranial pressure, spinal cord compression, ")
    assert in_words([Atom("received", "includes_all", ("t_dxd", "t_dm1"), True)], WORDS) == [
        "Received for metastatic disease, not all of: T-DXd, T-DM1"
    ]
    assert in_words([Atom("received", "includes_none", ("t_dxd", "t_dm1"))], WORDS) == [
        "Received for metastatic disease, none of: T-DXd, T-DM1"
    ]
    assert in_words([Atom("region", "known", ("us", "eu"), True)], WORDS) == ["Region, not known to be any of: US, EU"]
    for atom in (Atom("region", "is", ("us", "eu")), Atom("lvef", "is", ("reduced",), True)):
        assert in_words([atom], WORDS) == [WORDS.atom(atom)]


# --- how it is said ------------------------------------------------------------------------------------------


def test_the_disclaimer_and_the_record_are_in_every_form() -> None:
    """S13, S23: were it to fail, an answer, its copy or its print goes out without its limits or its record."""
    for case, page in pages():
        for text in (case.card.summary, page.within(".board"), page.within(".limits")):
            assert disclaimer() in text, case.name
            assert case.advice.record_id in text, case.name


def test_an_emergency_is_named_in_the_title_and_codes_stay_out_of_the_text() -> None:
    """S4, S10: were it to fail, the title of an emergency says no more than "Refer", or reads like a program."""
    case, page = typical(red_flags=["neutropenic_sepsis", "cord_compression"])
    assert case.card.title == "Time-critical: spinal cord compression, neutropenic sepsis"
    assert typical(her2_status="low")[0].card.title == "Out of scope. HER2 status: low"
    assert typical(pregnancy="present")[0].card.title == "Refer. Pregnancy: present"
    assert "Refer. No drug is ranked." in page.within(".lead")
    for shown, whole in (*pages(), (case, page)):
        said = whole.within()
        rules = {caution.rule for option in shown.card.options for caution in option.cautions}
        rules |= {rule.rule for entry in shown.card.excluded for rule in entry.rules}
        rules |= {reason.code for reason in shown.card.reasons}
        running = re.sub(r"<cite>.*?</cite>", "", shown.html, flags=re.S)
        running = re.sub(r"<[^>]+>", " ", running)
        assert not [rule for rule in rules if "_" in rule and re.search(rf"\b{rule}\b", running)], shown.name
        for rule in rules:
            assert rule in said, f"{shown.name}: {rule} cannot be traced"
    unasked = [outers for tag, values, outers in page.elements if values.get("class") == "unasked"]
    assert [values for tag, values, _ in page.elements if tag == "details" and "open" in values] == []
    assert unasked or not case.card.not_asked


def test_steps_that_are_the_answer_are_its_title() -> None:
    """S4, S7: were it to fail, a list of drugs hides that the therapy goes on and the brain is treated locally."""
    lines = [{"agents": ["docetaxel", "trastuzumab", "pertuzumab"], "outcome": "ongoing"}]
    case, page = typical(brain_metastases="active", leptomeningeal="absent", extracranial_disease="controlled",
                         prior_lines=lines)  # fmt: skip
    assert case.card.steps_lead
    for step in case.card.steps:
        assert step.name in case.card.title
        assert page.within().index(step.text) < page.within().index("If systemic therapy is changed")
    assert {option.tier for option in case.card.options} <= {"later_line", "selected_patients"}
    assert case.html.index("If systemic therapy is changed") < case.html.index('class="options"')
    assert WORDS.vocabulary.status[case.advice.status] in page.within(".lead")
    assert "If systemic therapy is changed" not in typical()[0].html
    raised = case.advice.options[0]._replace(tier="preferred")
    other = card(replace(case.advice, options=(raised, *case.advice.options[1:])), WORDS)
    assert other.list_title == WORDS.vocabulary.status[case.advice.status], "a drug of another tier is no afterthought"


def test_a_grade_names_its_system_first_and_looks_like_no_tier() -> None:
    """S7: were it to fail, the word "preferred" of a guideline reads as the tier this tool gives."""
    case, page = typical()
    first = case.card.options[0]
    assert "NCCN (reproduction): preferred" in page.within(".grade")
    for grade in first.grades:
        assert f"{grade.system}: {grade.grade}" in page.within(".grade")
    assert not re.search(r'class="grade"><b', case.html)


def test_the_evidence_opens_with_the_fit() -> None:
    """Were it to fail: the figures of a trial are read without saying that this patient would not have been in it."""
    for case, _ in pages():
        places = re.split(r'(?=<li id="o-)', case.html)[1:]
        for option, place in zip(case.card.options, places, strict=True):
            if option.evidence and option.fit:
                _, _, evidence = place.partition("<summary>Evidence")
                begins = evidence.partition("<table>")[0].partition("<figure>")[0]
                assert f'<b class="fit {option.fit.verdict}">' in begins, f"{case.name}: {option.regimen}"


def test_the_copied_text_keeps_what_decides_and_holds_no_document() -> None:
    """S7, S13, S26: were it to fail, a pasted answer reads as reviewed, certain and fitting, or ends in code."""
    for case, _ in pages():
        text, shown = case.card.summary, case.card
        assert text.startswith("Draft: not clinically reviewed."), case.name
        assert "{" not in text, case.name
        for option in shown.options:
            for said in (
                f"{option.rank}. {option.name} ({option.tier_label})", *option.assumes,
                *(one.text for one in option.foremost), *((option.fit.label, *option.fit.unmet) if option.fit else ()),
                *(f"{grade.system}: {grade.grade}" for grade in option.grades),
            ):  # fmt: skip
                assert said in text, f"{case.name}: {said}"
        for entry in shown.excluded:
            assert all(name in text for name in entry.names), case.name
            assert all(reason in text for rule in entry.rules for reason in rule.because), case.name
        for said in (*(one.text for one in shown.assumptions), *(step.name for step in shown.steps), shown.title):
            assert said.removesuffix(", under assumptions") in text, f"{case.name}: {said}"


def test_a_row_of_a_part_of_a_trial_says_so() -> None:
    """Were it to fail: a result in a subset stands among those of whole trials, or the list of subsets is stale."""
    rows = {(row.fact, row.endpoint): row for case, _ in pages() for row in nodes(case.card, ForestRow)}
    assert {(fact.id, one.endpoint) for fact in KNOWLEDGE.facts.values() for one in fact.estimates} >= SUBSETS
    words = re.compile(r"subset|exploratory|post hoc|retrospective|carriers|brain metastases|CNS", re.I)
    for (name, endpoint), row in rows.items():
        fact = KNOWLEDGE.facts[name]
        assert row.subset == (fact.kind == "cns" or (name, endpoint) in SUBSETS), name
        whole = fact.population.count("subset") and "total" in fact.population
        if words.search(f"{endpoint} {'' if whole else fact.population}"):
            assert row.subset, f"{name}: {endpoint}: not marked as a part of its trial"
    for case, _ in pages():
        for option in case.card.options:
            assert [row.subset for row in option.forest] == sorted(row.subset for row in option.forest), case.name


def test_an_answer_without_options_says_why_first() -> None:
    """S3, S4: were it to fail, a reader scrolls past inputs and principles before learning that nothing is ranked."""
    stopped = [(case, page) for case, page in pages() if not case.card.options]
    assert len(stopped) > 4
    for case, page in stopped:
        assert "No drug is ranked." in page.within(".lead"), case.name
        for reason in case.card.reasons:
            assert reason.text in page.within(".reason"), case.name
            assert reason.nearest in page.within(".reason"), case.name
            text = page.within()
            assert text.index(reason.text) < text.index("Not asked in this case"), case.name


def test_what_is_time_critical_is_said_before_all_else() -> None:
    """S4: were it to fail, an emergency reads like any other referral."""
    seen = 0
    for case, page in pages():
        urgent = any(reason.stop.time_critical for reason in case.advice.reasons)
        assert case.card.time_critical == urgent
        if urgent:
            seen += 1
            assert case.card.reasons[0].time_critical, case.name
            for said in (page.within(".critical"), page.within(".board"), case.card.summary):
                assert "time-critical: act by your local pathway" in said.lower(), case.name
        else:
            assert not page.within(".critical"), case.name
    assert seen


def test_the_only_option_is_said_to_be_the_only_one() -> None:
    """S5: were it to fail, one option alone looks like a choice, or a choice like the only option."""
    case = next(case for case, _ in pages() if len(case.card.options) > 1)
    says = "the only option this knowledge supports"
    assert says not in case.html
    assert says in html_of(case.card._replace(options=case.card.options[:1]))


def test_a_patients_own_cautions_need_no_tap() -> None:
    """Were it to fail: a caution that this patient's answers bring is seen only by who opens the safety section."""
    seen = 0
    for case, page in pages():
        for option in case.card.options:
            for one in option.foremost:
                assert one.text in page.within(".patient"), f"{case.name}: {one.text}"
                assert "; ".join(one.answers) in page.within(".patient"), f"{case.name}: {one.text}"
                seen += 1
    assert seen > 5


def test_what_stands_under_the_patient_is_brought_by_an_answer_and_all_that_is_stands_there() -> None:
    """Were it to fail: a caution that an answer brings hides among those of the drug, or one that no answer does
    looks like a finding on this patient.
    """
    whose, general = set(), set()
    for case, _ in pages():
        view = rule_on(case.advice.profile, KNOWLEDGE, case.advice.gate).view
        for option, shown in zip(case.advice.options, case.card.options, strict=True):
            foremost = {one.rule for one in shown.foremost}
            for caution in option.cautions:
                if not caution.certain:
                    assert caution.rule.id not in foremost, f"{case.name}: {caution.rule.id}"
                    continue
                read = {atom.field for atom in caution.rule.when.because(view)} - {"her2_status", "region"}
                given = {name for name in read if any(getattr(case.advice.profile, source) is not None
                                                      for source in SOURCE_OF.get(name, (name,)))}  # fmt: skip
                assert (caution.rule.id in foremost) == bool(given), f"{case.name}: {caution.rule.id}"
                (whose if given else general).add(caution.rule.id)
    assert "t_dm1_brain_metastases" in whose
    assert "neratinib_capecitabine_survival_diarrhoea" in general


def test_a_caution_of_two_causes_names_the_one_that_holds() -> None:
    """Were it to fail: a warning on the kidney stands beside normal kidneys and does not say that it is the enzyme."""
    case, page = typical(dpd_deficiency="complete", tdxd_access="unavailable", hepatic_impairment="severe")
    (rule,) = {one.rule: one for option in case.card.options for one in option.foremost
               if one.rule == "partner_capecitabine_ruled_out"}.values()  # fmt: skip
    assert rule.answers == ("DPD deficiency: complete",)
    assert f"{rule.text} (DPD deficiency: complete)" in page.within(".patient")


def test_a_reader_changes_the_words_and_never_the_order() -> None:
    """S21: were it to fail, the role of the reader changes what is recommended."""
    advice = next(case.advice for case, _ in pages() if len(case.card.options) > 5)
    cards = {role: card(advice, WORDS, role) for role in (None, *ROLES)}
    assert len({tuple(option.regimen for option in shown.options) for shown in cards.values()}) == 1
    assert len({tuple(entry.rules for entry in shown.excluded) for shown in cards.values()}) == 1
    assert {role for role, shown in cards.items() if shown.glossary} == {"trainee", "other_clinician"}
    assert {role for role, shown in cards.items() if shown.safety_first} == {"pharmacist_or_nurse"}
    first = html_of(cards["pharmacist_or_nurse"])
    assert first.index("Safety and monitoring") < first.index("Why this place")


def test_a_banner_and_the_words_of_an_input_are_shown() -> None:
    """S27, S34: were it to fail, rules past their review-by date look like any other, or a text becomes markup."""
    case, _ = pages()[0]
    shown = card(case.advice, WORDS, banner="Some rules <here> are past their review-by date.")
    words = shown.inputs[0]._replace(source_words="Her2 3+ <b>")
    page = Page(html_of(shown._replace(inputs=(words, *shown.inputs[1:]))))
    assert "Some rules <here> are past their review-by date." in page.within(".banner")
    assert "Some rules <here> are past their review-by date." in page.within(".board")
    assert "Her2 3+ <b>" in page.within("a-inputs")


def test_the_same_advice_gives_the_same_page() -> None:
    """S22: were it to fail, two readers of one record see two answers."""
    case, _ = pages()[1]
    again = card(recommend(case.advice.profile, KNOWLEDGE, case.advice.gate), WORDS, ROLES[1])
    assert again == case.card
    assert html_of(again) == case.html


def test_the_template_directs_nobody_and_holds_no_figure(tmp_path: Path) -> None:
    """S6, S8: were it to fail, the page gives an order, or a figure that no fact stands behind."""
    source = (WEB / "templates" / "answer.html").read_text("utf-8")
    words = re.sub(r"<[^>]*>", " ", re.sub(r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}", " ", source, flags=re.S), flags=re.S)
    (tmp_path / "answer.j2").write_text(words, "utf-8")
    check_template(tmp_path / "answer.j2")
    assert "Safety and monitoring" in words


def test_the_page_keeps_to_its_policy() -> None:
    """S34: were it to fail, the security policy of the page blanks a part of the answer."""
    for case, page in pages():
        for tag, values, _ in page.elements:
            assert "style" not in values, f"{case.name}: {tag}"
            assert not [key for key in values if key.startswith("on")], f"{case.name}: {tag}"


def test_the_styles_read_from_either_side() -> None:
    """Were it to fail: in a script that runs from right to left, parts of the answer stand on the wrong side."""
    css = re.sub(r"/\*.*?\*/", "", (WEB / "static" / "answer.css").read_text("utf-8"), flags=re.S)
    rules = re.sub(r"@\w+ \([^)]*\)", "", css)
    for physical in (
        r"(?:margin|padding|border)-(?:left|right|top|bottom)\b", r"(?<![\w-])(?:left|right|top|bottom)\s*:",
        r"text-align:\s*(?:left|right)", r"float:", r"(?<![\w-])(?:width|height|max-width|min-width|max-height)\s*:",
    ):  # fmt: skip
        assert not re.search(physical, rules), physical
    assert not re.search(r"#[0-9a-f]{3,8}\b", css.partition("@media print")[0], re.I), "a colour that has no dark form"


@pytest.mark.parametrize("part", ["data-copy", "data-print"])
def test_buttons_that_need_a_script_wait_for_it(part: str) -> None:
    """Were it to fail: without a script there is a button that does nothing, or no way to copy."""
    _, page = pages()[0]
    (button,) = [values for tag, values, _ in page.elements if part in values]
    assert "hidden" in button
    assert button["type"] == "button"
    (area,) = [values for tag, values, outer in page.elements if tag == "textarea" and "details" in outer]
    assert area["id"] == "summary-text"
    assert "readonly" in area
