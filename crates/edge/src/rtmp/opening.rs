//! Opens the video that a viewer wants to play: authorizes the play, opens the object, then reads its index.

use crate::cache::ReadFault;
use crate::context::WorkerContext;
use crate::origin_client::origin_denial;
use crate::redeem::{LinkUse, Presented, Purpose, Redeemed, Redemption};
use crate::rtmp::played_link::PlayedLink;
use crate::state::EdgeState;
use crate::video::{SourceRequest, StreamKind, VideoFault, VideoSource};
use http::header::HOST;
use http::{HeaderMap, HeaderValue, Method, Version};
use privet_distribution::config::StreamingDistribution;
use privet_distribution::request::{
    Authorized, Denial, Lasting, LinkRefusal, RequestFacts, StreamRequest, ViewerRequest,
    authorize_stream, route_stream,
};
use privet_media::rtmp::{PlayRefusal, StreamName, VideoKind, path_of};
use privet_media::stream::StreamIndex;
use privet_sign::{Grant, Scheme};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

/// Maximum number of times that an object may change while its index is read.
const ATTEMPTS_MAX: usize = 3;

/// The viewer of a connection, and the host that it connected to.
#[derive(Debug)]
pub(super) struct Viewer {
    pub(super) peer: SocketAddr,
    /// Address by which grants are judged: the viewer's if it is known, else the unspecified address, which no grant
    /// limited to certain addresses covers.
    pub(super) client: IpAddr,
    pub(super) scheme: Scheme,
    /// Host that the viewer believes it is connected to.
    pub(super) host: String,
    /// Id of the connection, in the log and for origins.
    pub(super) id: String,
}

/// Reason why nothing plays, for the viewer and for the operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NotPlayed {
    pub(super) refusal: PlayRefusal,
    pub(super) token: &'static str,
}

impl NotPlayed {
    /// The object changes each time that it is opened.
    const UNSTABLE: NotPlayed = NotPlayed {
        refusal: PlayRefusal::Unavailable,
        token: "object-unstable",
    };
    /// The log has no room.
    pub(super) const UNLOGGED: NotPlayed = NotPlayed {
        refusal: PlayRefusal::Unavailable,
        token: "log-full",
    };
    /// The configuration has changed since the viewer connected.
    const UNROUTED: NotPlayed = NotPlayed {
        refusal: PlayRefusal::NotFound,
        token: "unknown-host",
    };
    /// No video is open that could continue.
    pub(super) const NOTHING: NotPlayed = NotPlayed {
        refusal: PlayRefusal::NotFound,
        token: "not-found",
    };
}

impl From<Denial> for NotPlayed {
    fn from(denial: Denial) -> Self {
        NotPlayed {
            refusal: refusal(&denial),
            token: denial.token(),
        }
    }
}

/// A video that may be played.
#[derive(Debug)]
pub(super) struct OpenVideo {
    pub(super) source: VideoSource,
    pub(super) index: Arc<StreamIndex>,
    pub(super) name: StreamName,
    /// Key of the object, one of those that the name may mean.
    pub(super) key: String,
    /// Fingerprint of the grant, if the log has a live copy.
    pub(super) grant: Option<String>,
    /// The link by which it plays.
    pub(super) link: Option<PlayedLink>,
}

impl Viewer {
    /// Opens the first object of those that the name may mean.
    pub(super) async fn open(
        &self,
        name: &StreamName,
        shared: &WorkerContext,
    ) -> Result<OpenVideo, NotPlayed> {
        let mut last = NotPlayed::NOTHING;
        for key in name.keys() {
            match self.open_key(name, &key, shared).await {
                Err(not_played) if not_played.refusal == PlayRefusal::NotFound => last = not_played,
                opened => return opened,
            }
        }
        Err(last)
    }

    /// Checks whether the video may continue from another position or after a pause: its grant may have expired or been
    /// revoked since it began. That is no further use of the link: a play is one.
    pub(super) async fn may_go_on(
        &self,
        video: &OpenVideo,
        shared: &WorkerContext,
    ) -> Result<(), NotPlayed> {
        let state = shared.current();
        let path = path_of(&video.key);
        let asked = (&video.name, video.key.as_str(), path.as_str());
        let (streaming, authorized) = self.authorize(asked, &state, shared)?;
        let asked = (Purpose::PlayContinued, streaming, path.as_str());
        self.redeem(authorized, asked, &state, shared).await?;
        Ok(())
    }

