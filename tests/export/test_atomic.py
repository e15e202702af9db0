"""A file is there whole or not at all."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

from greenlang_data.errors import ExportError, SourceUnreachable
from greenlang_data.export.atomic import atomic_file
from greenlang_data.export.parquet import read_parquet, to_parquet

FRAME = pd.DataFrame({"a": [1.0, 2.0]})


def only(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("", "not a file name"),
        ("  ", "not a file name"),
        ("a\0b", "not a file name"),
        (".", "is a directory"),
        ("sub", "is a directory"),
        ("sub/", "is a directory"),
        ("x" * 256, "more than 255 bytes"),
        ("ü" * 128, "more than 255 bytes"),
        ("missing/a.parquet", "there is no directory"),
        ("file/a.parquet", "there is no directory"),
    ],
    ids=str,
)
def test_what_is_no_file_name(
    name: str, sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sub").mkdir()
    (tmp_path / "file").touch()
    for overwrite in (False, True):
        with pytest.raises(ExportError, match=sentence):
            to_parquet(FRAME, name, overwrite=overwrite)
    assert only(tmp_path) == ["file", "sub"]


def test_a_path_that_is_too_long_as_a_whole() -> None:
    with pytest.raises(ExportError):
        to_parquet(FRAME, "/tmp/" + "x/" * 3000 + "a")


def test_the_longest_name_is_fine(tmp_path: Path) -> None:
    path = tmp_path / ("x" * 255)
    assert to_parquet(FRAME, str(path)) == path
    assert only(tmp_path) == [path.name]


def test_nothing_is_overwritten_unasked(tmp_path: Path) -> None:
    path = to_parquet(FRAME, tmp_path / "a.parquet")
    with pytest.raises(ExportError, match="overwrite=True"):
        to_parquet(FRAME[:1], path)
    assert len(read_parquet(path)) == 2
    to_parquet(FRAME[:1], path, overwrite=True)
    assert len(read_parquet(path)) == 1
    assert only(tmp_path) == ["a.parquet"]


@pytest.mark.parametrize("links", [True, False], ids=["links", "no links"])
def test_a_file_that_appears_meanwhile_is_not_clobbered(
    links: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a"
    if not links:
        monkeypatch.setattr(os, "link", refuse)
    with pytest.raises(ExportError, match="exists"):
        write_while_another_does(path)
    assert path.read_text() == "theirs"
    assert only(tmp_path) == ["a"]


def write_while_another_does(path: Path) -> None:
    with atomic_file(path, overwrite=False) as temporary:
        temporary.write_text("mine")
        path.write_text("theirs")


def fail_half_way(path: Path, error: BaseException) -> None:
    with atomic_file(path, overwrite=True) as temporary:
        temporary.write_text("half")
        raise error


def refuse(*_: Any) -> None:
    raise PermissionError(1, "Operation not permitted")


def test_a_file_system_without_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "link", refuse)
    path = to_parquet(FRAME, tmp_path / "a")
    assert len(read_parquet(path)) == 2
    assert only(tmp_path) == ["a"]


def test_a_directory_that_may_not_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(ExportError, match="Operation not permitted"):
        to_parquet(FRAME, tmp_path / "a")


def test_a_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "target")
    to_parquet(FRAME, tmp_path / "link", overwrite=True)
    assert (tmp_path / "link").is_symlink()
    assert len(read_parquet(tmp_path / "target")) == 2


def test_the_mode_is_that_of_any_new_file(tmp_path: Path) -> None:
    (tmp_path / "plain").touch()
    path = to_parquet(FRAME, tmp_path / "a")
    assert path.stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_the_mode_of_a_file_that_is_replaced_stays(tmp_path: Path) -> None:
    path = to_parquet(FRAME, tmp_path / "a")
    path.chmod(0o600)
    to_parquet(FRAME, path, overwrite=True)
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="named pipes are of POSIX")
def test_a_pipe_is_not_replaced(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ExportError, match="pipe"):
        to_parquet(FRAME, tmp_path / "pipe", overwrite=True)
    assert (tmp_path / "pipe").is_fifo()


@pytest.mark.parametrize("data", [None, [1], FRAME["a"], pa.table({"a": [1]})], ids=type)
def test_what_is_neither_frame_nor_stream_is_refused(data: Any, tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="cannot be written"):
        to_parquet(data, tmp_path / "a")
    assert only(tmp_path) == []


@pytest.mark.parametrize(
    "error", [KeyboardInterrupt(), SourceUnreachable("gone"), ZeroDivisionError()], ids=repr
)
def test_what_is_not_the_disk_passes_unchanged(error: BaseException, tmp_path: Path) -> None:
    (tmp_path / "a").write_text("old")
    with pytest.raises(type(error)):
        fail_half_way(tmp_path / "a", error)
    assert (tmp_path / "a").read_text() == "old"
    assert only(tmp_path) == ["a"]


def test_a_disk_that_is_full(tmp_path: Path) -> None:
    script = f"""
import resource, numpy, pandas
from greenlang_data.errors import ExportError
from greenlang_data.export.parquet import to_parquet
frame = pandas.DataFrame({{"a": numpy.random.rand(300_000)}})
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
try:
    to_parquet(frame, {str(tmp_path / "a.parquet")!r})
except ExportError as error:
    print(error)
"""
    said = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    ).stdout
    assert "could not write" in said
    assert "File too large" in said
    assert only(tmp_path) == []


def test_a_process_that_is_killed(tmp_path: Path) -> None:
    script = f"""
import itertools, numpy, pyarrow
from greenlang_data.export.stream import write_batches
batch = pyarrow.record_batch({{"a": numpy.random.rand(1 << 20)}})
write_batches(itertools.repeat(batch), batch.schema, {str(tmp_path / "a.parquet")!r})
"""
    process = subprocess.Popen([sys.executable, "-c", script])
    deadline = time.monotonic() + 30
    while sum(path.stat().st_size for path in tmp_path.iterdir()) < 10_000_000:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert not (tmp_path / "a.parquet").exists()
    (left,) = only(tmp_path)
    assert left.startswith(".")
    assert left.endswith(".tmp")
    with pytest.raises(ExportError, match="not a whole Parquet file"):
        read_parquet(tmp_path / left)
    with pytest.raises(ExportError, match="no Parquet file"):
        read_parquet(tmp_path)
