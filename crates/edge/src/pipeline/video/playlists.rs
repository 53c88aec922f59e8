//! The playlists of a video: of one track, and of all renditions and subtitles of a set.

use super::members::{Completeness, Member, Present};
use super::walk::{HLS_TYPE, Opened, PlaylistKind, VideoWalk};
use crate::video::indexes::Video;
use crate::video::made::Made;
use crate::video::make_fault::MakeFault;
use crate::video::set_document::SetSubtitles;
use crate::video::text::{playlist_size_bytes, text};
use privet_distribution::request::Denial;
use privet_media::Refusal;
use privet_media::describe::VideoDescription;
use privet_media::mp4::TrackKind;
use privet_media::name::VideoItem;
use privet_media::playlist::{
    Propagation, Rendition, SideText, dash, hls_i_frames, hls_master, hls_media, hls_subtitles,
    hls_ts,
};
use std::sync::Arc;

impl VideoWalk<'_> {
    /// Makes `media.m3u8`, `iframes.m3u8` and `ts.m3u8`.
    pub(super) async fn track_playlist(&self, opened: Opened) -> Result<Made, MakeFault> {
        let Opened { source, video } = opened;
        let grant = self.carried();
        let item = match self.name.item {
            VideoItem::TsMedia => TrackPlaylist::Ts,
            VideoItem::Media(number) => TrackPlaylist::Media(position(&video.description, number)?),
            VideoItem::IFrames(number) => {
                TrackPlaylist::IFrames(position(&video.description, number)?)
            }
            VideoItem::Master
            | VideoItem::Dash
            | VideoItem::TsSegment(_)
            | VideoItem::Init(_)
            | VideoItem::Segment(..)
            | VideoItem::Subtitles(_)
            | VideoItem::SideMedia(_)
            | VideoItem::SideSubtitles(_) => return Err(Denial::NotFound.into()),
        };
        item.check(&video)?;
        let entries = video.segmentation.segment_count as usize;
        let size_bytes = playlist_size_bytes(entries, grant.as_deref())?;
        let write = {
            let (video, grant) = (Arc::clone(&video), grant.clone());
            move || item.write(&video, grant.as_deref())
        };
        let text = text(size_bytes, self.coding(), write).await?;
        Ok(self.text_made(text, HLS_TYPE, &source, grant.as_deref()))
    }

    /// Makes `master.m3u8` and `manifest.mpd`.
    pub(super) async fn set_playlist(&self, kind: PlaylistKind) -> Result<Made, MakeFault> {
        let grant = self.carried();
        let set = self.set().await?;
        let renditions = self.open_renditions(&set).await?;
        let Present { members, .. } = &renditions;
        let Some(first) = members.first() else {
            return Err(Denial::NotFound.into());
        };
        let source = first.opened.source.clone();
        let (subtitles, texts) = match self.name.rendition {
            Some(_) => (Vec::new(), Completeness::Complete),
            None => {
                let present = self.present_subtitles(&set).await?;
                (present.members, present.completeness)
            }
        };
        let entries: usize = members.iter().map(|member| entries(member, kind)).sum();
        let size_bytes = playlist_size_bytes(entries + subtitles.len(), grant.as_deref())?;
        let write = {
            let videos: Vec<_> = members
                .iter()
                .map(|member| (member.label.clone(), Arc::clone(&member.opened.video)))
                .collect();
            let grant = grant.clone();
            move || {
                let renditions: Vec<_> = videos
                    .iter()
                    .map(|(label, video)| Rendition {
                        label: label.as_deref(),
                        video: &video.description,
                    })
                    .collect();
                let side: Vec<_> = subtitles.iter().map(side_text).collect();
                let grant = propagation(grant.as_deref());
                match kind {
                    PlaylistKind::Dash => dash(&renditions, &side, &grant),
                    PlaylistKind::Hls => hls_master(&renditions, &side, &grant),
                }
            }
        };
        let text = text(size_bytes, self.coding(), write).await?;
        let content_type = kind.content_type();
        let made = self.text_made(text, content_type, &source, grant.as_deref());
        // Members that were left out may be back soon: nobody should cache a playlist without them.
        match (renditions.completeness, texts) {
            (Completeness::Complete, Completeness::Complete) => Ok(made),
            (Completeness::Partial, _) | (_, Completeness::Partial) => Ok(Made {
                source: None,
                ..made
            }),
        }
    }

    /// Makes `s-LABEL/media.m3u8`: one segment as long as the video.
    pub(super) async fn side_playlist(&self, label: &str) -> Result<Made, MakeFault> {
        let grant = self.carried();
        let set = self.set().await?;
        if !set.subtitles.iter().any(|known| known.label == label) {
            return Err(Denial::NotFound.into());
        }
        let first = self.open_first(&set).await?;
        let (source, duration) = (first.source, first.video.description.duration);
        let size_bytes = playlist_size_bytes(1, grant.as_deref())?;
        let write = {
            let grant = grant.clone();
            move || hls_subtitles(duration, &propagation(grant.as_deref()))
        };
        let text = text(size_bytes, self.coding(), write).await?;
        Ok(self.text_made(text, HLS_TYPE, &source, grant.as_deref()))
    }
}

