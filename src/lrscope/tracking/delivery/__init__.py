"""Carries journals into the store, beside the training and later.

The session uses it, and ``make sync``.

    deliver, mlflow_writer, uploads    one journal: its events, and its files, into MLflow
    read_back                          what a server says that it took, read back
    elsewhere                          a journal of a run that another machine has gone on with
    uploader                           all journals of a session, in the background; outage: how long to wait in between
    sync                               what earlier commands could not deliver
    service                            everything that a session asks of its store
    service_process, service_client    the process it lives in, and how a session asks it: from there, or from here
    commit                             what is delivered is noted on disk, what does not go through put off
"""
