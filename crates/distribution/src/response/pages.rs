//! The bytes of every response that the edge makes itself: refusals, redirects and missing objects.

use crate::logging::{DetailedResult, ResultType};
use crate::request::{Denial, Lasting};
use http::StatusCode;
use privet_sign::ErrorCode;

/// A complete small response. It has no `Date`, `Server`, `Via` or ids: the edge adds those.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Status to send.
    pub status: StatusCode,
    /// Value of `Content-Type`.
    pub content_type: &'static str,
    /// Body, whose length is `Content-Length`; not sent in response to HEAD.
    pub body: Vec<u8>,
    /// Value of `Location`, for redirects.
    pub location: Option<String>,
    /// Value of `Cache-Control`, if the page has one.
    pub cache_control: Option<&'static str>,
    /// Value of `Retry-After` in seconds, where another attempt helps.
    pub retry_after_secs: Option<u32>,
    /// `x-edge-result-type` and `x-edge-response-result-type` of the log, and what `X-Cache` says.
    pub result: ResultType,
    /// `x-edge-detailed-result-type` of the log.
    pub detail: DetailedResult,
    /// True if the connection is closed after the response.
    pub close: bool,
    /// True if the access log has a line for it. Over-size requests have none (developer guide, "Standard logs"), nor
    /// have requests to unknown hosts, which belong to no distribution.
    pub logged: bool,
    /// Author of the page: CloudFront's own refusals and those of the origin look different.
    pub author: PageAuthor,
}

/// The author of a page, as `Server` names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PageAuthor {
    /// CloudFront: `Server: CloudFront`.
    Edge,
    /// The origin: `Server: AmazonS3`.
    Origin,
}

/// Returns the page for `denial`. `request_id`, the value of `X-Amz-Cf-Id`, goes into the HTML pages.
///
/// XML bodies are one line without a newline, as captured from CloudFront; the page of a refused signature has one of
/// five codes and says nothing else.
pub fn denial_page(denial: &Denial, request_id: &str) -> Page {
    use DetailedResult as Detail;
    let html = |status, reason, detail| html_page(status, reason, detail, request_id);
    let forbidden = |reason, detail| html(StatusCode::FORBIDDEN, reason, detail);
    let bad_gateway = |reason, detail| html(StatusCode::BAD_GATEWAY, reason, detail);
    let closing = |status, detail| Page {
        close: true,
        ..html(status, "Bad request.", detail)
    };
    let error = Detail::Plain(ResultType::Error);
    match denial {
        Denial::UnknownHost => Page {
            logged: false,
            ..forbidden("Bad request.", error)
        },
        Denial::MisdirectedRequest => {
            let status = StatusCode::MISDIRECTED_REQUEST;
            html(status, "Bad request.", Detail::InvalidRequest)
        }
        Denial::HttpsRequired => forbidden("Bad request.", error),
        Denial::RedirectToHttps { location, status } => redirect_page(*status, location),
        Denial::MethodNotAllowed => forbidden(METHOD_REASON, Detail::InvalidRequestMethod),
        Denial::AmbiguousPath | Denial::BodyNotAllowed | Denial::ForeignMember => {
            forbidden("Bad request.", Detail::InvalidRequest)
        }
        Denial::Signature(refusal) => xml_page(refusal.error_code()),
        Denial::Link(refusal) => link_page(refusal.lasting(), request_id),
        Denial::HeadTooLarge => Page {
            logged: false,
            ..closing(StatusCode::PAYLOAD_TOO_LARGE, Detail::InvalidRequest)
        },
        Denial::BadRequest => closing(StatusCode::BAD_REQUEST, Detail::InvalidRequest),
        Denial::BodyTimeout => closing(StatusCode::REQUEST_TIMEOUT, Detail::ClientCommError),
        Denial::NotSupportedByOrigin => method_not_allowed_page(request_id),
        Denial::NotFound => no_such_key_page(None, request_id),
        Denial::OriginUnreadable => bad_gateway(ORIGIN_REASON, Detail::OriginReadError),
        Denial::CountryBlocked => forbidden(COUNTRY_REASON, Detail::ClientGeoBlocked),
        Denial::OriginDns => bad_gateway(DNS_REASON, Detail::OriginDnsError),
        // A bucket's opinion of the edge's keys and clock is for the operator alone.
        Denial::OriginConnect
        | Denial::OriginCredentials
        | Denial::OriginRefusesEdge(_)
        | Denial::OriginTls => bad_gateway(ORIGIN_REASON, Detail::OriginConnectError),
        Denial::OriginTimeout => {
            let status = StatusCode::GATEWAY_TIMEOUT;
            html(status, ORIGIN_REASON, Detail::OriginCommError)
        }
        Denial::OriginHeaderTooBig => bad_gateway(ORIGIN_REASON, Detail::OriginHeaderTooBigError),
        Denial::OriginInvalidResponse => {
            bad_gateway(ORIGIN_REASON, Detail::OriginInvalidResponseError)
        }
        Denial::OriginClosed => bad_gateway(CLOSED_REASON, Detail::OriginCommError),
        Denial::OriginForbidden | Denial::HiddenNotFound | Denial::BucketNotGranted { .. } => {
            let content = "<Code>AccessDenied</Code><Message>Access Denied</Message>";
            origin_page(StatusCode::FORBIDDEN, content, request_id)
        }
        Denial::VideoArriving => video_arriving_page(request_id),
        Denial::Video { reason, .. } => video_page(reason, request_id),
        Denial::CapacityExceeded => {
            let result = ResultType::CapacityExceeded;
            let (status, detail) = (StatusCode::SERVICE_UNAVAILABLE, Detail::Plain(result));
            Page {
                result,
                ..html(status, "Capacity exceeded.", detail)
            }
        }
    }
}

