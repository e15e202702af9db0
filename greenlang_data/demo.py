"""``greenlang-data demo``: the five calls on the simulated plant, from question to file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

    from greenlang_data.session import Session

_START, _END = "2025-01-13", "2025-01-14"


def run_demo(directory: Path) -> int:
    """Print five tables, write each to Parquet in ``directory``, read them back and verify.

    Returns 0 when every file came back intact, else 1. Raises ExportError when it cannot write.
    """
    import pandas as pd

    import greenlang_data as gd

    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise gd.ExportError(
            f"cannot make the directory {str(directory)!r}: {error.strerror}",
            remedy="Choose another with --directory.",
        ) from error
    intact = True
    with gd.Session(mock=True) as session, pd.option_context("display.width", 110):
        for name, call, frame in _frames(session):
            path = gd.to_parquet(frame, directory / f"{name}.parquet", overwrite=True)
            verdict = gd.verify(gd.read_parquet(path))
            intact = intact and verdict == "intact"
            print(f">>> {call}\n{frame.head(6).to_string(max_cols=9)}")
            record = frame.attrs["provenance"]
            print(
                f"{len(frame)} rows, response SHA-256 {record['response_hash'][:16]}..., ", end=""
            )
            print(f"{path}: {verdict}\n")
    print("All files are intact." if intact else "A file did not come back as it was written.")
    return 0 if intact else 1


def _frames(s: Session) -> Iterator[tuple[str, str, pd.DataFrame]]:
    tags = ["ns=2;s=Temperature", "ns=2;s=Pressure"]
    yield "scada", f"s.scada({tags})", s.scada(tags)
    points = ["ProcessTemp", "FlowRate"]
    yield (
        "historian",
        f's.historian({points}, "{_START}", "{_END}", "1h", "avg")',
        s.historian(points, _START, _END, "1h", "avg"),
    )
    gases = ["CO2", "NOx", "SO2"]
    yield "cems", f's.cems({gases}, "{_START}", "{_END}")', s.cems(gases, _START, _END)
    plant = {"plant_code": "1000"}
    yield (
        "erp",
        f's.erp("material", filters={plant}, limit=None)',
        s.erp("material", filters=plant, limit=None),
    )
    assets = ["ASSET-001", "ASSET-002"]
    yield (
        "cmms",
        f's.cmms("work_order", asset_ids={assets}, status="completed")',
        s.cmms("work_order", asset_ids=assets, status="completed"),
    )
