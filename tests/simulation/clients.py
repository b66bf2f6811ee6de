"""boto3's clients as the product sees them, with a world behind that may fail at every call."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import SimpleNamespace
from typing import Any, Protocol

from botocore.exceptions import ClientError

from tests import aws_model
from tests.simulation.draws import Draws
from tests.simulation.journal import Invocation, Journal, Trouble
from tests.simulation.kernel import SECOND, EndlessError, Kernel, SimulationError
from tests.simulation.plan import Fault
from tests.simulation.weather import Killed, Weather, error

_PAGED = {
    # operation: what a next request passes on, and the member of the answer it comes from
    "list_groups_for_user": ("Marker", "Marker"),
    "list_user_policies": ("Marker", "Marker"),
    "list_attached_user_policies": ("Marker", "Marker"),
    "list_access_keys": ("Marker", "Marker"),
    "get_account_authorization_details": ("Marker", "Marker"),
    "query": ("ExclusiveStartKey", "LastEvaluatedKey"),
}
_TRIED_AGAIN = (Fault.THROTTLED, Fault.SERVER_ERROR, Fault.UNREACHED)
"""What the SDK tries again for seconds, before it gives up."""
_NOTHING_DONE = (*_TRIED_AGAIN, Fault.DENIED, Fault.LYING)
_HELD_TO_MODEL = 50
"""One call in so many, and its answer, is held to AWS's model: it takes longer than the call."""
_MOST_CALLS, _MOST_OF_ONE = 6_000, 100
"""What a history may cost in all, and for each user of a crowd; it takes 250 calls as a rule."""


class NoSuchEntityException(ClientError):  # noqa: N818 - as boto3 names it
    """IAM knows no such user."""


class ConditionalCheckFailedException(ClientError):  # noqa: N818 - as boto3 names it
    """DynamoDB refused a write whose condition does not hold."""


class TransactionCanceledException(ClientError):  # noqa: N818 - as boto3 names it
    """DynamoDB refused a transaction of which one condition does not hold."""


class ParameterNotFound(ClientError):  # noqa: N818 - as boto3 names it
    """SSM has no such parameter."""


_EXCEPTIONS = SimpleNamespace(
    NoSuchEntityException=NoSuchEntityException,
    ConditionalCheckFailedException=ConditionalCheckFailedException,
    TransactionCanceledException=TransactionCanceledException,
    ParameterNotFound=ParameterNotFound,
    ClientError=ClientError,
)


def refusal(
    code: str, operation: str, kind: type[ClientError] = ClientError, message: str = "simulated"
) -> ClientError:
    """What boto3 raises where AWS refuses a call with this code."""
    return kind({"Error": {"Code": code, "Message": message}}, operation)


class Service(Protocol):
    """One AWS service of the simulated world."""

    def answer(self, operation: str, request: Mapping[str, Any], call: Call) -> Mapping[str, Any]:
        """Do what is asked, at this moment. Raises what the service refuses."""


class Call(SimpleNamespace):
    """What a service may know of a call: its `luck` and its `invocation`."""

    luck: Draws
    invocation: Invocation


class Gateway:
    """Leads each call to its service: takes time, meets trouble, lets others go on meanwhile."""

    def __init__(
        self, kernel: Kernel, journal: Journal, weather: Weather, services: Mapping[str, Service]
    ) -> None:
        self._kernel = kernel
        self._journal = journal
        self._weather = weather
        self._services = services

    def client(self, service: str, current: Callable[[], Running]) -> Client:
        """A client of the service for the invocation that runs when it is used."""
        return Client(self, service, current)

    def call(
        self, running: Running, service: str, operation: str, request: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        """One call, as the SDK makes it."""
        now = self._kernel.now
        luck = Draws(self._weather.plan.luck, now, operation, str(request.get("UserName", "")))
        fault = self._weather.over(service, operation, now, luck)
        self._journal.steps += 1
        if self._journal.steps > _MOST_CALLS + _MOST_OF_ONE * self._weather.plan.crowd:
            raise EndlessError
        if fault:
            self._note(running, operation, fault)
        call = Call(luck=luck, invocation=running.invocation)
        running.wait(_latency(luck))
        if fault is Fault.KILLED_BEFORE:
            raise Killed
        if fault in _NOTHING_DONE:
            running.wait(luck.between(1, 8) * SECOND if fault in _TRIED_AGAIN else 0)
            raise error(service, operation, fault)
        answer = self._answer(service, operation, request, call)
        if fault is Fault.REPEATED:
            running.wait(5 * SECOND)  # the read timeout, after which the SDK sends it once more
            answer = self._answer(service, operation, request, call)
        if fault is Fault.KILLED_AFTER:
            raise Killed
        if fault is Fault.UNANSWERED:
            running.wait(luck.between(5, 15 if service != "pagerduty" else 5) * SECOND)
            raise error(service, operation, fault)
        running.wait(_latency(luck) + self._weather.slowness(operation))
        return answer

    def _answer(
        self, service: str, operation: str, request: Mapping[str, Any], call: Call
    ) -> Mapping[str, Any]:
        try:
            held = self._journal.steps % _HELD_TO_MODEL == 0 and service != "pagerduty"
            if held:
                aws_model.hold_request(service, operation, request)
            answer = self._services[service].answer(operation, request, call)
            if held:
                aws_model.hold_answer(service, operation, answer)
        except ClientError:
            raise
        except Exception as wrong:
            raise SimulationError(f"{service}'s {operation}: {wrong!r}") from wrong
        return answer

    def _note(self, running: Running, operation: str, fault: Fault) -> None:
        now = self._kernel.now
        self._journal.faults[str(fault)] += 1
        self._journal.troubles.append(Trouble(now, running.invocation, operation, str(fault)))
        self._journal.say(now, f"    #{running.invocation.number} {operation}: {fault}")


def _latency(luck: Draws) -> int:
    """Mostly some ten milliseconds; now and then a call takes its time."""
    share = luck.share()
    return 5 + int(share * 40) if share < 0.97 else 300 + int((share - 0.97) * 60_000)


class Running(Protocol):
    """An invocation in progress."""

    invocation: Invocation

    def wait(self, length: int) -> None:
        """Let time pass. Raises Killed when the function's time is over."""


class Client:
    """Any client: each attribute is an operation."""

    exceptions = _EXCEPTIONS

    def __init__(self, gateway: Gateway, service: str, current: Callable[[], Running]) -> None:
        self._gateway = gateway
        self._service = service
        self._current = current

    def __getattr__(self, operation: str) -> Callable[..., Mapping[str, Any]]:
        def ask(**request: Any) -> Mapping[str, Any]:
            return self._gateway.call(self._current(), self._service, operation, request)

        return ask

    def get_paginator(self, operation: str) -> Paginator:
        """Page after page, each a call of its own."""
        if operation not in _PAGED:
            raise SimulationError(f"{operation} is not known to come in pages")
        return Paginator(getattr(self, operation), *_PAGED[operation])


class Paginator:
    """Asks for the next page as long as there is one."""

    def __init__(self, ask: Callable[..., Mapping[str, Any]], parameter: str, member: str) -> None:
        self._ask = ask
        self._parameter = parameter
        self._member = member

    def paginate(self, **request: Any) -> Iterator[Mapping[str, Any]]:
        """The pages, asked for as they are read."""
        request.pop("PaginationConfig", None)
        while True:
            page = self._ask(**request)
            yield page
            if not page.get(self._member):
                return
            request[self._parameter] = page[self._member]
