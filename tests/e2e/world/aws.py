"""The stand-in for AWS as a part, and awscli as the eye that looks at it from outside."""
import datetime
import json
import subprocess
import urllib.request

from .parts import AWS, PYTHON, ROOT, Failed, Part, free_port, wait, without_proxies

KEY_ID, SECRET = "AKIAE2ESTOKER0000000", "e2e-secret-access-key-that-no-log-may-show"
EVENTBRIDGE = "EVENTBRIDGE"  # whose key signs what the cases themselves ask of the queue
QUEUE = "stoker-interruptions"


class Aws:
    def __init__(self, folder, region, cluster):
        self.folder, self.region, self.cluster = folder, region, cluster
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        self.part = Part("aws", [PYTHON, "-m", "standin", self.port, region, cluster, folder, KEY_ID, SECRET], folder, cwd=ROOT / "tests/e2e",
                         env=without_proxies())

    def start_queue(self):
        """Waits until it answers, and makes the interruption queue."""
        def answers():
            if not self.part.alive():
                raise Failed("aws: " + self.part.tail())
            return self.instances() == []
        wait("the stand-in for AWS answers", answers)
        self.queue_url = self.cli("sqs", "create-queue", "--queue-name", QUEUE)["QueueUrl"]

    def restart(self):
        """All that it knew is forgotten, as moto does; the account is as it was furnished."""
        self.part.kill()
        self.part.start()
        self.start_queue()

    def world(self, what, value=None):
        data = None if value is None else json.dumps(value).encode()
        with self.opener.open(f"{self.url}/world/{what}", data, timeout=30) as answer:
            return json.load(answer)

    def instances(self, *states):
        """Of those that there ever were: all, or those in these states."""
        return [i for i in self.world("instances") if not states or i["state"] in states]

    def living(self):
        return self.instances("pending", "running")

    def set(self, **settings):
        self.world("settings", settings)

    def cli(self, *args, check=True, **environment):
        env = without_proxies(**{**self.environment(self.url), **environment})
        done = subprocess.run([str(AWS), "--endpoint-url", self.url, "--output", "json", *args], capture_output=True, text=True, env=env,
                              timeout=120)
        if done.returncode and check:
            raise Failed(f"aws {' '.join(args)}: {done.stderr.strip()}")
        return json.loads(done.stdout or "null") if not done.returncode else None

    def environment(self, url):
        return {"AWS_ENDPOINT_URL": url, "AWS_ACCESS_KEY_ID": KEY_ID, "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_REGION": self.region,
                "AWS_DEFAULT_REGION": self.region, "AWS_EC2_METADATA_DISABLED": "true"}

    def launches(self):
        """CreateFleet calls that were answered, in order; repeats of a token are marked."""
        with open(self.folder / "launches.jsonl", encoding="utf-8") as file:
            return [json.loads(line) for line in file if line.endswith("\n")]

    def calls(self):
        with open(self.folder / "aws-calls.jsonl", encoding="utf-8") as file:
            return [json.loads(line) for line in file if line.endswith("\n")]

    def sqs(self, action, **fields):
        """A call of the queue without awscli, whose start takes the better part of a second."""
        signed = f"AWS4-HMAC-SHA256 Credential={EVENTBRIDGE}/20260101/{self.region}/sqs/aws4_request, SignedHeaders=host, Signature=0"
        request = urllib.request.Request(self.url + "/", json.dumps({"QueueUrl": self.queue_url, **fields}).encode(), {
            "Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": "AmazonSQS." + action, "Authorization": signed,
            "User-Agent": "aws-cli"})  # no call of the controller's
        with self.opener.open(request, timeout=30) as answer:
            return json.load(answer)

    # What EventBridge would put into the queue

    def send(self, body):
        self.sqs("SendMessage", MessageBody=body if isinstance(body, str) else json.dumps(body))

    def event(self, detail_type, detail, source="aws.ec2", resources=(), minutes_ago=0.0):
        at = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(minutes=minutes_ago)
        return {"version": "0", "id": "12345678-1234-1234-1234-123456789012", "detail-type": detail_type, "source": source,
                "account": "123456789012", "time": at.strftime("%Y-%m-%dT%H:%M:%SZ"), "region": self.region,
                "resources": list(resources), "detail": detail}

    def spot_notice(self, instance_id, **fields):
        return self.event("EC2 Spot Instance Interruption Warning", {"instance-id": instance_id, "instance-action": "terminate"},
                          resources=[f"arn:aws:ec2:us-east-1a:instance/{instance_id}"], **fields)

    def rebalance(self, instance_id):
        return self.event("EC2 Instance Rebalance Recommendation", {"instance-id": instance_id})

    def state_change(self, instance_id, state):
        return self.event("EC2 Instance State-change Notification", {"instance-id": instance_id, "state": state})

    def scheduled_change(self, instance_id):
        detail = {"eventArn": "arn:aws:health:x", "service": "EC2", "eventTypeCode": "AWS_EC2_INSTANCE_RETIREMENT_SCHEDULED",
                  "eventTypeCategory": "scheduledChange", "startTime": "Sat, 05 Jun 2027 15:10:09 GMT",
                  "affectedEntities": [{"entityValue": instance_id}]}
        return self.event("AWS Health Event", detail, source="aws.health", resources=[instance_id])

    def scaling_group_terminates(self, instance_id):
        """A group begins to, and its hook waits to be completed."""
        hook = {"AutoScalingGroupName": "machines", "LifecycleHookName": "drain", "InstanceId": instance_id,
                "LifecycleActionToken": "87654321-4321-4321-4321-210987654321"}
        self.set(hooks=[hook])
        return self.event("EC2 Instance-terminate Lifecycle Action", {
            **{name: value for name, value in hook.items() if name != "InstanceId"}, "EC2InstanceId": instance_id,
            "LifecycleTransition": "autoscaling:EC2_INSTANCE_TERMINATING"}, source="aws.autoscaling")

    def reclaim(self, instance_id):
        """EC2 takes the machine, as it does two minutes after its notice."""
        self.world("reclaim", {"id": instance_id})

    def queue_length(self):
        answer = self.sqs("GetQueueAttributes", AttributeNames=[
            "ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"])["Attributes"]
        return sum(int(value) for value in answer.values())
