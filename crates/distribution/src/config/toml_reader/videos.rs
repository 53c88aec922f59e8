//! Reads video settings and streaming distributions.

use super::origins::read_origin;
use super::table::{Reader, Table, value};
use super::tree::Value;
use super::{MIB, SECOND, read_certificate, schema};
use crate::config::document::{
    StreamingDistributionDocument, StreamingSourceDocument, VideosDocument,
};
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

pub(super) fn read_streaming_distribution<'t>(
    reader: &mut Reader<'t>,
    table: &Table<'t>,
) -> StreamingDistributionDocument {
    StreamingDistributionDocument {
        id: reader.required_string(table, "id"),
        domain_name: reader.required_string(table, "domain_name"),
        aliases: reader.strings(table, "aliases").unwrap_or_default(),
        enabled: reader.boolean(table, "enabled").unwrap_or(true),
        certificate: read_certificate(reader, table, &schema::STREAMING_CERTIFICATE),
        source: read_streaming_source(reader, table),
        trusted_key_groups: reader.strings(table, "trusted_key_groups"),
        trusted_signers: reader.strings(table, "trusted_signers"),
        statement_object: reader.boolean(table, "statement_object").unwrap_or(false),
        web_resources: reader.boolean(table, "web_resources").unwrap_or(false),
    }
}

fn read_streaming_source<'t>(
    reader: &mut Reader<'t>,
    table: &Table<'t>,
) -> StreamingSourceDocument {
    let origin = reader.table(table, "origin", &schema::STREAMING_ORIGIN);
    let origin = origin.map(|origin| Box::new(read_origin(reader, &origin)));
    let is_named = value(table, "distribution").is_some();
    match origin {
        Some(origin) => {
            if is_named {
                let message = "cannot be combined with origin; remove one of them";
                reader.fault(&table.path("distribution"), message);
            }
            StreamingSourceDocument::Origin(origin)
        }
        None if is_named => {
            StreamingSourceDocument::Distribution(reader.required_string(table, "distribution"))
        }
        None => {
            if value(table, "origin").is_none() {
                let message = "is missing; add distribution = \"…\", or an origin table";
                reader.fault(&table.path("distribution"), message);
            }
            StreamingSourceDocument::Distribution(String::new())
        }
    }
}
