"""Parts of ``rivals.py``: runs as others want them, what others say of them, and lrscope's own loop of one line."""
