"""The containers run the commands of `manage.py up`, with existing settings."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.test import override_settings

from triage_site.up import commands

ROOT = Path(__file__).resolve().parent.parent
SETTINGS = (ROOT / "triage_site" / "settings.py").read_text()
LIBRARY_VARIABLES = {"HF_HOME"}  # read by libraries, not by the settings


@pytest.fixture(scope="module")
def services() -> dict[str, dict[str, Any]]:
    compose: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    return dict(compose["services"])


@pytest.mark.parametrize("name", ["web", "classify", "gpu"])
def test_the_commands_equal_those_of_up(services: dict[str, dict[str, Any]], name: str) -> None:
    with override_settings(HOST="0.0.0.0", PORT=8000):
        _python, dash_m, *command = commands()[name][0]
    assert dash_m == "-m"
    assert services[name]["command"] == command


@pytest.mark.parametrize("name", ["compare", "console"])
def test_background_commands_equal_those_of_up(
    services: dict[str, dict[str, Any]], name: str
) -> None:
    _python, script, command = commands()[name][0]
    assert services[name]["command"] == ["python", Path(script).name, command]


@pytest.mark.parametrize("name", ["web", "classify", "compare", "console", "gpu"])
def test_a_hung_service_ends_its_container(services: dict[str, dict[str, Any]], name: str) -> None:
    assert services[name]["entrypoint"] == ["python", "-m", "triage_site.hung", name, "--"]
    assert services[name]["restart"] == "unless-stopped"


@pytest.mark.parametrize("name", ["web", "classify", "compare", "console", "gpu", "migrate"])
def test_the_settings_read_every_variable(services: dict[str, dict[str, Any]], name: str) -> None:
    read = set(re.findall(r'environment\.\w+\(\s*"([A-Z_]+)"', SETTINGS))
    assert set(services[name]["environment"]) <= read | LIBRARY_VARIABLES


def test_the_gpu_service_can_use_a_remote_server(services: dict[str, dict[str, Any]]) -> None:
    of_remote = {name for name in re.findall(r'"(TRIAGE_\w+)"', SETTINGS) if "REMOTE" in name}
    passed = services["gpu"]["environment"]
    assert of_remote | {"TRIAGE_ENGINE"} <= set(passed)
    assert all(passed[name].startswith(f"${{{name}:-") for name in of_remote)


def test_every_permanent_service_has_a_healthcheck(services: dict[str, dict[str, Any]]) -> None:
    assert {name for name, service in services.items() if "healthcheck" not in service} == {
        "migrate"
    }
