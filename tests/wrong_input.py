"""Wrong values, wrong files, and what a command says about them.

A command is run in this process as `manage.py` runs it, with a time limit, and without Django's
checks and the closing of connections that follow a command line.
"""

from __future__ import annotations

import io
import json
import os
import resource
import signal
import sys
import time
from argparse import Action
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from django.core.management import get_commands, load_command_class
from django.core.management.base import BaseCommand, CommandError

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("scheduling", "triage_site", "llm_worker")
LIMIT_SECONDS = 20.0  # on a busy machine
MORE_BYTES = 2 * 2**30  # of address space, in addition to what the process has
TEXTS = {
    "empty": "",
    "blank": "  ",
    "NUL": "a\0b",
    "not UTF-8": "caf\udce9",
    "long": "x" * 1_000_000,
    "word": "no-such-thing",
    "negative": "-1",
    "zero": "0",
    "huge": "9" * 400,
    "very many digits": "9" * 5_000,
    "large": str(10**12),
    "not finite": "nan",
    "infinite": "inf",
    "exponent": "1e308",
    "fraction": "0.5",
    "other digits": "٣",
    "commas": ",,,,",
    "date without zone": "2026-03-01",
    "last date": "9999-12-31T23:59:59-23:59",
    "first date": "0001-01-01T00:00:00+23:59",
    "address": "http://[",
    "other scheme": "file:///etc/passwd",
    "control characters": "a\r\n\x1b[2J",
}
CONTENTS = {
    "empty": b"",
    "blank": b"\n \n",
    "NUL": b"a,b\n\0,\0\n",
    "binary": bytes(range(256)) * 50,
    "Latin-1": "id,text\n1,caf\xe9\n".encode("latin-1"),
    "UTF-16": "id,text\n1,x\n".encode("utf-16"),
    "cut JSON": b'{"format": "step-time/1", "name": [1, 2',
    "cut CSV": b'arrival,priority,prompt,output\n1,2,"30',
    "unknown columns": b"a,b,c\n1,2,3\n",
    "header alone": b"arrival,priority,prompt,output\n",
    "short row": b"arrival,priority,prompt,output\n1\n",
    "long row": b"id,text,age_years\n1,pain,30,4,5,6,7\n",
    "same column twice": b"text,text,age_years\nx,y,30\n",
    "deep JSON": b"[" * 100_000,
    "deep object": b'{"a":' * 100_000,
    "long line": b"x" * 1_000_000,
    "long cell": b"id,text\n1," + b"x" * 200_000 + b"\n",
    "long number": b"9" * 5_000,
    "number": b"7\n",
    "null": b"null\n",
    "text": b'"x"\n',
    "list": b"[]\n",
    "list of lists": b"[[1], [2]]\n",
    "object": b"{}\n",
    "lone surrogate": b'{"id": "\\ud800", "text": "\\ud800"}\n',
    "infinite": b'{"arrival": Infinity, "priority": NaN, "prompt": 1e999, "output": 1}\n',
}
SUFFIXES = (".csv", ".json", ".jsonl", "")
VALUES: list[Any] = [
    *(None, True, -1, 0.5, 10**30, 10**400, 1e308, float("nan"), "", "x", "\0", "\ud800"),
    *("٣", "1e5", [], [None], {}, {"a": 1}),
]


class TookTooLong(BaseException):
    """Not an Exception, so that no command catches it."""


@dataclass(frozen=True, slots=True)
class Said:
    code: int | str  # a text names the exception that left the command
    seconds: float
    error: str


def own_commands() -> dict[str, BaseCommand]:
    found = {name: load_command_class(app, name) for name, app in get_commands().items()}
    return {
        name: command
        for name, command in sorted(found.items())
        if type(command).__module__.partition(".")[0] in PACKAGES
    }


