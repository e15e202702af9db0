"""The progress line: on a terminal, and nowhere else."""

from __future__ import annotations

import os
import pty
import subprocess
import sys

CODE = """
import greenlang_data as gd
with gd.Session(mock=True) as s:
    print(len(s.scada("Temperature", for_="1500ms", every="100ms")) > 3)
"""


def test_a_terminal_shows_a_line_that_changes() -> None:
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", CODE], stdout=subprocess.PIPE, stderr=theirs, text=True
    )
    out, _ = process.communicate(timeout=60)
    os.close(theirs)
    shown = os.read(ours, 100_000).decode()
    os.close(ours)
    assert out == "True\n"
    assert shown.count("\r") >= 2
    assert "scada: 1 s of 1.5 s" in shown
    assert shown.rstrip().rsplit("\r", 1)[-1].startswith("scada: 2 s of 1.5 s") or "rows" in shown
    assert shown.endswith("\n")


def test_a_pipe_shows_nothing() -> None:
    done = subprocess.run(
        [sys.executable, "-c", CODE], capture_output=True, text=True, check=True, timeout=60
    )
    assert (done.stdout, done.stderr) == ("True\n", "")
