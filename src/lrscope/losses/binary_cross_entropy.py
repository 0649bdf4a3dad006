"""Cross entropy of yes and no: one logit an example, or one for each of several labels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional


class BinaryCrossEntropy(nn.Module):
    """Mean of ``BCEWithLogitsLoss`` over logits [N, 1] for classes 0 and 1 [N], or [N, K] for numbers from 0 to 1.

    Args:
        pos_weight: how often a yes counts; one number, one a label, or ``balanced`` of two classes: so often that both
            weigh alike.
        class_shares: of the training part; filled in from the data.

    Raises:
        ValueError: there are no two shares to balance, or a number that is not finite and above 0.
    """

    pos_weight: Tensor | None

    def __init__(
        self,
        pos_weight: Literal["balanced"] | float | Sequence[float] | None = None,
        class_shares: Sequence[float] = (),
    ) -> None:
        super().__init__()
        if isinstance(pos_weight, str):
            if pos_weight != "balanced":
                raise ValueError(f"pos_weight={pos_weight} is neither balanced nor a number")
            if len(class_shares) != 2 or not class_shares[1]:
                raise ValueError("pos_weight=balanced needs two classes of data in memory; give a number")
            pos_weight = class_shares[0] / class_shares[1]
        given = torch.as_tensor(pos_weight, dtype=torch.float32) if pos_weight is not None else None
        if given is not None and (isinstance(pos_weight, bool) or not bool((given.isfinite() & (given > 0)).all())):
            raise ValueError(f"pos_weight={pos_weight} is no finite number above 0")
        self.register_buffer("pos_weight", given)

    def forward(self, answers: Tensor, targets: Tensor) -> Tensor:
        weight = self.pos_weight.to(answers) if self.pos_weight is not None else None
        wanted = targets.to(answers.dtype).reshape(answers.shape)
        return functional.binary_cross_entropy_with_logits(answers, wanted, pos_weight=weight)
