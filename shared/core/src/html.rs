//! HTML as plain text.
//!
//! Agents write it: RCE's default body format is HTML (Source SDK, `messages.text` / `messages.html` options), cleaned
//! of scripts and styles by RCE; nothing here relies on that. Bots write it too, for web chats.

use html5gum::{DefaultEmitter, StartTag, Token, Tokenizer};

/// Elements whose content is never text for people.
const DROPPED: [&[u8]; 6] = [b"script", b"style", b"title", b"iframe", b"noembed", b"noframes"];

/// Elements that start and end a line.
const BLOCKS: [&[u8]; 33] = [
    b"address",
    b"article",
    b"aside",
    b"blockquote",
    b"body",
    b"center",
    b"dd",
    b"div",
    b"dl",
    b"dt",
    b"fieldset",
    b"figcaption",
    b"figure",
    b"footer",
    b"form",
    b"h1",
    b"h2",
    b"h3",
    b"h4",
    b"h5",
    b"h6",
    b"header",
    b"hr",
    b"li",
    b"main",
    b"nav",
    b"ol",
    b"p",
    b"pre",
    b"section",
    b"table",
    b"tr",
    b"ul",
];

/// Schemes of links that lead somewhere for a person in a chat.
const LINK_SCHEMES: [&str; 4] = ["http://", "https://", "mailto:", "tel:"];

/// Converts HTML to text: block elements and `<br>` become line breaks, list items get `- `, links
/// keep their target as `text (target)` unless both are the same, images become their alternative
/// text, entities are decoded, white space is collapsed and scripts and styles vanish.
pub fn html_to_text(html: &str) -> String {
    let mut emitter = DefaultEmitter::default();
    emitter.naively_switch_states(true);
    let mut writer = Writer::default();
    for token in Tokenizer::new_with_emitter(html, emitter).flatten() {
        match token {
            Token::StartTag(tag) => writer.start(&tag),
            Token::EndTag(tag) => writer.end(&tag.name),
            Token::String(text) => writer.text(&String::from_utf8_lossy(&text)),
            Token::Comment(_) | Token::Doctype(_) | Token::Error(_) => {}
        }
    }
    writer.finish()
}

/// Collects text; white space is written only once something follows it.
#[derive(Default)]
struct Writer {
    out: String,
    space: bool,
    /// Line breaks before the next text; two make an empty line, more are the same as two.
    breaks: usize,
    /// The mark of a list item whose text has not come yet.
    item: bool,
    link: Option<Link>,
    /// The dropped element that we are in.
    dropping: Option<Vec<u8>>,
    /// How many `<pre>` we are in: there, white space is text.
    preformatted: usize,
}

struct Link {
    target: String,
    /// Where in the output its text starts.
    from: usize,
}

impl Writer {
    fn start(&mut self, tag: &StartTag<()>) {
        let name: &[u8] = &tag.name;
        if self.dropping.is_some() {
            return;
        }
        if DROPPED.contains(&name) {
            self.dropping = Some(name.to_vec());
            return;
        }
        if BLOCKS.contains(&name) {
            self.new_line();
        }
        match name {
            b"br" => self.breaks += 1,
            b"li" => self.item = true,
            b"td" | b"th" => self.space = true,
            b"pre" => self.preformatted += 1,
            b"img" => self.text(&attribute(tag, b"alt")),
            b"a" => {
                self.end_link();
                self.link = Some(Link {
                    target: attribute(tag, b"href").trim().to_owned(),
                    from: self.out.len(),
                });
            }
            _ => {}
        }
    }

    fn end(&mut self, name: &[u8]) {
        if let Some(dropped) = &self.dropping {
            if dropped == name {
                self.dropping = None;
            }
            return;
        }
        match name {
            b"a" => self.end_link(),
            b"li" => self.item = false,
            b"pre" => self.preformatted = self.preformatted.saturating_sub(1),
            _ => {}
        }
        if BLOCKS.contains(&name) {
            self.new_line();
        }
    }

    fn new_line(&mut self) {
        self.breaks = self.breaks.max(1);
    }

    fn text(&mut self, text: &str) {
        if self.dropping.is_some() {
            return;
        }
        for c in text.chars() {
            match c {
                '\n' if self.preformatted > 0 => self.breaks += 1,
                c if c.is_whitespace() && self.preformatted == 0 => self.space = true,
                c => self.push(c),
            }
        }
    }

    fn push(&mut self, c: char) {
        if self.breaks > 0 && !self.out.is_empty() {
            self.out.extend(std::iter::repeat_n('\n', self.breaks.min(2)));
        } else if self.space && !self.out.is_empty() {
            self.out.push(' ');
        }
        self.breaks = 0;
        self.space = false;
        if std::mem::take(&mut self.item) {
            self.out.push_str("- ");
        }
        self.out.push(c);
    }

    fn end_link(&mut self) {
        let Some(Link { target, from }) = self.link.take() else {
            return;
        };
        let lower = target.to_ascii_lowercase();
        if !LINK_SCHEMES.iter().any(|scheme| lower.starts_with(scheme)) {
            return;
        }
        let written = self.out.get(from..).unwrap_or_default().trim();
        if written.trim_start_matches("- ").is_empty() {
            self.text(&target);
        } else if !same_place(written.trim_start_matches("- "), &target) {
            // It belongs to the text's line; what ended that line comes after it.
            let breaks = std::mem::take(&mut self.breaks);
            self.space = true;
            self.text(&format!("({target})"));
            self.breaks = breaks;
        }
    }

    fn finish(mut self) -> String {
        self.end_link();
        self.out.truncate(self.out.trim_end().len());
        self.out
    }
}

/// Whether a link's text already says where it leads.
fn same_place(text: &str, target: &str) -> bool {
    let bare = |s: &str| s.trim_end_matches('/').to_lowercase();
    let target = target
        .strip_prefix("mailto:")
        .or_else(|| target.strip_prefix("tel:"))
        .unwrap_or(target);
    bare(text) == bare(target)
}

fn attribute(tag: &StartTag<()>, name: &[u8]) -> String {
    tag.attributes
        .get(name)
        .map(|value| String::from_utf8_lossy(value).into_owned())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests;
