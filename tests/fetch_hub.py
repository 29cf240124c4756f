"""fetch_hub.py - a hub of models on this machine, for tests/fetch.py: the layout of Hugging Face's,
with the large files on another port as on a CDN, and of ModelScope's."""
import hashlib
import http.server
import json
import os
import threading
import urllib.parse

TOKEN = "hf_secret.Token-123"
SIGNATURE = "sig=a%2Fb%3D~*&x=[1]"      # of addresses on the other host


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def git_sum(data):
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


class Hub:
    """A hub with one repository, and what it does wrong. answers[path] is a list of what to do at
    the next requests for that file ("" for the list of files); then all is well."""

    def __init__(self, files, repository="Qwen/Qwen3-Test"):
        self.files = files
        self.repository = repository
        self.answers = {}
        self.sums = {}          # path: a wrong sum; None: none
        self.sizes = {}         # path: a wrong size
        self.ranges = True
        self.page = 1000        # entries of a page
        self.large = 10000      # bytes from which a file has a sha256, and is on the other host
        self.text = None        # instead of the list of files
        self.redirect = None    # instead of the other host
        self.log = []           # (host, path, from) of each request
        self.tokens = []        # those that came to the hub itself
        self.faults = []
        self.slow = threading.Event()
        self.hub = self.serve("hub")
        self.cdn = self.serve("cdn")

    def serve(self, host):
        hub = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                hub.answer(host, self)

            def log_message(self, *args):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.handle_error = lambda *args: None        # clients that leave
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        return server

    def close(self):
        self.slow.set()
        for server in self.hub, self.cdn:
            server.shutdown()
            server.server_close()

    def url(self, server):
        return "http://127.0.0.1:%d" % server.server_address[1]

    def answer(self, host, request):
        token = request.headers.get("Authorization")
        if host == "cdn" and token:
            self.faults.append("the other host was sent the token")
        if host == "hub":
            self.tokens.append(token)
            if token and TOKEN in arguments_of_all():
                self.faults.append("the token is in the list of processes")
        url = urllib.parse.urlsplit(request.path)
        if host == "cdn" and url.query not in ("", SIGNATURE):
            self.faults.append("the other host was asked for %s" % request.path)
        path = urllib.parse.unquote(url.path)
        query = urllib.parse.parse_qs(url.query)
        begin = request.headers.get("Range", "bytes=0-")[len("bytes="):].rstrip("-")
        for start in ("/%s/resolve/main/" % self.repository, "/cdn/",
                      "/models/%s/resolve/master/" % self.repository):
            if path.startswith(start):
                name = path[len(start):]
                self.log.append((host, name, int(begin)))
                return self.send_file(host, request, name, int(begin))
        self.log.append((host, "", 0))
        action = self.next_action("")
        if action is not None:
            return self.act(request, action)
        if path == "/api/models/%s/tree/main" % self.repository:
            return self.send_list(request, query)
        if path == "/api/v1/models/%s/repo/files" % self.repository and \
                query == {"Revision": ["master"], "Recursive": ["true"]}:
            return self.send_modelscope_list(request)
        code = "RevisionNotFound" if self.repository in path else "RepoNotFound"
        self.send(request, 404, b"{}", {"X-Error-Code": code})

    def next_action(self, name):
        list_of = self.answers.get(name, [])
        return list_of.pop(0) if list_of else None

    def act(self, request, action):
        if action == "slow":
            return self.slow.wait(20)
        status, headers = action if isinstance(action, tuple) else (action, {})
        if status:
            self.send(request, status, b"an answer that must not get into a file", headers)
        else:
            request.close_connection = True
        return None

    def send(self, request, status, data, headers=None):
        request.send_response(status)
        for key, value in (headers or {}).items():
            request.send_header(key, value)
        request.send_header("Content-Length", str(len(data)))
        request.end_headers()
        request.wfile.write(data)

    def entry(self, path, data):
        entry = {"type": "file", "oid": git_sum(data), "size": len(data), "path": path}
        if len(data) >= self.large:
            entry["oid"] = git_sum(b"a pointer to " + data[:9])
            entry["lfs"] = {"oid": sha256(data), "size": len(data), "pointerSize": 135}
            entry["xetHash"] = sha256(b"x" + data)
        if path in self.sums:
            entry["oid"] = self.sums[path]
            entry.pop("lfs", None)
        if path in self.sizes:
            entry["size"] = self.sizes[path]
        return entry

    def send_list(self, request, query):
        if self.text is not None:
            return self.send(request, 200, self.text)
        entries = [{"type": "directory", "oid": "0" * 40, "size": 0, "path": "onnx"}]
        entries += [self.entry(*item) for item in self.files.items()]
        start = int(query.get("cursor", ["0"])[0])
        headers = {}
        if start + self.page < len(entries):
            headers["Link"] = '<%s%s&cursor=%d>; rel="next"' % (
                self.url(self.hub), request.path.partition("&")[0], start + self.page)
        page = entries[start:start + self.page]
        text = json.dumps(page, ensure_ascii=False, separators=(",", ":"))
        return self.send(request, 200, text.encode(), headers)

    def send_modelscope_list(self, request):
        if self.text is not None:
            return self.send(request, 200, self.text)
        files = [{"Name": "onnx", "Path": "onnx", "Type": "tree", "Size": 0, "Sha256": ""}]
        for path, data in self.files.items():
            files.append({"CommitMessage": "a \"quoted\" \\ one", "IsLFS": True, "Name": path,
                          "Path": path, "Sha256": sha256(data).upper(), "Size": len(data),
                          "Type": "blob"})
        answer = {"Code": 200, "Data": {"Files": files, "IsVisual": 0}, "Message": "success",
                  "Success": True}
        return self.send(request, 200, json.dumps(answer, indent=1, ensure_ascii=False).encode())

    def send_file(self, host, request, name, begin):
        data = self.files.get(name)
        action = self.next_action(name)
        if data is None:
            return self.send(request, 404, b"none", {"X-Error-Code": "EntryNotFound"})
        if action is None and host == "hub" and len(data) >= self.large:
            to = self.redirect or "%s/cdn/%s?%s" % (self.url(self.cdn), urllib.parse.quote(name),
                                                    SIGNATURE)
            return self.send(request, 302, b"Found. Redirecting to " + to.encode(),
                             {"Location": to})
        if action is not None and not isinstance(action, str):
            return self.act(request, action)
        if not self.ranges:
            begin = 0
        if begin and begin >= len(data):
            return self.send(request, 416, b"too far")
        request.send_response(206 if begin else 200)
        if begin:
            request.send_header("Content-Range", "bytes %d-%d/%d" % (begin, len(data) - 1,
                                                                    len(data)))
        request.send_header("Content-Length", str(len(data) - begin))
        request.end_headers()
        if action in ("drop", "slow"):
            request.wfile.write(data[begin:begin + (len(data) - begin) // 2])
            request.wfile.flush()
            request.close_connection = True
            if action == "slow":
                self.slow.wait(20)
            return None
        return request.wfile.write(data[begin:])


def arguments_of_all():
    text = []
    for pid in os.listdir("/proc"):
        if pid.isdigit():
            try:
                with open("/proc/%s/cmdline" % pid, "rb") as f:
                    text.append(f.read().decode("utf-8", "replace"))
            except OSError:
                pass
    return "\n".join(text)
