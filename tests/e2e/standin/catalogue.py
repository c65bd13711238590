"""Look-ups as the real services answer them: prices of today, pages, EKS's image parameters, Pricing."""
import datetime
import json

from moto.core.responses import ActionResult
from moto.ec2.responses.instances import InstanceResponse
from moto.ec2.responses.spot_instances import SpotInstances
from moto.ssm.models import Parameter, SimpleSystemManagerBackend

PAGE = 100  # DescribeInstanceTypes
VERSIONS = [f"1.{minor}" for minor in range(28, 36)]


def image_parameters(images):
    """`images`: {"x86_64": id, "arm64": id}. Which parameters EKS publishes: AL2 ends at 1.32."""
    known = {}
    for version in VERSIONS:
        base = f"/aws/service/eks/optimized-ami/{version}"
        for architecture, image in images.items():
            for variant in ("standard",) + (("nvidia", "neuron") if architecture == "x86_64" else ()):
                known[f"{base}/amazon-linux-2023/{architecture}/{variant}/recommended/image_id"] = image
            known[f"/aws/service/bottlerocket/aws-k8s-{version}/{architecture}/latest/image_id"] = image
        if int(version[2:]) <= 32:
            known[f"{base}/amazon-linux-2/recommended/image_id"] = images["x86_64"]
            known[f"{base}/amazon-linux-2-gpu/recommended/image_id"] = images["x86_64"]
            known[f"{base}/amazon-linux-2-arm64/recommended/image_id"] = images["arm64"]
    return known


def page_of(items, token, size):
    first = int(token or 0)
    more = str(first + size) if first + size < len(items) else None
    return items[first:first + size], more


def install(market):
    all_types = InstanceResponse.describe_instance_types
    all_offerings = InstanceResponse.describe_instance_type_offerings
    get_parameter = SimpleSystemManagerBackend.get_parameter

    def describe_instance_types(self):
        self.error_on_dryrun()
        found = all_types(self)._result["InstanceTypes"]
        found, more = page_of(found, self._get_param("NextToken"), min(int(self._get_param("MaxResults") or PAGE), PAGE))
        return ActionResult({"InstanceTypes": found, "NextToken": more})

    def describe_instance_type_offerings(self):
        self.error_on_dryrun()
        found = all_offerings(self)._result["InstanceTypeOfferings"]
        found, more = page_of(found, self._get_param("NextToken"), min(int(self._get_param("MaxResults") or 1000), 1000))
        return ActionResult({"InstanceTypeOfferings": found, "NextToken": more})

    def describe_spot_price_history(self):
        self.error_on_dryrun()
        types = set(self._get_param("InstanceTypes", []))
        zones = {self._get_param("AvailabilityZone")} - {None}
        products = self._get_param("ProductDescriptions", []) or ["Linux/UNIX"]
        now = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(minutes=7)
        found = [{"InstanceType": name, "AvailabilityZone": zone, "SpotPrice": f"{price:.6f}", "Timestamp": now,
                  "ProductDescription": product}
                 for (kind, name, zone), price in market.prices.items()
                 if kind == "spot" and (not types or name in types) and (not zones or zone in zones)
                 for product in products if product.startswith("Linux/UNIX")]
        found, more = page_of(found, self._get_param("NextToken"), min(int(self._get_param("MaxResults") or 1000), 10000))
        return ActionResult({"SpotPriceHistory": found, "NextToken": more or ""})

    def published(self, name):
        image = market.settings["images"].get(name)
        if image is None:
            return get_parameter(self, name)
        return Parameter(account_id=self.account_id, name=name, value=image, parameter_type="String", description="",
                         allowed_pattern=None, keyid=None, last_modified_date=0, version=1, data_type="text", labels=[],
                         tier="Standard", policies=None)

    InstanceResponse.describe_instance_types = describe_instance_types
    InstanceResponse.describe_instance_type_offerings = describe_instance_type_offerings
    SpotInstances.describe_spot_price_history = describe_spot_price_history
    SimpleSystemManagerBackend.get_parameter = published


def products(market, request):
    """Pricing GetProducts: On-Demand prices of Linux, shared tenancy, as JSON texts in pages of 100."""
    wanted = {f["Field"]: f["Value"] for f in request.get("Filters", [])}
    prices = {}
    for (kind, name, _), price in sorted(market.prices.items()):
        if kind == "on-demand" and wanted.get("instanceType", name) == name:
            prices[name] = price
    if wanted.get("regionCode", market.region) != market.region:
        prices = {}
    names, more = page_of(sorted(prices), request.get("NextToken"), min(int(request.get("MaxResults") or 100), 100))
    texts = []
    for name in names:
        attributes = {"instanceType": name, "regionCode": market.region, "operatingSystem": "Linux", "tenancy": "Shared",
                      "preInstalledSw": "NA", "capacitystatus": "Used", "operation": "RunInstances", "marketoption": "OnDemand"}
        rate = {"unit": "Hrs", "pricePerUnit": {"USD": f"{prices[name]:.10f}"}, "description": name}
        texts.append(json.dumps({"product": {"productFamily": "Compute Instance", "attributes": attributes},
                                 "terms": {"OnDemand": {"x": {"priceDimensions": {"y": rate}}}}}))
    return {"FormatVersion": "aws_v1", "PriceList": texts, **({"NextToken": more} if more else {})}
