"""A chat server: python server.py --port 12346 --cert server.pem --key server.key [--plain]"""

import argparse
import socket
import ssl
import threading
import time

# everybody who is here: the socket and the name of one person stand at the same place
clients = []
names = []


def send_to_all(text, sender):
    for client in clients:
        if client is not sender:
            client.send((text + "\n").encode())


def leave(client):
    place = clients.index(client)
    name = names[place]
    clients.pop(place)
    send_to_all(f"* {name} has left", client)
    # wait a little, so that the last messages arrive before the connection ends
    time.sleep(0.1)
    client.close()
    names.pop(place)


def talk(client):
    try:
        # the first message is the name
        name = client.recv(1024).decode().strip()
        clients.append(client)
        client.send(f"* welcome, {name}\n".encode())
        send_to_all(f"* {name} has come in", client)
        names.append(name)
        while True:
            text = client.recv(1024).decode().strip()
            if text in ("!quit", "!salir"):
                leave(client)
                break
            if text in ("!users", "!usuarios"):
                client.send(f"* {len(names)} here: {', '.join(names)}\n".encode())
            elif text:
                # the client has put the name in front
                send_to_all(text, client)
            else:
                break
    except:
        pass


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--cert")
    parser.add_argument("--key")
    parser.add_argument("--plain", action="store_true")
    options = parser.parse_args()

    server = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    server.bind(("127.0.0.1", options.port))
    server.listen(100)
    if not options.plain:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(options.cert, options.key)
        server = context.wrap_socket(server, server_side=True)
    print(f"Listening on port {options.port}")
    while True:
        client, address = server.accept()
        print(f"{address} has connected")
        threading.Thread(target=talk, args=(client,), daemon=True).start()


if __name__ == "__main__":
    main()
