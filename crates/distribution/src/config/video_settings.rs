//! What is made of videos, and what is kept for them.

use privet_sign::PathTokenSecret;
use std::time::Duration;

/// What a behavior makes of its videos.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VideoSettings {
    /// How long segments are to be: 2 to 10 seconds.
    pub segment_target: Duration,
    /// Whether a grant for an object is also one for what is made of it.
    pub object_grant: bool,
    /// Labels of further renditions: `talk.480p.mp4` beside `talk.mp4`.
    pub renditions: Vec<String>,
    /// Labels of subtitles: `talk.en.vtt` or `talk.en.srt` beside `talk.mp4`.
    pub subtitles: Vec<String>,
    /// Whether lists that are objects themselves are rewritten to carry the viewer's grant.
    pub rewrite_playlists: bool,
}

impl Default for VideoSettings {
    fn default() -> Self {
        VideoSettings {
            segment_target: Duration::from_secs(6),
            object_grant: true,
            renditions: Vec::new(),
            subtitles: Vec::new(),
            rewrite_playlists: true,
        }
    }
}

/// What is kept for videos of all behaviors.
#[derive(Clone, Debug)]
pub struct VideosSettings {
    /// Bytes of the indexes of videos in memory.
    pub index_memory_size_bytes_max: usize,
    /// Bytes of videos from folders in memory.
    pub block_memory_size_bytes_max: usize,
    /// What path tokens are made with; `None`: the edge takes a random one at each start.
    pub path_token_secret: Option<PathTokenSecret>,
}
