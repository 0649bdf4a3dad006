"""How members are cut into groups for some workers."""

from __future__ import annotations

import pytest
from omegaconf import OmegaConf

from lrscope.engines.cut import Group, Unit, cut, wall_seconds
from lrscope.engines.train_elsewhere import sharing_memory


def sizes(groups: list[Group]) -> list[int]:
    return [len(group.numbers) for group in groups]


def stack(members: int, first: int = 0, **more: float) -> Unit:
    return Unit(tuple(range(first, first + members)), True, **more)  # type: ignore[arg-type]


def test_a_stack_is_cut_for_idle_workers_where_that_saves_more_than_a_start_costs() -> None:
    long, short = stack(8, seconds_of_one=10, seconds_of_all=80), stack(8, seconds_of_one=10, seconds_of_all=12)
    assert sizes(cut([long], 4, start_s=3)) == [2, 2, 2, 2]
    assert sizes(cut([short], 4, start_s=3)) == [8]
    assert sizes(cut([long], 1, start_s=3)) == [8]


def test_no_member_is_lost_or_doubled_and_none_of_a_stack_is_left_alone() -> None:
    units = [stack(7, seconds_of_one=1, seconds_of_all=700), Unit((7,), False), Unit((8,), False)]
    groups = cut(units, 16, start_s=0)
    assert sorted(number for group in groups for number in group.numbers) == list(range(9))
    assert all(len(group.numbers) > 1 for group in groups if group.together)


def test_what_does_not_fit_at_once_is_cut_also_for_one_worker() -> None:
    assert sorted(sizes(cut([stack(10, most=4)], 1, start_s=3))) == [3, 3, 4]


def test_the_largest_goes_first_and_the_time_is_that_of_the_last_to_end() -> None:
    units = [Unit((0,), False, 5, 5), Unit((1,), False, 9, 9), Unit((2,), False, 6, 6)]
    groups = cut(units, 2, start_s=1)
    assert [group.seconds for group in groups] == [9, 6, 5]
    assert wall_seconds(groups, 2, start_s=1) == 7 + 6
    assert wall_seconds([*groups, Group((3,), False)], 2, start_s=1) is None


@pytest.mark.parametrize(
    ("engine", "options", "expected"),
    [
        ("joblib", {}, 4),
        ("ray", {}, 4),
        ("ray", {"address": "auto"}, 1),
        ("slurm", {"partition": "gpu"}, 1),
        ("slurm", {"cluster": "local"}, 4),
    ],
)
def test_workers_of_this_machine_share_its_memory(engine: str, options: dict[str, object], expected: int) -> None:
    sweep = OmegaConf.create({"engine": engine, "workers": 4, "engine_options": options})
    assert sharing_memory(sweep) == expected
