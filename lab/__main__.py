"""`python -m lab`."""

import sys

if __name__ == "__main__":
    try:
        from lab.cli import main

        sys.exit(main())
    except KeyboardInterrupt:  # while the imports were still running
        sys.exit(130)
