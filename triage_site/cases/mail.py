"""Mail to people, where the site has a server for it. A page never waits for that server."""

from __future__ import annotations

import smtplib
from collections.abc import Sequence
from threading import Thread

import structlog
from django.conf import settings
from django.core.mail import send_mail

log = structlog.get_logger(__name__)


def send_later(to: Sequence[str], subject: str, text: str) -> None:
    """Sends in the background. Nothing without a server or an address; a failure is logged."""
    wanted = [address for address in to if address]
    if settings.EMAIL_HOST and wanted:
        Thread(target=_send, args=(wanted, subject, text), daemon=True).start()


def _send(to: Sequence[str], subject: str, text: str) -> None:
    try:
        send_mail(subject, text, settings.DEFAULT_FROM_EMAIL, to)
    except (OSError, smtplib.SMTPException, ValueError) as error:
        log.warning("mail_failed", error=type(error).__name__)
