//! Routes of links and their revocations.

use super::{Route, shown};
use crate::call::{Answer, Call};
use crate::operation_error::OperationError;
use crate::operations::{
    LinkRules, MakeLinkRequest, Mode, RevocationOutcome, RevocationRequest, RevokeTarget,
    ShownLink, ShownState,
};
use crate::operator::{Publish, Read};
use crate::problem::Problem;
use http::Method;
use privet_sign::{IpRange, SubjectDigest};
use privet_store::{
    LedgerRecord, LinkConfirm, LinkFilter, LinkState, PathFilter, Revoked, StoredLink,
    StoredRevocation, StoredUse, Timestamp,
};
use serde::Deserialize;
use serde_json::{Value, json};

pub(super) fn routes() -> Vec<Route> {
    let (one, revocation) = ("/v1/links/{id}", "/v1/revocations/{seq}");
    vec![
        Route::new(Method::GET, "/v1/links", "links.list", list),
        Route::new(Method::POST, "/v1/links", "links.create", create),
        Route::new(Method::GET, one, "links.get", get),
        Route::new(Method::GET, format!("{one}/uses"), "links.uses", uses),
        Route::new(
            Method::POST,
            format!("{one}/revoke"),
            "links.revoke",
            revoke,
        ),
        Route::new(
            Method::POST,
            format!("{one}/restore"),
            "links.restore",
            restore,
        ),
        Route::new(
            Method::GET,
            "/v1/revocations",
            "revocations.list",
            list_revocations,
        ),
        Route::new(
            Method::POST,
            "/v1/revocations",
            "revocations.create",
            create_revocation,
        ),
        Route::new(Method::GET, revocation, "revocations.get", get_revocation),
        Route::new(Method::DELETE, revocation, "revocations.lift", lift),
    ]
}

/// The body with which a link is registered or made: `link` was signed elsewhere; `url`, `group` and `until` have it
/// signed here.
#[derive(Debug, Deserialize)]
#[serde(
    deny_unknown_fields,
    expecting = "an object with link, or with url, group and until"
)]
struct LinkForm {
    link: Option<String>,
    url: Option<String>,
    group: Option<String>,
    until: Option<jiff::Timestamp>,
    from: Option<jiff::Timestamp>,
    ip: Option<String>,
    resource: Option<String>,
    #[serde(default)]
    limits: LimitsForm,
    confirm: Option<String>,
    window_seconds: Option<u32>,
    owner: Option<String>,
    subject: Option<String>,
    sender: Option<String>,
    label: Option<String>,
    note: Option<String>,
    file_name: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(
    deny_unknown_fields,
    default,
    expecting = "an object with uses, viewers, bytes and one_time"
)]
struct LimitsForm {
    uses: Option<u64>,
    viewers: Option<u64>,
    bytes: Option<u64>,
    one_time: bool,
}

impl LinkForm {
    fn rules(&mut self) -> Result<LinkRules, OperationError> {
        let limits = &self.limits;
        let uses = match (limits.uses, limits.one_time) {
            (None | Some(1), true) => Some(1),
            (Some(_), true) => {
                let rule = "is true beside another number of uses; leave one of them out";
                return Err(OperationError::invalid("limits.one_time", rule));
            }
            (uses, false) => uses,
        };
        let confirm = self.confirm.take();
        let fault = || OperationError::invalid("confirm", "is not always, never or auto");
        Ok(LinkRules {
            uses,
            viewers: limits.viewers,
            bytes: limits.bytes,
            confirm: match confirm {
                None => LinkConfirm::Auto,
                Some(word) => LinkConfirm::parse(&word).ok_or_else(fault)?,
            },
            window_seconds: self.window_seconds,
            owner: self.owner.take(),
            subject: self.subject.take(),
            sender: self.sender.take(),
            label: self.label.take(),
            note: self.note.take(),
            file_name: self.file_name.take(),
        })
    }
}

async fn create(mut call: Call<Publish>) -> Result<Answer, Problem> {
    call.end_query()?;
    let mut form: LinkForm = call.form()?;
    let rules = form.rules()?;
    let operations = &call.operations;
    let (stored, url) = match (form.link.take(), form.url.take()) {
        (Some(link), None) => {
            let others = [
                form.group.is_some(),
                form.until.is_some(),
                form.from.is_some(),
            ];
            let texts = [form.ip.is_some(), form.resource.is_some()];
            if others.iter().chain(&texts).any(|is_given| *is_given) {
                let rule = "is signed already; what is signed cannot be changed";
                return Err(OperationError::invalid("link", rule).into());
            }
            let stored = operations
                .register_link(&call.operator, &link, &rules)
                .await?;
            (stored, None)
        }
        (None, Some(url)) => {
            let request = making(form, url, rules)?;
            let (stored, url) = operations.make_link(&call.operator, &request).await?;
            (stored, Some(url))
        }
        (Some(_), Some(_)) | (None, None) => {
            let rule = "is missing; give link, or url with group and until";
            return Err(OperationError::invalid("link", rule).into());
        }
    };
    let location = format!("/v1/links/{}", stored.link.id);
    let state = ShownState::of(&stored, Timestamp::from_seconds(operations.now()));
    let mut shown = link(&stored, state);
    shown["url"] = url.into();
    Ok(Answer::created(shown, location))
}

