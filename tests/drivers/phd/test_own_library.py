"""PHD through its own library: the stand-in, loaded by pythonnet into a .NET Core of PyPI."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from tests.drivers.piwebapi.helpers import DAY, nanoseconds, stamps, truth

SCRIPT = "tests.drivers.phd.own_library"
HOUR = timedelta(hours=1)
AUTUMN = datetime(2025, 10, 25, 23, 30, tzinfo=UTC)
WINDOWS = [
    (["Ramp"], DAY, DAY + HOUR),
    (["Million"], DAY, DAY + HOUR),
    (["Duplicates"], DAY, DAY + HOUR),
    (["Mixed"], DAY, DAY + HOUR),
    (["Dst"], datetime(2025, 3, 29, 20, tzinfo=UTC), datetime(2025, 10, 26, 6, tzinfo=UTC)),
    *[(["Dst"], AUTUMN + n * HOUR, AUTUMN + (n + 1) * HOUR) for n in range(3)],
]


@pytest.fixture(scope="module")
def answers(phd_stub: Path) -> list[dict[str, list[Any]]]:
    missing = [name for name in ("dotnetcore2", "pythonnet") if find_spec(name) is None]
    if missing:
        pytest.skip(f"{missing[0]} is not installed: it has wheels for Linux on x86-64")
    asked = [
        {"tags": tags, "start": start.isoformat(), "end": end.isoformat()}
        for tags, start, end in [*WINDOWS, (["Ramp", "Nope"], DAY, DAY + HOUR)]
    ]
    settings = {
        "TZ": "Europe/Berlin",
        "DOTNET_SYSTEM_GLOBALIZATION_INVARIANT": "1",
        "PHD_STUB_CONFIDENCE_ADDS": "0.7",  # which makes none better than it is
    }
    done = subprocess.run(
        [sys.executable, "-m", SCRIPT, str(phd_stub), json.dumps(asked)],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env={**os.environ, **settings},
    )
    assert done.returncode == 0, done.stderr
    found: list[dict[str, list[Any]]] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("place", range(len(WINDOWS)), ids=lambda n: f"{WINDOWS[n][0][0]}-{n}")
def test_every_sample_comes_once(answers: list[dict[str, list[Any]]], place: int) -> None:
    (tag,), start, end = WINDOWS[place]
    events, found = truth(tag, start, end), answers[place]
    assert found["timestamp"] == nanoseconds(stamps(events))
    assert found["value"] == [event.number for event in events]
    assert found["quality"] == ["good" if event.good else "bad" for event in events]


def test_unknown_tags_current_values_and_names(answers: list[dict[str, list[Any]]]) -> None:
    unknown, now, names = answers[-3:]
    assert list(unknown["failures"][0]) == ["Nope"]
    assert len(unknown["value"]) == 60
    assert now["tag_id"] == ["Ramp", "Text"]
    assert now["value"][0] == 22_320
    assert now["text"][1].startswith("Zustand")
    assert names == {"tag_id": ["Ramp"], "unit": ["degC"]}
