//! Bucket policies in the forms that Amazon's console, its CDK and Terraform write for CloudFront. Pure.
//!
//! Such a policy says who may read: origin access identities, by ARN or by canonical user, and distributions with an origin
//! access control, by `AWS:SourceArn`. Everything else is refused with its reason: a policy that is half understood would
//! let in somebody whom it keeps out.

mod json;

use crate::policy::json::{Document, OneOrMany, Pairs, Principal, Statement};
use std::collections::BTreeSet;
use thiserror::Error;

/// Size of a policy, as S3 limits it.
pub const SIZE_BYTES_MAX: usize = 20 * 1024;
const STATEMENTS_MAX: usize = 100;
const VERSIONS: [&str; 2] = ["2012-10-17", "2008-10-17"];
const IDENTITY_ARN: &str = "arn:aws:iam::cloudfront:user/CloudFront Origin Access Identity ";
const SERVICE: &str = "cloudfront.amazonaws.com";

/// The holder of a grant to read all objects of a bucket.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reader {
    /// An origin access identity, by its id.
    OriginAccessIdentity(String),
    /// An origin access identity, by its canonical user id.
    CanonicalUser(String),
    /// A distribution whose origin access control signs, by account and id.
    Distribution {
        /// Account number of the ARN, 12 digits.
        account: String,
        /// Id of the distribution.
        id: String,
    },
}

/// How requests reach the endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// By TLS alone.
    Tls,
    /// In the clear as well.
    Plain,
}

/// The bucket that a policy is for.
#[derive(Clone, Copy, Debug)]
pub struct PolicyContext<'a> {
    /// Name of the bucket.
    pub bucket: &'a str,
    /// How requests reach it: a statement that forbids requests in the clear has to be true.
    pub transport: Transport,
}

/// What a policy grants.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Grants {
    /// Readers of all objects.
    pub readers: BTreeSet<Reader>,
    /// Readers who may list as well, and so get 404 for a key that does not exist.
    pub listers: BTreeSet<Reader>,
}

/// The reason why a policy is refused. Its text is for the client.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PolicyError {
    /// Larger than 20 KiB.
    #[error("the policy is larger than 20 KiB")]
    TooLarge,
    /// Not JSON of the form of policies, or with elements that are not understood here.
    #[error("the policy cannot be read: {0}")]
    Malformed(String),
    /// A version that is not one of IAM's.
    #[error("the version of the policy is neither 2012-10-17 nor 2008-10-17")]
    Version,
    /// No statement, or more than 100.
    #[error("the policy has no statement, or too many")]
    Statements,
    /// Neither Allow nor Deny.
    #[error("statement {statement}: the effect is neither Allow nor Deny")]
    Effect {
        /// Number of the statement, from 1.
        statement: usize,
    },
    /// Everybody, or somebody who is unknown here.
    #[error(
        "statement {statement}: the principal {principal:?} is neither an origin access identity nor \
         cloudfront.amazonaws.com; buckets here are read by CloudFront alone, and by operators with their own keys"
    )]
    Principal {
        /// Number of the statement, from 1.
        statement: usize,
        /// Principal that is refused.
        principal: String,
    },
    /// No principal.
    #[error("statement {statement}: it names no principal")]
    NoPrincipal {
        /// Number of the statement, from 1.
        statement: usize,
    },
    /// Another action.
    #[error(
        "statement {statement}: the action {action:?} cannot be granted; s3:GetObject and s3:ListBucket can"
    )]
    Action {
        /// Number of the statement, from 1.
        statement: usize,
        /// Action that is refused.
        action: String,
    },
    /// Another resource than the whole bucket.
    #[error(
        "statement {statement}: the resource {resource:?} is not the bucket's own; s3:GetObject is granted for \
         arn:aws:s3:::BUCKET/* and s3:ListBucket for arn:aws:s3:::BUCKET"
    )]
    Resource {
        /// Number of the statement, from 1.
        statement: usize,
        /// Resource that is refused.
        resource: String,
    },
    /// An action without its resource, or a resource without its action.
    #[error(
        "statement {statement}: s3:GetObject goes with arn:aws:s3:::BUCKET/*, s3:ListBucket with arn:aws:s3:::BUCKET; \
         one is without the other"
    )]
    Pairing {
        /// Number of the statement, from 1.
        statement: usize,
    },
    /// A condition that is not understood.
    #[error("statement {statement}: the condition {condition} is not understood")]
    Condition {
        /// Number of the statement, from 1.
        statement: usize,
        /// Operator and key.
        condition: String,
    },
    /// The service without a distribution: every distribution of the world could read.
    #[error(
        "statement {statement}: cloudfront.amazonaws.com needs a condition StringEquals AWS:SourceArn"
    )]
    NoSource {
        /// Number of the statement, from 1.
        statement: usize,
    },
    /// An ARN that names no single distribution.
    #[error("statement {statement}: {arn:?} is not arn:aws:cloudfront::ACCOUNT:distribution/ID")]
    Source {
        /// Number of the statement, from 1.
        statement: usize,
        /// ARN that is refused.
        arn: String,
    },
    /// A Deny that is not about requests in the clear.
    #[error(
        "statement {statement}: the only Deny that is understood is that of requests without TLS (aws:SecureTransport)"
    )]
    Deny {
        /// Number of the statement, from 1.
        statement: usize,
    },
    /// A Deny that would not be true.
    #[error(
        "statement {statement}: requests without TLS cannot be denied, for this endpoint has no certificate"
    )]
    InsecureTransport {
        /// Number of the statement, from 1.
        statement: usize,
    },
}

