"""Many pods and nodes, with kubelets that only say that they run."""
from world import load

from . import case, check


@case(cloud_provider=False, boot_s=(5, 10))
def scale(world):
    """2,000 pods on 500 nodes: one round of launches, every pod where it was planned, within the limits that README names."""
    # How fast pods are made is the machine's; that those which come together are planned together is what matters.
    window = ("--batch-idle", "3s", "--batch-max", "2m")
    measured = load.measure(world, load.uniform(2000, cpu_m=3900, vcpu=16, per_node=4), extra=window)
    check(measured["nodes"] == 500, f"500 nodes: {measured['nodes']}")
    check(measured["rounds"] == 1 and measured["launched"] == measured["planned"], f"one round, as planned: {measured}")
    check(measured["as_planned"] == 1.0, f"every pod is on the node of its slot: {measured['as_planned']}")
    check(measured["writes_per_node"] <= 8 and measured["writes_per_pod"] <= 2, f"few writes: {measured}")
    check(measured["rss_mib"] <= 60, f"peak RSS {measured['rss_mib']:.0f} MiB")
