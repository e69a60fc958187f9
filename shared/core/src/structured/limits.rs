//! What RCE takes of structured content. Lengths are counted in Unicode scalar values: the pages name no unit.

use std::fmt;

use super::{Button, RichLink, Structured, Template};

/// Most answers of a select (Source SDK, "Structured contents").
pub const SELECT_ITEMS_MAX: usize = 13;
/// Most buttons of a template, alone or in a carousel (REST API, "Structured contents"; the SDK's page is silent).
pub const BUTTONS_MAX: usize = 4;
/// Most templates of a carousel (Source SDK, "Structured contents").
pub const CAROUSEL_ITEMS_MAX: usize = 10;
/// Longest title of a link or a template (Source SDK, "Structured contents").
pub const TITLE_MAX: usize = 350;
/// Longest subtitle (Source SDK, "Structured contents").
pub const SUBTITLE_MAX: usize = 1_000;
/// Longest title of an answer or a button (Source SDK, "Structured contents").
pub const ITEM_TITLE_MAX: usize = 80;
/// Longest text that stands for a URL (Source SDK, "Structured contents").
pub const URL_TEXT_MAX: usize = 80;
/// Longest payload (Source SDK, "Structured contents"), of ASCII characters (REST API, same page).
pub const PAYLOAD_MAX: usize = 1_000;
/// Longest URL, `http` or `https` (Source SDK, "Structured contents"; its samples with other schemes contradict it).
pub const URL_MAX: usize = 2_048;

/// What RCE would refuse, and where. Says nothing of the content itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Excess {
    /// Such as `items[2].title`.
    pub place: String,
    pub what: What,
}

/// How a member exceeds a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    Missing,
    TooMany {
        count: usize,
        most: usize,
    },
    TooLong {
        length: usize,
        most: usize,
    },
    NotAscii,
    NotWeb,
    /// Some templates of a carousel have a picture, others have none.
    SomePictures,
}

impl fmt::Display for Excess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.place)?;
        match self.what {
            What::Missing => f.write_str("missing"),
            What::TooMany { count, most } => write!(f, "{count}, at most {most}"),
            What::TooLong { length, most } => write!(f, "{length} characters, at most {most}"),
            What::NotAscii => f.write_str("not ASCII"),
            What::NotWeb => f.write_str("not an http or https URL"),
            What::SomePictures => f.write_str("either all have a picture or none"),
        }
    }
}

impl Structured {
    /// Everything that keeps RCE from taking this content beside `body`; nothing, if it fits.
    pub fn excess(&self, body: Option<&str>) -> Vec<Excess> {
        let mut found = Found(Vec::new());
        match self {
            Self::Select(select) => {
                found.required("body", body.unwrap_or_default(), usize::MAX);
                found.count("items", select.items.len(), 1, SELECT_ITEMS_MAX);
                for (index, item) in select.items.iter().enumerate() {
                    found.required(&format!("items[{index}].title"), &item.title, ITEM_TITLE_MAX);
                    found.payload(&format!("items[{index}].payload"), item.payload.as_deref());
                }
            }
            Self::RichLink(link) => link.measure(&mut found),
            Self::Template(template) => template.measure("", &mut found),
            Self::Carousel(cards) => {
                found.count("items", cards.len(), 1, CAROUSEL_ITEMS_MAX);
                let pictures = cards.iter().filter(|card| card.image.is_some()).count();
                if pictures > 0 && pictures < cards.len() {
                    found.add("items", What::SomePictures);
                }
                for (index, card) in cards.iter().enumerate() {
                    card.measure(&format!("items[{index}]."), &mut found);
                }
            }
        }
        found.0
    }
}

impl RichLink {
    fn measure(&self, found: &mut Found) {
        found.url("url", Some(&self.url));
        found.required("title", &self.title, TITLE_MAX);
        found.length("subtitle", self.subtitle.as_deref(), SUBTITLE_MAX);
        found.length("url_text", self.url_text.as_deref(), URL_TEXT_MAX);
        found.url("attachment_url", self.image.as_deref());
    }
}

impl Template {
    fn measure(&self, at: &str, found: &mut Found) {
        found.required(&format!("{at}title"), &self.title, TITLE_MAX);
        found.length(&format!("{at}subtitle"), self.subtitle.as_deref(), SUBTITLE_MAX);
        found.url(&format!("{at}url"), self.url.as_deref());
        found.length(&format!("{at}url_text"), self.url_text.as_deref(), URL_TEXT_MAX);
        found.url(&format!("{at}attachment_url"), self.image.as_deref());
        found.count(&format!("{at}items"), self.buttons.len(), 0, BUTTONS_MAX);
        for (index, button) in self.buttons.iter().enumerate() {
            let at = format!("{at}items[{index}].");
            match button {
                Button::Url { title, url } => {
                    found.required(&format!("{at}title"), title, ITEM_TITLE_MAX);
                    found.url(&format!("{at}url"), Some(url));
                }
                Button::Reply { title, payload } => {
                    found.required(&format!("{at}title"), title, ITEM_TITLE_MAX);
                    found.payload(&format!("{at}payload"), payload.as_deref());
                }
            }
        }
    }
}

struct Found(Vec<Excess>);

impl Found {
    fn add(&mut self, place: &str, what: What) {
        let place = place.to_owned();
        self.0.push(Excess { place, what });
    }

    fn count(&mut self, place: &str, count: usize, least: usize, most: usize) {
        if count < least {
            self.add(place, What::Missing);
        } else if count > most {
            self.add(place, What::TooMany { count, most });
        }
    }

    fn length(&mut self, place: &str, text: Option<&str>, most: usize) {
        let length = text.map_or(0, |text| text.chars().count());
        if length > most {
            self.add(place, What::TooLong { length, most });
        }
    }

    fn required(&mut self, place: &str, text: &str, most: usize) {
        if text.trim().is_empty() {
            self.add(place, What::Missing);
        }
        self.length(place, Some(text), most);
    }

    fn payload(&mut self, place: &str, payload: Option<&str>) {
        self.length(place, payload, PAYLOAD_MAX);
        if payload.is_some_and(|payload| !payload.is_ascii()) {
            self.add(place, What::NotAscii);
        }
    }

    fn url(&mut self, place: &str, url: Option<&str>) {
        self.length(place, url, URL_MAX);
        if url.is_some_and(|url| !is_web_url(url)) {
            self.add(place, What::NotWeb);
        }
    }
}

/// Whether a text is an `http` or `https` URL.
pub fn is_web_url(text: &str) -> bool {
    url::Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
}
