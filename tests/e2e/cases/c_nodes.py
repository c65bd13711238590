"""Nodes and the pods that do, or do not, get one."""
import json
import subprocess
import time

from world import manifests
from world.aws import KEY_ID
from world.controller import BINARY
from world.manifests import CAPACITY, TYPE, deployment, need, pod, provisioner, template
from world.parts import PATIENCE_S, quiet
from world.spark import Job

from . import case, check
from .b_spark import given_back


@case()
def gpu_stays_pending(world):
    """Executors that ask for a GPU that no Provisioner offers wait, and an event on each says why; their driver and others are served."""
    world.provision()
    world.run_controller()
    gpu = "spark.executor.resource.gpu."
    job = Job(world, "gpu", conf={gpu + "amount": "1", gpu + "vendor": "nvidia.com", gpu + "discoveryScript": "/nowhere"}).submit()
    world.wait("its executors are there", lambda: len(job.pods("executor")) == 2, 120)
    world.plane.apply(pod("plain"))
    world.wait("another pod runs", lambda: world.all_running(1, "plain"))

    def said(name):
        return [e for e in world.events(name=name) if "nvidia.com/gpu" in e["message"] and e.get("source", {}).get("component", "") + e.get(
            "reportingComponent", "") != "default-scheduler"]
    for executor in job.pods("executor"):
        name = executor["metadata"]["name"]
        found = world.wait(f"an event on {name} names the resource", lambda: said(name), 20)
        check(found[0]["type"] == "Warning", "as a warning")
    quiet(3)
    check(not any(p["spec"].get("nodeName") for p in job.pods("executor")), "they wait")
    check(job.phase() == "Running", "their driver runs")
    nodes = {p["spec"]["nodeName"] for p in [job.driver(), *world.pods("plain")]}
    check(len(world.aws.instances()) == len(nodes), "nothing was launched for them")


@case()
def plan_tells(world):
    """`stoker plan` on what kubectl shows tells which nodes the controller will launch, and what they cost."""
    world.plane.apply(manifests.daemon_set("agent", cpu="100m"))
    world.provision(template(), provisioner(requirements=[need(CAPACITY, "spot"), need(manifests.CATEGORY, "c", "m", "r")]))
    world.plane.apply(deployment("small", 7, cpu="1300m", memory="3Gi"), deployment("large", 3, cpu="5", memory="30Gi"))
    world.wait("all pods are there", lambda: len(world.pods("small") + world.pods("large")) == 10)
    shown = world.plane.kubectl("get", "pods,nodes,daemonsets,provisioners.stoker.sh,nodetemplates", "-A", "-o", "yaml")
    done = subprocess.run([BINARY, "plan", "-f", "-", "--region", world.aws.region, "-o", "json"], input=shown, capture_output=True, text=True)
    check(done.returncode == 0, f"it can be planned: {done.stderr.strip()[-500:]}")
    told = json.loads(done.stdout)
    stoker = world.run_controller()
    world.wait("all run", lambda: world.all_running(10, ("small", "large")), 120)
    plans = [plan for plan in stoker.logged("plan") if plan["new_nodes"]]
    check(len(plans) == 1 and plans[0]["new_nodes"] == len(told["nodes"]), f"{len(told['nodes'])} nodes: {plans}")
    price = sum(node["usdPerHour"] for node in told["nodes"])
    check(abs(plans[0]["usd_per_hour"] - price) < 0.0001, f"{price:.4f} $/h: {plans}")

    def kinds(names):  # pods of a Deployment are as good as each other
        return sorted(name.split("-")[0] for name in names)
    claims = sorted(kinds(slot["name"] for slot in c["spec"]["slots"]) for c in world.list("claims"))
    wanted = sorted(kinds(name.split("/")[1] for name in node["pods"]) for node in told["nodes"])
    check(claims == wanted, f"the same pods beside each other: {claims}, and not {wanted}")


