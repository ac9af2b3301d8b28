"""Structured logs with an allow-list of keys: no text, no token, no raw user id can be logged by accident."""

from __future__ import annotations

import logging
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

ALLOWED = frozenset({"event", "level", "timestamp", "kind", "nearest", "count", "seconds", "part", "code"})


def _only_allowed(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    return {key: value for key, value in event.items() if key in ALLOWED}


class _Library(logging.Handler):
    """What a library logs: that it did, and of which kind. Its words may be what somebody typed."""

    def emit(self, record: logging.LogRecord) -> None:
        """A line of ours instead."""
        raised = record.exc_info[0] if record.exc_info else None
        kind = {"kind": raised.__name__} if raised is not None else {}
        structlog.get_logger().log(record.levelno, "library_said", part=record.name, **kind)


def configure(level: str, form: str) -> None:
    """Log to standard error at `level` (debug to error), as `console` or `json`."""
    logging.basicConfig(handlers=[_Library()], level=logging.WARNING)
    renderer: Any = (
        structlog.processors.JSONRenderer(sort_keys=True)
        if form == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _only_allowed,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level.upper())),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
