"""What is wrong with the options of a subcommand is told in a line."""

from importlib import import_module

import pytest


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("ui --port abc", "argument --port: invalid int value: 'abc'"),
        ("register", "the following arguments are required: SWEEP|RUN, NAME"),
        ("compare --bogus", "unrecognized arguments: --bogus"),
        ("serve --port x NAME", "argument --port: invalid int value: 'x'"),
        ("check --x", "the following arguments are required: --baseline"),
        ("diagnose --x", "unrecognized arguments: --x"),
        ("reproduce", "the following arguments are required: RUN"),
        ("sync --x", "unrecognized arguments: --x"),
        ("reap --x", "unrecognized arguments: --x"),
        ("init a b", "unrecognized arguments: b"),
        ("server", "the following arguments are required: ACTION"),
        ("clean --older-than", "argument --older-than: expected one argument"),
        ("resume --x", "unrecognized arguments: --x"),
        ("guide x", "unrecognized arguments: x"),
    ],
)
def test_an_option_that_is_not_taken(words: str, told: str, capsys: pytest.CaptureFixture[str]) -> None:
    name, *rest = words.split()
    with pytest.raises(SystemExit) as ended:
        import_module(f"lrscope.cli.commands.{name}_command").main(rest, f"lrscope {name}")
    assert ended.value.code == 2
    assert capsys.readouterr().err == f"error: {told}. `lrscope {name} --help` tells what there is.\n"
