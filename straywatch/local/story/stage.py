"""Shows the local AWS at work on a terminal: progress, calls, and alerts as mail."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.panel import Panel
from rich.text import Text

from straywatch.alert_path.delivered import Delivered
from straywatch.local.receivers.inbox import READER
from straywatch.local.story.player import StoryResult
from straywatch.text import visible_lines


class Terminal:
    """A stage on a rich console. What others wrote is shown as plain text, never as markup."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def progress(self, line: str) -> None:
        """Show what is being done."""
        self._console.print(Text(visible_lines(line), style="dim"))

    @contextmanager
    def busy(self, doing: str) -> Iterator[Callable[[str], None]]:
        """Show that something takes a while; the details passed on come and go beside it."""
        self.progress(doing)
        with self._console.status(doing) as status:
            yield lambda detail: status.update(Text(f"{doing}: {visible_lines(detail)}"))

    def scene(self, title: str) -> None:
        """Show what comes next."""
        self._console.print(Text(f"\n# {title}", style="bold"))

    def call(self, command: str, outcome: str) -> None:
        """Show a call and the error it met, if any."""
        line = Text("$ ", style="green").append(visible_lines(command), style="bold green")
        self._console.print(line)
        if outcome:
            self._console.print(Text(f"  {visible_lines(outcome)}", style="yellow"))

    def channel(self, name: str, line: str) -> None:
        """Show what a channel other than mail has got."""
        self.progress(f"{name}: {line}")

    def alert(self, alert: Delivered) -> None:
        """Show an alert as its reader would get it; one for machines alone takes a line."""
        if alert.attributes.get("audience") == "machines":
            self.progress(f"for machines alone: {alert.subject}")
            return
        head = Text(f"To: {READER}\nSubject: {visible_lines(alert.subject)}\n\n", style="bold")
        style = "green" if alert.type == "resolved" else "red"
        mail = head.append(Text(visible_lines(alert.mail or alert.raw).rstrip(), style="default"))
        self._console.print(Panel(mail, border_style=style, title="mail", title_align="left"))

    def verdict(self, verdict: StoryResult) -> None:
        """Say whether the story went as it should."""
        if verdict.as_expected:
            said = "Every expected alert, and no other, came."
            self._console.print(Text(f"\n{said}", style="bold green"))
        for label, alerts in (("missing", verdict.missing), ("unexpected", verdict.unexpected)):
            for alert in alerts:
                line = f"{label}: {alert.type or 'unreadable'} alert about {alert.user_name!r}"
                self._console.print(Text(line, style="bold red"))
        for surprise in verdict.surprises:
            self._console.print(Text(f"surprise: {visible_lines(surprise)}", style="bold red"))

    def invite(self, environment: Mapping[str, str], commands: Sequence[str], page: str) -> None:
        """Say what to try next from another terminal."""
        exports = " ".join(f"{name}={value}" for name, value in environment.items())
        lines = [
            "\nNow it is your turn. In another terminal:",
            f"  export {exports}",
            *(f"  {command}" for command in commands),
            f"Alerts appear here and on {page}. Ctrl-C ends it.",
        ]
        self._console.print(Text("\n".join(lines)), soft_wrap=True)