def own_options(command: BaseCommand) -> list[Action]:
    """The options of a command that take a value, without those of every command of Django."""
    common = {action.dest for action in BaseCommand().create_parser("", "")._actions}
    parser = command.create_parser("manage.py", "x")
    return [
        action
        for action in parser._actions
        if action.dest not in common and action.nargs != 0 and action.choices is None
    ]


def written(folder: Path, name: str, content: bytes, suffix: str) -> Path:
    path = folder / f"{name.replace(' ', '-')}{suffix}"
    path.write_bytes(content)
    return path


def wrong_files(folder: Path) -> Iterator[Path]:
    """The file name says what is wrong with the file."""
    for suffix in SUFFIXES:
        for name, content in CONTENTS.items():
            yield written(folder, name, content, suffix)
        (folder / f"a-folder{suffix}").mkdir()
        yield folder / f"a-folder{suffix}"
        yield folder / f"missing{suffix}"
        yield folder / "missing-folder" / f"x{suffix}"
        yield folder / "empty.csv" / f"below-a-file{suffix}"
        yield folder / ("x" * 300 + suffix)
        pipe = folder / f"pipe{suffix}"
        os.mkfifo(pipe)
        yield pipe
        endless = folder / f"endless{suffix}"
        endless.symlink_to("/dev/zero")  # a link, so that no fault can write over the device
        yield endless


def changed(record: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A good record with one field missing, unknown, or of a wrong value, at every depth."""
    yield {**record, "unknown field": 1}
    for field, good in record.items():
        yield {key: one for key, one in record.items() if key != field}
        for value in VALUES:
            yield {**record, field: value}
        if isinstance(good, dict):
            for inner in changed(good):
                yield {**record, field: inner}


def changed_files(folder: Path, record: dict[str, Any], suffix: str) -> Iterator[Path]:
    for number, wrong in enumerate(changed(record)):
        yield written(folder, f"changed-{number}", json.dumps(wrong).encode(), suffix)


def run(name: str, arguments: list[str], typed: bytes = b"") -> Said:
    """Runs a command. Output is written as a terminal would take it: strict UTF-8."""
    out, error = _stream("strict"), _stream("backslashreplace")
    started = time.monotonic()
    stdin = sys.stdin
    sys.stdin = io.TextIOWrapper(io.BytesIO(typed), encoding="utf-8")
    try:
        with redirect_stdout(out), redirect_stderr(error), _limited():
            code: int | str = _run(name, arguments)
    except TookTooLong:
        code = "no answer"
    except BaseException as fault:
        code = f"{type(fault).__name__}: {fault!s:.200}"
    finally:
        sys.stdin = stdin
    error.flush()
    said = error.buffer.getvalue().decode()  # type: ignore[attr-defined]
    return Said(code, time.monotonic() - started, said)


def _run(name: str, arguments: list[str]) -> int:
    command: Any = load_command_class(get_commands()[name], name)
    command._called_from_command_line = True  # as of `run_from_argv`
    try:
        options = vars(command.create_parser("manage.py", name).parse_args(arguments))
        command.execute(**{**options, "skip_checks": True})
    except CommandError as error:
        command.stderr.write(f"{type(error).__name__}: {error}")
        return error.returncode
    except SystemExit as ended:
        if isinstance(ended.code, str):
            command.stderr.write(ended.code)
            return 1
        return ended.code or 0
    return 0


def _stream(errors: str) -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BytesIO(), encoding="utf-8", errors=errors, write_through=True)


@contextmanager
def _limited() -> Iterator[None]:
    """Limits time and memory. The timer of pytest goes on afterwards."""

    def stop(*_: object) -> None:
        raise TookTooLong

    handler = signal.signal(signal.SIGALRM, stop)
    left, _ = signal.setitimer(signal.ITIMER_REAL, LIMIT_SECONDS)
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (_mapped_bytes() + MORE_BYTES, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
        signal.setitimer(signal.ITIMER_REAL, left)
        signal.signal(signal.SIGALRM, handler)


def _mapped_bytes() -> int:
    return psutil.Process().memory_info().vms
