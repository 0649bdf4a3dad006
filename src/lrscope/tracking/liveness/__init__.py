"""Which process records a run, and what becomes of a run whose process is gone.

DeliveryResult and the session use it, and ``scripts/reap.py``.

    process      who records a run, and whether it is still there
    heartbeat    says once a minute that a run is alive
    reap         runs whose process is gone are KILLED
    typed_words  commands that were typed on this machine, also of runs whose journals are gone
"""
