"""How long a tag may be that MLflow keeps whole."""

from __future__ import annotations

TAG_LENGTH = 8000
"""Characters; MLflow refuses or cuts what is longer, a note of a run among it."""
