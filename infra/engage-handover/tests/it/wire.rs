//! What the listener makes of requests that no client library would send: nobody gets in by a second header, a second
//! length or a path that means another connection.

use std::time::Duration;

use simulated_ringcx::sign;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::bridge::{BOT_KEY, Bridge};

const TOKEN: &str = "simulated-source-token";
const LIST: &str = r#"{"action":"messages.list"}"#;
/// Only this one has it.
const OTHER_KEY: &str = "other-key-of-the-command-tests";

/// Sends bytes on a connection of their own; the statuses of all answers until it is closed, or quiet.
async fn statuses(bridge: &Bridge, bytes: &[u8]) -> Vec<u16> {
    let address = bridge.url("").replace("http://", "").replace("/default", "");
    let mut stream = TcpStream::connect(address).await.unwrap();
    // The listener may close before it has read everything.
    let _ = stream.write_all(bytes).await;
    let mut answered = Vec::new();
    let all = stream.read_to_end(&mut answered);
    let _ = tokio::time::timeout(Duration::from_secs(5), all).await;
    String::from_utf8_lossy(&answered)
        .split("HTTP/1.1 ")
        .skip(1)
        .map(|answer| answer[..3].parse().unwrap())
        .collect()
}

async fn only_status(bridge: &Bridge, head: &str, body: &str) -> u16 {
    let request = format!("{head}Host: bridge\r\nConnection: close\r\n\r\n{body}");
    let statuses = statuses(bridge, request.as_bytes()).await;
    assert_eq!(statuses.len(), 1, "{head}: {statuses:?}");
    statuses[0]
}

fn post(path: &str, headers: &[(&str, &str)], body: &str) -> String {
    let mut head = format!("POST {path} HTTP/1.1\r\nContent-Length: {}\r\n", body.len());
    for (name, value) in headers {
        head.extend([name, ": ", value, "\r\n"]);
    }
    head
}

