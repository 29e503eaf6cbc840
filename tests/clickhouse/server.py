"""ClickHouse's own engine (chdb) behind as much of its HTTP interface as its clients use.

Statements come as the body or as the parameter `query`, rows after an INSERT as the body, in native blocks with checksums
when `decompress=1`. Errors are answered with the engine's own code and text. One user, `fanlight` with the password
`secret-of-the-test`.

    python server.py PORT DIRECTORY
"""

import os
import re
import struct
import sys
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

import lz4.block
import zstandard
from chdb.session import Session
from clickhouse_cityhash.cityhash import CityHash128

USER, PASSWORD = "fanlight", "secret-of-the-test"
# Parameters of the interface itself; all others are settings.
OWN = {"query", "database", "decompress", "compress", "query_id", "session_id", "default_format"}
LOCK = threading.Lock()


class Refused(Exception):
    """An error in the server's own words."""


def blocks(data):
    """The content of native blocks: checksum (16), method (1), sizes (4 + 4), data."""
    out = bytearray()
    while data:
        checksum, rest = data[:16], data[16:]
        method, compressed, raw = struct.unpack_from("<BII", rest)
        block, data = rest[:compressed], rest[compressed:]
        low_high = CityHash128(block)
        if struct.pack("<QQ", low_high & (2**64 - 1), low_high >> 64) != checksum and struct.pack(
            "<QQ", low_high >> 64, low_high & (2**64 - 1)
        ) != checksum:
            raise Refused("Code: 40. DB::Exception: Checksum doesn't match: corrupted data. (CHECKSUM_DOESNT_MATCH)")
        content = block[9:]
        if method == 0x82:
            out += lz4.block.decompress(content, uncompressed_size=raw)
        elif method == 0x90:
            out += zstandard.ZstdDecompressor().decompress(content, max_output_size=raw)
        elif method == 0x02:
            out += content
        else:
            raise Refused(f"Code: 89. DB::Exception: Unknown codec family code: {method}. (UNKNOWN_COMPRESSION_METHOD)")
    return bytes(out)


class Engine:
    def __init__(self, directory):
        self.session = Session(directory)
        self.directory = directory

    def run(self, statement, rows, settings, form):
        with LOCK:
            for name, value in settings.items():
                if not re.fullmatch(r"\w+", name):
                    raise Refused(f"Code: 115. DB::Exception: Unknown setting '{name}'. (UNKNOWN_SETTING)")
                quoted = value.replace("\\", "\\\\").replace("'", "\\'")
                self.query(f"SET {name} = '{quoted}'")
            insert = re.fullmatch(r"(?s)\s*INSERT\s+INTO\s+(.*?)\s*FORMAT\s+(\w+)\s*", statement)
            if insert is None:
                return self.query(statement, form)
            target, form = insert.groups()
            with tempfile.NamedTemporaryFile(dir=self.directory, suffix=".rows") as file:
                file.write(rows)
                file.flush()
                return self.query(f"INSERT INTO {target} FROM INFILE '{file.name}' FORMAT {form}")

    def query(self, statement, form="TabSeparated"):
        try:
            result = self.session.query(statement, form)
        except Exception as error:
            raise Refused(str(error)) from error
        return bytes(result.bytes() or b"") if result is not None else b""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    engine = None

    def body(self):
        if "chunked" not in self.headers.get("transfer-encoding", ""):
            return self.rfile.read(int(self.headers.get("content-length") or 0))
        data = bytearray()
        while size := int(self.rfile.readline().split(b";")[0], 16):
            data += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return bytes(data)

    def answer(self, status, body, code=None):
        self.send_response(status)
        if code is not None:
            self.send_header("X-ClickHouse-Exception-Code", code)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        if urlsplit(self.path).path == "/ping":
            return self.answer(200, b"Ok.\n")
        self.do_POST()

    def do_POST(self):
        parameters = dict(parse_qsl(urlsplit(self.path).query, keep_blank_values=True))
        body = self.body()
        try:
            if (self.headers.get("X-ClickHouse-User"), self.headers.get("X-ClickHouse-Key")) != (USER, PASSWORD):
                raise Refused("Code: 516. DB::Exception: Authentication failed: password is incorrect. (AUTHENTICATION_FAILED)")
            if parameters.get("decompress") == "1":
                body = blocks(body)
            statement = parameters.get("query")
            if statement is None:
                statement, body = body.decode(), b""
            settings = {name: value for name, value in parameters.items() if name not in OWN}
            form = parameters.get("default_format", "TabSeparated")
            self.answer(200, self.engine.run(statement, body, settings, form))
        except Refused as refused:
            text = str(refused)
            code = re.search(r"Code: (\d+)", text)
            code = code.group(1) if code else "1002"
            status = {"516": 403, "60": 404, "81": 404, "62": 400}.get(code, 500)
            self.answer(status, text.encode(), code)

    def log_message(self, form, *values):
        sys.stderr.write(f"{form % values}\n"[:300])


if __name__ == "__main__":
    port, directory = int(sys.argv[1]), sys.argv[2]
    os.makedirs(directory, exist_ok=True)
    Handler.engine = Engine(directory)
    ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()
