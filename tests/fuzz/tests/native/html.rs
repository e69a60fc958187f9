//! E-mails as text.

use bolero::{TypeGenerator, check};
use handover_core::html::html_to_text;
use handover_fuzz::TIME;

/// What is around words in an e-mail.
const AROUND: [&str; 14] = [
    "p",
    "div",
    "b",
    "i",
    "u",
    "strong",
    "em",
    "span",
    "ul",
    "blockquote",
    "h1",
    "table",
    "font",
    "a",
];

#[derive(Clone, Debug, TypeGenerator)]
enum Markup {
    Words { around: u8, text: String },
    Break,
    Script(String),
    Comment(String),
}

fn escaped(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    text.replace('>', "&gt;").replace('"', "&quot;")
}

/// What people wrote is all there, whatever characters, and nothing of the markup around it is.
#[test]
fn text_of_html() {
    check!()
        .with_type::<Vec<Markup>>()
        .with_test_time(TIME)
        .for_each(|pieces| {
            let (mut html, mut words) = (String::new(), Vec::new());
            for piece in pieces {
                match piece {
                    Markup::Words { around, text } => {
                        // HTML has no such character.
                        let text = text.replace('\0', "");
                        let tag = AROUND[usize::from(*around) % AROUND.len()];
                        html.extend(["<", tag, " title=\"t\"> ", &escaped(&text), " </", tag, "> "]);
                        words.extend(text.split_whitespace().map(str::to_owned));
                    }
                    Markup::Break => html += " <br/> ",
                    Markup::Script(script) => {
                        html.extend(["<script>", &script.replace('<', ""), "</script>"]);
                    }
                    Markup::Comment(comment) => {
                        html.extend(["<!-- ", &comment.replace(['-', '>'], ""), " -->"]);
                    }
                }
            }
            let text = html_to_text(&html);
            let read: Vec<&str> = text.split_whitespace().collect();
            assert_eq!(read, words);
        });
}
