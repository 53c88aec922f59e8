//! The objects of a set: selects those that a name is about, and opens them under the grant for the set. A member that
//! cannot be read takes away only itself.

use super::walk::{ATTEMPTS_MAX, Opened, VideoWalk};
use crate::redeem::Redeemed;
use crate::video::make_fault::MakeFault;
use crate::video::set_document::{SET_SIZE_BYTES_MAX, SetRendition, SetSubtitles, VideoSet};
use crate::video::source::{ReadScope, VideoSource, too_large_text};
use crate::video::whole_text::TextFault;
use privet_distribution::links::RevokedObject;
use privet_distribution::request::Denial;
use privet_media::playlist::TEXT_SIZE_BYTES_MAX;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;

/// Extension of the description of a set.
const SET_EXTENSION: &str = ".video.json";

/// A rendition that exists.
pub(super) struct Member {
    pub(super) label: Option<String>,
    pub(super) opened: Opened,
}

/// The members of a set that are available.
pub(super) struct Present<T> {
    pub(super) members: Vec<T>,
    pub(super) completeness: Completeness,
}

/// Completeness of the members that exist: whether all of them could be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Completeness {
    Complete,
    /// Some were left out: a playlist of the others is good for now.
    Partial,
}

impl<T> Present<T> {
    fn nothing() -> Self {
        Present {
            members: Vec::new(),
            completeness: Completeness::Complete,
        }
    }
}

