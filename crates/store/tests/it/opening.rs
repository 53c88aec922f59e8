//! Opening databases: new ones, older ones, newer ones, another's; URLs that cannot be used.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use privet_store::{Location, PostgresUrl, SealingKey, Store, StoreError, StoreOptions, Timestamp};
use rusqlite::Connection;
use serde_json::json;

use crate::links;
use crate::support::{Place, actor, change, key, on_both, put, run, server};

#[test]
fn a_newer_database_and_another_key_are_refused() {
    on_both(async |place| {
        drop(place.open().await);
        let mut options = place.options();
        options.key = SealingKey::generate().unwrap();
        let opened = Store::open(options).await;
        assert_eq!(opened.map(drop), Err(StoreError::WrongKey));
        place
            .sql("UPDATE meta SET value = '99' WHERE name = 'schema'")
            .unwrap();
        let opened = Store::open(place.options()).await;
        let (found, known) = (99, 2);
        assert_eq!(opened.map(drop), Err(StoreError::Newer { found, known }));
    });
}

/// Checks what operations of an open store say when another database is put in the place of its own.
fn check_replaced(with: &impl AsyncFn(&Place) -> Place, expected: &StoreError) {
    on_both(async |place| {
        let store = place.open().await;
        let id = store.id();
        place.put_in_place(&with(place).await);
        for _ in 0..3 {
            let read = store.document("thing", "a").await.map(drop);
            assert_eq!(read.as_ref(), Err(expected));
            let written = put(&store, vec![change("a", json!(1))]).await.map(drop);
            assert_eq!(written.as_ref(), Err(expected));
        }
        assert_eq!(store.id(), id);
    });
}

#[test]
fn a_database_that_takes_the_place_of_an_open_one_is_checked() {
    let another_key = async |place: &Place| {
        let other = place.another();
        let mut options = other.options();
        options.key = SealingKey::generate().unwrap();
        drop(Store::open(options).await.unwrap());
        other
    };
    check_replaced(&another_key, &StoreError::WrongKey);
    let newer = async |place: &Place| {
        let other = place.another();
        drop(other.open().await);
        let sql = "UPDATE meta SET value = '99' WHERE name = 'schema'";
        other.sql(sql).unwrap();
        other
    };
    let (found, known) = (99, 2);
    check_replaced(&newer, &StoreError::Newer { found, known });

    on_both(async |place| {
        let store = place.open().await;
        let id = store.id();
        let other = place.another();
        let another = other.open().await;
        let other_id = another.id();
        put(&another, vec![change("a", json!(7))]).await.unwrap();
        drop(another);
        place.put_in_place(&other);
        let told = put(&store, vec![change("a", json!(1))]).await;
        let Err(StoreError::Failed { cause }) = told else {
            panic!("{told:?}")
        };
        assert!(cause.contains(&id) && cause.contains(&other_id), "{cause}");
        assert_eq!(store.id(), other_id);
        let stored = store.document("thing", "a").await.unwrap().unwrap();
        assert_eq!(stored.body, json!(7));
        let written = put(&store, vec![change("a", json!(8))]).await.unwrap();
        assert_eq!(written.documents[0].version, 2);
    });
}

