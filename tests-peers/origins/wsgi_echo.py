"""An application behind Python's WSGI server on loopback that tells what it was told, the way CGI tells it.

    wsgi_echo.py

Prints its port on the first line, and runs until its standard input ends. Every answer is one JSON object: the
variables of the request that are text (`REQUEST_METHOD`, `PATH_INFO`, `QUERY_STRING`, `HTTP_…`, `CONTENT_TYPE`).
"""

import json
import sys
import threading
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

NAMES = ("REQUEST_METHOD", "PATH_INFO", "QUERY_STRING", "CONTENT_TYPE")


class Quiet(WSGIRequestHandler):
    def log_message(self, *_):
        pass


def application(environ, start_response):
    told = {name: value for name, value in environ.items() if name in NAMES or name.startswith("HTTP_")}
    body = json.dumps(told).encode()
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]


def main():
    server = make_server("127.0.0.1", 0, application, WSGIServer, Quiet)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_port, flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
