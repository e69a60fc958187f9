//! Addresses by class: for counting, so few and without anybody's words.

/// The connection that a path names, if it is one that has connections, and its class.
pub(crate) fn of(path: &str) -> (Option<&str>, &'static str) {
    let path = path.strip_suffix('/').unwrap_or(path);
    let segments: Vec<&str> = path.split('/').skip(1).collect();
    let class = match segments.as_slice() {
        ["health"] => return (None, "health"),
        ["openapi.json"] => return (None, "openapi"),
        ["metrics"] => return (None, "metrics"),
        [_, "handover", "rce"] => "ringcx",
        [_, "handover", "rce", "source"] => "source_sdk",
        [_, "handover", "rce", "webhook"] => "webhook",
        [_, "handover", "cognigy", ..] => "cognigy",
        [_, "handover", "chatlayer", ..] => "chatlayer",
        [_, "conversations", _] => "conversation",
        [_, "conversations", _, "timeline"] => "timeline",
        [_, "conversations", _, "messages"] => "messages",
        [_, "conversations", _, "handover"] => "handover",
        [_, "conversations", _, "typing" | "read"] => "presence",
        [_, "conversations", _, "files"] | [_, "files", ..] => "files",
        [_, "availability"] => "availability",
        [_, "operator", ..] => "operator",
        _ => "unknown",
    };
    (segments.first().copied(), class)
}

#[cfg(test)]
mod tests {
    use handover_handlers::routes::ROUTES;

    use super::of;

    #[test]
    fn every_address_has_a_class_and_its_connection() {
        for (_, path) in ROUTES {
            let path = path.replace('{', "x").replace('}', "y");
            let path = format!("/acme{path}");
            let (connection, class) = of(&path);
            assert_eq!(connection, Some("acme"), "{path}");
            assert_ne!(class, "unknown", "{path}");
        }
        assert_eq!(of("/health"), (None, "health"));
        assert_eq!(of("/acme/wp-login.php"), (Some("acme"), "unknown"));
        assert_eq!(of("/"), (None, "unknown"));
    }
}
