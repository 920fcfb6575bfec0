"""Exceptions in log lines: type and place only, where a message can quote patients' words.

Databases quote values in their messages (PostgreSQL: `invalid input syntax ... "crushing"`), and so
do decoders and validators. Tracebacks keep files, lines and types; no line of a message remains.
Of a request, method and path remain: what follows the path can be the words of a search.
"""

from __future__ import annotations

import logging
import sqlite3
import traceback
from types import TracebackType
from typing import Any, Final

from django.db import Error as DatabaseError
from django.http import HttpRequest

ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None]
_MODULES: Final = ("psycopg", "pydantic", "pydantic_core", "ninja")
_TYPES: Final = (DatabaseError, sqlite3.Error, UnicodeError, ValueError, LookupError)
CELERY_TRACE: Final = "celery.app.trace"


def quotes_values(error: BaseException | None) -> bool:
    """Returns whether the error, or one that caused it, can quote a value in its message."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        if isinstance(error, _TYPES) or type(error).__module__.split(".")[0] in _MODULES:
            return True
        error = error.__cause__ or error.__context__
    return False


def places(error: BaseException, tb: TracebackType | None) -> str:
    """Returns the traceback without source lines and without messages."""
    frames = traceback.extract_tb(tb or error.__traceback__)
    lines = [f'  File "{one.filename}", line {one.lineno}, in {one.name}' for one in frames]
    cause = error.__cause__ or error.__context__
    begin = [places(cause, None), "which led to:"] if cause is not None else []
    return "\n".join([*begin, *lines, f"{type(error).__name__} (message withheld)"])


class WithholdErrors(logging.Filter):
    """Replaces exceptions that can quote values, before any formatter sees them."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(map(_without_message, record.args))
        error = record.exc_info[1] if record.exc_info else None
        if error is not None and quotes_values(error):
            text = places(error, record.exc_info[2] if record.exc_info else None)
            record.exc_info, record.exc_text = None, None
            record.msg, record.args = self._with(record, text), None
        if record.name == CELERY_TRACE and isinstance(record.args, dict):
            record.args = {**record.args, **_withheld_task(record.args)}
        _withhold_query(record)
        return True

    def _with(self, record: logging.LogRecord, text: str) -> Any:
        if isinstance(record.msg, dict):  # of structlog
            kept = {key: value for key, value in record.msg.items() if key != "exc_info"}
            return {**kept, "exception": text}
        return f"{record.getMessage()}\n{text}"


def _withhold_query(record: logging.LogRecord) -> None:
    """Django adds the request to its lines, and shows it with its whole address."""
    request = getattr(record, "request", None)
    if isinstance(request, HttpRequest):
        record.request = f"{request.method} {request.path}"


def _withheld_task(values: dict[str, Any]) -> dict[str, Any]:
    """Celery formats the error, its traceback and the arguments of a task itself."""
    return {key: "[withheld]" for key in ("exc", "traceback", "args", "kwargs") if key in values}


def _without_message(value: object) -> object:
    if isinstance(value, BaseException) and quotes_values(value):
        return f"{type(value).__name__} (message withheld)"
    return value
