"""Records come out of every wrapping they are kept in, and what is none is told."""

from __future__ import annotations

import gzip
import io
import json
from typing import Any

import pytest

from straywatch.replay import documents
from straywatch.replay.documents import Broken, Foreign, Malformed, pieces
from tests.unit.trail import at, created, deleted

ONE, TWO = created(at(), "ann"), deleted(at(hours=1), "ann")
BOTH = [ONE, TWO]
ENVELOPE = {"version": "0", "detail-type": "AWS API Call via CloudTrail", "source": "aws.iam"}


def read(content: bytes) -> list[Any]:
    """Read all pieces."""
    return list(pieces(io.BytesIO(content)))


def encoded(value: object, indent: int | None = None) -> bytes:
    """Write JSON."""
    return json.dumps(value, indent=indent).encode()


def looked_up(records: list[dict[str, Any]]) -> dict[str, Any]:
    """What `aws cloudtrail lookup-events` prints."""
    return {"Events": [{"EventId": "x", "CloudTrailEvent": json.dumps(r)} for r in records]}


WRAPPINGS = {
    "S3's one line": encoded({"Records": BOTH}),
    "S3's, several in a row": encoded({"Records": [ONE]}) + encoded({"Records": [TWO]}),
    "S3's, indented": encoded({"Records": BOTH}, indent=2),
    "one record a line in a wrapper": b'{"Records":[\n%b,\n%b\n]}' % (encoded(ONE), encoded(TWO)),
    "lookup-events": encoded(looked_up(BOTH), indent=4),
    "lookup-events with a marker first": encoded({"NextToken": "x", **looked_up(BOTH)}),
    "a list": encoded(BOTH),
    "a list, one record a line": b"[\n%b,\n%b\n]" % (encoded(ONE), encoded(TWO)),
    "JSON lines": encoded(ONE) + b"\n" + encoded(TWO) + b"\n",
    "a wrapper a line": encoded({"Records": [ONE]}) + b"\n" + encoded({"Records": [TWO]}) + b"\n",
    "envelopes, a line each": b"\n".join(encoded({**ENVELOPE, "detail": r}) for r in BOTH),
    "indented records in a row": encoded(ONE, indent=2) + b"\n" + encoded(TWO, indent=2),
    "a byte order mark before it": b"\xef\xbb\xbf" + encoded({"Records": BOTH}),
    "blank lines around it": b"\n\n" + encoded({"Records": BOTH}) + b"\n\n",
}


@pytest.mark.parametrize("wrapping", WRAPPINGS)
@pytest.mark.parametrize("zipped", [False, True], ids=["plain", "gzip"])
def test_records_come_out_of_every_wrapping(wrapping: str, *, zipped: bool) -> None:
    """Whatever the file is called: its content tells, compressed or not."""
    content = WRAPPINGS[wrapping]
    assert read(gzip.compress(content) if zipped else content) == BOTH


def test_a_single_record_may_stand_alone() -> None:
    """As one copies it from the console."""
    assert read(encoded(ONE, indent=2)) == [ONE]


def test_gzip_files_joined_together_are_read_to_the_end() -> None:
    """`cat *.json.gz` makes one file of many."""
    parts = [gzip.compress(encoded({"Records": [r]})) for r in BOTH]
    assert read(b"".join(parts)) == BOTH


@pytest.mark.parametrize("content", [b"", b" \n\n", gzip.compress(b"", mtime=0)])
def test_an_empty_file_is_named(content: bytes) -> None:
    """CloudTrail writes none: a download has failed."""
    assert [type(piece) for piece in read(content)] == [Broken]


@pytest.mark.parametrize(
    "deep",
    [b"[" * 200_000, b'{"a":' * 50_000, b'[{"a":"]"},' * 50_000, b'{"Records":' + b"[" * 9999],
)
def test_json_that_nests_without_end_is_refused(deep: bytes) -> None:
    """At once, and not after hours; strings that hold brackets do not count."""
    assert isinstance(read(deep)[-1], Broken)
    texts = {"Records": [{**ONE, "errorMessage": '[[{"' * 5_000}, TWO]}
    assert [piece["eventName"] for piece in read(encoded(texts))] == ["CreateUser", "DeleteUser"]


def test_what_a_torn_gzip_still_holds_is_read() -> None:
    """Every record that comes before the tear, by document and by line; then the tear is told."""
    many = [created(at(minutes=n), f"user-{n}") for n in range(200)]
    for content in (encoded({"Records": many}), b"\n".join(map(encoded, many))):
        whole = gzip.compress(content)
        found = read(whole[: len(whole) * 3 // 4])
        records = [piece for piece in found if isinstance(piece, dict)]
        assert records == many[: len(records)]
        assert len(records) > 100
        assert isinstance(found[-1], Broken)


@pytest.mark.parametrize("bad", [b"garbage", b'{"eventName": "Crea', b"\xff\xfe", b"7"])
def test_a_bad_line_costs_no_other(bad: bytes) -> None:
    """Neither those before it nor those after it, be it the first."""
    for lines in ([ONE, bad, TWO], [bad, ONE, TWO], [ONE, TWO, bad]):
        content = b"\n".join(line if isinstance(line, bytes) else encoded(line) for line in lines)
        found = read(content)
        assert [p for p in found if isinstance(p, dict)] == BOTH
        assert sum(isinstance(p, Malformed) for p in found) == 1


def test_a_document_that_breaks_keeps_what_came_before() -> None:
    """A file that was cut off is read as far as it goes, and said to be cut off."""
    content = encoded({"Records": BOTH})[:-10]
    first, broken = read(content)
    assert first == ONE
    assert isinstance(broken, Broken)


def test_compressed_data_that_breaks_is_said_to() -> None:
    """Half a gzip file is not a short log."""
    content = gzip.compress(encoded({"Records": BOTH * 1000}))
    for cut in (content[: len(content) // 2], content[:-4], content[:900] + b"x" * 9000):
        assert isinstance(read(cut)[-1], Broken)


@pytest.mark.parametrize(
    "value", [{"awsAccountId": "1", "digestStartTime": "x"}, {"Records": ["text"]}, [[[[[1]]]]]]
)
def test_json_that_is_no_record_is_malformed(value: object) -> None:
    """It is counted, not taken for an empty log."""
    assert [type(piece) for piece in read(encoded(value))] == [Malformed]


def test_an_envelope_of_another_source_is_nobodys() -> None:
    """Anyone may put an event on the bus that claims to be IAM's, except for its source."""
    forged = {**ENVELOPE, "source": "evil", "detail": ONE}
    assert read(encoded(forged)) == [Foreign()]


def test_a_line_that_never_ends_is_refused_and_passed_over() -> None:
    """Memory stays bounded whatever a file holds."""
    endless = b"x" * (documents.LONGEST_LINE + 5)
    found = read(encoded(ONE) + b"\n" + endless + b"\n" + encoded(TWO))
    assert found == [ONE, Malformed("a line is too long"), TWO]
