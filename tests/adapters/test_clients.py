"""Clients as the deployed functions make them: once each, as patient as their use allows."""

from __future__ import annotations

import pytest

from chalicelib.adapters.clients import ATTEMPTS, Clients, boto3_client


def recorded(made: list[tuple[str, int]]) -> Clients:
    """Clients that only write down which were made."""

    def make(service: str, attempts: int) -> object:
        made.append((service, attempts))
        return object()

    return Clients(make)


def test_a_client_is_made_at_its_first_use_and_once() -> None:
    """Making one takes longer than most calls: who is not asked costs nothing."""
    made: list[tuple[str, int]] = []
    clients = recorded(made)
    assert made == []
    assert clients.sqs() is clients.sqs()
    assert made == [("sqs", ATTEMPTS)]


def test_who_waits_for_nobody_has_a_client_of_its_own() -> None:
    """The alias of the account is not worth a retry; the groups of a user are."""
    made: list[tuple[str, int]] = []
    clients = recorded(made)
    assert clients.iam() is not clients.hasty_iam()
    assert made == [("iam", ATTEMPTS), ("iam", 1)]


@pytest.mark.parametrize("attempts", [ATTEMPTS, 1])
def test_a_call_is_tried_as_often_as_was_asked(
    attempts: int, monkeypatch: pytest.MonkeyPatch, keys: dict[str, str]
) -> None:
    """Each attempt within seconds, so that a function ends before Lambda ends it."""
    for name, value in keys.items():
        monkeypatch.setenv(name, value)
    config = boto3_client("sqs", attempts).meta.config
    assert config.retries["total_max_attempts"] == attempts
    assert attempts * (config.connect_timeout + config.read_timeout) < 30
