//! The error of a failed command: its cause, a hint, and the exit code.
//!
//! Texts name files and causes; key material never gets in here.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use privet_edge::{InvalidationError, ProbeError};
use privet_sign::{KeyError, SignError};
use privet_store::StoreError;

use crate::api_fault::ApiFault;
use crate::bucket_fault::BucketFault;
use crate::configuration::LoadError;
use crate::group_fault::GroupFault;
use crate::link_fault::LinkFault;
use crate::new_key::NewKeyError;
use crate::reason::reason;
use crate::store_fault::StoreFault;

/// Why a command failed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum CommandError {
    /// A file, variable or standard input that cannot be read.
    Read { source: String, reason: String },
    /// A private key in a file that does not exist.
    KeyAbsent { file: String },
    /// A file or folder that cannot be written.
    Write { target: String, reason: String },
    /// Input beyond its limit.
    TooLarge { source: String, bytes_max: usize },
    /// Key material that is not a key, with its source.
    Key { source: String, error: KeyError },
    /// An invalid key pair id.
    KeyPairId(KeyError),
    /// A key pair that could not be made.
    NewKey(NewKeyError),
    /// A file that `init` would create exists already.
    NotNew(PathBuf),
    /// A symbolic link that leads to no folder, where `init` needs one.
    LinkToNoFolder(PathBuf),
    /// The two keys of `key check` are not a pair.
    NotAPair,
    /// CloudFront does not accept the key.
    KeyNotTaken,
    /// Neither a key nor an external signer with its public key.
    NoKey,
    /// A refusal of the signer.
    Sign(SignError),
    /// A URL that the options do not allow; the text is the reason.
    UrlRefused(String),
    /// Neither an expiry nor a policy.
    NoEnd,
    /// No URL, and standard input is a terminal.
    NoUrl,
    /// `-` beside other URLs.
    DashBesideUrls,
    /// Two inputs from standard input.
    StandardInputTwice,
    /// A shared signature without a resource.
    SharedNeedsResource,
    /// Cookies for more than one URL.
    CookiesForOneUrl,
    /// An output form that is not available for what is signed.
    OutputForm {
        form: &'static str,
        fits: &'static str,
    },
    /// A playlist without the URL to which its URIs are relative, and without a resource.
    PlaylistNeedsBase,
    /// A playlist, which has its own URIs, together with URLs.
    PlaylistBesideUrls,
    /// A file that is not a playlist, or one that cannot be signed.
    Playlist { source: String, reason: String },
    /// A cookie jar without a host to put into it.
    CookieJarHost,
    /// A missing configuration, or one with faults, all of them.
    Configuration(LoadError),
    /// A configuration without an admin socket.
    NoSocket { config: String },
    /// No edge is listening on the admin socket.
    EdgeAbsent { socket: String, reason: String },
    /// The running edge refused the request; the text is its reason.
    EdgeRefused(String),
    /// A response that is not an edge's, or is truncated.
    EdgeAnswer(String),
    /// An invalidation beyond its limits.
    Invalidation(InvalidationError),
    /// A probe that cannot be made.
    Probe(ProbeError),
    /// A store that cannot be used, or that refuses.
    Store(StoreFault),
    /// A request to the operators' interface that could not be made, or was refused.
    Api(ApiFault),
    /// The key of a group, with which nothing can be signed.
    Group(GroupFault),
    /// Links that are neither registered nor revoked.
    Link(LinkFault),
    /// A bucket of this machine, or an object in it.
    Bucket(BucketFault),
    /// A file that a command would create exists already.
    OutputExists(PathBuf),
    /// A thread ended before its work was done.
    ThreadLost,
    /// The reader of standard output has gone.
    BrokenPipe,
}

impl CommandError {
    /// Makes the error of a failed read.
    pub(crate) fn read(source: impl Into<String>, error: &io::Error) -> Self {
        CommandError::Read {
            source: source.into(),
            reason: reason(error),
        }
    }

