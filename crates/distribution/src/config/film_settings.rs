//! What is made of films, and what is kept for them.

use privet_sign::SessionSecret;
use std::time::Duration;

/// What a behavior makes of its films.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilmSettings {
    /// How long segments are to be: 2 to 10 seconds.
    pub segment_target: Duration,
    /// Whether a grant for an object is also one for what is made of it.
    pub object_grant: bool,
    /// Labels of further qualities: `talk.480p.mp4` beside `talk.mp4`.
    pub qualities: Vec<String>,
    /// Labels of subtitles: `talk.en.vtt` or `talk.en.srt` beside `talk.mp4`.
    pub subtitles: Vec<String>,
    /// Whether lists that are objects themselves are rewritten to carry the viewer's grant.
    pub rewrite_playlists: bool,
}

impl Default for FilmSettings {
    fn default() -> Self {
        FilmSettings {
            segment_target: Duration::from_secs(6),
            object_grant: true,
            qualities: Vec::new(),
            subtitles: Vec::new(),
            rewrite_playlists: true,
        }
    }
}

/// What is kept for films of all behaviors.
#[derive(Clone, Debug)]
pub struct FilmsSettings {
    /// Bytes of the indexes of films in memory.
    pub index_memory_size_bytes_max: usize,
    /// Bytes of films from folders in memory.
    pub block_memory_size_bytes_max: usize,
    /// What session tokens are made with; `None`: the edge takes a random one at each start.
    pub session_secret: Option<SessionSecret>,
}
