//! Settings of video delivery: those of a behavior, and those of the whole edge.

use privet_sign::PathTokenSecret;
use std::time::Duration;

/// The settings of a behavior that makes playlists and segments of its videos.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VideoSettings {
    /// Target duration of segments: 2 to 10 seconds.
    pub segment_target: Duration,
    /// True if a grant for an object also covers its playlists and segments.
    pub object_grant: bool,
    /// Labels of other renditions: `talk.480p.mp4` beside `talk.mp4`.
    pub renditions: Vec<String>,
    /// Labels of subtitles: `talk.en.vtt` or `talk.en.srt` beside `talk.mp4`.
    pub subtitles: Vec<String>,
    /// True if ready-made playlists are rewritten to carry the viewer's grant.
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

/// Memory for the videos of all behaviors, and the secret of path tokens.
#[derive(Clone, Debug)]
pub struct VideosSettings {
    /// Memory for the indexes of videos, in bytes.
    pub index_memory_size_bytes_max: usize,
    /// Memory for parts of videos from folders, in bytes.
    pub block_memory_size_bytes_max: usize,
    /// Secret that authenticates path tokens; `None` means a random one at each start of the edge.
    pub path_token_secret: Option<PathTokenSecret>,
}
