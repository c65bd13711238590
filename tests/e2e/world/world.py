"""One world: control plane, AWS, nodes, proxies, a controller; made fresh for a case and torn down after it."""
import json
import pathlib
import random
import shutil
import threading

from . import controller, manifests, spark, volumes
from .aws import Aws
from .controlplane import NODES_TOKEN, ControlPlane
from .faults import Proxies, Proxy
from .parts import PYTHON, ROOT, Failed, Part, free_port, wait, without_proxies


class World:
    def __init__(self, folder, cluster="e2e", region="us-east-1", boot_s=(2, 4), cloud_provider=True, seed=1):
        self.folder = pathlib.Path(folder)
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        self.cluster = cluster
        self.plane = ControlPlane(self.folder)
        self.aws = Aws(self.folder, region, cluster)
        self.proxies = Proxies()
        pki = self.plane.pki
        self.kube_proxy = Proxy("kube", free_port(), self.plane.port, (pki / "apiserver.crt", pki / "apiserver.key", pki / "ca.crt"))
        self.aws_proxy = Proxy("aws", free_port(), self.aws.port)
        self.node_settings = {
            "api": self.plane.url, "ca": str(self.plane.ca_file), "token": NODES_TOKEN, "ec2": self.aws.url, "cluster": cluster,
            "folder": str(self.folder / "pods"), "boot_s": boot_s, "memory_less": 0, "cloud_provider": cloud_provider, "unready": False,
            "attachable": None,
            "octet": random.randint(10, 250), "seed": seed}
        self.nodes = Part("nodes", [PYTHON, "-m", "world.nodes", self.folder / "nodes.json"], self.folder, cwd=ROOT / "tests/e2e",
                          env=without_proxies())
        self.controllers = []
        self.settings = ""  # the chart's ConfigMap
        self.killed_on_purpose = False
        self.stopped = threading.Event()

    def start(self):
        (self.folder / "pods").mkdir()
        self.configure_nodes()
        self.aws.part.start()  # while etcd and the API server start
        self.plane.start()
        self.aws.start_queue()
        self.proxies.start(self.kube_proxy)
        self.proxies.start(self.aws_proxy)
        self.nodes.start()
        self.plane.apply(*spark.access())
        return self

    def configure_nodes(self, **settings):
        self.node_settings.update(settings)
        fresh = self.folder / "nodes.json.new"
        fresh.write_text(json.dumps(self.node_settings))
        fresh.rename(self.folder / "nodes.json")

    def install(self, **settings):
        self.settings = controller.install(self.plane, self.aws, self.cluster, **settings)

    def run_controller(self, name="stoker", extra=(), direct=False, ready=True):
        made = controller.Controller(self, name, extra, direct)
        self.controllers.append(made)
        return made.start(ready)

    def stop(self):
        self.stopped.set()
        for part in [c.part for c in self.controllers] + [self.nodes, self.aws.part]:
            if part.process:
                part.stop(5)
        self.plane.stop()
        self.proxies.stop()

    # Looking

    def restart_leaders(self):
        """What the Deployment does: a replica that ended because it lost its lease is started again. Any other end is a fault."""
        for one in self.controllers:
            if one.part.process and not one.part.alive() and one.part.process.returncode == 1 and one.logged("lease-lost"):
                one.part.start()

    def wait(self, what, condition, timeout_s=60, every_s=0.3):
        def checked():
            if not self.killed_on_purpose:
                self.restart_leaders()
            for name, part in self.living_parts():
                if not part.alive():
                    raise Failed(f"{name} ended with {part.process.returncode} while waiting for {what}: {part.tail()}")
            return condition()
        return wait(what, checked, timeout_s, every_s)

    def living_parts(self):
        yield "nodes", self.nodes
        yield "aws", self.aws.part
        if not self.killed_on_purpose:
            for one in self.controllers:
                yield one.name, one.part

    def list(self, resource, **selector):
        paths = {"pods": "/api/v1/pods", "nodes": "/api/v1/nodes", "claims": "/apis/stoker.sh/v1alpha1/nodeclaims",
                 "provisioners": "/apis/stoker.sh/v1alpha1/provisioners", "events": "/api/v1/events"}
        query = ",".join(f"{k.replace('__', '/')}={v}" for k, v in selector.items())
        return self.plane.admin.items(paths[resource] + (f"?labelSelector={query}" if query else ""))

    def pods(self, prefix=""):
        return [p for p in self.list("pods") if p["metadata"]["name"].startswith(prefix)]

    def events(self, reason=None, name=None):
        """Of the namespace default and of pods' own: those with this reason, about this object."""
        return [e for e in self.list("events") if (reason is None or e.get("reason") == reason)
                and (name is None or e["involvedObject"]["name"] == name)]

    def all_running(self, count, prefix=""):
        """As many pods as that, each on a node that there is."""
        pods, nodes = self.pods(prefix), {n["metadata"]["name"] for n in self.list("nodes")}
        return len(pods) == count and all(p["status"].get("phase") == "Running" and p["spec"]["nodeName"] in nodes
                                          and not p["metadata"].get("deletionTimestamp") for p in pods)

    def empty(self):
        """Everything was given back: no claim, no node, no instance."""
        return not self.list("claims") and not self.list("nodes") and not self.aws.instances("pending", "running", "shutting-down")

    def node_events(self, event=None):
        lines = [json.loads(line) for line in self.nodes.text().splitlines(True) if line.startswith("{") and line.endswith("\n")]
        return [line for line in lines if event is None or line["event"] == event]

    def provision(self, *documents):
        """Applies Provisioners and templates, and waits until the controller has said that they are good."""
        self.plane.apply(*(documents or (manifests.template(), manifests.provisioner())))

    def provide_volumes(self):
        """Starts what a CSI driver's provisioner does."""
        threading.Thread(target=volumes.provide, args=(self.plane.admin, self.stopped), daemon=True).start()

    def kill_pods(self, prefix=""):
        for pod in self.pods(prefix):
            path = f"/api/v1/namespaces/{pod['metadata']['namespace']}/pods/{pod['metadata']['name']}"
            self.plane.admin.delete(path, {"apiVersion": "v1", "kind": "DeleteOptions", "gracePeriodSeconds": 0})

