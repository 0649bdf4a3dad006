from __future__ import annotations

import math
from dataclasses import replace

import pytest
from made_sweeps import member, sweep

from lrscope.core.verdict import Verdict
from lrscope.report.analysis.comparison import compare
from lrscope.report.analysis.recommend import recommend
from lrscope.report.analysis.recommendation import Recommendation
from lrscope.report.data.stored_sweep import Member, gaps


def of(members: list[Member], **more: object) -> Recommendation:
    return recommend(compare((sweep(members, **more),)))[0]  # type: ignore[arg-type]


def test_best_rate_range_and_neighbours() -> None:
    found = of([member(r, [v]) for r, v in ((0.0001, 1.5), (0.001, 0.401), (0.01, 0.4), (0.1, 0.403), (1, 1.9))])
    assert (found.best, found.low, found.high) == (0.01, 0.001, 0.1)
    assert found.tolerance == pytest.approx(0.004)
    assert found.sentences[0] == "Use lr=0.01: best val/loss 0.4."
    assert found.sentences[1] == "Anything from 0.001 to 0.1 is as good: within 1% of the loss."
    assert found.sentences[2] == "Next lower, 0.0001, costs 1.1 in loss; next higher, 1, costs 1.5 in loss."
    assert found.evidence == "tentative", "one seed each"


def test_the_range_ends_at_the_first_rate_that_is_worse() -> None:
    found = of([member(r, [v]) for r, v in ((0.001, 0.4), (0.01, 0.5), (0.1, 0.402), (1, 0.7))])
    assert (found.low, found.best, found.high) == (0.001, 0.001, 0.001)


def test_one_standard_error_over_seeds_widens_the_range() -> None:
    seeds = {0.001: (0.50, 0.52, 0.51), 0.01: (0.40, 0.50, 0.45), 0.1: (0.46, 0.47, 0.48), 1: (0.9, 0.9, 0.9)}
    found = of([member(r, [v], seed=s) for r, values in seeds.items() for s, v in enumerate(values)])
    assert found.loss == pytest.approx(0.45)
    assert found.tolerance == pytest.approx(0.05 / math.sqrt(3))
    assert (found.low, found.high) == (0.01, 0.1)
    assert found.evidence == "clear"
    assert not found.warnings


def test_the_optimum_at_the_edge_gives_a_command_to_paste() -> None:
    found = of(
        [member(r, [v]) for r, v in ((0.001, 0.9), (0.01, 0.6), (0.1, 0.3))],
        overrides=("experiment=signs", "lr=0.001,0.01,0.1", "epochs=60"),
    )
    assert "0.1 is the highest rate of the sweep: the optimum may lie beyond it." in found.warnings
    assert dict(found.commands)["To see whether the optimum lies beyond the edge"] == (
        "python train.py -m experiment=signs epochs=60 lr=0.1,1,10,100"
    )
    assert found.evidence == "tentative"


def test_a_failed_rate_beyond_the_best_is_no_edge() -> None:
    found = of(
        [
            member(0.001, [0.9]),
            member(0.01, [0.3]),
            member(0.1, [math.nan], verdict=Verdict.DIVERGED, status="FAILED"),
        ]
    )
    assert found.best == 0.01
    assert not any("optimum may lie beyond" in warning for warning in found.warnings)
    assert "next higher, 0.1, fails (1 of 1 seed)" in found.sentences[-1]


def test_a_rate_that_failed_for_a_seed_is_not_recommended() -> None:
    members = [member(0.0001, [0.6], seed=s) for s in range(5)]
    members += [member(0.001, [0.2], seed=s) for s in range(3)]
    members += [member(0.001, [1.79], seed=s, verdict=Verdict.COLLAPSED) for s in (3, 4)]
    members += [member(0.01, [1.79], seed=s, verdict=Verdict.COLLAPSED) for s in range(5)]
    found = of(members)
    assert found.best == 0.0001
    assert (
        "lr=0.001 reached 0.2 where it trained, but failed for 2 of 5 seeds (40%, 95% Wilson interval 12% to 77%): "
        "not recommended."
    ) in found.warnings


def test_where_every_rate_fails_for_some_seed_it_says_so() -> None:
    members = [member(r, [0.5], seed=0) for r in (0.01, 0.1)]
    members += [member(r, [1.8], seed=1, verdict=Verdict.STALLED) for r in (0.01, 0.1)]
    found = of(members)
    assert found.best is not None
    assert "no safe choice was found" in found.warnings[0]


def _cells(shares: dict[float, tuple[int, float]], seeds: int, **settings: str) -> list[Member]:
    """By rate: how many of the seeds fail, and the loss of the others."""
    return [
        member(
            rate, [1.8 if seed < failures else value], seed=seed, settings={"lr": f"{rate:g}", **settings},
            verdict=Verdict.COLLAPSED if seed < failures else Verdict.TRAINED,
        )
        for rate, (failures, value) in shares.items()
        for seed in range(seeds)
    ]  # fmt: skip


def test_of_rates_that_all_fail_for_some_seed_those_that_surely_fail_more_are_left_out() -> None:
    found = of(_cells({0.0001: (4, 0.5), 0.001: (16, 0.2), 0.01: (6, 0.3)}, seeds=20))
    assert found.best == 0.01, "6 of 20 is not surely more than 4 of 20, and its loss is lower"
    assert found.headline.endswith("; it failed for 6 of 20 seeds (30%, 95% Wilson interval 15% to 52%).")
    assert any("lr=0.001 reached 0.2" in warning and "16 of 20" in warning for warning in found.warnings)


