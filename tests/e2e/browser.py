"""Drives Debian's Chromium over its DevTools protocol, through a pipe: no port, no driver, no package.

    with browser.Browser(folder) as chromium:
        chromium.open("http://127.0.0.1:8080/")
        chromium.wait("document.querySelectorAll('#units tbody tr').length === 129")
        chromium.value("document.title")

`problems` are the errors that the page's console and network have shown so far.
"""

import base64
import ctypes
import json
import os
import select
import signal
import subprocess
import time

PATH = os.environ.get("DONDOC_CHROMIUM", "/usr/bin/chromium")
ANSWER_SECONDS_MAX = 30
WAIT_SECONDS_MAX = 30
_FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
          "--disable-background-networking", "--disable-component-update", "--disable-sync",
          "--disable-dev-shm-usage", "--disable-extensions", "--remote-debugging-pipe", "--lang=vi")


class Browser:
    """One tab of one browser with an empty profile below `folder`."""

    def __init__(self, folder, width=1280, height=900):
        self._folder = folder
        self._size = (width, height)
        self._number = 0
        self._buffer = b""
        self._session = None
        self._loads = 0
        self.problems = []

    def __enter__(self):
        # Chromium reads commands from its descriptor 3 and writes answers to 4.
        command_read, self._commands = os.pipe()
        self._answers, answer_write = os.pipe()
        log = open(os.path.join(self._folder, "chromium.log"), "ab")

        def at_start():
            ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
            read_end, write_end = os.dup(command_read), os.dup(answer_write)
            os.dup2(read_end, 3)
            os.dup2(write_end, 4)

        self._process = subprocess.Popen(
            [PATH, *_FLAGS, "--user-data-dir=" + os.path.join(self._folder, "chromium"),
             "--window-size=%d,%d" % self._size, "about:blank"],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, close_fds=False, preexec_fn=at_start,
            start_new_session=True, env=dict(os.environ, HOME=self._folder))
        for descriptor in (command_read, answer_write):
            os.close(descriptor)
        log.close()
        targets = self.command("Target.getTargets")["targetInfos"]
        target = next(each["targetId"] for each in targets if each["type"] == "page")
        self._session = self.command("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.command(domain + ".enable")
        self.resize(*self._size)
        return self

    def __exit__(self, *_):
        try:
            os.killpg(self._process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self._process.wait()
        for descriptor in (self._commands, self._answers):
            os.close(descriptor)

    def command(self, method, **parameters):
        """The result of one DevTools command."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._commands, json.dumps(message).encode("utf-8") + b"\0")
        end = time.monotonic() + ANSWER_SECONDS_MAX
        while True:
            answer = self._read(end, method)
            if answer.get("id") == self._number:
                if "error" in answer:
                    raise AssertionError("Chromium refuses %s: %s" % (method, answer["error"]))
                return answer["result"]
            self._note(answer)

    def _read(self, end, what):
        while b"\0" not in self._buffer:
            ready, _, _ = select.select([self._answers], [], [], max(0, end - time.monotonic()))
            piece = os.read(self._answers, 1 << 16) if ready else b""
            if not piece:
                raise AssertionError("Chromium does not answer %s; exit %s" % (what, self._process.poll()))
            self._buffer += piece
        message, _, self._buffer = self._buffer.partition(b"\0")
        return json.loads(message)

    def _note(self, event):
        parameters = event.get("params", {})
        method = event.get("method")
        if method == "Page.loadEventFired":
            self._loads += 1
        elif method == "Runtime.exceptionThrown":
            details = parameters["exceptionDetails"]
            self.problems.append(details.get("exception", {}).get("description", details["text"]))
        elif method == "Runtime.consoleAPICalled" and parameters["type"] in ("error", "warning", "assert"):
            self.problems.append("console: %s" % parameters["args"])
        elif method == "Log.entryAdded" and parameters["entry"]["level"] in ("error", "warning"):
            entry = parameters["entry"]
            self.problems.append("%s %s" % (entry["text"], entry.get("url", "")))
        elif method == "Page.javascriptDialogOpening":
            self.problems.append("dialog: %s" % parameters["message"])

    def resize(self, width, height):
        self.command("Emulation.setDeviceMetricsOverride", width=width, height=height,
                     deviceScaleFactor=1, mobile=width < 700)

    def open(self, url):
        """Goes there; returns when the page and its script are loaded."""
        loads = self._loads
        answer = self.command("Page.navigate", url=url)
        if answer.get("errorText"):
            raise AssertionError("%s: %s" % (url, answer["errorText"]))
        end = time.monotonic() + ANSWER_SECONDS_MAX
        while self._loads == loads:
            self._note(self._read(end, "that %s is loaded" % url))

    def value(self, expression):
        """What a JavaScript expression is (awaited), as JSON has it."""
        answer = self.command("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise AssertionError("%s: %s" % (expression, answer["exceptionDetails"]))
        return answer["result"].get("value")

    def wait(self, expression, seconds=WAIT_SECONDS_MAX):
        """Until the expression is true; its value."""
        end = time.monotonic() + seconds
        while True:
            value = self.value(expression)
            if value:
                return value
            if time.monotonic() > end:
                raise AssertionError("after %d s still not so: %s\n%s" % (
                    seconds, expression, self.value("document.body.innerText")[:2000]))
            time.sleep(0.05)

    def type(self, selector, text):
        """Replaces what a field holds, as a keyboard would."""
        self.value("(() => { const field = document.querySelector(%s); field.focus(); field.select(); })()"
                   % json.dumps(selector))
        self.command("Input.insertText", text=text)

    def press(self, key, code=None):
        text = {"Enter": "\r", " ": " "}.get(key)
        key_code = {"Enter": 13, "Tab": 9, " ": 32}.get(key, 0)
        more = {"text": text} if text else {}
        self.command("Input.dispatchKeyEvent", type="keyDown", key=key, code=code or key,
                     windowsVirtualKeyCode=key_code, **more)
        self.command("Input.dispatchKeyEvent", type="keyUp", key=key, code=code or key,
                     windowsVirtualKeyCode=key_code)

    def screenshot(self, path, whole=True):
        data = self.command("Page.captureScreenshot", format="png", captureBeyondViewport=whole)["data"]
        with open(path, "wb") as file:
            file.write(base64.b64decode(data))
