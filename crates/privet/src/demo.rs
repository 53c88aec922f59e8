//! `privet demo`: shows private delivery with one command.

mod config_files;
mod data;
mod demo_error;
mod page_host;
mod ports;
mod probe;
mod service_file;
mod site;

use crate::check;
use crate::origin_secret::OriginSecret;
use crate::printable::printable;
use crate::serve::{self, Serving};
use crate::serve_error::ServeError;
use crate::terminal;
use clap::Args;
use data::{BUCKET, DemoData};
use demo_error::DemoError;
use http::HeaderName;
use ports::Moved;
use privet_control::shell;
use privet_distribution::config::ListenerProtocol;
use privet_sign::{HashAlgorithm, SignError, Signer, Terms, Timestamp, WireUrl};
use service_file::ServiceFile;
use site::{Site, hls_link};
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

const HOUR_SECS: u64 = 3_600;
/// The id of the origin that serves the demo's page.
const SITE: &str = "site";
/// The header that the edge adds to requests for the page. Viewers cannot send it: the edge replaces theirs.
const SECRET: HeaderName = HeaderName::from_static("x-privet-demo-secret");

/// Show a private video that plays by its link, and is refused without a link or with an expired one.
///
/// On the first start, makes a key pair, a private folder with a video, a picture and a text, a certificate for
/// localhost, a configuration, and a store with what service.toml says. Serves them together with a page that plays the
/// video: by HLS in any browser, and by RTMP. Later starts use the same files, with other ports if those are in use.
#[derive(Debug, Args)]
pub(crate) struct DemoArguments {
    /// The folder for everything that the demo makes.
    #[arg(long, default_value = "privet-data")]
    pub(crate) dir: PathBuf,
    /// The HTTPS port [default: 8443, or a free one]
    #[arg(long)]
    pub(crate) port: Option<u16>,
    /// Show everything once and exit, instead of serving until Ctrl-C.
    #[arg(long)]
    pub(crate) once: bool,
    /// Write the access log to standard output as well, one JSON object per line.
    #[arg(long)]
    log_json: bool,
}

/// Runs the command: prepares, shows, serves. 0 after a clean stop, 1 if it failed.
pub(crate) fn run(arguments: &DemoArguments) -> ExitCode {
    let data = match DemoData::prepare(&arguments.dir, arguments.port) {
        Ok(data) => data,
        Err(error) => return refuse(&error),
    };
    for Moved { from, to } in &data.moved {
        terminal::note(format_args!(
            "port {from} is in use: it was changed to {to} in {}",
            arguments.dir.display()
        ));
    }
    let secret = OriginSecret::random(SITE, SECRET);
    let mut service = ServiceFile::of(&data, &secret);
    let serving = match start(&data, arguments, &secret, service.as_mut()) {
        Ok(serving) => serving,
        Err(error) => {
            error.report();
            terminal::hint(format_args!(
                "the configuration is {}; to start over, remove {}",
                data.config().display(),
                arguments.dir.display(),
            ));
            return ExitCode::FAILURE;
        }
    };
    let shown = serve_site(&data, &serving, secret)
        .map_err(ShowError::Demo)
        .and_then(|()| show(&data, &serving));
    if let Err(ShowError::Demo(error)) = shown {
        return refuse(&error);
    }
    if arguments.once {
        serving.stop();
    } else {
        // The edge keeps serving if nobody reads this.
        let _ = say("\nPress Ctrl-C to stop.");
        serving.until_told_to_stop(|occasion| {
            if let Some(service) = &mut service {
                service.look(occasion);
            }
        });
    }
    ExitCode::SUCCESS
}

/// Starts the edge. With a store the secret goes into that, sealed; otherwise it is added to what `privet.toml` serves.
fn start(
    data: &DemoData,
    arguments: &DemoArguments,
    secret: &OriginSecret,
    service: Option<&mut ServiceFile>,
) -> Result<Serving, ServeError> {
    let log_stream = serve::log_stream(arguments.log_json);
    match service {
        Some(service) => {
            let taken = service.take_over();
            taken.map_err(|error| ServeError::Store(Box::new(error)))?;
            serve::start(&data.config(), log_stream, None)
        }
        None => serve::start(&data.config(), log_stream, Some(secret.clone())),
    }
}

fn refuse(error: &DemoError) -> ExitCode {
    terminal::error(error);
    ExitCode::FAILURE
}

/// Why the demonstration ended early.
#[derive(Debug)]
enum ShowError {
    Demo(DemoError),
    /// A standard output that nobody reads any more; the edge keeps serving.
    Output,
}

