//! Every operation that has equivalents is done by the tools themselves, as the texts say, and the store has the same
//! afterwards. A text that a tool cannot have is told with a reason, and the operation is done directly then.

use crate::support::*;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

const DESCRIPTION: &str = include_str!("../../../control/openapi.json");
/// A text with everything that a shell, JSON, HCL or TOML reads in a way of its own.
const HOSTILE: &str = "it's \"q\" $HOME $(id) `id` \\ \\n ${x} %{y} $${z} %%{w} $$ # é\nJSON\n'''";
/// Secret of a header that is sent to an origin.
const SECRET: &str = "a\"b$c`d\\e";
/// Where providers of Terraform are, as `terraform providers mirror` writes them.
const PROVIDERS: &str = "/opt/tf-plugins";
/// Text in steps for a folder of the edge's own.
const FOLDER: &str = "FOLDER-OF-THE-EDGE";
/// Collections, and the words by which their operations begin.
const COLLECTIONS: [(&str, &str); 11] = [
    ("keys", "/v1/keys"),
    ("key_groups", "/v1/key-groups"),
    ("trusted_signers", "/v1/trusted-signers"),
    ("cache_policies", "/v1/policies/cache"),
    ("origin_request_policies", "/v1/policies/origin-request"),
    ("response_headers_policies", "/v1/policies/response-headers"),
    ("buckets", "/v1/buckets"),
    ("origin_access_identities", "/v1/origin-access-identities"),
    ("origin_access_controls", "/v1/origin-access-controls"),
    ("distributions", "/v1/distributions"),
    ("streaming", "/v1/streaming"),
];
/// Ids of the documents, which no other text contains.
const IDS: [&str; 11] = [
    "KEQUIVALENT001",
    "GEQUIVALENT001",
    "PEQUIVALENT001",
    "PEQUIVALENT002",
    "PEQUIVALENT003",
    "EIDENTITY00001",
    "ECONTROL000001",
    "EEQUIVALENT001",
    "EEQUIVALENT002",
    "SEQUIVALENT001",
    "KEQUIVALENT002",
];

/// An operation on a service, in the form in which its equivalents are asked for.
#[derive(Clone)]
struct Step {
    operation: &'static str,
    parameters: Value,
    body: Value,
    /// Change of the document that the item has now, which is the body then.
    change: Option<fn(&mut Value)>,
}

fn step(operation: &'static str, parameters: Value, body: Value) -> Step {
    Step {
        operation,
        parameters,
        body,
        change: None,
    }
}

fn changed(operation: &'static str, id: &str, change: fn(&mut Value)) -> Step {
    Step {
        change: Some(change),
        ..step(operation, json!({ "id": id }), Value::Null)
    }
}

/// Everything that is created, each after what it refers to.
fn creations() -> Vec<Step> {
    [keys(), policies(), origins(), served()].concat()
}

fn create(operation: &'static str, body: Value) -> Step {
    step(operation, json!({}), body)
}

fn keys() -> Vec<Step> {
    let pem = |file: &str| fs::read_to_string(key_path(file)).unwrap();
    let [key, group, .., other] = IDS;
    vec![
        create(
            "keys.create",
            json!({ "id": key, "name": "one", "comment": HOSTILE, "pem": pem("rsa2048.pub.pem") }),
        ),
        create(
            "keys.create",
            json!({ "id": other, "name": "two", "pem": pem("p256.pub.pem") }),
        ),
        create(
            "key_groups.create",
            json!({ "id": group, "name": "group", "comment": HOSTILE, "public_keys": [key] }),
        ),
        create(
            "trusted_signers.create",
            json!({ "name": "444455556666", "key_pairs": [key] }),
        ),
    ]
}

