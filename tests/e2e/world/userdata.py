"""Reads a launch template's user data as the machine images do: what the kubelet of this node will be told."""
import email
import re
import shlex
import tomllib

import yaml


class NodeSettings:
    def __init__(self):
        self.cluster = ""
        self.labels = {}
        self.taints = []  # {"key", "value", "effect"}
        self.max_pods = None
        self.kube_reserved, self.system_reserved, self.eviction_hard = {}, {}, {}
        self.raid0 = False
        self.scripts = []  # the user's own, in order

    def flag(self, text):
        """A kubelet flag."""
        name, _, value = text.lstrip("-").partition("=")
        value = value.strip("'\"")
        if name == "node-labels":
            for pair in filter(None, value.split(",")):
                key, _, label = pair.partition("=")
                self.labels[key] = label
        elif name == "register-with-taints":
            for pair in filter(None, value.split(",")):
                key, _, rest = pair.partition("=")
                if not _:
                    key, _, effect = pair.partition(":")
                    self.taints.append({"key": key, "effect": effect})
                    continue
                taint_value, _, effect = rest.rpartition(":")
                self.taints.append({"key": key, "effect": effect, **({"value": taint_value} if taint_value else {})})
        elif name == "max-pods":
            self.max_pods = int(value)
        elif name in ("kube-reserved", "system-reserved", "eviction-hard"):
            pairs = dict(re.split("[=<]", p, maxsplit=1) for p in value.split(",") if p)
            getattr(self, name.replace("-", "_")).update(pairs)

    def config(self, document):
        """Fields of a KubeletConfiguration."""
        self.max_pods = document.get("maxPods", self.max_pods)
        self.kube_reserved.update(document.get("kubeReserved") or {})
        self.system_reserved.update(document.get("systemReserved") or {})
        self.eviction_hard.update(document.get("evictionHard") or {})
        for taint in document.get("registerWithTaints") or []:
            self.taints.append(taint)


def parts_of(text):
    """(content type, text) of each MIME part; a text that is no MIME is one part."""
    if not re.match(r"(MIME-Version|Content-Type):", text.lstrip(), re.I):
        return [("", text)]
    message = email.message_from_string(text.lstrip())
    if not message.is_multipart():
        return [(message.get_content_type(), message.get_payload(decode=True).decode())]
    return [(part.get_content_type(), part.get_payload(decode=True).decode()) for part in message.get_payload()]


def read_nodeadm(settings, text):
    for document in yaml.safe_load_all(text):
        if not document:
            continue
        if document.get("kind") != "NodeConfig" or not str(document.get("apiVersion", "")).startswith("node.eks.aws/"):
            raise ValueError(f"not a NodeConfig: {document.get('apiVersion')} {document.get('kind')}")
        spec = document.get("spec") or {}
        cluster = spec.get("cluster") or {}
        settings.cluster = cluster.get("name") or settings.cluster
        if cluster and not all(cluster.get(k) for k in ("name", "apiServerEndpoint", "certificateAuthority", "cidr")):
            raise ValueError("nodeadm wants name, apiServerEndpoint, certificateAuthority and cidr of the cluster")
        kubelet = spec.get("kubelet") or {}
        settings.config(kubelet.get("config") or {})
        for flag in kubelet.get("flags") or []:
            settings.flag(flag)
        strategy = ((spec.get("instance") or {}).get("localStorage") or {}).get("strategy")
        settings.raid0 = settings.raid0 or strategy == "RAID0"


def read_script(settings, text):
    """A shell script: /etc/eks/bootstrap.sh and its options, where it is called."""
    joined = text.replace("\\\n", " ")
    call = re.search(r"^\s*(?:exec\s+)?/etc/eks/bootstrap\.sh\s+(.*)$", joined, re.M)
    if not call:
        settings.scripts.append(text)
        return
    words = shlex.split(call.group(1))
    options = iter(words)
    for word in options:
        if not word.startswith("--"):
            settings.cluster = settings.cluster or word
            continue
        name, given, value = word[2:].partition("=")
        if not given:
            value = next(options, "")
        if name == "kubelet-extra-args":
            for flag in shlex.split(value):
                settings.flag(flag)
        elif name == "local-disks":
            settings.raid0 = value == "raid0"


def read_bottlerocket(settings, text):
    kubernetes = tomllib.loads(text)["settings"]["kubernetes"]
    settings.cluster = kubernetes.get("cluster-name", "")
    settings.labels.update(kubernetes.get("node-labels") or {})
    for key, values in (kubernetes.get("node-taints") or {}).items():
        for value in values if isinstance(values, list) else [values]:
            taint_value, _, effect = value.rpartition(":")
            settings.taints.append({"key": key, "effect": effect, **({"value": taint_value} if taint_value else {})})
    settings.max_pods = kubernetes.get("max-pods")
    settings.kube_reserved.update(kubernetes.get("kube-reserved") or {})
    settings.system_reserved.update(kubernetes.get("system-reserved") or {})
    settings.eviction_hard.update(kubernetes.get("eviction-hard") or {})


def read(text):
    """ValueError, or a parser's own, where a machine could not start from it."""
    settings = NodeSettings()
    if text.lstrip().startswith(("[settings", "settings.")):
        read_bottlerocket(settings, text)
        return settings
    for kind, part in parts_of(text):
        if kind == "application/node.eks.aws" or (not kind and "node.eks.aws/" in part):
            read_nodeadm(settings, part)
        else:
            read_script(settings, part)
    return settings
