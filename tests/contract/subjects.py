"""What the contract suite is run on: each driver against each peer, behind a fault proxy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

import greenlang_data as gd
from greenlang_data import ERPConfig, HistorianConfig, SCADAConfig
from greenlang_data.settings.bacnet_object import BacnetObject
from greenlang_data.settings.point import Point
from greenlang_data.settings.register import Register
from greenlang_data.settings.tag import TagEntry
from tests.peers import dnp3_truth
from tests.peers.bacnet_truth import analog_value
from tests.peers.dnp3_truth import Kind
from tests.peers.historian_launch import HistorianPeer
from tests.peers.historian_tags import catalogue
from tests.peers.launch import OpcuaPeer, Peer
from tests.peers.launch_bacnet import BacnetPeer
from tests.peers.launch_modbus_tls import TlsPeer
from tests.peers.proxy import FaultProxy
from tests.peers.udp_proxy import UdpProxy

TAGS = [f"Tag{index:02d}" for index in range(50)]


@dataclass
class Subject:
    """A source to read, the truth about it, and the wire between."""

    config: SCADAConfig | HistorianConfig
    truth: dict[str, float]
    proxy: FaultProxy | UdpProxy
    peer: Peer | TlsPeer
    history: str | None
    tags: list[str] = field(default_factory=lambda: TAGS)

    def read(self, session: gd.Session, tags: list[str], **options: Any) -> pd.DataFrame:
        """Current values of ``tags``, or with ``start`` their history."""
        if isinstance(self.config, SCADAConfig):
            return session.scada(tags, **options)
        if "start" in options:
            return session.historian(tags, **options)
        return session.snapshot(tags, **options)

    @property
    def protocol(self) -> str:
        """What is spoken."""
        return self.config.driver_name

    @property
    def absent(self) -> SCADAConfig | HistorianConfig:
        """A config like this one, of an address where there is nothing."""
        config, key = self.config, "endpoint"
        if isinstance(config, HistorianConfig):
            key = "server_url"
        address = str(getattr(config, key)).replace("127.0.0.1", "no-such-host.invalid")
        if self.on_a_line:
            address = "/dev/no-such-host.invalid"
        # The login of a historian would go there in clear text.
        more = {"allow_clear_text_credentials": True} if key == "server_url" else {}
        return config.model_copy(update={key: address, **more})

    @property
    def on_a_line(self) -> bool:
        """Whether it is a serial line: then nothing is refused or closed, there is only silence."""
        return isinstance(self.config, SCADAConfig) and self.config.endpoint.startswith("/dev/")

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


def historian_subject(historian: str, peer: Peer, proxy: FaultProxy, **keys: object) -> Subject:
    """A historian whose tag ``Bulk.<n>`` ended at its last minute of January."""
    config = HistorianConfig(
        connector_id=f"{historian}-subject",
        connector_type="historian",
        server_url=f"http://127.0.0.1:{proxy.port}{peer.info.get('path', '')}",
        **_IMPATIENT,
        **{"historian_type": historian, **keys},
    )
    tags = [f"Bulk.{index:05d}" for index in range(50)]
    truth = {tag: float(catalogue()[tag].slot(44_639)[0].value) for tag in tags}
    return Subject(config, truth, proxy, peer, "Million", tags)


def _config(protocol: str, endpoint: str, **more: object) -> SCADAConfig:
    return SCADAConfig(
        connector_id=f"{protocol}-subject",
        connector_type="scada",
        protocol=protocol,
        endpoint=endpoint,
        **_IMPATIENT,
        **more,
    )


_IMPATIENT: dict[str, Any] = {
    "timeout_seconds": 2,
    "max_retries": 1,
    "retry_min_wait": 0.05,
    "retry_max_wait": 0.1,
    "circuit_breaker_threshold": 50,
}


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
