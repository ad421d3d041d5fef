#!/usr/bin/env bash
# Gradescope runs this once, as root, when it builds the image from the zip (Ubuntu).
set -eu
cd "$(dirname "$0")"
export DEBIAN_FRONTEND=noninteractive
apt-get update
apt-get install -y --no-install-recommends bubblewrap ca-certificates python3 python3-venv
fits='import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))'
python=python3
if ! python3 -c "$fits"; then # Ubuntu 22.04 has an older one, and a newer beside it
    apt-get install -y --no-install-recommends python3.11 python3.11-venv
    python=python3.11
fi
"$python" -m venv .venv
.venv/bin/python -m pip install --disable-pip-version-check --require-hashes -r requirements.lock
