//! Films in real browsers, with the players that pages use, for every way of carrying a grant (video notes, 2.1).

use crate::support::*;

/// The film of these tests is a minute long, with a key frame every two seconds.
const CLIP: &str = "talk.mp4";
const SEEK_TO_SECS: f64 = 45.0;

/// Where the page is that plays the film.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Page {
    SameHost,
    SameSite,
    OtherSite,
}

impl Page {
    fn host(self) -> &'static str {
        match self {
            Page::SameHost => FILM_HOST,
            Page::SameSite => SISTER_HOST,
            Page::OtherSite => FOREIGN_HOST,
        }
    }
}

/// One film on one page.
#[derive(Clone, Copy, Debug)]
struct Case {
    clip: &'static str,
    name: &'static str,
    player: Player,
    page: Page,
    carried: Carried,
    /// Whether the player lets cookies go to another host.
    credentials: bool,
}

impl Case {
    fn new(player: Player, carried: Carried) -> Self {
        let name = match player {
            Player::HlsJs | Player::VideoJs | Player::Native => "hls/master.m3u8",
            Player::DashJs => "dash/manifest.mpd",
        };
        Case {
            clip: CLIP,
            name,
            player,
            page: Page::SameHost,
            carried,
            credentials: false,
        }
    }

    fn progressive(clip: &'static str, carried: Carried) -> Self {
        Case {
            clip,
            name: "",
            ..Case::new(Player::Native, carried)
        }
    }

    fn on(self, page: Page) -> Self {
        Case { page, ..self }
    }

    fn with_credentials(self) -> Self {
        Case {
            credentials: true,
            ..self
        }
    }

    /// Opens the page with the grant as the case has it, and presses play.
    fn begin(self, edge: &FilmEdge, browser: &mut Browser) {
        let begun = edge.begin_in_browser(self.clip, self.name, self.carried);
        browser.open(&edge.url_at(FILM_HOST, "/page.html"));
        // An application sets them for the site; what an earlier case left is gone.
        let attributes = match begun.cookies.is_empty() {
            true => "; Domain=example.test; Max-Age=0",
            false => "; Domain=example.test",
        };
        let cookies = match begun.cookies.as_str() {
            "" => NO_COOKIES,
            cookies => cookies,
        };
        browser.set_cookies(cookies, attributes);
        let asked: String = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("player", self.player.name())
            .append_pair("src", &begun.url)
            .append_pair("credentials", if self.credentials { "1" } else { "0" })
            .finish();
        browser.open(&edge.url_at(self.page.host(), &format!("/page.html?{asked}")));
        browser.play();
    }
}

const NO_COOKIES: &str =
    "CloudFront-Policy=none; CloudFront-Signature=none; CloudFront-Key-Pair-Id=none";

/// It plays, seeks, rests and goes on, and nothing was refused meanwhile.
#[track_caller]
fn check_plays(edge: &FilmEdge, browser: &mut Browser, case: Case) {
    case.begin(edge, browser);
    let shown = browser.wait_past(1.5);
    assert!(
        shown.time_secs() >= 1.5,
        "{case:?} does not play: {shown:?}"
    );
    assert!(
        (59.0..61.0).contains(&shown.number("duration")),
        "{case:?}: {shown:?}"
    );
    assert!(
        shown.number("width") > 0.0,
        "{case:?} shows nothing: {shown:?}"
    );
    let frames = shown.number("frames");
    browser.seek(SEEK_TO_SECS);
    let shown = browser.wait_past(SEEK_TO_SECS + 0.3);
    let range = SEEK_TO_SECS..SEEK_TO_SECS + 1.5;
    assert!(
        range.contains(&shown.time_secs()),
        "{case:?} does not seek: {shown:?}"
    );
    assert!(
        shown.number("frames") > frames,
        "{case:?} stands still: {shown:?}"
    );
    let rested = browser.pause().time_secs();
    assert!(
        (browser.state().time_secs() - rested).abs() < 0.2,
        "{case:?} does not rest"
    );
    browser.play();
    let shown = browser.wait_past(rested + 0.7);
    assert!(
        shown.time_secs() >= rested + 0.7,
        "{case:?} does not go on: {shown:?}"
    );
    assert!(!shown.is_broken(), "{case:?}: {shown:?}");
    assert!(shown.refusals().is_empty(), "{case:?}: {shown:?}");
}

/// It is refused with 403 and does not play.
#[track_caller]
fn check_refused(edge: &FilmEdge, browser: &mut Browser, case: Case) {
    case.begin(edge, browser);
    let shown = browser.wait_past(1.0);
    assert!(shown.time_secs() < 0.1, "{case:?} plays: {shown:?}");
    assert!(shown.is_broken(), "{case:?}: {shown:?}");
}

#[track_caller]
fn check_all(kind: BrowserKind, cases: &[Case]) {
    let edge = FilmEdge::start();
    let mut browser = Browser::start(kind);
    for case in cases {
        check_plays(&edge, &mut browser, *case);
    }
    edge.assert_nothing_refused();
}

