"""The Muon optimizer: momentum made orthogonal, for the matrices inside a network."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor


class Muon(torch.optim.Optimizer):
    """Nesterov momentum made orthogonal by Newton-Schulz steps (Jordan et al., 2024).

    In single precision throughout: the library's own works in bfloat16, slow on most CPUs.
    """

    def __init__(self, params: Iterable[Tensor], lr: float, momentum: float = 0.95) -> None:
        super().__init__(list(params), {"lr": lr, "momentum": momentum})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:
        """One update of every matrix that has a gradient."""
        for group in self.param_groups:
            for matrix in group["params"]:
                memory = self.state[matrix].setdefault("momentum", torch.zeros_like(matrix))
                memory.lerp_(matrix.grad, 1 - group["momentum"])
                direction = orthogonal(matrix.grad.lerp(memory, group["momentum"]))
                scale = max(1.0, matrix.size(0) / matrix.size(1)) ** 0.5
                matrix.add_(direction, alpha=-group["lr"] * scale)


def orthogonal(matrix: Tensor, num_steps: int = 5) -> Tensor:
    """The nearest matrix with singular values about one, by the quintic of the same source."""
    wide = matrix.size(0) <= matrix.size(1)
    out = matrix if wide else matrix.T
    out = out / (out.norm() + 1e-7)
    for _ in range(num_steps):
        square = out @ out.T
        out = 3.4445 * out + (2.0315 * square @ square - 4.7750 * square) @ out
    return out if wide else out.T
