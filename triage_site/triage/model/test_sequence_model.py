"""A sequence classifier of transformers in the place of our model; the rules stay."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import BertConfig, BertForSequenceClassification, PreTrainedTokenizerFast

from triage_site.triage.facts import CaseFacts
from triage_site.triage.model.candidate import CannotOpen, open_candidate, version_of
from triage_site.triage.model.sequence_model import columns_of, text_of

LEVELS = {index: f"Level {index + 1}" for index in range(5)}
ANKLE = CaseFacts(text="twisted ankle, can walk", age_years=30, hr_bpm=80)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny one with random weights that always finds level 4 likeliest."""
    path = tmp_path_factory.mktemp("tiny-bert")
    words = ["[UNK]", "[PAD]", *["twisted", "ankle", "can", "walk", "pain", "age", "years"]]
    tokenizer = Tokenizer(models.WordLevel({word: at for at, word in enumerate(words)}, "[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, unk_token="[UNK]", pad_token="[PAD]", model_max_length=64
    ).save_pretrained(path)
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(words),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        max_position_embeddings=64,
        id2label=LEVELS,
        label2id={label: index for index, label in LEVELS.items()},
    )
    network = BertForSequenceClassification(config)
    network.classifier.bias.data[3] = 5.0
    network.save_pretrained(path)
    return path


def test_its_words_decide_and_its_version_names_it(folder: Path) -> None:
    said = open_candidate(folder).classify(ANKLE)
    assert said.model_priority == 3
    assert sum(said.probabilities) == pytest.approx(1, abs=1e-3)
    assert said.model_version == version_of(folder)
    assert said.model_version.startswith(f"{folder.name}+")


def test_rules_still_escalate(folder: Path) -> None:
    said = open_candidate(folder).classify(CaseFacts(text="not breathing, no pulse"))
    assert said.priority == 0
    assert said.danger_signs


def test_a_long_story_is_cut_and_not_refused(folder: Path) -> None:
    assert open_candidate(folder).classify(CaseFacts(text="ankle " * 1500)).priority >= 0


def test_it_reads_no_judgement_of_the_case() -> None:
    text = text_of(ANKLE)
    assert "twisted ankle" in text
    assert "80 /min" in text
    assert "Priority" not in text
    assert "Danger signs" not in text


def test_labels_say_which_priority_they_are() -> None:
    assert columns_of(LEVELS) == (0, 1, 2, 3, 4)
    assert columns_of({index: f"ESI-{5 - index}" for index in range(5)}) == (4, 3, 2, 1, 0)
    assert columns_of({index: f"LABEL_{index}" for index in range(5)}) == (0, 1, 2, 3, 4)
    for labels in ({0: "positive", 1: "negative"}, dict.fromkeys(range(5), "Level 1")):
        with pytest.raises(ValueError, match="labels must be levels 1 to 5"):
            columns_of(labels)


def test_what_cannot_be_opened_says_why(folder: Path, tmp_path: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(CannotOpen, match="no weights"):
        version_of(tmp_path)
    for name in ("model.safetensors", "tokenizer.json", "tokenizer_config.json"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    config["id2label"] = {str(index): "?" for index in range(5)}
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(CannotOpen, match="labels must be"):
        open_candidate(tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"broken")
    with pytest.raises(CannotOpen):
        open_candidate(tmp_path)
