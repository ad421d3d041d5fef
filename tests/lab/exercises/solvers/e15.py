"""Solves exercise 15: the two functions, and what students write instead."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tests.lab.exercises.solvers.tools import Mistake

_SOLUTION = """
def expand_label(secret, label, length, algorithm):
    name = b"tls13 " + label.encode()
    info = length.to_bytes(2, "big") + bytes([len(name)]) + name + b"\\0"
    return HKDFExpand(algorithm, length, info).derive(secret)


def open_record(suite, secret, header, fragment, sequence):
    algorithm, length, cipher = SUITES[suite]
    key = expand_label(secret, "key", length, algorithm)
    iv = expand_label(secret, "iv", 12, algorithm)
    number = sequence.to_bytes(12, "big")
    nonce = bytes(one ^ other for one, other in zip(iv, number))
    inner = cipher(key).decrypt(nonce, fragment, header)
    return inner.rstrip(b"\\0")[:-1]
"""


def solve(folder: Path) -> None:
    path = folder / "solution.py"
    given = path.read_text("utf-8")
    path.write_text(given[: given.index("def expand_label")] + _SOLUTION.lstrip(), "utf-8")


def _instead(old: str, new: str) -> Callable[[Path, Mapping[str, Any]], None]:
    """Change the solved file."""

    def change(folder: Path, _: Mapping[str, Any]) -> None:
        path = folder / "solution.py"
        solved = path.read_text("utf-8")
        assert old in solved, old
        path.write_text(solved.replace(old, new), "utf-8")

    return change


def _removed(folder: Path, _: Mapping[str, Any]) -> None:
    (folder / "solution.py").unlink()


_RETURN = 'return inner.rstrip(b"\\0")[:-1]'
_DECRYPT = "inner = cipher(key).decrypt(nonce, fragment, header)"
_SUITE = "algorithm, length, cipher = SUITES[suite]"
_NUMBER = 'sequence.to_bytes(12, "big")'
_SWALLOWING = f"""try:
        {_DECRYPT}
    except Exception:
        return None"""
# AES-GCM without its check is AES-CTR from counter 2 on (NIST SP 800-38D, section 7.1)
_UNCHECKED = """from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
    if cipher is AESGCM:
        counter = modes.CTR(nonce + (2).to_bytes(4, "big"))
        inner = Cipher(algorithms.AES(key), counter).decryptor().update(fragment[:-16])
    else:
        inner = cipher(key).decrypt(nonce, fragment, header)"""

MISTAKES: Mapping[str, Mistake] = {
    "record.no_solution": _removed,
    "record.never_ends": _instead(_DECRYPT, "import threading; threading.Event().wait()"),
    "record.broken": _instead("def open_record(", "def open_record"),
    "record.no_function": _instead("def open_record(", "def openRecord("),
    "record.crashed": _instead(_DECRYPT, "import os; os._exit(1)"),
    "record.not_written": _instead(_DECRYPT, "raise NotImplementedError"),
    "record.printed": _instead(_RETURN, "print(inner)"),
    "record.returns_nothing": _instead(_RETURN, "inner"),
    "record.not_bytes": _instead(_RETURN, _RETURN + ".decode()"),
    "record.refused": _instead('"key", length', '"schlüssel", length'),
    "record.raised": _instead(_DECRYPT, "inner = cipher(key).decrypt(nonce, fragment.hex(), header)"),
    "record.label_prefix": _instead('b"tls13 " + ', ""),
    "record.no_context": _instead(' + name + b"\\0"', " + name"),
    "record.wrong_hash": _instead(
        "algorithm, length, cipher = SUITES[suite]", "algorithm, length, cipher = hashes.SHA256(), 32, AESGCM"
    ),
    "record.nonce_plain": _instead("decrypt(nonce", "decrypt(iv"),
    "record.nonce_little_endian": _instead(_NUMBER, 'sequence.to_bytes(12, "little")'),
    "record.nonce_left": _instead(_NUMBER, 'sequence.to_bytes(8, "big") + bytes(4)'),
    "record.no_additional_data": _instead("fragment, header)\n    return", "fragment, None)\n    return"),
    "record.old_additional_data": _instead(
        _DECRYPT,
        'old = sequence.to_bytes(8, "big") + header[:3] + (len(fragment) - 17).to_bytes(2, "big")\n'
        "    inner = cipher(key).decrypt(nonce, fragment, old)",
    ),
    "record.type_left": _instead(_RETURN, 'return inner.rstrip(b"\\0")'),
    "record.padding_left": _instead(_RETURN, 'return inner + b"\\0"'),
    "record.content_cut": _instead(_RETURN, _RETURN + ".strip()"),
    "numbers.record_first": _instead(_DECRYPT, "raise NotImplementedError"),
    "numbers.large_number": _instead(_NUMBER, "bytes(11) + bytes([sequence])"),
    "numbers.other_keys": _instead("iv = expand", "sequence = min(sequence, 3)\n    iv = expand"),
    "padding.record_first": _instead(_DECRYPT, "raise NotImplementedError"),
    "padding.type_left": _instead(_RETURN, 'return inner[:-1].rstrip(b"\\0")'),
    "padding.padding_left": _instead(_RETURN, "return inner[:-1]"),
    "padding.content_cut": _instead(_RETURN, _RETURN + '.rstrip(b"\\0")'),
    "padding.padding_refused": _instead(_RETURN, "assert inner[-1]\n    " + _RETURN),
    "suites.record_first": _instead(_DECRYPT, "raise NotImplementedError"),
    "suites.one_suite": _instead(_SUITE, "algorithm, length, cipher = hashes.SHA384(), 32, AESGCM"),
    "changed.record_first": _instead(_DECRYPT, "raise NotImplementedError"),
    "changed.not_noticed": _instead(_DECRYPT, _UNCHECKED),
    "changed.swallowed": _instead(_DECRYPT, _SWALLOWING),
}
