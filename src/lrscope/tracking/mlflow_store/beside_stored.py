"""The tags of a run as they go into its store: the note beside a person's words, the state beside what it holds."""

from __future__ import annotations

from collections.abc import Mapping

from lrscope.tracking.mlflow_store.kept_note import NOTE, is_of_older, kept_note
from lrscope.tracking.mlflow_store.state_tag import STATE, folded, is_state
from lrscope.tracking.mlflow_store.store import Store


def beside_stored(store: Store, run_id: str, tags: Mapping[str, str]) -> Mapping[str, str]:
    """The tags to write.

    Args:
        tags: by the names that they are recorded by.
    """
    if NOTE not in tags and not any(map(is_state, tags)):
        return tags  # nothing of them stands beside anything: a call less
    stored = _stored(store, run_id)
    written = folded(tags, stored)
    older = is_of_older(stored)
    if NOTE in tags:
        written[NOTE] = kept_note(tags[NOTE], _words(store, run_id, stored), older)
    elif older and STATE in written:
        # From now on what has no mark is a person's.
        written[NOTE] = kept_note(stored[NOTE], None)
    return written


def _words(store: Store, run_id: str, stored: Mapping[str, str]) -> str | None:
    from lrscope.tracking.mlflow_store.checked_client import note_as_written

    return note_as_written(store.client, run_id) if NOTE in stored else None


def _stored(store: Store, run_id: str) -> Mapping[str, str]:
    """Of a run that is gone none: whoever writes to it is told."""
    from mlflow.exceptions import MlflowException

    try:
        return store.run(run_id).data.tags
    except MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
        return {}
