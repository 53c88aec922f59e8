//! How long redaction takes: for the texts of an ordinary request, and for each byte of those that are made to be slow.
//!
//! Run with `cargo run --release -p privet-distribution --example redaction_speed`.
#![expect(clippy::print_stdout, reason = "printing is what it is for")]

use privet_distribution::logging::{redact_query, redact_viewer_text};
use std::hint::black_box;
use std::time::Instant;

const AGENT: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Safari/537.36";
const PATH: &str = "/videos/2026/summer-holiday/hls/1080p/segment-00012.m4s";
const REFERER: &str = "https://www.example.com/videos/summer-holiday?lang=de&page=2";
const INGREDIENTS: [&str; 16] = [
    "&a",
    "\\&a",
    "&%",
    "\\",
    "&#",
    "&#65",
    "%25",
    "\\u",
    "&#x4",
    "}",
    ";",
    "Signature= ",
    "Policy=a ",
    "A1b",
    "77,",
    "1.2.3.4, ",
];
const TEXT_SIZE_BYTES: usize = 32 * 1024;

fn main() {
    let signature = "Ab3-~".repeat(68) + "AA__";
    let signed = format!("Expires=1767003600&Signature={signature}&Key-Pair-Id=K2JCJMDEHXQW5F");
    for (name, query) in [("unsigned", "a=1&b=some%20words"), ("signed", &signed)] {
        let nanoseconds = fastest(&|| (0..1000).map(|_| record(query)).sum());
        println!("{name} request: {} ns", nanoseconds / 1000);
    }
    let slow = slow_texts().map(|text| {
        let nanoseconds = fastest(&|| redact_viewer_text(black_box(&text)).len());
        (nanoseconds / text.len() as u128, text)
    });
    if let Some((nanoseconds, text)) = slow.max() {
        println!("slowest text: {nanoseconds} ns for each byte, {text:.60}…");
    }
}

fn record(query: &str) -> usize {
    let texts = [PATH, AGENT, REFERER].map(|text| redact_viewer_text(black_box(text)).len());
    texts.into_iter().sum::<usize>() + redact_query(black_box(query)).len()
}

/// Pairs of what is slow, repeated, and the same behind entities within entities.
fn slow_texts() -> impl Iterator<Item = String> {
    let pairs = INGREDIENTS
        .into_iter()
        .flat_map(|one| INGREDIENTS.map(|two| format!("{one}{two}")));
    pairs.flat_map(|pair| ["", &nested(9)].map(|begin| filled(begin, &pair)))
}

fn nested(depth: usize) -> String {
    let zeros = "0".repeat(66);
    let core = "Ab3Qz9Xy7K".repeat(12);
    let entities = (0..depth).fold(core, |inner, _| format!("{zeros}&{inner};{zeros}"));
    format!("&#65 |%{}41|,,,{entities},,,", "25".repeat(140))
}

fn filled(begin: &str, filling: &str) -> String {
    let count = (TEXT_SIZE_BYTES - begin.len()) / filling.len();
    format!("{begin}{}", filling.repeat(count))
}

fn fastest(run: &dyn Fn() -> usize) -> u128 {
    let times = (0..5).map(|_| {
        let begin = Instant::now();
        black_box(run());
        begin.elapsed().as_nanos()
    });
    times.min().unwrap_or_default()
}
