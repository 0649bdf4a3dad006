"""The trained network of a stored run, without unpickling anything: built anew from its command, with its weights.

A store is shared: whoever can write to it can put a pickle into a model or a checkpoint. So the network is made by the
words of the run's command, which are looked at as for a resume (:mod:`lrscope.config.trust`), and its weights are read
as tensors alone.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from lrscope.core.errors import InputError, Problem
from lrscope.core.tracking_settings import TrackingSettings

if TYPE_CHECKING:
    from torch import nn

BEST_OR_LAST = ("checkpoints/best.ckpt", "checkpoints/last.ckpt")


def stored_model(run_id: str, store: str | None, trust: Iterable[str] = ()) -> nn.Module:
    """The network in evaluation mode, with the weights of the best epoch, or the last ones where no best was kept.

    The data is loaded too: shapes of inputs and answers come from it.

    Args:
        trust: packages whose classes the stored command may name, beside those of ``conf/trust.yaml``.

    Raises:
        InputError: the run is not lrscope's, or keeps no weights; its command names what is not trusted, or makes a
            network that the weights do not fit.
    """
    from hydra.errors import HydraException
    from omegaconf.errors import OmegaConfBaseException

    settings = TrackingSettings(uri=store)
    with tempfile.TemporaryDirectory() as scratch:
        words = _words(settings, run_id, Path(scratch))
        weights = _weights(settings, run_id, Path(scratch))
    believed = _believed(words, run_id, store, trust)
    try:
        network = _network(believed)
    except (HydraException, OmegaConfBaseException) as error:
        rule = f"its command does not compose today ({str(error).splitlines()[0][:200]})"
        raise InputError(Problem("run", run_id, rule, "Bring back the YAML files that it was made with.")) from None
    try:
        network.load_state_dict(weights)
    except RuntimeError as error:
        rule = f"its weights do not fit the network that its command makes today ({str(error).splitlines()[0][:200]})"
        raise InputError(Problem("run", run_id, rule, "Use the version of the code that trained it.")) from None
    return network.eval()


def _words(settings: TrackingSettings, run_id: str, scratch: Path) -> list[str]:
    """The overrides that the run was made by."""
    file = scratch / "overrides.yaml"
    if not _fetched(settings, run_id, "overrides.yaml", file):
        raise InputError(
            Problem("run", run_id, "is not a run of lrscope's, or lost its overrides.yaml", "See its page.")
        )
    try:
        words = yaml.safe_load(file.read_text("utf-8"))
    except (ValueError, yaml.YAMLError):
        words = None
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise InputError(Problem("run", run_id, "its overrides.yaml holds no list of words", "See its page."))
    return words


def _weights(settings: TrackingSettings, run_id: str, scratch: Path) -> dict[str, Any]:
    from lrscope.training.checkpoint_folder import read_checkpoint

    for number, name in enumerate(BEST_OR_LAST):
        file = scratch / f"{number}.ckpt"
        if not _fetched(settings, run_id, name, file):
            continue
        try:
            state = read_checkpoint(file)["state_dict"]
            return {key.removeprefix("network."): value for key, value in state.items()}
        except Exception as error:  # whatever lay in the store under that name
            rule = f"{name} holds no weights ({type(error).__name__})"
            raise InputError(Problem("run", run_id, rule, "Nothing in it was run.")) from None
    rule = "keeps no checkpoint in the store"
    raise InputError(Problem("run", run_id, rule, "Train it with callbacks.checkpoint.best=true, its default."))


def _fetched(settings: TrackingSettings, run_id: str, artifact: str, target: Path) -> bool:
    from lrscope.tracking.mlflow_store.fetch import fetch_artifact

    return fetch_artifact(settings, run_id, artifact, target)


def _believed(words: Sequence[str], run_id: str, store: str | None, trust: Iterable[str]) -> list[str]:
    """Raises:
    InputError: a word does more than set the training, or names a class that is not trusted.
    """
    from lrscope.config.trust import about_recording, command_again
    from lrscope.core.job import overrides_to_repeat
    from lrscope.core.paths import resolve
    from lrscope.lifecycle.recorded import searched_by
    from lrscope.report.data.collect import stored_run
    from lrscope.report.data.connect import connect
    from lrscope.tracking.typed_here import typed_here

    client = connect(store)
    run = stored_run(client, run_id)
    tags = run.data.tags
    local_ids = (tags.get("lrscope.local_id", ""), tags.get("lrscope.parent_local_id", ""))
    own = typed_here(resolve("outputs/spool"), *local_ids)
    kept = [*searched_by(client, run), *overrides_to_repeat(words)]
    kept = [word for word in kept if word not in about_recording(kept)]
    return command_again(kept, (), trust, own)


def _network(words: Sequence[str]) -> nn.Module:
    from hydra import compose, initialize_config_dir

    from lrscope.cli.conf_search import search_of
    from lrscope.config import schema
    from lrscope.config.overrides import run_config
    from lrscope.core.paths import find_the_users_modules
    from lrscope.training import build
    from lrscope.training.objective import objective

    find_the_users_modules()
    schema.register()
    folder, name, overrides = search_of(words)
    with initialize_config_dir(config_dir=folder, version_base="1.3"):
        composed = compose(name, overrides, return_hydra_config=True)
    cfg = run_config(composed, overrides)
    source = build.source(cfg)
    return build.network(cfg, source.described, objective(cfg, source).outputs)
