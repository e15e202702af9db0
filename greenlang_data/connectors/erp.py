"""ERP: business records such as materials, purchases and bills."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any, Literal, Self
from urllib.parse import urlsplit

import pyarrow as pa
from pydantic import BaseModel, Field, field_validator, model_validator

from greenlang_data.connectors.driven import DrivenConnector
from greenlang_data.connectors.entities import CANONICAL, SYSTEMS, places_of
from greenlang_data.connectors.entities.columns import with_identifiers
from greenlang_data.connectors.listing import EntitiesQuery, FieldsQuery, ListingPayload
from greenlang_data.connectors.payload import ReadPayload, Rows, rows_of
from greenlang_data.connectors.plain import plain_values
from greenlang_data.connectors.query import DatedQuery, Moment
from greenlang_data.connectors.result import ReadResult
from greenlang_data.connectors.utility_bills import (
    VIEW,
    no_rules,
    view_places,
    view_request,
    with_commodity,
    with_commodity_field,
)
from greenlang_data.drivers.base import Driver, ReadLog, Records, Request
from greenlang_data.drivers.places import Place
from greenlang_data.drivers.schema import RECORD_ID
from greenlang_data.provenance.record import ConnectorProvenance
from greenlang_data.settings.entity import EntityPlace
from greenlang_data.settings.netsuite import NetSuiteSettings
from greenlang_data.settings.odata import ODataProfile, ODataSettings
from greenlang_data.settings.oracle import OracleSettings
from greenlang_data.settings.utility_bill import UtilityBills


class ERPConfig(ODataSettings, OracleSettings, NetSuiteSettings):
    """Where an ERP system is and how to log in; see the bases of this class for more keys.

    ``base_url`` is ``https://host``. ``company_code`` and ``plant_codes`` filter every entity that
    has such a column, where a query does not do so itself. ``entities`` says where entities are that the system keeps
    elsewhere than usual: ``[sources.sap.entities.material]`` with ``service``, ``name``,
    ``columns`` and ``date``. ``utility_bills`` has the rules of that view. ``dynamics_app`` is told by the address unless given.
    """

    erp_system: Literal["sap", "oracle", "dynamics", "netsuite"] | None = None
    base_url: str = ""
    company_code: str | None = None
    plant_codes: list[str] = Field(default_factory=list)
    entities: dict[str, EntityPlace] = Field(default_factory=dict)
    utility_bills: UtilityBills | None = None
    dynamics_app: Literal["finance", "dataverse"] | None = None

    @model_validator(mode="after")
    def _reachable(self) -> Self:
        if not self.mock_mode and not (self.erp_system and self.base_url):
            raise ValueError("erp_system and base_url are needed unless mock_mode is on")
        conditioned = [name for name, one in self.entities.items() if one.where]
        if conditioned and self.erp_system == "oracle":
            raise ValueError(f"where does nothing for {conditioned[0]} in oracle; filter the call")
        self._refuse_path()
        return self

    def _refuse_path(self) -> None:
        """The address of a service in place of the system's would find nothing, without a reason."""
        added: dict[str | None, tuple[str, ...]] = {
            "sap": (self.v2_path, self.v4_path),
            "oracle": (self.oracle_path,),
            "netsuite": ("/services/rest",),
            "dynamics": ("/data" if self.odata_profile == "finance" else "/api/data/v9.2",),
        }
        path = urlsplit(self.base_url).path.rstrip("/")
        for known in filter(None, (one.rstrip("/") for one in added.get(self.erp_system, ()))):
            if path.endswith(known):
                raise ValueError(f"base_url is the address without {known}, which is added to it")

    @property
    def driver_name(self) -> str:
        if self.mock_mode:
            return "mock"
        return "odata" if self.erp_system in ("sap", "dynamics") else str(self.erp_system)

    @property
    def source_system(self) -> str:
        return "mock plant" if self.mock_mode else f"{self.erp_system} {self.base_url}"

    @property
    def odata_address(self) -> str:
        return self.base_url

    @property
    def netsuite_address(self) -> str:
        return self.base_url

    @property
    def oracle_address(self) -> str:
        return self.base_url

    @property
    def odata_profile(self) -> ODataProfile:
        if self.erp_system != "dynamics":
            return "sap"
        if self.dynamics_app is not None:
            return self.dynamics_app
        host = urlsplit(self.base_url).hostname or ""
        return "dataverse" if re.search(r"\.crm\d*\.dynamics\.com$", host) else "finance"

    @property
    def record_defaults(self) -> dict[str, Any]:
        """The company and the plants that this source is for, where any are configured."""
        found: dict[str, Any] = {}
        if self.company_code is not None:
            # Finance and operations tells it in small letters, and by this name of its own.
            lower = self.company_code.lower()
            is_finance = self.driver_name == "odata" and self.odata_profile == "finance"
            found["company_code"] = lower if is_finance else self.company_code
            found |= {"dataAreaId": lower} if is_finance else {}
        if self.plant_codes:
            found["plant_code"] = list(self.plant_codes)
        return found

    @property
    def places(self) -> dict[str, tuple[Place, ...]]:
        """Where each entity may be, the configured places before the usual ones."""
        system = self.odata_profile if self.driver_name == "odata" else str(self.erp_system)
        found = dict(SYSTEMS.get(system, {}))
        for name, own in self.entities.items():
            place = Place(
                own.service,
                own.name,
                own.columns,
                own.date,
                own.key,
                types=own.types,
                where=own.where,
            )
            found[name] = (place, *found.get(name, ()))
        if self.utility_bills is not None:
            found[VIEW] = view_places(self.utility_bills, found)
        return {name: tuple(map(with_identifiers, places)) for name, places in found.items()}


