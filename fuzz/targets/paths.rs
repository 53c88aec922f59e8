//! The body of the fuzz target that checks the rule for paths against models of servers.

#[path = "../../crates/distribution/tests/it/path_models.rs"]
mod path_models;

use path_models::{MODELS, bytes_of, decoded, path_info, request_line};
use privet_distribution::request::is_canonical;

/// Checks that a canonical path is read alike by every model of a server, and by every one behind another.
pub fn path_rule(data: &[u8]) {
    let Ok(path) = std::str::from_utf8(data) else {
        return;
    };
    // Longer paths only take longer: each model reads what every other model has read.
    if path.len() > 256 || !is_canonical(path) {
        return;
    }
    let raw = bytes_of(path);
    let name = decoded(&raw);
    assert_eq!(request_line(&raw), name, "{path:?} in a request line");
    // Path info is the only reading left, and routing handles it.
    assert!(
        name.starts_with(&path_info(&raw)),
        "{path:?} with path info"
    );
    for (first, before) in MODELS {
        let passed_on = before(&raw);
        for (second, model) in MODELS {
            let read = model(&passed_on);
            let is_same = [&raw, &name].iter().any(|known| is_alike(known, &read));
            assert!(is_same, "{path:?} is {read:?} to {first}, then {second}");
        }
    }
}

/// Returns true if two readings agree. Two differences remain: `+` is a space to some servers, and letters fold to
/// letters.
fn is_alike(one: &str, other: &str) -> bool {
    one == other || folded_letters(one) == folded_letters(other)
}

fn folded_letters(name: &str) -> String {
    let bytes: Vec<u8> = name.chars().map(|character| character as u8).collect();
    let letter = |character| match character {
        '\u{ff01}'..='\u{ff5e}' => {
            let code = character as u32 - 0xff01 + 0x21;
            char::from_u32(code).unwrap_or(character)
        }
        other => other,
    };
    let fold = |character| match letter(character) {
        '+' => ' ',
        other => other,
    };
    String::from_utf8_lossy(&bytes).chars().map(fold).collect()
}
