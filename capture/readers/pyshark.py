"""Reads a capture, a file or one still being made, with pyshark.

pyshark drives tshark from an asyncio loop of its own. It is run in a thread with a loop of that thread's, so that it
also works where a loop is running already (a Jupyter kernel), and hands plain Segments out of the thread, never its
packets. pyshark's LiveCapture leaks two descriptors and so never sees the end of what it captures. Live, pyshark is
therefore given the bytes of the lab's own capture through a pipe as they arrive, and numbers frames as the saved file
does.
"""

import asyncio
import json
import os
import queue
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pyshark
from pyshark.cache import get_cache_dir
from pyshark.capture.capture import StopCapture
from pyshark.capture.pipe_capture import PipeCapture
from pyshark.ek_field_mapping import MAPPING
from pyshark.packet.layers.ek_layer import EkMultiField
from pyshark.tshark.tshark import get_ek_field_mapping

from capture.errors import CaptureError
from capture.readers.headers import MIN_TCP_HEADER, ipv6_header_length, link_length
from capture.readers.tshark import PREFERENCES, last_words, time_to_ns
from capture.segment import Endpoint, Segment
from capture.tools import require, version

_WAITING = 1024  # segments read ahead of the consumer at most, so that a large file stays on disk


def read(path: Path) -> Iterator[Segment]:
    """Yield the TCP segments of the whole capture file at `path`.

    Raises:
        ToolMissingError: there is no tshark.
        CaptureError: tshark could not read the file.
    """
    return _segments(lambda **options: pyshark.FileCapture(str(path), keep_packets=False, **options), str(path))


def read_live(pipe: int) -> Iterator[Segment]:
    """Yield the TCP segments of a capture while it is made.

    Args:
        pipe: the reading end of a pipe that pcap or pcapng comes through; closed when the reading has ended.

    Raises:
        ToolMissingError: there is no tshark.
        CaptureError: tshark could not read what came.
    """
    try:
        yield from _segments(lambda **options: PipeCapture(pipe, **options), "the live capture")
    finally:
        os.close(pipe)


