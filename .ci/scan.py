"""Looks for known holes in the pinned packages, where the database of holes can be reached.

    .venv/bin/python .ci/scan.py

One package is asked about first: without an answer within a few seconds the scan says so in one
line and ends well, so that `make lint` works without a network. Exit code 1 where a hole is known.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
SECONDS_TO_ANSWER = 5
SECONDS_OF_SCAN = 300
NO_ANSWER = "dependency scan: skipped, the database of known holes cannot be reached"


def main() -> int:
    pins = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if "==" in line]
    django = [pin for pin in pins if pin.lower().startswith("django==")]
    if not is_answered(audited(django, SECONDS_TO_ANSWER)):
        print(NO_ANSWER)
        return 0
    cuda = (ROOT / "requirements" / "torch-cuda.txt").read_text().splitlines()
    found = audited(pins + [line.split()[0] for line in cuda if "==" in line], SECONDS_OF_SCAN)
    if found is None:
        print(NO_ANSWER)
        return 0
    return report(found)


def audited(pins: list[str], seconds: float) -> list[dict[str, Any]] | None:
    """What pip-audit says of each package; None without an answer."""
    with tempfile.TemporaryDirectory() as folder:
        pinned = Path(folder) / "pinned.txt"
        pinned.write_text("\n".join(sorted(set(pins))) + "\n")
        command = [
            *(sys.executable, "-m", "pip_audit", "--progress-spinner", "off", "--format", "json"),
            *("--no-deps", "--disable-pip", "--timeout", "4", "--requirement", str(pinned)),
        ]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=seconds)
        except subprocess.TimeoutExpired:
            return None
    try:
        found: list[dict[str, Any]] = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError):
        return None
    return found


def is_answered(found: list[dict[str, Any]] | None) -> bool:
    return bool(found) and all("skip_reason" not in one for one in found or ())


def report(found: list[dict[str, Any]]) -> int:
    holes = [(one, hole) for one in found for hole in one.get("vulns", ())]
    for one, hole in holes:
        mended = ", ".join(hole.get("fix_versions", ())) or "no version yet"
        print(f"{one['name']} {one['version']}: {hole['id']}, mended in {mended}")
    unknown = [one["name"] for one in found if "skip_reason" in one]
    more = f", {len(unknown)} not in the database: {', '.join(unknown)}" if unknown else ""
    print(f"dependency scan: {len(found)} packages, {len(holes)} known holes{more}")
    return 1 if holes else 0


if __name__ == "__main__":
    sys.exit(main())
