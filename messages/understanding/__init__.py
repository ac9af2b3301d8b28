"""Typed words to what they mean: one answer to the question that is open, or everything a whole case states."""

from messages.understanding.at_question import understand
from messages.understanding.typed import Reading, Typed, nearest_command, read, statement_of, turn_of, words_after
from messages.understanding.understand import LONGEST, Ambiguity, Span, Understanding

__all__ = [
    "LONGEST", "Ambiguity", "Reading", "Span", "Typed", "Understanding", "nearest_command", "read", "statement_of",
    "turn_of", "understand", "words_after",
]  # fmt: skip
