"""Uploads from generators, on one connection. Words: which library, the URL to send to.

Prints one JSON line: the status and the body of each answer.
"""
import hashlib
import http.client
import json
import sys
from urllib.parse import urlsplit


def pieces(count):
    for number in range(count):
        yield b"%06d " % number * 1000


def with_requests(url):
    import requests

    with requests.Session() as session:
        session.trust_env = False
        for count in (0, 1, 50):
            answer = session.post(url, data=pieces(count), stream=True)
            yield answer.status_code, b"".join(answer.iter_content(1000))


def with_http_client(url):
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname, parts.port)
    for count in (0, 1, 50):
        headers = {"Transfer-Encoding": "chunked"}
        connection.request("POST", parts.path, pieces(count), headers, encode_chunked=True)
        answer = connection.getresponse()
        yield answer.status, answer.read()
    connection.close()


library, url = sys.argv[1:]
ask = with_requests if library == "requests" else with_http_client
answers = [{"status": status, "echo": json.loads(body)} for status, body in ask(url)]
sums = [hashlib.sha256(b"".join(pieces(count))).hexdigest() for count in (0, 1, 50)]
print(json.dumps({"answers": answers, "sums": sums}))
