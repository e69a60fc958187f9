//! What an integrator pastes, made into the URLs that are called.

use std::net::Ipv6Addr;

use handover_core::ids::SourceId;
use url::{Host, Url};

/// The version segment that every REST path starts with.
const API_VERSION: &str = "1.0";

/// Hosts of RCE accounts: console and realtime endpoint live on `<account>.<suffix>`, the REST API on
/// `<account>.api.<suffix>` (REST API, "Base URL").
const ACCOUNT_SUFFIXES: [&str; 2] = [".engagement.dimelo.com", ".digital.ringcentral.com"];

/// Why a URL cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BaseUrlError {
    #[error("this is not a URL ({0}); expected something like https://acme.api.engagement.dimelo.com")]
    Unreadable(url::ParseError),
    #[error("the URL names no host")]
    NoHost,
    #[error("the URL carries a user name or password; tokens have settings of their own")]
    Credentials,
    #[error("plain http:// is accepted towards this machine only; use https://")]
    Insecure,
    #[error("the scheme must be https")]
    Scheme,
}

/// The REST base for what stands in "Base API URL": ends in `/1.0`, no trailing slash.
///
/// Scheme, trailing slash and `/1.0` may be missing. The console's host becomes the API's; any other
/// host is left alone, with its path in front of the version, so that proxies and test servers work.
pub fn api_base(input: &str) -> Result<Url, BaseUrlError> {
    let input = input.trim();
    let with_scheme = if input.contains("://") {
        input.to_owned()
    } else {
        format!("https://{input}")
    };
    let mut url = Url::parse(&with_scheme).map_err(|error| match error {
        url::ParseError::EmptyHost => BaseUrlError::NoHost,
        error => BaseUrlError::Unreadable(error),
    })?;
    check_scheme(&url)?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(BaseUrlError::Credentials);
    }
    let prefix = if let Some(host) = account_api_host(&url) {
        url.set_host(Some(&host)).map_err(BaseUrlError::Unreadable)?;
        String::new()
    } else {
        let path = url.path().trim_end_matches('/');
        path.strip_suffix(&format!("/{API_VERSION}"))
            .unwrap_or(path)
            .to_owned()
    };
    url.set_path(&format!("{}/{API_VERSION}", prefix.trim_end_matches('/')));
    url.set_query(None);
    url.set_fragment(None);
    Ok(url)
}

/// The source's id: the last segment of the realtime endpoint URL (`…/realtime/sdk/<source id>`).
pub fn source_id(realtime: &Url) -> Option<SourceId> {
    let last = realtime.path_segments()?.rfind(|segment| !segment.is_empty())?;
    let decoded = percent_encoding::percent_decode_str(last).decode_utf8().ok()?;
    Some(SourceId::new(decoded))
}

/// Whether the URL leads to this machine: 127.0.0.0/8, `::1` or `localhost`.
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address == Ipv6Addr::LOCALHOST,
        Some(Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
        None => false,
    }
}

/// `https`, or `http` towards this machine; nothing else carries our tokens.
pub fn check_scheme(url: &Url) -> Result<(), BaseUrlError> {
    match url.scheme() {
        "https" if url.has_host() => Ok(()),
        "http" if is_loopback(url) => Ok(()),
        "http" => Err(BaseUrlError::Insecure),
        _ => Err(BaseUrlError::Scheme),
    }
}

/// For a host of an RCE account, the host of its API.
/// The host of the REST API of the account that a URL of RCE belongs to. `None`: it is none of RCE's hosts.
pub fn account_host(url: &Url) -> Option<String> {
    account_api_host(url)
}

fn account_api_host(url: &Url) -> Option<String> {
    let host = url.domain()?;
    let (account, suffix) = ACCOUNT_SUFFIXES
        .into_iter()
        .find_map(|suffix| Some((host.strip_suffix(suffix)?, suffix)))?;
    let account = account.strip_suffix(".api").unwrap_or(account);
    Some(format!("{account}.api{suffix}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn base(input: &str) -> Result<String, BaseUrlError> {
        api_base(input).map(String::from)
    }

    #[test]
    fn br_061_the_console_host_becomes_the_api_host() {
        let dimelo = "https://shop.api.engagement.dimelo.com/1.0";
        for input in [
            "https://shop.engagement.dimelo.com",
            "https://shop.engagement.dimelo.com/",
            "https://shop.api.engagement.dimelo.com/",
            "https://shop.api.engagement.dimelo.com/1.0/",
            "shop.api.engagement.dimelo.com/1.0",
            "  SHOP.engagement.dimelo.com  ",
            "https://shop.engagement.dimelo.com/admin/sources?tab=2#top",
        ] {
            assert_eq!(base(input).as_deref(), Ok(dimelo), "{input}");
        }
        assert_eq!(
            base("shop.digital.ringcentral.com").as_deref(),
            Ok("https://shop.api.digital.ringcentral.com/1.0")
        );
    }

    #[test]
    fn br_061_other_hosts_are_left_alone() {
        let cases = [
            ("https://rce.proxy.test", "https://rce.proxy.test/1.0"),
            ("https://rce.proxy.test/rce/", "https://rce.proxy.test/rce/1.0"),
            ("https://rce.proxy.test/rce/1.0", "https://rce.proxy.test/rce/1.0"),
            ("http://127.0.0.1:8090", "http://127.0.0.1:8090/1.0"),
            ("http://127.9.9.9:1/x", "http://127.9.9.9:1/x/1.0"),
            ("http://[::1]:8090/1.0/", "http://[::1]:8090/1.0"),
            ("http://localhost:8090", "http://localhost:8090/1.0"),
            ("10.1.2.3", "https://10.1.2.3/1.0"),
        ];
        for (input, expected) in cases {
            assert_eq!(base(input).as_deref(), Ok(expected), "{input}");
        }
    }

    #[test]
    fn plain_http_leaves_this_machine_never() {
        for input in [
            "http://shop.engagement.dimelo.com",
            "http://10.0.0.1",
            "http://128.0.0.1",
            "http://localhost.evil.test",
            "http://[::2]",
        ] {
            assert_eq!(base(input), Err(BaseUrlError::Insecure), "{input}");
        }
        assert_eq!(
            base("ftp://shop.engagement.dimelo.com"),
            Err(BaseUrlError::Scheme)
        );
        assert_eq!(base("https://user:pw@x.test"), Err(BaseUrlError::Credentials));
        assert_eq!(base("https://"), Err(BaseUrlError::NoHost));
        assert!(matches!(base("not a host"), Err(BaseUrlError::Unreadable(_))));
    }

    #[test]
    fn the_source_id_is_the_last_segment_of_the_realtime_url() {
        let id = |url: &str| source_id(&url.parse().unwrap()).map(|id| id.to_string());
        let realtime = "https://shop.engagement.dimelo.com/realtime/sdk/5f0c0000";
        assert_eq!(id(realtime).as_deref(), Some("5f0c0000"));
        assert_eq!(id(&format!("{realtime}/?x=1")).as_deref(), Some("5f0c0000"));
        assert_eq!(id("https://shop.engagement.dimelo.com/"), None);
    }
}
