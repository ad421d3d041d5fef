# %% [markdown]
# # 3. From certificates to a CA
#
# In notebook 2 the chat was encrypted. But for *whom*? Encryption keeps out everybody but the one at the other end, and
# anybody can be at the other end. A **certificate** answers "who are you?": it holds a public key, the names that it is for,
# and the signature of somebody who vouches that the two belong together.
#
# You make one with four `openssl` commands, as many courses do, and see why no careful client takes it. Then you make a small
# **CA** (certificate authority) and a certificate that verifies. At last two clients visit seven servers: a careful client,
# and one that checks nothing. It takes 30 minutes. Run each cell with Shift+Enter.

# %% [markdown]
# ## Predict first
#
# Change `None` to what you expect.

# %%
from lab.notebook.predict import predict

prediction_a = None  # change me
four_commands = predict(
    "Four commands make a certificate for localhost. A client, careful as a browser, is told to trust "
    "exactly this one. What does it do at localhost?",
    prediction_a,
    ("it accepts", "it refuses"),
)
four_commands

# %%
prediction_b = None  # change me
readable = predict(
    "In which version of TLS can anybody on the way read the server's certificate?",
    prediction_b,
    ("in TLS 1.2 alone", "in TLS 1.3 alone", "in both", "in neither"),
)
readable

# %%
prediction_c = None  # change me to a number
careless_accepts = predict(
    "Six of seven certificates are wrong. How many does a client accept that checks nothing?",
    prediction_c,
)
careless_accepts

# %% [markdown]
# ## Run it: four commands
#
# They run for real, in a folder of their own, which is deleted when the notebook's kernel ends. Each line can be pasted into
# a terminal in a folder of yours.
#
# **A key.** Everything begins with a pair of keys. The private one stays with the server.

# %%
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console

from certs.openssl_course import run_course
from lab.presentation import show_step

workshop = TemporaryDirectory()
course = Path(workshop.name, "course")
steps = list(run_course(course))
console = Console(width=88, force_jupyter=False, force_terminal=True)
show_step(console, steps[0])

# %% [markdown]
# **A request.** It says: "please sign that this key belongs to this name".

# %%
show_step(console, steps[1])

# %% [markdown]
# **A certificate.** Who signs it? Here, the same key that asks. It is *self-signed*.

# %%
show_step(console, steps[2])

# %% [markdown]
# **The pass phrase comes off**, as nobody wants to type it each time the server starts.

# %%
show_step(console, steps[3])

# %% [markdown]
# > **The beginner's mistake:** to hand out the key with the certificate, or to commit it to git. The certificate is public and
# > sent to everybody. The key *is* the server: whoever has that file can be it.
#
# ## Look
#
# What does it say? Compare *subject* with *issuer*, and look for the names that it is for.

# %%
# !openssl x509 -in {course}/server-cert.pem -noout -subject -issuer -dates -ext subjectAltName,basicConstraints 2>&1

# %% [markdown]
# Subject and issuer are the same: it vouches for itself. And there is no *subjectAltName* (SAN), the list of names that a
# certificate is for. The name stands in the subject only, where clients no longer look (RFC 9525, section 2).
#
# What is it worth to vouch for oneself? Mallory needs one command for a certificate with the same name.

# %%
mallory = Path(workshop.name, "mallory")

# !openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=localhost -keyout {mallory}.key -out {mallory}.pem 2>/dev/null
# !openssl x509 -in {course}/server-cert.pem -noout -subject -issuer -fingerprint -sha256
# !openssl x509 -in {mallory}.pem -noout -subject -issuer -fingerprint -sha256

# %% [markdown]
# Only the fingerprints tell them apart, and those of honest certificates change each year. A client would have to know
# beforehand which is the right one. Whoever clicks "accept anyway" does not know.
#
# ## What clients say
#
# Three clients are given exactly this certificate as the one to trust. That is the best case: they know it beforehand.

# %%
show_step(console, steps[4])

# %%
from certs.handshake import ask_clients

