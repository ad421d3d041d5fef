"""What several commands take: the two ports, the folder of certificates, which server, as whom, in which language."""

from pathlib import Path
from typing import Annotated, Final, Literal

import typer

PLAIN_PORT, TLS_PORT = 12345, 12346
CERTIFICATES: Final = Path(__file__).resolve().parent.parent / "certs" / "local"

PlainPort = Annotated[int, typer.Option(min=0, max=65535, help="Port of the plaintext chat; 0 for any.")]
TlsPort = Annotated[int, typer.Option(min=0, max=65535, help="Port of the TLS chat; 0 for any.")]
Host = Annotated[str, typer.Option(help="The server.")]
Port = Annotated[int | None, typer.Option(min=1, max=65535, help="Its port. [default: 12345, over TLS 12346]")]
Lang = Annotated[Literal["en", "es"] | None, typer.Option(help="The language to begin with. [default: the system's]")]
Ca = Annotated[
    Path | None,
    typer.Option(help="The certificate of the CA to trust, for a server on another machine. [default: this lab's own]"),
]
Certificate = Annotated[
    Path | None,
    typer.Option(help="Your own certificate, for a TLS chat that lets in nobody without. [default: none]"),
]
Key = Annotated[Path | None, typer.Option(help="The key of that certificate. [default: beside it, NAME.key]")]
Certs = Annotated[Path, typer.Option("--certs", help="The folder of the certificates.", show_default="certs/local")]
