"""What a run of the fakes has measured: values, and what can be counted of them. Pure."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from capture.randomness import Randomness
from capture.sources.source import Counters
from lab.scenario import Sent
from lab.scenarios.fakes.attack_ctr import CtrAttack
from lab.scenarios.fakes.attack_ecb import EcbAttack
from lab.scenarios.fakes.attack_xor import XorAttack
from lab.scenarios.fakes.attacks import Message, Sealed
from lab.verdict import Verdict

BASE64, XOR, ECB, CTR = "base64", "repeating XOR", "AES-ECB", "AES-CTR, nonce reused"
LISTENED, RELAYED, TLS = "RSA + AES-GCM", "RSA + AES-GCM, key swapped", "TLS 1.3"
ATTACKERS_KEY = "attackers-key.pem"  # a file in the folder of the run
ATTACKS = {
    BASE64: "undone",
    XOR: "by coincidences and a crib",
    ECB: "by a codebook",
    CTR: "by cribs, dragged along",
    RELAYED: "with the attacker's own key",
    LISTENED: "by listening alone",
    TLS: "by listening alone",
}


def agreeing(sent: Sequence[Sent], messages: Sequence[Message]) -> int:
    """Return how many of the messages sent were read: the words, and who said them."""
    truth, read = (Counter((message.who, message.text) for message in found) for found in (sent, messages))
    return (truth & read).total()


@dataclass(frozen=True, slots=True)
class Row:
    """One chat.

    Attributes:
        name: how it was sealed.
        port: of the wire, as the capture shows it.
        sent: what was really said.
        messages: what was read.
        line: the longest line that a client sent, as it stands there.
        one: the randomness test of that line.
        all: the same of all sealed lines.
        closed: for what should be read by nobody: the search for the words in it.
    """

    name: str
    port: int
    sent: tuple[Sent, ...]
    messages: tuple[Message, ...]
    line: Sealed
    one: Randomness | None
    all: Randomness | None
    closed: Verdict | None = None

    @property
    def attack(self) -> str:
        """How it is attacked."""
        return ATTACKS[self.name]

    @property
    def whole(self) -> bool:
        """Whether all of it was read."""
        return bool(self.sent) and self.read == len(self.sent)

    @property
    def read(self) -> int:
        """How many messages were read: the words, and who said them."""
        return agreeing(self.sent, self.messages)

    @property
    def invented(self) -> int:
        """How many messages were read that nobody sent."""
        return len(self.messages) - self.read


@dataclass(frozen=True, slots=True)
class Exchange:
    """The keys of the relayed chat, as they crossed the wire on its first connection.

    Attributes:
        genuine: the far end's public key, between the far end and the relay.
        shown: the public key that the near end got, between the relay and the near end.
        answer: the AES keys, encrypted under the latter.
        refused: the public key that the near end got which knows the far end's.
        answered: how many bytes that one sent.
    """

    genuine: Sealed
    shown: Sealed
    answer: Sealed
    refused: Sealed
    answered: int


@dataclass(frozen=True, slots=True)
class Fakes:
    """Everything that was measured.

    Attributes:
        rows: the chats, in the order of the page.
        xor: the attack on the repeating key.
        ecb: the attack on ECB.
        ecb_listening: how many messages of that chat are read without saying anything in it.
        ctr: the attack on CTR.
        exchange: the keys of the relayed chat.
        counters: what the capture counted.
        capture: the capture file.
        key: the file with the private key of the one in the middle.
    """

    rows: tuple[Row, ...]
    xor: XorAttack
    ecb: EcbAttack
    ecb_listening: int
    ctr: CtrAttack
    exchange: Exchange
    counters: Counters
    capture: Path
    key: Path

    def row(self, name: str) -> Row:
        """Return the chat of this name."""
        return next(row for row in self.rows if row.name == name)
