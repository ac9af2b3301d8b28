"""What is said: complete, marked, traceable, within one screen, and never more certain than its sources."""

from __future__ import annotations

import random
import re
import shutil
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_dialogue_properties import one_of_each, walk

from bot.page import page
from bot.wire import from_wire, to_wire
from flows.dialogue import FINALS, SECTIONS, TOPICS, Answer, Ask, Command, State, Unclear, begin, present, step
from flows.knowledge.load import KnowledgeError, figures, shipped
from flows.knowledge.model import Fact
from flows.profile import FIELDS, Profile
from flows.questionnaire import QUESTIONS, ROLES, options_now
from flows.sequencing.advice import Advice
from flows.sequencing.recommend import recommend
from flows.turns import Understood
from messages.document import AdviceDocument, advice_document
from messages.message import Block, Message
from messages.render import FIRST_MESSAGE, answer_message, disclaimer, full_answer, render, section_message
from messages.understanding import LONGEST, turn_of
from messages.words import ENGLISH, english, read_words

KNOWLEDGE = shipped()
WORDS = english(KNOWLEDGE)
EXAMPLES = yaml.safe_load((Path(__file__).parent / "examples.yaml").read_text("utf-8"))["cases"]
PENDING = "pending review"
CALM = settings(deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))

# --- a corpus of answers ----------------------------------------------------------------------------------

P, X, OFF = "progression", "toxicity", "unknown"
HISTORIES: tuple[tuple[tuple[tuple[str, ...], str], ...], ...] = (
    (),
    ((("taxane", "carboplatin", "trastuzumab"), P),),
    ((("taxane", "trastuzumab", "pertuzumab"), P),),
    ((("taxane", "trastuzumab", "pertuzumab"), "ongoing"),),
    ((("t_dxd", "pertuzumab"), P),),
    (((), OFF),),
    ((("docetaxel", "trastuzumab", "pertuzumab"), P), (("t_dxd",), P)),
    ((("docetaxel", "trastuzumab", "pertuzumab"), P), (("t_dxd",), X)),
    ((("docetaxel", "trastuzumab"), P), (("t_dm1",), P)),
    ((("docetaxel", "trastuzumab"), P), (("tucatinib", "capecitabine", "trastuzumab"), P)),
    ((("docetaxel", "trastuzumab"), P), (("lapatinib", "capecitabine"), P)),
    ((("taxane", "trastuzumab"), P), (("t_dxd",), P), (("tucatinib", "capecitabine", "trastuzumab"), P),
     (("t_dm1",), P)),
)  # fmt: skip
BRAIN: tuple[dict[str, str], ...] = (
    {"brain_metastases": "none"},
    {"brain_metastases": "not_imaged"},
    {"brain_metastases": "stable", "leptomeningeal": "absent"},
    {"brain_metastases": "active", "leptomeningeal": "absent", "extracranial_disease": "progressing"},
    {"brain_metastases": "active", "leptomeningeal": "absent", "extracranial_disease": "controlled"},
    {"brain_metastases": "unknown", "leptomeningeal": "unknown", "extracranial_disease": "unknown"},
)
CHECKLISTS: tuple[dict[str, Any], ...] = (
    {},
    {"chemotherapy": "unsuitable"},
    {"ild_history": "present", "platelets": "low"},
    {"dpd_deficiency": "complete"},
    {"hepatic_impairment": "severe", "lvef": "reduced"},
    {"interacting_medicines": ["warfarin", "strong_cyp3a_inducer"], "dpd_deficiency": "partial"},
    {"ild_history": "unknown", "lvef": "unknown", "dpd_deficiency": "unknown", "chemotherapy": "unknown"},
)
CLEAR: dict[str, Any] = {
    "her2_status": "positive", "setting": "metastatic", "red_flags": [], "early_stage_agents": [],
    "ild_history": "absent", "lvef": "normal", "hepatic_impairment": "none", "renal_impairment": "none",
    "dpd_deficiency": "none", "platelets": "normal", "pregnancy": "absent", "interacting_medicines": [],
    "chemotherapy": "suitable", "performance_status": "ecog_0_2",
}  # fmt: skip


def advised(**fields: Any) -> Advice:
    """The advice on a profile given as keywords."""
    return recommend(Profile.model_validate(fields), KNOWLEDGE)


@cache
def corpus() -> tuple[Advice, ...]:
    """Answers over histories, brain, receptors, access and checklists, and the ends of random conversations."""
    found: dict[str, Advice] = {}
    draw = random.Random(23)
    for history in HISTORIES:
        for brain in BRAIN:
            checklist = draw.choice(CHECKLISTS)
            lines = [{"agents": list(agents), "outcome": outcome} for agents, outcome in history]
            fields = {**CLEAR, "prior_lines": lines, **brain, **checklist}
            fields["hr_status"] = draw.choice(("positive", "negative", "unknown"))
            if not any("t_dxd" in agents for agents, _ in history):
                fields["tdxd_access"] = draw.choice(("available", "unavailable", "unavailable", "unknown"))
            if draw.random() < 0.4:
                fields["region"] = draw.choice(("us", "eu", "china"))
            if not history and draw.random() < 0.5:
                fields |= {"early_stage_agents": ["taxane", "trastuzumab"], "months_since_adjuvant_her2": 5}
            advice = advised(**fields)
            found.setdefault(advice.record_id, advice)
    for seed in range(70):
        state = walk(seed)[-1]
        if state.attested:
            reply = present(state, KNOWLEDGE)
            found.setdefault(reply.advice.record_id, reply.advice)  # type: ignore[union-attr]
    for case in EXAMPLES:
        advice = recommend(Profile.model_validate(case["profile"]), KNOWLEDGE, case.get("gate"))
        found.setdefault(advice.record_id, advice)
    return tuple(found.values())


def ranked() -> list[Advice]:
    """The answers of the corpus that rank something."""
    return [advice for advice in corpus() if advice.options]


@cache
def _document(position: int) -> AdviceDocument:
    return advice_document(corpus()[position], WORDS)


def document_of(advice: Advice) -> AdviceDocument:
    """The document of an answer of the corpus, made once."""
    return _document(next(position for position, one in enumerate(corpus()) if one is advice))


def final_of(advice: Advice) -> str:
    return {"refer": "referred", "decline": "declined", "ask": "needs_information"}.get(advice.status, "advice")


