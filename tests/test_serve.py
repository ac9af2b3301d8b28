"""`triage serve` as an operator runs it and a chat front end calls it: a process, a port, and what leaves it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any, Self
from urllib.parse import unquote

import httpx
import pytest
from click.testing import CliRunner

import bot.retention
from bot.app import Post, Tap, Text
from bot.channels import api
from bot.cli import main
from bot.log import Letter, Log
from bot.logs import ALLOWED
from bot.metrics import STATUSES, Metrics
from bot.retention import sweep_always
from bot.settings import Settings, SettingsError, read_settings
from flows.knowledge.load import shipped
from messages.understanding import LONGEST
from messages.words import english
from tests import forks
from tests.conftest import KEY, Place
from tests.test_cli import refused
from tests.test_log import CASE

CANARY = "zzcanaryzz"
TOKEN = "a token of the tests " + CANARY
STANDS_AT = ("role", "gate", "red_flags", "prior_lines", "line_outcome", "prior_lines", "early_stage_agents",
             "brain_metastases", "hr_status", "tdxd_access", "safety", "review", "advice")  # fmt: skip
"""Where a conversation stands after so many turns of CASE."""
BEGUN = re.compile(r"Serving on (http://\S+) ")
WITHIN = 20.0
"""Seconds after which a process counts as stuck."""


def environment(settings: dict[str, str]) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TRIAGE_")}
    return {**kept, "PYTHONIOENCODING": "utf-8", "TRIAGE_WEB_PORT": "0", "TRIAGE_WEB_RATE_LIMIT": "0", **settings}


class Service:
    """`triage serve` as a process of its own, on a loopback port it chose itself; ended by its id.

    `before`: statements its process runs first, to hold it up or make a part of it fail. `afresh`: in an interpreter
    that has nothing imported yet, as an operator starts it.
    """

    process: subprocess.Popen[bytes] | forks.Fork

    def __init__(
        self, settings: dict[str, str], folder: Path, *, before: str = "", token: str | None = None,
        afresh: bool = False,
    ) -> None:  # fmt: skip
        self.settings = settings if token is None else {**settings, "TRIAGE_WEB_ACCESS_TOKEN": token}
        self.folder = folder
        self.lines: list[str] = []
        """What it wrote to standard error."""
        self._before = before
        self._afresh = afresh
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._said = threading.Condition()

    def __enter__(self) -> Self:
        self.start()
        if not self.says(BEGUN):
            self.__exit__()
            raise AssertionError("\n".join(self.lines))
        self.connect()
        return self

    def connect(self) -> None:
        """A client of what serves now."""
        found = next(found for line in self.lines if (found := BEGUN.match(line)))
        self.url = found.group(1)
        self.port = int(self.url.rpartition(":")[2])
        self.client = self.new_client()

    def start(self) -> None:
        """Without waiting for it to serve."""
        options: dict[str, Any] = {
            "env": environment(self.settings), "cwd": self.folder, "stderr": subprocess.PIPE,
        }  # fmt: skip
        if self._afresh:
            self.process = subprocess.Popen([sys.executable, "-m", "bot", "serve"], **options)
        else:
            self.process = forks.Fork("serve", before=self._before, **options)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            with self._said:
                self.lines.append(line.decode().rstrip("\n"))
                self._said.notify_all()
        with self._said:
            self._said.notify_all()

    def says(self, what: re.Pattern[str] | str, within: float = WITHIN) -> bool:
        """Waits until a line of standard error begins with this. False where the process ended without it."""
        pattern = re.compile(what)

        def found() -> bool:
            return any(map(pattern.match, self.lines)) or self.process.poll() is not None

        with self._said:
            self._said.wait_for(found, within)
        self.process.poll() is None or self._reader.join(WITHIN)
        return any(map(pattern.match, self.lines))

    def new_client(self, **options: Any) -> httpx.Client:
        return httpx.Client(base_url=self.url, headers=self._headers, trust_env=False, timeout=WITHIN, **options)

    def begin(self) -> str:
        """A new conversation's id."""
        begun = self.client.post("/api/v1/conversations")
        assert begun.status_code == 201
        identifier: str = begun.json()["conversation"]
        return identifier

    def turn(self, identifier: str, **document: Any) -> httpx.Response:
        return self.client.post(f"/api/v1/conversations/{identifier}/turns", json=document)

    def stands(self, identifier: str) -> httpx.Response:
        return self.client.get(f"/api/v1/conversations/{identifier}")

    def metrics(self) -> dict[str, float]:
        lines = self.client.get("/metrics").text.splitlines()
        parts = (line.rpartition(" ") for line in lines if not line.startswith("#"))
        return {name: float(value) for name, _, value in parts}

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def ended(self, within: float = WITHIN) -> int:
        """The exit code, once it has ended."""
        code = self.process.wait(within)
        self._reader.join(WITHIN)
        return code

    def stop(self) -> float:
        """Asks it to stop; the seconds it took. Fails where that is not a clean end."""
        began = time.monotonic()
        self.signal(signal.SIGTERM)
        assert self.ended() == 0, self.lines
        return time.monotonic() - began

    def kill(self) -> None:
        self.process.kill()
        self.ended()

    def __exit__(self, *_: object) -> None:
        if hasattr(self, "client"):
            self.client.close()
        if self.process.poll() is None:
            self.kill()
        self._reader.join(WITHIN)
        assert self.process.stderr is not None
        self.process.stderr.close()


def ids(answer: httpx.Response) -> list[str]:
    """The ids of the messages that came back."""
    return [message["id"] for message in answer.json()["messages"]]


def whole_answer(client: socket.socket) -> bytes:
    """The answer of /healthz to the end of its body, in however many pieces it comes."""
    said = b""
    while not said.endswith(b'{"status":"ok"}'):
        part = client.recv(10_000)
        if not part:
            break
        said += part
    return said


