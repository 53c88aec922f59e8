//! The model of the store against the store itself, on a SQLite file.

use crate::random::Random;
use crate::store::{Link, Returned, Rows, Statement};
use privet_distribution::links::{
    AttemptId, ConfirmSetting, QuestionKind, RevocationChange, RevocationEntry, Revoked,
    StoreAnswer, StoreQuestion, ViewerDigest,
};
use privet_sign::{LimitedId, LinkId, LinkMark, Timestamp};
use privet_store::{
    Actor, LinkConfirm, LinkDigest, LinkKind, LinkUse, Location, NewLink, NewRevocation,
    RegisteredId, SealingKey, Store, StoreOptions, UseAnswer,
};
use tempfile::TempDir;
use tokio::runtime::Builder;

const START: u64 = 1_800_000_000;
const END: u64 = START + 400;
const LINKS: u8 = 4;

/// Statements of a run.
const STATEMENTS: usize = 150;

#[test]
fn the_model_answers_as_the_store_does() {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    for seed in 1..=12 {
        runtime.block_on(check(seed));
    }
}

async fn check(seed: u64) {
    let mut random = Random::new(seed);
    let folder = TempDir::new().unwrap();
    let store = Store::open(StoreOptions {
        location: Location::File(folder.path().join("store.db")),
        key: SealingKey::parse(&"00".repeat(32)).unwrap(),
    });
    let store = store.await.unwrap();
    let actor = Actor {
        operator: "test".to_owned(),
        how: "cli".to_owned(),
        address: None,
        request_id: None,
    };
    let links: Vec<Link> = (1..=LINKS)
        .map(|number| link(number, &mut random))
        .collect();
    for link in &links {
        let new = registered(link);
        let created = store.create_link(&new, &actor, seconds(START));
        created.await.unwrap();
    }
    let mut rows = Rows::default();
    let mut asked: Vec<StoreQuestion> = Vec::new();
    let mut now = START;
    for step in 0..STATEMENTS {
        now += random.below(4);
        if random.chance(2) {
            let link = &links[random.index(links.len())];
            revoke(&store, &actor, &mut rows, link, now).await;
            continue;
        }
        let question = question(&links, &asked, now, &mut random);
        asked.push(question);
        if random.chance(15) {
            let gives_back = Statement::GiveBack(question);
            rows.execute(&links, &gives_back);
            store.give_back(&wanted(&question)).await.unwrap();
            continue;
        }
        let answer = match question.kind {
            QuestionKind::Peek => store.peek(&wanted(&question)).await,
            QuestionKind::Redeem => store.redeem(&wanted(&question)).await,
            QuestionKind::Join => store.join(&wanted(&question)).await,
        };
        let modelled = rows.execute(&links, &Statement::Ask(question));
        let Returned::Answer(modelled) = modelled else {
            panic!("a question is answered");
        };
        let answer = answer_of(answer.unwrap());
        assert_eq!(modelled, answer, "seed {seed}, step {step}: {question:?}");
    }
}

fn link(number: u8, random: &mut Random) -> Link {
    Link {
        limited: Some(LimitedId::from_bytes([number; 16])),
        digest: LinkId::from_bytes([number; LinkId::SIZE_BYTES]),
        mark: LinkMark::default(),
        until: Timestamp::from_secs(END),
        path: format!("/{number}"),
        confirm: ConfirmSetting::Never,
        uses_max: random.pick(&[1, 2, 5, 9]),
        viewers_max: random.pick(&[1, 2, 3]),
        window_secs: random.pick(&[5, 20, 60]),
    }
}

fn registered(link: &Link) -> NewLink {
    NewLink {
        id: RegisteredId::from_bytes(*link.limited.unwrap().as_bytes()),
        digest: LinkDigest::from_bytes(*link.digest.as_bytes()),
        kind: LinkKind::Limited,
        key_pair_id: "K1".to_owned(),
        host: "cdn.example.com".to_owned(),
        path: link.path.clone(),
        uses_max: Some(link.uses_max.into()),
        viewers_max: Some(link.viewers_max.into()),
        bytes_max: None,
        confirm: LinkConfirm::Never,
        window_seconds: u32::try_from(link.window_secs).unwrap(),
        owner: None,
        subject: None,
        subject_digest: None,
        sender: None,
        label: None,
        note: None,
        file_name: None,
        ends_at: seconds(link.until.as_secs()),
    }
}