@cache
def sections_of(position: int) -> dict[str, Message]:
    """The first message and every section of an answer of the corpus."""
    advice = corpus()[position]
    first = answer_message(advice, WORDS, final_of(advice))
    sections = {name: section_message(name, advice, WORDS) for name in SECTIONS} if advice.options else {}
    return {"first": first, **sections}


def said() -> Iterator[tuple[Advice, str, Message]]:
    """Every message of every answer of the corpus, with its name."""
    for position, advice in enumerate(corpus()):
        for name, message in sections_of(position).items():
            yield advice, name, message


def test_the_corpus_is_wide() -> None:
    """S15: the answers looked at here cover every status, regimen, step and stop that answers can show.

    Were it to fail: the tests below pass for want of anything to look at.
    """
    answers = corpus()
    assert {advice.status for advice in answers} >= {"recommend", "conditional", "ask", "refer", "decline"}
    options = {name for advice in answers for name in advice.regimens}
    steps = {step_.regimen.id for advice in answers for step_ in advice.steps}
    assert options | steps == set(KNOWLEDGE.regimens)


# --- questions --------------------------------------------------------------------------------------------


def test_every_question_and_its_buttons_render() -> None:
    """S2, S15: every question says where it stands, and offers each of its options once, under its own label.

    Were it to fail: an option cannot be chosen, two options read alike, or a tap does not fit a chat's button.
    """
    seen = set()
    for states in (*map(walk, range(60)), (at("understood"),)):
        for state in states:
            if state.here not in QUESTIONS:
                continue
            message = render(Ask(state.here, state), WORDS)
            seen.add(message.id)
            assert message.id == state.here
            kinds = [block.kind for block in message.blocks]
            assert kinds[0] == "note"
            assert "heading" in kinds
            assert all(block.text.strip() for block in message.blocks if block.kind != "paragraph")
            assert not re.search(r"[{}]|\bNone\b(?! (of|on))|StrictUndefined", message.text), message.text
            labels = [button.label for button in message.buttons]
            assert all(label.strip() for label in labels)
            assert len(set(labels)) == len(labels), f"{state.here}: two buttons read alike"
            options = ["+".join(button.turn.chosen) for button in message.buttons if isinstance(button.turn, Answer)]
            assert tuple(options) == options_now(state.here, state.answers)
            for button in message.buttons:
                wire = to_wire(button.turn)
                assert len(wire.encode()) <= 64, f"{wire}: longer than a button of a chat can carry"
                assert from_wire(wire) == button.turn
            assert message.several == (QUESTIONS[state.here].kind == "several")
    assert seen >= set(QUESTIONS) - {"region"}


@pytest.mark.parametrize("name", list(QUESTIONS))
def test_every_question_says_why_it_is_asked(name: str) -> None:
    """S7, S10: /why in a question gives its reason. Were it to fail: a question cannot be justified."""
    _, replies = step(one_of_each()[name], Command("why"), KNOWLEDGE)
    message = render(replies[0], WORDS)
    assert message.id == "why_question"
    assert len(message.text) > 40


def test_the_first_message_names_use_limits_and_knowledge() -> None:
    """S2: first message and /about name user, patients, exclusions, no emergencies, regulatory status, knowledge.

    Were it to fail: someone uses the tool for what it is not meant for, unwarned.
    """
    state = begin()
    about = render(step(state, Command("about"), KNOWLEDGE)[1][0], WORDS)
    for message in (render(Ask("role", state), WORDS), about):
        for needed in (
            "health-care professionals", "HER2-positive metastatic", "HER2-low", "early-stage", "not adults",
            "pregnancy", "leptomeningeal", "ECOG 3-4", "Not a medical device", "not CE-marked", "not FDA-reviewed",
            "Not for patients", "not for emergencies", str(KNOWLEDGE.manifest.date), KNOWLEDGE.digest[:19],
            "not clinically reviewed",
        ):  # fmt: skip
            assert needed.lower() in message.text.lower(), f"{message.id}: {needed}"


def test_topics_and_ends_render() -> None:
    """S2, S32: help, about, privacy and the ends without an answer say something in every state.

    Were it to fail: a command answers with nothing, or an end leaves no way on.
    """
    for name, state in one_of_each().items():
        for topic in TOPICS:
            assert len(render(step(state, Command(topic), KNOWLEDGE)[1][0], WORDS).text) > 80
        if name in FINALS:
            message = render(present(state, KNOWLEDGE), WORDS)
            assert message.buttons, f"{name}: no way on"
            assert message.blocks[-1] == Block("note", disclaimer())


# --- S13: the disclaimer, and one screen ------------------------------------------------------------------


@pytest.mark.parametrize("role", [None, *ROLES])
def test_the_first_message_fits_one_screen(role: str | None) -> None:
    """S13: at most 1200 characters, and the disclaimer is its last block, for every role and every status.

    Were it to fail: a chat cuts the answer in two, and one half is read without the disclaimer.
    """
    for advice in corpus():
        message = answer_message(advice, WORDS, final_of(advice), role)
        assert len(message.text) <= FIRST_MESSAGE == 1200, f"{advice.record_id}: {len(message.text)}\n{message.text}"
        assert message.text.endswith(disclaimer())
        assert message.blocks[-1] == Block("note", disclaimer())


def test_every_section_and_export_carries_the_disclaimer() -> None:
    """S13: sections, the page and the document carry it. Were it to fail: an export circulates without it."""
    assert "not a medical device" in disclaimer()
    for position, advice in enumerate(corpus()):
        for message in sections_of(position).values():
            assert message.text.endswith(disclaimer()), message.id
        if position % 6 == 0:
            html = page(full_answer(advice, WORDS))
            assert html.count("not a medical device") >= 2, "the disclaimer stands first and last in a document"
            assert "<script" not in html
        assert document_of(advice).disclaimer == disclaimer()


def test_a_conditional_answer_names_what_it_assumes() -> None:
    """S11: the first message of a conditional answer names at least one assumption, not only how many there are.

    Were it to fail: a clinician reads "under assumptions" on the first screen and not which.
    """
    for advice in ranked():
        if advice.status == "conditional":
            text = answer_message(advice, WORDS).text
            said_of = re.search(r"Assumed, not known \(/why\): (.*)", text)
            assert said_of, text
            assert not re.fullmatch(r"\d+ answers?\.", said_of[1]), text
            assert WORDS.atom(advice.assumptions[0]) in said_of[1]


