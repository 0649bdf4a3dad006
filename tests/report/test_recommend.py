from __future__ import annotations

import math
from dataclasses import replace

import pytest
from made_sweeps import member, sweep

from lrscope.core.pruned import Pruned
from lrscope.core.verdict import Verdict
from lrscope.report.analysis.comparison import compare
from lrscope.report.analysis.recommend import recommend
from lrscope.report.analysis.recommendation import Recommendation
from lrscope.report.data.stored_sweep import Member, gaps


def of(members: list[Member], **more: object) -> Recommendation:
    return recommend(compare((sweep(members, **more),)))[0]  # type: ignore[arg-type]


def test_best_rate_range_and_neighbours() -> None:
    found = of([member(r, [v]) for r, v in ((0.0001, 1.5), (0.001, 0.401), (0.01, 0.4), (0.1, 0.403), (1, 1.9))])
    assert (found.best, found.use, found.confidence) == (0.01, 0.01, 0.8)
    assert isinstance(found.low, float) and isinstance(found.high, float)
    assert 0.0001 < found.low < 0.01 < found.high < 1, "the valley is flat for two decades"
    assert found.tolerance == pytest.approx(0.004)
    assert found.sentences[0] == "Use lr=0.01: best val/loss 0.4."
    words = f"The best rate lies between {found.low:.2g} and {found.high:.2g} (80% interval); to know, run the command"
    assert found.sentences[1] == f"{words} below."
    assert found.sentences[2].startswith("Next lower, 0.0001: best val/loss 1.5; next higher, ")
    assert found.evidence == "tentative", "one seed each"


def test_of_other_numbers_the_range_ends_at_the_first_that_is_worse() -> None:
    losses = ((0.001, 0.4), (0.01, 0.5), (0.1, 0.402), (1, 0.7))
    key = "optimizer.weight_decay"
    found = of([member(0.01, [v], settings={key: f"{x:g}"}) for x, v in losses], axes=(key,))
    assert (found.low, found.best, found.high) == (0.001, 0.001, 0.001)
    assert found.confidence is None


def test_a_rate_whose_best_epoch_was_lucky_is_not_recommended_over_one_that_ends_lower() -> None:
    """The best epoch alone would take 0.03, which ends at 0.169."""
    curves = {0.003: (1.0, 0.5, 0.3), 0.01: (0.5, 0.2, 0.102), 0.03: (0.3, 0.098, 0.169), 0.1: (0.4, 0.5, 0.6)}
    found = of([member(rate, losses) for rate, losses in curves.items()])
    assert found.best == found.use == 0.01
    assert found.evidence == "tentative"
    assert "lr=0.03 was lower at its best (0.098) but ends at 0.169." in found.warnings


def test_a_loss_that_rose_again_is_told_at_its_best_and_at_the_end() -> None:
    found = of([member(r, [v, v + 0.2]) for r, v in ((0.001, 0.9), (0.01, 0.4), (0.1, 0.8))])
    assert found.headline.startswith("Use lr=0.01: best val/loss 0.4, 0.6 at the end")
    assert any("0.01 ends at 0.6, above its best of 0.4" in warning for warning in found.warnings)
    overfits = [member(r, [v, v + 0.2], verdict=Verdict.OVERFITTING) for r, v in ((0.001, 0.9), (0.01, 0.4))]
    assert not any("ends at" in warning for warning in of(overfits).warnings), "its verdict says so"


def test_between_two_rates_that_the_curve_lies_above_it_recommends_one_that_was_not_tried() -> None:
    losses = ((0.001, 1.5), (0.003, 1.1), (0.01, 0.62), (0.03, 0.6), (0.1, 1.2), (0.3, 1.6))
    found = of([member(r, [v]) for r, v in losses])
    assert found.best in (0.01, 0.03) and not found.tried
    assert isinstance(found.use, float) and 0.01 < found.use < 0.03
    assert found.headline.startswith(f"Use lr={found.use:g}, which was not tried: a smooth curve")
    assert f"{found.use:g}" in found.commands[0][1].partition("lr=")[2].split(","), "and the command tries it"


