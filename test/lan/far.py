"""Passes frames between two network interfaces, so many ms later: a long way. Usage: far.py IF IF MS

With the headers of virtio(7) that the kernel keeps for checksums and lengths still to be made (packet(7), PACKET_VNET_HDR).
"""

import collections
import select
import socket
import sys
import time

SOL_PACKET = 263
PACKET_VNET_HDR = 15
PACKET_IGNORE_OUTGOING = 23
ETH_P_ALL = 3
delay = int(sys.argv[3]) / 1000


def end(name):
    sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
    sock.setsockopt(SOL_PACKET, PACKET_VNET_HDR, 1)
    sock.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
    sock.bind((name, 0))
    return sock


a, b = end(sys.argv[1]), end(sys.argv[2])
other = {a: b, b: a}
waiting = collections.deque()
print("ready", flush=True)
while True:
    wait = max(0, waiting[0][0] - time.monotonic()) if waiting else None
    for sock in select.select([a, b], [], [], wait)[0]:
        waiting.append((time.monotonic() + delay, other[sock], sock.recv(70000)))
    while waiting and waiting[0][0] <= time.monotonic():
        _, sock, frame = waiting.popleft()
        try:
            sock.send(frame)
        except OSError:
            # The interface is down: as on any network, it is lost.
            pass
