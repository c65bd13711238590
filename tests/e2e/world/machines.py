"""What a kubelet reports of a machine: capacity by type (data/ec2-instance-types.tsv), allocatable by what it was told."""
import csv
import math
import pathlib
import re

TABLE = pathlib.Path(__file__).resolve().parents[3] / "data/ec2-instance-types.tsv"
UNITS = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40}
GIB, MIB = 2**30, 2**20
ROOT_DISK = 20 * GIB
DEVICES = (("gpu_count", {"nvidia": "nvidia.com/gpu", "amd": "amd.com/gpu", "habana": "habana.ai/gaudi"}),)


def quantity(text):
    """A Kubernetes quantity as a float."""
    text = str(text)
    if text.endswith("m"):
        return float(text[:-1]) / 1000
    number, unit = re.fullmatch(r"([0-9.]+(?:e[0-9]+)?)([A-Za-z]*)", text).groups()
    return float(number) * UNITS[unit]


def load():
    with open(TABLE, encoding="utf-8") as file:
        return {row["instance_type"]: row for row in csv.DictReader(file, delimiter="\t")}


def reserved_cpu_m(vcpu):
    """EKS's AMI: 6 % of the first core, 1 % of the second, 0.5 % of the next two, 0.25 % of the rest."""
    spans = ((0, 1, 60), (1, 2, 10), (2, 4, 5), (4, 10**6, 2.5))
    return int(sum((min(vcpu, high) - low) * milli for low, high, milli in spans if vcpu > low))


def threshold(text, capacity):
    if str(text).endswith("%"):
        return math.ceil(capacity * float(text[:-1]) / 100)
    return quantity(text)


def attachable(row):
    """What the EBS driver reports: slots less the root volume, and on types that share them two network interfaces."""
    most = int(row["ebs_max_attachments"])
    return max(most - 1 if most > 31 else min(most, 27) - 2, 1)


def shape(row, settings, memory_less=0):
    """(capacity, allocatable) as a node's status has them. `memory_less`: bytes that this machine has less than it should."""
    vcpu, mib = int(row["vcpu"]), int(row["memory_mib"])
    if row["arch"] == "arm64":
        mib -= 64
    memory = (mib - math.ceil(mib * 0.075)) * MIB - memory_less
    by_interfaces = int(row["default_network_card_enis"]) * (int(row["ipv4_per_eni"]) - 1) + 2
    pods = settings.max_pods or by_interfaces
    local = int(row["nvme_total_gb"] or 0) * 10**9
    disk = local if settings.raid0 and local else ROOT_DISK
    kube, system, hard = settings.kube_reserved, settings.system_reserved, settings.eviction_hard

    def kept(name, default):
        return quantity(kube.get(name, default)) + quantity(system.get(name, 0))
    cpu = vcpu - kept("cpu", f"{reserved_cpu_m(vcpu)}m")
    room = memory - kept("memory", f"{255 + 11 * by_interfaces}Mi") - threshold(hard.get("memory.available", "100Mi"), memory)
    space = disk - kept("ephemeral-storage", "1Gi") - threshold(hard.get("nodefs.available", "10%"), disk)
    capacity = {"cpu": str(vcpu), "memory": f"{memory // 1024}Ki", "pods": str(pods), "ephemeral-storage": str(disk)}
    allocatable = {"cpu": f"{round(cpu * 1000)}m", "memory": f"{int(room) // 1024}Ki", "pods": str(pods), "ephemeral-storage": str(int(space))}
    for column, names in DEVICES:
        if int(row[column] or 0) and row["gpu_manufacturer"].lower() in names:
            capacity[names[row["gpu_manufacturer"].lower()]] = allocatable[names[row["gpu_manufacturer"].lower()]] = row[column]
    return capacity, allocatable