def test_beside_a_rate_that_failed_no_untried_one_is_recommended() -> None:
    losses = ((0.001, 1.5), (0.003, 1.1), (0.01, 0.62), (0.03, 0.6))
    failed = member(0.1, [1.9], verdict=Verdict.COLLAPSED)
    found = of([*(member(r, [v]) for r, v in losses), failed])
    assert found.use in (0.01, 0.03) or (isinstance(found.use, float) and found.use < 0.03)


def test_the_range_holds_what_is_recommended() -> None:
    for losses in ((0.4, 0.5, 0.402, 0.7), (1.5, 1.1, 0.62, 0.6), (0.3, 0.31, 0.3, 0.32)):
        found = of([member(10.0**k, [v]) for k, v in enumerate(losses)])
        assert isinstance(found.low, float) and isinstance(found.use, float) and isinstance(found.high, float)
        assert found.low <= found.use <= found.high


def test_many_rates_on_a_smooth_valley_are_clear_with_one_seed() -> None:
    rates = [float(f"{10 ** (k / 4 - 4):.3g}") for k in range(17)]
    found = of([member(rate, [0.2 + 0.3 * (math.log10(rate) + 2) ** 2]) for rate in rates])
    assert found.evidence == "clear" and found.sure is not None and found.sure > 0.9
    assert found.best == 0.01 and not found.commands
    assert not found.sentences[1].endswith("run the command below.")


def test_two_seeds_are_not_said_to_say_nothing_of_seeds() -> None:
    found = of([member(r, [v + 0.02 * s], seed=s) for r, v in ((0.001, 0.9), (0.01, 0.4), (0.1, 0.8)) for s in (0, 1)])
    assert not any("not known" in warning for warning in found.warnings)
    assert "2 seeds per value: the intervals over them are wide." in found.warnings


def test_a_command_names_the_very_rates_that_were_tried() -> None:
    rates = (0.000316228, 0.00316228, 0.0316228, 0.316228)
    found = of([member(r, [v], settings={"lr": repr(r)}, params={"lr": repr(r)}) for r, v in zip(
        rates, (0.9, 0.4, 0.41, 1.5), strict=True)])  # fmt: skip
    seeds = next(text for _, text in found.commands if "seed=0,1,2,3,4" in text)
    assert "lr=0.000316228,0.00316228,0.0316228 " in seeds


def test_no_interval_of_a_loss_ends_below_0() -> None:
    members = [member(r, [v], seed=s) for r, values in ((0.01, (0.01, 0.2)), (0.1, (0.5, 0.9)))
               for s, v in enumerate(values)]  # fmt: skip
    cells = compare((sweep(members),)).groups[0].cells
    assert [cell.best.low if cell.best else None for cell in cells] == [0.0, 0.0]


def test_a_tie_goes_to_the_schedule_that_moved() -> None:
    made = [
        member(0.01, [0.4], settings={"scheduler": "step"}, verdict=Verdict.SCHEDULE_NEVER_MOVED),
        member(0.01, [0.4], settings={"scheduler": "constant"}),
        member(0.01, [0.7], settings={"scheduler": "cosine"}),
    ]
    for members in (made, made[::-1]):
        found = of(members, axes=("scheduler",))
        assert found.best == "constant"
        assert found.sentences[1] == "As good, within 1% of the loss: step (step: the schedule never moved)."


def test_a_tie_of_schedules_over_rates_goes_to_the_one_that_moved() -> None:
    made = [
        member(rate, [loss], settings={"lr": f"{rate:g}", "scheduler": name}, verdict=verdict)
        for name, verdict in (("cyclic", Verdict.SCHEDULE_NEVER_MOVED), ("constant", Verdict.TRAINED))
        for rate, loss in ((0.01, 0.4), (0.1, 0.6))
    ]
    found = recommend(compare((sweep(made, ("lr", "scheduler")),)))
    assert [r.group for r in found] == ["constant", "cyclic"]


