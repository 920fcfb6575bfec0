"""Limits, a person and an old case."""

from __future__ import annotations

from typing import Any

import pytest
import redis
from django.contrib.auth.models import User

from tests.factories import make_user
from triage_site.cases.models import Case
from triage_site.cases.roles import CHARGE_NURSE
from triage_site.retention.retention_testing import CANARY, OLD, whole_case


@pytest.fixture(autouse=True)
def limits(settings: Any) -> None:
    settings.TRIAGE_RETENTION_CASE_DAYS = 365
    settings.TRIAGE_RETENTION_AUDIT_DAYS = None


@pytest.fixture
def nurse() -> User:
    return make_user(CHARGE_NURSE, username="nadia")


@pytest.fixture
def old_case(redis_client: redis.Redis, nurse: User) -> Case:
    return whole_case(nurse, CANARY, OLD)
