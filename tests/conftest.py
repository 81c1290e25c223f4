"""What tests share."""

import pytest

from lib import figures


@pytest.fixture
def published(monkeypatch):
    """The outputs that a cell would have, as (bundle of MIME types, metadata)."""
    outputs = []

    def display(bundle, raw=False, metadata=None):
        outputs.append((bundle, (metadata or {}).get("downhill", {})))

    monkeypatch.setattr(figures, "display", display)
    return outputs