def test_counts_are_said_in_grammar() -> None:
    """S7: no "1 answers" or "1 regimens". Were it to fail: the first screen reads as a machine's."""
    for _, name, message in said():
        assert not re.search(r"\b1 (answers|regimens|further options)\b", message.text), f"{name}: {message.text}"


# --- S9, S10: facts ---------------------------------------------------------------------------------------


def is_about(block: Block, fact: Fact) -> bool:
    """Whether a block shows the fact: its id in brackets, or its value."""
    return f"[{fact.id}]" in block.text or (len(fact.value) > 12 and fact.value in block.text)


def test_recalled_facts_are_marked_wherever_shown() -> None:
    """S9: a figure or statement known from memory carries "pending review" in the same line.

    Were it to fail: something nobody could read up is presented as read.
    """
    recalled = [fact for fact in KNOWLEDGE.facts.values() if fact.verification == "recalled"]
    shown = set()
    for _, name, message in said():
        for block in message.blocks:
            for fact in recalled:
                if is_about(block, fact):
                    shown.add(fact.id)
                    assert PENDING in block.text, f"{name}: {fact.id} is not marked: {block.text}"
    assert shown, "no recalled fact is shown at all"


def test_recalled_facts_are_marked_in_sources() -> None:
    """S9: /sources marks each recalled fact. Were it to fail: the list of sources hides what is from memory."""
    for advice, name, message in said():
        if name == "sources":
            for fact in advice.facts():
                lines = [block.text for block in message.blocks if block.text.startswith(f"{fact.id}: ")]
                assert bool(lines) == fact.shown
                assert all((PENDING in line) == (fact.verification == "recalled") for line in lines)


def test_recalled_grades_are_marked_wherever_shown() -> None:
    """S9: a guideline grade from memory (ESMO letters) carries "pending review", on the first screen too.

    Were it to fail: "ESMO I, C" stands there as if the table had been read.
    """
    for position, advice in enumerate(corpus()):
        for option in advice.options:
            for number, grade in enumerate(option.grades):
                if any(KNOWLEDGE.facts[name].verification == "recalled" for name in grade.facts):
                    wanted = f"{grade.system}: {grade.grade}"
                    for name in ("first", "why", "summary"):
                        for block in sections_of(position)[name].blocks:
                            if wanted in block.text and (name != "first" or number == 0):
                                assert PENDING in block.text, f"{name}: {block.text}"


def test_what_could_not_be_read_is_never_shown() -> None:
    """S9: facts marked not_found appear nowhere, by id or value, in text or document.

    Were it to fail: the answer cites a guideline nobody could open.
    """
    hidden = [fact for fact in KNOWLEDGE.facts.values() if fact.verification == "not_found"]
    assert {fact.id for fact in hidden} == {"gl-18", "gl-19", "gl-22"}
    for _, name, message in said():
        for fact in hidden:
            assert not re.search(rf"\b{fact.id}\b", message.text), f"{name}: {fact.id}"
    for advice in corpus():
        text = document_of(advice).model_dump_json()
        assert not any(f'"{fact.id}"' in text for fact in hidden)


WRONG = (
    ("EMILIA first interim as the survival result", r"\b0\.62(?!\d)(?! \(0\.45)"),
    ("phase 1b diarrhoea rate as the triplet's", r"(?i)diarrh[^.\n]{0,80}\b67\b"),
    ("phase 1b diarrhoea, grade 3 or worse", r"(?i)tucatinib[^.\n]{0,80}diarrh[^.\n]{0,40}\b7 ?%"),
    ("phase 1b hand-foot rate as the triplet's", r"(?i)(PPE|palmar|hand-foot)[^.\n]{0,80}\b44(?!\.)\b"),
    ("whole-trial survival under brain metastases", r"(?i)44\.9[^\n]*26\.6(?![^\n]*(total|whole))"),
    ("transaminases of another combination", r"(?i)16\.5(?![^\n]*(T-DM1|HER2CLIMB-02))"),
    ("first-line grade of T-DM1 after tucatinib", r"(?i)after tucatinib[^.\n]{0,40}I, ?A"),
    ("never stopping as an absolute", r"(?i)\bnever (discontinue|stop) all\b"),
    ("duocarmazine as still under study", r"(?i)duocarmazine is an investigational agent under study"),
    ("tucatinib as the sole priority", r"(?i)tucatinib[^.\n]{0,60}should be prioriti[sz]ed"),
)


@pytest.mark.parametrize(("what", "pattern"), WRONG, ids=[what.replace(" ", "_") for what, _ in WRONG])
def test_a_wrong_figure_of_the_article_is_never_shown_as_true(what: str, pattern: str) -> None:
    """S9: figures of the source article judged imprecise or contradicted are not repeated (dossier, section 2a).

    Were it to fail: a clinician is given the number the article got wrong.
    """
    for _, name, message in said():
        for block in message.blocks:
            assert not re.search(pattern, block.text), f"{what}, in {name}: {block.text}"


def test_a_corrected_fact_never_shows_the_figure_it_corrects() -> None:
    """S9: where a fact corrects the article, the lines that show it hold none of the article's own figures.

    Were it to fail: the correction and the error stand side by side.
    """
    corrected = {
        fact: figures(fact.article_claim) - figures(fact.value) - {str(number) for number in range(10)}
        for fact in KNOWLEDGE.facts.values()
        if fact.verification in ("imprecise", "contradicted") and fact.article_claim
    }
    assert any(corrected.values())
    for _, name, message in said():
        for block in message.blocks:
            for fact, wrong in corrected.items():
                if wrong and is_about(block, fact):
                    assert not wrong & figures(block.text), f"{name}: {block.text}"


_ID = re.compile(r"\b[a-z]{2,5}\d?-\d{2}[a-z]?\b")


def cited_in(message: Message) -> set[str]:
    """The fact ids a message puts in brackets or names as the basis of a line."""
    found: set[str] = set()
    for block in message.blocks:
        for part in (*re.findall(r"\[([^\]]*)\]", block.text), *re.findall(r"^Basis: (.*)", block.text)):
            found |= set(_ID.findall(part))
    return found