/// A server that takes no connection now may take one later; what the URL has wrong stays wrong.
#[test]
fn a_server_that_takes_no_connections_is_not_reached() {
    let Some(place) = Place::postgres() else {
        return;
    };
    let Location::Url(url) = &place.location else {
        panic!()
    };
    let name = url.to_string().rsplit('/').next().unwrap().to_owned();
    let server = server().unwrap();
    let sql = |sql: String| server.psql("postgres", &sql).unwrap();
    let open = |url: String| {
        let options = StoreOptions {
            location: Location::Url(PostgresUrl::parse(&url).unwrap()),
            key: key(),
        };
        run(async { Store::open(options).await.map(drop).unwrap_err() })
    };
    // The role has no password: the server trusts everybody.
    let absent = server.url(&format!("{name}_absent"));
    let wrong_role = server.url(&name).replace("privet@", "nobody@");
    for url in [absent, wrong_role] {
        let error = open(url);
        assert!(matches!(error, StoreError::Failed { .. }), "{error:?}");
    }
    let refuses = |spoil: String, back: String, user: &str| {
        sql(spoil);
        let error = open(server.url(&name).replace("privet@", user));
        sql(back);
        assert!(matches!(error, StoreError::Unreachable { .. }), "{error:?}");
    };
    refuses(
        format!("ALTER DATABASE {name} ALLOW_CONNECTIONS false"),
        format!("ALTER DATABASE {name} ALLOW_CONNECTIONS true"),
        "privet@",
    );
    let guest = format!("guest_{name}");
    refuses(
        format!("CREATE ROLE {guest} LOGIN CONNECTION LIMIT 0"),
        format!("DROP ROLE {guest}"),
        &format!("{guest}@"),
    );
    run(async { drop(place.open().await) });
}

#[test]
fn several_programs_open_a_new_database_at_once() {
    on_both(async |place| {
        let opening = (0..8).map(|_| tokio::spawn(Store::open(place.options())));
        let opening: Vec<_> = opening.collect();
        let mut ids = Vec::new();
        for opened in opening {
            ids.push(opened.await.unwrap().unwrap().id().to_owned());
        }
        ids.dedup();
        assert_eq!(ids.len(), 1);
    });
}

#[test]
fn a_database_of_schema_1_is_opened() {
    let place = Place::file();
    let Location::File(path) = &place.location else {
        panic!()
    };
    // The dump has the tables by their names, so that one may come before one that it refers to.
    let dump = concat!(
        "PRAGMA foreign_keys = OFF;",
        include_str!("../data/schema-1.sql")
    );
    Connection::open(path).unwrap().execute_batch(dump).unwrap();
    run(async {
        let store = place.open().await;
        let stored = store.document("thing", "a").await.unwrap().unwrap();
        let clear = store.unseal("thing", "a", &stored.body).unwrap();
        assert_eq!(clear, json!({ "secret": "s3cret" }));
        let verdict = store.verify_audit().await.unwrap();
        assert!(matches!(
            verdict,
            privet_store::AuditVerdict::Whole { entries: 3, .. }
        ));
        put(&store, vec![change("a", json!({}))]).await.unwrap();
        links::create(&store, &links::limited(1, Some(1))).await;
        drop(store);
        let store = place.open().await;
        assert!(store.link(&links::id(1)).await.unwrap().is_some());
    });
}

/// The tables of schema 1 as PostgreSQL has them, with the rows of the dump.
#[test]
fn a_postgresql_database_of_schema_1_is_opened() {
    let Some(place) = Place::postgres() else {
        return;
    };
    let tables =
        include_str!("../../src/migrations/0001.sql").replace(" TEXT", " TEXT COLLATE \"C\"");
    let trigger = include_str!("../../src/migrations/0001.postgres.sql");
    let rows: Vec<&str> = include_str!("../data/schema-1.sql")
        .lines()
        .filter(|line| line.starts_with("INSERT INTO"))
        .collect();
    // A key is refused before its operator is there.
    let (keys, others): (Vec<&str>, Vec<&str>) = rows
        .into_iter()
        .partition(|row| row.contains("\"access_keys\""));
    let sql = format!(
        "CREATE TABLE meta (name TEXT COLLATE \"C\" NOT NULL PRIMARY KEY, value TEXT COLLATE \"C\" NOT NULL); \
         {tables}; {trigger}; {} {}",
        others.join("\n"),
        keys.join("\n")
    );
    place.sql(&sql).unwrap();
    run(async {
        let store = place.open().await;
        let stored = store.document("thing", "a").await.unwrap().unwrap();
        let clear = store.unseal("thing", "a", &stored.body).unwrap();
        assert_eq!(clear, json!({ "secret": "s3cret" }));
        links::create(&store, &links::limited(1, Some(1))).await;
        assert!(store.link(&links::id(1)).await.unwrap().is_some());
    });
}

