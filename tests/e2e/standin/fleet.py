"""CreateFleet of Type=instant as EC2 answers it: idempotent by token, by strategy and Priority, partly or not at all.

After https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateFleet.html
"""
import base64
import json

from moto.core.responses import ActionResult
from moto.ec2.exceptions import EC2ClientError
from moto.ec2.utils import convert_tag_spec
from moto.iam import iam_backends

MOST_OVERRIDES = 300  # of one request
TAGGED = {"fleet", "instance", "volume"}  # by a fleet itself; all else through the launch template
MOST_USER_DATA = 16384  # bytes, before base64


class Pool:
    """One override, put together with its launch template: where instances can come from."""

    def __init__(self, backend, config, version, override, index):
        data = {**version.data, **override}
        self.template = {"LaunchTemplateId": version.template.id, "Version": str(version.number)}
        self.template_name = version.template.name
        self.data, self.override, self.index = data, override, index
        self.instance_type = data.get("InstanceType")
        self.priority = float(override.get("Priority") or 0)
        self.image = data.get("ImageId")
        self.subnet = data.get("SubnetId") or _interface_subnet(data)
        if self.subnet:
            self.zone = backend.get_subnet(self.subnet).availability_zone
        else:
            self.zone = override.get("AvailabilityZone") or ""
            self.subnet = next((s.id for s in backend.describe_subnets() if s.availability_zone == self.zone), None)

    def groups(self):
        found = list(self.data.get("SecurityGroupIds") or self.data.get("SecurityGroups") or [])
        for interface in self.data.get("NetworkInterfaces") or []:
            found += interface.get("Groups") or []
        return found

    def described(self):
        return {"LaunchTemplateSpecification": self.template, "Overrides": {**self.override, "ImageId": self.image}}


def _interface_subnet(data):
    for interface in data.get("NetworkInterfaces") or []:
        if interface.get("SubnetId"):
            return interface["SubnetId"]
    return None


def _version(backend, specification):
    if specification.get("LaunchTemplateName"):
        template = backend.get_launch_template_by_name(specification["LaunchTemplateName"])
    else:
        template = backend.get_launch_template(specification.get("LaunchTemplateId"))
    number = str(specification.get("Version") or "$Default")
    number = {"$Latest": template.latest_version_number, "$Default": template.default_version_number}.get(number, number)
    return template.get_version(int(number))


def read_pools(backend, configs):
    pools, seen = [], set()
    for config in configs:
        version = _version(backend, config.get("LaunchTemplateSpecification") or {})
        for override in config.get("Overrides") or [{}]:
            pool = Pool(backend, config, version, override, len(pools))
            key = (pool.instance_type, pool.zone)
            if key in seen:
                raise EC2ClientError("InvalidFleetConfig", "The fleet configuration contains duplicate instance pools")
            seen.add(key)
            pools.append(pool)
    if not pools or len(pools) > MOST_OVERRIDES:
        raise EC2ClientError("InvalidParameterValue", f"{len(pools)} launch template overrides; 1 to {MOST_OVERRIDES} are allowed")
    return pools


def refused(backend, market, capacity_type, pool):
    """Why this pool can give nothing at all, as (code, message); None if it can."""
    row = market.types.get(pool.instance_type)
    if row is None:
        return "InvalidParameterValue", f"Invalid value '{pool.instance_type}' for InstanceType."
    if market.on_sale(capacity_type, pool.instance_type, pool.zone) is None:
        return "Unsupported", f"Your requested instance type ({pool.instance_type}) is not supported in your requested Availability Zone ({pool.zone})."
    image = backend.amis.get(pool.image)
    if image is None:
        return "InvalidAMIID.NotFound", f"The image id '[{pool.image}]' does not exist"
    architecture = {"amd64": "x86_64"}.get(row["arch"], row["arch"])
    if image.architecture != architecture:
        return "InvalidParameterValue", f"The architecture '{architecture}' of the specified instance type does not match the architecture '{image.architecture}' of the specified AMI."
    for group in pool.groups():
        if backend.get_security_group_from_id(group) is None:
            return "InvalidGroup.NotFound", f"The security group '{group}' does not exist"
    profile = pool.data.get("IamInstanceProfile") or {}
    known = [value for p in iam_backends[backend.account_id]["aws"].instance_profiles.values() for value in (p.name, p.arn)]
    for field, value in profile.items():
        if value not in known:
            return "InvalidParameterValue", f"Value ({value}) for parameter iamInstanceProfile.{field.lower()} is invalid. Invalid IAM Instance Profile {field.lower()}"
    if market.left(capacity_type, pool.instance_type, pool.zone) == 0:
        return "InsufficientInstanceCapacity", (
            f"We currently do not have sufficient {pool.instance_type} capacity in the Availability Zone you requested ({pool.zone}). "
            "Our system will be working on provisioning additional capacity.")
    return None


