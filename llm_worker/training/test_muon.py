"""The Muon optimizer: orthogonal updates that reduce the loss."""

from __future__ import annotations

import pytest
import torch

from llm_worker.training.muon import Muon, orthogonal


@pytest.mark.parametrize("shape", [(8, 24), (24, 8), (16, 16)])
def test_orthogonal_has_singular_values_about_one(shape: tuple[int, int]) -> None:
    torch.manual_seed(1)
    values = torch.linalg.svdvals(orthogonal(torch.randn(shape)))
    assert 0.3 < values.min() <= values.max() < 1.3


def test_a_least_squares_loss_decreases() -> None:
    torch.manual_seed(2)
    target, matrix = torch.randn(6, 6), torch.nn.Parameter(torch.zeros(6, 6))
    optimizer = Muon([matrix], lr=0.05)
    losses = []
    for _ in range(60):
        loss = ((matrix - target) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0] / 4