fn policies() -> Vec<Step> {
    let [_, _, cache, request, response, ..] = IDS;
    vec![
        create(
            "cache_policies.create",
            json!({
                "id": cache, "name": "cache", "comment": HOSTILE, "min_ttl": 1, "default_ttl": 50, "max_ttl": 100,
                "gzip": true, "brotli": true, "headers": ["accept-language"], "cookies": ["session"], "query_strings": "all",
            }),
        ),
        create(
            "origin_request_policies.create",
            json!({
                "id": request, "name": "request", "comment": HOSTILE, "headers": ["referer"], "query_strings": "all",
            }),
        ),
        create(
            "response_headers_policies.create",
            json!({
                "id": response, "name": "response", "comment": HOSTILE,
                "cors": {
                    "allow_credentials": false, "override": true, "max_age": 600,
                    "allow_origins": ["https://www.example.com"], "allow_headers": ["Range"], "allow_methods": ["GET", "HEAD"],
                },
                "security": {
                    "content_type_options": { "override": true },
                    "xss_protection": { "protection": true, "block": true, "override": false },
                },
                "custom": [{ "header": "X-Hostile", "value": "a'b\"c${d}%{e}\\", "override": true }],
                "remove": ["server"],
            }),
        ),
    ]
}

fn origins() -> Vec<Step> {
    let [_, _, _, _, _, identity, control, ..] = IDS;
    vec![
        create(
            "buckets.create",
            json!({ "name": "story", "folder": FOLDER }),
        ),
        create(
            "origin_access_identities.create",
            json!({ "id": identity, "comment": HOSTILE }),
        ),
        create(
            "origin_access_controls.create",
            json!({
                "id": control, "name": "control", "description": HOSTILE, "signing": "always", "origin_type": "s3",
            }),
        ),
    ]
}

fn served() -> Vec<Step> {
    let [_, _, _, _, _, identity, _, open, tagged, streaming, _] = IDS;
    vec![
        create("distributions.create", distribution(open)),
        create(
            "distributions.create",
            json!({
                "id": tagged, "domain_name": "tagged.example", "comment": "tagged", "enabled": false,
                "origins": [{ "id": "web", "url": "http://localhost:9" }],
                "default_behavior": { "origin": "web" },
                "tags": { "it is": "a+b=c@d", "stage": "test" },
            }),
        ),
        create(
            "streaming.create",
            json!({
                "id": streaming, "domain_name": "streaming.example", "comment": "streaming", "enabled": true,
                "origin": { "id": "videos", "bucket_host": "story.s3.amazonaws.com", "origin_access_identity": identity },
                "trusted_signers": ["444455556666"],
            }),
        ),
    ]
}

fn distribution(id: &str) -> Value {
    let [_, group, cache, request, response, identity, control, ..] = IDS;
    json!({
        "id": id,
        "domain_name": "open.example",
        "aliases": ["www.open.example"],
        "comment": HOSTILE,
        "enabled": true,
        "default_root_object": "it's.txt",
        "price_class": "PriceClass_100",
        "origins": [
            { "id": "web", "url": "http://localhost:9", "headers": { "x-key": SECRET }, "response_timeout": "7s" },
            { "id": "identified", "bucket_host": "story.s3.amazonaws.com", "origin_access_identity": identity },
            { "id": "controlled", "bucket_host": "story.s3.amazonaws.com", "origin_access_control": control },
        ],
        "origin_groups": [{ "id": "either", "origins": ["controlled", "identified"], "failover_statuses": [500, 502] }],
        "default_behavior": {
            "origin": "web", "allowed_methods": ["GET", "HEAD", "OPTIONS"], "compress": true,
            "min_ttl": 0, "default_ttl": 60, "max_ttl": 600,
            "forwarded_values": { "query_string": true, "headers": ["Origin"], "cookies": ["session"] },
        },
        "behaviors": [{
            "path_pattern": "/private/*", "origin": "either", "trusted_key_groups": [group], "cache_policy": cache,
            "origin_request_policy": request, "response_headers_policy": response,
            "viewer_protocol_policy": "redirect-to-https",
        }],
        "custom_errors": [{ "status": 404, "page": "/open.txt", "page_status": 200, "min_ttl": 5 }],
        "logging": { "bucket": "logs.s3.amazonaws.com", "prefix": "it's/" },
    })
}

fn comment_changed(document: &mut Value) {
    document["comment"] = format!("changed: {HOSTILE}").into();
}

