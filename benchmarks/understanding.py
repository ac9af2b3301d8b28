"""What reading typed text costs: a case line, short answers, any text, loading the lexicon, memory.

    python -m benchmarks.understanding

The floor in the same run is what nobody can save: cutting the text into tokens with one regular expression. The peer
is a plain keyword matcher over the same names, which reads no order, no negation and no outcome.
"""

from __future__ import annotations

import gc
import os
import re
import statistics
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable
from functools import partial

from flows.knowledge.load import shipped
from flows.turns import State
from messages.understanding import lexicon as lexicon_module
from messages.understanding import turn_of, understand
from messages.understanding.lexicon import lexicon
from messages.words import english

CASE = (
    "44F ER-/PR+ HER2 3+ MBC, THP x8 -> PD liver, T-DM1 x5 PD, brain MRI 2 new lesions, EF 58, Enhertu not reimbursed"
)
LETTER = (
    "Dear colleague, I would value your opinion on this lady with HER2-positive metastatic breast cancer. She had "
    "neoadjuvant TCHP in 2019 and completed adjuvant trastuzumab and pertuzumab. Fourteen months later she relapsed "
    "in liver and bone. First line docetaxel with trastuzumab and pertuzumab, six cycles, then maintenance HP with "
    "letrozole until progression in the liver. Second line T-DXd, stopped after nine cycles because of grade 2 "
    "pneumonitis, which has resolved. MRI of the brain last week was clear. ER 90%, PR negative. LVEF 61%, liver "
    "function normal, platelets 180, no warfarin. She is fit, ECOG 1, and keen for further treatment. Her mother had "
    "ovarian cancer. What next?"
)
SHORT = (
    ("ER neg", "hr_status"), ("none", "red_flags"), ("T-DM1", "prior_lines"), ("stable", "brain_metastases"),
    ("EF 58", "safety"), ("no", "gate"),
)  # fmt: skip
KILOBYTES = {
    "prose": (LETTER * 2)[:1000],
    "misspelt": ("pertuzumb xyzzyab " * 60)[:1000],
    "signs": ("+-/>,(" * 200)[:1000],
    "lines": ("THP -> T-DM1 PD, " * 60)[:1000],
    "negations": ("no ILD, or " * 100)[:1000],
}
ROUNDS = 400


def each(call: Callable[[], object], rounds: int = ROUNDS) -> float:
    """The median time of one call, in microseconds."""
    took = []
    for _ in range(rounds):
        began = time.perf_counter_ns()
        call()
        took.append(time.perf_counter_ns() - began)
    return statistics.median(took) / 1_000


def fresh(code: str, runs: int = 7) -> float:
    """The median time the code takes in a new interpreter, in milliseconds, as it measures itself."""
    took = []
    for _ in range(runs):
        kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=kept)
        took.append(float(run.stdout))
    return statistics.median(took)


LOADING = """
from time import perf_counter
from flows.knowledge.load import shipped
knowledge = shipped()
import messages.understanding.understand
from messages.understanding.lexicon import lexicon
began = perf_counter()
lexicon(knowledge)
print((perf_counter() - began) * 1000)
"""
IMPORTING = """
from time import perf_counter
from flows.knowledge.load import shipped
knowledge = shipped()
began = perf_counter()
import messages.understanding
from messages.understanding.lexicon import lexicon
lexicon(knowledge)
print((perf_counter() - began) * 1000)
"""


def main() -> None:
    """Print one row per thing measured."""
    knowledge = shipped()
    words = english(knowledge)
    known = lexicon(knowledge)
    token = re.compile(r"[^\W\d_]\w*|\d+(?:[.,]\d+)*|\S")
    names = sorted(known.names, key=len, reverse=True)
    matcher = re.compile(r"\b(?:" + "|".join(map(re.escape, names)) + r")\b", re.IGNORECASE)
    rows: list[tuple[str, float, str]] = [
        (f"a case line ({len(CASE)} characters)", each(lambda: understand(CASE, knowledge)), "us"),
        ("  floor: its tokens by one pattern", each(lambda: token.findall(CASE)), "us"),
        ("  peer: names of drugs by keyword only", each(lambda: matcher.findall(CASE)), "us"),
        (f"a letter ({len(LETTER)} characters)", each(lambda: understand(LETTER, knowledge), 100), "us"),
        ("  floor: its tokens by one pattern", each(lambda: token.findall(LETTER)), "us"),
    ]
    for text, here in SHORT:
        rows.append((f"{text!r} at {here}: read", each(partial(understand, text, knowledge, here)), "us"))
        rows.append(("  and made the turn of a dialogue", each(partial(turn_of, text, State(here=here), words)), "us"))
    for name, text in KILOBYTES.items():
        rows.append((f"1 kB of {name}", each(partial(understand, text, knowledge), 60), "us"))
    rows.append(("loading the lexicon, kept", fresh(LOADING), "ms"))
    rows.append(("importing and loading all of it", fresh(IMPORTING), "ms"))
    gc.collect()
    tracemalloc.start()
    lexicon_module._lexicon.cache_clear()
    lexicon(knowledge)
    rows.append(("memory of the lexicon", tracemalloc.get_traced_memory()[0] / 1e6, "MB"))
    tracemalloc.stop()
    for name, value, unit in rows:
        print(f"{name:<44} {value:>10,.1f} {unit}")


if __name__ == "__main__":
    main()
