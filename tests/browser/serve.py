#!/usr/bin/env python3
"""The page of `ovseg serve` in a real browser: chromium without a window, driven over its DevTools
pipe by Python's standard library alone.

Usage: serve.py CHROMIUM URL PICTURE DIR

Drops PICTURE onto the page, types names, waits for the overlay, reads the legend, moves the pointer
and the slider, sends what is no picture; in DIR are then screenshots: desktop and phone, light and
dark. Prints what the page showed as one JSON object; ends with 1 and a message where it did not.
"""
import base64
import json
import os
import signal
import subprocess
import sys
import tempfile
import time

NAMES = "sky\ngrass\nwater\ntree\nhouse\na red car"


class Browser:
    def __init__(self, program, profile):
        to_read, self.to = os.pipe()
        self.read, from_write = os.pipe()

        def pipes():
            a, b = os.dup(to_read), os.dup(from_write)
            os.dup2(a, 3)
            os.dup2(b, 4)

        arguments = [program, "--headless=new", "--remote-debugging-pipe", "--no-first-run", "--disable-gpu",
                     "--disable-extensions", "--disable-background-networking", "--disable-dev-shm-usage",
                     "--disable-component-update", "--hide-scrollbars", "--user-data-dir=" + profile]
        if os.geteuid() == 0:
            arguments.append("--no-sandbox")
        self.process = subprocess.Popen(arguments, preexec_fn=pipes, start_new_session=True, close_fds=False,
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL)
        os.close(to_read)
        os.close(from_write)
        self.left, self.n, self.session, self.events = b"", 0, None, []

    def end(self):
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            pass
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()

    def message(self):
        while b"\0" not in self.left:
            got = os.read(self.read, 1 << 20)
            if not got:
                raise SystemExit("the browser ended")
            self.left += got
        one, self.left = self.left.split(b"\0", 1)
        return json.loads(one)

    def call(self, method, **parameters):
        self.n += 1
        message = {"id": self.n, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self.to, data):]
        while True:
            answer = self.message()
            if answer.get("id") == self.n:
                if "error" in answer:
                    raise SystemExit(f"{method}: {answer['error']}")
                return answer["result"]
            self.events.append(answer)

    def js(self, text):
        answer = self.call("Runtime.evaluate", expression=text, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in answer:
            raise SystemExit(f"{text}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    def wait(self, text, what, seconds=60):
        until = time.monotonic() + seconds
        while not self.js(text):
            if time.monotonic() > until:
                raise SystemExit(f"{what}: not within {seconds} s; the page says "
                                 + str(self.js("document.body.innerText")))
            time.sleep(0.05)

    def shot(self, path):
        data = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=True)["data"]
        with open(path, "wb") as f:
            f.write(base64.b64decode(data))


def check(is_so, what):
    if not is_so:
        raise SystemExit(what)


def open_page(b, url):
    target = b.call("Target.createTarget", url="about:blank")["targetId"]
    b.session = b.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
    for domain in ("Page", "Runtime", "DOM", "Log", "Network"):
        b.call(domain + ".enable")
    b.call("Page.navigate", url=url)
    b.wait("document.readyState === 'complete' && !!document.getElementById('model').textContent", "the page")


def drop(b, path):
    """As a person does: a file dragged from outside onto the page."""
    box = b.js("(r => [r.x + r.width / 2, r.y + r.height / 2])(document.getElementById('drop').getBoundingClientRect())")
    data = {"items": [], "files": [path], "dragOperationsMask": 1}
    for kind in ("dragEnter", "dragOver", "drop"):
        b.call("Input.dispatchDragEvent", type=kind, x=box[0], y=box[1], data=data)


def screen(b, width, height, dark, phone):
    b.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])
    b.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=2 if phone else 1, mobile=phone)


def legend(b):
    return b.js("[...document.querySelectorAll('#legend li[data-name]')].map(x => "
                "[x.dataset.name, parseFloat(x.querySelector('.share').textContent)])")


def main():
    program, url, picture, folder = sys.argv[1:]
    # its children still write into the profile for a moment after its end
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        b = Browser(program, profile)
        try:
            said = look(b, url, picture, folder)
            b.session = None
            b.call("Browser.close")
        finally:
            b.end()
    print(json.dumps(said))


