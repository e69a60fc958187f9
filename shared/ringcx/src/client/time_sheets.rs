//! When the contact centre is open (REST API, "Time sheets").

use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use handover_core::Timestamp;
use handover_core::hours::OpeningHours;
use handover_core::ports::{RingCxError, Urgency};
use handover_core::settings::Connection;
use jiff::civil::{Date, Weekday};
use jiff::tz::{TimeZone, db};
use reqwest::Method;
use serde_json::Value;

use super::RingCxClient;
use crate::json;
use crate::rest::Call;

/// How long a time sheet is remembered, also that there is none.
const KEPT: Duration = Duration::from_mins(10);
/// How long it is remembered that it could not be had.
const FAILURE_KEPT: Duration = Duration::from_secs(30);
/// How long somebody waits for it who asks the first time.
const PATIENCE: Duration = Duration::from_secs(2);
/// The largest page; an account has a handful of time sheets.
const PAGE: &str = "150";
const DAYS: [(&str, Weekday); 7] = [
    ("monday_hours", Weekday::Monday),
    ("tuesday_hours", Weekday::Tuesday),
    ("wednesday_hours", Weekday::Wednesday),
    ("thursday_hours", Weekday::Thursday),
    ("friday_hours", Weekday::Friday),
    ("saturday_hours", Weekday::Saturday),
    ("sunday_hours", Weekday::Sunday),
];
/// RCE lists time zones by names of its own; most of them are cities.
const NOT_CITIES: [(&str, &str); 4] = [
    ("Eastern Time (US & Canada)", "America/New_York"),
    ("Central Time (US & Canada)", "America/Chicago"),
    ("Mountain Time (US & Canada)", "America/Denver"),
    ("Pacific Time (US & Canada)", "America/Los_Angeles"),
];

type Hours = Option<Arc<OpeningHours>>;

/// The hours of each source, by REST base and source id, and when to ask again.
#[derive(Default)]
pub(super) struct HoursCache(Mutex<HashMap<(String, String), (Hours, Timestamp)>>);

impl HoursCache {
    fn get(&self, key: &(String, String)) -> Option<(Hours, Timestamp)> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(key).cloned()
    }

    fn put(&self, key: (String, String), hours: Hours, ask_again: Timestamp) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(key, (hours, ask_again));
    }
}

impl RingCxClient {
    /// The hours of the active time sheet that names the source. `None`: there is none, it cannot be read, or its
    /// time zone is none that we know. What was known goes on to count while RCE cannot be asked.
    pub(super) async fn find_opening_hours(&self, connection: &Connection) -> Hours {
        let settings = &connection.ringcx;
        let key = (settings.api_base.to_string(), settings.source_id.to_string());
        let known = self.hours.get(&key);
        let now = self.clock.now();
        // The first time somebody waits for it; afterwards it is housekeeping.
        let urgency = match &known {
            Some((hours, ask_again)) if now < *ask_again => return hours.clone(),
            Some(_) => Urgency::Idle,
            None => Urgency::Now,
        };
        let read = tokio::time::timeout(PATIENCE, self.read_time_sheet(connection, urgency)).await;
        let (hours, kept) = match read {
            Ok(Ok(hours)) => (hours, KEPT),
            Ok(Err(RingCxError::NotPermitted { .. } | RingCxError::NotFound)) => (None, KEPT),
            Ok(Err(_)) | Err(_) => (known.and_then(|(hours, _)| hours), FAILURE_KEPT),
        };
        self.hours.put(key, hours.clone(), now + kept);
        hours
    }

