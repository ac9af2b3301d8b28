"""The profile space: which profiles the knowledge can tell apart, and the sequencing on many of them at once."""
