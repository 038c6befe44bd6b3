"""ntp_clients.py PORT COUNT: asks the NTP server on 127.0.0.1 for the time, from COUNT addresses, so that
it has to keep something of each. Prints how many answers came."""

import socket
import sys

CLIENT_VERSION_4 = 4 << 3 | 3
SERVER_MODE = 4
REQUEST = bytes([CLIENT_VERSION_4]) + bytes(39) + b"transmit"  # The answer repeats the last eight.


def ask(port: int, address: str) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(5)
        client.bind((address, 0))
        client.sendto(REQUEST, ("127.0.0.1", port))
        answer = client.recv(1000)
        assert answer[0] & 7 == SERVER_MODE and answer[24:32] == b"transmit", answer


def main(port: int, count: int) -> None:
    for i in range(count):
        ask(port, f"127.{1 + i // 250 // 250}.{i // 250 % 250}.{1 + i % 250}")
    print(count, "answers")


main(int(sys.argv[1]), int(sys.argv[2]))
