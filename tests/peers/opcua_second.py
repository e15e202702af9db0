"""The second OPC UA server, on asyncua, in a process of its own.

Few nodes, no security, no history.  Contents are in ``README.md``.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import socket
import sys
from datetime import UTC, datetime

from asyncua import Node, Server, ua
from asyncua.common.structures104 import new_enum, new_struct, new_struct_field

HOST = "127.0.0.1"
NAMESPACE_URI = "urn:greenlang:second"
FIXED_TIME = datetime(2025, 6, 15, 12, 34, 56, 789000, tzinfo=UTC)
TAG_COUNT = 50

TYPED = [
    ("Type.Boolean", True, ua.VariantType.Boolean),
    ("Type.Int32", -2147483648, ua.VariantType.Int32),
    ("Type.UInt64", 2**63 + 5, ua.VariantType.UInt64),
    ("Type.Double", 0.1, ua.VariantType.Double),
    ("Type.String", "Zähler größer ß 🌱", ua.VariantType.String),
]

STATUSES = [
    ("Status.Good", 20.5, ua.StatusCodes.Good),
    ("Status.Uncertain", 55.5, ua.StatusCodes.UncertainLastUsableValue),
    ("Status.Bad", None, ua.StatusCodes.BadSensorFailure),
]


def data_value(
    value: object, kind: ua.VariantType, status: int = ua.StatusCodes.Good
) -> ua.DataValue:
    """A value with the fixed source time."""
    variant = ua.Variant(value, kind) if value is not None else ua.Variant()
    return ua.DataValue(variant, ua.StatusCode(status), SourceTimestamp=FIXED_TIME)


async def add(parent: Node, namespace: int, name: str, initial: ua.DataValue) -> None:
    """Add one variable with a string id; the value is written as it is, status and all."""
    kind = initial.Value.VariantType if initial.Value else ua.VariantType.Null
    if kind is ua.VariantType.Null:
        kind = ua.VariantType.Double
    default = ua.Variant(ua.get_default_value(kind), kind)
    node = await parent.add_variable(
        ua.NodeId(name, namespace), ua.QualifiedName(name, namespace), default
    )
    await node.write_value(initial)


async def fill(server: Server, namespace: int) -> None:
    """Add all nodes."""
    parent = await server.nodes.objects.add_folder(namespace, "Peer")
    for index in range(TAG_COUNT):
        value = data_value(index * 0.5 + 0.25, ua.VariantType.Double)
        await add(parent, namespace, f"Bulk.{index:05d}", value)
    for name, typed, kind in TYPED:
        await add(parent, namespace, name, data_value(typed, kind))
    await add_structure(server, parent, namespace)
    for name, number, status in STATUSES:
        await add(parent, namespace, name, data_value(number, ua.VariantType.Double, status))


async def add_structure(server: Server, parent: Node, namespace: int) -> None:
    """A structure of our own with an enumeration, an array and a structure inside."""
    await new_enum(server, namespace, "Mode", ["Off", "Auto"])
    fields = [
        new_struct_field("X", ua.VariantType.Double),
        new_struct_field("Y", ua.VariantType.Double),
    ]
    point, _ = await new_struct(server, namespace, "Point", fields)
    recipe, _ = await new_struct(
        server,
        namespace,
        "Recipe",
        [
            new_struct_field("Name", ua.VariantType.String),
            new_struct_field("Batch", ua.VariantType.UInt64),
            new_struct_field("Steps", ua.VariantType.Int16, array=True),
            new_struct_field("Start", point),
            new_struct_field("Note", ua.VariantType.String, optional=True),
        ],
    )
    made = await server.load_data_type_definitions()
    value = made["Recipe"](
        Name="Süß", Batch=2**63 + 5, Steps=[1, -2, 3], Start=made["Point"](X=0.1, Y=-2.0), Note=None
    )
    variant = ua.Variant(value, ua.VariantType.ExtensionObject)
    node = await parent.add_variable(
        ua.NodeId("Recipe", namespace),
        ua.QualifiedName("Recipe", namespace),
        variant,
        datatype=recipe.nodeid,
    )
    await node.write_value(ua.DataValue(variant, SourceTimestamp=FIXED_TIME))


def free_port() -> int:
    """A port the kernel says is free; asyncua needs it in its endpoint address."""
    with socket.create_server((HOST, 0)) as probe:
        return int(probe.getsockname()[1])


async def serve(port: int) -> None:
    """Print the ready line and serve until stdin is closed."""
    server = Server()
    await server.init()
    endpoint = f"opc.tcp://{HOST}:{port}/second"
    server.set_endpoint(endpoint)
    server.set_security_policy([ua.SecurityPolicyType.NoSecurity])
    namespace = await server.register_namespace(NAMESPACE_URI)
    await fill(server, namespace)
    async with server:
        # In memory; its first sample is the value that is there.
        recipe = server.get_node(ua.NodeId("Recipe", namespace))
        await server.historize_node_data_change(recipe, period=None)
        while not await recipe.read_raw_history(numvalues=1):  # noqa: ASYNC110 - another library
            await asyncio.sleep(0.05)
        ready = {"endpoint": endpoint, "port": port, "namespace": namespace, "pid": os.getpid()}
        print(json.dumps({**ready, "namespaceUri": NAMESPACE_URI}), flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.buffer.read)


def main() -> None:
    """Run the server."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    asyncio.run(serve(parser.parse_args().port or free_port()))


if __name__ == "__main__":
    main()
