"""What networks, servers and processes do: the same end, nothing launched twice."""
import base64
import datetime
import json
import time

from world import manifests
from world.controlplane import audit_time
from world.load import CONTROLLER
from world.manifests import CAPACITY, TYPE, deployment, need, pod, provisioner, template
from world.parts import PATIENCE_S, quiet

from . import case, check
from .b_spark import claim_of, given_back

ONE_A_NODE = [need(CAPACITY, "spot"), need(TYPE, "m5.xlarge", "m5a.xlarge", "m6i.xlarge", "c5.xlarge", "c5a.xlarge")]


def work(world, replicas, name="work"):
    """A Deployment of pods that take a node each, running."""
    world.plane.apply(deployment(name, replicas, cpu="3"))
    world.wait("all run", lambda: world.all_running(replicas, name), 120)


def finish(world, ttl=5, name="work"):
    world.plane.kubectl("delete", "deployment", name)
    given_back(world, ttl)


@case()
def interruptions(world):
    """Every kind of message: acted on once, deleted then; foreign, malformed, late and doubled ones do no harm."""
    world.provision(template(), provisioner(requirements=ONE_A_NODE, ttl=5, spot={"onRebalance": "Replace"}))
    stoker = world.run_controller()
    work(world, 5)
    world.wait("the nodes are open", lambda: not any(n["spec"].get("unschedulable") for n in world.list("nodes")))
    aws = world.aws
    for body in ("{ not json", '"text"', "{}", json.dumps({"detail-type": "EC2 Spot Instance Interruption Warning"}),
                 json.dumps(aws.spot_notice("i-0123456789abcdef0")), json.dumps(aws.event("Scheduled Event", {}, source="aws.events"))):
        aws.send(body)
    world.wait("foreign and malformed messages are deleted", lambda: aws.queue_length() == 0, 60, 1)
    check(stoker.metric("stoker_messages_dropped_total") >= 4, "and counted")
    check(len(aws.living()) == 5 and not any(n["spec"].get("unschedulable") for n in world.list("nodes")), "no node was touched")

    nodes = [n["metadata"]["name"] for n in world.list("nodes")]
    ids = [claim_of(world, name)["status"]["instanceID"] for name in nodes]
    messages = [aws.spot_notice(ids[0]), aws.rebalance(ids[1]), aws.scheduled_change(ids[2]), aws.scaling_group_terminates(ids[4])]
    for message in messages + messages[:1]:
        aws.send(message)
    aws.reclaim(ids[3])
    aws.send(aws.state_change(ids[3], "shutting-down"))
    world.wait("all five were replaced", lambda: not set(ids) & {i["id"] for i in aws.living()}, 200)
    world.wait("and all run again", lambda: world.all_running(5, "work"), 120)
    world.wait("the queue is empty", lambda: aws.queue_length() == 0, 60, 1)
    world.wait("the old nodes are gone", lambda: not set(nodes) & {n["metadata"]["name"] for n in world.list("nodes")}, 60)
    let_go = [c for c in aws.calls() if c["action"] == "autoscaling:CompleteLifecycleAction"]
    check([(c["instance"], c["result"], c["code"]) for c in let_go] == [(ids[4], "CONTINUE", 200)], f"the scaling group was let go on, once: {let_go}")
    ended = next(i["ended"] for i in aws.instances() if i["id"] == ids[4])
    check(let_go[0]["t"] >= ended, "and only when its machine had been drained and given back")
    aws.send(aws.spot_notice(ids[0], minutes_ago=5))
    world.wait("a late one is deleted too", lambda: aws.queue_length() == 0, 60, 1)
    check(len(aws.living()) == 5, "five machines for five pods")
    finish(world)


def asked_about(world, pod, since):
    """What the controller asked the API server to do with this pod: [(time, what, answer's status)]."""
    found = []
    for entry in world.plane.audit():
        ref = entry.get("objectRef", {})
        at = audit_time(entry)
        if entry["user"]["username"].startswith(CONTROLLER) and ref.get("resource") == "pods" and ref.get("name") == pod and at > since:
            found.append((at, ref.get("subresource", entry["verb"]), entry.get("responseStatus", {}).get("code")))
    return found


