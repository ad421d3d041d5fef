"""Runs a student's `open_record` on records and says what came out: a program of its own, `python harness.py`.

Reads a list of records from standard input and writes what came out to standard output, both in JSON. Imports nothing
of the lab. The code beside it may do anything: whoever starts this sees to it that it does no harm.
"""

import io
import json
import os
import runpy
import sys
from typing import Any

_LONGEST = 1 << 15  # bytes of an answer; a record has no more than half of it


def examine(path: str, records: list[dict[str, Any]]) -> dict[str, Any]:
    """Return what the code in a file makes of each record.

    Args:
        path: of the file, which defines `open_record`.
        records: its arguments, bytes in hex digits.

    Returns:
        `problem`: "" or why there are no results: "broken" (the file does not run), "no_function";
        `printed`: whether anything was printed; `results`: for each record how it `ended`
        ("bytes", "nothing", "not_bytes", "raised") and a `value`: the bytes in hex digits, or the exception's name.
    """
    printed = io.StringIO()
    sys.stdout = printed
    try:
        function = runpy.run_path(path).get("open_record")
    except BaseException as error:
        return {"problem": "broken", "said": f"{type(error).__name__}: {error}"[:200], "printed": False, "results": []}
    if not callable(function):
        return {"problem": "no_function", "said": "", "printed": False, "results": []}
    results = [_result(function, record) for record in records]
    return {"problem": "", "printed": bool(printed.getvalue().strip()), "results": results}


def _result(function: Any, record: dict[str, Any]) -> dict[str, str]:
    secret, header, fragment = (bytes.fromhex(record[name]) for name in ("secret", "header", "fragment"))
    try:
        value = function(record["suite"], secret, header, fragment, record["sequence"])
    except BaseException as error:
        return {"ended": "raised", "value": type(error).__name__}
    if value is None:
        return {"ended": "nothing", "value": ""}
    if not isinstance(value, bytes | bytearray) or len(value) > _LONGEST:
        return {"ended": "not_bytes", "value": type(value).__name__}
    return {"ended": "bytes", "value": value.hex()}


if __name__ == "__main__":
    # what the code prints, by whichever way, must not get between the results
    answer = os.fdopen(os.dup(1), "w", encoding="ascii")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    told = json.load(sys.stdin)
    json.dump(examine(told["path"], told["records"]), answer)
    answer.flush()
    os._exit(0)  # whatever the code has left running or registered
