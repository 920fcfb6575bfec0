"""Real processes under load, with faults from a seed: nothing lost, doubled or stuck.

    python -m tests.chaos.run --kills 60 --seed 1 --database sqlite

Prints a line for each fault, a table, and last one JSON line. The exit status is 1 when a case
was lost, doubled or stuck. `recovery` is the time from the end of a fault until a level-0 case
that arrives then has its whole guidance.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import signal
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import django
import httpx

from tests.chaos.faults import Fault, draw, inject
from tests.chaos.site import ROOT, Site
from tests.postgres import Postgres

# A killed process must not take commits with it, as the fast server of the other tests lets it.
DURABLE = ("-c", "synchronous_commit=on")
LEASE_SECONDS = 5
RECOVERY_LIMIT_SECONDS = 120.0
QUIET_SECONDS = 90.0


def main(arguments: Sequence[str]) -> int:
    options = _options(arguments)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="triage-chaos-")))
        postgres = None
        if options.database == "postgres":
            postgres = stack.enter_context(Postgres(*DURABLE))
        environment = {
            "TRIAGE_LEASE_SECONDS": str(LEASE_SECONDS),
            "TRIAGE_SLOTS": str(options.slots),
            "LOG_LEVEL": "WARNING",
        }
        site = Site(folder, environment, postgres)
        stack.callback(site.stop)
        site.wait_until_ready()
        _use_its_stores(site)
        result = _run(site, options)
        if options.log:
            Path(options.log).write_text(site.log())
    print(json.dumps(result), flush=True)
    return 1 if result["lost"] or result["doubled"] or result["stuck"] else 0


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=20, help="number of faults")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--database", choices=("sqlite", "postgres"), default="sqlite")
    parser.add_argument("--fixture", default="fixtures/calls/mass_casualty.jsonl")
    parser.add_argument("--gap", type=float, default=1.0, help="seconds between two calls")
    parser.add_argument("--slots", type=int, default=4)
    parser.add_argument("--log", help="file for the log of the site")
    return parser.parse_args(arguments)


def _use_its_stores(site: Site) -> None:
    """Django of this process reads the database of the site, to judge afterwards."""
    for name in ("DATABASE_URL", "REDIS_URL", "SECRET_KEY"):
        os.environ.pop(name, None)
    os.environ.update(site.environment)
    django.setup()


def _run(site: Site, options: argparse.Namespace) -> dict[str, object]:
    from tests.chaos.load import Api, Load, wait_for_ends
    from triage_site.cases.calls import load_calls
    from triage_site.cases.demo import demo_token

    headers = {"Authorization": f"Bearer {demo_token('nurse')}"}
    with httpx.Client(
        base_url=f"{site.url}/api/v1/", headers=headers, timeout=20, trust_env=False
    ) as client:
        api = Api(client)
        load = Load(api, load_calls(ROOT / options.fixture), options.gap)
        load.start()
        time.sleep(3 * options.gap)
        recoveries = _inject_all(site, api, options)
        load.finish()
        stuck = wait_for_ends(api, QUIET_SECONDS)
    if load.error:
        print(f"the load gave up: {load.error}", flush=True)
    return _report(site, api.accepted, stuck, recoveries)


def _inject_all(site: Site, api: object, options: argparse.Namespace) -> list[tuple[Fault, float]]:
    from tests.chaos.load import Api, seconds_to_serve

    assert isinstance(api, Api)
    recoveries: list[tuple[Fault, float]] = []
    faults = draw(options.kills, options.seed, on_postgres=options.database == "postgres")
    for number, fault in enumerate(faults, 1):
        inject(site, fault, options.seed + number)
        seconds = seconds_to_serve(api, f"probe-{number}", time.monotonic(), RECOVERY_LIMIT_SECONDS)
        recoveries.append((fault, seconds))
        lasted = f" for {fault.seconds} s" if fault.seconds else ""
        print(f"{number:4d}  {fault.name}{lasted}: served after {seconds:.1f} s", flush=True)
    return recoveries


def _report(
    site: Site,
    accepted: dict[str, set[str]],
    stuck: set[str],
    recoveries: list[tuple[Fault, float]],
) -> dict[str, object]:
    from tests.chaos.verdict import judge

    verdict = judge(accepted, site.redis())
    _print_table(recoveries)
    for what, cases in (("lost", verdict.lost), ("doubled", verdict.doubled)):
        for case_id, why in cases.items():
            print(f"{what}: case {case_id}: {why}")
    for case_id in stuck:
        print(f"stuck: case {case_id}")
    return {
        "kills": len(recoveries),
        "cases": len(accepted),
        "lost": len(verdict.lost),
        "doubled": len(verdict.doubled),
        "stuck": len(stuck),
        "recovery_p95_seconds": round(_p95([seconds for _, seconds in recoveries]), 1),
    }


def _print_table(recoveries: list[tuple[Fault, float]]) -> None:
    by_name: dict[str, list[float]] = defaultdict(list)
    for fault, seconds in recoveries:
        by_name[fault.name].append(seconds)
    print(f"\n{'fault':24s} {'number':>6s} {'median s':>9s} {'longest s':>9s}")
    for name, times in sorted(by_name.items()):
        print(f"{name:24s} {len(times):6d} {statistics.median(times):9.1f} {max(times):9.1f}")


def _p95(values: list[float]) -> float:
    """The nearest rank; 0 without values."""
    ordered = sorted(values)
    return ordered[math.ceil(0.95 * len(ordered)) - 1] if ordered else 0.0


if __name__ == "__main__":
    # SIGTERM must run the exit code that stops the site.
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    sys.exit(main(sys.argv[1:]))
