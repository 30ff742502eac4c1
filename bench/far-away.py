"""Runs a command at the other end of a slow network: `far-away.py HALF_ROUND_TRIP_MS NETWORK COMMAND...`

A network of two interfaces (TUN), NETWORK.1 here and NETWORK.2 in a new network namespace, where the command runs. Packets wait for half a
round trip in each direction. At both ends TCP is the kernel's: Nagle's algorithm and delayed acknowledgements are as on a real network.
"""
import ctypes
import fcntl
import heapq
import os
import select
import struct
import subprocess
import sys
import time

CLONE_NEWNET = 0x40000000
TUNSETIFF = 0x400454CA
IFF_TUN, IFF_NO_PI = 0x0001, 0x1000


def interface(name, address):
    tun = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(tun, TUNSETIFF, struct.pack("16sH", name.encode(), IFF_TUN | IFF_NO_PI))
    subprocess.run(["ip", "address", "add", f"{address}/24", "dev", name], check=True)
    subprocess.run(["ip", "link", "set", name, "up"], check=True)
    return tun


def pass_on(ends, half):
    waiting = []  # when it is due, a number that keeps the order, where to, the packet
    count = 0
    while True:
        timeout = max(0, waiting[0][0] - time.monotonic()) if waiting else None
        readable, _, _ = select.select(list(ends), [], [], timeout)
        for end in readable:
            packet = os.read(end, 65536)
            count += 1
            heapq.heappush(waiting, (time.monotonic() + half, count, ends[end], packet))
        while waiting and waiting[0][0] <= time.monotonic():
            _, _, end, packet = heapq.heappop(waiting)
            os.write(end, packet)


half_ms, network, *command = sys.argv[1:]
here = interface(f"far{network.split('.')[2]}", f"{network}.1")
if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET) != 0:
    sys.exit(os.strerror(ctypes.get_errno()))
there = interface("far", f"{network}.2")
subprocess.Popen(command)
pass_on({here: there, there: here}, float(half_ms) / 1000)
