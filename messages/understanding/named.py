"""What rules look for by name, as the lexicon has it: a name that is not here is an error of types.

Under a misspelt name nothing is ever found: its rule would never apply, and nobody would notice. A test holds these
against the lexicon's files.
"""

from __future__ import annotations

from typing import Literal

Cue = Literal[
    "a_toxicity", "access", "after", "again", "all_but", "all_but_these", "all_failed", "asked", "asked_back",
    "asked_weak", "asymptomatic", "at_first", "at_own_cost", "at_progression", "available", "bad", "became_available",
    "before_all", "before_it", "bridged", "bridging", "came_back", "came_round", "carried_on", "changed", "choices",
    "completed", "completed_adjuvant", "control_arm", "correction", "current", "cycles", "de_novo", "declined",
    "dictated", "dose_word", "duration", "early", "early_stage", "ended", "exchange", "exchanged_for", "excluded",
    "excludes", "failed_to", "failing_that", "family", "for_want_of", "forced", "good", "governing", "growth_doubted",
    "had_been", "had_effect", "had_it", "had_neither", "has_had", "hazard_of", "hearsay", "hypothetical",
    "in_general", "in_sequence", "interval", "joined", "kept_going", "leaving", "like", "likewise", "likewise_of",
    "line_word", "lines_before", "listing", "maintenance", "mixed_response", "necrosis", "negated_after", "negation",
    "new", "new_word", "no_progression", "not_begun", "not_imaged", "not_only", "of_an_organ", "on_hold", "on_it",
    "on_record", "one_by_one", "ongoing", "outcome_unknown", "pending", "plan_heading", "planned", "previous",
    "previously", "progression", "randomised_soon", "relapse", "relapsed_on", "responding", "restarted", "reversed",
    "several_lines", "so_far", "stable", "started", "stopped", "strong_progression", "suitability", "surgery",
    "symptomatic", "than", "the_patient", "then", "took_effect", "toxicity", "treated", "unavailable", "uncertain",
    "unexposed", "unknown", "unproven", "untreated", "untreated_since", "up_to_now", "upcoming", "used_to", "versus",
    "we_have", "weak_progression", "went_on", "what_next",
]  # fmt: skip
"""Cues: what phrases say of what stands around them (phrases.yaml)."""

Role = Literal[
    "a_part", "accepting", "adjusted", "adviser", "affirmed", "ahead", "antibodies", "application", "at_giving",
    "at_the_time", "at_time", "at_which", "auxiliary", "badly", "because", "bodily", "bony", "candidate", "cannot",
    "caused", "change", "chemo", "clausal", "combination", "comparator", "conjugate", "container", "continues",
    "detected", "done", "during", "earlier", "ends_pregnancy", "ever_since", "every", "examination", "examined",
    "fell", "first_dose", "for", "former", "formerly", "future", "giver", "grammatical_subject", "granting", "half",
    "handed_over", "harmless", "heading", "heads_denials", "heads_plans", "if", "in", "interrogative", "is",
    "judgement", "kind_of_drug", "later", "latter", "lettered", "linking", "local", "lowered", "managing", "mistaken",
    "modal", "month", "more", "nobody", "nor", "not_all", "obstacle", "of", "of_several", "of_the_head",
    "of_the_line_before", "on", "once", "only", "or", "other_illness", "paper", "passes", "past", "payer", "person",
    "plan_noun", "present", "pronoun", "radiosurgery", "reason", "request", "returns", "revoking", "route", "routine",
    "saying", "severity", "sex", "since", "so", "spinal", "still", "stock", "subject", "the_rest", "too", "topic",
    "topical", "toxicity_word", "treatment", "trial", "until_now", "up_to", "used_up", "whether", "which_one", "why",
    "within", "woman",
]  # fmt: skip
"""Parts that single words play between others (words.yaml); `lettered` is the number of an item that is a letter."""

Kind = Literal["agents", "regimen", "class", "misspelt", "cue", "noun", "say", "find", "scope", "other", "aside"]
"""The kinds of what a phrase stands for."""
