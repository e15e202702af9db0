"""Reads the stand-in for PHD's library in this process, and prints what was found as JSON.

Run by test_own_library.py in a process of its own, because a .NET runtime cannot be unloaded. The
runtime is .NET Core, so the one check that this is Windows is answered with yes.
"""

from __future__ import annotations

import json
import sys
import tempfile
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd

import greenlang_data as gd
from greenlang_data.drivers.phd import dotnet


def load_runtime() -> None:
    import dotnetcore2
    from clr_loader import get_coreclr
    from pythonnet import set_runtime

    root = Path(dotnetcore2.__file__).parent / "bin"
    (version,) = (one.name for one in (root / "shared" / "Microsoft.NETCore.App").iterdir())
    framework = {"name": "Microsoft.NETCore.App", "version": version}
    settings = {"runtimeOptions": {"tfm": "netcoreapp3.1", "framework": framework}}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "runtime.json"
        file.write_text(json.dumps(settings))
        set_runtime(get_coreclr(runtime_config=str(file), dotnet_root=str(root)))


def told(frame: pd.DataFrame) -> dict[str, list[Any]]:
    frame = frame.astype({"timestamp": "int64"}) if "timestamp" in frame else frame
    columns = {name: frame[name].astype(object) for name in frame.columns}
    return {name: column.where(column.notna(), None).tolist() for name, column in columns.items()}


def main(assembly: str, windows: list[dict[str, Any]]) -> None:
    load_runtime()
    dotnet.sys = SimpleNamespace(platform="win32")  # type: ignore[attr-defined, assignment]  # see above
    config = gd.HistorianConfig(
        connector_id="phd",
        connector_type="historian",
        historian_type="phd",
        server_url="phd://phd.example:3100",
        assembly_path=assembly,
        max_retries=0,
    )
    found = []
    with gd.Session([config]) as s:
        for window in windows:
            start, end = (datetime.fromisoformat(window[key]) for key in ("start", "end"))
            frame = s.historian(window["tags"], start, end, shape="long", errors="report")
            found.append(told(frame) | {"failures": [dict(frame.attrs["provenance"]["failures"])]})
        found.append(told(s.snapshot(["Ramp", "Text"])[["tag_id", "value", "text", "unit"]]))
        found.append(told(s.tags("phd").find("r*")[["tag_id", "unit"]]))
    print(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1], json.loads(sys.argv[2]))