/// Changes of documents, which Terraform can have as well.
fn updates() -> Vec<Step> {
    let [
        key,
        group,
        cache,
        request,
        response,
        identity,
        control,
        open,
        ..,
    ] = IDS;
    vec![
        changed("keys.update", key, comment_changed),
        changed("key_groups.update", group, comment_changed),
        changed("cache_policies.update", cache, comment_changed),
        changed("origin_request_policies.update", request, comment_changed),
        changed(
            "response_headers_policies.update",
            response,
            comment_changed,
        ),
        changed("origin_access_identities.update", identity, comment_changed),
        changed("origin_access_controls.update", control, |document| {
            document["description"] = HOSTILE.into();
            document["signing"] = "no-override".into();
        }),
        changed("distributions.update", open, comment_changed),
    ]
}

/// Everything else that is done to them, and to operators.
fn acts() -> Vec<Step> {
    let act = |operation, id: &str| step(operation, json!({ "id": id }), Value::Null);
    let [_, group, _, _, _, _, _, open, tagged, streaming, other] = IDS;
    let of = |name: &str| json!({ "name": name });
    vec![
        changed("trusted_signers.update", "444455556666", |document| {
            document["key_pairs"] = json!([IDS[0], IDS[10]]);
        }),
        changed("streaming.update", streaming, comment_changed),
        act("distributions.disable", open),
        act("distributions.enable", open),
        act("streaming.disable", streaming),
        step(
            "distributions.restore",
            json!({ "id": tagged }),
            json!({ "version": 1 }),
        ),
        act("distributions.delete", tagged),
        act("streaming.delete", streaming),
        changed("trusted_signers.update", "444455556666", |document| {
            document["key_pairs"] = json!([IDS[0]]);
        }),
        act("keys.delete", other),
        step(
            "invalidations.create",
            json!({}),
            json!({ "distribution": open, "paths": ["/it's", "/$(id)*", "/a?b=%24"] }),
        ),
        step(
            "invalidations.create",
            json!({}),
            json!({ "distribution": open, "tags": ["spring"] }),
        ),
        step(
            "operators.create",
            json!({}),
            json!({ "name": "bob@example", "role": "read", "scope": [open] }),
        ),
        step(
            "operators.update",
            of("bob@example"),
            json!({ "role": "publish", "scope": null, "disabled": true }),
        ),
        step("access_keys.create", of("bob@example"), Value::Null),
        step("operators.delete", of("bob@example"), Value::Null),
        act("keys.list", ""),
        act("distributions.get", open),
        step(
            "key_groups.set_rotation",
            json!({ "id": group }),
            json!({ "every_seconds": 86400, "overlap_seconds": 3600 }),
        ),
        step(
            "key_groups.end_rotation",
            json!({ "id": group }),
            Value::Null,
        ),
    ]
}

/// A tool.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Form {
    Privet,
    Aws,
    Http,
    Toml,
}

impl Form {
    fn name(self) -> &'static str {
        match self {
            Form::Privet => "privet",
            Form::Aws => "aws",
            Form::Http => "http",
            Form::Toml => "toml",
        }
    }
}

/// An edge on which steps are done.
struct Bench {
    edge: StoredEdge,
    /// Ids of the documents here, by those that the steps have.
    ids: BTreeMap<String, String>,
}

impl Bench {
    fn new() -> Self {
        let edge = StoredEdge::of_file();
        let (program, bin) = (python(), edge.path("bin"));
        fs::create_dir(&bin).unwrap();
        let script = format!("#!/bin/sh\nexec '{}' -m awscli \"$@\"\n", program.display());
        edge.write("bin/aws", &script);
        executable(&edge.path("bin/aws"));
        let folder = edge.path("bucket").to_str().unwrap().to_owned();
        Bench {
            edge,
            ids: BTreeMap::from([(FOLDER.to_owned(), folder)]),
        }
    }

    /// Returns a step with the ids that the documents have here, and with its body.
    fn request(&self, step: &Step) -> Value {
        let Step {
            operation,
            parameters,
            body,
            change,
        } = step;
        let mut request = json!({ "operation": operation, "parameters": parameters, "body": body });
        if parameters["id"] == "" {
            request["parameters"] = json!({});
        }
        let mut request = self.here(&request);
        if let Some(change) = change {
            let mut document = self.present(&request)["document"].clone();
            change(&mut document);
            request["body"] = self.here(&document);
            // A reference may be an id that the item does not have here, and stays.
            if let Some(reference) = document.get("caller_reference") {
                request["body"]["caller_reference"] = reference.clone();
            }
            request["if_match"] = self.present(&request)["etag"].clone();
        }
        request
    }

