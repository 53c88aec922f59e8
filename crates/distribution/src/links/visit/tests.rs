use super::*;
use http::{HeaderValue, header};
use std::net::{Ipv4Addr, Ipv6Addr};

const NOW: Timestamp = Timestamp::from_secs(1_900_000_000);
const UNTIL: Timestamp = Timestamp::from_secs(1_900_000_600);
const HERE: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7));
const THERE: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 8));

fn secret(byte: u8) -> PathTokenSecret {
    PathTokenSecret::new(&[byte; 32]).unwrap()
}

fn link(byte: u8) -> LinkId {
    LinkId::from_bytes([byte; LinkId::SIZE_BYTES])
}

/// Another link, whose cookies have the same name.
fn twin(byte: u8) -> LinkId {
    let mut bytes = [byte; LinkId::SIZE_BYTES];
    bytes[31] ^= 1;
    LinkId::from_bytes(bytes)
}

fn visit() -> Visit {
    Visit {
        use_number: 3,
        viewer: ViewerDigest([5; 16]),
        until: UNTIL,
    }
}

fn cookie(seal: &VisitSeal<'_>) -> String {
    let set = seal.set_cookie(&visit(), NOW);
    set.split(';').next().unwrap().to_owned()
}

fn sent(cookies: &[&str]) -> HeaderMap {
    let fields = cookies.iter().map(|cookie| {
        let value = HeaderValue::from_str(cookie).unwrap();
        (header::COOKIE, value)
    });
    let mut headers = HeaderMap::new();
    headers.extend(fields);
    headers
}

#[test]
fn only_the_edges_own_cookie_proves_a_visit() {
    let secret = secret(1);
    let seal = VisitSeal {
        secret: &secret,
        link: link(9),
    };
    let good = cookie(&seal);
    let (name, value) = good.split_once('=').unwrap();
    let refused = |cookie: &str| assert_eq!(seal.visit(&sent(&[cookie])), None, "{cookie}");
    refused("");
    refused(name);
    refused(&format!("{name}="));
    refused(&format!("{name}={}", &value[1..]));
    refused(&format!("{name}={}", &value[..value.len() - 1]));
    refused(&format!("{name}={value}A"));
    refused(&format!("{name}={value}{value}{value}"));
    refused(&format!("{name}=\"{value}\""));
    refused(&format!(
        "{}={value}",
        name.to_ascii_lowercase().replace("__host", "__Hos")
    ));
    refused(&format!("{}0={value}", &name[..name.len() - 1]));
    // Every digit counts.
    for at in 0..value.len() {
        let other = if &value[at..=at] == "A" { "B" } else { "A" };
        let changed = format!("{}{other}{}", &value[..at], &value[at + 1..]);
        refused(&format!("{name}={changed}"));
    }
}

#[test]
fn a_cookie_is_of_one_link_and_of_edges_with_one_secret() {
    let (one, other) = (secret(1), secret(2));
    let seal = |secret, link| VisitSeal { secret, link };
    let cookie = cookie(&seal(&one, link(9)));
    let headers = sent(&[&cookie]);
    assert_eq!(seal(&other, link(9)).visit(&headers), None);
    assert_eq!(seal(&one, twin(9)).visit(&headers), None);
    assert_eq!(seal(&one, link(8)).visit(&headers), None);
    assert_eq!(seal(&one, link(9)).visit(&headers), Some(visit()));
}

/// What one purpose of the secret proves is nothing for another.
#[test]
fn the_buttons_text_is_no_cookie() {
    let secret = secret(1);
    let seal = VisitSeal {
        secret: &secret,
        link: link(9),
    };
    let name = seal.cookie_name();
    let text = seal.confirmation(ViewerDigest([5; 16]), HERE, NOW);
    assert_eq!(seal.visit(&sent(&[&format!("{name}={text}")])), None);
    let cookie = cookie(&seal);
    let (_, value) = cookie.split_once('=').unwrap();
    assert_eq!(seal.confirmed(value.as_bytes(), HERE, NOW), None);
}