@case()
def held_by_a_budget(world):
    """A spot notice for a node whose pod a budget never lets go: it is asked for in vain, then deleted 15 s before the end, no sooner."""
    world.provision(template(), provisioner(requirements=ONE_A_NODE, ttl=5))
    world.plane.apply({"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": "work", "namespace": "default"},
                       "spec": {"maxUnavailable": 0, "selector": {"matchLabels": {"app": "work"}}}})
    world.run_controller()
    work(world, 1)
    held = world.pods("work")[0]["metadata"]["name"]
    node = world.pods("work")[0]["spec"]["nodeName"]
    instance = claim_of(world, node)["status"]["instanceID"]
    notice = world.aws.spot_notice(instance, minutes_ago=1.1)
    sent, deadline = time.time(), datetime.datetime.fromisoformat(notice["time"]).timestamp() + 120
    world.aws.send(notice)
    world.wait("the pod is gone", lambda: held not in [p["metadata"]["name"] for p in world.pods("work")], 90)
    world.wait("its node and its machine are", lambda: node not in [n["metadata"]["name"] for n in world.list("nodes")] and
               instance not in [i["id"] for i in world.aws.living()], 30)
    ended = next(i["ended"] for i in world.aws.instances() if i["id"] == instance)
    check(ended <= deadline, f"before EC2 takes it: {deadline - ended:.1f} s")
    asked = asked_about(world, held, sent)
    refused = [at for at, what, code in asked if what == "eviction" and code == 429]
    deleted = [at for at, what, code in asked if what == "delete" and code == 200]
    check(len(refused) >= 4 and len(refused) == len([1 for _, what, _ in asked if what == "eviction"]), f"evictions were refused: {asked}")
    check(refused[0] - sent < 5 * PATIENCE_S, f"asked for at once: {refused[0] - sent:.1f} s")
    check(deleted and 10 < deadline - deleted[0] <= 15, f"deleted 15 s before the end: {[round(deadline - at, 1) for at in deleted]}")
    world.wait("another runs in its place", lambda: world.all_running(1, "work"), 60)
    check(len(world.aws.instances()) == 2, "on a machine that was launched for it")
    finish(world)


def refusal(code, reason):
    """What the API server says of it."""
    return json.dumps({"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": reason, "reason": reason, "code": code}).encode()


@case()
def bad_network(world):
    """Errors, resets, delays, cut and lost answers, and expired tokens, of both APIs, all through a scenario."""
    world.provision(template(), provisioner(requirements=ONE_A_NODE, ttl=5))
    kube, aws = world.kube_proxy, world.aws_proxy
    throttled = b"<Response><Errors><Error><Code>RequestLimitExceeded</Code><Message>slow down</Message></Error></Errors></Response>"
    expired = b"<Response><Errors><Error><Code>ExpiredToken</Code><Message>expired</Message></Error></Errors></Response>"
    aws.add("lose", match="Action=CreateFleet", times=1)
    aws.add("status", match="Action=CreateFleet", times=1, status=503, body=throttled)
    aws.add("truncate", match="Action=CreateFleet", times=1)
    aws.add("status", match="Action=CreateLaunchTemplate", times=1, status=400, body=expired)
    aws.add("lose", match="Action=CreateLaunchTemplate", times=1)
    aws.add("lose", match="Action=TerminateInstances", times=1)
    aws.add("reset", match="Action=DescribeInstances", times=1)
    aws.add("delay", match="Action=(CreateFleet|DescribeInstances)", times=2, every=2, seconds=3)
    kube.add("lose", match="^POST [^ ]*/nodeclaims", times=2)
    kube.add("lose", match="^POST [^ ]*/binding", times=2)
    kube.add("status", match="^PATCH", times=6, every=3, status=503)
    kube.add("status", match="^(POST|PATCH)", times=1, every=5, status=401, body=refusal(401, "Unauthorized"))
    kube.add("status", match="^(POST|PATCH)", times=2, every=7, status=429, body=refusal(429, "TooManyRequests"), headers=b"Retry-After: 1\r\n")
    kube.add("reset", match="^(PATCH|DELETE)", times=4, every=4)
    kube.add("truncate", match="^GET [^ ]*/pods", times=1)
    kube.add("status", match="^GET [^ ]*/pods[^ ]*watch=", times=1, status=410, body=refusal(410, "Expired"))
    kube.add("delay", match="^POST", times=3, every=2, seconds=2)
    world.run_controller()
    work(world, 3)
    finish(world)
    missed = [f"{rule.action} {rule.match}" for rule in aws.rules + kube.rules if not rule.done]
    check(not missed, f"the faults were met: not {missed}")


@case()
def api_server_restart(world):
    """The API server goes away in the middle of a launch and comes back."""
    world.provision(template(), provisioner(requirements=ONE_A_NODE, ttl=5))
    world.run_controller()
    work(world, 1)
    world.plane.apply(deployment("more", 3, cpu="3"))
    world.wait("a launch began", lambda: len(world.aws.launches()) >= 2, 30)
    world.plane.restart_api(down_s=5)
    world.wait("all run", lambda: world.all_running(3, "more"), 120)
    world.plane.kubectl("delete", "deployment", "more")
    finish(world)


