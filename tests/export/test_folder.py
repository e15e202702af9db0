"""A directory of Parquet files is the work of all its origins."""

from pathlib import Path

import pandas as pd
import pytest

from greenlang_data.errors import ExportError
from greenlang_data.export.parquet import read_parquet, to_parquet
from greenlang_data.provenance import attach, make_record, record_of, verify
from tests.provenance.helpers import fetched, provenance


def test_all_origins_are_parents_never_only_the_first(tmp_path: Path) -> None:
    to_parquet(fetched("a"), tmp_path / "1.parquet")
    to_parquet(fetched("b", value=50.0), tmp_path / "2.parquet")
    to_parquet(pd.DataFrame({"flow": [1.0]}, index=fetched().index[:1]), tmp_path / "3.parquet")
    (tmp_path / "readme.txt").touch()
    (tmp_path / ".0.parquet").touch()
    (tmp_path / "_temporary").mkdir()
    (tmp_path / "_temporary" / "0.parquet").touch()
    with pytest.warns(UserWarning, match="unknown"):
        back = read_parquet(tmp_path)
    assert len(back) == 97
    record = record_of(back)
    assert record is not None
    assert record["lineage"] == "combined"
    assert [entry.get("connector_id") for entry in record["parents"]] == ["a", "b", None]
    assert [entry["verdict"] for entry in record["parents"]] == ["intact", "intact", "unknown"]
    assert verify(back) == "intact"


def test_one_frame_in_parts_is_whole_again(tmp_path: Path) -> None:
    frame = fetched()
    to_parquet(frame[:20], tmp_path / "1.parquet")
    to_parquet(frame[20:], tmp_path / "2.parquet")
    back = read_parquet(tmp_path)
    assert verify(back) == "intact"
    assert record_of(back) == record_of(frame)
    (tmp_path / "2.parquet").unlink()
    assert verify(read_parquet(tmp_path)) == "derived"


def test_partitions_become_columns(tmp_path: Path) -> None:
    for plant in ("north", "south side"):
        folder = tmp_path / f"plant={plant.replace(' ', '%20')}"
        folder.mkdir()
        to_parquet(fetched(plant, rows=2), folder / "a.parquet")
    back = read_parquet(tmp_path)
    assert back["plant"].tolist() == ["north", "north", "south side", "south side"]


def test_categories_that_differ_stay_categories(tmp_path: Path) -> None:
    for name, tags in {"a": ["x", "y"], "b": ["z", "x"]}.items():
        frame = pd.DataFrame({"tag": pd.Categorical(tags), "v": [1.0, 2.0]})
        to_parquet(
            attach(frame, make_record(provenance(name), frame)), tmp_path / f"{name}.parquet"
        )
    back = read_parquet(tmp_path)
    assert isinstance(back["tag"].dtype, pd.CategoricalDtype)
    assert back["tag"].tolist() == ["x", "y", "z", "x"]
    assert back.index.tolist() == [0, 1, 2, 3]


def test_nothing_to_read(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="no Parquet file"):
        read_parquet(tmp_path)


def test_one_bad_file_is_named(tmp_path: Path) -> None:
    to_parquet(fetched(), tmp_path / "1.parquet")
    (tmp_path / "2.parquet").write_bytes(b"PAR1 no")
    with pytest.raises(ExportError, match=r"2\.parquet"):
        read_parquet(tmp_path)