/// Writes a dump for the tests of the schema after this one.
#[test]
#[ignore = "writes tests/data/schema-2.sql, which is to be kept"]
fn write_the_dump_of_this_schema() {
    let place = Place::file();
    let Location::File(path) = &place.location else {
        panic!()
    };
    run(async {
        let store = place.open().await;
        let new = privet_store::NewOperator {
            name: "ada".to_owned(),
            role: privet_store::Role::Admin,
            scope: None,
        };
        let now = Timestamp::from_seconds(1_800_000_000);
        store.create_operator(new, &actor(), now).await.unwrap();
        let mut changed = change("a", json!({ "secret": "s3cret" }));
        changed.secrets.push("/secret".to_owned());
        put(&store, vec![changed]).await.unwrap();
    });
    let dump = std::process::Command::new("python3")
        .args([
            "-c",
            "import sqlite3,sys\nfor l in sqlite3.connect(sys.argv[1]).iterdump(): print(l)",
        ])
        .arg(path)
        .output()
        .unwrap();
    let to = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/schema-2.sql");
    fs::write(to, dump.stdout).unwrap();
}

#[test]
fn a_file_is_its_owners_alone() {
    let place = Place::file();
    let Location::File(path) = &place.location else {
        panic!()
    };
    fs::write(path, "").unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o644)).unwrap();
    run(async {
        let store = place.open().await;
        put(&store, vec![change("a", json!({}))]).await.unwrap();
        for end in ["", "-wal", "-shm"] {
            let file = format!("{}{end}", path.display());
            let mode = fs::metadata(&file).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{file}");
        }
    });
}

#[test]
fn places_that_cannot_be_opened() {
    let open = |location: Location| {
        let key = key();
        run(async { Store::open(StoreOptions { location, key }).await.map(drop) })
    };
    let folder = tempfile::TempDir::new().unwrap();
    let opened = open(Location::File(folder.path().join("none").join("store.db")));
    assert!(matches!(opened, Err(StoreError::File { .. })), "{opened:?}");
    let text = folder.path().join("text");
    fs::write(&text, "not a database, but some text that is long enough").unwrap();
    let opened = open(Location::File(text));
    assert!(
        matches!(opened, Err(StoreError::Damaged { .. })),
        "{opened:?}"
    );
    let url = "postgres://ada:s3cret@127.0.0.1:1/privet";
    let opened = open(Location::Url(PostgresUrl::parse(url).unwrap()));
    assert!(
        matches!(opened, Err(StoreError::Unreachable { .. })),
        "{opened:?}"
    );
}

#[test]
fn urls_are_read_without_showing_the_password() {
    let refused = |url: &str| {
        let parsed = PostgresUrl::parse(url);
        let Err(StoreError::MalformedUrl { problem }) = parsed else {
            panic!("{parsed:?}")
        };
        assert!(!problem.contains("s3cret"), "{problem}");
    };
    refused("");
    refused("mysql://ada:s3cret@db.example/privet");
    refused("postgres://ada:s3cret@db.example/privet?sslmode=s3cret");
    refused("postgres://ada:s3cret@db.example/privet?unknown=1");
    refused("postgres://ada:s3cret@db.example:99999/privet");
    refused("postgres:///privet?user=ada&password=s3cret");

    let shown = |url: &str, expected: &str| {
        let parsed = PostgresUrl::parse(url).unwrap();
        assert_eq!(parsed.to_string(), expected);
        let location = format!("{:?}", Location::Url(parsed));
        assert_eq!(location, format!("Url(PostgresUrl({expected}))"));
    };
    let expected = "postgres://ada@db.example:5433/privet";
    shown("postgres://ada:s3cret%2B+@db.example:5433/privet", expected);
    shown(
        "postgres://ada@db.example:5433/privet?password=s3cret&sslmode=verify-full",
        expected,
    );
    shown(
        "postgresql:///privet?host=/run/postgresql",
        "postgresql:///privet",
    );
    shown(
        "postgres:///privet?host=one.example,two.example&port=5432,5433&user=ada",
        "postgres:///privet",
    );
}
