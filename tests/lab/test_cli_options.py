from lab.cli_options import CERTIFICATES, PLAIN_PORT, TLS_PORT


def test_the_ports_are_those_of_the_course_and_the_next() -> None:
    assert (PLAIN_PORT, TLS_PORT) == (12345, 12346)


def test_certificates_are_kept_where_git_does_not_look() -> None:
    assert CERTIFICATES.parts[-2:] == ("certs", "local")
