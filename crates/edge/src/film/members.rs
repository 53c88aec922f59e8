//! The objects of a set: which ones a name is about, and opening them under the grant for the set.

use super::set_document::{FilmSet, SET_SIZE_BYTES_MAX, SetQuality, SetSubtitles};
use super::source::FilmSource;
use super::walk::{FilmWalk, MakeFault, Opened};
use privet_distribution::{Authorized, Denial, authorize_member};
use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;

/// The ending of the description of a set.
const SET_ENDING: &str = ".film.json";

/// A quality that is there.
pub(super) struct Member {
    pub(super) label: Option<String>,
    pub(super) opened: Opened,
}

impl FilmWalk<'_> {
    /// Opens the one film that the name is about.
    pub(super) async fn member(&self) -> Result<Opened, MakeFault> {
        if self.name.rendition.is_none() && !self.is_set() {
            return self.open_film(self.authorized, self.name.object_path).await;
        }
        let set = self.set().await?;
        let mut qualities = set.qualities.iter();
        let quality = qualities.find(|quality| quality.label.as_deref() == self.name.rendition);
        self.open_quality(quality.ok_or(Denial::NotFound)?).await
    }

    fn is_set(&self) -> bool {
        let path = self.name.object_path;
        let start = path.len().checked_sub(SET_ENDING.len());
        let ending = start.and_then(|start| path.get(start..));
        ending.is_some_and(|ending| ending.eq_ignore_ascii_case(SET_ENDING))
    }

    /// What belongs to the film: by its own description, or by the operator's labels.
    pub(super) async fn set(&self) -> Result<FilmSet, MakeFault> {
        let path = self.name.object_path;
        if !self.is_set() {
            let settings = self.settings;
            return Ok(FilmSet::beside(
                path,
                &settings.qualities,
                &settings.subtitles,
            ));
        }
        let source = self.open_source(self.authorized, path).await?;
        let bad = |reason: String| Denial::Film {
            token: "film-set",
            reason,
        };
        if source.size_bytes() > SET_SIZE_BYTES_MAX {
            let reason = format!("a set has at most {SET_SIZE_BYTES_MAX} bytes");
            return Err(bad(reason).into());
        }
        let text = match source.size_bytes() {
            0 => Vec::new(),
            size_bytes => source.read(0..size_bytes).await?.concat(),
        };
        Ok(FilmSet::read(path, &text).map_err(bad)?)
    }

    /// All qualities that are there, or the one that the name is about.
    pub(super) async fn open_qualities(&self, set: &FilmSet) -> Result<Vec<Member>, MakeFault> {
        let rendition = self.name.rendition;
        let wanted = set.qualities.iter().filter(|quality| match rendition {
            Some(label) => quality.label.as_deref() == Some(label),
            None => true,
        });
        let opening = wanted.map(|quality| async move {
            let opened = self.open_quality(quality).await;
            (quality, opened)
        });
        let mut members = Vec::new();
        for (quality, opened) in all(opening).await {
            match opened {
                Ok(opened) => members.push(Member {
                    // In the folder of one quality its own names need no label.
                    label: quality.label.clone().filter(|_| rendition.is_none()),
                    opened,
                }),
                // Those beside the film may be missing.
                Err(MakeFault::Denied(denial))
                    if is_missing(&denial) && quality.label.is_some() && rendition.is_none() => {}
                Err(fault) => return Err(fault),
            }
        }
        Ok(members)
    }

    /// The first quality that is there.
    pub(super) async fn open_first(&self, set: &FilmSet) -> Result<Opened, MakeFault> {
        let mut missing = Denial::NotFound;
        for quality in &set.qualities {
            match self.open_quality(quality).await {
                Err(MakeFault::Denied(denial)) if is_missing(&denial) => missing = denial,
                opened => return opened,
            }
        }
        Err(missing.into())
    }

    async fn open_quality(&self, quality: &SetQuality) -> Result<Opened, MakeFault> {
        if quality.label.is_none() {
            return self.open_film(self.authorized, &quality.path).await;
        }
        let member = self.authorized_member(&quality.path)?;
        self.open_film(&member, &quality.path).await
    }

    fn authorized_member(&self, path: &str) -> Result<Authorized<'_>, Denial> {
        authorize_member(self.authorized, &self.request, path)
    }

    /// Those subtitles of the set that are there.
    pub(super) async fn present_subtitles(
        &self,
        set: &FilmSet,
    ) -> Result<Vec<SetSubtitles>, MakeFault> {
        let opening = set.subtitles.iter().map(|subtitles| async move {
            let opened = self.open_subtitles(subtitles).await;
            (subtitles, opened)
        });
        let mut present = Vec::new();
        for (subtitles, opened) in all(opening).await {
            match opened {
                Ok(_) => present.push(subtitles.clone()),
                Err(denial) if is_missing(&denial) => {}
                Err(denial) => return Err(denial.into()),
            }
        }
        Ok(present)
    }

    /// The first of its objects that is there, and its path.
    pub(super) async fn open_subtitles<'s>(
        &self,
        subtitles: &'s SetSubtitles,
    ) -> Result<(FilmSource, &'s str), Denial> {
        let mut missing = Denial::NotFound;
        for path in &subtitles.paths {
            let member = self.authorized_member(path)?;
            match self.open_source(&member, path).await {
                Err(denial) if is_missing(&denial) => missing = denial,
                opened => return opened.map(|source| (source, path.as_str())),
            }
        }
        Err(missing)
    }
}

/// Whether there is no such object as far as anybody can see: a bucket that must not be listed forbids what it has not.
fn is_missing(denial: &Denial) -> bool {
    [
        Denial::NotFound,
        Denial::OriginForbidden,
        Denial::OriginUnreadable,
    ]
    .contains(denial)
}

/// Waits for all of them together; their results in order.
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
