//! When the contact centre is open, as an account's time sheet says it.

use std::ops::Range;

use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;

use crate::Timestamp;

/// Weekly hours with holidays, in a time zone.
#[derive(Clone, Debug, PartialEq)]
pub struct OpeningHours {
    pub zone: TimeZone,
    /// Seconds of the day, from Monday to Sunday; an end may be the day's last second and more.
    pub week: [Vec<Range<u32>>; 7],
    /// Closed all day.
    pub holidays: Vec<Date>,
}

impl OpeningHours {
    /// Whether it is open at some moment.
    pub fn is_open(&self, at: Timestamp) -> bool {
        let local = self.zone.to_datetime(at);
        let time = local.time();
        let second = [time.hour(), time.minute(), time.second()]
            .into_iter()
            .fold(0, |sum, part| sum * 60 + u32::from(part.unsigned_abs()));
        let day = usize::from(local.weekday().to_monday_zero_offset().unsigned_abs());
        !self.holidays.contains(&local.date()) && self.week[day].iter().any(|open| open.contains(&second))
    }

    /// The hours of a day.
    pub fn day(&mut self, day: Weekday) -> &mut Vec<Range<u32>> {
        &mut self.week[usize::from(day.to_monday_zero_offset().unsigned_abs())]
    }
}

#[cfg(test)]
mod tests {
    use jiff::tz;

    use super::*;

    fn office() -> OpeningHours {
        let mut hours = OpeningHours {
            zone: TimeZone::fixed(tz::offset(2)),
            week: Default::default(),
            holidays: vec!["2026-05-01".parse().unwrap()],
        };
        *hours.day(Weekday::Friday) = vec![9 * 3600..12 * 3600, 13 * 3600..17 * 3600];
        hours
    }

    #[test]
    fn it_is_open_within_its_hours_in_its_own_time_zone() {
        let hours = office();
        for (at, open) in [
            ("2026-04-24T06:59:59Z", false),
            ("2026-04-24T07:00:00Z", true),
            ("2026-04-24T09:59:59Z", true),
            ("2026-04-24T10:00:00Z", false),
            ("2026-04-24T11:00:00Z", true),
            ("2026-04-24T15:00:00Z", false),
            ("2026-04-23T08:00:00Z", false),
            ("2026-05-01T08:00:00Z", false),
        ] {
            assert_eq!(hours.is_open(at.parse().unwrap()), open, "{at}");
        }
    }
}
