//! Videos in real browsers, with the players that pages use, for every way of carrying a grant (video notes, 2.1).

use crate::support::*;

/// A clip of one minute, with a key frame every two seconds.
const CLIP: &str = "talk.mp4";

/// The location of the page that plays the video.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Page {
    SameHost,
    SameSite,
    OtherSite,
}

impl Page {
    fn host(self) -> &'static str {
        match self {
            Page::SameHost => VIDEO_HOST,
            Page::SameSite => SISTER_HOST,
            Page::OtherSite => FOREIGN_HOST,
        }
    }
}

/// One video on one page.
#[derive(Clone, Copy, Debug)]
struct Case {
    clip: &'static str,
    name: &'static str,
    player: PagePlayer,
    page: Page,
    carried: Carried,
    /// Set when the player sends cookies to other hosts.
    credentials: bool,
}

impl Case {
    fn new(player: PagePlayer, carried: Carried) -> Self {
        let name = match player {
            PagePlayer::HlsJs | PagePlayer::VideoJs | PagePlayer::Native => "hls/master.m3u8",
            PagePlayer::DashJs => "dash/manifest.mpd",
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
            ..Case::new(PagePlayer::Native, carried)
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

    /// Opens the page with the grant carried as the case says, and starts playback.
    fn begin(self, edge: &VideoEdge, browser: &mut Player) {
        let begun = edge.begin_in_browser(self.clip, self.name, self.carried);
        browser.open(&edge.url_at(VIDEO_HOST, "/page.html"));
        // An application sets its cookies for the site; cookies of an earlier case are deleted.
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

/// Asserts that the video plays and that nothing was refused meanwhile.
#[track_caller]
fn check_plays(edge: &VideoEdge, browser: &mut Player, case: Case) {
    case.begin(edge, browser);
    assert_plays(browser, &case);
    let shown = browser.state();
    let (width, frames) = (shown.number("width"), shown.number("frames"));
    assert!(
        width > 0.0 && frames > 20.0,
        "{case:?} shows nothing: {shown:?}"
    );
    assert!(shown.refusals().is_empty(), "{case:?}: {shown:?}");
}

/// Asserts that the video is refused with 403 and does not play.
#[track_caller]
fn check_refused(edge: &VideoEdge, browser: &mut Player, case: Case) {
    case.begin(edge, browser);
    let shown = browser.wait_past(1.0);
    assert!(shown.time_secs() < 0.1, "{case:?} plays: {shown:?}");
    assert!(shown.is_broken(), "{case:?}: {shown:?}");
}

#[track_caller]
fn check_all(kind: Program, cases: &[Case]) {
    let edge = VideoEdge::start();
    let mut browser = Player::start(kind);
    for case in cases {
        check_plays(&edge, &mut browser, *case);
    }
    edge.assert_nothing_refused();
}

#[test]
fn chromium_with_hls_js() {
    check_all(
        Program::Chromium,
        &[
            Case::new(PagePlayer::HlsJs, Carried::Query),
            Case::new(PagePlayer::HlsJs, Carried::VideoQuery),
            Case::new(PagePlayer::HlsJs, Carried::PathToken),
            Case::new(PagePlayer::HlsJs, Carried::Cookie),
            Case::new(PagePlayer::HlsJs, Carried::Query).on(Page::OtherSite),
            Case::new(PagePlayer::HlsJs, Carried::PathToken).on(Page::OtherSite),
            Case::new(PagePlayer::HlsJs, Carried::Cookie)
                .on(Page::SameSite)
                .with_credentials(),
        ],
    );
}

#[test]
fn chromium_with_video_js() {
    check_all(
        Program::Chromium,
        &[
            Case::new(PagePlayer::VideoJs, Carried::Query),
            Case::new(PagePlayer::VideoJs, Carried::PathToken).on(Page::OtherSite),
            Case::new(PagePlayer::VideoJs, Carried::Cookie),
            Case::new(PagePlayer::VideoJs, Carried::Cookie)
                .on(Page::SameSite)
                .with_credentials(),
        ],
    );
}

#[test]
fn chromium_with_dash_js() {
    check_all(
        Program::Chromium,
        &[
            Case::new(PagePlayer::DashJs, Carried::Query).on(Page::OtherSite),
            Case::new(PagePlayer::DashJs, Carried::PathToken),
            Case::new(PagePlayer::DashJs, Carried::Cookie),
        ],
    );
}

#[test]
fn chromium_by_itself() {
    check_all(
        Program::Chromium,
        &[
            Case::new(PagePlayer::Native, Carried::Query),
            Case::new(PagePlayer::Native, Carried::PathToken).on(Page::OtherSite),
            Case::new(PagePlayer::Native, Carried::Cookie),
            // A plain <video> sends cookies to other hosts of the site.
            Case::new(PagePlayer::Native, Carried::Cookie).on(Page::SameSite),
        ],
    );
}

#[test]
fn chromium_plays_the_object_itself() {
    check_all(
        Program::Chromium,
        &[
            Case::progressive(CLIP, Carried::VideoQuery),
            Case::progressive("talk_moov_end.mp4", Carried::Query),
            Case::progressive(CLIP, Carried::Cookie).on(Page::SameSite),
        ],
    );
}

#[test]
fn firefox_with_hls_js() {
    check_all(
        Program::Firefox,
        &[
            Case::new(PagePlayer::HlsJs, Carried::Query),
            Case::new(PagePlayer::HlsJs, Carried::PathToken).on(Page::OtherSite),
            Case::new(PagePlayer::HlsJs, Carried::Cookie),
            Case::new(PagePlayer::HlsJs, Carried::Cookie)
                .on(Page::SameSite)
                .with_credentials(),
            Case::progressive(CLIP, Carried::Query),
            Case::progressive("talk_moov_end.mp4", Carried::Query),
        ],
    );
}

/// Cookies are `SameSite=Lax` unless they say otherwise, so requests from a page of another site never carry them.
#[test]
fn cookies_stay_within_the_site() {
    let edge = VideoEdge::start();
    let mut browser = Player::start(Program::Chromium);
    let hls_js = Case::new(PagePlayer::HlsJs, Carried::Cookie);
    let native = Case::new(PagePlayer::Native, Carried::Cookie);
    for case in [
        hls_js.on(Page::SameSite),
        hls_js.on(Page::OtherSite).with_credentials(),
        native.on(Page::OtherSite),
    ] {
        check_refused(&edge, &mut browser, case);
    }
}

/// Audio in three languages, and text in two.
#[test]
fn tracks_are_offered() {
    let edge = VideoEdge::start();
    let mut browser = Player::start(Program::Chromium);
    let case = Case::new(PagePlayer::HlsJs, Carried::Query);
    for (clip, audio_tracks, texts, renditions) in [
        ("three_audio_tracks.mp4", 3.0, 0.0, 1.0),
        ("subtitles.mp4", 1.0, 2.0, 1.0),
        ("set.mp4", 1.0, 1.0, 2.0),
    ] {
        let case = Case { clip, ..case };
        case.begin(&edge, &mut browser);
        let shown = browser.wait_past(1.5);
        let offered = ["audio_tracks", "texts", "renditions"].map(|name| shown.number(name));
        assert_eq!(offered, [audio_tracks, texts, renditions], "{shown:?}");
        assert!(
            shown.time_secs() >= 1.5 && shown.refusals().is_empty(),
            "{shown:?}"
        );
        if texts > 0.0 {
            let cues = shown.0["cues"].to_string();
            assert!(cues.contains("1 Hello &"), "{clip}: {cues}");
        }
    }
    edge.assert_nothing_refused();
}

/// Both renditions and the subtitles beside them, in every player.
#[test]
fn a_set_plays() {
    let set = |player, carried| Case {
        clip: "set.mp4",
        ..Case::new(player, carried)
    };
    check_all(
        Program::Chromium,
        &[
            set(PagePlayer::HlsJs, Carried::Cookie),
            set(PagePlayer::VideoJs, Carried::PathToken),
            set(PagePlayer::DashJs, Carried::Query),
            set(PagePlayer::Native, Carried::Query),
        ],
    );
}

/// Chromium decodes PQ in 10-bit VP9. From a set with both video ranges a player picks the one that its screen shows.
/// Chromium's native player does not switch codecs, so such sets need a single codec.
#[test]
fn h3_videos_of_a_higher_range_play() {
    let video = |clip, player| Case {
        clip,
        ..Case::new(player, Carried::Query)
    };
    check_all(
        Program::Chromium,
        &[
            video("hdr_vp9.mp4", PagePlayer::HlsJs),
            video("hdr_vp9.mp4", PagePlayer::DashJs),
            video("hdr_vp9.mp4", PagePlayer::Native),
            video("hdr.video.json", PagePlayer::HlsJs),
            video("hdr.video.json", PagePlayer::VideoJs),
            video("hdr.video.json", PagePlayer::DashJs),
        ],
    );
}

#[track_caller]
fn check_remote(clip: &'static str, players: &[PagePlayer]) {
    let origin = video_origin();
    let edge = VideoEdge::with_origin(&origin);
    let mut browser = Player::start(Program::Chromium);
    for player in players {
        let case = Case {
            clip,
            ..Case::new(*player, Carried::Query)
        };
        check_plays(&edge, &mut browser, case);
    }
    edge.assert_nothing_refused();
}

/// Subtitles that cannot be read are not offered, so that no player fails on them.
#[test]
fn h2_a_set_with_broken_subtitles_plays() {
    use PagePlayer::{DashJs, HlsJs, Native, VideoJs};
    check_remote(
        "remote/broken.video.json",
        &[HlsJs, VideoJs, DashJs, Native],
    );
    check_remote("remote/none.video.json", &[HlsJs, VideoJs]);
    let origin = video_origin();
    let edge = VideoEdge::with_origin(&origin);
    let mut browser = Player::start(Program::Chromium);
    let case = Case {
        clip: "remote/broken.video.json",
        ..Case::new(HlsJs, Carried::Query)
    };
    case.begin(&edge, &mut browser);
    let shown = browser.wait_past(1.5);
    assert_eq!(shown.number("texts"), 1.0, "{shown:?}");
    assert!(shown.0["cues"].to_string().contains("Hello"), "{shown:?}");
}

#[test]
fn m2_a_video_without_length_plays() {
    use PagePlayer::{DashJs, HlsJs, Native, VideoJs};
    check_remote("remote/chunked.mp4", &[HlsJs, VideoJs, DashJs, Native]);
    // Each player is the first viewer once, which has to wait while the video arrives.
    for player in [DashJs, Native] {
        check_remote("remote/chunked.mp4", &[player]);
    }
}

/// A page renews its grant before the old one expires, and the video goes on.
#[test]
fn a_page_swaps_its_grant() {
    for kind in [Program::Chromium, Program::Firefox] {
        let edge = VideoEdge::start();
        let mut browser = Player::start(kind);
        Case::new(PagePlayer::HlsJs, Carried::Query).begin(&edge, &mut browser);
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

/// Without a renewed grant the video ends with what the player has buffered.
#[test]
fn an_expired_grant_ends_the_video() {
    let edge = VideoEdge::start();
    let mut browser = Player::start(Program::Chromium);
    Case::new(PagePlayer::HlsJs, Carried::Query).begin(&edge, &mut browser);
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
