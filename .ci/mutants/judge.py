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
from hashlib import blake2b
from itertools import count
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any

CORES = os.cpu_count() or 1
LONGEST = 900
"""Seconds for one mutant, then it counts as noticed: it hangs."""
Made = dict[str, FunctionType]
MADE: list[tuple[FunctionType, Made]] = []
"""Each function that has mutants, with these by name."""
FEW = 8
"""Results a cache keeps that holds what was loaded, at most, and not what was read of texts."""


def wrap_in_trampoline(mutants: Made, is_classmethod: bool = False) -> Callable[[FunctionType], FunctionType]:
    """Stands for mutmut's: a function stays what it is until it is exchanged, and costs nothing until then."""
    del is_classmethod

    def note(function: FunctionType) -> FunctionType:
        MADE.append((function, mutants))
        return function

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


def forget(*, loaded: bool = True) -> None:
    """Let nothing be known from before: a function that is asked once would never be asked again. Not `loaded`: but
    what was loaded, which no text changes."""
    for name, module in [*sys.modules.items()]:
        if name.startswith(("messages.", "tests.understanding")):
            for found in vars(module).values():
                if hasattr(found, "cache_clear") and (loaded or (found.cache_parameters()["maxsize"] or FEW + 1) > FEW):
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

    def __init__(self, units: Iterable[tuple[Any, ...]], read: Callable[..., str]) -> None:
        self.units, self.read = [*units], read
        self.digests: list[bytes] = []
        self.taken_by: dict[CodeType, array[int]] = {}

    def take(self) -> None:
        """Read all of them, a share in each of some children."""
        codes = [function.__code__ for function, _ in MADE]
        numbers = dict(zip(codes, count(), strict=False))
        shares = [range(first, len(self.units), CORES) for first in range(CORES)]
        begun = [in_child(lambda share=share: self._taken(share, numbers)) for share in shares]  # type: ignore[misc]
        self.digests = [b""] * len(self.units)
        found: list[list[int]] = [[] for _ in codes]
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
        for code, places in zip(codes, found, strict=True):
            shuffled.shuffle(places)
            self.taken_by[code] = array("I", places)

    def _taken(self, share: range, numbers: dict[CodeType, int]) -> bytes:
        said, taken = bytearray(), set[int]()

        def called(frame: Any, event: str, _: object) -> None:
            if event == "call" and (number := numbers.get(frame.f_code)) is not None:
                taken.add(number)

        for place in share:
            forget(loaded=False)
            taken.clear()
            sys.setprofile(called)
            digest = digest_of(lambda place=place: self.read(*self.units[place]))  # type: ignore[misc]
            sys.setprofile(None)
            said += digest + len(taken).to_bytes(4, "big") + array("H", sorted(taken)).tobytes()
        return bytes(said)

    def notice(self, code: CodeType) -> bool:
        """Whether a text is read otherwise now that the function whose code this was is exchanged."""
        forget()
        return any(
            digest_of(lambda place=place: self.read(*self.units[place])) != self.digests[place]  # type: ignore[misc]
            for place in self.taken_by[code]
        )


def verdict(function: FunctionType, mutant: FunctionType, texts: Texts, tests: list[str]) -> bytes:
    """b"text", b"test" or nothing: by what a mutant is noticed."""
    code = function.__code__
    exchange(function, mutant)
    signal.alarm(LONGEST)
    if texts.notice(code):
        return b"text"
    import pytest  # noqa: PLC0415  (most mutants are noticed before)

    forget()
    return b"test" if pytest.main(["-x", "-q", "-p", "no:cacheprovider", *tests]) else b""


def judged(names: list[str], texts: Texts, tests: list[str]) -> Iterator[tuple[str, str]]:
    """Each mutant and by what it was noticed, some at once: 'text', 'test', 'time', or nothing."""
    by_name = {f"{function.__module__}.{name}": (function, mutant) for function, made in MADE
               for name, mutant in made.items()}  # fmt: skip
    running: dict[int, tuple[str, int]] = {}
    left = [*reversed(names)]
    while left or running:
        while left and len(running) < CORES:
            name = left.pop()
            function, mutant = by_name[name]
            child, out = in_child(lambda f=function, m=mutant: verdict(f, m, texts, tests))  # type: ignore[misc]
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
    from tests.understanding import readings  # noqa: PLC0415  (mutated modules, in the copy)

    asked = json.loads(order)
    texts = Texts((unit[1:] for unit in readings.units()), readings.reading)
    texts.take()
    print(f"{len(texts.units)} texts read without a mutant", file=sys.stderr, flush=True)
    for name, by in judged(asked["mutants"], texts, asked["tests"]):
        print(json.dumps([name, by]), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.stdin.read()))
