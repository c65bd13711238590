"""usage: python -m world.nodes CONFIG.json

Boots a node for each instance that the stand-in for EC2 shows as running, from its launch template's user data, and is its kubelet:
admits pods, runs them (podrun.py), ends them gracefully, dies with its instance. One process for all nodes.
CONFIG is read again when it changes: boot_s [least, most], memory_less, cloud_provider, unready, attachable (volumes; null: as the type can).
"""
import datetime
import itertools
import json
import os
import pathlib
import queue
import random
import sys
import threading
import time
import urllib.request

from . import machines, podrun, userdata
from .api import STRATEGIC, Api, ApiError

LEASE_S = 40  # a node that has not renewed for this long is not ready
RENEW_S = 15
UNINITIALIZED = {"key": "node.cloudprovider.kubernetes.io/uninitialized", "value": "true", "effect": "NoSchedule"}


def now():
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def log(event, **fields):
    line = json.dumps({"t": round(time.time(), 3), "event": event, **fields}) + "\n"
    os.write(1, line.encode())  # at once: threads write beside each other


class Config:
    def __init__(self, path):
        self.path, self.read_at = pathlib.Path(path), 0
        self.values = {}
        self.refresh()

    def refresh(self):
        changed = self.path.stat().st_mtime_ns
        if changed != self.read_at:
            self.values, self.read_at = json.loads(self.path.read_text()), changed

    def __getitem__(self, name):
        return self.values[name]


class Node:
    def __init__(self, instance):
        self.instance = instance
        self.id = instance["id"]
        self.name = f"{self.id}.ec2.internal"
        self.settings = None
        self.allocatable = {}
        self.labels = {}
        self.joined = False
        self.attachable = None  # volumes; known once the driver is registered
        self.gone = False
        self.renewed, self.doubted = 0, 0  # when its lease was, and how often more to say that it is ready
        self.lock = threading.Lock()
        self.pods = {}  # uid -> podrun.Pod


