//! Compares the resource with the URL, section by section.

use crate::explain::ledger::Ledger;
use crate::leniency::Leniency;
use crate::object::Object;
use crate::refusal::Refusal;
use crate::resource::{self, Sections};
use crate::viewer::ViewerUrl;

/// Records each section. Sections that matched on the way to a refusal are shown as passed.
pub(super) fn note_resource(
    object: &Object<'_>,
    resource: Option<&str>,
    leniency: &Leniency,
    refusal: Option<&Refusal>,
    ledger: &mut Ledger,
) {
    let Object::Url { url, query } = object else {
        return;
    };
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
            let expected = "a text that begins with http://, https://, *:// or *";
            ledger.judge("resource", refusal, expected, found);
            return;
        }
        Some(Sections::Url { scheme, host, rest }) => (scheme, host, rest),
    };
    note_protocol_and_domain(url, (scheme, host), leniency, refusal, ledger);
    let (wanted_path, wanted_query) = resource::display_rest(host, rest);
    let rest_matches = resource::rest_matches(host, rest, url.path, query);
    let path_matches =
        rest_matches || resource::rest_matches(host, Some(wanted_path), url.path, "");
    let at_path = refusal.filter(|_| !path_matches);
    ledger.judge("path", at_path, wanted_path, url.path);
    let found = if query.is_empty() { "none" } else { query };
    let wanted_query = wanted_query.unwrap_or("none");
    match at_path {
        None => {
            let at_query = refusal.filter(|_| !rest_matches);
            ledger.judge("query", at_query, wanted_query, found);
        }
        Some(_) => ledger.skip("query", wanted_query, found),
    }
}

fn note_protocol_and_domain(
    url: &ViewerUrl<'_>,
    (scheme, host): (resource::Scheme, &str),
    leniency: &Leniency,
    refusal: Option<&Refusal>,
    ledger: &mut Ledger,
) {
    let sent_scheme = url.scheme.as_str();
    let wanted = match scheme {
        resource::Scheme::Http => "http",
        resource::Scheme::Https => "https",
        resource::Scheme::Any => "any",
    };
    let at_protocol = refusal.filter(|_| !scheme.matches(sent_scheme));
    ledger.judge("protocol", at_protocol, wanted, sent_scheme);
    let mut hosts = url.hosts(leniency);
    let host_matches = hosts.any(|sent| resource::host_matches(host, &sent));
    let at_domain = refusal.filter(|_| !host_matches);
    ledger.judge("domain", at_domain, host, url.host);
}
