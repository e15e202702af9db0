"""The simulated plant, as a driver: one site behind all five kinds of source.

Nothing here looks at a clock, a random number or the machine. See :mod:`.plant` for the site,
:mod:`.catalogue` and :mod:`.stacks` for its tags, :mod:`.combustion` for its emissions and
:mod:`.entities` for its business records.
"""

from greenlang_data.drivers.mock.clock import NOW
from greenlang_data.drivers.mock.driver import MockDriver
from greenlang_data.drivers.mock.entities import ENTITIES
from greenlang_data.drivers.mock.records import Entity

__all__ = ["ENTITIES", "NOW", "Entity", "MockDriver"]
