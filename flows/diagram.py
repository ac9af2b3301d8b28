"""The dialogue's diagram, drawn from the machine that runs."""

from __future__ import annotations

from flows.dialogue import FINALS, START, router
from flows.knowledge.load import Knowledge
from flows.questionnaire import QUESTIONS, SCREENS, UNDERSTOOD

ASIDE = "typed at any question: what it states waits here"
CONFIRMED = "confirmed: wherever the answers lead; discarded: where it was typed"
"""A typed case that waits to be confirmed stands beside the questions: no edge of the machine leads there."""


def mermaid(knowledge: Knowledge) -> str:
    """The dialogue as a Mermaid state diagram, questions grouped by screen."""
    lines = ["stateDiagram-v2", f"    [*] --> {START}"]
    for screen in SCREENS:
        lines.append(f"    state {screen}_screen {{")
        lines += [f"        {name}" for name in _on(screen)]
        lines.append("    }")
    for source, edges in router(knowledge).edges.items():
        for edge in edges:
            label = f": {_plain(edge.label)}" if edge.label else ""
            lines.append(f"    {source} --> {edge.target}{label}")
    lines += [f"    {name} --> [*]" for name in FINALS]
    lines += [f"    {UNDERSTOOD}", f"    note right of {UNDERSTOOD}"]
    lines += [f"        {_plain(text)}" for text in (ASIDE, CONFIRMED)]
    lines.append("    end note")
    return "\n".join(lines) + "\n"


def as_text(knowledge: Knowledge) -> str:
    """The dialogue as text: each question, its options, and where each way leads."""
    lines: list[str] = []
    for screen in SCREENS:
        lines.append(f"{SCREENS.index(screen) + 1}. {screen}")
        for name in _on(screen):
            question = QUESTIONS[name]
            options = ", ".join(question.options) if len(question.options) < 20 else "agents, unknown"
            lines.append(f"   {name} ({question.kind}): {options}")
            for edge in router(knowledge).edges[name]:
                lines.append(f"      -> {edge.target}" + (f"  [{edge.label}]" if edge.label else ""))
    lines.append(f"beside: {UNDERSTOOD}: {', '.join(QUESTIONS[UNDERSTOOD].options)}, or a reading of what is unclear")
    lines += [f"      {text}" for text in (ASIDE, CONFIRMED)]
    lines.append(f"final: {', '.join(FINALS)}")
    return "\n".join(lines) + "\n"


def _on(screen: str) -> list[str]:
    """The questions of a screen; what is typed and not confirmed yet is on none."""
    return [name for name, question in QUESTIONS.items() if question.screen == screen and name != UNDERSTOOD]


def _plain(label: str) -> str:
    return label.replace(":", " ").replace(";", ",")
