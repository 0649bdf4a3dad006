"""``optimizer.groups``: which parameters a pattern means, what each group is trained at, alone and in a stack."""

from __future__ import annotations

import pytest
import torch
from both_ways import alone, composed, data, make_member, member_config, together
from test_group_record import DOUBLE, assert_same_record, both, config
from torch import nn

from lrscope.batched.model.stack import Stack
from lrscope.core.errors import InputError
from lrscope.core.trace import Trace
from lrscope.runs.lifecycle import TRACE
from lrscope.training import build
from lrscope.training.parameter_groups import groups_of, optimized

NET = nn.Sequential()
NET.add_module("body", nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3), nn.ReLU()))
NET.add_module("head", nn.Linear(3, 2))

HEAD = "+optimizer.groups.head.match=layers.5"
"""The last layer of the network of digits."""


def matched(pattern: str) -> set[str]:
    cfg = composed((f"+optimizer.groups.mine.match='{pattern}'",))
    return set(groups_of(cfg, NET)[0].names)


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("head", {"head.weight", "head.bias"}),
        ("head.*", {"head.weight", "head.bias"}),
        ("*.bias", {"body.0.bias", "body.1.bias", "head.bias"}),
        ("BatchNorm", {"body.1.weight", "body.1.bias"}),
        ("Linear", {"body.0.weight", "body.0.bias", "head.weight", "head.bias"}),
        (r"(head|body\.0)\.weight", {"head.weight", "body.0.weight"}),
    ],
)
def test_what_a_pattern_means(pattern, names) -> None:
    assert matched(pattern) == names


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("+optimizer.groups.a.match=hed",), "matches no parameter.*head"),
        (("+optimizer.groups.a.match=head", "+optimizer.groups.b.match='*.bias'"), "head.bias, which a matches too"),
        (("+optimizer.groups.a.lr=1",), "match"),
        (("+optimizer.groups.a.match=head", "+optimizer.groups.a.rate=1"), "is no key of a group"),
        (("+optimizer.groups.a.match=head", "+optimizer.groups.a.lr=-1"), "above 0"),
        (("+optimizer.groups.a={match:head,lr:1,lr_factor:2}",), "Leave one out"),
        (("+optimizer.groups.a={match:head,lr:1,freeze:true}",), "not trained"),
        (("+optimizer.no_decay=auto",), "no weight decay"),
    ],
)
def test_what_cannot_be_is_told(words, told) -> None:
    with pytest.raises(InputError, match=told):
        optimized(composed(words), NET)


def test_each_group_has_its_numbers_and_the_rest_is_the_default() -> None:
    a, b = "+optimizer.groups.head={match:head,lr:0.5}", "+optimizer.groups.early={match:body.0,lr_factor:0.1}"
    for words in ((a, b), (b, a)):  # their order decides nothing
        made = build.optimizer(composed((*words, "lr=0.01")), NET)
        assert [(g["name"], g["lr"], len(g["params"])) for g in made.param_groups] == [
            ("default", 0.01, 2),
            ("early", 0.001, 2),
            ("head", 0.5, 2),
        ]


def test_biases_and_norms_are_not_decayed() -> None:
    made = build.optimizer(composed(("optimizer=adamw", "+optimizer.no_decay=auto")), NET)
    decays = {group["name"]: (group["weight_decay"], len(group["params"])) for group in made.param_groups}
    assert decays == {"default": (0.01, 2), "default_no_decay": (0.0, 4)}


def test_a_schedule_with_a_top_of_its_own_moves_each_group_in_proportion() -> None:
    words = ("optimizer=sgd", "lr=0.1", "+optimizer.groups.head={match:head,lr_factor:10}", "scheduler=one_cycle")
    cfg = member_config(2, 5, *words)
    optimizer = build.optimizer(cfg, NET)
    schedule = build.schedule(cfg, optimizer)
    for _ in range(9):
        rates = [group["lr"] for group in optimizer.param_groups]
        assert rates[1] == pytest.approx(10 * rates[0])
        optimizer.step()
        schedule.step()


@pytest.mark.parametrize(
    "words",
    [
        ("optimizer=adam", HEAD, "+optimizer.groups.head.lr_factor=0.1", "scheduler=cosine"),
        ("optimizer=adamw", HEAD, "+optimizer.groups.head.weight_decay=0.3", "+optimizer.no_decay=auto"),
        ("optimizer=sgd", "optimizer.momentum=0.9", HEAD, "+optimizer.groups.head.lr=0.03", "scheduler=warmup_cosine"),
        ("optimizer=sgd", "+optimizer.groups.body={match:[layers.1,layers.3],freeze:true}"),
        ("optimizer=sgd", "model=cnn", "+optimizer.groups.body={match:Conv,freeze:true}"),
    ],
)
def test_members_of_a_stack_have_the_rates_of_the_run_alone_in_every_group(words) -> None:
    cfgs = [member_config(2, 4, *words, lr=lr) for lr in (0.1, 0.003)]
    for cfg, stacked in zip(cfgs, together(cfgs, data()), strict=True):
        assert stacked.assert_near(alone(cfg, data()), alone(cfg, data(), nudge=True)) >= 4


def test_a_frozen_body_is_kept_once_and_never_moves() -> None:
    words = ("+optimizer.groups.body={match:[layers.1,layers.3],freeze:true}",)
    members = [make_member(member_config(1, 2, *words, lr=lr), data(), torch.float32) for lr in (0.1, 0.01)]
    stack = Stack([member.network for member in members])
    assert stack.shared == {"layers.1.weight", "layers.1.bias", "layers.3.weight", "layers.3.bias"}
    assert stack.weights.shape == (2, 12 * 10 + 10)
    state = stack.member_state(1)
    assert all(torch.equal(state[name], value) for name, value in members[1].network.state_dict().items())
    of_seeds = [make_member(member_config(1, 2, *words, seed=seed), data(), torch.float32) for seed in (0, 1)]
    assert not Stack([member.network for member in of_seeds]).shared, "other bodies stay apart"


def test_the_record_of_a_member_has_the_rate_of_each_group(tmp_path) -> None:
    words = (HEAD, "scheduler=step", "scheduler.step_size=1", DOUBLE)
    heads = ("+optimizer.groups.head.lr=0.05", "+optimizer.groups.head.lr=0.2")
    both([config(tmp_path, "dataset=digits", *words, head) for head in heads], tmp_path)
    for number, rate in enumerate((0.05, 0.2)):
        assert_same_record(tmp_path, number, 1e-9)
        series = Trace.load(tmp_path / "together" / str(number) / TRACE).series
        assert series["lr/head"].values[0] == rate and series["lr/default"].values[0] == 0.001
