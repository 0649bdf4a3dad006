"""One file for each verdict: whether the signals of a run show it, and with which evidence."""
