# %% [markdown]
# # 5. Decrypt one record by hand
#
# A key log makes Wireshark show the words. It looks like magic, but it is arithmetic that fits on one page. Here you open
# **one** record of TLS 1.3 yourself: from a line of the key log to a key, from the key to the words. At the end tshark,
# which other people wrote, has to agree with each of your numbers. It takes 25 minutes. Run each cell with Shift+Enter.
#
# This is the whole way. The `cryptography` package does HMAC and AES; every step between them is yours.
#
# ```text
#  key log ──► secret ──┬── "key" ──► key ────────────────────┐
#                       │                                     ▼
#                       └── "iv" ───► IV ──XOR──► nonce ──► AES-GCM ──► words, or a refusal
#                                           ▲                 ▲
#                         number of the record              header of the record
# ```

# %% [markdown]
# ## Predict first
#
# Change `None` to what you expect. A wrong guess teaches more than a right one.

# %%
from lab.notebook.predict import predict

prediction_a = None  # change me
nonce_from = predict(
    "Each record needs a number of its own, the nonce. Where does the receiver get it?",
    prediction_a,
    ("it is sent with the record", "both sides work it out"),
)
nonce_from

# %%
prediction_b = None  # change me
one_bit = predict(
    "One bit of the encrypted words is flipped on the way. What does the receiver get?",
    prediction_b,
    ("one wrong letter", "noise", "nothing at all"),
)
one_bit

# %%
prediction_c = None  # change me to a number
question = "A message of 30 bytes: how many bytes longer is its record?"
extra = predict(question, prediction_c)
extra

# %% [markdown]
# ## Run it
#
# The chat is held over TLS 1.3 and captured. The server writes the secrets of each connection into a key log.

# %%
from lab.notebook.live import run

said = ["alice > Hello Bob, are we alone here?", "alice > The safe opens with 36-24-36."]
chat = run("demo", "tls", words=said)
chat

# %% [markdown]
# Each direction of a connection is a row of *records*. A record begins with a header of five bytes, in the clear: its type,
# a version, the length of what follows. This is what Alice's side has sent, as anybody can see it.

# %%
from lab.notebook.show import table
from lab.sessions import sessions

alice = sessions(chat.streams("tls"), None)[0]
records = alice.client.records
where = [alice.client.stream.locate(one.start, one.end)[0] for one in records]
rows = [(at, one.header.hex(":"), len(one.fragment), where[at]) for at, one in enumerate(records)]
table(("place", "header", "bytes that follow", "where"), rows, most=10)

# %% [markdown]
# - `16` is the handshake, here the ClientHello, in the clear.
# - `14` means nothing in TLS 1.3. It is there for old devices on the way (RFC 8446, section D.4).
# - All the others say `17`, application data. But the first `17` is still the handshake: Alice's *Finished*.
#
# After that her client sends one record for each line: first her nickname, then what she says. So what she says second is
# the fourth `17`. Python counts from 0.

# %%
sent_under_17 = [one for one in records if one.content_type == 0x17]
chosen = 3  # change this line
record = sent_under_17[chosen]
header, body = record.header, record.fragment

print("header", header.hex(":"), "   its last two bytes:", int.from_bytes(header[3:], "big"))
print("body  ", body.hex(":"))

# %% [markdown]
# > **The beginner's mistake:** to decrypt the header, too, or to count it in. The length is that of the body alone, and only
# > the body is encrypted.
#
# ## Look
#
# The same record in its frame. Point at a byte to see what it is.

# %%
from lab.report.widget import explore

frame = alice.client.stream.locate(record.start, record.end)[0].frame
explore(chat.capture, chat.keylog, frames=[frame])

# %% [markdown]
# ## 1. The secret
#
# A key log has several lines for each connection, and they look alike. Which is ours? The second word of a line is the
# *client random*: 32 bytes that the client drew for its ClientHello. They stand there in the clear, after six bytes: the
# type of the message (1), its length (3) and a version (2).

# %%
hello = alice.client.records[0].fragment
client_random = hello[6:38]
every_line = chat.keylog.read_text().splitlines()
ours = [line for line in every_line if client_random.hex() in line]

print("client random:", client_random.hex(), "\n")
print("\n".join(f"{line[:70]}…" for line in ours))

# %% [markdown]
# `HANDSHAKE` protects the rest of the handshake, `TRAFFIC_SECRET_0` all that comes after it. Each side has its own. Alice's
# *client* sent our record, *after* the handshake:

# %%
[line] = [line for line in ours if line.startswith("CLIENT_TRAFFIC_SECRET_0")]
secret = bytes.fromhex(line.split()[2])
print(f"secret, {len(secret)} bytes:\n{secret.hex()}")

