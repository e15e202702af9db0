"""What the contract suite is run on: each driver against each peer, behind a fault proxy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from greenlang_data import ERPConfig, SCADAConfig
from greenlang_data.settings.bacnet_object import BacnetObject
from greenlang_data.settings.point import Point
from greenlang_data.settings.register import Register
from greenlang_data.settings.tag import TagEntry
from tests.peers import dnp3_truth
from tests.peers.bacnet_truth import analog_value
from tests.peers.dnp3_truth import Kind
from tests.peers.historian_launch import HistorianPeer
from tests.peers.launch import OpcuaPeer, Peer
from tests.peers.launch_bacnet import BacnetPeer
from tests.peers.launch_modbus_tls import TlsPeer
from tests.peers.proxy import FaultProxy
from tests.peers.udp_proxy import UdpProxy

TAGS = [f"Tag{index:02d}" for index in range(50)]


@dataclass
class Subject:
    """A source to read, the truth about it, and the wire between."""

    config: SCADAConfig
    truth: dict[str, float]
    proxy: FaultProxy | UdpProxy
    peer: Peer | TlsPeer
    history: str | None

    @property
    def absent(self) -> str:
        """An endpoint like this one's, where there is nothing."""
        if self.on_a_line:
            return "/dev/no-such-host.invalid"
        return self.config.endpoint.replace("127.0.0.1", "no-such-host.invalid")

    @property
    def on_a_line(self) -> bool:
        """Whether it is a serial line: then nothing is refused or closed, there is only silence."""
        return self.config.endpoint.startswith("/dev/")

    @property
    def name(self) -> str:
        return self.config.connector_id


def opcua_subject(peer: OpcuaPeer, proxy: FaultProxy, history: str | None) -> Subject:
    """An OPC UA server whose node ``Bulk.<n>`` is ``n * 0.5 + 0.25``."""
    entries = [
        TagEntry(tag=tag, node_id=peer.node(f"Bulk.{index:05d}")) for index, tag in enumerate(TAGS)
    ]
    config = _config(
        "opcua",
        peer.endpoint.replace(f":{peer.port}/", f":{proxy.port}/"),
        security_mode="None",
        tags=tuple(entries),
        namespace_index=peer.namespace,
    )
    truth = {tag: index * 0.5 + 0.25 for index, tag in enumerate(TAGS)}
    return Subject(config, truth, proxy, peer, history and peer.node(history))


def modbus_subject(
    peer: Peer | TlsPeer, proxy: FaultProxy, endpoint: str = "", **keys: object
) -> Subject:
    """A Modbus device whose holding float at ``2 * n`` is ``n * 0.5 - 100``; TCP by default."""
    registers = [
        Register(tag=tag, table="holding", address=2 * index, type="float32", word_order="ABCD")
        for index, tag in enumerate(TAGS)
    ]
    endpoint = endpoint or f"127.0.0.1:{proxy.port}"
    config = _config("modbus", endpoint, registers=tuple(registers), **keys)
    truth = {tag: index * 0.5 - 100 for index, tag in enumerate(TAGS)}
    return Subject(config, truth, proxy, peer, None)


def bacnet_subject(peer: BacnetPeer, proxy: UdpProxy) -> Subject:
    """A BACnet/IP device whose analog input ``n`` is ``n * 0.5 - 20``."""
    objects = [
        BacnetObject(tag=tag, object_id=f"analog-input,{index}") for index, tag in enumerate(TAGS)
    ]
    config = _config(
        "bacnet", f"127.0.0.1:{proxy.port}", objects=tuple(objects), time_zone="Europe/Berlin"
    )
    truth = {tag: analog_value(index) for index, tag in enumerate(TAGS)}
    return Subject(config, truth, proxy, peer, None)


def dnp3_subject(peer: Peer, proxy: FaultProxy) -> Subject:
    """An outstation whose plain analogs start at 28; the ones before are special cases."""
    kind, first = Kind.ANALOG_INPUT, 28
    places = {tag: first + index for index, tag in enumerate(TAGS)}
    points = [Point(tag=tag, type="analog", index=place) for tag, place in places.items()]
    config = _config("dnp3", f"127.0.0.1:{proxy.port}", points=tuple(points))
    truth = {tag: float(dnp3_truth.number(kind, place)) for tag, place in places.items()}
    return Subject(config, truth, proxy, peer, None)


def _config(protocol: str, endpoint: str, **more: object) -> SCADAConfig:
    return SCADAConfig(
        connector_id=f"{protocol}-subject",
        connector_type="scada",
        protocol=protocol,
        endpoint=endpoint,
        timeout_seconds=2,
        max_retries=1,
        retry_min_wait=0.05,
        retry_max_wait=0.1,
        circuit_breaker_threshold=50,
        **more,
    )


@dataclass
class RecordSubject:
    """A business system to read, the number of its records, and the wire between."""

    config: ERPConfig
    entity: str
    key: str
    rows: int
    proxy: FaultProxy
    peer: HistorianPeer

    @property
    def name(self) -> str:
        return self.config.connector_id


def record_subject(
    name: str, entity: str, key: str, rows: int, peer: HistorianPeer, proxy: FaultProxy, **keys: Any
) -> RecordSubject:
    """``entity`` of a system behind a proxy, to which its own links lead too."""
    origin = f"http://127.0.0.1:{proxy.port}"
    config = ERPConfig(
        connector_id=name,
        connector_type="erp",
        base_url=origin,
        server_names=(peer.origin,),
        timeout_seconds=3,
        max_retries=1,
        retry_min_wait=0.05,
        retry_max_wait=0.1,
        circuit_breaker_threshold=50,
        **keys,
    )
    return RecordSubject(config, entity, key, rows, proxy, peer)


Build = Callable[[Callable[[int], FaultProxy]], Subject]
