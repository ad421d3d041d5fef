"""JA3: a fingerprint of the program that says hello, from what its ClientHello offers and in which order.

Pure. As defined by its authors (https://github.com/salesforce/ja3): version, suites, extensions, groups and point
formats, in decimal, without the GREASE values (RFC 8701), whose purpose is to differ each time. It names a program and
its settings, never a person, and a program can be made to say what another one says.
"""

import hashlib
from collections.abc import Iterable

from capture.hello import ClientHello
from capture.registry import GREASE


def ja3_full(hello: ClientHello) -> str:
    """Return what the fingerprint is made of, as `tls.handshake.ja3_full` has it: "771,4865-4866,0-11-10,29-23,0-1"."""
    fields = (
        (hello.legacy_version,),
        hello.cipher_suites,
        hello.extension_types,
        hello.supported_groups,
        hello.ec_point_formats,
    )
    return ",".join(_numbers(field) for field in fields)


def ja3(hello: ClientHello) -> str:
    """Return the fingerprint, as `tls.handshake.ja3` has it: the MD5 of `ja3_full`, 32 hexadecimal digits."""
    return hashlib.md5(ja3_full(hello).encode(), usedforsecurity=False).hexdigest()


def _numbers(field: Iterable[int]) -> str:
    return "-".join(str(number) for number in field if number not in GREASE)
