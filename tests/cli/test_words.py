"""Options may stand anywhere among the overrides; what only looks like one is refused with the word to type."""

from __future__ import annotations

import pytest
from hydra._internal.utils import get_args_parser

from lrscope.cli.words import options_first
from lrscope.core.errors import InputError

OPTIONS = get_args_parser()._option_string_actions


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("lr=1,0.1 -m", "-m lr=1,0.1"),
        ("experiment=line -m lr=1,0.1 --cfg job seed=0", "-m --cfg job experiment=line lr=1,0.1 seed=0"),
        ("lr=1 --info seed=0", "--info=all lr=1 seed=0"),  # else it would take lr=1 for what to tell of
        ("lr=1 -i", "--info=all lr=1"),
        ("lr=1 -i plugins seed=0", "-i plugins lr=1 seed=0"),
        ("lr=1 --config-dir=conf2 -cn other --multi", "--config-dir=conf2 -cn other --multi lr=1"),
        ("lr=1 -cjob", "-cjob lr=1"),
        ("~lr +a=-1 b=-2", "~lr +a=-1 b=-2"),
    ],
)
def test_overrides_on_both_sides_of_an_option(typed: str, read: str) -> None:
    assert options_first(typed.split(), OPTIONS) == read.split()


@pytest.mark.parametrize(
    ("typed", "remedies"),
    [
        ("--lr=0.1", ["Write lr=0.1,"]),
        ("-lr 0.1 -m", ["Write lr=0.1,"]),
        ("--lr 0.1 --epochs 5 seed=0", ["Write lr=0.1,", "Write epochs=5,"]),
        ("--learning-rate 0.1", ["Write lr=0.1,"]),
        ("--batch-size=8", ["Write batch_size=8,"]),
        ("-model=cnn", ["Write model=cnn,"]),
        ("-patience=3", ["Write patience=3,"]),
        ("--optimizer optimizer=sgd", ["Write optimizer=VALUE,"]),
        ("lr= -0.1", ["Write key=value, without a space."]),
        ("lr = 0.1", ["Write lr=0.1."]),
        ("lr 0.1 epochs=3", ["Write lr=0.1."]),
        ("seed=0 model.width= 3 epochs =5", ["Write model.width=3.", "Write epochs=5."]),
    ],
)
def test_what_other_programs_want_is_told_in_words_of_this_one(typed: str, remedies: list[str]) -> None:
    with pytest.raises(InputError) as refused:
        options_first(typed.split(), OPTIONS)
    lines = str(refused.value).splitlines()
    assert len(lines) == len(remedies)
    assert all(remedy in line for remedy, line in zip(remedies, lines, strict=True))


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("lr=1 --cfg foo", "--cfg=foo: must be one of job, hydra, all. Try --cfg job."),
        ("lr=1 --cfg=foo", "--cfg=foo: must be one of job, hydra, all."),
        ("lr=1 --cfg", "--cfg: must be one of job, hydra, all."),
        ("lr=1 --info=foo", "--info=foo: must be one of all, config, defaults,"),
        ("lr=1 --config-dir", "--config-dir: needs a value."),
        ("lr=1 ~hydra.callbacks.sweep", "hydra.callbacks.sweep: checks what is about to train. Leave it in."),
        ("hydra.callbacks=null", "hydra.callbacks: checks what is about to train."),
    ],
)
def test_an_option_with_a_wrong_value_is_told_in_a_line(typed: str, told: str) -> None:
    with pytest.raises(InputError) as refused:
        options_first(typed.split(), OPTIONS)
    (line,) = str(refused.value).splitlines()
    assert told in line
