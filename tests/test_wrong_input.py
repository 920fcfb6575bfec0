"""Every option and file of every command, with wrong values: a sentence, no traceback, no hang.

The commands and their options are found in the project, so a new one is tested by itself once
`RIGHT` says how it is called rightly.
"""

from __future__ import annotations

import json
from argparse import Action
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError, ProgrammingError

import manage
from llm_worker.training.train_guidance import MODEL_FOLDER, load
from tests import wrong_input
from tests.wrong_input import CONTENTS, ROOT, TEXTS, Said, own_commands, own_options, run

pytestmark = pytest.mark.django_db

CALLS = str(ROOT / "fixtures" / "calls" / "city_day.jsonl")
NO_SITE = "--url=http://127.0.0.1:1"  # nothing listens there
SMALL = ("--gap-num=1", "--max-concurrent-user-requests=2")
# How each command with options is called rightly. None: it runs until it is stopped.
RIGHT: dict[str, tuple[str, ...]] = {
    "account": ("alice", "--role=clinician", "--password-stdin"),
    "compare": SMALL,
    "demo_accounts": (),
    "department": ("PAED", "--name=Paediatrics"),
    "evaluate_guidance": ("--limit=1", "--generated=1"),
    "evaluate_triage": ("good.jsonl",),
    "experiments": ("report", "--out=out"),
    "explain_order": ("--at=2026-03-01T08:00:00+00:00",),
    "grant_site_role": ("triage_site", "--password-stdin"),
    "judge_eta": (),
    "reconcile": (),
    "refit_length": (),
    "remove_replay": ("6f1c0c3a-0000-4000-8000-000000000000",),
    "replay": (CALLS, NO_SITE, "--token=x"),
    "retention": (),
    "rotate_keys": (),
    "simulate": SMALL,
    "verify_audit": (),
}
FOR_EVER = {"run_comparisons", "run_console", "run_shadow", "up"}
VITALS: dict[str, Any] = {
    "text": "chest pain", "age_years": 60.0, "sex": "male", "hr_bpm": 90.0, "sbp_mmhg": 120.0,
}  # fmt: skip
WORK = {"id": "a", "arrival": 0, "priority": 2, "prompt": 5, "output": 5, "predicted": 5,
        "group": 0, "sent": 0}  # fmt: skip
SETTING = {"format": "step-time/1", "name": "x", "base_seconds": 0.01, "num_slots": 2,
           "seconds_per_new_token": 0.01, "seconds_per_kv_token": 0.0, "max_step_tokens": 64,
           "num_kv_blocks": 64, "kv_block_tokens": 32, "swap_seconds_per_token": None,
           "measured_on": ""}  # fmt: skip
CALL = json.loads(Path(CALLS).read_text().partition("\n")[0])
# A good record of each kind of file, the ending of the file, and the command that reads it.
RECORDS: dict[str, tuple[dict[str, Any], str, Callable[[str], tuple[str, ...]]]] = {
    "workload": (WORK, ".jsonl", lambda file: ("simulate", f"--workload={file}")),
    "setting": (SETTING, ".json", lambda file: ("simulate", f"--setting={file}", *SMALL)),
    "calls": (CALL, ".jsonl", lambda file: ("replay", file, NO_SITE, "--token=x")),
    "cases": (VITALS | {"id": "a"}, ".jsonl", lambda file: ("evaluate_triage", file)),
    "guidance": ({"facts": VITALS, "priority": 2, "danger_signs": [], "must": ["a"]}, ".jsonl",
                 lambda file: ("evaluate_guidance", f"--file={file}", "--generated=0")),
}  # fmt: skip