/// Returns the page that sends a viewer with a new path token to `location`, as returned by
/// [`crate::request::path_token_location`]. It must not be cached: the token is the viewer's own.
pub fn path_token_page(location: &str) -> Page {
    Page {
        cache_control: Some("no-store"),
        ..redirect_page(StatusCode::FOUND, location)
    }
}

/// Returns S3's page for a missing object, as the origin would have sent it: 404 `NoSuchKey`.
///
/// `key` is the object's name as the viewer sent it, without the leading slash. A private bucket without list
/// permission would respond with 403 `AccessDenied` instead; a folder hides nothing that the viewer could not request
/// anyway.
pub fn no_such_key_page(key: Option<&str>, request_id: &str) -> Page {
    let key = key.map_or_else(String::new, |key| format!("<Key>{}</Key>", xml_text(key)));
    origin_page(
        StatusCode::NOT_FOUND,
        &format!("<Code>NoSuchKey</Code><Message>The specified key does not exist.</Message>{key}"),
        request_id,
    )
}

/// The spelling is CloudFront's.
const METHOD_REASON: &str = "This distribution is not configured to allow the HTTP request method that was used for \
this request. The distribution supports only cachable requests.";

const ORIGIN_REASON: &str = "CloudFront wasn't able to connect to the origin.";

const DNS_REASON: &str = "CloudFront wasn't able to resolve the origin domain name.";

const CLOSED_REASON: &str = "CloudFront attempted to establish a connection with the origin, but either the attempt \
failed or the origin closed the connection.";

const COUNTRY_REASON: &str =
    "The Amazon CloudFront distribution is configured to block access from your country.";

const ADVISORY: &str = "We can't connect to the server for this app or website at this time. There might be too \
much traffic or a configuration error. Try again later, or contact the app or website owner.\n\
<BR clear=\"all\">\n\
If you provide content to customers through CloudFront, you can find steps to troubleshoot and help prevent this \
error by reviewing the CloudFront documentation.\n";

/// Seconds until a player should retry a video that is still arriving. The retried request waits for it by itself.
const VIDEO_ARRIVING_RETRY_SECS: u32 = 2;

/// Returns a page in the form of S3's errors: it is about the object, and says nothing about access.
fn video_page(reason: &str, request_id: &str) -> Page {
    let content = format!(
        "<Code>UnprocessableVideo</Code><Message>{}</Message>",
        xml_text(reason)
    );
    origin_page(StatusCode::UNPROCESSABLE_ENTITY, &content, request_id)
}