def test_no_reference_dangles() -> None:
    """S10: every fact id in any section exists. Were it to fail: a line rests on nothing that can be opened."""
    everything: set[str] = set()
    for _, name, message in said():
        cited = cited_in(message)
        everything |= cited
        assert cited <= set(KNOWLEDGE.facts), f"{name}: {sorted(cited - set(KNOWLEDGE.facts))}"
    assert len(everything) > 100


@pytest.mark.parametrize("section", [name for name in SECTIONS if name != "sources"])
def test_every_fact_cited_is_listed_in_sources(section: str) -> None:
    """S10: the basis of any line is two taps away: /sources lists each fact id, and each source of it.

    Were it to fail: a clinician sees "[gl-23]" and finds it nowhere in the answer.
    """
    for position, advice in enumerate(corpus()):
        if advice.options:
            messages = sections_of(position)
            sources = messages["sources"].text
            for name in sorted(cited_in(messages[section])):
                assert f"\n- {name}: " in sources, f"{section} cites {name}, /sources does not list it"
                for source in KNOWLEDGE.facts[name].sources:
                    assert f"\n- {source}: " in sources, f"{name}: {source} is not listed"


def test_the_document_holds_every_fact_and_source_it_names() -> None:
    """S10, S23: no evidence id in the document dangles, and each listed fact brings its sources.

    Were it to fail: a program that reads the document cannot follow its references.
    """

    def evidence(value: Any) -> Iterator[str]:
        if isinstance(value, dict):
            for key, part in value.items():
                if key in ("evidence", "harms") and isinstance(part, list):
                    yield from (name for name in part if isinstance(name, str))
                else:
                    yield from evidence(part)
        elif isinstance(value, list):
            for part in value:
                yield from evidence(part)

    for advice in corpus():
        document = document_of(advice).model_dump(mode="json")
        named = set(evidence({key: value for key, value in document.items() if key != "facts"}))
        assert named <= set(document["facts"]), sorted(named - set(document["facts"]))
        for fact in document["facts"].values():
            assert set(fact["sources"]) <= set(document["sources"])


# --- S5, S6, S7, S11, S12, S14, S26 -----------------------------------------------------------------------


def test_every_drug_option_shows_everything() -> None:
    """S7: why, grade or strength, fit, authorisation in the US and EU, harms, monitoring, not assessed.

    Were it to fail: an option is offered without its risks, its label or its evidence.
    """
    for advice in ranked():
        for option in document_of(advice).options:
            assert option.because or option.assumes, option.regimen
            assert option.strength["text"], option.regimen
            if KNOWLEDGE.regimens[option.regimen].kind != "drug":
                continue
            assert option.grades or option.strength["level"] != "none"
            assert option.fit, option.regimen
            assert option.fit.verdict in ("match", "extrapolated", "unknown")
            assert option.fit.criteria
            assert option.authorisation
            assert {"us", "eu"} <= set(option.authorisation)
            assert all(option.authorisation.values())
            assert option.harms or option.harms_gap
            assert option.monitoring
            assert option.not_assessed
            assert option.evidence


def test_every_option_is_explained_and_warned_of_in_words() -> None:
    """S7, S8: the sections name every option, with fit, authorisation, harms or their absence, and monitoring.

    Were it to fail: what the document holds is not what a clinician can read.
    """
    for position, advice in enumerate(corpus()):
        if not advice.options:
            continue
        messages = sections_of(position)
        for option in advice.options:
            heading = f"{option.rank}. {WORDS.regimen(option.regimen.id)}"
            why = part_of(messages["why"], heading)
            assert "Fit to the trial population" in why
            assert "Authorisation: " in why
            assert "Strength of evidence" in why
            if option.regimen.kind == "drug":
                assert re.search(r"Authorisation: US: .+; EU: .+", why), why
                safety = part_of(messages["safety"], heading)
                assert re.search(r"Harms?[,:]", safety), f"{heading}: {safety}"
                assert "Monitoring: " in safety
                assert "Not assessed for this regimen: " in safety


def part_of(message: Message, heading: str) -> str:
    """The text under a subheading that begins so."""
    taking, lines = False, []
    for block in message.blocks:
        if block.kind in ("heading", "subheading"):
            taking = block.text.startswith(heading)
        elif taking:
            lines.append(block.text)
    assert lines, f"{message.id}: nothing under {heading}"
    return "\n".join(lines)


def test_facts_stand_only_under_their_own_regimen() -> None:
    """S8: a figure stands only under a regimen it is about.

    Were it to fail: one drug's harm is read as another's.
    """
    for position, advice in enumerate(corpus()):
        for option in advice.options:
            if option.regimen.kind == "drug":
                heading = f"{option.rank}. {WORDS.regimen(option.regimen.id)}"
                for section in ("evidence", "safety"):
                    under = part_of(sections_of(position)[section], heading)
                    for line in under.splitlines():
                        shown = re.search(r"\[([\w-]+)\](?: \[pending review\])?$", line)
                        if shown and shown[1] in KNOWLEDGE.facts and not line.startswith(("Monitoring", "Caution")):
                            assert option.regimen.id in KNOWLEDGE.facts[shown[1]].regimens, line


def test_a_single_option_says_that_it_is_the_only_one() -> None:
    """S5: with one option left the text says so, and every excluded option is listed with its rule.

    Were it to fail: one line reads as an order instead of what is left of a list.
    """
    only = advised(
        **{**CLEAR, "platelets": "low", "chemotherapy": "unsuitable"}, hr_status="negative", brain_metastases="none",
        prior_lines=[
            {"agents": ["docetaxel", "trastuzumab", "pertuzumab"], "outcome": P},
            {"agents": ["tucatinib", "capecitabine", "trastuzumab"], "outcome": P},
            {"agents": ["t_dxd"], "outcome": P},
            {"agents": ["lapatinib", "trastuzumab"], "outcome": P},
        ],
    )  # fmt: skip
    singles = [advice for advice in (*ranked(), only) if len(advice.options) == 1]
    assert singles, "no answer with one option was found"
    for advice in singles:
        assert "only option this knowledge supports" in answer_message(advice, WORDS).text
        excluded = section_message("excluded", advice, WORDS).text
        for exclusion in advice.excluded:
            assert WORDS.regimen(exclusion.regimen.id) in excluded
            assert exclusion.rule in excluded
    for advice in ranked():
        if len(advice.options) > 1:
            assert "only option" not in answer_message(advice, WORDS).text