impl VideoWalk<'_> {
    /// Opens the one video that the name is about.
    pub(super) async fn member(&self) -> Result<Opened, MakeFault> {
        if self.name.rendition.is_none() && !self.is_set() {
            return self
                .open_video(self.authorized, self.name.object_path)
                .await;
        }
        let set = self.set().await?;
        let mut renditions = set.renditions.iter();
        let rendition =
            renditions.find(|rendition| rendition.label.as_deref() == self.name.rendition);
        self.open_rendition(rendition.ok_or(Denial::NotFound)?)
            .await
    }

    fn is_set(&self) -> bool {
        let path = self.name.object_path;
        let start = path.len().checked_sub(SET_EXTENSION.len());
        let extension = start.and_then(|start| path.get(start..));
        extension.is_some_and(|extension| extension.eq_ignore_ascii_case(SET_EXTENSION))
    }

    /// Returns the set of the video: by its own description, or by the operator's labels.
    pub(super) async fn set(&self) -> Result<VideoSet, MakeFault> {
        let path = self.name.object_path;
        if !self.is_set() {
            let settings = self.settings;
            return Ok(VideoSet::beside(
                path,
                &settings.renditions,
                &settings.subtitles,
            ));
        }
        let bad = |reason: String| Denial::Video {
            token: "video-set",
            reason,
        };
        let too_large = || bad(format!("a set has at most {SET_SIZE_BYTES_MAX} bytes"));
        let wanted = ReadScope::Whole {
            size_bytes_max: SET_SIZE_BYTES_MAX,
            memory: &self.received.memory,
        };
        let source = self.open_source(self.authorized, path, wanted).await?;
        let text = source.read_text(SET_SIZE_BYTES_MAX, &self.received.memory);
        let text = match text.await {
            Ok(text) => text,
            Err(TextFault::TooLarge) => return Err(too_large().into()),
            Err(TextFault::Make(fault)) => return Err(fault),
        };
        Ok(VideoSet::read(path, &text.bytes).map_err(bad)?)
    }

    /// Opens all playable renditions, or the one that the name is about.
    ///
    /// Errors: there is none, for the reason of the first one that cannot be read.
    pub(super) async fn open_renditions(
        &self,
        set: &VideoSet,
    ) -> Result<Present<Member>, MakeFault> {
        let label = self.name.rendition;
        let wanted = set.renditions.iter().filter(|rendition| match label {
            Some(label) => rendition.label.as_deref() == Some(label),
            None => true,
        });
        let opening = wanted.map(|rendition| async move {
            let opened = self.open_settled(rendition).await;
            (rendition, opened)
        });
        let mut present = Present::nothing();
        let mut unreadable = Vec::new();
        for (rendition, opened) in all(opening).await {
            match opened {
                Ok(opened) => present.members.push(Member {
                    // In the folder of one rendition, its own names need no label.
                    label: rendition.label.clone().filter(|_| label.is_none()),
                    opened,
                }),
                Err(denial) if label.is_some() => return Err(denial.into()),
                // Objects beside the video may be missing.
                Err(denial) if is_missing(&denial) && rendition.label.is_some() => {}
                Err(denial) if is_of_one_object(&denial) => unreadable.push((rendition, denial)),
                Err(denial) => return Err(denial.into()),
            }
        }
        match unreadable.first() {
            Some((_, denial)) if present.members.is_empty() => return Err(denial.clone().into()),
            Some(_) => present.completeness = Completeness::Partial,
            None => {}
        }
        for (rendition, denial) in &unreadable {
            self.tell_of_left_out(&rendition.path, denial);
        }
        Ok(present)
    }

    /// Does the same as [`VideoWalk::open_rendition`], but tries again when the object changes meanwhile.
    async fn open_settled(&self, rendition: &SetRendition) -> Result<Opened, Denial> {
        for _ in 0..ATTEMPTS_MAX {
            match self.open_rendition(rendition).await {
                Ok(opened) => return Ok(opened),
                Err(MakeFault::Denied(denial)) => return Err(denial),
                Err(MakeFault::Lost) => {}
            }
        }
        Err(Denial::OriginInvalidResponse)
    }

    /// Opens the first playable rendition.
    pub(super) async fn open_first(&self, set: &VideoSet) -> Result<Opened, Denial> {
        let mut missing = Denial::NotFound;
        let mut unreadable = None;
        for rendition in &set.renditions {
            match self.open_settled(rendition).await {
                Ok(opened) => return Ok(opened),
                Err(denial) if is_missing(&denial) => missing = denial,
                Err(denial) if is_of_one_object(&denial) => {
                    unreadable.get_or_insert(denial);
                }
                Err(denial) => return Err(denial),
            }
        }
        Err(unreadable.unwrap_or(missing))
    }

    async fn open_rendition(&self, rendition: &SetRendition) -> Result<Opened, MakeFault> {
        if rendition.label.is_none() {
            return self.open_video(self.authorized, &rendition.path).await;
        }
        let member = self.authorized_member(&rendition.path)?;
        self.open_video(&member, &rendition.path).await
    }

    fn authorized_member(&self, path: &str) -> Result<Redeemed<'_>, Denial> {
        let member = self.authorized.member(&self.request, path)?;
        if let Some(grant) = member.grant() {
            // The set was judged by its own path; an object of it may be revoked by itself.
            let object = RevokedObject {
                host: self.request.host,
                paths: &[path],
            };
            let links = &self.context.links;
            links.check_revocations(grant, object, self.received.now)?;
        }
        Ok(member)
    }

    /// Returns the subtitles of the set that exist and can be read, as far as is known without reading long ones:
    /// players end a video over subtitles that the playlist has and the edge refuses.
    pub(super) async fn present_subtitles(
        &self,
        set: &VideoSet,
    ) -> Result<Present<SetSubtitles>, MakeFault> {
        let opening = set.subtitles.iter().map(|subtitles| async move {
            let looked_through = self.look_through(subtitles).await;
            (subtitles, looked_through)
        });
        let mut present = Present::nothing();
        for (subtitles, looked_through) in all(opening).await {
            match looked_through {
                Ok(()) => present.members.push(subtitles.clone()),
                Err(denial) if is_missing(&denial) => {}
                Err(denial) if is_of_one_object(&denial) => {
                    let path = subtitles.paths.first().map_or("", String::as_str);
                    self.tell_of_left_out(path, &denial);
                    present.completeness = Completeness::Partial;
                }
                Err(denial) => return Err(denial.into()),
            }
        }
        Ok(present)
    }

    async fn look_through(&self, subtitles: &SetSubtitles) -> Result<(), Denial> {
        let wanted = ReadScope::Presence {
            size_bytes_max: TEXT_SIZE_BYTES_MAX as u64,
        };
        let (source, path) = self.open_subtitles(subtitles, wanted).await?;
        of_readable_length(&source)?;
        self.check_subtitles(&source, path).await
    }

    /// Opens the first of the subtitles' objects that exists, as `wanted`; returns it with its path.
    pub(super) async fn open_subtitles<'s>(
        &self,
        subtitles: &'s SetSubtitles,
        wanted: ReadScope<'_>,
    ) -> Result<(VideoSource, &'s str), Denial> {
        let mut missing = Denial::NotFound;
        for path in &subtitles.paths {
            let member = self.authorized_member(path)?;
            match self.open_source(&member, path, wanted).await {
                Err(denial) if is_missing(&denial) => missing = denial,
                opened => return opened.map(|source| (source, path.as_str())),
            }
        }
        Err(missing)
    }

    fn tell_of_left_out(&self, path: &str, denial: &Denial) {
        let left_out = &self.context.edge.videos.left_out;
        left_out.tell(path, self.name.object_path, denial);
    }
}

