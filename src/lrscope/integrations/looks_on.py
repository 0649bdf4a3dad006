"""What the callbacks of all training libraries share: the training that they look on at, and its diagnosis."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from lrscope.core.errors import LrscopeError
from lrscope.core.stopped_by_verdict import StoppedByVerdict
from lrscope.diagnosis import canonical_name
from lrscope.diagnosis.readable import Diagnosis
from lrscope.integrations import watched_run


class LooksOn:
    """``begun_by`` is the call of the library that trains; ``evaluated`` are the metrics that an evaluation is told of,
    under whatever name the library has them.
    """

    begun_by: ClassVar[str]
    evaluated: ClassVar[tuple[str, ...]] = ("val/loss", "val/acc")
    watched: watched_run.Watch | None = None
    """Of the training that runs, or ended last."""

    @property
    def diagnosis(self) -> Diagnosis:
        """What becomes of the training, or became.

        Raises:
            LrscopeError: nothing has been trained yet.
        """
        if self.watched is None:
            raise LrscopeError(f"nothing has been trained yet: call {self.begun_by} first")
        return self.watched.diagnosis

    def _known(self, metrics: Mapping[str, Any]) -> dict[str, Any]:
        """Those of the library's metrics that an evaluation is told of, by lrscope's names."""
        named = {canonical_name(name): value for name, value in metrics.items()}
        return {name: named[name] for name in self.evaluated if name in named}

    def _unless_it_stops(self, tell: Callable[[watched_run.Watch], None], stop: Callable[[], None]) -> None:
        """Tell the watch something; a verdict of ``stop_when`` has the library end the training, by ``stop``."""
        if self.watched is None or self.watched.closed:
            return
        try:
            tell(self.watched)
        except StoppedByVerdict:
            stop()

    def _end_watch(self, error: BaseException | None = None) -> None:
        """Look on no further, and print what became of the training; nothing where that is done."""
        if self.watched is not None and not self.watched.closed:
            self.watched.close(error)
            print(self.watched.diagnosis)