def test_one_standard_error_over_seeds_counts_as_equal() -> None:
    seeds = {0.001: (0.50, 0.52, 0.51), 0.01: (0.40, 0.50, 0.45), 0.1: (0.46, 0.47, 0.48), 1: (0.9, 0.9, 0.9)}
    found = of([member(r, [v], seed=s) for r, values in seeds.items() for s, v in enumerate(values)])
    assert found.loss == pytest.approx(0.45)
    assert found.tolerance == pytest.approx(0.05 / math.sqrt(3))
    assert isinstance(found.low, float) and isinstance(found.high, float)
    assert 0.001 < found.low < 0.01 < found.high < 0.1
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
    assert found.sentences[1].startswith("The best of the rates swept lies ")


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
    reason, command = found.commands[0]
    assert reason == f"To look between {found.low:.2g} and {found.high:.2g}", "as the sentence above it says"
    rates = [float(text) for text in command.partition("lr=")[2].split(",")]
    assert rates[0] == float(f"{found.low:.2g}") and rates[-1] == float(f"{found.high:.2g}") and 0.01 in rates


def test_unfinished_members_are_named_and_not_counted() -> None:
    found = of([member(0.1, [0.1], status="RUNNING", verdict=None), member(0.01, [0.3]), member(0.001, [0.5])])
    assert found.best == 0.01
    assert "1 of 3 members have not ended: this rests on the others." in found.warnings


def test_verdicts_of_the_best_are_told() -> None:
    found = of([member(0.1, [0.9]), member(0.01, [0.3], verdict=Verdict.TOO_SLOW), member(0.001, [0.6])])
    assert any("still improving" in warning for warning in found.warnings)


def test_a_loss_that_ends_above_its_best_is_not_told_to_improve() -> None:
    slow = member(0.01, [1.0, 0.3, 0.6], verdict=Verdict.TOO_SLOW)
    found = of([member(0.1, [0.9]), slow, member(0.001, [0.9])])
    assert any("ends at 0.6, above its best of 0.3" in warning for warning in found.warnings)
    assert not any("longer training" in warning for warning in found.warnings)
    assert any("on its training part alone" in warning for warning in found.warnings)


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


def test_rates_that_failed_for_most_seeds_bound_the_range() -> None:
    """Whatever a smooth curve through them says: they were tried, and nothing is to be had there. The range ends
    halfway, in the logarithm, to the first of them: at sqrt(0.0001 · 0.001).
    """
    members = [member(0.0001, [1.78, 1.7 + 0.01 * seed], seed=seed, verdict=Verdict.TOO_SLOW) for seed in range(5)]
    members += [member(0.001, [1.79], seed=seed, verdict=Verdict.COLLAPSED) for seed in range(4)]
    members += [member(0.001, [1.75, 1.6], seed=4)]
    members += [member(r, [1.8], seed=seed, verdict=Verdict.COLLAPSED) for r in (0.01, 1.0) for seed in range(5)]
    found = of(members, axes=("lr", "seed"))
    assert (found.best, found.low, found.high) == (0.0001, 0.0001, pytest.approx(3.162e-4, rel=1e-3))
    assert "Next higher, 0.001, failed for 4 of 5 seeds." in found.sentences


def test_of_a_search_the_best_that_trained_to_the_end_is_recommended() -> None:
    """What the others would have come to is a guess, and a curve through guesses decides nothing."""
    pruned = Pruned(epoch=1, rung=1, place=4, among=6, kept=3)
    finalists = [member(0.004, [0.5, 0.0325]), member(0.007, [0.5, 0.0307]), member(0.008, [0.5, 0.0300])]
    stopped = [replace(member(rate, [loss]), pruned=pruned) for rate, loss in ((0.001, 0.9), (0.03, 0.55), (0.1, 0.9))]
    made = replace(sweep([*finalists, *stopped]), searched=("lr",))
    (found,) = recommend(compare((made,)))
    assert (found.best, found.use) == (0.008, 0.008)