#[test]
fn the_cookie_is_found_among_others() {
    let secret = secret(1);
    let seal = VisitSeal {
        secret: &secret,
        link: link(9),
    };
    let (good, name) = (cookie(&seal), seal.cookie_name());
    let found = |cookies: &[&str]| seal.visit(&sent(cookies));
    assert_eq!(found(&[&format!("a=1; {good} ; b=2")]), Some(visit()));
    assert_eq!(found(&["a=1", &good]), Some(visit()));
    assert_eq!(found(&[&format!("{name}=x; {good}")]), Some(visit()));
    // A cookie behind many others of its name is not looked for.
    let flood = format!("{name}=x; ").repeat(COOKIES_MAX);
    assert_eq!(found(&[&format!("{flood}{good}")]), None);
}

#[test]
fn the_cookie_is_for_one_host_over_https() {
    let secret = secret(1);
    let seal = VisitSeal {
        secret: &secret,
        link: link(0xab),
    };
    let set = seal.set_cookie(&visit(), NOW);
    let (pair, attributes) = set.split_once("; ").unwrap();
    assert!(pair.starts_with("__Host-privet-visit-abababab="), "{pair}");
    assert_eq!(
        attributes,
        "Path=/; Max-Age=600; Secure; HttpOnly; SameSite=Lax"
    );
    assert!(pair.len() < 100, "{pair}");
    let ended = seal.set_cookie(&visit(), Timestamp::from_secs(u64::MAX));
    assert!(ended.contains("Max-Age=0;"), "{ended}");
}

#[test]
fn a_button_is_of_one_link_and_address_and_hour() {
    let (one, other) = (secret(1), secret(2));
    let seal = |secret, link| VisitSeal { secret, link };
    let viewer = ViewerDigest([5; 16]);
    let text = seal(&one, link(9)).confirmation(viewer, HERE, NOW);
    let confirmed = |seal: VisitSeal<'_>, client, at| seal.confirmed(text.as_bytes(), client, at);
    let last = Timestamp::from_secs(NOW.as_secs() + CONFIRMATION_SECS - 1);
    let late = Timestamp::from_secs(NOW.as_secs() + CONFIRMATION_SECS);
    assert_eq!(confirmed(seal(&other, link(9)), HERE, NOW), None);
    assert_eq!(confirmed(seal(&one, twin(9)), HERE, NOW), None);
    assert_eq!(confirmed(seal(&one, link(9)), THERE, NOW), None);
    assert_eq!(confirmed(seal(&one, link(9)), HERE, late), None);
    assert_eq!(confirmed(seal(&one, link(9)), HERE, last), Some(viewer));
    for at in 0..text.len() {
        let cut = &text.as_bytes()[..at];
        assert_eq!(seal(&one, link(9)).confirmed(cut, HERE, NOW), None, "{at}");
    }
    assert!(
        crate::links::pressed(format!("{}={text}", crate::links::CONFIRMATION_FIELD).as_bytes())
            .is_some()
    );
}

fn facts<'a>(arrival: Arrival, client: IpAddr, shown: &'a ShownVisits) -> ViewerFacts<'a> {
    ViewerFacts {
        visit: None,
        confirmed: None,
        client,
        arrival,
        attempt: AttemptId([1; 16]),
        shown,
    }
}

#[test]
fn without_a_cookie_a_viewer_is_an_address() {
    let (one, other, shown) = (secret(1), secret(2), ShownVisits::new(10));
    let viewer = |secret, link, client| {
        let seal = VisitSeal { secret, link };
        seal.viewer(&facts(Arrival::Program, client, &shown))
    };
    let v6 = |low: u16, net: u16| IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, net, 1, 2, 3, low));
    let here = viewer(&one, link(9), HERE);
    assert_ne!(viewer(&one, link(9), THERE), here);
    assert_ne!(viewer(&one, link(8), HERE), here);
    assert_ne!(viewer(&other, link(9), HERE), here);
    assert_ne!(
        viewer(&one, link(9), v6(1, 1)),
        viewer(&one, link(9), v6(1, 2))
    );
    assert_eq!(
        viewer(&one, link(9), v6(1, 1)),
        viewer(&one, link(9), v6(2, 1))
    );
    let mapped = IpAddr::V6(Ipv4Addr::new(192, 0, 2, 7).to_ipv6_mapped());
    assert_eq!(viewer(&one, link(9), mapped), here);
}

