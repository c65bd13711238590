"""The documents that cases apply: Provisioners, templates, plain pods."""
import datetime

API = "stoker.sh/v1alpha1"
CAPACITY, ZONE, TYPE = "karpenter.sh/capacity-type", "topology.kubernetes.io/zone", "node.kubernetes.io/instance-type"
CATEGORY, PROVISIONER = "karpenter.k8s.aws/instance-category", "karpenter.sh/provisioner-name"


def need(key, *values, operator="In"):
    return {"key": key, "operator": operator, **({"values": list(values)} if values else {})}


def template(name="default", cluster="e2e", **spec):
    made = {"subnetSelector": {"karpenter.sh/discovery": cluster}, "securityGroupSelector": {"karpenter.sh/discovery": cluster},
            "instanceProfile": "node-profile", "amiFamily": "AL2023", **spec}
    return {"apiVersion": API, "kind": "NodeTemplate", "metadata": {"name": name}, "spec": {k: v for k, v in made.items() if v is not None}}


def provisioner(name="default", requirements=None, ttl=10, template_name="default", **spec):
    requirements = requirements or [need(CAPACITY, "spot", "on-demand"), need("kubernetes.io/arch", "amd64"), need(CATEGORY, "c", "m", "r")]
    made = {"requirements": requirements, "providerRef": {"name": template_name}, "ttlSecondsAfterEmpty": ttl, **spec}
    return {"apiVersion": API, "kind": "Provisioner", "metadata": {"name": name}, "spec": {k: v for k, v in made.items() if v is not None}}


def drivers_and_executors(ttl=10):
    """The seeds' two Provisioners: drivers On-Demand, executors spot, a taint each."""
    made = []
    for role, capacity_type in (("driver", "on-demand"), ("executor", "spot")):
        made.append(provisioner(
            f"spark-{role}", [need(CAPACITY, capacity_type), need("kubernetes.io/arch", "amd64"), need(CATEGORY, "c", "m", "r")], ttl,
            labels={"spark-node": role}, taints=[{"key": "spark-node", "value": role, "effect": "NoSchedule"}]))
    return made


def pod_template(role, **spec):
    """For spark.kubernetes.ROLE.podTemplateFile."""
    return {"apiVersion": "v1", "kind": "Pod", "spec": {
        "nodeSelector": {"spark-node": role}, "tolerations": [{"key": "spark-node", "operator": "Equal", "value": role, "effect": "NoSchedule"}],
        **spec}}


def pod(name, cpu="1", memory="1Gi", labels=None, namespace="default", command=None, **spec):
    container = {"name": "main", "image": "pause", "resources": {"requests": {"cpu": cpu, "memory": memory}}}
    if command:
        container["command"] = command
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": namespace, "labels": labels or {"app": "plain"}},
            "spec": {"containers": [container], "restartPolicy": "Never", "terminationGracePeriodSeconds": 5, **spec}}


def deployment(name, replicas, cpu="1", memory="1Gi", **spec):
    template_ = pod(name, cpu, memory, {"app": name}, **spec)
    template_["spec"]["restartPolicy"] = "Always"
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "namespace": "default"},
            "spec": {"replicas": replicas, "selector": {"matchLabels": {"app": name}},
                     "template": {"metadata": {"labels": {"app": name}}, "spec": template_["spec"]}}}


def daemon_set(name, cpu="100m", memory="64Mi", **spec):
    made = deployment(name, 1, cpu, memory, **spec)
    made["kind"] = "DaemonSet"
    del made["spec"]["replicas"]
    return made


def storage_class(name="zonal"):
    return {"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": name}, "provisioner": "ebs.csi.aws.com",
            "volumeBindingMode": "WaitForFirstConsumer", "reclaimPolicy": "Delete"}


def bound_volume(name, zone):
    """A claim and its volume, which is there already."""
    volume = {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": f"pv-{name}"},
              "spec": {"capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"], "persistentVolumeReclaimPolicy": "Retain",
                       "csi": {"driver": "ebs.csi.aws.com", "volumeHandle": f"vol-{name}"}, "storageClassName": "",
                       "claimRef": {"namespace": "default", "name": name},
                       "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [need(ZONE, zone)]}]}}}}
    claim = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": name, "namespace": "default"},
             "spec": {"accessModes": ["ReadWriteOnce"], "storageClassName": "", "volumeName": f"pv-{name}",
                      "resources": {"requests": {"storage": "1Gi"}}}}
    return volume, claim


def with_volume(name, claim):
    return pod(name, cpu="500m", volumes=[{"name": "data", "persistentVolumeClaim": {"claimName": claim}}])


def timestamp():
    """Now, as a MicroTime."""
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