@case()
def daemon_sets(world):
    """DaemonSets without tolerations have a pod on each new node, and its room was planned."""
    world.plane.apply(manifests.daemon_set("agent", cpu="500m", memory="512Mi"))
    world.provision()
    world.run_controller()
    world.plane.apply(deployment("work", 6, cpu="1500m", memory="2Gi"))
    world.wait("all run", lambda: world.all_running(6, "work"), 90)
    nodes = {n["metadata"]["name"] for n in world.list("nodes")}
    world.wait("an agent runs on each node", lambda: {p["spec"]["nodeName"] for p in world.pods("agent")
                                                     if p["status"]["phase"] == "Running"} == nodes)
    world.wait("the nodes are open in the end", lambda: not any(
        n["spec"].get("unschedulable") or any(t["key"].startswith("stoker.sh") for t in n["spec"].get("taints", []))
        for n in world.list("nodes")), 10)
    world.plane.kubectl("delete", "deployment", "work")
    given_back(world, 10)


@case()
def allocatable_smaller(world):
    """Nodes come with less memory than the catalogue says: no pod is bound where it does not fit, all run in the end."""
    world.configure_nodes(memory_less=2 << 30)
    world.provision(template(), provisioner(requirements=[need(CAPACITY, "spot"), need(TYPE, "m5.large", "m5.xlarge")]))
    world.run_controller()
    world.plane.apply(*(pod(f"big-{n}", cpu="500m", memory="6500Mi") for n in range(2)))
    world.wait("a node has joined", lambda: world.node_events("ready"))
    quiet(5)
    world.configure_nodes(memory_less=0)
    world.wait("all run", lambda: world.all_running(2, "big"), 120)
    check(not world.node_events("refused-pod"), "no kubelet had to refuse a pod")


@case()
def attach_limits(world):
    """Nodes can attach fewer volumes than was planned: the third goes to another; a pod that shares a volume does not count."""
    world.configure_nodes(attachable=2)
    world.provision(template(), provisioner(requirements=[need(CAPACITY, "on-demand"), need(TYPE, "m5.2xlarge")]))
    names = ("a", "b", "c")
    for name in names:
        world.plane.apply(*manifests.bound_volume(name, "us-east-1a"))
    claims = "/api/v1/persistentvolumeclaims"
    world.wait("the claims are bound", lambda: all(c["status"].get("phase") == "Bound" for c in world.plane.admin.items(claims)))
    world.run_controller()
    world.plane.apply(*(manifests.with_volume(f"one-{name}", name) for name in names), manifests.with_volume("twin-a", "a"))
    world.wait("all run", lambda: world.all_running(3, "one") and world.all_running(1, "twin"), 120)
    check(len(world.aws.launches()[0]["instances"]) == 1, "one node was planned for all")
    volumes = {}
    for one in world.pods("one") + world.pods("twin"):
        volumes.setdefault(one["spec"]["nodeName"], set()).add(one["spec"]["volumes"][0]["persistentVolumeClaim"]["claimName"])
    check(sorted(map(len, volumes.values())) == [1, 2], f"a second one was had for what the first could not attach: {volumes}")
    said = [e["message"] for e in world.events("PlacedAnew")]
    check(any("the node can attach 2" in message for message in said), f"an event says why: {said}")


