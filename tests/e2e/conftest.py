"""What end-to-end tests share: one package for all, one emulator and stack for each worker."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from straywatch.deploy.packaging import Package
from straywatch.local.emulator.client import ControlClient
from straywatch.local.emulator.process import LocalAws, running_emulator
from tests.e2e.local_stack import LocalStack, local_stack, shared_package

UNLIKE_AWS_AND_OF_NO_MATTER = {
    r"cloudformation: \S+\.Description: 0 characters.*": "an empty text where AWS says nothing",
    r"dynamodb: \S+\.WarmThroughput\..*": "nobody asks for it",
}
"""What the emulator answers and AWS could not, as patterns, and why that may stay so."""


def unlike_aws(control: ControlClient) -> list[str]:
    """What the emulator has answered unlike AWS, and somebody should mend."""
    passed = re.compile("|".join(UNLIKE_AWS_AND_OF_NO_MATTER))
    return [told for told in control.unlike_aws() if not passed.fullmatch(told)]


@pytest.fixture(scope="session")
def package(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Package:
    """The packaged application, built once for all workers of this run."""
    base = tmp_path_factory.getbasetemp()
    return shared_package(base if worker_id == "master" else base.parent)


@pytest.fixture(scope="session")
def deployed(package: Package) -> Iterator[LocalStack]:
    """The worker's own stack; tests use `stack`, which leaves it as it should be.

    All tests of a worker open findings on it: were many at once a flood, the digest would be waited
    for, or not, as the seconds fall.
    """
    with local_stack(package, DigestAbove="0") as stack:
        yield stack


@pytest.fixture
def stack(deployed: LocalStack) -> Iterator[LocalStack]:
    """The deployed monitor with a short grace; after the test nothing is held back or fails."""
    deployed.control.forget_calls()
    yield deployed
    deployed.control.reset()
    assert unlike_aws(deployed.control) == []


@pytest.fixture(scope="session")
def emulator() -> Iterator[LocalAws]:
    """The worker's own emulator with nothing in it; tests use `aws`."""
    with running_emulator(retry_seconds=0.2) as running:
        yield running


@pytest.fixture
def aws(emulator: LocalAws) -> Iterator[LocalAws]:
    """An emulator without the monitor; after the test nothing is held back or fails."""
    yield emulator
    emulator.control.reset()
    assert unlike_aws(emulator.control) == []
