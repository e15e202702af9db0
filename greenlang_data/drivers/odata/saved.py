"""Pages as record batches that say where they belong, for a read that goes on after it was killed.

Pages that follow one another are a line: those of a whole read, or those of one of its parts. All
pages of a line have its name, and each says how many rows came before it and, where it was asked
for by the last key, after which.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import Any, NamedTuple

import pyarrow as pa

from greenlang_data.drivers.odata.edm import Property
from greenlang_data.drivers.odata.page import Page

PLAN = "plan"


class SavedPage(NamedTuple):
    """A page of an earlier read, and what was said about it."""

    page: Page
    about: dict[str, Any]

    @property
    def leads_on(self) -> bool:
        """Whether a page of a set is the last one, or has a link to the next."""
        return bool(self.about["ended"] or self.about["next"])


class Saved:
    """What an earlier read left, by the names of its lines."""

    def __init__(self, batches: Iterable[pa.RecordBatch]) -> None:
        self._lines: dict[str, list[pa.RecordBatch]] = defaultdict(list)
        for batch in batches:
            self._lines[_line_of(batch)].append(batch)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing."""
        return not self._lines

    def line(self, name: str, columns: Sequence[Property], keys: Sequence[str]) -> list[SavedPage]:
        """The pages of a line, as far as each begins where the one before ended.

        One without any rows before it begins the line anew.
        """
        pages: list[SavedPage] = []
        rows = 0
        for batch in self._lines[name]:
            try:
                found = SavedPage(*page_of(columns, batch))
                before, after = found.about["before"], found.about["after"]
                if not before:
                    pages, rows = [], 0
                fits = before == rows and (after is None or after == _end(columns, pages, keys))
                if after is not None and found.page.rows:
                    last_key(columns, found.page, keys)
            except (KeyError, ValueError):
                continue
            if fits:
                pages.append(found)
                rows += found.page.rows
        return pages

    def plan(self, name: str) -> Any:
        """The newest plan of a line, or None."""
        plans = [json.loads(one.schema.metadata[b"page"]) for one in self._lines[name]]
        return next((one[PLAN] for one in reversed(plans) if PLAN in one), None)


def line_name(*parts: Any) -> str:
    """A name for the line of pages that answers exactly this."""
    return sha256(repr(parts).encode()).hexdigest()[:32]


def saved_plan(name: str, plan: Any) -> pa.RecordBatch:
    """What is to be known of a line beside its pages."""
    told = json.dumps({"line": name, PLAN: plan})
    batch = pa.RecordBatch.from_arrays([pa.array([], pa.null())], names=[PLAN])
    return batch.replace_schema_metadata({"page": told})


def resumed_note(rows: int, *, in_order: bool = True) -> str:
    """What the provenance says of a read that went on."""
    which = f"the first {rows} records" if in_order else f"{rows} of the records"
    return f"{which} are those of an earlier read that did not end"


def last_key(columns: Sequence[Property], page: Page, keys: Sequence[str]) -> tuple[Any, ...]:
    """The key of a page's last row. Raises ValueError when it has none, or one that is empty."""
    names = [one.name for one in columns]
    found = []
    for key in keys:
        values = page.columns[names.index(key)]
        if values is None or not len(values):
            raise ValueError("a page has no key")
        found.append(values[-1].as_py())
    if None in found:
        raise ValueError("a key is empty")
    return tuple(found)


def _end(columns: Sequence[Property], pages: Sequence[SavedPage], keys: Sequence[str]) -> str:
    return repr(last_key(columns, pages[-1].page, keys)) if pages else ""


def saved_page(columns: Sequence[Property], page: Page, **about: Any) -> pa.RecordBatch:
    """A page with what there is to say ``about`` where it belongs, and the rows counted in all."""
    present = {
        column.name: values
        for column, values in zip(columns, page.columns, strict=True)
        if values is not None
    }
    batch = pa.RecordBatch.from_arrays(list(present.values()), names=list(present))
    return batch.replace_schema_metadata({"page": json.dumps(about)})


def page_of(columns: Sequence[Property], batch: pa.RecordBatch) -> tuple[Page, dict[str, Any]]:
    """The page that :func:`saved_page` made a batch of, and what was said about it.

    Raises ValueError for any other batch.
    """
    try:
        about = json.loads((batch.schema.metadata or {})[b"page"])
        counted = about["counted"]
    except (KeyError, TypeError):
        raise ValueError("a saved page does not say where it belongs") from None
    names = batch.schema.names
    values = [batch.column(one.name) if one.name in names else None for one in columns]
    return Page(batch.num_rows, values, None, counted), about


def _line_of(batch: pa.RecordBatch) -> str:
    """The name of the line of a page; nothing for what is none."""
    try:
        return str(json.loads((batch.schema.metadata or {})[b"page"]).get("line"))
    except (KeyError, TypeError, ValueError, AttributeError):
        return ""