@pytest.fixture(autouse=True)
def quick(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An own working folder, no waiting for a site that is not there, no model that writes."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "good.jsonl").write_text(json.dumps(VITALS))
    monkeypatch.setattr("triage_site.cases.replay.RETRY_SECONDS", 0.0)
    guidance = "llm_worker.training.evaluate_guidance"
    (tmp_path / "guidance.jsonl").write_text(json.dumps({"facts": VITALS}))
    for shipped in ("HANDWRITTEN", "HARD_NOTES"):
        monkeypatch.setattr(f"{guidance}.{shipped}", tmp_path / "guidance.jsonl")
    monkeypatch.setattr(f"{guidance}.CALLS", tmp_path / "none")
    command = "llm_worker.management.commands.evaluate_guidance"
    monkeypatch.setattr(f"{command}.report", _no_report)
    monkeypatch.setattr(f"{command}.load", lambda folder: _loaded(folder, load))


def _loaded(folder: Path, load: Callable[[Path], Any]) -> Any:
    """The shipped model is loaded once; it is right."""
    return (None, None) if folder == MODEL_FOLDER else load(folder)


def _no_report(*_: object) -> None:
    raise SystemExit("the model would write now")


def called(name: str, action: Action, value: str) -> list[str]:
    """The right call of a command with one value in place of the right one."""
    right = list(RIGHT[name])
    if action.option_strings:
        option = action.option_strings[0]
        return [f"{option}={value}", *(one for one in right if not one.startswith(f"{option}="))]
    return [*(one for one in right[1:]), "--", value]


def wrong_values(action: Action, files: list[Path]) -> list[str]:
    """For a file to write, what it holds does not matter."""
    kind = getattr(action.type, "__name__", "")
    if kind == "output":
        files = [
            file
            for file in files
            if file.suffix == ".csv" and file.stem.replace("-", " ") not in CONTENTS
        ]
    elif kind != "path" and action.dest != "setting":
        files = []
    return [*TEXTS.values(), *map(str, files)]


def fault(said: Said, words: list[str]) -> str | None:
    """What is wrong with the answer of a command that was called with a wrong value."""
    if said.code not in (0, 1, 2):
        return f"ended with {said.code}"
    if "Traceback" in said.error:
        return "a traceback"
    if said.code and not any(word in said.error for word in words):
        return f"names neither option nor file: {said.error[-200:]}"
    if len(said.error) > 4_000:
        return f"says {len(said.error)} characters"
    return None


def test_every_command_is_tested() -> None:
    assert set(own_commands()) == set(RIGHT) | FOR_EVER
    assert not [name for name in FOR_EVER if own_options(own_commands()[name])]


@pytest.mark.parametrize("name", sorted(RIGHT))
def test_a_wrong_value_of_an_option_is_answered_with_a_sentence(name: str, tmp_path: Path) -> None:
    options = own_options(own_commands()[name])
    (tmp_path / "files").mkdir()
    files = list(wrong_input.wrong_files(tmp_path / "files"))
    as_right = run(name, list(RIGHT[name]), b"a long enough password\n")
    assert as_right.code in (0, 1, 2), as_right
    faults = []
    for action in options:
        names = {*action.option_strings, action.dest}
        for value in wrong_values(action, files):
            said = run(name, called(name, action, value), b"a long enough password\n")
            # A right value may meet the same obstacle as before: no site, no recorded job.
            shown = str(Path(value.replace("\0", ""))).encode(errors="backslashreplace").decode()
            words = [*names, shown, as_right.error or "-"]
            if found := fault(said, words):
                faults.append(f"{action.dest} {value[-80:]!r}: {found}")
    assert not faults, "\n".join(faults)


@pytest.mark.one_database  # it is refused before anything is asked
@pytest.mark.parametrize("name", sorted(set(RIGHT) | FOR_EVER))
def test_unknown_options_and_surplus_words_are_refused(name: str) -> None:
    for surplus in ("--no-such-option", "--no-such-option=\udcff", "one-word-too-many"):
        said = run(name, [*RIGHT.get(name, ()), surplus])
        assert said.code == 2, (surplus, said)
        assert "unrecognized arguments" in said.error


@pytest.mark.one_database  # no row is written or read
@pytest.mark.parametrize("kind", sorted(RECORDS))
def test_a_wrong_field_of_a_file_is_answered_with_its_name(kind: str, tmp_path: Path) -> None:
    record, suffix, command = RECORDS[kind]
    faults = []
    for file in wrong_input.changed_files(tmp_path, record, suffix):
        name, *arguments = command(str(file))
        said = run(name, arguments)
        if found := fault(said, [str(file), "request a: ", "no connection", "would write now"]):
            faults.append(f"{file.read_text()[:300]}: {found}")
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize("typed", [b"", b"\xff\n", b"\0\n", b"x" * 1_000_000, b"1\n"])
def test_a_wrong_password_is_refused_with_a_sentence(typed: bytes) -> None:
    for more in ((), ("--password-stdin",)):
        said = run("account", ["bob", "--role=clinician", *more], typed)
        assert said.code == 1, said
        assert "bob" in said.error or "password" in said.error


@pytest.mark.parametrize("kind", [OperationalError, ProgrammingError])
def test_a_database_that_does_not_answer_is_named(
    kind: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: list[str]) -> None:
        raise kind("a value of a row")

    monkeypatch.setattr("django.core.management.execute_from_command_line", fail)
    with pytest.raises(SystemExit, match=r"^DATABASE_URL: ") as ended:
        manage.main()
    assert "a value of a row" not in str(ended.value)
