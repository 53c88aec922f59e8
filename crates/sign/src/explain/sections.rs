//! The resource against the URL, section by section.

use crate::explain::Question;
use crate::explain::ledger::Ledger;
use crate::object::{Object, covers};
use crate::refusal::ErrorCode;
use crate::resource::{self, Sections};

/// Section by section; the sections that matched on the way to a failure are shown as passed.
pub(super) fn check_resource(
    question: &Question<'_>,
    object: &Object<'_>,
    resource: Option<&str>,
    ledger: &mut Ledger,
) {
    let Object::Url { url, query } = object else {
        return;
    };
    let denied = ErrorCode::AccessDenied;
    let covered = covers(resource, object, &question.leniency);
    let (scheme, host, rest) = match resource.map(resource::sections) {
        None | Some(Sections::Everything) => {
            ledger.note(
                "resource",
                "any URL",
                "the policy covers every URL of every distribution that trusts the key",
            );
            return;
        }
        Some(Sections::Nothing) => {
            let found = resource.unwrap_or_default();
            ledger.check(
                "resource",
                covered,
                denied,
                "a text that begins with http://, https://, *:// or *",
                found,
            );
            return;
        }
        Some(Sections::Url { scheme, host, rest }) => (scheme, host, rest),
    };
    let sent_scheme = url.scheme.as_str();
    let wanted = match scheme {
        resource::Scheme::Http => "http",
        resource::Scheme::Https => "https",
        resource::Scheme::Any => "any",
    };
    ledger.check(
        "protocol",
        covered || scheme.matches(sent_scheme),
        denied,
        wanted,
        sent_scheme,
    );
    let host_matches = url
        .hosts(&question.leniency)
        .any(|sent| resource::host_matches(host, &sent));
    ledger.check("domain", covered || host_matches, denied, host, url.host);
    let (wanted_path, wanted_query) = resource::display_rest(host, rest);
    let rest_ok = covered || resource::rest_matches(host, rest, url.path, query);
    let path_ok = rest_ok || resource::rest_matches(host, Some(wanted_path), url.path, "");
    ledger.check("path", path_ok, denied, wanted_path, url.path);
    let found = if query.is_empty() { "none" } else { query };
    let wanted_query = wanted_query.unwrap_or("none");
    if path_ok {
        ledger.check("query", rest_ok, denied, wanted_query, found);
    } else {
        ledger.skip("query", wanted_query, found);
    }
}
