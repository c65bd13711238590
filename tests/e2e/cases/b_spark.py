"""Spark jobs, submitted as users submit them, from no node to no node."""
import re
import time

from world import manifests, spark
from world.controlplane import audit_time
from world.load import CONTROLLER
from world.manifests import CAPACITY, TYPE, ZONE, need
from world.parts import PATIENCE_S
from world.spark import Job

from . import case, check

FOUR_CPU = ("m5.xlarge", "m5a.xlarge", "m6i.xlarge", "r5.xlarge", "r6i.xlarge")
ONE_EXECUTOR_A_NODE = {"spark.kubernetes.executor.request.cores": "3"}  # of 4


def capacity_type_of(world, pod):
    node = next((n for n in world.list("nodes") if n["metadata"]["name"] == pod["spec"].get("nodeName")), None)
    return node and node["metadata"]["labels"].get(CAPACITY)


def claim_of(world, node_name):
    return next(c for c in world.list("claims") if c.get("status", {}).get("nodeName") == node_name)


def running_executors(world, job, count):
    def found():
        pods = [p for p in job.pods("executor") if p["status"].get("phase") == "Running" and not p["metadata"].get("deletionTimestamp")]
        return pods if len(pods) >= count else None
    return world.wait(f"{count} executors run", found, 120)


def check_roles(world, job, count=2):
    """Driver on On-Demand, executors on spot, as labels and instances say."""
    executors = running_executors(world, job, count)
    check(capacity_type_of(world, job.driver()) == "on-demand", "the driver is on On-Demand")
    check(all(capacity_type_of(world, p) == "spot" for p in executors), "the executors are on spot")
    lifecycle = {i["id"]: i["capacity_type"] for i in world.aws.living()}
    for pod, wanted in [(job.driver(), "on-demand")] + [(p, "spot") for p in executors]:
        instance = claim_of(world, pod["spec"]["nodeName"])["status"]["instanceID"]
        check(lifecycle[instance] == wanted, f"EC2 says so too of {instance}")
    return executors


def given_back(world, ttl, timeout_s=90):
    """Every node goes, `ttl` seconds after its last pod ended and no sooner; a slot that nobody takes is kept for 60 s."""
    ends = {}
    for pod in world.list("pods"):
        for status in pod["status"].get("containerStatuses", []):
            at = status.get("state", {}).get("terminated", {}).get("finishedAt")
            if at and pod["spec"].get("nodeName"):
                ends[pod["spec"]["nodeName"]] = max(at, ends.get(pod["spec"]["nodeName"], ""))
    nodes = {c["status"]["nodeName"]: c["status"]["instanceID"] for c in world.list("claims") if c.get("status", {}).get("nodeName")}
    world.wait("everything was given back", world.empty, ttl + timeout_s)
    ended = {i["id"]: i["ended"] for i in world.aws.instances()}
    for node, instance in nodes.items():
        if node in ends:
            last = time.mktime(time.strptime(ends[node], "%Y-%m-%dT%H:%M:%SZ")) - time.timezone
            check(ended[instance] >= last + ttl - 1, f"{node} was not taken before its {ttl} s were over: {ended[instance] - last:.1f} s")


@case()
def spark_two_provisioners(world):
    """The seeds' job: driver On-Demand, executors spot, a node lost to a spot notice, the right result, all nodes given back."""
    types = need(TYPE, *FOUR_CPU)
    documents = manifests.drivers_and_executors(ttl=10)
    documents[1]["spec"]["requirements"].append(types)
    world.provision(manifests.template(), *documents)
    stoker = world.run_controller()
    job = Job(world, "two", args=("8", "6"), conf={**spark.templates(world), **ONE_EXECUTOR_A_NODE, **spark.DECOMMISSION}).submit()
    executors = check_roles(world, job)
    world.wait("the shuffle's files are on the executors", lambda: re.search(r"^keys \d+$", job.output(), re.M), 120)
    check(len({p["spec"]["nodeName"] for p in executors}) == 2, "each executor has a node of its own")
    lose_a_node(world, stoker, job, executors[0])
    job.gives_sum(8)
    given_back(world, 10)


def patched(world, resource, name, since):
    """When the controller changed this object, by the API server's log."""
    def is_it(entry):
        ref = entry.get("objectRef", {})
        return entry["verb"] == "patch" and ref.get("resource") == resource and ref.get("name") == name and entry["user"]["username"].startswith(CONTROLLER)
    return [audit_time(e) for e in world.plane.audit() if is_it(e) and audit_time(e) > since - 0.05]