def _segments(make: Callable[..., Any], name: str) -> Iterator[Segment]:
    tshark = require("tshark")
    out: queue.Queue[Segment | BaseException | None] = queue.Queue(_WAITING)
    stopped = threading.Event()

    def hand_out(item: Segment | BaseException | None) -> None:
        # StopCapture is pyshark's own way for a callback to end a capture
        while not stopped.is_set():
            try:
                out.put(item, timeout=0.1)
            except queue.Full:
                continue
            return
        raise StopCapture

    def work() -> None:
        end: BaseException | None = None
        # Ctrl-C goes to all programs of a terminal, and the tshark that pyshark starts must read to the end: from this
        # thread it inherits that the signal waits
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            with closing(asyncio.new_event_loop()) as loop:
                asyncio.set_event_loop(loop)
                loop.run_until_complete(_read_to_end(make(eventloop=loop, tshark_path=tshark), name, hand_out))
                asyncio.set_event_loop(None)
        except BaseException as error:  # a thread's exception is nobody's: the consumer raises it
            end = error
        # once the consumer has left, nobody is there to be told
        with suppress(StopCapture):
            hand_out(end)

    thread = threading.Thread(target=work, name="pyshark", daemon=True)
    thread.start()
    try:
        while (item := out.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            yield item
    finally:
        stopped.set()
        thread.join()


async def _read_to_end(capture: Any, name: str, hand_out: Callable[[Segment], None]) -> None:
    def on_packet(packet: Any) -> None:
        segment = _segment(packet)
        if segment is not None:
            hand_out(segment)

    _load_field_types(capture.tshark_path)
    capture._override_prefs = PREFERENCES
    capture._use_ek = True  # PipeCapture takes no argument for it
    try:
        await capture.packets_from_tshark(on_packet, close_tshark=False)
    except KeyError as error:
        if "frame_time_epoch" not in str(error):
            raise
        # what a simple packet block holds (draft-ietf-opsawg-pcapng, section 4.4)
        msg = f"pyshark cannot read {name}, because it has packets without a time: take another reader."
        raise CaptureError(msg) from error
    finally:
        status = await end(capture)
    if status and capture._eof_reached:
        why = last_words(capture._last_error_line or "", status)
        msg = f"tshark, run by pyshark, could not read {name}: {why}."
        raise CaptureError(msg)


async def end(capture: Any) -> int:
    """End what pyshark has started and return tshark's exit status.

    pyshark 0.6 does not do it itself in every case: it kills a tshark that has just ended, leaves one whose output is
    not all read, and takes one that was killed for one that ended well.
    """
    status = 0
    for process in capture._running_processes:
        if not capture._eof_reached:
            with suppress(ProcessLookupError):
                process.kill()
        await process.stdout.read()  # asyncio closes a pipe once it has seen its end
        status = await process.wait()
    capture._running_processes.clear()  # or its __del__ closes them again, on a loop that is gone
    await asyncio.gather(*capture._stderr_handling_tasks)
    return status


def _load_field_types(tshark: str) -> None:
    """Load pyshark's table of Wireshark's field types, from the file where pyshark keeps it.

    pyshark 0.6 never closes that file, and once it was written by half, never reads a capture again.
    """
    if MAPPING._protocol_to_mapping:
        return
    name = "ek_field_mapping.json"
    try:
        types = json.loads((get_cache_dir(version(tshark)) / name).read_text("utf-8"))
    except (OSError, ValueError):
        types = get_ek_field_mapping(tshark)
        with suppress(OSError):  # where nothing can be kept, the table is asked for each time
            (get_cache_dir(version(tshark)) / name).write_text(json.dumps(types), "utf-8")
    MAPPING._protocol_to_mapping = types


def _value(layer: Any, name: str) -> Any:
    """Return the first value of a field; one that has fields below it (`tcp.flags.syn`) keeps its own in `.value`."""
    field = layer.get_field(name)
    value = field.value if isinstance(field, EkMultiField) else field
    return value[0] if isinstance(value, list) else value


def _segment(packet: Any) -> Segment | None:
    layers = {layer.layer_name: layer for layer in packet.layers}
    tcp, ip = layers.get("tcp"), layers.get("ip") or layers.get("ipv6")
    if tcp is None or ip is None:
        return None
    sll, tag = layers.get("sll"), layers.get("ieee8021ad")
    ifindex, cvid = (
        layer is not None and _value(layer, name) is not None for layer, name in ((sll, "ifindex"), (tag, "cvid"))
    )
    link = link_length(packet.frame_info.protocols, ifindex, cvid)
    if link is None:
        return None

    # tshark leaves fields out that a fragment, a frame cut short or a broken header does not have
    if _value(tcp, "flags") is None or _value(tcp, "len") is None:
        return None

    def number(layer: Any, name: str) -> int:
        return int(_value(layer, name))

    header, length, captured = number(tcp, "hdr_len"), number(tcp, "len"), number(packet.frame_info, "cap_len")
    if ip.layer_name == "ip":
        ip_length = number(ip, "hdr_len")
    else:
        available = max(int(packet.length), captured) - link
        ip_length = ipv6_header_length(available, number(ip, "plen"), header + length)
    if link + ip_length + MIN_TCP_HEADER > captured:
        return None
    payload = _value(tcp, "payload") or b""
    return Segment(
        frame=int(packet.number),
        time_ns=time_to_ns(packet.sniff_timestamp),
        source=Endpoint(str(_value(ip, "src")), number(tcp, "srcport")),
        destination=Endpoint(str(_value(ip, "dst")), number(tcp, "dstport")),
        seq=number(tcp, "seq_raw"),
        ack=number(tcp, "ack_raw"),
        flags=number(tcp, "flags"),
        length=length,
        payload=payload,
        offset=link + ip_length + header,
    )