def test_a_group_that_fails_for_some_seed_comes_after_one_that_does_not() -> None:
    members = _cells({0.01: (1, 0.2)}, seeds=3, optimizer="sgd") + _cells({0.01: (0, 0.4)}, seeds=3, optimizer="adam")
    found = recommend(compare((sweep(members, ("optimizer", "lr", "seed")),)))
    assert [(r.group, r.loss) for r in found] == [("adam", pytest.approx(0.4)), ("sgd", pytest.approx(0.2))]
    assert "it failed for 1 of 3 seeds" in found[1].headline


def test_nothing_trained() -> None:
    found = of([member(r, [1.8], verdict=Verdict.COLLAPSED) for r in (1, 0.1)])
    assert found.best is None
    assert found.headline == "No rate can be recommended: none of 2 members trained (2 collapsed)."
    assert found.commands[0][1] == "python train.py -m lr=0.0001,0.001,0.01"


def test_one_rate_is_no_sweep() -> None:
    found = of([member(0.01, [0.3])])
    assert found.commands[0] == ("One rate is no sweep", "python train.py -m lr=0.0001,0.001,0.01,0.1,1")
    assert found.evidence == "tentative"


def test_coarse_neighbours_ask_for_rates_between() -> None:
    found = of([member(r, [v]) for r, v in ((0.0001, 0.8), (0.01, 0.1), (1, 0.9))])
    assert dict(found.commands)["To look between the neighbours"] == (
        "python train.py -m lr=0.00046,0.0022,0.01,0.046,0.22"
    )


def test_unfinished_members_are_named_and_not_counted() -> None:
    found = of([member(0.1, [0.1], status="RUNNING", verdict=None), member(0.01, [0.3]), member(0.001, [0.5])])
    assert found.best == 0.01
    assert "1 of 3 members have not ended: this rests on the others." in found.warnings


def test_verdicts_of_the_best_are_told() -> None:
    found = of([member(0.1, [0.9]), member(0.01, [0.3], verdict=Verdict.TOO_SLOW), member(0.001, [0.6])])
    assert any("still improving" in warning for warning in found.warnings)


def test_training_loss_decides_where_there_is_no_validation() -> None:
    found = of([member(r, [v], metric="train/loss_epoch") for r, v in ((0.01, 0.5), (0.1, 0.2), (1, 0.8))])
    assert found.sentences[0] == "Use lr=0.1: best train/loss 0.2."


def test_categories_have_equals_and_no_range() -> None:
    losses = {"constant": 0.400, "cosine": 0.402, "step": 0.7}
    found = of(
        [member(0.01, [v], settings={"scheduler": k}) for k, v in losses.items()],
        axes=("scheduler",),
        overrides=("scheduler=constant,cosine,step",),
    )
    assert (found.best, found.low, found.high) == ("constant", "constant", "constant")
    assert found.sentences == ("Use scheduler=constant: best val/loss 0.4.", "As good, within 1% of the loss: cosine.")
    assert dict(found.commands)["To give each its own best rate"] == (
        "python train.py -m scheduler=constant,cosine,step lr=0.001,0.0032,0.01,0.032,0.1"
    )


def crash(rate: float, why: str = "RuntimeError: broken") -> Member:
    return replace(member(rate, [], verdict=None, status="FAILED"), why=why)


def test_where_all_crashed_no_other_rate_is_advised() -> None:
    found = of([crash(0.1), crash(0.01)])
    assert found.best is None
    assert not found.commands
    assert "none of 2 members trained (2 crashed)" in found.headline
    assert "not a matter of the rate" in found.headline


def test_a_crash_beside_a_divergence_does_not_move_the_next_rates() -> None:
    found = of([crash(0.001), member(1, [math.nan], verdict=Verdict.DIVERGED, status="FAILED")])
    assert dict(found.commands)["To find where training starts to work"].endswith("lr=0.001,0.01,0.1")


def test_a_crashed_neighbour_neither_fails_nor_bounds_the_sweep() -> None:
    found = of([member(0.001, [0.9]), member(0.01, [0.6]), member(0.1, [0.3]), crash(1)])
    assert not any("fails" in sentence for sentence in found.sentences)
    assert any("0.1 is the highest rate" in warning for warning in found.warnings), "of 1 nothing is known"
    assert any("1 of 4 members crashed" in warning for warning in found.warnings)


def test_a_seed_that_crashed_does_not_make_its_rate_unsafe() -> None:
    members = [member(0.1, [0.3], seed=0), replace(crash(0.1), seed=1), member(0.01, [0.6], seed=0)]
    assert of(members).best == 0.1


def test_each_crash_is_told_with_its_reason_and_its_traceback() -> None:
    one, other = crash(0.1, "KeyError: 'x'"), crash(0.01, "KeyError: 'x'")
    third = replace(crash(1, "MemoryError: no room."), artifacts="file:///runs/1/artifacts")
    told = gaps(sweep([one, other, third]))
    assert told[0] == (
        "2 members (lr=0.1,seed=0, lr=0.01,seed=0) crashed: KeyError: 'x'; "
        f"traceback: artifact traceback.txt of run {one.run_id}."
    )
    assert told[1] == (
        "1 member (lr=1,seed=0) crashed: MemoryError: no room; traceback: /runs/1/artifacts/traceback.txt."
    )
