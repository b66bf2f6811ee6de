"""IAM's lists, page by page to their end: one that breaks off is an error, never a short list."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
from botocore.parsers import ResponseParserError

FAILURES = (BotoCoreError, ClientError, ResponseParserError)
"""All that a call raises whose answer is not to be had, or is half an answer."""

BROKEN = (HTTPClientError, ResponseParserError)
"""What a call raises whose answer never came, came too late, or broke off on its way."""


class IncompleteAnswerError(BotoCoreError):
    """An answer lacks what IAM always tells. Whoever is ready for a failed call is for this."""

    fmt = "IAM's answer is not whole: {lack}"


def pages(
    client: object,
    operation: str,
    marker: str | None = None,
    **asked: Any,  # noqa: ANN401 - what each operation takes
) -> Iterator[Mapping[str, Any]]:
    """Yield the answers to a list operation of a client, from `marker` on or from the first.

    Pages may be short, or empty with more to come. Raises what botocore raises, and
    IncompleteAnswerError where botocore's own paginator would end in silence: at an answer that
    is truncated and has no marker, or does not say whether it is.
    """
    seen = {marker}
    while True:
        more = {"Marker": marker} if marker else {}
        page: Mapping[str, Any] = getattr(client, operation)(**asked, **more)
        yield page
        marker = marker_after(page)
        if marker is None:
            return
        if marker in seen:
            raise IncompleteAnswerError(lack="it repeats a page, so that the list does not end")
        seen.add(marker)


def marker_after(page: Mapping[str, Any]) -> str | None:
    """Where the list goes on after this page; None at its end. Raises IncompleteAnswerError."""
    if "IsTruncated" not in page:
        raise IncompleteAnswerError(lack="it does not say whether there is more")
    if not page["IsTruncated"]:
        return None
    if not page.get("Marker"):
        raise IncompleteAnswerError(lack="there is more, and it does not say where")
    return str(page["Marker"])


def listed(page: Mapping[str, Any], name: str) -> Sequence[Any]:
    """The page's list of this name. Raises IncompleteAnswerError: IAM sends empty lists, too."""
    if name not in page:
        raise IncompleteAnswerError(lack=f"it comes without {name}")
    found: Sequence[Any] = page[name]
    return found
