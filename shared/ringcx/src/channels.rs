//! Kinds of channel of RCE's own (`source_type`), as far as they differ.

use handover_core::message::BODY_MAX_CHARS;

/// Longest text where the kind of channel does not tell, in characters: less than most kinds take, because what is too
/// long is refused, or cut without a word.
pub const UNKNOWN_MAX_CHARS: usize = 1_000;

/// Longest text of one reply on a channel of this kind, in characters.
pub fn reply_max_chars(source_type: Option<&str>) -> usize {
    known_max_chars(source_type).unwrap_or(UNKNOWN_MAX_CHARS)
}

/// The same; `None` where the kind does not tell.
///
/// The vendor lists lengths by channel (RingCentral API Reference, "Create Content", `body`) and names no unit. Where a
/// kind stands for a public and a private channel, the shorter counts: the kind does not tell which of them it is.
pub fn known_max_chars(source_type: Option<&str>) -> Option<usize> {
    let kind = source_type?.trim().to_ascii_lowercase();
    Some(match kind.as_str() {
        // More than that is taken of e-mails, but nothing of ours is longer.
        "email" | "emails" | "sdk" | "channel_sdk" => BODY_MAX_CHARS,
        "apple_business_chat" | "apple_messages_for_business" => 10_000,
        "youtube" => 8_000,
        "viber" => 7_000,
        "google_my_business" => 4_000,
        "whats_app" | "whatsapp" => 3_800,
        "google_business_messages" | "linkedin" => 3_000,
        // A page's comments may have 8,000.
        "messenger" | "facebook" => 2_000,
        "engage_messaging" => 1_024,
        "instagram" | "instagram_messaging" => 950,
        // RingCentral's own takes 1,000 UTF-16 units ("Create SMS Message"), of which an emoji has two or more.
        "sms" | "digital_sms" => 900,
        // Reviews of apps (Google Play Developer API, "Reply to reviews").
        "google_play" => 350,
        // Direct messages may have 10,000.
        "twitter" | "twtr" => 280,
        _ => return None,
    })
}

/// Whether nothing on a channel of this kind is ever public, so that a reply need not be marked as private.
pub fn is_one_to_one(source_type: Option<&str>) -> bool {
    let kind = source_type.unwrap_or_default().trim().to_ascii_lowercase();
    matches!(
        kind.as_str(),
        "whats_app"
            | "whatsapp"
            | "messenger"
            | "sms"
            | "digital_sms"
            | "apple_business_chat"
            | "apple_messages_for_business"
            | "engage_messaging"
            | "viber"
            | "line"
            | "email"
            | "emails"
            | "instagram_messaging"
            | "google_business_messages"
    )
}

/// Whether a channel of this kind carries e-mail: its contents have headers, which events do not show.
pub fn is_mail(source_type: Option<&str>) -> bool {
    let kind = source_type.unwrap_or_default().trim();
    kind.eq_ignore_ascii_case("email") || kind.eq_ignore_ascii_case("emails")
}

/// How often in an hour a customer may answer the bot on a channel of this kind, unless the settings say otherwise: more
/// than people do, who tap buttons in a chat but write an e-mail at a time.
pub fn max_turns_per_hour(source_type: Option<&str>) -> u32 {
    if is_mail(source_type) { 10 } else { 120 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_channel_has_its_longest_text() {
        for (kind, longest) in [
            ("whats_app", 3_800),
            ("WHATS_APP", 3_800),
            ("messenger", 2_000),
            ("facebook", 2_000),
            ("apple_business_chat", 10_000),
            ("instagram", 950),
            ("twitter", 280),
            ("SMS", 900),
            ("email", 20_000),
            ("channel_sdk", 20_000),
        ] {
            assert_eq!(reply_max_chars(Some(kind)), longest, "{kind}");
        }
    }

    #[test]
    fn only_channels_that_are_never_public_are_one_to_one() {
        for kind in ["whats_app", "SMS", "emails", "apple_business_chat"] {
            assert!(is_one_to_one(Some(kind)), "{kind}");
        }
        for kind in [None, Some("twitter"), Some("facebook"), Some("answers"), Some("")] {
            assert!(!is_one_to_one(kind), "{kind:?}");
        }
    }

    #[test]
    fn mail_is_known_by_its_kind() {
        for kind in ["email", "emails", "EMAIL"] {
            assert!(is_mail(Some(kind)), "{kind}");
        }
        for kind in [None, Some("whats_app"), Some("")] {
            assert!(!is_mail(kind), "{kind:?}");
        }
    }

    #[test]
    fn people_write_fewer_mails_an_hour_than_they_tap_buttons() {
        for (kind, most) in [
            (Some("email"), 10),
            (Some("emails"), 10),
            (Some("whats_app"), 120),
            (None, 120),
        ] {
            assert_eq!(max_turns_per_hour(kind), most, "{kind:?}");
        }
    }

    #[test]
    fn a_kind_that_nobody_knows_gets_short_texts() {
        for kind in [None, Some(""), Some("carrier_pigeon"), Some("answers")] {
            assert_eq!(known_max_chars(kind), None);
            assert_eq!(reply_max_chars(kind), UNKNOWN_MAX_CHARS);
        }
    }
}
