use privet_distribution::*;
use std::sync::Arc;
fn main() {
    let mut a = std::env::args().skip(1);
    let root = a.next().unwrap();
    let cert = a.next().unwrap();
    let key = a.next().unwrap();
    let log = a.next();
    let b = BehaviorDocument {
        path_pattern: "*".into(),
        origin: "f".into(),
        viewer_protocol_policy: ViewerProtocolPolicy::AllowAll,
        allowed_methods: AllowedMethods::GetHead,
        trusted_key_groups: None,
        trusted_signers: None,
    };
    let d = DistributionDocument {
        id: "E1".into(),
        domain_name: "localhost".into(),
        aliases: vec!["127.0.0.1".into()],
        default_root_object: None,
        enabled: true,
        certificate: Some(CertificateDocument {
            chain: cert.into(),
            key: key.into(),
        }),
        ignore_port: true,
        statement_object: false,
        origins: vec![OriginDocument {
            id: "f".into(),
            folder: root.into(),
            origin_path: "".into(),
        }],
        behaviors: vec![],
        default_behavior: b,
    };
    let doc = Document {
        listeners: vec![
            Listener {
                address: "127.0.0.1:9080".parse().unwrap(),
                protocol: ListenerProtocol::Http,
            },
            Listener {
                address: "127.0.0.1:9443".parse().unwrap(),
                protocol: ListenerProtocol::Https,
            },
        ],
        distributions: vec![d],
        log: log.map(|l| LogSettings {
            folder: l.into(),
            prefix: "".into(),
            include_cookies: false,
            rotate_after: std::time::Duration::from_secs(600),
            rotate_size_bytes_max: 1 << 30,
        }),
        ..Document::default()
    };
    let s = Snapshot::build(doc, &Places::default(), &mut |p| std::fs::read(p)).unwrap();
    let e = privet_edge::Edge::start(privet_edge::StartOptions::new(Arc::new(s))).unwrap();
    println!("{:?}", e.addresses());
    loop {
        std::thread::park();
    }
}