fn making(
    form: LinkForm,
    url: String,
    rules: LinkRules,
) -> Result<MakeLinkRequest, OperationError> {
    let missing = |field: &'static str| move || OperationError::invalid(field, "is missing");
    let ip = form.ip.map(|text| IpRange::parse(&text)).transpose();
    Ok(MakeLinkRequest {
        url,
        group: form.group,
        until: moment("until", form.until.ok_or_else(missing("until"))?)?,
        from: form.from.map(|from| moment("from", from)).transpose()?,
        ip: ip.map_err(|error| OperationError::invalid("ip", error.to_string()))?,
        resource: form.resource,
        rules,
    })
}

fn moment(
    field: &'static str,
    at: jiff::Timestamp,
) -> Result<privet_sign::Timestamp, OperationError> {
    let seconds = u64::try_from(at.as_second());
    let seconds = seconds.map_err(|_| OperationError::invalid(field, "is before 1970"))?;
    Ok(privet_sign::Timestamp::from_secs(seconds))
}

async fn list(mut call: Call<Read>) -> Result<Answer, Problem> {
    call.no_body()?;
    let page = call.page_beside_others()?;
    let now = Timestamp::from_seconds(call.operations.now());
    let query = &mut call.input.query;
    let path = query.take("path").map(PathFilter::Exact);
    let prefix = query.take("prefix").map(PathFilter::Prefix);
    let subject = query.take("subject");
    let state = match query.take("state").as_deref() {
        None => None,
        Some("live") => Some((LinkState::Live, now)),
        Some("ended") => Some((LinkState::Ended, now)),
        Some("revoked") => Some((LinkState::Revoked, now)),
        Some(_) => {
            let rule = "is not live, ended or revoked";
            return Err(OperationError::invalid("state", rule).into());
        }
    };
    let filter = LinkFilter {
        subject: subject.map(|subject| {
            let digest = SubjectDigest::of(&subject);
            privet_store::SubjectDigest::from_bytes(*digest.as_bytes())
        }),
        label: query.take("label"),
        owner: query.take("owner"),
        key_pair_id: query.take("key"),
        made_by: query.take("made_by"),
        host: query.take("host"),
        path: path.or(prefix),
        state,
    };
    call.end_query()?;
    let listed = call
        .operations
        .links(&call.operator, &filter, &page)
        .await?;
    Ok(shown::listed(listed, |stored| {
        link(&stored, ShownState::of(&stored, now))
    }))
}

async fn get(mut call: Call<Read>) -> Result<Answer, Problem> {
    call.nothing()?;
    let found = call.operations.link(&call.operator, call.parameter("id"));
    Ok(Answer::ok(whole_link(&found.await?)))
}

async fn uses(mut call: Call<Read>) -> Result<Answer, Problem> {
    call.no_body()?;
    let page = call.page()?;
    let name = call.parameter("id");
    let listed = call
        .operations
        .link_uses(&call.operator, name, &page)
        .await?;
    Ok(shown::listed(listed, |one| link_use(&one)))
}

/// The body of a revocation of one link.
#[derive(Debug, Default, Deserialize)]
#[serde(
    deny_unknown_fields,
    default,
    expecting = "an object with cut and note"
)]
struct RevokeForm {
    cut: bool,
    note: Option<String>,
}

async fn revoke(mut call: Call<Publish>) -> Result<Answer, Problem> {
    let mode = call.trial()?;
    let form = match call.input.body.is_empty() {
        true => RevokeForm::default(),
        false => call.form()?,
    };
    let request = RevocationRequest {
        target: RevokeTarget::Link(call.parameter("id").to_owned()),
        until: None,
        cut: form.cut,
        note: form.note,
    };
    let revoked = call
        .operations
        .revoke(&call.operator, &request, mode)
        .await?;
    Ok(Answer::ok(outcome(&revoked, mode)))
}

async fn restore(mut call: Call<Publish>) -> Result<Answer, Problem> {
    call.nothing()?;
    let name = call.parameter("id");
    let lifted = call.operations.restore_link(&call.operator, name).await?;
    Ok(Answer::ok(revocation(&lifted)))
}

/// The body of a revocation: one of the first five.
#[derive(Debug, Deserialize)]
#[serde(
    deny_unknown_fields,
    expecting = "an object with one of link, subject, label, object and key"
)]
struct RevocationForm {
    link: Option<String>,
    subject: Option<String>,
    label: Option<String>,
    object: Option<String>,
    key: Option<String>,
    until: Option<jiff::Timestamp>,
    #[serde(default)]
    cut: bool,
    note: Option<String>,
}