    async fn open_key(
        &self,
        name: &StreamName,
        key: &str,
        shared: &WorkerContext,
    ) -> Result<OpenVideo, NotPlayed> {
        let state = shared.current();
        let path = path_of(key);
        let (streaming, authorized) = self.authorize((name, key, &path), &state, shared)?;
        let mut link = authorized
            .grant()
            .map(|grant| PlayedLink::new(grant, (&self.host, &path), &shared.links));
        let asked = (Purpose::Play, streaming, path.as_str());
        let redeemed = self.redeem(authorized, asked, &state, shared).await?;
        if let (Some(link), Some(link_use)) = (&mut link, redeemed.link_use()) {
            link.used(link_use);
        }
        // The object is the same one that HTTP viewers get, and so is its entry in the cache.
        let host = streaming.videos.domain_name.as_str();
        let headers = HeaderValue::from_str(host).map(|host| HeaderMap::from_iter([(HOST, host)]));
        let headers = headers.unwrap_or_default();
        let ask = SourceRequest {
            authorized: &redeemed,
            request: self.object_request(host, &path, &headers),
            facts: self.facts(&state, &shared.via),
            state: &state,
        };
        let kind = match name.kind(key) {
            VideoKind::Mp4 => StreamKind::Mp4,
            VideoKind::Mp3 => StreamKind::Mp3,
            VideoKind::Flv => StreamKind::Flv,
        };
        let (source, index) = match indexed(&ask, kind, shared).await {
            Ok(opened) => opened,
            Err(not_played) => {
                if let Some(link_use) = redeemed.link_use() {
                    shared.links.give_back(link_use);
                }
                return Err(not_played);
            }
        };
        let grant = redeemed.grant().filter(|_| shared.ends.log.is_live());
        Ok(OpenVideo {
            source,
            index,
            name: name.clone(),
            key: key.to_owned(),
            grant: grant.map(Grant::fingerprint),
            link,
        })
    }

    /// Redeems the grant of a play, or of one that continues, of the object at a path.
    async fn redeem<'s>(
        &self,
        authorized: Authorized<'s>,
        (purpose, streaming, path): (Purpose, &StreamingDistribution, &str),
        state: &EdgeState,
        shared: &WorkerContext,
    ) -> Result<Redeemed<'s>, NotPlayed> {
        let now = shared.edge.clock.now();
        if let Some(grant) = authorized.grant() {
            let link = PlayedLink::new(grant, (&self.host, path), &shared.links);
            link.refusal(now)
                .map_or(Ok(()), |refusal| Err(Denial::Link(refusal)))?;
        }
        let headers = HeaderMap::new();
        let host = streaming.videos.domain_name.as_str();
        let presented = Presented {
            purpose,
            request: &self.object_request(host, path, &headers),
            paths: &[path],
            pressed: None,
            settings: &state.snapshot.node.links,
            now,
            clock: &shared.edge.clock,
        };
        match shared.links.redeem(authorized, &presented).await? {
            Redemption::Redeemed(redeemed) => match redeemed.link_use() {
                // How many bytes a play will have is known at its end alone.
                Some(
                    link_use @ LinkUse::Visit {
                        counts_bytes: true, ..
                    },
                ) => {
                    shared.links.give_back(link_use);
                    Err(Denial::Link(LinkRefusal::BytesUsedUp).into())
                }
                Some(LinkUse::Visit { .. } | LinkUse::Head) | None => Ok(redeemed),
            },
            Redemption::Page(_, _) => Err(Denial::Link(LinkRefusal::StoreSilent).into()),
        }
    }

    /// The request for the object at `path`, as a viewer of the web would make it.
    fn object_request<'r>(
        &self,
        host: &'r str,
        path: &'r str,
        headers: &'r HeaderMap,
    ) -> ViewerRequest<'r> {
        ViewerRequest {
            https_port: None,
            method: &Method::GET,
            version: Version::HTTP_11,
            scheme: self.scheme,
            host,
            path,
            query: None,
            headers,
            client: self.client,
            has_body: false,
            path_token: None,
        }
    }

    fn facts<'f>(&'f self, state: &'f EdgeState, via: &'f HeaderValue) -> RequestFacts<'f> {
        RequestFacts {
            viewer: self.peer.ip(),
            viewer_port: Some(self.peer.port()),
            request_id: &self.id,
            country: state.country(self.peer.ip()),
            via,
            accept_encoding: None,
        }
    }

    /// Authorizes a play. `asked` is the stream's name, one of its keys, and the path of that key.
    fn authorize<'s>(
        &self,
        asked: (&StreamName, &str, &str),
        state: &'s EdgeState,
        shared: &WorkerContext,
    ) -> Result<(&'s StreamingDistribution, Authorized<'s>), NotPlayed> {
        let (name, key, object_path) = asked;
        let routed = route_stream(&state.snapshot, &self.host);
        let streaming = routed.map_err(|_| NotPlayed::UNROUTED)?;
        let request = StreamRequest {
            names: &name.resources(key),
            object_path,
            query: name.query(),
            client: self.client,
            scheme: self.scheme,
            host: &self.host,
        };
        let country = state.country(self.peer.ip());
        let now = shared.edge.clock.now();
        let authorized = authorize_stream(streaming, &request, country, now, &shared.memory);
        Ok((streaming, authorized?))
    }
}

