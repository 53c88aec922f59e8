//! Public keys, key groups, origin access identities and controls, from creation to deletion.

use super::*;

#[test]
fn what_is_not_there_or_was_changed_is_refused_in_one_order() {
    let fixture = Fixture::new();
    let client = Client::new(&fixture);
    let (id, etag) = client.create("/public-key", &public_key("r", "n", PUBLIC_KEY));
    for (path, absent) in [
        ("/public-key", "NoSuchPublicKey"),
        ("/key-group", "NoSuchResource"),
        ("/cache-policy", "NoSuchCachePolicy"),
        ("/origin-request-policy", "NoSuchOriginRequestPolicy"),
        ("/response-headers-policy", "NoSuchResponseHeadersPolicy"),
        ("/origin-access-control", "NoSuchOriginAccessControl"),
        (
            "/origin-access-identity/cloudfront",
            "NoSuchCloudFrontOriginAccessIdentity",
        ),
    ] {
        let nobody = format!("{path}/nobody");
        client.refused(("GET", &nobody, ""), (404, absent));
        client.refused(("GET", &format!("{nobody}/config"), ""), (404, absent));
        // The condition is asked for before the item is looked for.
        client.refused(("DELETE", &nobody, ""), (400, "InvalidIfMatchVersion"));
        let answer = client.ask_with("DELETE", &nobody, "E1", "");
        assert_eq!((answer.status, code(&answer)), (404, absent));
    }
    let path = format!("/public-key/{id}");
    let delete = |etag: &str| client.ask_with("DELETE", &path, etag, "");
    let empty = delete("");
    assert_eq!((empty.status, code(&empty)), (400, "InvalidIfMatchVersion"));
    let stale = delete("E2QWRUHEXAMPLE");
    assert_eq!((stale.status, code(&stale)), (412, "PreconditionFailed"));
    let deleted = delete(&format!("\"{etag}\""));
    assert_eq!((deleted.status, deleted.text.as_str()), (204, ""));
    client.refused(("GET", &path, ""), (404, "NoSuchPublicKey"));
}

#[test]
fn a_public_key_is_kept_as_it_was_sent() {
    let fixture = Fixture::new();
    let client = Client::new(&fixture);
    client.refused(
        ("POST", "/public-key", &public_key("r", "n", "no key")),
        (400, "InvalidArgument"),
    );
    let body = public_key("r", "n", PUBLIC_KEY);
    let (id, etag) = client.create("/public-key", &body);
    assert!(id.starts_with('K') && id.len() == 14, "{id}");
    let got = client.ask("GET", &format!("/public-key/{id}"), "");
    assert!(PUBLIC_KEY.ends_with('\n'));
    assert_eq!(element(&got.text, "EncodedKey"), Some(PUBLIC_KEY));
    assert_eq!(
        element(&got.text, "CreatedTime"),
        Some("2030-01-01T00:00:00Z")
    );
    assert_eq!(super::etag(&got), etag);
    let config = client.ask("GET", &format!("/public-key/{id}/config"), "");
    assert!(
        config.text.contains(
            "<PublicKeyConfig xmlns=\"http://cloudfront.amazonaws.com/doc/2020-05-31/\">"
        ),
        "{config:?}"
    );
    // The version of the path is that of the answer.
    let older = client.send(Ask::get(&format!("/2017-10-30/public-key/{id}")));
    assert!(older.text.contains("doc/2017-10-30/"), "{older:?}");

    let exists = (409, "PublicKeyAlreadyExists");
    client.refused(("POST", "/public-key", &body), exists);
    client.refused(
        ("POST", "/public-key", &public_key("r2", "n", PUBLIC_KEY)),
        exists,
    );
    client.refused(
        ("POST", "/public-key", &public_key("r", "n2", PUBLIC_KEY)),
        exists,
    );

    let path = format!("/public-key/{id}/config");
    let put = |body: &str| client.ask_with("PUT", &path, &etag, body);
    let changed = put(&public_key("r", "n", OTHER_PUBLIC_KEY));
    assert_eq!(
        (changed.status, code(&changed)),
        (400, "CannotChangeImmutablePublicKeyFields")
    );
    let commented = put(&body.replace("<Comment>c<", "<Comment>&lt;d&gt;<"));
    assert_eq!(commented.status, 200, "{commented:?}");
    assert_eq!(element(&commented.text, "Comment"), Some("&lt;d&gt;"));
    assert_ne!(super::etag(&commented), etag);
    let list = client.ask("GET", "/public-key", "");
    assert_eq!(element(&list.text, "Quantity"), Some("1"));
    assert!(
        !list.text.contains("IsTruncated") && !list.text.contains("NextMarker"),
        "{list:?}"
    );
}

