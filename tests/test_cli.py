"""The command: a demo that anyone can run, a check that says what is wrong."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import greenlang_data as gd
from greenlang_data.cli import main
from tests.peers.launch import OpcuaPeer, Peer


def test_the_demo_prints_writes_and_verifies(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["demo", "--directory", str(tmp_path / "out")]) == 0
    printed = capsys.readouterr().out
    assert printed.count("intact\n") == 5
    assert printed.rstrip().endswith("All files are intact.")
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert names == [f"{kind}.parquet" for kind in ("cems", "cmms", "erp", "historian", "scada")]
    assert all(gd.verify(gd.read_parquet(tmp_path / "out" / name)) == "intact" for name in names)
    assert main(["demo", "--directory", str(tmp_path / "out")]) == 0


def test_the_demo_prints_the_same_in_every_process(tmp_path: Path) -> None:
    printed = {
        subprocess.run(
            [sys.executable, "-m", "greenlang_data.cli", "demo", "--directory", "out"],
            cwd=tmp_path,
            env={"PYTHONHASHSEED": seed, "TZ": zone, "PATH": ""},
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        ).stdout
        for seed, zone in (("1", "UTC"), ("2", "Asia/Kathmandu"))
    }
    assert len(printed) == 1


def test_check_says_a_line_about_each_source(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    opcua_second: OpcuaPeer,
    modbus_second: Peer,
) -> None:
    file = tmp_path / "greenlang.toml"
    file.write_text(
        f"""
[defaults]
timeout_seconds = 3

[sources.good]
kind = "scada"
protocol = "opcua"
endpoint = "{opcua_second.endpoint}"
security_mode = "None"

[sources.device]
kind = "scada"
protocol = "modbus"
endpoint = "127.0.0.1:{modbus_second.port}"
registers = [{{ tag = "T", table = "holding", address = 0, type = "int16" }}]

[sources.nobody]
kind = "scada"
protocol = "opcua"
endpoint = "opc.tcp://127.0.0.1:9/nothing"
security_mode = "None"

[sources.later]
kind = "historian"
historian_type = "phd"
server_url = "phd://phd.example"
"""
    )
    assert main(["check", str(file)]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[:2] for line in lines] == [
        ["good", "ok"], ["device", "ok"], ["nobody", "FAILED"], ["later", "FAILED"],
    ]  # fmt: skip
    assert "127.0.0.1:9" in lines[2]
    assert "runs on Windows only" in lines[3]


def test_a_wrong_file_is_one_line_on_stderr(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "greenlang.toml"
    file.write_text('[sources.a]\nkind = "scda"\n')
    assert main(["check", str(file)]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "'scada'" in error
    assert main(["check", str(tmp_path / "absent.toml")]) == 2


def test_a_demo_that_cannot_write_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    assert main(["demo", "--directory", str(tmp_path / "file" / "out")]) == 2
    assert "--directory" in capsys.readouterr().err
