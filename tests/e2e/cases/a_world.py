"""The world itself, without a controller: what the other cases stand on."""
import base64
import json

from world import spark

from . import case, check

USER_DATA = """MIME-Version: 1.0
Content-Type: multipart/mixed; boundary="PART"

--PART
Content-Type: application/node.eks.aws

apiVersion: node.eks.aws/v1alpha1
kind: NodeConfig
spec:
  cluster: {name: e2e, apiServerEndpoint: "https://example.com", certificateAuthority: Zg==, cidr: 10.96.0.0/16}
  kubelet:
    config: {maxPods: 58}
    flags: ["--node-labels=team=data", "--register-with-taints=dedicated=spark:NoSchedule"]

--PART--
"""


def launch_by_hand(world, count, token="by-hand", overrides=({"InstanceType": "m5.xlarge"},), user_data=USER_DATA):
    aws = world.aws
    subnet = aws.cli("ec2", "describe-subnets", "--filters", "Name=availability-zone,Values=us-east-1a")["Subnets"][0]["SubnetId"]
    group = aws.cli("ec2", "describe-security-groups", "--filters", "Name=tag:karpenter.sh/discovery,Values=e2e")["SecurityGroups"][0]["GroupId"]
    image = aws.cli("ssm", "get-parameter", "--name",
                    "/aws/service/eks/optimized-ami/1.34/amazon-linux-2023/x86_64/standard/recommended/image_id")["Parameter"]["Value"]
    data = {"ImageId": image, "SecurityGroupIds": [group], "UserData": base64.b64encode(user_data.encode()).decode()}
    aws.cli("ec2", "create-launch-template", "--launch-template-name", token, "--launch-template-data", json.dumps(data))
    return aws.cli("ec2", "create-fleet", "--type", "instant", "--client-token", token, "--target-capacity-specification",
                   f"TotalTargetCapacity={count},DefaultTargetCapacityType=spot", "--spot-options", "AllocationStrategy=lowest-price",
                   "--launch-template-configs", json.dumps([{"LaunchTemplateSpecification": {"LaunchTemplateName": token, "Version": "$Latest"},
                                                             "Overrides": [{"SubnetId": subnet, **o} for o in overrides]}]))


@case(installed=False)
def world_runs_spark(world):
    """An instance joins as its user data says; Spark 3.5 and 4.0 run there; the node dies with its instance."""
    launch_by_hand(world, 1)
    world.wait("the node is ready", lambda: world.node_events("ready"))
    world.wait("zone labels came", lambda: "topology.kubernetes.io/zone" in world.list("nodes")[0]["metadata"]["labels"])
    node = world.list("nodes")[0]
    check(node["metadata"]["labels"]["team"] == "data", "labels of the user data are on the node")
    check({"key": "dedicated", "value": "spark", "effect": "NoSchedule"} in node["spec"]["taints"], "taints of the user data are on the node")
    check(node["status"]["capacity"]["pods"] == "58", "maxPods of the user data counts")
    world.plane.kubectl("taint", "node", node["metadata"]["name"], "dedicated-")
    for version in ("3.5", "4.0"):
        job = spark.Job(world, "world-" + version.replace(".", "-"), version=version, args=("4", "0.2")).submit().succeeded()
        check(f"sum {sum(range(4000))}" in job.output(), "the job's result is right")
    instance = world.aws.living()[0]["id"]
    world.aws.cli("ec2", "terminate-instances", "--instance-ids", instance)
    world.wait("the machine is gone", lambda: world.node_events("instance-gone"))


@case(installed=False)
def world_is_strict(world):
    """The stand-in refuses what EC2 refuses: a token's second use, pools without capacity, quotas, another architecture."""
    aws = world.aws
    aws.set(no_capacity=[["spot", "m5.large", "*"]], capacity=[["spot", "c5.large", "us-east-1a", 1]], vcpu_quota={"spot": 12})
    overrides = [{"InstanceType": t, "Priority": p} for p, t in enumerate(("m5.large", "m6g.large", "c5.large", "m5.xlarge"))]
    answer = launch_by_hand(world, 4, "strict", overrides)
    got = {s["InstanceType"]: len(s["InstanceIds"]) for s in answer["Instances"]}
    check(got == {"c5.large": 1, "m5.xlarge": 2}, f"one of the last c5.large, the rest up to the quota: {got}")
    codes = {e["LaunchTemplateAndOverrides"]["Overrides"]["InstanceType"]: e["ErrorCode"] for e in answer["Errors"]}
    check(codes.get("m5.large") == "InsufficientInstanceCapacity", f"no capacity is said: {codes}")
    check(codes.get("m6g.large") == "InvalidParameterValue", f"the wrong architecture is said: {codes}")
    again = aws.cli("ec2", "create-fleet", "--type", "instant", "--client-token", "strict", "--target-capacity-specification",
                    "TotalTargetCapacity=1,DefaultTargetCapacityType=spot", "--launch-template-configs",
                    json.dumps([{"LaunchTemplateSpecification": {"LaunchTemplateName": "strict", "Version": "$Latest"}}]), check=False)
    check(again is None, "the token with other parameters is refused")
    check(len(aws.instances()) == 3, "and launches nothing")
    offered = aws.cli("ec2", "describe-instance-types")["InstanceTypes"]
    check(len(offered) > 1000 and sum(c["action"] == "ec2:DescribeInstanceTypes" for c in aws.calls()) > 10, "types come in pages")
    history = aws.cli("ec2", "describe-spot-price-history", "--instance-types", "m5.large", "--product-descriptions", "Linux/UNIX")
    check(all(0.01 < float(h["SpotPrice"]) < 0.2 for h in history["SpotPriceHistory"]), "spot prices are plausible")
