"""What the live streams send: fragments of all targets, from one snapshot of the queue."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import datetime
from functools import cache
from typing import Final

import structlog
from django.db import DatabaseError
from django.utils import timezone

from scheduling.models import Job
from triage_site.cases.board import BoardMaker, board_html
from triage_site.cases.departments import Sight
from triage_site.cases.live_pages import PAGES
from triage_site.cases.panel import render_case_panel
from triage_site.cases.queue_view import QueueView
from triage_site.cases.stream_access import Target

log = structlog.get_logger(__name__)

MOST_ALONE: Final = 3  # case pages that read for themselves, where no board needs the whole queue

Rendered = tuple[Target, str, str | None]  # target, HTML, job of a case


def rendered(targets: set[Target]) -> list[Rendered]:
    """Renders each target once. Boards of several sights share the patients and their order.

    A target that fails is left out.
    """
    now = timezone.now()
    queue = cache(lambda: QueueView.read(now))
    maker = cache(lambda: BoardMaker.read(now, queue()))
    is_shared = len(targets) > MOST_ALONE or any(isinstance(one, Sight) for one in targets)
    done: list[Rendered] = []
    for target in targets:
        try:
            done.append(_rendered(target, now, queue if is_shared else None, maker))
        except DatabaseError:
            raise
        except Exception as error:
            log.error("render_failed", error=type(error).__name__)
    return done


def _rendered(
    target: Target,
    now: datetime,
    queue: Callable[[], QueueView] | None,
    maker: Callable[[], BoardMaker],
) -> Rendered:
    if isinstance(target, Sight):
        return target, board_html(maker().board(target)), None
    if isinstance(target, uuid.UUID):
        shared = None if queue is None else queue()
        return target, render_case_panel(target, now, shared), job_of(target)
    return target, PAGES[target].render(now), None


def job_of(case_id: uuid.UUID) -> str | None:
    found = Job.objects.filter(case_id=case_id).order_by("created_at")
    job_id = found.values_list("id", flat=True).last()
    return None if job_id is None else str(job_id)
