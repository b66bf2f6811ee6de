"""The message on the sweep queue: what is written is read, and nothing else is."""

from __future__ import annotations

import json

import pytest

from chalicelib.domain.check_requests import MalformedCheckError
from chalicelib.domain.sweep_requests import SweepRequest, decode_sweep, encode_sweep
from tests.unit.records import ACCOUNT, NOW

REQUEST = SweepRequest(ACCOUNT, NOW)


def test_what_is_written_is_read_back() -> None:
    """With its version and its kind."""
    body = encode_sweep(REQUEST)
    assert decode_sweep(body) == REQUEST
    assert (json.loads(body)["version"], json.loads(body)["kind"]) == (1, "sweep")


@pytest.mark.parametrize("change", [{"version": 2}, {"kind": "digest"}, {"version": 0, "kind": ""}])
def test_another_version_or_kind_is_refused(change: dict[str, object]) -> None:
    """Even if all else could be read."""
    body = json.dumps(json.loads(encode_sweep(REQUEST)) | change)
    with pytest.raises(MalformedCheckError, match="of another version or kind"):
        decode_sweep(body)


@pytest.mark.parametrize(
    "body", ["", "[]", "7", "{}", '{"version": 1, "kind": "sweep"}', "[" * 10**5]
)
def test_what_is_no_message_is_refused_for_what_it_is(body: str) -> None:
    """The reason is in the refusal, which is cut to a line."""
    with pytest.raises(MalformedCheckError) as refused:
        decode_sweep(body)
    assert refused.value.__cause__ is not None
    assert len(str(refused.value)) <= 300
