//! Servers that read paths in their own ways, behind an edge: random spellings open nothing there.

use crate::spellings::{Dice, spelling};
use crate::support::*;
use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command};
use tempfile::TempDir;

/// Number of spellings per server and host.
const SPELLINGS: usize = 1_500;

/// A server of another project with a folder of files; dropping it stops it.
struct Server {
    process: Child,
    address: SocketAddr,
    /// Folder that is removed together with the server.
    _folder: TempDir,
}

impl Server {
    /// Starts a server; `command` gets the folder and a free port.
    fn start(command: impl Fn(&Path, u16) -> Command) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in FILES {
            let file = folder.path().join("files").join(name);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, text).unwrap();
        }
        // Another process may take the free port first.
        let started = (0..3).find_map(|_| {
            let free = TcpListener::bind("127.0.0.1:0").unwrap();
            let address = free.local_addr().unwrap();
            drop(free);
            let process = listening(&command(folder.path(), address.port()), address)?;
            Some((process, address))
        });
        let (process, address) =
            started.expect("`cargo xtask tools` installs what is started here");
        Server {
            process,
            address,
            _folder: folder,
        }
    }

    /// Returns the server's own response for a path.
    fn fetch(&self, path: &str) -> String {
        let mut viewer = Viewer::plain(self.address, None);
        viewer.send(&Ask::get(format!("http://origin.example{path}")).bytes());
        let (_, body) = viewer.framed_answer();
        String::from_utf8_lossy(&body.whole()).into_owned()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

const FILES: [(&str, &str); 9] = [
    ("video.mp4", "THE-VIDEO"),
    ("public/s.txt", "everybody's"),
    ("private/s.txt", "TOP-SECRET"),
    ("private/vip/v.txt", "TOP-SECRET"),
    ("private/a.jpg", "the picture"),
    ("alice/s.txt", "alice's"),
    ("bob/b.txt", "TOP-SECRET"),
    ("tenant1/s.txt", "everybody's"),
    ("tenant2/s.txt", "TOP-SECRET"),
];

/// Starts an edge in front of the server: hosts with an open folder, with a restricted one, and below an origin path.
fn before(server: &Server) -> TestEdge {
    let origin = format!("url = \"http://{}\"", server.address);
    let distribution = |id: &str, host: &str, behaviors: &str, path: &str| {
        format!(
            "[[distributions]]\nid = {id:?}\ndomain_name = {host:?}\n\
             certificate = {{ chain = \"chain.pem\", key = \"key.pem\" }}\n{behaviors}\n\
             [[distributions.origins]]\nid = \"peer\"\n{origin}\norigin_path = {path:?}\n"
        )
    };
    let open_folder = "behaviors = [{ path_pattern = \"/public/*\", origin = \"peer\" }]\n\
         default_behavior = { origin = \"peer\", trusted_key_groups = [\"viewers\"] }";
    let private_folders = "behaviors = [\n\
         { path_pattern = \"/private/*\", origin = \"peer\", trusted_key_groups = [\"viewers\"] },\n\
         { path_pattern = \"/bob/*\", origin = \"peer\", trusted_key_groups = [\"viewers\"] },\n\
         { path_pattern = \"/tenant2/*\", origin = \"peer\", trusted_key_groups = [\"viewers\"] }]\n\
         default_behavior = { origin = \"peer\" }";
    // Patterns that name videos and pictures by their extensions.
    let endings = private_folders.replace(
        "behaviors = [",
        "behaviors = [{ path_pattern = \"*.mp4\", origin = \"peer\", trusted_key_groups = [\"viewers\"] },\n\
         { path_pattern = \"*.jpg\", origin = \"peer\" },",
    );
    let open = "default_behavior = { origin = \"peer\" }";
    TestEdge::configured(
        &[
            LISTENERS.to_owned(),
            KEYS.to_owned(),
            distribution("E1", HOST, open_folder, ""),
            distribution("E2", "b.test", private_folders, ""),
            distribution("E3", "t.test", open, "/tenant1"),
            distribution("E4", "e.test", &endings, ""),
        ]
        .concat(),
    )
}

/// Tries random spellings, and those known to make the server open what is restricted.
fn check(server: &Server, known: &[&str]) {
    for path in known {
        let direct = server.fetch(path);
        let is_read = direct.contains("TOP-SECRET") || direct.contains("THE-VIDEO");
        assert!(is_read, "{path}: {direct}");
    }
    let edge = before(server);
    let alice = policy_cookies(RSA, &policy(&url("/alice/*")));
    let jpgs = policy_cookies(RSA, &policy(&url("/private/*.jpg")));
    let viewers = [
        (HOST, None),
        ("b.test", None),
        ("t.test", None),
        ("e.test", None),
        (HOST, Some(&alice)),
        (HOST, Some(&jpgs)),
    ];
    let mut path = String::new();
    let mut served = 0;
    for (seed, (host, cookies)) in (1..).zip(viewers) {
        let mut viewer = edge.plain();
        let mut dice = Dice::new(seed);
        for turn in 0..SPELLINGS + known.len() {
            match known.get(turn) {
                Some(known) => path = (*known).to_owned(),
                None => spelling(&mut dice, &mut path),
            }
            let mut ask = Ask::get(format!("http://{host}{path}"));
            if let Some(cookies) = cookies {
                ask = ask.header("Cookie", cookies.as_str());
            }
            viewer.send(&ask.bytes());
            let (answer, body) = viewer.framed_answer();
            let body = String::from_utf8_lossy(&body.whole()).into_owned();
            assert!(!body.contains("TOP-SECRET"), "{host}{path}");
            assert!(
                host != "e.test" || !body.contains("THE-VIDEO"),
                "{host}{path}"
            );
            served += usize::from(answer.status() == 200);
            if answer.header("Connection") == Some("close") {
                viewer = edge.plain();
            }
        }
    }
    assert!(served > 0, "nothing was served at all");
}

fn script(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../tests-peers/origins")
        .join(name)
}

#[test]
fn f1_node_opens_nothing_by_a_spelling() {
    let server = Server::start(|folder, port| {
        let mut command = Command::new("node");
        command
            .arg(script("paths_node.mjs"))
            .arg(folder.join("files"));
        command.arg(port.to_string());
        command
    });
    check(
        &server,
        &[
            "/public/x%2fy/../../private/s.txt",
            "/alice/x%2fy/../../bob/b.txt",
            "/public\\..\\private\\s.txt",
            "/public/%2e%2e/private/s.txt",
        ],
    );
}

#[test]
fn f1_tomcat_opens_nothing_by_a_spelling() {
    let server = Server::start(|folder, port| {
        let mut command = Command::new(script("paths_tomcat.sh"));
        command.arg(folder).arg(port.to_string());
        command
    });
    check(
        &server,
        &[
            "/public/..;%2fpublic/private/s.txt",
            "/alice/..;%2falice/bob/b.txt",
            "/private/s.txt;.jpg",
            "/private/s.txt;x=y.jpg",
            "/public/..;/private/s.txt",
        ],
    );
}

#[test]
fn f1_h2o_opens_nothing_by_a_spelling() {
    let server = Server::start(|folder, port| {
        let mut command = Command::new(script("paths_h2o.sh"));
        command.arg(folder).arg(port.to_string());
        command
    });
    check(
        &server,
        &[
            "//private//../vip/v.txt",
            "/x/..//private//../vip/v.txt",
            "/public/%2e%2e/private/s.txt",
        ],
    );
}

#[test]
fn f1_lighttpd_opens_nothing_by_path_info() {
    let server = Server::start(|folder, port| {
        let mut command = Command::new(script("paths_lighttpd.sh"));
        command.arg(folder).arg(port.to_string());
        command
    });
    check(
        &server,
        &[
            "/video.mp4/",
            "/video.mp4/x.jpg",
            "/private/s.txt/x.jpg",
            "/private/s.txt/",
            "/public/%2e%2e/private/s.txt",
        ],
    );
}
