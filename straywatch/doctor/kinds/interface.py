"""What the doctor has to know of a type of resource, as data: how to read it and put it back."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from straywatch.doctor.forms import Value, plain
from straywatch.doctor.intended import Intended
from straywatch.doctor.world import ApiResponse, Ask

UNSAID: Final = "straywatch: not compared where the template does not say it"
"""A default that nothing is held against."""


@dataclass(frozen=True, slots=True)
class Look:
    """One call that reads. In `asked`, {id}, {arn} and {Property} stand for the resource's own.

    `found` is a JMESPath to the one thing in the answer that it is about. `absent` is what "there
    is no such thing" means; without it the resource itself is gone.
    """

    service: str
    operation: str
    asked: Mapping[str, Any]
    found: str = ""
    absent: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Property:
    """One property: where it stands in the answers, and what it is where the template is silent.

    `at` is a JMESPath whose first name is a look's. Of several defaults, as a tuple, any will do.
    A difference in a `minor` one only warns; so do further members of one that `may_grow`.
    """

    at: str
    default: object = UNSAID
    form: Callable[[object], Value] = plain
    minor: bool = False
    may_grow: bool = False


@dataclass(frozen=True, slots=True)
class Wait:
    """How to tell that a call has taken effect: one of boto3's waiters, and about what."""

    waiter: str
    asked: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Call:
    """One call that puts something back."""

    service: str
    operation: str
    parameters: Mapping[str, Any]
    until: Wait | None = None

    def __str__(self) -> str:
        words = ", ".join(f"{name}={value}" for name, value in self.parameters.items())
        return f"{self.service} {self.operation} {words}"


Read = Callable[[Ask, Intended], ApiResponse]
"""Reads a resource: the answers by look."""
Put = Callable[[Intended, frozenset[str], Mapping[str, Any]], Iterator[Call]]
"""What makes the named properties of a resource what they should be, given what was read."""

Create = Callable[[Ask, Intended], Iterator[Call]]
"""What makes a resource that is gone, as far as its properties cannot be put back later."""


def _nothing(*_: object) -> Iterator[Call]:
    return iter(())


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A type of resource. `area` is the part of the check-up that it belongs to.

    `creates` makes one that is gone anew under its old name. Where AWS chooses the name there is
    none; if nothing in the template refers to it, CloudFormation can make it anew (`by_stack`).
    """

    word: str
    area: str
    looks: Mapping[str, Look] = field(default_factory=dict)
    properties: Mapping[str, Property]
    put: Put
    creates: Create | None = _nothing
    by_stack: bool = False
    read: Read | None = None
    lost: str = ""
    """What a loss of the resource takes along."""
    fixed: frozenset[str] = frozenset()
    """Properties that AWS changes on no resource that exists."""
