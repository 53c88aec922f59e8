//! The notes of `privet sign` about links that are signed as requested, but will probably not do what was intended.

use privet_media::name::video_name;
use privet_sign::{Terms, Timestamp};
use serde_json::Value;

/// The latest expiry that CloudFront accepts (fidelity note F3).
const CLOUDFRONT_END_MAX: Timestamp = Timestamp::from_secs(2_147_483_647);

/// Returns the notes about the times of a link that is signed at `now`. `whose` begins the sentence, such as "this
/// link".
pub(super) fn about_terms(whose: &str, terms: &Terms, now: Timestamp) -> Vec<String> {
    let (from, until) = match &terms.policy {
        Some(policy) => policy_times(policy),
        None => (terms.from, Some(terms.until)),
    };
    let ended = until.filter(|until| *until <= now).map(|until| {
        format!(
            "{whose} expired at {}, and opens nothing; give a later expiry",
            until.to_utc()
        )
    });
    let late = until.filter(|until| *until > CLOUDFRONT_END_MAX).map(|_| {
        format!(
            "CloudFront accepts no expiry after {} ({}); Privet does",
            CLOUDFRONT_END_MAX.to_utc(),
            CLOUDFRONT_END_MAX.as_secs()
        )
    });
    let at_once = from.filter(|from| *from == now).map(|from| {
        format!(
            "{whose} becomes valid in the second after {}, since a not-before time is exclusive; for a link that is valid at \
             once, leave out --from",
            from.to_utc()
        )
    });
    [ended, late, at_once].into_iter().flatten().collect()
}

/// Returns the not-before time and the expiry of a ready-made policy, if they are where CloudFront looks for them.
fn policy_times(policy: &str) -> (Option<Timestamp>, Option<Timestamp>) {
    let policy: Value = serde_json::from_str(policy).unwrap_or_default();
    let time = |name: &str| {
        let pointer = format!("/Statement/0/Condition/{name}/AWS:EpochTime");
        let seconds = policy.pointer(&pointer).and_then(Value::as_u64);
        seconds.map(Timestamp::from_secs)
    };
    (time("DateGreaterThan"), time("DateLessThan"))
}

/// Returns the note about a playlist whose link opens it alone: it is of no use without its segments.
pub(super) fn about_url(url: &str, terms: &Terms) -> Option<String> {
    let covers_more = |resource: &String| resource.contains(['*', '?']);
    if terms.policy.is_some() || terms.resource.as_ref().is_some_and(covers_more) {
        return None;
    }
    let path = url.split(['?', '#']).next().unwrap_or(url);
    let lower = path.to_ascii_lowercase();
    if !lower.ends_with(".m3u8") && !lower.ends_with(".mpd") {
        return None;
    }
    Some(match video_name(path) {
        Some(name) => {
            let object = name.object_path;
            let behind = &path[object.len()..];
            format!(
                "this opens the playlist only, and none of its segments: sign {object}, and add {behind} to the path of \
                 that link"
            )
        }
        None => {
            let folder = path.rfind('/').map_or(path, |slash| &path[..=slash]);
            format!(
                "this opens the playlist only, and none of its segments: add --resource '{folder}*', or sign its URIs \
                 with --playlist"
            )
        }
    })
}

/// Returns the note about cookies for a domain that the browser would not send to `host`, the host of the files, which
/// may begin with `*.`.
pub(super) fn about_domain(domain: &str, host: &str) -> Option<String> {
    let plain = |name: &str| name.trim_start_matches('.').to_ascii_lowercase();
    let (domain, host) = (plain(domain), plain(host.trim_start_matches('*')));
    let is_parent = host
        .strip_suffix(&domain)
        .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
    (!is_parent && !host.is_empty() && !host.contains('*')).then(|| {
        format!(
            "browsers do not send cookies of the domain {domain} to {host}: give this host, or a parent domain of it"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_800_000_000;

    #[track_caller]
    fn check(terms: &Terms, expected: &[&str]) {
        let notes = about_terms("this link", terms, Timestamp::from_secs(NOW));
        assert_eq!(notes.len(), expected.len(), "{notes:?}");
        for (note, expected) in notes.iter().zip(expected) {
            assert!(note.contains(expected), "{note}");
        }
    }

    fn until(seconds: u64) -> Terms {
        Terms::until(Timestamp::from_secs(seconds))
    }

    #[test]
    fn noted_ends_that_are_past_and_too_late() {
        check(&until(20_000_000), &["this link expired at 1970-08-20"]);
        check(&until(NOW), &["this link expired at 2027-01-15"]);
        check(&until(NOW + 1), &[]);
        check(&until(2_147_483_647), &[]);
        check(
            &until(2_147_483_648),
            &["no expiry after 2038-01-19T03:14:07Z (2147483647)"],
        );
    }

    #[test]
    fn noted_starts_at_this_very_second() {
        let from = |from| Terms {
            from: Some(Timestamp::from_secs(from)),
            ..until(NOW + 9)
        };
        check(
            &from(NOW),
            &["becomes valid in the second after 2027-01-15"],
        );
        check(&from(NOW - 1), &[]);
        check(&from(NOW + 1), &[]);
    }

    #[test]
    fn d6_policies_have_their_own_times() {
        let policy = |text: &str| Terms {
            policy: Some(text.to_owned()),
            ..until(NOW)
        };
        check(&policy("no JSON"), &[]);
        check(&policy("{}"), &[]);
        let text = |end: u64| {
            format!(
                "{{\"Statement\":[{{\"Condition\":{{\"DateLessThan\":{{\"AWS:EpochTime\":{end}}}}}}}]}}"
            )
        };
        check(&policy(&text(NOW)), &["expired at"]);
        check(&policy(&text(NOW + 1)), &[]);
        check(&policy(&text(3_000_000_000)), &["no expiry after"]);
    }

    #[test]
    fn noted_domains_of_another_host() {
        let told = |domain, host| about_domain(domain, host).is_some();
        assert!(told("other.test", "d1.cloudfront.net"));
        assert!(told("ample.com", "www.example.com"));
        assert!(told("www.example.com", "example.com"));
        assert!(told("other.test", "*.example.com"));
        assert!(!told("example.com", "www.example.com"));
        assert!(!told(".Example.com", "WWW.example.com"));
        assert!(!told("example.com", "*.example.com"));
        assert!(!told("example.com", "w*"));
    }
}
