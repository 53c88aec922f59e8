"""Drives a player that is no browser, for tests of videos.

usage: player.py mpv|gstreamer|vlc

One JSON object a line on standard input, one JSON object a line on standard output, in order, as browser.mjs has it; the
player ends with standard input. A command that fails answers {"error": "…"}.

  {"do": "open", "url": …, "cookies": …}  begins to play; cookies may be empty, and only mpv takes them
  {"do": "play"}, {"do": "pause"}, {"do": "seek", "time": …}
  {"do": "await", "time": …, "ms": …}     waits until the video is past a time, is broken, or ms are over
  {"do": "state"}                         time and duration in seconds, and what broke it, if anything did
"""
import json
import os
import socket
import subprocess
import sys
import tempfile
import time

PATIENCE_SECS = 10


def connected(path):
    """A connection to a player that has just been started."""
    end = time.monotonic() + PATIENCE_SECS
    while True:
        connection = socket.socket(socket.AF_UNIX)
        try:
            connection.connect(path)
            return connection
        except OSError:
            connection.close()
            if time.monotonic() > end:
                raise
            time.sleep(0.05)


class Mpv:
    """Over its JSON socket."""

    def __init__(self):
        self.folder = tempfile.TemporaryDirectory()
        path = os.path.join(self.folder.name, "mpv")
        options = ["--no-config", "--idle", "--no-terminal", "--vo=null", "--ao=null", "--keep-open=yes"]
        self.process = subprocess.Popen(["mpv", *options, f"--input-ipc-server={path}"], stdin=subprocess.DEVNULL)
        self.lines = connected(path).makefile("rw")
        self.fatal = ""

    def ask(self, *command):
        self.lines.write(json.dumps({"command": command, "request_id": 1}) + "\n")
        self.lines.flush()
        for line in self.lines:
            answer = json.loads(line)
            if answer.get("event") == "end-file" and answer.get("reason") == "error":
                self.fatal = answer.get("file_error", "error")
            if "request_id" in answer:
                return answer.get("data")
        raise EOFError("mpv is gone")

    def open(self, url, cookies):
        self.ask("set_property", "http-header-fields", [f"Cookie: {cookies}"] if cookies else [])
        self.ask("loadfile", url)

    def play(self):
        self.ask("set_property", "pause", False)

    def pause(self):
        self.ask("set_property", "pause", True)

    def seek(self, seconds):
        self.ask("seek", seconds, "absolute")

    def state(self):
        state = {"time": self.ask("get_property", "time-pos") or 0, "duration": self.ask("get_property", "duration") or 0}
        state["width"] = self.ask("get_property", "width") or 0
        return {**state, "fatal": self.fatal}

    def end(self):
        self.process.kill()


class GStreamer:
    """As playbin3, with sinks that keep time and show nothing."""

    def __init__(self):
        import gi

        gi.require_version("Gst", "1.0")
        from gi.repository import Gst

        Gst.init(None)
        self.gst = Gst
        self.pipeline = Gst.ElementFactory.make("playbin3")
        for name in ["video-sink", "audio-sink"]:
            sink = Gst.ElementFactory.make("fakesink")
            sink.set_property("sync", True)
            self.pipeline.set_property(name, sink)
        self.fatal = ""

    def open(self, url, cookies):
        if cookies:
            raise ValueError("GStreamer takes no cookies")
        self.pipeline.set_property("uri", url)
        self.pipeline.set_state(self.gst.State.PLAYING)

    def play(self):
        self.pipeline.set_state(self.gst.State.PLAYING)

    def pause(self):
        self.pipeline.set_state(self.gst.State.PAUSED)

    def seek(self, seconds):
        flags = self.gst.SeekFlags.FLUSH | self.gst.SeekFlags.ACCURATE
        if not self.pipeline.seek_simple(self.gst.Format.TIME, flags, int(seconds * self.gst.SECOND)):
            self.fatal = "it does not seek"

    def state(self):
        while message := self.pipeline.get_bus().pop_filtered(self.gst.MessageType.ERROR):
            self.fatal = str(message.parse_error())
        _, position = self.pipeline.query_position(self.gst.Format.TIME)
        _, duration = self.pipeline.query_duration(self.gst.Format.TIME)
        return {"time": max(position, 0) / 1e9, "duration": max(duration, 0) / 1e9, "fatal": self.fatal}

    def end(self):
        self.pipeline.set_state(self.gst.State.NULL)


class Vlc:
    """Over its remote control, which counts whole seconds. It refuses to run as root."""

    def __init__(self):
        self.folder = tempfile.TemporaryDirectory()
        os.chmod(self.folder.name, 0o777)
        path = os.path.join(self.folder.name, "vlc")
        options = ["--no-dbus", "--intf", "oldrc", "--rc-fake-tty", "--rc-unix", path, "--vout", "dummy", "--aout", "adummy", "--no-video-title-show"]
        nobody = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"] if os.getuid() == 0 else []
        environment = {**os.environ, "HOME": self.folder.name}
        nothing = subprocess.DEVNULL
        self.process = subprocess.Popen(
            [*nobody, "vlc", *options], env=environment, stdin=nothing, stdout=nothing, stderr=nothing
        )
        self.connection = connected(path)
        self.connection.settimeout(0.3)
        self.is_paused = False
        # What it has said since its last whole line, and how many questions it has not answered yet.
        self.said = b""
        self.owed = 0

    def ask(self, command):
        self.connection.sendall(command.encode() + b"\n")

    def number(self, command):
        """The answer to this very question: between answers it tells what has changed, and late ones come first."""
        self.ask(command)
        self.owed += 1
        end = time.monotonic() + 5
        while time.monotonic() < end:
            *lines, self.said = self.said.split(b"\r\n")
            for line in filter(bytes.isdigit, lines):
                self.owed -= 1
                if self.owed == 0:
                    return int(line)
            try:
                self.said += self.connection.recv(4096)
            except TimeoutError:
                continue
        return 0

    def open(self, url, cookies):
        if cookies:
            raise ValueError("VLC takes no cookies")
        self.ask(f"add {url}")

    def play(self):
        # Its `pause` goes to and fro.
        if self.is_paused:
            self.pause()

    def pause(self):
        self.is_paused = not self.is_paused
        self.ask("pause")

    def seek(self, seconds):
        self.ask(f"seek {int(seconds)}")

    def state(self):
        return {"time": self.number("get_time"), "duration": self.number("get_length"), "fatal": ""}

    def end(self):
        self.process.kill()


def wait_past(player, seconds, milliseconds):
    end = time.monotonic() + milliseconds / 1000
    state = player.state()
    while state["time"] < seconds and not state["fatal"] and time.monotonic() < end:
        time.sleep(0.05)
        state = player.state()
    return state


def perform(player, command):
    match command["do"]:
        case "open":
            player.open(command["url"], command["cookies"])
        case "play":
            player.play()
        case "pause":
            player.pause()
            return player.state()
        case "seek":
            player.seek(command["time"])
        case "await":
            return wait_past(player, command["time"], command["ms"])
        case "state":
            return player.state()
    return {}


def main():
    player = {"mpv": Mpv, "gstreamer": GStreamer, "vlc": Vlc}[sys.argv[1]]()
    try:
        for line in sys.stdin:
            try:
                answer = perform(player, json.loads(line))
            except Exception as error:
                answer = {"error": repr(error)}
            print(json.dumps(answer), flush=True)
    finally:
        player.end()


main()
