//! CloudFront's API, used by the clients that people have: boto3, the AWS CLI and Terraform operate an edge that runs,
//! and viewers see what came of it. The clients' scripts are in `tests-peers/cloudfront`.

use crate::support::*;
use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;

/// Name of the bucket that the stories use, and its host name.
const BUCKET: &str = "story";
const BUCKET_HOST: &str = "story.s3.amazonaws.com";
/// Key pair of the account: the one that signs before there are key groups.
const KEY_PAIR: &str = "APKASTORY00000000000";
/// Text of every object of the open server, and of the private object.
const OPEN: &str = "open";
const PRIVATE: &str = "private";
/// Region of the clients, which need one though it means nothing here.
const REGION: &str = "eu-west-1";
/// Where providers of Terraform are, as `terraform providers mirror` writes them.
const PROVIDERS: &str = "/opt/tf-plugins";

/// An edge with a bucket, an account's key and an open server, which clients of the API may use.
struct Site {
    edge: StoredEdge,
    origin: FakeOrigin,
}

impl Site {
    fn new() -> Self {
        let edge = StoredEdge::of_file();
        edge.write("bucket/private.txt", PRIVATE);
        let folder = edge.path("bucket");
        edge.create("/v1/buckets", &json!({ "name": BUCKET, "folder": folder }));
        edge.create("/v1/keys", &stored_key(KEY_PAIR, "rsa2048.pub.pem"));
        let account = json!({ "name": "self", "key_pairs": [KEY_PAIR] });
        edge.create("/v1/trusted-signers", &account);
        let origin = FakeOrigin::start(|_| OriginAnswer::whole(200, &[], OPEN));
        Site { edge, origin }
    }

    fn settings(&self) -> Value {
        let (id, secret) = self.edge.access_key();
        json!({
            "endpoint": format!("http://{}", self.edge.control()),
            "access_key_id": id,
            "secret_access_key": secret,
            "region": REGION,
            "edge": self.edge.http().to_string(),
            "public_key": absolute("rsa2048.pub.pem"),
            "private_key": absolute("rsa2048.pem"),
            "key_pair_id": KEY_PAIR,
            "bucket_host": BUCKET_HOST,
            "origin_port": self.origin.address().port(),
        })
    }

    /// Runs a script to its end; returns its steps.
    #[track_caller]
    fn story(&self, script: &[&str]) -> Steps {
        let script: Vec<&str> = script.to_vec();
        let settings = format!("{}\n", self.settings());
        Steps(answers(command(python(), &script), &settings))
    }
}

fn absolute(key: &str) -> std::path::PathBuf {
    key_path(key).canonicalize().unwrap()
}

/// What a script saw, step by step.
struct Steps(Vec<Value>);

impl Steps {
    /// Returns what was seen in the step of that name.
    #[track_caller]
    fn of(&self, name: &str) -> Value {
        let mut steps = self.0.iter().filter(|step| step["step"] == name);
        let step = steps.next().unwrap_or_else(|| panic!("no step {name:?}"));
        let mut step = step.clone();
        step.as_object_mut().unwrap().remove("step");
        step
    }

    #[track_caller]
    fn saw(&self, name: &str, expected: impl Into<Value>) {
        assert_eq!(self.of(name), expected.into(), "{name}");
    }

    /// Checks that calls were refused with typed errors.
    #[track_caller]
    fn were_refused(&self, expected: &[(&str, &str, u16)]) {
        for (name, code, status) in expected {
            let seen =
                json!({ "code": code, "status": status, "is_typed": true, "has_request_id": true });
            self.saw(name, seen);
        }
    }

    /// Checks that commands were refused; the CLI's exit status is always the same.
    #[track_caller]
    fn commands_failed(&self, expected: &[(&str, &str)]) {
        for (name, code) in expected {
            self.saw(name, json!({ "status": 255, "code": code, "output": "" }));
        }
    }

    /// Checks that the story had these steps, in this order, and ended.
    #[track_caller]
    fn count(&self, expected: usize) {
        let names: Vec<&str> = self
            .0
            .iter()
            .map(|step| step["step"].as_str().unwrap())
            .collect();
        assert_eq!(names.len(), expected, "{names:?}");
    }
}

