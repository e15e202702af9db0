"""The service documents of the SAP Gateway emulator."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from .erp_live import Table
from .gateway_tables import LINKS
from .gateway_totals import MEASURES
from .odata_types import property_xml

_HEADS = {
    2: (
        '<?xml version="1.0" encoding="utf-8"?><edmx:Edmx Version="1.0" '
        'xmlns:edmx="http://schemas.microsoft.com/ado/2007/06/edmx" '
        'xmlns:m="http://schemas.microsoft.com/ado/2007/08/dataservices/metadata" '
        'xmlns:sap="http://www.sap.com/Protocols/SAPData">'
        '<edmx:DataServices m:DataServiceVersion="2.0">'
        '<Schema Namespace="{0}" xmlns="http://schemas.microsoft.com/ado/2008/09/edm">'
    ),
    4: (
        '<?xml version="1.0" encoding="utf-8"?><edmx:Edmx Version="4.0" '
        'xmlns:edmx="http://docs.oasis-open.org/odata/ns/edmx"><edmx:DataServices>'
        '<Schema Namespace="{0}" xmlns="http://docs.oasis-open.org/odata/ns/edm">'
    ),
}

_ENUMERATIONS = {
    "yesno": ("NoYes", ("No", "Yes")),
    "unittype": ("OMOperatingUnitType", ("None", "OMDepartment", "OMCostCenter", "OMValueStream",
                                         "OMBusinessUnit")),
}  # fmt: skip


def metadata(namespace: str, tables: dict[str, Table], version: int, extra: str = "") -> str:
    """A ``$metadata`` document; ``extra`` goes into the entity container of V2."""
    kinds = {column.kind for table in tables.values() for column in table.columns.values()}
    parts = [_enumeration(*_ENUMERATIONS[kind]) for kind in _ENUMERATIONS if kind in kinds]
    parts += [_entity_type(namespace, table, version) for table in tables.values()]
    sets = "".join(
        f'<EntitySet Name="{name}" EntityType="{namespace}.{name}Type"/>' for name in tables
    )
    default = ""
    if version == 2:
        default = ' m:IsDefaultEntityContainer="true"'
        parts += _associations(namespace, tables)
        sets += "".join(_association_sets(namespace, tables))
    container = (
        f'<EntityContainer Name="{namespace}_Entities"{default}>{sets}{extra}</EntityContainer>'
    )
    tail = "</Schema></edmx:DataServices></edmx:Edmx>"
    return _HEADS[version].format(namespace) + "".join(parts) + container + tail


def _enumeration(name: str, members: Sequence[str]) -> str:
    listed = "".join(f'<Member Name="{one}" Value="{at}"/>' for at, one in enumerate(members))
    return f'<EnumType Name="{name}">{listed}</EnumType>'


def _entity_type(namespace: str, table: Table, version: int) -> str:
    keys = "".join(f'<PropertyRef Name="{name}"/>' for name in table.keys)
    properties = "".join(
        property_xml(name, column, version=version, nullable=name not in table.keys)
        for name, column in table.columns.items()
    )
    if table.name in LINKS and version == 2:
        name, _ = LINKS[table.name]
        properties += (
            f'<NavigationProperty Name="{name}" Relationship="{namespace}.{name}_Assoc" '
            'FromRole="From" ToRole="To"/>'
        )
    adds = ' sap:semantics="aggregate"' if table.name in MEASURES and version == 2 else ""
    return f'<EntityType Name="{table.name}Type"{adds}><Key>{keys}</Key>{properties}</EntityType>'


def _associations(namespace: str, tables: dict[str, Table]) -> Iterator[str]:
    for name in tables.keys() & LINKS.keys():
        link, target = LINKS[name]
        yield (
            f'<Association Name="{link}_Assoc">'
            f'<End Type="{namespace}.{name}Type" Multiplicity="1" Role="From"/>'
            f'<End Type="{namespace}.{target}Type" Multiplicity="*" Role="To"/></Association>'
        )


def _association_sets(namespace: str, tables: dict[str, Table]) -> Iterator[str]:
    for name in tables.keys() & LINKS.keys():
        link, target = LINKS[name]
        yield (
            f'<AssociationSet Name="{link}_Set" Association="{namespace}.{link}_Assoc">'
            f'<End EntitySet="{name}" Role="From"/><End EntitySet="{target}" Role="To"/>'
            "</AssociationSet>"
        )


def functions(table: Table) -> str:
    """The function imports of a source of changes."""
    names = (f"SubscribedTo{table.name}", f"TerminateDeltasFor{table.name}")
    return "".join(
        f'<FunctionImport Name="{name}" ReturnType="Edm.Boolean" m:HttpMethod="GET"/>'
        for name in names
    )