    /// Returns a value with the ids that the documents have here.
    fn here(&self, value: &Value) -> Value {
        let pairs = self.ids.iter();
        replaced(value, pairs.map(|(id, here)| (id.as_str(), here.as_str())))
    }

    fn present(&self, request: &Value) -> Value {
        let (_, target) = route(request);
        let id = request["parameters"]["id"].as_str().unwrap_or_default();
        let (item, _) = target.split_once(id).unwrap();
        self.edge
            .v1("GET", &format!("{item}{id}"), &Value::Null)
            .json
    }

    /// Does a step over the interface.
    #[track_caller]
    fn perform(&self, request: &Value) {
        let (method, target) = route(request);
        let mut sent = V1::new(&method, &target, &request["body"]);
        let is_rotation = request["operation"].as_str().unwrap().contains("rotation");
        if method != "GET" && !is_rotation && request["parameters"]["id"].is_string() {
            sent = sent.if_match(&self.present(request));
        }
        let answer = self.edge.try_v1(&sent).unwrap();
        assert!(
            (200..300).contains(&answer.status),
            "{request}: {}",
            answer.json
        );
    }

    #[track_caller]
    fn texts(&self, request: &Value) -> Value {
        let answer = self.edge.v1("POST", "/v1/equivalents", request);
        assert_eq!(answer.status, 200, "{request}: {}", answer.json);
        let shown = answer.json.to_string();
        assert!(
            !shown.contains("a\\\\\\\"b$c"),
            "a secret is shown: {shown}"
        );
        answer.json
    }

    /// Does a step by a tool, or directly if that has no text for it; returns whether it had one.
    #[track_caller]
    fn follow(&mut self, step: &Step, form: Form) -> bool {
        let request = self.request(step);
        let texts = self.texts(&request);
        let before = self.items();
        let text = texts[form.name()].as_str();
        if form == Form::Aws && step.operation.ends_with(".delete") {
            // Amazon's API deletes what is deployed.
            until("the change before is in force", || {
                let applied = &self.present(&request)["applied"];
                applied["edges"] == applied["of"]
            });
        }
        match text {
            Some(text) => self.run(form, text),
            None => {
                assert!(texts["reasons"][form.name()].is_string(), "{texts}");
                self.perform(&request);
            }
        }
        self.learn(step, &before);
        text.is_some()
    }

    /// Learns which id was given to what a step has created.
    fn learn(&mut self, step: &Step, before: &BTreeMap<String, Value>) {
        let wanted = step.body["id"].as_str();
        let (Some(wanted), true) = (wanted, step.operation.ends_with(".create")) else {
            return;
        };
        let after = self.items();
        let new: Vec<&String> = after
            .keys()
            .filter(|id| !before.contains_key(*id))
            .collect();
        assert_eq!(new.len(), 1, "{}: {new:?}", step.operation);
        let (_, id) = new[0].split_once(' ').unwrap();
        self.ids.insert(wanted.to_owned(), id.to_owned());
    }

    /// Returns the documents by collection and id.
    fn items(&self) -> BTreeMap<String, Value> {
        let mut items = BTreeMap::new();
        let others = [("invalidations", "/v1/invalidations")];
        for (name, path) in COLLECTIONS.into_iter().chain(others) {
            let listed = self.edge.v1("GET", path, &Value::Null).json;
            for item in listed["items"].as_array().unwrap() {
                let id = item["id"].as_str().unwrap();
                items.insert(format!("{name} {id}"), item["document"].clone());
            }
        }
        items
    }

