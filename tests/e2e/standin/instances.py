"""An instance's life as EC2 shows it: pending before running, unknown at first, shutting down before it is gone."""
import threading
import time

from moto.core.responses import ActionResult
from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models.instances import Instance, InstanceBackend, StateReason
from moto.ec2.responses.fleets import Fleets


def _set(instance, name, code):
    instance._state.name, instance._state.code = name, code


def install(market, fleet):
    """Puts the stricter behaviour into moto's classes. Called once, before the first request."""
    terminate_at_once = Instance.terminate

    def born(started):
        for instance in started:
            _set(instance, "pending", 0)
            instance.seen_at = time.time() + market.settings["visible_s"]

        def run():
            for instance in started:
                if instance.state == "pending":
                    _set(instance, "running", 16)
        threading.Timer(market.settings["pending_s"], run).start()

    def create_fleet(self):
        return fleet.create(self, market, born)

    def terminate(self):
        before = type(self._state)(self._state.name, self._state.code)
        if self.state in ("shutting-down", "terminated"):
            return before
        self.ended_at = time.time()
        _set(self, "shutting-down", 32)

        def gone():
            terminate_at_once(self)
        threading.Timer(market.settings["shutdown_s"], gone).start()
        return before

    def is_visible(instance):
        return getattr(instance, "seen_at", 0) <= time.time()

    all_reservations = InstanceBackend.all_reservations
    by_ids = InstanceBackend.get_multi_instances_by_id

    def visible_reservations(self, filters=None):
        found = []
        for reservation in all_reservations(self, filters):
            reservation.instances = [i for i in reservation.instances if is_visible(i)]
            if reservation.instances:
                found.append(reservation)
        return found

    def visible_by_ids(self, instance_ids, filters=None):
        unseen = [i for i in instance_ids if (one := self.get_instance_by_id(i)) is None or not is_visible(one)]
        if unseen:
            raise EC2ClientError("InvalidInstanceID.NotFound", "The instance IDs '{}' do not exist".format(", ".join(unseen))
                                 if len(unseen) > 1 else f"The instance ID '{unseen[0]}' does not exist")
        return by_ids(self, instance_ids, filters)

    Fleets.create_fleet = create_fleet
    Instance.terminate = terminate
    Instance.fleet = None
    InstanceBackend.all_reservations = visible_reservations
    InstanceBackend.get_multi_instances_by_id = visible_by_ids


def reclaim(backend, market, instance_id):
    instance = backend.get_instance_by_id(instance_id)
    instance.terminate()
    instance.state_reason = StateReason("Server.SpotInstanceTermination: Spot instance termination", "Server.SpotInstanceTermination")


def everything(backend, market):
    """All instances, also those that Describe calls do not show yet."""
    found = []
    for reservation in list(backend.reservations.values()):
        for i in reservation.instances:
            capacity_type = "spot" if i.lifecycle == "spot" else "on-demand"
            found.append({
                "id": i.id, "type": i.instance_type, "zone": i.availability_zone, "state": i.state, "capacity_type": capacity_type,
                "user_data": i.user_data.decode("latin-1") if i.user_data else "", "image": i.image_id, "ip": i.private_ip,
                "launched": i.launch_time.timestamp(), "ended": getattr(i, "ended_at", None),
                "price": market.on_sale(capacity_type, i.instance_type, i.availability_zone),
                "tags": {tag["key"]: tag["value"] for tag in i.get_tags()},
                "groups": [group.id for group in i.security_groups], "profile": i.iam_instance_profile})
    return found
