"""Rules of the architecture: imports, pure modules, public names of libraries, and one reader of
the environment."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from importlinter.cli import EXIT_STATUS_SUCCESS, lint_imports

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("triage_site", "scheduling", "llm_worker")
PURE = (
    "scheduling/core",
    "triage_site/triage/facts.py",
    "triage_site/triage/vitals.py",
    "triage_site/triage/brief.py",
    "llm_worker/engine/prompt.py",
)
# Pure modules use no clock, randomness, I/O or environment.
IMPURE_MODULES = {"os", "pathlib", "random", "secrets", "socket", "subprocess", "threading", "time"}


def sources(*places: str) -> Iterator[Path]:
    """Python files without tests and migrations."""
    for place in places:
        path = ROOT / place
        for file in [path] if path.is_file() else sorted(path.rglob("*.py")):
            is_test = file.name.startswith("test_") or file.name == "conftest.py"
            if not is_test and "migrations" not in file.parts:
                yield file


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.module.partition(".")[0]


def test_imports_follow_the_contracts(capsys: pytest.CaptureFixture[str]) -> None:
    code = lint_imports(config_filename=str(ROOT / "pyproject.toml"), is_debug_mode=False)
    assert code == EXIT_STATUS_SUCCESS, capsys.readouterr().out


def test_pure_modules_import_no_impure_module() -> None:
    found = {
        str(path.relative_to(ROOT)): IMPURE_MODULES & set(imported(path)) for path in sources(*PURE)
    }
    assert found
    assert not {name: modules for name, modules in found.items() if modules}


def private_imports(tree: ast.AST) -> Iterator[str]:
    """What is imported of other packages under a name that they keep for themselves."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            paths = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            paths = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        for path in paths:
            own = path.partition(".")[0] in (*PACKAGES, "tests", "bench", "__future__")
            if not own and any(re.match(r"_(?!_)", part) for part in path.split(".")):
                yield path


def test_libraries_are_used_by_their_public_names() -> None:
    assert [
        *private_imports(ast.parse("import a._b, c\nfrom d import _e, f\nfrom _g import h"))
    ] == [
        "a._b",
        "d._e",
        "_g.h",
    ]
    files = [*(ROOT / "bench").rglob("*.py"), *(ROOT / ".ci").rglob("*.py")]
    for package in (*PACKAGES, "tests", "fixtures"):
        files += (ROOT / package).rglob("*.py")
    found = {
        str(path.relative_to(ROOT)): names
        for path in files
        if (names := list(private_imports(ast.parse(path.read_text()))))
    }
    assert not found


def reads_environment(node: ast.AST) -> bool:
    if isinstance(node, ast.Attribute):
        return node.attr in ("getenv", "environb")
    if isinstance(node, ast.Call):
        return ast.unparse(node.func) in ("os.environ.get", "os.environ.pop")
    if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load):
        return ast.unparse(node.value) == "os.environ"
    return False


def test_only_the_settings_read_the_environment() -> None:
    """To write the environment, or to pass it to a child process, is allowed."""
    readers = [
        str(path.relative_to(ROOT))
        for path in sources(*PACKAGES)
        if any(reads_environment(node) for node in ast.walk(ast.parse(path.read_text())))
    ]
    assert readers == []