#[test]
fn a_public_key_in_a_file_is_shown_with_its_text() {
    let fixture = Fixture::new();
    let client = Client::new(&fixture);
    let file = fixture.folder.path().join("key.pem");
    std::fs::write(&file, PUBLIC_KEY).unwrap();
    let key = serde_json::json!({ "id": "KF", "file": "key.pem" });
    fixture.put("/v1/keys", &key);
    let shown = |path: &str| client.ask("GET", path, "").text;
    for path in ["/public-key/KF", "/public-key/KF/config", "/public-key"] {
        let text = shown(path);
        assert_eq!(element(&text, "EncodedKey"), Some(PUBLIC_KEY), "{path}");
    }
    // An update keeps the file, and needs the text that is shown.
    let got = client.ask("GET", "/public-key/KF/config", "");
    let config = got
        .text
        .replace("<Comment></Comment>", "<Comment>new</Comment>");
    assert_ne!(config, got.text);
    let updated = client.ask_with("PUT", "/public-key/KF/config", etag(&got), &config);
    assert_eq!(updated.status, 200, "{updated:?}");
    let item = fixture.ask_socket(&Ask::get("/v1/keys/KF"));
    let expected = serde_json::json!({ "id": "KF", "file": "key.pem", "comment": "new" });
    assert_eq!(item.json["document"], expected);
    // A private key is not shown, and a list is not lost for a file.
    let secret = include_str!("../../../../sign/tests/keys/rsa2048.pem");
    std::fs::write(&file, secret).unwrap();
    let text = shown("/public-key");
    let reason = element(&text, "EncodedKey").unwrap();
    assert!(
        reason.starts_with("(no key can be read from the file: "),
        "{reason}"
    );
    std::fs::remove_file(&file).unwrap();
    let text = shown("/public-key/KF");
    let reason = element(&text, "EncodedKey").unwrap();
    assert!(reason.ends_with("(os error 2))"), "{reason}");
}

#[test]
fn a_key_group_needs_keys_that_are_there_and_keeps_them() {
    let fixture = Fixture::new();
    let client = Client::new(&fixture);
    let argument = (400, "InvalidArgument");
    client.refused(("POST", "/key-group", &key_group("g", &["K9"])), argument);
    let too_many = (400, "TooManyPublicKeysInKeyGroup");
    client.refused(
        ("POST", "/key-group", &key_group("g", &["K9"; 6])),
        too_many,
    );
    let (key, key_etag) = client.create("/public-key", &public_key("r", "n", PUBLIC_KEY));
    let (id, etag) = client.create("/key-group", &key_group("g", &[&key]));
    assert!(id.len() == 36 && id.matches('-').count() == 4, "{id}");
    let exists = (409, "KeyGroupAlreadyExists");
    client.refused(("POST", "/key-group", &key_group("g", &[&key])), exists);
    let in_use = client.ask_with("DELETE", &format!("/public-key/{key}"), &key_etag, "");
    assert_eq!((in_use.status, code(&in_use)), (409, "PublicKeyInUse"));
    // A group is updated at its own path, without /config.
    let path = format!("/key-group/{id}");
    let updated = client.ask_with("PUT", &path, &etag, &key_group("renamed", &[&key]));
    assert_eq!(updated.status, 200, "{updated:?}");
    assert_eq!(element(&updated.text, "Name"), Some("renamed"));
    let list = client.ask("GET", "/key-group", "");
    let group = element(&list.text, "KeyGroup").unwrap();
    assert_eq!(element(group, "Id"), Some(id.as_str()));
    let etag = super::etag(&updated);
    assert_eq!(client.ask_with("DELETE", &path, etag, "").status, 204);
}

