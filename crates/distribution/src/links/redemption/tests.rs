use super::*;
use crate::links::RevokedBy;

const ATTEMPT: AttemptId = AttemptId([7; 16]);
const STRANGER: ViewerDigest = ViewerDigest([1; 16]);
const KNOWN: ViewerDigest = ViewerDigest([2; 16]);
const NOW: u64 = 1000;
const LINK_END: u64 = 5000;

const RULES: RedemptionRules = RedemptionRules {
    renew_before_secs: 300,
    when_stale: WhenStale::Refuse,
    tries_max: 3,
    patience_secs: 10,
};

const FRESH: Moment = Moment {
    now: Timestamp::from_secs(NOW),
    judgement: Judgement::NotRevoked,
    news: News::Fresh,
};

const STALE: Moment = Moment {
    news: News::Stale,
    ..FRESH
};

const REVOKED: Moment = Moment {
    judgement: Judgement::Revoked(RevokedBy {
        revocation: 4,
        cut: false,
    }),
    ..FRESH
};

const FORGOTTEN: Moment = Moment {
    judgement: Judgement::Forgotten,
    ..FRESH
};

const REDEEMED: StoreAnswer = StoreAnswer::Redeemed {
    use_number: 3,
    window_until: at(1600),
};

const AGAIN: StoreAnswer = StoreAnswer::Again {
    use_number: 3,
    window_until: at(1600),
};

const USED_UP: StoreAnswer = StoreAnswer::UsedUp {
    uses: 1,
    last_at: at(900),
};

const fn at(secs: u64) -> Timestamp {
    Timestamp::from_secs(secs)
}

/// A first request of a viewer who is known by the address.
fn first() -> RedemptionFacts {
    RedemptionFacts {
        link: LimitedId::from_bytes([5; 16]),
        digest: LinkId::from_bytes([6; 32]),
        until: at(LINK_END),
        visit: None,
        viewer: STRANGER,
        attempt: ATTEMPT,
        kind: QuestionKind::Redeem,
        confirmation: Confirmation::Settled,
    }
}

fn with_visit(until: u64) -> RedemptionFacts {
    RedemptionFacts {
        visit: Some(visit(KNOWN, until)),
        ..first()
    }
}

fn unconfirmed() -> RedemptionFacts {
    RedemptionFacts {
        confirmation: Confirmation::Ask,
        ..first()
    }
}

fn head() -> RedemptionFacts {
    RedemptionFacts {
        kind: QuestionKind::Peek,
        ..first()
    }
}

fn visit(viewer: ViewerDigest, until: u64) -> Visit {
    Visit {
        use_number: 3,
        viewer,
        until: at(until),
    }
}

fn ask(viewer: ViewerDigest, kind: QuestionKind, wait_ms: u64) -> Step {
    Step::AskStore {
        question: StoreQuestion {
            link: LimitedId::from_bytes([5; 16]),
            digest: LinkId::from_bytes([6; 32]),
            attempt: ATTEMPT,
            viewer,
            at: at(NOW),
            kind,
        },
        wait_ms,
    }
}

fn serve(viewer: ViewerDigest, until: u64, made: UseMade) -> Step {
    let visit = visit(viewer, until);
    Step::Serve { visit, made }
}

const STALE_STORE: Step = Step::Unavailable(LinkRefusal::StoreStale);
const SILENT: Step = Step::Unavailable(LinkRefusal::StoreSilent);
const BY_TABLE: Step = Step::Refuse(LinkRefusal::Revoked { revocation: 4 });

fn check_start(facts: RedemptionFacts, moment: Moment, expected: Step) {
    let (_, step) = Redeeming::start(facts, RULES, &moment);
    assert_eq!(step, expected, "{facts:?} {moment:?}");
}

#[test]
fn what_is_known_beforehand_asks_nobody() {
    for facts in [first(), with_visit(1600), unconfirmed(), head()] {
        check_start(facts, REVOKED, BY_TABLE);
        let forgotten = Step::Unavailable(LinkRefusal::RevocationsForgotten);
        check_start(facts, FORGOTTEN, forgotten);
        check_start(facts, STALE, STALE_STORE);
    }
    check_start(with_visit(1301), FRESH, serve(KNOWN, 1301, UseMade::Before));
    let to_the_end = serve(KNOWN, LINK_END, UseMade::Before);
    check_start(with_visit(LINK_END), FRESH, to_the_end);
    let head_with_visit = RedemptionFacts {
        kind: QuestionKind::Peek,
        ..with_visit(1301)
    };
    check_start(head_with_visit, FRESH, Step::ServeHead);
}

