from pathlib import Path

from lab.cli_options import CERTIFICATES, PLAIN_PORT, TLS_PORT

ROOT = Path(__file__).parents[2]


def test_the_ports_are_those_of_the_readme() -> None:
    assert f" plaintext, port {PLAIN_PORT}  " in (ROOT / "README.md").read_text()
    assert f" TLS, port {TLS_PORT}  " in (ROOT / "README.md").read_text()


def test_certificates_are_kept_where_git_does_not_look() -> None:
    assert f"/{CERTIFICATES.relative_to(ROOT)}/" in (ROOT / ".gitignore").read_text().splitlines()
