"""What policy documents are said to allow."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.permissions import EVERYTHING, Grants, of_aws_policy, of_document
from chalicelib.domain.wildcard import matches

ME = "arn:aws:iam::123456789012:user/people/ann"


def allow(action: object, resource: object = "*", **more: object) -> dict[str, object]:
    """A document with one Allow statement."""
    statement = {"Effect": "Allow", "Action": action, "Resource": resource, **more}
    return {"Version": "2012-10-17", "Statement": [statement]}


@pytest.mark.parametrize(
    "action",
    [
        "*",
        "*:*",
        "iam:*",
        "IAM:put*POLICY",
        "iam:Attach?serPolicy",
        "iam:CreatePolicyVersion",
        "iam:SetDefaultPolicyVersion",
        "iam:CreateAccessKey",
        "iam:CreateLoginProfile",
        "iam:UpdateLoginProfile",
        "iam:UpdateAssumeRolePolicy",
        "iam:AddUserToGroup",
        ["s3:GetObject", "iam:PutRolePolicy"],
        ["iam:PassRole", "lambda:CreateFunction"],
        ["iam:Pass*", "ec2:Run*"],
    ],
)
def test_ways_to_administration_are_recognised_in_every_spelling(action: object) -> None:
    """Wildcards on both sides, any case, text or list: an escalation is an escalation."""
    assert of_document(allow(action), ME).administrator


@pytest.mark.parametrize(
    "action",
    [
        "s3:*",
        "iam:Get*",
        "iam:List*",
        "iam:PassRole",
        "lambda:*",
        "*:Get*",
        [],
        "iam:ChangePassword",
    ],
)
def test_ordinary_permissions_do_not_make_an_administrator(action: object) -> None:
    """Reading IAM, one whole service, and half of a combination are only permissions."""
    grants = of_document(allow(action), ME)
    assert not grants.administrator
    assert not grants.faults


@pytest.mark.parametrize(
    ("resource", "expected"),
    [
        ("*", True),
        ("arn:aws:iam::123456789012:*", True),
        ("arn:aws:iam::*:user/*", True),
        ("arn:aws:iam::123456789012:user/people/ann", True),
        ("arn:aws:iam::123456789012:user/people/${aws:username}", True),
        ("arn:aws:iam::123456789012:user/people/bob", False),
        ("arn:aws:s3:::bucket/*", False),
        (["arn:aws:s3:::bucket/*", "*"], True),
    ],
)
def test_putting_a_policy_on_oneself_is_escalation(resource: object, *, expected: bool) -> None:
    """PutUserPolicy counts where its resource covers the user itself, and nowhere else."""
    assert bool(of_document(allow("iam:PutUserPolicy", resource), ME).administrator) is expected


def test_keys_of_oneself_are_no_escalation() -> None:
    """AWS's own example policy for self-management of credentials is not administrator-like."""
    document = allow("iam:*AccessKey*", "arn:aws:iam::*:user/people/${aws:username}")
    assert not of_document(document, ME).administrator


def test_everything_needs_every_resource() -> None:
    """All actions on one bucket is a permission, not administration."""
    grants = of_document(allow("*", "arn:aws:s3:::bucket/*"), ME)
    assert grants.anything
    assert not grants.administrator


def test_all_of_iam_is_not_everything_though_it_leads_there() -> None:
    """Each kind of resource is covered by what names that kind, and all by what names all."""
    all_of_iam = of_document(allow("*", "arn:aws:iam::123456789012:*"), ME)
    assert all_of_iam.administrator.startswith("iam:")
    roles = "arn:aws:iam::123456789012:role/*"
    passing = of_document(allow("iam:PassRole", roles), ME) | of_document(allow("lambda:*"), ME)
    assert passing.administrator == "iam:PassRole with lambda:CreateFunction"


def test_not_action_gives_all_but_what_it_names() -> None:
    """PowerUserAccess-style documents count as administration; a NotAction of all does not."""
    power_user = {"Effect": "Allow", "NotAction": ["iam:*", "organizations:*"], "Resource": "*"}
    nothing = {"Effect": "Allow", "NotAction": "*", "Resource": "*"}
    assert of_document({"Statement": power_user}, ME).administrator == EVERYTHING
    assert not of_document({"Statement": nothing}, ME).administrator


def test_not_resource_covers_all_but_what_it_names() -> None:
    """Allow * on all but one secret is administration."""
    statement = {"Effect": "Allow", "Action": "*", "NotResource": "arn:aws:s3:::secret"}
    assert of_document({"Statement": statement}, ME).administrator == EVERYTHING


def test_denial_and_conditions_never_excuse() -> None:
    """A Deny is noted and not weighed, and a Condition is ignored."""
    guarded = allow("*", Condition={"Bool": {"aws:MultiFactorAuthPresent": "true"}})
    deny = {"Effect": "Deny", "Action": "*", "Resource": "*"}
    both = {"Statement": [deny, *guarded["Statement"]]}  # type: ignore[misc] # a list by `allow`
    grants = of_document(both, ME)
    assert (grants.administrator, grants.denies) == (EVERYTHING, True)
    assert of_document({"Statement": deny}, ME) == Grants(denies=True)


