"""The services of the Gateway emulator as the files that SAP's mock server reads."""

from __future__ import annotations

import json
from pathlib import Path

from .gateway_metadata import metadata
from .gateway_tables import services
from .odata_types import v2_value, v4_value

ROOTS = {2: "/sap/opu/odata/sap", 4: "/sap/opu/odata4/sap"}
NAMES = ("API_PURCHASEORDER_PROCESS_SRV", "API_COSTCENTER_SRV")


def write_services(folder: Path, items: int) -> Path:
    """Write metadata and rows of both versions, and the list of all that names them."""
    tables, told = services(items, 10), []
    for version, root in ROOTS.items():
        for name in NAMES:
            here = folder / f"v{version}" / name
            here.mkdir(parents=True)
            document = here / "metadata.xml"
            document.write_text(metadata(name, tables[name], version), encoding="utf-8")
            for entity_set, table in tables[name].items():
                rows = [
                    {
                        column: v2_value(value, table.columns[column])
                        if version == 2
                        else v4_value(value, table.columns[column], strings=True)
                        for column, value in table.make(index).items()
                    }
                    for index in range(table.rows)
                ]
                path = here / f"{entity_set}.json"
                path.write_text(json.dumps(rows, ensure_ascii=False), encoding="utf-8")
            about = {"urlPath": f"{root}/{name}", "metadataPath": str(document)}
            told.append({**about, "mockdataPath": str(here)})
    listed = folder / "services.json"
    listed.write_text(json.dumps(told), encoding="utf-8")
    return listed
