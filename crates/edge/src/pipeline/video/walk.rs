//! The walk's last steps for what is made of a video: open the object, read its index, make what the name says.

use super::object_request::ObjectRequest;
use super::path_token::PathTokenRequest;
use crate::answer::Answer;
use crate::cache::ReadFault;
use crate::context::WorkerContext;
use crate::exchange::Received;
use crate::redeem::Redeemed;
use crate::video::indexes::{Video, VideoFault};
use crate::video::made::{Made, MadeContent, TsPlace};
use crate::video::make_fault::MakeFault;
use crate::video::source::{ReadScope, VideoSource};
use crate::video::text::{Text, tag};
use http::{HeaderValue, Method};
use privet_distribution::caching::coding_for_text;
use privet_distribution::config::VideoSettings;
use privet_distribution::request::{Denial, ViewerRequest, carried_query};
use privet_distribution::response::options;
use privet_media::Parts;
use privet_media::mp4::TrackKind;
use privet_media::mux::{init_segment, media_segment};
use privet_media::name::{VideoItem, VideoName};
use privet_sign::CredentialSource;
use std::sync::Arc;

/// Maximum number of times that an object may change before its first byte is sent.
pub(super) const ATTEMPTS_MAX: usize = 3;
/// Part of every entity tag: another version of this program may make other bytes.
const PACKAGER: &str = concat!("privet ", env!("CARGO_PKG_VERSION"), " videos 1");

pub(super) const HLS_TYPE: HeaderValue = HeaderValue::from_static("application/vnd.apple.mpegurl");
const DASH_TYPE: HeaderValue = HeaderValue::from_static("application/dash+xml");
pub(super) const VTT_TYPE: HeaderValue = HeaderValue::from_static("text/vtt; charset=utf-8");
const VIDEO_TYPE: HeaderValue = HeaderValue::from_static("video/mp4");
const AUDIO_TYPE: HeaderValue = HeaderValue::from_static("audio/mp4");
const TS_TYPE: HeaderValue = HeaderValue::from_static("video/mp2t");

/// An authorized request for what is made of a video.
pub(crate) struct VideoWalk<'a> {
    pub(crate) authorized: &'a Redeemed<'a>,
    pub(crate) request: ViewerRequest<'a>,
    pub(crate) name: VideoName<'a>,
    pub(crate) settings: &'a VideoSettings,
    pub(crate) country: Option<&'a str>,
    pub(crate) received: &'a Received,
    pub(crate) context: &'a WorkerContext,
}

/// The two languages that lists are written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PlaylistKind {
    Hls,
    Dash,
}

impl PlaylistKind {
    pub(super) fn content_type(self) -> HeaderValue {
        match self {
            PlaylistKind::Hls => HLS_TYPE,
            PlaylistKind::Dash => DASH_TYPE,
        }
    }
}

/// An object and its video.
pub(super) struct Opened {
    pub(super) source: VideoSource,
    pub(super) video: Arc<Video>,
}

