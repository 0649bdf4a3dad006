"""What the tests of engines share: a cluster of SLURM, and what a sweep in one process recorded."""

from __future__ import annotations

import pytest
from slurm_cluster import slurm
from sweeps_elsewhere import AT_MOST_S, WORDS, points, type_command

__all__ = ["slurm", "undisturbed"]


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, dict[int, float]]]:
    """The points of the same sweep in one process."""
    typed = type_command(tmp_path_factory.mktemp("local"), *WORDS, store=True, at_most_s=AT_MOST_S)
    assert typed.code == 0, typed.err
    return points(typed)