#[test]
fn lists_go_on_behind_a_marker() {
    let fixture = Fixture::new();
    let client = Client::new(&fixture);
    let identity = |number| {
        format!(
            "<CloudFrontOriginAccessIdentityConfig><CallerReference>r{number}</CallerReference><Comment/>\
             </CloudFrontOriginAccessIdentityConfig>"
        )
    };
    let path = "/origin-access-identity/cloudfront";
    let mut ids: Vec<String> = (0..3)
        .map(|number| client.create(path, &identity(number)).0)
        .collect();
    ids.sort();
    let first = client.ask("GET", &format!("{path}?MaxItems=2"), "");
    assert_eq!(
        element(&first.text, "IsTruncated"),
        Some("true"),
        "{first:?}"
    );
    assert_eq!(element(&first.text, "Quantity"), Some("2"));
    assert_eq!(element(&first.text, "NextMarker"), Some(ids[1].as_str()));
    let next = client.ask("GET", &format!("{path}?MaxItems=2&Marker={}", ids[1]), "");
    assert_eq!(element(&next.text, "IsTruncated"), Some("false"));
    assert_eq!(element(&next.text, "Id"), Some(ids[2].as_str()));
    assert_eq!(element(&next.text, "Marker"), Some(ids[1].as_str()));
    let last = client.ask("GET", &format!("{path}?Marker={}", ids[2]), "");
    assert_eq!(element(&last.text, "Quantity"), Some("0"));
    assert!(!last.text.contains("<Items>"), "{last:?}");
}

#[test]
fn an_identity_that_is_created_twice_is_one() {
    let fixture = Fixture::new();
    let client = Client::new(&fixture);
    let identity = |reference, comment| {
        format!(
            "<CloudFrontOriginAccessIdentityConfig><CallerReference>{reference}</CallerReference>\
             <Comment>{comment}</Comment></CloudFrontOriginAccessIdentityConfig>"
        )
    };
    let path = "/origin-access-identity/cloudfront";
    let (id, etag) = client.create(path, &identity("r", "c"));
    assert_eq!(
        client.create(path, &identity("r", "c")),
        (id.clone(), etag.clone())
    );
    let exists = (409, "CloudFrontOriginAccessIdentityAlreadyExists");
    client.refused(("POST", path, &identity("r", "d")), exists);
    let got = client.ask("GET", &format!("{path}/{id}"), "");
    assert_eq!(element(&got.text, "S3CanonicalUserId").unwrap().len(), 96);
    let put = |body: &str| client.ask_with("PUT", &format!("{path}/{id}/config"), &etag, body);
    let other = put(&identity("s", "c"));
    assert_eq!((other.status, code(&other)), (400, "IllegalUpdate"));
    assert_eq!(put(&identity("r", "d")).status, 200);
}

#[test]
fn an_access_control_keeps_its_keys_through_an_update() {
    let fixture = Fixture::new();
    let client = Client::new(&fixture);
    let control = |name, kind, behavior| {
        format!(
            "<OriginAccessControlConfig><Name>{name}</Name><Description>d</Description>\
             <SigningProtocol>sigv4</SigningProtocol><SigningBehavior>{behavior}</SigningBehavior>\
             <OriginAccessControlOriginType>{kind}</OriginAccessControlOriginType></OriginAccessControlConfig>"
        )
    };
    let path = "/origin-access-control";
    let argument = (400, "InvalidArgument");
    client.refused(("POST", path, &control("n", "lambda", "always")), argument);
    client.refused(
        ("POST", path, &control("n", "s3", "always-amz-auth")),
        argument,
    );
    client.refused(("POST", path, &control("n", "s3", "sometimes")), argument);
    let (id, _) = client.create(path, &control("n", "s3", "always"));
    let exists = (409, "OriginAccessControlAlreadyExists");
    client.refused(("POST", path, &control("n", "s3", "never")), exists);
    let v1 = format!("/v1/origin-access-controls/{id}");
    let item = fixture.ask_socket(&Ask::get(&v1));
    let mut document = item.json["document"].clone();
    document["access_key_id"] = "AK".into();
    document["secret_access_key"] = "SK".into();
    let etag = item.json["etag"].as_str().unwrap();
    let ask = Ask::new("PUT", &v1)
        .json(&document)
        .header("if-match", etag);
    let etag = fixture.ask_socket(&ask).json["etag"]
        .as_str()
        .unwrap()
        .to_owned();
    let body = control("n", "s3", "no-override");
    let updated = client.ask_with("PUT", &format!("{path}/{id}/config"), &etag, &body);
    assert_eq!(updated.status, 200, "{updated:?}");
    assert!(!updated.text.contains("AK"), "{updated:?}");
    let item = fixture.ask_socket(&Ask::get(&v1));
    assert_eq!(item.json["document"]["access_key_id"], "AK");
    assert_eq!(item.json["document"]["signing"], "no-override");
}