def test_every_excluded_regimen_is_listed_with_rule_and_reason() -> None:
    """S5, S16: /excluded names each regimen ruled out, by which rule. Were it to fail: a drug vanishes unexplained."""
    for position, advice in enumerate(corpus()):
        if advice.options:
            text = sections_of(position)["excluded"].text
            for exclusion in advice.excluded:
                assert exclusion.text.rstrip(".") in text
                assert exclusion.rule in text
        assert not set(advice.regimens) & {exclusion.regimen.id for exclusion in advice.excluded}


DIRECTIVE = re.compile(
    r"\b(give|giving|start|starting|administer|prescribe|initiate|must|switch to|treat with)\b"
    r"|\bshould (?:be|receive|get)\b",
    re.I,
)


def test_option_lines_never_order() -> None:
    """S6: option lines hold no "give", "start", "must". Were it to fail: a ranked list reads as an order."""
    for advice in ranked():
        for option in document_of(advice).options:
            assert not DIRECTIVE.search(option.summary), option.summary
            assert not any(DIRECTIVE.search(reason) for reason in option.because)
        for message in (answer_message(advice, WORDS), section_message("summary", advice, WORDS)):
            for block in message.blocks:
                if block.kind == "item":
                    assert not DIRECTIVE.search(block.text), block.text


def test_inputs_unknowns_and_changes_are_listed() -> None:
    """S11, S12: /why lists each input and each unknown, /whatif at most a few changes that matter.

    Were it to fail: a clinician cannot see what the answer rests on, or what would turn it.
    """
    for position, advice in enumerate(corpus()):
        if not advice.options:
            continue
        why = sections_of(position)["why"].text
        for _, label, value in WORDS.profile_lines(advice.profile):
            assert f"{label}: {value}" in why
        for atom in advice.assumptions:
            assert WORDS.atom(atom) in why or advice.unknowns, WORDS.atom(atom)
        for unknown in advice.unknowns:
            assert WORDS.label(unknown.field) in part_of(sections_of(position)["why"], "Not known, and how")
        document = document_of(advice)
        assert len(document.would_change) <= 5
        assert all(change.effect for change in document.would_change)


def test_a_region_that_is_not_known_is_never_said_to_be_elsewhere() -> None:
    """S11: with the region not given, nothing says "Region: not China". Were it to fail: unknown is read as No."""
    for position, advice in enumerate(corpus()):
        if advice.profile.region in (None, "unknown") and advice.options:
            for name, message in sections_of(position).items():
                assert not re.search(r"Region: not(?! asked)", message.text), f"{name}: {advice.record_id}"


def test_what_is_not_asked_is_listed() -> None:
    """S14: inputs the tool does not ask stand under "not assessed", with the questions this case left out.

    Were it to fail: a clinician believes that bone disease, QT or neuropathy were weighed.
    """
    wanted = (
        "bone metastases", "menopausal", "visceral crisis", "frailty", "QT", "neuropathy", "radiotherapy",
        "LVEF value", "anticoagulants", "contraception", "hypersensitivity", "date and site of the HER2 test", "oxygen",
        "preferences", "acid", "creatinine clearance of 30-50", "liver metastases", "infarction",
        "grade of an earlier ILD", "ALT, AST",
    )  # fmt: skip
    for position, advice in enumerate(corpus()):
        if advice.options:
            text = sections_of(position)["not_assessed"].text
            for point in wanted:
                assert point.lower() in text.lower(), point
            for note in KNOWLEDGE.not_assessed:
                assert note.text in text
            for name in FIELDS:
                if getattr(advice.profile, name) is None:
                    listed = part_of(sections_of(position)["not_assessed"], "Not asked in this case")
                    assert WORDS.label(name) in listed.splitlines()
            assert document_of(advice).not_assessed


def test_a_note_from_memory_is_marked() -> None:
    """S9: a note under "not assessed" that rests on memory is marked. Were it to fail: memory passes for reading."""
    text = section_message("not_assessed", ranked()[0], WORDS)
    for note in KNOWLEDGE.not_assessed:
        if note.pending_review:
            (line,) = [block.text for block in text.blocks if block.text.startswith(note.text)]
            assert PENDING in line, line


STATUSES = re.compile(r"draft: not clinically reviewed|under clinical review|(?<!not )clinically reviewed", re.I)


def test_exactly_one_review_status_is_shown() -> None:
    """S26: an answer shows one status, and today it is "draft: not clinically reviewed".

    Were it to fail: an answer looks reviewed, or shows two statuses to choose from.
    """
    for advice, name, message in said():
        shown = STATUSES.findall(message.text)
        assert [status.lower() for status in shown] in ([], ["draft: not clinically reviewed"]), f"{name}: {shown}"
        if name in ("first", "summary"):
            assert len(shown) == 1
        assert advice.review == "draft"
    for advice in corpus():
        assert document_of(advice).record.review == "draft"


def test_the_record_names_software_knowledge_and_profile() -> None:
    """S23: the summary and the document carry what reproduces them. Were it to fail: an answer cannot be replayed."""
    for position, advice in enumerate(corpus()):
        document = document_of(advice)
        assert re.fullmatch(r"[0-9a-f]{16}", document.record.id)
        assert document.record.knowledge == KNOWLEDGE.digest
        again = recommend(Profile.model_validate(document.record.profile), KNOWLEDGE, advice.gate)
        assert advice_document(again, WORDS) == document
        AdviceDocument.model_validate_json(document.model_dump_json())
        if advice.options:
            summary = sections_of(position)["summary"].text
            assert document.record.id in summary
            assert KNOWLEDGE.digest in summary


def test_a_stop_ranks_no_drug_and_names_the_nearest_thing() -> None:
    """S3, S4: a refusal or referral gives its reason and what is covered, and no option.

    Were it to fail: a drug is ranked where none may be, or a clinician is turned away without a reason.
    """
    stopped = [advice for advice in corpus() if advice.status in ("refer", "decline", "ask")]
    assert stopped
    for advice in stopped:
        text = answer_message(advice, WORDS, final_of(advice)).text
        assert not advice.options
        assert "No drug is ranked" in text
        assert advice.reasons[0].stop.text in text
        assert advice.reasons[0].stop.nearest in text


