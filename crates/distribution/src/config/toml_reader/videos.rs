//! Reads video settings.

use super::table::{Reader, Table, value};
use super::tree::Value;
use super::{MIB, SECOND, schema};
use crate::config::document::VideosDocument;
use crate::config::video_settings::VideoSettings;

const PIB: u64 = 1 << 50;

pub(super) fn read_videos<'t>(reader: &mut Reader<'t>, table: &Table<'t>) -> VideosDocument {
    let mut videos = VideosDocument::default();
    let range = 16 * MIB..=PIB;
    reader.set_size(
        table,
        "index_memory",
        range.clone(),
        &mut videos.index_memory_size_bytes_max,
    );
    reader.set_size(
        table,
        "block_memory",
        range,
        &mut videos.block_memory_size_bytes_max,
    );
    videos.path_token_secret_file = reader.path(table, "path_token_secret_file");
    videos
}

/// Reads `video = true`, `video = false`, or a table; if it is missing, videos are made with the defaults.
pub(super) fn read_behavior_videos<'t>(
    reader: &mut Reader<'t>,
    table: &Table<'t>,
) -> Option<VideoSettings> {
    match value(table, "video") {
        None | Some(Value::Boolean(true)) => Some(VideoSettings::default()),
        Some(Value::Boolean(false)) => None,
        Some(Value::Table(_)) => {
            let videos = reader.table(table, "video", &schema::BEHAVIOR_VIDEOS)?;
            Some(read_video_settings(reader, &videos))
        }
        Some(other) => {
            reader.wrong_type(&table.path("video"), other, "write true, false or a table");
            None
        }
    }
}

fn read_video_settings<'t>(reader: &mut Reader<'t>, table: &Table<'t>) -> VideoSettings {
    let mut videos = VideoSettings::default();
    let range = 2 * SECOND..=10 * SECOND;
    reader.set_duration(table, "segment_duration", range, &mut videos.segment_target);
    if let Some(flag) = reader.boolean(table, "object_grant") {
        videos.object_grant = flag;
    }
    videos.renditions = reader.strings(table, "renditions").unwrap_or_default();
    videos.subtitles = reader.strings(table, "subtitles").unwrap_or_default();
    if let Some(flag) = reader.boolean(table, "rewrite_playlists") {
        videos.rewrite_playlists = flag;
    }
    videos
}
