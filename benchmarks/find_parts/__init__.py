"""Parts of ``benchmarks/find.py``: its cases and their data, and how each is trained."""
