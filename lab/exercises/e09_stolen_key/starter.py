# %%
from lab.exercises.notebook import open_exercise

exercise = open_exercise(9)
exercise.run()

# %%
# !tshark -r capture.pcapng -o 'uat:rsa_keys:"server.key",""' -Y "tcp && data" -T fields -e tcp.srcport -e tcp.dstport -e data.data | while read from to data; do echo "$$from > $$to: $(echo $$data | tr -d , | xxd -r -p)"; done

# %%
# !tshark -r capture.pcapng -Y "tls.handshake.type == 12" -T fields -e tcp.stream -e tcp.srcport -e tls.handshake.server_point

# %%
exercise.answer(
    port=0,
    message="",
    share="",
    why="",
)
exercise.check()