# --- S8: words hold no figures ----------------------------------------------------------------------------


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the English words that a test may spoil."""
    folder = tmp_path / "en"
    shutil.copytree(ENGLISH, folder)
    assert read_words(folder, KNOWLEDGE).questions
    return folder


TEMPLATES = sorted(path.name for path in ENGLISH.glob("*.j2"))


@pytest.mark.parametrize("template", TEMPLATES)
@pytest.mark.parametrize(
    ("line", "named"),
    [("Survival was 30.9 months.", "30.9"), ("Start T-DM1 now.", "Start")],
    ids=["figure", "directive"],
)
def test_a_spoilt_template_is_refused(copy: Path, template: str, line: str, named: str) -> None:
    """S6, S8: a figure or an order written into any template stops the start, naming file and line.

    Were it to fail: a number without a source, or an order, could be put before a clinician.
    """
    path = copy / template
    path.write_text(f"{path.read_text('utf-8').rstrip()}\n{line}\n", "utf-8")
    with pytest.raises(KnowledgeError, match=re.escape(named)) as refused:
        read_words(copy, KNOWLEDGE)
    assert refused.value.file == template
    assert "line " in str(refused.value)


@pytest.mark.parametrize(
    ("file", "old", "new", "named"),
    [
        ("questions.yaml", '    oncologist: "I am an oncologist, and I accept"\n', "", "role: options: oncologist"),
        ("questions.yaml", '    active: "Active: untreated or progressing"\n', "", "brain_metastases: options: active"),
        ("questions.yaml", '  ask: "Brain metastases?"', '  ask: "Brain metastases above 3 cm?"', "the figure 3"),
        ("questions.yaml", '  ask: "Brain metastases?"\n', "", "brain_metastases: ask"),
        ("questions.yaml", "{lvef_reduced}", "below 50%", "the figure 50"),
        ("vocabulary.yaml", "  finished:", "  finnished:", "finished"),
        ("vocabulary.yaml", "tiers: {preferred: preferred", 'tiers: {preferred: "since 2021"', "the figure 2021"),
        ("vocabulary.yaml", "  hr_status: {", "  hr_statuss: {", "hr_status"),
        ("vocabulary.yaml", 'later_line: "later line", ', "", "later_line"),
        ("vocabulary.yaml", ', decline: "Out of scope"', "", "decline"),
        ("vocabulary.yaml", ', summary: "Summary to copy"', "", "summary"),
    ],
    ids=["no_label", "no_label_2", "figure", "no_ask", "threshold", "no_notice", "other_figure", "no_field", "no_tier",
         "no_status", "no_section"],
)  # fmt: skip
def test_spoilt_words_are_refused(copy: Path, file: str, old: str, new: str, named: str) -> None:
    """S8, S25: a missing label or word, or a figure of its own, stops the start and is named.

    Were it to fail: a button reads as an identifier, a reply fails when it is needed, or a figure has no source.
    """
    path = copy / file
    text = path.read_text("utf-8")
    assert old in text, f"{file} no longer holds {old!r}: bring this test up to date"
    path.write_text(text.replace(old, new, 1), "utf-8")
    with pytest.raises(KnowledgeError, match=re.escape(named)):
        read_words(copy, KNOWLEDGE)


def test_a_missing_template_is_refused(copy: Path) -> None:
    """S25: a template that is not there stops the start. Were it to fail: the answer fails when it is asked for."""
    (copy / "safety.j2").unlink()
    with pytest.raises(KnowledgeError, match=r"safety\.j2"):
        read_words(copy, KNOWLEDGE)


# --- the example cases ------------------------------------------------------------------------------------

MENTIONS: dict[str, tuple[str, ...]] = {
    "continue HER2 therapy": (r"HER2-targeted therapy is recommended through all lines",),
    "ILD monitoring": (r"(?m)^- Monitoring: .*(cough|lungs?|chest CT|ILD)",),
    "LVEF monitoring": (r"(?m)^- Monitoring: .*LVEF",),
    "bone-modifying agent": (r"bone-modifying agent",),
    "local therapy / multidisciplinary review": (r"(?i)local therapy", r"(?i)multidisciplinary (review|team|decision)"),
    "radiosurgery or resection": (r"(?i)radiosurgery or resection",),
    "no systemic switch while extracranial disease is controlled": (
        r"no systemic switch while (the )?extracranial disease is controlled",
    ),
    "platelets and liver tests": (r"(?m)^- Monitoring: (?=.*platelets)(?=.*(ALT|liver))",),
    "chemotherapy + dual HER2 is the standard when accepted": (
        r"(?i)chemotherapy with (dual )?HER2-targeted therapy is the standard where it is accepted",
        r"pertuzumab \+ trastuzumab \+ taxane",
    ),
    "clinical trial": (r"(?i)clinical trial",),
    "HER2 status is needed": (r"HER2 status is needed",),
    "HER2-targeted drugs are contraindicated in pregnancy": (r"HER2-targeted drugs are contraindicated in pregnancy",),
    "obstetric-oncology multidisciplinary review": (r"obstetric-oncology multidisciplinary review",),
    "limited evidence in LMD": (r"limited evidence in (leptomeningeal disease \(LMD\)|LMD)",),
    "neuro-oncology / radiotherapy review": (r"neuro-oncology and radiotherapy review",),
    "out of scope: early-stage": (r"(?i)out of scope: early-stage",),
    "out of scope: not breast cancer": (r"(?i)out of scope: not breast cancer",),
}
ASKED: dict[str, tuple[str, ...]] = {
    "brain symptoms / imaging": (r"Brain metastases", r"(?i)neurological symptoms"),
    "HR status": (r"HR status",),
    "first-line agents": (r"Lines for metastatic disease",),
    "brain metastases": (r"Brain metastases",),
    "chemotherapy already given": (r"Chemotherapy|Early-stage treatment",),
    "brain": (r"Brain metastases",),
    "HER2 status": (r"HER2 status",),
    "stage and prior lines": (r"Lines for metastatic disease",),  # the profile of this example states the stage
    "parenchymal brain lesions": (r"parenchymal brain lesions",),
}


def full_text(case: dict[str, Any]) -> str:
    """Everything an example's answer says."""
    advice = recommend(Profile.model_validate(case["profile"]), KNOWLEDGE, case.get("gate"))
    return "\n".join(message.text for message in full_answer(advice, WORDS))


