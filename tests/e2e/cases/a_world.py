"""The world itself, without a controller: what the other cases stand on."""
import base64
import json
import re
import urllib.error
import urllib.parse
import urllib.request

from world import spark
from world.api import Api, ApiError
from world.controlplane import ADMIN_TOKEN
from world.parts import ROOT

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


def launch_template(world, name, user_data):
    """Made by awscli, as a user would. Returns the subnet of us-east-1a."""
    aws = world.aws
    subnet = aws.cli("ec2", "describe-subnets", "--filters", "Name=availability-zone,Values=us-east-1a")["Subnets"][0]["SubnetId"]
    group = aws.cli("ec2", "describe-security-groups", "--filters", "Name=tag:karpenter.sh/discovery,Values=e2e")["SecurityGroups"][0]["GroupId"]
    image = aws.cli("ssm", "get-parameter", "--name",
                    "/aws/service/eks/optimized-ami/1.34/amazon-linux-2023/x86_64/standard/recommended/image_id")["Parameter"]["Value"]
    data = {"ImageId": image, "SecurityGroupIds": [group], "UserData": base64.b64encode(user_data.encode()).decode()}
    aws.cli("ec2", "create-launch-template", "--launch-template-name", name, "--launch-template-data", json.dumps(data))
    return subnet


def launch_by_hand(world, count, token="by-hand", overrides=({"InstanceType": "m5.xlarge"},), user_data=USER_DATA):
    aws = world.aws
    subnet = launch_template(world, token, user_data)
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
        spark.Job(world, "world-" + version.replace(".", "-"), version=version, args=("4", "0.2")).submit().gives_sum(4)
    instance = world.aws.living()[0]["id"]
    world.aws.cli("ec2", "terminate-instances", "--instance-ids", instance)
    world.wait("the machine is gone", lambda: world.node_events("instance-gone"))


@case(installed=False)
def world_is_strict(world):
    """The stand-in refuses what AWS refuses: a wrong signature, a token's second use, pools without capacity, quotas, another architecture."""
    aws = world.aws
    for wrong in ({"AWS_SECRET_ACCESS_KEY": "another"}, {"AWS_DEFAULT_REGION": "eu-west-1", "AWS_REGION": "eu-west-1"}):
        check(aws.cli("ec2", "describe-vpcs", check=False, **wrong) is None, f"signed wrongly: {list(wrong)}")
    check({c["why"][0] for c in aws.calls() if c["code"] == 403} == {"SignatureDoesNotMatch"}, "and says so")
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


def recorded_requests():
    """(name, headers, body) of each request in the fixtures: what a real SDK sent."""
    text = (ROOT / "tests/fixtures/aws/requests.txt").read_text()
    for section in text.split("\n## ")[1:]:
        name, *lines = [line for line in section.splitlines() if line and not line.startswith(("(", "#"))]
        headers = dict(line.split(": ", 1) for line in lines if re.match(r"(Content-Type|X-Amz-Target): ", line))
        rest = [line for line in lines if not re.match(r"(Content-Type|X-Amz-Target): ", line)]
        if "X-Amz-Target" in headers:
            yield name, headers, "\n".join(rest)
        else:
            yield name, headers, urllib.parse.urlencode([tuple(line.split("=", 1)) for line in rest if "=" in line])


@case(installed=False)
def world_understands(world):
    """Each request that a real SDK was seen to send has an answer that is EC2's: a result, or an error with a code."""
    aws = world.aws
    for name, headers, body in recorded_requests():
        service = headers.get("X-Amz-Target", "AmazonEC2.").split(".")[0].removeprefix("Amazon").lower()
        if service == "sqs" and "WaitTimeSeconds" in body:
            body = body.replace('"WaitTimeSeconds":20', '"WaitTimeSeconds":0')
        headers["Authorization"] = f"AWS4-HMAC-SHA256 Credential=a/20260101/{aws.region}/{service}/aws4_request, SignedHeaders=host, Signature=0"
        request = urllib.request.Request(aws.url + "/", body.encode(), headers)
        try:
            with aws.opener.open(request, timeout=30) as answer:
                code, text = answer.status, answer.read().decode()
        except urllib.error.HTTPError as refused:
            code, text = refused.code, refused.read().decode()
        known = f"<{name}Response" in text or "<Code>" in text or "x-amz-json" in headers.get("Content-Type", "")
        check(code < 500 and known, f"{name}: {code} {text[:200]}")


@case(installed=False)
def world_fails_on_request(world):
    """The fault proxies do what their rules say, once, and nothing else."""
    api = Api(world.kube_proxy.url, world.plane.ca_file, ADMIN_TOKEN)
    maps = "/api/v1/namespaces/default/configmaps"

    def create(name):
        return api.post(maps, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}})

    def outcome(call):
        try:
            call()
            return "answer"
        except ApiError as refused:
            return refused.code
        except OSError:
            return "nothing"
    check(outcome(lambda: create("plain")) == "answer", "without a rule all goes through")
    world.kube_proxy.add("status", match="^POST", status=503, body=b"{}")
    check(outcome(lambda: create("refused")) == 503, "an error is an error")
    api.local.connection = None
    world.kube_proxy.add("lose", match="^POST")
    check(outcome(lambda: create("lost")) == "nothing", "a lost answer is none")
    world.kube_proxy.add("reset", match="^POST")
    api.local.connection = None
    check(outcome(lambda: create("reset")) == "nothing", "a reset is no answer")
    api.local.connection = None
    world.kube_proxy.add("truncate", match="^GET")
    check(outcome(lambda: api.get("/api/v1/namespaces")) == "nothing", "a cut answer is none")
    names = {m["metadata"]["name"] for m in world.plane.admin.items(maps)}
    check({"plain", "lost"} <= names and not {"refused", "reset"} & names, f"what was lost was done, the others were not: {names}")
    world.proxies.set_down(world.kube_proxy, True)
    api.local.connection = None
    check(outcome(lambda: api.get("/version")) == "nothing", "down is down")
    world.proxies.set_down(world.kube_proxy, False)
    check(outcome(lambda: api.get("/version")) == "answer", "and up again")
