"""Log lines hold no clinical text, and an outage of the broker fills no log."""

from __future__ import annotations

import logging

import pytest
from celery.worker.consumer import consumer
from django.conf import settings

from triage_site.logs import CLINICAL_KEYS, WITHHELD, OneLinePerOutage, withhold_clinical_text


@pytest.mark.parametrize("key", sorted(CLINICAL_KEYS))
def test_clinical_text_is_withheld(key: str) -> None:
    event = {"event": "classified", "case": "c1", key: "crushing chest pain"}
    logged = withhold_clinical_text(None, "info", event)
    assert logged[key] == WITHHELD
    assert (logged["event"], logged["case"]) == ("classified", "c1")


def _record(name: str, message: str) -> logging.LogRecord:
    return logging.LogRecord(name, logging.ERROR, "", 0, message, ("redis://", "x", "y"), None)


def test_celery_logs_the_first_of_its_vain_attempts_in_each_outage() -> None:
    shown = OneLinePerOutage()
    lost = _record("celery.worker.consumer.consumer", consumer.CONNECTION_ERROR)
    back = _record("celery.worker.consumer.connection", "Connected to %s")
    other = _record("celery.worker.consumer.consumer", consumer.CONNECTION_RETRY)
    elsewhere = _record("triage_site.cases", consumer.CONNECTION_ERROR)
    records = [lost, lost, other, elsewhere, lost, back, lost, lost, back, back]
    expected = [True, False, True, True, False, True, True, False, True, True]
    assert [shown.filter(record) for record in records] == expected


def test_every_handler_has_the_filter() -> None:
    for handler in settings.LOGGING["handlers"].values():
        assert {"withhold", "outage"} <= set(handler["filters"])
