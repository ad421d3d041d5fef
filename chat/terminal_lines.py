"""A terminal that can only print (TERM=dumb, as within Emacs): lines come and go, and the terminal itself edits them.

Knows: standard input and output. Must not know: prompt_toolkit's screens, what lines mean. Contract: as
`terminal_screen`; no escape sequence is written. What one has typed and not sent cannot be shown below what comes: a
line that did not leave is printed, and Enter alone sends it.
"""

import asyncio
import shutil
import signal
import sys

from chat.escape import visible
from chat.model import Kind, Stage
from chat.piped import lines, write
from chat.terminal_text import News, keys, prompt, status, words_of, wrapped
from chat.visit import Visit


class Lines:
    """The face of a visit on such a terminal."""

    def __init__(self, visit: Visit) -> None:
        self._visit, self._news = visit, News(visit)
        self._stood = ""
        self._typed = ""
        self._unsent = ""
        visit.changed = self.changed

    async def run(self) -> int:
        """Show the visit to its end; return its exit status."""
        events = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            events.add_signal_handler(number, self._visit.leave)
        visiting = asyncio.create_task(self._visit.run())
        reading = asyncio.create_task(self._type())
        try:
            await asyncio.wait({visiting})
        finally:
            for number in (signal.SIGINT, signal.SIGTERM):
                events.remove_signal_handler(number)
            reading.cancel()
            await asyncio.wait({reading})
        self._print()
        return visiting.result()

    def changed(self) -> None:
        """Show what is new."""
        self._print()
        draft, say = self._visit.model.draft, self._visit.model.words.say
        stands = self._stands()
        moved = stands != self._stood
        if moved:
            self._stood = stands
            write(f"[{stands}]")
        if draft and (moved or draft != self._unsent):
            write("! " + say("not sent yet: {text}", text=visible(draft)))
        self._unsent = draft
        if moved and self._visit.asking:
            write(prompt(self._visit))

    def _stands(self) -> str:
        stage = self._visit.model.stage
        if stage is Stage.LEFT:
            return self._stood
        # how many are here changes with every coming and going, of which a line tells anyway
        parts = [text for _, text in status(self._visit)[:2]]
        if stage is Stage.LOST:
            parts += [words_of(key) for key in keys(self._visit)[:1]]
        return " | ".join(parts)

    def _print(self) -> None:
        width = shutil.get_terminal_size().columns
        for line, entry in self._news.take():
            # what was just typed is on the screen already
            if entry is None or entry.kind is not Kind.OWN or entry.text not in self._typed:
                write(words_of(wrapped(line, width)))

    async def _type(self) -> None:
        async for line in lines(sys.stdin.fileno()):
            self._typed = visible(line)
            self._enter(line)
        self._visit.leave()

    def _enter(self, line: str) -> None:
        visit, model = self._visit, self._visit.model
        if visit.asking or visit.is_command(line):
            visit.enter(line)
            return
        kept = model.draft
        if model.stage is not Stage.INSIDE:
            visit.enter(f"{kept} {line}".strip())
        elif line.strip():
            visit.enter(line)
            model.draft = model.draft or kept
        else:
            visit.enter(kept)
