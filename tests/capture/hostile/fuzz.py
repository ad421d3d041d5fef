"""Throws hostile input at all that reads TLS, and holds what comes back against a second reader: `--inputs 100000`.

Every input must end in what the reference reads, in an error of our own where the reference finds a rule broken, or in
"need more" where it runs out of bytes; whole, in pieces and with bytes behind it alike. Whatever opens with keys must
be a record that was on the wire when the capture was made. An input is made of its kind, the seed and its number alone:
what is printed where one fails makes it again. `--tshark 1000` holds changed connections against tshark instead.
"""

import argparse
import resource
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from tests.capture.hostile import connections, parsers
from tests.capture.hostile.compare import compare
from tests.capture.hostile.holding import source
from tests.capture.hostile.samples import ENDS, mutated_capture, samples

SLOW = 2.0  # seconds of processor time that no input may take, most of them a thousandth of it


KINDS: dict[str, tuple[Callable[[Random], str], int]] = {
    "records": (parsers.records, 20),
    "handshake messages": (parsers.messages, 15),
    "ClientHello": (parsers.client_hellos, 15),
    "ServerHello": (parsers.server_hellos, 12),
    "Certificate": (parsers.certificates, 8),
    "ServerKeyExchange": (parsers.key_exchanges, 6),
    "NewSessionTicket": (parsers.tickets, 4),
    "key log": (parsers.key_logs, 6),
    "connection": (connections.connections, 12),
    "file": (connections.files, 2),
}


# What tshark may make of hostile records and the lab does not, and the other way round; compare.py says why.
EXPLAINED = {
    "after bytes that are no record",
    "tshark guesses",
    "tshark leaves the rest of a malformed frame",
    "tshark sees no TLS",
    "tshark takes words in the clear for a header",
    "tshark wants no version 0304 in a record",
}


@dataclass(slots=True)
class Result:
    """What a run gave.

    Attributes:
        outcomes: how often each kind ended in what.
        slowest: the most processor time that one input took, in seconds, and which.
        failed: the inputs that failed, with the reason.
    """

    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)
    slowest: tuple[float, str] = (0.0, "")
    failed: list[str] = field(default_factory=list)


def one(kind: str, seed: int, number: int) -> str:
    """Make and check one input."""
    return KINDS[kind][0](source(kind, seed, number))


def numbered(kinds: Sequence[str], inputs_wanted: int) -> Iterator[tuple[str, int]]:
    """Yield kinds by their weights, with a number each."""
    weights = [kind for kind in kinds for _ in range(KINDS[kind][1])]
    for number in range(inputs_wanted):
        yield weights[number % len(weights)], number


def fuzz(seed: int, inputs_wanted: int, kinds: Sequence[str] = tuple(KINDS), first: int = 0) -> Result:
    result = Result()
    samples()
    for kind, number in numbered(kinds, first + inputs_wanted):
        if number < first:
            continue
        begun = time.process_time()
        try:
            result.outcomes[kind, one(kind, seed, number)] += 1
        except Exception:
            result.failed.append(f"--only '{kind}' --seed {seed} --number {number}\n{traceback.format_exc(limit=-4)}")
        took = time.process_time() - begun
        if took > SLOW:
            result.failed.append(f"--only '{kind}' --seed {seed} --number {number}\ntook {took:.1f} s")
        result.slowest = max(result.slowest, (took, f"{kind} {number}"))
    return result


def against_tshark(seed: int, count: int) -> int:
    """Write connections into a capture and compare; 1 where something is not explained."""
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "changed.pcap"
        path.write_bytes(mutated_capture(seed, count))
        result = compare("tshark", path, "native", [ENDS[1].port])
    reasons = Counter(difference.reason for difference in result.differences)
    for reason, number in reasons.most_common():
        sys.stdout.write(f"{number:8} streams: {reason}\n")
    wrong = [difference for difference in result.differences if difference.reason not in EXPLAINED]
    for difference in wrong:
        sys.stdout.write(f"FAILED {difference}\n")
    sys.stdout.write(
        f"{count} connections, {result.streams} streams the same to both, {result.records} records agree, "
        f"{len(wrong)} streams differ without a reason; {time.monotonic() - begun:.0f} s, seed {seed}.\n"
    )
    return int(bool(wrong))


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Throws hostile input at the parsers of TLS.")
    parser.add_argument("--inputs", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=time.time_ns() % 10**9)
    parser.add_argument("--only", choices=KINDS, action="append", help="this kind; may be repeated")
    parser.add_argument("--number", type=int, help="one input again, of one kind, and what it raises")
    parser.add_argument("--tshark", type=int, metavar="COUNT", help="hold so many changed connections against tshark")
    arguments = parser.parse_args(argv)
    if arguments.tshark:
        return against_tshark(arguments.seed, arguments.tshark)
    if arguments.number is not None:
        sys.stdout.write(one(arguments.only[0], arguments.seed, arguments.number) + "\n")
        return 0
    before, begun = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.monotonic()
    result = fuzz(arguments.seed, arguments.inputs, arguments.only or tuple(KINDS))
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    for (kind, what), count in sorted(result.outcomes.items()):
        sys.stdout.write(f"{count:8} {kind}: {what}\n")
    for failure in result.failed[:10]:
        sys.stdout.write(f"FAILED {failure}\n")
    sys.stdout.write(
        f"{sum(result.outcomes.values())} inputs as they should be, {len(result.failed)} not; "
        f"{time.monotonic() - begun:.0f} s, seed {arguments.seed}; the slowest took {result.slowest[0] * 1000:.0f} ms "
        f"({result.slowest[1]}); the process grew by {grown:.0f} MB.\n"
    )
    return int(bool(result.failed))


if __name__ == "__main__":
    raise SystemExit(main())
