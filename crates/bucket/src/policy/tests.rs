//! Policies that are refused, and those of Amazon's tools.

use super::*;

#[track_caller]
fn check(text: &str, expected: &str) {
    let context = PolicyContext {
        bucket: "photos",
        transport: Transport::Plain,
    };
    let shown = match read(text.as_bytes(), context) {
        Ok(grants) => format!("{:?} {:?}", grants.readers, grants.listers),
        Err(error) => error.to_string(),
    };
    assert!(shown.contains(expected), "{shown}");
}

/// Puts a statement into a policy.
#[track_caller]
fn statement(statement: &str, expected: &str) {
    check(
        &format!(r#"{{"Version":"2012-10-17","Statement":[{statement}]}}"#),
        expected,
    );
}

const IDENTITY: &str =
    r#"{"AWS":"arn:aws:iam::cloudfront:user/CloudFront Origin Access Identity E1ABC"}"#;

fn reading(principal: &str, rest: &str) -> String {
    format!(
        r#"{{"Effect":"Allow","Principal":{principal},"Action":"s3:GetObject",
        "Resource":"arn:aws:s3:::photos/*"{rest}}}"#
    )
}

#[test]
fn what_is_no_policy_is_refused() {
    check("", "cannot be read");
    check("[]", "cannot be read");
    check(r#"{"Version":"2012-10-17"}"#, "Statement");
    check(r#"{"Version":"2012-10-17","Statement":[]}"#, "no statement");
    check(r#"{"Version":"2020-01-01","Statement":[]}"#, "version");
    check(r#"{"Statement":[],"Statement":[]}"#, "duplicate field");
    check(r#"{"Statement":[],"More":1}"#, "unknown field");
    check(&" ".repeat(SIZE_BYTES_MAX + 1), "larger");
    check(&"[".repeat(10_000), "cannot be read");
}

#[test]
fn elements_that_are_not_understood_are_refused() {
    statement(r#"{"Effect":"Maybe"}"#, "effect");
    statement(r#"{"Effect":"Allow","NotPrincipal":"*"}"#, "unknown field");
    statement(r#"{"Effect":"Allow","NotAction":"s3:*"}"#, "unknown field");
    statement(&reading(r#""*""#, ""), "principal \"*\"");
    statement(&reading(r#"{"AWS":"*"}"#, ""), "principal \"*\"");
    statement(&reading(r#"{"AWS":[]}"#, ""), "no principal");
    statement(&reading(r#"{"AWS":"a","aws":"b"}"#, ""), "twice");
    statement(
        &reading(r#"{"AWS":"arn:aws:iam::123456789012:root"}"#, ""),
        "principal",
    );
    statement(&reading(r#"{"Federated":"x"}"#, ""), "principal");
    statement(
        &reading(r#"{"Service":"s3.amazonaws.com"}"#, ""),
        "principal",
    );
    statement(
        &reading(&IDENTITY.replace("E1ABC", "*"), ""),
        "Origin Access Identity *",
    );
    statement(
        &reading(
            IDENTITY,
            r#","Condition":{"IpAddress":{"aws:SourceIp":"1.2.3.4"}}"#,
        ),
        "IpAddress",
    );
}

#[test]
fn other_actions_and_resources_are_refused() {
    let change = |from: &str, to: &str| reading(IDENTITY, "").replace(from, to);
    statement(&change("s3:GetObject", "s3:*"), "action \"s3:*\"");
    statement(&change("s3:GetObject", "s3:Get*"), "action");
    statement(&change("s3:GetObject", "s3:PutObject"), "action");
    statement(&change("\"s3:GetObject\"", "[]"), "without the other");
    statement(&change("photos/*", "photos"), "without the other");
    statement(&change("photos/*", "photos/private/*"), "resource");
    statement(&change("photos/*", "photos2/*"), "resource");
    statement(&change("photos/*", "*"), "resource");
    statement(&change("\"arn:aws:s3:::photos/*\"", "\"*\""), "resource");
}

#[test]
fn the_service_needs_a_distribution() {
    let service = r#"{"Service":"cloudfront.amazonaws.com"}"#;
    let with = |condition: &str| reading(service, &format!(r#","Condition":{condition}"#));
    statement(&reading(service, ""), "needs a condition");
    statement(&with("{}"), "needs a condition");
    statement(
        &with(r#"{"StringLike":{"AWS:SourceArn":"x"}}"#),
        "StringLike",
    );
    statement(
        &with(r#"{"StringEquals":{"AWS:SourceAccount":"x"}}"#),
        "SourceAccount",
    );
    statement(
        &with(r#"{"StringEquals":{"AWS:SourceArn":[]}}"#),
        "needs a condition",
    );
    let arn = |arn: &str| with(&format!(r#"{{"ArnLike":{{"aws:SourceArn":"{arn}"}}}}"#));
    statement(
        &arn("arn:aws:cloudfront::123456789012:distribution/*"),
        "distribution/*",
    );
    statement(&arn("arn:aws:cloudfront::1:distribution/E1"), "is not arn");
    statement(
        &with(
            r#"{"StringEquals":{"AWS:SourceArn":"arn:aws:cloudfront::123456789012:distribution/E1","aws:SourceArn":"x"}}"#,
        ),
        "twice",
    );
    let both = r#"{"Service":"cloudfront.amazonaws.com","AWS":"arn:aws:iam::cloudfront:user/CloudFront Origin Access Identity E1"}"#;
    statement(&reading(both, ""), "principal");
}

#[test]
fn a_deny_has_to_be_true() {
    let deny = |condition: &str| {
        format!(
            r#"{{"Effect":"Deny","Principal":"*","Action":"s3:*",
            "Resource":["arn:aws:s3:::photos","arn:aws:s3:::photos/*"],"Condition":{condition}}}"#
        )
    };
    let insecure = deny(r#"{"Bool":{"aws:SecureTransport":"false"}}"#);
    statement(&deny("{}"), "only Deny");
    statement(
        &deny(r#"{"Bool":{"aws:SecureTransport":"true"}}"#),
        "only Deny",
    );
    statement(&insecure, "no certificate");
    let context = PolicyContext {
        bucket: "photos",
        transport: Transport::Tls,
    };
    let text = format!(r#"{{"Statement":{insecure}}}"#);
    assert_eq!(read(text.as_bytes(), context), Ok(Grants::default()));
}

#[test]
fn policies_of_amazons_tools_are_understood() {
    // The console, for an origin access identity.
    check(
        r#"{"Version":"2008-10-17","Id":"PolicyForCloudFrontPrivateContent","Statement":[{"Sid":"1","Effect":"Allow",
        "Principal":{"AWS":"arn:aws:iam::cloudfront:user/CloudFront Origin Access Identity EH1HDMB1FH2TC"},
        "Action":"s3:GetObject","Resource":"arn:aws:s3:::photos/*"}]}"#,
        r#"{OriginAccessIdentity("EH1HDMB1FH2TC")} {}"#,
    );
    // The console, for an origin access control.
    check(
        r#"{"Version":"2012-10-17","Statement":{"Sid":"AllowCloudFrontServicePrincipalReadOnly","Effect":"Allow",
        "Principal":{"Service":"cloudfront.amazonaws.com"},"Action":"s3:GetObject","Resource":"arn:aws:s3:::photos/*",
        "Condition":{"StringEquals":{"AWS:SourceArn":"arn:aws:cloudfront::111122223333:distribution/EDFDVBD6EXAMPLE"}}}}"#,
        r#"{Distribution { account: "111122223333", id: "EDFDVBD6EXAMPLE" }} {}"#,
    );
    // The CDK, with the canonical user.
    let user = "79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be";
    check(
        &format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Action":"s3:GetObject","Effect":"Allow",
            "Principal":{{"CanonicalUser":"{user}"}},"Resource":"arn:aws:s3:::photos/*"}}]}}"#
        ),
        &format!(r#"{{CanonicalUser("{user}")}} {{}}"#),
    );
    // Terraform, with two actions and two resources.
    check(
        r#"{"Statement":[{"Action":["s3:ListBucket","s3:GetObject"],"Effect":"Allow",
        "Principal":{"AWS":["arn:aws:iam::cloudfront:user/CloudFront Origin Access Identity E1"]},
        "Resource":["arn:aws:s3:::photos/*","arn:aws:s3:::photos"],"Sid":""}],"Version":"2012-10-17"}"#,
        r#"{OriginAccessIdentity("E1")} {OriginAccessIdentity("E1")}"#,
    );
}
