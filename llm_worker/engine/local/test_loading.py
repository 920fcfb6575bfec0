"""Loading: sizes are known before, errors give the reason, and missing weights are refused."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoConfig

from llm_worker.engine.driver import Driver
from llm_worker.engine.local.engine import LocalEngine
from llm_worker.engine.local.loading import (
    ModelSize,
    ModelUnavailable,
    NotEnoughMemory,
    check_memory,
    load_model,
    model_size,
    random_model,
)
from llm_worker.engine.local.settings import EngineSettings

CONFIGS = Path(__file__).parents[2] / "models" / "configs"
GIB = 1024**3


@pytest.mark.parametrize(
    ("folder", "num_parameters", "kv_bytes"),
    [
        # 2 x layers x KV heads x head size x 2 bytes
        ("qwen3-4b", 4_022_468_096, 2 * 36 * 8 * 128 * 2),
        ("qwen2.5-7b", 7_615_616_512, 2 * 28 * 4 * 128 * 2),
    ],
)
def test_the_shipped_configurations_have_the_size_of_their_models(
    folder: str, num_parameters: int, kv_bytes: int
) -> None:
    size = model_size(AutoConfig.from_pretrained(CONFIGS / folder), torch.bfloat16)
    assert size.num_parameters == num_parameters
    assert size.weight_bytes == 2 * num_parameters
    assert size.kv_bytes_per_token == kv_bytes


def test_too_little_memory_is_reported_before_loading() -> None:
    size = ModelSize(num_parameters=10**9, weight_bytes=2 * 10**9, kv_bytes_per_token=10**5)
    check_memory("m", size, 1000, available_bytes=3 * GIB)
    with pytest.raises(NotEnoughMemory, match=r"m: 1\.00 billion .* 1\.9 GiB .* 0\.9 GiB are free"):
        check_memory("m", size, 1000, available_bytes=1 * GIB)
    with pytest.raises(NotEnoughMemory, match="40000 tokens"):
        check_memory("m", size, 40_000, available_bytes=4 * GIB)


@pytest.fixture
def saved(model: Any, tokenizer: Any, tmp_path: Path) -> Path:
    model.save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    return tmp_path


def test_a_saved_model_is_loaded_unchanged(model: Any, saved: Path) -> None:
    loaded = load_model(str(saved), device="cpu")
    assert loaded.num_parameters == sum(weights.numel() for weights in model.parameters())
    assert (loaded.device, loaded.has_random_weights) == ("cpu", False)
    for name, weights in model.state_dict().items():
        assert torch.equal(weights, loaded.model.state_dict()[name]), name
    assert loaded.tokenizer.decode(loaded.tokenizer.encode("38 °C")) == "38 °C"


def test_missing_weights_are_refused(model: Any, saved: Path) -> None:
    config = json.loads((saved / "config.json").read_text())
    config["num_hidden_layers"], config["layer_types"] = 3, ["full_attention"] * 3
    (saved / "config.json").write_text(json.dumps(config))
    with pytest.raises(ModelUnavailable, match=r"weights are missing, the first is model\.layers"):
        load_model(str(saved), device="cpu")


def test_a_missing_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match=f"{tmp_path}: no usable configuration"):
        load_model(str(tmp_path), device="cpu")


def test_a_missing_gpu_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ModelUnavailable, match="no CUDA device"):
        load_model("anything", device="cuda")


def tiny_configuration(model: Any, folder: Path, num_tokens: int) -> Path:
    config = model.config.to_dict() | {"vocab_size": num_tokens}
    (folder / "config.json").write_text(json.dumps(config))
    return folder


def test_a_configuration_without_weights_runs_with_random_weights(
    model: Any, tmp_path: Path
) -> None:
    folder = tiny_configuration(model, tmp_path, num_tokens=1000)
    loaded = load_model(str(folder), device="cpu", random_weights=True, seed=3)
    assert loaded.has_random_weights
    engine = LocalEngine(
        loaded.model,
        loaded.tokenizer,
        encode=loaded.tokenizer.encode,
        clock=time.time,
        settings=EngineSettings.for_cpu(num_slots=2, max_context_tokens=64),
    )
    engine.start()
    try:
        answer = Driver(engine).answer("a", max_new_tokens=20)
    finally:
        engine.stop()
    assert len(answer.text) > 0


def test_random_weights_depend_on_the_seed_only(model: Any) -> None:
    first, again, other = (
        random_model(model.config, "cpu", torch.float32, seed).lm_head.weight for seed in (1, 1, 2)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_random_weights_keep_the_rotary_frequencies(model: Any) -> None:
    random_one = random_model(model.config, "cpu", torch.float32)
    for name, values in model.named_buffers():
        assert torch.equal(values, dict(random_one.named_buffers())[name]), name
