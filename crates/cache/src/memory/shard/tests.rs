use super::*;
use crate::block::{Block, Object};
use bytes::Bytes;

struct Empty;

impl Head for Empty {
    fn encode(&self, _out: &mut Vec<u8>) {}

    fn decode(_bytes: &[u8]) -> Option<Self> {
        Some(Empty)
    }

    fn size_bytes(&self) -> usize {
        0
    }
}

fn key(number: u64) -> Key {
    crate::block_key([1; 16], number)
}

fn put_object(tier: &super::super::MemoryTier<Empty>, number: u64) {
    let object = Object {
        head: Empty,
        seq: number,
        body: None,
    };
    tier.put(key(number), Payload::Object(Arc::new(object)));
}

fn put_block(tier: &super::super::MemoryTier<Empty>, meter: &Arc<Meter>, number: u64) {
    let chunk: Bytes = meter.chunk(vec![0; 10_000]);
    let block = Block::with(vec![chunk], crate::block::Counting::Counted);
    tier.put(key(number), Payload::Block(Arc::new(block)));
}

fn tier(limit_bytes: u64) -> (super::super::MemoryTier<Empty>, Arc<Meter>) {
    let meter = Arc::new(Meter::new(limit_bytes));
    (super::super::MemoryTier::new(&meter), meter)
}

fn kept(tier: &super::super::MemoryTier<Empty>, numbers: std::ops::Range<u64>) -> usize {
    let found = numbers.filter(|number| tier.find(&key(*number), Touch::Peek).is_some());
    found.count()
}

#[test]
fn nothing_is_kept_beyond_the_limit() {
    let (tier, meter) = tier(100_000);
    for number in 0..10_000 {
        put_object(&tier, number);
        assert!(meter.used_bytes() <= 100_000);
    }
    assert!(kept(&tier, 0..10_000) > 250);
}

#[test]
fn an_entry_larger_than_everything_is_not_kept() {
    let (tier, meter) = tier(5_000);
    put_block(&tier, &meter, 0);
    assert_eq!(kept(&tier, 0..1), 0);
    assert_eq!(meter.used_bytes(), 0);
}

#[test]
fn a_video_passing_through_pushes_out_no_object() {
    let (tier, meter) = tier(1_000_000);
    for number in 0..2_000 {
        put_object(&tier, number);
        assert!(tier.find(&key(number), Touch::Use).is_some());
    }
    let before = kept(&tier, 0..2_000);
    for number in 10_000..20_000 {
        put_block(&tier, &meter, number);
    }
    assert_eq!(before, 2_000);
    assert_eq!(kept(&tier, 0..2_000), 2_000);
}

#[test]
fn a_block_that_is_used_again_outlives_a_video() {
    let (tier, meter) = tier(1_000_000);
    put_block(&tier, &meter, 0);
    assert!(tier.find(&key(0), Touch::Use).is_some());
    put_block(&tier, &meter, 1);
    assert!(tier.find(&key(1), Touch::Peek).is_some());
    for number in 10..1_000 {
        put_block(&tier, &meter, number);
    }
    assert_eq!(kept(&tier, 0..1), 1);
    assert_eq!(kept(&tier, 1..2), 0);
}

#[test]
fn removing_and_putting_again_leaves_nothing_behind() {
    let (tier, meter) = tier(1_000_000);
    for number in 0..100_000 {
        put_object(&tier, number % 7);
        tier.remove(&key(number % 7));
    }
    assert_eq!(meter.used_bytes(), 0);
    let state = tier.shards[0].read();
    assert!(state.objects.tickets.len() <= 2 * STALE_MAX);
}

#[test]
fn replacing_counts_the_new_and_not_the_old() {
    let (tier, meter) = tier(1_000_000);
    for _ in 0..10 {
        put_block(&tier, &meter, 1);
    }
    let one = meter.used_bytes();
    assert!(one < 2 * 10_000);
    put_object(&tier, 1);
    assert!(meter.used_bytes() < 1_000);
    assert_eq!(tier.shards[0].weight_bytes(), meter.used_bytes());
}
