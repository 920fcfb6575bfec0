"""No message of a database error reaches a log line."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from io import StringIO

import pytest
import structlog
from django.core.handlers.exception import response_for_exception
from django.db import DatabaseError, DataError, IntegrityError, connection
from django.test import RequestFactory, override_settings

from tests.site_log import site_log

CANARY = "zebra7 crushing chest pain"


@pytest.fixture(params=[True, False], ids=["json", "console"])
def written(request: pytest.FixtureRequest) -> Iterator[StringIO]:
    """What the handler of the site's LOGGING writes."""
    with site_log(as_json=request.param) as stream:
        yield stream


def fails(error: Exception) -> None:
    try:
        try:
            raise ValueError(CANARY)
        except ValueError:
            raise error from None
    except type(error) as caught:
        raise RuntimeError("the task failed") from caught


@pytest.mark.parametrize("kind", [DataError, IntegrityError, UnicodeError, ValueError, KeyError])
def test_the_canary_reaches_no_log_line(written: StringIO, kind: type[Exception]) -> None:
    try:
        fails(kind(CANARY))
    except RuntimeError as error:
        logging.getLogger("django.request").error("Internal Server Error: %s", "/x", exc_info=error)
        structlog.get_logger("triage_site.x").exception("it_failed", exc_info=error)
        logging.getLogger("x").warning("retry after %s", error.__cause__)
    text = written.getvalue()
    assert "zebra7" not in text
    assert kind.__name__ in text
    assert "test_withheld_errors.py" in text
    assert "Internal Server Error: /x" in text
    assert "it_failed" in text


def test_celery_s_own_lines_are_withheld(written: StringIO) -> None:
    context = {"id": "1", "name": "t", "exc": CANARY, "traceback": CANARY, "args": CANARY}
    logging.getLogger("celery.app.trace").error(
        "Task %(name)s[%(id)s] raised unexpected: %(exc)s", context
    )
    assert "zebra7" not in written.getvalue()
    assert "Task t[1] raised" in written.getvalue()


@pytest.mark.django_db
def test_a_real_error_of_the_database(written: StringIO) -> None:
    request = RequestFactory().get("/")
    try:
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT CAST('{CANARY}' AS integer) FROM missing_{CANARY[:6]}")
    except DatabaseError as error:
        with override_settings(DEBUG=False):
            response_for_exception(request, error)
    assert "django.request" in written.getvalue()
    assert "zebra7" not in written.getvalue()
