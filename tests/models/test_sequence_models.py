"""The networks for sequences, and the residual one: what they see, and that many train as each alone."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from lrscope.batched.model.batched_trainer import BatchedTrainer, Member
from lrscope.core.errors import InputError
from lrscope.models.gru import GRU
from lrscope.models.resnet import ResNet
from lrscope.models.transformer import Transformer
from lrscope.training.supported import Loss, token_cross_entropy

IDS = torch.randint(1, 20, (12, 7), generator=torch.Generator().manual_seed(0))
IDS[:, 5:] = 0
CLASSES, TOKENS = torch.arange(12) % 3, IDS.roll(-1, 1)
IMAGES = torch.randn(12, 3, 8, 8, generator=torch.Generator().manual_seed(0))

CASES: dict[str, tuple[Callable[[], nn.Module], Tensor, Tensor, Loss]] = {
    "gru": (lambda: GRU([7], 3, 20, 0), IDS, CLASSES, functional.cross_entropy),
    "gru, next": (lambda: GRU([7], 20, 20, each_token=True, layers=2), IDS, TOKENS, token_cross_entropy),
    "gru of numbers": (lambda: GRU([8, 3], 3), IMAGES[:, 0, :, :3], CLASSES, functional.cross_entropy),
    "transformer": (lambda: Transformer([7], 3, 20, 0, width=8), IDS, CLASSES, functional.cross_entropy),
    "transformer, next": (
        lambda: Transformer([7], 20, 20, each_token=True, width=8), IDS, TOKENS, token_cross_entropy),
    "resnet": (lambda: ResNet([3, 8, 8], 3, width=4), IMAGES, CLASSES, functional.cross_entropy),
    "resnet, no norm": (
        lambda: ResNet([3, 8, 8], 3, width=4, batch_norm=False), IMAGES, CLASSES, functional.cross_entropy),
}  # fmt: skip


def members(make: Callable[[], nn.Module]) -> list[Member]:
    torch.manual_seed(0)
    made = [(make().double(), rate) for rate in (0.1, 0.01)]
    return [Member(network, torch.optim.SGD(network.parameters(), lr=rate)) for network, rate in made]


@pytest.mark.parametrize("name", CASES)
def test_many_train_as_each_alone(name: str) -> None:
    make, inputs, targets, loss = CASES[name]
    inputs = inputs.double() if inputs.is_floating_point() else inputs
    stack = BatchedTrainer(members(make), loss, "cpu")
    for _ in range(4):
        stack.gather(inputs, targets, own=False)
        stack.update()
    for row, member in enumerate(members(make)):
        network = member.network.train()
        for _ in range(4):
            member.optimizer.zero_grad()
            loss(network(inputs), targets).backward()
            member.optimizer.step()
        for key, tensor in stack.stack.member_state(row).items():
            assert torch.allclose(tensor, network.state_dict()[key], rtol=0, atol=1e-9), f"{key} of member {row}"


@pytest.mark.parametrize("make", [GRU, Transformer])
def test_no_place_sees_what_it_is_to_predict(make: type[nn.Module]) -> None:
    torch.manual_seed(0)
    network = make([7], 20, 20, each_token=True).eval()
    changed = IDS.clone()
    changed[:, 4] = 19
    before, after = network(IDS), network(changed)
    assert torch.equal(before[:, :4], after[:, :4]) and not torch.equal(before[:, 4:], after[:, 4:])


@pytest.mark.parametrize("make", [GRU, Transformer])
def test_padding_takes_no_part(make: type[nn.Module]) -> None:
    torch.manual_seed(0)
    network = make([7], 3, 20, 0).eval()
    before = network(IDS)
    with torch.no_grad():
        network.enter.layer.weight[0] += 1  # type: ignore[union-attr, operator]
    assert torch.allclose(before, network(IDS), atol=1e-6)


def test_attention_is_that_of_torch() -> None:
    torch.manual_seed(0)
    network = Transformer([7], 3, 20, width=8, heads=2)
    block, states = network.blocks[0], torch.randn(2, 7, 8)
    query, key, value = block.attend(states).unflatten(-1, (3, 2, 4)).permute(2, 0, 3, 1, 4)  # type: ignore[union-attr, operator]
    known = functional.scaled_dot_product_attention(query, key, value).transpose(1, 2).flatten(2)
    assert torch.allclose(block._attention(states, None), known, atol=1e-6)  # type: ignore[union-attr, operator]


def test_depth_of_a_residual_network() -> None:
    def layers(depth: int) -> int:
        network = ResNet([3, 8, 8], 10, depth=depth, width=4)
        return sum(
            isinstance(m, nn.Linear) or (isinstance(m, nn.Conv2d) and m.kernel_size == (3, 3))
            for m in network.modules()
        )

    assert [layers(depth) for depth in (8, 14, 20)] == [8, 14, 20]
    assert ResNet([1, 8, 8], 10)(torch.zeros(2, 1, 8, 8)).shape == (2, 10)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: GRU([1, 8, 8], 3), "takes token ids"),
        (lambda: GRU([7], 3, 20, hidden=0), "model.hidden=0"),
        (lambda: Transformer([7], 3, 20, width=9), "model.width=9: must be a multiple of the 4 heads. Use e.g. 8"),
        (lambda: Transformer([7], 20, 20, each_token=True, causal=False), "model.causal=false"),
        (lambda: Transformer([7], 3, 20, dropout=1.0), "model.dropout=1.0"),
        (lambda: ResNet([7], 3), "takes images"),
        (lambda: ResNet([3, 8, 8], 3, depth=10), "model.depth=10: must be 8, 14, 20"),
    ],
)
def test_what_does_not_fit_is_told(make: Callable[[], nn.Module], words: str) -> None:
    with pytest.raises(InputError, match=words.replace(".", r"\.")):
        make()
