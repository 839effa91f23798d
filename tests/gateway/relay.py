"""Ends of relays through the gateway, which are slow, or go too early.

   relay.py serve PORT    a server for all of these:
   relay.py NAME PORT     a client; its exit status says whether all was well
"""
import hashlib
import socket
import sys
import threading
import time

BLOCK = 1 << 18
BIG = 1024  # blocks
CUT = 40  # of twice as many
NAP_S = 0.1
NAP_BLOCKS = 128


def blocks(count):
    filler = bytes(range(256)) * (BLOCK // 256)
    for i in range(count):
        yield i.to_bytes(8, 'big') + filler[8:]


def hash_of(pieces):
    whole = hashlib.sha1()
    for piece in pieces:
        whole.update(piece)
    return whole.hexdigest()


def read_until(sock, end, got=b''):
    while end not in got:
        part = sock.recv(65536)
        if not part:
            raise EOFError
        got += part
    return got.split(end, 1)


def slowly(sock, here, length):
    """A body, of which `here` has come with its head."""
    left, naps = length - len(here), 0
    yield here
    while left > 0:
        if (length - left) // BLOCK >= naps * NAP_BLOCKS:
            naps += 1
            time.sleep(NAP_S)
        part = sock.recv(min(left, BLOCK))
        if not part:
            raise EOFError
        left -= len(part)
        yield part


def length_of(head):
    for line in head.split(b'\r\n'):
        if line.lower().startswith(b'content-length:'):
            return int(line.split(b':')[1])
    return None


def slow_socket(port):
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 18)
    sock.settimeout(60)
    sock.connect(('127.0.0.1', port))
    return sock


# --- the server --------------------------------------------------------------

ends = {}  # how the bodies that were cut came to their end


def answer(sock, path, head, here):
    ok = b'HTTP/1.1 200 OK\r\n'
    if path == '/big':
        sock.sendall(ok + b'Content-Length: %d\r\n\r\n' % (BIG * BLOCK))
        for block in blocks(BIG):
            sock.sendall(block)
    elif path == '/cut-length':
        sock.sendall(ok + b'Content-Length: %d\r\n\r\n' % (2 * CUT * BLOCK))
        for block in blocks(CUT):
            sock.sendall(block)
    elif path == '/cut-chunks':
        sock.sendall(ok + b'Transfer-Encoding: chunked\r\n\r\n')
        for block in blocks(CUT):
            sock.sendall(b'%x\r\n' % BLOCK + block + b'\r\n')
    elif path == '/take':
        text = hash_of(slowly(sock, here, length_of(head))).encode()
        sock.sendall(ok + b'Content-Length: %d\r\n\r\n' % len(text) + text)
    elif path.startswith('/lose'):
        ends[path] = 'cut'
        while b'\r\n0\r\n\r\n' not in here[-64:]:
            part = sock.recv(65536)
            if not part:
                return
            here = here[-64:] + part
        ends[path] = 'whole'
    elif path.startswith('/end'):
        text = ends.get(path.replace('end', 'lose'), 'none').encode()
        sock.sendall(ok + b'Content-Length: %d\r\n\r\n' % len(text) + text)


def serve_one(sock):
    try:
        with sock:
            head, here = read_until(sock, b'\r\n\r\n')
            answer(sock, head.split(b' ')[1].decode(), head, here)
    except (OSError, EOFError):
        pass


def serve(port):
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 18)
    listener.bind(('127.0.0.1', port))
    listener.listen(16)
    while True:
        sock, _ = listener.accept()
        threading.Thread(target=serve_one, args=(sock,), daemon=True).start()


# --- clients -----------------------------------------------------------------

def ask(sock, path, version='1.1'):
    sock.sendall(b'GET %s HTTP/%s\r\nHost: a\r\n\r\n' %
                 (path.encode(), version.encode()))
    return read_until(sock, b'\r\n\r\n')


def download(port):
    sock = slow_socket(port)
    head, here = ask(sock, '/big')
    assert length_of(head) == BIG * BLOCK, head
    assert hash_of(slowly(sock, here, BIG * BLOCK)) == hash_of(blocks(BIG))


def upload(port):
    sock = slow_socket(port)
    sock.sendall(b'PUT /take HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n' %
                 (BIG * BLOCK))
    for block in blocks(BIG):
        sock.sendall(block)
    head, here = read_until(sock, b'\r\n\r\n')
    text = b''.join(slowly(sock, here, length_of(head)))
    assert text.decode() == hash_of(blocks(BIG)), head


def all_of(sock, here):
    """What comes until the end, and whether that was an orderly one."""
    try:
        while True:
            part = sock.recv(65536)
            if not part:
                return here, True
            here += part
    except ConnectionResetError:
        return here, False


def cut_length(port):
    sock = slow_socket(port)
    head, here = ask(sock, '/cut-length')
    body, _ = all_of(sock, here)
    assert length_of(head) == 2 * CUT * BLOCK, head
    assert 0 < len(body) <= CUT * BLOCK, len(body)


def cut_chunks(port):
    sock = slow_socket(port)
    head, here = ask(sock, '/cut-chunks')
    body, _ = all_of(sock, here)
    assert b'chunked' in head, head
    assert len(body) > BLOCK and not body.endswith(b'\r\n0\r\n\r\n')


def cut_open(port):
    """Where the end of a connection is that of a body, a cut is a reset."""
    sock = slow_socket(port)
    head, here = ask(sock, '/cut-chunks', '1.0')
    _, orderly = all_of(sock, here)
    assert length_of(head) is None and b'chunked' not in head, head
    assert not orderly


def cut_upload(port):
    path = b'lose%d' % time.monotonic_ns()
    sock = slow_socket(port)
    sock.sendall(b'PUT /%s HTTP/1.1\r\nHost: a\r\n'
                 b'Transfer-Encoding: chunked\r\n\r\n' % path)
    sock.sendall(b'%x\r\n%s\r\n' % (BLOCK, b'x' * BLOCK) * 4)
    sock.close()
    for _ in range(200):
        sock = slow_socket(port)
        _, text = ask(sock, '/' + path.decode().replace('lose', 'end'))
        if text == b'cut':
            return
        time.sleep(0.02)
    assert False, text


if __name__ == '__main__':
    globals()[sys.argv[1]](int(sys.argv[2]))
