"""Deliberately wrong server certificates, each wrong in one thing: what somebody in the middle could show.

They are here to be refused. Knows X.509; like `certs.authority` it must not know files, clocks or sockets. Contract:
beside its one fault each is as strict clients want it, so that a refusal is due to that fault and no other.
"""

from datetime import datetime, timedelta

from cryptography.hazmat.primitives.asymmetric import ec

from certs.authority import Identity, create_authority, issue_server

OTHER_NAME = "mallory.example"  # example: reserved, nobody's (RFC 2606, section 2)
_MONTH = timedelta(days=30)


def self_signed(now: datetime) -> Identity:
    """Make a certificate for localhost that nobody vouches for but itself; anybody can make one."""
    key, start, end = ec.generate_private_key(ec.SECP256R1()), now - _MONTH, now + _MONTH
    # its issuer has the subject's own name and key, and so is the certificate itself
    itself = create_authority(common_name="Traffic lab server", not_before=start, not_after=end, key=key)
    return issue_server(itself, not_before=start, not_after=end, key=key)


def for_another_name(authority: Identity, now: datetime) -> Identity:
    """Make a certificate that is genuine, but for `OTHER_NAME`: CAs give one to whoever owns a name."""
    return issue_server(authority, names=[OTHER_NAME], addresses=[], not_before=now - _MONTH, not_after=now + _MONTH)


def expired(authority: Identity, now: datetime) -> Identity:
    """Make a certificate for localhost that ended a month before `now`."""
    return issue_server(authority, not_before=now - 3 * _MONTH, not_after=now - _MONTH)


def not_yet_valid(authority: Identity, now: datetime) -> Identity:
    """Make a certificate for localhost that begins a month after `now`."""
    return issue_server(authority, not_before=now + _MONTH, not_after=now + 2 * _MONTH)


def signed_by_no_ca(signer: Identity, now: datetime) -> Identity:
    """Make a certificate for localhost that is signed with the key of a server.

    Args:
        signer: a server's certificate, whose basicConstraints say that it is no CA (RFC 5280, section 4.2.1.9); it is
            to be sent along, as it leads on to a CA.
        now: the moment to judge by, with a time zone.
    """
    return issue_server(signer, not_before=now - _MONTH, not_after=now + _MONTH)
