"""The pass of a stack compiled by ``torch.compile``: half a step of a small network, where that pays for the compiling.

Compiled operations round otherwise. So a stack is compiled from its first update on or not at all, and its checkpoints
say which: a sweep that is resumed goes on in the same way.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.fx import GraphModule

from lrscope.batched.model.within_rounding import CLOSE, near
from lrscope.core.paths import project_root

Pass = Callable[..., Sequence[Tensor]]
"""From the leaves, inputs and targets to the losses [M] and the gradient of each leaf."""


@dataclass(frozen=True)
class Compiling:
    """When the pass of a stack is compiled.

    Members that end leave a smaller stack, which is compiled anew where enough is left to train.
    """

    now: bool
    """Whether the stack is, as it starts."""
    batch: int
    """Examples of the batches whose pass is. An epoch's smaller last one is not worth another compilation."""
    least_updates: int
    """With fewer updates to come compiling takes longer than it saves."""
    total_updates: int
    """Those of a whole run."""

    def of_fewer(self, done: int) -> Compiling:
        """For a smaller stack, with so many updates done."""
        return replace(self, now=self.now and self.total_updates - done >= self.least_updates)

    def takes(self, targets: Tensor, *, own: bool) -> bool:
        """Whether the pass of this batch, of targets [B, ...] or [M, B, ...], is compiled."""
        return self.now and targets.shape[1 if own else 0] == self.batch


def why_not(device: torch.device) -> str | None:
    """What is missing to compile for a device; None where nothing is."""
    if device.type == "cuda":
        from torch.utils._triton import has_triton

        return None if has_triton() else "Triton is not installed"
    if device.type != "cpu":
        return f"not tried on {device.type}"
    with warnings.catch_warnings(action="ignore"):
        from torch._inductor.cpp_builder import get_cpp_compiler

    try:
        get_cpp_compiler()
    except Exception:  # of its own kinds
        return "no C++ compiler is installed (g++ or clang++)"
    return None


def compiled(graph: GraphModule, tensors: Sequence[Tensor]) -> tuple[Pass, Sequence[Tensor]]:
    """The operations of a pass, compiled for tensors such as these; and what it gives for them.

    On a GPU they are recorded as a CUDA graph, which starts all of them at once. It writes into the same memory each
    time, so what it gives is copied out. What was compiled is kept below ``outputs``, for the next time: torch's own
    place has a name in the common temporary folder that others can guess, and lay a library of theirs at.
    """
    os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", str(project_root() / "outputs" / "compiled"))
    with warnings.catch_warnings(action="ignore"):  # torch's, about itself
        from torch._inductor import config

        on_gpu = tensors[0].device.type == "cuda"
        made: Pass = torch.compile(graph, dynamic=False, mode="reduce-overhead" if on_gpu else None)

        def copied(*tensors: Tensor) -> Sequence[Tensor]:
            return [tensor.clone() for tensor in made(*tensors)]

        run = copied if on_gpu else made
        with config.patch(compile_threads=1):  # a pool of compilers, made for one function, would outlive a SIGKILL
            return run, run(*tensors)


def close(mine: Sequence[Tensor], known: Sequence[Tensor], bound: float = CLOSE) -> bool:
    """Whether compiled losses and gradients are those that are known, to within roundings; nan in both is the same."""
    largest = max(float(gradient.nan_to_num().norm()) for gradient in known[1:])
    return all(
        torch.equal(one.isfinite(), other.isfinite())
        and near((one - other).nan_to_num(), other.nan_to_num(), bound, max(1e-3 * largest, 1e-12))
        for one, other in zip(mine, known, strict=True)
    )
