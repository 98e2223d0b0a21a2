#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Forward TCP ports of 127.0.0.1 from one network namespace to another.

    forward.py FD PORT...

Listens in the namespace it is started in; connects in the one that the open
file FD (some /proc/PID/ns/net) stands for.  A socket stays in the namespace it
was made in, so nothing listens on any other address in either of them.
"""
import asyncio
import os
import socket
import sys

HOST = '127.0.0.1'
far = int(sys.argv[1])
near = os.open('/proc/self/ns/net', os.O_RDONLY)


def far_socket():
    os.setns(far, os.CLONE_NEWNET)
    try:
        return socket.socket()
    finally:
        os.setns(near, os.CLONE_NEWNET)     # others enter through this process


async def pump(reader, writer):
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
        writer.write_eof()
    except OSError:
        writer.close()


async def forward(reader, writer, port):
    there = far_socket()
    there.setblocking(False)
    try:
        await asyncio.get_running_loop().sock_connect(there, (HOST, port))
    except OSError:
        there.close()
        writer.close()
        return
    far_reader, far_writer = await asyncio.open_connection(sock=there)
    await asyncio.gather(pump(reader, far_writer), pump(far_reader, writer))
    for side in (writer, far_writer):
        side.close()


async def main():
    for port in map(int, sys.argv[2:]):
        await asyncio.start_server(lambda r, w, port=port: forward(r, w, port), HOST, port)
    print('forwarding', *sys.argv[2:], flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
