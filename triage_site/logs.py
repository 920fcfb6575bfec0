"""Logging of every process: one format, JSON or console, without clinical text."""

from __future__ import annotations

import logging
from collections.abc import MutableMapping
from typing import Any, Final

import structlog

from triage_site.withheld_errors import WithholdErrors

# Names that the code uses for clinical text. The value of such a key is removed from log lines.
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


class OneLinePerOutage(logging.Filter):
    """Celery logs every attempt to reach its broker. The first of an outage is enough."""

    _CONSUMER: Final = "celery.worker.consumer."

    def __init__(self) -> None:
        super().__init__()
        self._is_out = False

    def filter(self, record: logging.LogRecord) -> bool:
        if not record.name.startswith(self._CONSUMER):
            return True
        message = str(record.msg)
        if message.startswith("consumer: Cannot connect"):
            was_out, self._is_out = self._is_out, True
            return not was_out
        if message.startswith("Connected to"):
            self._is_out = False
        return True


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
    """Returns Django's LOGGING: one handler writes everything to standard error."""
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
        "filters": {"withhold": {"()": WithholdErrors}, "outage": {"()": OneLinePerOutage}},
        "handlers": {
            "console": {
                "class": "logging.StreamHandler",
                "formatter": "line",
                "filters": ["withhold", "outage"],
            }
        },
        "root": {"handlers": ["console"], "level": level},
        "loggers": {
            "django.server": {"handlers": [], "propagate": True},
            # It logs what was typed as a name; audit/sign_ins.py logs sign-ins that failed.
            "axes": {"level": logging.CRITICAL},
            "httpx": {"level": logging.WARNING},
            "httpcore": {"level": logging.WARNING},
            # At INFO these write two lines per task, which hide all others.
            "celery.worker.strategy": {"level": logging.WARNING},
            "celery.app.trace": {"level": logging.WARNING},
        },
    }


def _plain_traceback(stream: Any, exc_info: Any) -> None:
    # Without local variables: they can hold clinical text.
    structlog.dev.plain_traceback(stream, exc_info)
