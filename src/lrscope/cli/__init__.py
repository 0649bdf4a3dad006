"""From the command line to a run or a sweep, and back to an exit code."""
