"""Who signed a request, and rightly so: what every real service looks at first, and moto does not.

After https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html; botocore, AWS's own, works the signature out anew.
"""
import datetime
import json
import re

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

SKEW_S = 300
HOMES = {"iam": "us-east-1", "pricing": "us-east-1"}  # services that sign for a region of their own
ALWAYS_SIGNED = {"host", "x-amz-date"}


def parts_of(authorization):
    """{"Credential", "SignedHeaders", "Signature"} as they are in the header."""
    return dict(re.findall(r"(\w+)=([^, ]+)", authorization or ""))


def problem(environ, body, region, secrets):
    """(code, message) where the request must be refused; None where it may pass, also for keys that `secrets` does not have."""
    said = parts_of(environ.get("HTTP_AUTHORIZATION"))
    key, *scope = said.get("Credential", "").split("/")
    if key not in secrets:
        return None
    if len(scope) != 4 or scope[3] != "aws4_request":
        return "IncompleteSignature", f"Credential must have a scope of four parts, and has {scope}"
    day, signed_region, service, _ = scope
    if signed_region != HOMES.get(service, region):
        return "SignatureDoesNotMatch", f"Credential should be scoped to a valid region, and is for {signed_region}"
    stamp = environ.get("HTTP_X_AMZ_DATE", "")
    try:
        at = datetime.datetime.strptime(stamp + "+0000", "%Y%m%dT%H%M%SZ%z")
    except ValueError:
        return "IncompleteSignature", f"X-Amz-Date is {stamp!r}"
    if abs((datetime.datetime.now(datetime.timezone.utc) - at).total_seconds()) > SKEW_S or not stamp.startswith(day):
        return "RequestExpired", f"Request has expired: {stamp}, {day}"
    names = said.get("SignedHeaders", "").split(";")
    if not ALWAYS_SIGNED <= set(names):
        return "SignatureDoesNotMatch", f"signed are only {names}"
    values = {"content-type": environ.get("CONTENT_TYPE", ""), "content-length": environ.get("CONTENT_LENGTH", "")}
    headers = {name: environ.get("HTTP_" + name.upper().replace("-", "_"), values.get(name, "")) for name in names}
    query = "?" + environ["QUERY_STRING"] if environ.get("QUERY_STRING") else ""
    request = AWSRequest(environ["REQUEST_METHOD"], f"http://{headers['host']}{environ['PATH_INFO']}{query}", headers, body)
    request.context["timestamp"] = stamp
    signer = SigV4Auth(Credentials(key, secrets[key]), service, signed_region)
    if signer.signature(signer.string_to_sign(request, signer.canonical_request(request)), request) != said.get("Signature"):
        return "SignatureDoesNotMatch", "The request signature we calculated does not match the signature you provided."
    return None


def refusal(environ, code, message):
    """(content type, text) in the words of the protocol that was asked in."""
    if environ.get("HTTP_X_AMZ_TARGET"):
        return environ.get("CONTENT_TYPE", ""), json.dumps({"__type": code, "message": message})
    return "text/xml", f"<Response><Errors><Error><Code>{code}</Code><Message>{message}</Message></Error></Errors><RequestID>0</RequestID></Response>"
