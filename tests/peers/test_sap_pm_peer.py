"""SAP CAP serves the maintained plant under the names of SAP's maintenance services."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
import requests

from . import maintained_plant as plant
from . import sap_pm_rows
from .launch_erp import CapPeer, start_cap
from .maintained_plant import State

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
ORDERS = 600


@pytest.fixture(scope="module")
def sap() -> Iterator[CapPeer]:
    with start_cap(items=100, orders=ORDERS, page=250) as peer:
        yield peer


def read(url: str, status: int = 200, /, **options: str) -> Any:
    query = "&".join(f"${name}={quote(text)}" for name, text in options.items())
    answer = requests.get(f"{url}?{query}", timeout=30)
    assert answer.status_code == status, answer.text[:300]
    return answer.json()


def walk(url: str, **options: str) -> list[dict[str, Any]]:
    body = read(url, **options)["d"]
    rows: list[dict[str, Any]] = body["results"]
    while link := urlsplit(body.get("__next", "")).query:
        body = requests.get(f"{url}?{link}", timeout=30).json()["d"]
        rows += body["results"]
    return rows


def moment(text: str) -> datetime:
    return EPOCH + timedelta(milliseconds=int(text[6:-2].removesuffix("+0000")))


def test_orders_have_many_statuses_at_once(sap: CapPeer) -> None:
    rows = walk(f"{sap.v2('API_MAINTENANCEORDER')}/MaintenanceOrder", orderby="MaintenanceOrder")
    assert [row["MaintenanceOrder"] for row in rows] == [str(4_000_000 + i) for i in range(ORDERS)]
    for row, order in zip(rows, map(plant.work_order, range(ORDERS)), strict=True):
        assert row["SystemStatusText"] == sap_pm_rows.status_text(order)
        assert moment(row["LastChangeDateTime"]) == order.changed
        planned = row["MaintOrdBasicStartDateTime"]
        assert (moment(planned) if planned else None) == order.scheduled_start
    texts = {row["SystemStatusText"] for row in rows}
    assert any(text.startswith("TABG RÜCK GMPS") for text in texts)
    assert any(text.startswith("REL  PCNF GMPS") for text in texts)
    assert max(map(len, texts)) == 40 - 1
    assert {"TECO CNF  GMPS JBFI MANC PRC  SETC TTJL", "ZQUA MANC"} <= texts


def test_dates_are_those_of_the_plants_clock(sap: CapPeer) -> None:
    url = f"{sap.v2('API_MAINTENANCEORDER')}/MaintenanceOrder"
    index = next(
        i
        for i in range(ORDERS)
        if (o := plant.work_order(i)).site.name == "BEDFORD"
        and o.scheduled_start
        and o.scheduled_start.hour < 4
    )
    row = walk(url, filter=f"MaintenanceOrder eq '{4_000_000 + index}'")[0]
    utc = plant.work_order(index).scheduled_start
    assert utc
    assert moment(row["MaintOrdBasicStartDate"]).date() == utc.date() - timedelta(days=1)
    assert row["MaintOrdBasicStartTime"].startswith("PT")


@pytest.mark.parametrize("option", ["filter", "orderby"])
def test_the_line_of_statuses_cannot_be_searched(sap: CapPeer, option: str) -> None:
    text = {"filter": "substringof('TECO',SystemStatusText)", "orderby": "SystemStatusText"}[option]
    url = f"{sap.v2('API_MAINTENANCEORDER')}/MaintenanceOrder"
    error = read(url, 400, **{option: text})["error"]
    assert "SystemStatusText" in error["message"]["value"]
    answer = requests.get(f"{sap.v2('API_MAINTENANCEORDER')}/$metadata", timeout=30)
    line = next(part for part in answer.text.splitlines() if "SystemStatusText" in part)
    assert 'sap:filterable="false"' in line


def test_the_downtime_is_in_seconds_though_the_unit_is_hours(sap: CapPeer) -> None:
    url = f"{sap.v2('API_MAINTNOTIFICATION')}/MaintenanceNotification"
    rows = walk(url, filter="NotifProcessingPhase eq '4'", orderby="MaintenanceNotification")
    told = [n for n in map(plant.notification, range(600)) if n.state == "completed"]
    assert [row["MaintenanceNotification"] for row in rows] == [n.number for n in told]
    for row, found in zip(rows, told, strict=True):
        assert found.malfunction_end
        span = found.malfunction_end - found.malfunction_start
        assert float(row["MaintObjectDowntimeDuration"]) == span.total_seconds()
        assert row["MaintObjDowntimeDurationUnit"] == "H"


def test_equipment_has_a_row_for_each_period(sap: CapPeer) -> None:
    url = f"{sap.v2('API_EQUIPMENT')}/Equipment"
    rows = walk(url, filter="Equipment eq '10000005'", orderby="ValidityEndDate")
    assert len(rows) == sap_pm_rows.PERIODS
    assert rows[-1]["ValidityEndDate"] == "/Date(253402214400000)/"


def test_labels_are_without_the_zeros_of_the_numbers(sap: CapPeer) -> None:
    url = f"{sap.v4('API_MAINTENANCEORDER')}/MaintenanceOrder"
    row = read(url, top="1", filter="TechObjIsEquipOrFuncnlLoc eq 'EAMS_EQUI'")["value"][0]
    assert row["TechnicalObject"] == row["TechnicalObjectLabel"].zfill(18)


def test_hours_are_on_the_operations(sap: CapPeer) -> None:
    index = next(i for i in range(ORDERS) if plant.work_order(i).state is State.COMPLETED)
    url = f"{sap.v2('API_MAINTENANCEORDER')}/MaintenanceOrder"
    row = walk(url, filter=f"MaintenanceOrder eq '{4_000_000 + index}'",
               expand="to_MaintenanceOrderOperation")[0]  # fmt: skip
    parts = row["to_MaintenanceOrderOperation"]["results"]
    total = sum(
        Decimal(part["ActualWorkQuantity"])
        / (60 if part["MaintOrdOpWorkDurationUnit"] == "MIN" else 1)
        for part in parts
    )
    assert total == plant.work_order(index).labor_hours


def test_plans_and_measurements_answer(sap: CapPeer) -> None:
    for service, name, count in (
        ("API_MAINTENANCEPLAN", "MaintenancePlan", plant.PLANS),
        ("API_MAINTENANCEPLAN", "MaintenancePlanSchedule", 2 * plant.PLANS),
        ("API_FUNCTIONALLOCATION", "FunctionalLocation", plant.LOCATIONS),
    ):
        answer = requests.get(f"{sap.v2(service)}/{name}/$count", timeout=30)
        assert answer.text == str(count), name
    for service, name, count in (
        ("measuringpoint", "MeasuringPoint", plant.METERS_THERE),
        ("measurementdocument", "MeasurementDocument", sap_pm_rows.DOCUMENTS),
    ):
        url = f"{sap.v4(f'api_{service}/srvd_a2x/sap/{service}/0001')}/{name}/$count"
        assert requests.get(url, timeout=30).text == str(count), name


def test_instants_may_come_without_an_offset() -> None:
    with start_cap(items=100, orders=ORDERS, bare_dates=True) as peer:
        url = f"{peer.v2('API_MAINTENANCEORDER')}/MaintenanceOrder"
        row = read(url, top="1")["d"]["results"][0]
    assert row["LastChangeDateTime"].endswith(")/")
    assert "+" not in row["LastChangeDateTime"]
