"""Train the embedded demonstration model from scratch, on text that the project makes itself.

    python -m llm_worker.training.train_guidance --steps 2400

A decoder of the Qwen3 architecture with its own byte-level tokenizer, digits one token each.
It starts with heads that copy (copy_heads.py), and the loss counts the guidance only. The
weights are stored in half precision and load in single precision on a CPU.
"""

from __future__ import annotations

import argparse
import copy
import math
import random
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from torch import Tensor
from torch.nn import functional
from transformers import GenerationConfig, PreTrainedTokenizerFast, Qwen3Config, Qwen3ForCausalLM

from llm_worker.prompting import CASE_MARK, GUIDANCE_MARK, NONE_FOUND, completion_prompt
from llm_worker.training.copy_heads import build_copy_heads
from llm_worker.training.guidance_cases import make_case
from llm_worker.training.guidance_text import write_guidance
from llm_worker.training.muon import Muon

MODEL_FOLDER: Final = Path(__file__).parents[1] / "models" / "embedded"
VOCABULARY_TOKENS: Final = 4_096
MAX_NEW_TOKENS: Final = 320
EOS: Final = "<|end|>"
PAD: Final = "<|pad|>"
CHECK_SEED: Final = 7_777_777  # cases of this seed are never trained on
EXCHANGED_ROWS: Final = 0.6
EXCHANGED_TOKENS: Final = 0.3
# What the caller said and what rules found, in the brief and where the guidance repeats it.
_SAID: Final = re.compile(r"""(?:Caller's words: "|The words ")([^"]*)"|Mentioned: ([^.]*)\.""")
_SIGNS: Final = re.compile(r"Danger signs: ([^.\n]*)[.\n]")
REPORT_STEPS: Final = 100
GROUP_WEIGHT: Final = 3.0  # of the complaint's group in the loss: few tokens, much meaning


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How to train; learning rates are the peaks of a warm-up, a plateau and a decay.

    `matrix_lr` is for the layers' matrices (Muon, which learns to copy in far fewer steps),
    `lr` for embeddings and norms (AdamW). Ends after `steps` or `minutes`, whichever is first.
    With `bfloat16` matrices are multiplied in half precision and kept in single: several times
    as fast on a CPU that has instructions for it, slower on others.
    """

    steps: int
    minutes: float = math.inf
    batch_cases: int = 12
    lr: float = 1e-3
    matrix_lr: float = 0.02
    seed: int = 1
    threads: int = 2
    bfloat16: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """Token ids of a prompt with its guidance, and how much each counts: nothing in the prompt."""

    ids: list[int]
    weights: list[float]
    copied: list[int]


def text_pairs(seed: int) -> Iterator[tuple[str, str]]:
    """Endless prompts with the guidance that should follow."""
    rng = random.Random(seed)
    while True:
        brief, guidance = write_guidance(make_case(rng))
        yield completion_prompt(brief), guidance


def train_tokenizer(num_texts: int, seed: int) -> PreTrainedTokenizerFast:
    """Byte-level BPE: any script can be copied, and every digit is a token of its own."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Digits(individual_digits=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY_TOKENS,
        special_tokens=[PAD, EOS, CASE_MARK, GUIDANCE_MARK],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    pairs = text_pairs(seed)
    texts = ["".join(next(pairs)) for _ in range(num_texts)]
    tokenizer.train_from_iterator(texts, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        eos_token=EOS,
        pad_token=PAD,
        extra_special_tokens=[CASE_MARK, GUIDANCE_MARK],
        model_max_length=2_048,
        clean_up_tokenization_spaces=False,
    )


def make_model(tokenizer: PreTrainedTokenizerFast) -> Qwen3ForCausalLM:
    """About three million parameters; query heads are a multiple of key-value heads."""
    config = Qwen3Config(
        vocab_size=VOCABULARY_TOKENS,
        hidden_size=256,
        intermediate_size=640,
        num_hidden_layers=3,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=64,
        max_position_embeddings=2_048,
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        attention_bias=True,
    )
    model = Qwen3ForCausalLM(config)
    # Unit length rows: a copied token must be told from thousands of others from the start.
    torch.nn.init.normal_(model.model.embed_tokens.weight, std=config.hidden_size**-0.5)
    build_copy_heads(model)
    return model


def encode(tokenizer: PreTrainedTokenizerFast, pairs: list[tuple[str, str]]) -> list[Row]:
    """Token ids and weights of prompts with their guidance; the complaint's group counts more."""
    encoded = tokenizer([p + g for p, g in pairs], return_offsets_mapping=True)
    return [
        Row(
            list(ids),
            _weights(len(prompt), _group_span(prompt, guidance), offsets),
            copied_tokens(prompt + guidance, offsets),
        )
        for (prompt, guidance), ids, offsets in zip(
            pairs, encoded["input_ids"], encoded["offset_mapping"], strict=True
        )
    ]


