"""The ECMPS driver: reports from files, or from EPA's export."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path
from typing import ClassVar, Final
from zoneinfo import ZoneInfo

import pyarrow as pa

from greenlang_data.drivers.base import Driver, ReadLog, Request, Window
from greenlang_data.drivers.campd.api import PUBLIC, explain
from greenlang_data.drivers.ecmps.parameters import known, parameter_of
from greenlang_data.drivers.ecmps.report import Report, read_report
from greenlang_data.drivers.ecmps.streamed import streamed_report
from greenlang_data.drivers.ecmps.window import WindowOfReports
from greenlang_data.drivers.http.client import HttpClient
from greenlang_data.drivers.http.login import HeaderLogin, Login, NoLogin
from greenlang_data.drivers.http.message import Ask
from greenlang_data.drivers.http.worker import on_thread
from greenlang_data.drivers.paths import content_of, files_of
from greenlang_data.drivers.schema import TAGS
from greenlang_data.drivers.standard_time import CLOCK, local_days, quarters
from greenlang_data.errors import (
    ConfigurationError,
    ProtocolError,
    SourceUnreachable,
    UnsupportedError,
)
from greenlang_data.settings.ecmps import EcmpsSettings

_EXPORT: Final = "emissions-mgmt/emissions/export"

Quarter = tuple[int, int]
Wanted = dict[Quarter, tuple[date, date]]


class EcmpsDriver(Driver):
    """Reads the hours of a unit or stack; only GETs are sent, and files are only read."""

    name: ClassVar[str] = "ecmps"
    kinds: ClassVar[frozenset[str]] = frozenset()
    config: EcmpsSettings

    def __init__(self, config: EcmpsSettings) -> None:
        super().__init__(config)
        self._client: HttpClient | None = None
        self._opened = False

    @property
    def connected(self) -> bool:
        return self._opened

    async def connect(self) -> None:
        """Make the client where there are no files. Raises ConfigurationError."""
        config = self.config
        if not config.files and not config.monitor_plan_id and config.location is None:
            raise ConfigurationError(
                "EPA's streaming service is asked for one location",
                source=self.source,
                remedy="Set location, or give files or monitor_plan_id.",
            )
        if not config.files and self._client is None:
            login: Login = NoLogin()
            if config.api_key is not None:
                login = HeaderLogin(config.api_key, header="x-api-key")
            url = config.server_url or PUBLIC
            self._client = HttpClient(url, config, self.source, explain=explain, login=login)
        self._opened = True

    async def close(self) -> None:
        """Close idle connections; never raises."""
        client, self._client, self._opened = self._client, None, False
        if client is not None:
            await client.close()

    async def ping(self) -> None:
        """Look for the files, or ask for a time before there were reports."""
        if self._client is None:
            files_of(self.config.files, self.source)
            return
        if self._is_streamed:
            day = date(1994, 1, 1)
            location = str(self.config.location)
            await streamed_report(
                self._client, 3, location, (1994, 1), (day, day), ReadLog(), self.source
            )
            return
        params = self._params((1994, 1))
        refused = frozenset({400, 404})
        await self._client.ask(Ask(_EXPORT, params, expected=refused), ReadLog(), read_report)

    async def read(self, request: Request, log: ReadLog) -> AsyncIterator[pa.RecordBatch]:
        """A Window. A quarter of it without a report is a failure of every series.

        Raises UnsupportedError for anything else, and ProtocolError for what is no whole report.
        """
        if not isinstance(request, Window):
            raise UnsupportedError(
                "a report has hours of the past, and no current values",
                source=self.source,
                remedy="Give a start and an end.",
            )
        if not self._opened:
            raise SourceUnreachable(
                "the connection is closed", source=self.source, remedy="Connect first."
            )
        zone = ZoneInfo(str(self.config.time_zone))
        spans = quarters(*local_days(request.start, request.end, zone))
        wanted = {(begin.year, (begin.month + 2) // 3): (begin, end) for begin, end in spans}
        reports = await self._reports(wanted, log)
        log.note(CLOCK)
        window = WindowOfReports(self.config, zone, self.source, derived_only=self._is_streamed)
        missing = [one for one in wanted if one not in reports]
        for batch in window.series(request, list(reports.values()), missing, log):
            yield batch

    @property
    def _is_streamed(self) -> bool:
        return not self.config.files and self.config.monitor_plan_id is None

    async def list_tags(self, log: ReadLog) -> AsyncIterator[pa.RecordBatch]:
        """What a report may have; nothing is read for it."""
        rows = [
            {"tag_id": tag, "tag_name": tag, "unit": one.unit}
            for tag in known()
            if (one := parameter_of(tag, self.config.parameter_units)) is not None
        ]
        yield pa.RecordBatch.from_pylist(rows, TAGS)

    async def _reports(self, wanted: Wanted, log: ReadLog) -> dict[Quarter, Report]:
        client, config = self._client, self.config
        if client is None:
            return await on_thread(lambda _: self._from_files(wanted, log))
        if self._is_streamed:
            facility, location = int(config.facility_id or 0), str(config.location)
            return {
                quarter: await streamed_report(
                    client, facility, location, quarter, days, log, self.source
                )
                for quarter, days in wanted.items()
            }
        found = {}
        for quarter in wanted:
            ask = Ask(_EXPORT, self._params(quarter))
            report = (await client.ask(ask, log, read_report)).data
            if report is None or (report.year, report.quarter) != quarter:
                raise ProtocolError(
                    "it answered with another quarter than was asked for", source=self.source
                )
            self._check_plant(report, "its answer")
            found[quarter] = report
        return found

    def _check_plant(self, report: Report, where: str) -> None:
        """Units have the same names at many plants."""
        facility = self.config.facility_id
        if facility is not None and report.oris_code != facility:
            raise ProtocolError(
                f"{where} is of facility {report.oris_code}, and not of {facility}",
                source=self.source,
                remedy="Correct facility_id, or leave that report out.",
            )

    def _params(self, quarter: Quarter) -> list[tuple[str, str]]:
        return [
            ("monitorPlanId", str(self.config.monitor_plan_id)),
            ("year", str(quarter[0])),
            ("quarter", str(quarter[1])),
        ]

    def _from_files(self, wanted: Wanted, log: ReadLog) -> dict[Quarter, Report]:
        found: dict[Quarter, tuple[Path, Report]] = {}
        for path in files_of(self.config.files, self.source):
            report = self._file(path)
            quarter = (report.year, report.quarter)
            if quarter not in wanted:
                continue
            self._check_plant(report, path.name)
            if quarter in found:
                raise ProtocolError(
                    f"{found[quarter][0].name} and {path.name} are both of {report.name}",
                    source=self.source,
                    remedy="Leave out the one that was replaced.",
                )
            found[quarter] = (path, report)
            log.note(f"{report.name} is from {path.name}")
        return {quarter: report for quarter, (_, report) in found.items()}

    def _file(self, path: Path) -> Report:
        try:
            return read_report(content_of(path, self.source))
        except ValueError as error:
            raise ProtocolError(
                f"{path.name} is no whole emissions report ({str(error)[:200]})",
                source=self.source,
                remedy="Restore it; none of it is used.",
            ) from None
