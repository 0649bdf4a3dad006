"""A YAML file of the user's that cannot be read or composed is told in one line, with its name."""

from __future__ import annotations

from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir

from lrscope.config.broken_file import broken_file
from lrscope.core.paths import shipped_conf

FILES = {
    "a tab": (b"name: a\n\thidden: 3\n", "tab.yaml, line 2: found character"),
    "a key twice": (b"name: x\nname: y\n", "twice.yaml, line 2: found duplicate key name"),
    "a bracket that is open": (b"a: [1,2\nb: 3\n", "open.yaml, line 2: expected ',' or ']'"),
    "braces of a template": (b"name: {{x}}\n", "braces.yaml, line 1: found unhashable key"),
    "no text": (b"\xff\xfe\x00", "no_text.yaml: is no text in UTF-8"),
    "a class to be made": (b"x: !!python/object:os.system {}\n", "made.yaml, line 1: could not determine"),
    "defaults that are no list": (b"defaults: mlp\nname: x\n", "Invalid defaults list in 'model/defaults'"),
}
NAMES = dict(zip(FILES, ("tab", "twice", "open", "braces", "no_text", "made", "defaults"), strict=True))


@pytest.mark.parametrize("kind", FILES)
def test_names_the_file_and_what_is_wrong(tmp_path: Path, kind: str) -> None:
    written, expected = FILES[kind]
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / f"{NAMES[kind]}.yaml").write_bytes(written)
    with (
        initialize_config_dir(config_dir=str(shipped_conf()), version_base="1.3"),
        pytest.raises(Exception) as raised,
    ):
        compose("train", [f"hydra.searchpath=[file://{tmp_path}]", f"model={NAMES[kind]}"])
    told = broken_file(raised.value)
    assert told is not None
    assert expected in str(told) and "\n" not in str(told)


def test_another_error_is_none_of_a_file() -> None:
    assert broken_file(ValueError("no such thing")) is None