/// Two people behind one address: the second is not served by the visit of the first.
#[test]
fn an_address_is_nobody_once_its_viewer_has_a_cookie() {
    let (secret, mut shown) = (secret(1), ShownVisits::new(10));
    let seal = VisitSeal {
        secret: &secret,
        link: link(9),
    };
    let at_address = seal.viewer(&facts(Arrival::Navigation, HERE, &shown));
    // A retry before any cookie has come back is the same viewer.
    assert_eq!(
        seal.viewer(&facts(Arrival::Navigation, HERE, &shown)),
        at_address
    );
    let own = Visit {
        viewer: at_address,
        ..visit()
    };
    shown.note(&own);
    for arrival in [Arrival::Navigation, Arrival::Robot] {
        let second = seal.viewer(&facts(arrival, HERE, &shown));
        assert_ne!(second, at_address);
        // The same attempt is the same viewer, another attempt another one.
        assert_eq!(seal.viewer(&facts(arrival, HERE, &shown)), second);
        let attempt = AttemptId([2; 16]);
        let third = seal.viewer(&ViewerFacts {
            attempt,
            ..facts(arrival, HERE, &shown)
        });
        assert!(third != second && third != at_address);
    }
    // The player that a browser hands the link to has no cookies.
    assert_eq!(
        seal.viewer(&facts(Arrival::Program, HERE, &shown)),
        at_address
    );
    // Who shows the cookie is that viewer, wherever.
    let elsewhere = ViewerFacts {
        visit: Some(own),
        ..facts(Arrival::Navigation, THERE, &shown)
    };
    assert_eq!(seal.viewer(&elsewhere), at_address);
}

#[test]
fn the_button_says_who_pressed_it() {
    let (secret, mut shown) = (secret(1), ShownVisits::new(10));
    let seal = VisitSeal {
        secret: &secret,
        link: link(9),
    };
    let at_address = seal.viewer(&facts(Arrival::Navigation, HERE, &shown));
    let pressed = |viewer, shown: &ShownVisits| {
        let confirmed = Some(viewer);
        seal.viewer(&ViewerFacts {
            confirmed,
            ..facts(Arrival::Navigation, HERE, shown)
        })
    };
    assert_eq!(pressed(at_address, &shown), at_address);
    shown.note(&Visit {
        viewer: at_address,
        ..visit()
    });
    // The page was shown before another viewer at this address came back with a cookie.
    assert_ne!(pressed(at_address, &shown), at_address);
    let newcomer = ViewerDigest([7; 16]);
    assert_eq!(pressed(newcomer, &shown), newcomer);
}

#[test]
fn the_table_of_viewers_is_bounded() {
    let visit_of = |number: u32, until| Visit {
        viewer: ViewerDigest(std::array::from_fn(|index| {
            number.to_be_bytes().get(index).copied().unwrap_or(0)
        })),
        until,
        ..visit()
    };
    let mut shown = ShownVisits::new(100);
    assert!(shown.is_empty());
    for number in 0..10_000 {
        shown.note(&visit_of(number, UNTIL));
        shown.note(&visit_of(number, UNTIL));
        assert!(shown.len() <= 100, "{}", shown.len());
        assert!(shown.contains(visit_of(number, UNTIL).viewer));
    }
    // At least the last half is known.
    for number in 9_950..10_000 {
        assert!(shown.contains(visit_of(number, UNTIL).viewer), "{number}");
    }
    assert!(!shown.contains(visit_of(0, UNTIL).viewer));
    let later = Timestamp::from_secs(UNTIL.as_secs() + 1);
    shown.note(&visit_of(1, later));
    shown.sweep(UNTIL);
    assert_eq!(shown.len(), 1);
    shown.sweep(later);
    assert!(shown.is_empty());
}
