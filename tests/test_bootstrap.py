"""`.ci/environment.py`: it names what a machine lacks and how to install it."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def tool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script as a module, in an empty checkout."""
    spec = importlib.util.spec_from_file_location("bootstrap", ROOT / ".ci" / "environment.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    for name in ("pyproject.toml", "constraints.txt"):
        (tmp_path / name).write_text((ROOT / name).read_text())
    monkeypatch.setattr(module, "ROOT", tmp_path)
    monkeypatch.setattr(module, "VENV", tmp_path / ".venv")
    return module


def test_an_old_python_is_reported_with_the_remedy(
    tool: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tool.sys, "version_info", (3, 9, 2))
    monkeypatch.setattr(tool.shutil, "which", lambda name: None)
    with pytest.raises(SystemExit, match=r"Python 3\.11 or newer is needed.*\n.*apt-get install"):
        tool.main([])


def test_an_old_python_starts_a_newer_one(
    tool: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tool.sys, "version_info", (3, 9, 2))
    monkeypatch.setattr(tool.shutil, "which", {"python3.12": "/opt/python3.12"}.get)
    started: list[str] = []

    def stop_at(path: str, _: list[str]) -> None:
        started.append(path)
        sys.exit()

    monkeypatch.setattr(tool.os, "execv", stop_at)
    with pytest.raises(SystemExit):
        tool.main([])
    assert started == ["/opt/python3.12"]


def test_a_python_without_venv_is_reported_with_the_package(tool: ModuleType) -> None:
    tool.VENV.write_text("a file where a folder must be, so that making it fails")
    with pytest.raises(SystemExit, match=r"apt-get install python3\.\d+-venv"):
        tool.main([])


def test_an_environment_that_is_up_to_date_is_kept(
    tool: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []
    monkeypatch.setattr(tool, "make_venv", lambda: tool.VENV.mkdir(exist_ok=True))
    monkeypatch.setattr(tool, "install", lambda extras: calls.append("+".join(extras)))
    tool.main(["dev"])
    tool.main(["dev"])
    tool.main([])
    assert calls == ["dev"]
    (tool.ROOT / "constraints.txt").write_text("torch==2.13.1\n")
    tool.main([])
    assert calls == ["dev", ""]
