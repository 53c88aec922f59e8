//! The tools that tests and benches need: which are missing, and how each is installed.
//!
//! Debian packages come by `apt-get` (as root or with sudo), Python ones into a virtual environment
//! and JavaScript ones into a folder, both under `target/test-tools`, at pinned versions.

use crate::command::{self, Outcome, answers, cargo, on_path, output, program, run};
use crate::progress;
use crate::videos;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Built from source only where no nextest is installed.
const NEXTEST_VERSION: &str = "0.9.143";

/// A program and the Debian packages that bring it.
pub struct Tool {
    /// What is started.
    pub program: &'static str,
    /// One or several, between blanks.
    pub package: &'static str,
}

const FOR_TESTS: &[Tool] = &[
    Tool {
        program: "cc",
        package: "gcc libc6-dev",
    },
    Tool {
        program: "make",
        package: "make",
    },
    Tool {
        program: "openssl",
        package: "openssl",
    },
    Tool {
        program: "curl",
        package: "curl",
    },
    Tool {
        program: "nginx",
        package: "nginx",
    },
    Tool {
        program: "caddy",
        package: "caddy",
    },
    Tool {
        program: "haproxy",
        package: "haproxy",
    },
    Tool {
        program: "lighttpd",
        package: "lighttpd",
    },
    Tool {
        program: "h2o",
        package: "h2o",
    },
    Tool {
        program: "java",
        package: "default-jre-headless",
    },
    Tool {
        program: "/usr/share/tomcat10/bin/bootstrap.jar",
        package: "tomcat10-common",
    },
    Tool {
        program: "python3",
        package: "python3 python3-venv",
    },
    Tool {
        program: "node",
        package: "nodejs",
    },
    Tool {
        program: "npm",
        package: "npm",
    },
    Tool {
        program: "setpriv",
        package: "util-linux",
    },
    Tool {
        program: "ceph-mon",
        package: "ceph-mon",
    },
    Tool {
        program: "ceph-osd",
        package: "ceph-osd",
    },
    Tool {
        program: "ceph",
        package: "ceph-common",
    },
    Tool {
        program: "radosgw",
        package: "radosgw",
    },
];

const FOR_BENCHES: &[Tool] = &[
    Tool {
        program: "wrk",
        package: "wrk",
    },
    Tool {
        program: "h2load",
        package: "nghttp2-client",
    },
    Tool {
        program: "varnishd",
        package: "varnish",
    },
    Tool {
        program: "traffic_server",
        package: "trafficserver",
    },
];

const FOR_VIDEOS: &[Tool] = &[
    Tool {
        program: "ffmpeg",
        package: "ffmpeg",
    },
    Tool {
        program: "taskset",
        package: "util-linux",
    },
];

/// nginx's module for RTMP, which is no program.
const NGINX_RTMP: &str = "/usr/lib/nginx/modules/ngx_rtmp_module.so";

/// JavaScript modules that a lock file pins.
pub struct NodeFolder {
    /// Where `package.json` and `package-lock.json` are, from the repository's root.
    pub source: &'static str,
    /// Where they are installed, from `target/test-tools`.
    pub place: &'static str,
}

const SIGNER: NodeFolder = NodeFolder {
    source: "tests-peers/node",
    place: "node",
};

const CACHE_TESTS: NodeFolder = NodeFolder {
    source: "tests-peers/cache-tests",
    place: "cache-tests",
};

/// Installs everything that `cargo xtask test` uses. Quick when nothing is missing.
pub fn install_for_tests() -> Outcome {
    debian(FOR_TESTS)?;
    debian(videos::TOOLS)?;
    python_environment()?;
    SIGNER.install()?;
    CACHE_TESTS.install()?;
    videos::PLAYERS.install()?;
    if has_nextest() {
        return Ok(());
    }
    // Tests run without it too, so a failure here is a remark.
    if let Err(message) = install_nextest() {
        println!("xtask: no cargo-nextest ({message}); falling back to cargo test");
    }
    Ok(())
}

