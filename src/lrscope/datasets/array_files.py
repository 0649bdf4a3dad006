"""Named arrays of a .npz, .npy, .pt or .h5 file."""

from __future__ import annotations

import pickle
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NoReturn
from zipfile import BadZipFile

import numpy as np
import torch
from numpy.typing import NDArray

from lrscope.datasets.given_file import refuse

Array = NDArray[Any]

KINDS = (".npz", ".npy", ".pt", ".pth", ".h5", ".hdf5")
ONLY = "data"
"""What the array of a file is called that holds one without a name."""


def read_arrays(file: Path, key: str = "dataset.path") -> Mapping[str, Array]:
    """The arrays of a file by their names; of nested names the whole path, ``train/x``.

    Nothing in it is run: a file that would have to be unpickled is refused.

    Raises:
        InputError: another kind of file, a damaged one, one that holds pickled code or things that are no arrays.
    """
    kind = file.suffix.lower()
    if kind not in KINDS:
        refuse(file, f"files of the kind {kind or '(none)'} are not read", f"Give one of {', '.join(KINDS)}.", key)
    if not file.stat().st_size:
        refuse(file, "is empty", "Put arrays into it.", key)
    try:
        if kind in (".npz", ".npy"):
            return _numpy(file)
        return _torch(file, key) if kind in (".pt", ".pth") else _hdf5(file, key)
    except pickle.UnpicklingError:
        _refuse_code(file, "pickled objects", key)
    except (OSError, ValueError, EOFError, KeyError, RuntimeError, BadZipFile) as error:
        if "allow_pickle" in str(error):
            _refuse_code(file, "an array of Python objects", key)
        refuse(file, f"cannot be read ({_first_line(error)})", "Write it anew.", key)


def _numpy(file: Path) -> Mapping[str, Array]:
    loaded = np.load(file, allow_pickle=False)
    if isinstance(loaded, np.ndarray):
        return {ONLY: loaded}
    with loaded:
        return {name: loaded[name] for name in loaded.files}


def _torch(file: Path, key: str) -> Mapping[str, Array]:
    loaded = torch.load(file, map_location="cpu", weights_only=True)
    if isinstance(loaded, torch.Tensor):
        return {ONLY: loaded.numpy()}
    if isinstance(loaded, (tuple, list)) and len(loaded) == 2:
        loaded = dict(zip(("x", "y"), loaded, strict=True))
    if not isinstance(loaded, Mapping):
        refuse(file, f"holds a {type(loaded).__name__}", "Save a dict of tensors, or a pair: inputs, targets.", key)
    return {str(name): value.numpy() for name, value in loaded.items() if isinstance(value, torch.Tensor)}


def _hdf5(file: Path, key: str) -> Mapping[str, Array]:
    try:
        import h5py
    except ImportError:
        refuse(file, "needs the package h5py, which is not installed", "Install it: pip install h5py.", key)
    found: dict[str, Array] = {}
    with h5py.File(file) as stored:
        stored.visititems(lambda name, item: _take(found, name, item, h5py.Dataset))
    return found


def _take(found: dict[str, Array], name: str, item: Any, kind: type) -> None:
    if isinstance(item, kind):
        array = np.asarray(item)
        found[name] = array.astype(str) if array.dtype.kind == "O" else array


def named(arrays: Mapping[str, Array], wanted: str | None, known: Iterable[str], key: str, file: Path) -> str | None:
    """The name of the array that is meant: the one that is ``wanted``, else the first that is ``known``.

    Raises:
        InputError: there is none of the name that is wanted.
    """
    if wanted is None:
        return next((name for name in known if name in arrays), None)
    if wanted not in arrays:
        refuse(file, f"{key}={wanted}: holds no array of that name", f"It holds {', '.join(arrays) or 'none'}.")
    return wanted


def _refuse_code(file: Path, what: str, key: str) -> NoReturn:
    rule = f"holds more than arrays, and code in it is not run ({what})"
    refuse(file, rule, "Save arrays or tensors alone: np.savez, torch.save of a dict of tensors.", key)


def _first_line(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[0] if lines else type(error).__name__)[:160].rstrip(". ")
