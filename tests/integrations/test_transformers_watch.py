"""The callback in real trainings of transformers: one that fails, one that works."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

import lrscope

transformers = pytest.importorskip(
    "transformers", reason="transformers is not installed: pip install 'lrscope[transformers]'"
)
pytest.importorskip("accelerate", reason="accelerate is not installed: pip install 'lrscope[transformers]'")

from lrscope.integrations.transformers import Watch  # noqa: E402

pytestmark = pytest.mark.extras

TOKENS = torch.randint(0, 8, (64, 6), generator=torch.Generator().manual_seed(1))
LABELS = (TOKENS[:, 0] > 3).long()
EXAMPLES = [{"input_ids": ids, "labels": label} for ids, label in zip(TOKENS, LABELS, strict=True)]


class Losses(transformers.TrainerCallback):  # type: ignore[misc]
    """What the Trainer itself logs of each update."""

    def __init__(self) -> None:
        self.found: list[tuple[float, float, float]] = []

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **kwargs: Any) -> None:  # noqa: ARG002
        if "loss" in logs:
            self.found.append((float(logs["loss"]), float(logs["learning_rate"]), float(logs["grad_norm"])))


@pytest.fixture(autouse=True)
def _without_datasets(monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder tests/datasets, which pytest has put on the path, looks like the package where that is missing."""
    monkeypatch.setattr(transformers.trainer, "is_datasets_available", lambda: False)


def classifier() -> Any:
    torch.manual_seed(0)
    small = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
    config = transformers.BertConfig(vocab_size=8, num_labels=2, max_position_embeddings=8, **small)
    config.hidden_dropout_prob = config.attention_probs_dropout_prob = 0.0
    return transformers.BertForSequenceClassification(config)


def language_model() -> Any:
    torch.manual_seed(0)
    small = {"n_embd": 16, "n_layer": 1, "n_head": 2, "n_positions": 8}
    return transformers.GPT2LMHeadModel(transformers.GPT2Config(vocab_size=8, bos_token_id=0, eos_token_id=0, **small))


def train(
    tmp_path: Path, model: Any, *callbacks: Any, examples: Any = EXAMPLES, trainer: Any = None, **more: Any
) -> Any:
    settings = {
        "learning_rate": 0.003, "num_train_epochs": 4, "per_device_train_batch_size": 16, "logging_steps": 1,
        "eval_strategy": "epoch", "max_grad_norm": 1e9, "report_to": [], "save_strategy": "no", "use_cpu": True,
        "disable_tqdm": True, "output_dir": str(tmp_path), **more,
    }  # fmt: skip
    arguments = transformers.TrainingArguments(**settings)
    made = (trainer or transformers.Trainer)(
        model=model, args=arguments, train_dataset=examples, eval_dataset=examples, callbacks=list(callbacks)
    )
    made.train()
    return made


def test_a_training_that_works(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    watch, losses = Watch(every=1, task="classification"), Losses()
    train(tmp_path, classifier(), watch, losses)
    assert watch.watched is not None
    trace = watch.watched.trace
    logged = list(zip(*losses.found, strict=True))
    assert trace.get("train/loss").values == pytest.approx(logged[0], abs=1e-4) and len(logged[0]) == 16
    assert trace.get("grad_norm").values == pytest.approx(logged[2], rel=1e-4)
    # The Trainer logs the rate of the update that was made.
    rates = trace.get("lr")
    used = [rates.values[rates.steps <= step][-1] for step in range(16)]
    assert used == pytest.approx(logged[1])
    assert trace.get("val/loss").steps.tolist() == [3, 7, 11, 15]
    assert len(trace.get("update_ratio")) == 16 and len(trace.get("output_spread")) == 4
    assert trace.facts.planned_steps == 16 and trace.facts.optimizer == "AdamW"
    assert not watch.diagnosis.failed and watch.diagnosis.verdict in capsys.readouterr().out


def test_a_training_that_fails_is_ended(tmp_path: Path) -> None:
    watch = Watch(stop_when=["diverged"])
    more = {"learning_rate": 1e8, "num_train_epochs": 50, "optim": "sgd", "lr_scheduler_type": "constant"}
    trainer = train(tmp_path, classifier(), watch, **more)
    assert watch.diagnosis.verdict == "diverged" and trainer.state.global_step < 200


def test_weights_are_those_without_it(tmp_path: Path) -> None:
    watched, plain = classifier(), classifier()
    train(tmp_path, watched, Watch(every=1), num_train_epochs=1)
    train(tmp_path, plain, num_train_epochs=1)
    assert all(torch.equal(a, b) for a, b in zip(watched.parameters(), plain.parameters(), strict=True))


@pytest.mark.parametrize("network", [classifier, language_model])
def test_the_loss_of_accumulated_batches_is_the_trainers(tmp_path: Path, network: Any) -> None:
    """A classifier's is the mean of its batches'; a language model divides by all tokens of the update itself."""
    texts = [{"input_ids": ids, "labels": ids} for ids in TOKENS]
    examples = EXAMPLES if network is classifier else texts
    watch, losses = Watch(), Losses()
    train(tmp_path, network(), watch, losses, examples=examples, num_train_epochs=1, gradient_accumulation_steps=2)
    assert watch.watched is not None
    assert watch.watched.trace.get("train/loss").values == pytest.approx(
        [loss for loss, _, _ in losses.found], abs=1e-4
    )


def test_a_loss_of_the_trainers_own_is_the_one_it_logs(tmp_path: Path) -> None:
    class Doubled(transformers.Trainer):  # type: ignore[misc, name-defined]
        def compute_loss(self, model: Any, inputs: Any, return_outputs: bool = False, **kwargs: Any) -> Any:  # noqa: ARG002
            outputs = model(input_ids=inputs["input_ids"])
            loss = 2 * torch.nn.functional.cross_entropy(outputs.logits, inputs["labels"])
            return (loss, outputs) if return_outputs else loss

    watch, losses = Watch(), Losses()
    train(tmp_path, classifier(), watch, losses, trainer=Doubled, num_train_epochs=1)
    assert watch.watched is not None
    assert watch.watched.trace.get("train/loss").values == pytest.approx([loss for loss, _, _ in losses.found])


def test_before_a_training_there_is_no_diagnosis() -> None:
    with pytest.raises(lrscope.LrscopeError, match="nothing has been trained"):
        _ = Watch().diagnosis
