"""Benchmarks: scripts that print a row per thing measured, with its peer or floor in the same run."""