#[test]
fn the_question_is_the_viewers() {
    let redeem = |viewer| ask(viewer, QuestionKind::Redeem, 0);
    check_start(first(), FRESH, redeem(STRANGER));
    check_start(head(), FRESH, ask(STRANGER, QuestionKind::Peek, 0));
    check_start(unconfirmed(), FRESH, ask(STRANGER, QuestionKind::Peek, 0));
    // It ends soon, or has ended: it is still the viewer's.
    check_start(with_visit(1300), FRESH, redeem(KNOWN));
    check_start(with_visit(NOW), FRESH, redeem(KNOWN));
    // A person who has a visit has confirmed; after its end, another use needs another confirmation.
    let asked = |until| RedemptionFacts {
        confirmation: Confirmation::Ask,
        ..with_visit(until)
    };
    check_start(asked(1300), FRESH, redeem(KNOWN));
    check_start(asked(NOW), FRESH, ask(KNOWN, QuestionKind::Peek, 0));
}

#[test]
fn without_news_only_visits_are_served() {
    let rules = RedemptionRules {
        when_stale: WhenStale::ServeVisits,
        ..RULES
    };
    let check = |facts, expected| {
        let (_, step) = Redeeming::start(facts, rules, &STALE);
        assert_eq!(step, expected);
    };
    check(first(), STALE_STORE);
    check(head(), STALE_STORE);
    check(with_visit(NOW), STALE_STORE);
    check(with_visit(1001), serve(KNOWN, 1001, UseMade::Before));
}

fn check_answer(facts: RedemptionFacts, answer: StoreAnswer, expected: Step) {
    let (mut redeeming, step) = Redeeming::start(facts, RULES, &FRESH);
    assert!(matches!(step, Step::AskStore { .. }), "{step:?}");
    let step = redeeming.on_answer(Heard::Answer(answer), &FRESH);
    assert_eq!(step, expected, "{facts:?} {answer:?}");
}

#[test]
fn an_answer_permits_what_it_says() {
    let refusals = [
        (
            USED_UP,
            LinkRefusal::UsedUp {
                uses: 1,
                last_at: at(900),
            },
        ),
        (StoreAnswer::ViewersUsedUp, LinkRefusal::ViewersUsedUp),
        (StoreAnswer::BytesUsedUp, LinkRefusal::BytesUsedUp),
        (
            StoreAnswer::Revoked { revocation: 9 },
            LinkRefusal::Revoked { revocation: 9 },
        ),
        (StoreAnswer::Ended, LinkRefusal::Ended),
        (StoreAnswer::Unknown, LinkRefusal::NotRegistered),
    ];
    for (answer, refusal) in refusals {
        for facts in [first(), unconfirmed(), head(), with_visit(NOW)] {
            check_answer(facts, answer, Step::Refuse(refusal));
        }
    }
    check_answer(first(), StoreAnswer::Available, SILENT);
    check_answer(first(), StoreAnswer::GivenBack, SILENT);
    check_answer(head(), REDEEMED, SILENT);
    check_answer(unconfirmed(), REDEEMED, SILENT);
    check_answer(head(), AGAIN, Step::ServeHead);
    check_answer(head(), StoreAnswer::Available, Step::ServeHead);
    // Whoever has a use has confirmed it; the store is asked to go on with it.
    let goes_on = ask(STRANGER, QuestionKind::Join, 50);
    check_answer(unconfirmed(), AGAIN, goes_on);
    check_answer(unconfirmed(), StoreAnswer::Available, Step::Confirm);
    let here = UseMade::Here(ATTEMPT);
    check_answer(first(), REDEEMED, serve(STRANGER, 1600, here));
    check_answer(first(), AGAIN, serve(STRANGER, 1600, UseMade::Before));
    check_answer(with_visit(NOW), REDEEMED, serve(KNOWN, 1600, here));
}

#[test]
fn no_visit_outlasts_the_link() {
    let facts = RedemptionFacts {
        until: at(1200),
        ..first()
    };
    let here = UseMade::Here(ATTEMPT);
    check_answer(facts, REDEEMED, serve(STRANGER, 1200, here));
}

