"""What `torch.compile` would make of a stack's step on the processor; prints the table of docs/performance.md.

    python benchmarks/compiled.py [--members 3,16,64,256] [--networks mlp,cnn,transformer]

The pass of all members forward and back is written down as operations, compiled by inductor, and so is the update rule;
an update by them and one as lrscope makes it take turns in one process. Steps are seconds of processor, the least of
several rounds; compiling is both, as it takes turns with the C++ compiler. Nothing that compiled before is used again.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.fx.experimental.proxy_tensor import make_fx
from torch.nn import functional

from lrscope.batched.model.batched_trainer import BatchedTrainer, Member
from lrscope.models.cnn import CNN
from lrscope.models.mlp import MLP
from lrscope.models.transformer import Transformer
from lrscope.training.kept_memory import keep_freed_memory

NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "mlp": lambda: MLP((1, 8, 8), 10),
    "cnn": lambda: CNN((1, 8, 8), 10),
    "transformer": lambda: Transformer((16,), 10, vocabulary=50),
}
ROUNDS = 9


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--members", default="3,16,64,256")
    parser.add_argument("--networks", default="mlp,cnn,transformer")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    keep_freed_memory()  # as a run does
    print("| network | members | compiling, by the clock | of processors | a step now | compiled | ratio |")
    print("|---|---|---|---|---|---|---|")
    for name in arguments.networks.split(","):
        for members in map(int, arguments.members.split(",")):
            with tempfile.TemporaryDirectory() as cache:
                os.environ["TORCHINDUCTOR_CACHE_DIR"] = cache
                print("| " + " | ".join(row(name, members)) + " |", flush=True)
            torch.compiler.reset()


def row(name: str, members: int) -> list[str]:
    batch = _batch(name)
    now, other = _trainer(name, members), _trainer(name, members)
    for trainer in (now, other):
        for _ in range(6):
            _step(trainer, batch)
    began, used = time.perf_counter(), sum(os.times()[:4])
    _compile(other, batch)
    _step(other, batch)
    wall, processors = time.perf_counter() - began, sum(os.times()[:4]) - used
    repeats = max(2, int(0.1 / _seconds(now, batch, 5)))
    pairs = [(_seconds(now, batch, repeats), _seconds(other, batch, repeats)) for _ in range(ROUNDS)]
    plain, compiled = (1000 * min(found) for found in zip(*pairs, strict=True))
    times = [f"{wall:.0f} s", f"{processors:.0f} s", f"{plain:.3g} ms", f"{compiled:.3g} ms"]
    return [name, str(members), *times, f"{compiled / plain:.2f}"]


def _compile(trainer: BatchedTrainer, batch: tuple[Tensor, Tensor]) -> None:
    """Put compiled functions in the place of the trainer's own."""
    passes, names = trainer._passes, list(trainer.stack.parameters)

    def whole(*tensors: Tensor) -> list[Tensor]:
        leaves = [tensor.detach().requires_grad_() for tensor in tensors[:-2]]
        parameters = dict(zip(names, leaves, strict=True))
        outputs = trainer.forward.train(tensors[-2], own=False, parameters=parameters)
        losses, gradients = passes._back(outputs, tensors[-1], leaves, False)
        return [losses, *gradients]

    graph = make_fx(whole)(*(leaf.detach() for leaf in trainer.stack.leaves), *batch)
    made = torch.compile(graph, dynamic=False)

    def compiled(inputs: Tensor, targets: Tensor, *, own: bool) -> tuple[Tensor, list[Tensor]]:
        assert not own
        with torch.no_grad():
            losses, *gradients = made(*trainer.stack.leaves, inputs, targets)
        return losses, gradients

    trainer._passes = compiled  # type: ignore[assignment]
    rule = trainer._updates._rule
    trainer._updates._rule = replace(rule, update=torch.compile(rule.update, dynamic=False))


def _trainer(name: str, members: int) -> BatchedTrainer:
    made = []
    for seed in range(members):
        torch.manual_seed(seed)
        network = NETWORKS[name]()
        made.append(Member(network, torch.optim.Adam(network.parameters(), lr=1e-3), seed=seed))
    return BatchedTrainer(made, functional.cross_entropy, trace_after=3)


def _batch(name: str) -> tuple[Tensor, Tensor]:
    inputs = torch.randint(50, (32, 16)) if name == "transformer" else torch.randn(32, 1, 8, 8)
    return inputs, torch.arange(32) % 10


def _step(trainer: BatchedTrainer, batch: tuple[Tensor, Tensor]) -> None:
    trainer.gather(*batch, own=False)
    trainer.update()


def _seconds(trainer: BatchedTrainer, batch: tuple[Tensor, Tensor], repeats: int) -> float:
    began = time.process_time()
    for _ in range(repeats):
        _step(trainer, batch)
    return (time.process_time() - began) / repeats


if __name__ == "__main__":
    main()
