"""Capture files as containers: is this one, is it whole, where is it torn. Knows no framing and no packet.

tshark gets a file that is whole: `whole_file` unzips, cuts a torn tail off into a temporary copy and says where it did.
So a torn file reads the same through tshark and pyshark, which each have their own answer to one, as through the rest.
"""

import collections
import contextlib
import errno
import gzip
import shutil
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from capture.errors import CaptureError, TornCaptureError
from capture.packets import GZIP, read_packets, torn

_MAX_UNZIPPED = 2 << 30  # a small zip file can unpack to fill a disk


@dataclass(frozen=True, slots=True)
class WholeFile:
    """A capture file that ends at the end of a packet.

    Attributes:
        path: the file to read; a temporary one where the original was zipped or torn.
        torn: what is to be said once it has been read, None where the original was whole.
    """

    path: Path
    torn: TornCaptureError | None

    @property
    def torn_at(self) -> int | None:
        """Offset in bytes of the first byte that belongs to no whole packet, None where nothing is torn."""
        return None if self.torn is None else self.torn.offset


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
        if file.peek(2)[:2] == GZIP:
            copy = stack.enter_context(_temporary())
            zip_torn = _unzip(file, copy, path)
            found = _tear(Path(copy.name), path)
            if found is None and zip_torn:
                found = torn(path, copy.tell())
        else:
            found = _tear(path, path)
            if found is None:
                return WholeFile(path, None)
            copy = stack.enter_context(_temporary())
            shutil.copyfileobj(file, copy)
    if found is not None:
        copy.truncate(found.offset)
    copy.flush()
    return WholeFile(Path(copy.name), found)


def _tear(path: Path, name: Path) -> TornCaptureError | None:
    """Return what is wrong with the unzipped file at `path`, which errors call `name`; None if nothing is."""
    with path.open("rb") as file:
        try:
            collections.deque(read_packets(file, name), maxlen=0)
        except TornCaptureError as error:
            return error
    return None


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
