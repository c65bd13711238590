"""Strict JSON schemas for kubeconform out of the living API server's OpenAPI document, custom resources included."""
import json

LOOSE = {"io.k8s.apimachinery.pkg.util.intstr.IntOrString": {"oneOf": [{"type": "string"}, {"type": "integer"}]},
         "io.k8s.apimachinery.pkg.api.resource.Quantity": {"oneOf": [{"type": "string"}, {"type": "number"}]}}


class Expander:
    """References are put in; a type that holds itself ends as anything."""

    def __init__(self, definitions):
        self.definitions = definitions

    def reference(self, name, path):
        if name in LOOSE:
            return LOOSE[name]
        return {} if name in path else self.schema(self.definitions[name], path + (name,))

    def schema(self, value, path):
        if isinstance(value, list):
            return [self.schema(v, path) for v in value]
        if not isinstance(value, dict):
            return value
        if isinstance(value.get("$ref"), str):
            return self.reference(value["$ref"].rsplit("/", 1)[1], path)
        made = {k: self.schema(v, path) for k, v in value.items() if not (k == "description" and isinstance(v, str))}
        if made.get("format") == "int-or-string":
            return LOOSE["io.k8s.apimachinery.pkg.util.intstr.IntOrString"]
        fields = made.get("properties")
        if isinstance(fields, dict) and isinstance(value.get("properties"), dict):
            if "additionalProperties" not in made and not made.get("x-kubernetes-preserve-unknown-fields"):
                made["additionalProperties"] = False
            for name, field in fields.items():  # null stands for a field that is left out
                if isinstance(field, dict) and isinstance(field.get("type"), str) and name not in made.get("required", []):
                    field["type"] = [field["type"], "null"]
        return made


def write(api, folder):
    """One file a kind, as kubeconform looks for them: kind-group-version.json."""
    folder.mkdir(parents=True, exist_ok=True)
    document = api.get("/openapi/v2")
    expander = Expander(document["definitions"])
    count = 0
    for name, schema in document["definitions"].items():
        kinds = schema.get("x-kubernetes-group-version-kind", [])
        if len(kinds) != 1:
            continue
        group = kinds[0]["group"].split(".")[0]
        made = expander.reference(name, ())
        made["$schema"] = "http://json-schema.org/schema#"
        file = f"{kinds[0]['kind'].lower()}-{group + '-' if group else ''}{kinds[0]['version']}.json"
        (folder / file).write_text(json.dumps(made))
        count += 1
    return count