async fn create_revocation(mut call: Call<Publish>) -> Result<Answer, Problem> {
    let mode = call.trial()?;
    let form: RevocationForm = call.form()?;
    let targets = [
        form.link.map(RevokeTarget::Link),
        form.subject.map(RevokeTarget::Subject),
        form.label.map(RevokeTarget::Label),
        form.object.map(RevokeTarget::Object),
        form.key.map(RevokeTarget::Key),
    ];
    let mut targets = targets.into_iter().flatten();
    let (Some(target), None) = (targets.next(), targets.next()) else {
        let rule =
            "is missing or there are several; give one of link, subject, label, object and key";
        return Err(OperationError::invalid("link", rule).into());
    };
    let until = form.until.map(|at| Timestamp::from_seconds(at.as_second()));
    let request = RevocationRequest {
        target,
        until,
        cut: form.cut,
        note: form.note,
    };
    let revoked = call
        .operations
        .revoke(&call.operator, &request, mode)
        .await?;
    let shown = outcome(&revoked, mode);
    Ok(match revoked.revocation {
        Some(seq) => Answer::created(shown, format!("/v1/revocations/{seq}")),
        None => Answer::ok(shown),
    })
}

async fn list_revocations(mut call: Call<Read>) -> Result<Answer, Problem> {
    call.no_body()?;
    let page = call.page()?;
    let listed = call.operations.revocations(&call.operator, &page).await?;
    Ok(shown::listed(listed, |one| revocation(&one)))
}

async fn get_revocation(mut call: Call<Read>) -> Result<Answer, Problem> {
    call.nothing()?;
    let seq = call.number("seq")?;
    let found = call.operations.revocation(&call.operator, seq).await?;
    Ok(Answer::ok(revocation(&found)))
}

async fn lift(mut call: Call<Publish>) -> Result<Answer, Problem> {
    call.nothing()?;
    let seq = call.number("seq")?;
    let lifted = call.operations.lift_revocation(&call.operator, seq).await?;
    Ok(Answer::ok(revocation(&lifted)))
}

fn time(at: Timestamp) -> Value {
    shown::time(at.seconds())
}

fn link(stored: &StoredLink, state: ShownState) -> Value {
    let link = &stored.link;
    json!({
        "id": link.id.to_string(),
        "digest": link.digest.to_string(),
        "limited": link.kind == privet_store::LinkKind::Limited,
        "object": format!("{}{}", link.host, link.path),
        "key_pair_id": link.key_pair_id,
        "limits": { "uses": link.uses_max, "viewers": link.viewers_max, "bytes": link.bytes_max },
        "confirm": link.confirm.as_str(),
        "window_seconds": link.window_seconds,
        "owner": link.owner,
        "subject": link.subject,
        "sender": link.sender,
        "label": link.label,
        "note": link.note,
        "file_name": link.file_name,
        "expires_at": time(link.ends_at),
        "made_at": time(stored.made_at),
        "made_by": stored.made_by,
        "uses": stored.uses,
        "bytes_reserved": stored.bytes_reserved,
        "revoked_by": stored.revoked_by,
        "state": state.as_str(),
    })
}

fn whole_link(found: &ShownLink) -> Value {
    let mut shown = link(&found.stored, found.state);
    shown["ledger"] = found.ledger.as_ref().map_or(Value::Null, ledger);
    shown["revocation"] = found.revocation.as_ref().map_or(Value::Null, revocation);
    shown
}

fn ledger(record: &LedgerRecord) -> Value {
    json!({
        "first_use": record.served.map(|(first, _)| time(first)),
        "last_use": record.served.map(|(_, last)| time(last)),
        "uses": record.uses,
        "viewers": record.viewers,
        "bytes": record.bytes,
        "watched_seconds": record.watched_seconds,
        "refusals": record.refusals,
        "addresses": record.addresses,
    })
}

fn link_use(one: &StoredUse) -> Value {
    json!({
        "number": one.number,
        "viewer": one.viewer.to_string(),
        "at": time(one.at),
        "until": time(one.window_until),
        "edge": one.edge,
        "given_back": one.given_back,
    })
}

fn revocation(stored: &StoredRevocation) -> Value {
    let (kind, value) = match &stored.revocation.what {
        Revoked::Link(digest) => ("link", digest.to_string()),
        Revoked::Key(id) => ("key", id.clone()),
        Revoked::Subject(digest) => ("subject", digest.to_string()),
        Revoked::Object { host, path } => ("object", format!("{host}{path}")),
    };
    json!({
        "seq": stored.seq,
        "kind": kind,
        "value": value,
        "until": time(stored.revocation.until),
        "cut": stored.revocation.cut,
        "note": stored.revocation.note,
        "made_at": time(stored.made_at),
        "made_by": stored.made_by,
        "lifted_at": stored.lifted.as_ref().map(|(at, _)| time(*at)),
        "lifted_by": stored.lifted.as_ref().map(|(_, by)| by.clone()),
    })
}

fn outcome(revoked: &RevocationOutcome, mode: Mode) -> Value {
    json!({
        "dry_run": mode == Mode::DryRun,
        "revocation": revoked.revocation,
        "links": revoked.links,
    })
}