/// A playlist of one track, by its position in the description.
#[derive(Clone, Copy)]
enum TrackPlaylist {
    Media(usize),
    IFrames(usize),
    Ts,
}

impl TrackPlaylist {
    /// Checks that there is such a playlist.
    fn check(self, video: &Video) -> Result<(), MakeFault> {
        match self {
            TrackPlaylist::Media(_) => Ok(()),
            TrackPlaylist::IFrames(place) => match video.description.tracks[place].i_frames {
                Some(_) => Ok(()),
                None => Err(Denial::NotFound.into()),
            },
            TrackPlaylist::Ts => match video.transport_stream() {
                Some(_) => Ok(()),
                None => Err(Refusal::NoTrack.into()),
            },
        }
    }

    fn write(self, video: &Video, grant: Option<&str>) -> String {
        let grant = propagation(grant);
        let VideoDescription { tracks, duration } = &video.description;
        match self {
            TrackPlaylist::Media(place) => match tracks[place].kind {
                TrackKind::Text => hls_subtitles(*duration, &grant),
                TrackKind::Video | TrackKind::Audio => hls_media(&tracks[place], &grant),
            },
            TrackPlaylist::IFrames(place) => {
                hls_i_frames(&tracks[place], &grant).unwrap_or_default()
            }
            TrackPlaylist::Ts => video
                .transport_stream()
                .map(|ts| hls_ts(&ts, &grant))
                .unwrap_or_default(),
        }
    }
}

fn position(video: &VideoDescription, number: u32) -> Result<usize, Denial> {
    let mut tracks = video.tracks.iter();
    let place = tracks.position(|track| track.number == number && track.is_offered);
    place.ok_or(Denial::NotFound)
}

pub(super) fn propagation(grant: Option<&str>) -> Propagation<'_> {
    match grant {
        Some(query) => Propagation::Query(query),
        None => Propagation::None,
    }
}

fn side_text(subtitles: &SetSubtitles) -> SideText<'_> {
    SideText {
        label: &subtitles.label,
        language: subtitles.language.as_deref(),
        name: &subtitles.name,
        is_default: subtitles.is_default,
    }
}

/// Returns the number of lines for a rendition: in a manifest each segment may have one, in a master playlist each
/// track has a few.
fn entries(member: &Member, kind: PlaylistKind) -> usize {
    let video = &member.opened.video;
    let tracks = video.description.tracks.len();
    match kind {
        PlaylistKind::Dash => tracks * video.segmentation.segment_count as usize,
        PlaylistKind::Hls => tracks * 8,
    }
}