    /// Returns everything that is stored, in the ids of the steps.
    fn stored(&self) -> Value {
        let mut items = self.items();
        let others = |key: &String| key.starts_with("invalidations ");
        let made: Vec<String> = items.keys().filter(|key| others(key)).cloned().collect();
        let mut sets: Vec<Value> = made.iter().filter_map(|key| items.remove(key)).collect();
        for set in &mut sets {
            set.as_object_mut().unwrap().remove("caller_reference");
        }
        sets.sort_by_key(Value::to_string);
        let operators = self.edge.v1("GET", "/v1/operators", &Value::Null).json;
        let operators = operators["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|operator| {
                let keys = format!(
                    "/v1/operators/{}/access-keys",
                    operator["name"].as_str().unwrap()
                );
                let keys = self.edge.v1("GET", &keys, &Value::Null).json;
                let mut operator = operator.clone();
                operator.as_object_mut().unwrap().remove("created_at");
                operator["keys"] = keys["items"].as_array().unwrap().len().into();
                operator
            });
        let all = json!({
            "items": items, "invalidations": sets, "operators": operators.collect::<Vec<Value>>(),
        });
        let pairs = self.ids.iter();
        let mut all = replaced(&all, pairs.map(|(id, here)| (here.as_str(), id.as_str())));
        unseal(&mut all);
        all
    }

    #[track_caller]
    fn run(&self, form: Form, text: &str) {
        let output = match form {
            Form::Toml => {
                let text = text.replace("\"PRIVET_SECRET_1\"", &toml_string(SECRET));
                self.edge.write("service.toml", &text);
                self.edge.run(&["import", "service.toml"])
            }
            Form::Privet | Form::Aws | Form::Http => self.shell(text),
        };
        assert!(output.status.success(), "{form:?}: {text}\n{output:?}");
    }

    fn shell(&self, text: &str) -> Output {
        let program = Path::new(env!("CARGO_BIN_EXE_privet")).parent().unwrap();
        let path = format!(
            "{}:{}:{}",
            self.edge.path("bin").display(),
            program.display(),
            std::env::var("PATH").unwrap()
        );
        let (id, secret) = self.edge.access_key();
        let json = json!(SECRET).to_string();
        let mut command = Command::new("sh");
        command
            .args(["-c", text])
            .current_dir(self.edge.path(""))
            .env_clear()
            .env("PATH", path)
            .env("HOME", self.edge.path(""))
            .env("PRIVET_ENDPOINT", format!("http://{}", self.edge.control()))
            .env("PRIVET_ACCESS_KEY_ID", id)
            .env("PRIVET_SECRET_ACCESS_KEY", secret)
            .env("PRIVET_SECRET_1", &json[1..json.len() - 1]);
        with_aws(&mut command, (id, secret));
        command.output().unwrap()
    }
}

fn with_aws(command: &mut Command, (id, secret): (&str, &str)) {
    command
        .env("AWS_ACCESS_KEY_ID", id)
        .env("AWS_SECRET_ACCESS_KEY", secret)
        .env("AWS_DEFAULT_REGION", "us-east-1")
        .env("AWS_CONFIG_FILE", "/dev/null")
        .env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("PYTHONDONTWRITEBYTECODE", "1");
}

fn executable(file: &Path) {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(file, fs::Permissions::from_mode(0o755)).unwrap();
}

fn toml_string(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// Returns method and path of an operation, as the description has them.
fn route(request: &Value) -> (String, String) {
    let description: Value = serde_json::from_str(DESCRIPTION).unwrap();
    for (path, methods) in description["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            if operation["operationId"] == request["operation"] {
                let mut path = path.clone();
                for (name, value) in request["parameters"].as_object().unwrap() {
                    path = path.replace(&format!("{{{name}}}"), value.as_str().unwrap());
                }
                return (method.to_uppercase(), path);
            }
        }
    }
    panic!("no operation {}", request["operation"]);
}

/// Returns a value with texts replaced in it.
fn replaced<'t>(value: &Value, pairs: impl Iterator<Item = (&'t str, &'t str)>) -> Value {
    let mut text = value.to_string();
    for (from, to) in pairs {
        text = text.replace(from, to);
    }
    serde_json::from_str(&text).unwrap()
}

