//! Checks of AMF0.

use super::*;
use proptest::prelude::*;

fn check(bytes: &[u8], expected: Result<&[Value], Fault>) {
    assert_eq!(read(bytes).as_deref().map_err(|fault| *fault), expected);
}

/// Makes `count` nested objects.
fn nested(count: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    for _ in 0..count {
        bytes.extend([OBJECT, 0, 1, b'k']);
    }
    bytes.push(NULL);
    for _ in 0..count {
        bytes.extend([0, 0, OBJECT_END]);
    }
    bytes
}

#[test]
fn what_ends_early() {
    let whole = written(&[
        Value::text("connect"),
        Value::Number(1.0),
        Value::object([("app", Value::text("cfx/st")), ("n", Value::Null)]),
    ]);
    let values = read(&whole).unwrap();
    for end in 1..whole.len() {
        let cut = read(&whole[..end]);
        // A text cut between two values has fewer values, which are the first ones.
        assert!(cut == Err(Fault::Amf) || cut.is_ok_and(|cut| values.starts_with(&cut)));
    }
}

#[test]
fn unknown_markers() {
    for marker in [4, 7, OBJECT_END, 14, 18, 255] {
        check(&[marker], Err(Fault::Amf));
    }
    check(&[STRICT_ARRAY, 0, 0, 0, 1, OBJECT_END], Err(Fault::Amf));
}

#[test]
fn too_much() {
    check(&nested(DEPTH_MAX + 1), Err(Fault::AmfTooLarge));
    check(&nested(100_000), Err(Fault::AmfTooLarge));
    check(&[NULL; VALUES_MAX + 1], Err(Fault::AmfTooLarge));
    let mut array = vec![STRICT_ARRAY, 255, 255, 255, 255];
    array.extend([NULL; 1000]);
    check(&array, Err(Fault::AmfTooLarge));
    let arrays: Vec<u8> = [STRICT_ARRAY, 0, 0, 0, 255].repeat(1000);
    check(&arrays, Err(Fault::AmfTooLarge));
    let long = [&[TEXT, 0x10, 1][..], &[b'x'; 4097]].concat();
    check(&long, Err(Fault::AmfTooLarge));
    let longer = [&[LONG_TEXT, 255, 255, 255, 255][..], &[b'x'; 100]].concat();
    check(&longer, Err(Fault::AmfTooLarge));
}

#[test]
fn as_much_as_is_allowed() {
    assert!(read(&nested(DEPTH_MAX)).is_ok());
    assert_eq!(read(&[NULL; VALUES_MAX]).unwrap().len(), VALUES_MAX);
    let long = [&[TEXT, 0x10, 0][..], &[b'x'; 4096]].concat();
    check(&long, Ok(&[Value::Text("x".repeat(4096))]));
}

#[test]
fn every_kind_of_value() {
    check(&[], Ok(&[]));
    check(
        &[NUMBER, 0x3f, 0xf0, 0, 0, 0, 0, 0, 0],
        Ok(&[Value::Number(1.0)]),
    );
    check(&[BOOLEAN, 1], Ok(&[Value::Boolean(true)]));
    check(&[TEXT, 0, 2, b'a', b'b'], Ok(&[Value::text("ab")]));
    check(&[LONG_TEXT, 0, 0, 0, 1, b'a'], Ok(&[Value::text("a")]));
    check(&[UNDEFINED, UNSUPPORTED], Ok(&[Value::Null, Value::Null]));
    check(&[&[DATE][..], &[0; 10]].concat(), Ok(&[Value::Null]));
    let object = [Value::object([("a", Value::Null)])];
    let body = [0, 1, b'a', NULL, 0, 0, OBJECT_END];
    check(&[&[OBJECT][..], &body].concat(), Ok(&object));
    check(
        &[&[ECMA_ARRAY, 9, 9, 9, 9][..], &body].concat(),
        Ok(&object),
    );
    check(
        &[&[TYPED_OBJECT, 0, 1, b'C'][..], &body].concat(),
        Ok(&object),
    );
    let array = Value::object([("", Value::Null), ("", Value::Boolean(false))]);
    check(&[STRICT_ARRAY, 0, 0, 0, 2, NULL, BOOLEAN, 0], Ok(&[array]));
    check(&[STRICT_ARRAY, 0, 0, 0, 0], Ok(&[Value::object([])]));
    check(&[OBJECT, 0, 0, OBJECT_END], Ok(&[Value::object([])]));
}

#[test]
fn amf3_ends_a_command() {
    check(&[NULL, AMF3, 1, 2, 3], Ok(&[Value::Null]));
    check(&[TEXT, 0, 1, 0xff], Ok(&[Value::text("\u{fffd}")]));
}

proptest! {
    #[test]
    fn any_bytes_have_an_answer(bytes in proptest::collection::vec(0_u8..20, 0..200)) {
        let _ = read(&bytes);
    }

    #[test]
    fn what_is_written_is_read(number in any::<f64>(), text in "\\PC{0,40}", boolean in any::<bool>()) {
        prop_assume!(!number.is_nan());
        let inner = Value::object([("x", Value::Number(number)), ("y", Value::Null)]);
        let values = [
            Value::Text(text.clone()),
            Value::Boolean(boolean),
            Value::Object(vec![(text, inner)].into_iter().filter(|(key, _)| !key.is_empty()).collect()),
        ];
        let bytes = written(&values);
        prop_assert_eq!(read(&bytes), Ok(values.to_vec()));
    }
}
