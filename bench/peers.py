"""Compares five ways to serve the same recorded arrivals with the embedded model, in one run.

    VLLM_PYTHON=/path/to/python python bench/peers.py [--speed 60] [--slots 8] [--rounds 1]

    vllm fcfs       every request goes to vLLM at once; vLLM serves first come, first served
    vllm priority   the same, under vLLM's own priority policy
    ours to vllm    our engine sends the best requests, one for each slot of vLLM, and preempts
    ours local      our engine on the model in this process
    site to vllm    our whole worker before vLLM: queue in Redis, cases and history in SQLite

The arrivals and levels are those of a fixture, `--speed` times as fast. Printed are the mean and
the longest time to the first token and to the end per level, and the tokens of each second. For
the first two our client sends without a limit, so its costs are the same in the first three.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "triage_site.settings")

from bench.worker_site import WorkerSite, environment, stores

os.environ |= environment()
os.environ.pop("DATABASE_URL", None)

import httpx
import torch

from llm_worker.engine.local.encoding import prompt_encoder
from llm_worker.engine.local.engine import LocalEngine
from llm_worker.engine.local.loading import load_model
from llm_worker.engine.local.settings import EngineSettings
from llm_worker.engine.protocol import (
    Engine,
    EngineFailed,
    EngineJob,
    Failed,
    Finished,
    TokensOut,
)
from llm_worker.engine.remote.api import RemoteSettings
from llm_worker.engine.remote.engine import RemoteEngine
from scheduling.core.policies import POLICIES, Preemption
from scheduling.core.request import Request
from tests.vllm.server import EMBEDDED, MODEL_NAME, VllmServer, vllm_python
from triage_site.cases.calls import Call, load_calls
from triage_site.triage.brief import build_brief
from triage_site.triage.length import predict_tokens

MAX_NEW_TOKENS: Final = 400
CONTEXT_TOKENS: Final = 2048
SITE: Final = "site to vllm"
WAYS: Final = ("vllm fcfs", "vllm priority", "ours to vllm", SITE, "ours local")
OURS_TO_VLLM: Final = ("ours to vllm", SITE)
GIVE_UP_SECONDS: Final = 600.0


@dataclass(slots=True)
class Times:
    """Seconds from the arrival of one request."""

    level: int
    arrival: float
    first: float | None = None
    end: float | None = None
    num_tokens: int = 0


@dataclass(slots=True)
class Run:
    way: str
    times: dict[str, Times] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def tokens_per_second(self) -> float:
        return sum(one.num_tokens for one in self.times.values()) / self.seconds


def main() -> None:
    options = _options()
    calls = load_calls(options.fixture)
    if not vllm_python():
        sys.exit("VLLM_PYTHON: set it to the Python of an environment with vLLM")
    print(
        f"load of the machine before: {os.getloadavg()[0]:.1f}; slots {options.slots}", flush=True
    )
    runs: dict[str, list[Run]] = defaultdict(list)
    ways = options.ways.split(",")
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, os.environ["DATA_DIR"], ignore_errors=True)
        if SITE in ways:
            stack.enter_context(stores())
        servers = Servers(options.slots)
        stack.callback(servers.close)
        for way in ways * options.rounds:
            serve = _serve_by_site if way == SITE else _serve
            with _engine(way, servers, options) as engine:
                run = serve(way, engine, calls, options.speed)
            runs[way].append(run)
            _print(run)
    print(f"load of the machine after: {os.getloadavg()[0]:.1f}")
    print(json.dumps({way: [_summary(run) for run in done] for way, done in runs.items()}))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--fixture", type=Path, default=Path("fixtures/calls/mass_casualty.jsonl"))
    parser.add_argument("--speed", type=float, default=60.0)
    parser.add_argument("--slots", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--ways", default=",".join(WAYS), help="comma-separated")
    parser.add_argument("--own-slots", type=int, help="of our engine before vLLM; default --slots")
    return parser.parse_args()


class Servers:
    """One vLLM server at a time, kept while the next way needs the same policy."""

    def __init__(self, num_slots: int) -> None:
        self._num_slots = num_slots
        self._policy = ""
        self._stack = ExitStack()

    def url(self, policy: Literal["fcfs", "priority"]) -> str:
        """The address of a server with an empty prefix cache."""
        if policy != self._policy:
            self.close()
            folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory()))
            server = VllmServer(
                folder, num_slots=self._num_slots, policy=policy, has_template=False
            )
            self._server = self._stack.enter_context(server)
            self._policy = policy
        httpx.post(
            f"{self._server.base_url}/reset_prefix_cache", timeout=10, trust_env=False
        ).raise_for_status()
        return self._server.base_url

    def close(self) -> None:
        self._stack.close()
        self._policy = ""


@contextmanager
def _engine(way: str, servers: Servers, options: argparse.Namespace) -> Iterator[Engine]:
    if way == "ours local":
        servers.close()
        yield from _running(_local(options.slots), way)
        return
    num_slots = (options.own_slots or options.slots) if way in OURS_TO_VLLM else 10_000
    settings = RemoteSettings(
        base_url=servers.url("fcfs" if way == "vllm fcfs" else "priority"),
        model=MODEL_NAME,
        num_slots=num_slots,
        first_token_seconds=GIVE_UP_SECONDS,
        token_seconds=GIVE_UP_SECONDS,
        read_timeout_seconds=GIVE_UP_SECONDS,
    )
    engine = RemoteEngine(settings, clock=time.time)
    if way == SITE:
        yield engine  # the worker starts it
    else:
        yield from _running(engine, way)


def _running(engine: Engine, way: str) -> Iterator[Engine]:
    engine.start()
    try:
        if problem := engine.ready():
            sys.exit(problem)
        if way.startswith("ours"):
            engine.set_policy(POLICIES["semantic"], Preemption.LEVEL)
        else:
            engine.set_policy(POLICIES["fcfs"], Preemption.NEVER)
        _warm_up(engine)
        yield engine
    finally:
        engine.stop()


def _local(num_slots: int) -> LocalEngine:
    sizes = EngineSettings.for_cpu(num_slots=num_slots, max_context_tokens=CONTEXT_TOKENS)
    loaded = load_model(str(EMBEDDED), device="cpu", num_kv_tokens=sizes.num_kv_tokens)
    torch.set_num_threads(1)
    return LocalEngine(
        loaded.model,
        loaded.tokenizer,
        encode=prompt_encoder(loaded.tokenizer),
        clock=time.time,
        settings=sizes,
    )


def _job(name: str, call: Call, arrival: float) -> EngineJob:
    level = call.expected_priority
    prompt = build_brief(call.facts, priority=level, danger_signs=())
    request = Request(
        id=name,
        arrival_seconds=arrival,
        priority=level,
        prompt_tokens=0,
        predicted_tokens=predict_tokens(prompt),
    )
    return EngineJob(request=request, prompt=prompt, max_new_tokens=MAX_NEW_TOKENS)


def _warm_up(engine: Engine) -> None:
    request = Request(
        id="warm", arrival_seconds=time.time(), priority=2, prompt_tokens=0, predicted_tokens=20
    )
    engine.add(EngineJob(request=request, prompt="Warm.", max_new_tokens=20))
    while not any(isinstance(event, Finished | Failed) for event in engine.events(0.1)):
        pass


def _serve(way: str, engine: Engine, calls: list[Call], speed: float) -> Run:
    run, open_ids = Run(way), set[str]()
    todo = sorted(calls, key=lambda call: call.offset_seconds)
    start = time.time() - todo[0].offset_seconds / speed
    began = time.time()
    while todo or open_ids:
        while todo and time.time() >= start + todo[0].offset_seconds / speed:
            call, now = todo.pop(0), time.time()
            run.times[call.id] = Times(level=call.expected_priority, arrival=now)
            engine.add(_job(call.id, call, now))
            open_ids.add(call.id)
        next_in = start + todo[0].offset_seconds / speed - time.time() if todo else 0.1
        for event in engine.events(max(0.001, min(0.1, next_in))):
            if isinstance(event, Failed | EngineFailed):
                sys.exit(f"{way}: {event.reason}")
            times = run.times[event.id]
            if isinstance(event, TokensOut) and times.first is None:
                times.first = time.time() - times.arrival
            elif isinstance(event, Finished):
                times.end, times.num_tokens = time.time() - times.arrival, len(event.token_ids)
                open_ids.discard(event.id)
        if time.time() - began > GIVE_UP_SECONDS:
            sys.exit(f"{way}: not done after {GIVE_UP_SECONDS:.0f} s")
    run.seconds = time.time() - began
    return run


def _serve_by_site(way: str, engine: Engine, calls: list[Call], speed: float) -> Run:
    site = WorkerSite(engine, MAX_NEW_TOKENS)
    try:
        warm = calls[0]
        site.submit("warm", warm.facts, _job("warm", warm, time.time()))
        site.results(sys.exit)
        site.forget()
        run = Run(way)
        todo = sorted(calls, key=lambda call: call.offset_seconds)
        began = time.time()
        start = began - todo[0].offset_seconds / speed
        for call in todo:
            time.sleep(max(0.0, start + call.offset_seconds / speed - time.time()))
            now = time.time()
            run.times[call.id] = Times(level=call.expected_priority, arrival=now)
            site.submit(call.id, call.facts, _job(call.id, call, now))
        for name, served in site.results(sys.exit).items():
            times = run.times[name]
            times.first, times.end = served.first, served.end
            times.num_tokens = served.num_tokens
        run.seconds = max(one.arrival + (one.end or 0.0) for one in run.times.values()) - began
        return run
    finally:
        site.close()


def _summary(run: Run) -> dict[str, object]:
    levels: dict[int, dict[str, float]] = {}
    for level in sorted({one.level for one in run.times.values()}):
        of_level = [one for one in run.times.values() if one.level == level]
        firsts = [one.first for one in of_level if one.first is not None]
        ends = [one.end for one in of_level if one.end is not None]
        levels[level] = {
            "cases": len(of_level),
            "first_mean": round(sum(firsts) / len(firsts), 2),
            "first_longest": round(max(firsts), 2),
            "end_mean": round(sum(ends) / len(ends), 2),
            "end_longest": round(max(ends), 2),
        }
    return {"tokens_per_second": round(run.tokens_per_second, 1), "levels": levels}


def _print(run: Run) -> None:
    summary = _summary(run)
    print(f"\n{run.way}: {summary['tokens_per_second']} tokens/s in {run.seconds:.1f} s")
    print("level cases  first token s (longest)   end s (longest)")
    levels = summary["levels"]
    assert isinstance(levels, dict)
    for level, row in levels.items():
        print(
            f"{level:5d} {row['cases']:5d} {row['first_mean']:10.2f} ({row['first_longest']:6.2f})"
            f" {row['end_mean']:15.2f} ({row['end_longest']:6.2f})",
            flush=True,
        )


if __name__ == "__main__":
    # SIGTERM must run the exit code that stops the server.
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    main()
