"""The commands that would give this machine what the doctor misses. Writes them down for a person; runs none.

Knows package managers, the wireshark group, file capabilities and the switches that forbid user namespaces.
"""

import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from capture.rights import Choice, Way
from capture.sources import SourceName
from capture.tools import find
from lab import bootstrap

_WANTED = (*bootstrap.RUN_PROGRAMS, "nc", "openssl", "tcpdump")

# Where systems forbid user namespaces to ordinary users: the file in /proc/sys, what it then says, what to make of it.
_SWITCHES = (
    ("kernel.unprivileged_userns_clone", "0", "1"),  # Debian before 11
    ("kernel.apparmor_restrict_unprivileged_userns", "1", "0"),  # Ubuntu since 23.10
    ("user.max_user_namespaces", "0", "10000"),  # namespaces(7)
)


@dataclass(frozen=True, slots=True)
class Fix:
    """One way to make something better.

    Attributes:
        why: what it gives, a sentence; what it opens to others, too.
        commands: shell commands, to be run by hand.
    """

    why: str
    commands: tuple[str, ...]


def fixes(choice: Choice, refused: Mapping[SourceName, str | None], sys: Path = Path("/proc/sys")) -> tuple[Fix, ...]:
    """Return what could be done, the most useful first; nothing where nothing is missing.

    Args:
        choice: the way that the lab would take now.
        refused: why each source may not capture, None where it may.
        sys: where the kernel's switches are, proc(5).
    """
    return tuple(_fixes(choice, refused, sys))


def _fixes(choice: Choice, refused: Mapping[SourceName, str | None], sys: Path) -> Iterator[Fix]:
    manager = bootstrap.package_manager()
    missing = [program for program in _WANTED if find(program, mode=0) is None]
    if missing:
        yield Fix(
            f"{', '.join(missing)}: not installed; `make doctor` says what for.",
            (bootstrap.install_command(missing, manager),),
        )
    if choice.way is Way.LOOPBACK:
        return
    group = bootstrap.capture_rights_commands(manager)
    if group:
        yield Fix("Capturing through dumpcap, for you and who else is in the group; log in again then.", group)
    tcpdump = find("tcpdump", mode=0)
    if tcpdump is not None and manager != "brew" and refused.get("tcpdump") is not None:
        path = shlex.quote(str(Path(tcpdump).resolve()))
        yield Fix(
            "Capturing through tcpdump, which is faster, for you and who else is in the group; log in again then.",
            (
                "sudo groupadd -f pcap",
                'sudo usermod -aG pcap "$USER"',
                f"sudo chgrp pcap {path}",
                f"sudo chmod 750 {path}",
                f"sudo setcap cap_net_raw=eip {path}",
            ),
        )
    if choice.way is Way.TAP:
        for switch, forbids, allows in _SWITCHES:
            file = sys / switch.replace(".", "/")
            if file.is_file() and file.read_text().strip() == forbids:
                yield Fix(
                    "A private loopback, which needs no rights: lets every user make namespaces, until the next start.",
                    (f"sudo sysctl -w {switch}={allows}",),
                )


def cannot(choice: Choice) -> tuple[str, ...]:
    """Return what no command can give here, a sentence each."""
    if choice.way is Way.TAP and find("unshare", mode=0) is None:
        return ("A private loopback cannot be had: only Linux has user and network namespaces.",)
    return ()


def script(found: tuple[Fix, ...], cannot_be: tuple[str, ...]) -> str:
    """Return the fixes as a shell script for a person to read and run, one by one."""
    lines = ["# Nothing of this has been run. Each part stands by itself: read it, then run what you want."]
    if not found and not cannot_be:
        lines = ["# Nothing is missing: there is nothing to run."]
    for fix in found:
        lines += ["", f"# {fix.why}", *fix.commands]
    for sentence in cannot_be:
        lines += ["", f"# {sentence}"]
    return "\n".join(lines)
