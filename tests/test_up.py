"""`manage.py up` as a real process: it starts all processes, reports once, and stops them."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import redis

from tests.fixtures import wait_until
from triage_site.embedded_redis import free_port

ROOT = Path(__file__).resolve().parent.parent
START_SECONDS = 150  # on a busy machine
STOP_SECONDS = 25

pytestmark = pytest.mark.slow


class Up:
    """A running `manage.py up` with its own data folder, and its output."""

    def __init__(self, data_dir: Path, port: int, **more: str) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.data_dir = data_dir
        inherited = {
            key: value
            for key, value in os.environ.items()
            if key not in ("DATABASE_URL", "REDIS_URL", "SECRET_KEY")
        }
        own = {
            "DATA_DIR": str(data_dir),
            "PORT": str(port),
            "DJANGO_SETTINGS_MODULE": "triage_site.settings",
        }
        self.process = subprocess.Popen(
            [sys.executable, "manage.py", "up"],
            cwd=ROOT,
            env={**inherited, **own, **more},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.lines: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))

    @property
    def log(self) -> str:
        return "\n".join(self.lines)

    def wait_until_ready(self) -> None:
        wait_until(
            lambda: f"ready: {self.url}" in self.lines or self.process.poll() is not None,
            seconds=START_SECONDS,
            what=lambda: f"everything is ready; so far:\n{self.log}",
        )
        assert self.process.poll() is None, self.log

    def pids(self) -> set[int]:
        """The ids of this process and all its descendants."""
        parents = {}
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = stat.read_text().rsplit(")", 1)[1].split()
            except OSError:
                continue
            parents[int(stat.parent.name)] = int(fields[1])
        found = {self.process.pid}
        while more := {pid for pid, parent in parents.items() if parent in found} - found:
            found |= more
        return found

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        if self.process.poll() is None:
            self.process.send_signal(number)
        code = self.process.wait(STOP_SECONDS)
        self._reader.join(5)
        return code


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Up]:
    running = Up(tmp_path / "data", free_port())
    yield running
    running.process.kill()
    running.process.wait()


def is_gone(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except (OSError, IndexError):
        return True
    return state == "Z"


def redis_client(up: Up) -> redis.Redis:
    return redis.Redis.from_url((up.data_dir / "redis" / "url").read_text().strip())


@pytest.mark.timeout(400)
def test_a_site_starts_reports_heals_stops_and_starts_again_with_its_data(up: Up) -> None:
    """One site for all of it: each start takes many seconds of processor time."""
    up.wait_until_ready()
    it_reports_once_that_every_part_works(up)
    a_second_start_on_its_folder_is_refused(up)
    a_killed_process_is_started_again(up)
    redis_client(up).set("kept", "yesterday")
    pids, begun = up.pids(), time.monotonic()
    assert len(pids) >= 5

    assert up.stop(signal.SIGINT) == 0, up.log
    assert time.monotonic() - begun < 60  # seconds, on a busy machine; 3 on an idle one
    assert [pid for pid in pids if not is_gone(pid)] == []

    again = Up(up.data_dir, int(up.url.rpartition(":")[2]))
    try:
        again.wait_until_ready()
        assert redis_client(again).get("kept") == b"yesterday"
        pids = again.pids()
        again.process.kill()
        wait_until(lambda: all(is_gone(pid) for pid in pids), seconds=10, what="all are gone")
    finally:
        again.stop()


def it_reports_once_that_every_part_works(up: Up) -> None:
    assert [line for line in up.lines if "ready: http" in line] == [f"ready: {up.url}"]
    assert httpx.get(f"{up.url}/healthz/", trust_env=False).json()["ok"]
    ready = httpx.get(f"{up.url}/readyz/", trust_env=False).json()
    assert ready["ok"]
    assert ready["parts"]["classify"] == ready["parts"]["gpu"] == {"ok": True}
    assert "API token" in up.log
    wait_until(
        lambda: (
            {one.name.partition("-")[0] for one in (up.data_dir / "beats").iterdir()}
            >= {"web", "classify", "gpu", "compare", "console"}
        ),
        seconds=60,
        what="every process shows a sign of life",
    )


def a_second_start_on_its_folder_is_refused(up: Up) -> None:
    second = Up(up.data_dir, free_port())
    assert second.process.wait(60) != 0
    second.stop()
    assert "DATA_DIR:" in second.log
    assert str(up.process.pid) in second.log
    assert "Traceback" not in second.log


def a_killed_process_is_started_again(up: Up) -> None:
    web = next(pid for pid in up.pids() if b"uvicorn" in Path(f"/proc/{pid}/cmdline").read_bytes())
    os.kill(web, signal.SIGKILL)
    wait_until(
        lambda: re.search(r"web exited on SIGKILL; it restarts", up.log) is not None,
        seconds=10,
        what="the end is noticed",
    )

    def answers() -> bool:
        try:
            return httpx.get(f"{up.url}/healthz/", trust_env=False).status_code == 200
        except httpx.HTTPError:
            return False

    wait_until(answers, seconds=START_SECONDS, what="the web is back")


@pytest.mark.timeout(400)
def test_a_wrong_model_leaves_the_rest_working_and_is_taken_when_it_is_there(
    tmp_path: Path,
) -> None:
    model = tmp_path / "model"
    up = Up(tmp_path / "data", free_port(), TRIAGE_LLM=str(model))
    try:
        up.wait_until_ready()
        assert f"AI guidance offline: TRIAGE_LLM: {model}: there is no such folder" in up.log
        assert "gpu is ready" not in up.log
        token = re.search(r"nurse .* API token (\S+)", up.log)
        assert token is not None
        client = httpx.Client(
            base_url=f"{up.url}/api/v1/",
            headers={"Authorization": f"Bearer {token[1]}"},
            timeout=20,
            trust_env=False,
        )
        body = {"text": "fell, wrist hurts", "age_years": 40, "confirmed": True}
        case_id = client.post("cases", json=body, headers={"Idempotency-Key": "a"}).json()["id"]

        def case() -> dict[str, object]:
            answer: dict[str, object] = client.get(f"cases/{case_id}").json()
            return answer

        wait_until(lambda: case()["status"] == "queued", seconds=60, what="it has a level")
        assert case()["priority"] is not None
        shutil.copytree(ROOT / "llm_worker" / "models" / "embedded", model)
        wait_until(
            lambda: case()["status"] == "done",
            seconds=150,
            what=lambda: f"the model is taken: {up.log[-2000:]}",
        )
        wait_until(
            lambda: "AI guidance is online" in up.log, seconds=30, what="it is said in the log"
        )
        assert "gpu exited" not in up.log
    finally:
        up.stop()


def test_a_port_in_use_is_named(tmp_path: Path) -> None:
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        up = Up(tmp_path, taken.getsockname()[1])
        assert up.process.wait(60) != 0
        up.stop()
    assert f"PORT: {up.url.rpartition(':')[2]}" in up.log
    assert "Traceback" not in up.log
