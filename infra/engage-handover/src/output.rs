//! Standard output for results, standard error for complaints.

use std::io::Write as _;

use handover_core::Timestamp;

/// Writes a line of the result. A reader that is gone (`| head`) is no error.
pub(crate) fn line(text: &str) {
    let _ = writeln!(std::io::stdout().lock(), "{text}");
}

pub(crate) fn complain(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "engage-handover: {text}");
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

/// Rows under their headings, as wide as they need to be.
pub(crate) fn table(headings: &[&str], rows: &[Vec<String>]) {
    let mut widths: Vec<usize> = headings.iter().map(|heading| heading.chars().count()).collect();
    for row in rows {
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
    for row in rows {
        render(row);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
