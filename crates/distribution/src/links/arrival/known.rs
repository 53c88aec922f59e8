//! The names by which robots and downloaders introduce themselves in `User-Agent`.

/// Words in the names of robots, in lower case: those of previews, mail scanners, checkers of links and search engines.
const ROBOTS: [&str; 76] = [
    "ahrefs",
    "apis-google",
    "archive.org",
    "archiver",
    "atlassian",
    "barracuda",
    "bingpreview",
    "bitrix",
    "bytespider",
    "checklink",
    "cloudflare-",
    "crawler",
    "datadog",
    "embedly",
    "expanse",
    "facebookcatalog",
    "facebookexternalhit",
    "favicon",
    "feedfetcher",
    "fetcher",
    "flipboardproxy",
    "forcepoint",
    "fortiguard",
    "fortinet",
    "google-",
    "googleassociationservice",
    "googleimageproxy",
    "googlemessages",
    "googleother",
    "headlesschrome",
    "hubspot",
    "ia_archiver",
    "iframely",
    "kakaotalk-scrap",
    "lemmy",
    "line-poker",
    "link check",
    "link preview",
    "link sleuth",
    "link-check",
    "linkcheck",
    "linkinator",
    "lychee",
    "mastodon",
    "mediapartners-google",
    "meta-externalagent",
    "meta-externalfetcher",
    "microsoft office",
    "mimecast",
    "misskey",
    "ms-office",
    "muffet",
    "netcraft",
    "outbrain",
    "phantomjs",
    "pinterest",
    "pleroma",
    "preview",
    "proofpoint",
    "safebrowsing",
    "scanner",
    "screaming frog",
    "skypeuripreview",
    "slack-imgproxy",
    "slurp",
    "snap url",
    "sophos",
    "spider",
    "symantec",
    "trendmicro",
    "urlscan",
    "validator",
    "viber",
    "virustotal",
    "whatsapp",
    "yahoomailproxy",
];

/// Beginnings of the names of downloaders and players, in lower case.
const DOWNLOADERS: [&str; 36] = [
    "androiddownloadmanager",
    "applecoremedia",
    "aria2/",
    "axel/",
    "curl/",
    "fdm ",
    "fdm/",
    "ffmpeg",
    "free download manager",
    "getright/",
    "gstreamer",
    "httpie/",
    "infuse",
    "jdownloader",
    "kodi/",
    "lavf/",
    "lftp/",
    "libmpv",
    "microsoft bits/",
    "motrix",
    "mpc-hc",
    "mplayer",
    "mpv",
    "nsplayer/",
    "persepolis",
    "quicktime",
    "rclone/",
    "roku/",
    "smplayer",
    "stagefright/",
    "uget/",
    "vlc/",
    "wget",
    "windows-media-player/",
    "wmfsdk/",
    "xdm/",
];

/// Words in the names of players and downloaders that begin with the name of the app around them, or with a browser's.
const WITHIN: [&str; 4] = ["androidxmedia3/", "exoplayerlib/", "libvlc/", "powershell/"];

/// True if a robot has this name. `agent` is in lower case.
pub(super) fn is_robot(agent: &str) -> bool {
    ROBOTS.iter().any(|word| agent.contains(word)) || is_bot(agent)
}

/// True if a downloader or player has this name. `agent` is in lower case.
pub(super) fn is_downloader(agent: &str) -> bool {
    DOWNLOADERS.iter().any(|name| agent.starts_with(name))
        || WITHIN.iter().any(|name| agent.contains(name))
}

/// True if a word of the name ends with `bot`, or with `bot` and what it is about (`slackbot-linkexpanding`). Cubot
/// makes telephones.
fn is_bot(agent: &str) -> bool {
    agent.match_indices("bot").any(|(at, word)| {
        let is_telephone = agent[..at].ends_with("cu");
        let next = agent[at + word.len()..].chars().next();
        !is_telephone && !next.is_some_and(|next| next.is_ascii_alphabetic())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_in_lower_case_and_in_order() {
        for names in [&ROBOTS[..], &DOWNLOADERS, &WITHIN] {
            for pair in names.windows(2) {
                assert!(pair[0] < pair[1], "{pair:?}");
            }
            for name in names {
                assert_eq!(name.to_ascii_lowercase(), *name);
            }
        }
    }

    #[test]
    fn bots_are_told_from_words_with_bot_in_them() {
        for agent in ["cubot note s", "bottle", "robotics", ""] {
            assert!(!is_bot(agent), "{agent}");
        }
        for agent in [
            "bot",
            "somebot/1.0",
            "slackbot-linkexpanding 1.0",
            "a bot; b",
        ] {
            assert!(is_bot(agent), "{agent}");
        }
    }
}
