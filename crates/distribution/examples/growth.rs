use privet_distribution::config::*;
use std::path::Path;
use std::time::Instant;
fn rss() -> f64 {
    let s = std::fs::read_to_string("/proc/self/statm").unwrap();
    s.split(' ').nth(1).unwrap().parse::<f64>().unwrap() * 4096.0 / 1e6
}
fn main() {
    let n = 100_000usize;
    let key = "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEAzCNIdtFBGcNjQJwsdJKtuwdRyoq\nkKKAGMdlY8kNMlBHGyYG8GjX7dOliy6JxUVkkM5ubl+YQliVr7GASLer8w==\n-----END PUBLIC KEY-----\n";
    let base = vec![
        (
            ServiceKind::PublicKey,
            serde_json::json!({"id":"K1","pem":key}).to_string(),
        ),
        (
            ServiceKind::KeyGroup,
            r#"{"id":"bench","public_keys":["K1"]}"#.to_string(),
        ),
    ];
    let text = |i: usize, o: &str| {
        format!(
            r#"{{"id":"EBENCH{i:07}","domain_name":"d{i}.cloudfront.net","aliases":["videos{i}.example.com"],"origins":[{{"id":"files","url":"http://127.0.0.1:{o}"}}],"default_behavior":{{"origin":"files","trusted_key_groups":["bench"]}}}}"#
        )
    };
    let texts: Vec<String> = (0..n).map(|i| text(i, "8080")).collect();
    let mut nofile =
        |_: &Path| -> std::io::Result<Vec<u8>> { Err(std::io::ErrorKind::NotFound.into()) };
    let m0 = rss();
    let t = Instant::now();
    let node = read_toml(
        "[[listeners]]\naddress='127.0.0.1:1'\n[store]\nfile='x'\n",
        Path::new("/p"),
    )
    .unwrap()
    .0
    .node;
    let mut s = Snapshot::build(
        Document {
            node,
            service: ServiceDocument::default(),
        },
        &Places::default(),
        &mut nofile,
    )
    .unwrap();
    let (mut tr, mut tb) = (0.0, 0.0);
    for chunk in texts.chunks(1000) {
        let a = Instant::now();
        let mut d = read_items(
            chunk
                .iter()
                .map(|t| (ServiceKind::Distribution, t.as_str())),
            Path::new("/"),
        )
        .unwrap();
        d.append(read_items(base.iter().map(|(k, t)| (*k, t.as_str())), Path::new("/")).unwrap());
        tr += a.elapsed().as_secs_f64();
        let a = Instant::now();
        s = s.changed(&d, &[], &mut nofile).unwrap();
        tb += a.elapsed().as_secs_f64();
    }
    println!(
        "build all {:?} read {tr:.3} build {tb:.3}; memory {:.0} MB = {:.0} B each",
        t.elapsed(),
        rss() - m0,
        (rss() - m0) * 1e6 / n as f64
    );
    let mut worst = 0.0f64;
    let t = Instant::now();
    for k in 0..200usize {
        let a = Instant::now();
        let i = (k * 7919) % n;
        let txt = text(i, "9090");
        let mut d =
            read_items([(ServiceKind::Distribution, txt.as_str())], Path::new("/")).unwrap();
        d.append(read_items(base.iter().map(|(k, t)| (*k, t.as_str())), Path::new("/")).unwrap());
        let next = s.with_changes(&d, &[], &mut nofile).unwrap();
        drop(std::mem::replace(&mut s, next));
        worst = worst.max(a.elapsed().as_secs_f64() * 1e3);
    }
    println!(
        "change {:?} each, worst {worst:.2} ms; rss {:.0}",
        t.elapsed() / 200,
        rss()
    );
    println!("sizes: D {} ", std::mem::size_of::<Distribution>());
    println!(
        "B {} O {}",
        std::mem::size_of::<CacheBehavior>(),
        std::mem::size_of::<Origin>()
    );
}
