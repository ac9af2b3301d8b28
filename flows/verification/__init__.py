"""Checks of the sequencing over the whole profile space: consistency with the knowledge, not clinical truth."""