def refusal(settings: dict[str, str], folder: Path, *said: str, before: str = "") -> str:
    """The one line a start that is refused writes: exit code 2, no traceback."""
    done = forks.run("serve", env=environment(settings), cwd=folder, before=before, timeout=WITHIN)
    assert done.returncode == 2, done.stderr
    (line,) = done.stderr.decode().splitlines()
    assert done.stdout == b""
    for part in said:
        assert part in line, line
    return line


@contextlib.contextmanager
def started(settings: dict[str, str], folder: Path, **options: Any) -> Iterator[Service]:
    """A service that is not waited for."""
    service = Service(settings, folder, **options)
    service.start()
    try:
        yield service
    finally:
        service.__exit__()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """One service for all tests that only ask it something."""
    folder = tmp_path_factory.mktemp("served")
    with Service({"TRIAGE_DATA_DIR": str(folder / "data"), "TRIAGE_SECRET_KEY": KEY}, folder) as service:
        yield service


# A conversation


def test_a_whole_conversation_leads_to_the_advice(place: Place) -> None:
    """Were it to fail: a front end that calls the API as documented never gets to the advice."""
    with Service(place.settings, place.folder, afresh=True) as service:
        begun = service.client.post("/api/v1/conversations")
        assert (begun.status_code, ids(begun)) == (201, ["role"])
        identifier = begun.json()["conversation"]
        answer = begun
        for turn, here in zip(CASE, STANDS_AT[1:], strict=True):
            answer = service.turn(identifier, turn=turn)
            assert (answer.status_code, ids(answer)) == (200, [here])
            assert answer.headers["cache-control"] == "no-store"
        (advice,) = answer.json()["messages"]
        ranked = [block["text"] for block in advice["blocks"] if block["kind"] == "ranked"]
        assert "T-DM1" in ranked[0]
        notes = [block["text"] for block in advice["blocks"] if block["kind"] == "note"]
        assert "not clinically reviewed" in " ".join(notes)
        assert service.stands(identifier).json() == answer.json(), "also for whoever asks where it stands"
        assert service.stop() < 10
    assert place.turns() == list(CASE)


def test_a_text_typed_is_a_turn_too(served: Service) -> None:
    """Were it to fail: a front end with a text field alone gets nowhere."""
    identifier = served.begin()
    for text, here in (("oncologist", "gate"), ("in scope", "red_flags"), ("none", "prior_lines")):
        answer = served.turn(identifier, text=text)
        assert (answer.status_code, ids(answer)) == (200, [here])
    assert ids(served.turn(identifier, text="/privacy")) == ["privacy", "prior_lines"]
    assert ids(served.turn(identifier, turn="/back")) == ["red_flags"]


def test_the_same_delivery_twice_has_one_effect(place: Place) -> None:
    """S24: were it to fail, a front end that repeats a request after a broken connection answers twice."""
    with Service(place.settings, place.folder) as service:
        identifier = service.begin()
        for number, (turn, here) in enumerate(zip(CASE, STANDS_AT[1:], strict=True)):
            answers = [service.turn(identifier, turn=turn, delivery=f"d{number}") for _ in range(2)]
            assert [answer.status_code for answer in answers] == [200, 200]
            assert ids(answers[1]) == [here]
            assert answers[1].json() == answers[0].json(), "answered with where it stands"
        late = service.turn(identifier, turn=CASE[3], delivery="d3")
        assert ids(late) == ["advice"]
        evidence = [service.turn(identifier, turn="/evidence", delivery="d-evidence") for _ in range(2)]
        assert ids(evidence[0]) == ["evidence"]
        assert evidence[1].json() == evidence[0].json(), "what only informs is said again"
        assert service.metrics()['triage_turns_total{kind="duplicate"}'] == len(CASE) + 2
    assert place.turns() == list(CASE)


def test_after_a_kill_the_conversation_stands_at_the_same_question(place: Place) -> None:
    """S24: were it to fail, an answer that was acknowledged is lost with the process, or taken twice."""
    identifier = ""
    for begin, end in ((0, 1), (1, 6), (6, 12)):
        with Service(place.settings, place.folder) as service:
            if begin == 0:
                identifier = service.begin()
            assert ids(service.stands(identifier)) == [STANDS_AT[begin]]
            if begin:
                again = service.turn(identifier, turn=CASE[begin - 1], delivery=f"d{begin - 1}")
                assert ids(again) == [STANDS_AT[begin]], "the last delivery once more, which nobody saw acknowledged"
            for number in range(begin, end):
                answer = service.turn(identifier, turn=CASE[number], delivery=f"d{number}")
                assert ids(answer) == [STANDS_AT[number + 1]]
            service.kill()
        assert place.turns() == list(CASE[:end])


def test_what_is_erased_is_gone_and_the_conversation_begins_anew(place: Place) -> None:
    """S32: were it to fail, a user who asked for erasure by DELETE or by /forget is told so, and is still kept."""
    with Service(place.settings, place.folder) as service:
        for number, erase in enumerate(("DELETE", "/forget")):
            identifier = service.begin()
            for turn in CASE[:3]:
                service.turn(identifier, turn=turn, delivery=f"{turn}-{number}")
            if erase == "DELETE":
                gone = service.client.delete(f"/api/v1/conversations/{identifier}")
            else:
                gone = service.turn(identifier, text=erase)
            assert (gone.status_code, ids(gone)) == (200, ["forgotten"])
            assert ids(service.stands(identifier)) == ["role"]
    for table in ("conversation", "turn", "delivery"):
        assert place.execute(f"SELECT * FROM {table}") == []


def test_an_id_that_was_guessed_shows_nothing(served: Service) -> None:
    """S33, S34: were it to fail, ids can be guessed, or it can be found out which exist."""
    begun = {served.begin() for _ in range(50)}
    assert len(begun) == 50
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{32}", identifier) for identifier in begun)
    identifier = begun.pop()
    for turn in CASE[:3]:
        served.turn(identifier, turn=turn)
    for guess in (identifier[:-1] + ("A" if identifier[-1] != "A" else "B"), identifier.swapcase(), "x" * 32):
        answer = served.stands(guess)
        assert (answer.status_code, ids(answer)) == (200, ["role"])
        assert ids(served.client.delete(f"/api/v1/conversations/{guess}")) == ["forgotten"]
    assert ids(served.stands(identifier)) == ["prior_lines"]


