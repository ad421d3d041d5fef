# %%
from lab.exercises.notebook import open_exercise

exercise = open_exercise(6)
exercise.run()

# %%
# every ClientHello: its connection, the server's name, the suites that it offers, by number
# !tshark -r capture.pcapng -Y "tls.handshake.type == 1" -T fields -e tcp.stream -e tls.handshake.extensions_server_name -e tls.handshake.ciphersuite

# %%
# every ServerHello: its connection, the old field, the extension supported_versions, the suite
# !tshark -r capture.pcapng -Y "tls.handshake.type == 2" -T fields -e tcp.stream -e tls.handshake.version -e tls.handshake.extensions.supported_version -e tls.handshake.ciphersuite

# %%
# numbers with their names
# !tshark -r capture.pcapng -Y "tls.handshake.type == 12" -V | grep -E "Cipher Suite:|Named Curve:"

# %%
exercise.answer(
    server="",
    version="",
    offered=0,
    suite="",
    group="",
)
exercise.check()
