"""One captured TCP segment: the value that every reader yields, equal whichever reader made it."""

from typing import NamedTuple

FIN, SYN, RST, PSH, ACK = 0x01, 0x02, 0x04, 0x08, 0x10  # RFC 9293, section 3.1


class Endpoint(NamedTuple):
    """One end of a TCP connection: an address as text (`ip.src`, `ipv6.src`) and a port (`tcp.srcport`)."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class Segment(NamedTuple):
    """A TCP segment and where it stands in the capture.

    A tuple, where what travels further down is dataclasses: there is one for every frame, and making a tuple takes a
    sixth of the time.

    Attributes:
        frame: number of the frame, from 1 (`frame.number`).
        time_ns: when it was captured, nanoseconds since 1970 (`frame.time_epoch`).
        source: who sent it.
        destination: whom it was sent to.
        seq: sequence number on the wire, 32 bits (`tcp.seq_raw`).
        ack: acknowledgment number on the wire, 32 bits (`tcp.ack_raw`).
        flags: the 12 flag bits (`tcp.flags`).
        length: bytes of payload on the wire (`tcp.len`); more than `len(payload)` where the capture cut the frame
            short.
        payload: the captured bytes of payload (`tcp.payload`).
        offset: bytes from the start of the frame to the first byte of payload, as Wireshark's bytes pane counts them.
    """

    frame: int
    time_ns: int
    source: Endpoint
    destination: Endpoint
    seq: int
    ack: int
    flags: int
    length: int
    payload: bytes
    offset: int
