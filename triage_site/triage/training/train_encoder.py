"""Trains the encoder of notes further: `python -m triage_site.triage.training.train_encoder BASE`.

BASE is a folder with the pretrained MiniLM (`model.safetensors`, `tokenizer.json`, `config.json`
of `all-MiniLM-L6-v2`, Apache 2.0). Two things are learned at once: P(priority <= k), from the mean
of all states weighed by attention, and for each word whether it tells of now. So that what stands
beside the reason for coming moves little, other sentences are added to some notes: calm ones, and
talk to a queue or to a machine. Needs torch, transformers and, to write the network, onnx.

    ... train_encoder BASE --save FIRST.pt         # without the files that the classifier learns of
    ... train_encoder BASE --after FIRST.pt        # one epoch more, with all files

The classifier is fitted between the two: on answers of an encoder that saw none of its notes.
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
from transformers import AutoTokenizer
from transformers import BertModel as BertModel  # tests replace it

from triage_site.triage.model.encoder import FOLDER, NETWORK, NUM_BOUNDARIES
from triage_site.triage.model.scoring import WEIGHTS_DIR
from triage_site.triage.training.encoder_examples import (
    UNKNOWN,
    Example,
    read_aside_words,
    read_examples,
)
from triage_site.triage.training.train_classifier import settle_on_encoder

EPOCHS: Final = 3
BATCH: Final = 16
RATE: Final = 8e-5  # of the pretrained layers; the embeddings of words stay as they are
HEADS_RATE: Final = 4e-4
AFTER_RATE: Final = 4e-5  # both, of what goes on after a first training
AFTER_HEADS_RATE: Final = 1.2e-4
DECAY: Final = 0.01
WARM_UP: Final = 0.1  # share of the steps
DROPOUT: Final = 0.1
SMOOTHING: Final = 0.02  # of the targets of levels
ASIDE_SHARE: Final = 0.15  # of notes that get an aside
CALM_SHARE: Final = 0.15  # of notes that get a calm note beside them
CALM_SHARE_OF_SIGNS: Final = 0.5  # the same, of texts by which a danger sign shows what it fires on
CALM_WORDS: Final = 25  # of that one, at most
MAX_TOKENS: Final = 256
SEED: Final = 5
_SORTED: Final = 20  # batches that are sorted by length together
_OPSET: Final = 17
_NEVER: Final = -1e4  # attention to what is no token
_LEAST_CALM: Final = 2  # priority above which a note is calm


class Network(nn.Module):
    """BERT with heads. `forward` returns whether a word is of now [notes, tokens], the weight of
    each token and the weight times what it says, [notes, tokens, 4] both."""

    def __init__(self, base: Path) -> None:
        super().__init__()
        self.bert = BertModel.from_pretrained(base, add_pooling_layer=False)
        self.bert.embeddings.requires_grad_(requires_grad=False)
        size = self.bert.config.hidden_size
        self.now = nn.Linear(size, 1)
        self.level = nn.Linear(size, NUM_BOUNDARIES)
        self.look = nn.Linear(size, NUM_BOUNDARIES)
        self.drop = nn.Dropout(DROPOUT)

    def forward(
        self, input_ids: Tensor, attention_mask: Tensor, token_type_ids: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        states = self.drop(
            self.bert(
                input_ids=input_ids, attention_mask=attention_mask, token_type_ids=token_type_ids
            ).last_hidden_state
        )
        return self.heads(states, attention_mask.unsqueeze(-1) == 0)

    def heads(self, states: Tensor, hidden: Tensor | None = None) -> tuple[Tensor, Tensor, Tensor]:
        looks = self.look(states)
        shares = (looks if hidden is None else looks.masked_fill(hidden, _NEVER)).softmax(dim=1)
        return self.now(states).squeeze(-1), shares, shares * self.level(states)

    def groups(self, rate: float, heads_rate: float) -> list[dict[str, Any]]:
        """What is learned, with its rate."""
        layers = [one for one in self.bert.parameters() if one.requires_grad]
        heads = [one for head in (self.now, self.level, self.look) for one in head.parameters()]
        return [{"params": layers, "lr": rate}, {"params": heads, "lr": heads_rate}]


class Alone(nn.Module):
    """The network as it is shipped: it reads one note at a time, so nothing is masked. The same
    answers in a tenth to a third less time."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network

    def forward(self, input_ids: Tensor, token_type_ids: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        bert = self.network.bert
        words = bert.embeddings(input_ids=input_ids, token_type_ids=token_type_ids)
        return self.network.heads(bert.encoder(words).last_hidden_state)


def fit(
    base: Path,
    examples: Sequence[Example],
    asides: Sequence[tuple[str, ...]],
    epochs: int,
    after: Path | None = None,
) -> Network:
    torch.manual_seed(SEED)
    rng = random.Random(SEED)
    pieces, network = AutoTokenizer.from_pretrained(base), Network(base)
    rates = RATE, HEADS_RATE
    if after is not None:
        network.load_state_dict(torch.load(after))
        rates = AFTER_RATE, AFTER_HEADS_RATE
    calm = [one for one in examples if _is_calm(one)]
    steps = epochs * -(-len(examples) // BATCH)
    optimizer = torch.optim.AdamW(network.groups(*rates), weight_decay=DECAY)
    plan = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min((step + 1) / (WARM_UP * steps), 1 - step / steps)
    )
    begun = time.monotonic()
    for epoch in range(epochs):
        network.train()
        losses = []
        mixed = [_with_more(one, calm, asides, rng) for one in examples]
        for batch in _batches(mixed, rng):
            inputs, now = encode(pieces, batch)
            said, _, parts = network(**inputs)
            loss = _loss(said, now) + _level_loss(parts.sum(dim=1), batch)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimizer.step()
            plan.step()
            losses.append(float(loss.detach()))
        spent = time.monotonic() - begun
        print(f"epoch {epoch + 1}: loss {np.mean(losses):.3f}, {spent:.0f} s", flush=True)
    return network.eval()


def _is_calm(one: Example) -> bool:
    known = min(one.at_most) != UNKNOWN
    return known and one.at_most[_LEAST_CALM] == 0 and len(one.words) <= CALM_WORDS


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


def _with_more(
    one: Example,
    calm: Sequence[Example],
    asides: Sequence[tuple[str, ...]],
    rng: random.Random,
) -> Example:
    """Sometimes with an aside, which moves no level and is not of the patient; sometimes with a
    calm note, beside which the more urgent one counts; the examples of signs more often."""
    chance = rng.random()
    if chance < ASIDE_SHARE:
        said = rng.choice(asides)
        return _joined(one, replace(one, words=said, now=(0,) * len(said)), rng)
    share = CALM_SHARE if min(one.at_most) != UNKNOWN else CALM_SHARE_OF_SIGNS
    if chance < ASIDE_SHARE + share:
        return _joined(one, rng.choice(calm), rng)
    return one


def _joined(one: Example, other: Example, rng: random.Random) -> Example:
    """In either order, with a mark between them; the age is that of `one`."""
    first, second = (one, other) if rng.random() < 0.5 else (other, one)
    return replace(
        one,
        words=(*first.words, ".", *second.words),
        now=(*first.now, UNKNOWN, *second.now),
        at_most=tuple(
            UNKNOWN if known == UNKNOWN and not said else max(known, said)
            for known, said in zip(one.at_most, other.at_most, strict=True)
        ),
    )


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


def export(base: Path, network: Network, folder: Path) -> None:
    """Eight-bit weights. Seven bits of them are used: on processors without VNNI the products of
    eight bits overflow, and the answers would differ."""
    from onnxruntime.quantization import QuantType, quantize_dynamic

    folder.mkdir(parents=True, exist_ok=True)
    names = ["input_ids", "token_type_ids"]
    example = torch.ones((1, 8), dtype=torch.int64)
    with tempfile.TemporaryDirectory() as made:
        plain = Path(made) / "plain.onnx"
        torch.onnx.export(
            Alone(network.float().eval()),
            (example, example * 0),
            str(plain),
            input_names=names,
            output_names=["now", "shares", "parts"],
            dynamic_axes={
                name: {0: "notes", 1: "tokens"} for name in [*names, "now", "shares", "parts"]
            },
            opset_version=_OPSET,
            dynamo=False,
        )
        quantize_dynamic(
            plain,
            folder / NETWORK,
            weight_type=QuantType.QInt8,
            per_channel=True,
            reduce_range=True,
        )
    shutil.copy(base / "tokenizer.json", folder / "tokenizer.json")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("base", type=Path)
    parser.add_argument("--out", type=Path, default=FOLDER)
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--save", type=Path, help="write what `--after` goes on from")
    parser.add_argument("--after", type=Path, help="go on from there, for one epoch by default")
    arguments = parser.parse_args()
    examples = read_examples(with_all=arguments.after is not None)
    asides = read_aside_words()
    print(f"{len(examples)} notes, {len(asides)} asides", flush=True)
    epochs = arguments.epochs or (1 if arguments.after else EPOCHS)
    network = fit(arguments.base, examples, asides, epochs, arguments.after)
    if arguments.save:
        torch.save(network.state_dict(), arguments.save)
    export(arguments.base, network, arguments.out)
    if arguments.out == FOLDER and arguments.after:
        settle_on_encoder(WEIGHTS_DIR)


if __name__ == "__main__":
    main()