def test_combinations_count_across_policies() -> None:
    """PassRole from one policy and CreateFunction from another make the escalation together."""
    both = of_document(allow("iam:PassRole"), ME) | of_document(allow("lambda:*"), ME)
    assert both.administrator == "iam:PassRole with lambda:CreateFunction"


@pytest.mark.parametrize(
    ("actions", "said"),
    [
        (["iam:PutUserPolicy"], "iam:PutUserPolicy"),
        (["iam:PutUserPolicy", "iam:AttachUserPolicy"], "iam:AttachUserPolicy and 1 more"),
        (["iam:PutUserPolicy", "iam:PassRole", "lambda:CreateFunction"], "iam:PutUserPolicy"),
        (["s3:*"], ""),
    ],
)
def test_the_first_way_to_administration_is_named(actions: list[str], said: str) -> None:
    """With how many others there are that need nothing else."""
    assert of_document(allow(actions), ME).administrator == said


def test_what_either_of_two_policies_gives_both_give() -> None:
    """Whichever is named first."""
    some, none = of_document(allow("s3:*"), ME), Grants()
    assert (some | none).anything
    assert (none | some).anything
    assert not of_document(allow([]), ME).anything
    all_but_s3 = {"Effect": "Allow", "NotAction": "s3:*", "Resource": "arn:aws:s3:::b"}
    assert of_document({"Statement": all_but_s3}, ME).anything


@pytest.mark.parametrize("partition", ["aws", "aws-cn", "aws-us-gov"])
@pytest.mark.parametrize("name", ["AdministratorAccess", "PowerUserAccess", "IAMFullAccess"])
def test_aws_own_administrator_policies_are_known_by_arn(partition: str, name: str) -> None:
    """The three are recognised without their documents in every partition."""
    grants = of_aws_policy(f"arn:{partition}:iam::aws:policy/{name}")
    assert grants is not None
    assert grants.anything
    assert (grants.administrator == EVERYTHING) is (name != "IAMFullAccess")
    assert grants.administrator


def test_a_customers_policy_of_the_same_name_is_not_trusted() -> None:
    """Only AWS's account `aws` may lend its policy names; a customer's say nothing."""
    assert of_aws_policy("arn:aws:iam::123456789012:policy/AdministratorAccess") is None
    assert of_aws_policy("arn:aws:iam::aws:policy/ReadOnlyAccess") == Grants(anything=True)


@pytest.mark.parametrize(
    "document",
    [
        None,
        "%7B",
        [],
        {},
        {"Statement": None},
        {"Statement": ["x"]},
        {"Statement": [{"Effect": "allow", "Action": "*", "Resource": "*"}]},
        {"Statement": [{"Effect": ["Allow"], "Action": "*", "Resource": "*"}]},
        {"Statement": [{"Effect": "Allow", "Action": 7, "Resource": "*"}]},
        {"Statement": [{"Effect": "Allow", "Action": [{}], "Resource": "*"}]},
        {"Statement": [{"Effect": "Allow", "Action": "*"}]},
        {"Statement": [{"Effect": "Allow", "Resource": "*"}]},
        {"Statement": [{"Effect": "Allow", "Action": "*", "NotAction": "*", "Resource": "*"}]},
    ],
)
def test_what_is_no_policy_is_a_fault(document: object) -> None:
    """A malformed document is said to be unreadable, not empty, and nothing is raised."""
    assert of_document(document, ME).faults


def test_one_bad_statement_does_not_hide_a_good_one() -> None:
    """What can be read of a half-broken document still counts."""
    grants = of_document({"Statement": [{"Effect": "Huh"}, *allow("*")["Statement"]]}, ME)  # type: ignore[misc] # a list by `allow`
    assert grants.administrator
    assert grants.faults


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)
WILD = st.text(alphabet="*?ia:m[]!-\n")
STATEMENTS = st.dictionaries(
    st.sampled_from(["Effect", "Action", "NotAction", "Resource", "NotResource"]),
    st.sampled_from(["Allow", "Deny"]) | WILD | st.lists(WILD) | JSON,
)


@given(JSON | st.fixed_dictionaries({"Statement": st.lists(STATEMENTS) | STATEMENTS | JSON}))
def test_no_document_ever_raises(document: object) -> None:
    """Whatever JSON someone stores as a policy, reading it yields grants or faults."""
    assert isinstance(of_document(document, ME), Grants)


def test_a_pattern_made_to_exhaust_regular_expressions_ends() -> None:
    """A thousand stars against a long text is answered, as no."""
    assert not matches("*a" * 1000 + "b", "a" * 3000)


def test_brackets_mean_themselves() -> None:
    """A bracket is a letter, not a set of letters."""
    assert matches("a[bc]", "A[BC]")
    assert not matches("a[bc]", "ab")
