"""``session.cmms``: what a maintenance system knows, as frames."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from greenlang_data.calls.base import Calls
from greenlang_data.connectors.base import Errors
from greenlang_data.connectors.cmms import CMMSQuery, MaintenanceRecord
from greenlang_data.connectors.query import build_query
from greenlang_data.errors import QueryError

if TYPE_CHECKING:
    import pandas as pd


class CmmsCalls(Calls):
    """The calls of a session that read a maintenance system."""

    def cmms(
        self,
        query_type: CMMSQuery | MaintenanceRecord = "work_order",
        asset_ids: str | Sequence[str] | None = None,
        start: Any = None,
        end: Any = None,
        status: str | None = None,
        *,
        site: str | None = None,
        date_field: str | None = None,
        source: str | None = None,
        timeout: float | None = None,
        errors: Errors = "raise",
    ) -> pd.DataFrame:
        """Work orders, assets, plans, notifications, meters or failure codes, one row each.

        The canonical columns come first and are the same for every system: text; exact decimals
        (hours, money in the system's currency); UTC instants, where a column ``..._is_date``
        marks those that are calendar dates. The system's own columns follow.

        ``status`` is the canonical one (``"completed"`` asks for finished work, closed or not);
        ``start`` and ``end`` bound ``date_field``, whose usual value :class:`CMMSQuery` tells.
        Records are one of a ``site``: the same number at two sites is two assets.
        """
        if asset_ids is not None and len(asset_ids) == 0:
            # It may have come out of a selection, and all there is would be the wrong answer.
            raise QueryError(
                "asset_ids is empty, so nothing could fit",
                remedy="Name assets, or leave asset_ids out for those of all.",
            )
        query = build_query(
            CMMSQuery,
            query_type,
            "query_type",
            asset_ids=[asset_ids] if isinstance(asset_ids, str) else asset_ids,
            site=site,
            start_date=start,
            end_date=end,
            date_field=date_field,
            status=status,
        )
        return self._read("cmms", query, source, timeout, errors, None)
