"""Uploaded files end when nobody uses them; comparisons keep their load."""

from __future__ import annotations

import json
from datetime import timedelta
from threading import Event as Flag

import pytest

from tests.factories import START, make_user
from triage_site.audit.models import AuditRecord
from triage_site.ops import services as ops
from triage_site.ops.comparisons import worker
from triage_site.ops.models import UNUSED_UPLOAD, ComparisonStatus, Upload
from triage_site.retention import services
from triage_site.retention.run import Run

pytestmark = pytest.mark.django_db

LINES = b"arrival,priority,prompt,output\n0,1,9,5\n1,2,9,5\n"


def test_retention_removes_files_that_nobody_used_for_a_month() -> None:
    user = make_user()
    used, unused = (ops.store_upload("load.csv", LINES, actor=user, now=START) for _ in range(2))
    later = START + UNUSED_UPLOAD - timedelta(days=1)
    load = {"kind": "file", "upload": str(used.id)}
    made = ops.create_comparison({"load": load}, actor=user, now=later)
    worker.turn(Flag(), lambda: later)
    now = START + UNUSED_UPLOAD + timedelta(minutes=1)
    assert services.plan(now)["ops.Upload removed"] == 1
    services.apply(Run(now=now), rest=lambda _: None)
    assert set(Upload.objects.values_list("id", flat=True)) == {used.id}
    services.apply(Run(now=now + UNUSED_UPLOAD), rest=lambda _: None)
    assert not Upload.objects.exists()
    made.refresh_from_db()
    assert made.status == ComparisonStatus.DONE
    assert made.load_gzip
    rows = list(AuditRecord.objects.filter(what="retention").values_list("data", flat=True))
    assert json.dumps(rows).count('"ops.Upload removed": 1') == 2
    assert str(unused.id) not in json.dumps(rows)
