"""Capture files as containers: is this one, is it whole, where is it torn. Knows pcap and pcapng framing, no packet.

Every reader gets a file that is whole: `whole_file` unzips, cuts a torn tail off into a temporary copy and says where
it did. So a torn file reads the same through tshark, pyshark and scapy, which each have their own answer to one.
"""

import contextlib
import errno
import gzip
import io
import shutil
import struct
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from capture.errors import CaptureError, NotACaptureError

_GZIP = b"\x1f\x8b"
_PCAPNG = b"\x0a\x0d\x0d\x0a"  # section header block (draft-ietf-opsawg-pcapng, section 4.1)
# pcap: magic number -> byte order; micro- and nanosecond variants (draft-ietf-opsawg-pcap, section 4).
_PCAP = {
    b"\xa1\xb2\xc3\xd4": ">",
    b"\xd4\xc3\xb2\xa1": "<",
    b"\xa1\xb2\x3c\x4d": ">",
    b"\x4d\x3c\xb2\xa1": "<",
}
_PCAPNG_ORDER = {b"\x1a\x2b\x3c\x4d": ">", b"\x4d\x3c\x2b\x1a": "<"}
_MAX_BLOCK = 64 << 20  # larger lengths are damage: no packet and no key log is that big
_MAX_UNZIPPED = 2 << 30  # a small zip file can unpack to fill a disk


@dataclass(frozen=True, slots=True)
class WholeFile:
    """A capture file that ends at the end of a packet.

    Attributes:
        path: the file to read; a temporary one where the original was zipped or torn.
        torn_at: offset in bytes of the first byte that belongs to no whole packet, None where nothing is torn.
    """

    path: Path
    torn_at: int | None


def whole_length(file: IO[bytes], size: int, name: str) -> int:
    """Return how many bytes of a capture file of `size` bytes, read from its start, are whole packets or blocks.

    Raises:
        NotACaptureError: the file is empty or of another kind.
    """
    if size == 0:
        msg = f"{name} is empty: nothing was captured into it."
        raise NotACaptureError(msg)
    magic = file.read(4)
    if magic == _PCAPNG:
        file.seek(0)
        return _whole_pcapng(file, size, name)
    if magic in _PCAP and size >= 24:
        return _whole_pcap(file, size, _PCAP[magic])
    if any(known.startswith(magic) for known in (_PCAPNG, *_PCAP)):
        msg = f"{name} ends within its file header: nothing of the capture is left to read."
    else:
        msg = f"{name} is not a capture file: it starts with {magic.hex(' ')}, which is neither pcap nor pcapng."
    raise NotACaptureError(msg)


def _whole_pcap(file: IO[bytes], size: int, order: str) -> int:
    at = 24
    while True:
        file.seek(at)
        header = file.read(16)
        if len(header) < 16:
            return at
        (captured,) = struct.unpack_from(order + "I", header, 8)
        if captured > _MAX_BLOCK or at + 16 + captured > size:
            return at
        at += 16 + captured


def _whole_pcapng(file: IO[bytes], size: int, name: str) -> int:
    at, order = 0, "<"
    while True:
        file.seek(at)
        header = file.read(12)
        if len(header) < 12:
            break
        if header[:4] == _PCAPNG:
            order = _PCAPNG_ORDER.get(header[8:12], "")
            if not order:
                break
        (length,) = struct.unpack_from(order + "I", header, 4)
        if length < 12 or length % 4 or length > _MAX_BLOCK or at + length > size:
            break
        file.seek(at + length - 4)
        if struct.unpack(order + "I", file.read(4))[0] != length:
            break
        at += length
    if at == 0:
        msg = f"{name} ends within its file header: nothing of the capture is left to read."
        raise NotACaptureError(msg)
    return at


@contextlib.contextmanager
def whole_file(path: Path) -> Iterator[WholeFile]:
    """Give a version of the capture file at `path` that is unzipped and whole; a temporary copy goes away at the end.

    Raises:
        CaptureError: the file cannot be read, or unpacks to more than 2 GiB.
        NotACaptureError: it is empty or of another kind.
    """
    with contextlib.ExitStack() as stack:
        try:
            whole = _prepare(path, stack)
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
                msg = f"There is no room in {tempfile.gettempdir()} to unpack {path}: make some, or set TMPDIR."
            else:
                msg = f"{path} cannot be read: {error.strerror or error}."
            raise CaptureError(msg) from error
        yield whole


def _prepare(path: Path, stack: contextlib.ExitStack) -> WholeFile:
    with path.open("rb") as file:
        zipped = file.read(2) == _GZIP
        file.seek(0)
        source: IO[bytes] = file
        torn = False
        if zipped:
            source = stack.enter_context(_temporary())
            torn = _unzip(file, source, path)
        size = source.seek(0, io.SEEK_END)
        source.seek(0)
        whole = whole_length(source, size, str(path))
        if whole == size and not torn:
            return WholeFile(Path(source.name), None)
        if not zipped:
            source = stack.enter_context(_temporary())
            file.seek(0)
            shutil.copyfileobj(file, source)
        source.truncate(whole)
        source.flush()
        return WholeFile(Path(source.name), whole)


def _temporary() -> AbstractContextManager[IO[bytes]]:
    return tempfile.NamedTemporaryFile(suffix=".pcap")


def _unzip(file: IO[bytes], target: IO[bytes], path: Path) -> bool:
    """Unpack into `target` what can be unpacked; return whether the zip file was torn."""
    torn = False
    with gzip.GzipFile(fileobj=file) as unzipped:
        try:
            while chunk := unzipped.read1(1 << 20):
                target.write(chunk)
                if target.tell() > _MAX_UNZIPPED:
                    msg = f"{path} unpacks to more than 2 GiB: unpack and split it by hand if you trust it."
                    raise CaptureError(msg)
        except (EOFError, zlib.error, gzip.BadGzipFile):
            torn = True
    target.flush()
    return torn
