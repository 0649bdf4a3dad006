"""Networks of transformers, from a folder that it saved: what they answer, and what is head and body."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional

from lrscope.batched.model.batched_trainer import BatchedTrainer, Member
from lrscope.core.errors import InputError
from lrscope.datasets.sequences import sequences
from lrscope.training.head_and_body import part_of
from saved_networks import save_networks

transformers = pytest.importorskip("transformers", reason="transformers is not installed: pip install 'lrscope[text]'")

from lrscope.models.hf import HF  # noqa: E402

pytestmark = pytest.mark.extras

IDS = torch.randint(1, 40, (12, 7), generator=torch.Generator().manual_seed(0))
IDS[:6, 5:] = 0


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The saved networks, where relative names are looked for."""
    place = tmp_path_factory.mktemp("saved")
    save_networks(place)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LRSCOPE_ROOT", str(place))
        yield place


def texts(seed: int = 0, **given: Any) -> HF:
    torch.manual_seed(seed)
    return HF(**{"input_shape": (7,), "outputs": 3, "vocabulary": 40, "padding": 0, "name": "tiny", **given})


def test_each_key_changes_the_network(folder: Path) -> None:
    weights = {
        what: made.network.bert.embeddings.word_embeddings.weight
        for what, made in {
            "tiny": texts(),
            "again": texts(seed=1),
            "rated": texts(name="rated"),
            "random": texts(pretrained=False),
            "random again": texts(seed=1, pretrained=False),
        }.items()
    }
    saved = transformers.BertForMaskedLM.from_pretrained(folder / "tiny").bert.embeddings.word_embeddings.weight
    assert torch.equal(weights["tiny"], saved) and torch.equal(weights["again"], saved), "whatever the seed is"
    assert not any(torch.equal(weights[one], saved) for one in ("rated", "random", "random again"))
    assert not torch.equal(weights["random"], weights["random again"])


@pytest.mark.usefixtures("folder")
def test_the_head_starts_from_the_seed() -> None:
    first, again, other = (texts(seed).network.classifier.weight for seed in (0, 0, 1))
    assert torch.equal(first, again) and not torch.equal(first, other)


@pytest.mark.usefixtures("folder")
def test_answers_are_those_of_transformers_and_padding_is_not_looked_at() -> None:
    made = texts().eval()
    assert made.training is False and texts().network.training, "it is handed over in evaluation mode"
    theirs = made.network(input_ids=IDS, attention_mask=(IDS != 0).long()).logits
    assert torch.equal(made(IDS), theirs) and theirs.shape == (12, 3)
    assert torch.allclose(made(IDS[:6]), made(IDS[:6, :5]), atol=1e-6), "the last two places hold nothing"


@pytest.mark.usefixtures("folder")
def test_what_was_never_trained_is_head() -> None:
    made = texts()
    assert {name.rpartition(".")[0] for name in part_of(made, "head")} == {
        "network.bert.pooler.dense",
        "network.classifier",
    }
    assert "bert.pooler.dense, classifier of this size" in made.lrscope_notes[0]
    rated = texts(name="rated", outputs=2)
    assert part_of(rated, "head") == {"network.classifier.weight", "network.classifier.bias"}
    assert "its head is taken as well (network.classifier)" in rated.lrscope_notes[0]
    wider = texts(name="rated", outputs=5)
    assert wider(IDS).shape == (12, 5) and "have no classifier of this size" in wider.lrscope_notes[0]
    assert part_of(texts(pretrained=False), "body") >= {"network.bert.pooler.dense.weight"}


@pytest.mark.usefixtures("folder")
def test_images() -> None:
    made = HF((1, 8, 8), 10, name="sees")
    assert made(torch.rand(4, 1, 8, 8)).shape == (4, 10)
    assert part_of(made, "head") == {"network.classifier.weight", "network.classifier.bias"}
    with pytest.raises(InputError, match="takes 1 channels, the images have 3"):
        HF((3, 8, 8), 10, name="sees")


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("frozen", [False, True])
def test_many_train_as_each_alone(frozen: bool) -> None:
    def members() -> list[Member]:
        made = [(texts(seed).double(), rate) for seed, rate in ((0, 0.1), (1, 0.01))]
        for network, _ in made:
            for layer in network.modules():
                if isinstance(layer, nn.Dropout):
                    layer.p = 0.0
            for name, parameter in network.named_parameters():
                parameter.requires_grad_(not frozen or name in part_of(network, "head"))
        return [
            Member(network, torch.optim.SGD([p for p in network.parameters() if p.requires_grad], lr=rate))
            for network, rate in made
        ]

    targets = torch.arange(12) % 3
    stack = BatchedTrainer(members(), functional.cross_entropy, "cpu")
    for _ in range(3):
        stack.gather(IDS, targets, own=False)
        stack.update()
    for row, member in enumerate(members()):
        for _ in range(3):
            member.optimizer.zero_grad()
            functional.cross_entropy(member.network.train()(IDS), targets).backward()
            member.optimizer.step()
        for key, tensor in stack.stack.member_state(row).items():
            assert torch.allclose(tensor, member.network.state_dict()[key], rtol=0, atol=1e-9), f"{key} of {row}"
    assert bool(stack.stack.shared) == frozen, "a frozen body is there once"