impl VideoWalk<'_> {
    pub(crate) async fn answer(&self) -> Result<Answer, Denial> {
        if self.request.method == Method::OPTIONS {
            return Ok(Answer::options(options(self.authorized)));
        }
        if let Some(answer) = self.path_token() {
            return Ok(answer);
        }
        for _ in 0..ATTEMPTS_MAX {
            match self.attempt().await {
                Ok(answer) => return Ok(answer),
                Err(MakeFault::Denied(denial)) => return Err(denial),
                // The object has changed since it was opened.
                Err(MakeFault::Lost) => {}
            }
        }
        Err(Denial::OriginInvalidResponse)
    }

    /// Returns a redirect to a path token, for a viewer that requests one and came with a signed query.
    fn path_token(&self) -> Option<Answer> {
        let path_token = PathTokenRequest {
            authorized: self.authorized,
            request: &self.request,
            object_path: Some(self.name.object_path),
            received: self.received,
            context: self.context,
        };
        path_token.answer()
    }

    async fn attempt(&self) -> Result<Answer, MakeFault> {
        let made = self.make().await?;
        let answer = Answer::made(&made, &self.request, self.received);
        answer.await.map_err(|fault| {
            if let (ReadFault::Lost, Some(source)) = (fault, &made.source) {
                source.mark_unshareable();
            }
            fault.into()
        })
    }

    async fn make(&self) -> Result<Made, MakeFault> {
        match self.name.item {
            VideoItem::Master => self.set_playlist(PlaylistKind::Hls).await,
            VideoItem::Dash => self.set_playlist(PlaylistKind::Dash).await,
            VideoItem::SideMedia(label) => self.side_playlist(label).await,
            VideoItem::SideSubtitles(label) => self.side_subtitles(label).await,
            VideoItem::Media(_) | VideoItem::IFrames(_) | VideoItem::TsMedia => {
                self.track_playlist(self.member().await?).await
            }
            VideoItem::Init(_) | VideoItem::Segment(..) | VideoItem::TsSegment(_) => {
                self.segment(&self.member().await?)
            }
            VideoItem::Subtitles(track) => self.track_subtitles(self.member().await?, track).await,
        }
    }

    fn segment(&self, opened: &Opened) -> Result<Made, MakeFault> {
        let Opened { source, video } = opened;
        let (content, content_type) = match self.name.item {
            VideoItem::TsSegment(number) => {
                let place = TsPlace::new(source, video, number).ok_or(Denial::NotFound)?;
                (MadeContent::Ts(place), TS_TYPE)
            }
            VideoItem::Init(number) => {
                let (track, _, content_type) = offered(video, number)?;
                let mut parts = Parts::default();
                parts.push_bytes(init_segment(track));
                (MadeContent::Parts(source.clone(), parts), content_type)
            }
            VideoItem::Segment(number, segment) => {
                let (track, planned, content_type) = offered(video, number)?;
                let parts = media_segment(track, planned, segment).ok_or(Denial::NotFound)?;
                (MadeContent::Parts(source.clone(), parts), content_type)
            }
            VideoItem::Master
            | VideoItem::Dash
            | VideoItem::TsMedia
            | VideoItem::Media(_)
            | VideoItem::IFrames(_)
            | VideoItem::Subtitles(_)
            | VideoItem::SideMedia(_)
            | VideoItem::SideSubtitles(_) => return Err(Denial::NotFound.into()),
        };
        Ok(Made {
            content,
            content_type,
            etag: self.segment_tag(source),
            how: source.how(),
            cache_status: source.cache_status().cloned(),
            source: Some(source.clone()),
        })
    }

    /// Returns an entity tag that tells these bytes from those made of another state of the object, or by another
    /// version of this program.
    fn segment_tag(&self, source: &VideoSource) -> Option<String> {
        let date = source.last_modified().and_then(|date| date.to_str().ok());
        let state = source.etag().or(date)?;
        let target = self.settings.segment_target.as_millis();
        let size_bytes = source.size_bytes();
        let path = self.request.path;
        let text = format!("{PACKAGER}\n{state}\n{size_bytes}\n{target}\n{path}");
        Some(tag(text.as_bytes()))
    }

    /// Returns a text for this viewer. One that carries a grant is for nobody else.
    pub(super) fn text_made(
        &self,
        text: Text,
        content_type: HeaderValue,
        source: &VideoSource,
        grant: Option<&str>,
    ) -> Made {
        Made {
            content: MadeContent::Text(text.bytes, text.coding),
            content_type,
            etag: Some(text.etag),
            how: source.how(),
            cache_status: source.cache_status().cloned(),
            source: grant.is_none().then(|| source.clone()),
        }
    }

    pub(super) fn coding(&self) -> Option<privet_distribution::caching::ContentCoding> {
        coding_for_text(self.request.headers, self.request.version)
    }

    /// Returns the part of the viewer's query that each URI of a playlist has to carry; `None` if the grant needs no
    /// carrying.
    pub(super) fn carried(&self) -> Option<String> {
        carried(self.authorized, &self.request)
    }

    /// Opens the object at `path` as `wanted`; `authorized` is the proof for it.
    pub(super) async fn open_source(
        &self,
        authorized: &Redeemed<'_>,
        path: &str,
        wanted: ReadScope<'_>,
    ) -> Result<VideoSource, Denial> {
        let ask = ObjectRequest {
            authorized,
            request: ViewerRequest {
                path,
                ..self.request
            },
            country: self.country,
            received: self.received,
            context: self.context,
        };
        ask.open(wanted).await
    }

    /// Opens the object at `path`, and reads its index if that is not known.
    pub(super) async fn open_video(
        &self,
        authorized: &Redeemed<'_>,
        path: &str,
    ) -> Result<Opened, MakeFault> {
        let source = self.open_source(authorized, path, ReadScope::Parts).await?;
        let target = self.settings.segment_target;
        let videos = &self.context.edge.videos;
        let video = videos.video(&source, target, self.received.now).await;
        if let Err(VideoFault::Read(ReadFault::Lost)) = &video {
            source.mark_unshareable();
        }
        Ok(Opened {
            video: video?,
            source,
        })
    }
}

/// Returns the part of a request's query that the URIs of a playlist have to carry.
pub(super) fn carried(authorized: &Redeemed<'_>, request: &ViewerRequest<'_>) -> Option<String> {
    let grant = authorized.grant()?;
    match grant.source() {
        CredentialSource::Url => Some(carried_query(request.query?, grant)),
        CredentialSource::Cookies | CredentialSource::PathToken => None,
    }
}

/// Returns a track that players are offered, with its segments and their type.
fn offered(
    video: &Video,
    number: u32,
) -> Result<
    (
        &privet_media::mp4::Track,
        &privet_media::segmentation::PlannedTrack,
        HeaderValue,
    ),
    Denial,
> {
    let mut described = video.description.tracks.iter();
    let described = described.find(|track| track.number == number && track.is_offered);
    let content_type = match described.ok_or(Denial::NotFound)?.kind {
        TrackKind::Video => VIDEO_TYPE,
        TrackKind::Audio => AUDIO_TYPE,
        TrackKind::Text => return Err(Denial::NotFound),
    };
    let track = video.index.track(number).ok_or(Denial::NotFound)?;
    let planned = video.segmentation.track(number).ok_or(Denial::NotFound)?;
    Ok((track, planned, content_type))
}
