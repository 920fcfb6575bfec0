"""What the handler of the site's LOGGING writes, for tests."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO

import structlog

from triage_site import logs


@contextmanager
def site_log(*, as_json: bool) -> Iterator[StringIO]:
    """Yields the stream of a second handler of the root logger, with the site's formatter.

    A library that another test loads may have switched off all loggers that existed before it.
    """
    for logger in logging.root.manager.loggerDict.values():
        if isinstance(logger, logging.Logger):
            logger.disabled = False
    config = logs.django_logging(level="DEBUG", as_json=as_json)
    formatter = config["formatters"]["line"]
    stream = StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=formatter["processors"], foreign_pre_chain=formatter["foreign_pre_chain"]
        )
    )
    for name in config["handlers"]["console"]["filters"]:
        handler.addFilter(config["filters"][name]["()"]())
    root = logging.getLogger()
    root.addHandler(handler)
    try:
        yield stream
    finally:
        root.removeHandler(handler)
