"""The configuration that the README shows is one."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import greenlang_data as gd

README = Path(__file__).resolve().parents[3] / "README.md"


def test_the_maintenance_systems_of_the_readme_can_be_configured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    section = README.read_text().partition("### Maintenance systems")[2]
    found = re.search(r"```toml\n(.*?)```", section, re.DOTALL)
    assert found is not None
    for name in re.findall(r'env = "(\w+)"', found[1]):
        monkeypatch.setenv(name, "s3cret")
    file = tmp_path / "greenlang.toml"
    file.write_text(found[1])
    with gd.Session.from_toml(file) as s:
        systems = {name: config.driver_name for name, config in s.sources.items()}
        assert systems == {"maximo": "maximo", "eam": "infor", "pm": "sap_pm"}
        assert "s3cret" not in repr(s.sources)