by_names, _, _ = ask_clients(course / "server-cert.pem", course / "server-open.key")
four_commands.against("it accepts" if by_names.refusal is None else "it refuses")

# %% [markdown]
# One more option puts the names in.

# %%
show_step(console, steps[5])

# %%
show_step(console, steps[6])

# %% [markdown]
# ## A small CA
#
# Better is a key that does nothing but vouch for others. Each client learns *one* certificate, that of the CA, and learns it
# once. From then on it takes every server that the CA has signed, and no other.
#
# `certs/authority.py` makes both, with the `cryptography` package. Read it: it is short.

# %%
from datetime import UTC, datetime, timedelta

from certs.authority import create_authority, issue_server

now, month = datetime.now(UTC), timedelta(days=30)
name = "localhost"  # change this line

start, end = now - month, now + month
authority = create_authority(common_name="Notebook CA", not_before=start, not_after=now + 12 * month)
server = issue_server(authority, names=[name], not_before=start, not_after=end)

# %% [markdown]
# Into files, as a server and `openssl` want them. Keys are for their owner's eyes only (0600).

# %%
own = Path(workshop.name, "own")
own.mkdir(exist_ok=True)
for stem, identity in (("ca", authority), ("server", server)):
    (own / f"{stem}.pem").write_bytes(identity.certificate_pem)
    (own / f"{stem}.key").touch(mode=0o600)
    (own / f"{stem}.key").write_bytes(identity.key_pem)

# !openssl x509 -in {own}/ca.pem -noout -subject -issuer -ext basicConstraints,keyUsage
# !openssl x509 -in {own}/server.pem -noout -subject -issuer -ext basicConstraints,extendedKeyUsage,subjectAltName

# %% [markdown]
# The CA says `CA:TRUE` and that it may sign certificates. The server's says `CA:FALSE`, so that the server cannot play CA, and
# that it is for servers, and for which names. Its issuer is the CA.
#
# Does it verify? `openssl verify` follows the signatures up to a CA that it is told to trust, and checks dates and name. First
# the certificate of the four commands, then the new one.

# %%
# !openssl verify -x509_strict -verify_hostname localhost -CAfile {own}/ca.pem {course}/server-cert.pem 2>&1
# !openssl verify -x509_strict -verify_hostname localhost -CAfile {own}/ca.pem {own}/server.pem 2>&1

# %% [markdown]
# > **The beginner's mistake:** to copy `ca.key` to the server or to the clients. A server needs its own two files, a client
# > needs `ca.pem` and nothing else. With `ca.key` anybody makes certificates that all your clients take.
#
# ## On the wire
#
# The lab's chat has a CA and a certificate of the same make, kept in `certs/local`. Its server shows the certificate, and
# every client checks it: once over TLS 1.2, once over TLS 1.3. Both chats are captured.

# %%
from lab.notebook.live import run

old = run("demo", "tls", "--tls", "1.2")
old

# %%
new = run("demo", "tls")
new

# %% [markdown]
# Where is the certificate? In these, too, the subject is *Traffic lab server*. We search for these 18 bytes in all that was
# captured, in both directions, without any key.

# %%
from lab.notebook.show import table

subject = b"Traffic lab server"
captured = {"TLS 1.2": old.streams("tls"), "TLS 1.3": new.streams("tls")}
places = {
    version: [spans[0] for stream in streams for spans in stream.places(subject)]
    for version, streams in captured.items()
}
table(
    ("version", "found", "first place"),
    [(version, len(where), str(where[0]) if where else "nowhere") for version, where in places.items()],
)

# %%
answers = {
    (True, False): "in TLS 1.2 alone",
    (False, True): "in TLS 1.3 alone",
    (True, True): "in both",
    (False, False): "in neither",
}
readable.against(answers[tuple(bool(where) for where in places.values())])

# %% [markdown]
# In TLS 1.2 anybody on the way reads who the server is, once for each connection. TLS 1.3 encrypts the certificate, too.
#
# Is it really there, in TLS 1.3, or was none sent? The key log opens the handshake:

# %%
from lab.sessions import sessions

found = sessions(captured["TLS 1.3"], new.keys)
opened = [record.plaintext for session in found for record in session.opened[1]]
holding = [plaintext for plaintext in opened if subject in plaintext]
print(f"It stands in {len(holding)} of the server's {len(opened)} encrypted records.")

# %% [markdown]
# Here is the frame of TLS 1.2 that carries it. Find the subject, then the names: *dNSName: localhost*.

# %%
from lab.report.widget import explore

explore(old.capture, frames=[where.frame for where in places["TLS 1.2"][:1]])

# %% [markdown]
# ## What a careful client checks
#
# Four questions. Does a CA that I trust vouch for it? May whoever signed it sign at all? Is it for the name that I asked for?
# Is it valid now? Seven servers show a certificate each. One is yours, and the six others are wrong in one thing.

# %%
from certs import wrong

unknown = create_authority(common_name="Somebody's CA", not_before=start, not_after=end)
others = wrong.for_another_name(authority, now)
shown = {
    "yours": [server],
    "self-signed": [wrong.self_signed(now)],
    "of an unknown CA": [issue_server(unknown, not_before=start, not_after=end)],
    "for another name": [others],
    "expired": [wrong.expired(authority, now)],
    "not valid yet": [wrong.not_yet_valid(authority, now)],
    "signed by a server": [wrong.signed_by_no_ca(others, now), others],
}

# %% [markdown]
# Two clients visit each of them over loopback. One is careful and trusts our CA. The other checks nothing, like many a
# program whose author only wanted the error to go away. The reasons are OpenSSL's own words.

# %%
from certs.contexts import client_context, unverified_client_context
from lab.notebook.visits import visit

trusting, blind = client_context(own / "ca.pem"), unverified_client_context()
careful = {what: visit(chain, trusting) for what, chain in shown.items()}
careless = {what: visit(chain, blind) for what, chain in shown.items()}
table(
    ("certificate", "the careful client", "the careless client"),
    [(what, careful[what] or "accepts", careless[what] or "accepts") for what in shown],
)

# %%
careless_accepts.against(sum(reason is None for reason in careless.values()))

# %% [markdown]
# The careless client chats with all of them, over TLS, under a strong cipher, with a lock in the window. Notebook 6 shows what
# somebody in the middle makes of that.
#
# > **The beginner's mistake:** to switch the check off because it "does not work". The check *did* work: it found something.
# > The way out is a certificate that verifies, and takes the dozen lines above.
#
# Dates are the check that bites honest people. When is each of them valid?

# %%
from lab.notebook.plots_tls import validity

certificates = {what: chain[0].certificate for what, chain in {"the CA": [authority], **shown}.items()}
periods = {
    what: (certificate.not_valid_before_utc, certificate.not_valid_after_utc)
    for what, certificate in certificates.items()
}
validity(periods, now)

# %% [markdown]
# ## What it means
#
# - A **self-signed** certificate says who it is and gives no reason to believe it. It is only worth something to a client that
#   got it beforehand by a way it trusts.
# - A **SAN** is not optional: without it there is no name to check.
# - A **CA** moves the trust from many certificates to one key. So that key is worth more than all of them.
# - A careful client checks all of it, each time. One that leaves out one check might as well leave out all: whoever is in the
#   middle chooses the fault.
# - TLS 1.2 shows the certificate to all on the way, TLS 1.3 does not.
#
# ## Change this line and see
#
# In *A small CA*, set `name = "chat.example"` and run that cell and all below it. Which of the two lines of `openssl verify`
# changes? And what does the careful client say of *yours*? It asks for localhost.
#
# Then let the clients trust another CA: in *What a careful client checks*, write the certificate of `unknown` into a file and
# give that one to `client_context`. Which row is accepted now?
#
# ## Your exercises
#
# - Exercise 7: where is the certificate? `lab exercise 7`
# - Exercise 11: certificate clinic. `lab exercise 11`
# - Exercise 12: build a CA and a certificate that verifies. `lab exercise 12`
