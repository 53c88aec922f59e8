//! Finds out who may write to a bucket, from its ACL and its policy.

use serde_json::Value;

/// The permission of strangers to write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Writers {
    /// Strangers may not write.
    Nobody,
    /// Strangers may write, under conditions or with exceptions that are not judged here.
    Perhaps,
    /// Strangers may write.
    Anybody,
    /// Their permission is not known.
    Unknown,
}

impl Writers {
    /// Combines two rules, each of which may let somebody in.
    pub(super) fn and(self, other: Writers) -> Writers {
        match (self, other) {
            (Writers::Anybody, _) | (_, Writers::Anybody) => Writers::Anybody,
            (Writers::Perhaps, _) | (_, Writers::Perhaps) => Writers::Perhaps,
            (Writers::Unknown, _) | (_, Writers::Unknown) => Writers::Unknown,
            (Writers::Nobody, Writers::Nobody) => Writers::Nobody,
        }
    }

    /// Returns the worse of two findings; where one is unknown, the other counts.
    pub(super) fn or(self, other: Writers) -> Writers {
        match (self, other) {
            (Writers::Unknown, known) | (known, Writers::Unknown) => known,
            (one, other) => one.and(other),
        }
    }
}

/// Groups of everybody, or of everybody with an account at Amazon.
const EVERYBODY: [&str; 2] = [
    "http://acs.amazonaws.com/groups/global/AllUsers",
    "http://acs.amazonaws.com/groups/global/AuthenticatedUsers",
];
/// Permissions to change objects, or the permissions themselves.
const WRITING: [&str; 3] = ["WRITE", "WRITE_ACP", "FULL_CONTROL"];

/// Reads a bucket's ACL (S3 API reference, `GetBucketAcl`).
pub(super) fn writers_in_acl(text: &[u8]) -> Writers {
    let Ok(text) = std::str::from_utf8(text) else {
        return Writers::Unknown;
    };
    if !text.contains("<AccessControlList") {
        return Writers::Unknown;
    }
    let lets_anybody = text.split("<Grant>").skip(1).any(|grant| {
        let names = |words: &[&str]| {
            words
                .iter()
                .any(|word| grant.contains(&format!(">{word}<")))
        };
        names(&EVERYBODY) && names(&WRITING)
    });
    if lets_anybody {
        Writers::Anybody
    } else {
        Writers::Nobody
    }
}

/// Actions that change objects, or who may change them.
const WRITING_ACTIONS: [&str; 9] = [
    "s3:putobject",
    "s3:putobjectacl",
    "s3:putobjecttagging",
    "s3:deleteobject",
    "s3:deleteobjectversion",
    "s3:putbucketacl",
    "s3:putbucketpolicy",
    "s3:deletebucketpolicy",
    "s3:putlifecycleconfiguration",
];

/// Reads a bucket's policy (IAM user guide, "IAM JSON policy elements reference").
pub(super) fn writers_in_policy(text: &[u8]) -> Writers {
    let Ok(policy) = serde_json::from_slice::<Value>(text) else {
        return Writers::Unknown;
    };
    let Some(statements) = policy.get("Statement").map(items) else {
        return Writers::Unknown;
    };
    let denies = statements
        .iter()
        .any(|statement| effect(statement) == "Deny");
    let mut writers = Writers::Nobody;
    for statement in statements.into_iter().filter(|it| effect(it) == "Allow") {
        if !is_for_everybody(statement) || !allows_writing(statement) {
            continue;
        }
        // Conditions and denials are not evaluated here.
        let is_limited = denies || statement.get("Condition").is_some();
        writers = writers.and(if is_limited {
            Writers::Perhaps
        } else {
            Writers::Anybody
        });
    }
    writers
}

fn effect(statement: &Value) -> &str {
    statement
        .get("Effect")
        .and_then(Value::as_str)
        .unwrap_or_default()
}

/// Returns the items of a list, or a single value as one.
fn items(value: &Value) -> Vec<&Value> {
    match value {
        Value::Array(items) => items.iter().collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => {
            vec![value]
        }
    }
}

fn is_for_everybody(statement: &Value) -> bool {
    // `NotPrincipal` names everybody but some.
    if statement.get("NotPrincipal").is_some() {
        return true;
    }
    let Some(principal) = statement.get("Principal") else {
        return false;
    };
    let is_star = |value: &Value| items(value).iter().any(|one| one.as_str() == Some("*"));
    is_star(principal) || principal.get("AWS").is_some_and(is_star)
}