fn of_readable_length(source: &VideoSource) -> Result<(), Denial> {
    if source.size_bytes() > TEXT_SIZE_BYTES_MAX as u64 {
        return Err(too_large_text());
    }
    Ok(())
}

/// Returns true if, as far as anybody can see, there is no such object: a bucket that must not be listed answers 403
/// for objects that it does not have.
fn is_missing(denial: &Denial) -> bool {
    [
        Denial::NotFound,
        Denial::HiddenNotFound,
        Denial::OriginForbidden,
        Denial::OriginUnreadable,
    ]
    .contains(denial)
}

/// Returns true if the fault lies with the object, its origin or its location, so that another object may be readable
/// nevertheless. Faults of the request or of the edge apply to all of them.
fn is_of_one_object(denial: &Denial) -> bool {
    match denial {
        Denial::Video { .. }
        | Denial::VideoArriving
        | Denial::NotFound
        | Denial::HiddenNotFound
        | Denial::BucketNotGranted { .. }
        | Denial::OriginForbidden
        | Denial::OriginUnreadable
        | Denial::OriginDns
        | Denial::OriginConnect
        | Denial::OriginCredentials
        | Denial::OriginRefusesEdge(_)
        | Denial::OriginTls
        | Denial::OriginTimeout
        | Denial::OriginHeaderTooBig
        | Denial::OriginInvalidResponse
        | Denial::OriginClosed
        | Denial::ForeignMember => !is_missing(denial),
        Denial::UnknownHost
        | Denial::MisdirectedRequest
        | Denial::HttpsRequired
        | Denial::RedirectToHttps { .. }
        | Denial::AmbiguousPath
        | Denial::MethodNotAllowed
        | Denial::BodyNotAllowed
        | Denial::Signature(_)
        | Denial::Link(_)
        | Denial::HeadTooLarge
        | Denial::BadRequest
        | Denial::BodyTimeout
        | Denial::NotSupportedByOrigin
        | Denial::CountryBlocked
        | Denial::CapacityExceeded => false,
    }
}

/// Waits for all of the futures together; returns their results in order.
async fn all<F: Future>(futures: impl Iterator<Item = F>) -> Vec<F::Output> {
    let mut waiting: Vec<Pin<Box<F>>> = futures.map(Box::pin).collect();
    let mut results: Vec<Option<F::Output>> = waiting.iter().map(|_| None).collect();
    poll_fn(|context| {
        let mut is_over = true;
        for (future, result) in waiting.iter_mut().zip(&mut results) {
            if result.is_some() {
                continue;
            }
            match future.as_mut().poll(context) {
                Poll::Ready(output) => *result = Some(output),
                Poll::Pending => is_over = false,
            }
        }
        if is_over {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    })
    .await;
    results.into_iter().flatten().collect()
}
