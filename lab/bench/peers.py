"""The other side: programs that do the same with other tools, each in the fastest way that its documentation has.

They are texts because each is run by a Python of its own: what a library imports must not be in the lab's memory, and
nothing of the lab's but the tally in theirs. Arguments are those of the lab's own programs: a port, or a file.
"""

# EK is pyshark's fastest format, `apply_on_packets` its fastest loop.
WATCH_PYSHARK = """
import asyncio, sys
import pyshark
from pyshark.capture.capture import StopCapture
from capture.tools import LOOPBACK
from lab.bench.messages import Tally

port = sys.argv[1]
tally = Tally()
capture = pyshark.LiveCapture(
    LOOPBACK, bpf_filter=f"tcp port {port}", use_ek=True, decode_as={f"tcp.port=={port}": "data"},
    eventloop=asyncio.new_event_loop(),
)

def take(packet):
    if "data" in packet and tally.take(packet.data.data):
        raise StopCapture

capture.apply_on_packets(take)
tally.report()
"""

# `-l` is the option that hands on each line as it comes.
WATCH_TSHARK = """
import subprocess, sys
from capture.tools import LOOPBACK, require
from lab.bench.messages import Tally

port = sys.argv[1]
tally = Tally()
command = [require("tshark"), "-n", "-l", "-i", LOOPBACK, "-f", f"tcp port {port}", "-d", f"tcp.port=={port},data"]
command += ["-T", "fields", "-e", "data.data"]
process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, encoding="ascii")
for line in process.stdout:
    if tally.take(bytes.fromhex(line)):
        tally.report()
        break
"""

# The limit: a socket and nothing else; no file, no filter but ours for the port, no headers read beyond their lengths.
WATCH_SOCKET = """
import socket, sys
from capture.tools import LOOPBACK
from lab.bench.messages import Tally

port = int(sys.argv[1])
tally = Tally()
with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3)) as opened:
    opened.bind((LOOPBACK, 3))
    while True:
        data, address = opened.recvfrom(1 << 17)
        # packets come twice, going out (4) and coming in; 6 is TCP
        if address[2] != 4 and data[23:24] == b"\\x06" and int.from_bytes(data[36:38], "big") == port:
            if tally.take(data[34 + (data[46] >> 4) * 4 :]):
                break
tally.report()
"""

# Dissecting no more than the layers that are wanted is scapy's advice for speed, a larger buffer for fewer losses.
WATCH_SCAPY = """
import sys
from scapy.config import conf
from scapy.layers.inet import IP, TCP
from scapy.layers.l2 import Ether
from scapy.packet import Raw
from scapy.sendrecv import sniff
from capture.tools import LOOPBACK
from lab.bench.messages import Tally

conf.layers.filter([Ether, IP, TCP, Raw])
conf.bufsize = 1 << 22
port = sys.argv[1]
tally = Tally()
sniff(
    iface=LOOPBACK, filter=f"tcp port {port}", store=False,
    stop_filter=lambda packet: Raw in packet and tally.take(packet[Raw].load),
)
tally.report()
"""

READ_PYSHARK = """
import asyncio, sys
import pyshark
from lab.bench.counting import count

def segments(path):
    found = []

    def take(packet):
        ip, tcp = packet.ip, packet.tcp
        ends = ip.src.value, tcp.srcport, ip.dst.value, tcp.dstport
        found.append((packet.number, packet.sniff_timestamp, *ends, tcp.len))

    capture = pyshark.FileCapture(path, use_ek=True, keep_packets=False, eventloop=asyncio.new_event_loop())
    capture.apply_on_packets(take)
    yield from found

if __name__ == "__main__":
    count(segments(sys.argv[1]))
"""

# Its XML, as EK has no positions: name, place and size of every field, as the lab's trees have them.
DISSECT_PYSHARK = """
import asyncio, sys
import pyshark
from lab.bench.counting import count

def segments(path):
    found = []

    def take(packet):
        found.append([
            (field.name, field.pos, field.size)
            for layer in packet.layers for fields in layer._all_fields.values() for field in fields.fields
        ])

    capture = pyshark.FileCapture(path, keep_packets=False, eventloop=asyncio.new_event_loop())
    capture.apply_on_packets(take)
    yield from found

if __name__ == "__main__":
    count(segments(sys.argv[1]))
"""

# The ten values of a Segment. Addresses are kept as text once they are known, as the lab does it.
READ_DPKT = """
import functools, socket, sys
import dpkt
from lab.bench.counting import count

text = functools.lru_cache(maxsize=4096)(socket.inet_ntoa)

def segments(path):
    with open(path, "rb") as file:
        for frame, (time, data) in enumerate(dpkt.pcap.Reader(file), 1):
            ip = dpkt.ethernet.Ethernet(data).data
            if not isinstance(ip, dpkt.ip.IP) or not isinstance(ip.data, dpkt.tcp.TCP):
                continue
            tcp = ip.data
            payload = tcp.data
            yield (
                frame, round(time * 1_000_000) * 1000, (text(ip.src), tcp.sport), (text(ip.dst), tcp.dport),
                tcp.seq, tcp.ack, tcp.flags, len(payload), payload, 14 + ip.hl * 4 + tcp.off * 4,
            )

if __name__ == "__main__":
    count(segments(sys.argv[1]))
"""

READ_SCAPY = """
import sys
from scapy.config import conf
from scapy.layers.inet import IP, TCP
from scapy.layers.l2 import Ether
from scapy.packet import Raw
from scapy.utils import PcapReader
from lab.bench.counting import count

def segments(path):
    conf.layers.filter([Ether, IP, TCP, Raw])
    with PcapReader(path) as packets:
        for frame, packet in enumerate(packets, 1):
            ip = packet.payload
            tcp = ip.payload
            if not isinstance(tcp, TCP):
                continue
            payload = bytes(tcp.payload)
            yield (
                frame, int(packet.time * 1_000_000) * 1000, (ip.src, tcp.sport), (ip.dst, tcp.dport),
                tcp.seq, tcp.ack, int(tcp.flags), len(payload), payload, 14 + ip.ihl * 4 + tcp.dataofs * 4,
            )

if __name__ == "__main__":
    count(segments(sys.argv[1]))
"""
