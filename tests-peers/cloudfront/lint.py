"""Checks answers of CloudFront's API against the model that botocore has of it.

A client drops what it does not expect in silence, and fills in what is missing: a story that passes says little about
the answers. Here every member, type, enumeration, number of items, header, status and error code is compared.
"""

import re
import xml.etree.ElementTree as ElementTree

NAMESPACE = "http://cloudfront.amazonaws.com/doc/{}/"
TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
# Errors that every service of Amazon may answer with, and their statuses.
GENERAL = {
    "AccessDenied": 403,
    "IncompleteSignature": 400,
    "InvalidArgument": 400,
    "InvalidClientTokenId": 403,
    "MalformedXML": 400,
    "MissingAuthenticationToken": 403,
    "MissingBody": 400,
    "RequestExpired": 400,
    "SignatureDoesNotMatch": 403,
    "Throttling": 400,
    "UnsupportedOperation": 400,
}
# Errors that the documentation names and the model leaves out of operations.
UNMODELLED = {"InvalidationBatchAlreadyExists": 409}


class Lint:
    """Collects faults of all answers that a client gets."""

    def __init__(self, client):
        self.version = client.meta.service_model.api_version
        # All codes of the model with their statuses.
        self.codes = {}
        model = client.meta.service_model
        for name in model.shape_names:
            shape = model.shape_for(name)
            error = shape.metadata.get("error") if shape.type_name == "structure" else None
            if error:
                self.codes[error.get("code", name)] = error["httpStatusCode"]
        self.answers = {}
        self.faults = []
        client.meta.events.register("before-parse.cloudfront", self.check)

    def check(self, operation_model, response_dict, **_):
        """Checks an answer as it came."""
        name = re.sub(r"\d{4}_\d\d_\d\d$", "", operation_model.name)
        answer = Answer(self, operation_model, response_dict)
        answer.check()
        self.faults += [f"{name}: {fault}" for fault in answer.faults]
        kind = "refused" if answer.status >= 300 else "done"
        counts = self.answers.setdefault(name, {"done": 0, "refused": 0, "codes": set()})
        counts[kind] += 1
        counts["codes"] |= answer.codes