class Agent:
    def __init__(self, config):
        self.config = config
        self.api = Api(config["api"], config["ca"], config["token"])
        self.types = machines.load()
        self.nodes = {}  # instance id -> Node
        self.by_name = {}
        self.work = queue.PriorityQueue()  # (when, number, function, argument)
        self.numbers = itertools.count()  # no two entries of the queue are alike
        self.chance = random.Random(config["seed"])
        self.pods_seen = {}  # uid -> True once it is run, ended or refused
        self.hosts = podrun.Hosts(pathlib.Path(config["folder"]) / "hosts")

    def later(self, seconds, function, *args):
        self.work.put((time.monotonic() + seconds, next(self.numbers), function, args))

    def worker(self):
        while True:
            due, _, function, args = item = self.work.get()
            delay = due - time.monotonic()
            if delay > 0.05:
                self.work.put(item)
                time.sleep(0.05)
                continue
            try:
                function(*args)
            except OSError:
                self.later(1, function, *args)  # the API server is away: again
            except ApiError as problem:
                log("refused", by=function.__name__, why=str(problem))
            except Exception as problem:  # a mistake of ours ends a step, and not the worker
                log("mistake", by=function.__name__, why=repr(problem))

    # Instances

    def instances(self):
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        while True:
            try:
                self.config.refresh()
                with opener.open(self.config["ec2"] + "/world/instances", timeout=20) as answer:
                    self.look(json.load(answer))
            except (OSError, ValueError):
                pass
            time.sleep(0.5)

    def look(self, instances):
        instances += [{"id": known, "state": "terminated"} for known in set(self.nodes) - {i["id"] for i in instances}]
        for instance in instances:
            known = self.nodes.get(instance["id"])
            if instance["state"] == "running" and known is None:
                node = self.nodes[instance["id"]] = Node(instance)
                low, high = self.config["boot_s"]
                self.later(self.chance.uniform(low, high), self.join, node)
            elif known and instance["state"] in ("shutting-down", "terminated") and not known.gone:
                known.gone = True
                log("instance-gone", node=known.name, state=instance["state"])
                for pod in list(known.pods.values()):
                    pod.kill()

    def join(self, node):
        if node.gone:
            return
        try:
            settings = node.settings = userdata.read(node.instance["user_data"])
            if settings.cluster != self.config["cluster"]:
                raise ValueError(f"user data is for cluster {settings.cluster!r}")
        except Exception as problem:  # whatever is wrong with it, this machine never joins
            log("no-boot", node=node.name, why=repr(problem))
            return
        row = self.types[node.instance["type"]]
        capacity, node.allocatable = machines.shape(row, settings, self.config["memory_less"])
        node.labels = {"kubernetes.io/hostname": node.name, "kubernetes.io/os": "linux", "kubernetes.io/arch": row["arch"],
                       "beta.kubernetes.io/arch": row["arch"], "beta.kubernetes.io/os": "linux", **settings.labels}
        placed = {"node.kubernetes.io/instance-type": node.instance["type"], "topology.kubernetes.io/zone": node.instance["zone"],
                  "topology.kubernetes.io/region": node.instance["zone"][:-1]}
        taints = list(settings.taints)
        if self.config["cloud_provider"]:
            taints.append(UNINITIALIZED)
        else:
            node.labels.update(placed)
        status = {"capacity": capacity, "allocatable": node.allocatable, "conditions": conditions("False", "KubeletNotReady"),
                  "addresses": [{"type": "InternalIP", "address": node.instance["ip"]}, {"type": "Hostname", "address": node.name}],
                  "nodeInfo": {"architecture": row["arch"], "operatingSystem": "linux", "kubeletVersion": "v1.34.4", "bootID": "", "machineID": "",
                               "systemUUID": "", "kernelVersion": "6.12.0-aws", "osImage": "AL2023", "containerRuntimeVersion": "containerd://2.0",
                               "kubeProxyVersion": ""}}
        body = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": node.name, "labels": node.labels}, "status": status,
                "spec": {"providerID": f"aws:///{node.instance['zone']}/{node.id}", "taints": taints}}
        self.make("/api/v1/nodes", body)
        self.by_name[node.name] = node
        node.joined = True
        log("joined", node=node.name, type=node.instance["type"], zone=node.instance["zone"], labels=settings.labels, taints=settings.taints)
        if self.config["cloud_provider"]:
            self.later(0.5, self.initialize, node, placed)
        if not self.config["unready"]:
            self.later(1, self.ready, node)
            self.later(2, self.register_driver, node)

    def register_driver(self, node):
        """The pod of the EBS driver has started, and the kubelet says what it can attach."""
        if node.gone:
            return
        count = machines.attachable(self.types[node.instance["type"]]) if self.config["attachable"] is None else self.config["attachable"]
        owner = {"apiVersion": "v1", "kind": "Node", "name": node.name, "uid": self.api.get(f"/api/v1/nodes/{node.name}")["metadata"]["uid"]}
        driver = {"name": "ebs.csi.aws.com", "nodeID": node.id, "topologyKeys": ["topology.ebs.csi.aws.com/zone"],
                  "allocatable": {"count": count}}
        self.make("/apis/storage.k8s.io/v1/csinodes", {"apiVersion": "storage.k8s.io/v1", "kind": "CSINode", "spec": {"drivers": [driver]},
                                                       "metadata": {"name": node.name, "ownerReferences": [owner]}})
        node.attachable = count

    def make(self, path, body):
        """Also where it has been made, and the answer was lost."""
        try:
            self.api.post(path, body)
        except ApiError as problem:
            if problem.code != 409:
                raise

    def initialize(self, node, placed):
        """What the cloud controller manager does: zone and type labels, and its taint off."""
        for _ in range(20):
            seen = self.api.get(f"/api/v1/nodes/{node.name}")
            taints = [t for t in seen["spec"].get("taints") or [] if t["key"] != UNINITIALIZED["key"]]
            try:
                self.api.patch(f"/api/v1/nodes/{node.name}", {"metadata": {"labels": placed, "resourceVersion": seen["metadata"]["resourceVersion"]},
                                                             "spec": {"taints": taints}})
                node.labels.update(placed)
                return
            except ApiError as problem:
                if problem.code != 409:
                    raise

    def ready(self, node):
        if node.gone:
            return
        self.renew(node, create=True)
        self.say_ready(node)
        log("ready", node=node.name)
        self.later(RENEW_S, self.renew, node)

    def say_ready(self, node):
        self.api.patch(f"/api/v1/nodes/{node.name}/status", {"status": {"conditions": conditions("True", "KubeletReady")}}, STRATEGIC)

    def renew(self, node, create=False):
        if node.gone:
            return
        spec = {"holderIdentity": node.name, "leaseDurationSeconds": LEASE_S,
                "renewTime": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")}
        leases = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases"
        if create:
            self.make(leases, {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": node.name}, "spec": spec})
            node.renewed = time.monotonic()
            return
        self.api.patch(f"{leases}/{node.name}", {"spec": spec})
        # A kubelet says that it is ready whenever the API server has it otherwise: so it may be for a while after it was away.
        if time.monotonic() - node.renewed > 2 * RENEW_S:
            node.doubted = 6
        if node.doubted:
            node.doubted -= 1
            self.say_ready(node)
        node.renewed = time.monotonic()
        self.later(RENEW_S, self.renew, node)

    # Pods

    def pods(self):
        for kind, thing in self.api.watch("/api/v1/pods"):
            if kind == "LIST":
                alive = {p["metadata"]["uid"] for p in thing}
                for node in list(self.nodes.values()):
                    for uid, pod in list(node.pods.items()):
                        if uid not in alive:
                            pod.kill()
                for pod in thing:
                    self.pod("ADDED", pod)
            else:
                self.pod(kind, thing)

    def pod(self, kind, pod):
        node = self.by_name.get(pod["spec"].get("nodeName"))
        if node is None or node.gone:
            return
        uid = pod["metadata"]["uid"]
        running = node.pods.get(uid)
        if kind == "DELETED":
            if running:
                running.kill()
                node.pods.pop(uid, None)
        elif pod["metadata"].get("deletionTimestamp"):
            if (uid, "end") not in self.pods_seen:
                self.pods_seen[uid, "end"] = True
                self.end(node, pod, running)
        elif pod["status"].get("phase", "Pending") == "Pending" and uid not in self.pods_seen:
            self.pods_seen[uid] = True
            self.admit(node, pod)
        elif pod["status"].get("phase") in ("Succeeded", "Failed"):
            node.pods.pop(uid, None)

    def hangs(self, node, pod):
        """Its volumes cannot be mounted yet, or, where there is one too many for the node, ever."""
        volumes = podrun.claims(pod)
        if volumes and node.attachable is None:
            self.later(0.5, self.admit, node, pod)
            return True
        attached = volumes.union(*(podrun.claims(other.pod) for other in node.pods.values()))
        if volumes and len(attached) > node.attachable:
            log("cannot-attach", pod=pod["metadata"]["name"], node=node.name, volumes=sorted(attached), most=node.attachable)
            return True
        return False

    def admit(self, node, pod):
        if node.gone or self.hangs(node, pod):
            return
        with node.lock:
            why = podrun.refusal(node, pod)
            if not why:
                node.pods[pod["metadata"]["uid"]] = running = podrun.Pod(self, node, pod)
        if why:
            log("refused-pod", pod=pod["metadata"]["name"], node=node.name, why=why)
            self.later(0, self.set_status, pod, {"phase": "Failed", "reason": why[0], "message": why[1], "startTime": now()})
        elif running.is_process:
            threading.Thread(target=running.run, daemon=True).start()
        else:
            self.later(0, running.pretend)

    def end(self, node, pod, running):
        if running and running.is_process:
            threading.Thread(target=running.end, args=(pod,), daemon=True).start()
        else:
            node.pods.pop(pod["metadata"]["uid"], None)
            self.later(0, self.remove, pod)

    def set_status(self, pod, status):
        path = f"/api/v1/namespaces/{pod['metadata']['namespace']}/pods/{pod['metadata']['name']}/status"
        self.api.patch(path, {"metadata": {"uid": pod["metadata"]["uid"]}, "status": status}, STRATEGIC)

    def remove(self, pod):
        """The kubelet's last word on a deleted pod."""
        try:
            self.api.delete(f"/api/v1/namespaces/{pod['metadata']['namespace']}/pods/{pod['metadata']['name']}",
                            {"apiVersion": "v1", "kind": "DeleteOptions", "gracePeriodSeconds": 0, "preconditions": {"uid": pod["metadata"]["uid"]}})
        except ApiError as problem:
            if problem.code not in (404, 409):
                raise


def conditions(ready, reason):
    made = [("Ready", ready, reason)] + [(kind, "False", "Kubelet") for kind in ("MemoryPressure", "DiskPressure", "PIDPressure")]
    return [{"type": kind, "status": status, "reason": why, "message": why, "lastHeartbeatTime": now(), "lastTransitionTime": now()}
            for kind, status, why in made]


def main():
    agent = Agent(Config(sys.argv[1]))
    os.makedirs(agent.config["folder"], exist_ok=True)
    for target, count in ((agent.worker, 6), (agent.instances, 1)):
        for _ in range(count):
            threading.Thread(target=target, daemon=True).start()
    agent.hosts.start(agent.api)
    agent.pods()


if __name__ == "__main__":
    main()
