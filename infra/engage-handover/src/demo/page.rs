//! The page and its files, part of the binary.

use axum::Router;
use axum::http::header;
use axum::routing::get;

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const JS: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

/// Path, type and text of each file.
const FILES: [(&str, &str, &str); 10] = [
    ("/", HTML, include_str!("page/index.html")),
    ("/style.css", CSS, include_str!("page/style.css")),
    ("/icon.svg", SVG, include_str!("page/icon.svg")),
    ("/app.js", JS, include_str!("page/app.js")),
    ("/chat.js", JS, include_str!("page/chat.js")),
    ("/desk.js", JS, include_str!("page/desk.js")),
    ("/dom.js", JS, include_str!("page/dom.js")),
    ("/guide.js", JS, include_str!("page/guide.js")),
    ("/timeline.js", JS, include_str!("page/timeline.js")),
    ("/wire.js", JS, include_str!("page/wire.js")),
];

pub(super) fn router() -> Router {
    FILES
        .into_iter()
        .fold(Router::new(), |router, (path, kind, text)| {
            router.route(
                path,
                get(move || async move { ([(header::CONTENT_TYPE, kind)], text) }),
            )
        })
}
