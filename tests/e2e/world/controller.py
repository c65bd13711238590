"""build/stoker run as a part: installed by its chart, with exactly the chart's service account, behind the fault proxies."""
import json
import subprocess
import urllib.request

from .aws import QUEUE
from .controlplane import kubeconfig
from .parts import BIN, ROOT, Failed, Part, free_port, wait, without_proxies

NAMESPACE = "stoker"
CHART = ROOT / "charts/stoker"
BINARY = ROOT / "build/stoker"


def install(plane, aws, cluster):
    """helm install; the Deployment has no replicas, since the controller runs here as a process."""
    done = subprocess.run([str(BIN / "helm"), "--kubeconfig", str(plane.pki / "admin.kubeconfig"), "install", "stoker", str(CHART),
                           "--namespace", NAMESPACE, "--create-namespace", "--set", "replicas=0", "--set", f"settings.clusterName={cluster}",
                           "--set", f"settings.clusterEndpoint={plane.url}", "--set", f"settings.region={aws.region}"],
                          capture_output=True, text=True, env=without_proxies())
    if done.returncode:
        raise Failed("helm install: " + done.stderr.strip())
    plane.kubectl("wait", "--for=condition=Established", "crd", "--all", "--timeout=30s")


class Controller:
    """One replica."""

    def __init__(self, world, name="stoker", extra=(), direct=False):
        self.world, self.name = world, name
        token_file = world.folder / f"{name}.token"
        token_file.write_text(world.plane.token(NAMESPACE, "stoker"))
        server = world.plane.url if direct else world.kube_proxy.url
        config = kubeconfig(world.folder / f"{name}.kubeconfig", server, world.plane.ca_file, {"tokenFile": str(token_file)})
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        argv = [BINARY, "run", "--kubeconfig", config, "--cluster-name", world.cluster, "--region", world.aws.region,
                "--cluster-endpoint", world.plane.url, "--interruption-queue", QUEUE, "--listen", f"127.0.0.1:{self.port}",
                "--log-format", "json", *extra]
        environment = world.aws.environment(world.aws.url if direct else world.aws_proxy.url)
        self.part = Part(name, argv, world.folder, env=without_proxies(POD_NAME=name, POD_NAMESPACE=NAMESPACE, **environment))
        self.opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def start(self, ready=True):
        self.part.start()
        if ready:
            self.wait_ready()
        return self

    def wait_ready(self):
        def answers():
            if not self.part.alive():
                raise Failed(f"{self.name} ended with {self.part.process.returncode}: {self.part.tail()}")
            try:
                return self.get("/readyz")
            except urllib.error.HTTPError:
                return False
        wait(f"{self.name} is ready", answers, 60)

    def get(self, path):
        with self.opener.open(self.url + path, timeout=10) as answer:
            return answer.read().decode()

    def metric(self, name, **labels):
        """The sum over all series of this name that have these labels."""
        total = 0.0
        for line in self.get("/metrics").splitlines():
            if line.startswith((name + "{", name + " ")) and all(f'{k}="{v}"' in line for k, v in labels.items()):
                total += float(line.rsplit(" ", 1)[1])
        return total

    def logged(self, event=None):
        """The lines of its log; only those of one event where it is named."""
        lines = []
        for line in self.part.text().splitlines():
            try:
                entry = json.loads(line)
            except ValueError:
                continue
            if event is None or entry.get("event") == event:
                lines.append(entry)
        return lines