/// Installs the load generators and servers that benches put beside Privet.
pub fn install_for_benches() -> Outcome {
    debian(FOR_TESTS)?;
    debian(FOR_BENCHES)?;
    python_environment()
}

/// As `install_for_benches`, and what makes long videos and pins servers.
pub fn install_for_video_benches() -> Outcome {
    install_for_benches()?;
    debian(FOR_VIDEOS)?;
    if nginx_rtmp().is_none() {
        apt_get(&[
            "install",
            "-y",
            "-qq",
            "--no-install-recommends",
            "libnginx-mod-rtmp",
        ])?;
    }
    Ok(())
}

/// Where nginx's module for RTMP is; `None` when it is missing.
pub fn nginx_rtmp() -> Option<&'static Path> {
    Some(Path::new(NGINX_RTMP)).filter(|module| module.is_file())
}

/// What is missing for the tests, in words; empty when all is there.
pub fn missing_for_tests() -> Vec<String> {
    let programs = FOR_TESTS.iter().chain(videos::TOOLS);
    let programs = programs.filter(|tool| !on_path(tool.program));
    let mut missing: Vec<String> = programs.map(|tool| tool.program.to_owned()).collect();
    if !is_current(&python_stamp(), &requirements()) {
        missing.push("the Python environment".to_owned());
    }
    for modules in [&SIGNER, &CACHE_TESTS, &videos::PLAYERS] {
        if !is_current(&modules.stamp(), &modules.lock()) {
            missing.push(format!("the JavaScript modules of {}", modules.source));
        }
    }
    missing
}

/// True when `cargo nextest` works here.
pub fn has_nextest() -> bool {
    answers(cargo().args(["nextest", "--version"]))
}

/// What the suite for HTTP caches needs, and its folder.
pub fn install_cache_tests() -> Outcome<PathBuf> {
    debian(FOR_TESTS)?;
    CACHE_TESTS.install()?;
    Ok(CACHE_TESTS.place().join("node_modules/http-cache-tests"))
}

/// True when the programs of the S3 gateway are here.
pub fn has_s3_gateway() -> bool {
    ["ceph-mon", "ceph-osd", "ceph", "radosgw", "setpriv"]
        .iter()
        .all(|program| on_path(program))
}

/// A program of the Python environment.
pub fn python(name: &str) -> PathBuf {
    folder().join("python/bin").join(name)
}

/// Tells a child process where the real signers and players are (see tests-peers/README.md).
pub fn point_at_peers(command: &mut Command) {
    command.env("PRIVET_TEST_PYTHON", python("python3"));
    command.env(
        "PRIVET_TEST_NODE_MODULES",
        folder().join("node/node_modules"),
    );
    command.env("PRIVET_TEST_OPENSSL", "openssl");
    videos::point_at(command);
}

/// Where everything is that does not come from Debian.
pub fn folder() -> PathBuf {
    command::target().join("test-tools")
}

