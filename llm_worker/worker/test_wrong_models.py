"""Every wrong model gives one sentence with the setting, its value and the remedy."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from django.conf import settings as site_settings
from pytest_django import Settings

from llm_worker.engine.local import loading
from llm_worker.engine.protocol import EngineUnavailable
from llm_worker.worker.engine_factory import local_engine

Change = Callable[[Path], object]


@pytest.fixture
def folder(tmp_path: Path, settings: Settings) -> Path:
    """A copy of the embedded model, in use."""
    copy = tmp_path / "model"
    shutil.copytree(site_settings.EMBEDDED_LLM, copy)
    settings.TRIAGE_LLM, settings.TRIAGE_ENGINE = str(copy), "local"
    settings.TRIAGE_DEVICE, settings.TRIAGE_SLOTS = "cpu", 2
    settings.TRIAGE_LLM_RANDOM = False
    return copy


def sentence() -> str:
    with pytest.raises(EngineUnavailable) as caught:
        local_engine()
    said = str(caught.value)
    assert "\n" not in said
    assert len(said) < 500
    return said


def edit(path: Path, **values: object) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1000])


def lfs_pointer(path: Path) -> None:
    path.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 6239816\n")


def rewrite_header(path: Path, old: bytes, new: bytes) -> None:
    """The same length, so that only the header is wrong."""
    content = path.read_bytes()
    assert len(old) == len(new)
    path.write_bytes(content.replace(old, new, 1))


def cut_text(path: Path) -> None:
    path.write_text(path.read_text()[:-20])


def rename_marks(folder: Path) -> None:
    """A tokenizer that does not know the marks of our prompts."""
    for name in ("tokenizer.json", "tokenizer_config.json"):
        text = (folder / name).read_text()
        (folder / name).write_text(text.replace("### Case", "### Else"))


def remove_tokenizer(folder: Path) -> None:
    for name in ("tokenizer", "tokenizer_config"):
        (folder / f"{name}.json").unlink()


WRONG: list[tuple[str, Change, str]] = [
    ("no folder", shutil.rmtree, "there is no such folder"),
    ("no config", lambda at: (at / "config.json").unlink(), "has no config.json"),
    ("damaged config", lambda at: cut_text(at / "config.json"), "config.json is not JSON"),
    (
        "other model",
        lambda at: edit(at / "config.json", model_type="vit"),
        "no usable|not a",
    ),
    ("unknown model", lambda at: edit(at / "config.json", model_type="x9"), "no usable config"),
    ("LFS", lambda at: lfs_pointer(at / "model.safetensors"), "run `git lfs pull`"),
    ("LFS tokenizer", lambda at: lfs_pointer(at / "tokenizer.json"), "run `git lfs pull`"),
    ("truncated", lambda at: cut(at / "model.safetensors"), "6238816 bytes instead of 6239816"),
    ("empty", lambda at: (at / "model.safetensors").write_bytes(b""), "incomplete or damaged"),
    ("no weights", lambda at: (at / "model.safetensors").unlink(), "no usable weights"),
    (
        "a part is missing",
        lambda at: (
            (at / "model.safetensors.index.json").write_text(
                json.dumps({"weight_map": {"a": "model-00002-of-00002.safetensors"}})
            )
            and None
        ),
        "model-00002-of-00002.safetensors is missing",
    ),
    ("other size", lambda at: edit(at / "config.json", hidden_size=128), "no usable weights"),
    (
        "8-bit weights",
        lambda at: rewrite_header(at / "model.safetensors", b'"F16"', b'"I8" '),
        "stored as I8",
    ),
    (
        "dtype",
        lambda at: edit(at / "config.json", dtype="float8_e4m3fn"),
        "choose a copy in",
    ),
    (
        "quantised",
        lambda at: edit(at / "config.json", quantization_config={"quant_method": "gptq"}),
        r"quantised \(gptq\)",
    ),
    (
        "no tokenizer",
        remove_tokenizer,
        "no usable tokenizer",
    ),
    ("damaged tokenizer", lambda at: cut_text(at / "tokenizer.json"), "no usable tokenizer"),
    (
        "no chat template",
        rename_marks,
        "has no chat template and was not trained on the prompts",
    ),
    (
        "wrong template",
        lambda at: (at / "chat_template.jinja").write_text("{{ messages[9].content.x }}"),
        "the chat template fails",
    ),
]


@pytest.mark.parametrize(
    ("change", "said"), [row[1:] for row in WRONG], ids=[row[0] for row in WRONG]
)
def test_a_wrong_model_is_one_sentence(folder: Path, change: Change, said: str) -> None:
    change(folder)
    got = sentence()
    assert got.startswith(f"TRIAGE_LLM: {folder}: ")
    assert re.search(said, got), got


def test_the_embedded_model_itself_is_accepted(folder: Path) -> None:
    before = torch.get_num_threads()
    assert local_engine().num_slots == 2
    torch.set_num_threads(before)


def test_an_absent_gpu_is_said(
    folder: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    settings.TRIAGE_DEVICE = "cuda"
    assert sentence().startswith("TRIAGE_DEVICE: it is 'cuda', but PyTorch finds no CUDA device; ")


def test_logits_count_in_the_memory(
    folder: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.TRIAGE_KV_BLOCKS = 200
    monkeypatch.setattr(loading, "free_bytes", lambda device: 30_000_000)
    assert "logits need" in sentence()
    monkeypatch.setattr(loading, "free_bytes", lambda device: 60_000_000)
    before = torch.get_num_threads()
    assert local_engine().num_slots == 2
    torch.set_num_threads(before)
