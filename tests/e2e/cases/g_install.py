"""What is installed: the chart, and what `stoker doctor` says of it. Permissions are looked at after all cases (run)."""
import json
import subprocess

from world import controller, schemas
from world.manifests import pod, provisioner, template
from world.parts import BIN, ROOT, Failed, without_proxies

from . import case, check


def run(*argv, stdin=None):
    done = subprocess.run([str(a) for a in argv], input=stdin, capture_output=True, text=True, env=without_proxies())
    if done.returncode:
        raise Failed(f"{argv[0]} {argv[1]}: {done.stdout[-600:]} {done.stderr[-600:]}")
    return done.stdout


NEEDED = ("--set", "settings.clusterName=e2e", "--set", "settings.clusterEndpoint=https://api")
EVERYTHING = {
    "image": {"repository": "registry/stoker", "tag": "1", "pullPolicy": "Always"}, "imagePullSecrets": [{"name": "pull"}], "replicas": 1,
    "settings": {"clusterName": "e2e", "clusterEndpoint": "https://api", "region": "us-gov-west-1", "clusterCa": "QQ==", "clusterCidr": "fd00::/108",
                 "clusterDns": "fd00::a", "instanceProfile": "p", "kubernetesVersion": "1.34", "interruptionQueue": "q.fifo",
                 "karpenterManifests": True, "logLevel": "debug", "batchIdle": "500ms", "batchMax": "1m", "launchRate": 10000},
    "serviceAccount": {"create": False, "name": "own", "annotations": {"eks.amazonaws.com/role-arn": "arn"}}, "crds": {"install": False},
    "resources": {}, "env": [{"name": "NO_PROXY", "value": "169.254.0.0/16"}], "podAnnotations": {"a": "b"}, "podLabels": {"a": "b"},
    "nodeSelector": {"a": "b"}, "affinity": {}, "tolerations": [{"operator": "Exists"}], "topologySpreadConstraints": [],
    "priorityClassName": "", "service": {"port": 9090}, "global": {"a": "b"}}
WRONG = {  # what is said of each
    "settings.nonsense=1": "nonsense", "nonsense=1": "nonsense", "settings.clusterName=": "clusterName", "settings.clusterEndpoint=": "clusterEndpoint",
    "settings.clusterEndpoint=http://api": "clusterEndpoint", "settings.clusterCidr=10.0.0.0": "clusterCidr", "settings.batchIdle=5": "batchIdle",
    "settings.karpenterManifests=yes": "karpenterManifests", "settings.launchRate=0": "launchRate", "settings.region=nowhere": "region",
    "settings.interruptionQueue=arn:aws:sqs:us-east-1:1:q": "interruptionQueue", "settings.logLevel=INFO": "logLevel", "replicas=0": "replicas",
    "tolerations=all": "tolerations", "tolerations[0]=all": "tolerations", "env[0]=A": "env", "imagePullSecrets[0]=pull": "imagePullSecrets",
    "nodeSelector.a=1": "nodeSelector", "service.type=NodePort": "service", "serviceMonitor.enabled=yes": "serviceMonitor", "crds.keep=1": "crds"}


def render(*settings):
    return subprocess.run([str(BIN / "helm"), "template", "stoker", str(controller.CHART), "--namespace", "stoker", *controller.KUBE_VERSION, *settings],
                          capture_output=True, text=True, env=without_proxies())


@case()
def chart(world):
    """The chart lints, all that it makes has the schemas of the real API server, and values that mean nothing are refused by name."""
    run(BIN / "helm", "lint", "--strict", controller.CHART, *controller.KUBE_VERSION, *NEEDED)
    version = run(controller.BINARY, "version").split()[1]
    check(f"appVersion: {version}\n" in (controller.CHART / "Chart.yaml").read_text(), f"the chart pulls the image of {version}")
    check(f"/stoker:{version} " in (ROOT / "README.md").read_text(), "README pushes it")
    folder = world.folder / "schemas"
    check(schemas.write(world.plane.admin, folder) > 100, "the API server describes itself")
    pattern = str(folder) + "/{{ .ResourceKind }}{{ .KindSuffix }}.json"
    values = world.folder / "everything.yaml"
    values.write_text(json.dumps(EVERYTHING))
    for settings in (NEEDED, ("--values", values)):
        made = render(*map(str, settings))
        check(made.returncode == 0, made.stderr.strip())
        told = run(BIN / "kubeconform", "-strict", "-summary", "-schema-location", pattern, "-", stdin=made.stdout)
        check("Invalid: 0, Errors: 0, Skipped: 0" in told and "0 resources" not in told, told.strip())
    for wrong, word in WRONG.items():
        refused = render(*NEEDED, "--set", wrong)
        check(refused.returncode != 0 and word in refused.stderr, f"{wrong} is refused: {refused.stderr[-300:]}")


@case()
def doctor(world):
    """`stoker doctor` names what is missing: first nothing, then the queue, subnets, how a node joins, and a Provisioner's template."""
    world.provision()
    one = controller.Controller(world, "doctor")
    argv = [a for a in one.part.argv if a not in ("--listen", f"127.0.0.1:{one.port}")]
    argv[1] = "doctor"

    def findings(*change):
        chosen = [*argv, *change]
        done = subprocess.run(chosen, capture_output=True, text=True, env=one.part.env, timeout=120)
        return done.returncode, done.stdout + done.stderr
    code, text = findings()
    check(code == 0, "all is well: " + "; ".join(line for line in text.splitlines() if not line.startswith("ok")))
    code, text = findings("--interruption-queue", "no-such-queue")
    check(code != 0 and "no-such-queue" in text, f"the queue is named: {text[-900:]}")
    world.plane.apply(template(subnetSelector={"nobody": "has-this"}))
    code, text = findings()
    check(code != 0 and "subnet" in text.lower(), f"subnets are named: {text[-500:]}")
    world.plane.apply(template(instanceProfile=None), provisioner("lost", template_name="nowhere"), provisioner("bare", providerRef=None),
                      provisioner("own", providerRef=None, provider={"subnetSelector": {"nobody": "has-this"}}))
    code, text = findings()
    for word in ("joining of default: no instance profile", "Provisioner lost: spec.providerRef.name: there is no NodeTemplate nowhere",
                 "Provisioner bare: spec.providerRef and spec.provider are missing", "subnets of own: subnetSelector finds none"):
        check(code == 1 and f"MISSING  {word}" in text, f"{word}: {text[-1500:]}")


@case()
def uninstall(world):
    """helm uninstall takes all away but the CRDs; nodes and claims stay, and a controller that is installed again goes on with them."""
    world.provision()
    stoker = world.run_controller()
    world.plane.apply(pod("work"))
    world.wait("the pod runs", lambda: world.all_running(1, "work"), 60)
    stoker.part.stop()
    world.controllers.clear()
    run(BIN / "helm", "--kubeconfig", world.plane.pki / "admin.kubeconfig", "uninstall", "stoker", "--namespace", controller.NAMESPACE, "--wait")
    left = world.plane.kubectl("get", "deploy,service,configmap,serviceaccount,role,rolebinding,clusterrole,clusterrolebinding,pdb",
                               "--all-namespaces", "--selector", "app.kubernetes.io/name=stoker", "-o", "name")
    check(not left, f"nothing is left: {left}")
    check(len(world.list("claims")) == 1 and world.all_running(1, "work"), "the claim, its node and its pod are")
    world.install()
    world.run_controller("again")
    world.kill_pods("work")
    world.wait("given back", world.empty, 60)
    check(len(world.aws.instances()) == 1, "nothing was launched anew")
