"""A pod on a node: may it start, and its container as a process in a private mount namespace with an address of its own.

Spark's containers (args "driver …", "executor …") do what Spark's entrypoint.sh does; a container with a command runs that; any
other is said to run and does nothing. No init containers, probes, logs or exec.
"""
import datetime
import json
import os
import pathlib
import re
import signal
import subprocess
import threading
import time

from .api import ApiError
from .machines import quantity
from .parts import _die_with_parent, spark_home

ENTRYPOINT = """export SPARK_CLASSPATH="$SPARK_CLASSPATH:/opt/spark/jars/*"
export PYSPARK_PYTHON=${PYSPARK_PYTHON:-@PYTHON@} PYSPARK_DRIVER_PYTHON=${PYSPARK_DRIVER_PYTHON:-@PYTHON@}
mapfile -t OPTS < <(env | grep SPARK_JAVA_OPT_ | sort -t_ -k4 -n | sed 's/[^=]*=\\(.*\\)/\\1/g')
kind=$1; shift
case "$kind" in
  driver) exec /opt/spark/bin/spark-submit --conf spark.driver.bindAddress=$SPARK_DRIVER_BIND_ADDRESS \\
      --conf spark.executorEnv.SPARK_DRIVER_POD_IP=$SPARK_DRIVER_BIND_ADDRESS --deploy-mode client "$@";;
  executor) exec java "${OPTS[@]}" -Xms256m -Xmx$SPARK_EXECUTOR_MEMORY -cp "$SPARK_CLASSPATH" \\
      org.apache.spark.scheduler.cluster.k8s.KubernetesExecutorBackend --driver-url $SPARK_DRIVER_URL \\
      --executor-id $SPARK_EXECUTOR_ID --cores $SPARK_EXECUTOR_CORES --app-id $SPARK_APPLICATION_ID \\
      --hostname $SPARK_EXECUTOR_POD_IP --resourceProfileId $SPARK_RESOURCE_PROFILE_ID --podName $SPARK_EXECUTOR_POD_NAME;;
  *) exec "$kind" "$@";;
esac
"""


def now():
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def requests(pod):
    """What the pod asks for, containers together."""
    total = {"pods": 1.0}
    for container in pod["spec"]["containers"]:
        for name, text in (container.get("resources", {}).get("requests") or {}).items():
            total[name] = total.get(name, 0) + quantity(text)
    return total


def claims(pod):
    """Names of the claims whose volumes are attached for it."""
    return {f"{pod['metadata']['namespace']}/{v['persistentVolumeClaim']['claimName']}" for v in pod["spec"].get("volumes") or []
            if "persistentVolumeClaim" in v}


def refusal(node, pod):
    """The kubelet's admission: (reason, message) where this node must not run the pod. A pod refused is lost for good."""
    used = {}
    for other in node.pods.values():
        for name, amount in other.asks.items():
            used[name] = used.get(name, 0) + amount
    for name, amount in requests(pod).items():
        room = quantity(node.allocatable.get(name, "0")) - used.get(name, 0)
        if amount > room + 1e-9:
            return f"OutOf{name}", f"Node didn't have enough resource: {name}, requested: {amount}, room: {room}"
    for key, value in (pod["spec"].get("nodeSelector") or {}).items():
        if key in node.labels and node.labels[key] != value:
            return "NodeAffinity", f"Predicate NodeAffinity failed: {key} is {node.labels[key]}"
    return None


class Hosts:
    """/etc/hosts of all pods: what cluster DNS would say of services and pods."""

    def __init__(self, path):
        self.path = path
        self.changed = threading.Event()

    def start(self, api):
        self.path.write_text("127.0.0.1 localhost\n")

        def keep():
            while True:
                self.changed.wait()
                time.sleep(0.2)
                self.changed.clear()
                try:
                    self.write(api)
                except (OSError, ApiError):
                    self.changed.set()
                    time.sleep(1)
        threading.Thread(target=keep, daemon=True).start()

    def write(self, api):
        lines = ["127.0.0.1 localhost"]
        pods = [p for p in api.items("/api/v1/pods") if (p["status"].get("podIP") or "").startswith("127.")]
        lines += [f"{p['status']['podIP']} {p['metadata']['name']}" for p in pods]
        for service in api.items("/api/v1/services"):
            name, namespace, selector = service["metadata"]["name"], service["metadata"]["namespace"], service["spec"].get("selector")
            for pod in pods if selector else ():
                labels = pod["metadata"].get("labels", {})
                if pod["metadata"]["namespace"] == namespace and all(labels.get(k) == v for k, v in selector.items()):
                    lines.append(f"{pod['status']['podIP']} {name}.{namespace}.svc {name}.{namespace} {name}.{namespace}.svc.cluster.local")
        self.path.write_text("\n".join(lines) + "\n")  # in place: bind mounts keep the inode


