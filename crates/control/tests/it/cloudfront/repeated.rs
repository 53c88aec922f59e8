//! Changes that a client sends again because their answers were lost.

use super::*;

fn create(name: &str, invocation: &str, attempt: u32) -> Ask {
    Ask::new("POST", "/2020-05-31/public-key")
        .xml(&public_key(name, name, PUBLIC_KEY))
        .header("amz-sdk-invocation-id", invocation)
        .header("amz-sdk-request", &format!("attempt={attempt}; max=25"))
}

#[test]
fn a_later_attempt_gets_the_first_answer() {
    let fixture = Fixture::new();
    let (key, other) = (
        fixture.admin(),
        fixture.operator("other", privet_store::Role::Admin, None),
    );
    let ask = |ask: Ask, key: &Key, at| fixture.ask(&ask.signed_for("cloudfront", key, at));
    let first = ask(create("a", "i1", 1), &key, NOW);
    assert_eq!(first.status, 201, "{first:?}");
    let again = ask(create("a", "i1", 2), &key, NOW + 1);
    assert_eq!((again.status, &again.text), (201, &first.text));
    assert_eq!(again.header("etag"), first.header("etag"));
    assert_eq!(again.header("location"), first.header("location"));
    assert_ne!(
        again.header("x-amzn-requestid"),
        first.header("x-amzn-requestid")
    );
    // Another operator, another request, and another invocation are not the same change.
    let exists = (409, "PublicKeyAlreadyExists");
    let theirs = ask(create("a", "i1", 2), &other, NOW);
    assert_eq!((theirs.status, code(&theirs)), exists);
    let another = ask(create("b", "i1", 2), &key, NOW + 2);
    assert_eq!(another.status, 201, "{another:?}");
    let invoked = ask(create("a", "i2", 2), &key, NOW + 3);
    assert_eq!((invoked.status, code(&invoked)), exists);
}

#[test]
fn the_same_signature_gets_the_first_answer_and_no_other() {
    let fixture = Fixture::new();
    let key = fixture.admin();
    // Within a second botocore makes the same signature again.
    let signed = create("a", "i1", 1).signed_for("cloudfront", &key, NOW);
    let first = fixture.ask(&signed);
    assert_eq!(first.status, 201, "{first:?}");
    let again = fixture.ask(&signed);
    assert_eq!((again.status, &again.text), (201, &first.text));
    let stolen = fixture.ask(&signed.header("amz-sdk-invocation-id", "i2"));
    assert_eq!((stolen.status, code(&stolen)), (400, "Throttling"));
    assert_eq!(stolen.header("x-amz-retry-after"), Some("1000"));
}

#[test]
fn a_refusal_is_not_remembered() {
    let fixture = Fixture::new();
    let key = fixture.admin();
    let ask = |ask: Ask| fixture.ask(&ask.bearer(&key));
    let group = |attempt| {
        Ask::new("POST", "/2020-05-31/key-group")
            .xml(&key_group("g", &["K1"]))
            .header("amz-sdk-invocation-id", "i1")
            .header("amz-sdk-request", &format!("attempt={attempt}"))
    };
    assert_eq!(ask(group(1)).status, 400);
    fixture.furnish();
    assert_eq!(ask(group(2)).status, 201);
}

#[test]
fn a_change_under_another_condition_is_another_one() {
    let fixture = Fixture::new();
    let key = fixture.admin();
    let ask = |ask: Ask| fixture.ask(&ask.bearer(&key));
    let made = ask(create("a", "i1", 1));
    let target = made.header("location").unwrap();
    let target = target.split_once(".com").unwrap().1;
    let read = ask(Ask::get(target));
    let etag = read.header("etag").unwrap().to_owned();
    let body = public_key("a", "a", PUBLIC_KEY).replace(">c</Comment>", ">new</Comment>");
    let update = |etag: &str, attempt: u32| {
        Ask::new("PUT", &format!("{target}/config"))
            .xml(&body)
            .header("if-match", etag)
            .header("amz-sdk-invocation-id", "i2")
            .header("amz-sdk-request", &format!("attempt={attempt}"))
    };
    let first = ask(update(&etag, 1));
    assert_eq!(first.status, 200, "{first:?}");
    let again = ask(update(&etag, 2));
    assert_eq!((again.status, &again.text), (200, &first.text));
    let other = ask(update("E1", 2));
    assert_eq!((other.status, code(&other)), (412, "PreconditionFailed"));
}
