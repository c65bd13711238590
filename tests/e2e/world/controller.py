"""build/stoker run as a part: installed by its chart, with exactly the chart's service account, behind the fault proxies."""
import base64
import datetime
import json
import subprocess
import urllib.error
import urllib.request

from .api import ApiError
from .aws import QUEUE
from .controlplane import kubeconfig
from .parts import BIN, ROOT, Failed, Part, free_port, wait, without_proxies

NAMESPACE = "stoker"
CHART = ROOT / "charts/stoker"
KUBE_VERSION = ("--kube-version", "1.34.4")  # of the control plane, where Helm does not ask it
BINARY = ROOT / "build/stoker"
SHORT_TIMES = ("--collect-every", "5s", "--consistency", "5s")  # of minutes: the stand-in is consistent after a second


def served(plane):
    """For a second or two after a CRD is established its objects answer 404 or 429."""
    try:
        for resource in ("provisioners", "nodetemplates", "nodeclaims"):
            plane.admin.get(f"/apis/stoker.sh/v1alpha1/{resource}")
        return True
    except ApiError:
        return False


def install(plane, aws, cluster, **settings):
    """helm install. The Deployment is scaled to none, since the controller runs here as a process. Returns its settings file."""
    values = {"clusterName": cluster, "region": aws.region, "clusterEndpoint": plane.url, "clusterCidr": "10.96.0.0/16",
              "clusterCa": base64.b64encode(plane.ca_file.read_bytes()).decode(), "interruptionQueue": QUEUE, **settings}
    done = subprocess.run([str(BIN / "helm"), "--kubeconfig", str(plane.pki / "admin.kubeconfig"), "install", "stoker", str(CHART),
                           "--namespace", NAMESPACE, "--create-namespace", "--set-json", "settings=" + json.dumps(values)],
                          capture_output=True, text=True, env=without_proxies())
    if done.returncode:
        raise Failed("helm install: " + done.stderr.strip())
    plane.kubectl("scale", "deployment", "stoker", "--namespace", NAMESPACE, "--replicas=0")
    plane.kubectl("wait", "--for=condition=Established", "crd", "--all", "--timeout=30s")
    wait("custom resources are served", lambda: served(plane), 30)
    wait("its pods are gone", lambda: not plane.admin.items(f"/api/v1/namespaces/{NAMESPACE}/pods"), 30)
    return plane.kubectl("get", "configmap", "stoker", "--namespace", NAMESPACE, "-o", r"jsonpath={.data.settings\.yaml}")


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
        settings = world.folder / "settings.yaml"
        settings.write_text(world.settings)
        argv = [BINARY, "run", "--config", settings, "--kubeconfig", config, "--listen", f"127.0.0.1:{self.port}", "--identity", name,
                *SHORT_TIMES, *extra]
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

    def moments(self, event, **fields):
        """When its log says this event with these fields, in seconds since 1970, in order."""
        return [datetime.datetime.fromisoformat(entry["time"]).timestamp() for entry in self.logged(event)
                if all(entry.get(name) == value for name, value in fields.items())]

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