/// What every version of the API refuses, with the errors that it has for that.
const REFUSED: [(&str, &str, u16); 14] = [
    (
        "identity with a known reference and another comment",
        "CloudFrontOriginAccessIdentityAlreadyExists",
        409,
    ),
    ("distribution of an unknown origin", "NoSuchOrigin", 404),
    (
        "distribution with a known reference",
        "DistributionAlreadyExists",
        409,
    ),
    (
        "distribution with a known host name",
        "CNAMEAlreadyExists",
        409,
    ),
    ("stale update", "PreconditionFailed", 412),
    ("update without If-Match", "InvalidIfMatchVersion", 400),
    ("update of the reference", "IllegalUpdate", 400),
    (
        "identity in use",
        "CloudFrontOriginAccessIdentityInUse",
        409,
    ),
    ("enabled", "DistributionNotDisabled", 409),
    ("no such invalidation", "NoSuchInvalidation", 404),
    ("streaming enabled", "StreamingDistributionNotDisabled", 409),
    (
        "no such streaming distribution",
        "NoSuchStreamingDistribution",
        404,
    ),
    ("no such distribution", "NoSuchDistribution", 404),
    (
        "no such identity",
        "NoSuchCloudFrontOriginAccessIdentity",
        404,
    ),
];

/// The further ones of the newest version.
const REFUSED_NOW: [(&str, &str, u16); 10] = [
    (
        "access control with a known name",
        "OriginAccessControlAlreadyExists",
        409,
    ),
    (
        "public key with a changed PEM",
        "CannotChangeImmutablePublicKeyFields",
        400,
    ),
    ("key group of an unknown key", "InvalidArgument", 400),
    ("tags of nothing", "NoSuchResource", 404),
    ("access control in use", "OriginAccessControlInUse", 409),
    ("key in use", "PublicKeyInUse", 409),
    ("group in use", "ResourceInUse", 409),
    ("no such key", "NoSuchPublicKey", 404),
    ("no such group", "NoSuchResource", 404),
    ("no such access control", "NoSuchOriginAccessControl", 404),
];

/// Checks what both versions have in common.
#[track_caller]
fn check_boto3(steps: &Steps) {
    steps.were_refused(&REFUSED);
    steps.saw(
        "identity",
        json!({ "status": 201, "location": true, "etag": true, "canonical_user": 96, "same_again": true }),
    );
    steps.saw(
        "identity renamed",
        json!({ "moved": true, "comments": ["renamed"] }),
    );
    let made = steps.of("distribution");
    assert_eq!(
        (&made["status"], &made["kept"]),
        (&json!("InProgress"), &json!(true))
    );
    let host = made["domain_name"].as_str().unwrap();
    assert!(
        host.starts_with('d') && host.ends_with(".cloudfront.net"),
        "{host}"
    );
    steps.saw("deployed", json!({ "at_first_poll": true }));
    steps.saw("update", json!({ "status": "InProgress", "moved": true }));
    steps.saw("read again", json!({ "same": true }));
    steps.saw(
        "list",
        json!({ "ids": [true], "comments": ["changed"], "after": 0 }),
    );
    let viewers = json!({ "open": [200, OPEN], "refused": [403, true], "opened": [200, PRIVATE] });
    steps.saw("viewers", viewers);
    let invalidation =
        json!({ "at_first_poll": true, "same_again": true, "kept": true, "listed": [true] });
    steps.saw("invalidation", invalidation);
    let signer =
        json!({ "AwsAccountNumber": "self", "KeyPairIds": { "Quantity": 1, "Items": [KEY_PAIR] } });
    let streaming = json!({
        "status": "InProgress",
        "at_first_poll": true,
        "kept": true,
        "signers": [signer],
        "listed": [true],
    });
    steps.saw("streaming", streaming);
    assert_ne!(steps.of("deleted")["viewer"], 200);
    steps.saw("end", json!({ "distributions": 0 }));
    steps.saw("answers", json!({ "faults": [] }));
}

#[test]
fn boto3_operates_an_edge_in_the_version_of_rtmp() {
    let steps = Site::new().story(&["cloudfront/story_boto3.py", "2014-05-31"]);
    check_boto3(&steps);
    let signer =
        json!({ "AwsAccountNumber": "self", "KeyPairIds": { "Quantity": 1, "Items": [KEY_PAIR] } });
    let active = json!({ "Enabled": true, "Quantity": 1, "Items": [signer] });
    assert_eq!(steps.of("distribution")["signers"], active);
    steps.count(27);
}

#[test]
fn boto3_operates_an_edge_in_the_newest_version() {
    let steps = Site::new().story(&["cloudfront/story_boto3.py", "2020-05-31"]);
    check_boto3(&steps);
    steps.were_refused(&REFUSED_NOW);
    let none = json!({ "Enabled": false, "Quantity": 0 });
    assert_eq!(steps.of("distribution")["signers"], none);
    steps.saw("access control", json!({ "same": true, "listed": [true] }));
    steps.saw("public key", json!({ "id_length": 14, "same_pem": true }));
    steps.saw("key group", json!({ "listed": [true] }));
    steps.saw("tags", json!({ "tags": [{ "Key": "more", "Value": "1" }] }));
    steps.saw("distributions of the group", json!({ "ids": [true] }));
    steps.count(42);
}

