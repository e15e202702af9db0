"""Several threads that read one source at the same time."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pandas as pd


def read_at_once(
    read: Callable[[], pd.DataFrame], *, threads: int, seconds: float
) -> list[pd.DataFrame]:
    """What each thread has read; all are there after ``seconds``."""
    frames: list[pd.DataFrame] = []
    running = [threading.Thread(target=lambda: frames.append(read())) for _ in range(threads)]
    for one in running:
        one.start()
    for one in running:
        one.join(seconds)
    assert len(frames) == threads
    return frames
