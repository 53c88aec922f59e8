//! Times and durations in the form that options take.

use crate::cli::{Folder, ID, URL};

fn sign(arguments: &[&str]) -> crate::cli::Said {
    let key = ["sign", "--key", "key.pem", "--key-pair-id", ID];
    Folder::new().run(&[&key[..], arguments, &[URL]].concat())
}

fn check_refused(option: &str, text: &str, word: &str) {
    let option = format!("{option}={text}");
    sign(&[&option]).fails(2, &["error: invalid value", word]);
}

#[test]
fn what_is_no_time_is_refused() {
    check_refused("--until", "", "write epoch seconds");
    check_refused("--until", "tomorrow", "write epoch seconds");
    check_refused("--until", "-1", "write epoch seconds");
    check_refused(
        "--until",
        "1790000000000",
        "divide by 1000, that is 1790000000",
    );
    check_refused("--until", "99999999999999999999", "past the year 9999");
    check_refused(
        "--until",
        "2030-01-01T18:00",
        "the time has no offset: add Z",
    );
    check_refused("--until", "2030-02-30", "write epoch seconds");
    check_refused("--until", "1969-12-31", "before 1970");
    check_refused("--from", "+", "write numbers with units");
    check_refused("--for", "2", "write numbers with units");
    check_refused("--for", "h", "write numbers with units");
    check_refused("--for", "1y", "write numbers with units");
    check_refused("--for", "0s", "the duration is zero");
    check_refused("--for", "99999999999999999999d", "past the year 9999");
    check_refused("--round", "15", "write numbers with units");
}

fn check_until(text: &str, expected: u64) {
    let link = sign(&["--until", text]).ok();
    assert!(
        link.contains(&format!("?Expires={expected}&")),
        "{text}: {link}"
    );
}

#[test]
fn times_have_many_forms() {
    check_until("2000000000", 2_000_000_000);
    check_until("2030-01-01", 1_893_456_000);
    check_until("2030-01-01T18:00:00Z", 1_893_520_800);
    check_until("2030-01-01T18:00:00+02:00", 1_893_513_600);
    check_until("2030-01-01 18:00Z", 1_893_520_800);
}

fn check_relative(arguments: &[&str], seconds: u64) {
    let clock = || {
        let since = std::time::UNIX_EPOCH.elapsed();
        since.unwrap().as_secs()
    };
    let before = clock();
    let link = sign(arguments).ok();
    let after = clock();
    let (_, rest) = link.split_once("Expires=").unwrap();
    let until: u64 = rest.split('&').next().unwrap().parse().unwrap();
    assert!(
        (before + seconds..=after + seconds).contains(&until),
        "{arguments:?}"
    );
}

#[test]
fn durations_count_from_now() {
    check_relative(&["--for", "90s"], 90);
    check_relative(&["--for", "1d12h"], 129_600);
    check_relative(&["--for", "1w2d3h4m5s"], 788_645);
    check_relative(&["--until", "+2h"], 7_200);
}
