"""Pages as record batches that say where they belong, for a read that goes on after it was killed."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pyarrow as pa

from greenlang_data.drivers.odata.edm import Property
from greenlang_data.drivers.odata.page import Page


def saved_page(
    columns: Sequence[Property], page: Page, after: str, counted: int | None
) -> pa.RecordBatch:
    """``page``, which begins after the key ``after``; ``counted`` rows there were in all."""
    present = {
        column.name: values
        for column, values in zip(columns, page.columns, strict=True)
        if values is not None
    }
    about = {"after": after, "counted": counted, "linked": page.next_link is not None}
    batch = pa.RecordBatch.from_arrays(list(present.values()), names=list(present))
    return batch.replace_schema_metadata({"page": json.dumps(about)})


def page_of(columns: Sequence[Property], batch: pa.RecordBatch) -> tuple[Page, str]:
    """The page and what it begins after. Raises ValueError for a batch that is no saved page."""
    try:
        about = json.loads((batch.schema.metadata or {})[b"page"])
        after, counted, linked = about["after"], about["counted"], about["linked"]
    except (KeyError, TypeError, ValueError):
        raise ValueError("a saved page does not say where it belongs") from None
    names = batch.schema.names
    values = [batch.column(one.name) if one.name in names else None for one in columns]
    return Page(batch.num_rows, values, "" if linked else None, counted), str(after)
