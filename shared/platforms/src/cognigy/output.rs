//! What a Flow says to a person on a channel of RCE's own, and what it wants: outputs as the REST endpoint lists them and
//! the Webhook endpoint posts them.

use handover_core::handover::HandoverRequest;
use handover_core::ids::CategoryId;
use handover_core::json::cut_depth;
use handover_core::profile::context_data;
use serde_json::{Map, Value, json};

use super::read::{for_customer, forms};
use crate::Content;
use crate::lenient::{self, Context, LIST_MAX, REASON_MAX, SUMMARY_MAX, WORD_MAX};

/// Most outputs of one answer. A Flow with more than that runs in circles.
const OUTPUTS_MAX: usize = 50;

/// One output.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Output {
    /// What the person gets; empty for what only machines read.
    pub content: Content,
    pub command: Option<Command>,
}

/// What a Flow wants besides.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// A human, in the bot API's words.
    Handover(Map<String, Value>),
    /// No human any more.
    End,
    /// Nothing is to be answered.
    Nothing,
}

/// Reads an output, `{text, data}`.
///
/// Commands are `data.handover.command` (`start`, `end`, `none`), and `handover` in `_cognigy._ringCentralEngage.json`, as
/// flows for Cognigy's own RCE endpoint send it. Other commands, and data that is in none of Cognigy's forms, are nobody's.
pub fn output_from_cognigy(output: &Value) -> Output {
    let mut output = output.clone();
    cut_depth(&mut output);
    Output {
        content: for_customer(&output),
        command: command(output.get("data").unwrap_or(&Value::Null)),
    }
}

fn command(data: &Value) -> Option<Command> {
    let of = |object: &Value| object.get("command").and_then(Value::as_str).map(str::to_owned);
    let (own, engage) = (&data["handover"], &forms(data)["_ringCentralEngage"]["json"]);
    match of(own).as_deref() {
        Some("start") => return Some(Command::Handover(wish(own))),
        Some("end") => return Some(Command::End),
        Some("none") => return Some(Command::Nothing),
        _ => {}
    }
    (of(engage).as_deref() == Some("handover")).then(|| Command::Handover(wish(engage)))
}

/// The outputs in the answer of a REST endpoint, in order.
///
/// Beside them, how many were too many and are left out.
pub fn outputs_of_answer(answer: &Value) -> (Vec<Output>, usize) {
    let listed = answer.get("outputStack").and_then(Value::as_array);
    let outputs = listed.map_or(std::slice::from_ref(answer), Vec::as_slice);
    let taken = outputs.iter().take(OUTPUTS_MAX).map(output_from_cognigy);
    (taken.collect(), outputs.len().saturating_sub(OUTPUTS_MAX))
}

/// What a Flow says with its request for a human, in the bot API's words. Whatever is odd is made to fit or left out.
pub fn wish(said: &Value) -> Map<String, Value> {
    let mut request = Map::new();
    let mut put = |key: &str, value: Option<Value>| {
        if let Some(value) = value {
            request.insert(key.to_owned(), value);
        }
    };
    let text = |key: &str, most| lenient::text(said.get(key)?, most).map(Value::from);
    put("reason", text("reason", REASON_MAX));
    put("summary", text("summary", SUMMARY_MAX));
    put("language", text("language", WORD_MAX));
    put(
        "require_agent",
        said.get("require_agent").and_then(lenient::flag).map(Value::from),
    );
    let mut context = Context::default();
    if let Some(facts @ Value::Object(_)) = said.get("context") {
        context.put("", facts, 0);
    }
    put("context", Some(Value::Object(context.0)));
    let categories = [
        "categories",
        "category_ids",
        "additional_category_ids",
        "additionalCategoryIds",
    ];
    let categories = categories.iter().find_map(|key| said.get(*key));
    put("category_ids", categories.map(|said| json!(ids(said))));
    request
}

/// The node's field is a text: ids separated by commas or spaces are several.
fn ids(value: &Value) -> Vec<String> {
    let words = lenient::words(value);
    let split = words.iter().flat_map(|word| word.split([',', ';', ' ', '\n']));
    let ids = split.filter(|id| !id.is_empty()).map(str::to_owned);
    ids.take(LIST_MAX).collect()
}

/// A wish as a request.
pub fn request(wish: &Map<String, Value>) -> HandoverRequest {
    let text = |key: &str| wish.get(key).and_then(Value::as_str).map(str::to_owned);
    let categories = wish.get("category_ids").and_then(Value::as_array);
    let categories = categories.into_iter().flatten().filter_map(Value::as_str);
    let context = wish.get("context").and_then(Value::as_object).cloned();
    HandoverRequest {
        reason: text("reason"),
        summary: text("summary"),
        category_ids: categories.map(CategoryId::from).collect(),
        context: context_data(context.unwrap_or_default()),
        language: text("language"),
    }
}
