# %% [markdown]
# # 2. The same chat over TLS
#
# The same three people say the same words, now over TLS 1.3. You look at what is left to read: first without a key, then
# with the key log. And you see why "it looks random" proves nothing by itself. About 30 minutes.
#
# Run each cell with **Shift+Enter**, from top to bottom. Notebook 1 comes first.

# %% [markdown]
# ## Predict first

# %%
from lab.notebook.predict import predict

prediction = None  # change me: "all", "some" or "none"
readable = predict(
    "Somebody reads along without any key. How many of the chat's messages can they read?",
    prediction,
    ("all", "some", "none"),
)
readable

# %% [markdown]
# TLS packs each message into a *record* and encrypts it. Think of Alice's secret, 49 bytes with the end of the line. An
# eavesdropper cannot read it. Can they tell how long it is?

# %%
prediction_extra = None  # change me: a number, without quotation marks
extra = predict("How many bytes longer than the message is what the record carries?", prediction_extra)
extra

# %% [markdown]
# ## Run it
#
# Both chats run side by side into one capture, so that you can compare them. Each has a port of its own.

# %%
from lab.notebook.live import LAB, run

chat = run("demo", "both")
chat

# %% [markdown]
# ## Look
#
# ### What the records are
#
# A TLS connection is a row of records (RFC 8446, section 5.1). Each has a header of five bytes in the clear: its type, a
# version, and how many bytes follow. `17:03:03:00:26`, say, is application data (hex 17), called version 1.2 (03:03, in TLS
# 1.3 too, for the sake of old devices), and 38 bytes follow (00:26).
#
# Here pyshark lists the records of the first frames, by the words that Wireshark has for them.

# %%
import pyshark

from lab.notebook.packets import from_each
from lab.notebook.show import table

port = chat.port("tls")
only = f"tcp.port == {port} && tls.record"
frames = from_each(
    lambda loop: pyshark.FileCapture(str(chat.capture), display_filter=only, keep_packets=False, eventloop=loop),
    lambda p: (int(p.number), int(p.tcp.srcport), [record.showname for record in p.tls.record.all_fields]),
)
rows = [(frame, sender, record) for frame, sender, records in frames for record in records]
table(("frame", "from port", "record"), rows, most=16)

# %% [markdown]
# The first two can be read: the client says hello, the server answers. With that they have keys. Everything after it says
# "Application Data", even where it is the rest of the handshake: TLS 1.3 hides the true type inside
# (Wireshark: `tls.record.opaque_type`). "Change Cipher Spec" means nothing any more; it is there for old network devices
# (RFC 8446, appendix D.4).
#
# ### Try the way of notebook 1
#
# Take the bytes of one record (`tls.app_data`), strip the colons, decode. This is the record of Alice's secret.


# %%
only = f"tcp.port == {port} && tls.app_data"
sealed = from_each(
    lambda loop: pyshark.FileCapture(str(chat.capture), display_filter=only, keep_packets=False, eventloop=loop),
    lambda p: (int(p.number), p.tls.app_data),
)
secret = chat.verdict["chats"]["tls"]["with_keys"]["messages"][1]
frame = secret["spans"][0]["frame"]  # change this line: any frame of the table above that has Application Data
shown = dict(sealed)[frame]
shown

# %%
data = bytes.fromhex(shown.replace(":", ""))
try:
    print(data.decode("utf-8"))
except UnicodeDecodeError as error:
    print("This is no text:", error)

# %%
# !tshark -r {chat.capture} -Y "frame.number == {frame}" -T fields -e tls.app_data 2>/dev/null | xxd -ps -r | xxd

# %% [markdown]
# Careful with the conclusion. "It did not decode" may have other reasons: a wrong offset, a colon left in, another
# alphabet. So the lab searches the whole capture for the bytes of every message:

# %%
verdict = chat.verdict["chats"]["tls"]["without_keys"]
print(f"{verdict['sent']} messages sent, {verdict['found']} found in {verdict['bytes_searched']:,} bytes.")
readable.against({verdict["sent"]: "all", 0: "none"}.get(max(verdict["read"], verdict["found"]), "some"))

