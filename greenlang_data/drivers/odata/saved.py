"""Pages as record batches that say where they belong, for a read that goes on after it was killed."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import pyarrow as pa

from greenlang_data.drivers.odata.edm import Property
from greenlang_data.drivers.odata.page import Page


def saved_pages(
    columns: Sequence[Property],
    pages: Sequence[Page],
    keys: Sequence[str],
    counted: int | None,
    first: int,
) -> list[pa.RecordBatch]:
    """The pages with rows from number ``first`` on; ``counted`` rows there were in all."""
    found = []
    for number in range(first, len(pages)):
        page = pages[number]
        if page.rows:
            before = pages[number - 1] if number else None
            about = {"counted": counted, "linked": page.next_link is not None}
            found.append(saved_page(columns, page, after=_end(columns, before, keys), **about))
    return found


def resumable(
    columns: Sequence[Property], saved: Iterable[pa.RecordBatch], keys: Sequence[str]
) -> list[Page]:
    """The pages of an earlier read, as far as each begins where the one before ended."""
    pages: list[Page] = []
    for batch in saved:
        try:
            page, about = page_of(columns, batch)
            if about["after"] != _end(columns, pages[-1] if pages else None, keys):
                break
            last_key(columns, page, keys)
            link = "" if about["linked"] else None
        except (KeyError, ValueError):
            break
        pages.append(replace(page, next_link=link))
    return pages


def linked_pages(
    columns: Sequence[Property], saved: Iterable[pa.RecordBatch]
) -> tuple[list[Page], int | None]:
    """The pages of an earlier read, as far as each is what the one before links to.

    ``next_link`` is the whole address of the next one. They were asked to have so many rows.
    """
    pages: list[Page] = []
    size = None
    for batch in saved:
        try:
            page, about = page_of(columns, batch)
            asked, link, rows = about["asked"], about["link"], about["size"]
        except (KeyError, ValueError):
            break
        if asked != (pages[-1].next_link if pages else "") or rows != (size or rows) or not link:
            break
        pages.append(replace(page, next_link=str(link)))
        size = int(rows)
    return pages, size


def resumed_note(rows: int) -> str:
    """What the provenance says of a read that went on."""
    return f"the first {rows} records are those of an earlier read that did not end"


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


def _end(columns: Sequence[Property], page: Page | None, keys: Sequence[str]) -> str:
    return repr(last_key(columns, page, keys)) if page is not None and page.rows else ""


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
