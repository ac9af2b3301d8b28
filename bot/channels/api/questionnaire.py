"""The questionnaire as data, for front ends that build forms of their own."""

from __future__ import annotations

from functools import cache
from typing import Annotated, Any, Literal

from fastapi import FastAPI
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response

from bot.app import App
from bot.channels.api.operations import V1
from bot.channels.api.unchanged import TAGGED, fresh, tag_of_content
from flows.profile import AGENTS, FIELDS, OPTIONS, OUTCOMES
from flows.questionnaire import FOLLOW_UPS, QUESTION_OF, QUESTIONS, SCREENS, Kind, Question, stands_alone
from flows.when import NOT_KNOWN
from messages.words import Words

Rule = Literal["always", "condition", "while_entering_a_line", "on_request"]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class ValueDocument(_Part):
    """A value as documents and turns carry it, and its label."""

    value: str
    label: str


class ChoiceDocument(ValueDocument):
    """An option of a question."""

    short: Annotated[str, Field(description="A label for where there is little room.")]
    alone: Annotated[bool, Field(description="Whether it cannot be chosen together with others.")]


class AskedDocument(_Part):
    """When a question is asked."""

    rule: Annotated[
        Rule,
        Field(
            description="`condition`: unless `when` is known not to hold. `while_entering_a_line`: for each line of "
            "therapy until it has agents and outcome. `on_request`: only where the review is edited."
        ),
    ]
    when: Annotated[
        dict[str, Any] | None,
        Field(
            description="A condition on answers before it, and on what follows from them, as the knowledge writes it."
        ),
    ]
    because: Annotated[list[str], Field(description="The condition in words, part by part.")]


class QuestionDocument(_Part):
    """One question of the dialogue. `name:value` is the turn that answers it."""

    name: str
    screen: str
    number: Annotated[int, Field(ge=1, description="The place of its screen.")]
    kind: Kind
    ask: str
    hint: str
    why: Annotated[str, Field(description="Why it is asked.")]
    options: list[ChoiceDocument]
    fields: Annotated[list[str], Field(description="The profile fields it answers.")]
    asked: AskedDocument


class FieldDocument(_Part):
    """One field of the profile document. Agents and outcomes of lines have lists of their own."""

    name: str
    label: str
    question: Annotated[str, Field(description="The question that answers it.")]
    values: list[ValueDocument]


class QuestionnaireDocument(_Part):
    """The questions of the dialogue, and the fields of the profile they amount to, with their labels."""

    digest: Annotated[str, Field(description="The digest of the knowledge: labels may show its thresholds.")]
    screens: Annotated[list[str], Field(description="In the order they are shown.")]
    questions: Annotated[list[QuestionDocument], Field(description="In the order they are asked.")]
    fields: list[FieldDocument]
    agents: list[ValueDocument]
    outcomes: list[ValueDocument]


def questionnaire_document(words: Words) -> QuestionnaireDocument:
    """The questionnaire in the words of a language."""
    said = words.vocabulary
    return QuestionnaireDocument(
        digest=words.knowledge.digest,
        screens=list(SCREENS),
        questions=[_question(question, words) for question in QUESTIONS.values()],
        fields=[
            FieldDocument(
                name=name,
                label=words.label(name),
                question=QUESTION_OF[name],
                values=[
                    ValueDocument(value=value, label=said.fields[name].values[value])
                    for value in OPTIONS.get(name, (NOT_KNOWN,) if name != "prior_lines" else ())
                    if value in said.fields[name].values
                ],
            )
            for name in FIELDS
        ],
        agents=[ValueDocument(value=name, label=words.agent(name)) for name in AGENTS],
        outcomes=[ValueDocument(value=name, label=said.outcomes[name]) for name in OUTCOMES],
    )


def _question(question: Question, words: Words) -> QuestionDocument:
    said, name = words.questions[question.name], question.name
    return QuestionDocument(
        name=name,
        screen=question.screen,
        number=question.number,
        kind=question.kind,
        ask=said.ask,
        hint=said.hint,
        why=said.why,
        options=[
            ChoiceDocument(
                value=option,
                label=words.option(name, option),
                short=words.short_option(name, option),
                alone=question.kind != "several" or option in stands_alone(name),
            )
            for option in question.options
        ],
        fields=list(question.fields),
        asked=_asked(question, words),
    )


def _asked(question: Question, words: Words) -> AskedDocument:
    ticked = question.name if question.name in FOLLOW_UPS else NOT_KNOWN if question.name == "safety_unknown" else None
    if ticked is not None:
        because = f"{words.vocabulary.answered['safety']}: {words.option('safety', ticked)}"
        return AskedDocument(rule="condition", when={"safety": {"includes_any": [ticked]}}, because=[because])
    if question.when is not None:
        because_of = words.atoms(question.when.atoms)
        return AskedDocument(rule="condition", when=dict(question.when.source), because=because_of)
    rule: Rule = "always" if question.offered else "on_request"
    return AskedDocument(
        rule="while_entering_a_line" if question.name in ("line_agents", "line_outcome") else rule,
        when=None,
        because=[],
    )


def add(api: FastAPI, app: App) -> None:
    """Add the operation."""

    @cache
    def content() -> bytes:
        return questionnaire_document(app.words).model_dump_json().encode()

    @api.get(
        f"{V1}/questionnaire",
        operation_id="getQuestionnaire",
        summary="Have the questions and the profile's fields",
        tags=["knowledge"],
        response_model=QuestionnaireDocument,
        response_description="Every question with its options and when it is asked, every field with its values.",
        responses=TAGGED,
    )
    async def questionnaire(request: Request) -> Response:
        """What the dialogue asks, in which order, with which options; and the fields and values of a profile."""
        return fresh(request, content(), tag_of_content(content()))
