//! What a running bridge says of itself to whoever proves to be its operator's: by headers of its answer to a validation
//! request that begins with [`OUR_OWN`](crate::heard::OUR_OWN).

use sha2::{Digest as _, Sha256};

use crate::Timestamp;
use crate::ids::SourceId;
use crate::settings::Connection;

/// The ids of the sources that it answers, separated by commas.
pub const SOURCES_HEADER: &str = "x-engage-handover-sources";
/// Of all its settings, see [`settings_of`].
pub const SETTINGS_HEADER: &str = "x-engage-handover-settings";
/// When RCE's last validation request was answered, in milliseconds since 1970.
pub const VALIDATED_HEADER: &str = "x-engage-handover-validated";

/// How many hexadecimal digits of a digest are told.
const DIGITS: usize = 32;

/// Tells settings apart, as far as they are no secrets. Only programs of one version agree on it.
pub fn settings_of(connection: &Connection) -> String {
    let digest = Sha256::digest(format!("{} {connection:?}", env!("CARGO_PKG_VERSION")));
    let mut text = hex::encode(digest);
    text.truncate(DIGITS);
    text
}

/// The value of [`SOURCES_HEADER`].
pub fn sources_of(connection: &Connection) -> String {
    let sources = connection.ringcx.sources().map(SourceId::as_str);
    sources.collect::<Vec<_>>().join(",")
}

/// What [`SOURCES_HEADER`] says, read.
pub fn sources(value: &str) -> Vec<String> {
    let each = value.split(',').map(str::trim);
    each.filter(|source| !source.is_empty())
        .map(str::to_owned)
        .collect()
}

/// What [`VALIDATED_HEADER`] says, read.
pub fn validated(value: &str) -> Option<Timestamp> {
    Timestamp::from_millisecond(value.trim().parse().ok()?).ok()
}