@case()
def api_server_away(world):
    """The same for longer than a lease holds: the leader ends, says why, and what it had begun is gone on with."""
    world.provision(template(), provisioner(requirements=ONE_A_NODE, ttl=5))
    stoker = world.run_controller()
    work(world, 1)
    world.plane.apply(deployment("more", 3, cpu="3"))
    world.wait("a launch began", lambda: len(world.aws.launches()) >= 2, 30)
    world.plane.restart_api(down_s=20)
    world.wait("all run", lambda: world.all_running(3, "more"), 150)
    check(stoker.logged("lease-failed"), "it said that the lease could not be renewed")
    check(stoker.logged("lease-lost"), "and that it was lost")
    check(len(world.aws.instances()) == 4, "a machine a pod, and none twice")
    world.plane.kubectl("delete", "deployment", "more")
    finish(world)


@case()
def aws_away(world):
    """Nobody answers at AWS's address for 20 s, while pods wait and while nodes are to be given back."""
    world.provision(template(), provisioner(requirements=ONE_A_NODE, ttl=5))
    stoker = world.run_controller()
    work(world, 1)
    world.proxies.set_down(world.aws_proxy, True)
    world.plane.apply(deployment("more", 2, cpu="3"))
    quiet(20)
    check(stoker.get("/healthz") is not None, "the controller lives on")
    world.proxies.set_down(world.aws_proxy, False)
    world.wait("all run", lambda: world.all_running(2, "more"), 150)
    world.proxies.set_down(world.aws_proxy, True)
    world.plane.kubectl("delete", "deployment", "more")
    quiet(15)
    check(len(world.aws.living()) == 3, "no call came through")
    world.proxies.set_down(world.aws_proxy, False)
    finish(world)


@case()
def aws_forgets(world):
    """The stand-in is started anew and knows no instance, template or message of before: what is gone is seen, and replaced."""
    world.provision(template(), provisioner(requirements=ONE_A_NODE, ttl=5))
    world.run_controller()
    work(world, 2)
    nodes = {n["metadata"]["name"] for n in world.list("nodes")}
    world.aws.restart()
    world.wait("the old nodes are gone", lambda: not nodes & {n["metadata"]["name"] for n in world.list("nodes")}, 120)
    world.wait("all run on new ones", lambda: world.all_running(2, "work"), 120)
    check(len(world.aws.living()) == 2, "a machine a pod")
    world.aws.send(world.aws.spot_notice(world.aws.living()[0]["id"]))
    world.wait("the queue is read again", lambda: world.aws.queue_length() == 0, 90, 1)
    world.wait("all run", lambda: world.all_running(2, "work"), 120)
    finish(world)


def written_by(world, replica, begin, end):
    """What this replica asked the API server to change between two times, leases aside: tokens have names in the audit log."""
    claims = (world.folder / f"{replica.name}.token").read_text().split(".")[1]
    name = "JTI=" + json.loads(base64.urlsafe_b64decode(claims + "=="))["jti"]
    written, seen = [], False
    for entry in world.plane.audit():
        if name not in entry["user"].get("extra", {}).get("authentication.kubernetes.io/credential-id", []):
            continue
        seen = True
        if begin < audit_time(entry) < end and entry["verb"] not in ("get", "list", "watch") and entry["objectRef"]["resource"] != "leases":
            written.append(f"{entry['verb']} {entry['objectRef']['resource']} {entry['objectRef'].get('name')}")
    check(seen, f"the audit log knows {replica.name}")
    return written


@case()
def lost_leader(world):
    """Two replicas: one acts. It stalls, the other takes over; it comes back and does nothing. Stopped, it hands over at once."""
    world.provision(template(), provisioner(requirements=ONE_A_NODE, ttl=5))
    first = world.run_controller("first")
    world.wait("the first leads", lambda: first.metric("stoker_leader") == 1, 30)
    second = world.run_controller("second", ready=False)
    work(world, 1)
    first.part.signal(19)  # SIGSTOP
    try:
        world.plane.apply(deployment("more", 2, cpu="3"))
        world.wait("the second took over and all run", lambda: world.all_running(2, "more"), 150)
        check(second.metric("stoker_leader") == 1, "the second leads")
    finally:
        back = time.time()
        first.part.signal(18)  # SIGCONT
    world.plane.apply(deployment("again", 1, cpu="3"))
    world.wait("all run", lambda: world.all_running(1, "again"), 120)
    world.wait("the first has seen that it leads no more", lambda: first.logged("lease-lost"))
    world.wait("and is there again, behind the second", lambda: first.metric("stoker_leader") == 0)
    now = time.time()
    check(not (written := written_by(world, first, back, now)), f"it wrote nothing: {written}")
    check(written_by(world, second, back, now), "the second did")
    check(len(world.aws.instances()) == 4, "a machine a pod, and none twice")
    world.killed_on_purpose = True
    check(second.part.stop() == 0, "it ends well when it is told to")
    let_go = second.moments("handed-over")[-1]
    took = world.wait("the first leads again", lambda: [t for t in first.moments("leading") if t > let_go], 30)[0] - let_go
    check(first.metric("stoker_leader") == 1 and took < 8, f"handed over at once, not after the lease ran out: {took:.1f} s")
    world.plane.kubectl("delete", "deployment", "more", "again")
    finish(world)
