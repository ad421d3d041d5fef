"""`lab decrypt`: a capture decrypted record by record, with every step and its numbers."""

import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console

from capture.readers import best_reader
from lab.cli_run import Failure, Reader, complain
from lab.decrypting.page import show_list
from lab.decrypting.reading import Connection, decrypt_capture
from lab.decrypting.steps import show_steps
from lab.decrypting.values import evidence
from lab.errors import LabError


def decrypt(
    capture: Annotated[Path, typer.Argument(help="A capture file: pcap or pcapng, zipped with gzip or not.")],
    keylog: Annotated[
        Path | None, typer.Option(help="The key log of the session. [default: the keys that the capture carries]")
    ] = None,
    connection: Annotated[int | None, typer.Option(min=0, help="Only this connection, by its number.")] = None,
    record: Annotated[int | None, typer.Option(min=0, help="Only this record, from its secret on.")] = None,
    side: Annotated[Literal["client", "server"] | None, typer.Option(help="Only what this side sent.")] = None,
    steps: Annotated[bool, typer.Option("--steps", help="Print every step, with its numbers.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the records as JSON, with --steps also keys and numbers.")
    ] = False,
    reader: Reader = None,
) -> None:
    """Decrypt the TLS records of a capture, and show how."""
    found = decrypt_capture(capture, reader or best_reader(), keylog)
    steps = steps or record is not None
    chosen = _chosen(found.connections, connection, record, side)
    if as_json:
        sys.stdout.write(json.dumps(evidence(found, chosen, steps=steps), indent=2) + "\n")
    else:
        console = Console(highlight=False)
        if steps:
            show_steps(console, found, chosen, whole=record is not None)
        else:
            show_list(console, found, chosen)
    problems = (*found.problems, *(problem for one in chosen for problem in one.problems))
    for problem in problems:
        complain(problem)
    if problems:
        raise Failure(1)


def _chosen(
    connections: Sequence[Connection], number: int | None, record: int | None, side: Literal["client", "server"] | None
) -> tuple[Connection, ...]:
    """Return the connections asked for, with the records asked for.

    Raises:
        LabError: there is none of them.
    """
    found = tuple(one for one in connections if number in (None, one.number))
    if not found:
        there = ", ".join(str(one.number) for one in connections)
        msg = f"There is no TLS connection {number} in the capture: it has {there}."
        raise LabError(msg)
    chosen = tuple(
        replace(
            one,
            rows=tuple(
                row
                for row in one.rows
                if record in (None, row.record.index) and side in (None, "client" if row.from_client else "server")
            ),
        )
        for one in found
    )
    if record is not None and not any(one.rows for one in chosen):
        msg = f"There is no record {record} there: without --record, all of them are listed."
        raise LabError(msg)
    return chosen