class Answer:
    """One answer and its faults."""

    def __init__(self, lint, operation, response):
        self.lint = lint
        self.operation = operation
        self.status = response["status_code"]
        self.headers = {name.lower(): value for name, value in response["headers"].items()}
        self.body = response["body"]
        self.codes = set()
        self.faults = []

    def say(self, place, fault):
        self.faults.append(f"{self.status} {place}: {fault}")

    def check(self):
        request_id = self.headers.get("x-amzn-requestid", "")
        if not request_id:
            self.say("x-amzn-requestid", "missing")
        root = None
        if self.body:
            if not self.headers.get("content-type", "").startswith("text/xml"):
                self.say("content-type", self.headers.get("content-type"))
            root = ElementTree.fromstring(self.body)
        if self.status >= 300:
            self.check_error(root, request_id)
        else:
            self.check_success(root)

    def check_error(self, root, request_id):
        if root is None or local(root) != "ErrorResponse":
            return self.say("body", "no ErrorResponse")
        self.check_namespace(root)
        if shape_of(root) != ["Error", "RequestId"]:
            self.say("ErrorResponse", shape_of(root))
        if root[1].text != request_id:
            self.say("RequestId", "is not that of the header")
        error = {local(child): child.text for child in root[0]}
        if list(error) != ["Type", "Code", "Message"] or not error["Message"]:
            self.say("Error", error)
        kind = "Sender" if self.status < 500 else "Receiver"
        if error.get("Type") != kind:
            self.say("Type", error.get("Type"))
        self.check_code(error.get("Code"))

    def check_code(self, code):
        self.codes.add(code)
        modelled = {
            shape.metadata["error"].get("code", shape.name)
            for shape in self.operation.error_shapes
        }
        known = {**UNMODELLED, **self.lint.codes, **GENERAL}
        if code not in modelled and code not in GENERAL and code not in UNMODELLED:
            self.say("Code", f"{code} is not an error of this operation")
        if known.get(code) != self.status:
            self.say("Code", f"{code} has status {known.get(code)} in the model")

    def check_success(self, root):
        http = self.operation.http
        if self.status != http.get("responseCode", 200):
            self.say("status", f"is {http.get('responseCode', 200)} in the model")
        output = self.operation.output_shape
        if output is None:
            if root is not None:
                self.say("body", "is not empty")
            return
        for name, shape in output.members.items():
            if shape.serialization.get("location") == "header":
                header = shape.serialization.get("locationName", name).lower()
                if not self.headers.get(header):
                    self.say(header, "missing")
        payload = output.serialization.get("payload")
        if payload is None:
            return
        shape = output.members[payload]
        if root is None:
            return self.say("body", "is empty")
        expected = shape.serialization.get("locationName", shape.name)
        if local(root) != expected:
            self.say("root", f"{local(root)} instead of {expected}")
        self.check_namespace(root)
        self.check_value(local(root), root, shape)

    def check_namespace(self, root):
        expected = NAMESPACE.format(self.lint.version)
        if root.tag != f"{{{expected}}}{local(root)}":
            self.say("namespace", root.tag)

    def check_value(self, place, element, shape):
        if element.attrib:
            self.say(place, f"has attributes: {element.attrib}")
        match shape.type_name:
            case "structure":
                self.check_structure(place, element, shape)
            case "list":
                self.check_list(place, element, shape)
            case _:
                self.check_scalar(place, element, shape)

    def check_structure(self, place, element, shape):
        members = {
            member.serialization.get("name", name): (name, member)
            for name, member in shape.members.items()
        }
        found = [local(child) for child in element]
        for name in found:
            if found.count(name) > 1:
                self.say(place, f"has {name} twice")
        for serialized, (name, _) in members.items():
            # With Quantity 0 the service leaves Items out, even where the model requires them.
            is_left_out = serialized == "Items" and "Quantity" in found
            if name in shape.required_members and serialized not in found and not is_left_out:
                self.say(place, f"lacks {serialized}")
        for child in element:
            name = local(child)
            if name not in members:
                self.say(place, f"has {name}, which the model has not")
                continue
            self.check_value(f"{place}/{name}", child, members[name][1])
        self.check_quantity(place, element)

    def check_quantity(self, place, element):
        children = {local(child): child for child in element}
        if "Quantity" not in children:
            return
        quantity = int(children["Quantity"].text)
        items = children.get("Items")
        if items is None and quantity != 0:
            self.say(place, f"has Quantity {quantity} and no Items")
        if items is not None and len(items) != quantity:
            self.say(place, f"has Quantity {quantity} and {len(items)} Items")
        if items is not None and quantity == 0:
            self.say(place, "has Items with Quantity 0")

    def check_list(self, place, element, shape):
        name = shape.member.serialization.get("name", "member")
        for child in element:
            if local(child) != name:
                self.say(place, f"has {local(child)} instead of {name}")
            self.check_value(f"{place}/{name}", child, shape.member)

    def check_scalar(self, place, element, shape):
        text = element.text or ""
        words = shape.enum if shape.type_name == "string" else []
        if len(element):
            return self.say(place, "has elements in it")
        is_good = {
            "string": lambda: not words or text in words,
            "integer": lambda: re.fullmatch(r"-?\d+", text),
            "long": lambda: re.fullmatch(r"-?\d+", text),
            "float": lambda: re.fullmatch(r"-?\d+(\.\d+)?", text),
            "double": lambda: re.fullmatch(r"-?\d+(\.\d+)?", text),
            "boolean": lambda: text in ("true", "false"),
            "timestamp": lambda: TIMESTAMP.fullmatch(text),
        }
        if not is_good[shape.type_name]():
            self.say(place, f"{text!r} is no {shape.type_name} of {words or 'the model'}")


def local(element):
    return element.tag.rsplit("}", 1)[-1]


def shape_of(element):
    return [local(child) for child in element]
