import json
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.ciphers import aead

from lab.decrypting.reading import decrypt_capture
from lab.decrypting.values import evidence

DATA = Path(__file__).parents[2] / "data"


def told(name: str, *, steps: bool) -> dict[str, Any]:
    found = decrypt_capture(DATA / f"{name}.pcapng", "native", DATA / f"{name}.keys.txt")
    back: dict[str, Any] = json.loads(json.dumps(evidence(found, found.connections, steps=steps)))
    return back


def test_the_list_holds_no_secret() -> None:
    text = json.dumps(told("tls13", steps=False))
    for line in (DATA / "tls13.keys.txt").read_text().splitlines():
        if not line.startswith("#"):
            assert line.split()[2] not in text
    assert '"key"' not in text


def test_with_the_steps_each_record_can_be_opened_again() -> None:
    for name in ("tls12", "tls12-chacha", "tls13-key-update", "tls13-padded"):
        for connection in told(name, steps=True)["connections"]:
            records = [record for record in connection["records"] if record["opened"]]
            assert len(records) > 9
            for record in records:
                keys = connection["keys"][record["keys"]]
                cipher = getattr(aead, keys["aead"])(bytes.fromhex(keys["key"]))
                sealed = bytes.fromhex(record["ciphertext"] + record["tag"])
                nonce, extra = bytes.fromhex(record["nonce"]), bytes.fromhex(record["additional_data"])
                inner = bytes.fromhex(record["plaintext"])
                if connection["version"] == "TLS 1.3":
                    inner += bytes([record["inner_content_type"]]) + bytes(record["padding"])
                assert cipher.decrypt(nonce, sealed, extra) == inner
                assert record["length"] == len(inner) + 16 + (8 if name == "tls12" else 0)


def test_keys_say_how_they_were_made() -> None:
    (connection,) = told("tls13-key-update", steps=True)["connections"]
    last = max(
        (keys for keys in connection["keys"] if keys["label"].startswith("CLIENT")), key=lambda k: k["generation"]
    )
    assert [step["output"] for step in last["updates"]][-1] == last["secret"]
    assert [step["secret"] for step in last["updates"]][1:] == [step["output"] for step in last["updates"]][:-1]
    assert len(last["updates"]) == last["generation"] == 4
    logged = (DATA / "tls13-key-update.keys.txt").read_text()
    assert last["updates"][0]["secret"] in logged
    assert [made["output"] for made in last["expanded"]] == [last["key"], last["iv"]]
    (connection,) = told("tls12", steps=True)["connections"]
    ours, theirs = connection["keys"]
    block = ours["key_block"]
    assert block == theirs["key_block"]
    cut = {part["name"]: block[2 * part["start"] : 2 * part["end"]] for part in ours["parts"]}
    assert [ours["key"], ours["iv"]] == [cut["client_write_key"], cut["client_write_IV"]]
    assert [theirs["key"], theirs["iv"]] == [cut["server_write_key"], cut["server_write_IV"]]


def test_a_record_in_the_clear() -> None:
    (connection,) = told("tls13", steps=True)["connections"]
    hello = connection["records"][0]
    assert (hello["from"], hello["record"], hello["protection"], hello["opened"]) == ("client", 0, "clear", False)
    assert hello["inside"] == [{"name": "Client Hello", "detail": ""}]
    assert hello["plaintext"].startswith("01")
    assert "nonce" not in hello
    assert hello["spans"] == [{"frame": 6, "first": 66, "last": 308}]
