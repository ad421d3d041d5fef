# %%
from lab.exercises.notebook import open_exercise

exercise = open_exercise(15)
exercise.run()
stream = exercise.values["stream"]

# %%
# the secret: find its line by the random of the ClientHello
# !tshark -r capture.pcapng -Y "tcp.stream == {stream} && tls.handshake.type == 1" -T fields -e tls.handshake.random
# !cut -c1-120 tls.keylog

# %%
# the records: each begins with a header of five bytes
# !tshark -r capture.pcapng -Y "tcp.stream == {stream}" -T fields -e tcp.srcport -e tcp.payload

# %%
# open solution.py beside this notebook, complete it and save it; then try it here
import runpy

secret = header = fragment = bytes()  # bytes.fromhex("…")
sequence = int(exercise.values["sequence"])
open_record = runpy.run_path("solution.py")["open_record"]
# open_record("TLS_AES_256_GCM_SHA384", secret, header, fragment, sequence)

# %%
exercise.check()
