"""Fixtures with real servers: Redis, and the site over HTTP."""

from __future__ import annotations

import os
import socket
import subprocess
import threading
import time
import tomllib
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest
import redis
import uvicorn
from django.conf import settings
from django.test import TransactionTestCase

from scheduling import connection
from scheduling.queue.semantic_queue import RedisSemanticQueue
from tests.rows import empty_tables
from triage_site import embedded_redis

ROOT = Path(__file__).resolve().parent.parent
NO_DJANGO = "No Django below the models"
DATABASE_FIXTURES = frozenset({"db", "transactional_db", "django_db_reset_sequences", "live_app"})


def wait_until(
    condition: Callable[[], bool], *, seconds: float, what: str | Callable[[], str]
) -> None:
    """Waits until `condition()` is true. Fails with `what` after `seconds`.

    A callable `what` is called after the timeout, for example to read a log.
    """
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            pytest.fail(f"not within {seconds} s: {what if isinstance(what, str) else what()}")
        time.sleep(0.02)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--only-database",
        action="store_true",
        help="run only the tests that depend on the database",
    )


@cache
def _folders_without_database() -> tuple[Path, ...]:
    """Packages that may not import Django, by the contract of `make lint`; their tests, too."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = project["tool"]["importlinter"]["contracts"]
    (found,) = [one for one in contracts if one["name"] == NO_DJANGO]
    modules = [ROOT.joinpath(*name.split(".")) for name in found["source_modules"]]
    return tuple(path for path in modules if path.is_dir())


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """To read the tests of these packages costs more than to run some others."""
    if config.getoption("--only-database") and collection_path in _folders_without_database():
        return True
    return None


def _uses_browser(item: pytest.Item) -> bool:
    return "browser" in getattr(item, "fixturenames", ())


def _depends_on_database(item: pytest.Item) -> bool:
    """Pages in a browser are the same on both databases; the markers name the exceptions."""
    if item.get_closest_marker("one_database") is not None:
        return False
    if _uses_browser(item):
        return item.get_closest_marker("both_databases") is not None
    fixtures = DATABASE_FIXTURES & set(getattr(item, "fixturenames", ()))
    return bool(fixtures) or item.get_closest_marker("django_db") is not None


def _turn(item: pytest.Item) -> int:
    if not _uses_browser(item):
        return 0
    return 2 if item.get_closest_marker("slow") is None else 1


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--only-database"):
        left_out = [item for item in items if not _depends_on_database(item)]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if _depends_on_database(item)]
    # Playwright leaves a running event loop in its thread, and tests with their own loop then
    # fail. So the browser tests run last, and the long ones of them first: at the end no process
    # then waits minutes for the other.
    items.sort(key=_turn)


def _redis_program() -> Path:
    # For tests with another server than the bundled one, for example Debian's.
    given = os.environ.get("TEST_REDIS_SERVER")
    return Path(given) if given else embedded_redis.bundled_server().path


def _redis_answers(client: redis.Redis) -> bool:
    try:
        return bool(client.ping())
    except redis.RedisError:
        return False


@pytest.fixture(scope="session", autouse=True)
def _empty_tables_after_commits() -> Iterator[None]:
    """Django's flush empties and fills every table again, and the triggers would refuse it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", lambda _: empty_tables())
        yield


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a real server for this test process. It equals settings.REDIS_URL."""
    folder = tmp_path_factory.mktemp("redis")
    port = urlsplit(settings.REDIS_URL).port
    assert port is not None
    text = embedded_redis.configuration(port=port, folder=folder, append_only=False)
    path = embedded_redis.write_configuration(text, folder)
    with (folder / "log").open("w") as log:
        process = subprocess.Popen([_redis_program(), path], stdout=log, stderr=log)
    client = redis.Redis.from_url(settings.REDIS_URL)
    try:
        wait_until(
            lambda: process.poll() is not None or _redis_answers(client),
            seconds=10,
            what="Redis answers",
        )
        assert process.poll() is None, (folder / "log").read_text()
        yield settings.REDIS_URL
    finally:
        client.close()
        process.kill()
        process.wait()


@pytest.fixture
def redis_client(redis_server: str) -> Iterator[redis.Redis]:
    """The client of the code under test, on an empty server."""
    assert connection.guard().probe()  # closes the breaker, if earlier code met no server
    client = connection.client()
    client.flushall()
    yield client
    client.flushall()


@pytest.fixture
def virtual_time(redis_client: redis.Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    """The queue of this process takes the time that its callers pass, not that of the server."""
    queue = RedisSemanticQueue(redis_client, time="caller")
    monkeypatch.setattr(connection, "queue", lambda: queue)
    monkeypatch.setattr(connection, "patient_queue", lambda: queue)


@pytest.fixture
def process_env(transactional_db: None, redis_client: redis.Redis) -> dict[str, str]:
    """The environment of a real process, for example a worker, with the stores of this test."""
    database = settings.DATABASES["default"]
    if database["ENGINE"] == "django.db.backends.sqlite3":
        database_url = f"sqlite:///{database['NAME']}"
    else:
        user, password, host = (quote(database[key], "") for key in ("USER", "PASSWORD", "HOST"))
        port = f":{database['PORT']}" if database["PORT"] else ""
        database_url = f"postgres://{user}:{password}@{host}{port}/{database['NAME']}"
    return {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "triage_site.settings",
        "DATABASE_URL": database_url,
        "REDIS_URL": settings.REDIS_URL,
        "DATA_DIR": str(settings.DATA_DIR),
        "TRIAGE_DEMO": "1",
        "PYTHONUNBUFFERED": "1",
    }


class LiveApp:
    """The ASGI application in a thread, on a free port. Django's live server buffers SSE."""

    def __init__(self) -> None:
        from triage_site.asgi import application

        self._socket = socket.socket()
        self._socket.bind(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        config = uvicorn.Config(
            application, log_config=None, timeout_graceful_shutdown=1, access_log=False
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [self._socket]}, daemon=True
        )

    def start(self) -> None:
        self._thread.start()
        wait_until(lambda: self._server.started, seconds=60, what="the live server has started")

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join(timeout=60)
        self._socket.close()
        assert not self._thread.is_alive(), "the live server did not stop"
        # The threads of its lifespan must not use the database of the next test.
        for thread in threading.enumerate():
            if thread.name in ("upkeep", "warm up classifier"):
                thread.join(timeout=5)


@pytest.fixture
def live_app(transactional_db: None, redis_client: redis.Redis) -> Iterator[str]:
    """The URL of the running site with the database of this test and an empty Redis."""
    server = LiveApp()
    server.start()
    yield server.url
    server.stop()