def order(market, capacity_type, strategy, pools):
    def price(pool):
        return market.on_sale(capacity_type, pool.instance_type, pool.zone)
    if strategy in ("capacity-optimized-prioritized", "prioritized"):
        return sorted(pools, key=lambda pool: (pool.priority, pool.index))
    if strategy == "capacity-optimized":  # any pool may be the deepest: the first by name is as good as another
        return sorted(pools, key=lambda pool: (pool.instance_type, pool.zone))
    return sorted(pools, key=lambda pool: (price(pool), pool.index))


def quota_error(market, backend, capacity_type, vcpus):
    quota = market.settings["vcpu_quota"].get(capacity_type)
    if quota is None:
        return None
    used = sum(int(market.types[i.instance_type]["vcpu"]) for i in backend.all_instances()
               if i.state in ("pending", "running") and (i.lifecycle or "on-demand") == capacity_type)
    if used + vcpus <= quota:
        return None
    if capacity_type == "spot":
        return "MaxSpotInstanceCountExceeded", "Max spot instance count exceeded"
    return "VcpuLimitExceeded", (f"You have requested more vCPU capacity than your current vCPU limit of {quota} allows for the "
                                 "instance bucket that the specified instance type belongs to.")


def allocate(market, backend, capacity_type, options, target, pools):
    """[(pool, count)] and [(pool, code, message)]."""
    errors, good, given = [], [], []
    for pool in pools:
        why = refused(backend, market, capacity_type, pool)
        if why:
            errors.append((pool, *why))
        else:
            good.append(pool)
    strategy = options.get("AllocationStrategy") or "lowest-price"
    open_count = target
    for pool in order(market, capacity_type, strategy, good):
        if open_count == 0:
            break
        if given and options.get("SingleInstanceType") and pool.instance_type != given[0][0].instance_type:
            continue
        if given and options.get("SingleAvailabilityZone") and pool.zone != given[0][0].zone:
            continue
        left = market.left(capacity_type, pool.instance_type, pool.zone)
        count = open_count if left is None else min(left, open_count)
        vcpu = int(market.types[pool.instance_type]["vcpu"])
        promised = sum(n * int(market.types[p.instance_type]["vcpu"]) for p, n in given)
        while count > 0 and quota_error(market, backend, capacity_type, promised + count * vcpu):
            count -= 1
        if count == 0:
            errors.append((pool, *quota_error(market, backend, capacity_type, promised + vcpu)))
            continue
        given.append((pool, count))
        open_count -= count
    least = int(options.get("MinTargetCapacity") or 0)
    if least and target - open_count < least:
        for pool, _ in given:
            errors.append((pool, "UnfulfillableCapacity", "Unable to fulfill the minimum target capacity"))
        given = []
    return given, errors


def start(backend, market, capacity_type, fleet_id, pool, count, instance_tags):
    data = pool.data
    raw = data["UserData"].decode("latin-1") if data.get("UserData") else ""
    if len(raw) > MOST_USER_DATA:
        raise EC2ClientError("InvalidUserData.Malformed", "User data is limited to 16384 bytes")
    tags = convert_tag_spec(data.get("TagSpecifications") or [])
    reservation = backend.run_instances(
        image_id=pool.image, count=count, user_data=data.get("UserData"), security_group_names=[],
        security_group_ids=pool.groups(), instance_type=pool.instance_type, is_instance_type_default=False,
        subnet_id=pool.subnet, lifecycle="spot" if capacity_type == "spot" else None,
        iam_instance_profile=data.get("IamInstanceProfile"), metadata_options=data.get("MetadataOptions") or {},
        block_device_mappings=data.get("BlockDeviceMappings") or [],
        monitoring_state="enabled" if (data.get("Monitoring") or {}).get("Enabled") in (True, "true") else "disabled",
        tags={"instance": {**tags.get("instance", {}), **instance_tags, "aws:ec2:fleet-id": fleet_id},
              "volume": tags.get("volume", {})})
    market.take(capacity_type, pool.instance_type, pool.zone, count)
    return reservation.instances


