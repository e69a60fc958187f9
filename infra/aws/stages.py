"""The stages of samconfig.toml, and infra/template.yaml as CloudFormation for each of them."""

import copy
import logging
import os
import pathlib
import sys

try:
    import tomllib

    from samtranslator.translator.transform import transform
    from samtranslator.yaml_helper import yaml_parse
except ImportError as missing:
    sys.exit(
        f"{missing}. Python 3.11 or newer and the tools are needed:\n"
        "  python3 -m venv target/aws-tools\n"
        "  target/aws-tools/bin/pip install -r infra/aws/requirements.txt\n"
        f"then run target/aws-tools/bin/python {sys.argv[0]}"
    )

logging.getLogger("samtranslator").setLevel(logging.CRITICAL)

ROOT = pathlib.Path(__file__).resolve().parents[2]
TEMPLATE = ROOT / "infra" / "template.yaml"
SAMCONFIG = ROOT / "samconfig.toml"
REGION = os.environ.setdefault("AWS_DEFAULT_REGION", "eu-central-1")

# Where the code of a function would be. Translation needs an address; nothing is read from it.
SOMEWHERE = "s3://bucket/key"


def sam_environment():
    """Tells nobody that sam was used."""
    return os.environ | {"SAM_CLI_TELEMETRY": "0"}


def samconfig():
    return tomllib.loads(SAMCONFIG.read_text())


def parameters(stage):
    """What samconfig.toml gives to the template for a stage."""
    pairs = samconfig()[stage]["global"]["parameters"]["parameter_overrides"]
    return dict(pair.split("=", 1) for pair in pairs)


def translate(text, values):
    """The template as CloudFormation. The language extensions are left to CloudFormation itself."""
    template = yaml_parse(text)
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            resource["Properties"]["CodeUri"] = SOMEWHERE
    return transform(template, dict(values), _NoManagedPolicies())


def code(text):
    """Where each function's code is, as the template has it."""
    resources = yaml_parse(text)["Resources"].items()
    functions = {name: it["Properties"] for name, it in resources if it["Type"] == "AWS::Serverless::Function"}
    return {name: properties.get("CodeUri") for name, properties in functions.items()}


class _NoManagedPolicies:
    def load(self):
        return {}


class Stack:
    """CloudFormation as one stage gets it: parameters filled in, conditions decided. What only AWS knows
    stays as text, `${Table}` for a Ref and `${Table.Arn}` for an attribute."""

    def __init__(self, cloudformation, values):
        self.cloudformation = cloudformation
        self.values = values
        conditions = cloudformation.get("Conditions", {})
        self._decided = {name: self._resolve(condition) for name, condition in conditions.items()}
        self.resources = {
            name: self._resolve(copy.deepcopy(resource))
            for name, resource in cloudformation["Resources"].items()
            if self._decided.get(resource.get("Condition"), True)
        }
        self.outputs = self._resolve(cloudformation.get("Outputs", {}))

    def of(self, kind):
        """Properties of all resources of a type, by logical name."""
        return {
            name: resource.get("Properties", {})
            for name, resource in self.resources.items()
            if resource["Type"] == kind
        }

    def _resolve(self, value):
        if isinstance(value, list):
            return [item for item in map(self._resolve, value) if item is not None]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            (function, argument), = value.items()
            intrinsic = getattr(self, "_" + function.removeprefix("Fn::").lower(), None)
            if intrinsic and (function.startswith("Fn::") or function in ("Ref", "Condition")):
                return intrinsic(argument)
        resolved = {key: self._resolve(item) for key, item in value.items()}
        return {key: item for key, item in resolved.items() if item is not None}

    def _ref(self, name):
        if name == "AWS::NoValue":
            return None
        return self.values.get(name, "${" + name + "}")

    def _getatt(self, argument):
        return "${" + (argument if isinstance(argument, str) else ".".join(argument)) + "}"

    def _sub(self, argument):
        text, own = (argument, {}) if isinstance(argument, str) else argument
        for name, value in {**self.values, **self._resolve(own)}.items():
            text = text.replace("${" + name + "}", str(value))
        return text

    def _if(self, argument):
        condition, yes, no = argument
        return self._resolve(yes if self._decided[condition] else no)

    def _condition(self, name):
        return self._decided[name]

    def _equals(self, argument):
        left, right = map(self._resolve, argument)
        return str(left) == str(right)

    def _not(self, argument):
        return not self._resolve(argument[0])

    def _join(self, argument):
        return argument[0].join(map(str, self._resolve(argument[1])))