/// Sealed texts are never the same twice.
fn unseal(value: &mut Value) {
    match value {
        Value::Object(members) if members.len() == 1 && members.contains_key("sealed") => {
            *value = "sealed".into();
        }
        Value::Object(members) => members.values_mut().for_each(unseal),
        Value::Array(elements) => elements.iter_mut().for_each(unseal),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Checks that everything of `expected` is in `found`, where a tool may fill in what is so anyway, and keeps lists of
/// names in no order.
#[track_caller]
fn check_within(expected: &Value, found: &Value, place: &str) {
    const APART: [&str; 3] = ["id", "domain_name", "caller_reference"];
    match (expected, found) {
        (Value::Object(members), Value::Object(_)) => {
            let is_document = place.matches('/').count() == 2;
            for (key, value) in members {
                if !(is_document && APART.contains(&key.as_str())) {
                    check_within(value, &found[key], &format!("{place}/{key}"));
                }
            }
        }
        (Value::Array(values), Value::Array(others)) => {
            assert_eq!(values.len(), others.len(), "{place}: {found}");
            // The second origin of a group is asked after the first.
            let has_order = place.ends_with("/[]/origins");
            let sorted = |values: &[Value]| {
                let mut values = values.to_vec();
                if has_order {
                    return values;
                }
                values.sort_by_key(|value| match value.get("id") {
                    Some(id) => id.to_string(),
                    None if value.is_object() => String::new(),
                    None => value.to_string(),
                });
                values
            };
            for (value, other) in sorted(values).iter().zip(&sorted(others)) {
                check_within(value, other, &format!("{place}/[]"));
            }
        }
        (Value::String(text), Value::Number(number)) => {
            assert_eq!(*text, format!("{number}s"), "{place}");
        }
        (expected, found) => assert_eq!(expected, found, "{place}"),
    }
}

/// Does steps by a tool and directly, side by side, after others that are done directly. Returns the operations for
/// which the tool had a text.
#[track_caller]
fn check(form: Form, before: &[Step], steps: &[Step]) -> Vec<&'static str> {
    let (mut by_tool, mut directly) = (Bench::new(), Bench::new());
    for step in before {
        by_tool.perform(&by_tool.request(step));
        directly.perform(&directly.request(step));
    }
    let mut said = Vec::new();
    for step in steps {
        let request = directly.request(step);
        let before = directly.items();
        directly.perform(&request);
        directly.learn(step, &before);
        if by_tool.follow(step, form) {
            said.push(step.operation);
        }
        // The keys of a rotation are never the same.
        if step.operation.contains("rotation") {
            continue;
        }
        let (expected, found) = (directly.stored(), by_tool.stored());
        match form {
            Form::Privet | Form::Http | Form::Toml => {
                assert_eq!(found, expected, "{form:?} {}", step.operation);
            }
            Form::Aws => check_within(&expected, &found, ""),
        }
    }
    let exported = by_tool.edge.done(&["export"]);
    let secret = toml_string(SECRET);
    assert!(
        exported.contains(&secret),
        "the secret is not stored: {exported}"
    );
    said
}

fn all() -> Vec<Step> {
    [creations(), updates(), acts()].concat()
}

#[test]
fn every_operation_of_privet_stores_the_same() {
    let said = check(Form::Privet, &[], &all());
    assert_eq!(said.len(), all().len());
}

#[test]
fn every_request_of_curl_stores_the_same() {
    let said = check(Form::Http, &[], &all());
    assert_eq!(said.len(), all().len());
}

#[test]
fn every_table_of_a_file_stores_the_same() {
    let said = check(Form::Toml, &[], &all());
    let others = [
        "trusted_signers.update",
        "streaming.update",
        "trusted_signers.update",
    ];
    let expected = creations().len() + updates().len() + others.len();
    assert_eq!(said.len(), expected, "{said:?}");
}

#[test]
fn every_creation_of_aws_stores_the_same() {
    let said = check(Form::Aws, &[], &creations());
    check_aws(&creations(), &said);
}

#[test]
fn every_update_of_aws_stores_the_same() {
    let said = check(Form::Aws, &creations(), &updates());
    check_aws(&updates(), &said);
}

#[test]
fn every_other_command_of_aws_stores_the_same() {
    let said = check(Form::Aws, &creations(), &acts());
    check_aws(&acts(), &said);
}

/// Checks that the AWS CLI had a text for all that is not Privet's own.
#[track_caller]
fn check_aws(steps: &[Step], said: &[&str]) {
    const OWN: [&str; 4] = ["trusted_signers", "buckets", "operators", "access_keys"];
    let is_own = |step: &&Step| {
        let (collection, verb) = step.operation.split_once('.').unwrap();
        let has_tags = step.body["distribution"].is_string() && step.body["tags"].is_array();
        OWN.contains(&collection) || verb.contains("rotation") || verb == "restore" || has_tags
    };
    let others = steps.iter().filter(|step| !is_own(step));
    let expected: Vec<&str> = others.map(|step| step.operation).collect();
    assert_eq!(said, expected);
}

const TERRAFORM: &str = r#"
terraform {
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "5.100.0"
    }
  }
}

