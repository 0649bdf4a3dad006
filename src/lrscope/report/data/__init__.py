"""A stored sweep as plain data.

All of the report uses it.

    connect, collect    the store opened, and a sweep read from it
    stored_sweep        the sweep and its members
    axes                which keys were swept
    view_key            the name of its saved view in MLflow
"""
