# %%
from lab.exercises.notebook import open_exercise

exercise = open_exercise(5)
exercise.run()

# %%
# what both sides send: number of the frame, port of the sender, the data in hex
stream = exercise.values["stream"]
# rows = !tshark -r capture.pcapng -Y "tcp.stream == {stream} && tcp.len > 0" -T fields -e frame.number -e tcp.srcport -e tcp.payload 2>/dev/null

# %%
client = rows[0].split("\t")[1]  # the client speaks first
at = 0
for row in rows:
    frame, source, payload = row.split("\t")
    if source == client:
        length = len(payload) // 2
        print(f"frame {frame}: bytes {at} to {at + length - 1} of the stream")
        at += length

# %%
# now the records: the header of each says where the next one begins
data = bytes.fromhex("".join(row.split("\t")[2] for row in rows if row.split("\t")[1] == client))
print(data[:5].hex(" "))

# %%
exercise.answer(
    first=0,
    last=0,
    in_first=0,
    begin=0,
)
exercise.check()
