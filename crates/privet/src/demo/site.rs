//! The demo's own small site: a page with links that are signed again for each visit.
//!
//! It listens on the loopback address only, behind the edge, which serves it as one more origin beneath `/site`.
//! Requests without the secret of this start are refused, and links are signed only for hosts of the edge.

use super::page_host::PageHost;
use crate::origin_secret::OriginSecret;
use bytes::Bytes;
use flate2::read::GzDecoder;
use http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE,
    REFERRER_POLICY, VARY,
};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use privet_distribution::config::Snapshot;
use privet_sign::{SignError, Signer, Terms, Timestamp, WireUrl};
use std::convert::Infallible;
use std::io::{self, Read};
use std::net::{Ipv4Addr, TcpListener};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

const HOUR_SECS: u64 = 3_600;
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
const CONNECTIONS_MAX: usize = 64;

const INDEX: &str = include_str!("../../site/index.html");
const TEMPLATE: &str = include_str!("../../site/template.html");
const STYLE: &str = include_str!("../../site/site.css");
const SCRIPT: &str = include_str!("../../site/site.js");
const PLAYER: &[u8] = include_bytes!("../../assets/site/video.js.gz");
const PLAYER_STYLE: &[u8] = include_bytes!("../../assets/site/video-js.css.gz");

/// The site, and everything that its pages are made from.
pub(super) struct Site {
    pub(super) signer: Signer,
    /// The secret that only the edge sends.
    pub(super) secret: OriginSecret,
    /// The configuration with the hosts that links may name.
    pub(super) snapshot: Arc<Snapshot>,
    /// The ports on which the edge listens for HTTPS.
    pub(super) https_ports: Vec<u16>,
    /// The port on which the edge listens for RTMP, if there is one.
    pub(super) rtmp_port: Option<u16>,
}

impl Site {
    /// Serves on this port of the loopback address, from its own thread, until the program ends.
    ///
    /// # Errors
    /// An error of the system, such as a port that is in use.
    pub(super) fn serve(self, port: u16) -> io::Result<()> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
        listener.set_nonblocking(true)?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .enable_time()
            .build()?;
        let site = Arc::new(self);
        std::thread::Builder::new()
            .name("privet-site".to_owned())
            .spawn(move || runtime.block_on(accept(listener, site)))?;
        Ok(())
    }

    fn answer<B>(&self, request: &Request<B>) -> Response<Full<Bytes>> {
        if !self.secret.is_in(request.headers()) {
            return plain(
                StatusCode::FORBIDDEN,
                "this page is served through the edge: open it there",
            );
        }
        if request.method() != Method::GET && request.method() != Method::HEAD {
            return plain(StatusCode::METHOD_NOT_ALLOWED, "GET or HEAD only");
        }
        let headers = request.headers();
        match request.uri().path() {
            "/site/index.html" => self.index(headers),
            "/site/template.html" => asset("text/html; charset=utf-8", TEMPLATE),
            "/site/site.css" => asset("text/css; charset=utf-8", STYLE),
            "/site/site.js" => asset("text/javascript; charset=utf-8", SCRIPT),
            "/site/video.js" => packed("text/javascript; charset=utf-8", PLAYER, headers),
            "/site/video-js.css" => packed("text/css; charset=utf-8", PLAYER_STYLE, headers),
            _ => plain(StatusCode::NOT_FOUND, "no such page"),
        }
    }

    /// Returns the page with its links, which are for the host in the visitor's address bar.
    fn index(&self, headers: &HeaderMap) -> Response<Full<Bytes>> {
        let Some(host) = PageHost::of(headers, &self.snapshot, &self.https_ports) else {
            return plain(
                StatusCode::FORBIDDEN,
                "the edge does not serve this host over HTTPS",
            );
        };
        match self.page(&host) {
            Ok(page) => {
                let mut response = asset("text/html; charset=utf-8", &page);
                let headers = response.headers_mut();
                headers.insert(CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
                headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
                headers.insert(
                    CONTENT_SECURITY_POLICY,
                    // Players use blobs for media and workers, and inline styles.
                    HeaderValue::from_static(
                        "default-src 'self'; media-src 'self' blob:; worker-src blob:; img-src 'self' data:; \
                         font-src 'self' data:; style-src 'self' 'unsafe-inline'",
                    ),
                );
                response
            }
            Err(error) => plain(StatusCode::BAD_REQUEST, &error.to_string()),
        }
    }

    fn page(&self, host: &PageHost) -> Result<String, SignError> {
        let now = now();
        let until = Timestamp::from_secs(now + HOUR_SECS);
        let good = Terms::until(until);
        let over = Terms::until(Timestamp::from_secs(now - 1));
        let url = |path: &str| WireUrl::parse(&format!("https://{host}/{path}"));
        let video = self.signer.sign_url(&url("video.mp4")?, &good)?;
        let expired = self.signer.sign_url(&url("video.mp4")?, &over)?;
        let picture = self.signer.sign_url(&url("picture.jpg")?, &good)?;
        let stream = self.signer.sign_stream("video.mp4", &good)?;
        let machine = host.name();
        let server = self.rtmp_port.map_or_else(
            || "rtmp://HOST".to_owned(),
            |port| format!("rtmp://{machine}:{port}"),
        );
        let at = jiff::Timestamp::from_second(until.as_secs().cast_signed())
            .map_or_else(|_| String::new(), |at| at.to_string());
        Ok(filled(&[
            ("until", &at),
            ("video", &video),
            ("video_hls", &hls_link(&video)),
            ("expired", &expired),
            ("picture", &picture),
            ("picture_plain", url("picture.jpg")?.as_str()),
            ("rtmp", &format!("{server}/cfx/st/&mp4:{stream}")),
            ("rtmp_server", &server),
            ("rtmp_name", &format!("mp4:{stream}")),
            ("template", TEMPLATE),
        ]))
    }
}

