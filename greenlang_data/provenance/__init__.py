"""Proof of origin: the record that travels with a frame, its hash, and what was combined.

Importing this loads neither pandas nor pyarrow.
"""

from greenlang_data.provenance.combine import concat, merge
from greenlang_data.provenance.hash import ContentHasher, canonical_json, hash_frame, hash_json
from greenlang_data.provenance.record import (
    ConnectorProvenance,
    ProvenanceRecord,
    attach,
    make_record,
    record_of,
)
from greenlang_data.provenance.verify import Verdict, verify

__all__ = [
    "ConnectorProvenance",
    "ContentHasher",
    "ProvenanceRecord",
    "Verdict",
    "attach",
    "canonical_json",
    "concat",
    "hash_frame",
    "hash_json",
    "make_record",
    "merge",
    "record_of",
    "verify",
]
