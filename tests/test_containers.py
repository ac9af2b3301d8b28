"""The compose file's services as plain processes, with the settings written there: no container engine is needed."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
import yaml

from tests.postgres import Server, need_postgres
from tests.test_log import CASE

ROOT = Path(__file__).parent.parent
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))
SERVICES: dict[str, Any] = COMPOSE["services"]
TOKEN = "the token of the compose test"


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
        return port


@pytest.fixture
def database() -> Iterator[Server]:
    """The database service: its user and its database, a password by scram, durability as it is shipped."""
    need_postgres()
    wanted = SERVICES["database"]["environment"]
    with Server() as server:
        assert server.url().startswith(f"postgresql://{wanted['POSTGRES_USER']}:")
        server.create_database(wanted["POSTGRES_DB"])
        yield server


@pytest.fixture
def workers(database: Server, tmp_path: Path) -> Iterator[list[int]]:
    """Two of the worker service: its environment and its secret files, but for what names a place."""
    service = SERVICES["triage"]
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    given = {
        "triage_database_password": database.password,
        "triage_secret_key": "a secret key of the compose test",
        "triage_web_access_token": TOKEN,
    }
    assert set(service["secrets"]) == set(given)
    for name, secret in given.items():
        (secrets / name).write_text(secret + "\n")
    environment = {name: str(value) for name, value in service["environment"].items()}
    environment["TRIAGE_DATABASE_URL"] = environment["TRIAGE_DATABASE_URL"].replace(
        "@database:5432/", f"@127.0.0.1:{database.port}/"
    )
    environment |= {"TRIAGE_DATA_DIR": str(tmp_path / "data"), "TRIAGE_SECRETS_DIR": str(secrets)}
    assert environment["TRIAGE_WEB_HOST"] == "0.0.0.0"
    ports, processes = [free_port(), free_port()], []
    try:
        for port in ports:
            processes.append(
                subprocess.Popen(
                    [sys.executable, "-m", "bot", "serve"], cwd=tmp_path, stderr=subprocess.PIPE,
                    env=environment | {"TRIAGE_WEB_PORT": str(port), "PATH": os.defpath, "PYTHONPATH": str(ROOT)},
                )
            )  # fmt: skip
        for port in ports:
            until = time.monotonic() + 30
            while httpx_status(port) != 200:
                assert time.monotonic() < until
                time.sleep(0.05)
        yield ports
        for process in processes:
            process.send_signal(signal.SIGTERM)
        for process in processes:
            assert process.wait(15) == 0
    finally:
        for process in processes:
            process.kill()
            process.communicate()


def httpx_status(port: int) -> int:
    with contextlib.suppress(httpx.TransportError):
        return httpx.get(f"http://127.0.0.1:{port}/readyz", trust_env=False).status_code
    return 0


def test_the_services_run_as_written(workers: list[int], database: Server) -> None:
    """Were it to fail: the compose file starts something else than what was tested, or nothing."""
    headers = {"Authorization": f"Bearer {TOKEN}"}
    with httpx.Client(headers=headers, trust_env=False) as client:
        assert httpx.post(f"http://127.0.0.1:{workers[0]}/api/v1/conversations", trust_env=False).status_code == 401
        begun = client.post(f"http://127.0.0.1:{workers[0]}/api/v1/conversations").json()["conversation"]
        for number, turn in enumerate(CASE):  # each turn goes to the other worker
            address = f"http://127.0.0.1:{workers[number % 2]}/api/v1/conversations/{begun}/turns"
            said = client.post(address, json={"turn": turn, "delivery": str(number)})
            assert said.status_code == 200
        assert said.json()["messages"][0]["id"] == "advice"
    with psycopg.connect(database.url(SERVICES["database"]["environment"]["POSTGRES_DB"])) as db:
        assert db.execute("SELECT count(*) FROM turn").fetchone() == (len(CASE),)
        assert begun not in str(db.execute("SELECT * FROM conversation").fetchall())


def test_the_health_check_of_a_worker_works(workers: list[int]) -> None:
    """Were it to fail: a worker is never taken for healthy, and the proxy never starts."""
    test = SERVICES["triage"]["healthcheck"]["test"]
    assert test[:2] == ["CMD", "/opt/triage/bin/python3"]
    script = test[-1]
    for port, code in ((workers[0], 0), (free_port(), 1)):
        done = subprocess.run(
            [sys.executable, "-I", "-c", script.replace("8000", str(port))], capture_output=True, check=False
        )
        assert bool(done.returncode) == bool(code), done.stderr


def test_nothing_is_published_beyond_this_machine_unless_told() -> None:
    """S33: were it to fail, starting the compose file opens the service, or the database, to the network."""
    for name, service in SERVICES.items():
        for port in service.get("ports", ()):
            assert name == "proxy"
            assert port["host_ip"] == "${TRIAGE_PUBLISH:-127.0.0.1}"
    assert COMPOSE["networks"]["backend"]["internal"] is True
    assert SERVICES["database"]["networks"] == ["backend"]


@pytest.mark.parametrize("name", ["database", "triage"])
def test_services_run_confined(name: str) -> None:
    """Were it to fail: a weakness in a service is one of the machine."""
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    assert service["user"].split(":")[0] not in ("", "0", "root")
    assert {"cpus", "memory", "pids"} <= set(service["deploy"]["resources"]["limits"])
    assert service["restart"] == "unless-stopped"
    assert "PASSWORD" not in "".join(name for name in service["environment"] if not name.endswith("_FILE"))
