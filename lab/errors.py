"""The error of this package. Its text is one sentence for the user."""


class LabError(Exception):
    """A run cannot be done, or did not go as it should."""
