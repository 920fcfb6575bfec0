"""Measures a surge: cases from one caller over HTTP while boards are open, on this machine.

    python bench/surge.py --url http://127.0.0.1:8000 --token TOKEN --user nurse --password ...

The site must run (`manage.py up`) on the loopback interface. Prints one JSON line: submit times,
how many cases got the classifier's level, bytes that the boards received, in all and per board,
and the same for a small load before the surge.
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import httpx

MAX_CASES, MAX_BOARDS, MAX_SECONDS = 2000, 400, 300
STORIES = (
    "crushing chest pain for an hour, sweating, pale",
    "twisted ankle on the stairs, can walk",
    "fever and cough for three days, tired",
    "cut in the finger from a kitchen knife, bleeding stopped",
    "severe headache, worst of life, vomiting",
    "sore throat since yesterday, drinks well",
    "abdominal pain on the right, no vomiting",
    "needs a repeat prescription, no complaint",
)


@dataclass
class Boards:
    """Open boards: each reads its stream to the end in a thread and counts bytes."""

    url: str
    cookie: str
    num: int
    num_bytes: int = 0
    num_events: dict[str, int] = field(default_factory=dict)
    _stop: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _threads: list[threading.Thread] = field(default_factory=list)

    def open(self) -> None:
        threading.stack_size(256 * 1024)
        for _ in range(self.num):
            thread = threading.Thread(target=self._read, daemon=True)
            thread.start()
            self._threads.append(thread)
            time.sleep(0.01)

    def close(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(2)

    def _read(self) -> None:
        headers = {"Cookie": self.cookie}
        while not self._stop.is_set():
            try:
                with httpx.stream(
                    "GET", f"{self.url}/live/board/", headers=headers, timeout=30, trust_env=False
                ) as answer:
                    for chunk in answer.iter_raw():
                        self._count(chunk)
                        if self._stop.is_set():
                            return
            except httpx.HTTPError:
                time.sleep(0.5)

    def _count(self, chunk: bytes) -> None:
        with self._lock:
            self.num_bytes += len(chunk)
            for name in re.findall(rb"^event: (\w+)", chunk, re.MULTILINE):
                self.num_events[name.decode()] = self.num_events.get(name.decode(), 0) + 1


def sign_in(url: str, user: str, password: str) -> str:
    with httpx.Client(base_url=url, follow_redirects=False, trust_env=False, timeout=30) as client:
        page = client.get("/login/")
        found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)
        assert found, "the login page has no form"
        data = {"username": user, "password": password, "csrfmiddlewaretoken": found[1]}
        client.post("/login/", data=data, headers={"Referer": url})
        return f"sessionid={client.cookies['sessionid']}"


def submit(client: httpx.Client, number: int) -> tuple[float, int, str]:
    """Returns seconds, HTTP status and the id of the new case."""
    story = f"{STORIES[number % len(STORIES)]}, patient {number}"
    begun = time.monotonic()
    try:
        answer = client.post("/api/v1/cases", json={"text": story, "age_years": 20 + number % 60})
    except httpx.HTTPError:
        return time.monotonic() - begun, 0, ""
    case_id = answer.json()["id"] if answer.status_code in (200, 201) else ""
    return time.monotonic() - begun, answer.status_code, case_id


def send(client: httpx.Client, num: int, seconds: float) -> list[tuple[float, int, str]]:
    """Submits `num` cases at equal intervals in `seconds`; late answers delay no submission."""
    with ThreadPoolExecutor(64) as pool:
        begun, sent = time.monotonic(), []
        for number in range(num):
            time.sleep(max(0.0, begun + number * seconds / num - time.monotonic()))
            sent.append(pool.submit(submit, client, number))
        return [one.result() for one in sent]


def times(sent: list[tuple[float, int, str]]) -> dict[str, float]:
    seconds = sorted(one[0] for one in sent)
    at95 = seconds[min(len(seconds) - 1, int(0.95 * len(seconds)))]
    return {
        "median": round(statistics.median(seconds), 3),
        "p95": round(at95, 3),
        "max": round(seconds[-1], 3),
    }


def levels(client: httpx.Client, case_ids: list[str], seconds: float) -> dict[str, int]:
    """Waits up to `seconds` for the classifier's level of every case; counts what each has."""
    deadline, counts = time.monotonic() + seconds, {"classified": 0, "late": 0, "without": 0}
    open_ids = set(case_ids)
    while open_ids and time.monotonic() < deadline:
        for case_id in list(open_ids):
            value = client.get(f"/api/v1/cases/{case_id}").json()
            kinds = [one["status"] for one in value["timestamps"]]
            if value["priority"] is not None and not _is_provisional(value):
                open_ids.discard(case_id)
                counts["classified"] += 1
            elif "cancelled" in kinds:
                open_ids.discard(case_id)
        time.sleep(1.0)
    counts["without"] = len(open_ids)
    return counts


def _is_provisional(value: dict[str, object]) -> bool:
    """A level of the classifier has at least one reason of its model."""
    reasons = value["reasons"]
    assert isinstance(reasons, list)
    return not any(one.get("kind") == "model" for one in reasons)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", default="http://127.0.0.1:8000")
    parser.add_argument("--token", required=True)
    parser.add_argument("--user", required=True)
    parser.add_argument("--password", required=True)
    parser.add_argument("--cases", type=int, default=300)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--boards", type=int, default=200)
    parser.add_argument("--wait", type=float, default=120.0)
    given = parser.parse_args()
    if urlsplit(given.url).hostname not in ("127.0.0.1", "localhost", "::1"):
        parser.error("--url: only the loopback interface")
    if given.cases > MAX_CASES or given.boards > MAX_BOARDS or given.seconds > MAX_SECONDS:
        parser.error(f"at most {MAX_CASES} cases, {MAX_BOARDS} boards, {MAX_SECONDS} seconds")
    headers = {"Authorization": f"Bearer {given.token}"}
    limits = httpx.Limits(max_connections=64)
    with httpx.Client(
        base_url=given.url, headers=headers, timeout=180, trust_env=False, limits=limits
    ) as client:
        idle = times(send(client, 10, 10.0))
        boards = Boards(given.url, sign_in(given.url, given.user, given.password), given.boards)
        boards.open()
        sent = send(client, given.cases, given.seconds)
        statuses = [one[1] for one in sent]
        taken = [one[2] for one in sent if one[2]]
        found = levels(client, taken, given.wait)
        boards.close()
    print(
        json.dumps(
            {
                "submit_idle": idle,
                "submit": times(sent),
                "statuses": {str(one): statuses.count(one) for one in sorted(set(statuses))},
                "cases": len(taken),
                "levels": found,
                "board_megabytes": round(boards.num_bytes / 1e6, 1),
                "megabytes_per_board": round(boards.num_bytes / 1e6 / max(1, given.boards), 3),
                "board_events": boards.num_events,
            }
        )
    )
    return 0 if found["without"] == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
