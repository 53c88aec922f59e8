//! The tools that tests and benches need: which are missing, and how each is installed.
//!
//! Debian packages are installed with `apt-get` (as root or with sudo), Python packages in a virtual environment and
//! JavaScript packages in a folder, both under `target/test-tools`, at pinned versions.

use crate::command::{self, Outcome, answers, cargo, on_path, output, program, run};
use crate::progress;
use crate::videos;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Version that is built from source if no nextest is installed.
const NEXTEST_VERSION: &str = "0.9.143";

/// A program and the Debian packages that contain it.
pub struct Tool {
    /// Name of the executable.
    pub program: &'static str,
    /// Names of one or more packages, separated by spaces.
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
        program: "s3cmd",
        package: "s3cmd",
    },
    Tool {
        program: "rclone",
        package: "rclone",
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

/// nginx's RTMP module, which is not a program.
const NGINX_RTMP: &str = "/usr/lib/nginx/modules/ngx_rtmp_module.so";

/// JavaScript modules that a lock file pins.
pub struct NodeFolder {
    /// Folder of `package.json` and `package-lock.json`, relative to the repository's root.
    pub source: &'static str,
    /// Folder they are installed in, relative to `target/test-tools`.
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

/// Installs everything that `cargo xtask test` uses. Returns quickly when nothing is missing.
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
    // The tests also run without it, so a failure is only reported.
    if let Err(message) = install_nextest() {
        println!("xtask: no cargo-nextest ({message}); falling back to cargo test");
    }
    Ok(())
}

/// Installs the load generators, and the servers that benches compare Privet with.
pub fn install_for_benches() -> Outcome {
    debian(FOR_TESTS)?;
    debian(FOR_BENCHES)?;
    python_environment()
}

/// Installs moto, whose server CloudFront's API and the S3 endpoint are compared with, in a Python environment of its
/// own; returns the server's program.
pub fn install_moto() -> Outcome<PathBuf> {
    let place = folder().join("moto");
    let list = command::root().join("tests-peers/cloudfront/moto-requirements.txt");
    let stamp_file = place.join("installed.txt");
    if !is_current(&stamp_file, &list) {
        let name = "making the Python environment of moto in target/test-tools";
        progress::step(name, "", || install_python(&place, &list))?;
        stamp(&stamp_file, &list)?;
    }
    Ok(place.join("bin/moto_server"))
}

/// Installs what `install_for_benches` does, and the tools that make long videos and pin servers to CPUs.
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

/// Returns the path of nginx's RTMP module; `None` when it is missing.
pub fn nginx_rtmp() -> Option<&'static Path> {
    Some(Path::new(NGINX_RTMP)).filter(|module| module.is_file())
}

/// Describes what is missing for the tests; empty when everything is there.
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

/// Returns true if `cargo nextest` works here.
pub fn has_nextest() -> bool {
    answers(cargo().args(["nextest", "--version"]))
}

/// Installs what the suite for HTTP caches needs; returns its folder.
pub fn install_cache_tests() -> Outcome<PathBuf> {
    debian(FOR_TESTS)?;
    CACHE_TESTS.install()?;
    Ok(CACHE_TESTS.place().join("node_modules/http-cache-tests"))
}

/// Returns true if the programs of the S3 gateway are installed.
pub fn has_s3_gateway() -> bool {
    ["ceph-mon", "ceph-osd", "ceph", "radosgw", "setpriv"]
        .iter()
        .all(|program| on_path(program))
}

/// Returns the path of a program in the Python environment.
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

/// Returns the folder of everything that does not come from Debian.
pub fn folder() -> PathBuf {
    command::target().join("test-tools")
}

/// Installs packages one by one, so that the user sees the progress and a failure names its package.
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
    install_python(&folder().join("python"), &requirements())?;
    stamp(&python_stamp(), &requirements())
}

/// Makes a Python environment with the packages of a list.
fn install_python(place: &Path, list: &Path) -> Outcome {
    create_venv(place)?;
    let mut install = Command::new(place.join("bin/python3"));
    install.args([
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--requirement",
    ]);
    run(install.arg(list))
}

/// Creates the environment. Debian's python3 comes without `venv`, which is installed after the first failure.
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

/// Writes a stamp: a copy of the package list that was installed, so that a changed list is installed again.
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