impl Site {
    /// Starts the edge again with a listener that speaks TLS and takes boto 2; returns the file of its certificate.
    fn speak_tls(&mut self) -> std::path::PathBuf {
        let edge = &mut self.edge;
        // boto 2 names a host without its port.
        let host = edge.control().ip().to_string();
        let made = rcgen::generate_simple_self_signed([host.clone()]).unwrap();
        edge.write("chain.pem", &made.cert.pem());
        edge.write("key.pem", &made.signing_key.serialize_pem());
        let text = std::fs::read_to_string(edge.path("privet.toml")).unwrap();
        let control = format!(
            "[control]\nboto2 = true\nhosts = [{host:?}]\n\
             certificate = {{ chain = \"chain.pem\", key = \"key.pem\" }}\n"
        );
        edge.write("privet.toml", &text.replace("[control]\n", &control));
        edge.stop();
        edge.start();
        edge.path("chain.pem")
    }
}

#[test]
fn boto_2_operates_an_edge_over_tls() {
    let mut site = Site::new();
    let ca = site.speak_tls();
    let mut settings = site.settings();
    settings["endpoint"] = format!("https://{}", site.edge.control()).into();
    settings["ca"] = json!(ca);
    let script = command(python(), &["cloudfront/story_boto2.py"]);
    let steps = Steps(answers(script, &format!("{settings}\n")));
    for (name, status, code) in [
        ("wrong secret", 403, "SignatureDoesNotMatch"),
        ("stale update", 412, "PreconditionFailed"),
        ("no such invalidation", 404, "NoSuchInvalidation"),
        ("streaming enabled", 409, "StreamingDistributionNotDisabled"),
        (
            "no such streaming distribution",
            404,
            "NoSuchStreamingDistribution",
        ),
        ("enabled", 409, "DistributionNotDisabled"),
        (
            "identity in use",
            409,
            "CloudFrontOriginAccessIdentityInUse",
        ),
        ("no such distribution", 404, "NoSuchDistribution"),
        (
            "no such identity",
            404,
            "NoSuchCloudFrontOriginAccessIdentity",
        ),
    ] {
        steps.saw(name, json!({ "status": status, "code": code }));
    }
    let comment = "of the story";
    let identity = json!({
        "canonical_user": 96,
        "etag": true,
        "comments": [comment, comment],
        "reference": true,
        "listed": [true],
    });
    steps.saw("identity", identity);
    check_distribution_of_boto2(&steps);
    let streaming = steps.of("streaming");
    assert_eq!(streaming["status"], "InProgress");
    assert_eq!(streaming["origin"], BUCKET_HOST);
    assert_eq!(streaming["signers"], json!([["Self"], ["Self"]]));
    assert_eq!(streaming["listed"], json!([true]));
    let names = json!({ "enabled": false, "names": ["www.boto2.example"] });
    steps.saw("disabled", names);
    steps.saw("end", json!({ "left": [0, 0] }));
    steps.count(20);
}

/// Checks what boto 2 and viewers saw of its distribution.
#[track_caller]
fn check_distribution_of_boto2(steps: &Steps) {
    let made = steps.of("distribution");
    assert_eq!(made["status"], "InProgress");
    let host = made["domain_name"].as_str().unwrap();
    assert!(
        host.starts_with('d') && host.ends_with(".cloudfront.net"),
        "{host}"
    );
    let path = made["origin"][1].as_str().unwrap();
    assert!(
        path.starts_with("origin-access-identity/cloudfront/E"),
        "{path}"
    );
    assert_eq!(made["origin"][0], BUCKET_HOST);
    assert_eq!(made["names"], json!(["www.boto2.example"]));
    assert_eq!(made["signers"], json!(["Self"]));
    assert_eq!(made["active"], json!([["Self", [KEY_PAIR]]]));
    assert_eq!(made["running"], 0);
    let logging = json!({
        "moved": true,
        "logging": ["logs.s3.amazonaws.com", "boto2/"],
        "root": "private.txt",
        "kept": [["www.boto2.example"], "of the story", true, ["Self"]],
    });
    steps.saw("logging", logging);
    let list = json!({
        "ids": [true],
        "hosts": [true],
        "names": [["www.boto2.example"]],
        "enabled": [true],
        "signers": [["Self"]],
        "same": [true],
    });
    steps.saw("list", list);
    let viewers = json!({ "refused": 403, "opened": [200, PRIVATE] });
    steps.saw("viewers", viewers);
    let signers = json!({ "statuses": [200, 403], "active": ["Self"] });
    steps.saw("signers", signers);
    let seen = json!([["CustomOrigin", true], [200, OPEN], ["S3Origin", false]]);
    steps.saw("origin", json!({ "seen": seen }));
    let invalidation = json!({
        "paths": ["/open.txt", "/images/a%20b*"],
        "reference": true,
        "listed": true,
        "is_truncated": [true, false],
    });
    steps.saw("invalidation", invalidation);
}

