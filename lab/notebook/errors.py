"""The error of a cell: one sentence below it, where Jupyter would show a traceback."""

from lab.errors import LabError


class CellError(LabError):
    """A cell cannot do what it says; the text says why, and what to change."""

    def _render_traceback_(self) -> list[str]:
        """Return the lines that IPython shows in place of the traceback."""
        return [str(self)]
