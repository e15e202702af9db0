"""What is assigned to a source while it is connected counts from the next call, with true proof."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

import greenlang_data as gd
from tests.drivers.modbus.helpers import config as modbus_config
from tests.drivers.modbus.helpers import holding_word, register
from tests.drivers.opcua.helpers import config as opcua_config
from tests.peers.launch import OpcuaPeer, Peer
from tests.peers.proxy import FaultProxy


def test_a_tag_of_opc_ua_that_now_stands_for_another_node(opcua_second: OpcuaPeer) -> None:
    temperature, pressure = (opcua_second.node(f"Bulk.0000{number}") for number in (1, 2))
    entries = [{"tag": "A", "node_id": temperature}]
    with gd.Session(sources=opcua_config(opcua_second.endpoint, tags=entries)) as session:
        wanted = dict(session.scada([temperature, pressure])[["tag_id", "value"]].to_numpy())
        assert wanted[temperature] != wanted[pressure]
        assert session.scada(["A"])["value"].tolist() == [wanted[temperature]]
        session.sources["plant"].tags = [{"tag": "A", "node_id": pressure}]  # type: ignore[attr-defined]
        assert session.scada(["A"])["value"].tolist() == [wanted[pressure]]


def test_an_endpoint_that_is_now_another(modbus_factory: Callable[..., Peer]) -> None:
    first = modbus_factory()
    registers = [register("W", address=14_000)]
    with gd.Session(sources=modbus_config(first.port, registers, max_retries=0)) as session:
        source = session.sources["plant"]
        assert session.scada(["W"])["value"].tolist() == [holding_word(14_000)]
        second = modbus_factory()
        before = second.info["port"]
        source.endpoint = f"127.0.0.1:{before}"  # type: ignore[attr-defined]
        first.kill()
        frame = session.scada(["W"])
        assert frame.attrs["provenance"]["source_system"] == f"modbus 127.0.0.1:{before}"
        source.endpoint = "127.0.0.1:1"  # type: ignore[attr-defined]
        with pytest.raises(gd.SourceUnreachable):
            session.scada(["W"])


def test_a_variant_of_the_simulated_plant() -> None:
    with gd.Session(mock=True) as session:
        window = {"start": "2025-01-01", "end": "2025-01-02"}
        good = session.historian("ProcessTemp", interval=None, **window)
        session.sources["historian"].mock_variants = ("bad-quality",)
        worse = session.historian("ProcessTemp", interval=None, **window)
        assert good.attrs["provenance"]["bad_quality_count"] == 0
        assert worse.attrs["provenance"]["bad_quality_count"] > 0


def test_a_policy_keeps_the_connection() -> None:
    with gd.Session(mock=True) as session:
        session.scada("Temperature")
        connected = session.connector("scada").get_metrics().uptime_seconds
        session.sources["scada"].timeout_seconds = 60
        session.scada("Temperature")
        assert session.connector("scada").get_metrics().uptime_seconds > connected


def test_an_endpoint_set_during_a_read_is_not_named_as_its_origin(
    modbus_peer: Peer, proxy_factory: Callable[[int], FaultProxy]
) -> None:
    proxy = proxy_factory(modbus_peer.port)
    registers = [register("W", address=14_000)]
    with gd.Session(sources=modbus_config(proxy.port, registers, max_retries=0)) as session:
        session.scada(["W"])
        proxy.set_delay(down=1.0)
        with ThreadPoolExecutor(1) as pool:
            reading = pool.submit(session.scada, ["W"])
            time.sleep(0.3)
            session.sources["plant"].endpoint = "127.0.0.1:1"  # type: ignore[attr-defined]
            with pytest.raises(gd.SourceUnreachable, match="changed during the read"):
                reading.result(10)


def test_a_setting_changed_during_a_scan_ends_it() -> None:
    query = gd.HistorianQuery(
        tag_names=["ProcessTemp", "FlowRate"], interval=None,
        start_time="2024-01-01", end_time="2025-01-01",
    )  # fmt: skip
    with gd.Session(mock=True) as session:
        batches = iter(session.scan(query))
        next(batches)
        session.sources["historian"].mock_variants = ("bad-quality",)
        with pytest.raises(gd.SourceError, match="no one source"):
            list(batches)
