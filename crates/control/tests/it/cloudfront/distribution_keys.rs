//! Operations on single keys of a distribution: tags, aliases, monitoring.

use super::*;
use serde_json::json;

fn tagging(parameters: &str, id: &str) -> String {
    let arn = format!("arn%3Aaws%3Acloudfront%3A%3A000000000000%3Adistribution%2F{id}");
    format!("/tagging?{parameters}Resource={arn}")
}

#[test]
fn tags_are_those_of_a_distribution_by_its_arn() {
    let fixture = Fixture::new();
    fixture.furnish();
    let client = Client::new(&fixture);
    let tags = |key, value| {
        format!("<Tags><Items><Tag><Key>{key}</Key><Value>{value}</Value></Tag></Items></Tags>")
    };
    let argument = (400, "InvalidArgument");
    client.refused(("GET", "/tagging", ""), argument);
    client.refused(("GET", "/tagging?Resource=E1", ""), argument);
    let other = "/tagging?Resource=arn:aws:cloudfront::111111111111:distribution/E1";
    client.refused(("GET", other, ""), argument);
    client.refused(("GET", &tagging("", "E9"), ""), (404, "NoSuchResource"));
    let tag = |body: &str| client.ask("POST", &tagging("Operation=Tag&", "E1"), body);
    let reserved = tag(&tags("aws:a", "b"));
    assert_eq!((reserved.status, code(&reserved)), (400, "InvalidTagging"));
    let twice = "<Tags><Items><Tag><Key>a</Key></Tag><Tag><Key>a</Key></Tag></Items></Tags>";
    assert_eq!(code(&tag(twice)), "InvalidTagging");
    for (key, value) in [("a", "1"), ("b", "2"), ("a", "3")] {
        let made = tag(&tags(key, value));
        assert_eq!((made.status, made.text.as_str()), (204, ""), "{made:?}");
    }
    let keys = "<TagKeys><Items><Key>b</Key><Key>c</Key></Items></TagKeys>";
    let removed = client.ask("POST", &tagging("Operation=Untag&", "E1"), keys);
    assert_eq!(removed.status, 204, "{removed:?}");
    let list = client.ask("GET", &tagging("", "E1"), "");
    let expected = "<Tag><Key>a</Key><Value>3</Value></Tag>";
    assert_eq!(element(&list.text, "Items"), Some(expected), "{list:?}");
}

#[test]
fn an_alias_moves_in_one_step() {
    let fixture = Fixture::new();
    fixture.furnish();
    let mut other = distribution("E2", "two.example");
    other["aliases"] = json!(["www.example.com", "*.video.example.com"]);
    fixture.put("/v1/distributions", &other);
    let client = Client::new(&fixture);
    let path = |alias| format!("/distribution/E1/associate-alias?Alias={alias}");
    client.refused(("PUT", &path(""), ""), (400, "InvalidArgument"));
    client.refused(("PUT", &path("no_host!"), ""), (400, "InvalidArgument"));
    client.refused(("PUT", &path("two.example"), ""), (400, "InvalidArgument"));
    let absent = "/distribution/E9/associate-alias?Alias=a.example";
    client.refused(("PUT", absent, ""), (404, "NoSuchDistribution"));
    let moved = client.ask("PUT", &path("WWW.example.com"), "");
    assert_eq!((moved.status, moved.text.as_str()), (200, ""), "{moved:?}");
    let aliases = |id: &str| {
        let item = fixture.ask_socket(&Ask::get(&format!("/v1/distributions/{id}")));
        item.json["document"]["aliases"].clone()
    };
    assert_eq!(aliases("E1"), json!(["www.example.com"]));
    assert_eq!(aliases("E2"), json!(["*.video.example.com"]));
    let conflicting = |alias| {
        let path = format!("/conflicting-alias?DistributionId=E1&Alias={alias}");
        client.ask("GET", &path, "")
    };
    let found = conflicting("a.video.example.com");
    assert_eq!(
        element(&found.text, "DistributionId"),
        Some("E2"),
        "{found:?}"
    );
    assert_eq!(element(&found.text, "Quantity"), Some("1"));
    assert_eq!(
        element(&conflicting("b.example.com").text, "Quantity"),
        Some("0")
    );
}