fn allows_writing(statement: &Value) -> bool {
    // `NotAction` names everything but some.
    if statement.get("NotAction").is_some() {
        return true;
    }
    let actions = statement.get("Action").map(items).unwrap_or_default();
    actions
        .iter()
        .filter_map(|action| action.as_str())
        .any(|action| {
            let pattern = action.to_ascii_lowercase();
            WRITING_ACTIONS
                .iter()
                .any(|known| matches(pattern.as_bytes(), known.as_bytes()))
        })
}

/// Matches a pattern: `*` stands for any characters, `?` for one.
fn matches(pattern: &[u8], text: &[u8]) -> bool {
    let (mut at, mut read) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while read < text.len() {
        match pattern.get(at) {
            Some(b'*') => {
                star = Some((at, read));
                at += 1;
            }
            Some(&byte) if byte == b'?' || byte == text[read] => {
                at += 1;
                read += 1;
            }
            Some(_) | None => {
                // The last star takes one more character.
                let Some((star_at, taken)) = star else {
                    return false;
                };
                at = star_at + 1;
                read = taken + 1;
                star = Some((star_at, read));
            }
        }
    }
    pattern[at.min(pattern.len())..]
        .iter()
        .all(|&byte| byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(policy: &str, expected: Writers) {
        assert_eq!(writers_in_policy(policy.as_bytes()), expected, "{policy}");
    }

    fn statement(principal: &str, action: &str, more: &str) -> String {
        format!(
            "{{\"Statement\":[{{\"Effect\":\"Allow\",\"Principal\":{principal},\"Action\":{action},\
             \"Resource\":\"arn:aws:s3:::videos/*\"{more}}}]}}"
        )
    }

    #[test]
    fn a_policy_that_nobody_can_read_tells_nothing() {
        check("", Writers::Unknown);
        check("{}", Writers::Unknown);
        check("<Error/>", Writers::Unknown);
    }

    #[test]
    fn a_policy_lets_anybody_write() {
        for action in [
            "\"s3:PutObject\"",
            "\"S3:PUTOBJECT\"",
            "[\"s3:GetObject\",\"s3:Put*\"]",
            "\"s3:*\"",
            "\"*\"",
            "\"s3:?utObject\"",
            "\"s3:Delete*\"",
        ] {
            for principal in [
                "\"*\"",
                "{\"AWS\":\"*\"}",
                "{\"AWS\":[\"arn:aws:iam::1:root\",\"*\"]}",
            ] {
                check(&statement(principal, action, ""), Writers::Anybody);
            }
        }
        let single = "{\"Statement\":{\"Effect\":\"Allow\",\"NotPrincipal\":{\"AWS\":\"1\"},\"NotAction\":\"s3:Get*\"}}";
        check(single, Writers::Anybody);
    }

    #[test]
    fn a_policy_for_readers_or_friends_does_not() {
        check(&statement("\"*\"", "\"s3:GetObject\"", ""), Writers::Nobody);
        check(&statement("\"*\"", "\"s3:Get*\"", ""), Writers::Nobody);
        let friend = "{\"AWS\":\"arn:aws:iam::1:root\"}";
        check(&statement(friend, "\"s3:*\"", ""), Writers::Nobody);
        let condition = ",\"Condition\":{\"IpAddress\":{\"aws:SourceIp\":\"192.0.2.0/24\"}}";
        check(
            &statement("\"*\"", "\"s3:PutObject\"", condition),
            Writers::Perhaps,
        );
    }

    #[test]
    fn an_acl_tells_who_writes() {
        let acl = |uri: &str, permission: &str| {
            let text = format!(
                "<AccessControlPolicy><AccessControlList><Grant><Grantee><ID>me</ID></Grantee>\
                 <Permission>FULL_CONTROL</Permission></Grant><Grant><Grantee><URI>{uri}</URI></Grantee>\
                 <Permission>{permission}</Permission></Grant></AccessControlList></AccessControlPolicy>"
            );
            writers_in_acl(text.as_bytes())
        };
        assert_eq!(writers_in_acl(b"<Error/>"), Writers::Unknown);
        let log = "http://acs.amazonaws.com/groups/s3/LogDelivery";
        assert_eq!(acl(log, "WRITE"), Writers::Nobody);
        for uri in EVERYBODY {
            assert_eq!(acl(uri, "READ"), Writers::Nobody);
            for permission in WRITING {
                assert_eq!(acl(uri, permission), Writers::Anybody);
            }
        }
    }
}