/// One after the other, so that whoever waits sees which, and a failure names its package.
fn debian(tools: &[Tool]) -> Outcome {
    let missing: Vec<&Tool> = tools.iter().filter(|tool| !on_path(tool.program)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let packages: Vec<&str> = missing.iter().map(|tool| tool.package).collect();
    install_packages(&packages).map_err(|message| {
        format!(
            "{message}; install these by hand and run again: {}",
            packages.join(" ")
        )
    })
}

fn install_packages(packages: &[&str]) -> Outcome {
    progress::step("reading Debian's lists of packages", "", || {
        apt_get(&["update", "-qq"])
    })?;
    for (index, package) in packages.iter().enumerate() {
        let at = format!("{} of {}", index + 1, packages.len());
        progress::step(&format!("installing {package}"), &at, || {
            let mut arguments = vec!["install", "-y", "-qq", "--no-install-recommends"];
            arguments.extend(package.split_whitespace());
            apt_get(&arguments)
        })?;
    }
    Ok(())
}

fn apt_get(arguments: &[&str]) -> Outcome {
    if !on_path("apt-get") {
        return Err("there is no apt-get here".to_owned());
    }
    let is_root = output(&mut program("id", &["-u"])).is_ok_and(|id| id.trim() == "0");
    let mut command = if is_root {
        program("apt-get", arguments)
    } else {
        let mut command = program("sudo", &["DEBIAN_FRONTEND=noninteractive", "apt-get"]);
        command.args(arguments);
        command
    };
    run(command.env("DEBIAN_FRONTEND", "noninteractive"))
}

fn python_environment() -> Outcome {
    if is_current(&python_stamp(), &requirements()) {
        return Ok(());
    }
    progress::step(
        "making the Python environment in target/test-tools",
        "",
        make_python_environment,
    )
}

fn make_python_environment() -> Outcome {
    let place = folder().join("python");
    create_venv(&place)?;
    let mut install = Command::new(python("python3"));
    install.args([
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--requirement",
    ]);
    run(install.arg(requirements()))?;
    stamp(&python_stamp(), &requirements())
}

/// Debian's python3 comes without `venv`; it is added on the first failure.
fn create_venv(place: &Path) -> Outcome {
    let create = || {
        output(
            Command::new("python3")
                .args(["-m", "venv", "--clear"])
                .arg(place),
        )
        .map(|_| ())
    };
    create().or_else(|_| {
        apt_get(&["update", "-qq"])?;
        apt_get(&[
            "install",
            "-y",
            "-qq",
            "--no-install-recommends",
            "python3-venv",
        ])?;
        create()
    })
}

impl NodeFolder {
    fn install(&self) -> Outcome {
        if is_current(&self.stamp(), &self.lock()) {
            return Ok(());
        }
        let name = format!("installing the JavaScript modules of {}", self.source);
        progress::step(&name, "", || self.install_anew())
    }

    fn install_anew(&self) -> Outcome {
        let place = self.place();
        fs::create_dir_all(&place)
            .map_err(|error| format!("cannot make {}: {error}", place.display()))?;
        for name in ["package.json", "package-lock.json"] {
            copy(&self.source().join(name), &place.join(name))?;
        }
        let mut install = Command::new("npm");
        install
            .args(["ci", "--no-audit", "--no-fund", "--loglevel=error"])
            .current_dir(&place);
        run(&mut install)?;
        stamp(&self.stamp(), &self.lock())
    }

    fn source(&self) -> PathBuf {
        command::root().join(self.source)
    }

    fn place(&self) -> PathBuf {
        folder().join(self.place)
    }

    fn lock(&self) -> PathBuf {
        self.source().join("package-lock.json")
    }

    fn stamp(&self) -> PathBuf {
        self.place().join("installed.json")
    }
}

fn install_nextest() -> Outcome {
    let name = format!("building cargo-nextest {NEXTEST_VERSION}, once");
    progress::step(&name, "", || {
        run(cargo().args([
            "install",
            "--locked",
            "--version",
            NEXTEST_VERSION,
            "cargo-nextest",
        ]))
    })
}

fn requirements() -> PathBuf {
    command::root().join("tests-peers/requirements.txt")
}

fn python_stamp() -> PathBuf {
    folder().join("python/installed.txt")
}

/// A stamp is a copy of the list that was installed: a changed list is installed again.
fn stamp(stamp: &Path, list: &Path) -> Outcome {
    copy(list, stamp)
}

fn is_current(stamp: &Path, list: &Path) -> bool {
    match (fs::read(stamp), fs::read(list)) {
        (Ok(installed), Ok(wanted)) => installed == wanted,
        (Err(_), _) | (_, Err(_)) => false,
    }
}

fn copy(from: &Path, to: &Path) -> Outcome {
    let copied = fs::copy(from, to);
    copied
        .map(|_| ())
        .map_err(|error| format!("cannot copy {}: {error}", from.display()))
}