@case()
def out_of_capacity(world):
    """No spot capacity for any type: planned around at once, on On-Demand, and left alone for a while. Then a quota ends that too."""
    types = ("m5.xlarge", "m5a.xlarge", "c5.xlarge", "r5.xlarge")
    world.provision(template(), provisioner(requirements=[need(CAPACITY, "spot", "on-demand"), need(TYPE, *types)]))
    stoker = world.run_controller()
    world.aws.set(no_capacity=[["spot", name, "*"] for name in types], vcpu_quota={"on-demand": 20})
    world.plane.apply(*(pod(f"work-{n}", cpu="3") for n in range(4)))
    world.wait("all run", lambda: world.all_running(4, "work"), 90)
    tries = world.aws.launches()
    check(tries[0]["capacity_type"] == "spot" and not tries[0]["instances"] and tries[0]["errors"], "spot was tried first, in vain")
    got = [one for one in tries if one["instances"]]
    check(all(one["capacity_type"] == "on-demand" for one in got) and sum(len(one["instances"]) for one in got) == 4, "then On-Demand, for all")
    gaps = [later["t"] - one["t"] for one, later in zip(tries, tries[1:])]
    check(max(gaps) < 3 * PATIENCE_S, f"at once: {gaps}")
    check(stoker.metric("stoker_launch_errors_total") >= 1, "the errors are counted")
    before = len(tries)
    world.plane.apply(*(pod(f"more-{n}", cpu="3") for n in range(2)))
    world.wait("one more runs", lambda: [p for p in world.pods("more") if p["status"].get("phase") == "Running"], 60)
    later = world.aws.launches()[before:]
    check(all(one["capacity_type"] == "on-demand" for one in later), "spot is left alone")
    quiet(10)
    check(len(world.aws.living()) == 5, "20 vCPU of quota are five machines")
    check(len(world.aws.launches()) - before <= 3, f"a quota is not run against again and again: {len(world.aws.launches()) - before} calls")


@case()
def own_launch_template(world):
    """A user's launch template is used as it is; nodes that register without our taint get their labels and their pods."""
    from .a_world import USER_DATA, launch_template
    launch_template(world, "mine", USER_DATA.replace(', "--register-with-taints=dedicated=spark:NoSchedule"', ""))
    world.provision(template(launchTemplate="mine", securityGroupSelector=None, instanceProfile=None, amiFamily=None),
                    provisioner(requirements=[need(CAPACITY, "spot"), need(TYPE, "m5.xlarge", "c5.xlarge")], labels={"owner": "us"}))
    world.run_controller()
    world.plane.apply(pod("work", nodeSelector={"owner": "us"}))
    world.wait("the pod runs", lambda: world.all_running(1, "work"), 90)
    labels = world.list("nodes")[0]["metadata"]["labels"]
    check(labels.get("team") == "data", "the template's user data was used")
    check(labels.get("owner") == "us" and labels.get(CAPACITY) == "spot", "labels came through the API")
    check(world.aws.launches()[0]["templates"] == ["mine"], "no other template was made")
    world.kill_pods("work")
    given_back(world, 10)


@case()
def images_by_tag(world):
    """A template that names its images by their tags: those are started, and Kubernetes' newest is not asked for."""
    every = world.aws.cli("ec2", "describe-images")["Images"]
    chosen = next(i for i in every if i["Architecture"] == "x86_64" and i.get("Platform") != "windows")["ImageId"]
    world.aws.cli("ec2", "create-tags", "--resources", chosen, "--tags", "Key=team,Value=data")
    world.provision(template(amiSelector={"team": "data"}), provisioner(requirements=[need(CAPACITY, "spot"), need(TYPE, "m5.xlarge", "m6g.xlarge")]))
    world.run_controller()
    world.plane.apply(pod("work"))
    world.wait("the pod runs", lambda: world.all_running(1, "work"), 90)
    started = [i["ImageId"] for r in world.aws.cli("ec2", "describe-instances")["Reservations"] for i in r["Instances"]]
    check(started == [chosen], f"{chosen} was started: {started}")
    check(not any(call["action"] == "ssm:GetParameter" and call["key"] == KEY_ID for call in world.aws.calls()), "no other image was looked for")
    world.kill_pods("work")
    given_back(world, 10)


