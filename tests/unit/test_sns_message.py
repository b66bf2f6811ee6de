"""A webhook believes what SNS has signed for its topic, and nothing else."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from straywatch.alert_path.sns_message import AMAZON, ForgedMessageError, verify
from straywatch.local.emulator.sns_signing import Signer, new_signer
from tests.unit.examples import NOW

ROOT = Path(__file__).parents[2]
ADDRESS = "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-0123.pem"
TOPIC = "arn:aws:sns:us-east-1:123456789012:straywatch-AlertTopic"
NOTIFICATION = {
    "Type": "Notification",
    "MessageId": "1",
    "TopicArn": TOPIC,
    "Subject": "[HIGH] IAM user frank is in no group - 123456789012",
    "Message": "{}",
    "Timestamp": "2026-11-23T03:15:00.000Z",
    "SignatureVersion": "1",
    "Signature": "FAKE",
    "SigningCertURL": "https://evil.example/key.pem",
}
CONFIRMATION = NOTIFICATION | {
    "Type": "SubscriptionConfirmation",
    "Token": "t",
    "SubscribeURL": "https://sns.us-east-1.amazonaws.com/?Action=ConfirmSubscription",
}


@pytest.fixture(scope="module")
def signer() -> Signer:
    """A key with a certificate, as SNS has one."""
    return new_signer(ADDRESS, lambda: NOW)


def check(message: dict[str, str], signer: Signer, late: timedelta = timedelta()) -> None:
    """Verify a message as a receiver does who fetched the signer's certificate."""
    verify(message, TOPIC, lambda _: signer.certificate, NOW + late)


def signed(message: dict[str, str], signer: Signer) -> dict[str, str]:
    """The message as SNS sends it."""
    found: dict[str, str] = json.loads(signer.signed(json.dumps(message)))
    return found


@pytest.mark.parametrize("message", [NOTIFICATION, CONFIRMATION])
def test_believes_what_is_signed(signer: Signer, message: dict[str, str]) -> None:
    """Notifications, with or without a subject, and the question whether one subscribes."""
    check(signed(message, signer), signer)
    check(signed({k: v for k, v in message.items() if k != "Subject"}, signer), signer)


@pytest.mark.parametrize("name", ["Message", "Subject", "MessageId", "Timestamp", "Type", "Token"])
def test_believes_no_changed_word(signer: Signer, name: str) -> None:
    """Whatever was signed cannot be changed afterwards."""
    message = signed(CONFIRMATION if name == "Token" else NOTIFICATION, signer)
    other = "2026-11-23T03:15:01.000Z" if name == "Timestamp" else "other"
    with pytest.raises(ForgedMessageError):
        check(message | {name: other}, signer)


def test_believes_no_other_topic(signer: Signer) -> None:
    """Anybody can have SNS sign a message of a topic of their own."""
    with pytest.raises(ForgedMessageError, match="topic"):
        check(signed(NOTIFICATION | {"TopicArn": TOPIC + "x"}, signer), signer)


@pytest.mark.parametrize(
    "address",
    [
        "https://evil.example/x.pem",
        "http://sns.us-east-1.amazonaws.com/x.pem",
        "https://sns.us-east-1.amazonaws.com.evil.example/x.pem",
        "https://sns.us-east-1.amazonaws.com@evil.example/x.pem",
        "https://evil.example/sns.us-east-1.amazonaws.com/x.pem",
        "https://sns.us-east-1.amazonaws.com/x.pem?y=https://evil.example",
    ],
)
def test_fetches_no_certificate_from_elsewhere(signer: Signer, address: str) -> None:
    """Whoever brings the certificate along can sign anything: it must be Amazon's."""
    message = signed(NOTIFICATION, signer) | {"SigningCertURL": address}

    def fetch(_: str) -> bytes:
        raise AssertionError("a certificate was fetched from elsewhere")

    with pytest.raises(ForgedMessageError, match="not Amazon's"):
        verify(message, TOPIC, fetch, NOW)


def test_knows_amazons_addresses() -> None:
    """In China they end otherwise."""
    assert AMAZON.fullmatch(ADDRESS)
    assert AMAZON.fullmatch("https://sns.cn-north-1.amazonaws.com.cn/x-1.pem")


def test_believes_nothing_old(signer: Signer) -> None:
    """A message caught once cannot be played again later."""
    message = signed(NOTIFICATION, signer)
    check(message, signer, timedelta(minutes=64))
    with pytest.raises(ForgedMessageError, match="old"):
        check(message, signer, timedelta(minutes=66))


@pytest.mark.parametrize(
    "timestamp",
    [
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
        "0001-01-01T00:00:00",
        "2026-11-23T03:15:00",
        "",
    ],
)
def test_answers_403_to_any_time(signer: Signer, timestamp: str) -> None:
    """Also to one that no clock has, or without its zone: the receiver does not break on it."""
    with pytest.raises(ForgedMessageError):
        check(signed(NOTIFICATION | {"Timestamp": timestamp}, signer), signer)


@pytest.mark.parametrize("message", [{}, NOTIFICATION, NOTIFICATION | {"Timestamp": "x"}])
def test_believes_nothing_unsigned(signer: Signer, message: dict[str, str]) -> None:
    """Also one with holes is refused by the module's own error."""
    with pytest.raises(ForgedMessageError):
        check(message, signer)


def test_leaves_raw_messages_alone(signer: Signer) -> None:
    """Raw delivery carries no envelope and so no signature."""
    for payload in ("text", "{}", "[]"):
        assert signer.signed(payload) == payload


def test_what_receivers_are_told_to_copy_works_alone(tmp_path: Path) -> None:
    """docs/channels.md names the module; a copy of it needs nothing else of this project."""
    guide = ROOT / "docs" / "channels.md"
    (named,) = re.findall(r"\]\((\S+/sns_message\.py)\)", guide.read_text())
    shutil.copy(guide.parent / named, tmp_path)
    code = "import sys, sns_message; print(*sys.modules)"
    alone = {"PYTHONPATH": str(tmp_path), "PATH": ""}
    run = [sys.executable, "-c", code]
    loaded = subprocess.run(run, env=alone, capture_output=True, text=True, check=True).stdout
    assert not {"straywatch", "chalicelib"} & set(loaded.split())