def look(b, url, picture, folder):
    open_page(b, url)
    screen(b, 1280, 900, False, False)
    drop(b, picture)
    b.wait("!document.getElementById('go').disabled", "the dropped picture")
    b.js(f"document.getElementById('names').value = {json.dumps(NAMES)}; document.getElementById('go').click()")
    b.wait("!document.getElementById('result').hidden && !document.getElementById('error').textContent", "the overlay")
    first = legend(b)
    check(abs(sum(share for _, share in first) - 100) < 1, f"shares: {first}")
    colours = b.js("(c => new Set(new Uint32Array(c.getContext('2d').getImageData(0, 0, c.width, c.height).data.buffer)).size)"
                   "(document.getElementById('over'))")
    check(colours >= 1, "the overlay has no colours")

    box = b.js("(r => [r.x + r.width / 2, r.y + r.height / 2])(document.getElementById('over').getBoundingClientRect())")
    b.call("Input.dispatchMouseEvent", type="mouseMoved", x=box[0], y=box[1])
    b.wait("!document.getElementById('tip').hidden", "scores under the pointer", 5)
    tip = b.js("[...document.querySelectorAll('#tip div')].map(x => [x.querySelector('b').textContent, +x.querySelector('.number').textContent])")
    check(len(tip) == 3 and tip[0][1] >= tip[1][1] >= tip[2][1], f"the best three: {tip}")
    for name, (width, height, phone) in {"desktop": (1280, 900, False), "phone": (390, 844, True)}.items():
        for dark in (False, True):
            screen(b, width, height, dark, phone)
            b.js("scrollTo(0, 0)")
            box = b.js("(r => [r.x + r.width / 3, Math.min(r.y + r.height / 3, innerHeight - 5)])"
                       "(document.getElementById('over').getBoundingClientRect())")
            b.call("Input.dispatchMouseEvent", type="mouseMoved", x=box[0] - 9, y=box[1])
            b.call("Input.dispatchMouseEvent", type="mouseMoved", x=box[0], y=box[1])
            time.sleep(0.2)
            b.shot(os.path.join(folder, f"{name}-{'dark' if dark else 'light'}.png"))
            wide = b.js("document.documentElement.scrollWidth")
            check(wide <= width, f"{name}: the page is {wide} pixels wide")

    screen(b, 1280, 900, False, False)
    asked = sum(e.get("method") == "Network.requestWillBeSent" for e in b.events)
    b.js("(x => { x.value = x.max; x.dispatchEvent(new Event('input')); })(document.getElementById('least'))")
    cut = legend(b)
    check(dict(cut).get("unlabelled", 0) > 50, f"with the threshold at its end: {cut}")
    b.js("(x => { x.value = 0; x.dispatchEvent(new Event('input')); })(document.getElementById('least'))")
    check(legend(b) == first, "the threshold back at 0 gives another legend")
    b.js("1")
    check(sum(e.get("method") == "Network.requestWillBeSent" for e in b.events) == asked, "the slider asked the server")

    with open(os.path.join(folder, "no-picture.png"), "w", encoding="utf-8") as f:
        f.write("no picture at all")
    node = b.call("DOM.querySelector", nodeId=b.call("DOM.getDocument")["root"]["nodeId"], selector="#file")["nodeId"]
    b.call("DOM.setFileInputFiles", nodeId=node, files=[os.path.join(folder, "no-picture.png")])
    b.js("document.getElementById('go').click()")
    b.wait("!document.getElementById('error').hidden", "the message about what is no picture", 20)
    error = b.js("document.getElementById('error').innerText")
    check("is not an image" in error and "JPEG" in error, error)

    elsewhere = [e["params"]["request"]["url"] for e in b.events if e.get("method") == "Network.requestWillBeSent"
                 and not e["params"]["request"]["url"].startswith((url, "blob:", "data:"))]
    check(not elsewhere, f"asked elsewhere: {elsewhere}")
    refused = [e["params"]["entry"]["text"] for e in b.events if e.get("method") == "Log.entryAdded"
               and e["params"]["entry"]["level"] == "error" and "status of" not in e["params"]["entry"]["text"]]
    check(not refused, f"the browser complains: {refused}")
    thrown = [e["params"]["exceptionDetails"] for e in b.events if e.get("method") == "Runtime.exceptionThrown"]
    check(not thrown, f"the script failed: {thrown}")
    return {"legend": first, "best": tip, "cut": cut, "error": error}


main()
