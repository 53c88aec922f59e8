//! An object that a browser uploads with a form, which an operator has signed before (S3 API Reference, "POST Object").

use crate::access;
use crate::body::{self, BodyError, Pieces};
use crate::digests;
use crate::encoding;
use crate::endpoint::finish::{Answer, internal};
use crate::endpoint::head::{Head, Sent, Signed};
use crate::endpoint::log::{ObjectSize, Sender};
use crate::endpoint::{Inner, slow_down};
use crate::error::{self, IntoS3, known};
use crate::facts::{Facts, Fields};
use crate::form::{self, FormError, FormReader, Found, policy};
use crate::operations::{Written, check_features, checksum_fields, of_form};
use crate::operators::Act;
use crate::sigv4::{FormClaim, Refusal};
use crate::target::Target;
use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream;
use http::header::{CONTENT_TYPE, ETAG, LOCATION};
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use http_body::Body;
use privet_objects::{BucketName, Key, Metadata, WriteConditions};
use s3s::{S3Error, S3ErrorCode};
use std::error::Error as StdError;
use std::ops::RangeInclusive;
use tokio::time::timeout;

/// A form whose fields were read, and whose file follows.
struct Opened {
    reader: FormReader,
    fields: form::Fields,
    pieces: Pieces,
}

impl Inner {
    pub(super) async fn upload_form<B>(
        &self,
        head: Head,
        body: B,
        (sent, sender): (Sent<'_>, &mut Sender),
    ) -> Result<Answer, S3Error>
    where
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<Box<dyn StdError + Send + Sync>>,
    {
        let Target::Bucket(bucket) = head.target().clone() else {
            return Err(known(
                S3ErrorCode::MethodNotAllowed,
                "The specified method is not allowed against this resource.",
            ));
        };
        let limits = &self.settings.limits;
        let content_type = head.parts.headers.get(CONTENT_TYPE);
        let content_type = content_type
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        let reader = FormReader::new(content_type).map_err(IntoS3::into_s3)?;
        let pieces = body::paced(body, limits.body_silence, limits.body_rate_bytes);
        let (opened, holder, sizes) = {
            // Nobody is known before the fields are there: strangers who send them slowly keep out other forms at most.
            let _slot = self.forms.try_acquire().map_err(|_| slow_down())?;
            let opened = timeout(limits.body_silence, open(reader, pieces)).await;
            let opened = opened.map_err(|_| BodyError::TooSlow.into_s3())??;
            let (holder, sizes) = self.admit(&opened.fields, &bucket, sent).await?;
            (opened, holder, sizes)
        };
        *sender = Sender {
            name: Some(holder.name.clone()),
            signed: Some(Signed::Form),
            key: None,
        };
        let facts = Facts {
            holder,
            fields: Fields::default(),
            trailer: None,
            trailer_names: Vec::new(),
        };
        access::permit(
            self.operators.as_ref(),
            &facts,
            Act::WriteObjects,
            Some(&bucket),
        )?;
        let _permit = self.upload_permit()?;
        let finish = Finish::of(&opened.fields)?;
        let written = written(&opened.fields, bucket.clone())?;
        let key = written.key.clone();
        sender.key = Some(key.as_str().to_owned());
        let pieces = file_pieces(opened, sizes, limits.upload_size_bytes);
        let metadata = self.operations.write(written, pieces).await?;
        Ok(Answer::Own(finish.answer(&bucket, &key, &metadata)?))
    }

    /// Checks signature and policy of a form.
    async fn admit(
        &self,
        fields: &form::Fields,
        bucket: &BucketName,
        sent: Sent<'_>,
    ) -> Result<(crate::operators::Holder, RangeInclusive<u64>), S3Error> {
        if fields.get("signature").is_some() || fields.get("awsaccesskeyid").is_some() {
            return Err(Refusal::VersionTwo.into_s3());
        }
        let Some(text) = fields.get("policy") else {
            return Err(error::access_denied());
        };
        let recognition = sent.recognition(self.operators.as_ref());
        let claim = FormClaim::read(fields, text, sent.now)
            .map_err(|refusal| recognition.refused(None, refusal))?;
        let id = claim.access_key_id();
        let verify = |secret: Option<&str>| claim.verify(secret);
        let ((), holder) = recognition.holder(id, verify).await?;
        let sizes = policy::check(text, fields, bucket.as_str(), sent.now);
        Ok((holder, sizes.map_err(IntoS3::into_s3)?))
    }
}

/// Reads up to the file.
async fn open(mut reader: FormReader, mut pieces: Pieces) -> Result<Opened, S3Error> {
    loop {
        match reader.next().map_err(IntoS3::into_s3)? {
            Found::Fields(fields) => {
                return Ok(Opened {
                    reader,
                    fields,
                    pieces,
                });
            }
            Found::More => {}
            Found::File(_) | Found::End => return Err(internal()),
        }
        let piece = pieces.next().await.transpose().map_err(IntoS3::into_s3)?;
        match piece {
            Some(piece) => reader.feed(&piece).map_err(IntoS3::into_s3)?,
            None => return Err(FormError::Incomplete.into_s3()),
        }
    }
}

/// Returns the file's bytes, whose number has to be one that the policy allows.
fn file_pieces(opened: Opened, sizes: RangeInclusive<u64>, size_bytes_max: u64) -> Pieces {
    let Opened { reader, pieces, .. } = opened;
    let max = size_bytes_max.min(*sizes.end());
    let file = stream::try_unfold(
        (reader, pieces, false),
        |(mut reader, mut pieces, mut has_ended)| async move {
            loop {
                match reader.next().map_err(|_| BodyError::Broken)? {
                    Found::File(piece) => return Ok(Some((piece, (reader, pieces, has_ended)))),
                    Found::End => has_ended = true,
                    Found::Fields(_) => return Err(BodyError::Broken),
                    Found::More => {}
                }
                match pieces.next().await.transpose()? {
                    Some(piece) => reader.feed(&piece).map_err(|_| BodyError::Broken)?,
                    None if has_ended => return Ok(None),
                    None => return Err(BodyError::TooShort),
                }
            }
        },
    );
    let least = *sizes.start();
    let counted = stream::try_unfold(
        (file.boxed(), 0_u64),
        move |(mut file, before)| async move {
            match file.next().await.transpose()? {
                Some(piece) => {
                    let now = before + piece.len() as u64;
                    Ok(Some((piece, (file, now))))
                }
                None if before < least => Err(BodyError::TooShort),
                None => Ok(None),
            }
        },
    );
    body::bounded(counted.boxed(), None, max)
}

fn written(fields: &form::Fields, bucket: BucketName) -> Result<Written, S3Error> {
    let key = fields.key().ok_or_else(|| {
        known(
            S3ErrorCode::InvalidArgument,
            "Bucket POST must contain a field named 'key'.",
        )
    })?;
    let headers = fields.stored().map_err(IntoS3::into_s3)?;
    check_features(&headers)?;
    Ok(Written {
        bucket,
        key: Key::new(key)
            .map_err(|error| known(S3ErrorCode::KeyTooLongError, error.to_string()))?,
        attributes: of_form(&headers, fields)?,
        algorithms: digests::wanted(&headers, &[])?,
        digests: digests::announced(&headers)?,
        trailer: None,
        conditions: WriteConditions::default(),
    })
}

/// What a form is answered with.
enum Finish {
    Status(StatusCode),
    Redirect(String),
}

impl Finish {
    fn of(fields: &form::Fields) -> Result<Self, S3Error> {
        let redirect = fields
            .get("success_action_redirect")
            .or(fields.get("redirect"));
        if let Some(url) = redirect
            && (url.starts_with("http://") || url.starts_with("https://"))
        {
            return match HeaderValue::from_str(url) {
                Ok(_) => Ok(Finish::Redirect(url.to_owned())),
                Err(_) => Err(S3Error::new(S3ErrorCode::InvalidArgument)),
            };
        }
        Ok(Finish::Status(match fields.get("success_action_status") {
            Some("200") => StatusCode::OK,
            Some("201") => StatusCode::CREATED,
            Some(_) | None => StatusCode::NO_CONTENT,
        }))
    }

