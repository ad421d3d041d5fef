"""The shell lines that a student can type to see what the lab shows. Pure; each line runs as it is printed."""

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from capture.decode import colon_hex


def plain_fields(capture: Path, port: int) -> str:
    """Return the tshark line that prints every plaintext payload on `port` in hex, a line each."""
    return f"tshark -r {_quote(capture)} -d tcp.port=={port},data -Tfields -e data.data -Y 'tcp.port=={port} && data'"


def payload_json(capture: Path, frame: int, fields: Sequence[str], port: int, protocol: str) -> str:
    """Return the tshark line that prints fields of a frame as JSON does, their bytes with colons.

    The fields are picked by grep: what tshark's own -e picks has no colons, in JSON neither.
    """
    picked = " ".join(f"-e '\"{field}\"'" for field in fields)
    return (
        f"tshark -r {_quote(capture)} -d tcp.port=={port},{protocol} -Tjson -Y frame.number=={frame} | grep -F {picked}"
    )


def decode(data: bytes) -> str:
    """Return the line that strips the colons and turns the hex back into bytes."""
    return f"echo -n \"{colon_hex(data)}\" | tr -d ':' | xxd -ps -r"


def decrypted_fields(capture: Path, keylog: Path, port: int) -> str:
    """Return the line that prints what the TLS chat on `port` says, with the key log."""
    return (
        f"tshark -r {_quote(capture)} -o tls.keylog_file:{_quote(keylog)} -d tcp.port=={port},tls "
        f"-d tls.port=={port},data -Tfields -e data.data -Y 'tcp.port=={port} && data' | tr -d ',' | xxd -ps -r"
    )


def watch(plain_port: int, tls_port: int, keylog: Path | None = None) -> str:
    """Return the lab's own line that captures and shows both chats until Ctrl-C, the TLS one opened with its keys."""
    keys = f" --keylog {_quote(keylog)}" if keylog is not None else ""
    return f"{_quote(Path(sys.executable))} -m lab capture live --port {plain_port} --tls-port {tls_port}{keys}"


def client(certificate: Path, folder: Path) -> str:
    """Return the lab's own line that chats over TLS and shows a certificate, with a server of the CA in `folder`."""
    return f"{_quote(Path(sys.executable))} -m lab client --certificate {_quote(certificate)} --certs {_quote(folder)}"


def s_client(ca: Path, port: int, own: Path | None = None) -> str:
    """Return the openssl line that chats over TLS on `port`, with a server that `ca` vouches for and no other.

    Args:
        ca: the certificate of the CA to trust.
        port: the server's.
        own: the client's own certificate and its key, without the .pem and .key; None where the server asks for none.
    """
    # without -verify_return_error s_client goes on after a refusal, and without -verify_hostname it asks for no name
    verified = f"-CAfile {_quote(ca)} -verify_return_error -verify_hostname localhost -servername localhost"
    shown = f" -cert {_quote(own)}.pem -key {_quote(own)}.key" if own is not None else ""
    return f"openssl s_client -quiet {verified}{shown} -connect localhost:{port}"


def wireshark(capture: Path, keylog: Path | None = None) -> str:
    """Return the line that opens the capture in Wireshark, with the keys where there are any."""
    keys = f"-o tls.keylog_file:{_quote(keylog)} " if keylog is not None else ""
    return f"wireshark {keys}{_quote(capture)}"


def _quote(path: Path) -> str:
    return shlex.quote(str(path))
