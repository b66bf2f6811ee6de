"""BatchImportFindings: what Security Hub did not take is never taken for imported."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.stub import Stubber

from chalicelib.adapters.security_hub import BatchImport
from chalicelib.channels.security_hub.asff import asff_of
from chalicelib.messages.body import body_of
from tests.adapters.aws import client
from tests.unit.examples import ACCOUNT, EXAMPLES, NOW


@pytest.fixture
def hub() -> Iterator[tuple[BatchImport, Stubber]]:
    """Security Hub's client, with its answers laid down; botocore's model checks the calls."""
    securityhub = client("securityhub")
    with Stubber(securityhub) as stub:
        yield BatchImport(securityhub), stub


def finding(name: str) -> dict[str, Any]:
    """An example in Security Hub's format."""
    body = body_of(EXAMPLES[name])
    return asff_of(
        body["finding"],
        body["remediation"],
        importer=ACCOUNT,
        region="us-east-1",
        updated_at=NOW,
        test=False,
    )


def answers(stub: Stubber, *failed: dict[str, str], count: int) -> None:
    """Security Hub answers."""
    told = {"FailedCount": count, "SuccessCount": 0, "FailedFindings": list(failed)}
    stub.add_response("batch_import_findings", told)


def test_names_what_was_refused(hub: tuple[BatchImport, Stubber]) -> None:
    """Each refused finding with Security Hub's own reason."""
    security_hub, stub = hub
    found = finding("opened")
    refusal = {"Id": found["Id"], "ErrorCode": "InvalidAccess", "ErrorMessage": "not enabled"}
    answers(stub, refusal, count=1)
    assert security_hub.put([found]) == {found["Id"]: "InvalidAccess: not enabled"}


def test_all_is_well(hub: tuple[BatchImport, Stubber]) -> None:
    """Nothing refused, nothing named."""
    security_hub, stub = hub
    answers(stub, count=0)
    assert security_hub.put([finding("opened")]) == {}


def test_a_refusal_without_a_name_counts_for_all(hub: tuple[BatchImport, Stubber]) -> None:
    """If it is not known which was refused, all are sent again: an import can be repeated."""
    security_hub, stub = hub
    answers(stub, count=1)
    found = [finding("opened"), finding("opened-china")]
    assert security_hub.put(found).keys() == {each["Id"] for each in found}


@pytest.mark.parametrize(("name", "partition"), [("opened", "aws"), ("opened-china", "aws-cn")])
def test_the_product_is_the_accounts_own(name: str, partition: str) -> None:
    """The resource names the finding's partition; the product is that of the importing account."""
    found = finding(name)
    assert found["ProductArn"] == (
        "arn:aws:securityhub:us-east-1:123456789012:product/123456789012/default"
    )
    (resource,) = found["Resources"]
    assert resource["Partition"] == partition
    assert resource["Id"].startswith(f"arn:{partition}:iam::")
