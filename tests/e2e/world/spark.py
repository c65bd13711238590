"""spark-submit in cluster mode, as a user runs it."""
import json
import re
import subprocess

from . import manifests
from .controlplane import SPARK_TOKEN
from .parts import ROOT, Failed, Part, spark_home, without_proxies

NAMESPACE = "spark"
IMAGES = {"3.5": "spark:3.5.6", "4.0": "spark:4.0.2"}
JOBS = ROOT / "tests/e2e/jobs"


def access():
    """Namespace, service account and roles that a Spark user needs."""
    rules = [{"apiGroups": [""], "resources": ["pods", "services", "configmaps", "persistentvolumeclaims"],
              "verbs": ["get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"]}]
    role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": "spark", "namespace": NAMESPACE}, "rules": rules}
    binding = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": {"name": "spark", "namespace": NAMESPACE},
               "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "spark"},
               "subjects": [{"kind": "ServiceAccount", "name": "spark", "namespace": NAMESPACE}, {"kind": "User", "name": "spark-user"}]}
    return [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}},
            {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "spark", "namespace": NAMESPACE}}, role, binding]


def templates(world, **spec):
    """Settings that put drivers and executors where the two Provisioners want them; `spec` goes to the executors' pods."""
    found = {}
    for role in ("driver", "executor"):
        file = world.folder / f"{role}-template.json"
        file.write_text(json.dumps(manifests.pod_template(role, **(spec if role == "executor" else {}))))
        found[f"spark.kubernetes.{role}.podTemplateFile"] = file
    return found


DECOMMISSION = {"spark.decommission.enabled": "true", "spark.storage.decommission.enabled": "true",
                "spark.storage.decommission.shuffleBlocks.enabled": "true", "spark.storage.decommission.rddBlocks.enabled": "true"}


class Job:
    """A submitted application; its pods are known by the label spark-app-name."""

    def __init__(self, world, name, script="shuffle.py", args=("4", "1"), version="3.5", executors=2, conf=None):
        self.world, self.name = world, name
        plane = world.plane
        home = spark_home(version)
        settings = {
            "spark.kubernetes.authenticate.submission.caCertFile": plane.ca_file, "spark.kubernetes.namespace": NAMESPACE,
            "spark.kubernetes.authenticate.submission.oauthToken": SPARK_TOKEN,
            "spark.kubernetes.authenticate.driver.serviceAccountName": "spark",
            "spark.kubernetes.container.image": IMAGES[version], "spark.kubernetes.submission.waitAppCompletion": "false",
            "spark.kubernetes.driver.master": plane.url, "spark.executor.instances": executors,
            "spark.driver.memory": "512m", "spark.executor.memory": "512m", "spark.executor.cores": 1, **(conf or {})}
        argv = [home / "bin/spark-submit", "--master", "k8s://" + plane.url, "--deploy-mode", "cluster", "--name", name]
        for key, value in settings.items():
            argv += ["--conf", f"{key}={value}"]
        argv += [f"local://{JOBS / script}", *args]
        self.part = Part("submit-" + name, argv, world.folder,
                         env=without_proxies(SPARK_HOME=str(home), SPARK_LOCAL_IP="127.0.0.1", KUBECONFIG="/dev/null"))

    def submit(self):
        self.part.start()
        try:
            code = self.part.process.wait(180)
        except subprocess.TimeoutExpired:
            code = None
        if code != 0:
            raise Failed(f"spark-submit ended with {code}: {self.part.tail()}")
        return self

    def pods(self, role=None):
        selector = f"spark-app-name={self.name}" + (f",spark-role={role}" if role else "")
        return self.world.plane.admin.items(f"/api/v1/namespaces/{NAMESPACE}/pods?labelSelector={selector}")

    def driver(self):
        found = self.pods("driver")
        return found[0] if found else None

    def phase(self):
        driver = self.driver()
        return driver["status"].get("phase") if driver else None

    def output(self):
        """The driver's standard output and error."""
        log = self.world.folder / "pods" / f"{NAMESPACE}_{self.driver()['metadata']['name']}" / "log"
        return log.read_text(errors="replace") if log.exists() else ""

    def succeeded(self, timeout_s=300):
        """Waits for the end; Failed with the driver's last lines if it was not a good one."""
        self.world.wait(f"job {self.name} ends", lambda: self.phase() in ("Succeeded", "Failed"), timeout_s)
        if self.phase() != "Succeeded":
            raise Failed(f"job {self.name} {self.phase()}: " + "\n".join(self.output().splitlines()[-12:]))
        return self

    def gives_sum(self, partitions):
        """succeeded(), with the sum that jobs/shuffle.py must come to; Failed with what it said instead."""
        self.succeeded()
        wanted = f"sum {sum(range(partitions * 1000))}"
        said = [line for line in self.output().splitlines() if not re.match(r"\d\d/\d\d/\d\d ", line)]
        if wanted not in said:
            raise Failed(f"job {self.name} must say {wanted!r}, and says {said[-12:]}")