# %% [markdown]
# > **The beginner's mistake:** to take the server's line for what the client sent, or the line of Bob's connection. Nothing
# > warns you. The record just does not open.
#
# ## 2. From the secret to key and IV
#
# The secret is not the key. The *cipher suite* says which hash makes the key, how long it is, and which cipher takes it. The
# server chose it: in the ServerHello it stands behind type (1), length (3), version (2), random (32), and a session id with
# a byte for its length.

# %%
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305

SUITES = {  # RFC 8446, section B.4
    "1301": ("TLS_AES_128_GCM_SHA256", hashes.SHA256(), 16, AESGCM),
    "1302": ("TLS_AES_256_GCM_SHA384", hashes.SHA384(), 32, AESGCM),
    "1303": ("TLS_CHACHA20_POLY1305_SHA256", hashes.SHA256(), 32, ChaCha20Poly1305),
}
answer = alice.server.records[0].fragment
after_id = 39 + answer[38]
number = answer[after_id : after_id + 2].hex()
suite, algorithm, key_length, cipher = SUITES[number]
print(f"suite {number}: {suite}, hash {algorithm.name}, key of {key_length} bytes")

# %% [markdown]
# TLS 1.3 makes everything with one function, *HKDF-Expand-Label* (RFC 8446, section 7.1): it hashes the secret together with
# a label that says what the result is for. Another label gives other bytes, and no way leads back to the secret.

# %%
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand


def expand_label(secret: bytes, label: str, length: int) -> bytes:
    name = b"tls13 " + label.encode()
    info = length.to_bytes(2, "big") + bytes([len(name)]) + name + b"\0"  # 0: no context
    print(f"info {info.hex()}: make {length} bytes, label of {len(name)} bytes {name.decode()!r}")
    return HKDFExpand(algorithm, length, info).derive(secret)


key = expand_label(secret, "key", key_length)
iv = expand_label(secret, "iv", 12)
print(f"\nkey {key.hex()}\nIV  {iv.hex()}")

# %% [markdown]
# `HKDFExpand` is no secret art either. For so few bytes it is one HMAC, over the info and a byte `01` (RFC 5869):

# %%
import hmac

info = b"\0" + bytes([key_length]) + b"\x09tls13 key\0"
by_hmac = hmac.digest(secret, info + b"\x01", algorithm.name)
print("the same key:", by_hmac[:key_length] == key)

# %% [markdown]
# ## 3. The nonce
#
# The cipher wants a number that is never used twice under one key. TLS 1.3 does not send it. Both sides count the records of
# each direction from 0, and begin again whenever the keys change. The number of the record XOR the IV is the nonce (RFC
# 8446, section 5.3).
#
# The Finished was under the keys of the handshake. Under *our* key the nickname was record 0, what she said first record 1,
# and ours is record 2.

# %%
sequence = chosen - 1
counted = sequence.to_bytes(12, "big")
nonce = bytes(a ^ b for a, b in zip(iv, counted, strict=True))
print(f"IV     {iv.hex()}\nnumber {counted.hex()}\nnonce  {nonce.hex()}")

# %% [markdown]
# Was it sent? The measurement: is it among the bytes of the record?

# %%
sent = nonce in header + body
nonce_from.against("it is sent with the record" if sent else "both sides work it out")

# %% [markdown]
# ## 4. Open it
#
# Two things are left. The **tag** is the last 16 bytes of the body: a seal over everything else. And the **additional data**
# are bytes that are not encrypted but sealed all the same. In TLS 1.3 that is the header (RFC 8446, section 5.2), so nobody
# can change the length or the type on the way.

# %%
ciphertext, tag = body[:-16], body[-16:]
print("ciphertext     ", ciphertext.hex())
print("tag            ", tag.hex())
print("additional data", header.hex())

inner = cipher(key).decrypt(nonce, ciphertext + tag, header)
print("opened         ", inner.hex())

# %% [markdown]
# Are these the words? Nearly. The true type of a record travels *inside*, as the last byte that is not zero. Behind it there
# may be zeros: padding, which hides the length (RFC 8446, section 5.4).

# %%
unpadded = inner.rstrip(b"\0")
words, true_type = unpadded[:-1], unpadded[-1]
print(f"type  {true_type}   (21 alert, 22 handshake, 23 application data)")
print(f"words {words.decode()!r}")

# %% [markdown]
# That is what Alice wrote. **You have decrypted TLS.**
#
# How much of the record was hers? Here it is, drawn to scale.

# %%
from lab.notebook.plots_tls import to_scale

to_scale({"header": 5, "words": len(words), "type": len(inner) - len(words), "tag": 16})

# %%
extra.against(len(header + body) - len(words))

# %% [markdown]
# ## 5. One thing wrong
#
# First the number of the record. Let us pretend that we do not know it, and try.

# %%
from cryptography.exceptions import InvalidTag


