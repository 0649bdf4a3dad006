"""A packed network that takes raw examples and answers in the user's words: MLflow loads it by this module's name.

The name of this module and of ``RAW`` stand in stored models: they stay as they are.
"""

from __future__ import annotations

import io
import logging
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from lrscope.datasets.array_inputs import ArrayPreprocessing
from lrscope.datasets.image_files import ImagePreprocessing
from lrscope.datasets.preprocessing import Preprocessing, TargetScale
from lrscope.datasets.pretrained_tokens import PretrainedTokens
from lrscope.datasets.table_columns import TablePreprocessing
from lrscope.datasets.table_unseen import taken_for
from lrscope.datasets.vocabulary import PADDING, SPLIT, TokenPreprocessing

if TYPE_CHECKING:
    import pandas as pd

RAW = "lrscope_raw"
"""The attribute of a packed network that holds its :class:`RawExamples`: it is stored and loaded with the network."""

TEXT, IMAGE = "text", "image"
"""The column of the examples that are texts, and of those that are files of images."""


@dataclass(frozen=True)
class RawExamples:
    """What makes inputs of raw examples, and words of answers.

    ``preprocessing`` as the data set learned it of the training part (None: inputs are taken as they are), ``task`` as
    in ``Objective``, ``classes`` by their numbers, ``scale`` of numbers to predict that are standardised.
    """

    preprocessing: Preprocessing | None
    task: str
    classes: tuple[str, ...] = ()
    scale: TargetScale | None = None

    @property
    def packages(self) -> set[str]:
        """What raw examples are read with, beside numpy and pandas: packages by their names for pip."""
        match self.preprocessing:
            case ImagePreprocessing():
                return {"pillow"}
            case PretrainedTokens():
                return {"tokenizers"}
        return set()

    def inputs(self, raw: Any) -> Tensor:
        """As the network takes them, [N, ...].

        Args:
            raw: a DataFrame of a table's columns, of a column ``text`` or of a column ``image`` (bytes of files); an
                array [N, ...] for everything else.

        Raises:
            ValueError: an image that cannot be read, a text that is none.
        """
        if isinstance(self.preprocessing, TokenPreprocessing):
            texts, learned = [SPLIT[self.preprocessing.kind](text) for text in _texts(raw)], self.preprocessing
            # The next token comes behind the end of a text, which is what a class is told by its beginning.
            return learned.numbered([text[-learned.length :] if self.task == "next_token" else text for text in texts])
        if isinstance(self.preprocessing, PretrainedTokens):
            return self.preprocessing.inputs(_texts(raw))
        if isinstance(self.preprocessing, ImagePreprocessing):
            return self.preprocessing.inputs([_picture(number, file) for number, file in enumerate(raw[IMAGE])])
        if self.preprocessing is not None:
            return self.preprocessing.inputs(raw)
        return torch.from_numpy(np.ascontiguousarray(raw))

    def taken_for(self, raw: Any) -> list[list[str]]:
        """Of each row of a table what it was not trained with and is taken for something else; nothing of other data.

        Raises:
            ValueError: there is something, and the model was trained with ``dataset.missing=refuse``.
        """
        if not isinstance(self.preprocessing, TablePreprocessing):
            return []
        found = taken_for(self.preprocessing, raw)
        refused = next((f"row {row}: {notes[0]}" for row, notes in enumerate(found) if notes), None)
        if self.preprocessing.missing == "refuse" and refused is not None:
            raise ValueError(f"{refused}, which dataset.missing=refuse does not allow")
        return found

    def answers(self, outputs: Tensor, inputs: Tensor) -> pd.DataFrame | NDArray[Any]:
        """Classes by name, each with its probability (of ``next_token`` the token that comes behind the text); numbers
        to predict in the user's unit, [N, outputs]; of labels the probability of each, [N, labels].
        """
        import pandas as pd

        if self.task == "regression":
            found = self.scale.in_units(outputs) if self.scale is not None else outputs
            return np.asarray(found.numpy())
        if self.task == "labels":
            return np.asarray(outputs.sigmoid().numpy())
        if self.task == "next_token":
            last = (
                (inputs != PADDING).sum(1).clamp(min=1) - 1
                if isinstance(self.preprocessing, TokenPreprocessing)
                else -1
            )
            outputs = outputs[torch.arange(len(outputs)), last]
        yes = outputs.sigmoid()
        shares = torch.cat([1 - yes, yes], 1) if outputs.shape[1] == 1 else outputs.softmax(1)
        best, numbers = shares.max(1)
        names = [self.classes[number] if number < len(self.classes) else str(number) for number in numbers.tolist()]
        return pd.DataFrame({"class": names, "probability": best.tolist()})


