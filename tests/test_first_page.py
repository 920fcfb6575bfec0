"""The first page after a start waits for nothing that a later one does not wait for."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from django.conf import settings

LOADS = """
import sys
import triage_site.asgi
before = set(sys.modules)
from django.test import Client
Client(SERVER_NAME="localhost").get("/.well-known/security.txt")
new = sorted(name for name in set(sys.modules) - before if name.split(".")[0] in
             ("triage_site", "scheduling", "ninja", "pydantic"))
print("loaded by the first page:", new)
sys.exit(bool(new))
"""


def test_the_web_process_loads_its_pages_before_it_serves_one(tmp_path: Path) -> None:
    """Django loads them with the first page by itself: .9 s of its time."""
    environment = {**os.environ, "DATA_DIR": str(tmp_path), "TRIAGE_DEMO": "1"}
    for name in ("DATABASE_URL", "REDIS_URL"):
        environment.pop(name, None)
    environment["DJANGO_SETTINGS_MODULE"] = "triage_site.settings"
    done = subprocess.run(
        [sys.executable, "-c", LOADS],
        cwd=settings.BASE_DIR,
        env=environment,
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode == 0, done.stdout + done.stderr
