//! The page and its files, part of the binary.

use axum::Router;
use axum::http::header;
use axum::routing::get;

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const JS: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

/// Path, type and text of each file.
const TEXTS: [(&str, &str, &str); 11] = [
    ("/", HTML, include_str!("page/index.html")),
    ("/style.css", CSS, include_str!("page/style.css")),
    ("/icon.svg", SVG, include_str!("page/icon.svg")),
    ("/app.js", JS, include_str!("page/app.js")),
    ("/channels.js", JS, include_str!("page/channels.js")),
    ("/chat.js", JS, include_str!("page/chat.js")),
    ("/desk.js", JS, include_str!("page/desk.js")),
    ("/dom.js", JS, include_str!("page/dom.js")),
    ("/guide.js", JS, include_str!("page/guide.js")),
    ("/timeline.js", JS, include_str!("page/timeline.js")),
    ("/wire.js", JS, include_str!("page/wire.js")),
];

/// The file that the bot sends on the channel that RCE owns.
const RECEIPT: &[u8] = include_bytes!("page/receipt-4711.pdf");

pub(super) fn router() -> Router {
    let receipt = get(|| async { ([(header::CONTENT_TYPE, "application/pdf")], RECEIPT) });
    TEXTS.into_iter().fold(
        Router::new().route("/receipt-4711.pdf", receipt),
        |router, (path, kind, text)| {
            router.route(
                path,
                get(move || async move { ([(header::CONTENT_TYPE, kind)], text) }),
            )
        },
    )
}
