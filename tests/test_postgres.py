"""The PostgreSQL server of the tests: a fake of a server here would make every test that stands on it worthless."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from tests.postgres import Server, need_postgres, processes

KILLED = """
import os, signal
from tests.postgres import Server
with Server() as server:
    print(server.folder, server._watch.pid, *server.pids(), flush=True)
    if {suspended}:
        server.suspend()
    os.kill(os.getpid(), signal.SIGKILL)
"""
"""A test process that does not get to its end."""


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    need_postgres()
    with Server({"max_connections": "20"}) as server:
        yield server


@pytest.fixture
def url(server: Server) -> Iterator[str]:
    with server.database() as url:
        yield url


def value(connection: psycopg.Connection, query: str) -> object:
    row = connection.execute(query.encode()).fetchone()
    return row and row[0]


def ended(pids: list[int]) -> bool:
    """Whether these processes are gone; one that only waits to be collected counts as gone."""
    until = time.monotonic() + 10
    while any(Path(f"/proc/{pid}/exe").exists() for pid in pids):
        if time.monotonic() > until:
            return False
        time.sleep(0.01)
    return True


def test_a_password_is_asked_for(server: Server) -> None:
    """Were it to fail: a bot that loses its password, or sends another, is not found out."""
    for password in ("", "wrong"):
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(server.url(), password=password)
    with psycopg.connect(server.url()) as connection:
        assert connection.pgconn.used_password
        assert value(connection, "SHOW password_encryption") == "scram-sha-256"
        assert value(connection, "SELECT current_user") == "triage"


def test_a_commit_is_kept_as_postgres_ships_it(server: Server) -> None:
    """Were it to fail: the tests and the figures speak of a server nobody would run."""
    with psycopg.connect(server.url()) as connection:
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            assert value(connection, f"SHOW {setting}") == "on"
        assert value(connection, "SHOW max_connections") == "20", "what a test sets is what the server has"


def test_a_new_database_is_empty(server: Server, url: str) -> None:
    """Were it to fail: one test finds what another one left."""
    tables = "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace"
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE turns (turn text)")
    with server.database() as other, psycopg.connect(other) as connection:
        assert value(connection, tables) == 0
        assert value(connection, "SHOW server_encoding") == "UTF8"


def test_a_database_is_dropped_under_an_open_connection(server: Server) -> None:
    """Were it to fail: a pool a test forgot keeps its database, and the next test waits for it."""
    with server.database() as url:
        connection = psycopg.connect(url)
    with pytest.raises(psycopg.OperationalError):
        connection.execute("SELECT 1")
    connection.close()
    with pytest.raises(psycopg.OperationalError, match="does not exist"):
        psycopg.connect(url)


@pytest.mark.parametrize("way", ["immediate", "fast", "kill"])
def test_a_restart_keeps_what_was_committed_and_drops_connections(way: str, server: Server, url: str) -> None:
    """Were it to fail: a bot that is said to survive a restart of its database has never met one."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TABLE turns (turn integer)")
        for turn in range(100):
            connection.execute("INSERT INTO turns VALUES (%s)", (turn,))
    connection = psycopg.connect(url)
    connection.execute("INSERT INTO turns VALUES (-1)")
    if way == "kill":
        server.kill()
        assert server.pids() == []
        server.start()
    else:
        server.restart(way)
    with pytest.raises(psycopg.OperationalError):
        connection.execute("SELECT 1")
    connection.close()
    with psycopg.connect(url) as connection:
        found = [row[0] for row in connection.execute("SELECT turn FROM turns ORDER BY turn")]
    assert found == list(range(100)), "what was not committed is not there"


def test_a_stopped_server_refuses_connections(server: Server, url: str) -> None:
    """Were it to fail: a bot without its database is tested with one."""
    server.stop()
    assert server.pids() == []
    with pytest.raises(psycopg.OperationalError, match="refused"):
        psycopg.connect(url)
    server.start()
    psycopg.connect(url).close()


def test_a_suspended_server_does_not_answer_and_a_resumed_one_does(url: str, server: Server) -> None:
    """Were it to fail: the bounds on how long the bot waits for its database are tested against one that answers."""
    with psycopg.connect(url, autocommit=True) as connection, ThreadPoolExecutor() as thread:
        server.suspend()
        try:
            answer = thread.submit(value, connection, "SELECT 1")
            with pytest.raises(TimeoutError):
                answer.result(timeout=0.5)
            with pytest.raises(psycopg.errors.ConnectionTimeout):
                psycopg.connect(url, connect_timeout=2)  # the least that is heeded
        finally:
            server.resume()
        assert answer.result(timeout=10) == 1, "the same connection goes on"
    psycopg.connect(url).close()


def test_the_next_test_finds_a_running_server(server: Server) -> None:
    """Were it to fail: one failing test makes every later test of its worker fail or hang."""
    for trouble in (server.suspend, server.kill, server.stop):
        with server.database():
            trouble()
        with server.database() as url:
            psycopg.connect(url).close()


def test_nothing_is_left_of_a_server() -> None:
    """Were it to fail: every run of the tests leaves processes and folders on the machine."""
    need_postgres()
    for trouble in (None, Server.suspend, Server.kill, Server.stop):
        with Server() as server:
            pids = [*server.pids(), server._watch.pid]
            assert len(pids) > 3
            if trouble:
                trouble(server)
        assert ended(pids)
        assert not server.folder.exists()


@pytest.mark.parametrize("suspended", [False, True])
def test_nothing_is_left_of_a_server_whose_test_was_killed(suspended: bool) -> None:
    """Were it to fail: an interrupted run leaves a server behind that nobody knows of."""
    need_postgres()
    script = KILLED.format(suspended=suspended)
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent)}
    run = subprocess.run(
        [sys.executable, "-c", script], env=environment, stdout=subprocess.PIPE, text=True, check=False, timeout=60
    )
    assert run.returncode == -signal.SIGKILL
    folder, *pids = run.stdout.split()
    assert ended([int(pid) for pid in pids])
    assert processes(Path(folder)) == []
    assert not Path(folder).exists()


def test_a_server_that_cannot_start_says_why_and_leaves_nothing() -> None:
    """Were it to fail: a wrong setting is a minute of waiting, and a folder."""
    need_postgres()
    server = Server({"max_connections": "many"})
    with pytest.raises(RuntimeError, match="max_connections"):
        server.__enter__()
    assert not server.folder.exists()
