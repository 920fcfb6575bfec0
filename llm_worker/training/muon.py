"""The Muon optimizer: momentum made orthogonal, for the matrices inside a network."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor


class Muon(torch.optim.Optimizer):
    """Nesterov momentum made orthogonal by Newton-Schulz steps (Jordan et al., 2024).

    `work_dtype` is that of the Newton-Schulz steps: bfloat16 where the CPU multiplies in it.
    """

    def __init__(
        self,
        params: Iterable[Tensor],
        lr: float,
        momentum: float = 0.95,
        work_dtype: torch.dtype = torch.float32,
    ) -> None:
        super().__init__(list(params), {"lr": lr, "momentum": momentum})
        self._work_dtype = work_dtype

    @torch.no_grad()
    def step(self, closure: Any = None) -> Any:
        """One update of every matrix; all must have a gradient. `closure` is not called."""
        for group in self.param_groups:
            for matrix in group["params"]:
                memory = self.state[matrix].setdefault("momentum", torch.zeros_like(matrix))
                memory.lerp_(matrix.grad, 1 - group["momentum"])
                wanted = matrix.grad.lerp(memory, group["momentum"])
                direction = orthogonal(wanted.to(self._work_dtype)).to(matrix.dtype)
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
