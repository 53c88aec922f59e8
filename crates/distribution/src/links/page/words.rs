//! The words of the pages, in each language. `{}` stands for what is put in.

use crate::links::page::PageLanguage;

/// The words of one language. They are HTML without markup.
pub(super) struct Words {
    pub(super) title: &'static str,
    pub(super) unnamed: &'static str,
    pub(super) sent_by: &'static str,
    pub(super) ends_at: &'static str,
    pub(super) once: &'static str,
    pub(super) uses: &'static str,
    pub(super) button: &'static str,
    pub(super) ended_title: &'static str,
    pub(super) used_at: &'static str,
    pub(super) used_up: &'static str,
    pub(super) revoked: &'static str,
    pub(super) ended: &'static str,
    pub(super) invalid: &'static str,
    pub(super) unknown: &'static str,
    pub(super) ask_sender: &'static str,
    pub(super) try_again: &'static str,
}

impl Words {
    pub(super) fn of(language: PageLanguage) -> &'static Words {
        match language {
            PageLanguage::English => &ENGLISH,
            PageLanguage::Japanese => &JAPANESE,
        }
    }
}

static ENGLISH: Words = Words {
    title: "Open the file",
    unnamed: "A file for you",
    sent_by: "Sent by {}.",
    ends_at: "The link ends at {}.",
    once: "The link can be used once. It is used when you press the button.",
    uses: "The link can be used {} times. It is used when you press the button.",
    button: "Open the file",
    ended_title: "The link does not open",
    used_at: "This link has been used already, the last time at {}.",
    used_up: "This link has been used as often as it can be.",
    revoked: "This link has been revoked.",
    ended: "This link has ended.",
    invalid: "This link is not valid.",
    unknown: "This link cannot be opened at the moment.",
    ask_sender: "If you still need the file, ask the person who sent you the link for a new one.",
    try_again: "The link has not been used by this. Try again in a moment.",
};

static JAPANESE: Words = Words {
    title: "ファイルを開く",
    unnamed: "ファイルが届いています",
    sent_by: "送信者：{}",
    ends_at: "リンクの有効期限：{}",
    once: "このリンクは一度だけ使えます。ボタンを押すと使用済みになります。",
    uses: "このリンクは{}回まで使えます。ボタンを押すと1回分が使用されます。",
    button: "ファイルを開く",
    ended_title: "リンクを開けません",
    used_at: "このリンクはすでに使用されています（最終使用：{}）。",
    used_up: "このリンクは使用できる上限に達しました。",
    revoked: "このリンクは取り消されました。",
    ended: "このリンクは有効期限が切れました。",
    invalid: "このリンクは無効です。",
    unknown: "現在、このリンクを開くことができません。",
    ask_sender: "ファイルが必要な場合は、送信者に新しいリンクを依頼してください。",
    try_again: "リンクはまだ使用されていません。しばらくしてからもう一度お試しください。",
};

#[cfg(test)]
mod tests {
    use super::*;

    /// Words are put into pages as they are.
    #[test]
    fn no_word_is_markup() {
        for words in [&ENGLISH, &JAPANESE] {
            let with_place = [words.sent_by, words.ends_at, words.uses, words.used_at];
            let plain = [
                words.title,
                words.unnamed,
                words.once,
                words.button,
                words.ended_title,
                words.used_up,
                words.revoked,
                words.ended,
                words.invalid,
                words.unknown,
                words.ask_sender,
                words.try_again,
            ];
            for word in with_place {
                assert_eq!(word.matches("{}").count(), 1, "{word}");
            }
            for word in with_place.iter().chain(&plain) {
                assert!(!word.contains(['<', '>', '&', '"', '\'']), "{word}");
            }
        }
    }
}
