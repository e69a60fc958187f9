//! What the bridge notes down about RCE's calls, so that somebody can tell later whether RCE reaches it.

use std::time::Duration;

use crate::Timestamp;
use crate::ids::ConnectionId;
use crate::ports::{Claim, ClaimKey};

/// What begins the challenges and ids of our own tries; they are no news of RCE.
pub const OUR_OWN: &str = "doctor-";
/// What begins the `User-Agent` of everything that we send.
pub const OUR_AGENT: &str = "engage-handover/";
/// How long a note is kept.
const KEPT: Duration = Duration::from_hours(30 * 24);
/// Everybody writes the same record.
const HOLDER: &str = "heard";

/// A kind of call that was accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Heard {
    /// `implementation.info`, which RCE asks when the source is saved and whenever it synchronises.
    SourceSdk,
    Validation,
    Delivery,
}

impl Heard {
    /// Where the note is. Its record is a time in milliseconds since 1970.
    pub fn key(self, connection: &ConnectionId) -> ClaimKey {
        let what = match self {
            Self::SourceSdk => "source-sdk",
            Self::Validation => "validation",
            Self::Delivery => "delivery",
        };
        ClaimKey::apart(format!("heard:{what}:{connection}"))
    }

    /// The note that such a call came now.
    pub fn note(self, connection: &ConnectionId, now: Timestamp) -> Claim {
        Claim {
            key: self.key(connection),
            holder: HOLDER.to_owned(),
            record: now.as_millisecond().to_string(),
            expires_at: now + KEPT,
        }
    }

    /// When it came, by a note's record.
    pub fn read(record: &str) -> Option<Timestamp> {
        Timestamp::from_millisecond(record.parse().ok()?).ok()
    }
}