/// Opens the object and reads its index, which may take another try where the object changes in between.
async fn indexed(
    ask: &SourceRequest<'_>,
    kind: StreamKind,
    shared: &WorkerContext,
) -> Result<(VideoSource, Arc<StreamIndex>), NotPlayed> {
    for _ in 0..ATTEMPTS_MAX {
        let source = VideoSource::open(ask, &shared.source_stores()).await?;
        match shared
            .edge
            .videos
            .stream(&source, kind, shared.edge.clock.now())
            .await
        {
            Ok(index) => return Ok((source, index)),
            Err(VideoFault::Read(ReadFault::Lost)) => source.mark_unshareable(),
            Err(VideoFault::Read(ReadFault::Origin(kind))) => {
                return Err(origin_denial(kind).into());
            }
            Err(VideoFault::Refused(refusal)) => {
                return Err(NotPlayed {
                    refusal: PlayRefusal::Unplayable,
                    token: refusal.token(),
                });
            }
        }
    }
    Err(NotPlayed::UNSTABLE)
}

/// Returns the refusal for the viewer, which learns no more than that.
fn refusal(denial: &Denial) -> PlayRefusal {
    match denial {
        Denial::Signature(_)
        | Denial::HttpsRequired
        | Denial::RedirectToHttps { .. }
        | Denial::AmbiguousPath
        | Denial::CountryBlocked
        | Denial::MethodNotAllowed
        | Denial::BodyNotAllowed
        | Denial::ForeignMember => PlayRefusal::Denied,
        Denial::NotFound
        | Denial::HiddenNotFound
        | Denial::BucketNotGranted { .. }
        | Denial::OriginUnreadable
        | Denial::OriginForbidden
        | Denial::UnknownHost
        | Denial::MisdirectedRequest
        | Denial::HeadTooLarge
        | Denial::BadRequest
        | Denial::BodyTimeout
        | Denial::NotSupportedByOrigin => PlayRefusal::NotFound,
        Denial::OriginDns
        | Denial::OriginConnect
        | Denial::OriginCredentials
        | Denial::OriginRefusesEdge(_)
        | Denial::OriginTls
        | Denial::OriginTimeout
        | Denial::OriginHeaderTooBig
        | Denial::OriginInvalidResponse
        | Denial::OriginClosed
        | Denial::CapacityExceeded
        | Denial::VideoArriving => PlayRefusal::Unavailable,
        Denial::Video { .. } => PlayRefusal::Unplayable,
        Denial::Link(refusal) => match refusal.lasting() {
            Lasting::ForGood => PlayRefusal::Denied,
            Lasting::ForNow => PlayRefusal::Unavailable,
        },
    }
}
