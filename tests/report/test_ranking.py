from __future__ import annotations

import pytest
from made_sweeps import member, sweep

from lrscope.core.verdict import Verdict
from lrscope.report.analysis.comparison import compare
from lrscope.report.analysis.ranking import Ranking, ranking_of
from lrscope.report.analysis.recommend import recommend
from lrscope.report.data.stored_sweep import Sweep


def of(*sweeps: Sweep) -> Ranking | None:
    comparison = compare(sweeps)
    return ranking_of(comparison, recommend(comparison))


def test_each_setting_stands_at_its_own_best_rate() -> None:
    losses = {("constant", 0.01): 0.5, ("constant", 0.1): 0.6, ("cosine", 0.01): 0.7, ("cosine", 0.1): 0.4}
    members = [
        member(rate, [value + 0.01 * seed], seed=seed, settings={"scheduler": name})
        for (name, rate), value in losses.items()
        for seed in range(3)
    ]
    ranking = of(sweep(members, ("lr", "scheduler", "seed")))
    assert ranking is not None
    assert ranking.title == "Schedules on equal footing"
    assert [(s.label, s.at) for s in ranking.standings] == [("cosine", "0.1"), ("constant", "0.01")]
    assert ranking.standings[0].best is not None
    assert ranking.standings[0].best.mean == pytest.approx(0.41)
    difference = ranking.standings[1].difference
    assert difference is not None
    assert (difference.mean, difference.low, difference.high) == pytest.approx((0.1, 0.1, 0.1)), "paired by seed"
    assert not ranking.cautions


def test_cautions_where_the_footing_is_not_equal() -> None:
    members = [member(0.01, [0.5, 0.4], settings={"scheduler": "a"}), member(0.01, [0.3], settings={"scheduler": "b"})]
    ranking = of(sweep(members, ("scheduler",)))
    assert ranking is not None
    assert ranking.cautions[0] == "They did not train equally long: 10 to 20 updates."
    assert any("one peak rate only" in caution for caution in ranking.cautions)
    assert any("One seed each" in caution for caution in ranking.cautions)


def test_two_sweeps_are_named_by_what_tells_them_apart() -> None:
    adam = sweep([member(r, [r], params={"optimizer._target_": "torch.optim.Adam", "epochs": "5"}) for r in (0.1, 0.2)])
    sgd = sweep(
        [member(r, [r + 1], params={"optimizer._target_": "torch.optim.SGD", "epochs": "5"}) for r in (0.1, 0.2)],
        run_id="1" * 32,
    )
    ranking = of(adam, sgd)
    assert ranking is not None
    assert [standing.label for standing in ranking.standings] == ["Adam", "SGD"]


def test_a_setting_that_never_trained_comes_last() -> None:
    members = [member(r, [0.4], settings={"model": "mlp"}) for r in (0.1, 0.2)]
    members += [member(r, [1.8], settings={"model": "cnn"}, verdict=Verdict.COLLAPSED) for r in (0.1, 0.2)]
    ranking = of(sweep(members, ("lr", "model")))
    assert ranking is not None
    assert [standing.label for standing in ranking.standings] == ["mlp", "cnn"]
    assert str(ranking.standings[1].failed) == "2 of 2"


def test_rates_alone_need_no_ranking() -> None:
    assert of(sweep([member(0.1, [0.4]), member(0.2, [0.5])])) is None
