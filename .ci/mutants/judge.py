"""Which of some mutants are noticed: run by .ci/mutants/run in the copy where mutmut wrote them.

Every text is first read without a mutant, and noted which functions it takes. A mutant is then read with those texts
only that take its function, until one is read otherwise; what no text shows goes to the tests. All in children of one
process that has read everything already: a mutant that is noticed takes some milliseconds then, not a minute.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import traceback
from array import array
from collections.abc import Callable, Iterable, Iterator
from functools import wraps
from hashlib import blake2b
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

CORES = os.cpu_count() or 1
LONGEST = 900
"""Seconds for one mutant, then it counts as noticed: it hangs."""
Made = dict[str, FunctionType]
MADE: list[tuple[FunctionType, Made]] = []
"""Each function that has mutants, with these by name."""
CALLED: set[int] = set()
"""The places in it of those that were called."""


def wrap_in_trampoline(mutants: Made, is_classmethod: bool = False) -> Callable[[FunctionType], Any]:
    """Stands for mutmut's: a function notes that it is called, and does what it did until it is exchanged."""
    del is_classmethod

    def note(function: FunctionType) -> Any:
        number = len(MADE)
        MADE.append((function, mutants))

        @wraps(function)
        def noting(*args: Any, **named: Any) -> Any:
            CALLED.add(number)
            return function(*args, **named)

        return noting

    return note


def stand_in() -> None:
    """Let mutated modules be imported without mutmut."""
    module: Any = ModuleType("mutmut.mutation.trampoline")
    module.wrap_in_trampoline, module.MutantDict = wrap_in_trampoline, dict
    for name in ("mutmut", "mutmut.mutation"):
        sys.modules[name] = ModuleType(name)
    sys.modules["mutmut.mutation.trampoline"] = module


def exchange(function: FunctionType, mutant: FunctionType) -> None:
    """Make a function do what its mutant does."""
    function.__code__ = mutant.__code__
    function.__defaults__, function.__kwdefaults__ = mutant.__defaults__, mutant.__kwdefaults__


def forget() -> None:
    """Let nothing be known from before: a function that is asked once would never be asked again."""
    for name, module in [*sys.modules.items()]:
        if name.startswith(("messages.", "tests.understanding")):
            for found in vars(module).values():
                if hasattr(found, "cache_clear") and not found.__module__.startswith("flows."):  # it is not judged
                    found.cache_clear()


def digest_of(read: Callable[[], str]) -> bytes:
    """What is read, or that it raises, in eight bytes."""
    try:
        said = read()
    except Exception as error:  # a mutant may raise anything
        said = f"raises {type(error).__name__}"
    return blake2b(said.encode(errors="surrogatepass"), digest_size=8).digest()


def in_child(work: Callable[[], bytes]) -> tuple[int, int]:
    """Begin work in a child; its process and where to read what it says."""
    out, into = os.pipe()
    child = os.fork()
    if child:
        os.close(into)
        return child, out
    os.close(out)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    code = 1
    try:
        said = work()
        with os.fdopen(into, "wb") as pipe:
            pipe.write(said)
        code = 0
    except BaseException:  # the child ends here, whatever it was
        traceback.print_exc()
    os._exit(code)


def said_by(child: int, out: int) -> tuple[bytes, int]:
    """What a child said, and how it ended."""
    with os.fdopen(out, "rb") as pipe:
        said = pipe.read()
    return said, os.waitpid(child, 0)[1]


