"""Measures the token rate of the local engine against the limit of memory bandwidth.

    python bench/engine_bench.py                                    a small model on the CPU
    python bench/engine_bench.py --config llm_worker/models/embedded
    python bench/engine_bench.py --device cuda --config llm_worker/models/configs/qwen3-4b

Each step of a decoder reads all weights once, and the keys and values of all requests in the
batch. The least time of a step is these bytes / bandwidth, and the highest token rate is
slots / that time. The column `of bound` is the measured rate as a share of it. The weights are
random: the figures hold for all weights of that shape.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import torch
from transformers import AutoConfig, Qwen3Config

from llm_worker.engine.local.byte_tokenizer import byte_tokenizer
from llm_worker.engine.local.engine import LocalEngine
from llm_worker.engine.local.loading import (
    ModelSize,
    check_memory,
    free_bytes,
    model_size,
    random_model,
    resolve_device,
)
from llm_worker.engine.local.settings import EngineSettings
from llm_worker.engine.protocol import EngineFailed, EngineJob, Failed, Finished, TokensOut
from scheduling.core.request import Request


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """The result for one number of slots. All slots are in use from the first to the last step."""

    slots: int
    tokens_per_second: float
    tokens_per_cpu_second: float  # depends little on other programs on the machine
    times_one_slot: float
    of_bound: float
    step_ms: float
    scheduler_us: float
    first_token_ms: float


def small_config(num_layers: int = 6, width: int = 256) -> Any:
    """About five million parameters, like the embedded model."""
    return Qwen3Config(
        vocab_size=2048,
        hidden_size=width,
        intermediate_size=3 * width,
        num_hidden_layers=num_layers,
        num_attention_heads=8,
        num_key_value_heads=4,
        head_dim=width // 8,
        max_position_embeddings=4096,
        eos_token_id=None,
        tie_word_embeddings=True,
    )


def bytes_per_second(device: str) -> float:
    """Read bandwidth: the best of six sums over a tensor much larger than any cache."""
    num_bytes = 2**32 if device == "cuda" else 2**28
    numbers = torch.ones(num_bytes // 4, dtype=torch.float32, device=device)
    best = float("inf")
    for _ in range(6):
        _wait_for(device)
        began = time.perf_counter()
        numbers.sum()
        _wait_for(device)
        best = min(best, time.perf_counter() - began)
    return num_bytes / best


def _wait_for(device: str) -> None:
    if device == "cuda":
        torch.cuda.synchronize()


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One measurement: times in seconds, and rates without the prompt phase."""

    step: float
    first_token: float
    tokens_per_second: float
    tokens_per_cpu_second: float
    scheduler_call: float = 0.0


def measure(engine: LocalEngine, *, num_prompt_tokens: int, num_new_tokens: int) -> Measured:
    """Starts the engine, runs one request in each slot at the same time, and stops it."""
    engine.start()
    scheduler = engine._scheduler
    assert scheduler is not None
    decide, calls = scheduler.schedule_batch, list[float]()

    def timed(*budgets: int) -> Any:
        began = time.thread_time()
        decision = decide(*budgets)
        calls.append(time.thread_time() - began)
        return decision

    scheduler.schedule_batch = timed  # type: ignore[assignment, method-assign]
    try:
        _round(engine, num_prompt_tokens, 8)  # warm-up of graphs, caches and memory
        calls.clear()
        measured = _round(engine, num_prompt_tokens, num_new_tokens)
    finally:
        engine.stop()
    return replace(measured, scheduler_call=statistics.median(calls))


@dataclass(frozen=True, slots=True)
class _Sample:
    """The counters of a round after one read of events. Times are in seconds."""

    tokens: int
    wall: float
    cpu: float


def _round(engine: LocalEngine, num_prompt_tokens: int, num_new_tokens: int) -> Measured:
    began = time.perf_counter()
    for slot in range(engine.num_slots):
        engine.add(_job(slot, num_prompt_tokens, num_new_tokens))
    num_tokens, num_ended, first = 0, 0, 0.0
    samples: list[_Sample] = []
    while num_ended < engine.num_slots:
        for event in engine.events(5.0):
            if isinstance(event, EngineFailed | Failed):
                raise RuntimeError(event.reason)
            num_ended += isinstance(event, Finished)
            if isinstance(event, TokensOut):
                first = first or time.perf_counter() - began
                num_tokens += len(event.token_ids)
        samples.append(_Sample(num_tokens, time.perf_counter(), time.process_time()))
    start = next(sample for sample in samples if sample.tokens >= 2 * engine.num_slots)
    end = samples[-1]
    written = end.tokens - start.tokens
    return Measured(
        step=(end.wall - start.wall) * engine.num_slots / written,
        first_token=first,
        tokens_per_second=written / (end.wall - start.wall),
        tokens_per_cpu_second=written / (end.cpu - start.cpu),
    )


