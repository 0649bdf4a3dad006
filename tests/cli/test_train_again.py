"""What is printed for somebody to type can be typed."""

from __future__ import annotations

import shlex

import pytest

from lrscope.core.command_words import train_again, train_command


@pytest.mark.parametrize(
    "word", ["model._target_=__main__.Net", "+loss._target_=__main__.Focal", "callbacks.extra=[{_target_: __main__.C}]"]
)
def test_what_a_script_holds_is_named_in_a_call_of_that_script(word: str) -> None:
    for sweep, function in ((True, "sweep"), (False, "train")):
        told = train_again(["dataset=digits", word], sweep)
        where, _, call = told.partition(f"lrscope.{function}")
        assert where == "in your script: " and train_command() not in told
        assert eval(call) == ("dataset=digits", word)


def test_anything_else_is_a_command_for_a_shell() -> None:
    words = ["model._target_=mine.Net", "dataset.path=my file.csv", "lr=1,0.1"]
    assert shlex.split(train_again(words, sweep=True)) == [*train_command().split(), "-m", *words]
    assert shlex.split(train_again(words)) == [*train_command().split(), *words]