/// Reads a policy as it was put.
///
/// # Errors
/// [`PolicyError`] with the first thing in it that is not understood, or that is not granted here.
pub fn read(text: &[u8], context: PolicyContext<'_>) -> Result<Grants, PolicyError> {
    if text.len() > SIZE_BYTES_MAX {
        return Err(PolicyError::TooLarge);
    }
    let document: Document =
        serde_json::from_slice(text).map_err(|error| PolicyError::Malformed(error.to_string()))?;
    let version = document.version.as_deref().unwrap_or(VERSIONS[1]);
    if !VERSIONS.contains(&version) {
        return Err(PolicyError::Version);
    }
    let statements = document.statements.into_vec();
    if statements.is_empty() || statements.len() > STATEMENTS_MAX {
        return Err(PolicyError::Statements);
    }
    let mut grants = Grants::default();
    for (index, content) in statements.into_iter().enumerate() {
        let reading = Reading {
            statement: index + 1,
            context,
        };
        match content.effect.as_str() {
            "Allow" => reading.allow(content, &mut grants)?,
            "Deny" => reading.deny(content)?,
            _ => {
                return Err(PolicyError::Effect {
                    statement: index + 1,
                });
            }
        }
    }
    Ok(grants)
}

/// One statement that is read.
#[derive(Clone, Copy)]
struct Reading<'a> {
    statement: usize,
    context: PolicyContext<'a>,
}

/// What a statement is about.
#[derive(Clone, Copy, Default)]
struct Allowed {
    reading: bool,
    listing: bool,
}

