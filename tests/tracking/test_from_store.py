from __future__ import annotations

from pathlib import Path

import pytest

from lrscope.core.errors import InputError
from lrscope.core.from_store import folder_name, safe_join, setting


def test_a_name_inside_the_folder_is_joined(tmp_path: Path) -> None:
    assert safe_join(tmp_path, "checkpoints/last.ckpt") == tmp_path.resolve() / "checkpoints" / "last.ckpt"
    assert safe_join(tmp_path, "a/../b") == tmp_path.resolve() / "b"


@pytest.mark.parametrize("name", ["../x", "a/../../x", "/etc/passwd", "a\0b", "..\\x", "a\\..\\..\\x"])
def test_a_name_that_leads_out_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError):
        safe_join(tmp_path, name)


def test_a_link_that_leads_out_is_refused(tmp_path: Path) -> None:
    (tmp_path / "inside").mkdir()
    (tmp_path / "inside" / "link").symlink_to(tmp_path)
    with pytest.raises(InputError):
        safe_join(tmp_path / "inside", "link/secret")


@pytest.mark.parametrize(
    ("experiment", "folder"), [("digits", "digits"), ("../up", "_up"), ("a/b c", "a_b_c"), ("..", "_"), ("ü", "_")]
)
def test_an_experiment_names_a_plain_folder(experiment: str, folder: str) -> None:
    assert folder_name(experiment) == folder


@pytest.mark.parametrize(
    ("stored", "number"),
    [
        ("0.01", 0.01),
        ("1e100", 1e100),
        (3, 3.0),
        *((text, None) for text in ("nan", "inf", "-inf", "1e400", "1e308", "-1e200", "ten", "", None, "9" * 400)),
    ],
)
def test_a_setting_is_a_number_only_where_it_can_be_computed_with(stored: object, number: float | None) -> None:
    assert setting(stored) == number
