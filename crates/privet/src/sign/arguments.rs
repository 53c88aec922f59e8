//! The options of `privet sign`, and which of them can be combined.

use std::io::{self, IsTerminal};
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
use privet_sign::{HashAlgorithm, IpRange};

use crate::api::ApiArguments;
use crate::command_error::CommandError;
use crate::group_fault::GroupFault;
use crate::key_source::PassphraseArguments;
use crate::link_fault::LinkFault;
use crate::link_registrar::{LimitsArguments, WordsArguments, registers};
use crate::moment::{self, Moment};
use crate::report::Notes;

/// Arguments of `privet sign`.
#[derive(Args)]
#[command(
    // The usage that clap generates does not show that an expiry is required.
    override_usage = "\
privet sign --key KEY --key-pair-id ID (--for DURATION | --until TIME | --policy FILE) [OPTIONS] [URL]...
       privet sign --group ID (--for DURATION | --until TIME) [OPTIONS] [URL]...
       privet sign --external-signer COMMAND --public-key FILE --key-pair-id ID --for DURATION [OPTIONS] [URL]...",
    after_help = "\
Examples:
  One link, good for two hours:
    privet sign --key K2J.pem --key-pair-id K2J --for 2h https://HOST/talk.mp4
  Many links with one signature:
    privet sign --key K2J.pem --key-pair-id K2J --for 1d \\
      --shared --resource 'https://HOST/videos/*' < urls.txt
  Cookies for a folder:
    privet sign --key K2J.pem --key-pair-id K2J --for 1d \\
      --cookies --resource 'https://HOST/videos/*'
  A stream for players of RTMP, rtmp://HOST/cfx/st/&mp4:videos/talk.mp4?…:
    privet sign --key K2J.pem --key-pair-id K2J --for 2h --stream mp4:videos/talk.mp4
  All URIs of an m3u8 or mpd, with one signature for its folder:
    privet sign --key K2J.pem --key-pair-id K2J --for 1d \\
      --playlist talk.m3u8 --base https://HOST/videos/talk.m3u8 -o signed.m3u8
  Links that open for one visit each, registered with the store of a running edge:
    privet sign --key K2J.pem --key-pair-id K2J --for 2d --uses 1 < urls.txt
  With the key that privet key rotate has made for a key group:
    privet sign --group viewers --for 2h https://HOST/talk.mp4
  A key that stays in a KMS: the command reads `sha256 HEX`, and prints the signature in base64:
    privet sign --external-signer ./kms-sign --public-key K2J.pub.pem --hash sha256 \\
      --key-pair-id K2J --for 2h https://HOST/talk.mp4

Times: epoch seconds, 2030-01-01T18:00:00Z, 2030-01-01 (00:00 UTC), +2h, now
Durations: 90s, 15m, 2h, 7d, 1w, 1d12h

Exit codes: 0 all signed, 1 something was refused or failed, 2 wrong usage"
)]
pub(crate) struct SignArguments {
    #[command(flatten)]
    pub(super) key: SigningKeyArguments,
    #[command(flatten)]
    pub(super) terms: TermsArguments,
    #[command(flatten)]
    pub(super) making: MakingArguments,
    #[command(flatten)]
    pub(super) playlist: PlaylistArguments,
    #[command(flatten)]
    pub(super) cookie: CookieArguments,
    #[command(flatten)]
    pub(super) limits: LimitsArguments,
    #[command(flatten)]
    pub(super) words: WordsArguments,
    #[command(flatten, next_help_heading = "Key group and register of links")]
    pub(super) api: ApiArguments,
    /// Form of the output: set-cookie and cookie-jar are for --cookies
    #[arg(long, value_enum, default_value_t = OutputForm::Plain, value_name = "FORM", help_heading = "Output")]
    output: OutputForm,
    /// The same as --output json
    #[arg(long, conflicts_with_all = ["output", "playlist"], help_heading = "Output")]
    pub(super) json: bool,
    /// Omit notes about changed URLs, expiry, playlists and the mode of the key file
    #[arg(long, short, help_heading = "Output")]
    pub(super) quiet: bool,
    /// URLs to sign; without any, or with -, one per line from standard input
    #[arg(value_name = "URL", help_heading = "Arguments")]
    pub(super) urls: Vec<String>,
}

