"""A Wireshark profile for one run of sharkd or tshark, so that what the user has set elsewhere changes nothing.

Knows Wireshark's preferences and its file `decode_as_entries`. The folder of the profile is also where the program
runs: capture and key log lie in it as links under plain names, because a name from outside may hold what an option, a
preference or JSON cannot carry.
"""

import os
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal

from capture.errors import KeyLogError

Understood = Literal["tls", "data"]

CAPTURE = "capture"  # the name of the capture in the folder
_KEYS = "keys"

# Only what differs from Wireshark's defaults.
_PREFERENCES = (
    # A field says what its bytes say: relative numbers stand nowhere in the packet.
    "tcp.relative_sequence_numbers: FALSE",
    # A record is whole although its segments came in another order.
    "tcp.reassemble_out_of_order: TRUE",
    # No name is looked up, neither on the network nor in a list that differs from system to system.
    "nameres.mac_name: FALSE",
    "nameres.transport_name: FALSE",
    "nameres.network_name: FALSE",
    "nameres.dns_pkt_addr_resolution: FALSE",
    "nameres.use_external_name_resolver: FALSE",
    "nameres.vlan_name: FALSE",
)
_DECODE_AS: Mapping[Understood, tuple[str, ...]] = {
    "data": ("decode_as_entry: tcp.port,{port},(none),Data",),
    # What TLS carries is the chat as well: otherwise Wireshark guesses from port and content.
    "tls": ("decode_as_entry: tcp.port,{port},(none),TLS", "decode_as_entry: tls.port,{port},(none),Data"),
}


@dataclass(frozen=True, slots=True)
class Profile:
    """Where, and with which environment, a program of Wireshark's runs.

    Attributes:
        folder: the folder to run it in; the capture lies there as CAPTURE.
        environment: all of its environment variables.
    """

    folder: Path
    environment: Mapping[str, str]

    def start(self, program: str, *options: str, stderr: IO[str], asked: bool = False) -> subprocess.Popen[bytes]:
        """Start a program with this profile.

        Args:
            program: its path.
            options: what it is told.
            stderr: a file for its messages: a pipe that nobody empties would stop it once it is full.
            asked: whether requests are written to its standard input; else that is ours.
        """
        return subprocess.Popen(
            [program, *options],
            stdin=subprocess.PIPE if asked else None,
            stdout=subprocess.PIPE,
            stderr=stderr,
            cwd=self.folder,
            env=self.environment,
            bufsize=1 << 20,
        )


@contextmanager
def profile(path: Path, ports: Mapping[int, Understood], keylog: Path | None) -> Iterator[Profile]:
    """Give a profile to dissect the capture file at `path` with; it goes away at the end.

    Args:
        path: the capture file.
        ports: what a TCP port carries, whichever side has it: TLS with the chat inside, or bytes of no protocol.
        keylog: the key log that opens TLS.

    Raises:
        KeyLogError: the key log cannot be read.
    """
    with tempfile.TemporaryDirectory(prefix="lab-profile-") as name:
        folder = Path(name)
        (folder / CAPTURE).symlink_to(path.absolute())
        preferences = [*_PREFERENCES]
        if keylog is not None:
            _check_readable(keylog)
            (folder / _KEYS).symlink_to(keylog.absolute())
            preferences.append(f"tls.keylog_file: {_KEYS}")
        entries = [entry.format(port=port) for port, what in ports.items() for entry in _DECODE_AS[what]]
        (folder / "preferences").write_text("\n".join((*preferences, "")), "ascii")
        (folder / "decode_as_entries").write_text("\n".join((*entries, "")), "ascii")
        yield Profile(folder, _environment(name))


def _environment(folder: str) -> Mapping[str, str]:
    # WIRESHARK_CONFIG_DIR is where 4.0 looks for a person's settings, HOME for their plugins; others of its variables
    # turn on messages
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("WIRESHARK_", "XDG_"))}
    return {**kept, "WIRESHARK_CONFIG_DIR": folder, "HOME": folder, "TZ": "UTC"}


def _check_readable(keylog: Path) -> None:
    """Wireshark itself says nothing about a key log that it cannot read."""
    try:
        keylog.open("rb").close()
    except OSError as error:
        msg = f"The key log {keylog} cannot be read: {error.strerror}."
        raise KeyLogError(msg) from error