def copied_tokens(text: str, offsets: list[tuple[int, int]]) -> list[int]:
    """Positions of the tokens that the guidance repeats as they are: words, signs, mentions."""
    kinds = (_SAID,) if f"Danger signs: {NONE_FOUND}" in text else (_SAID, _SIGNS)
    spans = [found.span(found.lastindex or 0) for kind in kinds for found in kind.finditer(text)]
    return [
        at
        for at, (start, end) in enumerate(offsets)
        if any(low <= start and end <= high for low, high in spans)
    ]


def _group_span(prompt: str, guidance: str) -> range:
    """Where in the whole text the first line names the group of the complaint."""
    situation = guidance.partition("\n")[0]
    _, quote, group = situation.rpartition('" ')
    start = len(prompt) + len(situation) - len(group) if quote else 0
    return range(start, start + len(group) if quote else 0)


def _weights(num_prompt: int, group: range, offsets: list[tuple[int, int]]) -> list[float]:
    """From the characters `[start, end)` of each token."""
    return [
        0.0 if start < num_prompt else GROUP_WEIGHT if end - 1 in group else 1.0
        for start, end in offsets
    ]


def _sometimes_shortened(rng: random.Random, prompt: str, guidance: str) -> tuple[str, str]:
    """Ends most texts early: the first line, with the caller's words and the complaint group,
    is the hardest to learn, and the recommendation the easiest.
    """
    end = rng.choices(("\nBackground:", "\nRecommendation:", ""), (30, 30, 40))[0]
    if end:
        return prompt, guidance.partition(end)[0]
    return prompt, guidance + EOS


