"""Records in CSV files of one dialect."""

from __future__ import annotations

import codecs
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import pyarrow as pa
from pyarrow import csv

from greenlang_data.drivers.base import ReadLog
from greenlang_data.drivers.dahs.records import RawRecords, moments_of
from greenlang_data.drivers.paths import content_of, files_of
from greenlang_data.errors import ConfigurationError, ProtocolError
from greenlang_data.settings.dahs import DahsSettings

# The longer ones first: that of UTF-16 begins one of UTF-32.
_MARKS: Final = {
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_HEAD: Final = 1_000


def read_csv_files(
    settings: DahsSettings, names: Sequence[str], log: ReadLog, source: str
) -> list[RawRecords]:
    """The columns ``names`` of every file.

    Raises SourceError for a file that is not there, ConfigurationError for a column that is not,
    and ProtocolError for a line that is not as the dialect says.
    """
    return [_read(path, settings, names, log, source) for path in files_of(settings.files, source)]


def _read(
    path: Path, settings: DahsSettings, names: Sequence[str], log: ReadLog, source: str
) -> RawRecords:
    text = _text(content_of(path, source), settings, path, log, source)
    if text and not text.endswith(("\n", "\r")):
        # It may be half written, and half a number is a number too.
        text = text[: max(text.rfind("\n"), text.rfind("\r")) + 1]
        log.note(f"the last line of {path.name} has no end, so it is not used")
    time_column = str(settings.timestamp_column)
    wanted = [time_column, *names]
    table = _parsed(text, settings, path, source)
    missing = [name for name in wanted if name not in table.schema.names]
    if missing:
        raise ConfigurationError(
            f"{path.name} has no column {missing[0]!r}",
            source=source,
            remedy=f"It has {', '.join(table.schema.names)}.",
        )
    twice = [name for name in wanted if table.schema.names.count(name) > 1]
    if twice:
        raise ConfigurationError(
            f"{path.name} has more than one column {twice[0]!r}",
            source=source,
            remedy="Have it exported with a name of its own.",
        )
    columns = {name: _single(table.column(name)) for name in wanted}
    times = columns.pop(time_column)
    try:
        moments = moments_of(times, str(settings.timestamp_format))
    except ValueError as error:  # Arrow's own errors are ValueErrors too
        raise ProtocolError(
            f"{path.name}: a time is not as {settings.timestamp_format!r} says: {error}",
            source=source,
            remedy="Correct timestamp_format; none of the file is used.",
        ) from None
    return RawRecords(moments, columns, path.name)


def _text(content: bytes, settings: DahsSettings, path: Path, log: ReadLog, source: str) -> str:
    """The file's text, without half a letter that may be at its end.

    A byte order mark says what the file is, whatever is configured.
    """
    try:
        usual = codecs.lookup(settings.encoding).name
        marked = next((name for mark, name in _MARKS.items() if content.startswith(mark)), None)
        if marked is not None and not usual.startswith(marked):
            log.note(f"{path.name} begins with the byte order mark of {marked}, and was read so")
        reader = codecs.getincrementaldecoder(marked or usual)()
        text = reader.decode(content).removeprefix("\ufeff")
        if "\0" in text[:_HEAD]:
            raise UnicodeError("it has null bytes, as UTF-16 has; set encoding to utf-16-le")
    except (LookupError, ValueError) as error:
        raise _no_csv(path, error, source) from None
    return text


def _parsed(text: str, settings: DahsSettings, path: Path, source: str) -> pa.Table:
    try:
        named = _names(text, str(settings.delimiter))
        return csv.read_csv(
            io.BytesIO(text.encode()),
            parse_options=csv.ParseOptions(delimiter=settings.delimiter),
            convert_options=csv.ConvertOptions(
                column_types=dict.fromkeys(named, pa.string()), strings_can_be_null=False
            ),
        )
    except (pa.ArrowException, ValueError) as error:
        raise _no_csv(path, error, source) from None


def _no_csv(path: Path, error: Exception, source: str) -> ProtocolError:
    return ProtocolError(
        f"{path.name} is no such CSV file: {' '.join(str(error).split())[:200]}",
        source=source,
        remedy="Check delimiter and encoding; none of the file is used.",
    )


def _names(text: str, delimiter: str) -> list[str]:
    """What is in the first line that is not empty, which is the header to Arrow too."""
    import csv as standard

    for line in io.StringIO(text.lstrip("\ufeff"), newline=None):
        if line != "\n":
            return next(standard.reader([line.rstrip("\n")], delimiter=delimiter))
    return []


def _single(column: pa.ChunkedArray) -> pa.Array:
    combined = column.combine_chunks()
    if isinstance(combined, pa.ChunkedArray):
        return combined.chunk(0) if combined.num_chunks else pa.array([], pa.string())
    return combined