/// Returns the same link for the HLS playlist of the video.
pub(super) fn hls_link(video: &str) -> String {
    match video.split_once('?') {
        Some((url, query)) => format!("{url}/hls/master.m3u8?{query}"),
        None => format!("{video}/hls/master.m3u8"),
    }
}

/// Returns the page with every `{{name}}` replaced by its value, as HTML text.
fn filled(values: &[(&str, &str)]) -> String {
    let mut page = String::with_capacity(INDEX.len() * 3);
    let mut rest = INDEX;
    while let Some((before, after)) = rest.split_once("{{") {
        page.push_str(before);
        let (name, after) = after.split_once("}}").unwrap_or((after, ""));
        let value = values.iter().find(|(known, _)| *known == name);
        push_html(&mut page, value.map_or("", |(_, value)| value));
        rest = after;
    }
    page.push_str(rest);
    page
}

fn push_html(page: &mut String, text: &str) {
    for character in text.chars() {
        match character {
            '&' => page.push_str("&amp;"),
            '<' => page.push_str("&lt;"),
            '>' => page.push_str("&gt;"),
            '"' => page.push_str("&quot;"),
            '\'' => page.push_str("&#39;"),
            _ => page.push(character),
        }
    }
}

async fn accept(listener: TcpListener, site: Arc<Site>) {
    let Ok(listener) = tokio::net::TcpListener::from_std(listener) else {
        return;
    };
    let places = Arc::new(tokio::sync::Semaphore::new(CONNECTIONS_MAX));
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else {
            return;
        };
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        let site = Arc::clone(&site);
        tokio::spawn(async move {
            let service = service_fn(|request| {
                let answer = site.answer(&request);
                async move { Ok::<_, Infallible>(answer) }
            });
            // An error on one connection concerns nobody else.
            let _ = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(HEAD_TIMEOUT)
                .serve_connection(TokioIo::new(stream), service)
                .await;
            drop(place);
        });
    }
}

fn asset(content_type: &'static str, text: &str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::copy_from_slice(text.as_bytes())));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

/// Returns a text that is stored compressed, as it is if the viewer accepts gzip.
fn packed(
    content_type: &'static str,
    bytes: &'static [u8],
    headers: &HeaderMap,
) -> Response<Full<Bytes>> {
    let takes_gzip = headers
        .get_all(ACCEPT_ENCODING)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .any(|value| value.split(',').any(|coding| coding.trim() == "gzip"));
    let mut response = if takes_gzip {
        let mut response = Response::new(Full::new(Bytes::from_static(bytes)));
        let gzip = HeaderValue::from_static("gzip");
        response.headers_mut().insert(CONTENT_ENCODING, gzip);
        response
    } else {
        let mut text = Vec::new();
        match GzDecoder::new(bytes).read_to_end(&mut text) {
            Ok(_) => Response::new(Full::new(Bytes::from(text))),
            Err(error) => return plain(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()),
        }
    };
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(VARY, HeaderValue::from_static("Accept-Encoding"));
    response
}

fn plain(status: StatusCode, text: &str) -> Response<Full<Bytes>> {
    let mut response = asset("text/plain; charset=utf-8", text);
    *response.status_mut() = status;
    response
}

fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.unwrap_or_default().as_secs().max(1)
}