def fingerprint(request):
    return json.dumps({key: value for key, value in request.items() if key != "ClientToken"}, sort_keys=True, default=str)


def create(self, market, born):
    """The action itself. `born(instances)` is told of what was started."""
    request = {name: self._get_param(name) for name in (
        "ClientToken", "OnDemandOptions", "SpotOptions", "TargetCapacitySpecification", "LaunchTemplateConfigs", "Type",
        "TagSpecifications", "ReplaceUnhealthyInstances", "ValidFrom", "ValidUntil", "Context")}
    self.error_on_dryrun()
    with market.lock:
        token = request["ClientToken"]
        before = market.fleets.get(token) if token else None
        if before and before[0] != fingerprint(request):
            raise EC2ClientError("IdempotentParameterMismatch", "Arguments on this idempotent request are inconsistent with arguments used in previous request(s)")
        if before:
            market.log_launch(token=token, repeat=True, instances=[])
            return ActionResult(before[1])
        answer = launch(self.ec2_backend, market, request, born)
        if token:
            market.fleets[token] = (fingerprint(request), answer)
        return ActionResult(answer)


def launch(backend, market, request, born):
    if request["Type"] != "instant":
        raise EC2ClientError("InvalidParameterValue", "this stand-in knows fleets of type instant alone")
    capacity = request["TargetCapacitySpecification"] or {}
    target = int(capacity.get("TotalTargetCapacity") or 0)
    capacity_type = capacity.get("DefaultTargetCapacityType") or "on-demand"
    options = request["SpotOptions" if capacity_type == "spot" else "OnDemandOptions"] or {}
    if target < 1:
        raise EC2ClientError("InvalidParameterValue", "TotalTargetCapacity must be at least 1")
    pools = read_pools(backend, request["LaunchTemplateConfigs"] or [])
    tags = convert_tag_spec(request["TagSpecifications"] or [])
    if set(tags) - TAGGED:
        raise EC2ClientError("InvalidParameterValue", f"'{sorted(set(tags) - TAGGED)[0]}' is not a valid taggable resource type for this operation.")
    for name in ("instance", "fleet"):
        if any(key.startswith("aws:") for key in tags.get(name, {})) or len(tags.get(name, {})) > 50:
            raise EC2ClientError("InvalidParameterValue", "Tag keys starting with 'aws:' are reserved; at most 50 tags")
    given, errors = allocate(market, backend, capacity_type, options, target, pools)
    fleet_id = "fleet-" + base64.b16encode((request["ClientToken"] or "none").encode()).decode().lower()[:32]
    sets, started = [], []
    for pool, count in given:
        instances = start(backend, market, capacity_type, fleet_id, pool, count, tags.get("instance", {}))
        born(instances)
        started += [{"id": i.id, "type": pool.instance_type, "zone": pool.zone,
                     "price": market.on_sale(capacity_type, pool.instance_type, pool.zone)} for i in instances]
        sets.append({"LaunchTemplateAndOverrides": pool.described(), "Lifecycle": capacity_type,
                     "InstanceIds": [i.id for i in instances], "InstanceType": pool.instance_type})
    market.log_launch(token=request["ClientToken"], repeat=False, capacity_type=capacity_type, target=target, options=options,
                      overrides=[[p.instance_type, p.zone, p.priority] for p in pools], instances=started,
                      errors=[[p.instance_type, p.zone, code] for p, code, _ in errors], tags=tags.get("instance", {}),
                      templates=sorted({p.template_name for p in pools}))
    told = [{"LaunchTemplateAndOverrides": p.described(), "Lifecycle": capacity_type, "ErrorCode": code, "ErrorMessage": text}
            for p, code, text in errors]
    return {"FleetId": fleet_id, "Errors": told, "Instances": sets}
