"""Where a verdict hangs on what more steps would do, they are taken, on a copy of the run.

``runs`` and ``batched.run`` use it at the end of a run.

    budget               how far a copy may go
    probes               what to train copies on for
    continue_training    copies of one run, trained on
"""