#[cfg(test)]
mod tests {
    use super::super::page_host::tests::snapshot;
    use super::*;
    use crate::demo::{SECRET, SITE};
    use http::HeaderName;
    use http::header::HOST;
    use privet_distribution::config::read_toml_in_part;
    use privet_sign::{HashAlgorithm, KeyPairId, PrivateKey};
    use std::path::Path;

    fn site() -> Site {
        let key = include_bytes!("../../../sign/tests/keys/rsa2048.pem");
        let key = PrivateKey::parse(key, None).unwrap();
        let id = KeyPairId::parse("K2JCJMDEHXQW5F").unwrap();
        Site {
            signer: Signer::new(Arc::new(key), id, HashAlgorithm::Sha1).unwrap(),
            secret: OriginSecret::random(SITE, SECRET),
            snapshot: Arc::new(snapshot()),
            https_ports: vec![8443],
            rtmp_port: None,
        }
    }

    /// Returns the header as the edge sends it.
    fn sent(secret: &OriginSecret) -> (HeaderName, HeaderValue) {
        let text = "[[distributions]]
origins = [{ id = \"site\", url = \"http://127.0.0.1:8090\" }]
";
        let (mut document, _, _) = read_toml_in_part(text, Path::new("p.toml")).unwrap();
        secret.add_to(&mut document);
        document.service.distributions[0].origins[0].custom_headers[0].clone()
    }

    #[track_caller]
    fn check(site: &Site, headers: &[(HeaderName, HeaderValue)], expected: StatusCode) {
        for path in ["/site/index.html", "/site/site.css", "/none"] {
            let mut request = Request::new(());
            *request.uri_mut() = path.parse().unwrap();
            request.headers_mut().extend(headers.iter().cloned());
            let status = site.answer(&request).status();
            let expected = match path {
                "/none" if expected == StatusCode::OK => StatusCode::NOT_FOUND,
                _ => expected,
            };
            assert_eq!(status, expected, "{path}");
        }
    }

    #[test]
    fn m1_the_page_answers_nobody_but_the_edge_of_this_start() {
        let (site, other) = (site(), site());
        let host = (HOST, HeaderValue::from_static("localhost:8443"));
        check(&site, std::slice::from_ref(&host), StatusCode::FORBIDDEN);
        let of_another_start = sent(&other.secret);
        check(
            &site,
            &[host.clone(), of_another_start],
            StatusCode::FORBIDDEN,
        );
        check(&site, &[host, sent(&site.secret)], StatusCode::OK);
    }

    #[test]
    fn m1_nothing_is_signed_for_a_host_that_is_not_the_edges() {
        let site = site();
        for host in [
            "localhost:8443/secret.txt?",
            "evil.example:8443",
            "localhost",
        ] {
            let mut request = Request::new(());
            *request.uri_mut() = "/site/index.html".parse().unwrap();
            let headers = request.headers_mut();
            headers.insert(HOST, HeaderValue::from_static(host));
            headers.extend([sent(&site.secret)]);
            let answer = site.answer(&request);
            assert_eq!(answer.status(), StatusCode::FORBIDDEN, "{host}");
        }
    }

    #[test]
    fn every_place_of_the_page_is_filled_as_text() {
        let page = filled(&[("video", "https://h/a?b=1&c=\"<x>'")]);
        assert!(!page.contains("{{"));
        assert!(page.contains("src=\"https://h/a?b=1&amp;c=&quot;&lt;x&gt;&#39;\""));
    }

    #[test]
    fn the_list_of_a_video_has_the_videos_grant() {
        assert_eq!(
            hls_link("https://h/f.mp4?Expires=1&Signature=s"),
            "https://h/f.mp4/hls/master.m3u8?Expires=1&Signature=s"
        );
    }

    #[test]
    fn the_player_is_what_the_lock_says() {
        let lock = include_str!("../../site/package-lock.json");
        let mut player = String::new();
        GzDecoder::new(PLAYER)
            .read_to_string(&mut player)
            .expect("the player is compressed text");
        let version = player
            .split_once("Video.js ")
            .and_then(|(_, rest)| rest.split_whitespace().next())
            .expect("the player says its version");
        assert!(lock.contains(&format!("\"video.js\": \"{version}\"")));
    }
}
