"""How long words of patients stay in the files of the stores, with time passed in."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
import yaml
from django.db import Error as DatabaseError
from django.db.utils import ConnectionHandler

from scheduling.queue import events
from scheduling.queue.events import ENDED_TTL_SECONDS, REWRITE_SECONDS, STREAM_TTL_SECONDS
from tests.fixtures import _redis_answers, _redis_program, wait_until
from tests.postgres import Postgres, find_binaries
from triage_site import deploy_checks, embedded_redis, settings
from triage_site.cases.duties import Duties, Duty
from triage_site.deploy_checks import quoting_problems

CANARY = "zebrafinch"
HOUR = 3600.0


class Site:
    """A Redis server with its file, the duty that rewrites it, and a clock that is moved."""

    def __init__(self, client: redis.Redis, folder: Path, first_rewrite: float = 0.0) -> None:
        self.client, self.folder, self.now = client, folder, 0.0
        self.refused = 0  # the next rewrites that are not done
        self._duty = Duty("rewrite log", REWRITE_SECONDS, self._rewrite, next_at=first_rewrite)
        self._duties = Duties(self._duty)

    def pass_time(self, seconds: float) -> None:
        """Each key has that much less time left; the duties run as they become due."""
        end = self.now + seconds
        while self.now < end:
            step = min(end, max(self._duty.next_at, self.now + 1)) - self.now
            self.now += step
            for key in self.client.scan_iter():
                self._shorten(key, step)
            self._duties.run(self.now)

    def _shorten(self, key: str, seconds: float) -> None:
        left: Any = self.client.pttl(key)
        if left > 1000 * seconds:
            self.client.pexpire(key, int(left - 1000 * seconds))
        elif left >= 0:
            self.client.pexpire(key, 1)
            wait_until(lambda: not self.client.exists(key), seconds=5, what="the key expires")

    def _rewrite(self) -> None:
        if self.refused:
            self.refused -= 1
            return
        wait_until(lambda: not self._is_writing(), seconds=20, what="the file is written")
        wait_until(lambda: events.rewrite_log(self.client), seconds=20, what="it begins")
        wait_until(lambda: not self._is_writing(), seconds=20, what="the file is written")

    def _is_writing(self) -> bool:
        state: Any = self.client.info("persistence")
        return bool(state["aof_rewrite_in_progress"] or state["aof_rewrite_scheduled"])

    def wait_until_gone(self) -> None:
        # The server removes files that it has replaced in the background.
        wait_until(lambda: not self.is_on_disk(), seconds=20, what="the words have left the disk")

    def is_on_disk(self) -> bool:
        files = [one for one in self.folder.rglob("*") if one.is_file()]
        return any(CANARY.encode() in one.read_bytes() for one in files)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[redis.Redis]:
    port = embedded_redis.free_port()
    text = embedded_redis.configuration(port=port, folder=tmp_path)
    program = embedded_redis.inspect(_redis_program())
    if program is not None and program.version >= (7, 0):
        text += "enable-debug-command yes\n"
    configuration = embedded_redis.write_configuration(text, tmp_path)
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen([_redis_program(), configuration], stdout=log, stderr=log)
    client = redis.Redis(port=port, decode_responses=True)
    try:
        wait_until(lambda: _redis_answers(client), seconds=20, what="Redis answers")
        yield client
    finally:
        client.close()
        process.kill()
        process.wait()


def test_an_hour_is_enough_even_if_one_rewrite_is_not_done() -> None:
    assert max(STREAM_TTL_SECONDS, ENDED_TTL_SECONDS) + 2 * REWRITE_SECONDS < HOUR


@pytest.mark.parametrize("first", [1.0, 450.0, 899.0])
@pytest.mark.parametrize("ended", [True, False])
def test_the_words_of_an_answer_leave_the_file_within_an_hour(
    server: redis.Redis, tmp_path: Path, ended: bool, first: float
) -> None:
    site = Site(server, tmp_path, first_rewrite=first)
    events.append_tokens(server, "job", 1, CANARY, 1)
    if ended:
        events.finish_stream(server, "job", "done", attempt=1)
    wait_until(site.is_on_disk, seconds=20, what="the words are in the file")
    site.refused = 1
    longest = HOUR if not ended else HOUR / 2
    if not ended:
        site.pass_time(STREAM_TTL_SECONDS - 10)
        assert server.exists(events.tokens_key("job"))  # who opens the page late still reads it
        longest -= STREAM_TTL_SECONDS - 10
    site.pass_time(longest - 1)
    site.wait_until_gone()


def test_a_rewrite_does_not_write_a_stream_whose_time_is_over(
    server: redis.Redis, tmp_path: Path
) -> None:
    site = Site(server, tmp_path)
    try:
        server.execute_command("DEBUG", "SET-ACTIVE-EXPIRE", "0")
    except redis.ResponseError:
        pytest.skip("this server has no such command")
    events.append_tokens(server, "job", 1, CANARY, 1)
    server.pexpire(events.tokens_key("job"), 1)
    wait_until(site.is_on_disk, seconds=20, what="the words are in the file")
    time.sleep(0.05)  # its millisecond is over; a look at the key would remove it
    site._rewrite()
    site.wait_until_gone()


def test_a_server_that_refuses_the_rewrite_makes_the_duty_fail(
    server: redis.Redis,
) -> None:
    server.execute_command("ACL", "SETUSER", "default", "-bgrewriteaof")
    with pytest.raises(redis.ResponseError):
        events.rewrite_log(server)


# -- the log of PostgreSQL


@pytest.fixture
def allowed(django_db_blocker: Any) -> Iterator[None]:
    """Connections to servers that a test starts itself."""
    with django_db_blocker.unblock():
        yield


needs_postgres = pytest.mark.skipif(find_binaries() is None, reason="no PostgreSQL server")


def failing_statements(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Statements with words that fail as they fail on a site: refused, wrong, too slow."""
    monkeypatch.setenv("DATABASE_URL", url)
    entry = settings._database()
    connection = ConnectionHandler({"default": entry})["default"]
    statements = (
        "INSERT INTO notes VALUES (1, %s, -1)",  # a check
        "INSERT INTO notes VALUES (1, %s, 1)",  # a second row with this id
        "UPDATE missing SET words = %s",
        "INSERT INTO notes SELECT 2, %s, 1 FROM pg_sleep(5)",
    )
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE notes (id int PRIMARY KEY, words text, n int CHECK (n > 0))")
        cursor.execute("INSERT INTO notes VALUES (1, 'x', 1)")
        cursor.execute("SET statement_timeout = 200")
        for statement in statements:
            with pytest.raises(DatabaseError):
                cursor.execute(statement, [CANARY])
    connection.close()


