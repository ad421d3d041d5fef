"""Where hand-ins are examined: in processes of this machine, or on a cluster. Any Executor will do."""

import contextlib
import multiprocessing
import os
import resource
import sys
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from pathlib import Path

from lab.errors import LabError

_MEMORY = 4 << 30  # bytes of address space of a worker; reading what an exercise makes takes a twentieth

_PATIENCE = 10  # seconds, for a scheduler to answer


def _limit() -> None:
    """Keep a worker from taking the machine with it: what needs more memory gets a MemoryError, and is not graded."""
    if sys.platform == "linux":  # elsewhere the limit does not count
        _, most = resource.getrlimit(resource.RLIMIT_AS)
        if most == resource.RLIM_INFINITY or most > _MEMORY:  # else there is a tighter one already
            resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, most))


@contextlib.contextmanager
def processes(count: int | None = None) -> Iterator[Executor]:
    """Give processes of this machine, as many as it has cores if not told otherwise."""
    # forked ones would have the locks of this process's threads
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(count or os.cpu_count() or 1, context, _limit)
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


@contextlib.contextmanager
def cluster(address: str, tls: tuple[Path, Path, Path] | None) -> Iterator[Executor]:
    """Give the workers of a Dask cluster, which see the same folders as this machine and have the same lab.

    Args:
        address: of its scheduler: "tcp://10.0.0.1:8786", or "tls://…".
        tls: the CA, the certificate and the key for "tls://", in PEM.

    Raises:
        LabError: dask.distributed is not installed, or nobody answers there.
    """
    try:
        from distributed import Client, Security  # noqa: PLC0415  (slow to import, and only --dask needs it)
    except ImportError as error:
        raise LabError("Dask is not installed: `pip install distributed` in the lab's .venv.") from error
    security = None
    if tls is not None:
        ca, certificate, key = map(str, tls)
        security = Security(  # type: ignore[no-untyped-call]
            tls_ca_file=ca, tls_client_cert=certificate, tls_client_key=key, require_encryption=True
        )
    try:
        client = Client(address, security=security, timeout=_PATIENCE)  # type: ignore[no-untyped-call]
    except (OSError, ValueError, TypeError) as error:
        msg = f"No Dask scheduler answers at {address} ({error}): is it running, and are the certificates right?"
        raise LabError(msg) from error
    with client:
        yield client.get_executor()  # type: ignore[no-untyped-call]
