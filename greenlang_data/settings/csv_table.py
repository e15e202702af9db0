"""CSV files with a row per tag: strict reading, with errors that name file, line and column."""

from __future__ import annotations

import csv
import io
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from greenlang_data.errors import ConfigurationError
from greenlang_data.nearest import nearest_or_all
from greenlang_data.settings.tag import Entry

_MOST_PROBLEMS: Final = 10


class WrongLineError(Exception):
    """What is wrong with a line, and what to write instead."""


def read_table(
    path: str | Path,
    model: type[BaseModel],
    make: Callable[[dict[str, str]], Entry],
    what: str,
    *,
    instead: Mapping[str, Collection[str]] | None = None,
) -> tuple[Entry, ...]:
    """The entries of a CSV file in its order; ``make`` turns a row's cells into one.

    The file is comma-separated UTF-8 with the names of ``model``'s fields in its first line.
    Blanks around a cell are trimmed, an empty cell means that the field is not given, empty lines
    are skipped. ``make`` raises WrongLineError for a row that it cannot take. Where a column of ``instead`` is
    there, those that it stands for need not be.

    Raises ConfigurationError that names up to ten wrong lines at once.
    """
    file = Path(path).expanduser()
    lines = _lines(_text(file, what), file, what)
    number, header = next(lines, (1, [""]))
    try:
        _check_header(header, model, instead or {})
    except WrongLineError as wrong:
        raise _error(file, [f"line {number}: {wrong}"], what) from None
    entries, problems = _entries(header, lines, make)
    if problems:
        raise _error(file, problems, what)
    if not entries:
        raise _error(file, ["there are no tags below the column names"], what)
    return entries


def required_columns(model: type[BaseModel]) -> tuple[str, ...]:
    """The columns that every row must fill."""
    return tuple(name for name, one in model.model_fields.items() if one.is_required())


def explain(error: ErrorDetails, row: dict[str, str]) -> str:
    """What a model's validation says about a row, with its column and cell."""
    message = error["msg"].removeprefix("Value error, ")
    if not error["loc"]:  # about the row as a whole, and it names the tag itself
        return message
    name = str(error["loc"][0])
    return f"column {name}: {row[name]!r}: {message[:1].lower()}{message[1:]}"


def _entries(
    header: Sequence[str],
    lines: Iterator[tuple[int, list[str]]],
    make: Callable[[dict[str, str]], Entry],
) -> tuple[tuple[Entry, ...], list[str]]:
    entries: list[Entry] = []
    line_of: dict[str, int] = {}
    problems: list[str] = []
    for number, cells in lines:
        try:
            entry = make(_row(header, cells))
            first = line_of.setdefault(entry.tag, number)
            if first != number:
                raise WrongLineError(f"tag {entry.tag!r} is on line {first} already")
            entries.append(entry)
        except WrongLineError as wrong:
            problems.append(f"line {number}: {wrong}")
    return tuple(entries), problems


def _row(header: Sequence[str], cells: Sequence[str]) -> dict[str, str]:
    if len(cells) != len(header):
        raise WrongLineError(
            f"{len(cells)} cells for {len(header)} columns; "
            "write a decimal point and no comma, and quote a name that holds a comma"
        )
    return {name: cell for name, cell in zip(header, cells, strict=True) if cell}


def _text(file: Path, what: str) -> str:
    try:
        content = file.read_bytes()
    except OSError as error:
        raise ConfigurationError(
            f"{file} cannot be read: {error.strerror}", remedy="Check the path."
        ) from error
    if content.startswith((BOM_UTF16_LE, BOM_UTF16_BE)):
        raise _error(file, ["it is UTF-16; save it as CSV UTF-8, comma-separated"], what)
    try:
        # A byte order mark of UTF-8, which spreadsheets write, says what the file is; it is no
        # part of the first column's name.
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        number = content.count(b"\n", 0, error.start) + 1
        problem = f"byte 0x{content[error.start]:02X} is not UTF-8; save the file as CSV UTF-8"
        raise _error(file, [f"line {number}: {problem}"], what) from None


def _lines(text: str, file: Path, what: str) -> Iterator[tuple[int, list[str]]]:
    """The number and the trimmed cells of every line that has any."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    number = 1
    try:
        for cells in reader:
            trimmed = [cell.strip() for cell in cells]
            if any(trimmed):
                yield number, trimmed
            number = reader.line_num + 1
    except csv.Error as error:
        raise _error(file, [f"line {reader.line_num}: {error}"], what) from None


def _check_header(
    header: Sequence[str], model: type[BaseModel], instead: Mapping[str, Collection[str]]
) -> None:
    for delimiter, name in ((";", "semicolons"), ("\t", "tabs"), ("|", "bars")):
        if delimiter in "".join(header):
            raise WrongLineError(f"cells are separated by {name}; save the file with commas")
    for name in header:
        if name not in model.model_fields:
            raise WrongLineError(
                f"there is no column {name!r}; {nearest_or_all(name, model.model_fields)}"
            )
        if header.count(name) > 1:
            raise WrongLineError(f"column {name} is there {header.count(name)} times")
    given = {*header, *(name for column in instead if column in header for name in instead[column])}
    missing = [name for name in required_columns(model) if name not in given]
    if missing:
        raise WrongLineError(f"these columns are missing: {', '.join(missing)}")


def _error(file: Path, problems: Sequence[str], what: str) -> ConfigurationError:
    shown = "; ".join(problems[:_MOST_PROBLEMS])
    more = len(problems) - _MOST_PROBLEMS
    rest = f"; and {more} more" if more > 0 else ""
    return ConfigurationError(f"{file}: {shown}{rest}", remedy=f"Correct the {what}.")
