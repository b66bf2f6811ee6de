"""Which history catches which mutant, and quickly: known ones by their title, others by their seed.

It is looked for among all others where the named one does not catch it any more.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain

from tests.simulation.generate import generate
from tests.simulation.known_histories import KNOWN
from tests.simulation.plan import Plan

_OTHERS = 60
"""How many more seeds a mutant may survive, beside the known histories."""
_A_GRACE = "a grace that was over when a sweep judged, not when it looked"
_A_NAME = "a name changes hands 275 ms after the event, about when a check looks"
_MADE = "made, put in a group and taken out within a second, and hardly anything told"
CAUGHT_BY: Mapping[str, str | int] = {
    "never_ask_who": "two strays swap their names",
    "never_ask_exemption": "an exemption that ends between a check and the next sweep",
    "never_ask_finding": "a name is given up and taken, and its new bearer joins",
    "takes_ask_risk_for_at_peace": _A_GRACE,
    "never_ask_look": "joined while the risk was being read",
    "believes_every_look": "deleted, which nobody told, and made anew",
    "takes_gone_for_look_later": 7,
    "takes_at_peace_for_a_stray": "a name is given up and taken, and its new bearer joins",
    "takes_settled_for_at_peace": "seen in a group, as no event told, before it was found in none",
    "takes_unsure_who_for_close": _A_NAME,
    "takes_close_for_at_peace": _A_NAME,
    "takes_unsent_for_still_open": 13,
    "takes_over_meanwhile_for_still_open": 10,
    "takes_still_open_for_over_meanwhile": _A_GRACE,
    "forgets_the_grace": _MADE,
    "takes_open_for_at_peace": _A_GRACE,
    "skips_the_conditional_write": 114,
    "takes_a_failed_page_for_an_empty_one": 49,
    "takes_an_error_for_a_deletion": 78,
    "names_findings_after_the_name": _A_NAME,
    "publishes_before_it_records": _A_GRACE,
    "drops_the_outbox": 13,
    "ignores_who_joins": _MADE,
    "counts_from_receipt": 13,
    "closes_nothing_that_is_gone": 37,
    "loses_what_fails": 18,
    "takes_any_kind_answer_for_sent": 1140,
    "pages_what_is_over": 341,
    "closes_no_incident": 57,
    "looks_once": "a finding ends while its page is under way",
    "follows_alarms_by_arrival": 11,
    "counts_what_failed_as_sent": 22,
    "mutes_the_high": 168,
    "ends_no_flood": 116,
    "counts_who_is_open_alone": 116,
    "sends_no_digest": 116,
    "imports_what_a_message_says": "an alert reaches Security Hub after its end",
}


def likely(mutant: str) -> Iterator[Plan]:
    """Histories, the one that is known to catch the mutant first."""
    named = CAUGHT_BY[mutant]
    yield KNOWN[named] if isinstance(named, str) else generate(named)
    yield from chain(KNOWN.values(), map(generate, range(_OTHERS)))
