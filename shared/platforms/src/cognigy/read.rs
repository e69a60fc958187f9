//! From Cognigy: what a flow says, and what a person says to it.

use handover_core::json::is_too_deep;
use handover_core::structured::readable;
use serde_json::Value;

use super::adaptive;
use crate::content::{Content, Readers, Reading};
use crate::forms::{cards, choice, items, location, plain_payload, said, scalar};
use crate::messenger::{self, below};
use crate::words::clean;

/// Reads a flow's output, `{text, data}`.
///
/// Where there is a form for RCE it is taken, else the default channel's, else the web chat's. What has no form in RCE is
/// readable text: adaptive cards, phone buttons, a plugin's data, JSON in a text. Data that is in none of Cognigy's forms
/// is shown only if nothing else is said, because it is meant for machines; commands are not shown.
pub fn from_cognigy(output: &Value) -> Content {
    read_output(output, Readers::Agents)
}

/// The same for a person on a channel of RCE's own: data that is in none of Cognigy's forms is left out.
pub(super) fn for_customer(output: &Value) -> Content {
    read_output(output, Readers::Customers)
}

fn read_output(output: &Value, readers: Readers) -> Content {
    let mut reading = Reading::by(readers);
    let data = output.get("data").unwrap_or(&Value::Null);
    let text = said(output, &["text"]).map(|text| clean(&text));
    let forms = forms(data);
    let engage = &forms["_ringCentralEngage"]["json"];
    let is_engage = said(engage, &["command"]).as_deref() == Some("structured-content");
    reading.say(&text.unwrap_or_default());
    if is_engage {
        read_engage(engage, &mut reading);
    } else {
        let before = reading.size();
        for channel in [
            "_default",
            "_defaultPreview",
            "_webchat",
            "_webchat3",
            "_facebook",
        ] {
            let form = &forms[channel];
            if form["message"].is_object() {
                messenger::read(&form["message"], plain_payload, &mut reading);
            } else {
                read_default(form, &mut reading);
            }
            if reading.size() > before {
                break;
            }
        }
    }
    if reading.is_empty() {
        reading.say(&said(forms, &["_fallbackText"]).unwrap_or_default());
    }
    if let Some(plugin) = data.get("_plugin").filter(|_| reading.is_empty()) {
        reading.data(plugin);
    }
    if reading.is_empty() && !is_machine(data) {
        reading.data(data);
    }
    reading.finish()
}

/// The forms of the channels. The REST endpoint nests them.
pub(super) fn forms(data: &Value) -> &Value {
    let forms = [data, &data["_data"]].map(|data| &data["_cognigy"]);
    forms
        .into_iter()
        .find(|forms| forms.is_object())
        .unwrap_or(&Value::Null)
}

/// Content in RCE's own words goes as it is, whatever its type: who sends it to RCE knows what RCE takes.
fn read_engage(engage: &Value, into: &mut Reading) {
    into.say(
        &said(engage, &["body"])
            .map(|body| clean(&body))
            .unwrap_or_default(),
    );
    let content = &engage["structuredContent"];
    if content.is_object() && !is_too_deep(content) {
        into.raw_form(content.clone());
    } else {
        into.data(content);
    }
}

/// The default channel's forms, of which an output has one.
fn read_default(form: &Value, into: &mut Reading) {
    let Value::Object(forms) = form else {
        return;
    };
    for (name, form) in forms {
        match name.as_str() {
            "_text" => read_text(form, into),
            "_quickReplies" => {
                let text = said(form, &["text"]);
                choice(text.as_deref(), items(form, "quickReplies"), plain_payload, into);
            }
            "_buttons" => {
                let text = said(form, &["text"]);
                choice(text.as_deref(), items(form, "buttons"), plain_payload, into);
            }
            "_gallery" => cards(items(form, "items"), plain_payload, into),
            "_list" => {
                cards(items(form, "items"), plain_payload, into);
                below(
                    form.get("button").map(std::slice::from_ref).unwrap_or_default(),
                    into,
                );
            }
            "_image" | "_audio" | "_video" | "_file" => read_file(form, into),
            "_adaptiveCard" | "adaptiveCard" => {
                let card = form.get("adaptiveCard").unwrap_or(form);
                match adaptive::text(card) {
                    Some(text) => into.say(&text),
                    None => into.data(card),
                }
            }
            _ => into.data(form),
        }
    }
}

fn read_text(form: &Value, into: &mut Reading) {
    let texts = form.get("text").unwrap_or(form);
    match texts {
        Value::Array(texts) => texts
            .iter()
            .filter_map(scalar)
            .for_each(|text| into.say(&clean(&text))),
        text => into.say(&scalar(text).map(|text| clean(&text)).unwrap_or_default()),
    }
}

fn read_file(form: &Value, into: &mut Reading) {
    let url = said(form, &["imageUrl", "audioUrl", "videoUrl", "fileUrl", "url"]);
    match url {
        Some(url) => {
            let kind = said(form, &["mimeType", "fileType"]);
            into.file(
                &url,
                said(form, &["fileName", "name"]).as_deref(),
                kind.as_deref(),
            );
        }
        None => into.data(form),
    }
    below(items(form, "buttons"), into);
}

/// Data that only machines read: Cognigy's own members, and commands.
fn is_machine(data: &Value) -> bool {
    data.as_object().is_none_or(|members| {
        members.keys().all(|key| {
            key.starts_with('_') || matches!(key.as_str(), "handover" | "bridge" | "type" | "command")
        })
    })
}

/// Reads a person's input, `{text, data}`: files are in `data.attachments[{name, url, type}]` (endpoints that take files),
/// a button's payload in `data.payload`, and what was filled in on an xApp's page in `data._cognigy._app.payload`. Other data
/// is shown if nothing else is said: a place, a form that was sent.
///
/// A person's words are never changed.
pub fn person_from_cognigy(input: &Value) -> Content {
    let mut reading = Reading::default();
    let data = input.get("data").unwrap_or(&Value::Null);
    reading.say(&said(input, &["text"]).unwrap_or_default());
    for file in items(data, "attachments") {
        let (name, kind) = (
            said(file, &["name", "fileName"]),
            said(file, &["type", "mimeType"]),
        );
        match said(file, &["url"]) {
            Some(url) => reading.file(&url, name.as_deref(), kind.as_deref()),
            None => reading.say(&readable(file).unwrap_or_default()),
        }
    }
    reading.payload = ["payload", "postback"].iter().find_map(|key| {
        let value = data.get(*key)?;
        plain_payload(value.get("payload").unwrap_or(value))
    });
    for place in [&data["location"], data] {
        if location(place, &mut reading) {
            break;
        }
    }
    for filled_in in [&data["_cognigy"]["_app"]["payload"], &data["_plugin"]["payload"]] {
        reading.say(&readable(filled_in).unwrap_or_default());
    }
    if reading.is_empty() && !is_machine(data) {
        reading.say(&readable(data).unwrap_or_default());
    }
    reading.finish()
}