class Pod:
    counter = iter(range(1, 10**6))

    def __init__(self, agent, node, pod):
        self.agent, self.node, self.pod = agent, node, pod
        self.asks = requests(pod)
        self.container = pod["spec"]["containers"][0]
        self.args = (self.container.get("command") or []) + (self.container.get("args") or [])
        self.spark = bool(self.args) and self.args[0] in ("driver", "executor")
        self.is_process = self.spark or bool(self.container.get("command"))
        self.process = None
        self.killed = False
        self.finished = threading.Event()
        number = next(self.counter)
        self.ip = f"127.{agent.config['octet']}.{number // 250 % 250}.{number % 250 + 1}"
        self.folder = pathlib.Path(agent.config["folder"]) / f"{pod['metadata']['namespace']}_{pod['metadata']['name']}"

    # Status

    def report(self, phase, code=None):
        ready = phase == "Running"
        state = {"running": {"startedAt": self.started}} if code is None else {"terminated": {
            "exitCode": code, "reason": "Completed" if code == 0 else "Error", "startedAt": self.started, "finishedAt": now()}}
        kinds = [{"type": kind, "status": "True" if ready else "False", "lastTransitionTime": now()}
                 for kind in ("Initialized", "Ready", "ContainersReady")]
        statuses = [{"name": c["name"], "image": c["image"], "imageID": c["image"], "ready": ready, "restartCount": 0, "started": ready,
                     "state": state} for c in self.pod["spec"]["containers"]]
        status = {"phase": phase, "podIP": self.ip, "podIPs": [{"ip": self.ip}], "hostIP": "127.0.0.1", "startTime": self.started,
                  "conditions": kinds, "containerStatuses": statuses}
        self.agent.set_status(self.pod, status)

    def pretend(self):
        self.started = now()
        self.report("Running")

    # Life of a process

    def run(self):
        self.started = now()
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            script = self.try_often(self.prepare)
            self.try_often(lambda: self.report("Running"))
            self.agent.hosts.changed.set()
            if self.killed:
                return
            with open(self.folder / "log", "ab") as out:
                self.process = subprocess.Popen(["unshare", "-m", "--propagation", "private", "bash", str(script)] + self.args, env=self.environment(),
                                                stdout=out, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, start_new_session=True,
                                                preexec_fn=_die_with_parent)
            if self.killed:
                self.signal(signal.SIGKILL)
            code = self.process.wait()
            self.code = 128 - code if code < 0 else code
            if not self.killed:
                self.try_often(lambda: self.report("Succeeded" if self.code == 0 else "Failed", self.code))
        except ApiError:
            pass  # deleted meanwhile
        finally:
            self.finished.set()
            self.agent.hosts.changed.set()

    @staticmethod
    def try_often(call):
        for _ in range(60):
            try:
                return call()
            except OSError:
                time.sleep(1)
        return call()

    def signal(self, number):
        try:
            os.killpg(self.process.pid, number)
        except (OSError, AttributeError):
            pass

    def kill(self):
        """The machine is gone: nobody is told."""
        self.killed = True
        self.signal(signal.SIGKILL)

    def end(self, pod):
        """preStop, SIGTERM, grace, SIGKILL, and the pod object is taken away."""
        grace = pod["metadata"].get("deletionGracePeriodSeconds", 30)
        deadline = time.monotonic() + grace
        hook = json.dumps(self.container.get("lifecycle") or {})
        if self.process and "decom.sh" in hook:
            self.signal(signal.SIGPWR)  # what decom.sh does; it waits for the executor to go
            self.finished.wait(max(0, deadline - time.monotonic()))
        if not self.finished.is_set():
            self.signal(signal.SIGTERM)
            self.finished.wait(max(2, deadline - time.monotonic()))
        self.signal(signal.SIGKILL)
        self.finished.wait(10)
        self.node.pods.pop(pod["metadata"]["uid"], None)
        self.try_often(lambda: self.agent.remove(pod))

    # What the container sees

    def environment(self):
        host = self.agent.api
        env = {"PATH": os.environ["PATH"], "HOME": "/root", "LANG": "C.UTF-8", "POD_IP": self.ip, "KUBERNETES_SERVICE_HOST": host.host,
               "KUBERNETES_SERVICE_PORT": str(host.port), "KUBERNETES_SERVICE_PORT_HTTPS": str(host.port)}
        fields = {"status.podIP": self.ip, "metadata.name": self.pod["metadata"]["name"], "metadata.namespace": self.pod["metadata"]["namespace"],
                  "spec.nodeName": self.node.name, "metadata.uid": self.pod["metadata"]["uid"]}
        for entry in self.container.get("env", []):
            source = entry.get("valueFrom") or {}
            env[entry["name"]] = fields.get(source["fieldRef"]["fieldPath"], "") if "fieldRef" in source else entry.get("value", "")
        return env

    def prepare(self):
        """Volumes, and the script that mounts them and becomes the container."""
        lines = ["set -e", "mount -t tmpfs none /opt", "mount -t tmpfs none /run", f"mount --bind {self.agent.hosts.path} /etc/hosts"]
        if self.spark:
            home = spark_home(self.version())
            (self.folder / "entrypoint.sh").write_text(ENTRYPOINT.replace("@PYTHON@", str(home.parents[3] / "bin/python3")))
            lines += ["mkdir -p /opt/spark/conf /opt/spark/work-dir", f'for f in {home}/*; do b=${{f##*/}}; [ $b = conf ] || ln -s "$f" /opt/spark/$b; done']
        volumes = {v["name"]: v for v in self.pod["spec"].get("volumes", [])}
        for mount in self.container.get("volumeMounts", []):
            source = self.fill(volumes[mount["name"]])
            if mount.get("subPath"):
                source = source / mount["subPath"]
            path = mount["mountPath"]
            make = f"mkdir -p {path}" if source.is_dir() else f"mkdir -p {path.rsplit('/', 1)[0]} && touch {path}"
            lines += [make, f"mount --bind {source} {path}"]
        if self.spark:
            lines += ["cd /opt/spark/work-dir", f"export SPARK_HOME=/opt/spark SPARK_LOCAL_IP={self.ip} SPARK_LOCAL_HOSTNAME={self.ip}",
                      f'exec bash {self.folder / "entrypoint.sh"} "$@"']
        else:
            lines.append('exec "$@"')
        script = self.folder / "run.sh"
        script.write_text("\n".join(lines) + "\n")
        return script

    def version(self):
        found = re.search(r":(\d+\.\d+)", self.container["image"])
        return found.group(1) if found else "3.5"

    def fill(self, volume):
        folder = self.folder / ("volume-" + volume["name"])
        folder.mkdir(exist_ok=True)
        namespace, name = self.pod["metadata"]["namespace"], self.pod["metadata"]["name"]
        if "configMap" in volume:
            data = self.config_map(namespace, volume["configMap"]["name"])
            for item in volume["configMap"].get("items") or [{"key": key, "path": key} for key in data]:
                (folder / item["path"]).write_text(data[item["key"]])
        elif "projected" in volume:
            account = self.pod["spec"].get("serviceAccountName", "default")
            token = self.agent.api.post(f"/api/v1/namespaces/{namespace}/serviceaccounts/{account}/token", {
                "apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {
                    "expirationSeconds": 3607, "boundObjectRef": {"kind": "Pod", "apiVersion": "v1", "name": name, "uid": self.pod["metadata"]["uid"]}}})
            (folder / "token").write_text(token["status"]["token"])
            (folder / "ca.crt").write_text(pathlib.Path(self.agent.config["ca"]).read_text())
            (folder / "namespace").write_text(namespace)
        return folder

    def config_map(self, namespace, name):
        """A driver pod is made before its ConfigMap: the kubelet waits for it."""
        for _ in range(120):
            try:
                return self.agent.api.get(f"/api/v1/namespaces/{namespace}/configmaps/{name}").get("data") or {}
            except ApiError as problem:
                if problem.code != 404:
                    raise
                time.sleep(0.5)
        raise ApiError(404, b"the ConfigMap never came")