    /// Makes the error of a failed write to `target`, unless it is only the end of a pipe.
    pub(crate) fn write(target: impl Into<String>, error: &io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return CommandError::BrokenPipe;
        }
        CommandError::Write {
            target: target.into(),
            reason: reason(error),
        }
    }

    /// Returns what the reader can do next, if the message does not say it already.
    pub(crate) fn hint(&self) -> Option<&'static str> {
        match self {
            CommandError::Key { error, .. } => key_hint(error),
            CommandError::Sign(error) => sign_hint(error),
            CommandError::NoKey => {
                Some("add --key KEY.pem, or --external-signer COMMAND with --public-key FILE")
            }
            CommandError::NoEnd => {
                Some("add --for 2h, --until 2030-01-01T18:00:00Z, or --policy FILE")
            }
            CommandError::NoUrl => {
                Some("add it to the command, or send URLs to standard input, one per line")
            }
            CommandError::NotAPair => {
                Some("print the public key of a key with: privet key public KEY")
            }
            CommandError::KeyNotTaken | CommandError::KeyAbsent { .. } => {
                Some("make a key with: privet key create")
            }
            CommandError::SharedNeedsResource => {
                Some("add --resource 'https://HOST/videos/*', or --policy FILE")
            }
            CommandError::PlaylistNeedsBase => Some(
                "add --base https://HOST/videos/talk.m3u8, or --resource 'https://HOST/videos/*'",
            ),
            CommandError::CookieJarHost => Some("add --cookie-domain HOST, or the URL of a file"),
            CommandError::NewKey(NewKeyError::Exists(_)) => {
                Some("choose another name with --out and --public-out; keys are never overwritten")
            }
            CommandError::LinkToNoFolder(_) => {
                Some("nothing was written: remove the link, or create the folder that it leads to")
            }
            CommandError::NotNew(_) => {
                Some("nothing was written: give another folder, or edit the existing file by hand")
            }
            CommandError::NoSocket { .. } => {
                Some("add socket = \"privet.sock\" to [admin], or give --socket PATH")
            }
            CommandError::Store(fault) => fault.hint(),
            CommandError::Api(fault) => fault.hint(),
            CommandError::Group(fault) => fault.hint(),
            CommandError::Link(fault) => fault.hint(),
            CommandError::Bucket(fault) => fault.hint(),
            CommandError::OutputExists(_) => {
                Some("nothing was written: give another name, or remove the file")
            }
            CommandError::EdgeAbsent { .. } => Some(
                "start it with privet serve, as the same user, with [admin] in its configuration",
            ),
            CommandError::Read { .. }
            | CommandError::Write { .. }
            | CommandError::TooLarge { .. }
            | CommandError::EdgeRefused(_)
            | CommandError::EdgeAnswer(_)
            | CommandError::Invalidation(_)
            | CommandError::Probe(_)
            | CommandError::KeyPairId(_)
            | CommandError::NewKey(_)
            | CommandError::UrlRefused(_)
            | CommandError::Playlist { .. }
            | CommandError::PlaylistBesideUrls
            | CommandError::DashBesideUrls
            | CommandError::StandardInputTwice
            | CommandError::CookiesForOneUrl
            | CommandError::OutputForm { .. }
            | CommandError::Configuration(_)
            | CommandError::ThreadLost
            | CommandError::BrokenPipe => None,
        }
    }

    /// Returns true for a refusal of the operators' interface with this code.
    pub(crate) fn is_refusal(&self, code: &str) -> bool {
        matches!(self, CommandError::Api(ApiFault::Refused(problem)) if problem.code == code)
    }

    /// Returns 2 for wrong usage, 1 for everything else, and 0 if the reader of standard output has gone.
    pub(crate) fn exit_code(&self) -> ExitCode {
        match self {
            CommandError::BrokenPipe => ExitCode::SUCCESS,
            CommandError::Api(fault) if fault.is_usage() => ExitCode::from(2),
            CommandError::Group(fault) if fault.is_usage() => ExitCode::from(2),
            CommandError::Bucket(fault) if fault.is_usage() => ExitCode::from(2),
            CommandError::KeyPairId(_)
            | CommandError::NoKey
            | CommandError::NoEnd
            | CommandError::NoUrl
            | CommandError::Link(_)
            | CommandError::DashBesideUrls
            | CommandError::StandardInputTwice
            | CommandError::SharedNeedsResource
            | CommandError::PlaylistNeedsBase
            | CommandError::PlaylistBesideUrls
            | CommandError::CookiesForOneUrl
            | CommandError::OutputForm { .. }
            | CommandError::CookieJarHost
            | CommandError::Invalidation(_)
            | CommandError::Probe(_) => ExitCode::from(2),
            CommandError::Read { .. }
            | CommandError::KeyAbsent { .. }
            | CommandError::Write { .. }
            | CommandError::TooLarge { .. }
            | CommandError::Key { .. }
            | CommandError::NewKey(_)
            | CommandError::NotNew(_)
            | CommandError::LinkToNoFolder(_)
            | CommandError::NotAPair
            | CommandError::KeyNotTaken
            | CommandError::UrlRefused(_)
            | CommandError::Playlist { .. }
            | CommandError::Configuration(_)
            | CommandError::NoSocket { .. }
            | CommandError::EdgeAbsent { .. }
            | CommandError::EdgeRefused(_)
            | CommandError::EdgeAnswer(_)
            | CommandError::Store(_)
            | CommandError::Api(_)
            | CommandError::Group(_)
            | CommandError::Bucket(_)
            | CommandError::OutputExists(_)
            | CommandError::ThreadLost
            | CommandError::Sign(_) => ExitCode::from(1),
        }
    }
}