def test_a_tokenizer_gives_its_own_ids(folder: Path) -> None:
    (folder / "moods.csv").write_text("text,mood\n" + "it was good,up\nit was so very bad indeed,down\n" * 4)
    options = {"path": str(folder / "moods.csv"), "target": "mood", "length": 6}
    data, own = sequences(**options, tokenizer="tiny"), sequences(**options)
    rows = data.train.inputs.unique(dim=0).tolist()
    assert rows == [[2, 4, 5, 1, 1, 3], [2, 4, 5, 6, 3, 0]], "the mark of the end stays where a text is cut"
    assert (data.vocabulary, data.padding) == (18, 0) and "18 tokens of the tokenizer tiny" in data.notes[0]
    assert rows != own.train.inputs.unique(dim=0).tolist()
    learned = pickle.loads(pickle.dumps(data.preprocessing))
    assert learned.inputs(["it was good"]).tolist() == [[2, 4, 5, 6, 3, 0]], "raw texts of whoever asks a served model"
    assert texts(input_shape=(6,), vocabulary=18)(data.train.inputs).shape == (len(data.train), 3)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"target": None}, "dataset.tokenizer=tiny: is for the classes of texts"),
        ({"tokens": "ids"}, "dataset.tokens=ids: the tokenizer says what the tokens are"),
        ({"most_tokens": 9}, "dataset.most_tokens=9: the tokenizer says what the tokens are"),
        ({"tokenizer": "sees"}, "dataset.tokenizer=sees: is a folder that cannot be loaded"),
    ],
)
def test_a_tokenizer_that_cannot_be_is_refused(folder: Path, given: dict[str, Any], words: str) -> None:
    (folder / "moods.csv").write_text("text,mood\n" + "it was good,up\nit was bad,down\n" * 4)
    with pytest.raises(InputError) as refused:
        sequences(**{"path": str(folder / "moods.csv"), "target": "mood", "tokenizer": "tiny", **given})
    (problem,) = refused.value.problems
    assert words in str(problem)


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"vocabulary": 41}, "the network knows 40 token ids, the data has 41"),
        ({"input_shape": (65,)}, "the network reads at most 64 tokens, an example has 65"),
        ({"name": "./nowhere"}, "there is no such folder"),
        ({"name": "lrscope/there-is-none"}, "and the Hugging Face hub does not give it"),
        ({"name": "sees"}, "is a folder that cannot be loaded (Unrecognized configuration class"),
        ({"name": None}, "names no pretrained network"),
        ({"each_token": True}, "of every token the next is to be predicted"),
    ],
    ids=lambda value: " ".join(map(str, value)) if isinstance(value, dict) else "",
)
def test_what_cannot_be_is_refused(given: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError) as refused:
        texts(**given)
    (problem,) = refused.value.problems
    assert words in str(problem) and "\n" not in str(problem)


def test_weights_of_another_network_are_refused(folder: Path) -> None:
    other = transformers.GPT2Config(vocab_size=40, n_embd=16, n_layer=1, n_head=2, n_positions=8)
    transformers.GPT2Model(other).save_pretrained(folder / "mixed")
    (folder / "mixed" / "config.json").write_text((folder / "tiny" / "config.json").read_text())
    with pytest.raises(InputError, match="its weights are those of another network"):
        texts(name="mixed")


def trained(network: nn.Module) -> dict[str, torch.Size]:
    return {name: weights.shape for name, weights in network.named_parameters() if weights.requires_grad}


@pytest.mark.usefixtures("folder")
def test_adapters_of_low_rank_are_trained_beside_a_frozen_body() -> None:
    """2 layers of width 16 and 32: each of query, key, value and output takes 2 · 3 · 16, the two others 3 · 48."""
    pytest.importorskip("peft", reason="peft is not installed: pip install 'lrscope[lora]'")
    network, plain = texts(lora=3), texts()
    adapters = {name: shape for name, shape in trained(network).items() if "lora_" in name}
    assert sum(shape.numel() for shape in adapters.values()) == 2 * (4 * 96 + 2 * 144) + 96  # and the pooler's 96
    heads = {name for name in trained(network) if name not in adapters}
    assert heads == {"network.classifier.weight", "network.classifier.bias"}
    assert torch.allclose(network.eval()(IDS), plain.eval()(IDS)), "before the first update they add nothing"
    before = {name: weights.clone() for name, weights in network.named_parameters()}
    optimizer = torch.optim.SGD([weights for weights in network.parameters() if weights.requires_grad], lr=0.5)
    for _ in range(2):
        functional.cross_entropy(network.train()(IDS), IDS[:, 0] % 3).backward()
        optimizer.step()
    moved = {name for name, weights in network.named_parameters() if not torch.equal(weights, before[name])}
    assert heads < moved <= set(trained(network)) and any("lora_B" in name for name in moved)


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("rank", (0, -1))
def test_a_rank_that_is_none_is_refused(rank: int) -> None:
    with pytest.raises(InputError, match=rf"model\.lora={rank}: must be at least 1"):
        texts(lora=rank)
