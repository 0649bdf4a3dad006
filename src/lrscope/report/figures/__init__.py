"""The figures: what they show as plain data, and how matplotlib draws it. Only here is matplotlib known."""