async fn bridge_with_two_connections() -> Bridge {
    let with_another = |toml: String| {
        let other = toml
            .replace("connections.default", "connections.other")
            .replace(BOT_KEY, OTHER_KEY)
            .replace("operator-key", "other-operator-key");
        toml + &other
    };
    Bridge::start_with("info", with_another, &[]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn two_of_one_credential_are_none() {
    let bridge = Bridge::start().await;
    let (right, wrong) = (sign(TOKEN, LIST.as_bytes()), sign("wrong", LIST.as_bytes()));
    let name = "X-SMCCSDK-SIGNATURE";
    let source = "/default/handover/rce/source";
    let call = async |headers: &[(&str, &str)]| {
        let head = post(source, headers, LIST);
        only_status(&bridge, &head, LIST).await
    };
    assert_eq!(call(&[(name, &right)]).await, 200);
    for two in [[&right, &wrong], [&wrong, &right], [&right, &right]] {
        let headers = two.map(|value| (name, value.as_str()));
        assert_eq!(call(&headers).await, 401);
    }
    let secret = "simulated-webhook-secret";
    let events = r#"{"events":[]}"#;
    for (headers, expected) in [
        (&[("X-Dimelo-Secret", secret)][..], 200),
        (&[("X-Dimelo-Secret", secret), ("x-dimelo-secret", "wrong")], 401),
        (&[("X-Dimelo-Secret", "wrong"), ("x-dimelo-secret", secret)], 401),
        // Another header, however much it looks like it to a proxy that knows no difference.
        (&[("X_Dimelo_Secret", secret)], 401),
        (&[("X-Forwarded-X-Dimelo-Secret", secret)], 401),
    ] {
        for path in ["/default/handover/rce/webhook", "/default/handover/rce"] {
            let head = post(path, headers, events);
            assert_eq!(only_status(&bridge, &head, events).await, expected, "{headers:?}");
        }
    }
    let (bearer, guess) = (format!("Bearer {BOT_KEY}"), "Bearer wrong-key".to_owned());
    for (values, expected) in [
        (vec![&bearer], 200),
        (vec![&bearer, &guess], 401),
        (vec![&guess, &bearer], 401),
    ] {
        let mut head = "GET /default/availability HTTP/1.1\r\n".to_owned();
        for value in values {
            head.extend(["Authorization: ", value, "\r\n"]);
        }
        assert_eq!(only_status(&bridge, &head, "").await, expected);
    }
    // In the query the first one that says something decides, and a header decides before it.
    for (query, expected) in [
        (format!("signature={right}"), 200),
        (
            format!("sig%6Eature=%{:x}{}", right.as_bytes()[0], &right[1..]),
            200,
        ),
        (format!("signature=&signature={right}"), 200),
        (format!("signature={wrong}&signature={right}"), 401),
        (format!("SMCCSDK_SIGNATURE={right}&signature={wrong}"), 401),
        (format!("signature={right}%00"), 401),
        (format!("signature={right}%20"), 401),
        (format!("signature%5B%5D={right}"), 401),
        (format!("signature={wrong}#signature={right}"), 401),
    ] {
        let head = post(&format!("{source}?{query}"), &[], LIST);
        assert_eq!(only_status(&bridge, &head, LIST).await, expected, "{query}");
    }
    let head = post(&format!("{source}?signature={right}"), &[(name, "00")], LIST);
    assert_eq!(only_status(&bridge, &head, LIST).await, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_request_hides_in_another() {
    let bridge = Bridge::start().await;
    let inner =
        format!("GET /default/availability HTTP/1.1\r\nHost: b\r\nAuthorization: Bearer {BOT_KEY}\r\n\r\n");
    let chunk = "0\r\n\r\n";
    let path = "POST /default/handover/rce/webhook HTTP/1.1\r\nHost: b\r\n";
    for lengths in [
        format!(
            "Content-Length: {}\r\nTransfer-Encoding: chunked\r\n",
            chunk.len() + inner.len()
        ),
        format!(
            "Transfer-Encoding: chunked\r\nContent-Length: {}\r\n",
            chunk.len() + inner.len()
        ),
        "Content-Length: 5\r\nContent-Length: 6\r\n".to_owned(),
        "Content-Length: 5, 6\r\n".to_owned(),
        "Content-Length: +5\r\n".to_owned(),
        "Content-Length: 0x5\r\n".to_owned(),
        "Transfer-Encoding: chunked, identity\r\n".to_owned(),
        "Transfer-Encoding: xchunked\r\n".to_owned(),
        "Transfer-Encoding : chunked\r\n".to_owned(),
        "X-Folded: a\r\n Transfer-Encoding: chunked\r\n".to_owned(),
        "Content Length: 5\r\n".to_owned(),
    ] {
        let request = format!("{path}{lengths}\r\n{chunk}{inner}");
        let answered = statuses(&bridge, request.as_bytes()).await;
        // The first is refused, for its lengths or for want of a secret, and nothing after it on this connection is read.
        assert!(
            matches!(answered.as_slice(), [400 | 401]),
            "{lengths}: {answered:?}"
        );
    }
    let long = format!("X-Long: {}\r\n", "x".repeat(1 << 20));
    let many = "X-Many: x\r\n".repeat(1000);
    for headers in [long, many] {
        let request = format!("{path}{headers}Content-Length: 0\r\n\r\n{inner}");
        let answered = statuses(&bridge, request.as_bytes()).await;
        assert_eq!(answered, [431]);
    }
    for method in ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"] {
        let head = format!(
            "GET /default/conversations/c/handover HTTP/1.1\r\nAuthorization: Bearer {BOT_KEY}\r\n{method}: POST\r\n"
        );
        assert_eq!(only_status(&bridge, &head, "").await, 405, "{method}");
    }
    for forwarded in [
        "X-Original-URL: /health\r\n",
        "X-Rewrite-URL: /health\r\n",
        "X-Forwarded-Prefix: /default\r\n",
        "X-Forwarded-For: 127.0.0.1\r\nForwarded: for=127.0.0.1\r\n",
        "X-Forwarded-Host: trusted\r\n",
    ] {
        let head = format!("GET /default/availability HTTP/1.1\r\n{forwarded}");
        assert_eq!(only_status(&bridge, &head, "").await, 401, "{forwarded}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_path_means_what_it_says() {
    let bridge = bridge_with_two_connections().await;
    let with = async |key: &str, target: &str| {
        let head = format!("GET {target} HTTP/1.1\r\nAuthorization: Bearer {key}\r\n");
        only_status(&bridge, &head, "").await
    };
    assert_eq!(with(BOT_KEY, "/default/availability").await, 200);
    assert_eq!(with(OTHER_KEY, "/other/availability").await, 200);
    assert_eq!(
        with(BOT_KEY, "http://evil.example/default/availability").await,
        200
    );
    // Whatever somebody before us makes of it: the key must be that of the connection that answers.
    for target in [
        "/other/availability",
        "/%6Fther/availability",
        "http://evil.example/other/availability",
        "http://default@bridge/other/availability",
    ] {
        assert_eq!(with(BOT_KEY, target).await, 401, "{target}");
    }
    for target in [
        "/default/../other/availability",
        "/default/%2e%2e/other/availability",
        "/default%2F..%2Fother/availability",
        "/default%2Favailability",
        "/other%2F..%2Fdefault/availability",
        "/default/./availability",
        "/default//availability",
        "//default/availability",
        "/default;/availability",
        "/default%00/availability",
        "/default%20/availability",
        "/DEFAULT/availability",
        "/default/availability%2F..%2Fhealth",
        "/./health",
        "/default/../health",
        "/..%2Fhealth",
        "/default\\..\\other/availability",
    ] {
        for key in [BOT_KEY, OTHER_KEY] {
            let status = with(key, target).await;
            assert!(matches!(status, 400 | 404), "{target}: {status}");
        }
    }
    // An id may be anything, and stays an id: with an encoded slash it is another conversation, not another address.
    for id in [
        "..",
        "%2e%2e",
        "a%2Fhandover",
        "..%2F..%2Fother%2Favailability",
        "%2F",
    ] {
        let target = format!("/default/conversations/{id}");
        assert_eq!(with(BOT_KEY, &target).await, 404, "{target}");
    }
    for asterisk in [
        "OPTIONS * HTTP/1.1\r\n",
        "CONNECT other:443 HTTP/1.1\r\n",
        "TRACE /default/availability HTTP/1.1\r\n",
    ] {
        let status = only_status(&bridge, asterisk, "").await;
        assert!((400..500).contains(&status), "{asterisk}: {status}");
    }
    assert_eq!(statuses(&bridge, b"GET /health\r\n\r\n").await, [400], "HTTP/0.9");
}
