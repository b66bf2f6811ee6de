"""One grammar of policies for all who read them: the risk of a stray, and the plan."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.domain.permissions import of_document
from straywatch.remediation.policies.documents import grants, readable_grants

ME = "arn:aws:iam::123456789012:user/ann"
PLAIN = {"Effect": "Allow", "Action": ["s3:Get*"], "Resource": ["*"]}


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"Statement": "x"},
        {"Statement": [PLAIN, "x"]},
        {"Statement": {**PLAIN, "Effect": "Maybe"}},
        {"Statement": {"Effect": "Allow", "Action": "*"}},
        {"Statement": {**PLAIN, "NotAction": "*"}},
        {"Statement": {**PLAIN, "Resource": [{}]}},
    ],
)
def test_what_is_no_policy_is_readable_to_nobody(document: dict[str, Any]) -> None:
    """The risk names it as unread, and a plan takes it for opaque: never for one without grants."""
    assert of_document(document, ME).faults
    assert [grant.effect for grant in readable_grants(document)] == ["Opaque"]


@pytest.mark.parametrize("element", ["Action", "Resource"])
def test_one_text_is_as_good_as_a_list_of_one(element: str) -> None:
    """IAM takes both, of statements too, and so does everybody who reads them."""
    single = {"Statement": {**PLAIN, element: PLAIN[element][0]}}
    several = {"Statement": [PLAIN]}
    assert of_document(single, ME) == of_document(several, ME)
    assert grants(single) == grants(several)
