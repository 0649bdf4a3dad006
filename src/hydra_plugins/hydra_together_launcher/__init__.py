"""``hydra/launcher=together``: members of a sweep that differ in numbers only train as one batched model."""
