//! What a receiver's HTTP answer means (Standard Webhooks 1.0.0, with stricter permanence).
//!
//! 2xx: taken. 429, 5xx and 408: later, `Retry-After` honoured. 401 and 403: our secret is refused, most likely because it is
//! being changed. 410: gone. Everything else, redirects
//! included (they are never followed), is a refusal for good.

use std::time::Duration;

use handover_core::Timestamp;
use handover_core::ports::{BotError, Told};
use reqwest::header::{HeaderMap, RETRY_AFTER};

/// Reads a receiver's answer.
pub fn read(status: u16, headers: &HeaderMap, now: Timestamp) -> Result<Told, BotError> {
    match status {
        200..=299 => Ok(Told { status }),
        410 => Err(BotError::Gone),
        401 | 403 => Err(BotError::SecretRefused { status }),
        408 | 429 | 500..=599 => Err(BotError::Busy {
            status,
            retry_after: retry_after(headers, now),
        }),
        _ => Err(BotError::Refused { status }),
    }
}

/// The same for platforms that know no 410 of their own and may answer 425 (too early).
pub fn read_platform(status: u16, headers: &HeaderMap, now: Timestamp) -> Result<Told, BotError> {
    match status {
        425 => Err(BotError::Busy {
            status,
            retry_after: retry_after(headers, now),
        }),
        410 => Err(BotError::Refused { status }),
        _ => read(status, headers, now),
    }
}

/// `Retry-After` in seconds or as an HTTP date.
fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let value = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let at = jiff::fmt::rfc2822::parse(value).ok()?.timestamp();
    Some(Duration::try_from(at.duration_since(now)).unwrap_or(Duration::ZERO))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(RETRY_AFTER, value.parse().unwrap())])
    }

    #[test]
    fn answers_are_taken_busy_gone_or_refused() {
        let now: Timestamp = "2026-11-20T10:00:00Z".parse().unwrap();
        let none = HeaderMap::new();
        for status in [200, 202, 204] {
            assert_eq!(read(status, &none, now).unwrap().status, status);
        }
        for status in [301, 302, 400, 404, 409, 422] {
            assert!(
                matches!(read(status, &none, now), Err(BotError::Refused { .. })),
                "{status}"
            );
        }
        for status in [401, 403] {
            assert!(
                matches!(read(status, &none, now), Err(BotError::SecretRefused { .. })),
                "{status}"
            );
        }
        for status in [408, 429, 500, 502, 503, 504] {
            assert!(
                matches!(
                    read(status, &none, now),
                    Err(BotError::Busy {
                        retry_after: None,
                        ..
                    })
                ),
                "{status}"
            );
        }
        assert!(matches!(read(410, &none, now), Err(BotError::Gone)));
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now: Timestamp = "2026-11-20T10:00:00Z".parse().unwrap();
        assert_eq!(retry_after(&with("7"), now), Some(Duration::from_secs(7)));
        assert_eq!(
            retry_after(&with("Fri, 20 Nov 2026 10:00:30 GMT"), now),
            Some(Duration::from_secs(30))
        );
        assert_eq!(
            retry_after(&with("Fri, 20 Nov 2026 09:00:00 GMT"), now),
            Some(Duration::ZERO)
        );
        assert_eq!(retry_after(&with("soon"), now), None);
    }
}
