"""How bad a finding is."""

from enum import IntEnum


class Severity(IntEnum):
    """How bad a finding is; a greater one is worse. Messages and tables carry the name."""

    LOW = 1
    MEDIUM = 2
    HIGH = 3
    CRITICAL = 4
