"""Which process records a run, and what becomes of a run whose process is gone.

DeliveryResult and the session use it, and ``scripts/reap.py``.

    process      who records a run, and whether it is still there
    heartbeat    says once a minute that a run is alive
    reap         runs whose process is gone are KILLED
"""
