"""The course's four openssl steps, run for real, then the proof of what is wrong with their result and how to mend it.

Knows the `openssl` program. Must not know the lab's own CA files, or how a step is shown. Contract: every step that is
yielded has run; `command` is a line that can be pasted into a shell in that directory, one after the other, and does
the same; keys are 0600; nothing that was in the directory before is overwritten.
"""

import os
import secrets
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from certs import handshake
from certs.errors import CertsError

_KEY, _REQUEST, _CERTIFICATE = "server-key.key", "server.csr", "server-cert.pem"
# The course writes the open key over the protected one. A second name lets both be looked at, and loses nothing.
_OPEN_KEY, _MENDED = "server-open.key", "server-cert-san.pem"
_NAMES = "subjectAltName=DNS:localhost,IP:127.0.0.1"

# Arguments can be read by every user of the machine (ps); the environment only by this user and root (proc(5)).
_VARIABLE = "LAB_PASS_PHRASE"
_TIMEOUT = 60.0  # seconds; the slowest step looks for two primes and takes less than one


@dataclass(frozen=True, slots=True)
class Step:
    """One step that has run: the shell line, all it printed (stdout and stderr), and what it means."""

    title: str
    command: str
    output: str
    explanation: str


def run_course(directory: Path, *, passphrase: str | None = None) -> Iterator[Step]:
    """Run the course's four steps in `directory`, then let a client refuse the result, and mend it.

    Each step is yielded when it has run. The directory is made with mode 0700 if it is not there.

    Args:
        directory: where the files go.
        passphrase: for the key, 4 to 200 printable characters; None has one made, which the first step tells.

    Raises:
        CertsError: at once when openssl is missing, the pass phrase will not do, or a file is in the way; from the
            iterator when a step fails.
    """
    if shutil.which("openssl") is None:
        raise CertsError(
            "The openssl program is not installed: install the package openssl, on Debian or Ubuntu with "
            "'sudo apt-get install openssl'."
        )
    # openssl itself asks for 4 at least; what is not printable cannot be typed at its prompt.
    if passphrase is not None and not (4 <= len(passphrase) <= 200 and passphrase.isprintable()):
        raise CertsError("The pass phrase will not do: give one of 4 to 200 printable characters.")
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise CertsError(f"{directory} cannot be used ({error.strerror}): choose another directory.") from error
    for name in (_KEY, _REQUEST, _CERTIFICATE, _OPEN_KEY, _MENDED):
        if os.path.lexists(directory / name):
            raise CertsError(
                f"{directory} already holds {name}, which would be lost: delete it or choose an empty directory."
            )
    return _steps(directory, passphrase)