@pytest.mark.parametrize("typed", ["Mrs Smith, 01.02.1950", "NHS number 943 476 5919", "jane@example.org"])
def test_an_identifier_that_was_typed_is_answered_with_the_notice(typed: str, served: Service) -> None:
    """S30: were it to fail, a name typed into the chat is processed, and nobody is told not to."""
    identifier = served.begin()
    served.turn(identifier, turn="role:oncologist")
    answer = served.turn(identifier, text=typed, delivery="d1")
    assert (answer.status_code, ids(answer)) == (200, ["notice.identifier", "gate"])
    assert english(shipped()).vocabulary.notices["identifier"] in answer.text
    assert "Smith" not in answer.text
    assert "943" not in answer.text
    assert "jane" not in answer.text


# What cannot be used


def problem(answer: httpx.Response, status: int, *said: str) -> None:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    document = answer.json()
    assert document.keys() - {"title", "field"} == {"type", "status", "detail"}
    assert document["status"] == status
    for part in said:
        assert part in document["detail"], document["detail"]
    assert CANARY not in answer.text


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ({"turn": 17}, "turn: "),
        ({"text": ["zzcanaryzz"]}, "text: "),
        ({"text": "x", "delivery": ""}, "delivery: "),
        ({"text": "x", "delivery": CANARY * 30}, "delivery: "),
        ({"text": CANARY * 500}, "text: "),
        ({"turn": CANARY * 250}, "turn: "),
        ({"turn": {"zzcanaryzz": 1}}, "turn: "),
        ({"text": "x", "zzcanaryzz": "x"}, "other than turn, text and delivery"),
        ({"turn": "role:oncologist", "text": CANARY}, "turn, text: "),
        ({"delivery": CANARY}, "turn, text: "),
        ({}, "turn, text: "),
        ([CANARY], ""),
        (CANARY, ""),
    ],
)
def test_a_wrong_field_is_named_and_what_was_sent_is_not_said_back(document: Any, said: str, served: Service) -> None:
    """S31, S33: were it to fail, a front end's developer cannot tell what is wrong, or an error page holds a text."""
    identifier = served.begin()
    problem(served.client.post(f"/api/v1/conversations/{identifier}/turns", json=document), 422, said)
    assert ids(served.stands(identifier)) == ["role"]


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b'{"text": "zzcanaryzz', b"zzcanaryzz", b"\xff\xfe\x00", b'{"text": "\\ud800"}', b"[" * 9000, b"null"],
    ids=["nothing", "unfinished", "unfinished text", "words", "no UTF-8", "half a character", "deep", "null"],
)
def test_what_is_no_json_is_refused(body: bytes, served: Service) -> None:
    """S25: were it to fail, a broken request is an error on our side, or its text is said back."""
    headers = {"Content-Type": "application/json"}
    where = f"/api/v1/conversations/{served.begin()}/turns"
    problem(served.client.post(where, content=body, headers=headers), 422)


def test_a_request_that_cannot_be_used_says_why(served: Service) -> None:
    """S33: were it to fail, sizes are unbounded, or what is wrong with a request is left to guess."""
    ask, where = served.client.request, f"/api/v1/conversations/{served.begin()}/turns"
    as_json = {"Content-Type": "application/json"}
    problem(ask("POST", where, content=b" " * (api.LARGEST + 1), headers=as_json), 413, "16 KiB")
    pieces = (b" " * 1024 for _ in range(17))
    problem(ask("POST", where, content=pieces, headers=as_json), 413, "16 KiB")
    for given in ("text/plain", "", "application/jsonx", "application/x-www-form-urlencoded"):
        problem(ask("POST", where, content=b"{}", headers={"Content-Type": given}), 415, "application/json")
    for path in ("/api", "/api/v1/conversations/short", "/api/v1/conversations/" + "x" * 33,
                 "/api/v1/conversations/" + "x" * 31 + "%0A", "/api/v1/conversations/" + CANARY):  # fmt: skip
        problem(ask("GET", path), 404)
    problem(ask("POST", f"/api/v1/conversations/{CANARY}/turns", json={"text": "x"}), 404)
    answer = ask("PUT", where)
    problem(answer, 405)
    assert answer.headers["allow"] == "POST"


def test_a_media_type_is_read_as_written(served: Service) -> None:
    """Were it to fail: a client library that writes the type in another way is refused."""
    where = f"/api/v1/conversations/{served.begin()}/turns"
    for given in ("application/json; charset=utf-8", "Application/JSON", "application/json ;charset=UTF-8"):
        content = b'{"text": "nonsense"}'
        answer = served.client.post(where, content=content, headers={"Content-Type": given})
        assert (answer.status_code, ids(answer)) == (200, ["notice.not_understood", "role"]), given


def test_a_text_that_is_too_long_is_answered(served: Service) -> None:
    """S33: were it to fail, a long text is an error, or is looked at to its end."""
    answer = served.turn(served.begin(), text="x" * (LONGEST + 1))
    assert (answer.status_code, ids(answer)) == (200, ["notice.too_long"])


def test_a_body_that_comes_too_slowly_is_given_up(make_place: Callable[[str], Place]) -> None:
    """S33: were it to fail, a few idle clients hold every connection for ever."""
    place = make_place("sqlite")
    with Service(place.settings, place.folder, before="from bot.channels import api; api.SLOWEST = 0.2") as service:
        with socket.create_connection(("127.0.0.1", service.port), WITHIN) as client:
            client.sendall(begun_request(service.begin()))
            answer = client.recv(10_000)
        assert answer.startswith(b"HTTP/1.1 408 ")
        assert b"application/problem+json" in answer
        assert service.client.get("/healthz").status_code == 200


