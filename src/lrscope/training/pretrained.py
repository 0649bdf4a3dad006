"""``model.checkpoint``: a network that starts with the weights of another training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import torch
from omegaconf import DictConfig
from torch import Tensor, nn

from lrscope.config.instantiate import accepts, reason_of
from lrscope.core.errors import InputError, Problem
from lrscope.core.paths import resolve
from lrscope.core.tracking_settings import TrackingSettings
from lrscope.datasets.data import Data
from lrscope.datasets.vocabulary import TokenPreprocessing
from lrscope.tracking.weights_of_run import weights_of_run
from lrscope.training.head_and_body import head_names

KEY, FRESH_HEAD = "checkpoint", "fresh_head"

OURS = (KEY, FRESH_HEAD)
"""Keys of ``model`` that are for lrscope, unless its class takes them."""

PREFIXES = ("", "network.", "model.", "module.", "net.", "_orig_mod.", "model._orig_mod.")
"""What other tools, and lrscope's own checkpoints, put before the names of a network's parameters."""

PRETRAINED_NOTES = "lrscope_notes"
"""An attribute of lrscope's pretrained networks: what is to be told of their weights ahead of the training."""

MOST_NAMES = 6


@dataclass(frozen=True)
class Match:
    """Weights of a file beside a network. ``taken``: by the network's names. ``resized``: of a head of another size."""

    taken: Mapping[str, Tensor]
    missing: Sequence[str]
    unexpected: Sequence[str]
    resized: Mapping[str, tuple[Sequence[int], Sequence[int]]]


def checkpoint_of(cfg: DictConfig) -> str | None:
    """What ``model.checkpoint`` names; None without one, and where the model's own class takes it."""
    named = cfg.model.get(KEY)
    return None if named is None or accepts(cfg.model, KEY) else str(named)


def load_pretrained(cfg: DictConfig, network: nn.Module) -> None:
    """Put the weights that the config names into a network. What the file lacks, a head of another size, and any head
    with ``model.fresh_head``, stays as it was initialised.

    Raises:
        InputError: there is no such file or run, it holds no weights, or those of another network.
    """
    named = checkpoint_of(cfg)
    if _fresh_head(cfg) and named is None:
        rule = "there is no model.checkpoint to take the rest of the network from"
        raise InputError(Problem("model.fresh_head", "true", rule, "Add model.checkpoint=FILE, or leave it out."))
    if named is None:
        return
    own = {**dict(network.named_parameters()), **dict(network.named_buffers())}
    with torch.no_grad():
        for name, stored in _match(cfg, named, network).taken.items():
            own[name].copy_(stored)


def _fresh_head(cfg: DictConfig) -> bool:
    wanted = None if accepts(cfg.model, FRESH_HEAD) else cfg.model.get(FRESH_HEAD)
    if wanted not in (None, True, False):
        rule = "must be true or false"
        raise InputError(Problem("model.fresh_head", str(wanted), rule, "Try model.fresh_head=true."))
    return bool(wanted)


def words_on_checkpoint(cfg: DictConfig, network: nn.Module) -> list[str]:
    """What is to be told of the weights ahead of the training: what starts anew, and a head that does not."""
    if (named := checkpoint_of(cfg)) is None:
        return []
    match = _match(cfg, named, network)
    words = []
    if match.resized:
        name, (there, here) = next(iter(match.resized.items()))
        head = name.rpartition(".")[0] or name
        words.append(f"the head {head} starts anew ({name} is {list(there)} there, {list(here)} here)")
    if match.missing:
        words.append(f"it lacks {_some(match.missing)}, which start as initialised")
    if match.unexpected:
        words.append(f"{_some(match.unexpected)} of it find no place")
    layer = head_names(network)
    if layer and layer <= match.taken.keys():
        words.append(f"its head is taken as well ({_some(sorted(layer))}); model.fresh_head=true starts it anew")
    return [f"model.checkpoint={named}: {'; '.join(words)}"] if words else []


def words_on_pretrained(cfg: DictConfig, network: nn.Module, data: Data | None) -> list[str]:
    """What is to be told of a network that lrscope has from elsewhere: its weights, and ids that mean other words."""
    words = list(getattr(network, PRETRAINED_NOTES, ()))
    if words and data is not None and isinstance(data.preprocessing, TokenPreprocessing):
        rule = "the token ids are those of the data's own vocabulary, by which the network knows other words"
        words.append(f"model.name={cfg.model.name}: {rule}; dataset.tokenizer={cfg.model.name} takes the network's own")
    return words


