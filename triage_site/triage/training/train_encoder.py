"""Trains the encoder of notes further: `python -m triage_site.triage.training.train_encoder BASE`.

BASE is a folder with the pretrained MiniLM (`model.safetensors`, `tokenizer.json`, `config.json`
of `all-MiniLM-L6-v2`, Apache 2.0). Two heads are learned at once: P(priority <= k) from the mean
of all states, and for each word whether it tells of now. With `--folds` the answers for each note
come of a training that saw no note of its file; `train_classifier` learns from those. Needs torch,
transformers and, to write the network, onnx.
"""

from __future__ import annotations

import argparse
import random
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor, nn
from transformers import AutoTokenizer, BertModel

from triage_site.triage.model.encoder import FOLDER, NUM_BOUNDARIES, by_word
from triage_site.triage.training.encoder_examples import (
    UNKNOWN,
    Example,
    read_aside_words,
    read_examples,
)
from triage_site.triage.training.held_out import FILE, HeldOut, fold_of

EPOCHS: Final = 3
BATCH: Final = 16
RATE: Final = 8e-5
DECAY: Final = 0.01
WARM_UP: Final = 0.1  # share of the steps
DROPOUT: Final = 0.1
SMOOTHING: Final = 0.02  # of the targets of levels
ASIDE_SHARE: Final = 0.15  # of notes that get an aside
MAX_TOKENS: Final = 256
SEED: Final = 5
_SORTED: Final = 20  # batches that are sorted by length together
_OPSET: Final = 17


class Network(nn.Module):
    """BERT with two heads. `forward` returns [notes, tokens] and [notes, 4] log odds."""

    def __init__(self, base: Path) -> None:
        super().__init__()
        self.bert = BertModel.from_pretrained(base, add_pooling_layer=False)
        self.now = nn.Linear(self.bert.config.hidden_size, 1)
        self.level = nn.Linear(self.bert.config.hidden_size, NUM_BOUNDARIES)
        self.drop = nn.Dropout(DROPOUT)

    def forward(
        self, input_ids: Tensor, attention_mask: Tensor, token_type_ids: Tensor
    ) -> tuple[Tensor, Tensor]:
        states = self.bert(
            input_ids=input_ids, attention_mask=attention_mask, token_type_ids=token_type_ids
        ).last_hidden_state
        mask = attention_mask.unsqueeze(-1).to(states.dtype)
        mean = (states * mask).sum(1) / mask.sum(1)
        return self.now(self.drop(states)).squeeze(-1), self.level(self.drop(mean))


def fit(
    base: Path, examples: Sequence[Example], asides: Sequence[tuple[str, ...]], epochs: int
) -> Network:
    torch.manual_seed(SEED)
    rng = random.Random(SEED)
    pieces, network = AutoTokenizer.from_pretrained(base), Network(base)
    steps = epochs * -(-len(examples) // BATCH)
    optimizer = torch.optim.AdamW(network.parameters(), lr=RATE, weight_decay=DECAY)
    plan = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min((step + 1) / (WARM_UP * steps), 1 - step / steps)
    )
    begun = time.monotonic()
    for epoch in range(epochs):
        network.train()
        losses = []
        for batch in _batches(examples, rng):
            told = [_with_aside(one, asides, rng) for one in batch]
            inputs, now = encode(pieces, told)
            with torch.autocast("cpu", dtype=torch.bfloat16):
                said, at_most = network(**inputs)
            loss = _loss(said.float(), now) + _level_loss(at_most.float(), told)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimizer.step()
            plan.step()
            losses.append(float(loss.detach()))
        spent = time.monotonic() - begun
        print(f"epoch {epoch + 1}: loss {np.mean(losses):.3f}, {spent:.0f} s", flush=True)
    return network.eval()


def _loss(said: Tensor, now: Tensor) -> Tensor:
    known = now >= 0
    if not known.any():
        return said.sum() * 0
    return nn.functional.binary_cross_entropy_with_logits(said[known], now[known])


def _level_loss(said: Tensor, told: Sequence[Example]) -> Tensor:
    target = torch.tensor([one.at_most for one in told], dtype=torch.float32)
    known = target >= 0
    if not known.any():
        return said.sum() * 0
    smooth = target * (1 - 2 * SMOOTHING) + SMOOTHING
    return nn.functional.binary_cross_entropy_with_logits(said[known], smooth[known])