def test_what_comes_before_a_body_is_bounded(make_place: Callable[[str], Place]) -> None:
    """S33: were it to fail, whoever reaches the port fills the memory, or holds every connection, without a token."""
    place = make_place("sqlite")
    before = "from bot.channels import api; api.SLOWEST = 0.3"
    one = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    with (
        Service(place.settings, place.folder, before=before, token=TOKEN) as service,
        socket.create_connection(("127.0.0.1", service.port), WITHIN) as idle,
    ):
        idle.sendall(one)
        assert whole_answer(idle).startswith(b"HTTP/1.1 200 ")
        long = {"X-Long": "x" * 20_000}
        assert service.client.get("/healthz", headers=long).status_code == 200, "what a proxy may add has room"
        for start, part in (
            (b"GET /", b"a" * 60_000),
            (b"GET / HTTP/1.1\r\nX: ", b"a" * 60_000),
            (b"GET / HTTP/1.1\r\n", b"X: a\r\n" * 9000),
        ):
            assert raw(service, start + part).startswith(b"HTTP/1.1 431 "), start
        for silent in (b"", b"GET /healthz", b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n"):
            assert raw(service, silent) == b"", silent
        idle.sendall(one)
        assert whole_answer(idle).startswith(b"HTTP/1.1 200 "), "one that has asked before may be silent for longer"
        assert raw(service, one + b"GET /hea").count(b"HTTP/1.1 200 ") == 1, "nor does a second request hold it"
        assert raw(service, one * 3 + b"G").count(b"HTTP/1.1 200 ") == 3
        assert service.client.get("/readyz").status_code == 200


def test_what_comes_after_a_body_is_bounded_and_is_no_header(make_place: Callable[[str], Place]) -> None:
    """S33: were it to fail, whoever reaches the port fills the memory behind a body, or says there what was checked
    before."""
    place = make_place("sqlite")
    chunked = b"POST /api/v1/conversations HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n"
    with Service(place.settings, place.folder, token=TOKEN) as service:
        late = b"0\r\nAuthorization: Bearer " + TOKEN.encode() + b"\r\n\r\n"
        told = raw(service, chunked + b"Connection: close\r\n\r\n" + late)
        assert told.startswith(b"HTTP/1.1 401 "), told[:80]
        for endless in (b"a: b\r\n" * 20_000, b"a: " + b"b" * 120_000):
            began = time.monotonic()
            raw(service, chunked + b"\r\n0\r\n" + endless)
            assert time.monotonic() - began < WITHIN / 2, "the connection was left open"
        assert service.client.get("/readyz").status_code == 200


def test_requests_that_come_all_at_once_are_not_all_kept(make_place: Callable[[str], Place]) -> None:
    """S33: were it to fail, one connection has thousands of requests wait in memory, before any token is asked for."""
    place = make_place("sqlite")
    one = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    with Service(place.settings, place.folder, token=TOKEN) as service:
        assert raw(service, one * 8 + b"G" * 40_000).count(b"HTTP/1.1 200 ") <= 8
        assert raw(service, one * 1000).count(b"HTTP/1.1 200 ") < 100
        assert service.client.get("/readyz").status_code == 200


def raw(service: Service, sent: bytes) -> bytes:
    """What comes back until the other side closes the connection."""
    with socket.create_connection(("127.0.0.1", service.port), WITHIN) as client:
        answer = b""
        try:
            client.sendall(sent)
            while part := client.recv(10_000):
                answer += part
        except ConnectionResetError:  # closed before all of it was read
            pass
        return answer


def begun_request(identifier: str) -> bytes:
    """A request of which the body is still on its way."""
    head = f"POST /api/v1/conversations/{identifier}/turns HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    return f'{head}Content-Type: application/json\r\nContent-Length: 29\r\n\r\n{{"turn":'.encode()


# Access


def test_with_a_token_nothing_but_health_is_open(tmp_path: Path) -> None:
    """S33: were it to fail, whoever reaches the port reads and writes conversations."""
    settings = {"TRIAGE_DATA_DIR": str(tmp_path / "data"), "TRIAGE_SECRET_KEY": KEY}
    with Service(settings, tmp_path, token=TOKEN) as service:
        identifier = service.begin()
        asked = [("POST", "/api/v1/conversations"), ("GET", "/metrics"), ("GET", "/nowhere"), ("GET", "/healthz/")]
        asked += [(method, f"/api/v1/conversations/{identifier}") for method in ("GET", "DELETE", "OPTIONS")]
        asked += [("POST", f"/api/v1/conversations/{identifier}/turns")]
        wrong = [None, "", "Bearer", f"Bearer {TOKEN[:-1]}", f"Bearer {TOKEN}x", f"Basic {TOKEN}", TOKEN]
        with httpx.Client(base_url=service.url, trust_env=False) as client:
            for given in wrong:
                headers = {"Authorization": given} if given is not None else {}
                for method, path in asked:
                    answer = client.request(method, path, headers=headers)
                    problem(answer, 401, "Authorization: Bearer")
                    assert answer.headers["www-authenticate"] == "Bearer"
            assert client.get("/healthz").json() == {"status": "ok"}
            assert client.get("/readyz").json() == {"status": "ready"}
        assert service.stands(identifier).status_code == 200
        assert service.client.get("/metrics").status_code == 200


def test_from_elsewhere_it_is_reached_with_a_token_only(tmp_path: Path) -> None:
    """S33: were it to fail, TRIAGE_WEB_HOST=0.0.0.0 opens every conversation to the network."""
    settings = {"TRIAGE_DATA_DIR": str(tmp_path / "data")}
    refusal({**settings, "TRIAGE_WEB_HOST": "0.0.0.0"}, tmp_path, "TRIAGE_WEB_HOST", "TRIAGE_WEB_ACCESS_TOKEN")
    short = {**settings, "TRIAGE_WEB_ACCESS_TOKEN": CANARY}
    assert CANARY not in refusal(short, tmp_path, "TRIAGE_WEB_ACCESS_TOKEN", "16")
    assert not (tmp_path / "data").exists(), "refused before anything is made"
    for host in ("::", "192.0.2.1", "a-name-of-this-machine"):
        with pytest.raises(SettingsError, match="TRIAGE_WEB_ACCESS_TOKEN"):
            Settings(web_host=host, _env_file=None).check_reach()
        Settings(web_host=host, web_access_token=TOKEN, _env_file=None).check_reach()
    for host in ("127.0.0.7", "::1", "localhost"):
        Settings(web_host=host, _env_file=None).check_reach()


def test_a_port_that_is_taken_is_named(tmp_path: Path) -> None:
    """Were it to fail: the second service on a machine ends with a traceback."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        settings = {"TRIAGE_DATA_DIR": str(tmp_path / "data"), "TRIAGE_WEB_PORT": port}
        refusal(settings, tmp_path, "TRIAGE_WEB_PORT", port, "in use")


# Stopping

HELD_UP = """
import sys, time
from pathlib import Path
from bot.log.{module} import {engine}
from bot.log import Log
take, append, came = {engine}.take, Log.append, []
async def told(self, entry):
    came.append(entry)
    sys.stderr.write(f"turn {{len(came)}} came\\n")  # in one piece: another thread writes too
    return await append(self, entry)
Log.append = told
def slow(*entries, **options):
    sys.stderr.write("taking\\n")
    while not Path("go on").exists():
        time.sleep(0.005)
    return take(*entries, **options)
{engine}.take = slow
"""
"""Statements that hold turns up in the middle until a file is there."""


def held_up(place: Place) -> str:
    module, engine = ("postgresql", "PostgreSQL") if place.url else ("sqlite", "SQLite")
    return HELD_UP.format(module=module, engine=engine)


def until_refused(service: Service) -> None:
    """Waits until nobody listens any more."""
    until = time.monotonic() + WITHIN
    while time.monotonic() < until:
        try:
            socket.create_connection(("127.0.0.1", service.port), WITHIN).close()
        except ConnectionRefusedError:
            return
        time.sleep(0.005)
    raise AssertionError("it still listens")


def test_a_stop_finishes_the_turns_in_hand_and_takes_no_others(place: Place) -> None:
    """S24: were it to fail, every deployment loses the turns that are under way."""
    with Service(place.settings, place.folder, before=held_up(place)) as service, ThreadPoolExecutor() as threads:
        identifiers = [service.begin() for _ in range(2)]
        in_hand = [threads.submit(service.turn, identifier, turn=CASE[0]) for identifier in identifiers]
        assert service.says("turn 2 came")
        assert service.says("taking")
        began = time.monotonic()
        service.signal(signal.SIGTERM)
        until_refused(service)
        with pytest.raises(TimeoutError):
            in_hand[0].result(timeout=0.5)
        (place.folder / "go on").touch()
        answers = [turn.result() for turn in in_hand]
        assert [(answer.status_code, ids(answer)) for answer in answers] == [(200, ["gate"])] * 2
        assert service.ended() == 0
        assert time.monotonic() - began < 10
    assert place.turns() == [CASE[0]] * 2


async def test_while_it_stops_turns_are_told_to_come_again(make_place: Callable[[str], Place]) -> None:
    """S24: were it to fail, a turn that comes over an open connection during a stop is an error, or taken and lost."""
    place = make_place("sqlite")
    metrics = Metrics()
    app = place.app(meter=metrics)
    transport = httpx.ASGITransport(api.create(app, metrics))
    async with httpx.AsyncClient(transport=transport, base_url="http://x") as client:
        assert (await client.get("/readyz")).status_code == 200
        assert await app.stop(1)
        late = await client.post(f"/api/v1/conversations/{'x' * 32}/turns", json={"turn": CASE[0], "delivery": "d1"})
        assert (late.status_code, ids(late)) == (503, ["notice.unavailable"])
        assert int(late.headers["retry-after"]) > 0
        problem(await client.get("/readyz"), 503, "stopping")
        assert (await client.get("/healthz")).status_code == 200
        assert 'triage_turns_total{kind="refused"} 1.0' in (await client.get("/metrics")).text
    assert place.turns() == []


def test_a_stop_does_not_wait_for_slow_or_silent_clients(make_place: Callable[[str], Place]) -> None:
    """Were it to fail: one idle connection makes whoever supervises the service kill it."""
    place = make_place("sqlite")
    with (
        Service(place.settings, place.folder, before="from bot import serve; serve.TURNS_FINISH = 1.0") as service,
        socket.create_connection(("127.0.0.1", service.port)) as slow,
        socket.create_connection(("127.0.0.1", service.port)),
    ):
        identifier = service.begin()  # its connection stays open
        slow.sendall(begun_request(identifier))
        assert service.client.get("/healthz").status_code == 200
        assert service.stop() < 10
    assert place.turns() == []


def test_a_stop_is_clean_from_the_first_moment(tmp_path: Path) -> None:
    """Were it to fail: a service stopped right after its start ends as if it had been killed."""
    settings = {"TRIAGE_DATA_DIR": str(tmp_path / "data"), "TRIAGE_SECRET_KEY": KEY}
    for number in (signal.SIGTERM, signal.SIGINT):
        with started(settings, tmp_path, afresh=True) as service:
            assert service.says(BEGUN)
            service.signal(number)
            assert service.ended(10) == 0
            assert len(service.lines) == 1, service.lines


def test_a_second_signal_ends_it_at_once(make_place: Callable[[str], Place]) -> None:
    """Were it to fail: an operator who cannot wait has to look for the process and kill it."""
    place = make_place("sqlite")
    with Service(place.settings, place.folder, before=held_up(place)) as service, ThreadPoolExecutor() as threads:
        turn = threads.submit(service.turn, service.begin(), turn=CASE[0])
        assert service.says("taking")
        service.signal(signal.SIGTERM)
        until_refused(service)
        service.signal(signal.SIGTERM)
        assert service.ended(2) == 130
        assert isinstance(turn.exception(), httpx.TransportError), "what was not kept was not acknowledged"
    assert place.turns() == []


# What it says of itself


def test_metrics_tell_how_the_service_does(place: Place) -> None:
    """Were it to fail: an operator cannot see turns, times, the outbox, the queue, or what knowledge answers."""
    with Service(place.settings, place.folder) as service:
        identifier = service.begin()
        for turn in CASE:
            service.turn(identifier, turn=turn, delivery=turn)
        service.turn(identifier, turn=CASE[-1], delivery=CASE[-1])
        seen = service.metrics()
        assert seen['triage_turns_total{kind="kept"}'] == len(CASE)
        assert seen['triage_turns_total{kind="duplicate"}'] == 1
        assert seen['triage_turns_total{kind="read"}'] == 1
        assert seen['triage_turns_total{kind="failed"}'] == seen['triage_turns_total{kind="refused"}'] == 0
        assert seen["triage_turn_seconds_count"] == len(CASE) + 2
        assert seen['triage_turn_seconds_bucket{le="+Inf"}'] == len(CASE) + 2
        assert 0 < seen["triage_turn_seconds_sum"] < WITHIN
        for state in ("waiting", "sending", "unsure"):
            assert seen[f'triage_outbox_letters{{state="{state}"}}'] == 0
        assert seen["triage_queue_jobs"] == seen["triage_turns_in_hand"] == 0
        assert seen["triage_ready"] == 1
        assert {name: seen[name] for name in seen if name.startswith("triage_answers_total")} == {
            f'triage_answers_total{{status="{status}"}}': float(status == "recommend") for status in STATUSES
        }
        (about,) = [name for name in seen if name.startswith("triage_knowledge_info")]
        assert f'digest="{shipped().digest}"' in about


async def test_metrics_tell_of_letters_and_of_a_log_that_cannot_be_read(log: Log, place: Place) -> None:
    """Were it to fail: letters pile up unseen, or a log that cannot be read looks like an empty outbox."""
    metrics = Metrics()
    app = place.app(log, meter=metrics)
    post = Post("web", "an address", lambda said: [Letter(message.id) for message in said.messages])
    for name in ("web:a", "web:b"):
        await app.handle(name, Tap(CASE[0]), "d0", post)
    await log.claim(60, 1)

    def letters(depth: dict[str, int] | None) -> list[str]:
        lines = metrics.exposition(app, depth, ready=False).decode().splitlines()
        return [line.rpartition(" ")[2] for line in lines if line.startswith("triage_outbox_letters{")]

    assert letters(await log.depth()) == ["1.0", "1.0", "0.0"]
    assert letters(None) == ["NaN"] * 3


def test_failures_are_counted_by_kind_and_refuse_the_turn(make_place: Callable[[str], Place]) -> None:
    """S25: were it to fail, a defect is a traceback to the user, or nobody is told of it."""
    place = make_place("sqlite")
    before = f"import bot.app\ndef step(*_): raise RuntimeError('{CANARY}')\nbot.app.step = step"
    with Service({**place.settings, **LOUD}, place.folder, before=before) as service:
        answer = service.turn("x" * 32, turn="role:oncologist", delivery="d1")
        assert (answer.status_code, ids(answer)) == (503, ["notice.error"])
        assert answer.headers["retry-after"] == "1"
        assert CANARY not in answer.text
        seen = service.metrics()
        assert seen['triage_errors_total{kind="RuntimeError"}'] == 1
        assert seen['triage_turns_total{kind="failed"}'] == 1
        assert seen["triage_ready"] == 1
        service.stop()
        assert {(line["event"], line["kind"]) for line in logged(service)} >= {("turn_failed", "RuntimeError")}
        assert CANARY not in "".join(service.lines)


LOUD = {"TRIAGE_LOG_LEVEL": "debug", "TRIAGE_LOG_FORMAT": "json"}


def logged(service: Service) -> list[dict[str, Any]]:
    """Every line on standard error as JSON, but for the one that says where it serves."""
    return [json.loads(line) for line in service.lines if not BEGUN.match(line)]


def test_logs_and_metrics_hold_nothing_of_anybody(place: Place) -> None:
    """S30, S31: were it to fail, logs or metrics hold a text, a delivery, a conversation's id, a token, a key."""
    key = f"{KEY} {CANARY}"
    settings = {**place.settings, **LOUD, "TRIAGE_SECRET_KEY": key, "TRIAGE_KEEP_RECORDS": "true"}
    before = f"""
from bot.app import logger
from bot.log import Log
depth = Log.depth
async def failing(self):
    if failing.times:
        failing.times -= 1
        logger.warning("said_too_much", kind="x", text="{CANARY}", conversation="{CANARY}")
        raise RuntimeError("{CANARY}")
    return await depth(self)
failing.times = 1
Log.depth = failing
"""
    with Service(settings, place.folder, before=before, token=TOKEN) as service:
        problem(service.client.get("/metrics"), 500, "not at fault")
        identifier = service.begin()
        for turn in CASE:
            service.turn(identifier, turn=turn, delivery=f"{CANARY} {turn}")
            service.turn(identifier, text=f"{CANARY} /{CANARY} Mrs Smith", delivery=CANARY)
            service.turn(identifier, text=f"/restrat {CANARY}")
        service.turn(identifier, text=f"/restart {CANARY}")
        service.client.post(f"/api/v1/conversations/{identifier}/turns", content=CANARY.encode())
        service.client.get(f"/{CANARY}/{identifier}?{CANARY}={CANARY}", headers={"X-Canary": CANARY})
        for unusable in (f"{CANARY} / HTTP/9\r\n\r\n", f"GET / HTTP/1.1\r\n{CANARY}\x00\r\n\r\n"):
            assert CANARY.encode() not in raw(service, unusable.encode())
        metrics = service.client.get("/metrics").text
        seen = service.metrics()
        assert seen['triage_errors_total{kind="RuntimeError"}'] == 1
        service.stop()
    logs = "\n".join(service.lines)
    secrets = [CANARY, identifier, identifier[:8], KEY, TOKEN, "Smith", str(place.folder)]
    if place.url:
        secrets += [place.url, place.url.partition("@")[0].rpartition(":")[2]]
    for secret in secrets:
        assert secret not in logs, logs
        assert secret not in metrics
    lines = logged(service)
    assert {line["event"] for line in lines} == {
        "command_unknown", "library_said", "said_too_much", "request_failed", "stopped",
    }  # fmt: skip
    assert all(line.keys() <= ALLOWED for line in lines), lines


# Retention


async def test_what_was_not_touched_for_some_time_is_erased(
    place: Place, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S32: were it to fail, answers stay for ever, or a conversation that still goes on is erased."""
    monkeypatch.setattr(bot.retention, "BITE", 1)
    app = place.app(log, keep_records=True)
    begun, really, quiet, settled = place.now, log.sweep, 0, asyncio.Event()

    async def counted(before: int, limit: int) -> int:
        nonlocal quiet
        erased = await really(before, limit)
        quiet = 0 if erased else quiet + 1
        if quiet == 2:  # of two looks, the second began after whatever the test did last
            settled.set()
        return erased

    monkeypatch.setattr(log, "sweep", counted)
    for turn in CASE:
        await app.handle("web:finished", Tap(turn), turn)
    await app.handle("web:other", Tap(CASE[0]), "d1")
    await app.handle("web:open", Tap(CASE[0]), "d1")
    sweeper = asyncio.create_task(sweep_always(app, 72, every=0.001))
    for hours, left in ((0, 3), (71, 3), (72, 3), (73, 1), (144, 1), (146, 0)):
        place.now = begun + timedelta(hours=hours)
        if hours == 72:
            await app.handle("web:open", Tap(CASE[1]), "d2")
        quiet = 0
        settled.clear()
        await asyncio.wait_for(settled.wait(), WITHIN)
        assert log.engine.stats().conversations == left, hours
        assert [message.id for message in await app.opening("web:finished")] == ["advice" if left == 3 else "role"]
    assert sweeper.cancel()
    await asyncio.gather(sweeper, return_exceptions=True)
    left_over = log.engine.stats()
    assert (left_over.turns, left_over.deliveries, left_over.records) == (0, 0, 1), "the record of the answer stays"
    await app.handle("web:finished", Text("/forget"))
    assert log.engine.stats().records == 0, "until it is erased"


def test_a_service_erases_what_is_old_by_itself(place: Place) -> None:
    """S32: were it to fail, retention needs somebody who thinks of it."""
    with Service({**place.settings, "TRIAGE_KEEP_RECORDS": "true"}, place.folder) as service:
        old, young = service.begin(), service.begin()
        for turn in CASE:
            service.turn(old, turn=turn, delivery=turn)
        service.kill()
    place.execute("UPDATE conversation SET seen_hour = seen_hour - 8")
    place.execute("UPDATE delivery SET hour = hour - 8")
    with Service({**place.settings, "TRIAGE_RETENTION_HOURS": "7"}, place.folder) as service:
        service.turn(young, turn=CASE[0])
        until = time.monotonic() + WITHIN
        while len(place.execute("SELECT * FROM conversation")) > 1 and time.monotonic() < until:
            time.sleep(0.01)
        assert ids(service.stands(old)) == ["role"]
        assert ids(service.stands(young)) == ["gate"]
    assert place.turns() == [CASE[0]]
    assert len(place.execute("SELECT * FROM delivery")) == 1
    assert len(place.execute("SELECT * FROM record")) == 1


# Settings


def test_secrets_are_read_from_files_and_the_environment_wins(place: Place, tmp_path: Path) -> None:
    """S31: were it to fail, secrets have to be written where every process listing shows them."""
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    settings = {**place.settings, "TRIAGE_SECRETS_DIR": str(secrets)}
    del settings["TRIAGE_SECRET_KEY"]
    (secrets / "triage_secret_key").write_text(KEY + "\n", "utf-8")
    (secrets / "triage_web_access_token").write_text(TOKEN + "\n", "utf-8")
    if place.url:
        start, _, end = place.url.partition("@")
        address, _, password = start.rpartition(":")
        (secrets / "triage_database_password").write_text(unquote(password), "utf-8")
        settings["TRIAGE_DATABASE_URL"] = f"{address}@{end}"
    with Service(settings, place.folder) as service:
        assert service.client.get("/metrics").status_code == 401
        service.client.headers["Authorization"] = f"Bearer {TOKEN}"
        assert ids(service.turn(service.begin(), turn=CASE[0])) == ["gate"]
    other = {**settings, "TRIAGE_WEB_ACCESS_TOKEN": "another token of the tests"}
    with Service(other, place.folder) as service:
        service.client.headers["Authorization"] = f"Bearer {TOKEN}"
        assert service.client.get("/metrics").status_code == 401
        service.client.headers["Authorization"] = "Bearer another token of the tests"
        assert service.client.get("/metrics").status_code == 200
    refusal({**settings, "TRIAGE_SECRET_KEY": "a key that this log was not written with"}, place.folder,
            "written with another TRIAGE_SECRET_KEY")  # fmt: skip


def test_a_folder_of_secrets_that_is_not_there_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """S31: were it to fail, one letter wrong in it serves with a key nobody set, and without a token."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TRIAGE_SECRETS_DIR", str(tmp_path / "sercets"))
    with pytest.raises(SettingsError, match=r"TRIAGE_SECRETS_DIR.*sercets"):
        read_settings()


@pytest.mark.parametrize(
    "url",
    ["mysql://host/database", "host", "postgresql:/host", "postgresql://u@127.0.0.1:many/x", "postgresql://u:%zz@x/y",
     "postgresql://u@127.0.0.1/x?nonsense=1"],
)  # fmt: skip
def test_an_address_of_no_database_names_the_setting(url: str, tmp_path: Path) -> None:
    """Were it to fail: a typing error in the address is a traceback, or serves from a file nobody knows of."""
    assert "TRIAGE_DATABASE_URL" in refused_within(tmp_path, TRIAGE_DATABASE_URL=url)
    assert not (tmp_path / "data").exists()


def refused_within(folder: Path, **settings: str) -> str:
    """The one line by which a command that needs the log refuses these settings; without a process of its own."""
    nothing = {name: None for name in os.environ if name.startswith("TRIAGE_")}
    given = {"TRIAGE_DATA_DIR": str(folder / "data"), "TRIAGE_SECRET_KEY": KEY, **settings}
    with contextlib.chdir(folder):
        return refused(CliRunner().invoke(main, ["admin", "stats"], env={**nothing, **given}))


@pytest.mark.parametrize(
    "password", [f"x@{CANARY}", f"x:{CANARY}", f"x/{CANARY}", f"x#{CANARY}", f"x%zz{CANARY}", f"x?{CANARY}=y"]
)
def test_a_password_with_odd_characters_is_not_said(password: str, tmp_path: Path) -> None:
    """S31: were it to fail, a password that was not escaped in the address stands in the log of the start."""
    url = f"postgresql://user:{password}@127.0.0.1:9/database"
    assert CANARY not in refused_within(tmp_path, TRIAGE_DATABASE_URL=url)


def test_a_path_of_a_file_is_taken_as_written() -> None:
    """S24: were it to fail, the log is kept elsewhere than where the operator said, and gone with the container."""
    for url, path in (
        ("sqlite:/data/a.sqlite3", Path("/data/a.sqlite3")), ("sqlite:///data/a.sqlite3", Path("/data/a.sqlite3")),
        ("sqlite:a.sqlite3", Path("a.sqlite3")), ("sqlite:~/a.sqlite3", Path.home() / "a.sqlite3"),
    ):  # fmt: skip
        assert Settings(database_url=url, _env_file=None).log_file == path, url


def test_with_postgresql_a_key_is_needed(make_place: Callable[[str], Place]) -> None:
    """S31: were it to fail, every worker makes up a key of its own, and none finds the conversations of the others."""
    place = make_place("postgresql")
    settings = place.settings
    del settings["TRIAGE_SECRET_KEY"]
    refusal(settings, place.folder, "TRIAGE_SECRET_KEY", "every worker")
    refusal({**settings, "TRIAGE_SECRET_KEY": CANARY}, place.folder, "TRIAGE_SECRET_KEY", "24 characters")


def test_another_key_than_the_log_was_written_with_is_refused(place: Place) -> None:
    """S24: were it to fail, a lost key looks like a log without conversations, and the old ones are never erased."""
    log = place.open()
    asyncio.run(place.app(log).handle("web:somebody", Tap(CASE[0])))
    log.close()
    other = {**place.settings, "TRIAGE_SECRET_KEY": f"another key {CANARY} that is long enough"}
    line = refusal(other, place.folder, "written with another TRIAGE_SECRET_KEY")
    assert CANARY not in line
    with Service(place.settings, place.folder) as service:
        assert service.client.get("/readyz").status_code == 200


# Several workers


def test_a_second_service_on_one_file_is_refused(make_place: Callable[[str], Place]) -> None:
    """S24: were it to fail, two processes share one file, each with its own idea of where a case stands."""
    place = make_place("sqlite")
    with Service(place.settings, place.folder) as service:
        refusal(place.settings, place.folder, "in use by another process", str(service.process.pid), "PostgreSQL")
        assert ids(service.turn(service.begin(), turn=CASE[0])) == ["gate"]
        service.kill()
    with Service(place.settings, place.folder) as service:
        assert service.client.get("/readyz").status_code == 200, "whoever was killed holds nothing"


def test_two_workers_take_each_delivery_once(make_place: Callable[[str], Place]) -> None:
    """S24: were it to fail, a delivery that reaches two workers at once is two answers, or none."""
    place = make_place("postgresql")
    wanted = CASE[:4]
    with Service(place.settings, place.folder) as one, Service(place.settings, place.folder) as other:
        identifiers = [f"{number:032}" for number in range(200)]

        def converse(mine: list[str]) -> list[str]:
            wrong: list[str] = []
            with one.new_client() as first, other.new_client() as second, ThreadPoolExecutor(2) as both:
                for place, turn in enumerate(wanted):
                    for identifier in mine:
                        where = f"/api/v1/conversations/{identifier}/turns"
                        document = {"turn": turn, "delivery": f"d{place}"}
                        sent = [both.submit(client.post, where, json=document) for client in (first, second)]
                        said = [(answer.result().status_code, ids(answer.result())) for answer in sent]
                        if said != [(200, [STANDS_AT[place + 1]])] * 2:
                            wrong.append(f"{turn}: {said}")
            return wrong

        with ThreadPoolExecutor(8) as threads:
            assert [*threads.map(converse, (identifiers[part::8] for part in range(8)))] == [[]] * 8
        counted = [service.metrics() for service in (one, other)]
    for kind in ("kept", "duplicate"):
        name = f'triage_turns_total{{kind="{kind}"}}'
        assert sum(seen[name] for seen in counted) == 200 * len(wanted), kind
        assert all(seen[name] for seen in counted), "both had some to take"
    kept = place.execute("SELECT string_agg(turn, ' ' ORDER BY sequence) FROM turn GROUP BY conversation")
    assert kept == [(" ".join(wanted),)] * 200
    assert len(place.execute("SELECT * FROM delivery")) == 200 * len(wanted)
