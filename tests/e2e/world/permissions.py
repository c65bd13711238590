"""What the chart's roles and the shipped policy allow, and what the controller really used, over all cases."""
import json
import re
import subprocess

import yaml

from .aws import KEY_ID
from .controller import CHART, KUBE_VERSION
from .load import CONTROLLER
from .parts import BIN, ROOT, Failed, without_proxies

CALLS = ROOT / "cloud/aws/actions.c"
POLICY = ROOT / "cloud/aws/iam-policy.json"
DOCUMENT = ROOT / "docs/permissions.md"
GROUPS_LEFT_OUT = ("unsigned",)
NOT_MET = {"ec2:DeleteLaunchTemplate"}  # comes after a day of disuse; unit tests go there


def allowed_verbs():
    """{(group, resource[/subresource], verb)} of all roles in the chart, Karpenter's documents included."""
    done = subprocess.run([str(BIN / "helm"), "template", "stoker", str(CHART), *KUBE_VERSION, "--set-json",
                           'settings={"clusterName":"e2e","clusterEndpoint":"https://api","karpenterManifests":true}'], capture_output=True, text=True, env=without_proxies())
    if done.returncode:
        raise Failed("helm template: " + done.stderr)
    found = set()
    for document in yaml.safe_load_all(done.stdout):
        for rule in (document or {}).get("rules") or []:
            found |= {(group, resource, verb) for group in rule.get("apiGroups", []) for resource in rule.get("resources", []) for verb in rule["verbs"]}
    return found


def allowed_actions():
    statements = json.loads(POLICY.read_text())["Statement"]
    return {a for s in statements if s["Effect"] == "Allow" for a in (s["Action"] if isinstance(s["Action"], list) else [s["Action"]])}


def needed_actions(calls):
    """What IAM asks for these calls, "service:Call" each, by the table that the sources keep; and the calls that it lacks."""
    table = {f"{service.lower()}:{call}": re.findall(r'"([^"]+)"', asks)
             for service, call, asks in re.findall(r'\{AWS_(\w+), "(\w+)", \{([^}]*)\}\}', CALLS.read_text())}
    return {action for call in calls & set(table) for action in table[call]}, calls - set(table)


def used(world):
    """(verbs, calls) of one case: {(group, resource, verb)}, {"ec2:CreateFleet", …}."""
    verbs, calls = set(), set()
    for entry in world.plane.audit():
        ref = entry.get("objectRef")
        if ref and entry["user"]["username"].startswith(CONTROLLER):
            resource = ref["resource"] + ("/" + ref["subresource"] if ref.get("subresource") else "")
            verbs.add((ref.get("apiGroup", ""), resource, entry["verb"]))
    for call in world.aws.calls():
        if call["key"] == KEY_ID and not call["agent"].startswith("aws-cli") and not call["action"].startswith(GROUPS_LEFT_OUT):
            calls.add(call["action"].removesuffix(":DryRun"))
    return verbs, calls


def unjustified(verbs, calls):
    """What is allowed and was never used, used and not allowed, or not told of in the table, as lines."""
    role, policy = allowed_verbs(), allowed_actions()
    # A server that streams its lists is only watched; others, and a stream that failed, are listed.
    needed = verbs | {(group, resource, "list") for group, resource, verb in verbs if verb == "watch"}
    lines = [f"the role allows {v} {r} ({g or 'core'}), which nothing used" for g, r, v in sorted(role - needed)]
    lines += [f"{v} {r} ({g or 'core'}) was used without being allowed" for g, r, v in sorted(verbs - role)]
    actions, unknown = needed_actions(calls)
    lines += [f"the policy allows {a}, which nothing used" for a in sorted(policy - actions - NOT_MET)]
    lines += [f"{a} was used without being allowed" for a in sorted(actions - policy)]
    lines += [f"{CALLS.name} does not know {c}" for c in sorted(unknown)]
    lines += [f"{DOCUMENT.name} does not justify {v} {r}" for _, r, v in sorted(role) if not justified(r, v)]
    return lines


def justified(resource, verb):
    """Does the table have a row with this resource and this verb?"""
    for line in DOCUMENT.read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 4 and resource in re.split(r"[ ,]+", cells[1]) and verb in re.split(r"[ ,;]+", cells[2]):
            return True
    return False
