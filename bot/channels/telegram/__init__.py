"""Telegram: the conversation in a private chat. python-telegram-bot carries updates in and calls out, nothing else."""

from __future__ import annotations

import os

os.environ.setdefault("PTB_TIMEDELTA", "true")  # its next version's durations, so that it does not warn at each
