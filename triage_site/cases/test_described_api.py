"""The description of the API is built once, and is what it would be if built again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import set_script_prefix
from ninja import NinjaAPI
from ninja.openapi.schema import OpenAPISchema

from triage_site.cases.api import api


@pytest.fixture(autouse=True)
def builds(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The paths in front of the routes, one for each build."""
    built: list[str] = []
    build = NinjaAPI.get_openapi_schema

    def counted(self: NinjaAPI, *, path_prefix: str) -> OpenAPISchema:
        built.append(path_prefix)
        return build(self, path_prefix=path_prefix)

    monkeypatch.setattr(NinjaAPI, "get_openapi_schema", counted)
    monkeypatch.setattr(api, "_descriptions", {})
    yield built
    set_script_prefix("/")


def description() -> Any:
    answer = Client().get("/api/openapi.json")
    assert answer.status_code == 200
    return json.loads(answer.content)


def test_two_requests_get_one_build(builds: list[str]) -> None:
    first = description()
    assert description() == first
    assert builds == ["/api/"]
    assert first == json.loads(json.dumps(NinjaAPI.get_openapi_schema(api, path_prefix="/api/")))


def test_a_site_below_a_path_has_its_own_description(builds: list[str]) -> None:
    plain = description()
    set_script_prefix("/hospital/")  # a server does so for each request
    below = description()
    assert builds == ["/api/", "/hospital/api/"]
    assert list(below["paths"]) == [f"/hospital{path}" for path in plain["paths"]]
    set_script_prefix("/")
    assert description() == plain
    assert len(builds) == 2
