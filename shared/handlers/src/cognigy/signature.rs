//! Standard Webhooks 1.0.0, receiving: `v1` signatures over `id.timestamp.body`, five minutes of tolerance.

use handover_core::Timestamp;
use handover_core::secret::Secret;
use standardwebhooks::Webhook;

use crate::routes::Call;

pub(super) const HEADER: &str = "webhook-signature";
/// How old, or early, a call may be, in seconds.
const TOLERANCE: i64 = 5 * 60;

/// Checks the signature; gives the call's id.
pub(super) fn verify(secrets: &[Secret], call: &Call, now: Timestamp) -> Result<String, &'static str> {
    let header = |name| std::str::from_utf8(call.header(name)?).ok();
    let id = header("webhook-id")
        .filter(|id| !id.is_empty())
        .ok_or("no webhook-id")?;
    let seconds: i64 = header("webhook-timestamp")
        .and_then(|text| text.parse().ok())
        .ok_or("no webhook-timestamp")?;
    let signatures = header(HEADER).ok_or("no signature")?;
    let mut right = false;
    for secret in secrets {
        let Ok(expected) = Webhook::new(secret.expose()).and_then(|key| key.sign(id, seconds, call.body()))
        else {
            continue;
        };
        let expected = Secret::new(expected);
        for signature in signatures.split(' ') {
            right |= expected.matches(signature.as_bytes());
        }
    }
    if !right {
        return Err("the signature is of none of the connection's signing_secrets");
    }
    if (now.as_second() - seconds).abs() > TOLERANCE {
        return Err("its time is more than five minutes off");
    }
    Ok(id.to_owned())
}
