"""What a user writes: its types, what is wrong with it, and the objects that it names."""
