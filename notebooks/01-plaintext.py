# %% [markdown]
# # 1. The chat on the wire, in plaintext
#
# Three people chat through a server, in plaintext. You capture what passes, and read it byte by byte: as an eavesdropper
# would, with no key and no guess. About 20 minutes.
#
# Run each cell with **Shift+Enter**, from top to bottom. Nobody is overheard but the lab's own server and clients, on this
# machine's loopback.

# %% [markdown]
# ## Predict first
#
# A prediction that turns out wrong teaches more than a page that you only read. So write down what you expect.

# %%
from lab.notebook.predict import predict

prediction = None  # change me: "all", "some" or "none"
readable = predict(
    "Somebody reads along on the network, without any password. How many of the chat's messages can they read?",
    prediction,
    ("all", "some", "none"),
)
readable

# %% [markdown]
# And a number. Alice says one sentence to the room, while only Bob is there with her. All traffic goes through the server.

# %%
prediction_times = None  # change me: a number, without quotation marks
times = predict("How many times do the bytes of that sentence cross the network?", prediction_times)
times

# %% [markdown]
# ## Run it
#
# The next cell starts the server, three clients and a capture of the server's port. It takes a second or two. The line
# below it says how the capture was made; believe only what it says. The server listens on any port that is free, so that a
# chat which you run elsewhere is not in its way: the number is another one each time.

# %%
from lab.notebook.live import LAB, run

chat = run("demo", "plain")
chat

# %% [markdown]
# ## Look
#
# **pyshark** hands out the packets of a capture, one by one. It asks Wireshark's own program, `tshark`, to take each apart.
# We keep four values of every packet that carries something; `tcp.payload` is Wireshark's name for the bytes that TCP
# carries. (A notebook runs an event loop, and pyshark wants one of its own. `from_each` gives it one, in a thread.)

# %%
import pyshark

from lab.notebook.packets import from_each
from lab.notebook.show import table

only = f"tcp.port == {chat.port('plain')} && tcp.len > 0"  # a display filter, as you would type it in Wireshark
packets = from_each(
    lambda loop: pyshark.FileCapture(str(chat.capture), display_filter=only, keep_packets=False, eventloop=loop),
    lambda p: (int(p.number), int(p.tcp.srcport), int(p.tcp.dstport), p.tcp.payload),
)
table(("frame", "from port", "to port", "tcp.payload"), packets, most=12, width=70)

# %% [markdown]
# ### Strip the colons, decode the hex
#
# Each pair of hex digits is one byte. The colons are not part of the data: Wireshark puts them there for your eyes. Here is
# the frame in which Alice tells Bob a secret.

# %%
secret = chat.verdict["chats"]["plain"]["without_keys"]["messages"][1]
frame = secret["spans"][0]["frame"]  # change this line: any frame of the table above
shown = {number: payload for number, _, _, payload in packets}[frame]
shown

# %%
from capture.decode import strip_colons

digits = strip_colons(shown)
digits

# %%
data = bytes.fromhex(digits)
print(len(shown), "characters with colons,", len(digits), "digits,", len(data), "bytes")
data

# %%
print(data.decode("utf-8"))

# %% [markdown]
# That was the whole attack. No key was needed, and nothing was broken.
#
# A mistake that many make: to encode the *shown text* instead of decoding it. The result has bytes, too, and they are the
# wrong ones. `3a` is the colon itself.

# %%
shown[:8].encode().hex(" ")  # the bytes of the picture, not of the message

# %% [markdown]
# ### The same in the shell
#
# `tshark -T json` prints bytes with colons, as pyshark does. `tr` strips them, and `xxd -ps -r` turns hex into bytes.

# %%
# !tshark -r {chat.capture} -Y "frame.number == {frame}" -T json 2>/dev/null | grep '"tcp.payload"'

# %%
# !tshark -r {chat.capture} -Y "frame.number == {frame}" -T json 2>/dev/null | grep '"tcp.payload"' | cut -d'"' -f4 | tr -d ':' | xxd -ps -r

# %% [markdown]
# With the right to capture, the same works while people chat (`make server`): `tshark -i lo -f "tcp port 12345" -d
# tcp.port==12345,data -T fields -e data.data` prints the bytes of each message as it passes. `-f` keeps it to that port.
#
# The lab has a command for the second half:

# %%
# !{LAB} decode {shown}

# %% [markdown]
# ### Every message, and where it stands
#
# A frame may hold half a message, or two. TCP gives the receiver a stream of bytes without seams, so the lab first puts the
# stream together and then cuts it into lines. Each message keeps the frame and the bytes where it stood: check one in Wireshark.

# %%
from lab.overhear import overhear

heard = overhear(chat.streams("plain"))
table(("who", "said", "where"), [(m.who, m.text, "; ".join(map(str, m.spans))) for m in heard], width=60)

# %% [markdown]
# ### Compare with your predictions

# %%
verdict = chat.verdict["chats"]["plain"]["without_keys"]
readable.against({verdict["sent"]: "all", 0: "none"}.get(verdict["read"], "some"))

# %%
times.against(len(secret["places"]))

# %% [markdown]
# Alice sends it to the server, and the server sends it on to each of the others. So the bytes pass once, and once more for
# every listener. Later Carol is there as well:

# %%
table(("message", "times on the wire"), [(m["text"], len(m["places"])) for m in verdict["messages"]], width=60)

# %% [markdown]
# ### Byte by byte
#
# Point at a byte, and the card beside it says what it is. The first frame opens the connection and carries no words; the
# second is Alice's secret.

# %%
from lab.report.widget import explore

explore(chat.capture, frames=[packets[0][0] - 3, frame])

# %% [markdown]
# ### What plaintext looks like from afar
#
# How often does each of the 256 byte values come in the whole conversation?

# %%
from lab.notebook.plots import byte_values

everything = b"".join(stream.data for stream in chat.streams("plain"))
byte_values({"plaintext chat": everything})

# %% [markdown]
# The tall bar on the left is the space (32). The hill from 97 to 122 is the letters *a* to *z*. Accents and emoji are above
# 128: UTF-8 writes them with two to four bytes (RFC 3629). Anything written by people has such a shape. Remember it for notebook 2.

# %% [markdown]
# ## What it means
#
# - TCP delivers bytes in order (RFC 9293). It hides nothing: every device on the way sees all of it.
# - Hex with colons is *not* encryption. It is a way to print bytes, and so is base64.
# - You read the messages without taking part. Neither Alice nor the server can notice.
# - "Nobody listens on loopback", said Alice. You just did. On a network it is no harder for whoever runs the Wi-Fi.

# %% [markdown]
# ## Change this line and see
#
# Put your own words in, and look for them. Try an accent or an emoji: how many bytes is it?

# %%
words = ["alice > My password is swordfish", "bob > ¿Seguro?"]  # change this line
mine = run("demo", "plain", words=words)
mine

# %%
table(("who", "said", "as bytes"), [(m.who, m.text, m.text.encode()) for m in overhear(mine.streams("plain"))])

# %% [markdown]
# ## Your exercises
#
# They are about traffic of your own, in the folder that your teacher gave you.
#
# - Exercise 1: recover a message, its sender and its frame from `tcp.payload`. Start it with `lab exercise 1`.
# - Exercise 3: tell the TCP handshake from the TLS handshake. `lab exercise 3`
# - Exercise 5: segments are not records. `lab exercise 5`
#
# Next: the same chat over TLS, in notebook 2.
