"""A plan reviewed, signed by its digest, and carried out a few users at a time."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from moto import mock_aws

from tests.adapters.conftest import Straywatch
from tests.adapters.remediation_account import client, look, populate_few, state


@pytest.fixture
def plan(tmp_path: Path, straywatch: Straywatch, keys: dict[str, str]) -> Path:
    """A plan file for the account that moto keeps while the test runs."""
    path = tmp_path / "plan.yaml"
    populate_few(client())
    made = straywatch("plan", "--no-credential-report", "-o", path, **keys)
    assert made.code == 1, made.err
    assert re.search(r"digest [0-9a-f]{64}$", made.out, re.MULTILINE)
    return path


def groups(name: str) -> tuple[str, ...]:
    """The groups of a user."""
    user = look(client()).user(name)
    assert user is not None
    return user.groups or ()


@pytest.fixture(autouse=True)
def _account() -> object:
    """An account of moto's, from before the plan is made."""
    with mock_aws():
        yield


def digest_of(straywatch: Straywatch, plan: Path) -> str:
    """The digest as the summary shows it to who signs."""
    summary = straywatch("apply", plan, "--print", "summary")
    assert summary.code == 0, summary.err
    found = re.search(r"Digest: `([0-9a-f]{64})`", summary.out)
    assert found is not None
    return found[1]


def test_what_was_approved_is_carried_out_and_nothing_else(
    straywatch: Straywatch, keys: dict[str, str], plan: Path
) -> None:
    """After any edit the digest is another, and the plan is refused before AWS is asked."""
    digest = digest_of(straywatch, plan)
    before = state(client())
    text = plan.read_text()
    plan.write_text(text.replace("why: ", "why:  ", 1))
    refused = straywatch("apply", plan, "--approve", digest, **keys)
    assert refused.code == 2
    assert refused.is_one_clear_line
    assert "not the plan that was approved" in refused.err
    assert state(client()) == before
    plan.write_text(text)
    made = straywatch("apply", plan, "--approve", digest, "--settle", "0", **keys)
    assert made.code == 0, made.err
    assert groups("ann")


def test_some_users_first_then_the_others_in_batches(
    straywatch: Straywatch, keys: dict[str, str], plan: Path
) -> None:
    """--only moves whom it names; the rest follows with the same journal; undo restores all."""
    before = state(client())
    carried = ("apply", plan, "--yes", "--detach-direct", "--settle", "0")
    first = straywatch(*carried, "--only", "ANN", **keys)
    assert first.code == 0, first.err
    assert groups("ann")
    assert (groups("bob"), groups("empty")) == ((), ())
    rest = straywatch(*carried, "--batch", "1", "--pause", "0.01", **keys)
    assert rest.code == 0, rest.err
    assert groups("bob") == groups("ann")
    assert straywatch("verify", plan, **keys).code == 0
    undone = straywatch("undo", f"{plan}.journal", "--settle", "0", **keys)
    assert undone.code == 0, undone.out
    assert state(client()) == before


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--only", "nobody-*"), "the plan has no such user"),
        (("--pause", "5"), "--pause goes with --batch only"),
        (("--print", "terraform", "--detach-direct"), "removes no direct policies"),
        (("--approve", "abc"), "not the plan that was approved"),
    ],
)
def test_what_cannot_be_meant_is_wrong_usage(
    straywatch: Straywatch, plan: Path, options: tuple[str, ...], words: str
) -> None:
    """One line, exit code 2, and AWS is not asked."""
    said = straywatch("apply", plan, *options)
    assert said.code == 2
    assert words in said.err
