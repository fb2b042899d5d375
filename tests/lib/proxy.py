"""A rewriting HTTP proxy: forwards to a target and lets a function change each exchange.

change(exchange) gets {"method", "path", "request": bytes, "status", "reply": bytes} and returns the
reply to send. Bound to loopback; ends with the test program."""
import http.client
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "te", "upgrade"}


class Proxy:
    def __init__(self, target, change=None, before=None, port=0):
        self.change = change or (lambda x: x["reply"])
        self.before = before or (lambda x: x["request"])
        self.seen = []
        url = urlsplit(target)
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            # one segment an answer: else each waits for a delayed acknowledgement
            wbufsize = 1 << 16
            disable_nagle_algorithm = True

            def log_message(self, *args):
                pass

            def forward(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                x = {"method": self.command, "path": self.path, "request": body, "headers": self.headers}
                x["request"] = proxy.before(x)
                conn = http.client.HTTPConnection(url.hostname, url.port, timeout=60)
                headers = {k: v for k, v in self.headers.items() if k.lower() not in HOP | {"host"}}
                conn.request(self.command, self.path, x["request"], headers)
                answer = conn.getresponse()
                x.update(status=answer.status, reply=answer.read())
                proxy.seen.append(x)
                reply = proxy.change(x)
                self.send_response(x["status"])
                for k, v in answer.getheaders():
                    if k.lower() not in HOP:
                        self.send_header(k, v)
                self.send_header("Content-Length", str(len(reply)))
                self.end_headers()
                self.wfile.write(reply)
                conn.close()

            do_GET = do_POST = do_PUT = do_HEAD = forward

        self.server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()
