"""The API against its own description: requests made from OpenAPI, answers checked by it."""

from __future__ import annotations

from typing import Any

import pytest
import redis
import schemathesis
from django.conf import settings as site
from django.core.wsgi import get_wsgi_application
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
)

from tests.factories import at, make_case, make_user, token_of
from triage_site.cases import services
from triage_site.cases.roles import CHARGE_NURSE

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    negative_data_rejection,
]
NUM_EXAMPLES = 6
assert site.ROOT_URLCONF
SCHEMA = schemathesis.openapi.from_wsgi("/api/openapi.json", get_wsgi_application())
OPERATIONS: list[Any] = [
    found.ok() for found in SCHEMA.get_all_operations() if isinstance(found, Ok)
]


@pytest.fixture
def headers(redis_client: redis.Redis) -> dict[str, str]:
    key = token_of(make_user(CHARGE_NURSE))
    return {"Authorization": f"Bearer {key}"}


@pytest.fixture
def case_id() -> str:
    case = make_case("cough")
    services.classify_without_model(case.id, why="test", now=at(1))
    return str(case.id)


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda one: one.label)
@pytest.mark.parametrize("mode", ["positive", "negative"])
def test_answers_are_as_described(
    operation: Any, mode: str, headers: dict[str, str], case_id: str
) -> None:
    @settings(
        max_examples=NUM_EXAMPLES,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(
        case=operation.as_strategy(generation_mode=schemathesis.GenerationMode(mode)),
    )
    def check(case: Any) -> None:
        if mode == "positive" and case.path_parameters:
            case.path_parameters["case_id"] = case_id
        case.call_and_validate(headers=headers, checks=CHECKS)

    check()