@pytest.mark.parametrize(
    ("case", "point"),
    [(case, point) for case in EXAMPLES for point in case["expected"].get("must_mention", ())],
    ids=lambda value: value["id"] if isinstance(value, dict) else value.replace(" ", "_"),
)
def test_an_example_mentions_what_it_must(case: dict[str, Any], point: str) -> None:
    """S7, S11: the answer to an example case holds each point a clinician expects in it.

    Were it to fail: a good answer to this case would say this, and the tool's does not.
    """
    text = full_text(case)
    for pattern in MENTIONS[point]:
        assert re.search(pattern, text), f"{case['id']}: {point}: /{pattern}/ is not said"


@pytest.mark.parametrize(
    ("case", "point"),
    [(case, point) for case in EXAMPLES for point in case["expected"].get("must_ask", ())],
    ids=lambda value: value["id"] if isinstance(value, dict) else value.replace(" ", "_"),
)
def test_an_example_asks_what_it_must(case: dict[str, Any], point: str) -> None:
    """S11: what an example leaves open is named as not known, or needed next.

    Were it to fail: the answer hides a gap in the case that a clinician would ask about.
    """
    text = full_text(case)
    open_part = re.search(r"(?s)Not known, and how it would matter(.*?)\n\n", text + "\n\n")
    looked_at = open_part[0] + text[text.find("Not known, and how") :] if open_part else text
    for pattern in ASKED[point]:
        assert re.search(pattern, looked_at), f"{case['id']}: {point}: /{pattern}/ is not asked"


# --- typed words ------------------------------------------------------------------------------------------


def at(name: str, **answers: Any) -> State:
    """A case that stands at a question."""
    return one_of_each()[name] if not answers else State(answers, name)


def typed(text: str, name: str) -> Any:
    """What a text means at a question."""
    return turn_of(text, at(name), WORDS)


@pytest.mark.parametrize("name", list(QUESTIONS))
def test_every_option_is_understood_by_id_and_label(name: str) -> None:
    """S15: what a button says, typed, means that button, in any case and with stray spaces and full stops.

    Were it to fail: a clinician at a keyboard types what stands there, and is not understood.
    """
    state = at(name)
    for option in options_now(name, state.answers):
        label = WORDS.understood_option(option, state) if name == "understood" else WORDS.option(name, option)
        named = (option, option.replace("_", " "), option.upper())
        if name == "safety" and option in ("lvef", "platelets"):  # by itself no finding: see the next test
            named = ()
        for text in (*named, label, f"  {label.lower()}. "):
            assert turn_of(text, state, WORDS) == Answer(name, (option,)), f"{name}: {text!r}"


@pytest.mark.parametrize("text", ["LVEF", "platelets"])
def test_the_name_of_a_value_is_not_the_whole_checklist(text: str) -> None:
    """S11: nine lines are recorded as checked and absent because one was named."""
    assert not isinstance(turn_of(text, at("safety"), WORDS), Answer)


@pytest.mark.parametrize(
    ("text", "name", "chosen"),
    [
        ("Enhertu", "prior_lines", ("t_dxd",)),
        ("enhertu", "early_stage_agents", ("t_dxd",)),
        ("Kadcyla", "prior_lines", ("t_dm1",)),
        ("Kadcyla", "line_agents", ("t_dm1",)),
        ("T-DM1", "prior_lines", ("t_dm1",)),
        ("trastuzumab deruxtecan", "prior_lines", ("t_dxd",)),
        ("TCH", "prior_lines", ("tch",)),
        ("Tukysa", "prior_lines", ("tucatinib_triplet",)),
        ("lapatinib, capecitabine", "prior_lines", ("lapatinib_capecitabine",)),
        ("paclitaxel, trastuzumab", "prior_lines", ("paclitaxel", "trastuzumab")),
        ("docetaxel + trastuzumab + pertuzumab", "prior_lines", ("docetaxel", "trastuzumab", "pertuzumab")),
        ("docetaxel and trastuzumab", "prior_lines", ("docetaxel", "trastuzumab")),
        ("Herceptin, Perjeta", "early_stage_agents", ("trastuzumab", "pertuzumab")),
        ("vinorelbine; eribulin", "line_agents", ("vinorelbine", "eribulin")),
        ("ild, platelets, unknown", "safety", ("ild_history", "platelets", "unknown")),
        ("none", "safety", ("none",)),
        ("5", "months_since_adjuvant_her2", ("5",)),
        ("0", "months_since_adjuvant_her2", ("0",)),
        ("ER+", "hr_status", ("positive",)),
        ("no brain mets", "brain_metastases", ("none",)),
        ("not imaged", "brain_metastases", ("not_imaged",)),
        ("PD", "line_outcome", ("progression",)),
        ("done", "prior_lines", ("done",)),
        ("gemfibrozil", "interacting_medicines", ("strong_cyp2c8_inhibitor",)),
        ("yes", "gate", ("in_scope",)),
    ],
)  # fmt: skip
def test_clinicians_words_are_understood(text: str, name: str, chosen: tuple[str, ...]) -> None:
    """S15: brands, abbreviations, several separated, numbers of months. Were it to fail: plain words are not read."""
    assert typed(text, name) == Answer(name, chosen)


@pytest.mark.parametrize("text", ["5 months", "5 mo"])
def test_months_may_be_typed_with_their_unit(text: str) -> None:
    """S15: "5 months" to "how many months" is five. Were it to fail: the natural answer is not understood."""
    assert typed(text, "months_since_adjuvant_her2") == Answer("months_since_adjuvant_her2", ("5",))


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("/back", Command("back")),
        ("/BACK", Command("back")),
        (" /help ", Command("help")),
        ("/edit hr_status", Command("edit", "hr_status")),
        ("/edit HR status", Command("edit", "hr_status")),
        ("/not_assessed", Command("not_assessed")),
        ("/nonsense", Command("nonsense")),
    ],
)
def test_commands_are_commands_everywhere(text: str, command: Command) -> None:
    """S15: a slash is a command at every question and after the end. Were it to fail: someone cannot leave."""
    for state in one_of_each().values():
        assert turn_of(text, state, WORDS) == command