class ERPQuery(DatedQuery):
    """Records of ``entity_type``.

    ``filters`` maps a column to the value it equals, or to a list of values of which it equals
    one. ``since`` asks for what has changed: a time, the mark that an earlier answer left in its
    provenance, or ``start`` for a whole answer that leaves one; then ``limit`` does not hold.
    ``fields`` selects columns (none: all). ``start_date`` and ``end_date`` bound the
    entity's own date. At most ``limit`` records (None: all); the answer says when there are more.
    """

    entity_type: str = Field(min_length=1)
    filters: dict[str, Any] = Field(default_factory=dict)
    fields: list[str] = Field(default_factory=list)
    start_date: Moment | None = None
    end_date: Moment | None = None
    limit: int | None = Field(1000, ge=1)
    since: str | None = None

    @field_validator("filters")
    @classmethod
    def _plain(cls, filters: dict[str, Any]) -> dict[str, Any]:
        return {name: plain_values(name, wanted) for name, wanted in filters.items()}


class ERPRecord(BaseModel):
    """One record; ``data`` has all its columns with exact Python values.

    ``record_id`` is None when the query's ``fields`` left the record's own number out.
    """

    record_id: str | None
    entity_type: str
    data: dict[str, Any]
    created_at: datetime | None = None
    updated_at: datetime | None = None


class ERPPayload(ReadPayload):
    """The answer to an :class:`ERPQuery`; ``records`` is lazy over its Arrow table."""

    records: Rows[ERPRecord]
    total_records: int
    entity_type: str
    query_time: datetime


class ERPConnector(DrivenConnector[ERPQuery, ERPPayload, ERPConfig]):
    """Reads an ERP system."""

    connector_id = "erp-connector"
    connector_version = "1.0.0"

    def request(self, query: ERPQuery) -> Request:
        places = self.config.places
        asked = Records(
            entity=query.entity_type,
            filters=query.filters,
            fields=tuple(query.fields),
            start=query.start_date,
            end=query.end_date,
            # One more than asked for, to learn whether there are more.
            limit=None if query.limit is None or query.since else query.limit + 1,
            since=query.since,
            places=places_of(query.entity_type, places),
            defaults=self.config.record_defaults,
            known=_known(places),
        )
        # The simulated plant has bills of its own.
        if query.entity_type != VIEW or (self.config.mock_mode and not self.config.utility_bills):
            return asked
        return view_request(self.config.utility_bills, asked, self.config.connector_id)

    async def list_entities(
        self,
        timeout: float | None = None,  # noqa: ASYNC109  (it covers retries and waits too)
    ) -> tuple[ListingPayload, ConnectorProvenance]:
        """All entities that can be read, with proof. Raises what ``fetch_data`` raises."""
        places = self.config.places
        return await self.listed(
            EntitiesQuery(),
            lambda driver, log: driver.list_entities(places, log),
            partial(ListingPayload.of, "entities"),
            timeout,
        )

    async def list_fields(
        self,
        entity: str,
        timeout: float | None = None,  # noqa: ASYNC109  (it covers retries and waits too)
    ) -> tuple[ListingPayload, ConnectorProvenance]:
        """All columns of ``entity``, with proof. Raises what ``fetch_data`` raises."""
        places, bills = self.config.places, self.config.utility_bills
        view = bills if entity == VIEW else None
        if entity == VIEW and bills is None and not self.config.mock_mode:
            raise no_rules(self.config.connector_id)
        request = Records(entity, places=places_of(entity, places), known=_known(places))
        if view is not None:
            request = view_request(view, request, self.config.connector_id)

        async def fields(driver: Driver, log: ReadLog) -> AsyncIterator[pa.RecordBatch]:
            async for batch in driver.list_fields(request, log):
                yield batch if view is None else with_commodity_field(batch, view)

        return await self.listed(
            FieldsQuery(entity=entity), fields, partial(ListingPayload.of, "fields"), timeout
        )

    def payload(self, query: ERPQuery, result: ReadResult) -> ERPPayload:
        if query.limit is not None and query.since is None:
            result.keep_first(query.limit)
        bills = self.config.utility_bills
        if query.entity_type == VIEW and bills is not None:
            result.batches = with_commodity(bills, result.batches, self.config.connector_id)
        table, entity = result.table, query.entity_type
        key = _record_id(query, table)
        return ERPPayload(
            records=rows_of(table, lambda row: _record(entity, key, row)),
            total_records=table.num_rows,
            entity_type=entity,
            query_time=datetime.now(UTC),
        )


def _known(places: Mapping[str, tuple[Place, ...]]) -> tuple[str, ...]:
    """The entities to name the nearest of: also those that only another system has a place for."""
    return tuple(dict.fromkeys([*places, *CANONICAL]))


def _record_id(query: ERPQuery, table: pa.Table) -> str | None:
    """The column with the record's own number: as the driver says, else the first of all."""
    named = (table.schema.metadata or {}).get(RECORD_ID)
    if named is not None:
        return str(named.decode())
    return None if query.fields else str(table.schema.names[0])


def _record(entity: str, key: str | None, row: dict[str, Any]) -> ERPRecord:
    number = row.get(key) if key is not None else None
    return ERPRecord(
        record_id=None if number is None else str(number),
        entity_type=entity,
        data=row,
        created_at=row.get("created_at"),
        updated_at=row.get("changed_at"),
    )