@case()
def limits(world):
    """A Provisioner's limit holds, launches in flight included; what does not fit is told why it waits."""
    world.provision(template(), provisioner(requirements=[need(CAPACITY, "spot"), need(TYPE, "m5.xlarge")], ttl=5,
                                            limits={"resources": {"cpu": "8"}}))
    world.run_controller()
    world.plane.apply(*(pod(f"work-{n}", cpu="3") for n in range(4)))
    world.wait("two run", lambda: sum(p["status"].get("phase") == "Running" for p in world.pods("work")) == 2)
    quiet(5)
    check(len(world.aws.living()) == 2, "8 cpu are two machines of 4")
    waiting = [p["metadata"]["name"] for p in world.pods("work") if not p["spec"].get("nodeName")]
    world.wait("events say that the limit is why", lambda: all(
        any("limit" in e["message"] for e in world.events(name=name)) for name in waiting), 20)
    for p in world.pods("work"):
        if p["metadata"]["name"] not in waiting:
            world.kill_pods(p["metadata"]["name"])
    world.wait("then the others run", lambda: world.all_running(2, "work"), 90)
    most = max(sum(4 for i in world.aws.instances() if i["launched"] <= t and (i["ended"] is None or i["ended"] > t))
               for t in [i["launched"] for i in world.aws.instances()])
    check(most <= 8, f"never more than 8 cpu at a time: {most}")


@case()
def empty_ttl(world):
    """A node goes when its last pod has been gone for ttlSecondsAfterEmpty, to the second, and not while pods keep coming."""
    world.provision(template(), provisioner(ttl=6, requirements=[need(CAPACITY, "spot"), need(TYPE, "m5.xlarge")]))
    stoker = world.run_controller()
    world.plane.apply(pod("first", command=["sleep", "3"]))
    world.wait("it ran", lambda: world.pods("first")[0]["status"].get("phase") == "Succeeded", 60)
    quiet(3)
    world.plane.apply(pod("second", command=["sleep", "2"]))  # within the time: takes the node
    world.wait("it ran too", lambda: world.pods("second")[0]["status"].get("phase") == "Succeeded", 60)
    check(len(world.aws.launches()) == 1, "on the same node")
    end = world.pods("second")[0]["status"]["containerStatuses"][0]["state"]["terminated"]["finishedAt"]
    end = time.mktime(time.strptime(end, "%Y-%m-%dT%H:%M:%SZ")) - time.timezone
    world.wait("all is given back", world.empty, 30)
    waited = stoker.moments("claim-phase", to="Draining", reason="Empty")[-1] - end
    check(6 <= waited <= 6 + PATIENCE_S, f"6 s after its last pod ended, in whole seconds: {waited:.2f} s")
    took = world.aws.instances()[0]["ended"] - end
    check(waited <= took <= waited + 3 * PATIENCE_S, f"and then at once: {took:.2f} s")


@case()
def budgets_and_do_not_evict(world):
    """Old nodes are replaced before they are drained; PodDisruptionBudgets and do-not-evict are respected."""
    world.provision(template(), provisioner(ttl=5, ttlSecondsUntilExpired=30, requirements=[need(CAPACITY, "spot"), need(TYPE, "m5.xlarge")]))
    world.plane.apply({"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": "work", "namespace": "default"},
                       "spec": {"minAvailable": 1, "selector": {"matchLabels": {"app": "work"}}}})
    world.run_controller()
    guarded = deployment("guarded", 1, cpu="3")
    guarded["spec"]["template"]["metadata"]["annotations"] = {"karpenter.sh/do-not-evict": "true"}
    world.plane.apply(deployment("work", 2, cpu="3"), guarded)
    world.wait("all run", lambda: world.all_running(3), 60)
    old = {p["spec"]["nodeName"] for p in world.pods("work")}
    guarded_before = world.pods("guarded")[0]
    fewest = []

    def replaced():
        fewest.append(sum(p["status"].get("phase") == "Running" and not p["metadata"].get("deletionTimestamp") for p in world.pods("work")))
        return not old & {n["metadata"]["name"] for n in world.list("nodes")}
    world.wait("both old nodes are gone", replaced, 150)
    check(min(fewest) >= 1, f"one of the two was always there: {min(fewest)}")
    after = world.pods("guarded")[0]
    check(after["metadata"]["uid"] == guarded_before["metadata"]["uid"], "the pod that must not be evicted was not")
    check(after["spec"]["nodeName"] in {n["metadata"]["name"] for n in world.list("nodes")}, "and its node stays")
    world.wait("the work runs on", lambda: world.all_running(2, "work"), 60)
