"""What several commands take: the two ports, and the folder of the certificates."""

from pathlib import Path
from typing import Annotated, Final

import typer

PLAIN_PORT, TLS_PORT = 12345, 12346
CERTIFICATES: Final = Path(__file__).resolve().parent.parent / "certs" / "local"

PlainPort = Annotated[int, typer.Option(min=0, max=65535, help="Port of the plaintext chat; 0 for any.")]
TlsPort = Annotated[int, typer.Option(min=0, max=65535, help="Port of the TLS chat; 0 for any.")]
Ca = Annotated[
    Path | None,
    typer.Option(help="The certificate of the CA to trust, for a server on another machine. [default: this lab's own]"),
]
Certs = Annotated[Path, typer.Option("--certs", help="The folder of the certificates.", show_default="certs/local")]
