import subprocess
from collections.abc import Callable

import pytest

from capture import registry
from capture.registry import CIPHER_SUITES, GREASE, GROUPS, NAMES, name

Tool = Callable[[str], str]

# Assigned after Wireshark 4.0 was made; IANA has them under these names.
NEWER = {
    *(0x1F, 0x20, 0x21, 0x11EB, 0x11EC, 0x11ED, 0x6399),  # groups
    *(0x081A, 0x081B, 0x081C, 0x0904, 0x0905, 0x0906),  # signature schemes
    *(17613, 65037),  # extensions
}


@pytest.fixture(scope="module")
def wireshark() -> dict[str, dict[int, set[str]]]:
    """The names of numbers that tshark would print, by field; one of them has several where its meaning depends."""
    try:
        done = subprocess.run(["tshark", "-G", "values"], capture_output=True, text=True, timeout=60, check=True)
    except FileNotFoundError:
        return {}
    found: dict[str, dict[int, set[str]]] = {}
    for line in done.stdout.splitlines():
        kind, field, number, text, *_ = [*line.split("\t"), "", "", ""]  # a name may break its line
        if kind == "V" and field in NAMES:
            found.setdefault(field, {}).setdefault(int(number, 0), set()).add(" ".join(text.split()))
    return found


@pytest.mark.parametrize("field", NAMES)
def test_names_are_those_of_tshark(field: str, wireshark: dict[str, dict[int, set[str]]], tool: Tool) -> None:
    tool("tshark")
    assert NAMES[field]
    for number, ours in NAMES[field].items():
        theirs = wireshark[field].get(number)
        if theirs is None and field == "tls.handshake.sig_hash_alg" and " " in ours:
            continue  # a pair: tests/capture/test_handshake.py sees tshark's name for each that is sent
        assert ours in theirs if theirs is not None else number in NEWER, f"{field} {number}: {ours}"


def test_suites_are_named_as_openssl_numbers_them(tool: Tool) -> None:
    command = [tool("openssl"), "ciphers", "-stdname", "-V", "ALL:COMPLEMENTOFALL:@SECLEVEL=0"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True)
    theirs = {}
    for line in done.stdout.splitlines():
        number, _, suite, *_ = line.split()
        high, low = number.split(",")
        theirs[int(high, 16) << 8 | int(low, 16)] = suite
    assert theirs.items() <= CIPHER_SUITES.items()


def test_grease_is_called_so(wireshark: dict[str, dict[int, set[str]]], tool: Tool) -> None:
    tool("tshark")
    called = wireshark["tls.handshake.extensions_supported_group"]
    assert {number for number, names in called.items() if "Reserved (GREASE)" in names} == GREASE
    assert {name(GROUPS, number) for number in GREASE} == {"Reserved (GREASE)"}


def test_numbers_without_a_name() -> None:
    assert [name(CIPHER_SUITES, number) for number in (0x1301, 0xFEFE)] == ["TLS_AES_128_GCM_SHA256", "0xfefe"]


def test_every_table_is_one_of_a_field() -> None:
    tables = [value for key, value in vars(registry).items() if key.isupper() and isinstance(value, dict)]
    assert all(any(table is used for used in NAMES.values()) for table in tables if table is not NAMES)
