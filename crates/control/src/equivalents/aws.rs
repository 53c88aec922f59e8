//! The commands of the AWS CLI.
//!
//! The endpoint is always named: without it, they would change an account of Amazon's.

use crate::cloudfront::said::{Said, counted, noun, said, with_tags};
use crate::equivalents::here_document::HereDocument;
use crate::equivalents::secrets::{Masked, Sealed, mask};
use crate::equivalents::{Equivalent, Operation, Target};
use crate::operation_error::OperationError;
use crate::operations::{InvalidationRequest, Switch};
use crate::shell::word;
use privet_distribution::config::ServiceKind;

const AWS: &str = "aws --endpoint-url \"${PRIVET_ENDPOINT:?}\" cloudfront";
/// Beginnings by which the CLI takes the name of a file for its content.
const FILES: [&str; 2] = ["file://", "fileb://"];

/// Returns the commands of an operation.
pub(super) fn text(operation: &Operation) -> Result<Equivalent, OperationError> {
    let text = match operation {
        Operation::List(kind) => list(*kind),
        Operation::Get(kind, id) => get(*kind, id),
        Operation::Create { kind, document } => {
            create(*kind, &mask(*kind, document, Sealed::Replaced)?)
        }
        Operation::Update { target, document } => {
            update(target, mask(target.kind, document, Sealed::Replaced)?)
        }
        Operation::Delete(target) => delete(target),
        Operation::Restore { .. } => Err("CloudFront's API has no earlier versions".to_owned()),
        Operation::Switch { target, switch } => switch_text(target, *switch),
        Operation::Invalidate(request) => invalidate(request),
        Operation::CreateOperator(_)
        | Operation::UpdateOperator { .. }
        | Operation::DeleteOperator(_)
        | Operation::CreateAccessKey(_)
        | Operation::UpdateAccessKey { .. }
        | Operation::DeleteAccessKey(_)
        | Operation::RotateAccessKey { .. } => {
            Err("CloudFront's API has no operators of Privet".to_owned())
        }
        Operation::SetRotation { .. } | Operation::EndRotation(_) | Operation::RotateNow(_) => {
            Err("CloudFront's API does not rotate keys".to_owned())
        }
        Operation::ForgetEdge(_) => Err("CloudFront's API has no edges".to_owned()),
    };
    Ok(text)
}

fn list(kind: ServiceKind) -> Equivalent {
    let noun = kebab(noun(kind)?);
    let plural = match noun.strip_suffix('y') {
        Some(stem) if !noun.ends_with("key") => format!("{stem}ies"),
        Some(_) | None => format!("{noun}s"),
    };
    Ok(format!("{AWS} list-{plural}"))
}

fn get(kind: ServiceKind, id: &str) -> Equivalent {
    Ok(format!(
        "{AWS} get-{} {}",
        kebab(noun(kind)?),
        option("id", id)?
    ))
}

fn create(kind: ServiceKind, masked: &Masked) -> Equivalent {
    let noun = noun(kind)?;
    let said = said(kind, &masked.document)?;
    let (verb, shape, config) = match &said.tags {
        None => (
            noun.to_owned(),
            format!("{noun}Config"),
            said.config.clone(),
        ),
        Some(_) => (
            format!("{noun}WithTags"),
            format!("{noun}ConfigWithTags"),
            with_tags(noun, &said),
        ),
    };
    let here = HereDocument::of(&counted(&config, &shape), &masked.secrets);
    Ok(format!(
        "{}{}{AWS} create-{} --{}=file:///dev/stdin {}\n{}",
        chosen(kind),
        here.comments,
        kebab(&verb),
        kebab(&shape),
        here.redirection,
        here.lines
    ))
}

/// Returns a comment on what the API sets itself.
fn chosen(kind: ServiceKind) -> &'static str {
    match kind.is_distribution() {
        true => "# The API chooses the id and the domain name.\n",
        false => "# The API chooses the id.\n",
    }
}

