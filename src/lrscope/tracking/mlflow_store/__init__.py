"""The MLflow store: where it is, how it is opened, asked and written to."""
