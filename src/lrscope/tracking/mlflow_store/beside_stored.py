"""The tags of a run as they go into its store: the note beside a person's words, the state beside what it holds."""

from __future__ import annotations

from collections.abc import Mapping

from lrscope.tracking.mlflow_store.kept_note import NOTE, kept_note
from lrscope.tracking.mlflow_store.state_tag import folded
from lrscope.tracking.mlflow_store.store import Store


def beside_stored(store: Store, run_id: str, tags: Mapping[str, str]) -> Mapping[str, str]:
    """The tags to write.

    Args:
        tags: by the names that they are recorded by.
    """
    if not tags:
        return tags
    stored = _stored(store, run_id)
    words = {NOTE: kept_note(tags[NOTE], stored.get(NOTE))} if NOTE in tags else {}
    return folded({**tags, **words}, stored)


def _stored(store: Store, run_id: str) -> Mapping[str, str]:
    """Of a run that is gone none: whoever writes to it is told."""
    from mlflow.exceptions import MlflowException

    try:
        return store.run(run_id).data.tags
    except MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
        return {}