#[test]
fn chromium_with_hls_js() {
    check_all(
        BrowserKind::Chromium,
        &[
            Case::new(Player::HlsJs, Carried::Query),
            Case::new(Player::HlsJs, Carried::FilmQuery),
            Case::new(Player::HlsJs, Carried::Session),
            Case::new(Player::HlsJs, Carried::Cookie),
            Case::new(Player::HlsJs, Carried::Query).on(Page::OtherSite),
            Case::new(Player::HlsJs, Carried::Session).on(Page::OtherSite),
            Case::new(Player::HlsJs, Carried::Cookie)
                .on(Page::SameSite)
                .with_credentials(),
        ],
    );
}

#[test]
fn chromium_with_video_js() {
    check_all(
        BrowserKind::Chromium,
        &[
            Case::new(Player::VideoJs, Carried::Query),
            Case::new(Player::VideoJs, Carried::Session).on(Page::OtherSite),
            Case::new(Player::VideoJs, Carried::Cookie),
            Case::new(Player::VideoJs, Carried::Cookie)
                .on(Page::SameSite)
                .with_credentials(),
        ],
    );
}

#[test]
fn chromium_with_dash_js() {
    check_all(
        BrowserKind::Chromium,
        &[
            Case::new(Player::DashJs, Carried::Query).on(Page::OtherSite),
            Case::new(Player::DashJs, Carried::Session),
            Case::new(Player::DashJs, Carried::Cookie),
        ],
    );
}

#[test]
fn chromium_by_itself() {
    check_all(
        BrowserKind::Chromium,
        &[
            Case::new(Player::Native, Carried::Query),
            Case::new(Player::Native, Carried::Session).on(Page::OtherSite),
            Case::new(Player::Native, Carried::Cookie),
            // A plain <video> sends cookies to other hosts of the site.
            Case::new(Player::Native, Carried::Cookie).on(Page::SameSite),
        ],
    );
}

#[test]
fn chromium_plays_the_object_itself() {
    check_all(
        BrowserKind::Chromium,
        &[
            Case::progressive(CLIP, Carried::FilmQuery),
            Case::progressive("talk_moov_end.mp4", Carried::Query),
            Case::progressive(CLIP, Carried::Cookie).on(Page::SameSite),
        ],
    );
}

#[test]
fn firefox_with_hls_js() {
    check_all(
        BrowserKind::Firefox,
        &[
            Case::new(Player::HlsJs, Carried::Query),
            Case::new(Player::HlsJs, Carried::Session).on(Page::OtherSite),
            Case::new(Player::HlsJs, Carried::Cookie),
            Case::new(Player::HlsJs, Carried::Cookie)
                .on(Page::SameSite)
                .with_credentials(),
            Case::progressive(CLIP, Carried::Query),
            Case::progressive("talk_moov_end.mp4", Carried::Query),
        ],
    );
}

/// Cookies are `SameSite=Lax` unless they say otherwise, so a page of another site never has them sent along.
#[test]
fn cookies_stay_within_the_site() {
    let edge = FilmEdge::start();
    let mut browser = Browser::start(BrowserKind::Chromium);
    let hls_js = Case::new(Player::HlsJs, Carried::Cookie);
    let native = Case::new(Player::Native, Carried::Cookie);
    for case in [
        hls_js.on(Page::SameSite),
        hls_js.on(Page::OtherSite).with_credentials(),
        native.on(Page::OtherSite),
    ] {
        check_refused(&edge, &mut browser, case);
    }
}

/// A page renews its grant before the old one ends, and the film goes on.
#[test]
fn a_page_swaps_its_grant() {
    for kind in [BrowserKind::Chromium, BrowserKind::Firefox] {
        let edge = FilmEdge::start();
        let mut browser = Browser::start(kind);
        Case::new(Player::HlsJs, Carried::Query).begin(&edge, &mut browser);
        let shown = browser.wait_past(1.5);
        assert!(shown.time_secs() >= 1.5, "{shown:?}");
        let later = canned("http*://*/clips/talk.mp4*", E + 3600);
        let renewed = with_policy("", &later);
        browser.swap_query(renewed.strip_prefix('?').unwrap());
        edge.edge.set_clock(E + 1);
        browser.seek(SEEK_TO_SECS);
        let shown = browser.wait_past(SEEK_TO_SECS + 2.0);
        assert!(
            shown.time_secs() >= SEEK_TO_SECS + 2.0,
            "{kind:?}: {shown:?}"
        );
        assert!(
            !shown.is_broken() && shown.refusals().is_empty(),
            "{kind:?}: {shown:?}"
        );
    }
}

/// Without a renewed grant the film ends at what the player had already.
#[test]
fn an_expired_grant_ends_the_film() {
    let edge = FilmEdge::start();
    let mut browser = Browser::start(BrowserKind::Chromium);
    Case::new(Player::HlsJs, Carried::Query).begin(&edge, &mut browser);
    assert!(browser.wait_past(1.0).time_secs() >= 1.0);
    edge.edge.set_clock(E + 1);
    browser.seek(58.0);
    let shown = browser.wait_past(58.5);
    assert!(shown.time_secs() < 58.5, "{shown:?}");
    assert!(
        shown.refusals().iter().any(|line| line.starts_with("403")),
        "{shown:?}"
    );
}