def lose_a_node(world, stoker, job, pod):
    """Sends a spot notice for the pod's node: closed and replaced at once, its pool left alone, the message gone only then."""
    name = pod["spec"]["nodeName"]
    claim = claim_of(world, name)
    instance = claim["status"]["instanceID"]
    before = len(world.aws.launches())
    sent = time.time()
    world.aws.send(world.aws.spot_notice(instance))

    def is_closed():
        node = next((n for n in world.list("nodes") if n["metadata"]["name"] == name), None)
        return node is None or node["spec"].get("unschedulable")
    world.wait("the node is closed", is_closed, 30)
    noticed = stoker.moments("notice", instance=instance)[0]
    closed = world.wait("the API server has written it down", lambda: patched(world, "nodes", name, noticed))[0]
    check(closed - sent < PATIENCE_S, f"the node is closed within a second: read after {noticed - sent:.2f} s, closed after {closed - sent:.2f} s")
    launches = world.wait("the replacement is launched", lambda: [one for one in world.aws.launches()[before:] if one["instances"]], 30)
    asked = launches[0]["t"] - sent
    check(asked < 2 * PATIENCE_S, f"the replacement is asked for within two: {asked:.2f} s")
    lost = [claim["status"]["instanceType"], claim["status"]["zone"]]
    check(all(pool[:2] != lost for pool in launches[0]["overrides"]), f"not from the pool that is being taken back: {lost}")
    world.wait("the pod has left", lambda: all(p["metadata"]["uid"] != pod["metadata"]["uid"] or p["status"]["phase"] != "Running"
                                                for p in job.pods("executor")), 130)
    world.wait("the message is deleted", lambda: world.aws.queue_length() == 0, 40, 1)
    check(stoker.metric("stoker_interruptions_total") >= 1, "the notice is counted")


@case()
def spark_one_provisioner(world):
    """Where nothing says so: the driver goes to On-Demand and the executors to spot, by one Provisioner that allows both. Spark 4.0."""
    world.provision()
    world.run_controller()
    job = Job(world, "one", version="4.0", args=("4", "4")).submit()
    check_roles(world, job)
    job.gives_sum(4)
    check(len(world.aws.launches()) <= 3, "a job of three pods needs two launches, or three")
    given_back(world, 10)


@case()
def spark_dynamic_allocation(world):
    """Executors that come and go with the work: nodes follow both ways."""
    documents = manifests.drivers_and_executors(ttl=5)
    documents[1]["spec"]["requirements"].append(need(TYPE, *FOUR_CPU))
    world.provision(manifests.template(), *documents)
    world.run_controller()
    job = Job(world, "dynamic", args=("12", "5"), conf={
        **spark.templates(world), **ONE_EXECUTOR_A_NODE, "spark.dynamicAllocation.enabled": "true",
        "spark.dynamicAllocation.shuffleTracking.enabled": "true", "spark.dynamicAllocation.minExecutors": "1",
        "spark.dynamicAllocation.maxExecutors": "3", "spark.executor.instances": "1"}).submit()
    running_executors(world, job, 2)
    job.gives_sum(12)
    given_back(world, 5)


@case()
def spark_volumes(world):
    """Executors with volumes of their own: node and volume in one zone."""
    world.provision(manifests.template(), *manifests.drivers_and_executors())
    world.plane.apply(manifests.storage_class())
    world.provide_volumes()
    world.run_controller()
    prefix = "spark.kubernetes.executor.volumes.persistentVolumeClaim.data."
    job = Job(world, "volumes", args=("4", "4"), conf={
        **spark.templates(world), prefix + "mount.path": "/data", prefix + "options.claimName": "OnDemand",
        prefix + "options.storageClass": "zonal", prefix + "options.sizeLimit": "1Gi"}).submit()
    executors = running_executors(world, job, 2)
    volumes = {v["spec"]["claimRef"]["name"]: v for v in world.plane.admin.items("/api/v1/persistentvolumes")}
    zones = {n["metadata"]["name"]: n["metadata"]["labels"][ZONE] for n in world.list("nodes")}
    for pod in executors:
        name = next(v["persistentVolumeClaim"]["claimName"] for v in pod["spec"]["volumes"] if "persistentVolumeClaim" in v)
        terms = volumes[name]["spec"]["nodeAffinity"]["required"]["nodeSelectorTerms"]
        check(terms[0]["matchExpressions"][0]["values"] == [zones[pod["spec"]["nodeName"]]], "the pod runs where its volume is")
    job.gives_sum(4)
    given_back(world, 10)
