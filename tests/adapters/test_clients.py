"""Clients as the deployed functions make them: once each, as patient as their use allows."""

from __future__ import annotations

import pytest

from chalicelib.adapters.clients import (
    HASTY,
    PATIENT,
    USUAL,
    Clients,
    Patience,
    boto3_client,
)


def recorded(made: list[tuple[str, Patience]]) -> Clients:
    """Clients that only write down which were made."""

    def make(service: str, patience: Patience) -> object:
        made.append((service, patience))
        return object()

    return Clients(make)


def test_a_client_is_made_at_its_first_use_and_once() -> None:
    """Making one takes longer than most calls: who is not asked costs nothing."""
    made: list[tuple[str, Patience]] = []
    clients = recorded(made)
    assert made == []
    assert clients.sqs() is clients.sqs()
    assert made == [("sqs", USUAL)]


def test_who_waits_for_nobody_has_a_client_of_its_own() -> None:
    """The alias of the account is worth no retry, a page of 1,000 users is worth a minute."""
    made: list[tuple[str, Patience]] = []
    clients = recorded(made)
    assert len({id(clients.iam()), id(clients.hasty_iam()), id(clients.patient_iam())}) == 3
    assert made == [("iam", USUAL), ("iam", HASTY), ("iam", PATIENT)]


@pytest.mark.parametrize(
    ("patience", "seconds"), [(USUAL, 30), (HASTY, 10), (PATIENT, 5 * 60)], ids=str
)
def test_a_call_is_tried_as_often_as_was_asked(
    patience: Patience, seconds: int, monkeypatch: pytest.MonkeyPatch, keys: dict[str, str]
) -> None:
    """Each attempt within seconds, so that a function ends before Lambda ends it."""
    for name, value in keys.items():
        monkeypatch.setenv(name, value)
    config = boto3_client("sqs", patience).meta.config
    assert config.retries["total_max_attempts"] == patience.attempts
    assert config.read_timeout == patience.read_seconds
    assert patience.attempts * (config.connect_timeout + config.read_timeout) < seconds
