//! The table of revocations in an edge's memory: bytes for each, time to find one, and to take one.

use crate::bench::{Bar, Row, median, process};
use privet_distribution::links::{
    GrantFacts, Judgement, LinkSource, RevocationChange, RevocationEntry, RevocationTable, Revoked,
    RevokedObject,
};
use privet_sign::{LinkId, Timestamp};
use std::hint::black_box;
use std::time::Instant;
use xtask::command::Outcome;

/// Number of revocations that are in force.
const REVOCATIONS: u64 = 1_000_000;

/// Number of revocations that are taken at once, as from the feed.
const BATCH: u64 = 1000;

/// Number of look-ups of a round.
const LOOK_UPS: u64 = 2_000_000;

const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

/// Returns the rows of a table of a million revocations, and of an empty one.
pub fn rows(quick: bool) -> Outcome<Vec<Row>> {
    let rounds = if quick { 2 } else { 7 };
    let empty = look_ups(&RevocationTable::new(), rounds, |number| number);
    let before = process::memory_bytes(std::process::id())?;
    let table = RevocationTable::new();
    let begun = Instant::now();
    fill(&table)?;
    let filled = begun.elapsed();
    let bytes = process::memory_bytes(std::process::id())?.saturating_sub(before);
    let hit = look_ups(&table, rounds, |number| number % REVOCATIONS);
    let miss = look_ups(&table, rounds, |number| REVOCATIONS + number);
    if hit.refused != LOOK_UPS || miss.refused + empty.refused > 0 {
        return Err("the table answers wrongly".to_owned());
    }
    let rows = vec![
        row(
            "memory, 1 M revocations",
            bytes as f64 / REVOCATIONS as f64,
            "bytes each",
            Bar::AtMost(48.0),
        ),
        row("look-up, revoked", hit.ns, "ns", Bar::AtMost(100.0)),
        row("look-up, not revoked", miss.ns, "ns", Bar::AtMost(100.0)),
        row("look-up, nothing revoked", empty.ns, "ns", Bar::AtMost(5.0)),
        row(
            "taken, to 1 M",
            REVOCATIONS as f64 / filled.as_secs_f64(),
            "1/s",
            Bar::None,
        ),
    ];
    rows.iter().for_each(Row::announce);
    Ok(rows)
}

fn fill(table: &RevocationTable) -> Outcome {
    let mut number = 0;
    while number < REVOCATIONS {
        let made = |number| {
            RevocationChange::Made(RevocationEntry {
                seq: number + 1,
                what: Revoked::Link(link(number)),
                until: Timestamp::from_secs(1_900_000_000),
                cut: false,
                made: NOW,
            })
        };
        let batch: Vec<RevocationChange> = (number..number + BATCH).map(made).collect();
        let applied = table.apply(&batch);
        applied.map_err(|refused| format!("not taken: {refused:?}"))?;
        number += BATCH;
    }
    Ok(())
}

struct LookUps {
    ns: f64,
    /// How many of a round were revoked.
    refused: u64,
}

/// Looks up links that lie all over the table, one after the other.
fn look_ups(table: &RevocationTable, rounds: usize, number: impl Fn(u64) -> u64) -> LookUps {
    let links: Vec<LinkId> = (0..LOOK_UPS).map(|index| link(number(index))).collect();
    let mut times = Vec::new();
    let mut refused = 0;
    for _ in 0..rounds {
        let begun = Instant::now();
        refused = 0;
        for link in &links {
            let facts = GrantFacts {
                link: LinkSource::Known(*link),
                key_pair_id: "K2JCJMDEHXQW5F",
                mark: None,
                object: RevokedObject {
                    host: "cdn.example.com",
                    paths: &["/film.mp4"],
                },
            };
            let judgement = black_box(table.judge(black_box(&facts), NOW));
            refused += u64::from(judgement != Judgement::NotRevoked);
        }
        times.push(begun.elapsed().as_secs_f64() * 1e9 / LOOK_UPS as f64);
    }
    LookUps {
        ns: median(&times),
        refused,
    }
}

/// Returns the link with a number: digests differ in all bits.
fn link(number: u64) -> LinkId {
    let mut bytes = [0; LinkId::SIZE_BYTES];
    let mut state = number.wrapping_mul(0x2545_f491_4f6c_dd1d);
    for chunk in bytes.chunks_exact_mut(8) {
        // SplitMix64.
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        chunk.copy_from_slice(&(mixed ^ (mixed >> 31)).to_be_bytes());
    }
    LinkId::from_bytes(bytes)
}

fn row(case: &str, ours: f64, unit: &'static str, bar: Bar) -> Row {
    Row {
        case: case.to_owned(),
        ours,
        peer: None,
        unit,
        ratio: None,
        bar,
    }
}
