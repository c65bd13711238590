"""Many pods at once, and what it took to get them their nodes: the figures of `make e2e-bench`."""
import json
import subprocess
import sys
import threading
import time

from . import manifests
from .aws import KEY_ID
from .controlplane import ADMIN_TOKEN, audit_time
from .api import Api
from .manifests import CAPACITY, need
from .parts import ROOT

CONTROLLER = "system:serviceaccount:stoker:"
WRITES = ("create", "update", "patch", "delete")
MAKERS = 4  # threads that make pods


def uniform(count, cpu_m, vcpu, per_node):
    """Equal pods, of which `per_node` fit a machine of `vcpu`."""
    pods = [manifests.pod(f"pod-{n:05d}", cpu=f"{cpu_m}m", memory="4Gi", namespace="default") for n in range(count)]
    rule = need("karpenter.k8s.aws/instance-cpu", str(vcpu))
    return "uniform", pods, manifests.provisioner(requirements=[need(CAPACITY, "spot", "on-demand"), need("kubernetes.io/arch", "amd64"), rule,
                                                       need(manifests.CATEGORY, "c", "m", "r")], ttl=None)


def workload(name, folder, world_region="us-east-1"):
    """One of bench/workloads.py, as objects that can be created; the seeds' zone is taken over into this region."""
    subprocess.run([sys.executable, str(ROOT / "bench/workloads.py"), name, str(folder)], check=True, stdout=subprocess.DEVNULL)
    pods = json.loads((folder / "pods.json").read_text())["items"]
    for pod in pods:
        pod.pop("status", None)
        for field in ("uid", "ownerReferences"):  # the owner would have to exist
            pod["metadata"].pop(field, None)
    text = (folder / "provisioner.json").read_text().replace("us-west-2", world_region)
    provisioner = json.loads(text)
    provisioner = provisioner["items"][0] if "items" in provisioner else provisioner
    provisioner["apiVersion"] = manifests.API
    provisioner["spec"].pop("ttlSecondsAfterEmpty", None)
    return name, pods, provisioner


def create_pods(world, pods):
    """Returns when the last one is made, and how long that took."""
    began = time.time()
    left = list(reversed(pods))
    lock = threading.Lock()

    def make():
        api = Api(world.plane.url, world.plane.ca_file, ADMIN_TOKEN)
        while True:
            with lock:
                if not left:
                    return
                pod = left.pop()
            api.post(f"/api/v1/namespaces/{pod['metadata']['namespace']}/pods", pod)
    threads = [threading.Thread(target=make) for _ in range(MAKERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return time.time(), time.time() - began


def controller_calls(world, since=0.0):
    """[(verb, resource/subresource)] of the controller since a time."""
    calls = []
    for entry in world.plane.audit():
        if entry["user"]["username"].startswith(CONTROLLER):
            ref = entry.get("objectRef", {})
            if audit_time(entry) >= since and ref.get("resource") != "leases":
                calls.append((entry["verb"], ref.get("resource", "-") + ("/" + ref["subresource"] if ref.get("subresource") else "")))
    return calls


def planned_slots(world):
    """uid of a pod -> name of the claim that keeps room for it."""
    return {slot["uid"]: claim["metadata"]["name"] for claim in world.list("claims") for slot in claim["spec"].get("slots", [])}


def settle(world, count, timeout_s):
    """Waits until all pods are bound; what was planned when the last launch was answered."""
    slots = {}

    def all_bound():
        slots.update({uid: claim for uid, claim in planned_slots(world).items() if uid not in slots})
        pods = world.list("pods")
        return sum(bool(p["spec"].get("nodeName")) for p in pods) >= count
    world.wait("all pods are bound", all_bound, timeout_s, 2)
    return slots


def measure(world, load, idle_s=0, extra=()):
    """Runs a load to the last bound pod and returns its figures by name. `extra`: of the controller's command line."""
    name, pods, provisioner = load
    for namespace in {p["metadata"]["namespace"] for p in pods} - {"default", "spark"}:
        world.plane.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
    world.plane.apply(manifests.template(provisioner["spec"]["providerRef"]["name"]), provisioner)
    stoker = world.run_controller(direct=True, extra=extra)
    made, making_s = create_pods(world, pods)
    slots = settle(world, len(pods), 400)
    launches = [one for one in world.aws.launches() if not one["repeat"]]
    launched = [one["t"] for one in launches if one["instances"]]
    claims = {c["metadata"]["name"]: c for c in world.list("claims")}
    nodes = {c["status"].get("nodeName") for c in claims.values()} - {None}
    bound = {p["metadata"]["uid"]: p["spec"].get("nodeName") for p in world.list("pods")}
    ready = [e["t"] for e in world.node_events("ready")]
    last_bound = time.time()
    binds = list(bind_times(world))
    plans = [plan["new_nodes"] for plan in stoker.logged("plan") if plan["new_nodes"]]
    rss, cpu = stoker.part.usage()
    calls = controller_calls(world)
    writes = [(verb, what) for verb, what in calls if verb in WRITES]
    of_pods = sum(what.startswith("pods") for _, what in writes)
    of_events = sum(what.startswith("events") for _, what in writes)
    kept = [uid for uid, claim in slots.items() if uid in bound]
    right = sum(bound[uid] == claims.get(slots[uid], {}).get("status", {}).get("nodeName") for uid in kept)
    price = sum(i["price"] or 0 for i in world.aws.living())
    result = {
        "load": name, "pods": len(pods), "nodes": len(nodes), "planned": plans[0],
        "launched": sum(len(one["instances"]) for one in launches), "rounds": len(plans), "usd_per_hour": price, "making_s": making_s,
        "first_launched_s": min(launched) - made, "all_launched_s": max(launched) - made,
        "bound_after_ready_s": (max(binds) if binds else last_bound) - max(ready), "all_bound_s": (max(binds) if binds else last_bound) - made,
        "as_planned": right / len(pods), "rss_mib": rss, "cpu_s": cpu, "api_calls": len(calls),
        "writes_per_pod": (of_pods + of_events) / len(pods), "writes_per_node": (len(writes) - of_pods - of_events) / max(1, len(nodes)),
        "by_verb": tally(calls)}
    if idle_s:
        result.update(idle(world, stoker, idle_s))
    return result


def bind_times(world):
    """When the API server took each binding, ours or kube-scheduler's."""
    for entry in world.plane.audit():
        ref = entry.get("objectRef", {})
        if ref.get("subresource") == "binding" and entry.get("responseStatus", {}).get("code") == 201:
            yield audit_time(entry)


def tally(calls):
    counts = {}
    for verb, what in calls:
        counts[f"{verb} {what}"] = counts.get(f"{verb} {what}", 0) + 1
    return dict(sorted(counts.items(), key=lambda item: -item[1]))


def idle(world, stoker, seconds):
    """What it asks and costs while nothing changes."""
    time.sleep(5)
    since, before = time.time(), stoker.part.usage()[1]
    time.sleep(seconds)
    spent = stoker.part.usage()[1] - before
    kube = [verb for verb, _ in controller_calls(world, since)]
    aws = [c for c in world.aws.calls() if c["t"] >= since and c["key"] == KEY_ID and not c["agent"].startswith("aws-cli")]
    return {"idle_kube_per_min": len(kube) * 60 / seconds, "idle_aws_per_min": len(aws) * 60 / seconds, "idle_cores": spent / seconds,
            "idle_lists": kube.count("list")}
