"""Which parts a question is asked in: ranges of the key, or the values of a long filter."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from greenlang_data.drivers.base import ReadLog
from greenlang_data.drivers.http.client import HttpClient
from greenlang_data.drivers.http.message import Ask
from greenlang_data.drivers.odata.keyset import key_columns
from greenlang_data.drivers.odata.page import page_decoder
from greenlang_data.drivers.odata.pager import Pager
from greenlang_data.drivers.odata.parts import Part, Parts
from greenlang_data.drivers.odata.question import Question
from greenlang_data.drivers.odata.ranges import ranges_after
from greenlang_data.settings.odata import ODataSettings


def may_split(question: Question, pager: Pager, settings: ODataSettings) -> bool:
    """Whether what is left after the first page may be read in ranges."""
    return (
        settings.parallel_ranges > 1
        and settings.checkpoint_path is None  # whose pages follow one another
        and len(pager.pages) == 1
        and not pager.ended
        and pager.by_key
        and pager.counted is not None
        and question.limit is None
    )


async def split(
    question: Question,
    pager: Pager,
    client: HttpClient,
    settings: ODataSettings,
    headers: Mapping[str, str],
    log: ReadLog,
    source: str,
) -> Parts | None:
    """The ranges of what is left after the first page, or None where they cannot be told.

    One request finds the last key. Raises what HTTP raises.
    """
    end = await _last_value(question, client, headers, log)
    if end is None or pager.counted is None:
        return None
    pages = math.ceil((pager.counted - pager.rows) / pager.rows)
    keys, version = key_columns(question.chosen.entities), question.chosen.version
    found = ranges_after(keys, pager.last_key, end, pages, settings.parallel_ranges, version)
    if not found:
        return None
    log.note(f"read in {len(found)} ranges of the key, {settings.parallel_ranges} at once")
    parts = []
    for one in found:
        asked = replace(question, within=one.condition)
        parts.append(Part(asked, Pager(asked, client, settings, log, source), one.low))
    return Parts(parts, settings.parallel_ranges, pager)


async def _last_value(
    question: Question, client: HttpClient, headers: Mapping[str, str], log: ReadLog
) -> Any:
    """The first column of the last key, or None where the server has no row or leaves it out."""
    keys = key_columns(question.chosen.entities)
    decode = page_decoder(keys, 2 if question.chosen.version == 2 else 4)
    answer = await client.ask(Ask(question.last_key_url(), headers=headers), log, decode)
    page = answer.data
    if page is None or not page.rows or page.columns[0] is None:
        return None
    return page.columns[0][0].as_py()
