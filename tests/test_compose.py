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
# Read by libraries, or given to a command by a pipe.
LIBRARY_VARIABLES = {"HF_HOME", "SITE_DATABASE_PASSWORD"}


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


STORES = {"postgres", "redis"}


def test_every_service_has_limits(services: dict[str, dict[str, Any]]) -> None:
    for name, service in services.items():
        missing = {"cpus", "mem_limit", "pids_limit"} - set(service)
        assert not missing, name
        assert service["restart"] in ("unless-stopped", "no"), name


def test_no_service_has_more_rights_than_it_needs(services: dict[str, dict[str, Any]]) -> None:
    for name, service in services.items():
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service["read_only"] is True, name
        assert not {"privileged", "cap_add", "devices", "pid", "ipc", "network_mode"} & set(service)
        assert service.get("user", "triage") != "root", name
        assert ("user" in service) == (name in STORES), name


def test_a_service_writes_to_named_volumes_and_to_memory_of_a_set_size(
    services: dict[str, dict[str, Any]],
) -> None:
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    for name, service in services.items():
        for volume in service.get("volumes", []):
            assert volume.partition(":")[0] in compose["volumes"], name
        assert all("size=" in one for one in service["tmpfs"]), name
        if name not in STORES:
            places = [one.partition(":")[0] for one in service["tmpfs"]]
            places += [one.partition(":")[2] for one in service.get("volumes", [])]
            assert sorted(places) == ["/data", "/tmp"], name


def test_only_the_web_process_has_a_port_and_only_on_this_host(
    services: dict[str, dict[str, Any]],
) -> None:
    ports = {name: service["ports"] for name, service in services.items() if "ports" in service}
    assert list(ports) == ["web"]
    assert all(port.startswith("127.0.0.1:") for port in ports["web"])


def test_the_stores_are_reached_by_the_services_alone(services: dict[str, dict[str, Any]]) -> None:
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    assert compose["networks"]["stores"] == {"internal": True}
    assert all(services[name]["networks"] == ["stores"] for name in STORES)
    assert all(re.search(r":\d+\.\d+", services[name]["image"]) for name in STORES)


def test_the_image_says_what_it_is_and_runs_without_root() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text()
    labels = set(re.findall(r"org\.opencontainers\.image\.(\w+)=", dockerfile))
    assert labels >= {"title", "description", "licenses", "version", "revision"}
    (version,) = re.findall(r"^ARG VERSION=(\S+)", dockerfile, re.MULTILINE)
    assert f'version = "{version}"' in (ROOT / "pyproject.toml").read_text()
    assert "\nUSER triage\n" in dockerfile
    assert re.findall(r"--[ug]id (\d+)", dockerfile) == ["10001"] * 3
