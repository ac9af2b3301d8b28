"""The dialogue's diagram, drawn from the machine that runs."""

from __future__ import annotations

from flows.dialogue import FINALS, START, router
from flows.knowledge.load import Knowledge
from flows.questionnaire import QUESTIONS, SCREENS


def mermaid(knowledge: Knowledge) -> str:
    """The dialogue as a Mermaid state diagram, questions grouped by screen."""
    lines = ["stateDiagram-v2", f"    [*] --> {START}"]
    for screen in SCREENS:
        lines.append(f"    state {screen}_screen {{")
        lines += [f"        {name}" for name, question in QUESTIONS.items() if question.screen == screen]
        lines.append("    }")
    for source, edges in router(knowledge).edges.items():
        for edge in edges:
            label = f": {_plain(edge.label)}" if edge.label else ""
            lines.append(f"    {source} --> {edge.target}{label}")
    lines += [f"    {name} --> [*]" for name in FINALS]
    return "\n".join(lines) + "\n"


def as_text(knowledge: Knowledge) -> str:
    """The dialogue as text: each question, its options, and where each way leads."""
    lines: list[str] = []
    for screen in SCREENS:
        lines.append(f"{SCREENS.index(screen) + 1}. {screen}")
        for name, question in QUESTIONS.items():
            if question.screen == screen:
                options = ", ".join(question.options) if len(question.options) < 20 else "agents, unknown"
                lines.append(f"   {name} ({question.kind}): {options}")
                for edge in router(knowledge).edges[name]:
                    lines.append(f"      -> {edge.target}" + (f"  [{edge.label}]" if edge.label else ""))
    lines.append(f"final: {', '.join(FINALS)}")
    return "\n".join(lines) + "\n"


def _plain(label: str) -> str:
    return label.replace(":", " ").replace(";", ",")
