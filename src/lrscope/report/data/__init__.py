"""A stored sweep as plain data."""
