"""Numbers that are derived from a trace; the detectors look at nothing else."""
