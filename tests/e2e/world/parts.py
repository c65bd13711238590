"""Where the real parts are (tests/e2e/bootstrap puts them there), and running them as processes."""
import ctypes
import os
import pathlib
import random
import signal
import socket
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parents[3]
CACHE = pathlib.Path(os.environ.get("STOKER_E2E_CACHE") or pathlib.Path.home() / ".cache/stoker-e2e")
BIN = CACHE / "bin"
PYTHON = CACHE / "venv/bin/python"
AWS = CACHE / "venv/bin/aws"
SPARK = {"3.5": CACHE / "venv", "4.0": CACHE / "venv4"}
PATIENCE_S = float(os.environ.get("E2E_PATIENCE") or 1)  # of slow machines: every time limit is multiplied
KILLED_WITH_PARENT = 1  # PR_SET_PDEATHSIG
GIVEN_PORTS = set()
CLOCK_TICKS = os.sysconf("SC_CLK_TCK")


class Failed(Exception):
    """What a case expected did not hold."""


def spark_home(version):
    return next((SPARK[version] / "lib").glob("python3*/site-packages/pyspark"))


def free_port():
    """Below the ephemeral range, so that no outgoing connection takes it before its server does; never the same twice, for servers
    that start later."""
    for _ in range(200):
        port = random.randint(20000, 31000)
        if port in GIVEN_PORTS:
            continue
        GIVEN_PORTS.add(port)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue
    raise Failed("no free port")


def wait(what, condition, timeout_s=60, every_s=0.2):
    """Returns the first true value of `condition`; exceptions of the network count as not yet."""
    timeout_s *= PATIENCE_S
    end = time.monotonic() + timeout_s
    while True:
        try:
            value = condition()
        except OSError:
            value = None
        if value:
            return value
        if time.monotonic() > end:
            raise Failed(f"after {timeout_s:g} s still not: {what}")
        time.sleep(every_s)


def _die_with_parent():
    ctypes.CDLL(None).prctl(KILLED_WITH_PARENT, signal.SIGKILL)


class Part:
    """A process with its log; started by the main thread, and gone when this process is."""

    def __init__(self, name, argv, folder, env=None, cwd=None):
        self.name, self.argv, self.env, self.cwd = name, [str(a) for a in argv], env, cwd
        self.log = pathlib.Path(folder) / f"{name}.log"
        self.process = None
        self.spent_cpu_s = 0.0  # by processes before this one

    def start(self):
        with open(self.log, "ab") as out:
            self.process = subprocess.Popen(self.argv, stdout=out, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, env=self.env,
                                            cwd=self.cwd, preexec_fn=_die_with_parent)
        return self

    def alive(self):
        return self.process is not None and self.process.poll() is None

    def stop(self, timeout_s=15):
        """SIGTERM, then SIGKILL. The exit status, negative for a signal."""
        if not self.alive():
            return self.process and self.process.returncode
        self.process.terminate()
        try:
            return self.process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()

    def kill(self):
        if self.alive():
            self.process.kill()
            self.process.wait()

    def signal(self, number):
        self.process.send_signal(number)

    def usage(self):
        """(peak RSS in MiB, CPU seconds) of the living process."""
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        peak = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return peak / 1024, (int(fields[11]) + int(fields[12])) / CLOCK_TICKS

    def text(self):
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def tail(self, lines=15):
        return "\n".join(self.text().splitlines()[-lines:])


def without_proxies(**extra):
    """This process's environment for a part: no proxy comes between it and 127.0.0.1."""
    env = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy") and not k.startswith(("AWS_", "KUBE"))}
    env.update(extra)
    return env


def quiet(seconds):
    """Time in which something must not happen: the one use of sleeping in a case."""
    time.sleep(seconds)