/// The signing key.
#[derive(Args)]
#[command(next_help_heading = "Key")]
pub(super) struct SigningKeyArguments {
    /// Private key: a file (PEM or DER), - for standard input, or env:NAME
    #[arg(long, value_name = "KEY", required_unless_present_any = ["external_signer", "group"])]
    pub(super) key: Option<String>,
    /// Id of the public key at the edge, such as K2JCJMDEHXQW5F
    #[arg(long, value_name = "ID", required_unless_present = "group")]
    pub(super) key_pair_id: Option<String>,
    /// Sign with the key of this key group's rotation, from the store of the configuration or from a running edge
    #[arg(long, value_name = "ID", conflicts_with_all = ["key", "key_pair_id", "external_signer", "policy", "allow_legacy"])]
    pub(super) group: Option<String>,
    #[command(flatten)]
    pub(super) passphrase: PassphraseArguments,
    /// Digest under the signature
    #[arg(long, value_enum, default_value_t = Hash::Sha1, value_name = "HASH")]
    pub(super) hash: Hash,
    /// Sign with a command: `sha1 HEX` (or `sha256 HEX`) on its standard input, base64 on its standard output
    #[arg(
        long,
        value_name = "COMMAND",
        conflicts_with = "key",
        requires = "public_key"
    )]
    pub(super) external_signer: Option<String>,
    /// Public key of the external signer, to verify its signatures
    #[arg(long, value_name = "FILE", requires = "external_signer")]
    pub(super) public_key: Option<PathBuf>,
    /// Sign with an RSA key of a size that CloudFront no longer accepts
    #[arg(long)]
    pub(super) allow_legacy: bool,
}

/// Restrictions of what is signed.
#[derive(Args)]
#[command(next_help_heading = "Restrictions")]
pub(super) struct TermsArguments {
    /// Expiry
    #[arg(long, value_name = "TIME", value_parser = moment::parse_moment, conflicts_with = "duration")]
    pub(super) until: Option<Moment>,
    /// Expiry, as a time from now
    #[arg(long = "for", id = "duration", value_name = "DURATION", value_parser = moment::parse_duration)]
    pub(super) duration: Option<Duration>,
    /// Not-before time
    #[arg(long, value_name = "TIME", value_parser = moment::parse_moment)]
    pub(super) from: Option<Moment>,
    /// The only IPv4 address or range that may use the link
    #[arg(long, value_name = "CIDR", value_parser = IpRange::parse)]
    pub(super) ip: Option<IpRange>,
    /// The files that are covered, with * and ?
    #[arg(long, value_name = "PATTERN")]
    pub(super) resource: Option<String>,
    /// Ready-made policy JSON, - for standard input; it has its own restrictions
    #[arg(long, value_name = "FILE", conflicts_with_all = ["until", "duration", "from", "ip", "resource", "round"])]
    pub(super) policy: Option<String>,
    /// Round the expiry up, and the not-before time down, so that links repeat and browsers can cache
    #[arg(long, value_name = "DURATION", value_parser = moment::parse_duration)]
    pub(super) round: Option<Duration>,
    /// Allow a resource that covers every host
    #[arg(long)]
    pub(super) allow_broad: bool,
}

/// The kind of output: links, cookies or stream names.
#[derive(Args)]
#[command(next_help_heading = "What to sign")]
pub(super) struct MakingArguments {
    /// Sign once, with --resource or --policy, and put the signature on all URLs
    #[arg(long, conflicts_with_all = ["cookies", "stream"])]
    pub(super) shared: bool,
    /// Make signed cookies
    #[arg(long, conflicts_with = "stream")]
    pub(super) cookies: bool,
    /// Sign RTMP stream names, such as mp4:videos/talk.mp4
    #[arg(long)]
    pub(super) stream: bool,
    /// Refuse URLs that clients would send in another form, instead of signing that form
    #[arg(long)]
    pub(super) strict: bool,
}

/// A playlist to sign.
#[derive(Args)]
#[command(next_help_heading = "Playlists")]
pub(super) struct PlaylistArguments {
    /// Sign all URIs of an m3u8 or mpd: a file, or - for standard input
    #[arg(long, value_name = "FILE", conflicts_with_all = ["shared", "cookies", "stream", "strict", "output"])]
    pub(super) playlist: Option<String>,
    /// URL of the playlist for viewers; without --resource, the signature covers its whole folder
    #[arg(long, value_name = "URL", requires = "playlist")]
    pub(super) base: Option<String>,
    /// Sign each URI by itself
    #[arg(long, requires_all = ["playlist", "base"])]
    pub(super) each: bool,
    /// File for the signed playlist, instead of standard output
    #[arg(long, short, value_name = "FILE", requires = "playlist")]
    pub(super) out: Option<PathBuf>,
}

/// Attributes of the cookies.
#[derive(Args)]
#[command(next_help_heading = "Cookies")]
pub(super) struct CookieArguments {
    /// Host or parent domain of the files
    #[arg(long, value_name = "HOST", requires = "cookies")]
    pub(super) cookie_domain: Option<String>,
    /// Path prefix of the files
    #[arg(long, value_name = "PATH", default_value = "/")]
    pub(super) cookie_path: String,
    /// strict, lax or none
    #[arg(long, value_enum, value_name = "MODE", requires = "cookies")]
    pub(super) same_site: Option<SameSite>,
    /// Send the cookies over plain HTTP too
    #[arg(long, requires = "cookies")]
    pub(super) no_secure: bool,
    /// Let scripts read the cookies
    #[arg(long, requires = "cookies")]
    pub(super) no_http_only: bool,
    /// One cookie jar per top-level site
    #[arg(long, requires = "cookies")]
    pub(super) partitioned: bool,
}

