"""Configurations of the analysers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import greenlang_data as gd
from tests.peers.launch_analyser import ModbusAnalyser, OpcuaAnalyser

REGISTERS: list[dict[str, Any]] = [
    {"tag": "SO2.reading", "table": "input", "address": 34, "unit": "[ppb]"},
    {"tag": "O2.reading", "table": "input", "address": 100, "unit": "%"},
    {"tag": "CO2.reading", "table": "input", "address": 200, "unit": "%"},
    {"tag": "Flow.reading", "table": "input", "address": 300, "unit": "m3/h"},
    {"tag": "invalid", "table": "discrete", "address": 15, "type": "bool"},
    {"tag": "zero", "table": "discrete", "address": 16, "type": "bool"},
    {"tag": "span", "table": "discrete", "address": 17, "type": "bool"},
    {"tag": "ok", "table": "discrete", "address": 19, "type": "bool"},
    {"tag": "switch", "table": "holding", "address": 0, "type": "uint16"},
]
MEASURANDS: list[dict[str, Any]] = [
    {"tag": "SO2", "read_from": "SO2.reading", "moisture": "dry", "reference_oxygen": 6.0},
    {"tag": "O2", "read_from": "O2.reading", "moisture": "dry"},
    {"tag": "CO2", "read_from": "CO2.reading", "moisture": "dry"},
    {"tag": "flow_rate", "read_from": "Flow.reading", "moisture": "wet", "without_signals": True},
]
GAS = ["SO2", "O2", "CO2"]
SIGNALS: list[dict[str, Any]] = [
    {"tag": "invalid", "means": "fault", "measurands": GAS},
    {"tag": "zero", "means": "calibration", "measurands": GAS},
    {"tag": "span", "means": "calibration", "measurands": GAS},
    {"tag": "ok", "means": "fault", "when": False, "measurands": GAS},
    {"tag": "switch", "means": "maintenance", "when": 1, "measurands": GAS},
]


def registers() -> list[dict[str, Any]]:
    """The register map, with the type and order of floats."""
    floats = {"type": "float32", "word_order": "ABCD"}
    return [one if "type" in one else {**one, **floats} for one in REGISTERS]


def modbus_config(peer: ModbusAnalyser, port: int | None = None, **more: Any) -> gd.CEMSConfig:
    """The Modbus analyser, as its manual describes it."""
    return gd.CEMSConfig(
        **{
            **_policies("stack1"),
            "protocol": "modbus",
            "endpoint": f"127.0.0.1:{port or peer.port}",
            "registers": registers(),
            "measurands": MEASURANDS,
            "signals": SIGNALS,
            **more,
        }
    )


def opcua_config(peer: OpcuaAnalyser, **more: Any) -> gd.CEMSConfig:
    """The OPC UA analyser."""
    return gd.CEMSConfig(
        **{
            **_policies("stack2"),
            "protocol": "opcua",
            "endpoint": peer.endpoint,
            "security_mode": "None",
            "tags": [
                {"tag": "NOx.value", "node_id": peer.node("NOx"), "unit": "[ppm]"},
                {"tag": "O2.value", "node_id": peer.node("O2"), "unit": "%"},
            ],
            "measurands": [
                {"tag": "NOx", "read_from": "NOx.value", "moisture": "dry"},
                {"tag": "O2", "read_from": "O2.value", "moisture": "dry"},
            ],
            "signals": [
                {"tag": peer.node("Mode"), "means": "calibration", "when": 1},
                {"tag": peer.node("Mode"), "means": "maintenance", "when": 2},
                {"tag": peer.node("Alarm"), "means": "fault"},
            ],
            **more,
        }
    )


def toml_of(config: gd.CEMSConfig, folder: Path) -> Path:
    """The configuration of a Modbus analyser as a greenlang.toml in ``folder``."""
    lines = [
        "[sources.stack1]",
        'kind = "cems"',
        f'endpoint = "{config.endpoint}"',
        f"polling_interval_ms = {config.polling_interval_ms}",
        "timeout_seconds = 2",
        "retry_min_wait = 0.05",
        "retry_max_wait = 0.2",
        "circuit_breaker_timeout = 1",
        'recording = "stack1.recording"',
    ]
    for name, entries in (
        ("registers", registers()),
        ("measurands", MEASURANDS),
        ("signals", SIGNALS),
    ):
        for entry in entries:
            lines.append(f"[[sources.stack1.{name}]]")
            lines += [f"{key} = {_toml(value)}" for key, value in entry.items()]
    path = folder / "greenlang.toml"
    path.write_text("\n".join(lines) + "\n")
    return path


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value).replace("'", '"') if isinstance(value, list) else repr(value)


def _policies(name: str) -> dict[str, Any]:
    return {
        "connector_id": name,
        "connector_type": "cems",
        "timeout_seconds": 4,
        "max_retries": 1,
        "retry_min_wait": 0.05,
        "retry_max_wait": 0.1,
        "circuit_breaker_threshold": 50,
        "polling_interval_ms": 100,
    }
