"""What a failed case has to say beside its reason: the little from which most failures can be told, as lines."""
import json

from .api import ApiError

MOST_LINES = 15  # of one kind
WIDTH = 300
WARNINGS = ("warn", "error")


def controllers(world):
    """The end of each log, and what was warned of before."""
    for one in world.controllers:
        lines = one.part.text().splitlines()
        warned = [line for line in lines[:-MOST_LINES] if any(f'"level":"{level}"' in line for level in WARNINGS)]
        for line in warned[-MOST_LINES:] + lines[-MOST_LINES:]:
            yield f"{one.name}: {line}"


def pods(world):
    """Those that do not run, with the last that was said of each."""
    said = {}
    for event in world.list("events"):
        said.setdefault(event["involvedObject"].get("uid"), []).append(f"{event['reason']}: {event['message']}")
    for pod in world.list("pods"):
        phase = pod["status"].get("phase")
        if phase != "Running" or pod["metadata"].get("deletionTimestamp"):
            told = "; ".join(said.get(pod["metadata"]["uid"], [])[-3:])
            leaving = " being deleted" if pod["metadata"].get("deletionTimestamp") else ""
            yield f"pod {pod['metadata']['name']} {phase}{leaving} on {pod['spec'].get('nodeName')}: {told}"


def machines(world):
    for claim in world.list("claims"):
        status = claim.get("status", {})
        told = "; ".join(f"{c['type']} {c['status']}: {c.get('message', '')}" for c in status.get("conditions", []))
        yield f"claim {claim['metadata']['name']} {status.get('phase')} {status.get('instanceID')} {status.get('nodeName')}: {told}"
    for node in world.list("nodes"):
        taints = [t["key"] for t in node["spec"].get("taints", [])]
        yield f"node {node['metadata']['name']} closed={bool(node['spec'].get('unschedulable'))} taints={taints}"
    for i in world.aws.instances():
        yield f"instance {i['id']} {i['type']} {i['capacity_type']} {i['zone']} {i['state']}"


def launches(world):
    for one in world.aws.launches():
        yield "launch " + json.dumps({k: one.get(k) for k in ("t", "token", "repeat", "target", "instances", "errors")})


def nodes(world):
    return (f"nodes: {line}" for line in world.nodes.text().splitlines())


def lines(world):
    """Nothing that is missing stops it: a case may fail before there is an API server."""
    for of_one_kind in (pods, machines, launches, nodes, controllers):
        try:
            found = list(of_one_kind(world))
        except (OSError, ApiError, KeyError) as problem:
            found = [f"no {of_one_kind.__name__}: {problem!r}"]
        most = len(found) if of_one_kind is controllers else MOST_LINES  # which limits each itself
        if len(found) > most:
            yield f"… {len(found) - most} more {of_one_kind.__name__}"
        for line in found[-most:]:
            yield line if len(line) <= WIDTH else line[:WIDTH] + "…"