#[test]
fn a_monitoring_subscription_is_a_key_of_its_distribution() {
    let fixture = Fixture::new();
    fixture.furnish();
    let client = Client::new(&fixture);
    let path = "/distributions/E1/monitoring-subscription";
    let body = |status| {
        format!(
            "<MonitoringSubscription><RealtimeMetricsSubscriptionConfig><RealtimeMetricsSubscriptionStatus>{status}\
             </RealtimeMetricsSubscriptionStatus></RealtimeMetricsSubscriptionConfig></MonitoringSubscription>"
        )
    };
    let absent = (404, "NoSuchMonitoringSubscription");
    client.refused(("GET", path, ""), absent);
    client.refused(("DELETE", path, ""), absent);
    let nobody = "/distributions/E9/monitoring-subscription";
    client.refused(("GET", nobody, ""), (404, "NoSuchDistribution"));
    client.refused(("POST", path, &body("On")), (400, "InvalidArgument"));
    client.refused(
        ("POST", path, "<MonitoringSubscription/>"),
        (400, "InvalidArgument"),
    );
    assert_eq!(client.ask("POST", path, &body("Enabled")).status, 200);
    client.refused(
        ("POST", path, &body("Enabled")),
        (409, "MonitoringSubscriptionAlreadyExists"),
    );
    let got = client.ask("GET", path, "");
    assert_eq!(
        element(&got.text, "RealtimeMetricsSubscriptionStatus"),
        Some("Enabled")
    );
    assert_eq!(client.ask("POST", path, &body("Disabled")).status, 200);
    assert_eq!(client.ask("DELETE", path, "").status, 200);
    client.refused(("GET", path, ""), absent);
}

#[test]
fn distributions_are_listed_by_what_they_use() {
    let fixture = Fixture::new();
    fixture.furnish();
    let mut other = distribution("E2", "two.example");
    let disabled = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad";
    other["behaviors"] = json!([{"path_pattern": "/a/*", "origin": "videos", "cache_policy": "Managed-CachingDisabled"}]);
    fixture.put("/v1/distributions", &other);
    let client = Client::new(&fixture);
    let groups = "/distributionsByKeyGroupId";
    let policies = "/distributionsByCachePolicyId";
    client.refused(
        ("GET", &format!("{groups}/nobody"), ""),
        (404, "NoSuchResource"),
    );
    client.refused(
        ("GET", &format!("{policies}/nobody"), ""),
        (404, "NoSuchCachePolicy"),
    );
    let first = client.ask("GET", &format!("{groups}/viewers?MaxItems=1"), "");
    let expected = "<DistributionId>E1</DistributionId>";
    assert_eq!(element(&first.text, "Items"), Some(expected), "{first:?}");
    assert_eq!(element(&first.text, "NextMarker"), Some("E1"));
    let next = client.ask("GET", &format!("{groups}/viewers?Marker=E1"), "");
    assert_eq!(element(&next.text, "DistributionId"), Some("E2"));
    assert_eq!(element(&next.text, "IsTruncated"), Some("false"));
    let by_policy = client.ask("GET", &format!("{policies}/{disabled}"), "");
    assert_eq!(
        element(&by_policy.text, "DistributionId"),
        Some("E2"),
        "{by_policy:?}"
    );
    let quantity = |policy: &str| {
        let list = client.ask("GET", &format!("{policies}/{policy}"), "");
        element(&list.text, "Quantity").map(str::to_owned)
    };
    let unused = "b2884449-e4de-46a7-ac36-70bc7f1ddd6d";
    assert_eq!(quantity(unused).as_deref(), Some("0"));
    // The policy of behaviors that name none, as their configuration shows it.
    let usual = "658327ea-f89d-4fab-a63d-7e88639e58f6";
    assert_eq!(quantity(usual).as_deref(), Some("2"));
}