impl From<io::Error> for ShowError {
    fn from(_error: io::Error) -> Self {
        ShowError::Output
    }
}

impl From<DemoError> for ShowError {
    fn from(error: DemoError) -> Self {
        ShowError::Demo(error)
    }
}

impl From<SignError> for ShowError {
    fn from(error: SignError) -> Self {
        ShowError::Demo(DemoError::Sign(error))
    }
}

/// Serves the page at the address of its origin, which alone is sent the secret; an edited configuration may have none.
fn serve_site(data: &DemoData, serving: &Serving, secret: OriginSecret) -> Result<(), DemoError> {
    let origins = serving.snapshot().origins().iter();
    let mut site_ports = origins
        .filter(|origin| secret.is_sent_to(origin))
        .filter_map(|origin| origin.source.web_server())
        .map(|server| server.http_port);
    let Some(port) = site_ports.next() else {
        return Ok(());
    };
    let site = Site {
        signer: signer(data)?,
        secret,
        snapshot: Arc::clone(serving.snapshot()),
        https_ports: ports_of(serving, &ListenerProtocol::Https).collect(),
        rtmp_port: port_of(serving, &ListenerProtocol::Rtmp),
    };
    site.serve(port)
        .map_err(|error| DemoError::Site { port, error })
}

/// Prints links together with the edge's real response to each of them.
fn show(data: &DemoData, serving: &Serving) -> Result<(), ShowError> {
    let port = port_of(serving, &ListenerProtocol::Https).unwrap_or(443);
    let base = format!("https://localhost:{port}");
    let signer = signer(data)?;
    let now = now();
    let picture = WireUrl::parse(&format!("{base}/picture.jpg"))?;
    let until = Timestamp::from_secs(now + HOUR_SECS);
    let link = signer.sign_url(&picture, &Terms::until(until))?;
    let expired = signer.sign_url(&picture, &Terms::until(Timestamp::from_secs(now - 1)))?;
    let video = WireUrl::parse(&format!("{base}/video.mp4"))?;
    let list = hls_link(&signer.sign_url(&video, &Terms::until(until))?);
    let mut terms = Terms::until(until);
    terms.resource = Some(format!("{base}/*"));
    let cookies = signer.sign_cookies(None, &terms)?;

    say(format_args!(
        "Privet serves {} privately at {base}\n",
        shown(&data.bucket())
    ))?;
    for (title, url) in [
        ("Without a link it is refused", picture.as_str()),
        ("A signed link opens it, for one hour", &link),
        ("An expired link is refused", &expired),
        ("A video's link opens the HLS generated from it", &list),
    ] {
        let answer = probe::get(data, port, url)?;
        say(format_args!("{title}:\n  {url}\n  -> {answer}\n"))?;
    }
    say(format_args!(
        "A signed cookie opens every file, for one hour:\n  curl --cacert {} -b {} {base}/video.mp4 -o video.mp4\n",
        printable(&shell::word(&data.certificate().display().to_string())),
        shell::quoted(&cookies.to_header()),
    ))?;
    where_next(data, serving, &base, &link)?;
    Ok(())
}

fn where_next(data: &DemoData, serving: &Serving, base: &str, link: &str) -> io::Result<()> {
    let (key, public) = (data.private_key(), data.public_key());
    let id = data.key_pair_id().as_str();
    let word = |text: &str| printable(&shell::word(text)).into_owned();
    let public = word(&format!("{id}={}", public.display()));
    let file = word(&format!("file://{}", key.display()));
    let key = word(&key.display().to_string());
    // The program's name as it was typed, since it need not be on PATH.
    let program = std::env::args()
        .next()
        .unwrap_or_else(|| "privet".to_owned());
    let (program, link) = (word(&program), shell::quoted(link));
    if let Some(port) = port_of(serving, &ListenerProtocol::Rtmp) {
        say(format_args!(
            "The video by RTMP: the page has the URL, rtmp://localhost:{port}/cfx/st/&mp4:video.mp4?...\n"
        ))?;
    }
    say(format_args!(
        "Where to go next:
  open {base}/ in a browser: the video plays there (it warns once, since the certificate is self-signed)
  {bucket}
  sign them:     {program} sign --key {key} --key-pair-id {id} --for 2h {base}/video.mp4
  or with AWS:   aws cloudfront sign --url {base}/video.mp4 --key-pair-id {id} --private-key {file} --date-less-than 2030-01-01
  ask why:       {program} explain --public-key {public} {link}
  configure:     {config}
  read the log:  {program} demo --log-json shows requests as they come; CloudFront's log files are in {logs}",
        bucket = put_into(data, &program),
        config = configured(data),
        logs = shown(&data.logs()),
    ))?;
    operate(data, serving, &program)
}