provider "aws" {
  region                      = "us-east-1"
  skip_credentials_validation = true
  skip_requesting_account_id  = true
  skip_metadata_api_check     = true

  endpoints {
    cloudfront = "ENDPOINT"
  }
}

"#;

#[test]
fn every_resource_of_terraform_stores_the_same() {
    if !has_terraform() {
        eprintln!(
            "SKIPPED: no terraform on PATH, or no provider hashicorp/aws 5.100.0 in {PROVIDERS}"
        );
        return;
    }
    let (mut by_tool, mut directly) = (Bench::new(), Bench::new());
    let mut texts = Vec::new();
    for step in creations() {
        let request = directly.request(&step);
        let before = directly.items();
        directly.perform(&request);
        directly.learn(&step, &before);
        let text = directly.texts(&request)["terraform"]
            .as_str()
            .map(str::to_owned);
        if let Some(text) = text {
            texts.push((step, text));
        }
    }
    // The bucket is what the edge needs to know of those origins.
    by_tool.perform(&by_tool.request(&step(
        "buckets.create",
        json!({}),
        json!({ "name": "story", "folder": FOLDER }),
    )));
    assert_eq!(texts.len(), 10);
    by_tool.apply(&referring(&texts));
    by_tool.learn_all(&texts);
    check_resources(&directly, &by_tool);
    let mut imports = Vec::new();
    for step in updates() {
        directly.perform(&directly.request(&step));
        let request = by_tool.request(&step);
        let text = by_tool.texts(&request)["terraform"]
            .as_str()
            .unwrap()
            .to_owned();
        imports.push(text);
    }
    by_tool.apply(&imports.join("\n"));
    check_resources(&directly, &by_tool);
}

/// Returns the resources in one text, in which references stand in the place of ids that do not exist yet.
fn referring(texts: &[(Step, String)]) -> String {
    let mut all: String = texts.iter().map(|(_, text)| format!("{text}\n")).collect();
    for (step, text) in texts {
        let id = step.body["id"].as_str().unwrap();
        let path = format!("\"origin-access-identity/cloudfront/{id}\"");
        let address = address(text);
        all = all.replace(&path, &format!("{address}.cloudfront_access_identity_path"));
        all = all.replace(&format!("\"{id}\""), &format!("{address}.id"));
    }
    // Labels are made of names or ids, and stay in quotes.
    for (_, text) in texts {
        let (of_type, label) = resource(text);
        all = all.replace(
            &format!("resource \"{of_type}\" {of_type}.{label}.id"),
            &format!("resource \"{of_type}\" \"{label}\""),
        );
    }
    all
}

fn resource(text: &str) -> (String, String) {
    let line = text
        .lines()
        .find(|line| line.starts_with("resource "))
        .unwrap();
    let parts: Vec<&str> = line.split('"').collect();
    (parts[1].to_owned(), parts[3].to_owned())
}

fn address(text: &str) -> String {
    let (of_type, label) = resource(text);
    format!("{of_type}.{label}")
}

fn has_terraform() -> bool {
    let provider = format!("{PROVIDERS}/registry.terraform.io/hashicorp/aws/5.100.0");
    let answers = Command::new("terraform").arg("version").output();
    answers.is_ok_and(|output| output.status.success()) && Path::new(&provider).is_dir()
}