def attempt(header: bytes, body: bytes, sequence: int = sequence) -> bytes | str:
    nonce = bytes(a ^ b for a, b in zip(iv, sequence.to_bytes(12, "big"), strict=True))
    try:
        return cipher(key).decrypt(nonce, body, header)
    except InvalidTag:
        return "refused: the tag does not fit"


tried = [(number, str(attempt(header, body, number))) for number in range(6)]
table(("as record", "what comes out"), tried)

# %% [markdown]
# One fits. So a record that is left out, repeated or swapped with another is noticed: its number is wrong.
#
# Now **one bit** is flipped on the way. We try every bit of the record: header, ciphertext and tag.

# %%
whole = header + body
bits = 8 * len(whole)
flipped = [(int.from_bytes(whole, "big") ^ 1 << bit).to_bytes(len(whole), "big") for bit in range(bits)]
opened = [changed for changed in flipped if isinstance(attempt(changed[:5], changed[5:]), bytes)]
print(f"{bits} records, each with another bit flipped. {len(opened)} of them opened.")

# %%
one_bit.against("one wrong letter" if opened else "nothing at all")

# %% [markdown]
# Is it the encryption that refuses? No, it is the tag. See what happens when nobody looks at it: below is the same AES with
# the same key and nonce, in the mode that GCM uses inside, counting from 2 (NIST SP 800-38D, section 7.1). The lowest bit
# of the last letter or digit is flipped.

# %%
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

last = max(at for at, byte in enumerate(words) if chr(byte).isalnum())
forged = bytearray(ciphertext)
forged[last] ^= 1

if cipher is AESGCM:
    counter = nonce + (2).to_bytes(4, "big")
    careless = Cipher(algorithms.AES(key), modes.CTR(counter)).decryptor()
    print("Alice wrote      ", words)
    print("without the tag  ", careless.update(bytes(forged))[: len(words)])
else:
    print(f"{suite} has no AES inside.")
print("with the tag     ", attempt(header, bytes(forged) + tag))

# %% [markdown]
# Whoever flips the bit needs no key, only a guess what stands where. One character is another one now, and the rest is
# untouched.
#
# > **The beginner's mistake:** "if somebody changes it, it decrypts to noise". In this kind of cipher a flipped bit flips one
# > bit of the words. Encryption alone does not protect from changes; the tag does. A cipher that does both is an *AEAD*.
#
# ## Somebody else's opinion
#
# tshark opens the same record with the same key log. First the words:

# %%
port, notes = chat.port("tls"), chat.folder / "tshark-notes.txt"

options = f"-o tls.keylog_file:{chat.keylog} -o tls.debug_file:{notes} -d tcp.port=={port},tls"
only = f"-d tls.port=={port},data -Y frame.number=={frame} -T fields -e data.data"

# !tshark -r {chat.capture} {options} {only} 2>/dev/null | xxd -ps -r

# %% [markdown]
# The option `tls.debug_file` made it write down what it worked out on the way, as hexdumps. Are our numbers among them? The
# last row is a check of the check: a nonce that no record here has.

# %%
notes_of_tshark = notes.read_text("utf-8", "replace")


def noted(number: bytes) -> str:
    lines = [number[at : at + 16].hex(" ") for at in range(0, len(number), 16)]
    return "yes" if all(line in notes_of_tshark for line in lines) else "no"


numbers = {"secret": secret, "key": key, "IV": iv, "nonce": nonce, "header": header, "opened": inner}
numbers["no nonce"] = bytes(byte ^ 0xFF for byte in nonce)
rows = [(name, number, noted(number)) for name, number in numbers.items()]
table(("number", "ours", "tshark has it"), rows)

# %% [markdown]
# ## What it means
#
# - A record opens with a **key**, a **nonce** and the **additional data**. Key and IV come of a secret by a hash; the nonce
#   comes of the IV and of counting.
# - Nothing of this is hidden but the secret. Whoever has the key log has everything; whoever has only the capture has
#   nothing to begin with.
# - A record opens as it was sent, at its place in the order, or not at all.
#
# ## Change this line and see
#
# In *Run it*, set `chosen = 2` and run everything below again (Run, *Run Selected Cell and All Below*). Another nonce, other
# words. What is in `chosen = 1`?
#
# Then try the way back: take `SERVER_TRAFFIC_SECRET_0`, `alice.server` in place of `alice.client`, and find out with which
# number its records begin. (The server sends something before the first line of the chat. `lab decrypt --steps` tells what.)
#
# And `chosen = 0`? With it the cells above stop in errors, from *3. The nonce* on: our key has no record number -1. It is the
# Finished, under the keys of the handshake. Which line of the key log opens it, and which number does it have?
#
# ## Your exercises
#
# - Exercise 8: find the right line of a key log and decrypt. `lab exercise 8`
# - Exercise 15: decrypt one record in code. `lab exercise 15`
