"""A small client of the Kubernetes API: one connection a thread, JSON in and out."""
import http.client
import json
import ssl
import threading
import urllib.parse

MERGE = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"


class ApiError(Exception):
    def __init__(self, code, body):
        try:
            message = json.loads(body).get("message", "")
        except ValueError:
            message = body[:200].decode("utf-8", "replace")
        super().__init__(f"{code}: {message}")
        self.code, self.message = code, message


class Unavailable(ApiError, OSError):
    """A refusal that passes: the server is busy or not up yet. As good as no answer, to all who try again."""


class Api:
    def __init__(self, url, ca_file, token):
        parts = urllib.parse.urlsplit(url)
        self.host, self.port, self.url = parts.hostname, parts.port, url
        self.ca_file = str(ca_file)
        self.context = ssl.create_default_context(cafile=self.ca_file)
        self.headers = {"Authorization": "Bearer " + token, "Accept": "application/json", "User-Agent": "e2e-nodes"}
        self.local = threading.local()

    def connect(self, timeout_s):
        return http.client.HTTPSConnection(self.host, self.port, context=self.context, timeout=timeout_s)

    def call(self, method, path, body=None, content_type="application/json"):
        """The decoded answer; ApiError for a status of 400 and more, Unavailable among them, OSError where there was no answer."""
        data = None if body is None else json.dumps(body).encode()
        for attempt in (0, 1):
            connection = getattr(self.local, "connection", None)
            fresh = connection is None
            if fresh:
                connection = self.local.connection = self.connect(30)
            try:
                connection.request(method, path, data, {**self.headers, "Content-Type": content_type})
                answer = connection.getresponse()
                text = answer.read()
            except (OSError, http.client.HTTPException) as problem:
                connection.close()
                self.local.connection = None
                if fresh or attempt:
                    raise OSError(str(problem)) from problem
                continue  # an idle connection that the server had closed
            if answer.status >= 400:
                raise (Unavailable if answer.status == 429 or answer.status >= 500 else ApiError)(answer.status, text)
            return json.loads(text or b"{}")

    def get(self, path):
        return self.call("GET", path)

    def post(self, path, body):
        return self.call("POST", path, body)

    def patch(self, path, body, content_type=MERGE):
        return self.call("PATCH", path, body, content_type)

    def delete(self, path, body=None):
        return self.call("DELETE", path, body)

    def items(self, path):
        return self.get(path)["items"]

    def watch(self, path):
        """Events for ever: ("LIST", [objects]) at the start and after each gap, then (type, object)."""
        while True:
            try:
                listed = self.get(path)
                yield "LIST", listed["items"]
                yield from self._follow(path, listed["metadata"]["resourceVersion"])
            except (OSError, ApiError, http.client.HTTPException, ValueError):
                threading.Event().wait(0.5)

    def _follow(self, path, version):
        connection = self.connect(320)
        joint = "&" if "?" in path else "?"
        try:
            connection.request("GET", f"{path}{joint}watch=1&timeoutSeconds=300&resourceVersion={version}", headers=self.headers)
            answer = connection.getresponse()
            while line := answer.readline():
                event = json.loads(line)
                if event["type"] == "ERROR":
                    return
                yield event["type"], event["object"]
        finally:
            connection.close()
