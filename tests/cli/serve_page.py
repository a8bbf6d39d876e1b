"""Drives the page of `fpcore serve` in a headless Chromium, over its pipe: a picture from the file field, the slider, the
download, a file that is no picture, the camera, widths and colour schemes. Prints `ok` and `not ok` lines.

usage: serve_page.py CHROMIUM URL PICTURE.png MASK.png [FOLDER]    FOLDER: gets screenshots
"""
import base64
import json
import os
import subprocess
import sys
import tempfile
import time

CHROMIUM, URL, PICTURE, MASK = sys.argv[1:5]
FOLDER = sys.argv[5] if len(sys.argv) > 5 else None
PATIENCE = 120
bad = 0


def report(what, good, found=""):
    """One line for a case."""
    global bad
    print("ok" if good else "not ok", what, flush=True)
    if not good:
        bad = 1
        print("   ", found, flush=True)


class Browser:
    """Chromium with the DevTools protocol on its descriptors 3 and 4, messages between zeros."""

    def __init__(self, profile):
        command = [CHROMIUM, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
                   "--remote-debugging-pipe", "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream",
                   "--user-data-dir=" + profile, "about:blank"]
        theirs, self.to = os.pipe()
        self.come, ours = os.pipe()
        # 3 and 4 may be these very pipes: a shell puts them in place
        script = 'exec "$0" "$@" 3<&%d 4>&%d' % (theirs, ours)
        self.process = subprocess.Popen(["bash", "-c", script] + command, pass_fds=(theirs, ours),
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(theirs)
        os.close(ours)
        self.left, self.number, self.session, self.said = b"", 0, None, []

    def receive(self):
        while b"\0" not in self.left:
            piece = os.read(self.come, 1 << 16)
            if not piece:
                sys.exit("Chromium has ended")
            self.left += piece
        text, self.left = self.left.split(b"\0", 1)
        return json.loads(text)

    def call(self, method, **params):
        self.number += 1
        message = {"id": self.number, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.to, json.dumps(message).encode() + b"\0")
        while True:
            got = self.receive()
            if got.get("id") == self.number:
                if "error" in got:
                    sys.exit("%s: %s" % (method, got["error"]))
                return got["result"]
            if got.get("method") in ("Log.entryAdded", "Runtime.exceptionThrown"):
                self.said.append(json.dumps(got["params"])[:300])

    def open(self):
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "DOM", "Log"):
            self.call(domain + ".enable")

    def value(self, expression):
        answer = self.call("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        return answer["result"].get("value")

    def wait(self, expression):
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            if self.value(expression):
                return True
            time.sleep(0.05)
        return False

    def choose(self, path):
        root = self.call("DOM.getDocument")["root"]["nodeId"]
        node = self.call("DOM.querySelector", nodeId=root, selector="#file")["nodeId"]
        self.call("DOM.setFileInputFiles", nodeId=node, files=[os.path.abspath(path)])

    def shape(self, width, height, scheme):
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600)
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def shoot(self, name):
        if FOLDER:
            shot = self.call("Page.captureScreenshot", captureBeyondViewport=True)["data"]
            with open(os.path.join(FOLDER, name + ".png"), "wb") as file:
                file.write(base64.b64decode(shot))


def drive(browser):
    """The cases, in the order in which a person would come to them."""
    browser.open()
    browser.shape(1200, 800, "light")
    browser.call("Page.navigate", url=URL)
    report("the page knows the model", browser.wait("document.querySelectorAll('#legend li').length > 1"), browser.said)
    report("its style is let through", browser.value("getComputedStyle(document.body).maxWidth === '1180px'"))
    browser.shoot("empty")
    browser.choose(PICTURE)
    report("a picture gets its mask", browser.wait("!$('mask').hidden && $('mask').complete && $('mask').naturalWidth > 0"),
           browser.value("$('said').textContent"))
    report("which lies over it", browser.value(
        "(() => { const a = $('picture').getBoundingClientRect(), b = $('mask').getBoundingClientRect();"
        "return a.width > 50 && Math.abs(a.width - b.width) < 1 && Math.abs(a.top - b.top) < 1; })()"))
    with open(MASK, "rb") as file:
        want = base64.b64encode(file.read()).decode()
    got = browser.value("fetch($('download').href).catch(() => null).then(a => a ? 'fetched' : 'refused')")
    report("the policy lets nothing but the server be asked", got == "refused", got)
    got = browser.value(
        "fetch('segment?mask', {method: 'POST', body: new Blob([new Uint8Array([1])])}).then(a => a.json()).then(j => j.error)")
    report("a refusal reaches the page", got == "the picture: neither a JPEG nor a PNG file", got)
    browser.value("globalThis.asked = fetch; globalThis.fetch = (...a) => asked(...a).then(async r => {"
                  "globalThis.last = await r.clone().json(); return r; })")
    browser.choose(PICTURE)
    browser.wait("globalThis.last && !$('mask').hidden")
    report("it is the mask of fpcore predict", browser.value("last.png") == want)
    report("it can be downloaded", browser.value("!$('download').hidden && $('download').download.endsWith('.mask.png')"))
    total = browser.value("[...document.querySelectorAll('#legend li.there b')].map(b => parseFloat(b.textContent.replace('<', '')))"
                          ".reduce((a, b) => a + b, 0)")
    report("the shares make a whole", total is not None and 97 < total < 103, total)
    browser.value("$('opacity').value = 20; $('opacity').dispatchEvent(new Event('input'))")
    report("the slider makes the mask fainter", browser.value("getComputedStyle($('mask')).opacity === '0.2'"))
    browser.value("document.querySelector('#legend li.there').focus()")
    report("a class shows its box", browser.value("!$('box').hidden && $('box').offsetWidth > 0"))
    browser.value("document.activeElement.blur(); $('opacity').value = 55; $('opacity').dispatchEvent(new Event('input'))")
    for name, width, height in (("desktop", 1200, 800), ("phone", 390, 844)):
        for scheme in ("light", "dark"):
            browser.shape(width, height, scheme)
            browser.value("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
            over = browser.value("document.documentElement.scrollWidth - innerWidth")
            report("nothing stands over on a %s, %s" % (name, scheme), over is not None and over <= 0, over)
            browser.shoot(name + "-" + scheme)
    browser.shape(1200, 800, "light")
    browser.choose(__file__)
    report("what is no picture is told", browser.wait("$('said').className === 'wrong'"))
    report("in words", "a picture is wanted" in (browser.value("$('said').textContent") or ""), browser.value("$('said').textContent"))
    browser.value("$('camera').click()")
    report("the camera films", browser.wait("!$('video').hidden && $('video').videoWidth > 0"), browser.value("$('said').textContent"))
    browser.value("$('shoot').click()")
    report("and its picture gets a mask", browser.wait("$('video').hidden && !$('mask').hidden"), browser.value("$('said').textContent"))
    # the one that a case above asked for is about blob:
    said = [text for text in browser.said if "blob:" not in text and "status of 400" not in text]
    report("the browser complains of nothing", not said, said)


with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) if sys.version_info >= (3, 10) else tempfile.TemporaryDirectory() as folder:
    chromium = Browser(folder)
    try:
        drive(chromium)
    finally:
        chromium.process.terminate()
        chromium.process.wait()
sys.exit(bad)