# %% [markdown]
# ### It looks random …
#
# How often does each byte value come? Compare with the hills of plaintext. The same words are said in both chats.

# %%
from capture.tls import APPLICATION_DATA, read_records
from lab.notebook.plots import byte_values

layers = [read_records(stream) for stream in chat.streams("tls")]
encrypted = b"".join(r.fragment for layer in layers for r in layer.records if r.content_type == APPLICATION_DATA)
plain = b"".join(stream.data for stream in chat.streams("plain"))
byte_values({"plaintext chat": plain, "TLS chat, its encrypted records": encrypted})

# %% [markdown]
# ### … and that proves nothing alone
#
# Here is the plaintext in three other dresses. None of them needs a secret key to be read. *Entropy* counts how many bits
# of surprise a byte holds, at most 8. *p* says how often truly random bytes would be at least as uneven as these: near 0
# means "certainly not random".

# %%
import base64
import random
import zlib

from capture.randomness import examine

stream = random.Random(42).randbytes(len(plain))  # from a number that stands in the source code
samples = {
    "plaintext": plain,
    "base64": base64.b64encode(plain),
    "compressed (zlib)": zlib.compress(plain),
    "XOR with Python's random, seed 42": bytes(a ^ b for a, b in zip(plain, stream, strict=True)),
    "TLS 1.3": encrypted,
}
judged = {name: examine(sample) for name, sample in samples.items()}
table(
    ("what", "bytes", "bits of entropy a byte", "p"),
    [(name, len(samples[name]), f"{r.entropy:.2f}", f"{r.p_value:.2g}") for name, r in judged.items()],
)

# %% [markdown]
# The XOR one looks as random as TLS does: this test cannot tell the two apart. Yet anyone who reads the source code reads
# the chat:

# %%
again = random.Random(42).randbytes(len(plain))
bytes(a ^ b for a, b in zip(samples["XOR with Python's random, seed 42"], again, strict=True))[:200]

# %% [markdown]
# So evenness is what encryption *must* have, and not what makes it one. What does prove something: who holds the key, and how
# it was agreed on. Notebooks 3, 4 and 6 are about that, and 8 shows chats that only look encrypted.
#
# ### With the key log
#
# The server wrote the secrets of each connection into a file, the key log. Each line: a label, the client's random from
# its hello (so that the right connection is found), and a secret. Wireshark reads such files, and browsers
# write one when you set `SSLKEYLOGFILE`. We show the labels only: whoever has the rest has the chat.

# %%
# !grep -v '^#' {chat.keylog} | cut -d' ' -f1 | sort | uniq -c


# %%
opened = from_each(
    lambda loop: pyshark.FileCapture(
        str(chat.capture),
        display_filter=f"tcp.port == {port} && data",
        override_prefs={"tls.keylog_file": str(chat.keylog)},
        decode_as={f"tcp.port=={port}": "tls", f"tls.port=={port}": "data"},
        keep_packets=False,
        eventloop=loop,
    ),
    lambda p: (int(p.number), [layer.data_data for layer in p.layers if layer.get_field("data.data")]),
)

table(
    ("frame", "decrypted", "as text"),
    [(n, shown, bytes.fromhex(shown.replace(":", "")).decode()) for n, several in opened for shown in several],
    most=12,
    width=40,
)

# %% [markdown]
# The same in the shell. Note what is new in the line: one option, and it names a file.

# %%
# !tshark -r {chat.capture} -o tls.keylog_file:{chat.keylog} -d tcp.port=={port},tls -d tls.port=={port},data -Y "frame.number == {frame}" -T fields -e data.data 2>/dev/null | xxd -ps -r

# %% [markdown]
# ### How long is a record?
#
# With the keys open we can put what was inside beside what passed.

# %%
from lab.sessions import sessions