def _batches(examples: Sequence[Example], rng: random.Random) -> Iterator[list[Example]]:
    """In random order, notes of like length together."""
    order = list(examples)
    rng.shuffle(order)
    size = BATCH * _SORTED
    batches = [
        part[at : at + BATCH]
        for begin in range(0, len(order), size)
        for part in [sorted(order[begin : begin + size], key=lambda one: len(one.words))]
        for at in range(0, len(part), BATCH)
    ]
    rng.shuffle(batches)
    yield from batches


def _with_aside(one: Example, asides: Sequence[tuple[str, ...]], rng: random.Random) -> Example:
    """Talk to a machine moves no level, and is not of the patient."""
    if not asides or rng.random() >= ASIDE_SHARE:
        return one
    said = rng.choice(asides)
    nothing = (0,) * len(said)
    words, now = (*one.words, ".", *said), (*one.now, UNKNOWN, *nothing)
    if rng.random() < 0.5:
        words, now = (*said, ".", *one.words), (*nothing, UNKNOWN, *one.now)
    return replace(one, words=words, now=now)


def encode(pieces: Any, told: Sequence[Example]) -> tuple[Any, Tensor]:
    """Inputs of the network, and for each token 1, 0 or `UNKNOWN`."""
    inputs = pieces(
        [list(one.age) for one in told],
        [list(one.words) for one in told],
        is_split_into_words=True,
        padding=True,
        truncation=True,
        max_length=MAX_TOKENS,
        return_tensors="pt",
    )
    now = torch.full(inputs["input_ids"].shape, float(UNKNOWN))
    for row, one in enumerate(told):
        sequences, places = inputs.sequence_ids(row), inputs.word_ids(row)
        for at, place in enumerate(places):
            if sequences[at] == 1 and place is not None:
                now[row, at] = one.now[place]
    return inputs, now


@torch.no_grad()
def answers(base: Path, network: Network, examples: Sequence[Example]) -> HeldOut:
    """What the network says of each note: log odds of levels and of each word."""
    pieces, found = AutoTokenizer.from_pretrained(base), HeldOut()
    for one in examples:
        inputs, _ = encode(pieces, [one])
        said, at_most = network(**inputs)
        now = by_word(said[0].tolist(), inputs.sequence_ids(0), inputs.word_ids(0), len(one.words))
        found.add(one.key, at_most[0].numpy(), now)
    return found


def export(base: Path, network: Network, folder: Path) -> None:
    """Eight-bit weights. Seven bits of them are used: on processors without VNNI the products of
    eight bits overflow, and the answers would differ."""
    from onnxruntime.quantization import QuantType, quantize_dynamic

    folder.mkdir(parents=True, exist_ok=True)
    names = ["input_ids", "attention_mask", "token_type_ids"]
    example = torch.ones((1, 8), dtype=torch.int64)
    with tempfile.TemporaryDirectory() as made:
        plain = Path(made) / "plain.onnx"
        torch.onnx.export(
            network.float().eval(),
            (example, example, example * 0),
            str(plain),
            input_names=names,
            output_names=["now", "at_most"],
            dynamic_axes={name: {0: "notes", 1: "tokens"} for name in [*names, "now"]},
            opset_version=_OPSET,
            dynamo=False,
        )
        quantize_dynamic(
            plain,
            folder / "encoder.onnx",
            weight_type=QuantType.QInt8,
            per_channel=True,
            reduce_range=True,
        )
    shutil.copy(base / "tokenizer.json", folder / "tokenizer.json")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("base", type=Path)
    parser.add_argument("--out", type=Path, default=FOLDER)
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    parser.add_argument("--folds", type=int, nargs="*", help="write held-out answers instead")
    arguments = parser.parse_args()
    examples, asides = read_examples(), read_aside_words()
    print(f"{len(examples)} notes, {len(asides)} asides", flush=True)
    if arguments.folds is None:
        network = fit(arguments.base, examples, asides, arguments.epochs)
        export(arguments.base, network, arguments.out)
        return
    for number in arguments.folds:
        test = [one for one in examples if fold_of(one.source) == number]
        rest = [one for one in examples if fold_of(one.source) != number]
        print(f"fold {number}: {len(test)} of {len(examples)} notes held out", flush=True)
        network = fit(arguments.base, rest, asides, arguments.epochs)
        answers(arguments.base, network, test).save(FILE, keep=True)


if __name__ == "__main__":
    main()
