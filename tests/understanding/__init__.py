"""The labelled corpus of typed text, and what scores it."""
