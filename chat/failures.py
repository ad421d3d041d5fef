"""Why a client is not connected: the sentences of `chat.client` as templates, to be told in any language.

Knows the wording of `chat.client` and the commonest of OpenSSL's reasons. Must not know: how connecting works.
Contract: `recognise` returns the template and fields of a sentence, None for one that is not known.
"""

from typing import Final

from chat.notices import recogniser

TEMPLATES: Final = (
    "There is no port {port}: choose one from 1 to 65535.",
    "{where} did not answer within {seconds} seconds: check the address.",
    "{where} closed the connection before it let you in: {why}",
    "{where} does not let you in: {why}.",
    "What answers at {where} is not this chat: check the address.",
    "The certificate of {where} is not to be trusted ({reason}): check who runs it.",
    "{where} lets in only who shows a certificate: connect with yours.",
    "{where} does not accept your certificate ({reason}): connect with one that it trusts.",
    "TLS with {where} failed ({reason}): check that this port speaks TLS.",
    "Nothing listens at {where}: start the server, or check the address.",
    "The host in {where} cannot be found: check its name.",
    "{where} cannot be reached ({reason}): check the address.",
    # the ends of a connection
    "The connection is gone: {why}",
    "this port speaks TLS: connect with TLS, or to the plaintext port.",
    "the server ended the connection.",
    "it sent a line too long to be from a chat server: check the address.",
    "it was cut off.",
    "TLS failed ({reason}).",
    # OpenSSL's reasons, openssl-verification-options(1)
    "self-signed certificate",
    "self-signed certificate in certificate chain",
    "unable to get local issuer certificate",
    "certificate has expired",
    "certificate is not yet valid",
    "Hostname mismatch, certificate is not valid for '{name}'.",
    "IP address mismatch, certificate is not valid for '{name}'.",
    "WRONG_VERSION_NUMBER",
    "UNEXPECTED_EOF_WHILE_READING",
)

_FIELDS = {"port": r"-?\d+", "seconds": r"[\d.]+", "where": r"\S*", "name": r"[^']*", "why": ".*", "reason": ".*"}
recognise: Final = recogniser(TEMPLATES, _FIELDS)