@needs_postgres
@pytest.mark.usefixtures("allowed")
def test_the_log_of_postgresql_quotes_no_words(monkeypatch: pytest.MonkeyPatch) -> None:
    with Postgres() as server:
        failing_statements(server.url, monkeypatch)
        written = server.log()
    assert written.count("STATEMENT:  INSERT INTO notes") == 3  # it names them, without values
    assert CANARY not in written


@needs_postgres
@pytest.mark.usefixtures("allowed")
@pytest.mark.parametrize(
    ("option", "line"),
    [
        ("log_error_verbosity=default", "DETAIL:  Failing row contains"),
        ("log_parameter_max_length_on_error=-1", "CONTEXT:"),
        ("log_statement=all", "DETAIL:  parameters"),
        ("log_min_duration_statement=0", "DETAIL:  parameters"),
    ],
)
def test_the_check_finds_a_log_that_quotes_words(
    monkeypatch: pytest.MonkeyPatch, option: str, line: str
) -> None:
    """Each of these settings alone makes the server quote, so each must be found."""
    verbose = ["-c", "log_error_verbosity=default"]
    with Postgres(*verbose, "-c", option) as server:
        failing_statements(server.url, monkeypatch)
        written = server.log()
    assert any(line in one and CANARY in one for one in written.splitlines())
    name, _, value = option.partition("=")
    found = {"log_error_verbosity": "terse", "log_parameter_max_length": "-1", name: value}
    assert len(list(quoting_problems(found))) == 1


@needs_postgres
@pytest.mark.usefixtures("allowed")
def test_the_check_reads_a_real_server(monkeypatch: pytest.MonkeyPatch) -> None:
    def found(*options: str) -> list[str]:
        with Postgres(*options) as server:
            monkeypatch.setenv("DATABASE_URL", server.url)
            connection = ConnectionHandler({"default": settings._database()})["default"]
            monkeypatch.setattr(deploy_checks, "connection", connection)
            messages = [str(one.msg) for one in deploy_checks.check_database_log(None)]
            connection.close()
        return messages

    assert found() == []
    assert len(found("-c", "log_error_verbosity=verbose")) == 1


def test_the_containers_log_no_words() -> None:
    root = Path(__file__).resolve().parent.parent
    service = yaml.safe_load((root / "docker-compose.yml").read_text())["services"]["postgres"]
    given = dict(one.split("=") for one in service["command"] if "=" in one)
    assert list(quoting_problems({**given, "log_statement": "all"})) == []
    assert given["log_min_error_statement"] == "panic"
