"""Decrypted records as JSON: what the page shows, for programs. Pure."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from capture.opened import Opened
from capture.schedule import KeyBlock, TrafficKeys, TrafficSecret
from lab.decrypting.reading import Connection, Decrypted, Row


def evidence(found: Decrypted, connections: Sequence[Connection], *, steps: bool) -> dict[str, Any]:
    """Return what `lab decrypt --json` prints; bytes are hex, offsets of frames count from 0, both ends included.

    Args:
        found: what the connections belong to.
        connections: those asked for.
        steps: whether to give secrets, keys and the numbers of each record, too.
    """
    return {
        "keys_from": found.keys_from,
        "problems": list(found.problems),
        "connections": [_connection(connection, steps=steps) for connection in connections],
    }


def _connection(connection: Connection, *, steps: bool) -> dict[str, Any]:
    answer = connection.answer
    keys = connection.keys
    told: dict[str, Any] = {
        "connection": connection.number,
        "client": str(connection.session.client.stream.source),
        "server": str(connection.session.client.stream.destination),
        "version": connection.version,
        "cipher_suite": answer.suite_name if answer else None,
        "problems": list(connection.problems),
        "records": [_record(row, keys, steps=steps) for row in connection.rows],
    }
    if steps:
        told["keys"] = [_keys(one) for one in keys]
    return told


def _record(row: Row, keys: Sequence[TrafficKeys], *, steps: bool) -> dict[str, Any]:
    record, item = row.record, row.opened
    readable = item.plaintext if item else record.fragment if row.protection == "clear" else None
    told: dict[str, Any] = {
        "from": "client" if row.from_client else "server",
        "record": record.index,
        "spans": [asdict(span) for span in row.spans],
        "content_type": record.content_type,
        "version": record.version,
        "length": len(record.fragment),
        "protection": row.protection,
        "opened": item is not None,
        "failed": row.failed,
        "after_close_notify": row.after_close,
        "inner_content_type": item.content_type if item else None,
        "sequence": item.sequence if item else None,
        "padding": item.padding if item else None,
        "plaintext": readable.hex() if readable is not None else None,
        "inside": [asdict(thing) for thing in row.inside],
    }
    if item and steps:
        told |= _steps(item, keys)
    return told


def _steps(item: Opened, keys: Sequence[TrafficKeys]) -> dict[str, Any]:
    return {
        "keys": next(number for number, one in enumerate(keys) if one is item.keys),
        "header": item.record.header.hex(),
        "nonce": item.nonce.hex(),
        "additional_data": item.aad.hex(),
        "ciphertext": item.ciphertext.hex(),
        "tag": item.tag.hex(),
    }


def _keys(keys: TrafficKeys) -> dict[str, Any]:
    made = keys.secret
    told: dict[str, Any] = {
        "aead": keys.suite.aead.__name__,
        "hash": keys.suite.hash.name,
        "key": keys.key.hex(),
        "iv": keys.iv.hex(),
        "label": made.label,
    }
    if isinstance(made, KeyBlock):
        return told | {
            "master_secret": made.master_secret.hex(),
            "seed": made.seed.hex(),
            "key_block": made.block.hex(),
            "parts": [{"name": part.name, "start": part.start, "end": part.end} for part in made.parts],
        }
    return told | {
        "secret": made.secret.hex(),
        "generation": made.generation,
        "updates": _updates(made),
        "expanded": [{"label": one.label, "info": one.info.hex(), "output": one.output.hex()} for one in keys.expanded],
    }


def _updates(secret: TrafficSecret) -> list[dict[str, str]]:
    """Return the key updates that led to a secret, the first one first."""
    steps = []
    while secret.previous is not None and secret.update is not None:
        made, secret = secret.update, secret.previous
        steps.append({"secret": secret.secret.hex(), "info": made.info.hex(), "output": made.output.hex()})
    return steps[::-1]
