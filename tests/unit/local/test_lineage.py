"""Rounds of recursion, counted in the trace header."""

from __future__ import annotations

from urllib.parse import quote

from straywatch.local.bridge.lineage import longer, rounds

ROOT = "Root=1-67891233-abcdef012345678912345678;Sampled=0"
ONE, OTHER = (f"arn:aws:lambda:us-east-1:123456789012:function:{name}" for name in ("a", "b"))


def test_a_chain_counts_each_function_by_itself() -> None:
    """A header says how often the chain has met this function, and keeps its root."""
    header = longer("", ONE, ROOT)
    header = longer(header, OTHER, "Root=another")
    header = longer(header, ONE, "Root=another")

    assert (rounds(header, ONE), rounds(header, OTHER)) == (2, 1)
    assert header.startswith(ROOT)


def test_a_header_without_lineage_is_a_new_chain() -> None:
    """Nothing was met so far."""
    assert rounds("", ONE) == rounds(ROOT, ONE) == 0
    assert rounds("Root=1;Lineage=nonsense", ONE) == 0


def test_the_count_survives_the_way_through_the_sdk() -> None:
    """Botocore quotes what it passes on."""
    header = longer(longer("", ONE, ROOT), OTHER, ROOT)
    passed_on = quote(header, safe="-=;:+&[]{}\"',")

    assert (rounds(passed_on, ONE), rounds(passed_on, OTHER)) == (1, 1)
    assert rounds(longer(passed_on, ONE, ROOT), ONE) == 2
