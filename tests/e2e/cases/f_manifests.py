"""Documents: what is wrong is refused with words; Karpenter's are taken as they are, and only when asked to."""
import json

from world import manifests
from world.manifests import CAPACITY, TYPE, pod, provisioner, template
from world.parts import ROOT, quiet

from . import case, check

# What is wrong, and a word that the refusal must have: of the API server (schema, CEL) or of the controller (Ready condition).
BAD = {
    "unknown-field": (lambda d: d["spec"].update(colour="red"), "colour"),
    "bad-operator": (lambda d: d["spec"]["requirements"].append({"key": TYPE, "operator": "Near", "values": ["m5.large"]}), "operator"),
    "in-without-values": (lambda d: d["spec"]["requirements"].append({"key": TYPE, "operator": "In"}), "values"),
    "gt-with-text": (lambda d: d["spec"]["requirements"].append(
        {"key": "karpenter.k8s.aws/instance-cpu", "operator": "Gt", "values": ["many"]}), "integer"),
    "reserved-label": (lambda d: d["spec"].update(labels={"kubernetes.io/mine": "x"}), "kubernetes.io/mine"),
    "bad-taint": (lambda d: d["spec"].update(taints=[{"key": "a", "effect": "Sometimes"}]), "effect"),
    "weight": (lambda d: d["spec"].update(weight=1000), "weight"),
    "negative-ttl": (lambda d: d["spec"].update(ttlSecondsAfterEmpty=-1), "ttlSecondsAfterEmpty"),
    "ttl-and-consolidation": (lambda d: d["spec"].update(consolidation={"enabled": True}), "consolidation"),
    "bad-quantity": (lambda d: d["spec"].update(limits={"resources": {"cpu": "lots"}}), "limits"),
    "no-template": (lambda d: d["spec"].update(providerRef={"name": "nowhere"}), "nowhere"),
}


def told(world, name):
    """What its status and its events say of a Provisioner."""
    found = next((p for p in world.list("provisioners") if p["metadata"]["name"] == name), None)
    conditions = (found or {}).get("status", {}).get("conditions", [])
    words = [c["message"] for c in conditions if c["type"] == "Ready" and c["status"] == "False"]
    return " ".join(words + [e["message"] for e in world.events(name=name)])


@case()
def bad_manifests(world):
    """Each kind of mistake is refused with a word that helps, by the API server or in its status or events; others go on."""
    world.provision()
    world.run_controller()
    admitted = []
    for name, (spoil, word) in BAD.items():
        document = provisioner(name)
        spoil(document)
        done = world.plane.kubectl("apply", "-f", "-", stdin=json.dumps(document), check=False)
        if done.returncode:
            check(word in done.stderr, f"{name}: the refusal names {word!r}: {done.stderr.strip()[:300]}")
        else:
            admitted.append((name, word))
    world.plane.apply(pod("work"))
    world.wait("a good Provisioner serves on", lambda: world.all_running(1, "work"), 60)
    for name, word in admitted:
        world.wait(f"{name}: status or event names {word!r}", lambda: word in told(world, name), 15)
    done = world.plane.kubectl("apply", "-f", "-", stdin=json.dumps(template("family", amiFamily="Windows95")), check=False)
    check(done.returncode and "amiFamily" in done.stderr, f"a template of an unknown family is refused: {done.stderr.strip()[:200]}")


@case(installed=False)
def karpenter_manifests(world):
    """Karpenter's v1alpha5 documents: nothing without --karpenter-manifests, nodes with it, nothing again while Karpenter is alive."""
    for file in ("provisioners.karpenter.sh.yaml", "awsnodetemplates.karpenter.k8s.aws.yaml"):
        world.plane.kubectl("apply", "-f", str(ROOT / "crds" / file))
    world.install(karpenterManifests=True)
    folder = ROOT / "examples/two-provisioners"
    for file in sorted(folder.glob("prov*.yaml")):
        world.plane.kubectl("apply", "-f", str(file))
    found = template()
    found.update(apiVersion="karpenter.k8s.aws/v1alpha1", kind="AWSNodeTemplate")
    world.plane.apply(found)
    for name in ("spark-driver", "spark-executor"):
        world.plane.kubectl("patch", "provisioners.karpenter.sh", name, "--type=merge", "-p",
                            '{"spec":{"providerRef":{"name":"default"},"ttlSecondsAfterEmpty":5}}')
    work = pod("work", nodeSelector={"spark-node": "executor"},
               tolerations=[{"key": "spark-node", "operator": "Equal", "value": "executor", "effect": "NoSchedule"}])
    world.plane.apply(work)
    world.plane.apply({"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": "karpenter-leader-election", "namespace": "kube-system"},
                       "spec": {"holderIdentity": "karpenter-0", "leaseDurationSeconds": 15, "renewTime": manifests.timestamp()}})
    asked = world.settings
    world.settings = asked.replace("karpenter-manifests: true", "karpenter-manifests: false")
    check(world.settings != asked, "the chart's settings have it")
    stoker = world.run_controller()
    quiet(6)
    check(not world.aws.launches(), "nobody asked for it: nothing happens")
    stoker.part.stop()
    world.controllers.clear()
    world.settings = asked
    world.run_controller("asked", ready=False)
    quiet(5)
    check(not world.aws.launches(), "nothing while Karpenter's lease is alive")
    world.wait("the pod runs", lambda: world.all_running(1, "work"), 60)
    check(world.list("nodes")[0]["metadata"]["labels"][CAPACITY] == "spot", "on spot, as its Provisioner says")
    world.kill_pods("work")
    world.wait("given back", world.empty, 60)
