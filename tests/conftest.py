"""Fixtures for all tests: the peers that drivers are tried against."""

pytest_plugins = [
    "tests.peers.fixtures",
    "tests.peers.fixtures_bacnet",
    "tests.peers.fixtures_cmms",
    "tests.peers.fixtures_erp",
    "tests.peers.fixtures_fieldbus",
    "tests.peers.fixtures_historian",
]