class Exchange:
    """Gives other tokens to what the guidance repeats, in both places alike.

    Only then is copying learnt apart from sense: words that no text of ours holds are copied
    as well as those that all of them hold. Digits and marks stay.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerFast) -> None:
        tokens = tokenizer.convert_ids_to_tokens(list(range(len(tokenizer))))
        self._starts = [i for i, token in enumerate(tokens) if re.fullmatch(r"Ġ[a-zA-Z]+", token)]
        self._parts = [i for i, token in enumerate(tokens) if re.fullmatch(r"[a-zA-Z]+", token)]
        self._kind = dict.fromkeys(self._starts, self._starts)
        self._kind |= dict.fromkeys(self._parts, self._parts)

    def apply(self, rng: random.Random, row: Row) -> None:
        """Changes `row.ids`."""
        known = sorted({row.ids[at] for at in row.copied} & set(self._kind))
        chosen = [token for token in known if rng.random() < EXCHANGED_TOKENS]
        other = {token: rng.choice(self._kind[token]) for token in chosen}
        for at in row.copied:
            row.ids[at] = other.get(row.ids[at], row.ids[at])


def to_batch(rows: list[Row]) -> tuple[Tensor, Tensor]:
    """Ids and weights, both [rows, longest], padded on the right with nothing that counts."""
    longest = max(len(row.ids) for row in rows)
    ids = torch.zeros(len(rows), longest, dtype=torch.long)
    weights = torch.zeros(len(rows), longest)
    for index, row in enumerate(rows):
        ids[index, : len(row.ids)] = torch.tensor(row.ids)
        weights[index, : len(row.ids)] = torch.tensor(row.weights)
    return ids, weights


def batches(
    tokenizer: PreTrainedTokenizerFast, *, batch_cases: int, seed: int
) -> Iterator[tuple[Tensor, Tensor]]:
    """Endless batches of cases of like length, in random order."""
    pairs, exchange = text_pairs(seed), Exchange(tokenizer)
    rng = random.Random(seed + 1)
    while True:
        texts = [next(pairs) for _ in range(batch_cases * 16)]
        rows = encode(tokenizer, [_sometimes_shortened(rng, *pair) for pair in texts])
        for row in rows:
            if rng.random() < EXCHANGED_ROWS:
                exchange.apply(rng, row)
        rows.sort(key=lambda row: len(row.ids))
        groups = [rows[at : at + batch_cases] for at in range(0, len(rows), batch_cases)]
        rng.shuffle(groups)
        for group in groups:
            yield to_batch(group)


def loss_of(model: Qwen3ForCausalLM, ids: Tensor, weights: Tensor) -> Tensor:
    """Weighted mean cross entropy. Padding is on the right, so causal is enough."""
    hidden = model.model(input_ids=ids[:, :-1]).last_hidden_state
    share = weights[:, 1:]
    chosen = share > 0
    losses = functional.cross_entropy(
        model.lm_head(hidden[chosen]).float(), ids[:, 1:][chosen], reduction="none"
    )
    return (losses * share[chosen]).sum() / share.sum()


def lr_share(done: float) -> float:
    """Share of the peak rate at the fraction `done` of the training.

    A short warm-up, a plateau, and a straight decay over the last 40 %.
    """
    return max(0.01, min(1.0, done / 0.025, (1.0 - done) / 0.4))


def make_optimizers(model: Qwen3ForCausalLM, plan: Plan) -> list[torch.optim.Optimizer]:
    """Muon for the matrices inside the layers, AdamW for everything else."""
    inside = [p for p in model.model.layers.parameters() if p.ndim == 2]
    chosen = {id(p) for p in inside}
    outside = [p for p in model.parameters() if id(p) not in chosen]
    work_dtype = torch.bfloat16 if plan.bfloat16 else torch.float32
    return [
        Muon(inside, lr=plan.matrix_lr, work_dtype=work_dtype),
        torch.optim.AdamW(outside, lr=plan.lr, betas=(0.9, 0.98), weight_decay=0.0),
    ]


def train(
    plan: Plan, tokenizer: PreTrainedTokenizerFast, model: Qwen3ForCausalLM, checkpoints: Path
) -> Qwen3ForCausalLM:
    """Trains `model` on cases that are each seen once; saves it into `checkpoints` on the way."""
    model.train()
    optimizers = make_optimizers(model, plan)
    source = batches(tokenizer, batch_cases=plan.batch_cases, seed=plan.seed)
    started, num_tokens = time.monotonic(), 0
    for step in range(plan.steps):
        elapsed = time.monotonic() - started
        done = max(step / plan.steps, elapsed / 60 / plan.minutes)
        if done >= 1:
            break
        ids, weights = next(source)
        loss = _step(model, optimizers, plan, lr_share(done), ids, weights)
        num_tokens += ids.numel()
        if step % REPORT_STEPS == 0:
            unseen = check_loss(model, tokenizer)
            print(
                f"step {step} ({done:.0%}) loss {loss:.3f} unseen {unseen:.3f} "
                f"{num_tokens:,} tokens {elapsed:.0f} s",
                flush=True,
            )
            save(model, tokenizer, checkpoints)
    return model.eval()


def _step(
    model: Qwen3ForCausalLM,
    optimizers: list[torch.optim.Optimizer],
    plan: Plan,
    share: float,
    ids: Tensor,
    weights: Tensor,
) -> float:
    """One update at `share` of the peak rates; returns the loss before it."""
    with torch.autocast("cpu", torch.bfloat16, enabled=plan.bfloat16):
        loss = loss_of(model, ids, weights)
    model.zero_grad(set_to_none=True)
    loss.backward()
    for optimizer, peak in zip(optimizers, (plan.matrix_lr, plan.lr), strict=True):
        for group in optimizer.param_groups:
            group["lr"] = peak * share
        optimizer.step()
    return loss.item()


def check_loss(model: Qwen3ForCausalLM, tokenizer: PreTrainedTokenizerFast) -> float:
    """Loss on the first cases of a seed that is kept out of training."""
    ids, weights = next(batches(tokenizer, batch_cases=24, seed=CHECK_SEED))
    with torch.no_grad():
        return loss_of(model, ids, weights).item()


def save(model: Qwen3ForCausalLM, tokenizer: PreTrainedTokenizerFast, folder: Path) -> None:
    """Half precision weights, tokenizer and greedy generation settings, all from one folder."""
    folder.mkdir(parents=True, exist_ok=True)
    model.generation_config = GenerationConfig(
        do_sample=False,
        max_new_tokens=MAX_NEW_TOKENS,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    stored: Any = copy.deepcopy(model)
    stored.to(torch.float16).save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def load(folder: Path) -> tuple[PreTrainedTokenizerFast, Qwen3ForCausalLM]:
    """Tokenizer and model in single precision, from a folder that `save` wrote."""
    tokenizer = PreTrainedTokenizerFast.from_pretrained(folder)
    return tokenizer, Qwen3ForCausalLM.from_pretrained(folder, dtype=torch.float32)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=2_000)
    parser.add_argument("--minutes", type=float, default=math.inf)
    parser.add_argument("--batch-cases", type=int, default=12)
    parser.add_argument("--lr", type=float, default=1e-3)
    parser.add_argument("--matrix-lr", type=float, default=0.02)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--bfloat16", action="store_true", help="multiply in half precision")
    parser.add_argument("--start-from", type=Path, help="go on from the model in this folder")
    parser.add_argument("--out", type=Path, default=MODEL_FOLDER)
    options = vars(parser.parse_args())
    folder, start_from = options.pop("out"), options.pop("start_from")
    plan = Plan(**options)
    torch.set_num_threads(plan.threads)
    torch.manual_seed(plan.seed)
    if start_from:
        tokenizer, model = load(start_from)
    else:
        tokenizer = train_tokenizer(num_texts=6_000, seed=plan.seed + 50)
        model = make_model(tokenizer)
    print(f"{model.num_parameters():,} parameters", flush=True)
    save(train(plan, tokenizer, model, folder / "checkpoint"), tokenizer, folder)
    print(f"saved to {folder}")


if __name__ == "__main__":
    main()
