"""`manage.py up` with one wrong value of each variable: one sentence, no traceback."""

from __future__ import annotations

import multiprocessing
import os
import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SETTINGS = ROOT / "triage_site" / "settings.py"
# None of these reads a variable of the settings.
PRELOADED = ["celery", "django.core.management", "redis", "structlog", "triage_site.triage"]
# A wrong value of every variable, and other variables that it needs.
GOOD_KEY = "".join(map(chr, range(ord("0"), ord("z"))))
WRONG: dict[str, tuple[str, dict[str, str]]] = {
    "TRIAGE_DEMO": ("maybe", {}),
    "DEBUG": ("maybe", {}),
    "PORT": ("http", {}),
    "HOST": ("no.such.host.invalid", {}),
    "CSRF_TRUSTED_ORIGINS": ("triage.example", {}),
    "BEHIND_TLS_PROXY": ("maybe", {}),
    "TRIAGE_RETENTION_CASE_DAYS": ("0", {}),
    "TRIAGE_RETENTION_AUDIT_DAYS": ("364", {"TRIAGE_RETENTION_CASE_DAYS": "365"}),
    "SECURITY_CONTACT": ("security at the site", {}),
    "DATA_DIR": ("/dev/null/x", {}),
    "REDIS_URL": ("redis://127.0.0.1:1/0", {}),
    "DATABASE_URL": ("postgres://nobody@127.0.0.1:1/x", {}),
    "SECRET_KEY": ("", {"TRIAGE_DEMO": "0"}),
    "SECRET_KEY_FALLBACKS": ("short", {"TRIAGE_DEMO": "0", "SECRET_KEY": GOOD_KEY}),
    "TRIAGE_SECOND_FACTOR": ("some", {}),
    "EMAIL_URL": ("mail.example", {}),
    "EMAIL_FROM": ("nobody", {}),
    "TRIAGE_FAILED_NAMES": ("1", {}),
    "TRIAGE_LLM_RANDOM": ("maybe", {}),
    "TRIAGE_DEVICE": ("tpu", {}),
    "TRIAGE_MAX_NEW_TOKENS": ("0", {}),
    "TRIAGE_SLOTS": ("eight", {}),
    "TRIAGE_KV_BLOCKS": ("-1", {}),
    "TRIAGE_TORCH_THREADS": ("0", {}),
    "TRIAGE_PREEMPTION": ("always", {}),
    "TRIAGE_LEASE_SECONDS": ("0", {}),
    "TRIAGE_DEADLINE_SECONDS": ("1,2,3", {}),
    "TRIAGE_TARGET_MINUTES": ("5,4,3,2,1", {}),
    "TRIAGE_REASSESS_MINUTES": ("5,15,30,60,0", {}),
    "TRIAGE_BREAK_GLASS_MINUTES": ("1441", {}),
    "TRIAGE_UNDER_COSTS": ("1,2,3,4", {}),
    "TRIAGE_OVER_COST": ("0", {}),
    "TRIAGE_MISSED_EMERGENCY_COST": ("-1", {}),
    "TRIAGE_QUEUE_BY_SET": ("maybe", {}),
    "TRIAGE_CLASSIFY_TIMEOUT_SECONDS": ("soon", {}),
    "TRIAGE_CLASSIFY_WAIT_SECONDS": ("soon", {}),
    "TRIAGE_DATABASE_WAIT_SECONDS": ("0", {}),
    "TRIAGE_CLASSIFIER": ("/no/such/folder", {}),
    "TRIAGE_SHADOW_CLASSIFIER": ("/no/such/folder", {}),
    "TRIAGE_ENGINE": ("cloud", {}),
    "TRIAGE_REMOTE_URL": ("localhost:8000", {"TRIAGE_ENGINE": "remote"}),
    "TRIAGE_REMOTE_TRUSTED_NETWORK": ("maybe", {}),
    "TRIAGE_REMOTE_MODEL": ("", {"TRIAGE_ENGINE": "remote", "TRIAGE_REMOTE_URL": "http://h"}),
    "TRIAGE_REMOTE_API": ("rest", {}),
    "TRIAGE_REMOTE_PRIORITY": ("maybe", {}),
    "TRIAGE_REMOTE_TOKEN_IDS": ("maybe", {}),
    "TRIAGE_REMOTE_FIRST_TOKEN_SECONDS": ("soon", {}),
    "TRIAGE_REMOTE_TOKEN_SECONDS": ("0", {}),
    "TIME_ZONE": ("Mars/Base", {}),
    "STATIC_MANIFEST": ("maybe", {}),
    "LOG_LEVEL": ("LOUD", {}),
    "LOG_FORMAT": ("xml", {}),
}
# Every text is accepted, or only the worker can tell (llm_worker/worker/test_wrong_models.py and
# llm_worker/engine/remote/test_probe.py).
NEVER_WRONG_AT_START = {"ALLOWED_HOSTS", "TRIAGE_LLM", "TRIAGE_REMOTE_API_KEY"}


def test_every_variable_of_the_settings_has_a_wrong_value_here() -> None:
    read = set(re.findall(r'environment\.\w+\(\s*"(\w+)"', SETTINGS.read_text()))
    assert read == set(WRONG) | NEVER_WRONG_AT_START


def start(name: str, folder: Path, output: Path) -> None:
    """Runs `manage.py up` in this process, with one wrong value; writes both streams to a file."""
    value, more = WRONG[name]
    for key in [key for key in os.environ if key in WRONG or key.startswith("DJANGO")]:
        del os.environ[key]
    given = {"DATA_DIR": str(folder / name), "PORT": "18999", **more, name: value}
    os.environ.update(given)
    with output.open("wb") as file:
        for stream in (1, 2):
            os.dup2(file.fileno(), stream)
    sys.argv = ["manage.py", "up"]
    os.chdir(ROOT)
    runpy.run_path("manage.py", run_name="__main__")


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_wrong_value_ends_the_start_with_one_sentence(tmp_path: Path) -> None:
    # Each start is a fork of a server that has only imported libraries, which takes most time.
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)
    wrong = {}
    for name in WRONG:
        output = tmp_path / f"{name}.txt"
        process = context.Process(target=start, args=(name, tmp_path, output))
        process.start()
        process.join(100)
        said = output.read_text()
        if not process.exitcode or "Traceback" in said or not is_one_sentence(name, said):
            wrong[name] = (process.exitcode, said[-600:])
    assert wrong == {}


def is_one_sentence(name: str, output: str) -> bool:
    """The last words on the screen; lines with `|` are the log of the supervisor."""
    said = [line for line in output.splitlines() if line.strip() and " | " not in line]
    return len(said) == 1 and f"{name}: " in said[0]


@pytest.mark.parametrize(
    "command",
    [
        ("-m", "uvicorn", "triage_site.asgi:application"),
        ("-m", "celery", "-A", "triage_site.celery", "worker", "-Q", "gpu", "--pool=threads"),
    ],
)
def test_other_programs_say_it_as_well(command: tuple[str, ...]) -> None:
    done = subprocess.run(
        [sys.executable, *command],
        cwd=ROOT,
        env={**os.environ, "TRIAGE_SLOTS": "0", "DJANGO_SETTINGS_MODULE": "triage_site.settings"},
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode != 0
    assert "TRIAGE_SLOTS: must be at least 1" in done.stderr
    assert "Traceback" not in done.stderr
