//! The lists of a film: of one track, and of all qualities and subtitles of a set.

use super::members::{Completeness, Member, Present};
use super::walk::{DASH_TYPE, FilmWalk, HLS_TYPE, Opened};
use crate::film::indexes::Film;
use crate::film::made::Made;
use crate::film::make_fault::MakeFault;
use crate::film::set_document::SetSubtitles;
use crate::film::text::{list_size_bytes, text};
use privet_distribution::request::Denial;
use privet_media::Refusal;
use privet_media::describe::FilmDescription;
use privet_media::list::{
    Propagation, Quality, SideText, dash, hls_i_frames, hls_master, hls_media, hls_subtitles,
    hls_ts,
};
use privet_media::mp4::TrackKind;
use privet_media::name::FilmItem;
use std::sync::Arc;

impl FilmWalk<'_> {
    /// `media.m3u8`, `iframes.m3u8` and `ts.m3u8`.
    pub(super) async fn track_list(&self, opened: Opened) -> Result<Made, MakeFault> {
        let Opened { source, film } = opened;
        let grant = self.carried();
        let item = match self.name.item {
            FilmItem::TsMedia => TrackList::Ts,
            FilmItem::Media(number) => TrackList::Media(position(&film.description, number)?),
            FilmItem::IFrames(number) => TrackList::IFrames(position(&film.description, number)?),
            FilmItem::Master
            | FilmItem::Dash
            | FilmItem::TsSegment(_)
            | FilmItem::Init(_)
            | FilmItem::Segment(..)
            | FilmItem::Subtitles(_)
            | FilmItem::SideMedia(_)
            | FilmItem::SideSubtitles(_) => return Err(Denial::NotFound.into()),
        };
        item.check(&film)?;
        let entries = film.plan.segment_count as usize;
        let size_bytes = list_size_bytes(entries, grant.as_deref())?;
        let write = {
            let (film, grant) = (Arc::clone(&film), grant.clone());
            move || item.write(&film, grant.as_deref())
        };
        let text = text(size_bytes, self.coding(), write).await?;
        Ok(self.text_made(text, HLS_TYPE, &source, grant.as_deref()))
    }

    /// `master.m3u8` and `manifest.mpd`.
    pub(super) async fn set_list(&self) -> Result<Made, MakeFault> {
        let grant = self.carried();
        let set = self.set().await?;
        let qualities = self.open_qualities(&set).await?;
        let Present { members, .. } = &qualities;
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
        let is_dash = self.name.item == FilmItem::Dash;
        let entries: usize = members.iter().map(|member| entries(member, is_dash)).sum();
        let size_bytes = list_size_bytes(entries + subtitles.len(), grant.as_deref())?;
        let write = {
            let films: Vec<_> = members
                .iter()
                .map(|member| (member.label.clone(), Arc::clone(&member.opened.film)))
                .collect();
            let grant = grant.clone();
            move || {
                let qualities: Vec<_> = films
                    .iter()
                    .map(|(label, film)| Quality {
                        label: label.as_deref(),
                        film: &film.description,
                    })
                    .collect();
                let side: Vec<_> = subtitles.iter().map(side_text).collect();
                let grant = propagation(grant.as_deref());
                if is_dash {
                    dash(&qualities, &side, &grant)
                } else {
                    hls_master(&qualities, &side, &grant)
                }
            }
        };
        let text = text(size_bytes, self.coding(), write).await?;
        let content_type = if is_dash { DASH_TYPE } else { HLS_TYPE };
        let made = self.text_made(text, content_type, &source, grant.as_deref());
        // What was left out may be back soon: nobody is to keep a list without it.
        match (qualities.completeness, texts) {
            (Completeness::Complete, Completeness::Complete) => Ok(made),
            (Completeness::Partial, _) | (_, Completeness::Partial) => Ok(Made {
                source: None,
                ..made
            }),
        }
    }

    /// `s-LABEL/media.m3u8`: one segment as long as the film.
    pub(super) async fn side_list(&self, label: &str) -> Result<Made, MakeFault> {
        let grant = self.carried();
        let set = self.set().await?;
        if !set.subtitles.iter().any(|known| known.label == label) {
            return Err(Denial::NotFound.into());
        }
        let first = self.open_first(&set).await?;
        let (source, duration) = (first.source, first.film.description.duration);
        let size_bytes = list_size_bytes(1, grant.as_deref())?;
        let write = {
            let grant = grant.clone();
            move || hls_subtitles(duration, &propagation(grant.as_deref()))
        };
        let text = text(size_bytes, self.coding(), write).await?;
        Ok(self.text_made(text, HLS_TYPE, &source, grant.as_deref()))
    }
}

/// A list of one track, by its place in the description.
#[derive(Clone, Copy)]
enum TrackList {
    Media(usize),
    IFrames(usize),
    Ts,
}

impl TrackList {
    /// Whether there is such a list.
    fn check(self, film: &Film) -> Result<(), MakeFault> {
        match self {
            TrackList::Media(_) => Ok(()),
            TrackList::IFrames(place) => match film.description.tracks[place].i_frames {
                Some(_) => Ok(()),
                None => Err(Denial::NotFound.into()),
            },
            TrackList::Ts => match film.transport_stream() {
                Some(_) => Ok(()),
                None => Err(Refusal::NoTrack.into()),
            },
        }
    }

    fn write(self, film: &Film, grant: Option<&str>) -> String {
        let grant = propagation(grant);
        let FilmDescription { tracks, duration } = &film.description;
        match self {
            TrackList::Media(place) => match tracks[place].kind {
                TrackKind::Text => hls_subtitles(*duration, &grant),
                TrackKind::Video | TrackKind::Audio => hls_media(&tracks[place], &grant),
            },
            TrackList::IFrames(place) => hls_i_frames(&tracks[place], &grant).unwrap_or_default(),
            TrackList::Ts => film
                .transport_stream()
                .map(|ts| hls_ts(&ts, &grant))
                .unwrap_or_default(),
        }
    }
}

fn position(film: &FilmDescription, number: u32) -> Result<usize, Denial> {
    let mut tracks = film.tracks.iter();
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

/// How many lines a quality takes: in a manifest each segment may have one, in a master list each track has a few.
fn entries(member: &Member, is_dash: bool) -> usize {
    let film = &member.opened.film;
    let tracks = film.description.tracks.len();
    if is_dash {
        tracks * film.plan.segment_count as usize
    } else {
        tracks * 8
    }
}