#[test]
fn a_visit_that_is_renewed_is_kept_to_its_end() {
    let kept = serve(KNOWN, 1300, UseMade::Before);
    check_answer(with_visit(1300), USED_UP, kept);
    check_answer(with_visit(1300), StoreAnswer::ViewersUsedUp, kept);
    let prolonged = serve(KNOWN, 1600, UseMade::Before);
    check_answer(with_visit(1300), AGAIN, prolonged);
    let ended = Step::Refuse(LinkRefusal::Ended);
    check_answer(with_visit(1300), StoreAnswer::Ended, ended);
    let revoked = Step::Refuse(LinkRefusal::Revoked { revocation: 9 });
    let answer = StoreAnswer::Revoked { revocation: 9 };
    check_answer(with_visit(1300), answer, revoked);
    let no_bytes = Step::Refuse(LinkRefusal::BytesUsedUp);
    check_answer(with_visit(1300), StoreAnswer::BytesUsedUp, no_bytes);
    for heard in [Heard::OutcomeUnknown, Heard::Unreachable] {
        let (mut redeeming, _) = Redeeming::start(with_visit(1300), RULES, &FRESH);
        assert_eq!(redeeming.on_answer(heard, &FRESH), kept);
        let later = Moment {
            now: at(1300),
            ..FRESH
        };
        let (mut redeeming, _) = Redeeming::start(with_visit(1300), RULES, &FRESH);
        assert_eq!(redeeming.on_answer(heard, &later), SILENT);
    }
}

#[test]
fn what_is_revoked_while_the_store_answers_is_not_served() {
    for heard in [
        Heard::Answer(REDEEMED),
        Heard::Answer(AGAIN),
        Heard::OutcomeUnknown,
    ] {
        let (mut redeeming, _) = Redeeming::start(first(), RULES, &FRESH);
        assert_eq!(redeeming.on_answer(heard, &REVOKED), BY_TABLE);
    }
}

#[test]
fn a_lost_outcome_is_asked_for_with_the_same_attempt() {
    for heard in [Heard::OutcomeUnknown, Heard::Unreachable] {
        for (facts, kind) in [
            (first(), QuestionKind::Redeem),
            (head(), QuestionKind::Peek),
            (unconfirmed(), QuestionKind::Peek),
        ] {
            let (mut redeeming, _) = Redeeming::start(facts, RULES, &FRESH);
            let later = Moment {
                now: at(NOW + 9),
                ..FRESH
            };
            let second = redeeming.on_answer(heard, &later);
            assert_eq!(second, ask(STRANGER, kind, 50));
            // A clock that was set back asks no more often.
            let before = Moment {
                now: at(10),
                ..FRESH
            };
            let third = redeeming.on_answer(heard, &before);
            assert_eq!(third, ask(STRANGER, kind, 100));
            assert_eq!(redeeming.on_answer(heard, &FRESH), SILENT);
        }
        let (mut redeeming, _) = Redeeming::start(first(), RULES, &FRESH);
        let too_late = Moment {
            now: at(NOW + 10),
            ..FRESH
        };
        assert_eq!(redeeming.on_answer(heard, &too_late), SILENT);
    }
}

#[test]
fn a_use_that_was_given_back_before_it_is_joined_is_not_made_again() {
    let (mut redeeming, _) = Redeeming::start(unconfirmed(), RULES, &FRESH);
    let joins = redeeming.on_answer(Heard::Answer(AGAIN), &FRESH);
    assert_eq!(joins, ask(STRANGER, QuestionKind::Join, 50));
    let gone = redeeming.on_answer(Heard::Answer(StoreAnswer::Available), &FRESH);
    assert_eq!(gone, Step::Confirm);
}

#[test]
fn an_answer_to_a_repetition_counts() {
    let (mut redeeming, _) = Redeeming::start(first(), RULES, &FRESH);
    let again = redeeming.on_answer(Heard::OutcomeUnknown, &FRESH);
    assert_eq!(again, ask(STRANGER, QuestionKind::Redeem, 50));
    let step = redeeming.on_answer(Heard::Answer(REDEEMED), &FRESH);
    assert_eq!(step, serve(STRANGER, 1600, UseMade::Here(ATTEMPT)));
}
