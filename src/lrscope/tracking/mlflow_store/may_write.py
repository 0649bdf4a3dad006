"""Whether a store takes runs from whoever asks, found out before anything trains. Nothing is written by asking."""

from __future__ import annotations

import os

from lrscope.core.errors import InputError, Problem
from lrscope.core.redact import redact
from lrscope.tracking.mlflow_store.address import Address
from lrscope.tracking.mlflow_store.reach import asked

_REMEDY = "Name a user who may, or another experiment_name, or record without it: tracking.mode=offline."

NONE_AT_ALL = "INSERT INTO runs (run_uuid) SELECT run_uuid FROM runs WHERE 1 = 0"
"""What a database refuses to whoever may not insert, and what inserts nothing for the others."""


def check_may_write(address: Address, experiment: str) -> None:
    """Of a store that answers; one that stops answering meanwhile is found away by others.

    Raises:
        InputError: it is another program's database, or this user may not record runs of the experiment.
    """
    if address.is_server:
        _check_server(address, experiment)
    elif address.is_database and address.database_file is None:
        _check_database(address)


def _check_database(address: Address) -> None:
    import sqlalchemy
    from sqlalchemy.exc import SQLAlchemyError
    from sqlalchemy.pool import NullPool

    try:
        with sqlalchemy.create_engine(address.uri, poolclass=NullPool).connect() as connection:
            tables = sqlalchemy.inspect(connection)
            names = sorted(tables.get_table_names())
            if not names:
                return
            columns = [found["name"] for found in tables.get_columns("experiments")] if "experiments" in names else []
            if "experiment_id" not in columns:
                rule = f"is the database of another program, with tables {', '.join(names[:3])}, and not MLflow's"
                raise InputError(Problem("tracking.uri", address.shown, rule, "Name an empty one, or MLflow's own."))
            try:
                connection.execute(sqlalchemy.text(NONE_AT_ALL))
            except SQLAlchemyError as error:
                raise _refused(address, str(getattr(error, "orig", error)).splitlines()[0]) from None
    except SQLAlchemyError:
        return


def _check_server(address: Address, experiment: str) -> None:
    """A server with users answers 403 ahead of looking at what is asked: a start that is no number makes no run."""
    import requests

    if not (os.environ.get("MLFLOW_TRACKING_USERNAME") or os.environ.get("MLFLOW_TRACKING_TOKEN")):
        return
    try:
        found = asked(address, "mlflow/experiments/get-by-name", {"experiment_name": experiment})
        if found.status_code == 403:
            raise _refused(address, f"the experiment {experiment} is somebody else's")
        if found.status_code != 200:
            return  # it is made by the run, and is this user's then
        number = found.json()["experiment"]["experiment_id"]
        wrong = {"experiment_id": number, "start_time": "none"}
        if asked(address, "mlflow/runs/create", {}, wrong).status_code == 403:
            raise _refused(address, f"the experiment {experiment} can only be read")
    except (requests.RequestException, ValueError, KeyError):
        return


def _refused(address: Address, why: str) -> InputError:
    rule = f"this user may not record runs in it ({redact(why).rstrip('. ')})"
    return InputError(Problem("tracking.uri", address.shown, rule, _REMEDY))
