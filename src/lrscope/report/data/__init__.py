"""A stored sweep as plain data.

All of the report uses it.

    connect, collect    the store opened, and a sweep read from it
    member_curves       of the members of a sweep a few curves alone
    signals_read        the curves that show why a member failed
    stored_sweep        the sweep and its members
    curve_files         a run in a file of another program's; wandb_history: in one of W&B's
    axes                which keys were swept
    addresses           where MLflow's page shows its runs
    view_key            the name of its saved view in MLflow
"""
