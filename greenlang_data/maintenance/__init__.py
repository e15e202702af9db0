"""Measures of maintenance over the work-order frame of ``Session.cmms``.

``downtime``, ``mean_time_between_failures`` and ``mean_time_to_repair`` per asset, ``backlog`` per
site. Each says its formula. An unknown status or downtime is counted as unknown and is in no number:
``OPEN_STATUS`` and ``DONE_STATUS`` are the known ones, ``UNVERIFIED`` what was not read again.
"""

from __future__ import annotations

from greenlang_data.maintenance.backlog import backlog
from greenlang_data.maintenance.downtime import downtime, mean_time_between_failures
from greenlang_data.maintenance.orders import DONE_STATUS, OPEN_STATUS, UNVERIFIED
from greenlang_data.maintenance.repair import mean_time_to_repair

__all__ = [
    "DONE_STATUS",
    "OPEN_STATUS",
    "UNVERIFIED",
    "backlog",
    "downtime",
    "mean_time_between_failures",
    "mean_time_to_repair",
]
