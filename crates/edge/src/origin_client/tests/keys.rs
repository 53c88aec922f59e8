//! Sources of access keys, and the time that the keys serve.

use super::scripted_origin::{Act, ScriptedOrigin};
use super::{run, run_paused};
use crate::origin_client::OriginFaultKind;
use crate::origin_client::credentials::Credentials;
use crate::origin_client::credentials::surroundings;
use privet_distribution::config::CredentialSource;
use reqsign_core::StaticEnv;
use reqsign_core::time::Timestamp;
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

fn credentials(variables: &[(&str, &str)], home: Option<&Path>) -> Credentials {
    let environment = StaticEnv {
        home_dir: home.map(Path::to_path_buf),
        envs: variables
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect::<HashMap<_, _>>(),
    };
    Credentials::new(surroundings::with_environment(environment, Arc::default()))
}

/// Returns the access key that is found.
async fn found(
    credentials: &Credentials,
    profile: Option<&str>,
) -> Result<String, OriginFaultKind> {
    let source = CredentialSource::Chain {
        profile: profile.map(str::to_owned),
    };
    let credential = credentials.current(&source).await?;
    Ok(credential.access_key_id)
}

const NO_METADATA: (&str, &str) = ("AWS_EC2_METADATA_DISABLED", "true");

#[test]
fn where_there_are_no_keys_none_are_found() {
    run(async {
        let missing = Err(OriginFaultKind::Credentials);
        let credentials = credentials(&[NO_METADATA, ("AWS_ACCESS_KEY_ID", "ONLY")], None);
        assert_eq!(found(&credentials, None).await, missing);
        assert_eq!(found(&credentials, Some("archive")).await, missing);
    });
}

#[test]
fn variables_and_profiles_are_read() {
    run(async {
        let home = tempfile::tempdir().unwrap();
        std::fs::create_dir(home.path().join(".aws")).unwrap();
        std::fs::write(
            home.path().join(".aws/credentials"),
            "[default]\naws_access_key_id = FILE\naws_secret_access_key = s\n\
             [archive]\naws_access_key_id = ARCHIVE\naws_secret_access_key = s\n",
        )
        .unwrap();
        let variables = [
            NO_METADATA,
            ("AWS_ACCESS_KEY_ID", "VARIABLE"),
            ("AWS_SECRET_ACCESS_KEY", "s"),
        ];
        let with_both = credentials(&variables, Some(home.path()));
        assert_eq!(found(&with_both, None).await.as_deref(), Ok("VARIABLE"));
        assert_eq!(
            found(&with_both, Some("archive")).await.as_deref(),
            Ok("ARCHIVE")
        );
        let with_file = credentials(&[NO_METADATA], Some(home.path()));
        assert_eq!(found(&with_file, None).await.as_deref(), Ok("FILE"));
    });
}

fn answer(text: &str) -> &'static [Act] {
    let text = format!(
        "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{text}",
        text.len()
    );
    vec![Act::Send(text.leak())].leak()
}

fn keys_until(access_key: &str, expiry: Timestamp) -> &'static [Act] {
    answer(&format!(
        r#"{{"Code":"Success","LastUpdated":"2026-01-01T00:00:00Z","Type":"AWS-HMAC","RoleArn":"arn:aws:iam::1:role/edge","AccessKeyId":"{access_key}","SecretAccessKey":"s","Token":"t","Expiration":"{}"}}"#,
        expiry.format_rfc3339_zulu()
    ))
}

fn in_secs(secs: u64) -> Timestamp {
    Timestamp::now() + Duration::from_secs(secs)
}

async fn with_metadata(scripts: &[&'static [Act]]) -> (ScriptedOrigin, Credentials) {
    let service = ScriptedOrigin::start(scripts).await;
    let endpoint = format!("http://127.0.0.1:{}", service.port);
    let variables = [("AWS_EC2_METADATA_SERVICE_ENDPOINT", endpoint.as_str())];
    let credentials = credentials(&variables, None);
    (service, credentials)
}

#[test]
fn instance_metadata_is_asked_once() {
    run(async {
        let keys = keys_until("ROLE", in_secs(3_600));
        let (service, credentials) = with_metadata(&[answer("token"), answer("edge"), keys]).await;
        for _ in 0..3 {
            assert_eq!(found(&credentials, None).await.as_deref(), Ok("ROLE"));
        }
        let requests = service.requests();
        assert_eq!(requests.len(), 3);
        assert!(requests[0].starts_with("PUT /latest/api/token HTTP/1.1\r\n"));
        assert!(requests[2].contains("x-aws-ec2-metadata-token: token\r\n"));
    });
}

#[test]
fn container_credentials_are_asked_for() {
    run(async {
        let service = ScriptedOrigin::start(&[keys_until("TASK", in_secs(3_600))]).await;
        let address = format!("http://127.0.0.1:{}/role", service.port);
        let variables = [
            NO_METADATA,
            ("AWS_CONTAINER_CREDENTIALS_FULL_URI", address.as_str()),
        ];
        let credentials = credentials(&variables, None);
        assert_eq!(found(&credentials, None).await.as_deref(), Ok("TASK"));
    });
}

#[test]
fn keys_are_renewed_while_they_serve() {
    run_paused(async {
        let (first, second) = (
            keys_until("FIRST", in_secs(60)),
            keys_until("SECOND", in_secs(3_600)),
        );
        let (_service, credentials) = with_metadata(&[
            answer("token"),
            answer("edge"),
            first,
            // The renewal reuses the token.
            answer("edge"),
            second,
        ])
        .await;
        assert_eq!(found(&credentials, None).await.as_deref(), Ok("FIRST"));
        tokio::time::advance(Duration::from_secs(6)).await;
        let mut last = String::new();
        for _ in 0..1_000 {
            last = found(&credentials, None).await.unwrap();
            if last == "SECOND" {
                break;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        assert_eq!(last, "SECOND");
    });
}

#[test]
fn keys_that_cannot_be_renewed_stay() {
    run_paused(async {
        let first = keys_until("FIRST", in_secs(60));
        let (service, credentials) = with_metadata(&[answer("token"), answer("edge"), first]).await;
        for _ in 0..5 {
            assert_eq!(found(&credentials, None).await.as_deref(), Ok("FIRST"));
            tokio::time::sleep(Duration::from_secs(6)).await;
        }
        assert!(service.connections() > 3, "nobody has tried");
    });
}

#[test]
fn expired_keys_do_not_sign() {
    run_paused(async {
        let expired = keys_until("EXPIRED", in_secs(5));
        let (service, credentials) =
            with_metadata(&[answer("token"), answer("edge"), expired]).await;
        for _ in 0..3 {
            let missing = Err(OriginFaultKind::Credentials);
            assert_eq!(found(&credentials, None).await, missing);
        }
        // A search that failed is not repeated for every request.
        assert_eq!(service.connections(), 3);
    });
}
