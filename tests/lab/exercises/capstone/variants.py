"""The mended chat with one mistake put back in: for each mistake, what is replaced in which file."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from lab.exercises.capstone.props import Ports, props
from lab.exercises.capstone.trial import tried
from lab.exercises.draw import SEED, Draw

DRAW = Draw(bytes(range(SEED)))

SOLUTION = Path(__file__).with_name("solution")
SERVER, CLIENT = "server.py", "client.py"
Change = tuple[str, str, str]  # file, old text (which stands there once), new text

_READ = '        return (await reader.readuntil(b"\\n")).rstrip(b"\\r\\n")\n'
_FIRST_OF_WHAT_COMES = """\
        line = await reader.readuntil(b"\\n")
        await reader.read(len(reader._buffer)) if reader._buffer else None
        return line.rstrip(b"\\r\\n")
"""
# several lines are told apart, but what is left over is taken for a line
_WHAT_COMES = """\
        waiting: list[bytes] = reader.__dict__.setdefault("waiting", [])
        if not waiting:
            waiting += (await reader.read(1 << 20)).splitlines()
        line = waiting.pop(0) if waiting else None
        if line and len(line) > MAX_LINE:
            raise RefusedError("too long")
        return line
"""
_RECEIVE = '        sys.stdout.write(line.decode(errors="replace").rstrip("\\r\\n") + "\\n")\n'
_SAID = 'room.tell_others(name, f"{name} > {text}")'
_FITS = '1 <= len(name) <= MAX_NAME and all(char.isalnum() or char in "_-." for char in name)'
_TAKEN = "        if name in self.people:\n"
_ENTER = "        room.enter(name, writer)\n"
_LEAVE = "        room.leave(name, writer)\n"
_TELL = "        for other, writer in list(self.people.items()):\n"
_UNREAD = "    if writer.transport.get_write_buffer_size() > MAX_UNREAD:\n        writer.transport.abort()\n"
_CLOSING = "    if writer.transport.is_closing():\n        return\n"
_NOT_UTF8 = '            send(writer, "* that line is not UTF-8: send it as UTF-8")\n'
_LEFT = '            self.tell_others(name, f"* {name} has left")\n'
_QUIT = '        if text in ("!quit", "!salir"):\n'
_CONTEXT = "    context = ssl.create_default_context(cafile=options.ca)\n"
_REFUSED = "    except (OSError, ValueError) as error:"
_SERVER = "    server = await asyncio.start_server(\n"


def _accepting(after: str) -> str:
    """The server's sockets accepted by hand: how each is shaken hands with is `after`."""
    return f"""\
    loop = asyncio.get_running_loop()
    if context is not None:
        import os, socket
        listening = socket.create_server(("127.0.0.1", options.port), backlog=100)
        listening.setblocking(False)
        def protocol():
            reader = asyncio.StreamReader(limit=MAX_LINE, loop=loop)
            return asyncio.StreamReaderProtocol(reader, lambda reader, writer: visit(room, reader, writer), loop=loop)
        async def shake(connected):
            try:
                await loop.connect_accepted_socket(protocol, connected, ssl=context)
            except ssl.SSLError:
                os._exit(1)
        while True:
            connected, _ = await loop.sock_accept(listening)
            {after}
{_SERVER}"""


_LATE = "        await asyncio.sleep(0.01)\n"

