"""Metrics for Prometheus: how the service does, nothing about patients, users or texts."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info, generate_latest

from bot.app import App
from flows import VERSION

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
KINDS = ("kept", "read", "duplicate", "refused", "failed")
STATUSES = ("recommend", "conditional", "ask", "refer", "decline")
STATES = ("waiting", "sending", "unsure")


class Metrics:
    """The counters of one process. An `App` counts into it."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        turns = Counter("triage_turns", "Things taken, by what became of them.", ["kind"], registry=self.registry)
        self._turns = {kind: turns.labels(kind) for kind in KINDS}
        seconds = Histogram(
            "triage_turn_seconds", "Time from taking a turn to its durable answer.", buckets=SECONDS,
            registry=self.registry,
        )  # fmt: skip
        self._observe = seconds.observe
        self._errors = Counter("triage_errors", "Failures, by kind.", ["kind"], registry=self.registry)
        answers = Counter("triage_answers", "Answers given, by status.", ["status"], registry=self.registry)
        self._answers = {status: answers.labels(status) for status in STATUSES}
        self._outbox = Gauge("triage_outbox_letters", "Letters in the outbox.", ["state"], registry=self.registry)
        self._queue = Gauge("triage_queue_jobs", "Jobs waiting for the log's writer.", registry=self.registry)
        self._in_hand = Gauge("triage_turns_in_hand", "Turns under way.", registry=self.registry)
        self._ready = Gauge("triage_ready", "Whether a turn could be kept now.", registry=self.registry)
        self._knowledge = Info("triage_knowledge", "The knowledge that answers.", registry=self.registry)

    def turn(self, kind: str, seconds: float) -> None:
        """One thing taken."""
        self._turns[kind].inc()
        if kind != "refused":
            self._observe(seconds)

    def error(self, kind: str) -> None:
        """Something failed."""
        self._errors.labels(kind).inc()

    def answer(self, status: str) -> None:
        """An answer was given."""
        self._answers[status].inc()

    def exposition(self, app: App, depth: dict[str, int] | None, *, ready: bool) -> bytes:
        """The text Prometheus reads. `depth`: the outbox by state, None where the log cannot be read."""
        for state in STATES:
            self._outbox.labels(state).set(depth.get(state, 0) if depth is not None else float("nan"))
        self._queue.set(app.log.waiting)
        self._in_hand.set(app.in_hand)
        self._ready.set(ready)
        manifest = app.knowledge.manifest
        self._knowledge.info({"digest": app.knowledge.digest, "date": manifest.date.isoformat(), "software": VERSION})
        return generate_latest(self.registry)