@pytest.mark.parametrize(
    ("text", "name", "meant"),
    [
        ("Kadcila", "prior_lines", "t_dm1"),
        ("Enhertuu", "prior_lines", "t_dxd"),
        ("trastuzumb", "early_stage_agents", "trastuzumab"),
        ("progresion", "line_outcome", "progression"),
        ("toxicty", "line_outcome", "toxicity"),
        ("stabel", "brain_metastases", "stable"),
        ("availabel", "tdxd_access", "available"),
    ],
)
def test_near_misses_ask_back(text: str, name: str, meant: str) -> None:
    """S11, S25: a misspelt word is asked back and never applied. Were it to fail: a drug is entered by guess."""
    turn = typed(text, name)
    assert isinstance(turn, Unclear)
    assert meant in turn.readings
    state = at(name)
    after, replies = step(state, turn, KNOWLEDGE)
    assert after == state
    message = render(replies[0], WORDS)
    assert message.id == "notice.ask_back"
    assert WORDS.option(name, meant) in [button.label for button in message.buttons]


def spoilt(name: str, draw: random.Random) -> str:
    position = draw.randrange(len(name))
    letter = draw.choice("abcdefghijklmnopqrstuvwxyz")
    return draw.choice(
        (
            name[:position] + letter + name[position + 1 :],
            name[:position] + name[position + 1 :],
            name[:position] + letter + name[position:],
        )
    )


@settings(CALM, max_examples=150)
@given(st.sampled_from(sorted(set(QUESTIONS) - {"review"})), st.integers(min_value=0, max_value=10_000))
def test_a_misspelling_is_never_applied_as_another_option(name: str, seed: int) -> None:
    """S11: a word with one wrong letter is not understood, asked back, or still the same option.

    Were it to fail: a slip of the finger enters another drug or another status.
    """
    draw = random.Random(seed)
    state = at(name)
    option = draw.choice(options_now(name, state.answers))
    label = WORDS.understood_option(option, state) if name == "understood" else WORDS.option(name, option)
    text = draw.choice((option.replace("_", " "), label))
    turn = turn_of(spoilt(text, draw), state, WORDS)
    if isinstance(turn, Unclear) or len(text) < 6:
        return
    if isinstance(turn, Understood):
        asked_back = turn.statement.choices or not set(turn.statement.values) & meant(name, option)
        if asked_back or name == "safety":  # a label there holds figures, which are read as such and shown with /undo
            return
        read, tapped = profile_after(turn, state), profile_after(Answer(name, (option,)), state)
        assert all(getattr(read, field) == getattr(tapped, field) for field in QUESTIONS[name].fields), turn
        return
    assert profile_after(turn, state) == profile_after(Answer(name, (option,)), state), turn


def meant(name: str, option: str) -> set[str]:
    """The fields a question is about: its own, or a line of the checklist."""
    return {option} if name in ("safety", "safety_unknown") else {*QUESTIONS[name].fields, name}


def profile_after(turn: Any, state: State) -> Profile:
    """The profile of a case after a turn, confirmed where that is asked."""
    after, _ = step(state, turn, KNOWLEDGE)
    if after.here == "understood" and state.here != "understood":
        after, _ = step(after, Answer("understood", ("accept",)), KNOWLEDGE)
    return after.profile


@settings(CALM, max_examples=150)
@given(st.text(max_size=60), st.sampled_from(sorted(QUESTIONS)))
def test_any_text_has_a_meaning_or_none(text: str, name: str) -> None:
    """S25, S30: no text raises, and what is understood can be stepped. Were it to fail: words end a conversation."""
    state = at(name)
    _, replies = step(state, turn_of(text, state, WORDS), KNOWLEDGE)
    assert replies
    assert all(render(reply, WORDS).text for reply in replies)


def test_a_long_text_is_bounded() -> None:
    """S33: the longest text looked at is read quickly. Were it to fail: one message can stall the service."""
    import time

    started = time.perf_counter()
    for text in ("trastuzumab, " * 200, "a" * LONGEST, "1 " * 1000, "+" * LONGEST, "-.@" * 600, "mr " * 600):
        turn_of(text[:LONGEST], at("early_stage_agents"), WORDS)
    assert time.perf_counter() - started < 2


@pytest.mark.parametrize(
    "text",
    [
        "jane.doe@example.org", "mail: j@x.de please", "DOB 03/04/1971", "03.04.1971", "3-4-1971", "dob: 1971",
        "born 1971",
        "MRN 123456", "NHS no 943 476 5919", "patient id A12", "+44 7700 900123", "0044 7700 900123", "Mrs Smith",
        "name: Jane", "her name is Jane Doe", "1971-04-03", "3 April 1971", "07700 900123", "(020) 7946 0958",
    ],
)  # fmt: skip
def test_identifiers_are_refused(text: str) -> None:
    """S30: an e-mail address, a birth date, a telephone or record number is warned of and not processed.

    Were it to fail: something that names a patient is read on instead of warned of.
    """
    for name in ("prior_lines", "early_stage_agents", "months_since_adjuvant_her2", "review"):
        turn = typed(text, name)
        assert turn == Unclear(identifier=True)
        state = at(name)
        after, replies = step(state, turn, KNOWLEDGE)
        assert after == state
        message = render(replies[0], WORDS)
        assert message.id == "notice.identifier"
        assert text not in message.text


@pytest.mark.parametrize(
    "text",
    [
        "EF 58", "5 months", "8 mg/kg", "3.6 mg/kg every 21 days", "IHC 3+", "ECOG 1", "LVEF 61%", "5.4 mg/kg", "6",
        "platelets 95", "HER2 3+ ISH 2.4", "taxane, carboplatin, trastuzumab", "1250 mg/m2", "CrCl 28 mL/min",
        "12/2024",
        "2 lines", "CT called stable", "symptoms", "ALT 120, AST 95", "1.4 cm lesion", "DB-03", "phase 2",
    ],
)  # fmt: skip
def test_clinical_figures_are_no_identifiers(text: str) -> None:
    """S30: doses, fractions and scores are not taken for identifiers. Were it to fail: clinicians are scolded."""
    for name in ("prior_lines", "safety", "months_since_adjuvant_her2"):
        turn = typed(text, name)
        assert not (isinstance(turn, Unclear) and turn.identifier), f"{name}: {text}"
