//! `privet invalidate`, `invalidations` and `cache`: their refusals and their output.

use crate::cli::Folder;
use crate::support::*;
use serde_json::{Value, json};

const DISTRIBUTION: [&str; 2] = ["--distribution", "EDFDVBD6EXAMPLE"];

fn invalidate(folder: &Folder, arguments: &[&str]) -> crate::cli::Said {
    folder.run(&[&["invalidate"], &DISTRIBUTION[..], arguments].concat())
}

#[test]
fn wrong_usage_is_2() {
    let folder = Folder::new();
    folder
        .run(&["invalidate", "/a"])
        .fails(2, &["--distribution <ID>"]);
    invalidate(&folder, &[]).fails(2, &["<PATH>"]);
    invalidate(&folder, &["a"]).fails(2, &["invalid value 'a'", "does not begin with a slash"]);
    invalidate(&folder, &["talk.mp4"]).fails(2, &["does not begin with a slash: write /talk.mp4"]);
    invalidate(&folder, &["a b"]).fails(2, &["does not begin with a slash\n"]);
    invalidate(&folder, &["/a*b"]).fails(2, &["has a * before its end"]);
    invalidate(&folder, &["--tag", "a,b"]).fails(2, &["invalid value 'a,b'", "has a comma"]);
    invalidate(&folder, &["--config", "c", "--socket", "s", "/a"]).fails(2, &["cannot be used"]);
    let wild: Vec<String> = (0..16).map(|number| format!("/{number}*")).collect();
    let wild: Vec<&str> = wild.iter().map(String::as_str).collect();
    invalidate(&folder, &wild).fails(2, &["error: 16 paths with a wildcard are too many"]);
    let many: Vec<String> = (0..3_001).map(|number| format!("/{number}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    invalidate(&folder, &many).fails(2, &["error: 3001 paths and tags are too many"]);
    folder
        .run(&["invalidations", "../cache"])
        .fails(2, &["an id has only capital letters and digits"]);
    folder
        .run(&["invalidations", "--count", "0"])
        .fails(2, &["invalid value '0'"]);
}

#[test]
fn an_edge_that_is_not_there_is_1() {
    let folder = Folder::new();
    let config = format!(
        "{LISTENERS}\n[[distributions]]\nid = \"E1\"\ndomain_name = \"d.example\"\n\
         origins = [{{ id = \"o\", folder = \".\" }}]\ndefault_behavior = {{ origin = \"o\" }}\n\
         certificate = {{ chain = \"none.pem\", key = \"none.pem\" }}\n"
    );
    invalidate(&folder, &["/a"]).fails(1, &["error: there is no privet.toml"]);
    folder.write("privet.toml", &config);
    invalidate(&folder, &["/a"]).fails(
        1,
        &[
            "error: privet.toml has no admin socket",
            "hint: add socket = \"privet.sock\" to [admin]",
        ],
    );
    folder.write(
        "privet.toml",
        &format!("{config}\n[admin]\nsocket = \"none.sock\"\n"),
    );
    invalidate(&folder, &["/a"])
        .fails(1, &["error: no edge is listening on none.sock: ", "hint: "]);
    invalidate(&folder, &["--socket", "key.pem", "/a"])
        .fails(1, &["no edge is listening on key.pem"]);
    folder.write("privet.toml", "listeners = 1\n");
    folder
        .run(&["cache"])
        .fails(1, &["error: privet.toml:1:", "listeners"]);
}

#[test]
fn a_dry_run_asks_nobody() {
    let folder = Folder::new();
    let said = invalidate(&folder, &["--dry-run", "/a", "/b?c*", "--tag", "spring"]);
    assert_eq!(
        said.ok(),
        "/a  this object, in all its variants\n\
         /b?c*  every object with this prefix\n\
         spring  every object with this tag\n"
    );
    let said = invalidate(&folder, &["--dry-run", "--json", "/a"]).ok();
    assert_eq!(
        serde_json::from_str::<Value>(&said).unwrap(),
        json!({"distribution": "EDFDVBD6EXAMPLE", "paths": ["/a"], "tags": []})
    );
}

#[test]
fn a_running_edge_is_told_and_asked() {
    let folder = Folder::new();
    let socket = folder.path("admin.sock");
    let edge = TestEdge::configured(&format!("{}\n[admin]\nsocket = {socket:?}\n", fixture()));
    // The program runs in another folder than the edge, and finds the socket through its own configuration.
    let (chain, key) = certificate();
    folder.write("chain.pem", chain);
    folder.write("key.pem", key);
    let config = format!("{}\n[admin]\nsocket = \"admin.sock\"\n", fixture());
    folder.write("privet.toml", &config);
    let said = invalidate(&folder, &["/a*", "/b", "--tag", "t"]).ok();
    let (id, status) = said.trim_end().split_once(' ').unwrap();
    assert_eq!((id.len(), status), (14, "Completed"));
    let said = invalidate(&folder, &["--json", "/c"]).ok();
    let json: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(json["paths"], json!(["/c"]));
    let newest = json["id"].as_str().unwrap();
    assert_eq!(
        folder.run(&["invalidations"]).ok(),
        format!(
            "{newest}  Completed  2025-12-29T09:20:00Z  EDFDVBD6EXAMPLE  1 item\n\
             {id}  Completed  2025-12-29T09:20:00Z  EDFDVBD6EXAMPLE  3 items\n"
        )
    );
    assert_eq!(
        folder.run(&["invalidations", id]).ok(),
        format!(
            "{id}  Completed  2025-12-29T09:20:00Z  EDFDVBD6EXAMPLE\n  path /a*\n  path /b\n  tag t\n"
        )
    );
    folder
        .run(&["invalidations", "INONE"])
        .fails(1, &["error: there is no invalidation \"INONE\""]);
    let other = ["invalidate", "--distribution", "EOTHER", "/a"];
    folder
        .run(&other)
        .fails(1, &["error: there is no distribution \"EOTHER\""]);
    let said = folder.run(&["cache"]).ok();
    assert!(said.starts_with("memory    0.0 MiB of "), "{said}");
    assert!(said.contains("\nlookups   0 hits in memory"), "{said}");
    let said = folder.run(&["cache", "--json"]).ok();
    assert_eq!(serde_json::from_str::<Value>(&said).unwrap()["objects"], 0);
    drop(edge);
    invalidate(&folder, &["/a"]).fails(1, &["no edge is listening on admin.sock"]);
}
