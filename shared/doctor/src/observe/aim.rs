//! Where a webhook's URL aims.

use handover_core::settings::Connection;
use url::Url;

/// The paths below the connection's name that take webhooks.
const PATHS: [&str; 2] = ["handover/rce", "handover/rce/webhook"];

/// What a webhook's URL is to a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Aim {
    /// It reports to this connection.
    Here,
    /// It would, but for this.
    Near(String),
    Elsewhere,
}

/// Compares a webhook's URL with where this connection is reached; without a public URL, any host will do.
pub(crate) fn aim(
    url: &str,
    connection: &Connection,
    neighbours: &[Connection],
    public: Option<&Url>,
) -> Aim {
    let Ok(url) = Url::parse(url) else {
        return Aim::Elsewhere;
    };
    let Some((name, rest)) = below(&url, public) else {
        return Aim::Elsewhere;
    };
    let ours = connection.id.as_str();
    let is_path = PATHS.contains(&rest.as_str());
    let same_host = public.is_none_or(|public| {
        url.host_str() == public.host_str()
            && (url.port_or_known_default() == public.port_or_known_default()
                || url.scheme() != public.scheme())
    });
    let same_scheme = public.is_none_or(|public| url.scheme() == public.scheme());
    let is_neighbour = neighbours
        .iter()
        .any(|neighbour| neighbour.id.as_str() == name && neighbour.id != connection.id);
    match (same_host, name == ours, is_path) {
        (true, true, true) if same_scheme => Aim::Here,
        (true, true, true) => Aim::Near(format!("it is called by {}://", url.scheme())),
        (false, true, true) => Aim::Near(format!("it goes to another host, {}", host_and_port(&url))),
        (true, false, true) if !is_neighbour => Aim::Near(format!(
            "it names another connection, {name:?} instead of {ours:?}"
        )),
        (true, true, false) => Aim::Near(format!(
            "its path below the connection is {rest:?}; webhooks go to \"handover/rce/webhook\""
        )),
        (true, false, false) if public.is_some() && !is_neighbour => {
            Aim::Near(format!("its path does not begin with the connection {ours:?}"))
        }
        _ => Aim::Elsewhere,
    }
}

fn host_and_port(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port()
        .map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// The bridge's address, read off a URL that aims here.
pub(super) fn base_of(url: &str, connection: &Connection) -> Option<Url> {
    let mut url = Url::parse(url).ok()?;
    let path = url.path().trim_end_matches('/').to_owned();
    let base = PATHS
        .iter()
        .find_map(|end| path.strip_suffix(&format!("/{}/{end}", connection.id)))?;
    url.set_path(base);
    url.set_query(None);
    Some(url)
}

/// The connection's name in a URL, and what follows; a path in front of the bridge is left out.
fn below(url: &Url, public: Option<&Url>) -> Option<(String, String)> {
    let path = url.path().trim_matches('/');
    let prefix = public.map_or("", |public| public.path().trim_matches('/'));
    let path = path.strip_prefix(prefix).unwrap_or(path).trim_start_matches('/');
    if public.is_none()
        && let Some(end) = PATHS.iter().find(|end| path.ends_with(&format!("/{end}")))
    {
        // Whatever stands in front of the last segment is a proxy's.
        let front = path.strip_suffix(end)?.trim_end_matches('/');
        let name = front.rsplit('/').next()?;
        return Some((name.to_owned(), (*end).to_owned()));
    }
    let (name, rest) = path.split_once('/').unwrap_or((path, ""));
    Some((name.to_owned(), rest.to_owned()))
}
