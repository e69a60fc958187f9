//! A bot's text as an agent should read it.

use handover_core::html::html_to_text;
use handover_core::structured::readable;
use serde_json::Value;

/// Tags that make a text HTML. Others, such as `<name>`, are somebody's words.
const INLINE: [&str; 17] = [
    "a", "abbr", "b", "code", "del", "em", "font", "i", "img", "mark", "s", "small", "span", "strong", "sub",
    "sup", "u",
];

/// Tags that make line breaks of their own, so that those in the text mean nothing.
const BLOCK: [&str; 20] = [
    "blockquote",
    "body",
    "br",
    "div",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "hr",
    "html",
    "li",
    "ol",
    "p",
    "pre",
    "style",
    "table",
    "tr",
    "ul",
];

/// HTML becomes plain text, JSON becomes lines, all else stays as it is.
pub(crate) fn clean(text: &str) -> String {
    if let Some(lines) = json(text).and_then(|json| readable(&json)) {
        return lines;
    }
    if has_tag(text, &BLOCK) {
        html_to_text(text)
    } else if has_tag(text, &INLINE) {
        text.lines().map(html_to_text).collect::<Vec<_>>().join("\n")
    } else {
        text.to_owned()
    }
}

/// A text that is a JSON object, or a list of them.
fn json(text: &str) -> Option<Value> {
    let text = text.trim();
    if !text.starts_with(['{', '[']) {
        return None;
    }
    let value: Value = serde_json::from_str(text).ok()?;
    let is_data = match &value {
        Value::Object(members) => !members.is_empty(),
        Value::Array(items) => !items.is_empty() && items.iter().all(Value::is_object),
        _ => false,
    };
    is_data.then_some(value)
}

fn has_tag(text: &str, names: &[&str]) -> bool {
    text.split('<').skip(1).any(|rest| {
        let rest = rest.strip_prefix('/').unwrap_or(rest);
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric());
        let (name, after) = rest.split_at(end.unwrap_or(rest.len()));
        let closed = after.starts_with([' ', '\t', '\n', '>', '/']) && after.contains('>');
        closed && names.iter().any(|known| name.eq_ignore_ascii_case(known))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn html_is_cleaned_and_words_are_not_touched() {
        for (text, expected) in [
            ("<p>Hi <b>you</b></p><ul><li>one</li></ul>", "Hi you\n- one"),
            (
                "first\nsecond <b>bold</b> &amp; more",
                "first\nsecond bold & more",
            ),
            ("a<br/>b", "a\nb"),
            ("1 < 2 and 3 > 2", "1 < 2 and 3 > 2"),
            ("write to <name> or <a, b>", "write to <name> or <a, b>"),
            ("Tom &amp; Jerry", "Tom &amp; Jerry"),
            ("<b", "<b"),
            (
                "see <a href='https://x.test'>this</a>",
                "see this (https://x.test)",
            ),
            ("{\"order\": 12, \"open\": true}", "open: yes\norder: 12"),
            ("{}", "{}"),
            ("{\"_a\": 1}", "{\"_a\": 1}"),
            ("[1] first", "[1] first"),
            ("[1, 2]", "[1, 2]"),
            ("{not json}", "{not json}"),
        ] {
            assert_eq!(clean(text), expected);
        }
    }
}
