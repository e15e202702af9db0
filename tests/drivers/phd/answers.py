"""Answers as a gateway and an OIBus agent give them, right and wrong."""

from __future__ import annotations

import json
from typing import Any

STAMP = "2025-01-01T00:00:00.123Z"


def of_gateway(**series: Any) -> bytes:
    whole: dict[str, Any] = {
        "tag": "a",
        "unit": "bar",
        "times": [],
        "values": [],
        "confidence": [],
        "next": None,
    }
    return json.dumps({"series": [{**whole, **series}]}).encode()


def of_agent(*data: dict[str, Any], count: int | None = None, stamp: str = STAMP) -> bytes:
    content = [{"pointId": "a", "timestamp": stamp, "data": one} for one in data]
    count = len(content) if count is None else count
    return json.dumps({"recordCount": count, "content": content}).encode()