/// Checks the documents of the kinds that Terraform has.
#[track_caller]
fn check_resources(directly: &Bench, by_tool: &Bench) {
    let (expected, found) = (directly.stored(), by_tool.stored());
    let expected = expected["items"].as_object().unwrap().iter();
    let own = ["trusted_signers", "streaming"];
    for (key, document) in expected {
        if !own.contains(&key.split(' ').next().unwrap()) {
            check_within(document, &found["items"][key], "//");
        }
    }
}

impl Bench {
    /// Applies resources in a configuration that knows of no others.
    #[track_caller]
    fn apply(&self, resources: &str) {
        let folder = self.edge.path("terraform");
        let endpoint = format!("http://{}", self.edge.control());
        let text = TERRAFORM.replace("ENDPOINT", &endpoint) + resources;
        self.edge.write("terraform/main.tf", &text);
        let _ = fs::remove_file(folder.join("terraform.tfstate"));
        // The provider takes seconds to start, so that it is installed once.
        if !folder.join(".terraform").exists() {
            let mirror = format!(
                "provider_installation {{\n  filesystem_mirror {{\n    path = \"{PROVIDERS}\"\n  }}\n}}\n"
            );
            self.edge.write("terraform/terraformrc", &mirror);
            self.terraform(&folder, &["init", "-no-color"]);
        }
        self.terraform(&folder, &["apply", "-no-color", "-auto-approve"]);
    }

    #[track_caller]
    fn terraform(&self, folder: &Path, arguments: &[&str]) {
        let mut command = Command::new("terraform");
        command
            .args(arguments)
            .current_dir(folder)
            .env_clear()
            .env("PATH", std::env::var("PATH").unwrap())
            .env("HOME", folder)
            .env("TF_CLI_CONFIG_FILE", folder.join("terraformrc"))
            .env("TF_IN_AUTOMATION", "1")
            .env("TF_INPUT", "0")
            .env("CHECKPOINT_DISABLE", "1")
            .env("TF_VAR_privet_secret_1", SECRET);
        with_aws(&mut command, self.edge.access_key());
        let output = command.output().unwrap();
        let shown = String::from_utf8_lossy(&output.stdout);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {shown}\n{errors}");
    }

    /// Learns the ids of what was made, by what the documents are called.
    fn learn_all(&mut self, texts: &[(Step, String)]) {
        let known = |document: &Value| {
            let name = document["name"].as_str();
            name.or(document["comment"].as_str()).map(str::to_owned)
        };
        for (step, _) in texts {
            let (collection, _) = step.operation.split_once('.').unwrap();
            let items = self.items();
            let mut items = items.iter().filter(|(key, document)| {
                key.starts_with(&format!("{collection} ")) && known(document) == known(&step.body)
            });
            let (key, _) = items
                .next()
                .unwrap_or_else(|| panic!("{} made nothing", step.operation));
            let (_, id) = key.split_once(' ').unwrap();
            let wanted = step.body["id"].as_str().unwrap();
            self.ids.insert(wanted.to_owned(), id.to_owned());
        }
    }
}

#[test]
fn commands_show_what_they_do_and_change_nothing_by_it() {
    let bench = Bench::new();
    for step in &creations()[..3] {
        bench.perform(&bench.request(step));
    }
    let before = bench.stored();
    let group = IDS[1];
    let output = bench.shell(&format!(
        "privet key-group delete {group} --dry-run --show-equivalents"
    ));
    assert!(output.status.success(), "{output:?}");
    let shown = String::from_utf8(output.stderr).unwrap();
    for part in [
        format!("# privet\nprivet key-group delete {group}\n"),
        format!("cloudfront delete-key-group --id={group} --if-match=\"$(aws "),
        format!("/v1/key-groups/{group}\""),
        "# terraform: none, take the resource out and apply\n".to_owned(),
        "# toml: none, take the table out of [[key_groups]]".to_owned(),
    ] {
        assert!(shown.contains(&part), "{part} is not in {shown}");
    }
    assert_eq!(bench.stored(), before);
    let output = bench.shell(&format!(
        "privet key-group delete {group} --json --show-equivalents"
    ));
    assert!(output.status.success(), "{output:?}");
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    let text = format!("privet key-group delete {group}");
    assert_eq!(told["equivalents"]["privet"], text);
    assert!(output.stderr.is_empty(), "{output:?}");
}
