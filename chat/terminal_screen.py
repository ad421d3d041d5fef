"""A terminal on which the cursor can be moved: the input line and, below it, how things stand, under what was printed.

Knows: prompt_toolkit. Must not know: what lines mean, how they are worded. Contract: `run` returns a visit's status and
leaves the terminal as it was. What has been printed scrolls up as any output does: it can be scrolled back to,
searched, copied and read aloud with what the terminal has for that.
"""

import asyncio
import curses
import os
import signal
from collections.abc import Callable

from prompt_toolkit.application import Application
from prompt_toolkit.buffer import Buffer
from prompt_toolkit.filters import Condition
from prompt_toolkit.formatted_text import FormattedText
from prompt_toolkit.input import create_input
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.keys import Keys
from prompt_toolkit.layout import BufferControl, Dimension, FormattedTextControl, HSplit, Layout, Window
from prompt_toolkit.layout.processors import BeforeInput, Processor, Transformation, TransformationInput
from prompt_toolkit.output import ColorDepth, create_output
from prompt_toolkit.output.vt100 import Vt100_Output
from prompt_toolkit.renderer import print_formatted_text
from prompt_toolkit.styles import Style

from chat.escape import visible
from chat.protocol import HELP_COMMANDS, USERS_COMMANDS
from chat.terminal_text import STYLES, Line, News, keys, packed, prompt, status, wrapped
from chat.visit import Visit

_UNSEEN = "~"
_MOST_TYPED = 8  # rows that a long line takes before it is scrolled


class Screen:
    """The face of a visit on such a terminal."""

    def __init__(self, visit: Visit) -> None:
        self._visit, self._news = visit, News(visit)
        self._asking = False
        self._setting = False
        self._buffer = Buffer(multiline=False, on_text_changed=self._typed)
        self._style = Style.from_dict(STYLES)
        self._depth = _colour_depth()
        self._output = create_output()
        if isinstance(self._output, Vt100_Output):
            self._output.enable_cpr = False  # where the cursor is need not be known, and some terminals never answer
        self._app: Application[None] = Application(
            Layout(self._laid_out()),
            key_bindings=self._keys(),
            style=self._style,
            color_depth=self._depth,
            erase_when_done=True,
            input=create_input(),
            output=self._output,
        )
        visit.changed = self.changed

    async def run(self) -> int:
        """Show the visit to its end; return its exit status."""
        events = asyncio.get_running_loop()
        events.add_signal_handler(signal.SIGTERM, self._visit.leave)
        visiting = asyncio.create_task(self._visit.run())
        visiting.add_done_callback(self._end)
        try:
            await self._app.run_async()
        except EOFError:  # the terminal has gone
            self._visit.leave()
        finally:
            events.remove_signal_handler(signal.SIGTERM)
            if not visiting.done():
                self._visit.leave()
            await asyncio.wait({visiting})
        self._print()
        return visiting.result()

    def changed(self) -> None:
        """Show what is new."""
        self._print()
        if self._asking is not self._visit.asking:
            self._asking = self._visit.asking
            self._set("")
        if not self._asking and self._buffer.text != self._visit.model.draft:
            self._set(self._visit.model.draft)
        self._app.invalidate()

    def _end(self, _visiting: object) -> None:
        if self._app.is_running and not self._app.is_done:
            self._app.exit()

    def _print(self) -> None:
        # Not with prompt_toolkit's patch_stdout or run_in_terminal: while those print, the terminal itself takes the
        # keys, echoes them, and turns Ctrl-C into a signal.
        new = [line for line, _ in self._news.take()]
        if not new:
            return
        if self._app.is_running:
            self._app.renderer.erase(leave_alternate_screen=False)
        width = self._output.get_size().columns
        parts = FormattedText(part for line in new for part in (*wrapped(line, width), ("", "\n")))
        print_formatted_text(self._output, parts, self._style, color_depth=self._depth)

    # --- the input line ---

    def _typed(self, _buffer: Buffer) -> None:
        if not self._setting and not self._visit.asking:
            self._visit.model.draft = self._buffer.text

    def _set(self, text: str) -> None:
        self._setting = True
        self._buffer.text = text
        self._buffer.cursor_position = len(text)
        self._setting = False

    def _laid_out(self) -> HSplit:
        typed = Window(
            BufferControl(
                self._buffer,
                input_processors=[_OneByOne(), BeforeInput(lambda: prompt(self._visit), "class:prompt")],
            ),
            height=Dimension(min=1, max=_MOST_TYPED),
            wrap_lines=True,
            dont_extend_height=True,
        )
        below = Window(FormattedTextControl(self._below), wrap_lines=True, dont_extend_height=True)
        return HSplit([typed, below])

    def _below(self) -> FormattedText:
        width = self._output.get_size().columns
        items: list[Line] = [[part] for part in status(self._visit)]
        lines = (*packed(items, " | ", width), *packed(keys(self._visit), "  ", width))
        return FormattedText(part for at, line in enumerate(lines) for part in (*([("", "\n")] if at else []), *line))

    # --- keys ---

    def _keys(self) -> KeyBindings:
        bindings, visit = KeyBindings(), self._visit
        alone = Condition(lambda: not self._buffer.text)

        def on(*names: str, do: Callable[[], object], only: Condition | bool = True) -> None:
            for name in names:
                bindings.add(name, filter=only)(lambda _event: do())

        on("enter", do=self._enter)
        on("c-c", "<sigint>", do=visit.leave)
        on("c-d", do=visit.leave, only=alone)
        # as in the window
        on("f1", do=lambda: visit.ask(HELP_COMMANDS))
        on("f2", do=lambda: visit.ask(USERS_COMMANDS))
        on("f3", do=visit.eavesdrop)
        on("f4", do=visit.speak_other)
        on("f5", do=visit.look_at_lock)
        on("up", "c-p", do=lambda: self._walk(visit.model.up))
        on("down", "c-n", do=lambda: self._walk(visit.model.down))

        @bindings.add(Keys.BracketedPaste)
        def _paste(event: KeyPressEvent) -> None:
            # one line is one message: what was several becomes one, to be seen before it is sent
            self._buffer.insert_text(" ".join(event.data.splitlines()))

        return bindings

    def _enter(self) -> None:
        text = self._buffer.text
        if self._visit.asking:
            self._set("")
        self._visit.enter(text)

    def _walk(self, step: Callable[[], None]) -> None:
        if not self._visit.asking:
            step()
            self.changed()


class _OneByOne(Processor):
    """Shows what joins, hides or reorders characters as a sign of its own, as long as it is being edited.

    An emoji joined of several is as wide as one on some terminals and as wide as all on others, and the cursor would be
    somewhere else than it seems.
    """

    def apply_transformation(self, transformation_input: TransformationInput) -> Transformation:
        """Return the input line as it is shown, character for character."""
        return Transformation(
            [
                (style, "".join(char if visible(char) == char else _UNSEEN for char in text))
                for style, text, *_ in transformation_input.fragments
            ]
        )


def _colour_depth() -> ColorDepth | None:
    """Return how many colours to use, None for as many as prompt_toolkit thinks that there are."""
    if os.environ.get("NO_COLOR"):
        return ColorDepth.DEPTH_1_BIT
    try:
        curses.setupterm()
        return ColorDepth.DEPTH_1_BIT if curses.tigetnum("colors") < 8 else None
    except curses.error:  # a terminal that this machine has never heard of
        return None