def _steps(directory: Path, given: str | None) -> Iterator[Step]:
    passphrase = given or secrets.token_hex(8)

    def openssl(title: str, arguments: str, explanation: str, *, give: str = "-passin", feed: str = "") -> Step:
        line, output = _run(directory, shlex.split(arguments), give, passphrase, feed)
        return Step(title, line, output, explanation)

    told = "" if given else f" For this run it is {passphrase}."
    yield openssl(
        "1. A private key under a pass phrase",
        f"genpkey -algorithm RSA -out {_KEY} -aes256",
        "The dots are the search for two large primes: their product is public, the primes are the secret. The file is "
        "encrypted with AES-256 under the pass phrase, so a stolen copy is of no use without it. "
        f"Pasted, the line asks for the pass phrase; the lab hands it over in the environment, because what stands on "
        f"a command line can be read by every user with ps.{told}",
        give="-pass",
    )
    yield openssl(
        "2. A signing request",
        f"req -new -key {_KEY} -subj /CN=localhost -out {_REQUEST}",
        "The request holds the public key and a name, and is signed with the private key to show that we have it. "
        "A real CA would check that the name is ours before it signs. "
        "-subj gives the name; without it openssl asks for country, town and company, none of which a client looks at.",
    )
    yield openssl(
        "3. A certificate signed by its own key",
        f"x509 -req -days 365 -in {_REQUEST} -signkey {_KEY} -out {_CERTIFICATE}",
        "Nobody but the key itself vouches for this certificate. "
        "A client has to be handed it beforehand by a way it trusts, or it cannot tell it from anybody else's.",
    )
    yield openssl(
        "4. The pass phrase taken off",
        f"rsa -in {_KEY} -out {_OPEN_KEY}",
        "Now the server starts without anybody typing, and whoever can read the file can be the server: hence mode "
        "0600. "
        "The course writes over the protected file; if that is cut short by a full disk the only key is gone, so a "
        "second name is used here.",
    )
    yield _ask(
        "5. A verifying client refuses it",
        directory,
        _CERTIFICATE,
        "The clients trust this very certificate and expect localhost, yet the first finds no subjectAltName and "
        "refuses: "
        "names are looked for nowhere else (RFC 9525), and browsers agree. "
        "The second falls back on the common name, as Python does unless told otherwise: there it passes, and only "
        "because step 2 happened to say localhost. The third checks strictly, as Python does since 3.13, and refuses "
        "it as well, for the reason it gives.",
    )
    yield openssl(
        "6. The same certificate with one more option",
        f"x509 -req -days 365 -in {_REQUEST} -signkey {_KEY} -out {_MENDED} -extfile /dev/stdin",
        "-extfile adds extensions, here the names that the certificate is for: localhost and 127.0.0.1. "
        "They are given when signing because openssl drops, unless told otherwise, those that a request asks for.",
        feed=_NAMES,
    )
    yield _ask(
        "7. The same client accepts it",
        directory,
        _MENDED,
        "The first client finds localhost among the names. Whether the strict rules are content as well was measured, "
        "and stands in the third line. "
        "What it still lacks beside a certificate from the lab's CA: it vouches for itself, so each new one has to be "
        "handed to each client, and it does not say that it is no CA and for servers only.",
    )


def _run(directory: Path, arguments: list[str], give: str, passphrase: str, feed: str) -> tuple[str, str]:
    """Run openssl; return the line to paste, without the way the pass phrase is given, and all that was printed."""
    command = ["openssl", arguments[0], give, f"env:{_VARIABLE}", *arguments[1:]]
    title = f"openssl {arguments[0]}"
    try:
        done = subprocess.run(
            command,
            cwd=directory,
            env={**os.environ, _VARIABLE: passphrase},
            input=f"{feed}\n" if feed else "",
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            timeout=_TIMEOUT,
            umask=0o077,  # keys 0600, also with a build of openssl that does not see to it
            check=True,
        )
    except subprocess.CalledProcessError as error:
        last = (error.stdout.strip().splitlines() or ["it said nothing"])[-1]
        raise CertsError(f"'{title}' failed ({last}): check the openssl program and its settings.") from error
    except subprocess.TimeoutExpired as error:
        raise CertsError(
            f"'{title}' was not done after {_TIMEOUT:.0f} seconds: try again on a less busy machine."
        ) from error
    except OSError as error:
        raise CertsError(f"'{title}' could not be started ({error.strerror}): check the openssl program.") from error
    line = shlex.join(["openssl", *arguments])
    return (f"printf '%s\\n' {shlex.quote(feed)} | {line}" if feed else line), done.stdout


def _ask(title: str, directory: Path, certificate: str, explanation: str) -> Step:
    try:
        answers = handshake.ask_clients(directory / certificate, directory / _OPEN_KEY)
    except OSError as error:
        raise CertsError(
            f"No handshake over loopback is possible ({error}): check the network of this machine."
        ) from error
    command = shlex.join([sys.executable, str(Path(handshake.__file__).resolve()), certificate, _OPEN_KEY])
    return Step(title, command, handshake.table(answers) + "\n", explanation)
