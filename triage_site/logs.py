"""Log lines of every process: one shape, as JSON or for a console, without clinical text."""

from __future__ import annotations

import logging
from collections.abc import MutableMapping
from typing import Any

import structlog

# Names under which the code carries a patient's words or an answer. A log line that tries to
# take one of them along loses it here.
CLINICAL_KEYS = frozenset(
    {
        "answer",
        "body",
        "brief",
        "complaint",
        "facts",
        "guidance",
        "note",
        "output",
        "prompt",
        "text",
        "vitals",
        "words",
    }
)
WITHHELD = "[withheld]"

_Event = MutableMapping[str, Any]


def withhold_clinical_text(_logger: Any, _method: str, event: _Event) -> _Event:
    for key in CLINICAL_KEYS & event.keys():
        event[key] = WITHHELD
    return event


_SHARED: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.ExtraAdder(),
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.StackInfoRenderer(),
    withhold_clinical_text,
]


def configure_structlog() -> None:
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.stdlib.PositionalArgumentsFormatter(),
            *_SHARED,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


def django_logging(*, level: str, as_json: bool) -> dict[str, Any]:
    """Django's LOGGING: everything through one handler on standard error."""
    renderers: list[Any] = (
        [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
        if as_json
        else [structlog.dev.ConsoleRenderer(colors=False, exception_formatter=_plain_traceback)]
    )
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "line": {
                "()": structlog.stdlib.ProcessorFormatter,
                "foreign_pre_chain": _SHARED,
                "processors": [
                    structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                    *renderers,
                ],
            },
        },
        "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"handlers": ["console"], "level": level},
        "loggers": {
            "django.server": {"handlers": [], "propagate": True},
            "httpx": {"level": logging.WARNING},
            "httpcore": {"level": logging.WARNING},
            # One line per task received and one per task done would drown all others.
            "celery.worker.strategy": {"level": logging.WARNING},
            "celery.app.trace": {"level": logging.WARNING},
        },
    }


def _plain_traceback(stream: Any, exc_info: Any) -> None:
    # Never with local variables: they hold what patients said.
    structlog.dev.plain_traceback(stream, exc_info)
