//! Which addresses may be called on a stranger's word.
//!
//! A URL is checked before each request, redirects included; the addresses behind a name are checked where the
//! connection is made, so that a name which answers differently a moment later gains nothing.

use std::net::SocketAddr;

use handover_core::files::{is_public_address, literal_address};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::Url;

/// A name all of whose addresses are private.
#[derive(Debug, thiserror::Error)]
#[error("the name leads to a private address")]
pub(crate) struct PrivateName;

/// How a URL may be called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// Public addresses only.
    Guarded,
    /// The operator named this host.
    Allowed,
}

/// Whether a URL may be called at all, and how. `None`: no.
pub(crate) fn way(url: &Url, allow_hosts: &[String]) -> Option<Way> {
    let bare = url.username().is_empty() && url.password().is_none();
    if !bare || !url.has_host() || !matches!(url.scheme(), "http" | "https") {
        return None;
    }
    if allow_hosts.iter().any(|allowed| names(url, allowed)) {
        return Some(Way::Allowed);
    }
    let public = literal_address(url).is_none_or(is_public_address);
    (public && url.scheme() == "https").then_some(Way::Guarded)
}

/// Whether `allowed` (`host` or `host:port`) is where a URL leads.
fn names(url: &Url, allowed: &str) -> bool {
    let Some(host) = url.host_str() else { return false };
    let port = url.port_or_known_default();
    allowed.eq_ignore_ascii_case(host)
        || port.is_some_and(|port| allowed.eq_ignore_ascii_case(&format!("{host}:{port}")))
}

/// The system's resolver without private addresses.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PublicNames;

impl Resolve for PublicNames {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let public: Vec<SocketAddr> = found.filter(|found| is_public_address(found.ip())).collect();
            if public.is_empty() {
                return Err(PrivateName.into());
            }
            Ok(Box::new(public.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(url: &str, allowed: &[&str]) -> Option<Way> {
        let allowed: Vec<String> = allowed.iter().map(|&host| host.to_owned()).collect();
        way(&url.parse().unwrap(), &allowed)
    }

    #[test]
    fn a_stranger_may_name_public_hosts_by_https_only() {
        assert_eq!(of("https://files.example.org/a", &[]), Some(Way::Guarded));
        assert_eq!(of("https://1.1.1.1/a", &[]), Some(Way::Guarded));
        for refused in [
            "http://files.example.org/a",
            "ftp://files.example.org/a",
            "file:///etc/passwd",
            "data:text/plain,hi",
            "https://user@files.example.org/a",
            "https://127.0.0.1/a",
            "https://2130706433/a",
            "https://0x7f000001/a",
            "https://0177.1/a",
            "https://[::1]/a",
            "https://[::ffff:10.0.0.1]/a",
            "https://10.0.0.1/a",
            "https://169.254.169.254/latest/meta-data",
        ] {
            assert_eq!(of(refused, &[]), None, "{refused}");
        }
    }

    #[test]
    fn an_operator_may_name_any_host() {
        let allowed = ["127.0.0.1:8080", "files.corp", "[::1]"];
        for url in [
            "http://127.0.0.1:8080/a",
            "http://files.corp:1/a",
            "http://FILES.corp/a",
            "https://[::1]/a",
        ] {
            assert_eq!(of(url, &allowed), Some(Way::Allowed), "{url}");
        }
        for url in [
            "http://127.0.0.1:8081/a",
            "http://other.files.corp/a",
            "http://files.corp@127.0.0.1/a",
        ] {
            assert_eq!(of(url, &allowed), None, "{url}");
        }
        assert_eq!(
            of("https://files.corp/a", &["files.corp:443"]),
            Some(Way::Allowed)
        );
    }
}