#[test]
fn the_aws_cli_operates_an_edge() {
    let steps = Site::new().story(&["cloudfront/story_awscli.py"]);
    steps.commands_failed(&[
        ("known reference", "DistributionAlreadyExists"),
        ("stale update", "PreconditionFailed"),
        ("update without If-Match", "InvalidIfMatchVersion"),
        ("no such distribution", "NoSuchDistribution"),
        ("enabled", "DistributionNotDisabled"),
        ("group in use", "ResourceInUse"),
        ("no such identity", "NoSuchCloudFrontOriginAccessIdentity"),
    ]);
    assert_eq!(steps.of("identity")["etag"], 13);
    steps.saw("keys", json!({ "listed": true }));
    steps.saw(
        "distribution",
        json!({ "status": "InProgress", "at_first_poll": true }),
    );
    steps.saw("update", json!({ "comment": "changed" }));
    steps.saw(
        "viewers",
        json!({ "refused": 403, "opened": [200, PRIVATE] }),
    );
    steps.saw(
        "invalidation",
        json!({ "at_first_poll": true, "listed": [true] }),
    );
    steps.saw("tags", json!({ "tags": [{ "Key": "b", "Value": "2" }] }));
    steps.saw(
        "short cuts",
        json!({ "root": "private.txt", "pages": true, "one": 1 }),
    );
    let streaming = json!({ "has_arn": [false, true], "location": true, "at_first_poll": true, "listed": [true] });
    steps.saw("streaming", streaming);
    steps.saw("end", json!({ "distributions": "0" }));
    steps.count(18);
}

#[test]
fn terraform_operates_an_edge_and_its_plans_are_empty() {
    let Some(program) = terraform() else {
        eprintln!(
            "SKIPPED: no terraform on PATH, or no provider hashicorp/aws 5.100.0 in {PROVIDERS}"
        );
        return;
    };
    let steps = Site::new().story(&["cloudfront/story_terraform.py", &program, PROVIDERS]);
    let said = "Apply complete! Resources: 8 added, 0 changed, 0 destroyed.";
    steps.saw("apply", json!({ "said": said }));
    steps.saw("second plan", json!({ "left": "", "groups": true }));
    steps.saw("viewers", json!({ "open": [200, OPEN], "private": 403 }));
    let said = "Apply complete! Resources: 0 added, 8 changed, 0 destroyed.";
    steps.saw("update", json!({ "said": said, "left": "" }));
    // One changes in an attribute of the provider's own.
    let said = "Apply complete! Resources: 8 imported, 0 added, 1 changed, 0 destroyed.";
    steps.saw("import", json!({ "said": said, "left": "" }));
    let said = "Destroy complete! Resources: 8 destroyed.";
    steps.saw("destroy", json!({ "said": said }));
}

/// Returns the program, if it and its provider are installed.
fn terraform() -> Option<String> {
    let provider = format!("{PROVIDERS}/registry.terraform.io/hashicorp/aws/5.100.0");
    let answers = Command::new("terraform").arg("version").output();
    let is_there = answers.is_ok_and(|output| output.status.success());
    (is_there && Path::new(&provider).is_dir()).then(|| "terraform".to_owned())
}

#[test]
fn every_answer_is_as_the_model_says() {
    let steps = Site::new().story(&["cloudfront/check_answers.py"]);
    let versions: Vec<&Value> = steps
        .0
        .iter()
        .filter(|step| step["done"].is_array())
        .collect();
    assert_eq!(versions.len(), 19);
    for step in &steps.0 {
        assert_eq!(step["faults"], json!([]), "{}", step["step"]);
    }
    let mut done: Vec<&str> = Vec::new();
    for version in &versions {
        let names = version["done"].as_array().unwrap().iter();
        done.extend(names.map(|name| name.as_str().unwrap()));
    }
    done.sort_unstable();
    done.dedup();
    assert_eq!(done.len(), SERVED, "{done:?}");
    assert_eq!(steps.of("errors")["never_refused"], json!([]));
    let refused = steps.of("refusals");
    assert_eq!(
        refused["refused"].as_array().unwrap().len(),
        ALL - SERVED,
        "{refused}"
    );
}

/// Numbers of operations: those of the newest model, and those that are served.
const ALL: usize = 167;
const SERVED: usize = 72;

#[test]
fn answers_with_a_fault_are_found() {
    let steps = answers(command(python(), &["cloudfront/check_lint.py"]), "");
    assert_eq!(steps.len(), 21);
    for step in steps {
        assert_eq!(step["is_found"], true, "{step}");
    }
}
