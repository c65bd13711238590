"""usage: python -m standin PORT REGION CLUSTER LOG_FOLDER KEY_ID SECRET

Serves AWS's APIs on 127.0.0.1:PORT, and beside them, for tests alone:
  GET  /world/instances   every instance there ever was, with its launch template's user data
  POST /world/settings    JSON merged into Market.settings
  POST /world/reclaim     {"id": …}: EC2 takes a spot instance back
"""
import io
import json
import logging
import re
import sys
import urllib.parse

from moto.ec2 import ec2_backends
from moto.iam import iam_backends
from moto.moto_api._internal import mock_random
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server

from . import catalogue, fleet, instances, signature
from .market import Market

ACCOUNT = "123456789012"


class Handler(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_request(self, *_):
        """Calls are in aws-calls.jsonl."""


def furnish(market, cluster):
    """What an account with a cluster has: tagged subnets and security groups, images, an instance profile."""
    backend = ec2_backends[ACCOUNT][market.region]
    for subnet in backend.describe_subnets():
        subnet.add_tags({"karpenter.sh/discovery": cluster, f"kubernetes.io/cluster/{cluster}": "shared"})
    vpc = backend.describe_vpcs()[0]
    group = backend.create_security_group("nodes", "nodes of the cluster", vpc.id, tags={"karpenter.sh/discovery": cluster})
    images = {}
    for architecture in ("x86_64", "arm64"):
        image = backend.register_image(name=f"amazon-eks-node-al2023-{architecture}", description="stand-in")
        image.architecture = architecture
        images[architecture] = image.id
    market.settings["images"] = catalogue.image_parameters(images)
    iam = iam_backends[ACCOUNT]["aws"]
    iam.create_role("node", "{}", "/", None, "", [], 3600)
    profile = iam.create_instance_profile("node-profile", "/", [])
    profile.roles.append(iam.get_role("node"))
    return group


class World:
    """The WSGI application: moto behind, the test's own paths in front, every call written down."""

    def __init__(self, market, secrets):
        self.market, self.secrets = market, secrets
        self.moto = DomainDispatcherApplication(create_backend_app)

    def __call__(self, environ, start_response):
        path = environ["PATH_INFO"]
        if path.startswith("/world/"):
            return self.own(path[len("/world/"):], environ, start_response)
        action = self.action(environ)
        state = {}
        said = signature.parts_of(environ.get("HTTP_AUTHORIZATION"))
        who = {"key": said.get("Credential", "").split("/")[0], "agent": environ.get("HTTP_USER_AGENT", "").split(" ")[0]}
        refused = signature.problem(environ, self.body(environ), self.market.region, self.secrets)
        if refused:
            self.market.log_call(action=action, code=403, why=refused, **who)
            return self.write(start_response, "403 Forbidden", *signature.refusal(environ, *refused))

        def started(status, headers, exc_info=None):
            state["code"] = int(status.split()[0])
            return start_response(status, headers, exc_info)

        if (environ.get("HTTP_X_AMZ_TARGET") or "").startswith("AWSPriceListService."):
            self.market.log_call(action=action, code=200, **who)
            return self.answer(start_response, catalogue.products(self.market, json.loads(self.body(environ) or b"{}")))
        if action == "autoscaling:CompleteLifecycleAction":
            return self.complete_lifecycle(environ, start_response, action, who)
        if action == "sqs:ReceiveMessage":
            self.shorten_poll(environ)
        chunks = self.moto(environ, started)
        self.market.log_call(action=action, code=state.get("code"), **who)
        return chunks

    @staticmethod
    def body(environ):
        data = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = io.BytesIO(data)
        return data

    def shorten_poll(self, environ):
        asked = json.loads(self.body(environ) or b"{}")
        asked["WaitTimeSeconds"] = min(asked.get("WaitTimeSeconds", 0), self.market.settings["poll_s"])
        data = json.dumps(asked).encode()
        environ.update({"wsgi.input": io.BytesIO(data), "CONTENT_LENGTH": str(len(data))})

    def complete_lifecycle(self, environ, start_response, action, who):
        """moto has none. The group terminates its machine once nobody waits any more."""
        form = {name: values[0] for name, values in urllib.parse.parse_qs(self.body(environ).decode()).items()}
        hooks = self.market.settings["hooks"]
        found = next((h for h in hooks if all(form.get(name) == value for name, value in h.items())), None)
        self.market.log_call(action=action, code=200 if found else 400, instance=form.get("InstanceId"),
                             result=form.get("LifecycleActionResult"), **who)
        if not found:
            text = ("<ErrorResponse><Error><Type>Sender</Type><Code>ValidationError</Code><Message>No active Lifecycle Action found with "
                    f"instance ID {form.get('InstanceId')}</Message></Error></ErrorResponse>")
            return self.write(start_response, "400 Bad Request", "text/xml", text)
        hooks.remove(found)
        return self.write(start_response, "200 OK", "text/xml", "<CompleteLifecycleActionResponse><CompleteLifecycleActionResult/>"
                          "<ResponseMetadata><RequestId>0</RequestId></ResponseMetadata></CompleteLifecycleActionResponse>")

    @staticmethod
    def write(start_response, status, content_type, text):
        body = text.encode()
        start_response(status, [("Content-Type", content_type), ("Content-Length", str(len(body)))])
        return [body]

    def action(self, environ):
        target = environ.get("HTTP_X_AMZ_TARGET")
        found = re.search(r"/(\w[\w-]*)/aws4_request", environ.get("HTTP_AUTHORIZATION") or "")
        service = found.group(1) if found else "unsigned"
        if target:
            return f"{service}:{target.split('.')[-1]}"
        form = urllib.parse.parse_qs(self.body(environ).decode("utf-8", "replace"))
        query = urllib.parse.parse_qs(environ.get("QUERY_STRING", ""))
        name = (form.get("Action") or query.get("Action") or [environ["PATH_INFO"]])[0]
        return f"{service}:{name}" + (":DryRun" if form.get("DryRun") == ["true"] else "")

    def answer(self, start_response, value):
        return self.write(start_response, "200 OK", "application/x-amz-json-1.1", json.dumps(value))

    def own(self, what, environ, start_response):
        backend = ec2_backends[ACCOUNT][self.market.region]
        given = json.loads(self.body(environ) or b"{}")
        if what == "instances":
            return self.answer(start_response, instances.everything(backend, self.market))
        if what == "settings":
            self.market.settings.update(given)
            return self.answer(start_response, self.market.settings)
        if what == "reclaim":
            instances.reclaim(backend, self.market, given["id"])
            return self.answer(start_response, {})
        raise ValueError(what)


def main():
    port, region, cluster, log_folder, key_id, secret = sys.argv[1:]
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    market = Market(region, log_folder)
    mock_random.seed(1)  # the account's subnets and images have the same names after a restart
    furnish(market, cluster)
    mock_random.seed()  # instances do not
    catalogue.install(market)
    instances.install(market, fleet)
    server = make_server("127.0.0.1", int(port), World(market, {key_id: secret}), threaded=True, request_handler=Handler)
    server.serve_forever()


main()
