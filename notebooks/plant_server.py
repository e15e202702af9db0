"""A small OPC UA server to try the notebook against: two live tags with a day of history.

``python plant_server.py`` prints its endpoint on the first line and serves until its standard
input is closed. It runs on this machine only and without encryption.
"""

from __future__ import annotations

import asyncio
import sys
from datetime import UTC, datetime, timedelta

from asyncua import Server, ua
from asyncua.common.node import Node

START = datetime(2025, 1, 1, tzinfo=UTC)
MINUTES = 24 * 60


def steam_flow(minute: int) -> float:
    """Tonnes per hour: a load that rises from 40 to 52 in the day and falls again."""
    from_noon = abs(minute - MINUTES // 2)
    return round(52 - from_noon / 60, 2)


def gas_flow(minute: int) -> float:
    """Normal cubic metres per hour: 75 for each tonne of steam."""
    return round(steam_flow(minute) * 75, 1)


async def add_tag(server: Server, folder: Node, name: str, unit: str, value: float) -> Node:
    """A double with its engineering unit, under ``ns=2;s=<name>``."""
    node = await folder.add_variable(ua.NodeId(name, 2), ua.QualifiedName(name, 2), value)
    information = ua.EUInformation(DisplayName=ua.LocalizedText(unit))
    await node.add_property(
        ua.NodeId(f"{name}.unit", 2), ua.QualifiedName("EngineeringUnits", 0), information
    )
    await server.historize_node_data_change(node, period=None, count=10 * MINUTES)
    return node


async def serve() -> None:
    """Fill the history and serve until standard input ends."""
    server = Server()
    await server.init()
    server.set_endpoint("opc.tcp://127.0.0.1:0/boiler-house")
    server.set_security_policy([ua.SecurityPolicyType.NoSecurity])
    await server.register_namespace("urn:boiler-house")
    folder = await server.nodes.objects.add_folder(ua.NodeId("BoilerHouse", 2), "2:BoilerHouse")
    async with server:
        for name, unit, formula in (("SteamFlow", "t/h", steam_flow), ("GasFlow", "m3/h", gas_flow)):
            node = await add_tag(server, folder, name, unit, formula(MINUTES // 2))
            for minute in range(MINUTES):
                moment = START + timedelta(minutes=minute)
                sample = ua.DataValue(ua.Variant(formula(minute)), SourceTimestamp=moment)
                await server.iserver.history_manager.storage.save_node_value(node.nodeid, sample)
        port = server.bserver._server.sockets[0].getsockname()[1]
        print(f"opc.tcp://127.0.0.1:{port}/boiler-house", flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(serve())