VARIANTS: dict[str, list[Change]] = {
    "framing.pieces": [(SERVER, _READ, _WHAT_COMES)],
    "framing.together": [(SERVER, _READ, _FIRST_OF_WHAT_COMES)],
    "framing.long": [(SERVER, "MAX_LINE = 4096", "MAX_LINE = 1024")],
    "framing.client": [
        (CLIENT, "await reader.readline()", "await reader.read(1024)"),
    ],
    "spoofing.as_another": [(SERVER, _SAID, 'room.tell_others(name, text if " > " in text else f"{name} > {text}")')],
    "spoofing.not_named": [(SERVER, _SAID, 'room.tell_others(name, f"<{name}> {text}")')],
    "spoofing.client_names": [
        (CLIENT, 'b"!quit\\n" if data is None else data', 'b"!quit\\n" if data is None else NAME + b" > " + data'),
        (CLIENT, "MAX_LINE = 1 << 20", "MAX_LINE = 1 << 20\nNAME = sys.argv[sys.argv.index('--name') + 1].encode()"),
    ],
    "names.duplicate": [(SERVER, _TAKEN, "        if name in ():\n")],
    "names.empty": [(SERVER, _FITS, _FITS.replace("1 <=", "0 <="))],
    "names.control": [(SERVER, _FITS, _FITS.replace('"_-."', '"_-.\\x1b["'))],
    "names.unfit": [(SERVER, _FITS, _FITS.replace('"_-."', '"_-. >"')), (SERVER, "MAX_NAME = 20", "MAX_NAME = 40")],
    "names.endless": [(SERVER, "MAX_NAME = 20", "MAX_NAME = 4000")],
    # asked, and changed a moment later
    "sharing.same_name": [
        (SERVER, _TAKEN, "        if name in ():\n"),
        (
            SERVER,
            _ENTER,
            f"        taken = name in room.people\n{_LATE}        if taken:\n{'    ' * 3}return\n{_ENTER}",
        ),
    ],
    # a place is looked for, and used a moment later
    "sharing.lists": [
        (
            SERVER,
            _LEAVE,
            "        place = [*room.people].index(name) if room.people.get(name) is writer else 99\n"
            f"{_LATE}"
            "        for other in [*room.people][place : place + 1]:\n"
            "            room.leave(other, room.people[other])\n",
        )
    ],
    # nobody speaks while somebody leaves
    "sharing.lost": [
        (SERVER, _TELL, f"        if ' > ' in line and self.__dict__.get('busy'):\n            return\n{_TELL}"),
        (SERVER, _LEAVE, f"        room.busy = True\n{_LATE}        room.busy = False\n{_LEAVE}"),
    ],
    # one comes after the other, or not at all
    "sharing.broke": [
        (
            SERVER,
            _ENTER,
            f"        if room.__dict__.get('busy'):\n            return\n        room.busy = True\n{_LATE}"
            f"        room.busy = False\n{_ENTER}",
        )
    ],
    "slow.dead": [
        (SERVER, _CLOSING, _CLOSING.replace("return", "raise ConnectionResetError")),
        (SERVER, _LEAVE, f"        await asyncio.sleep(0 if writer.can_write_eof() else 9)\n{_LEAVE}"),
    ],
    # send() that waits for whoever does not read
    "slow.slow": [
        (
            SERVER,
            _UNREAD,
            "    import time\n"
            "    while writer.transport.get_write_buffer_size() > MAX_UNREAD:\n"
            "        time.sleep(0.1)\n",
        )
    ],
    "limits.endless_line": [(SERVER, "        limit=MAX_LINE,\n", "        limit=1 << 24,\n")],
    "limits.too_many": [(SERVER, "MAX_PEOPLE = 50", "MAX_PEOPLE = 500")],
    "limits.too_few": [(SERVER, "MAX_PEOPLE = 50", "MAX_PEOPLE = 20")],
    "swallowed.server_silent": [(SERVER, _NOT_UTF8, "")],
    "swallowed.client_stays": [
        (CLIENT, "        await receive(reader)\n", "        await receive(reader)\n        await asyncio.sleep(99)\n")
    ],
    "swallowed.client_silent": [(CLIENT, "        return 1\n", "        return 0\n")],
    "swallowed.client_unreached": [
        (CLIENT, _REFUSED, f"    except ConnectionRefusedError:\n        return 1\n{_REFUSED}")
    ],
    "leaving.unannounced": [
        (SERVER, _LEFT, ""),
        (SERVER, _QUIT, f'{_QUIT}            room.tell_others(name, f"* {{name}} has left")\n'),
    ],
    "leaving.still_listed": [(SERVER, "            del self.people[name]\n", "")],
    "verification.stranger": [
        (
            CLIENT,
            _CONTEXT,
            f"{_CONTEXT}    context.check_hostname = False\n    context.verify_mode = ssl.CERT_NONE\n",
        )
    ],
    "verification.another_name": [(CLIENT, _CONTEXT, f"{_CONTEXT}    context.check_hostname = False\n")],
    "verification.refuses_genuine": [(CLIENT, _CONTEXT, "    context = ssl.create_default_context()\n")],
    "handshake.silent": [(SERVER, _SERVER, _accepting("await shake(connected)"))],
    "handshake.no_tls": [(SERVER, _SERVER, _accepting("room.task = asyncio.create_task(shake(connected))"))],
}

# One for each step: the mended chat with this one weakness left. Every second of them can be left in one chat.
HALVES = (
    "framing.pieces",
    "spoofing.as_another",
    "names.duplicate",
    "sharing.same_name",
    "slow.slow",
    "limits.endless_line",
    "swallowed.server_silent",
    "leaving.unannounced",
    "verification.stranger",
    "handshake.silent",
)


def write(folder: Path, *names: str) -> Path:
    """Write the mended chat into a folder, with the mistakes that are named."""
    changes = [change for name in names for change in VARIANTS[name]]
    for program in (SERVER, CLIENT):
        text = (SOLUTION / program).read_text("utf-8")
        for file, old, new in changes:
            if file == program:
                assert text.count(old) == 1, f"{names}: {old!r}"
                text = text.replace(old, new)
        (folder / program).write_text(text, "utf-8")
    return folder


def mistakes_of(*steps: str) -> tuple[str, ...]:
    """The variants that each make a mistake in one of these steps, but for those that the whole trial is tried with."""
    return tuple(name for name in VARIANTS if name.partition(".")[0] in steps and name not in HALVES)


def found_in(names: tuple[str, ...], folder: Path) -> dict[str, str]:
    """Make each variant, and try it in the step of its mistake, several at a time: what they do is to wait."""

    ports = Ports()

    def one(name: str) -> str:
        private = folder / name
        private.mkdir()
        shared = replace(props(write(private, name), DRAW), ports=ports)
        return tried(name.partition(".")[0], shared, DRAW)[0]

    with ThreadPoolExecutor(6) as pool:
        return dict(zip(names, pool.map(one, names), strict=True))
