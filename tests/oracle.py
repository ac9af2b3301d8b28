"""Asks an independent reading of the Bot API, aiogram's generated models, about what was sent. It has an environment of
its own, since aiogram needs another pydantic than the program does: see .ci/oracle.

A question takes some seconds, nearly all of them for the import of aiogram: ask once about many lines.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from bot.standin import Call, StandIn

Json = dict[str, Any]
ROOT = Path(__file__).parent.parent
CHECK = ROOT / ".ci" / "oracle" / "check.py"
MISSING = "the oracle's environment is missing: make .venv-oracle"


def need_oracle() -> Path:
    """The Python that has aiogram. Skips the test where there is none; where everything is checked, that fails."""
    python = Path(os.environ.get("TRIAGE_ORACLE_PYTHON") or ROOT / ".venv-oracle" / "bin" / "python")
    if not python.exists():
        (pytest.fail if os.environ.get("CI") else pytest.skip)(MISSING)
    return python


def ask_oracle(lines: Iterable[Json | str]) -> subprocess.CompletedProcess[str]:
    """What it answers to these lines: problems, then the count of what was checked."""
    given = "".join(f"{line if isinstance(line, str) else json.dumps(line)}\n" for line in lines)
    return subprocess.run([need_oracle(), "-I", CHECK], input=given, capture_output=True, encoding="utf-8",
                          check=False, timeout=120)  # fmt: skip


def consult_oracle(lines: Iterable[Json]) -> None:
    """Fails unless every one of these calls and updates is one of the Bot API, and there is a call among them."""
    answer = ask_oracle(lines)
    assert answer.returncode == 0, answer.stdout + answer.stderr


def line_of(call: Call) -> Json:
    """A call as the oracle reads it: of its files only the names."""
    params = {name: value for name, value in call.params.items() if not isinstance(value, tuple)}
    inside = [name for name, file in call.files.items() if file not in call.params.values()]
    files = sorted(call.params.keys() - params.keys()) + inside
    return {"method": call.method, "params": params, **({"files": files} if files else {})}


def lines_of(server: StandIn) -> list[Json]:
    """All that went to and fro, but for polls, which the stand-in does not keep."""
    return [line_of(call) for call in server.calls] + [{"update": update} for update in server.updates]
