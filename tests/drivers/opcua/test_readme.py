"""The README's OPC UA section does what it says."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

import greenlang_data as gd
from tests.peers.launch import OpcuaPeer

README = Path(__file__).parents[3] / "README.md"


def block(language: str) -> str:
    """The first block of a language in the section."""
    section = README.read_text(encoding="utf-8").split("### OPC UA\n")[1].split("\n#")[0]
    found = re.search(rf"```{language}\n(.*?)```", section, re.DOTALL)
    assert found is not None
    return found[1]


def test_the_section_on_opc_ua_runs(
    opcua_peer: OpcuaPeer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GREENLANG_DATA_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PLANT2_PASSWORD", "secret-operator")
    settings = block("toml").replace("opc.tcp://192.168.1.101:4840", opcua_peer.endpoint)
    Path("greenlang.toml").write_text(settings, encoding="utf-8")
    lines = block("python").splitlines()
    names: dict[str, Any] = {"gd": gd}
    exec("\n".join(lines[:2]), names)
    frames = [eval(line.partition("  #")[0], names) for line in lines[2:]]
    names["s"].close()
    assert [len(one) for one in frames] == [10, 10, 4, 2]
    assert set(frames[0]["FeedRate"]) == {100}
    (note,) = frames[1].attrs["provenance"]["notes"]
    assert note.startswith("StandardDeviationSample computed here")
    assert frames[2]["status"][1].endswith("by bert")
    assert frames[3]["History.Edited"].tolist() == [5, 7.5]
    (pinned,) = (tmp_path / "home" / "pki" / "trusted").iterdir()
    assert str(opcua_peer.port) in pinned.name
