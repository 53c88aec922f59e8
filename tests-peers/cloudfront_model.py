#!/usr/bin/env python3
"""Writes the table of CloudFront's API that the operators' interface is made from, out of botocore's service models.

usage: cloudfront_model.py > crates/control/src/cloudfront/model/table.txt
       cloudfront_model.py --check FILE     exits with 1 if FILE is not what would be written

Lines of the table, with what belongs to them indented by a blank; SINCE is a position in the line of versions:
  botocore VERSION
  versions DATE...
  error CODE STATUS
  operation NAME SINCE METHOD STATUS PATH      PATH is without its date, and may have a query
   query NAME...                               parameters of the query besides those of PATH
   body ROOT SHAPE required|optional           element and shape of the request's body
   answer ROOT SHAPE                           element and shape of the answer's body
   headers NAME...                             headers of the answer
   errors CODE...
  later NAME SINCE METHOD PATH                 an operation that is refused by its name
  structure NAME
   MEMBER SINCE SHAPE required|optional        required: in every version that has the member
  list NAME ELEMENT SHAPE
  words NAME VALUE...                          a text that is one of these
Shapes in lower case are texts, numbers and so on.
"""
import gzip
import json
import sys
from pathlib import Path

import botocore

RESOURCES = {
    "Distribution": "Distributions",
    "StreamingDistribution": "StreamingDistributions",
    "CloudFrontOriginAccessIdentity": "CloudFrontOriginAccessIdentities",
    "OriginAccessControl": "OriginAccessControls",
    "PublicKey": "PublicKeys",
    "KeyGroup": "KeyGroups",
    "CachePolicy": "CachePolicies",
    "ResponseHeadersPolicy": "ResponseHeadersPolicies",
    "OriginRequestPolicy": "OriginRequestPolicies",
}
MUST = [
    form.format(one, many)
    for one, many in RESOURCES.items()
    for form in ("Create{0}", "Get{0}", "Get{0}Config", "Update{0}", "Delete{0}", "List{1}")
] + """
CreateDistributionWithTags CreateStreamingDistributionWithTags
ListDistributionsByKeyGroup ListDistributionsByCachePolicyId ListDistributionsByResponseHeadersPolicyId
ListDistributionsByOriginRequestPolicyId
CreateInvalidation GetInvalidation ListInvalidations
ListTagsForResource TagResource UntagResource
""".split()
SHOULD = """
AssociateAlias ListConflictingAliases
CreateMonitoringSubscription GetMonitoringSubscription DeleteMonitoringSubscription
CreateRealtimeLogConfig GetRealtimeLogConfig UpdateRealtimeLogConfig DeleteRealtimeLogConfig ListRealtimeLogConfigs
ListDistributionsByRealtimeLogConfig ListDistributionsByWebACLId
CreateFunction GetFunction DescribeFunction UpdateFunction PublishFunction TestFunction DeleteFunction ListFunctions
""".split()
SCALARS = {"string", "boolean", "integer", "long", "float", "double", "timestamp", "blob"}


