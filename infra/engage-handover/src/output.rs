//! Standard output for results, standard error for complaints.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io::Write as _;

use handover_core::Timestamp;

/// Writes a line of the result. A reader that is gone (`| head`) is no error.
pub(crate) fn line(text: &str) {
    let _ = writeln!(std::io::stdout().lock(), "{}", harmless(text));
}

pub(crate) fn complain(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "engage-handover: {}", harmless(text));
}

/// Text in which nothing steers a terminal or turns its words around: names and ids come from other people.
///
/// Line breaks stay, since texts of ours have some; what comes from others goes through [`of_others`] first. JSON stays
/// JSON: it is escaped as JSON escapes it.
pub(crate) fn harmless(text: &str) -> Cow<'_, str> {
    visible(text, |c| matches!(c, '\n' | '\t'))
}

/// Something that others wrote, on one line: a line break in it would forge a line of ours.
pub(crate) fn of_others(text: &str) -> Cow<'_, str> {
    visible(text, |_| false)
}

fn visible(text: &str, stays: impl Fn(char) -> bool) -> Cow<'_, str> {
    let hides = |c: char| steers(c) && !stays(c);
    if !text.contains(hides) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if hides(c) {
            let _ = write!(shown, "\\u{:04x}", u32::from(c));
        } else {
            shown.push(c);
        }
    }
    Cow::Owned(shown)
}

/// Control characters, line separators, and what changes the direction of writing (Unicode Bidirectional Algorithm,
/// "Directional Formatting Characters").
fn steers(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// So many of them.
pub(crate) fn many(count: usize, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {what}{plural}")
}

/// How long ago something was, in one unit.
pub(crate) fn ago(now: Timestamp, at: Timestamp) -> String {
    let seconds = now.duration_since(at).as_secs();
    match seconds {
        ..1 => "just now".to_owned(),
        1..100 => format!("{seconds} s ago"),
        100..6_000 => format!("{} min ago", seconds / 60),
        6_000..172_800 => format!("{} h ago", seconds / 3_600),
        _ => format!("{} d ago", seconds / 86_400),
    }
}

/// Rows under their headings, as wide as they need to be. What others wrote cannot leave its cell.
pub(crate) fn table(headings: &[&str], rows: &[Vec<String>]) {
    let rows: Vec<Vec<String>> = rows
        .iter()
        .map(|row| row.iter().map(|cell| of_others(cell).into_owned()).collect())
        .collect();
    let mut widths: Vec<usize> = headings.iter().map(|heading| heading.chars().count()).collect();
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let render = |cells: &[String]| {
        let padded: Vec<String> = cells
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell:<width$}", width = *width))
            .collect();
        line(padded.join("  ").trim_end());
    };
    render(
        &headings
            .iter()
            .map(|heading| (*heading).to_owned())
            .collect::<Vec<_>>(),
    );
    for row in &rows {
        render(row);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_others_wrote_steers_the_terminal() {
        let name = "Sam\x1b[2J\r\n    ok  \u{202e}txt\u{9b}";
        let shown = of_others(name);
        assert_eq!(shown, r"Sam\u001b[2J\u000d\u000a    ok  \u202etxt\u009b");
        assert_eq!(harmless("a\nb\x1b"), "a\nb\\u001b", "our own line breaks stay");
        let json = serde_json::to_string_pretty(&[name]).unwrap();
        let read: Vec<String> = serde_json::from_str(&harmless(&json)).unwrap();
        assert_eq!(read, [name], "JSON says the same");
        assert_eq!(of_others("Zoë 東京 🙂"), "Zoë 東京 🙂");
    }

    #[test]
    fn an_age_has_one_unit() {
        let now: Timestamp = "2026-11-20T09:00:00Z".parse().unwrap();
        let ages = [
            ("2026-11-20T09:00:05Z", "just now"),
            ("2026-11-20T08:59:00Z", "60 s ago"),
            ("2026-11-20T08:57:00Z", "3 min ago"),
            ("2026-11-20T07:00:00Z", "2 h ago"),
            ("2026-11-10T09:00:00Z", "10 d ago"),
        ];
        for (at, expected) in ages {
            assert_eq!(ago(now, at.parse().unwrap()), expected);
        }
    }
}
