# The front door. `make help` lists what a person can do. ARGS passes options on: make demo ARGS="--tls 1.2".

# the first of these that the lab runs on; lab/bootstrap.py says so where it is none
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null && echo $$p && exit; \
	done; echo python3)
VENV ?= .venv
LAB = $(VENV)/bin/python -m lab
# JupyterLab at the first notebook, as locked, so without looking for a newer one or news; root, in a container, must insist
NOTEBOOK = $(VENV)/bin/python -m jupyterlab --LabApp.default_url=/lab/tree/notebooks/01-plaintext.ipynb \
	--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate --LabApp.news_url=None \
	$(shell test "$$(id -u)" -ne 0 || echo --allow-root)
export VENV

.DEFAULT_GOAL := help
.PHONY: help demo demo-plain demo-tls demo-keys demo-mitm demo-leaks demo-fakes demo-tamper demo-mutual certs certs-openssl \
	server client client-tls chat-gui chat-gui-tls watch report notebook classroom nbgrader doctor test check notebooks fuzz bench bench-chat clean

help: ## list these targets
	@awk -F ': .*## ' '/^[a-z-]+:.*## / {printf "  make %-15s %s\n", $$1, $$2}' Makefile

demo: $(VENV)/.ready ## both chats at once, side by side, captured and judged
	@$(LAB) demo both $(ARGS)

demo-plain: $(VENV)/.ready ## the plaintext chat: an open book
	@$(LAB) demo plain $(ARGS)

demo-tls: $(VENV)/.ready ## the same chat over TLS, without keys and with them
	@$(LAB) demo tls $(ARGS)

demo-keys: $(VENV)/.ready ## who can read a recorded session: nobody, the thief of the server's key, the holder of the key log
	@$(LAB) scenario keys $(ARGS)

demo-mitm: $(VENV)/.ready ## somebody in the middle with false certificates: which client falls for which
	@$(LAB) scenario mitm $(ARGS)

demo-leaks: $(VENV)/.ready ## what lengths and times tell of an encrypted chat, and what padding costs
	@$(LAB) scenario leaks $(ARGS)

demo-fakes: $(VENV)/.ready ## chats that only look encrypted, each read from the capture
	@$(LAB) scenario fakes $(ARGS)

demo-tamper: $(VENV)/.ready ## one bit changed on the way: who notices
	@$(LAB) scenario tamper $(ARGS)

demo-mutual: $(VENV)/.ready ## certificates for clients too: names that cannot be borrowed
	@$(LAB) scenario mutual $(ARGS)

certs: $(VENV)/.ready ## make the lab's CA and server certificate, or renew them
	@$(LAB) certs

certs-openssl: $(VENV)/.ready ## make the course's certificate with openssl, step by step
	@$(LAB) certs --openssl

server: $(VENV)/.ready ## the chat server, plaintext on 12345 and TLS on 12346
	@$(LAB) server $(ARGS)

client: $(VENV)/.ready ## chat in plaintext
	@$(LAB) client $(ARGS)

client-tls: $(VENV)/.ready ## chat over TLS
	@$(LAB) client --tls $(ARGS)

chat-gui: $(VENV)/.ready ## the chat in a window, plaintext chosen
	@$(LAB) gui $(ARGS)

chat-gui-tls: $(VENV)/.ready ## the chat in a window, TLS chosen
	@$(LAB) gui --tls $(ARGS)

watch: $(VENV)/.ready ## see what passes between server and clients, while it does
	@$(LAB) capture live $(ARGS)

report: $(VENV)/.ready ## the page on the newest run: every byte of it, explained
	@$(LAB) report $(ARGS)

notebook: $(VENV)/.ready-notebook ## the walkthrough in JupyterLab, from its first notebook
	@$(NOTEBOOK) $(ARGS)

classroom: $(VENV)/.ready-notebook ## what teachers need to make exercises and to grade them; then: . .venv/bin/activate; lab class --help

nbgrader: $(VENV)-nbgrader/.ready ## nbgrader with the lab, for courses that it grades; then: . .venv-nbgrader/bin/activate

doctor: $(VENV)/.ready ## what works on this machine, and what would work better
	@$(LAB) doctor $(ARGS)

test: check ## run every check and every test
	@$(VENV)/bin/python -m pytest -n 3 --dist worksteal

check: $(VENV)/.ready-dev ## style and types
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/ruff format --check .
	@$(VENV)/bin/mypy

notebooks: $(VENV)/.ready-dev ## each notebook again from its source, the .py beside it
	@$(VENV)/bin/python -m lab.notebook.build

fuzz: $(VENV)/.ready-dev ## 100,000 broken captures, records and handshakes for the parsers
	@$(VENV)/bin/python -m tests.capture.hostile.fuzz --inputs 100000 $(ARGS)

bench: $(VENV)/.ready-dev ## how fast the lab is beside the bare tools
	@$(VENV)/bin/python -m lab.bench $(ARGS)

bench-chat: $(VENV)/.ready-dev ## the chat server beside ngIRCd and a thread for each client, and under attack
	@$(VENV)/bin/python -m lab.bench --only chat --only disturbing --out out/bench-chat.json $(ARGS)

clean: ## take away what setting up left behind; your captures in out/ stay
	rm -rf $(VENV) $(VENV)-nbgrader certs/local .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . \( -name __pycache__ -o -name .ipynb_checkpoints \) -type d -prune -exec rm -rf {} +

$(VENV)/.ready: requirements.lock lab/bootstrap.py
	@$(PYTHON) lab/bootstrap.py

$(VENV)/.ready-dev: requirements-dev.lock requirements-nbgrader.lock lab/bootstrap.py
	@$(PYTHON) lab/bootstrap.py --dev

$(VENV)/.ready-notebook: requirements-notebook.lock lab/bootstrap.py
	@$(PYTHON) lab/bootstrap.py --notebook

$(VENV)-nbgrader/.ready: requirements-nbgrader.lock lab/bootstrap.py
	@$(PYTHON) lab/bootstrap.py --nbgrader
