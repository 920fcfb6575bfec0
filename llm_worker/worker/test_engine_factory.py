"""The worker serves any causal model: from a folder, with a chat template, or random."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from pytest_django import Settings
from transformers import Qwen2Config

from llm_worker.engine.driver import Driver
from llm_worker.engine.local import loading
from llm_worker.engine.local.byte_tokenizer import NUM_BYTE_TOKENS, byte_tokenizer
from llm_worker.engine.local.loading import ModelUnavailable, NotEnoughMemory, random_model
from llm_worker.engine.prompt import SYSTEM_INSTRUCTION
from llm_worker.worker.engine_factory import local_engine, num_threads

CHAT_TEMPLATE = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


@pytest.fixture
def chat_folder(tmp_path: Path) -> Path:
    """A small random model of the Qwen 2.5 architecture with a chat template."""
    config = Qwen2Config(
        vocab_size=NUM_BYTE_TOKENS,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=4096,
        eos_token_id=NUM_BYTE_TOKENS - 1,
        bos_token_id=None,
    )
    random_model(config, "cpu", torch.float32, seed=5).save_pretrained(tmp_path)
    tokenizer = byte_tokenizer()
    tokenizer.chat_template = CHAT_TEMPLATE
    tokenizer.save_pretrained(tmp_path)
    return tmp_path


@pytest.fixture
def site(settings: Settings) -> Settings:
    settings.TRIAGE_ENGINE = "local"
    settings.TRIAGE_DEVICE = "cpu"
    settings.TRIAGE_LLM_RANDOM = False
    settings.TRIAGE_SLOTS = 2
    settings.TRIAGE_KV_BLOCKS = None
    settings.TRIAGE_TORCH_THREADS = None
    return settings


def test_a_chat_model_from_a_folder_uses_its_template(site: Settings, chat_folder: Path) -> None:
    site.TRIAGE_LLM = str(chat_folder)
    engine = local_engine()
    assert engine.count_prompt_tokens("cough") > len(SYSTEM_INSTRUCTION.encode())
    engine.start()
    try:
        driver = Driver(engine)
        assert len(driver.answer("a", prompt="cough", max_new_tokens=6).token_ids) <= 6
        assert driver.ended() == {"a"}
    finally:
        engine.stop()


def test_a_configuration_without_weights_needs_the_random_setting(
    site: Settings, chat_folder: Path
) -> None:
    for path in chat_folder.iterdir():
        if path.name != "config.json":
            path.unlink()
    site.TRIAGE_LLM = str(chat_folder)
    with pytest.raises(ModelUnavailable, match="no usable weights"):
        local_engine()
    site.TRIAGE_LLM_RANDOM = True
    assert local_engine().num_slots == 2


@pytest.fixture(autouse=True)
def _threads() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def test_a_small_model_uses_one_thread_unless_the_site_sets_more() -> None:
    assert num_threads(3_000_000, None) == 1
    assert num_threads(3_000_000, 4) == 4
    assert num_threads(4_000_000_000, None) == torch.get_num_threads()


@pytest.mark.parametrize("source", ["/no/such/folder", "./no/such", "~/no/such"])
def test_a_missing_path_is_named(site: Settings, source: str) -> None:
    site.TRIAGE_LLM = source
    with pytest.raises(ModelUnavailable, match=f"{source}: there is no such folder"):
        local_engine()


def test_a_model_that_does_not_fit_is_refused_with_the_figures(
    site: Settings, chat_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = json.loads((chat_folder / "config.json").read_text())
    big = {"hidden_size": 4096, "intermediate_size": 12_288, "num_hidden_layers": 36}
    layers = {"layer_types": ["full_attention"] * 36}
    (chat_folder / "config.json").write_text(json.dumps(config | big | layers))
    monkeypatch.setattr(loading, "free_bytes", lambda device: 8 * 1024**3)
    site.TRIAGE_LLM = str(chat_folder)
    with pytest.raises(NotEnoughMemory, match=r"billion parameters need .* GiB and a KV cache"):
        local_engine()