class Table:
    def __init__(self):
        folder = Path(botocore.__file__).parent / "data" / "cloudfront"
        self.versions = sorted(path.name for path in folder.iterdir())
        self.models = [
            json.loads(gzip.open(folder / version / "service-2.json.gz").read()) for version in self.versions
        ]
        self.newest = self.models[-1]
        self.shapes = {}
        self.lines = []

    def write(self):
        self.lines.append("botocore " + botocore.__version__)
        self.lines.append("versions " + " ".join(self.versions))
        wanted = MUST + SHOULD
        operations = self.newest["operations"]
        errors = {error["shape"] for name in wanted for error in operations[name].get("errors", [])}
        errors.add("UnsupportedOperation")
        for code in sorted(errors):
            status = self.newest["shapes"][code]["error"]["httpStatusCode"]
            self.lines.append(f"error {code} {status}")
        for name in sorted(wanted):
            self.operation(name, operations[name])
        for name in sorted(set(operations) - set(wanted)):
            http = operations[name]["http"]
            self.lines.append(f"later {name} {self.since(name)} {http['method']} {self.path(http)}")
        for name in sorted(self.shapes):
            self.lines += self.shapes[name]
        return "\n".join(self.lines) + "\n"

    def since(self, name):
        return next(i for i, model in enumerate(self.models) if name in model["operations"])

    def path(self, http):
        return http["requestUri"].removeprefix("/" + self.versions[-1])

    def operation(self, name, operation):
        http = operation["http"]
        status = http.get("responseCode", 200)
        self.lines.append(f"operation {name} {self.since(name)} {http['method']} {status} {self.path(http)}")
        given = operation.get("input", {})
        if given:
            shape = self.newest["shapes"][given["shape"]]
            members = shape["members"]
            query = [m["locationName"] for m in members.values() if m.get("location") == "querystring"]
            if query:
                self.lines.append(" query " + " ".join(query))
            self.body(given, shape)
        answer = operation.get("output", {})
        if answer:
            shape = self.newest["shapes"][answer["shape"]]
            if "payload" in shape:
                payload = shape["members"][shape["payload"]]
                root = payload.get("locationName", shape["payload"])
                self.lines.append(f" answer {root} {self.shape(payload['shape'])}")
            elif any("location" not in member for member in shape["members"].values()):
                self.lines.append(f" answer {answer['shape']} {self.shape(answer['shape'])}")
            headers = [m["locationName"] for m in shape["members"].values() if m.get("location") == "header"]
            if headers:
                self.lines.append(" headers " + " ".join(headers))
        errors = sorted(error["shape"] for error in operation.get("errors", []))
        if errors:
            self.lines.append(" errors " + " ".join(errors))

    def body(self, given, shape):
        if "payload" in shape:
            payload = shape["members"][shape["payload"]]
            need = "required" if shape["payload"] in shape.get("required", []) else "optional"
            root = payload.get("locationName", shape["payload"])
            self.lines.append(f" body {root} {self.shape(payload['shape'])} {need}")
        elif any("location" not in member for member in shape["members"].values()):
            self.lines.append(f" body {given['locationName']} {self.shape(given['shape'])} required")

    def shape(self, name):
        """Returns how a shape is named in the table, which has its lines from then on."""
        shape = self.newest["shapes"][name]
        kind = shape["type"]
        if kind in SCALARS:
            if "enum" not in shape:
                return kind
            self.shapes[name] = [f"words {name} " + " ".join(shape["enum"])]
            return name
        if name in self.shapes:
            return name
        self.shapes[name] = []
        if kind == "list":
            assert not shape.get("flattened"), name
            element = shape["member"].get("locationName", "member")
            self.shapes[name] = [f"list {name} {element} {self.shape(shape['member']['shape'])}"]
        elif kind == "structure":
            lines = [f"structure {name}"]
            for member, reference in shape["members"].items():
                if "location" in reference:
                    continue
                assert reference.get("locationName", member) == member, (name, member)
                having = [
                    (i, model["shapes"][name])
                    for i, model in enumerate(self.models)
                    if member in model["shapes"].get(name, {}).get("members", {})
                ]
                need = all(member in older.get("required", []) for _, older in having)
                need = "required" if need else "optional"
                lines.append(f" {member} {having[0][0]} {self.shape(reference['shape'])} {need}")
            self.shapes[name] = lines
        else:
            raise ValueError(kind)
        return name


def main():
    table = Table().write()
    if sys.argv[1:2] == ["--check"]:
        same = Path(sys.argv[2]).read_text() == table
        print("the table is that of botocore" if same else "the table is not that of botocore", botocore.__version__)
        return 0 if same else 1
    sys.stdout.write(table)
    return 0


if __name__ == "__main__":
    sys.exit(main())
