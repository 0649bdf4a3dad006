"""Carries journals into the store, beside the training and later.

The session uses it, and ``make sync``.

    deliver, mlflow_writer, uploads    one journal: its events, and its files, into MLflow
    uploader                           all journals of a session, in the background; outage: how long to wait in between
    sync                               what earlier commands could not deliver
    store_service                      everything that a session asks of its store
    remote_service, steady_service     the same in a process of its own; and in this one where that has ended
    service_process, service_messages  that process, and what is said through the pipe
"""
