"""Measures submissions while Redis is frozen (SIGSTOP), and every case afterwards.

    python -m bench.frozen_redis --token TOKEN --redis-pid PID

The site must run (`manage.py up`) on the loopback interface; PID is its own Redis server. Prints
one JSON line. Exit code 0: every POST was answered within two seconds (1.0 s time-out and the
rest of the work), and every case has the classifier's level in the end.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import threading
import time
from urllib.parse import urlsplit

import httpx

from bench.surge import levels, send, times


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", default="http://127.0.0.1:8000")
    parser.add_argument("--token", required=True)
    parser.add_argument("--redis-pid", type=int, required=True)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--cases", type=int, default=60)
    given = parser.parse_args()
    if urlsplit(given.url).hostname not in ("127.0.0.1", "localhost", "::1"):
        parser.error("--url: only the loopback interface")
    headers = {"Authorization": f"Bearer {given.token}"}
    with httpx.Client(base_url=given.url, headers=headers, timeout=60, trust_env=False) as client:
        os.kill(given.redis_pid, signal.SIGSTOP)
        thaw = threading.Timer(given.seconds, os.kill, (given.redis_pid, signal.SIGCONT))
        thaw.start()
        try:
            sent = send(client, given.cases, given.seconds - 2)
        finally:
            thaw.join()
        begun = time.monotonic()
        found = levels([one[2] for one in sent if one[2]], 180)
        settled = time.monotonic() - begun
    statuses = [one[1] for one in sent]
    print(
        json.dumps(
            {
                "submit": times(sent),
                "statuses": {str(one): statuses.count(one) for one in sorted(set(statuses))},
                "levels": found,
                "settled_seconds": round(settled, 1),
            }
        )
    )
    ok = found["without"] == 0 and times(sent)["max"] <= 2.0 and set(statuses) <= {200, 201}
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