/// Returns a page in the form of S3's errors too, for players that retry by themselves.
fn video_arriving_page(request_id: &str) -> Page {
    let content = "<Code>VideoArriving</Code><Message>The origin does not say how long the object is, so all of it is fetched \
                   first. Ask again in a few seconds.</Message>";
    Page {
        retry_after_secs: Some(VIDEO_ARRIVING_RETRY_SECS),
        ..origin_page(StatusCode::SERVICE_UNAVAILABLE, content, request_id)
    }
}

fn error_page(status: StatusCode, content_type: &'static str, body: String) -> Page {
    Page {
        status,
        content_type,
        body: body.into_bytes(),
        location: None,
        cache_control: None,
        retry_after_secs: None,
        result: ResultType::Error,
        detail: DetailedResult::Plain(ResultType::Error),
        close: false,
        logged: true,
        author: PageAuthor::Edge,
    }
}

fn xml_page(code: ErrorCode) -> Page {
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Error><Code>{}</Code><Message>{}</Message></Error>",
        code.code(),
        code.message()
    );
    error_page(StatusCode::FORBIDDEN, "text/xml", body)
}

/// Says of a link no more than CloudFront says of any that opens nothing.
fn link_page(lasting: Lasting, request_id: &str) -> Page {
    match lasting {
        Lasting::ForGood => xml_page(ErrorCode::AccessDenied),
        Lasting::ForNow => {
            let error = DetailedResult::Plain(ResultType::Error);
            let status = StatusCode::SERVICE_UNAVAILABLE;
            html_page(status, "Bad request.", error, request_id)
        }
    }
}

fn method_not_allowed_page(request_id: &str) -> Page {
    origin_page(
        StatusCode::METHOD_NOT_ALLOWED,
        "<Code>MethodNotAllowed</Code><Message>The specified method is not allowed against this resource.</Message>",
        request_id,
    )
}

/// Uses S3's form: a newline after the declaration, and two ids at the end.
fn origin_page(status: StatusCode, content: &str, request_id: &str) -> Page {
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error>{content}\
         <RequestId>{request_id}</RequestId><HostId>{request_id}</HostId></Error>"
    );
    Page {
        author: PageAuthor::Origin,
        ..error_page(status, "application/xml", body)
    }
}

fn html_page(status: StatusCode, reason: &str, detail: DetailedResult, request_id: &str) -> Page {
    Page {
        detail,
        ..error_page(
            status,
            "text/html",
            html_body(status, reason, ADVISORY, request_id),
        )
    }
}

/// Returns the body of an HTML page. `advisory` is empty for the form of 2018.
fn html_body(status: StatusCode, reason: &str, advisory: &str, request_id: &str) -> String {
    let status = status.as_u16();
    format!(
        "<!DOCTYPE HTML PUBLIC \"-//W3C//DTD HTML 4.01 Transitional//EN\" \"http://www.w3.org/TR/html4/loose.dtd\">\n\
         <HTML><HEAD><META HTTP-EQUIV=\"Content-Type\" CONTENT=\"text/html; charset=iso-8859-1\">\n\
         <TITLE>ERROR: The request could not be satisfied</TITLE>\n\
         </HEAD><BODY>\n\
         <H1>{status} ERROR</H1>\n\
         <H2>The request could not be satisfied.</H2>\n\
         <HR noshade size=\"1px\">\n\
         {reason}\n\
         {advisory}\n\
         <BR clear=\"all\">\n\
         <HR noshade size=\"1px\">\n\
         <PRE>\n\
         Generated by cloudfront (CloudFront)\n\
         Request ID: {request_id}\n\
         </PRE>\n\
         <ADDRESS>\n\
         </ADDRESS>\n\
         </BODY></HTML>"
    )
}

fn redirect_page(status: StatusCode, location: &str) -> Page {
    let title = format!(
        "{} {}",
        status.as_u16(),
        status.canonical_reason().unwrap_or("Redirect")
    );
    let body = format!(
        "<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n<center><h1>{title}</h1></center>\r\n\
         <hr><center>CloudFront</center>\r\n</body>\r\n</html>\r\n"
    );
    Page {
        location: Some(location.to_owned()),
        result: ResultType::Redirect,
        detail: DetailedResult::Plain(ResultType::Redirect),
        ..error_page(status, "text/html", body)
    }
}

/// Returns `text` as XML character data; control characters, most of which XML 1.0 forbids, become `?`.
fn xml_text(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            control if control.is_control() => out.push('?'),
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests;
