"""The append-only file of a run, who writes it, and how far it is delivered. It knows no MLflow."""