/// Says how files come into the bucket.
fn put_into(data: &DemoData, program: &str) -> String {
    let bucket = shown(&data.bucket());
    let config = data.config().display().to_string();
    let config = printable(&shell::word(&config)).into_owned();
    match data.has_plain_folder() {
        true => format!("put your own files into {bucket}"),
        false => format!(
            "put your own files into {bucket}, or: {program} object put FILE {BUCKET} --config {config}"
        ),
    }
}

fn configured(data: &DemoData) -> String {
    let config = shown(&data.config());
    match data.service() {
        Some(service) => format!(
            "{} has what is served, {config} the machine; both may be edited while the demo runs",
            shown(&service)
        ),
        None => config,
    }
}

/// Says how operators change what is served, if it comes from a store.
fn operate(data: &DemoData, serving: &Serving, program: &str) -> io::Result<()> {
    if data.service().is_none() {
        return Ok(());
    }
    let config = data.config().display().to_string();
    let config = printable(&shell::word(&config)).into_owned();
    say(format_args!(
        "  list it all:   {program} distribution list --config {config}
  be an admin:   {program} operator create me --role admin --config {config}"
    ))?;
    let Some(control) = &serving.snapshot().node.control else {
        return Ok(());
    };
    let url = check::control_url(control);
    // The certificate is self-signed, if there is one.
    let bundle = control.certificate.as_ref().map(|_| {
        let file = data.certificate().display().to_string();
        format!("AWS_CA_BUNDLE={} ", shell::word(&file))
    });
    let bundle = printable(&bundle.unwrap_or_default()).into_owned();
    let endpoint = url.strip_suffix("/v1").unwrap_or(&url);
    say_s3(serving)?;
    say(format_args!(
        "  then ask /v1:  curl -H 'Authorization: Bearer ACCESS_KEY_ID.SECRET_ACCESS_KEY' {url}/distributions
  or the AWS CLI: eval \"$({program} operator create aws --role admin --env --config {config})\"
                  {bundle}AWS_ENDPOINT_URL_CLOUDFRONT={endpoint} AWS_DEFAULT_REGION=us-east-1 aws cloudfront list-distributions"
    ))
}

/// Says how clients of S3 use the bucket, with the access key of an operator in their environment.
fn say_s3(serving: &Serving) -> io::Result<()> {
    let Some(url) = serving.buckets_url() else {
        return Ok(());
    };
    say(format_args!(
        "  or S3, with the access key of an operator in the environment (as in the last line):
                 AWS_ENDPOINT_URL_S3={url} AWS_DEFAULT_REGION=us-east-1 aws s3 cp FILE s3://{BUCKET}/
                 AWS_ENDPOINT_URL_S3={url} AWS_DEFAULT_REGION=us-east-1 aws s3 sync FOLDER s3://{BUCKET}/FOLDER
                 rclone copy FILE ':s3,provider=Other,env_auth=true,region=us-east-1,endpoint=\"{url}\":{BUCKET}'"
    ))
}

/// Returns a path on one line, with control characters escaped.
fn shown(path: &Path) -> String {
    printable(&path.display().to_string()).into_owned()
}

/// Prints several lines; all line breaks in the text are our own.
fn say(text: impl fmt::Display) -> io::Result<()> {
    text.to_string().split('\n').try_for_each(terminal::say)
}

fn signer(data: &DemoData) -> Result<Signer, DemoError> {
    let key = data.read_private_key()?;
    Signer::new(key, data.key_pair_id().clone(), HashAlgorithm::Sha1).map_err(DemoError::Sign)
}

/// Returns the port of the first listener with this protocol.
fn port_of(serving: &Serving, wanted: &ListenerProtocol) -> Option<u16> {
    ports_of(serving, wanted).next()
}

/// Returns the ports of all listeners with this protocol.
fn ports_of(serving: &Serving, wanted: &ListenerProtocol) -> impl Iterator<Item = u16> {
    let addresses = serving.addresses().into_iter();
    addresses
        .filter(move |(protocol, _)| protocol == wanted)
        .map(|(_, address)| address.port())
}

fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.unwrap_or_default().as_secs().max(1)
}
