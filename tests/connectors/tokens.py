"""JSON web tokens that nobody has signed."""

from __future__ import annotations

import base64
import json


def token(subject: str, expires: int) -> str:
    """One of ``subject``."""
    parts = [{"alg": "none"}, {"iss": "i", "sub": subject, "exp": expires}]
    texts = [base64.urlsafe_b64encode(json.dumps(one).encode()).decode() for one in parts]
    return ".".join(one.rstrip("=") for one in [*texts, "c2ln"])