/// Returns a new question, or one that was asked before.
fn question(
    links: &[Link],
    asked: &[StoreQuestion],
    now: u64,
    random: &mut Random,
) -> StoreQuestion {
    if !asked.is_empty() && random.chance(30) {
        return asked[random.index(asked.len())];
    }
    let number = random.index(links.len());
    let link = &links[number];
    let is_forged = random.chance(3);
    let digest = if is_forged {
        LinkId::from_bytes([99; LinkId::SIZE_BYTES])
    } else {
        link.digest
    };
    let kind = match random.chance(20) {
        true => QuestionKind::Peek,
        false => QuestionKind::Redeem,
    };
    // Clocks of edges differ.
    let at = now - 30 + random.below(60);
    StoreQuestion {
        link: link.limited.unwrap(),
        digest,
        attempt: AttemptId(random.bytes()),
        viewer: ViewerDigest(u128::from(random.below(4)).to_be_bytes()),
        at: Timestamp::from_secs(at),
        kind,
    }
}

fn wanted(question: &StoreQuestion) -> LinkUse {
    LinkUse {
        link: RegisteredId::from_bytes(*question.link.as_bytes()),
        digest: LinkDigest::from_bytes(*question.digest.as_bytes()),
        attempt: privet_store::AttemptId::from_bytes(question.attempt.0),
        viewer: privet_store::ViewerDigest::from_bytes(question.viewer.0),
        at: seconds(question.at.as_secs()),
        edge: "edge".to_owned(),
    }
}

async fn revoke(store: &Store, actor: &Actor, rows: &mut Rows, link: &Link, now: u64) {
    let digest = LinkDigest::from_bytes(*link.digest.as_bytes());
    let new = NewRevocation {
        what: privet_store::Revoked::Link(digest),
        until: seconds(END),
        cut: false,
        note: None,
    };
    let made = store.revoke(&new, actor, seconds(now.min(END - 1)));
    let made = made.await.unwrap();
    let entry = RevocationEntry {
        seq: made.seq,
        what: Revoked::Link(link.digest),
        until: link.until,
        cut: false,
        made: Timestamp::from_secs(now),
    };
    let is_known = rows.in_force().any(|known| known.seq == entry.seq);
    if !is_known {
        let change = RevocationChange::Made(entry);
        rows.execute(std::slice::from_ref(link), &Statement::Change(change));
    }
}

fn answer_of(answer: UseAnswer) -> StoreAnswer {
    let number = |number: u64| u32::try_from(number).unwrap();
    match answer {
        UseAnswer::Redeemed {
            use_number,
            window_until,
        } => StoreAnswer::Redeemed {
            use_number: number(use_number),
            window_until: time(window_until),
        },
        UseAnswer::Again {
            use_number,
            window_until,
        } => StoreAnswer::Again {
            use_number: number(use_number),
            window_until: time(window_until),
        },
        UseAnswer::Open => StoreAnswer::Available,
        UseAnswer::UsedUp { uses, last_at } => StoreAnswer::UsedUp {
            uses: number(uses),
            last_at: time(last_at),
        },
        UseAnswer::ViewersUsedUp => StoreAnswer::ViewersUsedUp,
        UseAnswer::BytesUsedUp => StoreAnswer::BytesUsedUp,
        UseAnswer::Revoked { revocation } => StoreAnswer::Revoked { revocation },
        UseAnswer::Ended => StoreAnswer::Ended,
        UseAnswer::GivenBack => StoreAnswer::GivenBack,
        UseAnswer::Unknown => StoreAnswer::Unknown,
    }
}

fn seconds(secs: u64) -> privet_store::Timestamp {
    privet_store::Timestamp::from_seconds(i64::try_from(secs).unwrap())
}

fn time(at: privet_store::Timestamp) -> Timestamp {
    Timestamp::from_secs(u64::try_from(at.seconds()).unwrap())
}
