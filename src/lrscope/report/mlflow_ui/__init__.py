"""What the report leaves on MLflow's page: links, a saved view, notes; and the page itself."""
