"""The notebook runs in a real kernel, and what it shows is what a reader will get."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"

# These name a moment or a port, so they differ from run to run.
_VARIES = ("ProvenanceRecord",)


def texts_of(cell: Any) -> list[str]:
    """What a cell shows, as plain text."""
    return [
        output.get("text") or output.get("data", {}).get("text/plain", "")
        for output in cell.get("outputs", [])
    ]


@pytest.mark.parametrize(("name", "outputs"), [("quickstart", 18), ("emissions", 8)])
def test_a_notebook_runs_and_shows_what_it_shows_here(name: str, outputs: int) -> None:
    notebook = nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4)
    shown = [texts_of(cell) for cell in notebook.cells]
    assert sum(map(len, shown)) >= outputs
    client = NotebookClient(
        notebook, timeout=120, kernel_name="python3", resources={"metadata": {"path": NOTEBOOKS}}
    )
    client.execute()  # a cell that raises ends it
    for cell, before in zip(notebook.cells, shown, strict=True):
        if not any(word in text for word in _VARIES for text in before):
            assert texts_of(cell) == before, cell.source