fn update(target: &Target, mut masked: Masked) -> Equivalent {
    let noun = noun(target.kind)?;
    if let Some(members) = masked.document.as_object_mut() {
        members.insert(target.kind.id_key().to_owned(), target.id.as_str().into());
    }
    let Said { config, tags } = said(target.kind, &masked.document)?;
    if tags.is_some() {
        return Err(
            "update-distribution leaves tags as they are; tag-resource sets them".to_owned(),
        );
    }
    let shape = format!("{noun}Config");
    let here = HereDocument::of(&counted(&config, &shape), &masked.secrets);
    Ok(format!(
        "# What the API cannot say of the item stays as it is.\n\
         {}{AWS} update-{} {} {} --{}=file:///dev/stdin {}\n{}",
        here.comments,
        kebab(noun),
        option("id", &target.id)?,
        if_match(target)?,
        kebab(&shape),
        here.redirection,
        here.lines
    ))
}

fn delete(target: &Target) -> Equivalent {
    let (noun, id) = (kebab(noun(target.kind)?), option("id", &target.id)?);
    Ok(format!("{AWS} delete-{noun} {id} {}", if_match(target)?))
}

/// Reads the configuration, changes the one line, and sends it back. Its members are indented by four characters, and
/// no text in JSON has a line of its own. The ETag is read first, so that a change that comes between is noticed.
fn switch_text(target: &Target, switch: Switch) -> Equivalent {
    let (noun, id) = (noun(target.kind)?, option("id", &target.id)?);
    let flag = match switch {
        Switch::Enable => "true",
        Switch::Disable => "false",
    };
    let (verb, etag) = (kebab(noun), if_match(target)?);
    let etag = etag.trim_start_matches("--if-match=");
    Ok(format!(
        "etag={etag}\n{AWS} get-{verb}-config {id} --query={noun}Config --output=json |\n  \
         sed 's/^    \"Enabled\": [a-z]*/    \"Enabled\": {flag}/' |\n  \
         {AWS} update-{verb} {id} --if-match=\"$etag\" --{verb}-config=file:///dev/stdin"
    ))
}

fn invalidate(request: &InvalidationRequest) -> Equivalent {
    if !request.tags.is_empty() {
        return Err("CloudFront's API invalidates by paths alone".to_owned());
    }
    if request.caller_reference.is_some() {
        return Err("create-invalidation --paths makes up the reference itself".to_owned());
    }
    let mut line = format!(
        "{AWS} create-invalidation {} --paths",
        option("distribution-id", &request.distribution)?
    );
    for path in &request.paths {
        line.push_str(&format!(" {}", word(safe(path)?)));
    }
    Ok(line)
}

fn if_match(target: &Target) -> Equivalent {
    match &target.etag {
        Some(etag) => option("if-match", etag),
        None => Ok(format!(
            "--if-match=\"$({AWS} get-{} {} --query=ETag --output=text)\"",
            kebab(noun(target.kind)?),
            option("id", &target.id)?
        )),
    }
}

fn option(name: &str, value: &str) -> Equivalent {
    Ok(format!("--{name}={}", word(safe(value)?)))
}

/// Refuses a value in whose place the CLI would send a file of the machine.
fn safe(value: &str) -> Result<&str, String> {
    match FILES.iter().any(|beginning| value.starts_with(beginning)) {
        true => Err(format!("the AWS CLI would read a file for {value:?}")),
        false => Ok(value),
    }
}

/// Returns a name as the CLI spells it: `CloudFrontOriginAccessIdentity` is `cloud-front-origin-access-identity`.
fn kebab(name: &str) -> String {
    let mut spelled = String::new();
    for char in name.chars() {
        if char.is_ascii_uppercase() && !spelled.is_empty() {
            spelled.push('-');
        }
        spelled.push(char.to_ascii_lowercase());
    }
    spelled
}
