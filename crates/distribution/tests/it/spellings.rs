//! Random spellings of paths, for tests of what a server makes of them.

/// Pseudo-random numbers that are the same in every run (xorshift64*).
pub struct Dice(u64);

impl Dice {
    /// Returns a generator; `seed` must be above 0.
    pub fn new(seed: u64) -> Self {
        Dice(seed)
    }

    pub fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let high = self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33;
        usize::try_from(high).unwrap() % limit
    }

    pub fn pick<'a>(&mut self, words: &[&'a str]) -> &'a str {
        words[self.below(words.len())]
    }
}

const NAMES: [&str; 18] = [
    "public",
    "private",
    "alice",
    "bob",
    "my%20vip",
    "my+vip",
    "tenant1",
    "tenant2",
    "x",
    "s.txt",
    "a.jpg",
    "talk.mp4",
    "%70rivate",
    "%70ublic",
    "%C3%BC",
    "x%2fy",
    "..",
    ".",
];
const ODDITIES: [&str; 56] = [
    "/",
    "//",
    "/./",
    "/../",
    "/..;/",
    "/..;x=y/",
    "/;/",
    ";x",
    ";.jpg",
    "%2f",
    "%2F",
    "%252f",
    "%25252f",
    "\\",
    "%5c",
    "%255c",
    "%2e%2e",
    "%2E.",
    ".%2e",
    "%252e%252e",
    "%25%32%65",
    "%2%65",
    "%00",
    "%2500",
    "%3f",
    "%3f.jpg",
    "%253f",
    "%23",
    "%23.jpg",
    "%3b",
    "%3B.jpg",
    "%20",
    "%20/",
    "./",
    "...",
    "+",
    "%2B",
    "%c0%ae",
    "%c0%af",
    "%ef%bc%8f",
    "%ef%bc%8e",
    "%e2%80%a5",
    "%u002e",
    "%u002f",
    "::$DATA",
    ":$i30:$INDEX_ALLOCATION/",
    "%c2%a5",
    "%09",
    ".txt/",
    ".001/",
    ".txt~/x",
    "/.env/",
    ".php/",
    ".mp4/x",
    "%20HTTP/1.1%20",
    "/(S(x))/",
];

/// Writes a path of names and oddities: most paths have a few oddities, some have none, so that served paths are tried
/// too.
pub fn spelling(dice: &mut Dice, path: &mut String) {
    path.clear();
    path.push('/');
    let oddness = dice.below(4);
    for _ in 0..=dice.below(6) {
        path.push_str(dice.pick(&NAMES));
        path.push_str(match dice.below(4) < oddness {
            true => dice.pick(&ODDITIES),
            false => "/",
        });
    }
    path.push_str(dice.pick(&["s.txt", "a.jpg", "", "b.txt", "private/s.txt", "s.txt;.jpg"]));
}