impl fmt::Display for CommandError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CommandError::Read { .. }
            | CommandError::KeyAbsent { .. }
            | CommandError::Write { .. }
            | CommandError::TooLarge { .. } => self.fmt_of_file(formatter),
            CommandError::Key { source, error } => write!(formatter, "{source}: {error}"),
            CommandError::KeyPairId(error) => error.fmt(formatter),
            CommandError::NewKey(error) => error.fmt(formatter),
            CommandError::NotNew(path) | CommandError::OutputExists(path) => {
                write!(formatter, "{} exists already", path.display())
            }
            CommandError::LinkToNoFolder(path) => {
                write!(formatter, "{} is a link that leads to no folder", path.display())
            }
            CommandError::NotAPair => formatter.write_str("the two keys are not a pair"),
            CommandError::KeyNotTaken => {
                formatter.write_str("CloudFront accepts RSA 2048 and ECDSA P-256 keys only")
            }
            CommandError::Sign(error) => error.fmt(formatter),
            CommandError::UrlRefused(reason) => formatter.write_str(reason),
            CommandError::NoKey => formatter.write_str("there is no key to sign with"),
            CommandError::NoEnd => formatter.write_str("the link has no expiry"),
            CommandError::NoUrl => formatter.write_str("there is no URL"),
            CommandError::DashBesideUrls => formatter
                .write_str("- means URLs from standard input: give it alone, or leave it out"),
            CommandError::StandardInputTwice => formatter.write_str(
                "standard input can be read only once: give key, policy, playlist or URLs in another way",
            ),
            CommandError::SharedNeedsResource => {
                formatter.write_str("a shared signature needs a resource")
            }
            CommandError::CookiesForOneUrl => formatter
                .write_str("cookies are made for one URL: give one, and --resource for more files"),
            CommandError::OutputForm { form, fits } => {
                write!(formatter, "--output {form} is for {fits}")
            }
            CommandError::PlaylistNeedsBase => {
                formatter.write_str("the URL of the playlist is missing, or a resource")
            }
            CommandError::PlaylistBesideUrls => {
                formatter.write_str("a playlist has its own URIs: leave out the URLs, or --playlist")
            }
            CommandError::Playlist { source, reason } => write!(formatter, "{source}: {reason}"),
            CommandError::CookieJarHost => formatter.write_str("a cookie jar needs a host"),
            CommandError::Configuration(error) => error.fmt(formatter),
            CommandError::NoSocket { config } => {
                write!(formatter, "{config} has no admin socket")
            }
            CommandError::EdgeAbsent { socket, reason } => {
                write!(formatter, "no edge is listening on {socket}: {reason}")
            }
            CommandError::EdgeRefused(reason) => formatter.write_str(reason),
            CommandError::EdgeAnswer(reason) => {
                write!(formatter, "the edge's response is unusable: {reason}")
            }
            CommandError::Invalidation(error) => error.fmt(formatter),
            CommandError::Probe(error) => error.fmt(formatter),
            CommandError::Store(fault) => fault.fmt(formatter),
            CommandError::Api(fault) => fault.fmt(formatter),
            CommandError::Group(fault) => fault.fmt(formatter),
            CommandError::Link(fault) => fault.fmt(formatter),
            CommandError::Bucket(fault) => fault.fmt(formatter),
            CommandError::ThreadLost => formatter
                .write_str("a thread failed and the output is incomplete: please report this"),
            CommandError::BrokenPipe => formatter.write_str("the reader has gone"),
        }
    }
}

