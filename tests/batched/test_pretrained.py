"""``model.checkpoint``: what is taken of a file, what is told, what is refused; a frozen body is held once."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from both_ways import composed
from torch import nn

from lrscope.batched.model.stack import Stack
from lrscope.core.errors import InputError
from lrscope.datasets.digits import digits
from lrscope.training import build
from lrscope.training.copied_network import copied, share_frozen
from lrscope.training.facts.peak_rate import peak_of_groups
from lrscope.training.pretrained import words_on_checkpoint

SHAPE = ("dataset=digits", "model=mlp", "model.hidden=[6,4]")


@pytest.fixture
def body(tmp_path: Path) -> Path:
    """Weights as a run of lrscope leaves them, of a network with ten answers."""
    torch.manual_seed(5)
    saved = build.network(composed(SHAPE), digits()).state_dict()
    torch.save({"state_dict": {f"network.{k}": v for k, v in saved.items()}}, tmp_path / "best.ckpt")
    return tmp_path / "best.ckpt"


def network_of(path: Path, *words: str, classes: tuple[int, ...] = tuple(range(10))) -> tuple[nn.Module, list[str]]:
    cfg = composed((*SHAPE, f"model.checkpoint={path}", "tracking=off", *words))
    network = build.network(cfg, digits(classes=classes))
    return network, words_on_checkpoint(cfg, network)


def stored(path: Path) -> dict[str, torch.Tensor]:
    return {k.removeprefix("network."): v for k, v in torch.load(path, weights_only=True)["state_dict"].items()}


def test_all_weights_of_a_run_are_taken_and_that_the_head_is_too_is_told(body: Path) -> None:
    network, (words,) = network_of(body)
    assert "its head is taken as well (layers.5.bias, layers.5.weight); model.fresh_head=true" in words
    assert all(torch.equal(network.state_dict()[name], tensor) for name, tensor in stored(body).items())


def test_a_head_of_another_size_starts_anew_and_is_told(body: Path) -> None:
    network, (words,) = network_of(body, classes=(5, 6, 7))
    assert "the head layers.5 starts anew" in words and "[10, 4] there, [3, 4] here" in words
    assert torch.equal(network.state_dict()["layers.3.weight"], stored(body)["layers.3.weight"])


def test_a_head_of_the_same_size_starts_anew_where_that_is_asked(body: Path) -> None:
    torch.manual_seed(9)
    initial = build.network(composed(SHAPE), digits()).state_dict()
    torch.manual_seed(9)
    network, words = network_of(body, "model.fresh_head=true")
    assert not words
    taken = {name for name, tensor in network.state_dict().items() if torch.equal(tensor, stored(body)[name])}
    assert taken == {"layers.1.weight", "layers.1.bias", "layers.3.weight", "layers.3.bias"}
    assert torch.equal(network.state_dict()["layers.5.weight"], initial["layers.5.weight"])


@pytest.mark.parametrize("words", [("model.fresh_head=true",), ("model.fresh_head=7", "model.checkpoint=x.pt")])
def test_a_fresh_head_without_a_body_and_a_word_that_is_none_are_refused(words: tuple[str, ...]) -> None:
    with pytest.raises(InputError, match=r"model\.fresh_head"):
        build.network(composed((*SHAPE, *words)), digits())


def test_missing_and_unexpected_names_are_told(body: Path) -> None:
    torch.save({"layers.1.weight": stored(body)["layers.1.weight"], "neck.bias": torch.zeros(2)}, body)
    (words,) = network_of(body)[1]
    assert "lacks layers.1.bias" in words and "neck.bias of it find no place" in words


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ({"layers.1.weight": torch.zeros(6, 63), "layers.1.bias": torch.zeros(6)}, r"\[6, 63\] there and \[6, 64\]"),
        ({"stem.weight": torch.zeros(2)}, "no parameter of this network"),
        ({"lr": 0.1}, "no weights by name"),
        (nn.Identity(), "cannot be read as weights"),
    ],
)
def test_what_does_not_fit_is_refused(tmp_path: Path, content: object, told: str) -> None:
    torch.save(content, tmp_path / "other.pt")
    with pytest.raises(InputError, match=told):
        network_of(tmp_path / "other.pt")


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file and no such run"):
        network_of(tmp_path / "nowhere.pt")


def test_heads_on_a_frozen_body_hold_it_once(body: Path) -> None:
    words = ("optimizer.groups.body.freeze=true", "optimizer.groups.head.lr=0.01")
    networks = [network_of(body, *words, classes=(5, 6, 7))[0] for _ in range(3)]
    assert all(share_frozen(networks[0], other) for other in networks[1:])
    stack = Stack(networks)
    weights = [*(n.state_dict()["layers.1.weight"] for n in (*networks, copied(networks[0])))]
    weights += [stack.constants["layers.1.weight"], *(stack.member_state(k)["layers.1.weight"] for k in range(3))]
    assert len({tensor.data_ptr() for tensor in weights}) == 1
    assert stack.weights.shape == (3, 3 * 4 + 3), "the member axis holds heads alone"
    heads = {stack.member_state(k)["layers.5.weight"].data_ptr() for k in range(3)}
    assert stack.weights.data_ptr() not in heads


def test_the_peak_rate_is_that_of_the_groups_where_they_cover_all() -> None:
    network = build.network(composed(SHAPE), digits())
    cfg = composed((*SHAPE, "optimizer.groups.body.freeze=true", "optimizer.groups.head.lr=0.05", "lr=0.1"))
    assert peak_of_groups(cfg, network) == (0.05, "optimizer.groups.head.lr")
    assert peak_of_groups(composed((*SHAPE, "optimizer.groups.head.lr=0.05", "lr=0.1")), network) == (0.1, "lr")


@pytest.mark.parametrize("classes", [[5], [5, 5], [5, 10], [1.5, 2]])
def test_classes_that_are_none_are_refused(classes: list[int]) -> None:
    with pytest.raises(InputError, match=r"dataset\.classes"):
        digits(classes=classes)


def test_the_first_of_the_classes_is_number_0() -> None:
    some, all_ = digits(classes=[7, 2]), digits()
    assert some.classes == ("7", "2") and some.outputs == 2
    assert len(some.train) + (len(some.val) if some.val else 0) < (len(all_.train) + len(all_.val or ())) / 4
