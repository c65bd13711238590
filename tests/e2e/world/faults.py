"""A proxy before an API that does what networks and servers do: errors, resets, delays, cut answers, answers lost after success.

One proxy an API, all in one thread with its own asyncio loop. Rules are looked at in order; the first that fits a request and has
turns left is applied.
"""
import asyncio
import dataclasses
import http
import re
import ssl
import threading

LIMIT = 1 << 20


@dataclasses.dataclass
class Rule:
    action: str  # "status", "reset", "delay", "truncate", "lose"
    match: str = "."  # regular expression over "METHOD path body"
    times: int = 1
    status: int = 503
    body: bytes = b""
    headers: bytes = b""  # lines, each with its end
    seconds: float = 0.0
    every: int = 1  # only each n-th request that fits
    done: int = 0
    met: int = 0

    def fits(self, text):
        if self.done >= self.times or not re.search(self.match, text, re.S):
            return False
        self.met += 1
        if self.met % self.every:
            return False
        self.done += 1
        return True


class Reset(Exception):
    pass


class Proxy:
    """`target_port` on 127.0.0.1; `tls`: (certificate, key, CA) to serve and to speak TLS with."""

    def __init__(self, name, port, target_port, tls=None):
        self.name, self.port, self.target_port = name, port, target_port
        self.rules = []
        self.down = False
        self.serving, self.speaking = None, None
        if tls:
            certificate, key, authority = map(str, tls)
            self.serving = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            self.serving.load_cert_chain(certificate, key)
            self.speaking = ssl.create_default_context(cafile=authority)
        self.connections, self.tasks = set(), set()

    @property
    def url(self):
        return f"{'https' if self.serving else 'http'}://127.0.0.1:{self.port}"

    def add(self, action, **fields):
        rule = Rule(action, **fields)
        self.rules.append(rule)
        return rule

    def clear(self):
        self.rules = []

    async def serve(self):
        self.server = await asyncio.start_server(self.client, "127.0.0.1", self.port, ssl=self.serving, limit=LIMIT)

    async def client(self, reader, writer):
        self.connections.add(writer)
        task = asyncio.current_task()
        self.tasks.add(task)  # nobody else keeps it once the client is gone
        closed = asyncio.ensure_future(writer.wait_closed())
        closed.add_done_callback(lambda done: (done.cancelled() or done.exception(), task.cancel()))  # what it asked for is cut too
        upstream = None
        try:
            while not self.down:
                head = await reader.readuntil(b"\r\n\r\n")
                body = await read_body(reader, head)
                if upstream is None:
                    upstream = await asyncio.open_connection("127.0.0.1", self.target_port, ssl=self.speaking, limit=LIMIT,
                                                             server_hostname="127.0.0.1" if self.speaking else None)
                await self.exchange(head, body, writer, upstream)
                if self.down:
                    raise Reset
        except (asyncio.CancelledError, asyncio.IncompleteReadError, OSError, Reset, asyncio.LimitOverrunError, ssl.SSLError):
            pass
        finally:
            self.connections.discard(writer)
            self.tasks.discard(task)
            for stream in (writer, upstream and upstream[1]):
                if stream:
                    stream.transport.abort()

    async def exchange(self, head, body, writer, upstream):
        line = head.split(b"\r\n", 1)[0].decode("latin-1")
        text = line.rsplit(" ", 1)[0] + " " + head.decode("latin-1", "replace") + body.decode("utf-8", "replace")
        rule = next((r for r in self.rules if r.fits(text)), None)
        if rule and rule.action == "reset":
            raise Reset
        if rule and rule.action == "status":
            writer.write(f"HTTP/1.1 {rule.status} {http.HTTPStatus(rule.status).phrase}\r\nContent-Length: {len(rule.body)}\r\n"
                         f"Content-Type: {'text/xml' if rule.body[:1] == b'<' else 'application/json'}\r\n".encode() + rule.headers + b"\r\n" + rule.body)
            await writer.drain()
            return
        if rule and rule.action == "delay":
            await asyncio.sleep(rule.seconds)
        upstream[1].write(head + body)
        await upstream[1].drain()
        await self.answer(rule, line, writer, upstream[0])

    async def answer(self, rule, line, writer, reader):
        head = await reader.readuntil(b"\r\n\r\n")
        if rule and rule.action == "lose":
            if not re.search(r"[?&]watch=", line):  # which never ends
                await read_body(reader, head, answer=True, method=line.split(" ", 1)[0])  # what was asked has been done
            raise Reset
        writer.write(head)
        async for chunk in stream_body(reader, head, line.split(" ", 1)[0]):
            if rule and rule.action == "truncate":
                writer.write(chunk[:len(chunk) // 2])
                await writer.drain()
                raise Reset
            writer.write(chunk)
            await writer.drain()
            if self.down:
                raise Reset


def header(head, name):
    found = re.search(rb"\r\n" + name + rb":[ \t]*([^\r\n]*)", head, re.I)
    return found.group(1).decode("latin-1").strip() if found else None


async def stream_body(reader, head, method="", request=False):
    """The body's bytes as they are on the wire, chunk framing included."""
    status = 0 if request else int(head.split(b" ", 2)[1])
    if not request and (method == "HEAD" or status in (204, 304) or status < 200):
        return
    if (header(head, b"Transfer-Encoding") or "").lower() == "chunked":
        while True:
            size = await reader.readuntil(b"\r\n")
            count = int(size.split(b";")[0], 16)
            yield size + await reader.readexactly(count + 2)
            if count == 0:
                return
    length = header(head, b"Content-Length")
    if length:
        left = int(length)
        while left:
            chunk = await reader.read(min(left, 65536))
            if not chunk:
                raise Reset
            left -= len(chunk)
            yield chunk
    elif not request:  # until the server closes
        while chunk := await reader.read(65536):
            yield chunk
        raise Reset


async def read_body(reader, head, answer=False, method=""):
    return b"".join([chunk async for chunk in stream_body(reader, head, method, request=not answer)])


class Proxies:
    """The thread that all proxies run in."""

    def __init__(self):
        self.loop = asyncio.new_event_loop()
        self.proxies = []
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()

    def run(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(20)

    def start(self, proxy):
        self.run(proxy.serve())
        self.proxies.append(proxy)
        return proxy

    def stop(self):
        """Cuts everything; the thread ends."""
        async def cancel():
            for proxy in self.proxies:
                proxy.server.close()
            tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        self.run(cancel())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(5)
        self.loop.close()

    def set_down(self, proxy, down):
        """Down: nobody answers at the address, open connections are cut."""
        async def change():
            proxy.down = down
            if down:
                proxy.server.close()
                for writer in list(proxy.connections):
                    writer.transport.abort()
            else:
                await proxy.serve()
        self.run(change())
