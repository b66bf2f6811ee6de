"""What a deployment costs a month: `python -m bench.costs` makes a table of docs/costs.json."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

DATA = Path(__file__).resolve().parents[1] / "docs" / "costs.json"


@dataclass(frozen=True)
class Cost:
    """What something costs a month in USD: at list price, and beyond the free amounts."""

    listed: float
    charged: float


def read() -> Mapping[str, Any]:
    """Read the prices and the amounts."""
    data: Mapping[str, Any] = json.loads(DATA.read_text(encoding="utf-8"))
    return data


def amounts(data: Mapping[str, Any], account: str) -> Mapping[str, float]:
    """What a kind of account uses a month, by the name of its price."""
    chosen, always, each = data["accounts"][account], data["always"], data["of_each"]
    used: Counter[str] = Counter()
    times = {
        "beat": always["beats"],
        "sweep": always["sweeps"],
        "swept_user": always["sweeps"] * chosen["users"],
        "change": chosen["changes"],
        "finding": chosen["findings"],
    }
    for name, number in times.items():
        for what, amount in each[name].items():
            used[what] += number * amount
    used["sqs"] += always["polls_per_queue"] * chosen["queues"]
    for what in ("key", "metrics", "alarms"):
        used[what] += always[what]
    used["secrets"] += chosen["secrets"]
    return used


def cost(price: Mapping[str, Any], amount: float) -> Cost:
    """What an amount costs, with all of the free amount left for it."""
    rate = price["usd"] / price["per"]
    return Cost(amount * rate, max(0.0, amount - price["free"]) * rate)


def table() -> Iterator[str]:
    """The table of docs/costs.md, line by line."""
    data = read()
    kinds = list(data["accounts"])
    used = {kind: amounts(data, kind) for kind in kinds}
    yield f"| USD a month | {' | '.join(kinds)} |"
    yield f"|---|{'---|' * len(kinds)}"
    totals = {kind: Cost(0.0, 0.0) for kind in kinds}
    for name, price in data["prices"].items():
        costs = {kind: cost(price, used[kind][name]) for kind in kinds}
        for kind, each in costs.items():
            before = totals[kind]
            totals[kind] = Cost(before.listed + each.listed, before.charged + each.charged)
        cells = " | ".join(f"{each.listed:.2f}" for each in costs.values())
        yield f"| [{price['unit']}]({price['page']}) | {cells} |"
    yield f"| **all, at list price** | {' | '.join(f'**{totals[k].listed:.2f}**' for k in kinds)} |"
    charged = " | ".join(f"**{totals[kind].charged:.2f}**" for kind in kinds)
    yield f"| **beyond the free amounts** | {charged} |"


if __name__ == "__main__":
    print("\n".join(table()))