class Texts:
    """Every text the record of readings has, how it is read, and which functions that takes."""

    def __init__(self, units: Iterable[tuple[Any, ...]], read: Callable[..., str], forget: Callable[[], None]) -> None:
        self.units, self.read, self.forget = [*units], read, forget
        self.digests: list[bytes] = []
        self.taking: list[array[int]] = []
        """Those that take each function."""

    def take(self) -> None:
        """Read all of them, a share in each of some children."""
        shares = [range(first, len(self.units), CORES) for first in range(CORES)]
        begun = [in_child(lambda share=share: self._taken(share)) for share in shares]  # type: ignore[misc]
        self.digests = [b""] * len(self.units)
        found: list[list[int]] = [[] for _ in MADE]
        for share, running in zip(shares, begun, strict=True):
            said, _ = said_by(*running)
            at = 0
            for place in share:
                self.digests[place] = said[at : at + 8]
                taken = int.from_bytes(said[at + 8 : at + 12], "big")
                at += 12
                for number in array("H", said[at : at + 2 * taken]):
                    found[number].append(place)
                at += 2 * taken
        shuffled = random.Random(1)
        for places in found:
            shuffled.shuffle(places)
            self.taking.append(array("I", places))

    def _taken(self, share: range) -> bytes:
        """For each text its digest, how many functions it takes, and which."""
        said = bytearray()
        for place in share:
            self.forget()
            CALLED.clear()
            said += digest_of(lambda place=place: self.read(*self.units[place]))  # type: ignore[misc]
            said += len(CALLED).to_bytes(4, "big") + array("H", sorted(CALLED)).tobytes()
        return bytes(said)

    def notice(self, number: int) -> bool:
        """Whether a text is read otherwise now that the function of this number is exchanged."""
        forget()
        return any(
            digest_of(lambda place=place: self.read(*self.units[place])) != self.digests[place]  # type: ignore[misc]
            for place in self.taking[number]
        )


def passes(tests: list[str]) -> bytes:
    """Something where all tests pass."""
    import pytest  # noqa: PLC0415  (most mutants are noticed before)

    forget()
    return b"" if pytest.main(["-x", "-q", "-p", "no:cacheprovider", *tests]) else b"all"


def verdict(number: int, mutant: FunctionType, texts: Texts, tests: list[str]) -> bytes:
    """b"text", b"test" or nothing: by what a mutant is noticed."""
    exchange(MADE[number][0], mutant)
    signal.alarm(LONGEST)
    if texts.notice(number):
        return b"text"
    return b"" if passes(tests) else b"test"


def judged(names: list[str], texts: Texts, tests: list[str]) -> Iterator[tuple[str, str]]:
    """Each mutant and by what it was noticed, some at once: 'text', 'test', 'time', or nothing."""
    by_name = {
        f"{function.__module__}.{name}": (number, mutant)
        for number, (function, made) in enumerate(MADE)
        for name, mutant in made.items()
    }
    running: dict[int, tuple[str, int]] = {}
    left = [*reversed(names)]
    while left or running:
        while left and len(running) < CORES:
            name = left.pop()
            number, mutant = by_name[name]
            child, out = in_child(lambda of=number, by=mutant: verdict(of, by, texts, tests))  # type: ignore[misc]
            running[child] = (name, out)
        child, status = os.wait()
        name, out = running.pop(child)
        with os.fdopen(out, "rb") as pipe:
            said = pipe.read().decode()
        if status and not os.WIFSIGNALED(status):
            raise SystemExit(f"{name} was not judged")
        yield name, "time" if status else said


def main(order: str) -> int:
    """Judge the mutants that a file names, against the texts of the record and the tests it names."""
    stand_in()
    sys.path.insert(0, str(Path.cwd()))
    from tests.understanding import corpus, readings  # noqa: PLC0415  (mutated modules, in the copy)

    asked = json.loads(order)
    texts = Texts((unit[1:] for unit in readings.units()), readings.reading, corpus.forget)
    texts.take()
    print(f"{len(texts.units)} texts read without a mutant", file=sys.stderr, flush=True)
    said, _ = said_by(*in_child(lambda: passes(asked["tests"])))
    if not said:
        raise SystemExit("the tests fail without a mutant")
    for name, by in judged(asked["mutants"], texts, asked["tests"]):
        print(json.dumps([name, by]), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.stdin.read()))
