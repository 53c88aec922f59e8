//! TLS to PostgreSQL: what each `sslmode` accepts.

use std::process::Command;

use privet_store::{Location, PostgresUrl, Store, StoreError, StoreOptions};
use serde_json::json;

use crate::support::{Server, change, key, put, run, start};

/// Makes two authorities, and a certificate of the first for `localhost`; TCP needs TLS and a password.
const PREPARE: &str = "umask 077; \
    for name in ca other; do openssl req -x509 -newkey rsa:2048 -nodes -keyout $name.key -out $name.pem -days 2 \
    -subj /CN=$name || exit 1; done; \
    openssl req -newkey rsa:2048 -nodes -keyout server.key -out server.csr -subj /CN=localhost && \
    echo subjectAltName=DNS:localhost > names && \
    openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile names \
    -out server.pem && \
    { echo local all all trust; echo hostssl all all all scram-sha-256; } > data/pg_hba.conf";

fn open(
    server: &Server,
    host: &str,
    password: &str,
    parameters: &str,
) -> Result<Store, StoreError> {
    let folder = server.folder.display();
    let parameters = parameters.replace("FOLDER", &folder.to_string());
    let port = server.port;
    let url = format!("postgres://privet:{password}@{host}:{port}/postgres?{parameters}");
    let location = Location::Url(PostgresUrl::parse(&url)?);
    let key = key();
    run(Store::open(StoreOptions { location, key }))
}

#[test]
fn certificates_are_verified_as_the_url_says() {
    if Command::new("openssl").arg("version").output().is_err() {
        return;
    }
    let settings = "-c ssl=on -c ssl_cert_file=../server.pem -c ssl_key_file=../server.key";
    let Some(server) = start(PREPARE, settings) else {
        return;
    };
    server
        .psql("postgres", "ALTER USER privet PASSWORD 's3cret'")
        .unwrap();
    let refused = |host: &str, parameters: &str, expected: &str| {
        let opened = open(&server, host, "s3cret", parameters).map(drop);
        let Err(StoreError::Unreachable { cause } | StoreError::Failed { cause }) = opened else {
            panic!("{host} {parameters}: {opened:?}")
        };
        assert!(cause.contains(expected), "{host} {parameters}: {cause}");
        assert!(!cause.contains("s3cret"), "{cause}");
    };
    refused("localhost", "sslmode=disable", "no encryption");
    refused("localhost", "sslmode=verify-full", "UnknownIssuer");
    refused(
        "localhost",
        "sslmode=verify-full&sslrootcert=FOLDER/other.pem",
        "UnknownIssuer",
    );
    refused(
        "127.0.0.1",
        "sslmode=verify-full&sslrootcert=FOLDER/ca.pem",
        "not valid for name",
    );
    refused(
        "127.0.0.1",
        "sslmode=verify-ca&sslrootcert=FOLDER/other.pem",
        "UnknownIssuer",
    );
    let missing = open(
        &server,
        "localhost",
        "s3cret",
        "sslmode=verify-ca&sslrootcert=FOLDER/none",
    );
    assert!(matches!(missing, Err(StoreError::File { .. })));
    let wrong = open(&server, "localhost", "guessed", "sslmode=require").map(drop);
    assert!(
        matches!(&wrong, Err(StoreError::Failed { cause }) if !cause.contains("guessed")),
        "{wrong:?}"
    );

    let accepted = |host: &str, parameters: &str| {
        let store = open(&server, host, "s3cret", parameters).unwrap();
        run(put(&store, vec![change("a", json!(1))])).unwrap();
        let sql = "SELECT count(*) > 0 FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) \
                   WHERE ssl AND application_name = 'privet'";
        assert_eq!(server.psql("postgres", sql).unwrap().trim(), "t");
    };
    accepted(
        "localhost",
        "sslmode=verify-full&sslrootcert=FOLDER/ca.pem&channel_binding=require",
    );
    accepted("127.0.0.1", "sslmode=verify-ca&sslrootcert=FOLDER/ca.pem");
    accepted("127.0.0.1", "sslmode=require");
    accepted("127.0.0.1", "");
}
