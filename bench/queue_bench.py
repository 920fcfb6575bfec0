"""Cost of each operation of the semantic queue, by number of waiting requests.

    python bench/queue_bench.py [--sizes 1000 10000 100000] [--policy semantic_due]

Starts its own Redis server. The first figures are the CPU time of the server, without Python and
the connection; other programs on the machine affect it little. Ratios compare with the smallest
size. An O(log n) operation grows at most like the ratio of the logarithms, an O(n) operation like
the ratio of the sizes.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from math import log
from pathlib import Path
from random import Random
from time import perf_counter, sleep
from typing import Any

import redis
from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from scheduling.core.policies import POLICIES
from scheduling.core.request import Request
from scheduling.queue.protocol import Claim
from scheduling.queue.semantic_queue import RedisSemanticQueue
from triage_site import embedded_redis

NOW = 1_000_000.0
LEASE_SECONDS = 30.0


@contextmanager
def server() -> Iterator[tuple[redis.Redis, str]]:
    program = embedded_redis.find_server()
    port = embedded_redis.free_port()
    with tempfile.TemporaryDirectory() as folder:
        text = embedded_redis.configuration(port=port, folder=Path(folder), append_only=True)
        path = embedded_redis.write_configuration(text, Path(folder))
        process = subprocess.Popen([program.path, path], stdout=subprocess.DEVNULL)
        client = redis.Redis(port=port)
        try:
            for _ in range(200):
                try:
                    client.ping()
                    break
                except redis.RedisError:
                    sleep(0.02)
            yield client, program.label
        finally:
            client.close()
            process.terminate()
            process.wait()


def requests(random: Random) -> Iterator[Request]:
    """Yields requests of all levels, with some equal lengths; one in ten is overdue."""
    for n in count():
        yield Request(
            id=f"{random.getrandbits(128):032x}",
            arrival_seconds=NOW - 100 + n * 1e-3,
            priority=random.choices(range(5), weights=(2, 10, 40, 35, 13))[0],
            prompt_tokens=300,
            predicted_tokens=random.randrange(40, 250),
            due_seconds=NOW + random.uniform(-10, 90),
        )


class Bench:
    """Measures operations at a constant number of waiting requests."""

    def __init__(self, client: redis.Redis, policy: str, num_rounds: int) -> None:
        self.client = client
        self.queue = RedisSemanticQueue(client, time="caller")
        self.policy = policy
        self.num_rounds = num_rounds
        self.requests = requests(Random(0))

    def fill(self, num_waiting: int) -> None:
        self.client.flushall()
        self.queue.switch_policy(self.policy)
        for _ in range(0, num_waiting, 1000):
            for _ in range(min(1000, num_waiting)):
                self.queue.enqueue(next(self.requests))

    def time_calls(
        self, move: Callable[[Any], Any], inputs: list[Any]
    ) -> tuple[float, float, list[Any]]:
        """Returns server CPU and round trip, in microseconds per call, and the results."""
        before, start = self.processor_seconds(), perf_counter()
        answers = [move(each) for each in inputs]
        seconds = perf_counter() - start
        used = self.processor_seconds() - before
        return used * 1e6 / len(inputs), seconds * 1e6 / len(inputs), answers

    def processor_seconds(self) -> float:
        used = self.client.info("cpu")
        return float(used["used_cpu_user_main_thread"] + used["used_cpu_sys_main_thread"])

    def moves(self) -> dict[str, tuple[float, float]]:
        """Measures each operation on `num_rounds` requests, from enqueue to finish."""
        queue = self.queue
        new = [next(self.requests) for _ in range(self.num_rounds)]
        figures: dict[str, tuple[float, float]] = {}

        def measure(name: str, move: Callable[[Any], Any], inputs: list[Any]) -> list[Any]:
            cpu, round_trip, answers = self.time_calls(move, inputs)
            figures[name] = cpu, round_trip
            return answers

        def claim(_: object) -> Claim:
            return queue.claim("bench", 1, NOW, LEASE_SECONDS)[0]

        measure("enqueue", queue.enqueue, new)
        measure("peek 1", lambda _: queue.peek(1, NOW), new)
        measure("position", lambda each: queue.position(each.id, NOW), new)
        measure("reprioritise", lambda each: queue.reprioritise(each.id, 2, NOW + 50), new)
        claims = measure("claim 1", claim, new)
        measure(
            "renew",
            lambda each: queue.renew("bench", {each.request.id: each.token}, NOW, 30),
            claims,
        )
        measure("release", lambda each: queue.release(each.request.id, each.token, 20, NOW), claims)
        claims = measure("claim 1 again", claim, new)
        measure("finish", lambda each: queue.finish(each.request.id, each.token), claims)
        for _ in range(self.num_rounds):
            queue.enqueue(next(self.requests))
        measure("cancel", queue.cancel, [each.id for each in queue.peek(self.num_rounds, NOW)])
        del figures["claim 1 again"]
        return figures

    def moves_of_all(self) -> dict[str, float]:
        """Measures the operations on all waiting requests: server CPU in milliseconds."""
        figures = {}
        truth = self.queue.waiting(NOW)
        for name, move in (
            ("switch policy", lambda _: self.queue.switch_policy("semantic")),
            ("switch back", lambda _: self.queue.switch_policy(self.policy)),
            ("replace all, no change", lambda _: self.queue.replace_all(truth, self.policy)),
        ):
            figures[name] = self.time_calls(move, [None])[0] / 1000
        return figures


def row(name: str, figures: list[float], digits: int) -> list[str]:
    return [
        name,
        *(f"{figure:.{digits}f}" for figure in figures),
        *(f"{figure / figures[0]:.2f}" for figure in figures[1:]),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--sizes", type=int, nargs="+", default=[1_000, 10_000, 100_000])
    parser.add_argument("--policy", choices=list(POLICIES), default="semantic_due")
    parser.add_argument("--rounds", type=int, default=500)
    options = parser.parse_args()
    sizes: list[int] = sorted(options.sizes)
    with server() as (client, label):
        bench = Bench(client, options.policy, options.rounds)
        moves, moves_of_all = [], []
        for size in sizes:
            bench.fill(size)
            bench.moves()  # warm-up
            moves.append(bench.moves())
            moves_of_all.append(bench.moves_of_all())
    table = Table(title=f"Semantic queue, {options.policy}, {label}, append-only file on")
    table.add_column("operation")
    for size in sizes:
        table.add_column(f"{size:,} waiting", justify="right")
    for size in sizes[1:]:
        table.add_column(f"{size:,} : {sizes[0]:,}", justify="right")
    for name in moves[0]:
        table.add_row(*row(f"{name}, CPU us", [each[name][0] for each in moves], 1))
    table.add_row(*row("log n, for comparison", [log(size) for size in sizes], 2), end_section=True)
    for name in moves[0]:
        table.add_row(*row(f"{name}, round trip us", [each[name][1] for each in moves], 0))
    table.add_section()
    for name in moves_of_all[0]:
        table.add_row(*row(f"{name}, CPU ms", [each[name] for each in moves_of_all], 1))
    table.add_row(*row("n log n, for comparison", [n * log(n) / 1e4 for n in sizes], 2))
    console = Console()
    console.print(table)
    for name in ("claim 1", "enqueue"):
        rates = ", ".join(f"{1e6 / each[name][1]:,.0f}/s" for each in moves)
        console.print(f"{name}: {rates} from one client")


if __name__ == "__main__":
    main()