def _match(cfg: DictConfig, named: str, network: nn.Module) -> Match:
    stored = _weights(cfg, named)
    saved = network.state_dict(keep_vars=True)
    names = {id(tensor): name for name, tensor in [*network.named_parameters(), *network.named_buffers()]}
    own = {names.get(id(tensor), key): tensor for key, tensor in saved.items()}
    fresh = head_names(network) if _fresh_head(cfg) else frozenset()
    renamed = max((_renamed(stored, prefix) for prefix in PREFIXES), key=lambda some: len(some.keys() & saved.keys()))
    found = {name: renamed[key] for key, tensor in saved.items() if key in renamed and (name := names.get(id(tensor)))}
    if not found:
        rule = f"holds no parameter of this network (it has {_some(list(stored))}, wanted are {_some(list(own))})"
        raise InputError(Problem("model.checkpoint", named, rule, "Choose the model that it was saved of."))
    shapes = {name: (list(tensor.shape), list(own[name].shape)) for name, tensor in found.items() if name not in fresh}
    resized = {name: (there, here) for name, (there, here) in shapes.items() if there != here}
    if wrong := _another_network(resized):
        name, (there, here) = wrong
        rule = f"is of another network: {name} is {list(there)} there and {list(here)} here"
        raise InputError(Problem("model.checkpoint", named, rule, "Give the model the sizes that it was saved with."))
    taken = {name: tensor for name, tensor in found.items() if name not in fresh and name not in resized}
    unexpected = sorted(renamed.keys() - saved.keys())
    return Match(taken, [name for name in own if name not in found], unexpected, resized)


def _another_network(
    resized: Mapping[str, tuple[list[int], list[int]]],
) -> tuple[str, tuple[list[int], list[int]]] | None:
    """A parameter whose other size no head explains: one layer may have another number of answers, its first axis."""
    heads = {name.rpartition(".")[0] for name in resized}
    for name, (there, here) in resized.items():
        if len(heads) > 1 or len(there) != len(here) or there[1:] != here[1:]:
            return name, (there, here)
    return None


def _renamed(stored: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """With a prefix taken off; what has it not belongs to something else of what was saved."""
    return {key.removeprefix(prefix): tensor for key, tensor in stored.items() if key.startswith(prefix)}


@lru_cache(maxsize=1)
def _read(path: Path, _changed: tuple[int, int]) -> dict[str, Tensor]:
    """The tensors of a file; nothing in it is run. The latest is kept: a sweep reads it once for all members.

    Raises:
        InputError: it cannot be read, or holds no weights.
    """
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            content = load_file(path)
        else:
            content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        remedy = "It has to be a state_dict saved by torch.save, or a run's checkpoint; nothing but tensors is loaded."
        rule = f"cannot be read as weights ({reason_of(error)})"
        raise InputError(Problem("model.checkpoint", str(path), rule, remedy)) from error
    for key in ("state_dict", "model_state_dict", "model"):
        inner = content.get(key) if isinstance(content, Mapping) else None
        if isinstance(inner, Mapping):
            content = inner
            break
    tensors = {str(k): v for k, v in content.items() if isinstance(v, Tensor)} if isinstance(content, Mapping) else {}
    if not tensors:
        rule = "holds no weights by name"
        raise InputError(Problem("model.checkpoint", str(path), rule, "Save network.state_dict() with torch.save."))
    return tensors


def _weights(cfg: DictConfig, named: str) -> dict[str, Tensor]:
    path: Path | None = resolve(named)
    if path is None or not path.is_file():
        of = TrackingSettings(cfg.tracking.mode, cfg.tracking.uri, resolve(cfg.tracking.spool))
        path = weights_of_run(of, named, "model.checkpoint")
    if path is None:
        remedy = "Give a file of weights (a run's checkpoints/best.ckpt, a state_dict), or the id of a recorded run."
        raise InputError(Problem("model.checkpoint", named, "there is no such file and no such run", remedy))
    state = path.stat()
    return _read(path, (state.st_mtime_ns, state.st_size))


def _some(names: Sequence[str]) -> str:
    rest = len(names) - MOST_NAMES
    return ", ".join(names[:MOST_NAMES]) + (f" and {rest} more" if rest > 0 else "")