class RawModel:
    """The network with its :class:`RawExamples`, as MLflow calls it."""

    def __init__(self, network: nn.Module, raw: RawExamples) -> None:
        self.network = network.eval()
        self.raw = raw

    def predict(self, data: Any, params: object = None) -> Any:  # noqa: ARG002  # MLflow hands it over
        """Raises:
        MlflowException: examples that are none; its code makes a 400 of it.
        """
        from mlflow.exceptions import MlflowException

        try:
            inputs, notes = _numbers(self.raw.inputs(_some(data))), self.raw.taken_for(data)
            with torch.no_grad():
                like = next(self.network.parameters(), torch.empty(()))
                outputs = self.network(inputs.to(like.device)).cpu()
            return _told(self.raw.answers(outputs, inputs), notes)
        except (ValueError, KeyError, IndexError, RuntimeError) as error:
            raise MlflowException.invalid_parameter_value(f"these examples do not fit the model: {error}") from error


def _some(data: Any) -> Any:
    if any(len(one) == 0 for one in (data, *(data.values() if isinstance(data, dict) else ()))):
        raise ValueError("there are none")
    return data


def _numbers(inputs: Tensor) -> Tensor:
    """What is no number is answered with none, which no reader of JSON takes."""
    if inputs.is_floating_point() and not (finite := inputs.flatten(1).isfinite().all(1)).all():
        raise ValueError(f"example {int(finite.logical_not().nonzero()[0])} has NaN or infinity in it")
    return inputs


def _told(answers: Any, notes: list[list[str]]) -> Any:
    """A line in the log for each thing that rows were taken for, and a column ``note`` beside classes."""
    for note, count in Counter(note for of_row in notes for note in of_row).items():
        logging.getLogger("lrscope").warning("%s (%d of %d rows)", note, count, len(notes))
    if any(notes) and hasattr(answers, "columns"):
        answers["note"] = ["; ".join(of_row) for of_row in notes]
    return answers


def _load_pyfunc(path: str, model_config: Any = None) -> RawModel:
    """What ``mlflow.pyfunc`` calls; it unpickles what ``mlflow.pytorch`` does, and nothing else."""
    import mlflow.pytorch

    network = mlflow.pytorch._load_pyfunc(path, model_config).get_raw_model()
    return RawModel(network, getattr(network, RAW))


def _texts(raw: Any) -> list[str]:
    found = list(raw[TEXT])
    none = next((number for number, text in enumerate(found) if not isinstance(text, str | int | np.integer)), None)
    if none is not None:
        raise ValueError(f"example {none} is no text")
    return [str(text) for text in found]


def _picture(number: int, file: bytes) -> Any:
    from PIL import Image, UnidentifiedImageError

    try:
        return Image.open(io.BytesIO(file))
    except (UnidentifiedImageError, OSError, TypeError) as error:
        raise ValueError(f"example {number} is no image that can be read") from error


def raw_example(raw: RawExamples, inputs: Tensor) -> Any:
    """Raw examples that such inputs could come from; None where their form is the user's own.

    Args:
        inputs: of the training part, [n, ...].
    """
    import pandas as pd

    match raw.preprocessing:
        case None:
            return inputs.numpy()
        case ArrayPreprocessing() as arrays:
            return _stored(arrays, inputs.numpy())
        case TablePreprocessing() as table:
            return pd.DataFrame({c.name: [c.words[0] if hasattr(c, "words") else c.mean] for c in table.columns})
        case TokenPreprocessing() as texts:
            between = "" if texts.kind == "characters" else " "
            return pd.DataFrame({TEXT: [between.join(texts.tokens[2:6])]})
        case PretrainedTokens() as texts:
            return pd.DataFrame({TEXT: [texts.text(inputs[0])]})
        case ImagePreprocessing():
            return pd.DataFrame({IMAGE: [_png(inputs[0].numpy())]})
    return None


def _stored(arrays: ArrayPreprocessing, inputs: NDArray[Any]) -> NDArray[Any]:
    """The way back from inputs to arrays as they were stored."""
    if arrays.channels == "none":
        inputs = inputs[:, 0]
    elif arrays.channels == "last":
        inputs = np.moveaxis(inputs, 1, -1)
    if arrays.means:
        flat = inputs.reshape(len(inputs), -1) * arrays.deviations + arrays.means
        inputs = flat.astype(np.float32).reshape(inputs.shape)
    return np.ascontiguousarray(inputs * np.float32(arrays.divide) if arrays.divide != 1 else inputs)


def _png(pixels: NDArray[np.float32]) -> bytes:
    """An image [channels, height, width] in 0 to 1 as a file."""
    from PIL import Image

    values = (pixels * 255).round().astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(values[0] if len(values) == 1 else np.moveaxis(values, 0, -1)).save(file, "PNG")
    return file.getvalue()
