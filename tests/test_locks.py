"""What production installs: what pyproject.toml asks for, in the tested versions, by hash."""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "requirements"
PINNED = re.compile(r"^([A-Za-z0-9._-]+)==(\S+)(.*(?:\n    .*)*)", re.MULTILINE)
LOCKS = ("production.txt", "torch-cpu.txt", "torch-cuda.txt")
# The container's; what a package needs elsewhere is not in the lists.
MACHINE = {"sys_platform": "linux", "platform_system": "Linux", "platform_machine": "x86_64"}


def pins(name: str) -> dict[str, tuple[str, str]]:
    """The version and the hashes of each package of a list."""
    text = (FOLDER / name).read_text()
    found = {
        str(canonicalize_name(n)): (version, rest) for n, version, rest in PINNED.findall(text)
    }
    assert len(found) == len(re.findall(r"^[^#\s]", text, re.MULTILINE)), "a line of another kind"
    return found


def needed() -> set[str]:
    """What the dependencies of pyproject.toml need, and what these need, without torch's own."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    todo = [Requirement(line) for line in project["dependencies"]]
    seen: set[tuple[str, str]] = set()
    while todo:
        one = todo.pop()
        for extra in {"", *one.extras}:
            key = (canonicalize_name(one.name), extra)
            if key in seen:
                continue
            seen.add(key)
            for line in requires(one.name) or ():
                inner = Requirement(line)
                if inner.marker is None or inner.marker.evaluate({**MACHINE, "extra": extra}):
                    todo.append(inner)
    return {name for name, _ in seen}


def is_of_cuda(name: str) -> bool:
    return name.startswith(("nvidia-", "cuda-", "triton"))


def test_the_lists_hold_exactly_what_pyproject_asks_for() -> None:
    """After a change of pyproject.toml or constraints.txt: `make lock`."""
    names = {name for name in needed() if not is_of_cuda(name)}
    assert set(pins("production.txt")) == names - {"torch"}
    assert set(pins("torch-cpu.txt")) == {"torch"}
    assert "torch" in pins("torch-cuda.txt")
    assert all(name == "torch" or is_of_cuda(name) for name in pins("torch-cuda.txt"))


def test_the_versions_are_those_that_were_tested() -> None:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    tested = {str(canonicalize_name(name)): version for name, _, version in
              (line.partition("==") for line in lines)}  # fmt: skip
    for lock in LOCKS:
        for name, (version, _) in pins(lock).items():
            if not is_of_cuda(name):  # not installed where the tests run
                assert version.removesuffix("+cpu") == tested[name], (lock, name)


@pytest.mark.parametrize("lock", LOCKS)
def test_every_package_has_hashes_and_no_list_names_an_index(lock: str) -> None:
    for name, (_, hashes) in pins(lock).items():
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", hashes), name
    lines = [line for line in (FOLDER / lock).read_text().splitlines() if not line.startswith("#")]
    assert not [line for line in lines if "://" in line or "index" in line or "find-links" in line]


def test_the_container_installs_these_lists_and_nothing_else() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text()
    installs = re.findall(r"pip install ((?:.|\\\n)*?)(?:\\\n    &&|\n\n)", dockerfile)
    assert len(installs) == 2
    assert all("--require-hashes" in one and "--no-deps" in one for one in installs)
    assert "requirements/production.txt" in installs[0]
    assert "requirements/torch-$TORCH.txt" in installs[1]
    assert "!requirements\n" in (ROOT / ".dockerignore").read_text()
