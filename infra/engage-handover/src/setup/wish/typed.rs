//! What somebody typed, judged and brought into form.

use handover_ringcx::base_url;
use url::Url;

use crate::commands::Failure;

/// An endpoint's URL without the token at its end, and the token.
pub(super) fn endpoint_of(text: &str) -> (String, Option<String>) {
    let text = text.trim().trim_end_matches('/');
    let Ok(mut url) = Url::parse(text) else {
        return (text.to_owned(), None);
    };
    let path = url.path().trim_matches('/').to_owned();
    if path.is_empty() {
        return (text.to_owned(), None);
    }
    let (before, token) = path.rsplit_once('/').unwrap_or(("", &path));
    url.set_path(before);
    (
        url.as_str().trim_end_matches('/').to_owned(),
        Some(token.to_owned()),
    )
}

pub(super) fn account(text: &str) -> Result<Url, Failure> {
    let url = base_url::api_base(text).map_err(|error| Failure::Theirs(format!("base API URL: {error}")))?;
    let is_name = url.host_str().is_some_and(|host| host.contains(['.', ':']));
    if is_name || base_url::is_loopback(&url) {
        return Ok(url);
    }
    Err(Failure::Theirs(format!(
        "base API URL: {} is not the address of an account; expected something like https://acme.engagement.dimelo.com",
        text.trim()
    )))
}

pub(super) fn bot_url(text: &str) -> Result<String, Failure> {
    https("bot URL", text)?;
    Ok(text.trim().to_owned())
}

/// The source's id is the last part of its realtime URL (Source SDK, "Realtime endpoint").
pub(crate) fn check_realtime_url(url: &Url, source: &str) -> Result<(), Failure> {
    match base_url::source_id(url) {
        Some(id) if id.as_str() != source => Err(Failure::Theirs(format!(
            "the realtime endpoint URL ends in {id}, which is another source than {source}. Both are on the source's page; the id is the URL's last part"
        ))),
        _ => Ok(()),
    }
}

pub(super) fn capital(what: &str) -> String {
    let mut letters = what.trim_start_matches("the ").chars();
    letters
        .next()
        .map(|first| first.to_uppercase().chain(letters).collect())
        .unwrap_or_default()
}

pub(super) fn https(what: &str, text: &str) -> Result<Url, Failure> {
    if !text.contains("://") {
        return Err(Failure::Theirs(format!("{what}: begin with https://")));
    }
    let url = Url::parse(text.trim())
        .map_err(|error| Failure::Theirs(format!("{what}: this is not a URL ({error})")))?;
    base_url::check_scheme(&url).map_err(|error| Failure::Theirs(format!("{what}: {error}")))?;
    Ok(url)
}

/// The console of an account: the API's host without `api`. `None`: not a host of RCE's.
pub(crate) fn console_of(api_base: &Url) -> Option<String> {
    let host = api_base.host_str()?;
    let (account, rest) = host.split_once(".api.")?;
    Some(format!("https://{account}.{rest}"))
}
