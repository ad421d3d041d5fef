"""`lab capture`: capture files in and out: with their keys, without any, and as tables."""

from collections import Counter
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from capture.errors import CaptureError
from capture.export import What, export
from capture.keylog import read_keylog
from capture.pcapng import INTERFACE_DESCRIPTION, PACKETS, SECTION_HEADER
from capture.readers import ReaderName, best_reader, read_segments
from capture.secrets import Stripped, block_name, save, strip
from chat.escape import visible

_KINDS = 20  # of blocks that are named; a file made to annoy has millions

app = typer.Typer(
    help="Capture live, save a capture with its keys, take keys out, export it as a table.", rich_markup_mode=None
)

_Capture = Annotated[Path, typer.Argument(help="A capture file: pcap or pcapng, zipped with gzip or not.")]
_Reader = Annotated[ReaderName | None, typer.Option(help="What reads the capture. [default: tshark, else native]")]


def _say(*lines: str) -> None:
    Console(highlight=False).print(Text("\n".join(map(visible, lines))), soft_wrap=True)


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


@app.command("save")
def save_capture(
    capture: _Capture,
    out: Annotated[Path, typer.Argument(help="The pcapng file to write; nothing is overwritten.")],
    with_keys: Annotated[
        Path | None, typer.Option(help="The key log of the session: the file then opens decrypted in Wireshark.")
    ] = None,
    reader: _Reader = None,
) -> None:
    """Save a capture as pcapng, with the keys of its TLS connections or as it is."""
    keys = read_keylog(with_keys) if with_keys is not None else None
    saved = save(capture, out, keys, reader or best_reader())
    _say(f"{_count(saved.packets, 'packet')} saved in {out}, which only you can read.")
    if keys is None:
        _say("No keys were added: --with-keys adds those of a key log.")
    else:
        _say(
            f"{saved.secrets} of the {_count(len(keys), 'secret')} in {with_keys} went in: those of "
            f"{_count(saved.connections, 'TLS connection')} in the capture."
        )
        _say(
            "Whoever has the file can read those connections: `python -m lab capture strip-keys` takes the keys out.",
            "In Wireshark: click a packet with Application Data, then the tab Decrypted TLS below.",
        )
    if saved.torn is not None:
        raise saved.torn


@app.command()
def strip_keys(
    capture: _Capture,
    out: Annotated[Path, typer.Argument(help="The file to write; nothing is overwritten.")],
) -> None:
    """Take all decryption secrets out of a capture, and prove it."""
    stripped = strip(capture, out)
    if stripped.blocks:
        _say(f"{_count(stripped.blocks, 'block')} of decryption secrets taken out.")
    else:
        _say("There are no decryption secrets in it (a classic pcap file never has any): this is a copy.")
    _say("", f"{out}, read again after it was written:")
    proof = {"blocks of decryption secrets": "0"}
    if stripped.blocks and not stripped.searched:
        proof["secrets looked for"] = "none: those taken out are too short to be told from chance"
    elif stripped.blocks:
        proof[f"secrets found, of {stripped.searched}"] = "0, looked for everywhere as bytes and as hex"
    proof["packets"] = f"{stripped.packets}, each the same bytes as before"
    proof["SHA-256 of the packet blocks"] = f"{stripped.sha256}, before and after"
    _say(*(f"  {what + ':':<29} {found}" for what, found in proof.items()))
    _say("", "Still in it, for this takes out nothing but keys:", *_still_there(stripped))
    if stripped.torn is not None:
        raise stripped.torn


def _still_there(stripped: Stripped) -> list[str]:
    lines = ["addresses, host names, times, and whatever the packets carry in plaintext"]
    if stripped.comments:
        lines.append(_count(stripped.comments, "comment"))
    others = Counter[str]()
    for kind, number in stripped.kept.items():
        if kind not in PACKETS | {SECTION_HEADER, INTERFACE_DESCRIPTION}:
            others[block_name(kind)] += number
    lines += [_count(number, "block") + f" of kind {name}" for name, number in list(others.items())[:_KINDS]]
    if len(others) > _KINDS:
        lines.append(f"blocks of {_count(len(others) - _KINDS, 'more kind')}")
    return [f"  {line}" for line in lines]


@app.command("export")
def export_capture(
    capture: _Capture,
    out: Annotated[Path, typer.Argument(help="The file to write: .csv, .jsonl or .parquet; nothing is overwritten.")],
    what: Annotated[What, typer.Option(help="What a row is: a TCP segment, or a TLS record.")] = "segments",
    reader: _Reader = None,
) -> None:
    """Export the TCP segments or the TLS records of a capture as a table."""
    done = export(read_segments(capture, reader or best_reader()), out, what)
    _say(f"{_count(done.rows, what.removesuffix('s'))} exported to {out}.")
    if done.problems:
        more = f" So it is with {_count(len(done.problems) - 1, 'other')}." if len(done.problems) > 1 else ""
        raise CaptureError(done.problems[0] + more)
