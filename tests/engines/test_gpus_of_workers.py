"""Which GPU each worker sees, on machines that say they have some: what a worker's environment gets needs none."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from asked_environment import VISIBLE, Ask

from lrscope.batched.run.tried_stack import on_one_device
from lrscope.engines.on_joblib import JoblibEngine, _environment
from lrscope.engines.on_ray import share_of_gpus


@pytest.mark.parametrize(
    ("given", "gpus", "expected"),
    [
        (None, 0, [None, None, None]),
        (None, 1, [None, None, None]),
        (None, 2, ["0", "1", "0"]),
        (None, 8, ["0", "1", "2"]),
        ("2,5", 2, ["2", "5", "2"]),
        ("GPU-5a1b, GPU-77c0", 2, ["GPU-5a1b", "GPU-77c0", "GPU-5a1b"]),
        ("3", 1, ["3", "3", "3"]),
        ("", 0, ["", "", ""]),
    ],
)
def test_each_worker_of_this_machine_gets_one(
    given: str | None, gpus: int, expected: list[str | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of those that this process may see: one that a cluster gave two of eight shares out those two."""
    monkeypatch.setattr(torch.cuda, "device_count", lambda: gpus)
    monkeypatch.delenv(VISIBLE, raising=False)
    if given is not None:
        monkeypatch.setenv(VISIBLE, given)
    assert [_environment(slot, 3).get(VISIBLE, given) for slot in range(3)] == expected


def test_it_is_what_the_worker_sees_also_in_the_place_of_one_that_died(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VISIBLE, "4,6")
    engine = JoblibEngine(2)
    try:
        for folder in ("first", "again"):
            handles = [engine.submit(Ask(tmp_path / folder, name, 2), name) for name in "ab"]
            assert [handle.result()[VISIBLE] for handle in handles] == ["4", "6"]
            engine._end(1)
    finally:
        engine.stop()


@pytest.mark.parametrize(
    ("has", "workers", "share"),
    [(0, 2, 0.0), (1, 1, 1.0), (1, 2, 0.5), (1, 3, 0.3333), (2, 2, 1.0), (2, 3, 0.5), (8, 2, 1.0), (2, 5, 0.3333)],
)
def test_ray_is_asked_for_what_lets_all_workers_work(has: int, workers: int, share: float) -> None:
    assert share_of_gpus(has, workers) == share


@pytest.mark.parametrize(("workers", "each"), [(1, 1), (2, 1), (3, 2), (4, 2)])
def test_workers_share_a_gpus_memory_with_those_that_see_it(
    workers: int, each: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two GPUs; the processor's memory is everybody's."""
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert on_one_device(workers, torch.device("cuda")) == each
    assert on_one_device(workers, torch.device("cpu")) == workers


@pytest.mark.ray
@pytest.mark.long
@pytest.mark.parametrize(("workers", "expected"), [(2, ["0", "1"]), (4, ["0", "0", "1", "1"])])
def test_a_task_of_ray_sees_one(
    workers: int, expected: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a Ray that believes in two."""
    ray = pytest.importorskip("ray")
    from lrscope.engines import on_ray

    started = ray.init
    monkeypatch.setattr(ray, "init", lambda *words, **more: started(*words, **more, num_gpus=2))
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))
    for on_gpus in (True, False):
        folder = tmp_path / str(on_gpus)
        engine = on_ray.RayEngine(workers, {}, on_gpus)
        try:
            handles = [engine.submit(Ask(folder, str(k), workers), str(k)) for k in range(workers)]
            found = [handle.result()[VISIBLE] for handle in handles]
            assert sorted(found) == expected if on_gpus else not any(found)
        finally:
            engine.stop()
