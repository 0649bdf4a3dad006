"""The append-only file of a run, who writes it, and how far it is delivered.

All of tracking uses it. It knows no MLflow.

    journal, events    the file, and what its lines say
    run_log            the record of one run as the training sees it; writer: the thread that puts it on disk
    history            what is recorded already: a resumed run records no point twice
    offsets, locks     how far delivery came; one process at a time
"""
