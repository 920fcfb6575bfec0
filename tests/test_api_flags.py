"""Every boolean of the API is true or false, and nothing like it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from urllib.parse import quote

import pytest
import redis

from scheduling.selectors import pause
from triage_site.cases.test_api_changes import raw
from triage_site.ops.api import api as the_api

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _redis(redis_client: redis.Redis) -> None:
    """Every test has a real and empty Redis."""


def _flags_of_the_api() -> Iterator[tuple[str, str, str]]:
    """Method, address and name of every boolean of the API, by its own description."""
    told = json.loads(json.dumps(the_api.get_openapi_schema(path_prefix="/api/")))
    for path, methods in told["paths"].items():
        address = path.replace("{case_id}", "00000000-0000-0000-0000-000000000000")
        for method, route in methods.items():
            body = route.get("requestBody", {}).get("content", {}).get("application/json", {})
            for kind in re.findall(r"#/components/schemas/(\w+)", json.dumps(body)):
                for name, field in told["components"]["schemas"][kind]["properties"].items():
                    if '"boolean"' in json.dumps(field):
                        yield method, address, name
            for one in route.get("parameters", ()):
                if '"boolean"' in json.dumps(one["schema"]):
                    yield method, f"{address}?", one["name"]


FLAGS = sorted(set(_flags_of_the_api()))


def test_the_flags_of_the_api_are_found() -> None:
    assert {name for _, _, name in FLAGS} == {
        "paused", "confirmed", "on_oxygen", "injury", "spo2_scale_2", "needs_person", "overdue",
    }  # fmt: skip


@pytest.mark.parametrize("value", [1, 0, "true", "yes", "on", "t", "", [True]])
@pytest.mark.parametrize(("method", "address", "name"), FLAGS)
def test_a_flag_is_true_or_false_and_nothing_like_it(
    method: str, address: str, name: str, value: object
) -> None:
    if address.endswith("?"):
        value = {"true": "True", "t": "1"}.get(str(value), value)  # here "true" is the value
        status, answer = raw(method.upper(), f"{address}{name}={value}")
    else:
        status, answer = raw(method.upper(), address, json.dumps({name: value}).encode())
    assert status == 422
    reasons = {item["field"]: item["reason"] for item in answer["errors"]}
    assert reasons[name] == "must be true or false"
    assert pause() is None


@pytest.mark.parametrize("name", ["limit", "offset", "priority"])
@pytest.mark.parametrize("value", ["1_0", "0_1", "+1", "1.0", "", "٣", "1e1"])
def test_a_number_in_an_address_is_digits_alone(name: str, value: str) -> None:
    status, answer = raw("GET", f"/api/v1/cases?{name}={quote(value)}")
    assert status == 422
    reasons = {item["field"]: item["reason"] for item in answer["errors"]}
    assert reasons[name] == "must be a whole number"
