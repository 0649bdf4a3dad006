"""The story of one run: prepared, trained, recorded, resumed."""
