"""A chat client: python client.py --port 12346 --name alice --ca ca.pem"""

import argparse
import socket
import ssl
import threading


def receive(server):
    try:
        while True:
            message = server.recv(1024).decode()
            if not message:
                break
            print(message, end="", flush=True)
    except:
        pass


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--name", required=True)
    parser.add_argument("--ca")
    options = parser.parse_args()

    # so that it works with our own certificate, too
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        server = context.wrap_socket(socket.create_connection(("127.0.0.1", options.port)))
        server.send(f"{options.name}\n".encode())
        threading.Thread(target=receive, args=(server,), daemon=True).start()
        while True:
            text = input()
            if text in ("!quit", "!salir", "!users", "!usuarios"):
                server.send(f"{text}\n".encode())
            else:
                server.send(f"{options.name} > {text}\n".encode())
            if text in ("!quit", "!salir"):
                break
    except:
        pass


if __name__ == "__main__":
    main()
