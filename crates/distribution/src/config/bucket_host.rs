//! Reads the S3 host name of a bucket: which bucket it names, and where that lies unless the operator says otherwise.

use crate::config::origin::{HttpServer, S3Addressing};

const REGION_DEFAULT: &str = "us-east-1";
const AMAZON: [&str; 2] = [".amazonaws.com", ".amazonaws.com.cn"];

/// A bucket by its host name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BucketHost {
    /// Name of the bucket.
    pub(crate) bucket: String,
    /// Region in the scope of the signature.
    pub(crate) region: String,
    /// Server of the endpoint, without the bucket's name.
    pub(crate) endpoint: HttpServer,
    /// Position of the bucket's name in a request.
    pub(crate) addressing: S3Addressing,
}

/// Reason why a host name names no bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BucketHostFault {
    /// It is no host name, or has no part for the bucket.
    NoBucket,
    /// It is the website endpoint of a bucket, which speaks plain HTTP and knows no signatures.
    Website,
    /// It is one of Amazon's, in a form that is not read.
    UnknownForm,
}

impl BucketHostFault {
    /// Returns the message for the operator.
    pub(crate) fn message(self) -> &'static str {
        match self {
            BucketHostFault::NoBucket => {
                "is not the host name of a bucket; write it like articles.s3.us-east-1.amazonaws.com"
            }
            BucketHostFault::Website => {
                "is the website endpoint of a bucket, which is an HTTP server; write url = \"http://…\" instead"
            }
            BucketHostFault::UnknownForm => {
                "is not a host name of a bucket that is known; write it like articles.s3.us-east-1.amazonaws.com"
            }
        }
    }
}

impl BucketHost {
    /// Reads a host name: Amazon's forms (Amazon S3 user guide, "Virtual hosting of buckets" and "Using dual-stack
    /// endpoints"), of which `BUCKET.s3.REGION.amazonaws.com` is the usual one; of any other host the first label is
    /// the bucket and the rest is the endpoint, reached over HTTPS.
    ///
    /// # Errors
    /// A [`BucketHostFault`].
    pub(crate) fn parse(host: &str) -> Result<Self, BucketHostFault> {
        let host = host.to_ascii_lowercase();
        let is_label = |label: &str| {
            let mut bytes = label.bytes();
            !label.is_empty()
                && bytes.all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
        };
        if host.len() > 253 || !host.split('.').all(is_label) {
            return Err(BucketHostFault::NoBucket);
        }
        let amazon = AMAZON
            .into_iter()
            .find_map(|suffix| Some((host.strip_suffix(suffix)?, suffix)));
        match amazon {
            Some((rest, suffix)) => amazons(rest, suffix),
            None => {
                let (bucket, endpoint) = host.split_once('.').ok_or(BucketHostFault::NoBucket)?;
                Ok(BucketHost {
                    bucket: bucket.to_owned(),
                    region: REGION_DEFAULT.to_owned(),
                    endpoint: https(endpoint.to_owned()),
                    addressing: S3Addressing::VirtualHost,
                })
            }
        }
    }
}

/// Reads what stands before Amazon's own suffix: the bucket, whose name may have dots, then `s3` with the region.
fn amazons(rest: &str, suffix: &str) -> Result<BucketHost, BucketHostFault> {
    let labels: Vec<&str> = rest.split('.').collect();
    let is_service = |label: &&str| *label == "s3" || label.starts_with("s3-");
    let service = labels.iter().rposition(is_service);
    let (bucket, service) = service
        .filter(|position| *position > 0)
        .map(|position| labels.split_at(position))
        .ok_or(BucketHostFault::NoBucket)?;
    if service
        .first()
        .is_some_and(|label| label.starts_with("s3-website"))
    {
        return Err(BucketHostFault::Website);
    }
    let (dual, region) = match service {
        ["s3"] | ["s3-external-1"] => ("", REGION_DEFAULT),
        ["s3", region] if is_region(region) => ("", *region),
        ["s3", "dualstack", region] if is_region(region) => ("dualstack.", *region),
        [own] => {
            let region = own.strip_prefix("s3-").filter(|region| is_region(region));
            ("", region.ok_or(BucketHostFault::UnknownForm)?)
        }
        _ => return Err(BucketHostFault::UnknownForm),
    };
    let bucket = bucket.join(".");
    Ok(BucketHost {
        // Amazon's certificate covers one label before its own name.
        addressing: match bucket.contains('.') {
            true => S3Addressing::Path,
            false => S3Addressing::VirtualHost,
        },
        bucket,
        region: region.to_owned(),
        endpoint: https(format!("s3.{dual}{region}{suffix}")),
    })
}

