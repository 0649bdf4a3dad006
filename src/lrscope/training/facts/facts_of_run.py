"""What the diagnosis should know of a run beside its curves."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from omegaconf import DictConfig, OmegaConf
from torch import nn

from lrscope.core.fingerprint import digest_without
from lrscope.core.run_facts import RATE_KEYS, RunFacts
from lrscope.schedules import rules
from lrscope.training.build import Source, resolved, scheduler_name
from lrscope.training.facts.data_facts import data_facts
from lrscope.training.facts.peak_rate import peak_of_groups, peak_rate
from lrscope.training.lightning_class import trains_itself
from lrscope.training.supported import Objective


def run_facts(cfg: DictConfig, source: Source, objective: Objective) -> RunFacts:
    """The facts of a run whose numbers of steps are filled in; what its network adds is not among them yet."""
    betas = cfg.optimizer.get("betas")
    scheduler: Any = OmegaConf.to_container(cfg.scheduler, resolve=True)
    data = source.data
    peak, rate_key = peak_rate(cfg)
    decay, eps = cfg.optimizer.get("weight_decay"), cfg.optimizer.get("eps")
    loss_key = str(OmegaConf.to_container(cfg.loss, resolve=True)) if objective.name else ""
    knows_loss = data is not None and not objective.of_module
    more = data_facts(data, objective, loss_key).__dict__ if data is not None and knows_loss else {}
    target = cfg.optimizer.get("_target_")
    return RunFacts(
        peak_lr=peak,
        rate_key=rate_key,
        optimizer=str(target).rsplit(".", 1)[-1] if target is not None else None,
        momentum=cfg.optimizer.get("momentum"),
        nesterov=bool(cfg.optimizer.get("nesterov", False)),
        beta1=float(betas[0]) if betas else None,
        scheduler=_schedule_of(cfg),
        scheduler_arguments=rules.arguments(scheduler),
        scheduler_interval=cfg.scheduler.get("interval", "epoch"),
        scheduler_frequency=cfg.scheduler.get("frequency"),
        planned_steps=cfg.total_steps,
        steps_per_epoch=cfg.steps_per_epoch,
        length_key="max_steps" if cfg.total_steps == cfg.max_steps else "epochs",
        task=None if objective.of_module else source.task if objective.name is None else objective.task,
        loss=objective.name,
        class_shares=data.class_shares if data is not None and knows_loss else (),
        batch_size=cfg.batch_size,
        examples=len(data.train) if data is not None else None,
        weight_decay=float(decay) if isinstance(decay, (int, float)) else None,
        eps=float(eps) if isinstance(eps, (int, float)) else None,
        clip_value=cfg.trainer.gradient_clip_val,
        clip_algorithm=cfg.trainer.gradient_clip_algorithm if cfg.trainer.gradient_clip_val is not None else None,
        data_digest=source.digest or None,
        settings=digest_without(resolved(cfg), (*RATE_KEYS, "seed")),
        **more,
    )


def _schedule_of(cfg: DictConfig) -> str | None:
    """A rate that stays is constant, whatever its option is called; None where the module knows."""
    if cfg.scheduler.get("_target_"):
        return scheduler_name(cfg)
    return None if trains_itself(cfg) else "constant"


def with_rate_of(cfg: DictConfig, network: nn.Module, facts: RunFacts) -> RunFacts:
    """The facts of a run whose parameter groups may bring all their rates themselves."""
    peak, key = peak_of_groups(cfg, network)
    if key == facts.rate_key:
        return replace(facts, peak_lr=peak)
    return replace(facts, peak_lr=peak, rate_key=key, settings=digest_without(resolved(cfg), (*RATE_KEYS, key, "seed")))
