"""What is on sale, at which price, and how much of it is left: the part of EC2 that moto does not have."""
import csv
import json
import pathlib
import threading
import time

DATA = pathlib.Path(__file__).resolve().parents[3] / "data"


def read_table(name):
    with open(DATA / name, encoding="utf-8") as file:
        return list(csv.DictReader((line for line in file if not line.startswith("#")), delimiter="\t"))


class Market:
    """Prices from data/*.tsv; capacity, quotas and delays as the test says (see `settings`)."""

    def __init__(self, region, log_folder):
        self.region = region
        self.types = {row["instance_type"]: row for row in read_table("ec2-instance-types.tsv")}
        self.prices = {}  # (capacity type, instance type, zone) -> USD per hour
        for row in read_table(f"ec2-prices-{region}.tsv"):
            for capacity_type, column in (("on-demand", "on_demand_usd_hour"), ("spot", "spot_usd_hour")):
                if row[column]:
                    self.prices[capacity_type, row["instance_type"], row["zone"]] = float(row[column])
        self.settings = {
            "no_capacity": [],  # [capacity type, instance type, zone]; "*" is any
            "capacity": [],  # [capacity type, instance type, zone, instances left]
            "vcpu_quota": {},  # capacity type -> vCPUs
            "pending_s": 0.5,  # from CreateFleet to running
            "shutdown_s": 0.5,  # from TerminateInstances to terminated
            "poll_s": 20,  # that a ReceiveMessage may wait at most
            "visible_s": 1.0,  # until Describe calls and TerminateInstances know a new instance
            "hooks": [],  # lifecycle actions that wait: what CompleteLifecycleAction must say of each
            "images": {},  # SSM parameter -> image id
        }
        self.lock = threading.RLock()
        self.fleets = {}  # client token -> (fingerprint of the request, answer)
        self.zones = sorted({key[2] for key in self.prices})
        self.launches = open(pathlib.Path(log_folder) / "launches.jsonl", "a", buffering=1, encoding="utf-8")
        self.calls = open(pathlib.Path(log_folder) / "aws-calls.jsonl", "a", buffering=1, encoding="utf-8")

    def on_sale(self, capacity_type, instance_type, zone):
        return self.prices.get((capacity_type, instance_type, zone))

    def left(self, capacity_type, instance_type, zone):
        """How many more instances this pool gives: 0 where it is out of capacity, None where nothing limits it."""
        pool = (capacity_type, instance_type, zone)
        for rule in self.settings["no_capacity"]:
            if all(want in ("*", have) for want, have in zip(rule, pool)):
                return 0
        for *rule, count in self.settings["capacity"]:
            if tuple(rule) == pool:
                return count
        return None

    def take(self, capacity_type, instance_type, zone, count):
        for rule in self.settings["capacity"]:
            if tuple(rule[:3]) == (capacity_type, instance_type, zone):
                rule[3] -= count

    def log_launch(self, **fields):
        self.launches.write(json.dumps({"t": time.time(), **fields}) + "\n")

    def log_call(self, **fields):
        self.calls.write(json.dumps({"t": time.time(), **fields}) + "\n")
