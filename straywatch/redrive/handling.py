"""Goes through the dead letters, one after the other, so that none is lost on the way."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field

from botocore.exceptions import BotoCoreError, ClientError

from straywatch.errors import StraywatchError, explain
from straywatch.redrive.again import Redriven, Result
from straywatch.redrive.letterbox import Letterbox
from straywatch.redrive.letters import DeadLetter

Act = Callable[[DeadLetter], Result]
"""What is done with a letter. Raises ClientError where AWS refuses."""


@dataclass
class RedriveSummary:
    """What became of the letters, in the order in which they came."""

    handled: list[tuple[DeadLetter, Result]] = field(default_factory=list)
    others: list[DeadLetter] = field(default_factory=list)
    """Letters that were not asked for."""

    @property
    def left(self) -> list[DeadLetter]:
        """All letters that stay in the queue."""
        stay = [letter for letter, result in self.handled if not isinstance(result, Redriven)]
        return stay + self.others

    @property
    def seen(self) -> int:
        """How many letters were looked at."""
        return len(self.handled) + len(self.others)

    @property
    def done(self) -> int:
        """How many letters are out of the queue."""
        return sum(isinstance(result, Redriven) for _, result in self.handled)


def handle(
    box: Letterbox,
    act: Act,
    is_chosen: Callable[[DeadLetter], bool],
    limit: int,
) -> RedriveSummary:
    """Act on each letter, then remove it: in this order a crash repeats work and loses none.

    Whatever stays is shown to others again, whatever happens. Raises StraywatchError.
    """
    outcome = RedriveSummary()
    held: dict[str, DeadLetter] = {}
    try:
        with closing(box.letters(box.now(), limit)) as letters:
            for letter in letters:
                held[letter.message_id] = letter
                if not is_chosen(letter):
                    outcome.others.append(letter)
                    continue
                result = act(letter)
                if isinstance(result, Redriven):
                    box.remove(letter)
                    del held[letter.message_id]
                outcome.handled.append((letter, result))
    except (BotoCoreError, ClientError) as error:
        done = f"; {outcome.done} were done before, the rest stays" if outcome.done else ""
        raise StraywatchError(f"{explain(error)}{done}") from error
    finally:
        box.put_back(list(held.values()))
    return outcome
