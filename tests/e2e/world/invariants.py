"""What must hold after every case, whatever it did."""
import json
import re

from .aws import KEY_ID, SECRET
from .controlplane import TOKENS
from .parts import Failed
from .api import ApiError

OURS = "stoker.sh/cluster"


def check(world):
    nothing_launched_twice(world)
    if world.controllers:
        claims_and_instances_agree(world)
    no_secrets(world)
    only_allowed_calls(world)


def nothing_launched_twice(world):
    """A token launches once; no claim got two instances."""
    tokens = [launch["token"] for launch in world.aws.launches() if not launch["repeat"]]
    doubled = {token for token in tokens if tokens.count(token) > 1}
    if doubled or not all(tokens):
        raise Failed(f"launched twice, or without a token: {doubled}")
    refused = world.node_events("refused-pod")
    if refused:
        raise Failed(f"kubelets had to refuse pods: {refused[:3]}")
    hanging = world.node_events("cannot-attach")
    if hanging:
        raise Failed(f"pods hang for one volume too many: {hanging[:3]}")


def claims_and_instances_agree(world):
    """No instance of ours that no claim owns, no launched claim whose instance is not there. In the end, that is."""
    def mismatch():
        try:
            claims = world.list("claims")
        except ApiError as problem:
            if problem.code == 404:  # no CRDs: a case without the chart
                return ""
            raise
        owned = [c["status"]["instanceID"] for c in claims if c.get("status", {}).get("instanceID")]
        living = [i["id"] for i in world.aws.living() if i["tags"].get(OURS) == world.cluster]
        if len(owned) != len(set(owned)):
            return f"two claims own one instance: {owned}"
        if set(living) - set(owned):
            return f"instances that no claim owns: {sorted(set(living) - set(owned))}"
        if set(owned) - set(living):
            return f"claims without their instances: {sorted(set(owned) - set(living))}"
        return ""
    try:
        world.wait("claims and instances agree", lambda: not mismatch(), 30)
    except Failed as failed:
        raise Failed(mismatch() or str(failed)) from None


def no_secrets(world):
    """In no log, no event, no claim."""
    secrets = [SECRET] + [line.split(",")[0] for line in TOKENS.splitlines()]
    secrets += [file.read_text().strip() for file in world.folder.glob("*.token")]
    texts = {c.name: c.part.text() for c in world.controllers}
    texts["events"] = json.dumps(world.list("events"))
    if world.controllers:
        try:
            texts["claims"] = json.dumps(world.list("claims"))
        except ApiError:
            pass
    for name, text in texts.items():
        for secret in secrets:
            if secret in text:
                raise Failed(f"a secret is in {name}: {secret[:6]}…")
        found = re.search(r"eyJhbGciOi|Signature=[0-9a-f]{16}|" + KEY_ID, text)
        if found:
            raise Failed(f"{name} shows credentials: {text[max(0, found.start() - 60):found.start() + 12]}…")


def only_allowed_calls(world):
    """The API server never had to forbid what the controller asked for: its role is enough."""
    for entry in world.plane.audit():
        if entry["user"]["username"].startswith("system:serviceaccount:stoker:") and entry.get("responseStatus", {}).get("code") == 403:
            ref = entry.get("objectRef", {})
            raise Failed(f"forbidden: {entry['verb']} {ref.get('resource')}/{ref.get('subresource', '')} in {ref.get('namespace', '')!r}")


def keep_picture(world):
    """What there was when a case failed, beside its logs."""
    for name, args in (("pods", ("get", "pods", "-A", "-o", "wide")), ("nodes", ("get", "nodes", "-o", "yaml")),
                       ("claims", ("get", "nodeclaims", "-o", "yaml")), ("events", ("get", "events", "-A"))):
        done = world.plane.kubectl(*args, check=False)
        (world.folder / f"picture-{name}.txt").write_text(done.stdout + done.stderr)
    try:
        (world.folder / "picture-instances.json").write_text(json.dumps(world.aws.instances(), indent=1))
    except OSError:
        pass
