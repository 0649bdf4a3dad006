"""What follows from a stored sweep: comparison, ranking, recommendation."""
