"""What training chooses: the calibration, and which notes the encoder reads beside others."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from triage_site.triage.model.features import BLOCKS, FEATURES
from triage_site.triage.model.scoring import NUM_HEADS, STORY, from_scores, load
from triage_site.triage.training.classifier_fit import Rows, calibrate
from triage_site.triage.training.story_fit import STEEPEST, fit_story

NUM_NOTES = 4000
# Offsets far apart and from zero, as an encoder gives them: a search from zero ends elsewhere.
TRUTHS = [(1.0, (0.0, 0.0, 0.0, 0.0)), (1.1, (1.6, 1.3, 2.6, 1.2)), (0.5, (-4.0, -3.0, 2.0, 3.0))]


def notes(slope: float, offset: tuple[float, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Scores of notes, and levels drawn with the chances that these scores really mean."""
    rng = np.random.default_rng(3)
    middle = rng.normal(0.0, 3.0, NUM_NOTES)
    log_odds = middle[:, None] + np.array([-3.0, -1.0, 1.0, 3.0])
    scores = (log_odds - np.array(offset)) / slope
    chances = from_scores(scores, np.full(NUM_HEADS, slope), np.array(offset))
    drawn = rng.random(NUM_NOTES)[:, None]
    return scores, (drawn > chances.cumsum(axis=1)).sum(axis=1)


@pytest.mark.parametrize(("slope", "offset"), TRUTHS)
def test_the_calibration_finds_the_line_that_made_the_levels(
    slope: float, offset: tuple[float, ...]
) -> None:
    scores, levels = notes(slope, offset)
    found, offsets = calibrate(scores, levels)
    assert found == pytest.approx(np.full(NUM_HEADS, slope), rel=0.1)
    assert offsets == pytest.approx(np.array(offset), abs=0.35)


def test_a_row_of_twice_the_weight_counts_as_two() -> None:
    scores, levels = notes(*TRUTHS[1])
    scores, levels = scores[:400], levels[:400]
    weight = np.where(levels <= 1, 2.0, 1.0)
    twice = np.repeat(np.arange(400), weight.astype(int))
    weighted = calibrate(scores, levels, weight)
    repeated = calibrate(scores[twice], levels[twice])
    assert weighted[0] == pytest.approx(repeated[0], rel=0.02)
    assert weighted[1] == pytest.approx(repeated[1], abs=0.05)


def test_no_boundary_is_crossed_with_more_chance_than_a_milder_one() -> None:
    scores = np.array([[5.0, -2.0, -1.0, 0.0]])
    chances = from_scores(scores, np.ones(NUM_HEADS), np.zeros(NUM_HEADS))[0]
    assert chances.sum() == pytest.approx(1.0)
    assert chances[0] == pytest.approx(1 / (1 + np.exp(2.0)), abs=0.001)  # not that of 5.0


def test_texts_of_signs_are_read_beside_calm_notes_as_well_as_alone() -> None:
    from triage_site.triage.training.encoder_examples import UNKNOWN, Example
    from triage_site.triage.training.train_encoder import _with_more

    sign = Example(("adult",), ("stroke",), (UNKNOWN, 1, 1, 1), (1,))
    calm = Example(("adult",), ("sore", "thumb"), (0, 0, 0, 1), (1, 1))
    rng = random.Random(1)
    mixed = [_with_more(sign, [calm], [("hello",)], rng) for _ in range(400)]
    beside = [one for one in mixed if "thumb" in one.words]
    assert 0.4 < len(beside) / len(mixed) < 0.6
    assert Counter(one.at_most for one in beside) == {(UNKNOWN, 1, 1, 1): len(beside)}
    assert all(one.now[one.words.index("stroke")] == 1 for one in beside)


def test_a_rare_odd_value_adds_no_more_than_its_bound() -> None:
    """Three notes of two hundred have a high pressure, all of level 1: without the bound its
    weight is over ten, and a trifle with the same pressure would be an emergency."""
    rng = np.random.default_rng(5)
    features = np.zeros((200, len(FEATURES)))
    words, pressure = FEATURES.index("words_1"), FEATURES.index("diastolic_high")
    features[:, words] = rng.normal(0.0, 3.0, 200)
    priority = np.where(features[:, words] > 0, 1, 3)
    features[:3, pressure] = 0.3
    priority[:3] = 1
    rows = Rows(seen=[], features=features, priority=priority, fold=np.zeros(200, dtype=np.int64))
    fitted = fit_story(rows)
    assert fitted.weights[pressure].max() == pytest.approx(STEEPEST)
    assert fitted.weights[words, 1] > 0.2


def test_the_shipped_stories_keep_that_bound() -> None:
    weights = load().parts[STORY].weights
    rows = [FEATURES.index(name) for name in BLOCKS["vitals"]]
    assert 0 < weights[rows].max() <= STEEPEST


def test_the_network_without_a_mask_reads_a_note_as_the_one_that_learned(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import torch
    from transformers import BertConfig, BertModel

    from triage_site.triage.training import train_encoder

    config = BertConfig(
        vocab_size=50, hidden_size=24, num_hidden_layers=2, num_attention_heads=3,
        intermediate_size=32,
    )  # fmt: skip
    monkeypatch.setattr(
        train_encoder.BertModel, "from_pretrained", lambda _, **more: BertModel(config, **more)
    )
    torch.manual_seed(1)
    network = train_encoder.Network(Path("unused")).eval()
    ids, kinds = torch.tensor([[3, 9, 4, 7, 2]]), torch.tensor([[0, 0, 1, 1, 1]])
    padded = torch.cat([ids, torch.zeros(1, 3, dtype=torch.int64)], dim=1)
    mask = torch.tensor([[1, 1, 1, 1, 1, 0, 0, 0]])
    more = torch.cat([kinds, torch.zeros(1, 3, dtype=torch.int64)], dim=1)
    with torch.no_grad():
        alone = train_encoder.Alone(network)(ids, kinds)
        beside = network(padded, mask, more)
    for one, other in zip(alone, beside, strict=True):
        assert torch.allclose(one, other[:, :5], atol=1e-6)