/// Returns true for names like `us-east-1` and `us-gov-west-1`: words, and a number at the end.
fn is_region(text: &str) -> bool {
    let (words, number) = text.rsplit_once('-').unwrap_or_default();
    words.contains('-') && !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
}

fn https(host: String) -> HttpServer {
    HttpServer {
        is_tls: true,
        host,
        port: 443,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_fault(host: &str, expected: BucketHostFault) {
        assert_eq!(BucketHost::parse(host), Err(expected), "{host}");
    }

    /// The bucket, the region, and how it is reached: `endpoint/bucket` or `bucket.endpoint`.
    #[track_caller]
    fn check(host: &str, bucket: &str, region: &str, reached: &str) {
        let read = BucketHost::parse(host).unwrap();
        assert!(read.endpoint.is_tls);
        assert_eq!(read.endpoint.port, 443);
        let (endpoint, name) = (&read.endpoint.host, &read.bucket);
        let shown = match read.addressing {
            S3Addressing::Path => format!("{endpoint}/{name}"),
            S3Addressing::VirtualHost => format!("{name}.{endpoint}"),
        };
        assert_eq!((name.as_str(), read.region.as_str()), (bucket, region));
        assert_eq!(shown, reached);
    }

    #[test]
    fn hosts_that_name_no_bucket() {
        use BucketHostFault::{NoBucket, UnknownForm, Website};
        for host in [
            "",
            ".",
            "b",
            "b.",
            ".s3.amazonaws.com",
            "b..s3.amazonaws.com",
            "b/c.s3.amazonaws.com",
            "b@c.example.com",
            "b.example.com:443",
            "s3.amazonaws.com",
            "s3.eu-west-1.amazonaws.com",
            "s3-eu-west-1.amazonaws.com",
            "b.ec2.eu-west-1.amazonaws.com",
            "*.example.com",
        ] {
            check_fault(host, NoBucket);
        }
        check_fault(&format!("{}.example.com", "b".repeat(250)), NoBucket);
        check_fault("b.s3-website-us-east-1.amazonaws.com", Website);
        check_fault("b.s3-website.eu-central-1.amazonaws.com", Website);
        check_fault("b.s3-accelerate.amazonaws.com", UnknownForm);
        check_fault("b.s3-fips.us-east-1.amazonaws.com", UnknownForm);
        check_fault("b.s3.dualstack.amazonaws.com", UnknownForm);
        check_fault("b.s3.us-east-1.vpce.amazonaws.com", UnknownForm);
    }

    #[test]
    fn amazons_forms() {
        check(
            "b.s3.amazonaws.com",
            "b",
            "us-east-1",
            "b.s3.us-east-1.amazonaws.com",
        );
        check(
            "B.S3.EU-West-1.AmazonAWS.com",
            "b",
            "eu-west-1",
            "b.s3.eu-west-1.amazonaws.com",
        );
        check(
            "b.s3-eu-west-1.amazonaws.com",
            "b",
            "eu-west-1",
            "b.s3.eu-west-1.amazonaws.com",
        );
        check(
            "b.s3-external-1.amazonaws.com",
            "b",
            "us-east-1",
            "b.s3.us-east-1.amazonaws.com",
        );
        check(
            "b.s3.dualstack.us-gov-west-1.amazonaws.com",
            "b",
            "us-gov-west-1",
            "b.s3.dualstack.us-gov-west-1.amazonaws.com",
        );
        check(
            "b.s3.cn-north-1.amazonaws.com.cn",
            "b",
            "cn-north-1",
            "b.s3.cn-north-1.amazonaws.com.cn",
        );
    }

    #[test]
    fn names_of_buckets_may_look_like_the_service() {
        check(
            "a.b.s3.amazonaws.com",
            "a.b",
            "us-east-1",
            "s3.us-east-1.amazonaws.com/a.b",
        );
        check(
            "s3.s3.amazonaws.com",
            "s3",
            "us-east-1",
            "s3.s3.us-east-1.amazonaws.com",
        );
        check(
            "my.s3.x.s3-eu-west-1.amazonaws.com",
            "my.s3.x",
            "eu-west-1",
            "s3.eu-west-1.amazonaws.com/my.s3.x",
        );
    }

    #[test]
    fn hosts_of_others() {
        check("b.rgw.example.com", "b", "us-east-1", "b.rgw.example.com");
        check("b.localhost", "b", "us-east-1", "b.localhost");
        check(
            "b.s3.amazonaws.com.evil.test",
            "b",
            "us-east-1",
            "b.s3.amazonaws.com.evil.test",
        );
    }
}
