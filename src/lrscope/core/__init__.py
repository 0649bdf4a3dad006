"""Plain data and small files: errors, paths, verdicts, outcomes, traces, fingerprints.

Everybody may use it; it knows no torch, MLflow or Lightning.
"""