    async fn read_time_sheet(&self, connection: &Connection, urgency: Urgency) -> Result<Hours, RingCxError> {
        let call = Call {
            query: &[("limit", PAGE)],
            urgency,
            ..Call::new("time_sheets", Method::GET, &["time_sheets"])
        };
        let answer = self.rest(connection, call).await?;
        let page = answer.json()?;
        let source = connection.ringcx.source_id.as_str();
        let is_ours = |sheet: &&Value| {
            let mut sources = json::items(sheet.get("source_ids")).iter();
            sheet.get("active").and_then(Value::as_bool) != Some(false)
                && sources.any(|id| json::id(Some(id)).as_deref() == Some(source))
        };
        let Some(sheet) = json::items(page.get("records")).iter().find(is_ours) else {
            return Ok(None);
        };
        let hours = opening_hours(sheet);
        if hours.is_none() {
            tracing::warn!(
                connection.id = %connection.id, time_sheet.id = json::id(sheet.get("id")),
                "the time sheet's time zone or hours are not understood, so opening hours do not count; set a time zone on it"
            );
        }
        Ok(hours.map(Arc::new))
    }
}

fn opening_hours(sheet: &Value) -> Option<OpeningHours> {
    let mut hours = OpeningHours {
        zone: zone(json::text(sheet.get("timezone"))?)?,
        week: <[Vec<Range<u32>>; 7]>::default(),
        holidays: holidays(sheet).collect(),
    };
    for (member, day) in DAYS {
        *hours.day(day) = intervals(sheet.get(member).and_then(Value::as_str).unwrap_or_default())?;
    }
    Some(hours)
}

/// `a-b,c-d` in seconds of the day; empty: closed.
fn intervals(text: &str) -> Option<Vec<Range<u32>>> {
    let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
    parts
        .map(|part| {
            let (from, to) = part.split_once('-')?;
            Some(from.trim().parse().ok()?..to.trim().parse().ok()?)
        })
        .collect()
}

/// The schema spells the member with brackets. A date that is not written year first could mean two days.
fn holidays(sheet: &Value) -> impl Iterator<Item = Date> {
    let list = sheet.get("holidays").or_else(|| sheet.get("holidays[]"));
    json::items(list).iter().filter_map(|holiday| {
        let date = json::text(holiday.get("date"))?.replace('/', "-");
        date.get(..10)?.parse().ok()
    })
}

/// By its name in the time zone database, or by its city.
fn zone(name: &str) -> Option<TimeZone> {
    if let Ok(zone) = TimeZone::get(name) {
        return Some(zone);
    }
    let other = NOT_CITIES.iter().find(|(theirs, _)| *theirs == name);
    if let Some((_, iana)) = other {
        return TimeZone::get(iana).ok();
    }
    let city = format!("/{}", name.replace(' ', "_"));
    let found = db().available().find(|iana| iana.as_str().ends_with(&city))?;
    TimeZone::get(found.as_str()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_time_sheet_is_read_in_its_time_zone() {
        for zone in ["Europe/Paris", "Paris"] {
            let sheet = json!({
                "timezone": zone, "monday_hours": "32400-43200,50400-64800",
                "holidays": [{"name": "Monday off", "date": "2026-07-20"}, {"name": "odd", "date": "20/07"}],
            });
            let hours = opening_hours(&sheet).unwrap();
            for (at, open) in [
                ("2026-07-13T06:59:00Z", false),
                ("2026-07-13T07:00:00Z", true),
                ("2026-01-12T07:30:00Z", false), // an hour later in winter
                ("2026-07-13T10:30:00Z", false),
                ("2026-07-13T15:59:00Z", true),
                ("2026-07-20T08:00:00Z", false),
                ("2026-07-14T08:00:00Z", false),
            ] {
                assert_eq!(hours.is_open(at.parse().unwrap()), open, "{zone} {at}");
            }
        }
    }

    #[test]
    fn what_is_not_understood_is_not_guessed() {
        for odd in [
            json!({"timezone": "Atlantis", "monday_hours": "0-86400"}),
            json!({"timezone": "", "monday_hours": "0-86400"}),
            json!({"monday_hours": "0-86400"}),
            json!({"timezone": "Europe/Paris", "monday_hours": "nine to five"}),
        ] {
            assert_eq!(opening_hours(&odd), None, "{odd}");
        }
    }
}
