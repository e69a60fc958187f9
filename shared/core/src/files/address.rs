//! Which addresses a stranger may make us call: those of the public internet, and no others.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use url::{Host, Url};

/// Azure's platform answers machines at a public address; the other clouds' metadata is link-local, unique-local or in
/// shared space.
const AZURE_PLATFORM: Ipv4Addr = Ipv4Addr::new(168, 63, 129, 16);

/// Whether an address belongs to the public internet (IANA's registries of special-purpose addresses): not to this
/// machine, a private network, a link, a carrier's shared space, documentation or a group of receivers.
///
/// IPv6 forms that carry an IPv4 address are judged by that one.
pub fn is_public_address(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let special = match (a, b, c) {
        // This network, private, loopback, multicast, reserved and broadcast.
        (0 | 10 | 127 | 224.., _, _)
        // Carriers' shared space.
        | (100, 64..=127, _)
        // Link-local, with the clouds' metadata.
        | (169, 254, _)
        // Private.
        | (172, 16..=31, _)
        | (192, 168, _)
        // Protocol assignments, documentation, the old 6to4 relays.
        | (192, 0, 0 | 2)
        | (192, 88, 99)
        // Benchmarks, documentation.
        | (198, 18..=19, _)
        | (198, 51, 100)
        | (203, 0, 113) => true,
        _ => address == AZURE_PLATFORM,
    };
    !special
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    if let Some(embedded) = address.to_ipv4_mapped().or_else(|| translated(address)) {
        return is_public_v4(embedded);
    }
    let [a, b, ..] = address.segments();
    match a {
        // Protocol assignments (2001::/23, Teredo among them) and documentation.
        0x2001 => b >= 0x0200 && b != 0x0db8,
        // 6to4 leads to any IPv4 address; documentation.
        0x2002 => false,
        0x3fff => b >= 0x1000,
        // All that is global today. Loopback, unique-local, link-local, multicast lie outside.
        _ => (0x2000..=0x3fff).contains(&a),
    }
}

/// The IPv4 address in `64:ff9b::/96`, by which networks without IPv4 reach it (RFC 6052).
fn translated(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let [0x64, 0xff9b, 0, 0, 0, 0, high, low] = address.segments() else {
        return None;
    };
    Some(Ipv4Addr::from(u32::from(high) << 16 | u32::from(low)))
}

/// The address that a URL names literally, in whatever form; the parser has understood octal, hexadecimal and
/// shortened ones.
pub fn literal_address(url: &Url) -> Option<IpAddr> {
    match url.host()? {
        Host::Ipv4(address) => Some(IpAddr::V4(address)),
        Host::Ipv6(address) => Some(IpAddr::V6(address)),
        Host::Domain(_) => None,
    }
}

/// Whether everybody may be shown a URL as a link: by http or https, without a password in it, at a host that can be
/// reached from anywhere as far as its name tells.
pub fn is_public_url(url: &Url) -> bool {
    let web = matches!(url.scheme(), "http" | "https");
    let bare = url.username().is_empty() && url.password().is_none();
    let public = match url.host() {
        Some(Host::Domain(name)) => is_public_name(name),
        Some(_) => literal_address(url).is_some_and(is_public_address),
        None => false,
    };
    web && bare && public
}

fn is_public_name(name: &str) -> bool {
    let name = name.trim_end_matches('.');
    // Names that no public server has: single words, and the endings that are kept for private use.
    let private = [
        "localhost",
        "local",
        "internal",
        "home.arpa",
        "lan",
        "intranet",
        "corp",
    ];
    name.contains('.')
        && !private
            .iter()
            .any(|ending| name.strip_suffix(ending).is_some_and(|rest| rest.ends_with('.')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_public_internet_is_public() {
        for private in [
            "0.0.0.0",
            "10.0.0.1",
            "100.64.0.1",
            "100.100.100.200",
            "100.127.255.255",
            "127.0.0.1",
            "127.8.8.8",
            "168.63.129.16",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.192",
            "192.0.2.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.7",
            "203.0.113.7",
            "224.0.0.1",
            "239.255.255.250",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::10.0.0.1",
            "::ffff:10.0.0.1",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "64:ff9b::7f00:1",
            "64:ff9b::a00:1",
            "64:ff9b:1::1",
            "100::1",
            "2001::1",
            "2001:db8::1",
            "2002:7f00:1::1",
            "3fff::1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "fec0::1",
            "ff02::1",
        ] {
            assert!(!is_public_address(private.parse().unwrap()), "{private}");
        }
        for public in [
            "1.1.1.1",
            "100.63.255.255",
            "100.128.0.1",
            "172.15.0.1",
            "172.32.0.1",
            "192.0.1.1",
            "198.17.0.1",
            "198.20.0.1",
            "223.255.255.255",
            "::ffff:1.1.1.1",
            "64:ff9b::101:101",
            "2001:4860:4860::8888",
            "2606:4700:4700::1111",
            "2a00:1450:4001::1",
        ] {
            assert!(is_public_address(public.parse().unwrap()), "{public}");
        }
    }

    #[test]
    fn an_address_is_recognised_in_every_form_that_a_url_may_give_it() {
        for (url, address) in [
            ("http://2130706433/a", "127.0.0.1"),
            ("http://0x7f.1/a", "127.0.0.1"),
            ("http://0177.0.0.1/a", "127.0.0.1"),
            ("http://127.1/a", "127.0.0.1"),
            ("http://[::ffff:a00:1]/a", "::ffff:10.0.0.1"),
            ("http://169.254.169.254/latest", "169.254.169.254"),
        ] {
            let url: Url = url.parse().unwrap();
            assert_eq!(literal_address(&url), Some(address.parse().unwrap()), "{url}");
            assert!(!is_public_url(&url), "{url}");
        }
    }

    #[test]
    fn a_link_is_shown_only_if_anybody_could_follow_it() {
        let shown = |url: &str| is_public_url(&url.parse().unwrap());
        assert!(shown("https://files.example.org/a.png") && shown("http://93.184.216.34/a"));
        for hidden in [
            "https://user:secret@files.example.org/a",
            "https://intranet/a",
            "https://localhost:8080/a",
            "https://db.internal/a",
            "https://printer.local./a",
            "ftp://files.example.org/a",
            "file:///etc/passwd",
        ] {
            assert!(!shown(hidden), "{hidden}");
        }
    }
}
