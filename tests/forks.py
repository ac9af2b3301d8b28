"""Processes of the program for tests, forked off one that has everything imported: a start takes no second then.

Such a process begins in its own folder, with its own environment and streams, and ends as any interpreter does. That
the program also starts from nothing is left to tests that begin a new interpreter.
"""

from __future__ import annotations

import atexit
import json
import os
import random
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from functools import cache
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, BinaryIO, NoReturn

BEGINS = "from bot.cli import run; run()"
"""What `python -m bot` does."""
STREAMS = ("stdin", "stdout", "stderr")
ROOT = Path(__file__).parent.parent


class Fork:
    """What tests use of `subprocess.Popen`, for a process that is forked. `stdin`, `stdout`, `stderr`: as there."""

    def __init__(
        self, *arguments: str, env: Mapping[str, str], cwd: Path | str = ROOT, before: str = "", **streams: int
    ) -> None:
        """Run `triage` with these arguments. `before`: statements its process runs first."""
        self.args = ["triage", *arguments]
        self.returncode: int | None = None
        self.stdin: BinaryIO | None = None
        self.stdout: BinaryIO | None = None
        self.stderr: BinaryIO | None = None
        with ExitStack() as theirs:
            given = [self._stream(name, streams.get(name), theirs) for name in STREAMS]
            self._told, tells = os.pipe()
            theirs.callback(os.close, tells)
            asked = json.dumps([self.args, dict(env), str(cwd), f"{before}\n{BEGINS}"]).encode()
            source = _source()
            socket.send_fds(source, [len(asked).to_bytes(4, "big")], [*given, tells])
            source.sendall(asked)
        self.pid = int(os.read(self._told, 32))

    def _stream(self, name: str, wanted: int | None, theirs: ExitStack) -> int:
        """The end of a stream that the process gets; of a pipe, the other one is kept."""
        if wanted is None:
            return STREAMS.index(name)
        if wanted == subprocess.DEVNULL:
            end = os.open(os.devnull, os.O_RDWR)
        elif wanted == subprocess.PIPE:
            reads, writes = os.pipe()
            mine, end = (writes, reads) if name == "stdin" else (reads, writes)
            setattr(self, name, os.fdopen(mine, "wb" if name == "stdin" else "rb"))
        else:
            return wanted
        theirs.callback(os.close, end)
        return end

    def poll(self) -> int | None:
        return self._look(0)

    def wait(self, timeout: float | None = None) -> int:
        """The exit code, less than 0 where a signal ended it. Raises TimeoutExpired."""
        code = self._look(timeout)
        if code is None:
            assert timeout is not None
            raise subprocess.TimeoutExpired(self.args, timeout)
        return code

    def _look(self, timeout: float | None) -> int | None:
        if self.returncode is None and select.select([self._told], [], [], timeout)[0]:
            self.returncode = int(os.read(self._told, 32))
            os.close(self._told)
        return self.returncode

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


def run(
    *arguments: str, env: Mapping[str, str], given: bytes = b"", timeout: float = 60, **options: Any
) -> subprocess.CompletedProcess[bytes]:
    """As `subprocess.run`: what the command wrote, and how it ended."""
    with ExitStack() as files:
        stdin, stdout, stderr = (files.enter_context(TemporaryFile()) for _ in STREAMS)
        stdin.write(given)
        stdin.seek(0)
        process = Fork(*arguments, env=env, stdin=stdin.fileno(), stdout=stdout.fileno(), stderr=stderr.fileno(),
                       **options)  # fmt: skip
        try:
            code = process.wait(timeout)
        finally:
            process.kill()
        for file in (stdout, stderr):
            file.seek(0)
        return subprocess.CompletedProcess(process.args, code, stdout.read(), stderr.read())


@cache
def _source() -> socket.socket:
    """The process that has everything imported: one for this one, and ended with it."""
    here, there = socket.socketpair()
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.forks", str(there.fileno())], pass_fds=[there.fileno()], cwd=ROOT,
        stdin=subprocess.DEVNULL, env={**os.environ, "PYTHONIOENCODING": "utf-8"},
    )  # fmt: skip
    there.close()

    def end() -> None:
        here.close()
        process.wait()

    atexit.register(end)
    return here


def _fork(source: socket.socket) -> tuple[list[str], str]:
    """Fork for whoever asks. Returns in the fork: its arguments, and what it shall run."""
    while True:
        length, descriptors, _, _ = socket.recv_fds(source, 4, len(STREAMS) + 1)
        if not length:
            sys.exit()
        asked = source.recv(int.from_bytes(length, "big"), socket.MSG_WAITALL)
        if not os.fork():
            break
        for descriptor in descriptors:
            os.close(descriptor)
    source.close()
    *streams, tells = descriptors
    for number, descriptor in enumerate(streams):
        os.dup2(descriptor, number)
        os.close(descriptor)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    if process := os.fork():
        _tell(process, tells)
    os.close(tells)
    arguments, environment, folder, code = json.loads(asked)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    random.seed()
    return arguments, code


def _tell(process: int, tells: int) -> NoReturn:
    """Say the id of a process, and once it has ended, how."""
    for number in range(len(STREAMS)):
        os.close(number)  # whoever reads what it writes shall see its end
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    os.write(tells, b"%d" % process)
    _, status = os.waitpid(process, 0)
    os.write(tells, b"%d" % os.waitstatus_to_exitcode(status))
    os._exit(0)


def main() -> None:
    """Import everything, then fork; in a fork, be the program."""
    from bot.channels.web.pages import load_pages
    from flows.knowledge.load import shipped

    for name in ("bot.cli", "bot.serve", "bot.channels.terminal", "bot.channels.telegram.service"):
        import_module(name)
    shipped()
    load_pages()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those that tell
    sys.argv, code = _fork(socket.socket(fileno=int(sys.argv[1])))
    exec(code, {"__name__": "__main__"})


if __name__ == "__main__":
    main()
