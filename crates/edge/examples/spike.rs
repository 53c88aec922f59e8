use std::sync::Arc;
fn main() {
    let p = std::path::PathBuf::from(std::env::args().nth(1).unwrap());
    let (d, pl) =
        privet_distribution::read_toml(&std::fs::read_to_string(&p).unwrap(), &p).unwrap();
    let s = privet_distribution::Snapshot::build(d, &pl, &mut |p| std::fs::read(p)).unwrap();
    let e = privet_edge::Edge::start(privet_edge::StartOptions::new(Arc::new(s))).unwrap();
    println!("{:?}", e.addresses());
    loop {
        std::thread::park();
    }
}
