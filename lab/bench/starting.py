"""How long it takes to import the lab, its native reader, and what others import."""

from functools import partial

from lab.bench.figures import Row, Size, in_turn
from lab.bench.programs import python, running

_LAB, _NATIVE = "lab.cli", "capture.readers.native"
_PEERS = ("dpkt", "scapy.all", "pyshark")
_TIMED = "import time; started = time.perf_counter(); import {}; print((time.perf_counter() - started) * 1000)"


def import_ms(module: str) -> float:
    """Return the milliseconds that a Python just started takes to import a module.

    Raises:
        LabError: it cannot.
    """
    with running(f"import {module}", python("-W", "ignore", "-c", _TIMED.format(module))) as program:
        return float(program.line())


def imports(size: Size) -> list[Row]:
    """Return the rows of import times."""
    modules = (_LAB, _NATIVE, *_PEERS)
    results = in_turn({module: partial(import_ms, module) for module in modules}, size.rounds)
    sides = {module: results.side(module, lambda took: took) for module in modules}
    peers = tuple(sides[module] for module in _PEERS)
    return [Row("import, ms", sides[module], peers) for module in (_NATIVE, _LAB)]
