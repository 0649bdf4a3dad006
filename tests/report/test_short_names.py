from __future__ import annotations

import pytest

from lrscope.report.figures.short_names import short_names


@pytest.mark.parametrize(
    ("names", "short"),
    [
        (["strategies/fixed", "strategies/plateau"], ("fixed", "plateau")),
        (["strategies/fixed", "cosine"], ("strategies/fixed", "cosine")),
        (["strategies/fixed"], ("strategies/fixed",)),
        (["a/b/x", "a/b/y"], ("x", "y")),
        (["a/b/x", "a/c/y"], ("a/b/x", "a/c/y")),
        (["mlp", "cnn"], ("mlp", "cnn")),
        ([], ()),
    ],
)
def test_the_folder_that_all_lie_in_is_left_out(names: list[str], short: tuple[str, ...]) -> None:
    assert short_names(names) == short