impl CommandError {
    /// Writes what is wrong with a file. Other errors are not about one.
    fn fmt_of_file(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let CommandError::Read { source, reason } = self {
            return write!(formatter, "cannot read {source}: {reason}");
        }
        if let CommandError::KeyAbsent { file } = self {
            return write!(formatter, "cannot read {file}: no such file or directory");
        }
        if let CommandError::Write { target, reason } = self {
            return write!(formatter, "cannot write {target}: {reason}");
        }
        if let CommandError::TooLarge { source, bytes_max } = self {
            return write!(formatter, "{source} has more than {bytes_max} bytes");
        }
        Ok(())
    }
}

impl From<SignError> for CommandError {
    fn from(error: SignError) -> Self {
        CommandError::Sign(error)
    }
}

impl From<LoadError> for CommandError {
    fn from(error: LoadError) -> Self {
        CommandError::Configuration(error)
    }
}

impl From<ApiFault> for CommandError {
    fn from(fault: ApiFault) -> Self {
        CommandError::Api(fault)
    }
}

impl From<GroupFault> for CommandError {
    fn from(fault: GroupFault) -> Self {
        CommandError::Group(fault)
    }
}

impl From<LinkFault> for CommandError {
    fn from(fault: LinkFault) -> Self {
        CommandError::Link(fault)
    }
}

impl From<BucketFault> for CommandError {
    fn from(fault: BucketFault) -> Self {
        CommandError::Bucket(fault)
    }
}

impl From<StoreFault> for CommandError {
    fn from(fault: StoreFault) -> Self {
        CommandError::Store(fault)
    }
}

impl From<StoreError> for CommandError {
    fn from(error: StoreError) -> Self {
        CommandError::Store(StoreFault::Failed(error))
    }
}

impl From<NewKeyError> for CommandError {
    fn from(error: NewKeyError) -> Self {
        CommandError::NewKey(error)
    }
}

fn key_hint(error: &KeyError) -> Option<&'static str> {
    matches!(error, KeyError::PassphraseNeeded)
        .then_some("add --passphrase-file FILE, or set PRIVET_KEY_PASSPHRASE")
}

/// Returns the hint about a refusal of the signer. The library's messages name restrictions, the hints name options.
pub(crate) fn sign_hint(error: &SignError) -> Option<&'static str> {
    match error {
        SignError::LegacyKey(_) => Some("add --allow-legacy to sign for an edge that accepts it"),
        SignError::TooBroad => Some("add --allow-broad if that is intended"),
        SignError::WildcardInUrl => Some("add --resource 'https://HOST/videos/*'"),
        SignError::ResourceMissing | SignError::NothingToGrant => {
            Some("add --resource 'https://HOST/videos/*', or --policy FILE")
        }
        SignError::CookieNeedsSecure(_) => Some("leave out --no-secure"),
        SignError::CookieAttribute(_) => {
            Some("check --cookie-domain, --cookie-path and --same-site")
        }
        SignError::EmptyMark
        | SignError::MadeAtNoTime
        | SignError::External(_)
        | SignError::SigningFailed
        | SignError::NotHttp
        | SignError::NotAUrl(_)
        | SignError::ControlCharacters
        | SignError::Backslash
        | SignError::UserInfo
        | SignError::BucketHost(_)
        | SignError::ReservedParameter(_)
        | SignError::TooLong { .. }
        | SignError::ExpiryNotPositive
        | SignError::Milliseconds(_)
        | SignError::TooLate(_)
        | SignError::NeverValid { .. }
        | SignError::Ipv6
        | SignError::IpList
        | SignError::NotAnAddress
        | SignError::IpMask
        | SignError::ResourceShape(_)
        | SignError::CookieResourceScheme
        | SignError::NotCovered { .. }
        | SignError::Policy(_)
        | SignError::PolicyAndTerms
        | SignError::NotAStream
        | SignError::StreamResource
        | SignError::SignatureForm(_) => None,
    }
}
