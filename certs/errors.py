"""The one error of this package.

Knows nothing of files, OpenSSL or TLS. Contract: the text of every `CertsError` is one plain sentence that says what
happened and what to do about it, fit to be shown as it is.
"""


class CertsError(Exception):
    """A key, a certificate or a TLS context could not be made, read or trusted to be whole."""
