"""The guideline as data: YAML in this folder, its models, and the loader that refuses what does not resolve."""

from flows.knowledge.load import Knowledge, KnowledgeError, shipped

__all__ = ["Knowledge", "KnowledgeError", "shipped"]
