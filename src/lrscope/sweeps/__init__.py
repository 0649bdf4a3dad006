"""The story of one sweep: planned, checked, begun, closed."""
