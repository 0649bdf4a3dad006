"""The fixtures of the tests that drive a browser."""

from __future__ import annotations

from pages import browser, sweeps

__all__ = ["browser", "sweeps"]