impl Reading<'_> {
    fn allow(self, content: Statement, grants: &mut Grants) -> Result<(), PolicyError> {
        let statement = self.statement;
        let principal = content
            .principal
            .ok_or(PolicyError::NoPrincipal { statement })?;
        let readers = self.readers(principal, content.condition)?;
        let actions = self.actions(content.action)?;
        let resources = self.resources(content.resource)?;
        let is_paired =
            actions.reading == resources.reading && actions.listing == resources.listing;
        if !is_paired {
            return Err(PolicyError::Pairing { statement });
        }
        if actions.reading {
            grants.readers.extend(readers.iter().cloned());
        }
        if actions.listing {
            grants.listers.extend(readers);
        }
        Ok(())
    }

    fn readers(
        self,
        principal: Principal,
        condition: Option<Pairs<Pairs<OneOrMany<String>>>>,
    ) -> Result<Vec<Reader>, PolicyError> {
        let statement = self.statement;
        let refused = |principal: String| PolicyError::Principal {
            statement,
            principal,
        };
        let named = match principal {
            Principal::Text(text) => return Err(refused(text)),
            Principal::Named(named) => named,
        };
        let mut readers = Vec::new();
        let mut is_service = false;
        for (kind, values) in named.0 {
            for value in values.into_vec() {
                let reader = match kind.as_str() {
                    "AWS" => identity(&value).map(Reader::OriginAccessIdentity),
                    "CanonicalUser" => {
                        is_canonical_user(&value).then(|| Reader::CanonicalUser(value.clone()))
                    }
                    "Service" if value == SERVICE => {
                        is_service = true;
                        continue;
                    }
                    _ => None,
                };
                readers.push(reader.ok_or_else(|| refused(value))?);
            }
        }
        match (is_service, readers.is_empty()) {
            (true, true) => self.sources(condition),
            // A condition on the distribution would never be met by an identity.
            (true, false) => Err(refused(SERVICE.to_owned())),
            (false, true) => Err(PolicyError::NoPrincipal { statement }),
            (false, false) => {
                self.no_condition(condition)?;
                Ok(readers)
            }
        }
    }

    fn no_condition(
        self,
        condition: Option<Pairs<Pairs<OneOrMany<String>>>>,
    ) -> Result<(), PolicyError> {
        match condition.and_then(|condition| condition.0.into_iter().next()) {
            None => Ok(()),
            Some((operator, _)) => Err(PolicyError::Condition {
                statement: self.statement,
                condition: operator,
            }),
        }
    }

    /// Reads the distributions that `AWS:SourceArn` names.
    fn sources(
        self,
        condition: Option<Pairs<Pairs<OneOrMany<String>>>>,
    ) -> Result<Vec<Reader>, PolicyError> {
        let statement = self.statement;
        let mut operators = condition.map(|condition| condition.0).unwrap_or_default();
        // All of several operators would have to be met; nobody writes that.
        let (Some((operator, keys)), None) = (operators.pop(), operators.pop()) else {
            return Err(PolicyError::NoSource { statement });
        };
        let unknown = |condition| PolicyError::Condition {
            statement,
            condition,
        };
        if !["StringEquals", "ArnLike", "ArnEquals"].contains(&operator.as_str()) {
            return Err(unknown(operator));
        }
        let mut keys = keys.0;
        let (Some((key, arns)), None) = (keys.pop(), keys.pop()) else {
            return Err(unknown(operator));
        };
        if !key.eq_ignore_ascii_case("aws:SourceArn") {
            return Err(unknown(format!("{operator} {key}")));
        }
        let arns = arns.into_vec();
        if arns.is_empty() {
            return Err(PolicyError::NoSource { statement });
        }
        let source = |arn: String| distribution(&arn).ok_or(PolicyError::Source { statement, arn });
        arns.into_iter().map(source).collect()
    }

    fn actions(self, action: Option<OneOrMany<String>>) -> Result<Allowed, PolicyError> {
        let mut allowed = Allowed::default();
        for action in action.map(OneOrMany::into_vec).unwrap_or_default() {
            // IAM's actions are the same in any case.
            match action.to_ascii_lowercase().as_str() {
                "s3:getobject" => allowed.reading = true,
                "s3:listbucket" => allowed.listing = true,
                _ => {
                    return Err(PolicyError::Action {
                        statement: self.statement,
                        action,
                    });
                }
            }
        }
        match (allowed.reading, allowed.listing) {
            (false, false) => Err(PolicyError::Pairing {
                statement: self.statement,
            }),
            (true, _) | (_, true) => Ok(allowed),
        }
    }

    fn resources(self, resource: Option<OneOrMany<String>>) -> Result<Allowed, PolicyError> {
        let mut allowed = Allowed::default();
        for resource in resource.map(OneOrMany::into_vec).unwrap_or_default() {
            let of_bucket = resource
                .strip_prefix("arn:aws:s3:::")
                .and_then(|path| path.strip_prefix(self.context.bucket));
            match of_bucket {
                Some("") => allowed.listing = true,
                Some("/*") => allowed.reading = true,
                Some(_) | None => {
                    return Err(PolicyError::Resource {
                        statement: self.statement,
                        resource,
                    });
                }
            }
        }
        Ok(allowed)
    }

    /// Accepts a statement that denies requests in the clear, if there are none.
    fn deny(self, content: Statement) -> Result<(), PolicyError> {
        let statement = self.statement;
        let other = PolicyError::Deny { statement };
        let is_everybody = match content.principal {
            Some(Principal::Text(text)) => text == "*",
            Some(Principal::Named(named)) => named.0.into_iter().all(|(kind, values)| {
                kind == "AWS" && values.into_vec().iter().all(|value| value == "*")
            }),
            None => false,
        };
        let actions = content.action.map(OneOrMany::into_vec).unwrap_or_default();
        let is_everything = actions
            .iter()
            .any(|action| action == "s3:*" || action == "*");
        let condition = content
            .condition
            .map(|condition| condition.0)
            .unwrap_or_default();
        let is_of_transport = match condition.as_slice() {
            [(operator, keys)] => match keys.0.as_slice() {
                [(key, values)] => {
                    operator == "Bool"
                        && key.eq_ignore_ascii_case("aws:SecureTransport")
                        && values.as_slice().iter().all(|value| value == "false")
                }
                _ => false,
            },
            _ => false,
        };
        self.resources(content.resource)?;
        match (
            is_everybody && is_everything && is_of_transport,
            self.context.transport,
        ) {
            (false, _) => Err(other),
            (true, Transport::Plain) => Err(PolicyError::InsecureTransport { statement }),
            (true, Transport::Tls) => Ok(()),
        }
    }
}

fn identity(arn: &str) -> Option<String> {
    let id = arn.strip_prefix(IDENTITY_ARN)?;
    is_id(id).then(|| id.to_owned())
}

fn distribution(arn: &str) -> Option<Reader> {
    let rest = arn.strip_prefix("arn:aws:cloudfront::")?;
    let (account, id) = rest.split_once(":distribution/")?;
    let is_account = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
    (is_account && is_id(id)).then(|| Reader::Distribution {
        account: account.to_owned(),
        id: id.to_owned(),
    })
}

/// Returns true for ids as CloudFront makes them; a wildcard is none.
fn is_id(id: &str) -> bool {
    let is_character = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit();
    (1..=64).contains(&id.len()) && id.bytes().all(is_character)
}

fn is_canonical_user(id: &str) -> bool {
    let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    (32..=128).contains(&id.len()) && id.bytes().all(is_digit)
}

#[cfg(test)]
mod tests;