    fn answer(
        self,
        bucket: &BucketName,
        key: &Key,
        metadata: &Metadata,
    ) -> Result<Response<Bytes>, S3Error> {
        let tag = format!("\"{}\"", metadata.etag);
        let location = format!(
            "/{bucket}/{}",
            encoding::encode_path(key.as_str().as_bytes())
        );
        let mut headers = HeaderMap::new();
        checksum_fields(metadata, &mut headers);
        let value = |text: &str| HeaderValue::from_str(text).map_err(|_| internal());
        headers.insert(ETAG, value(&tag)?);
        let (status, body) = match self {
            Finish::Redirect(url) => {
                let mark = if url.contains('?') { '&' } else { '?' };
                let [bucket, key, tag] = [bucket.as_str(), key.as_str(), &tag]
                    .map(|text| encoding::encode(text.as_bytes()));
                let url = format!("{url}{mark}bucket={bucket}&key={key}&etag={tag}");
                headers.insert(LOCATION, value(&url)?);
                (StatusCode::SEE_OTHER, String::new())
            }
            Finish::Status(StatusCode::CREATED) => {
                headers.insert(LOCATION, value(&location)?);
                headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/xml"));
                (
                    StatusCode::CREATED,
                    post_response(&location, bucket, key, &tag),
                )
            }
            Finish::Status(status) => {
                headers.insert(LOCATION, value(&location)?);
                (status, String::new())
            }
        };
        let mut response = Response::new(Bytes::from(body));
        *response.status_mut() = status;
        *response.headers_mut() = headers;
        response.extensions_mut().insert(ObjectSize(metadata.size));
        Ok(response)
    }
}

/// Writes the document that 201 is answered with.
fn post_response(location: &str, bucket: &BucketName, key: &Key, tag: &str) -> String {
    let escape = |text: &str| {
        text.replace('&', "&amp;")
            .replace('<', "&lt;")
            .replace('>', "&gt;")
            .replace('"', "&quot;")
    };
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<PostResponse><Location>{}</Location><Bucket>{bucket}</Bucket>\
         <Key>{}</Key><ETag>{}</ETag></PostResponse>",
        escape(location),
        escape(key.as_str()),
        escape(tag)
    )
}
