"""Examples for the description. All that can be computed is: an example is what really comes back."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from bot.channels.api.conversations import message_document
from bot.channels.api.knowledge import entries, entry_document, item_document, knowledge_document
from bot.channels.api.operations import V1
from bot.wire import from_wire
from flows.dialogue import begin, step
from flows.knowledge.load import Knowledge
from flows.profile import Profile
from flows.sequencing.recommend import recommend
from flows.turns import Command
from messages.document import advice_document, text_advice_document, understanding_document
from messages.free_text import answer_to, understand
from messages.render import forgotten_message, render
from messages.words import Words

Examples = dict[str, Any]
CONVERSATION = "nhxnTUe0Q5q3-0wJzX0Ce2yq8b1wWc4D"
PROFILES: dict[str, tuple[str, dict[str, Any]]] = {
    "second_line": (
        "Progression on a first line; T-DXd cannot be had",
        {
            "her2_status": "positive",
            "setting": "metastatic",
            "red_flags": [],
            "prior_lines": [{"agents": ["taxane", "carboplatin", "trastuzumab"], "outcome": "progression"}],
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
            "region": "eu",
        },
    ),
    "too_little_known": ("Only the patient group is known", {"her2_status": "positive", "setting": "metastatic"}),
    "out_of_scope": ("Not HER2-positive", {"her2_status": "negative"}),
}
TEXTS: dict[str, tuple[str, dict[str, Any]]] = {
    "case": (
        "A whole case",
        {"text": "HER2+ ER- MBC: THP x8 -> liver PD. Brain MRI clear, EF 61. Never had T-DM1, no access to T-DXd."},
    ),
    "asked_back": ("A drug that may be another one", {"text": "HER2+ MBC, progressed on docetaxel + herseptin"}),
    "answer": ("The answer to one question", {"text": "treated, quiet since", "question": "brain_metastases"}),
}
TURNS: dict[str, tuple[str, dict[str, Any]]] = {
    "option": ("An option chosen", {"turn": "role:oncologist", "delivery": "1"}),
    "several": ("Several options of one question", {"turn": "safety:lvef+platelets", "delivery": "11"}),
    "text": ("Something typed", {"text": "none", "delivery": "8"}),
    "command": ("A command", {"turn": "/back"}),
}


def examples(words: Words) -> dict[str, tuple[Examples, Examples]]:
    """By operation: the examples of its request, and of its response."""
    knowledge = words.knowledge
    conversation = _conversations(words)
    advice = {
        name: {"summary": summary, "value": _advice(profile, words)} for name, (summary, profile) in PROFILES.items()
    }
    typed = {name: (f"{summary}, typed", text) for name, (summary, text) in TEXTS.items() if "question" not in text}
    advice_for_text = {
        name: {"summary": summary, "value": _advice_for_text(text["text"], words)}
        for name, (summary, text) in typed.items()
    }
    understood = {
        name: {"summary": summary, "value": _understood(text, knowledge)} for name, (summary, text) in TEXTS.items()
    }
    return {
        "recommend": (_values({**PROFILES, **typed}), {**advice, **advice_for_text}),
        "understand": (_values(TEXTS), understood),
        "beginConversation": ({}, conversation("Its first question")),
        "takeTurn": (_values(TURNS), conversation("After role:oncologist", "role:oncologist")),
        "getConversation": ({}, conversation("Where it stands", "role:oncologist", "gate:in_scope")),
        "eraseConversation": ({}, _said("Erased", [message_document(forgotten_message(words))])),
        "getAnswer": ({}, {"out_of_scope": advice["out_of_scope"]}),
        **_of_knowledge(knowledge),
    }


def parameters(knowledge: Knowledge) -> dict[str, str]:
    """An example for each parameter of a path; together they lead somewhere."""
    return {"identifier": CONVERSATION, "kind": "facts", "entry": next(iter(entries(knowledge)["facts"]))}


def _values(given: dict[str, tuple[str, dict[str, Any]]]) -> Examples:
    return {name: {"summary": summary, "value": value} for name, (summary, value) in given.items()}


def _advice(profile: dict[str, Any], words: Words) -> Any:
    advice = recommend(Profile.model_validate(profile), words.knowledge)
    return json.loads(advice_document(advice, words).model_dump_json())


def _advice_for_text(text: str, words: Words) -> Any:
    return json.loads(text_advice_document(answer_to(text, words.knowledge, words), words).model_dump_json())


def _understood(document: dict[str, Any], knowledge: Knowledge) -> Any:
    found = understand(document["text"], knowledge, question=document.get("question"))
    return json.loads(understanding_document(found).model_dump_json())


def _said(summary: str, messages: Iterable[dict[str, Any]]) -> Examples:
    return {"conversation": {"summary": summary, "value": {"conversation": CONVERSATION, "messages": list(messages)}}}


def _conversations(words: Words) -> Any:
    def after(summary: str, *turns: str) -> Examples:
        state = begin()
        _, replies = step(state, Command("here"), words.knowledge)
        for turn in turns:
            state, replies = step(state, from_wire(turn), words.knowledge)
        return _said(summary, (message_document(render(reply, words)) for reply in replies))

    return after


def _of_knowledge(knowledge: Knowledge) -> dict[str, tuple[Examples, Examples]]:
    listed = entries(knowledge)
    facts = list(listed["facts"].values())
    page = {
        "kind": "facts",
        "digest": knowledge.digest,
        "total": len(facts),
        "items": [json.loads(item_document(fact).model_dump_json()) for fact in facts[:2]],
        "next": f"{V1}/knowledge/facts?limit=2&offset=2",
    }
    whole = json.loads(knowledge_document(knowledge, listed).model_dump_json())
    entry = json.loads(entry_document("facts", facts[0], knowledge).model_dump_json())
    return {
        "getKnowledge": ({}, {"knowledge": {"summary": "The shipped knowledge", "value": whole}}),
        "listKnowledge": ({}, {"facts": {"summary": "The first two facts", "value": page}}),
        "getKnowledgeEntry": ({}, {"fact": {"summary": "A fact", "value": entry}}),
    }
