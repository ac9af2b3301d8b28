"""Meaning: the profile, the dialogue, the knowledge and the sequencing. No channel, no words, no clock, no database."""

VERSION = "0.1.0"