/// `--output`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum OutputForm {
    /// One link per line; cookies as the value of a Cookie header
    Plain,
    /// One JSON object per line
    Json,
    /// Set-Cookie lines
    SetCookie,
    /// curl command lines
    Curl,
    /// Netscape cookie jar
    CookieJar,
}

/// `--hash`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Hash {
    /// CloudFront's default
    Sha1,
    /// Adds Hash-Algorithm=SHA256
    Sha256,
}

impl Hash {
    pub(super) fn algorithm(self) -> HashAlgorithm {
        match self {
            Hash::Sha1 => HashAlgorithm::Sha1,
            Hash::Sha256 => HashAlgorithm::Sha256,
        }
    }
}

/// `--same-site`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum SameSite {
    /// Only from the site itself
    Strict,
    /// Also when the viewer follows a link
    Lax,
    /// From every site; needs Secure
    None,
}

impl SameSite {
    pub(super) fn attribute(self) -> privet_sign::SameSite {
        match self {
            SameSite::Strict => privet_sign::SameSite::Strict,
            SameSite::Lax => privet_sign::SameSite::Lax,
            SameSite::None => privet_sign::SameSite::None,
        }
    }
}

impl SignArguments {
    /// Whether notes are told.
    pub(super) fn notes(&self) -> Notes {
        if self.quiet {
            Notes::Silent
        } else {
            Notes::Told
        }
    }

    /// Returns the form of the output.
    pub(super) fn output(&self) -> OutputForm {
        if self.json {
            OutputForm::Json
        } else {
            self.output
        }
    }

    /// Checks combinations of options that clap cannot.
    ///
    /// # Errors
    /// A [`CommandError`] of wrong usage.
    pub(super) fn check(&self) -> Result<(), CommandError> {
        let terms = &self.terms;
        if self.registers() {
            self.check_registration()?;
        } else if self.key.group.is_none() && self.api.is_given() {
            return Err(GroupFault::GroupMissing.into());
        }
        if terms.until.is_none() && terms.duration.is_none() && terms.policy.is_none() {
            return Err(CommandError::NoEnd);
        }
        let covers_files = terms.resource.is_some() || terms.policy.is_some();
        if self.making.shared && !covers_files {
            return Err(CommandError::SharedNeedsResource);
        }
        // Not declared to clap, which would then no longer report a missing --playlist beside --base.
        if self.playlist.playlist.is_some() && !self.urls.is_empty() {
            return Err(CommandError::PlaylistBesideUrls);
        }
        if self.urls.len() > 1 && self.urls.iter().any(|url| url == "-") {
            return Err(CommandError::DashBesideUrls);
        }
        let from_standard_input = [
            self.key.key.as_deref() == Some("-"),
            terms.policy.as_deref() == Some("-"),
            self.playlist.playlist.as_deref() == Some("-"),
            self.reads_urls_from_standard_input(),
        ];
        if from_standard_input.iter().filter(|reads| **reads).count() > 1 {
            return Err(CommandError::StandardInputTwice);
        }
        self.check_urls()
    }

    /// Returns true if each link is registered with a store.
    pub(super) fn registers(&self) -> bool {
        registers(&self.limits, &self.words)
    }

    /// Refuses what is not a link of one URL: nobody could count it, or find it.
    fn check_registration(&self) -> Result<(), LinkFault> {
        let making = &self.making;
        let others = [making.shared, making.cookies, making.stream];
        let has_other_terms = self.terms.policy.is_some() || self.playlist.playlist.is_some();
        match others.contains(&true) || has_other_terms {
            true => Err(LinkFault::NotOneByOne),
            false => Ok(()),
        }
    }

    fn check_urls(&self) -> Result<(), CommandError> {
        if self.making.cookies
            && (self.urls.len() > 1 || self.urls.first().is_some_and(|url| url == "-"))
        {
            return Err(CommandError::CookiesForOneUrl);
        }
        let nobody_asked = self.urls.is_empty() && io::stdin().is_terminal();
        if nobody_asked && !self.making.cookies && self.playlist.playlist.is_none() {
            return Err(CommandError::NoUrl);
        }
        Ok(())
    }

    /// Returns whether URLs come from standard input. Cookies have a resource or one URL, and playlists have their own
    /// URIs; neither reads URLs.
    pub(super) fn reads_urls_from_standard_input(&self) -> bool {
        !self.making.cookies
            && self.playlist.playlist.is_none()
            && (self.urls.is_empty() || self.urls.iter().any(|url| url == "-"))
    }
}
