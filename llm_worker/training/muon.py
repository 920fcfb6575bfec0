"""The Muon optimizer: orthogonalised momentum for the weight matrices of a network."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor


class Muon(torch.optim.Optimizer):
    """Nesterov momentum, orthogonalised by Newton-Schulz steps (Jordan et al., 2024).

    `work_dtype` is the type of the Newton-Schulz steps: bfloat16 where the CPU supports it.
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
        """Updates every matrix. All must have a gradient. Does not call `closure`."""
        for group in self.param_groups:
            for matrix in group["params"]:
                memory = self.state[matrix].setdefault("momentum", torch.zeros_like(matrix))
                memory.lerp_(matrix.grad, 1 - group["momentum"])
                wanted = matrix.grad.lerp(memory, group["momentum"])
                direction = orthogonal(wanted.to(self._work_dtype)).to(matrix.dtype)
                scale = max(1.0, matrix.size(0) / matrix.size(1)) ** 0.5
                matrix.add_(direction, alpha=-group["lr"] * scale)


def orthogonal(matrix: Tensor, num_steps: int = 5) -> Tensor:
    """A near matrix with singular values of about one (the quintic iteration of Jordan et al.).

    Same shape as `matrix`.
    """
    wide = matrix.size(0) <= matrix.size(1)
    out = matrix if wide else matrix.T
    out = out / (out.norm() + 1e-7)
    for _ in range(num_steps):
        square = out @ out.T
        out = 3.4445 * out + (2.0315 * square @ square - 4.7750 * square) @ out
    return out if wide else out.T
