# %%
from lab.exercises.notebook import open_exercise

exercise = open_exercise(2)
exercise.run()

# %%
stream = exercise.values["stream"]
# !tshark -r capture.pcapng -Y "tcp.stream == {stream} && tls.app_data" -T fields -e frame.number -e tcp.srcport -e tls.app_data | cut -c1-100

# %%
# printable bytes: in the sentence as it is, compressed, and XORed with one byte
import zlib

sentence = exercise.values["message"].encode()
for data in (sentence, zlib.compress(sentence), bytes(byte ^ 0x9D for byte in sentence)):
    print(sum(0x20 <= byte <= 0x7E for byte in data), "of", len(data))

# %%
# search: the same for the other three
word = exercise.values["a"]
# !tshark -r capture.pcapng -Y 'frame contains "{word}"'

# %%
exercise.answer(
    body="",
    printable=0,
    stands="",
    proves=0,
)
exercise.check()
