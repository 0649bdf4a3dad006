"""What a step of many members costs as one model and one by one, and which of the two ``sweep.together=auto`` takes.

    python benchmarks/together.py [--device cpu] [--threads 1] [--members 1,3,16,64,256,1024] [--networks mlp,cnn,wide]

One process, the networks and ways in turn, the fastest of several rounds. The one-by-one column is a plain loop without
any library around it: what ``auto`` holds the stack against.
"""

from __future__ import annotations

import argparse
import platform
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from lrscope.batched.model.batched_trainer import Member
from lrscope.batched.model.stack_trial import StackTrial
from lrscope.batched.run.autotune import choose
from lrscope.datasets.data import Part
from lrscope.models.cnn import CNN
from lrscope.models.mlp import MLP
from lrscope.training.kept_memory import keep_freed_memory
from lrscope.training.supported import loss_of

BATCH = 32
LONG = 10**9
"""Updates of a run that is long enough for both ways to be timed."""


@dataclass(frozen=True)
class Network:
    """A network to train, and the shape of its inputs."""

    make: Callable[[], nn.Module]
    shape: tuple[int, ...]


class Residual(nn.Module):
    """Two convolutions with a way around them, as in ResNet-18."""

    def __init__(self, planes: int, wide: int, stride: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(planes, wide, 3, stride, 1, bias=False),
            nn.BatchNorm2d(wide),
            nn.ReLU(),
            nn.Conv2d(wide, wide, 3, 1, 1, bias=False),
            nn.BatchNorm2d(wide),
        )
        around = [nn.Conv2d(planes, wide, 1, stride, bias=False), nn.BatchNorm2d(wide)]
        self.around = nn.Sequential(*around) if stride > 1 or planes != wide else nn.Identity()
        self.relu = nn.ReLU()

    def forward(self, inputs: Tensor) -> Tensor:
        return self.relu(self.body(inputs) + self.around(inputs))


def resnet18() -> nn.Module:
    """ResNet-18 for images of 32 x 32: 11 million weights."""
    layers: list[nn.Module] = [nn.Conv2d(3, 64, 3, 1, 1, bias=False), nn.BatchNorm2d(64), nn.ReLU()]
    planes = 64
    for wide in (64, 128, 256, 512):
        layers += [Residual(planes, wide, 1 if wide == 64 else 2), Residual(wide, wide, 1)]
        planes = wide
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, 10))


NETWORKS = {
    "mlp": Network(lambda: MLP((1, 8, 8), 10), (1, 8, 8)),
    "cnn": Network(lambda: CNN((1, 8, 8), 10), (1, 8, 8)),
    "signs": Network(lambda: MLP((3, 64, 64), 6), (3, 64, 64)),
    "wide": Network(lambda: MLP((1, 8, 8), 10, hidden=(256, 256)), (1, 8, 8)),
    "wider": Network(lambda: MLP((1, 8, 8), 10, hidden=(1024, 1024)), (1, 8, 8)),
    "resnet18": Network(resnet18, (3, 32, 32)),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=1, help="0 leaves it to torch")
    parser.add_argument("--members", default="1,3,16,64,256,1024")
    parser.add_argument("--networks", default="mlp,cnn,signs,wide,wider")
    parser.add_argument("--most-seconds", type=float, default=2.0, help="a size whose step takes longer is the last")
    arguments = parser.parse_args()
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    keep_freed_memory()  # as a run does
    where = platform.processor() or platform.machine() if arguments.device == "cpu" else torch.cuda.get_device_name()
    print(f"{where}, torch {torch.__version__}, {torch.get_num_threads()} threads, batches of {BATCH}, Adam\n")
    print("| network | weights | members | together | one by one | ratio | a member, together | auto takes |")
    print("|---|---|---|---|---|---|---|---|")
    for name in arguments.networks.split(","):
        for members in map(int, arguments.members.split(",")):
            if row(name, members, torch.device(arguments.device)) > arguments.most_seconds:
                break


def row(name: str, members: int, device: torch.device) -> float:
    """Print one line; the seconds of a step of all."""
    network = NETWORKS[name].make()
    weights = sum(parameter.numel() for parameter in network.parameters())
    inputs = torch.randn(BATCH, *NETWORKS[name].shape, generator=torch.Generator().manual_seed(0))
    part = Part(inputs.to(device), (torch.arange(BATCH) % 6).to(device))
    member = Member(network, torch.optim.Adam(network.parameters(), lr=1e-3))
    trial = StackTrial(member, part, BATCH, loss_of("classification"), "32-true", free_threads=False)
    assert trial.refusal() is None
    choice = choose(trial, members, LONG, "auto")
    assert choice.together_ms is not None and choice.alone_ms is not None
    cells = [name, f"{weights:,}", f"{members:,}", f"{choice.together_ms:.3g} ms", f"{choice.alone_ms:.3g} ms"]
    cells += [f"{choice.together_ms / choice.alone_ms:.2f}", f"{choice.together_ms / members:.3g} ms"]
    print("| " + " | ".join([*cells, "together" if choice.together else "one by one"]) + " |", flush=True)
    return choice.together_ms / 1000


if __name__ == "__main__":
    main()