pairs = [
    (one.record.stream.source.port == port, len(one.plaintext), len(one.record.fragment), one.plaintext)
    for session in sessions(chat.streams("tls"), chat.keys)
    for side in session.opened
    for one in side
    if one.content_type == APPLICATION_DATA
]
table(
    ("from the server", "bytes inside", "bytes in the record", "text"),
    [(*p[:3], p[3].decode()) for p in pairs],
    most=10,
    width=50,
)

# %%
(measured,) = {record - inside for _, inside, record, _ in pairs}
extra.against(measured)

# %% [markdown]
# In TLS 1.3 it is always 17: a byte for the true type (RFC 8446, section 5.2) and a tag of 16 that shows any change. So
# lengths shine through. Here is what an eavesdropper has without a key. (The long guest list would squeeze the rest, so
# it is left out.) The tallest square of each connection holds the server's certificate: hidden, but not its length.

# %%
from lab.notebook.plots import over_time

seen = [r for connection in chat.verdict["chats"]["tls"]["visible_without_keys"] for r in connection["records"]]
begin = min(r["time_ns"] for r in seen)
over_time(
    {
        "to the server": [
            ((r["time_ns"] - begin) / 1e6, r["length"]) for r in seen if r["from_client"] and r["length"] < 600
        ],
        "from the server": [
            ((r["time_ns"] - begin) / 1e6, r["length"]) for r in seen if not r["from_client"] and r["length"] < 600
        ],
    },
    time="milliseconds since the first encrypted record",
    length="bytes in the record",
)

# %% [markdown]
# ### Byte by byte
#
# The hello of the client, and the record of the secret. Point at the bytes; then press *With the keys*.

# %%
from lab.report.widget import explore

explore(chat.capture, chat.keylog, frames=[frames[0][0], frame])

# %% [markdown]
# ## What it means
#
# What anybody on the way still sees, here:

# %%
visible = chat.verdict["chats"]["tls"]["visible_without_keys"]
rows = ("client", "server", "server_name", "version", "cipher_suite")
table(
    ("seen without any key", *(f"connection {v['connection']}" for v in visible)),
    [
        *((row, *(v[row] for v in visible)) for row in rows),
        ("the certificate", *("readable" if v["certificate"] else "encrypted" for v in visible)),
    ],
)

# %% [markdown]
# - Hidden: the words, the names in the chat, and in TLS 1.3 the server's certificate.
# - In sight: who talks to whom, when, how often, how long each message is, and the name of the server that the client asks for
#   (SNI, RFC 6066, section 3).
# - The key log opens everything. Whoever can read that file needs no attack. The lab makes it readable for you alone.
#
# ## Change this line and see
#
# In TLS 1.2, which records can be read before the first "Application Data"? What comes after a change_cipher_spec is
# encrypted, whatever its type says. And how much longer than the message is a record?

# %%
older = run("demo", "tls", "--tls", "1.2")  # change this line: "1.3" again, or your own words=["alice > …"]
older

# %%
from capture.tls import CONTENT_TYPES, VERSIONS

first = [r for stream in older.streams("tls")[:2] for r in read_records(stream).records[:8]]  # both sides of one
table(
    ("from the server", "type", "version in the header", "bytes"),
    [(not r.stream.from_client, CONTENT_TYPES[r.content_type], VERSIONS[r.version], len(r.fragment)) for r in first],
)

# %%
[
    (v["version"], v["cipher_suite"], f"{v['overhead']} bytes longer", f"certificate in sight: {v['certificate']}")
    for v in older.verdict["chats"]["tls"]["visible_without_keys"][:1]
]

# %% [markdown]
# ## Your exercises
#
# - Exercise 2: the same as exercise 1, on `tls.app_data`, and what that proves. `lab exercise 2`
# - Exercise 4: read the header of a record by hand. `lab exercise 4`
# - Exercise 6: what the client offered, and what the server chose. `lab exercise 6`
# - Exercise 13: what sizes and times tell. `lab exercise 13`
#
# Next: where the server's certificate comes from, and why you should believe it. Notebook 3.
