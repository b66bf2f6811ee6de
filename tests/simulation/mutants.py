"""Copies of the product with one thing broken on purpose, loaded beside it under other names.

A mutant is data: the module, the text that is there, and the text put in its place. A text that is
not there any more is an error, so that no mutant can quietly become the product itself.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.simulation.product import PACKAGE, ROOT, Product, product

_NAME = re.compile(rf"\b{PACKAGE}\b")


@dataclass(frozen=True)
class Mutant:
    """What is broken, where, and which promises it may break."""

    name: str
    module: str
    there: str
    instead: str
    promises: frozenset[int]


def _breaks(*promises: int) -> frozenset[int]:
    return frozenset(promises)


MUTANTS = (
    Mutant(
        "skips_the_conditional_write",
        "adapters.tables",
        '"Item": item, "ConditionExpression": condition}',
        '"Item": item}\n    values = {}',
        _breaks(4, 5),
    ),
    Mutant(
        "takes_a_failed_page_for_an_empty_one",
        "adapters.iam_users",
        'raise UnreadableUsersError(f"GetAccountAuthorizationDetails: {error}") from error',
        "return Page((), None)",
        _breaks(1, 5),
    ),
    Mutant(
        "takes_an_error_for_a_deletion",
        "adapters.iam",
        "        except self.client.exceptions.NoSuchEntityException:\n"
        "            return NoSuchUser()\n\n    def user",
        "        except Exception:\n            return NoSuchUser()\n\n    def user",
        _breaks(1, 5),
    ),
    Mutant(
        "names_findings_after_the_name",
        "domain.findings",
        "{self.account.key}:{self.user_id}:{self.number}",
        "{self.account.key}:{self.user_name}:{self.number}",
        _breaks(4, 5, 6),
    ),
    Mutant(
        "publishes_before_it_records",
        "flows.lifecycle",
        "        if self.findings.add(finding) is Write.CONFLICT",
        "        self.topic.publish(Alert(finding.outbox[0], finding))\n"
        "        if self.findings.add(finding) is Write.CONFLICT",
        _breaks(4, 5),
    ),
    Mutant(
        "drops_the_outbox",
        "flows.lifecycle",
        "        if not finding.outbox:\n            return\n        stored =",
        "        return\n        stored =",
        _breaks(1, 5, 7),
    ),
    Mutant(
        "ignores_who_joins",
        "domain.marks",
        "            return _joined(mark, at, event.cause.group_name)",
        "            return mark",
        _breaks(3, 5),
    ),
    Mutant(
        "forgets_the_grace",
        "flows.lifecycle",
        "if self.clock() < since.at + self.settings.grace:",
        "if False:",
        _breaks(2, 3),
    ),
    Mutant(
        "counts_from_receipt",
        "domain.events",
        "return min(max(instant, _BEFORE_IAM), now)",
        "return now",
        _breaks(1, 2, 3),
    ),
    Mutant(
        "closes_nothing_that_is_gone",
        "flows.sweep",
        "        if not open_unseen:\n            return 0",
        "        if open_unseen or not open_unseen:\n            return 0",
        _breaks(5),
    ),
    Mutant(
        "loses_what_fails",
        "flows.batch",
        "        last = receives >= MOST_RECEIVES\n",
        "        return True\n        last = receives >= MOST_RECEIVES\n",
        _breaks(1, 5, 7),
    ),
)


def mutated(mutant: Mutant, folder: Path) -> Product:
    """Write the mutant's package into `folder`, and load it.

    Raises LookupError if the text to be replaced does not stand in the module exactly once.
    """
    package = f"mutant_{mutant.name}"
    copy = folder / package
    copy.mkdir()
    broken = 0
    for source in (ROOT / PACKAGE).rglob("*.py"):
        place = source.relative_to(ROOT / PACKAGE)
        text = source.read_text()
        if ".".join(place.with_suffix("").parts) == mutant.module:
            broken = text.count(mutant.there)
            text = text.replace(mutant.there, mutant.instead)
        (copy / place).parent.mkdir(parents=True, exist_ok=True)
        (copy / place).write_text(_NAME.sub(package, text))
    if broken != 1:
        raise LookupError(f"{mutant.name}: {mutant.there!r} is not once in {mutant.module}")
    entry = folder / f"{package}_app.py"
    entry.write_text(_NAME.sub(package, (ROOT / "app.py").read_text()))
    sys.path.insert(0, str(folder))
    try:
        return product(package, entry)
    finally:
        sys.path.remove(str(folder))