def _job(slot: int, num_prompt_tokens: int, num_new_tokens: int) -> EngineJob:
    request = Request(
        id=f"{num_new_tokens}-{slot}",
        arrival_seconds=float(slot),
        priority=2,
        prompt_tokens=0,
        predicted_tokens=num_new_tokens,
    )
    # Different from the first token on, so that no request reuses the KV cache of another.
    prompt = f"{slot:05d}" + "x" * (num_prompt_tokens - 5)
    return EngineJob(request=request, prompt=prompt, max_new_tokens=num_new_tokens)


def bench(options: argparse.Namespace) -> tuple[ModelSize, float, list[Row]]:
    device = resolve_device(options.device)
    torch.set_num_threads(options.threads)
    config = AutoConfig.from_pretrained(options.config) if options.config else small_config()
    dtype = torch.bfloat16 if device == "cuda" else torch.float32
    size = model_size(config, dtype)
    context = options.prompt_tokens + options.new_tokens
    check_memory(
        options.config or "small",
        size,
        max(options.slots) * context,
        available_bytes=free_bytes(device),
    )
    model = random_model(config, device, dtype).eval()
    model.generation_config.eos_token_id = None
    tokenizer = byte_tokenizer(config.vocab_size)
    tokenizer.eos_token = None  # answers end at their length
    bandwidth = bytes_per_second(device)
    rows: list[Row] = []
    for slots in options.slots:
        page_tokens = 256 if device == "cuda" else 16
        settings = EngineSettings(
            num_slots=slots,
            page_tokens=page_tokens,
            num_blocks=slots * -(-(options.context or context + 2) // page_tokens),
            max_batch_tokens=2048 if device == "cuda" else 256,
        )
        engine = LocalEngine(
            model, tokenizer, encode=tokenizer.encode, clock=time.time, settings=settings
        )
        measured = measure(
            engine, num_prompt_tokens=options.prompt_tokens, num_new_tokens=options.new_tokens
        )
        mean_context = options.prompt_tokens + options.new_tokens / 2
        read = size.weight_bytes + slots * mean_context * size.kv_bytes_per_token
        rate = measured.tokens_per_second
        rows.append(
            Row(
                slots=slots,
                tokens_per_second=rate,
                tokens_per_cpu_second=measured.tokens_per_cpu_second,
                times_one_slot=rate / rows[0].tokens_per_second if rows else 1.0,
                of_bound=rate / (slots * bandwidth / read),
                step_ms=measured.step * 1e3,
                scheduler_us=measured.scheduler_call * 1e6,
                first_token_ms=measured.first_token * 1e3,
            )
        )
    return size, bandwidth, rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--device", choices=["auto", "cpu", "cuda"], default="cpu")
    parser.add_argument("--config", help="folder with a config.json; the weights are random")
    parser.add_argument("--slots", type=int, nargs="+", default=[1, 4, 8, 16])
    parser.add_argument("--prompt-tokens", type=int, default=150)
    parser.add_argument("--new-tokens", type=int, default=100)
    parser.add_argument("--context", type=int, help="KV memory per slot, in tokens")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    size, bandwidth, rows = bench(options)
    if options.json:
        print(json.dumps({"bandwidth": bandwidth, "rows": [asdict(row) for row in rows]}))
        return
    print(
        f"{size.num_parameters / 1e6:.1f} million parameters, {bandwidth / 1e9:.0f} GB/s read, "
        f"{options.threads} thread(s), prompts of {options.prompt_tokens}, "
        f"answers of {options.new_tokens} tokens"
    )
    print(
        "slots  tokens/s  per CPU second  x one slot  of bound  step ms  scheduler us  "
        "first token ms"
    )
    for row in rows:
        print(
            f"{row.slots:5d}  {row.tokens_per_second:8.0f}  {row.tokens_per_cpu_second:14.0f}  "
            f"{row.times_one_slot:10.2f}  {row.of_bound:8.1%}  {row.step_ms:7.2f}  "
            f"{row.scheduler_us:12.0f}  {row.first_token_ms:14.0f}"
        )


if __name__ == "__main__":
    main()
