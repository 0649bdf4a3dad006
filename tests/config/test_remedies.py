"""A remedy that names a word to type must help: the command with that word has no such problem any more."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from hydra import initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.types import RunMode

from lrscope.config import schema
from lrscope.config.explain import explain, key_of
from lrscope.config.in_vain import typed_in_vain
from lrscope.config.overrides import run_config
from lrscope.config.validate import check
from lrscope.core.errors import Problem
from lrscope.core.paths import shipped_conf

A_WORD = re.compile(
    r"(?:Try|Write|Add|Use e\.g\.|Use|Set|Say|Choose|write) ((?:\+)?[a-z][\w./]*=(?:\[[^]]*\]|[^\s,;]+))"
)

TYPED = """
lr=abc
lr=null
lr=-1
lr=nan
lr=1,0.1
epochs=1.5
epochs=0
seed=-1
batch_size=0
model.hidden=25,12
model.hidden=[1
optimizer.betas=0.9,0.99
trainer.deterministic=maybe
trainer.precision=foo
trainer.accelerator=foo
trainer.threads=0
trainer.gradient_clip_val=-1
trainer.gradient_clip_algorithm=value
trainer.accumulate_grad_batches=0
tracking.mode=foo
tracking.log_model=some
tracking.every_n_steps=0
tracking.finish_timeout_s=-1
sweep.together=foo
experiment_name=a/../b
callbacks.stop_when=[bored]
callbacks.stop_when=[overfitting]
callbacks.stop_when=collapsed
callbacks.every=0
callbacks.stop_grace_epochs=3
callbacks.early_stopping.patience=3
callbacks.early_stopping.enabled=true callbacks.early_stopping.min_delta=-1
callbacks.early_stopping.enabled=true callbacks.early_stopping.monitor=val/f1
callbacks.checkpoint.monitor=foo
callbacks.evaluate_every_epochs=0
scheduler=cyclic scheduler.base_lr=2
scheduler=cyclic scheduler.gamma=0.5
scheduler=cyclic scheduler.max_momentum=0.5
scheduler=plateau scheduler.interval=step
scheduler=step scheduler.step_size=0
scheduler=multistep scheduler.milestones=[9,3]
scheduler=exponential scheduler.decay_rate=-1
scheduler=warmup_cosine scheduler.warmup_epochs=-1
scheduler=one_cycle scheduler.base_momentum=0.5
+scheduler.decay_steps=7
+model=cnn
optimizer=sgd optimizer.dampening=0.1
model.hidden=[] model.activation=tanh
tracking.uri=http://a:1 tracking.mode=offline
"""


@pytest.fixture(scope="module", autouse=True)
def _conf() -> Iterator[None]:
    schema.register()
    with initialize_config_dir(str(shipped_conf()), version_base="1.3"):
        yield


def problems(words: list[str]) -> list[Problem]:
    """What the command says of these words of a lone run, as far as no data are needed."""
    loader = GlobalHydra.instance().config_loader()

    def compose(overrides: list[str]) -> Any:
        return loader.load_configuration("train", list(overrides), RunMode.RUN)

    explained = explain(words, compose, loader.get_group_options)
    refused = {problem.key for problem in explained.problems}
    read = [word for word in words if key_of(word) not in refused]
    cfg = run_config(explained.cfg, read)
    return [*explained.problems, *check(cfg), *typed_in_vain([(cfg, read)])]


def words_of(problem: Problem) -> list[str]:
    return [word.rstrip(".") for word in A_WORD.findall(problem.remedy) if "VALUE" not in word and word != "key=value"]


@pytest.mark.parametrize("typed", TYPED.strip().splitlines())
def test_what_is_proposed_is_accepted(typed: str) -> None:
    words = typed.split()
    found = problems(words)
    assert found, "nothing is wrong with it"
    for problem in found:
        for word in words_of(problem):
            key = key_of(word)
            others = [other for other in words if not f"{key_of(other)}.".startswith(f"{key}.")]
            told = [str(again) for again in problems([*others, word]) if again.key in (problem.key, key)]
            assert told == [], f"{problem} -> {word}"


@pytest.mark.long
def test_most_remedies_name_a_word() -> None:
    named = [typed for typed in TYPED.strip().splitlines() if any(map(words_of, problems(typed.split())))]
    assert len(named) >= 25
