"""Where a verdict hangs on what more steps would do, they are taken, on a copy of the run."""
