"""Plays the provisioner of a CSI driver: a volume in the zone of the node that kube-scheduler chose for its claim."""
from .api import ApiError

ZONE = "topology.kubernetes.io/zone"
SELECTED = "volume.kubernetes.io/selected-node"


def volume_for(claim, zone):
    meta, spec = claim["metadata"], claim["spec"]
    return {"apiVersion": "v1", "kind": "PersistentVolume",
            "metadata": {"name": "pvc-" + meta["uid"], "annotations": {"pv.kubernetes.io/provisioned-by": "ebs.csi.aws.com"}},
            "spec": {"capacity": {"storage": spec["resources"]["requests"]["storage"]}, "accessModes": spec["accessModes"],
                     "storageClassName": spec["storageClassName"], "persistentVolumeReclaimPolicy": "Delete",
                     "csi": {"driver": "ebs.csi.aws.com", "volumeHandle": "vol-0" + meta["uid"][:8]},
                     "claimRef": {"kind": "PersistentVolumeClaim", "apiVersion": "v1", "namespace": meta["namespace"], "name": meta["name"],
                                  "uid": meta["uid"], "resourceVersion": meta["resourceVersion"]},
                     "nodeAffinity": {"required": {"nodeSelectorTerms": [
                         {"matchExpressions": [{"key": ZONE, "operator": "In", "values": [zone]}]}]}}}}


def provide(api, stopped):
    while not stopped.wait(0.5):
        try:
            for claim in api.items("/api/v1/persistentvolumeclaims"):
                node = claim["metadata"].get("annotations", {}).get(SELECTED)
                if node and claim["status"].get("phase") == "Pending" and not claim["spec"].get("volumeName"):
                    zone = api.get(f"/api/v1/nodes/{node}")["metadata"]["labels"].get(ZONE)
                    if zone:
                        api.post("/api/v1/persistentvolumes", volume_for(claim, zone))
        except (ApiError, OSError):
            continue
