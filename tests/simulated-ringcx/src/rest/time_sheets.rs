//! `time_sheets`: the account's business hours.

use std::cmp::Reverse;

use serde_json::{Value, json};

use crate::console::SET_UP;
use crate::model::{Holiday, TimeSheet};
use crate::rest::params::Params;
use crate::rest::{Answer, RestError};
use crate::state::State;

/// The members of the hours, in the order of `TimeSheet::hours`.
const DAYS: [&str; 7] = [
    "monday_hours",
    "tuesday_hours",
    "wednesday_hours",
    "thursday_hours",
    "friday_hours",
    "saturday_hours",
    "sunday_hours",
];

pub(super) fn handle(state: &State, path: &[&str], params: &Params) -> Answer {
    if !state.rights.may_read_time_sheets {
        return Err(RestError::forbidden("You are not allowed to see time sheets"));
    }
    match path {
        [] => {
            let mut sheets: Vec<&TimeSheet> = state.time_sheets.iter().collect();
            sheets.sort_by_key(|sheet| (Reverse(sheet.active), &sheet.label));
            Ok(params.page(sheets, render))
        }
        [id] => state
            .time_sheets
            .iter()
            .find(|sheet| sheet.id == *id)
            .map(render)
            .ok_or_else(RestError::not_found),
        _ => Err(RestError::not_found()),
    }
}

/// The list of holidays is spelled with brackets, as the vendor's schema has it.
fn render(sheet: &TimeSheet) -> Value {
    let holiday = |day: &Holiday| json!({"name": day.name, "date": day.date});
    let mut json = json!({
        "active": sheet.active,
        "created_at": SET_UP,
        "holidays[]": sheet.holidays.iter().map(holiday).collect::<Vec<_>>(),
        "id": sheet.id,
        "label": sheet.label,
        "source_ids": sheet.source_ids,
        "timezone": sheet.timezone,
        "updated_at": SET_UP,
    });
    for (day, hours) in DAYS.iter().zip(&sheet.hours) {
        json[day] = json!(hours);
    }
    json
}
